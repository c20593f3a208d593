# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The copy as a file system: checked, mounted for reading, unmounted."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run
from solaris import HEAD


def member(volume, copy, fstype='ufs'):
    return dict(volume=volume, copy=copy, device='/dev/md/rdsk/' + copy, block_device='/dev/md/dsk/' + copy, filesystem='/x', fstype=fstype)


MEMBERS = [member('d1', 'd3'), member('d4', 'd6')]


@pytest.fixture
def run(call, solaris):
    return call('backup_run', state='opened', name='home1', manager='svm', members=MEMBERS)['run']


def points(solaris, run):
    return dict((volume, os.path.join(solaris.state, 'runs', run, 'mnt', volume)) for volume in ('d1', 'd4'))


def undo(solaris, run):
    return [entry['id'] for entry in _run.load(solaris.state, run).data['undo']]


def test_mount_and_unmount(call, solaris, run):
    where, nowhere = points(solaris, run), {'d1': None, 'd4': None}
    told = call('snapshot_mount', run=run, state='mounted')
    assert told['changed'] and (told['before'], told['after']) == (nowhere, where)
    assert solaris.journal('fsck', 'mount') == [
        'fsck -F ufs -m /dev/md/rdsk/d3', 'mount -F ufs -o ro /dev/md/dsk/d3 ' + where['d1'],
        'fsck -F ufs -m /dev/md/rdsk/d6', 'mount -F ufs -o ro /dev/md/dsk/d6 ' + where['d4']]
    assert undo(solaris, run) == ['snapshot_mount:d1', 'snapshot_mount:d4'] and all(os.path.isdir(path) for path in where.values())
    assert not call('snapshot_mount', run=run, state='mounted')['changed']
    back = call('snapshot_mount', run=run, state='unmounted')
    assert back['changed'] and (back['before'], back['after']) == (where, nowhere) and undo(solaris, run) == []
    assert not call('snapshot_mount', run=run, state='unmounted')['changed']


def test_check_mode(call, solaris, run):
    files, content = solaris.files(), _run.load(solaris.state, run).data
    told = call('snapshot_mount', check=True, run=run, state='mounted')
    assert told['changed'] and solaris.files() == files and solaris.journal('mount', 'umount') == []
    assert _run.load(solaris.state, run).data == content
    done = call('snapshot_mount', run=run, state='mounted')
    assert [command['argv'] for command in told['commands']] == [command['argv'] for command in done['commands']]
    assert told['after'] == done['after']
    files = solaris.files()
    back = call('snapshot_mount', check=True, run=run, state='unmounted')
    assert back['changed'] and len(back['commands']) == 2 and solaris.journal('umount') == [] and solaris.files() == files


def test_check_mode_without_a_run(call, solaris):
    told = call('snapshot_mount', check=True, run='<run>', state='mounted', members=MEMBERS)
    assert told['changed'] and len(told['commands']) == 2 and solaris.files() == []
    assert call('snapshot_mount', check=True, run='<run>', state='unmounted', members=MEMBERS)['changed']


@pytest.mark.parametrize('rc', [32, 36, 39, 1])
def test_a_copy_that_is_not_clean_is_not_mounted(call, solaris, run, rc):
    solaris.on('fsck', 'exit %d' % rc)
    told = call('snapshot_mount', run=run, state='mounted')
    assert told['failed'] and 'not clean' in told['msg'] and solaris.journal('mount') == []


@pytest.mark.parametrize('fault', ['exit 1', 'exit 0', 'printf "%s\\t%s\\tufs\\tro\\t0\\n" "$5" "$6" >>"$D/mnttab"; exit 1'])
def test_a_mount_that_fails(call, solaris, run, fault):
    solaris.on('mount', fault)
    told = call('snapshot_mount', run=run, state='mounted')
    assert told['failed'] and 'd3' in told['msg'] and undo(solaris, run) == ['snapshot_mount:d1']
    solaris.on('mount')
    assert call('snapshot_mount', run=run, state='unmounted').get('failed') is None and undo(solaris, run) == []


@pytest.mark.parametrize('fault', ['exit 1', 'exit 0'])
def test_an_unmount_that_fails(call, solaris, run, fault):
    call('snapshot_mount', run=run, state='mounted')
    solaris.on('umount', fault)
    told = call('snapshot_mount', run=run, state='unmounted')
    assert told['failed'] and 'could not be unmounted' in told['msg'] and len(undo(solaris, run)) == 2


