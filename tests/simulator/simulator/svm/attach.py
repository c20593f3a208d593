# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metattach(1M) and metadetach(1M). Order of tests as in mirror_ioctl.c: mirror_attach, mirror_detach."""
from simulator.svm import admin, model, resync
from simulator.svm.names import Refusal, canonical, home

USAGE = {"metattach": "metattach [-s setname] mirror [metadevice]\n\tmetattach [-s setname] [-i interlace] concat/stripe component...",
         "metadetach": "metadetach [-s setname] [-f] mirror submirror"}


def check_new(store, mirror, name):
    """Refuse a volume that cannot become a submirror of MIRROR."""
    row = model.volume(store, name)
    if row["kind"] != "s":
        raise Refusal("invalid unit", name)
    if model.in_use(store, name):
        raise Refusal("metadevice in use", name)
    model.refuse_mounted(name)
    if model.is_open(store, row):
        raise Refusal("metadevice is open", name)
    if len(model.submirrors(store, mirror)) >= model.MAX_SUBMIRRORS:
        raise Refusal("mirror has maximum number of submirrors", mirror)
    if row["bytes"] < model.volume(store, mirror)["bytes"]:
        raise Refusal("submirror too small to attach", name)


def attach(store, found, operands):
    """Make a volume a submirror: everything is copied to it."""
    mirror = canonical(operands[0], found.get("s"))
    model.mirror(store, mirror)
    if len(operands) == 1:  # grow: nothing below has grown, so nothing happens
        return ""
    name = canonical(operands[1], found.get("s"))
    check_new(store, mirror, name)
    slot = len(model.submirrors(store, mirror))
    store.db.execute("INSERT INTO svm_submirror (host, mirror, slot, name, state) VALUES (?,?,?,?,?)",
                     (home(mirror), mirror, slot, name, model.ATTACHED_RESYNC))
    model.set_state(store, name, model.ATTACHED_RESYNC)
    model.bind(store, name)
    resync.start(store, mirror, name, "submirror")
    return "%s: submirror %s is attached\n" % (mirror, name)


def detach(store, found, operands):
    """Take a submirror out for good: it becomes a writable volume of its own."""
    mirror, name = [canonical(word, found.get("s")) for word in operands]
    model.mirror(store, mirror)
    model.refuse_resync(store, mirror)
    row = model.member(store, mirror, name)
    if len(model.submirrors(store, mirror)) == 1:
        raise Refusal("attempt to detach last running submirror", mirror)
    if not model.readable_without(store, mirror, name):
        raise Refusal("operation would result in no readable submirrors", mirror)
    if row["state"] == model.COMP_ERRED and "f" not in found:
        raise Refusal("attempt an operation on a submirror that has erred components", mirror)
    if row["state"] not in model.OWN_IMAGE:
        model.cut(store, mirror, name)
    store.db.execute("DELETE FROM svm_submirror WHERE host=? AND name=?", (home(name), name))
    store.db.execute("UPDATE svm_submirror SET slot=slot-1 WHERE host=? AND mirror=? AND slot>?",
                     (home(mirror), mirror, row["slot"]))
    model.set_component(store, name, model.OKAY)
    model.bind(store, name)
    return "%s: submirror %s is detached\n" % (mirror, name)


def main(call):
    """Run the command the call names."""
    if call.name == "metadetach":
        return admin.change(call, "f", USAGE[call.name], detach, count=(2,))
    return admin.change(call, "", USAGE[call.name], attach, count=(1, 2))


without_state = main
ERROR_END = admin.ERROR_END


def success(call):
    """What the command prints when it works."""
    word = "attached" if call.name == "metattach" else "detached"
    return "%s: submirror %s is %s\n" % (admin.pair(call.args) + (word,))
