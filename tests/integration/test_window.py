# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The freeze window under attack: several mirrors at one instant, killed modules, killed watchdogs, hung and lying commands."""

import signal
import time

import pytest
from backups import D1, D10, FLUSH, LOCK, PROOF, UNLOCK, Backup, recover
from hosts import outcome, wait

LEASE = 3
STAMPS = """
import os, time
targets = [os.open(path + "/stamp", os.O_WRONLY | os.O_CREAT | os.O_SYNC) for path in ("/home1", "/home10")]
number = 0
while True:
    number += 1
    for target in targets:
        os.pwrite(target, b"%012d" % number, 0)
        time.sleep(0.001)
"""


@pytest.fixture
def stamps(host):
    """A program that writes the same rising number into /home1 and /home10 in turn."""
    host.write("/root/stamps.py", STAMPS)
    program = host.start("python3", "/root/stamps.py")
    wait(lambda: host.run("test", "-s", "/home10/stamp", check=False).returncode == 0, "the first stamps")
    yield program
    host.kill("stamps.py")
    program.wait()


def stamp(backup, volume):
    """The number in the frozen copy of a volume."""
    return int(backup.host.out("cat", "/var/lib/snapbackup/runs/%s/mnt/%s/stamp" % (backup.run, volume)))


def hung(host, command):
    """Wait until a call of command meets its fault."""
    wait(lambda: [call for call in host.journal() if call.words[0] == command and call.fault], "%s at its fault" % command)


# Several mirrors.


def test_all_mirrors_are_flushed_then_locked_then_cut_then_unlocked(host):
    backup = Backup(host, D1, D10).open()
    host.forget()
    backup.split()
    tag = "snapbackup:" + backup.run
    assert host.changes() == [
        "lockfs -f /home1 /home10",
        "lockfs -w -c %s /home1 /home10" % tag,
        "metaoffline d1 d3",
        "metaoffline d10 d13",
        "lockfs -u /home1 /home10",
    ]
    record = host.record(backup.run)
    assert record["verdict"] == "filesystem"
    window = record["window"]
    assert window["locked"] < window["cuts"][0] < window["cuts"][1] < window["released"]
    assert len(record["proof"]) == 3
    manifest = backup.store()
    assert [image["volume"] for image in manifest["images"]] == ["d1", "d10"]
    for image, device in zip(manifest["images"], ("d3", "d13")):
        assert image["sha256"] == host.sha256("/dev/md/rdsk/" + device)
    backup.rejoin()
    backup.close()
    host.assert_nothing_left()


def test_the_window_holds_only_lock_looks_and_cuts(host):
    backup = Backup(host, D1, D10).open()
    host.forget()
    backup.split()
    lines = host.commands()
    first = next(number for number, line in enumerate(lines) if line.startswith("lockfs -w"))
    last = next(number for number, line in enumerate(lines) if line.startswith("lockfs -u"))
    assert lines[first - 2 : first] == ["lockfs -f /home1 /home10", "lockfs /home1 /home10"]
    assert [line.split(" -c snap")[0] for line in lines[first : last + 1]] == [
        "lockfs -w", "lockfs /home1 /home10", "metaoffline d1 d3", "metaoffline d10 d13", "metastat -c d1 d10", "lockfs /home1 /home10",
        "lockfs -u /home1 /home10",
    ]  # fmt: skip
    assert lines[last + 1] == "lockfs /home1 /home10"


def test_a_writer_on_both_file_systems_sees_one_point_in_time(host, stamps):
    for dummy in range(3):
        backup = Backup(host, D1, D10).split()
        backup.module("snapshot_mount", state="mounted")
        left, right = stamp(backup, "d1"), stamp(backup, "d10")
        assert left - right in (0, 1)
        assert stamps.poll() is None
        backup.rejoin()
        backup.close("failed")


def test_two_windows_are_not_one_point_in_time(host, stamps):
    """That the writer of the test before can tell."""
    backups = [Backup(host, D1, name="one").split(), Backup(host, D10, name="two").split()]
    for backup in backups:
        backup.module("snapshot_mount", state="mounted")
    assert stamp(backups[1], "d10") > stamp(backups[0], "d1") + 1


