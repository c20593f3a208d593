# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Snapshots of VxVM volumes from preparing to giving back, as Ansible runs it, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run, _vxvm, _vxvm_restore, _vxvm_work

from veritas import Veritas, plex, volume
from veritas_tool import SLOW

pytestmark = pytest.mark.slow

ONE = [dict(disk_group='datadg', volume='vol01')]
TWO = ONE + [dict(disk_group='datadg', volume='vol02')]


@pytest.fixture
def vx(tmpdir, monkeypatch, solaris):
    """A host with the volumes vol01 and vol02 of datadg. Nothing is waited for that has failed."""
    made = Veritas(str(tmpdir.mkdir('vx')), monkeypatch, _platform)
    made.state = solaris.state
    made.group(vol01=None, vol02=None)
    monkeypatch.setattr(_vxvm_work, 'BEGINS', 0.5)
    yield made
    made.remove()


@pytest.fixture
def run(call, vx):
    def begin(name='data', kind='backup', **more):
        return call('backup_run', state='opened', name=name, manager='vxvm', kind=kind, **more)['run']
    return begin


@pytest.fixture
def snap(call):
    def work(run, state, **options):
        return call('vxvm_snapshot', run=run, state=state, **options)
    return work


def record(vx, run):
    return _run.load(vx.state, run).data


def undo(vx, run):
    return [(entry['id'], entry['action']) for entry in record(vx, run)['undo']]


def ready(vx, snap, name, members, **options):
    """Mirrors that are in step."""
    snap(name, 'prepared', members=members, **options)
    vx.finish()


def taken(vx, snap, name, members=None, **options):
    """What the run has cut."""
    ready(vx, snap, name, members or ONE, **dict((key, options[key]) for key in ('form',) if key in options))
    return snap(name, 'present', members=members or ONE, **options)


def test_prepare_cut_and_remove(call, vx, run, snap):
    point, name = vx.mount(), run()
    mark = name[-6:]
    done = snap(name, 'prepared', members=ONE)
    assert done['changed'] and done['after'] == {'datadg/vol01': {'mirror': 'synchronising', 'snapshot': None}}
    assert vx.look()['tags'] == {'vol01-02': 'snapbackup'} and undo(vx, name) == []
    assert not snap(name, 'prepared', members=ONE)['changed']
    vx.finish()

    begun = len(vx.calls())
    cut = snap(name, 'present', members=[dict(ONE[0], filesystem=point)])
    looked, (made,) = [line.split()[0] for line in vx.calls()[begun:]], [n for n, line in enumerate(vx.calls()) if ' snapshot ' in line]
    # Exit codes prove nothing: the state is read before and after.
    assert 'vxprint' in looked[:made - begun] and looked[made - begun + 1] == 'vxprint'
    assert cut['changed'] and cut['verdict'] == 'filesystem'
    assert cut['after'] == {'datadg/vol01': {'mirror': None, 'snapshot': 'vol01-' + mark}}
    assert cut['members'] == [dict(
        volume='datadg/vol01', copy='vol01-' + mark, device='/dev/vx/rdsk/datadg/vol01-' + mark, fstype='vxfs', filesystem=point,
        block_device='/dev/vx/dsk/datadg/vol01-' + mark, original='/dev/vx/rdsk/datadg/vol01', bytes=8192 * 512)]
    data = record(vx, name)
    assert (data['phase'], data['verdict'], data['members']) == ('split', 'filesystem', cut['members'])
    assert [clause['argv'][1:] for clause in data['proof']] == [['-g', 'datadg', '-t', 'vol01-' + mark]]
    assert undo(vx, name) == [('vxvm_snapshot:datadg/vol01', 'absent')] and vx.look()['tags']['vol01-' + mark] == 'snapbackup'
    assert not any('by' in entry for entry in data['undo'])
    again = snap(name, 'present', members=ONE)
    assert not again['changed'] and again['window'] == cut['window']

    assert snap(name, 'reattached')['changed'] is False
    back = snap(name, 'absent')
    assert back['changed'] and back['after'] == {'datadg/vol01': {'mirror': None, 'snapshot': None}} and undo(vx, name) == []
    assert vx.journal() == [
        'vxassist -g datadg -b snapstart vol01', 'vxedit -g datadg set putil2=snapbackup vol01-02',
        'vxassist -g datadg snapshot vol01 vol01-' + mark, 'vxedit -g datadg set putil2=snapbackup vol01-' + mark,
        'vxedit -g datadg -rf rm vol01-' + mark]
    assert not snap(name, 'absent')['changed']


