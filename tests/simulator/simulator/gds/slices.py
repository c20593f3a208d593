# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxslice(1M): detach a slice of a mirror, stop, start, take over and reattach it."""
from simulator.core import blocks, place
from simulator.gds import admin, copying, model
from simulator.gds.model import Refusal

USAGE = "sdxslice {-F|-M|-N|-R|-T} -c class {-d disk -v volume | -s slice,...} [-a attribute=value] [-e option]"
ACTIONS = {"M": "cdva", "R": "cdvse", "F": "cs", "N": "cs", "T": "cs"}


def named(store, key, words):
    """The slices of -s DISK.VOLUME,... or of -d and -v."""
    if "s" not in words.values:
        return [model.slice_on(store, key, model.volume(store, key, words.text("v"))["name"], words.text("d"))]
    found = []
    for name in words.list("s"):
        disk, dot, volume = name.partition(".")
        if not dot:
            raise Refusal("%s: invalid slice name" % name)
        found.append(model.slice_on(store, key, model.volume(store, key, volume)["name"], disk))
    return found


def name_of(row):
    """DISK.VOLUME"""
    return "%s.%s" % (row["disk"], row["volume"])


def show(store, key, row):
    """Let the device of a detached slice show its image."""
    size = model.volume(store, key, row["volume"])["blocks"] * model.BLOCK
    model.show(store, key, name_of(row), model.own_image(key, name_of(row)), size, row["mode"] == "ro")


def detach(store, key, row, attributes):
    """Take a slice out of its volume; it keeps what the volume holds at this instant."""
    volume = model.volume(store, key, row["volume"])
    if model.group(store, key, volume["grp"])["type"] != "mirror" or len(model.slices(store, key, volume["name"])) < 2:
        raise Refusal("%s: volume is not mirrored" % volume["name"])
    if store.row("SELECT 1 FROM gds_disk WHERE domain=? AND class=? AND name=?", key["domain"], key["name"], row["disk"]) is None:
        raise Refusal("%s: not a disk that is connected to the group directly" % row["disk"])
    if volume["master"] or model.proxies(store, key, volume["name"]):
        raise Refusal("%s: volume is related to another as master or proxy" % volume["name"])
    if volume["pslice"] != "on":
        raise Refusal("%s: physical slice attribute of volume is off" % volume["name"])
    if row["state"] != model.VALID:
        raise Refusal("%s: slice is not valid" % name_of(row))
    if not any(other["state"] == model.VALID for other in model.slices(store, key, volume["name"]) if other["disk"] != row["disk"]):
        raise Refusal("%s: no other valid slice" % volume["name"])
    model.flush(store, key, volume["name"])
    source = model.image(store, key, volume)
    blocks.make(source, volume["blocks"] * model.BLOCK)
    blocks.clone(source, model.own_image(key, name_of(row)))
    model.set_slice(store, key, volume["name"], row["disk"], model.TEMP, host=place.HOST, mode=attributes.get("mode", "rw"),
                    jrm=attributes.get("jrm", "on"), forgotten=0)
    show(store, key, model.slice_on(store, key, volume["name"], row["disk"]))


def unused(store, key, row):
    """Refuse a slice whose device is in use."""
    if model.in_use(store, key, name_of(row)):
        raise Refusal("%s: slice is in use" % name_of(row))


def reattach(store, key, row):
    """Give a slice back to its volume. Nothing is copied to it while the volume is stopped."""
    if row["state"] not in model.DETACHED:
        raise Refusal("%s: slice is not detached" % name_of(row))
    unused(store, key, row)
    model.hide(store, key, name_of(row))
    volume = model.volume(store, key, row["volume"])
    model.set_slice(store, key, row["volume"], row["disk"], model.INVALID)
    if model.started(store, key, row["volume"]):
        model.flush(store, key, row["volume"])
        copying.start(store, key, row["volume"], row["disk"], model.image(store, key, volume), row["jrm"] != "on" or bool(row["forgotten"]))


def detached(row):
    """Refuse a slice that is not detached."""
    if row["state"] not in model.DETACHED:
        raise Refusal("%s: slice is not detached" % name_of(row))


def stop(store, key, row):
    """Make a detached slice inaccessible."""
    detached(row)
    unused(store, key, row)
    model.hide(store, key, name_of(row))
    model.set_slice(store, key, row["volume"], row["disk"], model.TEMP_STOP)


def start(store, key, row):
    """Make a detached slice accessible again, on the node that has the right to it."""
    detached(row)
    if row["host"] != place.HOST:
        raise Refusal("%s: this node has no access right to the slice" % name_of(row))
    if row["state"] == model.TEMP_STOP:
        show(store, key, row)
        model.set_slice(store, key, row["volume"], row["disk"], model.TEMP)


def take_over(store, key, row):
    """Take the access right to a slice from the node that detached it; the slice is stopped then."""
    detached(row)
    unused(store, key, row)
    if row["host"] != place.HOST:
        model.hide(store, key, name_of(row))
        model.set_slice(store, key, row["volume"], row["disk"], model.TEMP_STOP, host=place.HOST)


PERFORM = {"R": reattach, "F": stop, "N": start, "T": take_over}


def perform(messages, words):
    """One sdxslice."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=False)
    rows = named(store, key, words)
    for row in rows:
        if words.action == "M":
            detach(store, key, row, words.options("a"))
        else:
            PERFORM[words.action](store, key, row)
    names = [row["volume"] for row in rows]
    return (lambda: copying.wait(messages, key, names)) if "waitsync" in words.options() else None


def main(call):
    """Run the command."""
    return admin.change(call, ACTIONS, USAGE, perform)
