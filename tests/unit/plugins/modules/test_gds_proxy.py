# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Joining and parting GDS proxies, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_restore import Restored
from gds import Gds

pytestmark = pytest.mark.slow

MEMBERS = [dict(proxy='Volume3', master='Volume1'), dict(proxy='Volume4')]
JOINED = {'Volume3': 'joined', 'Volume4': 'joined'}
PARTED = {'Volume3': 'parted', 'Volume4': 'parted'}
CHANGES = ('lockfs', 'sdxproxy', 'sdxvolume', 'sdxattr')


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    """In the place of the host without GDS, for fixture call."""
    made = Gds(str(tmpdir), monkeypatch)
    made.put('groups', 'group Group2 mirror Class1 Disk3 8192 0 0\n')
    for number in (1, 2):
        made.volume('Volume%d' % number, 'Disk1', 'Disk2')
        made.volume('Volume%d' % (number + 2), 'Disk3', status='STOP', master='Volume%d' % number, relation='Join', group='Group2')
    yield made
    made.remove()


@pytest.fixture
def gds(solaris):
    return solaris


@pytest.fixture
def proxies(call):
    def run(state, check=False, **params):
        return call('gds_proxy', check=check, state=state, class_name='Class1', **params)
    return run


@pytest.fixture
def run(call):
    def begin(name='data', **params):
        return call('backup_run', state='opened', name=name, manager='gds_proxy', members=[dict(volume=name)], **params)['run']
    return begin


def record(gds, run):
    return _run.load(gds.state, run).data


def undo(gds, run):
    return record(gds, run)['undo']


def changes(gds):
    return [line for line in gds.journal(*CHANGES) if not line.startswith('lockfs /')]


def copied(gds, *volumes):
    """Let what is copied to the proxies be copied."""
    for volume in volumes:
        gds.set(volume, 'Disk3', 'STOP')


def test_part_and_join_again(gds, proxies, run, call):
    gds.put('scope', 'local node1')
    name = run()
    done = proxies('parted', run=name, members=[dict(MEMBERS[0], filesystem=gds.points[0]), MEMBERS[1]])
    assert (done['changed'], done['verdict'], done['before'], done['after']) == (True, 'filesystem', JOINED, PARTED)
    assert changes(gds)[2:] == [
        'sdxproxy Part -c Class1 -a pjrm=off -p Volume3,Volume4', 'lockfs -u ' + ' '.join(gds.points),
        'sdxvolume -F -c Class1 -v Volume3 -e allnodes', 'sdxattr -V -c Class1 -v Volume3 -a lock=on',
        'sdxvolume -F -c Class1 -v Volume4 -e allnodes', 'sdxattr -V -c Class1 -v Volume4 -a lock=on']
    data = record(gds, name)
    assert (data['phase'], data['verdict'], data['error'], len(data['window']['cuts'])) == ('split', 'filesystem', None, 1)
    assert [(m['volume'], m['copy'], m['device'], m['original'], m['bytes'], m['filesystem'], m['remaining']) for m in data['members']] == [
        ('Volume%d' % number, 'Volume%d' % (number + 2), '/dev/sfdsk/Class1/rdsk/Volume%d' % (number + 2),
         '/dev/sfdsk/Class1/rdsk/Volume%d' % number, 8192 * 512, gds.points[number - 1], 2) for number in (1, 2)]
    assert [(entry['id'], entry['action'], entry['unlock'], entry.get('by')) for entry in data['undo']] == [
        ('gds_proxy:Class1:Volume%d' % number, 'joined', True, None) for number in (3, 4)]
    assert 'sdxinfo -A -e long' in data['layout'] and gds.locks() == []

    again = proxies('parted', run=name, members=MEMBERS)
    assert not again['changed'] and again['commands'] == [] and again['window'] == done['window']

    before = len(changes(gds))
    back = call('gds_proxy', state='joined', run=name)
    assert (back['changed'], back['class_name'], back['after']) == (True, 'Class1', {'Volume3': 'copying', 'Volume4': 'copying'})
    assert changes(gds)[before:] == [
        'sdxattr -V -c Class1 -v Volume3 -a lock=off', 'sdxproxy Rejoin -c Class1 -p Volume3',
        'sdxattr -V -c Class1 -v Volume4 -a lock=off', 'sdxproxy Rejoin -c Class1 -p Volume4']
    assert all(entry['returning'] for entry in undo(gds, name))
    copied(gds, 'Volume3', 'Volume4')
    last = proxies('joined', run=name)
    assert (last['changed'], last['after'], undo(gds, name)) == (False, JOINED, [])
    assert call('gds_proxy', state='joined', run=name)['class_name'] is None


