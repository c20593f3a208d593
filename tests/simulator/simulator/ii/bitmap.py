# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bitmaps: one bit for each chunk of 32 KiB, and the form they have in a bitmap volume.

A header of 16 blocks, the shadow bitmap (master and shadow differ), the copy bitmap (still to be copied), each in whole blocks.
"""
import struct

BLOCK = 512
CHUNK = 32 * 1024
CHUNK_BLOCKS = 64
HEADER_BLOCKS = 16
DIRTY, CLEAN, INVALID = 0x44495254, 0x434C4541, 0
HEADER = ">6I64s64s64s64s64sQ"
NAMES = ("master", "shadow", "bitmap", "overflow", "grp")


def chunks(blocks):
    """How many chunks a volume has."""
    return (blocks + CHUNK_BLOCKS - 1) // CHUNK_BLOCKS


def map_blocks(blocks):
    """Blocks of one bitmap, with the slack the driver adds."""
    return chunks(blocks) * CHUNK_BLOCKS // 262144 + 16


def needed(blocks):
    """Blocks of a bitmap volume for a full-size set on a master of BLOCKS."""
    return HEADER_BLOCKS + 2 * map_blocks(blocks)


def compact(blocks):
    """Blocks of a bitmap volume for a compact dependent set."""
    return needed(blocks) + map_blocks(blocks) * (64 if blocks >= 64 << 31 else 32)


def blank(count):
    """A map of COUNT chunks with no bit set."""
    return bytearray((count + 7) // 8)


def full(count):
    """A map of COUNT chunks with every bit set."""
    bits = bytearray(b"\xff" * ((count + 7) // 8))
    if count % 8:
        bits[-1] = (1 << count % 8) - 1
    return bits


def union(*maps):
    """All bits of the maps, as long as the first one."""
    number = 0
    for one in maps:
        number |= int.from_bytes(one, "little")
    return bytearray((number & ((1 << 8 * len(maps[0])) - 1)).to_bytes(len(maps[0]), "little"))


def without(left, right):
    """The bits of LEFT that RIGHT has not."""
    return bytearray(byte & ~right[index] & 0xFF for index, byte in enumerate(left))


def count(bits):
    """How many bits are set."""
    return bin(int.from_bytes(bits, "little")).count("1")


def indices(bits):
    """The numbers of the bits that are set."""
    return [8 * place + bit for place, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1]


def add(bits, numbers):
    """Set bits by number; those beyond the end are left out."""
    for number in numbers:
        if number >> 3 < len(bits):
            bits[number >> 3] |= 1 << (number & 7)


def remove(bits, numbers):
    """Clear bits by number."""
    for number in numbers:
        if number >> 3 < len(bits):
            bits[number >> 3] &= ~(1 << (number & 7)) & 0xFF


def pack(magic, row, blocks):
    """The content of a bitmap volume for a set: header and both maps."""
    length = map_blocks(blocks)
    names = [(row[name] or "").encode()[:63] for name in NAMES]
    head = struct.pack(HEADER, magic, 5, row["flags"], HEADER_BLOCKS, HEADER_BLOCKS + length, 0, *names, row["mtime"])
    return (head.ljust(HEADER_BLOCKS * BLOCK, b"\0") + bytes(row["shd"]).ljust(length * BLOCK, b"\0")
            + bytes(row["cpy"]).ljust(length * BLOCK, b"\0"))


def unpack(data):
    """{magic, flags, names..., mtime, shd, cpy} of what a bitmap volume holds; the maps are empty if there are none."""
    fields = struct.unpack_from(HEADER, data)
    result = dict(zip(("magic", "version", "flags", "first", "second"), fields))
    result.update((name, text.split(b"\0")[0].decode(errors="replace")) for name, text in zip(NAMES, fields[6:11]))
    result["mtime"] = fields[11]
    length = max(fields[4] - fields[3], 0) * BLOCK
    result["shd"] = bytearray(data[fields[3] * BLOCK:][:length])
    result["cpy"] = bytearray(data[fields[4] * BLOCK:][:length])
    return result
