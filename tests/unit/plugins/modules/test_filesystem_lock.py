# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Write locks that outlive the module, and their watchdog."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import glob
import os
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _run

from scripted import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def host(solaris, call):
    """Two file systems and a run."""
    solaris.mirror('d1', d2='okay', d3='okay')
    solaris.mirror('d4', d5='okay', d6='okay')
    solaris.run = call('backup_run', state='opened', name='home1', manager='svm')['run']
    solaris.record = lambda: _run.load(solaris.state, solaris.run)
    yield solaris
    # Ends the watchdogs, if any are there.
    for path in markers(solaris):
        os.unlink(path)


@pytest.fixture
def lock(call, host):
    def locked(state='locked', paths=None, **params):
        if state == 'locked':
            params.setdefault('max_hold', 30)
        return call('filesystem_lock', run=host.run, state=state, paths=paths or host.points, **params)
    return locked


def markers(host):
    return glob.glob(os.path.join(host.state, 'runs', host.run, 'locks-*.json'))


def marker(host):
    """What the watchdogs of the run guard, one sorted list for each; an empty list without any."""
    return sorted(_files.read_json(path) for path in markers(host))


def lock_of(point):
    return 'lock.' + point.replace('/', '_')


def test_lock_and_unlock(host, lock):
    told = lock()
    assert told['changed'] and told['before'] == dict.fromkeys(host.points, False) and told['after'] == dict.fromkeys(host.points, True)
    assert len(host.locks()) == 2 and all('snapbackup:' + host.run in host.read(name) for name in host.locks())
    assert marker(host) == [sorted(host.points)] and len(host.record().data['undo']) == 2
    again = lock()
    assert not again['changed'] and again['commands'] == [] and len(host.locks()) == 2
    back = lock('unlocked')
    assert back['changed'] and host.locks() == [] and marker(host) == [] and host.record().data['undo'] == []
    assert not lock('unlocked')['changed']


def test_the_watchdog_unlocks_when_nobody_does(host, lock):
    lock(max_hold=5)
    assert len(host.locks()) == 2
    eventually(lambda: host.locks() == [])
    eventually(lambda: marker(host) == [])
    assert not lock('unlocked')['changed'] and host.record().data['undo'] == []


def test_the_lock_stays_until_then(host, lock):
    lock(max_hold=20)
    time.sleep(0.5)
    assert len(host.locks()) == 2 and marker(host) == [sorted(host.points)]


def test_two_locks_of_one_run_are_guarded_apart(host, lock):
    """Unlocking one must end its own watchdog only, or nobody would ever unlock the other."""
    one, other = host.points
    assert lock(paths=[one])['changed'] and lock(paths=[other], max_hold=2)['changed']
    assert marker(host) == sorted([[one], [other]]) and len(host.locks()) == 2
    assert lock('unlocked', paths=[one])['changed']
    assert host.locks() == [lock_of(other)] and marker(host) == [[other]]
    assert [entry['path'] for entry in host.record().data['undo']] == [other]
    eventually(lambda: host.locks() == [])
    eventually(lambda: marker(host) == [])


def test_the_rest_of_a_lock_stays_guarded(host, lock):
    one, other = host.points
    lock(max_hold=2)
    assert lock('unlocked', paths=[one])['changed']
    assert host.locks() == [lock_of(other)] and marker(host) == [[other]]
    eventually(lambda: host.locks() == [])
    eventually(lambda: marker(host) == [])


def test_two_locks_are_taken_back_by_one_call(host, lock):
    for path in host.points:
        lock(paths=[path])
    assert len(marker(host)) == 2 and not lock()['changed']
    assert lock('unlocked')['changed'] and host.locks() == [] and marker(host) == [] and host.record().data['undo'] == []


def test_what_cannot_be_asked_for_keeps_nothing_else_locked(host, lock):
    """After a forced unmount lockfs answers EIO for that file system; the watchdog unlocks the other one all the same."""
    one, other = host.points
    host.on('lockfs', 'case $* in *"%s"*) [ ! -f "$D/lost" ] || { echo "%s EIO May be hard locked"; exit 2; } ;; esac' % (one, one))
    lock(max_hold=1)
    host.put('lost', '')
    eventually(lambda: host.locks() == [lock_of(one)])
    assert marker(host) == [sorted(host.points)]
    os.unlink(host.path('lost'))
    eventually(lambda: host.locks() == [])
    eventually(lambda: marker(host) == [])


