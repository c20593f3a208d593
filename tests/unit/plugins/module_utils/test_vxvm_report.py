# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the commands of VxVM print, in several releases: by the words of the headings, and nothing unknown taken for healthy."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import random
import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _vxvm, _vxvm_report as report
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord

from scripted import fixture, fixtures


def group(name, dg='datadg'):
    return report.parse_records(fixture('vxprint', name), dg)


@pytest.mark.parametrize('name', ['ready', 'ready_4.1', 'ready_3.5', 'ready_3.2'])
def test_every_release_says_the_same(name):
    volume = group(name).volumes['vol01']
    assert (volume.kstate, volume.state, volume.length) == ('ENABLED', 'ACTIVE', 2097152)
    assert [(plex.name, plex.state, plex.length, sorted(plex.disks)) for plex in volume.plexes] == [
        ('vol01-01', 'ACTIVE', 2097152, ['disk01']), ('vol01-02', 'SNAPDONE', 2097152, ['disk02'])]
    assert volume.has_dco == (name == 'ready_3.2')


def test_long_names_push_the_columns():
    volume = group('long_names', 'vrts_kube_dg-59131').volumes['vol_41t7e8pv9gs3863639o0']
    assert (volume.state, volume.length, [plex.state for plex in volume.plexes]) == ('ACTIVE', 125829120, ['ACTIVE'])


@pytest.mark.parametrize('name', ['ready', 'ready_3.2'])
def test_usage_types(name):
    assert group(name).volumes['vol01'].usage == 'fsgen'


@pytest.mark.parametrize('changed, more', [('0 (0.0%)', False), ('0K (0%)', False), ('0.0M (0.00%)', False), ('100M (0.0%)', True),
                                           ('0M (0.1%)', True), ('64K (0.0%)', True)])
def test_a_share_that_is_rounded_to_nothing_is_not_nothing(changed, more):
    assert report.differs(changed) == more


def test_snap_objects_and_change_objects():
    found = group('tracked')
    assert found.linked == {'vol01-a1b2c3', 'vol01'} == set(peer for dummy, peer in found.ties)
    assert found.volumes['vol01'].has_dco and found.volumes['vol01-a1b2c3'].has_dco and not found.volumes['vol01_dcl'].has_dco
    assert group('snapshot').linked == set() and not group('snapshot').volumes['vol01'].has_dco


@pytest.mark.parametrize('name', ['default_layout'])
def test_another_layout_is_not_guessed_at(name):
    with pytest.raises(UnknownWord):
        group(name)


def test_another_group_is_not_the_one_that_was_asked_for():
    with pytest.raises(UnknownWord):
        group('ready', 'otherdg')


@pytest.mark.parametrize('line', ['v  vol02        -            ENABLED', 'pl vol01-03     vol01        ENABLED  ACTIVE   many     CONCAT',
                                  'v  vol02        -            ENABLED  ACTIVE   -        SELECT    -        fsgen'])
def test_a_line_that_lacks_a_column(line):
    with pytest.raises(UnknownWord):
        report.parse_records(fixture('vxprint', 'ready') + line + '\n', 'datadg')


def test_kinds_of_records_that_are_not_known_are_ignored():
    text = fixture('vxprint', 'ready') + 'zz new thing that nobody knows\n\nEX more\n'
    assert sorted(report.parse_records(text, 'datadg').volumes) == ['vol01']


@pytest.mark.parametrize('name', [name for name in fixtures('vxprint') if name not in ('default_layout', 'long_names')])
def test_damaged_listings_are_refused_or_said_to_be_unhealthy(name):
    """A word is taken away, put in or changed: that is noticed, or nothing becomes healthy by it."""
    text, chance = fixture('vxprint', name), random.Random(name)
    whole = summary(text)
    for dummy in range(300):
        words = re.split(r'( +|\n)', text)
        place = chance.randrange(len(words) - 1)
        words[place] = chance.choice(['', 'X', 'ACTIVEX']) if words[place].strip() else words[place] + '- '
        damaged = summary(''.join(words))
        assert damaged is None or whole is None or damaged <= whole, ''.join(words)


def summary(text):
    """Which volumes are healthy, or None where the listing is refused."""
    try:
        found = report.parse_records(text, 'datadg')
        return set(name for name in found.volumes if not _vxvm.faults(found.volumes[name]))
    except Refused:
        return None


