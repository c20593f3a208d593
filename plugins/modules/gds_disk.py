#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: gds_disk
short_description: Add a backup disk to a mirror group of PRIMECLUSTER GDS, and take it away
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Registers a disk with a class of Global Disk Services and connects it to a mirror group, so that every volume of the group gets one
    more slice, which can be detached without a loss of redundancy. Or disconnects it and takes it out of the class.
  - Registering destroys what is on the disk. It is refused unless O(confirm) repeats O(device), and while the disk is in another class,
    mounted, swap space, part of an MD array, held by another device, opened exclusively by somebody, or named by another volume
    manager of the host. A command of another volume manager that is there and gives no answer counts as one that names it.
  - A disk is added only to a group whose volumes are started, and none of whose slices is invalid, detached or being copied to.
  - "Sources: sdxdisk(1M), sdxinfo(1M)."
options:
  class_name:
    description:
      - Name of the class.
      - Required unless O(run) has connected the disk.
    type: str
  disk:
    description:
      - Name of the disk in the class.
      - Required for O(state=connected). For O(state=absent) the default is whatever O(run) has connected.
    type: str
  device:
    description: Name of the physical disk, for example V(c4t1d1) or V(sdd). Needed while the disk is not registered.
    type: str
  group:
    description: Name of the mirror group.
    type: str
  confirm:
    description: The same as O(device), to say that its content may be destroyed.
    type: str
  state:
    description:
      - V(connected) adds the disk. Copying to it begins at once and is not waited for.
      - V(absent) takes it away, which leaves its content, but no way to it. It is refused while a slice on it is detached or being
        copied, or is the last valid one.
    type: str
    choices: [connected, absent]
    required: true
  assume:
    description: In check mode, the state to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
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
  - module: volmgr.snapbackup.gds_slice
  - module: volmgr.snapbackup.gds_info
'''

EXAMPLES = r'''
- name: Add a disk that is detached later
  volmgr.snapbackup.gds_disk:
    run: "{{ opened.run }}"
    state: connected
    class_name: Class1
    group: Group1
    disk: DiskB
    device: c4t1d1
    confirm: c4t1d1

- name: Take away what the run has added
  volmgr.snapbackup.gds_disk:
    run: "{{ opened.run }}"
    state: absent
'''

RETURN = r'''
before:
  description: Whether the disk was registered, and its group or null; for O(state=absent) by the name of the disk.
  returned: success
  type: dict
  sample: {registered: false, group: null}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {registered: true, group: Group1}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/sdxdisk, -C, -c, Class1, -g, Group1, -d, DiskB], rc: 0, seconds: 0.7}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
stays:
  description: Whether the disk was connected before, by nobody here, and so is not taken away by the run.
  returned: when O(state=connected)
  type: bool
slices:
  description: State of every slice of the volumes of the group once the copying to the disk has ended.
  returned: when O(state=connected)
  type: dict
  sample: {Volume1: {Disk1: active, Disk2: active, DiskB: active}}
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_disk import connect, remove
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

STATES = {'connected': connect, 'absent': remove}


def main():
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS, class_name=dict(type='str'), disk=dict(type='str'), device=dict(type='str'), group=dict(type='str'),
            confirm=dict(type='str'), state=dict(type='str', choices=['connected', 'absent'], required=True), assume=dict(type='dict')),
        required_if=[('state', 'connected', ['class_name', 'disk', 'group'])], required_by={'disk': ['class_name']},
        required_one_of=[('disk', 'run')])


if __name__ == '__main__':
    main()
