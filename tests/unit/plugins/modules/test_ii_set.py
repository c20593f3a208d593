# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sets of Instant Image and volumes under SV, as Ansible runs the modules, with processes for everything."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import subprocess

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image, _process, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_marks as marks
from instant_image import InstantImageHost


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
def sets(call):
    def run(state, check=False, **params):
        return call('ii_set', check=check, state=state, **params)
    return run


@pytest.fixture
def run(call):
    def begin(name='data', **params):
        return call('backup_run', state='opened', name=name, manager='ii', members=[dict(volume=name)], **params)['run']
    return begin


def undo(host, run):
    return [entry['id'].split('/')[0] + entry['id'].split('/')[-1] for entry in _run.load(host.state, run).data['undo']]


def states(result):
    return dict((path.rpartition('/')[2], state) for path, state in result.items())


def test_enable_and_again(host, sets):
    members = [host.member(1), host.member(2)]
    params = dict(members=members, group='Backup1', confirm=[member['shadow'] for member in members])
    plan = sets('enabled', check=True, **params)
    done = sets('enabled', **params)
    assert (done['changed'], states(done['before']), states(done['after'])) == (
        True, {'s1': 'absent', 's2': 'absent'}, {'s1': 'copying', 's2': 'copying'})
    assert host.changes() == ['iiadm -g Backup1 -e ind m%d s%d b%d' % ((number,) * 3) for number in (1, 2)]
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]
    assert states(plan['after']) == {'s1': 'synced', 's2': 'synced'} and plan['changed']
    assert not sets('enabled', **params)['changed'] and len(host.changes()) == 2


def test_a_shadow_is_overwritten_only_when_confirmed(host, sets):
    member = host.member(1)
    assert 's1 in confirm' in sets('enabled', members=[member])['msg'] and host.changes() == []


def test_a_child_that_keeps_its_output_open_is_not_waited_for(host, sets):
    member = host.member(1)
    host.on('iiadm', '[ "$1" != -e ] || sleep 30 &', 'echo $! >>"$D/children"')
    done = sets('enabled', members=[member], confirm=[member['shadow']])
    assert done['changed'] and done['commands'][0]['seconds'] < 20
    for pid in host.read('children').split():
        try:
            os.kill(int(pid), 15)
        except OSError:
            continue


def test_nobody_can_answer_a_question(host, sets):
    member = host.member(1)
    host.on('iiadm', 'if read answer; then echo "$answer" >"$D/answer"; fi')
    assert sets('enabled', members=[member], confirm=[member['shadow']])['changed'] and not os.path.exists(host.path('answer'))


@pytest.mark.parametrize('edit, words', [
    (dict(blocks_of_shadow=4096), 'smaller than its master'), (dict(blocks_of_bitmap=16), 'too small'),
    (dict(blocks_of_secondary=16), 'too small'), (dict(secondary='bitmap'), 'more than once'), (dict(bitmap='master'), 'more than once'),
    (dict(master=None), 'not said which'), (dict(shadow='/dev/vx/dsk/g/v'), 'raw device')])
def test_what_cannot_be_enabled(host, sets, edit, words):
    member = host.member(1)
    for key, value in edit.items():
        if key.startswith('blocks_of_'):
            host.volume(os.path.basename(member[key[10:]]), value)
        else:
            member[key] = member.get(value, value)
    failed = sets('enabled', members=[member], confirm=[member['shadow']])
    assert words in failed['msg'] and host.changes() == []


def test_volumes_of_other_sets_and_mounts_are_left_alone(host, sets):
    first, second = host.enabled(host.member(1)), host.member(2)
    for name, path in (('bitmap', first['bitmap']), ('bitmap', first['shadow']), ('master', first['bitmap'])):
        assert 'another set' in sets('enabled', members=[dict(second, **{name: path})], confirm=[second['shadow']])['msg']
    point = host.mount(second['shadow'])
    assert point in sets('enabled', members=[second], confirm=[second['shadow']])['found'] and host.changes() == []


