# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm -E, -I, -J: shadows that go to another host and come back, with the groups they lie in."""

import pytest
from ii_hosts import B2, M, S, bits, kind, settled

pytestmark = pytest.mark.slow

IN_USE = "VxVM vxdg ERROR V-5-1-584 Disk group backup: Some volumes in the disk group are in use\n"


def give(node1):
    """Let another host have the group of the shadows."""
    node1.ok("iiadm", "-g", "Backup1", "-E")
    node1.ok("vxvol", "-g", "backup", "stopall")
    node1.ok("vxdg", "deport", "backup")


def take(host):
    """Import the group of the shadows."""
    host.ok("vxdg", "import", "backup")
    host.ok("vxvol", "-g", "backup", "startall")


def test_a_whole_cycle_of_a_backup_on_another_host(ii):
    node1, node2 = ii
    settled(node1, 1, 2)
    node1.write("production/vol01", b"first", 40000)
    node1.ok("iiadm", "-g", "Backup1", "-u", "s")
    node1.write("production/vol01", b"later", 40000)
    node1.ok("iiadm", "-g", "Backup1", "-w")
    give(node1)
    assert kind(node1, S % 1) == "Independent copy, shadow volume exported"
    node1.write("production/vol01", b"while away", 300000)

    take(node2)
    assert node2.read("backup/vol01", 40000, 5) == b"first"
    for number in (1, 2):
        node2.ok("iiadm", "-I", S % number, B2 % number)
    assert node2.ok("iiadm", "-l") == "".join("ind <imported_shadow> %s %s\n" % (S % number, B2 % number) for number in (1, 2))
    assert kind(node2, S % 1) == "Independent copy, shadow volume imported" and bits(node2, S % 1) == []
    assert node2.refused("vxdg", "deport", "backup", rc=31) == IN_USE
    node2.write("backup/vol01", b"of node2", 1000000)
    assert bits(node2, S % 1) == [1000000 // 32768]
    node2.ok("iiadm", "-d", S % 1)
    node2.ok("iiadm", "-d", S % 2)
    assert node2.read("backup/vol01", 1000000, 8) == b"of node2"
    node2.ok("vxvol", "-g", "backup", "stopall")
    node2.ok("vxdg", "deport", "backup")

    take(node1)
    for number in (1, 2):
        node1.ok("iiadm", "-J", S % number, B2 % number)
    assert kind(node1, S % 1) == "Independent copy"
    assert bits(node1, S % 1) == [40000 // 32768, 300000 // 32768, 1000000 // 32768]
    node1.ok("iiadm", "-g", "Backup1", "-u", "s")
    node1.ok("iiadm", "-g", "Backup1", "-w")
    copies = {row["shadow"]: row for row in node1.show()["ii"]["copies"]}
    assert (copies[S % 1]["regions"], copies[S % 1]["full"], copies[S % 2]["regions"]) == (3, 0, 0)
    assert node1.read("backup/vol01", 300000, 10) == b"while away" and node1.read("backup/vol01", 1000000, 8) == bytes(8)
    assert node1.read("production/vol01", 0, 1 << 20) == node1.read("backup/vol01", 0, 1 << 20)


def test_what_is_enabled_cannot_be_deported(ii):
    node1, _node2 = ii
    settled(node1, 1)
    assert node1.refused("vxdg", "deport", "backup", rc=31) == IN_USE
    assert "Volume vol01 is open or mounted" in node1.refused("vxvol", "-g", "backup", "stopall", rc=31)
    assert node1.refused("vxdg", "deport", "production", rc=31)
    node1.ok("svadm", "-e", S % 1)
    node1.ok("iiadm", "-E", S % 1)
    assert node1.refused("vxdg", "deport", "backup", rc=31) == IN_USE, "SV has it for the sake of a user sv"
    node1.ok("svadm", "-d", S % 1)
    node1.ok("vxdg", "deport", "backup")
    assert (M % 1) in node1.ok("iiadm", "-l")


def test_refusals_of_export_import_and_join(ii):
    node1, node2 = ii
    settled(node1, 1)
    node1.ok("iiadm", "-E", S % 1)
    said = "iiadm: %s\n"
    assert node1.refused("iiadm", "-E", S % 1, rc=2).endswith(said % "Export failed:\nII: Operation already successfully performed")
    assert node1.refused("iiadm", "-u", "s", S % 1, rc=2).endswith(
        said % "Copy failed:\nII: Update or copy not allowed on an exported shadow volume")
    assert "Can't import volume on same node:\n" in node1.refused("iiadm", "-I", S % 1, B2 % 1, rc=2)
    assert node1.refused("iiadm", "-J", S % 1, B2 % 1, rc=2).endswith(said % "Join failed:\nII: Bitmap magic number is not valid"), (
        "a blank bitmap: its header tells no map")
    node1.write("backup/vol01.bmp", b"rubbish!")
    assert node1.refused("iiadm", "-J", S % 1, B2 % 1).endswith(said % "Secondary bitmap is not a valid bitmap volume")
    node1.ok("vxdg", "deport", "backup")
    assert node1.refused("iiadm", "-J", S % 1, B2 % 1).endswith(said % "Can't open imported bitmap volume")
    take(node2)
    node2.ok("iiadm", "-I", S % 1, B2 % 1)
    assert node2.refused("iiadm", "-I", S % 2, B2 % 1, rc=2).endswith(said % "Import failed:\nII: Volume in use")
    for argv, text in ((("-u", "s", S % 1), "Copy failed:\nII: Update or copy not allowed on an exported shadow volume"),
                       (("-E", S % 1), "Export failed:\nII: Operation already successfully performed"),
                       (("-J", S % 1, B2 % 1), "Join failed:\nII: Shadow volume is not exported")):
        assert node2.refused("iiadm", *argv, rc=2).endswith(said % text)


def test_the_bitmap_of_a_host_that_died(ii):
    node1, node2 = ii
    settled(node1, 1)
    give(node1)
    take(node2)
    node2.ok("iiadm", "-I", S % 1, B2 % 1)
    node2.write("backup/vol01", b"changed", 3 * 32768)
    assert node2.read("backup/vol01.bmp", size=4) == b"DIRT" and bits(node2, S % 1) == [3]
    node1.ok("vxdg", "-C", "import", "backup")
    node1.ok("vxvol", "-g", "backup", "startall")
    node1.ok("iiadm", "-J", S % 1, B2 % 1)
    assert bits(node1, S % 1) == [3], "nobody can be asked whether to use a bitmap that is not closed"


def test_a_volume_that_is_not_started_cannot_be_joined(ii):
    node1, node2 = ii
    settled(node1, 1)
    give(node1)
    take(node2)
    node2.ok("iiadm", "-I", S % 1, B2 % 1)
    node2.ok("iiadm", "-d", S % 1)
    node2.ok("vxdg", "deport", "backup")
    node1.ok("vxdg", "import", "backup")
    node1.ok("vxvol", "-g", "backup", "start", "vol01.bmp")
    assert node1.refused("iiadm", "-J", S % 1, B2 % 1, rc=2).endswith("iiadm: Join failed:\nII: nsc_open failed\n"
                                                                      "SOLARIS: No such device or address\n")


def test_without_automatic_sv_somebody_puts_volumes_under_it(ii):
    """As with Instant Image 3.0. Until then writes go past the set; and what svadm holds keeps its group from being deported."""
    node1 = ii[0]
    node1.ctl("set", "auto_sv", "off")
    settled(node1, 1)
    assert node1.ok("svadm", "-i") == ""
    node1.write("production/vol01", b"unseen", 0)
    assert bits(node1, S % 1) == []
    for path in (M % 1, S % 1):
        node1.ok("svadm", "-e", path)
    node1.write("production/vol01", b"seen", 40000)
    assert bits(node1, S % 1) == [1]
    node1.ok("iiadm", "-E", S % 1)
    assert node1.refused("vxdg", "deport", "backup", rc=31) == IN_USE
    node1.ok("svadm", "-d", S % 1)
    node1.ok("vxvol", "-g", "backup", "stopall")
    node1.ok("vxdg", "deport", "backup")
