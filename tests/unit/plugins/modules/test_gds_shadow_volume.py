# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Shadow volumes of GDS: proved equal before they are used, removed in the reverse order."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import copy
import os
import re
import subprocess

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _gds_shadow, _gds_shadow_plan, _run
from gds_shadow import BackupServer

pytestmark = pytest.mark.slow

VOLUME = {'group': 'Group2', 'state': 'stop', 'relation': 'parted', 'first_block': 65536, 'blocks': 8192, 'tracked': False,
          'slices': {'Disk3': 'stop'}}
PRIMARY = {
    'class_name': 'Class1', 'disks': {'Disk3': {'blocks': 131072}, 'Disk4': {'blocks': 131072}},
    'groups': {'Group2': {'type': 'mirror', 'width': None, 'disks': ['Disk3']}},
    'volumes': {'Volume2': VOLUME, 'Volume3': dict(VOLUME, first_block=73728, blocks=4096)}}
CHANGES = ('sdxshadowdisk', 'sdxshadowgroup', 'sdxshadowvolume')
BUILT = ['sdxshadowdisk -M -c Class2 -d c9t3d9=Disk3', 'sdxshadowdisk -C -c Class2 -g Group2 -d Disk3',
         'sdxshadowvolume -M -c Class2 -g Group2 -v Volume2 -s 8192']
REMOVED = ['sdxshadowvolume -F -c Class2 -v Volume2', 'sdxshadowvolume -R -c Class2 -v Volume2', 'sdxshadowgroup -R -c Class2 -g Group2',
           'sdxshadowdisk -R -c Class2 -d Disk3']


def primary(**changes):
    """PRIMARY with other values: group__type='stripe', Volume2__blocks=1."""
    found = copy.deepcopy(PRIMARY)
    places = {'group': found['groups']['Group2'], 'disk': found['disks']['Disk3']}
    places.update(found['volumes'])
    for key, value in changes.items():
        place, dummy, name = key.partition('__')
        places[place][name] = value
    return found


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    """In the place of the host without GDS, for fixture call."""
    made = BackupServer(str(tmpdir), monkeypatch)
    os.mkdir(made.path('sfdsk'))
    monkeypatch.setattr(_gds_shadow, 'SFDSK', made.path('sfdsk'))
    yield made
    made.remove()


@pytest.fixture
def server(solaris):
    return solaris


@pytest.fixture
def shadow(call):
    def run(state, check=False, **params):
        if state != 'absent':
            params = dict(dict(volumes=['Volume2'], primary=PRIMARY, devices={'Disk3': 'c9t3d9'}), **params)
            params.setdefault('confirm', list(params['devices'].values()))
        return call('gds_shadow_volume', check=check, state=state, class_name='Class2', **params)
    return run


@pytest.fixture
def run(call):
    def begin(name='data'):
        return call('backup_run', state='opened', name=name, manager='gds_proxy', members=[dict(volume=name)])['run']
    return begin


def undo(server, run):
    return [entry['id'] for entry in _run.load(server.state, run).data['undo']]


def test_made_written_to_and_removed(server, shadow, run):
    name = run()
    done = shadow('present', run=name)
    assert (done['changed'], done['before'], done['after']) == (True, {'Volume2': 'absent'}, {'Volume2': 'ro'})
    assert done['devices'] == [{'volume': 'Volume2', 'device': '/dev/sfdsk/Class2/rdsk/Volume2',
                                'block_device': '/dev/sfdsk/Class2/dsk/Volume2'}]
    assert server.journal(*CHANGES) == BUILT and undo(server, name) == ['gds_shadow_volume:Class2']
    assert not shadow('present', run=name)['changed']
    assert shadow('rw', run=name)['after'] == {'Volume2': 'rw'} and not shadow('rw', run=name)['changed']
    assert shadow('present', run=name)['after'] == {'Volume2': 'ro'}
    assert server.journal(*CHANGES)[3:5] == [
        'sdxshadowvolume -F -c Class2 -v Volume2', 'sdxshadowvolume -N -c Class2 -v Volume2 -e mode=rw']
    before = len(server.journal(*CHANGES))
    gone = shadow('absent', run=name)
    assert (gone['changed'], gone['after']) == (True, {'Volume2': 'absent'}) and server.journal(*CHANGES)[before:] == REMOVED
    assert undo(server, name) == [] and not shadow('absent', run=name)['changed'] and server.read('disks') == ''


