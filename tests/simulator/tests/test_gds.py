# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GDS: a domain of two nodes with a proxy and a three-way mirror, and a backup server that sees the same disks."""

import os
import time

import pytest

pytestmark = pytest.mark.slow

SIZES = {"lun%d" % number: "64 MiB" for number in range(1, 7)}
PRIVATE = 65536
BLOCKS = 16 * 2048
CLASSES = {"Class1": {"scope": ["node1", "node2"], "groups": {
    "Group1": {"disks": {"Disk1": "c1t1d1", "Disk2": "c2t1d1"}, "volumes": {"Volume1": {"size": "16 MiB", "pslice": True}}},
    "Group2": {"disks": {"Disk3": "c3t1d1"}, "volumes": {"Volume2": {"size": "16 MiB", "started": False}}},
}}}
DISKS = {"c1t1d1": "lun1", "c2t1d1": "lun2", "c3t1d1": "lun3", "c4t1d1": "lun4"}


class Lab:
    """node1 and node2 manage Class1, node3 sees the disks under other names."""

    def __init__(self, make_host):
        self.node1, self.node2, self.node3 = self.hosts = [make_host("node%d" % number) for number in (1, 2, 3)]
        for host in (self.node1, self.node2):
            host.apply({"gds": {"domain": "primary", "resync_speed": "10 GiB", "sizes": SIZES, "disks": DISKS, "classes": CLASSES}})
        self.node3.apply({"gds": {"domain": "backup", "resync_speed": "10 GiB", "sizes": SIZES, "disks": {
            "c9t%sd9" % device[1]: lun for device, lun in DISKS.items()}}})

    def speed(self, value):
        for host in self.hosts:
            host.ctl("resync-speed", value)


@pytest.fixture
def lab(make_host):
    return Lab(make_host)


def path(host, class_name, name):
    return host.dev / "sfdsk" / class_name / "rdsk" / name


def write(host, class_name, name, data, offset=0):
    fd = os.open(path(host, class_name, name), os.O_WRONLY)
    try:
        os.pwrite(fd, data, offset)
        os.fsync(fd)
    finally:
        os.close(fd)


def read(host, class_name, name, size, offset=0):
    fd = os.open(path(host, class_name, name), os.O_RDONLY)
    try:
        return os.pread(fd, size, offset)
    finally:
        os.close(fd)


def table(text):
    """[{column: word}] of one section."""
    lines = text.splitlines()
    names = lines[0].split()
    return [dict(zip(names, line.split())) for line in lines[2:]]


def slices(host, name, class_name="Class1"):
    rows = table(host.ok("sdxinfo", "-S", "-c", class_name, "-o", name))
    return {row["DISK"]: row["STATUS"] for row in rows if row["VOLUME"] == name}


def volume(host, name, class_name="Class1"):
    rows = table(host.ok("sdxinfo", "-V", "-c", class_name, "-o", name, "-e", "long"))
    return [row for row in rows if row["NAME"] == name][0]


def refused(host, *argv):
    done = host.run(*argv)
    assert done.returncode == 1 and done.stderr.startswith("SDX:%s: ERROR: " % argv[0]), done
    return done.stderr.split("ERROR: ", 1)[1].strip()


def joined(lab):
    lab.node1.ok("sdxproxy", "Join", "-c", "Class1", "-m", "Volume1", "-p", "Volume2", "-e", "waitsync")


def parted(lab, *options):
    joined(lab)
    lab.node1.ok("sdxproxy", "Part", "-c", "Class1", "-p", "Volume2", "-a", "pjrm=off", *options)
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume2", "-e", "allnodes")


def shadow(lab, size=BLOCKS):
    lab.node3.ok("sdxshadowdisk", "-M", "-c", "Class2", "-d", "c9t3d9=Disk3")
    lab.node3.ok("sdxshadowdisk", "-C", "-c", "Class2", "-g", "Group2", "-d", "Disk3")
    return lab.node3.ok("sdxshadowvolume", "-M", "-c", "Class2", "-g", "Group2", "-v", "Volume2", "-s", size)


