# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import sys
import types

import pytest

if sys.version_info < (3, 10):
    pytest.skip('action plugins run on the controller', allow_module_level=True)

pytest.importorskip('jinja2', reason='needs an environment with all of ansible-core')

from ansible import errors  # noqa: E402
from ansible_collections.volmgr.snapbackup.plugins.action import wait_progress  # noqa: E402

ROW = dict(object='d1', state='store', percent=42, bytes=1288490188, total=3113851289, rate=99614720, eta=18)


class Connection:
    resets = 0

    def reset(self):
        self.resets += 1


class Wait:
    """An action plugin whose module gives the answers one after the other, on a clock that only sleeping moves."""

    def __init__(self, monkeypatch, answers, check_mode=False, **options):
        self.now, self.calls, self.shown = 0.0, [], []
        self.answers = list(answers)
        monkeypatch.setattr(wait_progress.time, 'monotonic', lambda: self.now)
        monkeypatch.setattr(wait_progress.time, 'sleep', self.sleep)
        monkeypatch.setattr(wait_progress.display, 'display', self.shown.append)
        options = dict(dict(module='volmgr.snapbackup.volume_backup', args={'run': 'R', 'state': 'read'}), **options)
        task = types.SimpleNamespace(args=options, check_mode=check_mode)
        self.plugin = wait_progress.ActionModule.__new__(wait_progress.ActionModule)
        self.plugin._task, self.plugin._connection = task, Connection()
        self.plugin._play_context = types.SimpleNamespace(remote_addr='10.0.0.1')
        self.plugin._execute_module = self.answer
        monkeypatch.setattr(wait_progress.ActionBase, 'run', lambda *args: {})

    def sleep(self, seconds):
        self.now += seconds

    def answer(self, **call):
        self.calls.append(call)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self):
        return self.plugin.run(task_vars={'inventory_hostname': 'node1'})


def going(**more):
    return dict(dict(in_progress=True, progress=[ROW], job={'state': 'running'}), **more)


def done(**more):
    return dict(dict(in_progress=False, progress=[], job={'state': 'complete', 'error': None}), **more)


def test_it_ends_with_the_operation(monkeypatch):
    wait = Wait(monkeypatch, [going(), going(), done(extra='kept')])
    result = wait.run()
    assert not result.get('failed') and result['extra'] == 'kept' and result['polls'] == 3 and result['waited'] == 4.0
    assert result['changed'] is False
    assert wait.calls[0]['module_name'] == 'volmgr.snapbackup.volume_backup'
    assert wait.calls[0]['module_args'] == {'run': 'R', 'state': 'read'}


def test_a_line_of_progress(monkeypatch):
    wait = Wait(monkeypatch, [going(), done()])
    wait.run()
    assert wait.shown == ['node1: d1 store 42 % (1.2 GiB of 2.9 GiB, 95 MiB/s, 00:00:18 left)']


def test_at_most_a_line_in_ten_seconds(monkeypatch):
    wait = Wait(monkeypatch, [going()] * 16 + [done()])
    wait.run()
    assert wait.now == 32.0 and len(wait.shown) == 4


@pytest.mark.parametrize('row, line', [
    (dict(object='d1', state='resync', percent=7, bytes=None, eta=None), 'd1 resync 7 %'),
    (dict(object='v1', state='copying', percent=None, bytes=None, eta=None), 'v1 copying'),
    (dict(object='d1', state='store', percent=None, bytes=2048, total=None, rate=512, eta=None), 'd1 store (2.0 KiB, 512 B/s)'),
    (dict(object='d1', state='store', percent=0, bytes=0, total=1023, rate=None, eta=None), 'd1 store 0 % (0 B of 1023 B)'),
    (dict(object='d1', state='waiting', percent=None, bytes=0, total=None, rate=None, eta=None), 'd1 waiting'),
])
def test_only_figures_that_there_are(row, line):
    assert wait_progress.told(row) == line


@pytest.mark.parametrize('number, text', [
    (0, '0 B'), (1023, '1023 B'), (1024, '1.0 KiB'), (10240, '10 KiB'), (1024 ** 3, '1.0 GiB'), (3 * 1024 ** 6, '3072 PiB')])
def test_sizes(number, text):
    assert wait_progress.size(number) == text


