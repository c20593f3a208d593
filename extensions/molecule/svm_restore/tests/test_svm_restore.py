# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The volume is again what it was at the split, on both halves of the mirror."""

import json


def test_the_damaged_file_is_whole_and_the_later_one_gone(host):
    assert host.file("/home1/kept").sha256sum == host.file("/usr/bin/python2.7").sha256sum
    assert not host.file("/home1/later").exists


def test_both_halves_hold_the_same(host):
    host.check_output("cmp /dev/md/rdsk/d2 /dev/md/rdsk/d3")
    assert "(" not in host.check_output("metastat -c d1")


def test_the_runs_are_in_the_catalog(records):
    assert [(record["kind"], record["result"], record["undo"]) for record in records] == [
        ("backup", "complete", []),
        ("restore", "complete", []),
    ]


def test_the_image_is_still_there(host, records):
    manifest = json.loads(host.file(records[0]["image"]).content_string)
    image = host.file(records[0]["image"].replace("manifest.json", manifest["images"][0]["file"]))
    assert image.sha256sum == manifest["images"][0]["sha256"]
