# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Space on the disks of a group: what is free, and where a plex goes."""
from simulator.vxvm import model
from simulator.vxvm.model import Refusal


def extents(store, disk):
    """Free extents of a disk as [(start, length)]."""
    free, at = [], 0
    for row in store.rows("SELECT * FROM vxvm_subdisk WHERE disk=? ORDER BY start", disk["id"]):
        if row["start"] > at:
            free.append((at, row["start"] - at))
        at = row["start"] + row["length"]
    if at < disk["length"]:
        free.append((at, disk["length"] - at))
    return free


def candidates(store, dg, names):
    """Disks an allocation may use: those named (media names, with "!" those it may not), or all that work."""
    rows = [row for row in model.disks(store, dg) if not row["failed"]]
    wanted = [name for name in names if not name.startswith("!")]
    for name in wanted:
        if name not in [row["media"] for row in rows]:
            raise Refusal("Disk %s not found in disk group" % name, 11)
    return [row for row in rows if (not wanted or row["media"] in wanted) and "!" + row["media"] not in names]


def plan(free, length, align):
    """Extents for LENGTH from FREE [(disk id, start, length)]: one that holds it all if there is one; None if too little."""
    whole = [extent for extent in free if extent[2] >= length]
    if whole:
        disk, start, _length = whole[0]
        return [(disk, start, length)]
    result, missing = [], length
    for disk, start, size in free:
        size = min(size // align * align, missing)
        if size > 0:
            result.append((disk, start, size))
            missing -= size
        if missing == 0:
            return result
    return None


def allocate(store, group, length, names=(), avoid=()):
    """Extents for one plex: on other disks than AVOID (disk ids) if they have room, else on these too; None if no room."""
    rows = candidates(store, group["id"], names)
    free = [(row["id"],) + extent for row in rows for extent in extents(store, row)]
    preferred = [extent for extent in free if extent[0] not in avoid]
    return plan(preferred, length, group["align"]) or plan(preferred + [e for e in free if e[0] in avoid], length, group["align"])


def used_by(store, volume_id):
    """Ids of the disks a volume's plexes lie on."""
    return {part["disk"] for plex in model.plexes(store, volume_id) for part in model.subdisks(store, plex["id"])}


def refuse(store, group, length):
    """No room: the message the release at hand gives."""
    number = int(model.switch(store, "no_space"))
    text = {435: "Cannot allocate space for %d block volume" % length,
            15809: "No free space remaining in diskgroup %s with given constraints" % group["name"],
            752: "No volume can be created within the given constraints"}[number]
    raise Refusal(text, 1, number)


def largest(store, group, mirrors, names):
    """The longest volume with so many mirrors on disks of their own, in sectors."""
    rows = candidates(store, group["id"], names)
    free = [[row["id"], sum(size for _start, size in extents(store, row))] for row in rows]
    low, high = 0, sum(size for _disk, size in free)
    while low < high:  # whole disks for each mirror, the largest first
        middle = (low + high + 1) // 2
        if fits(sorted((size for _disk, size in free), reverse=True), middle, mirrors):
            low = middle
        else:
            high = middle - 1
    return low // group["align"] * group["align"]


def fits(sizes, length, mirrors):
    """True if disks of these sizes hold so many plexes of LENGTH without sharing a disk."""
    for _mirror in range(mirrors):
        missing = length
        while missing > 0 and sizes:
            missing -= sizes.pop(0)
        if missing > 0:
            return False
    return True
