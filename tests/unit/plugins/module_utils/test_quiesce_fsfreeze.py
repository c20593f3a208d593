# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Freezing Linux file systems, whose only status is the exit code of fsfreeze(8)."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_fsfreeze import FsFreeze

from scripted import Script, answer, tools

FREEZE, THAW = 'fsfreeze --freeze /data', 'fsfreeze --unfreeze /data'
NOT_FROZEN = answer(rc=1, err='fsfreeze: /data: unfreeze failed: Invalid argument\n')
BUSY = answer(rc=1, err='fsfreeze: /data: freeze failed: Device or resource busy\n')
HUNG = answer(rc=None)


class Lease:
    def __init__(self, **answers):
        self.script = Script({FREEZE: answers.get('freeze', ''), THAW: answers.get('thaw', '')})
        self.held, self.freed = [], []

    def do(self, what, argv, hold=None, limit=None):
        self.held += [hold] if hold else []
        return self.script.change(argv)

    def free(self, key):
        self.freed.append(key)


@pytest.fixture(autouse=True)
def host(tmpdir, monkeypatch):
    tmpdir.mkdir('tools')
    monkeypatch.setattr(_platform, 'TOOL_DIRS', tools(tmpdir.join('tools'), 'fsfreeze', 'sync'))
    monkeypatch.setattr(_platform, 'MNTTAB', str(tmpdir.join('mnttab')))
    tmpdir.join('mnttab').write('/dev/sdb\t/data\txfs\trw\t0\ntmpfs\t/shm\ttmpfs\trw\t0\n')
    return tmpdir


def test_check():
    FsFreeze('/data').check(Script({}))
    for path in ('/shm', '/data/below', '/nowhere'):
        with pytest.raises(Refused):
            FsFreeze(path).check(Script({}))


@pytest.mark.parametrize('answers, calls', [
    ({'sync -f /data': ''}, 1), ({'sync -f /data': answer(rc=1), 'sync': ''}, 2)])
def test_flush(answers, calls):
    runner = Script(answers)
    FsFreeze('/data').flush(runner)
    assert len(runner.calls) == calls


def test_a_flush_that_hangs_is_an_error():
    with pytest.raises(CommandFailed):
        FsFreeze('/data').flush(Script({'sync -f /data': HUNG, 'sync': HUNG}))


def test_a_window():
    lease, holder = Lease(), FsFreeze('/data')
    holder.enter(lease)
    assert lease.held == [holder.key] and lease.freed == []
    holder.proves(lease)
    holder.leave(lease)
    assert lease.freed == [holder.key] and lease.script.calls == [FREEZE, THAW]


@pytest.mark.parametrize('said, freed', [(BUSY, 1), (HUNG, 0)])
def test_a_freeze_of_somebody_else_is_not_thawed_but_one_that_may_be_ours_is(said, freed):
    lease, holder = Lease(freeze=said), FsFreeze('/data')
    with pytest.raises(Torn):
        holder.enter(lease)
    assert lease.held == [holder.key] and len(lease.freed) == freed


@pytest.mark.parametrize('said, freed', [(NOT_FROZEN, 1), (BUSY, 0), (HUNG, 0)])
def test_a_thaw_that_fails_is_torn(said, freed):
    lease = Lease(thaw=said)
    with pytest.raises(Torn):
        FsFreeze('/data').leave(lease)
    assert len(lease.freed) == freed


@pytest.mark.parametrize('said, undone', [(answer(), True), (NOT_FROZEN, True), (BUSY, False), (HUNG, False)])
def test_undo(said, undone):
    assert FsFreeze('/data').undo(Script({THAW: said})) is undone


def test_undo_of_what_is_not_mounted_any_more(host):
    host.join('mnttab').write('')
    assert FsFreeze('/data').undo(Script({})) is True
