# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The freeze window: hold everything still, cut every copy, let go, and prove what that was worth.

A holder keeps one thing still: a file system or an application. Each has
  key                   its name in the lease, unique in the window
  level                 what it makes a cut worth: APPLICATION or FILESYSTEM
  proved                applications only: whether what its recovery needs is stored or proved to be kept, once end() has passed
  check(runner)         Refused if it could not hold; changes nothing
  begin(runner)         steps that block no writer (database backup mode), before the lease
  flush(runner)         write out what is dirty, before the lease, so that the lock is short
  enter(lease)          hold still; whatever blocks writers is entered in the lease first
  proves(lease)         Refused unless it has held until now
  leave(lease)          let go, verified, and freed in the lease
  undo(run) -> bool     what the watchdog does instead of leave(); True when nothing is held any more
  end(runner)           after the window: a list of recovery entries for the run record
  facts()               applications only, after end(): what the record says of it, with its driver
  rests_on_locks        applications only, where there is one: whether what it writes meanwhile is still only because its file systems are
  cancel()              take back begin() after a failure; never raises
  commands()            the state-changing argument lists of flush(), enter() and leave(), and where there are any of end(), for check mode
What outlives its process, and so needs more than the watchdog, has also
  lasting()             the entry of the run record's key undo: a dictionary with id, driver and options, and what remember() needs
  holds                 whether something may be held because of this run
  remember(entry)       know again what such an entry says
  to_release(runner)    the argument lists that would let go; none if nothing of this run is held
  release(runner)       let go; whether that is so
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Result
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._lease import Lease
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_drivers import DRIVERS
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_flush import Flush
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_fsfreeze import FsFreeze
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_lockfs import UfsLock
from ansible_collections.volmgr.snapbackup.plugins.module_utils._services import away, named

APPLICATION, FILESYSTEM, CRASH = 'application', 'filesystem', 'crash'
# Positions in what a holder's commands() returns.
FLUSH, ENTER, LEAVE, AFTER = 0, 1, 2, 3
# Write-locking one of these stops the host itself: sshd, the logs and the command that would unlock it (lockfs(1M)).
NEVER = ('/', '/usr', '/var')
LASTING = 'quiesce:'

OPTIONS = dict(
    quiesce=dict(type='list', elements='dict', default=[], options=dict(
        driver=dict(type='str', required=True, choices=sorted(DRIVERS)),
        before=dict(type='list', elements='str'),
        after=dict(type='list', elements='str'),
        limit=dict(type='int', default=30),
        user=dict(type='str'),
        client=dict(type='path'),
        option_file=dict(type='path'),
        socket=dict(type='path'),
        port=dict(type='int', default=5432),
        filesystems=dict(type='list', elements='path'),
        sid=dict(type='str'),
        home=dict(type='path'),
        service=dict(type='str'),
        archive=dict(type='str', choices=['stored', 'proved', 'onbar']),
        control_directory=dict(type='path'),
        suspend=dict(type='bool', default=False),
        server=dict(type='str'),
        onconfig=dict(type='str'),
        sqlhosts=dict(type='path'),
    ), required_if=[('driver', 'oracle', ['sid', 'home', 'control_directory']), ('driver', 'informix', ['home', 'server'])]),
    lease=dict(type='int', default=60),
)
LONGEST_LEASE = 3600


def lock_holders(members, tag):
    """The holders that lock the mounted file systems of members, which are run record members."""
    ufs = [member['filesystem'] for member in members if member['fstype'] == 'ufs']
    others = [member['filesystem'] for member in members if member['fstype'] not in (None, 'ufs')]
    return ([UfsLock(ufs, tag)] if ufs else []) + [FsFreeze(point) for point in others]


def lock_or_flush_holders(members, flushed, tag, applications):
    """The holders for the mounted file systems of members: flushed are those that can only be flushed, and all others are locked.

    applications: the holders that hold still before these.
    """
    holders = lock_holders([member for member in members if member['filesystem'] not in flushed], tag)
    return holders + ([Flush(flushed, bool(applications))] if flushed else [])


def to_lock(members, entries, record):
    """Those of members whose file systems a lock can hold: what the run has unmounted, or as option quiesce (entries) says will have, is
    still anyway."""
    points = named(entries) + [mount.point for mount in away(record)]
    return [member for member in members if member['filesystem'] not in points]


def application_holders(entries, members, record_directory, run):
    """The holders for option quiesce."""
    return [DRIVERS[entry['driver']]()(number, entry, members, record_directory, run) for number, entry in enumerate(entries)]


