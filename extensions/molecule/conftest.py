# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the scenarios verify with."""

import json
from pathlib import Path

import pytest
import testinfra

LAB = Path(__file__).parents[2] / ".cache" / "lab" / "molecule" / "inventory.yml"
RUNS = "/var/lib/snapbackup/runs"


@pytest.fixture(scope="session", params=["node1", "node2"])
def host(request):
    """A host of pytest-testinfra; each test runs for each of them, over one ssh connection that the lab ends."""
    svm = json.loads(LAB.read_text())["svm"]
    options = svm["vars"]
    return testinfra.get_host(
        "ssh://root@" + svm["hosts"][request.param]["ansible_host"],
        ssh_identity_file=options["ansible_ssh_private_key_file"],
        ssh_extra_args=options["ansible_ssh_common_args"],
        controlpath=options["ansible_control_path_dir"] + "/testinfra-%%h",
    )


@pytest.fixture
def records(host):
    """The run records of a host, oldest first."""
    paths = host.check_output("find %s -maxdepth 1 -name '*.json'", RUNS).split()
    found = [json.loads(host.file(path).content_string) for path in paths]
    return sorted(found, key=lambda record: record["sequence"])


@pytest.fixture
def record(records):
    """The last of them."""
    return records[-1]


@pytest.fixture
def journal(host):
    """The commands of the volume manager that were run on a host, as lines without the path of the command, in their order."""
    rows = json.loads(host.check_output("python3 /opt/simulator/simctl journal --json"))
    return [" ".join([row["argv"][0].rsplit("/", 1)[-1], *row["argv"][1:]]) for row in rows]


@pytest.fixture
def watchdogs(host):
    """Process ids of the collection's own processes that no module call waits for."""
    return host.run("pgrep -P 1 -x python2.7").stdout.split()
