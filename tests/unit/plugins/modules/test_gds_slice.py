# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Detaching slices of GDS volumes and giving them back, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run
from gds import Gds

pytestmark = pytest.mark.slow

MEMBERS = [dict(volume='Volume1', disk='Disk2'), dict(volume='Volume2', disk='Disk2')]
HEALTHY = {'Volume1': {'Disk1': 'active', 'Disk2': 'active'}, 'Volume2': {'Disk1': 'active', 'Disk2': 'active'}}
DETACHED = {'Volume1': {'Disk1': 'active', 'Disk2': 'temp'}, 'Volume2': {'Disk1': 'active', 'Disk2': 'temp'}}


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    """In the place of the host without GDS, for fixture call."""
    made = Gds(str(tmpdir), monkeypatch)
    made.volume('Volume1', 'Disk1', 'Disk2')
    made.volume('Volume2', 'Disk1', 'Disk2')
    yield made
    made.remove()


@pytest.fixture
def gds(solaris):
    return solaris


@pytest.fixture
def slices(call):
    def run(state, check=False, **params):
        return call('gds_slice', check=check, state=state, class_name='Class1', **params)
    return run


@pytest.fixture
def run(call):
    def begin(name='data'):
        return call('backup_run', state='opened', name=name, manager='gds_slice', members=[dict(volume=name)])['run']
    return begin


def record(gds, run):
    return _run.load(gds.state, run).data


def undo(gds, run):
    return [entry['id'] for entry in record(gds, run)['undo']]


def test_detach_and_give_back(gds, slices, run):
    name = run()
    done = slices('detached', run=name, members=[dict(MEMBERS[0], filesystem=gds.points[0]), MEMBERS[1]], access='ro', jrm=False)
    assert (done['changed'], done['verdict'], done['before'], done['after']) == (True, 'filesystem', HEALTHY, DETACHED)
    assert [call.split(' ', 1)[0] for call in gds.journal('lockfs', 'sdxslice') if 'lockfs /' not in call] == [
        'lockfs', 'lockfs', 'sdxslice', 'sdxslice', 'lockfs']
    assert gds.journal('sdxslice') == [
        'sdxslice -M -c Class1 -a jrm=off,mode=ro -d Disk2 -v ' + volume for volume in ('Volume1', 'Volume2')]
    data = record(gds, name)
    assert (data['phase'], data['verdict'], data['error'], len(data['window']['cuts'])) == ('split', 'filesystem', None, 2)
    assert [(m['volume'], m['copy'], m['device'], m['original'], m['bytes'], m['filesystem']) for m in data['members']] == [
        (volume, 'Disk2.' + volume, '/dev/sfdsk/Class1/rdsk/Disk2.' + volume, '/dev/sfdsk/Class1/rdsk/' + volume, 8192 * 512, point)
        for volume, point in zip(('Volume1', 'Volume2'), gds.points)]
    assert undo(gds, name) == ['gds_slice:Class1:Volume1:Disk2', 'gds_slice:Class1:Volume2:Disk2']
    assert 'sdxinfo -A -e long' in data['layout'] and gds.locks() == []

    again = slices('detached', run=name, members=MEMBERS)
    assert not again['changed'] and again['commands'] == [] and again['window'] == done['window']

    back = slices('attached', run=name)
    assert back['changed'] and back['after']['Volume1'] == {'Disk1': 'active', 'Disk2': 'copy'} and len(undo(gds, name)) == 2
    for volume in ('Volume1', 'Volume2'):
        gds.set(volume, 'Disk2', 'ACTIVE')
    last = slices('attached', run=name)
    assert not last['changed'] and undo(gds, name) == []


