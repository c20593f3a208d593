# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every way to store brings back the state of the instant of the split: byte for byte, or file for file."""

import pytest
from backups import D1, D10, Backup, Restore
from hosts import PYTHON2, PYTHON3, wait

MIRROR, RAW = "/dev/md/dsk/d1", "/dev/md/rdsk/d1"


def split_and_go_on(host, backup):
    """Split a file system with known files and change it afterwards; {path: sha256} of the instant of the split."""
    host.fill("/home1")
    host.run("ln", "-s", "data.1", "/home1/link")
    frozen = host.tree("/home1")
    backup.split()
    host.fill("/home1", "late")
    host.run("rm", "/home1/data.2")
    assert host.tree("/home1") != frozen
    return frozen


def test_a_raw_image_is_the_frozen_state_byte_for_byte(host):
    backup = Backup(host)
    frozen = split_and_go_on(host, backup)
    device = host.sha256("/dev/md/rdsk/d3")
    manifest = backup.store()
    image = manifest["images"][0]
    path = "%s/home1/%s/%s" % (backup.how["destination"], backup.run, image["file"])
    assert (image["sha256"], image["bytes"]) == (device, 64 << 20)
    assert host.sha256(path) == device
    backup.rejoin()
    backup.close()
    assert host.sha256(RAW) != device
    host.run("umount", "/home1")
    Restore(host, path.rsplit("/", 1)[0] + "/manifest.json", [{"volume": "d1", "target": RAW}]).all()
    assert host.sha256(RAW) == device
    host.run("mount", "-F", "ufs", MIRROR, "/home1")
    assert host.tree("/home1") == frozen
    host.assert_nothing_left()


def test_two_volumes_of_one_run_come_back_together_or_alone(host):
    host.fill("/home1")
    host.fill("/home10")
    frozen = host.tree("/home1"), host.tree("/home10")
    image = Backup(host, D1, D10).all()["image"]
    for point in ("/home1", "/home10"):
        host.fill(point, "late")
        host.run("umount", point)
    targets = [{"volume": name, "target": "/dev/md/rdsk/" + name} for name in ("d10", "d1")]
    Restore(host, image, targets, confirm=["d1", "d10"]).all()
    assert [host.sha256("/dev/md/rdsk/" + entry["volume"]) for entry in host.json(image)["images"]] == [
        entry["sha256"] for entry in host.json(image)["images"]]  # fmt: skip
    host.run("dd", "if=/dev/zero", "of=" + RAW, "bs=1M", "count=8", "conv=fsync")
    Restore(host, image, targets[1:]).all()
    for volume, point in (("d1", "/home1"), ("d10", "/home10")):
        host.run("mount", "-F", "ufs", "/dev/md/dsk/" + volume, point)
    assert (host.tree("/home1"), host.tree("/home10")) == frozen
    host.assert_nothing_left()


@pytest.mark.parametrize("method", ["ufsdump", "tar"])
def test_files_come_back_as_they_were_at_the_split(host, method):
    backup = Backup(host, method=method)
    frozen = split_and_go_on(host, backup)
    manifest = backup.store()
    backup.rejoin()
    backup.close()
    host.run("umount", "/home1")
    host.run("newfs", RAW, data="y\n")
    host.run("mount", "-F", "ufs", MIRROR, "/home1")
    Restore(host, host.manifests()[0], [{"volume": "d1", "target": "/home1"}]).all()
    assert host.tree("/home1") == frozen
    assert host.out("readlink", "/home1/link") == "data.1\n"
    assert manifest["images"][0]["method"] == method
    host.assert_nothing_left()


@pytest.mark.slow
@pytest.mark.parametrize("tool, suffix", [("gzip", ".img.gz"), ("zstd", ".img.zst")])
def test_two_streams_at_a_time_and_compressed(host, tool, suffix):
    for point in ("/home1", "/home10"):
        host.fill(point)
    image = Backup(host, D1, D10, streams=2, compression=tool).all()["image"]
    entries = host.json(image)["images"]
    for entry in entries:
        path = image.rsplit("/", 1)[0] + "/" + entry["file"]
        assert path.endswith(suffix) and entry["stored_bytes"] < entry["bytes"] == 64 << 20
        assert host.sha256(path) == entry["stored_sha256"]
    for point in ("/home1", "/home10"):
        host.fill(point, "late")
        host.run("umount", point)
    Restore(host, image, [{"volume": name, "target": "/dev/md/rdsk/" + name} for name in ("d1", "d10")]).all()
    assert [host.sha256("/dev/md/rdsk/" + entry["volume"]) for entry in entries] == [entry["sha256"] for entry in entries]
    path = image.rsplit("/", 1)[0] + "/" + entries[1]["file"]
    host.run("dd", "if=/dev/urandom", "of=" + path, "bs=1", "count=9", "seek=4000", "conv=notrunc,fsync")
    before = host.sha256(RAW)
    damaged = Restore(host, image, [{"volume": name, "target": "/dev/md/rdsk/" + name} for name in ("d1", "d10")])
    damaged.start()
    assert "nothing was overwritten" in damaged.ended()["error"] and host.sha256(RAW) == before
    damaged.close("failed")


