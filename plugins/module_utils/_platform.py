# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one table of differences between the platforms a managed host can be.

What a host is, is decided by what it has: commands, files and words in its mount table, never by its name.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import ctypes
import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

TOOL_DIRS = ('/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/lib/fs/ufs', '/opt/VRTS/bin', '/etc/vx/bin', '/usr/lib/vxvm/bin',
             '/usr/opt/SUNWesm/sbin')
MNTTAB = '/etc/mnttab'
PROC_MOUNTS = '/proc/self/mounts'
BOOT_ID = '/proc/sys/kernel/random/boot_id'
BOOT_TIME = 'unix:0:system_misc:boot_time'

Mount = collections.namedtuple('Mount', 'device point fstype options')


def find(tool):
    """The absolute path of tool in TOOL_DIRS, or None."""
    for directory in TOOL_DIRS:
        path = os.path.join(directory, tool)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def need(tool):
    """The absolute path of tool; Refused where the host does not have it."""
    path = find(tool)
    if path is None:
        raise Refused('The command %s is needed and not on this host.' % tool, object=tool,
                      found='not in %s' % ', '.join(TOOL_DIRS), remedy='install the package that brings %s' % tool)
    return path


def _clock():
    """A function that returns seconds of a clock which all processes of this boot share and nobody can set."""
    if hasattr(time, 'monotonic'):
        return time.monotonic

    class Timespec(ctypes.Structure):
        _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]

    # CLOCK_MONOTONIC is 1 on Linux; Solaris calls the same clock CLOCK_HIGHRES and numbers it 4.
    number = 1 if os.path.exists(BOOT_ID) else 4
    library = ctypes.CDLL('librt.so.1', use_errno=True)
    value = Timespec()

    def read():
        if library.clock_gettime(number, ctypes.byref(value)) != 0:
            raise OSError(ctypes.get_errno(), 'clock_gettime')
        return value.seconds + value.nanoseconds / 1e9
    return read


monotonic = _clock()


def boot_identity(runner):
    """A word that changes with every boot of the host: the kernel's boot time (kstat(1M)) or Linux's boot_id."""
    kstat = find('kstat')
    if kstat:
        words = runner.expect([kstat, '-p', BOOT_TIME]).out.split()
        if len(words) != 2 or not words[1].isdigit():
            raise Refused('The time of the last boot cannot be read.', object='boot time', found=' '.join(words) or 'nothing',
                          look='kstat -p %s' % BOOT_TIME)
        return words[1]
    with open(BOOT_ID) as source:
        return source.read().strip()


def mounts():
    """The mount table as a list of Mount, in the order of mounting (mnttab(4), proc(5))."""
    if os.path.exists(MNTTAB):
        with open(MNTTAB) as table:
            rows = [line.rstrip('\n').split('\t') for line in table]
        return [Mount(row[0], row[1], row[2], row[3]) for row in rows if len(row) >= 4]
    with open(PROC_MOUNTS) as table:
        rows = [[_unescaped(word) for word in line.split(' ')] for line in table]
    return [Mount(*row[:4]) for row in rows if len(row) >= 4]


def _unescaped(word):
    for code, character in (('\\040', ' '), ('\\011', '\t'), ('\\012', '\n'), ('\\134', '\\')):
        word = word.replace(code, character)
    return word


def mount_at(point):
    """The Mount that is visible at exactly this path, or None."""
    found = [mount for mount in mounts() if mount.point == point]
    return found[-1] if found else None


def uses_type_flag():
    """True where mount and fsck take the file system type as -F (Solaris), False for -t (Linux)."""
    return os.path.exists(MNTTAB)


def mount_argv(device, point, fstype, writable=False):
    """The command that mounts device on point. A read-only mount does not replay a log onto the device."""
    if uses_type_flag():
        return [need('mount'), '-F', fstype, '-o', 'rw' if writable else 'ro', device, point]
    if writable:
        return [need('mount'), '-t', fstype, device, point]
    options = {'xfs': 'ro,norecovery,nouuid', 'ext3': 'ro,noload', 'ext4': 'ro,noload'}.get(fstype, 'ro')
    return [need('mount'), '-t', fstype, '-o', options, device, point]


def mount_again_argv(mount):
    """The command that mounts a file system as it was when mount, its entry of the mount table, was read."""
    # dev= and seclabel are what the system says there, and no options of mount.
    words = [word for word in mount.options.split(',') if not word.startswith('dev=') and word != 'seclabel']
    flag = '-F' if uses_type_flag() else '-t'
    return [need('mount'), flag, mount.fstype, '-o', ','.join(words), mount.device, mount.point]


def replay_argv(device, fstype):
    """The command that replays the log of a file system and repairs what it can, without a question.

    XFS does that when it is mounted for writing, so it is only looked at.
    """
    if uses_type_flag():
        return [need('fsck'), '-F', fstype, '-y', device]
    return check_argv(device, fstype) if fstype == 'xfs' else [need('fsck'), '-t', fstype, '-y', device]


def adjust_argv(device, fstype):
    """The command that tells a file system which device it lies on now, or None for one that does not record that (sfxadm(1M))."""
    return [need('sfxadm'), device] if fstype == 'sfxfs' else None


def umount_argv(point):
    return [need('umount'), point]


def check_argv(device, fstype):
    """The command that says whether a file system that nobody has mounted is clean, without writing to it."""
    if uses_type_flag():
        return [need('fsck'), '-F', fstype, '-m', device]
    if fstype == 'xfs':
        return [need('xfs_repair'), '-n', device]
    return [need('fsck'), '-t', fstype, '-n', device]