def test_two_sets_with_one_volume_are_not_at_work_at_one_time(call, vx, run):
    one, two = [dict(volume='datadg/vol01')], [dict(volume='datadg/vol02')]

    def other(members):
        return call('backup_run', state='opened', name='other', manager='vxvm', members=members)
    run(members=one)
    refused = other(two + one)
    assert refused['failed'] and 'datadg/vol01' in refused['msg'] and not other(two).get('failed')


def test_many_volumes_are_one_cut(call, vx, run, snap):
    names = ['vol%02d' % number for number in range(1, 21)]
    vx.group(**dict.fromkeys(names))
    name, members = run(), [dict(disk_group='datadg', volume=one) for one in names]
    cut = taken(vx, snap, name, members)
    assert len(cut['window']['cuts']) == 1 and len(cut['members']) == 20 and cut['verdict'] == 'crash'
    assert 'vxassist -g datadg -o name=%%v-%s snapshot %s' % (name[-6:], ' '.join(names)) in vx.journal()


def test_check_mode_promises_what_is_done_then(call, vx, run, snap):
    told, names = [], None
    for check in (True, False):
        name = '<run>' if check else run()
        done, assume = [], {}
        for state in ('prepared', 'present', 'absent'):
            more = dict(members=TWO) if check or state != 'absent' else {}
            if check:
                more.update(assume=assume)
            done.append(call('vxvm_snapshot', check=check, run=name, state=state, **more))
            assume = done[-1]['after']
            vx.finish()
        told.append([[' '.join(command['argv']) for command in one['commands']] for one in done])
        if check:
            assert vx.journal() == [] and not os.path.exists(vx.state)
        names = name
    plan = [[line.replace('<run>', names[-6:]).replace('<mirror of vol01>', 'vol01-02').replace('<mirror of vol02>', 'vol02-02')
             for line in lines] for lines in told[0]]
    assert plan == told[1]


def test_the_mirror_is_given_back(call, vx, run, snap):
    vx.set(fastresync='on', dco=True)
    name = run()
    taken(vx, snap, name, after='reattached')
    assert snap(name, 'absent')['changed'] is False
    back = snap(name, 'reattached')
    assert back['resync'] == {'datadg/vol01': 'regions'} and back['after']['datadg/vol01'] == {'mirror': 'synchronising', 'snapshot': None}
    assert undo(vx, name) == [('vxvm_snapshot:datadg/vol01', 'reattached')]
    vx.finish()
    assert not snap(name, 'reattached')['changed'] and undo(vx, name) == [] and vx.plexes()['vol01-02'] == 'SNAPDONE'
    assert vx.journal()[-1] == 'vxassist -g datadg -b snapback vol01-' + name[-6:]
    other = run('next')
    assert not snap(other, 'prepared', members=ONE)['changed']


@pytest.mark.parametrize('before, now, dco, boot, resync', [
    ('off', 'off', False, False, 'full'), ('off', 'on', True, False, 'full'), ('on', 'off', True, False, 'full'),
    ('on', 'on', False, False, 'regions'), ('on', 'on', False, True, 'full'), ('on', 'on', True, True, 'regions')])
def test_how_much_is_copied_follows_the_map(call, vx, run, snap, before, now, dco, boot, resync):
    vx.set(fastresync=before, dco=dco)
    name = run()
    taken(vx, snap, name, after='reattached')
    vx.set(fastresync=now)
    if boot:
        vx.put('boot', '1795009999')
    assert snap(name, 'reattached')['resync'] == {'datadg/vol01': resync}


def test_what_an_older_record_does_not_tell_of_the_map_is_not_known(call, vx, run, snap):
    vx.set(fastresync='on')
    name = run()
    taken(vx, snap, name, after='reattached')
    one = _run.load(vx.state, name)
    one.add_undo(dict((key, value) for key, value in one.data['undo'][0].items() if key not in ('fastresync', 'boot')))
    assert snap(name, 'reattached')['resync'] == {'datadg/vol01': None}


@pytest.mark.parametrize('form, after, verb', [('classic', 'reattached', 'snapback'), ('instant', 'reattached', 'reattach'),
                                               ('classic', 'restored', 'snapback'), ('instant', 'restored', 'restore')])
