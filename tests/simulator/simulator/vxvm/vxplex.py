# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxplex(1M): attach, detach, dissociate, convert."""
from simulator.vxvm import cli, model, records, task
from simulator.vxvm.model import Refusal

FAILURE = 1
COMPLETE = (model.ACTIVE, model.CLEAN)


def last_complete(store, plex):
    """True if no other plex of the volume has all its data."""
    return plex["state"] in COMPLETE and len(model.plexes(store, plex["volume"], *COMPLETE)) < 2


def associated(plex):
    """Refuse a plex without a volume."""
    if plex["volume"] is None:
        raise Refusal("Plex %s is not associated" % plex["name"], 17)


def dissociate(store, group, found, names, _attributes):
    """dis plex..., with -o rm also removed."""
    for name in names:
        plex = model.record(store, "plex", group["id"], name)
        associated(plex)
        if last_complete(store, plex):
            raise Refusal("Plex %s is the last complete plex of its volume" % name, 18)
        if "rm" in found.get("o", []):
            records.delete_plex(store, plex)
        else:
            task.forget(store, plex=plex["id"])
            model.update(store, "plex", plex["id"], volume=None, kstate=model.DISABLED, state="")


def attach(call, store, group, found, names):
    """att volume plex: everything is copied to it."""
    if len(names) != 2:
        raise cli.Usage("att volume plex")
    row, plex = model.volume(store, group["id"], names[0]), model.record(store, "plex", group["id"], names[1])
    if plex["volume"] not in (None, row["id"]):
        raise Refusal("Plex %s is associated with another volume" % plex["name"], 16)
    if plex["volume"] == row["id"] and plex["state"] in COMPLETE:
        raise Refusal("Plex %s is attached already" % plex["name"], 20)
    if plex["length"] < row["length"]:
        raise Refusal("Plex %s is smaller than volume %s" % (plex["name"], row["name"]), 20)
    model.update(store, "plex", plex["id"], volume=row["id"], state="TEMP", mode="WO", kstate=model.ENABLED)
    words = "PLXATT %s %s %s" % (row["name"], plex["name"], group["name"])
    made = task.start(store, "ATCOPY", words, row, model.get(store, "plex", plex["id"]), goal=model.ACTIVE, tag=found.get("t"))
    return None if "b" in found else (lambda: cli.finished(call, made))


def detach(store, group, _found, names, _attributes):
    """det plex...: it stays with its volume, but is no longer written."""
    for name in names:
        plex = model.record(store, "plex", group["id"], name)
        associated(plex)
        if last_complete(store, plex):
            raise Refusal("Plex %s is the last complete plex of its volume" % name, 18)
        model.update(store, "plex", plex["id"], state=model.STALE, kstate=model.DETACHED)


def convert(store, group, _found, names, attributes):
    """convert state=SNAPDONE plex..., and back to ACTIVE."""
    wanted = attributes.get("state")
    if wanted not in (model.SNAPDONE, model.ACTIVE) or not names:
        raise cli.Usage("convert state=SNAPDONE plex")
    for name in names:
        plex = model.record(store, "plex", group["id"], name)
        associated(plex)
        if plex["state"] not in (model.ACTIVE, model.SNAPDONE):
            raise Refusal("Plex %s is not complete" % name, 20)
        if wanted == model.SNAPDONE and last_complete(store, plex):
            raise Refusal("Plex %s is the last complete plex of its volume" % name, 18)
        model.update(store, "plex", plex["id"], state=wanted, mode="WO" if wanted == model.SNAPDONE else "RW")


VERBS = {"dis": dissociate, "det": detach, "convert": convert}


def work(call):
    """Parse and do."""
    found, operands = cli.options(call.args, "bfv", "got")
    verb, (attributes, names) = (operands + [""])[0], cli.split(operands[1:])
    if verb == "att":
        waiting = cli.step(call, lambda store: attach(call, store, model.group(store, found.get("g")), found, names))
        if waiting:
            waiting()
    elif verb in VERBS and names:
        cli.step(call, lambda store: VERBS[verb](store, model.group(store, found.get("g")), found, names, attributes))
    else:
        raise cli.Usage("Unrecognized operation: %s" % verb)


def main(call):
    """vxplex."""
    return cli.run(call, work)


without_state = main
