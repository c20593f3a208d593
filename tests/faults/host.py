# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A simulated host in namespaces of its own, and the storage it stands on. As root, and much cheaper than a container."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from simulator.core import pool

BASE = Path("/var/tmp/snapbackup-faults")
AGENT = Path(__file__).resolve().parent / "agent.py"
SAN_GIB, LOOPS = 2, 24
PATIENCE = 10


class Host:
    """host.OPERATION(...) is the operation of that name in agent.py. A context: at its end nothing of the host is left."""

    def __init__(self, name="node1"):
        self.name = name
        self.directory = BASE / ("%d-%s" % (os.getpid(), name))
        self.process = None

    def __enter__(self):
        (self.directory / "root").mkdir(parents=True)
        pool.create(str(self.directory / "san"), SAN_GIB, LOOPS)
        own = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private"]
        argv = [sys.executable, str(AGENT), str(self.directory / "root"), str(self.directory / "san"), self.name]
        self.process = subprocess.Popen(own + argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        destroy(self.directory)

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


def destroy(directory):
    """Take the storage away. A host that is just starting beside this one sees its mounts for a moment, and so keeps them."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            pool.destroy(str(directory / "san"))
            break
        except (RuntimeError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    shutil.rmtree(directory)


def clean_up_dead():
    """Take away what was left by a run that was killed."""
    for directory in BASE.glob("*-*"):
        if not Path("/proc", directory.name.split("-")[0]).exists():
            destroy(directory)
