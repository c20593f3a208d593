# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The run record as modules open, advance, read and close it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run

MEMBERS = [dict(volume='d1', copy='d3', filesystem=None)]


@pytest.fixture
def begin(call):
    def opened(name='home1', **params):
        return call('backup_run', state='opened', name=name, manager='svm', **dict(dict(members=[dict(volume=name)]), **params))
    return opened


def load(solaris, run):
    return _run.load(solaris.state, run)


def imaged(solaris, run):
    """What the copy job does last, and without which no run is complete."""
    load(solaris, run).update(image='/backup/home1/%s/manifest.json' % run)


def test_from_open_to_closed(call, solaris, begin):
    told = begin(members=MEMBERS)
    run = told['run']
    assert told['changed'] and told['after'] == {'phase': 'preflight'} and told['record'] == load(solaris, run).data
    moved = call('backup_run', run=run, state='advanced', phase='split')
    assert moved['changed'] and (moved['before'], moved['after']) == ({'phase': 'preflight'}, {'phase': 'split'})
    assert not call('backup_run', run=run, state='advanced', phase='split')['changed']
    imaged(solaris, run)
    ended = call('backup_run', run=run, state='closed', result='complete')
    assert ended['changed'] and ended['record']['closed'] and ended['record']['redundancy_lost_seconds'] is None
    assert load(solaris, run).data['result'] == 'complete'
    again = call('backup_run', run=run, state='closed', result='failed')
    assert not again['changed'] and again['before'] == again['after'] == {'result': 'complete'}
    late = call('backup_run', run=run, state='advanced', phase='store')
    assert late['failed'] and 'has ended' in late['msg']


def test_check_mode_writes_nothing(call, solaris, begin):
    assert begin(check=True)['run'] == '<run>' and solaris.files() == []
    assert call('backup_run', check=True, run='<run>', state='advanced', phase='split')['after'] == {'phase': 'split'}
    assert call('backup_run', check=True, run='<run>', state='closed', result='complete')['changed']
    run = begin()['run']
    imaged(solaris, run)
    files, content = solaris.files(), load(solaris, run).data
    assert begin(check=True)['failed'] is True
    assert call('backup_run', check=True, run=run, state='advanced', phase='split')['changed']
    assert call('backup_run', check=True, run=run, state='closed', result='complete')['changed']
    assert solaris.files() == files and load(solaris, run).data == content


def test_overlapping_runs(call, solaris, begin):
    first = begin()['run']
    told = begin()
    assert told['failed'] and told['object'] == first
    assert begin('home2', members=[dict(volume='home1')])['failed']
    assert begin('home3')['changed']


@pytest.mark.parametrize('name', ['1x', 'a b', '../x', 'x\n', ''])
def test_names(call, solaris, begin, name):
    assert begin(name)['failed'] is True
    assert begin(name, check=True)['failed'] is True


def test_a_member_without_a_volume_is_refused(solaris, begin):
    begin()
    assert begin('home2', members=[dict(copy='d3')])['failed']


def test_a_run_with_something_to_undo_stays_open(call, solaris, begin):
    run = begin()['run']
    load(solaris, run).add_undo({'id': 'svm_submirror:d1:d3', 'action': 'online'})
    told = call('backup_run', run=run, state='closed', result='failed')
    assert told['failed'] and 'svm_submirror:d1:d3' in told['found'] and load(solaris, run).is_open


def test_a_run_without_an_image_is_not_complete(call, solaris, begin):
    run = begin()['run']
    for check in (True, False):
        told = call('backup_run', check=check, run=run, state='closed', result='complete')
        assert told['failed'] and told['found'] == 'no image' and told['object'] == run
        assert load(solaris, run).is_open and load(solaris, run).data['result'] is None
    assert call('backup_run', run=run, state='closed', result='failed')['changed'] and not load(solaris, run).is_open


