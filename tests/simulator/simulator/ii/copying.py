# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies between master and shadow: their start, how far they must have come by now, their end.

The chunks are in the target's image at once (reads of a chunk that is still to be copied get it from the source); what takes
time is that their bits go. There is no daemon: every command first brings the copies of its host to the present.
"""
import os
import time

from simulator.core import blocks, place
from simulator.ii import bitmap, data, model, track

TO_SHADOW, TO_MASTER = "s", "m"
FLAGS = {TO_SHADOW: model.COPYINGM, TO_MASTER: model.COPYINGS}


def active(store, row):
    """The copy that runs in a set, or None."""
    return store.row("SELECT * FROM ii_copy WHERE set_id=? AND status='running'", row["id"])


def keep_old(row, direction, target, numbers):
    """Keep aside what chunks of the target hold now, unless it is there already."""
    old = data.side(row["id"], data.OLD + direction)
    if not os.path.exists(old):
        data.clone(target.image, old)
    else:
        data.transfer(target.image, old, numbers, target.size * bitmap.BLOCK)


def start(store, row, direction, pit, full):
    """Start the copy of all chunks whose bits are set (FULL: of all) from file PIT, the image of the source at this instant."""
    before = bytearray(row["cpy"])
    cpy = bitmap.full(bitmap.chunks(row["size"])) if full else bitmap.union(before, row["shd"])
    numbers = bitmap.indices(cpy)
    target = data.opened(store, row["shadow"] if direction == TO_SHADOW else row["master"])
    target.flush()
    if model.independent(row) or direction == TO_MASTER:
        keep_old(row, direction, target, bitmap.indices(bitmap.without(cpy, before)))
    data.transfer(pit, target.image, numbers, min(row["size"], target.size) * bitmap.BLOCK)
    target.forget()
    at_once = not model.independent(row) and direction == TO_SHADOW and not full
    track.unspill(store, row)
    flags = row["flags"] & ~(model.COPYING | model.OVERFLOW | model.VOVERFLOW) | (0 if at_once else model.COPYINGP | FLAGS[direction])
    empty = bytes(bitmap.blank(bitmap.chunks(row["size"])))
    row = track.change(store, row, flags=flags, shd=empty, cpy=empty if at_once else bytes(cpy), mtime=int(time.time()))
    enter(store, row, direction, full, [] if at_once else numbers)
    source, other = (data.MASTER, data.SHADOW) if direction == TO_SHADOW else (data.SHADOW, data.MASTER)
    track.looked(store, row, source, pit)
    return track.forget(store, row, other)


def enter(store, row, direction, full, numbers):
    """Note a copy of chunks."""
    size, now = row["size"] * bitmap.BLOCK, time.monotonic()
    total = sum(min(bitmap.CHUNK, size - one * bitmap.CHUNK) for one in numbers)
    status = "running" if row["flags"] & model.COPYINGP else "done"
    store.db.execute("INSERT INTO ii_copy (host, set_id, shadow, direction, full, regions, total, at, started, status, ended)"
                     " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                     (place.HOST, row["id"], row["shadow"], direction, int(full), blocks.packed(numbers), total, now, now,
                      status, None if status == "running" else now))


def resume(store, row):
    """Go on with the bits that are left."""
    direction = TO_SHADOW if row["flags"] & model.COPYINGM else TO_MASTER
    enter(store, row, direction, False, bitmap.indices(row["cpy"]))


def close(store, copy, status):
    """Note how a copy ended."""
    store.db.execute("UPDATE ii_copy SET status=?, ended=? WHERE id=?", (status, time.monotonic(), copy["id"]))


def finish(store, row, copy):
    """A copy came to its end: target and source have nothing more to do with each other."""
    close(store, copy, "done")
    track.change(store, row, flags=row["flags"] & ~model.COPYING, cpy=bytes(bitmap.blank(bitmap.chunks(row["size"]))))
    data.drop(row["id"], data.OLD + TO_MASTER)
    if model.independent(row):
        data.drop(row["id"], data.OLD + TO_SHADOW)


def stop(store, row, status="aborted"):
    """Stop the copy of a set, if one runs; what is left stays in its copy bitmap, and so does the direction."""
    copy = active(store, row)
    if copy is not None:
        close(store, copy, status)
    return track.change(store, row, flags=row["flags"] & ~(model.COPYINGP | model.COPYINGX))


def step(store, row, speed):
    """Bring the copy of one set to the present."""
    copy, now = active(store, row), time.monotonic()
    if copy is None:
        return
    done = min(copy["done"] + max(now - copy["at"], 0) * speed, copy["total"])
    store.db.execute("UPDATE ii_copy SET done=?, at=? WHERE id=?", (done, now, copy["id"]))
    if done >= copy["total"] and (copy["total"] or speed):
        finish(store, row, copy)
        return
    numbers, cpy = blocks.unpacked(copy["regions"]), bytearray(row["cpy"])
    first, last = int(copy["done"]) // bitmap.CHUNK, int(done) // bitmap.CHUNK
    if last > first:
        bitmap.remove(cpy, numbers[first:last])
        track.change(store, row, cpy=bytes(cpy))


def advance(store):
    """See what was written, and bring all copies of this host to the present. Call inside a transaction."""
    here = model.host(store)
    if here is None:
        return
    track.look_at_all(store)
    for row in model.sets(store, kernel=1):
        if row["flags"] & model.COPYINGP:
            step(store, row, here["speed"])
