# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The mounted copy shows the moment of the split, and nobody can write to it."""

import pytest


@pytest.fixture
def point(record):
    return "/var/lib/snapbackup/runs/%s/mnt/d1" % record["run"]


def test_it_is_a_ufs_mounted_read_only(host, point):
    rows = [line.split("\t") for line in host.file("/etc/mnttab").content_string.splitlines()]
    mounted = [row for row in rows if row[1] == point]
    assert [(row[0], row[2]) for row in mounted] == [("/dev/md/dsk/d3", "ufs")]
    assert "ro" in mounted[0][3].split(",")


def test_it_holds_what_was_there_before_the_split_and_nothing_later(host, point):
    assert host.file(point + "/before").content == host.file("/etc/hostname").content
    assert host.file("/home1/after").exists
    assert not host.file(point + "/after").exists


def test_it_cannot_be_written_to(host, point):
    assert "Read-only file system" in host.run_expect([1], "touch %s/new", point).stderr


def test_how_to_undo_it_is_recorded(record, point):
    assert [entry["path"] for entry in record["undo"] if entry["action"] == "unmounted"] == [point]


def test_it_was_checked_before_it_was_mounted(journal):
    checked = [number for number, line in enumerate(journal) if line.startswith("fsck") and line.endswith("/dev/md/rdsk/d3")]
    mounted = [number for number, line in enumerate(journal) if line.startswith("mount ") and "/dev/md/dsk/d3" in line]
    assert len(checked) == len(mounted) == 1
    assert checked < mounted
