# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Splitting and bringing back, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _command, _process, _run, _split

from scripted import eventually

pytestmark = pytest.mark.slow

CHANGING = ('metaoffline', 'metaonline', 'metasync')


@pytest.fixture
def two(solaris):
    """A host with the healthy mirrors d1 and d4."""
    solaris.mirror('d1', d2='okay', d3='okay')
    solaris.mirror('d4', d5='okay', d6='okay')
    return solaris


MEMBERS = [dict(mirror='d1', submirror='d3'), dict(mirror='d4', submirror='d6')]


@pytest.fixture
def run(call, solaris):
    def begin(name='home1'):
        return call('backup_run', state='opened', name=name, manager='svm', members=[dict(volume=name)])['run']
    return begin


def record(solaris, run):
    return _run.load(solaris.state, run).data


def undo(solaris, run):
    return [entry['id'] for entry in record(solaris, run)['undo']]


def test_split_and_bring_back(call, two, run):
    name = run()
    done = call('svm_submirror', run=name, state='offline', members=[dict(MEMBERS[0], filesystem=two.points[0]), MEMBERS[1]])
    assert done['changed'] and done['verdict'] == 'filesystem'
    assert done['before'] == {'d1': {'d2': 'okay', 'd3': 'okay'}, 'd4': {'d5': 'okay', 'd6': 'okay'}}
    assert done['after'] == {'d1': {'d2': 'okay', 'd3': 'offline'}, 'd4': {'d5': 'okay', 'd6': 'offline'}}
    assert [os.path.basename(command['argv'][0]) for command in done['commands']] == ['lockfs', 'lockfs', 'metaoffline', 'metaoffline',
                                                                                      'lockfs']
    assert all(command['rc'] == 0 and command['seconds'] > 0 for command in done['commands'])
    data = record(two, name)
    assert (data['phase'], data['verdict'], data['error'], data['window']['cuts']) == ('split', 'filesystem', None, done['window']['cuts'])
    assert [(m['volume'], m['copy'], m['filesystem'], m['bytes']) for m in data['members']] == [
        ('d1', 'd3', two.points[0], 8192 * 512), ('d4', 'd6', two.points[1], 8192 * 512)]
    assert undo(two, name) == ['svm_submirror:d1:d3', 'svm_submirror:d4:d6'] and 'metastat -p' in data['layout']
    assert not any('by' in entry or 'returning' in entry for entry in data['undo'])
    in_utc = ['/usr/bin/env', 'TZ=UTC0', two.path('tools', 'metastat'), '-t']
    marked = [two.path('tools', 'metastat'), '-c', 'd1', 'd4']
    assert [clause['argv'] for clause in data['proof']] == [marked, in_utc + ['d1'], in_utc + ['d4']] and two.locks() == []

    again = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert not again['changed'] and again['commands'] == [] and again['window'] == done['window']
    assert again['before'] == again['after'] == done['after']

    back = call('svm_submirror', run=name, state='online')
    assert back['changed'] and back['after'] == {'d1': {'d2': 'okay', 'd3': 'resyncing'}, 'd4': {'d5': 'okay', 'd6': 'resyncing'}}
    assert len(undo(two, name)) == 2
    for mirror, good, copy in (('d1', 'd2', 'd3'), ('d4', 'd5', 'd6')):
        two.put('mirror.' + mirror, '%s okay\n%s okay\n' % (good, copy))
    last = call('svm_submirror', run=name, state='online')
    assert not last['changed'] and undo(two, name) == []
    assert call('svm_submirror', run=name, state='online')['changed'] is False


def test_a_hundred_mirrors_are_one_window(call, solaris, run):
    members = []
    for number in range(100):
        names = ['d%d' % (10 * number + digit) for digit in range(1, 4)]
        point = solaris.mirror(names[0], **{names[1]: 'okay', names[2]: 'okay'})
        members.append(dict(mirror=names[0], submirror=names[2], filesystem=point))
    done = call('svm_submirror', run=run(), state='offline', members=members)
    assert done['verdict'] == 'filesystem' and len(done['window']['cuts']) == 100 and solaris.locks() == []
    journal = solaris.journal('lockfs', 'metaoffline')
    locked, released = (number for number, line in enumerate(journal) if line.startswith(('lockfs -w', 'lockfs -u')))
    assert all(point in journal[locked] and point in journal[released] for point in solaris.points)
    cuts = [line for line in journal[locked:released] if line.startswith('metaoffline')]
    assert cuts == ['metaoffline %s %s' % (member['mirror'], member['submirror']) for member in members]


