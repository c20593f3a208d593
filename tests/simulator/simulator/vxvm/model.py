# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Groups and records of this host: switches, lookups by name, rules for names, the form of refusals."""
import os

from simulator.core import place

ENABLED, DISABLED, DETACHED = "ENABLED", "DISABLED", "DETACHED"
ACTIVE, CLEAN, EMPTY, STALE, INVALID = "ACTIVE", "CLEAN", "EMPTY", "STALE", "INVALID"
SNAPATT, SNAPDONE, SNAPTMP, DCOSNP = "SNAPATT", "SNAPDONE", "SNAPTMP", "DCOSNP"
SNAPPING = (SNAPATT, SNAPTMP)
ATTACHING = SNAPPING + ("TEMP",)  # removed when the volume is started after a crash
NAME_LIMIT, COMPANION_LIMIT = 31, 30
RECORDS = ("volume", "plex", "subdisk", "dco", "link", "cache")  # tables whose names are unique in a group

# Where no source confirms a form, or sources differ, a switch chooses; the first is what manuals show.
SWITCHES = {
    "resync_speed": "200 MiB",
    "header": "8.0",          # vxprint's headers: 8.0, 4.1, 3.5, 3.2
    "quotes": "plain",        # strings in vxprint -m: plain, or open (state="ACTIVE without an end)
    "messages": "numbered",   # or old: vxvm:vxassist: ERROR: text, as before 4.0
    "task_list": "header",    # vxtask list with nothing to list: header, or empty
    "vxconfigd": "enabled",   # disabled, not-running
    "block_size": "512",      # 1024: lengths as on HP-UX
    "no_space": "435",        # number of the message: 435, 15809, 752
    "import_error": "10978",  # 587
    "reattached": "SNAPDONE",  # state after vxsnap reattach: ACTIVE in the 4.1 manual
    "copying": "background",   # vxsnap reattach and restore come back at once; foreground: at the end of the copy
    "first_name": "SNAP-%v",  # SNAP%d-%v in the manuals of 3.5 and 4.1
    "snap_readpol": "ROUND",  # SELECT
    "cluster": "inactive",    # master, slave: what vxdctl -c mode says
    "open_cache": "0",        # so many polls see a new cache volume still open
}


class Refusal(Exception):
    """What a command says no with: text, exit status, and the number of the message (0 where no source tells it)."""

    style = "numbered"

    def __init__(self, text, rc=1, number=0):
        Exception.__init__(self, text)
        self.rc = rc
        self.number = number

    def message(self, command):
        """The line on stderr."""
        if self.style == "old":
            return "vxvm:%s: ERROR: %s\n" % (command, self)
        return "VxVM %s ERROR V-5-1-%d %s\n" % (command, self.number, self)


def switch(store, name):
    """The value of a switch of this host, a text."""
    row = store.row("SELECT value FROM vxvm_switch WHERE host=? AND name=?", place.HOST, name)
    return row["value"] if row else SWITCHES[name]


def check_daemon(store):
    """Refuse everything while vxconfigd does not run or nothing was set up here."""
    Refusal.style = switch(store, "messages")
    row = store.row("SELECT value FROM vxvm_switch WHERE host=? AND name='vxconfigd'", place.HOST)
    if row is None or row["value"] != "enabled":
        raise Refusal("IPC failure: Configuration daemon is not accessible", 3, 684)


def update(store, table, row_id, **fields):
    """Change fields of one record."""
    words = ", ".join("%s=?" % name for name in fields)
    store.db.execute("UPDATE vxvm_%s SET %s WHERE id=?" % (table, words), tuple(fields.values()) + (row_id,))


def insert(store, table, **fields):
    """Make a record; its id."""
    sql = "INSERT INTO vxvm_%s (%s) VALUES (%s)" % (table, ", ".join(fields), ", ".join("?" * len(fields)))
    return store.db.execute(sql, tuple(fields.values())).lastrowid


def delete(store, table, row_id):
    """Remove a record."""
    store.db.execute("DELETE FROM vxvm_%s WHERE id=?" % table, (row_id,))


def get(store, table, row_id):
    """A record by its id, or None."""
    return store.row("SELECT * FROM vxvm_%s WHERE id=?" % table, row_id)


