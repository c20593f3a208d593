# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs.

Lengths and offsets are in sectors of 512 bytes. Records know each other by `id`; names are what users see, and unique in a
disk group. A group, its disks and its data belong to the storage, not to a host: `imported` names the host that has it.
"""

ORDER = 20  # of setting up: volumes before the file systems on them

COMMANDS = {
    "vxassist": "vxassist", "vxprint": "vxprint", "vxsnap": "vxsnap", "vxtask": "vxtask", "vxdg": "vxdg", "vxvol": "vxvol",
    "vxedit": "vxedit", "vxmend": "vxedit", "vxplex": "vxplex", "vxdisk": "vxdisk", "vxrecover": "vxrecover",
    "vxinfo": "vxinfo", "vxdctl": "vxdctl", "vxcache": "vxcache", "vxmake": "vxcache",
}

PATHS = {name: ("/usr/sbin/" + name, "/opt/VRTS/bin/" + name) for name in COMMANDS}

SCHEMA = """
CREATE TABLE IF NOT EXISTS vxvm_switch (host TEXT, name TEXT, value TEXT, PRIMARY KEY (host, name));
CREATE TABLE IF NOT EXISTS vxvm_group (id TEXT PRIMARY KEY, name TEXT, version INTEGER, align INTEGER, scope TEXT,
    imported TEXT, claim TEXT, label TEXT, temporary INTEGER DEFAULT 0, minor INTEGER);
CREATE TABLE IF NOT EXISTS vxvm_disk (id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT, access TEXT, media TEXT, dg TEXT,
    length INTEGER, failed INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS vxvm_volume (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, name TEXT, kind TEXT, length INTEGER,
    usetype TEXT, kstate TEXT, state TEXT, readpol TEXT, minor INTEGER, loop INTEGER, fastresync INTEGER DEFAULT 0,
    origin INTEGER, tracked INTEGER DEFAULT 0, instant INTEGER DEFAULT 0, region INTEGER DEFAULT 128,
    snaptype TEXT, snapdate INTEGER, cache INTEGER, polls INTEGER DEFAULT 0, comment TEXT DEFAULT '',
    tutil0 TEXT DEFAULT '', putil0 TEXT DEFAULT '', putil1 TEXT DEFAULT '', putil2 TEXT DEFAULT '');
CREATE TABLE IF NOT EXISTS vxvm_plex (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, name TEXT, volume INTEGER, kstate TEXT,
    state TEXT, mode TEXT, length INTEGER, cache INTEGER, comment TEXT DEFAULT '',
    tutil0 TEXT DEFAULT '', putil0 TEXT DEFAULT '', putil1 TEXT DEFAULT '', putil2 TEXT DEFAULT '');
CREATE TABLE IF NOT EXISTS vxvm_subdisk (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, name TEXT, plex INTEGER,
    disk INTEGER, start INTEGER, length INTEGER, place INTEGER);
CREATE TABLE IF NOT EXISTS vxvm_dco (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, name TEXT, volume INTEGER, log INTEGER,
    version INTEGER);
CREATE TABLE IF NOT EXISTS vxvm_link (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, name TEXT, volume INTEGER,
    peer INTEGER, peername TEXT, dco TEXT);
CREATE TABLE IF NOT EXISTS vxvm_cache (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, name TEXT, volume INTEGER,
    kstate TEXT, state TEXT, autogrow INTEGER, region INTEGER);
CREATE TABLE IF NOT EXISTS vxvm_task (id INTEGER PRIMARY KEY AUTOINCREMENT, dg TEXT, type TEXT, words TEXT, volume INTEGER,
    plex INTEGER, goal TEXT, source TEXT, region INTEGER, regions BLOB, total INTEGER, done REAL DEFAULT 0, at REAL, tag TEXT,
    status TEXT DEFAULT 'running', full INTEGER, started REAL, ended REAL);
"""
