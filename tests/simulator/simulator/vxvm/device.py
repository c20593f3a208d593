# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data of volumes: image files on the shared storage, loop devices over them, nodes below /dev/vx."""
import os

from simulator.core import blocks, command, loops, place
from simulator.vxvm import model
from simulator.vxvm.units import SECTOR

MAJOR = 199  # of VxVM; nothing answers to it here: a stopped volume gives "No such device or address"


def image(volume_id):
    """The file with a volume's data."""
    return os.path.join(place.SAN, "volumes", "vxvm", "%d.img" % volume_id)


def paths(store, row):
    """Where the nodes of a volume are; those of rootdg also without the group."""
    name = model.get(store, "group", row["dg"])["name"]
    places = [name, ""] if name == "rootdg" else [name]
    return [os.path.join(place.DEV, "vx", kind, group, row["name"]) for kind in ("dsk", "rdsk") for group in places]


def make_nodes(store, row):
    """Make a volume's nodes lead to its data, or to nothing while it is stopped."""
    rdev = os.makedev(MAJOR, row["minor"]) if row["loop"] is None else loops.device(row["loop"])
    for path in paths(store, row):
        loops.make_node(path, rdev)


def remove_nodes(store, row):
    """Remove a volume's nodes."""
    for path in paths(store, row):
        if os.path.lexists(path):
            os.unlink(path)


def bind(store, row):
    """Give a started volume its loop (again)."""
    blocks.make(image(row["id"]), row["length"] * SECTOR)
    number = row["loop"]
    if number is None or loops.bound(number) and not loops.is_over(number, image(row["id"])):
        number = loops.allocate(store, row["name"])
        model.update(store, "volume", row["id"], loop=number)
    if not loops.bound(number):
        loops.attach(number, image(row["id"]), read_only=False)
    make_nodes(store, model.get(store, "volume", row["id"]))


def unbind(store, row):
    """Take the loop away; one that is still open goes at its last close."""
    if row["loop"] is not None:
        if loops.detach(row["loop"]):
            loops.release(store, row["loop"])
        else:
            loops.abandon(store, row["loop"])
        model.update(store, "volume", row["id"], loop=None)


def start(store, row):
    """ENABLED: the device can be opened."""
    model.update(store, "volume", row["id"], kstate=model.ENABLED)
    if row["kind"] != "dcl":
        bind(store, row)
    for plex in model.plexes(store, row["id"]):
        model.update(store, "plex", plex["id"], kstate=model.ENABLED)


def stop(store, row, state=None):
    """DISABLED: nobody can open the device. The state stays as it is unless one is given."""
    unbind(store, row)
    model.update(store, "volume", row["id"], kstate=model.DISABLED, state=state or row["state"])
    for plex in model.plexes(store, row["id"]):
        model.update(store, "plex", plex["id"], kstate=model.DISABLED,
                     state=state if state and plex["state"] == model.ACTIVE else plex["state"])
    if row["kind"] != "dcl":
        make_nodes(store, model.get(store, "volume", row["id"]))


def holders(rdev):
    """Pids of this host that have a block device open."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir("/proc/%s/fd" % pid):
                if os.stat("/proc/%s/fd/%s" % (pid, fd)).st_rdev == rdev:
                    found.append(int(pid))
                    break
        except OSError:
            pass  # it ended, or it is not ours to look into
    return found


def is_open(store, row):
    """True while a volume is mounted, some process has its device open, or a driver has it (Instant Image)."""
    if row["loop"] is None:
        return False
    if command.held(store, loops.device(row["loop"])):
        return True
    try:
        fd = os.open(loops.node(row["loop"]), os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError:
        return True
    os.close(fd)
    return bool(holders(loops.device(row["loop"])))


def must_be_closed(store, row):
    """Refuse a volume that is mounted or open."""
    if is_open(store, row):
        raise model.Refusal("Volume %s is open or mounted" % row["name"], 31)


def cut(store, pairs):
    """Copy the data of volumes at one instant: PAIRS of (volume row, id of the new volume).

    A VxFS on a volume of usage type fsgen is frozen for it, so that its image is clean.
    """
    from simulator.vxfs import mounts
    frozen = []
    try:
        started = [row for row, _new in pairs if row["loop"] is not None]
        for row in started:
            point = mounts.point_of(store, loops.device(row["loop"])) if row["usetype"] == "fsgen" else None
            if point and blocks.freeze(point):
                frozen.append(point)
        for row in started:
            loops.flush(row["loop"])
        for row, new in pairs:
            blocks.clone(image(row["id"]), image(new))
    finally:
        for point in frozen:
            blocks.thaw(point)


def changed(store, left, right):
    """Indices of the regions in which the data of two volumes differ."""
    for row in (left, right):
        if row["loop"] is not None:
            loops.flush(row["loop"])
    return blocks.differing(image(left["id"]), image(right["id"]), left["length"] * SECTOR, left["region"] * SECTOR)


def dirty(store, left, right):
    """The share, in per cent, of a volume that differs from another."""
    share = len(changed(store, left, right)) * left["region"] * 100.0 / left["length"]
    return min(share, 100.0)


def replace(store, row, source):
    """Let a closed volume hold the data of file SOURCE from now on."""
    loop = row["loop"]
    unbind(store, row)
    blocks.clone(source, image(row["id"]))
    if loop is not None:
        bind(store, model.get(store, "volume", row["id"]))


def drop(store, row):
    """Remove a volume's data, loop and nodes."""
    unbind(store, row)
    remove_nodes(store, row)
    if os.path.exists(image(row["id"])):
        os.unlink(image(row["id"]))