@pytest.mark.parametrize('result', ['complete', 'failed', 'abandoned'])
def test_a_run_is_not_closed_below_its_job(call, solaris, begin, result):
    run = begin()['run']
    imaged(solaris, run)
    job = _process.identity(os.getpid(), '1795000000')
    load(solaris, run).update(job=job)
    for check in (True, False):
        told = call('backup_run', check=check, run=run, state='closed', result=result)
        assert told['failed'] and 'its job is running' in told['msg'] and str(os.getpid()) in told['found'] and load(solaris, run).is_open
    load(solaris, run).update(job=dict(job, start='1'))
    assert call('backup_run', run=run, state='closed', result=result)['changed'] and load(solaris, run).data['result'] == result


def test_the_error_of_the_window_is_kept(call, solaris, begin):
    run = begin()['run']
    load(solaris, run).update(error='torn')
    call('backup_run', run=run, state='closed', result='failed')
    assert load(solaris, run).data['error'] == 'torn'


def test_redundancy_is_counted_from_the_first_cut(call, solaris, begin):
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
    run = begin()['run']
    imaged(solaris, run)
    load(solaris, run).update(window={'cuts': [monotonic() - 90, monotonic() - 100]})
    lost = call('backup_run', run=run, state='closed', result='complete')['record']['redundancy_lost_seconds']
    assert 100 <= lost < 110


def test_over_a_reboot_nothing_is_counted(call, solaris, begin):
    run = begin()['run']
    imaged(solaris, run)
    load(solaris, run).update(window={'cuts': [1.0]})
    solaris.put('boot', '1795999999')
    ended = call('backup_run', run=run, state='closed', result='complete')
    assert ended['changed'] and ended['record']['redundancy_lost_seconds'] is None


def test_reading(call, solaris, begin):
    assert call('backup_run')['runs'] == [] and solaris.files() == []
    live, stale = begin('one')['run'], begin('two')['run']
    _run.load(solaris.state, stale).update(deadline=1)
    told = call('backup_run')
    assert [(run['run'], bool(run['live']), run['open']) for run in told['runs']] == [(live, True, True), (stale, False, True)]
    assert [run['run'] for run in told['stale']] == [stale] and not told['changed']
    assert [run['run'] for run in call('backup_run', name='two')['runs']] == [stale]
    assert [run['run'] for run in call('backup_run', takeover=live)['stale']] == [live, stale]
    solaris.put('boot', '1795999999')
    assert len(call('backup_run')['stale']) == 2


def test_a_running_job_keeps_a_run_alive(call, solaris, begin):
    run = begin()['run']
    _run.load(solaris.state, run).update(deadline=1, job=_process.identity(os.getpid(), '1795000000'))
    told = call('backup_run')
    assert told['stale'] == [] and str(os.getpid()) in told['runs'][0]['live']


def test_a_run_that_is_just_being_split_is_not_taken_over(call, solaris, begin):
    """Whoever took its undo entries away now would leave what it splits a moment later split for ever."""
    run = begin()['run']
    entry = {'id': 'svm_submirror:d1:d3', 'action': 'online', 'by': _process.identity(os.getpid(), '1795000000')}
    load(solaris, run).update(deadline=1)
    load(solaris, run).add_undo(entry)
    for params in (dict(), dict(takeover=run)):
        told = call('backup_run', **params)
        assert told['stale'] == [] and str(os.getpid()) in told['runs'][0]['live'] and 'splitting' in told['runs'][0]['live']
    load(solaris, run).add_undo(dict(entry, by=dict(entry['by'], start='1')))
    assert [found['run'] for found in call('backup_run', takeover=run)['stale']] == [run]
    load(solaris, run).add_undo(entry)
    solaris.put('boot', '1795999999')
    assert [found['run'] for found in call('backup_run', takeover=run)['stale']] == [run]


@pytest.mark.parametrize('check', [True, False])
def test_a_relative_state_directory_is_refused(call, solaris, monkeypatch, check):
    monkeypatch.chdir(solaris.path('tmp'))
    told = call('backup_run', check=check, state='opened', name='home1', manager='svm', state_dir='state')
    assert told['failed'] and told['object'] == 'state_dir' and told['found'] == 'state' and os.listdir('.') == []


def test_a_state_directory_for_everybody_is_refused(call, solaris, begin):
    os.mkdir(solaris.state)
    os.chmod(solaris.state, 0o777)
    assert begin()['failed']


