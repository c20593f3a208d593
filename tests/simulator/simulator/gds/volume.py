# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxvolume(1M): make, start, stop and remove volumes."""
from simulator.core import place
from simulator.gds import admin, copying, info, model
from simulator.gds.model import Refusal

USAGE = "sdxvolume {-F|-M|-N|-R} -c class [-g group] [-v volume,...] [-s size] [-a attribute=value] [-e option]"
ACTIONS = {"F": "cve", "M": "cgdvsae", "N": "cve", "R": "cv"}


def nodes(key, options):
    """The hosts an action is for."""
    if "allnodes" in options:
        return key["scope"].split(":")
    if options.get("node"):
        return options["node"].split(":")
    return [place.HOST]


def named(store, key, words):
    """The volumes of -v; without it all of the class."""
    if "v" in words.values:
        return [model.volume(store, key, name) for name in words.list("v")]
    return [row for row in model.volumes(store, key) if row["relation"] != model.JOIN]


def stop(messages, key, row, hosts):
    """Stop one volume on some hosts."""
    store, name = messages.store, row["name"]
    running = [host for host in hosts if host in model.started(store, key, name)]
    copying.refuse(store, key, name)
    if running and model.in_use(store, key, name):
        raise Refusal("%s: volume is in use" % name)
    for host in running:
        store.db.execute("DELETE FROM gds_started WHERE domain=? AND class=? AND volume=? AND host=?",
                         (key["domain"], key["name"], name, host))
        messages.say("INFO", "%s: stopped volume on node %s" % (name, host))
    if not model.started(store, key, name):
        model.hide(store, key, name)


def start(messages, key, row, hosts, mode=None):
    """Start one volume on some hosts."""
    store, name = messages.store, row["name"]
    if row["relation"] == model.JOIN:
        raise Refusal("%s: proxy volume is joined" % name)
    if not key["shadow"] and info.status(store, key, row) == "INVALID":
        raise Refusal("%s: volume is INVALID" % name)
    if mode in ("ro", "rw"):
        model.set_volume(store, key, name, mode=mode)
    elif mode is not None:
        raise Refusal("%s: invalid mode" % mode)
    row = model.volume(store, key, name)
    if not model.started(store, key, name):
        model.show(store, key, name, model.image(store, key, row), row["blocks"] * model.BLOCK, row["mode"] == "ro")
    for host in hosts:
        if host not in model.started(store, key, name):
            store.db.execute("INSERT INTO gds_started VALUES (?,?,?,?)", (key["domain"], key["name"], name, host))
            messages.say("INFO", "%s: started volume on node %s\n/dev/sfdsk/%s/rdsk/%s\n/dev/sfdsk/%s/dsk/%s" % (
                name, host, key["name"], name, key["name"], name))


def make(store, key, grp, name, size, **columns):
    """Enter a volume at the first free block of a group."""
    if store.row("SELECT 1 FROM gds_volume WHERE domain=? AND class=? AND name=?", key["domain"], key["name"], name):
        raise Refusal("%s: volume already exists" % name)
    group = model.group(store, key, grp)
    ends = [row["first"] + row["blocks"] for row in model.volumes(store, key) if row["grp"] == grp]
    first = max(ends + [model.PRIVATE_BLOCKS])
    if size < 1 or first + size > info.capacity(store, key, grp) + model.PRIVATE_BLOCKS:
        raise Refusal("%s: not enough free space in group %s" % (name, grp))
    values = dict({"jrm": "on", "pslice": "off", "locked": 0, "mode": "rw"}, **columns)
    store.db.execute("INSERT INTO gds_volume (domain, class, name, grp, first, blocks, jrm, pslice, locked, mode)"
                     " VALUES (?,?,?,?,?,?,?,?,?,?)", (key["domain"], key["name"], name, grp, first, size, values["jrm"],
                                                       values["pslice"], values["locked"], values["mode"]))
    parts = model.members(store, key, grp) if group["type"] == "mirror" else [grp]
    for number, part in enumerate(parts):
        store.db.execute("INSERT INTO gds_slice (domain, class, volume, disk, place, state) VALUES (?,?,?,?,?,?)",
                         (key["domain"], key["name"], name, part, number, model.VALID))
    return model.volume(store, key, name)


def remove(store, key, row):
    """Remove a stopped volume."""
    name = row["name"]
    if model.started(store, key, name):
        raise Refusal("%s: volume is active" % name)
    if row["master"] or model.proxies(store, key, name):
        raise Refusal("%s: volume is related to another as master or proxy" % name)
    for table, column in (("gds_volume", "name"), ("gds_slice", "volume")):
        store.db.execute("DELETE FROM %s WHERE domain=? AND class=? AND %s=?" % (table, column), (key["domain"], key["name"], name))


def perform(messages, words):
    """One sdxvolume."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=False)
    options = words.options()
    if words.action == "M":
        size = words.text("s")
        if not size.isdigit():
            raise Refusal("%s: invalid size" % size)
        attributes = {name: value for name, value in words.options("a").items() if name in ("jrm", "pslice", "mode")}
        row = make(store, key, words.text("g"), words.text("v"), int(size), **attributes)
        messages.say("INFO", "%s: created volume" % row["name"])
        start(messages, key, row, key["scope"].split(":"))
        return
    for row in named(store, key, words):
        if words.action == "F":
            stop(messages, key, row, nodes(key, options))
        elif words.action == "R":
            remove(store, key, row)
            messages.say("INFO", "%s: removed volume" % row["name"])
        else:
            if row["locked"] and "unlock" not in options:
                raise Refusal("%s: volume is locked" % row["name"])
            start(messages, key, row, nodes(key, options), options.get("mode"))


def main(call):
    """Run the command."""
    return admin.change(call, ACTIONS, USAGE, perform)
