# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lease with real processes: a lock is a file, and whoever dies, it does not stay."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _command, _lease
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import LeaseExpired, Unkillable
from ansible_collections.volmgr.snapbackup.plugins.module_utils._lease import Lease, undo_once
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive

from scripted import eventually, gone

pytestmark = pytest.mark.slow

# Long enough to take a lock first, also on a busy machine.
SHORT = 3
LONG = 60
# Long before what is waited for would end by itself.
AT_ONCE = 20


class Place:
    """A directory with locks in it. lock(), undo(): what the window does; journal: in which order."""

    def __init__(self, base):
        self.base = base
        self.report = base.join('lease.json')

    def lock(self, name='lock'):
        return ['/bin/sh', '-c', 'echo lock >>%s; : >%s' % (self.base.join('journal'), self.base.join(name))]

    def undo(self, name='lock', rounds=0):
        """Removes the lock; fails the first so many times."""
        def take_back(run):
            with open(str(self.base.join('tries')), 'a') as tries:
                tries.write('x')
            if len(self.base.join('tries').read()) <= rounds:
                return False
            run(['/bin/sh', '-c', 'echo undo %s >>%s; rm -f %s' % (name, self.base.join('journal'), self.base.join(name))])
            return not self.held(name)
        return take_back

    def lease(self, seconds=LONG, **undo):
        return Lease(seconds, undo or {'lock': self.undo()}, str(self.report))

    def held(self, name='lock'):
        return self.base.join(name).check()

    def journal(self):
        return self.base.join('journal').read().splitlines() if self.base.join('journal').check() else []

    def said(self):
        return json.loads(self.report.read())

    def released(self):
        return self.report.check() and self.said()['state'] == 'released'


@pytest.fixture
def place(tmpdir):
    return Place(tmpdir)


def children():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except OSError:
        return None


def in_child(work):
    """Run work() in a forked process, which ends without cleaning up. Returns its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def owner_that_waits(place, lease, then=None):
    """A process that holds the lock and then waits. Returns its pid, once it holds it, and the watchdog's."""
    def own():
        with lease:
            lease.run(place.lock(), hold='lock')
            place.base.join('watchdog').write('%d\n' % lease.pid)
            (then or (lambda: time.sleep(60)))()
    owner = in_child(own)
    eventually(lambda: place.base.join('watchdog').check() and place.base.join('watchdog').read().endswith('\n'))
    return owner, int(place.base.join('watchdog').read())


def test_a_window_that_ends_well(place):
    with place.lease() as lease:
        result = lease.run(place.lock(), hold='lock')
        assert result.rc == 0 and place.held() and result.argv == place.lock()
        lease.run(['/bin/rm', str(place.base.join('lock'))])
        lease.free('lock')
    assert place.journal() == ['lock'] and not place.report.check()
    eventually(lambda: gone(lease.pid))
    assert children() is None


def test_results_come_from_the_window(place):
    with place.lease() as lease:
        result = lease.run(['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'])
        assert (result.rc, result.out, result.err) == (3, 'out\n', 'err\n') and result.seconds < AT_ONCE
        with pytest.raises(OSError):
            lease.run(['/nonexistent/tool'])
        assert lease.run(['/bin/sh', '-c', 'exec sleep 60'], limit=0.2).rc is None


def test_an_exception_of_the_owner_releases_before_the_block_is_left(place):
    with pytest.raises(ZeroDivisionError):
        with place.lease() as lease:
            lease.run(place.lock(), hold='lock')
            raise ZeroDivisionError()
    assert not place.held() and children() is None
    eventually(lambda: gone(lease.pid))


def test_the_report_says_when_an_abandoned_window_is_released(place):
    with pytest.raises(ZeroDivisionError):
        with place.lease() as lease:
            lease.run(place.lock(), hold='lock')
            raise ZeroDivisionError()
    eventually(lambda: gone(lease.pid))
    assert place.said()['state'] == 'released' and place.said()['held'] == []


def test_the_last_lock_is_undone_first(place):
    with place.lease(a=place.undo('a'), b=place.undo('b')) as lease:
        lease.run(place.lock('a'), hold='a')
        lease.run(place.lock('b'), hold='b')
    assert place.journal() == ['lock', 'lock', 'undo b', 'undo a']


def test_only_what_is_held_is_undone(place):
    with place.lease(a=place.undo('a'), b=place.undo('b')) as lease:
        lease.run(place.lock('a'), hold='a')
        lease.run(place.lock('b'), hold='b')
        lease.free('b')
    assert place.journal()[2:] == ['undo a']


def test_a_failed_lock_is_undone_too(place):
    """The command may have locked and then reported failure."""
    with place.lease() as lease:
        lease.run(['/bin/sh', '-c', ': >%s; exit 1' % place.base.join('lock')], hold='lock')
    assert not place.held()


