# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxshadowdisk, sdxshadowgroup and sdxshadowvolume (1M): the same disks as another domain's class, in memory only.

Nothing is written to the disks when shadow objects are made or removed.
"""
from simulator.core import place
from simulator.gds import admin, disk, model, volume
from simulator.gds.model import Refusal

USAGE = {"sdxshadowdisk": "sdxshadowdisk {-C|-D|-M|-R} -c class [-g group] -d {disk,...|device=disk[:type],...} [-a attribute=value]",
         "sdxshadowgroup": "sdxshadowgroup {-C|-D|-R} -c class {-h hgroup -l lgroup,... | -g group} [-a attribute=value]",
         "sdxshadowvolume": "sdxshadowvolume {-F|-M|-N|-R} -c class [-g group] [-v volume,...] [-s size] [-e mode=val]"}
DISK_ACTIONS = {"C": "cgda", "D": "cgd", "M": "cd", "R": "cd"}
VOLUME_ACTIONS = {"F": "cv", "M": "cgdvs", "N": "cve", "R": "cv"}


def register(messages, words):
    """sdxshadowdisk -M: only disks with the management data of another domain, under the name they have there."""
    store = messages.store
    here = model.host(store)
    for device, name, _kind in disk.pairs(words):
        lun = disk.lun_of(store, device)
        if disk.owner(store, lun, here["domain"]):
            raise Refusal("%s: physical disk is registered with a class" % device)
        other = disk.owner(store, lun)
        if other is None:
            raise Refusal("%s: physical disk has no management data" % device)
        if other["name"] != name:
            raise Refusal("%s: the disk is named otherwise in its class" % name)
        new = store.row("SELECT 1 FROM gds_class WHERE domain=? AND name=?", here["domain"], words.text("c")) is None
        key = disk.class_or_new(store, words.text("c"), {}, shadow=1)
        if new:
            messages.say("INFO", "%s: created class" % key["name"])
        disk.add(store, key, name, lun)
        messages.say("INFO", "%s: created disk" % name)


def disks(messages, words):
    """One sdxshadowdisk."""
    store = messages.store
    if words.action == "M":
        register(messages, words)
        return
    key = model.class_named(store, words.text("c"), shadow=True)
    for name in words.list("d"):
        if words.action == "C":
            disk.connect(store, key, name, words.text("g"), words.options("a"))
            messages.say("INFO", "%s: connected disk to group %s" % (name, words.text("g")))
        elif words.action == "D":
            disk.disconnect(store, key, name, words.text("g"))
            messages.say("INFO", "%s: disconnected disk from group %s" % (name, words.text("g")))
        else:
            disk.remove(messages, key, name)


def groups(messages, words):
    """One sdxshadowgroup."""
    disk.group(messages, words, shadow=True)


def volumes(messages, words):
    """One sdxshadowvolume."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=True)
    if words.action == "M":
        size = words.text("s")
        if not size.isdigit():
            raise Refusal("%s: invalid size" % size)
        row = volume.make(store, key, words.text("g"), words.text("v"), int(size), jrm="off", mode="ro")
        messages.say("INFO", "%s: created volume" % row["name"])
        volume.start(messages, key, row, [place.HOST])
        return
    for row in volume.named(store, key, words):
        if words.action == "F":
            volume.stop(messages, key, row, [place.HOST])
        elif words.action == "N":
            volume.start(messages, key, row, [place.HOST], words.options().get("mode"))
        else:
            volume.remove(store, key, row)
            messages.say("INFO", "%s: removed volume" % row["name"])


PERFORM = {"sdxshadowdisk": (DISK_ACTIONS, disks), "sdxshadowgroup": (disk.GROUP_ACTIONS, groups),
           "sdxshadowvolume": (VOLUME_ACTIONS, volumes)}


def main(call):
    """Run the command."""
    actions, perform = PERFORM[call.name]
    return admin.change(call, actions, USAGE[call.name], perform)
