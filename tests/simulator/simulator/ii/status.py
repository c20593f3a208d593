# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm -i and -l: what is known about sets."""
import time

from simulator.ii import bitmap, cli, model

LINE = "-" * 78 + "\n"
WORDS = ((model.TREEMAP, "compacted shadow space"), (model.COPYINGP, "copy in progress"),
         (model.COPYINGM, "copying master to shadow"), (model.COPYINGS, "copying shadow to master"),
         (model.COPYINGX, "abort of copy requested"), (model.MSTOFFLINE, "master volume offline"),
         (model.SHDOFFLINE, "shadow volume offline"), (model.BMPOFFLINE, "bitmap volume offline"),
         (model.OVROFFLINE, "overflow volume offline"), (model.SHDEXPORT, "shadow volume exported"),
         (model.SHDIMPORT, "shadow volume imported"), (model.OVERFLOW, "out of space"),
         (model.VOVERFLOW, "spilled into overflow volume"))
NOT_ACTIVE = "copy not active"


def kind(flags):
    """Kind and state of a set in words."""
    words = ["Independent copy" if flags & model.GOLDEN else "Dependent copy"]
    for flag, text in WORDS:
        if flags & flag:
            words.append(text)
        elif flag == model.COPYINGP and flags & (model.COPYINGM | model.COPYINGS):
            words.append(NOT_ACTIVE)
    return ", ".join(words) + "\n"


def percent(row):
    """The lines about the bitmaps."""
    bits, total = bitmap.count(bitmap.union(row["shd"], row["cpy"])), bitmap.chunks(row["size"])
    value = bits * 100 // total if total >= 100 else 0
    text = "Percent of bitmap set: %u\n" % value
    return text if value >= 100 else text + ("\t(bitmap dirty)\n" if bits else "\t(bitmap clean)\n")


def used(row):
    """Chunks of a compact shadow that hold data."""
    return min(bitmap.count(row["shd"]), row["ssize"] // bitmap.CHUNK_BLOCKS) if row["flags"] & model.TREEMAP else 0


def block(row):
    """All lines of one set."""
    text = "%s: (master volume)\n%s: (shadow volume)\n%s: (bitmap volume)\n" % (row["master"], row["shadow"], row["bitmap"])
    if not row["kernel"]:
        return text + "Suspended.\n"
    if row["overflow"]:
        text += "%s: (overflow volume)\n" % row["overflow"]
    if row["grp"]:
        text += "Group name: %s\n" % row["grp"]
    text += kind(row["flags"])
    text += "Latest modified time: %s\n" % (time.ctime(row["mtime"]) if row["mtime"] else "unknown")
    text += "Volume size: %8d\n" % row["size"]
    if row["ssize"] >= bitmap.CHUNK_BLOCKS:
        text += "Shadow chunks total: %d Shadow chunks used: %d\n" % (row["ssize"] // bitmap.CHUNK_BLOCKS, used(row))
    return text + ("" if row["flags"] & model.BMPOFFLINE else percent(row))


def show(call, line):
    """-i [all|volume]"""
    rows = cli.change(call, "Stat failed", lambda store: chosen(store, call, line))
    call.out(LINE.join(block(row) for row in rows))


def chosen(store, call, line):
    """The sets that -i names."""
    wanted = [] if line.operands[:1] == ["all"] else line.operands[:1]
    if wanted:
        row = model.find(store, wanted[0])
        if row is None:
            call.out("Volume is not in configuration file\n")
            raise model.Refused(model.NOT_ENABLED)
        return [row]
    if line.group is None:
        return model.sets(store)
    rows = model.sets(store, grp=line.group)
    if not rows:
        raise model.dsw("Group does not exist or has no members")
    return rows


def listing(call, line):
    """-l: a line for each set."""
    rows = model.sets(call.store) if line.group is None else model.sets(call.store, grp=line.group)
    for row in rows:
        call.out("%s %s %s %s%s\n" % (row["kind"], row["master"], row["shadow"], row["bitmap"], "" if row["kernel"] else " (suspended)"))


def groups(call, _line):
    """-g -L: names of groups."""
    for name in sorted({row["grp"] for row in model.sets(call.store)} - {""}):
        call.out(name + "\n")