def test_the_columns_are_those_of_the_guides(lab):
    assert lab.node1.ok("sdxinfo", "-S", "-c", "Class1", "-o", "Volume1").splitlines()[0].split() == [
        "OBJ", "CLASS", "GROUP", "DISK", "VOLUME", "STATUS"]
    assert lab.node1.ok("sdxinfo", "-V", "-c", "Class1", "-o", "Volume1").splitlines()[0].split() == [
        "OBJ", "NAME", "CLASS", "GROUP", "SKIP", "JRM", "1STBLK", "LASTBLK", "BLOCKS", "STATUS"]
    assert lab.node1.ok("sdxinfo", "-V", "-c", "Class1", "-o", "Volume2", "-e", "long").splitlines()[0].split()[:8] == [
        "OBJ", "NAME", "TYPE", "CLASS", "GROUP", "DISK", "MASTER", "PROXY"]
    row = volume(lab.node1, "Volume1")
    assert (row["1STBLK"], row["LASTBLK"], row["BLOCKS"], row["STATUS"]) == (
        str(PRIVATE), str(PRIVATE + BLOCKS - 1), str(BLOCKS), "ACTIVE")
    assert table(lab.node1.ok("sdxinfo", "-C"))[0]["SCOPE"] == "node1:node2"


def test_an_older_release_has_fewer_columns(lab):
    lab.node1.ctl("set", "columns", "old")
    header = lab.node1.ok("sdxinfo", "-V", "-c", "Class1", "-e", "long").splitlines()[0].split()
    assert "PROXY" in header and "PJRM" not in header


def test_a_volume_shows_the_same_on_both_nodes(lab):
    write(lab.node1, "Class1", "Volume1", b"one")
    lab.node2.ok("sdxinfo", "-A")
    assert read(lab.node2, "Class1", "Volume1", 3) == b"one"
    assert slices(lab.node1, "Volume1") == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}


def test_a_parted_proxy_holds_the_master_of_that_instant(lab):
    write(lab.node1, "Class1", "Volume1", b"before")
    joined(lab)
    row = volume(lab.node1, "Volume2")
    assert (row["MASTER"], row["PROXY"], slices(lab.node1, "Volume2")) == ("Volume1", "Join", {"Disk3": "STOP"})
    write(lab.node1, "Class1", "Volume1", b"joined")
    lab.node1.ok("sdxproxy", "Part", "-c", "Class1", "-p", "Volume2", "-a", "pjrm=off")
    write(lab.node1, "Class1", "Volume1", b"after!")
    assert read(lab.node1, "Class1", "Volume2", 6) == b"joined"
    assert (volume(lab.node1, "Volume2")["PROXY"], volume(lab.node1, "Volume2")["STATUS"]) == ("Part", "ACTIVE")


def test_part_is_refused_until_the_copy_has_ended(lab):
    lab.speed("stall")
    lab.node1.ok("sdxproxy", "Join", "-c", "Class1", "-m", "Volume1", "-p", "Volume2")
    assert slices(lab.node1, "Volume2") == {"Disk3": "COPY"}
    assert "copying" in refused(lab.node1, "sdxproxy", "Part", "-c", "Class1", "-p", "Volume2")
    lab.speed("10 GiB")
    deadline = time.monotonic() + 10
    while slices(lab.node1, "Volume2") != {"Disk3": "STOP"}:
        assert time.monotonic() < deadline
    lab.node1.ok("sdxproxy", "Part", "-c", "Class1", "-p", "Volume2")


def test_rejoin_wants_the_proxy_stopped_everywhere(lab):
    joined(lab)
    lab.node1.ok("sdxproxy", "Part", "-c", "Class1", "-p", "Volume2", "-a", "pjrm=off")
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume2")
    assert "active" in refused(lab.node1, "sdxproxy", "Rejoin", "-c", "Class1", "-p", "Volume2")
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume2", "-e", "allnodes")
    lab.node1.ok("sdxproxy", "Rejoin", "-c", "Class1", "-p", "Volume2", "-e", "waitsync")
    copies = lab.node1.show()["gds"]["copies"]
    assert [(row["full"], row["total"]) for row in copies] == [(1, BLOCKS * 512), (1, BLOCKS * 512)]


