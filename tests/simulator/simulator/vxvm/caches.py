# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Caches: where space-optimised snapshots keep what their originals have changed, and what happens when one is full."""
from simulator.core import place
from simulator.vxvm import device, model, space


def used(store, cache):
    """Sectors of a cache that its snapshots use."""
    total = 0
    for snap in store.rows("SELECT * FROM vxvm_volume WHERE cache=? AND state<>?", cache["id"], model.INVALID):
        origin = model.get(store, "volume", snap["origin"]) if snap["origin"] else None
        if origin is not None:
            total += len(device.changed(store, origin, snap)) * snap["region"]
    return total


def grow(store, cache, length):
    """Make a cache volume at least so long if its group has room; True if it did."""
    row = model.get(store, "volume", cache["volume"])
    group = store.row("SELECT * FROM vxvm_group WHERE id=?", row["dg"])
    more = -(-(length - row["length"]) // group["align"]) * group["align"]
    for plex in model.plexes(store, row["id"]):
        extents = space.allocate(store, group, more)
        if extents is None:
            return False
        for disk, start, size in extents:
            media = model.get(store, "disk", disk)["media"]
            model.insert(store, "subdisk", dg=row["dg"], name=model.part_name(store, row["dg"], media), plex=plex["id"],
                         disk=disk, start=start, length=size, place=len(model.subdisks(store, plex["id"])))
        model.update(store, "plex", plex["id"], length=row["length"] + more)
    model.update(store, "volume", row["id"], length=row["length"] + more)
    return True


def check(store):
    """A cache that is full grows, if it may and can; else its oldest snapshots become invalid. Call inside a transaction."""
    for cache in store.rows("SELECT c.* FROM vxvm_cache c JOIN vxvm_group g ON c.dg=g.id WHERE g.imported=?", place.HOST):
        while True:
            length = used(store, cache)
            if length <= model.get(store, "volume", cache["volume"])["length"]:
                break
            if not (cache["autogrow"] and grow(store, cache, length)):
                invalidate(store, cache)


def invalidate(store, cache):
    """The oldest snapshot on a cache can no longer be read."""
    row = store.row("SELECT * FROM vxvm_volume WHERE cache=? AND state<>? ORDER BY id", cache["id"], model.INVALID)
    device.stop(store, row, model.INVALID)
