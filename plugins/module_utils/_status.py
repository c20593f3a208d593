# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the records of a host say about each of its backup sets now: what is split, locked or dead, and what there is to restore from."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import calendar
import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_lockfs import parse_status
from ansible_collections.volmgr.snapbackup.plugins.module_utils._run import SERVICES

LIVE, KEPT, DEAD, OVERDUE = 'live', 'kept', 'dead', 'overdue'


def sets(runs, now=None):
    """[{"name", "manager", "open": [work(run)], "last": last_good() or None}], by name.

    runs: records, oldest first, each with the keys open, live, kept, overdue, booted and locks.
    """
    now = now or time.time()
    # Of a host that has only held services still for another there is nothing to tell once that is over.
    runs = [run for run in runs if run['open'] or run['kind'] != SERVICES]
    names = sorted(set(run['name'] for run in runs))
    return [one_set(name, [run for run in runs if run['name'] == name], now) for name in names]


def one_set(name, runs, now):
    good = [run for run in runs if run['kind'] == 'backup' and run['image']]
    return dict(name=name, manager=runs[-1]['manager'], open=[work(run, now) for run in runs if run['open']],
                last=last_good(good[-1], now) if good else None)


def work(run, now):
    """An open run. condition: live, kept, dead or overdue; split_at, split_seconds: since when copies are split, or None;
    remaining: how many whole copies stay with the volume that has least of them, None where the manager does not say, or where the host
    has booted since (booted), which brings some managers' copies home."""
    split = run['window'] if run['undo'] else None
    known = [member.get('remaining') for member in run['members']]
    return dict(run=run['run'], kind=run['kind'], phase=run['phase'], condition=condition(run), why=run['kept'] or run['live'],
                split_at=split and split['at'], split_seconds=split and seconds_since(split['at'], now),
                remaining=min(known) if known and None not in known and not run['booted'] else None, booted=run['booted'],
                volumes=[member['volume'] for member in run['members']], retained=run['retained'],
                undo=[entry['id'] for entry in run['undo']],
                locks=run['locks'])


def condition(run):
    if run['kept']:
        return KEPT
    if run['live']:
        return LIVE
    return OVERDUE if run['overdue'] else DEAD


def last_good(run, now):
    """The last backup whose images were complete. present: whether its manifest still is where it was written."""
    at = run['window']['at'] if run['window'] else None
    return dict(run=run['run'], at=at, seconds=at and seconds_since(at, now), verdict=run['verdict'], manifest=run['image'],
                present=os.path.exists(run['image']))


def seconds_since(at, now):
    """Whole seconds from a moment in UTC until now, as far as the clock of the host is right."""
    return int(now - calendar.timegm(time.strptime(at, '%Y-%m-%dT%H:%M:%SZ')))


def locked(records, runner):
    """{run: [mount point, ...]}: which file systems the open runs hold locked.

    A UFS says so itself (lockfs(1M)). Elsewhere nothing can be asked, and what the record says counts.
    """
    found, mounts = {}, _platform.mounts()
    for record in records:
        if record.is_open:
            held = [entry['path'] for entry in record.data['undo'] if entry['id'].startswith('filesystem_lock:')]
            members = [one for member in record.data['members'] for one in [member] + member.get('soft_partitions', [])]
            points = set(held).union(member['filesystem'] for member in members if member.get('filesystem'))
            ufs = [mount.point for mount in mounts if mount.fstype == 'ufs' and mount.point in points]
            found[record.run] = sorted(set(held).difference(ufs).union(tagged(ufs, record.tag, runner)))
    return found


def tagged(points, tag, runner):
    """Those of the UFS mount points that carry a lock with this tag. Where lockfs cannot be understood: all, as unknown."""
    lockfs = _platform.find('lockfs')
    if not points or not lockfs:
        return []
    try:
        rows = parse_status(runner([lockfs] + points).out, points)
    except Refused:
        # The rest of the status is worth telling, and nothing is done because of this.
        return [point + ' (unknown)' for point in points]
    return [point for point in points if rows[point] == ('write', tag)]
