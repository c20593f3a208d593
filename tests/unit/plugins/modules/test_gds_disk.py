# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A backup disk that is added to a mirror group of GDS and taken away, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _gds_unused, _run
from gds import Gds
from scripted import answer
from solaris import HEAD

DISK = dict(class_name='Class1', disk='DiskB', group='Group1', device='c4t1d1', confirm='c4t1d1')


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    """In the place of the host without GDS, for fixture call."""
    made = Gds(str(tmpdir), monkeypatch)
    made.volume('Volume1', 'Disk1', 'Disk2')
    for name, path in (('PROC_SWAPS', 'swaps'), ('PROC_MDSTAT', 'mdstat'), ('SYS_BLOCK', 'block'), ('DEV', 'dev')):
        monkeypatch.setattr(_gds_unused, name, made.path(path))
    yield made
    made.remove()


@pytest.fixture
def gds(solaris):
    return solaris


@pytest.fixture
def disk(call):
    def run(state, check=False, **params):
        return call('gds_disk', check=check, state=state, **params)
    return run


@pytest.fixture
def run(call):
    return call('backup_run', state='opened', name='data', manager='gds_slice', members=[dict(volume='Volume1')])['run']


def undo(gds, run):
    return [entry['id'] for entry in _run.load(gds.state, run).data['undo']]


def tool(gds, name, body):
    """One more command on the host."""
    gds.put(os.path.join('tools', name), HEAD % gds.base + body + '\n')
    os.chmod(gds.path('tools', name), 0o755)


def test_add_and_take_away(gds, disk, run):
    done = disk('connected', run=run, **DISK)
    assert (done['changed'], done['before'], done['after']) == (
        True, {'registered': False, 'group': None}, {'registered': True, 'group': 'Group1'})
    assert done['slices'] == {'Volume1': {'Disk1': 'active', 'Disk2': 'active', 'DiskB': 'active'}}
    assert gds.journal('sdxdisk') == ['sdxdisk -M -c Class1 -d c4t1d1=DiskB', 'sdxdisk -C -c Class1 -g Group1 -d DiskB']
    assert undo(gds, run) == ['gds_disk:Class1:DiskB']
    again = disk('connected', run=run, **DISK)
    assert not again['changed'] and again['commands'] == []

    assert 'still needs its slice' in disk('absent', run=run)['msg']
    gds.set('Volume1', 'DiskB', 'ACTIVE')
    gone = disk('absent', run=run)
    assert gone['changed'] and gone['after'] == {'DiskB': {'registered': False, 'group': None}} and undo(gds, run) == []
    assert gds.journal('sdxdisk')[2:] == ['sdxdisk -D -c Class1 -g Group1 -d DiskB', 'sdxdisk -R -c Class1 -d DiskB']
    assert not disk('absent', run=run)['changed']


def test_check_mode_promises_what_is_done_then(gds, disk, run):
    plan = disk('connected', check=True, run='<run>', **DISK)
    home = disk('absent', check=True, run='<run>', class_name='Class1', disk='DiskB', assume=plan['after'])
    assert gds.journal('sdxdisk') == []
    done = disk('connected', run=run, **DISK)
    gds.set('Volume1', 'DiskB', 'ACTIVE')
    gone = disk('absent', run=run)
    for promised, kept in ((plan, done), (home, gone)):
        assert [command['argv'] for command in promised['commands']] == [command['argv'] for command in kept['commands']]
        assert promised['after'] == kept['after']


def test_a_disk_that_somebody_else_has_connected_stays(gds, disk, run):
    disk('connected', **DISK)
    done = disk('connected', run=run, **DISK)
    assert not done['changed'] and done['stays'] and undo(gds, run) == []
    assert 'was not connected by run' in disk('absent', run=run, class_name='Class1', disk='DiskB')['msg']


def test_an_ordinary_disk_of_the_group_stays(gds, disk, run):
    done = disk('connected', run=run, **dict(DISK, disk='Disk2', device='c2t1d1'))
    assert not done['changed'] and done['stays'] and undo(gds, run) == []


def test_a_disk_that_is_registered_for_something_else_is_never_taken(gds, disk, run):
    gds.put('disks', gds.read('disks') + 'DiskB * c4t1d1 Class1\n')
    assert 'registered for something else' in disk('connected', run=run, **DISK)['msg'] and gds.journal('sdxdisk') == []


def test_what_a_preparation_has_connected_stays(gds, disk, call):
    name = call('backup_run', state='opened', name='data', manager='gds_slice', kind='prepare', members=[dict(volume='Volume1')])['run']
    assert disk('connected', run=name, **DISK)['changed'] and undo(gds, name) == []
    call('backup_run', state='closed', run=name, result='complete')
    backup = call('backup_run', state='opened', name='data', manager='gds_slice', members=[dict(volume='Volume1')])['run']
    done = disk('connected', run=backup, **DISK)
    assert (done['changed'], done['stays']) == (False, False) and undo(gds, backup) == ['gds_disk:Class1:DiskB']


