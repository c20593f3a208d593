# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pool of a lab, the state under concurrent commands, and the contract of a manager's package."""

import json
import os
import subprocess
import sys
import threading

import pytest
from simulator.core import command, loops

pytestmark = pytest.mark.slow


def simctl(*argv):
    """Run simctl on the machine itself."""
    from pathlib import Path
    path = Path(command.__file__).resolve().parents[2] / "simctl"
    return subprocess.run([sys.executable, str(path)] + [str(word) for word in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, check=False)


def exists(number):
    """True if the kernel has this loop device."""
    return os.path.exists("/sys/block/loop%d" % number)


@pytest.fixture
def small(machine):
    """A pool made by the command line, destroyed at the end."""
    path = machine / "small"
    done = simctl("pool", "create", path, "--gib", 0.5, "--loops", 3)
    assert done.returncode == 0, done
    yield path
    assert simctl("pool", "destroy", path).returncode == 0
    assert not path.exists()


def test_two_pools_share_no_device(machine, small):
    one, two = [set(json.loads((path / "loops.json").read_text())) for path in (machine / "san", small)]
    assert len(two) == 3 and not one & two
    assert all(exists(number) for number in one | two)


def test_pools_made_at_the_same_time(machine):
    paths = [machine / ("same%d" % index) for index in range(3)]
    threads = [threading.Thread(target=simctl, args=("pool", "create", path, "--gib", 0.5, "--loops", 4)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [number for path in paths for number in json.loads((path / "loops.json").read_text())]
    assert len(numbers) == len(set(numbers)) == 12
    for path in paths:
        assert simctl("pool", "destroy", path).returncode == 0
    assert not [number for number in numbers if exists(number)]


def test_create_and_destroy_twice(small):
    before = (small / "loops.json").read_text()
    assert simctl("pool", "create", small, "--gib", 0.5, "--loops", 3).returncode == 0
    assert (small / "loops.json").read_text() == before
    assert simctl("pool", "destroy", str(small) + ".nothing").returncode == 0


def test_destroy_thaws_what_a_dead_namespace_left_frozen(machine):
    path = machine / "frozen"
    simctl("pool", "create", path, "--gib", 0.5, "--loops", 2)
    number = json.loads((path / "loops.json").read_text())[0]
    image = path / "disk.img"
    with open(image, "wb") as handle:
        handle.truncate(32 << 20)
    loops.attach(number, str(image), read_only=False)
    node = loops.node(number)
    subprocess.run(["mkfs.ext4", "-q", node], check=True)
    script = "mkdir %s.mnt; mount %s %s.mnt && fsfreeze -f %s.mnt" % (path, node, path, path)
    subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], check=True)
    os.rmdir("%s.mnt" % path)
    assert not loops.detach(number), "the frozen file system holds it"
    done = simctl("pool", "destroy", path)
    assert done.returncode == 0, done
    assert not exists(number) and not path.exists()


def test_destroy_leaves_foreign_devices_alone(machine, small):
    foreign, image = json.loads((small / "loops.json").read_text())[0], machine / "foreign.img"
    image.write_bytes(b"\0" * 4096)
    loops.attach(foreign, str(image), read_only=True)
    assert not loops.lies_on(foreign, str(small))
    done = simctl("pool", "destroy", small)
    assert done.returncode == 1 and "loop%d" % foreign in done.stderr
    assert loops.bound(foreign)
    assert loops.detach(foreign)


def test_an_empty_pool_is_named(host):
    submirrors = {"d%d" % number: "c1t%dd0s0" % number for number in range(2, 30)}
    path = host.directory / "big.yml"
    path.write_text(json.dumps({"svm": {"mirrors": {}, "stripes": {
        name: {"size": "1 MiB", "components": part} for name, part in submirrors.items()}}}))
    done = host.ctl("apply", path, check=False)
    assert done.returncode == 1 and "no loop device left: 24 are reserved" in done.stderr


def test_concurrent_commands_keep_the_state_whole(svm):
    def work():
        for _time in range(10):
            svm.run("metaoffline", "d1", "d3")
            svm.run("metaonline", "d1", "d3")
            svm.run("metastat", "-c")
    threads = [threading.Thread(target=work) for _index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = svm.journal()
    assert len(rows) == 120 and all(row["rc"] in (0, 1) and row["ended"] for row in rows)
    done = [os.path.basename(row["argv"][0]) for row in sorted(rows, key=lambda row: row["ended"])
            if row["rc"] == 0 and "metastat" not in row["argv"][0]]
    assert abs(done.count("metaoffline") - done.count("metaonline")) <= 1
    assert not [row for row in svm.start("metastat").communicate()[1]]


def test_a_killed_command_leaves_a_whole_state(svm):
    for delay in range(12):
        running = svm.start("metaoffline", "d1", "d3")
        try:
            running.wait(delay * 0.002)
        except subprocess.TimeoutExpired:
            running.kill()
        running.communicate()
        text = svm.ok("metastat", "-c")
        if "(offline)" in text:
            assert svm.ok("metaonline", "d1", "d3")
        else:
            assert text.startswith("d1               m   32MB d2 d3\n")


def test_two_hosts_do_not_see_each_other(machine, svm):
    import shutil
    other = type(svm)(machine, "node2")
    try:
        assert other.run("metastat").stderr == "metastat: node2: there are no existing databases\n\n"
        other.apply({"svm": {"mirrors": {"d1": {"size": "16 MiB", "submirrors": {"d2": "c1t0d0s0"}}}}})
        other.write("d1", b"two")
        svm.write("d1", b"one")
        assert (svm.read("d1", size=3), other.read("d1", size=3)) == (b"one", b"two")
        assert "32MB d2 d3" in svm.ok("metastat", "-c") and "16MB d2\n" in other.ok("metastat", "-c")
    finally:
        other.ctl("reset")
        shutil.rmtree(other.directory)


@pytest.mark.parametrize("package", command.packages())
def test_contract_of_a_manager(package):
    commands, boot = command.load(package + ".commands"), command.load(package + ".boot")
    assert isinstance(commands.ORDER, int) and "CREATE TABLE IF NOT EXISTS %s_" % package in commands.SCHEMA
    assert all(callable(getattr(boot, name)) for name in ("apply", "down", "up", "show", "reset"))
    for name in commands.COMMANDS:
        assert all(callable(command.load(module).main) for module in command.find(name))
    assert set(getattr(commands, "PATHS", {})) <= set(commands.COMMANDS)


def test_start_up_imports_little(svm):
    argv = [sys.executable, "-IS", "-X", "importtime"] + svm.argv("metastat", "-c")
    done = subprocess.run(argv, env=svm.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True, check=True)
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "simulator.svm.metastat" in imported
    assert not imported & {"argparse", "datetime", "json", "re", "sqlite3", "subprocess", "tempfile", "typing", "yaml"}