@pytest.mark.parametrize('words', ['', 'unix:0:system_misc:boot_time', 'x y z', 'unix:0 none'])
def test_a_boot_time_that_cannot_be_read_is_refused(call, solaris, begin, words):
    solaris.on('kstat', "echo '%s'; exit 0" % words)
    assert begin()['failed']


def kept(call, solaris, begin, name='home1', **params):
    """A run whose copies are stored and kept."""
    run = begin(name)['run']
    imaged(solaris, run)
    load(solaris, run).add_undo({'id': 'svm_submirror:d1:d3', 'action': 'online'})
    load(solaris, run).update(window={'cuts': [1.0], 'at': '2026-11-20T03:15:02Z'}, verdict='filesystem')
    told = call('backup_run', run=run, state='advanced', phase='retained', **dict(dict(retain='until_next_run'), **params))
    assert not told.get('failed'), told
    return run


def entry(call, run, **params):
    told = call('backup_run', **params)
    found, = [each for each in told['runs'] if each['run'] == run]
    return found, run in [each['run'] for each in told['stale']]


def test_keeping_copies(call, solaris, begin):
    run = kept(call, solaris, begin)
    assert load(solaris, run).data['retained'] == {'until': 'next_run', 'survives_reboot': True}
    found, stale = entry(call, run)
    assert found['live'] is None and 'until the next run' in found['kept'] and not stale
    assert entry(call, run, takeover=run)[1]
    left = call('backup_run', run=run, state='advanced', phase='rejoin')
    assert left['changed'] and load(solaris, run).data['retained'] is None
    assert entry(call, run)[0]['live'] and not entry(call, run)[1]


@pytest.mark.parametrize('text, seconds', [('1', 3600), ('0.5', 1800), ('48', 172800)])
def test_keeping_copies_for_hours(call, solaris, begin, text, seconds):
    run = kept(call, solaris, begin, retain=text)
    assert abs(load(solaris, run).data['retained']['until'] - time.time() - seconds) < 60
    load(solaris, run).update(retained={'until': 1, 'survives_reboot': True})
    found, stale = entry(call, run)
    assert found['kept'] is None and stale


@pytest.mark.parametrize('text', ['', 'no', '0', '0.0', '-1', '1h', '1e9', '1\n', 'nan'])
def test_no_time_to_keep_copies(call, solaris, begin, text):
    run = begin()['run']
    imaged(solaris, run)
    for check in (True, False):
        told = call('backup_run', check=check, run=run, state='advanced', phase='retained', retain=text)
        assert told['failed'] and told['object'] == 'retain' and load(solaris, run).data['phase'] == 'preflight'


def test_copies_that_were_not_stored_are_not_kept(call, solaris, begin):
    run = begin()['run']
    told = call('backup_run', run=run, state='advanced', phase='retained', retain='1')
    assert told['failed'] and told['found'] == 'no image' and load(solaris, run).data['retained'] is None


def test_a_boot_that_ends_the_split_ends_keeping_it(call, solaris, begin):
    run = kept(call, solaris, begin, survives_reboot=False)
    other = kept(call, solaris, begin, 'home2')
    solaris.put('boot', '1795999999')
    assert entry(call, run)[1] and not entry(call, other)[1]


def test_a_restore_from_copies_ends_the_backup_too(call, solaris, begin):
    run = kept(call, solaris, begin)
    restore = begin(kind='restore', source_run=run)['run']
    for params in (dict(), dict(takeover=run)):
        found, stale = entry(call, run, **params)
        assert found['kept'] == 'restore %s goes on from its copies' % restore and not stale
    told = call('backup_run', run=restore, state='closed', result='complete')
    assert told['failed'] and told['object'] == run and load(solaris, restore).is_open and load(solaris, run).is_open
    load(solaris, run).clear_undo('svm_submirror:d1:d3')
    assert call('backup_run', check=True, run=restore, state='closed', result='complete')['changed'] and load(solaris, run).is_open
    assert call('backup_run', run=restore, state='closed', result='complete')['changed']
    assert [load(solaris, each).data['result'] for each in (run, restore)] == ['complete', 'complete']


def test_a_restore_that_did_not_end_well_leaves_the_backup(call, solaris, begin):
    run = kept(call, solaris, begin)
    restore = begin(kind='restore', source_run=run)['run']
    call('backup_run', run=restore, state='closed', result='failed')
    assert load(solaris, run).is_open and entry(call, run)[0]['kept']