def test_nothing_ever_registers_a_disk(server, shadow):
    shadow('rw')
    shadow('absent')
    assert server.journal('sdxdisk') == []


def test_the_way_back_is_written_before(server, shadow, run):
    server.on('sdxshadowdisk', 'grep -q gds_shadow_volume:Class2 "$D"/state/runs/*.json && echo noted >"$D/noted"', 'exit 1')
    name = run()
    assert shadow('present', run=name)['failed'] and server.read('noted') == 'noted\n' and undo(server, name) == []


def test_check_mode_promises_what_is_done_then(server, shadow):
    plan = shadow('rw', check=True)
    assert server.journal(*CHANGES) == [] and plan['after'] == {'Volume2': 'rw'}
    assert shadow('present', check=True, assume=plan['after'])['changed']
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in shadow('rw')['commands']]
    assert [command['argv'] for command in shadow('absent', check=True)['commands']] == [
        command['argv'] for command in shadow('absent')['commands']]


def test_a_gfs_shared_file_system_is_never_written_to(server, shadow):
    members = [dict(volume='Volume1', copy='Volume2', fstype='sfcfs')]
    assert 'GFS Shared' in shadow('rw', members=members)['msg'] and server.journal(*CHANGES) == []
    assert shadow('present', members=members)['after'] == {'Volume2': 'ro'}
    assert 'GFS Shared' in shadow('rw', members=members)['msg'] and len(server.journal(*CHANGES)) == len(BUILT)


def test_volumes_before_it_are_made_too(server, shadow):
    shadow('present', volumes=['Volume3'])
    assert [line.split()[-3:] for line in server.journal('sdxshadowvolume')] == [['Volume2', '-s', '8192'], ['Volume3', '-s', '4096']]
    shadow('absent')
    assert [line.split()[-1] for line in server.journal('sdxshadowvolume')[2:]] == ['Volume3', 'Volume3', 'Volume2', 'Volume2']


def test_a_stripe_keeps_its_order_and_width(server, shadow):
    given = primary(group__type='stripe', group__width='32', group__disks=['Disk4', 'Disk3'], Volume2__slices={'Group2': 'stop'})
    assert 'not all known' in shadow('present', primary=given)['msg']
    shadow('present', primary=given, devices={'Disk3': 'c9t3d9', 'Disk4': 'c9t4d9'})
    assert server.journal('sdxshadowdisk') == ['sdxshadowdisk -M -c Class2 -d c9t4d9=Disk4,c9t3d9=Disk3',
                                               'sdxshadowdisk -C -c Class2 -g Group2 -d Disk4,Disk3 -a type=stripe,width=32']
    server.put('groups', 'Group2 stripe 64 Disk4:Disk3\n')
    assert 'width 64 instead of 32' in shadow('present', primary=given, devices={'Disk3': 'c9t3d9', 'Disk4': 'c9t4d9'})['msg']


@pytest.mark.parametrize('changes, words', [
    (dict(disk__blocks=262144), 'blocks 131072 instead of 262144'), (dict(Volume2__first_block=65600), 'first 65536 instead of 65600'),
    (dict(disk__blocks=None), 'blocks 131072 instead of None')])
def test_what_is_not_proved_equal_is_removed_again(server, shadow, run, changes, words):
    name = run()
    for state in ('present', 'rw'):
        assert words in shadow(state, run=name, primary=primary(**changes))['found']
    assert server.read('disks') == '' and undo(server, name) == []
    assert not [line for line in server.journal('sdxshadowvolume') if '-N' in line]


@pytest.mark.parametrize('file, line, words', [
    ('disks', 'Disk3 c9t4d9 Group2\n', 'device c9t4d9 instead of c9t3d9'),
    ('volumes', 'Volume2 Group2 65536 8000 ACTIVE ro\n', 'blocks 8000 instead of 8192'),
    ('groups', 'Group2 concat * Disk3\n', 'type concat instead of mirror')])
def test_a_shadow_that_has_become_another_is_not_written_to(server, shadow, file, line, words):
    shadow('present')
    server.put(file, line)
    assert words in shadow('rw')['found'] and not [done for done in server.journal('sdxshadowvolume') if '-N' in done]