def test_check_mode_promises_what_is_done_then(gds, slices, run):
    plan = slices('detached', check=True, run='<run>', members=MEMBERS)
    assert gds.journal('sdxslice') == [] and plan['changed'] and plan['after'] == DETACHED
    planned = [command['argv'] for command in plan['commands']]
    home = slices('attached', check=True, run='<run>', members=MEMBERS, assume=plan['after'])
    assert home['changed'] and home['after'] == HEALTHY
    name = run()
    done = slices('detached', run=name, members=MEMBERS)
    assert [[word.replace(name, '<run>') for word in command['argv']] for command in done['commands']] == planned
    assert [command['argv'] for command in home['commands']] == [command['argv'] for command in slices('attached', run=name)['commands']]


@pytest.mark.parametrize('status', ['INVALID', 'COPY', 'TEMP', 'NOUSE'])
def test_every_slice_must_be_valid(gds, slices, run, status):
    gds.set('Volume2', 'Disk1', status)
    failed = slices('detached', run=run(), members=MEMBERS)
    assert failed['failed'] and 'slice on Disk1 is %s' % status.lower() in failed['found'] and 'sdxinfo -S' in failed['look']
    assert gds.journal('sdxslice', 'lockfs') == []


def test_the_last_slice_is_never_detached(gds, slices, run):
    gds.volume('Volume3', 'Disk1')
    assert 'one slice' in slices('detached', run=run(), members=[dict(volume='Volume3', disk='Disk1')])['msg']


@pytest.mark.parametrize('word', ['HEALTHY', 'TEMP-SOMETHING', '*'])
def test_an_unknown_state_is_an_error(gds, slices, run, word):
    gds.set('Volume2', 'Disk1', word)
    assert 'not documented' in slices('detached', run=run(), members=MEMBERS)['msg']
    assert gds.journal('sdxslice', 'lockfs') == []


@pytest.mark.parametrize('more, words', [
    (dict(master='Volume9', relation='Join', status='STOP'), 'its master Volume9'), (dict(pslice='off'), 'pslice=off')])
def test_what_gds_would_refuse_is_refused_before(gds, slices, run, more, words):
    gds.volume('Volume3', 'Disk1', 'Disk2', **more)
    failed = slices('detached', run=run(), members=[dict(volume='Volume3', disk='Disk2')])
    assert words in failed['found'] and gds.journal('sdxslice') == []


def test_a_slice_on_a_lower_group_is_not_detached(gds, slices, run):
    gds.put('groups', 'group Disk2 stripe Class1 Disk8:Disk9 8192 0 0\n')
    failed = slices('detached', run=run(), members=MEMBERS)
    assert 'Disk2 is a lower group' in failed['msg'] and failed['found'] == 'a group' and gds.journal('sdxslice', 'lockfs') == []


def test_a_master_is_backed_up_through_its_proxy(gds, slices, run):
    gds.volume('Volume3', 'Disk3', 'Disk4', master='Volume1', relation='Part')
    assert 'its proxy Volume3' in slices('detached', run=run(), members=MEMBERS)['found']


@pytest.mark.parametrize('members', [
    [dict(volume='Volume9', disk='Disk1')], [dict(volume='Volume1', disk='Disk9')], [dict(volume='-Volume1', disk='Disk1')],
    [dict(volume='Volume1', disk='../Disk1')], MEMBERS + [dict(volume='Volume1', disk='Disk1')],
    [dict(volume='Volume1', disk='Disk2', filesystem='/elsewhere')]])
def test_wrong_members(gds, slices, run, members):
    failed = slices('detached', run=run(), members=members)
    assert failed['failed'] and failed['object'] and gds.journal('sdxslice', 'lockfs') == []


def test_a_failing_cut_gives_the_first_slice_back(gds, slices, run):
    gds.on('sdxslice', 'case "$*" in *-M*Volume2) echo "SDX:sdxslice: ERROR: Volume2: some reason" >&2; exit 1 ;; esac')
    name = run()
    failed = slices('detached', run=name, members=MEMBERS)
    assert 'some reason' in failed['msg'] and 'No copy is left split' in failed['msg']
    assert gds.slices()['Volume1', 'Disk2'] == 'COPY' and gds.slices()['Volume2', 'Disk2'] == 'ACTIVE' and gds.locks() == []
    assert record(gds, name)['verdict'] == 'torn' and undo(gds, name) == ['gds_slice:Class1:Volume1:Disk2']


