# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs that are interrupted from outside: controller killed, connection cut, host booted, job killed, hands on the mirror."""

import re
import time

import pytest
from backups import D1, D10, LOCK, PROOF, Backup, Restore, recover
from hosts import PYTHON2, STATE_DIR, outcome, wait
from plays import HOME1, Play, failures

RAW = "/dev/md/rdsk/d1"
COPY = ("dd if=$1 bs=1M count=32 status=none", "while [ -e /root/slow ]; do sleep 0.1; done", "dd if=$1 bs=1M skip=32 status=none")
# Prints when a process was gone, by the clock of the journal.
GONE = """
import os, sys, time
while os.path.exists("/proc/" + sys.argv[1]):
    time.sleep(0.01)
print(time.monotonic())
"""
PER_HOST = "{{ %r[inventory_hostname] }}"


def slow(*hosts):
    """Let the copies of hosts stop half-way until quick(); the variables for it."""
    for host in hosts:
        host.script("copy", *COPY)
        host.run("touch", "/root/slow")
    return {"method": "command", "command": ["/root/copy", "{device}"]}


def quick(*hosts):
    for host in hosts:
        host.run("rm", "-f", "/root/slow")


def role(how):
    """Options of the module as variables of the role."""
    return dict(HOME1, **{"snapbackup_" + name: value for name, value in how.items()})


def storing(host):
    """Wait until the copy job of the last run has stored half of the image; the run."""
    wait(lambda: host.run("sh", "-c", "test $(stat -c %s /backup/home1/*/*.partial | tail -1) -ge 33554432", check=False).returncode == 0,
         "half of the copy", 60)  # fmt: skip
    return host.record()["run"]


# The controller and the connection.


@pytest.mark.slow
def test_a_killed_controller_leaves_what_the_next_run_refuses_takes_over_or_recovers(pair, lab):
    """node1 is storing, node2 is resynchronising when the controller dies."""
    storer, syncer = pair
    how = slow(storer, syncer)
    quick(syncer)
    syncer.simctl("resync-speed", "stall")
    writer = syncer.start_writer("/home1/log")
    play = Play(lab, "backup", role(how))
    play.until(lambda: any(line.startswith("metaonline") for line in syncer.commands()), "the resync", 60)
    runs = {host.name: host.record()["run"] for host in pair}
    storing(storer)
    time.sleep(1)
    play.kill()
    syncer.kill("home1/log")
    writer.wait()

    assert storer.module("volume_backup", run=runs["node1"], state="read")["job"]["state"] == "running"
    assert storer.marks("d1")["d3"] == "offline"
    before = [host.changes() for host in pair]
    messages = failures(Play(lab, "backup", HOME1).end(2))
    assert runs["node1"] in messages["node1"][0] and "copy job" in messages["node1"][0], messages
    assert runs["node2"] in messages["node2"][0] and "snapbackup_takeover" in messages["node2"][0], messages
    assert [host.changes() for host in pair] == before

    syncer.simctl("resync-speed", "1 GiB")
    Play(lab, "backup", dict(HOME1, snapbackup_takeover=PER_HOST % runs)).end()
    for host in pair:
        first, second = host.records()
        assert (first["run"], second["result"], second["verdict"]) == (runs[host.name], "complete", "filesystem")
        host.assert_nothing_left()
    assert (storer.records()[0]["result"], storer.records()[0]["image"]) == ("abandoned", None)
    assert syncer.records()[0]["result"] == "complete"
    assert len(storer.manifests()) == 1 and len(syncer.manifests()) == 2


