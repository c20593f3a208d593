# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pool on the machine that carries a lab: an XFS with reflink, and loop devices that belong to nobody else.

create() and destroy() run on the machine itself; the hosts of the lab see the directory as /san.
"""
import fcntl
import json
import os
import subprocess
import tempfile
import time

from simulator.core import blocks, loops

LOCK = "/run/lock/simulator-pool.lock"
PATIENCE = 10  # seconds
FIRST = 100  # below it are the loop devices other programs of the machine use


def files(directory):
    """Image of the pool and the list of its loop devices, beside the directory."""
    base = os.path.abspath(directory)
    return base + ".pool", base + ".loops"


def boot_identity():
    """Changes when this machine boots: loop numbers of an earlier boot are not ours any more."""
    with open("/proc/sys/kernel/random/boot_id") as handle:
        return handle.read().strip()


def exists(number):
    """True if the kernel has loop NUMBER."""
    return os.path.exists("/sys/block/loop%d" % number)


def run(*argv):
    """Run a tool of the machine; its output is in the exception if it fails."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          universal_newlines=True, check=False)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv), done.stdout.strip()))


def reserve(count):
    """Make COUNT loop devices with numbers nobody has; a lock keeps two labs apart."""
    os.makedirs(os.path.dirname(LOCK), exist_ok=True)
    with open(LOCK, "w") as lock, open("/dev/loop-control", "rb") as control:
        fcntl.flock(lock, fcntl.LOCK_EX)
        numbers, number = [], FIRST
        while len(numbers) < count:
            if not exists(number):
                try:
                    fcntl.ioctl(control, loops.CTL_ADD, number)
                    numbers.append(number)
                except FileExistsError:
                    pass  # one that somebody is just removing
            number += 1
        return numbers


def unreserve(numbers):
    """Remove the loop devices again; those that are still in use after a while stay and are returned.

    A container that is just starting holds all mounts of the machine for a moment.
    """
    left, end = list(numbers), time.monotonic() + PATIENCE
    with open("/dev/loop-control", "rb") as control:
        while True:
            left = [number for number in left if not removed(control, number)]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.05)


def removed(control, number):
    """Try to remove a loop device; True if there is none any more."""
    try:
        fcntl.ioctl(control, loops.CTL_REMOVE, number)
    except OSError:
        return not exists(number)
    return True


def create(directory, gib, count):
    """Make a pool of GIB gibibytes (sparse) at DIRECTORY with COUNT loop devices; what is there already is kept."""
    image, listing = files(directory)
    if os.path.ismount(directory):
        return
    if os.path.exists(listing):
        destroy(directory)
    os.makedirs(directory, exist_ok=True)
    own, *numbers = reserve(count + 1)
    with open(listing, "w") as handle:
        json.dump({"pool": own, "loops": numbers, "boot": boot_identity()}, handle)
    with open(image, "wb") as handle:
        handle.truncate(int(gib * (1 << 30)))
    run("mkfs.xfs", "-q", "-f", "-K", "-m", "reflink=1", image)
    loops.attach(own, os.path.abspath(image), read_only=False)
    run("mount", "-t", "xfs", "-o", "nodiscard,noatime", loops.node(own), directory)
    with open(os.path.join(directory, "loops.json"), "w") as handle:
        json.dump(numbers, handle)


def mount_points(number):
    """Where loop NUMBER is mounted in this mount namespace, the last one first."""
    wanted, found = "%d:%d" % (os.major(loops.device(number)), os.minor(loops.device(number))), []
    with open("/proc/self/mountinfo") as handle:
        for line in handle:
            fields = line.split()
            if fields[2] == wanted:
                found.append(fields[4].replace("\\040", " "))
    return found[::-1]


def thaw(number):
    """Thaw a file system that nothing mounts any more but that is frozen: mount it again, thaw it, unmount it."""
    directory = tempfile.mkdtemp(prefix="thaw.")
    with open("/sys/block/loop%d/ro" % number) as handle:
        mode = "ro" if handle.read().strip() == "1" else "rw"
    try:
        run("mount", "-t", "ext4", "-o", mode, loops.node(number), directory)
        blocks.thaw(directory)
        run("umount", directory)
    except RuntimeError:
        pass  # not frozen, or not a file system: then detaching says what is wrong
    os.rmdir(directory)


def free(number):
    """Unmount and detach one loop device of a pool; True if nothing holds it any more.

    Writers that waited for a frozen file system keep it for a moment after it is thawed: until they have died.
    """
    for point in mount_points(number):
        blocks.thaw(point)
        run("umount", point)
    if loops.detach(number):
        return True
    thaw(number)
    end = time.monotonic() + PATIENCE
    while not loops.detach(number):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def destroy(directory):
    """Take a pool down: thaw, unmount, detach, remove. RuntimeError names what is still held."""
    image, listing = files(directory)
    if not os.path.exists(listing):
        return
    with open(listing) as handle:
        known = json.load(handle)
    held = []
    if os.path.ismount(directory):
        for number in known["loops"]:
            if exists(number) and loops.lies_on(number, directory) and not free(number):
                held.append(number)
        if held:
            raise RuntimeError("still in use: %s" % ", ".join("loop%d" % number for number in held))
        run("umount", directory)
    if known.get("boot", boot_identity()) == boot_identity():
        if known["pool"] is not None and exists(known["pool"]) and loops.is_over(known["pool"], image):
            loops.detach(known["pool"])
        left = unreserve([number for number in [known["pool"]] + known["loops"] if number is not None])
        if left:
            # The numbers of the others may be somebody else's when this is tried again.
            with open(listing, "w") as handle:
                json.dump(dict(known, pool=None, loops=left), handle)
            raise RuntimeError("cannot remove: %s" % ", ".join("loop%d" % number for number in left))
    for path in [image, listing]:
        if os.path.exists(path):
            os.unlink(path)
    if os.path.isdir(directory) and not os.listdir(directory):
        os.rmdir(directory)
