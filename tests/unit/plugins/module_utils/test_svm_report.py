# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reports of metastat(1M): what each says, and that a damaged one is never read as better than it is."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import random

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import parse_concise, parse_report, split_state

from scripted import fixture, fixtures

MAINTENANCE = 'Needs maintenance'

STATES = {
    'two_way': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
    'two_mirrors': {'d9': [('d19', 'Okay'), ('d29', 'Okay')], 'd8': [('d18', 'Okay'), ('d28', 'Okay')]},
    'three_way': {'d1': [('d2', 'Okay'), ('d3', 'Okay'), ('d4', 'Okay')]},
    'three_way_offline': {'d1': [('d2', 'Okay'), ('d3', 'Okay'), ('d4', MAINTENANCE)]},
    'offline': {'d1': [('d2', 'Okay'), ('d3', MAINTENANCE)]},
    'resyncing': {'d1': [('d2', 'Okay'), ('d3', 'Resyncing')]},
    'resyncing_large': {'d1': [('d2', 'Okay'), ('d3', 'Resyncing')]},
    'cancelled': {'d1': [('d2', 'Okay'), ('d3', 'Resync cancelled')]},
    'maintenance': {'d1': [('d2', 'Okay'), ('d3', MAINTENANCE)]},
    'last_erred': {'d1': [('d2', MAINTENANCE), ('d3', MAINTENANCE)]},
    'unavailable': {'d1': [('d2', 'Okay'), ('d3', MAINTENANCE)]},
    'unavailable_running': {'d1': [('d2', 'Okay'), ('d3', 'Unavailable')]},
    'disksuite': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
    'times': {'d1': [('d2', 'Okay'), ('d3', MAINTENANCE)]},
    'times_long': {'d1': [('d2', 'Okay'), ('d3', MAINTENANCE)]},
    'blanks': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
    'multi_owner': {'blue/d1': [('blue/d2', 'Okay'), ('blue/d3', 'Okay')]},
    'hot_spare': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
    'names': {'export_home': [('export_home.a', 'Okay'), ('export_home.b', 'Resyncing')]},
    'concat': {'d1': [('d2', 'Okay'), ('d3', MAINTENANCE)]},
    'neighbours': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
    'stale': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
    'soft_partitions': {'d1': [('d2', 'Okay'), ('d3', 'Okay')]},
}

CONCISE = {
    'two_way': {'d1': {'d2': '', 'd3': ''}},
    'offline': {'d1': {'d2': '', 'd3': 'offline'}},
    'first_offline': {'d1': {'d2': 'offline', 'd3': ''}},
    'resyncing': {'d1': {'d2': '', 'd3': 'resync-8%'}},
    'resyncing_large': {'d1': {'d2': '', 'd3': 'resync- 8.0%'}},
    'maintenance': {'d1': {'d2': '', 'd3': 'maint'}},
    'unavailable': {'d1': {'d2': '', 'd3': 'unavail'}},
    'three_way_offline': {'d1': {'d2': '', 'd3': '', 'd4': 'offline'}},
    'sets': {'blue/d1': {'blue/d2': 'resync-99%', 'blue/d3': 'maint'}},
    'long_names': {'export_home.mirror': {'export_home.a': '', 'export_home.b': 'offline'}},
    'two_mirrors': {'d9': {'d19': '', 'd29': ''}, 'd8': {'d18': '', 'd28': 'offline'}},
}


def report(name):
    return parse_report(fixture('metastat', name))


def words(mirrors):
    return dict((name, [(s.name, s.state) for s in mirror.submirrors]) for name, mirror in mirrors.items())


def test_every_fixture_is_read():
    assert fixtures('metastat') == sorted(STATES)
    assert fixtures('concise') == sorted(list(CONCISE) + ['unknown'])


@pytest.mark.parametrize('name', sorted(STATES))
def test_states(name):
    assert words(report(name)) == STATES[name]


@pytest.mark.parametrize('name', sorted(STATES))
def test_windows_line_ends_change_nothing(name):
    assert words(parse_report(fixture('metastat', name).replace('\n', '\r\n'))) == STATES[name]


@pytest.mark.parametrize('name', sorted(CONCISE))
def test_concise(name):
    assert parse_concise(fixture('concise', name)) == CONCISE[name]


def test_an_unknown_mark_is_an_error():
    with pytest.raises(UnknownWord) as caught:
        parse_concise(fixture('concise', 'unknown'))
    assert caught.value.facts['object'] == 'd3' and caught.value.facts['found'] == 'unknown'


