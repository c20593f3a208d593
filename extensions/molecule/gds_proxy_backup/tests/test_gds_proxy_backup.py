# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role with a backup server: two complete images there, a proxy in step, and the guide's steps in order."""

import json
from pathlib import Path

import pytest
import testinfra

LAB = Path(__file__).parents[4] / ".cache" / "lab" / "moleculegds" / "inventory.yml"
RUNS = "/var/lib/snapbackup/runs"
STEPS = ("lockfs -w", "lockfs -u", "sdxproxy", "sdxvolume", "sdxshadow", "dd if=/dev/sfdsk", "fsck -F ufs -y", "mount -F", "umount /var")


def connect(name):
    found = json.loads(LAB.read_text())["svm"]
    options = found["vars"]
    return testinfra.get_host(
        "ssh://root@" + found["hosts"][name]["ansible_host"],
        ssh_identity_file=options["ansible_ssh_private_key_file"],
        ssh_extra_args=options["ansible_ssh_common_args"],
        controlpath=options["ansible_control_path_dir"] + "/testinfra-%%h",
    )


@pytest.fixture(scope="session")
def primary():
    return connect("node1")


@pytest.fixture(scope="session")
def reader():
    return connect("backup1")


def records(host):
    """The run records of a host, oldest first."""
    paths = host.check_output("find %s -maxdepth 1 -name '*.json'", RUNS).split()
    return sorted((json.loads(host.file(path).content_string) for path in paths), key=lambda record: record["sequence"])


def test_two_runs_are_complete_on_both_hosts(primary, reader):
    for host in (primary, reader):
        assert [(record["result"], record["verdict"], record["undo"]) for record in records(host)] == [("complete", "filesystem", [])] * 2
    assert [record["run"] for record in records(primary)] == [record["run"] for record in records(reader)]
    assert {record["primary"] for record in records(reader)} == {"node1"}


def test_the_images_on_the_backup_server_are_what_their_manifests_say(primary, reader):
    for record in records(reader):
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
    rows = json.loads(primary.check_output("python3 /opt/simulator/simctl journal --json --all"))
    lines = [" ".join([row["argv"][0].rsplit("/", 1)[-1], *row["argv"][1:]]) for row in sorted(rows, key=lambda row: row["started"])]
    found = [" ".join(line.split()[:2]) for line in lines if line.startswith(STEPS)]
    part = ["lockfs -w", "sdxproxy Part", "lockfs -u", "sdxvolume -F"]
    make = ["sdxshadowdisk -M", "sdxshadowdisk -C", "sdxshadowvolume -M"]
    remove = ["sdxshadowvolume -F", "sdxshadowvolume -R", "sdxshadowgroup -R", "sdxshadowdisk -R"]
    mode = ["sdxshadowvolume -F", "sdxshadowvolume -N"]
    device, back = ["dd if=/dev/sfdsk/Class2/rdsk/Volume2"], ["sdxproxy Rejoin"]
    files = [*mode, "fsck -F", *mode, "mount -F"]
    unmounted = next(line for line in found if line.startswith("umount"))
    assert found == ["sdxproxy Join", *part, *make, *device, *remove, *back, *part, *make, *files, unmounted, *remove, *back]
