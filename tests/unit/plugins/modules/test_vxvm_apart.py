# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Snapshots split off into disk groups of their own, taken by another host, and joined again, as Ansible runs it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run

from veritas import Veritas, plex, volume

pytestmark = pytest.mark.slow

GOING = {'vol01-01': plex(), 'vol01-02': plex('SNAPDONE', disk='disk02')}


@pytest.fixture
def vx(tmpdir, monkeypatch, solaris):
    """A host whose volume datadg/vol01 has a ready mirror on a disk of its own."""
    made = Veritas(str(tmpdir.mkdir('vx')), monkeypatch, _platform)
    made.state = solaris.state
    made.group(vol01=None, vol02=None)
    made.set(plexes=GOING)
    made.change(lambda found: found['tags'].update({'vol01-02': 'snapbackup'}))
    yield made
    made.remove()


@pytest.fixture
def cut(call, vx):
    """A run that has cut vol01, and what it can be told to do with it."""
    class Cut:
        run = call('backup_run', state='opened', name='data', manager='vxvm')['run']
        snapshot = 'vol01-' + run[-6:]
        name = 'datadg-' + run[-6:]
        parts = [dict(disk_group=name, source='datadg', volumes=[snapshot])]

        def record(self):
            return _run.load(vx.state, self.run).data

        def undo(self):
            return [entry['id'] for entry in self.record()['undo']]

        def split(self, **options):
            return call('vxvm_disk_group', run=self.run, state='split', parts=self.parts, **dict(dict(wait=0), **options))

        def join(self, **options):
            return call('vxvm_disk_group', run=self.run, state='joined', **dict(dict(wait=0), **options))

        def bring(self, state, **options):
            return call('vxvm_disk_group', run=self.run, state=state, disk_groups=[self.name], **dict(dict(wait=0), **options))

    made = Cut()
    assert call('vxvm_snapshot', run=made.run, state='present', members=[dict(disk_group='datadg', volume='vol01')])['changed']
    made.before = made.record()
    return made


def changes(vx, word='vx'):
    return [line for line in vx.journal() if line.startswith(word) and not line.startswith('vxedit')]


def test_there_and_back(vx, cut):
    begun = len(changes(vx))
    told = cut.split()
    assert (told['before'], told['after']) == ({cut.name: 'joined'}, {cut.name: 'stopped'}) and told['changed']
    assert cut.undo() == ['vxvm_snapshot:datadg/vol01', 'vxvm_split:' + cut.name]
    assert not cut.split()['changed']
    cut.bring('deported')
    assert cut.undo()[-1] == 'vxvm_disk_group:' + cut.name
    back = cut.join()
    assert (back['before'], back['after']) == ({cut.name: 'deported'}, {cut.name: 'joined'})
    assert changes(vx)[begun:] == [
        'vxdg -o expand split datadg %s %s' % (cut.name, cut.snapshot), 'vxdg deport ' + cut.name, 'vxdctl enable',
        'vxdg import ' + cut.name, 'vxdg join %s datadg' % cut.name, 'vxrecover -g datadg -m ' + cut.snapshot,
        'vxvol -g datadg start ' + cut.snapshot]
    assert cut.record()['undo'] == cut.before['undo'] and cut.record()['proof'] == cut.before['proof']
    assert vx.volumes()[cut.snapshot]['kstate'] == 'ENABLED' and not cut.join()['changed']


def test_check_mode_shows_every_step_of_the_way(call, vx, cut):
    name, assume = 'datadg-<run>', {'datadg-<run>': 'joined'}
    parts = [dict(disk_group=name, source='datadg', volumes=['vol01-<run>'])]
    planned = []
    for state, more in [('split', dict(parts=parts)), ('deported', dict(disk_groups=[name])),
                        ('started', dict(disk_groups=[name], temporary=True, moved=True)), ('deported', dict(disk_groups=[name])),
                        ('joined', dict(parts=parts))]:
        told = call('vxvm_disk_group', check=True, run='<run>', state=state, assume=assume, **more)
        planned += [' '.join(command['argv']).replace('<run>', cut.run[-6:]) for command in told['commands']]
        assume = told['after']
    assert assume == {name: 'joined'}
    begun = len(changes(vx))
    cut.split()
    cut.bring('deported')
    cut.bring('started', temporary=True, moved=True)
    cut.bring('deported')
    cut.join()
    assert [line.rsplit('/', 1)[-1] for line in planned] == changes(vx)[begun:]


def test_check_mode_of_a_real_run(vx, cut):
    told = cut.split(check=True)
    begun = len(changes(vx))
    assert told['after'] == {cut.name: 'stopped'} and cut.record()['undo'] == cut.before['undo']
    cut.split()
    told = cut.join(check=True)
    assert len(changes(vx)) == begun + 1
    done = cut.join()
    assert [command['argv'] for command in told['commands']] == [command['argv'] for command in done['commands']]
    assert (told['before'], told['after']) == (done['before'], done['after'])


