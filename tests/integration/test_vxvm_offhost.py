# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Snapshots that a second host reads: split off, given away, stored there, taken back; and what becomes of a run that dies between
the two hosts."""

import json
import re
from types import SimpleNamespace

import pytest
from conftest import new
from hosts import STATE_DIR
from plays import Play, failures, planned

pytestmark = pytest.mark.slow

CHANGES = re.compile(
    r"^(vxassist .*snap|vxsnap (?!.* list)|vxedit |vxdg (?!.*(list|free))|vxvol |vxrecover |vxdctl enable|fsck -F|mount |umount |dd )"
)
VOL01 = {"disk_group": "datadg", "volume": "vol01", "filesystem": "/vol01", "disks": ["disk02"]}
VOL02 = {"disk_group": "datadg", "volume": "vol02", "filesystem": "/vol02", "disks": ["disk03"]}
VOL03 = {"disk_group": "datadg", "volume": "vol03", "disks": ["disk02"]}
ENDLESS = {"method": "command", "command": ["sleep", "600"], "output": "none"}


def variables(*volumes, **more):
    return {
        "snapbackup_hosts": "node1", "snapbackup_reader": "node2", "snapbackup_manager": "vxvm", "snapbackup_name": "data",
        "snapbackup_volumes": list(volumes), "snapbackup_destination": "/backup/", "snapbackup_poll": 1, "snapbackup_after": "reattached",
        **{"snapbackup_" + key: value for key, value in more.items()},
    }  # fmt: skip


def changes(host):
    return [line for line in host.commands() if CHANGES.match(line)]


def groups(host):
    return sorted(line.split()[0] for line in host.out("vxdg", "-q", "list").splitlines())


def rows(host):
    """{volume: (kernel state, {plex: state})} of datadg, without log volumes."""
    found = {}
    for words in map(str.split, host.out("vxprint", "-g", "datadg", "-ht").splitlines()):
        if words[:1] == ["v"] and not words[1].endswith("_dcl"):
            found[words[1]] = (words[3], {})
        elif words[:1] == ["pl"] and words[2] in found:
            found[words[2]][1][words[1]] = words[4]
    return found


def tasks(host):
    return json.loads(host.simctl("show"))["vxvm"]["tasks"]


def assert_home(node1, node2):
    """One disk group, on the primary, with started originals and no snapshot; nothing left to undo on either host."""
    assert (groups(node1), groups(node2)) == (["datadg"], [])
    assert {name: kstate for name, (kstate, _plexes) in rows(node1).items()} == dict.fromkeys(("vol01", "vol02", "vol03"), "ENABLED")
    for host in (node1, node2):
        assert STATE_DIR not in host.out("cat", "/etc/mnttab", "/proc/self/mounts")
        assert [record["run"] for record in host.records() if record["closed"] is None or record["undo"]] == []
    assert "(" not in node1.out("vxdisk", "-o", "alldgs", "list")


def two(lab):
    return new(lab, "node1", "vxvm-offhost"), new(lab, "node2", "vxvm-offhost")


@pytest.fixture
def hosts(lab):
    return two(lab)


@pytest.fixture(scope="module")
def done(lab):
    """A prediction and two backups; what was seen."""
    node1, node2 = two(lab)
    node1.fill("/vol01")
    seen = SimpleNamespace(node1=node1, node2=node2, journals=[], tasks=[])
    for host in (node1, node2):
        host.forget()
    seen.predicted = planned(Play(lab, "backup", variables(VOL01), "--check", "--diff").end())
    seen.by_check = changes(node1) + changes(node2)
    for _number in range(2):
        for host in (node1, node2):
            host.forget()
        before = len(tasks(node1))
        Play(lab, "backup", variables(VOL01)).end(seconds=240)
        seen.journals.append((changes(node1), changes(node2), sorted(node1.journal() + node2.journal(), key=lambda call: call.started)))
        seen.tasks.append(tasks(node1)[before:])
    seen.here, seen.there = node1.records(), node2.records()
    return seen


def test_both_hosts_do_their_part_of_the_procedure(done):
    for (here, there, _calls), record in zip(done.journals, done.here):
        mark = record["run"][-6:]
        apart, copy = "datadg-" + mark, "vol01-" + mark
        split = here.index("vxdg -o expand split datadg %s %s" % (apart, copy))
        assert here[split + 1 :][:6] == [
            "vxdg deport " + apart, "vxdctl enable", "vxdg import " + apart, "vxdg join %s datadg" % apart,
            "vxrecover -g datadg -m " + copy, "vxvol -g datadg start " + copy,
        ]  # fmt: skip
        assert [line.split()[0] for line in here[split + 7 :] if "vxedit" not in line] == ["vxassist"]
        assert there == [
            "vxdctl enable", "vxdg -t import " + apart, "vxrecover -g %s -m" % apart, "vxvol -g %s startall" % apart,
            "fsck -F vxfs -y /dev/vx/rdsk/%s/%s" % (apart, copy), "dd if=/dev/vx/rdsk/%s/%s bs=1048576 count=32" % (apart, copy),
            "vxvol -g %s stopall" % apart, "vxdg deport " + apart,
        ]  # fmt: skip


def test_check_mode_shows_the_commands_of_both_hosts(done):
    assert done.by_check == []
    mark = done.here[0]["run"][-6:]
    real = [" ".join(call.words) for call in done.journals[0][2] if CHANGES.match(" ".join(call.words))]
    told = [line.replace("<run>", mark).replace("<mirror of vol01>", "vol01-02") for line in done.predicted]
    assert told == real


def test_the_images_are_complete_on_the_reader(done):
    assert [(record["result"], record["verdict"], record["undo"]) for record in done.here] == [("complete", "filesystem", [])] * 2
    assert [(record["result"], record["undo"]) for record in done.there] == [("complete", [])] * 2
    assert len(done.node2.manifests()) == 2 and done.node1.manifests() == []
    assert_home(done.node1, done.node2)
    assert sorted(rows(done.node1)["vol01"][1].values()) == ["ACTIVE", "SNAPDONE"]


def test_only_what_has_changed_is_copied_after_the_join(done):
    (back,) = done.tasks[1]
    assert not back["full"] and back["total"] < 16 << 20


def test_the_image_is_the_cut_whatever_is_written_meanwhile(lab, hosts):
    node1, node2 = hosts
    original = "/dev/vx/rdsk/datadg/vol03"
    node1.run("dd", "if=/dev/urandom", "of=" + original, "bs=1M", "count=16", "conv=fsync")
    then = node1.sha256(original)
    waiting = node2.script("waiting", "touch /root/begun", "while [ ! -e /root/go ]; do sleep 0.1; done", "exec cat /dev/vx/rdsk/*/vol03-*")
    play = Play(lab, "backup", variables(VOL03, after="absent", method="command", command=[waiting], output="stream"))
    play.until(lambda: node2.run("test", "-e", "/root/begun", check=False).returncode == 0, "the reader", 240)
    assert groups(node1) == ["datadg"] and len(groups(node2)) == 1
    node1.run("dd", "if=/dev/urandom", "of=" + original, "bs=1M", "count=16", "conv=fsync")
    node2.run("touch", "/root/go")
    play.end(seconds=240)
    assert node1.sha256(original) != then
    assert [node2.json(path)["images"][0]["sha256"] for path in node2.manifests()] == [then]
    assert_home(node1, node2)


STOPS = [("node2", "vxdctl", "nobody has it"), ("node2", "vxvol", "the reader has it, not started"), ("node1", "vxdctl", "on the way back"),
         ("node1", "vxrecover", "joined, not started")]  # fmt: skip


@pytest.mark.parametrize("name, command, where", STOPS)
def test_a_run_that_died_on_the_way_is_brought_home(lab, hosts, name, command, where):
    node1, node2 = hosts
    host = {"node1": node1, "node2": node2}[name]
    host.fault(command, "hang", nth=0)
    play = Play(lab, "backup", variables(VOL01))
    play.until(lambda: any(call.words[0] == command and call.ended is None for call in host.journal()), where, 240)
    play.kill()
    host.simctl("fault", "clear")
    # First the module, or it would go on. With pipelining it has no name: it is the parent of its command.
    host.run("sh", "-c", "kill -9 $(ps -o ppid= -p $(pgrep -o -f sbin/%s))" % command)
    host.kill("sbin/" + command)
    run = node1.record()["run"]
    assert groups(node1) == ["datadg"] and groups(node2) == (["datadg-" + run[-6:]] if command == "vxvol" else [])
    Play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_takeover": run}).end(seconds=240)
    assert node1.record(run)["closed"] and node2.record(run)["closed"]
    assert_home(node1, node2)


def test_a_run_that_died_after_the_reader_had_ended_its_part_is_brought_home(lab, hosts):
    """With the variables of the set on the command line, where nothing overrides them."""
    node1, node2 = hosts
    play = Play(lab, "backup", variables(VOL01))
    play.until(lambda: any(record["closed"] for record in node2.records()), "the end on the reader", 240)
    play.kill()
    run = node1.record()["run"]
    assert node1.record()["closed"] is None
    Play(lab, "recover", variables(VOL01, takeover=run)).end(seconds=240)
    assert (node1.record(run)["result"], node2.record(run)["result"]) == ("complete", "complete")
    assert_home(node1, node2)


def reading(lab, node1, node2):
    """A run whose job on the reader never ends, and whose controller is dead; its id."""
    play = Play(lab, "backup", variables(VOL01, **ENDLESS))
    play.until(lambda: any(record["job"] for record in node2.records()), "the copy job", 240)
    play.kill()
    return node1.record()["run"]


@pytest.mark.parametrize("rebooted", ["node2", "node1"])
def test_a_boot_of_either_host_leaves_nothing_behind(lab, hosts, rebooted):
    node1, node2 = hosts
    run = reading(lab, node1, node2)
    apart = "datadg-" + run[-6:]
    {"node1": node1, "node2": node2}[rebooted].simctl("reboot")
    assert groups(node2) == ([apart] if rebooted == "node1" else [])
    if rebooted == "node2":
        refused = node1.run("vxdg", "import", apart, check=False)
        assert "another host" in refused.stderr, "the lock of the reader is still on the disks"
    node2.forget()
    Play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_takeover": run}).end(seconds=240)
    assert not [line for line in node1.commands() + node2.commands() if " -C" in line or "clearimport" in line]
    assert node1.record(run)["result"] == "abandoned"
    assert_home(node1, node2)


def test_a_module_that_dies_after_the_split_is_made_up_for_by_the_play(lab, hosts):
    node1, node2 = hosts
    # The first one also prepares the mirror; those after it are alike.
    for _backup in range(2):
        node1.forget()
        Play(lab, "backup", variables(VOL01)).end(seconds=240)
    calls = [call.words for call in node1.journal() if call.words[0].rsplit("/", 1)[-1] == "vxdg"]
    nth = next(number for number, words in enumerate(calls, 1) if "split" in words)
    node1.forget()
    node1.fault("vxdg", "kill-after", nth=nth)
    Play(lab, "backup", variables(VOL01)).end(2, seconds=240)
    assert [word for call in node1.journal() if call.fault for word in call.words if word in ("list", "split")] == ["split"]
    assert node1.record()["result"] == "failed"
    assert_home(node1, node2)


def test_a_copy_that_is_kept_is_home_and_is_restored_from(lab, hosts):
    node1, node2 = hosts
    node1.fill("/vol02")
    then = node1.tree("/vol02")
    wanted = variables(VOL02, retain="until_next_run")
    Play(lab, "backup", wanted).end(seconds=240)
    run = node1.record()["run"]
    assert (groups(node1), groups(node2)) == (["datadg"], []) and "vol02-" + run[-6:] in rows(node1)
    node1.fill("/vol02", "later")
    node1.run("umount", "/vol02")
    Play(lab, "restore", variables(VOL02, restore_from="copy", restore_run=run, confirm=["datadg/vol02"])).end()
    node1.run("mount", "-F", "vxfs", "/dev/vx/dsk/datadg/vol02", "/vol02")
    assert node1.tree("/vol02") == then
    assert_home(node1, node2)


@pytest.mark.parametrize("volume, word", [
    (dict(VOL01, disks=["disk04"]), "vol03"), (dict(VOL01, disks=None), "left to the volume manager"),
    (dict(VOL01, disk_group="d" * 31, disks=None), "disk group"),
])  # fmt: skip
def test_what_cannot_be_split_off_is_refused_before_anything_is_made(lab, hosts, volume, word):
    node1, _node2 = hosts
    node1.forget()
    output = Play(lab, "backup", variables({key: value for key, value in volume.items() if value})).end(2)
    assert any(word in message for message in failures(output)["node1"])
    assert changes(node1) == []


def test_a_reader_that_does_not_share_the_disks_is_refused(lab):
    node1, _node2 = new(lab, "node1", "vxvm-kinds"), new(lab, "node2", "vxvm-kinds")
    node1.forget()
    output = Play(lab, "backup", variables(dict(VOL01, disks=["disk04"]), after="absent")).end(2)
    assert any("node2 cannot read" in message for message in failures(output)["node1"])
    assert changes(node1) == []
