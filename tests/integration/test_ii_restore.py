# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restore with Instant Image: from shadows that were kept, which is iiadm -u m, and from images that another host has stored."""

import json
from types import SimpleNamespace

import pytest
from hosts import PYTHON2
from plays import Play, failures, planned
from shadows import BOTH, LONG, RDSK, assert_home, changes, fresh, play, variables

pytestmark = pytest.mark.slow

MASTERS = [RDSK + "production/" + name for name in ("vol01", "vol02")]
SHADOWS = [RDSK + "backup/" + name for name in ("vol01", "vol02")]
NAMES = ["production/vol01", "production/vol02"]
POINTS = ("/vol01", "/vol02")


def copies(host):
    """The copies that the simulated driver has made."""
    return json.loads(host.simctl("show"))["ii"]["copies"]


def damage(host):
    """Other files on the one master, and the other one overwritten; both are unmounted then."""
    host.run("sh", "-c", "rm /vol01/data.*")
    host.fill("/vol01", "newer", mib=1)
    host.run("umount", "/vol01")
    host.run("umount", "/vol02")
    host.run("dd", "if=/dev/urandom", "of=" + MASTERS[1], "bs=64k", "count=32", "conv=fsync,notrunc")


def mount(host):
    for point in POINTS:
        host.run("mount", "-F", "vxfs", "/dev/vx/dsk/production" + point, point)


@pytest.fixture(scope="module")
def kept(lab):
    """A backup whose shadows are kept, and what they held when it had ended."""
    primary, reader = fresh(lab)
    for point in POINTS:
        primary.fill(point, mib=1)
    trees = {point: primary.tree(point) for point in POINTS}
    play(lab, "backup", variables(*BOTH, retain="until_next_run"))
    assert primary.record()["phase"] == "retained"
    frozen = [primary.sha256(shadow) for shadow in SHADOWS]
    return SimpleNamespace(primary=primary, reader=reader, trees=trees, frozen=frozen, run=primary.record()["run"])


def asked(kept, **more):
    return {
        "snapbackup_hosts": "node1", "snapbackup_restore_from": "copy", "snapbackup_restore_run": kept.run, "snapbackup_confirm": NAMES,
        "snapbackup_poll": 1, **{"snapbackup_" + key: value for key, value in more.items()},
    }  # fmt: skip


def refusal(lab, kept, **more):
    """The message of a restore that must fail, and must leave nothing open but the backup that it was from."""
    kept.primary.forget()
    (message,) = set(failures(Play(lab, "restore", asked(kept, **more)).end(2, seconds=LONG))["node1"])
    assert [line for line in changes(kept.primary) if line.startswith("iiadm")] == []
    assert [record["run"] for record in kept.primary.records() if record["closed"] is None] == [kept.run]
    return message


def test_what_may_not_be_overwritten_is_refused(lab, kept):
    assert "production/vol01, production/vol02" in refusal(lab, kept, confirm=NAMES[:1])
    assert "is mounted" in refusal(lab, kept)
    mounted = [record["result"] for record in kept.primary.records() if record["kind"] == "restore"]
    assert mounted == ["failed"]


def test_a_master_or_shadow_in_use_and_a_void_shadow_are_refused_by_the_module(kept):
    host = kept.primary
    for point in POINTS:
        host.run("umount", point)
    restore = host.module("backup_run", state="opened", kind="restore", name="data", manager="ii", source_run=kept.run,
                          members=host.record(kept.run)["members"])["run"]  # fmt: skip
    options = {"run": restore, "state": "restored", "source_run": kept.run, "confirm": MASTERS}
    host.forget()
    for path in (MASTERS[1], SHADOWS[0]):
        holder = host.start("sh", "-c", "exec 3<%s; echo open; exec sleep 600" % path)
        assert holder.stdout.readline() == "open\n"
        message = host.refused("ii_copy", True, **options)["msg"]
        assert path + " is open" in message and "process" in message
        host.kill("sleep 600")
        holder.communicate()
    assert "vol02 in confirm" in host.refused("ii_copy", **dict(options, confirm=MASTERS[:1]))["msg"]
    marks = host.json("/var/lib/snapbackup/instant_image.json")
    host.write("/var/lib/snapbackup/instant_image.json", json.dumps(dict(marks, **{SHADOWS[0]: {"void": "another"}})))
    assert "not proved to be one point in time" in host.refused("ii_copy", **options)["msg"]
    host.write("/var/lib/snapbackup/instant_image.json", json.dumps(marks))
    planned_now = host.module("ii_copy", PYTHON2, True, **options)["commands"]
    assert [command["argv"][1:] for command in planned_now] == [["-n", "-u", "m", shadow] for shadow in SHADOWS]
    assert changes(host) == [] and host.record(restore)["undo"] == []
    host.module("backup_run", run=restore, state="closed", result="failed")
    mount(host)


