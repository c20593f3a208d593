# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The run record: what a run has done on this host, what must still be undone, and whether the run is alive.

It is the way back. Everything that must survive the controller, the connection and the host itself is written
here before it is done, and phases hand over to each other through it. The shape is documented in docs/run-record.md.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import binascii
import contextlib
import errno
import fcntl
import os
import re
import stat
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._overlap import refuse_opening
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive

SCHEMA = 1
STATE_DIR = '/var/lib/snapbackup'
STALE_AFTER = 300
RUN_ID = re.compile(r'^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\Z')
# The part of a run on a host that shares the volumes of another: it only holds services still.
SERVICES = 'services'
NAME = re.compile(r'^[A-Za-z][A-Za-z0-9_.-]{0,62}\Z')
KINDS = ('backup', 'restore', 'prepare', SERVICES)
PHASES = ('preflight', 'prepare', 'split', 'present', 'store', 'withdraw', 'retained', 'rejoin', 'record', 'restore', 'rollback')
RESULTS = ('complete', 'failed', 'abandoned')
NEXT_RUN = 'next_run'
# In a run's directory, what the watchdog of its freeze window writes where it had to act.
REPORT = 'lease.json'
# The phases in which copies are split and nobody gives them back yet.
SPLIT_PHASES = ('split', 'present', 'store')
# Keys that records of version 0.1.0 lack.
ADDED = dict(retained=None, source_run=None, source_manifest=None, max_split=None, primary=None, nodes=[], module=None)


def new_run_id():
    """A name for a run that sorts by time and does not repeat."""
    return '%s-%s' % (time.strftime('%Y%m%dT%H%M%SZ', time.gmtime()), binascii.hexlify(os.urandom(3)).decode('ascii'))


def prepare_state_dir(state_dir):
    """Make the state directory, or refuse one that somebody else could write to."""
    _files.make_private(state_dir)
    found = os.lstat(state_dir)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Refused('The state directory %s cannot be trusted.' % state_dir, object=state_dir,
                      found='owner %d, mode %o' % (found.st_uid, stat.S_IMODE(found.st_mode)),
                      needed='a directory of user %d that nobody else can write to' % os.geteuid(), look='ls -ld %s' % state_dir)
    _files.make_private(os.path.join(state_dir, 'runs'))


@contextlib.contextmanager
def locked(state_dir):
    """Hold the lock under which records change. Never held across a command of the volume manager."""
    prepare_state_dir(state_dir)
    with open(os.path.join(state_dir, 'lock'), 'a') as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        yield