def test_a_copy_without_a_file_system(call, solaris):
    run = call('backup_run', state='opened', name='raw', manager='svm', members=[member('d1', 'd3', None)])['run']
    told = call('snapshot_mount', run=run, state='mounted')
    assert told['failed'] and told['object'] == 'd1' and solaris.journal('mount') == []
    assert not call('snapshot_mount', run=run, state='unmounted')['changed']


def test_the_log_of_a_copy_is_replayed(call, solaris, run):
    planned = call('snapshot_mount', check=True, run='<run>', state='checked', replay=True, members=MEMBERS)
    done = call('snapshot_mount', run=run, state='checked', replay=True)
    assert solaris.journal('fsck') == ['fsck -F ufs -y /dev/md/rdsk/d3', 'fsck -F ufs -y /dev/md/rdsk/d6'] and done['changed']
    assert [command['argv'] for command in planned['commands']] == [command['argv'] for command in done['commands']]


@pytest.mark.parametrize('fault', ['exit 1', 'echo "***** FILE SYSTEM WAS MODIFIED *****"; exit 0'])
def test_a_copy_that_needs_more_than_a_replay(call, solaris, run, fault):
    solaris.on('fsck', fault)
    told = call('snapshot_mount', run=run, state='checked', replay=True)
    assert told['failed'] and told['object'] == 'd1' and 'log replayed' in told['msg']


def test_a_check_of_ones_own(call, solaris):
    run = call('backup_run', state='opened', name='raw', manager='svm', members=[member('d1', 'd3', None)])['run']
    done = call('snapshot_mount', run=run, state='checked', command=['fsck', '--of={volume}', '{device}'])
    assert solaris.journal('fsck') == ['fsck --of=d1 /dev/md/rdsk/d3'] and done['changed']
    solaris.on('fsck', 'exit 1')
    assert call('snapshot_mount', run=run, state='checked', command=['fsck', '{device}'])['failed']


def test_an_sfxfs_is_told_its_device_first(call, solaris):
    """As in the GDS guide, "Backing Up and Restoring Using Snapshots from a Proxy Volume", 6d-2 and 6d-3."""
    solaris.put(os.path.join('tools', 'sfxadm'), HEAD % solaris.base)
    os.chmod(solaris.path('tools', 'sfxadm'), 0o755)
    run = call('backup_run', state='opened', name='gfs', manager='gds_proxy', members=[member('Volume1', 'Volume2', 'sfxfs')])['run']
    done = call('snapshot_mount', run=run, state='checked', replay=True)
    assert solaris.journal('sfxadm', 'fsck') == ['sfxadm /dev/md/rdsk/Volume2', 'fsck -F sfxfs -y /dev/md/rdsk/Volume2'] and done['changed']
    solaris.on('sfxadm', 'exit 1')
    assert call('snapshot_mount', run=run, state='checked', replay=True)['failed'] and len(solaris.journal('fsck')) == 1


def test_an_sfxfs_that_was_restored_is_told_its_own_device(call, solaris):
    """Not that of the copy, nor a mounted one, which was made where it is; others record none."""
    solaris.put(os.path.join('tools', 'sfxadm'), HEAD % solaris.base)
    os.chmod(solaris.path('tools', 'sfxadm'), 0o755)
    gfs = [dict(member('Volume%d' % number, 'Volume%d' % (number + 1), 'sfxfs'), original='/dev/sfdsk/Class1/rdsk/Volume%d' % number)
           for number in (1, 3)]
    solaris.put('mnttab', solaris.read('mnttab') + '/dev/sfdsk/Class1/dsk/Volume3\t/data3\tsfxfs\trw\t0\n')
    run = call('backup_run', state='opened', name='gfs', manager='gds_proxy', kind='restore', members=gfs + MEMBERS)['run']
    planned = call('snapshot_mount', check=True, run='<run>', state='adjusted', members=gfs + MEMBERS)
    done = call('snapshot_mount', run=run, state='adjusted')
    assert solaris.journal('sfxadm') == ['sfxadm /dev/sfdsk/Class1/rdsk/Volume1'] and done['changed']
    assert [command['argv'] for command in planned['commands']] == [command['argv'] for command in done['commands']]
    solaris.on('sfxadm', 'exit 1')
    told = call('snapshot_mount', run=run, state='adjusted')
    assert told['failed'] and told['object'] == 'Volume1' and 'does not know yet where it lies' in told['msg']
