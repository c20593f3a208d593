# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metadb(1M): the list of state database replicas. Format and flags as in metadb.c and md_mddb.h."""
from simulator.svm import admin, metastat, model, sets
from simulator.svm.names import Refusal, set_home

USAGE = " metadb [-s setname] -i \n\tmetadb [-s setname]"
FLAGS = "RSFDMaWm  pc luo tBr"  # one column for each bit
FIRST, BLOCKS = 16, 8192
LEGEND = """ r - replica does not have device relocation information
 o - replica active prior to last mddb configuration change
 u - replica is up to date
 l - locator for this replica was read successfully
 c - replica's location was in /etc/lvm/mddb.cf
 p - replica's location was patched in kernel
 m - replica is master, this is replica selected as input
 t - tagged data is associated with the replica
 W - replica has device write errors
 a - replica is active, commits are occurring to this replica
 M - replica had problem with master blocks
 D - replica had problem with data blocks
 F - replica had format problems
 S - replica is too small to hold current data base
 R - replica had device read errors
 B - tagged data associated with the replica is not valid
"""


def line(row, flags, readable):
    """The row of one replica."""
    columns = "".join(letter if letter in flags else " " for letter in FLAGS)
    where = "%d\t\t%d" % (row["first"], BLOCKS) if readable else "unknown\t\tunknown"
    return "%s\t%s\t\t/dev/dsk/%s\n" % (columns, where, row["name"])


def listing(store, disk_set):
    """All replicas of a set. Of stale ones, too few can be read for a majority."""
    rows = store.rows("SELECT rowid, * FROM svm_replica WHERE host=? ORDER BY rowid", set_home(disk_set))
    local = "" if disk_set else "p"
    good = [row["rowid"] for row in rows if not row["failed"]]
    readable = (len(rows) - 1) // 2 if model.settings(store)["stale"] else len(rows)
    text = ["\t%5.5s\t\t%9.9s\t%11.11s\n" % ("flags", "first blk", "block count")]
    for index, row in enumerate(rows):
        master = "m" if row["rowid"] in good[:1] else ""
        flags = "Wluo" if row["failed"] else "aluo" + master
        text.append(line(row, flags + local, True) if index < readable else line(row, "M" + local, False))
    return "".join(text)


def make(store, disk_set, slices):
    """Enter the replicas of a set, several on a slice one behind the other."""
    for index, name in enumerate(slices):
        first = FIRST + slices[:index].count(name) * BLOCKS
        store.db.execute("INSERT INTO svm_replica VALUES (?,?,?,0)", (set_home(disk_set), name, first))


def main(call):
    """metadb: prints; adding and deleting replicas is not simulated."""
    try:
        found, operands = admin.options(call.args, "i")
        if operands:
            raise admin.Usage()
        if call.store is None:
            raise Refusal("there are no existing databases")
        if "s" in found:
            sets.check(call.store, found["s"])
        call.out(listing(call.store, found.get("s")) + (LEGEND if "i" in found else ""))
        return metastat.check_services(call, model.settings(call.store))
    except admin.Usage as problem:
        call.err("usage:\t%s\n" % USAGE)
        return 0 if problem.wants_help else 1
    except Refusal as refusal:
        call.err(refusal.message(call.name))
        return 1


without_state = main
ERROR_END = admin.ERROR_END
