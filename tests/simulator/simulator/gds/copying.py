# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Synchronisation copying: what is to be copied, and how far the copy must have come by now.

There is no daemon: every sdx command first copies what should have been copied since the last one.
"""
import os
import time

from simulator.core import blocks, place
from simulator.gds import model

REGION = 64 * 1024


def start(store, key, name, disk_name, source, full):
    """Copy file SOURCE to the slice of volume NAME on DISK_NAME, which shows an image of its own until then."""
    size = model.volume(store, key, name)["blocks"] * model.BLOCK
    target = model.own_image(key, "%s.%s" % (disk_name, name))
    blocks.make(target, size)
    indices = list(range((size + REGION - 1) // REGION) if full else blocks.differing(source, target, size, REGION))
    total = sum(min(REGION, size - index * REGION) for index in indices)
    store.db.execute("INSERT INTO gds_copy (domain, class, volume, disk, source, target, status, regions, total, done, at, full)"
                     " VALUES (?,?,?,?,?,?,'active',?,?,0,?,?)", (key["domain"], key["name"], name, disk_name, source, target,
                                                                  blocks.packed(indices), total, time.monotonic(), int(full)))
    model.set_slice(store, key, name, disk_name, model.COPY)


def running(store, key, name=None):
    """The copies of a class (of one volume of it) that run."""
    return [row for row in store.rows("SELECT * FROM gds_copy WHERE domain=? AND class=? AND status='active' ORDER BY id",
                                      key["domain"], key["name"]) if name in (None, row["volume"])]


def refuse(store, key, *names):
    """Refuse while one of the volumes is being copied."""
    for name in names:
        if running(store, key, name):
            raise model.Refusal("%s: copying is in progress" % name)


def cancel(store, key, name):
    """End the copies of a volume; what was copied to is invalid."""
    for row in running(store, key, name):
        store.db.execute("UPDATE gds_copy SET status='cancelled' WHERE id=?", (row["id"],))
        model.set_slice(store, key, name, row["disk"], model.INVALID)


def advance(store):
    """Bring all copies to where they must be by now. Call inside a transaction."""
    for row in store.rows("SELECT * FROM gds_copy WHERE status='active' ORDER BY id"):
        now, speed = time.monotonic(), store.row("SELECT min(speed) AS speed FROM gds_host")["speed"]
        done = min(row["done"] + max(now - row["at"], 0) * speed, row["total"])
        copy(row, done)
        store.db.execute("UPDATE gds_copy SET done=?, at=? WHERE id=?", (done, now, row["id"]))
        if done >= row["total"] and (row["total"] or speed):
            finish(store, row)


def copy(row, done):
    """Copy the regions between what was done before and DONE bytes."""
    indices = blocks.unpacked(row["regions"])
    first, last = int(row["done"]) // REGION, len(indices) if done >= row["total"] else int(done) // REGION
    if last > first:
        blocks.copy_regions(row["source"], row["target"], REGION, indices[first:last])


def finish(store, row):
    """A copy came to its end: the slice is valid and shares the volume's image again."""
    key = store.row("SELECT * FROM gds_class WHERE domain=? AND name=?", row["domain"], row["class"])
    store.db.execute("UPDATE gds_copy SET status='done' WHERE id=?", (row["id"],))
    model.set_slice(store, key, row["volume"], row["disk"], model.VALID)
    if not running(store, key, row["volume"]):
        model.set_volume(store, key, row["volume"], copying=0)
    if os.path.exists(row["target"]):
        os.unlink(row["target"])


def wait(call, key, names):
    """Wait until nothing is copied to the named volumes, as commands with waitsync do. Call outside a transaction."""
    for name in names:
        call.say("INFO", "%s: waiting for the completion of copying..." % name)
    while True:
        with call.store.transaction():
            advance(call.store)
            if not any(running(call.store, key, name) for name in names):
                break
        time.sleep(0.05)
    for name in names:
        call.say("INFO", "%s: copying completed successfully" % name)


def bytes_copied(store):
    """[{volume, disk, full, total, done, status}] of this host's domain, oldest first."""
    here = store.row("SELECT domain FROM gds_host WHERE host=?", place.HOST)
    return [{name: row[name] for name in ("class", "volume", "disk", "full", "total", "done", "status")}
            for row in store.rows("SELECT * FROM gds_copy WHERE domain=? ORDER BY id", here["domain"] if here else "")]
