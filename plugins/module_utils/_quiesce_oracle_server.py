# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A session with an Oracle instance, and what it says of itself: its state, its files, its archived logs (Oracle Database Reference)."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import DONE, Session

PRODUCT = 'Oracle'
MARK = 'snapbackup'
USER = 'oracle'
SID = re.compile(r'^[A-Za-z][A-Za-z0-9_]{0,29}\Z')
SERVICE = re.compile(r'^[A-Za-z][A-Za-z0-9_.-]{0,127}\Z')
IDLE = 'Connected to an idle instance.'
ERROR = re.compile(r'^(ORA|SP2|TNS)-[0-9]+', re.MULTILINE)
# What SQL*Plus says of a statement that worked, where a profile of the site has turned that on again.
WORKED = ('Database altered.', 'System altered.')
FIRST = ('WHENEVER OSERROR EXIT FAILURE', 'WHENEVER SQLERROR EXIT FAILURE')
# After the connection, which runs the profile of the site.
SETTINGS = ('SET ECHO OFF FEEDBACK OFF HEADING OFF PAGESIZE 0 NEWPAGE NONE VERIFY OFF TIMING OFF SERVEROUTPUT OFF',
            'SET LINESIZE 32767 TRIMOUT ON TAB OFF DEFINE OFF')

ACTIVE, NOT_ACTIVE = 'ACTIVE', 'NOT ACTIVE'
OPEN, SUSPENDED = 'OPEN', 'SUSPENDED'
ARCHIVELOG, READ_WRITE, PRIMARY = 'ARCHIVELOG', 'READ WRITE', 'PRIMARY'
# Every word that the reference has for a column.
WORDS = {
    'v$instance.status': ('STARTED', 'MOUNTED', OPEN, 'OPEN MIGRATE'),
    'v$instance.database_status': (ACTIVE, SUSPENDED, 'INSTANCE RECOVERY'),
    'v$database.log_mode': (ARCHIVELOG, 'NOARCHIVELOG', 'MANUAL'),
    'v$database.open_mode': (READ_WRITE, 'MOUNTED', 'READ ONLY', 'READ ONLY WITH APPLY'),
    'v$database.database_role': (PRIMARY, 'PHYSICAL STANDBY', 'LOGICAL STANDBY', 'SNAPSHOT STANDBY', 'FAR SYNC', 'TRUE CACHE'),
    'v$datafile.status': ('SYSTEM', 'ONLINE', 'OFFLINE', 'SYSOFF', 'RECOVER'),
    'v$backup.status': (ACTIVE, NOT_ACTIVE, 'OFFLINE NORMAL'),
    'v$datafile_header.fuzzy': ('YES', 'NO', '-'),
    'v$thread.status': ('OPEN', 'CLOSED'),
    'v$archived_log.archived': ('YES', 'NO'),
    'v$archived_log.status': ('A', 'D', 'U', 'X'),
}

# backup: whether it is in backup mode, since which change. checkpoint: the change up to which its header says that it is whole.
File = collections.namedtuple('File', 'number status backup since fuzzy checkpoint name')
# first, next: the changes it begins and ends with.
Log = collections.namedtuple('Log', 'thread sequence first next bytes archived status name')


