# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _destination, _methods, _platform, _store
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import Mount

MEMBER = dict(volume='d1', copy='d3', device='/dev/md/rdsk/d3', block_device='/dev/md/dsk/d3', bytes=3 * 1024 * 1024 + 1024,
              original='/dev/md/rdsk/d1', filesystem='/home1', fstype='ufs')
DATA = dict(run='R', name='home1', members=[MEMBER])


def check(host, member=None, destination=None, method='dd', probe=True, **tweak):
    member = member or host.volume()
    member.update(tweak)
    place = _destination.Destination(destination or host.backup, 'home1', 'R', ['d1'])
    how = _methods.Method(method, ['/bin/true'], 'stream', 0, False)
    images = _store.plan(dict(DATA, members=[member]), host.state, place, how)
    _destination.check_destination(place, images, [member], host.state, Runner(), probe)


def refusal(host, **options):
    with pytest.raises(Refused) as caught:
        check(host, **options)
    return str(caught.value)


def test_a_good_destination_is_left_as_it_was(host):
    check(host)
    check(host, destination=host.path('backup', 'x.img'))
    assert os.listdir(host.backup) == []


def test_a_destination_that_is_not_there(host):
    assert 'does not exist' in refusal(host, destination=host.path('nowhere/'))
    assert 'does not exist' in refusal(host, destination=host.path('nowhere', 'x.img'))


@pytest.mark.parametrize('name', ['backup', 'x.img', './x.img', 'backup/'])
def test_a_relative_destination_is_refused(host, name):
    assert 'not an absolute path' in refusal(host, destination=name)


def test_a_directory_with_a_wrong_name_does_not_become_a_file(host):
    assert 'does not exist' in refusal(host, destination=host.path('backup', 'typo'))
    assert os.listdir(host.backup) == []


def test_a_file_without_a_suffix_that_is_there_is_not_called_missing(host):
    assert 'not overwritten' in refusal(host, destination=host.file('backup/image', b'precious'))


def test_a_device_is_no_destination(host):
    assert 'is a device' in refusal(host, destination='/dev/null')


def test_a_destination_in_the_state_directory(host):
    os.makedirs(os.path.join(host.state, 'images'))
    assert 'state directory' in refusal(host, destination=os.path.join(host.state, 'images'))
    os.symlink(os.path.join(host.state, 'images'), host.path('link'))
    assert 'state directory' in refusal(host, destination=host.path('link'))
    os.mkdir(host.path('state-of-the-art'))
    check(host, destination=host.path('state-of-the-art'))


def test_a_destination_on_a_volume_that_is_backed_up(host, monkeypatch):
    monkeypatch.setattr(os.path, 'ismount', lambda path: path == host.base)
    assert 'lies on volume d1' in refusal(host, filesystem=host.base)
    # The mirror itself has no file system then.
    partition = dict(volume='d101', original='/dev/md/rdsk/d101', filesystem=host.base, fstype='ufs')
    assert 'lies on volume d101' in refusal(host, filesystem=None, soft_partitions=[partition])


def test_a_mount_point_that_is_not_mounted_is_no_file_system_of_the_volume(host):
    os.mkdir(host.path('home1'))
    check(host, filesystem=host.path('home1'))


def test_a_destination_on_a_locked_file_system(host, monkeypatch):
    monkeypatch.setattr(_platform, 'mounts', lambda: [Mount('/dev/x', '/', 'ufs', 'rw'), Mount('/dev/y', host.backup, 'ufs', 'rw')])
    header = 'Filesystem           Locktype   Comment'
    host.tool('lockfs', 'echo "%s"' % header, 'printf "%-20s %-10s %s\\n" "$1" write snapbackup:other')
    assert "write lock, comment 'snapbackup:other'" in refusal(host)
    host.tool('lockfs', 'echo "%s"' % header, 'printf "%-20s %-10s %s\\n" "$1" "(write)" ""')
    assert '(write)' in refusal(host)
    host.tool('lockfs', 'exit 0')
    assert 'does not say' in refusal(host)
    host.tool('lockfs', 'echo "%s"' % header, 'printf "%-20s %-10s %s\\n" "$1" unlock ""')
    check(host)


