# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbooks with the newest ansible-core; it needs a newer Python on the hosts. All other tests use the oldest one."""

import json

import pytest
from hosts import PYTHON3
from plays import CACHE, HOME1, Play, planned

pytestmark = pytest.mark.slow

PROGRAM = CACHE / "venv-new" / "bin" / "ansible-playbook"
ALL = {"snapbackup_hosts": "node1", "ansible_python_interpreter": PYTHON3}


@pytest.fixture
def play(lab):
    def run(playbook, variables, *options):
        return Play(lab, playbook, {**ALL, **variables}, *options, program=PROGRAM).end()
    return run


def test_a_backup_a_look_and_a_restore(host, play, tmp_path):
    host.fill("/home1")
    then = host.tree("/home1")
    host.forget()
    shown = planned(play("backup", HOME1, "--check", "--diff"))
    assert host.changes() == [] and shown
    play("backup", HOME1)
    record = host.record()
    assert [line.replace(record["run"], "<run>") for line in host.changes() if line.startswith(("lockfs", "meta"))] == [
        line for line in shown if line.startswith(("lockfs", "meta"))
    ]
    assert (record["result"], record["verdict"], record["undo"]) == ("complete", "filesystem", [])
    told = tmp_path / "status.json"
    play("status", {"snapbackup_status_file": str(told)})
    assert json.loads(told.read_text())["node1"][0]["last"]["run"] == record["run"]
    host.fill("/home1", "later")
    asked = {"snapbackup_manifest": record["image"], "snapbackup_confirm": ["d1"], "snapbackup_poll": 1}
    host.run("umount", "/home1")
    play("restore", asked)
    host.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
    assert host.tree("/home1") == then
    play("recover", {})
    assert [entry["result"] for entry in host.records()] == ["complete", "complete"]
    host.assert_nothing_left()
