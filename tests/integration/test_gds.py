# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""GDS slice detachment as a user runs it: Volume1 of Group1 = Disk1 + Disk2 is mounted on /data1, Volume2 is raw."""

import re

import pytest
from conftest import new
from hosts import BACKUP, wait
from plays import Play, failures, planned

pytestmark = pytest.mark.slow

TOPOLOGY = "gds"
VOLUME1, VOLUME2 = "/dev/sfdsk/Class1/rdsk/Volume1", "/dev/sfdsk/Class1/rdsk/Volume2"
SET = {
    "snapbackup_hosts": "node1", "snapbackup_manager": "gds_slice", "snapbackup_name": "data", "snapbackup_class": "Class1",
    "snapbackup_volumes": [{"volume": "Volume1", "disk": "Disk2", "filesystem": "/data1"}], "snapbackup_destination": BACKUP,
    "snapbackup_gds_poll": 1, "snapbackup_poll": 1,
}  # fmt: skip
RELIABLE = dict(
    SET, snapbackup_volumes=[{"volume": "Volume1", "filesystem": "/data1"}, {"volume": "Volume2"}],
    snapbackup_quiesce=[{"driver": "command", "before": ["/bin/true"], "after": ["/bin/true"]}],
    snapbackup_backup_disk={"name": "DiskB", "device": "c3t1d1", "group": "Group1", "confirm": "c3t1d1"},
)  # fmt: skip
CHANGES = re.compile(r"^(lockfs -|sdx(disk|slice|copy|volume|attr)|dd |fsck .*-y )")


@pytest.fixture
def host(lab):
    made = new(lab, "node1", TOPOLOGY)
    made.fill("/data1")
    made.forget()
    return made


def changes(host):
    return [line for line in host.commands() if CHANGES.match(line)]


def slices(host, volume="Volume1"):
    rows = [line.split() for line in host.out("sdxinfo", "-S", "-c", "Class1", "-o", volume).splitlines()[2:]]
    return {row[3]: row[5] for row in rows if row[4] == volume}


def settled(host):
    wait(lambda: set(slices(host).values()) == {"ACTIVE"}, "Volume1 whole")


def nothing_left(host):
    assert host.locks() == []
    assert [record["run"] for record in host.records() if record["closed"] is None or record["undo"]] == []


def test_the_plain_procedure_twice_and_a_restore(host, lab):
    frozen = host.tree("/data1")
    shown = planned(Play(lab, "backup", SET, "--check", "--diff").end())
    assert changes(host) == []
    assert shown == [
        "lockfs -f /data1", "lockfs -w -c snapbackup:<run> /data1",
        "sdxslice -M -c Class1 -a jrm=on,mode=rw -d Disk2 -v Volume1", "lockfs -u /data1",
        "fsck -F ufs -y /dev/sfdsk/Class1/rdsk/Disk2.Volume1",
        "dd if=/dev/sfdsk/Class1/rdsk/Disk2.Volume1 bs=1048576 count=64", "sdxslice -R -c Class1 -d Disk2 -v Volume1",
    ]  # fmt: skip
    for _number in range(2):
        host.forget()
        Play(lab, "backup", SET).end()
        made = [line.replace(host.record()["run"], "<run>") for line in changes(host)]
        assert made == shown
    assert [(record["result"], record["verdict"]) for record in host.records()] == [("complete", "filesystem")] * 2
    assert slices(host) == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}
    nothing_left(host)

    host.run("sh", "-c", "rm /data1/data.*")
    variables = {"snapbackup_hosts": "node1", "snapbackup_manifest": host.record()["image"], "snapbackup_confirm": ["Volume1"]}
    assert "mounted on /data1" in failures(Play(lab, "restore", variables).end(2))["node1"][0]
    host.run("umount", "/data1")
    Play(lab, "restore", variables).end()
    assert host.sha256(VOLUME1) == host.json(variables["snapbackup_manifest"])["images"][0]["sha256"]
    host.run("mount", "-F", "ufs", "/dev/sfdsk/Class1/dsk/Volume1", "/data1")
    assert frozen.items() <= host.tree("/data1").items()
    nothing_left(host)


@pytest.mark.parametrize("more, attributes", [
    ({"snapbackup_check": False}, "jrm=on,mode=ro"), ({"snapbackup_check": False, "snapbackup_method": "tar"}, "jrm=on,mode=rw"),
    ({"snapbackup_check": False, "snapbackup_slice_access": "rw", "snapbackup_slice_jrm": False}, "jrm=off,mode=rw"),
])  # fmt: skip
def test_a_slice_is_detached_with_what_is_asked_for(host, lab, more, attributes):
    shown = planned(Play(lab, "backup", dict(SET, **more), "--check", "--diff").end())
    assert [line for line in shown if "sdxslice -M" in line] == ["sdxslice -M -c Class1 -a %s -d Disk2 -v Volume1" % attributes]
    assert [line for line in shown if line.startswith("fsck")] == []