@pytest.mark.parametrize('changes, words', [
    (dict(Volume2__relation='joined'), 'joined'), (dict(Volume2__state='active'), 'volume active'),
    (dict(Volume2__slices={'Disk3': 'invalid'}), 'slices invalid'), (dict(Volume2__slices={'Disk3': 'temp'}), 'slices temp'),
    (dict(group__type='netmirror'), 'type netmirror'), (dict(group__disks=['Group2']), 'lower groups'),
    (dict(Volume2__first_block=None), 'first block None')])
def test_what_is_not_at_rest_or_not_known(server, shadow, changes, words):
    assert words in shadow('present', primary=primary(**changes))['found'] and server.journal(*CHANGES) == []


def test_free_space_before_a_volume(server, shadow):
    failed = shadow('present', volumes=['Volume3'], primary=primary(Volume3__first_block=80000))
    assert 'free space before Volume3' in failed['msg'] and server.journal(*CHANGES) == []


def test_one_half_of_a_mirror_is_read_and_not_written(server, shadow):
    given = primary(group__disks=['Disk3', 'Disk4'], Volume2__slices={'Disk3': 'stop', 'Disk4': 'stop'})
    assert 'different halves' in shadow('rw', primary=given)['msg'] and server.journal(*CHANGES) == []
    assert shadow('present', primary=given)['changed']
    shadow('absent')
    given['volumes']['Volume2'].update(state='active', slices={'Disk3': 'temp-stop', 'Disk4': 'active'})
    assert shadow('rw', primary=given)['after'] == {'Volume2': 'rw'}


def test_what_gds_would_not_copy_over_is_not_written(server, shadow):
    assert 'jrm on' in shadow('rw', primary=primary(Volume2__tracked=True))['found'] and server.journal(*CHANGES) == []
    assert shadow('present', primary=primary(Volume2__tracked=True))['changed']


@pytest.mark.parametrize('params', [
    dict(volumes=[]), dict(volumes=['Volume9']), dict(volumes=['-v']), dict(devices={'Disk3': '../c9t3d9'}),
    dict(devices={}), dict(primary={}),
    dict(devices={'Disk3': 'c9t3d9', 'Disk4': 'c9t4d9'}), dict(devices={'Disk3': 'c9t3d9', 'Disk4': 'c9t3d9'})])
def test_wrong_options(server, shadow, params):
    failed = shadow('present', **params)
    assert failed['failed'] and 'needed' in failed and server.journal(*CHANGES) == []


def test_a_disk_in_use_is_not_shadowed(server, shadow):
    server.put('mnttab', server.read('mnttab') + '/dev/dsk/c9t3d9s0\t/data\tufs\trw\t0\n')
    assert 'is mounted' in shadow('present')['msg'] and server.journal(*CHANGES) == []


def test_special_files_from_before_a_boot(server, shadow):
    path = server.path('sfdsk', 'Class2')
    os.makedirs(os.path.join(path, 'rdsk'))
    assert shadow('present', check=True)['changed']
    server.put('sfdsk/Class2/rdsk/Volume2', '')
    failed = shadow('present')
    assert 'last boot' in failed['msg'] and 'rm -r %s' % path in failed['remedy'] and server.journal(*CHANGES) == []
    gone = shadow('absent')
    assert (gone['changed'], gone['stale']) == (False, path)


def test_a_class_that_is_no_shadow_is_left_alone(server, shadow):
    shadow('present')
    server.put('isshadow', '0')
    assert 'class of its own' in shadow('absent')['msg'] and 'class of its own' in shadow('rw')['msg']
    assert server.journal(*CHANGES) == BUILT


def test_what_is_in_use_is_not_removed(server, shadow):
    shadow('present')
    server.put('mnttab', server.read('mnttab') + '/dev/sfdsk/Class2/dsk/Volume2\t/mnt\tufs\tro\t0\n')
    assert 'is mounted' in shadow('absent')['msg'] and 'is mounted' in shadow('rw')['msg']
    assert server.journal(*CHANGES) == BUILT


def test_the_shadow_of_another_run(server, shadow, run):
    first, second = run('one'), run('two')
    shadow('present', run=first)
    for state in ('present', 'rw', 'absent'):
        assert 'made by run %s' % first in shadow(state, run=second)['msg'] and 'made by run' in shadow(state)['msg']
    assert server.journal(*CHANGES) == BUILT


