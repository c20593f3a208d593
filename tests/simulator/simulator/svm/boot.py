# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of a simulated SVM host: set up from a topology, reboot, show, tear down."""
import os
import shutil

from simulator.core import loops, place, pool, units
from simulator.svm import init, load, metadb, model, resync, sets, soft
from simulator.svm.names import home, image

REPLICAS = ["c0t0d0s7"] * 2 + ["c0t1d0s7"] * 2
SWITCHES = {"names": "full", "concise": True, "smf": True, "stale": False, "resync_speed": "200 MiB"}


def apply(store, spec):
    """Create what the topology's `svm` part describes; volumes that exist are only given their devices again."""
    if spec is None:
        return
    with store.transaction():
        if store.row("SELECT 1 FROM svm_host WHERE host=?", place.HOST) is None:
            create(store, spec)
            return
        for owner in model.homes(store):
            for row in model.volumes(store, owner=owner):
                if row["loop"] is None or not loops.bound(row["loop"]):
                    model.bind(store, row["name"])
                model.make_nodes(model.volume(store, row["name"]))


def create(store, spec):
    """Enter switches, volumes and disk sets into the state, and make their devices."""
    switches = dict(SWITCHES, **{key: spec[key] for key in SWITCHES if key in spec})
    store.db.execute("INSERT INTO svm_host VALUES (?,?,?,?,?,?)", (
        place.HOST, switches["names"], int(switches["concise"]), int(switches["smf"]), int(switches["stale"]),
        units.speed(switches["resync_speed"])))
    metadb.make(store, None, spec.get("replicas", REPLICAS))
    create_volumes(store, spec, "")
    for name, disk_set in (spec.get("sets") or {}).items():
        create_set(store, name, disk_set)


