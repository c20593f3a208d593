# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Simulated hosts: containers that share one pool of disks, driven over ssh like real ones.

    with Lab("faults", hosts=["node1", "node2"], topology="svm") as lab:
        lab.exec("node1", ["metastat", "-p"]).stdout
        subprocess.run(["ansible-playbook", "-i", lab.inventory_path, ...])

On the command line: lab.py up NAME --topology svm --hosts node1,node2; lab.py down NAME; lab.py status; lab.py shell NAME HOST.
"""

import argparse
import concurrent.futures
import fcntl
import hashlib
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import images
import loops
from containers import LABEL, of_labs, podman, subnet
from thaw import Thawing, mount_namespace

CHECKOUT = Path(__file__).resolve().parents[2]
SIMULATOR = CHECKOUT / "tests" / "simulator"
LABS = CHECKOUT / ".cache" / "lab"
CHECKOUT_KEY = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:6]
FIRST_ADDRESS = 11
SSH_SECONDS = 30


READY = """ready; to use it from this directory:
    export PATH=$PWD/.cache/venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=$PWD/.cache/collections
    ansible-playbook -i {inventory} volmgr.snapbackup.status
/backup on every host is a place for images"""


class Lab:
    """One lab: hosts, the topology they run, and the pool of disks they share.

    name: letters and digits; labs of different names, and of different checkouts, do not meet.
    hosts: names of the hosts; topology: a file of tests/simulator/topologies without its suffix, or None for bare hosts.
    """

    def __init__(self, name, hosts=("node1",), topology="svm", image="target", gib=6, loop_devices=24, say=None):
        self.name, self.hosts, self.topology, self.image = name, list(hosts), topology, image
        self.gib, self.loop_devices = gib, loop_devices
        self.directory = LABS / name
        self.san = self.directory / "san"
        self.inventory_path = self.directory / "inventory.yml"
        self.key = self.directory / "id_ed25519"
        self.id = "snapbackup-%s-%s" % (CHECKOUT_KEY, name)
        self.say = say or (lambda text: None)

    @classmethod
    def running(cls, name):
        """The lab of that name that is up, for a process that did not start it."""
        hosts = sorted(row["Labels"][LABEL + ".host"] for row in of_labs("snapbackup-%s-%s" % (CHECKOUT_KEY, name)))
        if not hosts:
            raise RuntimeError("no lab %r is up: start it with ./dev lab up" % name)
        return cls(name, hosts, topology=None)

    def __enter__(self):
        """Start it, for this process alone: another one of this checkout that enters a lab of the same name would remove its hosts."""
        self.lock = locked(LABS / (self.name + ".lock"), "lab %s of this checkout is in use by another process" % self.name)
        try:
            return self.up()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exc):
        self.down()
        self.lock.close()

    def container(self, host):
        """The name that podman knows a host by."""
        return "%s-%s" % (self.id, host)

    def up(self):
        """Start everything, over whatever a dead lab of this name left behind. Returns self when every host answers over ssh."""
        self.down()
        image = images.ensure(self.image, self.say)
        self.directory.mkdir(parents=True)
        self.say("start lab %s: %s" % (self.name, ", ".join(self.hosts)))
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.id, "-f", self.key])
        self.make_pool()
        podman("network", "create", "--label", "%s=%s" % (LABEL, self.id), self.id)
        addresses = list(ipaddress.ip_network(subnet(self.id)))[FIRST_ADDRESS:]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(self.start, self.hosts, [image] * len(self.hosts), addresses))
        self.write_inventory(dict(zip(self.hosts, map(str, addresses))))
        for host in self.hosts:
            self.wait(host)
        return self

    def make_pool(self):
        """The disks: one image with reflinks and the loop devices over the files in it, made by the simulator on this machine."""
        if self.topology is None:
            self.san.mkdir()
        else:
            self.pool("create", "--gib", self.gib, "--loops", self.loop_devices)

    def pool(self, action, *size):
        """Let the simulator make or destroy its disks."""
        run([sys.executable, SIMULATOR / "simctl", "pool", action, self.san, *size])

    def start(self, host, image, address):
        """One container with sshd, then its volume manager."""
        podman(
            "run", "--detach", "--privileged", "--systemd=false", "--pull=never", "--stop-timeout=0",
            "--name", self.container(host), "--hostname", host,
            "--network", "%s:ip=%s,alias=%s" % (self.id, address, host),
            "--label", "%s=%s" % (LABEL, self.id), "--label", "%s.host=%s" % (LABEL, host),
            "--tmpfs", "/run/sshd:mode=0755",
            "--volume", "%s.pub:/root/.ssh/authorized_keys:ro" % self.key,
            "--volume", "%s:/san" % self.san,
            "--volume", "%s:/opt/simulator:ro" % SIMULATOR,
            "--entrypoint", json.dumps(["/usr/bin/tini", "-s", "--"]),
            image, "/usr/sbin/sshd", "-D",
        )  # fmt: skip
        self.exec(host, ["mkdir", "-p", "/backup"])
        if self.topology is not None:
            simctl = ["python3", "/opt/simulator/simctl"]
            self.exec(host, simctl + ["install"])
            self.exec(host, simctl + ["apply", "/opt/simulator/topologies/%s.yml" % self.topology])

    def exec(self, host, argv, data=None, timeout=60, check=True):
        """Run argv as root on a host, past ssh. Returns the CompletedProcess (text); raises RuntimeError on failure unless check is off."""
        flags = ["--interactive"] if data is not None else []
        return podman("exec", *flags, self.container(host), *argv, data=data, timeout=timeout, check=check)

    def restart(self, host):
        """Power off and on: every process and mount of the host is gone; disks and files stay. Returns when ssh answers."""
        pid = podman("inspect", "--format", "{{.State.Pid}}", self.container(host)).stdout.strip()
        thawing = Thawing(self.directory, mount_namespace(pid))
        thawing.during(lambda: podman("restart", "--time", "0", self.container(host)))
        self.wait(host)

    def ssh_argv(self, host):
        """argv that opens a session on a host; append a command."""
        listed = json.loads(self.inventory_path.read_text())["svm"]["hosts"][host]
        options = ["-o", "UserKnownHostsFile=%s" % (self.directory / "known_hosts"), "-o", "StrictHostKeyChecking=no"]
        return ["ssh", "-i", str(self.key), *options, "-o", "LogLevel=ERROR", "root@" + listed["ansible_host"]]

    def wait(self, host):
        """Until sshd of a host accepts our key."""
        deadline = time.monotonic() + SSH_SECONDS
        argv = self.ssh_argv(host) + ["-o", "ConnectTimeout=2", "-o", "BatchMode=yes", "true"]
        while subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError("%s does not answer over ssh: %s" % (host, podman("logs", self.container(host)).stderr))
            time.sleep(0.1)

    def write_inventory(self, addresses):
        """inventory.yml (JSON is YAML): pipelining is on for even hosts and off for odd ones, so that both are used."""
        sockets = tempfile.mkdtemp(prefix="snapbackup-ssh-")
        self.directory.joinpath("sockets").symlink_to(sockets)
        hosts = {
            host: {"ansible_host": address, "ansible_pipelining": number % 2 == 0}
            for number, (host, address) in enumerate(addresses.items(), 1)
        }
        common = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=5 -o ServerAliveCountMax=3",
            "ansible_ssh_common_args": "-o LogLevel=ERROR -o StrictHostKeyChecking=no -o UserKnownHostsFile=%s"
            % self.directory.joinpath("known_hosts"),
            "ansible_control_path_dir": sockets,
            "ansible_python_interpreter": images.recipe(self.image)["interpreter"],
            "ansible_remote_tmp": "/var/tmp/.ansible",
        }
        self.inventory_path.write_text(json.dumps({"svm": {"hosts": hosts, "vars": common}}, indent=2) + "\n")

    def remove_containers(self):
        """Kill and forget every host."""
        names = [row["Names"][0] for row in of_labs(self.id)]
        if names:
            podman("rm", "--force", "--time", "0", *names)

    def down(self):
        """Remove all of it, also what a killed process left: containers, network, ssh masters, mounts, loop devices, files."""
        Thawing(self.directory).during(self.remove_containers)
        podman("network", "rm", "--force", self.id, check=False)
        loops.release(self.directory)
        self.pool("destroy")
        sockets = self.directory / "sockets"
        if sockets.is_symlink():
            for socket in Path(os.readlink(sockets)).glob("*"):
                subprocess.run(["ssh", "-o", "ControlPath=%s" % socket, "-O", "exit", "lab"], capture_output=True, check=False)
            shutil.rmtree(os.readlink(sockets), ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)


def locked(path, refusal):
    """The file at path, which nobody else has locked until it is closed; RuntimeError where somebody has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RuntimeError(refusal) from None
    return file