def rested(host):
    """Wait until what was written counts as written before a cut that is made now."""
    host.run("touch", "/home1/rested")
    written = int(host.out("stat", "-c", "%Z", "/home1/rested"))
    wait(lambda: int(host.out("date", "+%s")) > written + 2, "the clock")


@pytest.mark.slow
def test_a_chain_of_dumps_comes_back_level_by_level(host):
    host.write("/etc/dumpdates", "")
    host.fill("/home1")
    rested(host)
    images = [Backup(host, method="ufsdump", update_dumpdates=True).all()["image"]]
    # A date has whole seconds, and files have their times from a clock that may lag behind the one the date is from.
    rested(host)
    host.fill("/home1", "late")
    host.run("rm", "/home1/data.2")
    frozen = host.tree("/home1")
    assert [line.split()[:2] for line in host.out("cat", "/etc/dumpdates").splitlines()] == [[RAW, "0"]]
    images.append(Backup(host, method="ufsdump", level=1, update_dumpdates=True).all()["image"])
    entries = [host.json(image)["images"][0] for image in images]
    assert entries[1]["dump"] == {"base": images[0], "since": entries[0]["dump"]["date"], "date": entries[1]["dump"]["date"]}
    assert entries[1]["bytes"] < entries[0]["bytes"] + (6 << 20)
    host.run("umount", "/home1")
    host.run("newfs", RAW, data="y\n")
    host.run("mount", "-F", "ufs", MIRROR, "/home1")
    alone = Restore(host, images[1], [{"volume": "d1", "target": "/home1"}]).refused()
    assert "needs the lower levels" in alone["msg"] and images[0] in alone["remedy"]
    Restore(host, images[0], [{"volume": "d1", "target": "/home1"}], last_level=False).all()
    Restore(host, images[1], [{"volume": "d1", "target": "/home1"}]).all()
    # What was removed between the levels stays: the simulated ufsrestore removes nothing.
    assert {name: found for name, found in host.tree("/home1").items() if name != "./data.2"} == frozen
    host.assert_nothing_left()


@pytest.mark.slow
def test_a_dump_of_a_higher_level_that_would_lack_a_file_is_refused(host):
    """What is changed between the cut and the start of ufsdump is older than the date of the dump, and not in it."""
    host.write("/etc/dumpdates", "")
    rested(host)
    base = Backup(host, method="ufsdump", update_dumpdates=True).split()
    host.write("/home1/in between", "not in the dump of level 0")
    rested(host)
    base.store()
    base.rejoin()
    base.close()
    backup = Backup(host, method="ufsdump", level=1).split()
    backup.start_store()
    job = backup.stored()
    assert job["state"] == "failed" and "would lack files of d1" in job["error"] and "dump of level 0" in job["error"]
    backup.rejoin()
    backup.close("failed")
    assert [line.split()[:2] for line in host.out("cat", "/etc/dumpdates").splitlines()] == [[RAW, "0"]]


def test_a_command_whose_output_is_the_image(host):
    backup = Backup(host, method="command", command=["/bin/tar", "czf", "-", "-C", "{path}", "."], output="stream")
    frozen = split_and_go_on(host, backup)
    backup.store()
    backup.rejoin()
    backup.close()
    host.run("mkdir", "/backup/out")
    Restore(host, host.manifests()[0], [{"volume": "d1", "target": "/backup/out", "require_mount": False}],
            restore_command=["/bin/tar", "xzf", "-", "-C", "{target}"]).all()  # fmt: skip
    assert host.tree("/backup/out") == frozen
    host.assert_nothing_left()