@pytest.mark.slow
def test_a_cut_connection_and_a_short_neighbour(pair, lab):
    """node1 loses its connection while it stores; node2 rejoins and ends long before it."""
    long, short = pair
    how = slow(long, short)
    quick(short)
    how["environment"] = {"TOKEN": "s3cr3t-word"}
    play = Play(lab, "backup", role(how), "-vv")
    storing(long)
    play.until(lambda: short.records() and short.records()[-1]["closed"], "the short one at its end", 60)
    long.run("sh", "-c", "pkill -KILL -f '[s]shd: root@notty'; ip link set eth0 down; sleep 4; ip link set eth0 up")
    assert play.process.poll() is None
    assert long.record()["closed"] is None
    quick(long)
    output = play.end()
    assert "s3cr3t-word" not in output
    for host in pair:
        assert host.record()["result"] == "complete"
        host.assert_nothing_left()
    online = {host.name: [call.started for call in host.journal() if call.words[0] == "metaonline"] for host in pair}
    assert [len(times) for times in online.values()] == [1, 1]
    assert online["node1"][0] - online["node2"][0] > 4
    assert short.record()["redundancy_lost_seconds"] + 4 < long.record()["redundancy_lost_seconds"]


def test_the_recover_playbook_ends_every_kind_of_dead_run_at_once(pair, lab):
    """Killed before the cut, after the cut, with its watchdog, while it stores, and complete but never closed."""
    first, second = pair
    runs = {host: [] for host in pair}

    def split_and_kill(host, member, name, nth, *more):
        backup = Backup(host, member, name=name).open()
        host.fault("lockfs", "hang", nth)
        module = backup.start_split()
        wait(lambda: [call for call in host.journal() if call.fault and call.ended is None], "the hang")
        time.sleep(0.2)
        host.kill("plugins/modules/") if more else host.kill_module()
        outcome(module)
        host.kill("lockfs /home")
        host.forget()
        runs[host].append((backup.run, "abandoned"))

    split_and_kill(first, D1, "early", LOCK)
    split_and_kill(first, D10, "late", PROOF)
    split_and_kill(second, D10, "alone", PROOF, "with its watchdog")
    assert second.locks() != []
    complete = Backup(second, name="complete").split()
    complete.store()
    runs[second].append((complete.run, "complete"))
    for host in pair:
        for run, dummy in runs[host]:
            host.age(run)
    said = Play(lab, "status", {}).end()
    for run, dummy in runs[first] + runs[second]:
        told = "backup %s of set [a-z]+ is dead, still to be undone: .*Run the playbook volmgr.snapbackup.recover" % run
        assert re.search(told, said), said
    Play(lab, "recover", {}).end()
    for host in pair:
        assert [(record["run"], record["result"]) for record in host.records()] == runs[host]
        host.assert_nothing_left()
        assert host.writable("/home10", 1)
    assert len(second.manifests()) == 1 and first.manifests() == []


def test_recover_leaves_a_live_run_alone(host, lab):
    backup = Backup(host, **slow(host)).split()
    backup.start_store()
    storing(host)
    host.age(backup.run)
    host.forget()
    Play(lab, "recover", {}, "--limit", "node1").end()
    assert host.changes() == []
    assert host.record()["closed"] is None
    quick(host)
    assert backup.stored()["state"] == "complete"
    backup.rejoin()
    backup.close()


def test_recover_leaves_a_run_alone_that_is_splitting_even_when_it_is_to_be_taken_over(host, lab):
    hook = host.script("before", "touch /root/held", "while [ -e /root/held ]; do sleep 0.1; done")
    backup = Backup(host, quiesce=[{"driver": "command", "before": [hook], "after": [host.script("after", "exit 0")]}]).open()
    module = backup.start_split()
    wait(lambda: host.run("test", "-e", "/root/held", check=False).returncode == 0, "the hook")
    host.age(backup.run)
    host.forget()
    said = Play(lab, "recover", {"snapbackup_takeover": backup.run}, "--limit", "node1").end()
    assert re.search(backup.run + " is left alone, its process [0-9]+ is splitting", said), said
    assert "Run %s is splitting just now" % backup.run in host.refused("svm_submirror", run=backup.run, state="online")["msg"]
    assert host.changes() == []
    assert module.poll() is None
    host.run("rm", "/root/held")
    assert not outcome(module).get("failed")
    assert host.marks("d1")["d3"] == "offline"
    entry = {"id": "svm_submirror:d1:d3", "action": "online", "mirror": "d1", "submirror": "d3"}
    assert host.record(backup.run)["undo"] == [entry]

    assert recover(host, backup.run)["result"] == "abandoned"
    host.assert_nothing_left()


