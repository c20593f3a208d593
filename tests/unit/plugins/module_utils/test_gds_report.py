# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reports of sdxinfo(1M): what each says, and that a damaged one is never read as better than it is."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import random
import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import Gds, View
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors, messages, parse
from scripted import answer

PROXY = u'''\
OBJ    NAME    TYPE   CLASS   GROUP   DISK   MASTER PROXY STATUS
------ ------- ------ ------- ------- ------ ------ ----- -------
volume *       mirror Class1  Group2  *      *      *     PRIVATE
volume Volume2 mirror Class1  Group2  *      Volume1 Join STOP
volume *       mirror Class1  Group2  *      *      *     FREE
'''
INVALID = u'''\
OBJ    NAME    CLASS   GROUP   SKIP JRM 1STBLK   LASTBLK  BLOCKS   STATUS
------ ------- ------- ------- ---- --- -------- -------- -------- --------
volume *       Class1  Group1  *    *          0    65535    65536 PRIVATE
volume Volume1 Class1  Group1  off  on     65536 17596415 17530880 INVALID
'''
SLICES = u'''\
OBJ    CLASS   GROUP   DISK      VOLUME   STATUS
------ ------- ------- -------   -------- --------
slice  Class1  Group1  Object1   Volume1  ACTIVE
slice  Class1  Group1  Object2   Volume1  INVALID
'''
CLASSES = u'''\
OBJ    NAME      TYPE   SCOPE       SPARE
------ --------- ------ ----------- -----
class  RootClass root   (local)     0
class  Class1    local  node1       0
class  Class2    shared node1:node2 0
'''
DISKS = u'''\
OBJ    NAME    TYPE   CLASS   GROUP   DEVNAM  DEVBLKS  DEVCONNECT       STATUS
------ ------- ------ ------- ------- ------- -------- ---------------- -------
disk   Disk1   mirror Class1  Group1  sda     17596416 node1:node2      ENABLE
disk   Disk2   mirror Class1  Group1  sdb     17596416 node1:node2      DISABLE
'''
EVERY = (PROXY, INVALID, SLICES, CLASSES, DISKS)


def test_columns_are_known_by_their_names():
    assert parse(INVALID)['volume'][1] == {
        'NAME': 'Volume1', 'CLASS': 'Class1', 'GROUP': 'Group1', 'SKIP': 'off', 'JRM': 'on', '1STBLK': 65536, 'LASTBLK': 17596415,
        'BLOCKS': 17530880, 'STATUS': 'INVALID'}
    row = parse(PROXY)['volume'][1]
    assert (row['NAME'], row['MASTER'], row['PROXY'], row['DISK']) == ('Volume2', 'Volume1', 'Join', None)


def test_lists_are_taken_apart():
    assert [row['SCOPE'] for row in parse(CLASSES)['class']] == [['local'], ['node1'], ['node1', 'node2']]
    assert parse(DISKS)['disk'][0]['DEVCONNECT'] == ['node1', 'node2']


def test_sections_stand_in_one_report_in_any_order():
    report = parse(SLICES + u'\n' + CLASSES + u'\n' + DISKS)
    assert [len(report[kind]) for kind in ('class', 'disk', 'group', 'volume', 'slice')] == [3, 2, 0, 0, 2]


def test_an_unknown_column_is_kept():
    text = SLICES.replace(u'STATUS\n', u'STATUS NEW\n').replace(u'ACTIVE\n', u'ACTIVE x\n').replace(u'INVALID\n', u'INVALID *\n')
    assert [row['NEW'] for row in parse(text)['slice']] == ['x', None]


@pytest.mark.parametrize('damaged', [
    SLICES.replace(u'  ACTIVE', u''),
    SLICES.replace(u'ACTIVE', u'ACTIVE more'),
    SLICES.replace(u'slice  Class1  Group1  Object1', u'what   Class1  Group1  Object1'),
    SLICES.split(u'\n', 2)[2],
    INVALID.replace(u'17530880', u'17530x80'),
])
def test_a_line_that_does_not_fit_is_an_error(damaged):
    with pytest.raises(UnknownWord):
        parse(damaged)


@pytest.mark.parametrize('said', [
    u'SDX:sdxinfo: INFO: waiting for a response from sdxservd daemon...\n', u'SDX:sdxinfo: HELP: something about it\n',
    u'SDX:sdxinfo: WARNING: Volume1: something\n        that goes on here\n\tand here\n', u'INFO: Volume1: something\n  more of it\n'])