def test_check_mode(host, lock):
    files, content = host.files(), host.record().data
    told = lock(check=True)
    assert told['changed'] and told['after'] == dict.fromkeys(host.points, True)
    assert host.locks() == [] and not [line for line in host.journal('lockfs') if ' -' in line]
    assert host.record().data == content
    done = lock()
    assert [command['argv'] for command in told['commands']] == [command['argv'] for command in done['commands']]
    back = lock('unlocked', check=True)
    assert back['changed'] and len(host.locks()) == 2 and marker(host) == [sorted(host.points)]
    assert [command['argv'] for command in back['commands']] == [command['argv'] for command in lock('unlocked')['commands']]
    assert set(files) <= set(host.files())


def test_check_mode_makes_no_directory(host, lock):
    files = host.files()
    lock(check=True)
    assert host.files() == files


def test_a_foreign_lock_is_refused_and_left_alone(host, lock):
    host.put('lock.' + host.points[1].replace('/', '_'), 'write      nightly\n')
    told = lock()
    assert told['failed'] and 'nightly' in told['msg'] and len(host.locks()) == 1
    assert not lock('unlocked')['changed'] and len(host.locks()) == 1


def test_a_lock_that_came_after_the_check_stays_with_its_owner(host, lock):
    """It comes while the file systems are flushed, between the check and the lock."""
    host.on('lockfs', 'case $1 in -f) echo "write      nightly" >"$(lock_file "$3")" ;; esac')
    told = lock()
    assert told['failed'] and told['object'] == host.points[1] and 'nightly' in told['msg'] and 'in the meantime' in told['msg']
    assert host.locks() == [lock_of(host.points[1])] and host.read(host.locks()[0]) == 'write      nightly\n'
    assert [line for line in host.journal('lockfs') if line.startswith(('lockfs -w', 'lockfs -u'))] == [] and marker(host) == []


def test_locked_in_part_is_refused(host, lock):
    lock(paths=host.points[:1])
    told = lock()
    assert told['failed'] and 'Only some' in told['msg'] and len(host.locks()) == 1


@pytest.mark.parametrize('path', ['/', '/nowhere'])
def test_what_cannot_be_locked(host, lock, path):
    assert lock(paths=[path])['failed'] and host.locks() == []


def test_a_lock_that_fails_leaves_none(host, lock):
    host.on('lockfs', 'case $* in "-w "*) echo "write      snapbackup:%s" >"$(lock_file "$4")"; exit 1 ;; esac' % host.run)
    told = lock()
    assert told['failed'] and host.locks() == [] and marker(host) == []


def test_an_unlock_without_effect_fails(host, lock):
    lock()
    host.on('lockfs', 'case $* in "-u "*) exit 0 ;; esac')
    told = lock('unlocked')
    assert told['failed'] and 'could not be unlocked' in told['msg']
    assert marker(host) == [sorted(host.points)] and len(host.record().data['undo']) == 2
    host.on('lockfs')


def test_max_hold_is_needed(call, host):
    assert 'max_hold' in call('filesystem_lock', run=host.run, state='locked', paths=host.points)['msg']


@pytest.fixture
def frozen(host):
    """A Linux file system instead: fsfreeze keeps no status, so a file says what it did."""
    host.put('mnttab', host.read('mnttab') + '/dev/sdb\t%s\txfs\trw\t0\n' % os.path.join(host.shared, 'data'))
    os.mkdir(os.path.join(host.shared, 'data'))
    for name, body in (('fsfreeze', 'case $1 in --freeze) : >"$D/frozen" ;; *) rm "$D/frozen" ;; esac\n'), ('sync', '')):
        host.put(os.path.join('tools', name), host.read('tools/umount').split('grep -v')[0] + body)
        os.chmod(host.path('tools', name), 0o755)
    return [os.path.join(host.shared, 'data')]


def test_freeze_and_thaw(host, frozen, lock):
    assert lock(paths=frozen)['changed'] and os.path.exists(host.path('frozen'))
    assert not lock(paths=frozen)['changed']
    assert lock('unlocked', paths=frozen)['changed'] and not os.path.exists(host.path('frozen')) and marker(host) == []


def test_a_frozen_file_system_beside_a_lock_of_another_call(host, frozen, lock):
    """Of what keeps no status only the marker tells that it is frozen, so each must outlive the unlocking of the other."""
    lock(paths=frozen)
    lock(paths=host.points)
    assert lock('unlocked', paths=host.points)['changed'] and marker(host) == [frozen]
    assert not lock(paths=frozen)['changed'] and os.path.exists(host.path('frozen'))
    assert lock('unlocked', paths=frozen)['changed'] and not os.path.exists(host.path('frozen')) and marker(host) == []


def test_a_thaw_that_fails_is_no_success(host, frozen, lock):
    """The marker must stay too, or the watchdog takes the file system for thawed and ends."""
    lock(paths=frozen)
    host.on('fsfreeze', 'echo "fsfreeze: unfreeze failed: Device or resource busy" >&2; exit 1')
    told = lock('unlocked', paths=frozen)
    assert told.get('failed') is True
    assert marker(host) == [frozen]