def test_a_cut_that_did_nothing_is_torn(gds, slices, run):
    gds.on('sdxslice', 'case "$*" in *-M*Volume2) exit 0 ;; esac')
    failed = slices('detached', run=run(), members=MEMBERS)
    assert 'reported success, but Disk2.Volume2 is not detached' in failed['msg']
    assert gds.slices()['Volume1', 'Disk2'] == 'COPY' and gds.locks() == []


def test_a_slice_that_cannot_be_given_back_keeps_its_entry(gds, slices, run):
    name = run()
    slices('detached', run=name, members=MEMBERS)
    gds.on('sdxslice', 'exit 0')
    failed = slices('attached', run=name)
    assert 'had no effect' in failed['msg'] and len(undo(gds, name)) == 2


def test_copying_that_broke_off_is_begun_again(gds, slices, run):
    name = run()
    slices('detached', run=name, members=MEMBERS)
    slices('attached', run=name)
    for volume in ('Volume1', 'Volume2'):
        gds.set(volume, 'Disk2', 'INVALID')
    done = slices('attached', run=name)
    assert done['changed'] and [command['argv'][1:] for command in done['commands']][0] == [
        '-B', '-c', 'Class1', '-v', 'Volume1', '-e', 'nowaitsync']


def test_nothing_is_waited_for_on_a_stopped_volume(gds, slices, run):
    name = run()
    slices('detached', run=name, members=MEMBERS[:1])
    gds.set('Volume1', 'Disk2', 'INVALID')
    gds.edit('Volume1', 'status', 'STOP')
    done = slices('attached', run=name)
    assert not done['changed'] and done['commands'] == [] and undo(gds, name) == ['gds_slice:Class1:Volume1:Disk2']


def test_a_slice_that_went_with_its_disk_is_forgotten(gds, slices, run):
    """The volume was stopped, so nothing was copied to the slice, or its disk died; then the disk was taken away."""
    name = run()
    slices('detached', run=name, members=MEMBERS)
    gds.put('slices', gds.read('slices').replace('Volume1 Disk2 TEMP\n', ''))
    gds.set('Volume1', 'Disk1', 'COPY')
    failed = slices('attached', run=name)
    assert 'not whole without it' in failed['msg'] and failed['found'] == 'slice on Disk1 is copy' and len(undo(gds, name)) == 2
    gds.set('Volume1', 'Disk1', 'STOP')
    assert not slices('attached', check=True, run=name).get('failed') and len(undo(gds, name)) == 2
    assert 'no slice on Disk2' in slices('attached', run=name, members=MEMBERS)['msg']
    done = slices('attached', run=name)
    assert 'Volume1 has no slice on Disk2' in ' '.join(done['warnings']) and undo(gds, name) == ['gds_slice:Class1:Volume2:Disk2']
    assert done['changed'] and gds.slices()['Volume2', 'Disk2'] == 'COPY'


def test_a_run_with_a_backup_disk_and_a_stopped_volume_can_be_closed(gds, slices, call, run):
    gds.put('disks', gds.read('disks') + 'DiskB Group1 c4t1d1 Class1\n')
    gds.put('slices', gds.read('slices') + 'Volume1 DiskB ACTIVE\nVolume2 DiskB ACTIVE\n')
    name = run()
    slices('detached', run=name, members=[dict(volume='Volume1', disk='DiskB')])
    gds.set('Volume1', 'DiskB', 'INVALID')
    for disk in ('Disk1', 'Disk2'):
        gds.set('Volume1', disk, 'STOP')
    gds.edit('Volume1', 'status', 'STOP')
    assert not slices('attached', run=name)['changed'] and undo(gds, name) == ['gds_slice:Class1:Volume1:DiskB']
    assert call('gds_disk', state='absent', class_name='Class1', disk='DiskB')['changed']
    call('gds_slice', state='attached', run=name)
    assert undo(gds, name) == [] and not call('backup_run', state='closed', run=name, result='failed').get('failed')


