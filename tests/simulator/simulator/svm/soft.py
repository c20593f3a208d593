# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Soft partitions: pieces of a mirror or a concat/stripe (meta_sp.c).

An extent is a header of one block and the data; what metastat calls its start is where the data begin. The last block of
the volume below holds the end header. Here a soft partition has one extent, and headers are left blank.
"""
from simulator.svm import admin, model
from simulator.svm.names import Refusal, canonical, home

HEADER = 1  # blocks
UNITS = {"b": 1, "k": 2, "m": 2 << 10, "g": 2 << 20, "t": 2 << 30}  # blocks of 512 bytes


def parse_size(text):
    """Blocks of a size such as 10m or 2048b; None for "all"."""
    if text == "all":
        return None
    if text[-1:].lower() not in UNITS or not text[:-1].isdigit() or text[:-1] == "0":
        raise admin.Usage()
    return int(text[:-1]) * UNITS[text[-1].lower()]


def gaps(store, base):
    """[(first block of a header, blocks to the next header)] of what is free on a volume."""
    found, at = [], 0
    taken = [(row["start"] - HEADER, row["start"] + row["blocks"]) for row in model.soft_partitions(store, base)]
    end = model.volume(store, base)["bytes"] // 512 - HEADER
    for first, after in sorted(taken) + [(end, end)]:
        if first - at > HEADER:
            found.append((at, first - at))
        at = after
    return found


def place_of(store, base, blocks):
    """(start, blocks) of a new extent: the first gap it fits in; for "all" the largest one."""
    free = gaps(store, base)
    if blocks is None and free:
        first, length = max(free, key=lambda gap: gap[1])
        return first + HEADER, length - HEADER
    for first, length in free:
        if blocks is not None and length >= blocks + HEADER:
            return first + HEADER, blocks
    raise Refusal("not enough space available for request", base)


def check_place(store, base, start, blocks):
    """Refuse an extent given with -o and -b that does not lie in one gap."""
    if start < HEADER or start + blocks > model.volume(store, base)["bytes"] // 512 - HEADER:
        raise Refusal("not enough space available for request", base)
    if not any(first <= start - HEADER and start + blocks <= first + length for first, length in gaps(store, base)):
        raise Refusal("overlapping extents specified", base)
    return start, blocks


def parse(words, disk_set):
    """The operands behind -p as (base, start or None, blocks or None)."""
    words = [word for word in words if word != "-e"]
    if len(words) == 2:
        return canonical(words[0], disk_set), None, parse_size(words[1])
    if len(words) == 5 and words[1] == "-o" and words[3] == "-b" and words[2].isdigit() and words[4].isdigit():
        return canonical(words[0], disk_set), int(words[2]), int(words[4])
    raise admin.Usage()


def make(store, name, base, start, blocks):
    """Create a soft partition; the volume below it refuses writers from then on."""
    row = model.volume(store, base)
    others = model.soft_partitions(store, base)
    if row["kind"] == "p" or model.parent(store, base):
        raise Refusal("invalid unit", base)
    model.refuse_mounted(base)
    if not others and model.is_open(store, row):
        raise Refusal("metadevice is open", base)
    start, blocks = check_place(store, base, start, blocks) if start else place_of(store, base, blocks)
    model.new_volume(store, name, "p", blocks * 512)
    store.db.execute("INSERT INTO svm_soft VALUES (?,?,?,?,?)", (home(name), name, base, start, blocks))
    if not others:
        model.bind(store, base)
    model.bind(store, name)
    return "%s: Soft Partition is setup\n" % name


def removed(store, base):
    """A soft partition on BASE is gone: with the last one, writers may open the volume again."""
    if not model.soft_partitions(store, base):
        model.bind(store, base)
