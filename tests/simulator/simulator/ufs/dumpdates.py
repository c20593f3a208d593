# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""/etc/dumpdates: one line for every device and level, `%-32s %c %s` with a ctime date (dumpitime.c)."""
import fcntl
import time

from simulator.core import place

FORMAT = "%a %b %e %H:%M:%S %Y"


def read():
    """[(device, level, seconds)] of the file; empty if there is none."""
    try:
        with open(place.etc("dumpdates")) as handle:
            lines = [line.split(None, 2) for line in handle if line.strip()]
    except FileNotFoundError:
        return []
    return [(name, int(level), int(time.mktime(time.strptime(" ".join(date.split()), "%a %b %d %H:%M:%S %Y"))))
            for name, level, date in lines]


def last(name, level):
    """(level, seconds) of the newest dump of NAME at a lower level; (0, 0) if there is none."""
    lower = [(seconds, found) for device, found, seconds in read() if device == name and found < level]
    return tuple(reversed(max(lower))) if lower else (0, 0)


def record(name, level, seconds):
    """Note a dump; FileNotFoundError if the file does not exist, as the real one must."""
    with open(place.etc("dumpdates"), "r+") as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        rows = [row for row in read() if row[:2] != (name, level)] + [(name, level, seconds)]
        handle.truncate(0)
        for row in rows:
            handle.write("%-32s %d %s\n" % (row[0], row[1], time.strftime(FORMAT, time.localtime(row[2]))))
