# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Write locks on UFS: what lockfs(1M) says, and whose lock it is."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import random

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_lockfs import UfsLock, parse_status

from scripted import Script, answer, tools

TAG = 'snapbackup:20261120T031500Z-a1b2c3'
HEADER = 'Filesystem           Locktype   Comment\n'


def table(*rows):
    """The status as lockfs prints it, of (path, type, comment)."""
    return HEADER + ''.join('%-20s %-10s %s\n' % row for row in rows)


UNLOCKED = table(('/home1', 'unlock', ''), ('/home2', 'unlock', ''))
LOCKED = table(('/home1', 'write', TAG), ('/home2', 'write', TAG))


class Lease:
    """Runs the commands of a window with a Script and remembers what is held and freed."""

    def __init__(self, script):
        self.script = script
        self.freed = []
        self.held = []

    def do(self, what, argv, hold=None, limit=None):
        if hold:
            self.held.append(hold)
        return self.script.change(argv)

    def must(self, what, argv, hold=None, limit=None):
        result = self.do(what, argv, hold, limit)
        if result.rc != 0:
            raise Torn('no')
        return result

    def look(self, argv):
        return self.script(argv)

    def free(self, key):
        self.freed.append(key)


@pytest.fixture(autouse=True)
def host(tmpdir, monkeypatch):
    tmpdir.mkdir('tools')
    monkeypatch.setattr(_platform, 'TOOL_DIRS', tools(tmpdir.join('tools'), 'lockfs'))
    monkeypatch.setattr(_platform, 'MNTTAB', str(tmpdir.join('mnttab')))
    tmpdir.join('mnttab').write(''.join('/dev/md/dsk/d%d\t/home%d\t%s\trw\t1\n' % (n, n, 'ufs' if n < 3 else 'zfs') for n in (1, 2, 3)))
    return tmpdir


def lock(*paths):
    return UfsLock(paths or ('/home1', '/home2'), TAG)


@pytest.mark.parametrize('output, paths, found', [
    (UNLOCKED, ['/home1', '/home2'], {'/home1': ('unlock', ''), '/home2': ('unlock', '')}),
    (LOCKED, ['/home2'], {'/home2': ('write', TAG)}),
    (table(('/a', '(write)', 'two words')), ['/a'], {'/a': ('(write)', 'two words')}),
    (table(('/a/path/that/is/longer/than/twenty', 'write', TAG)), ['/a/path/that/is/longer/than/twenty'],
     {'/a/path/that/is/longer/than/twenty': ('write', TAG)}),
    (table(('/home1', 'write', 'one'), ('/home10', 'unlock', '')), ['/home1'], {'/home1': ('write', 'one')}),
    (table(*[('/%s' % word, word, '') for word in ('name', 'delete', 'hard', 'error')]), ['/hard'], {'/hard': ('hard', '')}),
    ('', [], {})])
def test_parse_status(output, paths, found):
    assert parse_status(output, paths) == found


@pytest.mark.parametrize('output', [
    '', HEADER, table(('/home10', 'unlock', '')), table(('/home1', 'unknown', '')), table(('/home1', 'EIO',
                                                                                           'May be hard locked')), '/home1 \n',
    '/home1\n', table(('/home1', 'unlock', ''), ('/home1', 'write', '')), table(('/home1', 'Unlock', ''))])
def test_status_that_cannot_be_understood(output):
    with pytest.raises(UnknownWord):
        parse_status(output, ['/home1'])


@pytest.mark.parametrize('seed', range(4))
def test_a_damaged_status_never_says_unlocked(seed):
    chance = random.Random(seed)
    for dummy in range(300):
        letters = list(LOCKED)
        for again in range(chance.randint(1, 3)):
            at = chance.randrange(len(letters))
            letters[at:at + 1] = chance.choice([[], ['x'], [' '], ['\n'], ['('], ['\0'], [letters[at]] * 2])
        try:
            found = parse_status(''.join(letters), ['/home1', '/home2'])
        except Refused:
            continue
        assert 'unlock' not in [kind for kind, comment in found.values()]


