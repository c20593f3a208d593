# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiboot, reboots, svadm, and the small commands of the Availability Suite."""

import subprocess

import pytest
from ii_hosts import B2, TOPOLOGY, B, M, S, bits, kind, lines, names, settled

pytestmark = pytest.mark.slow


@pytest.fixture
def node1(make_host):
    made = make_host("node1")
    made.apply(TOPOLOGY)
    return made


def stalled(host, number):
    """An independent set whose copy does not come forward."""
    host.ctl("resync-speed", "stall")
    subprocess.run(host.argv("iiadm", "-e", "ind", *names(number)), env=host.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60, check=True)


def test_suspend_and_resume(node1):
    settled(node1, 1)
    node1.write("production/vol01", b"seen", 32768)
    node1.ok("iiboot", "-s")
    assert lines(node1, S % 1)[3:] == ["Suspended."]
    assert node1.ok("iiadm", "-l") == "ind %s %s %s (suspended)\n" % names(1)
    assert node1.read("production/vol01.bmp", size=4) == b"CLEA"
    node1.write("production/vol01", b"not seen", 7 * 32768)
    for argv, text in ((("-u", "s", S % 1), "Shadow group suspended:\n"), (("-E", S % 1), "Export failed:\nII: Volume not enabled\n"),
                       (("-w", S % 1), "Wait failed:\nII: Volume not enabled\n")):
        assert text in node1.refused("iiadm", *argv, rc=2)
    node1.ok("iiboot", "-r")
    assert kind(node1, S % 1) == "Independent copy" and bits(node1, S % 1) == [1]
    assert lines(node1, S % 1)[3] == "Group name: Backup1", "the name is in the header of the bitmap"
    node1.ok("iiboot", "-s")
    node1.ok("iiadm", "-d", S % 1)
    assert node1.ok("iiadm", "-l") == ""


def test_a_member_that_is_suspended_stops_its_group(node1):
    settled(node1, 1, 2)
    node1.ok("iiboot", "-s")
    assert "Group config does not match kernel" in node1.refused("iiadm", "-g", "Backup1", "-u", "s", rc=2)


def test_a_boot_goes_on_with_a_copy(node1):
    node1.write("backup/vol01", b"old")
    node1.write("production/vol01", b"new")
    stalled(node1, 1)
    node1.ok("iiboot", "-s")
    assert node1.read("backup/vol01", size=3) == b"old", "without the driver the shadow has only what was copied"
    node1.ok("iiboot", "-r")
    assert node1.read("backup/vol01", size=3) == b"new"
    node1.ctl("reboot", "--no-kill")
    assert kind(node1, S % 1) == "Independent copy, copy in progress, copying master to shadow"
    node1.ctl("resync-speed", "10 GiB")
    node1.ok("iiadm", "-w", S % 1)
    assert kind(node1, S % 1) == "Independent copy" and node1.read("backup/vol01", size=3) == b"new"


def test_a_boot_while_the_shadow_is_away(ii):
    node1, node2 = ii
    settled(node1, 1)
    node1.ok("iiadm", "-E", S % 1)
    node1.ok("vxdg", "deport", "backup")
    node2.ok("vxdg", "import", "backup")
    node2.ok("vxvol", "-g", "backup", "startall")
    node2.ok("iiadm", "-I", S % 1, B2 % 1)
    for host, word in ((node1, "exported"), (node2, "imported")):
        host.ctl("reboot", "--no-kill")
        assert kind(host, S % 1) == "Independent copy, shadow volume %s" % word
    node2.write("backup/vol01", b"x", 40000)
    assert bits(node2, S % 1) == [1]


def test_a_boot_without_the_group_of_the_bitmap(ii):
    node1, node2 = ii
    node1.ok("vxdg", "deport", "backup")
    node2.ok("vxdg", "-t", "import", "backup")
    node2.ok("vxvol", "-g", "backup", "startall")
    node2.ok("iiadm", "-I", S % 1, B2 % 1)
    node2.ctl("reboot", "--no-kill")
    assert kind(node2, S % 1) == ("Independent copy, shadow volume offline, bitmap volume offline, shadow volume imported")
    assert not any(line.startswith("Percent") for line in lines(node2, S % 1))


def test_a_crash_with_maps_in_memory(node1):
    settled(node1, 1)
    node1.ctl("set", "ii_bitmap", "off")
    node1.ctl("reboot", "--no-kill", "--crash")
    assert lines(node1, S % 1)[-1] == "Percent of bitmap set: 100"


