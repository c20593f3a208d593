# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import os
import stat
import subprocess
import sys

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import Mount


@pytest.fixture
def terminal(host, monkeypatch):
    """The path of a character device that does not tell its size, on a host that has no mounts and no other processes.

    Every container has terminals of its own with the same numbers, so the processes of this machine do not count.
    """
    monkeypatch.setattr(_platform, 'mounts', lambda: [])
    os.mkdir(host.path('proc'))
    monkeypatch.setattr(_target, 'PROC', host.path('proc'))
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def refusal(*args, **kwargs):
    with pytest.raises(Refused) as caught:
        _target.check_device(*args, **kwargs)
    return str(caught.value)


def test_a_device_that_nobody_uses(terminal):
    _target.check_device(terminal, 1000, 1000)


def test_a_device_that_is_too_small(terminal):
    assert 'too small' in refusal(terminal, 1001, 1000)


def test_a_device_that_does_not_tell_its_size(terminal):
    assert 'option bytes' in refusal(terminal, 1000)


def test_what_is_no_device(host):
    assert 'not a device' in refusal(host.file('file', b'x' * 1000), 10)
    assert 'not a device' in refusal(host.base, 10)
    assert 'No such file' in refusal(host.path('nothing'), 10)


def seen(host, process):
    """Let a process be found on the host."""
    os.symlink('/proc/%d' % process.pid, host.path('proc', str(process.pid)))


def test_a_device_that_is_open_in_another_process(terminal, host):
    hold = 'import sys; f = open(sys.argv[1], "rb", 0); print("open"); sys.stdout.flush(); sys.stdin.read()'
    other = subprocess.Popen([sys.executable, '-c', hold, terminal], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b'open\n'
        seen(host, other)
        assert 'open in process %d' % other.pid in refusal(terminal, 10, 1000)
    finally:
        other.communicate()
    _target.check_device(terminal, 10, 1000)


def test_a_device_that_is_mounted_under_another_name(terminal, host, monkeypatch):
    os.symlink(terminal, host.path('alias'))
    table = [Mount('tmpfs', '/run', 'tmpfs', ''), Mount(host.path('alias'), '/home1', 'ufs', '')]
    monkeypatch.setattr(_platform, 'mounts', lambda: table)
    assert 'mounted on /home1' in refusal(terminal, 10, 1000)


def test_a_mount_shows_in_the_numbers_of_its_files(terminal, host, monkeypatch):
    # The mount table may name a device that is not there any more.
    monkeypatch.setattr(_platform, 'mounts', lambda: [Mount('/dev/gone', host.base, 'ufs', '')])
    with pytest.raises(Refused) as caught:
        _target.refuse_mounted(terminal, os.stat(host.base).st_dev)
    assert 'mounted on %s' % host.base in str(caught.value)


@pytest.mark.parametrize('device, fstype', [
    ('server:/export', 'nfs4'), ('//server/share', 'cifs'), ('auto_home', 'autofs'), ('u@h:', 'fuse.sshfs')])
def test_a_server_is_not_asked(terminal, host, monkeypatch, device, fstype):
    """Neither for its mount point nor for files that are open there."""
    os.mkdir(host.path('net'))
    held = open(host.file('net/file', b''))
    reader = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=subprocess.PIPE, stdout=held, close_fds=True)
    seen(host, reader)
    monkeypatch.setattr(_platform, 'mounts', lambda: [Mount(device, host.path('net'), fstype, '')])
    real = os.stat

    def stat_that_hangs(path, *args, **kwargs):
        target = os.readlink(path) if str(path).startswith(host.path('proc', str(reader.pid), 'fd')) else path
        assert not str(target).startswith(host.path('net')), 'would wait for the server'
        return real(path, *args, **kwargs)
    try:
        monkeypatch.setattr(os, 'stat', stat_that_hangs)
        _target.check_device(terminal, 10, 1000)
    finally:
        reader.communicate()
        held.close()


@pytest.mark.parametrize('number, words', [
    (errno.EROFS, 'Read-only file system'), (errno.EACCES, 'Permission denied'), (errno.EBUSY, 'busy')])
