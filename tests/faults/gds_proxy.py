# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PRIMECLUSTER GDS, proxies: two mirror volumes with a UFS each and their proxies, which a backup server reads as shadow volumes."""

from scenarios import Backup, Recover, Restore, Rollback, RollbackOfDead

CLASS = "Class1"
HOSTS = ["node1", "backup1"]
TITLE = "PRIMECLUSTER GDS, proxies and a backup server"
TOPOLOGY = {
    "gds": {
        "resync_speed": "10 GiB",
        "sizes": {"lun1": "224 MiB", "lun2": "224 MiB", "lun3": "224 MiB"},
        "hosts": {
            "node1": {
                "domain": "primary",
                "disks": {"c1t1d1": "lun1", "c2t1d1": "lun2", "c3t1d1": "lun3"},
                "classes": {
                    CLASS: {
                        "groups": {
                            "Group1": {
                                "disks": {"Disk1": "c1t1d1", "Disk2": "c2t1d1"},
                                "volumes": {name: {"size": "16 MiB", "pslice": True} for name in ("Volume1", "Volume3")},
                            },
                            "Group2": {
                                "disks": {"Disk3": "c3t1d1"},
                                "volumes": {name: {"size": "16 MiB", "started": False} for name in ("Volume2", "Volume4")},
                            },
                        },
                    },
                },
            },
            "backup1": {"domain": "backup", "disks": {"c9t1d9": "lun1", "c9t2d9": "lun2", "c9t3d9": "lun3"}},
        },
    },
    "ufs": {"/data1": "/dev/sfdsk/Class1/dsk/Volume1", "/data3": "/dev/sfdsk/Class1/dsk/Volume3"},
}
NOT_TRIED = ["several nodes of the domain"]
# Volumes and where they are mounted, in the order of the members.
POINTS = {"Volume1": "/data1", "Volume3": "/data3"}
VARIABLES = {
    "snapbackup_manager": "gds_proxy",
    "snapbackup_name": "data",
    "snapbackup_reader": "backup1",
    "snapbackup_class": CLASS,
    "snapbackup_volumes": [
        {"proxy": "Volume2", "master": "Volume1", "filesystem": "/data1"},
        {"proxy": "Volume4", "master": "Volume3", "filesystem": "/data3"},
    ],
    "snapbackup_confirm_proxies": ["Volume2", "Volume4"],
    "snapbackup_shadow_class": "Class2",
    "snapbackup_shadow_devices": {"Disk3": "c9t3d9"},
    "snapbackup_confirm_shadow_devices": ["c9t3d9"],
    "snapbackup_gds_poll": 1,
}
# Commands that change nothing, by the name of the command; None: whatever its arguments are.
READS = {"sdxinfo": None, "kstat": None, "fsck": ("-m",), "lockfs": ()}
# Simulated commands that only hand on to the real tool.
REAL = ("dd",)
# A file system is made whole by fsck on the copy before it is stored, so an image is compared by its files.
CHECKED = True
CUT = ("sdxproxy",)
# What a restore from a dead backup does on the backup server, before it goes on as any other one.
AWAY = ("", "umount", "sdxshadowvolume", "sdxshadowgroup", "sdxshadowdisk")
SCENARIOS = [Backup("dd"), Recover("dd"), Restore("dd"), Rollback(), RollbackOfDead(AWAY)]


def original(volume):
    """The device of a volume that is written to."""
    return "/dev/sfdsk/%s/rdsk/%s" % (CLASS, volume)


def cut(host, member):
    """The simulator's file of a parted proxy: the volume is stopped on this host by the time that its cut has a verdict."""
    return "/san/volumes/gds/primary/%s/%s.img" % (CLASS, member["device"].rpartition("/")[2])


def not_redundant(host):
    """Slices of the masters that are not in step, and proxies that are parted, as lines of sdxinfo."""
    slices = [line for line in host.run(["/usr/sbin/sdxinfo", "-S", "-c", CLASS])[1].splitlines() if line.startswith("slice")]
    volumes = [line for line in host.run(["/usr/sbin/sdxinfo", "-V", "-c", CLASS, "-e", "long"])[1].splitlines() if " Part " in line]
    return volumes + [line for line in slices if line.split()[-1] not in ("ACTIVE", "STOP")]
