#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: gds_slice
short_description: Detach slices of PRIMECLUSTER GDS volumes at one point in time, and give them back
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Detaches one slice of each given mirror volume of Global Disk Services inside one freeze window, so that all of them
    hold the same point in time, or gives them back, which copies the volume to them.
  - Nothing is changed unless every slice of the volumes holds valid data. If the window fails, slices that were detached are given back.
  - A slice is reached as C(/dev/sfdsk/CLASS/dsk/DISK.VOLUME) while it is detached, on the node that detached it.
  - "Sources: sdxslice(1M), sdxinfo(1M), and the chapter on snapshots by slice detachment of the PRIMECLUSTER Global Disk Services
    Configuration and Administration Guide."
options:
  class_name:
    description:
      - Name of the class that the volumes belong to.
      - Required unless O(run) has detached the slices.
    type: str
  members:
    description:
      - What to detach or to give back. All members are handled in one call.
      - Required for O(state=detached). Otherwise the default is whatever O(run) has detached and not given back yet.
    type: list
    elements: dict
    suboptions:
      volume:
        description: Name of the volume.
        type: str
        required: true
      disk:
        description: The disk whose slice of the volume is meant. It is connected to the volume's mirror group itself.
        type: str
        required: true
      filesystem:
        description: Mount point the volume is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
  state:
    description:
      - V(detached) detaches, V(attached) gives back.
      - V(attached) starts the copying and does not wait for it. It overwrites the frozen copy, so it is refused while another
        slice of the volume is not valid, while the copy is mounted and while a copy job reads it. Nothing is copied as long
        as the volume itself is stopped. What O(run) has detached and somebody has taken away with its disk is forgotten, with a
        warning, once the other slices are valid.
      - V(stopped) makes detached slices inaccessible, V(started) accessible again.
    type: str
    choices: [detached, attached, stopped, started]
    required: true
  access:
    description: Whether a detached slice may be written to. A file system check needs V(rw).
    type: str
    choices: [ro, rw]
    default: rw
  jrm:
    description:
      - Whether GDS remembers in memory what differs, so that giving back copies only that.
      - Without it, and whenever a node of the class stops meanwhile, everything is copied. It must be V(false) where another
        system may write to the slice, since GDS does not see such writes.
    type: bool
    default: true
  take_over:
    description: With O(state=started), take the access right over from the node that detached the slice, as after a switch of nodes.
    type: bool
    default: false
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: Required for O(state=detached), so that the split can always be found and given back.
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
  - module: volmgr.snapbackup.gds_info
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Freeze Volume1 and detach its slice on Disk2
  volmgr.snapbackup.gds_slice:
    run: "{{ opened.run }}"
    state: detached
    class_name: Class1
    members:
      - volume: Volume1
        disk: Disk2
        filesystem: /data

- name: Give back what the run has detached, and start the copying
  volmgr.snapbackup.gds_slice:
    run: "{{ opened.run }}"
    state: attached
'''

RETURN = r'''
before:
  description:
    - State of every slice of the volumes before the call, as V(active), V(stop), V(invalid), V(copy), V(temp), V(temp-stop) or V(nouse).
  returned: success
  type: dict
  sample: {Volume1: {Disk1: active, Disk2: active}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {Volume1: {Disk1: active, Disk2: temp}}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/sdxslice, -R, -c, Class1, -d, Disk2, -v, Volume1], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
class_name:
  description: The class, null where the run has detached nothing.
  returned: when O(state=attached)
  type: str
members:
  description: The members in the shape of the run record.
  returned: when O(state=detached)
  type: list
  elements: dict
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps.
  returned: when O(state=detached) and not in check mode
  type: dict
verdict:
  description: What the copies are worth, V(application), V(filesystem) or V(crash).
  returned: when O(state=detached)
  type: str
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_slice import attach, detach, switch
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

STATES = {'detached': detach, 'attached': attach,
          'stopped': lambda context: switch(context, 'F', 'temp-stop'),
          'started': lambda context: switch(context, 'N', 'temp')}


def main():
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS, class_name=dict(type='str'),
            members=dict(type='list', elements='dict', options=dict(
                volume=dict(type='str', required=True), disk=dict(type='str', required=True), filesystem=dict(type='path'))),
            state=dict(type='str', choices=sorted(STATES), required=True), access=dict(type='str', choices=['ro', 'rw'], default='rw'),
            jrm=dict(type='bool', default=True), take_over=dict(type='bool', default=False), assume=dict(type='dict'), **_quiesce.OPTIONS),
        required_if=[('state', 'detached', ['class_name', 'members', 'run'])], required_one_of=[('class_name', 'run')])


if __name__ == '__main__':
    main()