@pytest.mark.parametrize('place', ['master', 'shadow', 'bitmap'])
def test_a_second_bitmap_is_part_of_no_set(host, sets, run, place):
    """The import would format it, and the host it is done on knows nothing of the sets here."""
    first, second, new = host.enabled(host.member(1)), host.enabled(host.member(2)), host.member(3)
    for member in (second, new):
        failed = sets('enabled', members=[dict(member, secondary=first[place])], confirm=[member['shadow']])
        assert 'another set' in failed['msg']
    for params in (dict(run=run()), dict(check=True)):
        assert 'another set' in sets('exported', members=[dict(shadow=second['shadow'], secondary=first[place])], **params)['msg']
    assert sets('exported', run=run('own'), members=[dict(shadow=second['shadow'], secondary=second[place])])['failed']
    assert host.changes() == []


def test_a_second_bitmap_is_no_other_shadow(host, sets, run):
    first, second = host.member(1), host.member(2)
    for state in ('enabled', 'exported', 'imported'):
        mistyped = dict(first, secondary=second['shadow'])
        for members in ([mistyped, second], [second, mistyped]):
            assert 'more than once' in sets(state, members=members, confirm=[first['shadow'], second['shadow']])['msg']
    assert host.changes() == []


@pytest.mark.parametrize('place', ['bitmap', 'secondary'])
def test_what_is_no_bitmap_is_formatted_only_when_confirmed(host, sets, place):
    """A superblock lies at 8 KiB; a bitmap that was closed has only its first word blank."""
    for offset, word, asked in ((0, b'VTOC', True), (8192, b'UFS', True), (0, b'DIRT', False), (0, b'AELC', False),
                                (64, b'/dev/vx', False)):
        member = host.member(1)
        with open(member[place], 'r+b') as target:
            target.seek(offset)
            target.write(word)
        plan = sets('enabled', check=True, members=[member], confirm=[member['shadow']])
        assert ('%s in confirm' % member[place] in plan.get('msg', '')) is asked
        assert sets('enabled', check=True, members=[member], confirm=[member['shadow'], member[place]])['changed']


def test_where_the_system_tells_no_size_iiadm_compares(host, sets, monkeypatch):
    monkeypatch.setattr(_instant_image, 'size_of', lambda path: None)
    member = host.member(1)
    assert sets('enabled', members=[member], confirm=[member['shadow']])['changed']


def test_a_volume_that_is_not_there(host, sets, run):
    member = host.member(1)
    for place in ('master', 'shadow', 'bitmap', 'secondary'):
        block = member[place].replace('/rdsk/', '/dsk/')
        os.rename(block, block + '.away')
        failed = sets('enabled', members=[member], confirm=[member['shadow']])
        assert 'no volume' in failed['msg'] and place[0] in failed['msg'] and host.changes() == []
        if place in ('shadow', 'secondary'):
            assert 'no volume' in sets('imported', run=run(place), members=[member])['msg'] and host.changes() == []
        os.rename(block + '.away', block)


def test_in_check_mode_the_volumes_of_an_import_are_still_elsewhere(host, sets):
    member = host.member(1)
    for place in ('shadow', 'secondary'):
        for path in (member[place], member[place].replace('/rdsk/', '/dsk/')):
            os.unlink(path)
    assert sets('imported', check=True, members=[member])['changed']


def as_device(path, device='/dev/full'):
    os.unlink(path)
    os.symlink(device, path)
    return path


@pytest.fixture
def holder():
    """A process that has a device open which nobody else uses."""
    with open('/dev/full', 'wb') as opened:
        process = subprocess.Popen(['sleep', '600'], stdout=opened)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize('state, place', [
    ('enabled', 'shadow'), ('enabled', 'bitmap'), ('imported', 'shadow'), ('imported', 'secondary')])
def test_what_a_process_has_open_is_not_overwritten(host, sets, holder, state, place):
    member = host.member(1)
    as_device(member[place])
    failed = sets(state, members=[member], confirm=[member['shadow']])
    assert 'is open' in failed['msg'] and str(holder.pid) in failed['found'] and host.changes() == []