# Whatever dies.


@pytest.mark.parametrize("command, nth", [
    ("lockfs", FLUSH), ("lockfs", LOCK), ("lockfs", LOCK + 1), ("metaoffline", 1), ("lockfs", PROOF), ("lockfs", UNLOCK),
])  # fmt: skip
def test_a_module_killed_in_the_window_lets_writers_go_on_at_once(host, command, nth):
    backup = Backup(host).open()
    host.fault(command, "hang", nth)
    module = backup.start_split()
    hung(host, command)
    host.kill_module()
    assert host.writable("/home1", 2)
    assert outcome(module).get("killed")
    assert host.locks() == []
    after_cut = command == "lockfs" and nth >= PROOF
    assert host.marks("d1")["d3"] == ("offline" if after_cut else "")
    refused = host.refused("volume_backup", run=backup.run, destination="/backup")
    assert host.manifests() == [], refused
    record = recover(host, backup.run)
    assert (record["result"], record["image"]) == ("abandoned", None)
    host.assert_nothing_left()
    assert Backup(host).all()["result"] == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("effect", ["kill-before", "kill-after"])
@pytest.mark.parametrize("command, nth", [("lockfs", LOCK), ("metaoffline", 1), ("lockfs", UNLOCK)])
def test_a_watchdog_killed_in_the_window_is_replaced_by_the_module(host, command, nth, effect):
    """The watchdog runs the window's commands, so it is what a command kills that kills its caller."""
    backup = Backup(host).open()
    host.fault(command, effect, nth)
    result = outcome(backup.start_split())
    assert host.writable("/home1", 2)
    assert host.locks() == []
    assert result.get("failed") and "watchdog" in result["msg"], result
    host.settled()
    assert host.record(backup.run)["verdict"] == "torn"
    assert host.record(backup.run)["undo"] == []
    assert backup.close("failed")["result"] == "failed"
    assert host.manifests() == []


def test_what_a_killed_module_and_a_killed_watchdog_left_is_ended_by_recover(host):
    backup = Backup(host).open()
    host.fault("lockfs", "hang", PROOF)
    module = backup.start_split()
    hung(host, "lockfs")
    host.kill("plugins/modules/")
    outcome(module)
    host.kill("lockfs /home1")
    assert not host.writable("/home1", 1)
    assert recover(host, backup.run)["result"] == "abandoned"
    assert host.writable("/home1", 2)
    host.assert_nothing_left()


# Whatever hangs.


@pytest.mark.slow
@pytest.mark.parametrize("command, nth", [("lockfs", LOCK), ("metaoffline", 1), ("metastat", 4), ("lockfs", UNLOCK)])
def test_a_hung_command_is_ended_by_the_lease(host, command, nth):
    """The fourth metastat of the module is the one in the window."""
    backup = Backup(host, lease=LEASE).open()
    host.fault(command, "hang", nth)
    module = backup.start_split()
    hung(host, command)
    began = time.monotonic()
    assert host.writable("/home1", LEASE + 5)
    assert time.monotonic() - began < LEASE + 5
    result = outcome(module)
    assert result["failed"] and "lease ran out" in result["msg"], result
    assert command in result["msg"], result
    assert host.locks() == []
    host.settled()
    record = host.record(backup.run)
    assert (record["verdict"], record["undo"], record["window"]) == ("torn", [], None)
    host.refused("volume_backup", run=backup.run, destination="/backup")
    assert host.manifests() == []
    backup.close("failed")
    host.assert_nothing_left()


def test_a_module_that_stands_still_loses_its_lease(host):
    backup = Backup(host, lease=LEASE).open()
    host.fault("lockfs", "hang", PROOF)
    module = backup.start_split()
    hung(host, "lockfs")
    host.kill_module("STOP")
    host.kill("lockfs /home1")
    assert not host.writable("/home1", 1)
    assert host.writable("/home1", LEASE + 5)
    assert host.locks() == []
    # nsenter stops and goes on with what it has started.
    module.send_signal(signal.SIGCONT)
    result = outcome(module)
    assert result["failed"], result
    host.settled()
    assert host.record(backup.run)["verdict"] == "torn"
    backup.close("failed")
    host.assert_nothing_left()


