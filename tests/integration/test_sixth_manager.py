# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A manager that nothing shared has heard of: the files of tests/example, added to a copy of the collection, on this machine alone.

What it goes through here is the skeleton's own work, whatever the manager: kept copies, many dead runs, restores, several sets.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("plugins", "roles", "playbooks", "meta")
IGNORED = shutil.ignore_patterns("__pycache__")
TAR = ["/bin/tar", "cf", "-", "-C", "{device}", "."]
UNTAR = ["/bin/tar", "xf", "-", "-C", "{target}"]


class Site:
    """One host, this machine, with its state directory and the volumes one, two and three."""

    def __init__(self, directory):
        self.directory = directory
        self.collections = directory / "collections"
        collection = self.collections / "ansible_collections" / "volmgr" / "snapbackup"
        for part in SHARED:
            shutil.copytree(ROOT / part, collection / part, ignore=IGNORED)
        shutil.copytree(ROOT / "tests" / "example" / "plugins", collection / "plugins", dirs_exist_ok=True)
        shutil.copytree(ROOT / "tests" / "example" / "roles", collection / "roles", dirs_exist_ok=True)
        shutil.copy(ROOT / "galaxy.yml", collection)
        for name in ("one", "two", "three"):
            (directory / name).mkdir()
            self.write(name, "before")
        self.state.mkdir(mode=0o700)
        (directory / "backup").mkdir()
        (directory / "hosts.yml").write_text(json.dumps({"all": {"hosts": {
            "here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
            "elsewhere": {"ansible_host": "127.0.0.1", "ansible_port": 1},
        }, "vars": {"snapbackup_state_dir": str(self.state), "snapbackup_remote_tmp": str(directory / "tmp")}}}))  # fmt: skip

    @property
    def state(self):
        return self.directory / "state"

    def volume(self, name):
        """Its name in records and confirmations."""
        return str(self.directory / name).strip("/").replace("/", "-")

    def write(self, name, text):
        (self.directory / name / "data").write_text(text)

    def read(self, name):
        return (self.directory / name / "data").read_text()

    def split(self, name):
        return (self.directory / (name + ".copy")).is_dir()

    def set(self, name, **options):
        """The variables of a set of one volume."""
        return dict({
            "snapbackup_manager": "example", "snapbackup_name": name, "snapbackup_volumes": [{"directory": str(self.directory / name)}],
            "snapbackup_destination": str(self.directory / "backup"), "snapbackup_method": "command", "snapbackup_command": TAR,
            "snapbackup_poll": 1,
        }, **options)  # fmt: skip

    def play(self, playbook, variables=None, *options, rc=0):
        """Run a playbook of the collection; what it prints."""
        environ = dict(
            os.environ, ANSIBLE_COLLECTIONS_PATH=str(self.collections), ANSIBLE_HOME=str(self.directory / "ansible"),
            ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_NOCOLOR="true", ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_CONFIG=str(ROOT / "tests" / "lab" / "ansible.cfg"),
        )  # fmt: skip
        program = Path(sys.executable).with_name("ansible-playbook")
        named = ["volmgr.snapbackup." + playbook, "-l", "here", "-e", json.dumps(variables or {})]
        done = subprocess.run(
            [str(word) for word in [program, "-i", self.directory / "hosts.yml", *named, *options]],
            env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == rc, done.stdout + done.stderr
        return done.stdout

    def records(self):
        """Every run record, oldest first."""
        found = [json.loads(path.read_text()) for path in (self.state / "runs").glob("*.json")]
        return sorted(found, key=lambda record: record["sequence"])

    def change(self, run, **fields):
        """Edit a record as if time had passed, or a process had died."""
        path = self.state / "runs" / (run + ".json")
        path.write_text(json.dumps(dict(json.loads(path.read_text()), **fields)))

    def die(self, run, **fields):
        """Let a run be found as one that died while it stored: what it has split is still split."""
        self.change(run, deadline=1, retained=None, phase="store", **fields)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_a_backup_and_a_restore(site):
    site.play("prepare", site.set("one"))
    site.play("backup", site.set("one"))
    prepared, backup = site.records()
    assert (prepared["kind"], prepared["result"], backup["result"]) == ("prepare", "complete", "complete")
    assert not site.split("one")
    (site.directory / "one" / "data").unlink()
    confirmed = {"snapbackup_manifest": backup["image"], "snapbackup_confirm": [site.volume("one")], "snapbackup_restore_command": UNTAR}
    site.play("restore", confirmed)
    assert site.read("one") == "before"
    assert [record["source_manifest"] for record in site.records()] == [None, None, backup["image"]]


def test_a_kept_copy_is_restored_from(site):
    site.play("backup", site.set("one", snapbackup_retain="until_next_run"))
    run = site.records()[0]["run"]
    assert site.records()[0]["retained"]["until"] == "next_run" and site.split("one")
    assert "kept until the next run" in site.play("recover") and site.split("one")
    site.write("one", "damaged")
    variables = {"snapbackup_restore_from": "copy", "snapbackup_restore_run": run}
    assert "snapbackup_confirm names nothing" in site.play("restore", variables, rc=2)
    assert site.read("one") == "damaged"
    site.play("restore", dict(variables, snapbackup_confirm=[site.volume("one")]))
    assert site.read("one") == "before" and not site.split("one")
    backup, restore = site.records()
    assert (backup["result"], restore["result"], restore["source_run"]) == ("complete", "complete", run)
    assert "nothing split" not in site.play("recover")
    assert "has ended" in site.play("restore", dict(variables, snapbackup_confirm=[site.volume("one")]), rc=2)


def test_several_sets(site):
    common = {key: value for key, value in site.set("one").items() if key not in ("snapbackup_name", "snapbackup_volumes")}
    volumes = [{"directory": str(site.directory / name)} for name in ("one", "two")]
    sets = [
        {"name": "lost", "volumes": [{"directory": str(site.directory / "lost")}]},
        {"name": "one", "volumes": volumes[:1], "lease": 5},
        {"name": "odd", "volumes": volumes[1:], "volume": "two"},
        {"snapbackup_name": "two", "snapbackup_volumes": volumes[1:]},
    ]
    output = site.play("backup", dict(common, snapbackup_sets=sets), rc=2)
    assert "2 of 4 sets failed" in output
    assert "lost: " in output and "odd: snapbackup_volume: no option of a set" in output
    assert [(record["name"], record["result"], record["window"]["lease"]) for record in site.records()] == [
        ("one", "complete", 5), ("two", "complete", 60)]  # fmt: skip


def both(site, **options):
    """Variables that back up both volumes in one play."""
    common = {key: value for key, value in site.set("one", **options).items() if key not in ("snapbackup_name", "snapbackup_volumes")}
    return dict(common, snapbackup_sets=[
        {"name": name, "volumes": [{"directory": str(site.directory / name)}]} for name in ("one", "two")])  # fmt: skip


def last_message(output):
    """The msg of the last task that failed or said something."""
    return json.JSONDecoder().raw_decode(output.rpartition('"msg": ')[2])[0]


def alarm(site):
    """(a command that notes what it is told, the file it notes it in)"""
    noted = site.directory / "noted"
    return ["/bin/cp", "/etc/hostname", str(noted) + ".{name}"], lambda name: Path(str(noted) + "." + name).exists()


def test_recover_goes_on_behind_what_it_cannot_bring_home(site):
    site.play("backup", both(site, snapbackup_retain="48"))
    site.play("backup", site.set("three", snapbackup_retain="48"))
    one, two, away = (record["run"] for record in site.records())
    site.die(one, undo=[*site.records()[0]["undo"], {"id": "somebody:else", "action": "unknown"}])
    site.die(two)
    site.die(away, peers=["elsewhere"])
    restore = dict(site.records()[0], run="20260101T000000Z-abcdef", name="four", kind="restore", deadline=1, undo=[],
                   members=[{"volume": "four"}], sequence=99, source_manifest="/backup/four/manifest.json")  # fmt: skip
    (site.state / "runs" / "20260101T000000Z-abcdef.json").write_text(json.dumps(restore))
    planned = site.play("recover", {}, "--check", "--diff", rc=2)
    assert "rm -rf %s.copy" % (site.directory / "two") in planned and site.split("one") and site.split("two")
    said = last_message(site.play("recover", rc=2))
    assert one in said and "somebody:else" in said and two not in said
    assert "volmgr.snapbackup.restore -e snapbackup_hosts=here -e snapbackup_manifest=/backup/four/manifest.json " in said
    assert """-e '{"snapbackup_confirm": ["four"]}' -e snapbackup_state_dir=""" in said
    assert "elsewhere, which takes part in it, cannot be reached" in said
    assert [site.split(name) for name in ("one", "two", "three")] == [False, False, True]
    assert [record["result"] for record in site.records()] == [None, "complete", None, None]
    assert "no run 20200101T000000Z-abcdef to take over" in site.play("recover", {"snapbackup_takeover": "20200101T000000Z-abcdef"}, rc=2)


def test_what_is_kept_too_long_or_until_the_next_run_is_given_back(site):
    site.play("backup", both(site, snapbackup_retain="until_next_run"))
    one, two = (record["run"] for record in site.records())
    site.change(two, retained={"until": 1, "survives_reboot": True})
    site.play("recover")
    assert site.split("one") and not site.split("two")
    site.write("one", "after")
    planned = site.play("backup", site.set("one"), "--check", "--diff")
    copy = str(site.directory / "one")
    lines = [line.strip() for line in planned.splitlines() if line.startswith("  /")]
    assert [line.split("/")[-1] if "tar" in line else line.partition(" ")[2] for line in lines][:2] == [
        "-rf %s.copy" % copy, "-a %s %s.copy" % (copy, copy)]  # fmt: skip
    assert (site.directory / "one.copy" / "data").read_text() == "before"
    site.die(one)
    assert "-rf %s.copy" % copy in site.play("backup", site.set("one"), "--check", "--diff") and site.split("one")
    site.change(one, phase="retained", retained={"until": "next_run", "survives_reboot": True})
    site.play("backup", site.set("one", snapbackup_retain="until_next_run"))
    assert (site.directory / "one.copy" / "data").read_text() == "after"
    assert [(record["name"], record["phase"], record["result"]) for record in site.records()] == [
        ("one", "rejoin", "complete"), ("two", "rejoin", "complete"), ("one", "retained", None)]  # fmt: skip


def test_a_copy_that_is_split_for_too_long(site):
    alert, raised = alarm(site)
    slow = site.set("one", snapbackup_command=["/bin/sleep", "300"], snapbackup_max_split=0.001, snapbackup_alert=alert)
    output = site.play("backup", slow, rc=2)
    assert "split for longer than snapbackup_max_split" in output and raised("one") and not site.split("one")
    assert site.records()[0]["result"] == "failed"
    site.play("backup", site.set("two", snapbackup_retain="48"))
    run = site.records()[1]
    site.change(run["run"], retained=None, phase="store", max_split=1, deadline=run["deadline"] + 3600)
    output = site.play("recover", {"snapbackup_alert": alert}, rc=2)
    assert "split for longer than snapbackup_max_split" in output and raised("two") and not site.split("two")
    site.play("backup", site.set("three", snapbackup_retain="48"))
    run = site.records()[2]
    site.change(run["run"], retained=None, phase="store", max_split=1, deadline=run["deadline"] + 3600)
    site.play("backup", site.set("three", snapbackup_alert=alert))
    assert raised("three") and [record["closed"] is not None for record in site.records()] == [True] * 4
    assert (site.records()[3]["name"], site.records()[3]["result"]) == ("three", "complete")


def test_a_notice_that_fails_stops_the_backup_before_the_split(site):
    alert, told = alarm(site)
    variables = site.set("one", snapbackup_notice=[alert, ["/bin/false"]], snapbackup_notice_after=[["/bin/false"], alert])
    output = site.play("backup", variables, rc=2)
    assert "/bin/false ended with exit code 1" in output and told("one")
    assert (site.records()[0]["window"], site.records()[0]["result"]) == (None, "failed")
    site.play("backup", dict(variables, snapbackup_notice=[alert]))
    assert site.records()[1]["result"] == "complete"


def test_a_restore_from_copies_goes_on_in_its_direction(site):
    site.play("backup", site.set("one", snapbackup_retain="until_next_run"))
    run = site.records()[0]["run"]
    site.write("one", "damaged")
    confirmed = {"snapbackup_restore_from": "copy", "snapbackup_restore_run": run, "snapbackup_confirm": [site.volume("one")]}
    broken = site.collections / "ansible_collections/volmgr/snapbackup/roles/example_backup/tasks/phases/rollback.yml"
    phase = broken.read_text()
    broken.write_text("---\n- name: Break off\n  ansible.builtin.fail:\n    msg: interrupted\n")
    site.play("restore", confirmed, rc=2)
    restore = site.records()[1]["run"]
    site.change(restore, deadline=1)
    site.change(run, retained={"until": 1, "survives_reboot": True}, deadline=1)
    output = site.play("recover", {"snapbackup_takeover": run}, rc=2)
    assert "-e snapbackup_restore_from=copy -e snapbackup_restore_run=%s " % run in output
    assert "restore %s goes on from its copies" % restore in output and site.split("one")
    assert "did not end" in site.play("backup", site.set("one"), rc=2) and site.split("one")
    manifest = {"snapbackup_manifest": site.records()[0]["image"], "snapbackup_confirm": [site.volume("one")]}
    assert "snapbackup_restore_from=copy" in site.play("restore", dict(manifest, snapbackup_restore_command=UNTAR), rc=2)
    broken.write_text(phase)
    site.play("restore", confirmed)
    assert site.read("one") == "before" and not site.split("one")
    assert [(record["run"], record["result"]) for record in site.records()] == [(run, "complete"), (restore, "complete")]


def test_what_is_no_manifest_is_named(site):
    for content in ("no manifest", "{}", "[1]"):
        (site.directory / "m.json").write_text(content)
        output = site.play("restore", {"snapbackup_manifest": str(site.directory / "m.json"), "snapbackup_confirm": ["x"]}, rc=2)
        assert "m.json is not the manifest of a backup" in output