@pytest.mark.parametrize('state, place', [
    ('enabled', 'master'), ('enabled', 'shadow'), ('enabled', 'bitmap'), ('imported', 'shadow'), ('imported', 'secondary')])
def test_a_device_that_is_known_by_another_path(host, sets, state, place):
    """iiadm asks whether the other one is meant, and takes it for yes where nobody answers."""
    known, member = host.enabled(host.member(1)), host.member(2)
    as_device(known['shadow'])
    as_device(member[place])
    failed = sets(state, members=[member], confirm=[member['shadow']])
    assert 'known by another path' in failed['msg'] and failed['found'] == known['shadow'] and host.changes() == []


def test_a_shadow_that_is_under_sv_by_another_path_stays(host, sets, run):
    member, name = host.enabled(host.member(1)), run()
    as_device(member['shadow'])
    host.put('sv', as_device(host.volume('other')) + '\n')
    assert 'known by another path' in sets('exported', run=name, members=[member])['msg'] and host.changes() == []
    host.put('sv', '')
    sets('exported', run=name, members=[member])
    host.put('sv', host.shared + '/rdsk/other\n')
    assert 'known by another path' in sets('joined', run=name)['msg'] and host.changes() == ['iiadm -E s1']


def test_a_set_that_is_not_the_wanted_one(host, sets):
    member = host.enabled(host.member(1), group='Other')
    done = sets('enabled', members=[member], group='Backup1')
    assert done['changed'] and host.changes() == ['iiadm -g Backup1 -m s1']
    other = dict(member, bitmap=member['secondary'])
    del other['secondary']
    assert 'not made of' in sets('enabled', members=[other])['msg']
    host.put('kind', 'Dependent')
    assert 'dependent shadow' in sets('enabled', members=[member])['msg']


def test_an_empty_group_is_none(host, sets):
    member = host.member(1)
    assert 'every set' in sets('enabled', members=[member], group='', confirm=[member['shadow']])['msg'] and host.changes() == []


def test_exit_codes_prove_nothing(host, sets):
    member = host.member(1)
    host.on('iiadm', 'case $* in *-e*) exit 0 ;; esac')
    assert 'had no effect' in sets('enabled', members=[member], confirm=[member['shadow']])['msg']
    host.on('iiadm', 'case $* in *-e*) trap "exit 2" EXIT ;; esac')
    assert sets('enabled', members=[member], confirm=[member['shadow']])['changed']


@pytest.mark.parametrize('flags, words', [
    ('copy_in_progress,copying_master_to_shadow', 'is copying'), ('copy_not_active,copying_master_to_shadow', 'would destroy'),
    ('shadow_volume_exported', 'is exported'), ('master_volume_offline', 'master volume offline'), ('suspended', 'iiboot -r'),
    ('odd', 'not documented')])
def test_a_copy_that_is_not_whole_is_not_disabled(host, sets, flags, words):
    member = host.enabled(host.member(1), flags=flags)
    assert words in sets('disabled', members=[dict(shadow=member['shadow'])])['msg'] and host.changes() == []


def test_disable(host, sets):
    members = [host.enabled(host.member(number)) for number in (1, 2)]
    done = sets('disabled', members=[dict(shadow=member['shadow']) for member in members])
    assert states(done['after']) == {'s1': 'absent', 's2': 'absent'} and host.changes() == ['iiadm -d s1', 'iiadm -d s2']
    assert not sets('disabled', members=[dict(shadow=members[0]['shadow'])])['changed']
    host.enabled(members[0])
    host.put('kind', 'Dependent')
    assert 'dependent' in sets('disabled', members=[dict(shadow=members[0]['shadow'])])['msg']


