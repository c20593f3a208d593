# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holding what only one run may use at a time: a tape drive, or the file that an image goes to.

A hold is a lock on a file in the state directory of the host that reads or writes there. The kernel gives it back when its process
ends, however that ends, so that nothing is left behind.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

# One drive has many names, one for each density and behaviour (st(7D), st(4)): the minor name of a Solaris device comes
# after a colon, Linux puts letters before and after st0.
LINUX_TAPE = re.compile(r'^n?(st[0-9]+)[lma]?\Z')


def drive_of(device):
    """One name for a tape drive, whichever of its device files is meant."""
    real = os.path.realpath(device)
    directory, name = os.path.split(real)
    if directory.startswith('/devices') and ':' in name:
        return os.path.join(directory, name.rpartition(':')[0])
    found = LINUX_TAPE.match(name)
    return os.path.join(directory, found.group(1)) if found else real


@contextlib.contextmanager
def held(state_dir, what, owner):
    """Hold what (a path) for this process; Refused, naming who has it, when it is taken. what None: nothing to hold.

    owner: a dictionary that says who we are, with run, name and kind.
    """
    if what is None:
        yield
        return
    directory = os.path.join(state_dir, 'holds')
    _files.make_private(directory)
    path = os.path.join(directory, hashlib.sha256(what.encode('utf-8') if not isinstance(what, bytes) else what).hexdigest()[:32])
    with open(path, 'a+') as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (IOError, OSError) as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
            raise _taken(what, handle)
        handle.truncate(0)
        handle.write(json.dumps(dict(owner, what=what, pid=os.getpid())))
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


def _taken(what, handle):
    handle.seek(0)
    try:
        owner = json.loads(handle.read())
    except ValueError:
        # It is just being taken or given back.
        owner = {}
    return Refused('%s is in use by another run.' % what, object=what,
                   found='%s %s of set %s, process %s' % tuple(owner.get(key, 'unknown') for key in ('kind', 'run', 'name', 'pid')),
                   needed='one run at a time', remedy='wait for it, or end it (snapbackup_takeover=%s)' % owner.get('run', '<run>'))
