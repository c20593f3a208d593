# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role: two complete images, a healthy mirror, and the vendor's procedure in its order."""

import json

import pytest

STATES = ("lockfs -", "metaoffline", "dd ", "metaonline")


@pytest.fixture
def manifests(host, records):
    return [json.loads(host.file(record["image"]).content_string) for record in records]


def test_two_runs_are_complete(records):
    assert [(record["sequence"], record["result"], record["verdict"], record["undo"]) for record in records] == [
        (1, "complete", "filesystem", []),
        (2, "complete", "filesystem", []),
    ]


def test_every_image_is_complete_and_is_what_its_manifest_says(host, records, manifests):
    assert len({record["image"] for record in records}) == 2
    for record, manifest in zip(records, manifests, strict=True):
        assert manifest["complete"] is True
        (image,) = manifest["images"]
        file = host.file(record["image"].replace("manifest.json", image["file"]))
        assert file.size == image["bytes"] == image["volume_bytes"] == 256 << 20
        assert file.sha256sum == image["sha256"]


def test_the_images_and_records_are_private(host, records):
    for record in records:
        paths = record["image"], record["image"].replace("manifest.json", "d1.img"), "/var/lib/snapbackup/runs/%s.json" % record["run"]
        assert host.check_output("stat -c %%a %s %s %s", *paths).split() == ["600"] * 3


def test_the_mirror_is_healthy_and_both_halves_are_the_same(host):
    assert [line.split()[0] for line in host.check_output("metastat -c d1").splitlines() if "(" in line] == []
    host.check_output("cmp /dev/md/rdsk/d2 /dev/md/rdsk/d3")
    assert host.check_output("lockfs /home1").splitlines()[1].split() == ["/home1", "unlock"]


def test_the_procedure_in_its_order(journal, records):
    changes = [line for line in journal if line.startswith(STATES)]
    expected = []
    for record in records:
        expected += [
            "lockfs -f /home1",
            "lockfs -w -c snapbackup:%s /home1" % record["run"],
            "metaoffline d1 d3",
            "lockfs -u /home1",
            "dd if=/dev/md/rdsk/d3 bs=1048576 count=256",
            "metaonline d1 d3",
        ]
    assert changes == expected


def test_nothing_is_left_behind(host, watchdogs):
    assert host.check_output("find /var/backups/home1 -name '*.partial'") == ""
    assert not [line for line in host.file("/etc/mnttab").content_string.splitlines() if "/var/lib/snapbackup" in line]
    assert watchdogs == []
