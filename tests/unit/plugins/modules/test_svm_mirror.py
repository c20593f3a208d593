# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Going back to the frozen half, step by step, and from every half-way point."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import stat

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run, _svm, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

pytestmark = pytest.mark.slow

CHANGING = ('metaoffline', 'metaonline', 'metasync', 'metadetach', 'metattach', 'metaclear', 'metainit', 'metaparam')
BUILT = ['metadetach d1 d3', 'metaclear d1', 'metainit d1 -m d3 -g -S 3']
MEMBERS = [dict(mirror='d1', submirror='d3')]


@pytest.fixture(params=['offline', 'detached'])
def cut(request):
    return request.param


@pytest.fixture
def host(solaris, monkeypatch):
    """Mirror d1 = d2 + d3, not mounted, with options and device nodes of its own; everything that is open is in host.opened."""
    solaris.mirror('d1', mounted=False, d2='okay', d3='okay')
    solaris.put('options.d1', '-g -S 3\n')
    for kind in ('dsk', 'rdsk'):
        os.makedirs(solaris.path('md', kind))
        solaris.put('md/%s/d1' % kind, '')
        os.chmod(solaris.path('md', kind, 'd1'), 0o640)
    solaris.opened = []

    def refuse_open(path, number):
        if path in solaris.opened:
            raise Refused('%s is in use' % path)
    monkeypatch.setattr(_svm, 'DEVICES', solaris.path('md'))
    monkeypatch.setattr(_target, 'refuse_open', refuse_open)
    return solaris


@pytest.fixture
def source(call, host, cut):
    """The run that has split d3."""
    name = call('backup_run', state='opened', name='home1', manager='svm', members=[dict(volume='d1')])['run']
    call('svm_submirror', run=name, state=cut, members=MEMBERS)
    return name


@pytest.fixture
def restore(host, source):
    """The restore that goes back to it."""
    record = _run.open_run(host.state, 'home1-restore', 'svm', 'restore', [dict(volume='other')], '1795000000', 'node1')
    return record.run


def add_mirror(host, source, entry, state):
    """Let the run have split d6 of a mirror d4 too, which is in this state. entry: the run's undo entry of d3."""
    host.mirror('d4', mounted=False, d5='okay', d6=state)
    if state == 'detached':
        host.put('mirror.d4', 'd5 okay\n')
    for kind in ('dsk', 'rdsk'):
        host.put('md/%s/d4' % kind, '')
    backup = _run.load(host.state, source)
    proof = backup.data['proof']
    other = dict(entry, id='svm_submirror:d4:d6', mirror='d4', submirror='d6', text='d6 1 1 /dev/rdsk/c1d6s0')
    timed = [dict(argv=clause['argv'][:-1] + ['d4'], match=clause['match'].replace('d3', 'd6'))
             for clause in proof if clause['argv'][-2:] == ['-t', 'd1']]
    backup.update(undo=[entry, other], proof=proof + timed)


def record(host, run):
    return _run.load(host.state, run).data


def changes(host):
    return host.journal(*CHANGING)


def steps(cut):
    """What is done after the split."""
    return BUILT if cut == 'offline' else BUILT[1:]


def test_there_and_back(call, host, source, restore, cut):
    before = changes(host)
    done = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert done['changed'] and changes(host)[len(before):] == steps(cut)
    assert done['before'] == {'d1': {'d2': 'okay', 'd3': cut}} and done['after'] == {'d1': {'d2': 'detached', 'd3': 'okay'}}
    assert host.states('d1') == dict(d3='okay') and host.read('options.d1') == '-g -S 3\n'
    for kind in ('dsk', 'rdsk'):
        assert stat.S_IMODE(os.stat(host.path('md', kind, 'd1')).st_mode) == 0o640
    assert record(host, source)['undo'] == [] and [entry['id'] for entry in record(host, restore)['undo']] == ['svm_mirror:d1']
    assert call('backup_run', run=source, state='closed', result='failed')['changed']
    assert call('backup_run', run=restore, state='closed', result='failed')['failed']
    again = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert not again['changed'] and again['commands'] == []

    assert 'd2 is detached' in call('svm_mirror', run=restore, state='redundant')['msg']
    attached = call('svm_mirror', run=restore, state='mirrored')
    assert attached['changed'] and changes(host)[-1] == 'metattach d1 d2'
    assert attached['after'] == {'d1': {'d2': 'resyncing', 'd3': 'okay'}}
    assert not call('svm_mirror', run=restore, state='mirrored')['changed'] and changes(host).count('metattach d1 d2') == 1
    told = call('svm_mirror', run=restore, state='redundant')
    assert told['failed'] and 'resyncing' in told['found'] and record(host, restore)['undo']
    host.put('mirror.d1', 'd3 okay\nd2 okay\n')
    assert not call('svm_mirror', run=restore, state='redundant')['changed'] and record(host, restore)['undo'] == []
    before = changes(host)
    for state in ('rolled_back', 'mirrored', 'redundant'):
        assert call('svm_mirror', run=restore, source_run=source, state=state)['after'] == {} and changes(host) == before


