# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which module of this package does which command, and the tables it needs."""

ORDER = 60  # of setting up: after the volumes; asked before ufs whether a mount or fsck is its own

COMMANDS = {"mount": "mount", "umount": "mount", "fsck": "fsck", "fstyp": "fsck", "mkfs": "fsck"}

PATHS = {"fstyp": ("/usr/sbin/fstyp", "/opt/VRTS/bin/fstyp"), "fsck": ("/usr/sbin/fsck", "/opt/VRTS/bin/fsck"),
         "mount": ("/usr/sbin/mount", "/opt/VRTS/bin/mount"), "umount": ("/usr/sbin/umount", "/opt/VRTS/bin/umount")}

SCHEMA = """
CREATE TABLE IF NOT EXISTS vxfs_mount (host TEXT, special TEXT, point TEXT, options TEXT, time INTEGER, PRIMARY KEY (host, point));
CREATE TABLE IF NOT EXISTS vxfs_vfstab (host TEXT, special TEXT, point TEXT, PRIMARY KEY (host, point));
"""
