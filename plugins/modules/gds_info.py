#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: gds_info
short_description: Read the state of volumes of PRIMECLUSTER GDS
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Returns what the volumes of a class of Global Disk Services are, whether each is healthy, its slices, its master if it is
    a proxy, and which slices are being copied to.
  - A state of these volumes that is not documented is an error, never taken for a healthy one.
  - "Source: sdxinfo(1M). The manual asks for pauses between calls, so wait with an interval of 10 s or more."
options:
  class_name:
    description: Name of the class.
    type: str
    required: true
  volumes:
    description: Names of the volumes to look at. All of the class without it.
    type: list
    elements: str
  assume:
    description:
      - In check mode, the states of proxies to start from instead of what the host shows. Use the
        RV(volmgr.snapbackup.gds_proxy#module:after) of the task before. A parted one is taken for stopped, and parted without C(pjrm).
    type: dict
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
    platforms: solaris, linux
    support: full
'''

EXAMPLES = r'''
- name: Is the volume healthy?
  volmgr.snapbackup.gds_info:
    class_name: Class1
    volumes: [Volume1]
  register: gds
  failed_when: not gds.volumes.Volume1.healthy

- name: Wait until nothing is copied to it any more
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.gds_info
    args:
      class_name: Class1
      volumes: [Volume1]
    interval: 10
'''

RETURN = r'''
volumes:
  description:
    - One entry for each volume. C(faults) says in words why C(healthy) is false; C(master) and C(relation), V(joined) or
      V(parted), are null unless it is a proxy; C(first_block) counts from the start of its group or disk.
  returned: success
  type: dict
  sample:
    Volume1:
      healthy: true
      faults: []
      state: active
      bytes: 1073741824
      first_block: 65536
      filesystem: /data
      group: Group1
      master: null
      relation: null
      slices: [{disk: Disk1, state: active}, {disk: Disk2, state: active}]
layout:
  description:
    - Disks, groups and volumes of the class, for option O(volmgr.snapbackup.gds_shadow_volume#module:primary). Of a copy that O(run) has
      split its record tells the C(pjrm) or C(jrm) that the release does not show.
  returned: success
  type: dict
progress:
  description: The slices that are being copied to. C(percent) is known only where the release tells numbers of blocks, else null.
  returned: success
  type: list
  elements: dict
  sample: [{object: Disk2.Volume1, state: copy, percent: 42, bytes: null, eta: null}]
in_progress:
  description: Whether any slice is being copied to.
  returned: success
  type: bool
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import Gds, block_device, raw_device
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_shadow_plan import identity_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_slice import DETACHED
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import tracking_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module


def describe(class_name, volume):
    mount = _split.mounted(volume.name, [block_device(class_name, volume.name), raw_device(class_name, volume.name)])
    found = volume.faults()
    return {'healthy': not found, 'faults': found, 'state': volume.state, 'bytes': volume.bytes,
            'first_block': volume.first, 'filesystem': mount.point if mount else None, 'group': volume.group,
            'master': volume.master, 'relation': volume.relation,
            'slices': [{'disk': piece.disk, 'state': piece.state} for piece in volume.slices]}


def copying(volume):
    return [{'object': '%s.%s' % (piece.disk, volume.name), 'state': 'copy', 'percent': piece.percent, 'bytes': None, 'eta': None}
            for piece in volume.slices if piece.state == 'copy']


def read(context):
    gds = Gds(context.runner, context.params['class_name'])
    # Reading the record renews the run's deadline: whoever polls is alive.
    record = context.record
    view = gds.view()
    names = context.params['volumes'] if context.params['volumes'] is not None else sorted(view.volumes)
    found = [gds.volume(name, view) for name in names]
    progress = [row for volume in found for row in copying(volume)]
    return dict(changed=False, volumes=dict((volume.name, describe(gds.class_name, volume)) for volume in found),
                progress=progress, in_progress=bool(progress), run=record.run if record else None,
                layout=predicted(layout(gds.class_name, view, record), context.params['assume'] if context.check else None))


def is_tracked(class_name, volume, record):
    """Whether GDS would copy to the parted proxy or the detached slice only what it has seen change; None where neither sdxinfo tells
    nor the record of the run that has split it."""
    told = [volume.row.get('PJRM') or tracking_of(record, 'gds_proxy', class_name, volume.name)] if volume.relation == 'parted' else []
    told += [piece.jrm or tracking_of(record, 'gds_slice', class_name, volume.name, piece.disk)
             for piece in volume.slices if piece.state in DETACHED]
    return True if 'on' in told else None if None in told else False


def layout(class_name, view, record):
    """What a shadow of any volume of the class must be like: see RETURN."""
    return {'class_name': class_name,
            'disks': dict((name, {'blocks': row.get('DEVBLKS'), 'identity': identity_of(row.get('DEVNAM'))})
                          for name, row in view.disks.items()),
            'groups': dict((name, {'type': row.get('TYPE'), 'width': row.get('WIDTH'), 'disks': row.get('DISKS') or []})
                           for name, row in view.groups.items()),
            'volumes': dict((name, dict(condition(class_name, volume, record), group=volume.group, first_block=volume.first,
                                        blocks=volume.blocks)) for name, volume in view.volumes.items())}


def condition(class_name, volume, record):
    """What a volume and its slices are; nothing of one with a word that is not documented, since it is not one that was asked for."""
    try:
        return {'state': volume.state, 'relation': volume.relation, 'tracked': is_tracked(class_name, volume, record),
                'slices': dict((piece.disk, piece.state) for piece in volume.slices)}
    except UnknownWord:
        return {'state': None, 'relation': None, 'tracked': None, 'slices': {}}


def predicted(found, states):
    """A layout as it is once proxies have these states of gds_proxy; as it was found without states."""
    for name in states or {}:
        if states[name] == 'parted' and name in found['volumes']:
            slices = dict.fromkeys(found['volumes'][name]['slices'], 'stop')
            found['volumes'][name].update(state='stop', relation='parted', tracked=False, slices=slices)
    return found


def main():
    run_module(read, argument_spec=dict(RUN_OPTIONS, class_name=dict(type='str', required=True), volumes=dict(type='list', elements='str'),
                                        assume=dict(type='dict')))


if __name__ == '__main__':
    main()
