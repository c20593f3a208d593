# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Copies that stay split on purpose, and copies that are split for too long, on mirrors with real data."""

import pytest
from hosts import PYTHON2, wait
from plays import HOME1, Play, failures, planned

pytestmark = pytest.mark.slow

KEEP = dict(HOME1, snapbackup_retain="until_next_run")
OFF, ON = "metaoffline d1 d3", "metaonline d1 d3"
ONE = ("--limit", "node1")


def moves(host):
    """The commands that lock, split and give back, in their order."""
    return [line for line in host.changes() if line.startswith(("lockfs -w", "metaoffline", "metaonline"))]


def test_a_kept_submirror_goes_home_just_before_the_next_split_or_with_a_reboot(host, lab):
    Play(lab, "backup", KEEP, *ONE).end()
    first = host.record()
    assert (first["phase"], first["retained"]["until"], first["retained"]["survives_reboot"]) == ("retained", "next_run", False)
    assert "kept until the next run of the set" in Play(lab, "recover", {}, *ONE).end()
    assert host.marks("d1")["d3"] == "offline"

    host.fill("/home1", "later")
    host.forget()
    lines = planned(Play(lab, "backup", KEEP, *ONE, "--check", "--diff").end())
    assert [line for line in lines if line in (ON, OFF)] == [ON, OFF], lines
    assert host.changes() == [] and host.marks("d1")["d3"] == "offline"

    Play(lab, "backup", KEEP, *ONE).end()
    found = moves(host)
    assert found[0] == ON and found[1].startswith("lockfs -w") and found[2] == OFF and len(found) == 3, found
    assert [(record["phase"], record["result"]) for record in host.records()] == [("rejoin", "complete"), ("retained", None)]

    host.simctl("reboot")
    host.settled()
    host.forget()
    said = Play(lab, "recover", {}, *ONE).end()
    assert "has ended as complete" in said and moves(host) == []
    host.assert_nothing_left()


def test_a_job_that_nobody_waits_for_is_ended_when_its_time_is_over(host, lab):
    host.script("stuck", "dd if=$1 bs=1M count=1 status=none", "sleep 600")
    alert = host.script("alert", 'printf "%s" "$1" > /root/alerted')
    variables = dict(HOME1, snapbackup_method="command", snapbackup_command=["/root/stuck", "{device}"], snapbackup_max_split=0.01)
    play = Play(lab, "backup", variables, *ONE)
    play.until(lambda: host.run("pgrep", "-f", "^/bin/sh /root/stuck", check=False).returncode == 0, "the copy", 60)
    play.kill()
    run = host.record()["run"]
    assert host.record()["max_split"] == 36

    def overdue():
        found = host.module("backup_run", PYTHON2, run=run)["runs"][0]
        return found["overdue"] and not found["live"]

    wait(overdue, "the end of its time", 60)
    assert host.module("volume_backup", run=run, state="read")["job"]["state"] == "running"
    message = failures(Play(lab, "recover", {"snapbackup_alert": [alert, "{text}"]}, *ONE).end(2))["node1"][0]
    assert run in message and "split for longer than snapbackup_max_split, 0.01 hours" in message
    assert host.out("cat", "/root/alerted").strip() == message.strip()
    assert host.record()["result"] == "abandoned" and "snapbackup_max_split" in host.record()["error"]
    assert host.run("pgrep", "-f", "/root/stuck", check=False).returncode == 1
    host.assert_nothing_left()
    assert Play(lab, "recover", {}, *ONE).end()
