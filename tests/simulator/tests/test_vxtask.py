# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxtask(1M), vxvol(1M), vxplex(1M), vxinfo(1M), vxdctl(1M), faults, and what a boot does to VxVM."""

import os
import subprocess

import pytest

pytestmark = pytest.mark.slow


def states(host, volume="vol01"):
    """{plex: state} of a volume."""
    rows = [line.split() for line in host.ok("vxprint", "-g", "datadg", "-htq", volume).splitlines()]
    return {row[1]: row[4] for row in rows if row[0] == "pl"}


@pytest.fixture
def copying(vxvm):
    """A snapstart of vol01 that does not come to its end."""
    vxvm.ctl("resync-speed", "stall")
    vxvm.ok("vxassist", "-g", "datadg", "-b", "-t", "mytag", "snapstart", "vol01", "disk03")
    return vxvm


def test_list(copying):
    header, line = copying.ok("vxtask", "list").splitlines()
    assert header == "TASKID  PTID TYPE/STATE    PCT   PROGRESS"
    number = line.split()[0]
    assert line == "%6d           ATCOPY/R 00.00%% 0/65536/0 PLXATT vol01 vol01-02 datadg" % int(number)
    for chosen in (["list", number], ["list", "mytag"], ["-g", "datadg", "list"], ["-v", "vol01", "list"], ["-r", "list"]):
        assert line in copying.ok("vxtask", *chosen)
    for other in (["list", "other"], ["-g", "other", "list"], ["-v", "vol02", "list"], ["-p", "list"]):
        assert copying.ok("vxtask", *other).splitlines() == [header]
    assert "Operation: PLXATT Vol vol01 Plex vol01-02 Dg datadg\n" in copying.ok("vxtask", "-l", "list")


def test_progress(copying):
    copying.ctl("resync-speed", 1 << 20)
    copying.ctl("resync-speed", "stall")
    fields = copying.ok("vxtask", "list").splitlines()[1].split()
    done = int(fields[3].split("/")[2])
    assert 0 < done < 65536 and fields[2] == "%05.2f%%" % (done * 100.0 / 65536)


def test_nothing_to_list(vxvm):
    assert vxvm.ok("vxtask", "list") == "TASKID  PTID TYPE/STATE    PCT   PROGRESS\n"
    vxvm.ctl("set", "task_list", "empty")
    assert vxvm.ok("vxtask", "list") == ""


def test_pause_and_resume(copying):
    copying.ok("vxtask", "pause", "mytag")
    copying.ctl("resync-speed", "10 GiB")
    assert " ATCOPY/P " in copying.ok("vxtask", "list") and states(copying)["vol01-02"] == "SNAPATT"
    copying.ok("vxtask", "resume", "mytag")
    assert states(copying)["vol01-02"] == "SNAPDONE"


def test_abort_backs_out(copying):
    waiting = copying.start("vxassist", "-g", "datadg", "snapstart", "vol02", "disk04")
    while "vol02" not in copying.ok("vxtask", "list"):
        assert waiting.poll() is None
    copying.ok("vxtask", "abort", copying.ok("vxtask", "-v", "vol02", "list").splitlines()[1].split()[0])
    _out, err = waiting.communicate(timeout=30)
    assert waiting.returncode == 21 and "V-5-1-" in err
    assert states(copying, "vol02") == {"vol02-01": "ACTIVE"} and "disk04-01" not in copying.ok("vxprint", "-g", "datadg", "-sn")
    assert copying.refused("vxtask", "abort", "999", rc=11)


def test_monitor_ends_with_the_task(copying):
    watching = copying.start("vxtask", "monitor")
    watching.stdout.readline()
    assert "ATCOPY/R" in watching.stdout.readline()
    copying.ctl("resync-speed", "10 GiB")
    out, _err = watching.communicate(timeout=30)
    assert "EXITED" in out and watching.returncode == 0


