# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is refused before anything is touched: no command that changes anything, no lock, and an error that says what to do."""

import json

import pytest
from backups import D1, D10, Backup, Restore
from hosts import PYTHON2, STATE_DIR, outcome

BARE = {"mirror": "d40", "submirror": "d42"}
NAMES = [
    "-f", "-a", "--", "d1;reboot", "d 1", "d1\n", "\nd1", "$(reboot)", "`reboot`", "d1'", 'd1"', "d1|d2", "d1&", "../d1", "/dev/md/dsk/d1", "", ".", "all",
    "none", "d1*", "d1\t", "d1\\", "dé", "d1\x00",
]  # fmt: skip


def refused(host, *members, fault=None):
    """See a split refused, if need be with a fault (of Host.fault) in its way; the message. Nothing has been changed."""
    before = host.marks("d1"), host.marks("d10"), host.locks()
    backup = Backup(host, *members)
    host.forget()
    if fault:
        host.fault(*fault)
    result = backup.split_refused()
    assert host.changes() == []
    assert (host.marks("d1"), host.marks("d10"), host.locks()) == before
    assert host.record()["undo"] == []
    backup.close("failed")
    assert result["found"] or result["needed"] or result["vendor"], result
    return result["msg"]


def destination_refused(host, destination, *members, fault=None, **how):
    """See a destination refused by the look before the split, which needs no run; the message."""
    plan = host.module("svm_submirror", PYTHON2, True, run="<run>", state="offline", members=list(members) or [D1])
    host.forget()
    if fault:
        host.fault(*fault)
    result = host.refused("volume_backup", True, run="<run>", state="checked", members=plan["members"], destination=destination, **how)
    assert host.changes() == []
    return result["msg"]


# File systems.


@pytest.mark.parametrize("point", ["/", "/usr", "/var"])
def test_file_systems_the_host_cannot_live_without(host, point):
    host.run("tee", "-a", "/etc/mnttab", data="/dev/md/dsk/d40\t%s\tufs\trw,dev=1540028\t1795170534\n" % point)
    assert "never write-locked" in refused(host, BARE)
    assert "never write-locked" in refused(host, dict(BARE, filesystem=point))


@pytest.mark.parametrize("point", ["/", "/usr", "/var", "//", "/usr/", "/home1/..", "/nowhere", "relative"])
def test_locks_on_file_systems_the_host_cannot_live_without(host, point):
    run = Backup(host).open().run
    host.forget()
    host.refused("filesystem_lock", run=run, state="locked", paths=[point], max_hold=5)
    assert host.changes() == []


@pytest.mark.parametrize("point", ["/home10", "/home1/below", "/home1/", "/nowhere", "/"])
def test_a_path_that_is_not_where_the_mirror_is_mounted(host, point):
    host.run("mkdir", "/home1/below")
    assert "is not where mirror d1 is mounted" in refused(host, dict(D1, filesystem=point))


def test_a_file_system_somebody_has_locked(host):
    host.run("/usr/sbin/lockfs", "-w", "-c", "other job", "/home1")
    message = refused(host)
    assert "/home1 is locked already" in message and "other job" in message
    host.run("/usr/sbin/lockfs", "-u", "/home1")


def test_a_state_directory_on_a_member(host):
    host.run("mkdir", "-m", "700", "/home1/state")
    plan = dict(run="<run>", state="offline", members=[D1], state_dir="/home1/state/snapbackup")
    assert "holds a directory this run writes to" in host.refused("svm_submirror", True, **plan)["msg"]
    assert host.changes() == []


# Mirrors.


def test_a_submirror_of_another_mirror(host):
    assert "d11 is not a submirror of d1" in refused(host, {"mirror": "d1", "submirror": "d11"})
    assert "d10 is not a submirror of d1" in refused(host, {"mirror": "d1", "submirror": "d10"})


@pytest.mark.parametrize("mirror", ["d2", "d99"])
def test_something_that_is_no_mirror(host, mirror):
    assert mirror in refused(host, {"mirror": mirror, "submirror": "d3"})


@pytest.mark.parametrize("member", [D1, D10])
@pytest.mark.parametrize("which", [0, 1])
def test_a_degraded_mirror(host, member, which):
    """Also the three-way one, which could spare a half, and also where the half to be split is the failed one."""
    host.simctl("fail-disk", {"d1": ["c1t0d0s0", "c1t1d0s0"], "d10": ["c1t0d0s1", "c1t2d0s1"]}[member["mirror"]][which])
    assert "cannot be split now" in refused(host, member)


