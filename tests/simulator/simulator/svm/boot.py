# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of a simulated SVM host: set up from a topology, reboot, show, tear down."""
import os
import shutil

from simulator.core import loops, place, pool, units
from simulator.svm import init, model, resync

SWITCHES = {"names": "full", "concise": True, "smf": True, "stale": False, "resync_speed": "200 MiB"}


def apply(store, spec):
    """Create what the topology's `svm` part describes; volumes that exist are only given their devices again."""
    with store.transaction():
        if store.row("SELECT 1 FROM svm_host WHERE host=?", place.HOST) is None:
            create(store, spec)
            return
        for row in model.volumes(store):
            if not loops.bound(row["loop"]):
                model.bind(store, row["name"])
            model.make_nodes(model.volume(store, row["name"]))


def create(store, spec):
    """Enter switches, stripes and mirrors into the state, and make their devices."""
    switches = dict(SWITCHES, **{key: spec[key] for key in SWITCHES if key in spec})
    store.db.execute("INSERT INTO svm_host VALUES (?,?,?,?,?,?)", (
        place.HOST, switches["names"], int(switches["concise"]), int(switches["smf"]), int(switches["stale"]),
        units.speed(switches["resync_speed"])))
    for name, mirror in (spec.get("mirrors") or {}).items():
        size = units.size(mirror["size"])
        for member, rows in mirror["submirrors"].items():
            init.make_stripe(store, member, rows_of(rows), size)
        init.make_mirror(store, name, list(mirror["submirrors"]), mirror.get("pass", 1), mirror.get("read", "roundrobin"),
                         mirror.get("write", "parallel"))
    for name, stripe in (spec.get("stripes") or {}).items():
        init.make_stripe(store, name, rows_of(stripe["components"]), units.size(stripe["size"]))
        model.bind(store, name)


def rows_of(value):
    """Components of a stripe as rows: "c1t0d0s0", or a list of such rows, each a slice or a list of slices."""
    rows = value if isinstance(value, list) else [value]
    return [row if isinstance(row, list) else [row] for row in rows]


def crash(store):
    """The host went down without warning: every mirror that was in use needs an optimized resync."""
    for row in model.volumes(store, "m"):
        members = [member for member in model.submirrors(store, row["name"]) if member["state"] == model.RUNNING]
        if len(members) > 1:
            store.db.execute("UPDATE svm_mirror SET pending=1 WHERE host=? AND name=?", (place.HOST, row["name"]))
            for member in members[1:]:
                model.set_state(store, member["name"], model.RUNNING, target=1)


def convert(store, mirror):
    """What the driver does with a mirror at load: an offlined submirror becomes one to be resynchronised."""
    if mirror["pass"] == 0:
        return
    for row in store.rows("SELECT * FROM svm_resync WHERE host=? AND mirror=? AND status='active'", place.HOST,
                          mirror["name"]):
        resync.end(store, row, "cancelled")
    for row in model.submirrors(store, mirror["name"]):
        if row["state"] == model.OFFLINE:
            model.set_state(store, row["name"], model.OFFLINE_RESYNC)
        if row["state"] in (model.OFFLINE, model.OFFLINE_RESYNC):
            store.db.execute("UPDATE svm_mirror SET pending=1 WHERE host=? AND name=?", (place.HOST, mirror["name"]))


def down(store):
    """Go down: resyncs come as far as they would have come."""
    with store.transaction():
        resync.advance(store)


def up(store, options):
    """Come up; options: crash, metasync, lost_record (the record of dirty regions was unreadable)."""
    with store.transaction():
        load(store, options)


def load(store, options):
    """Load all mirrors, then do what the boot service metasync does (unless told not to)."""
    if options.get("crash"):
        crash(store)
    for row in model.volumes(store, "m"):
        mirror = model.mirror(store, row["name"])
        convert(store, mirror)
        if options.get("lost_record") and mirror["pass"] != 0:
            lose_record(store, row["name"])
        if options.get("metasync", True) and mirror["pass"] != 0:
            sync_targets(store, row["name"])
            resync.start_due(store, row["name"])
    for row in model.volumes(store):
        model.make_nodes(row)


