# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""podman as argument lists. Every call raises CalledProcessError with the command's own words when it fails."""

import json
import os
import subprocess
from pathlib import Path

LABEL = "volmgr.snapbackup.lab"
CGROUP2 = "cgroup2fs"


def environment():
    """The environment of podman: with a containers.conf of our own where cgroups are not plain version 2."""
    found = subprocess.run(["stat", "-fc", "%T", "/sys/fs/cgroup"], capture_output=True, text=True, check=False)
    if found.stdout.strip() == CGROUP2 or "CONTAINERS_CONF" in os.environ:
        return dict(os.environ)
    return dict(os.environ, CONTAINERS_CONF=str(Path(__file__).with_name("containers.conf")))


def podman(*argv, data=None, timeout=120, check=True):
    """Run podman and return its CompletedProcess (text). data: text for its standard input."""
    argv = ["podman", *map(str, argv)]
    stdin = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=timeout, check=False, **stdin)
    if check and done.returncode:
        raise RuntimeError("%s: exit code %d: %s" % (" ".join(argv), done.returncode, done.stderr.strip() or done.stdout.strip()))
    return done


def of_labs(lab=None):
    """The containers of one lab or of all, running or not, as podman describes them."""
    label = LABEL if lab is None else "%s=%s" % (LABEL, lab)
    return json.loads(podman("ps", "--all", "--filter", "label=" + label, "--format", "json").stdout)


def subnet(network):
    """The IPv4 subnet that podman gave to a network, as text like 10.89.0.0/24."""
    return json.loads(podman("network", "inspect", network).stdout)[0]["subnets"][0]["subnet"]
