# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A tape drive as destination: which tape, which file of it, and back from it."""

import pytest
from backups import D1, D10, Backup, Restore
from conftest import new
from hosts import outcome
from plays import HOME1, Play

DRIVE, MANIFESTS, LABEL = "/dev/rmt/0n", "/backup/manifests", "HOME-07"
MIRROR, RAW = "/dev/md/dsk/d1", "/dev/md/rdsk/d1"


@pytest.fixture
def tape(lab):
    """node1 with a labelled tape that nobody has used before in the drive."""
    host = new(lab, "node1", "tape")
    host.simctl("set", "tape", "none")
    host.run("rm", "-f", "/san/tapes/FRESH.tap")
    host.simctl("set", "tape", "FRESH")
    host.run("mkdir", MANIFESTS)
    labelled = host.module("tape_label", device=DRIVE, state="present", label=LABEL, overwrite="unlabelled")
    assert labelled["changed"] and labelled["after"]["label"] == LABEL
    return host


def on_tape(position="append", label=LABEL):
    return {"destination": DRIVE, "tape": {"label": label, "position": position, "manifests": MANIFESTS}}


@pytest.mark.slow
def test_runs_follow_each_other_on_the_tape_and_each_image_comes_back(tape):
    host = tape
    host.fill("/home1")
    host.fill("/home10")
    first = Backup(host, D1, D10, compression="zstd", **on_tape()).all()
    host.fill("/home1", "late")
    second = Backup(host, D1, **on_tape()).all()
    images = [image for record in (first, second) for image in host.json(record["image"])["images"]]
    assert [(image["volume"], image["tape"]["file"]) for image in images] == [("d1", 1), ("d10", 2), ("d1", 3)]
    assert first["image"] == "%s/home1/%s/manifest.json" % (MANIFESTS, first["run"])
    for point, record, number in (("/home10", first, 1), ("/home1", first, 0), ("/home1", second, 0)):
        image = host.json(record["image"])["images"][number]
        volume = image["volume"]
        host.run("umount", point)
        host.run("dd", "if=/dev/zero", "of=/dev/md/rdsk/" + volume, "bs=1M", "count=8", "conv=fsync")
        Restore(host, record["image"], [{"volume": volume, "target": "/dev/md/rdsk/" + volume}]).all()
        assert host.sha256("/dev/md/rdsk/" + volume) == image["sha256"]
        host.run("mount", "-F", "ufs", "/dev/md/dsk/" + volume, point)
    assert any(name.startswith("./late") for name in host.tree("/home1"))
    host.assert_nothing_left()


@pytest.mark.slow
def test_a_dump_of_files_comes_back_from_the_tape(tape):
    host = tape
    host.fill("/home1")
    frozen = host.tree("/home1")
    record = Backup(host, D1, method="ufsdump", **on_tape()).all()
    host.run("umount", "/home1")
    host.run("newfs", RAW, data="y\n")
    host.run("mount", "-F", "ufs", MIRROR, "/home1")
    Restore(host, record["image"], [{"volume": "d1", "target": "/home1"}]).all()
    assert host.tree("/home1") == frozen
    host.assert_nothing_left()


def cartridge(host, name="FRESH"):
    return host.sha256("/san/tapes/%s.tap" % name)


@pytest.mark.slow
def test_a_wrong_tape_is_neither_written_to_nor_read_from(tape):
    host = tape
    record = Backup(host, D1, **on_tape()).all()
    host.simctl("set", "tape", "A00002")
    host.module("tape_label", device=DRIVE, state="present", label="OTHER", overwrite="unlabelled")
    before = cartridge(host, "A00002")
    members = record["members"]
    refused = host.refused("volume_backup", run="<run>", state="checked", members=members, **on_tape())
    assert "is not %s" % LABEL in refused["msg"] and refused["found"] == "the label OTHER"
    for position in ("append", "start"):
        assert (
            "is not %s" % LABEL in host.refused("volume_backup", run="<run>", state="checked", members=members, **on_tape(position))["msg"]
        )
    host.run("umount", "/home1")
    refused = Restore(host, record["image"], [{"volume": "d1", "target": RAW}]).refused()
    assert "is not %s" % LABEL in refused["msg"]
    assert cartridge(host, "A00002") == before
    relabelled = host.refused("tape_label", device=DRIVE, state="present", label=LABEL, overwrite="unlabelled")
    assert relabelled["found"] == "the label OTHER" and cartridge(host, "A00002") == before


