#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: svm_submirror
short_description: Split submirrors from their mirrors at one point in time, and bring them back
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Splits one submirror off each given Solaris Volume Manager mirror inside one freeze window, so that all of them
    hold the same point in time, or brings them home again.
  - File systems mounted from the mirrors, or from soft partitions on them, are write-locked with C(lockfs) for the length of the window.
    A watchdog on the host unlocks them if the module dies or O(lease) runs out.
  - Nothing is changed unless every mirror is healthy. If the window fails, submirrors that were split are brought home again.
  - "Sources: metaoffline(1M), metadetach(1M), metastat(1M), metaset(1M), lockfs(1M), and the chapter on using a mirror to back up data
    of the Solaris Volume Manager Administration Guide."
options:
  members:
    description:
      - What to split or to bring back. All members are handled in one call.
      - Required to split. To bring back, the default is whatever O(run) has split and not brought back yet, each the way it was split.
    type: list
    elements: dict
    suboptions:
      mirror:
        description:
          - Name of the mirror, for example V(d1), or of a soft partition on it.
          - A mirror is split as a whole, so all soft partitions on it are cut together, and those that are mounted are locked.
        type: str
        required: true
      submirror:
        description:
          - Name of the submirror to work on, for example V(d3). Required to bring one back.
          - Without it the last submirror that is okay is split. Of three, the other two stay in step.
        type: str
      filesystem:
        description: Mount point the volume is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
  diskset:
    description: Disk set the volumes are in. This host must own it. Without it they are in the local set.
    type: str
  state:
    description:
      - V(offline) splits by C(metaoffline). The copy can only be read, a boot or a release of the disk set ends it, and
        coming home copies only the regions that were written to meanwhile.
      - V(detached) splits by C(metadetach). The copy is a volume of its own that can be checked and repaired and outlives a boot;
        coming home copies everything.
      - V(online) and V(attached) bring home what was split so. They start the resync and do not wait for it. It overwrites the
        frozen copy, so it is refused while another submirror of the mirror is not okay, while the copy is mounted and while a copy
        job reads it.
        A submirror that is not the run's copy any more is left alone, with a warning.
    type: str
    choices: [detached, offline, attached, online]
    required: true
  assume:
    description:
      - In check mode, the states to bring home from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  assume_ended:
    description: In check mode, ids of runs whose submirrors count as brought home, for a split that comes after that.
    type: list
    elements: str
    default: []
  run:
    description: Required to split, so that the split can always be found and brought back.
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
  - module: volmgr.snapbackup.svm_mirror
  - module: volmgr.snapbackup.svm_info
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Freeze /home1 and split d3 from d1
  volmgr.snapbackup.svm_submirror:
    run: "{{ opened.run }}"
    state: offline
    members:
      - mirror: d1
        submirror: d3
        filesystem: /home1

- name: Split a submirror of each mirror of disk set blue, as volumes of their own
  volmgr.snapbackup.svm_submirror:
    run: "{{ opened.run }}"
    state: detached
    diskset: blue
    members:
      - mirror: d1
      - mirror: d10

- name: Bring back what the run has split, and start the resync
  volmgr.snapbackup.svm_submirror:
    run: "{{ opened.run }}"
    state: online
'''

RETURN = r'''
before:
  description: State of every submirror of the mirrors before the call.
  returned: success
  type: dict
  sample: {d1: {d2: okay, d3: okay}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {d1: {d2: okay, d3: offline}}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/metaoffline, d1, d3], rc: 0, seconds: 0.012}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
members:
  description:
    - The members in the shape of the run record, one for each mirror. Where soft partitions lie on it, C(soft_partitions) says
      where each of them is mounted.
  returned: when splitting
  type: list
  elements: dict
chosen:
  description: The mirrors with the submirrors that are split, in the form of O(members).
  returned: when splitting
  type: list
  elements: dict
  sample: [{mirror: d1, submirror: d3}]
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps.
  returned: when splitting and not in check mode
  type: dict
verdict:
  description: What the cut is worth, V(application), V(filesystem) or V(crash).
  returned: when splitting
  type: str
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import BY_ACTION, CUTS
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_home import bring_home
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_split import split


def change(context):
    cut = CUTS.get(context.params['state'])
    return split(context, cut) if cut else bring_home(context)


def main():
    run_module(
        change,
        argument_spec=dict(
            RUN_OPTIONS,
            members=dict(type='list', elements='dict', options=dict(
                mirror=dict(type='str', required=True),
                submirror=dict(type='str'),
                filesystem=dict(type='path'),
            )),
            diskset=dict(type='str'),
            state=dict(type='str', choices=sorted(CUTS) + sorted(BY_ACTION), required=True),
            assume=dict(type='dict'),
            assume_ended=dict(type='list', elements='str', default=[]),
            **_quiesce.OPTIONS),
        required_if=[('state', word, ['run', 'members']) for word in sorted(CUTS)],
        required_one_of=[('run', 'members')],
    )


if __name__ == '__main__':
    main()
