# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxproxy(1M): join, part, rejoin, restore and break proxies."""
from simulator.core import blocks
from simulator.gds import admin, copying, model, volume
from simulator.gds.model import Refusal

USAGE = "sdxproxy {Join|Part|Rejoin|RejoinRestore|Restore|Break} -c class [-m master] -p proxy,... [-a attribute=value] [-e option]"
ACTIONS = {"Join": "cmpae", "Part": "cpae", "Rejoin": "cpe", "RejoinRestore": "cpe", "Restore": "cpe", "Break": "cpe"}


def proxy(store, key, name, relation):
    """The proxy volume NAME, which must have the relation."""
    row = model.volume(store, key, name)
    if row["master"] is None:
        raise Refusal("%s: not a proxy volume" % name)
    if row["relation"] != relation:
        raise Refusal("%s: proxy volume is not %s" % (name, {model.JOIN: "joined", model.PART: "parted"}[relation]))
    return row


def stopped(store, key, *names):
    """Refuse volumes that are started anywhere."""
    for name in names:
        if model.started(store, key, name):
            raise Refusal("%s: volume is active" % name)


def valid(store, key, *names):
    """Refuse volumes with a slice that is not valid."""
    for name in names:
        copying.refuse(store, key, name)
        for row in model.slices(store, key, name):
            if row["state"] != model.VALID:
                raise Refusal("%s.%s: slice is not valid" % (row["disk"], name))


def copy_to(store, key, name, source, full):
    """Copy SOURCE to every slice of a volume."""
    model.set_volume(store, key, name, copying=1)
    for row in model.slices(store, key, name):
        copying.start(store, key, name, row["disk"], source, full)


def join(messages, key, words):
    """Relate two volumes and copy the master to the proxy."""
    store = messages.store
    master, row = model.volume(store, key, words.text("m")), model.volume(store, key, words.text("p"))
    if master["grp"] == row["grp"]:
        raise Refusal("%s: master and proxy are in the same group" % row["name"])
    if master["blocks"] != row["blocks"]:
        raise Refusal("%s: sizes of master and proxy differ" % row["name"])
    if master["master"] or row["master"] or model.proxies(store, key, row["name"]):
        raise Refusal("%s: volume is related to another as master or proxy" % row["name"])
    valid(store, key, master["name"], row["name"])
    stopped(store, key, row["name"])
    model.set_volume(store, key, row["name"], master=master["name"], relation=model.JOIN)
    model.flush(store, key, master["name"])
    copy_to(store, key, row["name"], model.own_image(key, master["name"]), True)
    return [row["name"]]


def part(messages, key, words):
    """Make proxies volumes of their own, which hold what their masters hold at this instant."""
    store = messages.store
    rows = [proxy(store, key, name, model.JOIN) for name in words.list("p")]
    for row in rows:
        valid(store, key, row["name"])
    for row in rows:
        model.flush(store, key, row["master"])
        blocks.make(model.own_image(key, row["master"]), row["blocks"] * model.BLOCK)
        blocks.clone(model.own_image(key, row["master"]), model.own_image(key, row["name"]))
        model.set_volume(store, key, row["name"], relation=model.PART, pjrm=words.options("a").get("pjrm", "on"))
        started = model.volume(store, key, row["name"])
        if not row["locked"] or "unlock" in words.options():
            volume.start(messages, key, started, key["scope"].split(":"), words.options().get("mode"))
    return []


def rejoin(messages, key, words):
    """Bring proxies into step with their masters again."""
    store = messages.store
    rows = [proxy(store, key, name, model.PART) for name in words.list("p")]
    for row in rows:
        copying.refuse(store, key, row["name"], row["master"])
        stopped(store, key, row["name"])
    for row in rows:
        model.flush(store, key, row["master"])
        # The slices show what the proxy held until the copy has overwritten it.
        for piece in model.slices(store, key, row["name"]):
            blocks.clone(model.own_image(key, row["name"]), model.own_image(key, "%s.%s" % (piece["disk"], row["name"])))
        model.set_volume(store, key, row["name"], relation=model.JOIN)
        copy_to(store, key, row["name"], model.own_image(key, row["master"]), row["pjrm"] != "on" or bool(row["forgotten"]))
        model.set_volume(store, key, row["name"], forgotten=0)
    return [row["name"] for row in rows]


def restore(messages, key, words):
    """Give masters the data of their proxies. With RejoinRestore they are joined afterwards, with Restore still parted."""
    store = messages.store
    rows = [proxy(store, key, name, model.PART) for name in words.list("p")]
    if words.action == "Restore" and not model.host(store)["opc"]:
        raise Refusal("%s: copy function of the disk unit cannot be used" % rows[0]["name"])
    for row in rows:
        copying.refuse(store, key, row["name"], row["master"])
        stopped(store, key, row["name"], row["master"])
    for row in rows:
        # The data can be used at once; the copy below only takes its time, as an instant restore does.
        for piece in model.slices(store, key, row["master"]):
            target = model.own_image(key, "%s.%s" % (piece["disk"], row["master"]))
            blocks.clone(model.own_image(key, row["master"]), target)
        blocks.clone(model.own_image(key, row["name"]), model.own_image(key, row["master"]))
        copy_to(store, key, row["master"], model.own_image(key, row["name"]), row["pjrm"] != "on" or bool(row["forgotten"]))
        if words.action == "RejoinRestore":
            model.set_volume(store, key, row["name"], relation=model.JOIN)
    return [row["master"] for row in rows]


def take_apart(messages, key, words):
    """Dissolve a relation; the proxy keeps its data."""
    store = messages.store
    row = model.volume(store, key, words.text("p"))
    if row["master"] is None:
        raise Refusal("%s: not a proxy volume" % row["name"])
    if copying.running(store, key, row["name"]) and "force" not in words.options():
        raise Refusal("%s: copying is in progress" % row["name"])
    if row["relation"] == model.JOIN and not copying.running(store, key, row["name"]):
        model.flush(store, key, row["master"])
        blocks.make(model.own_image(key, row["master"]), row["blocks"] * model.BLOCK)
        blocks.clone(model.own_image(key, row["master"]), model.own_image(key, row["name"]))
    copying.cancel(store, key, row["name"])
    model.set_volume(store, key, row["name"], master=None, relation=None, copying=0)
    return []


PERFORM = {"Join": join, "Part": part, "Rejoin": rejoin, "RejoinRestore": restore, "Restore": restore, "Break": take_apart}
WAITS = ("RejoinRestore", "Restore")


def perform(messages, words):
    """One sdxproxy."""
    key = model.class_named(messages.store, words.text("c"), shadow=False)
    words.text("p")
    names = PERFORM[words.action](messages, key, words)
    waits = "nowaitsync" not in words.options() if words.action in WAITS else "waitsync" in words.options()
    return (lambda: copying.wait(messages, key, names)) if waits and names else None


def main(call):
    """Run the command."""
    return admin.change(call, ACTIONS, USAGE, perform, verb=True)