def test_the_way_back_is_written_before_the_cut(gds, proxies, run):
    gds.on('sdxproxy', 'grep -q gds_proxy:Class1:Volume4 "$D"/state/runs/*.json && echo noted >"$D/noted"', 'exit 1')
    assert proxies('parted', run=run(), members=MEMBERS)['failed'] and gds.read('noted') == 'noted\n'


def test_the_proof_is_about_the_state(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1])
    clause, = record(gds, name)['proof']
    text = 'volume *       mirror Class1 Group2 * * * \nvolume Volume3 mirror Class1 Group2 * Volume1 %s off on 65536 9 STOP\n'
    assert clause['argv'][1:] == ['-V', '-c', 'Class1', '-o', 'Volume3', '-e', 'long']
    assert re.search(clause['match'], text % 'Part', re.MULTILINE) and not re.search(clause['match'], text % 'Join', re.MULTILINE)


def test_check_mode_promises_what_is_done_then(gds, proxies, run):
    plan = proxies('parted', check=True, run='<run>', members=MEMBERS)
    assert changes(gds) == [] and plan['changed'] and plan['after'] == PARTED
    planned = [command['argv'] for command in plan['commands']]
    home = proxies('joined', check=True, run='<run>', members=MEMBERS, assume=plan['after'])
    assert home['changed'] and home['after'] == JOINED and changes(gds) == []
    name = run()
    done = proxies('parted', run=name, members=MEMBERS)
    assert [[word.replace(name, '<run>') for word in command['argv']] for command in done['commands']] == planned
    assert [command['argv'] for command in home['commands']] == [command['argv'] for command in proxies('joined', run=name)['commands']]


@pytest.mark.parametrize('pjrm', [True, False])
def test_what_a_release_does_not_tell_the_record_does(gds, proxies, run, call, pjrm):
    """A shadow is made writable only of a proxy that was parted with pjrm off, which a release without column PJRM does not show."""
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1], pjrm=pjrm)

    def tracked(**params):
        return call('gds_info', class_name='Class1', **params)['layout']['volumes']['Volume3']['tracked']

    assert (tracked(), tracked(run=run('other')), tracked(run=name)) == (None, None, pjrm)


def test_pjrm_and_no_lock(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS, pjrm=True, lock=False)
    assert 'pjrm=on' in gds.journal('sdxproxy')[0] and gds.journal('sdxattr') == []
    proxies('joined', run=name)
    assert gds.journal('sdxattr') == []


def test_a_lock_of_somebody_else_stays(gds, proxies, run):
    gds.edit('Volume3', 'lock', 'on')
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1])
    assert [entry['unlock'] for entry in undo(gds, name)] == [False]
    proxies('joined', run=name)
    assert gds.journal('sdxattr') == []


def test_several_proxies_need_something_that_holds_still(gds, proxies, run):
    gds.put('mnttab', '')
    assert 'nothing holds' in proxies('parted', run=run(), members=MEMBERS)['msg'] and changes(gds) == []
    assert proxies('parted', run=run('one'), members=MEMBERS[:1])['verdict'] == 'crash'


def test_a_proxy_group_is_parted_at_one_moment(gds, proxies, run):
    gds.put('mnttab', '')
    tool = gds.read('tools/sdxinfo')
    gds.put('tools/sdxinfo', tool.replace('FREEBLKS SPARE', 'FREEBLKS SPARE MASTER').replace('8192 0 0"', '8192 0 0 *"'))
    os.chmod(gds.path('tools', 'sdxinfo'), 0o755)
    gds.put('groups', 'group Group2 mirror Class1 Disk3 8192 0 0 Group1\n')
    assert 'more volumes' in proxies('parted', run=run('part'), members=MEMBERS[:1])['msg']
    gds.on('sdxproxy', 'set -- $(echo "$*" | sed "s/Group2/Volume3,Volume4/")')
    name = run()
    assert proxies('parted', run=name, members=MEMBERS)['verdict'] == 'crash'
    proxies('joined', run=name)
    assert gds.journal('sdxproxy') == ['sdxproxy Part -c Class1 -a pjrm=off -p Group2', 'sdxproxy Rejoin -c Class1 -p Group2']


