# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Updating shadows of Instant Image and restoring from them, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import subprocess

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_marks as marks
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from instant_image import InstantImageHost

pytestmark = pytest.mark.slow

COPYING = 'copy_in_progress,copying_master_to_shadow'
BACK = 'copy_in_progress,copying_shadow_to_master'


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    """In the place of the host without Instant Image, for fixture call."""
    made = InstantImageHost(str(tmpdir), monkeypatch)
    yield made
    made.remove()


@pytest.fixture
def host(solaris):
    return solaris


@pytest.fixture
def members(host):
    """Two sets of group G, whose masters are mounted."""
    made = [host.enabled(host.member(number), group='G') for number in (1, 2)]
    for member in made:
        host.mount(member['master'])
    return made


@pytest.fixture
def copy(call):
    def run(state, check=False, members=None, **params):
        if members is not None:
            params['members'] = [dict(shadow=member['shadow']) for member in members]
        return call('ii_copy', check=check, state=state, **params)
    return run


@pytest.fixture
def run(call):
    def begin(name='data', **params):
        return call('backup_run', state='opened', name=name, manager='ii', members=[dict(volume=name)], **params)['run']
    return begin


def record(host, run):
    return _run.load(host.state, run).data


def undo(host, run):
    return [entry['id'].split('/')[0] + entry['id'].split('/')[-1] for entry in record(host, run)['undo']]


def is_void(host, member):
    return marks.of(host.state, marks.VOID, member['shadow'])


def states(result):
    return dict((path.rpartition('/')[2], state) for path, state in result.items())


def ended(host, *members):
    """Let what is copied be copied."""
    for member in members:
        host.edit(member, 'flags', '-')


def test_update_at_one_moment(host, members, copy, run):
    name = run()
    plan = copy('updated', check=True, members=members, run='<run>', group='G')
    assert host.changes() == [] and host.locks() == []
    done = copy('updated', members=members, run=name, group='G')
    assert (done['changed'], done['verdict'], states(done['after'])) == (True, 'filesystem', {'s1': 'copying', 's2': 'copying'})
    assert [line for line in host.journal('iiadm', 'lockfs') if not line.startswith(('iiadm -i', 'lockfs /'))][2:] == [
        'iiadm -g G -u s', 'lockfs -u ' + ' '.join(host.points)]
    assert [[word.replace(name, '<run>') for word in command['argv']] for command in done['commands']] == [
        command['argv'] for command in plan['commands']]
    data = record(host, name)
    assert (data['phase'], data['verdict'], data['error'], len(data['window']['cuts'])) == ('split', 'filesystem', None, 1)
    assert [(m['copy'], m['device'], m['original'], m['bytes'], m['filesystem']) for m in data['members']] == [
        (member['shadow'], member['shadow'], member['master'], 8192 * 512, point) for member, point in zip(members, host.points)]
    assert undo(host, name) == ['ii_copy:s1', 'ii_copy:s2'] and 'iiadm -i all' in data['layout'] and host.locks() == []
    assert not any(is_void(host, member) for member in members)
    again = copy('updated', members=members, run=name, group='G')
    assert not again['changed'] and again['window'] == done['window'] and again['commands'] == []
    ended(host, *members)
    released = copy('released', run=name)
    assert released['changed'] and undo(host, name) == [] and len(host.changes()) == 1


def test_one_command_without_a_group(host, members, copy, run):
    host.put('mnttab', '')
    done = copy('updated', members=members, run=run())
    assert done['verdict'] == 'crash' and host.changes() == ['iiadm -u s s1 s2']
    assert copy('updated', members=[], run=run('none'))['failed']


@pytest.mark.parametrize('quiesce, verdict, syncs', [([], 'crash', 1), ([dict(driver='command', before=['/bin/true'], after=['/bin/true'])],
                                                                        'application', 2)])