def test_silence_is_no_proof_that_a_set_has_ended(host, sets, run):
    """iiadm that says nothing and exits with 0, once."""
    member, name = host.enabled(host.member(1)), run()
    sets('exported', run=name, members=[member])
    host.on('iiadm', 'case "$*" in "-i all") exit 0 ;; esac')
    assert 'yet it is there' in sets('joined', run=name)['msg'] and undo(host, name) == ['ii_set:s1']
    host.on('iiadm')
    assert sets('joined', run=name)['changed'] and undo(host, name) == []


def test_there_and_back(host, sets, run):
    members, name = [host.enabled(host.member(number), group='G') for number in (1, 2)], run()
    plan = sets('exported', check=True, run='<run>', members=members)
    done = sets('exported', run=name, members=members)
    assert states(done['after']) == states(plan['after']) == {'s1': 'exported', 's2': 'exported'}
    assert host.changes() == ['iiadm -E s1', 'iiadm -E s2'] and undo(host, name) == ['ii_set:s1', 'ii_set:s2']
    assert not sets('exported', run=name, members=members)['changed']
    back = sets('joined', check=True, run=name)
    done = sets('joined', run=name)
    assert (done['changed'], states(done['after']), done['full'], undo(host, name)) == (True, {'s1': 'synced', 's2': 'synced'}, [], [])
    assert host.changes()[2:] == ['iiadm -J s1 c1', 'iiadm -J s2 c2']
    assert [command['argv'] for command in back['commands']] == [command['argv'] for command in done['commands']]
    assert sets('joined', run=name)['after'] == {}


def test_the_way_back_is_written_before_the_export(host, sets, run):
    host.on('iiadm', 'case $1 in -E) grep -q ii_set: "$D"/state/runs/*.json && echo noted >"$D/noted"; exit 1 ;; esac')
    member, name = host.enabled(host.member(1)), run()
    assert sets('exported', run=name, members=[member])['failed'] and host.read('noted') == 'noted\n'
    # What was never exported is home.
    host.on('iiadm')
    assert not sets('joined', run=name)['changed'] and undo(host, name) == []


def test_half_an_export_is_ended_by_the_next_call(host, sets, run):
    members, name = [host.enabled(host.member(number)) for number in (1, 2)], run()
    host.on('iiadm', 'case "$*" in "-E "*s2) echo "iiadm: Export failed:" >&2; echo "II: nsc_reserve failed" >&2; exit 2 ;; esac')
    assert 'nsc_reserve failed' in sets('exported', run=name, members=members)['msg']
    host.on('iiadm')
    assert sets('exported', run=name, members=members)['changed'] and host.changes().count('iiadm -E s1') == 1


@pytest.mark.parametrize('flags', ['copy_in_progress,copying_master_to_shadow', 'copy_not_active,copying_master_to_shadow',
                                   'shadow_volume_offline', 'suspended'])
def test_only_a_whole_shadow_goes(host, sets, run, flags):
    member = host.enabled(host.member(1), flags=flags)
    assert sets('exported', run=run(), members=[member])['failed'] and host.changes() == []


def test_what_else_does_not_go(host, sets, run):
    member, name = host.enabled(host.member(1)), run()
    assert 'not said which' in sets('exported', run=name, members=[dict(shadow=member['shadow'])])['msg']
    assert 'own bitmap' in sets('exported', run=name, members=[dict(shadow=member['shadow'], secondary=member['bitmap'])])['msg']
    marks.mark(host.state, marks.VOID, [member['shadow']], name)
    assert 'one point in time' in sets('exported', run=name, members=[member])['msg']
    marks.mark(host.state, marks.VOID, [member['shadow']], None)
    host.mount(member['shadow'])
    assert 'is mounted' in sets('exported', run=name, members=[member])['msg'] and host.changes() == []