@pytest.mark.parametrize("lease", [0, -1])
def test_a_lease_that_is_over_before_it_begins(host, lease):
    backup = Backup(host).open()
    backup.window["lease"] = lease
    assert backup.split_refused()["msg"]
    assert "metaoffline d1 d3" not in host.commands()
    assert host.locks() == []
    backup.close("failed")
    host.assert_nothing_left()


# The lock that a task holds, without a cut.


@pytest.mark.slow
def test_a_lock_that_nobody_takes_back_ends_after_its_longest_time(host):
    run = Backup(host).open().run
    lock = {"run": run, "paths": ["/home1", "/home10"]}
    assert host.module("filesystem_lock", state="locked", max_hold=4, **lock)["changed"]
    assert not host.module("filesystem_lock", state="locked", max_hold=4, **lock)["changed"]
    assert [row.split()[:3] for row in host.locks()] == [[point, "write", "snapbackup:" + run] for point in ("/home1", "/home10")]
    assert "still to be undone" in host.refused("backup_run", run=run, state="closed", result="failed")["msg"]
    assert not host.writable("/home1", 1)
    assert host.writable("/home10", 9)
    assert host.locks() == []
    host.module("filesystem_lock", state="unlocked", **lock)
    assert "no complete image" in host.refused("backup_run", run=run, state="closed", result="complete")["msg"]
    host.module("backup_run", run=run, state="closed", result="failed")
    host.assert_nothing_left()


@pytest.mark.slow
@pytest.mark.parametrize("calls", [[["/home1", "/home10"]], [["/home1"], ["/home10"]]], ids=["one call", "two calls"])
def test_one_of_two_locks_is_taken_back_and_the_other_stays_guarded(host, calls):
    run = Backup(host).open().run
    for paths in calls:
        host.module("filesystem_lock", run=run, state="locked", paths=paths, max_hold=3)
    began = time.monotonic()
    assert host.module("filesystem_lock", run=run, state="unlocked", paths=["/home1"])["changed"]
    assert host.writable("/home1", 1)
    assert [row.split()[0] for row in host.locks()] == ["/home10"]
    assert [entry["path"] for entry in host.record(run)["undo"]] == ["/home10"]
    assert host.writable("/home10", 6)
    assert 1 < time.monotonic() - began < 6
    host.module("filesystem_lock", run=run, state="unlocked", paths=["/home10"])
    host.module("backup_run", run=run, state="closed", result="failed")
    wait(lambda: host.run("pgrep", "-f", "filesystem_lock", check=False).returncode == 1, "the watchdogs at their end")
    host.assert_nothing_left()


def test_a_lock_is_taken_back_by_its_run_and_by_no_other(host):
    run = Backup(host).open().run
    other = Backup(host, D10, name="other").open().run
    host.module("filesystem_lock", run=run, paths=["/home1"], state="locked", max_hold=60)
    host.module("filesystem_lock", run=other, paths=["/home1"], state="unlocked")
    assert len(host.locks()) == 1
    host.refused("filesystem_lock", run=other, paths=["/home1"], state="locked", max_hold=60)
    assert host.module("filesystem_lock", run=run, paths=["/home1"], state="unlocked")["changed"]
    assert not host.module("filesystem_lock", run=run, paths=["/home1"], state="unlocked")["changed"]
    assert host.locks() == []
    assert host.run("pgrep", "-f", "filesystem_lock", check=False).returncode == 1 or wait(
        lambda: host.run("pgrep", "-f", "filesystem_lock", check=False).returncode == 1, "the watchdog at its end")  # fmt: skip


@pytest.mark.slow
def test_a_slow_flush_blocks_nobody_and_outlives_the_lease(host):
    """The lease counts from the first lock on."""
    backup = Backup(host, lease=2).open()
    host.fault("lockfs", "hang", FLUSH)
    module = backup.start_split()
    hung(host, "lockfs")
    time.sleep(3)
    assert module.poll() is None
    assert host.writable("/home1", 1)
    host.kill_module()
    assert "metaoffline d1 d3" not in host.commands()