def run(argv):
    """A command of this machine; RuntimeError with its words when it fails."""
    done = subprocess.run(list(map(str, argv)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError("%s: exit code %d: %s" % (argv[0], done.returncode, done.stderr.strip() or done.stdout.strip()))


def status():
    """One line per host of all labs of this checkout."""
    rows = [row for row in of_labs() if row["Labels"][LABEL].startswith("snapbackup-%s-" % CHECKOUT_KEY)]
    for row in sorted(rows, key=lambda row: row["Names"]):
        lab = row["Labels"][LABEL].split("-", 2)[2]
        print("%-12s %-10s %-10s %s" % (lab, row["Labels"][LABEL + ".host"], row["State"], row["Image"]))
    if not rows:
        print("no lab is up")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(prog="lab.py", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a lab (again)")
    up.add_argument("name", nargs="?", default="lab")
    up.add_argument("--topology", default="svm", help="name of a simulator topology, or none")
    up.add_argument("--hosts", default="node1,node2")
    up.add_argument("--image", default="target", help="an image of images.toml")
    down = commands.add_parser("down", help="remove a lab and all it used")
    down.add_argument("name", nargs="?", default="lab")
    commands.add_parser("status", help="list the hosts")
    shell = commands.add_parser("shell", help="a root shell on a host over ssh")
    shell.add_argument("host")
    shell.add_argument("name", nargs="?", default="lab")
    given = parser.parse_args()
    try:
        if given.command == "up":
            topology = None if given.topology == "none" else given.topology
            lab = Lab(given.name, given.hosts.split(","), topology, given.image, say=print).up()
            print(READY.format(inventory=os.path.relpath(lab.inventory_path)))
        elif given.command == "down":
            Lab(given.name).down()
        elif given.command == "status":
            status()
        else:
            lab = Lab.running(given.name)
            if given.host not in lab.hosts:
                raise RuntimeError("no host %s; there are %s" % (given.host, ", ".join(lab.hosts)))
            argv = lab.ssh_argv(given.host)
            os.execvp(argv[0], argv)
    except RuntimeError as error:
        sys.exit("lab: %s" % error)


if __name__ == "__main__":
    main()
