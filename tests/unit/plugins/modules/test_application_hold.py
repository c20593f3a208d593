# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a dead run holds is let go, as its record says."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _process, _run

from oracle import Oracle

KEY = 'quiesce:oracle:ORCL'
END = 'ALTER DATABASE END BACKUP'


@pytest.fixture
def left(solaris, call, tmpdir):
    """A database that a dead run has left in backup mode, and that run."""
    database = Oracle(tmpdir.mkdir('oracle'))
    for number in (1, 2):
        database.set_file(number, backup='ACTIVE', since=1010)
    database.run = call('backup_run', state='opened', name='home1', manager='svm')['run']
    database.record = lambda: _run.load(solaris.state, database.run)
    database.record().add_undo({'id': KEY, 'action': 'released', 'driver': 'oracle', 'options': database.entry(), 'before': 1000,
                                'since': [[1, 1010], [2, 1010]]})
    return database


def test_it_is_let_go_once(left, call):
    told = call('application_hold', run=left.run)
    assert told['changed'] and told['before'] == {KEY: True} and told['after'] == {KEY: False}
    assert [command['argv'][-1] for command in told['commands']] == [END]
    assert left.active() == [] and left.record().data['undo'] == []
    again = call('application_hold', run=left.run)
    assert not again['changed'] and again['commands'] == [] and again['before'] == {}


def test_check_mode_shows_it(left, call):
    told = call('application_hold', run=left.run, check=True)
    assert told['changed'] and [command['argv'][-1] for command in told['commands']] == [END]
    assert left.active() == [1, 2] and left.said() == [] and len(left.record().data['undo']) == 1


def test_what_the_watchdog_has_ended_is_only_proved(left, call):
    for number in (1, 2):
        left.set_file(number, backup='NOT ACTIVE')
    told = call('application_hold', run=left.run)
    assert not told['changed'] and told['commands'] == [] and left.record().data['undo'] == []


@pytest.mark.parametrize('do', ['fail', 'lie', 'odd'])
def test_an_end_that_does_not_work_keeps_the_entry(left, call, do):
    left.fault(END, do)
    assert call('application_hold', run=left.run)['failed'] and len(left.record().data['undo']) == 1


def test_not_while_its_module_is_at_work(left, call):
    other = os.fork()
    if other == 0:
        import time
        time.sleep(60)
        os._exit(0)
    try:
        left.record().add_undo({'id': 'svm_submirror:d1:d3', 'by': _process.identity(other, left.record().data['boot'])})
        told = call('application_hold', run=left.run)
        assert 'splitting just now' in told['msg'] and left.active() == [1, 2]
    finally:
        os.kill(other, 9)
        os.waitpid(other, 0)


def test_a_run_that_holds_nothing(left, call):
    left.record().clear_undo(KEY)
    assert not call('application_hold', run=left.run)['changed'] and left.active() == [1, 2]