def test_what_comes_back_only_at_the_end_of_the_copy_is_not_killed(call, vx, run, snap, monkeypatch, form, after, verb):
    monkeypatch.setattr(_vxvm_work, 'LIMIT', 1)
    monkeypatch.setattr(_vxvm_restore, 'LIMIT', 1)
    name, restore = kept(vx, snap, run, form=form, after='reattached')
    vx.on(verb, 'slow')
    begun = time.time()
    told = snap(restore, after, source_run=name) if after == 'restored' else snap(name, after)
    assert not told.get('failed') and told['commands'][-1]['rc'] is None and time.time() - begun < SLOW
    limit = time.time() + 20
    while not os.path.exists(vx.path('at_its_end')) and time.time() < limit:
        time.sleep(0.1)
    assert os.path.exists(vx.path('at_its_end'))


@pytest.mark.parametrize('form', ['classic', 'instant'])
def test_a_mirror_of_somebody_else_does_not_show_that_ours_goes_back(call, vx, run, snap, form):
    name = run()
    taken(vx, snap, name, form=form, after='reattached')
    vx.change(lambda found: found['groups']['datadg']['volumes']['vol01']['plexes'].update({'vol01-09': plex('SNAPATT')}))
    vx.on('snapback' if form == 'classic' else 'reattach', 'lie-ok')
    told = snap(name, 'reattached')
    assert told['failed'] and 'had no effect' in told['msg'] and len(undo(vx, name)) == 1
    vx.on('snapback' if form == 'classic' else 'reattach', None)
    assert snap(name, 'reattached')['changed'] and 'vol01-02' in vx.plexes()


def test_what_is_tracked_is_cleared_before_it_is_removed(call, vx, run, snap):
    vx.set(dco=True)
    name = run()
    taken(vx, snap, name)
    snap(name, 'absent')
    assert vx.journal()[-2:] == ['vxassist -g datadg snapclear vol01-' + name[-6:], 'vxedit -g datadg -rf rm vol01-' + name[-6:]]


def test_instant_snapshots_in_the_same_words(call, vx, run, snap):
    name = run()
    members = [ONE[0], dict(disk_group='datadg', volume='vol02', cache='cache1')]
    cut = taken(vx, snap, name, members, form='instant')
    assert len(cut['window']['cuts']) == 1
    assert [clause['argv'][1:] for clause in record(vx, name)['proof']][1] == ['-g', 'datadg', 'list']
    snap(name, 'absent')
    mark = name[-6:]
    assert vx.journal() == [
        'vxsnap -g datadg -b prepare vol01', 'vxsnap -g datadg -b prepare vol02', 'vxsnap -g datadg -b addmir vol01',
        'vxedit -g datadg set putil2=snapbackup vol01-02',
        'vxsnap -g datadg make source=vol01/newvol=vol01-%s/nmirror=1 source=vol02/newvol=vol02-%s/cache=cache1' % (mark, mark),
        'vxedit -g datadg set putil2=snapbackup vol01-%s vol02-%s' % (mark, mark),
        'vxsnap -g datadg dis vol01-' + mark, 'vxedit -g datadg -rf rm vol01-' + mark,
        'vxsnap -g datadg dis vol02-' + mark, 'vxedit -g datadg -rf rm vol02-' + mark,
        'vxassist -g datadg snapclear vol02 vol02-%s_snp' % mark]
    assert vx.look()['groups']['datadg']['linked'] == []


def test_a_cut_that_makes_nothing_in_silence_says_what_to_compare(call, vx, run, snap):
    name, members = run(), [dict(ONE[0], cache='cache1')]
    ready(vx, snap, name, members)
    vx.on('make', 'lie-ok')
    told = snap(name, 'present', members=members)
    assert told['failed'] and 'region size of the cache' in told['msg'] and undo(vx, name) == []


def test_a_snapshot_that_has_become_invalid_is_only_removed(call, vx, run, snap):
    name = run()
    members = [dict(ONE[0], cache='cache1')]
    taken(vx, snap, name, members)
    copy = 'vol01-' + name[-6:]
    vx.set(copy, state='INVALID', kstate='DISABLED')
    back = snap(name, 'absent')
    assert vx.journal()[-2:] == ['vxedit -g datadg -rf rm ' + copy, 'vxassist -g datadg snapclear vol01 %s_snp' % copy]
    assert not any(' dis ' in line for line in vx.journal()) and vx.look()['groups']['datadg']['linked'] == []
    assert copy not in vx.volumes() and undo(vx, name) == [] and 'snap object' not in str(back.get('warnings'))


