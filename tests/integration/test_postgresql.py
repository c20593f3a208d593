# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A PostgreSQL cluster on the mirror: what makes it an application backup, and what is refused or rolled back."""

import pytest
from backups import Backup, recover
from conftest import new
from hosts import Host, outcome, wait
from lab import Lab
from plays import HOME1, Play
from postgresql import Cluster

DATA = "/home1/pgdata"
DRIVER = {"driver": "postgresql"}


@pytest.fixture(scope="module")
def running(lab):
    """A loaded cluster on /home1 of node1: (host, cluster)."""
    host = new(lab, "node1", "svm")
    cluster = Cluster(lab, "node1", DATA)
    cluster.create(scale=1)
    yield host, cluster
    host.kill("postgres")


@pytest.fixture
def database(running):
    """The cluster running, the mirror well, nothing in the journal."""
    host, cluster = running
    if host.run("pgrep", "-x", "postgres", check=False).returncode:
        cluster.start()
    host.simctl("fault", "clear")
    host.forget()
    yield running
    for record in host.records():
        if record["closed"] is None:
            recover(host, record["run"])


def refused(host, entry, *words):
    """See a split refused before anything is touched."""
    backup = Backup(host, quiesce=[entry])
    result = backup.split_refused()
    for word in words:
        assert word in result["msg"], result
    assert host.changes() == []
    assert host.record()["undo"] == []
    backup.close("failed")
    host.assert_nothing_left("d1")


def test_a_running_cluster_gives_an_application_backup_with_what_recovery_needs(database):
    host, cluster = database
    backup = Backup(host, quiesce=[DRIVER]).split()
    manifest = backup.store()
    assert manifest["verdict"] == "application"
    places = [item["place"] for item in manifest["recovery"][0]["files"]]
    assert manifest["recovery"][0]["directory"] == "pgdata"
    assert places[0] == "backup_label" and places[1].startswith("pg_wal/0000")
    assert cluster.rows() == 0
    backup.rejoin()
    backup.close()
    host.assert_nothing_left("d1")


def test_a_stopped_cluster(database):
    host, cluster = database
    cluster.stop()
    refused(host, DRIVER, "PostgreSQL session ended")


@pytest.mark.parametrize("entry, word", [
    ({"user": "nobody-here"}, "no user nobody-here"),
    ({"user": "daemon"}, "PostgreSQL session"),
    ({"port": 6543}, "PostgreSQL session"),
    ({"socket": "/nowhere"}, "PostgreSQL session"),
    ({"client": "/bin/false"}, "PostgreSQL session"),
    ({"client": "/nowhere/psql"}, "option client"),
    ({"user": "postgres; reboot"}, "no user"),
], ids=str)  # fmt: skip
def test_a_cluster_that_cannot_be_reached(database, entry, word):
    refused(database[0], dict(DRIVER, **entry), word)


def test_a_cluster_that_lies_elsewhere(database):
    host, dummy = database
    backup = Backup(host, quiesce=[DRIVER])
    host.run("install", "-d", "-o", "postgres", "/var/tmp/outside")
    host.run("runuser", "-u", "postgres", "--", "psql", "-qc", "CREATE TABLESPACE elsewhere LOCATION '/var/tmp/outside'")
    try:
        message = backup.split_refused()["msg"]
        assert "no volume of this run" in message and "/var/tmp/outside" in message
        assert host.changes() == []
        backup.close("failed")
    finally:
        host.run("runuser", "-u", "postgres", "--", "psql", "-qc", "DROP TABLESPACE elsewhere")


def test_a_cluster_that_dies_in_the_window_rolls_everything_back(database):
    host, cluster = database
    kill = host.script("power-off", "pkill -KILL -x postgres; sleep 0.3")
    after = host.script("after", "exit 0")
    backup = Backup(host, quiesce=[DRIVER, {"driver": "command", "before": [kill], "after": [after]}])
    result = backup.split_refused()
    assert "PostgreSQL session ended" in result["msg"], result
    assert host.writable("/home1", 2)
    host.settled()
    assert host.record()["undo"] == [] and host.record()["verdict"] == "torn"
    backup.close("failed")
    host.assert_nothing_left("d1")
    host.run("rm", "-f", DATA + "/postmaster.pid")


def test_backup_mode_ends_with_a_killed_module(database):
    host, cluster = database
    backup = Backup(host, quiesce=[DRIVER]).open()
    host.fault("metaoffline", "hang")
    module = backup.start_split()
    wait(lambda: [call for call in host.journal() if call.fault], "the hang")
    host.kill_module()
    outcome(module)
    assert host.writable("/home1", 2)
    wait(lambda: cluster.run("psql", "-XAtc", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql'").strip() == "1",
         "the session at its end")  # fmt: skip
    backup.module("svm_submirror", state="online")
    backup.close("abandoned")
    host.assert_nothing_left("d1")


@pytest.mark.slow
def test_a_backup_under_load_comes_back_whole_since_version_15():
    """It has other functions for backup mode than the version that the other tests run."""
    with Lab("modern", hosts=["node1"], topology="svm", image="modern") as lab:
        host, cluster = Host(lab, "node1"), Cluster(lab, "node1", DATA)
        cluster.create(scale=1)
        assert cluster.run("psql", "-XAtc", "SELECT current_setting('server_version_num')::int >= 150000").strip() == "t"
        with cluster.load():
            before = cluster.rows()
            Play(lab, "backup", dict(HOME1, snapbackup_hosts="node1", snapbackup_quiesce=[DRIVER])).end(seconds=300)
            after = cluster.rows()
        manifest = host.record()["image"]
        assert host.json(manifest)["verdict"] == "application"

        cluster.crash()
        host.run("find", "/home1", "-type", "f", "-delete")
        host.run("umount", "/home1")
        given = {"snapbackup_hosts": "node1", "snapbackup_manifest": manifest, "snapbackup_confirm": ["d1"], "snapbackup_poll": 1}
        Play(lab, "restore", given).end(seconds=300)
        host.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
        cluster.start()
        accounts, tellers, branches, history, rows, counted = cluster.sums()
        assert accounts == tellers == branches == history and counted == 100000 and before < rows < after
        cluster.stop()
        cluster.check_pages()
