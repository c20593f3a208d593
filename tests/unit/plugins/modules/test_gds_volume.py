# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starting, stopping and locking GDS volumes."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run
from gds import Gds

ACTIVE = {'state': 'active', 'locked': False, 'mode': 'rw'}
STOP = dict(ACTIVE, state='stop')


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    """In the place of the host without GDS, for fixture call."""
    made = Gds(str(tmpdir), monkeypatch)
    made.volume('Volume1', 'Disk1', 'Disk2')
    made.volume('Volume2', 'Disk1', 'Disk2')
    made.unmount('Volume1')
    yield made
    made.remove()


@pytest.fixture
def gds(solaris):
    return solaris


@pytest.fixture
def volume(call):
    def run(state, check=False, **params):
        params.setdefault('volumes', ['Volume1'])
        return call('gds_volume', check=check, state=state, class_name='Class1', **params)
    return run


@pytest.fixture
def run(call):
    return call('backup_run', state='opened', name='data', manager='gds_proxy', kind='restore', members=[dict(volume='Volume1')])['run']


def undo(gds, run):
    return _run.load(gds.state, run).data['undo']


def test_stop_and_start_here(gds, volume):
    done = volume('stopped')
    assert (done['changed'], done['before'], done['after']) == (True, {'Volume1': ACTIVE}, {'Volume1': STOP})
    assert not volume('stopped')['changed'] and not volume('started', check=True, assume={'Volume1': ACTIVE})['changed']
    assert volume('started', mode='ro')['after'] == {'Volume1': dict(ACTIVE, mode='ro')}
    assert gds.journal('sdxvolume') == ['sdxvolume -F -c Class1 -v Volume1', 'sdxvolume -N -c Class1 -v Volume1 -e mode=ro']


def test_no_command_is_without_a_volume(gds, volume):
    assert not volume('stopped', volumes=[])['changed'] and gds.journal('sdxvolume') == []


def test_other_nodes_are_known_by_the_messages_only(gds, volume):
    assert volume('stopped', all_nodes=True)['changed']
    again = volume('stopped', all_nodes=True)
    assert not again['changed'] and len(gds.journal('sdxvolume')) == 2
    volume('started', nodes=['node1', 'node2'])
    assert gds.journal('sdxvolume')[-1] == 'sdxvolume -N -c Class1 -v Volume1 -e node=node1:node2'


def test_what_a_run_stops_it_starts_again(gds, volume, call, run):
    volume('stopped', run=run, all_nodes=True, locked=True)
    assert [(entry['id'], entry['nodes'], entry['unlock'], entry['mode']) for entry in undo(gds, run)] == [
        ('gds_volume:Class1:Volume1', ['node=node1'], True, 'rw')]
    assert [line.split()[1] for line in gds.journal('sdxvolume', 'sdxattr')] == ['-F', '-V']
    volume('stopped', run=run, all_nodes=True)
    assert len(undo(gds, run)) == 1
    back = call('gds_volume', state='started', run=run)
    assert (back['changed'], back['after'], undo(gds, run)) == (True, {'Volume1': ACTIVE}, [])
    assert gds.journal('sdxvolume', 'sdxattr')[-2:] == [
        'sdxattr -V -c Class1 -v Volume1 -a lock=off', 'sdxvolume -N -c Class1 -v Volume1 -e node=node1,mode=rw']
    assert call('gds_volume', state='started', run=run)['changed'] is False


def test_the_way_back_is_written_before_the_stop(gds, volume, run):
    gds.on('sdxvolume', 'grep -q gds_volume:Class1:Volume1 "$D"/state/runs/*.json && echo noted >"$D/noted"', 'exit 1')
    assert volume('stopped', run=run)['failed'] and gds.read('noted') == 'noted\n' and len(undo(gds, run)) == 1


def test_what_was_stopped_before_is_not_the_runs(gds, volume, run):
    gds.edit('Volume1', 'status', 'STOP')
    volume('stopped', run=run, all_nodes=True)
    assert undo(gds, run) == []


def test_check_mode_promises_what_is_done_then(gds, volume):
    plan = volume('stopped', check=True, all_nodes=True, locked=True)
    assert gds.journal('sdxvolume', 'sdxattr') == []
    done = volume('stopped', all_nodes=True, locked=True)
    assert (plan['changed'], plan['after']) == (done['changed'], done['after'])
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]


@pytest.mark.parametrize('locked', [None, True])
def test_the_way_back_is_predicted_too(gds, volume, call, run, locked):
    """As a restore in check mode asks for it, one call after the other."""
    gds.put('scope', 'local node1')
    plan = volume('stopped', check=True, all_nodes=True, locked=locked)
    shown = volume('started', check=True, assume=plan['assume'])
    volume('stopped', run=run, all_nodes=True, locked=locked)
    back = call('gds_volume', state='started', run=run)
    assert [command['argv'] for command in shown['commands']] == [command['argv'] for command in back['commands']]
    assert (shown['before'], shown['after']) == (back['before'], back['after'])


