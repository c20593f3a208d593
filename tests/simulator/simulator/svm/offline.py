# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metaoffline(1M) and metaonline(1M). Order of tests as in mirror_ioctl.c: mirror_offline, mirror_online."""
from simulator.svm import admin, model, resync
from simulator.svm.names import Refusal, canonical

USAGE = {"metaoffline": "metaoffline [-s setname] [-f] mirror submirror",
         "metaonline": "metaonline [-s setname] mirror submirror"}
ILLEGAL = "attempt operation on a submirror in illegal state"


def offline(store, found, operands):
    """Take a submirror offline: its data stand still from this instant."""
    mirror, name = [canonical(word, found.get("s")) for word in operands]
    model.mirror(store, mirror)
    model.refuse_resync(store, mirror)
    state = model.member(store, mirror, name)["state"]
    if state != model.RUNNING and "f" not in found:
        raise Refusal(ILLEGAL, mirror)
    if not model.readable_without(store, mirror, name):
        raise Refusal("operation would result in no readable submirrors", mirror)
    if state not in model.OWN_IMAGE:  # forced on one that is offline already: the first image stays
        model.cut(store, mirror, name)
    model.set_state(store, name, model.OFFLINE)
    model.show_other(store, name)
    return "%s: submirror %s is offlined\n" % (mirror, name)


def online(store, found, operands):
    """Give an offlined submirror back: its dirty regions are resynchronised."""
    mirror, name = [canonical(word, found.get("s")) for word in operands]
    model.mirror(store, mirror)
    if model.member(store, mirror, name)["state"] != model.OFFLINE:
        raise Refusal(ILLEGAL, mirror)
    model.refuse_resync(store, mirror)
    model.set_state(store, name, model.OFFLINE_RESYNC)
    resync.start(store, mirror, name, "optimized")
    return "%s: submirror %s is onlined\n" % (mirror, name)


ACTIONS = {"metaoffline": offline, "metaonline": online}


def main(call):
    """Run the command the call names."""
    return admin.change(call, "f" if call.name == "metaoffline" else "", USAGE[call.name], ACTIONS[call.name], count=(2,))


without_state = main
ERROR_END = admin.ERROR_END


def success(call):
    """What the command prints when it works."""
    word = "offlined" if call.name == "metaoffline" else "onlined"
    return "%s: submirror %s is %s\n" % (admin.pair(call.args) + (word,))
