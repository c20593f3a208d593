# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""fsck(1M), fstyp(1M) and mkfs(1M) for vxfs; everything else is left to others."""
import os

from simulator.core import process
from simulator.ufs import device
from simulator.vxfs import mount, mounts

FAILURE = 1
OK, USAGE, NEEDS_CHECK, MOUNTED, NO_STAT, UNCORRECTED = 0, 1, 32, 33, 34, 36
REPLAYED = "log replay in progress\nreplay complete - marking super-block as CLEAN\n"
FULL = ("log replay in progress\npass0 - checking structural files\npass1 - checking inode sanity and blocks\n"
        "pass2 - checking directory linkage\npass3 - checking reference counts\npass4 - checking resource maps\n")


def sanity(call, path, found):
    """fsck -m: says whether it may be mounted; repairs nothing."""
    if mounts.find(call.store, device.block(path)):
        word, rc = "already mounted", MOUNTED
    elif found is None or not found[0]:
        word, rc = "needs checking", NEEDS_CHECK
    else:
        word, rc = "okay", OK
    call.err("UX:vxfs fsck: INFO: V-3-20918: sanity check: %s %s\n" % (path, word))
    return rc


def repair(path, letters, full):
    """Replay the log, or check everything; exit status of the real check."""
    if "-n" in letters or "-N" in letters:
        return process.run("e2fsck", "-n", device.local(path))
    return process.run("e2fsck", *(["-f"] if full else []), "-y", device.local(path))


def check(call, path, letters, words):
    """Replay the log of one device; with -o full check everything."""
    if not device.is_block(path):
        call.err("UX:vxfs fsck: ERROR: V-3-20003: Cannot open %s: No such device or address\n" % path)
        return NO_STAT
    try:
        found = device.superblock(path, "vxfs")
    except OSError:
        call.err("UX:vxfs fsck: ERROR: V-3-20003: Cannot open %s: No such device or address\n" % path)
        return NO_STAT
    if "-m" in letters:
        return sanity(call, path, found)
    if found is None:
        call.err("UX:vxfs fsck: ERROR: V-3-20012: not a valid vxfs file system\n")
        return USAGE
    if mounts.find(call.store, device.block(path)):
        call.err("UX:vxfs fsck: ERROR: V-3-20372: %s is mounted, fsck is not allowed\n" % path)
        return MOUNTED
    full = "full" in words
    if found[0] and not full:
        call.out("file system is clean - log replay is not required\n")
        return OK
    rc = repair(path, letters, full)
    call.out(FULL + "OK to clear log? (ynq)y\nset state to CLEAN? (ynq)y\n" if full else REPLAYED)
    if rc >= 4:
        call.err("UX:vxfs fsck: ERROR: V-3-20694: full file system check required, exiting ...\n")
        return UNCORRECTED
    return OK


def fsck(call):
    """fsck: vxfs is named, or all operands are on one. -y, -n, -m, -o full."""
    kind, words, letters, operands = mount.parse(call.args)
    if kind is None and operands and all(is_vxfs(path) for path in operands):
        kind = "vxfs"
    if kind != "vxfs":
        return call.become_real()
    if not operands:
        call.err("UX:vxfs fsck: ERROR: V-3-23560: Usage: fsck [-F vxfs] [-V] [-mnNyY] [-o full,nolog] special ...\n")
        return USAGE
    return max(check(call, path, letters, words) for path in operands)


def is_vxfs(path):
    """True if a device carries a vxfs."""
    try:
        return device.is_block(path) and device.superblock(path, "vxfs") is not None
    except OSError:
        return False


def fstyp(call):
    """fstyp: "vxfs" if it is one."""
    path = call.args[-1] if call.args else ""
    if not is_vxfs(path):
        return call.become_real()
    call.out("vxfs\n")
    if "-v" in call.args:
        call.out("magic a501fcf5  version 7\n")
    return 0


def make(path):
    """Make the file system on a device; True if it worked."""
    return process.run("mkfs.ext4", "-q", "-F", "-L", "vxfs", "-b", "4096", "-m", "0", "-J", "size=4",
                       "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", device.local(path)) == 0


def mkfs(call):
    """mkfs: vxfs is named."""
    kind, _words, _letters, operands = mount.parse(call.args)
    if kind != "vxfs" or not operands:
        return call.become_real()
    path = operands[0]
    if not device.is_block(path):
        call.err("UX:vxfs mkfs: ERROR: V-3-20003: Cannot open %s: No such device or address\n" % path)
        return 1
    if mounts.find(call.store, device.block(path)):
        call.err("UX:vxfs mkfs: ERROR: V-3-21255: %s is mounted, cannot mkfs\n" % path)
        return 1
    if not make(path):
        call.err("UX:vxfs mkfs: ERROR: V-3-20003: Cannot open %s: No such device or address\n" % path)
        return 1
    with open(device.local(path), "rb") as handle:
        size = handle.seek(0, os.SEEK_END)
    call.out("    version 7 layout\n    %d sectors, %d blocks of size 1024, log size 4096 blocks\n    largefiles supported\n"
             % (size // 512, size // 1024))
    return 0


def main(call):
    """Run the command the call names."""
    return {"fsck": fsck, "fstyp": fstyp, "mkfs": mkfs}[call.name](call)
