# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One lab of two simulated hosts for all tests; each test that changes a host gets it new."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hosts import Host, install_modules  # noqa: E402
from lab import Lab  # noqa: E402

TOPOLOGY = "integration"


def pytest_collection_modifyitems(items):
    """Without root nothing here can run: containers, loop devices, mounts."""
    if os.geteuid() != 0:
        for item in items:
            if Path(__file__).parent in Path(str(item.fspath)).parents:
                item.add_marker(pytest.mark.skip(reason="needs root for the simulated hosts"))


@pytest.fixture(scope="session")
def lab():
    """node1 without and node2 with pipelining. Tests that run side by side have one each."""
    with Lab("itest" + os.environ.get("PYTEST_XDIST_WORKER", ""), hosts=["node1", "node2"], topology=TOPOLOGY, loop_devices=48) as made:
        install_modules(made)
        yield made


def new(lab, name, topology=TOPOLOGY):
    host = Host(lab, name)
    host.reset(topology)
    return host


@pytest.fixture
def host(lab):
    """node1, just set up: /home1 on d1 = d2 + d3, /home10 on d10 = d11 + d12 + d13, d40 = d41 + d42 without a file system."""
    return new(lab, "node1")


@pytest.fixture
def pair(lab):
    """node1 and node2, just set up."""
    return new(lab, "node1"), new(lab, "node2")


@pytest.fixture
def large(lab):
    """node1 with a mirror that has room for a database: /home1 on d1 of 256 MiB."""
    return new(lab, "node1", "svm")
