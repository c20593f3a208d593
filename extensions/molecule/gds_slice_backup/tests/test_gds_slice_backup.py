# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role on a class that two nodes share: two complete catalog entries, whole volumes, and services that stood still
on both nodes. Between them the other node took a detached slice over."""

import json

import pytest
from verify import connect, lines, records_of

LAB = "moleculeslice"
STEPS = ("sdxslice", "umount /data1", "mount -F ufs", "lockfs -w")


@pytest.fixture(scope="session")
def node1():
    return connect(LAB, "node1")


@pytest.fixture(scope="session")
def node2():
    return connect(LAB, "node2")


@pytest.fixture(scope="session")
def outside():
    return connect(LAB, "node3")


def images(host):
    """{volume: image} of each manifest in the catalog of a host."""
    manifests = [json.loads(host.file(record["image"]).content_string) for record in records_of(host)]
    return [{image["volume"]: image for image in manifest["images"]} for manifest in manifests]


def test_two_runs_are_complete(node1, node2):
    assert [(record["result"], record["verdict"], record["undo"]) for record in records_of(node1)] == [("complete", "application", [])] * 2
    assert [(record["kind"], record["result"], record["undo"]) for record in records_of(node2)] == [("services", "complete", [])] * 2
    assert [record["run"] for record in records_of(node1)] == [record["run"] for record in records_of(node2)]


def test_the_images_are_what_their_manifests_say(node1):
    for record, mine in zip(records_of(node1), images(node1)):
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
    assert {line.split()[0] for line in lines(outside)} <= {"sdxinfo"}


def test_the_procedure_in_its_order(node1):
    """Of all hosts, whose journal is one."""
    found = [" ".join(line.split()[:2]) for line in lines(node1, "--all") if line.startswith(STEPS)][1:]
    cut, back = ["umount /data1", "sdxslice -M", "sdxslice -M", "mount -F"], ["sdxslice -R", "sdxslice -R"]
    switch = ["sdxslice -F", "sdxslice -T", "sdxslice -N", "sdxslice -F"]
    assert found == [*cut, *switch, *back, *cut, *back]
