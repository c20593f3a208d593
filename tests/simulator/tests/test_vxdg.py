# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxdg(1M) and vxdisk(1M): two hosts that share disks, split and join, what open volumes refuse."""

import os
import shutil

import pytest

DISKS = {"disk%02d" % (number + 1): "c1t%dd0s2" % number for number in range(3)}
SHARED = {"vxvm": {"resync_speed": "10 GiB", "disk_groups": {"datadg": {
    "host": "node1", "disks": DISKS, "volumes": {"vol01": {"size": "16 MiB", "disks": ["disk01"], "dco": True}}}}}}
ERROR = "VxVM vxdg ERROR V-5-1-%d %s\n"


@pytest.fixture
def pair(host):
    """node1 has the group; node2 sees its disks."""
    other = type(host)(host.machine, "node2")
    host.apply(SHARED)
    other.apply(SHARED)
    yield host, other
    other.ctl("reset")
    shutil.rmtree(other.directory)


def names(host):
    """Names of the groups a host has imported."""
    return [line.split()[0] for line in host.ok("vxdg", "-q", "list").splitlines()]


def kstates(host, group):
    """{volume: KSTATE} of a group, without log volumes."""
    rows = [line.split() for line in host.ok("vxprint", "-g", group, "-vt").splitlines() if line.startswith("v ")]
    return {row[1]: row[3] for row in rows if not row[1].endswith("_dcl")}


def split_off(host):
    """A snapshot of vol01 on disk03, in a group of its own."""
    host.ok("vxassist", "-g", "datadg", "snapstart", "vol01", "disk03")
    host.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "snap01")
    host.ok("vxdg", "split", "datadg", "offdg", "snap01")


def test_listings(vxvm):
    text = vxvm.ok("vxdg", "list")
    dgid = text.split()[-1]
    assert text == "NAME         STATE           ID\ndatadg       enabled,cds     %s\n" % dgid
    assert vxvm.ok("vxdg", "-q", "list") == text.splitlines(True)[1]
    details = vxvm.ok("vxdg", "list", "datadg")
    assert "Group:     datadg\ndgid:      %s\n" % dgid in details and "\nssb:\t\ton\n" in details and "version:   160\n" in details
    assert vxvm.ok("vxdg", "-g", "datadg", "free").splitlines()[:2] == [
        "DISK         DEVICE       TAG          OFFSET    LENGTH    FLAGS",
        "disk01       c1t0d0s2     c1t0d0       65536     8323072   -"]
    assert vxvm.refused("vxdg", "list", "nodg", rc=11) == ERROR % (2275, "vxdg: Disk group nodg: No such disk group")
    assert vxvm.refused("vxdg", "destroy", "nodg", rc=11) == ERROR % (2275, "vxdg: Disk group nodg: No such disk group")
    assert vxvm.ok("vxdisk", "list").splitlines()[:2] == [
        "DEVICE          TYPE            DISK         GROUP        STATUS",
        "c1t0d0s2     auto:cdsdisk    disk01       datadg       online"]


def test_off_host_and_back(pair):
    node1, node2 = pair
    node1.write("datadg/vol01", b"image")
    split_off(node1)
    node1.write("datadg/vol01", b"later")
    assert kstates(node1, "offdg") == {"snap01": "DISABLED"} and kstates(node1, "datadg") == {"vol01": "ENABLED"}
    with pytest.raises(OSError):
        os.open(node1.device("offdg/snap01"), os.O_RDONLY)
    node1.ok("vxdg", "deport", "offdg")
    assert not node1.device("offdg/snap01").exists()
    assert "c1t2d0s2     auto:cdsdisk    -            (offdg)      online\n" in node2.ok("vxdisk", "-o", "alldgs", "list")

    node2.ok("vxdg", "-t", "import", "offdg")
    assert names(node2) == ["offdg"] and kstates(node2, "offdg") == {"snap01": "DISABLED"}
    node2.ok("vxrecover", "-g", "offdg", "-m", "snap01")
    node2.ok("vxvol", "-g", "offdg", "startall")
    assert node2.read("offdg/snap01", size=5) == b"image"
    assert "hostid:    node2\n" in node1.ok("vxdisk", "list", "c1t2d0s2") and "hostid:  node1\n" in node1.ok("vxdctl", "list")
    node2.ok("vxdg", "deport", "offdg")
    assert "hostid:    \n" in node1.ok("vxdisk", "list", "c1t2d0s2"), "nobody's, so that anybody may import it"

    node1.ok("vxdg", "import", "offdg")
    node1.ok("vxdg", "join", "offdg", "datadg")
    assert names(node1) == ["datadg"] and kstates(node1, "datadg") == {"vol01": "ENABLED", "snap01": "DISABLED"}
    assert node1.refused("vxassist", "-g", "datadg", "snapback", "snap01", rc=28)
    node1.ok("vxvol", "-g", "datadg", "start", "snap01")
    node1.ok("vxassist", "-g", "datadg", "snapback", "snap01")
    task = node1.show()["vxvm"]["tasks"][-1]
    assert (task["full"], task["regions"]) == (0, 1), "the map in the DCO travelled with it"