def test_nodes_of_a_shared_class_are_not_guessed(gds, volume):
    plan = volume('stopped', check=True, all_nodes=True)
    shown = volume('started', check=True, assume=plan['assume'])
    assert shown['commands'][-1]['argv'][-1] == 'node=<nodes>,mode=rw'


def test_what_stands_still_is_not_started_again(gds, volume):
    gds.put('scope', 'local node1')
    gds.edit('Volume1', 'status', 'STOP')
    plan = volume('stopped', check=True, all_nodes=True)
    assert plan['commands'] == [] and plan['assume']['Volume1']['undo'] is None


# What sdxvolume of a class with two nodes says, whatever the state of this one is.
TWO_NODES = [
    'for n in 1 2; do case $1 in -F) echo "SDX:sdxvolume: INFO: Volume1: stopped volume on node node$n";; esac; done',
    'case "$1 $*" in "-N "*node=node2*) echo "SDX:sdxvolume: INFO: Volume1: started volume on node node2";; esac']


def test_a_volume_that_is_written_to_is_started_on_no_other_node(gds, volume, call, run):
    plan = volume('alone', check=True)
    shown = volume('started', check=True, assume=plan['assume'])
    gds.on('sdxvolume', *TWO_NODES)
    done = volume('alone', run=run)
    assert (done['changed'], done['after'], plan['after']) == (True, {'Volume1': ACTIVE}, {'Volume1': ACTIVE})
    assert gds.journal('sdxvolume') == ['sdxvolume -F -c Class1 -v Volume1 -e allnodes', 'sdxvolume -N -c Class1 -v Volume1']
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]
    assert [entry['nodes'] for entry in undo(gds, run)] == [['node=node2']]
    volume('alone', run=run)
    assert [entry['nodes'] for entry in undo(gds, run)] == [['node=node2']]
    back = call('gds_volume', state='started', run=run)
    assert back['changed'] and undo(gds, run) == []
    assert gds.journal('sdxvolume')[-1] == 'sdxvolume -N -c Class1 -v Volume1 -e node=node2,mode=rw'
    assert shown['changed'] and shown['commands'][-1]['argv'][-1] == 'node=<nodes>,mode=rw'


def test_a_volume_that_only_this_node_has_started(gds, volume, run):
    volume('alone', run=run)
    assert undo(gds, run) == []
    gds.put('scope', 'local node1')
    before = len(gds.journal('sdxvolume'))
    assert not volume('alone', run=run)['changed'] and volume('alone', check=True)['assume']['Volume1']['undo'] is None
    assert len(gds.journal('sdxvolume')) == before


def test_nothing_is_written_to_what_another_node_uses(gds, volume, run):
    gds.edit('Volume1', 'lock', 'on')
    assert 'is locked' in volume('alone', run=run)['msg'] and gds.journal('sdxvolume') == []
    gds.edit('Volume1', 'lock', 'off')
    gds.on('sdxvolume', 'echo "SDX:sdxvolume: ERROR: Volume1: volume is in use, node=node2" >&2', 'exit 1')
    assert 'node=node2' in volume('alone', run=run)['msg'] and len(gds.journal('sdxvolume')) == 1


@pytest.mark.parametrize('lines, words', [
    (['echo "SDX:sdxvolume: ERROR: Volume1: volume is in use" >&2', 'exit 1'], 'volume is in use'),
    (['exit 0'], 'had no effect')])
def test_the_state_counts_and_the_vendors_words(gds, volume, lines, words):
    gds.on('sdxvolume', *lines)
    failed = volume('stopped')
    assert words in failed['msg'] and 'Found: active' in failed['msg']


def test_a_volume_that_is_mounted_or_copied_is_not_stopped(gds, volume):
    assert 'is mounted' in volume('stopped', volumes=['Volume1', 'Volume2'])['msg']
    gds.set('Volume1', 'Disk2', 'COPY')
    assert 'is being copied' in volume('stopped')['msg']
    assert gds.journal('sdxvolume') == []


@pytest.mark.parametrize('more, words', [
    (dict(status='INVALID'), 'none of its slices'), (dict(status='STOP', master='Volume1', relation='Join'), 'joined to Volume1')])
def test_what_cannot_be_started(gds, volume, more, words):
    gds.volume('Volume3', 'Disk3', **more)
    assert words in volume('started', volumes=['Volume3'])['msg'] and gds.journal('sdxvolume') == []


def test_another_access_mode_wants_a_stop(gds, volume):
    assert 'stop it first' in volume('started', mode='ro')['msg'] and not volume('started', mode='rw')['changed']


@pytest.mark.parametrize('params', [
    dict(volumes=['-Volume1']), dict(volumes=['Volume9']), dict(nodes=['node1,allnodes']), dict(nodes=['node1'], all_nodes=True)])
def test_wrong_options(gds, volume, params):
    assert volume('stopped', **params)['failed'] and gds.journal('sdxvolume') == []
