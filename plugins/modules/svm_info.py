#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: svm_info
short_description: Read the state of Solaris Volume Manager mirrors
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Returns the submirrors of mirrors with their states, whether each mirror is fully redundant, and how far a resync is.
  - The full and the concise report of C(metastat) are read and must agree; a word that is not documented is an error.
  - "Source: metastat(1M)."
options:
  mirrors:
    description: Names of the mirrors to look at. All of them without this option.
    type: list
    elements: str
  diskset:
    description: Disk set to look in. This host must own it. Without it the local set, or the one that the names in O(mirrors) begin with.
    type: str
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
'''

EXAMPLES = r'''
- name: Is d1 redundant?
  volmgr.snapbackup.svm_info:
    mirrors: [d1]
  register: svm
  failed_when: not svm.mirrors.d1.healthy

- name: Wait until the resync has ended
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.svm_info
    args:
      mirrors: [d1]
'''

RETURN = r'''
mirrors:
  description:
    - One entry for each mirror. C(faults) says in words why C(healthy) is false; C(bytes) is the size;
      C(used_by) are the volumes that lie on it, such as soft partitions.
    - The C(state) of a submirror is V(okay), V(offline), V(resyncing), V(maintenance), V(cancelled) or V(unavailable).
  returned: success
  type: dict
  sample:
    d1:
      healthy: true
      faults: []
      bytes: 268435456
      filesystem: /home1
      device: /dev/md/rdsk/d1
      block_device: /dev/md/dsk/d1
      used_by: []
      submirrors:
        - {name: d2, state: okay}
        - {name: d3, state: okay}
progress:
  description: The resyncs that are running. C(percent) is what the volume manager says; bytes and eta are not known and null.
  returned: success
  type: list
  elements: dict
  sample: [{object: d1, state: resyncing, percent: 42, bytes: null, eta: null}]
in_progress:
  description: Whether any of the mirrors is resyncing.
  returned: success
  type: bool
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, block_device, common_set, faults, mounts_of, qualified, raw_device)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import users
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import BLOCK


def describe(mirror, layout):
    found = faults(mirror)
    points = [mount.point for mount in mounts_of(mirror.name)]
    return {'healthy': not found, 'faults': found, 'bytes': mirror.blocks * BLOCK, 'filesystem': points[0] if points else None,
            'device': raw_device(mirror.name), 'block_device': block_device(mirror.name), 'used_by': users(layout, mirror.name),
            'submirrors': [{'name': submirror.name, 'state': submirror.state} for submirror in mirror.submirrors]}


def resyncs(mirror):
    return mirror.resync == 'in progress' or any(submirror.state == 'resyncing' for submirror in mirror.submirrors)


def read(context):
    named = context.params['mirrors'] or []
    svm = Svm(context.runner, common_set(named, context.params['diskset']))
    svm.refuse_foreign_set()
    # Reading the record renews the run's deadline: whoever polls is alive.
    record = context.record
    names = [qualified(name, svm.diskset) for name in named] or svm.all_mirrors()
    found = svm.mirrors(names) if names else {}
    layout = svm.volumes() if found else {}
    running = [mirror for mirror in found.values() if resyncs(mirror)]
    progress = [{'object': mirror.name, 'state': 'resyncing', 'percent': mirror.percent, 'bytes': None, 'eta': None}
                for mirror in sorted(running, key=lambda mirror: mirror.name)]
    return dict(changed=False, mirrors=dict((name, describe(mirror, layout)) for name, mirror in found.items()),
                progress=progress, in_progress=bool(progress), run=record.run if record else None)


def main():
    run_module(read, argument_spec=dict(RUN_OPTIONS, mirrors=dict(type='list', elements='str'), diskset=dict(type='str')))


if __name__ == '__main__':
    main()