def test_a_device_that_cannot_be_opened_for_writing(terminal, monkeypatch, number, words):
    real = os.open

    def refusing(path, flags, *mode):
        if path == terminal:
            assert flags & os.O_RDWR
            raise OSError(number, os.strerror(number))
        return real(path, flags, *mode)
    monkeypatch.setattr(os, 'open', refusing)
    assert words in refusal(terminal, 10, 1000)


def test_the_system_itself_refuses_a_block_device_in_use(host, monkeypatch):
    """Nothing is written: a device that is mounted cannot be opened exclusively."""
    number = os.stat('/').st_dev
    node = host.path('root')
    try:
        os.mknod(node, stat.S_IFBLK | 0o600, number)
        os.close(os.open(node, os.O_RDONLY))
    except (OSError, AttributeError):
        pytest.skip('no block device below / can be reached here')
    monkeypatch.setattr(_platform, 'mounts', lambda: [])
    assert 'busy' in refusal(node, 10)


# Directories.

def test_an_empty_directory(host, monkeypatch):
    os.mkdir(host.path('target'))
    with pytest.raises(Refused) as caught:
        _target.check_directory(host.path('target'))
    assert 'No file system is mounted' in str(caught.value)
    monkeypatch.setattr(os.path, 'ismount', lambda path: True)
    _target.check_directory(host.path('target'))
    os.mkdir(host.path('target', 'lost+found'))
    _target.check_directory(host.path('target'))


@pytest.mark.parametrize('point', ['target', 'target/'])
def test_a_directory_of_another_volume(host, monkeypatch, point):
    os.mkdir(host.path('target'))
    monkeypatch.setattr(os.path, 'ismount', lambda path: True)
    found = [Mount('/dev/md/dsk/d1', host.path('target'), 'ufs', 'rw'), Mount('/dev/md/dsk/d5', host.path('target'), 'ufs', 'rw')]
    monkeypatch.setattr(_platform, 'mounts', lambda: found)
    with pytest.raises(Refused) as caught:
        _target.check_directory(host.path(point), devices=['/dev/md/dsk/d1', '/dev/md/rdsk/d1'])
    assert '/dev/md/dsk/d5' in str(caught.value) and '/dev/md/dsk/d1' in str(caught.value)
    found.pop()
    _target.check_directory(host.path(point), devices=['/dev/md/dsk/d1', '/dev/md/rdsk/d1'])
    found.pop()
    with pytest.raises(Refused) as caught:
        _target.check_directory(host.path(point), must_be_mounted=False, devices=['/dev/md/dsk/d1'])
    assert 'nothing' in str(caught.value)


def test_a_directory_of_the_volume_under_another_name(host, terminal, monkeypatch):
    """A device has one number, and the mount table may know it by a name that nobody else uses."""
    os.mkdir(host.path('target'))
    os.symlink(terminal, host.path('alias'))
    monkeypatch.setattr(os.path, 'ismount', lambda path: True)
    monkeypatch.setattr(_platform, 'mounts', lambda: [Mount(host.path('alias'), host.path('target'), 'ufs', 'rw')])
    _target.check_directory(host.path('target'), devices=[terminal])


def test_a_directory_with_files(host):
    os.mkdir(host.path('target'))
    host.file('target/precious', b'x')
    with pytest.raises(Refused) as caught:
        _target.check_directory(host.path('target'), must_be_mounted=False)
    assert 'precious' in str(caught.value)


def test_what_is_no_directory(host):
    with pytest.raises(Refused):
        _target.check_directory(host.file('file', b''), must_be_mounted=False)


def test_a_higher_level_goes_onto_the_lower_ones(host):
    os.mkdir(host.path('target'))
    host.file('target/restored', b'x')
    with pytest.raises(Refused) as caught:
        _target.check_directory(host.path('target'), level=1, must_be_mounted=False)
    assert 'lower levels' in str(caught.value)
    host.file('target/restoresymtable', b'x')
    _target.check_directory(host.path('target'), level=1, must_be_mounted=False)