@pytest.mark.slow
def test_a_tape_begun_from_the_start_is_not_taken_for_the_old_one(tape):
    host = tape
    host.fill("/home1")
    old = Backup(host, D1, **on_tape()).all()
    new_one = Backup(host, D10, name="home10", **on_tape("start")).all()
    assert [image["tape"]["file"] for image in host.json(new_one["image"])["images"]] == [1]
    host.run("umount", "/home1")
    before = host.sha256(RAW)
    refused = Restore(host, old["image"], [{"volume": "d1", "target": RAW}]).refused()
    assert "from the start since" in refused["msg"] and host.sha256(RAW) == before


@pytest.mark.parametrize(
    "switch, value, words",
    [("tape-protect", "on", "write-protected"), ("tape", "none", "There is no tape"), ("tape-capacity", "8 MiB", "is full")],
)
def test_what_is_wrong_with_the_tape_is_said_and_the_mirror_comes_home(tape, switch, value, words):
    host = tape
    host.run("dd", "if=/dev/urandom", "of=/home1/noise", "bs=1M", "count=40", "conv=fsync")
    backup = Backup(host, D1, **on_tape()).split()
    host.simctl("set", switch, value)
    started = outcome(host.start_module("volume_backup", run=backup.run, state="started", **backup.how))
    said = started["msg"] if started.get("failed") else backup.stored()["error"]
    assert words in said, said
    backup.rejoin()
    assert backup.close("failed")["image"] is None
    assert host.manifests() == []
    host.assert_nothing_left()


@pytest.mark.slow
def test_a_second_run_is_kept_off_the_drive_until_the_first_is_gone(tape):
    host = tape
    host.script("endless", "while :; do echo x; sleep 0.1; done")
    first = Backup(host, D1, method="command", command=["/root/endless"], **on_tape()).split()
    first.start_store()
    second = Backup(host, D10, name="home10", **on_tape()).split()
    refused = host.refused("volume_backup", run=second.run, state="started", **second.how)
    assert "in use" in refused["msg"] and first.run in refused["msg"]
    first.module("volume_backup", state="stopped")
    assert manifest_of_next(host, second)["images"][0]["tape"]["label"] == LABEL
    first.rejoin()
    first.close("failed")
    host.assert_nothing_left()


def manifest_of_next(host, backup):
    backup.store()
    backup.rejoin()
    return host.json(backup.close()["image"])


@pytest.mark.slow
def test_the_playbooks_back_up_to_tape_and_restore(tape, lab):
    host = tape
    host.fill("/home1")
    frozen = host.tree("/home1")
    how = dict(HOME1, snapbackup_hosts="node1", snapbackup_destination=DRIVE, snapbackup_compression="gzip",
               snapbackup_tape={"label": LABEL, "position": "append", "manifests": MANIFESTS})  # fmt: skip
    Play(lab, "backup", how, "--check").end()
    Play(lab, "backup", how).end()
    record = host.record()
    assert record["result"] == "complete" and host.json(record["image"])["images"][0]["tape"]["file"] == 1
    host.fill("/home1", "late")
    host.run("umount", "/home1")
    Play(lab, "restore", {"snapbackup_hosts": "node1", "snapbackup_manifest": record["image"], "snapbackup_confirm": ["d1"]}).end()
    host.run("mount", "-F", "ufs", MIRROR, "/home1")
    assert host.tree("/home1") == frozen
    host.assert_nothing_left()
