# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cartridge: records and filemarks in a file of the SIMH tape format, and a position.

A record is its length (32 bits, little endian), its data, the length again; a filemark is a length of 0. The position is
the offset in the file, and what mtio(7I) counts: files from the beginning of the tape, records from the last filemark.
"""
import errno
import os
import struct

LENGTH = struct.Struct("<I")
MARK = LENGTH.pack(0)
RESERVE = 1 << 20  # between the logical and the physical end of the tape, for trailers


def failure(number):
    """The OSError a program sees."""
    return OSError(number, os.strerror(number))


class Cartridge:
    """An open cartridge of `capacity` bytes."""

    def __init__(self, path, capacity):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.capacity = capacity
        self.full = False  # the last write met the end of the tape and wrote nothing
        self.rewind()

    def close(self):
        """Take the cartridge out."""
        os.close(self.fd)

    def rewind(self):
        """Go to the beginning of the tape."""
        self.offset = self.file = self.block = 0
        self.ended = False  # a read met the end of the data

    def length_at(self, offset):
        """Length of the record (0: a filemark) whose first or last four bytes are at OFFSET; None at the end of data."""
        data = os.pread(self.fd, 4, offset) if offset >= 0 else b""
        return LENGTH.unpack(data)[0] if len(data) == 4 else None

    def read(self, size):
        """The next record; nothing at a filemark, and once at the end of the data."""
        length = self.length_at(self.offset)
        if length is None:
            if self.ended:
                raise failure(errno.EIO)
            self.ended = True
            return b""
        if length > size:
            self.skip(length)
            raise failure(errno.ENOMEM)
        data = os.pread(self.fd, length, self.offset + 4)
        self.skip(length)
        return data

    def skip(self, length):
        """Go behind the record or filemark at the position."""
        if length:
            self.offset, self.block = self.offset + length + 8, self.block + 1
        else:
            self.offset, self.file, self.block = self.offset + 4, self.file + 1, 0

    def write(self, data):
        """Write a record, the last one on the tape from now on; returns its size, 0 at the end of the tape (st(7D))."""
        end = self.offset + len(data) + 8
        if end > self.capacity + RESERVE:
            raise failure(errno.ENOSPC)
        if end > self.capacity and not self.full:
            self.full = True
            return 0
        self.full = False
        length = LENGTH.pack(len(data))
        os.ftruncate(self.fd, self.offset)
        os.pwritev(self.fd, [length, data, length], self.offset)
        self.skip(len(data))
        return len(data)

    def write_marks(self, count):
        """Write filemarks; what was behind them is lost."""
        os.ftruncate(self.fd, self.offset)
        for _index in range(count):
            os.pwrite(self.fd, MARK, self.offset)
            self.skip(0)

    def erase(self):
        """Erase from here to the end."""
        os.ftruncate(self.fd, self.offset)

    def forward_files(self, count):
        """fsf: go behind COUNT filemarks."""
        while count:
            length = self.length_at(self.offset)
            if length is None:
                raise failure(errno.EIO)
            self.skip(length)
            count -= not length

    def forward_records(self, count):
        """fsr: go over COUNT records of this file."""
        for _index in range(count):
            if not self.length_at(self.offset):
                raise failure(errno.EIO)
            self.skip(self.length_at(self.offset))

    def to_end(self):
        """eom: go behind all data."""
        while self.length_at(self.offset) is not None:
            self.skip(self.length_at(self.offset))

    def back_files(self, count):
        """bsf: go back over COUNT filemarks, to the side of the last one that is nearer to the beginning."""
        target = self.file - count
        if target < 0:
            self.rewind()
            raise failure(errno.EIO)
        self.seek(target, at_end=True)

    def back_records(self, count):
        """bsr: go back over COUNT records of this file."""
        if count > self.block:
            raise failure(errno.EIO)
        file, block = self.file, self.block - count
        self.seek(file)
        self.forward_records(block)

    def seek(self, file, at_end=False):
        """Go to the first record of a file, or to the filemark that ends it."""
        self.rewind()
        self.forward_files(file)
        while at_end and self.length_at(self.offset):
            self.skip(self.length_at(self.offset))
