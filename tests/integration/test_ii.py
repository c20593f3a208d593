# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Instant Image as a user runs it, with two hosts: predicted, backed up twice, restored; and what becomes of a run that is interrupted
wherever it may be."""

from types import SimpleNamespace

import pytest
from plays import Play, planned
from shadows import BOTH, LONG, RDSK, assert_home, changes, fresh, groups, images, play, states, variables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(lab):
    """A preparation, a prediction and a backup, during which the masters are written to; what was seen."""
    primary, reader = fresh(lab)
    for point in ("/vol01", "/vol02"):
        primary.fill(point, mib=1)
    seen = SimpleNamespace(primary=primary, reader=reader)
    for host in (primary, reader):
        host.forget()
    play(lab, "prepare", variables(*BOTH))
    seen.prepared = changes(primary, reader)
    for host in (primary, reader):
        host.forget()
    seen.predicted = planned(play(lab, "backup", variables(*BOTH), "--check", "--diff"))
    seen.by_check = changes(primary, reader)
    running = Play(lab, "backup", variables(*BOTH))
    running.until(lambda: "imported" in reader.out("iiadm", "-i", "all"), "the shadows imported on the reader", LONG)
    primary.fill("/vol01", "later", mib=1)
    seen.later = primary.tree("/vol01")
    running.end(seconds=LONG)
    seen.journal = changes(primary, reader)
    seen.shadow, seen.master = (primary.sha256(RDSK + group + "/vol01") for group in ("backup", "production"))
    return seen


def test_the_sequence_is_that_of_the_procedure(done):
    assert done.prepared == [
        "iiadm -g Backup1 -e ind production/vol%02d backup/vol%02d production/vol%02d.bmp" % ((number,) * 3) for number in (1, 2)
    ]  # fmt: skip
    assert [line for line in done.journal if not line.startswith(("dd ", "fsck ", "lockfs "))] == [
        "iiadm -g Backup1 -u s", "iiadm -E backup/vol01", "iiadm -E backup/vol02", "vxvol -g backup stopall", "vxdg deport backup",
        "vxdg -t import backup", "vxvol -g backup startall", "iiadm -I backup/vol01 backup/vol01.bmp",
        "iiadm -I backup/vol02 backup/vol02.bmp", "iiadm -d backup/vol01", "iiadm -d backup/vol02", "vxvol -g backup stopall",
        "vxdg deport backup", "vxdg import backup", "vxvol -g backup startall", "iiadm -J backup/vol01 backup/vol01.bmp",
        "iiadm -J backup/vol02 backup/vol02.bmp",
    ]  # fmt: skip


def test_check_mode_changes_nothing_and_shows_the_commands(done):
    assert done.by_check == []
    shown = [line.replace(RDSK, "") for line in done.predicted]
    assert [line for line in shown if line.startswith(("iiadm", "vxdg", "svadm"))] == [
        line for line in done.journal if line.startswith(("iiadm", "vxdg", "svadm"))
    ]  # fmt: skip


def test_the_backup_is_complete_on_both_hosts_and_everything_is_home(done):
    for host in (done.primary, done.reader):
        (record,) = [record for record in host.records() if record["kind"] == "backup"]
        assert (record["result"], record["verdict"], record["undo"]) == ("complete", "filesystem", [])
    assert_home(done.primary, done.reader)


def test_the_image_is_the_cut_and_the_masters_keep_what_was_written_meanwhile(done):
    (record,) = [record for record in done.reader.records() if record["kind"] == "backup"]
    # At home the shadow holds what was stored until it is updated again.
    assert images(done.reader, record)["production/vol01"] == done.shadow != done.master
    assert done.primary.tree("/vol01") == done.later


def test_a_controller_that_dies_while_the_shadows_are_away_leaves_nothing_behind(lab, done):
    primary, reader = done.primary, done.reader
    primary.fill("/vol01", "again", mib=1)
    running = Play(lab, "backup", variables(*BOTH))
    running.until(lambda: "imported" in reader.out("iiadm", "-i", "all"), "the shadows imported on the reader", LONG)
    running.kill()
    primary.fill("/vol02", "meanwhile", mib=1)
    trees = primary.tree("/vol01"), primary.tree("/vol02")
    play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_takeover": primary.record()["run"]})
    assert_home(primary, reader)
    assert (primary.tree("/vol01"), primary.tree("/vol02")) == trees


def test_after_a_boot_of_the_reader_the_next_update_copies_everything(lab, done):
    """It takes away the temporary import, and with it what the reader knew of its own writes."""
    primary, reader = done.primary, done.reader
    running = Play(lab, "backup", variables(*BOTH))
    running.until(lambda: "imported" in reader.out("iiadm", "-i", "all"), "the shadows imported on the reader", LONG)
    running.kill()
    reader.simctl("reboot", "--crash")
    assert set(states(reader).values()) == {"offline"} and "backup" not in groups(reader)
    run = primary.record()["run"]
    play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_takeover": run})
    assert [host.record(run)["result"] for host in (primary, reader)] == ["abandoned", "failed"]
    assert_home(primary, reader)
    primary.forget()
    play(lab, "backup", variables(*BOTH))
    assert [line for line in changes(primary) if line.startswith("iiadm")][0] == "iiadm -g Backup1 -c s"
    assert_home(primary, reader)


def test_kept_shadows_are_free_just_before_the_next_update(lab, done):
    primary, reader = done.primary, done.reader
    play(lab, "backup", variables(*BOTH, retain="until_next_run"))
    old = primary.record()
    assert (old["phase"], old["retained"]["survives_reboot"], len(old["undo"])) == ("retained", True, 2)
    frozen = primary.sha256(RDSK + "backup/vol01")
    assert images(reader, reader.record())["production/vol01"] == frozen
    # Kept also from a recovery, a boot, and another run.
    assert "kept until the next run of the set" in play(lab, "recover", {"snapbackup_hosts": "node1"})
    primary.simctl("reboot")
    other = primary.module("backup_run", state="opened", name="other", manager="ii", members=[])["run"]
    refused = primary.refused("ii_copy", run=other, state="updated", members=[{"shadow": RDSK + "backup/vol01"}])["msg"]
    primary.module("backup_run", run=other, state="closed", result="failed")
    assert "Run %s works" % old["run"] in refused and primary.sha256(RDSK + "backup/vol01") == frozen
    primary.fill("/vol01", "newest", mib=1)
    shown = [line.replace(RDSK, "") for line in planned(play(lab, "backup", variables(*BOTH), "--check", "--diff"))]
    assert [line for line in shown if line.startswith("iiadm")][0] == "iiadm -g Backup1 -u s"
    assert primary.record(old["run"])["phase"] == "retained"
    play(lab, "backup", variables(*BOTH))
    assert primary.record(old["run"])["result"] == "complete" and primary.sha256(RDSK + "backup/vol01") != frozen
    assert_home(primary, reader)
