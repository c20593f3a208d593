# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of a simulated VxVM host: set up from a topology, reboot, show, tear down."""
import os
import time

from simulator.core import loops, place, pool, units
from simulator.vxvm import device, groups, model, records, task, vxvol
from simulator.vxvm.units import SECTOR

SWITCHES = model.SWITCHES
SHARED = "*"  # scope of what all hosts of the lab see
ALIGN, VERSION, DISK_SIZE, FIRST_MINOR = 16, 160, "4 GiB", 55000


def apply(store, spec):
    """Create what the topology's `vxvm` part describes; what exists is only given its devices again."""
    if spec is None:
        return
    with store.transaction():
        if store.row("SELECT 1 FROM vxvm_switch WHERE host=?", place.HOST) is None:
            for name, value in SWITCHES.items():
                store.db.execute("INSERT INTO vxvm_switch VALUES (?,?,?)", (place.HOST, name, str(spec.get(name, value))))
            for access in spec.get("disks") or ():
                make_disk(store, access, None, None, spec.get("disk_size", DISK_SIZE), place.HOST)
            for name, part in (spec.get("disk_groups") or {}).items():
                make_group(store, name, part)
        for group in model.groups(store):
            for row in model.volumes(store, group["id"], "data", "cache"):
                if row["kstate"] == model.ENABLED:
                    device.bind(store, row)
                else:
                    device.make_nodes(store, row)


def make_disk(store, access, media, dg, size, scope):
    """Enter a disk."""
    model.insert(store, "disk", scope=scope, access=access, media=media, dg=dg, length=units.size(size) // SECTOR)


def make_group(store, name, spec):
    """Enter a group with its disks and volumes. One that names its host is on shared disks, else every host has its own."""
    if spec.get("host", place.HOST) != place.HOST:
        return
    scope = SHARED if "host" in spec else place.HOST
    group = groups.create(store, name, spec.get("version", VERSION), spec.get("align", ALIGN), scope, FIRST_MINOR)
    for media, access in spec["disks"].items():
        make_disk(store, access, media, group["id"], spec.get("disk_size", DISK_SIZE), scope)
    for volume, part in (spec.get("volumes") or {}).items():
        make_volume(store, group, volume, part)


def make_volume(store, group, name, spec):
    """Enter a volume: size, mirrors (1), disks, usetype, fastresync, dco (classic) or instant (prepared for vxsnap)."""
    row = records.make_complete(store, group, name, units.size(spec["size"]) // SECTOR, spec.get("mirrors", 1),
                                spec.get("disks") or [], usetype=spec.get("usetype", "fsgen"),
                                fastresync=int(spec.get("fastresync", False)))
    if spec.get("dco") or spec.get("instant"):
        records.make_dco(store, group, row, 20 if spec.get("instant") else 0, spec.get("mirrors", 1))
        model.update(store, "volume", row["id"], instant=int(spec.get("instant", False)))


def down(store):
    """Go down: copies come as far as they would have come, devices are gone."""
    with store.transaction():
        task.advance(store)
        for group in model.groups(store):
            for row in model.volumes(store, group["id"]):
                device.unbind(store, row)
                model.update(store, "volume", row["id"], kstate=model.DISABLED)


def up(store, _options):
    """Come up: groups that were imported for good are imported again, their volumes started.

    What was kept in memory only is lost: maps of volumes without a DCO, attaches that had not ended. A copy from a snapshot
    to its original goes on.
    """
    with store.transaction():
        for group in model.groups(store):
            interrupt(store, group)
            if group["temporary"]:
                groups.leave(store, group, group["claim"])
                continue
            for row in model.volumes(store, group["id"], "data", "cache"):
                if row["state"] not in vxvol.UNSTARTABLE:
                    vxvol.start_one(store, row)
                else:
                    device.make_nodes(store, row)


def interrupt(store, group):
    """What a boot does to the copies and maps of a group."""
    for row in task.live(store, dg=group["id"]):
        if row["source"] is None and row["type"] == "ATCOPY":
            task.close(store, row, task.ABORTED)
        else:
            model.update(store, "task", row["id"], at=time.monotonic())
    for row in model.volumes(store, group["id"], "data"):
        if model.dco(store, row["id"]) is None:
            model.update(store, "volume", row["id"], tracked=0)


def switch(store, name, value):
    """Change one switch of this host."""
    task.advance(store)
    if name == "resync_speed":
        units.speed(value)
    store.db.execute("UPDATE vxvm_switch SET value=? WHERE host=? AND name=?", (str(value), place.HOST, name))


def fail(store, disk):
    """Let a disk fail, by its media or access name; returns the names of the disks that did."""
    rows = [row for row in store.rows("SELECT * FROM vxvm_disk WHERE scope IN (?, ?)", place.HOST, SHARED)
            if disk in (row["media"], row["access"])]
    for row in rows:
        model.update(store, "disk", row["id"], failed=1)
    return [row["access"] for row in rows]


def show(store):
    """The groups imported here as plain data."""
    if store.row("SELECT 1 FROM vxvm_switch WHERE host=?", place.HOST) is None:
        return None
    task.advance(store)
    result = {"switches": {name: model.switch(store, name) for name in SWITCHES}, "groups": {}, "tasks": []}
    for group in model.groups(store):
        volumes = {row["name"]: dict(row, image=device.image(row["id"]),
                                     plexes=[dict(plex) for plex in model.plexes(store, row["id"])])
                   for row in model.volumes(store, group["id"])}
        result["groups"][group["name"]] = dict(group, volumes=volumes, disks=[dict(row) for row in model.disks(store, group["id"])])
        result["tasks"] += [dict(row, regions=len(row["regions"]) // 4)
                            for row in store.rows("SELECT * FROM vxvm_task WHERE dg=? ORDER BY id", group["id"])]
    return result


def reset(store):
    """Forget what this host has: its own groups, shared ones that no other host has imported, switches."""
    rows = store.rows("SELECT * FROM vxvm_group WHERE imported=? OR scope=? OR imported IS NULL", place.HOST, place.HOST)
    for group in rows:
        for row in model.volumes(store, group["id"]):
            if row["loop"] is not None:
                pool.free(row["loop"])
                loops.release(store, row["loop"])
            device.remove_nodes(store, row)
            for path in (device.image(row["id"]), device.image(row["id"]) + ".replica"):
                if os.path.exists(path):
                    os.unlink(path)
        for table in ("volume", "plex", "subdisk", "dco", "link", "cache", "task", "disk"):
            store.db.execute("DELETE FROM vxvm_%s WHERE dg=?" % table, (group["id"],))
        store.db.execute("DELETE FROM vxvm_group WHERE id=?", (group["id"],))
    store.db.execute("DELETE FROM vxvm_disk WHERE scope=?", (place.HOST,))
    store.db.execute("DELETE FROM vxvm_switch WHERE host=?", (place.HOST,))
