# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The run record: whole after any crash, complete after any crowd, and honest about who is alive."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import json
import os
import stat
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _process, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic

BOOT = 'boot 1'


@pytest.fixture
def state(tmpdir):
    return str(tmpdir.join('state'))


def member(volume):
    return {'volume': volume, 'copy': 'd3', 'filesystem': None}


def begin(state, name='home1', volumes=('d1',), boot=BOOT, **kwargs):
    return _run.open_run(state, name, 'svm', 'backup', [member(volume) for volume in volumes], boot, 'node1', **kwargs)


def dead(record):
    record.update(deadline=time.time() - 1)
    return record


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_new_record(state):
    record = begin(state)
    assert _run.RUN_ID.match(record.run) and record.tag == 'snapbackup:' + record.run
    on_disk = _files.read_json(os.path.join(state, 'runs', record.run + '.json'))
    assert on_disk == record.data == _run.load(state, record.run).data
    assert sorted(on_disk) == sorted((
        'schema run name sequence manager kind host phase result error opened deadline closed boot members undo window '
        'verdict proof recovery stale_after retained source_run source_manifest max_split primary nodes module '
        'layout image job redundancy_lost_seconds peers').split())
    assert record.is_open and on_disk['phase'] == 'preflight' and on_disk['sequence'] == 1
    assert 0 < on_disk['deadline'] - time.time() <= _run.STALE_AFTER


@pytest.mark.parametrize('mask', [0o022, 0o002, 0o077, 0])
def test_nobody_else_can_look_in(tmpdir, mask):
    """Whatever the umask, all that was made is private, and the directory that was just made is not refused."""
    before = os.umask(mask)
    try:
        state = str(tmpdir.join('parent', 'state'))
        record = begin(state)
        assert [mode(path) for path in (state, os.path.join(state, 'runs'), record.make_directory())] == [0o700] * 3
        assert mode(record.path) == 0o600
        begin(state, 'home2', ['d2'])
    finally:
        os.umask(before)


@pytest.mark.parametrize('bits', [0o777, 0o770, 0o702, 0o720])
def test_a_directory_that_others_can_write_to_is_refused(state, bits):
    os.mkdir(state)
    os.chmod(state, bits)
    with pytest.raises(Refused) as caught:
        begin(state)
    assert caught.value.facts['object'] == state


def test_a_link_is_refused(state, tmpdir):
    os.symlink(str(tmpdir.mkdir('elsewhere')), state)
    with pytest.raises(Refused):
        begin(state)


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can give a directory away')
def test_a_directory_of_somebody_else_is_refused(state):
    os.mkdir(state, 0o700)
    os.chown(state, 12345, 12345)
    with pytest.raises(Refused):
        begin(state)


@pytest.mark.parametrize('name', ['', '1home', '-x', 'home 1', 'home/1', '../x', 'home1\n', 'x' * 64, u'h\xf6me', '.x'])
def test_names_of_sets(state, name):
    with pytest.raises(Refused):
        begin(state, name)
    assert _run.all_runs(state) == []


@pytest.mark.parametrize('run', ['', '../x', '20261120T031500Z', '20261120T031500Z-A1B2C3', '20261120T031500Z-a1b2c3/x',
                                 '20261120T031500Z-a1b2c3\n',
                                 '20261120T031500Z-a1b2c3', '<run>'])
def test_loading_what_is_not_there(state, run):
    with pytest.raises(Refused):
        _run.load(state, run)


def test_a_run_id_ends_where_it_ends():
    assert not _run.RUN_ID.match('20261120T031500Z-a1b2c3\n')


def test_a_record_of_another_version_is_refused(state):
    record = begin(state)
    record.update(schema=2)
    with pytest.raises(Refused):
        _run.load(state, record.run)


def test_the_sequence_counts_up_and_never_back(state):
    records = [begin(state, 'set%d' % number, ['d%d' % number]) for number in range(3)]
    assert [record.data['sequence'] for record in records] == [1, 2, 3]
    os.unlink(records[2].path)
    assert begin(state, 'set9', ['d9']).data['sequence'] == 4


def test_all_runs_in_their_order(state):
    assert _run.all_runs(state) == []
    records = [begin(state, 'set%d' % number, ['d%d' % number]) for number in range(5)]
    for name in ('junk.json', records[0].run + '.json.77.tmp', 'notes'):
        _files.write(os.path.join(state, 'runs', name), 'x')
    records[0].make_directory()
    assert [record.run for record in _run.all_runs(state)] == [record.run for record in records]


def test_update_knows_its_keys(state):
    record = begin(state)
    record.update(phase='split', verdict='filesystem')
    assert _run.load(state, record.run).data['phase'] == 'split'
    with pytest.raises(KeyError):
        record.update(fase='split')


