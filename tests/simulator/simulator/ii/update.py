# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm -u and -c: one set, several at one instant, or a group."""
import os

from simulator.ii import cli, copying, kernel, model, moving, waiting

DIRECTIONS = (copying.TO_SHADOW, copying.TO_MASTER)
MOUNTED = "Target of copy/update is mounted, unmount it first"
IN_PROGRESS = "Copy already in progress"


def target(row, direction):
    """The volume a copy writes to."""
    return row["shadow"] if direction == copying.TO_SHADOW else row["master"]


def single(call, line, shadow, full):
    """One set: the copy is a child's, which this command leaves behind."""
    def act(store):
        row = model.known(store, shadow)
        if moving.is_mounted(store, target(row, line.argument)):
            raise model.dsw(MOUNTED, model.BUSY)
        if not row["kernel"]:
            raise model.dsw("Shadow group suspended")
        if row["flags"] & model.COPYINGP:
            raise model.plain(IN_PROGRESS)
        kernel.check_copy(store, row, line.argument, os.getppid())
        kernel.copy(store, [row], line.argument, full)
        if line.pid_lock:
            model.update(store, row["id"], pid=os.getppid())
        return row
    row = cli.change(call, "Copy failed", act)
    waiting.leave_child(call, row["id"])


def several(call, line, full, names):
    """Several sets at one instant; NAMES is a function of the store that tells the shadows. Nothing starts if one is refused."""
    def act(store):
        rows = names(store)
        for row in rows:
            if moving.is_mounted(store, target(row, line.argument)):
                raise model.dsw(MOUNTED, model.BUSY)
        if any(row["flags"] & model.COPYINGP for row in rows):
            raise model.plain(IN_PROGRESS)
        if line.argument == copying.TO_MASTER and len({row["master"] for row in rows}) < len(rows):
            raise model.dsw("Update failed", "SOLARIS: Invalid argument")
        for row in rows:
            check(store, row, line.argument)
        kernel.copy(store, rows, line.argument, full)
        for row in rows:
            if line.pid_lock:
                model.update(store, row["id"], pid=os.getppid())
    cli.change(call, "Update failed", act)


def check(store, row, direction):
    """Refuse one of several; also a full copy is called an update."""
    try:
        kernel.check_copy(store, row, direction, os.getppid())
    except model.Refused as refusal:
        raise model.dsw("Update of %s failed" % row["shadow"], *refusal.stack) from None


def members(store, group):
    """The sets of a group, all of which the driver must have."""
    rows = model.sets(store, grp=group)
    if not rows:
        raise model.dsw("Group does not exist or has no members")
    if not all(row["kernel"] for row in rows):
        raise model.dsw("Group config does not match kernel")
    return rows


def listed(store, shadows):
    """The sets of shadows that were named one by one."""
    rows = []
    for shadow in shadows:
        row = model.find(store, shadow)
        if row is None:
            raise model.dsw("Volume is not in a Point-in-Time group", model.NOT_FOUND)
        if not row["kernel"]:
            raise model.dsw("Shadow group %s is suspended" % shadow)
        if row in rows:
            raise model.dsw("Duplicate volume specified")
        rows.append(row)
    return rows


def copy(call, line):
    """-u|-c {s|m} volume..., or of a group"""
    if line.argument not in DIRECTIONS:
        raise cli.usage("must specify m or s with -c|-u")
    full = line.action == "c"
    if line.group is None and not line.operands:
        raise cli.usage("must specify volume with -u|-c")
    if line.argument == copying.TO_MASTER:
        cli.confirm(line, "Overwrite master with shadow volume?" if line.group is None
                    else "Overwrite every master in this group with its shadow volume?")
    if line.group is None:
        if len(line.operands) == 1:
            single(call, line, line.operands[0], full)
        else:
            several(call, line, full, lambda store: listed(store, line.operands))
        return
    rows = model.sets(call.store, grp=line.group)
    if len(rows) == 1:
        single(call, line, rows[0]["shadow"], full)
    else:
        several(call, line, full, lambda store: members(store, line.group))
