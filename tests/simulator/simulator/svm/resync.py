# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resyncs: what is to be copied, and how far the copy must have come by now.

There is no daemon: every command of this package first copies what should have been copied since the last one. An offlined
image is overwritten region by region, as on a real mirror.
"""
import time

from simulator.core import blocks, place
from simulator.svm import model
from simulator.svm.names import home, image

REGIONS, SMALLEST_REGION = 1000, 200 * 512


def region_size(size):
    """Bytes of one dirty region: a thousandth of the mirror in whole blocks, at least 200 blocks (mirror.c)."""
    return max(size // REGIONS // 512 * 512, SMALLEST_REGION)


def start(store, mirror, name, kind):
    """Start a resync of submirror NAME; kind: optimized (dirty regions), submirror or component (everything)."""
    size = model.volume(store, mirror)["bytes"]
    region = region_size(size)
    if kind == "optimized":
        model.flush(store, mirror)
        indices = blocks.differing(image(mirror), image(name), size, region)
    else:
        indices = range((size + region - 1) // region)
    indices = list(indices)
    total = sum(min(region, size - index * region) for index in indices)
    now = time.monotonic()
    store.db.execute(
        "INSERT INTO svm_resync (host, mirror, submirror, kind, status, region, regions, total, done, at, started)"
        " VALUES (?,?,?,?,'active',?,?,?,0,?,?)",
        (home(mirror), mirror, name, kind, region, blocks.packed(indices), total, now, now))
    if kind == "optimized":
        store.db.execute("UPDATE svm_mirror SET pending=1 WHERE host=? AND name=?", (home(mirror), mirror))
    store.db.execute("UPDATE svm_mirror SET cancelled=0 WHERE host=? AND name=?", (home(mirror), mirror))


def start_due(store, mirror):
    """What metasync does: start a resync for every submirror of a mirror that is due."""
    for row in model.submirrors(store, mirror):
        if row["state"] == model.ATTACHED:
            model.set_state(store, row["name"], model.ATTACHED_RESYNC)
        if row["state"] in (model.ATTACHED, model.ATTACHED_RESYNC):
            start(store, mirror, row["name"], "submirror")
        elif row["state"] == model.OFFLINE_RESYNC:
            start(store, mirror, row["name"], "optimized")
        elif row["state"] == model.COMP_RESYNC:
            start(store, mirror, row["name"], "component")
    if not model.resyncs(store, mirror):
        settle(store, mirror)


def settle(store, mirror):
    """Nothing is being copied any more: no optimized resync is due."""
    store.db.execute("UPDATE svm_mirror SET pending=0 WHERE host=? AND name=?", (home(mirror), mirror))
    store.db.execute("UPDATE svm_submirror SET target=0 WHERE host=? AND mirror=?", (home(mirror), mirror))


def end(store, row, status):
    """Note how a resync ended: done, broken or cancelled."""
    store.db.execute("UPDATE svm_resync SET status=?, ended=? WHERE id=?", (status, time.monotonic(), row["id"]))


def finish(store, row):
    """A resync came to its end: the submirror holds the mirror's data."""
    name = row["submirror"]
    end(store, row, "done")
    model.set_state(store, name, model.RUNNING)
    if row["kind"] == "component":
        model.set_component(store, name, model.OKAY)
    else:
        model.show_other(store, name)
    if not model.resyncs(store, row["mirror"]):
        settle(store, row["mirror"])


def break_off(store, row):
    """A resync failed: the submirror goes back to where it came from."""
    end(store, row, "broken")
    back = {"optimized": model.OFFLINE, "submirror": model.ATTACHED, "component": model.COMP_ERRED}[row["kind"]]
    model.set_state(store, row["submirror"], back)
    if not model.resyncs(store, row["mirror"]):
        settle(store, row["mirror"])


def copy(store, row, done):
    """Copy the regions that lie between what was done before and DONE bytes."""
    indices = blocks.unpacked(row["regions"])
    first, last = int(row["done"]) // row["region"], len(indices) if done >= row["total"] else int(done) // row["region"]
    if row["kind"] != "component" and last > first:
        blocks.copy_regions(image(row["mirror"]), image(row["submirror"]), row["region"], indices[first:last])


def advance(store):
    """Bring all resyncs this host answers for to where they must be by now. Call inside a transaction."""
    host = store.row("SELECT speed FROM svm_host WHERE host=?", place.HOST)
    rows = [row for owner in model.homes(store) for row in
            store.rows("SELECT * FROM svm_resync WHERE host=? AND status='active' ORDER BY id", owner)]
    for row in rows:
        now = time.monotonic()
        done = min(row["done"] + max(now - row["at"], 0) * host["speed"], row["total"])
        copy(store, row, done)
        store.db.execute("UPDATE svm_resync SET done=?, at=? WHERE id=?", (done, now, row["id"]))
        if done >= row["total"] and (row["total"] or host["speed"]):
            finish(store, row)


def percent(store, mirror):
    """Per cent done (0..100, a float) over all running resyncs of a mirror; None if none runs."""
    rows = model.resyncs(store, mirror)
    if not rows:
        return None
    total = sum(row["total"] for row in rows)
    return 100.0 * sum(row["done"] for row in rows) / total if total else 0.0
