# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of a simulated GDS host: set up from a topology, reboot, show, tear down.

The topology of a domain with two nodes, and of a backup server that sees the same disks:

    gds:
      domain: primary
      resync_speed: 200 MiB           # bytes per second of a copy, or stall
      columns: new                    # old: without the columns that no public page shows
      disks: {c1t1d1: lun1, c2t1d1: lun2}
      sizes: {lun1: 128 MiB, lun2: 128 MiB}
      classes:
        Class1:
          scope: [node1, node2]
          groups:
            Group1: {disks: {Disk1: c1t1d1, Disk2: c2t1d1}, volumes: {Volume1: {size: 64 MiB, pslice: true}}}
    # and of the backup server
    gds: {domain: backup, disks: {c3t9d1: lun1, c3t9d2: lun2}, sizes: {lun1: 128 MiB, lun2: 128 MiB}}

Both in one topology: hosts: {node1: {...}, backup1: {...}} below gds, each with what differs from the other keys there.
"""
import os
import shutil

from simulator.core import loops, place, pool, units
from simulator.gds import copying, disk, model, volume

SWITCHES = ("resync_speed", "columns", "opc")
TABLES = ("gds_class", "gds_disk", "gds_group", "gds_volume", "gds_slice", "gds_copy", "gds_device", "gds_started")


class Quiet:
    """Takes the messages of commands that a topology carries out."""

    def __init__(self, store):
        self.store = store

    def say(self, _severity, _text):
        """Nobody listens."""


def apply(store, spec):
    """Create what the topology's `gds` part describes; what exists only gets its devices again."""
    if spec is None:
        return
    spec = dict(spec, **(spec.get("hosts") or {}).get(place.HOST, {}))
    with store.transaction():
        if store.row("SELECT 1 FROM gds_host WHERE host=?", place.HOST) is None:
            create(store, spec)
        for key in model.classes(store):
            bind(store, key)
        model.refresh(store)


