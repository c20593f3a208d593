# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tests/faults plays without a controller is what ansible-playbook does: the same commands in the same order."""

import re
import subprocess
import sys

from hosts import CHANGES, ROOT
from plays import HOME1, Play

VOLUMES = [{"mirror": "d1", "submirror": "d3"}, {"mirror": "d10", "submirror": "d12"}]


def order(lines):
    """The commands without reads that repeat one since the last change, without polls, and without what is different by intent."""
    found, seen = [], set()
    for line in lines:
        line = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", re.sub(r" count=\d+$", "", line))
        if CHANGES.match(line):
            seen.clear()
        # Every poll of a job asks for the time of boot, while the job's own commands run.
        if line not in seen and not line.startswith("kstat "):
            found.append(line)
        seen.add(line)
    return found


def test_the_play_without_a_controller_is_the_play(host, lab):
    argv = [sys.executable, ROOT / "tests" / "faults" / "run.py", "--commands", "svm", "backup, tar"]
    printed = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=True).stdout
    host.forget()
    Play(lab, "backup", dict(HOME1, snapbackup_volumes=VOLUMES, snapbackup_method="tar"), "--limit", "node1").end()
    assert order(printed.splitlines()) == order(host.commands())