def test_two_writers_do_not_undo_each_other(state):
    first = begin(state)
    second = _run.load(state, first.run)
    first.update(phase='split')
    second.update(verdict='filesystem')
    assert (second.data['phase'], second.data['verdict']) == ('split', 'filesystem')


def test_undo_entries(state):
    record = begin(state)
    record.add_undo({'id': 'a', 'action': 'online'})
    record.add_undo({'id': 'b', 'action': 'online'})
    record.add_undo({'id': 'a', 'action': 'unlocked'})
    assert [(entry['id'], entry['action']) for entry in record.data['undo']] == [('b', 'online'), ('a', 'unlocked')]
    record.clear_undo('b', 'c')
    assert [entry['id'] for entry in _run.load(state, record.run).data['undo']] == ['a']


def test_a_closed_record_takes_no_undo_entry(state):
    """Nobody would ever look for it there. What counts is the record on disk, not what a module has read before."""
    early = begin(state)
    record = _run.load(state, early.run)
    record.close(result='failed')
    for found in (early, record, _run.load(state, early.run)):
        with pytest.raises(Refused) as caught:
            found.add_undo({'id': 'a', 'action': 'online'})
        assert caught.value.facts['object'] == early.run and 'has ended' in str(caught.value)
    assert _run.load(state, early.run).data['undo'] == []


def test_a_record_with_something_to_undo_is_not_closed(state):
    record = begin(state)
    early = _run.load(state, record.run)
    record.add_undo({'id': 'a', 'action': 'online'})
    with pytest.raises(Refused) as caught:
        early.close(result='failed')
    assert caught.value.facts['found'] == 'a' and 'recover' in caught.value.facts['remedy']
    assert _run.load(state, record.run).is_open and _run.load(state, record.run).data['result'] is None
    record.clear_undo('a')
    early.close(result='failed', error='why')
    found = _run.load(state, record.run)
    assert not found.is_open and (found.data['result'], found.data['error']) == ('failed', 'why')
    assert 0 <= time.time() - found.data['closed'] < 10


def crowd(count, work):
    """work(number) in so many processes at once; all must end well."""
    pids = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work(number)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * count


def test_twenty_processes_lose_no_entry(state):
    record = begin(state)
    crowd(20, lambda number: _run.load(state, record.run).add_undo({'id': str(number), 'action': 'online'}))
    assert sorted(int(entry['id']) for entry in _run.load(state, record.run).data['undo']) == list(range(20))


def test_only_one_of_many_opens_the_same_set(state, tmpdir):
    def attempt(number):
        try:
            begin(state)
            tmpdir.join('won.%d' % number).write('')
        except Refused:
            return
    crowd(10, attempt)
    assert len(tmpdir.listdir(fil=lambda path: path.basename.startswith('won'))) == 1
    assert len(_run.all_runs(state)) == 1


@pytest.mark.parametrize('step', ['write', 'fsync', 'rename'])
def test_a_crash_in_the_middle_of_a_change_leaves_the_record_whole(state, step):
    record = begin(state)
    before = record.data['phase']
    pid = os.fork()
    if pid == 0:
        try:
            setattr(os, step, lambda *args: os._exit(9))
            record.update(phase='split')
        finally:
            os._exit(1)
    assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 9
    assert any(name.endswith('.tmp') for name in os.listdir(os.path.join(state, 'runs')))
    assert _run.load(state, record.run).data['phase'] == before
    assert [found.run for found in _run.all_runs(state)] == [record.run]
    record.update(phase='split')
    assert _run.load(state, record.run).data['phase'] == 'split'