class Server:
    """A session with the instance that entry (of option quiesce) names. Every question may raise Refused and then ends the session."""

    def __init__(self, entry):
        for name, pattern in (('sid', SID), ('service', SERVICE)):
            if entry[name] and not pattern.match(entry[name]):
                raise Refused('%r is no name for option %s.' % (entry[name], name), object=name, needed='letters, digits and underscores')
        self.limit = max(1, entry['limit'])
        self.client = entry['client'] or os.path.join(entry['home'], 'bin', 'sqlplus')
        # The account is in nobody's argument list: it is the operating system's, or that of a wallet.
        self.session = Session(PRODUCT, [self.client, '-S', '/nolog'], entry['user'] or USER, 'PROMPT ' + DONE, DONE + '\n', {
            'ORACLE_SID': entry['sid'], 'ORACLE_HOME': entry['home'], 'LD_LIBRARY_PATH': os.path.join(entry['home'], 'lib'),
            'NLS_LANG': 'AMERICAN_AMERICA.AL32UTF8',
            # These would lead to another database, or run what lies there.
            'TWO_TASK': None, 'LOCAL': None, 'SQLPATH': None, 'ORACLE_PATH': None})
        for statement in FIRST:
            self.say(statement)
        self.idle = self.connect('/@' + entry['service'] if entry['service'] else '/')
        for statement in SETTINGS:
            self.say(statement)

    def connect(self, account):
        """Connect; whether the instance is not started."""
        said = '\n'.join(self.session.ask('CONNECT %s AS SYSDBA' % account, self.limit))
        if ERROR.search(said):
            self.session.close()
            raise Refused('The instance cannot be connected to.', object=PRODUCT, vendor=said, look='the same connection in sqlplus',
                          remedy='the user must be in the group of SYSDBA, or its wallet have the account')
        return IDLE in said

    def say(self, statement, limit=None):
        """Carry out a statement that answers nothing."""
        said = [line for line in self.lines(statement, limit) if line not in WORKED]
        if said:
            raise self.unknown('%s has an answer that is not known.' % statement, '\n'.join(said))

    def rows(self, columns, source, *words):
        """The answer to a query, as tuples of text. columns: expressions. words: for each, the key of WORDS it must be in, or None."""
        parts = ["NVL(TO_CHAR(%s), '-')" % column for column in columns]
        query = "SELECT '%s|' || %s FROM %s" % (MARK, " || '|' || ".join(parts), source)
        found = []
        for line in self.lines(query):
            fields = tuple(line.split('|', len(columns)))
            if fields[0] != MARK or len(fields) != len(columns) + 1:
                raise self.unknown('The client prints its answers in an unknown form.', line)
            for key, field in zip(words, fields[1:]):
                if key and field not in WORDS[key]:
                    raise self.unknown('%s has a word that is not known.' % key, field)
            found.append(fields[1:])
        return found

    def lines(self, statement, limit=None):
        return [line for line in (line.strip() for line in self.session.ask(statement, limit or self.limit)) if line]

    def unknown(self, message, said):
        self.session.close()
        return UnknownWord(message, object=PRODUCT, vendor=said, look='the same question in sqlplus')

    def row(self, *question):
        found = self.rows(*question)
        if len(found) != 1:
            raise self.unknown('One row was expected of %s.' % question[1], '%d rows' % len(found))
        return found[0]

    # What is the case.

    def instance(self):
        """(status, database_status, host_name). It can be asked while the database is suspended."""
        return self.row(['status', 'database_status', 'host_name'], 'v$instance', 'v$instance.status', 'v$instance.database_status')

    def database(self):
        """(log_mode, open_mode, database_role, name, dbid)."""
        return self.row(['log_mode', 'open_mode', 'database_role', 'name', 'dbid'], 'v$database',
                        'v$database.log_mode', 'v$database.open_mode', 'v$database.database_role')

    def change(self):
        """The number of the last change."""
        return int(self.row(['current_scn'], 'v$database')[0])

    def files(self):
        """Every data file, as [File], the first one first."""
        rows = self.rows(['d.file#', 'd.status', 'b.status', 'NVL(b.change#, 0)', 'h.fuzzy', 'NVL(h.checkpoint_change#, 0)', 'd.name'],
                         'v$datafile d, v$backup b, v$datafile_header h WHERE b.file#(+) = d.file# AND h.file#(+) = d.file#',
                         None, 'v$datafile.status', 'v$backup.status', None, 'v$datafile_header.fuzzy')
        return sorted(File(int(row[0]), row[1], row[2], int(row[3]), row[4], int(row[5]), row[6]) for row in rows)

    def threads(self):
        """The numbers of the threads of redo that are written to now."""
        return [int(row[0]) for row in self.rows(['thread#', 'status'], "v$thread WHERE enabled <> 'DISABLED'", None, 'v$thread.status')
                if row[1] == OPEN]

    def logs(self, first, last):
        """What the database knows of archived logs with the changes from first to last, as [Log], in their order."""
        rows = self.rows(['thread#', 'sequence#', 'first_change#', 'next_change#', 'blocks * block_size', 'archived', 'status', 'name'],
                         "v$archived_log WHERE next_change# > %d AND first_change# <= %d AND standby_dest = 'NO' AND resetlogs_change# = "
                         '(SELECT resetlogs_change# FROM v$database) ORDER BY thread#, sequence#' % (first, last),
                         None, None, None, None, None, 'v$archived_log.archived', 'v$archived_log.status')
        return [Log(*([int(field) for field in row[:5]] + list(row[5:]))) for row in rows]

    # Whose session it is.

    def mark(self, tag):
        """Tell every other session whose session this is. Not while the database is suspended: this may have to read."""
        self.say("EXECUTE DBMS_APPLICATION_INFO.SET_CLIENT_INFO('%s')" % tag)

    def sessions(self, tag):
        """How many sessions are marked so; one whose client has gone may still carry out what it was told."""
        return int(self.row(['COUNT(*)'], "v$session WHERE client_info = '%s'" % tag)[0])
