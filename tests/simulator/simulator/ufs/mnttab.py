# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mount table of the simulated host, /etc/mnttab: TAB between special, mount point, type, options, time."""
import os

from simulator.core import place

TYPES = ("ufs", "vxfs")  # each has a table of its mounts, e.g. ufs_mount
ROOT = ("/dev/dsk/c0t0d0s0", "/", "ufs", "rw,intr,largefiles,logging,xattr,onerror=panic,dev=800000")


def entries(store):
    """[(special, mount point, type, options, time)], the root first."""
    booted = store.row("SELECT booted FROM host WHERE host=?", place.HOST)
    rows = [ROOT + (booted["booted"] if booted else 0,)]
    mounted = [(row["special"], row["point"], kind, row["options"], row["time"]) for kind in TYPES
               for row in store.rows("SELECT * FROM %s_mount WHERE host=? ORDER BY rowid" % kind, place.HOST)]
    rows += sorted(mounted, key=lambda row: row[4])
    return rows


def write(store):
    """Write /etc/mnttab anew. Call inside a transaction."""
    path = place.etc("mnttab")
    with open(path + ".new", "w") as handle:
        for row in entries(store):
            handle.write("\t".join(str(field) for field in row) + "\n")
    os.chmod(path + ".new", 0o444)
    os.rename(path + ".new", path)