def test_check_mode_promises_what_is_done_then(call, two, run):
    name = run()
    files = two.files()
    content = record(two, name)
    told = call('svm_submirror', check=True, run=name, state='offline', members=MEMBERS)
    assert two.journal(*CHANGING) == [] and not [line for line in two.journal('lockfs') if ' -' in line]
    assert two.files() == files and record(two, name) == content
    done = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert [command['argv'] for command in told['commands']] == [command['argv'] for command in done['commands']]
    for key in ('changed', 'before', 'after', 'members', 'verdict'):
        assert told[key] == done[key]
    assert 'metaoffline d1 d3' in told['diff']['prepared'] and told['diff']['before'] == done['diff']['before']


def test_check_mode_of_the_way_back(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    changes, files, content = two.journal(*CHANGING), two.files(), record(two, name)
    told = call('svm_submirror', check=True, run=name, state='online')
    assert told['changed'] and [command['argv'][1:] for command in told['commands']] == [['d1', 'd3'], ['d4', 'd6']]
    assert two.journal(*CHANGING) == changes and two.files() == files and record(two, name) == content


def test_check_mode_from_a_predicted_state(call, two):
    """In a playbook in check mode neither the run nor the split exists."""
    after = call('svm_submirror', check=True, run='<run>', state='offline', members=MEMBERS)['after']
    told = call('svm_submirror', check=True, run='<run>', state='online', members=MEMBERS, assume=after)
    assert told['changed'] and told['before'] == after and len(told['commands']) == 2
    assert told['after'] == {'d1': {'d2': 'okay', 'd3': 'okay'}, 'd4': {'d5': 'okay', 'd6': 'okay'}}
    assert two.journal(*CHANGING) == [] and two.files() == []


def test_somebody_elses_split_is_refused(call, two, run):
    two.put('mirror.d1', 'd2 okay\nd3 offline\n')
    name = run()
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert told['failed'] and told['object'] == 'd3' and 'no run on this host' in told['msg']
    assert two.journal(*CHANGING) == [] and undo(two, name) == []
    back = call('svm_submirror', run=name, state='online', members=MEMBERS[:1])
    assert back['failed'] and two.states('d1')['d3'] == 'offline'


def test_the_split_of_another_run_is_refused(call, two, run):
    first, second = run('one'), run('two')
    call('svm_submirror', run=first, state='offline', members=MEMBERS)
    for state in ('offline', 'online'):
        told = call('svm_submirror', run=second, state=state, members=MEMBERS)
        assert told['failed'] and first in told['msg']
    assert two.states('d1')['d3'] == 'offline'
    without = call('svm_submirror', state='online', members=MEMBERS)
    assert without['failed'] and two.states('d1')['d3'] == 'offline'


def test_a_set_that_is_split_in_part_is_refused(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    two.put('mirror.d4', 'd5 okay\nd6 okay\n')
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert told['failed'] and 'Only some' in told['msg'] and told['object'] == 'd3'
    assert two.states('d4')['d6'] == 'okay'


@pytest.mark.parametrize('d4', ['d5 okay\nd6 resyncing\n', 'd5 okay\nd6 maintenance\n', 'd5 maintenance\nd6 okay\n', 'd6 okay\n',
                                'd5 offline\nd6 okay\n'])
def test_nothing_is_split_unless_all_are_healthy(call, two, run, d4):
    two.put('mirror.d4', d4)
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS)
    assert told['failed'] and two.journal(*CHANGING) == [] and two.locks() == []


@pytest.mark.parametrize('fault, cut', [
    ('[ $1 = d1 ] || { echo "metaoffline: node1: d4: resync in progress" >&2; exit 1; }', ['d1']),
    ('[ $1 = d1 ] || exit 0', ['d1']),
    ('[ $1 = d1 ] || { set_state d4 d6 offline; exit 1; }', ['d1', 'd4']),
    ('[ $1 = d1 ] || exec sleep 60', ['d1'])])
def test_a_window_that_fails_is_rolled_back(call, two, run, fault, cut):
    """Refused, without effect, with effect but reported as failed, or hung: no member stays split and none is stored.

    A resync that breaks off leaves its submirror offline, so what was cut is undone only when its resync has ended.
    """
    name = run()
    two.on('metaoffline', fault)
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, lease=5)
    assert told['failed'] and 'left split' in told['msg']
    copies = dict(d1='d3', d4='d6')
    assert two.locks() == [] and dict((mirror, two.states(mirror)[copies[mirror]]) for mirror in copies) == dict(
        d1='resyncing', d4='resyncing' if 'd4' in cut else 'okay')
    data = record(two, name)
    assert data['undo'] == [dict(id='svm_submirror:%s:%s' % (mirror, copies[mirror]), action='online', mirror=mirror,
                                 submirror=copies[mirror], returning=True) for mirror in cut]
    assert data['verdict'] == 'torn' and data['error'] and data['window'] is None
    brought = [command['argv'][1:] for command in told['commands'] if command['argv'][0].endswith('/metaonline')]
    assert brought == [[mirror, copies[mirror]] for mirror in cut]

    assert call('backup_run', run=name, state='closed', result='failed')['failed']
    for mirror in cut:
        two.put('mirror.' + mirror, two.read('mirror.' + mirror).replace('resyncing', 'okay'))
    assert not call('svm_submirror', run=name, state='online')['changed'] and undo(two, name) == []
    assert call('backup_run', run=name, state='closed', result='failed')['changed']