def test_a_map_in_memory_does_not_survive_a_move(vxvm):
    vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "vol01", "disk03")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "snap01")
    vxvm.ok("vxdg", "split", "datadg", "offdg", "snap01")
    vxvm.ok("vxdg", "join", "offdg", "datadg")
    vxvm.ok("vxvol", "-g", "datadg", "startall")
    vxvm.ok("vxassist", "-g", "datadg", "snapback", "snap01")
    assert vxvm.show()["vxvm"]["tasks"][-1]["full"] == 1


def test_only_one_host_has_a_group(pair):
    node1, node2 = pair
    assert names(node2) == [] and node2.refused("vxvol", "-g", "datadg", "startall", rc=9)
    assert node2.refused("vxdg", "import", "datadg", rc=20) == ERROR % (
        10978, "Disk group datadg: import failed: Disk is in use by another host")
    assert node2.refused("vxdg", "import", "nodg", rc=20) == ERROR % (
        10978, "Disk group nodg: import failed: No valid disk found containing disk group")
    node2.ctl("set", "import_error", "587")
    assert "V-5-1-587" in node2.refused("vxdg", "import", "nodg", rc=20)
    assert "exists and is imported" in node1.refused("vxdg", "import", "datadg", rc=20)
    node2.ok("vxdg", "-C", "import", "datadg")
    assert (names(node1), names(node2)) == ([], ["datadg"])


def test_a_lock_can_be_cleared_and_handed_over(pair):
    node1, node2 = pair
    node1.ok("vxdg", "-h", "node3", "deport", "datadg")
    assert "another host" in node2.refused("vxdg", "import", "datadg", rc=20)
    node2.ok("vxdisk", "clearimport", "c1t0d0s2")
    node2.ok("vxdg", "import", "datadg")
    assert "hostid:    node2\n" in node1.ok("vxdisk", "list", "c1t0d0s2")


def test_a_temporary_import_under_another_name(pair):
    node1, node2 = pair
    node1.ok("vxdg", "deport", "datadg")
    node2.ok("vxdg", "-t", "-n", "tempdg", "import", "datadg")
    assert names(node2) == ["tempdg"] and node2.ok("vxvol", "-g", "tempdg", "startall") == ""
    node2.ctl("reboot", "--no-kill")
    assert names(node2) == [], "a temporary import does not survive a boot"
    assert "another host" in node1.refused("vxdg", "import", "datadg", rc=20)
    node1.ok("vxdg", "-C", "import", "datadg")
    assert names(node1) == ["datadg"]


def test_an_open_volume_keeps_its_group(pair):
    node1, _node2 = pair
    with open(node1.device("datadg/vol01"), "rb"):
        assert node1.refused("vxdg", "deport", "datadg", rc=31) == ERROR % (
            584, "Disk group datadg: Some volumes in the disk group are in use")
        assert node1.refused("vxdg", "destroy", "datadg", rc=31)
        assert node1.refused("vxvol", "-g", "datadg", "stopall", rc=31)
    assert node1.read("datadg/vol01", size=1) == b"\0"
    node1.ok("vxdg", "deport", "datadg")
    assert names(node1) == []