class Record:
    """One run on this host. data is the record as documented; directory holds the run's own files."""

    def __init__(self, state_dir, data):
        self.state_dir = state_dir
        self.data = data

    @property
    def run(self):
        return self.data['run']

    @property
    def path(self):
        return os.path.join(self.state_dir, 'runs', self.run + '.json')

    @property
    def directory(self):
        return os.path.join(self.state_dir, 'runs', self.run)

    def make_directory(self):
        """Make the run's own directory, and return its path."""
        _files.make_private(self.directory)
        return self.directory

    @property
    def report(self):
        """The path of REPORT."""
        return os.path.join(self.directory, REPORT)

    @property
    def tag(self):
        """What marks a lock as this run's."""
        return 'snapbackup:%s' % self.run

    @property
    def is_open(self):
        return self.data['closed'] is None

    def refuse_ended(self):
        """Refused if the run has ended: nobody would find what is begun, or left, under it."""
        if not self.is_open:
            raise Refused('Run %s has ended.' % self.run, object=self.run, found=self.data['result'], needed='an open run')

    def change(self, edit):
        """Apply edit(data) to the record as it is on disk now, and keep the result."""
        with locked(self.state_dir):
            current = dict(ADDED, **(_files.read_json(self.path) or self.data))
            edit(current)
            _files.write_json(self.path, current)
            self.data = current

    def update(self, **fields):
        unknown = set(fields) - set(self.data)
        if unknown:
            raise KeyError('not in a run record: %s' % ', '.join(sorted(unknown)))
        self.change(lambda data: data.update(fields))

    def renew(self, module=None):
        """Say that the run is alive: nobody may take it over for as long as it was opened with, nor while the process module lives."""
        def later(data):
            if data['closed'] is None:
                data.update(deadline=max(data['deadline'], time.time() + data['stale_after']), module=module or data['module'])
        if self.is_open:
            self.change(later)

    def add_undo(self, entry):
        """Write down how to take back a step, just before the step. entry: a dictionary with a unique id."""
        def add(data):
            Record(self.state_dir, data).refuse_ended()
            data.update(undo=_without(data['undo'], entry['id']) + [entry])
        self.change(add)

    def clear_undo(self, *ids):
        self.change(lambda data: data.update(undo=_without(data['undo'], *ids)))

    def why_live(self, boot, now=None):
        """Why the run must be left alone, as a sentence, or None when nobody is working on it any more.

        A run whose copies are split for too long is not left alone, nor is one that only keeps them.
        """
        if not self.is_open or self.data['boot'] != boot:
            return None
        if self.data['retained'] or self.is_overdue(boot):
            return self.at_work(boot)
        job = self.data['job']
        if job and alive(job):
            return 'its copy job, process %s, is running' % job['pid']
        at_work = self.at_work(boot)
        if at_work:
            return at_work
        left = self.data['deadline'] - (now or time.time())
        if left > 0:
            return 'its last sign of life is recent, and it counts as dead in %d s' % (left + 1)
        return None

    def at_work(self, boot):
        """Says that another module of the run than this one is at work, in which nobody may cross it, or None."""
        module = self.data['module']
        splitting = self.splitting(self.data['undo'], boot)
        if splitting:
            return 'its process %s is splitting' % splitting['pid']
        if module and module['pid'] != os.getpid() and alive(module, boot):
            return 'its module, process %s, is at work' % module['pid']
        return None

    def splitting(self, entries, boot):
        """The process that is splitting what these undo entries are of, or None: the module, or a command that nothing ends."""
        begun = [entry['by'] for entry in entries if entry.get('by')]
        left = (_files.read_json(self.report) or {}).get('stuck') if begun else None
        for process in begun + ([dict(left, boot=self.data['boot'])] if left else []):
            if alive(process, boot):
                return process
        return None

    def why_kept(self, boot, now=None):
        """Why the copies of a retained run stay split, as a sentence, or None when they are to be given back."""
        retained = self.data['retained']
        if not self.is_open or not retained or self.data['boot'] != boot and not retained['survives_reboot']:
            return None
        end = 'the next run of the set'
        if retained['until'] != NEXT_RUN:
            if retained['until'] <= (now or time.time()):
                return None
            end = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(retained['until']))
        return 'its copies are kept until %s%s' % (end, '' if retained['survives_reboot'] else ', or until the host reboots')

    def split_seconds(self, boot):
        """Seconds since the first cut of a run that still has something split, or None."""
        if not self.is_open or not self.data['undo'] or self.data['boot'] != boot:
            return None
        return self.since_cut(boot)

    def since_cut(self, boot):
        """Seconds since the first cut; None without one, or where it was made on the clock of another host or boot."""
        if not self.data['window'] or self.data['primary'] or self.data['boot'] != boot:
            return None
        return monotonic() - min(self.data['window']['cuts'])

    def overdue(self, boot):
        """Seconds for which the copies are split beyond max_split, negative while there is time left.

        None where there is no limit, nothing is split yet, or the copies are being given back or kept.
        """
        split = self.split_seconds(boot)
        if split is None or not self.data['max_split'] or self.data['phase'] not in SPLIT_PHASES:
            return None
        return split - self.data['max_split']

    def is_overdue(self, boot):
        return (self.overdue(boot) or 0) > 0

    def close(self, **fields):
        """End the run; Refused while anything of it is still to be undone."""
        def end(data):
            if data['closed'] is not None:
                return
            if data['undo']:
                raise Refused('Run %s cannot be closed: something of it is still to be undone.' % self.run, object=self.run,
                              found=', '.join(entry['id'] for entry in data['undo']), needed='nothing left to undo',
                              remedy='run the playbook volmgr.snapbackup.recover')
            data.update(fields, closed=time.time(), retained=None)
        self.change(end)


