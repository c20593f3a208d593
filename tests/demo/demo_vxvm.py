# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The third-mirror break-off of the Veritas Volume Manager Administrator's Guide, with a database on it: a mirror is attached to
volume vol01, broken off, checked, stored while the database works, and removed; then the volume is damaged, and restored."""

from database import Story, play

STORY = Story(
    title="A simulated host with Veritas Volume Manager and a real file system", topology="demo-vxvm",
    show=["vxprint", "-g", "datadg", "-ht"], lines=("v ", "pl ", "V ", "PL "),
    point="/vol01", fstype="vxfs", device="/dev/vx/dsk/datadg/vol01", confirm="datadg/vol01",
    changes=("vxassist -g datadg -b snapstart", "vxassist -g datadg snapshot", "vxedit", "fsck", "dd"),
    variables={
        "snapbackup_manager": "vxvm",
        "snapbackup_name": "vol01",
        "snapbackup_volumes": [{"disk_group": "datadg", "volume": "vol01", "filesystem": "/vol01"}],
        "snapbackup_quiesce": [{"driver": "postgresql"}],
    },
    scale=20, waited="the cut took",
)  # fmt: skip


def main():
    play(STORY)
