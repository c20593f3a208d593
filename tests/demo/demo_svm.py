# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The example of the Solaris Volume Manager Administration Guide, with a database on it: mirror d1 with the submirrors d2
and d3, mounted on /home1, backed up from d3 while the database works, damaged, and restored."""

from database import Story, play

STORY = Story(
    title="A simulated Solaris host with a real file system", topology="demo",
    show=["metastat", "-c"], lines=("",),
    point="/home1", fstype="ufs", device="/dev/md/dsk/d1", confirm="d1",
    changes=("lockfs -w", "lockfs -u", "lockfs -f", "metaoffline", "metaonline", "dd", "ufsdump"),
    variables={
        "snapbackup_manager": "svm",
        "snapbackup_name": "home1",
        "snapbackup_volumes": [{"mirror": "d1", "submirror": "d3", "filesystem": "/home1"}],
        "snapbackup_quiesce": [{"driver": "postgresql"}],
    },
    scale=20,
)  # fmt: skip


def main():
    play(STORY)
