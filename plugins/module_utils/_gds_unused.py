# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The proof that nobody uses a physical disk which GDS is about to have: registering one initialises it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import errno
import glob
import os
import re
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import LIMIT
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import parse

DEV = '/dev'
SYS_BLOCK = '/sys/block'
PROC_SWAPS = '/proc/swaps'
PROC_MDSTAT = '/proc/mdstat'
NEEDED = 'a disk that nobody uses'

# A command of another manager whose output names the disks that it uses; nothing: what it says, beside an exit code that is not 0, where
# that manager is not at work on this host.
Other = collections.namedtuple('Other', 'argv nothing')
NO_STATE_DATABASE = 'there are no existing databases'
OTHERS = (
    # The configuration daemon is not accessible.
    Other(('vxdisk', '-o', 'alldgs', 'list'), r'\bV-5-1-684\b'),
    Other(('metastat', '-p'), NO_STATE_DATABASE), Other(('metadb',), NO_STATE_DATABASE),
    Other(('zpool', 'status'), 'no pools available|The ZFS modules (are not |cannot be auto-)loaded'),
    Other(('swap', '-l'), 'No swap devices configured'),
    Other(('pvs', '--noheadings', '-o', 'pv_name'), None))


def names_disk(text, device):
    """Whether text names the disk or a slice or partition of it."""
    return re.search(r'(?<![A-Za-z0-9])%s(?:s[0-9]+|p?[0-9]+)?(?![A-Za-z0-9])' % re.escape(device), text) is not None


def refuse_used(context, sdxinfo, device, proof=False):
    """Refused if anything on this host shows that somebody uses the physical disk.

    proof: also where one that may use it gives no answer, and where the system holds it. Needed before its content is destroyed.
    """
    result = context.runner([sdxinfo, '-D', '-e', 'long'], timeout=LIMIT)
    if result.rc != 0:
        raise CommandFailed(result, object=device)
    for row in parse(result.out)['disk']:
        if row.get('DEVNAM') == device:
            raise Refused('%s is registered with a class already.' % device, object=device, found='disk %s of class %s' % (
                row['NAME'], row.get('CLASS')), needed='a disk in no class', look='sdxinfo -D')
    for mount in _platform.mounts():
        if names_disk(mount.device, device):
            raise Refused('%s is mounted.' % device, object=device, found='%s on %s' % (mount.device, mount.point), needed='not mounted',
                          look='mount')
    for other in OTHERS:
        refuse_other(context, device, other, proof)
    refuse_listed(device, PROC_SWAPS, 'is swap space')
    refuse_listed(device, PROC_MDSTAT, 'is part of an MD array')
    if proof:
        refuse_held(device)


def refuse_other(context, device, other, proof):
    """Refused if another volume manager, or the swap table, names the disk; for a proof also if it does not answer."""
    tool = _platform.find(other.argv[0])
    if not tool:
        return
    result = context.runner([tool] + list(other.argv[1:]))
    # Whatever it exits with: one that manages nothing here often ends with an error.
    found = [line.strip() for line in result.out.splitlines() if names_disk(line, device)]
    if found:
        raise Refused('%s is used by something else.' % device, object=device, found=found[0], needed=NEEDED, look=' '.join(other.argv))
    if proof and not has_answered(result, other):
        raise CommandFailed(result, 'It is not proved that nobody uses %s: %s gives no answer.' % (device, other.argv[0]), object=device,
                            found='killed at its limit' if result.rc is None else 'exit code %s' % result.rc,
                            needed='its list of disks, or that it manages none', look=' '.join(other.argv),
                            remedy='repair what it asks, or remove the command where nothing here belongs to it')


def has_answered(result, other):
    """Whether the command has listed its disks, or has said that it has none."""
    told = other.nothing and re.search(other.nothing, result.out + result.err)
    return result.rc == 0 or result.rc is not None and bool(told)


def refuse_listed(device, path, words):
    """Refused if a table of Linux names the disk."""
    try:
        with open(path) as table:
            found = [line.strip() for line in table if names_disk(line, device)]
    except (IOError, OSError):
        # No Linux.
        return
    if found:
        raise Refused('%s %s.' % (device, words), object=device, found='%s in %s' % (found[0], path), needed=NEEDED, look='cat ' + path)


def refuse_held(device):
    """Refused if the system itself holds the disk: a device on top of it (Linux), or whoever has it for himself."""
    directory = os.path.join(SYS_BLOCK, device)
    for holders in glob.glob(os.path.join(directory, 'holders')) + glob.glob(os.path.join(directory, device + '*', 'holders')):
        found = sorted(os.listdir(holders))
        if found:
            raise Refused('%s is used by another device.' % device, object=device, found=', '.join(found), needed=NEEDED,
                          look='ls ' + holders)
    for path in special_files(device):
        if is_held(path):
            raise Refused('%s is in use.' % path, object=device, found='it cannot be opened exclusively', needed=NEEDED,
                          look='fuser %s; lsblk or prtvtoc' % path)


def special_files(device):
    """Those of a disk whose exclusive opening tells whether it is in use: the disk on Linux, every slice on Solaris."""
    block = os.path.join(DEV, device)
    slices = re.compile(r'^%s(s[0-9]+|p[0-9]+|[a-p])\Z' % re.escape(device))
    raw = os.path.join(DEV, 'rdsk')
    names = sorted(name for name in os.listdir(raw) if slices.match(name)) if os.path.isdir(raw) else []
    return [path for path, kind in [(block, stat.S_ISBLK)] + [(os.path.join(raw, name), stat.S_ISCHR) for name in names]
            if os.path.exists(path) and kind(os.stat(path).st_mode)]


def is_held(path):
    """Whether somebody has the special file open for himself. Nothing is read or written. An open that fails otherwise tells nothing."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False
