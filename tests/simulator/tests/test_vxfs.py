# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VxFS: mount(1M), fsck(1M), fstyp(1M), mkfs(1M), the mount table, and that a snapshot of one is clean."""

import os
import shutil
import subprocess
import threading

import pytest

VOL01 = "/dev/vx/dsk/datadg/vol01"


def take(host, name="SNAP-vol01"):
    """A snapshot of vol01; the path of its block device."""
    host.ok("vxassist", "-g", "datadg", "snapstart", "vol01")
    host.ok("vxassist", "-g", "datadg", "snapshot", "vol01", name)
    return "/dev/vx/dsk/datadg/" + name


def mount_table(host):
    """[(special, mount point, type)] of /etc/mnttab without the root."""
    return [tuple(line.split("\t")[:3]) for line in (host.etc / "mnttab").read_text().splitlines()[1:]]


def test_it_is_presented_as_vxfs(vxfs):
    assert mount_table(vxfs) == [(VOL01, str(vxfs.point), "vxfs")]
    assert vxfs.ok("fstyp", VOL01) == "vxfs\n"
    assert vxfs.run("fstyp", "/dev/vx/dsk/datadg/vol02").stdout == "unknown_fstyp (no matches)\n"


def test_the_snapshot_of_a_mounted_one_is_clean_and_has_its_files(vxfs):
    (vxfs.point / "file").write_text("written a moment ago")
    special = take(vxfs)
    (vxfs.point / "file").write_text("later")
    raw = special.replace("dsk", "rdsk")
    assert vxfs.ok("fsck", "-F", "vxfs", "-y", raw) == "file system is clean - log replay is not required\n"
    point = vxfs.directory / "snap"
    point.mkdir()
    vxfs.ok("mount", "-F", "vxfs", "-o", "ro", special, point)
    assert (point / "file").read_text() == "written a moment ago"
    assert (special, str(point), "vxfs") in mount_table(vxfs)
    assert vxfs.refused("vxedit", "-g", "datadg", "-rf", "rm", "SNAP-vol01", rc=31)
    vxfs.ok("umount", point)
    assert mount_table(vxfs) == [(VOL01, str(vxfs.point), "vxfs")]


def test_a_file_system_that_somebody_froze_stays_frozen(vxfs):
    subprocess.run(["fsfreeze", "-f", str(vxfs.point)], check=True)
    guard = threading.Timer(20, subprocess.run, [["fsfreeze", "-u", str(vxfs.point)]])
    guard.start()
    try:
        take(vxfs)
    finally:
        thawed = subprocess.run(["fsfreeze", "-u", str(vxfs.point)], check=False)
        guard.cancel()
    assert thawed.returncode == 0, "it was frozen until we thawed it"


def test_a_copy_of_a_mounted_one_needs_its_log_replayed(vxfs):
    """What a raw copy has without the freeze of a snapshot."""
    (vxfs.point / "file").write_text("x" * 100000)
    os.sync()
    vxfs.ok("vxassist", "-g", "datadg", "make", "copy", "32m", "usetype=gen")
    shutil.copyfile(vxfs.device("datadg/vol01"), vxfs.device("datadg/copy"))
    special, point = "/dev/vx/dsk/datadg/copy", vxfs.directory / "copy"
    point.mkdir()
    assert vxfs.run("fsck", "-F", "vxfs", "-m", special).returncode == 32
    done = vxfs.run("mount", "-F", "vxfs", "-o", "ro", special, point)
    assert done.stderr == "UX:vxfs mount: ERROR: V-3-21268: %s is corrupted. needs checking\n" % special and done.returncode != 0
    assert vxfs.ok("fsck", "-F", "vxfs", "-y", special.replace("dsk", "rdsk")).startswith("log replay in progress\n")
    assert vxfs.run("fsck", "-F", "vxfs", "-m", special).returncode == 0
    vxfs.ok("mount", "-F", "vxfs", special, point)
    assert (point / "file").read_text() == "x" * 100000
    vxfs.ok("umount", point)


@pytest.mark.parametrize("letter", ["-F", "-t", "-V"])
def test_the_type_is_named_as_on_each_platform(vxfs, letter):
    special, point = take(vxfs), vxfs.directory / "snap"
    point.mkdir()
    vxfs.ok("fsck", letter, "vxfs", "-y", special)
    vxfs.ok("mount", letter, "vxfs", "-o", "ro", special, point)
    vxfs.ok("umount", special)


