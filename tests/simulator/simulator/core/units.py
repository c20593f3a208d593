# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes in topologies: 256 MiB, 100 KiB, 4096."""

UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 1000, "MB": 10 ** 6, "GB": 10 ** 9}


def size(value):
    """Bytes from a number or a text such as "256 MiB"; ValueError if it is neither."""
    text = str(value).strip()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(digits):].strip().upper()
    if unit not in UNITS:
        raise ValueError("unknown unit in size %r" % (value,))
    return int(float(digits) * UNITS[unit])


def speed(value):
    """Bytes per second; 0 for "stall"."""
    return 0 if value == "stall" else size(value)
