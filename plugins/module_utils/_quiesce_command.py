# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding an application still with a pair of commands of the user's own."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn


class CommandPair:
    """before holds the application still and may outlive its process; after lets it go on and may run twice."""

    level = 'application'
    proved = True

    def __init__(self, number, entry, members, directory, run):
        self.key = 'command %d' % number
        self.before = entry['before'] or []
        self.after = entry['after'] or []
        self.limit = entry['limit']

    def commands(self):
        return [], [self.before], [self.after]

    def check(self, runner):
        for name, argv in (('before', self.before), ('after', self.after)):
            if not argv or not os.path.isabs(argv[0]) or not os.access(argv[0], os.X_OK):
                raise Refused('Driver command needs in %s a command that can be run.' % name, object=self.key,
                              found=argv[0] if argv else 'nothing', needed='the absolute path of an executable, then its arguments')

    def begin(self, runner):
        return None

    def flush(self, runner):
        return None

    def enter(self, lease):
        lease.must('before', self.before, hold=self.key, limit=self.limit)

    def proves(self, lease):
        return None

    def leave(self, lease):
        result = lease.do('after', self.after, limit=self.limit)
        if result.rc != 0:
            raise Torn('The application could not be let go.', object=self.key, found='exit code %s of %s' % (result.rc, self.after[0]),
                       vendor=result.err or result.out)
        lease.free(self.key)

    def undo(self, run):
        return run(self.after, self.limit).rc == 0

    def end(self, runner):
        return []

    def facts(self):
        return {'driver': 'command', 'before': self.before, 'after': self.after}

    def cancel(self):
        return None
