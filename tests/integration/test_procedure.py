# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The procedure as a user runs it, with playbooks on two hosts: predicted, done twice, and restored.

node1 does what the Solaris Volume Manager Administration Guide does: one mirror, read as it is. node2 has two mirrors in
one set and stores files.
"""

from types import SimpleNamespace

import pytest
from backups import D1, D10
from conftest import new
from hosts import STATE_DIR
from plays import HOME1, Play, failures, planned

SETS = {"node1": {"volumes": [D1], "method": "dd"}, "node2": {"volumes": [D1, D10], "method": "tar"}}
VARIABLES = dict(
    HOME1,
    sets=SETS,
    snapbackup_volumes="{{ sets[inventory_hostname].volumes }}",
    snapbackup_method="{{ sets[inventory_hostname].method }}",
)
TAG = "snapbackup:<run>"
MOUNTED = STATE_DIR + "/runs/<run>/mnt/"
PREDICTED = {
    "node1": [
        "lockfs -f /home1", "lockfs -w -c %s /home1" % TAG, "metaoffline d1 d3", "lockfs -u /home1",
        "dd if=/dev/md/rdsk/d3 bs=1048576 count=64", "metaonline d1 d3",
    ],
    "node2": [
        "lockfs -f /home1 /home10", "lockfs -w -c %s /home1 /home10" % TAG, "metaoffline d1 d3", "metaoffline d10 d13",
        "lockfs -u /home1 /home10",
        "mount -F ufs -o ro /dev/md/dsk/d3 %sd1" % MOUNTED, "mount -F ufs -o ro /dev/md/dsk/d13 %sd10" % MOUNTED,
        "tar cf - -C %sd1 ." % MOUNTED, "tar cf - -C %sd10 ." % MOUNTED, "umount %sd1" % MOUNTED, "umount %sd10" % MOUNTED,
        "metaonline d1 d3", "metaonline d10 d13",
    ],
}  # fmt: skip
WINDOW = {
    "node1": ["lockfs /home1", "metaoffline d1 d3", "metastat -c d1", "lockfs /home1"],
    "node2": ["lockfs /home1 /home10", "metaoffline d1 d3", "metaoffline d10 d13", "metastat -c d1 d10", "lockfs /home1 /home10"],
}


def everything(host):
    """Names and sums of all files a backup could touch, and the directories it could make. (Ansible makes its own, for what it uploads.)"""
    files = "find %s /backup /etc/mnttab /var/tmp -type f -exec sha256sum {} + 2>/dev/null | sort" % STATE_DIR
    return host.out("sh", "-c", "%s; find %s /backup | sort" % (files, STATE_DIR), check=False)


def simulated(lines):
    """Without the commands that the journal of the simulator does not have."""
    return [line for line in lines if not line.startswith("tar ")]


@pytest.fixture(scope="module")
def done(lab):
    """A prediction and two backups of two hosts, while both are written to; what was seen, by host."""
    hosts = [new(lab, name) for name in ("node1", "node2")]
    seen = {host.name: SimpleNamespace(host=host, name=host.name, journals=[]) for host in hosts}
    for host in hosts:
        host.fill("/home1")
        host.fill("/home10")
        host.forget()
        seen[host.name].frozen = host.tree("/home1")
        seen[host.name].untouched = everything(host)
        seen[host.name].writer = host.start_writer("/home1/log")
    predictions = {host.name: Play(lab, "backup", VARIABLES, "--check", "--diff", "--limit", host.name) for host in hosts}
    for host in hosts:
        seen[host.name].predicted = planned(predictions[host.name].end())
        seen[host.name].after_check = everything(host)
        seen[host.name].journal_of_check = host.commands()
        seen[host.name].changes_of_check = host.changes()
    for _number in range(2):
        for host in hosts:
            host.forget()
        Play(lab, "backup", VARIABLES).end()
        for host in hosts:
            seen[host.name].journals.append((host.commands(), host.changes()))
    for host in hosts:
        seen[host.name].lived = seen[host.name].writer.poll() is None
        host.kill("home1/log")
        seen[host.name].records = host.records()
    return seen


@pytest.fixture(params=["node1", "node2"])
def seen(done, request):
    return done[request.param]


def test_check_mode_changes_nothing(seen):
    assert seen.changes_of_check == []
    assert seen.after_check == seen.untouched
    assert {line.split()[0] for line in seen.journal_of_check} <= {"metastat", "lockfs", "kstat", "fsck"}
    assert seen.journal_of_check


def test_check_mode_shows_the_commands_of_the_real_run_in_their_order(seen):
    assert seen.predicted == PREDICTED[seen.name]
    for (_lines, changes), record in zip(seen.journals, seen.records):
        assert simulated(seen.predicted) == [line.replace(record["run"], "<run>") for line in changes]


def test_the_journal_has_the_sequence_of_the_guide(done):
    for (lines, _changes), record in zip(done["node1"].journals, done["node1"].records):
        left = iter(lines)
        expected = ["metastat d1", "lockfs -w -c snapbackup:%s /home1" % record["run"], "metaoffline d1 d3", "lockfs -u /home1",
                    "dd if=/dev/md/rdsk/d3 bs=1048576 count=64", "metaonline d1 d3", "metastat d1"]  # fmt: skip
        assert [line for line in expected if line not in left] == []


def test_the_window_holds_only_what_it_must(seen):
    for lines, _changes in seen.journals:
        first = next(number for number, line in enumerate(lines) if line.startswith("lockfs -w"))
        last = next(number for number, line in enumerate(lines) if line.startswith("lockfs -u"))
        assert lines[first + 1 : last] == WINDOW[seen.name]
        assert lines[last + 1] == lines[first + 1]


def test_two_runs_give_two_complete_images_and_a_healthy_mirror(seen):
    assert [(record["result"], record["verdict"], record["undo"]) for record in seen.records] == [("complete", "filesystem", [])] * 2
    assert [record["image"] for record in seen.records] == seen.host.manifests()
    manifests = [seen.host.json(path) for path in seen.host.manifests()]
    for manifest, record in zip(manifests, seen.records):
        assert (manifest["complete"], manifest["run"]) == (True, record["run"])
        assert [image["volume"] for image in manifest["images"]] == [member["mirror"] for member in SETS[seen.name]["volumes"]]
        for image in manifest["images"]:
            assert seen.host.sha256(record["image"].replace("manifest.json", image["file"])) == image["sha256"]
        assert "d1 -m" in manifest["layout"]["metastat -p"]
        assert all(clause["held"] for clause in manifest["proof"]) and len(manifest["proof"]) == 1 + len(manifest["images"])
        assert 0 < record["redundancy_lost_seconds"] < 60
    assert manifests[0]["images"][0]["sha256"] != manifests[1]["images"][0]["sha256"]
    seen.host.assert_nothing_left()


def test_writers_went_on(seen):
    assert seen.lived


def test_nothing_of_ansible_is_left_and_the_records_are_private(seen):
    assert seen.host.out("find", "/var/tmp/.ansible-snapbackup", "-type", "f", check=False) == ""
    assert seen.host.out("stat", "-c", "%a %U", STATE_DIR) == "700 root\n"
    assert seen.host.out("find", STATE_DIR, "-type", "d", "-perm", "/077") == ""


def test_restore_of_the_first_run_is_refused_then_shown_then_done(done, lab):
    """The last test: it overwrites the mirrors."""
    first, second = [seen.host for seen in done.values()]
    manifests = {seen.name: seen.records[0]["image"] for seen in done.values()}
    variables = {"snapbackup_manifest": "{{ %r[inventory_hostname] }}" % manifests, "snapbackup_poll": 1}
    confirmed = dict(variables, snapbackup_confirm="{{ %r[inventory_hostname] }}" % {"node1": ["d1"], "node2": ["d1", "d10"]})
    messages = failures(Play(lab, "restore", confirmed).end(2))
    assert "mounted on /home1" in messages["node1"][0] and "not empty" in messages["node2"][0], messages
    assert done["node1"].frozen.items() <= first.tree("/home1").items()
    first.run("umount", "/home1")
    for volume, point in (("d1", "/home1"), ("d10", "/home10")):
        second.run("umount", point)
        second.run("newfs", "/dev/md/rdsk/" + volume, data="y\n")
        second.run("mount", "-F", "ufs", "/dev/md/dsk/" + volume, point)
    first.forget()
    shown = planned(Play(lab, "restore", confirmed, "--limit", "node1", "--check", "--diff").end())
    assert first.changes() == []
    Play(lab, "restore", confirmed).end()
    assert [line for line in first.changes() if "of=" in line] == shown != []
    assert first.sha256("/dev/md/rdsk/d1") == first.json(manifests["node1"])["images"][0]["sha256"]
    first.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
    for host in (first, second):
        assert done[host.name].frozen.items() <= host.tree("/home1").items()
        numbers = host.out("cat", "/home1/log").split()
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        assert (host.records()[-1]["kind"], host.records()[-1]["result"]) == ("restore", "complete")
        host.assert_nothing_left()