def test_an_interruption_while_the_plans_are_written(call, host, source, restore):
    """One of two mirrors is in the record of the restore, and both still are in that of the backup."""
    entry = record(host, source)['undo'][0]
    for tool in ('metadetach', 'metaclear'):
        host.on(tool, 'exit 1')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    for tool in ('metadetach', 'metaclear'):
        host.on(tool)
    add_mirror(host, source, entry, 'offline' if entry['action'] == 'online' else 'detached')
    again = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert again['after'] == {'d1': {'d2': 'detached', 'd3': 'okay'}, 'd4': {'d5': 'detached', 'd6': 'okay'}}
    assert record(host, source)['undo'] == [] and len(record(host, restore)['undo']) == 2


def test_copies_that_came_home_before_the_restore_began(call, host, source, restore):
    """Nothing is split any more, and nothing was planned: that is no roll-back that has ended."""
    _run.load(host.state, source).update(undo=[])
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'no frozen copies' in told['msg']


def test_check_mode_promises_what_is_done_then(call, host, source, restore, cut):
    files, content, before = host.files(), record(host, source), changes(host)
    for run in ('<run>', restore):
        told = call('svm_mirror', check=True, run=run, source_run=source, state='rolled_back')
    more = call('svm_mirror', check=True, run='<run>', source_run=source, state='mirrored', assume=told['after'])
    last = call('svm_mirror', check=True, run='<run>', state='redundant')
    assert not last['changed'] and more['after'] == {'d1': {'d2': 'okay', 'd3': 'okay'}}
    assert host.files() == files and record(host, source) == content and changes(host) == before
    assert record(host, restore)['undo'] == []
    done = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    attached = call('svm_mirror', run=restore, state='mirrored')
    for plan, real in ((told, done), (more, attached)):
        assert [command['argv'] for command in plan['commands']] == [command['argv'] for command in real['commands']]
        assert (plan['changed'], plan['before']) == (real['changed'], real['before'])
    assert told['after'] == done['after']


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
@pytest.mark.parametrize('late', [False, True])
@pytest.mark.parametrize('tool', ['metadetach', 'metaclear', 'metainit', 'chown', 'chmod'])
def test_after_an_interruption_it_goes_on_where_it_stopped(call, host, source, restore, tool, late):
    """Before or after the command took effect; run again, it does the steps that are left, and each step once."""
    before = len(changes(host))
    lines = ['[ -f "$D/second" ] || { touch "$D/second"; exit 1; }']
    if late:
        body = host.read(os.path.join('tools', tool))
        host.put('tools/real.' + tool, body.replace('${0##*/}', tool))
        os.chmod(host.path('tools', 'real.' + tool), 0o755)
        lines = ['[ -f "$D/second" ] || { touch "$D/second"; rm "$D/on.%s"; "$D/tools/real.%s" "$@"; exit 1; }' % (tool, tool)]
    host.on(tool, *lines)
    first = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    if first.get('failed'):
        assert record(host, source)['undo'] == [] and record(host, restore)['undo'][0]['rebuilt'] is False
        first = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert first['after'] == {'d1': {'d2': 'detached', 'd3': 'okay'}}, first
    done = changes(host)[before:]
    assert sorted(set(done), key=done.index) == BUILT
    assert host.states('d1') == dict(d3='okay') and record(host, restore)['undo'][0]['rebuilt'] is True
    assert stat.S_IMODE(os.stat(host.path('md', 'rdsk', 'd1')).st_mode) == 0o640


@pytest.mark.parametrize('cut, tool', [('offline', 'metadetach'), ('offline', 'metaclear'), ('detached', 'metaclear'),
                                       ('offline', 'metainit')], indirect=['cut'])
