# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes below /dev/rmt: a FUSE file system whose files are the drives.

Every open, read, write and last close of any program comes here as one message of the kernel (fuse(4), the header
linux/fuse.h), in the order in which the programs did it. One process serves all drives of a host; it ends when /dev/rmt is
unmounted.
"""
import errno
import os
import stat
import struct

from simulator.tape.drive import Drive, failure, nodes, parse

(LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT,
 DESTROY, IOCTL, BATCH_FORGET) = (1, 2, 3, 4, 14, 15, 16, 17, 18, 20, 26, 27, 28, 29, 36, 38, 39, 42)
WITHOUT_REPLY = (FORGET, INTERRUPT, BATCH_FORGET)
IN, OUT = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")
INIT_OUT = struct.Struct("<IIIIHHIIHHI7I")
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
ATOMIC_O_TRUNC, BIG_WRITES, MAX_PAGES = 1 << 3, 1 << 5, 1 << 22
DIRECT_IO, NOT_SEEKABLE = 1, 4
LARGEST = 1 << 20  # bytes of one message
MTIOCTOP, MTIOCGET = 0x40086D01, 0x80306D02
FOREVER = 1 << 30  # seconds a name is good for
ROOT = 1


class Server:
    """Answers the kernel's messages. A node's number is that of its drive times 100 plus its place in `nodes`, plus 2."""

    def __init__(self, store, numbers):
        self.drives = {number: Drive(store, number) for number in numbers}
        self.inodes = {name: number * 100 + index + 2 for number in numbers for index, name in enumerate(nodes(number))}
        self.names = {inode: name for name, inode in self.inodes.items()}

    def attributes(self, inode):
        """struct fuse_attr of a node or of the directory."""
        mode = stat.S_IFDIR | 0o755 if inode == ROOT else stat.S_IFREG | 0o666
        return ATTR.pack(inode, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def drive(self, inode):
        """The drive of a node."""
        return self.drives[parse(self.names[inode])[0]]

    def init(self, _inode, body):
        """Agree on the protocol: 7.31."""
        wanted = struct.unpack_from("<IIII", body)[3]
        flags = wanted & (ATOMIC_O_TRUNC | BIG_WRITES | MAX_PAGES)
        return INIT_OUT.pack(7, 31, 0, flags, 12, 9, LARGEST, 1, LARGEST // 4096, 0, 0, *[0] * 7)

    def lookup(self, _inode, body):
        """The node of a name."""
        inode = self.inodes.get(os.fsdecode(bytes(body[:-1])))
        if inode is None:
            raise failure(errno.ENOENT)
        return struct.pack("<QQQQII", inode, 0, FOREVER, FOREVER, 0, 0) + self.attributes(inode)

    def getattr(self, inode, _body):
        """stat; also the answer to a change of owner, mode or time, which changes nothing."""
        return struct.pack("<QII", FOREVER, 0, 0) + self.attributes(inode)

    def opendir(self, _inode, _body):
        """Open the directory."""
        return struct.pack("<QII", 0, 0, 0)

    def readdir(self, _inode, body):
        """Names from an offset on, as many as fit."""
        _handle, offset, size = struct.unpack_from("<QQI", body)
        result = b""
        for index, name in list(enumerate(sorted(self.inodes), 1))[offset:]:
            data = name.encode()
            entry = struct.pack("<QQII", self.inodes[name], index, len(data), stat.S_IFREG >> 12) + data
            entry += bytes(-len(entry) % 8)
            if len(result) + len(entry) > size:
                break
            result += entry
        return result

    def statfs(self, _inode, _body):
        """An empty file system."""
        return struct.pack("<QQQQQIIII6I", 0, 0, 0, 0, 0, 4096, 255, 0, 0, *[0] * 6)

    def open(self, inode, body):
        """Open a drive."""
        _number, bsd, keeps = parse(self.names[inode])
        self.drive(inode).open(struct.unpack_from("<I", body)[0], not keeps, bsd)
        return struct.pack("<QII", 0, DIRECT_IO | NOT_SEEKABLE, 0)

    def read(self, inode, body):
        """Read one record."""
        return self.drive(inode).read(struct.unpack_from("<QQI", body)[2])

    def write(self, inode, body):
        """Write one record."""
        size = struct.unpack_from("<QQI", body)[2]
        return struct.pack("<II", self.drive(inode).write(body[40:40 + size]), 0)

    def release(self, inode, _body):
        """The last close."""
        self.drive(inode).close()
        return b""

    def ioctl(self, inode, body):
        """MTIOCTOP and MTIOCGET, as mt(1) of this simulator and that of Linux send them."""
        drive, command = self.drive(inode), struct.unpack_from("<QII", body)[2]
        result = b""
        if command == MTIOCTOP:
            operation, count = struct.unpack_from("<hxxi", body, 32)
            drive.operate(operation, count)
        elif command == MTIOCGET:
            result = struct.pack("<qqqqqii", 0x72, 0, 0, 0, 0, *drive.position())
        else:
            raise failure(errno.ENOTTY)
        return struct.pack("<iIII", 0, 0, 0, 0) + result

    def nothing(self, _inode, _body):
        """Done."""
        return b""

    def answer(self, opcode, inode, body):
        """(error number, data) for one message."""
        actions = {INIT: self.init, LOOKUP: self.lookup, GETATTR: self.getattr, SETATTR: self.getattr, OPENDIR: self.opendir,
                   READDIR: self.readdir, STATFS: self.statfs, OPEN: self.open, READ: self.read, WRITE: self.write,
                   RELEASE: self.release, IOCTL: self.ioctl, FSYNC: self.nothing, RELEASEDIR: self.nothing, DESTROY: self.nothing}
        try:
            return 0, actions.get(opcode, self.refuse)(inode, body)
        except OSError as error:
            return error.errno, b""

    def refuse(self, _inode, _body):
        """What a directory of devices does not do."""
        raise failure(errno.ENOSYS)

    def serve(self, channel):
        """Answer until the file system is unmounted."""
        while True:
            try:
                message = memoryview(os.read(channel, LARGEST + 8192))
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue  # ENOENT: the caller was killed before its message was read
                return  # ENODEV: unmounted
            _size, opcode, unique, inode = IN.unpack_from(message)[:4]
            number, data = self.answer(opcode, inode, message[IN.size:])
            if opcode not in WITHOUT_REPLY:
                self.reply(channel, unique, number, data)

    def reply(self, channel, unique, number, data):
        """Send one answer; the caller may have been killed meanwhile."""
        try:
            os.writev(channel, [OUT.pack(OUT.size + len(data), -number, unique), data])
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise
