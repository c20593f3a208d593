# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Instant snapshots: made, refreshed and restored. They can be read at once; a full-sized one is filled afterwards.

Here the data are complete at once, by a reflink copy. Only the time that a synchronisation takes is simulated.
"""
import time

from simulator.vxvm import breakoff, cli, device, model, records, task, units, vxcache
from simulator.vxvm.model import Refusal


def make(store, group, tuples):
    """Make the snapshots of some tuples ({"source": ..., "newvol": ...}) at one instant.

    A region size that does not match that of the cache: nothing is made, and nothing is said.
    """
    planned = []
    for one in tuples:
        row = model.volume(store, group["id"], one["source"])
        name = one.get("newvol", one.get("new"))
        if "snapvol" in one:
            planned.append(full(store, group, row, one))
        elif name is None:
            raise cli.Usage("newvol= or snapvol= is needed")
        elif "cache" in one or "cachesize" in one:
            cache = cache_for(store, group, row, name, one)
            if cache["region"] != row["region"]:
                return
            planned.append(optimised(store, group, row, name, cache))
        else:
            plexes = chosen_plexes(store, row, one)
            new = breakoff.new_volume(store, group, row, name, "mirbrk")
            planned.append((row, new, lambda row=row, new=new, plexes=plexes: breakoff.separate(store, group, row, new, plexes)))
    device.cut(store, [(row, new["id"]) for row, new, _end in planned])
    for _row, _new, end in planned:
        end()


def chosen_plexes(store, row, one):
    """Plexes a break-off takes: named ones (also regular mirrors, but never the last), or N that are ready."""
    if "plex" not in one:
        return breakoff.mirrors_for(store, row, one)
    names = one["plex"].split(",")
    plexes = [plex for plex in model.plexes(store, row["id"], model.ACTIVE, model.SNAPDONE) if plex["name"] in names]
    left = [plex for plex in model.plexes(store, row["id"], model.ACTIVE) if plex["name"] not in names]
    if len(plexes) < len(names) or not left:
        raise Refusal("Plexes %s of volume %s cannot be broken off" % (one["plex"], row["name"]), 20)
    return plexes


def full(store, group, row, one):
    """A full-sized snapshot in a volume that was made for it: (volume, snapshot, what follows the cut)."""
    new = model.volume(store, group["id"], one["snapvol"])
    device.must_be_closed(store, new)
    if not new["instant"] or new["length"] != row["length"] or new["region"] != row["region"]:
        raise Refusal("Volume %s cannot hold a snapshot of volume %s" % (new["name"], row["name"]), 20)
    device.unbind(store, new)
    model.update(store, "volume", new["id"], origin=row["id"], tracked=1, snaptype="fullinst", snapdate=int(time.time()))

    def end():
        device.bind(store, model.get(store, "volume", new["id"]))
        records.link(store, row, new)
        if one.get("syncing", "yes") in ("yes", "on"):
            synchronise(store, group, new)
    return row, new, end


def synchronise(store, group, row, indices=None, goal=None):
    """Start a task of type SNAPSYNC: nothing is copied, but it takes its time."""
    return task.start(store, "SNAPSYNC", "SNAPSYNC %s %s" % (row["name"], group["name"]), row, None, indices, goal)


def cache_for(store, group, row, name, one):
    """The started cache a tuple names, or a new one of the size it names."""
    if "cache" in one:
        cache = vxcache.find(store, group, one["cache"])
        if cache["kstate"] != model.ENABLED:
            raise Refusal("Cache %s is not started" % cache["name"], 26)
        return cache
    length = -(-units.sectors(one["cachesize"]) // group["align"]) * group["align"]
    volume = records.make_complete(store, group, model.companion(store, group["id"], name, "_cachevol"), length,
                                   int(one.get("ncachemirror", 1)), [])
    return vxcache.create(store, group, model.companion(store, group["id"], name, "_cache"), volume, row["region"],
                          one.get("autogrow") in ("yes", "on"), model.ENABLED)


def optimised(store, group, row, name, cache):
    """A space-optimised snapshot: (volume, snapshot, what follows the cut)."""
    new = breakoff.new_volume(store, group, row, name, "spaceopt", cache=cache["id"])
    model.insert(store, "plex", dg=group["id"], name=model.part_name(store, group["id"], name, "-P%02d"), volume=new["id"],
                 kstate=model.ENABLED, state=model.ACTIVE, mode="RW", length=row["length"], cache=cache["id"])

    def end():
        above = model.dco(store, row["id"])
        disks = sorted(model.get(store, "disk", part["disk"])["media"] for plex in model.plexes(store, above["log"])
                       for part in model.subdisks(store, plex["id"]))
        records.make_dco(store, group, new, 20, 1, disks)
        device.start(store, model.get(store, "volume", new["id"]))
        records.link(store, row, new)
    return row, new, end


def refresh(store, chosen):
    """Cut again: CHOSEN of (snapshot, source, attributes), at one instant."""
    for snap, _source, _attributes in chosen:
        device.unbind(store, snap)
    device.cut(store, [(source, snap["id"]) for snap, source, _attributes in chosen])
    for snap, source, attributes in chosen:
        model.update(store, "volume", snap["id"], origin=source["id"], tracked=1, snapdate=int(time.time()), state=model.ACTIVE)
        for plex in model.plexes(store, snap["id"], model.INVALID):
            model.update(store, "plex", plex["id"], state=model.ACTIVE)
        device.start(store, model.get(store, "volume", snap["id"]))
        if snap["cache"] is None and attributes.get("syncing", "yes") in ("yes", "on"):
            synchronise(store, store.row("SELECT * FROM vxvm_group WHERE id=?", snap["dg"]), snap)


def restore(store, group, row, snap, destroy):
    """The original holds the data of a snapshot at once; the copy behind it, whose task is returned, takes its time."""
    indices = device.changed(store, row, snap) if snap["tracked"] else None
    device.replace(store, row, device.image(snap["id"]))
    made = synchronise(store, group, row, indices, "RESTORE")
    if destroy:
        breakoff.give_back(store, group, snap, row, model.plexes(store, snap["id"]), False)
    return made
