# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lockfs(1M): what it locks, what it prints, what it exits with."""

import os
import subprocess
import time

import pytest

HEADER = "Filesystem           Locktype   Comment\n"


def row(path, kind, comment=""):
    """A line of the table."""
    return "%-20s %-10s %s\n" % (path, kind, comment)


def writer(path):
    """A process that writes to PATH as soon as it is let."""
    return subprocess.Popen(["sh", "-c", "echo data > %s" % path])


def finished(process, seconds):
    """True if a process ends within SECONDS."""
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture
def fs(ufs):
    """The mount point; whatever a test locked is unlocked even if the test dies in it."""
    guard = subprocess.Popen(["sh", "-c", "sleep 20; fsfreeze -u %s" % ufs.point], start_new_session=True, stderr=subprocess.DEVNULL)
    yield ufs.point
    ufs.run("lockfs", "-u", ufs.point)
    os.killpg(guard.pid, 9)
    guard.wait()


def test_write_lock_blocks_writers_not_readers(ufs, fs):
    (fs / "old").write_text("x")
    assert ufs.ok("lockfs", "-w", "-c", "snapbackup:run", fs) == ""
    assert ufs.ok("lockfs", fs) == HEADER + row(fs, "write", "snapbackup:run")
    assert (fs / "old").read_text() == "x"
    blocked = writer(fs / "new")
    assert not finished(blocked, 0.5)
    assert ufs.ok("lockfs", "-u", fs) == ""
    assert finished(blocked, 5)
    assert ufs.ok("lockfs", fs) == HEADER + row(fs, "unlock")


def test_the_lock_outlives_its_caller(ufs, fs):
    subprocess.run(["sh", "-c", "%s -w %s; kill -9 $$" % (ufs.argv("lockfs")[0], fs)], env=ufs.env, check=False)
    blocked = writer(fs / "new")
    assert not finished(blocked, 0.3)
    assert ufs.ok("lockfs") == HEADER + row(fs, "write")
    ufs.ok("lockfs", "-u", fs)
    assert finished(blocked, 5)


def test_listing(ufs, fs):
    assert ufs.ok("lockfs") == "", "nothing is locked: nothing is printed"
    assert ufs.ok("lockfs", "-a") == HEADER + row("/", "unlock") + row(fs, "unlock")
    assert ufs.ok("lockfs", "-v") == ""
    assert ufs.ok("lockfs", "-w") == "", "without a path nothing happens"
    assert ufs.ok("lockfs") == ""
    assert ufs.ok("lockfs", fs, "/") == HEADER + row(fs, "unlock") + row("/", "unlock")


def test_comment_without_letter_unlocks(ufs, fs):
    ufs.ok("lockfs", "-w", "-c", "mine", fs)
    ufs.ok("lockfs", "-c", "yours", fs)
    assert ufs.ok("lockfs", fs) == HEADER + row(fs, "unlock", "yours")
    assert finished(writer(fs / "x"), 5)


def test_flush_after_write_only_flushes(ufs, fs):
    ufs.ok("lockfs", "-w", "-f", fs)
    assert ufs.ok("lockfs", fs) == HEADER + row(fs, "unlock")
    ufs.ok("lockfs", "-f", "-w", fs)
    assert ufs.ok("lockfs", fs) == HEADER + row(fs, "write")


def test_a_second_write_lock_is_accepted_and_one_unlock_ends_both(ufs, fs):
    ufs.ok("lockfs", "-w", "-c", "first", fs)
    ufs.ok("lockfs", "-w", "-c", "second", fs)
    assert ufs.ok("lockfs") == HEADER + row(fs, "write", "second")
    ufs.ok("lockfs", "-u", fs)
    assert finished(writer(fs / "x"), 5)
    ufs.ok("lockfs", "-u", fs)


@pytest.mark.parametrize("letter, word", [("n", "name"), ("d", "delete"), ("e", "error")])
def test_other_locks_do_not_stop_writers(ufs, fs, letter, word):
    ufs.ok("lockfs", "-" + letter, fs)
    assert ufs.ok("lockfs") == HEADER + row(fs, word)
    assert finished(writer(fs / "x"), 5)


