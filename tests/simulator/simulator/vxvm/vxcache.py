# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxcache(1M) and the part of vxmake(1M) that makes cache objects."""
from simulator.vxvm import cli, device, model, units
from simulator.vxvm.model import Refusal

FAILURE = 1


def find(store, group, name):
    """A cache object."""
    row = model.record_or_none(store, "cache", group["id"], name)
    if row is None:
        raise Refusal("Cache %s does not exist" % name, 11, 6332)
    return row


def set_state(store, row, kstate, state):
    """New states of a cache object."""
    model.update(store, "cache", row["id"], kstate=kstate, state=state)


def start(store, group, name):
    """start cache"""
    row = find(store, group, name)
    if row["kstate"] == model.ENABLED:
        raise Refusal("Cache %s already started" % name, 25, 6325)
    set_state(store, row, model.ENABLED, model.ACTIVE)


def stop(store, group, name):
    """stop cache"""
    row = find(store, group, name)
    if row["kstate"] != model.ENABLED:
        raise Refusal("Cache %s already stopped" % name, 26, 6326)
    set_state(store, row, model.DISABLED, model.CLEAN)


def make(store, group, operands):
    """vxmake cache name cachevolname=volume [regionsize=64k] [autogrow=on]"""
    attributes, words = cli.split(operands)
    if len(words) != 2 or words[0] != "cache" or "cachevolname" not in attributes:
        raise cli.Usage("vxmake cache name cachevolname=volume")
    name = words[1]
    if model.record_or_none(store, "cache", group["id"], name) is not None:
        raise Refusal("Cache %s already exists" % name, 12, 6317)
    model.check_new_name(store, group["id"], name)
    row = model.volume(store, group["id"], attributes["cachevolname"])
    if row["polls"] > 0 or device.is_open(store, row):
        raise Refusal("Volume %s is open" % row["name"], 31)
    create(store, group, name, row, units.sectors(attributes.get("regionsize", "64k")), attributes.get("autogrow") in ("on", "yes"))


def create(store, group, name, row, region, autogrow, kstate=model.DISABLED):
    """Make a cache object over a volume; its row."""
    made = model.insert(store, "cache", dg=group["id"], name=name, volume=row["id"], kstate=kstate,
                        state=model.ACTIVE if kstate == model.ENABLED else model.CLEAN, autogrow=int(autogrow), region=region)
    model.update(store, "volume", row["id"], kind="cache")
    return model.get(store, "cache", made)


def work(call):
    """Parse and do."""
    found, operands = cli.options(call.args, "fV", "goU")

    def act(store):
        group = model.group(store, found.get("g"))
        if call.name == "vxmake":
            make(store, group, operands)
        elif len(operands) == 2 and operands[0] in ("start", "stop"):
            {"start": start, "stop": stop}[operands[0]](store, group, operands[1])
        else:
            raise cli.Usage("Unrecognized operation: %s" % " ".join(operands))
    cli.step(call, act)


def main(call):
    """Run the command the call names."""
    return cli.run(call, work)


without_state = main
