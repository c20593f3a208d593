# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes of one host: lookups, the data each submirror shows, device nodes.

What a volume's device shows: a mirror its own image, read-write. A submirror that holds the mirror's data shows the
mirror's image, read-only (every volume with a parent refuses writers). A submirror that does not (offline, attached but
not yet resynchronised) shows an image of its own, read-only. A volume without a parent shows its own image, read-write. A
soft partition shows its piece of the image of the volume below it, which itself is read-only then.
"""
import os
import time

from simulator.core import blocks, loops, place
from simulator.svm.names import Refusal, device, home, image, node, set_home

RUNNING, OFFLINE, OFFLINE_RESYNC = "RUNNING", "OFFLINE", "OFFLINE_RESYNC"
ATTACHED, ATTACHED_RESYNC = "ATTACHED", "ATTACHED_RESYNC"
COMP_ERRED, COMP_RESYNC = "COMP_ERRED", "COMP_RESYNC"
OWN_IMAGE = (OFFLINE, OFFLINE_RESYNC, ATTACHED, ATTACHED_RESYNC)
OKAY, MAINTENANCE, LAST_ERRED, RESYNCING = "Okay", "Maintenance", "Last Erred", "Resyncing"
MAX_SUBMIRRORS = 4
DEFAULT_INTERLACE = 16 * 1024


def settings(store):
    """The host's row of switches; Refusal if SVM was never set up here."""
    row = store.row("SELECT * FROM svm_host WHERE host=?", place.HOST)
    if row is None:
        raise Refusal("there are no existing databases")
    return row


def homes(store):
    """The homes (see names) this host answers for: its own, and those of the disk sets it owns."""
    rows = store.rows("SELECT name FROM svm_set WHERE owner=? ORDER BY number", place.HOST)
    return [place.HOST] + [set_home(row["name"]) for row in rows]


def volumes(store, kind=None, owner=place.HOST):
    """All volumes of a home in database order."""
    return [row for row in store.rows("SELECT * FROM svm_volume WHERE host=? ORDER BY place", owner)
            if kind is None or row["kind"] == kind]


def volume(store, name):
    """The volume NAME."""
    row = store.row("SELECT * FROM svm_volume WHERE host=? AND name=?", home(name), name)
    if row is None:
        raise Refusal("unit not set up", name)
    return row


def mirror(store, name):
    """The mirror NAME: its volume row must be of that kind."""
    if volume(store, name)["kind"] != "m":
        raise Refusal("unit is not a mirror", name)
    return store.row("SELECT * FROM svm_mirror WHERE host=? AND name=?", home(name), name)


def submirrors(store, mirror_name):
    """Submirrors of a mirror by slot."""
    return store.rows("SELECT * FROM svm_submirror WHERE host=? AND mirror=? ORDER BY slot", home(mirror_name), mirror_name)


def member(store, mirror_name, name):
    """One submirror of a mirror."""
    for row in submirrors(store, mirror_name):
        if row["name"] == name:
            return row
    raise Refusal("can't find submirror in mirror", mirror_name)


def new_volume(store, name, kind, size):
    """Enter a volume at the end of the database; Refusal if the name is taken."""
    if store.row("SELECT 1 FROM svm_volume WHERE host=? AND name=?", home(name), name):
        raise Refusal("unit already set up", name)
    last = store.row("SELECT coalesce(max(place), 0) AS place FROM svm_volume WHERE host=?", home(name))["place"]
    store.db.execute("INSERT INTO svm_volume (host, name, kind, place, bytes, interlace) VALUES (?,?,?,?,?,?)",
                     (home(name), name, kind, last + 1, size, DEFAULT_INTERLACE))


def parent(store, name):
    """Row of the submirror NAME, or None if it is in no mirror."""
    return store.row("SELECT * FROM svm_submirror WHERE host=? AND name=?", home(name), name)


def soft(store, name):
    """The extent of the soft partition NAME: base, start and blocks."""
    return store.row("SELECT * FROM svm_soft WHERE host=? AND name=?", home(name), name)


def soft_partitions(store, base):
    """The soft partitions on a volume, by their place on it."""
    return store.rows("SELECT * FROM svm_soft WHERE host=? AND base=? ORDER BY start", home(base), base)


def in_use(store, name):
    """True if something is built on a volume: a mirror or soft partitions."""
    return parent(store, name) is not None or bool(soft_partitions(store, name))


def components(store, stripe):
    """Components of a stripe in order; each has `line` (the row of the concatenation)."""
    return store.rows("SELECT * FROM svm_component WHERE host=? AND stripe=? ORDER BY line, place", home(stripe), stripe)


def resyncs(store, mirror_name):
    """The running resyncs of a mirror."""
    return store.rows("SELECT * FROM svm_resync WHERE host=? AND mirror=? AND status='active' ORDER BY id",
                      home(mirror_name), mirror_name)


def refuse_resync(store, mirror_name):
    """Refuse while a resync runs or an optimized resync is due."""
    if resyncs(store, mirror_name) or mirror(store, mirror_name)["pending"]:
        raise Refusal("resync in progress", mirror_name)


