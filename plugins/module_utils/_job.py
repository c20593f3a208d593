# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The copy job of a run: a program of its own on the host that outlives module, connection and controller.

Its files are in <run directory>/job: job.zip (the program), spec.json (what to do; once it runs, also who does it),
progress.json (about once a second), result.json (at the end), log (what its tools say; of several streams log.0, log.1, ...),
lock (held while it lives).

This is the side of the modules: start(), status(), stop(). The program itself is in _worker.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import os
import pkgutil
import signal
import sys
import time
import zipfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _detach, _files, _platform, _process, _worker
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic

PACKAGE = __name__.rpartition('.')[0]
# The frame of the modules is the only file that needs ansible, which the program does not have.
NOT_IN_PROGRAM = (PACKAGE + '._module',)
MAIN = 'import sys\nfrom %s import _worker, %s\nsys.exit(_worker.main(sys.argv[1], %s.work))\n'
RUNNING, LOST, ABSENT = 'running', 'lost', 'absent'
COMPLETE, FAILED = _worker.COMPLETE, _worker.FAILED
# Options of every module that starts a job; described in the doc fragment job.
OPTIONS = dict(environment=dict(type='dict', no_log=True), stall=dict(type='int', default=900), restart=dict(type='bool', default=False))
START_WAIT = 30
STOP_WAIT = 20
NOTHING = dict(state=ABSENT, bytes=0, total=None, seconds=0, error=None, manifest=None, log=None, progress=[])


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
    with _worker.locked(os.path.join(directory, 'starting')):
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
            spec['process']['pid'], _said(directory)))
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


def _said(directory):
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
    _forget_environment(os.path.join(directory, 'spec.json'))
    process = spec.get('process')
    if process is None:
        return False
    boot = _platform.boot_identity(Runner())
    acted = _process.alive(process, boot)
    if acted:
        try:
            os.kill(process['pid'], signal.SIGTERM)
        except OSError:
            # It has ended just now.
            pass
        if not _process.wait_gone(process, STOP_WAIT) and not _process.kill(process):
            raise _unkillable(record, process)
    for child in _children(directory, boot):
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
    for child in _children(directory, _platform.boot_identity(Runner())):
        _process.kill(child, group=True)
    for name in os.listdir(directory):
        if name in ('spec.json', 'progress.json', 'result.json') or name.partition('.')[0] == 'log':
            os.unlink(os.path.join(directory, name))


def _children(directory, boot):
    """The tools of a job that still live."""
    return [child for child in _last_progress(directory).get('children', []) if _process.alive(child, boot)]


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