@pytest.mark.parametrize('volume, disk, status, words', [
    ('Volume3', 'Disk3', 'COPY', 'still being copied'), ('Volume3', 'Disk3', 'INVALID', 'not valid'),
    ('Volume1', 'Disk2', 'INVALID', 'slice on Disk2 is invalid'), ('Volume1', 'Disk2', 'COPY', 'slice on Disk2 is copy')])
def test_both_must_be_in_step(gds, proxies, run, volume, disk, status, words):
    gds.set(volume, disk, status)
    assert words in proxies('parted', run=run(), members=MEMBERS)['msg'] and changes(gds) == []


@pytest.mark.parametrize('column, word, words', [
    ('blocks', '4096', 'same size'), ('proxy', 'Other', 'not documented'), ('proxy', '*', 'what relation')])
def test_what_is_not_as_it_should_be(gds, proxies, run, column, word, words):
    gds.edit('Volume3', column, word)
    assert words in proxies('parted', run=run(), members=MEMBERS)['msg'] and changes(gds) == []


@pytest.mark.parametrize('members', [
    [dict(proxy='Volume9')], [dict(proxy='-Volume3')], [dict(proxy='Volume3', master='Volume2')], MEMBERS + [dict(proxy='Volume3')],
    [dict(proxy='Volume1')], [dict(proxy='Volume3', filesystem='/elsewhere')]])
def test_wrong_members(gds, proxies, run, members):
    failed = proxies('parted', run=run(), members=members)
    assert failed['failed'] and failed['object'] and changes(gds) == []


def test_a_failing_part_gives_back_what_was_parted(gds, proxies, run):
    gds.on('sdxproxy', 'case $1 in Part) shift; set -- Part -p Volume3; trap "exit 1" EXIT; '
           'echo "SDX:sdxproxy: ERROR: Volume4: some reason" >&2 ;; esac')
    name = run()
    failed = proxies('parted', run=name, members=MEMBERS)
    assert 'some reason' in failed['msg'] and 'No copy is left split' in failed['msg'] and gds.locks() == []
    assert gds.slices()['Volume3', 'Disk3'] == 'COPY' and gds.journal('sdxattr') == []
    assert record(gds, name)['verdict'] == 'torn'
    assert [(entry['id'], entry['returning']) for entry in undo(gds, name)] == [('gds_proxy:Class1:Volume3', True)]


def test_a_part_that_did_nothing_is_torn(gds, proxies, run):
    gds.on('sdxproxy', 'exit 0')
    name = run()
    assert 'Volume3 is not parted' in proxies('parted', run=name, members=MEMBERS)['msg']
    assert undo(gds, name) == [] and gds.locks() == []


def test_a_proxy_that_cannot_be_stopped_is_an_error_and_the_next_call_ends_it(gds, proxies, run):
    gds.on('sdxvolume', 'echo "SDX:sdxvolume: ERROR: Volume3: volume is in use" >&2', 'exit 1')
    name = run()
    assert 'volume is in use' in proxies('parted', run=name, members=MEMBERS)['msg'] and len(undo(gds, name)) == 2
    gds.on('sdxvolume')
    done = proxies('parted', run=name, members=MEMBERS)
    assert done['changed'] and len(done['commands']) == 4 and done['verdict'] == 'filesystem'


