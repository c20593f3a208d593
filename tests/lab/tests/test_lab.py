# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lab's promises: hosts answer to Ansible, labs do not meet, and nothing of a lab outlives it, however it ended."""

import json
import subprocess
import uuid
from pathlib import Path

import images
import loops
import pytest
from containers import of_labs
from lab import Lab

DISK = "disk.img"
MIB = 1 << 20


@pytest.fixture
def make_lab():
    """Makes labs of new names without a volume manager, and removes them at the end."""
    labs = []

    def make(*hosts):
        labs.append(Lab("test" + uuid.uuid4().hex[:6], hosts, topology=None))
        return labs[-1].up()

    yield make
    for lab in labs:
        lab.down()


def attach(lab):
    """A formatted file of the lab's pool behind a loop device. Returns the device's path and its minor number."""
    disk = lab.san / DISK
    with open(disk, "wb") as image:
        image.truncate(64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    found = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True, check=True).stdout.strip()
    return found, found.removeprefix("/dev/loop")


def freeze_with_a_writer(lab, host):
    """Mount the disk on a host, freeze it, and leave a process behind that waits to write."""
    device, minor = attach(lab)
    lab.exec(host, ["mkdir", "-p", "/mnt"])
    lab.exec(host, ["mknod", "/dev/lab-disk", "b", "7", minor])
    lab.exec(host, ["mount", "/dev/lab-disk", "/mnt"])
    lab.exec(host, ["fsfreeze", "--freeze", "/mnt"])
    lab.exec(host, ["setsid", "--fork", "touch", "/mnt/never"])
    return device


def test_ansible_reaches_python_2_7_with_and_without_pipelining(make_lab):
    lab = make_lab("node1", "node2")
    listed = json.loads(lab.inventory_path.read_text())["svm"]["hosts"]
    assert [listed[host]["ansible_pipelining"] for host in lab.hosts] == [False, True]
    argv = ["ansible", "--inventory", lab.inventory_path, "svm", "--module-name", "ansible.builtin.setup"]
    ran = subprocess.run([*argv, "--args", "filter=ansible_python_version"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count('"ansible_python_version": "2.7') == 2


def test_hosts_know_each_other_and_share_the_pool(make_lab):
    lab = make_lab("node1", "node2")
    assert lab.exec("node1", ["hostname"]).stdout == "node1\n"
    assert "node2" in lab.exec("node1", ["getent", "hosts", "node2"]).stdout
    lab.exec("node1", ["tee", "/san/note"], data="one pool")
    assert lab.exec("node2", ["cat", "/san/note"]).stdout == "one pool"


def test_labs_of_different_names_do_not_meet(make_lab):
    left, right = make_lab("node1"), make_lab("node1")
    left.exec("node1", ["tee", "/san/note"], data="left")
    assert right.exec("node1", ["test", "-e", "/san/note"], check=False).returncode == 1
    left.down()
    assert right.exec("node1", ["true"]).returncode == 0


def test_down_frees_a_frozen_disk_with_a_waiting_writer(make_lab):
    lab = make_lab("node1")
    device = freeze_with_a_writer(lab, "node1")
    assert list(loops.owned(lab.directory)) == [device]
    lab.down()
    assert loops.owned(lab.directory) == {}
    assert not lab.directory.exists()
    assert of_labs(lab.id) == []


def test_up_replaces_a_lab_whose_process_was_killed(make_lab):
    dead = make_lab("node1", "node2")
    freeze_with_a_writer(dead, "node2")
    again = Lab(dead.name, ["node1"], topology=None).up()
    assert [row["Names"][0] for row in of_labs(again.id)] == [again.container("node1")]
    assert loops.owned(again.directory) == {}
    assert not (again.san / DISK).exists()


def test_a_mount_on_this_machine_goes_too(make_lab):
    lab = make_lab("node1")
    device, minor = attach(lab)
    point = lab.directory / "a mount"
    point.mkdir()
    subprocess.run(["mount", device, point], check=True)
    assert loops.mounted(lab.directory) == [str(point)]
    lab.down()
    assert loops.mounted(lab.directory) == []


def test_restart_keeps_files_and_ends_processes_and_mounts(make_lab):
    lab = make_lab("node1")
    freeze_with_a_writer(lab, "node1")
    lab.exec("node1", ["touch", "/root/kept"])
    lab.restart("node1")
    assert lab.exec("node1", ["test", "-e", "/root/kept"], check=False).returncode == 0
    assert " /mnt " not in lab.exec("node1", ["cat", "/proc/self/mounts"]).stdout
    assert lab.exec("node1", ["pgrep", "-x", "touch"], check=False).returncode == 1


def test_failure_to_start_leaves_nothing(make_lab):
    broken = Lab("test" + uuid.uuid4().hex[:6], ["node1"], topology=None)
    broken.start = lambda *ignored: 1 / 0
    with pytest.raises(ZeroDivisionError), broken:
        pass
    assert not broken.directory.exists()
    assert of_labs(broken.id) == []


def test_the_tag_of_an_image_follows_its_files(tmp_path, monkeypatch):
    before = images.tag("target")
    monkeypatch.setattr(images, "ROOTFS", tmp_path)
    Path(tmp_path, "motd").write_text("other")
    assert images.tag("target") != before


def test_a_second_process_is_refused_the_same_lab():
    name = "test" + uuid.uuid4().hex[:6]
    with Lab(name, ["node1"], topology=None) as lab:
        with pytest.raises(RuntimeError, match="in use"):
            Lab(name, ["node1"], topology=None).__enter__()
        assert lab.exec("node1", ["true"]).returncode == 0
