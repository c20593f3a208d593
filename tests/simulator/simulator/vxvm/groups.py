# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups as a whole: leaving a host, coming to one, and moving objects from one to another."""
import time

from simulator.core import place
from simulator.vxvm import device, model, space, task
from simulator.vxvm.model import Refusal

OLDEST_VERSION = 90  # that can be split and joined


def visible(store):
    """All groups on disks that this host sees."""
    return store.rows("SELECT * FROM vxvm_group WHERE scope IN ('*', ?) ORDER BY name", place.HOST)


def create(store, name, version, align, scope, minor):
    """Make an empty group that is imported here."""
    number = (store.row("SELECT max(rowid) AS last FROM vxvm_group")["last"] or 0) + 10
    dgid = "%d.%d.%s" % (time.time(), number, place.HOST)
    store.db.execute("INSERT INTO vxvm_group (id, name, label, version, align, scope, imported, claim, minor)"
                     " VALUES (?,?,?,?,?,?,?,?,?)", (dgid, name, name, version, align, scope, place.HOST, place.HOST, minor))
    return model.find_group(store, dgid)


def leave(store, group, claim=None):
    """The group is imported here no longer; CLAIM: the host that may import it (None: any). A temporary name is dropped."""
    for row in model.volumes(store, group["id"]):
        disable(store, row)
        device.remove_nodes(store, row)
    store.db.execute("UPDATE vxvm_group SET imported=NULL, temporary=0, name=label, claim=? WHERE id=?", (claim, group["id"]))


def disable(store, row):
    """A volume that is moved or whose group goes is stopped; its state stays."""
    device.unbind(store, row)
    model.update(store, "volume", row["id"], kstate=model.DISABLED)
    for plex in model.plexes(store, row["id"]):
        model.update(store, "plex", plex["id"], kstate=model.DISABLED)


def come(store, group, name, temporary):
    """Import a group here under a name; its volumes are stopped."""
    for row in model.volumes(store, group["id"]):
        disable(store, row)  # also where another host had it and lost it
    label = group["label"] if temporary else name
    store.db.execute("UPDATE vxvm_group SET imported=?, claim=?, temporary=?, name=?, label=? WHERE id=?",
                     (place.HOST, place.HOST, int(temporary), name, label, group["id"]))
    for row in model.volumes(store, group["id"], "data", "cache"):
        device.make_nodes(store, model.get(store, "volume", row["id"]))


def owner(store, row):
    """The volume a log volume belongs to; any other volume itself."""
    dco = store.row("SELECT * FROM vxvm_dco WHERE log=?", row["id"])
    return model.get(store, "volume", dco["volume"]) if dco else row


def disks_of(store, row):
    """Ids of the disks of a volume and its log volume."""
    log = model.dco(store, row["id"])
    return space.used_by(store, row["id"]) | (space.used_by(store, log["log"]) if log else set())


def cached_with(store, row):
    """Ids of the volumes a volume shares a cache with."""
    if row["cache"] is not None:
        cache = model.get(store, "cache", row["cache"])
    else:
        cache = store.row("SELECT * FROM vxvm_cache WHERE volume=?", row["id"])
    if cache is None:
        return set()
    return {cache["volume"]} | {user["id"] for user in store.rows("SELECT id FROM vxvm_volume WHERE cache=?", cache["id"])}


def closure(store, group, volumes, disks):
    """(volume ids, disk ids) that hang together with these through disks and caches."""
    volumes, disks = set(volumes), set(disks)
    while True:
        before = len(volumes), len(disks)
        for row in [model.get(store, "volume", one) for one in volumes]:
            disks |= disks_of(store, row)
            volumes |= cached_with(store, row)
        for row in model.volumes(store, group["id"]):
            if space.used_by(store, row["id"]) & disks:
                volumes.add(owner(store, row)["id"])
        if before == (len(volumes), len(disks)):
            return volumes, disks


