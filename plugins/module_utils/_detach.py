# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starting a program that outlives the module, the ssh session and the controller."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed

SYSTEMD = '/run/systemd/system'
DESCRIPTORS = '/proc/self/fd'
PATH = '/usr/sbin:/usr/bin:/sbin:/bin'


def start(argv, name, log):
    """Start argv (absolute path first) with nothing of ours: no terminal, no descriptors, no session, no login contract.

    Its directory is /, its input /dev/null; its output goes to the file log, or before it opens that itself to the
    journal. Returns the systemd unit it runs in, or None. Raises CommandFailed when systemd refuses it.
    """
    systemd_run = _platform.find('systemd-run') if os.path.isdir(SYSTEMD) else None
    if systemd_run:
        return _as_unit(systemd_run, argv, name + '.service')
    ctrun = _platform.find('ctrun')
    # A process in the contract of a login ends with the service that the login came through (contract(4), ctrun(1)).
    _as_orphan(([ctrun, '-l', 'none'] if ctrun else []) + list(argv), log)
    return None


def _as_unit(systemd_run, argv, unit):
    # Without --collect (systemd before 236) a unit that failed stays, and its name with it.
    run([_platform.need('systemctl'), 'reset-failed', unit])
    call = [systemd_run, '--quiet', '--unit=' + unit, '--collect', '--setenv=PATH=' + PATH, '--setenv=LC_ALL=C', '--'] + list(argv)
    result = run(call)
    if result.rc == 1 and '--collect' in result.err:
        call.remove('--collect')
        result = run(call)
    if result.rc != 0:
        raise CommandFailed(result)
    return unit


def _as_orphan(argv, log):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        _leave(log)
        os.execve(argv[0], argv, {'PATH': PATH, 'LC_ALL': 'C', 'HOME': os.environ.get('HOME', '/')})
    except BaseException as error:
        os.write(2, ('%s: %s\n' % (argv[0], error)).encode('utf-8'))
    finally:
        os._exit(127)


def _leave(log):
    """Give up the caller's directory, terminal and descriptors."""
    os.chdir('/')
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number in os.listdir(DESCRIPTORS):
        if int(number) > 2:
            try:
                os.close(int(number))
            except OSError:
                # The one that read the directory.
                pass