def test_a_long_window_is_told(call, two, run, monkeypatch):
    monkeypatch.setattr(_split, 'LONG_WINDOW', 1)
    two.on('metaoffline', '[ $1 = d1 ] || sleep 1')
    done = call('svm_submirror', run=run(), state='offline', members=MEMBERS)
    assert done['verdict'] == 'filesystem' and 'Writers waited' in str(done['warnings'])


@pytest.fixture
def unkillable(monkeypatch):
    """No signal ends anything, as where a call of the kernel hangs."""
    real = os.killpg
    monkeypatch.setattr(os, 'killpg', lambda group, number: real(group, 0))
    monkeypatch.setattr(_command.kill_group, '__defaults__', (0.2,))


@pytest.mark.parametrize('killed', [False, True])
def test_what_nothing_ends_may_still_split(call, two, run, unkillable, monkeypatch, killed):
    """The member counts as split as long as the command lives, also for who comes after a module that was killed."""
    name = run()
    two.on('metaoffline', ': >%s' % two.path('begun'), 'while [ ! -e %s ]; do sleep 0.1; done' % two.path('go'))
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, lease=1)
    assert told['failed'] and 'nothing ends it' in told['msg'] and two.locks() == []
    data = _run.load(two.state, name)
    assert data.data['undo'] and 'is splitting' in data.at_work(data.data['boot'])
    if killed:
        # What a module leaves that does not live to say so.
        data.update(undo=[dict(entry, by=dict(entry['by'], start='another')) for entry in data.data['undo']])
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and 'splitting just now' in told['msg'] and two.journal('metaonline') == []

    two.put('go', '')
    eventually(lambda: two.states('d1')['d3'] == 'offline' and not data.at_work(data.data['boot']))
    assert call('svm_submirror', run=name, state='online')['changed'] and two.states('d1')['d3'] == 'resyncing'


def test_a_resync_of_a_roll_back_that_breaks_off_is_begun_again(call, two, run):
    name = run()
    two.on('metaoffline', '[ $1 = d1 ] || exit 1')
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    two.put('mirror.d1', 'd2 okay\nd3 offline\n')
    assert call('svm_submirror', run=name, state='online')['after'] == {'d1': {'d2': 'okay', 'd3': 'resyncing'}}
    assert two.journal('metaonline') == ['metaonline d1 d3'] * 2 and undo(two, name) == ['svm_submirror:d1:d3']


def test_a_roll_back_leaves_the_split_of_somebody_else_alone(call, two, run):
    """It came between the look and the cut; metaoffline refuses it, and metaonline would overwrite somebody's copy."""
    name = run()
    two.on('metaoffline', '[ $1 = d1 ] || { set_state d4 d6 offline; echo "metaoffline: node1: d4: d6: illegal state" >&2; exit 1; }')
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert told['failed'] and 'illegal state' in told['msg']
    assert two.states('d4')['d6'] == 'offline' and two.states('d1')['d3'] == 'resyncing'
    assert two.journal('metaonline') == ['metaonline d1 d3'] and undo(two, name) == ['svm_submirror:d1:d3']
    call('svm_submirror', run=name, state='online')
    assert two.states('d4')['d6'] == 'offline' and two.journal('metaonline') == ['metaonline d1 d3']


def test_a_roll_back_leaves_alone_what_was_not_begun(call, two, run):
    """The first cut fails, and somebody else splits the second member meanwhile."""
    name = run()
    two.on('metaoffline', 'set_state d4 d6 offline; exit 1')
    assert call('svm_submirror', run=name, state='offline', members=MEMBERS)['failed']
    assert two.states('d4')['d6'] == 'offline' and two.journal('metaonline') == [] and undo(two, name) == []


