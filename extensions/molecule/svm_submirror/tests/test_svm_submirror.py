# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""d3 is split from d1 in one short window, and everything needed to bring it home is recorded."""


def test_metastat_says_offline(host):
    assert host.check_output("metastat -c d1").splitlines()[0].endswith(" d2 d3 (offline)")


def test_the_file_system_is_unlocked(host):
    assert host.check_output("lockfs /home1").splitlines()[1].split() == ["/home1", "unlock"]


def test_lock_cut_unlock_and_nothing_else(journal, record):
    window = journal[journal.index("lockfs -f /home1") + 1 : journal.index("lockfs -u /home1") + 2]
    assert window == [
        "lockfs /home1",
        "lockfs -w -c snapbackup:%s /home1" % record["run"],
        "lockfs /home1",
        "metaoffline d1 d3",
        "metastat -c d1",
        "lockfs /home1",
        "lockfs -u /home1",
        "lockfs /home1",
    ]


def test_it_was_split_once(journal):
    assert [line for line in journal if line.startswith(("metaoffline", "metaonline"))] == ["metaoffline d1 d3"]


def test_the_record_says_what_to_undo_and_what_the_cut_is_worth(record):
    assert [(entry["action"], entry["mirror"], entry["submirror"]) for entry in record["undo"]] == [("online", "d1", "d3")]
    assert record["verdict"] == "filesystem"
    window = record["window"]
    assert len(window["cuts"]) == 1
    assert window["locked"] < window["cuts"][0] < window["released"]
    assert window["seconds"] < 10


def test_no_watchdog_is_left(watchdogs):
    assert watchdogs == []
