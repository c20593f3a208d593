# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeping an Oracle database in backup mode over the cut (Backup and Recovery User's Guide, "Making User-Managed Database Backups").

Backup mode blocks nobody, but it outlives its session, and an instance that stops in it does not start again by itself. So a
watchdog of its own ends it from the statement that begins it on, and the run record says so too. Whose backup mode it is,
is told by the change in which it began.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _process
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Result, Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._lease import Lease
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_oracle_log import Archive
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_oracle_server import (
    ACTIVE, ARCHIVELOG, OPEN, PRIMARY, READ_WRITE, SUSPENDED, Server)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import refuse_outside

BEGIN, END = 'ALTER DATABASE BEGIN BACKUP', 'ALTER DATABASE END BACKUP'
SUSPEND, RESUME = 'ALTER SYSTEM SUSPEND', 'ALTER SYSTEM RESUME'
LOOK = "SELECT * FROM v$backup WHERE status = 'ACTIVE'"
# Nobody waits for the end of backup mode; it only has to come some day.
LONGEST = 3600
UNDO_LIMIT = 10
END_LIMIT = 300


class Oracle:
    """One database whose data files lie on the volumes that are cut."""

    level = 'application'
    # What recovery needs is stored or proved to be archived; otherwise the backup fails.
    proved = True

    def __init__(self, number, entry, members, directory, run):
        self.key = 'oracle %d' % number
        self.entry = entry
        self.members = members
        self.tag = 'snapbackup:' + run
        self.archive = Archive(entry, members, os.path.join(directory, 'recovery', 'oracle-%d' % number), run)
        self.report = os.path.join(directory, 'oracle-%d.json' % number)
        # Of the session, and of its own watchdog while backup mode lasts.
        self.server = self.client = self.guard = None
        # Whether backup mode may be on because of this run, the last change before that, and {number: change} of the files in it.
        self.holds = False
        self.before, self.since = None, None
        # What every file said when backup mode had begun.
        self.files = None
        self.start = self.stop = None
        self.database = None

    def argv(self, statement):
        """A statement, as it is said to the client program."""
        return [self.entry['client'] or os.path.join(self.entry['home'], 'bin', 'sqlplus'), statement]

    def commands(self):
        suspend = [[self.argv(SUSPEND)], [self.argv(RESUME)]] if self.entry['suspend'] else [[], []]
        after = [self.argv(statement) for statement in [END] + self.archive.statements()]
        return [self.argv(BEGIN)], suspend[0], suspend[1], after

    def check(self, runner):
        self.archive.check()
        server = Server(self.entry)
        try:
            self.refuse_unfit(server)
            files = server.files()
            self.refuse_held(files)
            self.before = server.change()
        finally:
            server.session.close()
        refuse_outside(self.members, [found.name for found in files], 'database')

    def refuse_unfit(self, server):
        name = self.entry['sid']
        if server.idle:
            raise Refused('The instance %s is not started.' % name, object=name, found='an idle instance', needed='an open database')
        status, suspended, host = server.instance()
        if host.split('.')[0] != os.uname()[1].split('.')[0]:
            raise Refused('The instance %s runs on another host.' % name, object=name, found=host, needed=os.uname()[1])
        if status != OPEN or suspended != ACTIVE:
            raise Refused('The instance %s cannot be put into backup mode.' % name, object=name, found='%s, %s' % (status, suspended),
                          needed='%s, %s' % (OPEN, ACTIVE), look='SELECT status, database_status FROM v$instance')
        self.database = dict(zip(('log_mode', 'open_mode', 'role', 'name', 'dbid'), server.database()))
        for key, needed in (('log_mode', ARCHIVELOG), ('role', PRIMARY), ('open_mode', READ_WRITE)):
            if self.database[key] != needed:
                raise Refused('Database %s cannot be put into backup mode.' % self.database['name'], object=name, found=self.database[key],
                              needed=needed, look='SELECT log_mode, database_role, open_mode FROM v$database')

    def refuse_held(self, files):
        held = [found.number for found in files if found.backup == ACTIVE]
        if held:
            raise Refused('The database is in backup mode already, by somebody else.', object=self.entry['sid'],
                          found='file %s ACTIVE' % held[0], needed='NOT ACTIVE', look=LOOK,
                          remedy='find out whose backup runs; ALTER DATABASE END BACKUP ends it')
        broken = [found for found in files if found.status in ('RECOVER', 'SYSOFF')]
        if broken:
            raise Refused('A data file needs recovery, so no copy of it is whole.', object=broken[0].name, found=broken[0].status,
                          needed='ONLINE or OFFLINE', look='SELECT name, status FROM v$datafile')

    def begin(self, runner):
        self.server = Server(self.entry)
        self.client = self.server.session.identity()
        self.server.mark(self.tag)
        self.refuse_unfit(self.server)
        self.refuse_held(self.server.files())
        self.before = self.server.change()
        self.guard = Lease(LONGEST, {self.key: self.undo}, self.report)
        self.guard.__enter__()
        self.holds = True
        self.guard.hold(self.key)
        self.step(self.server, runner, BEGIN)
        self.files = self.server.files()
        self.since = dict((found.number, found.since) for found in self.files if found.backup == ACTIVE)
        # A file that nobody writes to (read only, of a closed pluggable database) is whole without backup mode.
        loose = [found.name for found in self.files if found.backup != ACTIVE and found.fuzzy != 'NO' and found.status != 'OFFLINE']
        if loose or not self.since:
            raise Torn('%s was said and accepted, but the database is not in backup mode.' % BEGIN, object=self.entry['sid'],
                       found='%s not ACTIVE' % (loose[0] if loose else 'all files'), needed=ACTIVE, look=LOOK)
        self.start = min(self.since.values())

    def flush(self, runner):
        return None

    def enter(self, lease):
        if self.entry['suspend']:
            lease.hold(self.key)
            lease.timed('before', self.argv(SUSPEND), self.server.say, SUSPEND)
            self.expect(SUSPENDED)

    def proves(self, lease):
        """The instance is not asked while the file systems are locked: to answer it may have to write, for example an audit file."""
        return None

    def leave(self, lease):
        if self.entry['suspend']:
            self.expect(SUSPENDED)
            lease.timed('after', self.argv(RESUME), self.server.say, RESUME)
            self.expect(ACTIVE)
            lease.free(self.key)

    def expect(self, needed):
        found = self.server.instance()[1]
        if found != needed:
            raise Torn('The database was not suspended over the cut and only over that.', object=self.entry['sid'], found=found,
                       needed=needed, look='SELECT database_status FROM v$instance')

    def end(self, runner):
        """Leave backup mode; what recovery needs is stored with the run, or proved to be archived."""
        if self.server.files() != self.files:
            raise Torn('The database was not in this backup mode all through the window.', object=self.entry['sid'],
                       needed='every file as it was at change %d' % self.start, look=LOOK)
        self.step(self.server, runner, END)
        if [found for found in self.server.files() if found.backup == ACTIVE]:
            raise Torn('%s was said and accepted, but the database is in backup mode.' % END, object=self.entry['sid'], look=LOOK)
        self.stand_down()
        self.stop = self.server.change()
        found = self.archive.save(self.server, lambda statement: self.step(self.server, runner, statement, END_LIMIT), self.files,
                                  self.start, self.stop)
        self.cancel()
        return [found]

    def step(self, server, runner, statement, limit=None):
        """Say a state-changing statement, and enter it in the account."""
        started = _platform.monotonic()
        server.say(statement, limit)
        runner.account(Result(self.argv(statement), 0, '', '', _platform.monotonic() - started, started))

    def stand_down(self):
        guard, self.guard, self.holds = self.guard, None, False
        guard.free(self.key)
        guard.__exit__(None, None, None)

    def cancel(self):
        if self.server:
            self.server.session.close()
            self.server = None
        guard, self.guard = self.guard, None
        if guard:
            try:
                guard.__exit__(None, None, None)
                self.holds = False
            except Refused:
                # The run record keeps its entry, and the watchdog goes on trying.
                self.holds = True

    def facts(self):
        return dict(self.archive.facts(), driver='oracle', database=self.database['name'], dbid=self.database['dbid'],
                    sid=self.entry['sid'], start=self.start, stop=self.stop, suspended=bool(self.entry['suspend']))

    # What a dead module leaves behind.

    def lasting(self):
        """The undo entry of the run record."""
        return {'id': 'quiesce:oracle:' + self.entry['sid'], 'action': 'released', 'driver': 'oracle', 'options': self.entry,
                'before': self.before, 'since': sorted((self.since or {}).items())}

    def remember(self, entry):
        """Know what an undo entry says."""
        self.before, self.since = entry['before'], dict(entry['since']) or None

    def undo(self, run):
        """End the client, and then what it has begun. run is for commands, and there is none here."""
        if self.client and not _process.kill(self.client, wait=UNDO_LIMIT, group=True):
            return False
        return self.release(Runner())

    def to_release(self, runner):
        """The argument lists that would take back what this run holds; none if it holds nothing."""
        server = Server(dict(self.entry, limit=UNDO_LIMIT))
        try:
            return [self.argv(statement) for statement in self.left(server)]
        finally:
            server.session.close()

    def release(self, runner):
        """Take back what this run holds; whether that is gone, and nobody left who could bring it back."""
        server = Server(dict(self.entry, limit=UNDO_LIMIT))
        try:
            left = self.left(server)
            while left:
                self.step(server, runner, left[0])
                now = self.left(server)
                if now[:1] == left[:1]:
                    return False
                left = now
            self.archive.tidy()
            return self.gone(server)
        finally:
            server.session.close()

    def gone(self, server):
        """Whether the session that began it has ended; it may take the server a moment to see that its client has."""
        until = _platform.monotonic() + 1
        while server.sessions(self.tag):
            if _platform.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def left(self, server):
        """The statements that take back what this run holds."""
        if server.idle or server.instance()[0] == 'STARTED':
            raise Refused('The database is not mounted, so its backup mode can be neither seen nor ended.', object=self.entry['sid'],
                          needed='a mounted database', remedy='STARTUP MOUNT, then run the playbook volmgr.snapbackup.recover')
        if server.instance()[1] == SUSPENDED:
            if not self.entry['suspend']:
                raise Refused('The database is suspended by somebody else.', object=self.entry['sid'], found=SUSPENDED,
                              look='SELECT database_status FROM v$instance', remedy=RESUME + ', then recover')
            # The files cannot be asked before that: this reads their headers.
            return [RESUME, END]
        held = [found for found in server.files() if found.backup == ACTIVE]
        mine = [found for found in held if self.is_mine(found)]
        if mine and len(mine) != len(held):
            raise Refused('Only part of the backup mode is of this run.', object=self.entry['sid'], look=LOOK,
                          remedy='end that of %s by hand' % mine[0].name)
        return [END] if mine else []

    def is_mine(self, found):
        """Whether a file that is ACTIVE is so because of this run."""
        if self.since is None:
            return found.since >= self.before
        return self.since.get(found.number) == found.since
