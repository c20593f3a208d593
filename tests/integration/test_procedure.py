# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The procedure as a user runs it, with playbooks on two hosts: predicted, done twice, and restored."""

from types import SimpleNamespace

import pytest
from conftest import new
from hosts import STATE_DIR
from plays import HOME1, Play, planned

WRITER = "i=0; while :; do i=$((i+1)); echo $i >> /home1/log; done"


def everything(host):
    """Names and sums of all files a backup could touch."""
    paths = "%s /backup /etc/mnttab /var/tmp" % STATE_DIR
    return host.out("sh", "-c", "find %s -type f -exec sha256sum {} + 2>/dev/null | sort; find %s | sort" % (paths, paths), check=False)


@pytest.fixture(scope="module")
def done(lab):
    """A prediction and two backups of two hosts, while both are written to; what was seen, by host."""
    hosts = [new(lab, name) for name in ("node1", "node2")]
    seen = {host.name: SimpleNamespace(host=host, journals=[]) for host in hosts}
    for host in hosts:
        host.fill("/home1")
        seen[host.name].frozen = host.tree("/home1")
        host.forget()
        seen[host.name].untouched = everything(host)
        seen[host.name].writer = host.start("sh", "-c", WRITER)
    predicted = {host.name: Play(lab, "backup", HOME1, "--check", "--diff", "--limit", host.name) for host in hosts}
    for host in hosts:
        seen[host.name].predicted = predicted[host.name].end()
        seen[host.name].after_check = everything(host)
        seen[host.name].journal_of_check = host.commands()
        seen[host.name].changes_of_check = host.changes()
    for dummy in range(2):
        for host in hosts:
            host.forget()
        Play(lab, "backup", HOME1).end()
        for host in hosts:
            seen[host.name].journals.append((host.journal(), host.changes()))
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
    for (dummy, changes), record in zip(seen.journals, seen.records):
        assert planned(seen.predicted) == [line.replace(record["run"], "<run>") for line in changes]
    assert planned(seen.predicted) == [
        "lockfs -f /home1", "lockfs -w -c snapbackup:<run> /home1", "metaoffline d1 d3", "lockfs -u /home1",
        "dd if=/dev/md/rdsk/d3 bs=1048576 count=64", "metaonline d1 d3",
    ]  # fmt: skip


def test_the_journal_has_the_sequence_of_the_guide(seen):
    for (journal, dummy), record in zip(seen.journals, seen.records):
        lines = iter(" ".join(call.words) for call in journal)
        expected = ["metastat d1", "lockfs -w -c snapbackup:%s /home1" % record["run"], "metaoffline d1 d3", "lockfs -u /home1",
                    "dd if=/dev/md/rdsk/d3 bs=1048576 count=64", "metaonline d1 d3", "metastat d1"]  # fmt: skip
        assert [line for line in expected if line not in lines] == []


def test_the_window_holds_only_what_it_must(seen):
    for journal, dummy in seen.journals:
        lines = [" ".join(call.words) for call in journal]
        first = next(number for number, line in enumerate(lines) if line.startswith("lockfs -w"))
        last = next(number for number, line in enumerate(lines) if line.startswith("lockfs -u"))
        assert lines[first + 1 : last] == ["lockfs /home1", "metaoffline d1 d3", "metastat -c d1", "lockfs /home1"]
        assert lines[last + 1] == "lockfs /home1"


def test_two_runs_give_two_complete_images_and_a_healthy_mirror(seen):
    assert [(record["result"], record["verdict"], record["undo"]) for record in seen.records] == [("complete", "filesystem", [])] * 2
    assert [record["image"] for record in seen.records] == seen.host.manifests()
    manifests = [seen.host.json(path) for path in seen.host.manifests()]
    for manifest, record in zip(manifests, seen.records):
        image = manifest["images"][0]
        assert (manifest["complete"], manifest["run"], image["bytes"]) == (True, record["run"], 64 << 20)
        assert seen.host.sha256(record["image"].replace("manifest.json", image["file"])) == image["sha256"]
        assert "d1 -m" in manifest["layout"]["metastat -p"]
    assert manifests[0]["images"][0]["sha256"] != manifests[1]["images"][0]["sha256"]
    assert 0 < seen.records[0]["redundancy_lost_seconds"] < 60
    seen.host.assert_nothing_left()


def test_writers_went_on(seen):
    assert seen.lived


def test_nothing_of_ansible_is_left_and_the_records_are_private(seen):
    assert seen.host.out("find", "/var/tmp/.ansible-snapbackup", "-type", "f", check=False) == ""
    assert seen.host.out("stat", "-c", "%a %U", STATE_DIR) == "700 root\n"
    assert seen.host.out("find", STATE_DIR, "-type", "d", "-perm", "/077") == ""


def test_restore_of_the_first_run_shows_then_does(done, lab):
    """The last test: it overwrites the mirrors."""
    hosts = [seen.host for seen in done.values()]
    manifests = {seen.host.name: seen.records[0]["image"] for seen in done.values()}
    variables = {"snapbackup_manifest": "{{ %r[inventory_hostname] }}" % manifests, "snapbackup_poll": 1}
    assert "not confirmed" in Play(lab, "restore", variables, "--limit", "node1").end(2)
    confirmed = dict(variables, snapbackup_confirm=["d1"])
    assert "mounted on /home1" in Play(lab, "restore", confirmed, "--limit", "node1").end(2)
    for host in hosts:
        host.run("umount", "/home1")
        host.forget()
    shown = planned(Play(lab, "restore", confirmed, "--limit", "node1", "--check", "--diff").end())
    assert hosts[0].changes() == []
    Play(lab, "restore", confirmed).end()
    assert [line for line in hosts[0].changes() if "of=" in line] == shown != []
    for host in hosts:
        image = host.json(manifests[host.name])["images"][0]
        assert host.sha256("/dev/md/rdsk/d1") == image["sha256"]
        host.run("mount", "-F", "ufs", "/dev/md/dsk/d1", "/home1")
        tree = host.tree("/home1")
        assert {path: tree[path] for path in done[host.name].frozen} == done[host.name].frozen
        numbers = host.out("cat", "/home1/log").split()
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        assert host.records()[-1]["kind"] == "restore"
        host.assert_nothing_left()
