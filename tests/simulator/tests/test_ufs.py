# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mount, umount, fsck, fstyp, newfs and kstat."""

import os
import subprocess

import pytest

ROOT = "/dev/dsk/c0t0d0s0\t/\tufs\trw,intr,largefiles,logging,xattr,onerror=panic,dev=800000\t"


@pytest.fixture
def there(ufs):
    """An empty directory to mount at."""
    path = ufs.directory / "there"
    path.mkdir()
    return path


def entries(host):
    """The fields of /etc/mnttab."""
    return [line.split("\t") for line in (host.etc / "mnttab").read_text().splitlines()]


def crash_cut(host):
    """Cut with data on its way: nothing is locked, so the image has a log to replay."""
    fd = os.open(host.point / "synced", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"data")
    os.fsync(fd)
    os.close(fd)
    host.ok("metaoffline", "d1", "d3")


def test_mnttab(ufs, there):
    assert (ufs.etc / "mnttab").read_text().startswith(ROOT)
    rows = entries(ufs)
    assert [row[:3] for row in rows[1:]] == [["/dev/md/dsk/d1", str(ufs.point), "ufs"]]
    assert rows[1][3].startswith("rw,intr,largefiles,logging,xattr,onerror=panic,dev=") and rows[1][4].isdigit()
    ufs.ok("metaoffline", "d1", "d3")
    ufs.ok("mount", "-F", "ufs", "-o", "ro", "/dev/md/dsk/d3", there)
    assert entries(ufs)[2][:3] == ["/dev/md/dsk/d3", str(there), "ufs"]
    assert entries(ufs)[2][3].startswith("ro,")
    with pytest.raises(OSError):
        (there / "x").write_text("x")
    ufs.ok("umount", "/dev/md/dsk/d3")
    assert len(entries(ufs)) == 2 and not os.path.ismount(there)


def test_mount_refusals(ufs, there):
    def refused(*args):
        done = ufs.run("mount", "-F", "ufs", *args)
        assert done.returncode == 33
        return done.stderr
    assert refused("/dev/md/dsk/d9", there) == "mount: /dev/md/dsk/d9 or %s, no such file or directory\n" % there
    assert refused("/dev/md/dsk/d1", there) == "mount: /dev/md/dsk/d1 is already mounted or %s is busy\n" % there
    ufs.ok("metaoffline", "d1", "d3")
    assert refused("/dev/md/dsk/d3", there) == "mount: /dev/md/dsk/d3 write-protected\n"
    ufs.ok("metadetach", "d1", "d3")
    ufs.write("d3", b"\0" * 8192)
    assert refused("/dev/md/dsk/d3", there) == "mount: /dev/md/dsk/d3 is not this fstype\n"


def test_other_mounts_go_to_the_real_tool(ufs, there):
    assert ufs.run("mount", "-t", "tmpfs", "none", there).returncode == 0
    assert os.path.ismount(there)
    assert ufs.run("umount", there).returncode == 0
    assert not os.path.ismount(there)
    assert len(entries(ufs)) == 2


def test_busy_umount(ufs):
    with open(ufs.point / "file", "w"):
        done = ufs.run("umount", ufs.point)
    assert (done.returncode, done.stderr) == (1, "umount: %s busy\n" % ufs.point)
    assert len(entries(ufs)) == 2


def test_umount_of_a_locked_file_system(ufs):
    ufs.ok("lockfs", "-w", ufs.point)
    ufs.ok("umount", ufs.point)
    ufs.ok("mount", ufs.point)
    assert ufs.ok("lockfs") == ""
    (ufs.point / "x").write_text("x")


def test_unclean_image_is_replayed_in_memory_for_a_read_only_mount(ufs, there):
    crash_cut(ufs)
    before = ufs.read("d3", 0, 32 << 20)
    done = ufs.run("fsck", "-F", "ufs", "-m", "/dev/md/rdsk/d3")
    assert (done.returncode, done.stderr) == (32, "ufs fsck: sanity check: /dev/md/rdsk/d3 needs checking\n")
    ufs.ok("mount", "-F", "ufs", "-o", "ro", "/dev/md/dsk/d3", there)
    assert (there / "synced").read_text() == "data"
    ufs.ok("umount", there)
    assert ufs.read("d3", 0, 32 << 20) == before
    assert sorted(os.listdir(ufs.machine / "san/volumes/node1")) == ["d1.img", "d3.img"]


def test_unclean_detached_one_must_be_checked_before_a_writable_mount(ufs, there):
    crash_cut(ufs)
    ufs.ok("metadetach", "d1", "d3")
    done = ufs.run("mount", "-F", "ufs", "/dev/md/dsk/d3", there)
    assert (done.returncode, done.stdout) == (33, "mount: Please run fsck and try again\n")
    assert done.stderr == ("mount: The state of /dev/md/dsk/d3 is not okay\n\tand it was attempted to be mounted read/write\n")
    text = ufs.ok("fsck", "-F", "ufs", "-y", "/dev/md/rdsk/d3")
    assert text.startswith("** /dev/md/rdsk/d3\n** Last Mounted on %s\n** Phase 1 - Check Blocks and Sizes\n" % ufs.point)
    ufs.ok("mount", "-F", "ufs", "/dev/md/dsk/d3", there)
    assert (there / "synced").read_text() == "data"
    ufs.ok("umount", there)


