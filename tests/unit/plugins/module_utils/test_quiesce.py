# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The freeze window with a real lease: its order, its content, and that every failure leaves nothing held."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import calendar
import os
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, LeaseExpired, Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce import Window, expected_verdict, lock_holders, refuse_own_ground
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_flush import only_flushed

from scripted import eventually
from solaris import Solaris

TAG = 'snapbackup:20261120T031500Z-a1b2c3'


class Holder:
    """Holds a file; every step is written to the journal, and fails where it is told to."""

    level = 'filesystem'

    def __init__(self, place, name, fails=''):
        self.place, self.name, self.fails = place, name, fails
        self.key = 'holder ' + name
        self.lock = str(place.join('lock.' + name))

    def note(self, step):
        with open(str(self.place.join('journal')), 'a') as journal:
            journal.write('%s %s\n' % (step, self.name))
        if step == self.fails:
            raise Torn('%s failed' % step)

    def check(self, runner):
        self.note('check')

    def begin(self, runner):
        self.note('begin')

    def flush(self, runner):
        self.note('flush')

    def enter(self, lease):
        lease.must('lock', ['/usr/bin/touch', self.lock], hold=self.key)
        self.note('enter')

    def proves(self, lease):
        self.note('proves')

    def leave(self, lease):
        self.note('leave')
        lease.do('unlock', ['/bin/rm', self.lock])
        lease.free(self.key)

    def undo(self, run):
        with open(str(self.place.join('journal')), 'a') as journal:
            journal.write('undo %s\n' % self.name)
        if os.path.exists(self.lock):
            os.unlink(self.lock)
        return True

    def end(self, runner):
        self.note('end')
        return [{'driver': self.name}]

    def cancel(self):
        with open(str(self.place.join('journal')), 'a') as journal:
            journal.write('cancel %s\n' % self.name)

    def commands(self):
        return [['flush', self.name]], [['lock', self.name]], [['unlock', self.name]]


def window(place, fails='', cuts=(['/bin/true', 'cut1'], ['/bin/true', 'cut2']), confirm=lambda look: None, seconds=30):
    holders = [Holder(place, 'a'), Holder(place, 'b', fails)]
    return Window(holders, list(cuts), confirm, seconds, str(place.join('lease.json')))


def journal(place):
    return place.join('journal').read().splitlines()


def locks(place):
    return [path.basename for path in place.listdir() if path.basename.startswith('lock.')]


def test_the_order_of_a_window(tmpdir):
    seen = []
    runner = Runner()
    made = window(tmpdir, confirm=lambda look: seen.append(look(['/bin/echo', 'offline']).out))
    facts = made.open(runner)
    assert journal(tmpdir) == ['begin a', 'begin b', 'flush a', 'flush b', 'enter a', 'enter b', 'proves a', 'proves b', 'leave b',
                               'leave a', 'end b', 'end a']
    assert [step['what'] for step in facts['steps']] == ['lock', 'lock', 'cut', 'cut', 'look', 'unlock', 'unlock']
    assert seen == ['offline\n'] and made.recovery == [{'driver': 'b'}, {'driver': 'a'}] and locks(tmpdir) == []
    assert len(runner.commands) == 6 and runner.reads == 1


def test_the_time_of_the_last_cut_is_told_in_utc(tmpdir, monkeypatch):
    monkeypatch.setenv('TZ', 'EST5')
    time.tzset()
    try:
        before = int(time.time())
        made = window(tmpdir, cuts=[['/bin/true', 'cut1'], ['/bin/sleep', '1']], confirm=lambda look: time.sleep(1))
        at = calendar.timegm(time.strptime(made.open(Runner())['at'], '%Y-%m-%dT%H:%M:%SZ'))
        assert before + 1 <= at <= int(time.time()) - 1
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_facts_of_a_window(tmpdir):
    facts = window(tmpdir).open(Runner())
    steps = facts['steps']
    assert all(first['ended'] <= second['started'] for first, second in zip(steps, steps[1:]))
    assert facts['locked'] == steps[0]['started'] and facts['released'] == steps[-1]['ended']
    assert facts['seconds'] == round(facts['released'] - facts['locked'], 6) and facts['in_commands'] <= facts['seconds']
    assert facts['cuts'] == [step['ended'] for step in steps if step['what'] == 'cut'] and len(facts['cuts']) == 2
    assert facts['lease'] == 30


def test_a_window_without_holders_lasts_from_the_first_cut_to_the_last(tmpdir):
    facts = Window([], [['/bin/true'], ['/bin/true']], lambda look: None, 30, str(tmpdir.join('r'))).open(Runner())
    assert (facts['locked'], facts['released']) == (facts['steps'][0]['started'], facts['steps'][1]['ended'])


