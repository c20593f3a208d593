# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ansible-playbook as a fork of a process that has imported Ansible, with the module archives that earlier plays have built.

To import it and to build the same archives again takes a play of the tests more than half of its time on the controller.
"""

import contextlib
import multiprocessing
import os
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

ARCHIVES = "ansiballz_cache"
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["ansible.cli.playbook", "ansible.executor.module_common", "ansible.executor.task_queue_manager"])


class Playbook:
    """One run of ansible-playbook in a session of its own, with the methods of subprocess.Popen that a test needs.

    environ is that of the first run for all of them; printed: path of a file for stdout and stderr.
    """

    def __init__(self, argv, environ, printed):
        self.process = forks.Process(target=run, args=(argv, printed))
        with mock.patch.dict(os.environ, environ):
            self.process.start()
        self.pid = self.process.pid

    def poll(self):
        return self.process.exitcode

    def wait(self, timeout=None):
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("ansible-playbook", timeout)
        return self.process.exitcode

    @property
    def returncode(self):
        return self.process.exitcode


def run(argv, printed):
    """What the fork does."""
    from ansible import constants
    from ansible.cli import playbook
    from ansible.executor import action_write_locks

    os.setsid()
    out = os.open(printed, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(out, number)
    # One that is killed must not keep a lock that the others share.
    for name in action_write_locks.action_write_locks:
        action_write_locks.action_write_locks[name] = multiprocessing.Lock()
    shared = Path(constants.DEFAULT_LOCAL_TMP) / ARCHIVES
    with tempfile.TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as own:
        constants.DEFAULT_LOCAL_TMP = own
        link_all(shared, Path(own) / ARCHIVES)
        try:
            playbook.main(argv)
        finally:
            link_all(Path(own) / ARCHIVES, shared)


def link_all(source, target):
    """Let target have the files of source, but for those that it has. Plays that run side by side never write to the same file."""
    for directory in (source, target):
        directory.mkdir(exist_ok=True)
    for path in source.iterdir():
        with contextlib.suppress(FileExistsError):
            (target / path.name).hardlink_to(path)
