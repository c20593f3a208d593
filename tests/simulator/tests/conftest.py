# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A simulated host on this machine, without a container: its own storage, device nodes, /etc and commands."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ii_hosts import TOPOLOGY
from simulator.core import command, pool

HERE = Path(__file__).resolve().parent.parent
BASE = Path("/var/tmp/simulator-tests")
ONE_MIRROR = {"mirrors": {"d1": {"size": "32 MiB", "submirrors": {"d2": "c1t0d0s0", "d3": "c1t1d0s0"}}}}

DATADG = {"disks": {"disk%02d" % (number + 1): "c1t%dd0s2" % number for number in range(4)},
          "volumes": {"vol01": {"size": "32 MiB", "disks": ["disk01"]}, "vol02": {"size": "16 MiB", "disks": ["disk02"]}}}


def pytest_collection_modifyitems(items):
    """Without root nothing here can run: no loop devices, no mounts."""
    if os.geteuid() != 0:
        for item in items:
            if HERE in Path(str(item.fspath)).parents:
                item.add_marker(pytest.mark.skip(reason="needs root for loop devices and mounts"))


def clean_up_dead():
    """Destroy what test runs left that were killed. Of runs side by side one does it."""
    BASE.mkdir(parents=True, exist_ok=True)
    with open(BASE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for listing in BASE.glob("*/san.loops"):
            if not Path("/proc", listing.parent.name).exists():
                pool.destroy(str(listing.parent / "san"))
                shutil.rmtree(listing.parent)


@pytest.fixture(scope="session")
def machine():
    """Directory of this test run, with a pool in `san`; both are gone at the end."""
    clean_up_dead()
    directory = BASE / str(os.getpid())
    directory.mkdir(parents=True)
    try:
        pool.create(str(directory / "san"), 3, 24)
        yield directory
    finally:
        pool.destroy(str(directory / "san"))
        shutil.rmtree(directory)


class Host:
    """One simulated host: run(argv...) its commands, ctl(...) simctl on it."""

    source = HERE

    def __init__(self, machine, name):
        self.machine, self.name = machine, name
        self.directory = machine / name
        self.dev, self.etc = self.directory / "dev", self.directory / "etc"
        for path in (self.dev, self.etc, self.directory / "bin"):
            path.mkdir(parents=True)
        for executable in set().union(*(command.load(package + ".commands").COMMANDS for package in command.packages())):
            (self.directory / "bin" / executable).symlink_to(HERE / "dispatch")
        self.env = dict(os.environ, SIMULATOR_SAN=str(machine / "san"), SIMULATOR_HOST=name, SIMULATOR_DEV=str(self.dev),
                        SIMULATOR_ETC=str(self.etc), SIMULATOR_CACHE=str(machine / "cache"), LC_ALL="C", TZ="UTC",
                        PATH="%s:%s" % (self.directory / "bin", os.environ["PATH"]))

    def argv(self, *argv):
        """The words of a command line as it can be executed here."""
        words = [str(word) for word in argv]
        return [str(self.directory / "bin" / words[0])] + words[1:]

    def run(self, *argv, data=None, cwd=None):
        """Run a simulated command to its end."""
        return subprocess.run(self.argv(*argv), env=self.env, input=data, cwd=cwd, stdin=None if data else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60, check=False)

    def ok(self, *argv, **options):
        """Output of a command that must succeed in silence on stderr."""
        done = self.run(*argv, **options)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refused(self, *argv, rc=1):
        """Message of a command that must fail with this exit status and print nothing else."""
        done = self.run(*argv)
        assert (done.returncode, done.stdout) == (rc, ""), done
        return done.stderr

    def start(self, *argv):
        """Start a command and do not wait."""
        return subprocess.Popen(self.argv(*argv), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)

    def ctl(self, *argv, check=True):
        """Run simctl; its output."""
        done = subprocess.run([sys.executable, str(HERE / "simctl")] + [str(word) for word in argv], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60, check=False)
        assert not check or done.returncode == 0, done
        return done.stdout if check else done

    def apply(self, topology):
        """Set the host up from a dictionary."""
        path = self.directory / "topology.yml"
        path.write_text(yaml.safe_dump(topology, sort_keys=False))
        self.ctl("apply", path)

    def show(self):
        """simctl show."""
        return json.loads(self.ctl("show"))

    def journal(self):
        """simctl journal."""
        return json.loads(self.ctl("journal", "--json"))

    def fault(self, name, effect, *options):
        """Plant a fault."""
        self.ctl("fault", "add", "--command", name, "--effect", effect, *options)

    def device(self, name):
        """Path of a volume's raw device node here: d1 of SVM, or GROUP/VOLUME of VxVM."""
        return self.dev / ("vx" if "/" in name else "md") / "rdsk" / name

    def read(self, name, offset=0, size=4096):
        """Bytes of a volume as a program reads them from its device."""
        fd = os.open(self.device(name), os.O_RDONLY)
        try:
            return os.pread(fd, size, offset)
        finally:
            os.close(fd)

    def write(self, name, data, offset=0):
        """Write bytes to a volume's device."""
        fd = os.open(self.device(name), os.O_WRONLY)
        try:
            os.pwrite(fd, data, offset)
            os.fsync(fd)
        finally:
            os.close(fd)

    def settle(self, seconds=10):
        """Wait until no resync runs; the last output of metastat -c."""
        end = time.monotonic() + seconds
        while True:
            text = self.ok("metastat", "-c")
            if "resync" not in text:
                return text
            assert time.monotonic() < end, text
            time.sleep(0.05)


@pytest.fixture
def host(machine):
    """A host without a topology; reset and gone after the test."""
    made = Host(machine, "node1")
    yield made
    made.ctl("reset")
    shutil.rmtree(made.directory)


@pytest.fixture
def make_host(machine):
    """Makes hosts by name; reset and gone after the test."""
    made = []

    def make(name):
        made.append(Host(machine, name))
        return made[-1]

    yield make
    for one in reversed(made):
        one.ctl("reset")
        shutil.rmtree(one.directory)


@pytest.fixture
def svm(host):
    """A host with the mirror d1 = d2 + d3 without a file system, copying at full speed."""
    host.apply({"svm": dict(ONE_MIRROR, resync_speed="10 GiB")})
    return host


@pytest.fixture
def ufs(host):
    """The same with a UFS on d1, mounted at host.point."""
    host.point = host.directory / "home1"
    host.apply({"svm": dict(ONE_MIRROR, resync_speed="10 GiB"), "ufs": {str(host.point): "/dev/md/dsk/d1"}})
    return host


def shared(machine, file_system):
    """Two hosts of a disk set blue with the mirror blue/d1 = blue/d2 + blue/d3; the first one owns it. A generator.

    FILE_SYSTEM: with a UFS on it that both have in vfstab at host.point; the first one has it mounted.
    """
    hosts = [Host(machine, "node1"), Host(machine, "node2")]
    for made in hosts:
        made.point = made.directory / "export"
        svm = {"resync_speed": "10 GiB", "sets": {"blue": dict(ONE_MIRROR, hosts=["node1", "node2"])}}
        made.apply({"svm": svm, "ufs": {str(made.point): "/dev/md/blue/dsk/d1"} if file_system else {}})
    yield hosts
    for made in reversed(hosts):
        made.ctl("reset")
        shutil.rmtree(made.directory)


@pytest.fixture
def two(machine):
    """Two hosts of a disk set without a file system."""
    yield from shared(machine, file_system=False)


@pytest.fixture
def exported(machine):
    """Two hosts of a disk set with a file system."""
    yield from shared(machine, file_system=True)


@pytest.fixture
def vxvm(host):
    """A host with the VxVM group datadg: vol01 and vol02 without file systems, two disks that are free."""
    host.apply({"vxvm": {"resync_speed": "10 GiB", "disk_groups": {"datadg": DATADG}}})
    return host


@pytest.fixture
def vxfs(host):
    """The same with a VxFS on vol01, mounted at host.point."""
    host.point = host.directory / "vol01"
    host.apply({"vxvm": {"resync_speed": "10 GiB", "disk_groups": {"datadg": DATADG}},
                "vxfs": {str(host.point): "/dev/vx/dsk/datadg/vol01"}})
    return host


@pytest.fixture
def ii(make_host):
    """node1 with masters in the group production and shadows in the group backup, and node2, which sees the same disks."""
    hosts = [make_host("node1"), make_host("node2")]
    for made in hosts:
        made.apply(TOPOLOGY)
    return hosts
