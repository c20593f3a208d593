# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs."""

ORDER = 50  # of setting up: volumes before the file systems on them

COMMANDS = {
    "lockfs": "lockfs",
    "mount": "mount", "umount": "mount",
    "fsck": "fsck", "fstyp": "fsck", "newfs": "fsck",
    "ufsdump": "dump", "ufsrestore": "restore",
    "dd": "tools", "kstat": "tools",
}

PATHS = {"dd": "/usr/bin/dd"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS ufs_mount (host TEXT, special TEXT, point TEXT, options TEXT, time INTEGER, loop INTEGER,
    replay TEXT, PRIMARY KEY (host, point));
CREATE TABLE IF NOT EXISTS ufs_lock (host TEXT, point TEXT, type TEXT, comment TEXT, busy INTEGER DEFAULT 0,
    PRIMARY KEY (host, point));
CREATE TABLE IF NOT EXISTS ufs_vfstab (host TEXT, special TEXT, point TEXT, options TEXT, PRIMARY KEY (host, point));
"""
