# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tracking: what was written to master and shadow since the driver last looked becomes bits.

Nobody intercepts writes: the volumes are compared with what they held at the last look, which every command begins with.
"""
import os

from simulator.core import blocks, place
from simulator.ii import bitmap, data, model, sv


def save(store, set_id, magic=bitmap.DIRTY):
    """Write header and maps of a set into its bitmap volume, if that can be opened."""
    row = model.get(store, set_id)
    volume = data.opened(store, row["bitmap"])
    if volume is not None and not row["flags"] & model.BMPOFFLINE:
        volume.write(bitmap.pack(magic, row, row["size"])[:volume.size * bitmap.BLOCK])


def change(store, row, **fields):
    """Change a set in the driver, and on its bitmap volume."""
    model.update(store, row["id"], **fields)
    save(store, row["id"])
    return model.get(store, row["id"])


def parts(store, row):
    """[(side, Volume, whether its writes are seen)] of what the driver has open of a set."""
    found = []
    if not row["flags"] & model.SHDIMPORT:
        found.append((data.MASTER, data.opened(store, row["master"]), sv.is_on(store, row["master"])))
    if not row["flags"] & model.SHDEXPORT:
        found.append((data.SHADOW, data.opened(store, row["shadow"]), sv.is_on(store, row["shadow"])))
    return [part for part in found if part[1] is not None]


def compare(row, what, image, size):
    """Chunks in which an image differs from what it held at the last look."""
    if not os.path.exists(data.side(row["id"], what)):
        return []
    limit = min(size, row["size"]) * bitmap.BLOCK
    return blocks.differing(image, data.side(row["id"], what), limit, bitmap.CHUNK)


def note(store, row, numbers):
    """Chunks were written to: they differ, and what they held before has been copied where it had to be."""
    if not numbers:
        return row
    shd, cpy = bytearray(row["shd"]), bytearray(row["cpy"])
    bitmap.add(shd, numbers)
    bitmap.remove(cpy, numbers)
    return change(store, row, shd=bytes(shd), cpy=bytes(cpy), flags=row["flags"] | spilled(store, row, bitmap.count(shd)))


def spilled(store, row, used):
    """Flags of a compact shadow whose chunks do not fit into it any more."""
    more = used - row["ssize"] // bitmap.CHUNK_BLOCKS
    if not row["flags"] & model.TREEMAP or more <= 0:
        return 0
    room = store.row("SELECT * FROM ii_overflow WHERE host=? AND path=?", place.HOST, row["overflow"])
    if room is None:
        return model.OVERFLOW
    held = min(more, room["total"])
    store.db.execute("UPDATE ii_overflow SET used=?, allocated=max(allocated, ?) WHERE host=? AND path=?",
                     (held, held, place.HOST, row["overflow"]))
    return model.VOVERFLOW | (model.OVERFLOW if more > room["total"] else 0)


def unspill(store, row):
    """A compact shadow holds nothing of its own any more."""
    if row["flags"] & model.VOVERFLOW:
        store.db.execute("UPDATE ii_overflow SET used=0 WHERE host=? AND path=?", (place.HOST, row["overflow"]))


def look(store, row):
    """See what was written to the volumes of a set since the last look; returns the set."""
    for what, volume, seen in parts(store, row):
        volume.flush()
        if volume.signature() == row["seen_" + what]:
            continue
        signature, fresh = volume.signature(), data.side(row["id"], data.PIT)
        data.clone(volume.image, fresh)
        numbers = compare(row, what, fresh, volume.size) if seen else []
        data.clone(fresh, data.side(row["id"], what))
        data.drop(row["id"], data.PIT)
        model.update(store, row["id"], **{"seen_" + what: signature})
        row = note(store, model.get(store, row["id"]), numbers)
    return row


def forget(store, row, *which):
    """Begin to look from now on: what is in the volumes (or only WHICH) is what they held at the last look."""
    for what, volume, _seen in parts(store, row):
        if which and what not in which:
            continue
        volume.flush()
        signature = volume.signature()
        data.clone(volume.image, data.side(row["id"], what))
        model.update(store, row["id"], **{"seen_" + what: signature})
    return model.get(store, row["id"])


def looked(store, row, what, pit):
    """The last look at one volume was when the file PIT was made: what was written since then is seen at the next one."""
    data.clone(pit, data.side(row["id"], what))
    model.update(store, row["id"], **{"seen_" + what: ""})


def look_at_all(store):
    """Look at every set the driver of this host has."""
    for row in model.sets(store, kernel=1):
        look(store, row)
