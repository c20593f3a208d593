# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs."""

ORDER = 12  # of setting up: volumes before the file systems on them

COMMANDS = {
    "sdxinfo": "info", "sdxproxy": "proxy", "sdxslice": "slices", "sdxvolume": "volume",
    "sdxdisk": "disk", "sdxgroup": "disk",
    "sdxcopy": "repair", "sdxattr": "repair", "sdxfix": "repair",
    "sdxshadowdisk": "shadow", "sdxshadowgroup": "shadow", "sdxshadowvolume": "shadow",
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS gds_host (host TEXT PRIMARY KEY, domain TEXT, columns TEXT, speed INTEGER, opc INTEGER);
CREATE TABLE IF NOT EXISTS gds_lun (lun TEXT PRIMARY KEY, blocks INTEGER, used INTEGER);
CREATE TABLE IF NOT EXISTS gds_path (host TEXT, device TEXT, lun TEXT, PRIMARY KEY (host, device));
CREATE TABLE IF NOT EXISTS gds_class (domain TEXT, name TEXT, type TEXT, scope TEXT, shadow INTEGER, PRIMARY KEY (domain, name));
CREATE TABLE IF NOT EXISTS gds_disk (domain TEXT, class TEXT, name TEXT, lun TEXT, type TEXT, grp TEXT, place INTEGER, status TEXT,
    error INTEGER, PRIMARY KEY (domain, class, name));
CREATE TABLE IF NOT EXISTS gds_group (domain TEXT, class TEXT, name TEXT, type TEXT, width INTEGER, parent TEXT, place INTEGER,
    PRIMARY KEY (domain, class, name));
CREATE TABLE IF NOT EXISTS gds_volume (domain TEXT, class TEXT, name TEXT, grp TEXT, first INTEGER, blocks INTEGER, jrm TEXT,
    pslice TEXT, locked INTEGER, mode TEXT, master TEXT, relation TEXT, pjrm TEXT, copying INTEGER DEFAULT 0,
    forgotten INTEGER DEFAULT 0, PRIMARY KEY (domain, class, name));
CREATE TABLE IF NOT EXISTS gds_started (domain TEXT, class TEXT, volume TEXT, host TEXT);
CREATE TABLE IF NOT EXISTS gds_slice (domain TEXT, class TEXT, volume TEXT, disk TEXT, place INTEGER, state TEXT, host TEXT,
    mode TEXT DEFAULT 'rw', jrm TEXT, forgotten INTEGER DEFAULT 0, PRIMARY KEY (domain, class, volume, disk));
CREATE TABLE IF NOT EXISTS gds_device (domain TEXT, class TEXT, name TEXT, loop INTEGER, PRIMARY KEY (domain, class, name));
CREATE TABLE IF NOT EXISTS gds_copy (id INTEGER PRIMARY KEY AUTOINCREMENT, domain TEXT, class TEXT, volume TEXT, disk TEXT,
    source TEXT, target TEXT, status TEXT, regions BLOB, total INTEGER, done REAL, at REAL, full INTEGER);
"""