def test_split_of_what_shares_a_disk(vxvm):
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "vol01", "disk02")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "snap01")
    assert "not self-contained: vol02" in vxvm.refused("vxdg", "split", "datadg", "offdg", "snap01", rc=20)
    assert "not self-contained: vol02" in vxvm.refused("vxdg", "listmove", "datadg", "offdg", "snap01", rc=20)
    assert vxvm.ok("vxdg", "-o", "expand", "listmove", "datadg", "offdg", "snap01").splitlines() == [
        "disk02 c1t1d0s2", "snap01", "vol02", "vol01-02", "vol02-01", "disk02-02", "disk02-01"]
    with open(vxvm.device("datadg/vol02"), "rb"):
        assert vxvm.refused("vxdg", "-o", "expand", "split", "datadg", "offdg", "snap01", rc=31)
    assert names(vxvm) == ["datadg"], "a split that is refused leaves no group behind"
    vxvm.ok("vxdg", "-o", "expand", "split", "datadg", "offdg", "snap01")
    assert kstates(vxvm, "offdg") == {"snap01": "DISABLED", "vol02": "DISABLED"}


def test_other_refusals_of_split_and_join(vxvm):
    assert vxvm.refused("vxdg", "split", "datadg", "offdg", "nothing", rc=11)
    assert "no disk would be left" in vxvm.refused("vxdg", "split", "datadg", "offdg", *DISKS, "disk04", rc=20)
    vxvm.ok("vxdg", "split", "datadg", "offdg", "vol02")
    assert vxvm.refused("vxdg", "split", "datadg", "offdg", "vol01", rc=12)
    vxvm.ok("vxassist", "-g", "datadg", "make", "vol02", "8m")
    assert "Record vol02 already exists" in vxvm.refused("vxdg", "join", "offdg", "datadg", rc=12)


def test_what_is_listed_goes_along_with_its_log(pair):
    node1, _node2 = pair
    node1.ok("vxassist", "-g", "datadg", "snapstart", "vol01", "disk03")
    node1.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "snap01")
    listed = node1.ok("vxdg", "-o", "expand", "listmove", "datadg", "offdg", "snap01").splitlines()
    assert listed[:3] == ["disk03 c1t2d0s2", "snap01", "snap01_dcl"]
    assert names(node1) == ["datadg"], "listed only"
    node1.ok("vxdg", "-o", "expand", "split", "datadg", "offdg", "snap01")
    gone = [line.split()[1] for line in node1.ok("vxprint", "-g", "offdg", "-ht").splitlines() if line[:2] in ("v ", "pl", "sd")]
    assert sorted(gone) == sorted(listed[1:])
    assert node1.refused("vxdg", "listmove", "datadg", "offdg", rc=1)


def test_a_split_that_died_before_the_join_is_joined_after_a_boot(pair):
    node1, node2 = pair
    split_off(node1)
    node1.ctl("reboot", "--no-kill")
    assert sorted(names(node1)) == ["datadg", "offdg"]
    assert "another host" in node2.refused("vxdg", "-t", "import", "offdg", rc=20)
    node1.ok("vxdg", "join", "offdg", "datadg")
    node1.ok("vxrecover", "-g", "datadg", "-m", "snap01")
    node1.ok("vxvol", "-g", "datadg", "start", "snap01")
    assert kstates(node1, "datadg") == {"vol01": "ENABLED", "snap01": "ENABLED"}


def test_an_old_group_cannot_be_split(host):
    host.apply({"vxvm": {"disk_groups": {"datadg": {"version": 60, "disks": DISKS, "volumes": {"vol01": {"size": "8 MiB"}}}}}})
    assert "version 60" in host.refused("vxdg", "split", "datadg", "offdg", "vol01", rc=20)


def test_new_groups(host):
    host.apply({"vxvm": {"disks": ["c2t0d0s2"], "disk_groups": {"datadg": {"disks": DISKS}}}})
    assert host.refused("vxdg", "init", "newdg", "disk01=c1t1d0s2", rc=20) == ERROR % (
        2349, "Device c1t1d0s2 appears to be owned by disk group datadg.")
    host.ok("vxdg", "init", "newdg", "new01=c2t0d0s2")
    host.ok("vxassist", "-g", "newdg", "make", "vol01", "8m")
    assert sorted(names(host)) == ["datadg", "newdg"]
    host.ok("vxdg", "destroy", "newdg")
    assert names(host) == ["datadg"] and not host.device("newdg/vol01").exists()