@pytest.mark.parametrize('name, resync, percent', [
    ('two_way', None, None), ('resyncing', 'in progress', 8.0), ('resyncing_large', 'in progress', 8.0), ('cancelled', 'cancelled', 42.0),
    ('names', 'in progress', 100.0), ('multi_owner', None, None)])
def test_resync(name, resync, percent):
    mirror = list(report(name).values())[0]
    assert (mirror.resync, mirror.percent) == (resync, percent)


@pytest.mark.parametrize('name, blocks', [('two_way', 16780224), ('resyncing_large', 4294967296), ('disksuite', 183330)])
def test_sizes_are_those_of_the_mirror_and_of_its_halves(name, blocks):
    mirror = report(name)['d1']
    assert mirror.blocks == blocks
    assert mirror.submirror('d2').blocks == (183330 if name == 'disksuite' else 16780224)


@pytest.mark.parametrize('name, invoke', [
    ('two_way', ''), ('offline', 'metaonline d1 d3'), ('cancelled', 'metasync d1'), ('resyncing', ''), ('unavailable', ''),
    ('maintenance', 'metareplace d1 c1t1d0s0 <new device>'), ('last_erred', 'after replacing "Maintenance" components:')])
def test_invoke(name, invoke):
    assert report(name)['d1'].submirror('d3').invoke == invoke


@pytest.mark.parametrize('name, components', [
    ('two_way', {'c1t1d0s0': 'okay'}), ('maintenance', {'c1t1d0s0': 'maintenance'}), ('last_erred', {'c1t1d0s0': 'last erred'}),
    ('unavailable', {'c1t1d0s0': '-'}), ('disksuite', {'c0t2d0s2': 'okay'}), ('times', {'c1t1d0s0': 'okay'}), ('blanks',
                                                                                                               {'c1t1d0s0': 'okay'}),
    ('hot_spare', {'c1t1d0s0': 'okay'}), ('concat', {'c1t1d0s0': 'okay', 'c2t1d0s0': 'maintenance'}), ('offline', {'c1t1d0s0': 'okay'})])
def test_components(name, components):
    assert report(name)['d1'].submirror('d3').components == components


@pytest.mark.parametrize('name, since', [
    ('times', ['Tue Jun  7 18:04:41 2011', 'Fri Nov 20 09:12:03 2026']),
    ('times_long', ['Tue 07 Jun 2011 06:04:41 PM SGT', 'Fri 20 Nov 2026 09:12:03 AM SGT']),
    ('offline', ['', ''])])
def test_times(name, since):
    assert [submirror.since for submirror in report(name)['d1'].submirrors] == since


@pytest.mark.parametrize('said, state', [
    ('Okay', ('Okay', '')), ('Okay         ', ('Okay', '')), ('Resync cancelled Fri Nov 20 09:12:03 2026',
                                                              ('Resync cancelled', 'Fri Nov 20 09:12:03 2026')),
    ('Okay         (invalid time)', ('Okay', '(invalid time)'))])
def test_split_state(said, state):
    assert split_state(said) == state


@pytest.mark.parametrize('said', ['Offline', 'okay', 'Okayish', 'Needs Maintenance', '0x240', '', ' ', 'Attached/resyncing', 'Last Erred'])
def test_an_undocumented_state_is_an_error(said):
    with pytest.raises(UnknownWord):
        split_state(said)
    with pytest.raises(UnknownWord):
        parse_report(fixture('metastat', 'two_way').replace('      State: Okay         ', '      State: ' + said, 1))


@pytest.mark.parametrize('said', ['Maint', 'Failed', 'okayish', '(-)', '?'])
def test_an_undocumented_component_state_is_an_error(said):
    with pytest.raises(UnknownWord):
        parse_report(fixture('metastat', 'two_way').replace('        Okay   Yes', '%12s   Yes' % said, 1))


def test_a_table_row_that_cannot_be_read_is_an_error():
    """A component whose row has another shape would otherwise be missing from the faults."""
    with pytest.raises(UnknownWord):
        parse_report(fixture('metastat', 'maintenance').replace('c1t1d0s0          0     No', 'c1t1d0s0          -     No'))


@pytest.mark.parametrize('name', ['two_way', 'three_way', 'resyncing', 'times', 'disksuite'])
def test_half_a_report_is_an_error(name):
    """At whatever line of the description of a mirror the output ends."""
    text = fixture('metastat', name)
    lines = text[:text.rindex('Submirror of')].splitlines(True)
    for count in range(1, len(lines)):
        with pytest.raises(UnknownWord):
            parse_report(''.join(lines[:count]))


