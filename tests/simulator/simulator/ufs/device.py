# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The device below a UFS: its path, its loop, and what the ext4 on it says about itself."""
import os
import struct
import time

from simulator.core import loops, place

PATIENCE = 10  # seconds
MAGIC, VALID, ERRORS, NEEDS_RECOVERY = 0xEF53, 1, 2, 4


def local(path):
    """Path of a device node here: /dev/... lies below SIMULATOR_DEV if that is set."""
    if place.DEV != "/dev" and path.startswith("/dev/"):
        return place.DEV + path[4:]
    return path


def block(path):
    """The name the mount table gives a device: /dev/md/dsk/d1 for /dev/md/rdsk/d1."""
    if place.DEV != "/dev" and path.startswith(place.DEV + "/"):
        path = "/dev" + path[len(place.DEV):]
    return path.replace("/rdsk/", "/dsk/")


def raw(path):
    """The raw name of a device."""
    return block(path).replace("/dsk/", "/rdsk/")


def superblock(path, kind="ufs"):
    """(clean, last mount point) of the file system on a device or image; None if there is none of this kind.

    An ext4 is presented as the kind that its label names, as a ufs without a label.
    """
    try:
        fd = os.open(local(path), os.O_RDONLY | os.O_CLOEXEC)
    except IsADirectoryError:
        return None
    try:
        data = os.pread(fd, 1024, 1024)
    finally:
        os.close(fd)
    if len(data) < 1024 or struct.unpack_from("<H", data, 0x38)[0] != MAGIC:
        return None
    if (data[0x78:0x88].rstrip(b"\0").decode() or "ufs") != kind:
        return None
    state = struct.unpack_from("<H", data, 0x3A)[0]
    recover = struct.unpack_from("<I", data, 0x60)[0] & NEEDS_RECOVERY
    clean = bool(state & VALID) and not state & ERRORS and not recover
    return clean, data[0x88:0xC8].split(b"\0")[0].decode()


def volume_name(path):
    """A volume's device path as one word, e.g. d3, or blue.d3 of a disk set."""
    words = block(path).split("/")
    return ".".join(words[3:-2] + words[-1:])


def read_only(path):
    """True if the kernel lets nobody write to this device (a submirror)."""
    number = os.stat(local(path)).st_rdev
    with open("/sys/dev/block/%d:%d/ro" % (os.major(number), os.minor(number))) as handle:
        return handle.read().strip() == "1"


def backing(path):
    """The file behind a loop device node."""
    number = os.stat(local(path)).st_rdev
    with open("/sys/dev/block/%d:%d/loop/backing_file" % (os.major(number), os.minor(number))) as handle:
        return handle.read().strip()


def wait_until_free(path):
    """Wait until an unmounted device is really let go: a mount namespace copied from this one holds it for a moment longer."""
    end = time.monotonic() + PATIENCE
    while os.path.exists(path) and time.monotonic() < end:
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
            return
        except OSError:
            time.sleep(0.01)


def window(path):
    """(offset, bytes or 0) of the part of its file that a loop device node shows."""
    number = os.stat(local(path)).st_rdev
    values = []
    for name in ("offset", "sizelimit"):
        with open("/sys/dev/block/%d:%d/loop/%s" % (os.major(number), os.minor(number), name)) as handle:
            values.append(int(handle.read()))
    return tuple(values)


def is_elsewhere(path):
    """True for a volume of a disk set, class or disk group that is not at hand on this host now: there is no device for it."""
    of_group = path.startswith("/dev/vx/dsk/") or path.startswith(("/dev/md/", "/dev/sfdsk/")) and path.split("/")[3] != "dsk"
    return of_group and not os.path.exists(local(path))


def is_block(path):
    """True if PATH is a block device here."""
    import stat
    try:
        return stat.S_ISBLK(os.stat(local(path)).st_mode)
    except OSError:
        return False


def make_copy(path, image):
    """An atomic copy of a device's content as file IMAGE."""
    from simulator.core import blocks
    fd = os.open(local(path), os.O_RDONLY | os.O_CLOEXEC)
    os.fsync(fd)
    os.close(fd)
    blocks.clone(backing(path), image)


def drop_copy(store, number, image):
    """Remove a private copy again."""
    loops.detach(number)
    loops.release(store, number)
    if os.path.exists(image):
        os.unlink(image)