def test_a_snap_object_that_cannot_be_cleared_is_told_of(call, vx, run, snap):
    name = run()
    taken(vx, snap, name, [dict(ONE[0], cache='cache1')])
    vx.on('snapclear', 'lie-ok')
    assert 'snap object' in str(snap(name, 'absent')['warnings']) and undo(vx, name) == []


def test_what_parts_no_space_optimised_snapshot_is_an_error_unless_it_is_known(call, vx, run, snap):
    name = run()
    taken(vx, snap, name, [dict(ONE[0], cache='cache1')])
    vx.on('dis', 'fail')
    assert snap(name, 'absent')['failed'] and 'vol01-' + name[-6:] in vx.volumes() and len(undo(vx, name)) == 1


def test_the_form_follows_the_volume(call, vx, run, snap):
    vx.set(instant='on', dco=True)
    name = run()
    refused = snap(name, 'prepared', members=ONE, form='classic')
    assert refused['failed'] and 'prepared for instant' in refused['msg'] and vx.journal() == []
    snap(name, 'prepared', members=ONE)
    assert vx.journal()[0] == 'vxsnap -g datadg -b addmir vol01'


@pytest.mark.parametrize('state', ['SNAPDONE', 'SNAPATT'])
def test_a_mirror_of_somebody_else(call, vx, run, snap, state):
    vx.set(plexes={'vol01-01': plex(), 'vol01-02': plex(state)})
    name = run()
    refused = snap(name, 'prepared', members=ONE)
    assert refused['failed'] and refused['object'] == 'vol01-02' and 'adopt' in refused['msg'] and vx.journal() == []
    adopted = snap(name, 'prepared', members=ONE, adopt=True)
    assert not adopted.get('failed') and not adopted['changed']
    vx.finish()
    assert snap(name, 'present', members=ONE, adopt=True)['changed']


@pytest.mark.parametrize('wanted', ['prepared', 'present'])
def test_a_mirror_that_does_not_get_every_write(call, vx, run, snap, wanted):
    vx.set(plexes={'vol01-01': plex(), 'vol01-02': plex('SNAPDONE', kstate='DETACHED')})
    vx.change(lambda found: found['tags'].update({'vol01-02': 'snapbackup'}))
    refused = snap(run(), wanted, members=ONE)
    assert refused['failed'] and 'DETACHED SNAPDONE' in refused['msg'] and vx.journal() == []


def test_a_change_object_of_another_kind(call, vx, run, snap):
    vx.set(dco=True)
    name = run()
    for members, form in ((ONE, 'instant'), ([dict(ONE[0], cache='cache1')], 'auto')):
        refused = snap(name, 'prepared', members=members, form=form, check=True)
        assert refused['failed'] and 'another kind' in refused['msg']
    assert vx.journal() == [] and not snap(name, 'prepared', members=ONE).get('failed')


@pytest.mark.parametrize('state', ['STALE', 'TEMP', 'NODEVICE', 'RECOVER', 'SOMETHING'])
@pytest.mark.parametrize('wanted', ['prepared', 'present'])
def test_a_volume_that_is_not_well(call, vx, run, snap, state, wanted):
    vx.set(plexes={'vol01-01': plex(), 'vol01-02': plex(state), 'vol01-03': plex('SNAPDONE')})
    vx.change(lambda found: found['tags'].update({'vol01-03': 'snapbackup'}))
    refused = snap(run(), wanted, members=ONE)
    assert refused['failed'] and state in refused['msg'] and vx.journal() == []


def test_a_mirror_that_is_too_small(call, vx, run, snap):
    vx.set(plexes={'vol01-01': plex(), 'vol01-02': plex('SNAPDONE', length=100)})
    vx.change(lambda found: found['tags'].update({'vol01-02': 'snapbackup'}))
    refused = snap(run(), 'present', members=ONE)
    assert refused['failed'] and '100 blocks' in refused['msg'] and vx.journal() == []


def test_no_room(call, vx, run, snap):
    vx.change(lambda found: found['groups']['datadg'].update(free=8192 + 4096))
    refused = snap(run(), 'prepared', members=TWO)
    assert refused['failed'] and '2 MiB are missing' in refused['msg'] and vx.journal() == []
    vx.change(lambda found: found['groups']['datadg'].update(free=0))
    assert '4 MiB are missing' in snap(run('other'), 'prepared', members=ONE)['msg']