def test_a_submirror_without_its_heading_does_not_lend_its_state():
    lines = fixture('metastat', 'offline').splitlines(True)
    with pytest.raises(UnknownWord):
        parse_report(''.join(line for line in lines if 'Submirror 0: d2' not in line and not line.startswith('d2:')))
    with pytest.raises(UnknownWord):
        parse_report(''.join(line for line in fixture('metastat', 'last_erred').splitlines(True) if 'Submirror 1' not in line
                             and 'Submirror of' not in line))


def test_a_second_state_of_one_submirror_is_an_error():
    state = '      State: Needs maintenance \n'
    text = fixture('metastat', 'offline').replace(state, state + '      State: Okay\n', 1)
    with pytest.raises(UnknownWord):
        parse_report(text)


def test_a_mirror_that_is_printed_twice_has_its_submirrors_once():
    """metastat prints the mirror below every soft partition on it."""
    assert len(report('soft_partitions')['d1'].submirrors) == 2


def test_a_resync_line_of_another_form_is_an_error():
    with pytest.raises(UnknownWord):
        parse_report(fixture('metastat', 'resyncing').replace('8 % done', 'soon done'))


def test_submirror_by_name():
    mirror = report('two_way')['d1']
    assert mirror.submirror('d3').name == 'd3' and mirror.submirror('d9') is None


def test_no_output_is_no_mirror():
    assert parse_report('') == {} and parse_concise('') == {}


# Damage. Each takes (random, lines with their ends) and changes lines in place; none can put in a state that was not there.

def drop(chance, lines):
    del lines[chance.randrange(len(lines))]


def double(chance, lines):
    at = chance.randrange(len(lines))
    lines.insert(at, lines[at])


def cut(chance, lines):
    at = chance.randrange(len(lines))
    lines[at] = lines[at][:chance.randrange(len(lines[at]))]


def smear(chance, lines):
    at = chance.randrange(len(lines))
    place = chance.randrange(len(lines[at]))
    lines[at] = lines[at][:place] + chance.choice('xZ7 ()%.:-\t\0\x1b') + lines[at][place + 1:]


def squeeze(chance, lines):
    at = chance.randrange(len(lines))
    place = chance.randrange(len(lines[at]))
    lines[at] = lines[at][:place] + lines[at][place + 1:]


def insert(chance, lines):
    lines.insert(chance.randrange(len(lines) + 1),
                 chance.choice(['\n', 'WARNING: \n', '    State:\n', '\t\n', '    Resync something\n', '(\n', '\xe9\n']))


DAMAGES = (drop, double, cut, smear, squeeze, insert)


def damaged(text, chance, rounds):
    lines = text.splitlines(True)
    for dummy in range(rounds):
        lines = [line for line in lines if line] or ['\n']
        chance.choice(DAMAGES)(chance, lines)
    return ''.join(lines)


@pytest.mark.parametrize('name', sorted(STATES))
def test_a_damaged_report_is_never_better(name):
    text = fixture('metastat', name)
    okay = set((mirror, submirror) for mirror, found in STATES[name].items() for submirror, state in found if state == 'Okay')
    known = set((mirror, submirror) for mirror, found in STATES[name].items() for submirror, state in found)
    chance = random.Random(sum(ord(letter) for letter in name))
    for dummy in range(300):
        broken = damaged(text, chance, chance.randint(1, 3))
        try:
            found = parse_report(broken)
        except Refused:
            continue
        claimed = set((mirror.name, s.name) for mirror in found.values() for s in mirror.submirrors if s.state == 'Okay')
        assert claimed & known <= okay, broken


@pytest.mark.parametrize('name', sorted(CONCISE) + ['unknown'])
def test_a_damaged_concise_report_is_never_better(name):
    """The end of a line may be lost unnoticed here: the full report then contradicts it."""
    text = fixture('concise', name)
    known = CONCISE.get(name, {'d1': {'d2': '', 'd3': 'unknown'}})
    chance = random.Random(sum(ord(letter) for letter in name))
    for dummy in range(400):
        lines = text.splitlines(True)
        chance.choice((drop, double, smear, squeeze, insert))(chance, lines)
        broken = ''.join(lines)
        try:
            found = parse_concise(broken)
        except Refused:
            continue
        for mirror, marks in found.items():
            for submirror, mark in marks.items():
                assert mark or not known.get(mirror, {}).get(submirror), broken
