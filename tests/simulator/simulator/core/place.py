# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a command runs: which host it is, and where the shared storage, the device nodes and /etc are."""
import os

SAN = os.environ.get("SIMULATOR_SAN", "/san")
HOST = os.environ.get("SIMULATOR_HOST") or os.uname().nodename.split(".")[0]
DEV = os.environ.get("SIMULATOR_DEV", "/dev")
ETC = os.environ.get("SIMULATOR_ETC", "/etc")

REAL = "/usr/lib/simulator/real"
SYSTEM = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
DISPATCH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))), "dispatch")


def image(name):
    """Path of the file that holds the data of volume NAME of this host."""
    return os.path.join(SAN, "volumes", HOST, name + ".img")


def etc(name):
    """Path of a file the simulated host has in /etc."""
    return os.path.join(ETC, name)


def real(name):
    """Path of the real tool a simulated one stands before; FileNotFoundError if the machine has none."""
    for directory in (REAL,) + SYSTEM:
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK) and os.path.realpath(path) != DISPATCH:
            return path
    raise FileNotFoundError(2, "no real tool", name)