def test_a_look_for_room_that_fails_says_why(call, vx, run, snap):
    vx.on('maxsize', 'fail')
    assert 'V-5-1-0 it failed' in str(snap(run(), 'prepared', members=ONE))


def test_what_an_earlier_run_has_kept_makes_room(call, vx, run, snap):
    taken(vx, snap, run(), TWO)
    vx.change(lambda found: found['groups']['datadg'].update(free=0))
    gone = {'mirror': None, 'snapshot': None}
    assume = {'datadg/vol01': gone, 'datadg/vol02': gone}

    def told(members=None, **more):
        return call('vxvm_snapshot', check=True, run='<run>', state='prepared', members=members or TWO, **more)
    assert not told(assume=assume).get('failed')
    assert '4 MiB are missing' in told()['msg']
    assert '4 MiB are missing' in told(assume={'datadg/vol01': gone})['msg']
    assert '4 MiB are missing' in told([dict(ONE[0], disks=['disk03'])], assume=assume)['msg']
    assert not told([dict(ONE[0], disks=['disk02'])], assume=assume).get('failed')


def test_a_mirror_that_is_not_ready(call, vx, run, snap):
    name = run()
    refused = snap(name, 'present', members=ONE)
    assert refused['failed'] and 'SNAPDONE' in refused['msg']
    snap(name, 'prepared', members=ONE)
    refused = snap(name, 'present', members=ONE)
    assert refused['failed'] and 'synchronising' in refused['msg']
    vx.finish(None)
    assert snap(name, 'prepared', members=ONE)['changed']


def test_names(call, vx, run, snap):
    vx.group(**{'v' * 24: None, 'w' * 25: None})
    name = run()
    assert not snap(name, 'prepared', members=[dict(disk_group='datadg', volume='v' * 24)]).get('failed')
    refused = snap(name, 'prepared', members=[dict(disk_group='datadg', volume='w' * 25)])
    assert refused['failed'] and '31' in refused['msg']
    assert not snap(name, 'prepared', members=[dict(disk_group='datadg', volume='w' * 25, snapshot='short')]).get('failed')
    for bad in ('-f', 'a/b', 'x' * 32, ''):
        assert snap(name, 'prepared', members=[dict(disk_group='datadg', volume=bad)])['failed']


def test_a_name_that_is_taken(call, vx, run, snap):
    vx.group(vol01=None, mine=None)
    name, members = run(), [dict(ONE[0], snapshot='mine')]
    ready(vx, snap, name, members)
    refused = snap(name, 'present', members=members)
    assert refused['failed'] and 'mine' in refused['msg'] and 'mine' in vx.volumes() and undo(vx, name) == []
    assert not snap(name, 'absent')['changed'] and 'mine' in vx.volumes()


def test_several_groups_need_something_that_holds_them(call, vx, run, snap):
    vx.group('otherdg', vol01=None)
    members = ONE + [dict(disk_group='otherdg', volume='vol01')]
    name = run()
    ready(vx, snap, name, members)
    refused = snap(name, 'present', members=members)
    assert refused['failed'] and 'datadg/vol01, otherdg/vol01' in refused['msg']
    held = dict(driver='command', before=['/bin/true'], after=['/bin/true'])
    assert snap(name, 'present', members=members, quiesce=[held])['verdict'] == 'application'


@pytest.mark.parametrize('usage, count, freezer, verdict', [
    ('fsgen', 1, True, 'filesystem'), ('fsgen', 1, False, 'filesystem'), ('gen', 1, False, 'crash'), ('gen', 1, True, 'filesystem'),
    ('fsgen', 2, False, 'crash'), ('fsgen', 2, True, 'filesystem')])
def test_who_holds_vxfs_still(call, vx, run, snap, usage, count, freezer, verdict):
    """The command does for one file system on a volume of type fsgen, and is known to for no other."""
    if freezer:
        vx.freezer()
    points = [vx.mount(name) for name in ('vol01', 'vol02')[:count]]
    vx.set(usage=usage)
    name = run()
    assert taken(vx, snap, name, TWO[:count])['verdict'] == verdict
    cut = [line for line in vx.journal() if line.startswith('fsfreeze') or ' snapshot ' in line]
    locked = [] if verdict == 'crash' or (usage, count) == ('fsgen', 1) else points
    assert cut[:len(locked)] == ['fsfreeze --freeze ' + point for point in locked]
    assert [line.split()[0] for line in cut[len(locked):]] == ['vxassist'] + ['fsfreeze'] * len(locked)


