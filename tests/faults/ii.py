# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Instant Image: two masters with a VxFS each, whose shadows go to a second host in a disk group of their own."""

from scenarios import Backup, Recover, Restore, Rollback, RollbackOfDead

HOSTS = ["node1", "node2"]
TITLE = "Instant Image with a second host"
MASTERS, SHADOWS = "/dev/vx/rdsk/production/", "/dev/vx/rdsk/backup/"
NAMES = ("vol01", "vol02")
TOPOLOGY = {
    "vxvm": {
        "disk_groups": {
            "production": {
                "host": "node1",
                "disks": {"disk01": "c1t0d0s2", "disk02": "c1t1d0s2"},
                "volumes": {
                    **{name: {"size": "16 MiB", "disks": ["disk01"]} for name in NAMES},
                    **{name + ".bmp": {"size": "1 MiB", "disks": ["disk02"], "usetype": "gen"} for name in NAMES},
                },
            },
            "backup": {
                "host": "node1",
                "disks": {"back01": "c2t0d0s2", "back02": "c2t1d0s2"},
                "volumes": {
                    **{name: {"size": "16 MiB", "disks": ["back01"]} for name in NAMES},
                    **{name + ".bmp": {"size": "1 MiB", "disks": ["back02"], "usetype": "gen"} for name in NAMES},
                },
            },
        },
    },
    "ii": {"resync_speed": "10 GiB"},
    "vxfs": {"/" + name: "/dev/vx/dsk/production/" + name for name in NAMES},
}
NOT_TRIED = ["shadows that were not enabled by a preparation before"]
# Volumes and where they are mounted, in the order of the members.
POINTS = {"production/" + name: "/" + name for name in NAMES}
VARIABLES = {
    "snapbackup_manager": "ii",
    "snapbackup_name": "data",
    "snapbackup_reader": "node2",
    "snapbackup_volumes": [
        {
            "master": MASTERS + name, "bitmap": "%s%s.bmp" % (MASTERS, name), "filesystem": "/" + name,
            "shadow": SHADOWS + name, "secondary": "%s%s.bmp" % (SHADOWS, name),
        } for name in NAMES
    ],
    "snapbackup_group": "Backup1",
    "snapbackup_confirm_shadows": [SHADOWS + name for name in NAMES],
}  # fmt: skip
# Commands that change nothing, by the name of the command; None: whatever its arguments are.
READS = {"vxprint": None, "vxdisk": None, "vxdctl": None, "kstat": None, "vxdg": ("list",), "iiadm": ("-i", "-l", "-w"), "svadm": ("-i",),
         "dscfg": ("-l",), "scmadm": None, "dsbitmap": None, "lockfs": ()}  # fmt: skip
# Simulated commands that only hand on to the real tool.
REAL = ("dd",)
CUT = ("iiadm",)
# What a restore from a dead backup does on the way home, before it goes on as any other one.
AWAY = ("", "umount", "iiadm", "vxdg", "vxvol", "vxdctl")
# Words of iiadm for sets that no update can start from.
NOT_HOME = ("exported", "imported", "offline", "shadow to master", "Suspended")
SCENARIOS = [Backup("dd"), Recover("dd"), Restore("dd"), Rollback(), RollbackOfDead(AWAY)]


def original(volume):
    """The device of a volume that is written to."""
    return "/dev/vx/rdsk/" + volume


def cut(host, member):
    """Where what was cut can be read, once the shadow holds all of it."""
    host.run(["/usr/sbin/iiadm", "-w", member["device"]])
    return member["device"]


def not_redundant(host):
    """Shadows that are not at home, or whose sets are not what the next update can start from, as lines."""
    groups = [line.split()[0] for line in host.run(["/usr/sbin/vxdg", "list"])[1].splitlines()[1:] if line.split()]
    found = [] if "backup" in groups else ["the disk group backup of the shadows is not on this host"]
    return found + [line for line in sets(host) if any(word in line for word in NOT_HOME)]


def sets(host):
    """What iiadm says of every set."""
    return host.run(["/usr/sbin/iiadm", "-i", "all"])[1].splitlines()


def left_elsewhere(host):
    """What another host still has of the shadows, as lines."""
    groups = host.run(["/usr/sbin/vxdg", "list"])[1].splitlines()[1:]
    return [line for line in groups if line.startswith("backup ")] + [line for line in sets(host) if line.endswith("(shadow volume)")]


def disturb(lab):
    """The reader writes to the shadows where nobody writes to the masters, as a check of a file system may."""
    for name in NAMES:
        lab.hosts["node2"].run(["dd", "if=/dev/urandom", "of=" + SHADOWS + name, "bs=32k", "count=1", "seek=511", "conv=notrunc,fsync"])


def prove(lab):
    """One more update, as the collection decides it: with a change that the sets have lost the shadow would not be its master then.

    Nothing to ask where the play was refused before there were any.
    """
    if not sets(lab.host):
        return []
    lab.stop_writer()
    for point in POINTS.values():
        if point in lab.host.mounts():
            lab.host.run(["/usr/sbin/umount", point])
    shadows = [SHADOWS + name for name in NAMES]
    run = lab.ask("backup_run", state="opened", name="proof", manager="ii", members=[])["run"]
    lab.ask("ii_copy", run=run, state="updated", members=[{"shadow": shadow} for shadow in shadows])
    for shadow in shadows:
        lab.host.run(["/usr/sbin/iiadm", "-w", shadow])
    lab.ask("ii_copy", run=run, state="released")
    lab.ask("backup_run", run=run, state="closed", result="failed")
    return ["%s is not its master after one more update" % (SHADOWS + name) for name in NAMES
            if lab.host.sha256(SHADOWS + name) != lab.host.sha256(MASTERS + name)]  # fmt: skip
