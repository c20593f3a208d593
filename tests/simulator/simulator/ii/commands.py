# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs.

A set is a line of the configuration of one host; `kernel` is 1 while the driver has it, 0 while it is suspended. Its bitmaps are
kept here and, as far as programs can see them, in its bitmap volume. Volumes are known by their raw paths.
"""

ORDER = 30  # of setting up: after the volumes, before the file systems on them

COMMANDS = {"iiadm": "iiadm", "svadm": "svadm", "iiboot": "iiboot", "dscfg": "dscfg", "dscfgadm": "dscfgadm",
            "scmadm": "scmadm", "dsbitmap": "dsbitmap"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS ii_host (host TEXT PRIMARY KEY, speed INTEGER, loaded INTEGER DEFAULT 1, bitmap INTEGER DEFAULT 1,
    services INTEGER DEFAULT 1, auto_sv INTEGER DEFAULT 1);
CREATE TABLE IF NOT EXISTS ii_set (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, master TEXT, shadow TEXT, bitmap TEXT,
    kind TEXT, overflow TEXT, grp TEXT DEFAULT '', options TEXT DEFAULT '', kernel INTEGER DEFAULT 0, flags INTEGER DEFAULT 0,
    mtime INTEGER DEFAULT 0, size INTEGER DEFAULT 0, ssize INTEGER DEFAULT 0, shd BLOB, cpy BLOB, seen_master TEXT,
    seen_shadow TEXT, delay INTEGER DEFAULT 2, units INTEGER DEFAULT 100, pid INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS ii_copy (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, set_id INTEGER, shadow TEXT, direction TEXT,
    full INTEGER, regions BLOB, total INTEGER, done REAL DEFAULT 0, at REAL, status TEXT DEFAULT 'running', started REAL,
    ended REAL);
CREATE TABLE IF NOT EXISTS ii_sv (host TEXT, path TEXT, kernel INTEGER, users TEXT, PRIMARY KEY (host, path));
CREATE TABLE IF NOT EXISTS ii_overflow (host TEXT, path TEXT, total INTEGER, used INTEGER DEFAULT 0, allocated INTEGER DEFAULT 0,
    PRIMARY KEY (host, path));
"""
