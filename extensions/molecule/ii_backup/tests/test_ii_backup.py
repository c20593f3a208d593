# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role with a reader: two complete images there, the sets healthy at home, and only what was changed copied."""

import json

import pytest
from verify import calls, connect, records_of

LAB = "moleculeii"
SHADOWS = ["/dev/vx/rdsk/backup/vol01", "/dev/vx/rdsk/backup/vol03"]
STEPS = ("iiadm", "vxdg deport", "vxdg import", "vxdg -t import", "vxvol", "svadm -")


@pytest.fixture(scope="session")
def primary():
    return connect(LAB, "node1")


@pytest.fixture(scope="session")
def reader():
    return connect(LAB, "node2")


def images(host, record):
    """{volume: (path of its image, what the manifest says of it)}"""
    manifest = json.loads(host.file(record["image"]).content_string)
    assert manifest["complete"] is True
    return {image["volume"]: (record["image"].replace("manifest.json", image["file"]), image) for image in manifest["images"]}


def test_two_runs_are_complete_on_both_hosts(primary, reader):
    for host in (primary, reader):
        assert [(record["result"], record["verdict"], record["undo"]) for record in records_of(host)] == [("complete", "crash", [])] * 2
    assert [record["run"] for record in records_of(primary)] == [record["run"] for record in records_of(reader)]
    assert {record["primary"] for record in records_of(reader)} == {"node1"}


def test_the_images_on_the_reader_are_what_their_manifests_say(primary, reader):
    for record in records_of(reader):
        stored = images(reader, record)
        assert sorted(stored) == ["production/vol01", "production/vol03"]
        for path, image in stored.values():
            file = reader.file(path)
            assert (file.size, file.sha256sum) == (image["bytes"], image["sha256"])
    assert primary.check_output("find /backup -type f") == ""


def test_the_second_image_holds_what_was_written_between_the_two(primary, reader):
    first, second = (images(reader, record)["production/vol03"][0] for record in records_of(reader))
    different = reader.run("cmp -l %s %s" % (first, second)).stdout.splitlines()
    assert different and {(int(line.split()[0]) - 1) // 512 for line in different} == {20000}
    assert reader.file(second).sha256sum == primary.file("/dev/vx/rdsk/production/vol03").sha256sum


def test_the_sets_are_healthy_at_home(primary, reader):
    status = primary.check_output("iiadm -i all").splitlines()
    assert [line.split(":")[0] for line in status if line.endswith("(shadow volume)")] == SHADOWS
    assert [line for line in status if line.startswith(("Group", "Independent"))] == ["Group name: Backup1", "Independent copy"] * 2
    assert reader.check_output("iiadm -l") == ""
    assert "backup" in primary.check_output("vxdg list") and "backup" not in reader.check_output("vxdg list")
    assert primary.check_output("lockfs /vol01").splitlines()[1].split() == ["/vol01", "unlock"]


def test_only_changed_chunks_travel_at_the_second_update(primary):
    shown = json.loads(primary.check_output("python3 /opt/simulator/simctl show"))["ii"]["copies"]
    made = [(copy["shadow"], copy["full"], copy["regions"]) for copy in shown]
    chunks = {SHADOWS[0]: 1024, SHADOWS[1]: 512}
    # What enabled the sets, then the first update, at which nobody had written to the raw volume.
    assert made[:2] == [(shadow, 1, chunks[shadow]) for shadow in SHADOWS] and made[3] == (SHADOWS[1], 0, 0)
    assert len(made) == 6 and not any(full for _shadow, full, _regions in made[2:])
    # One chunk of the raw volume. Of the other one the log of its file system, which was also replayed on the reader.
    assert made[5] == (SHADOWS[1], 0, 1) and made[4][0] == SHADOWS[0] and made[4][2] < chunks[SHADOWS[0]] // 4


def test_the_procedure_in_its_order(primary):
    """Of both hosts, whose journal is one."""
    looks = ("iiadm -i", "iiadm -l", "vxvol -g backup list")
    shown = [(host, line.replace("/dev/vx/rdsk/", "")) for host, line in calls(primary, "--all")]
    found = [(host, line) for host, line in shown if line.startswith(STEPS) and not line.startswith(looks)]
    enable = ["iiadm -g Backup1 -e ind production/%s backup/%s production/%s.bmp" % (name, name, name) for name in ("vol01", "vol03")]
    each = [
        *[("node1", line) for line in ("iiadm -g Backup1 -u s", "iiadm -E backup/vol01", "iiadm -E backup/vol03")],
        ("node1", "vxvol -g backup stopall"), ("node1", "vxdg deport backup"),
        ("node2", "vxdg -t import backup"), ("node2", "vxvol -g backup startall"),
        *[("node2", "iiadm -I backup/%s backup/%s.bmp" % (name, name)) for name in ("vol01", "vol03")],
        *[("node2", "iiadm -d backup/" + name) for name in ("vol01", "vol03")],
        ("node2", "vxvol -g backup stopall"), ("node2", "vxdg deport backup"),
        ("node1", "vxdg import backup"), ("node1", "vxvol -g backup startall"),
        *[("node1", "iiadm -J backup/%s backup/%s.bmp" % (name, name)) for name in ("vol01", "vol03")],
    ]  # fmt: skip
    assert found == [("node1", line) for line in enable] + each * 2
