# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding an application still with the user's own commands."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _lease
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce import Window
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_command import CommandPair

from scripted import Script, answer


def pair(before=('/bin/true', 'before'), after=('/bin/true', 'after'), limit=30, number=0):
    return CommandPair(number, {'before': before and list(before), 'after': after and list(after), 'limit': limit}, [], '/run', 'r')


@pytest.mark.parametrize('before, after', [
    (None, ['/bin/true']), (['/bin/true'], None), ([], ['/bin/true']), (['true'], ['/bin/true']), (['/nonexistent'],
                                                                                                   ['/bin/true']), (['/bin/true'],
                                                                                                                    ['/etc/passwd'])])
def test_check_refuses_what_cannot_run(before, after):
    with pytest.raises(Refused):
        pair(before, after).check(Script({}))


def test_check_runs_nothing():
    assert pair().check(Script({})) is None


def shell(tmpdir, *lines):
    return ['/bin/sh', '-c', '; '.join(lines).replace('%', str(tmpdir))]


def journal(tmpdir):
    return tmpdir.join('journal').read().split() if tmpdir.join('journal').check() else []


def window(tmpdir, *pairs, **kwargs):
    return Window(list(pairs), [shell(tmpdir, 'echo cut >>%/journal', *kwargs.get('cut', []))], lambda look: None,
                  kwargs.get('seconds', 30), str(tmpdir.join('report')))


def note(tmpdir, word, *more):
    return shell(tmpdir, 'echo %s >>%%/journal' % word, *more)


def test_order_of_two_applications(tmpdir):
    pairs = [pair(note(tmpdir, 'stop%d' % number), note(tmpdir, 'start%d' % number), number=number) for number in (1, 2)]
    facts = window(tmpdir, *pairs).open(Runner())
    assert journal(tmpdir) == ['stop1', 'stop2', 'cut', 'start2', 'start1']
    assert [step['what'] for step in facts['steps']] == ['before', 'before', 'cut', 'after', 'after']


@pytest.mark.parametrize('before', ['exit 1', 'exec sleep 60'])
def test_an_application_that_is_not_held_is_let_go(tmpdir, before):
    """What failed or hung may have stopped it all the same."""
    with pytest.raises(Torn):
        window(tmpdir, pair(note(tmpdir, 'stop', before), note(tmpdir, 'start'), limit=2)).open(Runner())
    assert journal(tmpdir) == ['stop', 'start']


def test_an_application_is_let_go_when_the_cut_fails(tmpdir):
    with pytest.raises(Torn):
        window(tmpdir, pair(note(tmpdir, 'stop'), note(tmpdir, 'start')), cut=['exit 1']).open(Runner())
    assert journal(tmpdir) == ['stop', 'cut', 'start']


def test_letting_go_is_tried_again_until_it_works(tmpdir):
    after = shell(tmpdir, 'echo start >>%/journal', '[ -f %/once ] || { : >%/once; exit 1; }')
    with pytest.raises(Torn) as caught:
        window(tmpdir, pair(note(tmpdir, 'stop'), after)).open(Runner())
    assert 'could not be let go' in str(caught.value)
    assert journal(tmpdir) == ['stop', 'cut', 'start', 'start']


@pytest.mark.parametrize('rc, undone', [(0, True), (1, False), (None, False)])
def test_undo(rc, undone):
    assert pair().undo(Script({'true after': answer(rc=rc)})) is undone


def undo_once(holder):
    """What the watchdog does in one round: the keys that are still held."""
    return _lease.undo_once([holder.key], {holder.key: holder.undo})


def test_undo_takes_as_long_as_its_command_may(tmpdir, monkeypatch):
    """An application that starts slowly would otherwise be killed at each try."""
    monkeypatch.setattr(_lease, 'UNDO_LIMIT', 0.1)
    assert undo_once(pair(after=note(tmpdir, 'begun', 'sleep 0.5', 'echo ended >>%/journal'), limit=30)) == []
    assert journal(tmpdir) == ['begun', 'ended']


def test_undo_takes_no_longer_than_its_command_may(tmpdir):
    holder = pair(after=note(tmpdir, 'begun', 'sleep 20', 'echo ended >>%/journal'), limit=2)
    assert undo_once(holder) == [holder.key] and journal(tmpdir) == ['begun']
