# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""vol03 has one snapshot, made once, and everything that is needed to give it back is recorded."""


def test_the_snapshot_is_a_started_volume(host, record):
    rows = [line.split() for line in host.check_output("vxprint -g datadg -ht").splitlines()]
    found = [row[:5] for row in rows if row[:1] == ["v"] and row[1].startswith("vol03-") and not row[1].endswith("_dcl")]
    assert found == [["v", "vol03-" + record["run"][-6:], "-", "ENABLED", "ACTIVE"]]


def test_it_was_made_once(journal, record):
    made = [line for line in journal if line.startswith("vxassist ") and "maxsize" not in line]
    assert made == ["vxassist -g datadg -b snapstart vol03", "vxassist -g datadg snapshot vol03 vol03-" + record["run"][-6:]]


def test_the_record_says_what_to_undo_and_what_the_cut_is_worth(record):
    assert [(entry["action"], entry["group"], entry["volume"]) for entry in record["undo"]] == [("absent", "datadg", "vol03")]
    assert record["verdict"] == "filesystem" and len(record["window"]["cuts"]) == 1


def test_no_watchdog_is_left(watchdogs):
    assert watchdogs == []
