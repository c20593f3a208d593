# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One job has stored the frozen copy byte for byte, and its manifest says so."""

import json

import pytest


@pytest.fixture
def manifest(host, record):
    return json.loads(host.file(record["image"]).content_string)


def test_the_image_is_the_frozen_copy(host, record, manifest):
    image = record["image"].replace("manifest.json", manifest["images"][0]["file"])
    host.check_output("cmp %s /dev/md/rdsk/d3", image)
    assert host.file(image).sha256sum == manifest["images"][0]["sha256"]
    assert host.file(image).size == manifest["images"][0]["bytes"] == record["members"][0]["bytes"]


def test_the_manifest_proves_that_it_is_still_the_cut(manifest, record):
    assert manifest["complete"] is True
    assert manifest["run"] == record["run"]
    assert [proof["held"] for proof in manifest["proof"]] == [True, True]


def test_the_job_ran_once_and_has_ended(host, journal):
    assert len([line for line in journal if line.startswith("dd if=/dev/md/rdsk/d3")]) == 1
    assert host.run("pgrep -x dd").stdout == ""


def test_no_partial_file_is_left(host):
    assert host.check_output("find /var/backups/home1 -name '*.partial'") == ""