def test_a_volume_that_fails_and_reset(node1):
    settled(node1, 1)
    node1.ok("iiadm", "-R", S % 1)
    assert node1.ctl("fail-disk", S % 1) == S % 1 + "\n"
    assert kind(node1, S % 1) == "Independent copy, shadow volume offline"
    assert "II: Volume offline" in node1.refused("iiadm", "-u", "s", S % 1, rc=2)
    node1.ok("iiadm", "-R", S % 1)
    node1.ok("iiadm", "-w", S % 1)
    assert kind(node1, S % 1) == "Independent copy" and node1.show()["ii"]["copies"][-1]["full"] == 1


def test_storage_volumes(node1):
    assert node1.ok("svadm") == "" and node1.ok("svadm", "-v") == "Storage Volume version 11.11\n"
    node1.ok("svadm", "-e", M % 3)
    node1.ok("svadm", "-e", M % 3)
    assert node1.ok("svadm") == "%-32s\n" % (M % 3) and node1.ok("svadm", "-i") == "%-32s [local to node]\n" % (M % 3)
    settled(node1, 1)
    assert node1.refused("svadm", "-d", S % 1).startswith("svadm: warning: %s was not found in the config storage\n" % (S % 1))
    assert node1.refused("svadm", "-d", S % 1, S % 2, rc=2).startswith("Usage: ")
    unknown = B % 2
    assert node1.refused("svadm", "-d", unknown) == (
        "svadm: warning: %s was not found in the config storage\n"
        "svadm: warning: unable to disable %s\nSV: Device not enabled\n" % (unknown, unknown))
    listing = node1.directory / "volumes"
    listing.write_text("# both\n%s x\n\n%s\n" % (M % 2, M % 3))
    node1.ok("svadm", "-e", "-f", listing)
    node1.ok("svadm", "-d", "-f", listing)
    assert node1.ok("svadm").split() == [M % 1, S % 1]


def test_nothing_is_tracked_without_sv(node1):
    settled(node1, 1)
    node1.ok("svadm", "-e", M % 1)
    assert "unable to remove %s from dsvol" % (M % 1) in node1.refused("svadm", "-d", M % 1)
    node1.write("production/vol01", b"not seen", 7 * 32768)
    assert bits(node1, S % 1) == []
    node1.ok("svadm", "-e", M % 1)
    node1.write("production/vol01", b"seen", 8 * 32768)
    assert bits(node1, S % 1) == [8]


def test_the_configuration_as_text(node1):
    settled(node1, 1)
    text = node1.ok("dscfg", "-l").splitlines()
    assert text[:2] == ["# Consolidated Dataservice Configuration", "# Do not edit out whitespace or dashes"]
    assert [line for line in text if not line.startswith("#")] == [
        "ii:%s %s %s I - - - Backup1" % names(1), "dsvol:%s - ii" % (M % 1), "dsvol:%s - ii" % (S % 1)]
    assert node1.ok("dscfg", "-L") == "Not locked.\n"


def test_services(node1):
    assert node1.ok("dscfgadm", "-i").splitlines() == ["%-15s\t%-15s\t%-15s" % row for row in [("SERVICE", "STATE", "ENABLED")] + [
        (name, "online", "true") for name in ("nws_scm", "nws_sv", "nws_ii", "nws_rdc", "nws_rdcsyncd")]] + [
            "", "Availability Suite Configuration:", "Local configuration database: valid"]
    settled(node1, 1)
    assert node1.ok("dscfgadm", "-e").splitlines()[0] == "nws_scm service already enabled... skipping"
    node1.ok("dscfgadm", "-d")
    assert "nws_ii         \tdisabled       \tfalse" in node1.ok("dscfgadm", "-i") and lines(node1, S % 1)[3:] == ["Suspended."]
    node1.ok("dscfgadm", "-e")
    assert kind(node1, S % 1) == "Independent copy"
    assert node1.refused("dscfgadm", "-s") == "dscfgadm -s is only available on Sun Cluster OE systems\n"
    assert node1.ok("scmadm", "-v") == "Cache version 11.11\n" and "No devices" not in node1.ok("scmadm")


def test_sizes_of_bitmaps(node1):
    done = node1.run("dsbitmap", "-p", M % 1, B % 1)
    assert (done.returncode, done.stdout) == (0, """Point in Time bitmap sizing

Data volume (%s) size: 16384 blocks
Required bitmap volume size:
  Independent shadow: 48 blocks
  Full size dependent shadow: 48 blocks
  Compact dependent shadow: 560 blocks

Supplied bitmap volume %s (1024 blocks)
is large enough for all types of shadow volume
""" % (M % 1, B % 1))
    assert node1.run("dsbitmap", "-p", M % 1, "/dev/vx/rdsk/none/none").returncode == 1
    assert node1.run("dsbitmap", "-x").returncode == 2
