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

import environments
import pytest
import vendor

HERE = Path(__file__).parent
TIMES = 21
TASKS = 7
OLD = "2.7"
MEMBERS = (1, 10)


def current():
    """The newest CPython here that ansible-core can drive."""
    return next(filter(None, map(environments.interpreter, environments.CORE_PYTHONS["newest"])), sys.executable)


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
        # A command that has just been run once starts faster.
        self.window(python, tools, mirrors), shell(script)
        rounds = [(self.window(python, tools, mirrors), shell(script)) for _ in range(TIMES)]
        self.seconds = median(window["seconds"] * 1000 for window, _ in rounds)
        self.script = median(script for _, script in rounds)
        self.outside = median((window["seconds"] - window["in_commands"]) * 1000 for window, _ in rounds)
        self.overhead = median(window["seconds"] * 1000 - script for window, script in rounds)

    @staticmethod
    def window(python, tools, mirrors):
        """The facts of one freeze window in a process of its own."""
        argv = [python, str(HERE / "window.py"), str(tools), *mirrors]
        return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)

    def ratio(self, excess):
        """Window to script, as if every stand-in were as fast as true."""
        return (self.seconds - excess) / (self.script - excess)


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    return vendor.install(tmp_path_factory.mktemp("tools"))


def excess(tools, members):
    """Milliseconds that the stand-ins of one window take more than so many calls of true."""
    argvs = vendor.steps(tools, vendor.names(members))
    plain = vendor.script([[str(tools / "true")]] * len(argvs))
    script = vendor.script(argvs)
    return median(shell(script) - shell(plain) for _ in range(TIMES))


@pytest.mark.parametrize("members", MEMBERS)
def test_overhead_on_current_python(table, tools, members):
    """Overhead is the window less the time a shell script needs for the same commands, so starting them well counts too."""
    python = current()
    name = "window less its commands, %d member%s, %s" % (members, "s" * (members > 1), version(python))
    table.bounded(name, lambda: Comparison(python, tools, members).overhead, "ms", most=20 + 2 * members)


@pytest.mark.parametrize("members", MEMBERS)
def test_overhead_on_python_2_7_is_reported(table, tools, members):
    python = environments.interpreter(OLD)
    if python is None:
        pytest.skip("this machine has no Python " + OLD)
    found = Comparison(python, tools, members)
    table.add("window less its commands, %d member%s, %s" % (members, "s" * (members > 1), version(python)), "%.3g ms" % found.overhead)
    assert found.seconds > found.script


@pytest.mark.parametrize("members", MEMBERS)
def test_ratio_to_a_shell_script(table, tools, members):
    def measure():
        return Comparison(current(), tools, members).ratio(excess(tools, members))

    table.bounded("window / shell script, %d member%s" % (members, "s" * (members > 1)), measure, "x", most=2.5)


def version(python):
    code = "import sys; sys.stdout.write('CPython %d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout


def as_tasks(directory, tools):
    """Milliseconds from lock to unlock as three tasks over a local connection, in their own words: median of TASKS rounds."""
    lock, _, cut, *_, unlock = vendor.steps(tools, vendor.names(1))
    tasks = [{"ansible.builtin.command": {"argv": argv}, "register": name} for name, argv in (("lock", lock), ("cut", cut), ("unlock", unlock))]
    directory.joinpath("steps.yml").write_text(json.dumps([
        *tasks,
        {"ansible.builtin.set_fact": {"times": "{{ times | default([]) + [[lock.start, unlock.end]] }}"}},
    ]))  # fmt: skip
    directory.joinpath("play.yml").write_text(json.dumps([{
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [
            {"ansible.builtin.include_tasks": "steps.yml", "loop": list(range(TASKS))},
            {"ansible.builtin.copy": {"content": "{{ times | to_json }}", "dest": str(directory / "times.json"), "mode": "0600"}},
        ],
    }]))  # fmt: skip
    milliseconds([Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", directory / "play.yml"])
    spans = [[datetime.fromisoformat(moment) for moment in pair] for pair in json.loads(directory.joinpath("times.json").read_text())]
    return median((end - start).total_seconds() * 1000 for start, end in spans)


def test_ratio_to_ansible_tasks(table, tools, tmp_path):
    measured = []

    def measure():
        tasks, found = as_tasks(tmp_path, tools), Comparison(current(), tools, 1)
        measured[:] = tasks, found
        return tasks / found.seconds

    try:
        table.bounded("three Ansible tasks / window, 1 member", measure, "x", least=30)
    finally:
        tasks, found = measured
        table.add("  three tasks, window, script, stand-ins beyond true",
                  "%.0f, %.1f, %.1f, %.1f ms" % (tasks, found.seconds, found.script, excess(tools, 1)))  # fmt: skip
