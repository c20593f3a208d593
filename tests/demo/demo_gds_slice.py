# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Slice detachment of PRIMECLUSTER GDS with a database on it, by the reliable procedure: a backup disk joins the mirror group of
Volume1, its slice is detached and stored while the database works, given back, and the disk leaves again; then the volume is
damaged, and restored."""

from database import Story, play

STORY = Story(
    title="A simulated host with PRIMECLUSTER GDS and a real file system", topology="gds-demo",
    show=["sdxinfo", "-S", "-c", "Class1"], lines=("OBJ", "slice"),
    point="/data1", fstype="ufs", device="/dev/sfdsk/Class1/dsk/Volume1", confirm="Volume1",
    changes=("lockfs -w", "lockfs -u", "lockfs -f", "sdxdisk", "sdxslice", "fsck", "dd"),
    variables={
        "snapbackup_manager": "gds_slice",
        "snapbackup_name": "data",
        "snapbackup_class": "Class1",
        "snapbackup_volumes": [{"volume": "Volume1", "filesystem": "/data1"}],
        "snapbackup_backup_disk": {"name": "DiskB", "device": "c3t1d1", "group": "Group1", "confirm": "c3t1d1"},
        "snapbackup_quiesce": [{"driver": "postgresql"}],
    },
    scale=5,
)  # fmt: skip


def main():
    play(STORY)
