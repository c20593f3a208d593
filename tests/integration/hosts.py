# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A simulated host as a test sees it: commands, faults, journal, records, and the modules run on it without a playbook."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import ansible
import containers

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "/opt/collection"
MODULES = LIBRARY + "/ansible_collections/volmgr/snapbackup/plugins/modules/"
PYTHON2, PYTHON3 = "/usr/bin/python2.7", "/usr/bin/python3"
SIMCTL = ("python3", "/opt/simulator/simctl")
# Several verbs of simctl in one process; only the last one must succeed.
SEVERAL = """
import json, sys
sys.path.insert(0, "/opt/simulator")
from simulator.core.control import main
for verb in json.loads(sys.argv[1]):
    try:
        result = main(verb)
    except TypeError as error:
        result = repr(error)
sys.exit(result)
"""
# What start_writer() runs.
WRITER = """
import sys, time
number = 0
with open(sys.argv[1], "a", 1) as log:
    while True:
        number += 1
        log.write("%d\\n" % number)
        time.sleep(0.002)
"""
STATE_DIR = "/var/lib/snapbackup"
BACKUP = "/backup"
PID = "/run/module.pid"
PATIENCE = 20
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
CHANGES = re.compile(
    r"^(lockfs -|meta(offline|online|detach|clear|init|replace|sync|param)|metattach|mount |umount |newfs|fsck -[yo]|dd |"
    r"ufsdump|ufsrestore)"
)

# words: the command without its directory, then its arguments; ended is None while it runs, or where the real tool took over.
Call = namedtuple("Call", "words started ended rc fault")


@functools.lru_cache(maxsize=None)
def first_process(container):
    """The number that process 1 of a container has on this machine."""
    return containers.podman("inspect", "--format", "{{.State.Pid}}", container).stdout.strip()


