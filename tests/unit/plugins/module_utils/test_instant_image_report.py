# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What iiadm(1M) and svadm(1M) print: what each says, and that a damaged report is never read as better than it is."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import random

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image as image
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import parse_status, parse_volumes_of_sv
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_work import volume_name

RULER = u'-' * 78 + u'\n'
GROUPED = u'''\
/dev/vx/rdsk/oradg/vol01: (master volume)
/dev/vx/rdsk/backup/vol01s: (shadow volume)
/dev/vx/rdsk/oradg/vol01b: (bitmap volume)
Group name: Backup1
Independent copy, copy in progress, copying master to shadow
Latest modified time: Tue Mar  4 21:00:05 2003
Volume size: 20971520
Shadow chunks total: 327680 Shadow chunks used: 0
Percent of bitmap set: 42
\t(bitmap dirty)
'''
IMPORTED = u'''\
<imported_shadow>: (master volume)
/dev/vx/rdsk/backup/vol02s: (shadow volume)
/dev/vx/rdsk/backup/vol02b2: (bitmap volume)
Independent copy, shadow volume imported
Latest modified time: Tue Mar 14 21:30:11 2003
Volume size:  2097152
Shadow chunks total: 32768 Shadow chunks used: 0
Percent of bitmap set: 0
\t(bitmap clean)
'''
SUSPENDED = u'''\
/dev/vx/rdsk/oradg/vol03: (master volume)
/dev/vx/rdsk/backup/vol03s: (shadow volume)
/dev/vx/rdsk/oradg/vol03b: (bitmap volume)
Suspended.
'''
COMPACT = u'''\
/dev/rdsk/c1t0d0s0: (master volume)
/dev/rdsk/c1t1d0s0: (shadow volume)
/dev/rdsk/c1t2d0s0: (bitmap volume)
/dev/rdsk/c1t3d0s0: (overflow volume)
Cluster tag: rg1
Dependent copy, compacted shadow space, out of space, spilled into overflow volume
Latest modified time: unknown
Volume size:     8192
Percent of bitmap set: 100
'''
OLD = u'''\
/dev/md/rdsk/d1: (master volume)
/dev/md/rdsk/d2: (shadow volume)
/dev/md/rdsk/d3: (bitmap volume)
Independent copy
Volume size:     8192
Percent of bitmap set: 0
\t(bitmap dirty)
'''
OFFLINE = OLD.replace(u'Independent copy', u'Independent copy, bitmap volume offline').partition(u'Percent')[0]
EVERY = (GROUPED, IMPORTED, SUSPENDED, COMPACT, OLD, OFFLINE)


def one(text):
    found, = parse_status(text)
    return found


def test_a_set_that_is_being_copied():
    found = one(GROUPED)
    assert (found.master, found.shadow, found.bitmap, found.overflow, found.group, found.tag) == (
        '/dev/vx/rdsk/oradg/vol01', '/dev/vx/rdsk/backup/vol01s', '/dev/vx/rdsk/oradg/vol01b', None, 'Backup1', None)
    assert (found.kind, found.flags, found.modified, found.blocks, found.chunks, found.percent, found.dirty, found.suspended) == (
        'independent', ('copy in progress', 'copying master to shadow'), 'Tue Mar  4 21:00:05 2003', 20971520, 327680, 42, True, False)
    assert image.state_of(found) == 'copying' and image.faults(found) == []


@pytest.mark.parametrize('text, state, faults', [
    (IMPORTED, 'imported', []), (SUSPENDED, 'suspended', ['the set is suspended']), (COMPACT, 'synced', ['out of space']),
    (OLD, 'synced', []), (OFFLINE, 'offline', ['bitmap volume offline', 'the bitmap cannot be read']),
    (GROUPED.replace(u'in progress', u'not active'), 'interrupted', ['copy not active']),
    (OLD.replace(u'copy', u'copy, shadow volume exported', 1), 'exported', [])])
def test_states(text, state, faults):
    found = one(text)
    assert (image.state_of(found), image.faults(found)) == (state, faults)


def test_an_imported_set_has_no_master_and_old_releases_know_no_time():
    assert (one(IMPORTED).master, one(OLD).modified, one(OLD).group, one(COMPACT).modified, one(COMPACT).dirty) == (None,) * 4 + (True,)
    assert (one(COMPACT).overflow, one(COMPACT).tag, one(SUSPENDED).kind) == ('/dev/rdsk/c1t3d0s0', 'rg1', None)


def test_sets_are_separated_by_a_line():
    stray = u'Warning: multiple cluster resource groups defined within a single I/O group\n'
    found = parse_status(stray + RULER.join((GROUPED, IMPORTED, SUSPENDED)))
    assert [one.shadow[-6:] for one in found] == ['vol01s', 'vol02s', 'vol03s']
    assert parse_status(u'') == []


@pytest.mark.parametrize('words', [u'Suspended on this node, not active elsewhere', u'Suspended on this node, active on node2'])
def test_suspended_in_a_cluster(words):
    assert one(SUSPENDED.replace(u'Suspended.', words)).suspended


