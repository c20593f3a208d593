#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: gds_shadow_volume
short_description: Show volumes of another PRIMECLUSTER GDS domain on a backup server
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Makes shadow disks, groups and volumes of Global Disk Services on a backup server that sees the disks of another domain, proves them
    to be built as the originals, and removes them again. Nothing on the disks is changed by that.
  - Disks, groups and volumes have the names they have in the other domain; only the class gets a name of its own.
  - The volumes of a group lie one behind the other, so those before the wanted ones are made too, read-only.
  - A shadow is in memory only. After a boot it is gone and its special files stay; a class whose directory is left is refused.
  - "Sources: sdxshadowdisk(1M), sdxshadowgroup(1M), sdxshadowvolume(1M), and the chapter on backing up through an external server of the
    PRIMECLUSTER Global Disk Services Configuration and Administration Guide."
options:
  class_name:
    description:
      - Name of the shadow class. No class of this host may have it.
      - Required unless O(run) has made the shadow.
    type: str
  volumes:
    description:
      - Names of the volumes in the other domain. Required unless O(state=absent), where only check mode uses them, together with
        O(primary), O(devices) and O(assume), to tell the removal of a shadow that is only predicted.
    type: list
    elements: str
  primary:
    description:
      - What RV(volmgr.snapbackup.gds_info#module:layout) has returned in the other domain, after the volumes were parted or
        detached and stopped there, on the node that did it. Required unless O(state=absent).
    type: dict
  devices:
    description:
      - The device of each disk on this host, by the name of the disk in the other domain.
      - Without it, all disks of the groups are found by their world wide names, where both hosts have links to them in C(/dev/disk/by-id).
      - Of a mirror group one disk is enough for reading.
      - Find them by the identity of the disk, for example its serial number. Names like C(c1t1d3) differ between hosts.
      - Where the host has links named after that, a path like V(/dev/disk/by-id/wwn-0x500000e01234567) can be given, and is followed here.
      - A disk of another class can have the same name and size. So a device is refused where its world wide name is not the one that
        O(primary) tells, and where it cannot be compared, unless O(confirm) names it.
    type: dict
    default: {}
  confirm:
    description:
      - Devices, as they are given in O(devices), that were compared by hand with the disks they stand for, by serial number and logical
        unit.
      - Needed for those of which not both hosts know the world wide name. It is known from links in C(/dev/disk/by-id), and from the
        name of the device where that is like C(c0t600000E00D2900000029035D00050000d0).
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  state:
    description:
      - V(present) has the volumes there, read-only.
      - V(rw) makes them writable, for a file system check or C(sfxadm) only. All valid slices of a mirror must be shadowed for that,
        and what was copied to them must have been parted or detached without C(jrm). One that holds a GFS Shared file system (sfcfs)
        is refused.
      - V(absent) removes volumes, groups and disks of the shadow class, or of what O(run) has made.
    type: str
    choices: [present, rw, absent]
    required: true
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  members:
    description:
      - The members of the run in its own domain, as M(volmgr.snapbackup.gds_proxy) or M(volmgr.snapbackup.gds_slice) has returned them.
        Without it those in the record of O(run).
    type: list
    elements: dict
    default: []
  run:
    description:
      - With it, the shadow is entered in the record before it is made, to be removed. The members of the record whose copies are
        shadowed get the devices that they have here, and the record a proof that the shadow is still there.
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
- name: Look at the class in its own domain
  volmgr.snapbackup.gds_info:
    class_name: Class1
    volumes: [Volume2]
  register: primary
  delegate_to: node1

- name: Show the parted proxy on the backup server
  volmgr.snapbackup.gds_shadow_volume:
    state: present
    class_name: Class2
    volumes: [Volume2]
    primary: "{{ primary.layout }}"
    devices: {Disk3: c1t1d3}
    confirm: [c1t1d3]

- name: Remove it
  volmgr.snapbackup.gds_shadow_volume:
    state: absent
    class_name: Class2
'''

RETURN = r'''
before:
  description: State of every volume before the call, V(absent), V(stop), V(ro), V(rw), or V(active) where the mode is not told.
  returned: success
  type: dict
  sample: {Volume2: absent}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {Volume2: ro}
devices:
  description: The device files of the volumes.
  returned: unless O(state=absent)
  type: list
  elements: dict
  sample: [{volume: Volume2, device: /dev/sfdsk/Class2/rdsk/Volume2, block_device: /dev/sfdsk/Class2/dsk/Volume2}]
members:
  description: The members of the run, with the devices that the shadowed copies have on this host.
  returned: unless O(state=absent)
  type: list
  elements: dict
class_name:
  description: The shadow class, null where there was nothing to do.
  returned: success
  type: str
stale:
  description: The directory of special files that a boot has left, to be removed by hand once C(sdxinfo -C) does not list the class.
  returned: when O(state=absent)
  type: str
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/sdxshadowdisk, -M, -c, Class2, -d, c1t1d3=Disk3], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_shadow import make, take_away
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

STATES = {'present': make, 'rw': make, 'absent': take_away}


def main():
    needed = ['class_name', 'volumes', 'primary']
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS, class_name=dict(type='str'), volumes=dict(type='list', elements='str'), primary=dict(type='dict'),
            devices=dict(type='dict', default={}), confirm=dict(type='list', elements='str', default=[]),
            state=dict(type='str', choices=['present', 'rw', 'absent'], required=True),
            assume=dict(type='dict'), members=dict(type='list', elements='dict', default=[])),
        required_if=[('state', 'present', needed), ('state', 'rw', needed)], required_one_of=[('class_name', 'run')])


if __name__ == '__main__':
    main()
