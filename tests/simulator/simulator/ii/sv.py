# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage volumes: the devices below which Instant Image sees the writes, and who asked for them (sv, ii)."""
from simulator.core import place
from simulator.ii import data, model

FAILED = ("SV: Error from nsc_open()", "SOLARIS: No such device or address")


def rows(store):
    """All of this host."""
    return store.rows("SELECT * FROM ii_sv WHERE host=? ORDER BY rowid", place.HOST)


def find(store, path):
    """One by its path, or None."""
    return store.row("SELECT * FROM ii_sv WHERE host=? AND path=?", place.HOST, path)


def is_on(store, path):
    """True while writes to a volume are seen."""
    row = find(store, path)
    return row is not None and bool(row["kernel"])


def automatic(store):
    """True where iiadm puts volumes under SV itself, as since version 3.1."""
    here = model.host(store)
    return here is None or bool(here["auto_sv"])


def enable(store, path, user):
    """Put a volume under SV for a user; False if it cannot be opened."""
    if data.opened(store, path) is None:
        return False
    if user == "ii" and not automatic(store):
        return True
    row = find(store, path)
    users = set(row["users"].split()) if row else set()
    store.db.execute("INSERT INTO ii_sv VALUES (?,?,1,?) ON CONFLICT (host, path) DO UPDATE SET kernel=1, users=excluded.users",
                     (place.HOST, path, " ".join(sorted(users | {user}))))
    return True


def leave(store, path, user):
    """A user needs a volume no longer; it goes when nobody else does."""
    row = find(store, path)
    if row is None:
        return
    users = set(row["users"].split()) - {user}
    if users:
        store.db.execute("UPDATE ii_sv SET users=? WHERE host=? AND path=?", (" ".join(sorted(users)), place.HOST, path))
    else:
        store.db.execute("DELETE FROM ii_sv WHERE host=? AND path=?", (place.HOST, path))


def alias(store, path):
    """The name under which the device at PATH is known already, if it is another one."""
    if "/rdsk/" not in path:
        return None  # both names of a volume lead to one node here
    try:
        wanted = data.number(path)
    except OSError:
        return None
    for row in rows(store):
        try:
            if row["path"] != path and wanted is not None and data.number(row["path"]) == wanted:
                return row["path"]
        except OSError:
            continue
    return None
