# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lease on a freeze window: a watchdog process that runs the window's commands and can always undo them.

The watchdog is no child of the module: it survives the module, the connection and the controller. It runs each
command itself, so it knows every process it may have to kill. It undoes what is held when its owner dies (the pipe
hangs up: at once) or at the deadline, in this order: kill the running command and wait until it is gone, then undo,
again and again until that is verified, and say so in the report. Undoing first would let a command that still waits in
the manager's own queue cut afterwards; reporting first would keep writers waiting for a disk that hangs.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import fcntl
import gc
import json
import os
import select
import signal
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Abandoned, Result, end_group, living, run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import LeaseExpired, Refused, Unkillable, native
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import identity

UNDO_LIMIT = 10
PAUSE = 0.05
LONGEST_PAUSE = 5.0
OOM_SCORE = '/proc/self/oom_score_adj'
NEVER_CHOSEN = '-1000'


class Closed(Exception):
    """The other end of a channel is gone."""


class Late(Exception):
    """Nothing came until the deadline."""


class Terminated(Exception):
    """The system asked the watchdog to end."""


class Channel:
    """JSON messages over a pair of pipes, one a line."""

    def __init__(self, source, sink):
        self.source = source
        self.sink = sink
        self.pending = b''

    def send(self, message):
        data = json.dumps(message).encode('utf-8') + b'\n'
        while data:
            try:
                data = data[os.write(self.sink, data):]
            except OSError as error:
                if error.errno == errno.EPIPE:
                    raise Closed()
                raise

    def receive(self, deadline=None):
        while b'\n' not in self.pending:
            self.wait(deadline)
            data = os.read(self.source, 65536)
            if not data:
                raise Closed()
            self.pending += data
        line, self.pending = self.pending.split(b'\n', 1)
        return json.loads(line.decode('utf-8'))

    def wait(self, deadline):
        poller = select.poll()
        poller.register(self.source, select.POLLIN | select.POLLHUP)
        while True:
            left = None if deadline is None else max(0, (deadline - monotonic()) * 1000)
            try:
                if poller.poll(left):
                    return
            except (OSError, select.error) as error:
                if error.args[0] != errno.EINTR:
                    raise
                continue
            raise Late()

    def close(self):
        for fd in (self.source, self.sink):
            os.close(fd)


def channels():
    """The two ends of a new pair of pipes; neither is inherited by programs that are started."""
    to_watchdog, to_owner = os.pipe(), os.pipe()
    for fd in to_watchdog + to_owner:
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.fcntl(fd, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)
    return Channel(to_owner[0], to_watchdog[1]), Channel(to_watchdog[0], to_owner[1])