def test_a_command_that_stores_by_itself_gets_arguments_environment_and_the_mounted_copy(host):
    tool = host.script("vault", 'mkdir -p "$VAULT" && cp -a "$1"/. "$VAULT"/ && echo "$2 $3" > /root/called')
    argv, environment = [tool, "{path}", "{volume}", "{run}"], {"VAULT": "/backup/my vault"}
    backup = Backup(host, method="command", command=argv, output="none", environment=environment)
    frozen = split_and_go_on(host, backup)
    manifest = backup.store()
    assert host.tree("/backup/my vault") == frozen
    assert host.out("cat", "/root/called") == "d1 %s\n" % backup.run
    assert (manifest["images"][0]["file"], manifest["images"][0]["sha256"]) == (None, None)
    backup.rejoin()
    backup.close()
    host.assert_nothing_left()


def test_one_file_for_the_image_of_one_volume_is_written_once(host):
    record = Backup(host, destination="/backup/one.img").all()
    assert record["image"] == "/backup/one.img.manifest.json"
    image = host.json(record["image"])["images"][0]
    assert (image["file"], host.sha256("/backup/one.img")) == ("one.img", image["sha256"])
    again = Backup(host).split()
    assert "exists and is not overwritten" in host.refused("volume_backup", run=again.run, destination="/backup/one.img")["msg"]
    assert host.sha256("/backup/one.img") == image["sha256"]
    again.rejoin()
    again.close("failed")


def test_secrets_of_the_command_are_nowhere_on_the_disk(host):
    tool = host.script("vault", 'test "$TOKEN" = "s3cr3t-word"')
    backup = Backup(host, method="command", command=[tool], output="none", environment={"TOKEN": "s3cr3t-word"}).split()
    backup.store()
    assert host.run("grep", "-rl", "s3cr3t-word", "/var/lib/snapbackup", "/backup", check=False).stdout == ""


@pytest.mark.parametrize("python", [PYTHON2, PYTHON3])
def test_every_run_is_a_new_cut_and_modules_are_idempotent(host, python):
    runs = []
    for content in ("one", "two"):
        host.write("/home1/content", content)
        backup = Backup(host).open()
        first = host.module("svm_submirror", python, run=backup.run, state="offline", members=backup.pairs)
        again = host.module("svm_submirror", python, run=backup.run, state="offline", members=backup.pairs)
        assert (first["changed"], again["changed"]) == (True, False)
        assert again["window"] == first["window"]
        started = host.module("volume_backup", python, run=backup.run, destination="/backup")
        assert started["changed"]
        assert backup.stored()["state"] == "complete"
        assert not host.module("volume_backup", python, run=backup.run, destination="/backup")["changed"]
        assert host.module("svm_submirror", python, run=backup.run, state="online")["changed"]
        host.settled()
        assert not host.module("svm_submirror", python, run=backup.run, state="online")["changed"]
        runs.append(backup.close())
    assert [record["result"] for record in runs] == ["complete", "complete"]
    manifests = [host.json(path) for path in host.manifests()]
    assert len(manifests) == 2
    assert manifests[0]["images"][0]["sha256"] != manifests[1]["images"][0]["sha256"]
    host.assert_nothing_left()


def test_a_destination_with_every_odd_character_is_taken_literally(host):
    odd = "/backup/a b;touch $(x) 'q' \"d\" `t` *\n-f"
    host.run("mkdir", odd)
    record = Backup(host, destination=odd).all()
    assert record["image"] == "%s/home1/%s/manifest.json" % (odd, record["run"])
    host.run("test", "-s", record["image"])
    assert host.out("ls", "/backup").count("\n") <= 2


def test_without_the_concise_report_of_newer_releases(host):
    host.simctl("set", "concise", "off")
    backup = Backup(host)
    frozen = split_and_go_on(host, backup)
    assert backup.store()["images"][0]["sha256"] == host.sha256("/dev/md/rdsk/d3")
    assert len(frozen) == 3
    backup.module("svm_submirror", state="online")
    host.simctl("set", "concise", "on")
    backup.rejoin()
    backup.close()
    host.assert_nothing_left()


def test_a_volume_without_a_file_system_is_worth_a_crash_alone_and_nothing_in_company(host):
    bare = {"mirror": "d40", "submirror": "d42"}
    host.run("dd", "if=/dev/urandom", "of=/dev/md/rdsk/d40", "bs=1M", "count=4", "conv=fsync")
    backup = Backup(host, bare, name="raw").split()
    assert host.record(backup.run)["verdict"] == "crash"
    assert backup.store()["verdict"] == "crash"
    backup.rejoin()
    backup.close()
    host.forget()
    refused = Backup(host, bare, D1, D10, name="both").split_refused()
    assert "one point in time" in refused["msg"] and "d40" in refused["msg"]
    assert host.changes() == []