def test_an_interrupted_restore_goes_on_in_its_own_direction_and_ends_in_the_frozen_image(lab, kept):
    host = kept.primary
    damage(host)
    host.forget()
    told = planned(Play(lab, "restore", asked(kept), "--check", "--diff").end(seconds=LONG))
    assert [line.replace(RDSK, "") for line in told] == ["iiadm -n -u m backup/vol01", "iiadm -n -u m backup/vol02"]
    assert changes(host) == []

    host.simctl("resync-speed", "stall")
    running = Play(lab, "restore", asked(kept))
    running.until(lambda: host.out("iiadm", "-i", "all").count("copying shadow to master") == 2, "both masters being copied to", LONG)
    running.kill()
    host.run("iiadm", "-g", "Backup1", "-a")
    host.simctl("resync-speed", "200 MiB")
    restore = host.record()["run"]
    assert host.out("iiadm", "-i", "all").count("copy not active, copying shadow to master") == 2

    # Nobody takes the other direction: neither a recovery, nor the next backup, nor a module.
    host.forget()
    message = failures(Play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_takeover": restore}).end(2, seconds=LONG))["node1"][0]
    assert "Finish it with" in message and "-e snapbackup_restore_run=" + kept.run in message
    assert failures(Play(lab, "backup", variables(*BOTH)).end(2, seconds=LONG))["node1"]
    run = host.module("backup_run", state="opened", name="other", manager="ii", members=[])["run"]
    members = [{"shadow": shadow} for shadow in SHADOWS]
    assert "broken off" in host.refused("ii_copy", run=run, state="updated", members=members)["msg"]
    assert "interrupted" in host.refused("ii_set", run=run, state="disabled", members=members)["msg"]
    host.module("backup_run", run=run, state="closed", result="failed")
    assert changes(host) == []

    play(lab, "restore", asked(kept, takeover=restore))
    assert sorted(changes(host)) == ["iiadm -n -u m backup/vol01", "iiadm -n -u m backup/vol02"]
    assert [host.sha256(path) for path in MASTERS] == [host.sha256(path) for path in SHADOWS] == kept.frozen
    made = [copy for copy in copies(host) if copy["direction"] == "m"]
    assert made and not any(copy["full"] for copy in made)
    assert [host.record(name)["result"] for name in (restore, kept.run)] == ["complete"] * 2
    assert_home(host, kept.reader)
    mount(host)
    assert {point: host.tree(point) for point in POINTS} == kept.trees


def test_an_image_of_the_reader_goes_back_onto_the_master(lab, kept):
    """After the others: the sets go on tracking, so the next backup copies what the restore has written."""
    host, reader = kept.primary, kept.reader
    record = next(record for record in reader.records() if record["kind"] == "backup")
    directory = record["image"].rpartition("/")[0]
    reader.run("cp", "-r", directory, "/san/image")
    host.run("mv", "/san/image", "/backup/image")
    damage(host)
    given = {"snapbackup_hosts": "node1", "snapbackup_manifest": "/backup/image/manifest.json", "snapbackup_confirm": NAMES,
             "snapbackup_poll": 1}  # fmt: skip
    mount_one = ("mount", "-F", "vxfs", "/dev/vx/dsk/production/vol01", "/vol01")
    host.run(*mount_one)
    assert "mounted" in failures(Play(lab, "restore", given).end(2, seconds=LONG))["node1"][0]
    host.run("umount", "/vol01")
    play(lab, "restore", given)
    assert [host.sha256(path) for path in MASTERS] == kept.frozen
    mount(host)
    assert {point: host.tree(point) for point in POINTS} == kept.trees
    before = len(copies(host))
    play(lab, "backup", variables(*BOTH))
    made = [copy for copy in copies(host)[before:] if copy["direction"] == "s"]
    assert len(made) == 2 and not any(copy["full"] for copy in made)
    assert_home(host, reader)


def test_after_a_crash_all_is_copied_once_more_in_the_same_direction(lab, kept):
    """Where the bitmaps are in memory alone, nothing tells after a crash how far the restore had come."""
    host = kept.primary
    host.simctl("set", "ii_bitmap", "off")
    play(lab, "backup", variables(*BOTH, retain="until_next_run"))
    run, frozen = host.record()["run"], [host.sha256(shadow) for shadow in SHADOWS]
    damage(host)
    host.simctl("resync-speed", "stall")
    again = SimpleNamespace(run=run)
    running = Play(lab, "restore", asked(again))
    running.until(lambda: host.out("iiadm", "-i", "all").count("copying shadow to master") == 2, "both masters being copied to", LONG)
    running.kill()
    restore = host.record()["run"]
    host.simctl("reboot", "--crash")
    host.simctl("resync-speed", "200 MiB")
    host.run("sh", "-c", "umount /vol01; umount /vol02; true")
    assert [host.sha256(path) for path in MASTERS] != frozen
    host.forget()
    play(lab, "restore", asked(again, takeover=restore))
    assert sorted(changes(host)) == ["iiadm -n -c m backup/vol01", "iiadm -n -c m backup/vol02"]
    assert [host.sha256(path) for path in MASTERS] == [host.sha256(path) for path in SHADOWS] == frozen
    assert [host.record(name)["result"] for name in (restore, run)] == ["complete"] * 2
    assert_home(host, kept.reader)
