# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loop devices by number, through ioctl(2): nothing here ever asks for "the next free one"."""
import errno
import fcntl
import os
import stat
import struct

from simulator.core import place

SET_FD, CLR_FD, GET_STATUS64, CHANGE_FD, CONFIGURE = 0x4C00, 0x4C01, 0x4C05, 0x4C06, 0x4C0A
CTL_ADD, CTL_REMOVE = 0x4C80, 0x4C81
READ_ONLY, AUTO_CLEAR = 1, 4
BLKFLSBUF = 0x1261
PASSING = "passing"  # "volume" of a loop that clears itself when its user ends


def number_of(text):
    """Device number (major, minor) from the text 7:900."""
    major, minor = text.strip().split(":")
    return os.makedev(int(major), int(minor))


def device(number):
    """Device number of loop NUMBER, from the kernel."""
    with open("/sys/block/loop%d/dev" % number) as handle:
        return number_of(handle.read())


def make_node(path, rdev):
    """Make PATH a block device node for RDEV (replaces another one)."""
    try:
        found = os.stat(path)
        if stat.S_ISBLK(found.st_mode) and found.st_rdev == rdev:
            return
        os.unlink(path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    os.mknod(path, 0o640 | stat.S_IFBLK, rdev)


def node(number):
    """Path of the node of loop NUMBER, made if it is missing here."""
    path = os.path.join(place.DEV, "loop%d" % number)
    make_node(path, device(number))
    return path


class Opened:
    """`with Opened(path, flags) as fd:` an open descriptor."""

    def __init__(self, path, flags=os.O_RDONLY):
        self.path, self.flags, self.fd = path, flags, None

    def __enter__(self):
        self.fd = os.open(self.path, self.flags | os.O_CLOEXEC)
        return self.fd

    def __exit__(self, *ignored):
        os.close(self.fd)


def behind(number):
    """(device of the file system, inode) of the file behind loop NUMBER, as the kernel encodes them; None if unbound."""
    status = bytearray(232)
    with Opened(node(number)) as fd:
        try:
            fcntl.ioctl(fd, GET_STATUS64, status)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
            raise
    return struct.unpack_from("<QQ", status)


def encoded(path):
    """Device number of the file system PATH is on, in the kernel's encoding."""
    number = os.stat(path).st_dev
    major, minor = os.major(number), os.minor(number)
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def bound(number):
    """True if loop NUMBER has a file behind it."""
    return behind(number) is not None


def lies_on(number, directory):
    """True if the file behind loop NUMBER lies on the same file system as DIRECTORY: paths differ between containers."""
    found = behind(number)
    return found is not None and found[0] == encoded(directory)


def is_over(number, path):
    """True if the file behind loop NUMBER is PATH."""
    return os.path.exists(path) and behind(number) == (encoded(path), os.stat(path).st_ino)


def attach(number, path, read_only, auto_clear=False, offset=0, size=0):
    """Put file PATH, or SIZE bytes of it from OFFSET, behind the unused loop NUMBER; AUTO_CLEAR: until the last one closes it."""
    info = bytearray(232)
    struct.pack_into("<QQ", info, 24, offset, size)
    struct.pack_into("<I", info, 52, (READ_ONLY if read_only else 0) | (AUTO_CLEAR if auto_clear else 0))
    name = path.encode()[:63]
    info[56:56 + len(name)] = name
    mode = os.O_RDONLY if read_only else os.O_RDWR
    with Opened(path, mode) as backing, Opened(node(number), mode) as fd:
        fcntl.ioctl(fd, CONFIGURE, struct.pack("<II", backing, 0) + bytes(info) + bytes(64))


def detach(number):
    """Take the file from behind loop NUMBER; True if it is free now, False if somebody still has it open."""
    try:
        with Opened(node(number)) as fd:
            fcntl.ioctl(fd, CLR_FD)
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.ENODEV):
            raise
    return not bound(number)


def swap(number, path):
    """Replace the file behind a read-only loop by another of the same size, also while the loop is open."""
    with Opened(path) as backing, Opened(node(number)) as fd:
        fcntl.ioctl(fd, CHANGE_FD, backing)
        fcntl.ioctl(fd, BLKFLSBUF)


def flush(number):
    """Write what the kernel caches for the raw device of loop NUMBER into its file."""
    with Opened(node(number)) as fd:
        os.fsync(fd)


def allocate(store, volume, owner=None):
    """A reserved loop number nobody uses, noted for VOLUME; RuntimeError if the pool is empty.

    It is forgotten together with this host, unless another OWNER is given: one of several hosts, which gives it back itself.

    One that is bound all the same was left by a command that died: it is freed. It is passed over while somebody has it
    open, or if its file is not on this storage.
    """
    import json
    with open(os.path.join(place.SAN, "loops.json")) as handle:
        reserved = json.load(handle)
    for row in store.rows("SELECT number FROM loop WHERE volume=?", PASSING):
        if not bound(row["number"]):
            release(store, row["number"])
    used = {row["number"] for row in store.rows("SELECT number FROM loop")}
    for number in reserved:
        if number not in used and (not bound(number) or lies_on(number, place.SAN) and detach(number)):
            store.db.execute("INSERT INTO loop VALUES (?,?,?)", (number, owner or place.HOST, volume))
            return number
    raise RuntimeError("no loop device left: %d are reserved in %s/loops.json" % (len(reserved), place.SAN))


def release(store, number):
    """Give loop NUMBER back."""
    store.db.execute("DELETE FROM loop WHERE number=?", (number,))


def abandon(store, number):
    """Loop NUMBER clears itself when the last one closes it: from then on it may be taken again."""
    store.db.execute("UPDATE loop SET volume=? WHERE number=?", (PASSING, number))