def test_tags():
    assert report.parse_tags('vol vol01 -\nplex vol01-01 -\nplex vol01-02 snapbackup\nvol x "snapbackup"\nv y\nsd z snapbackup\n') == {
        'vol01': '', 'vol01-01': '', 'vol01-02': 'snapbackup', 'x': 'snapbackup', 'y': ''}


def test_disk_groups():
    text = 'NAME         STATE           ID\ndatadg       enabled,cds     1245484407.6.node1\nshareddg     enabled,shared  1.2.node1\n'
    assert report.parse_groups(text) == {'datadg': ['enabled', 'cds'], 'shareddg': ['enabled', 'shared']}
    assert report.parse_groups('NAME         STATE           ID\n') == {}
    with pytest.raises(UnknownWord):
        report.parse_groups('')


DETAILS = '''Group:     sfsdg
dgid:      1359985462.17.ammsfs_01
import-id: 33792.8
flags:     shared
version:   160
alignment: 8192 (bytes)
ssb:\t\ton
config disk emc_clariion0_1 copy 1 len=51360 state=clean online
'''


def test_details_of_a_group():
    found = report.parse_details(DETAILS)
    assert (found['flags'], found['version'], found['ssb'], found['alignment']) == ('shared', '160', 'on', '8192 (bytes)')
    assert 'config disk' not in found


def test_free_space():
    text = '''DISK         DEVICE       TAG          OFFSET    LENGTH    FLAGS
disk01       sdb          sdb          2097152   2097152   -
disk02       sdc          sdc          0         4194304   -
'''
    assert report.parse_free(text) == [('disk01', 2097152), ('disk02', 4194304)]
    with pytest.raises(UnknownWord):
        report.parse_free('nothing')


@pytest.mark.parametrize('text, blocks', [('Maximum volume size: 3840000 (1875Mb)\n', 3840000), ('166713344\n', 166713344)])
def test_the_largest_volume(text, blocks):
    assert report.parse_maximum(text) == blocks


@pytest.mark.parametrize('text', ['', 'Maximum volume size: lots', 'Volume vol01 can be extended by 5 to: 7 (3Mb)'])
def test_no_largest_volume(text):
    with pytest.raises(UnknownWord):
        report.parse_maximum(text)


TASKS = '''TASKID  PTID TYPE/STATE    PCT   PROGRESS
   160           ATCOPY/R 04.56% 0/2097152/95632 PLXATT vol01 vol01-02 datadg
   164   163   RDWRBACK/R 01.10% 0/1228800/14336 RDWRBACK vol02 datadg
'''


def test_tasks():
    assert [(percent, words[-1]) for percent, words in report.parse_tasks(TASKS)] == [(4.56, 'datadg'), (1.1, 'datadg')]
    assert report.parse_tasks('') == report.parse_tasks(TASKS.splitlines()[0]) == []


SNAPSHOTS = '''NAME   DG    OBJTYPE SNAPTYPE  PARENT  PARENTDG  SNAPDATE        CHANGE_DATA    SYNCED_DATA
vol    dg1   vol     -         -       -         -               -              10G (100%)
svol1  dg2   vol     fullinst  vol     dg1       2006/2/1 12:29  20M (0.2%)     60M (0.6%)
svol21 dg1   vol     spaceopt  svol2   dg1       2006/2/1 12:29  52M (0.5%)     52M (0.5%)
vol-02 dg1   plex    snapmir   vol     dg1       -               -              56M (0.6%)
'''


def test_instant_snapshots():
    assert report.parse_snapshots(SNAPSHOTS) == {'svol1': ('fullinst', 'vol', '2006/2/1 12:29', '20M (0.2%)'),
                                                 'svol21': ('spaceopt', 'svol2', '2006/2/1 12:29', '52M (0.5%)')}
    assert report.parse_snapshots(SNAPSHOTS.replace('20M (0.2%)', '-         '))['svol1'][3] is None
    assert report.parse_snapshots(SNAPSHOTS.replace('20M (0.2%)', 'few (0.2%)'))['svol1'][3] is None
    assert report.parse_snapshots('') == {}
    with pytest.raises(UnknownWord):
        report.parse_snapshots('NAME PARENT\nsvol1 vol\n')