def test_a_roll_back_that_fails_keeps_its_undo_entry(call, two, run):
    name = run()
    two.on('metaoffline', '[ $1 = d1 ] || exit 1')
    two.on('metaonline', 'exit 1')
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert told['failed'] and 'recover' in told['msg']
    assert undo(two, name) == ['svm_submirror:d1:d3'] and two.states('d1')['d3'] == 'offline' and two.locks() == []
    os.unlink(two.path('on.metaoffline'))
    os.unlink(two.path('on.metaonline'))
    assert call('svm_submirror', run=name, state='online')['after'] == {'d1': {'d2': 'okay', 'd3': 'resyncing'}}


def test_a_roll_back_that_cannot_look_says_so(call, two, run):
    name = run()
    two.on('metaoffline', '[ $1 = d1 ] || { echo "exit 1" >"$D/on.metastat"; exit 1; }')
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert told['failed'] and 'recover' in told['msg'] and len(undo(two, name)) == 2 and two.locks() == []


def test_the_undo_entries_are_on_the_disk_before_the_first_cut(call, two, run):
    name = run()
    two.on('metaoffline', 'cp %s/runs/%s.json "$D/seen.$1"' % (two.state, name))
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    entries = json.loads(two.read('seen.d1'))['undo']
    assert [entry['id'] for entry in entries] == ['svm_submirror:d1:d3', 'svm_submirror:d4:d6']
    assert [entry['by'] for entry in entries] == [_process.identity(os.getpid(), '1795000000')] * 2


def test_nothing_is_brought_back_while_it_is_being_split(call, two, run):
    """Its undo entries would be gone when the splitting process makes its cut."""
    name = run()
    by = _process.identity(os.getppid(), '1795000000')
    entries = [dict(id='svm_submirror:%s:%s' % pair, action='online', mirror=pair[0], submirror=pair[1], by=by)
               for pair in (('d1', 'd3'), ('d4', 'd6'))]
    for entry in entries:
        _run.load(two.state, name).add_undo(entry)
    for params in (dict(), dict(members=MEMBERS)):
        told = call('svm_submirror', run=name, state='online', **params)
        assert told['failed'] and 'is splitting just now' in told['msg'] and str(by['pid']) in told['found']
        assert record(two, name)['undo'] == entries and two.journal(*CHANGING) == []
    for entry in entries:
        _run.load(two.state, name).add_undo(dict(entry, by=dict(by, start='1')))
    assert not call('svm_submirror', run=name, state='online')['changed'] and undo(two, name) == []


def test_the_zone_of_a_module_does_not_matter(call, two, run, monkeypatch):
    """Whoever brings the copy back may have another one than who has split it."""
    name = run()
    monkeypatch.setenv('TZ', 'EST5')
    call('svm_submirror', run=name, state='offline', members=MEMBERS[:1])
    assert re.escape('10:00:00') in record(two, name)['proof'][1]['match']
    monkeypatch.setenv('TZ', 'JST-9')
    assert call('svm_submirror', run=name, state='online')['changed'] and two.states('d1')['d3'] == 'resyncing'


@pytest.mark.parametrize('boot', ['1795000000', '1795999999'])
@pytest.mark.parametrize('time, mine', [('1795168800', True), ('1795168801', False)])
def test_an_offline_copy_is_known_by_its_time(call, two, run, boot, time, mine):
    """Over a boot too: one that leaves the submirror offline (pass number 0) keeps its time."""
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS[:1])
    two.put('boot', boot)
    two.put('time', time)
    told = call('svm_submirror', run=name, state='online')
    assert (told['changed'], two.states('d1')['d3'], two.journal('metaonline')) == (
        (True, 'resyncing', ['metaonline d1 d3']) if mine else (False, 'offline', []))
    assert undo(two, name) == (['svm_submirror:d1:d3'] if mine else [])
    assert ('left alone' in str(told.get('warnings'))) is not mine


@pytest.mark.parametrize('answer, words', [('exit 0', 'does not tell since when d3 is offline'),
                                           ('echo "d1: Mirror"; exit 0', 'does not describe mirror d1 in full')])
def test_a_copy_whose_time_nobody_tells_is_neither_given_up_nor_overwritten(call, two, run, answer, words):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS[:1])
    two.on('metastat', 'case ${1-} in -t) %s ;; esac' % answer)
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and words in told['msg']
    assert undo(two, name) == ['svm_submirror:d1:d3'] and two.states('d1')['d3'] == 'offline'


@pytest.mark.parametrize('members, word', [
    ([dict(mirror='d1', submirror='d6')], 'not a submirror'), ([dict(mirror='d9', submirror='d3')], 'd9'),
    ([dict(mirror='d1', submirror='d2'), dict(mirror='d1', submirror='d3')], 'more than once'),
    ([dict(mirror='d1;id', submirror='d3')], 'cannot be the name'), ([dict(mirror='-f', submirror='d3')], 'cannot be the name'),
    ([dict(mirror='d1', submirror='d3\n')], 'cannot be the name'), ([dict(mirror=u'd\xe9', submirror='d3')], 'cannot be the name'),
    ([dict(mirror='d1', submirror='d3', filesystem='/elsewhere')], 'is not where')])
