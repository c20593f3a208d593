# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxdisk(1M) and sdxgroup(1M): register disks with a class, connect them to groups, nest groups."""
from simulator.core import place
from simulator.gds import admin, copying, model
from simulator.gds.model import Refusal

USAGE = {"sdxdisk": "sdxdisk {-C|-D|-M|-R} -c class [-g group] -d {disk,...|device=disk[:type],...} [-a attribute=value] [-e option]",
         "sdxgroup": "sdxgroup {-C|-D|-R} -c class {-h hgroup -l lgroup,... | -g group} [-a attribute=value]"}
ACTIONS = {"C": "cgdvae", "D": "cgd", "M": "cdae", "R": "cd"}
GROUP_ACTIONS = {"C": "chlae", "D": "chl", "R": "cg"}
TYPES = ("mirror", "stripe", "concat")


def lun_of(store, device):
    """The disk that this host calls DEVICE."""
    row = store.row("SELECT lun FROM gds_path WHERE host=? AND device=?", place.HOST, device)
    if row is None:
        raise Refusal("%s: no such physical disk" % device)
    return row["lun"]


def owner(store, lun, domain=None):
    """The row of a disk in a class that is no shadow class (of one domain), or None."""
    return store.row("SELECT d.* FROM gds_disk d JOIN gds_class c ON c.domain=d.domain AND c.name=d.class"
                     " WHERE c.shadow=0 AND d.lun=? AND d.domain=coalesce(?, d.domain)", lun, domain)


def make_class(store, domain, name, kind, scope, shadow=0):
    """Enter a class."""
    store.db.execute("INSERT INTO gds_class VALUES (?,?,?,?,?)", (domain, name, kind, scope, shadow))
    return store.row("SELECT * FROM gds_class WHERE domain=? AND name=?", domain, name)


def class_or_new(store, name, attributes, shadow=0):
    """The class NAME, made where it is missing."""
    here = model.host(store)
    row = store.row("SELECT * FROM gds_class WHERE domain=? AND name=?", here["domain"], name)
    if row is not None and bool(row["shadow"]) != bool(shadow):
        raise Refusal("%s: class of another kind" % name)
    if row is not None:
        return row
    return make_class(store, here["domain"], name, attributes.get("type", "local"), attributes.get("scope", place.HOST), shadow)


def add(store, key, name, lun, kind="undef"):
    """Enter a disk."""
    if store.row("SELECT 1 FROM gds_disk WHERE domain=? AND class=? AND name=?", key["domain"], key["name"], name):
        raise Refusal("%s: disk already exists" % name)
    store.db.execute("INSERT INTO gds_disk (domain, class, name, lun, type, status) VALUES (?,?,?,?,?,'ENABLE')",
                     (key["domain"], key["name"], name, lun, kind))


def pairs(words):
    """[(device, disk name, type)] of -d device=disk[:type],..."""
    found = []
    for word in words.list("d"):
        device, equals, name = word.partition("=")
        if not equals:
            raise admin.Usage()
        name, _colon, kind = name.partition(":")
        found.append((device, name, kind or "undef"))
    return found


def register(messages, words):
    """sdxdisk -M: what was on the disk is gone."""
    store = messages.store
    for device, name, kind in pairs(words):
        lun = lun_of(store, device)
        if owner(store, lun):
            raise Refusal("%s: physical disk is registered with a class" % device)
        if store.row("SELECT used FROM gds_lun WHERE lun=?", lun)["used"]:
            raise Refusal("%s: physical disk is in use" % device)
        new = store.row("SELECT 1 FROM gds_class WHERE domain=? AND name=?", model.host(store)["domain"], words.text("c")) is None
        key = class_or_new(store, words.text("c"), words.options("a"))
        if new:
            messages.say("INFO", "%s: created class" % key["name"])
        add(store, key, name, lun, kind)
        messages.say("INFO", "%s: disabled access to physical special files\n/dev/%s*" % (device, device))
        messages.say("INFO", "%s: created disk" % name)


def connect(store, key, disk, grp, attributes):
    """Put a disk into a group, which is made where it is missing. Volumes of a mirror get one more slice each."""
    row = model.disk(store, key, disk)
    if row["grp"]:
        raise Refusal("%s: disk is connected to a group" % disk)
    found = store.row("SELECT * FROM gds_group WHERE domain=? AND class=? AND name=?", key["domain"], key["name"], grp)
    if found is None:
        kind = attributes.get("type", "mirror")
        if kind not in TYPES:
            raise Refusal("%s: invalid type" % kind)
        store.db.execute("INSERT INTO gds_group (domain, class, name, type, width) VALUES (?,?,?,?,?)",
                         (key["domain"], key["name"], grp, kind, int(attributes.get("width", 32 if kind == "stripe" else 0))))
        found = model.group(store, key, grp)
    number = 1 + max([row["place"] or 0 for row in model.disks(store, key) if row["grp"] == grp] + [0])
    store.db.execute("UPDATE gds_disk SET grp=?, type=?, place=? WHERE domain=? AND class=? AND name=?",
                     (grp, found["type"], number, key["domain"], key["name"], disk))
    return found


def add_slices(store, key, grp, disk):
    """Each volume of a mirror group has a slice on the new disk; it is copied to where the volume is started."""
    for volume in [row for row in model.volumes(store, key) if row["grp"] == grp]:
        store.db.execute("INSERT INTO gds_slice (domain, class, volume, disk, place, state) VALUES (?,?,?,?,?,?)",
                         (key["domain"], key["name"], volume["name"], disk, 99, model.INVALID))
        if model.started(store, key, volume["name"]):
            model.flush(store, key, volume["name"])
            copying.start(store, key, volume["name"], disk, model.image(store, key, volume), True)


