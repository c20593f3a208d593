# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A proxy of PRIMECLUSTER GDS with a database on its master: the proxy is joined and parted on node1, shown on a backup server
outside of its domain as a shadow volume, stored there while the database works, and rejoined; then the master is damaged, and
restored."""

from database import HOST, Story, play

STORY = Story(
    title="A simulated host with PRIMECLUSTER GDS, and a backup server that sees its disks", topology="gds-proxy-demo",
    show=["sdxinfo", "-VS", "-c", "Class1", "-e", "long"], lines=("OBJ", "volume Vol", "slice"),
    point="/data1", fstype="ufs", device="/dev/sfdsk/Class1/dsk/Volume1", confirm="Volume1",
    changes=("lockfs -w", "lockfs -u", "lockfs -f", "sdxproxy", "sdxvolume", "sdxattr", "sdxshadow", "fsck", "dd if"),
    variables={
        "snapbackup_manager": "gds_proxy",
        "snapbackup_name": "data",
        "snapbackup_reader": "backup1",
        "snapbackup_class": "Class1",
        "snapbackup_volumes": [{"proxy": "Volume2", "master": "Volume1", "filesystem": "/data1"}],
        "snapbackup_confirm_proxies": ["Volume2"],
        "snapbackup_shadow_class": "Class2",
        "snapbackup_shadow_devices": {"Disk3": "c9t3d9"},
        "snapbackup_confirm_shadow_devices": ["c9t3d9"],
        "snapbackup_quiesce": [{"driver": "postgresql"}],
    },
    # A directory of both hosts, as on a file server.
    hosts=(HOST, "backup1"), destination="/san/backup",
    scale=5,
)  # fmt: skip


def main():
    play(STORY)
