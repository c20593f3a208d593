#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: vxvm_info
short_description: Read the state of disk groups and volumes of Veritas Volume Manager
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Returns what the disk groups and their volumes are, whether each volume is healthy, whether a snapshot mirror
    of it is ready, and how far a synchronisation is.
  - A state that is not documented is an error, never taken for a healthy one.
  - "Sources: vxprint(1M), vxdg(1M), vxdisk(1M), vxtask(1M)."
options:
  disk_groups:
    description: Names of the disk groups to look at. All imported ones without this option and O(volumes).
    type: list
    elements: str
  volumes:
    description:
      - Volumes to look at, each as V(GROUP/VOLUME). Without it, all volumes of the disk groups.
      - Only of volumes that are named here it is told whether a snapshot is being restored to them.
    type: list
    elements: str
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
  volmgr.snapbackup.vxvm_info:
    volumes: [datadg/vol01]
  register: vxvm
  failed_when: not vxvm.volumes['datadg/vol01'].healthy

- name: Wait until the snapshot mirror is ready
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.vxvm_info
    args:
      volumes: [datadg/vol01]
'''

RETURN = r'''
disk_groups:
  description:
    - One entry for each disk group. C(state) is V(deported), V(stopped), V(partly) or V(started); C(version) and C(shared)
      are null for a deported one. C(seen) is whether the disks of this host hold such a group, null where that cannot be told.
  returned: success
  type: dict
  sample: {datadg: {state: started, seen: true, version: 140, shared: false}}
volumes:
  description:
    - One entry for each volume of the imported disk groups. C(faults) says in words why C(healthy) is false; C(bytes) is the size.
    - C(mirror) is V(ready) when a snapshot mirror can be broken off, V(synchronising) while it is being copied, or null.
  returned: success
  type: dict
  sample:
    datadg/vol01: {healthy: true, faults: [], bytes: 1073741824, filesystem: /data, mirror: ready}
progress:
  description: The synchronisations that are running. C(percent) is what the volume manager says, or null.
  returned: success
  type: list
  elements: dict
  sample: [{object: datadg/vol01, state: synchronising, percent: 42.1, bytes: null, eta: null}]
in_progress:
  description: Whether any of the volumes is being synchronised or restored.
  returned: success
  type: bool
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import (
    BLOCK, COPYING, READY, Vxvm, devices, faults, find_volume, valid_name)


def split_name(name):
    """(disk group, volume) of GROUP/VOLUME."""
    group, slash, volume = name.partition('/')
    if not slash:
        raise Refused('%r does not name a volume.' % name, object=name, needed='GROUP/VOLUME, for example datadg/vol01')
    return valid_name(group, 'disk group'), valid_name(volume)


def mirror_of(volume):
    """The state of a volume's snapshot mirror in the words of this module, or None."""
    states = [plex.state for plex in volume.plexes]
    if any(state in COPYING for state in states):
        return 'synchronising'
    return 'ready' if READY in states else None


def describe(group, volume):
    found = faults(volume)
    mounted = [mount.point for mount in _platform.mounts() if mount.device in devices(group, volume.name)]
    return {'healthy': not found, 'faults': found, 'bytes': volume.length * BLOCK, 'filesystem': mounted[0] if mounted else None,
            'mirror': mirror_of(volume)}


def describe_group(vxvm, name):
    state = vxvm.state_of_group(name)
    details = vxvm.details(name) if state != 'deported' else None
    version = details and details.get('version', '')
    return {'state': state, 'seen': vxvm.sees_group(name) if state == 'deported' else True,
            'version': int(version) if version and version.isdigit() else None,
            'shared': 'shared' in details.get('flags', '').split() if details else None}


def refuse_away(groups, asked):
    """Refused if a volume was asked for whose disk group is not here: nothing can be told of it, least of all that it is well."""
    for name, volume in asked:
        if groups[name]['state'] == 'deported':
            raise Refused('Disk group %s is not imported here, so nothing is known of volume %s.' % (name, volume), object=name,
                          found='not in vxdg list', needed='an imported disk group', look='vxdg list')


def read(context):
    vxvm = Vxvm(context.runner)
    # Reading the record renews the run's deadline: whoever polls is alive.
    record = context.record
    asked = context.params['volumes'] and [split_name(name) for name in context.params['volumes']]
    names = set(valid_name(name, 'disk group') for name in context.params['disk_groups'] or ())
    names = names or set(group for group, dummy in asked or ()) or set(vxvm.groups())
    groups = dict((name, describe_group(vxvm, name)) for name in sorted(names))
    refuse_away(groups, asked or ())
    volumes, progress = {}, []
    for name in sorted(name for name in groups if groups[name]['state'] != 'deported'):
        group = vxvm.group(name)
        chosen = sorted(group.volumes) if asked is None else [volume for other, volume in asked if other == name]
        for volume in chosen:
            shown = volumes['%s/%s' % (name, volume)] = describe(name, find_volume(group, volume))
            copying = 'synchronising' if shown['mirror'] == 'synchronising' else None
            # This costs a command for each volume, so only those that were asked for are looked at.
            if not copying and asked and vxvm.is_restoring(name, volume):
                copying = 'restoring'
            if copying:
                progress.append({'object': '%s/%s' % (name, volume), 'state': copying, 'percent': vxvm.percent(name, volume),
                                 'bytes': None, 'eta': None})
    return dict(changed=False, disk_groups=groups, volumes=volumes, progress=progress, in_progress=bool(progress),
                run=record.run if record else None)


def main():
    run_module(read, argument_spec=dict(
        RUN_OPTIONS,
        disk_groups=dict(type='list', elements='str'),
        volumes=dict(type='list', elements='str'),
    ))


if __name__ == '__main__':
    main()
