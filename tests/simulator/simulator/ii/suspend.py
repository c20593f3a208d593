# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Suspending and resuming sets: what iiboot does, and with it a boot."""
from simulator.ii import bitmap, copying, data, kernel, model, sv, track


def suspend(store, row):
    """Save the maps, let go of the volumes. What is still to be copied is not in the target from now on."""
    copy = copying.active(store, row)
    if copy is not None:
        copying.close(store, copy, "suspended")
    track.save(store, row["id"], bitmap.CLEAN)
    if kernel.is_joined(row):
        kernel.revert(store, row)
    model.update(store, row["id"], kernel=0, pid=0)


def read(store, row):
    """What the bitmap volume of a set holds; Refused if it does not belong to the set, None if it cannot be opened."""
    volume = data.opened(store, row["bitmap"])
    if volume is None:
        return None
    held = bitmap.unpack(volume.read())
    if held["magic"] not in (bitmap.DIRTY, bitmap.CLEAN):
        raise model.Refused(model.BAD_MAGIC)
    if any(held[name] != row[name] for name in ("master", "shadow", "bitmap")):
        raise model.Refused("II: Arguments inconsistent with current bitmap")
    return held


def resume(store, row, memory_lost=False):
    """Take a set into the driver again; an interrupted copy goes on."""
    held = read(store, row)
    flags = row["flags"]
    if held is None:
        flags |= model.BMPOFFLINE | model.SHDOFFLINE | (0 if flags & model.SHDIMPORT else model.MSTOFFLINE)
    else:
        flags = held["flags"] & ~model.OFFLINE
        length = len(row["shd"])
        model.update(store, row["id"], grp=held["grp"], shd=bytes(held["shd"][:length]), cpy=bytes(held["cpy"][:length]))
        flags |= missing(store, row, flags)
    if flags & model.OFFLINE:
        flags &= ~(model.COPYINGP | model.COPYINGX)
    model.update(store, row["id"], kernel=1, flags=flags)
    row = model.get(store, row["id"])
    if kernel.is_joined(row) and not flags & model.OFFLINE:
        kernel.show_through(store, row)
    if memory_lost:
        row = lose(store, row)
    track.save(store, row["id"])
    row = track.forget(store, row)
    if row["flags"] & model.COPYINGP:
        copying.resume(store, row)


def missing(store, row, flags):
    """Flags of volumes that cannot be opened."""
    found = 0
    if not flags & model.SHDIMPORT and data.opened(store, row["master"]) is None:
        found |= model.MSTOFFLINE
    if not flags & model.SHDEXPORT and data.opened(store, row["shadow"]) is None:
        found |= model.SHDOFFLINE
    return found


def lose(store, row):
    """The maps were in memory only: an independent set needs a full copy, a dependent shadow is lost."""
    if model.independent(row):
        model.update(store, row["id"], shd=bytes(bitmap.full(bitmap.chunks(row["size"]))))
    else:
        model.update(store, row["id"], flags=row["flags"] | model.SHDOFFLINE)
    return model.get(store, row["id"])


def suspend_all(store):
    """Suspend every set of this host."""
    for row in model.sets(store, kernel=1):
        suspend(store, row)


def resume_all(store, memory_lost=False):
    """Resume every suspended set but those that failed before; returns the refusals."""
    refusals = []
    for row in sv.rows(store):
        if data.opened(store, row["path"]) is not None:
            sv.enable(store, row["path"], row["users"].split()[0])
    for row in model.sets(store, kernel=0):
        if row["options"]:
            continue
        try:
            resume(store, row, memory_lost)
        except model.Refused as refusal:
            refusals.append(refusal)
    return refusals
