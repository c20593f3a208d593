# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role with a backup server: two complete images there, a proxy in step, and the guide's steps in order."""

import json

import pytest
from verify import connect, lines, records_of

LAB = "moleculegds"
STEPS = ("lockfs -w", "lockfs -u", "sdxproxy", "sdxvolume", "sdxshadow", "dd if=/dev/sfdsk", "fsck -F ufs -y", "mount -F", "umount /var")


@pytest.fixture(scope="session")
def primary():
    return connect(LAB, "node1")


@pytest.fixture(scope="session")
def reader():
    return connect(LAB, "backup1")


def test_two_runs_are_complete_on_both_hosts(primary, reader):
    for host in (primary, reader):
        found = [(record["result"], record["verdict"], record["undo"]) for record in records_of(host)]
        assert found == [("complete", "filesystem", [])] * 2
    assert [record["run"] for record in records_of(primary)] == [record["run"] for record in records_of(reader)]
    assert {record["primary"] for record in records_of(reader)} == {"node1"}


def test_the_images_on_the_backup_server_are_what_their_manifests_say(primary, reader):
    for record in records_of(reader):
        manifest = json.loads(reader.file(record["image"]).content_string)
        (image,) = manifest["images"]
        file = reader.file(record["image"].replace("manifest.json", image["file"]))
        assert manifest["complete"] is True and (file.size, file.sha256sum) == (image["bytes"], image["sha256"])
        assert image["original"] == "/dev/sfdsk/Class1/rdsk/Volume1"
    assert primary.check_output("find /backup -type f") == ""


def test_the_proxy_is_in_step_and_no_shadow_is_left(primary, reader):
    rows = [line.split() for line in primary.check_output("sdxinfo -S -c Class1 -o Volume2").splitlines()]
    assert [row[5] for row in rows if row[4] == "Volume2"] == ["STOP"]
    assert "Class2" not in reader.check_output("sdxinfo -C") and reader.check_output("find /dev/sfdsk -name 'Volume*'") == ""
    assert primary.check_output("lockfs /data1").splitlines()[1].split() == ["/data1", "unlock"]


def test_the_procedure_in_its_order(primary):
    """Of both hosts, whose journal is one."""
    found = [" ".join(line.split()[:2]) for line in lines(primary, "--all") if line.startswith(STEPS)]
    part = ["lockfs -w", "sdxproxy Part", "lockfs -u", "sdxvolume -F"]
    make = ["sdxshadowdisk -M", "sdxshadowdisk -C", "sdxshadowvolume -M"]
    remove = ["sdxshadowvolume -F", "sdxshadowvolume -R", "sdxshadowgroup -R", "sdxshadowdisk -R"]
    mode = ["sdxshadowvolume -F", "sdxshadowvolume -N"]
    device, back = ["dd if=/dev/sfdsk/Class2/rdsk/Volume2"], ["sdxproxy Rejoin"]
    files = [*mode, "fsck -F", *mode, "mount -F"]
    unmounted = next(line for line in found if line.startswith("umount"))
    assert found == ["sdxproxy Join", *part, *make, *device, *remove, *back, *part, *make, *files, unmounted, *remove, *back]