def test_fsck_of_an_offlined_one_never_writes(ufs):
    crash_cut(ufs)
    before = ufs.read("d3", 0, 32 << 20)
    text = ufs.run("fsck", "-F", "ufs", "-y", "/dev/md/rdsk/d3").stdout
    assert text.startswith("** /dev/md/rdsk/d3 (NO WRITE)\n")
    assert "** Phase 5 - Check Cylinder Groups\n" in text and " files, " in text.splitlines()[-1]
    done = ufs.run("fsck", "-F", "ufs", "-o", "p", "/dev/md/rdsk/d3")
    assert (done.returncode, done.stdout) == (39, "/dev/md/rdsk/d3: (NO WRITE ACCESS)\n")
    assert ufs.read("d3", 0, 32 << 20) == before


def test_fsck_exit_codes(ufs):
    done = ufs.run("fsck", "-F", "ufs", "-m", "/dev/md/rdsk/d1")
    assert (done.returncode, done.stderr) == (33, "ufs fsck: sanity check: /dev/md/rdsk/d1 already mounted\n")
    done = ufs.run("fsck", "-F", "ufs", "-m", "/dev/md/rdsk/d9")
    assert (done.returncode, done.stderr) == (34, "ufs fsck: sanity check failed : cannot stat /dev/md/rdsk/d9\n")
    ufs.ok("umount", ufs.point)
    done = ufs.run("fsck", "-F", "ufs", "-m", "/dev/md/rdsk/d1")
    assert (done.returncode, done.stderr) == (0, "ufs fsck: sanity check: /dev/md/rdsk/d1 okay\n")
    assert ufs.run("fsck", "-F", "ufs", "-n", "/dev/md/rdsk/d1").returncode == 0
    subprocess.run(["debugfs", "-w", "-R", "clri lost+found", str(ufs.device("d1"))], stderr=subprocess.DEVNULL, check=True)
    assert ufs.run("fsck", "-F", "ufs", "-n", "/dev/md/rdsk/d1").returncode == 36
    done = ufs.run("fsck", "-F", "ufs", "-y", "/dev/md/rdsk/d1")
    assert done.returncode == 0 and "***** FILE SYSTEM WAS MODIFIED *****\n" in done.stdout
    assert ufs.run("fsck", "-F", "ufs", "-n", "/dev/md/rdsk/d1").returncode == 0
    ufs.write("d1", b"\0" * 8192)
    assert ufs.run("fsck", "-F", "ufs", "-n", "/dev/md/rdsk/d1").returncode == 39


def test_fstyp(ufs):
    assert ufs.ok("fstyp", "/dev/md/rdsk/d1") == "ufs\n"
    assert ufs.ok("fstyp", "/dev/md/rdsk/d3") == "ufs\n"
    assert ufs.run("fstyp", "/dev/md/rdsk/d9").returncode == 1
    ufs.ok("umount", ufs.point)
    ufs.write("d1", b"\0" * 8192)
    done = ufs.run("fstyp", "/dev/md/rdsk/d1")
    assert (done.returncode, done.stdout) == (1, "unknown_fstyp (no matches)\n")


def test_newfs(ufs):
    assert ufs.refused("newfs", "/dev/md/rdsk/d1") == "/dev/md/rdsk/d1 is mounted, can't mkfs\n"
    assert ufs.refused("newfs", "/dev/md/rdsk/d3") == "/dev/md/rdsk/d3: Read-only file system\n"
    (ufs.point / "gone").write_text("x")
    ufs.ok("umount", ufs.point)
    assert ufs.ok("newfs", "/dev/md/rdsk/d1").startswith("/dev/md/rdsk/d1:\t65536 sectors in 16 cylinders of ")
    ufs.ok("mount", ufs.point)
    assert os.listdir(ufs.point) == ["lost+found"]


def test_dd_is_the_real_one_and_journaled(ufs):
    done = ufs.run("dd", "if=%s" % ufs.device("d3"), "of=/dev/null", "bs=1M", "count=2")
    assert done.returncode == 0 and done.stderr.startswith("2+0 records in\n2+0 records out\n2097152 bytes")
    assert ufs.run("dd", "if=/nowhere").returncode == 1
    assert [row["argv"][1] for row in ufs.journal() if row["argv"][0].endswith("dd")][-1] == "if=/nowhere"


def test_kstat(ufs):
    booted = ufs.show()["booted"]
    assert ufs.ok("kstat", "-p", "unix:0:system_misc:boot_time") == "unix:0:system_misc:boot_time\t%d\n" % booted
    assert ufs.run("kstat", "-p", "no:0:such:thing").returncode == 1
