# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Classes, disks, groups, volumes and slices: lookups, the data each shows, device nodes.

Configuration belongs to a domain, a set of hosts that manage the same classes; disks belong to nobody and are seen by several
hosts under names of their own. What a device shows: a volume its own image, which all its valid slices share. A slice that
is detached, being copied to or invalid has an image of its own. A joined proxy that is in step shows its master's image.
A shadow volume shows the image of the slice that lies on the same disks at the same place, and an empty one where none does.
"""
import os

from simulator.core import blocks, loops, place

BLOCK = 512
PRIVATE_BLOCKS = 65536
VALID, INVALID, COPY, TEMP, TEMP_STOP = "VALID", "INVALID", "COPY", "TEMP", "TEMP-STOP"
DETACHED = (TEMP, TEMP_STOP)
JOIN, PART = "Join", "Part"
SHADOW_TYPE = "local"


class Refusal(Exception):
    """What a command says no with."""


def host(store):
    """The host's row; Refusal where GDS was never set up."""
    row = store.row("SELECT * FROM gds_host WHERE host=?", place.HOST)
    if row is None:
        raise Refusal("connection refused by sxservd daemon")
    return row


def classes(store):
    """The classes of this host's domain that this host sees."""
    here = host(store)
    return [row for row in store.rows("SELECT * FROM gds_class WHERE domain=? ORDER BY random()", here["domain"])
            if place.HOST in row["scope"].split(":")]


def class_named(store, name, shadow=None):
    """The class NAME; shadow: True or False to insist on one kind."""
    for row in classes(store):
        if row["name"] == name and shadow in (None, bool(row["shadow"])):
            return row
    raise Refusal("%s: no such class" % name)


def _one(store, table, key, name):
    return store.row("SELECT * FROM %s WHERE domain=? AND class=? AND name=?" % table, key["domain"], key["name"], name)


def _all(store, table, key):
    return store.rows("SELECT * FROM %s WHERE domain=? AND class=?" % table, key["domain"], key["name"])


def disk(store, key, name):
    """The disk NAME of class KEY."""
    row = _one(store, "gds_disk", key, name)
    if row is None:
        raise Refusal("%s: no such disk" % name)
    return row


def disks(store, key):
    """All disks of a class."""
    return _all(store, "gds_disk", key)


def group(store, key, name):
    """The group NAME of class KEY."""
    row = _one(store, "gds_group", key, name)
    if row is None:
        raise Refusal("%s: no such group" % name)
    return row


def groups(store, key):
    """All groups of a class."""
    return _all(store, "gds_group", key)


def members(store, key, name):
    """Names of the disks and lower groups of a group, in the order of connection."""
    rows = [(row["place"], row["name"]) for row in disks(store, key) if row["grp"] == name]
    rows += [(row["place"], row["name"]) for row in groups(store, key) if row["parent"] == name]
    return [item[1] for item in sorted(rows)]


def luns(store, key, name):
    """What the disk or lower group NAME consists of: (type, width, lun, lun, ...)."""
    found = _one(store, "gds_disk", key, name)
    if found is not None:
        return ("disk", 0, found["lun"])
    lower = group(store, key, name)
    parts = [luns(store, key, member)[2:] for member in members(store, key, name)]
    return (lower["type"], lower["width"]) + tuple(lun for part in parts for lun in part)


def volume(store, key, name):
    """The volume NAME of class KEY."""
    row = _one(store, "gds_volume", key, name)
    if row is None:
        raise Refusal("%s: no such volume" % name)
    return row


def volumes(store, key):
    """All volumes of a class by their place."""
    return sorted(_all(store, "gds_volume", key), key=lambda row: (row["grp"], row["first"]))


def slices(store, key, name):
    """The slices of a volume in the order of its group."""
    return store.rows("SELECT * FROM gds_slice WHERE domain=? AND class=? AND volume=? ORDER BY place", key["domain"], key["name"], name)


def slice_on(store, key, name, disk_name):
    """One slice of a volume."""
    for row in slices(store, key, name):
        if row["disk"] == disk_name:
            return row
    raise Refusal("%s.%s: no such slice" % (disk_name, name))


def proxies(store, key, name):
    """The volumes that are proxies of volume NAME."""
    return [row for row in volumes(store, key) if row["master"] == name]


def set_slice(store, key, name, disk_name, state, **more):
    """Give a slice its state, and other columns."""
    columns = dict(more, state=state)
    store.db.execute("UPDATE gds_slice SET %s WHERE domain=? AND class=? AND volume=? AND disk=?" % ", ".join(
        "%s=?" % column for column in columns), tuple(columns.values()) + (key["domain"], key["name"], name, disk_name))


