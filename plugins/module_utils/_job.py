# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The copy job of a run: a program of its own on the host that outlives module, connection and controller.

Its files are in <run directory>/job: job.zip (the program), spec.json (what to do; once it runs, also who does it),
progress.json (about once a second), result.json (at the end), log (what its tools say), lock (held while it lives).

Modules use start(), status() and stop(); the program enters through main(). What a kind of job does is a function
work(job) in another file, which gets the Job below and returns what is to be added to the result.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import fcntl
import json
import os
import pkgutil
import signal
import sys
import threading
import time
import traceback
import zipfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _detach, _files, _platform, _process, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner, Unkillable
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import Tool

PACKAGE = __name__.rpartition('.')[0]
# The frame of the modules is the only file that needs ansible, which the program does not have.
NOT_IN_PROGRAM = (PACKAGE + '._module',)
MAIN = 'import sys\nfrom %s import _job, %s\nsys.exit(_job.main(sys.argv[1], %s.work))\n'
RUNNING, COMPLETE, FAILED, LOST, ABSENT = 'running', 'complete', 'failed', 'lost', 'absent'
START_WAIT = 30
STOP_WAIT = 20
RENEW_EVERY = 30
RATE_OVER = 10
GIVE_UP = 60


# The side of the modules.

def directory_of(record):
    return os.path.join(record.state_dir, 'runs', record.run, 'job')


def start(record, work, spec, environment=None, restart=False):
    """Start the job of a run unless it is running or done, and return its status.

    work: the name of the module_utils file with the function work. spec: a dictionary for it, with volumes ([[name, total
    or null], ...]) and stall (seconds). environment: secrets for its tools. Refused when an earlier job has failed or was
    lost and restart is not set.
    """
    directory = directory_of(record)
    _files.make_private(directory)
    with _lock(os.path.join(directory, 'starting')):
        now = status(record)
        if now['state'] in (RUNNING, COMPLETE):
            return now
        refuse_unfinished(record, now, restart)
        _clear(directory)
        _write_program(os.path.join(directory, 'job.zip'), work)
        return _launch(record, directory, spec, environment or {})


def refuse_unfinished(record, now, restart):
    """Refused where a job did not finish, unless it may be started again. now: its status."""
    if now['state'] in (FAILED, LOST) and not restart:
        raise Refused('The copy job of run %s did not finish: %s' % (record.run, now['error']), object=record.run,
                      found='job %s' % now['state'], look='the log %s' % now['log'],
                      remedy='mend the cause, then start it again with restart=true')


def _launch(record, directory, spec, environment):
    spec_path = os.path.join(directory, 'spec.json')
    boot = _platform.boot_identity(Runner())
    _files.write_json(spec_path, dict(spec, environment=environment, boot=boot, run=record.run, state_dir=record.state_dir))
    argv = [sys.executable, '-s', '-E', os.path.join(directory, 'job.zip'), spec_path]
    try:
        _detach.start(argv, 'snapbackup-' + record.run, os.path.join(directory, 'log'))
        limit = monotonic() + START_WAIT
        while monotonic() < limit:
            now = status(record)
            if now['state'] != ABSENT:
                return now
            time.sleep(0.02)
        raise Refused('The copy job of run %s did not begin within %d s.' % (record.run, START_WAIT), object=record.run,
                      vendor=_tail(directory), look='the log %s/log, or journalctl -u snapbackup-%s' % (directory, record.run))
    finally:
        _forget_environment(spec_path)


def _forget_environment(path):
    """Whatever became of the job: secrets do not stay on the disk."""
    spec = _files.read_json(path)
    if spec and spec.get('environment'):
        _files.write_json(path, dict(spec, environment={}))


NOTHING = dict(state=ABSENT, bytes=0, total=None, seconds=0, error=None, manifest=None, log=None, progress=[])


def status(record):
    """What is known about the job of a run: a dictionary with the keys of NOTHING."""
    directory = directory_of(record)
    now = dict(NOTHING, log=os.path.join(directory, 'log'))
    spec = _files.read_json(os.path.join(directory, 'spec.json')) or {}
    if 'process' not in spec:
        return now
    # Asked before the result is read: a job that ends in between has written it.
    lives = _process.alive(spec['process'], _platform.boot_identity(Runner()))
    now.update(_last_progress(directory))
    result = _files.read_json(os.path.join(directory, 'result.json'))
    if result is not None:
        now.update(result)
    elif lives:
        now['state'] = RUNNING
    else:
        now.update(state=LOST, error='its process %d is gone without a result, killed or ended with the host%s' % (
            spec['process']['pid'], said(directory)))
    return dict((key, now[key]) for key in NOTHING)


