# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Commands as real processes: limits, output, input, environment."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import fcntl
import json
import os
import sys
import threading
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _command
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import KILL_WAIT, Abandoned, Runner, run, text
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Unkillable
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic

from scripted import eventually, gone

SH = '/bin/sh'
# Long before what is waited for would end by itself.
AT_ONCE = 20
# Long enough for a shell to begin on a busy machine.
SOON = 1.5


def sh(script, **kwargs):
    return run([SH, '-c', script], **kwargs)


def python(script, **kwargs):
    return run([sys.executable, '-c', script], **kwargs)


def pid_in(path):
    eventually(lambda: path.check() and path.read().endswith('\n'), 'the pid')
    return int(path.read())


def test_result():
    before = monotonic()
    result = sh('echo out; echo err >&2; exit 3')
    assert (result.argv[0], result.rc, result.out, result.err) == (SH, 3, 'out\n', 'err\n')
    assert before <= result.started <= result.started + result.seconds <= monotonic()


def test_death_by_a_signal_is_a_negative_code():
    assert sh('kill -TERM $$').rc == -15


def test_no_shell_reads_the_arguments():
    assert run(['/bin/echo', '$(id)', ';', 'a b', '*']).out == '$(id) ; a b *\n'


@pytest.mark.parametrize('argv', [['sh'], ['./sh'], ['bin/sh', '-c', 'true'], ['']])
def test_a_relative_path_is_refused(argv):
    with pytest.raises(ValueError):
        run(argv)


def test_what_is_not_there_cannot_start():
    with pytest.raises(OSError):
        run(['/nonexistent/tool'])


def test_environment(monkeypatch):
    monkeypatch.setenv('LC_ALL', 'de_DE.UTF-8')
    monkeypatch.setenv('LANG', 'de_DE.UTF-8')
    monkeypatch.setenv('KEPT', 'yes')
    assert sh('echo $LC_ALL $LANG $KEPT $MORE', env={'MORE': 'too'}).out == 'C C yes too\n'


def test_standard_input_is_empty_and_the_directory_is_the_root():
    assert sh('cat; pwd').out == '/\n'


def test_descriptors_of_the_module_are_not_handed_on():
    reader, writer = os.pipe()
    os.dup2(writer, 60)
    try:
        if _command.CLOSE_FDS:
            assert '60' not in run(['/bin/ls', '/proc/self/fd']).out.split()
    finally:
        for fd in (reader, writer, 60):
            os.close(fd)


def test_text_can_always_be_written_as_json():
    result = run(['/usr/bin/printf', r'caf\303\251 \377\376 end'])
    assert json.loads(json.dumps(result.out)) == u'caf\xe9 \ufffd\ufffd end'
    assert isinstance(result.out, str) and isinstance(text(b'\xff'), str)


def test_large_outputs_on_both_streams():
    result = python('import os\nfor n in range(200):\n    os.write(1, b"o" * 10007)\n    os.write(2, b"e" * 10007)')
    assert (result.rc, len(result.out), len(result.err)) == (0, 2001400, 2001400)


def test_large_input():
    data = b'0123456789abcdef' * 65536
    assert run(['/usr/bin/sha256sum'], data=data).out.split()[0] == __import__('hashlib').sha256(data).hexdigest()


def test_large_input_and_output_at_once():
    data = b'x' * 1048576
    assert len(run(['/bin/cat'], data=data).out) == len(data)


@pytest.mark.parametrize('script', ['exit 0', 'exec 0<&-; sleep 0.1; echo end', 'head -c 10 >/dev/null; echo end'])
def test_a_process_that_does_not_read_its_input(script):
    result = sh(script, data=b'x' * 1048576)
    assert result.rc == 0 and result.out in ('', 'end\n')


def test_the_limit_kills_the_whole_group(tmpdir):
    begun = time.time()
    result = sh('sleep 60 & echo $! >%s; sleep 60' % tmpdir.join('pid'), timeout=SOON)
    # Until the system's first process has collected what the killed parent left.
    assert result.rc is None and time.time() - begun < SOON + KILL_WAIT
    assert gone(pid_in(tmpdir.join('pid')))


def test_what_was_said_before_the_limit_is_kept():
    result = sh('echo begun; exec sleep 60', timeout=SOON)
    assert (result.rc, result.out) == (None, 'begun\n')


def test_the_limit_also_holds_for_what_ignores_signals():
    assert sh('trap "" TERM INT HUP; exec sleep 60', timeout=SOON).rc is None


def test_what_has_begun_is_left_at_work(tmpdir, monkeypatch):
    monkeypatch.setattr(_command, 'LOOK', 0.1)
    asked = []
    result = sh('echo said; sleep 3; touch %s' % tmpdir.join('end'), timeout=1, begun=lambda: asked.append(1) or len(asked) > 2)
    assert (result.rc, result.out, len(asked)) == (None, 'said\n', 3) and not tmpdir.join('end').check()
    eventually(lambda: tmpdir.join('end').check(), 'its end')


