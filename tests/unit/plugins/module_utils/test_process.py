# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import shutil
import subprocess
import sys
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import spawn


def test_a_process_keeps_its_start_time():
    first = _process.start_time(os.getpid())
    time.sleep(0.05)
    assert first == _process.start_time(os.getpid()) and first.isdigit()


def test_two_processes_differ_in_their_start_time():
    time.sleep(0.02)
    child = subprocess.Popen(['/bin/sleep', '30'])
    try:
        assert _process.start_time(child.pid) > _process.start_time(os.getpid())
    finally:
        child.kill()
        child.wait()


def test_the_name_of_a_command_does_not_confuse(tmpdir):
    program = str(tmpdir.join('a) Z (b'))
    shutil.copy('/bin/sleep', program)
    child = subprocess.Popen([program, '30'])
    try:
        time.sleep(0.05)
        assert _process.start_time(child.pid).isdigit()
    finally:
        child.kill()
        child.wait()


def test_a_process_that_has_ended_has_no_start_time():
    child = subprocess.Popen([sys.executable, '-c', ''])
    limit = time.time() + 10
    while _process.start_time(child.pid) is not None:
        assert time.time() < limit
        time.sleep(0.01)
    child.wait()
    assert _process.start_time(child.pid) is None


def test_without_a_stat_file_the_directory_tells_the_start(tmpdir, monkeypatch):
    monkeypatch.setattr(_process, 'PROC', str(tmpdir))
    tmpdir.mkdir('77')
    os.utime(str(tmpdir.join('77')), (1000, 1234567890))
    assert _process.start_time(77) == '1234567890.0'
    assert _process.start_time(78) is None


def test_an_identity_is_alive_only_if_all_of_it_matches():
    me = _process.identity(os.getpid(), 'boot one')
    assert _process.alive(me) and _process.alive(me, 'boot one')
    assert not _process.alive(me, 'boot two')
    assert not _process.alive(dict(me, start='1'))
    assert not _process.alive(dict(me, start=None))
    assert not _process.alive(dict(me, pid=2 ** 22 + 1))


def test_kill_ends_a_group_and_waits():
    leader = spawn(['/bin/sh', '-c', 'sleep 60 & echo $!; wait'], stdout=subprocess.PIPE)
    follower = _process.identity(int(leader.stdout.readline()), 'b')
    assert _process.kill(_process.identity(leader.pid, 'b'), group=True)
    assert _process.wait_gone(follower, 5)
    assert leader.wait() == -9
    leader.stdout.close()


def test_waiting_for_a_process_has_an_end():
    assert not _process.wait_gone(_process.identity(os.getpid(), 'b'), 0.1)