def test_a_run_counts_as_dead_after_the_time_that_was_asked_for(host):
    plan = host.module("svm_submirror", PYTHON2, True, run="<run>", state="offline", members=[D1])
    run = host.module("backup_run", state="opened", name="home1", manager="svm", members=plan["members"], stale_after=2)["run"]
    host.module("svm_submirror", run=run, state="offline", members=[D1])
    assert host.module("backup_run", state="read")["stale"] == []
    time.sleep(2.5)
    assert [record["run"] for record in host.module("backup_run", state="read")["stale"]] == [run]


# The copy job.


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_a_killed_copy_job_is_never_complete(host, signal):
    how = slow(host)
    backup = Backup(host, **how, stall=2).split()
    backup.start_store()
    storing(host)
    job = host.record()["job"]
    host.run("kill", "-" + signal, job["pid"])
    quick(host)
    assert backup.stored()["state"] in ("lost", "failed")
    assert host.manifests() == []
    backup.rejoin()
    record = backup.close("failed")
    assert (record["result"], record["image"]) == ("failed", None)
    host.assert_nothing_left()


def test_a_copy_that_gives_no_byte_any_more_is_ended(host):
    backup = Backup(host, **slow(host), stall=2).split()
    backup.start_store()
    job = backup.stored()
    assert job["state"] == "failed" and "2 s" in job["error"], job
    assert host.manifests() == []
    assert host.run("pgrep", "-f", "/root/copy", check=False).returncode == 1
    backup.rejoin()
    backup.close("failed")


def test_the_copies_are_not_given_back_while_they_are_read(host):
    backup = Backup(host, **slow(host)).split()
    backup.start_store()
    storing(host)
    host.forget()
    assert "still reads d3" in host.refused("svm_submirror", run=backup.run, state="online")["msg"]
    assert "cannot be closed" in host.refused("backup_run", run=backup.run, state="closed", result="complete")["msg"]
    assert host.changes() == []
    quick(host)
    assert backup.stored()["state"] == "complete"
    backup.rejoin()
    backup.close()


def test_a_copy_that_is_mounted_is_not_given_back(host):
    backup = Backup(host, method="tar").split()
    backup.store()
    result = host.refused("svm_submirror", run=backup.run, state="online")
    assert "is mounted" in result["msg"] and STATE_DIR in result["msg"]
    user = host.start("sh", "-c", "cd %s/runs/%s/mnt/d1 && exec sleep 600" % (STATE_DIR, backup.run))
    wait(lambda: host.run("pgrep", "sleep", check=False).returncode == 0, "the user of the mount")
    assert "could not be unmounted" in host.refused("snapshot_mount", run=backup.run, state="unmounted")["msg"]
    host.kill("sleep")
    user.wait()
    backup.rejoin()
    backup.close()
    host.assert_nothing_left()


@pytest.mark.parametrize("effect", ["fail", "lie-ok"])
def test_a_copy_that_does_not_come_home_stays_on_the_list(host, effect):
    backup = Backup(host).split()
    host.fault("metaonline", effect)
    result = host.refused("svm_submirror", run=backup.run, state="online")
    assert "d3 did not come home" in result["msg"], result
    assert [entry["id"] for entry in host.record(backup.run)["undo"]] == ["svm_submirror:d1:d3"]
    assert "cannot be closed" in host.refused("backup_run", run=backup.run, state="closed", result="failed")["msg"]
    assert recover(host, backup.run)["result"] == "abandoned"
    host.assert_nothing_left()


def test_a_metaonline_that_works_and_says_it_failed_is_believed_by_what_metastat_shows(host):
    backup = Backup(host).split()
    host.fault("metaonline", "lie-fail")
    backup.rejoin()
    backup.close("failed")
    host.assert_nothing_left()