def _without(entries, *ids):
    return [entry for entry in entries if entry['id'] not in ids]


def load(state_dir, run):
    """The record of a run; Refused where this host has none."""
    if not RUN_ID.match(run):
        raise Refused('%r is not the id of a run.' % run, object=run, needed='for example 20261120T031500Z-a1b2c3')
    path = os.path.join(state_dir, 'runs', run + '.json')
    try:
        data = _files.read_json(path)
    except ValueError as error:
        raise Refused('The record of run %s cannot be read.' % run, object=run, found=str(error), look='cat %s' % path,
                      remedy='nothing is guessed from it: look at the volumes, and move the file away when all is in order')
    if data is None:
        raise Refused('This host has no record of run %s.' % run, object=run, found='no record in %s' % state_dir,
                      look='ls %s/runs' % state_dir, remedy='open the run first (module backup_run, state opened)')
    if data.get('schema') != SCHEMA:
        raise Refused('The record of run %s was written by another version.' % run, object=run,
                      found='schema %s' % data.get('schema'), needed='schema %d' % SCHEMA)
    return Record(state_dir, dict(ADDED, **data))


def all_runs(state_dir):
    """Every record on this host, oldest first. An empty list where nothing has ever run."""
    try:
        names = os.listdir(os.path.join(state_dir, 'runs'))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return []
        raise Refused('The run records cannot be read.', object=state_dir, found=error.strerror, needed='root',
                      look='ls -ld %s' % state_dir, remedy='run as root (become: true)')
    runs = [name[:-len('.json')] for name in names if RUN_ID.match(name[:-len('.json')]) and name.endswith('.json')]
    return sorted([load(state_dir, run) for run in runs], key=lambda record: record.data['sequence'])


def open_run(state_dir, name, manager, kind, members, boot, host, stale_after=STALE_AFTER, takeover=None, run=None, **fields):
    """Begin a run of the backup set name and return its Record.

    fields: max_split, source_run, source_manifest, peers and primary of the record. takeover: id of a live run that counts as dead.
    run: the id that the primary has given it, on a host that takes part in a run of another.
    Refused as by _overlap.refuse_opening().
    """
    if stale_after < 1:
        raise Refused('A run cannot count as dead at once.', object='stale_after', found='%d s' % stale_after, needed='at least 1 s')
    unnamed = [member for member in members if not member.get('volume')]
    if unnamed:
        raise Refused('A member does not say which volume it is.', found=str(unnamed[0]),
                      needed='the members that a splitting module returns')
    if not NAME.match(name):
        raise Refused('%r cannot name a backup set.' % name, object=name, needed='a letter, then letters, digits, dot, dash, underscore')
    with locked(state_dir):
        records = all_runs(state_dir)
        if run in [record.run for record in records]:
            raise Refused('Run %s is on this host already.' % run, object=run, found='its record in %s' % state_dir,
                          needed='another host, which reads what the primary has split')
        refuse_opening(records, name, members, boot, fields.get('source_run'), takeover, primary=fields.get('primary'))
        data = dict(ADDED, schema=SCHEMA, run=run or new_run_id(), name=name, sequence=_next_sequence(state_dir), manager=manager,
                    kind=kind, host=host, phase='preflight', result=None, error=None, opened=time.time(),
                    deadline=time.time() + stale_after, stale_after=stale_after, closed=None, boot=boot, members=members, undo=[],
                    window=None, verdict=None, proof=[], recovery=[], layout={}, image=None, job=None, redundancy_lost_seconds=None,
                    peers=[])
        data.update(fields)
        record = Record(state_dir, data)
        _files.write_json(record.path, data)
    return record


def _next_sequence(state_dir):
    path = os.path.join(state_dir, 'sequence')
    number = (_files.read_json(path) or 0) + 1
    _files.write_json(path, number)
    return number