def test_check_mode_counts_as_ended_what_it_is_told(call, solaris, begin):
    run = begin()['run']
    assert begin(check=True)['failed']
    assert begin(check=True, assume_ended=[run])['changed']
    assert begin(assume_ended=[run])['failed']


def test_a_takeover_of_nobody_is_refused(call, solaris, begin):
    run = begin()['run']
    told = call('backup_run', takeover='20200101T000000Z-abcdef')
    assert told['failed'] and '20200101T000000Z-abcdef' in told['msg'] and 'on this host' in told['msg']
    assert call('backup_run', name='other', takeover=run)['runs'] == []
    # A host that is asked of just one run may never have heard of it.
    assert call('backup_run', run='20200101T000000Z-abcdef', takeover='20200101T000000Z-abcdef')['runs'] == []
    call('backup_run', run=run, state='closed', result='failed')
    assert call('backup_run', takeover=run)['stale'] == []


def test_a_run_that_is_split_for_too_long_is_dead(call, solaris, begin):
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic
    run = begin(max_split=60)['run']
    load(solaris, run).add_undo({'id': 'svm_submirror:d1:d3', 'action': 'online'})
    load(solaris, run).update(window={'cuts': [monotonic()], 'at': '2026-11-20T03:15:02Z'})
    told = call('backup_run', run=run, state='advanced', phase='store')
    assert 50 < told['split_left'] <= 60 and not entry(call, run)[1]
    load(solaris, run).update(window={'cuts': [monotonic() - 61], 'at': '2026-11-20T03:15:02Z'})
    found, stale = entry(call, run)
    assert found['overdue'] and stale
    assert call('backup_run')['sets'][0]['open'][0]['condition'] == 'overdue'


def test_a_preparation_needs_no_image(call, solaris, begin):
    run = begin(kind='prepare')['run']
    assert call('backup_run', run=run, state='closed', result='complete')['changed'] and not load(solaris, run).is_open


def test_locks_that_a_run_holds(call, solaris, begin):
    points = [solaris.mirror(name, d2='okay', d3='okay') for name in ('d1', 'd4')]
    run = begin(members=[dict(volume='d1', filesystem=points[0])])['run']
    begin('other', members=[dict(volume='d4', filesystem=points[1])])
    assert entry(call, run)[0]['locks'] == []
    assert call('filesystem_lock', run=run, state='locked', paths=points[:1], max_hold=60)['changed']
    told = call('backup_run')
    assert [found['locks'] for found in told['runs']] == [points[:1], []]
    assert [work['locks'] for each in told['sets'] for work in each['open']] == [points[:1], []]
    call('filesystem_lock', run=run, state='unlocked', paths=points[:1])
    assert entry(call, run)[0]['locks'] == []
    solaris.on('lockfs', 'echo gibberish; exit 0')
    assert entry(call, run)[0]['locks'] == [points[0] + ' (unknown)']


# A host that reads the copies of another.

RUN = '20261120T031500Z-a1b2c3'
CUT = dict(members=[dict(volume='d1', device='/dev/here')], verdict='filesystem', window={'cuts': [5.0], 'at': '2026-11-20T03:15:02Z'},
           layout={'metastat -p': 'd1'}, recovery=[])


@pytest.fixture
def take_part(begin):
    def opened(**params):
        return begin(run=RUN, **dict(dict(primary='node1', peers=['node1']), **params))
    return opened


def test_a_run_of_another_host_keeps_its_id(call, solaris, begin, take_part):
    assert take_part()['run'] == RUN and load(solaris, RUN).data['primary'] == 'node1'
    again = take_part(name='other')
    assert again['failed'] and 'is on this host already' in again['msg']
    assert not begin().get('failed'), 'a set of the same name, of the host itself'
    other = call('backup_run', state='opened', name='home1', manager='svm', run=RUN[:-1] + '4', primary='node1')
    assert other['failed'] and 'still open' in other['msg']
    assert not call('backup_run', state='opened', name='home1', manager='svm', run=RUN[:-1] + '5', primary='node2').get('failed')


