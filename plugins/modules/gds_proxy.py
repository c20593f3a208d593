#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: gds_proxy
short_description: Part proxies of PRIMECLUSTER GDS volumes at one point in time, join them, and restore from them
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Joins proxy volumes of GDS Snapshot to their masters, parts all given ones inside one freeze window, so that they hold the same point
    in time, ends the relation, or gives the masters the data of their proxies.
  - It never waits for copying. Poll it with M(volmgr.snapbackup.gds_info).
  - A parted proxy is stopped on all nodes and locked right after the window, so that nothing writes to it until it is joined again.
  - Nothing says that one C(sdxproxy Part) parts several proxies at one moment, so these need a file system to lock or an application in
    O(quiesce). The volumes of a proxy group are parted at one moment; all of them must be named.
  - "Sources: sdxproxy(1M), sdxvolume(1M), sdxattr(1M), sdxinfo(1M), and the chapters on snapshots and on backing up through an external
    server of the PRIMECLUSTER Global Disk Services Configuration and Administration Guide."
options:
  class_name:
    description:
      - Name of the class that the volumes belong to.
      - Required unless O(run) or O(source_run) has parted the proxies.
    type: str
  members:
    description:
      - The proxies. All of them are handled in one call.
      - Required for O(state=parted). Otherwise the default is whatever O(run) has parted and not given back yet; for
        O(state=restored) what O(source_run) has parted.
    type: list
    elements: dict
    suboptions:
      proxy:
        description: Name of the proxy volume.
        type: str
        required: true
      master:
        description: Name of its master. Needed to join a volume that is no proxy yet; otherwise it is checked.
        type: str
      filesystem:
        description: Mount point the master is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
      fstype:
        description: Type of the file system on a master that is not mounted while it is backed up. A mounted one tells its type itself.
        type: str
  state:
    description:
      - V(joined) joins and starts the copying from the master, which overwrites the proxy. A parted proxy is stopped and joined again. It
        is refused while the master is not whole, and while the proxy is mounted or read by a copy job. A volume that is no
        proxy yet must be named in O(confirm), and be stopped. What O(run) has parted and somebody has taken out of the relation is
        unlocked and forgotten, with a warning.
      - V(parted) parts proxies that are joined and in step.
      - V(broken) ends the relation. The proxy keeps its data and becomes a volume of its own. Refused during copying.
      - V(restored) gives the master the data of the parted proxy. Both must be stopped on all nodes, and the master named in O(confirm).
        The same call finishes one that was interrupted.
    type: str
    choices: [joined, parted, broken, restored]
    required: true
  pjrm:
    description:
      - Whether GDS remembers in memory what differs after V(parted), so that joining copies only that.
      - It must be V(false) where another system writes to the proxy, since GDS does not see such writes and would leave the two
        different.
    type: bool
    default: false
  lock:
    description: Whether a parted proxy is locked until it is joined again, so that no boot of a node starts it.
    type: bool
    default: true
  confirm:
    description: Names of volumes that may be overwritten, new proxies for O(state=joined), masters for O(state=restored).
    type: list
    elements: str
    default: []
  method:
    description:
      - How O(state=restored) copies. V(rejoin) is C(sdxproxy RejoinRestore), after which they are joined.
      - V(copy_function) is C(sdxproxy Restore), for disk units with OPC only, after which they are still parted. Success is known by its
        exit code only.
    type: str
    choices: [rejoin, copy_function]
    default: rejoin
  source_run:
    description: For O(state=restored), id of the backup run that has parted the proxies.
    type: str
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: Required for O(state=parted), so that the split can always be found and given back, and for O(state=restored).
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
  - module: volmgr.snapbackup.gds_volume
  - module: volmgr.snapbackup.gds_shadow_volume
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Make Volume2 a proxy of Volume1
  volmgr.snapbackup.gds_proxy:
    state: joined
    class_name: Class1
    members: [{proxy: Volume2, master: Volume1}]
    confirm: [Volume2]

- name: Freeze Volume1 and part its proxy
  volmgr.snapbackup.gds_proxy:
    run: "{{ opened.run }}"
    state: parted
    class_name: Class1
    members: [{proxy: Volume2, master: Volume1, filesystem: /data}]

- name: Join what the run has parted
  volmgr.snapbackup.gds_proxy:
    run: "{{ opened.run }}"
    state: joined

- name: Go back to what a backup has parted
  volmgr.snapbackup.gds_proxy:
    run: "{{ restore.run }}"
    source_run: 20261120T031500Z-a1b2c3
    state: restored
    confirm: [Volume1]
'''

RETURN = r'''
before:
  description:
    - State of every proxy before the call. V(separate) is no proxy, V(copying) is joined and being copied to, V(joined) in
      step, V(parted), and V(invalid) joined after copying that broke off.
  returned: success
  type: dict
  sample: {Volume2: joined}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {Volume2: parted}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/sdxproxy, Rejoin, -c, Class1, -p, Volume2], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
class_name:
  description: The class, null where there was nothing to do.
  returned: when O(state) is not V(parted)
  type: str
members:
  description: The members in the shape of the run record. C(volume) is the master, C(copy) the proxy.
  returned: when O(state=parted)
  type: list
  elements: dict
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps. Null in check mode.
  returned: when O(state=parted)
  type: dict
verdict:
  description: What the copies are worth, V(application), V(filesystem) or V(crash).
  returned: when O(state=parted)
  type: str
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_proxy import end, join, part
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_restore import restore
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

STATES = {'joined': join, 'parted': part, 'broken': end, 'restored': restore}


def main():
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS, class_name=dict(type='str'),
            members=dict(type='list', elements='dict', options=dict(
                proxy=dict(type='str', required=True), master=dict(type='str'), filesystem=dict(type='path'), fstype=dict(type='str'))),
            state=dict(type='str', choices=['joined', 'parted', 'broken', 'restored'], required=True),
            pjrm=dict(type='bool', default=False), lock=dict(type='bool', default=True),
            confirm=dict(type='list', elements='str', default=[]),
            method=dict(type='str', choices=['rejoin', 'copy_function'], default='rejoin'), source_run=dict(type='str'),
            assume=dict(type='dict'), **_quiesce.OPTIONS),
        required_if=[('state', 'parted', ['class_name', 'members', 'run']), ('state', 'restored', ['run'])],
        required_one_of=[('class_name', 'run')], required_by={'members': ['class_name']})


if __name__ == '__main__':
    main()