def groups(store):
    """All groups this host has imported, by name."""
    return store.rows("SELECT * FROM vxvm_group WHERE imported=? ORDER BY name", place.HOST)


def find_group(store, name):
    """An imported group by name or id, or None."""
    return store.row("SELECT * FROM vxvm_group WHERE imported=? AND (name=? OR id=?)", place.HOST, name, name)


def group(store, name):
    """The group named with -g; without it VXVM_DEFAULTDG, and rootdg where that exists."""
    wanted = name or os.environ.get("VXVM_DEFAULTDG") or "rootdg"
    found = find_group(store, wanted)
    if found is None and not name and wanted == "rootdg":
        raise Refusal("No disk group is given, and there is no default disk group", 9)
    if found is None:
        raise Refusal("Diskgroup %s not found" % wanted, 9, 607)
    return found


def disks(store, dg):
    """Disks of a group by media name."""
    return store.rows("SELECT * FROM vxvm_disk WHERE dg=? ORDER BY media", dg)


def volumes(store, dg, *kinds):
    """Volumes of a group by name, of all kinds or of these."""
    return [row for row in store.rows("SELECT * FROM vxvm_volume WHERE dg=? ORDER BY name", dg) if not kinds or row["kind"] in kinds]


def record_or_none(store, table, dg, name):
    """The record NAME of a kind in a group, or None."""
    return store.row("SELECT * FROM vxvm_%s WHERE dg=? AND name=?" % table, dg, name)


def record(store, table, dg, name):
    """The record NAME of a kind in a group; Refusal if there is none."""
    row = record_or_none(store, table, dg, name)
    if row is None:
        raise Refusal("Record %s not in disk group configuration" % name, 11, 926)
    return row


def volume(store, dg, name):
    """The volume NAME of a group."""
    return record(store, "volume", dg, name)


def plexes(store, volume_id, *states):
    """Plexes of a volume in the order they were made, all or those in these states."""
    rows = store.rows("SELECT * FROM vxvm_plex WHERE volume=? ORDER BY name", volume_id)
    return [row for row in rows if not states or row["state"] in states]


def subdisks(store, plex_id):
    """Subdisks of a plex in the order of their data."""
    return store.rows("SELECT * FROM vxvm_subdisk WHERE plex=? ORDER BY place", plex_id)


def dco(store, volume_id):
    """The DCO of a volume, or None."""
    return store.row("SELECT * FROM vxvm_dco WHERE volume=?", volume_id)


def links(store, volume_id):
    """Snap objects of a volume."""
    return store.rows("SELECT * FROM vxvm_link WHERE volume=? ORDER BY id", volume_id)


def snapshots(store, volume_id):
    """Volumes that were broken off or made from a volume and still belong to it."""
    return store.rows("SELECT * FROM vxvm_volume WHERE origin=? ORDER BY id", volume_id)


def taken(store, dg, name):
    """True if a record or disk of the group has this name."""
    return (any(store.row("SELECT 1 FROM vxvm_%s WHERE dg=? AND name=?" % table, dg, name) for table in RECORDS)
            or store.row("SELECT 1 FROM vxvm_disk WHERE dg=? AND media=?", dg, name) is not None)


def check_new_name(store, dg, name):
    """Refuse a name that is too long or taken."""
    if len(name) > NAME_LIMIT:
        raise Refusal("Name %s is too long" % name, 2)
    if taken(store, dg, name):
        raise Refusal("Record %s already exists in disk group" % name, 12)


def companion(store, dg, base, suffix):
    """A free name for what belongs to BASE: BASE is cut so that the whole is not too long."""
    number = ""
    while True:
        end = suffix + str(number)
        name = base[:COMPANION_LIMIT - len(end)] + end
        if not taken(store, dg, name):
            return name
        number = int(number or 0) + 1


def part_name(store, dg, base, form="-%02d"):
    """A free name for a plex or subdisk of BASE: base-01, base-02 ..."""
    number = 1
    while True:
        end = form % number
        name = base[:NAME_LIMIT - len(end)] + end
        if not taken(store, dg, name):
            return name
        number += 1