def test_members_that_cannot_be(call, two, run, members, word):
    told = call('svm_submirror', run=run(), state='offline', members=members)
    assert told['failed'] and word in told['msg'] and two.journal(*CHANGING) == []


@pytest.fixture
def soft(solaris):
    """d1 with the soft partitions d101 and d102 on it, both mounted."""
    solaris.mirror('d1', mounted=False, d2='okay', d3='okay')
    solaris.put('more', 'd101 -p /dev/md/rdsk/d1 -o 1 -b 100 \nd102 -p /dev/md/rdsk/d1 -o 102 -b 100 \n')
    solaris.mounted('d101')
    solaris.mounted('d102')
    return solaris


@pytest.mark.parametrize('members', [
    [dict(mirror='d1', submirror='d3')], [dict(mirror='d101')], [dict(mirror='d101', submirror='d3'), dict(mirror='d102')],
    [dict(mirror='d1'), dict(mirror='d102')]])
def test_all_soft_partitions_of_a_mirror_are_locked_and_cut_at_once(call, soft, run, members):
    done = call('svm_submirror', run=run(), state='offline', members=members)
    assert done['verdict'] == 'filesystem' and soft.journal(*CHANGING) == ['metaoffline d1 d3'] and soft.locks() == []
    assert [line.split()[-2:] for line in soft.journal('lockfs') if ' -w ' in line] == [soft.points]
    member, = done['members']
    assert (member['volume'], member['copy'], member['filesystem'], member['bytes']) == ('d1', 'd3', None, 8192 * 512)
    assert [(part['volume'], part['filesystem']) for part in member['soft_partitions']] == list(zip(('d101', 'd102'), soft.points))
    assert done['chosen'] == [dict(mirror='d1', submirror='d3')]


def test_a_soft_partition_that_cannot_be_locked_leaves_a_crash_copy(call, soft, run):
    soft.put('mnttab', ''.join(line for line in soft.read('mnttab').splitlines(True) if 'd102' not in line))
    done = call('svm_submirror', run=run(), state='offline', members=[dict(mirror='d101', filesystem=soft.points[0])])
    assert done['verdict'] == 'crash' and [line.split()[-1] for line in soft.journal('lockfs') if ' -w ' in line] == soft.points[:1]


def test_several_mirrors_with_something_that_cannot_be_locked_are_no_cut(call, soft, run):
    soft.put('mnttab', ''.join(line for line in soft.read('mnttab').splitlines(True) if 'd102' not in line))
    soft.mirror('d4', d5='okay', d6='okay')
    told = call('svm_submirror', run=run(), state='offline', members=[dict(mirror='d101'), dict(mirror='d4')])
    assert told['failed'] and 'd1' in told['object'] and soft.journal(*CHANGING) == []


@pytest.mark.parametrize('line, members, word', [
    ('d101 -p /dev/rdsk/c9t0d0s0 -o 1 -b 100 \n', [dict(mirror='d101')], 'lies on no mirror'),
    ('d64 -t /dev/md/rdsk/d1 d63\n', [dict(mirror='d1')], 'part of another volume'),
    ('d101 -p d1 -o 1 -b 100 \n', [dict(mirror='d101', submirror='d2'), dict(mirror='d1', submirror='d3')], 'Two submirrors'),
    ('d101 -p d1 -o 1 -b 100 \n', [dict(mirror='d101'), dict(mirror='d101')], 'more than once'),
    ('d101 -p d1 -o 1 -b 100 \n', [dict(mirror='d101', filesystem='/elsewhere')], 'is not where')])
def test_what_lies_on_a_mirror_and_cannot_be_cut(call, two, run, line, members, word):
    two.put('more', line)
    told = call('svm_submirror', run=run(), state='offline', members=members)
    assert told['failed'] and word in told['msg'] and two.journal(*CHANGING) == []


