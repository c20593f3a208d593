# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Running commands: argument lists, absolute paths, the C locale, time limits that hold."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import tempfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Unkillable
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic

Result = collections.namedtuple('Result', 'argv rc out err seconds started')
CHUNK = 65536
POLL_MS = 50
# A process in an uninterruptible kernel call outlives SIGKILL; after this many seconds it is reported, not awaited.
KILL_WAIT = 5.0
# Seconds between two looks whether a command that may work on for hours has begun.
LOOK = 5.0
# CPython 2 closes descriptors one by one up to the limit, which takes longer than a whole window where the limit is
# high. What this collection opens there is marked close-on-exec instead.
CLOSE_FDS = sys.version_info[0] > 2 or os.sysconf('SC_OPEN_MAX') <= 4096


class Abandoned(Exception):
    """The command was killed because the descriptor it depended on reported its other end gone."""


def environment(extra=None):
    """A copy of the environment in the C locale, with the values of extra added; without a name where that is None."""
    env = dict(os.environ, LC_ALL='C', LANG='C')
    env.update(extra or {})
    return dict((name, value) for name, value in env.items() if value is not None)


def text(data):
    """Bytes as a native string that can always be written as JSON."""
    decoded = data.decode('utf-8', 'replace')
    return decoded.encode('utf-8') if str is bytes else decoded