def test_a_vxfs_that_no_command_locks_is_flushed(host, copy, run, quiesce, verdict, syncs):
    """Solaris has no fsfreeze. Beside it an UFS, which is locked all the same."""
    host.tool('sync', '')
    members = [host.enabled(host.member(number)) for number in (1, 2)]
    points = [host.mount(member['master'], fstype) for member, fstype in zip(members, ('vxfs', 'ufs'))]
    plan = copy('updated', check=True, members=members, run='<run>', quiesce=quiesce)
    assert host.journal('sync') == [] and points[0] + ' cannot be locked' in plan['warnings'][-1]
    name = run()
    done = copy('updated', members=members, run=name, quiesce=quiesce)
    assert (done['verdict'], record(host, name)['verdict'], done['window']['flushed']) == (verdict, verdict, points[:1])
    assert points[0] + ' cannot be locked' in done['warnings'][-1] and points[1] not in done['warnings'][-1]
    assert host.journal('sync') == ['sync'] * syncs and 'lockfs -w -c snapbackup:%s %s' % (name, points[1]) in host.journal('lockfs')
    assert [command['argv'][0] for command in plan['commands']] == [command['argv'][0] for command in done['commands']]


def test_where_fsfreeze_is_there_a_vxfs_is_locked(host, copy, run):
    for tool in ('fsfreeze', 'sync'):
        host.tool(tool, '')
    member = host.enabled(host.member(1))
    point = host.mount(member['master'], 'vxfs')
    done = copy('updated', members=[member], run=run())
    assert (done['verdict'], done['window']['flushed'], len(host.journal('fsfreeze'))) == ('filesystem', [], 2)
    assert point not in ' '.join(done.get('warnings', []))


def test_the_shadow_is_void_and_the_way_back_written_before_the_cut(host, members, copy, run):
    host.on('iiadm', 'case $* in *"-u s"*) grep -q ii_copy: "$D"/state/runs/*.json && grep -q void "$D/state/instant_image.json" && '
            'echo noted >"$D/noted"; exit 1 ;; esac')
    assert copy('updated', members=members, run=run())['failed'] and host.read('noted') == 'noted\n'


@pytest.mark.parametrize('fault', ['exit 0', 'echo "iiadm: Update failed:" >&2; echo "II: Volume offline" >&2; exit 2',
                                   'kill -9 $$', 'set -- -u s "$3"; trap "exit 2" EXIT'])
def test_a_failed_update_makes_the_shadows_void(host, members, copy, run, fault):
    name = run()
    host.on('iiadm', 'case $* in *"-u s"*) %s ;; esac' % fault)
    failed = copy('updated', members=members, run=name)
    assert 'The shadows are void' in failed['msg'] and record(host, name)['verdict'] == 'torn' and host.locks() == []
    assert undo(host, name) == [] and [is_void(host, member) for member in members] == [name] * 2
    host.on('iiadm')
    ended(host, *members)
    again = run('again')
    assert copy('updated', members=members, run=again)['changed'] and not any(is_void(host, member) for member in members)


def test_an_overrun_lease_makes_the_shadows_void(host, members, copy, run):
    name = run()
    host.on('iiadm', 'case $* in *"-u s"*) sleep 20 ;; esac')
    failed = copy('updated', members=members, run=name, lease=5)
    assert 'lease' in failed['msg'] and [is_void(host, member) for member in members] == [name] * 2 and host.locks() == []


def test_what_fails_before_the_cut_leaves_the_shadows_good(host, members, copy, run):
    host.on('lockfs', 'case $1 in -w) exit 1 ;; esac')
    failed = copy('updated', members=members, run=run())
    assert 'No shadow was touched' in failed['msg'] and not any(is_void(host, member) for member in members) and host.changes() == []


@pytest.mark.parametrize('flags, words', [
    (COPYING, 'wait until'), ('shadow_volume_exported', 'is exported'), ('copy_not_active,copying_shadow_to_master', 'mixture'),
    ('master_volume_offline', 'offline'), ('suspended', 'suspended'), ('odd', 'not documented')])
def test_what_is_not_updated(host, members, copy, run, flags, words):
    host.edit(members[0], 'flags', flags)
    assert words in copy('updated', members=members, run=run())['msg'] and host.changes() == []


def test_a_shadow_that_a_process_has_open_is_not_updated(host, members, copy, run):
    os.unlink(members[0]['shadow'])
    os.symlink('/dev/full', members[0]['shadow'])
    with open('/dev/full', 'wb') as opened:
        holder = subprocess.Popen(['sleep', '600'], stdout=opened)
    try:
        assert 'is open' in copy('updated', members=members, run=run())['msg'] and host.changes() == []
    finally:
        holder.kill()
        holder.wait()


