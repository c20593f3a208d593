# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Solaris Volume Manager beyond one local mirror: detached copies, roll-back, disk sets, soft partitions, raw volumes."""

import re

import pytest
from backups import Backup, Restore
from conftest import new
from hosts import PYTHON2, outcome
from plays import HOME1, Play, failures, planned

D1 = {"mirror": "d1", "submirror": "d3"}
D40 = {"mirror": "d40", "submirror": "d42"}


@pytest.fixture
def full(lab):
    """node1 with /home1 and /home2 on soft partitions of the three-way mirror d10, and /export on d20 of disk set blue."""
    return new(lab, "node1", "svm-full")


class Split(Backup):
    """A run that is split with metadetach, or in a disk set."""

    def __init__(self, host, *members, state="offline", diskset=None, **how):
        super().__init__(host, *members, **how)
        self.window.update({"diskset": diskset} if diskset else {})
        self.state = state

    def open(self):
        self.run = self.host.module("backup_run", state="opened", name=self.name, manager="svm", members=self.plan()["members"])["run"]
        return self

    def plan(self):
        return self.host.module("svm_submirror", PYTHON2, True, run="<run>", state=self.state, members=self.pairs, **self.window)

    def start_split(self):
        return self.host.start_module("svm_submirror", run=self.run, state=self.state, members=self.pairs, **self.window)

    def rejoin(self):
        self.module("snapshot_mount", state="unmounted")
        for mirror in self.module("svm_submirror", state="online")["after"]:
            self.host.settled(mirror)
        return self.module("svm_mirror", state="redundant")


def remount(host, point="/home1"):
    host.run("umount", point)
    host.run("mount", point)


# Detached.

def test_a_detached_copy_is_stored_and_comes_home(host):
    host.fill("/home1")
    backup = Split(host, state="detached").split()
    frozen = host.sha256("/dev/md/rdsk/d3")
    assert list(host.marks("d1")) == ["d2"]
    host.fill("/home1", "later")
    image = backup.store()["images"][0]
    assert image["sha256"] == frozen == host.sha256("/dev/md/rdsk/d3")
    assert list(backup.rejoin()["unmirrored"]) == ["d1"]
    assert backup.close()["result"] == "complete"
    remount(host)
    assert host.sha256("/dev/md/rdsk/d3") == host.sha256("/dev/md/rdsk/d1") != frozen
    host.assert_nothing_left()


def test_a_detached_copy_that_was_mounted_for_writing_is_never_complete(host):
    host.fill("/home1")
    backup = Split(host, state="detached").split()
    host.run("mkdir", "-p", "/root/mnt")
    host.run("mount", "-F", "ufs", "/dev/md/dsk/d3", "/root/mnt")
    host.run("touch", "/root/mnt/stranger")
    host.run("umount", "/root/mnt")
    backup.start_store()
    job = backup.stored()
    assert job["state"] == "failed" and "not proved" in job["error"], job
    assert host.manifests() == []
    backup.rejoin()
    backup.close("failed")
    host.assert_nothing_left()


def test_a_detached_copy_outlives_a_boot(host):
    backup = Split(host, state="detached").split()
    frozen = host.sha256("/dev/md/rdsk/d3")
    host.simctl("reboot", "--no-kill")
    assert host.sha256("/dev/md/rdsk/d3") == frozen and list(host.marks("d1")) == ["d2"]
    assert backup.rejoin()["unmirrored"] == {"d1": None}
    backup.close("failed")
    host.assert_nothing_left()


def test_a_copy_that_somebody_has_attached_elsewhere_is_left_there(host):
    backup = Split(host, state="detached").split()
    host.run("metainit", "d9", "-m", "d3", "1")
    told = backup.module("svm_submirror", state="online")
    assert not told["changed"] and "left alone" in told["warnings"][0]
    assert list(host.marks("d9")) == ["d3"] and list(host.marks("d1")) == ["d2"]
    backup.close("failed")


# Roll-back.

class RollBack:
    """A restore from the copies of a backup."""

    def __init__(self, host, backup):
        members = backup.module("backup_run", state="read")["runs"][0]["members"]
        self.host, self.source = host, backup.run
        self.run = host.module("backup_run", state="opened", kind="restore", name=backup.name, manager="svm", members=members,
                               source_run=backup.run, takeover=backup.run)["run"]  # fmt: skip

    def call(self, state, check=False, **options):
        return self.host.module("svm_mirror", PYTHON2, check, run=self.run, source_run=self.source, state=state, **options)

    def refused(self, state):
        return self.host.refused("svm_mirror", run=self.run, source_run=self.source, state=state)

    def finish(self):
        """Attach, wait, prove, close."""
        self.call("mirrored")
        self.host.settled("d1")
        self.call("redundant")
        self.host.module("backup_run", run=self.run, state="closed", result="complete")


def kept(host, state):
    """A backup of /home1 whose copy is kept, and then the data go bad; (backup, what the files were)."""
    host.run("metaparam", "-r", "geometric", "-w", "serial", "-p", "3", "d1")
    host.run("chown", "99:98", "/dev/md/rdsk/d1")
    host.run("chmod", "600", "/dev/md/rdsk/d1")
    host.fill("/home1")
    good = host.tree("/home1")
    backup = Split(host, state=state).split()
    backup.store()
    backup.module("backup_run", state="advanced", phase="retained", retain="until_next_run", survives_reboot=state == "detached")
    host.fill("/home1", "later")
    host.run("rm", "/home1/data.1")
    host.run("umount", "/home1")
    return backup, good


@pytest.mark.slow
@pytest.mark.parametrize("state", ["offline", "detached"])
def test_a_mirror_is_rolled_back_to_its_frozen_half(host, state):
    backup, good = kept(host, state)
    before = [line for line in host.out("metastat", "-p").splitlines() if line.startswith("d1 ")]
    restore = RollBack(host, backup)
    plan = restore.call("rolled_back", True)
    host.forget()
    done = restore.call("rolled_back")
    assert [entry["argv"] for entry in plan["commands"]] == [entry["argv"] for entry in done["commands"]]
    built = ["metadetach d1 d3", "metaclear d1", "metainit d1 -m d3 -g -S 3"]
    assert host.changes() == built[0 if state == "offline" else 1:]
    # The other half keeps the newer data until somebody has looked.
    bad = host.sha256("/dev/md/rdsk/d2")
    host.run("mount", "/home1")
    assert host.tree("/home1") == good
    assert host.sha256("/dev/md/rdsk/d2") == bad
    assert "d2 is detached" in restore.refused("redundant")["msg"]
    restore.finish()
    assert host.tree("/home1") == good
    remount(host)
    assert host.sha256("/dev/md/rdsk/d2") == host.sha256("/dev/md/rdsk/d3")
    after = [line for line in host.out("metastat", "-p").splitlines() if line.startswith("d1 ")]
    assert after[0].split()[-3:] == before[0].split()[-3:] == ["-g", "-S", "3"]
    assert host.out("stat", "-L", "-c", "%u:%g %a", "/dev/md/rdsk/d1").strip() == "99:98 600"
    host.assert_nothing_left()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["metadetach", "metaclear", "metainit", "metattach"])
def test_a_roll_back_goes_on_after_a_death_and_a_boot(host, command):
    """The module dies behind a step, and the host boots: the same calls again come to the same end."""
    backup, good = kept(host, "offline")
    restore = RollBack(host, backup)
    state = "mirrored" if command == "metattach" else "rolled_back"
    if state == "mirrored":
        restore.call("rolled_back")
    host.fault(command, "kill-after")
    died = outcome(host.start_module("svm_mirror", run=restore.run, source_run=restore.source, state=state))
    assert died.get("killed"), died
    # Without the mirror no host comes up that mounts it at boot.
    if command != "metaclear":
        host.simctl("reboot", "--no-kill")
        host.run("umount", "/home1", check=False)
    restore.call("rolled_back")
    restore.finish()
    host.run("mount", "/home1")
    assert host.tree("/home1") == good
    host.assert_nothing_left()


def test_a_boot_ends_an_offline_copy_before_the_first_step(host):
    backup, _good = kept(host, "offline")
    restore = RollBack(host, backup)
    host.simctl("reboot", "--no-kill")
    host.run("umount", "/home1", check=False)
    told = restore.refused("rolled_back")
    assert "not the frozen copy" in told["msg"]
    assert host.changes()[-1:] != ["metaclear d1"] and sorted(host.marks("d1")) == ["d2", "d3"]


def test_a_mounted_mirror_is_not_rolled_back(host):
    backup, _good = kept(host, "offline")
    restore = RollBack(host, backup)
    host.run("mount", "/home1")
    assert "mounted" in restore.refused("rolled_back")["msg"]
    assert host.marks("d1") == {"d2": "", "d3": "offline"}


@pytest.mark.slow
def test_the_playbook_rolls_back_and_waits_for_a_look(host, lab):
    """Backup with a kept copy, then restore from it: it stops for a look, and goes on when it is told that somebody has looked."""
    host.fill("/home1")
    good = host.tree("/home1")
    Play(lab, "backup", dict(HOME1, snapbackup_retain="until_next_run"), "--limit", "node1").end()
    run = host.record()["run"]
    host.fill("/home1", "later")
    host.run("umount", "/home1")
    asked = {"snapbackup_restore_from": "copy", "snapbackup_restore_run": run, "snapbackup_confirm": ["d1"], "snapbackup_poll": 1}
    told = Play(lab, "restore", dict(asked, snapbackup_rollback_confirmed=True), "--limit", "node1", "--check", "--diff").end()
    host.forget()
    stopped = Play(lab, "restore", asked, "--limit", "node1").end(2)
    message = failures(stopped)["node1"][0]
    assert "not redundant yet: d1" in message and "snapbackup_rollback_confirmed=true" in message
    host.run("mount", "/home1")
    assert host.tree("/home1") == good
    again = dict(asked, snapbackup_rollback_confirmed=True, snapbackup_takeover=re.search(r"takeover=(\S+)", message).group(1))
    Play(lab, "restore", again, "--limit", "node1").end()
    done = [line for line in host.changes() if line.startswith("meta")]
    assert [line for line in planned(told) if line.startswith("meta")] == done
    assert done == ["metadetach d1 d3", "metaclear d1", "metainit d1 -m d3 1", "metattach d1 d2"]
    assert host.tree("/home1") == good
    assert [record["result"] for record in host.records()] == ["complete", "complete"]
    host.assert_nothing_left()


