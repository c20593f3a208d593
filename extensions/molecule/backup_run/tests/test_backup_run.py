# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run leaves on the host, and who may read it."""


def test_the_state_directory_is_private(host):
    assert host.file("/var/lib/snapbackup").mode == 0o700
    assert host.file("/var/lib/snapbackup").user == "root"


def test_there_is_one_open_run_in_its_phase(host, records):
    opened = [record for record in records if record["closed"] is None]
    assert [(record["name"], record["phase"], record["host"]) for record in opened] == [("home1", "prepare", host.check_output("hostname"))]
    assert opened[0]["result"] is None
    assert opened[0]["deadline"] > int(host.check_output("date +%s"))


def test_a_closed_run_stays_in_the_catalog(records):
    closed = [record for record in records if record["closed"] is not None]
    assert [(record["name"], record["result"], record["error"]) for record in closed] == [("other", "failed", "on purpose")]


def test_sequence_numbers_order_the_runs(host, records):
    assert [record["sequence"] for record in records] == [1, 2]
    assert host.file("/var/lib/snapbackup/sequence").content_string.strip() == "2"
