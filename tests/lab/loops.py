# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Loop devices and mounts that belong to one directory: found by what backs them, never by their number."""

import json
import os
import subprocess
import time
from pathlib import Path

SECONDS = 10


def owned(directory):
    """Loop devices over files below directory, and over files on those devices, outermost first: {name: "major:minor"}.

    A device attached inside a container shows a path of that container, so the second kind goes by device number.
    """
    listed = subprocess.run(
        ["losetup", "--list", "--json", "--output", "NAME,BACK-FILE,BACK-MAJ:MIN,MAJ:MIN"], capture_output=True, text=True, check=True
    ).stdout
    devices = json.loads(listed)["loopdevices"] if listed.strip() else []
    found = {}
    while True:
        more = {
            device["name"]: device["maj:min"].strip()
            for device in devices
            if below(device["back-file"], directory) or device["back-maj:min"].strip() in found.values()
        }
        if more == found:
            return found
        found = more


def mounted(directory):
    """Mount points of this machine below directory or on one of its loop devices, in the order they were mounted."""
    devices = owned(directory)
    rows = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [unescape(row[1]) for row in rows if row[0] in devices or below(unescape(row[1]), directory)]


def release(directory):
    """Unmount and detach all of it, inside out; raise RuntimeError naming what would not go."""
    deadline = time.monotonic() + SECONDS
    while True:
        points, devices = mounted(directory), list(owned(directory))
        if not points and not devices:
            return
        if time.monotonic() > deadline:
            raise RuntimeError("still in use: %s" % ", ".join(devices + points))
        for point in reversed(points):
            subprocess.run(["umount", point], capture_output=True, check=False)
        for device in reversed(devices):
            subprocess.run(["losetup", "--detach", device], capture_output=True, check=False)
        time.sleep(0.05)


def below(path, directory):
    """Whether a path as the kernel prints it lies in directory."""
    directory = os.path.realpath(directory)
    return path == directory or (path or "").startswith(directory + os.sep)


def unescape(field):
    """A field of the mount table: blanks and the like are octal there."""
    return field.encode().decode("unicode_escape")