# Whatever lies.


@pytest.mark.parametrize("command, nth, effect, words", [
    ("metaoffline", 1, "fail", "metaoffline d1 d3 failed"),
    ("metaoffline", 1, "lie-ok", "reported success, but d3 is not offline"),
    ("metaoffline", 1, "lie-fail", "metaoffline d1 d3 failed"),
    ("metastat", 4, "odd", "perplexed"),
    ("metastat", 4, "fail", "metastat"),
    ("lockfs", LOCK, "fail", "lockfs -w"),
    ("lockfs", LOCK, "lie-ok", "not write-locked"),
    ("lockfs", LOCK, "lie-fail", "lockfs -w"),
    ("lockfs", LOCK + 1, "odd", "lock"),
    ("lockfs", PROOF, "odd", "lock"),
    ("lockfs", UNLOCK, "fail", "/home1"),
    ("lockfs", UNLOCK, "lie-ok", "could not be unlocked"),
    ("lockfs", UNLOCK, "lie-fail", "written to while it was locked"),
])  # fmt: skip
def test_a_failed_or_lying_command_in_the_window_is_rolled_back(host, command, nth, effect, words):
    backup = Backup(host).open()
    host.fault(command, effect, nth)
    result = backup.split_refused()
    assert words in result["msg"], result
    assert host.writable("/home1", 1)
    host.settled()
    record = host.record(backup.run)
    assert (record["verdict"], record["undo"]) == ("torn", [])
    host.refused("volume_backup", run=backup.run, destination="/backup")
    backup.close("failed")
    assert host.manifests() == []
    host.assert_nothing_left()


def test_the_second_of_two_cuts_fails_and_the_first_comes_home(host):
    backup = Backup(host, D1, D10).open()
    host.fault("metaoffline", "fail", 2)
    assert "metaoffline d10 d13 failed" in backup.split_refused()["msg"]
    assert host.locks() == []
    host.settled("d1")
    assert host.record(backup.run)["undo"] == []
    backup.close("failed")
    host.assert_nothing_left()


@pytest.mark.slow
def test_a_failed_window_keeps_its_way_back_until_the_resync_has_ended(host):
    """A resync that breaks off would leave the submirror offline again."""
    host.simctl("resync-speed", "stall")
    writer = host.start_writer("/home1/log")
    backup = Backup(host).open()
    host.fault("lockfs", "lie-fail", UNLOCK)
    backup.split_refused()
    host.kill("home1/log")
    writer.wait()
    assert "resync" in host.marks("d1")["d3"]
    entry = {"id": "svm_submirror:d1:d3", "action": "online", "mirror": "d1", "submirror": "d3", "returning": True}
    assert host.record(backup.run)["undo"] == [entry]
    assert "still to be undone" in host.refused("backup_run", run=backup.run, state="closed", result="failed")["msg"]
    host.simctl("resync-speed", "1 GiB")
    host.settled()
    backup.rejoin()
    backup.close("failed")
    host.assert_nothing_left()


def test_a_failed_window_brings_home_what_it_has_cut_and_not_what_somebody_else_did_meanwhile(host):
    hook = host.script("hands", "exec /usr/sbin/metaoffline d1 d3")
    backup = Backup(host, D10, D1, quiesce=[{"driver": "command", "before": [hook], "after": [host.script("after", "exit 0")]}]).open()
    host.forget()
    assert "metaoffline d1 d3 failed" in backup.split_refused()["msg"]
    assert [line for line in host.changes() if line.startswith("metaonline")] == ["metaonline d10 d13"]
    assert host.marks("d1")["d3"] == "offline"
    assert host.locks() == []
    host.settled("d10")
    backup.module("svm_submirror", state="online")
    assert host.marks("d1")["d3"] == "offline"
    backup.close("failed")