def test_a_proxy_that_another_node_still_writes_to_is_not_taken_for_stopped(gds, proxies, run):
    """Here it is stopped; only sdxvolume tells that node2 uses it."""
    in_use = 'case $1 in -F) trap "exit 1" EXIT; echo "SDX:sdxvolume: ERROR: Volume3: volume is in use, node=node2" >&2 ;; esac'
    gds.on('sdxvolume', in_use)
    name = run()
    for dummy in range(2):
        failed = proxies('parted', run=name, members=MEMBERS[:1])
        assert 'node=node2' in failed['msg'] and failed['found'].startswith('stop') and gds.journal('sdxattr') == []
    gds.on('sdxvolume')
    assert not proxies('parted', run=name, members=MEMBERS[:1], lock=False)['changed']
    assert proxies('parted', run=name, members=MEMBERS[:1])['changed'] and len(gds.journal('sdxattr')) == 1
    gds.on('sdxvolume', in_use)
    assert 'node=node2' in proxies('joined', run=name)['msg'] and 'Rejoin' not in ' '.join(gds.journal('sdxproxy'))
    gds.on('sdxvolume')
    assert proxies('joined', run=name)['after'] == {'Volume3': 'copying'}


def test_an_invalid_proxy_is_stopped_nowhere_and_given_back(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1])
    gds.edit('Volume3', 'status', 'INVALID')
    before = len(gds.journal('sdxvolume'))
    assert proxies('joined', run=name)['after'] == {'Volume3': 'copying'} and len(gds.journal('sdxvolume')) == before


def test_a_rejoin_without_effect_keeps_the_entry(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS)
    gds.on('sdxproxy', 'exit 0')
    assert 'had no effect' in proxies('joined', run=name)['msg'] and len(undo(gds, name)) == 2


def test_the_last_good_copy_is_not_overwritten(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS)
    gds.set('Volume1', 'Disk1', 'INVALID')
    assert 'last good copy' in proxies('joined', run=name)['msg'] and 'Rejoin' not in ' '.join(gds.journal('sdxproxy'))


def test_a_proxy_in_use_is_not_overwritten(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS)
    table = gds.read('mnttab')
    gds.put('mnttab', table + '/dev/sfdsk/Class1/dsk/Volume3\t/mnt\tufs\tro\t0\n')
    assert 'is mounted' in proxies('joined', run=name)['msg']
    gds.put('mnttab', table)
    loaded = _run.load(gds.state, name)
    loaded.update(job=_process.identity(os.getpid(), loaded.data['boot']))
    assert 'still reads' in proxies('joined', run=name)['msg'] and 'Rejoin' not in ' '.join(gds.journal('sdxproxy'))


def test_the_proxies_of_others_are_left_alone(gds, proxies, run):
    first = run('one')
    proxies('parted', run=first, members=MEMBERS[:1])
    second = run('two')
    for state in ('parted', 'joined', 'broken'):
        assert 'split by run %s' % first in proxies(state, run=second, members=MEMBERS[:1])['msg']
    gds.edit('Volume4', 'proxy', 'Part')
    assert 'no run on this host' in proxies('parted', run=second, members=MEMBERS[1:])['msg']
    assert 'not by run' in proxies('joined', run=second, members=MEMBERS[1:])['msg']
    assert proxies('joined', members=MEMBERS[1:])['after'] == {'Volume4': 'copying'}


def test_a_split_that_is_not_whole_is_no_split(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1])
    before = len(changes(gds))
    assert 'Only some' in proxies('parted', run=name, members=MEMBERS)['msg']
    _run.load(gds.state, name).update(window=None)
    assert 'did not end well' in proxies('parted', run=name, members=MEMBERS[:1])['msg'] and len(changes(gds)) == before


def test_a_new_proxy_is_overwritten_only_when_confirmed(gds, proxies):
    gds.volume('Volume5', 'Disk3', status='STOP', group='Group2')
    members = [dict(proxy='Volume5', master='Volume1')]
    assert 'Volume5 in confirm' in proxies('joined', members=members)['msg']
    done = proxies('joined', members=members, confirm=['Volume5'])
    assert (done['before'], done['after']) == ({'Volume5': 'separate'}, {'Volume5': 'copying'})
    assert gds.journal('sdxproxy') == ['sdxproxy Join -c Class1 -m Volume1 -p Volume5']
    assert not proxies('joined', members=members)['changed']


@pytest.mark.parametrize('more, master, words', [
    (dict(group='Group1'), 'Volume1', 'both in group'), (dict(status='ACTIVE'), 'Volume1', 'is active'),
    (dict(blocks=4096), 'Volume1', 'same size'), (dict(group='Group3'), 'Volume3', 'is a proxy itself'),
    (dict(), None, 'no master was named')])