@pytest.mark.parametrize('fails', ['begin', 'flush', 'enter', 'proves', 'leave', 'end'])
def test_whatever_fails_nothing_stays_held(tmpdir, fails):
    with pytest.raises(Torn) as caught:
        window(tmpdir, fails).open(Runner())
    assert str(caught.value) == fails + ' failed'
    assert locks(tmpdir) == []
    assert journal(tmpdir)[-2:] == ['cancel b', 'cancel a']


@pytest.mark.parametrize('fails', ['begin', 'flush'])
def test_nothing_is_locked_or_cut_when_it_fails_before(tmpdir, fails):
    made = window(tmpdir, fails)
    with pytest.raises(Torn):
        made.open(Runner())
    assert made.steps == [] and 'enter a' not in journal(tmpdir)


@pytest.mark.parametrize('fails', ['enter', 'proves', 'leave'])
def test_the_watchdog_takes_back_in_reverse(tmpdir, fails):
    with pytest.raises(Torn):
        window(tmpdir, fails).open(Runner())
    assert [line for line in journal(tmpdir) if line.startswith('undo')] == ['undo b', 'undo a']


@pytest.mark.parametrize('cuts', [[['/bin/false', 'd3']], [['/bin/true'], ['/bin/false', 'd3'], ['/bin/true', 'd4']]])
def test_a_cut_that_fails_is_the_last(tmpdir, cuts):
    made = window(tmpdir, cuts=cuts)
    with pytest.raises(Torn) as caught:
        made.open(Runner())
    assert caught.value.facts['object'] == 'd3' and 'exit code 1' in caught.value.facts['found']
    assert made.steps[-1]['argv'] == ['/bin/false', 'd3'] and locks(tmpdir) == []


def test_a_cut_that_hangs_ends_with_the_lease(tmpdir):
    with pytest.raises(LeaseExpired):
        window(tmpdir, cuts=[['/bin/sleep', '60']], seconds=0.3).open(Runner())
    assert locks(tmpdir) == []


def test_a_cut_that_is_not_there(tmpdir):
    with pytest.raises(OSError):
        window(tmpdir, cuts=[['/nonexistent/metaoffline', 'd1', 'd3']]).open(Runner())
    assert locks(tmpdir) == []


def test_a_denied_confirmation_releases(tmpdir):
    def deny(look):
        assert sorted(locks(tmpdir)) == ['lock.a', 'lock.b']
        raise Torn('not offline')
    with pytest.raises(Torn):
        window(tmpdir, confirm=deny).open(Runner())
    assert locks(tmpdir) == []


def test_check_asks_every_holder_and_changes_nothing(tmpdir):
    window(tmpdir).check(Runner())
    assert journal(tmpdir) == ['check a', 'check b']


def test_commands_for_check_mode(tmpdir):
    assert window(tmpdir).commands() == [
        ['flush', 'a'], ['flush', 'b'], ['lock', 'a'], ['lock', 'b'], ['/bin/true', 'cut1'], ['/bin/true', 'cut2'], ['unlock',
                                                                                                                     'b'], ['unlock', 'a']]


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    made = Solaris(str(tmpdir), monkeypatch)
    yield made
    made.remove()


def members_of(solaris, *names):
    return [{'volume': name, 'filesystem': solaris.mirror(name, d2='okay', d3='okay'), 'fstype': 'ufs'} for name in names]


def ufs_window(solaris, names=('d1', 'd4'), **kwargs):
    return window_over(solaris, members_of(solaris, *names), **kwargs)


def window_over(solaris, members, seconds=30):
    metaoffline, metastat = _platform.need('metaoffline'), _platform.need('metastat')
    return Window(lock_holders(members, TAG), [[metaoffline, member['volume'], 'd3'] for member in members],
                  lambda look: look([metastat, '-c'] + [member['volume'] for member in members]), seconds, solaris.path('lease.json'))


def test_the_content_of_a_window_on_ufs(solaris):
    """Status, lock, its status, the cuts, their status, the lock's status, unlock, its status; nothing else."""
    made = ufs_window(solaris)
    made.check(Runner())
    facts = made.open(Runner())
    words = [' '.join([step['what'], os.path.basename(step['argv'][0])] + [word for word in step['argv'][1:] if word not in solaris.points])
             for step in facts['steps']]
    assert words == ['look lockfs', 'lock lockfs -w -c ' + TAG, 'look lockfs', 'cut metaoffline d1 d3', 'cut metaoffline d4 d3',
                     'look metastat -c d1 d4', 'look lockfs',
                     'unlock lockfs -u', 'look lockfs']
    assert (facts['locked'], facts['released']) == (facts['steps'][1]['started'], facts['steps'][7]['ended'])
    assert solaris.locks() == [] and [solaris.states(name)['d3'] for name in ('d1', 'd4')] == ['offline'] * 2


