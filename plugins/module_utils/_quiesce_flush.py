# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""File systems that no command of the host can hold still: they are written out with sync(1M), and nothing more is claimed.

On Solaris there is lockfs(1M) for UFS alone, and no fsfreeze(8).
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_fsfreeze import FLUSH_LIMIT

# Types of which a copy is good without a lock, once its log is replayed.
TYPES = ('vxfs', 'sfxfs')


def only_flushed(members):
    """The mount points of those of members (of the run record) that nothing on this host can lock."""
    return [] if _platform.find('fsfreeze') else [member['filesystem'] for member in members if member['fstype'] in TYPES]


class Flush:
    """Several mount points. again: applications hold still by the time of enter(), and what they wrote last has to get out, too."""

    level = 'crash'

    def __init__(self, paths, again):
        self.flushed = list(paths)
        self.again = again
        self.key = 'sync ' + ' '.join(self.flushed)
        self.sync = _platform.need('sync')

    def commands(self):
        return [[self.sync]], [[self.sync]] if self.again else [], []

    def check(self, runner):
        return None

    def begin(self, runner):
        return None

    def flush(self, runner):
        result = runner.change([self.sync], timeout=FLUSH_LIMIT)
        if result.rc != 0:
            raise CommandFailed(result, object=' '.join(self.flushed), remedy='see what hangs on the file systems; nothing was locked')

    def enter(self, lease):
        if self.again:
            lease.must('before', [self.sync])

    def proves(self, lease):
        return None

    def leave(self, lease):
        return None

    def undo(self, run):
        return True

    def end(self, runner):
        return []

    def cancel(self):
        return None