def test_what_would_travel_along(host, sets, run, monkeypatch):
    """Here shadows and second bitmaps are in one disk group."""
    monkeypatch.setattr(_instant_image, 'VXVM', re.compile(r'^(/dev/shm/[^/]+/)(rdsk)/[sc][0-9]+\Z'))
    first, second = host.enabled(host.member(1)), host.member(2)
    host.enabled(dict(second, master=host.volume('s9')))
    for state in ('enabled', 'exported'):
        failed = sets(state, run=run(state), members=[first])
        assert 'master would travel' in failed['msg'] and host.volume('s9') in failed['object']
    host.edit(second, 'master', second['master'])
    assert not sets('enabled', members=[first])['changed']
    assert 'was not named' in sets('exported', run=run(), members=[first])['msg'] and host.changes() == []
    name = run('all')
    assert sets('exported', run=name, members=[first, second])['changed']
    assert not sets('exported', run=name, members=[first])['changed']


def test_the_shadows_of_others_are_left_alone(host, sets, run):
    member, first, second = host.enabled(host.member(1)), run('one'), run('two')
    sets('exported', run=first, members=[member])
    for state in ('exported', 'joined'):
        assert 'Run %s works' % first in sets(state, run=second, members=[member])['msg']
    other = host.enabled(host.member(2), flags='shadow_volume_exported')
    assert 'no run on this host' in sets('exported', run=second, members=[other])['msg']


def test_import_and_give_back(host, sets, run):
    member, name = host.member(1), run()
    done = sets('imported', run=name, members=[member])
    assert (states(done['after']), undo(host, name)) == ({'s1': 'imported'}, ['ii_set:s1'])
    assert not sets('imported', run=name, members=[member])['changed']
    assert 'another bitmap' in sets('imported', run=name, members=[dict(member, secondary=host.volume('x'))])['msg']
    done = sets('disabled', run=name)
    assert (states(done['after']), undo(host, name)) == ({'s1': 'absent'}, [])
    assert host.changes() == ['iiadm -I s1 c1', 'iiadm -d s1']
    # A second import would format the bitmap that the other host needs.
    assert 'forget what was written' in sets('imported', run=name, members=[member])['msg']
    assert sets('imported', run=run('next'), members=[member])['changed']


def test_imported_shadows_are_put_into_a_group_one_by_one(host, sets, run):
    members, name = [host.member(number) for number in (1, 2)], run()
    plan = sets('imported', check=True, members=members, group='G')
    done = sets('imported', run=name, members=members, group='G')
    assert host.changes() == ['iiadm -I s1 c1', 'iiadm -I s2 c2', 'iiadm -g G -m s1', 'iiadm -g G -m s2']
    assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in done['commands']]
    assert not sets('imported', run=name, members=members, group='G')['changed']
    assert sets('imported', run=name, members=members, group='H')['changed'] and host.changes()[4:] == [
        'iiadm -g H -m s1', 'iiadm -g H -m s2']
    host.on('iiadm', 'case $* in *-m*) exit 0 ;; esac')
    assert 'not put into group' in sets('imported', run=name, members=members, group='G')['msg']
    assert 'every set' in sets('imported', run=name, members=members, group='')['msg']


@pytest.mark.parametrize('flags', ['shadow_volume_offline,bitmap_volume_offline', 'suspended'])
def test_what_a_boot_has_taken_away_is_ended_and_told(host, sets, run, flags):
    """Also by a second call, where nobody has heard the first."""
    member, name = host.member(1), run()
    sets('imported', run=name, members=[member])
    host.edit(member, 'flags', flags)
    planned = sets('disabled', check=True, run=name)
    assert (planned['unclosed'], states(planned['after'])) == ([member['shadow']], {'s1': 'absent'})
    done = sets('disabled', run=name, members=[member])
    assert (done['unclosed'], states(done['after']), undo(host, name)) == ([member['shadow']], {'s1': 'absent'}, [])
    assert host.changes() == ['iiadm -I s1 c1', 'iiadm -d s1']
    again = sets('disabled', run=name, members=[member])
    assert (again['changed'], again['unclosed']) == (False, [member['shadow']])
    later = run('next')
    sets('imported', run=later, members=[member])
    assert sets('disabled', run=later)['unclosed'] == []