@pytest.mark.parametrize('volume', ['Volume1', 'Volume2'])
def test_the_last_good_copy_is_not_overwritten(gds, slices, run, volume):
    """Nor those that belong to it."""
    name = run()
    slices('detached', run=name, members=MEMBERS)
    other, = [disk for (owner, disk), state in gds.slices().items() if owner == volume and state != 'TEMP']
    gds.set(volume, other, 'INVALID')
    failed = slices('attached', run=name)
    assert 'last good copy' in failed['msg'] and gds.slices()['Volume1', 'Disk2'] == 'TEMP'


def test_a_copy_in_use_is_not_overwritten(gds, slices, run):
    name = run()
    slices('detached', run=name, members=MEMBERS)
    table = gds.read('mnttab')
    gds.put('mnttab', table + '/dev/sfdsk/Class1/dsk/Disk2.Volume1\t/mnt\tufs\tro\t0\n')
    assert 'is mounted' in slices('attached', run=name)['msg']
    gds.put('mnttab', table)
    loaded = _run.load(gds.state, name)
    loaded.update(job=_process.identity(os.getpid(), loaded.data['boot']))
    assert 'still reads' in slices('attached', run=name)['msg']
    assert gds.slices()['Volume1', 'Disk2'] == 'TEMP'


def test_somebody_elses_slice_is_left_alone(gds, slices, run):
    gds.set('Volume1', 'Disk2', 'TEMP')
    name = run()
    assert 'no run on this host' in slices('detached', run=name, members=MEMBERS)['msg']
    assert 'not by run' in slices('attached', run=name, members=MEMBERS[:1])['msg']
    assert gds.slices()['Volume1', 'Disk2'] == 'TEMP'
    assert slices('attached', members=MEMBERS[:1])['changed']


def test_another_runs_slice_is_left_alone(gds, slices, run):
    first = run('one')
    slices('detached', run=first, members=MEMBERS[:1])
    second = run('two')
    assert 'split by run %s' % first in slices('detached', run=second, members=MEMBERS[:1])['msg']
    assert 'split by run %s' % first in slices('attached', run=second, members=MEMBERS[:1])['msg']


def test_a_class_whose_name_begins_alike_is_another(gds, slices, run):
    name = run()
    _run.load(gds.state, name).add_undo({'id': 'gds_slice:Class10:Volume1:Disk2', 'class_name': 'Class10', 'volume': 'Volume1',
                                         'disk': 'Disk2'})
    assert slices('attached', run=name)['before'] == {}


def test_an_unknown_word_of_another_volume_stands_in_nobodys_way(gds, slices, call, run):
    gds.volume('Volume3', 'Disk1', 'Disk2')
    name = run()
    slices('detached', run=name, members=MEMBERS)
    gds.set('Volume3', 'Disk1', 'TEMP-SOMETHING')
    assert slices('attached', run=name)['changed']
    told = call('gds_info', run=name, class_name='Class1', volumes=['Volume1'])
    assert told['in_progress'] and told['layout']['volumes']['Volume3']['state'] is None
    assert 'not documented' in call('gds_info', class_name='Class1')['msg']


def test_the_record_knows_the_class(gds, slices, call, run):
    name = run()
    assert call('gds_slice', state='attached', run=name)['class_name'] is None
    slices('detached', run=name, members=MEMBERS)
    done = call('gds_slice', state='attached', run=name)
    assert (done['class_name'], done['changed']) == ('Class1', True)
    assert all(entry['returning'] for entry in record(gds, name)['undo'])


