# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding a Linux file system still: fsfreeze(8).

A freeze has neither an owner nor a status: that the thaw succeeds is the only proof that it held.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn

FREEZABLE = ('ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'jfs', 'reiserfs', 'gfs2', 'vxfs', 'sfxfs')
NOT_FROZEN = 'Invalid argument'
FLUSH_LIMIT = 300


class FsFreeze:
    """A freeze of one mount point."""

    level = 'filesystem'

    def __init__(self, path):
        self.path = path
        self.key = 'fsfreeze ' + path
        self.fsfreeze = _platform.need('fsfreeze')
        self.sync = _platform.need('sync')

    def commands(self):
        # Option -f of sync (this file system only) came with coreutils 8.24.
        return [[self.sync, '-f', self.path]], [[self.fsfreeze, '--freeze', self.path]], [[self.fsfreeze, '--unfreeze', self.path]]

    def check(self, runner):
        mount = _platform.mount_at(self.path)
        if mount is None or mount.fstype not in FREEZABLE:
            raise Refused('%s is not the mount point of a file system that can be frozen.' % self.path, object=self.path,
                          found=mount.fstype if mount else 'nothing mounted there', needed='one of %s' % ', '.join(FREEZABLE), look='mount')

    def begin(self, runner):
        return None

    def flush(self, runner):
        if runner.change(self.commands()[0][0], timeout=FLUSH_LIMIT).rc == 0:
            return
        result = runner.change([self.sync], timeout=FLUSH_LIMIT)
        if result.rc != 0:
            raise CommandFailed(result, object=self.path, remedy='see what hangs on the file system; nothing was frozen')

    def enter(self, lease):
        result = lease.do('lock', self.commands()[1][0], hold=self.key)
        if result.rc and result.rc > 0:
            # Refused by the kernel: a freeze that is there is somebody else's and must not be thawed. One that a signal has
            # ended may have frozen all the same, so it stays held.
            lease.free(self.key)
        if result.rc != 0:
            raise Torn('%s could not be frozen.' % self.path, object=self.path, vendor=result.err)

    def proves(self, lease):
        return None

    def leave(self, lease):
        result = lease.do('unlock', self.commands()[2][0])
        if result.rc and NOT_FROZEN in result.err:
            lease.free(self.key)
        if result.rc != 0:
            raise Torn('%s was not frozen until the end of the window.' % self.path, object=self.path, vendor=result.err)
        lease.free(self.key)

    def undo(self, run):
        if _platform.mount_at(self.path) is None:
            return True
        return self.released(run(self.commands()[2][0]))

    def released(self, result):
        """Whether the result of a thaw says that the file system is not frozen any more; there is no other way to know."""
        return result.rc == 0 or bool(result.rc) and NOT_FROZEN in result.err

    def end(self, runner):
        return []

    def cancel(self):
        return None
