# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding a MariaDB or MySQL server still over the cut, by a lock that lives and dies with a session.

MariaDB from 10.4.1 has a lock made for snapshots: it holds back commits and writes to tables without transactions, and
waits for no query that only reads (MariaDB manual, "Storage Snapshots and BACKUP STAGE Commands"). Every other server
has FLUSH TABLES WITH READ LOCK (MySQL manual, "FLUSH Statement"). Neither stops what InnoDB writes by itself; that is
what the locks on the file systems are for, which come after this one and go before it.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_mysql_server import ALIKE, Server
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import refuse_outside

STAGES = (10, 4, 1)
# The client's words when no server listens: ENOENT, ECONNREFUSED of Linux and of Solaris. A full queue is another number.
NO_SERVER = re.compile(r'^ERROR 200[23] .*\((2|111|146)[ )]', re.MULTILINE)
LOCK_WAIT = 'ERROR 1205'
UNDO_LIMIT = 10
# How long the server may take to notice by itself that its client has gone.
NOTICE = 1.0
# The server's own limit on waiting comes first: it says what it waited for.
GRACE = 2


class MySQL:
    """One server whose files lie on the volumes that are cut."""

    level = 'application'
    proved = True
    rests_on_locks = True

    def __init__(self, number, entry, members, directory, run):
        self.key = 'mysql %d' % number
        self.entry = entry
        self.members = members
        self.tag = 'snapbackup:' + run
        # Of the session: what it says to lock and to let go, its process, and what it was told.
        self.server = None
        self.locking, self.unlocking = [], None
        self.client = None
        self.position = None
        self.settings = {}

    def commands(self):
        """The statements, as they are said to the client program. Known after check()."""
        return [], self.locking, [self.unlocking]

    def connect(self):
        server = Server(self.entry)
        if server.mariadb and server.version >= STAGES:
            locking, unlocking = ['BACKUP STAGE START', 'BACKUP STAGE BLOCK_COMMIT'], 'BACKUP STAGE END'
        else:
            locking, unlocking = ['FLUSH TABLES WITH READ LOCK'], 'UNLOCK TABLES'
        self.locking = [[server.client, statement] for statement in locking]
        self.unlocking = [server.client, unlocking]
        self.settings = dict((name, server.settings[name]) for name in ALIKE if name in server.settings)
        return server

    def check(self, runner):
        server = self.connect()
        try:
            refuse_outside(self.members, server.places(), 'database')
            # What is asked inside the window must be allowed.
            server.position()
        finally:
            server.session.close()

    def begin(self, runner):
        self.server = self.connect()
        self.client = self.server.session.identity()
        self.server.mark(self.tag)

    def flush(self, runner):
        return None

    def enter(self, lease):
        lease.hold(self.key)
        until = monotonic() + self.entry['limit'] + GRACE
        try:
            for argv in self.locking:
                lease.timed('before', argv, self.server.rows, argv[1], max(1, until - monotonic()))
        except Refused as error:
            raise self.not_locked(error)
        if self.server.temporary_tables():
            raise Refused('Replication has temporary tables open, and they are in no copy.', object=self.key,
                          look="SHOW GLOBAL STATUS LIKE '%open_temp_tables'", remedy='run again when they are closed')
        self.position = self.server.position()

    def not_locked(self, error):
        """What to raise when the lock was not granted. If it was waited for in vain: with what may have been in its way."""
        vendor = error.facts.get('vendor') or error.message
        if 'ERROR ' in vendor and LOCK_WAIT not in vendor:
            return error
        try:
            server = Server(self.entry)
            working = server.working()
            server.session.close()
        except Refused as second:
            working = ['unknown (%s)' % second.message]
        return Refused('The database could not be held still within %d s.' % self.entry['limit'], object=self.key,
                       found='at work: %s' % ('; '.join(working) or 'no statement, so perhaps a session with LOCK TABLES'),
                       vendor=vendor, look='SHOW FULL PROCESSLIST', remedy='run when these have ended, or raise limit')

    def proves(self, lease):
        """The server is not asked while the file systems are locked: to answer it may have to write, for example into its log."""
        if not self.server.session.alive():
            raise Torn('The session that held the database still ended inside the freeze window.', object=self.key)

    def leave(self, lease):
        """Prove that it was this session all the time and that nothing was committed, then let go."""
        if not self.server.is_marked(self.tag):
            raise Torn('The session that held the database still is not the one that locked it.', object=self.key)
        now = self.server.position()
        if now['binlog'] != self.position['binlog']:
            raise Torn('The database was written to inside the freeze window.', object=self.key, found='binary log at %r' % now['binlog'],
                       needed='still at %r' % self.position['binlog'])
        lease.timed('after', self.unlocking, self.server.rows, self.unlocking[1], self.entry['limit'])
        lease.free(self.key)

    def undo(self, run):
        """End the client, and then the session, which a server that is just waiting for something does not notice to be alone."""
        if not _process.kill(self.client, wait=UNDO_LIMIT, group=True):
            return False
        try:
            server = Server(dict(self.entry, limit=UNDO_LIMIT))
        except Refused as error:
            return bool(NO_SERVER.search(error.facts.get('vendor') or ''))
        try:
            return self.ended(server)
        finally:
            server.session.close()

    def ended(self, server):
        """Whether the session that held the lock has gone; one that has not is told to."""
        until = monotonic() + NOTICE
        owner = server.owner(self.tag)
        while owner and monotonic() < until:
            time.sleep(0.02)
            owner = server.owner(self.tag)
        if owner:
            server.rows('KILL %d' % int(owner))
        return not owner

    def cancel(self):
        if self.server:
            self.server.session.close()
            self.server = None

    def facts(self):
        return dict(self.position, driver='mysql', lock=self.locking[-1][1], settings=self.settings)

    def end(self, runner):
        """Nothing is needed beside the volumes: the server recovers from its own logs."""
        self.cancel()
        return []
