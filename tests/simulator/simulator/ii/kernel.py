# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The driver: what enable, disable, copy, export, import and join check and do. All of it inside a transaction."""
import os
import time

from simulator.core import place
from simulator.ii import bitmap, copying, data, model, sv, track
from simulator.ii.model import Refused

WIPED = (16, 128)  # blocks of a shadow that is worth nothing: a UFS on it loses its superblock


def volume(store, path):
    """An open volume; Refused if it cannot be opened."""
    found = data.opened(store, path)
    if found is None:
        raise Refused(model.NO_OPEN, model.NO_DEVICE)
    return found


def check_free(store, master, shadow, bits):
    """Refuse volumes that other sets of this host have in another role."""
    for row in model.sets(store, kernel=1):
        if (bits in (row["master"], row["shadow"], row["bitmap"]) or master in (row["shadow"], row["bitmap"])
                or shadow in (row["master"], row["shadow"], row["bitmap"])):
            raise Refused(model.IN_USE)


def enter(store, shadow, bits, **fields):
    """Enter a set into the configuration."""
    names = dict(fields, host=place.HOST, shadow=shadow, bitmap=bits)
    cursor = store.db.execute("INSERT INTO ii_set (%s) VALUES (%s)" % (", ".join(names), ", ".join("?" * len(names))),
                              tuple(names.values()))
    return model.get(store, cursor.lastrowid)


def kernel_fields(size, ssize, flags):
    """Fields of a set that the driver gets to know."""
    empty = bytes(bitmap.blank(bitmap.chunks(size)))
    return {"kernel": 1, "size": size, "ssize": ssize, "flags": flags, "shd": empty, "cpy": empty, "mtime": int(time.time())}


def enable(store, kind, master, shadow, bits, group):
    """Enable a set; the copy of an independent one is started."""
    check_free(store, master, shadow, bits)
    opened, target, maps = volume(store, master), volume(store, shadow), volume(store, bits)
    compact = kind == "dep" and target.size < opened.size
    if target.size < opened.size and not compact:
        raise Refused("II: Shadow too small")
    if maps.size < bitmap.needed(opened.size):
        raise Refused("II: Bitmap too small")
    if compact and maps.size < bitmap.compact(opened.size):
        raise Refused("II: Unable to read or write bitmap header")
    flags = (model.GOLDEN if kind == "ind" else 0) | (model.TREEMAP if compact else 0)
    row = enter(store, shadow, bits, master=master, kind=kind, grp=group, **kernel_fields(opened.size, target.size, flags))
    track.save(store, row["id"])
    pit = data.side(row["id"], data.PIT)
    data.cut([(opened, pit)])
    if kind == "dep":
        data.clone(target.image, data.side(row["id"], data.OLD + copying.TO_SHADOW))
        data.transfer(pit, target.image, range(bitmap.chunks(opened.size)), min(opened.size, target.size) * bitmap.BLOCK)
        target.forget()
        track.looked(store, row, data.MASTER, pit)
        track.forget(store, row, data.SHADOW)
    else:
        copying.start(store, row, copying.TO_SHADOW, pit, True)
    data.drop(row["id"], data.PIT)
    return model.get(store, row["id"])


def check_copy(store, row, direction, pid):
    """Refuse a copy, in the order of the driver."""
    if row["flags"] & model.COPYINGP:
        raise Refused(model.IN_PROGRESS)
    if row["flags"] & model.OFFLINE:
        raise Refused("II: Volume offline")
    if row["flags"] & model.AWAY:
        raise Refused("II: Update or copy not allowed on an exported shadow volume")
    if direction == copying.TO_MASTER:
        siblings = [one for one in model.sets(store, kernel=1, master=row["master"]) if one["id"] != row["id"]]
        if row["flags"] & model.COPYINGM or any(one["flags"] & model.COPYINGP and one["flags"] & model.COPYINGS for one in siblings):
            raise Refused(model.IN_PROGRESS)
    elif row["flags"] & model.COPYINGS:
        raise Refused(model.IN_PROGRESS)
    if direction == copying.TO_MASTER and row["flags"] & model.OVERFLOW:
        raise Refused("II: Source shadow volume is not complete due to earlier overflow")
    if row["pid"] not in (0, pid):
        raise Refused(model.IN_USE)
    for path in (row["master"], row["shadow"]):
        if data.opened(store, path) is None:
            raise Refused("II: nsc_reserve failed", model.NO_DEVICE)


def copy(store, rows, direction, full):
    """Take the points in time of checked sets at one instant, then start their copies."""
    sources = [volume(store, row["master" if direction == copying.TO_SHADOW else "shadow"]) for row in rows]
    pits = [data.side(row["id"], data.PIT) for row in rows]
    data.cut(list(zip(sources, pits)))
    what = data.MASTER if direction == copying.TO_SHADOW else data.SHADOW
    for row, source, pit in zip(rows, sources, pits):
        if sv.is_on(store, source.path):
            row = track.note(store, row, track.compare(row, what, pit, source.size))
        # A whole copy of a compact shadow is an update.
        copying.start(store, row, direction, pit, full and not row["flags"] & model.TREEMAP)
        data.drop(row["id"], data.PIT)


