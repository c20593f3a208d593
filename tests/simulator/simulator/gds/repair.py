# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxcopy, sdxattr and sdxfix (1M): copy to invalid slices, change attributes, bring back an invalid volume."""
from simulator.gds import admin, copying, model
from simulator.gds.model import Refusal

USAGE = {"sdxcopy": "sdxcopy {-B|-C} -c class -v volume,... [-e delay=msec,nowaitsync]",
         "sdxattr": "sdxattr {-S -s slice|-V -v volume} -c class -a attribute=value,...",
         "sdxfix": "sdxfix -V -c class {-g group|-d disk} -v volume"}
ACTIONS = {"sdxcopy": {"B": "cve", "C": "cv"}, "sdxattr": {"S": "csa", "V": "cva"}, "sdxfix": {"V": "cgdve"}}
ATTRIBUTES = {"jrm": ("on", "off"), "pslice": ("on", "off"), "mode": ("rw", "ro"), "lock": ("on", "off"), "pjrm": ("on", "off")}


def copy(messages, words):
    """Start or cancel copying."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=False)
    names = [model.volume(store, key, name)["name"] for name in words.list("v")]
    if words.action == "C":
        for name in names:
            copying.cancel(store, key, name)
        return None
    copying.refuse(store, key, *names)
    for name in names:
        for row in model.slices(store, key, name):
            if row["state"] == model.INVALID:
                model.flush(store, key, name)
                copying.start(store, key, name, row["disk"], model.image(store, key, model.volume(store, key, name)), True)
    return None if "nowaitsync" in words.options() else (lambda: copying.wait(messages, key, names))


def attribute(messages, words):
    """Change attributes of a volume or of a detached slice."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=False)
    for name, value in words.options("a").items():
        if value not in ATTRIBUTES.get(name, ()):
            raise Refusal("%s: invalid attribute" % name)
        if words.action == "V":
            row = model.volume(store, key, words.text("v"))
            if name == "pslice" and model.started(store, key, row["name"]):
                raise Refusal("%s: volume is active" % row["name"])
            column, value = ("locked", int(value == "on")) if name == "lock" else (name, value)
            model.set_volume(store, key, row["name"], **{column: value})
        else:
            disk, _dot, volume = words.text("s").partition(".")
            row = model.slice_on(store, key, volume, disk)
            if row["state"] not in model.DETACHED:
                raise Refusal("%s: slice is not detached" % words.text("s"))
            model.set_slice(store, key, volume, disk, row["state"], **{name: value})


def fix(messages, words):
    """Declare one slice of an invalid volume valid."""
    store = messages.store
    key = model.class_named(store, words.text("c"), shadow=False)
    row = model.volume(store, key, words.text("v"))
    if any(part["state"] == model.VALID for part in model.slices(store, key, row["name"])):
        raise Refusal("%s: volume is not INVALID" % row["name"])
    model.set_slice(store, key, row["name"], words.values.get("d") or words.text("g"), model.VALID)


PERFORM = {"sdxcopy": copy, "sdxattr": attribute, "sdxfix": fix}


def main(call):
    """Run the command."""
    return admin.change(call, ACTIONS[call.name], USAGE[call.name], PERFORM[call.name])
