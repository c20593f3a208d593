#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: ii_set
short_description: Make sets of Sun Instant Image, and let their shadows go to another host and come back
version_added: 0.3.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Enables and disables sets of independent copies, exports and joins their shadows on the host of the masters, and imports them on
    another one. Looks at the sets before and after every command.
  - A set is named by its shadow. It never acts on a group as a whole, since C(iiadm) stops such work in the middle.
  - It never waits for copying. Poll it with M(volmgr.snapbackup.ii_info).
  - Disk groups are moved by M(volmgr.snapbackup.vxvm_disk_group), between O(state=exported) here and O(state=imported) there.
  - "Sources: iiadm(1M), ii(7D), and the sources of Availability Suite 4.0."
options:
  members:
    description:
      - The sets. All of them are handled in one call.
      - In the states V(joined) and V(disabled), and with O(run), the default is what the run has exported or imported.
    type: list
    elements: dict
    suboptions:
      shadow:
        description: Raw device of the shadow.
        type: str
        required: true
      master:
        description: Raw device of the master. Required for O(state=enabled).
        type: str
      bitmap:
        description:
          - Raw device of the set's own bitmap, which stays with the master. Required for O(state=enabled).
          - Its size is 24 KiB and 8 KiB for each GiB of the master; M(volmgr.snapbackup.ii_info) tells it.
        type: str
      secondary:
        description:
          - Raw device of the second bitmap, which travels with the shadow and keeps account of what the other host writes. Required for
            O(state=exported), O(state=imported) and O(state=joined). Its size depends on the shadow.
          - The import formats it, so it is refused where it has any other place in O(members) or in a set of the host.
        type: str
      filesystem:
        description: Not used here, so that one list serves M(volmgr.snapbackup.ii_copy) too.
        type: path
  group:
    description:
      - For O(state=enabled), name of the group that all the sets are in. It is made where there is none.
      - For O(state=imported), name of a group of that host, which the shadows are put into one by one. An import knows no group.
    type: str
  state:
    description:
      - V(enabled) makes the sets that are not there, which starts to copy the masters onto the shadows.
      - V(disabled) dissolves sets, or ends on the other host what was imported there. It is refused while a copy is unfinished, because
        C(iiadm) erases the first blocks of such a shadow. What was imported is also ended where its volumes have gone, as they have after
        a boot.
      - V(exported) lets shadows go that are independent and completely copied. This host goes on keeping account of writes to the masters.
      - V(imported) takes shadows over on another host. Every write to them is entered in the second bitmap, which is overwritten.
      - V(joined) takes shadows back, with what the second bitmap knows. The disk group must be imported here again.
    type: str
    choices: [enabled, disabled, exported, imported, joined]
    required: true
  confirm:
    description: For O(state=enabled), shadows that may be overwritten, and bitmaps that hold something else than a bitmap.
    type: list
    elements: str
    default: []
  unclosed:
    description:
      - For O(state=joined), shadows whose second bitmaps may lack what the other host has written, for example because that is lost. They
        are joined nevertheless, and the next update copies everything.
      - The RV(unclosed) of O(state=disabled) on the other host tells them.
    type: list
    elements: str
    default: []
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: With it, the way back of O(state=exported) and O(state=imported) is entered in the run record.
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: solaris
    support: full
seealso:
  - module: volmgr.snapbackup.ii_copy
  - module: volmgr.snapbackup.ii_info
  - module: volmgr.snapbackup.sv_volume
  - module: volmgr.snapbackup.vxvm_disk_group
'''

EXAMPLES = r'''
- name: Make a set
  volmgr.snapbackup.ii_set:
    state: enabled
    group: Backup1
    members: &sets
      - master: /dev/vx/rdsk/oradg/vol01
        shadow: /dev/vx/rdsk/backup/vol01
        bitmap: /dev/vx/rdsk/oradg/vol01.bmp
        secondary: /dev/vx/rdsk/backup/vol01.bmp
    confirm: [/dev/vx/rdsk/backup/vol01]

- name: Let the shadow go
  volmgr.snapbackup.ii_set:
    run: "{{ opened.run }}"
    state: exported
    members: *sets

- name: Take it over, on the other host
  volmgr.snapbackup.ii_set:
    state: imported
    members: *sets
  delegate_to: reader

- name: Take back what the run has exported
  volmgr.snapbackup.ii_set:
    run: "{{ opened.run }}"
    state: joined
'''

RETURN = r'''
before:
  description:
    - State of every set before the call, V(absent), V(synced), V(copying), V(interrupted), V(exported), V(imported), V(offline) or
      V(suspended).
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/backup/vol01: synced}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/backup/vol01: exported}
full:
  description: Shadows that were joined with a bitmap that may lack something, so that the next update copies everything.
  returned: when O(state=joined)
  type: list
  elements: str
  sample: []
unclosed:
  description:
    - Shadows that were imported, and whose second bitmaps may lack what was written on this host, since a boot came between or their
      volumes were gone. With O(run), also those that it has ended so before.
  returned: when O(state=disabled)
  type: list
  elements: str
  sample: []
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/iiadm, -E, /dev/vx/rdsk/backup/vol01], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_set import STATES
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

NEEDS_MEMBERS = ('enabled', 'exported', 'imported')


def main():
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS,
            members=dict(type='list', elements='dict', options=dict(
                shadow=dict(type='str', required=True), master=dict(type='str'), bitmap=dict(type='str'), secondary=dict(type='str'),
                filesystem=dict(type='path'))),
            group=dict(type='str'),
            state=dict(type='str', choices=['enabled', 'disabled', 'exported', 'imported', 'joined'], required=True),
            confirm=dict(type='list', elements='str', default=[]), unclosed=dict(type='list', elements='str', default=[]),
            assume=dict(type='dict')),
        required_if=[('state', state, ['members']) for state in NEEDS_MEMBERS], required_one_of=[('run', 'members')])


if __name__ == '__main__':
    main()