@pytest.mark.parametrize('steps', [0, 1, 2, 3])
def test_it_is_joined_from_every_half_way_point(vx, cut, steps):
    cut.split()
    if steps == 0:
        cut.bring('deported')
    if steps >= 2:
        vx.on('vxrecover' if steps == 2 else 'start', 'fail')
        vx.on('start', 'fail')
        told = cut.join()
        assert told['failed'] and 'vxvol' in told['msg']
        vx.change(lambda found: found.update(faults={}))
        assert cut.join(check=True)['before'] == {cut.name: 'disabled'}
    assert cut.join()['after'] == {cut.name: 'joined'} and cut.undo() == ['vxvm_snapshot:datadg/vol01']


@pytest.mark.parametrize('verb, effect', [
    ('split', 'fail'), ('deport', 'lie-ok'), ('import', 'lie-ok'), ('join', 'fail'), ('start', 'lie-ok')])
def test_a_step_without_effect_is_an_error_and_is_made_up_for(vx, cut, verb, effect):
    vx.on(verb, effect)
    told = [cut.split()]
    if verb != 'split':
        told += [cut.bring('deported'), cut.join()]
    assert [one for one in told if one.get('failed') and verb in one['msg']]
    vx.change(lambda found: found.update(faults={}))
    assert not cut.join().get('failed') and cut.undo() == ['vxvm_snapshot:datadg/vol01']
    assert cut.record()['proof'] == cut.before['proof'] and vx.volumes()[cut.snapshot]['kstate'] == 'ENABLED'


def test_a_step_that_worked_and_says_it_has_failed_has_worked(vx, cut):
    vx.change(lambda found: found.update(faults=dict((verb, 'lie-fail') for verb in ('split', 'deport', 'import', 'join', 'start'))))
    assert cut.split()['after'] == {cut.name: 'stopped'} and cut.bring('deported')['after'] == {cut.name: 'deported'}
    assert cut.join()['after'] == {cut.name: 'joined'} and cut.undo() == ['vxvm_snapshot:datadg/vol01']


def test_a_snapshot_that_is_away_is_not_taken_for_given_back(call, vx, cut):
    cut.split()
    told = call('vxvm_snapshot', run=cut.run, state='absent')
    assert told['failed'] and 'split off in disk group ' + cut.name in told['msg'] and 'vxvm_snapshot:datadg/vol01' in cut.undo()
    assume = {'datadg/vol01': {'mirror': None, 'snapshot': cut.snapshot}}
    predicted = call('vxvm_snapshot', run=cut.run, state='absent', check=True, assume=assume)
    assert [command['argv'][-1] for command in predicted['commands']] == [cut.snapshot]
    cut.join()
    assert call('vxvm_snapshot', run=cut.run, state='absent')['changed'] and cut.undo() == []


def test_what_another_host_has_is_not_imported(vx, cut):
    cut.split()
    cut.bring('deported')
    vx.change(lambda found: found['owners'].update({cut.name: 'node2'}))
    for told in (cut.join(), cut.bring('started', moved=True), cut.bring('imported')):
        assert told['failed'] and 'node2' in told['msg']
    assert not [line for line in changes(vx) if ' import ' in line]
    vx.change(lambda found: found['owners'].update({cut.name: 'node1'}))
    assert cut.join()['changed']


def test_a_lock_that_a_boot_has_left_is_given_back(call, vx, cut):
    cut.split()
    cut.bring('deported')
    reader = call('backup_run', state='opened', name='reader', manager='vxvm')['run']
    call('vxvm_disk_group', run=reader, state='started', disk_groups=[cut.name], temporary=True, moved=True)
    entry = _run.load(vx.state, reader).data
    assert [one['action'] for one in entry['undo']] == ['deported'] and len(entry['proof']) == 2
    vx.change(lambda found: found['deported'].update({cut.name: found['groups'].pop(cut.name)}))
    vx.change(lambda found: found['owners'].update({cut.name: 'node1'}))
    vx.on('deport', 'lie-ok')
    told = call('vxvm_disk_group', run=reader, state='deported', wait=0)
    assert told['failed'] and changes(vx)[-2:] == ['vxdg -t import ' + cut.name, 'vxdg deport ' + cut.name]
    vx.change(lambda found: found.update(faults={}, owners={}))
    assert call('vxvm_disk_group', run=reader, state='deported', wait=0)['after'] == {cut.name: 'deported'}
    assert _run.load(vx.state, reader).data['undo'] == []


def test_another_group_of_that_name_is_not_joined(vx, cut):
    cut.split()
    vx.change(lambda found: found['groups'][cut.name].update(dgid='9.9.other'))
    told = cut.join()
    assert told['failed'] and '9.9.other' in told['msg'] and cut.name in vx.look()['groups']


