# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the states of submirrors are, and what is refused because of them."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _svm
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, faults, member, refuse_unless_healthy, states, submirror_of, valid_name)

from scripted import Script, answer, fixture, tools

NO_OPTION_C = answer(rc=1, err='metastat: illegal option -- c\nusage:\tmetastat [-s setname] ...\n')


@pytest.fixture(autouse=True)
def host(tmpdir, monkeypatch):
    """A host that has metastat and an empty mount table."""
    tmpdir.mkdir('tools')
    monkeypatch.setattr(_platform, 'TOOL_DIRS', tools(tmpdir.join('tools'), 'metastat'))
    monkeypatch.setattr(_platform, 'MNTTAB', str(tmpdir.join('mnttab')))
    tmpdir.join('mnttab').write('')
    return tmpdir


def svm(full='two_way', concise='two_way', names='d1', **more):
    """An Svm that is answered with fixtures."""
    full = fixture('metastat', full) if isinstance(full, str) else full
    concise = fixture('concise', concise) if isinstance(concise, str) else concise
    return Svm(Script(dict({'metastat ' + names: full, 'metastat -c ' + names: concise}, **more)))


def mirror(*reports):
    return svm(*reports).mirrors(['d1'])['d1']


@pytest.mark.parametrize('full, concise, found', [
    ('two_way', 'two_way', 'okay'), ('offline', 'offline', 'offline'), ('resyncing', 'resyncing', 'resyncing'),
    ('resyncing_large', 'resyncing_large', 'resyncing'), ('cancelled', 'maintenance', 'cancelled'), ('maintenance', 'maintenance',
                                                                                                     'maintenance'),
    ('unavailable', 'unavailable', 'maintenance'), ('unavailable_running', 'unavailable', 'unavailable')])
def test_states(full, concise, found):
    assert states(svm(full, concise).mirrors(['d1'])) == {'d1': {'d2': 'okay', 'd3': found}}


def test_only_the_mirrors_asked_for():
    script = Script({'metastat d9 d8': fixture('metastat', 'two_mirrors'),
                     'metastat -c d9 d8': fixture('concise', 'two_mirrors').replace(' (offline)', '')})
    assert sorted(Svm(script).mirrors(['d9', 'd8'])) == ['d8', 'd9']
    assert script.calls == ['metastat d9 d8', 'metastat -c d9 d8']


def test_what_is_no_mirror_is_refused():
    with pytest.raises(Refused) as caught:
        svm(answer('d60: Concat/Stripe\n    Size: 1 blocks\n'), names='d60').mirrors(['d60'])
    assert caught.value.facts['object'] == 'd60'


@pytest.mark.parametrize('full, concise', [
    ('two_way', 'offline'), ('two_way', 'resyncing'), ('two_way', 'maintenance'), ('two_way', 'unavailable'), ('offline', 'two_way'),
    ('resyncing', 'two_way'), ('resyncing', 'offline'), ('cancelled', 'offline'), ('unavailable_running', 'two_way'), ('cancelled',
                                                                                                                       'two_way'),
    ('two_way', 'sets'), ('three_way', 'two_way')])
def test_reports_that_contradict_each_other_are_read_again_and_then_refused(full, concise):
    reader = svm(full, concise)
    with pytest.raises(UnknownWord) as caught:
        reader.mirrors(['d1'])
    assert len(reader.run.calls) == 2 * _svm.READ_TRIES
    assert 'metastat -c' in caught.value.facts['look']


def test_a_state_that_changes_between_the_two_commands_is_read_again():
    reader = svm([fixture('metastat', 'resyncing'), fixture('metastat', 'two_way')], 'two_way')
    assert states(reader.mirrors(['d1'])) == {'d1': {'d2': 'okay', 'd3': 'okay'}}
    assert len(reader.run.calls) == 4


@pytest.mark.parametrize('full, found', [
    ('two_way', 'okay'), ('offline', 'offline'), ('maintenance', 'maintenance'), ('cancelled', 'cancelled'), ('resyncing', 'resyncing')])
def test_without_option_c_the_suggested_command_tells(full, found):
    assert states(svm(full, NO_OPTION_C).mirrors(['d1']))['d1']['d3'] == found


def test_a_failing_concise_report_is_no_missing_option():
    with pytest.raises(CommandFailed):
        svm('two_way', answer(rc=1, err='metastat: node1: d1: unit not set up\n\n')).mirrors(['d1'])