def create(store, spec):
    """Enter the host, its disks, and the classes of its domain that are not there yet."""
    domain = spec.get("domain", place.HOST)
    store.db.execute("INSERT INTO gds_host VALUES (?,?,?,?,?)", (
        place.HOST, domain, spec.get("columns", "new"), units.speed(spec.get("resync_speed", "200 MiB")), int(spec.get("opc", False))))
    for lun, size in (spec.get("sizes") or {}).items():
        store.db.execute("INSERT OR IGNORE INTO gds_lun VALUES (?,?,0)", (lun, units.size(size) // model.BLOCK))
    for device, lun in (spec.get("disks") or {}).items():
        store.db.execute("INSERT INTO gds_path VALUES (?,?,?)", (place.HOST, str(device), lun))
    for name, wanted in (spec.get("classes") or {}).items():
        if store.row("SELECT 1 FROM gds_class WHERE domain=? AND name=?", domain, name) is None:
            make_class(store, domain, name, wanted)


def make_class(store, domain, name, wanted):
    """One class with its groups and volumes, all started."""
    scope = wanted.get("scope") or [place.HOST]
    key = disk.make_class(store, domain, name, "shared" if len(scope) > 1 else "local", ":".join(scope))
    for grp, parts in (wanted.get("groups") or {}).items():
        for disk_name, device in parts["disks"].items():
            disk.add(store, key, disk_name, disk.lun_of(store, device))
            disk.connect(store, key, disk_name, grp, {"type": parts.get("type", "mirror")})
        for volume_name, given in (parts.get("volumes") or {}).items():
            row = volume.make(store, key, grp, volume_name, units.size(given["size"]) // model.BLOCK,
                              pslice="on" if given.get("pslice") else "off")
            if given.get("started", True):
                volume.start(Quiet(store), key, row, scope)


def bind(store, key):
    """Give devices their loops again, in a container that is new."""
    for row in store.rows("SELECT * FROM gds_device WHERE domain=? AND class=?", key["domain"], key["name"]):
        if loops.bound(row["loop"]):
            continue
        disk_name, dot, name = row["name"].partition(".")
        found = model.volume(store, key, name if dot else row["name"])
        part = model.slice_on(store, key, name, disk_name) if dot else found
        path = model.slice_image(store, key, part) if dot else model.image(store, key, found)
        model.show(store, key, row["name"], path, found["blocks"] * model.BLOCK, part["mode"] == "ro")


def down(store):
    """Go down: this host's volumes stop. Maps of changes are kept in memory by every node of a class, so all are lost."""
    with store.transaction():
        if store.row("SELECT 1 FROM gds_host WHERE host=?", place.HOST) is None:
            return
        copying.advance(store)
        for key in model.classes(store):
            store.db.execute("DELETE FROM gds_started WHERE domain=? AND class=? AND host=?", (key["domain"], key["name"], place.HOST))
            for table in ("gds_volume", "gds_slice"):
                store.db.execute("UPDATE %s SET forgotten=1 WHERE domain=? AND class=?" % table, (key["domain"], key["name"]))
            for row in model.volumes(store, key):
                if not model.started(store, key, row["name"]):
                    model.hide(store, key, row["name"])
            if key["shadow"]:
                forget(store, key)


def forget(store, key):
    """A shadow class is only in memory; its special files stay behind."""
    for table in TABLES:
        column = "name" if table == "gds_class" else "class"
        store.db.execute("DELETE FROM %s WHERE domain=? AND %s=?" % (table, column), (key["domain"], key["name"]))


def up(store, _options):
    """Come up: every volume that is neither locked nor joined is started, and so is a detached slice that was stopped."""
    with store.transaction():
        if store.row("SELECT 1 FROM gds_host WHERE host=?", place.HOST) is None:
            return
        from simulator.gds import slices
        for key in model.classes(store):
            for row in model.volumes(store, key):
                if not row["locked"] and row["relation"] != model.JOIN:
                    volume.start(Quiet(store), key, row, [place.HOST])
                for part in model.slices(store, key, row["name"]):
                    if part["state"] == model.TEMP_STOP and part["host"] == place.HOST:
                        slices.start(store, key, part)
        model.refresh(store)


def switch(store, name, value):
    """Change one switch of the host (see SWITCHES)."""
    copying.advance(store)
    value = units.speed(value) if name == "resync_speed" else int(value) if name == "opc" else value
    name = {"resync_speed": "speed"}.get(name, name)
    store.db.execute("UPDATE gds_host SET %s=? WHERE host=?" % name, (value, place.HOST))


def show(store):
    """The state of this host's domain as plain data."""
    if store.row("SELECT 1 FROM gds_host WHERE host=?", place.HOST) is None:
        return None
    copying.advance(store)
    result = {"host": dict(model.host(store)), "classes": {}, "copies": copying.bytes_copied(store)}
    for key in model.classes(store):
        result["classes"][key["name"]] = {
            "scope": key["scope"], "shadow": bool(key["shadow"]),
            "volumes": {row["name"]: dict(row, image=model.image(store, key, row), started=model.started(store, key, row["name"]),
                                          slices=[dict(part, image=model.slice_image(store, key, part))
                                                  for part in model.slices(store, key, row["name"])])
                        for row in model.volumes(store, key)}}
    return result


def reset(store):
    """Forget this host; its domain goes with the last one."""
    here = store.row("SELECT * FROM gds_host WHERE host=?", place.HOST)
    if here is None:
        return
    store.db.execute("DELETE FROM gds_path WHERE host=?", (place.HOST,))
    store.db.execute("DELETE FROM gds_host WHERE host=?", (place.HOST,))
    shutil.rmtree(os.path.join(place.DEV, "sfdsk"), ignore_errors=True)
    if store.row("SELECT 1 FROM gds_host WHERE domain=?", here["domain"]) is not None:
        return
    for row in store.rows("SELECT * FROM gds_device WHERE domain=?", here["domain"]):
        pool.free(row["loop"])
        loops.release(store, row["loop"])
    for table in TABLES:
        store.db.execute("DELETE FROM %s WHERE domain=?" % table, (here["domain"],))
    shutil.rmtree(os.path.join(place.SAN, "volumes", "gds", here["domain"]), ignore_errors=True)
    if store.row("SELECT 1 FROM gds_host") is None:
        store.db.execute("DELETE FROM gds_lun")
