# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a module call costs on the managed host before it does anything: unpack, import, read the options, end."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest
import pythons
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

TIMES = 15
MOST = 1.5


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    """payload(module, options, python): the file that Ansible would send to the host."""
    init_plugin_loader()
    directory = tmp_path_factory.mktemp("payload")

    def make(name, options, python):
        path = module_loader.find_plugin(name)
        data = modify_module(
            name, path, options, Templar(DataLoader()), task_vars={"ansible_python_interpreter": python}, module_compression="ZIP_DEFLATED",
        )[0]  # fmt: skip
        made = directory / ("%s-%s" % (name, Path(python).name))
        made.write_bytes(data)
        return made

    return make


def milliseconds(argv):
    started = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert not json.loads(done.stdout).get("failed"), done.stdout
    return (time.perf_counter() - started) * 1000


@pytest.mark.parametrize("python", [sys.executable, pythons.old()], ids=["current", "old"])
def test_a_module_starts_little_slower_than_ping(table, payload, tmp_path, python):
    if python is None:
        pytest.skip("this machine has no CPython 2.7")
    ours = payload("volmgr.snapbackup.backup_run", {"state": "read", "state_dir": str(tmp_path)}, python)
    ping = payload("ansible.builtin.ping", {}, python)

    def measure():
        pairs = [(milliseconds([python, ours]), milliseconds([python, ping])) for _ in range(TIMES)]
        own, plain = (median(column) for column in zip(*pairs, strict=True))
        table.note("%.0f ms, ping %.0f ms" % (own, plain))
        return own / plain

    table.bounded("module call on the host / ping, %s" % pythons.name(python), measure, "x", most=MOST)