def test_with_pjrm_only_changes_are_copied(lab):
    joined(lab)
    lab.node1.ok("sdxproxy", "Part", "-c", "Class1", "-p", "Volume2", "-a", "pjrm=on")
    write(lab.node1, "Class1", "Volume1", b"changed")
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume2", "-e", "allnodes")
    lab.node1.ok("sdxproxy", "Rejoin", "-c", "Class1", "-p", "Volume2", "-e", "waitsync")
    assert lab.node1.show()["gds"]["copies"][-1]["total"] == 65536


def test_the_shadow_volume_shows_the_proxy(lab):
    write(lab.node1, "Class1", "Volume1", b"frozen")
    parted(lab)
    write(lab.node1, "Class1", "Volume1", b"later!")
    shadow(lab)
    row = volume(lab.node3, "Volume2", "Class2")
    assert (row["1STBLK"], row["BLOCKS"], row["MODE"]) == (str(PRIVATE), str(BLOCKS), "ro")
    assert read(lab.node3, "Class2", "Volume2", 6) == b"frozen"
    with pytest.raises(OSError):
        write(lab.node3, "Class2", "Volume2", b"never")


def test_a_shadow_volume_of_another_size_shows_something_else(lab):
    write(lab.node1, "Class1", "Volume1", b"frozen")
    parted(lab)
    shadow(lab, BLOCKS - 8)
    assert read(lab.node3, "Class2", "Volume2", 6) == bytes(6)


def test_a_shadow_volume_can_be_made_writable(lab):
    parted(lab)
    shadow(lab)
    lab.node3.ok("sdxshadowvolume", "-F", "-c", "Class2", "-v", "Volume2")
    lab.node3.ok("sdxshadowvolume", "-N", "-c", "Class2", "-v", "Volume2", "-e", "mode=rw")
    write(lab.node3, "Class2", "Volume2", b"fsck")
    assert read(lab.node3, "Class2", "Volume2", 4) == b"fsck"


def test_shadow_objects_go_in_reverse_order_and_leave_the_data(lab):
    parted(lab)
    shadow(lab)
    assert "active" in refused(lab.node3, "sdxshadowvolume", "-R", "-c", "Class2", "-v", "Volume2")
    lab.node3.ok("sdxshadowvolume", "-F", "-c", "Class2", "-v", "Volume2")
    assert "volumes" in refused(lab.node3, "sdxshadowgroup", "-R", "-c", "Class2", "-g", "Group2")
    lab.node3.ok("sdxshadowvolume", "-R", "-c", "Class2", "-v", "Volume2")
    lab.node3.ok("sdxshadowgroup", "-R", "-c", "Class2", "-g", "Group2")
    lab.node3.ok("sdxshadowdisk", "-R", "-c", "Class2", "-d", "Disk3")
    assert lab.node3.ok("sdxinfo", "-C") == ""
    lab.node1.ok("sdxproxy", "Rejoin", "-c", "Class1", "-p", "Volume2", "-e", "waitsync")
    assert slices(lab.node1, "Volume2") == {"Disk3": "STOP"}


def test_only_disks_of_another_domain_can_be_shadowed(lab):
    assert "registered" in refused(lab.node1, "sdxshadowdisk", "-M", "-c", "Class2", "-d", "c3t1d1=Disk3")
    assert "management data" in refused(lab.node3, "sdxshadowdisk", "-M", "-c", "Class2", "-d", "c9t4d9=Disk4")
    assert "named otherwise" in refused(lab.node3, "sdxshadowdisk", "-M", "-c", "Class2", "-d", "c9t3d9=Disk4")
    assert "registered" in refused(lab.node3, "sdxdisk", "-M", "-c", "Class2", "-d", "c9t3d9=Disk3")


