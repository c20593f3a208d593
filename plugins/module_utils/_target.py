# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether something may be overwritten: a device that nobody uses, or an empty directory."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import array
import errno
import fcntl
import os
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

PROC = '/proc'
# What a restored dump leaves for the next one: ufsrestore(1M), vxrestore(1M).
SYMTABLES = ('restoresymtable', 'restoresymtab')
BLKROGET = 0x125e
HARMLESS = ('lost+found',)
# To ask for a file there can wait for a server for ever.
REMOTE = ('nfs', 'nfs3', 'nfs4', 'cifs', 'smbfs', 'autofs')


def check_device(path, needed, size=None):
    """Refused unless path is a device of at least needed bytes that can be written to and that nobody uses.

    size: its size, for character devices whose end cannot be asked for.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise Refused('The target %s cannot be looked at.' % path, object=path, found=error.strerror, look='ls -lL %s' % path)
    if not (stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode)):
        raise Refused('The target %s is not a device.' % path, object=path, needed='the device of the volume', look='ls -lL %s' % path)
    refuse_mounted(path, found.st_rdev)
    refuse_open(path, found.st_rdev)
    fd = open_exclusively(path, stat.S_ISBLK(found.st_mode))
    try:
        refuse_read_only(path, fd)
        end = os.lseek(fd, 0, os.SEEK_END) or size
    except OSError:
        end = size
    finally:
        os.close(fd)
    if size is not None:
        end = min(end, size)
    if end is None:
        raise Refused('The size of the target %s cannot be asked for.' % path, object=path, needed='option bytes of the volume')
    if end < needed:
        raise Refused('The target %s is too small for the image.' % path, object=path, found='%d bytes' % end, needed='%d bytes' % needed)


def refuse_mounted(path, number):
    """The raw and the block device of a volume have the same number; a mount shows it in its device, or in its files."""
    for mount in _platform.mounts():
        if is_remote(mount):
            continue
        if number in (_number(mount.device, 'st_rdev'), _number(mount.point, 'st_dev')):
            raise Refused('The target %s is mounted.' % path, object=path, found='mounted on %s' % mount.point,
                          needed='a volume that nobody uses', look='the mount table', remedy='umount %s' % mount.point)


def is_remote(mount):
    return mount.fstype in REMOTE or mount.fstype.startswith('fuse.') or ':' in mount.device


def _number(path, field):
    try:
        return getattr(os.stat(path), field)
    except OSError:
        return None


def refuse_open(path, number):
    """The files in /proc/PID/fd tell the number of the device that is open, on Linux and on Solaris (proc(4), proc(5))."""
    remote = tuple(mount.point.rstrip('/') + '/' for mount in _platform.mounts() if is_remote(mount))
    for pid in sorted(name for name in os.listdir(PROC) if name.isdigit() and int(name) != os.getpid()):
        if any(_number(link, 'st_rdev') == number for link in _open_files(pid, remote)):
            raise Refused('The target %s is in use.' % path, object=path, found='open in process %s' % pid,
                          needed='a volume that nobody uses', look='ps -fp %s' % pid)


def _open_files(pid, remote):
    """The entries in /proc of the files that a process has open, but for those on servers."""
    directory = os.path.join(PROC, pid, 'fd')
    try:
        links = [os.path.join(directory, name) for name in os.listdir(directory)]
    except OSError:
        return []
    return [link for link in links if not _points_to(link).startswith(remote)]


def _points_to(link):
    try:
        return os.readlink(link)
    except OSError:
        return ''


def open_exclusively(path, is_block):
    """A descriptor for writing. Of a block device the system gives none if it is mounted, part of something, or so opened."""
    try:
        return os.open(path, os.O_RDWR | os.O_NOCTTY | (os.O_EXCL if is_block else 0))
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Refused('The target %s is in use.' % path, object=path, found='busy: mounted, swap, or part of another volume',
                          needed='a volume that nobody uses', vendor=error.strerror)
        raise Refused('The target %s cannot be written to.' % path, object=path, found=error.strerror,
                      needed='a volume that is not read-only and no submirror of a mirror')


def refuse_read_only(path, fd):
    """Linux opens a read-only block device for writing and refuses only the first write."""
    flag = array.array('i', [0])
    try:
        fcntl.ioctl(fd, BLKROGET, flag, True)
    except (IOError, OSError):
        # No block device of Linux; there the open itself is refused.
        return
    if flag[0]:
        raise Refused('The target %s is read-only.' % path, object=path,
                      needed='a volume that is not read-only and no submirror of a mirror')


def check_directory(path, level=None, must_be_mounted=True, base=None, devices=None):
    """Refused unless path is an empty directory that takes files.

    level: of a dump; above 0 it goes onto what the lower levels have restored, whose restoresymtable must be there. base: the manifest
    of the dump that must have been restored just before. devices: those of the volume that must be mounted there; None: any.
    """
    if not os.path.isdir(path):
        raise Refused('The target %s is not a directory.' % path, object=path,
                      needed='the directory where the new file system is mounted')
    if must_be_mounted and not os.path.ismount(path):
        raise Refused('No file system is mounted on the target %s.' % path, object=path, needed='a mount point',
                      remedy='make a file system on the volume and mount it, or set require_mount to false')
    if devices:
        refuse_other_volume(path, devices)
    if not os.access(path, os.W_OK | os.X_OK):
        raise Refused('The target %s cannot be written to.' % path, object=path, needed='a file system mounted for writing')
    names = sorted(set(os.listdir(path)) - set(HARMLESS))
    if level:
        if not set(SYMTABLES).intersection(names):
            raise Refused('A dump of level %d needs the lower levels restored before it.' % level, object=path,
                          found='no %s in %s' % (SYMTABLES[0], path), needed='the lower levels, restored with last_level=false',
                          remedy='restore %s first, with last_level=false' % base if base else None)
    elif names:
        raise Refused('The target %s is not empty.' % path, object=path, found=', '.join(names[:5]), needed='an empty directory',
                      remedy='make a new file system on the volume')


def refuse_other_volume(path, devices):
    """Refused unless what is mounted on path is one of devices, by its name or its number."""
    mount = _platform.mount_at(path.rstrip('/') or '/')
    numbers = [number for number in [_number(device, 'st_rdev') for device in devices] if number]
    if mount is None or mount.device not in devices and _number(mount.device, 'st_rdev') not in numbers:
        raise Refused('The target %s is not a file system of the volume that is restored.' % path, object=path,
                      found='%s is mounted there' % (mount.device if mount else 'nothing'), needed='a mount of %s' % devices[0],
                      look='the mount table', remedy='mount the new file system of the volume there')