def create_volumes(store, spec, prefix):
    """Make the volumes of the local set (no prefix) or of a disk set (its name and a slash)."""
    for name, mirror in (spec.get("mirrors") or {}).items():
        size = units.size(mirror["size"])
        members = [prefix + member for member in mirror["submirrors"]]
        for member, rows in zip(members, mirror["submirrors"].values()):
            init.make_stripe(store, member, rows_of(rows), size)
        init.make_mirror(store, prefix + name, members, mirror.get("pass", 1), mirror.get("read", "roundrobin"),
                         mirror.get("write", "parallel"))
    for name, stripe in (spec.get("stripes") or {}).items():
        init.make_stripe(store, prefix + name, rows_of(stripe["components"]), units.size(stripe["size"]))
        model.bind(store, prefix + name)
    for name, piece in (spec.get("soft_partitions") or {}).items():
        soft.make(store, prefix + name, prefix + piece["base"], None, units.size(piece["size"]) // 512)


def create_set(store, name, spec):
    """Make a disk set unless another of its hosts was first; its owner (the first host unless given) takes it."""
    if place.HOST not in spec["hosts"]:
        return
    auto_take = bool(spec.get("auto_take"))
    owner = spec.get("owner", spec["hosts"][0])
    if store.row("SELECT 1 FROM svm_set WHERE name=?", name) is None:
        sets.create(store, name, spec["hosts"], auto_take)
        create_volumes(store, spec, name + "/")
        metadb.make(store, name, [drive + "s7" for drive in sets.drives(store, name)])
        if owner != place.HOST:
            sets.release(store, name)
        return
    sets.join(store, name, spec["hosts"].index(place.HOST))
    if owner == place.HOST:
        sets.take(store, name)


def rows_of(value):
    """Components of a stripe as rows: "c1t0d0s0", or a list of such rows, each a slice or a list of slices."""
    rows = value if isinstance(value, list) else [value]
    return [row if isinstance(row, list) else [row] for row in rows]


def down(store):
    """Go down: resyncs come as far as they would have come, disk sets are released."""
    with store.transaction():
        resync.advance(store)
        for row in owned(store):
            sets.unload(store, row["name"])


def up(store, options):
    """Come up; options: crash, metasync, lost_record (see load). Disk sets wait to be taken, but for auto-take ones."""
    with store.transaction():
        load.load(store, place.HOST, options)
        for row in model.volumes(store):
            model.make_nodes(row)
        for row in sets.known(store):
            if row["auto_take"]:
                sets.take(store, row["name"])


def owned(store):
    """The disk sets that this host owns."""
    return [row for row in sets.known(store) if row["owner"] == place.HOST]


def fail(store, disk):
    """Let a component (c1t0d0s0) or a disk (c1t0d0) fail; returns the names of the components that did."""
    failed = fail_replicas(store, disk)
    parts = [part for owner in model.homes(store) for part in store.rows("SELECT * FROM svm_component WHERE host=?", owner)]
    for part in parts:
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


def fail_replicas(store, disk):
    """The replicas on a failed disk or slice cannot be written any more; returns the names of the slices."""
    failed = []
    for owner in model.homes(store):
        for row in store.rows("SELECT DISTINCT name FROM svm_replica WHERE host=?", owner):
            if disk in (row["name"], row["name"].rsplit("s", 1)[0]):
                store.db.execute("UPDATE svm_replica SET failed=1 WHERE host=? AND name=?", (owner, row["name"]))
                failed.append(row["name"])
    return failed


def break_resyncs(store, stripe):
    """A resync to a submirror that fails breaks."""
    for running in store.rows("SELECT * FROM svm_resync WHERE host=? AND submirror=? AND status='active'", home(stripe), stripe):
        resync.break_off(store, running)


def switch(store, name, value):
    """Change one switch of the host (see SWITCHES)."""
    resync.advance(store)
    column = {"resync_speed": "speed"}.get(name, name)
    value = units.speed(value) if name == "resync_speed" else value if name == "names" else int(value)
    store.db.execute("UPDATE svm_host SET %s=? WHERE host=?" % column, (value, place.HOST))


def show(store):
    """The state of this host's volumes, and of those of the disk sets it owns, as plain data."""
    if store.row("SELECT 1 FROM svm_host WHERE host=?", place.HOST) is None:
        return None
    resync.advance(store)
    result = {"switches": dict(model.settings(store)), "mirrors": {}, "stripes": {}, "soft_partitions": {}, "resyncs": [], "sets": {}}
    for row in sets.known(store):
        result["sets"][row["name"]] = dict(row, hosts=sets.hosts(store, row["name"]))
    for owner in model.homes(store):
        show_volumes(store, owner, result)
        for row in store.rows("SELECT * FROM svm_resync WHERE host=? ORDER BY id", owner):
            result["resyncs"].append(dict(row, regions=len(row["regions"]) // 4))
    return result


def show_volumes(store, owner, result):
    """Enter the volumes of one home into what show returns."""
    for row in model.volumes(store, owner=owner):
        name = row["name"]
        if row["kind"] == "m":
            result["mirrors"][name] = dict(model.mirror(store, name), bytes=row["bytes"], loop=row["loop"], image=image(name),
                                           submirrors=[dict(member) for member in model.submirrors(store, name)])
        elif row["kind"] == "p":
            result["soft_partitions"][name] = dict(model.soft(store, name), bytes=row["bytes"], loop=row["loop"])
        else:
            path, read_only = model.view(store, row)
            result["stripes"][name] = {"bytes": row["bytes"], "loop": row["loop"], "shows": path, "read_only": read_only,
                                       "components": [dict(part) for part in model.components(store, name)]}


def reset(store):
    """Forget all volumes of this host, and those of disk sets that no other host has: devices, images, state."""
    for row in owned(store):
        free(store, row["name"] + "/")
        sets.own(store, row["name"], None)
    for row in sets.known(store):
        if sets.forget(store, row["name"]):
            erase(store, row["name"] + "/", os.path.dirname(image(row["name"] + "/")))
    free(store, place.HOST)
    erase(store, place.HOST, os.path.dirname(image("")))
    store.db.execute("DELETE FROM svm_host WHERE host=?", (place.HOST,))


def free(store, owner):
    """Take the devices of all volumes of one home away, whoever has them open."""
    for row in model.volumes(store, owner=owner):
        if row["loop"] is not None:
            pool.free(row["loop"])
        model.unbind(store, row)


def erase(store, owner, images):
    """Remove all images and records of one home."""
    shutil.rmtree(images, ignore_errors=True)
    for table in ("svm_volume", "svm_mirror", "svm_submirror", "svm_component", "svm_resync", "svm_soft", "svm_replica"):
        store.db.execute("DELETE FROM %s WHERE host=?" % table, (owner,))
