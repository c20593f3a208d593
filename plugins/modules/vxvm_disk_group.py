#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: vxvm_disk_group
short_description: Import, deport, split and join disk groups, start and stop their volumes
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Brings disk groups of Veritas Volume Manager into a state, and looks at the state before and after every command.
  - Nothing is ever forced. A disk group that another host has imported, or whose disks are not all there, is an error.
    Whose it is is read from the disks just before every import.
  - "Sources: vxdg(1M), vxvol(1M), vxrecover(1M), vxdctl(1M), vxdisk(1M), vxprint(1M)."
options:
  disk_groups:
    description:
      - Names of the disk groups.
      - The default is whatever O(run) has brought out of this state and not brought back yet.
    type: list
    elements: str
  state:
    description:
      - V(imported) says nothing about the volumes, V(started) wants an imported group and all its volumes started.
      - V(stopped) wants an imported group and no volume started. V(deported) stops the volumes and deports the group.
      - V(split) moves the snapshots that O(run) has cut to disk groups of their own, with the whole disks they lie on. Nothing else may
        lie on these disks. The volumes are stopped then.
      - V(joined) brings them back, from wherever O(run) has left them, with the disk group deported, imported, or joined but its volumes
        not started; and starts them.
    type: str
    choices: [imported, started, stopped, deported, split, joined]
    required: true
  parts:
    description:
      - The disk groups to be split off. All of them are handled in one call.
      - With O(state=joined), the default is what O(run) has split off.
    type: list
    elements: dict
    suboptions:
      disk_group:
        description: Name of the new disk group.
        type: str
        required: true
      source:
        description: Name of the disk group that the volumes are in.
        type: str
        required: true
      volumes:
        description: Snapshot volumes that O(run) has cut.
        type: list
        elements: str
        required: true
  temporary:
    description: Whether an import ends with the next boot of the host.
    type: bool
    default: false
  moved:
    description:
      - Whether the disk group comes from another host. Before the import the host then looks at its disks again (C(vxdctl enable)), and
        before the volumes are started they are recovered (C(vxrecover -m)). With O(run) it is also entered in the run record what proves
        that the volumes are still those that came.
    type: bool
    default: false
  wait:
    description: Seconds to try again to stop, deport, split or join what is still in use.
    type: int
    default: 30
  assume:
    description:
      - In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: With it, the way back is entered in the run record, and the opposite call of the same run takes it out again.
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
seealso:
  - module: volmgr.snapbackup.vxvm_info
'''

EXAMPLES = r'''
- name: Give the disk group away
  volmgr.snapbackup.vxvm_disk_group:
    disk_groups: [backupdg]
    state: deported

- name: Take it for as long as this host is up
  volmgr.snapbackup.vxvm_disk_group:
    disk_groups: [backupdg]
    state: started
    temporary: true

- name: Split what the run has cut off the disk group
  volmgr.snapbackup.vxvm_disk_group:
    run: "{{ opened.run }}"
    state: split
    parts:
      - disk_group: datadg-a1b2c3
        source: datadg
        volumes: [vol01-a1b2c3]

- name: Bring it back
  volmgr.snapbackup.vxvm_disk_group:
    run: "{{ opened.run }}"
    state: joined
'''

RETURN = r'''
before:
  description:
    - State of each disk group before the call, V(deported), V(stopped), V(partly) or V(started).
    - V(locked) is a group that is not imported, but whose disks still name this host, so that no other host can import it.
    - V(joined) is one whose volumes are where they were split from, V(disabled) the same, but they are not started.
  returned: success
  type: dict
  sample: {backupdg: deported}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {backupdg: started}
parts:
  description: What was split off or joined.
  returned: when O(state=split) or O(state=joined)
  type: list
  elements: dict
  sample: [{disk_group: datadg-a1b2c3, source: datadg, volumes: [vol01-a1b2c3]}]
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/vxdg, -t, import, backupdg], rc: 0, seconds: 2.1}]
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_apart import Parts
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_groups import Groups


def change(context):
    context.refuse_ended()
    work = (Parts if context.params['state'] in ('split', 'joined') else Groups)(context)
    after = work.change()
    parts = dict(parts=[part._asdict() for part in work.parts]) if isinstance(work, Parts) else {}
    return dict(changed=after != work.before, before=work.before, after=after, **parts)


def main():
    run_module(
        change,
        argument_spec=dict(
            RUN_OPTIONS,
            disk_groups=dict(type='list', elements='str'),
            parts=dict(type='list', elements='dict', options=dict(
                disk_group=dict(type='str', required=True),
                source=dict(type='str', required=True),
                volumes=dict(type='list', elements='str', required=True),
            )),
            state=dict(type='str', choices=['imported', 'started', 'stopped', 'deported', 'split', 'joined'], required=True),
            temporary=dict(type='bool', default=False),
            moved=dict(type='bool', default=False),
            wait=dict(type='int', default=30),
            assume=dict(type='dict'),
        ),
        required_one_of=[('run', 'disk_groups')],
        required_if=[('state', 'split', ['run', 'parts']), ('state', 'joined', ['run'])],
        mutually_exclusive=[('parts', 'disk_groups')],
    )


if __name__ == '__main__':
    main()
