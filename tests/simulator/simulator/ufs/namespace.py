# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A private mount of a copy of a device, that vanishes with the process that made it, however that ends."""
import ctypes
import errno
import os
import tempfile

from simulator.core import loops, place, process
from simulator.ufs import device

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 0x40000


def private_namespace():
    """Leave the mount namespace of the caller: mounts from here on are seen by this process and its children only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount_copy(store, path):
    """Mount an atomic copy of a device (log replayed) where only this process sees it; returns the directory.

    The copy's file is removed at once and its loop clears itself at the last close.
    """
    image = os.path.join(place.SAN, "volumes", place.HOST, "dump.%d" % os.getpid())
    device.make_copy(path, image)
    with store.transaction():
        number = loops.allocate(store, loops.PASSING)
        node = loops.node(number)
        holder = os.open(node, os.O_RDONLY | os.O_CLOEXEC)  # until the mount holds it
        loops.attach(number, image, False, True, *device.window(path))
    os.unlink(image)
    private_namespace()
    directory = tempfile.mkdtemp(prefix="ufsdump.")
    rc = process.run("mount", "-i", "-n", "-t", "ext4", "-o", "ro", node, directory)
    os.close(holder)
    if rc:
        os.rmdir(directory)
        raise OSError(errno.EINVAL, "not a file system")
    return directory
