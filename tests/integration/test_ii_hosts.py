# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the shadows of Instant Image are: readers that cannot have them, sets that are made one after the other, SV by hand, and readers
that have them although nobody thinks so, or are lost with them."""

import contextlib
import json
import time

import pytest
from conftest import new
from plays import Play, failures
from shadows import BOTH, LONG, RDSK, assert_home, changes, fresh, groups, member, play, states, variables

pytestmark = pytest.mark.slow

ONE, TWO = variables(member(1)), variables(*BOTH)


def refusal(lab, playbook, given):
    """What a play says that must fail."""
    return " ".join(failures(Play(lab, playbook, given).end(2, seconds=LONG))["node1"])


def test_a_reader_that_does_not_share_the_disks_is_refused(lab):
    primary = new(lab, "node1", "ii-own")
    new(lab, "node2", "vxvm-kinds")
    primary.forget()
    assert "deported and seen there" in refusal(lab, "backup", ONE)
    assert changes(primary) == [] and primary.records() == []


def test_volumes_that_must_stay_are_not_taken_along(lab):
    primary, _reader = fresh(lab)
    other = member(3)
    primary.module("ii_set", state="enabled", members=[other], confirm=[other["shadow"]])
    primary.forget()
    message = refusal(lab, "backup", ONE)
    assert "%sbackup/vol03 would travel too" % RDSK in message and changes(primary) == []


def test_a_preparation_is_not_complete_when_the_copy_was_broken_off(lab):
    primary, _reader = fresh(lab)
    primary.simctl("resync-speed", "stall")
    running = Play(lab, "prepare", ONE)
    running.until(lambda: "copy in progress" in primary.out("iiadm", "-i", "all"), "the full copy", LONG)
    primary.run("iiadm", "-g", "Backup1", "-a")
    (message,) = set(failures(running.end(2, seconds=LONG))["node1"])
    # By the module that has begun the copy where it still looks, else by the play that has waited for it.
    assert "backup/vol01" in message and "Found: interrupted" in message and primary.record()["result"] == "failed"


def test_a_set_is_added_to_a_group_that_is_there(lab):
    """It alone is copied as a whole; and the volumes that go along are named."""
    primary, reader = fresh(lab)
    said = play(lab, "backup", ONE)
    assert "backup/vol02" in said and "go to node2 too, since vxdg deport takes the whole disk group" in said
    for host in (primary, reader):
        host.forget()
    before = len(json.loads(primary.simctl("show"))["ii"]["copies"])
    play(lab, "backup", TWO)
    made = [line for line in changes(primary) if line.startswith("iiadm -g")]
    assert made == ["iiadm -g Backup1 -e ind production/vol02 backup/vol02 production/vol02.bmp", "iiadm -g Backup1 -u s"]
    copies = json.loads(primary.simctl("show"))["ii"]["copies"][before:]
    assert [copy["full"] for copy in copies].count(1) == 1 and len(copies) == 3
    assert [image["volume"] for image in reader.json(reader.record()["image"])["images"]] == ["production/vol01", "production/vol02"]
    assert_home(primary, reader)


def test_volumes_that_svadm_holds_go_and_come_back_under_it(lab):
    """As with Instant Image 3.0, which does not do that itself."""
    primary, reader = fresh(lab)
    for host in (primary, reader):
        host.simctl("set", "auto_sv", "off")
    for path in ("production/vol01", "backup/vol01"):
        primary.run("svadm", "-e", RDSK + path)
    play(lab, "prepare", ONE)
    for host in (primary, reader):
        host.forget()
    play(lab, "backup", ONE)
    assert [line for line in changes(primary, reader) if line.startswith(("svadm", "vxdg", "iiadm"))] == [
        "iiadm -g Backup1 -u s", "iiadm -E backup/vol01", "svadm -d backup/vol01", "vxdg deport backup", "vxdg -t import backup",
        "iiadm -I backup/vol01 backup/vol01.bmp", "svadm -e backup/vol01", "iiadm -d backup/vol01", "svadm -d backup/vol01",
        "vxdg deport backup", "vxdg import backup", "iiadm -J backup/vol01 backup/vol01.bmp", "svadm -e backup/vol01",
    ]  # fmt: skip
    assert_home(primary, reader, "vol01")


def away(lab, primary, reader):
    """A run whose shadow the reader has, and whose controller is dead; its id."""
    running = Play(lab, "backup", ONE)
    running.until(lambda: any("iiadm" in str(record["proof"]) for record in reader.records()), "the shadow imported on the reader", LONG)
    running.kill()
    # What the controller has started there ends by itself.
    time.sleep(5)
    return primary.record()["run"]


def test_nothing_is_imported_while_the_reader_still_has_it_whatever_its_records_say(lab):
    primary, reader = fresh(lab)
    run = away(lab, primary, reader)
    reader.run("rm", "/var/lib/snapbackup/runs/%s.json" % run)
    primary.forget()
    given = {"snapbackup_hosts": "node1", "snapbackup_takeover": run}
    assert "node2 still has backup, and nothing is imported on two hosts" in refusal(lab, "recover", given)
    assert changes(primary) == [] and "backup" in groups(reader)
    reader.run("iiadm", "-d", RDSK + "backup/vol01")
    reader.run("vxvol", "-g", "backup", "stopall")
    reader.run("vxdg", "deport", "backup")
    play(lab, "recover", given)
    assert_home(primary, reader, "vol01")


@contextlib.contextmanager
def unreachable(host):
    """A host that answers nobody."""
    host.run("pkill", "-STOP", "-o", "-x", "sshd")
    host.kill("sshd: root")
    try:
        yield
    finally:
        host.kill("sshd", "CONT")


def test_a_run_whose_reader_is_lost_is_ended_when_its_disk_group_is_here(lab):
    primary, reader = fresh(lab)
    run = away(lab, primary, reader)
    given = {"snapbackup_hosts": "node1", "snapbackup_takeover": run}
    lost = dict(given, snapbackup_reader_lost="node2")
    # Nobody takes a reader for lost that answers.
    assert "answers for this run" in refusal(lab, "recover", lost)
    with unreachable(reader):
        assert "node2, which takes part in it, cannot be reached" in refusal(lab, "recover", given)
        assert "backup is not imported on this host" in refusal(lab, "recover", lost) and "backup" not in groups(primary)
        primary.run("vxdg", "-C", "import", "backup")
        primary.run("vxvol", "-g", "backup", "startall")
        play(lab, "recover", lost)
        assert primary.record(run)["result"] == "abandoned" and states(primary) == {"vol01": "synced"}
    reader.simctl("reboot", "--crash")
    reader.run("sh", "-c", "iiadm -d %sbackup/vol01; rm /var/lib/snapbackup/runs/*" % RDSK, check=False)
    primary.forget()
    play(lab, "backup", ONE)
    # What the lost reader has written to it is known to nobody.
    assert [line for line in changes(primary) if line.startswith("iiadm -g")] == ["iiadm -g Backup1 -c s"]
    assert_home(primary, reader, "vol01")