def test_all_file_systems_are_locked_by_one_command():
    flushing, locking, unlocking = lock().commands()
    assert [argv[1:] for argv in flushing] == [['-f', '/home1', '/home2']]
    assert [argv[1:] for argv in locking] == [['-w', '-c', TAG, '/home1', '/home2']]
    assert [argv[1:] for argv in unlocking] == [['-u', '/home1', '/home2']]


def test_check():
    assert lock().check(Script({'lockfs /home1 /home2': UNLOCKED})) is None
    assert lock().check(Script({'lockfs /home1 /home2': answer(UNLOCKED, rc=2)})) is None


@pytest.mark.parametrize('path', ['/home3', '/home', '/home1/user', '/nowhere'])
def test_what_is_not_the_mount_point_of_a_ufs_is_refused(path):
    with pytest.raises(Refused) as caught:
        lock(path).check(Script({}))
    assert caught.value.facts['object'] == path


@pytest.mark.parametrize('kind, comment', [('write', 'other'), ('write', TAG), ('(write)', TAG), ('error', ''), ('name', 'x')])
def test_what_is_locked_already_is_refused(kind, comment):
    with pytest.raises(Refused) as caught:
        lock().check(Script({'lockfs /home1 /home2': table(('/home1', 'unlock', ''), ('/home2', kind, comment))}))
    assert caught.value.facts['object'] == '/home2' and kind in caught.value.facts['found']


def test_flush():
    runner = Script({'lockfs -f /home1 /home2': ''})
    lock().flush(runner)
    assert runner.calls == ['lockfs -f /home1 /home2'] and len(runner.commands) == 1
    with pytest.raises(CommandFailed):
        lock().flush(Script({'lockfs -f /home1 /home2': answer(rc=None)}))


def window(*status, **kwargs):
    unlock = kwargs.get('unlock', 0)
    return Lease(Script({'lockfs -w -c %s /home1 /home2' % TAG: '', 'lockfs /home1 /home2': list(status),
                         'lockfs -u /home1 /home2': answer(rc=unlock, err='modified' if unlock else '')}))


ENTERING = ['lockfs /home1 /home2', 'lockfs -w -c %s /home1 /home2' % TAG, 'lockfs /home1 /home2']


def test_enter_looks_locks_and_proves():
    lease, holder = window(UNLOCKED, LOCKED), lock()
    holder.enter(lease)
    assert lease.held == [holder.key] and lease.freed == []
    assert lease.script.calls == ENTERING


@pytest.mark.parametrize('kind, comment', [
    ('write', 'other'), ('write', TAG), ('(write)', ''), ('error', ''), ('EIO', 'May be hard locked')])
def test_a_lock_that_came_since_the_check_is_not_taken_over(kind, comment):
    lease = window(table(('/home1', 'unlock', ''), ('/home2', kind, comment)), LOCKED)
    with pytest.raises(Refused) as caught:
        lock().enter(lease)
    assert caught.value.facts['object'] == '/home2' and isinstance(caught.value, UnknownWord if kind == 'EIO' else Torn)
    assert lease.script.calls == ENTERING[:1] and lease.held == []


@pytest.mark.parametrize('status', [UNLOCKED, LOCKED.replace(TAG, 'other', 1), LOCKED.replace('write  ', '(write)', 1),
                                    LOCKED.replace('write', 'error', 1),
                                    table(('/home1', 'write', TAG), ('/home2', 'write', TAG + '0'))])
def test_another_lock_proves_nothing(status):
    lease, holder = window(UNLOCKED, status), lock()
    with pytest.raises(Torn):
        holder.enter(lease)
    assert lease.script.calls == ENTERING and lease.held == [holder.key]
    with pytest.raises(Torn):
        holder.proves(window(status))