# Disk sets.

def test_a_disk_set_from_backup_to_restore(full):
    full.fill("/export")
    good = full.tree("/export")
    backup = Split(full, {"mirror": "d20", "filesystem": "/export"}, diskset="blue", name="export").split()
    full.fill("/export", "later")
    manifest = backup.store()
    image = manifest["images"][0]
    assert (image["volume"], image["source"]) == ("blue/d20", "/dev/md/blue/rdsk/d22")
    backup.rejoin()
    backup.close()
    full.run("umount", "/export")
    path = backup.host.manifests()[0]
    restore = Restore(full, path, [{"volume": "blue/d20", "target": "/dev/md/blue/rdsk/d20"}], name="export")
    restore.all()
    full.run("mount", "/export")
    assert full.tree("/export") == good
    full.assert_nothing_left("blue/d20")


def test_a_set_that_is_given_away_ends_the_copy(full):
    """Released and taken while the copy is being stored: nothing is complete, and nobody else's host is told anything."""
    full.fill("/export")
    backup = Split(full, {"mirror": "d20"}, diskset="blue", name="export").split()
    full.run("umount", "/export")
    full.run("metaset", "-s", "blue", "-r")
    refused = full.refused("svm_submirror", run=backup.run, state="online")
    assert "not taken by this host" in refused["msg"]
    full.run("metaset", "-s", "blue", "-t")
    backup.start_store()
    job = backup.stored()
    assert job["state"] == "failed" and "not proved" in job["error"], job
    assert full.manifests() == []
    backup.rejoin()
    backup.close("failed")
    full.assert_nothing_left("blue/d20")


# Soft partitions.

def test_soft_partitions_are_one_cut_of_their_mirror(full):
    """The image of the whole mirror brings both back: see docs/svm.md for the way."""
    for point in ("/home1", "/home2"):
        full.fill(point)
    good = [full.tree("/home1"), full.tree("/home2")]
    lines = [line.split() for line in full.out("metastat", "-p").splitlines() if " -p " in line]
    full.forget()
    backup = Split(full, {"mirror": "d100", "filesystem": "/home1"}, {"mirror": "d101"}).split()
    assert [line for line in full.changes() if line.startswith("meta")] == ["metaoffline d10 d13"]
    (locked,) = [line for line in full.commands() if line.startswith("lockfs -w")]
    assert locked.endswith(" /home1 /home2")
    member = full.record()["members"][0]
    assert (member["volume"], member["bytes"], member["filesystem"]) == ("d10", 64 << 20, None)
    for point in ("/home1", "/home2"):
        full.fill(point, "later")
    manifest = backup.store()
    assert manifest["verdict"] == "filesystem"
    assert backup.rejoin()["unmirrored"] == {}
    backup.close()
    full.run("umount", "/home1")
    full.run("umount", "/home2")
    full.run("metaclear", "d100", "d101")
    Restore(full, full.manifests()[0], [{"volume": "d10", "target": "/dev/md/rdsk/d10"}]).all()
    for words in lines:
        full.run("metainit", words[0], "-p", "d10", *words[3:])
    for point in ("/home1", "/home2"):
        full.run("mount", point)
    assert [full.tree("/home1"), full.tree("/home2")] == good
    full.assert_nothing_left("d10")


# Volumes without a file system.

def test_a_raw_volume_under_a_hook_is_stored_and_restored(host):
    """Two volumes of a database that writes to them without a file system, held by its own commands."""
    host.run("dd", "if=/dev/urandom", "of=/dev/md/rdsk/d40", "bs=1M", "count=64", "conv=fsync")
    good = host.sha256("/dev/md/rdsk/d40")
    stop, start = host.script("stop", "echo stop >>/root/said"), host.script("start", "echo start >>/root/said")
    hook = {"driver": "command", "before": [stop], "after": [start]}
    refused = host.refused("svm_submirror", True, run="<run>", state="offline", members=[D40, D1])
    assert "nothing holds d40 still" in refused["msg"]
    backup = Split(host, D40, D1, quiesce=[hook], name="database").split()
    assert host.out("cat", "/root/said") == "stop\nstart\n"
    host.run("dd", "if=/dev/zero", "of=/dev/md/rdsk/d40", "bs=1M", "count=8", "conv=fsync")
    manifest = backup.store()
    assert manifest["verdict"] == "application" and manifest["images"][0]["sha256"] == good
    backup.rejoin()
    backup.close()
    Restore(host, host.manifests()[0], [{"volume": "d40", "target": "/dev/md/rdsk/d40"}], name="database").all()
    assert host.sha256("/dev/md/rdsk/d40") == good
    host.assert_nothing_left("d1", "d40")
