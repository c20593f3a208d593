# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One drive as the st(7D) driver shows it: who may open it, what close does, the operations of mtio(7I)."""
import errno
import os

from simulator.core import place
from simulator.tape.cartridge import Cartridge, failure

DEFAULT_BYTES = 1 << 30
DENSITIES = "lmhuc"
# Operations and numbers of MTIOCTOP as in Linux's mtio.h.
FSF, BSF, FSR, BSR, WEOF, REW, OFFL, NOP, RETEN, BSFM, EOM, ERASE, LOAD = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 30


def directory():
    """Where the cartridges of the lab are."""
    return os.path.join(place.SAN, "tapes")


def parse(name):
    """(drive number, BSD behaviour, no rewind) of a node such as 0, 0n or 0cbn; None for any other name."""
    digits = name.rstrip(DENSITIES + "bn")
    letters = name[len(digits):]
    rest = letters[1:] if letters[:1] in tuple(DENSITIES) else letters
    if not digits.isdigit() or rest not in ("", "b", "n", "bn"):
        return None
    return int(digits), "b" in rest, rest.endswith("n")


def nodes(number):
    """All node names of a drive."""
    return ["%d%s%s" % (number, density, end) for density in [""] + list(DENSITIES) for end in ("", "b", "bn", "n")]


class Drive:
    """A drive; its cartridge and whether it is online are in the state, the position is here (a reset rewinds)."""

    def __init__(self, store, number):
        self.store, self.number = store, number
        self.name, self.tape = None, None
        self.opened = None  # flags and node of the one who has it open
        self.wrote = self.was_read = False

    def row(self):
        """The drive in the state, with what is known of its cartridge."""
        return self.store.row(
            "SELECT cartridge, online, bytes, protected FROM tape_drive LEFT JOIN tape_cartridge ON cartridge=name"
            " WHERE host=? AND number=?", place.HOST, self.number)

    def look(self):
        """Notice a changed cartridge; returns the drive's row."""
        row = self.row()
        if not row["online"] or row["cartridge"] != self.name:
            if self.tape is not None:
                self.tape.close()
            self.name, self.tape = None, None
        if row["online"] and row["cartridge"] and self.tape is None:
            self.name = row["cartridge"]
            self.tape = Cartridge(os.path.join(directory(), self.name + ".tap"), row["bytes"])
        if self.tape is not None:
            self.tape.capacity = row["bytes"]
        return row

    def open(self, flags, rewinds, bsd):
        """open(2); only one may have it open."""
        if self.opened is not None:
            raise failure(errno.EBUSY)
        row = self.look()
        if self.tape is None and not flags & os.O_NONBLOCK:
            raise failure(errno.EIO)
        if self.tape is not None and flags & os.O_ACCMODE != os.O_RDONLY and row["protected"]:
            raise failure(errno.EACCES)
        self.opened, self.wrote, self.was_read = (flags, rewinds, bsd), False, False

    def loaded(self):
        """The cartridge; EIO if there is none."""
        if self.tape is None:
            raise failure(errno.EIO)
        return self.tape

    def read(self, size):
        """read(2): one record."""
        self.wrote, self.was_read = False, True
        return self.loaded().read(size)

    def write(self, data):
        """write(2): one record; returns the bytes written."""
        written = self.loaded().write(data)
        self.wrote = self.wrote or written > 0
        return written

    def finish(self):
        """End a file that is being written: with a filemark."""
        if self.wrote and self.tape is not None:
            self.tape.write_marks(1)
        self.wrote = False

    def close(self):
        """The last close(2): a filemark after writing, then rewind, or as mtio(7I) says for the no-rewind nodes."""
        _flags, rewinds, bsd = self.opened
        wrote, self.opened = self.wrote, None
        self.finish()
        if self.tape is None:
            return
        if rewinds:
            self.tape.rewind()
        elif self.was_read and not wrote and not bsd and self.tape.block:
            self.to_next_file()

    def to_next_file(self):
        """After reading a part of a file: behind its filemark, if it has one."""
        try:
            self.tape.forward_files(1)
        except OSError:
            pass

    def operate(self, operation, count):
        """One MTIOCTOP."""
        if operation == LOAD:
            self.set_online(1)
            self.look()
            self.loaded()
            return
        tape = self.loaded()
        if operation != NOP:
            self.finish()
        if operation == WEOF:
            if self.opened[0] & os.O_ACCMODE == os.O_RDONLY:
                raise failure(errno.EACCES)
            tape.write_marks(count)
        elif operation == BSFM:
            tape.back_files(count)
            tape.forward_files(1)
        elif operation == OFFL:
            self.set_online(0)
            self.look()
        else:
            actions = {FSF: tape.forward_files, BSF: tape.back_files, FSR: tape.forward_records, BSR: tape.back_records,
                       REW: tape.rewind, RETEN: tape.rewind, EOM: tape.to_end, ERASE: tape.erase, NOP: lambda: None}
            if operation not in actions:
                raise failure(errno.ENOTTY)
            actions[operation](*([count] if operation in (FSF, BSF, FSR, BSR) else []))

    def set_online(self, value):
        """The tape is pulled in or given out (it stays in the slot)."""
        with self.store.transaction() as db:
            db.execute("UPDATE tape_drive SET online=? WHERE host=? AND number=?", (value, place.HOST, self.number))

    def position(self):
        """(file number, block number)."""
        tape = self.loaded()
        return tape.file, tape.block
