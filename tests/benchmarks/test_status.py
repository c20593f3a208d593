# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How long the state of a fleet takes: fifty inventory names, each with records of its own, all on this machine."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOSTS, RUNS = 50, 20
MOST = 20
RECORD = {
    "schema": 1, "name": "home1", "manager": "svm", "kind": "backup", "phase": "record", "result": "complete", "error": None,
    "opened": 1, "deadline": 1, "closed": 2, "stale_after": 300, "boot": "another", "undo": [], "verdict": "filesystem", "proof": [],
    "recovery": [], "layout": {"metastat -p": "d1 -m d2 d3 1\n" * 100}, "job": None, "redundancy_lost_seconds": 60, "peers": [],
    "members": [{"volume": "d1", "copy": "d3", "remaining": 1}], "window": {"at": "2026-11-20T03:15:02Z", "cuts": [1.0]},
    "image": "/backup/manifest.json", "host": "node1",
}  # fmt: skip


def inventory(directory):
    """The path of an inventory of HOSTS names; on the first of them a run has died."""
    hosts = {}
    for number in range(HOSTS):
        state = directory / ("state%d" % number)
        (state / "runs").mkdir(parents=True)
        for sequence in range(RUNS):
            run = "20261120T0315%02dZ-%06x" % (sequence, number)
            (state / "runs" / (run + ".json")).write_text(json.dumps(dict(RECORD, run=run, sequence=sequence)))
        hosts["host%02d" % number] = {"snapbackup_state_dir": str(state)}
    dead = {"run": "20261120T040000Z-ffffff", "sequence": 99, "closed": None, "result": None, "undo": [{"id": "svm_submirror:d1:d3"}]}
    (directory / "state0" / "runs" / "20261120T040000Z-ffffff.json").write_text(json.dumps(dict(RECORD, **dead)))
    shared = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    path = directory / "hosts.json"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
    return path


def test_status_of_fifty_hosts(table, tmp_path):
    hosts, told = inventory(tmp_path), tmp_path / "status.json"
    environ = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".cache" / "collections"), ANSIBLE_HOME=str(tmp_path / "ansible"))
    program = Path(sys.executable).with_name("ansible-playbook")

    def measure():
        started = time.perf_counter()
        argv = [program, "-i", hosts, "volmgr.snapbackup.status", "-e", "snapbackup_status_file=%s" % told]
        done = subprocess.run(list(map(str, argv)), env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "host00: backup 20261120T040000Z-ffffff of set home1 is dead" in done.stdout and "host49" in done.stdout
        return time.perf_counter() - started

    table.bounded("status of %d hosts with %d runs each" % (HOSTS, RUNS), measure, "s", most=MOST)
    fleet = json.loads(told.read_text())
    assert len(fleet) == HOSTS and fleet["host00"][0]["open"][0]["condition"] == "dead"
