# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the scenarios ask the hosts of their labs for."""

import json
from pathlib import Path

import testinfra

LABS = Path(__file__).parents[2] / ".cache" / "lab"
RUNS = "/var/lib/snapbackup/runs"


def connect(lab, name):
    """A host of a lab, for pytest-testinfra; its ssh connection is shared, and the lab ends it."""
    found = json.loads((LABS / lab / "inventory.yml").read_text())["svm"]
    options = found["vars"]
    return testinfra.get_host(
        "ssh://root@" + found["hosts"][name]["ansible_host"],
        ssh_identity_file=options["ansible_ssh_private_key_file"],
        ssh_extra_args=options["ansible_ssh_common_args"],
        controlpath=options["ansible_control_path_dir"] + "/testinfra-%%h",
    )


def records_of(host):
    """The run records of a host, oldest first."""
    paths = host.check_output("find %s -maxdepth 1 -name '*.json'", RUNS).split()
    return sorted((json.loads(host.file(path).content_string) for path in paths), key=lambda record: record["sequence"])


def calls(host, *which):
    """(host, line) of the commands of the volume manager in their order, without the path of the command; which: --all, of all hosts."""
    rows = json.loads(host.check_output(" ".join(["python3 /opt/simulator/simctl journal --json", *which])))
    rows.sort(key=lambda row: row["started"])
    return [(row["host"], " ".join([row["argv"][0].rsplit("/", 1)[-1], *row["argv"][1:]])) for row in rows]


def lines(host, *which):
    """The lines of calls() alone."""
    return [line for _host, line in calls(host, *which)]
