#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: ii_copy
short_description: Update shadows of Sun Instant Image at one point in time, and restore masters from them
version_added: 0.3.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Updates all given shadows inside one freeze window by one command, which takes the points in time of all of them at once, or gives
    the masters the data of their shadows.
  - The copying goes on afterwards. Poll it with M(volmgr.snapbackup.ii_info). A shadow can be read before it has ended, but not exported.
  - An update overwrites what the shadow held. If the window fails or lasts too long the shadows are void. They can be neither
    exported nor restored from until they are updated again.
  - C(iiadm) sees mounts under some paths only, and asks nothing where it has no terminal, so this module looks and asks for O(confirm).
  - "Sources: iiadm(1M), and the sources of Availability Suite 4.0."
options:
  members:
    description:
      - The sets. All of them are handled in one call.
      - Required for O(state=updated). Otherwise the default is what O(run) has updated, for O(state=restored) what O(source_run) has.
    type: list
    elements: dict
    suboptions:
      shadow:
        description: Raw device of the shadow.
        type: str
        required: true
      master:
        description: Raw device of the master. It is needed in check mode where the set is only predicted.
        type: str
      bitmap:
        description: Not used here, so that one list serves M(volmgr.snapbackup.ii_set) too.
        type: str
      secondary:
        description: Not used here either.
        type: str
      filesystem:
        description: Mount point the master is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
  group:
    description: Group that consists of just these sets. The update is then made of the group by its name.
    type: str
  state:
    description:
      - V(updated) makes the shadows copies of their masters as they are now.
      - V(released) says that the run does not need the shadows any more. Nothing is done with them.
      - V(restored) overwrites the masters with their shadows. Both must be unmounted, and the master named in O(confirm). The same call
        goes on with one that was interrupted, and finishes it.
    type: str
    choices: [updated, released, restored]
    required: true
  full:
    description: Whether all is copied instead of what differs. It is in any case where the bitmaps may not know all that does.
    type: bool
    default: false
  confirm:
    description: For O(state=restored), masters that may be overwritten.
    type: list
    elements: str
    default: []
  source_run:
    description: For O(state=restored), id of the backup run that has updated the shadows.
    type: str
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: Required, so that what the shadows hold is always somebody's.
    required: true
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
    platforms: solaris
    support: full
seealso:
  - module: volmgr.snapbackup.ii_set
  - module: volmgr.snapbackup.ii_info
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Freeze /u01 and /u02 and update their shadows
  volmgr.snapbackup.ii_copy:
    run: "{{ opened.run }}"
    state: updated
    group: Backup1
    members:
      - shadow: /dev/vx/rdsk/backup/vol01
        filesystem: /u01
      - shadow: /dev/vx/rdsk/backup/vol02
        filesystem: /u02

- name: Go back to what a backup has kept
  volmgr.snapbackup.ii_copy:
    run: "{{ restore.run }}"
    source_run: 20261120T031500Z-a1b2c3
    state: restored
    confirm: [/dev/vx/rdsk/oradg/vol01]
'''

RETURN = r'''
before:
  description: State of every set before the call, as in M(volmgr.snapbackup.ii_set).
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/backup/vol01: synced}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/backup/vol01: copying}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/iiadm, -g, Backup1, -u, s], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
members:
  description: The members in the shape of the run record. C(volume) is the master, C(copy) the shadow.
  returned: when O(state=updated)
  type: list
  elements: dict
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps. Not in check mode.
  returned: when O(state=updated)
  type: dict
verdict:
  description: What the copies are worth, V(application), V(filesystem) or V(crash).
  returned: when O(state=updated)
  type: str
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_copy import release, update
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_restore import restore
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

STATES = {'updated': update, 'released': release, 'restored': restore}


def main():
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS, run=dict(type='str', required=True),
            members=dict(type='list', elements='dict', options=dict(
                shadow=dict(type='str', required=True), master=dict(type='str'), bitmap=dict(type='str'), secondary=dict(type='str'),
                filesystem=dict(type='path'))),
            group=dict(type='str'), state=dict(type='str', choices=['updated', 'released', 'restored'], required=True),
            full=dict(type='bool', default=False), confirm=dict(type='list', elements='str', default=[]), source_run=dict(type='str'),
            assume=dict(type='dict'), **_quiesce.OPTIONS),
        required_if=[('state', 'updated', ['members'])])


if __name__ == '__main__':
    main()
