# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role: two complete images, a mirror that is ready for the next one, and the guide's procedure in its order."""

import json

STATES = ("vxassist -g datadg -b", "vxassist -g datadg snapshot", "fsck -F", "dd ")


def test_two_runs_are_complete(host, records):
    assert [(record["sequence"], record["result"], record["verdict"], record["undo"]) for record in records] == [
        (1, "complete", "filesystem", []),
        (2, "complete", "filesystem", []),
    ]
    for record in records:
        manifest = json.loads(host.file(record["image"]).content_string)
        (image,) = manifest["images"]
        file = host.file(record["image"].replace("manifest.json", image["file"]))
        assert manifest["complete"] is True and file.size == 32 << 20 and file.sha256sum == image["sha256"]


def test_the_mirror_is_ready_and_the_volume_healthy(host):
    rows = [line.split() for line in host.check_output("vxprint -g datadg -ht").splitlines()]
    assert [row[4] for row in rows if row[:1] == ["pl"] and row[2] == "vol03"] == ["ACTIVE", "SNAPDONE"]
    assert [row[1] for row in rows if row[:1] == ["v"] and row[1].startswith("vol03-")] == []


def test_the_procedure_in_its_order(journal, records):
    copies = ["vol03-" + record["run"][-6:] for record in records]
    expected = ["vxassist -g datadg -b snapstart vol03"]
    for copy in copies:
        expected += [
            "vxassist -g datadg snapshot vol03 " + copy,
            "fsck -F vxfs -y /dev/vx/rdsk/datadg/" + copy,
            "dd if=/dev/vx/rdsk/datadg/%s bs=1048576 count=32" % copy,
            "vxassist -g datadg -b snapback " + copy,
        ]
    assert [line for line in journal if line.startswith(STATES)] == expected
