# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data of volumes: where their bytes are, copies of several at one instant, chunks from one to another.

A volume shows at once what the driver would show: chunks that are still to be copied are already in its image, what it held
before is kept aside until they are copied.
"""
import fcntl
import os
import stat
import struct
import time

from simulator.core import blocks, loops, place
from simulator.ii import bitmap
from simulator.ufs import device

CLONE_RANGE = 0x4020940D
PATIENCE = 2.0  # seconds to find an instant in which nobody writes
PIT, MASTER, SHADOW, OLD = "pit", "master", "shadow", "old"


class Volume:
    """An open volume: its path, loop, image and size in blocks."""

    def __init__(self, path, loop, image, size):
        self.path, self.loop, self.image, self.size = path, loop, image, size

    def flush(self):
        """Write what the kernel caches into the image."""
        loops.flush(self.loop)

    def writes(self):
        """A number that grows with every write to the device."""
        with open("/sys/block/loop%d/stat" % self.loop) as handle:
            return int(handle.read().split()[4])

    def signature(self):
        """Changes when the content does."""
        found = os.stat(self.image)
        return "%d %d %d %d" % (self.loop, self.writes(), found.st_ino, found.st_mtime_ns)

    def forget(self):
        """The image was changed below the device."""
        with loops.Opened(loops.node(self.loop)) as fd:
            fcntl.ioctl(fd, loops.BLKFLSBUF)

    def read(self, size=None):
        """Its first bytes."""
        self.flush()
        with open(self.image, "rb") as handle:
            return handle.read(self.size * bitmap.BLOCK if size is None else size)

    def write(self, data, offset=0):
        """Write bytes as the driver does, into the image."""
        self.flush()
        with loops.Opened(self.image, os.O_WRONLY) as fd:
            os.pwrite(fd, data, offset)
        self.forget()


def number(path):
    """Device number of a node; OSError if there is none, None if it is no device."""
    found = os.stat(device.local(path))
    return found.st_rdev if stat.S_ISBLK(found.st_mode) else None


def vxvm_image(store, loop):
    """Image of the VxVM volume on a loop, or None."""
    from simulator.vxvm import device as vxvm
    row = store.row("SELECT id FROM vxvm_volume WHERE loop=?", loop)
    return vxvm.image(row["id"]) if row else None


def opened(store, path):
    """The Volume at a path; None if it cannot be opened (stopped, elsewhere, gone)."""
    try:
        rdev = number(path)
        where = "/sys/dev/block/%d:%d" % (os.major(rdev), os.minor(rdev))
        name = os.path.basename(os.readlink(where))
        with open(where + "/size") as handle:
            size = int(handle.read())
    except (OSError, TypeError):
        return None
    if not name.startswith("loop") or not size:
        return None
    loop = int(name[4:])
    return Volume(path, loop, vxvm_image(store, loop) or device.backing(path), size)


def side(set_id, what):
    """A file that belongs to a set: what its master or shadow held when the driver last looked, or before a copy."""
    return os.path.join(place.SAN, "volumes", "ii", "%d.%s" % (set_id, what))


def drop(set_id, *which):
    """Remove files of a set."""
    for what in which or (PIT, MASTER, SHADOW, OLD + "s", OLD + "m"):
        if os.path.exists(side(set_id, what)):
            os.unlink(side(set_id, what))


def clone(source, target):
    """Atomic copy of an image."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    blocks.clone(source, target)


def cut(pairs):
    """Copy the images of volumes at one instant: PAIRS of (Volume, file).

    Nothing can stop writers of raw devices: the copies are taken again until nobody wrote from the first to the last.
    """
    end = time.monotonic() + PATIENCE
    for volume, _target in pairs:
        volume.flush()
    while True:
        before = [volume.writes() for volume, _target in pairs]
        for volume, target in pairs:
            clone(volume.image, target)
        for volume, _target in pairs:
            volume.flush()
        if before == [volume.writes() for volume, _target in pairs] or len(pairs) < 2 or time.monotonic() > end:
            return


def runs(numbers):
    """[(first, how many)] of numbers in ascending order."""
    found = []
    for one in numbers:
        if found and found[-1][0] + found[-1][1] == one:
            found[-1][1] += 1
        else:
            found.append([one, 1])
    return found


def transfer(source, target, numbers, limit):
    """Let file TARGET have the chunks NUMBERS of file SOURCE, up to LIMIT bytes; blocks are shared, nothing is read."""
    with loops.Opened(source) as one, loops.Opened(target, os.O_WRONLY) as two:
        for first, how_many in runs(numbers):
            offset = first * bitmap.CHUNK
            length = min(how_many * bitmap.CHUNK, limit - offset)
            if length <= 0:
                continue
            try:
                fcntl.ioctl(two, CLONE_RANGE, struct.pack("<qQQQ", one, offset, length, offset))
            except OSError:
                os.pwrite(two, os.pread(one, length, offset), offset)
