# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metaset(1M): list, take, release, ask for the owner. Formats as in metaset.c."""
import os

from simulator.core import place
from simulator.svm import admin, model, sets
from simulator.svm.names import Refusal

USAGE = "metaset -s setname -t [-f]\n\tmetaset -s setname -r\n\tmetaset -s setname -o [-h hostname]\n\tmetaset [-s setname]"


def report(store, row):
    """What metaset prints about one set. Who owns it is known only if it is this host."""
    text = ["\nSet name = %s, Set number = %d\n" % (row["name"], row["number"]), "\n%-19.19s %-5.5s\n" % ("Host", "Owner")]
    for host in sets.hosts(store, row["name"]):
        owner = host == place.HOST == row["owner"]
        word = ("Yes (auto)" if owner else "No (auto)") if row["auto_take"] else "Yes" if owner else ""
        text.append("  %-17s  %s\n" % (host, word))
    drives = sets.drives(store, row["name"])
    if drives:
        width = max(len(drive) for drive in drives) + 2
        text += ["\n%-*.*s %-5.5s\n" % (width, width, name, dbase) for name, dbase in
                 [("Drive", "Dbase")] + [(drive, "Yes") for drive in drives]]
    return "".join(text)


def listing(store, found):
    """The named set, or all that this host belongs to."""
    rows = [sets.find(store, found["s"])] if "s" in found else sets.known(store)
    return "".join(report(store, row) for row in rows)


def change(store, found):
    """Take or release; both say nothing."""
    if "t" in found:
        sets.take(store, found["s"], "f" in found)
        return
    if sets.find(store, found["s"])["auto_take"]:
        raise Refusal("cannot release auto-take diskset", found["s"])
    sets.release(store, found["s"])


def run(call, found):
    """One invocation; returns the exit status."""
    store, action = call.store, {"t", "r", "o"} & set(found)
    if len(action) > 1 or action and "s" not in found:
        raise admin.Usage()
    if action & {"t", "r"}:
        if os.geteuid() != 0:
            raise Refusal(admin.NOT_ROOT)
        admin.take_lock(call)
    with store.transaction():
        model.settings(store)
        if action & {"t", "r"}:
            change(store, found)
        elif "o" in found:
            sets.check(store, found["s"])
        else:
            call.out(listing(store, found))
    return 0


def main(call):
    """metaset."""
    try:
        found, operands = admin.options(call.args, "tfroy", "su")
        if operands:
            raise admin.Usage()
        if call.store is None:
            raise Refusal("there are no existing databases")
        return run(call, found)
    except admin.Usage as problem:
        call.err("usage:\t%s\n" % USAGE)
        return 0 if problem.wants_help else 1
    except Refusal as refusal:
        call.err(refusal.message(call.name))
        return 1


without_state = main
ERROR_END = admin.ERROR_END