def test_hard_lock_cannot_be_undone_but_by_unmount(ufs, fs):
    ufs.ok("lockfs", "-h", fs)
    done = ufs.run("lockfs", fs)
    assert (done.returncode, done.stdout) == (2, HEADER + row(fs, "EIO", "May be hard locked"))
    done = ufs.run("lockfs", "-u", fs)
    assert (done.returncode, done.stderr) == (2, "%s: I/O error\n" % fs)
    ufs.ok("umount", fs)
    ufs.ok("mount", fs)
    assert ufs.ok("lockfs") == ""


def test_a_directory_below_locks_its_file_system(ufs, fs):
    (fs / "deep").mkdir()
    ufs.ok("lockfs", "-w", fs / "deep")
    assert ufs.ok("lockfs") == HEADER + row(fs, "write")
    assert ufs.ok("lockfs", fs / "deep") == HEADER + row(fs / "deep", "write")


def test_a_path_that_is_no_mount_point_locks_the_root(ufs):
    directory = "/var" if os.stat("/var").st_dev == os.stat("/").st_dev else "/"
    ufs.ok("lockfs", "-w", directory)
    assert ufs.ok("lockfs") == HEADER + row("/", "write")
    ufs.ok("lockfs", "-u", "/")
    assert ufs.ok("lockfs") == ""


def test_errors(ufs, fs):
    usage = "usage: lockfs [-dfhnuw] [-c string] [-a] [file system ...]\n"
    done = ufs.run("lockfs", "-x")
    assert (done.returncode, done.stdout, done.stderr) == (1, usage, "")
    assert ufs.run("lockfs", "-c").returncode == 1
    done = ufs.run("lockfs", "-w", "/nowhere", "/proc", fs)
    assert (done.returncode, done.stderr) == (
        2, "/nowhere: No such file or directory\n/proc: Inappropriate ioctl for device\n")
    assert ufs.ok("lockfs") == HEADER + row(fs, "write"), "all paths are tried"
    assert ufs.run("lockfs", "-c", "x" * 1024, fs).stderr == "%s: File name too long\n" % fs
    assert ufs.run("lockfs", "-w", "-c", "x" * 1023, fs).returncode == 0
    (ufs.etc / "mnttab").unlink()
    assert ufs.run("lockfs", "-a").returncode == 32


def test_another_request_under_way(ufs, fs):
    """A lock request that still waits makes a second one fail, and is shown in parentheses."""
    import fcntl
    fifo = subprocess.Popen(["sleep", "30"])
    ufs.ok("lockfs", "-n", "-c", "busy", fs)
    import sqlite3
    path = ufs.machine / "san" / "state.db"
    with open(str(path) + ".lock", "w") as lock, sqlite3.connect(path) as db:
        fcntl.flock(lock, fcntl.LOCK_EX)
        db.execute("UPDATE ufs_lock SET type='write', busy=?", (fifo.pid,))
    assert ufs.ok("lockfs", fs) == HEADER + row(fs, "(write)", "busy")
    done = ufs.run("lockfs", "-w", fs)
    assert (done.returncode, done.stderr) == (2, "%s: Device busy\n" % fs)
    fifo.kill()
    fifo.wait()
    ufs.ok("lockfs", "-u", fs)


def test_after_a_locked_cut_the_image_is_clean_and_complete(ufs, fs):
    for number in range(50):
        (fs / ("f%d" % number)).write_text("x" * 5000)
    ufs.ok("lockfs", "-w", fs)
    ufs.ok("metaoffline", "d1", "d3")
    ufs.ok("lockfs", "-u", fs)
    (fs / "after").write_text("x")
    assert ufs.run("fsck", "-F", "ufs", "-m", "/dev/md/rdsk/d3").returncode == 0
    there = ufs.directory / "there"
    there.mkdir()
    ufs.ok("mount", "-F", "ufs", "-o", "ro", "/dev/md/dsk/d3", there)
    names = sorted(os.listdir(there))
    ufs.ok("umount", there)
    assert len(names) == 51 and "after" not in names


def test_speed_of_the_window(ufs, fs):
    """A lock, a cut and an unlock that have nothing to write are quick: tests measure the window with these."""
    ufs.ok("lockfs", "-f", fs)
    begun = time.monotonic()
    ufs.ok("lockfs", "-w", fs)
    ufs.ok("metaoffline", "d1", "d3")
    ufs.ok("lockfs", "-u", fs)
    assert time.monotonic() - begun < 2
