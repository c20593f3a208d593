# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How long writers wait for us, beyond what the commands of the volume manager take themselves."""

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest
import pythons
import vendor

HERE = Path(__file__).parent
TIMES = 21
TASKS = 9
MEMBERS = (1, 10, 100)


def milliseconds(argv):
    """Wall time of a command that must succeed."""
    started = time.perf_counter()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000


def shell(text):
    """Wall time of a shell script, without the start and the end of the shell."""
    return milliseconds(["/bin/sh", "-c", text]) - milliseconds(["/bin/sh", "-c", ":\n:"])


class Comparison:
    """Windows and scripts with the same commands in turn. All figures are medians in milliseconds, from lock to unlock."""

    def __init__(self, python, tools, members):
        mirrors = vendor.names(members)
        script = vendor.script(vendor.steps(tools, mirrors))
        # The first round is dropped: what has just been run starts faster.
        rounds = [(self.window(python, tools, mirrors), shell(script)) for _ in range(TIMES + 1)][1:]
        self.seconds = median(window["seconds"] * 1000 for window, _ in rounds)
        self.script = median(script for _, script in rounds)
        self.outside = median((window["seconds"] - window["in_commands"]) * 1000 for window, _ in rounds)
        self.overhead = median(window["seconds"] * 1000 - script for window, script in rounds)

    @staticmethod
    def window(python, tools, mirrors):
        """The facts of one freeze window in a process of its own."""
        argv = [python, str(HERE / "window.py"), str(tools), *mirrors]
        return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    return vendor.install(tmp_path_factory.mktemp("tools"))


def excess(tools, argvs):
    """Milliseconds that the stand-ins take more than so many calls of true."""
    script, plain = vendor.script(argvs), vendor.script([[str(tools / "true")]] * len(argvs))
    return median(shell(script) - shell(plain) for _ in range(TIMES))


def overhead(members, python):
    return "window less its commands, %s, %s" % (count(members), pythons.name(python))


def count(members):
    return "%d member%s" % (members, "s" * (members > 1))


@pytest.mark.parametrize("members", MEMBERS)
def test_overhead_on_current_python(table, tools, members):
    """Overhead is the window less the time a shell script needs for the same commands, so starting them well counts too."""
    python = pythons.current()

    def measure():
        found = Comparison(python, tools, members)
        table.note("window %.1f ms, of which it counts %.1f ms outside of commands" % (found.seconds, found.outside))
        return found.overhead

    table.bounded(overhead(members, python), measure, "ms", most=20 + 2 * members)


@pytest.mark.parametrize("members", MEMBERS)
def test_overhead_on_python_2_7_is_reported(table, tools, members):
    python = pythons.old()
    if python is None:
        pytest.skip("this machine has no CPython 2.7")
    found = Comparison(python, tools, members)
    table.add(overhead(members, python), "%.3g ms" % found.overhead)
    assert found.seconds > found.script


@pytest.mark.parametrize("members", MEMBERS)
def test_ratio_to_a_shell_script(table, tools, members):
    def measure():
        found = Comparison(pythons.current(), tools, members)
        more = excess(tools, vendor.steps(tools, vendor.names(members)))
        table.note("window %.1f ms, script %.1f ms, both less %.1f ms for the stand-ins" % (found.seconds, found.script, more))
        return (found.seconds - more) / (found.script - more)

    table.bounded("window / shell script, " + count(members), measure, "x", most=2.5)


class Tasks:
    """The steps as three Ansible tasks over a local connection, in turn with windows. Medians in milliseconds, from lock to unlock."""

    def __init__(self, directory, tools):
        mirrors = vendor.names(1)
        self.steps = vendor.steps(tools, mirrors)
        lock, _, cut, *_, unlock = self.steps
        self.own = [lock, cut, unlock]
        window = [pythons.current(), str(HERE / "window.py"), str(tools), *mirrors]
        tasks = [
            {"ansible.builtin.command": {"argv": argv}, "register": name}
            for name, argv in (("lock", lock), ("cut", cut), ("unlock", unlock), ("window", window))
        ]
        keep = {"pairs": "{{ pairs | default([]) + [[lock.start, unlock.end, (window.stdout | from_json).seconds]] }}"}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": [
                {"ansible.builtin.include_tasks": "steps.yml", "loop": list(range(TASKS))},
                {"ansible.builtin.copy": {"content": "{{ pairs | to_json }}", "dest": str(directory / "pairs.json"), "mode": "0600"}},
            ],
        }
        directory.joinpath("steps.yml").write_text(json.dumps([*tasks, {"ansible.builtin.set_fact": keep}]))
        directory.joinpath("play.yml").write_text(json.dumps([play]))
        milliseconds([Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", directory / "play.yml"])
        pairs = json.loads(directory.joinpath("pairs.json").read_text())
        self.tasks = median((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000 for start, end, _ in pairs)
        self.window = median(seconds * 1000 for *_, seconds in pairs)


def test_ratio_to_ansible_tasks(table, tools, tmp_path):
    def measure():
        found = Tasks(tmp_path, tools)
        more = excess(tools, found.steps)
        table.note("three tasks %.0f ms, window %.1f ms less %.1f ms for the stand-ins" % (found.tasks, found.window, more))
        return (found.tasks - excess(tools, found.own)) / (found.window - more)

    table.bounded("three Ansible tasks / window, 1 member", measure, "x", least=30)
