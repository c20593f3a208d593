# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Veritas Volume Manager: two volumes of one disk group, each with a VxFS, and a third mirror that is broken off each."""

from scenarios import Backup, Recover, Restore, Rollback

GROUP = "datadg"
TITLE = "Veritas Volume Manager"
TOPOLOGY = {
    "vxvm": {
        "resync_speed": "10 GiB",
        "disk_groups": {
            GROUP: {
                "disks": {"disk01": "c1t0d0s2", "disk02": "c1t1d0s2", "disk03": "c1t2d0s2", "disk04": "c1t3d0s2"},
                "volumes": {"vol01": {"size": "16 MiB", "disks": ["disk01"]}, "vol02": {"size": "16 MiB", "disks": ["disk02"]}},
            },
        },
    },
    "vxfs": {"/vol01": "/dev/vx/dsk/datadg/vol01", "/vol02": "/dev/vx/dsk/datadg/vol02"},
}
# Volumes and where they are mounted, in the order of the members.
POINTS = {"datadg/vol01": "/vol01", "datadg/vol02": "/vol02"}
VARIABLES = {
    "snapbackup_manager": "vxvm",
    "snapbackup_name": "data",
    "snapbackup_volumes": [{"disk_group": GROUP, "volume": "vol01"}, {"disk_group": GROUP, "volume": "vol02"}],
}
# Commands that change nothing, by the name of the command; None: whatever its arguments are.
READS = {"vxprint": None, "vxtask": None, "vxdctl": None, "vxdisk": None, "kstat": None, "vxdg": ("list", "free"), "vxassist": ("maxsize",),
         "vxsnap": ("list",)}  # fmt: skip
# Simulated commands that only hand on to the real tool.
REAL = ("dd",)
CUT = ("vxassist",)


def vxtool(host, name, *arguments):
    host.run(["/usr/sbin/" + name, "-g", GROUP, *arguments])


class Tracked:
    """Volumes whose changes are tracked in a change object."""

    def prepare(self, lab):
        for volume in ("vol01", "vol02"):
            vxtool(lab.host, "vxassist", "addlog", volume, "logtype=dco")
        super().prepare(lab)


class Instant:
    """Volumes that are prepared for instant snapshots, which are then what is made of them."""

    def prepare(self, lab):
        for volume in ("vol01", "vol02"):
            vxtool(lab.host, "vxsnap", "prepare", volume)
        super().prepare(lab)


class TrackedBackup(Tracked, Backup):
    pass


class InstantBackup(Instant, Backup):
    pass


class InstantRollback(Instant, Rollback):
    def __init__(self, only):
        super().__init__(only)
        self.name += ", instant"


SCENARIOS = [
    Backup("dd"),
    Backup("dd", only=("vxassist",), how="reattached", snapbackup_after="reattached"),
    Recover("dd"),
    TrackedBackup("dd", only=("vxassist", "vxedit"), how="tracked"),
    InstantBackup("dd", only=("vxsnap", "vxedit"), how="instant"),
    InstantBackup("dd", only=("vxsnap",), how="instant, reattached", snapbackup_after="reattached"),
    Recover("dd", only=("vxprint",), broken=("disk01", "disk02")),
    Recover("dd", only=("vxprint",), broken=("disk02",), how="the other half of one volume has failed"),
    Restore("dd"),
    Rollback(only=("vxassist", "vxprint")),
    InstantRollback(only=("vxsnap",)),
]


def original(volume):
    """The device of a volume that is written to."""
    return "/dev/vx/rdsk/" + volume


def new_file_system(host, volume, point):
    """What the administrator does before files are restored."""
    host.run(["/usr/sbin/mkfs", "-F", "vxfs", original(volume)])
    host.run(["/usr/sbin/mount", "-F", "vxfs", "/dev/vx/dsk/" + volume, point])


def not_redundant(host):
    """Volumes that are neither the originals nor ready mirrors of them nor their logs, and snap objects, as lines of vxprint."""
    lines = host.run(["/usr/sbin/vxprint", "-g", GROUP, "-ht"])[1].splitlines()
    expected = ("vol01", "vol02", "vol01_dcl", "vol02_dcl")
    return [line for line in lines if line[:3] == "sp " or line[:2] == "v " and line.split()[1] not in expected]