def report(now):
    """A status as the modules return it."""
    job = dict((key, value) for key, value in now.items() if key != 'progress')
    return dict(job=job, progress=now['progress'], in_progress=now['state'] == RUNNING)


def reported(context):
    """What a module with state read returns."""
    return dict(report(status(context.record) if context.record else NOTHING), changed=False)


def stopped(context):
    """What a module with state stopped does and returns."""
    record = context.record
    running = record is not None and status(record)['state'] == RUNNING
    acted = stop(record) if record is not None and not context.check else running
    return dict(reported(context), changed=acted, before=dict(started=acted), after=dict(started=False))


def said(directory):
    tail = _tail(directory)
    return '; it said last: %s' % tail if tail else ''


def _tail(directory, size=500):
    try:
        with open(os.path.join(directory, 'log'), 'rb') as log:
            return log.read()[-size:].decode('utf-8', 'replace').strip()
    except IOError:
        return ''


def _last_progress(directory):
    """The last progress.json; nothing where a crash of the host has left half of one."""
    try:
        return _files.read_json(os.path.join(directory, 'progress.json')) or {}
    except ValueError:
        return {}


def stop(record):
    """End the job with all its processes and wait until they are gone. True if there was something to end."""
    directory = directory_of(record)
    spec = _files.read_json(os.path.join(directory, 'spec.json')) or {}
    process = spec.get('process')
    if process is None:
        return False
    boot = _platform.boot_identity(Runner())
    acted = _process.alive(process, boot)
    if acted:
        os.kill(process['pid'], signal.SIGTERM)
        if not _process.wait_gone(process, STOP_WAIT) and not _process.kill(process):
            raise _unkillable(record, process)
    child = _last_progress(directory).get('child')
    if child and _process.alive(child, boot):
        acted = True
        if not _process.kill(child, group=True):
            raise _unkillable(record, child)
    return acted


def _unkillable(record, process):
    return Refused('The copy job of run %s cannot be ended.' % record.run, object=record.run,
                   found='process %d still there after SIGKILL, so inside the kernel' % process['pid'],
                   look='ps -fp %d' % process['pid'], remedy='look at the device or the destination it waits for')


def _clear(directory):
    """Take away what an earlier job of the run has left, a tool it left behind among it."""
    child = _last_progress(directory).get('child')
    if child:
        _process.kill(child, group=True)
    for name in ('spec.json', 'progress.json', 'result.json', 'log'):
        if os.path.exists(os.path.join(directory, name)):
            os.unlink(os.path.join(directory, name))


def _write_program(path, work):
    """Put every file of the collection that is loaded here into a program that runs without ansible."""
    names = [name for name, module in sys.modules.items()
             if module is not None and name.startswith(PACKAGE + '._') and name not in NOT_IN_PROGRAM]
    with contextlib.closing(zipfile.ZipFile(path + '.new', 'w', zipfile.ZIP_DEFLATED)) as program:
        parts = PACKAGE.split('.')
        for depth in range(1, len(parts) + 1):
            program.writestr('/'.join(parts[:depth]) + '/__init__.py', '')
        for name in sorted(names):
            program.writestr(name.replace('.', '/') + '.py', pkgutil.get_data(name, name.rpartition('.')[2] + '.py'))
        program.writestr('__main__.py', MAIN % (PACKAGE, work, work))
    os.rename(path + '.new', path)


@contextlib.contextmanager
def _lock(path, wait=True):
    """Hold a lock that ends with the process. Raises IOError (OSError) when it is taken and wait is false."""
    with open(path, 'a') as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


# The side of the program.

class Stopped(Exception):
    """Somebody has asked the job to end."""


