# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults, and the journal of commands."""

import os
import subprocess
import sys
import time

import pytest


def offline(host):
    """True if d3 is really offline."""
    return "(offline)" in host.ok("metastat", "-c")


def test_fail_has_no_effect(svm):
    svm.fault("metaoffline", "fail")
    assert svm.refused("metaoffline", "d1", "d3") == "metaoffline: node1: I/O error\n\n"
    assert not offline(svm)
    svm.ok("metaoffline", "d1", "d3")


def test_message_exit_status_and_the_nth_call(svm):
    svm.fault("metaoffline", "fail", "--nth", 2, "--rc", 7, "--message", "metaoffline: node1: d1: stale databases")
    svm.ok("metaoffline", "d1", "d3")
    done = svm.run("metaoffline", "-f", "d1", "d3")
    assert (done.returncode, done.stderr) == (7, "metaoffline: node1: d1: stale databases\n\n")
    svm.ok("metaoffline", "-f", "d1", "d3")


def test_every_call(svm):
    svm.fault("metaoffline", "fail", "--nth", 0)
    for _time in range(3):
        svm.refused("metaoffline", "d1", "d3")
    svm.ctl("fault", "clear")
    svm.ok("metaoffline", "d1", "d3")


def test_lie_about_failure(svm):
    svm.fault("metaoffline", "lie-fail")
    assert svm.refused("metaoffline", "d1", "d3") == "metaoffline: node1: I/O error\n\n"
    assert offline(svm)


@pytest.mark.parametrize("argv, text", [
    (("metaoffline", "d1", "d3"), "d1: submirror d3 is offlined\n"),
    (("metaonline", "d1", "d3"), "d1: submirror d3 is onlined\n"),
    (("metadetach", "-f", "/dev/md/dsk/d1", "d3"), "d1: submirror d3 is detached\n"),
    (("metattach", "d1", "d3"), "d1: submirror d3 is attached\n"),
    (("lockfs", "-w", "/"), ""),
])
def test_lie_about_success(svm, argv, text):
    svm.fault(argv[0], "lie-ok")
    before = svm.ok("metastat", "-p")
    assert svm.ok(*argv) == text
    assert svm.ok("metastat", "-p") == before and not offline(svm) and svm.ok("lockfs") == ""


def test_odd_word(svm):
    svm.fault("metastat", "odd", "--nth", 0)
    assert svm.ok("metastat", "d1").count("State: Perplexed  ") == 4
    svm.ctl("fault", "clear")
    svm.fault("metastat", "odd", "--message", "Wobbly")
    svm.ok("metaoffline", "d1", "d3")
    assert svm.ok("metastat", "-c").startswith("d1               m   32MB d2 d3 (wobbly)\n")
    svm.fault("lockfs", "odd", "--nth", 2)
    svm.ok("lockfs", "-w", "/")
    assert svm.ok("lockfs", "/").splitlines()[1].split() == ["/", "Perplexed"]


def test_hang_until_killed(svm):
    svm.fault("metaoffline", "hang")
    hung = svm.start("metaoffline", "d1", "d3")
    time.sleep(0.5)
    hung.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        hung.wait(0.3)
    hung.kill()
    hung.communicate()
    assert not offline(svm)
    svm.ok("metaoffline", "d1", "d3")


@pytest.mark.parametrize("effect", ["kill-before", "kill-after"])
def test_kill_the_caller(svm, effect):
    svm.fault("metaoffline", effect)
    program = "import subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print('alive')"
    caller = subprocess.run([sys.executable, "-c", program] + svm.argv("metaoffline", "d1", "d3"), env=svm.env,
                            stdout=subprocess.PIPE, check=False)
    assert (caller.returncode, caller.stdout) == (-9, b"")
    end = time.monotonic() + 5
    while not offline(svm) and time.monotonic() < end:
        time.sleep(0.05)
    assert offline(svm), "the command itself goes on"


def test_faults_of_another_host_are_not_ours(svm):
    svm.fault("metaoffline", "fail", "--host", "elsewhere")
    svm.ok("metaoffline", "d1", "d3")


def test_bad_faults_are_refused(svm):
    assert svm.ctl("fault", "add", "--command", "metanothing", "--effect", "fail", check=False).returncode == 1
    assert svm.ctl("fault", "add", "--effect", "fail", check=False).returncode == 1


def test_journal(svm):
    svm.ctl("journal", "--clear")
    begun = time.monotonic()
    svm.ok("metaoffline", "d1", "d3")
    svm.refused("metaoffline", "d1", "d 3")
    svm.fault("metaonline", "fail")
    svm.refused("metaonline", "d1", "d3")
    rows = svm.journal()
    assert [row["argv"][1:] for row in rows] == [["d1", "d3"], ["d1", "d 3"], ["d1", "d3"]]
    assert [os.path.basename(row["argv"][0]) for row in rows] == ["metaoffline", "metaoffline", "metaonline"]
    assert [(row["rc"], row["fault"], row["host"], row["ppid"]) for row in rows] == [
        (0, None, "node1", os.getpid()), (1, None, "node1", os.getpid()), (1, "fail", "node1", os.getpid())]
    times = [begun] + [value for row in rows for value in (row["started"], row["ended"])] + [time.monotonic()]
    assert times == sorted(times)
    svm.ctl("journal", "--clear")
    assert svm.journal() == []
