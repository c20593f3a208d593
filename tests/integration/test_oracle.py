# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An Oracle database on the mirror, as far as its recorded client goes: a whole backup, and what a kill leaves behind."""

import pytest
from backups import Backup
from conftest import new
from hosts import outcome, wait
from plays import HOME1, Play, planned
from recorded import ORACLE, Oracle

BEGIN, END = "ALTER DATABASE BEGIN BACKUP", "ALTER DATABASE END BACKUP"
SUSPEND, RESUME = "ALTER SYSTEM SUSPEND", "ALTER SYSTEM RESUME"
KEY = "quiesce:oracle:ORCL"


@pytest.fixture
def database(lab):
    host = new(lab, "node1")
    host.run("rm", "-rf", ORACLE)
    made = Oracle(host).create()
    host.forget()
    return made


def variables(database, **changes):
    return dict(HOME1, snapbackup_quiesce=[dict(database.entry, **changes)])


@pytest.mark.slow
def test_a_whole_backup_with_what_recovery_needs(lab, database):
    host = database.host
    shown = planned(Play(lab, "backup", variables(database, suspend=True), "--limit", "node1", "--check", "--diff").end())
    inside = ["lockfs -f /home1", SUSPEND, "lockfs -w -c snapbackup:<run> /home1", "metaoffline d1 d3", "lockfs -u /home1", RESUME]
    control = "ALTER DATABASE BACKUP CONTROLFILE TO '%s/control/snapbackup-<run>.ctl'" % ORACLE
    told = [line.replace("sqlplus ", "") for line in shown]
    assert told[:10] == [BEGIN, *inside, END, "ALTER SYSTEM ARCHIVE LOG CURRENT", control], shown
    assert host.run("test", "-e", database.state + ".said", check=False).returncode or database.said() == []

    Play(lab, "backup", variables(database, suspend=True), "--limit", "node1").end()
    manifest = host.json(host.manifests()[-1])
    assert manifest["verdict"] == "application"
    found, = manifest["recovery"]
    assert (found["driver"], found["volume"], found["directory"]) == ("oracle", "d1", "oradata")
    assert [item["place"] for item in found["files"]] == ["snapbackup-control.ctl", "1_7_1000.arc"]
    application, = manifest["window"]["applications"]
    assert application["logs"][0]["sequence"] == 7 and application["start"] <= application["stop"] < application["logs"][0]["next"]
    run = manifest["run"]
    assert database.said() == [BEGIN, SUSPEND, RESUME, END, "ALTER SYSTEM ARCHIVE LOG CURRENT", control.replace("<run>", run)]
    assert database.active() == [] and host.out("ls", ORACLE + "/control") == ""
    assert host.record(run)["result"] == "complete"
    host.assert_nothing_left("d1")


def killed_in_the_window(database, everything, **changes):
    """A backup whose module was killed while its cut hung; everything: its watchdogs too."""
    host = database.host
    backup = Backup(host, quiesce=[dict(database.entry, **changes)]).open()
    host.fault("metaoffline", "hang")
    module = backup.start_split()
    wait(lambda: [call for call in host.journal() if call.fault], "the hang")
    assert database.active() == [1, 2]
    assert [entry["id"] for entry in host.record()["undo"]] == ["svm_submirror:d1:d3", KEY]
    if everything:
        host.kill("svm_submirror.py")
        host.kill("metaoffline")
    else:
        host.kill_module()
    outcome(module)
    return backup


@pytest.mark.parametrize("suspend", [False, True], ids=["backup mode", "suspended"])
def test_the_watchdog_ends_it_for_a_killed_module(database, suspend):
    host = database.host
    backup = killed_in_the_window(database, False, suspend=suspend)
    wait(lambda: database.active() == [] and database.read()["database_status"] == "ACTIVE", "the database let go")
    assert host.writable("/home1", 2)
    backup.module("svm_submirror", state="online")
    again = backup.module("application_hold", state="released")
    assert not again["changed"] and again["before"] == {KEY: False}
    backup.close("abandoned")
    host.assert_nothing_left("d1")


@pytest.mark.slow
def test_recover_ends_it_where_everything_was_killed(lab, database):
    host = database.host
    backup = killed_in_the_window(database, True, suspend=True)
    assert database.active() == [1, 2] and database.read()["database_status"] == "SUSPENDED"
    host.age(backup.run)
    told = planned(Play(lab, "recover", HOME1, "--limit", "node1", "--check", "--diff").end())
    assert "sqlplus " + END in told and database.active() == [1, 2]
    host.age(backup.run)
    Play(lab, "recover", HOME1, "--limit", "node1").end()
    assert database.active() == [] and database.read()["database_status"] == "ACTIVE" and database.said()[-2:] == [RESUME, END]
    assert host.record(backup.run)["result"] == "abandoned"
    host.assert_nothing_left("d1")


@pytest.mark.slow
def test_recover_brings_the_copies_home_although_the_database_is_down(lab, database):
    host = database.host
    backup = killed_in_the_window(database, True)
    host.run("sed", "-i", 's/"status": "OPEN"/"status": "DOWN"/', database.state)
    host.age(backup.run)
    output = Play(lab, "recover", HOME1, "--limit", "node1").end(rc=2)
    assert "STARTUP MOUNT" in output
    host.settled()
    assert [entry["id"] for entry in host.record(backup.run)["undo"]] == [KEY] and host.record(backup.run)["closed"] is None
    host.run("sed", "-i", 's/"status": "DOWN"/"status": "MOUNTED"/', database.state)
    host.age(backup.run)
    Play(lab, "recover", HOME1, "--limit", "node1").end()
    assert database.active() == []
    host.assert_nothing_left("d1")