@pytest.mark.parametrize('seconds, text', [(0, '00:00:00'), (3661, '01:01:01'), (360000, '100:00:00')])
def test_clock(seconds, text):
    assert wait_progress.clock(seconds) == text


def test_several_objects_share_the_line(monkeypatch):
    wait = Wait(monkeypatch, [going(progress=[dict(object='d1', state='stored'), dict(object='d2', state='waiting')]), done()])
    wait.run()
    assert wait.shown == ['node1: d1 stored; d2 waiting']


@pytest.mark.parametrize('lost', [errors.AnsibleConnectionFailure('timed out'), dict(unreachable=True, msg='timed out')])
def test_a_lost_connection_does_not_end_the_wait(monkeypatch, lost):
    wait = Wait(monkeypatch, [going(), lost, lost, done()])
    result = wait.run()
    assert not result.get('failed') and not result.get('unreachable') and result['polls'] == 4
    assert wait.plugin._connection.resets == 2


def test_a_host_that_stays_away_fails_the_wait(monkeypatch):
    wait = Wait(monkeypatch, [going(), errors.AnsibleConnectionFailure('no route to host')], unreachable_timeout=30)
    result = wait.run()
    assert result['failed'] and 'no route to host' in result['msg'] and 30 < wait.now <= 34
    assert result['in_progress'] is True


def test_every_answer_begins_the_patience_anew(monkeypatch):
    lost = errors.AnsibleConnectionFailure('flapping')
    wait = Wait(monkeypatch, ([lost] * 14 + [going()]) * 5 + [done()], unreachable_timeout=30)
    assert not wait.run().get('failed')


def test_a_reset_that_fails_is_not_the_end(monkeypatch):
    wait = Wait(monkeypatch, [errors.AnsibleConnectionFailure('x'), done()])

    def fail():
        raise OSError('no control socket')
    wait.plugin._connection.reset = fail
    assert not wait.run().get('failed')


def test_other_exceptions_are_not_taken_for_a_lost_connection(monkeypatch):
    with pytest.raises(errors.AnsibleError):
        Wait(monkeypatch, [errors.AnsibleError('no such module')]).run()


def test_a_module_that_fails_ends_the_wait(monkeypatch):
    wait = Wait(monkeypatch, [going(), dict(failed=True, msg='metastat says nothing')])
    result = wait.run()
    assert result['failed'] and result['msg'] == 'metastat says nothing' and result['polls'] == 2


@pytest.mark.parametrize('state, words', [
    ('failed', 'The job failed: disk full'), ('lost', 'The job was lost: disk full'), ('absent', 'The job was never started: disk full')])
def test_a_job_that_ended_badly_fails_the_wait(monkeypatch, state, words):
    result = Wait(monkeypatch, [done(job={'state': state, 'error': 'disk full'})]).run()
    assert result['failed'] and result['msg'] == words


def test_a_module_without_progress_is_not_waited_for(monkeypatch):
    result = Wait(monkeypatch, [dict(changed=False)]).run()
    assert result['failed'] and 'does not report progress' in result['msg']


def test_an_operation_without_a_job_is_just_over(monkeypatch):
    assert not Wait(monkeypatch, [dict(in_progress=False, progress=[])]).run().get('failed')


def test_the_time_limit(monkeypatch):
    wait = Wait(monkeypatch, [going()], timeout=60, interval=7)
    result = wait.run()
    assert result['failed'] and 'still going on after 60 s' in result['msg'] and wait.now <= 60


def test_without_a_time_limit_it_waits_on(monkeypatch):
    wait = Wait(monkeypatch, [going()] * 5000 + [done()])
    assert not wait.run().get('failed')


def test_check_mode_waits_for_nothing(monkeypatch):
    wait = Wait(monkeypatch, [done()], check_mode=True)
    assert wait.run()['skipped'] and wait.calls == []


@pytest.mark.parametrize('options', [dict(module=None), dict(intervall=3), dict(timeout='soon'), dict(args=[1])])
def test_wrong_options_are_told(monkeypatch, options):
    wait = Wait(monkeypatch, [done()], **options)
    if options.get('module', '') is None:
        del wait.plugin._task.args['module']
    with pytest.raises(errors.AnsibleActionFail):
        wait.run()
    assert wait.calls == []