def test_what_cannot_be_joined(gds, proxies, more, master, words):
    gds.volume('Volume5', 'Disk3', **dict(dict(status='STOP', group='Group2'), **more))
    failed = proxies('joined', members=[dict(proxy='Volume5', master=master)], confirm=['Volume5'])
    assert words in failed['msg'] and gds.journal('sdxproxy') == []


def test_copying_that_broke_off_is_told(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1])
    proxies('joined', run=name)
    gds.set('Volume3', 'Disk3', 'INVALID')
    assert 'broken off' in proxies('joined', run=name)['msg'] and len(undo(gds, name)) == 1


def test_the_end_of_a_relation(gds, proxies, run):
    name = run()
    proxies('parted', run=name, members=MEMBERS[:1])
    done = proxies('broken', run=name)
    assert (done['after'], undo(gds, name)) == ({'Volume3': 'separate'}, [])
    assert gds.journal('sdxattr')[-1].endswith('lock=off') and gds.journal('sdxproxy')[-1] == 'sdxproxy Break -c Class1 -p Volume3'
    assert not proxies('broken', members=MEMBERS[:1])['changed']
    gds.set('Volume4', 'Disk3', 'COPY')
    assert 'copying' in proxies('broken', members=MEMBERS[1:])['found']


def test_a_relation_that_somebody_has_ended_by_hand(gds, proxies, run, call):
    """Recover cannot join it: nobody has said that the volume, which is its own now, may be overwritten."""
    name = run()
    proxies('parted', run=name, members=MEMBERS)
    gds.edit('Volume3', 'master', '*')
    gds.edit('Volume3', 'proxy', '*')
    plan = call('gds_proxy', check=True, state='joined', run=name)
    assert 'Volume3 is not given back' in ' '.join(plan['warnings']) and len(undo(gds, name)) == 2
    before = len(changes(gds))
    done = call('gds_proxy', state='joined', run=name)
    assert 'ended its relation to Volume1' in ' '.join(done['warnings']) and done['after'] == {'Volume4': 'copying'}
    assert changes(gds)[before:] == ['sdxattr -V -c Class1 -v Volume3 -a lock=off', 'sdxvolume -F -c Class1 -v Volume4 -e allnodes',
                                     'sdxattr -V -c Class1 -v Volume4 -a lock=off',
                                     'sdxproxy Rejoin -c Class1 -p Volume4']
    assert [command['argv'][1:] for command in plan['commands']] == [command['argv'][1:] for command in done['commands']]
    assert [entry['id'] for entry in undo(gds, name)] == ['gds_proxy:Class1:Volume4']
    assert 'in confirm' in proxies('joined', run=name, members=MEMBERS)['msg']


def test_a_copy_that_is_restored_from_is_not_forgotten(gds, kept, call):
    backup, restore = kept
    gds.on('sdxproxy', 'exit 1')
    assert call('gds_proxy', state='restored', run=restore, source_run=backup, confirm=['Volume1'])['failed']
    gds.edit('Volume3', 'master', '*')
    gds.edit('Volume3', 'proxy', '*')
    assert call('gds_proxy', state='joined', run=backup)['failed'] and len(undo(gds, backup)) == 1


@pytest.fixture
def kept(gds, proxies, run):
    """A backup whose proxy is parted, and a restore from it; the master is stopped."""
    backup = run()
    proxies('parted', run=backup, members=MEMBERS[:1])
    _run.load(gds.state, backup).update(retained={'until': 'next_run', 'survives_reboot': True}, phase='retained')
    gds.unmount('Volume1')
    gds.edit('Volume1', 'status', 'STOP')
    return backup, run(kind='restore', source_run=backup)