@pytest.mark.parametrize('fault', [
    'case $* in "-w "*) rm -f "$D/on.lockfs"; exit 0 ;; esac',
    'case $* in "-w "*) exit 1 ;; esac',
    'case $* in "-u "*) set -- -u; echo modified >&2; for p in "$D"/lock.*; do rm -f "$p"; done; exit 2 ;; esac',
    'case $* in -*) ;; *) [ ! -f "$D/lock.once" ] &&'
    ' ls "$D"/lock._* >/dev/null 2>&1 && { : >"$D/lock.once"; echo strange; exit 0; } ;; esac'])
def test_a_lockfs_that_lies_or_fails(solaris, fault):
    made = ufs_window(solaris)
    solaris.on('lockfs', fault)
    with pytest.raises(Refused):
        made.open(Runner())
    assert [name for name in solaris.locks() if name != 'lock.once'] == []


def test_a_lock_that_is_replaced_inside_the_window_is_torn_and_left_to_its_owner(solaris):
    members = members_of(solaris, 'd1')
    solaris.on('metaoffline', 'for p in "$D"/lock._*; do echo "write      somebody else" >"$p"; done')
    with pytest.raises(Torn):
        window_over(solaris, members).open(Runner())
    assert len(solaris.locks()) == 1 and 'somebody else' in solaris.read(solaris.locks()[0])


def test_a_lock_that_came_after_the_check_stays_with_its_owner(solaris):
    """It is neither taken over by the lock of the window nor ended by what undoes it."""
    made = ufs_window(solaris)
    made.check(Runner())
    name = 'lock.' + solaris.points[1].replace('/', '_')
    solaris.put(name, 'write      nightly\n')
    with pytest.raises(Torn) as caught:
        made.open(Runner())
    assert caught.value.facts['object'] == solaris.points[1] and 'nightly' in caught.value.facts['found']
    assert solaris.locks() == [name] and solaris.read(name) == 'write      nightly\n'
    assert [line for line in solaris.journal('lockfs') if line.startswith(('lockfs -w', 'lockfs -u'))] == []
    assert solaris.journal('metaoffline') == [] and not made.may_have_cut(('d1', 'd3'))


@pytest.mark.parametrize('said, mine', [('metaoffline: node1: d4: d3: illegal state', False), ('metaoffline: node1: d4: resync', True)])
def test_whose_cut_it_may_be(solaris, said, mine):
    """What was begun may have cut, unless the answer is that somebody else had cut before; what was never begun has not."""
    made = ufs_window(solaris, ('d1', 'd4', 'd7'))
    solaris.on('metaoffline', '[ $1 = d1 ] || { echo "%s" >&2; exit 1; }' % said)
    with pytest.raises(Torn):
        made.open(Runner())
    assert [made.may_have_cut((name, 'd3')) for name in ('d1', 'd4', 'd7')] == [True, mine, False]
    assert not made.may_have_cut(('d1', 'd4')) and solaris.locks() == []


def test_an_unlock_that_hangs_is_undone_by_the_watchdog(solaris):
    made = window_over(solaris, members_of(solaris, 'd1'), seconds=0.8)
    solaris.on('lockfs', 'case $* in "-u "*) [ -f "$D/hung" ] || { : >"$D/hung"; exec sleep 60; } ;; esac')
    with pytest.raises(LeaseExpired):
        made.open(Runner())
    eventually(lambda: solaris.locks() == [])


def member(volume='d1', filesystem='/home1', fstype='ufs'):
    return {'volume': volume, 'filesystem': filesystem, 'fstype': fstype if filesystem else None}


@pytest.mark.parametrize('members, applications, verdict', [
    ([member()], [], 'filesystem'), ([member(), member('d2', '/home2', 'xfs')], [], 'filesystem'), ([member(filesystem=None)], [], 'crash'),
    ([member()], ['db'], 'application'), ([member(filesystem=None)], ['db'], 'application'),
    ([member(filesystem=None), member('d2', None)], ['db'], 'application')])
def test_verdicts(members, applications, verdict):
    assert expected_verdict(members, applications) == verdict


@pytest.mark.parametrize('members', [[member(filesystem=None), member('d2', None)], [member(), member('d2', None)]])
def test_several_cuts_need_something_that_holds_them_together(members):
    with pytest.raises(Refused) as caught:
        expected_verdict(members, [])
    assert 'd2' in caught.value.facts['object']