@pytest.mark.parametrize('halves, copy', [(dict(d2='okay', d3='okay'), 'd3'), (dict(d2='okay', d3='okay', d4='okay'), 'd4')])
def test_the_last_submirror_is_chosen_and_stays_so(call, solaris, run, halves, copy):
    solaris.mirror('d1', **halves)
    name = run()
    done = call('svm_submirror', run=name, state='offline', members=[dict(mirror='d1')])
    assert solaris.journal(*CHANGING) == ['metaoffline d1 ' + copy]
    assert done['members'][0]['copy'] == copy and done['chosen'] == [dict(mirror='d1', submirror=copy)]
    again = call('svm_submirror', run=name, state='offline', members=[dict(mirror='d1')])
    assert not again['changed'] and again['chosen'] == done['chosen']
    other = call('svm_submirror', run=run('other'), state='offline', members=[dict(mirror='d1')])
    assert other['failed'] and len(solaris.journal(*CHANGING)) == 1


# Disk sets.

@pytest.fixture
def blue(solaris):
    """Mirror d1 of disk set blue, which this host owns."""
    solaris.mirror('d1', mounted=False, d2='okay', d3='okay')
    solaris.mounted('d1', 'blue')
    solaris.put('owner', 'Yes')
    return solaris


@pytest.mark.parametrize('given, cut, home', [
    (dict(state='offline', diskset='blue', members=[dict(mirror='d1', submirror='d3')]), 'metaoffline', 'metaonline'),
    (dict(state='detached', members=[dict(mirror='blue/d1')]), 'metadetach', 'metattach')])
def test_a_mirror_of_a_disk_set(call, blue, run, given, cut, home):
    name = run()
    done = call('svm_submirror', run=name, **given)
    assert [line for line in blue.journal() if line.startswith(('metaoff', 'metade'))] == [cut + ' -s blue d1 d3']
    member, = done['members']
    assert (member['volume'], member['copy'], member['device'], member['original'], member['filesystem']) == (
        'blue/d1', 'blue/d3', '/dev/md/blue/rdsk/d3', '/dev/md/blue/rdsk/d1', blue.points[0])
    assert done['after'] == {'blue/d1': {'blue/d2': 'okay', 'blue/d3': given['state']}} and done['verdict'] == 'filesystem'
    data = record(blue, name)
    assert [clause['argv'][-2:] for clause in data['proof']][0] == ['-s', 'blue'] and len(data['proof']) >= 2
    back = call('svm_submirror', run=name, state='online')
    assert back['changed'] and back['after']['blue/d1']['blue/d3'] == 'resyncing'
    assert blue.journal(home) == [home + ' -s blue d1 d3']


@pytest.mark.parametrize('owner', ['', 'No (auto)'])
@pytest.mark.parametrize('state', ['offline', 'online'])
def test_a_disk_set_of_another_host_is_left_alone(call, blue, run, owner, state):
    blue.put('owner', owner)
    told = call('svm_submirror', run=run(), state=state, diskset='blue', members=[dict(mirror='d1', submirror='d3')])
    assert told['failed'] and 'not taken by this host' in told['msg'] and blue.journal('metastat', *CHANGING) == []


# Detached.

def test_detach_and_attach(call, two, run):
    name = run()
    two.on('metadetach', 'cp %s/runs/%s.json "$D/seen.$1"' % (two.state, name))
    done = call('svm_submirror', run=name, state='detached', members=MEMBERS)
    assert done['after'] == {'d1': {'d2': 'okay', 'd3': 'detached'}, 'd4': {'d5': 'okay', 'd6': 'detached'}}
    assert two.states('d1') == dict(d2='okay') and done['verdict'] == 'filesystem' and two.locks() == []
    seen = json.loads(two.read('seen.d1'))['undo']
    assert [(entry['id'], entry['action'], entry['text']) for entry in seen] == [
        ('svm_submirror:d1:d3', 'attached', 'd3 1 1 /dev/rdsk/c1d3s0'), ('svm_submirror:d4:d6', 'attached', 'd6 1 1 /dev/rdsk/c1d6s0')]
    again = call('svm_submirror', run=name, state='detached', members=MEMBERS)
    assert not again['changed'] and again['before'] == done['after']

    told = call('svm_submirror', check=True, run=name, state='attached')
    back = call('svm_submirror', run=name, state='attached')
    assert [command['argv'] for command in told['commands']] == [command['argv'] for command in back['commands']]
    assert two.journal('metattach') == ['metattach d1 d3', 'metattach d4 d6']
    assert back['after'] == {'d1': {'d2': 'okay', 'd3': 'resyncing'}, 'd4': {'d5': 'okay', 'd6': 'resyncing'}} and len(undo(two, name)) == 2
    two.put('mirror.d1', 'd2 okay\nd3 okay\n')
    two.put('mirror.d4', 'd5 okay\nd6 okay\n')
    assert not call('svm_submirror', run=name, state='attached')['changed'] and undo(two, name) == []


