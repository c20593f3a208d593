#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: sv_volume
short_description: Put volumes under the storage volume layer of Sun Availability Suite, and take them out
version_added: 0.3.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Through the storage volume layer (SV) Instant Image sees what is written. Since release 3.1 C(iiadm) puts volumes under it
    by itself; before, and where somebody has done it by hand, a shadow must be taken out before its disk group can be deported.
  - A volume that is under SV for a set of this host is left alone. To put it there once more would leave it there after C(iiadm) has let
    it go.
  - To take a volume out that a set needs is refused, since writes to it would no longer be noticed. In check mode such a shadow is
    predicted to be let go by its export.
  - "Source: svadm(1M)."
options:
  volumes:
    description:
      - Raw devices of the volumes.
      - The default is whatever O(run) has brought out of this state and not brought back yet.
    type: list
    elements: str
  state:
    description: Whether the volumes are under SV.
    type: str
    choices: [enabled, disabled]
    required: true
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
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
    platforms: solaris
    support: full
seealso:
  - module: volmgr.snapbackup.ii_set
'''

EXAMPLES = r'''
- name: Take the shadows out, so that their disk group can be deported
  volmgr.snapbackup.sv_volume:
    volumes: [/dev/vx/rdsk/backup/vol01]
    state: disabled
'''

RETURN = r'''
before:
  description:
    - State of every volume before the call, V(enabled), V(disabled), or V(held) where it is under SV for a set of this host or for
      another product.
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/backup/vol01: enabled}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {/dev/vx/rdsk/backup/vol01: disabled}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/svadm, -d, /dev/vx/rdsk/backup/vol01], rc: 0, seconds: 0.1}]
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_sv import change
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module


def main():
    run_module(
        change,
        argument_spec=dict(
            RUN_OPTIONS, volumes=dict(type='list', elements='str'),
            state=dict(type='str', choices=['enabled', 'disabled'], required=True), assume=dict(type='dict')),
        required_one_of=[('run', 'volumes')])


if __name__ == '__main__':
    main()