# Hands on the mirror, and the host.


@pytest.mark.parametrize("hands", ["metaonline d1 d3", "metadetach d1 d3"])
def test_a_copy_that_was_given_back_by_hand_while_it_was_read_is_not_complete(host, hands):
    backup = Backup(host, **slow(host)).split()
    backup.start_store()
    storing(host)
    host.fill("/home1", "late")
    host.run(*hands.split())
    quick(host)
    job = backup.stored()
    assert job["state"] == "failed" and "not proved" in job["error"], job
    assert host.manifests() == []


def test_a_copy_that_was_given_back_and_split_again_by_hand_is_not_complete(host):
    backup = Backup(host, **slow(host)).split()
    backup.start_store()
    storing(host)
    host.fill("/home1", "late")
    time.sleep(1.1)
    host.run("metaonline", "d1", "d3")
    host.settled()
    host.run("metaoffline", "d1", "d3")
    quick(host)
    assert backup.stored()["state"] == "failed"
    assert host.manifests() == []


def test_the_other_half_fails_while_the_copy_is_split(host):
    """The frozen copy may be the last good one: it is not overwritten."""
    backup = Backup(host).split()
    backup.store()
    host.simctl("fail-disk", "c1t0d0s0")
    host.forget()
    result = host.refused("svm_submirror", run=backup.run, state="online")
    assert "last good copy" in result["msg"]
    assert host.changes() == []
    assert host.marks("d1")["d3"] == "offline"


def test_a_host_booted_while_its_copy_is_split_has_no_copy_any_more(host):
    backup = Backup(host).split()
    host.simctl("reboot")
    host.settled()
    host.module("volume_backup", run=backup.run, state="read")
    result = outcome(host.start_module("volume_backup", run=backup.run, destination="/backup"))
    if not result.get("failed"):
        job = backup.stored()
        assert job["state"] == "failed" and "booted" in job["error"], job
    assert host.manifests() == []
    record = recover(host, backup.run)
    assert (record["result"], record["image"], record["redundancy_lost_seconds"]) == ("abandoned", None, None)
    host.assert_nothing_left()


@pytest.mark.parametrize("options", [[], ["--crash"], ["--no-metasync"], ["--lost-record"]])
def test_a_host_booted_in_every_way_while_it_stores_recovers(host, options):
    backup = Backup(host, **slow(host)).split()
    backup.start_store()
    storing(host)
    host.fill("/home1", "late")
    host.simctl("reboot", *options)
    job = host.module("volume_backup", run=backup.run, state="read")["job"]
    assert job["state"] == "lost" and job["error"], job
    stale = host.module("backup_run", state="read")["stale"]
    assert [entry["run"] for entry in stale] == [backup.run]
    assert recover(host, backup.run)["result"] == "abandoned"
    assert host.manifests() == []
    host.assert_nothing_left()


@pytest.mark.slow
def test_a_host_booted_during_a_playbook_ends_it_with_the_reason_and_a_healthy_mirror(host, lab):
    play = Play(lab, "backup", role(slow(host)), "--limit", "node1")
    storing(host)
    host.simctl("reboot")
    messages = failures(play.end(2))["node1"]
    assert "lost" in " ".join(messages), messages
    record = host.record()
    assert (record["result"], record["image"]) == ("failed", None)
    assert host.manifests() == []
    host.assert_nothing_left()


@pytest.mark.parametrize("how", ["after a boot", "by hand"])
def test_a_copy_that_somebody_else_has_split_since_is_not_brought_home_as_that_of_a_dead_run(host, how):
    backup = Backup(host).split()
    # metastat tells the time of a split in seconds, and no real host boots within one.
    time.sleep(1.1)
    if how == "by hand":
        host.run("metaonline", "d1", "d3")
    else:
        host.simctl("reboot")
    host.settled()
    host.run("metaoffline", "d1", "d3")
    host.age(backup.run)
    host.forget()
    outcome(host.start_module("svm_submirror", run=backup.run, state="online"))
    assert host.changes() == []
    assert host.marks("d1")["d3"] == "offline"