def test_full_check(vxfs):
    raw = take(vxfs).replace("dsk", "rdsk")
    assert "pass4 - checking resource maps\n" in vxfs.ok("fsck", "-F", "vxfs", "-o", "full", "-y", raw)


def test_refusals(vxfs):
    def answer(*argv):
        done = vxfs.run(*argv)
        assert done.returncode != 0
        return done.stderr
    assert "already mounted" in answer("mount", "-F", "vxfs", VOL01, vxfs.directory)
    assert "is mounted, fsck is not allowed" in answer("fsck", "-F", "vxfs", "-y", VOL01)
    assert "is mounted, cannot mkfs" in answer("mkfs", "-F", "vxfs", VOL01.replace("dsk", "rdsk"))
    assert "not a valid vxfs file system" in answer("mount", "-F", "vxfs", "/dev/vx/dsk/datadg/vol02", vxfs.directory)
    assert "Cannot open" in answer("fsck", "-F", "vxfs", "-y", "/dev/vx/rdsk/datadg/nothing")
    assert "is not this fstype" in answer("mount", "-F", "ufs", take(vxfs), vxfs.directory)
    with open(vxfs.point / "busy", "w"):
        assert "Device busy" in answer("umount", vxfs.point)


def test_a_stopped_volume_cannot_be_checked(vxfs):
    raw = take(vxfs).replace("dsk", "rdsk")
    vxfs.ok("vxvol", "-g", "datadg", "stop", "SNAP-vol01")
    done = vxfs.run("fsck", "-F", "vxfs", "-y", raw)
    assert done.returncode == 34 and "No such device or address" in done.stderr


def test_ufs_on_a_volume_is_left_to_ufs(host):
    group = {"disks": {"disk01": "c1t0d0s2"}, "volumes": {"vol02": {"size": "16 MiB"}}}
    host.apply({"vxvm": {"disk_groups": {"datadg": group}}, "ufs": {str(host.directory / "vol02"): "/dev/vx/dsk/datadg/vol02"}})
    assert mount_table(host) == [("/dev/vx/dsk/datadg/vol02", str(host.directory / "vol02"), "ufs")]
    assert host.ok("fstyp", "/dev/vx/dsk/datadg/vol02") == "ufs\n"


def test_mkfs(vxfs):
    assert "version 7 layout" in vxfs.ok("mkfs", "-F", "vxfs", "/dev/vx/rdsk/datadg/vol02")
    assert vxfs.ok("fstyp", "/dev/vx/dsk/datadg/vol02") == "vxfs\n"


def test_a_boot_mounts_it_again(vxfs):
    (vxfs.point / "file").write_text("kept")
    vxfs.ctl("reboot", "--no-kill")
    assert mount_table(vxfs) == [(VOL01, str(vxfs.point), "vxfs")] and (vxfs.point / "file").read_text() == "kept"


def test_the_procedure_of_the_oldest_manual(host):
    """No -g, for there is always rootdg, whose devices have no group in their names."""
    group = {"disks": {"disk01": "c1t0d0s2", "disk02": "c1t1d0s2"}, "volumes": {"vol01": {"size": "32 MiB"}}}
    point = host.directory / "vol01"
    host.apply({"vxvm": {"header": "3.5", "messages": "old", "resync_speed": "10 GiB", "disk_groups": {"rootdg": group}},
                "vxfs": {str(point): "/dev/vx/dsk/vol01"}})
    (point / "file").write_text("written")
    for verb in ("snapstart", "snapwait"):
        host.ok("vxassist", verb, "vol01")
    host.ok("vxassist", "snapshot", "vol01", "temp_volume_name")
    assert host.ok("fsck", "-y", "/dev/vx/rdsk/temp_volume_name") == "file system is clean - log replay is not required\n"
    assert host.read("rootdg/temp_volume_name", size=65536).count(b"vxfs") == 1
    host.ok("vxedit", "-rf", "rm", "temp_volume_name")
    assert host.refused("vxassist", "snapshot", "vol01", "temp", rc=20).startswith("vxvm:vxassist: ERROR: ")