@pytest.mark.parametrize('jrm', [True, False])
def test_what_a_release_does_not_tell_the_record_does(gds, slices, run, call, jrm):
    name = run()
    slices('detached', run=name, members=MEMBERS[:1], jrm=jrm)

    def tracked(**params):
        return call('gds_info', class_name='Class1', **params)['layout']['volumes']['Volume1']['tracked']

    assert (tracked(), tracked(run=name)) == (None, jrm)


def test_stop_and_start(gds, slices, run):
    name = run()
    slices('detached', run=name, members=MEMBERS)
    assert slices('stopped', run=name)['after']['Volume1']['Disk2'] == 'temp-stop'
    assert not slices('stopped', run=name)['changed']
    done = slices('started', run=name, take_over=True)
    assert done['after'] == DETACHED and [command['argv'][1] for command in done['commands']] == ['-T', '-N', '-T', '-N']
    gds.on('sdxslice', 'echo "SDX:sdxslice: ERROR: Disk2.Volume1: slice is in use" >&2', 'exit 1')
    assert 'slice is in use' in slices('stopped', run=name)['msg']
    gds.on('sdxslice')
    gds.set('Volume1', 'Disk2', 'ACTIVE')
    assert 'is not detached' in slices('stopped', members=MEMBERS[:1])['msg']


def test_info_tells_states_and_progress(gds, call):
    gds.set('Volume2', 'Disk2', 'COPY')
    found = call('gds_info', class_name='Class1')
    assert found['volumes']['Volume1'] == {
        'healthy': True, 'faults': [], 'state': 'active', 'bytes': 8192 * 512, 'first_block': 65536, 'filesystem': gds.points[0],
        'group': 'Group1', 'master': None, 'relation': None,
        'slices': [{'disk': 'Disk1', 'state': 'active'}, {'disk': 'Disk2', 'state': 'active'}]}
    assert (found['volumes']['Volume2']['healthy'], found['volumes']['Volume2']['faults']) == (False, ['slice on Disk2 is copy'])
    assert found['in_progress'] and found['progress'] == [
        {'object': 'Disk2.Volume2', 'state': 'copy', 'percent': 25, 'bytes': None, 'eta': None}]
    assert not call('gds_info', class_name='Class1', volumes=['Volume1'])['in_progress']
    assert found['layout']['class_name'] == 'Class1'
    assert found['layout']['disks'] == dict.fromkeys(['Disk1', 'Disk2'], {'blocks': 17596416, 'identity': None})
    assert found['layout']['groups'] == {'Group1': {'type': 'mirror', 'width': None, 'disks': ['Disk1', 'Disk2']}}
    assert found['layout']['volumes']['Volume1'] == {
        'group': 'Group1', 'state': 'active', 'relation': None, 'first_block': 65536, 'blocks': 8192, 'tracked': False,
        'slices': {'Disk1': 'active', 'Disk2': 'active'}}
    assert 'no volume Volume9' in call('gds_info', class_name='Class1', volumes=['Volume9'])['msg']
    assert 'not here' in call('gds_info', class_name='Class2')['msg']


def test_what_nothing_can_lock_is_flushed(gds, slices, run):
    """Solaris has no fsfreeze for an sfxfs. One volume is cut at one instant, several are not."""
    gds.tool('sync', '')
    gds.put('mnttab', gds.read('mnttab').replace('\tufs\trw,logging', '\tsfxfs\trw'))
    failed = slices('detached', members=MEMBERS, run=run('both'))
    assert 'nothing holds Volume1, Volume2 still' in failed['msg'] and 'TEMP' not in gds.slices().values()
    done = slices('detached', members=MEMBERS[:1], run=run('one'))
    assert done['verdict'] == 'crash' and len(done['window']['flushed']) == 1 and gds.journal('sync') == ['sync']