@pytest.mark.parametrize('said, vendor', [
    (answer(rc=1, err='metastat: node1: d1: unit not set up\n\n'), 'unit not set up'),
    (answer(rc=None), None),
    (answer(fixture('metastat', 'two_way'), rc=1, err='metastat: node1: svc:/system/mdmonitor:default: service(s) not online in SMF\n'),
     'not online in SMF')])
def test_a_report_with_a_bad_end_is_not_believed(said, vendor):
    with pytest.raises(CommandFailed) as caught:
        svm(said).mirrors(['d1'])
    assert (vendor or '') in (caught.value.facts['vendor'] or '')


def test_services_that_are_down_are_named_as_the_cause():
    with pytest.raises(CommandFailed) as caught:
        svm(answer(fixture('metastat', 'two_way'), rc=1, err='metastat: node1: x: service(s) not online in SMF')).mirrors(['d1'])
    assert caught.value.facts['look'] == 'svcs -x'


def test_a_stale_database_is_refused():
    with pytest.raises(CommandFailed) as caught:
        svm('stale').mirrors(['d1'])
    assert 'quorum' in str(caught.value)


@pytest.mark.parametrize('full, concise, found', [
    ('two_way', 'two_way', []),
    ('three_way_offline', 'three_way_offline', ['submirror d4 is offline']),
    ('resyncing', 'resyncing', ['submirror d3 is resyncing']),
    ('maintenance', 'maintenance', ['submirror d3 is maintenance', 'component c1t1d0s0 of d3 is maintenance']),
    ('last_erred', 'd1 m 8.0GB d2 (maint) d3 (maint)\n', [
        'submirror d2 is maintenance', 'submirror d3 is maintenance', 'component c1t0d0s0 of d2 is maintenance',
        'component c1t1d0s0 of d3 is last erred']),
    ('hot_spare', 'two_way', [])])
def test_faults(full, concise, found):
    if concise.startswith('d1 '):
        concise = answer(concise)
    assert faults(mirror(full, concise)) == found


def test_a_resync_is_a_fault_also_where_no_submirror_shows_it():
    text = fixture('metastat', 'two_way').replace('    Pass', '    Resync in progress: 0 % done\n    Pass')
    assert faults(svm(answer(text)).mirrors(['d1'])['d1']) == ['a resync is in progress']


def test_one_half_is_no_mirror():
    text = fixture('metastat', 'two_way')
    text = text.replace('    Submirror 1: d3\n      State: Okay         \n', '')
    text = text[:text.index('d3: Submirror')]
    found = svm(answer(text), answer('d1               m  8.0GB d2\n')).mirrors(['d1'])['d1']
    assert faults(found) == ['it has only one submirror']
    with pytest.raises(Refused) as caught:
        refuse_unless_healthy(found)
    assert 'one submirror' in caught.value.facts['found']


def test_a_healthy_mirror_is_not_refused():
    assert refuse_unless_healthy(mirror()) is None


def test_submirror_of():
    assert submirror_of(mirror(), 'd3').name == 'd3'
    with pytest.raises(Refused) as caught:
        submirror_of(mirror(), 'd4')
    assert caught.value.facts['found'] == 'd1 has d2, d3'


@pytest.mark.parametrize('concise', ['two_way', 'resyncing', 'maintenance', 'unavailable', 'sets'])
def test_confirm_offline_is_torn_otherwise(concise):
    with pytest.raises(Torn):
        svm(concise=concise).confirm_offline([('d1', 'd3')])


def test_confirm_offline_takes_one_command():
    reader = svm(concise='offline')
    reader.confirm_offline([('d1', 'd3')])
    assert reader.run.calls == ['metastat -c d1']
    with pytest.raises(Torn) as caught:
        reader.confirm_offline([('d1', 'd3'), ('d1', 'd2')])
    assert caught.value.facts['object'] == 'd2'


def test_confirm_offline_without_option_c():
    svm('offline', NO_OPTION_C).confirm_offline([('d1', 'd3')])
    with pytest.raises(Torn):
        svm('two_way', NO_OPTION_C).confirm_offline([('d1', 'd3')])


def timed(said):
    """An Svm that is answered so where it asks for the times, and asks for them in UTC."""
    return svm(**{'env TZ=UTC0 %s -t d1' % _platform.need('metastat'): said})


