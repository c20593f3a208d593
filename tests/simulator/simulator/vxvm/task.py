# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks: what copies take time, how far each is by now, and what their ends do.

There is no daemon: every command first brings the tasks of its host to the present. A plex that is attached needs no data of
its own, for it will show those of its volume: its copy is only counted. A copy from a snapshot to its original is done for
real, region by region, over the data of the original.
"""
import fcntl
import os
import time

from simulator.core import blocks, loops, place
from simulator.core.units import speed
from simulator.vxvm import device, model
from simulator.vxvm.units import SECTOR

RUNNING, PAUSED, DONE, ABORTED = "running", "paused", "done", "aborted"
LIVE = (RUNNING, PAUSED)


def start(store, kind, words, volume, plex=None, indices=None, goal=None, source=None, tag=None):
    """Start a copy of the regions INDICES (None: all of the volume); returns its id.

    goal: state of the plex at the end; source: file whose regions are copied over the volume's data, removed at the end.
    """
    size, region = volume["length"] * SECTOR, volume["region"] * SECTOR
    full = indices is None
    numbers = list(range((size + region - 1) // region) if full else indices)
    total = sum(min(region, size - index * region) for index in numbers)
    now = time.monotonic()
    return model.insert(store, "task", dg=volume["dg"], type=kind, words=words, volume=volume["id"],
                        plex=plex["id"] if plex else None, goal=goal, source=source, region=region,
                        regions=blocks.packed(numbers), total=total, at=now, tag=tag, full=int(full), started=now)


def live(store, **fields):
    """Tasks that have not ended, those with these fields."""
    condition = "".join(" AND %s=?" % name for name in fields)
    return store.rows("SELECT * FROM vxvm_task WHERE status IN ('running', 'paused')%s ORDER BY id" % condition, *fields.values())


def copy(store, row, done):
    """Copy the regions that lie between what was done before and DONE bytes."""
    numbers = blocks.unpacked(row["regions"])
    first = int(row["done"]) // row["region"]
    last = len(numbers) if done >= row["total"] else int(done) // row["region"]
    if row["source"] and last > first:
        blocks.copy_regions(row["source"], device.image(row["volume"]), row["region"], numbers[first:last])
        loop = model.get(store, "volume", row["volume"])["loop"]
        if loop is not None:
            with loops.Opened(loops.node(loop)) as fd:
                fcntl.ioctl(fd, loops.BLKFLSBUF)


def advance(store):
    """Bring all tasks of the groups imported here to where they must be by now. Call inside a transaction."""
    rows = store.rows("SELECT t.* FROM vxvm_task t JOIN vxvm_group g ON t.dg=g.id WHERE g.imported=? AND t.status='running'"
                      " ORDER BY t.id", place.HOST)
    if not rows:
        return
    rate = speed(model.switch(store, "resync_speed"))
    for row in rows:
        now = time.monotonic()
        done = min(row["done"] + max(now - row["at"], 0) * rate, row["total"])
        copy(store, row, done)
        model.update(store, "task", row["id"], done=done, at=now)
        if done >= row["total"] and (row["total"] or rate):
            finish(store, row)


def close(store, row, status):
    """Note how a task ended, and drop its data."""
    model.update(store, "task", row["id"], status=status, ended=time.monotonic())
    if row["source"] and os.path.exists(row["source"]):
        os.unlink(row["source"])


def finish(store, row):
    """A copy came to its end."""
    close(store, row, DONE)
    if row["plex"] is not None:
        mode = "WO" if row["goal"] == model.SNAPDONE else "RW"
        model.update(store, "plex", row["plex"], state=row["goal"], mode=mode, kstate=model.ENABLED)


def abort(store, row):
    """Back out as after an I/O error: a plex that was being attached is removed, its space is given back."""
    from simulator.vxvm import records
    close(store, row, ABORTED)
    if row["plex"] is not None:
        records.delete_plex(store, model.get(store, "plex", row["plex"]))


def forget(store, **fields):
    """End all tasks of a volume or plex that is being removed."""
    for row in live(store, **fields):
        close(store, row, ABORTED)


def percent(row):
    """Per cent done of a task, of the whole sectors that are printed beside it."""
    return 100.0 * (row["done"] // SECTOR) / (row["total"] // SECTOR) if row["total"] else 100.0