def test_a_command_that_only_says_that_it_has_worked(call, host, source, restore, cut, tool):
    host.on(tool, 'exit 0')
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'did not do what it was told' in told['msg'] and tool in told['msg']
    assert changes(host)[-1].startswith(tool)


def test_an_attachment_without_effect(call, host, source, restore):
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    host.on('metattach', 'exit 0')
    told = call('svm_mirror', run=restore, state='mirrored')
    assert told['failed'] and 'did not do what it was told' in told['msg'] and record(host, restore)['undo']


def mount(host, volume):
    host.put('mnttab', '%s\t/mnt\tufs\trw\t0\n' % host.path('md', 'dsk', volume))


BOTH, OFFLINE, DETACHED = ('offline', 'detached'), ('offline',), ('detached',)
SPOILS = [
    (BOTH, lambda host: mount(host, 'd1'), 'd1 is mounted'), (BOTH, lambda host: mount(host, 'd3'), 'd3 is mounted'),
    (BOTH, lambda host: host.opened.append(host.path('md', 'rdsk', 'd1')), 'in use'),
    (BOTH, lambda host: host.put('more', 'd101 -p /dev/md/rdsk/d1 -o 1 -b 10 \n'), 'soft partitions'),
    (BOTH, lambda host: host.put('mirror.d1', host.read('mirror.d1').replace('d2 okay', 'd2 maintenance')), 'taken apart'),
    (BOTH, lambda host: host.put('mirror.d1', 'd2 okay\nd3 okay\n'), 'not the frozen copy'),
    (BOTH, lambda host: host.put('mirror.d1', 'd2 okay\nd3 resyncing\n'), 'not the frozen copy'),
    (OFFLINE, lambda host: host.put('time', '1795168801'), 'not proved'),
    (DETACHED, lambda host: host.put('head.d3', ' 03\n'), 'not proved'),
    (DETACHED, lambda host: host.put('stripes', 'd2\n'), 'not the frozen copy'),
    (DETACHED, lambda host: host.put('stripes', 'd2\nd3 1 1 c9t9d9s9\n'), 'not proved'),
    (DETACHED, lambda host: host.put('more', 'd9 -m d3 1\n'), 'not the frozen copy')]


@pytest.mark.parametrize('cut, spoil, word', [(one, how, what) for ones, how, what in SPOILS for one in ones], indirect=['cut'])
def test_what_cannot_be_rolled_back_is_left_as_it_is(call, host, source, restore, cut, spoil, word):
    spoil(host)
    before, undo = changes(host), record(host, source)['undo']
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and word in told['msg'], told
    assert changes(host) == before and record(host, source)['undo'] == undo and record(host, restore)['undo'] == []


def test_what_is_being_read_is_left_as_it_is(call, host, source, restore):
    _run.load(host.state, source).update(job=_process.identity(os.getpid(), '1795000000'))
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'copy job' in told['msg'] and record(host, restore)['undo'] == []


@pytest.mark.parametrize('fields, word', [(dict(verdict='torn'), 'no frozen copies'), (dict(undo=[]), 'no frozen copies'),
                                          (dict(closed=1), 'no frozen copies'), (dict(proof=[]), 'cannot prove')])
def test_a_run_without_good_copies(call, host, source, restore, fields, word):
    _run.load(host.state, source).update(**fields)
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and word in told['msg']


def test_a_backup_is_no_restore(call, host, source):
    told = call('svm_mirror', run=source, source_run=source, state='rolled_back')
    assert told['failed'] and 'no restore' in told['msg'] and len(record(host, source)['undo']) == 1


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_a_boot_before_the_first_step_ends_the_copy(call, host, source, restore):
    """The plan is written, and then the host boots: the frozen half has come home with the newer data."""
    host.on('metadetach', 'exit 1')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    host.on('metadetach')
    before = changes(host)
    for state in ('maintenance', 'resyncing', 'okay'):
        host.put('mirror.d1', 'd2 okay\nd3 %s\n' % state)
        more = call('svm_mirror', run=restore, state='mirrored')
        assert more['failed'] and 'not rolled back' in more['msg'] and changes(host) == before
        assert call('svm_mirror', run=restore, state='redundant')['failed'] and record(host, restore)['undo']
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'not frozen any more' in told['msg'] and changes(host) == before
    # Nothing was changed, so nothing keeps the restore from being ended.
    assert record(host, restore)['undo'] == [] and record(host, restore)['layout'] == {}
    again = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert again.get('failed') and 'no frozen copies' in again['msg'] and changes(host) == before
    assert call('backup_run', run=restore, state='closed', result='failed')['changed']