def test_a_driver_that_does_not_end_a_set_without_volumes(host, sets, run):
    member, name = host.member(1), run()
    sets('imported', run=name, members=[member])
    host.edit(member, 'flags', 'shadow_volume_offline,bitmap_volume_offline')
    host.on('iiadm', 'case $1 in -d) echo "II: nsc_reserve failed" >&2; exit 2 ;; esac')
    told = sets('disabled', run=name)
    assert 'nsc_reserve failed' in told['msg'] and 'iiboot -s' in told['msg'] and undo(host, name) == ['ii_set:s1']


def test_a_shadow_that_was_imported_before_a_boot_is_told_too(host, sets, run):
    member, name = host.member(1), run()
    sets('imported', run=name, members=[member])
    host.put('boot', '1795000900')
    assert sets('disabled', run=name)['unclosed'] == [member['shadow']]


def test_an_imported_shadow_that_is_in_use_stays(host, sets, run):
    member, name = host.member(1), run()
    sets('imported', run=name, members=[member])
    loaded = _run.load(host.state, name)
    loaded.update(job=_process.identity(os.getpid(), loaded.data['boot']))
    assert 'still reads' in sets('disabled', run=name)['msg']
    loaded.update(job=None)
    host.mount(member['shadow'])
    assert 'is mounted' in sets('disabled', run=name)['msg'] and host.changes() == ['iiadm -I s1 c1']


def test_what_is_not_imported(host, sets, run):
    member, other = host.enabled(host.member(1)), host.member(2)
    assert 'a set of this host' in sets('imported', run=run(), members=[member])['msg']
    assert 'another set' in sets('imported', run=run('b'), members=[dict(other, secondary=member['bitmap'])])['msg']
    assert 'more than once' in sets('imported', run=run('c'), members=[dict(other, secondary=other['bitmap'])])['msg']
    host.volume('c2', 16)
    assert 'too small' in sets('imported', run=run('d'), members=[other])['msg'] and host.changes() == []


@pytest.mark.parametrize('word', [b'DIRT', b'TRID', b'CLEA', b'AELC'])
def test_a_bitmap_in_use_is_joined_only_when_told(host, sets, run, word):
    member, name = host.enabled(host.member(1)), run()
    sets('exported', run=name, members=[member])
    host.word(member['secondary'], word)
    assert 'not ended its set' in sets('joined', run=name)['msg']
    assert 'not ended its set' in sets('joined', run=name, unclosed=[member['master']])['msg']
    done = sets('joined', run=name, unclosed=[member['shadow']])
    assert done['full'] == [member['shadow']] and marks.of(host.state, marks.FULL, member['shadow']) == name


def test_a_bitmap_that_looks_closed_is_not_believed_when_told(host, sets, run):
    member, name = host.enabled(host.member(1)), run()
    sets('exported', run=name, members=[member])
    done = sets('joined', run=name, unclosed=[member['shadow']])
    assert done['full'] == [member['shadow']] and marks.of(host.state, marks.FULL, member['shadow']) == name


def test_what_is_no_bitmap_is_not_joined(host, sets, run):
    member, name = host.enabled(host.member(1)), run()
    sets('exported', run=name, members=[member])
    host.word(member['secondary'], b'what')
    failed = sets('joined', run=name, unclosed=[member['shadow']])
    assert 'holds no bitmap' in failed['msg'] and 'iiadm -d %s' % member['shadow'] in failed['remedy']
    os.unlink(member['secondary'])
    assert 'disk group imported here' in sets('joined', run=name)['msg'] and host.changes() == ['iiadm -E s1']


def test_what_was_disabled_since_the_export_is_nothing_to_take_back(host, sets, run):
    """As the remedy says where no host has ever imported the second bitmap."""
    members, name = [host.enabled(host.member(number)) for number in (1, 2)], run()
    sets('exported', run=name, members=members)
    host.on('iiadm', 'case $* in "-J "*s1*) echo "II: Bitmap magic number is not valid" >&2; exit 2 ;; esac')
    failed = sets('joined', run=name)
    assert 'iiadm -d %s' % members[0]['shadow'] in failed['remedy'] and len(undo(host, name)) == 2
    host.on('iiadm')
    host.put('sets', ''.join(line + '\n' for line in host.read('sets').splitlines() if members[0]['shadow'] not in line))
    done = sets('joined', run=name)
    assert (states(done['after']), undo(host, name)) == ({'s1': 'absent', 's2': 'synced'}, [])
    # Not what nobody has exported.
    assert 'is absent' in sets('joined', run=name, members=[members[0]])['msg']


