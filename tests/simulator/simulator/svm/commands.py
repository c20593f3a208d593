# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs."""

ORDER = 10  # of setting up: volumes before the file systems on them

COMMANDS = {
    "metastat": "metastat",
    "metaoffline": "offline", "metaonline": "offline",
    "metattach": "attach", "metadetach": "attach",
    "metainit": "init", "metaclear": "init",
    "metaset": "metaset", "metadb": "metadb",
    "metasync": "repair", "metareplace": "repair", "metaparam": "repair",
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS svm_host (host TEXT PRIMARY KEY, names TEXT, concise INTEGER, smf INTEGER, stale INTEGER,
    speed INTEGER);
CREATE TABLE IF NOT EXISTS svm_set (name TEXT PRIMARY KEY, number INTEGER, owner TEXT, auto_take INTEGER);
CREATE TABLE IF NOT EXISTS svm_set_host (disk_set TEXT, host TEXT, place INTEGER, PRIMARY KEY (disk_set, host));
CREATE TABLE IF NOT EXISTS svm_volume (host TEXT, name TEXT, kind TEXT, place INTEGER, bytes INTEGER, loop INTEGER,
    interlace INTEGER, PRIMARY KEY (host, name));
CREATE TABLE IF NOT EXISTS svm_mirror (host TEXT, name TEXT, pass INTEGER, read TEXT, write TEXT, pending INTEGER DEFAULT 0,
    cancelled INTEGER DEFAULT 0, PRIMARY KEY (host, name));
CREATE TABLE IF NOT EXISTS svm_submirror (host TEXT, mirror TEXT, slot INTEGER, name TEXT, state TEXT, target INTEGER DEFAULT 0,
    changed INTEGER, PRIMARY KEY (host, name));
CREATE TABLE IF NOT EXISTS svm_component (host TEXT, stripe TEXT, line INTEGER, place INTEGER, name TEXT, state TEXT,
    changed INTEGER);
CREATE TABLE IF NOT EXISTS svm_replica (host TEXT, name TEXT, first INTEGER, failed INTEGER);
CREATE TABLE IF NOT EXISTS svm_soft (host TEXT, name TEXT, base TEXT, start INTEGER, blocks INTEGER, PRIMARY KEY (host, name));
CREATE TABLE IF NOT EXISTS svm_resync (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, mirror TEXT, submirror TEXT,
    kind TEXT, status TEXT, region INTEGER, regions BLOB, total INTEGER, done REAL, at REAL, started REAL, ended REAL);
"""
