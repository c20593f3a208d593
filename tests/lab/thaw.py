# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Frozen file systems of a lab, in whatever mount namespace they are."""

import concurrent.futures
import errno
import fcntl
import os
from pathlib import Path

import loops

FITHAW = 0xC0045878


def mount_namespace(pid):
    """Name of the mount namespace of a process, or None when it is gone."""
    try:
        return os.readlink("/proc/%s/ns/mnt" % pid)
    except OSError:
        return None


def mount_tables():
    """(namespace, process directory, mount table) of every mount namespace on this machine."""
    seen = set()
    for process in Path("/proc").glob("[0-9]*"):
        namespace = mount_namespace(process.name)
        if namespace is None or namespace in seen:
            continue
        try:
            table = process.joinpath("mountinfo").read_text()
        except OSError:
            continue
        if table:
            seen.add(namespace)
            yield namespace, process, table


class Thawing:
    """Keeps the file systems on a lab's disks writable while its processes are ended.

    A process that waits on a frozen file system cannot be killed, and a file system whose last mount goes while it is frozen
    keeps its device for ever. The open directories hold the mounts until they were thawed.
    namespace: only mounts in that mount namespace; None: in all.
    """

    def __init__(self, directory, namespace=None):
        numbers = set(loops.owned(directory).values())
        self.directories = [
            os.open("%s/root%s" % (process, loops.unescape(row.split()[4])), os.O_RDONLY)
            for found, process, table in mount_tables()
            if namespace in (None, found)
            for row in table.splitlines()
            if row.split()[2] in numbers
        ]

    def thaw(self):
        """Thaw what is frozen; the others answer EINVAL."""
        for directory in self.directories:
            try:
                fcntl.ioctl(directory, FITHAW, 0)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise

    def during(self, action):
        """Run action and thaw again and again until it has returned; then let the mounts go."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            future = pool.submit(action)
            while not future.done():
                self.thaw()
                concurrent.futures.wait([future], timeout=0.1)
        self.thaw()
        for directory in self.directories:
            os.close(directory)
        future.result()
