# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two backups of the whole role with two nodes and a backup server: complete images there of what the services of both nodes have left,
proxies in step, and the guide's steps in order."""

import json

import pytest
from verify import connect, lines, records_of

LAB = "moleculegds"
STEPS = ("umount /data1", "sdxproxy", "sdxvolume", "sdxattr", "sdxshadow", "dd if=/dev/sfdsk", "fsck -F ufs -y", "mount -F", "umount /var")


@pytest.fixture(scope="session")
def primary():
    return connect(LAB, "node1")


@pytest.fixture(scope="session")
def other():
    return connect(LAB, "node2")


@pytest.fixture(scope="session")
def reader():
    return connect(LAB, "backup1")


def test_two_runs_are_complete_on_all_hosts(primary, other, reader):
    for host in (primary, reader):
        found = [(record["result"], record["verdict"], record["undo"]) for record in records_of(host)]
        assert found == [("complete", "application", [])] * 2
        assert [record["run"] for record in records_of(host)] == [record["run"] for record in records_of(other)]
    assert [(record["kind"], record["result"], record["undo"]) for record in records_of(other)] == [("services", "complete", [])] * 2
    assert {record["primary"] for record in records_of(reader)} == {"node1"}


def images(reader):
    """{volume: image} of each manifest on the backup server, whose images are looked at."""
    found = []
    for record in records_of(reader):
        manifest = json.loads(reader.file(record["image"]).content_string)
        assert manifest["complete"] is True
        for image in manifest["images"]:
            file = reader.file(record["image"].replace("manifest.json", image["file"]))
            assert (file.size, file.sha256sum) == (image["bytes"], image["sha256"])
            assert image["original"] == "/dev/sfdsk/Class1/rdsk/" + image["volume"]
        found.append({image["volume"]: image for image in manifest["images"]})
    return found


def test_the_images_are_of_the_moment_when_both_services_were_down(primary, other, reader):
    found = images(reader)
    assert [set(mine) for mine in found] == [{"Volume1", "Volume3"}, {"Volume1"}]
    assert found[0]["Volume3"]["sha256"] == other.file("/root/cuts").content_string.split()[0]
    assert primary.check_output("find /backup -type f") == other.check_output("find /backup -type f") == ""


def test_the_proxies_are_in_step_and_no_shadow_is_left(primary, reader):
    rows = [line.split() for line in primary.check_output("sdxinfo -S -c Class1").splitlines()]
    assert sorted((row[4], row[5]) for row in rows if row[3] == "Disk3" and row[4] in ("Volume2", "Volume4")) == [
        ("Volume2", "STOP"), ("Volume4", "STOP")]  # fmt: skip
    assert "Class2" not in reader.check_output("sdxinfo -C") and reader.check_output("find /dev/sfdsk -name 'Volume*'") == ""


def test_the_services_run_again(primary, other):
    for host in (primary, other):
        assert host.run("/root/app status").rc == 0
    assert primary.mount_point("/data1").exists


def test_the_procedure_in_its_order(primary):
    """Of all hosts, whose journal is one. A proxy is stopped on all nodes before the services start again: none finds it started."""
    found = [line for line in lines(primary, "--all") if line.startswith(STEPS)][1:]
    at = [number for number, line in enumerate(found) if line == "umount /data1"]
    first, second = found[at[0]:at[1]], found[at[1]:]
    assert [" ".join(line.split()[:2]) for line in found[:at[0]]] == ["sdxproxy Join"] * 2
    for made, proxies in ((first, ["Volume2", "Volume4"]), (second, ["Volume2"])):
        closed = [line for name in proxies for line in (
            "sdxvolume -F -c Class1 -v %s -e allnodes" % name, "sdxattr -V -c Class1 -v %s -a lock=on" % name)]  # fmt: skip
        away = ["umount /data1", "sdxproxy Part -c Class1 -a pjrm=off -p " + ",".join(proxies), *closed]
        assert made[:len(away)] == away and made[len(away)].startswith("mount -F ufs ") and made[len(away)].endswith(" /data1")
        back = [line for name in proxies for line in (
            "sdxvolume -F -c Class1 -v %s -e allnodes" % name, "sdxattr -V -c Class1 -v %s -a lock=off" % name,
            "sdxproxy Rejoin -c Class1 -p " + name)]  # fmt: skip
        assert made[-len(back):] == back
    make, mode = ["sdxshadowdisk -M", "sdxshadowdisk -C"], ["sdxshadowvolume -F", "sdxshadowvolume -N"]
    remove, last = ["sdxshadowgroup -R", "sdxshadowdisk -R"], ["sdxshadowvolume -F", "sdxshadowvolume -R"]
    words = [" ".join(line.split()[:2]) for line in first if line.startswith(("sdxshadow", "dd"))]
    device = ["dd if=/dev/sfdsk/Class2/rdsk/Volume" + name for name in "24"]
    assert words == [*make, *["sdxshadowvolume -M"] * 2, *device, *last * 2, *remove]
    words = [" ".join(line.split()[:2]) for line in second if line.startswith(("sdxshadow", "fsck", "mount", "umount /var"))][1:]
    unmounted = next(line for line in second if line.startswith("umount /var"))
    assert words == [*make, "sdxshadowvolume -M", *mode, "fsck -F", *mode, "mount -F", unmounted, *last, *remove]
