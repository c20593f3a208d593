# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Disk groups given away and taken back, and what is told about them, as Ansible runs it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run

from veritas import Veritas, plex

pytestmark = pytest.mark.slow


@pytest.fixture
def vx(tmpdir, monkeypatch, solaris):
    """A host with the disk groups datadg (imported, started) and otherdg."""
    made = Veritas(str(tmpdir.mkdir('vx')), monkeypatch, _platform)
    made.state = solaris.state
    made.group(vol01=None, vol02=None)
    made.group('otherdg', vol01=None)
    yield made
    made.remove()


@pytest.fixture
def bring(call, vx):
    def work(state, *groups, **options):
        options.setdefault('wait', 0)
        return call('vxvm_disk_group', state=state, disk_groups=list(groups) or ['datadg'], **options)
    return work


def test_there_and_back(vx, bring):
    away = bring('deported')
    assert away['changed'] and (away['before'], away['after']) == ({'datadg': 'started'}, {'datadg': 'deported'})
    assert not bring('deported')['changed']
    assert bring('imported')['after'] == {'datadg': 'stopped'}
    assert bring('started', temporary=True)['after'] == {'datadg': 'started'}
    assert not bring('started')['changed'] and not bring('imported')['changed']
    assert bring('stopped')['after'] == {'datadg': 'stopped'}
    assert vx.journal() == ['vxvol -g datadg stopall', 'vxdg deport datadg', 'vxdg import datadg', 'vxvol -g datadg startall',
                            'vxvol -g datadg stopall']
    bring('deported')
    bring('started', temporary=True)
    assert vx.journal()[-2:] == ['vxdg -t import datadg', 'vxvol -g datadg startall']


def test_check_mode(vx, bring):
    for state in ('deported', 'started', 'stopped', 'imported'):
        told = bring(state, check=True)
        journal = len(vx.journal())
        done = bring(state)
        assert [command['argv'] for command in told['commands']] == [command['argv'] for command in done['commands']]
        assert (told['before'], told['after'], told['changed']) == (done['before'], done['after'], done['changed'])
        assert len(vx.journal()) == journal + len(done['commands'])
    assert bring('started', check=True, assume={'datadg': 'deported'})['before'] == {'datadg': 'deported'}


def test_the_way_back_is_in_the_record(call, vx, bring):
    run = call('backup_run', state='opened', name='data', manager='vxvm')['run']
    bring('deported', 'datadg', 'otherdg', run=run)
    undo = _run.load(vx.state, run).data['undo']
    assert [(entry['id'], entry['action']) for entry in undo] == [
        ('vxvm_disk_group:datadg', 'started'), ('vxvm_disk_group:otherdg', 'started')]
    back = call('vxvm_disk_group', run=run, state='started', wait=0)
    assert back['after'] == {'datadg': 'started', 'otherdg': 'started'} and _run.load(vx.state, run).data['undo'] == []
    assert not call('vxvm_disk_group', run=run, state='started', wait=0)['changed']


@pytest.mark.parametrize('verb, state', [('deport', 'deported'), ('stopall', 'deported'), ('startall', 'started'), ('import', 'started')])
@pytest.mark.parametrize('effect', ['fail', 'lie-ok'])
def test_what_has_no_effect_is_an_error(vx, bring, verb, state, effect):
    if state == 'started':
        bring('stopped' if verb == 'startall' else 'deported')
    vx.on(verb, effect)
    told = bring(state)
    assert told['failed'] and verb in told['msg']
    vx.on(verb, 'lie-fail')
    assert bring(state)['after'] == {'datadg': state}


def test_who_holds_a_group_is_named(vx, bring):
    point = vx.mount()
    vx.on('stopall', 'fail')
    told = bring('deported', wait=1)
    assert told['failed'] and point in told['msg'] and len([line for line in vx.journal() if 'stopall' in line]) > 1


def test_unknown_groups(vx, bring):
    assert bring('deported', 'nosuchdg')['failed'] and bring('imported', 'nosuchdg')['failed'] and bring('imported', '-C')['failed']
    assert vx.journal() == []


def test_a_disabled_group_is_refused(vx, bring):
    vx.change(lambda found: found['groups']['datadg'].update(state='disabled'))
    assert 'disabled' in bring('deported')['msg'] and vx.journal() == []


def test_a_shared_group_on_a_slave(vx, bring):
    vx.change(lambda found: found['groups']['datadg'].update(flags='shared'))
    vx.change(lambda found: found.update(mode='mode: enabled: cluster active - SLAVE'))
    assert 'SLAVE' in bring('deported')['msg'] and vx.journal() == []


def test_info(call, vx, bring):
    point = vx.mount()
    vx.set(plexes={'vol01-01': plex(), 'vol01-02': plex('SNAPATT')})
    vx.set('vol02', plexes={'vol02-01': plex('STALE'), 'vol02-02': plex('SNAPDONE')})
    bring('deported', 'otherdg')
    told = call('vxvm_info')
    assert told['disk_groups'] == {'datadg': {'state': 'started', 'seen': True, 'version': 140, 'shared': False}}
    away = call('vxvm_info', disk_groups=['otherdg', 'nosuchdg'])['disk_groups']
    assert away['otherdg'] == {'state': 'deported', 'seen': True, 'version': None, 'shared': None} and away['nosuchdg']['seen'] is False
    one, two = told['volumes']['datadg/vol01'], told['volumes']['datadg/vol02']
    assert one == {'healthy': True, 'faults': [], 'bytes': 8192 * 512, 'filesystem': point, 'mirror': 'synchronising'}
    assert (two['healthy'], two['mirror']) == (False, 'ready') and 'STALE' in two['faults'][0]
    assert told['in_progress'] and told['progress'] == [
        {'object': 'datadg/vol01', 'state': 'synchronising', 'percent': 4.56, 'bytes': None, 'eta': None}]
    vx.finish()
    assert not call('vxvm_info', volumes=['datadg/vol01'])['in_progress']
    vx.set(restore='on')
    assert call('vxvm_info', volumes=['datadg/vol01'])['progress'][0]['state'] == 'restoring'
    for bad in ('vol01', 'datadg/nosuch', '-g/vol01'):
        assert call('vxvm_info', volumes=[bad])['failed']


def test_nothing_is_told_of_a_volume_whose_disk_group_is_away(call, bring):
    bring('deported', 'datadg')
    told = call('vxvm_info', volumes=['otherdg/vol01', 'datadg/vol01'])
    assert told['failed'] and 'datadg is not imported here' in told['msg']
