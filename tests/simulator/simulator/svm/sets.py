# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disk sets: volumes that several hosts see and one of them owns.

Only the owner has device nodes and may run a command on the set. Release and take unload and load the records, so an
offlined submirror comes back as one that is resynchronised, as after a reboot.
"""
from simulator.core import place
from simulator.svm import load, model, resync
from simulator.svm.names import Refusal, set_home

NO_OWNER = "must be owner of the set for this command"


def find(store, name):
    """Row of a set this host belongs to."""
    row = store.row("SELECT svm_set.* FROM svm_set JOIN svm_set_host ON svm_set.name=disk_set WHERE name=? AND host=?",
                    name, place.HOST)
    if row is None:
        raise Refusal("no such set", name)
    return row


def check(store, name):
    """Refuse a set that this host does not own."""
    if find(store, name)["owner"] != place.HOST:
        raise Refusal(NO_OWNER, name)


def known(store):
    """All sets this host belongs to, by number."""
    return store.rows("SELECT svm_set.* FROM svm_set JOIN svm_set_host ON name=disk_set WHERE host=? ORDER BY number", place.HOST)


def hosts(store, name):
    """The hosts of a set in order."""
    return [row["host"] for row in store.rows("SELECT host FROM svm_set_host WHERE disk_set=? ORDER BY place", name)]


def drives(store, name):
    """The disks of a set, as metaset lists them."""
    rows = store.rows("SELECT name FROM svm_component WHERE host=? ORDER BY rowid", set_home(name))
    return list(dict.fromkeys(row["name"].rsplit("s", 1)[0] for row in rows))


def create(store, name, members, auto_take=False):
    """Enter a set without volumes; this host owns it until it is released."""
    number = store.row("SELECT coalesce(max(number), 0) AS number FROM svm_set")["number"] + 1
    store.db.execute("INSERT INTO svm_set VALUES (?,?,?,?)", (name, number, place.HOST, int(auto_take)))
    for index, host in enumerate(members):
        store.db.execute("INSERT INTO svm_set_host VALUES (?,?,?)", (name, host, index))


def join(store, name, index):
    """Make this host one of a set's hosts (again, after a reset)."""
    store.db.execute("INSERT OR IGNORE INTO svm_set_host VALUES (?,?,?)", (name, place.HOST, index))


def own(store, name, host):
    """Note the owner of a set (None: nobody)."""
    store.db.execute("UPDATE svm_set SET owner=? WHERE name=?", (host, name))


def unload(store, name):
    """Take the devices of a set away. Nothing may have them open."""
    for row in model.volumes(store, owner=set_home(name)):
        model.unbind(store, row)
    own(store, name, None)


def take(store, name, force=False):
    """Become the owner. By force from a host that is dead: one that has a volume open would have to panic first."""
    row = find(store, name)
    if row["owner"] == place.HOST:
        return
    if row["owner"] is not None:
        volumes = model.volumes(store, owner=set_home(name))
        if not force or any(model.has_writers(store, volume) for volume in volumes):
            raise Refusal("only the current owner %s may operate on this set" % row["owner"], name)
        unload(store, name)
    own(store, name, place.HOST)
    for volume in model.volumes(store, owner=set_home(name)):
        model.bind(store, volume["name"])
    load.load(store, set_home(name), {})


def release(store, name):
    """Give a set up; refused while one of its volumes is open here."""
    check(store, name)
    resync.advance(store)
    if any(model.is_open(store, row) for row in model.volumes(store, owner=set_home(name))):
        raise Refusal("Device busy", name)
    unload(store, name)


def forget(store, name):
    """Take this host out of a set; with the last one, the set itself goes. Returns true if it went."""
    store.db.execute("DELETE FROM svm_set_host WHERE disk_set=? AND host=?", (name, place.HOST))
    if hosts(store, name):
        return False
    store.db.execute("DELETE FROM svm_set WHERE name=?", (name,))
    return True
