# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs."""

ORDER = 5  # of setting up: independent of volumes

COMMANDS = {"mt": "mt"}
PATHS = {"mt": "/usr/bin/mt"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS tape_drive (host TEXT, number INTEGER, cartridge TEXT, online INTEGER, PRIMARY KEY (host, number));
CREATE TABLE IF NOT EXISTS tape_cartridge (name TEXT PRIMARY KEY, bytes INTEGER, protected INTEGER);
"""
