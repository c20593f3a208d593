#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: filesystem_lock
short_description: Hold file systems still for a limited time
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Locks file systems against writes, with C(lockfs) on UFS and C(fsfreeze) on Linux file systems, and lets them go again.
  - A watchdog on the host lets them go after O(max_hold) seconds, whatever has become of the playbook.
  - To split copies use the splitting modules instead; they lock, cut and unlock within milliseconds.
  - "Sources: lockfs(1M), fsfreeze(8)."
options:
  paths:
    description: Mount points. Never V(/), V(/usr) or V(/var), and never where this collection itself writes.
    type: list
    elements: path
    required: true
  state:
    description:
      - V(locked) flushes the file systems and locks them.
      - V(unlocked) removes the locks of O(run), and only those. A path that is not mounted any more holds no lock.
    type: str
    choices: [locked, unlocked]
    required: true
  max_hold:
    description: Seconds after which the watchdog unlocks. Required for O(state=locked).
    type: int
  run:
    required: true
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: solaris, linux
    support: full
'''

EXAMPLES = r'''
- name: Hold /home1 still for at most a minute
  volmgr.snapbackup.filesystem_lock:
    run: "{{ opened.run }}"
    paths: [/home1]
    state: locked
    max_hold: 60

- name: Let it go
  volmgr.snapbackup.filesystem_lock:
    run: "{{ opened.run }}"
    paths: [/home1]
    state: unlocked
'''

RETURN = r'''
before:
  description: Whether each path was locked by this run.
  returned: success
  type: dict
  sample: {/home1: false}
after:
  description: The same after the call.
  returned: success
  type: dict
  sample: {/home1: true}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/lockfs, -u, /home1], rc: 0, seconds: 0.01}]
'''

import glob
import os
import tempfile
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _platform, _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._lease import Lease
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_lockfs import parse_status

REPORT = 'lock-watchdog.json'
# One for each call that locks: its watchdog ends when it is gone, so it may name nothing that another watchdog guards.
MARKER = 'locks-%d-%d.json'
MARKERS = 'locks-*.json'


def undo_id(path):
    return 'filesystem_lock:%s' % path


def members_at(paths, wanted):
    """The mount points as far as locking needs to know them, in the shape of run record members."""
    members = []
    for path in paths:
        mount = _platform.mount_at(path)
        if mount is None and not wanted:
            continue
        if mount is None:
            raise Refused('%s is not a mount point.' % path, object=path, look='mount', needed='the mount point of a file system')
        members.append({'volume': mount.device, 'filesystem': path, 'fstype': mount.fstype})
    return members


def held(context, members):
    """{path: True if this run has locked it}. A UFS says so itself; for others the marker of the watchdog counts."""
    marked = [path for name in markers(context) for path in _files.read_json(name) or []]
    found = dict((member['filesystem'], member['filesystem'] in marked) for member in members)
    ufs = [member['filesystem'] for member in members if member['fstype'] == 'ufs']
    if ufs:
        rows = parse_status(context.runner([_platform.need('lockfs')] + ufs).out, ufs)
        tag = 'snapbackup:%s' % context.params['run']
        found.update((path, rows[path] == ('write', tag)) for path in ufs)
    return found


def markers(context):
    return glob.glob(os.path.join(context.record.directory, MARKERS)) if context.record else []


def lock(context, members, before):
    context.refuse_ended()
    max_hold = _quiesce.valid_lease(context.params['max_hold'])
    _quiesce.refuse_own_ground(members, [context.params['state_dir'], tempfile.gettempdir(), context.module.tmpdir])
    holders = _quiesce.lock_holders(members, 'snapbackup:%s' % context.params['run'])
    for holder in holders:
        holder.check(context.runner)
    if context.check:
        for argv in _quiesce.entering(holders):
            context.runner.plan(argv)
        return
    directory = context.record.make_directory()
    for path in sorted(before):
        context.record.add_undo({'id': undo_id(path), 'action': 'unlocked', 'path': path})
    for holder in holders:
        holder.flush(context.runner)
    with Lease(max_hold, dict((holder.key, holder.undo) for holder in holders), os.path.join(directory, REPORT)) as lease:
        recorded = _quiesce.Recorded(lease, context.runner, [])
        for holder in holders:
            holder.enter(recorded)
        marker = os.path.join(directory, MARKER % (os.getpid(), time.time() * 1000))
        _files.write_json(marker, sorted(before))
        lease.keep(marker)


def unlock(context, members, before):
    mine = [member for member in members if before[member['filesystem']]]
    for holder in _quiesce.lock_holders(mine, 'snapbackup:%s' % context.params['run']):
        for argv in holder.commands()[_quiesce.LEAVE]:
            result = context.change(argv)
            if result is not None and not holder.released(result):
                raise CommandFailed(result, object=argv[-1], needed='not frozen',
                                    remedy='the watchdog tries again when max_hold has passed')
    if context.check:
        return
    still = sorted(path for path, locked in held_ufs(context, mine).items() if locked)
    if still:
        raise Refused('%s could not be unlocked.' % ', '.join(still), object=', '.join(still), needed='unlock', look='lockfs %s' % still[0])
    released = set(member['filesystem'] for member in mine)
    for marker in markers(context):
        left = sorted(set(_files.read_json(marker) or []) - released)
        if left:
            # Its watchdog goes on guarding these.
            _files.write_json(marker, left)
        elif os.path.exists(marker):
            os.unlink(marker)


def held_ufs(context, members):
    return held(context, [member for member in members if member['fstype'] == 'ufs'])


def change(context):
    wanted = context.params['state'] == 'locked'
    members = members_at(context.params['paths'], wanted)
    before = held(context, members)
    todo = any(locked != wanted for locked in before.values())
    if todo and wanted and any(before.values()):
        raise Refused('Only some of the file systems are locked by this run.', object=', '.join(sorted(before)),
                      needed='all or none', remedy='unlock them first')
    if todo:
        (lock if wanted else unlock)(context, members, before)
    if not wanted and context.record and not context.check:
        context.record.clear_undo(*[undo_id(path) for path in context.params['paths']])
    return dict(changed=todo, before=before, after=dict((path, wanted) for path in before))


def main():
    run_module(
        change,
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            paths=dict(type='list', elements='path', required=True),
            state=dict(type='str', choices=['locked', 'unlocked'], required=True),
            max_hold=dict(type='int'),
        ),
        required_if=[('state', 'locked', ['max_hold'])],
    )


if __name__ == '__main__':
    main()
