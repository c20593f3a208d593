# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Storing with a checksum and a manifest, beside dd of the same device to the same file system with the same durability."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import environments
import pytest
import pythons

HERE = Path(__file__).parent
SIZE = 1 << 30
PAIRS = 6


@pytest.fixture(scope="module")
def directory():
    """A directory on the disk of the checkout."""
    environments.CACHE.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="bench-", dir=environments.CACHE))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def device(directory):
    """A loop device of 1 GiB of noise, and the sum of what is on it."""
    backing, digest = directory / "disk.img", hashlib.sha256()
    with backing.open("wb") as target:
        for _ in range(SIZE >> 20):
            block = os.urandom(1 << 20)
            digest.update(block)
            target.write(block)
    argv = ["losetup", "--find", "--show", "--read-only", backing]
    made = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    yield made, digest.hexdigest()
    subprocess.run(["losetup", "--detach", made], check=True)


def dd(directory, device):
    """Seconds of dd alone."""
    image = directory / "dd.img"
    started = time.perf_counter()
    subprocess.run(["dd", "if=" + device, "of=%s" % image, "bs=1M", "conv=fsync", "status=none"], check=True)
    seconds = time.perf_counter() - started
    image.unlink()
    return seconds


def store(python, directory, device, digest):
    """Seconds of the copy job; the image it leaves must be right."""
    argv = [python, HERE / "store.py", directory, device, str(SIZE)]
    result = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    (image,) = json.loads(Path(result["manifest"]).read_text())["images"]
    assert (image["bytes"], image["sha256"]) == (SIZE, digest)
    for name in ("bench", "state"):
        shutil.rmtree(directory / name)
    return result["seconds"]


def rates(python, directory, device):
    """MiB per second of dd and of the job: medians of runs in turn, each of them first in every other pair."""
    path, digest = device
    ways = [("dd", lambda: dd(directory, path)), ("store", lambda: store(python, directory, path, digest))]
    seconds = {"dd": [], "store": []}
    for pair in range(PAIRS):
        for name, run in ways if pair % 2 else reversed(ways):
            os.sync()
            seconds[name].append(run())
    return [(SIZE >> 20) / median(seconds[name]) for name, _ in ways]


def test_store_is_nearly_as_fast_as_dd(table, directory, device):
    python = pythons.current()

    def measure():
        plain, stored = rates(python, directory, device)
        table.note("dd %.0f MiB/s, store %.0f MiB/s" % (plain, stored))
        return stored / plain

    dd(directory, device[0])
    table.bounded("store with checksum / dd conv=fsync, 1 GiB", measure, "x", least=0.8)