def test_start_and_stop(vxvm):
    assert vxvm.refused("vxvol", "-g", "datadg", "start", "vol01", rc=25)
    with open(vxvm.device("datadg/vol01"), "rb"):
        assert vxvm.refused("vxvol", "-g", "datadg", "stop", "vol01", rc=31)
    vxvm.write("datadg/vol01", b"kept")
    vxvm.ok("vxvol", "-g", "datadg", "stop", "vol01")
    assert "v  vol01        -            DISABLED CLEAN" in vxvm.ok("vxprint", "-g", "datadg", "-ht")
    with pytest.raises(OSError):
        os.open(vxvm.device("datadg/vol01"), os.O_RDONLY)
    assert vxvm.refused("vxvol", "-g", "datadg", "stop", "vol01", rc=26)
    assert vxvm.ok("vxinfo", "-g", "datadg") == "vol01          fsgen    Startable\nvol02          fsgen    Started\n"
    vxvm.ok("vxvol", "-g", "datadg", "startall")
    assert vxvm.read("datadg/vol01", size=4) == b"kept"
    assert vxvm.refused("vxvol", "-g", "nodg", "stopall", rc=9) == "VxVM vxvol ERROR V-5-1-607 Diskgroup nodg not found\n"
    vxvm.ok("vxvol", "-g", "datadg", "stopall")
    vxvm.ok("vxrecover", "-g", "datadg", "-sb")
    assert "Startable" not in vxvm.ok("vxinfo", "-g", "datadg")


def test_plexes(vxvm):
    assert vxvm.refused("vxplex", "-g", "datadg", "dis", "vol01-01", rc=18)
    assert vxvm.refused("vxplex", "-g", "datadg", "convert", "state=SNAPDONE", "vol01-01", rc=18)
    vxvm.ok("vxassist", "-g", "datadg", "mirror", "vol01", "disk03")
    assert states(vxvm) == {"vol01-01": "ACTIVE", "vol01-02": "ACTIVE"}
    vxvm.ok("vxplex", "-g", "datadg", "convert", "state=SNAPDONE", "vol01-02")
    vxvm.write("datadg/vol01", b"image")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "temp")
    assert vxvm.read("datadg/temp", size=5) == b"image"
    vxvm.ok("vxassist", "-g", "datadg", "mirror", "vol01", "disk04")
    vxvm.ok("vxplex", "-g", "datadg", "det", "vol01-03")
    assert states(vxvm)["vol01-03"] == "STALE"
    vxvm.ok("vxplex", "-g", "datadg", "att", "vol01", "vol01-03")
    vxvm.ok("vxplex", "-g", "datadg", "-o", "rm", "dis", "vol01-03")
    assert states(vxvm) == {"vol01-01": "ACTIVE"} and "disk04-01" not in vxvm.ok("vxprint", "-g", "datadg", "-sn")


def test_records_are_removed_with_care(vxvm):
    def edit(*argv):
        return vxvm.run("vxedit", "-g", "datadg", *argv)
    assert edit("rm", "vol01").returncode == 29 and edit("-f", "rm", "vol01").returncode == 16
    assert edit("rm", "vol01-01").returncode == 16
    assert edit("-rf", "rm", "nothing").stderr == "VxVM vxedit ERROR V-5-1-926 Record nothing not in disk group configuration\n"
    with open(vxvm.device("datadg/vol01"), "rb"):
        assert edit("-rf", "rm", "vol01").returncode == 31
    assert edit("-rf", "rm", "vol01", "nothing").returncode == 11
    assert "vol01" in vxvm.ok("vxprint", "-g", "datadg", "-vn").split(), "one transaction"


def test_the_daemon(vxvm):
    assert vxvm.ok("vxdctl", "mode") == "mode: enabled\n"
    assert vxvm.ok("vxdctl", "-c", "mode") == "mode: enabled: cluster inactive\n"
    vxvm.ctl("set", "cluster", "slave")
    assert "SLAVE" in vxvm.ok("vxdctl", "-c", "mode")
    vxvm.ctl("set", "vxconfigd", "not-running")
    assert vxvm.ok("vxdctl", "mode").split()[1] == "not-running"
    assert "Configuration daemon is not accessible" in vxvm.refused("vxprint", rc=3)
    assert "no manager has a switch" in vxvm.ctl("set", "nonsense", "1", check=False).stderr


def test_no_vxvm_here(host):
    assert host.refused("vxprint", rc=3)


def test_a_boot_removes_a_mirror_that_was_being_attached(copying):
    before = copying.ok("vxprint", "-g", "datadg", "-sn").split()
    copying.ctl("reboot", "--no-kill")
    assert states(copying) == {"vol01-01": "ACTIVE"}
    assert set(before) - set(copying.ok("vxprint", "-g", "datadg", "-sn").split()) == {"disk03-01"}
    assert "PLXATT" not in copying.ok("vxtask", "list")


