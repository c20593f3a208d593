# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the states of submirrors are, and what is refused because of them."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _svm
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, block_device, common_set, faults, held, member, qualified, raw_device, refuse_elsewhere, refuse_unless_healthy, soft_partitions,
    spoken, states, submirror_of, valid_name, worth)

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


@pytest.mark.parametrize('name', ['d1', 'd1000', 'a', 'export_home', 'A-b.c_d', 'alls'])
def test_valid_name(name):
    assert valid_name(name) == name


@pytest.mark.parametrize('name', ['', '-f', '-d1', '1d', 'd 1', ' d1', 'd1 ', 'd1\n', '\nd1', 'd1;ls', 'd1"', "d1'", 'd1$(id)', '../d1',
                                  '/dev/md/dsk/d1',
                                  'd1|', 'all', 'none', u'd\xe9', u'\u0430', 'd1\0', 'd\t1', 'd*', 'a=b'])
def test_invalid_name(name):
    with pytest.raises(Refused):
        valid_name(name)


@pytest.mark.parametrize('base, found', [('d1', ['d101']), ('/dev/md/rdsk/d1', ['d101']), ('d11', []), ('c1t0d0s0', [])])
def test_soft_partitions(base, found):
    layout = svm(**{'metastat -p': 'd101 -p %s -o 4160 -b 2097152 \nd1 -m d2 d3 1\n' % base}).volumes()
    assert [volume.name for volume in soft_partitions(layout, 'd1')] == found


def test_what_else_lies_on_a_mirror_is_refused():
    layout = svm(**{'metastat -p': 'd64 -t d1 d63\nd1 -m d2 d3 1\n'}).volumes()
    with pytest.raises(Refused) as caught:
        soft_partitions(layout, 'd1')
    assert caught.value.facts['found'] == 'd64 -t d1 d63'


@pytest.mark.parametrize('name, diskset, found', [
    ('d1', None, 'd1'), ('d1', 'blue', 'blue/d1'), ('blue/d1', 'blue', 'blue/d1'), ('red/d1', 'blue', None), ('blue/d1', None, None),
    ('d1', '../x', None), ('d1', '-f', None), ('blue/-f', 'blue', None), ('a/b/d1', 'a/b', None)])
def test_qualified(name, diskset, found):
    if found:
        assert qualified(name, diskset) == found
    else:
        with pytest.raises(Refused):
            qualified(name, diskset)


@pytest.mark.parametrize('names, diskset, found', [
    (['d1', 'd2'], None, None), (['blue/d1', 'blue/d2'], None, 'blue'), (['d1'], 'blue', 'blue'), ([], None, None), ([], 'blue', 'blue'),
    (['blue/d1', 'd2'], None, Refused), (['blue/d1', 'red/d2'], None, Refused)])
def test_common_set(names, diskset, found):
    if found is Refused:
        with pytest.raises(Refused):
            common_set(names, diskset)
    else:
        assert common_set(names, diskset) == found


def test_commands_and_devices_of_a_set():
    assert spoken('metaoffline', 'blue/d1', 'blue/d3') == 'metaoffline -s blue d1 d3'
    assert raw_device('blue/d1') == '/dev/md/blue/rdsk/d1' and block_device('d1') == '/dev/md/dsk/d1'


def test_mirrors_of_a_set():
    text = fixture('metastat', 'two_way')
    for name in ('d1', 'd2', 'd3'):
        text = re.sub(r'\b%s\b' % name, 'blue/' + name, text)
    reader = Svm(Script({'metastat -s blue d1': text, 'metastat -c -s blue d1': 'blue/d1          m  8.0GB blue/d2 blue/d3\n'}), 'blue')
    assert states(reader.mirrors(['blue/d1'])) == {'blue/d1': {'blue/d2': 'okay', 'blue/d3': 'okay'}}


def test_layout(host):
    host.join('mnttab').write('/dev/md/dsk/d1\t/home1\tufs\trw,logging\t1\n')
    assert svm(**{'metastat -p': 'd1 -m d2 d3 1\n'}).layout() == {
        'metastat -p': 'd1 -m d2 d3 1\n', 'mount table': '/dev/md/dsk/d1\t/home1\tufs\trw,logging\n'}


def test_member_of_a_mounted_mirror(host):
    host.join('mnttab').write('/dev/md/dsk/d11\t/home11\tufs\trw\t1\n/dev/md/dsk/d1\t/home1\tufs\trw\t1\n')
    found = mirror()
    assert member(found, found.submirror('d3')) == {
        'volume': 'd1', 'copy': 'd3', 'device': '/dev/md/rdsk/d3', 'block_device': '/dev/md/dsk/d3', 'original': '/dev/md/rdsk/d1',
        'bytes': 16780224 * 512, 'filesystem': '/home1', 'fstype': 'ufs', 'remaining': 1}


@pytest.mark.parametrize('filesystem, found', [('/home2', '/home1'), ('/', '/home1')])
def test_a_file_system_that_is_elsewhere(host, filesystem, found):
    host.join('mnttab').write('/dev/dsk/c0t0d0s0\t/\tufs\trw\t1\n/dev/md/dsk/d1\t/home1\tufs\trw\t1\n')
    refuse_elsewhere('d1', '/home1')
    refuse_elsewhere('d1', None)
    with pytest.raises(Refused) as caught:
        refuse_elsewhere('d1', filesystem)
    assert caught.value.facts['found'] == found


def test_member_without_a_file_system():
    found = mirror()
    described = member(found, found.submirror('d3'))
    assert described['filesystem'] is None and described['fstype'] is None and 'soft_partitions' not in described
    with pytest.raises(Refused) as caught:
        refuse_elsewhere('d1', '/home1')
    assert caught.value.facts['found'] == 'not mounted'


@pytest.mark.parametrize('mounted, locked, whole', [
    ((), [None], False), (('d101',), ['/d101'], False), (('d101', 'd102'), ['/d101', '/d102'], True)])
def test_a_mirror_is_held_by_all_its_soft_partitions_or_not_at_all(host, mounted, locked, whole):
    host.join('mnttab').write(''.join('/dev/md/dsk/%s\t/%s\tufs\trw\t1\n' % (name, name) for name in mounted))
    found = mirror()
    described = member(found, found.submirror('d3'), ['d101', 'd102'])
    assert described['filesystem'] is None and described['volume'] == 'd1' and described['device'] == '/dev/md/rdsk/d3'
    assert [part['filesystem'] for part in held([described])] == locked
    assert len(worth([described])) == 1 and bool(worth([described])[0]['filesystem']) is whole
    assert [part['original'] for part in described['soft_partitions']] == ['/dev/md/rdsk/d101', '/dev/md/rdsk/d102']


def test_a_host_without_metastat_is_refused(monkeypatch):
    monkeypatch.setattr(_platform, 'TOOL_DIRS', ())
    with pytest.raises(Refused):
        Svm(Script({}))
