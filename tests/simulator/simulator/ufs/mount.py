# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mount(1M) and umount(1M) for ufs. Every other invocation goes to the real tools unchanged."""
import os
import time

from simulator.core import blocks, loops, place, process
from simulator.ufs import device, lockfs, mnttab

FAILURE = FAILED = 33  # what the ufs mount of Solaris exits with


class Failed(Exception):
    """A message of mount or umount, and the exit status."""

    def __init__(self, text, rc=FAILED):
        Exception.__init__(self, text)
        self.rc = rc


def parse(args):
    """Options of generic mount: (fstype, set of -o words, letters, operands); None if it is no Solaris invocation."""
    kind, words, letters, operands, args = None, [], "", [], list(args)
    while args:
        word = args.pop(0)
        if not word.startswith("-") or word == "-":
            operands.append(word)
        elif word[:2] in ("-F", "-o"):
            value = word[2:] or (args.pop(0) if args else "")
            if word[1] == "F":
                kind = value
            else:
                words += value.split(",")
        elif word in ("-r", "-O", "-m", "-g", "-q", "-V", "-f"):
            letters += word[1]
        else:
            return None
    return kind, words, letters, operands


def vfstab(store, operand):
    """The entry of /etc/vfstab for a mount point or special, or None."""
    return store.row("SELECT * FROM ufs_vfstab WHERE host=? AND (point=? OR special=?)", place.HOST, operand, operand)


def options_text(words, read_only, special):
    """The options column of the mount table."""
    extra = [word for word in words if word not in ("ro", "rw", "")]
    number = os.stat(device.local(special)).st_rdev
    return ",".join(["ro" if read_only else "rw", "intr", "largefiles", "logging", "xattr", "onerror=panic"] + extra
                    + ["dev=154%04x" % os.minor(number)])


def check(store, special, point, read_only):
    """Refuse what the ufs mount refuses; returns True if the file system is clean."""
    if not os.path.isdir(point) or not os.path.exists(device.local(special)):
        raise Failed("mount: %s or %s, no such file or directory" % (special, point))
    if any(row[1] == point or (row[0] == special and row[1] != "/") for row in mnttab.entries(store)):
        raise Failed("mount: %s is already mounted or %s is busy" % (special, point))
    if not device.is_block(special):
        raise Failed("mount: %s not a block device" % special)
    found = device.superblock(special)
    if found is None:
        raise Failed("mount: %s is not this fstype" % special)
    if not read_only and device.read_only(special):
        raise Failed("mount: %s write-protected" % special)
    if not read_only and not found[0]:
        raise Failed("mount: The state of %s is not okay\n\tand it was attempted to be mounted read/write" % special)
    return found[0]


def attach(store, special, point, words, letters=""):
    """Mount SPECIAL at POINT and enter it into the mount table."""
    special = device.block(special)
    point = os.path.normpath(point)
    read_only = "ro" in words or "r" in letters
    clean = check(store, special, point, read_only)
    source, loop, image = device.local(special), None, None
    if not clean:  # the log is replayed in memory only: replay it in a private copy
        image = os.path.join(place.SAN, "volumes", place.HOST, "%s.mounted" % device.volume_name(special))
        device.make_copy(special, image)
        with store.transaction():
            loop = loops.allocate(store, "mounted")
            loops.attach(loop, image, False, False, *device.window(special))
        source = loops.node(loop)
    if process.run("mount", "-i", "-n", "-t", "ext4", "-o", "ro" if read_only else "rw", source, point) != 0:
        if loop is not None:
            device.drop_copy(store, loop, image)
        raise Failed("mount: %s is not this fstype" % special)
    blocks.thaw(point)  # it may be frozen still since a container that is gone
    with store.transaction() as db:
        db.execute("INSERT INTO ufs_mount VALUES (?,?,?,?,?,?,?)", (
            place.HOST, special, point, options_text(words, read_only, special), int(time.time()), loop, image))
        mnttab.write(store)


def mounted(store, operand):
    """The entry of the mount table for a mount point or special, or None."""
    return store.row("SELECT * FROM ufs_mount WHERE host=? AND (point=? OR special=?)", place.HOST,
                     os.path.normpath(operand), device.block(operand))


def detach(store, row):
    """Unmount an entry of the mount table; a lock on it goes with it."""
    point = row["point"]
    if os.path.ismount(point):
        if lockfs.current(store, point)[0] == "write":
            blocks.thaw(point)
        if process.run("umount", "-i", "-n", point) != 0:
            raise Failed("umount: %s busy" % point, 1)
        device.wait_until_free(loops.node(row["loop"]) if row["loop"] is not None else device.local(row["special"]))
    with store.transaction() as db:
        db.execute("DELETE FROM ufs_mount WHERE host=? AND point=?", (place.HOST, point))
        db.execute("DELETE FROM ufs_lock WHERE host=? AND point=?", (place.HOST, point))
        if row["loop"] is not None:
            device.drop_copy(store, row["loop"], row["replay"])
        mnttab.write(store)


def mount(call):
    """mount: ufs, or what /etc/vfstab of the simulated host names; else the real one."""
    found = parse(call.args)
    if found is None:
        return call.become_real()
    kind, words, letters, operands = found
    if len(operands) == 1:
        entry = vfstab(call.store, operands[0])
        if entry is not None:
            kind, operands = "ufs", [entry["special"], entry["point"]]
    if kind != "ufs" or len(operands) != 2:
        return call.become_real()
    attach(call.store, operands[0], operands[1], words, letters)
    return 0


def umount(call):
    """umount of a simulated ufs; else the real one."""
    operands = [word for word in call.args if not word.startswith("-")]
    row = mounted(call.store, operands[-1]) if operands else None
    if row is None:
        return call.become_real()
    detach(call.store, row)
    return 0


def main(call):
    """Run the command the call names."""
    try:
        return mount(call) if call.name == "mount" else umount(call)
    except Failed as problem:
        call.err("%s\n" % problem)
        if "is not okay" in str(problem):
            call.out("mount: Please run fsck and try again\n")
        return problem.rc