def test_a_mirror_with_one_half(host):
    host.run("metadetach", "d1", "d2")
    assert "only one submirror" in refused(host)


def test_a_mirror_that_is_being_resynchronised(host):
    host.simctl("resync-speed", "stall")
    host.run("metaoffline", "d1", "d3")
    host.fill("/home1")
    host.run("metaonline", "d1", "d3")
    assert "resync" in refused(host)


def test_a_mirror_after_a_power_failure_before_its_resync(host):
    host.simctl("reboot", "--crash", "--no-metasync")
    assert "cannot be split now" in refused(host)


@pytest.mark.parametrize("taken", ["d3", "d2"])
def test_a_submirror_somebody_took_offline_by_hand(host, taken):
    host.run("metaoffline", "d1", taken)
    message = refused(host)
    assert "offline" in message and taken in message
    assert host.marks("d1")[taken] == "offline"


def test_a_submirror_that_another_run_has_split(host):
    first = Backup(host).split()
    host.forget()
    result = host.refused("backup_run", state="opened", name="other", manager="svm", members=host.record()["members"])
    assert first.run in result["msg"] and "alive" in result["msg"]
    other = Backup(host, name="third")
    assert "was split by run " + first.run in other.split_refused()["msg"]
    assert "split by run" in host.refused("svm_submirror", run=other.run, state="online", members=[D1])["msg"]
    assert host.changes() == []


def test_members_of_which_one_is_split_already(host):
    first = Backup(host).split()
    host.forget()
    result = host.refused("svm_submirror", run=first.run, state="offline", members=[D1, D10])
    assert "Only some members are split" in result["msg"]
    assert host.changes() == []


def test_a_mirror_named_twice(host):
    assert "more than once" in refused(host, D1, dict(D1, submirror="d2"))


def test_a_mirror_that_carries_soft_partitions(host):
    host.run("metainit", "d60", "-p", "d40", "1m", check=False)
    if "d60" not in host.out("metastat", "-p"):
        pytest.skip("the simulator has no soft partitions")
    assert "soft partition" in refused(host, BARE)


# Words of the volume manager.


@pytest.mark.parametrize("word", ["Perplexed", "Okay?", "Needs", "ok", "Unknown"])
@pytest.mark.parametrize("nth", [1, 2])
def test_unknown_words_of_metastat(host, nth, word):
    """The first call is the full report, the second the concise one, which says nothing of what is well."""
    host.simctl("fault", "clear")
    if nth == 2:
        host.run("metaoffline", "d1", "d2")
    host.fault("metastat", "odd", nth, word)
    host.forget()
    run = host.module("backup_run", state="opened", name="words", manager="svm", members=[])["run"]
    result = host.refused("svm_submirror", run=run, state="offline", members=[D1])
    assert host.changes() == []
    assert nth == 2 or word in result["msg"], result


def test_the_exit_code_1_of_metastat_after_a_good_report(host):
    host.simctl("set", "smf", "off")
    assert "services of the volume manager are not running" in refused(host)


def test_a_stale_state_database(host):
    host.simctl("set", "stale", "on")
    assert "no quorum" in refused(host)


def test_metastat_that_fails_or_says_nothing(host):
    assert "metastat" in refused(host, fault=("metastat", "fail"))
    assert "d1" in refused(host, fault=("metastat", "lie-ok"))


def test_unknown_words_of_lockfs(host):
    assert "not documented" in refused(host, fault=("lockfs", "odd"))


# Names.


def test_names_that_could_be_options_paths_or_commands(host):
    run = host.module("backup_run", state="opened", name="names", manager="svm", members=[])["run"]
    host.forget()
    for name in NAMES:
        for member in ({"mirror": name, "submirror": "d3"}, {"mirror": "d1", "submirror": name}):
            for state in ("offline", "online"):
                result = host.refused("svm_submirror", run=run, state=state, members=[member])
                assert "name of a volume" in result["msg"] or "not a submirror" in result["msg"], (name, result)
    assert [call.words for call in host.journal() if call.words[0] != "metastat" or set(call.words) & set(NAMES)] == []


