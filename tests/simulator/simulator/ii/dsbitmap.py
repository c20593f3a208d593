# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dsbitmap(1M): how large a bitmap volume must be."""
from simulator.ii import bitmap, data

FAILURE = 1
USAGE = "Usage: dsbitmap -h\n       dsbitmap { -p | -r } data_volume [bitmap_volume]\n"
SIZES = "Data volume (%s) size: %d blocks\nRequired bitmap volume size:\n"
POINT_IN_TIME, REMOTE = "-p", "-r"


def point_in_time(call, path, blocks):
    """Sizes for Instant Image; (enough for the simple kinds, enough for all)."""
    simple, compact = bitmap.needed(blocks), bitmap.compact(blocks)
    call.out("Point in Time bitmap sizing\n\n" + SIZES % (path, blocks))
    call.out("  Independent shadow: %d blocks\n  Full size dependent shadow: %d blocks\n  Compact dependent shadow: %d blocks\n"
             % (simple, simple, compact))
    return simple, compact


def verdict(call, bits, size, simple, compact):
    """What a supplied bitmap volume is good for."""
    call.out("\nSupplied bitmap volume %s (%d blocks)\n" % (bits, size))
    if size >= compact:
        call.out("is large enough for all types of shadow volume\n")
        return 0
    if size >= simple:
        call.out("is large enough for: Independent and full size dependent shadow volumes only\n")
        return 6
    call.out("is not large enough forany type of shadow volume\n")
    return 5


def remote(call, path, blocks):
    """Sizes for Remote Mirror, which is not simulated."""
    simple = bitmap.map_blocks(blocks) - 15
    call.out("Remote Mirror bitmap sizing\n\n" + SIZES % (path, blocks))
    for text, factor in (("Sync replication", 0), ("Async replication with memory queue", 0), ("Async replication with disk queue", 8),
                         ("Async replication with disk queue and 32 bit refcount", 32)):
        call.out("  %s: %d blocks\n" % (text, simple * (1 + factor)))
    return 0


def main(call):
    """dsbitmap."""
    if call.args[:1] == ["-h"]:
        call.out(USAGE)
        return 0
    if call.args[:1] not in ([POINT_IN_TIME], [REMOTE]) or len(call.args) not in (2, 3):
        call.err(USAGE)
        return 2
    volumes = [None if call.store is None else data.opened(call.store, path) for path in call.args[1:]]
    if None in volumes:
        bad = call.args[1 + volumes.index(None)]
        call.err("dsbitmap: error: unable to open partition, %s\n" % bad)
        return 1
    if call.args[0] == REMOTE:
        return remote(call, call.args[1], volumes[0].size)
    simple, compact = point_in_time(call, call.args[1], volumes[0].size)
    return verdict(call, call.args[2], volumes[1].size, simple, compact) if len(volumes) > 1 else 0


without_state = main
