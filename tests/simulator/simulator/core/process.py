# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a real tool below a simulated command, without the weight of the subprocess module."""
import os

from simulator.core import place


def run(name, *args, quiet=True):
    """Run the real tool NAME and wait for it; returns its exit status (128 + number if a signal ended it)."""
    path = place.real(name)
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        if quiet:
            os.dup2(null, 1)
            os.dup2(null, 2)
        try:
            os.execv(path, [path] + list(args))
        finally:
            os._exit(127)
    _pid, status = os.waitpid(pid, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