@pytest.mark.parametrize('times', ['times', 'times_long'])
def test_proof_holds_while_nothing_changes(times):
    text = fixture('metastat', times)
    clause, = timed(text).proof([('d1', 'd3')])
    assert clause['argv'] == ['/usr/bin/env', 'TZ=UTC0', _platform.need('metastat'), '-t', 'd1']
    assert re.search(clause['match'], text)
    assert not re.search(clause['match'], text.replace('09:12:03', '09:12:04'))
    assert not re.search(clause['match'], text.replace('Needs maintenance', 'Resyncing   '))
    assert not re.search(clause['match'], text.replace('Submirror 1: d3', 'Submirror 1: d4'))
    assert not re.search(clause['match'], '')


def test_proof_does_not_hold_for_a_name_that_only_begins_alike():
    text = fixture('metastat', 'times')
    clause, = timed(text).proof([('d1', 'd3')])
    assert not re.search(clause['match'], text.replace('d3', 'd33'))


def test_proof_needs_a_state_and_a_time_to_prove():
    """Where metastat shows no time, or the submirror is not offline any more, there is nothing that could prove the cut."""
    for text in (fixture('metastat', 'offline'), fixture('metastat', 'times').replace('Needs maintenance', 'Resyncing   ')):
        with pytest.raises(Torn):
            timed(text).proof([('d1', 'd3')])


@pytest.mark.parametrize('rc', [1, None])
def test_proof_needs_a_report_that_ends_well(rc):
    with pytest.raises(CommandFailed) as caught:
        timed(answer(fixture('metastat', 'times'), rc=rc)).proof([('d1', 'd3')])
    assert caught.value.facts['object'] == 'd1'


@pytest.mark.parametrize('name', ['d1', 'd1000', 'a', 'export_home', 'A-b.c_d', 'alls'])
def test_valid_name(name):
    assert valid_name(name) == name


@pytest.mark.parametrize('name', ['', '-f', '-d1', '1d', 'd 1', ' d1', 'd1 ', 'd1\n', '\nd1', 'd1;ls', 'd1"', "d1'", 'd1$(id)', '../d1',
                                  '/dev/md/dsk/d1',
                                  'd1|', 'all', 'none', u'd\xe9', u'\u0430', 'd1\0', 'd\t1', 'd*', 'a=b'])
def test_invalid_name(name):
    with pytest.raises(Refused):
        valid_name(name)


@pytest.mark.parametrize('base, refused', [('d1', True), ('/dev/md/rdsk/d1', True), ('d11', False), ('c1t0d0s0', False)])
def test_soft_partitions_are_refused(base, refused):
    reader = svm(**{'metastat -p': 'd101 -p %s -o 4160 -b 2097152 \nd1 -m d2 d3 1\n' % base})
    if refused:
        with pytest.raises(Refused) as caught:
            reader.refuse_soft_partitions(['d1'])
        assert 'd101' in caught.value.facts['found']
    else:
        reader.refuse_soft_partitions(['d1'])


def test_layout(host):
    host.join('mnttab').write('/dev/md/dsk/d1\t/home1\tufs\trw,logging\t1\n')
    assert svm(**{'metastat -p': 'd1 -m d2 d3 1\n'}).layout() == {
        'metastat -p': 'd1 -m d2 d3 1\n', 'mount table': '/dev/md/dsk/d1\t/home1\tufs\trw,logging\n'}


def test_member_of_a_mounted_mirror(host):
    host.join('mnttab').write('/dev/md/dsk/d11\t/home11\tufs\trw\t1\n/dev/md/dsk/d1\t/home1\tufs\trw\t1\n')
    found = mirror()
    assert member(found, found.submirror('d3'), '/home1') == {
        'volume': 'd1', 'copy': 'd3', 'device': '/dev/md/rdsk/d3', 'block_device': '/dev/md/dsk/d3', 'original': '/dev/md/rdsk/d1',
        'bytes': 16780224 * 512, 'filesystem': '/home1', 'fstype': 'ufs'}
    with pytest.raises(Refused) as caught:
        member(found, found.submirror('d3'), '/home2')
    assert caught.value.facts['found'] == '/home1'


def test_member_without_a_file_system():
    found = mirror()
    described = member(found, found.submirror('d3'))
    assert described['filesystem'] is None and described['fstype'] is None
    with pytest.raises(Refused) as caught:
        member(found, found.submirror('d3'), '/home1')
    assert caught.value.facts['found'] == 'not mounted'


def test_a_host_without_metastat_is_refused(monkeypatch):
    monkeypatch.setattr(_platform, 'TOOL_DIRS', ())
    with pytest.raises(Refused):
        Svm(Script({}))