def test_vxfs_is_not_locked_where_that_is_not_wanted(call, vx, run, snap):
    vx.freezer()
    for name in ('vol01', 'vol02'):
        vx.mount(name)
    assert taken(vx, snap, run(), TWO, lock_vxfs=False)['verdict'] == 'crash'
    assert not any(line.startswith('fsfreeze') for line in vx.journal())


def test_locked_file_systems_may_lie_in_several_groups(call, vx, run, snap):
    vx.freezer()
    vx.group('otherdg', vol02=None)
    vx.mount()
    vx.mount('vol02', group='otherdg')
    assert taken(vx, snap, run(), ONE + [dict(disk_group='otherdg', volume='vol02')])['verdict'] == 'filesystem'


@pytest.mark.parametrize('effect', ['fail', 'lie-ok'])
@pytest.mark.parametrize('verb', ['snapstart', 'set', 'snapshot'])
def test_what_has_no_effect_is_an_error(call, vx, run, snap, verb, effect):
    name = run()
    if verb == 'snapshot':
        ready(vx, snap, name, ONE)
    vx.on(verb, effect)
    told = snap(name, 'present' if verb == 'snapshot' else 'prepared', members=ONE)
    assert told['failed'], told
    assert undo(vx, name) == ([('vxvm_snapshot:datadg/vol01', 'tagged')] if verb != 'snapshot' else [])
    vx.on(verb, None)
    assert not snap(name, 'absent').get('failed') and undo(vx, name) == []


@pytest.mark.parametrize('verb', ['snapstart', 'set'])
def test_what_worked_and_says_it_failed_is_done(call, vx, run, snap, verb):
    vx.on(verb, 'lie-fail')
    assert not snap(run(), 'prepared', members=ONE).get('failed') and vx.look()['tags'] == {'vol01-02': 'snapbackup'}


def test_a_cut_that_says_it_failed_is_torn_and_given_back(call, vx, run, snap):
    name = run()
    ready(vx, snap, name, ONE)
    vx.on('snapshot', 'lie-fail')
    told = snap(name, 'present', members=ONE)
    assert told['failed'] and 'will not be stored' in told['msg'] and record(vx, name)['verdict'] == 'torn'
    assert 'vol01-' + name[-6:] in vx.volumes()
    vx.on('snapshot', None)
    assert snap(name, 'present', members=ONE)['failed']
    assert snap(name, 'absent')['changed'] and sorted(vx.volumes()) == ['vol01', 'vol02'] and undo(vx, name) == []


def test_a_mirror_whose_maker_died_before_it_was_marked(call, vx, run, snap):
    name = run()
    vx.on('set', 'fail')
    assert snap(name, 'prepared', members=ONE)['failed'] and vx.look()['tags'] == {}
    vx.on('set', None)
    assert snap(name, 'absent')['after'] == {} and vx.look()['tags'] == {'vol01-02': 'snapbackup'} and undo(vx, name) == []


@pytest.mark.parametrize('verb, after', [('rm', 'absent'), ('snapback', 'reattached')])
@pytest.mark.parametrize('effect', ['fail', 'lie-ok'])
def test_giving_back_that_has_no_effect(call, vx, run, snap, verb, after, effect):
    name = run()
    taken(vx, snap, name, after=after)
    vx.on(verb, effect)
    assert snap(name, after)['failed'] and len(undo(vx, name)) == 1
    vx.on(verb, None)
    assert snap(name, after)['changed']
    vx.finish()
    assert not snap(name, after).get('failed') and undo(vx, name) == []


def test_what_is_open_or_mounted_or_unmarked_is_not_removed(call, vx, run, snap):
    name = run()
    taken(vx, snap, name)
    copy = 'vol01-' + name[-6:]
    vx.set(copy, devopen='on')
    assert 'open' in snap(name, 'absent')['msg']
    vx.set(copy, devopen='off')
    vx.mount(copy)
    assert 'mounted' in snap(name, 'absent')['msg']
    vx.put('mnttab', '')
    vx.change(lambda found: found['tags'].pop(copy))
    assert 'putil2' in snap(name, 'absent')['msg']
    assert copy in vx.volumes() and len(undo(vx, name)) == 1