class Lease:
    """The owner's side. undo: {key: function(run) -> bool}, each of which takes back what is held under its key and
    says whether nothing of it is left; it must be harmless when nothing was held. report: path of the watchdog's report.
    what: what it limits, for messages.

    Use it as a context: whatever is still held when the block ends is undone by the watchdog, before the block is left.
    """

    def __init__(self, seconds, undo, report, what='freeze window'):
        self.seconds = seconds
        self.undo = undo
        self.report = report
        self.what = what
        self.held = []
        self.channel = None
        self.deadline = None
        self.over = False
        self.running = None

    def __enter__(self):
        self.channel, far_end = channels()
        self.deadline = monotonic() + self.seconds
        child = os.fork()
        if child == 0:
            _become_watchdog(far_end, self.channel, self.undo, self.deadline, self.report)
        os.waitpid(child, 0)
        far_end.close()
        self.pid = self.ask({'do': 'hello'})['pid']
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.held:
                self.abandon(error)
            elif not self.over:
                self.ask({'do': 'done'})
        finally:
            self.channel.close()

    def hold(self, key):
        """What the owner itself is about to hold under key must be undone from now on."""
        if key not in self.held:
            self.held.append(key)
        self.ask({'do': 'hold', 'key': key})

    def run(self, argv, limit=None, hold=None):
        """Run argv in the watchdog and return its Result. hold: the key that must be undone from now on.

        Raises LeaseExpired when the deadline has passed or comes first; everything held is then undone already.
        """
        if hold and hold not in self.held:
            self.held.append(hold)
        answer = self.ask({'do': 'run', 'argv': argv, 'limit': limit or self.seconds, 'hold': hold})
        if 'cannot start' in answer:
            raise OSError(answer['cannot start'], os.strerror(answer['cannot start']), argv[0])
        return Result(*answer['result'])

    def free(self, key):
        """What was held under key has been released and that was verified."""
        self.ask({'do': 'free', 'key': key})
        self.held.remove(key)

    def keep(self, marker):
        """Let the locks outlive this process: the watchdog undoes them at the deadline, or ends when marker is gone."""
        self.ask({'do': 'keep', 'marker': marker})
        self.held, self.over = [], True

    def abandon(self, error=None):
        """Have the watchdog undo everything that is held; returns when it has tried once. Raises LeaseExpired if something stays,
        which then also says what went wrong before (error)."""
        held = self.held
        left = self.ask({'do': 'abandon'})['held']
        self.held = []
        if left:
            before = native(error) + ' ' if isinstance(error, Refused) else ''
            raise LeaseExpired('%sWhat the %s held could not be released yet; the watchdog, process %s, goes on trying.' % (
                before, self.what, self.pid), object=', '.join(held), look='cat %s' % self.report)

    def ask(self, request):
        try:
            self.channel.send(request)
        except Closed:
            # It has ended, but may have left a last word in the pipe.
            self.over = True
        try:
            answer = self.channel.receive()
            while 'running' in answer:
                self.running = answer['running']
                answer = self.channel.receive()
        except Closed:
            raise self.undo_alone()
        self.running = None
        if 'expired' in answer:
            self.held, self.over = [], True
            raise self.expired('The %s was ended by its watchdog: %s.' % (self.what, answer['expired']), answer['held'], answer['stuck'],
                               look='cat %s' % self.report)
        return answer

    def undo_alone(self):
        """The watchdog is gone, so this process takes its place. Returns the error to raise."""
        held, self.held, self.over = self.held, [], True
        stuck = None
        try:
            if self.running:
                end_group(self.running)
        except Unkillable as error:
            # It may still cut or lock later; what is held must not wait for it.
            stuck = process_of(error.group)
        left = undo_once(held, self.undo)
        limit = monotonic() + self.seconds
        while left and monotonic() < limit:
            time.sleep(PAUSE)
            left = undo_once(left, self.undo)
        return self.expired('The watchdog of the %s has died.' % self.what, left, stuck)

    def expired(self, message, held, stuck, **facts):
        """The LeaseExpired that says so."""
        error = LeaseExpired(message, found='still held: %s' % (', '.join(held) or 'nothing'), **facts)
        error.stuck = stuck
        return error


def process_of(group):
    """The identity of a living process of the group, or None; which boot it is of goes without saying."""
    pid = living(group) if group else None
    return identity(pid, None) if pid else None


def undo_once(held, undo):
    """Try to undo each key, the last one first; return those that are still held."""
    left = []
    for key in reversed(held):
        try:
            if not undo[key](lambda argv, limit=UNDO_LIMIT: run(argv, timeout=limit, fresh=True)):
                left.insert(0, key)
        except Exception:  # pylint: disable=broad-except
            # Whatever went wrong, the lock is still there and the next round tries again.
            left.insert(0, key)
    return left


def _become_watchdog(channel, owner_end, undo, deadline, report):
    """Turn this forked process into the watchdog. Never returns."""
    status = 1
    try:
        os.setsid()
        if os.fork() == 0:
            owner_end.close()
            _isolate((channel.source, channel.sink))
            Watchdog(channel, undo, deadline, report).serve()
        status = 0
    finally:
        os._exit(status)


def _isolate(keep):
    """Hold on to nothing of the module: no directory, no descriptor, no terminal, no signal meant for it."""
    os.chdir('/')
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    _outlive_lack_of_memory()
    # A file object of the module that is collected here would close its number, which may be another file by then.
    gc.disable()
    for fd in _open_descriptors():
        if fd not in keep:
            try:
                os.close(fd)
            except OSError:
                # The descriptor that listed the directory is closed already.
                continue
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        if fd not in keep and fd != null:
            os.dup2(null, fd)


def _outlive_lack_of_memory():
    """Ask the kernel never to choose this process when memory runs out: it may choose the owner too (proc(5))."""
    try:
        with open(OOM_SCORE, 'w') as score:
            score.write(NEVER_CHOSEN)
    except (IOError, OSError):
        # Not Linux, or a container that may not.
        return


