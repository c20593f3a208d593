# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""fsck(1M), fstyp(1M) and newfs(1M) for ufs; fsck of anything else goes to the real tool."""
import os
import struct
import sys

from simulator.core import process
from simulator.ufs import device, mnttab

PHASES = ("Phase 1 - Check Blocks and Sizes", "Phase 2 - Check Pathnames", "Phase 3a - Check Connectivity",
          "Phase 3b - Verify Shadows/ACLs", "Phase 4 - Check Reference Counts", "Phase 5 - Check Cylinder Groups")
OK, USAGE, NEEDS_CHECK, MOUNTED, NO_STAT, UNCORRECTED, STOPPED = 0, 1, 32, 33, 34, 36, 39


def parse(args):
    """(fstype, letters, -o words, operands) of an fsck command line."""
    kind, letters, words, operands, args = None, "", [], [], list(args)
    while args:
        word = args.pop(0)
        if word in ("-F", "-o"):
            value = args.pop(0) if args else ""
            kind = value if word == "-F" else kind
            words += value.split(",") if word == "-o" else []
        elif word.startswith("-"):
            letters += word[1:]
        else:
            operands.append(word)
    return kind, letters, words, operands


def mount_of(store, path):
    """(mount point, read-write) if the device is mounted, else None."""
    for row in mnttab.entries(store):
        if row[0] == device.block(path):
            return row[1], row[3].startswith("rw")
    return None


def sanity(call, path):
    """fsck -m: says whether the file system may be mounted; repairs nothing."""
    if not os.path.exists(device.local(path)):
        call.err("ufs fsck: sanity check failed : cannot stat %s\n" % path)
        return NO_STAT
    found = device.superblock(path)
    if mount_of(call.store, path):
        word, rc = "already mounted", MOUNTED
    elif found is None or not found[0]:
        word, rc = "needs checking", NEEDS_CHECK
    else:
        word, rc = "okay", OK
    call.err("ufs fsck: sanity check: %s %s\n" % (path, word))
    return rc


def first_orphan(path):
    """Number of an inode that is deleted and was open when the file system was last alive; 0 if there is none."""
    fd = os.open(device.local(path), os.O_RDONLY)
    data = os.pread(fd, 1024, 1024)
    os.close(fd)
    return struct.unpack_from("<I", data, 0xE8)[0]


def usage_line(path):
    """The last line of a check: files, space used and free in kilobytes."""
    fd = os.open(device.local(path), os.O_RDONLY)
    data = os.pread(fd, 1024, 1024)
    os.close(fd)
    inodes, total = struct.unpack_from("<II", data, 0)
    free, free_inodes, _first, log_size = struct.unpack_from("<IIII", data, 0x0C)
    factor = (1024 << log_size) // 1024
    return "%d files, %d used, %d free (%d frags, %d blocks,  0.0%% fragmentation)\n" % (
        inodes - free_inodes, (total - free) * factor, free * factor, free * factor % 8, free * factor // 8)


def check(call, path, letters, words):
    """Check one device, repair it if it may be written to."""
    if not os.path.exists(device.local(path)):
        call.err("Can't stat %s\n%s: CAN'T CHECK FILE SYSTEM.\n" % (path, path))
        return NO_STAT
    mounted = mount_of(call.store, path)
    writable = "n" not in letters and "N" not in letters and not device.read_only(path)
    if "p" in words and device.read_only(path):
        call.out("%s: (NO WRITE ACCESS)\n" % path)
        return STOPPED
    if mounted and mounted[1] and writable:
        call.err("%s: IS CURRENTLY MOUNTED READ/WRITE.\n" % path)
        return MOUNTED
    call.out("** %s%s\n" % (path, "" if writable else " (NO WRITE)"))
    found = device.superblock(path)
    if found is None:
        call.out("BAD SUPERBLOCK AT BLOCK 16: MAGIC NUMBER WRONG\n")
        return STOPPED
    call.out("** %s on %s\n" % ("Currently Mounted" if mounted else "Last Mounted", mounted[0] if mounted else found[1]))
    orphan = first_orphan(path)
    rc = process.run("e2fsck", "-f", "-y" if writable else "-n", device.local(path))
    for phase in PHASES:
        call.out("** %s\n" % phase)
        if orphan and writable and phase.startswith("Phase 4"):
            # e2fsck takes this for a part of the log.
            call.out("UNREF FILE  I=%d  OWNER=root MODE=100644\nCLEAR? yes\n\n" % orphan)
            rc |= 1
    call.out(usage_line(path))
    if rc & 1:
        call.out("\n***** FILE SYSTEM WAS MODIFIED *****\n")
    if rc >= 8:
        return STOPPED
    return UNCORRECTED if rc & 4 else OK


def fsck(call):
    """fsck: ours are -F ufs and volumes below /dev/md."""
    kind, letters, words, operands = parse(call.args)
    if kind != "ufs" and not any("/md/" in path for path in operands):
        return call.become_real()
    if not operands:
        call.err("Usage: fsck [-F FSType] [-V] [-m] [special ...]\n")
        return USAGE
    if "m" in letters:
        return max(sanity(call, path) for path in operands)
    return max(check(call, path, letters, words) for path in operands)


def fstyp(call):
    """fstyp: the kind of file system on a device."""
    path = call.args[-1] if call.args else ""
    try:
        found = device.superblock(path)
    except OSError:
        call.err("fstyp: cannot open %s\n" % path)
        return 1
    if found is None:
        call.out("unknown_fstyp (no matches)\n")
        return 1
    call.out("ufs\n")
    return 0


def geometry(path, size):
    """What newfs prints about the new file system."""
    sectors = size // 512
    groups = max(1, sectors // 65536)
    places = ["%d" % (32 + index * 65600) for index in range(groups)]
    return ("%s:\t%d sectors in %d cylinders of 64 tracks, 64 sectors\n\t%.1fMB in %d cyl groups (16 c/g, 32.00MB/g, 15360 i/g)\n"
            "super-block backups (for fsck -F ufs -o b=#) at:\n %s,\n"
            % (path, sectors, sectors // 4096, size / 1048576.0, groups, ", ".join(places)))


def make(path):
    """Make the file system on a device; True if it worked."""
    return process.run("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-J", "size=4",
                       "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", device.local(path)) == 0


def newfs(call):
    """newfs: asks first if stdin is a terminal."""
    path = device.raw(call.args[-1]) if call.args else ""
    if not device.is_block(path):
        call.err("newfs: %s: No such file or directory\n" % path)
        return 1
    if mount_of(call.store, path):
        call.err("%s is mounted, can't mkfs\n" % path)
        return 1
    if device.read_only(path):
        call.err("%s: Read-only file system\n" % path)
        return 1
    if os.isatty(0):
        sys.stdout.write("newfs: construct a new file system %s: (y/n)? " % path)
        sys.stdout.flush()
        if not sys.stdin.readline().lower().startswith("y"):
            return 0
    if not make(path):
        call.err("%s: I/O error\n" % path)
        return 1
    fd = os.open(device.local(path), os.O_RDONLY)
    call.out(geometry(path, os.lseek(fd, 0, os.SEEK_END)))
    os.close(fd)
    return 0


def main(call):
    """Run the command the call names."""
    return {"fsck": fsck, "fstyp": fstyp, "newfs": newfs}[call.name](call)
