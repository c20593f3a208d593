# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data: atomic copies of images, comparison and copy by region, freeze of a mounted file system."""
import errno
import fcntl
import os
import struct

FICLONE = 0x40049409
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
FIEMAP, SYNC = 0xC020660B, 1
MAP, EXTENT, AT_ONCE = struct.Struct("=QQLLLL"), struct.Struct("=QQQQQLLLL"), 512
LAST, UNCERTAIN = 0x1, 0x2 | 0x4 | 0x8 | 0x100 | 0x200 | 0x800  # no place yet, packed, beside other data, or not written


def clone(source, target):
    """Make file TARGET an atomic copy of SOURCE that shares its blocks (needs a file system with reflink)."""
    partial = target + ".new"
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    new = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.ioctl(new, FICLONE, fd)
    finally:
        os.close(new)
        os.close(fd)
    os.rename(partial, target)


def make(path, size):
    """Create an empty sparse file of SIZE bytes unless it exists."""
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(fd, size)
        os.close(fd)


def packed(numbers):
    """Numbers of regions as bytes, for the state. (The package array would import more than all of this.)"""
    numbers = list(numbers)
    return struct.pack("=%dI" % len(numbers), *numbers)


def unpacked(data):
    """The numbers of regions in DATA."""
    return memoryview(data).cast("I")


def hole_until(fd, offset, size):
    """Offset of the next data in FD at or after OFFSET; SIZE if there is none."""
    try:
        return os.lseek(fd, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise


def extents(fd, size):
    """[(offset, offset on the disk, length)] of what a file has on a disk for certain."""
    found, start, more = [], 0, True
    while more and start < size:
        answer = bytearray(MAP.size + AT_ONCE * EXTENT.size)
        MAP.pack_into(answer, 0, start, size - start, SYNC, 0, AT_ONCE, 0)
        fcntl.ioctl(fd, FIEMAP, answer)
        how_many = MAP.unpack_from(answer)[3]
        for number in range(how_many):
            logical, physical, length, *_reserved, flags, _, _, _ = EXTENT.unpack_from(answer, MAP.size + number * EXTENT.size)
            start, more = logical + length, not flags & LAST
            if not flags & UNCERTAIN:
                found.append((logical, physical, length))
        more = more and how_many > 0
    return found


def shared(one, two, size):
    """[(begin, end)] where two files lie on the same blocks of the disk, as clones do until one of them is written to."""
    left, right, found = extents(one, size), extents(two, size), []
    while left and right:
        (here, place, length), (there, other, much) = left[0], right[0]
        begin, end = max(here, there), min(here + length, there + much)
        if begin < end and place - here == other - there:
            if found and found[-1][1] == begin:
                found[-1] = (found[-1][0], end)
            else:
                found.append((begin, end))
        del (left if here + length <= there + much else right)[0]
    return found


def differing(left, right, size, region):
    """Indices of the regions of REGION bytes in which files LEFT and RIGHT differ. Holes, and what is the same place, are not read."""
    result = []
    one, two = os.open(left, os.O_RDONLY), os.open(right, os.O_RDONLY)
    offset, same = 0, shared(one, two, size)
    while offset < size:
        data = min(hole_until(one, offset, size), hole_until(two, offset, size))
        offset = max(offset, data - data % region)
        while same and same[0][1] <= offset:
            del same[0]
        if same and same[0][0] <= offset:
            # Whole regions, and the last one of the file.
            offset = max(offset, same[0][1] - same[0][1] % region if same[0][1] < size else size)
            del same[0]
            continue
        if offset >= size:
            break
        if os.pread(one, region, offset) != os.pread(two, region, offset):
            result.append(offset // region)
        offset += region
    os.close(one)
    os.close(two)
    return result


def copy_regions(source, target, region, indices):
    """Copy the named regions from file SOURCE over file TARGET; the size of TARGET does not change."""
    one, two = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY)
    for index in indices:
        os.pwrite(two, os.pread(one, region, index * region), index * region)
    os.close(one)
    os.close(two)


def _on_directory(path, request):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, request, 0)
    finally:
        os.close(fd)


def freeze(path):
    """Block all writers of the file system mounted at PATH; False if somebody else has frozen it already."""
    try:
        _on_directory(path, FIFREEZE)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def thaw(path):
    """Let writers go on; not frozen is fine."""
    try:
        _on_directory(path, FITHAW)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def flush(path):
    """Write out the file system that PATH is on."""
    import ctypes
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd) != 0:
            raise OSError(ctypes.get_errno(), "syncfs", path)
    finally:
        os.close(fd)
