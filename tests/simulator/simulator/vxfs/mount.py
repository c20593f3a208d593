# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mount(1M) and umount(1M) for vxfs; every other invocation is left to others."""
import os
import time

from simulator.core import place, process
from simulator.ufs import device, mnttab
from simulator.vxfs import mounts

FAILURE = 32
TYPE_OPTIONS = ("-F", "-t", "-V")  # Solaris and HP-UX, Linux, AIX


class Failed(Exception):
    """A message of mount, and the exit status."""

    def __init__(self, text, rc=FAILURE):
        Exception.__init__(self, text)
        self.rc = rc


def parse(args):
    """(type, -o words, operands) of a command line of mount or fsck; other letters are kept as words such as "-y"."""
    kind, words, letters, operands, args = None, [], [], [], list(args)
    while args:
        word = args.pop(0)
        if word in TYPE_OPTIONS and args:
            kind = args.pop(0)
        elif word == "-o" and args:
            words += args.pop(0).split(",")
        elif word.startswith("-") and word != "-":
            letters.append(word)
        else:
            operands.append(word)
    return kind, words, letters, operands


def attach(store, special, point, words):
    """Mount SPECIAL at POINT and enter it into the mount table. One that is not clean is refused, also read-only."""
    special, point = device.block(special), os.path.normpath(point)
    if not device.is_block(special):
        raise Failed("UX:vxfs mount: ERROR: V-3-20003: Cannot open %s: No such device or address" % special)
    if not os.path.isdir(point):
        raise Failed("UX:vxfs mount: ERROR: V-3-21264: %s does not exist" % point)
    if any(row[1] == point or row[0] == special for row in mnttab.entries(store)):
        raise Failed("UX:vxfs mount: ERROR: V-3-21264: %s is already mounted, %s is busy" % (special, point))
    found = device.superblock(special, "vxfs")
    if found is None:
        raise Failed("UX:vxfs mount: ERROR: V-3-20012: not a valid vxfs file system")
    if not found[0]:
        raise Failed("UX:vxfs mount: ERROR: V-3-21268: %s is corrupted. needs checking" % special)
    mode = "ro" if "ro" in words else "rw"
    if process.run("mount", "-i", "-n", "-t", "ext4", "-o", mode, device.local(special), point) != 0:
        raise Failed("UX:vxfs mount: ERROR: V-3-20012: not a valid vxfs file system")
    number = os.stat(device.local(special)).st_rdev
    options = ",".join([mode, "suid", "delaylog", "largefiles", "ioerror=mwdisable", "dev=%x" % number])
    with store.transaction() as db:
        db.execute("INSERT INTO vxfs_mount VALUES (?,?,?,?,?)", (place.HOST, special, point, options, int(time.time())))
        mnttab.write(store)


def detach(store, row):
    """Unmount an entry of the mount table."""
    if os.path.ismount(row["point"]) and process.run("umount", "-i", "-n", row["point"]) != 0:
        raise Failed("UX:vxfs umount: ERROR: V-3-20358: cannot umount %s : Device busy" % row["point"], 32)
    with store.transaction() as db:
        db.execute("DELETE FROM vxfs_mount WHERE host=? AND point=?", (place.HOST, row["point"]))
        mnttab.write(store)


def vfstab(store, operand):
    """The entry of /etc/vfstab for a mount point or special, or None."""
    return store.row("SELECT * FROM vxfs_vfstab WHERE host=? AND (point=? OR special=?)", place.HOST, operand, operand)


def mount(call):
    """mount: vxfs is named, or what vfstab names is one."""
    kind, words, _letters, operands = parse(call.args)
    if kind is None and len(operands) == 1:
        entry = vfstab(call.store, operands[0])
        if entry is not None:
            kind, operands = "vxfs", [entry["special"], entry["point"]]
    if kind != "vxfs" or len(operands) != 2:
        return call.become_real()
    attach(call.store, operands[0], operands[1], words)
    return 0


def umount(call):
    """umount of a vxfs."""
    operands = [word for word in call.args if not word.startswith("-")]
    row = mounts.find(call.store, device.block(os.path.normpath(operands[-1]))) if operands else None
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
        return problem.rc
