# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What shows that a submirror is split, and that it still is."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import Svm
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import Detach, Offline

from scripted import Script, answer, fixture, tools

NO_OPTION_C = answer(rc=1, err='metastat: illegal option -- c\nusage:\tmetastat [-s setname] ...\n')
ALONE = 'd1 -m /dev/md/rdsk/d2 1\nd2 1 1 /dev/rdsk/c1t0d0s0\nd3 1 1 /dev/rdsk/c1t1d0s0\n'
HEAD = ' 00 00 00 00\n*\n 53 ef 01 00\n'


@pytest.fixture(autouse=True)
def host(tmpdir, monkeypatch):
    """A host that has the tools."""
    tmpdir.mkdir('tools')
    monkeypatch.setattr(_platform, 'TOOL_DIRS', tools(tmpdir.join('tools'), 'metastat', 'metaset', 'od'))


def svm(full='two_way', concise='two_way', names='d1', **more):
    """An Svm that is answered with fixtures."""
    full = fixture('metastat', full) if isinstance(full, str) else full
    concise = fixture('concise', concise) if isinstance(concise, str) else concise
    return Svm(Script(dict({'metastat ' + names: full, 'metastat -c ' + names: concise}, **more)))


# Offline.

@pytest.mark.parametrize('concise', ['two_way', 'resyncing', 'maintenance', 'unavailable', 'sets'])
def test_confirm_offline_is_torn_otherwise(concise):
    with pytest.raises(Torn):
        Offline.confirm(svm(concise=concise), [('d1', 'd3')])


def test_confirm_offline_takes_one_command():
    reader = svm(concise='offline')
    Offline.confirm(reader, [('d1', 'd3')])
    assert reader.run.calls == ['metastat -c d1']
    with pytest.raises(Torn) as caught:
        Offline.confirm(reader, [('d1', 'd3'), ('d1', 'd2')])
    assert caught.value.facts['object'] == 'd2'


def test_confirm_offline_without_option_c():
    Offline.confirm(svm('offline', NO_OPTION_C), [('d1', 'd3')])
    with pytest.raises(Torn):
        Offline.confirm(svm('two_way', NO_OPTION_C), [('d1', 'd3')])


def timed(said):
    """An Svm that is answered so where it asks for the times, and asks for them in UTC."""
    return svm(concise='offline', **{'env TZ=UTC0 %s -t d1' % _platform.need('metastat'): said})


@pytest.mark.parametrize('times', ['times', 'times_long'])
def test_proof_holds_while_nothing_changes(times):
    text = fixture('metastat', times)
    marked, clause = Offline.proof(timed(text), [('d1', 'd3')])
    assert marked['argv'] == [_platform.need('metastat'), '-c', 'd1']
    assert clause['argv'] == ['/usr/bin/env', 'TZ=UTC0', _platform.need('metastat'), '-t', 'd1']
    assert re.search(clause['match'], text)
    assert not re.search(clause['match'], text.replace('09:12:03', '09:12:04'))
    assert not re.search(clause['match'], text.replace('Needs maintenance', 'Resyncing   '))
    assert not re.search(clause['match'], text.replace('Submirror 1: d3', 'Submirror 1: d4'))
    assert not re.search(clause['match'], '')


def test_proof_does_not_hold_for_a_name_that_only_begins_alike():
    text = fixture('metastat', 'times')
    clause = Offline.proof(timed(text), [('d1', 'd3')])[1]
    assert not re.search(clause['match'], text.replace('d3', 'd33'))


def test_proof_needs_a_state_and_a_time_to_prove():
    """Where metastat shows no time, or the submirror is not offline any more, there is nothing that could prove the cut."""
    for text in (fixture('metastat', 'offline'), fixture('metastat', 'times').replace('Needs maintenance', 'Resyncing   ')):
        with pytest.raises(Torn):
            Offline.proof(timed(text), [('d1', 'd3')])


@pytest.mark.parametrize('rc', [1, None])
def test_proof_needs_a_report_that_ends_well(rc):
    with pytest.raises(CommandFailed) as caught:
        Offline.proof(timed(answer(fixture('metastat', 'times'), rc=rc)), [('d1', 'd3')])
    assert caught.value.facts['object'] == 'd1'


@pytest.mark.parametrize('concise, good', [
    ('offline', True), ('two_way', False), ('resyncing', False), ('maintenance', False), ('first_offline', False)])
def test_proof_that_an_offline_submirror_is_not_on_its_way_home(concise, good):
    clause = Offline.proof(timed(fixture('metastat', 'times')), [('d1', 'd3')])[0]
    assert holds(clause, fixture('concise', concise)) is good


def test_all_members_are_marked_in_one_clause():
    times = fixture('metastat', 'times')
    reader = timed(times)
    reader.run.answers.update({'metastat -c d1 d9': 'd1 m 8.0GB d2 d3 (offline)\nd9 m 8.0GB d19 d29 (offline)\n',
                               'env TZ=UTC0 %s -t d9' % _platform.need('metastat'): times.replace('d1:', 'd9:').replace(
                                   'of d1', 'of d9').replace('d2', 'd19').replace('d3', 'd29')})
    clause = Offline.proof(reader, [('d1', 'd3'), ('d9', 'd29')])[0]
    assert holds(clause, '    d9 m 8.0GB d19 d29 (offline)\nd1 m 8.0GB d2 d3 (offline)\n')
    assert not holds(clause, 'd1 m 8.0GB d2 d3 (offline)\nd9 m 8.0GB d19 d29\n')
    assert not holds(clause, 'd1 m 8.0GB d2 d3 (offline)\nd9 m 8.0GB d19 (offline) d29\n')