def named(store, group, names):
    """(volume ids, disk ids) of operands, which are names of volumes or disks."""
    volumes, disks = set(), set()
    for name in names:
        disk = store.row("SELECT id FROM vxvm_disk WHERE dg=? AND media=?", group["id"], name)
        if disk is not None:
            disks.add(disk["id"])
        else:
            volumes.add(owner(store, model.volume(store, group["id"], name))["id"])
    return volumes, disks


def selection(store, group, names, expand):
    """What a split or move takes along; Refusal if more would have to go than was named, unless EXPAND."""
    given, given_disks = named(store, group, names)
    volumes, disks = closure(store, group, given, given_disks)
    allowed = given_disks.union(*[disks_of(store, model.get(store, "volume", one)) for one in given] or [set()])
    strange = [row["name"] for row in (model.get(store, "volume", one) for one in volumes)
               if row["id"] not in given and not disks_of(store, row) <= given_disks]
    if not expand and (strange or disks - allowed):
        raise Refusal("Disk group %s: objects are not self-contained: %s" % (group["name"], " ".join(sorted(strange))), 20)
    return volumes, disks


def check_movable(store, group, volumes):
    """Refuse what cannot be moved: open volumes, volumes being copied, old groups."""
    if group["version"] < OLDEST_VERSION:
        raise Refusal("Disk group %s: version %d does not support the operation" % (group["name"], group["version"]), 20)
    for one in volumes:
        row = model.get(store, "volume", one)
        if device.is_open(store, row):
            raise Refusal("Disk group %s: Volume %s is open or mounted" % (group["name"], row["name"]), 31)
        if task.live(store, volume=one):
            raise Refusal("Disk group %s: Volume %s is being resynchronized" % (group["name"], row["name"]), 13)


def with_logs(store, volumes):
    """The volumes of these ids, by name, and after them the log volumes of their DCOs."""
    rows = sorted((model.get(store, "volume", one) for one in volumes), key=lambda row: row["name"])
    return rows + [model.get(store, "volume", model.dco(store, row["id"])["log"]) for row in rows if model.dco(store, row["id"])]


def move(store, source, target, volumes, disks):
    """Move volumes with all that belongs to them, and disks, to another group here: the volumes are stopped."""
    check_movable(store, source, volumes)
    check_movable(store, target, [])
    rows = with_logs(store, volumes)
    check_names(store, target, rows, disks)
    for row in rows:
        disable(store, row)
        device.remove_nodes(store, row)
        take_along(store, target["id"], row)
    for disk in disks:
        model.update(store, "disk", disk, dg=target["id"])
    store.db.execute("UPDATE vxvm_plex SET dg=? WHERE volume IS NULL AND id IN (SELECT plex FROM vxvm_subdisk WHERE disk IN (%s))"
                     % ",".join(str(disk) for disk in disks), (target["id"],))
    for row in rows:
        if row["kind"] != "dcl":
            device.make_nodes(store, model.get(store, "volume", row["id"]))


def check_names(store, target, rows, disks):
    """Refuse names that the target group has already."""
    names = [row["name"] for row in rows] + [model.get(store, "disk", disk)["media"] for disk in disks]
    for name in names:
        if model.taken(store, target["id"], name):
            raise Refusal("Disk group %s: Record %s already exists" % (target["name"], name), 12)


def take_along(store, dg, row):
    """A volume and its records get another group. A map of changes that is in memory only is lost."""
    model.update(store, "volume", row["id"], dg=dg, tracked=row["tracked"] if model.dco(store, row["id"]) else 0)
    for table, column in (("plex", "volume"), ("dco", "volume"), ("link", "volume"), ("cache", "volume"), ("task", "volume")):
        store.db.execute("UPDATE vxvm_%s SET dg=? WHERE %s=?" % (table, column), (dg, row["id"]))
    store.db.execute("UPDATE vxvm_subdisk SET dg=? WHERE plex IN (SELECT id FROM vxvm_plex WHERE volume=?)", (dg, row["id"]))