def related(store, key, grp):
    """Refuse a group whose volumes are masters or proxies."""
    for row in model.volumes(store, key):
        if row["grp"] == grp and (row["master"] or model.proxies(store, key, row["name"])):
            raise Refusal("%s: volume is related to another as master or proxy" % row["name"])


def disconnect(store, key, disk, grp):
    """Take a disk out of a group."""
    row = model.disk(store, key, disk)
    if row["grp"] != grp:
        raise Refusal("%s: disk is not connected to group %s" % (disk, grp))
    volumes = [item for item in model.volumes(store, key) if item["grp"] == grp]
    if model.group(store, key, grp)["type"] != "mirror" and volumes:
        raise Refusal("%s: group has volumes" % grp)
    for volume in volumes:
        part = model.slice_on(store, key, volume["name"], disk)
        copying.refuse(store, key, volume["name"])
        if part["state"] in model.DETACHED:
            raise Refusal("%s.%s: slice is detached" % (disk, volume["name"]))
        if not any(other["state"] == model.VALID for other in model.slices(store, key, volume["name"]) if other["disk"] != disk):
            raise Refusal("%s.%s: the last valid slice" % (disk, volume["name"]))
    for volume in volumes:
        store.db.execute("DELETE FROM gds_slice WHERE domain=? AND class=? AND volume=? AND disk=?",
                         (key["domain"], key["name"], volume["name"], disk))
    store.db.execute("UPDATE gds_disk SET grp=NULL, type='undef', place=NULL WHERE domain=? AND class=? AND name=?",
                     (key["domain"], key["name"], disk))


def remove(messages, key, name):
    """Take a disk out of a class, which goes with its last one."""
    store = messages.store
    if model.disk(store, key, name)["grp"]:
        raise Refusal("%s: disk is connected to a group" % name)
    store.db.execute("DELETE FROM gds_disk WHERE domain=? AND class=? AND name=?", (key["domain"], key["name"], name))
    if not model.disks(store, key):
        store.db.execute("DELETE FROM gds_class WHERE domain=? AND name=?", (key["domain"], key["name"]))
        messages.say("INFO", "%s: removed class" % key["name"])


def remove_group(store, key, name):
    """Remove a group without volumes; its disks become unused ones."""
    model.group(store, key, name)
    if any(row["grp"] == name for row in model.volumes(store, key)):
        raise Refusal("%s: group has volumes" % name)
    store.db.execute("UPDATE gds_disk SET grp=NULL, type='undef', place=NULL WHERE domain=? AND class=? AND grp=?",
                     (key["domain"], key["name"], name))
    store.db.execute("UPDATE gds_group SET parent=NULL WHERE domain=? AND class=? AND parent=?", (key["domain"], key["name"], name))
    store.db.execute("DELETE FROM gds_group WHERE domain=? AND class=? AND name=?", (key["domain"], key["name"], name))


def nest(store, key, upper, lowers, attributes):
    """Connect groups to a higher one, which is made where it is missing."""
    if store.row("SELECT 1 FROM gds_group WHERE domain=? AND class=? AND name=?", key["domain"], key["name"], upper) is None:
        store.db.execute("INSERT INTO gds_group (domain, class, name, type, width) VALUES (?,?,?,?,?)", (
            key["domain"], key["name"], upper, attributes.get("type", "mirror"), int(attributes.get("width", 0))))
    for lower in lowers:
        row = model.group(store, key, lower)
        if row["type"] == "mirror" or any(item["grp"] == lower for item in model.volumes(store, key)):
            raise Refusal("%s: group cannot be connected to another" % lower)
        number = 1 + len(model.members(store, key, upper))
        store.db.execute("UPDATE gds_group SET parent=?, place=? WHERE domain=? AND class=? AND name=?",
                         (upper, number, key["domain"], key["name"], lower))


def perform(messages, words):
    """One sdxdisk."""
    store = messages.store
    if words.action == "M":
        register(messages, words)
        return
    key = model.class_named(store, words.text("c"), shadow=False)
    for name in words.list("d"):
        if words.action == "R":
            remove(messages, key, name)
            continue
        grp = words.text("g")
        if words.action == "D":
            disconnect(store, key, name, grp)
            messages.say("INFO", "%s: disconnected disk from group %s" % (name, grp))
            continue
        related(store, key, grp)
        existed = store.row("SELECT 1 FROM gds_group WHERE domain=? AND class=? AND name=?", key["domain"], key["name"], grp)
        row = connect(store, key, name, grp, words.options("a"))
        if not existed:
            messages.say("INFO", "%s: created group" % grp)
        if row["type"] == "mirror":
            add_slices(store, key, grp, name)
        messages.say("INFO", "%s: connected disk to group %s" % (name, grp))


def group(messages, words, shadow=False):
    """One sdxgroup."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=shadow)
    if words.action == "R":
        remove_group(store, key, words.text("g"))
        messages.say("INFO", "%s: removed group" % words.text("g"))
    elif words.action == "C":
        nest(store, key, words.text("h"), words.list("l"), words.options("a"))
        for lower in words.list("l"):
            messages.say("INFO", "%s: connected group to another group %s" % (lower, words.text("h")))
    else:
        for lower in words.list("l"):
            store.db.execute("UPDATE gds_group SET parent=NULL WHERE domain=? AND class=? AND name=?", (key["domain"], key["name"], lower))


def main(call):
    """Run the command."""
    if call.name == "sdxgroup":
        return admin.change(call, GROUP_ACTIONS, USAGE[call.name], group)
    return admin.change(call, ACTIONS, USAGE[call.name], perform)