def test_the_owner_is_killed(place):
    owner, watchdog = owner_that_waits(place, place.lease())
    begun = time.time()
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    eventually(lambda: not place.held())
    assert time.time() - begun < AT_ONCE
    eventually(lambda: gone(watchdog))
    assert place.said()['state'] == 'released' and place.said()['reason'] == 'its owner died'


def test_the_owner_is_killed_while_a_command_runs(place):
    """The command is gone before anything is undone, or it could cut or lock afterwards."""
    lease = place.lease()
    late = 'sleep 0.5; echo late >>%s' % place.base.join('journal')
    owner, watchdog = owner_that_waits(place, lease, lambda: lease.run(['/bin/sh', '-c',
                                                                        'echo $$ >%s; %s; exec sleep 60' % (place.base.join('command'),
                                                                                                            late)]))
    eventually(lambda: place.base.join('command').check() and place.base.join('command').read().endswith('\n'))
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    eventually(lambda: not place.held())
    assert gone(int(place.base.join('command').read()))
    time.sleep(0.6)
    assert place.journal() == ['lock', 'undo lock']
    eventually(lambda: gone(watchdog))


def test_the_command_is_gone_when_undo_begins(place):
    def undo(run):
        with open(str(place.base.join('seen')), 'w') as seen:
            seen.write('gone' if gone(int(place.base.join('command').read())) else 'still there')
        return place.undo()(run)
    with pytest.raises(LeaseExpired):
        with place.lease(SHORT, lock=undo) as lease:
            lease.run(place.lock(), hold='lock')
            lease.run(['/bin/sh', '-c', 'trap "" TERM; echo $$ >%s; exec sleep 60' % place.base.join('command')])
    assert place.base.join('seen').read() == 'gone' and not place.held()


def test_a_hung_command_ends_with_the_lease(place):
    begun = time.time()
    with pytest.raises(LeaseExpired) as caught:
        with place.lease(SHORT) as lease:
            lease.run(place.lock(), hold='lock')
            lease.run(['/bin/sh', '-c', 'exec sleep 60'])
    assert SHORT <= time.time() - begun < AT_ONCE and not place.held()
    assert 'ran out' in str(caught.value) and caught.value.facts['found'] == 'still held: nothing'
    eventually(place.released)
    assert place.said()['reason'].startswith('the lease ran out') and place.said()['held'] == []


def test_a_hung_lock_command_is_undone(place):
    with pytest.raises(LeaseExpired):
        with place.lease(SHORT) as lease:
            lease.run(['/bin/sh', '-c', ': >%s; exec sleep 60' % place.base.join('lock')], hold='lock')
    assert not place.held()


def test_a_slow_owner_finds_the_window_ended(place):
    """The lock goes at the deadline, whatever the owner does, and the owner's next step is refused."""
    with pytest.raises(LeaseExpired):
        with place.lease(SHORT) as lease:
            lease.run(place.lock(), hold='lock')
            eventually(lambda: not place.held())
            lease.run(['/bin/sh', '-c', 'echo cut >>%s' % place.base.join('journal')])
    assert place.journal() == ['lock', 'undo lock']


def test_a_stopped_owner(place):
    def then():
        try:
            lease.run(['/bin/sh', '-c', 'echo cut >>%s' % place.base.join('journal')])
        except LeaseExpired:
            place.base.join('refused').write('yes')
    lease = place.lease(SHORT)

    def stop():
        os.kill(os.getpid(), signal.SIGSTOP)
        then()
    owner, watchdog = owner_that_waits(place, lease, stop)
    eventually(lambda: not place.held())
    os.kill(owner, signal.SIGCONT)
    os.waitpid(owner, 0)
    assert place.base.join('refused').check() and place.journal() == ['lock', 'undo lock']
    eventually(lambda: gone(watchdog))


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_the_watchdog_is_killed(place, number):
    with pytest.raises(LeaseExpired):
        with place.lease() as lease:
            lease.run(place.lock(), hold='lock')
            os.kill(lease.pid, number)
            eventually(lambda: gone(lease.pid))
            lease.run(['/bin/true'])
    assert not place.held() and children() is None


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_the_watchdog_is_killed_and_the_owner_fails(place, number):
    with pytest.raises(LeaseExpired):
        with place.lease() as lease:
            lease.run(place.lock(), hold='lock')
            os.kill(lease.pid, number)
            raise ZeroDivisionError()
    eventually(lambda: not place.held())


def test_a_watchdog_that_is_told_to_end_twice_still_releases(place):
    with pytest.raises(LeaseExpired):
        with place.lease(lock=place.undo(rounds=3)) as lease:
            lease.run(place.lock(), hold='lock')
            for dummy in range(20):
                os.kill(lease.pid, signal.SIGTERM)
            lease.run(['/bin/true'])
    eventually(lambda: not place.held())


