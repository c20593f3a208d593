# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for the end of copies: -w, and the child that a command leaves behind."""
import os
import time

from simulator.core.state import Store
from simulator.ii import copying, model

LOOK = 0.1  # seconds


def is_copying(store, set_id):
    """True while the copy of a set runs."""
    with store.transaction():
        copying.advance(store)
        row = model.get(store, set_id)
        return row is not None and bool(row["flags"] & model.COPYINGP)


def until_end(store, set_id):
    """Wait for the end of a set's copy, or for its abort."""
    while is_copying(store, set_id):
        time.sleep(LOOK)


def leave_child(call, set_id):
    """The ioctl that copies is a child's: it lives until the copy ends, and has stdout and stderr open all that time."""
    if not is_copying(call.store, set_id) or os.fork() != 0:
        return
    try:
        os.close(call.store.lock)  # a lock belongs to the open file, which parent and child would share
        os.setpgid(0, 0)
        until_end(Store(), set_id)
    finally:
        os._exit(0)