def reverse(host, *lines):
    """What an administrator does who prefers the newer data: build the mirror on the other half, and attach the frozen one."""
    host.put('mirror.d1', '\n'.join(lines) + '\n')


@pytest.mark.parametrize('lines', [['d2 okay', 'd3 okay'], ['d2 okay', 'd3 resyncing'], ['d2 okay'], ['d3 okay', 'd2 okay']])
def test_a_mirror_that_was_reversed_by_hand_is_not_called_rolled_back(call, host, source, restore, lines):
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    reverse(host, *lines)
    before = changes(host)
    for state in ('rolled_back', 'mirrored', 'redundant'):
        told = call('svm_mirror', run=restore, source_run=source, state=state)
        assert told.get('failed') and told['object'] == 'd2' and 'and not by this restore' in told['msg'], told
    assert changes(host) == before and record(host, restore)['undo']


def test_a_half_that_was_attached_first_by_somebody_else(call, host, source, restore):
    """The attachment is in the record and had no effect; then somebody builds the mirror on the newer half."""
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    host.on('metattach', 'exit 1')
    assert call('svm_mirror', run=restore, state='mirrored')['failed']
    host.on('metattach')
    reverse(host, 'd2 okay', 'd3 okay')
    assert call('svm_mirror', run=restore, state='redundant')['failed'] and record(host, restore)['undo']
    reverse(host, 'd3 okay')
    assert call('svm_mirror', run=restore, state='mirrored')['changed'] and changes(host)[-1] == 'metattach d1 d2'


@pytest.mark.parametrize('works', [True, False])
def test_a_resync_that_was_broken_off_goes_on(call, host, source, restore, works):
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    call('svm_mirror', run=restore, state='mirrored')
    host.put('mirror.d1', 'd3 okay\nd2 maintenance\n')
    if not works:
        host.on('metasync', 'exit 0')
    told = call('svm_mirror', run=restore, state='mirrored')
    assert changes(host)[-1] == 'metasync d1' and changes(host).count('metattach d1 d2') == 1
    if works:
        assert told['changed'] and told['after'] == {'d1': {'d2': 'resyncing', 'd3': 'okay'}}
    else:
        assert told['failed'] and 'did not do what it was told' in told['msg']


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_a_copy_that_was_split_again_before_the_first_step(call, host, source, restore):
    """The plan is written, and then somebody brings the frozen half home and takes it offline again."""
    host.on('metadetach', 'exit 1')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    host.on('metadetach')
    host.put('time', '1795168801')
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'not proved' in told['msg'] and changes(host)[-1] == 'metadetach d1 d3'
    assert 'metaclear d1' not in changes(host)
    assert host.states('d1') == dict(d2='okay', d3='offline')


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
@pytest.mark.parametrize('begun', [False, True])
def test_of_two_mirrors_none_is_rolled_back_alone(call, host, source, restore, begun):
    """All copies are detached before the first mirror is cleared; if one is lost before that, the restore ends only if none was touched."""
    add_mirror(host, source, record(host, source)['undo'][0], 'offline')
    before = changes(host)
    host.on('metadetach', '[ $1 = %s ] || exit 1' % ('d1' if begun else 'none'))
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    host.on('metadetach')
    assert changes(host)[len(before):] == ['metadetach d1 d3', 'metadetach d4 d6'][:1 + begun]
    host.put('mirror.d4', 'd5 okay\nd6 okay\n')
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and told['object'] == 'd6' and 'metaclear d1' not in changes(host)
    assert bool(record(host, restore)['undo']) is begun
    host.put('mirror.d4', 'd5 okay\nd6 offline\n')
    if begun:
        assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['changed']
        assert changes(host)[-5:] == ['metadetach d4 d6', 'metaclear d1', BUILT[-1], 'metaclear d4', 'metainit d4 -m d6 1']


