# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds masters of Instant Image still on Solaris: lockfs a UFS, and nothing a VxFS, which is flushed and cut as it is."""

import pytest
from conftest import new
from plays import Play, failures
from shadows import BOTH, LONG, assert_home, changes, fresh, images, play, variables

pytestmark = pytest.mark.slow

FSFREEZE = "/sbin/fsfreeze"


def written_while(host, running):
    """Let writers of both masters be at work until a play has ended; its output."""
    writers = [host.start_writer("/vol0%d/log" % number) for number in (1, 2)]
    try:
        return running.end(seconds=LONG)
    finally:
        for number in (1, 2):
            host.kill("/vol0%d/log" % number)
        for writer in writers:
            writer.communicate()


def assert_good(primary, reader, verdict):
    """What was stored, and checked before without a repair, is what the shadows hold still."""
    assert [host.record()["verdict"] for host in (primary, reader)] == [verdict] * 2
    stored = images(reader, reader.record())
    assert stored == {"production/" + name: primary.sha256("/dev/vx/rdsk/backup/" + name) for name in ("vol01", "vol02")}
    assert_home(primary, reader)


def test_a_ufs_is_write_locked_and_its_shadow_needs_no_repair(lab):
    """A repair would fail the backup."""
    primary, reader = new(lab, "node1", "ii-ufs"), new(lab, "node2", "ii-ufs")
    for point in ("/vol01", "/vol02"):
        primary.fill(point, mib=1)
    play(lab, "prepare", variables(*BOTH))
    for host in (primary, reader):
        host.forget()
    written_while(primary, Play(lab, "backup", variables(*BOTH)))
    tag = "snapbackup:" + primary.record()["run"]
    assert [line for line in changes(primary, reader) if line.startswith(("lockfs", "fsck", "iiadm -g"))] == [
        "lockfs -f /vol01 /vol02", "lockfs -w -c %s /vol01 /vol02" % tag, "iiadm -g Backup1 -u s", "lockfs -u /vol01 /vol02",
        "fsck -F ufs -y backup/vol01", "fsck -F ufs -y backup/vol02",
    ]  # fmt: skip
    assert primary.locks() == [] and primary.record()["window"]["flushed"] == []
    assert_good(primary, reader, "filesystem")


def test_a_file_that_is_deleted_and_still_open_counts_as_a_repair(lab):
    """fsck clears it. Another check of one's own takes the file system as it says it is."""
    primary, reader = new(lab, "node1", "ii-ufs"), new(lab, "node2", "ii-ufs")
    holder = primary.start("sh", "-c", "exec 3>/vol01/gone; rm /vol01/gone; echo kept >&3; sync; echo open; exec sleep 600")
    assert holder.stdout.readline() == "open\n"
    (message,) = set(failures(Play(lab, "backup", variables(*BOTH)).end(2, seconds=LONG))["node1"])
    assert "is not what was to be frozen" in message and "deleted and still open" in message
    assert_home(primary, reader)
    play(lab, "backup", variables(*BOTH, check_command=["/usr/sbin/fsck", "-F", "ufs", "-m", "{device}"]))
    primary.kill("sleep 600")
    holder.communicate()
    assert_good(primary, reader, "filesystem")


@pytest.fixture
def solaris(lab):
    """Two hosts without the command that only Linux has."""
    hosts = fresh(lab)
    for host in hosts:
        host.run("mv", FSFREEZE, FSFREEZE + ".away")
    yield hosts
    for host in hosts:
        host.run("mv", FSFREEZE + ".away", FSFREEZE)


def test_a_vxfs_that_nothing_can_lock_is_flushed_and_cut_as_it_is(lab, solaris):
    primary, reader = solaris
    for point in ("/vol01", "/vol02"):
        primary.fill(point, mib=1)
    play(lab, "prepare", variables(*BOTH))
    said = written_while(primary, Play(lab, "backup", variables(*BOTH)))
    assert "verdict crash (not locked, only flushed: /vol01, /vol02)" in said and "/vol01, /vol02 cannot be locked" in said
    assert reader.json(reader.record()["image"])["window"]["flushed"] == ["/vol01", "/vol02"]
    assert_good(primary, reader, "crash")
