# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PRIMECLUSTER GDS, slices: two mirror volumes of one group, each with a UFS, one slice of each detached."""

from scenarios import Backup, Recover, Restore

CLASS = "Class1"
TITLE = "PRIMECLUSTER GDS, slices"
TOPOLOGY = {
    "gds": {
        "resync_speed": "10 GiB",
        "sizes": {"lun1": "224 MiB", "lun2": "224 MiB"},
        "disks": {"c1t1d1": "lun1", "c2t1d1": "lun2"},
        "classes": {
            CLASS: {
                "groups": {
                    "Group1": {
                        "disks": {"Disk1": "c1t1d1", "Disk2": "c2t1d1"},
                        "volumes": {"Volume1": {"size": "16 MiB", "pslice": True}, "Volume2": {"size": "16 MiB", "pslice": True}},
                    },
                },
            },
        },
    },
    "ufs": {"/data1": "/dev/sfdsk/Class1/dsk/Volume1", "/data2": "/dev/sfdsk/Class1/dsk/Volume2"},
}
NOT_TRIED = ["the form with a backup disk that is registered for each run", "several nodes"]
# Volumes and where they are mounted, in the order of the members.
POINTS = {"Volume1": "/data1", "Volume2": "/data2"}
VARIABLES = {
    "snapbackup_manager": "gds_slice",
    "snapbackup_name": "data",
    "snapbackup_class": CLASS,
    "snapbackup_volumes": [{"volume": volume, "disk": "Disk2", "filesystem": point} for volume, point in POINTS.items()],
    "snapbackup_gds_poll": 1,
}
# Commands that change nothing, by the name of the command; None: whatever its arguments are.
READS = {"sdxinfo": None, "kstat": None, "fsck": ("-m",), "lockfs": ()}
# Simulated commands that only hand on to the real tool.
REAL = ("dd",)
# A file system is made whole by fsck on the copy before it is stored, so an image is compared by its files.
CHECKED = True
CUT = ("sdxslice",)
SCENARIOS = [Backup("dd"), Recover("dd"), Restore("dd")]


def original(volume):
    """The device of a volume that is written to."""
    return "/dev/sfdsk/%s/rdsk/%s" % (CLASS, volume)


def not_redundant(host):
    """Slices that are not in step, as lines of sdxinfo."""
    lines = host.run(["/usr/sbin/sdxinfo", "-S", "-c", CLASS])[1].splitlines()
    return [line for line in lines if line.startswith("slice") and line.split()[-1] not in ("ACTIVE", "STOP")]