@pytest.mark.parametrize('params', [
    dict(DISK, confirm=None), dict(DISK, confirm='c4t1d2'), dict(DISK, device=None), dict(DISK, device='../x', confirm='../x'),
    dict(DISK, device='c1t1d1', confirm='c1t1d1'), dict(DISK, group='Group9'), dict(DISK, disk='-x'),
    dict(DISK, disk='Disk1'), dict(DISK, disk='Disk1', device='c9t9d9')])
def test_what_is_not_meant_like_this(gds, disk, run, params):
    failed = disk('connected', run=run, **dict((name, value) for name, value in params.items() if value is not None))
    assert failed.get('failed') and failed['object'] and gds.journal('sdxdisk') == [] and undo(gds, run) == []


@pytest.mark.parametrize('name, output', [
    ('vxdisk', 'c4t1d1s2 auto:cdsdisk disk01 datadg online'), ('metastat', 'd9 1 1 /dev/rdsk/c4t1d1s0'),
    ('metadb', ' a m 16 8192 /dev/dsk/c4t1d1s7'), ('zpool', '  c4t1d1  ONLINE 0 0 0'),
    ('swap', '/dev/dsk/c4t1d1s1 32,1 16 1048560 1048560')])
def test_a_disk_of_another_manager_is_never_taken(gds, disk, run, name, output):
    tool(gds, name, 'echo "%s"; exit 1' % output)
    failed = disk('connected', run=run, **DISK)
    assert failed['found'] == output.strip() and gds.journal('sdxdisk') == []


@pytest.mark.parametrize('name', ['vxdisk', 'metastat', 'metadb', 'zpool', 'swap', 'pvs'])
@pytest.mark.parametrize('body', ['exit 1', 'echo "cannot tell" >&2; exit 5', 'kill -9 $$'])
def test_a_manager_that_gives_no_answer_may_use_the_disk(gds, disk, run, name, body):
    tool(gds, name, body)
    for check in (True, False):
        failed = disk('connected', check=check, run=run, **DISK)
        assert 'not proved that nobody uses c4t1d1' in failed['msg'] and name in failed['look'] and gds.journal('sdxdisk') == []


def test_a_manager_that_is_killed_at_its_limit_has_given_no_answer():
    assert not _gds_unused.has_answered(answer(out='there are no existing databases', rc=None), _gds_unused.OTHERS[1])


@pytest.mark.parametrize('name, body', [
    ('vxdisk', 'echo "VxVM vxdisk ERROR V-5-1-684 IPC failure: Configuration daemon is not accessible" >&2; exit 3'),
    ('metastat', 'echo "metastat: node1: there are no existing databases" >&2; exit 1'),
    ('metadb', 'echo "metadb: node1: there are no existing databases" >&2; exit 1'),
    ('zpool', 'echo "The ZFS modules are not loaded." >&2; exit 1'), ('swap', 'echo "No swap devices configured"; exit 1'),
    ('zpool', 'echo "no pools available"'), ('pvs', 'true')])
def test_a_manager_that_is_not_at_work_is_in_nobodys_way(gds, disk, run, name, body):
    tool(gds, name, body)
    assert disk('connected', run=run, **DISK)['changed']


def test_a_member_of_an_array_is_never_taken(gds, disk, run):
    gds.put('mdstat', 'Personalities : [raid1]\nmd0 : active raid1 c4t1d1[1] c4t2d1p1[0]\n')
    assert 'MD array' in disk('connected', run=run, **DISK)['msg'] and gds.journal('sdxdisk') == []
    gds.put('mdstat', 'md0 : active raid1 c14t1d1[1]\n')
    assert disk('connected', run=run, **DISK)['changed']


@pytest.mark.parametrize('place', ['holders', 'c4t1d1p1/holders'])
def test_a_disk_below_another_device_is_never_taken(gds, disk, run, place):
    os.makedirs(gds.path('block', 'c4t1d1', place))
    gds.put(os.path.join('block', 'c4t1d1', place, 'dm-3'), '')
    assert disk('connected', run=run, **DISK)['found'] == 'dm-3' and gds.journal('sdxdisk') == []
    os.remove(gds.path('block', 'c4t1d1', place, 'dm-3'))
    assert disk('connected', run=run, **DISK)['changed']


def test_a_disk_that_somebody_has_opened_for_himself_is_never_taken(gds, disk, run, monkeypatch):
    monkeypatch.setattr(_gds_unused, 'special_files', lambda device: ['/dev/rdsk/%ss%d' % (device, number) for number in (0, 6)])
    monkeypatch.setattr(_gds_unused, 'is_held', lambda path: path.endswith('s6'))
    assert '/dev/rdsk/c4t1d1s6 is in use' in disk('connected', run=run, **DISK)['msg'] and gds.journal('sdxdisk') == []


