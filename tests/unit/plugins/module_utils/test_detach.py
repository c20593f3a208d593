# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import signal
import sys
import textwrap

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _detach
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed

REPORT = textwrap.dedent('''
    import json, os, stat, sys
    null = os.stat(os.devnull).st_rdev
    open_ones = []
    for fd in range(3, 256):
        try:
            os.fstat(fd)
            open_ones.append(fd)
        except OSError:
            pass
    try:
        os.open('/dev/tty', os.O_RDWR)
        tty = True
    except OSError:
        tty = False
    facts = dict(pid=os.getpid(), sid=os.getsid(0), cwd=os.getcwd(), tty=tty, fds=open_ones, env=dict(os.environ),
                 stdin=os.fstat(0).st_rdev == null)
    print('to the log')
    with open(sys.argv[1] + '.new', 'w') as out:
        json.dump(facts, out)
    os.rename(sys.argv[1] + '.new', sys.argv[1])
    ''')


@pytest.fixture
def paths(host):
    return host.file('report.py', REPORT.encode()), host.path('facts'), host.path('log')


def facts_of(host, path):
    host.wait_for(lambda: path, os.path.exists)
    with open(path) as source:
        return json.load(source)


def test_a_detached_program_has_nothing_of_its_starter(host, paths, monkeypatch):
    program, facts, log = paths
    monkeypatch.setenv('SECRET', 'of the module')
    held = os.open(program, os.O_RDONLY)
    os.dup2(held, 77)
    try:
        _detach.start([sys.executable, program, facts], 'snapbackup-x', log)
    finally:
        os.close(held)
        os.close(77)
    found = facts_of(host, facts)
    assert found['cwd'] == '/' and found['stdin'] and not found['tty'] and found['fds'] == []
    assert found['sid'] not in (found['pid'], os.getsid(0))
    assert 'SECRET' not in found['env']
    host.wait_for(lambda: open(log).read(), lambda text: text == 'to the log\n')


def test_it_survives_the_death_of_the_session_that_started_it(host, paths):
    dummy, facts, log = paths
    slow = host.file('slow.py', b'import time\ntime.sleep(1)\n' + REPORT.encode())
    starter = os.fork()
    if not starter:
        try:
            os.setsid()
            _detach.start([sys.executable, slow, facts], 'snapbackup-x', log)
            os.kill(0, signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.waitpid(starter, 0)[1] == signal.SIGKILL
    assert not os.path.exists(facts)
    assert facts_of(host, facts)['cwd'] == '/'


def test_a_program_that_cannot_be_started_says_so_in_the_log(host, paths):
    log = paths[2]
    _detach.start([host.path('nothing')], 'snapbackup-x', log)
    assert 'No such file' in host.wait_for(lambda: os.path.exists(log) and open(log).read(), bool)


def test_where_there_are_contracts_it_gets_one_of_its_own(host, paths):
    program, facts, log = paths
    host.tool('ctrun', 'echo "$@" > %s' % host.path('ctrun.args'), 'shift 2', 'exec "$@"')
    _detach.start([sys.executable, program, facts], 'snapbackup-x', log)
    assert facts_of(host, facts)['stdin']
    assert open(host.path('ctrun.args')).read().split() == ['-l', 'none', sys.executable, program, facts]


@pytest.fixture
def systemd(host, monkeypatch):
    monkeypatch.setattr(_detach, 'SYSTEMD', host.base)
    host.tool('systemctl', 'echo "systemctl $*" >> %s' % host.path('calls'))
    return host


def test_under_systemd_it_gets_a_unit_of_its_own(systemd):
    systemd.tool('systemd-run', 'echo "systemd-run $*" >> %s' % systemd.path('calls'))
    assert _detach.start(['/bin/true', 'spec'], 'snapbackup-x', systemd.path('log')) == 'snapbackup-x.service'
    reset, call = open(systemd.path('calls')).read().splitlines()
    assert reset == 'systemctl reset-failed snapbackup-x.service'
    assert '--unit=snapbackup-x.service' in call and '--collect' in call and call.endswith('-- /bin/true spec')


def test_an_old_systemd_is_asked_without_collect(systemd):
    systemd.tool('systemd-run', 'echo "systemd-run $*" >> %s' % systemd.path('calls'),
                 'case "$*" in *--collect*) echo "unrecognized option \'--collect\'" >&2; exit 1;; esac')
    _detach.start(['/bin/true'], 'snapbackup-x', systemd.path('log'))
    assert '--collect' not in open(systemd.path('calls')).read().splitlines()[-1]


def test_when_systemd_refuses_nothing_else_is_tried(systemd):
    systemd.tool('systemd-run', 'echo "Failed to connect to bus" >&2', 'exit 1')
    with pytest.raises(CommandFailed) as caught:
        _detach.start(['/bin/true'], 'snapbackup-x', systemd.path('log'))
    assert 'Failed to connect to bus' in str(caught.value)