def test_the_last_good_copy_is_not_removed(call, vx, run, snap):
    name = run()
    taken(vx, snap, name)
    vx.set(plexes={'vol01-01': plex('NODEVICE')})
    refused = snap(name, 'absent')
    assert refused['failed'] and 'NODEVICE' in refused['msg'] and 'vol01-' + name[-6:] in vx.volumes()


@pytest.mark.parametrize('devopen', ['on', 'off', '-'])
def test_a_release_that_tells_only_by_flags_what_is_open(call, vx, run, snap, devopen):
    name = run()
    taken(vx, snap, name)
    vx.set('vol01-' + name[-6:], devopen=devopen)
    vx.change(lambda found: found.update(unknown_fields=['devopen']))
    told = snap(name, 'absent')
    assert ('devopen on' in told.get('msg', ''), 'whether' in told.get('msg', '')) == (devopen == 'on', devopen == '-')
    assert ('vol01-' + name[-6:] in vx.volumes()) == (devopen != 'off')


@pytest.mark.parametrize('after', ['absent', 'reattached'])
def test_no_snapshot_goes_before_all_of_the_set_may(call, vx, run, snap, after):
    name = run()
    taken(vx, snap, name, TWO, after=after)
    before = vx.journal()
    vx.set('vol02', plexes={'vol02-01': plex('NODEVICE')})
    for check in (True, False):
        refused = snap(name, after, check=check)
        assert refused['failed'] and 'NODEVICE' in refused['msg'] and vx.journal() == before
    assert 'vol01-' + name[-6:] in vx.volumes() and len(undo(vx, name)) == 2
    assert not any('returning' in entry for entry in record(vx, name)['undo'])


def test_a_shared_group_is_changed_on_the_master_only(call, vx, run, snap):
    vx.change(lambda found: found['groups']['datadg'].update(flags='shared cds'))
    vx.change(lambda found: found.update(mode='mode: enabled: cluster active - SLAVE\nmaster: node2'))
    refused = snap(run(), 'prepared', members=ONE)
    assert refused['failed'] and 'SLAVE' in refused['msg'] and vx.journal() == []
    vx.change(lambda found: found.update(mode='mode: enabled: cluster active - MASTER\nmaster: node1'))
    assert snap(run('other'), 'prepared', members=ONE)['changed']


def test_a_mirror_is_removed_on_demand(call, vx, run, snap):
    ready(vx, snap, run(), ONE)
    done = call('vxvm_snapshot', state='absent', members=ONE)
    assert done['changed'] and vx.plexes() == {'vol01-01': 'ACTIVE'} and vx.journal()[-1] == 'vxassist -g datadg snapabort vol01'
    assert not call('vxvm_snapshot', state='absent', members=ONE)['changed']


def test_a_mirror_that_a_volume_is_restored_from_is_not_removed(call, vx, run, snap):
    name, restore = kept(vx, snap, run)
    snap(restore, 'restored', source_run=name)
    before = vx.journal()
    for check in (True, False):
        refused = call('vxvm_snapshot', check=check, state='absent', members=ONE)
        assert refused['failed'] and restore in refused['msg'] and vx.journal() == before


def kept(vx, snap, run, **options):
    """A run whose snapshots are kept, and a restore of them."""
    name = run()
    taken(vx, snap, name, options.pop('members', None), **options)
    return name, run('restore', 'restore', members=[])


def test_restore_from_a_mirror(call, vx, run, snap):
    name, restore = kept(vx, snap, run)
    done = snap(restore, 'restored', source_run=name)
    assert done['changed'] and vx.journal()[-1] == 'vxassist -g datadg -b -o resyncfromreplica snapback vol01-' + name[-6:]
    assert undo(vx, restore) == [('vxvm_snapshot:datadg/vol01', 'restored')]
    assert not snap(restore, 'restored', source_run=name)['changed'] and len(undo(vx, restore)) == 1
    vx.finish()
    assert not snap(restore, 'restored', source_run=name)['changed'] and undo(vx, restore) == []
    # The snapshot has gone home, and with it what proved the cut.
    assert not snap(restore, 'restored', source_run=name)['changed']
    assert not snap(name, 'absent')['changed'] and undo(vx, name) == []


