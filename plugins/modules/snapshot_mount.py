#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: snapshot_mount
short_description: Check the split copies of a run and mount them read-only
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Checks the file system on each split copy of the run without writing to it, and mounts it read-only below the
    run's directory, or takes the mounts away again.
  - A copy that was cut under a lock must be clean; one that is not fails the call, since it is not what its verdict says.
  - "Sources: fsck(1M), fsck_ufs(1M), mount_ufs(1M); fsck(8), mount(8)."
options:
  state:
    description:
      - Whether the copies are to be mounted.
      - V(checked) only checks the file systems, which is all a copy needs that is stored as a device.
    type: str
    choices: [mounted, unmounted, checked]
    required: true
  check:
    description: Whether each file system is checked before it is mounted.
    type: bool
    default: true
  writable:
    description: Mount for reading and writing. It is meant for a volume that has just been restored, never for a split copy.
    type: bool
    default: false
  members:
    description: The members to work on in check mode, where the run has no record yet. Otherwise they come from the run record.
    type: list
    elements: dict
    default: []
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
- name: Mount the frozen copies
  volmgr.snapbackup.snapshot_mount:
    run: "{{ opened.run }}"
    state: mounted
  register: snapshot
'''

RETURN = r'''
before:
  description: Where each copy was mounted; null if it was not.
  returned: unless O(state=checked)
  type: dict
  sample: {d1: null}
after:
  description: The same after the call.
  returned: unless O(state=checked)
  type: dict
  sample: {d1: /var/lib/snapbackup/runs/20261120T031500Z-a1b2c3/mnt/d1}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/mount, -F, ufs, -o, ro, /dev/md/dsk/d3, /mnt], rc: 0, seconds: 0.01}]
'''

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

CHECK_LIMIT = 3600
MOUNT_LIMIT = 120


def undo_id(member):
    return 'snapshot_mount:%s' % member['volume']


def point_of(context, member):
    """Where a member's copy is mounted; in check mode without a record, as it would be named."""
    return os.path.join(context.params['state_dir'], 'runs', context.params['run'], 'mnt', member['volume'])


def mounted_at(point):
    return point if _platform.mount_at(point) else None


def mount(context, member, point):
    context.refuse_ended()
    if member['fstype'] is None:
        raise Refused('%s has no file system that could be mounted.' % member['volume'], object=member['volume'],
                      needed='a mounted original',
                      remedy='store the device itself (method dd)')
    if context.params['check'] and not context.check:
        check_clean(context, member)
    if context.params['writable'] and member['copy']:
        raise Refused('%s is a split copy, which is never mounted for writing.' % member['copy'], object=member['copy'])
    argv = _platform.mount_argv(member['block_device'], point, member['fstype'], context.params['writable'])
    if not context.check:
        _files.make_private(point)
        context.record.add_undo({'id': undo_id(member), 'action': 'unmounted', 'path': point})
    result = context.change(argv, timeout=MOUNT_LIMIT)
    if result is not None and (result.rc != 0 or not mounted_at(point)):
        raise CommandFailed(result, '%s could not be mounted.' % member['block_device'], object=member['volume'], look='mount')


def check_clean(context, member):
    result = context.runner(_platform.check_argv(member['device'], member['fstype']), timeout=CHECK_LIMIT)
    if result.rc != 0:
        raise CommandFailed(result, 'The file system on %s is not clean, so it is not what was frozen.' % member['device'],
                            object=member['volume'], needed='a clean file system', look=' '.join(result.argv),
                            remedy='do not trust this copy; end the run and split again')


def unmount(context, member, point):
    result = context.change(_platform.umount_argv(point), timeout=MOUNT_LIMIT)
    if result is not None and mounted_at(point):
        raise CommandFailed(result, '%s could not be unmounted.' % member['block_device'], object=point, found='mounted',
                            look='fuser -c %s' % point, remedy='end what uses it')


def checked(context):
    """Check every copy that has a file system. In check mode there is no copy yet."""
    if not context.check:
        for member in context.record.data['members']:
            if member['fstype']:
                check_clean(context, member)
    return dict(changed=False)


def change(context):
    wanted = context.params['state'] == 'mounted'
    members = context.record.data['members'] if context.record else context.params['members']
    points = dict((member['volume'], point_of(context, member)) for member in members)
    before = dict((volume, mounted_at(point)) for volume, point in points.items())
    if context.check and not context.record and not wanted:
        before = points
    changed = False
    for member in members:
        point = points[member['volume']]
        if bool(before[member['volume']]) != wanted:
            (mount if wanted else unmount)(context, member, point)
            changed = True
    if not wanted and context.record and not context.check:
        context.record.clear_undo(*[undo_id(member) for member in members])
    return dict(changed=changed, before=before, after=points if wanted else dict((volume, None) for volume in points))


def main():
    run_module(lambda context: checked(context) if context.params['state'] == 'checked' else change(context), argument_spec=dict(
        RUN_OPTIONS,
        run=dict(type='str', required=True),
        state=dict(type='str', choices=['mounted', 'unmounted', 'checked'], required=True),
        check=dict(type='bool', default=True),
        writable=dict(type='bool', default=False),
        members=dict(type='list', elements='dict', default=[]),
    ))


if __name__ == '__main__':
    main()
