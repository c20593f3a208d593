# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The VxFS file systems that are mounted on this host."""
import os

from simulator.core import place
from simulator.ufs import device


def rows(store):
    """All of them, the deepest mount point first."""
    return store.rows("SELECT * FROM vxfs_mount WHERE host=? ORDER BY point DESC", place.HOST)


def find(store, operand):
    """The one at a mount point or on a block device, or None."""
    return store.row("SELECT * FROM vxfs_mount WHERE host=? AND (point=? OR special=?)", place.HOST, operand, operand)


def point_of(store, rdev):
    """Where a block device, given by its number, is mounted read-write, or None."""
    for row in rows(store):
        if row["options"].startswith("rw") and os.stat(device.local(row["special"])).st_rdev == rdev:
            return row["point"]
    return None
