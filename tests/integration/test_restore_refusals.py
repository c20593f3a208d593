# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restores that are refused: not one byte of the mirror is changed, and the error says why."""

import json

import pytest
from backups import Backup, Restore
from conftest import new
from hosts import outcome

RAW = "/dev/md/rdsk/d1"


@pytest.fixture(scope="module")
def made(lab):
    """(host, manifest): a complete image of d1, /home1 unmounted and empty since. No test of this file changes either."""
    host = new(lab, "node1")
    host.fill("/home1")
    image = Backup(host).all()["image"]
    host.run("umount", "/home1")
    host.run("dd", "if=/dev/urandom", "of=" + RAW, "bs=1M", "count=64", "conv=fsync")
    return host, image


@pytest.fixture
def host(made):
    return made[0]


@pytest.fixture
def stored(made):
    """The manifest, in a directory that the test may change."""
    host, image = made
    host.run("cp", "-a", image.rsplit("/", 1)[0], "/backup/copy")
    yield "/backup/copy/manifest.json"
    host.run("rm", "-r", "/backup/copy")


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


def test_targets_that_are_mounted_open_or_no_device(host, stored):
    assert "mounted on /home10" in restore_refused(host, stored, "/dev/md/rdsk/d10")
    assert "mounted on /home10" in restore_refused(host, stored, "/dev/md/dsk/d10")
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
    restore.close("failed")
    assert host.sha256(RAW) == host.sha256("/dev/md/rdsk/d3") == before


def test_a_target_that_is_too_small(host, stored):
    manifest = host.json(stored)
    manifest["images"][0].update(volume_bytes=128 << 20, bytes=128 << 20, stored_bytes=128 << 20)
    host.run("truncate", "-s", 128 << 20, stored.replace("manifest.json", "d1.img"))
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
    assert [line for line in host.changes() if "of=/dev" in line] == []
    restore.close("failed")


@pytest.mark.parametrize("fields", [
    {"schema": "volmgr.snapbackup/manifest/9"}, {"schema": None}, {"complete": False}, {"images": []}, {"images": None}, {"run": 5},
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