def test_releases_without_option_c_have_the_time_alone():
    text = fixture('metastat', 'times')
    reader = svm('offline', NO_OPTION_C, **{'env TZ=UTC0 %s -t d1' % _platform.need('metastat'): text})
    clause, = Offline.proof(reader, [('d1', 'd3')])
    assert '-t' in clause['argv']


# Detached.

@pytest.mark.parametrize('concise, torn', [
    ('d1               m  8.0GB d2\n', False), ('d1               m  8.0GB d2 d3\n', True),
    ('d1               m  8.0GB d2 d3 (maint)\n', True),
    ('d4               m  8.0GB d5\n', True), ('', True)])
def test_confirm_detached(concise, torn):
    reader = svm(concise=answer(concise))
    if torn:
        with pytest.raises(Torn):
            Detach.confirm(reader, [('d1', 'd3')])
    else:
        Detach.confirm(reader, [('d1', 'd3')])
    assert reader.run.calls == ['metastat -c d1']


def detached(layout=ALONE, head=HEAD):
    return svm(**{'metastat -p': layout, 'od -A n -t x1 -N 16384 /dev/md/rdsk/d3': head})


def holds(clause, text):
    """As the copy job looks."""
    return bool(re.search(clause['match'], text, re.MULTILINE))


def test_proof_of_a_detached_submirror_holds_while_nothing_changes():
    alone, head = Detach.proof(detached(), [('d1', 'd3')])
    assert alone['argv'] == [_platform.need('metastat'), '-p'] and head['argv'][-1] == '/dev/md/rdsk/d3'
    assert holds(alone, ALONE) and holds(head, HEAD)
    assert holds(alone, 'd9 -m d8 1\nd33 1 1 c1t3d0s0\n' + ALONE.replace('rdsk/d2', 'rdsk/d33'))
    assert not holds(head, HEAD.replace('53 ef', '53 ee')) and not holds(head, HEAD + ' 01\n') and not holds(head, '')


@pytest.mark.parametrize('text', [
    '', ALONE.replace('c1t1d0s0', 'c1t2d0s0'), ALONE.replace('d3 1 1', 'd4 1 1'), ALONE.replace('d3 1 1', '# d3 1 1'),
    ALONE.replace('rdsk/d2 1', 'rdsk/d2 /dev/md/rdsk/d3 1'), ALONE.replace('rdsk/d2 1', 'rdsk/d2 d3 1'), ALONE + 'd9 -m d3 1\n',
    ALONE + 'd9 -m d8 /dev/md/rdsk/d3 -g 1\n', ALONE + 'd101 -p /dev/md/rdsk/d3 -o 1 -b 100 \n', ALONE + 'd101 -p d3 -o 1 -b 100\n',
    ALONE + 'd64 -t d60 d3\n', ALONE + 'd70 2 1 /dev/rdsk/c3t0d0s0 \\\n\t 1 c3t1d0s0\nd9 -m d3 1\n',
    ALONE.replace('c1t1d0s0', 'c1t1d0s0 -h hsp001')])
def test_proof_of_a_detached_submirror_fails_once_it_is_used_or_built_otherwise(text):
    assert not holds(Detach.proof(detached(), [('d1', 'd3')])[0], text)


@pytest.mark.parametrize('layout', [
    'd1 -m d2 d3 1\nd2 1 1 a\nd3 1 1 b\n', 'd1 -m d2 1\n', ALONE + 'd9 -m d3 1\n',
    ALONE.replace('d3 1 1 /dev/rdsk/c1t1d0s0', 'd3 -m d9 1')])
def test_what_is_not_alone_is_no_detached_copy(layout):
    with pytest.raises(Torn):
        Detach.proof(detached(layout), [('d1', 'd3')])


@pytest.mark.parametrize('head', [answer(rc=1, err='od: cannot open'), ''])
def test_a_head_that_cannot_be_read_proves_nothing(head):
    with pytest.raises(CommandFailed):
        Detach.proof(detached(head=head), [('d1', 'd3')])


def test_a_copy_in_a_disk_set_is_proved_with_its_owner():
    owned = fixture('metaset', 'owned')
    reader = Svm(Script({'metastat -p -s blue': 'blue/d1 -m blue/d2 1\nblue/d3 1 1 c1t1d0s0\n',
                         'od -A n -t x1 -N 16384 /dev/md/blue/rdsk/d3': HEAD}), 'blue')
    owner, alone, head = Detach.proof(reader, [('blue/d1', 'blue/d3')])
    assert owner['argv'][1:] == ['-s', 'blue'] and alone['argv'][1:] == ['-p', '-s', 'blue']
    assert holds(owner, owned) and not holds(owner, fixture('metaset', 'released')) and not holds(owner, owned.replace('blue', 'red'))
    assert not holds(owner, '')
    assert not holds(alone, 'blue/d1 -m blue/d2 /dev/md/blue/rdsk/d3 1\nblue/d3 1 1 c1t1d0s0\n')