def test_file_systems_with_names_that_could_be_options_or_commands(host):
    run = host.module("backup_run", state="opened", name="names", manager="svm", members=[])["run"]
    host.forget()
    for name in ["-f", "/home1;reboot", "/home1 ", "/home1\n", "/$(reboot)", "'/home1'", '"/home1"', "/home1/../home10"]:
        assert host.refused("svm_submirror", run=run, state="offline", members=[dict(D1, filesystem=name)])["msg"], name
        assert host.refused("filesystem_lock", run=run, state="locked", paths=[name], max_hold=5)["msg"], name
    assert host.changes() == []


def test_names_of_sets_and_runs(host):
    for name in ["-f", "a/b", "..", ".", "home 1", "home1\n", "$(x)", "a;b", "'a'", "", "-", "x" * 64, "hömé"]:
        result = host.refused("backup_run", state="opened", name=name, manager="svm", members=[])
        assert "cannot name a backup set" in result["msg"], (name, result)
        host.refused("backup_run", True, state="opened", name=name, manager="svm", members=[])
    for run in ["../x", "20261120T031500Z-a1b2c3\n", "x", "20261120T031500Z-a1b2c3/../x"]:
        assert "not the id of a run" in host.refused("backup_run", state="closed", run=run, result="failed")["msg"]
    assert host.records() == []


# Destinations.


def test_destinations_that_are_not_there_or_take_nothing(host):
    host.run("mkdir", "/backup/ro", "/backup/small")
    host.run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/backup/ro")
    host.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", "/backup/small")
    assert "does not exist" in destination_refused(host, "/backup/missing/")
    assert "does not exist" in destination_refused(host, "/backup/missing/image")
    assert "cannot be written to" in destination_refused(host, "/backup/ro")
    assert "no room" in destination_refused(host, "/backup/small")
    host.fill("/home1", "big", 4)
    assert "no room" in destination_refused(host, "/backup/small", method="ufsdump")
    host.run("umount", "/backup/ro", "/backup/small")


@pytest.mark.parametrize("destination", ["/home1", "/home1/", "/home1/images", "/home1/image.file", "/backup/link"])
def test_a_destination_on_a_member(host, destination):
    host.run("mkdir", "/home1/images")
    host.run("ln", "-s", "/home1/images", "/backup/link")
    assert "lies on volume d1" in destination_refused(host, destination)


def test_a_destination_on_a_locked_file_system(host):
    host.run("/usr/sbin/lockfs", "-w", "-c", "other", "/home10")
    assert "locked" in destination_refused(host, "/home10")
    host.run("/usr/sbin/lockfs", "-u", "/home10")
    assert "locked" in destination_refused(host, "/home10", fault=("lockfs", "odd"))


@pytest.mark.parametrize("destination", ["-f", "relative", "relative/", "", "/dev/md/rdsk/d40", "/dev/null", STATE_DIR + "/x", "/backup/taken"])
def test_other_destinations_that_no_image_may_go_to(host, destination):
    host.run("touch", "/backup/taken")
    host.run("mkdir", "-p", "-m", "700", STATE_DIR + "/x")
    destination_refused(host, destination)


def test_two_volumes_for_one_file(host):
    assert "cannot be stored in one file" in destination_refused(host, "/backup/file", D1, D10)


def test_a_destination_that_fills_up_while_it_is_stored(host):
    """What the look before the split could not know."""
    host.run("mkdir", "/backup/small")
    host.run("mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", "/backup/small")
    backup = Backup(host, method="command", command=["/bin/cat", "/dev/md/rdsk/d3", "/dev/md/rdsk/d3"], destination="/backup/small").split()
    backup.start_store()
    job = backup.stored()
    assert job["state"] == "failed" and "No space left" in job["error"]
    assert host.manifests() == []
    backup.rejoin()
    backup.close("failed")
    host.assert_nothing_left()
    host.run("umount", "/backup/small")


# Restores.


RAW = "/dev/md/rdsk/d1"


@pytest.fixture
def stored(host):
    """A complete image of d1, its content written over since, and /home1 unmounted: the path of the manifest."""
    host.fill("/home1")
    record = Backup(host).all()
    host.run("umount", "/home1")
    host.forget()
    return record["image"]