def test_an_interrupted_copy_is_begun_again(host, members, copy, run):
    host.edit(members[0], 'flags', 'copy_not_active,copying_master_to_shadow')
    assert copy('updated', members=members, run=run())['changed']


def test_mounted_shadows_and_wrong_groups(host, members, copy, run):
    assert 'does not consist' in copy('updated', members=members[:1], run=run('a'), group='G')['msg']
    assert 'does not consist' in copy('updated', members=members, run=run('b'), group='H')['msg']
    assert 'every set' in copy('updated', members=members, run=run('c'), group='')['msg']
    assert 'more than once' in copy('updated', members=members + members[:1], run=run('d'))['msg']
    host.mount(members[1]['shadow'])
    assert 's2 is mounted' in copy('updated', members=members, run=run('e'))['msg'] and host.changes() == []


def test_the_shadows_of_others_are_left_alone(host, members, copy, run):
    first, second = run('one'), run('two')
    copy('updated', members=members, run=first)
    ended(host, *members)
    for state in ('updated', 'released'):
        assert 'Run %s works' % first in copy(state, members=members, run=second)['msg']


def test_everything_is_copied_where_the_bitmaps_may_not_know(host, members, copy, run):
    marks.mark(host.state, marks.FULL, [members[0]['shadow']], 'old')
    assert copy('updated', members=members, run=run(), group='G')['changed'] and host.changes() == ['iiadm -g G -c s']
    assert marks.of(host.state, marks.FULL, members[0]['shadow']) is None


def test_the_proof_is_about_the_moment(host, members, copy, run, call):
    name = run()
    copy('updated', members=members[:1], run=name)
    clause, = record(host, name)['proof']
    assert clause['argv'][1:] == ['-i', members[0]['shadow']]

    def holds():
        return bool(re.search(clause['match'], Runner()(clause['argv']).out, re.MULTILINE))
    for flags, good in ((COPYING, True), ('-', True), ('shadow_volume_exported', True), ('copy_not_active,copying_master_to_shadow', False),
                        (BACK, False), ('shadow_volume_offline', False), ('suspended', False)):
        host.edit(members[0], 'flags', flags)
        assert holds() == good, flags
    host.edit(members[0], 'flags', '-')
    host.edit(members[0], 'modified', 'Tue_Mar__4_21:00:06_2003')
    assert not holds()


def test_a_released_shadow_is_home(host, members, copy, run):
    name = run()
    copy('updated', members=members, run=name)
    host.edit(members[0], 'flags', 'shadow_volume_exported')
    assert 'still on another host' in copy('released', run=name)['msg'] and len(undo(host, name)) == 2


@pytest.fixture
def kept(host, members, copy, run):
    """A backup whose shadow is kept, and a restore from it; the master is not mounted."""
    backup = run()
    copy('updated', members=members[:1], run=backup)
    _run.load(host.state, backup).update(retained={'until': 'next_run', 'survives_reboot': True}, phase='retained')
    ended(host, members[0])
    host.put('mnttab', '')
    return backup, run(kind='restore', source_run=backup)


def test_restore_and_end_it(host, members, copy, kept):
    backup, restore = kept
    params = dict(run=restore, source_run=backup)
    assert 'm1 in confirm' in copy('restored', **params)['msg']
    params['confirm'] = [members[0]['master']]
    plan = copy('restored', check=True, **params)
    done = copy('restored', **params)
    assert (done['changed'], states(done['after']), host.changes()[1:]) == (True, {'s1': 'copying'}, ['iiadm -n -u m s1'])
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]
    assert not copy('restored', **params)['changed'] and undo(host, restore) == ['ii_restore:s1'] and undo(host, backup) == ['ii_copy:s1']
    ended(host, members[0])
    for dummy in range(2):
        assert not copy('restored', **params)['changed'] and undo(host, restore) == []
    assert len(host.changes()) == 2


def test_an_interrupted_restore_goes_on_in_its_direction(host, members, copy, kept):
    backup, restore = kept
    params = dict(run=restore, source_run=backup, confirm=[members[0]['master']])
    host.on('iiadm', 'case $* in *"-u m"*) grep -q ii_restore "$D"/state/runs/*.json && echo noted >"$D/noted"; exit 1 ;; esac')
    assert copy('restored', **params)['failed'] and host.read('noted') == 'noted\n'
    host.on('iiadm')
    assert copy('restored', **params)['changed']
    host.edit(members[0], 'flags', 'copy_not_active,copying_shadow_to_master')
    again = copy('restored', **params)
    assert again['changed'] and states(again['after']) == {'s1': 'copying'}
    ended(host, members[0])
    host.edit(members[0], 'flags', 'shadow_volume_offline')
    assert 'broken off' in copy('restored', **params)['msg'] and undo(host, restore) == ['ii_restore:s1']


