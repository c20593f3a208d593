# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts with Instant Image: what their volumes are called, and how sets look from outside."""

M, B = "/dev/vx/rdsk/production/vol%02d", "/dev/vx/rdsk/production/vol%02d.bmp"
S, B2 = "/dev/vx/rdsk/backup/vol%02d", "/dev/vx/rdsk/backup/vol%02d.bmp"

SIZES = {1: "8 MiB", 2: "4 MiB", 3: "1 MiB"}


def group(disks, sizes):
    """A shared group with volumes and bitmaps of the same names as in the other one."""
    volumes = {"vol%02d" % number: {"size": size, "disks": [disks[0]]} for number, size in sizes.items()}
    volumes.update(("vol%02d.bmp" % number, {"size": "512 KiB", "disks": [disks[1]]}) for number in sizes)
    return {"host": "node1", "disks": {disk: "c1t%dd0s2" % int(disk[-2:]) for disk in disks}, "volumes": volumes}


def topology(sizes):
    """Both groups with volumes of these sizes."""
    groups = {"production": group(["disk01", "disk02"], sizes), "backup": group(["disk03", "disk04"], sizes)}
    return {"vxvm": {"disk_groups": groups}, "ii": {"resync_speed": "10 GiB"}}


TOPOLOGY = topology(SIZES)


def names(number):
    """Master, shadow and bitmap of a set."""
    return M % number, S % number, B % number


def settled(host, *numbers, group="Backup1"):
    """Enable independent sets in a group and wait for their copies."""
    for number in numbers:
        host.ok("iiadm", "-g", group, "-e", "ind", *names(number))
    host.ok("iiadm", "-g", group, "-w")


def lines(host, shadow):
    """The status of one set, line by line."""
    return host.ok("iiadm", "-i", shadow).splitlines()


def kind(host, shadow):
    """Its line of kind and state."""
    return next(line for line in lines(host, shadow) if line.endswith("Suspended.") or " copy" in line)


def row(host, shadow):
    """What simctl shows of a set."""
    return next(one for one in host.show()["ii"]["sets"] if one["shadow"] == shadow)


def bits(host, shadow):
    """Numbers of the chunks in which master and shadow differ."""
    return row(host, shadow)["shadow_bits"]