def left(store, row):
    """(target, source, file that tells what the target held, chunks that are in the target only as the driver shows it)."""
    to_master = bool(row["flags"] & model.COPYINGS)
    ends = data.opened(store, row["shadow"]), data.opened(store, row["master"])
    old = data.side(row["id"], data.OLD + (copying.TO_MASTER if to_master else copying.TO_SHADOW))
    numbers = row["cpy"]
    if not model.independent(row) and not to_master:
        numbers = bitmap.without(bitmap.full(bitmap.chunks(row["size"])), row["shd"])
    return (ends[1], ends[0], old, bitmap.indices(numbers)) if to_master else ends + (old, bitmap.indices(numbers))


def put(row, target, image, numbers):
    """Let a volume have chunks of a file."""
    target.flush()
    data.transfer(image, target.image, numbers, min(row["size"], target.size) * bitmap.BLOCK)
    target.forget()


def is_joined(row):
    """True while one of the two cannot be read without the other."""
    return not row["flags"] & model.AWAY and bool(row["flags"] & (model.COPYINGM | model.COPYINGS) or not model.independent(row))


def revert(store, row):
    """Without the driver, what was not copied is not in the target: it gets back what it held before."""
    target, _source, old, numbers = left(store, row)
    if target is not None and os.path.exists(old):
        put(row, target, old, numbers)


def show_through(store, row):
    """The driver shows the source's chunks in the target where they were not copied."""
    target, source, _old, numbers = left(store, row)
    if target is not None and source is not None:
        source.flush()
        put(row, target, source.image, numbers)


def disable(store, row):
    """Disable a set that the driver has; an unfinished or dependent shadow is made unusable on purpose."""
    if model.independent(row) and row["flags"] & model.COPYINGP:
        raise Refused(model.DEPENDENT)
    if row["flags"] & model.COPYINGP:
        row = copying.stop(store, row)
    if is_joined(row):
        revert(store, row)
        shadow = data.opened(store, row["shadow"])
        if shadow is not None:
            first, last = WIPED
            shadow.write(b"\0" * ((last - first) * bitmap.BLOCK), first * bitmap.BLOCK)
    track.unspill(store, row)
    track.save(store, row["id"], bitmap.INVALID)
    release(store, row)
    remove(store, row)


def release(store, row):
    """Take the volumes of a set from under SV where no other set needs them."""
    others = [one for one in model.sets(store) if one["id"] != row["id"]]
    if row["master"] != model.IMPORTED and not any(one["master"] == row["master"] for one in others):
        sv.leave(store, row["master"], "ii")
    if not row["flags"] & model.SHDEXPORT:
        sv.leave(store, row["shadow"], "ii")


def remove(store, row):
    """Forget a set."""
    data.drop(row["id"])
    model.delete(store, row["id"])


def abort(store, row):
    """Stop the copy, if one runs."""
    if row["flags"] & model.COPYINGP:
        copying.stop(store, row)


def export(store, row):
    """Let go of the shadow; writes to the master are still seen."""
    if row["flags"] & model.COPYING or not model.independent(row):
        raise Refused(model.DEPENDENT)
    if row["flags"] & model.AWAY:
        raise Refused(model.ALREADY)
    if data.opened(store, row["shadow"]) is None:
        raise Refused("II: nsc_reserve failed", model.NO_DEVICE)
    track.change(store, row, flags=row["flags"] | model.SHDEXPORT)
    data.drop(row["id"], data.SHADOW)
    sv.leave(store, row["shadow"], "ii")


def bring(store, shadow, bits):
    """Import a shadow with a secondary bitmap, which is formatted."""
    check_free(store, model.IMPORTED, shadow, bits)
    opened, maps = volume(store, shadow), volume(store, bits)
    if maps.size < bitmap.needed(opened.size):
        raise Refused("II: Bitmap too small")
    flags = model.GOLDEN | model.SHDIMPORT
    row = enter(store, shadow, bits, master=model.IMPORTED, kind="ind", **kernel_fields(opened.size, opened.size, flags))
    track.save(store, row["id"])
    sv.enable(store, shadow, "ii")
    track.forget(store, row)


def join(store, row, second):
    """Merge the changes a secondary bitmap tells; SECOND is what it holds."""
    if not row["flags"] & model.SHDEXPORT:
        raise Refused("II: Shadow volume is not exported")
    if len(second["shd"]) * 8 < bitmap.chunks(row["size"]):
        raise Refused(model.BAD_MAGIC)
    volume(store, row["shadow"])
    row = track.change(store, row, flags=row["flags"] & ~model.SHDEXPORT, shd=bytes(bitmap.union(row["shd"], second["shd"])))
    sv.enable(store, row["shadow"], "ii")
    track.forget(store, row, data.SHADOW)


def reset(store, row):
    """Take a set with failed volumes into use again; True if a copy was started."""
    offline = row["flags"] & model.OFFLINE
    if not offline:
        return False
    row = track.change(store, row, flags=row["flags"] & ~(model.OFFLINE | model.COPYING))
    model.update(store, row["id"], options="")
    for path in (row["master"], row["shadow"], row["bitmap"]):
        volume(store, path)
    sv.enable(store, row["master"], "ii")
    sv.enable(store, row["shadow"], "ii")
    row = track.forget(store, row)
    if not model.independent(row):
        empty = bytes(bitmap.blank(bitmap.chunks(row["size"])))
        track.change(store, row, shd=empty, cpy=empty)
        return False
    to_master = offline & model.MSTOFFLINE and not offline & model.SHDOFFLINE
    copy(store, [row], copying.TO_MASTER if to_master else copying.TO_SHADOW, True)
    return True