def test_of_two_runs_at_the_same_time_one_is_refused(host):
    plan = host.module("svm_submirror", PYTHON2, True, run="<run>", state="offline", members=[D1])
    opening = {"state": "opened", "name": "home1", "manager": "svm", "members": plan["members"]}
    for _attempt in range(4):
        started = [host.start_module("backup_run", **dict(opening)) for _number in range(3)]
        results = [outcome(process) for process in started]
        opened = [result["run"] for result in results if not result.get("failed")]
        assert len(opened) == 1, results
        host.module("backup_run", state="closed", run=opened[0], result="failed")
    assert [record["sequence"] for record in host.records()] == [1, 2, 3, 4]


# Restores.


@pytest.mark.slow
def test_an_interrupted_restore_stops_everything_else_and_is_finished_by_running_it_again(host, lab):
    host.fill("/home1")
    image = Backup(host).all()["image"]
    good = host.json(image)["images"][0]["sha256"]
    host.run("umount", "/home1")
    host.run("dd", "if=/dev/zero", "of=" + RAW, "bs=1M", "count=30", "conv=fsync")
    host.fault("dd", "hang")
    variables = {"snapbackup_manifest": image, "snapbackup_confirm": ["d1"], "snapbackup_poll": 1}
    play = Play(lab, "restore", variables, "--limit", "node1")
    play.until(lambda: [call for call in host.journal() if call.fault], "dd at its fault", 60)
    run, job = host.record()["run"], play.until(lambda: host.record()["job"], "the job")
    play.kill()
    host.run("kill", "-KILL", job["pid"])
    host.kill("of=/dev/md")
    host.run("dd", "if=" + image.replace("manifest.json", "d1.img"), "of=" + RAW, "bs=1M", "count=10", "conv=fsync")
    host.forget()

    alive = failures(Play(lab, "backup", HOME1, "--limit", "node1").end(2))["node1"][0]
    assert run in alive, alive
    host.age(run)
    message = failures(Play(lab, "restore", dict(variables, snapbackup_confirm=[]), "--limit", "node1").end(2))["node1"][0]
    assert "not confirmed" in message, message
    assert [record["run"] for record in host.records() if record["closed"] is None] == [run]
    for playbook, given in (("backup", HOME1), ("recover", {})):
        message = failures(Play(lab, playbook, given, "--limit", "node1").end(2))["node1"][0]
        assert run in message and "volmgr.snapbackup.restore" in message and "snapbackup_confirm" in message, message
    assert host.changes() == []
    assert host.record()["closed"] is None

    Play(lab, "restore", variables, "--limit", "node1").end()
    assert host.sha256(RAW) == good
    assert [(record["kind"], record["result"]) for record in host.records()] == [
        ("backup", "complete"), ("restore", "abandoned"), ("restore", "complete")]  # fmt: skip
    host.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
    host.assert_nothing_left()


def unmounted(host):
    """A complete image of d1, which is unmounted since; the variables that restore it."""
    image = Backup(host).all()["image"]
    host.run("umount", "/home1")
    return {"snapbackup_manifest": image, "snapbackup_confirm": ["d1"], "snapbackup_poll": 1}


def writers(host):
    """The processes that write to d1."""
    return host.run("pgrep", "-f", "of=" + RAW, check=False).stdout.split()