def _open_descriptors():
    for directory in ('/proc/self/fd', '/dev/fd'):
        if os.path.isdir(directory):
            return [int(name) for name in os.listdir(directory)]
    return range(os.sysconf('SC_OPEN_MAX'))


def _terminate(number, frame):
    # Once: a second one must not interrupt the release that the first one causes.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated()


class Watchdog:
    """The watchdog's side: serve the owner until it is done, or take back what it held."""

    def __init__(self, channel, undo, deadline, report):
        self.channel = channel
        self.undo = undo
        self.deadline = deadline
        self.report = report
        self.held = []
        self.stuck = None
        self.marker = None
        self.running = None

    def serve(self):
        try:
            while self.answer(self.channel.receive(self.deadline)):
                pass
            if self.held:
                self.release('abandoned by its owner')
        except Closed:
            if self.marker:
                self.stand_guard()
            else:
                self.expire('its owner died')
        except Abandoned:
            self.expire('its owner died')
        except Late:
            self.expire('the lease ran out')
        except Terminated:
            self.expire('the watchdog was told to end')
        except Unkillable as error:
            self.stuck = error.group
            self.expire('the lease ran out and nothing ends the command that runs')

    def answer(self, request):
        """Carry out one request. False when it was the last."""
        reply = getattr(self, 'do_' + request['do'])(request)
        self.channel.send(reply)
        return request['do'] not in ('done', 'abandon')

    def do_hello(self, request):
        return {'pid': os.getpid()}

    def do_hold(self, request):
        if request['key'] not in self.held:
            self.held.append(request['key'])
        return {}

    def do_run(self, request):
        if request['hold']:
            self.do_hold({'key': request['hold']})
        left = self.deadline - monotonic()
        if left <= 0:
            raise Late()
        self.running = ' '.join(request['argv'])
        try:
            result = run(request['argv'], timeout=min(left, request['limit']), watch=self.channel.source, started=self.tell,
                         fresh=True)
        except OSError as error:
            return {'cannot start': error.errno}
        if result.rc is None and monotonic() >= self.deadline:
            raise Late()
        self.running = None
        return {'result': list(result)}

    def tell(self, pid):
        """Name the command that runs, so that the owner can end it if the watchdog dies."""
        self.channel.send({'running': pid})

    def do_free(self, request):
        self.held.remove(request['key'])
        return {}

    def do_keep(self, request):
        self.marker = request['marker']
        return {}

    def do_done(self, request):
        return {}

    def do_abandon(self, request):
        self.undo_round()
        self.mark('abandoned by its owner')
        return {'held': self.held}

    def stand_guard(self):
        """The owner has ended and left its locks to this process: undo them at the deadline unless that was done before."""
        try:
            while monotonic() < self.deadline:
                if not os.path.exists(self.marker):
                    return
                time.sleep(min(1.0, max(0, self.deadline - monotonic())))
        except Terminated:
            return self.expire('the watchdog was told to end')
        self.expire('the longest time to hold has passed')

    def expire(self, reason):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.running:
            reason = '%s during %s' % (reason, self.running)
        self.undo_round()
        self.mark(reason)
        try:
            self.channel.send({'expired': reason, 'held': self.held, 'stuck': process_of(self.stuck)})
        except Closed:
            # The owner is what died; the report on the disk is for whoever comes next.
            self.channel = None
        self.release(reason)

    def release(self, reason):
        """Undo until nothing is left, then say so."""
        pause = PAUSE
        while self.held:
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            self.undo_round()
            if not self.held:
                self.mark(reason)
        if self.marker and os.path.exists(self.marker):
            os.unlink(self.marker)

    def undo_round(self):
        left = undo_once(self.held, self.undo)
        if not self.is_stuck():
            self.held = left

    def is_stuck(self):
        """A command that could not be killed may still take a lock, so nothing counts as released before it is gone."""
        return self.stuck is not None and living(self.stuck) is not None

    def mark(self, reason):
        """Write the report: state is releasing while something is held. stuck: the process of a command that nothing ends."""
        state = 'releasing' if self.held else 'released'
        try:
            _files.write_json(self.report, {'state': state, 'reason': reason, 'held': self.held, 'at': time.time(), 'pid': os.getpid(),
                                            'stuck': process_of(self.stuck)})
        except (IOError, OSError):
            # A report that cannot be written must not keep a file system locked.
            return