def test_what_is_not_ufs_is_not_asked_for_its_lock(host, monkeypatch):
    monkeypatch.setattr(_platform, 'mounts', lambda: [Mount('/dev/y', host.backup, 'zfs', 'rw')])
    host.tool('lockfs', 'echo asked > %s' % host.path('asked'), 'exit 2')
    check(host)
    assert not os.path.exists(host.path('asked'))


def test_the_nearest_mount_point_counts(host, monkeypatch):
    monkeypatch.setattr(_platform, 'mounts', lambda: [Mount('/dev/a', '/', 'ext4', ''), Mount('/dev/b', host.base, 'ufs', ''),
                                                      Mount('/dev/c', host.base + '/back', 'xfs', '')])
    assert _destination.mount_of(host.backup) == (host.base, 'ufs')


def test_nothing_is_overwritten(host):
    host.file('backup/x.img', b'precious')
    assert 'not overwritten' in refusal(host, destination=host.path('backup', 'x.img'))
    host.file('backup/y.img.manifest.json', b'precious')
    assert 'not overwritten' in refusal(host, destination=host.path('backup', 'y.img'))
    os.symlink('/nowhere', host.path('backup', 'z.img'))
    assert 'not overwritten' in refusal(host, destination=host.path('backup', 'z.img'))


def test_a_destination_without_room(host):
    assert 'no room' in refusal(host, bytes=2 ** 60)
    # What a command makes of a volume is not known before.
    check(host, method='command', bytes=2 ** 60)


def test_files_need_at_most_what_the_file_system_holds(host, monkeypatch):
    system = os.statvfs('/')
    monkeypatch.setattr(os, 'statvfs', lambda path: system)
    image = dict(path='/x', method='tar', compression=None, bytes=None, source='/nowhere', filesystem='/')
    assert _destination.room_for(image) == (system.f_blocks - system.f_bfree) * system.f_frsize
    assert _destination.room_for(dict(image, filesystem='/nowhere')) == 0


def test_a_destination_without_permission(host, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: path != host.backup)
    assert 'Permission denied' in refusal(host, probe=False)


def test_a_destination_that_refuses_files_although_its_mode_allows_them(host, monkeypatch):
    real = os.open

    def squashed(path, flags, *mode):
        if str(path).startswith(host.backup):
            raise OSError(13, 'Permission denied')
        return real(path, flags, *mode)
    monkeypatch.setattr(os, 'open', squashed)
    assert 'cannot be written' in refusal(host)
    check(host, probe=False)


# A tape.

def tape(host, **fields):
    return _destination.Tape(**dict(dict(label='HOME-07', position='append', block=32768, manifests=host.backup), **fields))


def test_the_manifest_of_a_tape_lies_on_a_disk(host):
    place = _destination.Destination('/dev/rmt/0n', 'home1', 'R', ['d1', 'd2'], tape(host))
    assert (place.kind, place.manifest) == ('tape', host.path('backup', 'home1', 'R', 'manifest.json'))
    assert place.image('d1', 'dd') is None
    assert place.place() == dict(device='/dev/rmt/0n', label='HOME-07', serial=None, file=None, block=32768)
    images = _store.plan(dict(DATA, members=[MEMBER]), host.state, place, _methods.Method('dd', None, 'stream', 0, False))
    _destination.check_destination(place, images, [dict(MEMBER, filesystem=None)], host.state, Runner())
    assert os.listdir(host.backup) == []


@pytest.mark.parametrize('manifests', ['nowhere', 'relative/path'])
def test_a_tape_needs_a_directory_for_its_manifests(host, manifests):
    place = _destination.Destination('/dev/rmt/0n', 'home1', 'R', ['d1'], tape(host, manifests=manifests))
    with pytest.raises(Refused) as caught:
        _destination.check_destination(place, [], [], host.state, Runner())
    assert 'does not exist' in str(caught.value)


# Directories.

def test_only_empty_directories_are_taken_away_again(host):
    made = _destination.make_directories(host.path('backup', 'a', 'b'))
    assert made == [host.path('backup', 'a', 'b'), host.path('backup', 'a')]
    assert _destination.make_directories(host.path('backup', 'a', 'b')) == []
    host.file('backup/a/other', b'')
    _destination.remove_empty(made)
    assert os.listdir(host.backup) == ['a'] and os.listdir(host.path('backup', 'a')) == ['other']
