# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mt(1). Table, messages and exit statuses as in mt.c; what it does, the drive does."""
import errno
import fcntl
import os
import struct

from simulator.core import place
from simulator.tape import drive, server

# name: (operation or None, opens for writing, takes a count)
TABLE = {
    "weof": (drive.WEOF, True, True), "eof": (drive.WEOF, True, True), "fsf": (drive.FSF, False, True),
    "bsf": (drive.BSF, False, True), "asf": (None, False, True), "fsr": (drive.FSR, False, True), "bsr": (drive.BSR, False, True),
    "rewind": (drive.REW, False, False), "offline": (drive.OFFL, False, False), "rewoffl": (drive.OFFL, False, False),
    "status": (None, False, False), "retension": (drive.RETEN, False, False), "erase": (drive.ERASE, True, False),
    "eom": (drive.EOM, False, False), "nbsf": (None, False, True), "load": (drive.LOAD, True, False),
}
STATUS = ("%s tape drive:\n   sense key(0x0)= No Additional Sense   residual= 0   retries= 0\n"
          "   file no= %d   block no= %d\n")
NAME = "Simulated LTO"
FAILURE, UNKNOWN, FAILED = 2, 1, 2
TEXTS = {errno.EIO: "I/O error", errno.EACCES: "Permission denied", errno.EBUSY: "Device busy", errno.ENOENT: "No such file or directory"}


def text_of(error):
    """The text of an error number as Solaris has it."""
    return TEXTS.get(error.errno, os.strerror(error.errno))


def local(path):
    """Path of a node here: /dev/rmt lies below SIMULATOR_DEV if that is set."""
    return place.DEV + path[len("/dev"):] if path.startswith("/dev/") and not path.startswith(place.DEV + "/") else path


def operate(fd, operation, count):
    """One operation of the drive."""
    fcntl.ioctl(fd, server.MTIOCTOP, struct.pack("<hxxi", operation, count))


def position(fd):
    """(file number, block number)."""
    return struct.unpack("<qqqqqii", fcntl.ioctl(fd, server.MTIOCGET, bytes(48)))[5:]


def back_to_file(fd, count):
    """nbsf: to the first record of the file COUNT files before this one."""
    if count == position(fd)[0]:
        operate(fd, drive.REW, 1)
    else:
        operate(fd, drive.BSFM, count + 1)


def to_file(fd, number):
    """asf: to the first record of a file, counted from the beginning of the tape."""
    here = position(fd)[0]
    if number < here:
        back_to_file(fd, here - number)
    else:
        operate(fd, drive.FSF, number - here)


def perform(call, fd, name, count):
    """What a command does with the open drive."""
    if name == "status":
        call.out(STATUS % ((NAME,) + position(fd)))
    elif name == "asf":
        to_file(fd, count)
    elif name == "nbsf":
        back_to_file(fd, count)
    else:
        operate(fd, TABLE[name][0], count)


def open_drive(call, path, writes, unloaded):
    """Descriptor of the drive; None after the message if it cannot be opened."""
    try:
        return os.open(local(path), (os.O_RDWR if writes else os.O_RDONLY) | (os.O_NONBLOCK if unloaded else 0) | os.O_CLOEXEC)
    except OSError as error:
        texts = {errno.EIO: "no tape loaded or drive offline", errno.EACCES: "write protected or reserved."}
        call.err("%s: %s\n" % (path, texts.get(error.errno, text_of(error))))
        return None


def main(call):
    """mt [-f device] command [count]."""
    args, path = list(call.args), os.environ.get("TAPE", "/dev/rmt/0n")
    if len(args) > 1 and args[0] in ("-f", "-t"):
        path, args = args[1], args[2:]
    if not args:
        call.err("usage: mt [ -f device ] command [ count ]\n")
        return UNKNOWN
    name = next((name for name in TABLE if name.startswith(args[0])), None)
    if name is None:
        call.err("mt: unknown command: %s\n" % args[0])
        return UNKNOWN
    count = int(args[1]) if len(args) > 1 and TABLE[name][2] else 1
    if count < 0:
        call.err("mt: negative %s\n" % ("file number" if name == "asf" else name + " count"))
        return UNKNOWN
    fd = open_drive(call, path, TABLE[name][1], name == "load")
    if fd is None:
        return UNKNOWN
    try:
        perform(call, fd, name, count)
        return 0
    except OSError as error:
        call.err("%s %s %d failed: %s\n" % (path, name, count, text_of(error)))
        return FAILED
    finally:
        os.close(fd)


def without_state(call):
    """No simulated host here: the real one, if there is one."""
    return call.become_real()