def test_detach_in_check_mode(call, two, run):
    name = run()
    told = call('svm_submirror', check=True, run=name, state='detached', members=MEMBERS)
    after = call('svm_submirror', check=True, run='<run>', state='attached', members=told['chosen'], assume=told['after'])
    assert [command['argv'][0].split('/')[-1] for command in after['commands']] == ['metattach'] * 2
    assert two.journal('metadetach', 'metattach') == []
    done = call('svm_submirror', run=name, state='detached', members=MEMBERS)
    assert [command['argv'] for command in told['commands']] == [command['argv'] for command in done['commands']]
    assert told['after'] == done['after']


@pytest.mark.parametrize('fault, cut', [
    ('[ $1 = d1 ] || { echo "metadetach: node1: d4: resync in progress" >&2; exit 1; }', ['d1']),
    ('[ $1 = d1 ] || exit 0', ['d1']), ('[ $1 = d1 ] || exec sleep 60', ['d1'])])
def test_a_window_of_detaching_that_fails_is_rolled_back(call, two, run, fault, cut):
    name = run()
    two.on('metadetach', fault)
    told = call('svm_submirror', run=name, state='detached', members=MEMBERS, lease=5)
    assert told['failed'] and two.locks() == [] and two.journal('metattach') == ['metattach d1 d3']
    assert two.states('d1')['d3'] == 'resyncing' and two.states('d4') == dict(d5='okay', d6='okay')
    assert undo(two, name) == ['svm_submirror:d1:d3'] and record(two, name)['verdict'] == 'torn'


@pytest.mark.parametrize('change', [
    lambda host: host.put('more', 'd9 -m /dev/md/rdsk/d3 1\n'), lambda host: host.put('more', 'd101 -p d3 -o 1 -b 2 \n'),
    lambda host: host.put('stripes', 'd2\nd5\nd6\n'), lambda host: host.put('stripes', 'd2\nd5\nd6\nd3 1 1 c9t9d9s9\n')])
@pytest.mark.parametrize('state', ['attached', 'online'])
def test_a_detached_submirror_that_somebody_else_has_is_never_attached(call, two, run, change, state):
    name = run()
    call('svm_submirror', run=name, state='detached', members=MEMBERS[:1])
    change(two)
    told = call('svm_submirror', run=name, state=state)
    assert not told['changed'] and 'left alone' in str(told['warnings'])
    assert two.journal('metattach') == [] and undo(two, name) == [] and two.states('d1') == dict(d2='okay')


@pytest.mark.parametrize('spoil, word', [
    (lambda host, name: host.put('mirror.d1', 'd2 maintenance\n'), 'last good copy'),
    (lambda host, name: host.put('mnttab', host.read('mnttab') + '/dev/md/dsk/d3\t/mnt\tufs\trw\t0\n'), 'mounted'),
    (lambda host, name: _run.load(host.state, name).update(job=_process.identity(os.getpid(), '1795000000')), 'copy job'),
    (lambda host, name: host.on('metattach', 'exit 0'), 'did not come home')])
def test_a_detached_submirror_that_must_not_be_attached_now(call, two, run, spoil, word):
    name = run()
    call('svm_submirror', run=name, state='detached', members=MEMBERS[:1])
    spoil(two, name)
    told = call('svm_submirror', run=name, state='attached')
    assert told['failed'] and word in told['msg'] and undo(two, name) == ['svm_submirror:d1:d3'] and 'd3' not in two.states('d1')


def test_a_detached_submirror_comes_home_after_a_boot(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='detached', members=MEMBERS[:1])
    two.put('boot', '1795999999')
    assert call('svm_submirror', run=name, state='online')['changed'] and two.journal('metattach') == ['metattach d1 d3']


def test_what_nobody_has_detached_is_no_submirror(call, two, run):
    two.put('mirror.d1', 'd2 okay\n')
    told = call('svm_submirror', run=run(), state='detached', members=MEMBERS[:1])
    assert told['failed'] and 'not a submirror' in told['msg']


# A kept copy that is given back before the split.

@pytest.mark.parametrize('word', ['offline', 'detached'])
def test_a_plan_for_the_time_after_a_kept_copy_is_given_back(call, two, run, word):
    first = run('one')
    call('svm_submirror', run=first, state=word, members=MEMBERS)
    home = call('svm_submirror', check=True, run=first, state='online')
    assert home['after'] == {'d1': {'d2': 'okay', 'd3': 'okay'}, 'd4': {'d5': 'okay', 'd6': 'okay'}}
    told = call('svm_submirror', check=True, run='<run>', state=word, members=[dict(mirror='d1'), dict(mirror='d4')], assume_ended=[first])
    assert told['chosen'] == MEMBERS and told['changed'] and [member['copy'] for member in told['members']] == ['d3', 'd6']
    assert call('svm_submirror', check=True, run='<run>', state=word, members=MEMBERS)['failed']
    assert call('svm_submirror', run=run('two'), state=word, members=MEMBERS, assume_ended=[first])['failed']


