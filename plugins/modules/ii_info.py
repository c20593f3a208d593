#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: ii_info
short_description: Read the state of sets of Sun Instant Image, and what size a bitmap needs
version_added: 0.3.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Returns the sets of this host with their volumes and states, which of them are being copied, and for any volume how large the
    bitmap of a copy of it must be, before anything exists.
  - A word that is not documented is an error, never taken for a healthy state.
  - "Sources: iiadm(1M), ii(7D), dsw.h of Availability Suite 4.0."
options:
  sets:
    description: Shadows of the sets to look at, as paths of raw devices. All sets of the host without it.
    type: list
    elements: str
  volumes:
    description: Raw devices whose sizes are wanted, of sets or not.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
attributes:
  check_mode:
    support: full
    details: The module only reads.
  diff_mode:
    support: none
    details: The module changes nothing.
  platform:
    platforms: solaris
    support: full
seealso:
  - module: volmgr.snapbackup.ii_set
  - module: volmgr.snapbackup.ii_copy
'''

EXAMPLES = r'''
- name: How large must the bitmaps be?
  volmgr.snapbackup.ii_info:
    sets: []
    volumes: [/dev/vx/rdsk/oradg/vol01, /dev/vx/rdsk/backup/vol01]
  register: sizes

- name: Wait until nothing is copied any more
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.ii_info
    args:
      sets: [/dev/vx/rdsk/backup/vol01]
'''

RETURN = r'''
sets:
  description:
    - One entry for each set, by its shadow. C(state) is V(synced) while nothing is copied, V(copying), V(interrupted) where a copy was
      ended before all was copied, V(exported), V(imported), V(offline) where a volume has failed, or V(suspended). What a V(synced)
      shadow is worth is told by C(void), the run whose update of it is not proved to be one point in time, or null.
    - C(faults) says in words why C(healthy) is false. C(percent) is how much of the bitmap is set; it is 0 for volumes below 100
      chunks of 32 KiB whatever was changed. C(needs_full) is the run since which the next update copies everything, or null.
  returned: success
  type: dict
  sample:
    /dev/vx/rdsk/backup/vol01:
      healthy: true
      faults: []
      state: synced
      kind: independent
      master: /dev/vx/rdsk/oradg/vol01
      bitmap: /dev/vx/rdsk/oradg/vol01.bmp
      overflow: null
      group: Backup1
      bytes: 1073741824
      modified: Tue Mar  4 21:00:05 2003
      percent: 0
      dirty: false
      flags: []
      filesystem: /u01
      void: null
      needs_full: null
groups:
  description: The shadows of each group.
  returned: success
  type: dict
  sample: {Backup1: [/dev/vx/rdsk/backup/vol01]}
volumes:
  description:
    - Sizes of option O(volumes) in bytes, and of the bitmap that a copy of it needs, 24 KiB and 8 KiB for each GiB. A secondary
      bitmap is sized by the shadow. Null where the system does not tell the size of a device.
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/oradg/vol01: {bytes: 1073741824, bitmap_bytes: 32768}}
progress:
  description: The copies that are running. C(percent) is the share of chunks that are equal, null for volumes below 100 chunks.
  returned: success
  type: list
  elements: dict
  sample: [{object: /dev/vx/rdsk/backup/vol01, state: copying master to shadow, percent: 58, bytes: null, eta: null}]
in_progress:
  description: Whether any of the sets is being copied.
  returned: success
  type: bool
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_marks as marks
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image import (
    BLOCK, COPYING, InstantImage, bitmap_blocks, devices, faults, size_of, state_of, valid_path)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import TO_MASTER, TO_SHADOW
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

# Below it iiadm prints 0 percent whatever was changed.
COUNTED = 100


def describe(found, known):
    wrong = faults(found)
    mount = _split.mounted(found.master, devices(found.master)) if found.master else None
    return {'healthy': not wrong, 'faults': wrong, 'state': state_of(found), 'kind': found.kind, 'master': found.master,
            'bitmap': found.bitmap, 'overflow': found.overflow, 'group': found.group,
            'bytes': None if found.blocks is None else found.blocks * BLOCK, 'modified': found.modified, 'percent': found.percent,
            'dirty': found.dirty, 'flags': list(found.flags), 'filesystem': mount.point if mount else None,
            'void': known.get(marks.VOID), 'needs_full': known.get(marks.FULL)}


def copying(found):
    told = found.percent is not None and found.chunks >= COUNTED
    way = [flag for flag in found.flags if flag in (TO_SHADOW, TO_MASTER)] + [COPYING]
    return {'object': found.shadow, 'state': way[0], 'percent': 100 - found.percent if told else None, 'bytes': None, 'eta': None}


def sizes(path):
    blocks = size_of(valid_path(path))
    return {'bytes': blocks and blocks * BLOCK, 'bitmap_bytes': blocks and bitmap_blocks(blocks) * BLOCK}


def groups_of(sets):
    names = sorted(set(found.group for found in sets if found.group))
    return dict((name, sorted(found.shadow for found in sets if found.group == name)) for name in names)


def read(context):
    image = InstantImage(context.runner)
    # Reading the record renews the run's deadline: whoever polls is alive.
    record, known = context.record, marks.read(context.params['state_dir'])
    sets, names = image.sets(), context.params['sets']
    found = list(sets.values()) if names is None else [image.one(name, sets) for name in names]
    progress = [copying(one) for one in sorted(found, key=lambda one: one.shadow) if state_of(one) == COPYING]
    return dict(changed=False, sets=dict((one.shadow, describe(one, known.get(one.shadow, {}))) for one in found), groups=groups_of(found),
                volumes=dict((path, sizes(path)) for path in context.params['volumes']), progress=progress, in_progress=bool(progress),
                run=record.run if record else None)


def main():
    run_module(read, argument_spec=dict(RUN_OPTIONS, sets=dict(type='list', elements='str'),
                                        volumes=dict(type='list', elements='str', default=[])))


if __name__ == '__main__':
    main()
