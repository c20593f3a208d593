# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeping a PostgreSQL cluster in backup mode over the cut (PostgreSQL manual, "Making a Non-Exclusive Low-Level Backup").

Backup mode blocks nobody and ends with its session, so a dead module leaves nothing behind. What recovery needs
besides the data directory - the label and the write-ahead log from start to stop - is saved with the run.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import binascii
import os
import re
import shutil

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import (
    DONE, Session, client_program, member_of, refuse_outside)

END_LIMIT = 300
INSTALLED = ('/usr/lib/postgresql/*/bin/psql', '/usr/pgsql-*/bin/psql', '/usr/postgres/*/bin/psql')
SEGMENT = re.compile(r'^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$')
# Functions were renamed with version 15, when the exclusive mode was removed.
START = {True: "SELECT pg_backup_start('%s', true)", False: "SELECT pg_start_backup('%s', true, false)"}
STOP = {True: 'pg_backup_stop(false)', False: 'pg_stop_backup(false, false)'}


def segments(first, last, size):
    """The names of the write-ahead log files from first to last, for files of size bytes (manual, "WAL Internals")."""
    timeline, log, number = SEGMENT.match(first).groups()
    per_log = 0x100000000 // size
    begin = int(log, 16) * per_log + int(number, 16)
    end_log, end_number = SEGMENT.match(last).groups()[1:]
    end = int(end_log, 16) * per_log + int(end_number, 16)
    return ['%s%08X%08X' % (timeline, number // per_log, number % per_log) for number in range(begin, end + 1)]


class PostgreSQL:
    """One cluster whose data directory lies on the volumes that are cut."""

    level = 'application'
    proved = True

    def __init__(self, number, entry, members, directory, run):
        self.key = 'postgresql %d' % number
        self.entry = entry
        self.members = members
        self.directory = os.path.join(directory, 'recovery', 'postgresql-%d' % number)
        self.run = run
        self.session = None
        # Positions in the write-ahead log.
        self.start = self.stop = None

    def commands(self):
        return [], [], []

    def argv(self):
        argv = [client_program(self.entry['client'], ['psql'], INSTALLED), '-X', '-A', '-t', '-q', '-w', '-v', 'ON_ERROR_STOP=1',
                '-p', str(self.entry['port']), '-d', 'postgres']
        return argv + (['-h', self.entry['socket']] if self.entry['socket'] else [])

    def open_session(self):
        """Connect and read what the checks and the end need. One row a line, columns separated by |."""
        session = Session('PostgreSQL', self.argv(), self.entry['user'] or 'postgres', '\\echo ' + DONE, DONE + '\n')
        limit = self.entry['limit']
        self.version = int(session.ask('SHOW server_version_num', limit)[0])
        self.data = os.path.realpath(session.ask('SHOW data_directory', limit)[0])
        self.segment_size = int(session.ask("SELECT setting::bigint * CASE unit WHEN '8kB' THEN 8192 ELSE 1 END "
                                            "FROM pg_settings WHERE name = 'wal_segment_size'", limit)[0])
        self.standby = session.ask('SELECT pg_is_in_recovery()', limit)[0] == 't'
        self.tablespaces = session.ask("SELECT place FROM (SELECT pg_tablespace_location(oid) AS place FROM pg_tablespace) AS found "
                                       "WHERE place <> ''", limit)
        return session

    def check(self, runner):
        self.open_session().close()
        if self.standby:
            raise Refused('The cluster in %s is a standby.' % self.data, object=self.data, found='in recovery', needed='a primary',
                          remedy='back up the primary, or leave the standby out of quiesce for a crash-consistent copy')
        refuse_outside(self.members, [self.data, os.path.realpath(self.log_directory())] + self.tablespaces, 'cluster')

    def log_directory(self):
        return os.path.join(self.data, 'pg_wal' if self.version >= 100000 else 'pg_xlog')

    def begin(self, runner):
        self.session = self.open_session()
        self.start = self.session.ask(START[self.version >= 150000] % ('snapbackup ' + self.run), self.entry['limit'])[0]

    def flush(self, runner):
        return None

    def enter(self, lease):
        return None

    def proves(self, lease):
        """Backup mode lives and dies with the session."""
        if not self.session.alive():
            raise Torn('The PostgreSQL session ended inside the freeze window.', object=self.data)

    def leave(self, lease):
        return None

    def undo(self, run):
        return True

    def cancel(self):
        if self.session:
            self.session.close()
            self.session = None

    def end(self, runner):
        """Leave backup mode and save the label, the tablespace map and the log in the run's directory."""
        hexed = "encode(convert_to(%s, 'UTF8'), 'hex')"
        rows = self.session.ask('SELECT lsn, pg_walfile_name(\'%s\'), pg_walfile_name(lsn), %s, %s FROM %s' % (
            self.start, hexed % 'labelfile', hexed % 'spcmapfile', STOP[self.version >= 150000]), END_LIMIT)
        self.stop, first, last, label, tablespace_map = rows[-1].split('|')
        self.cancel()
        _files.make_private(self.directory)
        files = [self.save('backup_label', binascii.unhexlify(label))]
        if tablespace_map:
            files.append(self.save('tablespace_map', binascii.unhexlify(tablespace_map)))
        files += [self.save_segment(name) for name in segments(first, last, self.segment_size)]
        _files.sync_directory(self.directory)
        member = member_of(self.members, self.data)
        return [{'driver': 'postgresql', 'volume': member['volume'], 'files': files,
                 'directory': os.path.relpath(self.data, os.path.realpath(member['filesystem']))}]

    def facts(self):
        return {'driver': 'postgresql', 'start': self.start, 'stop': self.stop}

    def save(self, name, content):
        path = os.path.join(self.directory, name)
        _files.write(path, content)
        return {'source': path, 'place': name}

    def save_segment(self, name):
        source, path = os.path.join(self.log_directory(), name), os.path.join(self.directory, name)
        try:
            shutil.copyfile(source, path)
        except (IOError, OSError) as error:
            raise Torn('A write-ahead log file between start and stop of the backup cannot be saved, so recovery would stop short.',
                       object=source, vendor=str(error), remedy='raise wal_keep_size, then run again')
        with open(path, 'rb+') as copy:
            os.fsync(copy.fileno())
        return {'source': path, 'place': os.path.join(os.path.basename(self.log_directory()), name)}
