# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file systems of a simulated host: made and mounted from a topology, taken down at a reboot."""
import os

from simulator.core import blocks, place, process
from simulator.ufs import device, fsck, mnttab, mount


def apply(store, spec):
    """Topology's `ufs` part: {mount point: special}. Makes what is not there yet, mounts what is not mounted."""
    for point, special in (spec or {}).items():
        special = device.block(special)
        with store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO ufs_vfstab VALUES (?,?,?,'')", (place.HOST, special, point))
        if device.is_elsewhere(special):
            continue
        if device.superblock(special) is None and not fsck.make(special):
            raise RuntimeError("cannot make a file system on %s" % special)
    mount_all(store)


def forget_lost(store):
    """Drop entries of the mount table that are not mounted here (the container is a new one)."""
    for row in store.rows("SELECT * FROM ufs_mount WHERE host=?", place.HOST):
        if not os.path.ismount(row["point"]):
            mount.detach(store, row)


def mount_all(store):
    """Mount everything in vfstab, as at boot; an unclean file system is checked first."""
    forget_lost(store)
    for row in store.rows("SELECT * FROM ufs_vfstab WHERE host=? ORDER BY point", place.HOST):
        if mount.mounted(store, row["point"]):
            continue
        os.makedirs(row["point"], exist_ok=True)
        if device.is_elsewhere(row["special"]):
            continue
        found = device.superblock(row["special"])
        if found is None:
            # As on a real host, a volume without a file system does not keep the others from being mounted.
            continue
        if not found[0]:
            process.run("e2fsck", "-p", device.local(row["special"]))
        mount.attach(store, row["special"], row["point"], [])
    with store.transaction():
        mnttab.write(store)


def thaw_all(store):
    """Let everybody write again."""
    for row in store.rows("SELECT * FROM ufs_mount WHERE host=?", place.HOST):
        if os.path.ismount(row["point"]):
            blocks.thaw(row["point"])


def down(store):
    """Unmount everything; locks are gone."""
    thaw_all(store)
    for row in store.rows("SELECT * FROM ufs_mount WHERE host=? ORDER BY point DESC", place.HOST):
        mount.detach(store, row)
    with store.transaction() as db:
        db.execute("DELETE FROM ufs_lock WHERE host=?", (place.HOST,))


def up(store, _options):
    """Mount everything after a boot."""
    mount_all(store)


def show(store):
    """Mounts and locks as plain data."""
    return {"mounts": [dict(row) for row in store.rows("SELECT * FROM ufs_mount WHERE host=?", place.HOST)],
            "locks": [dict(row) for row in store.rows("SELECT * FROM ufs_lock WHERE host=?", place.HOST)],
            "vfstab": [dict(row) for row in store.rows("SELECT * FROM ufs_vfstab WHERE host=?", place.HOST)]}


def reset(store):
    """Unmount and forget everything."""
    down(store)
    for table in ("ufs_mount", "ufs_lock", "ufs_vfstab"):
        store.db.execute("DELETE FROM %s WHERE host=?" % table, (place.HOST,))
    if os.path.exists(place.etc("mnttab")):
        os.unlink(place.etc("mnttab"))