def test_after_a_boot_an_end_is_no_proof(host, members, copy, kept):
    backup, restore = kept
    params = dict(run=restore, source_run=backup, confirm=[members[0]['master']])
    copy('restored', **params)
    host.put('boot', '1795009999')
    assert not copy('restored', **params)['changed']
    ended(host, members[0])
    # Killed once more before it had an effect.
    host.on('iiadm', 'case $* in *" m "*) exit 1 ;; esac')
    assert copy('restored', **params)['failed']
    host.on('iiadm')
    assert copy('restored', **params)['changed'] and host.changes()[-2:] == ['iiadm -n -c m s1'] * 2
    assert undo(host, restore) == ['ii_restore:s1']
    ended(host, members[0])
    assert not copy('restored', **params)['changed'] and undo(host, restore) == []


def test_a_restore_that_did_nothing(host, members, copy, kept):
    backup, restore = kept
    host.on('iiadm', 'case $* in *"-u m"*) exit 0 ;; esac')
    assert 'had no effect' in copy('restored', run=restore, source_run=backup, confirm=[members[0]['master']])['msg']


@pytest.mark.parametrize('how', ['asked', 'marked', 'booted', 'not under SV'])
def test_all_is_restored_where_the_bitmaps_may_not_know(host, members, copy, kept, how):
    backup, restore = kept
    if how == 'marked':
        marks.mark(host.state, marks.FULL, [members[0]['shadow']], 'old')
    if how == 'booted':
        host.put('boot', '1795009999')
    if how == 'not under SV':
        host.put('held', members[0]['shadow'] + '\n')
    done = copy('restored', run=restore, source_run=backup, confirm=[members[0]['master']], full=how == 'asked')
    assert done['changed'] and host.changes()[1:] == ['iiadm -n -c m s1']


def test_one_shadow_only_for_a_master_and_no_other_at_work_on_it(host, members, copy, kept):
    backup, restore = kept
    params = dict(run=restore, source_run=backup, confirm=[members[0]['master']])
    host.edit(members[1], 'master', members[0]['master'])
    for flags in (BACK, 'copy_not_active,copying_shadow_to_master'):
        host.edit(members[1], 'flags', flags)
        assert 'is being restored from another shadow' in copy('restored', **params)['msg']
    host.edit(members[1], 'flags', '-')
    assert 'more than one of the shadows' in copy('restored', members=members, run=restore, confirm=params['confirm'])['msg']
    assert [line for line in host.changes() if ' m ' in line] == [] and copy('restored', **params)['changed']


def test_a_shadow_that_a_restore_has_begun_with_is_neither_updated_nor_disabled(host, members, copy, kept, run, call):
    """Its command has failed, so the set looks as if nothing was to be done; an update would be taken for the restore."""
    backup, restore = kept
    params = dict(run=restore, source_run=backup, confirm=[members[0]['master']])
    host.on('iiadm', 'case $* in *"-u m"*) exit 1 ;; esac')
    assert copy('restored', **params)['failed'] and undo(host, restore) == ['ii_restore:s1']
    host.on('iiadm')
    copy('released', run=backup)
    assert 'Run %s works' % restore in copy('updated', members=members[:1], run=run('other'))['msg']
    assert 'Run %s works' % restore in call('ii_set', state='disabled', members=[dict(shadow=members[0]['shadow'])])['msg']
    assert [line for line in host.changes() if '-d' in line or '-u s' in line] == ['iiadm -u s s1']


