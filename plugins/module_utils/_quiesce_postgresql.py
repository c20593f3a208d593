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
import errno
import fcntl
import glob
import os
import pwd
import re
import select
import shutil
import subprocess

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import environment, kill_group, text
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn

DONE = 'snapbackup-answer-ends-here'
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


class Session:
    """A psql process that answers one statement at a time and ends when its standard input is closed."""

    def __init__(self, argv, user):
        self.process = spawn_as(argv, pwd.getpwnam(user))
        for stream in (self.process.stdin, self.process.stdout):
            fcntl.fcntl(stream, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        self.pending = b''

    def ask(self, statement, limit):
        """The lines of the answer, one row a line, columns separated by |. Refused on an error or after limit seconds."""
        try:
            self.process.stdin.write(('%s;\n\\echo %s\n' % (statement, DONE)).encode('utf-8'))
            self.process.stdin.flush()
        except (IOError, OSError):
            # It has ended. Why, is in its output, which is read below up to its end.
            pass
        until = _platform.monotonic() + limit
        mark = (DONE + '\n').encode('ascii')
        while mark not in self.pending:
            self.read(until, limit)
        answer, self.pending = self.pending.split(mark, 1)
        return text(answer).splitlines()

    def read(self, until, limit):
        left = until - _platform.monotonic()
        if left <= 0:
            raise self.refusal('gave no answer within %d s' % limit)
        try:
            ready = select.select([self.process.stdout], [], [], left)[0]
        except (OSError, select.error) as error:
            if error.args[0] != errno.EINTR:
                raise
            return
        if ready:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise self.refusal('ended')
            self.pending += data

    def refusal(self, what):
        self.close()
        return Refused('The PostgreSQL session %s.' % what, vendor=text(self.pending).strip() or None,
                       look='psql -c "select 1" as the database user')

    def close(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except (IOError, OSError):
                # Closing flushes, and there may be nobody left to flush to.
                continue
        kill_group(self.process)


def spawn_as(argv, account):
    """Start argv as another user (a pwd entry), leading a process group of its own."""
    def become():
        os.setsid()
        if os.geteuid() != account.pw_uid:
            os.initgroups(account.pw_name, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)

    env = environment({'HOME': account.pw_dir, 'USER': account.pw_name, 'LOGNAME': account.pw_name})
    # A session that is talked to while it lives; AnsibleModule.run_command() only waits for an end.
    return subprocess.Popen(argv, env=env, cwd='/', close_fds=True, preexec_fn=become,  # pylint: disable=ansible-bad-function
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class PostgreSQL:
    """One cluster whose data directory lies on the volumes that are cut."""

    level = 'application'

    def __init__(self, number, entry, members, directory, run):
        self.key = 'postgresql %d' % number
        self.entry = entry
        self.members = members
        self.directory = os.path.join(directory, 'recovery', 'postgresql-%d' % number)
        self.run = run
        self.session = None
        self.start = None

    def commands(self):
        return [], [], []

    def argv(self):
        psql = self.entry['psql'] or _platform.find('psql')
        if not psql:
            found = sorted(path for pattern in INSTALLED for path in glob.glob(pattern))
            psql = found[-1] if found else _platform.need('psql')
        argv = [psql, '-X', '-A', '-t', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-p', str(self.entry['port']), '-d', 'postgres']
        return argv + (['-h', self.entry['socket']] if self.entry['socket'] else [])

    def open_session(self):
        """Connect and read what the checks and the end need."""
        try:
            session = Session(self.argv(), self.entry['user'])
        except KeyError:
            raise Refused('There is no user %s to connect as.' % self.entry['user'], object=self.entry['user'],
                          look='id %s' % self.entry['user'])
        except (IOError, OSError) as error:
            raise Refused('psql cannot be started.', object=self.argv()[0], found=error.strerror, needed='the path of psql',
                          remedy='set the option psql')
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
        for path in [self.data, os.path.realpath(self.log_directory())] + self.tablespaces:
            if self.member_of(path) is None:
                raise Refused('Part of the cluster lies on no volume of this run, so the copy would not be whole.', object=path,
                              found='not below %s' % ', '.join(m['filesystem'] for m in self.members if m['filesystem']),
                              look='df -k %s' % path, remedy='add its volume to the set')

    def log_directory(self):
        return os.path.join(self.data, 'pg_wal' if self.version >= 100000 else 'pg_xlog')

    def member_of(self, path):
        """The member on whose file system path lies, or None."""
        path = os.path.realpath(path)
        inside = [member for member in self.members if member['filesystem']
                  and os.path.exists(path) and os.stat(member['filesystem']).st_dev == os.stat(path).st_dev]
        return inside[0] if inside else None

    def begin(self, runner):
        self.session = self.open_session()
        self.start = self.session.ask(START[self.version >= 150000] % ('snapbackup ' + self.run), self.entry['limit'])[0]

    def flush(self, runner):
        return None

    def enter(self, lease):
        return None

    def proves(self, lease):
        """Backup mode lives and dies with the session."""
        if self.session.process.poll() is not None:
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
        dummy, first, last, label, tablespace_map = rows[-1].split('|')
        self.cancel()
        _files.make_private(self.directory)
        files = [self.save('backup_label', binascii.unhexlify(label))]
        if tablespace_map:
            files.append(self.save('tablespace_map', binascii.unhexlify(tablespace_map)))
        files += [self.save_segment(name) for name in segments(first, last, self.segment_size)]
        _files.sync_directory(self.directory)
        member = self.member_of(self.data)
        return [{'driver': 'postgresql', 'volume': member['volume'], 'files': files,
                 'directory': os.path.relpath(self.data, os.path.realpath(member['filesystem']))}]

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