class Gauge:
    """How far one object has come: its state in a word, bytes, and the total where that is known and not guessed."""

    def __init__(self, name, total=None):
        self.name = name
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
    """What work(job) gets: spec, record, runner, directory, log, gauges by volume, and the tool that runs now."""

    def __init__(self, directory, spec, environment):
        self.directory = directory
        self.spec = spec
        self.environment = environment
        self.record = _run.load(spec['state_dir'], spec['run'])
        self.runner = Runner()
        self.log = os.path.join(directory, 'log')
        self.gauges = [Gauge(name, total) for name, total in spec['volumes']]
        self.gauge = None
        self.tool = None
        self.watch_log = None
        self.began = monotonic()
        self._renewed = self.began
        # Locks of files do not hold between the two threads of one process.
        self._one_thread = threading.Lock()

    def phase(self, volume, state, total=None):
        """The gauge of a volume, set back to begin something new."""
        self.gauge = [gauge for gauge in self.gauges if gauge.name == volume][0]
        self.gauge.begin(state, total)
        return self.gauge

    @contextlib.contextmanager
    def running(self, argv, stream, cwd='/'):
        """A tool that is watched for stalling, and killed if this block is left by an exception."""
        tool = Tool(argv, self.log, stream, env=self.environment, cwd=cwd)
        self.gauge.touched = monotonic()
        self.tool = tool
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
            self.tool = None

    def publish(self):
        with self._one_thread:
            tool = self.tool
            content = json.dumps(dict(self.summary(), child=_process.identity(tool.process.pid, self.spec['boot']) if tool else None))
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
        """Kill a tool that has moved nothing for too long. If even then the main thread hangs, in a write, end without it."""
        tool = self.tool
        idle = monotonic() - self.gauge.touched if tool else 0
        if idle <= self.spec['stall']:
            return
        if tool.stalled is None:
            tool.stall(self.spec['stall'])
        elif idle > self.spec['stall'] + GIVE_UP:
            raise Unkillable('the system does not end a write of this process')

    def tick(self):
        """One round of the second thread. What goes wrong here is told in the log and does not end the job."""
        try:
            if self.watch_log is not None:
                self.watch_log()
            self.check_stall()
            self.publish()
            if monotonic() - self._renewed > RENEW_EVERY:
                self._renewed = monotonic()
                with self._one_thread:
                    self.record.renew()
        except Unkillable as error:
            # The main thread hangs in the same kernel call and cannot tell.
            self.finish(FAILED, 'It stalled and cannot be ended: %s.' % error)
            os._exit(1)
        except Exception:
            traceback.print_exc()

    def update(self, **fields):
        with self._one_thread:
            self.record.update(**fields)

    def finish(self, state, error=None, **more):
        _files.write_json(os.path.join(self.directory, 'result.json'), dict(self.summary(), state=state, error=error, **more))


def main(path, work):
    """The program: run work(job) for the spec at path. Returns the exit code."""
    spec = native(_files.read_json(path))
    directory = os.path.dirname(path)
    environment = spec.pop('environment')
    _files.write_json(path, dict(spec, environment={}))
    _log_to(os.path.join(directory, 'log'))
    try:
        with _lock(os.path.join(directory, 'lock'), wait=False):
            process = _process.identity(os.getpid(), spec['boot'])
            job = Job(directory, spec, environment)
            job.publish()
            _files.write_json(path, dict(spec, environment={}, process=process))
            job.update(job=dict(process, directory=directory))
            return _conduct(job, work)
    except (IOError, OSError):
        traceback.print_exc()
        return 1


def _conduct(job, work):
    signal.signal(signal.SIGTERM, _raise_stopped)
    ended = threading.Event()
    ticker = threading.Thread(target=_tick_until, args=(job, ended))
    ticker.daemon = True
    ticker.start()
    try:
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
    ticker.join(5)
    job.finish(**outcome)
    return 0 if outcome['state'] == COMPLETE else 1


def _tick_until(job, ended):
    while not ended.wait(1.0):
        job.tick()


def _raise_stopped(dummy_number, dummy_frame):
    no_more_stopping()
    raise Stopped()


def no_more_stopping():
    """From here on a request to stop comes too late."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def native(value):
    """A decoded JSON value whose texts are of type str also in Python 2, whose commands take no other beyond ASCII."""
    if isinstance(value, dict):
        return dict((native(key), native(item)) for key, item in value.items())
    if isinstance(value, list):
        return [native(item) for item in value]
    if str is bytes and isinstance(value, type(u'')):
        return value.encode('utf-8')
    return value


def _log_to(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)
