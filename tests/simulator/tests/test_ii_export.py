# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm -E, -I, -J: shadows that go to another host and come back, with the groups they lie in."""

from ii_hosts import B2, M, S, bits, kind, settled

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
