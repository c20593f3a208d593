#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: gds_volume
short_description: Start, stop and lock volumes of PRIMECLUSTER GDS
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Starts or stops volumes of Global Disk Services on this node, on named nodes or on all nodes of the class, and locks them against
    being started.
  - Every command names its volume, since C(sdxvolume) without one acts on the whole class.
  - The state is looked at afterwards. C(sdxinfo) tells it only for the node it runs on; for other nodes the call relies on the
    messages and the exit code of C(sdxvolume), and runs it whatever the state here is.
  - "Sources: sdxvolume(1M), sdxattr(1M), sdxinfo(1M)."
options:
  class_name:
    description:
      - Name of the class.
      - Required unless O(run) has stopped the volumes.
    type: str
  volumes:
    description:
      - Names of the volumes.
      - Required for O(state=stopped) and O(state=alone). For O(state=started) the default is whatever O(run) has stopped and not started
        again, on the nodes and in the access mode it had before.
    type: list
    elements: str
  state:
    description:
      - V(stopped) stops them. It is refused while a volume is mounted, in use or being copied. A boot starts a stopped volume
        again unless it is locked.
      - V(started) starts them. It is refused for joined proxies and for invalid volumes.
      - V(alone) has them started on this node and on no other one, as it has to be before an image is written to them. Of a class with
        several nodes they are stopped on all of them, which is refused while one uses them, and started here.
    type: str
    choices: [started, stopped, alone]
    required: true
  nodes:
    description: Names of the nodes to do it on, as GDS calls them. This node without it.
    type: list
    elements: str
  all_nodes:
    description: Do it on all nodes of the class.
    type: bool
    default: false
  mode:
    description: Access mode to start in. The volume's own without it. A volume that is started in another mode must be stopped first.
    type: str
    choices: [ro, rw]
  locked:
    description:
      - Whether the volumes can be started from now on, also by the boot of a node. Not changed without it.
      - A volume is stopped before it is locked, and unlocked before it is started.
    type: bool
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(assume) of the task before.
    type: dict
  run:
    description: With it, a volume that this call stops is entered in the record first, to be started again.
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
  - module: volmgr.snapbackup.gds_proxy
  - module: volmgr.snapbackup.gds_info
'''

EXAMPLES = r'''
- name: Stop a volume on every node before it is restored
  volmgr.snapbackup.gds_volume:
    run: "{{ restore.run }}"
    state: stopped
    class_name: Class1
    volumes: [Volume1]
    all_nodes: true

- name: Start again what the run has stopped
  volmgr.snapbackup.gds_volume:
    run: "{{ restore.run }}"
    state: started
'''

RETURN = r'''
before:
  description:
    - State of every volume on this node before the call, V(active), V(stop) or V(invalid), whether it is locked, and its access mode.
      C(locked) and C(mode) are null where the release does not tell.
  returned: success
  type: dict
  sample: {Volume1: {state: active, locked: false, mode: rw}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {Volume1: {state: stop, locked: false, mode: rw}}
assume:
  description:
    - What the next call in check mode starts from. It is RV(after) and, in C(undo), how each volume will be started again. C(<nodes>)
      stands for nodes of a shared class that only the command itself will tell.
  returned: unless O(state=started), in check mode
  type: dict
  version_added: 0.3.0
class_name:
  description: The class.
  returned: when there is anything to look at
  type: str
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/sdxvolume, -F, -c, Class1, -v, Volume1, -e, allnodes], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_volume import bring
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module


def main():
    run_module(
        bring,
        argument_spec=dict(
            RUN_OPTIONS, class_name=dict(type='str'), volumes=dict(type='list', elements='str'),
            state=dict(type='str', choices=['started', 'stopped', 'alone'], required=True), nodes=dict(type='list', elements='str'),
            all_nodes=dict(type='bool', default=False), mode=dict(type='str', choices=['ro', 'rw']), locked=dict(type='bool'),
            assume=dict(type='dict')),
        required_if=[('state', state, ['class_name', 'volumes']) for state in ('stopped', 'alone')], required_one_of=[('volumes', 'run')],
        required_by={'volumes': ['class_name']}, mutually_exclusive=[('nodes', 'all_nodes')])


if __name__ == '__main__':
    main()
