# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the recovery of an Oracle database needs beside its data files: the archived logs of backup mode, and a control file."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import stat
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _platform, _recovery
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import member_of, node_of

SWITCH = 'ALTER SYSTEM ARCHIVE LOG CURRENT'
CONTROL = "ALTER DATABASE BACKUP CONTROLFILE TO '%s'"
CONTROL_FILE = 'snapbackup-control.ctl'
STORED, PROVED = 'stored', 'proved'
# Other destinations, and other instances of a cluster, archive by themselves.
ARCHIVED_WITHIN = 120
PAUSE = 0.5
# A statement has it between quotes.
PLAIN_PATH = re.compile(r'^/[A-Za-z0-9_./+-]*\Z')


class Archive:
    """The files that go with one backup. directory: of the run, where they are kept until they are stored."""

    def __init__(self, entry, members, directory, run):
        self.sid = entry['sid']
        self.limit = ARCHIVED_WITHIN
        self.how = entry['archive'] or STORED
        self.stored = self.how == STORED
        self.place = entry['control_directory']
        self.members = members
        self.directory = directory
        self.control = os.path.join(self.place or '/', 'snapbackup-%s.ctl' % run)
        self.logs = []

    def statements(self):
        return [SWITCH, CONTROL % self.control]

    def check(self):
        """Refused unless the database can be given a place that nobody else writes to."""
        if self.how not in (STORED, PROVED):
            raise Refused('Driver oracle has no archive %s.' % self.how, object=self.sid, needed='%s or %s' % (STORED, PROVED))
        found = os.stat(self.place) if self.place and os.path.isdir(self.place) else None
        if found is None or not PLAIN_PATH.match(self.place) or found.st_mode & stat.S_IWOTH:
            raise Refused('Driver oracle needs a directory in which the database can write a copy of its control file.', object=self.sid,
                          found='%s%s' % (self.place, '' if found is None else ', mode %o' % stat.S_IMODE(found.st_mode)),
                          needed='an existing directory of its user that not everybody can write to', remedy='set control_directory')

    def facts(self):
        return {'archive': self.how, 'logs': [
            {'thread': log.thread, 'sequence': log.sequence, 'first': log.first, 'next': log.next, 'name': log.name} for log in self.logs]}

    def save(self, server, step, files, first, last):
        """Have everything from change first to last archived, and return the recovery set of the run record.

        step(statement): says a state-changing statement. files: the data files, which tell where the restored files go: see home().
        """
        step(SWITCH)
        self.logs = self.archived(server, first, last)
        _files.make_private(self.directory)
        owner = os.stat(files[0].name).st_uid
        try:
            # After the logs, so that the copy knows of them.
            step(CONTROL % self.control)
            saved = [self.save_file(self.control, CONTROL_FILE, owner)]
        finally:
            self.tidy()
        saved += [self.save_file(log.name, os.path.basename(log.name), owner) for log in self.logs if self.stored]
        _files.sync_directory(self.directory)
        return dict(self.home(files), driver='oracle', files=saved)

    def home(self, files):
        """The volume, and the directory in it, that restored files go to: beside the first data file that is one, not a device."""
        data = [os.path.dirname(os.path.realpath(found.name)) for found in files if node_of(found.name) is None]
        if not data:
            # There is no place for them then, so they stay where the images are.
            return {'volume': member_of(self.members, files[0].name)['volume'], 'directory': '.'}
        member = member_of(self.members, data[0])
        return {'volume': member['volume'], 'directory': os.path.relpath(data[0], os.path.realpath(member['filesystem']))}

    def archived(self, server, first, last):
        """The logs that hold every change from first to last, of every thread; Torn if they are not all archived in time."""
        until = _platform.monotonic() + self.limit
        while True:
            logs = whole(server.logs(first, last))
            lacking = [thread for thread in server.threads() if not covered([log for log in logs if log.thread == thread], first, last)]
            if not lacking and logs:
                return logs
            if _platform.monotonic() > until:
                raise Torn('Redo of the backup is not archived, so recovery would stop short.', object=self.sid,
                           found='not all changes from %d to %d of thread %s in files of this host' % (first, last, (lacking or '-')[0]),
                           needed='YES, and the file', look='SELECT thread#, sequence#, archived, status, name FROM v$archived_log')
            time.sleep(PAUSE)

    def save_file(self, source, name, owner):
        """Copy a file of the database. It must be one of its user's (owner): who rules the database must not read others through us."""
        path = os.path.join(self.directory, name)
        try:
            fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                found = os.fstat(fd)
                if not stat.S_ISREG(found.st_mode) or not found.st_size or found.st_uid != owner:
                    raise Torn('A file that recovery needs is none of the database.', object=source, found='mode %o, %d bytes, owner %d' % (
                        found.st_mode, found.st_size, found.st_uid), needed='a file of user %d' % owner, look='ls -l %s' % source)
                _recovery.copy_file('/dev/fd/%d' % fd, path, 0o600)
            finally:
                os.close(fd)
        except (IOError, OSError) as error:
            raise Torn('A file that recovery needs cannot be saved.', object=source, vendor=str(error))
        return {'source': path, 'place': name}

    def tidy(self):
        """Leave nothing in the place that the database was given."""
        if os.path.lexists(self.control):
            os.unlink(self.control)


def whole(logs):
    """One of the copies of each log that are files here and have their whole size."""
    found = {}
    for log in logs:
        usable = log.archived == 'YES' and log.status == 'A' and os.path.isfile(log.name) and os.path.getsize(log.name) >= log.bytes
        if usable:
            found.setdefault((log.thread, log.sequence), log)
    return [found[key] for key in sorted(found)]


def covered(logs, first, last):
    """Whether the logs of one thread hold every change from first to last."""
    return bool(logs) and logs[0].first <= first and logs[-1].next > last and all(
        log.next == following.first for log, following in zip(logs, logs[1:]))