def test_what_has_not_begun_is_killed_at_the_limit(tmpdir):
    result = sh('echo $$ >%s; echo said >&2; exec sleep 60' % tmpdir.join('pid'), timeout=SOON, begun=lambda: False)
    assert (result.rc, result.err) == (None, 'said\n') and gone(pid_in(tmpdir.join('pid')))


@pytest.mark.parametrize('script, rc', [('exit 3', 3), ('kill -TERM $$', -15)])
def test_what_ends_by_itself_before_has_its_exit_code(script, rc):
    result = sh('echo out; echo err >&2; ' + script, begun=lambda: True)
    assert (result.rc, result.out, result.err) == (rc, 'out\n', 'err\n')


def test_a_limit_that_is_over_already():
    assert sh('exec sleep 60', timeout=-1).rc is None


def test_a_child_that_keeps_the_output_open_holds_nobody(tmpdir):
    begun = time.time()
    result = sh('sleep 60 & echo $! >%s; echo done' % tmpdir.join('pid'), timeout=30)
    try:
        assert (result.rc, result.out) == (0, 'done\n') and time.time() - begun < AT_ONCE
    finally:
        os.kill(pid_in(tmpdir.join('pid')), 9)


def test_a_process_that_closes_its_output_is_waited_for():
    result = sh('exec >&- 2>&-; sleep 0.2; exit 4')
    assert result.rc == 4 and result.seconds >= 0.2


def test_output_just_before_the_end_is_not_lost(monkeypatch):
    """The process writes and ends between the moment its output was looked at and the moment it is asked whether it lives."""
    spawn = _command.spawn

    def late(argv, **kwargs):
        process = spawn(argv, **kwargs)
        poll = process.poll

        def wait_and_poll():
            process.wait()
            return poll()
        process.poll = wait_and_poll
        return process

    monkeypatch.setattr(_command, 'spawn', late)
    assert sh('sleep 0.2; echo the end').out == 'the end\n'


def test_a_command_whose_owner_dies_is_killed(tmpdir):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    threading.Timer(0.2, os.close, [writer]).start()
    with pytest.raises(Abandoned):
        sh('echo $$ >%s; exec sleep 60' % tmpdir.join('pid'), watch=reader)
    os.close(reader)
    assert gone(pid_in(tmpdir.join('pid')))


def test_no_zombies_are_left():
    sh('true')
    sh('exec sleep 60', timeout=0.1)
    with pytest.raises(OSError):
        os.waitpid(-1, os.WNOHANG)


def test_what_survives_the_kill_is_reported(monkeypatch):
    monkeypatch.setattr(_command, 'living', lambda pgid: pgid)
    monkeypatch.setattr(_command, 'KILL_WAIT', 0.1)
    process = _command.spawn([SH, '-c', 'exit 0'])
    with pytest.raises(Unkillable) as caught:
        _command.kill_group(process, wait=0.1)
    assert caught.value.group == process.pid and 'boot the host' in str(caught.value)


@pytest.fixture
def dead_count(monkeypatch):
    """A system on which a process counts as a member of its group until its parent has collected it, as on Solaris."""
    real = os.path.exists
    monkeypatch.setattr(os.path, 'exists', lambda path: path != '/proc/self/stat' and real(path))


def test_the_dead_count_there(dead_count):
    process = _command.spawn([SH, '-c', 'exit 0'])
    eventually(lambda: gone(process.pid))
    assert _command.living(process.pid)
    process.wait()
    assert not _command.living(process.pid)


@pytest.mark.parametrize('script', ['exit 0', 'exec sleep 60', 'trap "" TERM; exec sleep 60'])
def test_a_group_ends_at_once_where_the_dead_count(dead_count, script):
    process = _command.spawn([SH, '-c', script])
    if script == 'exit 0':
        eventually(lambda: gone(process.pid))
    begun = time.time()
    _command.kill_group(process)
    assert time.time() - begun < AT_ONCE and process.returncode in (0, -9)
    assert not _command.living(process.pid)


def test_the_limit_of_a_command_where_the_dead_count(dead_count):
    begun = time.time()
    assert sh('echo begun; exec sleep 60', timeout=SOON)[1:3] == (None, 'begun\n')
    assert time.time() - begun < AT_ONCE


def test_the_account_of_a_runner():
    runner = Runner()
    runner([SH, '-c', 'exit 1'])
    runner.expect(['/bin/true'])
    changed = runner.change([SH, '-c', 'exit 2'])
    runner.plan(['/sbin/metaoffline', 'd1', 'd3'])
    assert runner.reads == 2 and changed.rc == 2
    assert [(command['argv'][-1], command['rc']) for command in runner.commands] == [('exit 2', 2), ('d3', None)]
    assert runner.commands[0]['seconds'] >= 0 and runner.commands[1]['seconds'] is None


@pytest.mark.parametrize('script, timeout, said',
                         [('echo why >&2; exit 1', 10, 'why'), ('echo why; exit 1', 10, 'why'), ('exec sleep 60', 0.1, None)])
def test_expect(script, timeout, said):
    with pytest.raises(CommandFailed) as caught:
        Runner().expect([SH, '-c', script], timeout=timeout, object='d1')
    assert caught.value.facts['vendor'] == said and caught.value.facts['object'] == 'd1'
    assert caught.value.result.rc == (1 if said else None)