@contextlib.contextmanager
def usual_signals(wanted):
    """Let a program that is started meanwhile have what this process ignores: a service would never be ended by SIGTERM otherwise.

    A handler is gone when the program begins (execve(2)), while what is ignored stays ignored.
    """
    ignored = [number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if wanted and signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *dummy: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def spawn(argv, **kwargs):
    """Start argv in a session of its own, so that it and its children can be killed together."""
    if not os.path.isabs(argv[0]):
        raise ValueError('not an absolute path: %r' % (argv[0],))
    kwargs.setdefault('close_fds', CLOSE_FDS)
    kwargs.setdefault('env', environment())
    kwargs.setdefault('cwd', '/')
    # AnsibleModule.run_command() knows no watch, no group to kill and no limit on a child that keeps its output open.
    if hasattr(subprocess, 'DEVNULL'):
        return subprocess.Popen(argv, start_new_session=True, **kwargs)  # pylint: disable=ansible-bad-function
    return subprocess.Popen(argv, preexec_fn=_lead, **kwargs)  # pylint: disable=ansible-bad-function


def _lead():
    """What CPython 3 does for a new session by itself; CPython 2 also leaves SIGPIPE ignored."""
    os.setsid()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def living(pgid):
    """A process of the group that lives, its leader if that does, or None. The dead that nobody has collected yet do not count, where
    that can be told.
    """
    try:
        os.killpg(pgid, 0)
    except OSError as error:
        if error.errno != errno.EPERM:
            return None
    if not os.path.exists('/proc/self/stat'):
        return pgid
    for pid in [pgid] + [int(name) for name in os.listdir('/proc') if name.isdigit()]:
        fields = _process.stat_fields(pid)
        if fields and int(fields[2]) == pgid and not _process.is_dead(fields):
            return pid
    return None


def kill_group(process, wait=KILL_WAIT):
    """Kill the process group that spawn() made and wait until it is gone; raise Unkillable if it is not."""
    # Where the dead count until they are collected (Solaris), its leader must be collected first.
    end_group(process.pid, wait, process.poll)
    process.wait()


def end_group(pgid, wait=KILL_WAIT, collect=lambda: None):
    """Kill a process group and wait until none of it lives; raise Unkillable if it still does after so many seconds."""
    if pgid <= 1:
        # To the system these numbers mean its own group, or every process there is.
        raise ValueError('not a group to kill: %r' % pgid)
    limit = monotonic() + wait
    while living(pgid):
        try:
            os.killpg(pgid, signal.SIGKILL)
        except OSError as error:
            if error.errno not in (errno.ESRCH, errno.EPERM):
                raise
        if monotonic() > limit:
            raise Unkillable(pgid)
        collect()
        select.select([], [], [], 0.01)


class Exchange:
    """Feed a process its input and collect its output until it ends, a limit passes or a descriptor hangs up."""

    def __init__(self, process, data, watch=None):
        self.process = process
        self.watch = watch
        self.data = data
        self.outputs = dict((stream.fileno(), []) for stream in (process.stdout, process.stderr))
        self.poller = select.poll()
        for fd in self.outputs:
            self.poller.register(fd, select.POLLIN | select.POLLHUP)
        self.open = set(self.outputs)
        if data:
            self.poller.register(process.stdin.fileno(), select.POLLOUT | select.POLLHUP | select.POLLERR)
        if watch is not None:
            self.poller.register(watch, select.POLLIN | select.POLLHUP)

    def turn(self, seconds_left):
        """Wait for one round of events. True while the process may still say something."""
        try:
            events = self.poller.poll(min(POLL_MS, max(0, seconds_left * 1000)) if self.open else 0)
        except (OSError, select.error) as error:
            if error.args[0] != errno.EINTR:
                raise
            return True
        for fd, dummy in events:
            if fd == self.watch:
                raise Abandoned()
            if fd in self.outputs:
                self.read(fd)
            else:
                self.write(fd)
        if not self.open:
            return False
        # A child that keeps stdout open must not keep us: the end of the process itself counts.
        return bool(events) or self.process.poll() is None

    def read(self, fd):
        chunk = os.read(fd, CHUNK)
        if chunk:
            self.outputs[fd].append(chunk)
        else:
            self.poller.unregister(fd)
            self.open.discard(fd)

    def write(self, fd):
        try:
            self.data = self.data[os.write(fd, self.data[:512]):]
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            self.data = b''
        if not self.data:
            self.poller.unregister(fd)
            self.process.stdin.close()

    def texts(self):
        return [text(b''.join(self.outputs[stream.fileno()])) for stream in (self.process.stdout, self.process.stderr)]

    def close(self):
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


def run(argv, timeout=60, data=None, watch=None, env=None, started=None, fresh=False, begun=None):
    """Run argv (absolute path first) and return a Result.

    timeout: seconds until the whole process group is killed (Result.rc is then None). data: bytes for standard
    input, which otherwise is /dev/null. watch: a descriptor; when it becomes readable or hangs up, the group is
    killed and Abandoned is raised. started: called with the number of the process group. fresh: whether it heeds the
    signals that this process ignores. begun: see run_or_leave(), with which only timeout goes together. Raises Unkillable when SIGKILL
    does not help, OSError when argv[0] cannot be started.
    """
    if begun:
        return run_or_leave(argv, timeout, begun)
    start = monotonic()
    with open(os.devnull, 'rb') as null, usual_signals(fresh):
        process = spawn(argv, stdin=subprocess.PIPE if data else null, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        env=environment(env))
    exchange = Exchange(process, data, watch)
    try:
        rc = converse(process, exchange, start + timeout, started)
        out, err = exchange.texts()
    finally:
        exchange.close()
    return Result(list(argv), rc, out, err, monotonic() - start, start)


def run_or_leave(argv, timeout, begun):
    """Run a command that may not come back before a long copy is at its end, and whose death would leave that half done.

    It is left at work, also when this process ends, as soon as begun() is true: Result.rc is None. Only one that has not begun is
    killed at the limit.
    """
    start = look = monotonic()
    # Into files: a pipe that nobody reads any more would end it.
    with open(os.devnull, 'rb') as null, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = spawn(argv, stdin=null, stdout=out, stderr=err, close_fds=True)
        while process.poll() is None:
            now = monotonic()
            if now - look >= min(LOOK, timeout):
                if begun():
                    break
                look = monotonic()
                if look - start >= timeout:
                    kill_group(process)
                    # What has ended by itself meanwhile has not been killed.
                    process.returncode = process.returncode if process.returncode >= 0 else None
                    break
            select.select([], [], [], 0.01)
        for stream in (out, err):
            stream.seek(0)
        return Result(list(argv), process.returncode, text(out.read()), text(err.read()), monotonic() - start, start)


def converse(process, exchange, limit, started=None):
    """Drive exchange until the process has ended; return its exit code, or None when it was killed at the limit."""
    pause = 0.0002
    try:
        if started:
            started(process.pid)
        while monotonic() < limit:
            if exchange.turn(limit - monotonic()):
                continue
            if process.poll() is not None:
                # What it wrote between the last look at its output and its end.
                while monotonic() < limit and exchange.turn(0):
                    continue
                return process.returncode
            # It has closed its output and is about to end.
            select.select([], [], [], pause)
            pause = min(pause * 2, 0.02)
    except Exception:
        kill_group(process)
        raise
    kill_group(process)
    return None


class Runner:
    """Runs commands and keeps account of them.

    commands: the state-changing ones, as [{"argv": [...], "rc": int or None, "seconds": float}]. reads: how many others.
    """

    def __init__(self):
        self.commands = []
        self.reads = 0

    def __call__(self, argv, timeout=60, data=None):
        """A command that only reads. Returns a Result whatever its exit code."""
        self.reads += 1
        return run(argv, timeout=timeout, data=data)

    def expect(self, argv, timeout=60, **facts):
        """A command that only reads and must succeed; raises CommandFailed with the given facts."""
        result = self(argv, timeout=timeout)
        if result.rc != 0:
            raise CommandFailed(result, **facts)
        return result

    def change(self, argv, timeout=60, data=None, begun=None):
        """A command that changes something. Returns a Result whatever its exit code."""
        result = run(argv, timeout=timeout, data=data, begun=begun)
        self.account(result)
        return result

    def account(self, result):
        """Enter a state-changing command that somebody else (the lease's watchdog) has run."""
        self.commands.append({'argv': result.argv, 'rc': result.rc, 'seconds': round(result.seconds, 4)})

    def plan(self, argv):
        """Enter a command that check mode does not run."""
        self.commands.append({'argv': list(argv), 'rc': None, 'seconds': None})