def test_messages_among_the_rows_are_left_out(said):
    assert parse(said + SLICES + said) == parse(SLICES)
    assert parse(SLICES.replace(u'slice  Class1  Group1  Object2', said + u'slice  Class1  Group1  Object2')) == parse(SLICES)


@pytest.mark.parametrize('said', [u'  more of nothing\n', u'HELP: something\n', u'SDX:sdxinfo: INFO: a\n  b\nc d\n'])
def test_other_lines_are_no_messages(said):
    with pytest.raises(UnknownWord):
        parse(SLICES + said)


def test_extents_are_no_volumes():
    assert sorted(View(parse(INVALID + SLICES)).volumes) == ['Volume1']


def test_states_are_words_of_ours():
    volume = View(parse(INVALID + SLICES)).volumes['Volume1']
    assert (volume.state, volume.blocks, volume.relation, [(s.disk, s.state) for s in volume.slices]) == (
        'invalid', 17530880, None, [('Object1', 'active'), ('Object2', 'invalid')])


@pytest.mark.parametrize('text', [INVALID.replace(u'INVALID', u'HEALTHY'), INVALID + SLICES.replace(u'ACTIVE', u'GOOD'),
                                  PROXY.replace(u'Join', u'Away')])
def test_a_word_that_is_not_documented_is_an_error(gds, text):
    name, = View(parse(text)).volumes
    with pytest.raises(UnknownWord):
        gds.volume(name, View(parse(text)))


@pytest.fixture
def gds(monkeypatch):
    monkeypatch.setattr(_platform, 'need', lambda tool: '/usr/sbin/' + tool)
    return Gds(None, 'Class1')


def test_a_word_that_is_not_documented_stands_in_the_way_of_its_own_volume_only(gds):
    text = INVALID + re.sub(u'Volume1 (.*)INVALID', u'Volume2 \\1HEALTHY', INVALID.splitlines()[-1]) + u'\n'
    view = View(parse(text))
    assert gds.volume('Volume1', view).state == 'invalid' and view.volumes['Volume2'].blocks == 17530880
    with pytest.raises(UnknownWord):
        gds.volume('Volume2', view)


@pytest.mark.parametrize('given, limits', [(dict(), {'timeout': 300}), (dict(timeout=None), {})])
def test_sdxinfo_is_waited_for_as_long_as_a_change_but_in_the_window(monkeypatch, given, limits):
    monkeypatch.setattr(_platform, 'need', lambda tool: '/usr/sbin/' + tool)
    asked = []

    def run(argv, **limits):
        asked.append(limits)
        return answer(CLASSES)

    Gds(run, 'Class1', **given).view()
    assert asked == [limits]


def test_a_proxy_tells_its_master():
    volume = View(parse(PROXY)).volumes['Volume2']
    assert (volume.master, volume.relation, volume.state) == ('Volume1', 'joined', 'stop')


def test_a_cut_report_never_makes_a_slice_valid():
    whole = dict((s.disk, s.state) for s in View(parse(INVALID + SLICES)).volumes['Volume1'].slices)
    generator = random.Random(7)
    text = INVALID + SLICES
    for dummy in range(500):
        start = generator.randrange(len(text))
        damaged = text[:start] + text[start + generator.randrange(1, 40):]
        try:
            volumes = View(parse(damaged)).volumes
            for found in volumes.values():
                found.refuse_unknown()
        except (UnknownWord, KeyError):
            continue
        for found in volumes['Volume1'].slices if 'Volume1' in volumes else []:
            assert whole.get(found.disk, found.state) == found.state or found.state == 'invalid'


def test_messages_may_go_on_in_the_next_line():
    text = (u'SDX:sdxvolume: INFO: Volume1: started volume on node node1\n        /dev/sfdsk/Class1/rdsk/Volume1\n'
            u'SDX:sdxvolume: ERROR: Volume2: in use\n')
    assert messages(text) == [('INFO', 'Volume1: started volume on node node1 /dev/sfdsk/Class1/rdsk/Volume1'),
                              ('ERROR', 'Volume2: in use')]
    assert errors(text) == 'Volume2: in use'
    assert errors(u'something else\n') == 'something else'
