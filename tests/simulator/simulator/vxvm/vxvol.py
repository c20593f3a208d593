# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxvol(1M): start, stop, FastResync, state."""
from simulator.vxvm import cli, device, model, records, task
from simulator.vxvm.model import Refusal

FAILURE = 1
STATE_WORDS = cli.STATE_WORDS
UNSTARTABLE = (model.INVALID, model.EMPTY)


def drop_unfinished(store, row):
    """Plexes whose attach was interrupted are removed when their volume is started, and their space is given back."""
    busy = {one["plex"] for one in task.live(store, volume=row["id"])}
    for plex in model.plexes(store, row["id"], *model.ATTACHING):
        if plex["id"] not in busy:
            records.delete_plex(store, plex)


def start_one(store, row):
    """Start a stopped volume with its log volume."""
    if row["state"] in UNSTARTABLE:
        raise Refusal("Volume %s cannot be started: state is %s" % (row["name"], row["state"]), 24)
    drop_unfinished(store, row)
    for plex in model.plexes(store, row["id"], model.CLEAN):
        model.update(store, "plex", plex["id"], state=model.ACTIVE)
    model.update(store, "volume", row["id"], state=model.ACTIVE)
    device.start(store, model.get(store, "volume", row["id"]))
    log = model.dco(store, row["id"])
    if log is not None:
        inner = model.get(store, "volume", log["log"])
        if inner["kstate"] != model.ENABLED:
            device.start(store, inner)


def start(store, _group, rows, _found):
    """start volume..."""
    for row in rows:
        if row["kstate"] == model.ENABLED:
            raise Refusal("Volume %s is already started" % row["name"], 25)
        start_one(store, row)


def stop(store, _group, rows, _found):
    """stop volume..."""
    for row in rows:
        if row["kstate"] != model.ENABLED:
            raise Refusal("Volume %s is not started" % row["name"], 26)
        device.must_be_closed(store, row)
    for row in rows:
        device.stop(store, row, model.CLEAN)


def startall(store, group, _rows, _found):
    """startall: every volume of the group that is not started."""
    for row in model.volumes(store, group["id"], "data", "cache"):
        if row["kstate"] != model.ENABLED and row["state"] not in UNSTARTABLE:
            start_one(store, row)


def stopall(store, group, _rows, _found):
    """stopall: every volume; those in use stay, and are named."""
    busy = []
    for row in model.volumes(store, group["id"]):
        if device.is_open(store, row):
            busy.append(row["name"])
        elif row["kstate"] == model.ENABLED:
            device.stop(store, row, model.CLEAN)
    if busy:
        raise Refusal("Volume %s is open or mounted" % busy[0], 31)


def init(store, _group, rows, _found):
    """init {active|clean|zero} volume: only the states are set here."""
    for row in rows:
        model.update(store, "volume", row["id"], state=model.ACTIVE)
        if row["kstate"] != model.ENABLED:
            start_one(store, model.get(store, "volume", row["id"]))


def change(store, group, operands):
    """set attribute=value... volume..."""
    attributes, names = cli.split(operands)
    rows = [model.volume(store, group["id"], name) for name in names]
    if not rows or not attributes or set(attributes) - {"fastresync", "fmr"}:
        raise cli.Usage("set fastresync={on|off} volume")
    value = attributes.get("fastresync", attributes.get("fmr"))
    if value not in ("on", "off"):
        raise cli.Usage("Attribute fastresync has an invalid value: %s" % value)
    for row in rows:
        if value == "off":
            records.forget_changes(store, row)
        else:
            model.update(store, "volume", row["id"], fastresync=1)


VERBS = {"start": start, "stop": stop, "startall": startall, "stopall": stopall, "init": init}


def work(call):
    """Parse and do."""
    found, operands = cli.options(call.args, "bfqv", "goU")
    verb, rest = (operands + [""])[0], operands[1:]
    if verb not in VERBS and verb not in ("set", "rdpol"):
        raise cli.Usage("Unrecognized operation: %s" % verb)

    def act(store):
        group = model.group(store, found.get("g"))
        if verb == "set":
            return change(store, group, rest)
        if verb == "rdpol":
            row = model.volume(store, group["id"], rest[1] if len(rest) > 1 else "")
            return model.update(store, "volume", row["id"], readpol=rest[0].upper())
        names = rest[1:] if verb == "init" else rest
        rows = [model.volume(store, group["id"], name) for name in names]
        if not rows and not verb.endswith("all"):
            raise cli.Usage("A volume is needed")
        VERBS[verb](store, group, rows, found)
        return None
    cli.step(call, act)


def main(call):
    """vxvol."""
    return cli.run(call, work)


without_state = main