class Host:
    """One host of a lab. All times are in seconds."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        # A tenth of what podman exec takes.
        self.enter = ["nsenter", "--target", first_process(lab.container(name)), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]

    def run(self, *argv, data=None, check=True, timeout=60):
        """Run argv on the host; CompletedProcess."""
        stdin = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
        argv = [str(word) for word in argv]
        done = subprocess.run(self.enter + argv, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=timeout, **stdin)
        said = done.stderr.strip() or done.stdout.strip()
        assert not check or done.returncode == 0, "%s: exit code %d: %s" % (argv, done.returncode, said)
        return done

    def out(self, *argv, **options):
        """What argv prints on its standard output."""
        return self.run(*argv, **options).stdout

    def start(self, *argv, data=None):
        """Start argv on the host and do not wait."""
        process = subprocess.Popen(
            self.enter + list(argv), env=ENVIRONMENT, text=True, stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        if data is not None:
            process.stdin.write(data)
            process.stdin.flush()
            process.stdin.close()
            process.stdin = None
        return process

    def kill(self, pattern, signal="KILL"):
        """Send a signal to every process with pattern in its command line."""
        self.run("pkill", "-" + signal, "-f", pattern, check=False)

    def write(self, path, content, mode="644"):
        """Write a file on the host."""
        self.run("tee", path, data=content)
        self.run("chmod", mode, path)

    def script(self, name, *lines):
        """An executable shell script; its path."""
        path = "/root/" + name
        self.write(path, "\n".join(("#!/bin/sh",) + lines) + "\n", "755")
        return path

    # The simulator.

    def simctl(self, *argv):
        """Control the simulated volume manager."""
        return self.out(*SIMCTL, *argv)

    def reset(self, topology):
        """A host that was just set up: every process killed, all volumes new, nothing of an earlier run."""
        # The reboot kills and unmounts; what a test has done to a file system may keep it from coming up again.
        verbs = [["fault", "clear"], ["reboot"], ["reset"], ["apply", "/opt/simulator/topologies/%s.yml" % topology]]
        self.run("python3", "-c", SEVERAL, json.dumps(verbs))
        self.run("sh", "-c", "umount %s/* 2>/dev/null; rm -rf %s/* %s /root/* /var/tmp/.ansible*" % (BACKUP, BACKUP, STATE_DIR))
        self.run("mkdir", "-p", BACKUP)

    def forget(self):
        """Begin a new journal."""
        self.simctl("journal", "--clear")

    def fault(self, command, effect, nth=1, message=None):
        """Plant a fault on the nth call of command from now on."""
        self.simctl("fault", "add", "--command", command, "--effect", effect, "--nth", nth, *(["--message", message] if message else []))

    def journal(self):
        """Every simulated command that was called, as [Call]."""
        calls = []
        for row in json.loads(self.simctl("journal", "--json")):
            words = [os.path.basename(row["argv"][0])] + row["argv"][1:]
            calls.append(Call(words, row["started"], row["ended"], row["rc"], row["fault"]))
        return calls

    def commands(self):
        """The journal as lines."""
        return [" ".join(call.words) for call in self.journal()]

    def changes(self):
        """The state-changing commands of the journal as lines, in their order."""
        return [line for line in self.commands() if CHANGES.match(line)]

    # What is the case.

    def marks(self, mirror):
        """{submirror: what metastat -c says of it, "" when it is well}"""
        lines = self.run("metastat", "-c", mirror, check=False).stdout.splitlines()
        line = next(line for line in lines if re.match(r"%s\s+m\s" % re.escape(mirror), line))
        return {name: mark for name, mark in re.findall(r"(\S+)(?: \(([^)]*)\))?", line.split("B", 1)[1])}

    def locks(self):
        """The rows of lockfs for locked file systems."""
        return self.out("lockfs").splitlines()[1:]

    def writable(self, point, seconds):
        """Whether a new process can write to the file system at point within so many seconds. One that cannot stays and waits."""
        writer = self.start("dd", "if=/dev/zero", "of=%s/probe" % point, "bs=512", "count=1", "conv=fsync")
        try:
            return writer.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False

    def records(self):
        """Every run record, oldest first."""
        paths = self.out("sh", "-c", "cat %s/runs/*.json 2>/dev/null || true" % STATE_DIR)
        decoder, found = json.JSONDecoder(), []
        while paths.strip():
            record, end = decoder.raw_decode(paths.lstrip())
            found.append(record)
            paths = paths.lstrip()[end:]
        return sorted(found, key=lambda record: record["sequence"])

    def record(self, run=None):
        """The record of a run, or of the last one."""
        return [record for record in self.records() if run in (None, record["run"])][-1]

    def age(self, run):
        """Let the time pass after which a run counts as dead."""
        record = self.record(run)
        self.run("tee", "%s/runs/%s.json" % (STATE_DIR, run), data=json.dumps(dict(record, deadline=1)))

    def manifests(self):
        """Paths of all manifests in the destination."""
        return sorted(self.out("find", BACKUP, "-name", "*manifest.json").split())

    def json(self, path):
        """The content of a JSON file."""
        return json.loads(self.out("cat", path))

    def sha256(self, path):
        """Of a file or a device."""
        return self.out("sha256sum", path).split()[0]

    def tree(self, point):
        """{path below point: sha256} of all files of a file system."""
        lines = self.out("sh", "-c", 'cd "$1" && find . -xdev -type f -exec sha256sum {} +', "sh", point).splitlines()
        return {line.split(None, 1)[1]: line.split()[0] for line in lines}

    def fill(self, point, name="data", mib=2):
        """Put random files into a file system."""
        for number in (1, 2, 3):
            self.run("dd", "if=/dev/urandom", "of=%s/%s.%d" % (point, name, number), "bs=1M", "count=%d" % mib, "conv=fsync")

    def settled(self, mirror="d1", seconds=PATIENCE):
        """Wait until every submirror of a mirror is well."""
        wait(lambda: set(self.marks(mirror).values()) == {""}, "%s healthy: %s" % (mirror, self.marks(mirror)), seconds)

    def assert_nothing_left(self, *mirrors):
        """Healthy, unlocked, unmounted, every run closed, nothing left to undo."""
        for mirror in mirrors or ("d1", "d10"):
            assert set(self.marks(mirror).values()) == {""}, self.out("metastat", "-c", mirror)
        assert self.locks() == []
        assert STATE_DIR not in self.out("cat", "/etc/mnttab", "/proc/self/mounts")
        assert [record["run"] for record in self.records() if record["closed"] is None] == []
        assert [record["undo"] for record in self.records() if record["undo"]] == []

    # The modules.

    def module_argv(self, name, python=PYTHON2):
        """argv that runs a module of the collection in a process whose number is in the file PID."""
        start = 'echo $$ > %s; exec "$@"' % PID
        return ["env", "PYTHONPATH=" + LIBRARY, "PYTHONDONTWRITEBYTECODE=1", "sh", "-c", start, "sh", python, MODULES + name + ".py"]

    def start_writer(self, path):
        """Start a program that appends a rising number to a file for ever, a line every few milliseconds; kill(path) ends it.

        Faster, it would take the processor from what is tested.
        """
        return self.start("python3", "-c", WRITER, path)

    def start_module(self, name, python=PYTHON2, check_mode=False, /, **options):
        """Start a module; outcome() waits for it."""
        options = dict(options, _ansible_check_mode=check_mode, _ansible_diff=True, _ansible_module_name=name)
        return self.start(*self.module_argv(name, python), data=json.dumps({"ANSIBLE_MODULE_ARGS": options}))

    def module(self, name, python=PYTHON2, check_mode=False, /, **options):
        """Run a module; what it returns. AssertionError if it fails."""
        result = outcome(self.start_module(name, python, check_mode, **options))
        assert not result.get("failed"), result
        return result

    def refused(self, name, check_mode=False, /, **options):
        """Run a module that must fail; what it returns."""
        result = outcome(self.start_module(name, PYTHON2, check_mode, **options))
        assert result.get("failed"), result
        assert "Traceback" not in result["msg"] and "MODULE FAILURE" not in result["msg"], result
        return result

    def kill_module(self, signal="KILL"):
        """Send a signal to the module that was started last."""
        self.run("kill", "-" + signal, self.out("cat", PID).strip())


def outcome(process, seconds=90):
    """What a started module has returned; {"killed": True} if it could say nothing."""
    out, err = process.communicate(timeout=seconds)
    if not out.strip():
        return {"killed": True, "failed": True, "msg": err}
    return json.loads(out)


def wait(question, what, seconds=PATIENCE):
    """Until question() is true; its answer."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, "not within %s s: %s" % (seconds, what)
        time.sleep(0.05)


def install_modules(lab):
    """Put the modules and what they import on every host, so that they run without a controller."""
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory) / "collection"
        ignored = shutil.ignore_patterns("__pycache__", "csharp", "powershell")
        shutil.copytree(Path(ansible.__file__).parent / "module_utils", top / "ansible" / "module_utils", ignore=ignored)
        plugins = top / "ansible_collections" / "volmgr" / "snapbackup" / "plugins"
        for kind in ("modules", "module_utils"):
            shutil.copytree(ROOT / "plugins" / kind, plugins / kind, ignore=ignored)
        for package in [top / "ansible", *plugins.parents[:3], plugins, plugins / "modules", plugins / "module_utils"]:
            (package / "__init__.py").touch()
        for host in lab.hosts:
            lab.exec(host, ["rm", "-rf", LIBRARY])
            containers.podman("cp", top, "%s:%s" % (lab.container(host), LIBRARY))
            lab.exec(host, [PYTHON2, "-m", "compileall", "-q", LIBRARY], check=False)