def readable_without(store, mirror_name, name):
    """True if every block of the mirror has a good source other than submirror NAME."""
    return any(row["name"] != name and row["state"] in (RUNNING, COMP_ERRED) and not row["target"]
               and all(part["state"] in (OKAY, LAST_ERRED) for part in components(store, row["name"]))
               for row in submirrors(store, mirror_name))


def set_state(store, name, state, target=0):
    """New state of a submirror, with its time."""
    store.db.execute("UPDATE svm_submirror SET state=?, target=?, changed=? WHERE host=? AND name=?",
                     (state, target, int(time.time()), home(name), name))


def set_component(store, stripe, state, name=None):
    """New state of the component NAME (of all components) of a stripe, with its time."""
    store.db.execute("UPDATE svm_component SET state=?, changed=? WHERE host=? AND stripe=? AND name=coalesce(?, name)",
                     (state, int(time.time()), home(stripe), stripe, name))


def make_nodes(row):
    """Device nodes of a volume: block and raw are the same block device here."""
    rdev = loops.device(row["loop"])
    for kind in ("dsk", "rdsk"):
        loops.make_node(node(row["name"], kind), rdev)


def remove_nodes(name):
    """Remove the device nodes of a volume."""
    for kind in ("dsk", "rdsk"):
        path = node(name, kind)
        if os.path.lexists(path):
            os.unlink(path)


def view(store, row):
    """(image file, read-only) that the device of a volume must show; of a soft partition, the image it is a piece of."""
    if row["kind"] == "p":
        return image(soft(store, row["name"])["base"]), False
    above = parent(store, row["name"])
    if above is None:
        return image(row["name"]), bool(soft_partitions(store, row["name"]))
    if above["state"] in OWN_IMAGE:
        return image(row["name"]), True
    return image(above["mirror"]), True


def window(store, row):
    """(offset, bytes) of the image that the device shows; bytes is 0 for all of it."""
    if row["kind"] != "p":
        return 0, 0
    extent = soft(store, row["name"])
    return extent["start"] * 512, extent["blocks"] * 512


def bind(store, name):
    """Attach the loop of a volume from nothing (creation, boot, or when writers are let in or shut out)."""
    row = volume(store, name)
    path, read_only = view(store, row)
    number = row["loop"]
    if number is None or not loops.detach(number):  # still open somewhere: it goes away at the last close
        if number is not None:
            loops.abandon(store, number)
        number = loops.allocate(store, name)
        store.db.execute("UPDATE svm_volume SET loop=? WHERE host=? AND name=?", (number, home(name), name))
    if row["kind"] != "p":
        blocks.make(path, row["bytes"])
    offset, size = window(store, row)
    loops.attach(number, path, read_only, offset=offset, size=size)
    make_nodes(volume(store, name))


def unbind(store, row):
    """Take the device of a volume away; whoever reads it still keeps what it opened."""
    if row["loop"] is not None:
        if loops.detach(row["loop"]):
            loops.release(store, row["loop"])
        else:
            loops.abandon(store, row["loop"])
        store.db.execute("UPDATE svm_volume SET loop=NULL WHERE host=? AND name=?", (row["host"], row["name"]))
    remove_nodes(row["name"])


def show_other(store, name):
    """Let the read-only device of a submirror show the image its state asks for."""
    row = volume(store, name)
    path, _read_only = view(store, row)
    blocks.make(path, row["bytes"])
    try:
        loops.swap(row["loop"], path)
    except OSError:  # another size
        bind(store, name)
    if path != image(name) and os.path.exists(image(name)):
        os.unlink(image(name))


def flush(store, mirror_name):
    """Write what is cached for a mirror, and for the soft partitions on it, into its image."""
    for name in [mirror_name] + [row["name"] for row in soft_partitions(store, mirror_name)]:
        loops.flush(volume(store, name)["loop"])


def cut(store, mirror_name, name):
    """Freeze the present content of a mirror as the image of submirror NAME, at one instant."""
    flush(store, mirror_name)
    blocks.clone(image(mirror_name), image(name))


def has_writers(store, row):
    """True if a volume's device is mounted or held open exclusively (the kernel refuses O_EXCL then)."""
    try:
        fd = os.open(loops.node(row["loop"]), os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError:
        return True
    os.close(fd)
    return False


def refuse_mounted(name):
    """Refuse a volume that the mount table of this host has."""
    if os.path.exists(place.etc("mnttab")):
        with open(place.etc("mnttab")) as handle:
            for line in handle:
                special, point = line.split("\t")[:2]
                if special == device(name, "dsk"):
                    raise Refusal("is mounted on %s" % point, name)


def is_open(store, row):
    """True if a process of this host has a volume's device open, or it is mounted."""
    paths = {node(row["name"], kind) for kind in ("dsk", "rdsk")}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if any(os.readlink("/proc/%s/fd/%s" % (pid, fd)) in paths for fd in os.listdir("/proc/%s/fd" % pid)):
                return True
        except OSError:  # the process ended meanwhile
            continue
    return has_writers(store, row)