def test_what_is_begun_later_is_proved_too(host, members, copy, run):
    backup = run()
    copy('updated', members=members, run=backup)
    _run.load(host.state, backup).update(retained={'until': 'next_run', 'survives_reboot': True}, phase='retained')
    ended(host, *members)
    host.put('mnttab', '')
    params = dict(run=run(kind='restore', source_run=backup), source_run=backup, confirm=[member['master'] for member in members])
    host.on('iiadm', 'case $* in *"-u m $(echo %s)"*) exit 1 ;; esac' % members[1]['shadow'])
    assert copy('restored', **params)['failed']
    host.on('iiadm')
    ended(host, members[0])
    good = host.read('sets')
    host.edit(members[1], 'modified', 'Tue_Mar__4_21:00:06_2003')
    record = _run.load(host.state, params['run'])
    entry, = [entry for entry in record.data['undo'] if entry['shadow'] == members[1]['shadow']]
    record.add_undo(dict(entry, modified='Tue Mar  4 21:00:06 2003'))
    assert 'not proved' in copy('restored', **params)['msg']
    host.put('sets', good)
    record.add_undo(entry)
    assert copy('restored', **params)['changed'] and host.changes()[-1] == 'iiadm -n -u m s2'


def test_an_update_past_sv_is_refused(host, members, copy, run):
    host.put('held', '\n'.join(member['master'] for member in members) + '\n')
    failed = copy('updated', members=members, run=run())
    assert 's1 is not under SV' in failed['msg'] and 'full' in failed['msg'] and host.changes() == []
    host.put('sv', '\n'.join(member['shadow'] for member in members) + '\n')
    assert copy('updated', members=members, run=run('again'), full=True)['changed'] and host.changes() == ['iiadm -c s s1 s2']


def test_what_is_not_restored(host, members, copy, kept, run):
    backup, restore = kept
    params = dict(run=restore, source_run=backup, confirm=[members[0]['master']])
    for name in ('master', 'shadow'):
        host.put('mnttab', '%s\t/mnt\tufs\trw\t0\n' % members[0][name].replace('/rdsk/', '/dsk/'))
        assert 'is mounted' in copy('restored', **params)['msg']
        host.put('mnttab', '')
    marks.mark(host.state, marks.VOID, [members[0]['shadow']], 'old')
    assert 'one point in time' in copy('restored', **params)['msg']
    marks.mark(host.state, marks.VOID, [members[0]['shadow']], None)
    source = _run.load(host.state, backup)
    source.update(job=_process.identity(os.getpid(), source.data['boot']))
    assert 'still reads' in copy('restored', **params)['msg']
    source.update(job=None)
    host.edit(members[0], 'modified', 'Tue_Mar__4_21:00:06_2003')
    assert 'not proved' in copy('restored', **params)['msg']
    for flags, words in ((COPYING, 'wait until'), ('shadow_volume_exported', 'is exported'),
                         ('copy_not_active,copying_master_to_shadow', 'completely')):
        host.edit(members[0], 'flags', flags)
        assert words in copy('restored', members=members[:1], run=restore, confirm=params['confirm'])['msg']
    assert 'kind backup' in copy('restored', **dict(params, run=run('other')))['msg']
    assert [line for line in host.changes() if ' m ' in line] == []


def test_info(host, members, call):
    host.edit(members[0], 'flags', COPYING)
    host.edit(members[0], 'percent', '42')
    host.edit(members[0], 'dirty', 'dirty')
    marks.mark(host.state, marks.VOID, [members[1]['shadow']], 'old')
    found = call('ii_info', volumes=[members[0]['master'], '/dev/rdsk/none'])
    assert found['in_progress'] and found['progress'] == [
        {'object': members[0]['shadow'], 'state': 'copying master to shadow', 'percent': 58, 'bytes': None, 'eta': None}]
    assert found['groups'] == {'G': [member['shadow'] for member in members]}
    assert found['volumes'] == {members[0]['master']: {'bytes': 8192 * 512, 'bitmap_bytes': 24576},
                                '/dev/rdsk/none': {'bytes': None, 'bitmap_bytes': None}}
    first, second = (found['sets'][member['shadow']] for member in members)
    assert (first['state'], first['filesystem'], first['healthy'], first['void']) == ('copying', host.points[0], True, None)
    assert (second['state'], second['void'], second['bytes']) == ('synced', 'old', 8192 * 512)
    assert call('ii_info', sets=[])['sets'] == {} and list(call('ii_info', sets=[members[1]['shadow']])['sets']) == [members[1]['shadow']]
    assert 'no set' in call('ii_info', sets=[members[0]['master']])['msg']
    host.on('iiadm', 'echo "/dev/ii: No such file or directory" >&2; exit 1')
    assert '/dev/ii' in call('ii_info')['msg']
