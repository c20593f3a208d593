# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VxFS file systems of a simulated host: made and mounted from a topology, taken down at a reboot."""
import os

from simulator.core import blocks, place, process
from simulator.ufs import device, mnttab
from simulator.vxfs import fsck, mount, mounts


def apply(store, spec):
    """Topology's `vxfs` part: {mount point: special}. Makes what is not there yet, mounts what is not mounted.

    What lies on a group that this host has not imported is left alone.
    """
    for point, special in (spec or {}).items():
        if not device.is_block(special):
            continue
        with store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO vxfs_vfstab VALUES (?,?,?)", (place.HOST, special, point))
        if device.superblock(special, "vxfs") is None and not fsck.make(special):
            raise RuntimeError("cannot make a file system on %s" % special)
    mount_all(store)


def mount_all(store):
    """Mount everything in vfstab, as at boot; one that is not clean has its log replayed first."""
    for row in mounts.rows(store):
        if not os.path.ismount(row["point"]):
            mount.detach(store, row)
    for row in store.rows("SELECT * FROM vxfs_vfstab WHERE host=? ORDER BY point", place.HOST):
        if mounts.find(store, row["point"]) or not fsck.is_vxfs(row["special"]):
            continue
        os.makedirs(row["point"], exist_ok=True)
        if not device.superblock(row["special"], "vxfs")[0]:
            process.run("e2fsck", "-p", device.local(row["special"]))
        mount.attach(store, row["special"], row["point"], [])
    with store.transaction():
        mnttab.write(store)


def thaw_all(store):
    """Let everybody write again."""
    for row in mounts.rows(store):
        if os.path.ismount(row["point"]):
            blocks.thaw(row["point"])


def down(store):
    """Unmount everything."""
    thaw_all(store)
    for row in mounts.rows(store):
        mount.detach(store, row)


def up(store, _options):
    """Mount everything after a boot."""
    mount_all(store)


def show(store):
    """Mounts as plain data."""
    return {"mounts": [dict(row) for row in mounts.rows(store)],
            "vfstab": [dict(row) for row in store.rows("SELECT * FROM vxfs_vfstab WHERE host=?", place.HOST)]}


def reset(store):
    """Unmount and forget everything."""
    down(store)
    for table in ("vxfs_mount", "vxfs_vfstab"):
        store.db.execute("DELETE FROM %s WHERE host=?" % table, (place.HOST,))
