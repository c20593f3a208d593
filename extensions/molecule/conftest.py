# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the scenarios verify with that share the lab of two hosts with a copy of each manager's volumes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from verify import connect, lines, records_of  # noqa: E402


@pytest.fixture(scope="session", params=["node1", "node2"])
def host(request):
    """A host of pytest-testinfra; each test runs for each of them."""
    return connect("molecule", request.param)


@pytest.fixture
def records(host):
    """The run records of a host, oldest first."""
    return records_of(host)


@pytest.fixture
def record(records):
    """The last of them."""
    return records[-1]


@pytest.fixture
def journal(host):
    """The commands of the volume manager that were run on a host, as lines."""
    return lines(host)


@pytest.fixture
def watchdogs(host):
    """Process ids of the collection's own processes that no module call waits for."""
    return host.run("pgrep -P 1 -x python2.7").stdout.split()