def lasting_holder(entry, run):
    """The holder that an undo entry of a run is of."""
    holder = DRIVERS[entry['driver']]()(0, entry['options'], [], '/', run)
    holder.remember(entry)
    return holder


def worth(verdict, members, applications, flushed=()):
    """verdict(members, applications), or what locks alone are worth where nothing proves that an application can be recovered.

    flushed: mount points that are not locked, and so do not count as file systems.
    """
    members = [dict(member, filesystem=None) if member['filesystem'] in flushed else member for member in members]
    if flushed and any(getattr(holder, 'rests_on_locks', False) for holder in applications):
        return verdict(members, [])
    if all(holder.proved for holder in applications):
        return verdict(members, applications)
    try:
        return verdict(members, [])
    except Refused:
        # The applications hold still all the same what nothing else would hold together.
        return CRASH


def expected_verdict(members, applications):
    """What the cut will be worth if everything holds: see the table in docs/consistency.md. Refused if that is nothing."""
    if applications:
        return APPLICATION
    bare = [member['volume'] for member in members if not member['filesystem']]
    if not bare:
        return FILESYSTEM
    if len(members) == 1:
        return CRASH
    raise Refused('Several volumes are to be cut as one point in time, but nothing holds %s still.' % ', '.join(bare),
                  object=', '.join(bare), found='no mounted file system that can be locked, and no application in quiesce',
                  needed='a file system to lock, or an entry in quiesce',
                  remedy='name its application in quiesce, or back it up on its own')


def valid_lease(seconds):
    """seconds, if a lease can be as long; otherwise Refused."""
    if not 1 <= seconds <= LONGEST_LEASE:
        raise Refused('A freeze window cannot last %d s.' % seconds, object='lease', found=seconds, needed='1 to %d s' % LONGEST_LEASE)
    return seconds


def refuse_own_ground(members, paths):
    """Refused if a lock would stop the host or this collection itself: paths are what it writes to."""
    for member in members:
        point = member['filesystem']
        if point in NEVER:
            raise Refused('%s is never write-locked: that stops the host.' % point, object=point,
                          found='mounted from %s' % member['volume'], needed='a data file system',
                          remedy='back it up without a lock, for example with fssnap(1M)')
        if point and any(same_file_system(point, path) for path in paths):
            raise Refused('%s holds a directory this run writes to, so its lock would stop the run itself.' % point, object=point,
                          found='one of %s' % ', '.join(paths), needed='these on another file system', look='df -k %s' % ' '.join(paths),
                          remedy='move state_dir, or set ansible_remote_tmp, to another file system')


def same_file_system(point, path):
    path = os.path.abspath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.stat(point).st_dev == os.stat(path).st_dev


def entering(holders):
    """The state-changing argument lists that flush and hold everything, in their order."""
    return [argv for step in (FLUSH, ENTER) for holder in holders for argv in holder.commands()[step]]


