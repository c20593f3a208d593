# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Blocking an Informix server over the cut (Backup and Restore Guide, "External backup and restore").

onmode -c block takes a checkpoint and blocks every transaction until onmode -c unblock. The block outlives the command and has no
owner, so the run record tells whose it is; it ends with the server. Recovery needs the logical logs, which ON-Bar keeps.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_informix_report import (
    HELD, NO_LOGS, OFFLINE, ON_LINE, chunks_of, current, logs_of, status_of)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import member_of

ONBAR = 'onbar'
NAME = re.compile(r'^[A-Za-z0-9_.-]{1,128}\Z')
UNDO_LIMIT = 10
ONBAR_LIMIT = 3600
# A checkpoint that is just at work shows as a block too, and passes.
PASSES_WITHIN = 10
SETTLES = 1
PAUSE = 0.1


class Informix:
    """One server whose chunks lie on the volumes that are cut."""

    level = 'application'

    def __init__(self, number, entry, members, directory, run):
        self.key = 'informix %d' % number
        self.entry = entry
        self.members = members
        # Without the logs nothing after the checkpoint can be recovered.
        self.proved = entry['archive'] == ONBAR
        self.holds = False
        # The logical logs that were current when the server was blocked, and after.
        self.first = self.last = None

    def argv(self, tool, *words):
        """A command of the server's, which is told by the environment which server is meant."""
        home = self.entry['home']
        settings = {'INFORMIXDIR': home, 'INFORMIXSERVER': self.entry['server'], 'ONCONFIG': self.entry['onconfig'],
                    'INFORMIXSQLHOSTS': self.entry['sqlhosts']}
        given = ['%s=%s' % (name, settings[name]) for name in sorted(settings) if settings[name]]
        return ['/usr/bin/env'] + given + [os.path.join(home, 'bin', tool)] + list(words)

    def block(self):
        return self.argv('onmode', '-c', 'block')

    def unblock(self):
        return self.argv('onmode', '-c', 'unblock')

    def keep_logs(self):
        """Back up the full logical logs, and the current one, which is closed for that."""
        return self.argv(ONBAR, '-b', '-l', '-c')

    def look(self):
        return self.argv('onstat', '-')

    def commands(self):
        return [], [self.block()], [self.unblock()], [self.keep_logs()] if self.proved else []

    def check(self, runner):
        self.refuse_odd()
        status = self.calm(runner, PASSES_WITHIN)
        if status.mode != ON_LINE or status.role not in (None, 'Prim'):
            raise Refused('The server %s cannot be blocked.' % self.entry['server'], object=self.entry['server'],
                          found='%s %s' % (status.mode, status.role or ''), needed='%s, and no secondary' % ON_LINE, look='onstat -')
        if status.reasons & HELD:
            raise Refused('The server %s is blocked already, by somebody else.' % self.entry['server'], object=self.entry['server'],
                          found='Blocked:' + ' '.join(sorted(status.reasons)), needed='not blocked', look='onstat -',
                          remedy='find out whose backup runs; onmode -c unblock ends it')
        if status.reasons:
            raise Refused('The server %s is blocked.' % self.entry['server'], object=self.entry['server'],
                          found='Blocked:' + ' '.join(sorted(status.reasons)), needed='not blocked', look='onstat -')
        self.refuse_chunks(chunks_of(self.asked(runner, '-d')))
        current(logs_of(self.asked(runner, '-l')))
        if self.proved and NO_LOGS.search(self.asked(runner, '-c')):
            raise Refused('The server throws its logical logs away when they are backed up.', object=self.entry['server'],
                          found='LTAPEDEV /dev/null', needed='a device, or a storage manager', look='onstat -c')

    def refuse_odd(self):
        for name in ('server', 'onconfig'):
            if self.entry[name] and not NAME.match(self.entry[name]):
                raise Refused('%r is no name for option %s.' % (self.entry[name], name), object=name,
                              needed='letters, digits, dots, dashes and underscores')
        if self.entry['archive'] not in (None, ONBAR):
            raise Refused('Driver informix has no archive %s.' % self.entry['archive'], object=self.entry['server'], needed=ONBAR)
        for tool in ['onmode', 'onstat'] + ([ONBAR] if self.proved else []):
            path = self.argv(tool)[-1]
            if not os.path.isabs(path) or not os.access(path, os.X_OK):
                raise Refused('Driver informix needs %s.' % tool, object=path, found='nothing that can be run', remedy='set home')

    def refuse_chunks(self, chunks):
        for chunk in chunks:
            if not chunk.primary:
                continue
            if not chunk.online:
                raise Refused('A chunk is not online, so no copy of it is whole.', object=chunk.path, found=chunk.flags, needed='PO',
                              look='onstat -d')
            if not os.path.isabs(chunk.path) or member_of(self.members, chunk.path) is None:
                raise Refused('Part of the server lies on no volume of this run, so the copy would not be whole.', object=chunk.path,
                              look='onstat -d', remedy='add its volume to the set')

    def asked(self, runner, option):
        argv = self.argv('onstat', option)
        result = runner(argv)
        if result.rc != 0:
            raise CommandFailed(result, object=self.entry['server'])
        return result.out

    def status(self, runner):
        return status_of(runner(self.look()))

    def calm(self, runner, seconds):
        """The server's status, once no checkpoint is at work in it, or after so many seconds."""
        until = _platform.monotonic() + seconds
        status = self.status(runner)
        while status.reasons & HELD and _platform.monotonic() < until:
            time.sleep(PAUSE)
            status = self.status(runner)
        return status

    def begin(self, runner):
        self.first = current(logs_of(self.asked(runner, '-l')))

    def flush(self, runner):
        return None

    def enter(self, lease):
        # A block that came since check() is somebody else's; a second one succeeds, and one end ends both.
        found = status_of(lease.look(self.look()))
        if found.reasons & HELD:
            raise Refused('The server was blocked by somebody else in the meantime.', object=self.entry['server'],
                          found='Blocked:' + ' '.join(sorted(found.reasons)), needed='not blocked', look='onstat -')
        self.holds = True
        lease.must('before', self.block(), hold=self.key, limit=self.entry['limit'])
        self.proves(lease)

    def proves(self, lease):
        found = status_of(lease.look(self.look()))
        if found.mode != ON_LINE or not found.reasons & HELD:
            raise Torn('The server was not blocked all through the window.', object=self.entry['server'],
                       found='Blocked:%s' % ' '.join(sorted(found.reasons)) if found.reasons else '%s, not blocked' % found.mode,
                       needed='Blocked', look='onstat -')

    def leave(self, lease):
        self.proves(lease)
        result = lease.do('after', self.unblock())
        if self.calm(lease.look, PASSES_WITHIN if result.rc == 0 else SETTLES).reasons & HELD:
            raise Torn('The server could not be unblocked.', object=self.entry['server'], found='blocked', needed='not blocked',
                       look='onstat -', vendor=result.err or result.out, remedy='onmode -c unblock')
        lease.free(self.key)
        self.holds = False

    def end(self, runner):
        """Have ON-Bar keep the logs up to the one that was current after the cut, and prove that it has."""
        self.last = current(logs_of(self.asked(runner, '-l')))
        if self.proved:
            result = runner.change(self.keep_logs(), timeout=ONBAR_LIMIT)
            logs = logs_of(self.asked(runner, '-l'))
            kept = set(log.unique for log in logs if log.kept)
            # A log that is free again was kept before, and may hold a later one by now.
            lacking = [log.unique for log in logs if self.first <= log.unique <= self.last and log.unique not in kept]
            if lacking or current(logs) <= self.last:
                raise Torn('A logical log of the backup is not kept, so recovery would stop short.', object=self.entry['server'],
                           found='log %d' % (lacking or [self.last])[0], needed='flag B', look='onstat -l',
                           vendor=result.err or result.out)
        return []

    def facts(self):
        return {'driver': 'informix', 'server': self.entry['server'], 'archive': self.entry['archive'], 'logs': [self.first, self.last]}

    def cancel(self):
        """The watchdog has unblocked; whether that worked is for the run record."""
        if self.holds:
            try:
                self.holds = bool(self.to_release(Runner()))
            except (Refused, IOError, OSError):
                self.holds = True

    # What a dead module leaves behind.

    def lasting(self):
        """The undo entry of the run record."""
        return {'id': 'quiesce:informix:' + self.entry['server'], 'action': 'released', 'driver': 'informix', 'options': self.entry}

    def remember(self, entry):
        """There is nothing more to know: a block shows no owner."""
        self.holds = True

    def undo(self, run):
        return self.release(Runner())

    def to_release(self, runner):
        """The argument lists that would take back what this run holds; none if nothing is held."""
        found = self.calm(runner, SETTLES)
        return [self.unblock()] if found.mode != OFFLINE and found.reasons & HELD else []

    def release(self, runner):
        """Take back what this run holds; whether that is gone, and stays so: a block may come after its command was killed."""
        until = _platform.monotonic() + SETTLES
        while _platform.monotonic() < until:
            found = self.status(runner)
            if found.mode == OFFLINE:
                return True
            if found.reasons & HELD:
                runner.change(self.unblock(), timeout=UNDO_LIMIT)
                return not self.to_release(runner)
            time.sleep(PAUSE)
        return True