@pytest.mark.parametrize('run', ['<run>', '../x', '-r'])
def test_a_run_of_another_host_has_an_id(call, solaris, begin, run):
    assert 'is not the id of a run' in begin(run=run, primary='node1')['msg'] and solaris.files() == []


def test_a_cut_is_handed_over(call, solaris, take_part):
    take_part()
    files = [dict(source='/var/lib/snapbackup/label', place='backup_label', content='bGFiZWwK')]
    cut = dict(CUT, recovery=[dict(driver='postgresql', volume='d1', directory='pg', files=files)])
    predicted = call('backup_run', check=True, state='handed_over', run=RUN, cut=cut)
    assert load(solaris, RUN).data['verdict'] is None
    told = call('backup_run', state='handed_over', run=RUN, cut=cut)
    assert (predicted['before'], predicted['after']) == (told['before'], told['after'])
    data = load(solaris, RUN).data
    assert (data['members'], data['verdict'], data['window'], data['layout']) == tuple(
        CUT[key] for key in ('members', 'verdict', 'window', 'layout'))
    item = data['recovery'][0]['files'][0]
    with open(item['source']) as handle:
        assert handle.read() == 'label\n' and item['place'] == 'backup_label'
    imaged(solaris, RUN)
    ended = call('backup_run', run=RUN, state='closed', result='complete')
    assert ended['record']['redundancy_lost_seconds'] is None, 'the cut is on the clock of another host'


def test_a_handed_over_file_stays_in_the_run(call, solaris, take_part):
    take_part()
    files = [dict(source='x', place='../../../evil', content='eA==')]
    told = call('backup_run', state='handed_over', run=RUN,
                cut=dict(CUT, recovery=[dict(driver='postgresql', volume='d1', directory='pg', files=files)]))
    assert told['failed'] and 'outside' in told['msg']


def test_nothing_is_handed_over_to_who_cuts_himself(call, begin):
    told = call('backup_run', state='handed_over', run=begin()['run'], cut=CUT)
    assert told['failed'] and 'no primary' in told['msg']


def test_a_proof_on_the_primary(call, solaris, begin):
    run = begin()['run']
    load(solaris, run).update(proof=[dict(argv=['/bin/echo', 'parted'], match='^parted$')])
    assert not call('backup_run', state='proved', run=run).get('failed')
    load(solaris, run).update(proof=[dict(argv=['/bin/echo', 'joined'], match='^parted$')])
    assert 'not proved' in call('backup_run', state='proved', run=run)['msg']
    assert call('backup_run', state='advanced', phase='store', run=run, image='/backup/manifest.json')['record']['image'] == (
        '/backup/manifest.json')


def test_a_host_that_only_holds_services_still(call):
    """It stores nothing, and once it is over there is nothing to tell of it."""
    first = call('backup_run', state='opened', name='data', manager='svm', members=[dict(volume='d1')], nodes=['node2'])
    assert first['record']['nodes'] == ['node2']
    there = dict(state='opened', name='data', manager='svm', kind='services', run='20261120T031500Z-a1b2c3', primary='node1',
                 members=[dict(volume='d1')])
    # This host has sets and volumes of its own.
    assert call('backup_run', **there)['record']['kind'] == 'services'
    assert [(run['run'], run['primary']) for run in call('backup_run')['runs']] == [(first['run'], None), (there['run'], 'node1')]
    assert 'still open' in call('backup_run', **dict(there, run='20261120T031500Z-a1b2c4'))['msg']
    assert call('backup_run', state='closed', run=there['run'], result='complete')['record']['result'] == 'complete'
    call('backup_run', state='closed', run=first['run'], result='abandoned')
    (only,) = call('backup_run')['sets']
    assert only['open'] == []


def test_a_set_of_which_only_services_were_held_is_none_of_this_host(call):
    there = dict(state='opened', name='data', manager='svm', kind='services', run='20261120T031500Z-a1b2c3', primary='node1')
    call('backup_run', **there)
    assert [found['name'] for found in call('backup_run')['sets']] == ['data']
    call('backup_run', state='closed', run=there['run'], result='failed', error='lost')
    assert call('backup_run')['sets'] == []