@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGINT, signal.SIGPIPE])
def test_signals_to_the_session_do_not_reach_the_watchdog(place, number):
    with place.lease() as lease:
        lease.run(place.lock(), hold='lock')
        os.kill(lease.pid, number)
        assert lease.run(['/bin/true']).rc == 0 and place.held()


def test_an_undo_that_fails_is_tried_again_after_the_owner_is_told(place):
    with pytest.raises(LeaseExpired) as caught:
        with place.lease(lock=place.undo(rounds=3)) as lease:
            lease.run(place.lock(), hold='lock')
    assert caught.value.facts['object'] == 'lock' and str(lease.pid) in str(caught.value)
    eventually(lambda: not place.held())
    eventually(place.released)
    assert place.base.join('tries').read() == 'xxxx'


def test_an_undo_that_raises_is_tried_again(place):
    take_back = place.undo(rounds=2)

    def undo(run):
        if not take_back(run):
            raise ValueError('not yet')
        return True
    with pytest.raises(LeaseExpired):
        with place.lease(lock=undo) as lease:
            lease.run(place.lock(), hold='lock')
    eventually(place.released)
    assert not place.held()


def test_one_undo_that_never_works_does_not_keep_the_others(place):
    assert undo_once(['a', 'b', 'c'], {'a': lambda run: True, 'b': lambda run: 1 / 0, 'c': lambda run: False}) == ['b', 'c']


def test_an_owner_that_dies_while_undo_fails(place):
    owner, watchdog = owner_that_waits(place, place.lease(lock=place.undo(rounds=3)))
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    eventually(lambda: not place.held())
    eventually(lambda: gone(watchdog))
    assert place.released()


def test_a_report_that_cannot_be_written_keeps_nothing_locked(place):
    with pytest.raises(LeaseExpired):
        with Lease(SHORT, {'lock': place.undo()}, '/nonexistent/lease.json') as lease:
            lease.run(place.lock(), hold='lock')
            lease.run(['/bin/sh', '-c', 'exec sleep 60'])
    assert not place.held()


def keep(place, seconds):
    marker = place.base.join('marker')
    marker.write('')
    with place.lease(seconds) as lease:
        lease.run(place.lock(), hold='lock')
        lease.keep(str(marker))
    return lease, marker


def test_a_kept_lock_outlives_its_owner_until_the_deadline(place):
    begun = time.time()
    lease, marker = keep(place, 3)
    assert place.held() and not gone(lease.pid)
    eventually(lambda: not place.held())
    assert time.time() - begun >= 3
    eventually(lambda: gone(lease.pid))
    assert not marker.check() and place.released()


def test_a_kept_lock_whose_marker_is_gone_is_left_alone(place):
    lease, marker = keep(place, LONG)
    marker.remove()
    eventually(lambda: gone(lease.pid))
    assert place.held() and place.journal() == ['lock']


def test_the_guard_of_a_kept_lock_is_told_to_end(place):
    lease, marker = keep(place, LONG)
    time.sleep(0.2)
    os.kill(lease.pid, signal.SIGTERM)
    eventually(lambda: not place.held())
    eventually(lambda: gone(lease.pid))
    assert not marker.check()


def test_the_watchdog_holds_on_to_nothing(place):
    kept = open(str(place.base.join('kept')), 'w')
    with place.lease() as lease:
        found = dict((int(fd), os.readlink('/proc/%d/fd/%s' % (lease.pid, fd))) for fd in os.listdir('/proc/%d/fd' % lease.pid))
        assert [found[fd] for fd in (0, 1, 2)] == [os.devnull] * 3
        assert len(found) == 5 and all(path.startswith('pipe:') for fd, path in found.items() if fd > 2)
        assert os.readlink('/proc/%d/cwd' % lease.pid) == '/'
        assert os.getsid(lease.pid) != os.getsid(0) and os.getpgid(lease.pid) != os.getpgid(0)
    kept.close()


def test_commands_inherit_no_pipe(place):
    with place.lease() as lease:
        out = lease.run(['/bin/ls', '-l', '/proc/self/fd']).out
        assert 'pipe:' in out and os.readlink('/proc/%d/fd/%d' % (os.getpid(), lease.channel.sink)) not in out


def test_the_watchdog_is_nobodys_child(place):
    with place.lease() as lease:
        with open('/proc/%d/stat' % lease.pid) as stat:
            assert int(stat.read().rpartition(')')[2].split()[1]) != os.getpid()
        assert children() is None


