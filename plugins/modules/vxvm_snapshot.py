#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: vxvm_snapshot
short_description: Break snapshots off volumes of Veritas Volume Manager at one point in time, and give them back
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Works with the traditional third-mirror break-off of C(vxassist), with mirrors that C(vxsnap) breaks off, and with space-optimised
    instant snapshots, in the same words.
  - Snapshots of volumes in one disk group are made by one command, which the volume manager carries out as a whole.
    Mounted file systems are locked for the length of the freeze window. Only a single VxFS on a volume of usage type fsgen is not, since
    the command itself makes it consistent.
  - Objects are found again by the undo entry that the run wrote before it made them, and by their field C(putil2), which is V(snapbackup).
    Others are never removed. A snapshot mirror that is in step is live and is used, whatever its age.
  - No state waits for a synchronisation. Use M(volmgr.snapbackup.wait_progress) with M(volmgr.snapbackup.vxvm_info).
  - "Sources: vxassist(1M), vxsnap(1M), vxprint(1M), vxedit(1M), and the chapter on volume snapshots of the Volume Manager
    Administrator's Guide."
options:
  members:
    description:
      - The volumes. All of them are handled in one call.
      - Required for O(state=prepared) and O(state=present). In the other states, and with O(run), it is what the run has cut.
    type: list
    elements: dict
    suboptions:
      disk_group:
        description: Name of the disk group.
        type: str
        required: true
      volume:
        description: Name of the volume.
        type: str
        required: true
      filesystem:
        description: Mount point the volume is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
      snapshot:
        description:
          - Name of the snapshot volume. The default is the name of the volume, a dash, and the last six digits of O(run).
          - With the classic form only for a volume that is the only one of its disk group in the call.
        type: str
      disks:
        description: Names of disks for the snapshot mirror. The volume manager chooses without it.
        type: list
        elements: str
      cache:
        description: Name of a cache object. The snapshot is then a space-optimised one, which needs no mirror.
        type: str
  state:
    description:
      - V(prepared) starts to synchronise a mirror where none is there, and with the instant form prepares the volume once for all.
      - V(present) cuts the snapshots.
      - V(reattached) gives the mirrors of O(run) back, which overwrites them with what the volumes hold now.
        It handles the snapshots that were cut with O(after=reattached).
      - V(absent) removes the snapshot volumes of O(run) that were cut with O(after=absent). Without O(run) it removes the snapshot mirrors
        of O(members).
      - V(restored) overwrites the volumes with what O(source_run) has kept. Both must be unmounted and closed.
    type: str
    choices: [absent, prepared, present, reattached, restored]
    required: true
  form:
    description:
      - V(auto) means V(instant) for a volume that is prepared for instant snapshots and V(classic) for others.
      - V(classic) is refused on a volume that is prepared for instant snapshots, since C(vxassist) does not support that.
    type: str
    choices: [auto, classic, instant]
    default: auto
  after:
    description: How snapshots that are cut now are to be given back.
    type: str
    choices: [absent, reattached]
    default: absent
  adopt:
    description: Whether a snapshot mirror that somebody else has prepared may be used.
    type: bool
    default: false
  lock_vxfs:
    description:
      - Whether several VxFS, or one on a volume that is not of usage type fsgen, are locked with C(fsfreeze) over the cut.
      - The snapshot command freezes VxFS itself. Where a release does not get along with one that is frozen already, the window ends
        torn; then say V(false). Each file system is consistent by itself without the lock, and the verdict is C(crash).
    type: bool
    default: true
    version_added: 0.3.0
  offhost:
    description:
      - Whether the snapshots are to be split off into disk groups of their own (M(volmgr.snapbackup.vxvm_disk_group), O(state=split)).
        What could not be is then refused before it is made or cut, such as mirrors that share disks with something else.
    type: bool
    default: false
  source_run:
    description: For O(state=restored), the backup whose snapshots are still there.
    type: str
  assume:
    description:
      - In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: Required for all states but V(prepared) and V(absent), so that a snapshot can always be found and given back.
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
  - volmgr.snapbackup.run.quiesce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: solaris, linux
    support: full
seealso:
  - module: volmgr.snapbackup.vxvm_info
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Start to synchronise a third mirror
  volmgr.snapbackup.vxvm_snapshot:
    run: "{{ opened.run }}"
    state: prepared
    members:
      - disk_group: datadg
        volume: vol01

- name: Wait until it is in step
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.vxvm_info
    args:
      volumes: [datadg/vol01]

- name: Break it off
  volmgr.snapbackup.vxvm_snapshot:
    run: "{{ opened.run }}"
    state: present
    members:
      - disk_group: datadg
        volume: vol01
        filesystem: /data

- name: Remove what the run has broken off
  volmgr.snapbackup.vxvm_snapshot:
    run: "{{ opened.run }}"
    state: absent
'''

RETURN = r'''
before:
  description:
    - Of each volume, C(mirror) is V(synchronising), V(ready) to be broken off, or null; C(snapshot) is the name of the run's snapshot
      volume where it is there, or null.
  returned: success
  type: dict
  sample: {datadg/vol01: {mirror: ready, snapshot: null}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {datadg/vol01: {mirror: null, snapshot: vol01-a1b2c3}}
commands:
  description:
    - The state-changing commands, with exit code and seconds (both null in check mode).
    - The exit code is null also of a command that is left at work, since it comes back only when its copy is at its end.
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/vxassist, -g, datadg, snapshot, vol01, vol01-a1b2c3], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
members:
  description: The members in the shape of the run record.
  returned: when O(state=present)
  type: list
  elements: dict
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps.
  returned: when O(state=present) and not in check mode
  type: dict
verdict:
  description: What the cut is worth, V(application), V(filesystem) or V(crash).
  returned: when O(state=present)
  type: str
resync:
  description:
    - Of each volume, V(regions) if only what has changed is copied when its mirror goes back, V(full), or null where that
      is not known. It is V(full) also where changes were not tracked at the cut, or a boot has lost the map since.
  returned: when O(state=reattached)
  type: dict
  sample: {datadg/vol01: regions}
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_back import given_back
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_cut import present
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_prepare import prepared
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_restore import restored


def main():
    states = dict(prepared=prepared, present=present, reattached=given_back, absent=given_back, restored=restored)
    run_module(
        lambda context: states[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS,
            members=dict(type='list', elements='dict', options=dict(
                disk_group=dict(type='str', required=True),
                volume=dict(type='str', required=True),
                filesystem=dict(type='path'),
                snapshot=dict(type='str'),
                disks=dict(type='list', elements='str'),
                cache=dict(type='str'),
            )),
            state=dict(type='str', choices=sorted(states), required=True),
            form=dict(type='str', choices=['auto', 'classic', 'instant'], default='auto'),
            after=dict(type='str', choices=['absent', 'reattached'], default='absent'),
            adopt=dict(type='bool', default=False),
            offhost=dict(type='bool', default=False),
            lock_vxfs=dict(type='bool', default=True),
            source_run=dict(type='str'),
            assume=dict(type='dict'),
            **_quiesce.OPTIONS),
        required_if=[('state', 'prepared', ['members']), ('state', 'present', ['run', 'members']), ('state', 'reattached', ['run']),
                     ('state', 'restored', ['run', 'source_run'])],
        required_one_of=[('run', 'members')],
    )


if __name__ == '__main__':
    main()
