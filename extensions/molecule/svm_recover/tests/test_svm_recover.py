# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A run that died with the copy split, mounted and the original locked has been brought home."""


def test_the_mirror_is_healthy_and_both_halves_are_the_same(host):
    assert "(" not in host.check_output("metastat -c d1")
    host.check_output("cmp /dev/md/rdsk/d2 /dev/md/rdsk/d3")


def test_the_file_system_can_be_written_to(host):
    assert host.check_output("lockfs /home1").splitlines()[1].split() == ["/home1", "unlock"]
    host.check_output("touch /home1/new && rm /home1/new")


def test_the_copy_is_not_mounted(host):
    assert "/dev/md/dsk/d3" not in host.file("/etc/mnttab").content_string


def test_the_run_is_closed_and_says_why(record):
    assert record["result"] == "abandoned"
    assert record["error"] == "the run died in phase split"
    assert record["undo"] == []
    assert record["redundancy_lost_seconds"] > 0


def test_it_unlocked_and_unmounted_before_the_copy_was_overwritten(journal):
    undone = [line for line in journal if line.startswith(("lockfs -u", "umount", "metaonline"))]
    # The first unlock ended the freeze window.
    assert undone[0] == "lockfs -u /home1"
    assert undone[1] == "lockfs -u /home1"
    assert undone[2].startswith("umount ")
    assert undone[3:] == ["metaonline d1 d3"]


def test_no_watchdog_is_left(watchdogs):
    assert watchdogs == []