@pytest.mark.slow
def test_a_live_restore_that_is_taken_over_has_stopped_writing_before_the_next_one_writes(host, lab):
    variables = unmounted(host)
    host.fault("dd", "hang")
    first = Play(lab, "restore", variables, "--limit", "node1")
    (writer,) = first.until(lambda: writers(host), "dd at its fault", 60)
    first.until(lambda: host.record()["job"], "the job")
    watch = host.start("python3", "-c", GONE, writer)
    runs = [host.record()["run"]]
    message = failures(Play(lab, "restore", variables, "--limit", "node1").end(2))["node1"][0]
    assert runs[0] in message and "its copy job" in message, message
    assert writers(host) == [writer]

    Play(lab, "restore", dict(variables, snapbackup_takeover=runs[0]), "--limit", "node1").end()
    gone = float(watch.communicate(timeout=5)[0])
    writes = [call.started for call in host.journal() if "of=" + RAW in call.words]
    assert len(writes) == 2 and writes[0] < gone < writes[1], (writes, gone)
    assert host.sha256(RAW) == host.json(variables["snapbackup_manifest"])["images"][0]["sha256"]
    assert "failed" in failures(first.end(2))["node1"][0]
    assert [(record["kind"], record["result"]) for record in host.records()] == [
        ("backup", "complete"), ("restore", "abandoned"), ("restore", "complete")]  # fmt: skip
    host.assert_nothing_left()


@pytest.mark.slow
def test_a_restore_that_is_waited_for_too_long_is_stopped_and_blocks_the_next_backup(host, lab):
    variables = unmounted(host)
    host.fault("dd", "hang")
    message = failures(Play(lab, "restore", dict(variables, snapbackup_store_timeout=2), "--limit", "node1").end(2))["node1"][0]
    assert "still going on after 2 s" in message, message
    assert writers(host) == []
    record = host.record()
    assert (record["kind"], record["closed"]) == ("restore", None)
    assert host.run("test", "-e", "/proc/%d" % record["job"]["pid"], check=False).returncode == 1
    host.age(record["run"])
    stale = host.module("backup_run", state="read")["stale"]
    assert [(entry["run"], entry["kind"]) for entry in stale] == [(record["run"], "restore")]
    result = host.refused("backup_run", state="opened", name="home1", manager="svm", members=[{"volume": "d1"}])
    assert record["run"] in result["msg"] and "dead" in result["msg"], result


@pytest.mark.slow
def test_a_restore_that_is_stopped_before_it_has_overwritten_anything_ends(host, lab):
    """Files are restored onto a mounted file system, and the job's second look at its lock comes after all images are verified."""
    image = Backup(host, method="tar").all()["image"]
    host.run("umount", "/home1")
    host.run("newfs", RAW, data="y\n")
    host.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
    before = host.tree("/home1")
    host.fault("lockfs", "hang", 2)
    variables = {"snapbackup_manifest": image, "snapbackup_confirm": ["d1"], "snapbackup_poll": 1, "snapbackup_store_timeout": 2}
    message = failures(Play(lab, "restore", variables, "--limit", "node1").end(2))["node1"][0]
    assert "still going on after 2 s" in message, message
    assert [call.words[0] for call in host.journal() if call.fault] == ["lockfs"]
    record = host.record()
    assert (record["kind"], record["result"], record["error"]) == ("restore", "failed", message)
    assert host.run("test", "-e", "/proc/%d" % record["job"]["pid"], check=False).returncode == 1
    assert host.tree("/home1") == before
    host.assert_nothing_left()


def test_a_restore_while_a_submirror_is_offline_is_refused(host, lab):
    image = Backup(host).all()["image"]
    host.run("umount", "/home1")
    host.run("metaoffline", "d1", "d2")
    host.forget()
    variables = {"snapbackup_manifest": image, "snapbackup_confirm": ["d1"]}
    message = failures(Play(lab, "restore", variables, "--limit", "node1").end(2))["node1"][0]
    assert "offline submirror" in message and "d2" in message
    assert host.changes() == []


def test_a_restore_and_a_backup_do_not_meet(host):
    image = Backup(host).all()["image"]
    host.run("umount", "/home1")
    restore = Restore(host, image, [{"volume": "d1", "target": RAW}])
    result = host.refused("backup_run", state="opened", name="other", manager="svm", members=[{"volume": "d1"}])
    assert restore.run in result["msg"]
    restore.close("failed")
    backup = Backup(host, dict(D1, filesystem=None)).split()
    host.refused("backup_run", state="opened", kind="restore", name="x", manager="svm", members=[{"volume": "d1"}])
    backup.rejoin()
    backup.close("failed")