@pytest.mark.parametrize('damaged', [
    GROUPED.replace(u'copy in progress', u'copy nearly done'), GROUPED.replace(u'copy in progress, ', u''),
    GROUPED.replace(u'copy in progress, copying master to shadow', u'copying master to shadow, copy in progress'),
    GROUPED.replace(u'copy in progress', u'copy in progress, copy not active'),
    GROUPED.replace(u'to shadow', u'to shadow, copying shadow to master'),
    GROUPED.replace(u'Independent', u'Instant'), GROUPED.replace(u'Mar', u'Mai'), GROUPED.replace(u'(bitmap dirty)', u'(bitmap odd)'),
    GROUPED.replace(u'set: 42', u'set: 101'), GROUPED.replace(u'\t(bitmap dirty)\n', u''),
    GROUPED.replace(u'size: 20971520', u'size: many'),
    GROUPED + u'more\n', GROUPED.replace(u'Volume size: 20971520\n', u''), GROUPED + IMPORTED, SUSPENDED + u'more\n',
    SUSPENDED.replace(u'Suspended.', u'Sleeping.'), GROUPED.replace(u'(master', u'(shadow'),
    IMPORTED.replace(u'/dev/vx/rdsk/backup/vol02s', u'<imported_shadow>'),
    COMPACT.replace(u'overflow', u'bitmap', 1), u'Volume is not in configuration file\n', GROUPED.partition(u'Independent')[0], RULER,
    OLD.replace(u'copy', u'copy, shadow volume exported, shadow volume imported', 1)])
def test_what_is_not_documented_is_an_error(damaged):
    with pytest.raises(UnknownWord):
        parse_status(damaged)


def damage(text, dice):
    """text with one thing wrong in it."""
    at = dice.randrange(len(text))
    return dice.choice([text[:at] + text[at + 1:], text[:at], text[:at] + dice.choice(u'xX 9,\n\t') + text[at:],
                        text.replace(dice.choice(text.split()), u'word', 1)])


@pytest.mark.parametrize('text', EVERY)
def test_a_damaged_report_is_an_error_or_says_nothing_better(text):
    dice, whole = random.Random(20261120), one(text)
    for dummy in range(1500):
        try:
            found = parse_status(damage(text, dice))
        except UnknownWord:
            continue
        for piece in found:
            # What is copied, exported or failed does not become synced by a missing letter.
            assert image.state_of(piece) == image.state_of(whole)
            assert (piece.kind, piece.flags) == (whole.kind, whole.flags)


def test_volumes_of_sv():
    out = u'/dev/vx/rdsk/backup/vol01        \n/dev/rdsk/c1t0d0s0               [local to node]\n'
    err = u'svadm: warning: /dev/rdsk/c1t1d0s0 is configured, but not in the config storage\n'
    assert parse_volumes_of_sv(out, err) == {'/dev/vx/rdsk/backup/vol01': True, '/dev/rdsk/c1t0d0s0': True, '/dev/rdsk/c1t1d0s0': False}
    for wrong in ((u'unable to open /dev/sv: no\n', u''), (u'', u'svadm: error: something\n'), (u'/dev/rdsk/a b\n', u'')):
        with pytest.raises(UnknownWord):
            parse_volumes_of_sv(*wrong)


@pytest.mark.parametrize('gib, kib', [(1, 32), (10, 104), (100, 824)])
def test_size_of_a_bitmap(gib, kib):
    assert image.bitmap_blocks(gib << 21) == kib * 2


@pytest.mark.parametrize('path', ['', '-d', 'vol01', '/dev/vx/dsk/dg/v', '/dev/vx/rdsk/../x', '/dev/vx/rdsk/a b',
                                  '/dev/vx/rdsk/dg/' + 'v' * 50, '/etc/rdsk/x', '/dev/rdsk/x\n', '/dev//rdsk/x'])
def test_paths_that_are_refused(path):
    with pytest.raises(Refused):
        image.valid_path(path)


def test_the_longest_path():
    path = '/dev/rdsk/' + 'v' * 53
    assert len(path) == 63 and image.valid_path(path) == path
    with pytest.raises(Refused):
        image.valid_path(path + 'v')


@pytest.mark.parametrize('name', ['', ' ', '-g', 'a b', 'a\n', '.x', 'g' * 64])
def test_groups_that_are_refused(name):
    with pytest.raises(Refused) as error:
        image.valid_group(name)
    assert 'every set that is in no group' in str(error.value)


def test_names_and_block_devices():
    paths = ('/dev/vx/rdsk/oradg/vol01', '/dev/md/rdsk/d1', '/dev/md/blue/rdsk/d1', '/dev/rdsk/c1t0d0s0')
    assert [volume_name(path) for path in paths] == ['oradg/vol01', 'd1', 'blue/d1', 'c1t0d0s0']
    assert image.block_device('/dev/md/oraset/rdsk/d10') == '/dev/md/oraset/dsk/d10'
