# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding UFS file systems still with a write lock: lockfs(1M).

The lock belongs to the file system, not to a process, and a second lockfs -w succeeds, so only the comment tells
whose lock it is. All file systems are locked by one command.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn, UnknownWord

TYPES = ('unlock', 'write', 'name', 'delete', 'hard', 'error')
FLUSH_LIMIT = 300


def parse_status(output, paths):
    """The rows of lockfs PATH... as {path: (type, comment)}.

    A type in parentheses is being set. UnknownWord if a path has no row or a type is not documented.
    """
    found = {}
    lines = output.splitlines()
    for path in paths:
        rows = [line[len(path):].split(None, 1) for line in lines if line.startswith(path + ' ')]
        if len(rows) != 1 or not rows[0]:
            raise UnknownWord('lockfs does not say how %s is locked.' % path, object=path, vendor=output, look='lockfs %s' % path)
        kind = rows[0][0]
        if kind.strip('()') not in TYPES:
            raise UnknownWord('lockfs names a lock type that is not documented: %s.' % kind, object=path, vendor=output)
        found[path] = (kind, rows[0][1].strip() if len(rows[0]) > 1 else '')
    return found


class UfsLock:
    """Write locks on UFS mount points, marked with the run's tag."""

    level = 'filesystem'

    def __init__(self, paths, tag):
        self.paths = list(paths)
        self.tag = tag
        self.key = 'lockfs ' + ' '.join(self.paths)
        self.lockfs = _platform.need('lockfs')

    def commands(self):
        flush, lock, unlock = ['-f'], ['-w', '-c', self.tag], ['-u']
        return tuple([[self.lockfs] + flags + self.paths] for flags in (flush, lock, unlock))

    def look(self):
        return [self.lockfs] + self.paths

    def check(self, runner):
        for path in self.paths:
            mount = _platform.mount_at(path)
            if mount is None or mount.fstype != 'ufs':
                raise Refused('%s is not the mount point of a UFS, so lockfs would lock something else.' % path, object=path,
                              found=mount.fstype if mount else 'nothing mounted there', needed='ufs', look='mount')
        # An exit code of 2 can mean that an earlier lock was broken, so the rows count, not the code.
        for path, (kind, comment) in sorted(parse_status(runner(self.look()).out, self.paths).items()):
            if kind != 'unlock':
                raise Refused('%s is locked already.' % path, object=path, found='%s lock, comment %r' % (kind, comment), needed='unlock',
                              look='lockfs %s' % path, remedy='find out whose lock it is; lockfs -u %s removes it' % path)

    def begin(self, runner):
        return None

    def flush(self, runner):
        result = runner.change(self.commands()[0][0], timeout=FLUSH_LIMIT)
        if result.rc != 0:
            raise CommandFailed(result, object=' '.join(self.paths), remedy='see what hangs on the file system; nothing was locked')

    def enter(self, lease):
        # A lock that came since check() is somebody else's; -w would take it over and -u would end it.
        for path, (kind, comment) in sorted(parse_status(lease.look(self.look()).out, self.paths).items()):
            if kind != 'unlock':
                raise Torn('%s was locked by somebody else in the meantime.' % path, object=path,
                           found='%s lock, comment %r' % (kind, comment), needed='unlock', look='lockfs %s' % path)
        lease.must('lock', self.commands()[1][0], hold=self.key)
        self.proves(lease)

    def proves(self, lease):
        for path, lock in sorted(parse_status(lease.look(self.look()).out, self.paths).items()):
            if lock != ('write', self.tag):
                raise Torn('%s was not write-locked by this run all through the window.' % path, object=path,
                           found='%s lock, comment %r' % lock, needed='write lock, comment %r' % self.tag, look='lockfs %s' % path)

    def leave(self, lease):
        # Exit code 2 of an unlock that worked says that the file system was written to while it was locked.
        result = lease.do('unlock', self.commands()[2][0])
        rows = parse_status(lease.look(self.look()).out, self.paths)
        still = sorted(path for path in self.paths if rows[path][0] != 'unlock')
        if still:
            raise Torn('%s could not be unlocked.' % ', '.join(still), object=', '.join(still), found=rows[still[0]][0], needed='unlock',
                       vendor=result.err or result.out, look='lockfs %s' % still[0], remedy='lockfs -u %s' % still[0])
        lease.free(self.key)
        if result.rc != 0:
            raise Torn('%s was written to while it was locked.' % ', '.join(self.paths), object=', '.join(self.paths),
                       vendor=result.err or result.out)

    def undo(self, run):
        # One by one: what cannot be asked for (EIO after a forced unmount) must not keep the others locked.
        held = [path for path in self.paths if not self._undo_one(run, path)]
        return not held

    def _undo_one(self, run, path):
        try:
            if self._mine(run, path):
                run([self.lockfs, '-u', path])
            return not self._mine(run, path)
        except UnknownWord:
            mount = _platform.mount_at(path)
            return mount is None or mount.fstype != 'ufs'

    def released(self, result):
        """Nothing is concluded from the result of an unlock, since lockfs shows the lock itself."""
        return True

    def _mine(self, run, path):
        """Whether path carries this run's lock, or one that is just being set."""
        kind, comment = parse_status(run([self.lockfs, path]).out, [path])[path]
        return kind != 'unlock' and comment == self.tag

    def end(self, runner):
        return []

    def cancel(self):
        return None
