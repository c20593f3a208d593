# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a reboot does to mirrors, locks, mounts and the time of boot; set up and reset again and again."""

import io
import os
import shutil
import subprocess

import pytest
import yaml
from simulator.core import host as host_module


def reboot(host, *options):
    """Reboot without killing anything: this is not a container."""
    host.ctl("reboot", "--no-kill", *options)


def states(host):
    """{submirror: state} of d1."""
    return {row["name"]: row["state"] for row in host.show()["svm"]["mirrors"]["d1"]["submirrors"]}


def test_boot_time_changes(ufs):
    before = ufs.ok("kstat", "-p", "unix:0:system_misc:boot_time")
    reboot(ufs)
    after = ufs.ok("kstat", "-p", "unix:0:system_misc:boot_time")
    assert int(after.split()[1]) > int(before.split()[1])


def test_an_offlined_image_is_lost(svm):
    svm.write("d1", b"old")
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"new")
    reboot(svm)
    svm.settle()
    assert states(svm) == {"d2": "RUNNING", "d3": "RUNNING"}
    assert svm.read("d3", size=3) == b"new"
    assert svm.show()["svm"]["resyncs"][-1]["total"] == 102400
    assert svm.refused("metaonline", "d1", "d3") == (
        "metaonline: node1: d1: attempt operation on a submirror in illegal state\n\n")


def test_before_metasync(svm):
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"new")
    reboot(svm, "--no-metasync")
    text = svm.ok("metastat", "d1")
    assert "d3: Submirror of d1\n    State: Needs maintenance \n    Invoke: metasync d1\n" in text
    assert "d2 d3 (maint)\n" in svm.ok("metastat", "-c")
    assert svm.refused("metaoffline", "d1", "d3") == "metaoffline: node1: d1: resync in progress\n\n"
    svm.ok("metasync", "-r")
    assert "d2 d3\n" in svm.settle()


def test_pass_0_stays_offline(svm):
    svm.ok("metaparam", "-p", "0", "d1")
    svm.write("d1", b"old")
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"new")
    reboot(svm)
    assert "(offline)" in svm.ok("metastat", "-c")
    assert svm.read("d3", size=3) == b"old"


def test_lost_record_means_everything(svm):
    svm.ok("metaoffline", "d1", "d3")
    reboot(svm, "--lost-record", "--no-metasync")
    assert states(svm)["d3"] == "ATTACHED"
    svm.ok("metasync", "d1")
    svm.settle()
    assert svm.show()["svm"]["resyncs"][-1]["total"] == 32 << 20


def test_crash_needs_metasync(svm):
    reboot(svm, "--crash", "--no-metasync")
    assert "    State: Needs maintenance \n    Invoke: metasync d1\n" in svm.ok("metastat", "d1")
    svm.ok("metasync", "d1")
    assert "d2 d3\n" in svm.settle()
    reboot(svm, "--crash")
    assert "d2 d3\n" in svm.settle()


def test_an_interrupted_resync_goes_on(svm):
    svm.ok("metadetach", "d1", "d3")
    svm.ctl("resync-speed", "stall")
    svm.ok("metattach", "d1", "d3")
    reboot(svm)
    assert states(svm)["d3"] == "ATTACHED_RESYNC"
    assert "Resyncing" in svm.ok("metastat", "d1")
    svm.ctl("resync-speed", "10GiB")
    assert "d2 d3\n" in svm.settle()


def test_locks_and_mounts(ufs):
    there = ufs.directory / "there"
    there.mkdir()
    (ufs.point / "file").write_text("x")
    ufs.ok("metaoffline", "d1", "d3")
    ufs.ok("mount", "-F", "ufs", "-o", "ro", "/dev/md/dsk/d3", there)
    ufs.ok("lockfs", "-w", ufs.point)
    reboot(ufs)
    assert ufs.ok("lockfs") == ""
    assert os.path.ismount(ufs.point) and not os.path.ismount(there)
    assert (ufs.point / "file").read_text() == "x"
    (ufs.point / "file").write_text("y")