def test_restore_and_end_it(gds, call, kept):
    backup, restore = kept
    params = dict(state='restored', run=restore, source_run=backup)
    assert 'Volume1 in confirm' in call('gds_proxy', **params)['msg']
    plan = call('gds_proxy', check=True, confirm=['Volume1'], **params)
    done = call('gds_proxy', confirm=['Volume1'], **params)
    assert (done['changed'], done['before'], done['after']) == (True, {'Volume3': 'parted'}, {'Volume3': 'joined'})
    assert [command['argv'][1:] for command in done['commands']] == [
        ['-V', '-c', 'Class1', '-v', 'Volume3', '-a', 'lock=off'], ['RejoinRestore', '-c', 'Class1', '-p', 'Volume3', '-e', 'nowaitsync']]
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]
    assert [(entry['id'], entry['done']) for entry in undo(gds, restore)] == [('gds_restore:Class1:Volume3', True)]
    assert not call('gds_proxy', confirm=['Volume1'], **params)['changed'] and len(undo(gds, backup)) == 1
    for disk in ('Disk1', 'Disk2'):
        gds.set('Volume1', disk, 'STOP')
    for dummy in range(2):
        assert not call('gds_proxy', confirm=['Volume1'], **params)['changed']
        assert undo(gds, restore) == [] and undo(gds, backup) == []


def test_a_restore_that_died_before_its_first_note_is_not_taken_for_a_finished_one(gds, call, kept, monkeypatch):
    backup, restore = kept

    def die(*given, **named):
        raise Refused('died')
    params = dict(state='restored', run=restore, source_run=backup, confirm=['Volume1'])
    with monkeypatch.context() as patched:
        patched.setattr(Restored, 'note', die)
        assert 'died' in call('gds_proxy', **params)['msg']
    assert call('gds_proxy', state='joined', run=backup)['changed']
    copied(gds, 'Volume3')
    assert call('gds_proxy', state='joined', run=backup)['after'] == {'Volume3': 'joined'} and undo(gds, backup) == []
    assert 'Nothing says which proxies' in call('gds_proxy', **params)['msg']


def test_a_restore_whose_command_failed_keeps_its_proxies(gds, call, kept):
    backup, restore = kept
    params = dict(state='restored', run=restore, source_run=backup, confirm=['Volume1'])
    gds.on('sdxproxy', 'exit 1')
    assert call('gds_proxy', **params)['failed']
    gds.on('sdxproxy')
    for state in ('broken', 'joined'):
        assert 'Restore %s still copies' % restore in call('gds_proxy', state=state, run=backup)['msg']
    # Broken by hand.
    for column, word in (('master', '*'), ('proxy', '*')):
        gds.edit('Volume3', column, word)
    assert 'is not parted' in call('gds_proxy', **params)['msg'] and len(undo(gds, restore)) == 1


def test_an_interrupted_restore_goes_on_in_its_direction(gds, call, kept):
    backup, restore = kept
    gds.on('sdxproxy', 'grep -q gds_restore "$D"/state/runs/*.json && echo noted >"$D/noted"', 'exit 1')
    params = dict(state='restored', run=restore, source_run=backup, confirm=['Volume1'])
    assert call('gds_proxy', **params)['failed'] and gds.read('noted') == 'noted\n'
    gds.on('sdxproxy')
    assert call('gds_proxy', **params)['after'] == {'Volume3': 'joined'}
    for disk in ('Disk1', 'Disk2'):
        gds.set('Volume1', disk, 'INVALID')
    assert 'broken off' in call('gds_proxy', **params)['msg']


def test_the_disk_unit_restores_only_where_asked(gds, call, kept):
    backup, restore = kept
    params = dict(state='restored', run=restore, source_run=backup, confirm=['Volume1'], method='copy_function')
    gds.on('sdxproxy', 'echo "SDX:sdxproxy: ERROR: Volume3: copy function of the disk unit cannot be used" >&2', 'exit 1')
    assert 'disk unit' in call('gds_proxy', **params)['msg']
    gds.on('sdxproxy')
    assert call('gds_proxy', **params)['after'] == {'Volume3': 'parted'}
    assert not call('gds_proxy', **params)['changed']
    assert [line.split()[1] for line in gds.journal('sdxproxy')][-2:] == ['Restore', 'Restore'] and len(undo(gds, backup)) == 1


def test_what_is_not_restored(gds, call, kept, run):
    backup, restore = kept
    params = dict(state='restored', run=restore, source_run=backup, confirm=['Volume1'])
    gds.edit('Volume1', 'status', 'ACTIVE')
    assert 'Volume1 is started' in call('gds_proxy', **params)['msg']
    gds.edit('Volume1', 'status', 'STOP')
    gds.set('Volume3', 'Disk3', 'INVALID')
    assert 'what is restored from' in call('gds_proxy', **params)['msg']
    copied(gds, 'Volume3')
    assert 'kind backup' in call('gds_proxy', **dict(params, run=run('other')))['msg']
    gds.edit('Volume3', 'proxy', 'Join')
    assert 'nothing older' in call('gds_proxy', **params)['msg']
    assert 'Restore' not in ' '.join(gds.journal('sdxproxy'))