def test_commands_without_effect_prove_nothing(server, shadow, run):
    for tool in CHANGES:
        server.on(tool, 'exit 0')
    name = run()
    assert 'there is no class' in shadow('present', run=name)['found'] and undo(server, name) == []


def test_what_cannot_be_removed_keeps_its_entry(server, shadow, run):
    name = run()
    shadow('present', run=name)
    server.on('sdxshadowvolume', 'echo "SDX:sdxshadowvolume: ERROR: Volume2: volume is in use" >&2', 'exit 1')
    assert 'volume is in use' in shadow('absent', run=name)['msg'] and undo(server, name) == ['gds_shadow_volume:Class2']


def test_who_reads_the_record_finds_the_copies_where_they_are(server, shadow, call):
    """The members of the run, as the primary sees them, get the devices of the shadow; the proof looks at the shadow."""
    there = dict(volume='Volume1', copy='Volume2', device='/dev/sfdsk/Class1/rdsk/Volume2', original='/dev/sfdsk/Class1/rdsk/Volume1')
    here = dict(there, device='/dev/sfdsk/Class2/rdsk/Volume2', block_device='/dev/sfdsk/Class2/dsk/Volume2')
    assert shadow('present', check=True, members=[there])['members'] == [here]
    name = call('backup_run', state='opened', name='data', manager='gds_proxy', members=[there])['run']
    for dummy in range(2):
        assert shadow('present', run=name)['members'] == [here]
    record = _run.load(server.state, name).data
    assert record['members'] == [here] and len(record['proof']) == 1
    assert record['proof'][0]['argv'][1:] == ['-V', '-c', 'Class2', '-o', 'Volume2', '-e', 'long']
    pattern = re.compile(record['proof'][0]['match'], re.M)
    shown = subprocess.check_output(record['proof'][0]['argv']).decode()
    assert pattern.search(shown) and not pattern.search(shown.replace('ACTIVE', 'STOP'))
    shadow('absent', run=name)
    assert not pattern.search(subprocess.check_output(record['proof'][0]['argv']).decode())


def test_a_disk_found_by_its_identity(server, shadow, monkeypatch):
    monkeypatch.setattr(_gds_shadow_plan, 'IDENTITIES', server.path('by-id') + '/')
    os.mkdir(server.path('by-id'))
    os.symlink('../c9t3d9', server.path('by-id', 'wwn-1'))
    assert shadow('present', devices={'Disk3': server.path('by-id', 'wwn-1')})['changed'] and server.journal(*CHANGES) == BUILT
    failed = shadow('present', devices={'Disk3': server.path('by-id', 'wwn-2')})
    assert 'No disk here has the identity' in failed['msg'] and failed['object'] == 'Disk3'


@pytest.fixture
def links(server, monkeypatch):
    """links(NAME=device): what this host has in /dev/disk/by-id."""
    monkeypatch.setattr(_gds_shadow_plan, 'IDENTITIES', server.path('by-id') + '/')
    os.mkdir(server.path('by-id'))

    def make(**found):
        for name, device in found.items():
            os.symlink('../' + device, server.path('by-id', name.replace('_', '-')))
    return make


def test_disks_are_found_by_their_world_wide_names(server, shadow, links):
    links(wwn_0x1='c9t3d8', wwn_0x2='c9t3d9', scsi_2='c9t3d8')
    assert shadow('present', devices={}, primary=primary(disk__identity='wwn-0x2'))['changed'] and server.journal(*CHANGES) == BUILT


@pytest.mark.parametrize('identity, words', [
    (None, 'name them in devices'), ('wwn-0x3', 'No disk here has the identity'), ('scsi-2', 'name them in devices'),
    ('../sda', 'name them in devices'), ('wwn-0x4', 'cannot be the device of a disk')])
def test_what_is_not_found_for_sure_is_not_guessed(server, shadow, links, identity, words):
    links(wwn_0x2='c9t3d9', scsi_2='c9t3d9', wwn_0x4='dm-0')
    assert words in shadow('present', devices={}, primary=primary(disk__identity=identity))['msg'] and server.journal(*CHANGES) == []


