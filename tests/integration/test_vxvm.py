# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Veritas Volume Manager as a user runs it: predicted, backed up twice, restored from an image and from a kept copy; and what
becomes of a run that is interrupted wherever it may be."""

import json
import re
from types import SimpleNamespace

import pytest
from conftest import new
from hosts import STATE_DIR, wait
from plays import Play, failures, planned

CHANGES = re.compile(
    r"^(vxassist .*snap|vxsnap (?!.* list)|vxedit |vxdg (-t )?(import|deport)|vxvol |lockfs -|fsck -F|mount |umount |dd )"
)
RESTORES = [(0, "vxassist -g datadg -b -o resyncfromreplica snapback"), (3, "vxsnap -g datadg restore vol04")]
VOL01 = {"disk_group": "datadg", "volume": "vol01", "filesystem": "/vol01"}
VOL02 = {"disk_group": "datadg", "volume": "vol02", "filesystem": "/vol02"}
VOL03 = {"disk_group": "datadg", "volume": "vol03", "filesystem": "/vol03"}
VOL04 = {"disk_group": "datadg", "volume": "vol04", "filesystem": "/vol04"}
VOL05 = {"disk_group": "datadg", "volume": "vol05", "filesystem": "/vol05"}
TAKEOVER = {"snapbackup_hosts": "node1"}


def variables(*volumes, **more):
    return {
        "snapbackup_hosts": "node1", "snapbackup_manager": "vxvm", "snapbackup_name": "data", "snapbackup_volumes": list(volumes),
        "snapbackup_destination": "/backup/", "snapbackup_poll": 1, **{"snapbackup_" + key: value for key, value in more.items()},
    }  # fmt: skip


def changes(host):
    return [line for line in host.commands() if CHANGES.match(line)]


def volumes(host, group="datadg"):
    """{volume: (kernel state, state, {plex: state})} of a disk group."""
    found = {}
    for line in host.out("vxprint", "-g", group, "-ht").splitlines():
        words = line.split()
        if words[:1] == ["v"] and not words[1].endswith("_dcl"):
            found[words[1]] = (words[3], words[4], {})
        elif words[:1] == ["pl"] and words[2] in found:
            found[words[2]][2][words[1]] = words[4]
    return found


def copies(host):
    """Volumes that are snapshots of others."""
    return sorted(name for name in volumes(host) if "-" in name)


def assert_clean(host):
    """No snapshot, no mount, no open run, no snap object, nothing left to undo."""
    assert copies(host) == []
    assert [line for line in host.out("vxprint", "-g", "datadg", "-ht").splitlines() if line.startswith("sp ")] == []
    assert STATE_DIR not in host.out("cat", "/etc/mnttab", "/proc/self/mounts")
    assert [record["run"] for record in host.records() if record["closed"] is None or record["undo"]] == []


@pytest.fixture
def vx(lab):
    return new(lab, "node1", "vxvm-kinds")


@pytest.fixture(scope="module")
def done(lab):
    """A prediction, two backups and a restore of a VxFS; what was seen."""
    host = new(lab, "node1", "vxvm-kinds")
    host.fill("/vol01")
    seen = SimpleNamespace(host=host, frozen=host.tree("/vol01"), journals=[])
    host.forget()
    seen.predicted = planned(Play(lab, "backup", variables(VOL01), "--check", "--diff").end())
    seen.by_check = changes(host)
    for _number in range(2):
        host.forget()
        Play(lab, "backup", variables(VOL01)).end()
        seen.journals.append(changes(host))
    seen.records = host.records()
    seen.after = volumes(host)
    host.fill("/vol01", "later")
    host.run("umount", "/vol01")
    restore = {"snapbackup_hosts": "node1", "snapbackup_manifest": seen.records[0]["image"], "snapbackup_confirm": ["datadg/vol01"]}
    Play(lab, "restore", restore).end()
    host.run("mount", "-F", "vxfs", "/dev/vx/dsk/datadg/vol01", "/vol01")
    return seen


@pytest.mark.slow
def test_the_journal_has_the_sequence_of_the_guide(done):
    for journal, record in zip(done.journals, done.records):
        copy = "vol01-" + record["run"][-6:]
        assert journal == [
            "vxassist -g datadg -b snapstart vol01", "vxedit -g datadg set putil2=snapbackup vol01-02",
            "vxassist -g datadg snapshot vol01 " + copy, "vxedit -g datadg set putil2=snapbackup " + copy,
            "fsck -F vxfs -y /dev/vx/rdsk/datadg/" + copy, "dd if=/dev/vx/rdsk/datadg/%s bs=1048576 count=64" % copy,
            "vxedit -g datadg -rf rm " + copy,
        ]  # fmt: skip


@pytest.mark.slow
def test_check_mode_shows_the_commands_of_the_real_run(done):
    assert done.by_check == []
    for journal, record in zip(done.journals, done.records):
        mark = record["run"][-6:]
        assert [line.replace("<run>", mark).replace("<mirror of vol01>", "vol01-02") for line in done.predicted] == journal


@pytest.mark.slow
def test_two_backups_are_complete_and_nothing_is_left(done):
    assert [(record["result"], record["verdict"], record["undo"]) for record in done.records] == [("complete", "filesystem", [])] * 2
    assert done.after["vol01"] == ("ENABLED", "ACTIVE", {"vol01-01": "ACTIVE"})
    assert_clean(done.host)


@pytest.mark.slow
def test_the_restored_file_system_is_the_frozen_one(done):
    assert done.host.tree("/vol01") == done.frozen


@pytest.mark.slow
def test_the_mirror_goes_back_and_only_changes_are_copied(lab, vx):
    vx.fill("/vol03")
    wanted = variables(VOL03, after="reattached", method="tar")
    Play(lab, "backup", wanted).end()
    assert list(volumes(vx)["vol03"][2].values()) == ["ACTIVE", "SNAPDONE"]
    first = tasks(vx)[-1]
    assert not first["full"] and first["total"] < 16 << 20
    vx.forget()
    Play(lab, "backup", wanted).end()
    assert not any("snapstart" in line for line in changes(vx))
    started = [line for line in changes(vx) if line.startswith("vxassist -g datadg -b")]
    assert started == ["vxassist -g datadg -b snapback vol03-" + vx.record()["run"][-6:]]
    assert [record["result"] for record in vx.records()] == ["complete"] * 2
    assert_clean(vx)


def tasks(host):
    return json.loads(host.simctl("show"))["vxvm"]["tasks"]


@pytest.mark.slow
def test_without_fastresync_the_report_says_that_all_was_copied(lab, vx):
    output = Play(lab, "backup", variables(VOL01, after="reattached")).end()
    assert "All of datadg/vol01 was copied" in output and tasks(vx)[-1]["full"]
    assert_clean(vx)


@pytest.mark.slow
def test_ufs_is_locked_and_vxfs_is_not(lab, vx):
    Play(lab, "backup", variables(VOL01, VOL05)).end()
    lines = changes(vx)
    wanted = ("lockfs -w", "vxassist -g datadg -o", "lockfs -u")
    lock, cut, unlock = [next(n for n, line in enumerate(lines) if line.startswith(word)) for word in wanted]
    assert lock < cut < unlock and "/vol01" not in lines[lock] and "/vol05" in lines[lock]
    assert vx.record()["verdict"] == "filesystem" and len(vx.record()["window"]["cuts"]) == 1
    assert_clean(vx)


@pytest.mark.slow
@pytest.mark.parametrize("number, command", RESTORES)
def test_a_kept_copy_is_restored_from(lab, vx, number, command):
    volume = (VOL01, VOL02, VOL03, VOL04)[number]
    name = volume["volume"]
    vx.fill(volume["filesystem"])
    then = vx.tree(volume["filesystem"])
    Play(lab, "backup", variables(volume, retain="until_next_run")).end()
    run = vx.record()["run"]
    assert copies(vx) == ["%s-%s" % (name, run[-6:])]
    vx.fill(volume["filesystem"], "later")
    asked = variables(volume, restore_from="copy", restore_run=run, confirm=["datadg/" + name])
    if number == 0:
        assert "is mounted" in failures(Play(lab, "restore", asked).end(2))["node1"][0]
        assert (vx.record()["kind"], vx.record()["result"]) == ("restore", "failed")
    vx.run("umount", volume["filesystem"])
    Play(lab, "restore", asked).end()
    assert [line for line in changes(vx) if line.startswith(command)]
    vx.run("mount", "-F", "vxfs", "/dev/vx/dsk/datadg/" + name, volume["filesystem"])
    assert vx.tree(volume["filesystem"]) == then
    assert_clean(vx)


@pytest.mark.slow
def test_a_copy_that_was_kept_is_given_back_by_the_next_run(lab, vx):
    for _number in range(2):
        Play(lab, "backup", variables(VOL01, retain="until_next_run")).end()
    assert copies(vx) == ["vol01-" + vx.record()["run"][-6:]]
    assert [record["result"] for record in vx.records()] == ["complete", None]


@pytest.mark.slow
def test_a_mirror_that_is_never_ready_fails_the_run_and_is_used_by_the_next(lab, vx):
    vx.simctl("resync-speed", "stall")
    output = Play(lab, "backup", variables(VOL01, resync_timeout=3)).end(2)
    assert any("still going on" in message for message in failures(output)["node1"])
    assert volumes(vx)["vol01"][2]["vol01-02"] == "SNAPATT" and vx.record()["result"] == "failed" and vx.record()["undo"] == []
    vx.simctl("resync-speed", "1 GiB")
    vx.forget()
    Play(lab, "backup", variables(VOL01)).end()
    assert not any("snapstart" in line for line in changes(vx))
    assert_clean(vx)


@pytest.mark.slow
def test_a_mirror_that_a_boot_has_ended_is_made_again(lab, vx):
    vx.simctl("resync-speed", "stall")
    Play(lab, "backup", variables(VOL01, resync_timeout=3)).end(2)
    vx.simctl("reboot")
    assert volumes(vx)["vol01"][2] == {"vol01-01": "ACTIVE"}
    vx.simctl("resync-speed", "1 GiB")
    Play(lab, "backup", variables(VOL01)).end()
    assert_clean(vx)


@pytest.mark.slow
def test_the_snapshot_of_a_dead_run_is_removed(lab, vx):
    play = Play(lab, "backup", variables(VOL01, method="command", command=["sleep", "600"], output="none"))
    play.until(lambda: any(record["job"] for record in vx.records()), "the copy job", 60)
    play.kill()
    run = vx.record()["run"]
    assert copies(vx) == ["vol01-" + run[-6:]]
    refused = Play(lab, "backup", variables(VOL01)).end(2)
    assert run in str(failures(refused)["node1"])
    Play(lab, "recover", dict(TAKEOVER, snapbackup_takeover=run)).end()
    assert vx.record(run)["result"] == "abandoned"
    assert_clean(vx)


@pytest.mark.slow
def test_a_cache_that_overflows_is_no_complete_backup(lab, vx):
    make_cache(vx, "4m")
    overwrite = vx.script("overwrite", "dd if=/dev/urandom of=/vol01/big bs=1M count=24 conv=fsync", "vxprint -g datadg -ht", "exit 0")
    wanted = variables(dict(VOL01, cache="cache1"), method="command", command=[overwrite], output="none", check=False)
    Play(lab, "backup", wanted).end(2)
    record = vx.record()
    assert record["result"] == "failed" and record["image"] is None and record["undo"] == []
    assert_clean(vx)


def make_cache(host, size):
    host.run("vxassist", "-g", "datadg", "make", "cachevol", size, "init=active")
    host.run("vxmake", "-g", "datadg", "cache", "cache1", "cachevolname=cachevol")
    host.run("vxcache", "-g", "datadg", "start", "cache1")


@pytest.mark.slow
def test_a_space_optimised_snapshot_is_stored_and_leaves_nothing(lab, vx):
    make_cache(vx, "64m")
    vx.fill("/vol01")
    Play(lab, "backup", variables(dict(VOL01, cache="cache1"))).end()
    mark = vx.record()["run"][-6:]
    assert (vx.record()["result"], vx.record()["verdict"]) == ("complete", "filesystem")
    assert [line for line in changes(vx) if mark in line and "make" not in line and "putil2" not in line and "/dev/" not in line] == [
        "vxsnap -g datadg dis vol01-" + mark, "vxedit -g datadg -rf rm vol01-" + mark,
        "vxassist -g datadg snapclear vol01 vol01-%s_snp" % mark,
    ]  # fmt: skip
    assert_clean(vx)


@pytest.mark.slow
def test_a_kept_space_optimised_snapshot_is_restored_from_and_goes(lab, vx):
    make_cache(vx, "64m")
    vx.fill("/vol01")
    then = vx.tree("/vol01")
    volume = dict(VOL01, cache="cache1")
    Play(lab, "backup", variables(volume, retain="until_next_run")).end()
    run = vx.record()["run"]
    vx.fill("/vol01", "later")
    vx.run("umount", "/vol01")
    Play(lab, "restore", variables(volume, restore_from="copy", restore_run=run, confirm=["datadg/vol01"])).end()
    vx.run("mount", "-F", "vxfs", "/dev/vx/dsk/datadg/vol01", "/vol01")
    assert vx.tree("/vol01") == then
    assert_clean(vx)


@pytest.mark.slow
def test_an_instant_mirror_goes_back_where_that_is_over_only_with_its_copy(lab, vx):
    """Of its changes just those regions are copied in which the two differ; the command that does it is left at work."""
    vx.simctl("set", "copying", "foreground")
    wanted = variables(VOL04, after="reattached", method="command", output="none", check=False)
    write = "dd if=/dev/urandom of=/dev/vx/rdsk/datadg/vol04 bs=64k seek=300 count=%d conv=notrunc,fsync"
    vx.run("umount", "/vol04")
    wanted["snapbackup_volumes"] = [{"disk_group": "datadg", "volume": "vol04"}]
    slow = vx.script("slow", write % 320, "python3 /opt/simulator/simctl resync-speed 2MiB >/dev/null")
    Play(lab, "backup", dict(wanted, snapbackup_command=[slow])).end()
    back = next(call for call in vx.journal() if "reattach" in call.words)
    assert back.ended - back.started > 7 and tasks(vx)[-1]["regions"] == 320 and not tasks(vx)[-1]["full"]
    assert list(volumes(vx)["vol04"][2].values()) == ["ACTIVE", "SNAPDONE"] and vx.record()["result"] == "complete"
    assert_clean(vx)


@pytest.mark.slow
def test_a_snapshot_that_is_tracked_is_cleared_and_removed(lab, vx):
    Play(lab, "backup", variables(VOL03)).end()
    copy = "vol03-" + vx.record()["run"][-6:]
    assert changes(vx)[-2:] == ["vxassist -g datadg snapclear " + copy, "vxedit -g datadg -rf rm " + copy]
    assert_clean(vx)


@pytest.mark.slow
def test_a_mirror_that_is_gone_while_it_is_waited_for_is_refused(lab, vx):
    vx.simctl("resync-speed", "stall")
    play = Play(lab, "backup", variables(VOL01))
    # The module that has begun it marks it last, and looks; then it is polled, which asks for the tasks.
    play.until(lambda: re.search("vxedit .* set putil2=.*vxtask ", " ".join(vx.commands())), "a poll of the mirror", 90)
    task = next(line.split()[0] for line in vx.out("vxtask", "list").splitlines() if "vol01-02" in line)
    vx.run("vxtask", "abort", task)
    assert "The snapshot mirror of datadg/vol01 is gone" in str(failures(play.end(2))["node1"])
    assert vx.record()["result"] == "failed"
    assert_clean(vx)


@pytest.mark.slow
def test_a_copy_that_is_kept_makes_room_for_the_next_one(lab, vx):
    """Where there is room for one mirror only."""
    free = [line.split() for line in vx.out("vxdg", "-g", "datadg", "free").splitlines()[1:]]
    for disk, length in [(words[0], int(words[4])) for words in free if words[0] != "disk04"]:
        vx.run("vxassist", "-g", "datadg", "make", "fill" + disk[-2:], str(length), disk)
    largest = int(vx.out("vxassist", "-g", "datadg", "maxsize").split()[3])
    vx.run("vxassist", "-g", "datadg", "make", "fill04", str(largest - (80 << 11)), "disk04")
    wanted = variables(VOL01, retain="until_next_run")
    Play(lab, "backup", wanted).end()
    planned(Play(lab, "backup", wanted, "--check", "--diff").end())
    Play(lab, "backup", wanted).end()
    assert [record["result"] for record in vx.records()] == ["complete", None]
    assert copies(vx) == ["vol01-" + vx.record()["run"][-6:]]


@pytest.mark.slow
def test_twenty_volumes_are_cut_by_one_command(lab):
    # The loop devices of a lab are counted, and each volume and snapshot takes one.
    new(lab, "node2", "vxvm-one")
    host = new(lab, "node1", "vxvm-many")
    names = ["vol%02d" % number for number in range(1, 21)]
    Play(lab, "backup", variables(*[{"disk_group": "datadg", "volume": name} for name in names])).end(seconds=300)
    record = host.record()
    assert (record["result"], len(record["window"]["cuts"]), len(record["members"])) == ("complete", 1, 20)
    assert len([line for line in changes(host) if " snapshot " in line]) == 1
    assert_clean(host)


def test_a_busy_group_is_not_deported_and_the_holder_is_named(vx):
    told = vx.refused("vxvm_disk_group", state="deported", disk_groups=["datadg"], wait=1)
    assert "/vol0" in told["msg"] and "datadg" in told["msg"]
    for number in range(1, 6):
        vx.run("umount", "/vol0%d" % number)
    away = vx.module("vxvm_disk_group", state="deported", disk_groups=["datadg"])
    assert away["after"] == {"datadg": "deported"} and "datadg" not in vx.out("vxdg", "list")
    assert vx.module("vxvm_disk_group", state="started", disk_groups=["datadg"])["after"] == {"datadg": "started"}


def test_a_deport_waits_for_a_process_that_ends(vx):
    for number in range(1, 6):
        vx.run("umount", "/vol0%d" % number)
    holder = vx.start("sh", "-c", "exec sleep 6 </dev/vx/dsk/datadg/vol06")
    away = vx.module("vxvm_disk_group", state="deported", disk_groups=["datadg"], wait=30)
    assert away["after"] == {"datadg": "deported"} and holder.wait(20) == 0
    # It is the first step, to stop the volumes, that is refused while one is open.
    codes = [call.rc for call in vx.journal() if "stopall" in call.words]
    assert len(codes) > 1 and codes[-1] == 0 and 0 not in codes[:-1]


@pytest.mark.parametrize("release", ["8.0", "4.1", "3.5", "3.2"])
def test_every_release_is_read(vx, release):
    vx.simctl("set", "header", release)
    told = vx.module("vxvm_info", disk_groups=["datadg"])
    names = ["datadg/vol0%d" % number for number in range(1, 7)]
    assert all(told["volumes"][name]["healthy"] for name in names) and told["volumes"][names[0]]["bytes"] == 64 << 20
    run = vx.module("backup_run", state="opened", name="data", manager="vxvm")["run"]
    vx.module("vxvm_snapshot", run=run, state="prepared", members=[{"disk_group": "datadg", "volume": "vol06"}])
    wait(lambda: not vx.module("vxvm_info", volumes=["datadg/vol06"])["in_progress"], "the mirror")
    cut = vx.module("vxvm_snapshot", run=run, state="present", members=[{"disk_group": "datadg", "volume": "vol06"}])
    assert cut["verdict"] == "crash"
    vx.module("vxvm_snapshot", run=run, state="absent")
    vx.module("backup_run", run=run, state="closed", result="failed")
    assert_clean(vx)