def test_a_write_that_fails_changes_nothing_in_memory(state, monkeypatch):
    record = begin(state)
    monkeypatch.setattr(_run._files, 'write_json', lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        record.update(phase='split')
    assert record.data['phase'] == 'preflight'


def test_overlap_of_the_set(state):
    first = begin(state)
    with pytest.raises(Refused) as caught:
        begin(state, volumes=['d9'])
    assert caught.value.facts['object'] == first.run and 'alive' in str(caught.value)


def test_overlap_of_volumes(state):
    begin(state, 'one', ['d1', 'd2'])
    with pytest.raises(Refused) as caught:
        begin(state, 'two', ['d2', 'd3'])
    assert 'd2' in caught.value.facts['needed']
    begin(state, 'three', ['d3'])


def test_a_dead_run_is_refused_too_with_another_way_out(state):
    dead(begin(state))
    with pytest.raises(Refused) as caught:
        begin(state)
    assert 'dead' in str(caught.value) and 'recover' in caught.value.facts['remedy']


@pytest.mark.parametrize('seconds', [0, -1])
def test_a_run_that_would_be_dead_at_once_is_refused(state, seconds):
    with pytest.raises(Refused) as caught:
        begin(state, stale_after=seconds)
    assert caught.value.facts['object'] == 'stale_after' and _run.all_runs(state) == []


def test_records_that_cannot_be_read_are_not_taken_for_none(state, monkeypatch):
    begin(state)

    def listdir(path):
        raise OSError(errno.EACCES, 'Permission denied')
    monkeypatch.setattr(os, 'listdir', listdir)
    with pytest.raises(Refused) as caught:
        _run.all_runs(state)
    assert caught.value.facts['found'] == 'Permission denied' and caught.value.facts['object'] == state


def test_a_closed_run_is_in_nobodys_way(state):
    begin(state).update(closed=time.time())
    assert begin(state).data['sequence'] == 2


def test_alive_by_its_deadline(state):
    record = begin(state)
    assert 'sign of life' in record.why_live(BOOT) and 'counts as dead in %d s' % _run.STALE_AFTER in record.why_live(BOOT)
    assert record.why_live(BOOT, now=time.time() + _run.STALE_AFTER - 5)
    assert record.why_live(BOOT, now=time.time() + _run.STALE_AFTER + 1) is None
    assert record.why_live('boot 2') is None
    assert dead(record).why_live(BOOT) is None


def test_alive_by_its_job(state):
    record = dead(begin(state))
    record.update(job=_process.identity(os.getpid(), BOOT))
    assert str(os.getpid()) in record.why_live(BOOT)
    assert record.why_live('boot 2') is None
    record.update(job=dict(record.data['job'], start='1'))
    assert record.why_live(BOOT) is None


def test_alive_while_a_module_of_it_splits(state):
    record = dead(begin(state))
    assert record.at_work(BOOT) is None
    record.add_undo({'id': 'a', 'action': 'online'})
    assert record.at_work(BOOT) is None and record.why_live(BOOT) is None
    splitter = _process.identity(os.getpid(), BOOT)
    record.add_undo({'id': 'b', 'action': 'online', 'by': splitter})
    assert str(os.getpid()) in record.at_work(BOOT) and record.why_live(BOOT) == record.at_work(BOOT)
    assert record.at_work('boot 2') is None and record.why_live('boot 2') is None
    record.add_undo({'id': 'b', 'action': 'online', 'by': dict(splitter, start='1')})
    assert record.at_work(BOOT) is None and record.why_live(BOOT) is None


def test_alive_while_a_module_of_it_works(state):
    """A check of a large file system may last longer than the deadline."""
    record = begin(state)
    module = _process.identity(os.getppid(), BOOT)
    record.renew(module)
    assert record.data['module'] == module
    record = dead(record)
    assert record.why_live(BOOT) == record.at_work(BOOT) == 'its module, process %d, is at work' % os.getppid()
    assert record.why_live('boot 2') is None
    for ended in (dict(module, start='1'), _process.identity(os.getpid(), BOOT)):
        # A module does not wait for itself.
        record.update(module=ended)
        assert record.why_live(BOOT) is None


def test_a_closed_run_is_not_alive(state):
    record = begin(state)
    record.update(closed=time.time())
    assert record.why_live(BOOT) is None


def test_every_sign_of_life_moves_the_deadline_by_what_the_run_was_opened_with(state):
    record = begin(state, stale_after=10)
    record.update(deadline=1)
    record.renew()
    assert time.time() < record.data['deadline'] <= time.time() + 10


def test_a_renewal_never_moves_the_deadline_back(state):
    record = begin(state, stale_after=10)
    later = time.time() + 500
    record.update(deadline=later)
    record.renew()
    assert record.data['deadline'] == later


def test_a_closed_record_is_not_renewed(state):
    record = begin(state)
    stale = _run.load(state, record.run)
    record.update(closed=time.time(), deadline=1)
    record.renew()
    assert _run.load(state, record.run).data['deadline'] == 1
    stale.renew()
    assert _run.load(state, record.run).data['deadline'] == 1


def test_the_record_is_json_for_any_reader(state):
    record = begin(state)
    record.update(error=u'caf\xe9')
    with open(record.path) as source:
        assert json.load(source)['error'] == u'caf\xe9'


def split(record, phase='store', seconds=100, **fields):
    """The record as after a cut so many seconds ago."""
    record.add_undo({'id': 'a', 'action': 'online'})
    record.update(phase=phase, verdict='filesystem', window={'cuts': [monotonic() - seconds, monotonic()]}, **fields)
    return record


def keep(record, until=_run.NEXT_RUN, survives_reboot=True):
    return split(record, 'retained', retained={'until': until, 'survives_reboot': survives_reboot})


def test_a_record_of_the_first_version_is_read(state):
    record = begin(state)
    _files.write_json(record.path, dict((key, value) for key, value in record.data.items() if key not in _run.ADDED))
    old = _run.load(state, record.run)
    assert old.data == record.data
    old.update(phase='split')
    assert old.why_kept(BOOT) is None and not old.is_overdue(BOOT) and old.why_live(BOOT)


def test_a_kept_copy_is_neither_alive_nor_dead(state):
    record = keep(begin(state))
    assert record.why_live(BOOT) is None and 'until the next run' in record.why_kept(BOOT)
    assert record.why_kept('boot 2') and 'reboots' not in record.why_kept(BOOT)
    assert 'or until the host reboots' in keep(record, survives_reboot=False).why_kept(BOOT)
    assert record.why_kept('boot 2') is None
    hour = time.time() + 3600
    keep(record, until=hour)
    assert time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(hour)) in record.why_kept(BOOT)
    assert record.why_kept(BOOT, now=hour + 1) is None
    record.clear_undo('a')
    record.close(result='complete')
    assert record.why_kept(BOOT) is None and record.data['retained'] is None


