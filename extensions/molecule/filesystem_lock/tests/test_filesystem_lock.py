# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A locked file system holds its writers, says whose lock it is, and is watched."""

import time


def test_the_lock_carries_the_tag_of_the_run(host, record):
    assert host.check_output("lockfs /home1").splitlines()[1].split() == ["/home1", "write", "snapbackup:" + record["run"]]


def test_how_to_undo_it_is_recorded(record):
    assert [entry["action"] for entry in record["undo"]] == ["unlocked"]


def test_it_was_flushed_before_it_was_locked_and_locked_once(journal, record):
    changes = [line for line in journal if line.startswith("lockfs -")]
    assert changes == ["lockfs -f /home1", "lockfs -w -c snapbackup:%s /home1" % record["run"]]


def test_one_watchdog_outlives_the_module(host, watchdogs):
    """It is nobody's child, holds no file but pipes and /dev/null, and has left every directory that could be unmounted."""
    (watchdog,) = watchdogs
    assert host.check_output("readlink /proc/%s/cwd", watchdog) == "/"
    descriptors = host.check_output("find /proc/%s/fd -type l -printf '%%l\\n'", watchdog).split()
    assert {descriptor.split(":")[0] for descriptor in descriptors} == {"pipe", "/dev/null"}


def test_a_writer_waits(host):
    """It goes on when the lock is gone, which the clean-up checks."""
    host.check_output("setsid --fork touch /home1/late </dev/null >/dev/null 2>&1")
    time.sleep(0.5)
    assert not host.file("/home1/late").exists
    assert host.check_output("ps -o stat= -C touch").startswith("D")