class Window:
    """One freeze window over holders and cuts (argument lists, each of which splits one copy).

    confirm(run) raises unless the manager says that every copy is split; run(argv) runs a command in the window.
    """

    def __init__(self, holders, cuts, confirm, seconds, report, not_cut='illegal state'):
        self.not_cut = not_cut
        self.holders = holders
        self.cuts = cuts
        self.confirm = confirm
        self.seconds = seconds
        self.report = report
        self.steps = []
        self.begun = []
        self.recovery = []

    def commands(self):
        """The state-changing argument lists in their order, for check mode."""
        leaving = [argv for holder in reversed(self.holders) for argv in holder.commands()[LEAVE]]
        after = [argv for holder in reversed(self.holders) for step in holder.commands()[AFTER:] for argv in step]
        return entering(self.holders) + self.cuts + leaving + after

    def may_have_cut(self, pair):
        """Whether the command that ends in these words was begun and not refused because somebody else had cut before."""
        return any(tuple(argv[-len(pair):]) == tuple(pair) for argv in self.begun)

    def check(self, runner):
        for holder in self.holders:
            holder.check(runner)

    def open(self, runner, record=None):
        """Hold, cut, let go. Returns the window's facts as they go into the record; raises if the copies are not one cut.

        record: of the run, which is told what would outlive this process.
        """
        try:
            self.note(record)
            for holder in self.holders:
                holder.begin(runner)
            # Some know only now how to tell what is theirs.
            self.note(record)
            for holder in self.holders:
                holder.flush(runner)
            self.frozen(runner)
            for holder in reversed(self.holders):
                self.recovery.extend(holder.end(runner))
        except Exception as error:
            for holder in reversed(self.holders):
                holder.cancel()
            left = [holder.key for holder in self.lasting() if holder.holds]
            if left and isinstance(error, Refused):
                error.message += ' %s could not be let go: run the playbook volmgr.snapbackup.recover.' % ', '.join(left)
            raise
        finally:
            self.forget(record)
        return self.facts()

    def lasting(self):
        return [holder for holder in self.holders if hasattr(holder, 'lasting')]

    def note(self, record):
        """Enter in the run record what somebody else may have to let go."""
        for holder in self.lasting() if record else []:
            record.add_undo(holder.lasting())

    def forget(self, record):
        done = [holder.lasting()['id'] for holder in self.lasting() if not holder.holds]
        if record and done:
            record.clear_undo(*done)

    def frozen(self, runner):
        """The part in which writers wait."""
        undo = dict((holder.key, holder.undo) for holder in self.holders)
        with Lease(self.seconds, undo, self.report) as lease:
            recorded = Recorded(lease, runner, self.steps)
            for holder in self.holders:
                holder.enter(recorded)
            for argv in self.cuts:
                self.begun.append(argv)
                try:
                    recorded.must('cut', argv)
                except Torn as error:
                    if self.not_cut in (error.facts.get('vendor') or ''):
                        self.begun.pop()
                    raise
            self.confirm(recorded.look)
            for holder in self.holders:
                holder.proves(recorded)
            for holder in reversed(self.holders):
                holder.leave(recorded)

    def facts(self):
        """at: the last cut in UTC. Times in seconds of the host's monotonic clock; steps in the order they were run.

        flushed: mount points that could not be locked.
        """
        cuts = [step for step in self.steps if step['what'] == 'cut']
        locks = [step for step in self.steps if step['what'] in ('lock', 'unlock')] or cuts
        begun, ended = locks[0]['started'], locks[-1]['ended']
        inside = [step for step in self.steps if step['started'] >= begun and step['ended'] <= ended]
        moment = time.gmtime(time.time() - _platform.monotonic() + cuts[-1]['ended'])
        return {'at': time.strftime('%Y-%m-%dT%H:%M:%SZ', moment), 'seconds': round(ended - begun, 6),
                'locked': begun, 'released': ended, 'lease': self.seconds,
                'in_commands': round(sum(step['ended'] - step['started'] for step in inside), 6),
                'cuts': [step['ended'] for step in cuts], 'steps': self.steps,
                'flushed': [path for holder in self.holders for path in getattr(holder, 'flushed', [])],
                'applications': [holder.facts() for holder in self.holders if holder.level == APPLICATION]}


class Recorded:
    """Runs the window's commands under the lease and keeps their times."""

    def __init__(self, lease, runner, steps):
        self.lease = lease
        self.runner = runner
        self.steps = steps

    def do(self, what, argv, hold=None, limit=None):
        """A state-changing command: what is lock, unlock, cut, before or after. Returns its Result."""
        result = self.lease.run(argv, limit=limit, hold=hold)
        self.runner.account(result)
        return self._enter(what, result)

    def must(self, what, argv, hold=None, limit=None):
        """A state-changing command without which the window is torn."""
        result = self.do(what, argv, hold, limit)
        if result.rc != 0:
            raise Torn('%s failed inside the freeze window.' % ' '.join(argv), object=argv[-1],
                       found='exit code %s' % ('none, killed at its limit' if result.rc is None else result.rc),
                       vendor=result.err or result.out)
        return result

    def timed(self, what, argv, call, *arguments):
        """A state-changing step of the owner's own, shown as argv. Returns what call(*arguments) returns."""
        started = _platform.monotonic()
        value = call(*arguments)
        result = Result(argv, 0, '', '', _platform.monotonic() - started, started)
        self.runner.account(result)
        self._enter(what, result)
        return value

    def look(self, argv):
        """A command that reads. Returns its Result."""
        self.runner.reads += 1
        return self._enter('look', self.lease.run(argv))

    def hold(self, key):
        self.lease.hold(key)

    def free(self, key):
        self.lease.free(key)

    def _enter(self, what, result):
        self.steps.append({'what': what, 'argv': result.argv, 'rc': result.rc, 'started': result.started,
                           'ended': result.started + result.seconds})
        return result
