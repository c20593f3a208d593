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
  - "Sources: fsck(1M), fsck_ufs(1M), mount_ufs(1M), sfxadm(1M); fsck(8), mount(8)."
options:
  state:
    description:
      - Whether the copies are to be mounted.
      - V(checked) only checks the file systems, which is all a copy needs that is stored as a device.
      - V(adjusted) tells file systems that were restored which device they lie on now, where they record that (C(sfxadm) for an sfxfs).
        One that is mounted knows it. It works on the originals, not on the copies.
    type: str
    choices: [mounted, unmounted, checked, adjusted]
    required: true
  check:
    description: Whether each file system is checked before it is mounted.
    type: bool
    default: true
  writable:
    description: Mount for reading and writing. It is meant for a volume that has just been restored, never for a split copy.
    type: bool
    default: false
  replay:
    description:
      - For O(state=checked), let the check replay the log of each file system, which writes to the copy.
      - For copies that are volumes of their own.
      - An sfxfs is told first which device it lies on now, by C(sfxadm), since it records that in itself.
      - A file system on which more than that had to be repaired fails the call.
    type: bool
    default: false
  command:
    description:
      - For O(state=checked), the check to run in the place of that of the file system, as a list of arguments.
        V({device}) in it is the copy, V({volume}) the name of its volume. A copy without a file system is checked by it too.
    type: list
    elements: str
    default: []
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
  returned: when O(state=mounted) or O(state=unmounted)
  type: dict
  sample: {d1: null}
after:
  description: The same after the call.
  returned: when O(state=mounted) or O(state=unmounted)
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
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, difference, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._methods import absolute, filled_in

CHECK_LIMIT = 3600
# fsck_ufs(1M) and e2fsck(8) say so after a repair, some of them with exit code 0.
MODIFIED = 'FILE SYSTEM WAS MODIFIED'
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
    """Check every copy. In check mode there is no copy yet, and only what would write to it is planned."""
    members = context.record.data['members'] if context.record else context.params['members']
    for member in members:
        if context.params['command']:
            expect(context, member, absolute(filled_in(context.params['command'], device=member['device'], volume=member['volume'])))
        elif member['fstype'] and context.params['replay']:
            # A raw device is what the manuals of these name; others cannot be checked on one.
            device = member['device'] if member['fstype'] in ('ufs', 'vxfs', 'sfxfs') else member['block_device']
            if _platform.adjust_argv(device, member['fstype']):
                expect(context, member, _platform.adjust_argv(device, member['fstype']))
            expect(context, member, _platform.replay_argv(device, member['fstype']))
        elif member['fstype'] and not context.check:
            check_clean(context, member)
    return told(context)


def told(context):
    """The result of a call that only runs commands."""
    commands = context.runner.commands
    return dict(changed=bool(commands), **(dict(diff=difference({}, {}, commands)) if commands else {}))


def expect(context, member, argv):
    """Run a check that may write to the copy; CommandFailed unless it finds or leaves nothing but a clean copy."""
    result = context.change(argv, timeout=CHECK_LIMIT)
    if result is not None and (result.rc != 0 or MODIFIED in result.out + result.err):
        raise CommandFailed(result, 'The copy %s is not what was to be frozen.' % member['copy'], object=member['volume'],
                            found='exit code %s' % result.rc, needed='a copy that needs no more than its log replayed', look=' '.join(argv),
                            remedy='do not trust this copy; end the run and split again. Files that were deleted and still open are '
                            'cleared too: see what was repaired, and look at such a copy with option command')


def adjusted(context):
    """Tell every file system that was restored which device it lies on now."""
    members = context.record.data['members'] if context.record else context.params['members']
    mounted = [entry.device for entry in _platform.mounts()]
    for member in members:
        device = member.get('original') or member['device']
        argv = _platform.adjust_argv(device, member.get('fstype'))
        if argv and not set((device, device.replace('/rdsk/', '/dsk/'))).intersection(mounted):
            result = context.change(argv, timeout=MOUNT_LIMIT)
            if result is not None and result.rc != 0:
                raise CommandFailed(result, 'The file system that was restored onto %s does not know yet where it lies.' % device,
                                    object=member['volume'], needed='its device noted in it before it is mounted',
                                    look='ls -lL %s' % device, remedy='find out why, then run the same restore again')
    return told(context)


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
    states = dict(mounted=change, unmounted=change, checked=checked, adjusted=adjusted)
    run_module(lambda context: states[context.params['state']](context), argument_spec=dict(
        RUN_OPTIONS,
        run=dict(type='str', required=True),
        state=dict(type='str', choices=['mounted', 'unmounted', 'checked', 'adjusted'], required=True),
        check=dict(type='bool', default=True),
        writable=dict(type='bool', default=False),
        replay=dict(type='bool', default=False),
        command=dict(type='list', elements='str', default=[]),
        members=dict(type='list', elements='dict', default=[]),
    ))


if __name__ == '__main__':
    main()
