# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role of every volume manager has to be, the example's among them: see docs/adding-a-manager.md."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted([*ROOT.glob("roles/*_backup"), *ROOT.glob("tests/example/roles/*_backup")])
SKELETON = ROOT / "roles" / "snapbackup"
ENTRIES = ("main", "prepare", "restore", "recover")
PHASES = {"preflight", "prepare", "split", "present", "withdraw", "rejoin", "recover", "restore"}
# Left out where the manager cannot put its copies back, or where no other host reads them or can write to its volumes.
OPTIONAL = {"rollback", "restore_begin", "restore_end", "reader_lost"}
# Before it is known which run it is, a phase sees <run>.
PREDICTED = re.compile(r"snapbackup_run == '<run>'")


def load(path):
    return yaml.safe_load(path.read_text())


def manager(role):
    return role.name.removesuffix("_backup")


def tasks(path):
    """Every task of a file, those in blocks among them."""
    waiting, found = list(load(path) or []), []
    while waiting:
        task = waiting.pop(0)
        found.append(task)
        for part in ("block", "rescue", "always"):
            waiting.extend(task.get(part, []))
    return found


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request):
    return request.param


def test_there_is_more_than_the_example():
    assert "svm_backup" in [role.name for role in ROLES] and "example_backup" in [role.name for role in ROLES]


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_point_hands_over_to_the_skeleton(role, entry):
    (task,) = load(role / "tasks" / (entry + ".yml"))
    assert task["ansible.builtin.include_role"] == {"name": "volmgr.snapbackup.snapbackup", "tasks_from": entry}
    assert task["vars"] == {"snapbackup_manager": manager(role)}
    assert (SKELETON / "tasks" / (entry + ".yml")).exists()


def test_there_is_no_other_entry_point(role):
    assert {path.stem for path in (role / "tasks").glob("*.yml")} == set(ENTRIES)


def test_every_phase_is_there_and_nothing_else(role):
    found = {path.stem for path in (role / "tasks" / "phases").glob("*.yml")}
    assert PHASES <= found and found - OPTIONAL == PHASES


def test_a_phase_without_a_task_says_why(role):
    for path in (role / "tasks" / "phases").glob("*.yml"):
        assert tasks(path) or re.search(r"^# \w", path.read_text(), re.M), path.name


def test_the_entry_points_take_the_same_options(role):
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert set(specs) == set(ENTRIES)
    assert specs["main"]["options"]["snapbackup_volumes"]["options"], "the elements of snapbackup_volumes"
    prepare = specs["prepare"]["options"]
    assert {name: spec for name, spec in specs["main"]["options"].items() if name in prepare} == prepare


def test_no_option_of_the_skeleton_is_declared_again(role):
    """But for the volumes, whose elements only the manager knows."""
    shared = {name for entry in load(SKELETON / "meta" / "argument_specs.yml")["argument_specs"].values() for name in entry["options"]}
    own = {name for entry in load(role / "meta" / "argument_specs.yml")["argument_specs"].values() for name in entry.get("options", {})}
    assert own & shared <= {"snapbackup_volumes"}


def test_what_can_be_left_out_has_no_part_that_is_required(role):
    """A dictionary that is empty unless given would always be refused."""
    for entry in load(role / "meta" / "argument_specs.yml")["argument_specs"].values():
        for name, spec in entry.get("options", {}).items():
            if spec.get("default") == {}:
                assert not [part for part, inner in spec.get("options", {}).items() if inner.get("required")], name


def test_phases_work_on_the_run_they_are_given(role):
    """rejoin and recover may be given an earlier run, also in check mode."""
    text = (role / "tasks" / "phases" / "rejoin.yml").read_text()
    assert "{{ snapbackup_run }}" in text
    assert "snapbackup_volumes" not in text or PREDICTED.search(text)
    assert "snapbackup_volumes" not in (role / "tasks" / "phases" / "recover.yml").read_text()


def test_every_cut_counts_on_the_services_that_are_stopped(role):
    """They are no part of what the user has written in snapbackup_quiesce."""
    texts = [(role / "tasks" / "phases" / (phase + ".yml")).read_text() for phase in ("preflight", "split")]
    assert "{{ snapbackup_holders }}" in texts[1]
    assert not any("{{ snapbackup_quiesce }}" in text for text in texts)


def test_preflight_tells_which_volumes_there_are(role):
    told = [
        task["ansible.builtin.set_fact"]
        for task in tasks(role / "tasks" / "phases" / "preflight.yml")
        if "ansible.builtin.set_fact" in task
    ]
    assert any("snapbackup_members" in facts for facts in told)


def test_nothing_shared_names_a_manager(role):
    """The skeleton and the playbooks find managers by their roles."""
    shared = [path for part in ("roles/snapbackup/tasks", "playbooks") for path in (ROOT / part).glob("**/*.yml")]
    naming = [path for path in shared if re.search(r"(?<![a-z_])%s_(?!backup_)" % manager(role), path.read_text())]
    assert naming == []


def test_no_task_keeps_anything_under_the_name_of_an_option():
    """An option given on the command line would win over it, and it would win over the option of another set on the host."""
    places = [*ROLES, SKELETON]
    options = {name for place in places for entry in load(place / "meta" / "argument_specs.yml")["argument_specs"].values()
               for name in entry.get("options", {})}  # fmt: skip
    kept = {name for place in places for path in (place / "tasks").glob("**/*.yml") for task in tasks(path)
            for name in [task.get("register"), *task.get("ansible.builtin.set_fact", {})]}  # fmt: skip
    assert "snapbackup_reader" in options and "snapbackup_members" in kept and kept & options == set()