@pytest.mark.parametrize('group', ['Disk1', 'Disk3'])
def test_the_disk_unit_cannot_copy_lower_groups(gds, call, kept, group):
    """Of the master or of the proxy."""
    backup, restore = kept
    gds.put('groups', gds.read('groups') + 'group %s stripe Class1 Disk8:Disk9 8192 0 0\n' % group)
    params = dict(state='restored', run=restore, source_run=backup, confirm=['Volume1'])
    failed = call('gds_proxy', method='copy_function', **params)
    assert 'lower groups' in failed['msg'] and failed['needed'] == 'method rejoin' and undo(gds, restore) == []
    assert 'Restore' not in ' '.join(gds.journal('sdxproxy'))
    assert call('gds_proxy', **params)['changed']


def test_only_the_proved_copies_of_the_named_run_are_restored(gds, call, kept):
    backup, restore = kept
    params = dict(state='restored', run=restore, confirm=['Volume1'])
    assert 'split by run %s' % backup in call('gds_proxy', class_name='Class1', members=MEMBERS[:1], **params)['msg']
    params['source_run'] = backup
    source = _run.load(gds.state, backup)
    source.update(job=_process.identity(os.getpid(), source.data['boot']))
    assert 'still reads' in call('gds_proxy', **params)['msg']
    source.update(job=None, proof=[dict(source.data['proof'][0], match='another')])
    assert 'not proved' in call('gds_proxy', **params)['msg']
    source.update(proof=[])
    assert 'cannot prove' in call('gds_proxy', **params)['msg']
    assert 'Restore' not in ' '.join(gds.journal('sdxproxy'))


def test_what_somebody_else_has_parted_is_refused_in_check_mode_too(gds, proxies):
    gds.edit('Volume3', 'proxy', 'Part')
    for params in (dict(run='<run>'), dict(run='<run>', assume=None)):
        assert 'not by run <run>' in proxies('joined', check=True, members=MEMBERS[:1], **params)['msg']
    assert proxies('joined', check=True, run='<run>', members=MEMBERS[:1], assume={'Volume3': 'parted'})['changed']


def test_the_type_of_a_file_system_that_is_not_mounted(gds, proxies, run):
    gds.unmount('Volume1')
    members = [dict(MEMBERS[0], fstype='sfxfs')]
    done = proxies('parted', run=run(), members=members)
    assert (done['members'][0]['filesystem'], done['members'][0]['fstype'], done['verdict']) == (None, 'sfxfs', 'crash')
    assert [line.split()[0] for line in changes(gds)][:1] == ['sdxproxy']


def test_the_layout_that_a_parting_is_predicted_to_leave(gds, proxies, call):
    plan = proxies('parted', check=True, run='<run>', members=MEMBERS[:1])
    before = call('gds_info', class_name='Class1')['layout']
    told = call('gds_info', check=True, class_name='Class1', assume=plan['after'])['layout']
    assert told['volumes']['Volume3'] == dict(before['volumes']['Volume3'], relation='parted', state='stop', tracked=False)
    assert told['volumes']['Volume4'] == before['volumes']['Volume4']
    assert call('gds_info', class_name='Class1', assume=plan['after'])['layout'] == before


def test_what_a_kept_proxy_will_need_again_is_predicted(gds, proxies, run):
    """It is locked by the run that keeps it, which takes the lock off when it gives the proxy back."""
    name = run()
    made = proxies('parted', run=name, members=MEMBERS[:1])
    plan = proxies('parted', check=True, run='<run>', members=MEMBERS[:1], assume={'Volume3': 'joined'})
    shut = [command['argv'][1:] for command in plan['commands']][-2:]
    assert shut == [command['argv'][1:] for command in made['commands']][-2:]
    assert [words[0] for words in shut] == ['-F', '-V'] and shut[1][-1] == 'lock=on'
