# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A MariaDB server over two mirrors: what makes it an application backup, and what is refused or rolled back."""

import subprocess

import pytest
from backups import D1, D10, Backup, Restore, recover
from conftest import new
from hosts import PYTHON2, PYTHON3, Host, install_modules, outcome, wait
from lab import Lab
from mariadb import ACCOUNTS, EACH, SOCKET, Server

DATA, LOGS = "/home1/mysql", "/home10/mysql"
DRIVER = {"driver": "mysql", "socket": SOCKET, "limit": 5}
TAGGED = "SELECT IS_USED_LOCK('snapbackup:%s') IS NOT NULL"


@pytest.fixture(scope="module")
def running(lab):
    """A filled server with its tables on /home1 and its logs on /home10 of node1: (host, server)."""
    host = new(lab, "node1")
    server = Server(lab, "node1", DATA, LOGS)
    server.create()
    yield host, server
    server.crash()


@pytest.fixture
def database(running):
    """The server running, the mirrors well, nothing in the journal."""
    host, server = running
    if not server.running:
        server.start()
    host.simctl("fault", "clear")
    host.forget()
    yield running
    for record in host.records():
        if record["closed"] is None:
            recover(host, record["run"])


def backup_of(host, *more, **entry):
    return Backup(host, D1, D10, quiesce=[dict(DRIVER, **entry), *more])


def refused(host, backup, *words):
    """See a split refused before anything is cut, and nothing held any more."""
    result = backup.split_refused()
    for word in words:
        assert word in result["msg"], result
    assert [line for line in host.changes() if line.startswith("meta")] == []
    assert host.record()["undo"] == []
    backup.close("failed")
    host.assert_nothing_left()
    return result


def commits(server):
    """Whether a transaction can end at once."""
    argv = [*server.client(), "-e", "INSERT INTO bank.history (amount) VALUES (0)"]
    try:
        return server.lab.exec(server.host, argv, timeout=5).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@pytest.mark.slow
def test_a_backup_under_load_comes_back_whole_and_where_its_binary_log_was(database):
    comes_back(*database)


@pytest.mark.slow
def test_the_same_on_debian_12():
    """Another version of the server and of its tables about itself."""
    with Lab("modern", hosts=["node1"], topology="integration", image="modern") as lab:
        install_modules(lab)
        host, server = Host(lab, "node1"), Server(lab, "node1", DATA, LOGS)
        # The modules are called as on the older host; here this name leads to the only Python there is.
        host.run("ln", "-s", PYTHON3, PYTHON2)
        server.create()
        comes_back(host, server)
        server.crash()


def comes_back(host, server):
    """Back up under load, damage, restore, and see that nothing is missing."""
    with server.load() as load:
        before = server.rows()
        backup = backup_of(host).split()
        after = server.rows()
        manifest = backup.store()
        wait(lambda: server.rows() > after, "transfers after the cut")
        assert load.running
    assert manifest["verdict"] == "application" and manifest["recovery"] == []
    facts, = manifest["window"]["applications"]
    assert facts == host.record()["window"]["applications"][0]
    assert (facts["driver"], facts["lock"], facts["replicates"]) == ("mysql", "BACKUP STAGE BLOCK_COMMIT", [])
    path = backup.stored()["manifest"]
    backup.rejoin()
    backup.close()

    server.crash()
    for point in ("/home1", "/home10"):
        host.run("find", point, "-type", "f", "-delete")
        host.run("umount", point)
    targets = [{"volume": name, "target": "/dev/md/rdsk/" + name} for name in ("d1", "d10")]
    Restore(host, path, targets, confirm=["d1", "d10"]).all()
    for volume, point in (("d1", "/home1"), ("d10", "/home10")):
        host.run("mount", "-F", "ufs", "/dev/md/dsk/" + volume, point)
    assert int(host.out("stat", "-c", "%s", "%s/%s" % (LOGS, facts["binlog"]["file"]))) == facts["binlog"]["position"]
    host.run("truncate", "-s", "0", "/var/tmp/mariadb.log")
    server.start()
    assert "crash recovery" in server.said()
    savings, current, history = server.sums()
    assert savings + current == 2 * ACCOUNTS * EACH and current - ACCOUNTS * EACH == history
    assert before <= server.rows() <= after
    assert server.sql("SELECT @@gtid_binlog_pos").strip() == facts["gtid"]["gtid_binlog_pos"]
    assert "OK" in server.sql("CHECK TABLE bank.notes EXTENDED") and "OK" in server.sql("CHECK TABLE bank.savings EXTENDED")
    host.assert_nothing_left()


def test_the_window_holds_the_server_and_then_lets_it_go(database):
    host, server = database
    backup = backup_of(host).split()
    steps = [" ".join(step["argv"][:1] + step["argv"][-1:]).rsplit("/", 1)[-1] for step in host.record()["window"]["steps"]
             if step["what"] in ("before", "after")]  # fmt: skip
    assert steps == ["mariadb BACKUP STAGE START", "mariadb BACKUP STAGE BLOCK_COMMIT", "mariadb BACKUP STAGE END"]
    assert commits(server) and server.sql(TAGGED % backup.run).strip() == "0"
    backup.rejoin()
    backup.close("failed")


