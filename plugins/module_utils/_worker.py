# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The program of a copy job: it holds the job's lock, shows its progress, and leaves a result.

What a kind of job does is a function work(job) in another file, which gets the Job below, raises Refused when it cannot
go on, and returns what is to be added to the result. Nothing here knows of modules.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import fcntl
import json
import os
import signal
import threading
import traceback

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _process, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import Tool

COMPLETE, FAILED = 'complete', 'failed'
RENEW_EVERY = 30
RATE_OVER = 10
GIVE_UP = 60


@contextlib.contextmanager
def locked(path, wait=True):
    """Hold a lock that ends with the process. Raises IOError (OSError) when it is taken and wait is false."""
    with open(path, 'a') as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


class Stopped(Exception):
    """Somebody has asked the job to end."""


class Hanging(Exception):
    """A call of the kernel holds the main thread, and nothing ends it."""


class Gauge:
    """How far one object has come: its state in a word, bytes, and the total where that is known and not guessed.

    log: what its tools say. watch: a function that is called about once a second while they run, or None.
    """

    def __init__(self, name, total=None, log=None):
        self.name = name
        self.log = log
        self.watch = None
        self.begin('waiting', total)

    def begin(self, state, total=None):
        self.state = state
        self.bytes = 0
        self.total = total
        self.touched = monotonic()
        self._marks = [(self.touched, 0)]

    def count(self, size):
        self.bytes += size
        self.touched = monotonic()

    def touch(self, dummy_size):
        """Something moves that does not count."""
        self.touched = monotonic()

    def row(self):
        """One line of progress. rate: bytes per second over the last ten seconds; eta: seconds left; null where unknown."""
        rate = self._rate()
        known = self.total is not None and self.bytes <= self.total
        return dict(object=self.name, state=self.state, bytes=self.bytes, total=self.total if known else None,
                    percent=(100 * self.bytes // self.total if self.total else 100) if known else None,
                    rate=int(rate) if rate else None,
                    eta=int((self.total - self.bytes) / rate + 0.5) if known and rate else None)

    def _rate(self):
        now = monotonic()
        self._marks.append((now, self.bytes))
        while len(self._marks) > 2 and now - self._marks[1][0] >= RATE_OVER:
            self._marks.pop(0)
        began, base = self._marks[0]
        return (self.bytes - base) / (now - began) if now > began else None


class Job:
    """What work(job) gets: spec, record, runner, directory, log, gauges by volume, and the tools that run now."""

    def __init__(self, directory, spec, environment):
        self.directory = directory
        self.spec = spec
        self.environment = environment
        self.record = _run.load(spec['state_dir'], spec['run'])
        self.runner = Runner()
        self.log = os.path.join(directory, 'log')
        # What tools say at the same time must not mix.
        several = spec.get('streams', 1) > 1
        self.gauges = [Gauge(name, total, '%s.%d' % (self.log, number) if several else self.log)
                       for number, (name, total) in enumerate(spec['volumes'])]
        self.tools = []
        self.began = monotonic()
        self._renewed = self.began
        self._stopping = False
        # Locks of files do not hold between the threads of one process.
        self._one_thread = threading.Lock()
        self._starting = threading.RLock()

    def gauge(self, volume):
        return [gauge for gauge in self.gauges if gauge.name == volume][0]

    def phase(self, volume, state, total=None):
        """The gauge of a volume, set back to begin something new."""
        gauge = self.gauge(volume)
        gauge.begin(state, total)
        return gauge

    @contextlib.contextmanager
    def running(self, gauge, argv, stdin=None, stdout=None, cwd='/'):
        """A tool that is watched for stalling, and killed if this block is left by an exception."""
        # One at a time: else its child may inherit, and keep open, a pipe of another tool that is just being made.
        with self._starting:
            if self._stopping:
                raise Stopped()
            tool = Tool(argv, gauge.log, stdin, stdout, env=self.environment, cwd=cwd)
            self.tools.append((gauge, tool))
        gauge.touched = monotonic()
        try:
            self.publish()
            yield tool
            tool.check()
        except BaseException:
            tool.close()
            tool.kill()
            if tool.stalled is not None:
                tool.check()
            raise
        finally:
            self.tools.remove((gauge, tool))

    def kill_tools(self, gauge=None):
        """Kill what runs for one volume. Without a volume: all there is, and nothing is started any more."""
        with self._starting:
            self._stopping = self._stopping or gauge is None
            doomed = [tool for owner, tool in self.tools if gauge in (None, owner)]
        for tool in doomed:
            tool.kill()

    def publish(self):
        with self._one_thread:
            children = [_process.identity(tool.process.pid, self.spec['boot']) for dummy, tool in list(self.tools)]
            content = json.dumps(dict(self.summary(), children=children))
            path = os.path.join(self.directory, 'progress.json')
            # Not made durable: after a crash of the host nobody continues this job.
            with open(path + '.new', 'w') as target:
                target.write(content)
            os.rename(path + '.new', path)

    def summary(self):
        rows = [gauge.row() for gauge in self.gauges]
        totals = [row['total'] for row in rows]
        return dict(bytes=sum(row['bytes'] for row in rows), total=None if None in totals else sum(totals),
                    seconds=round(monotonic() - self.began, 3), progress=rows)

    def check_stall(self):
        """Kill tools that have moved nothing for too long. If even then their thread hangs, in a write, end without it."""
        for gauge, tool in list(self.tools):
            idle = monotonic() - gauge.touched
            if idle <= self.spec['stall']:
                continue
            if tool.stalled is None:
                tool.stall(self.spec['stall'])
            elif idle > self.spec['stall'] + GIVE_UP:
                raise Hanging('the system does not end a write of this process')

    def tick(self):
        """One round of the second thread. What goes wrong here is told in the log and does not end the job."""
        try:
            for gauge in self.gauges:
                if gauge.watch is not None:
                    gauge.watch()
            self.check_stall()
            self.publish()
            if monotonic() - self._renewed > RENEW_EVERY:
                self._renewed = monotonic()
                with self._one_thread:
                    self.record.renew()
        except Hanging as error:
            # The main thread hangs in the same kernel call and cannot tell.
            self.finish(FAILED, 'It stalled and cannot be ended: %s.' % error)
            os._exit(1)
        except Exception:
            traceback.print_exc()

    def update(self, **fields):
        with self._one_thread:
            self.record.update(**fields)

    def finish(self, state, error=None, **more):
        with self._one_thread:
            result = dict(self.summary(), state=state, error=error, **more)
        _files.write_json(os.path.join(self.directory, 'result.json'), result)


def main(path, work):
    """The program: run work(job) for the spec at path. Returns the exit code."""
    spec = _files.read_json(path)
    directory = os.path.dirname(path)
    environment = spec.pop('environment')
    _files.write_json(path, dict(spec, environment={}))
    _log_to(os.path.join(directory, 'log'))
    try:
        with locked(os.path.join(directory, 'lock'), wait=False):
            return _conduct(Job(directory, spec, environment), path, work)
    except (IOError, OSError):
        traceback.print_exc()
        return 1


def _conduct(job, path, work):
    # Before anybody can know the process and stop it.
    signal.signal(signal.SIGTERM, _raise_stopped)
    ended = threading.Event()
    try:
        _introduce(job, path)
        ticker = threading.Thread(target=_tick_until, args=(job, ended))
        ticker.daemon = True
        ticker.start()
        outcome = dict(state=COMPLETE, **work(job))
    except Stopped:
        outcome = dict(state=FAILED, error='it was stopped')
    except Refused as error:
        outcome = dict(state=FAILED, error=str(error), facts=error.as_dict())
    except BaseException as error:
        traceback.print_exc()
        outcome = dict(state=FAILED, error='%s: %s' % (type(error).__name__, error))
    no_more_stopping()
    ended.set()
    job.finish(**outcome)
    return 0 if outcome['state'] == COMPLETE else 1


def _introduce(job, path):
    """Say who does the job, in its spec and in the run record."""
    process = _process.identity(os.getpid(), job.spec['boot'])
    job.publish()
    _files.write_json(path, dict(job.spec, environment={}, process=process))
    job.update(job=dict(process, directory=job.directory))


def _tick_until(job, ended):
    while not ended.wait(1.0):
        job.tick()


def _raise_stopped(dummy_number, dummy_frame):
    no_more_stopping()
    raise Stopped()


def no_more_stopping():
    """From here on a request to stop comes too late."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _log_to(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)