def test_a_disk_of_another_class_with_the_same_name_is_taken_for_a_shadow(make_host):
    """GDS cannot tell: the shadow has name and size of the disk that was meant, and what is written to it destroys another one."""
    node1, node2 = make_host("node1"), make_host("node2")
    twins = {name: {"groups": {"Group2": {"disks": {"Disk3": device}, "volumes": {"Volume2": {"size": "16 MiB"}}}}}
             for name, device in (("Class1", "c1t1d1"), ("Class5", "c2t1d1"))}
    sizes = {"lun1": "64 MiB", "lun2": "64 MiB"}
    node1.apply({"gds": {"domain": "primary", "sizes": sizes, "disks": {"c1t1d1": "lun1", "c2t1d1": "lun2"}, "classes": twins}})
    node2.apply({"gds": {"domain": "backup", "sizes": sizes, "disks": {"c9t1d9": "lun1", "c9t2d9": "lun2"}}})
    write(node1, "Class5", "Volume2", b"live")
    node2.ok("sdxshadowdisk", "-M", "-c", "Class2", "-d", "c9t2d9=Disk3")
    node2.ok("sdxshadowdisk", "-C", "-c", "Class2", "-g", "Group2", "-d", "Disk3")
    node2.ok("sdxshadowvolume", "-M", "-c", "Class2", "-g", "Group2", "-v", "Volume2", "-s", str(BLOCKS))
    blocks = {host: [line.split()[6] for line in host.ok("sdxinfo", "-D", "-e", "long").splitlines() if " Disk3 " in line]
              for host in (node1, node2)}
    assert len(set(blocks[node1] + blocks[node2])) == 1
    assert read(node2, "Class2", "Volume2", 4) == b"live"


def test_a_reboot_loses_the_shadow_and_leaves_its_files(lab):
    parted(lab)
    shadow(lab)
    lab.node3.ctl("reboot", "--no-kill")
    assert lab.node3.ok("sdxinfo", "-C") == ""
    assert path(lab.node3, "Class2", "Volume2").exists()


def test_the_master_gets_the_proxys_data_back(lab):
    write(lab.node1, "Class1", "Volume1", b"good")
    parted(lab)
    write(lab.node1, "Class1", "Volume1", b"bad!")
    assert "active" in refused(lab.node1, "sdxproxy", "RejoinRestore", "-c", "Class1", "-p", "Volume2")
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume1", "-e", "allnodes")
    lab.node1.ok("sdxproxy", "RejoinRestore", "-c", "Class1", "-p", "Volume2")
    lab.node1.ok("sdxvolume", "-N", "-c", "Class1", "-v", "Volume1")
    assert read(lab.node1, "Class1", "Volume1", 4) == b"good"
    assert volume(lab.node1, "Volume2")["PROXY"] == "Join"


def test_restore_needs_the_disk_unit(lab):
    parted(lab)
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume1", "-e", "allnodes")
    assert "disk unit" in refused(lab.node1, "sdxproxy", "Restore", "-c", "Class1", "-p", "Volume2")
    lab.node1.ctl("set", "opc", "on")
    lab.node1.ok("sdxproxy", "Restore", "-c", "Class1", "-p", "Volume2")
    assert volume(lab.node1, "Volume2")["PROXY"] == "Part"


def test_a_broken_proxy_is_a_volume_of_its_own(lab):
    joined(lab)
    lab.node1.ok("sdxproxy", "Break", "-c", "Class1", "-p", "Volume2")
    assert (volume(lab.node1, "Volume2")["MASTER"], volume(lab.node1, "Volume2")["PROXY"]) == ("*", "*")


def test_a_detached_slice_holds_the_volume_of_that_instant(lab):
    write(lab.node1, "Class1", "Volume1", b"frozen")
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1", "-a", "jrm=off")
    write(lab.node1, "Class1", "Volume1", b"later!")
    assert read(lab.node1, "Class1", "Disk2.Volume1", 6) == b"frozen"
    assert slices(lab.node1, "Volume1") == {"Disk1": "ACTIVE", "Disk2": "TEMP"}
    assert slices(lab.node2, "Volume1") == {"Disk1": "ACTIVE", "Disk2": "TEMP-STOP"}
    lab.node1.ok("sdxslice", "-R", "-c", "Class1", "-d", "Disk2", "-v", "Volume1", "-e", "waitsync")
    assert slices(lab.node1, "Volume1") == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}
    assert not path(lab.node1, "Class1", "Disk2.Volume1").exists()