@pytest.fixture
def stuck(call, host, source, restore):
    """Of two mirrors the copy of d1 was detached, and a boot has ended that of d4."""
    add_mirror(host, source, record(host, source)['undo'][0], 'offline')
    host.on('metadetach', '[ $1 = d1 ] || exit 1')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    host.on('metadetach')
    host.put('mirror.d4', 'd5 okay\nd6 okay\n')
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'given_up' in told['remedy'] and len(record(host, restore)['undo']) == 2


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_a_roll_back_that_cannot_be_finished_is_given_up(call, host, source, restore, stuck):
    """The restore can be closed, and the backup brings its copies home; they are no copies to restore from any more."""
    before = changes(host)
    _run.load(host.state, source).update(retained=dict(until='next_run', survives_reboot=True))
    planned = call('svm_mirror', check=True, run=restore, state='given_up')
    assert planned['changed'] and len(record(host, restore)['undo']) == 2 and record(host, source)['undo'] == []
    done = call('svm_mirror', run=restore, state='given_up')
    assert done['changed'] and (done['handed_back'], done['left']) == (['d1', 'd4'], []) and changes(host) == before
    assert record(host, restore)['undo'] == [] and record(host, restore)['layout'] == {} and record(host, source)['retained'] is None
    assert not call('svm_mirror', run=restore, state='given_up')['changed']
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'given back' in told['msg'] and changes(host) == before
    assert call('backup_run', run=restore, state='closed', result='abandoned')['changed']
    assert call('svm_submirror', run=source, state='online')['changed'] and changes(host)[len(before):] == ['metattach d1 d3']
    assert call('svm_mirror', run=source, state='redundant')['failed']
    host.put('mirror.d1', 'd2 okay\nd3 okay\n')
    assert call('svm_mirror', run=source, state='redundant')['after'] == {'d1': {'d2': 'okay', 'd3': 'okay'}}
    assert call('backup_run', run=source, state='closed', result='failed')['changed']


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_an_interruption_while_a_roll_back_is_given_up(call, host, source, restore, stuck):
    """The backup has its copies back, and the restore still has its plans."""
    plans = record(host, restore)['undo']
    call('svm_mirror', run=restore, state='given_up')
    entries = record(host, source)['undo']
    _run.load(host.state, restore).update(undo=plans)
    again = call('svm_mirror', run=restore, state='given_up')
    assert again['changed'] and record(host, restore)['undo'] == [] and record(host, source)['undo'] == entries


def test_what_was_rolled_back_stays_as_it_is_when_it_is_given_up(call, host, source, restore):
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    reverse(host, 'd2 okay')
    # Nothing is asked of a mirror that the administrator has built as he wants it.
    host.put('stripes', 'd2\n')
    before = changes(host)
    done = call('svm_mirror', run=restore, state='given_up')
    assert (done['handed_back'], done['left']) == ([], ['d1']) and changes(host) == before
    assert record(host, restore)['undo'] == record(host, source)['undo'] == []
    told = call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    assert told['failed'] and 'no frozen copies' in told['msg']


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
@pytest.mark.parametrize('built', [False, True])
def test_a_mirror_that_is_taken_apart_is_not_given_up(call, host, source, restore, built):
    """Before metainit there is no mirror; after it the frozen half alone is in it, and nothing says so yet."""
    if not built:
        host.on('metainit', 'exit 1')
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    _run.load(host.state, restore).add_undo(dict(record(host, restore)['undo'][0], rebuilt=False))
    told = call('svm_mirror', run=restore, state='given_up')
    assert told['failed'] and 'taken apart' in told['msg'] and record(host, restore)['undo']


def test_the_newer_half_is_not_overwritten_while_somebody_has_it(call, host, source, restore):
    call('svm_mirror', run=restore, source_run=source, state='rolled_back')
    host.put('mnttab', '%s\t/mnt\tufs\trw\t0\n' % host.path('md', 'dsk', 'd2'))
    told = call('svm_mirror', run=restore, state='mirrored')
    assert told['failed'] and 'mounted' in told['msg'] and 'metattach d1 d2' not in changes(host)
    host.put('mnttab', '')
    host.put('more', 'd9 -m d2 1\n')
    told = call('svm_mirror', run=restore, state='mirrored')
    assert told['failed'] and 'd2' in told['object'] and 'metattach d1 d2' not in changes(host)
    host.put('more', '')
    host.put('stripes', 'd2 1 1 c9t9d9s9\nd3\n')
    told = call('svm_mirror', run=restore, state='mirrored')
    assert told['failed'] and 'built' in told['msg'] and 'metattach d1 d2' not in changes(host)


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_a_mirror_that_was_built_by_hand_gets_its_options(call, host, source, restore):
    host.on('metainit', 'exit 1')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    host.on('metainit')
    host.put('mirror.d1', 'd3 okay\n')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['changed']
    assert changes(host)[-1] == 'metaparam -r geometric -w serial -p 3 d1' and host.read('options.d1') == '-g -S 3\n'


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_a_mirror_that_was_built_by_hand_on_the_wrong_half(call, host, source, restore):
    host.on('metainit', 'exit 1')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['failed']
    host.on('metainit')
    host.put('mirror.d1', 'd2 okay\n')
    assert call('svm_mirror', run=restore, source_run=source, state='rolled_back')['changed']
    assert changes(host)[-2:] == ['metaclear d1', BUILT[-1]] and host.states('d1') == dict(d3='okay')