@pytest.mark.parametrize('number, held', [(errno.EBUSY, True), (errno.ENXIO, False), (errno.EIO, False), (None, False)])
def test_what_an_exclusive_opening_tells(tmpdir, monkeypatch, number, held):
    path = tmpdir.join('disk')
    path.write('')

    def opened(name, flags, real=os.open):
        assert (name, flags & os.O_EXCL, flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) == (str(path), os.O_EXCL, 0)
        if number:
            raise OSError(number, 'why')
        return real(name, os.O_RDONLY)

    with monkeypatch.context() as patch:
        patch.setattr(_gds_unused.os, 'open', opened)
        found = _gds_unused.is_held(str(path))
    assert found is held


def test_only_special_files_of_the_disk_are_opened(gds):
    """A tape is rewound by that, and a file is none of a disk."""
    os.makedirs(gds.path('dev', 'rdsk'))
    gds.put('dev/c4t1d1', '')
    for name in ('c4t1d1s0', 'c4t1d10s0', 'c4t1d1p0', 'c4t1d1x'):
        os.symlink('/dev/null', gds.path('dev', 'rdsk', name))
    gds.put('dev/rdsk/c4t1d1s2', '')
    assert _gds_unused.special_files('c4t1d1') == [gds.path('dev', 'rdsk', name) for name in ('c4t1d1p0', 'c4t1d1s0')]


@pytest.mark.parametrize('disk_name, status, words', [
    ('Disk1', 'INVALID', 'slice on Disk1 is invalid'), ('Disk2', 'COPY', 'slice on Disk2 is copy'),
    ('Disk2', 'TEMP', 'slice on Disk2 is temp')])
def test_no_disk_is_added_to_volumes_that_are_not_whole(gds, disk, run, disk_name, status, words):
    gds.set('Volume1', disk_name, status)
    assert disk('connected', run=run, **DISK)['found'] == words and gds.journal('sdxdisk') == []


def test_no_disk_is_added_to_an_invalid_volume(gds, disk, run):
    gds.edit('Volume1', 'status', 'INVALID')
    assert disk('connected', run=run, **DISK)['found'] == 'the volume is invalid' and gds.journal('sdxdisk') == []


@pytest.mark.parametrize('output', ['c4t1d10s2 auto online', 'xc4t1d1', '/dev/dsk/c14t1d1s0'])
def test_a_disk_whose_name_is_alike_is_another(gds, disk, run, output):
    tool(gds, 'vxdisk', 'echo "%s"' % output)
    assert disk('connected', run=run, **DISK)['changed']


@pytest.mark.parametrize('device', ['/dev/dsk/c4t1d1s0', '/dev/c4t1d1', '/dev/c4t1d1p1'])
def test_a_mounted_disk_is_never_taken(gds, disk, run, device):
    gds.put('mnttab', gds.read('mnttab') + '%s\t/mnt\tufs\trw\t0\n' % device)
    assert 'is mounted' in disk('connected', run=run, **DISK)['msg'] and gds.journal('sdxdisk') == []


def test_swap_space_is_never_taken(gds, disk, run):
    gds.put('swaps', 'Filename Type Size Used Priority\n/dev/c4t1d1p2 partition 1048572 0 -2\n')
    assert 'swap space' in disk('connected', run=run, **DISK)['msg'] and gds.journal('sdxdisk') == []


def test_nothing_is_added_where_nothing_would_be_copied(gds, disk, run):
    gds.put('volumes', gds.read('volumes').replace('ACTIVE', 'STOP'))
    assert 'nothing would be copied' in disk('connected', run=run, **DISK)['msg'] and gds.journal('sdxdisk') == []


def test_only_mirror_groups_take_a_backup_disk(gds, disk, run):
    gds.put('grouptype', 'stripe')
    assert 'no mirror group' in disk('connected', run=run, **DISK)['msg']


def test_success_is_not_believed(gds, disk, run):
    gds.on('sdxdisk', 'case $1 in -C) exit 0 ;; esac')
    failed = disk('connected', run=run, **DISK)
    assert failed['found'] == 'registered, group None' and undo(gds, run) == ['gds_disk:Class1:DiskB']
    gds.on('sdxdisk', 'case $1 in -R) echo "SDX:sdxdisk: ERROR: DiskB: some reason" >&2; exit 1 ;; esac')
    assert disk('absent', run=run)['vendor'] == 'DiskB: some reason' and undo(gds, run) == ['gds_disk:Class1:DiskB']


def test_the_last_valid_slice_is_not_taken_away(gds, disk, run):
    disk('connected', run=run, **DISK)
    for name, status in (('DiskB', 'ACTIVE'), ('Disk1', 'INVALID'), ('Disk2', 'INVALID')):
        gds.set('Volume1', name, status)
    assert 'still needs' in disk('absent', run=run)['msg'] and len(gds.journal('sdxdisk')) == 2


def test_a_disk_of_somebody_else_is_not_taken_away(gds, disk, run):
    assert 'was not connected by run' in disk('absent', run=run, class_name='Class1', disk='Disk2')['msg']
    assert gds.journal('sdxdisk') == []