def test_what_cannot_be_detached(lab):
    assert "not mirrored" in refused(lab.node1, "sdxslice", "-M", "-c", "Class1", "-d", "Disk3", "-v", "Volume2")
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    assert "not valid" in refused(lab.node1, "sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    assert "no other valid" in refused(lab.node1, "sdxslice", "-M", "-c", "Class1", "-d", "Disk1", "-v", "Volume1")
    lab.node1.ok("sdxslice", "-R", "-c", "Class1", "-d", "Disk2", "-v", "Volume1", "-e", "waitsync")
    joined(lab)
    assert "related" in refused(lab.node1, "sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")


def test_only_the_node_that_detached_reaches_the_slice(lab):
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    lab.node2.ok("sdxinfo", "-S")
    assert not path(lab.node2, "Class1", "Disk2.Volume1").exists()
    assert "access right" in refused(lab.node2, "sdxslice", "-N", "-c", "Class1", "-s", "Disk2.Volume1")
    lab.node2.ok("sdxslice", "-T", "-c", "Class1", "-s", "Disk2.Volume1")
    assert slices(lab.node2, "Volume1")["Disk2"] == "TEMP-STOP"
    lab.node2.ok("sdxslice", "-N", "-c", "Class1", "-s", "Disk2.Volume1")
    assert slices(lab.node2, "Volume1")["Disk2"] == "TEMP" and path(lab.node2, "Class1", "Disk2.Volume1").exists()


def test_a_read_only_slice_refuses_writers(lab):
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1", "-a", "mode=ro")
    with pytest.raises(OSError):
        write(lab.node1, "Class1", "Disk2.Volume1", b"never")


def test_nothing_is_copied_to_a_slice_of_a_stopped_volume(lab):
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume1", "-e", "allnodes")
    lab.node1.ok("sdxslice", "-R", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    assert slices(lab.node1, "Volume1")["Disk2"] == "INVALID"


def test_a_backup_disk_is_added_and_taken_away(lab):
    lab.node1.ok("sdxdisk", "-M", "-c", "Class1", "-d", "c4t1d1=Disk4")
    lab.node1.ok("sdxdisk", "-C", "-c", "Class1", "-g", "Group1", "-d", "Disk4")
    deadline = time.monotonic() + 10
    while slices(lab.node1, "Volume1")["Disk4"] != "ACTIVE":
        assert time.monotonic() < deadline
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk4", "-v", "Volume1")
    assert "detached" in refused(lab.node1, "sdxdisk", "-D", "-c", "Class1", "-g", "Group1", "-d", "Disk4")
    lab.node1.ok("sdxslice", "-R", "-c", "Class1", "-d", "Disk4", "-v", "Volume1", "-e", "waitsync")
    lab.node1.ok("sdxdisk", "-D", "-c", "Class1", "-g", "Group1", "-d", "Disk4")
    lab.node1.ok("sdxdisk", "-R", "-c", "Class1", "-d", "Disk4")
    assert slices(lab.node1, "Volume1") == {"Disk1": "ACTIVE", "Disk2": "ACTIVE"}


def test_a_volume_in_use_is_not_stopped(lab):
    fd = os.open(path(lab.node1, "Class1", "Volume1").parent.parent / "dsk" / "Volume1", os.O_RDWR | os.O_EXCL)
    try:
        assert "in use" in refused(lab.node1, "sdxvolume", "-F", "-c", "Class1", "-v", "Volume1")
    finally:
        os.close(fd)
    lab.node1.ok("sdxvolume", "-F", "-c", "Class1", "-v", "Volume1")
    assert volume(lab.node1, "Volume1")["STATUS"] == "STOP" and volume(lab.node2, "Volume1")["STATUS"] == "ACTIVE"


def test_a_reboot_starts_what_is_not_locked_and_forgets_what_has_changed(lab):
    parted(lab)
    lab.node1.ok("sdxattr", "-V", "-c", "Class1", "-v", "Volume2", "-a", "lock=on")
    lab.node1.ok("sdxattr", "-V", "-c", "Class1", "-v", "Volume2", "-a", "pjrm=on")
    lab.node1.ctl("reboot", "--no-kill")
    assert volume(lab.node1, "Volume1")["STATUS"] == "ACTIVE" and volume(lab.node1, "Volume2")["STATUS"] == "STOP"
    assert "locked" in refused(lab.node1, "sdxvolume", "-N", "-c", "Class1", "-v", "Volume2")
    lab.node1.ok("sdxproxy", "Rejoin", "-c", "Class1", "-p", "Volume2", "-e", "waitsync")
    assert lab.node1.show()["gds"]["copies"][-1]["full"] == 1


def test_cancelled_copying_leaves_an_invalid_slice_that_can_be_copied_again(lab):
    lab.node1.ok("sdxslice", "-M", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    lab.speed("stall")
    lab.node1.ok("sdxslice", "-R", "-c", "Class1", "-d", "Disk2", "-v", "Volume1")
    assert "copying" in refused(lab.node1, "sdxvolume", "-F", "-c", "Class1", "-v", "Volume1")
    lab.node1.ok("sdxcopy", "-C", "-c", "Class1", "-v", "Volume1")
    assert slices(lab.node1, "Volume1")["Disk2"] == "INVALID"
    lab.speed("10 GiB")
    lab.node1.ok("sdxcopy", "-B", "-c", "Class1", "-v", "Volume1")
    assert slices(lab.node1, "Volume1")["Disk2"] == "ACTIVE"


@pytest.mark.parametrize("argv", [
    ("sdxvolume", "-F", "-v", "Volume1"), ("sdxvolume", "-X", "-c", "Class1"), ("sdxproxy", "part", "-c", "Class1", "-p", "Volume2"),
    ("sdxslice", "-M", "-c"), ("sdxinfo", "-Z"), ("sdxdisk",),
])
def test_bad_command_lines_print_the_usage(lab, argv):
    done = lab.node1.run(*argv)
    assert done.returncode == 1 and done.stderr.startswith("usage: %s" % argv[0])


@pytest.mark.parametrize("argv", [
    ("sdxvolume", "-N", "-c", "Class9", "-v", "Volume1"), ("sdxvolume", "-N", "-c", "Class1", "-v", "Volume9"),
    ("sdxinfo", "-V", "-c", "Class1", "-o", "Volume9"), ("sdxproxy", "Part", "-c", "Class1", "-p", "Volume1"),
])
def test_what_is_not_there_is_refused(lab, argv):
    refused(lab.node1, *argv)


def test_a_file_system_on_a_proxy_is_a_real_one(lab):
    assert lab.node1.run("newfs", "/dev/sfdsk/Class1/rdsk/Volume1", data="y\n").returncode == 0
    assert lab.node1.ok("fstyp", "/dev/sfdsk/Class1/rdsk/Volume1") == "ufs\n"
    parted(lab)
    shadow(lab)
    assert lab.node3.ok("fstyp", "/dev/sfdsk/Class2/rdsk/Volume2") == "ufs\n"


def test_a_domain_keeps_its_devices_when_the_host_that_made_them_is_forgotten(lab):
    write(lab.node1, "Class1", "Volume1", b"before")
    lab.node1.ctl("reset")
    # It needs devices of its own then, and takes none that is in use.
    lab.node1.apply({"svm": {"mirrors": {"d1": {"size": "8 MiB", "submirrors": {"d2": "c8t1d0s0", "d3": "c8t2d0s0"}}}}})
    lab.node1.write("d1", b"mirror")
    assert read(lab.node2, "Class1", "Volume1", 6) == b"before"
    lab.node2.ctl("reset")
    assert lab.node1.read("d1", size=6) == b"mirror"
