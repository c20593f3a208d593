# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of all simulated hosts: one SQLite file on the shared storage.

A transaction holds an flock beside the database, so concurrent commands of several containers wait for each other
without SQLite's growing sleeps. The rollback journal is kept on disk: a command may be killed at any point.
"""
import fcntl
import os

import _sqlite3  # the package sqlite3 imports datetime and more: twice the start-up time

from simulator.core import place

SCHEMA = """
CREATE TABLE IF NOT EXISTS host (host TEXT PRIMARY KEY, booted INTEGER NOT NULL, topology TEXT);
CREATE TABLE IF NOT EXISTS loop (number INTEGER PRIMARY KEY, host TEXT NOT NULL, volume TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, pid INTEGER, ppid INTEGER,
    argv TEXT, started REAL, ended REAL, rc INTEGER, fault TEXT);
CREATE TABLE IF NOT EXISTS fault (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, command TEXT, nth INTEGER,
    effect TEXT, message TEXT, rc INTEGER, seen INTEGER DEFAULT 0, done INTEGER DEFAULT 0);
"""


class Transaction:
    """`with store.transaction() as db:` commits at the end, rolls back on an exception. May be nested."""

    def __init__(self, store):
        self.store = store

    def __enter__(self):
        store = self.store
        if store.depth == 0 and store.writable:
            fcntl.flock(store.lock, fcntl.LOCK_EX)
            store.db.execute("BEGIN IMMEDIATE")
        store.depth += 1
        return store.db

    def __exit__(self, kind, value, trace):
        store = self.store
        store.depth -= 1
        if store.depth == 0 and store.writable:
            store.db.execute("COMMIT" if kind is None else "ROLLBACK")
            fcntl.flock(store.lock, fcntl.LOCK_UN)


class Store:
    """An open state file. `store.db` is a connection in autocommit mode whose rows are addressed by column name.

    Anybody may read it, root may write: for others a transaction is nothing, and their calls are not journaled.
    """

    def __init__(self, create=False):
        path = os.path.join(place.SAN, "state.db")
        if not create and not os.path.exists(path):
            raise FileNotFoundError(2, "no simulator state", path)
        self.writable = os.geteuid() == 0
        self.depth = 0
        mode = "rwc" if self.writable else "ro"
        self.db = _sqlite3.connect("file:%s?mode=%s" % (path, mode), isolation_level=None, timeout=60, uri=True)
        self.db.row_factory = _sqlite3.Row
        if self.writable:
            self.lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.db.execute("PRAGMA synchronous=OFF")

    def transaction(self):
        """A write transaction, alone among all commands of all hosts."""
        return Transaction(self)

    def rows(self, sql, *values):
        """All rows of a query as a list."""
        return self.db.execute(sql, values).fetchall()

    def row(self, sql, *values):
        """First row of a query, or None."""
        return self.db.execute(sql, values).fetchone()
