# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a fleet is told about its backup sets."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.filter.status_lines import age, status_lines
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _status

AT, NOW = '2026-11-20T03:15:02Z', 1795144502 + 7500
RUN = dict(run='20261120T031500Z-a1b2c3', name='home1', manager='svm', kind='backup', phase='store', open=True, live=None, kept=None,
           overdue=False, booted=False, window=dict(at=AT), undo=[dict(id='svm_submirror:d1:d3')], members=[dict(volume='d1', remaining=2)],
           retained=None, locks=[], image=None, verdict='filesystem')


def told(*runs):
    return _status.sets([dict(RUN, **run) for run in runs], NOW)


def lines(*runs):
    return status_lines(dict(node1=dict(sets=told(*runs))))


@pytest.mark.parametrize('fields, condition, word', [
    (dict(live='its copy job is running'), 'live', 'store'),
    (dict(kept='its copies are kept until the next run of the set'), 'kept', 'kept'),
    (dict(), 'dead', 'store, DEAD'),
    (dict(overdue=True), 'overdue', 'store, OVERDUE'),
    (dict(kind='restore', phase='rollback'), 'dead', 'restore, rollback, DEAD'),
])
def test_what_is_split_now(fields, condition, word):
    work, = told(fields)[0]['open']
    assert (work['condition'], work['split_at'], work['split_seconds'], work['remaining']) == (condition, AT, 7500, 2)
    found = lines(fields)
    assert found[1].startswith('node1  home1  %s  2 h    2  ' % word), found
    assert RUN['run'] in found[2]


@pytest.mark.parametrize('members, left', [
    ([dict(remaining=1), dict(remaining=2)], '1, NOT REDUNDANT'), ([dict(remaining=2), dict()], 'unknown'), ([], 'unknown'),
    ([dict(remaining=3)], '3')])
def test_the_volume_with_the_fewest_copies_counts(members, left):
    row = lines(dict(members=[dict(member, volume='d1') for member in members]))[1]
    assert '  2 h    %s  ' % left in row


def test_after_a_boot_nobody_knows_what_is_left():
    """The boot may have brought the copies home."""
    found = lines(dict(booted=True))
    assert '  2 h    unknown  ' in found[1] and 'since the host has booted' in found[2] and told(dict(booted=True))[0]['open'][0]['booted']
    assert 'booted' not in lines(dict())[2]


def test_nothing_is_split_without_an_undo_entry_or_a_cut():
    for fields in (dict(undo=[]), dict(window=None)):
        work, = told(fields)[0]['open']
        assert (work['split_at'], work['split_seconds']) == (None, None)


def test_locks_that_are_held():
    assert told(dict(locks=['/home1', '/db']))[0]['open'][0]['locks'] == ['/home1', '/db']
    assert '  /home1 /db  ' in lines(dict(locks=['/home1', '/db']))[1]


def test_the_last_good_backup(tmpdir):
    manifest = tmpdir.join('manifest.json')
    manifest.write('{}')
    closed = dict(open=False, undo=[])
    runs = [dict(closed, run='1', image='/gone'), dict(closed, run='2', image=str(manifest)), dict(closed, run='3'),
            dict(closed, run='4', kind='restore', image=str(manifest))]
    entry, = told(*runs)
    assert entry['open'] == [] and entry['last'] == dict(
        run='2', at=AT, seconds=7500, verdict='filesystem', manifest=str(manifest), present=True)
    assert lines(*runs)[1] == 'node1  home1  idle  -      -            -       %s (2 h ago)  filesystem  %s' % (AT, manifest)
    assert lines(runs[0])[1].endswith('/gone (GONE)')


def test_sets_by_name():
    assert [entry['name'] for entry in told(dict(name='b'), dict(name='a'), dict(name='b'))] == ['a', 'b']
    assert len(told(dict(name='b'), dict(name='a'), dict(name='b'))[1]['open']) == 2


def test_hosts_that_have_nothing_or_do_not_answer():
    assert status_lines(dict(node2=dict(msg='no route', unreachable=True), node1=dict(sets=[]))) == [
        'node1: nothing was ever backed up or restored', 'node2: could not be asked: no route']


def test_a_run_whose_copies_another_host_reads_is_alive_while_that_one_is():
    here, there = told(dict()), told(dict(live='its copy job, process 7, is running'))
    found = status_lines(dict(node1=dict(sets=here), node2=dict(sets=there)))
    assert found[1].startswith('node1  home1  store  ')
    assert found[3] == 'node1: backup 20261120T031500Z-a1b2c3 of set home1 is alive: its copy job, process 7, is running, on node2'
    there = told(dict(run='20261120T031500Z-a1b2c4', live='its copy job, process 7, is running'))
    assert status_lines(dict(node1=dict(sets=here), node2=dict(sets=there)))[1].startswith('node1  home1  store, DEAD')


@pytest.mark.parametrize('seconds, text', [(None, '-'), (0, '0 s'), (59, '59 s'), (60, '1 min'), (7199, '1 h'), (200000, '2 d')])
def test_ages(seconds, text):
    assert age(seconds) == text