def test_a_lock_of_somebody_else_taken_over_in_the_window_is_not_ours_to_trust_nor_to_break(host):
    """lockfs -w on a locked file system succeeds and replaces the comment."""
    backup = Backup(host).open()
    host.fault("lockfs", "hang", PROOF)
    module = backup.start_split()
    hung(host, "lockfs")
    host.run("/usr/sbin/lockfs", "-w", "-c", "somebody", "/home1")
    host.kill("lockfs /home1")
    result = outcome(module)
    assert result["failed"], result
    assert "somebody" in " ".join(host.locks())
    host.run("/usr/sbin/lockfs", "-u", "/home1")


def test_a_lock_of_somebody_else_that_comes_just_before_ours_is_left_alone(host):
    hook = host.script("steal", "exec /usr/sbin/lockfs -w -c somebody /home1")
    backup = Backup(host, quiesce=[{"driver": "command", "before": [hook], "after": [host.script("after", "exit 0")]}]).open()
    host.forget()
    result = backup.split_refused()
    assert "locked by somebody else in the meantime" in result["msg"], result
    assert "somebody" in " ".join(host.locks())
    assert host.changes() == ["lockfs -f /home1", "lockfs -w -c somebody /home1"]
    assert (host.record(backup.run)["verdict"], host.record(backup.run)["undo"]) == ("torn", [])
    host.run("/usr/sbin/lockfs", "-u", "/home1")
    backup.close("failed")
    host.assert_nothing_left()


@pytest.mark.parametrize("before, after, words", [
    ("exit 3", "touch /root/resumed", "exit code 3"),
    ("exit 0", "exit 4", "could not be let go"),
    ("sleep 30", "touch /root/resumed", "killed at its limit"),
])  # fmt: skip
def test_a_failing_hook_rolls_everything_back(host, before, after, words):
    pair = {"driver": "command", "before": [host.script("before", before)], "after": [host.script("after", after)], "limit": 2}
    backup = Backup(host, quiesce=[pair], lease=6).open()
    result = backup.split_refused()
    assert words in result["msg"], result
    if "resumed" in after:
        host.run("test", "-e", "/root/resumed")
        assert "metaoffline d1 d3" not in host.commands()
    assert host.writable("/home1", 1)
    host.settled()
    assert host.record(backup.run)["undo"] == []
    backup.close("failed")
    host.assert_nothing_left()


def test_a_hook_that_leaves_a_child_behind_does_not_hold_the_window(host):
    pair = {"driver": "command", "before": [host.script("before", "sleep 60 &", "exit 0")], "after": [host.script("after", "exit 0")]}
    backup = Backup(host, quiesce=[pair]).split()
    assert host.record(backup.run)["window"]["seconds"] < 5
    host.kill("sleep 60")


def test_a_state_directory_that_fills_up_in_the_window_leaves_no_lock_and_no_split(host):
    host.run("mkdir", "/backup/state")
    host.run("mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", "/backup/state")
    fill = host.script("fill", "dd if=/dev/zero of=/backup/state/rest bs=4k 2>/dev/null", "exit 0")
    pair = {"driver": "command", "before": [fill], "after": [host.script("after", "exit 0")]}
    run = host.module("backup_run", state="opened", name="full", manager="svm", members=[], state_dir="/backup/state/s")["run"]
    result = host.refused("svm_submirror", run=run, state="offline", members=[D1], quiesce=[pair], state_dir="/backup/state/s")
    assert "No space left" in result["msg"], result
    assert host.locks() == [] and host.writable("/home1", 1)
    host.settled()
    host.run("umount", "/backup/state")


def test_hooks_run_around_the_locks_and_make_it_an_application_backup(host):
    before, after = host.script("before", "lockfs > /root/at-before"), host.script("after", "lockfs > /root/at-after")
    backup = Backup(host, quiesce=[{"driver": "command", "before": [before], "after": [after]}]).split()
    assert host.record(backup.run)["verdict"] == "application"
    assert host.out("cat", "/root/at-before", "/root/at-after") == ""
    steps = [step["what"] for step in host.record(backup.run)["window"]["steps"] if step["what"] != "look"]
    assert steps == ["before", "lock", "cut", "unlock", "after"]
    assert backup.store()["verdict"] == "application"