@pytest.mark.parametrize('edit, word', [
    (lambda found: found['groups']['datadg'].update(version=60), 'version 60'),
    (lambda found: found['groups']['datadg'].update(flags='shared', state='enabled'), 'shared'),
    (lambda found: found.update(dragged=['vol02']), 'vol02 would go too'),
    (lambda found: found['groups']['datadg']['volumes']['vol02']['plexes'].update({'vol02-02': plex(disk='disk02')}), 'vol02-02'),
])
def test_what_cannot_be_split_off_is_refused(vx, cut, edit, word):
    vx.change(edit)
    vx.change(lambda found: found.update(mode='mode: enabled: cluster active - MASTER'))
    told = cut.split()
    assert told['failed'] and word in told['msg'] and 'vxvm_split' not in str(cut.undo())
    assert not [line for line in changes(vx) if ' split ' in line]


def test_only_what_the_run_has_cut_is_split_off(vx, cut):
    cut.parts[0]['volumes'] = ['vol02']
    assert 'not a snapshot that this run has cut' in cut.split()['msg']
    cut.parts[0].update(volumes=[cut.snapshot], disk_group='otherdg')
    vx.group('otherdg', vol01=None)
    assert cut.split()['failed'] and cut.undo() == ['vxvm_snapshot:datadg/vol01']


def test_a_split_that_changes_more_than_it_should_is_an_error_and_is_taken_back(vx, cut):
    vx.change(lambda found: found.update(stops=['vol02']))
    told = cut.split()
    assert told['failed'] and 'vol02 DISABLED' in told['msg']
    assert cut.join()['after'] == {cut.name: 'joined'} and cut.undo() == ['vxvm_snapshot:datadg/vol01']


def test_who_holds_a_snapshot_is_named(vx, cut):
    point = vx.mount(cut.snapshot)
    vx.on('split', 'fail')
    told = cut.split(wait=1)
    assert told['failed'] and point in told['msg'] and len([line for line in changes(vx) if ' split ' in line]) > 1


@pytest.mark.parametrize('state', ['prepared', 'present'])
def test_a_preflight_finds_what_could_not_be_split_off(call, vx, state):
    def look(**member):
        return call('vxvm_snapshot', run='<run>', state=state, offhost=True, check=True, after=member.pop('after', 'absent'),
                    members=[dict(dict(disk_group='datadg', volume='vol01'), **member)])
    assert not look().get('failed')
    assert 'not tracked' in look(after='reattached')['msg']
    assert 'other host can read it' in look(cache='cache1')['msg']
    vx.set(dco=True)
    assert 'fastresync off' in look(after='reattached')['msg'] and not look().get('failed')
    vx.set(fastresync='on')
    assert not look(after='reattached').get('failed')
    vx.change(lambda found: found['groups']['datadg']['volumes']['vol02']['plexes'].update({'vol02-02': plex(disk='disk02')}))
    assert 'vol02-02' in look()['msg']
    vx.change(lambda found: found['groups']['datadg']['volumes']['vol02']['plexes'].pop('vol02-02'))
    vx.change(lambda found: found['groups']['datadg'].update(version=60))
    assert 'version 60' in look()['msg']


@pytest.mark.parametrize('disk', ['disk02', 'disk03'])
def test_a_preflight_wants_the_log_of_a_snapshot_on_the_disks_of_its_mirror(call, vx, disk):
    vx.set(dco=True)
    log = volume({'vol01_dcl-01': plex(disk='disk01'), 'vol01_dcl-02': plex('DCOSNP', disk=disk)})
    vx.change(lambda found: found['groups']['datadg']['volumes'].update(vol01_dcl=log))
    members = [dict(disk_group='datadg', volume='vol01')]
    for state in ('prepared', 'present'):
        told = call('vxvm_snapshot', run='<run>', state=state, offhost=True, check=True, members=members)
        assert ('vol01_dcl-02 on disk disk03' in told.get('msg', '')) == (disk == 'disk03')


def test_a_preflight_wants_disks_for_a_mirror_that_is_missing(call, vx):
    def look(**member):
        return call('vxvm_snapshot', run='<run>', state='prepared', offhost=True, check=True,
                    members=[dict(dict(disk_group='datadg', volume='vol02'), **member)])
    assert 'left to the volume manager' in look()['msg']
    assert 'vol01-01' in look(disks=['disk01'])['msg'] and 'vol01-02' in look(disks=['disk02'])['msg']
    vx.set(plexes={'vol01-01': plex()})
    assert not look(disks=['disk02']).get('failed')


def test_a_preflight_looks_at_the_name_of_the_group(call, vx):
    long = 'd' * 26
    vx.group(long, vol01=None)
    vx.set(group=long, plexes=GOING)
    vx.change(lambda found: found['tags'].update({'vol01-02': 'snapbackup'}))
    told = call('vxvm_snapshot', run='<run>', state='prepared', offhost=True, check=True, members=[dict(disk_group=long, volume='vol01')])
    assert told['failed'] and '33 characters' in told['msg']
