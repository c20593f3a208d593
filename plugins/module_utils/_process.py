# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Telling one process from another that got the same number later.

An identity is {"pid": int, "start": text, "boot": text}; a process is the same one only if all three match.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import signal
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic

PROC = '/proc'


def stat_fields(pid):
    """The fields of /proc/PID/stat from the state on (proc(5), field 3 is the first), or None where there is no such file."""
    try:
        with open('%s/%d/stat' % (PROC, pid), 'rb') as source:
            # The second field is the command's name in parentheses, and the name may hold blanks and parentheses.
            return source.read().rpartition(b')')[2].split()
    except (IOError, OSError):
        return None


def is_dead(fields):
    """Whether these are the fields of a process that has ended and only waits to be collected."""
    return fields[0] in (b'Z', b'X')


def start_time(pid):
    """When a process began, as text that never changes while it lives; None when it is gone or only a zombie.

    Linux tells clock ticks since boot (proc(5), stat, field 22); on Solaris the files of a process carry the
    time of its start (proc(4)).
    """
    fields = stat_fields(pid)
    if fields:
        return None if is_dead(fields) else fields[19].decode('ascii')
    if os.path.exists('%s/self/stat' % PROC):
        return None
    try:
        return repr(os.stat('%s/%d' % (PROC, pid)).st_mtime)
    except OSError:
        return None


def identity(pid, boot):
    """The identity of a living process of this boot."""
    return {'pid': pid, 'start': start_time(pid), 'boot': boot}


def alive(process, boot=None):
    """True if the process with this identity still runs. boot: the present boot, where the caller knows it."""
    if boot is not None and process.get('boot') != boot:
        return False
    return process.get('start') is not None and start_time(process['pid']) == process['start']


def kill(process, wait=10.0, group=False):
    """Kill the process (or the group it leads) and wait until it is gone. False if it is still there after wait seconds."""
    if process['pid'] <= 1:
        # To the system these numbers mean itself, or every process there is.
        raise ValueError('not a process to kill: %r' % process['pid'])
    limit = monotonic() + wait
    while alive(process):
        try:
            (os.killpg if group else os.kill)(process['pid'], signal.SIGKILL)
        except OSError:
            pass
        if monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def wait_gone(process, seconds):
    """Wait until the process has ended by itself. False if it still runs after so many seconds."""
    limit = monotonic() + seconds
    while alive(process):
        if monotonic() > limit:
            return False
        time.sleep(0.05)
    return True
