# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sdxinfo(1M): a section for each kind of object, in the columns the guides show; missing values are asterisks."""
import random

from simulator.core import place
from simulator.gds import admin, copying, model

USAGE = "sdxinfo [-ACDGSV] [-c class] [-o object] [-e label,long]"
KINDS = ("class", "disk", "group", "volume", "slice")
LETTERS = dict(zip("CDGVS", KINDS))
SHORT = {
    "class": "NAME TYPE SCOPE SPARE",
    "disk": "NAME TYPE CLASS GROUP DEVNAM DEVBLKS DEVCONNECT STATUS",
    "group": "NAME CLASS DISKS BLKS FREEBLKS SPARE",
    "volume": "NAME CLASS GROUP SKIP JRM 1STBLK LASTBLK BLOCKS STATUS",
    "slice": "CLASS GROUP DISK VOLUME STATUS",
}
LONG = {
    "class": "NAME TYPE SCOPE SPARE SHADOW",
    "disk": "NAME TYPE CLASS GROUP DEVNAM DEVBLKS FREEBLKS DEVCONNECT STATUS E",
    "group": "NAME TYPE CLASS DISKS BLKS FREEBLKS SPARE MASTER TYPE WIDTH ACTDISK",
    "volume": "NAME TYPE CLASS GROUP DISK MASTER PROXY SKIP JRM 1STBLK LASTBLK BLOCKS STATUS PSLICE PJRM LOCK MODE",
    "slice": "CLASS GROUP DISK VOLUME JRM MODE STATUS FUNC COPY CURBLKS COPYBLKS",
}
# The columns that no public page shows are there only where the host's release is "new".
UNSURE = ("SHADOW", "PSLICE", "PJRM", "LOCK", "MODE", "CURBLKS", "COPYBLKS", "ACTDISK")


class Look:
    """One sdxinfo: which kinds, of which class and object."""

    def __init__(self, store, args):
        self.store = store
        self.kinds, self.class_name, self.object, self.long = set(), None, None, False
        args = list(args)
        while args:
            word = args.pop(0)
            if word in ("-c", "-o", "-e") and args:
                value = args.pop(0)
                if word == "-c":
                    self.class_name = value
                elif word == "-o":
                    self.object = value
                elif not set(value.split(",")) <= {"label", "long"}:
                    raise admin.Usage()
                else:
                    self.long = self.long or "long" in value.split(",")
            elif word[:1] == "-" and word[1:] and set(word[1:]) <= set("ACDGSV"):
                self.kinds |= set(KINDS) if "A" in word else {LETTERS[letter] for letter in word[1:]}
            else:
                raise admin.Usage()
        self.new = model.host(store)["columns"] == "new"

    def keys(self):
        """The classes that are looked at."""
        if self.class_name is not None:
            return [model.class_named(self.store, self.class_name)]
        return model.classes(self.store)

    def columns(self, kind):
        """The columns of a section."""
        names = (LONG if self.long else SHORT)[kind].split()
        if kind == "group" and self.long:
            names.pop(names.index("TYPE", names.index("TYPE") + 1))
        return [name for name in names if self.new or name not in UNSURE]


def related(store, key, name):
    """Names of all objects that have to do with the object NAME: itself, what it lies on, what lies on it, its relations."""
    found = {name}
    for row in model.volumes(store, key):
        parts = {part["disk"] for part in model.slices(store, key, row["name"])}
        if name == row["name"] or name == row["grp"] or name in parts:
            found |= {row["name"], row["grp"]} | parts
    for row in model.disks(store, key):
        if row["grp"] in found or row["name"] in found:
            found |= {row["name"], row["grp"] or row["name"]}
    return found


def rows(look, key, kind):
    """The rows of one kind of one class, as {column: value}."""
    makers = {"class": class_rows, "disk": disk_rows, "group": group_rows, "volume": volume_rows, "slice": slice_rows}
    return makers[kind](look.store, key)


def class_rows(_store, key):
    """The row of a class."""
    scope = "(local)" if key["type"] == "root" else key["scope"]
    return [{"name": key["name"], "NAME": key["name"], "TYPE": key["type"], "SCOPE": scope, "SPARE": 0, "SHADOW": key["shadow"]}]


def device_name(store, lun, host=None):
    """What this host calls a disk."""
    row = store.row("SELECT device FROM gds_path WHERE host=? AND lun=?", host or place.HOST, lun)
    return row["device"] if row else "*"


def disk_rows(store, key):
    """The rows of all disks."""
    found = []
    for row in model.disks(store, key):
        nodes = [path["host"] for path in store.rows("SELECT host FROM gds_path WHERE lun=? ORDER BY host", row["lun"])]
        found.append({
            "name": row["name"], "NAME": row["name"], "TYPE": row["type"], "CLASS": key["name"], "GROUP": row["grp"],
            "DEVNAM": device_name(store, row["lun"]),
            "DEVBLKS": store.row("SELECT blocks FROM gds_lun WHERE lun=?", row["lun"])["blocks"], "FREEBLKS": None,
            "DEVCONNECT": ":".join(node for node in nodes if node in key["scope"].split(":")), "STATUS": row["status"],
            "E": row["error"]})
    return found


def capacity(store, key, name):
    """Blocks of a group: of its smallest member (mirror) or of all of them, less the private slice."""
    sizes = [store.row("SELECT blocks FROM gds_lun WHERE lun=?", lun)["blocks"] - model.PRIVATE_BLOCKS
             for lun in model.luns(store, key, name)[2:]]
    if not sizes:
        return 0
    return min(sizes) if model.group(store, key, name)["type"] == "mirror" else sum(sizes)