def test_leave():
    lease, holder = window(UNLOCKED), lock()
    holder.leave(lease)
    assert lease.freed == [holder.key] and lease.script.calls == ['lockfs -u /home1 /home2', 'lockfs /home1 /home2']


def test_leave_is_torn_when_something_was_written_but_the_lock_is_gone():
    """Exit code 2 of an unlock that worked."""
    lease, holder = window(UNLOCKED, unlock=2), lock()
    with pytest.raises(Torn) as caught:
        holder.leave(lease)
    assert 'written to' in str(caught.value) and lease.freed == [holder.key]


def test_leave_keeps_in_the_lease_what_is_still_locked():
    lease, holder = window(table(('/home1', 'unlock', ''), ('/home2', 'write', TAG))), lock()
    with pytest.raises(Torn) as caught:
        holder.leave(lease)
    assert caught.value.facts['object'] == '/home2' and lease.freed == []


def undoing(**answers):
    """A script that knows the rows of /home1 and /home2, each as a list of (type, comment) in turn, and unlocks with exit code 0."""
    script = dict(('lockfs /' + path, [table(('/' + path,) + row) for row in rows]) for path, rows in answers.items())
    return Script(dict(script, **{'lockfs -u /home1': '', 'lockfs -u /home2': ''}))


FREE, MINE, OTHERS, LOST = ('unlock', ''), ('write', TAG), ('write', 'other'), ('EIO', 'May be hard locked')


def test_undo_takes_only_the_locks_of_this_run():
    script = undoing(home1=[MINE, FREE], home2=[OTHERS])
    assert lock().undo(script) is True
    assert script.calls == ['lockfs /home1', 'lockfs -u /home1', 'lockfs /home1', 'lockfs /home2', 'lockfs /home2']


def test_undo_takes_all_locks_of_this_run_one_by_one():
    script = undoing(home1=[MINE, FREE], home2=[('(write)', TAG), FREE])
    assert lock().undo(script) is True
    assert script.calls == ['lockfs /home1', 'lockfs -u /home1', 'lockfs /home1', 'lockfs /home2', 'lockfs -u /home2', 'lockfs /home2']


def test_undo_of_nothing_changes_nothing():
    script = undoing(home1=[FREE], home2=[FREE])
    assert lock().undo(script) is True
    assert script.calls == ['lockfs /home1'] * 2 + ['lockfs /home2'] * 2


@pytest.mark.parametrize('kind', ['write', '(write)'])
@pytest.mark.parametrize('stays', ['home1', 'home2'])
def test_undo_that_did_not_help_says_so(kind, stays):
    """Whichever it is, the other one is unlocked."""
    script = undoing(**dict(dict(home1=[MINE, FREE], home2=[MINE, FREE]), **{stays: [(kind, TAG)]}))
    assert lock().undo(script) is False
    assert [call for call in script.calls if '-u' in call] == ['lockfs -u /home1', 'lockfs -u /home2']


@pytest.mark.parametrize('rows', [[LOST], [MINE, LOST]])
def test_what_cannot_be_asked_for_keeps_nothing_else_locked(rows):
    """A UFS that is mounted may still be locked, so the undo has not ended; the other file system is unlocked all the same."""
    script = undoing(home1=rows, home2=[MINE, FREE])
    assert lock().undo(script) is False
    assert script.calls[-3:] == ['lockfs /home2', 'lockfs -u /home2', 'lockfs /home2']


@pytest.mark.parametrize('mounted', ['', '/dev/dsk/c0t0d0s0\t/home1\tzfs\trw\t1\n'])
def test_what_is_no_mounted_ufs_any_more_holds_no_lock(host, mounted):
    host.join('mnttab').write(mounted + '/dev/md/dsk/d2\t/home2\tufs\trw\t1\n')
    assert lock().undo(undoing(home1=[LOST], home2=[MINE, FREE])) is True
    assert lock().undo(undoing(home1=[LOST], home2=[MINE])) is False