@pytest.mark.parametrize('state', ['present', 'rw'])
def test_a_disk_of_another_class_with_the_same_name_and_size(server, shadow, run, links, state):
    """A live volume may lie on it, and nothing that sdxinfo tells is different. The user's word does not count where names tell."""
    links(wwn_0x2='c9t3d9', wwn_0x5='c9t4d9')
    failed = shadow(state, run=run(), primary=primary(disk__identity='wwn-0x2'), devices={'Disk3': 'c9t4d9'})
    assert (failed['object'], failed['found'], failed['needed']) == ('c9t4d9', 'wwn-0x5', 'wwn-0x2') and server.journal(*CHANGES) == []
    link = server.path('by-id', 'wwn-0x5')
    failed = shadow(state, primary=primary(disk__identity='wwn-0x2'), devices={'Disk3': link})
    assert failed['found'] == 'wwn-0x5' and server.journal(*CHANGES) == []


@pytest.mark.parametrize('state', ['present', 'rw'])
@pytest.mark.parametrize('here, there, words', [
    ({}, None, 'in the primary domain'), ({}, 'wwn-0x2', 'here'), (dict(wwn_0x2='c9t3d9'), None, 'in the primary domain')])
def test_what_no_identity_tells_must_be_confirmed(server, shadow, links, state, here, there, words):
    links(**here)
    given = dict(primary=primary(disk__identity=there), devices={'Disk3': 'c9t3d9'})
    for confirm in ([], ['c9t4d9'], ['Disk3']):
        failed = shadow(state, confirm=confirm, check=not confirm, **given)
        assert 'not proved that c9t3d9 is disk Disk3' in failed['msg'] and failed['found'].endswith(words)
        assert 'snapbackup_confirm_shadow_devices' in failed['needed'] and server.journal(*CHANGES) == []
    assert shadow(state, confirm=['c9t3d9'], **given)['changed']


def test_an_equal_identity_needs_no_confirmation(shadow, links):
    links(wwn_0x2='c9t3d9')
    assert shadow('rw', confirm=[], primary=primary(disk__identity='wwn-0x2'))['changed']


def test_a_name_that_solaris_has_made_of_the_identity(server, shadow):
    device = 'c0t600000E00D2900000029035D00050000d0'
    server.put('blocks.' + device, '131072')
    told = primary(disk__identity='wwn-0x600000e00d2900000029035d00050000')
    assert shadow('rw', confirm=[], primary=told, devices={'Disk3': device})['changed']
    shadow('absent')
    other = device.replace('5D', '5E')
    assert shadow('rw', primary=told, devices={'Disk3': other})['found'] == 'wwn-0x600000e00d2900000029035e00050000'


@pytest.mark.parametrize('device, identity', [
    ('c0t600000E00D2900000029035D00050000d0', 'wwn-0x600000e00d2900000029035d00050000'), ('c1t50060E8003275705d7', None),
    ('c0t600000E00D29000d0', None), ('c0t5000C500A1B2C3D4E5F60718293A4B5Cd0', None), ('c1t1d1', None), (None, None)])
def test_the_identity_in_a_name(links, device, identity):
    assert _gds_shadow_plan.identity_of(device) == identity


@pytest.mark.parametrize('found, identity', [
    (dict(wwn_0x2='c9t3d9'), 'wwn-0x2'), ({}, None), (dict(wwn_0x2='c9t3d8'), None), (dict(scsi_2='c9t3d9'), None),
    ({'wwn_0x2': 'c9t3d9', 'wwn_0x2_part1': 'c9t3d91'}, 'wwn-0x2'), (dict(wwn_0x2='c9t3d9', wwn_0x3='c9t3d9'), None)])
def test_the_identity_of_a_disk(links, found, identity):
    links(**found)
    assert _gds_shadow_plan.identity_of('c9t3d9') == identity


def test_the_removal_of_a_predicted_shadow_is_told(server, shadow, call):
    given = dict(volumes=['Volume2'], primary=PRIMARY, devices={'Disk3': 'c9t3d9'}, class_name='Class2', state='absent')
    plan = call('gds_shadow_volume', check=True, assume={'Volume2': 'ro'}, **given)
    shadow('present')
    before = len(server.journal(*CHANGES))
    done = shadow('absent')
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]
    assert server.journal(*CHANGES)[before:] == REMOVED and plan['after'] == done['after'] == {'Volume2': 'absent'}
