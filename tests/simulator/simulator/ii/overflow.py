# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm -O, -A, -D, -Q, -L: overflow volumes of compact dependent shadows. Which chunks they hold is counted, not stored."""
from simulator.core import place
from simulator.ii import bitmap, cli, data, model, track


def find(store, path):
    """An overflow volume that was initialised here, or None."""
    return store.row("SELECT * FROM ii_overflow WHERE host=? AND path=?", place.HOST, path)


def attached(store, path):
    """The sets that use an overflow volume."""
    return model.sets(store, overflow=path)


def initialise(call, line, path):
    """Make PATH an overflow volume."""
    cli.confirm(line, "Initialize this overflow volume?")

    def act(store):
        if any(path in (row["master"], row["shadow"], row["bitmap"]) for row in model.sets(store)):
            raise model.dsw("Volume is part of a Point-in-Time Copy group", model.BUSY)
        if attached(store, path):
            raise model.Refused("II: Volume in use")
        volume = data.opened(store, path)
        if volume is None:
            raise model.Refused(model.NO_OPEN, model.NO_DEVICE)
        store.db.execute("INSERT OR REPLACE INTO ii_overflow (host, path, total) VALUES (?,?,?)",
                         (place.HOST, path, volume.size // bitmap.CHUNK_BLOCKS))
    cli.change(call, "Create overflow failed", act)


def create(call, line):
    """-O volume"""
    initialise(call, line, line.argument)


def shadows(call, line, words):
    """The sets an attach names."""
    if line.group is None:
        return words
    rows = model.sets(call.store, grp=line.group)
    if not rows:
        raise model.dsw("Group does not exist or has no members")
    return [row["shadow"] for row in rows]


def attach(call, line):
    """-A overflow volume, or overflow for a group"""
    words = line.volumes(1, 2, "specify 2 volumes with -A")
    if line.group is None and len(words) < 2:
        raise cli.usage("specify 2 volumes with -A")
    path, names = words[0], shadows(call, line, words[1:])
    for name in names:
        row = model.known(call.store, name)
        if any(path in (one["master"], one["shadow"], one["bitmap"]) for one in model.sets(call.store)):
            raise model.dsw("Overflow volume is already in a Point-in-Time Copy group", model.BUSY)
        if not row["flags"] & model.TREEMAP:
            raise model.dsw("Not a compact dependent shadow")
        if find(call.store, path) is None:
            initialise(call, line, path)

        def act(store, shadow=name):
            track.change(store, model.running(store, shadow), overflow=path)
        cli.change(call, "Attach failed", act)


def detach(call, _line, shadow):
    """-D volume"""
    def act(store):
        row = model.running(store, shadow)
        if row["flags"] & model.VOVERFLOW:
            raise model.Refused("II: Volumes are currently dependent on overflow volume")
        if row["overflow"] is None:
            raise model.Refused("II: Overflow volume magic number or name does not match")
        track.change(store, row, overflow=None)
    cli.change(call, "Failed to detach overflow volume", act)


def query(call, line):
    """-Q volume"""
    row = find(call.store, line.argument)
    if row is None:
        raise model.dsw("Query overflow failed", "II: Overflow volume magic number or name does not match")
    users = attached(call.store, line.argument)
    call.out("Total number of attached shadows: %d\nNumber of currently attached shadows: %d\n" % (
        len(users), len([one for one in users if one["kernel"]])))
    call.out("Total number of chunks: %d\nNumber of chunks ever allocated: %d\nNumber of used chunks: %d\n"
             "Number of unused chunks: %d\n" % (row["total"], row["allocated"], row["used"], row["total"] - row["used"]))


def listing(call, _line):
    """-L: overflow volumes of sets."""
    for path in sorted({row["overflow"] for row in model.sets(call.store)} - {None}):
        suspended = all(not row["kernel"] for row in attached(call.store, path))
        call.out(path + (" (attached to suspended set)" if suspended else "") + "\n")
