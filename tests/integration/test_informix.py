# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An Informix server on the mirror, as far as its recorded programs go: backups with and without its logs, and what a kill leaves."""

import pytest
from backups import Backup
from conftest import new
from hosts import outcome, wait
from plays import HOME1, Play
from recorded import INFORMIX, Informix

KEY = "quiesce:informix:ol_backup"


@pytest.fixture
def server(lab):
    host = new(lab, "node1")
    host.run("rm", "-rf", INFORMIX)
    made = Informix(host).create()
    host.forget()
    return made


@pytest.mark.parametrize("archive, verdict, logs", [("onbar", "application", ["onbar -b -l -c"]), (None, "filesystem", [])])
def test_what_a_backup_is_worth(server, archive, verdict, logs):
    if not archive:
        del server.entry["archive"]
    backup = Backup(server.host, quiesce=[server.entry]).split()
    manifest = backup.store()
    assert manifest["verdict"] == verdict and manifest["recovery"] == []
    application, = manifest["window"]["applications"]
    assert (application["driver"], application["archive"], application["logs"]) == ("informix", archive, [6, 6])
    assert server.said() == ["onmode -c block", "onmode -c unblock", *logs] and not server.blocked()
    backup.rejoin()
    backup.close()
    server.host.assert_nothing_left("d1")


def killed_in_the_window(server, everything):
    """A backup whose module was killed while its cut hung; everything: its watchdog too."""
    host = server.host
    backup = Backup(host, quiesce=[server.entry]).open()
    host.fault("metaoffline", "hang")
    module = backup.start_split()
    wait(lambda: [call for call in host.journal() if call.fault], "the hang")
    assert server.blocked()
    if everything:
        host.kill("svm_submirror.py")
        host.kill("metaoffline")
    else:
        host.kill_module()
    outcome(module)
    return backup


def test_the_watchdog_unblocks_for_a_killed_module(server):
    host = server.host
    backup = killed_in_the_window(server, False)
    wait(lambda: not server.blocked(), "the server let go")
    assert host.writable("/home1", 2)
    backup.module("svm_submirror", state="online")
    assert not backup.module("application_hold", state="released")["changed"]
    backup.close("abandoned")
    host.assert_nothing_left("d1")


@pytest.mark.slow
def test_recover_unblocks_where_everything_was_killed(lab, server):
    host = server.host
    backup = killed_in_the_window(server, True)
    assert server.blocked() and KEY in [entry["id"] for entry in host.record()["undo"]]
    host.age(backup.run)
    Play(lab, "recover", HOME1, "--limit", "node1").end()
    assert not server.blocked() and server.said() == ["onmode -c block", "onmode -c unblock"]
    assert host.record(backup.run)["result"] == "abandoned"
    host.assert_nothing_left("d1")