def test_without_a_container_nothing_is_killed_or_replaced():
    """The guards alone: a mistake here would stop the machine, so nothing that kills is called."""
    assert not host_module.is_own_machine()
    assert host_module.in_first_namespace() == (os.stat("/proc/self/ns/pid").st_ino == 0xEFFFFFFC)


@pytest.mark.parametrize("place, init, installed, environment", [
    (True, "tini", True, False), (False, "systemd", True, False), (False, "process_api", True, False),
    (False, "tini", False, False), (False, "tini", True, True),
])
def test_every_doubt_means_no(monkeypatch, place, init, installed, environment):
    """is_own_machine with one of its conditions missing at a time, and nothing else called."""
    real_open = open
    for name in ("SIMULATOR_SAN", "SIMULATOR_DEV", "SIMULATOR_ETC"):
        monkeypatch.delenv(name, raising=False)
    if environment:
        monkeypatch.setenv("SIMULATOR_DEV", "/elsewhere")
    monkeypatch.setattr(host_module, "in_first_namespace", lambda: place)
    monkeypatch.setattr(host_module.os.path, "isdir", lambda _path: installed)
    monkeypatch.setattr(host_module.os.path, "realpath", lambda _path: host_module.place.DISPATCH)
    monkeypatch.setattr("builtins.open", lambda path, *rest: io.StringIO(init + "\n") if path == "/proc/1/comm"
                        else real_open(path, *rest))
    assert not host_module.is_own_machine()


def test_only_the_named_process_is_killed(svm):
    """Outside a container a reboot takes process ids, nothing broader."""
    victim, other = [subprocess.Popen(["sleep", "60"]) for _index in range(2)]
    svm.ctl("reboot", "--kill", victim.pid)
    assert victim.wait(5) == -9 and other.poll() is None
    other.kill()
    other.wait()


def test_apply_twice_changes_nothing(ufs):
    (ufs.point / "file").write_text("x")
    ufs.ok("metaoffline", "d1", "d3")
    before = ufs.show()
    ufs.ctl("apply", ufs.directory / "topology.yml")
    assert ufs.show() == before
    assert (ufs.point / "file").read_text() == "x"


def test_apply_brings_a_new_container_up(ufs):
    """Device nodes and mounts belong to a container, state and data do not."""
    (ufs.point / "file").write_text("x")
    ufs.ok("lockfs", "-w", ufs.point)
    subprocess.run(["umount", str(ufs.point)], check=True)
    shutil.rmtree(ufs.dev)
    ufs.ctl("apply", ufs.directory / "topology.yml")
    assert (ufs.point / "file").read_text() == "x"
    assert ufs.ok("lockfs") == ""
    (ufs.point / "file").write_text("y")
    assert ufs.read("d3")


def test_another_topology_needs_a_reset(ufs):
    path = ufs.directory / "other.yml"
    path.write_text(yaml.safe_dump({"svm": {"mirrors": {"d5": {"size": "16 MiB", "submirrors": {"d6": "c1t0d0s0"}}}}}))
    done = ufs.ctl("apply", path, check=False)
    assert done.returncode == 1 and "reset first" in done.stderr
    for _time in range(3):
        ufs.ctl("reset")
        assert ufs.run("metastat").returncode == 1
        assert not os.path.ismount(ufs.point)
        ufs.ctl("apply", path)
        assert ufs.ok("metastat", "-p") == "d5 -m /dev/md/rdsk/d6 1\nd6 1 1 /dev/rdsk/c1t0d0s0\n"
        ufs.ctl("reset")
        ufs.ctl("apply", ufs.directory / "topology.yml")
        assert os.listdir(ufs.point) == ["lost+found"]


def test_unknown_manager_is_refused(host):
    path = host.directory / "bad.yml"
    path.write_text("nonsense: {}\n")
    done = host.ctl("apply", path, check=False)
    assert (done.returncode, done.stderr) == (1, "simctl: no such manager: nonsense\n")
