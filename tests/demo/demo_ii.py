# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A LAN-free backup with Sun Instant Image: the shadow of a volume with a database on it is updated on node1, goes to node2 in a
disk group of its own, is stored there while the database works, and comes home; then the volume is damaged, and restored."""

from database import HOST, Story, play

RDSK = "/dev/vx/rdsk/"
STORY = Story(
    title="Two simulated hosts with Sun Instant Image and VxVM, which see the same disks", topology="ii-demo",
    show=["vxprint", "-g", "production", "-ht"], lines=("v ", "V "),
    point="/vol01", fstype="vxfs", device="/dev/vx/dsk/production/vol01", confirm="production/vol01",
    changes=("lockfs -w", "lockfs -u", "iiadm -g", "iiadm -e", "iiadm -E", "iiadm -I", "iiadm -d", "iiadm -J", "vxdg deport", "vxdg import",
             "vxdg -t import", "vxvol", "fsck", "dd if"),
    variables={
        "snapbackup_manager": "ii",
        "snapbackup_name": "data",
        "snapbackup_reader": "node2",
        "snapbackup_group": "Backup1",
        "snapbackup_volumes": [{
            "master": RDSK + "production/vol01", "bitmap": RDSK + "production/vol01.bmp",
            "shadow": RDSK + "backup/vol01", "secondary": RDSK + "backup/vol01.bmp", "filesystem": "/vol01",
        }],
        "snapbackup_confirm_shadows": [RDSK + "backup/vol01"],
        "snapbackup_quiesce": [{"driver": "postgresql"}],
    },
    # A directory of both hosts, as on a file server.
    hosts=(HOST, "node2"), destination="/san/backup",
    scale=5, missing=("the shadow was away for", "it was joined again"),
)  # fmt: skip


def main():
    play(STORY)