def test_nothing_of_it_is_on_standard_output(place):
    """What the module has not flushed yet is printed once, and closing stdout ends the connection although the guard lives."""
    script = '\n'.join([
        'import sys', 'sys.path[:0] = %r' % [os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))],
        'import conftest', 'from ansible_collections.volmgr.snapbackup.plugins.module_utils._lease import Lease',
        'sys.stdout.write("before ")', 'open(%r, "w").close()' % str(place.base.join('marker')),
        'with Lease(60, {"k": lambda run: True}, %r) as lease:' % str(place.report),
        '    lease.run(["/bin/echo", "loud"], hold="k")', '    lease.keep(%r)' % str(place.base.join('marker')),
        'sys.stdout.write("after %d" % lease.pid)'])
    process = subprocess.Popen([sys.executable, '-c', script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               cwd=os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
    words = process.communicate()[0].decode('ascii').split()
    assert words[:2] == ['before', 'after'] and len(words) == 3
    assert not gone(int(words[2]))
    place.base.join('marker').remove()
    eventually(lambda: gone(int(words[2])))


def test_the_lease_is_not_renewed_by_use(place):
    begun = time.time()
    with pytest.raises(LeaseExpired):
        with place.lease(SHORT) as lease:
            lease.run(place.lock(), hold='lock')
            while time.time() < begun + 10:
                lease.run(['/bin/true'])
    assert time.time() - begun < AT_ONCE and not place.held()


def test_what_cannot_be_killed_is_not_called_released(place, monkeypatch):
    """A command in the kernel may still take its lock: nothing counts as released while it is there."""
    there = place.base.join('there')
    there.write('')
    monkeypatch.setattr(_lease, 'living', lambda pgid: pgid if there.check() else None)
    monkeypatch.setattr(_lease, 'run', lambda argv, **kwargs: exec_or_stick(argv, kwargs))
    stuck = os.getpid()

    def exec_or_stick(argv, kwargs):
        if argv == ['/stuck']:
            raise Unkillable(stuck)
        return _command.run(argv, **kwargs)
    with pytest.raises(LeaseExpired) as caught:
        with place.lease() as lease:
            lease.run(place.lock(), hold='lock')
            lease.run(['/stuck'])
    assert 'nothing ends' in str(caught.value) and caught.value.facts['found'] == 'still held: lock'
    assert caught.value.stuck == place.said()['stuck'] and alive(caught.value.stuck) and caught.value.stuck['pid'] == stuck
    assert not place.held() and not place.released()
    there.remove()
    eventually(place.released)


@pytest.mark.parametrize('abandoned', [False, True])
def test_writers_do_not_wait_for_the_report(place, monkeypatch, abandoned):
    """The disk that hangs may be the one that it is written to."""
    monkeypatch.setattr(_lease._files, 'write_json', lambda path, data: place.base.join('seen').write('%s' % place.held()))
    with pytest.raises(ZeroDivisionError if abandoned else LeaseExpired):
        with place.lease(LONG if abandoned else SHORT) as lease:
            lease.run(place.lock(), hold='lock')
            if abandoned:
                raise ZeroDivisionError()
            lease.run(['/bin/sleep', '60'])
    assert place.base.join('seen').read() == 'False'


@pytest.mark.skipif(not os.path.exists(_lease.OOM_SCORE), reason='proc(5) of Linux')
def test_the_watchdog_says_how_it_is_chosen_when_memory_runs_out(place, monkeypatch):
    """A higher score than the real one: everybody may set that."""
    monkeypatch.setattr(_lease, 'NEVER_CHOSEN', '998')
    with place.lease() as lease:
        with open('/proc/%d/oom_score_adj' % lease.pid) as score:
            assert score.read().strip() == '998'
    with open(_lease.OOM_SCORE) as score:
        assert score.read().strip() != '998'


def test_a_watchdog_that_may_not_say_so_guards_all_the_same(place, monkeypatch):
    monkeypatch.setattr(_lease, 'OOM_SCORE', '/nonexistent/score')
    with pytest.raises(ZeroDivisionError):
        with place.lease() as lease:
            lease.run(place.lock(), hold='lock')
            raise ZeroDivisionError()
    assert not place.held()


def test_the_owner_may_hold_something_itself(place):
    with pytest.raises(ZeroDivisionError):
        with place.lease() as lease:
            lease.hold('lock')
            lease.hold('lock')
            subprocess.check_call(place.lock())
            raise ZeroDivisionError()
    assert place.journal() == ['lock', 'undo lock'] and not place.held()


def test_what_the_owner_holds_itself_is_undone_when_it_dies(place):
    def own():
        with place.lease() as lease:
            lease.hold('lock')
            subprocess.check_call(place.lock())
            os._exit(0)
    os.waitpid(in_child(own), 0)
    eventually(place.released)
    assert not place.held()
