# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A simulated host in namespaces of its own, and the storage it stands on. As root, and much cheaper than a container."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from simulator.core import loops, pool

BASE = Path("/var/tmp/snapbackup-faults")
AGENT = Path(__file__).resolve().parent / "agent.py"
SAN_GIB, LOOPS = 2, 24
PATIENCE = 30


class Host:
    """host.OPERATION(...) is the operation of that name in agent.py. A context: at its end the host is gone.

    Its storage stays for the next host that this process makes, which finds it empty; clean_up_dead() takes it away.
    san: that of another host, whose disks this one sees too. shared: /backup is one for all hosts of a storage.
    """

    def __init__(self, name, san=None, shared=False):
        self.name = name
        self.directory = BASE / ("%d-%s" % (os.getpid(), name))
        self.owner = san is None
        self.san = san or self.directory / "san"
        self.shared = shared
        self.process = None

    def __enter__(self):
        (self.directory / "root").mkdir(parents=True, exist_ok=True)
        if self.owner:
            pool.create(str(self.san), SAN_GIB, LOOPS)
            empty(self.san)
            # Byte code of the simulator's commands; agent.py links to it.
            (self.san / "cache").mkdir(exist_ok=True)
        own = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private"]
        argv = [sys.executable, str(AGENT), str(self.directory / "root"), str(self.san), self.name, *(["shared"] if self.shared else [])]
        self.process = subprocess.Popen(own + argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def __getattr__(self, operation):
        def ask(*args, **options):
            self.process.stdin.write(json.dumps({"do": operation, "args": args, "options": options}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            answer = json.loads(line) if line else {"error": "the host is gone"}
            if "error" in answer:
                raise RuntimeError("%s%s: %s" % (operation, args, answer["error"]))
            return answer["value"]

        return ask


def empty(san):
    """Take everything but byte code from a storage that no host uses any more."""
    for number in json.loads((san / "loops.json").read_text()):
        if loops.bound(number) and not pool.free(number):
            raise RuntimeError("loop%d is still in use" % number)
    for path in san.iterdir():
        if path.name not in ("loops.json", "cache"):
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)


def clean_up_dead():
    """Take away the storage of processes that have ended."""
    BASE.mkdir(exist_ok=True)
    with open(BASE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for directory in BASE.glob("*-*"):
            if not Path("/proc", directory.name.split("-")[0]).exists():
                destroy(directory)


def destroy(directory):
    """Take a storage away. A host of anybody that is just starting sees its mount for a moment, and so keeps it."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if (directory / "san").exists():
                pool.destroy(str(directory / "san"))
            break
        except (RuntimeError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    shutil.rmtree(directory)
