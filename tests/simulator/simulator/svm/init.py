# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metainit(1M) and metaclear(1M): volumes come and go, their data blocks stay."""
import os
import time

from simulator.core import loops
from simulator.svm import admin, model, soft
from simulator.svm.names import Refusal, canonical, home, image, is_slice, set_home

USAGE = {"metainit": "metainit [-s setname] [-n] [-f] concat/stripe numstripes width component... [-i interlace]\n"
                     "\tmetainit [-s setname] [-n] [-f] mirror -m submirror... [read_options] [write_options] [pass_num]\n"
                     "\tmetainit [-s setname] [-n] [-f] softpart -p [-e] component size",
         "metaclear": "metaclear [-s setname] -a [-f]\n\tmetaclear [-s setname] [-f] [-r] [-p] metadevice..."}
WARNING = ("metainit: %s: WARNING: This form of metainit is not recommended.\n"
           "The submirrors may not have the same data.\n"
           "Please see ERRORS in metainit(1M) for additional information.\n")
DEFAULT_BYTES = 256 * 1024 * 1024


def make_stripe(store, name, rows, size):
    """Create a concat/stripe of ROWS = [[slice, ...], ...]."""
    for other in (part for row in rows for part in row):
        if store.row("SELECT 1 FROM svm_component WHERE host=? AND name=?", home(name), other):
            raise Refusal("has appeared more than once in the specification of %s" % name, other)
    model.new_volume(store, name, "s", size)
    now = int(time.time())
    for line, row in enumerate(rows):
        for column, part in enumerate(row):
            store.db.execute("INSERT INTO svm_component VALUES (?,?,?,?,?,?,?)",
                             (home(name), name, line, column, part, model.OKAY, now))


def make_mirror(store, name, members, number=1, read="roundrobin", write="parallel"):
    """Create a mirror of existing stripes; its data are those of the first one."""
    for member in members:
        if model.volume(store, member)["kind"] != "s":
            raise Refusal("invalid unit", member)
        if model.in_use(store, member):
            raise Refusal("metadevice in use", member)
    model.new_volume(store, name, "m", min(model.volume(store, member)["bytes"] for member in members))
    store.db.execute("INSERT INTO svm_mirror (host, name, pass, read, write) VALUES (?,?,?,?,?)",
                     (home(name), name, number, read, write))
    if os.path.exists(image(members[0])):
        os.rename(image(members[0]), image(name))
    model.bind(store, name)
    now = int(time.time())
    for slot, member in enumerate(members):
        store.db.execute("INSERT INTO svm_submirror (host, mirror, slot, name, state, changed) VALUES (?,?,?,?,?,?)",
                         (home(name), name, slot, member, model.RUNNING, now))
        model.bind(store, member)


def numbers(words):
    """Take the leading number off a list of words."""
    if not words or not words[0].isdigit():
        raise admin.Usage()
    return int(words[0]), words[1:]


def parse_rows(words):
    """numstripes width component... as [[slice, ...], ...]."""
    count, words = numbers(words)
    rows = []
    for _index in range(count):
        width, words = numbers(words)
        row = [word.replace("/dev/dsk/", "").replace("/dev/rdsk/", "") for word in words[:width]]
        if len(row) != width or not all(is_slice(part) for part in row):
            raise admin.Usage()
        rows.append(row)
        words = words[width:]
        if words[:1] == ["-i"]:
            words = words[2:]
    if words:
        raise admin.Usage()
    return rows


def parse_mirror(words, disk_set):
    """submirror... [-g|-r] [-S] [pass] as (members, pass, read, write)."""
    members, number, read, write = [], 1, "roundrobin", "parallel"
    for word in words:
        if word == "-g":
            read = "geometric"
        elif word == "-r":
            read = "first"
        elif word == "-S":
            write = "serial"
        elif word.isdigit():
            number = int(word)
        else:
            members.append(canonical(word, disk_set))
    if not members:
        raise admin.Usage()
    return members, number, read, write


def known_size(name):
    """Bytes of a new stripe: those of the data that are there under this name, else a default."""
    path = image(name)
    return os.path.getsize(path) if os.path.exists(path) else DEFAULT_BYTES


