# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A writer: stamper.py ACKNOWLEDGED POINT... writes the same rising number to each mount point in turn, each time to the disk.

So in a cut of all of them at one time the numbers fall by one at most, once. ACKNOWLEDGED holds the last number that is everywhere.
"""

import os
import sys
import time


def stamp(fd, number):
    os.pwrite(fd, b"%012d" % number, 0)
    os.fsync(fd)


def main(acknowledged, *points):
    files = [os.open(os.path.join(point, "stamp"), os.O_WRONLY | os.O_CREAT, 0o600) for point in points]
    told = os.open(acknowledged, os.O_RDWR | os.O_CREAT, 0o600)
    # It goes on where an earlier one was killed.
    number = int(os.pread(told, 12, 0) or 0)
    while True:
        number += 1
        for fd in files:
            stamp(fd, number)
        os.pwrite(told, b"%012d" % number, 0)
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