def group_rows(store, key):
    """The rows of all groups."""
    found = []
    for row in model.groups(store, key):
        blocks = capacity(store, key, row["name"])
        used = sum(item["blocks"] for item in model.volumes(store, key) if item["grp"] == row["name"])
        found.append({
            "name": row["name"], "NAME": row["name"], "TYPE": row["type"], "CLASS": key["name"],
            "DISKS": ":".join(model.members(store, key, row["name"])), "BLKS": blocks, "FREEBLKS": blocks - used, "SPARE": 0,
            "MASTER": None, "WIDTH": row["width"] or None, "ACTDISK": None})
    return found


def status(store, key, row):
    """ACTIVE, STOP or INVALID, as this host sees a volume."""
    if not any(part["state"] == model.VALID for part in model.slices(store, key, row["name"])):
        return "INVALID"
    return "ACTIVE" if place.HOST in model.started(store, key, row["name"]) else "STOP"


def volume_rows(store, key):
    """The rows of all volumes, and of the extents that are none."""
    found = []
    for grp in {row["grp"] for row in model.volumes(store, key)}:
        kind = model.group(store, key, grp)["type"]
        found.append({"name": grp, "TYPE": kind, "CLASS": key["name"], "GROUP": grp, "1STBLK": 0, "LASTBLK": model.PRIVATE_BLOCKS - 1,
                      "BLOCKS": model.PRIVATE_BLOCKS, "STATUS": "PRIVATE"})
    for row in model.volumes(store, key):
        kind = model.group(store, key, row["grp"])["type"]
        found.append({
            "name": row["name"], "NAME": row["name"], "TYPE": kind, "CLASS": key["name"], "GROUP": row["grp"], "DISK": None,
            "MASTER": row["master"], "PROXY": row["relation"], "SKIP": "off", "JRM": row["jrm"], "1STBLK": row["first"],
            "LASTBLK": row["first"] + row["blocks"] - 1, "BLOCKS": row["blocks"], "STATUS": status(store, key, row),
            "PSLICE": row["pslice"], "PJRM": row["pjrm"] if row["relation"] == model.PART else None,
            "LOCK": "on" if row["locked"] else "off", "MODE": row["mode"]})
    return found


def slice_rows(store, key):
    """The rows of all slices."""
    found = []
    for volume in model.volumes(store, key):
        copies = {row["disk"]: row for row in copying.running(store, key, volume["name"])}
        valid = "ACTIVE" if status(store, key, volume) == "ACTIVE" else "STOP"
        for row in model.slices(store, key, volume["name"]):
            copy = copies.get(row["disk"])
            detached = row["state"] in model.DETACHED
            # Only the node that detached a slice can reach it.
            state = model.TEMP_STOP if row["state"] == model.TEMP and row["host"] != place.HOST else row["state"]
            found.append({
                "name": volume["name"], "CLASS": key["name"], "GROUP": volume["grp"], "DISK": row["disk"], "VOLUME": volume["name"],
                "STATUS": valid if state == model.VALID else state, "JRM": row["jrm"] if detached else None,
                "MODE": row["mode"] if detached else None, "FUNC": None, "COPY": "run" if copy else None,
                "CURBLKS": int(copy["done"]) // model.BLOCK if copy else None, "COPYBLKS": copy["total"] // model.BLOCK if copy else None})
    return found


def section(kind, columns, lines):
    """The text of one section."""
    table = [["OBJ"] + columns] + [[kind] + ["*" if line.get(name) is None else str(line[name]) for name in columns] for line in lines]
    widths = [max(6, len(title)) for title in table[0]]
    ruler = ["-" * width for width in widths]
    return "".join(" ".join(word.ljust(width) for word, width in zip(words, widths)).rstrip() + "\n"
                   for words in [table[0], ruler] + table[1:])


def main(call):
    """Print what was asked for."""
    if call.store is None:
        call.err("SDX:sdxinfo: ERROR: connection refused by sxservd daemon\n")
        return 1
    try:
        with call.store.transaction():
            copying.advance(call.store)
            look = Look(call.store, call.args)
            model.refresh(call.store)
            call.out(report(look))
        return 0
    except admin.Usage:
        call.err("usage: %s\n" % USAGE)
    except model.Refusal as refusal:
        call.err("SDX:sdxinfo: ERROR: %s\n" % refusal)
    return 1


def report(look):
    """The whole text."""
    keys = look.keys()
    names = None
    if look.object is not None:
        names = {key["name"]: related(look.store, key, look.object) if look.kinds else {look.object} for key in keys}
    found = {kind: [] for kind in KINDS}
    for key in keys:
        for kind in KINDS:
            lines = rows(look, key, kind)
            if names is not None and kind != "class":
                lines = [line for line in lines if line["name"] in names[key["name"]]]
            found[kind] += lines
    if names is not None and not any(found[kind] for kind in KINDS[1:]):
        raise model.Refusal("%s: no such object" % look.object)
    # sdxinfo of one object alone shows that object only; of nothing in particular, everything.
    wanted = look.kinds or ({kind for kind in KINDS[1:4] if found[kind]} if names else set(KINDS))
    parts = []
    for kind in KINDS:
        if kind in wanted and found[kind]:
            random.shuffle(found[kind])
            parts.append(section(kind, look.columns(kind), found[kind]))
    return "\n".join(parts)


def without_state(call):
    """On a machine without a simulated host."""
    return main(call)