def init(call):
    """metainit as an action of admin.change."""
    def action(store, found, operands):
        if len(operands) < 3:
            raise admin.Usage()
        name = canonical(operands[0], found.get("s"))
        if operands[1] == "-p":
            return soft.make(store, name, *soft.parse(operands[2:], found.get("s")))
        if operands[1] != "-m":
            rows = parse_rows(operands[1:])
            if "n" not in found:
                make_stripe(store, name, rows, known_size(name))
                model.bind(store, name)
            return "%s: Concat/Stripe is setup\n" % name
        members, number, read, write = parse_mirror(operands[2:], found.get("s"))
        for member in [] if "f" in found else members:
            model.refuse_mounted(member)
        if len(members) > 1:
            call.err(WARNING % name)
        make_mirror(store, name, members, number, read, write)
        return "%s: Mirror is setup\n" % name
    return action


def remove(store, name):
    """Take a volume out of the database and free its device."""
    row = model.volume(store, name)
    if not loops.detach(row["loop"]):
        raise Refusal("metadevice is open", name)
    loops.release(store, row["loop"])
    model.remove_nodes(name)
    for table, column in (("svm_volume", "name"), ("svm_mirror", "name"), ("svm_component", "stripe"),
                          ("svm_resync", "mirror"), ("svm_soft", "name")):
        store.db.execute("DELETE FROM %s WHERE host=? AND %s=?" % (table, column), (home(name), name))


def clear_mirror(store, name, found):
    """Clear a mirror; its submirrors become volumes of their own that hold what they held."""
    members = model.submirrors(store, name)
    if any(row["state"] != model.RUNNING for row in members) and "f" not in found:
        raise Refusal("attempted to clear mirror with submirror(s) in invalid state", name)
    if model.is_open(store, model.volume(store, name)):
        raise Refusal("metadevice is open", name)
    for row in members:
        if row["state"] not in model.OWN_IMAGE:
            model.cut(store, name, row["name"])
    store.db.execute("DELETE FROM svm_submirror WHERE host=? AND mirror=?", (home(name), name))
    remove(store, name)
    os.unlink(image(name))
    text = "%s: Mirror is cleared\n" % name
    for row in members:
        if "r" in found:
            remove(store, row["name"])
            text += "%s: Concat/Stripe is cleared\n" % row["name"]
        else:
            model.bind(store, row["name"])
    return text


def clear_soft(store, name, found):
    """Clear a soft partition, with -r also what is below it if nothing else is on it."""
    base = model.soft(store, name)["base"]
    remove(store, name)
    soft.removed(store, base)
    text = "%s: Soft Partition is cleared\n" % name
    if "r" in found and not model.soft_partitions(store, base):
        text += clear_one(store, base, found)
    return text


def clear_one(store, name, found):
    """Clear one volume that nothing is built on."""
    row = model.volume(store, name)
    if model.in_use(store, name):
        raise Refusal("metadevice in use", name)
    if row["kind"] == "m":
        return clear_mirror(store, name, found)
    if model.is_open(store, row):
        raise Refusal("metadevice is open", name)
    if row["kind"] == "p":
        return clear_soft(store, name, found)
    remove(store, name)
    return "%s: Concat/Stripe is cleared\n" % name


def clear(store, found, operands):
    """metaclear as an action of admin.change: all, the named ones, or with -p the soft partitions on the named ones."""
    if "a" in found:
        names = [row["name"] for row in model.volumes(store, owner=set_home(found.get("s"))) if not model.in_use(store, row["name"])]
        found["r"] = True
    else:
        names = [canonical(word, found.get("s")) for word in operands]
        if not names:
            raise admin.Usage()
    if "p" in found:
        names = [row["name"] for base in names for row in model.soft_partitions(store, base)]
    return "".join(clear_one(store, name, found) for name in names)


def main(call):
    """Run the command the call names."""
    if call.name == "metainit":
        return admin.change(call, "nf", USAGE[call.name], init(call))
    return admin.change(call, "afrp", USAGE[call.name], clear)


without_state = main
ERROR_END = admin.ERROR_END


def success(call):
    """What the command prints when it works."""
    name = admin.named(call.args)[0]
    kind = "Mirror" if "-m" in call.args else "Soft Partition" if "-p" in call.args else "Concat/Stripe"
    return "%s: %s is %s\n" % (name, kind, "setup" if call.name == "metainit" else "cleared")