@pytest.fixture
def volumes(call):
    def run(state, check=False, **params):
        return call('sv_volume', check=check, state=state, **params)
    return run


def test_sv_out_and_in(host, volumes, run):
    first, second, name = host.volume('s1'), host.volume('s2'), run()
    host.put('sv', first + '\n' + second + '\n')
    plan = volumes('disabled', check=True, run='<run>', volumes=[first, second])
    done = volumes('disabled', run=name, volumes=[first, second])
    assert states(done['after']) == states(plan['after']) == {'s1': 'disabled', 's2': 'disabled'} and plan['changed']
    assert host.changes() == ['svadm -d s1', 'svadm -d s2'] and undo(host, name) == ['sv_volume:s1', 'sv_volume:s2']
    assert not volumes('disabled', run=name, volumes=[first])['changed']
    back = volumes('enabled', run=name)
    assert (states(back['after']), undo(host, name)) == ({'s1': 'enabled', 's2': 'enabled'}, [])
    assert host.changes()[2:] == ['svadm -e s1', 'svadm -e s2']


def test_a_shadow_that_came_home_is_under_sv_again(host, volumes, run):
    """Where iiadm does not do it: its set needs it by then."""
    member, name = host.enabled(host.member(1)), run()
    host.put('held', '')
    host.put('sv', member['shadow'] + '\n')
    host.edit(member, 'flags', 'shadow_volume_exported')
    assert volumes('disabled', run=name, volumes=[member['shadow']])['changed'] and undo(host, name) == ['sv_volume:s1']
    host.edit(member, 'flags', '-')
    back = volumes('enabled', run=name)
    assert (states(back['after']), undo(host, name), host.changes()) == ({'s1': 'held'}, [], ['svadm -d s1', 'svadm -e s1'])


def test_what_iiadm_holds_is_left_alone(host, volumes):
    path = host.volume('s1')
    host.put('held', path + '\n')
    assert (volumes('enabled', volumes=[path])['changed'], host.changes()) == (False, [])
    assert 'another product' in volumes('disabled', volumes=[path])['found'] and host.changes() == []
    member = host.enabled(host.member(2))
    host.put('sv', member['shadow'] + '\n')
    assert states(volumes('enabled', volumes=[member['shadow']])['before']) == {'s2': 'held'}
    assert volumes('disabled', check=True, volumes=[member['shadow']])['commands'] == []


def test_sv_is_not_taken_from_a_set(host, volumes):
    member = host.enabled(host.member(1))
    host.put('held', '')
    host.put('sv', member['shadow'] + '\n' + member['master'] + '\n')
    for name in ('shadow', 'master'):
        assert 'is needed under SV' in volumes('disabled', volumes=[member[name]])['msg']
    host.edit(member, 'flags', 'shadow_volume_exported')
    assert 'is needed under SV' in volumes('disabled', volumes=[member['master']])['msg']
    assert volumes('disabled', volumes=[member['shadow']])['changed']


def test_svadm_without_effect(host, volumes):
    path = host.volume('s1')
    host.on('svadm', 'case ${1-} in -e) exit 0 ;; esac')
    assert 'had no effect' in volumes('enabled', volumes=[path])['msg']
    host.on('svadm', 'case ${1-} in -e) echo "svadm: warning: unable to enable" >&2; exit 1 ;; esac')
    assert 'unable to enable' in volumes('enabled', volumes=[path])['msg']
    host.on('svadm', 'echo "svadm: error: unable to get list" >&2; exit 1')
    assert 'unable to get list' in volumes('enabled', volumes=[path])['msg']
