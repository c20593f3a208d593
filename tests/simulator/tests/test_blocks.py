# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which regions of two files differ, where they share blocks and where they do not."""

import os
import random

import pytest
from simulator.core import blocks

REGION = 32 << 10


@pytest.fixture
def files(machine):
    """Two paths in the pool."""
    directory = machine / "san" / "volumes" / "blocks"
    directory.mkdir(parents=True, exist_ok=True)
    paths = [str(directory / name) for name in ("one", "two")]
    yield paths
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)


def write(path, content, offset):
    fd = os.open(path, os.O_WRONLY)
    os.pwrite(fd, content, offset)
    os.close(fd)


def read_and_compared(left, right, size):
    """The same, slowly."""
    with open(left, "rb") as one, open(right, "rb") as two:
        pairs = zip(iter(lambda: one.read(REGION), b""), iter(lambda: two.read(REGION), b""))
        return [number for number, (here, there) in enumerate(pairs) if here != there and number * REGION < size]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_shared_and_what_was_written_since(files, seed):
    one, two = files
    dice = random.Random(seed)
    # Not a whole number of regions, nor of blocks.
    size = dice.choice((1 << 20, (1 << 20) + 512, 77 * 512, 4 << 20))
    blocks.make(one, size)
    for _number in range(dice.randrange(12)):
        write(one, dice.randbytes(min(dice.randrange(1, 200000), size)), dice.randrange(0, size // 2))
    os.truncate(one, size)
    blocks.clone(one, two)
    if dice.random() < 0.3:
        write(two, open(one, "rb").read(), 0)
    for _number in range(dice.randrange(6)):
        path, place = dice.choice(files), dice.randrange(0, size)
        # Some of it is what is there already, some is not on the disk yet.
        content = dice.randbytes(dice.randrange(1, 9000)) if dice.random() < 0.8 else open(path, "rb").read()[place : place + 4096]
        write(path, content[: size - place], place)
        if dice.random() < 0.5:
            os.sync()
    assert blocks.differing(one, two, size, REGION) == read_and_compared(one, two, size)


def test_shared_blocks_are_not_read(files):
    one, two = files
    size = 64 << 20
    blocks.make(one, size)
    write(one, os.urandom(size), 0)
    blocks.clone(one, two)
    fds = [os.open(path, os.O_RDONLY) for path in files]
    assert blocks.shared(*fds, size) == [(0, size)]
    write(two, b"other", 5 * REGION + 3)
    assert blocks.differing(one, two, size, REGION) == [5]
    found = blocks.shared(*fds, size)
    assert [sum(end - begin for begin, end in found), found[0][0], found[-1][1]] == [size - 4096, 0, size]
    for fd in fds:
        os.close(fd)


def test_more_pieces_than_one_answer_of_the_kernel_has(files):
    one, two = files
    size = 16 << 20
    blocks.make(one, size)
    write(one, os.urandom(size), 0)
    blocks.clone(one, two)
    for number in range(1500):
        write(two, b"other", number * 8192)
    fd = os.open(two, os.O_RDONLY)
    assert len(blocks.extents(fd, size)) > 2 * blocks.AT_ONCE
    os.close(fd)
    found = blocks.differing(one, two, size, REGION)
    assert found == read_and_compared(one, two, size) and len(found) == 375