def test_a_boot_keeps_a_mirror_that_is_ready_and_a_snapshot(vxvm):
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "nmirror=2", "vol01")
    vxvm.write("datadg/vol01", b"image")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "temp")
    vxvm.write("datadg/vol01", b"later")
    vxvm.ctl("reboot", "--no-kill")
    assert states(vxvm) == {"vol01-01": "ACTIVE", "vol01-03": "SNAPDONE"}
    assert (vxvm.read("datadg/temp", size=5), vxvm.read("datadg/vol01", size=5)) == (b"image", b"later")


@pytest.mark.parametrize("persistent", [True, False])
def test_a_boot_loses_maps_that_are_in_memory_only(vxvm, persistent):
    if persistent:
        vxvm.ok("vxassist", "-g", "datadg", "addlog", "vol01", "logtype=dco")
    vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "vol01")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "temp")
    vxvm.ctl("reboot", "--no-kill")
    vxvm.ok("vxassist", "-g", "datadg", "snapback", "temp")
    assert vxvm.show()["vxvm"]["tasks"][-1]["full"] == int(not persistent)


def test_a_boot_goes_on_with_a_restore(vxvm):
    vxvm.write("datadg/vol01", b"image")
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "vol01")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "temp")
    vxvm.write("datadg/vol01", b"later")
    vxvm.ctl("resync-speed", "stall")
    vxvm.ok("vxassist", "-g", "datadg", "-b", "-o", "resyncfromreplica", "snapback", "temp")
    vxvm.ctl("reboot", "--no-kill")
    assert vxvm.read("datadg/vol01", size=5) == b"later" and states(vxvm)["vol01-02"] == "SNAPATT"
    vxvm.ctl("resync-speed", "10 GiB")
    assert states(vxvm)["vol01-02"] == "SNAPDONE" and vxvm.read("datadg/vol01", size=5) == b"image"


def test_faults(vxvm):
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "vol01")
    vxvm.fault("vxassist", "lie-ok")
    assert vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "temp") == ""
    assert "temp" not in vxvm.ok("vxprint", "-g", "datadg", "-vn").split()
    vxvm.fault("vxassist", "lie-fail", "--rc", "8", "--message", "VxVM vxassist ERROR V-5-1-0 Transaction aborted")
    done = vxvm.run("vxassist", "-g", "datadg", "snapshot", "vol01", "temp")
    assert (done.returncode, done.stderr) == (8, "VxVM vxassist ERROR V-5-1-0 Transaction aborted\n")
    assert "temp" in vxvm.ok("vxprint", "-g", "datadg", "-vn").split()
    vxvm.fault("vxprint", "odd", "--message", "CURIOUS")
    row = vxvm.ok("vxprint", "-g", "datadg", "-tq", "temp").split()
    assert row[3:5] == ["CURIOUS", "CURIOUS"]
    vxvm.fault("vxdg", "fail", "--nth", "2")
    vxvm.ok("vxdg", "list")
    assert vxvm.run("vxdg", "list").returncode == 1


def test_a_killed_command_leaves_no_half_change(vxvm):
    """A command that dies while it waits has done its change; its task goes on."""
    vxvm.ctl("resync-speed", "stall")
    waiting = vxvm.start("vxassist", "-g", "datadg", "snapstart", "vol01")
    while "PLXATT" not in vxvm.ok("vxtask", "list"):
        assert waiting.poll() is None
    waiting.kill()
    waiting.communicate(timeout=30)
    assert states(vxvm)["vol01-02"] == "SNAPATT"
    vxvm.ctl("resync-speed", "10 GiB")
    assert states(vxvm)["vol01-02"] == "SNAPDONE"


def test_applying_again_brings_devices_back(vxvm):
    vxvm.write("datadg/vol01", b"kept")
    subprocess.run(["rm", "-r", str(vxvm.dev / "vx")], check=True)
    vxvm.ctl("apply", vxvm.directory / "topology.yml")
    assert vxvm.read("datadg/vol01", size=4) == b"kept"


def test_a_reset_leaves_nothing(vxvm):
    vxvm.ok("vxassist", "-g", "datadg", "snapstart", "vol01")
    vxvm.ok("vxassist", "-g", "datadg", "snapshot", "vol01", "temp")
    vxvm.ctl("reset")
    assert not list((vxvm.machine / "san/volumes/vxvm").glob("*"))
    assert vxvm.show()["loops"] == [] and vxvm.show()["vxvm"] is None