@pytest.mark.parametrize('point', ['/', '/usr', '/var'])
def test_what_is_never_locked(point):
    with pytest.raises(Refused) as caught:
        refuse_own_ground([member(filesystem=point)], [])
    assert caught.value.facts['object'] == point


def test_own_ground(solaris):
    point = solaris.mirror('d1', d2='okay', d3='okay')
    refuse_own_ground([member(filesystem=point), member(filesystem=None)], [solaris.state, solaris.base])
    for path in (point, os.path.join(point, 'not', 'made', 'yet')):
        with pytest.raises(Refused) as caught:
            refuse_own_ground([member(filesystem=point)], [solaris.state, path])
        assert path in caught.value.facts['found']


def test_own_ground_by_a_relative_path(solaris, monkeypatch):
    point = solaris.mirror('d1', d2='okay', d3='okay')
    for path in ('here', 'not/made/yet', ''):
        monkeypatch.chdir(solaris.base)
        refuse_own_ground([member(filesystem=point)], [path])
        monkeypatch.chdir(point)
        with pytest.raises(Refused):
            refuse_own_ground([member(filesystem=point)], [path])


def test_holders_by_file_system(solaris):
    for tool in ('fsfreeze', 'lockfs', 'sync'):
        solaris.put(os.path.join('tools', tool), '#!/bin/sh\n')
        os.chmod(solaris.path('tools', tool), 0o755)
    holders = lock_holders([member('d1', '/a'), member('d2', '/b', 'xfs'), member('d3', None), member('d4', '/c')], TAG)
    assert [holder.key for holder in holders] == ['lockfs /a /c', 'fsfreeze /b']
    assert lock_holders([member(filesystem=None)], TAG) == []


@pytest.mark.parametrize('fstype, flushed', [('sfxfs', ['/b']), ('vxfs', ['/b']), ('xfs', [])])
def test_what_nothing_can_lock_is_flushed_only_where_there_is_no_fsfreeze(solaris, fstype, flushed):
    members = [member('d1', '/a'), member('d2', '/b', fstype)]
    assert only_flushed(members) == flushed
    solaris.tool('fsfreeze', '')
    assert only_flushed(members) == []


@pytest.mark.parametrize('again, entering', [([], 1), (['db'], 2)])
def test_a_flush_holds_nothing(solaris, again, entering):
    solaris.tool('sync', '')
    made = Window(_quiesce.lock_or_flush_holders([member('d2', '/b', 'vxfs')], ['/b'], TAG, again), [[solaris.path('tools', 'od')]],
                  lambda look: None, 5, solaris.path('lease.json'))
    facts = made.open(Runner())
    assert facts['flushed'] == ['/b'] and solaris.journal() == ['sync'] * entering + ['od']
    assert _quiesce.entering(made.holders) == [[solaris.path('tools', 'sync')]] * entering
    solaris.on('sync', 'exit 1')
    with pytest.raises(CommandFailed):
        made.open(Runner())


def test_what_is_only_flushed_is_worth_what_a_bare_volume_is():
    """And a database that leans on locks is worth nothing there: MySQL's InnoDB goes on writing."""
    one, two = [member('d1', '/a', 'vxfs')], [member('d1', '/a', 'vxfs'), member('d2', '/b')]
    assert _quiesce.DRIVERS['mysql']().rests_on_locks and not hasattr(_quiesce.DRIVERS['oracle'](), 'rests_on_locks')

    class Holder:
        proved = True

    class Leaning(Holder):
        rests_on_locks = True
    assert _quiesce.worth(expected_verdict, one, [], ['/a']) == 'crash'
    assert _quiesce.worth(expected_verdict, two, [Holder()], ['/a']) == 'application'
    assert _quiesce.worth(expected_verdict, one, [Holder(), Leaning()], ['/a']) == 'crash'
    assert _quiesce.worth(expected_verdict, one, [Leaning()]) == 'application'
    for applications in ([], [Leaning()]):
        with pytest.raises(Refused):
            _quiesce.worth(expected_verdict, two, applications, ['/a'])


def test_the_keys_of_a_window_differ(tmpdir):
    entries = [{'driver': 'command', 'before': ['/bin/true'], 'after': ['/bin/true'], 'limit': 5}] * 2
    holders = _quiesce.application_holders(entries, [], str(tmpdir), 'r')
    assert len(set(holder.key for holder in holders)) == 2


def test_a_missing_lock_command_is_refused_early(monkeypatch, solaris):
    _quiesce.lock_holders([member(), member(filesystem=None)], 'tag')
    os.unlink(solaris.path('tools', 'lockfs'))
    with pytest.raises(Refused):
        _quiesce.lock_holders([member()], 'tag')
