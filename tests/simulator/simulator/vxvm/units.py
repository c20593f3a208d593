# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lengths as the commands take and print them: sectors of 512 bytes, or blocks of 1 KB on a host that counts so."""
import re

SECTOR = 512
FACTORS = {"": 1, "s": 1, "b": 1, "k": 2, "m": 2 << 10, "g": 2 << 20, "t": 2 << 30}


def sectors(text, block=SECTOR):
    """Sectors of a length such as 20480, 10m or 2g; ValueError if it is none. Plain numbers are blocks."""
    found = re.match(r"^(\d+(?:\.\d+)?)([sbkmgt]?)b?$", text.lower())
    if not found:
        raise ValueError(text)
    factor = FACTORS[found.group(2)] if found.group(2) not in ("", "s", "b") else block // SECTOR
    return int(float(found.group(1)) * factor)


def megabytes(length):
    """Whole megabytes of a length in sectors."""
    return length // (2 << 10)


def human(length):
    """A length as vxsnap list writes it: 20M, 10G."""
    size = length * SECTOR
    for letter, factor in (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if size >= factor:
            return "%d%s" % (size // factor, letter)
    return "%d" % size