def test_a_kept_copy_is_in_the_way_of_other_sets_alone(state):
    first = keep(begin(state))
    with pytest.raises(Refused) as caught:
        begin(state, 'home2')
    assert caught.value.facts['object'] == first.run and 'kept until the next run' in str(caught.value)
    assert 'snapbackup_takeover=' + first.run in caught.value.facts['remedy']
    keep(first, until=1)
    with pytest.raises(Refused) as caught:
        begin(state, 'home2')
    assert 'recover' in caught.value.facts['remedy']
    assert begin(state).is_open


def test_split_for_too_long(state):
    record = split(begin(state), max_split=60)
    assert 40 <= record.overdue(BOOT) < 45 and record.is_overdue(BOOT) and record.why_live(BOOT) is None
    assert record.overdue('boot 2') is None
    record.update(max_split=200)
    assert -100 <= record.overdue(BOOT) < -95 and not record.is_overdue(BOOT) and record.why_live(BOOT)
    for number, fields in enumerate([dict(max_split=None), dict(phase='rejoin'), dict(phase='retained'), dict(window=None)]):
        other = split(begin(state, 'set%d' % number, ['d9%d' % number]), max_split=60)
        other.update(**fields)
        assert other.overdue(BOOT) is None and other.why_live(BOOT)
    record.add_undo({'id': 'b', 'action': 'online', 'by': _process.identity(os.getpid(), BOOT)})
    record.update(max_split=60)
    assert 'splitting' in record.why_live(BOOT)


def restore_from(state, source, **kwargs):
    return _run.open_run(state, 'home1', 'svm', 'restore', [member('d1')], BOOT, 'node1', source_run=source, **kwargs)


def test_a_restore_from_copies(state):
    source = keep(begin(state))
    restore = restore_from(state, source.run)
    assert restore.data['source_run'] == source.run and restore.is_open
    with pytest.raises(Refused) as caught:
        restore_from(state, source.run)
    assert caught.value.facts['object'] == restore.run
    with pytest.raises(Refused):
        begin(state)


@pytest.mark.parametrize('wrong', [
    dict(retained=None), dict(retained=None, deadline=1, job='me'), dict(verdict='torn'), dict(verdict=None), dict(closed=1.0),
    dict(undo=[]), dict(kind='restore'), dict(undo=[{'id': 'a', 'action': 'online'}, {'id': 'b', 'action': 'online', 'returning': True}])])
def test_copies_that_cannot_be_restored_from(state, wrong):
    source = keep(begin(state))
    if 'job' in wrong:
        wrong = dict(wrong, job=_process.identity(os.getpid(), BOOT))
    source.update(**wrong)
    with pytest.raises(Refused) as caught:
        restore_from(state, source.run)
    assert caught.value.facts['object'] == source.run and len(_run.all_runs(state)) == 1


def test_a_dead_run_is_restored_from_and_a_live_one_only_when_it_is_named(state):
    source = split(begin(state))
    with pytest.raises(Refused) as caught:
        restore_from(state, source.run)
    assert 'sign of life' in caught.value.facts['found']
    source.update(job=_process.identity(os.getpid(), BOOT))
    with pytest.raises(Refused) as caught:
        restore_from(state, source.run, takeover=source.run)
    assert str(os.getpid()) in caught.value.facts['found']
    source.update(job=None)
    assert restore_from(state, source.run, takeover=source.run).is_open
    other = split(begin(state, 'two', ['d2']))
    dead(other)
    assert _run.open_run(state, 'two', 'svm', 'restore', [member('d2')], BOOT, 'node1', source_run=other.run).is_open