def set_volume(store, key, name, **columns):
    """Change columns of a volume."""
    store.db.execute("UPDATE gds_volume SET %s WHERE domain=? AND class=? AND name=?" % ", ".join(
        "%s=?" % column for column in columns), tuple(columns.values()) + (key["domain"], key["name"], name))


def started(store, key, name):
    """Hosts on which a volume is started."""
    return [row["host"] for row in store.rows("SELECT host FROM gds_started WHERE domain=? AND class=? AND volume=?",
                                              key["domain"], key["name"], name)]


def own_image(key, name):
    """The file of a volume's data (Volume1) or of a slice's (Disk1.Volume1)."""
    return os.path.join(place.SAN, "volumes", "gds", key["domain"], key["name"], name + ".img")


def image(store, key, row):
    """The file that holds what a volume shows."""
    if key["shadow"]:
        return shadowed(store, key, row) or own_image(key, row["name"])
    if row["relation"] == JOIN and not row["copying"]:
        return own_image(key, row["master"])
    return own_image(key, row["name"])


def slice_image(store, key, row):
    """The file that holds what a slice shows."""
    if row["state"] == VALID:
        return image(store, key, volume(store, key, row["volume"]))
    return own_image(key, "%s.%s" % (row["disk"], row["volume"]))


def shadowed(store, key, row):
    """The file a shadow volume lies on: of the slice of another domain on the same disks at the same place. Or None."""
    first = luns(store, key, members(store, key, row["grp"])[0])
    for other in store.rows("SELECT * FROM gds_class WHERE shadow=0"):
        for candidate in volumes(store, other):
            if (candidate["first"], candidate["blocks"]) != (row["first"], row["blocks"]):
                continue
            for part in slices(store, other, candidate["name"]):
                if luns(store, other, part["disk"]) == first:
                    return slice_image(store, other, part)
    return None


def node_row(store, key, name):
    """The device of a volume or detached slice, or None."""
    return _one(store, "gds_device", key, name)


def show(store, key, name, path, size, read_only):
    """Give the device NAME the file PATH; nodes for it appear on this host with refresh()."""
    blocks.make(path, size)
    hide(store, key, name)
    number = loops.allocate(store, name, owner="domain " + key["domain"])
    loops.attach(number, path, read_only)
    store.db.execute("INSERT INTO gds_device VALUES (?,?,?,?)", (key["domain"], key["name"], name, number))


def hide(store, key, name):
    """Take the device NAME away."""
    row = node_row(store, key, name)
    if row is None:
        return
    loops.flush(row["loop"])
    if loops.detach(row["loop"]):
        loops.release(store, row["loop"])
    else:
        loops.abandon(store, row["loop"])
    store.db.execute("DELETE FROM gds_device WHERE domain=? AND class=? AND name=?", (key["domain"], key["name"], name))


def flush(store, key, name):
    """Write out what the kernel holds for the device NAME, if there is one."""
    row = node_row(store, key, name)
    if row is not None:
        loops.flush(row["loop"])


def in_use(store, key, name):
    """True if the device NAME is mounted or held open exclusively on any host."""
    row = node_row(store, key, name)
    if row is None:
        return False
    try:
        os.close(os.open(loops.node(row["loop"]), os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError:
        return True
    return False


def refresh(store):
    """Make this host's nodes what they must be. Those of a shadow class that a reboot has lost stay, as on a real host."""
    for key in classes(store):
        wanted = {row["volume"]: row["volume"] for row in store.rows(
            "SELECT volume FROM gds_started WHERE domain=? AND class=? AND host=?", key["domain"], key["name"], place.HOST)}
        for row in store.rows("SELECT * FROM gds_slice WHERE domain=? AND class=? AND state=? AND host=?",
                              key["domain"], key["name"], TEMP, place.HOST):
            wanted["%s.%s" % (row["disk"], row["volume"])] = row["volume"]
        for kind in ("dsk", "rdsk"):
            directory = os.path.join(place.DEV, "sfdsk", key["name"], kind)
            os.makedirs(directory, exist_ok=True)
            for name in os.listdir(directory):
                if name not in wanted:
                    os.unlink(os.path.join(directory, name))
            for name in wanted:
                device = node_row(store, key, name)
                loops.make_node(os.path.join(directory, name), loops.device(device["loop"]))
