# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metasync(1M), metareplace(1M) and metaparam(1M)."""
from simulator.svm import admin, model, resync
from simulator.svm.names import Refusal, canonical, home, set_home

USAGE = {"metasync": "metasync [-s setname] -r [buffer_size]\n\tmetasync [-s setname] [buffer_size] metadevices...",
         "metareplace": "metareplace [-s setname] mirror component-old component-new\n"
                        "\tmetareplace [-s setname] -e mirror component",
         "metaparam": "metaparam [-s setname] [options] concat/stripe | RAID | mirror"}


def sync_one(store, name, cancel):
    """Start what is due on one mirror, or cancel what runs."""
    model.mirror(store, name)
    running = model.resyncs(store, name)
    if cancel:
        for row in running:
            resync.end(store, row, "cancelled")
        if running:
            store.db.execute("UPDATE svm_mirror SET cancelled=1 WHERE host=? AND name=?", (home(name), name))
    elif not running:
        resync.start_due(store, name)


def sync(call, failed):
    """metasync as an action of admin.change: all mirrors with -r, else the named ones; notes in FAILED those that could not."""
    def action(store, found, operands):
        if "r" in found:
            names = [row["name"] for row in model.volumes(store, "m", set_home(found.get("s")))]
        else:
            names = [canonical(word, found.get("s")) for word in operands if not word.isdigit()]
            if not names:
                raise admin.Usage()
        for name in names:
            try:
                sync_one(store, name, "c" in found)
            except Refusal as refusal:
                call.err(refusal.message(call.name))
                failed.append(name)
        return ""
    return action


def owner(store, mirror, part):
    """(submirror, component) of slice PART in a mirror."""
    for row in model.submirrors(store, mirror):
        for found in model.components(store, row["name"]):
            if found["name"] == part:
                return row, found
    raise Refusal("can't find component in unit", mirror)


def short(text):
    """The slice name of /dev/dsk/SLICE or SLICE."""
    return text.rsplit("/", 1)[-1]


def replace(store, found, operands):
    """metareplace: enable a component again (-e) or put another in its place; everything of it is copied."""
    if len(operands) != (2 if "e" in found else 3):
        raise admin.Usage()
    mirror, old, new = canonical(operands[0], found.get("s")), short(operands[1]), short(operands[-1])
    model.mirror(store, mirror)
    model.refuse_resync(store, mirror)
    row, part = owner(store, mirror, old)
    if len(model.submirrors(store, mirror)) == 1:
        raise Refusal("attempt to replace a component on the last running submirror", mirror)
    if row["state"] in model.OWN_IMAGE:
        raise Refusal("attempt operation on a submirror in illegal state", mirror)
    others = [item for member in model.submirrors(store, mirror) for item in model.components(store, member["name"])]
    if part["state"] == model.LAST_ERRED and any(item["state"] == model.MAINTENANCE for item in others):
        raise Refusal('component in invalid state to replace - Replace "Maintenance" components first', mirror)
    store.db.execute("UPDATE svm_component SET name=? WHERE host=? AND stripe=? AND name=?",
                     (new, home(mirror), row["name"], old))
    model.set_component(store, row["name"], model.RESYNCING, new)
    model.set_state(store, row["name"], model.COMP_RESYNC)
    resync.start(store, mirror, row["name"], "component")
    if "e" in found:
        return "%s: device %s is enabled\n" % (mirror, old)
    return "%s: device %s is replaced with %s\n" % (mirror, old, new)


def param(store, found, operands):
    """metaparam: change (or print) the options of a mirror."""
    if len(operands) != 1:
        raise admin.Usage()
    name = canonical(operands[0], found.get("s"))
    row = model.mirror(store, name)
    values = (found.get("r", row["read"]), found.get("w", row["write"]), int(found.get("p", row["pass"])))
    store.db.execute("UPDATE svm_mirror SET read=?, write=?, pass=? WHERE host=? AND name=?", values + (home(name), name))
    if found:
        return ""
    return ("%s: Mirror current parameters are:\n    Pass: %d\n    Read option: %s\n    Write option: %s\n"
            % (name, values[2], values[0], values[1]))


def main(call):
    """Run the command the call names."""
    if call.name == "metasync":
        failed = []
        return admin.change(call, "rcp", USAGE[call.name], sync(call, failed)) or (255 if failed else 0)
    if call.name == "metareplace":
        return admin.change(call, "ef", USAGE[call.name], replace)
    return admin.change(call, "", USAGE[call.name], param, valued="srwp")


without_state = main
ERROR_END = admin.ERROR_END