def test_what_nothing_proves_is_not_restored(call, vx, run, snap):
    name, restore = kept(vx, snap, run)
    _run.load(vx.state, name).update(proof=[])
    told = snap(restore, 'restored', source_run=name)
    assert told['failed'] and 'cannot prove' in told['msg'] and undo(vx, restore) == []


def test_a_restore_whose_copy_is_lost_says_so(call, vx, run, snap):
    name, restore = kept(vx, snap, run)
    snap(restore, 'restored', source_run=name)
    vx.finish(None)
    told = snap(restore, 'restored', source_run=name)
    assert told['failed'] and 'from an image' in told['msg'] and len(undo(vx, restore)) == 1


def test_restore_from_an_instant_snapshot(call, vx, run, snap):
    name, restore = kept(vx, snap, run, form='instant')
    snap(restore, 'restored', source_run=name)
    line = 'vxsnap -g datadg restore vol01 source=vol01-%s destroy=no' % name[-6:]
    assert vx.journal()[-1] == line
    assert not snap(restore, 'restored', source_run=name)['changed'] and len(undo(vx, restore)) == 1
    vx.put('boot', '1795009999')
    assert snap(restore, 'restored', source_run=name)['changed'] and vx.journal().count(line) == 2
    vx.set(restore='off')
    assert len(undo(vx, restore)) == 1
    assert not snap(restore, 'restored', source_run=name)['changed'] and undo(vx, restore) == []
    assert snap(name, 'absent')['changed']


def test_a_restore_that_is_over_at_once_is_not_begun_twice(call, vx, run, snap):
    name, restore = kept(vx, snap, run, form='instant')
    snap(restore, 'restored', source_run=name)
    vx.set(restore='off')
    assert not snap(restore, 'restored', source_run=name)['changed'] and undo(vx, restore) == []


@pytest.mark.parametrize('changed', ['9M (0.2%)', '100M (0.0%)'])
def test_a_restore_that_has_done_nothing_is_noticed(call, vx, run, snap, changed):
    name, restore = kept(vx, snap, run, form='instant')
    vx.set('vol01-' + name[-6:], changed=changed)
    vx.on('restore', 'lie-ok')
    snap(restore, 'restored', source_run=name)
    told = snap(restore, 'restored', source_run=name)
    assert told['failed'] and changed + ' of it differ' in told['msg'] and len(undo(vx, restore)) == 1
    vx.on('restore', None)
    assert snap(restore, 'restored', source_run=name)['changed']


def test_a_mirror_that_comes_back_as_an_ordinary_plex(call, vx, run, snap):
    name = run()
    taken(vx, snap, name, form='instant', after='reattached')
    snap(name, 'reattached')
    vx.finish('ACTIVE')
    assert 'convert state=SNAPDONE' in str(snap(name, 'reattached')['warnings']) and undo(vx, name) == []


@pytest.mark.parametrize('which', ['vol01', 'copy'])
def test_nothing_in_use_is_restored(call, vx, run, snap, which):
    name, restore = kept(vx, snap, run)
    vx.set('vol01-' + name[-6:] if which == 'copy' else which, devopen='on')
    assert snap(restore, 'restored', source_run=name)['failed'] and undo(vx, restore) == []
    assert snap(name, 'restored', source_run=name)['failed']


@pytest.mark.parametrize('form', ['classic', 'instant'])
def test_no_volume_is_overwritten_before_all_of_them_may_be(call, vx, run, snap, form):
    name, restore = kept(vx, snap, run, form=form, members=TWO)
    before = vx.journal()
    vx.set('vol02', devopen='on')
    refused = snap(restore, 'restored', source_run=name)
    assert refused['failed'] and 'vol02 is open' in refused['msg'] and vx.journal() == before and undo(vx, restore) == []


def test_while_it_is_being_cut_nobody_gives_it_back(call, vx, run, snap):
    name = run()
    taken(vx, snap, name)
    one = _run.load(vx.state, name)
    with open('/proc/%d/stat' % os.getppid()) as source:
        start = source.read().rpartition(')')[2].split()[19]
    one.add_undo(dict(one.data['undo'][0], by=dict(pid=os.getppid(), start=start, boot=one.data['boot'])))
    refused = snap(name, 'absent')
    assert refused['failed'] and 'splitting' in refused['msg']


def test_patience(monkeypatch):
    """The limits are the real ones outside these tests."""
    assert _vxvm.LIMIT >= 60 and _vxvm_work.BEGINS >= 10 and time.time() > 0
    assert volume({})['kstate'] == 'ENABLED'
