# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sets of this host, the flags of their state, and the refusals of driver and commands."""
import sys

from simulator.core import place

GOLDEN, COPYINGP, COPYINGM, COPYINGS, COPYINGX = 0x1, 0x100, 0x200, 0x400, 0x800
BMPOFFLINE, SHDOFFLINE, MSTOFFLINE, OVROFFLINE = 0x1000, 0x2000, 0x4000, 0x8000
TREEMAP, OVERFLOW, SHDEXPORT, SHDIMPORT, VOVERFLOW = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
COPYING = COPYINGP | COPYINGM | COPYINGS | COPYINGX
OFFLINE = BMPOFFLINE | SHDOFFLINE | MSTOFFLINE | OVROFFLINE
AWAY = SHDEXPORT | SHDIMPORT

IMPORTED = "<imported_shadow>"  # master of a set that was imported
NAME_LIMIT = 63

NOT_FOUND = "Set/volume not found"
BUSY = "Device busy"
NO_ERROR = "Error 0"
NO_DEVICE = "SOLARIS: No such device or address"

IN_USE = "II: Volume in use"
NOT_ENABLED = "II: Volume not enabled"
DEPENDENT = "II: Volumes are not currently independent"
IN_PROGRESS = "II: Volume copy in progress"
NO_OPEN = "II: nsc_open failed"
BAD_MAGIC = "II: Bitmap magic number is not valid"
ALREADY = "II: Operation already successfully performed"


class Refused(Exception):
    """The driver says no: its status stack, newest first."""

    def __init__(self, *stack):
        Exception.__init__(self, stack[0])
        self.stack = stack


class Failure(Exception):
    """A command says no: what it prints on stderr, and its exit status."""

    def __init__(self, text, rc):
        Exception.__init__(self, text)
        self.rc = rc


def dsw(text, *stack):
    """The usual refusal: what failed, then why, line by line."""
    return Failure("%s: %s:\n%s\n" % (sys.argv[0], text, "\n".join(stack or (NO_ERROR,))), 2)


def plain(text):
    """A refusal of one line."""
    return Failure("%s: %s\n" % (sys.argv[0], text), 1)


def host(store):
    """The row of this host, or None if Instant Image is not installed here."""
    return store.row("SELECT * FROM ii_host WHERE host=?", place.HOST)


def sets(store, **fields):
    """Sets of this host in the order of the configuration, those with these fields."""
    condition = "".join(" AND %s=?" % name for name in fields)
    return store.rows("SELECT * FROM ii_set WHERE host=?%s ORDER BY id" % condition, place.HOST, *fields.values())


def find(store, shadow):
    """The set named by its shadow, or None."""
    return (sets(store, shadow=shadow) or [None])[0]


def get(store, set_id):
    """A set by its id, or None."""
    return store.row("SELECT * FROM ii_set WHERE id=?", set_id)


def update(store, set_id, **fields):
    """Change fields of a set."""
    words = ", ".join("%s=?" % name for name in fields)
    store.db.execute("UPDATE ii_set SET %s WHERE id=?" % words, tuple(fields.values()) + (set_id,))


def delete(store, set_id):
    """Remove a set from the configuration."""
    store.db.execute("DELETE FROM ii_set WHERE id=?", (set_id,))


def known(store, shadow):
    """The set of a shadow; Failure if it is not configured."""
    row = find(store, shadow)
    if row is None:
        raise dsw("Volume is not in a Point-in-Time Copy group", NOT_FOUND)
    return row


def running(store, shadow):
    """The set of a shadow that the driver has; Refused if it has none."""
    row = find(store, shadow)
    if row is None or not row["kernel"]:
        raise Refused(NOT_ENABLED)
    return row


def independent(row):
    """True for an independent set."""
    return row["kind"] == "ind"
