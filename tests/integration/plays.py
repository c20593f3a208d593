# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbooks of the collection, run as a user runs them."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile

from hosts import BACKUP, PATIENCE, ROOT, wait
from loaded import Playbook

HOME1 = {
    "snapbackup_manager": "svm",
    "snapbackup_name": "home1",
    "snapbackup_volumes": [{"mirror": "d1", "submirror": "d3", "filesystem": "/home1"}],
    "snapbackup_destination": BACKUP,
    "snapbackup_poll": 1,
}
CACHE = ROOT / ".cache"
CONFIG = ROOT / "tests" / "lab" / "ansible.cfg"
ENVIRON = dict(
    ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_NOCOLOR="true", ANSIBLE_LOCALHOST_WARNING="false", ANSIBLE_CONFIG=str(CONFIG),
    ANSIBLE_HOME=str(CACHE / "ansible"), ANSIBLE_COLLECTIONS_PATH=str(CACHE / "collections"),
)  # fmt: skip


class Play:
    """One run of a playbook, of the collection or at a path: start it, then end() or kill().

    program: an ansible-playbook; without one it is that of the ansible-core that runs the tests, the oldest one that is supported.
    """

    def __init__(self, lab, playbook, variables, *options, program=None):
        named = playbook if "/" in str(playbook) else "volmgr.snapbackup." + playbook
        argv = list(map(str, [program or "ansible-playbook", "-i", lab.inventory_path, named, "-e", json.dumps(variables), *options]))
        # A file and not a pipe: nobody reads while a test watches the hosts, and a full pipe would stop the play.
        self.printed = tempfile.NamedTemporaryFile("r")
        self.process = start(argv, self.printed.name) if program else Playbook(argv, ENVIRON, self.printed.name)

    def until(self, question, what, seconds=PATIENCE):
        """Until question() is true, which the play has to bring about; its answer. If that fails, the message says what it has printed."""

        def ask():
            ended = self.process.poll() is not None
            answer = question()
            assert answer or not ended, "the play has ended before: " + what
            return answer

        try:
            return wait(ask, what, seconds)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, summed_up(self.kill()))) from None

    def end(self, rc=0, seconds=120):
        """Wait for its end with that exit code; its output."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("not at its end within %s s\n%s" % (seconds, summed_up(self.kill()))) from None
        output = self.output()
        assert self.process.returncode == rc, "exit code %s\n%s" % (self.process.returncode, summed_up(output))
        return output

    def kill(self):
        """SIGKILL the controller with all its workers and connections, if they still run; its output so far."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)
        return self.output()

    def output(self):
        """What it has printed so far."""
        self.printed.seek(0)
        return self.printed.read()


def start(argv, printed):
    """Start another program than the one that is loaded, as it would be from a command line."""
    with open(printed, "a") as out:
        return subprocess.Popen(
            argv, env=dict(os.environ, **ENVIRON), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )


def failures(output):
    """The messages of failed tasks: {host: [msg]}"""
    found = {}
    for host, result in re.findall(r"^(?:fatal|failed): \[(\S+)(?: -> \S+)?\].*? => (\{[^\n]*\}$|\{.*?^\})", output, re.M | re.S):
        found.setdefault(host, []).append(json.loads(result).get("msg", ""))
    return found


def summed_up(output):
    """The output after the messages of its failed tasks, since of a long text only the beginning is shown."""
    return "%s\n%s" % (json.dumps(failures(output), indent=1), output)


def planned(output):
    """The state-changing commands a --diff has shown, as lines with the command's name alone. For a play of one host."""
    found = []
    for block in re.findall(r"^commands:\n((?:  .*\n)+)", output, re.M):
        for words in map(shlex.split, block.splitlines()):
            found.append(" ".join([os.path.basename(words[0])] + words[1:]))
    return found