def test_the_read_lock_of_other_servers(database):
    """This server has it too, so that its proof can be seen at work."""
    host, server = database
    old = host.script("mysql", 'mariadb "$@" | sed -u "s/10[.0-9]*-MariaDB.*/5.7.44-log/"')
    backup = backup_of(host, client=old).split()
    facts, = host.record()["window"]["applications"]
    assert facts["lock"] == "FLUSH TABLES WITH READ LOCK" and facts["binlog"]["position"] > 0
    assert commits(server)
    backup.rejoin()
    backup.close("failed")


def test_what_is_in_the_way_of_the_lock_is_named(database):
    host, server = database
    blocker = host.start(*server.client(), "-e", "INSERT INTO bank.notes (word) SELECT SLEEP(30)")
    try:
        wait(lambda: "SLEEP" in server.sql("SHOW PROCESSLIST"), "the statement at work")
        refused(host, backup_of(host, limit=1), "could not be held still within 1 s", "INSERT INTO bank.notes", "Lock wait timeout")
        assert commits(server)
    finally:
        host.kill("SELECT SLEEP")
        blocker.wait()


@pytest.mark.parametrize("entry, word", [
    ({"user": "nobody-here"}, "no user nobody-here"),
    ({"user": "daemon"}, "Access denied"),
    ({"socket": "/nowhere"}, "Can't connect"),
    ({"option_file": "/nowhere"}, "/nowhere"),
    ({"client": "/bin/false"}, "session ended"),
], ids=str)  # fmt: skip
def test_a_server_that_cannot_be_reached(database, entry, word):
    refused(database[0], backup_of(database[0], **entry), word)


def test_an_account_of_an_option_file_shows_its_password_to_nobody(database):
    host, server = database
    server.sql("CREATE OR REPLACE USER backup@localhost IDENTIFIED BY 'hidden-word'; "
               "GRANT RELOAD, PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO backup@localhost")  # fmt: skip
    host.write("/root/snapbackup.cnf", "[client]\nuser=backup\npassword=hidden-word\n", "600")
    seen = host.script("see", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' > /root/seen")
    look = {"driver": "command", "before": [seen], "after": ["/bin/true"]}
    backup = backup_of(host, look, option_file="/root/snapbackup.cnf").split()
    assert "snapbackup.cnf" in host.out("cat", "/root/seen") and "hidden-word" not in host.out("cat", "/root/seen")
    assert "hidden-word" not in str(host.record())
    backup.rejoin()
    backup.close("failed")


def test_a_server_with_its_logs_on_a_volume_that_is_not_in_the_set(database):
    host = database[0]
    refused(host, Backup(host, D1, quiesce=[DRIVER]), "lies on no volume of this run", LOGS)


def test_a_table_that_lies_elsewhere(database):
    host, server = database
    host.run("install", "-d", "-o", "mysql", "/var/tmp/outside")
    server.sql("CREATE TABLE bank.away (id INT) ENGINE=InnoDB DATA DIRECTORY='/var/tmp/outside'")
    try:
        refused(host, backup_of(host), "lies on no volume of this run", "/var/tmp/outside")
    finally:
        server.sql("DROP TABLE bank.away")


def test_a_server_that_dies_in_the_window_rolls_everything_back(database):
    host, dummy = database
    kill = host.script("power-off", "pkill -KILL -x 'mysqld|mariadbd'")
    pair = {"driver": "command", "before": [kill], "after": ["/bin/true"]}
    backup = backup_of(host, pair)
    result = backup.split_refused()
    assert "session" in result["msg"], result
    assert host.writable("/home1", 2) and host.writable("/home10", 2)
    host.settled("d1")
    host.settled("d10")
    assert host.record()["verdict"] == "torn"
    backup.close("failed")
    host.assert_nothing_left()


def test_a_write_that_gets_through_is_torn(database):
    """The lock is let go behind the back of the session: what was committed meanwhile tells."""
    host, server = database
    break_in = host.script("break-in", "mysql --no-defaults --socket=%s -e 'FLUSH BINARY LOGS'" % SOCKET)
    pair = {"driver": "command", "before": ["/bin/true"], "after": [break_in]}
    backup = backup_of(host, pair)
    result = backup.split_refused()
    assert "written to inside the freeze window" in result["msg"], result
    host.settled("d1")
    host.settled("d10")
    backup.close("failed")
    host.assert_nothing_left()
    assert commits(server)


def test_the_lock_ends_with_a_killed_module(database):
    host, server = database
    backup = backup_of(host).open()
    host.fault("metaoffline", "hang")
    module = backup.start_split()
    wait(lambda: [call for call in host.journal() if call.fault], "the hang")
    assert not commits(server)
    host.kill_module()
    outcome(module)
    wait(lambda: commits(server), "the server let go")
    assert host.writable("/home1", 2) and server.sql(TAGGED % backup.run).strip() == "0"
    backup.module("svm_submirror", state="online")
    backup.close("abandoned")
    host.assert_nothing_left()


def test_the_lock_ends_with_the_lease(database):
    """Also while the session waits inside the server, where it does not notice that its client has gone."""
    host, server = database
    blocker = host.start(*server.client(), "-e", "INSERT INTO bank.notes (word) SELECT SLEEP(40)")
    try:
        wait(lambda: "SLEEP" in server.sql("SHOW PROCESSLIST"), "the statement at work")
        backup = backup_of(host, limit=60)
        backup.window["lease"] = 2
        refused(host, backup, "ended by its watchdog")
        wait(lambda: "BACKUP STAGE" not in server.sql("SHOW PROCESSLIST"), "the session at its end")
        assert commits(server)
    finally:
        host.kill("SELECT SLEEP")
        blocker.wait()