def sync_targets(store, mirror):
    """The optimized resync after a crash: nothing differs here, so it is over at once."""
    for row in model.submirrors(store, mirror):
        if row["target"]:
            model.set_state(store, row["name"], model.RUNNING)


def lose_record(store, mirror):
    """Without the record of dirty regions everything must be copied."""
    for row in model.submirrors(store, mirror):
        if row["state"] == model.OFFLINE_RESYNC:
            model.set_state(store, row["name"], model.ATTACHED)
    store.db.execute("UPDATE svm_mirror SET pending=0 WHERE host=? AND name=?", (place.HOST, mirror))


def fail(store, disk):
    """Let a component (c1t0d0s0) or a disk (c1t0d0) fail; returns the names of the components that did."""
    failed = []
    for part in store.rows("SELECT * FROM svm_component WHERE host=?", place.HOST):
        if disk not in (part["name"], part["name"].rsplit("s", 1)[0]):
            continue
        failed.append(part["name"])
        row = model.parent(store, part["stripe"])
        if row is None:
            continue
        break_resyncs(store, part["stripe"])
        last = not model.readable_without(store, row["mirror"], row["name"])
        model.set_component(store, part["stripe"], model.LAST_ERRED if last else model.MAINTENANCE, part["name"])
        if row["state"] not in model.OWN_IMAGE:
            model.set_state(store, row["name"], model.COMP_ERRED)
    return failed


def break_resyncs(store, stripe):
    """A resync to a submirror that fails breaks."""
    for running in store.rows("SELECT * FROM svm_resync WHERE host=? AND submirror=? AND status='active'", place.HOST, stripe):
        resync.break_off(store, running)


def switch(store, name, value):
    """Change one switch of the host (see SWITCHES)."""
    resync.advance(store)
    column = {"resync_speed": "speed"}.get(name, name)
    value = units.speed(value) if name == "resync_speed" else value if name == "names" else int(value)
    store.db.execute("UPDATE svm_host SET %s=? WHERE host=?" % column, (value, place.HOST))


def show(store):
    """The state of this host's volumes as plain data."""
    if store.row("SELECT 1 FROM svm_host WHERE host=?", place.HOST) is None:
        return None
    resync.advance(store)
    result = {"switches": dict(model.settings(store)), "mirrors": {}, "stripes": {}, "resyncs": []}
    for row in model.volumes(store, "m"):
        result["mirrors"][row["name"]] = dict(
            model.mirror(store, row["name"]), bytes=row["bytes"], loop=row["loop"], image=place.image(row["name"]),
            submirrors=[dict(member) for member in model.submirrors(store, row["name"])])
    for row in model.volumes(store, "s"):
        path, read_only = model.view(store, row)
        result["stripes"][row["name"]] = {
            "bytes": row["bytes"], "loop": row["loop"], "shows": path, "read_only": read_only,
            "components": [dict(part) for part in model.components(store, row["name"])]}
    for row in store.rows("SELECT * FROM svm_resync WHERE host=? ORDER BY id", place.HOST):
        item = dict(row, regions=len(row["regions"]) // 4)
        result["resyncs"].append(item)
    return result


def reset(store):
    """Forget all volumes of this host: devices, images, state."""
    for row in model.volumes(store):
        pool.free(row["loop"])
        loops.release(store, row["loop"])
        model.remove_nodes(row["name"])
    shutil.rmtree(os.path.dirname(place.image("")), ignore_errors=True)
    for table in ("svm_host", "svm_volume", "svm_mirror", "svm_submirror", "svm_component", "svm_resync"):
        store.db.execute("DELETE FROM %s WHERE host=?" % table, (place.HOST,))