def test_a_check_that_could_not_write_is_refused_before_anything_is_touched(host, lab):
    output = Play(lab, "backup", dict(SET, snapbackup_slice_access="ro")).end(2)
    assert "snapbackup_slice_access is ro" in failures(output)["node1"][0] and changes(host) == []


def test_the_reliable_procedure_adds_a_disk_and_takes_it_away(host, lab):
    raw = host.sha256(VOLUME2)
    shown = planned(Play(lab, "backup", RELIABLE, "--check", "--diff").end())
    assert changes(host) == []
    Play(lab, "backup", RELIABLE).end()
    made = changes(host)
    assert made == [line.replace("<run>", host.record()["run"]) for line in shown if not line.startswith("true")]
    assert [line.split()[:2] for line in made if line.startswith("sdx")] == [
        ["sdxdisk", "-M"], ["sdxdisk", "-C"], ["sdxslice", "-M"], ["sdxslice", "-M"], ["sdxslice", "-R"], ["sdxslice", "-R"],
        ["sdxdisk", "-D"], ["sdxdisk", "-R"],
    ]  # fmt: skip
    assert slices(host) == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}
    manifest = host.json(host.record()["image"])
    assert {image["volume"]: image["sha256"] for image in manifest["images"]}["Volume2"] == raw
    nothing_left(host)


def test_what_a_preparation_has_connected_is_used(host, lab):
    Play(lab, "prepare", RELIABLE).end()
    assert slices(host)["DiskB"] == "ACTIVE"
    host.forget()
    Play(lab, "backup", RELIABLE).end()
    assert [line.split()[:2] for line in changes(host) if line.startswith("sdxdisk")] == [["sdxdisk", "-D"], ["sdxdisk", "-R"]]
    assert slices(host) == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}


@pytest.mark.parametrize("moment", ["copying", "storing"])
def test_a_killed_controller_is_recovered_from(host, lab, moment):
    if moment == "copying":
        host.simctl("resync-speed", "stall")
    else:
        host.fault("dd", "hang")
    play = Play(lab, "backup", RELIABLE)
    word = "COPY" if moment == "copying" else "TEMP"
    play.until(lambda: slices(host).get("DiskB") == word, "DiskB in state %s" % word, 60)
    if moment == "storing":
        play.until(lambda: host.record()["job"], "the copy job", 60)
    play.kill()
    host.simctl("resync-speed", "1 GiB")
    host.simctl("fault", "clear")
    run = host.record()["run"]
    host.age(run)
    # A copy job that still reads makes its run a living one, whatever became of the controller.
    taken = {"snapbackup_takeover": run} if moment == "storing" else {}
    Play(lab, "recover", dict(taken, snapbackup_hosts="node1", snapbackup_gds_poll=1)).end()
    assert slices(host) == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}
    assert host.record()["result"] == "abandoned" and host.manifests() == []
    nothing_left(host)


def test_a_reboot_ends_the_store_and_the_slice_comes_home(host, lab):
    host.fault("dd", "hang")
    play = Play(lab, "backup", SET)
    play.until(lambda: slices(host).get("Disk2") == "TEMP" and host.record()["job"], "a store that hangs", 60)
    play.kill()
    host.simctl("fault", "clear")
    host.simctl("reboot")
    Play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_gds_poll": 1}).end()
    settled(host)
    assert host.record()["result"] == "abandoned" and host.manifests() == []
    nothing_left(host)


@pytest.mark.parametrize("command, words", [
    (["sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1"], "no run on this host has done it"),
    (["sdxattr", "-V", "-c", "Class1", "-v", "Volume1", "-a", "pslice=off"], "pslice=off"),
])  # fmt: skip
def test_what_cannot_be_detached_is_refused_before_anything_is_touched(host, lab, command, words):
    if command[0] == "sdxattr":
        host.run("umount", "/data1")
        host.run("sdxvolume", "-F", "-c", "Class1", "-v", "Volume1")
    host.run(*command)
    if command[0] == "sdxattr":
        host.run("sdxvolume", "-N", "-c", "Class1", "-v", "Volume1")
        host.run("mount", "-F", "ufs", "/dev/sfdsk/Class1/dsk/Volume1", "/data1")
    host.forget()
    assert words in failures(Play(lab, "backup", SET).end(2))["node1"][0]
    assert changes(host) == [] and host.records() == []