def test_a_lock_of_somebody_else_is_refused(call, two, run):
    two.put('lock.' + two.points[0].replace('/', '_'), 'write      nightly backup\n')
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS)
    assert told['failed'] and 'nightly backup' in told['msg'] and len(two.locks()) == 1 and two.journal(*CHANGING) == []


def test_the_state_directory_on_a_member_is_refused(call, two, run):
    state = os.path.join(two.points[0], 'state')
    name = call('backup_run', state='opened', name='x', manager='svm', state_dir=state)['run']
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, state_dir=state)
    assert told['failed'] and two.points[0] in told['msg'] and two.journal(*CHANGING) == []


def test_a_split_needs_a_run_that_is_known(call, two):
    assert 'run' in call('svm_submirror', state='offline', members=MEMBERS)['msg']
    told = call('svm_submirror', state='offline', members=MEMBERS, run='20261120T031500Z-a1b2c3')
    assert told['failed'] and 'no record' in told['msg'] and two.journal(*CHANGING) == []


def test_a_run_that_has_ended_splits_nothing(call, two, run):
    name = run()
    call('backup_run', run=name, state='closed', result='failed')
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS)
    assert told.get('failed') is True
    assert two.journal('metaoffline') == []


def test_one_volume_without_a_file_system_is_a_crash_copy(call, solaris, run):
    solaris.mirror('d1', mounted=False, d2='okay', d3='okay')
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS[:1])
    assert told['verdict'] == 'crash' and solaris.journal('lockfs') == [] and told['window']['seconds'] > 0


@pytest.mark.parametrize('mirror, states', [('d1', 'd2 maintenance\nd3 offline\n'), ('d4', 'd5 maintenance\nd6 offline\n')])
def test_the_last_good_copy_is_not_overwritten(call, two, run, mirror, states):
    """Nor those that belong to it: of a set of two they are the only ones of that moment."""
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    two.put('mirror.' + mirror, states)
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and 'last good copy' in told['msg'] and two.journal('metaonline') == []
    assert two.states('d1')['d3'] == two.states('d4')['d6'] == 'offline' and len(undo(two, name)) == 2


def test_a_copy_that_is_mounted_or_read_is_not_overwritten(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    table = two.read('mnttab')
    two.put('mnttab', table + '/dev/md/dsk/d3\t/mnt\tufs\tro\t0\n')
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and 'mounted' in told['msg'] and two.journal('metaonline') == []
    two.put('mnttab', table)
    _run.load(two.state, name).update(job=_process.identity(os.getpid(), '1795000000'))
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and 'copy job' in told['msg'] and two.journal('metaonline') == []


@pytest.mark.parametrize('fault', ['exit 0', 'echo "metaonline: node1: d1: resync in progress" >&2; exit 1'])
def test_a_metaonline_without_effect_fails(call, two, run, fault):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS[:1])
    two.on('metaonline', fault)
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and 'did not come home' in told['msg'] and undo(two, name)


def test_a_metaonline_that_only_reports_failure_is_success(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS[:1])
    two.on('metaonline', 'set_state $1 $2 resyncing; exit 1')
    assert call('svm_submirror', run=name, state='online')['changed']


def test_after_a_reboot_the_resync_is_continued(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS[:1])
    two.put('mirror.d1', 'd2 okay\nd3 maintenance\n')
    assert call('svm_submirror', run=name, state='online')['changed']
    assert two.journal(*CHANGING)[-1] == 'metasync d1'


def test_an_application_is_held_over_the_cut(call, two, run):
    journal = two.path('journal')
    hooks = [dict(driver='command', before=['/bin/sh', '-c', 'echo stop >>' + journal], after=['/bin/sh', '-c', 'echo start >>' + journal])]
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS[:1], quiesce=hooks)
    assert told['verdict'] == 'application'
    order = [line.split()[0] for line in two.journal() if line.split()[0] in ('stop', 'start', 'metaoffline')
             or line.startswith(('lockfs -w', 'lockfs -u'))]
    assert order == ['stop', 'lockfs', 'metaoffline', 'lockfs', 'start']


def test_a_hook_that_fails_splits_nothing(call, two, run):
    hooks = [dict(driver='command', before=['/bin/false'], after=['/usr/bin/touch', two.path('after')])]
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS[:1], quiesce=hooks)
    assert told['failed'] and two.journal('metaoffline') == [] and os.path.exists(two.path('after'))
