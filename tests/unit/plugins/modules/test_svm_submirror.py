# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Splitting and bringing back, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run

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
    assert [clause['argv'][1:] for clause in data['proof']] == [['-t', 'd1'], ['-t', 'd4']] and two.locks() == []

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


@pytest.mark.parametrize('fault', [
    '[ $1 = d1 ] || { echo "metaoffline: node1: d4: resync in progress" >&2; exit 1; }',
    '[ $1 = d1 ] || exit 0',
    '[ $1 = d1 ] || { set_state d4 d6 offline; exit 1; }',
    '[ $1 = d1 ] || exec sleep 60'])
def test_a_window_that_fails_is_rolled_back(call, two, run, fault):
    """Refused, without effect, with effect but reported as failed, or hung: no member stays split and none is stored."""
    name = run()
    two.on('metaoffline', fault)
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, lease=1)
    assert told['failed'] and 'left split' in told['msg']
    assert two.locks() == [] and two.states('d1')['d3'] == 'resyncing' and two.states('d4')['d6'] in ('okay', 'resyncing')
    data = record(two, name)
    assert data['undo'] == [] and data['verdict'] == 'torn' and data['error'] and data['window'] is None
    assert any(command['argv'][-2:] == ['d1', 'd3'] and 'metaonline' in command['argv'][0] for command in told['commands'])


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
    assert 'svm_submirror:d4:d6' in two.read('seen.d1')


@pytest.mark.parametrize('members, word', [
    ([dict(mirror='d1', submirror='d6')], 'not a submirror'), ([dict(mirror='d9', submirror='d3')], 'd9'),
    ([dict(mirror='d1', submirror='d2'), dict(mirror='d1', submirror='d3')], 'more than once'),
    ([dict(mirror='d1;id', submirror='d3')], 'cannot be the name'), ([dict(mirror='-f', submirror='d3')], 'cannot be the name'),
    ([dict(mirror='d1', submirror='d3\n')], 'cannot be the name'), ([dict(mirror=u'd\xe9', submirror='d3')], 'cannot be the name'),
    ([dict(mirror='d1', submirror='d3', filesystem='/elsewhere')], 'is not where')])
def test_members_that_cannot_be(call, two, run, members, word):
    told = call('svm_submirror', run=run(), state='offline', members=members)
    assert told['failed'] and word in told['msg'] and two.journal(*CHANGING) == []


def test_soft_partitions_are_refused(call, two, run):
    two.put('more', 'd101 -p d1 -o 4160 -b 100 \n')
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS)
    assert told['failed'] and 'd101' in told['msg'] and two.journal(*CHANGING) == []


def test_a_lock_of_somebody_else_is_refused(call, two, run):
    two.put('lock.' + two.points[0].replace('/', '_'), 'write      nightly backup\n')
    told = call('svm_submirror', run=run(), state='offline', members=MEMBERS)
    assert told['failed'] and 'nightly backup' in told['msg'] and len(two.locks()) == 1 and two.journal(*CHANGING) == []


def test_the_state_directory_on_a_member_is_refused(call, two, run):
    state = os.path.join(two.points[0], 'state')
    name = call('backup_run', state='opened', name='x', manager='svm', state_dir=state)['run']
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, state_dir=state)
    assert told['failed'] and two.points[0] in told['msg'] and two.journal(*CHANGING) == []


def test_offline_needs_a_run_that_is_known(call, two):
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


def test_the_last_good_copy_is_not_overwritten(call, two, run):
    name = run()
    call('svm_submirror', run=name, state='offline', members=MEMBERS)
    two.put('mirror.d1', 'd2 maintenance\nd3 offline\n')
    told = call('svm_submirror', run=name, state='online')
    assert told['failed'] and 'last good copy' in told['msg'] and two.states('d1')['d3'] == 'offline'


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
    assert told['failed'] and 'did not come online' in told['msg'] and undo(two, name)


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
