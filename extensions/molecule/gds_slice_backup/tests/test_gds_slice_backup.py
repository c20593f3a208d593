# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role on a class that two nodes share: two complete catalog entries, whole volumes, and services that stood still
on both nodes. Between them the other node took a detached slice over."""

import json
from pathlib import Path

import pytest
import testinfra

LAB = Path(__file__).parents[4] / ".cache" / "lab" / "moleculeslice" / "inventory.yml"
RUNS = "/var/lib/snapbackup/runs"
STEPS = ("sdxslice", "umount /data1", "mount -F ufs", "lockfs -w")


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
def node1():
    return connect("node1")


@pytest.fixture(scope="session")
def node2():
    return connect("node2")


@pytest.fixture(scope="session")
def outside():
    return connect("node3")


def records(host):
    """The run records of a host, oldest first."""
    paths = host.check_output("find %s -maxdepth 1 -name '*.json'", RUNS).split()
    return sorted((json.loads(host.file(path).content_string) for path in paths), key=lambda record: record["sequence"])


def images(host):
    """{volume: image} of each manifest in the catalog of a host."""
    manifests = [json.loads(host.file(record["image"]).content_string) for record in records(host)]
    return [{image["volume"]: image for image in manifest["images"]} for manifest in manifests]


def test_two_runs_are_complete(node1, node2):
    assert [(record["result"], record["verdict"], record["undo"]) for record in records(node1)] == [("complete", "application", [])] * 2
    assert [(record["kind"], record["result"], record["undo"]) for record in records(node2)] == [("services", "complete", [])] * 2
    assert [record["run"] for record in records(node1)] == [record["run"] for record in records(node2)]


def test_the_images_are_what_their_manifests_say(node1):
    for record, mine in zip(records(node1), images(node1)):
        assert set(mine) == {"Volume1", "Volume2"}
        for image in mine.values():
            file = node1.file(record["image"].replace("manifest.json", image["file"]))
            assert (file.size, file.sha256sum) == (image["bytes"], image["sha256"])


def test_nothing_was_written_after_the_service_of_the_other_node_was_down(node1, node2):
    cuts = [line.split()[0] for line in node2.file("/root/cuts").content_string.splitlines()]
    assert [mine["Volume2"]["sha256"] for mine in images(node1)] == cuts and len(set(cuts)) == 2


def test_the_other_node_has_read_the_same_slice(node1, node2):
    assert node2.file("/root/taken_over").content_string.split()[0] == images(node1)[0]["Volume2"]["sha256"]


def test_the_group_is_healthy(node1):
    rows = [line.split() for line in node1.check_output("sdxinfo -S -c Class1").splitlines()]
    assert sorted((row[4], row[3], row[5]) for row in rows if row[4] in ("Volume1", "Volume2")) == [
        (volume, disk, "ACTIVE") for volume in ("Volume1", "Volume2") for disk in ("Disk1", "Disk2")
    ]


def test_the_services_run_again(node1, node2):
    for host in (node1, node2):
        assert host.run("/root/app status").rc == 0
    assert node1.mount_point("/data1").exists


def test_the_host_outside_was_left_alone(outside):
    """It sees the same disks, under other names."""
    assert "Class1" not in outside.check_output("sdxinfo -C") and not outside.file("/var/lib/snapbackup").exists
    rows = json.loads(outside.check_output("python3 /opt/simulator/simctl journal --json"))
    assert {row["argv"][0].rsplit("/", 1)[-1] for row in rows} <= {"sdxinfo"}


def test_the_procedure_in_its_order(node1):
    """Of all hosts, whose journal is one."""
    rows = json.loads(node1.check_output("python3 /opt/simulator/simctl journal --json --all"))
    lines = [" ".join([row["argv"][0].rsplit("/", 1)[-1], *row["argv"][1:]]) for row in sorted(rows, key=lambda row: row["started"])]
    found = [" ".join(line.split()[:2]) for line in lines if line.startswith(STEPS)][1:]
    cut, back = ["umount /data1", "sdxslice -M", "sdxslice -M", "mount -F"], ["sdxslice -R", "sdxslice -R"]
    switch = ["sdxslice -F", "sdxslice -T", "sdxslice -N", "sdxslice -F"]
    assert found == [*cut, *switch, *back, *cut, *back]
