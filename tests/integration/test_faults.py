# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tests/faults plays without a controller is what ansible-playbook does; and what it cannot play: to be cut off during a command."""

import re
import subprocess
import sys

import pytest
from hosts import CHANGES, ROOT, wait
from plays import HOME1, Play

pytestmark = pytest.mark.slow

VOLUMES = [{"mirror": "d1", "submirror": "d3"}, {"mirror": "d10", "submirror": "d12"}]


def order(lines):
    """The commands without reads that repeat one since the last change, without polls, and without what is different by intent."""
    found, seen = [], set()
    for line in lines:
        line = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", re.sub(r" count=\d+$", "", line))
        if line.startswith("metastat "):
            # The older Python of the host has no order of keys.
            line = " ".join(sorted(line.split(), key=lambda word: (word != "metastat", not word.startswith("-"), word)))
        if CHANGES.match(line):
            seen.clear()
        # Every poll of a job asks for the time of boot, while the job's own commands run.
        if line not in seen and not line.startswith("kstat "):
            found.append(line)
        seen.add(line)
    return found


def test_the_play_without_a_controller_is_the_play(host, lab):
    argv = [sys.executable, ROOT / "tests" / "faults" / "run.py", "--commands", "svm", "--scenario", "backup, tar"]
    printed = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=True).stdout
    host.forget()
    Play(lab, "backup", dict(HOME1, snapbackup_volumes=VOLUMES, snapbackup_method="tar"), "--limit", "node1").end()
    assert order(printed.splitlines()) == order(host.commands())


CUT_CONNECTION = "pkill -KILL -f '[s]shd: root@notty'; ip link set eth0 down; sleep 4; ip link set eth0 up"


# One of each phase that changes something: split, present (twice), withdraw, rejoin. What cuts off the store is in test_interrupted.
COMMANDS = ("metaoffline", "fsck", "mount", "umount", "metaonline")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", ["boot", "controller", "connection"])
def test_a_play_that_is_cut_off_during_a_command_is_recovered(host, lab, what, command):
    """While the command hangs, the host boots, the controller is killed or the connection is cut. The lock goes without any of them."""
    host.fault(command, "hang")
    given = dict(HOME1, snapbackup_method="tar", snapbackup_lease=3, snapbackup_unreachable_timeout=1)
    play = Play(lab, "backup", given, "--limit", "node1")
    (call,) = play.until(lambda: [call for call in host.journal() if call.fault and call.ended is None], "the hang", 60)
    if what == "boot":
        host.simctl("reboot")
    elif what == "connection":
        host.run("sh", "-c", CUT_CONNECTION)
    play.kill()
    wait(lambda: host.locks() == [], "the end of the lock")
    assert host.writable("/home1", 10)

    run = host.record()["run"]
    host.run("pkill", "-KILL", "-f", " ".join(call.words), check=False)
    wait(lambda: host.run("pgrep", "-f", "AnsiballZ_", check=False).returncode == 1, "the end of the module")
    Play(lab, "recover", {"snapbackup_takeover": run}, "--limit", "node1").end()
    # By the time that the copy is withdrawn its image is complete.
    stored = command in ("umount", "metaonline")
    assert host.record(run)["result"] == ("complete" if stored else "abandoned")
    assert host.manifests() == ([host.record(run)["image"]] if stored else [])
    host.assert_nothing_left()