def restore_refused(host, manifest, target=RAW, **how):
    """See a restore refused; the message. The mirror is as it was."""
    before = host.sha256(RAW)
    host.forget()
    result = Restore(host, manifest, [{"volume": "d1", "target": target}], **how).refused()
    assert host.changes() == []
    assert host.sha256(RAW) == before
    return result["msg"]


def changed(host, manifest, **fields):
    """A manifest beside the good one, with other fields."""
    path = manifest.replace("manifest.json", "other.json")
    host.write(path, json.dumps(dict(host.json(manifest), **fields)))
    return path


def test_restores_that_are_not_confirmed_for_exactly_this_volume(host, stored):
    for confirm in ([], ["d2"], ["d1", "d10"], ["D1"], ["all"]):
        assert "not confirmed" in restore_refused(host, stored, confirm=confirm)


def test_targets_that_are_mounted_open_too_small_or_no_device(host, stored):
    host.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
    assert "mounted" in restore_refused(host, stored)
    assert "mounted" in restore_refused(host, stored, "/dev/md/dsk/d1")
    host.run("umount", "/home1")
    keeper = host.start("sh", "-c", "exec sleep 600 < /dev/md/rdsk/d1")
    assert "in use" in restore_refused(host, stored)
    host.kill("sleep")
    keeper.wait()
    host.run("sh", "-c", "truncate -s 1M /backup/little")
    assert "not a device" in restore_refused(host, stored, "/backup/little")
    assert "cannot be" in restore_refused(host, stored, "/dev/md/rdsk/d99")


def test_a_submirror_is_no_target(host, stored):
    """Volume manager and kernel let nobody write to it, on Linux only at the first write."""
    before = host.sha256(RAW)
    restore = Restore(host, stored, [{"volume": "d1", "target": "/dev/md/rdsk/d3"}])
    result = outcome(host.start_module("volume_restore", run=restore.run, state="started", **restore.how))
    assert result.get("failed") or restore.ended()["state"] == "failed"
    assert host.sha256(RAW) == host.sha256("/dev/md/rdsk/d3") == before


def test_a_target_that_is_too_small(host, stored):
    host.run("metadetach", "d40", "d42")
    host.run("metainit", "d77", "1", "1", "c9t9d9s0", check=False)
    manifest = host.json(stored)
    manifest["images"][0].update(volume_bytes=128 << 20, bytes=128 << 20)
    folder = stored.rsplit("/", 1)[0]
    host.run("truncate", "-s", 128 << 20, folder + "/d1.img")
    assert "too small" in restore_refused(host, changed(host, stored, images=manifest["images"]))


def test_a_truncated_image(host, stored):
    host.run("truncate", "-s", 60 << 20, stored.replace("manifest.json", "d1.img"))
    assert "damaged" in restore_refused(host, stored)


def test_a_missing_image(host, stored):
    host.run("rm", stored.replace("manifest.json", "d1.img"))
    assert "missing" in restore_refused(host, stored)


def test_an_altered_image_is_found_before_a_byte_is_written(host, stored):
    host.run("dd", "if=/dev/urandom", "of=" + stored.replace("manifest.json", "d1.img"), "bs=512", "count=1", "seek=9000", "conv=notrunc")
    before = host.sha256(RAW)
    restore = Restore(host, stored, [{"volume": "d1", "target": RAW}])
    restore.start()
    job = restore.ended()
    assert job["state"] == "failed" and "damaged; nothing was overwritten" in job["error"]
    assert host.sha256(RAW) == before
    assert [line for line in host.changes() if "of=" in line] == []


@pytest.mark.parametrize("fields", [
    {"schema": "volmgr.snapbackup/manifest/2"}, {"schema": None}, {"complete": False}, {"images": []}, {"images": None}, {"run": 5},
], ids=str)  # fmt: skip
def test_a_manifest_of_another_schema_or_shape(host, stored, fields):
    restore_refused(host, changed(host, stored, **fields))


@pytest.mark.parametrize("file", ["/etc/passwd", "../../d1.img", "", "d1.img\n"])
def test_a_manifest_whose_image_lies_elsewhere(host, stored, file):
    images = host.json(stored)["images"]
    images[0]["file"] = file
    restore_refused(host, changed(host, stored, images=images))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_file_that_is_no_manifest(host, stored, content):
    path = stored.replace("manifest.json", "odd.json")
    host.write(path, content)
    restore_refused(host, path)