@pytest.mark.parametrize('cut', ['offline'], indirect=True)
def test_a_roll_back_in_a_disk_set(call, host, cut):
    """Every command is told the set before its other words, and the last part of each name."""
    host.put('owner', 'Yes')
    for kind in ('dsk', 'rdsk'):
        os.makedirs(host.path('md', 'blue', kind))
        host.put('md/blue/%s/d1' % kind, '')
    name = call('backup_run', state='opened', name='home1', manager='svm', members=[dict(volume='blue/d1')])['run']
    call('svm_submirror', run=name, state=cut, diskset='blue', members=MEMBERS)
    restore = _run.open_run(host.state, 'home1-restore', 'svm', 'restore', [dict(volume='other')], '1795000000', 'node1').run
    before = len(changes(host))
    host.on('metainit', 'exit 1')
    assert call('svm_mirror', run=restore, source_run=name, state='rolled_back')['failed']
    host.on('metainit')
    # Built by hand, and without its options.
    host.put('mirror.d1', 'd3 okay\n')
    done = call('svm_mirror', run=restore, source_run=name, state='rolled_back')
    assert done['after'] == {'blue/d1': {'blue/d2': 'detached', 'blue/d3': 'okay'}}, done
    call('svm_mirror', run=restore, state='mirrored')
    assert changes(host)[before:] == [
        'metadetach -s blue d1 d3', 'metaclear -s blue d1', 'metainit -s blue d1 -m d3 -g -S 3',
        'metaparam -s blue -r geometric -w serial -p 3 d1', 'metattach -s blue d1 d2']
    host.put('mirror.d1', 'd3 okay\nd2 maintenance\n')
    assert call('svm_mirror', run=restore, state='mirrored')['changed'] and changes(host)[-1] == 'metasync -s blue d1'


@pytest.mark.parametrize('halves', [2, 3])
def test_redundancy_of_a_backup_is_proved(call, host, halves):
    if halves == 3:
        host.mirror('d1', mounted=False, d2='okay', d3='okay', d4='okay')
    name = call('backup_run', state='opened', name='home1', manager='svm', members=[dict(volume='d1')])['run']
    call('svm_submirror', run=name, state='offline', members=[dict(mirror='d1')])
    told = call('svm_mirror', run=name, state='redundant')
    assert told['failed'] and 'is offline' in told['msg'] and len(record(host, name)['undo']) == 1
    assert call('svm_mirror', check=True, run=name, state='redundant')['unmirrored'] == {}
    call('svm_submirror', run=name, state='online')
    assert call('svm_mirror', run=name, state='redundant')['failed']
    host.put('mirror.d1', host.read('mirror.d1').replace('resyncing', 'okay'))
    told = call('svm_mirror', run=name, state='redundant')
    assert list(told['unmirrored']) == (['d1'] if halves == 2 else []) and record(host, name)['undo'] == []
    assert all(0 <= seconds < 60 for seconds in told['unmirrored'].values())
    if halves == 3:
        call('svm_submirror', run=name, state='offline', members=[dict(mirror='d1')])
        host.put('mirror.d1', 'd2 okay\nd3 maintenance\nd4 okay\n')
        told = call('svm_mirror', run=name, state='redundant')
        assert 'd3 is maintenance' in str(told['warnings']) and record(host, name)['undo'] == []
    host.put('boot', '1795999999')
    assert call('svm_mirror', run=name, state='redundant')['unmirrored'] == ({'d1': None} if halves == 2 else {})
