#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: svm_mirror
short_description: Roll mirrors back to their frozen halves, and prove that mirrors are redundant again
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Builds Solaris Volume Manager mirrors anew on the submirrors that a backup run has split, so that they hold again what they held
    at the cut. Nothing is copied for that, so it takes seconds.
  - The steps are C(metadetach) of the frozen half unless it is detached already, C(metaclear) of the mirror, C(metainit) of a mirror with
    the same name, options and pass number on the frozen half alone, and owner and mode of its device nodes. The other halves keep the
    newer data until they are attached.
  - What is to be done is written into the run record before the first step. After an interruption at any point the same call goes on
    where it stopped, always from the copy to the volume.
  - "Sources: metadetach(1M), metaclear(1M), metainit(1M), metattach(1M), metaparam(1M), metastat(1M)."
options:
  state:
    description:
      - V(rolled_back) builds the mirrors anew on the frozen halves of O(source_run). The mirrors must not be mounted nor open, and must
        carry no soft partitions; the copies must be proved to be still the ones that were split.
      - V(mirrored) attaches the other halves to mirrors that were rolled back, which overwrites them, and does not wait for the resync.
        Look at the data before.
      - V(redundant) changes nothing on the volumes. It fails unless every submirror that O(run) has split or attached is okay in its
        mirror, and ends the undo entries of O(run) about them.
      - V(given_up) ends a roll-back that cannot be finished, or is not wanted any more, and changes nothing on the volumes. Copies that
        were not used yet go back to the backup, whose recovery brings them home, which overwrites them. Mirrors that were built anew
        stay as they are (RV(left)), and the restore can be closed as abandoned.
    type: str
    choices: [rolled_back, mirrored, redundant, given_up]
    required: true
  source_run:
    description:
      - Id of the backup run whose frozen halves are used.
      - Required for O(state=rolled_back), and in check mode for O(state=mirrored).
    type: str
  assume:
    description: In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: The restore, for O(state=redundant) also a backup.
    required: true
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
  - module: volmgr.snapbackup.svm_submirror
  - module: volmgr.snapbackup.svm_info
'''

EXAMPLES = r'''
- name: Go back to what the backup has frozen
  volmgr.snapbackup.svm_mirror:
    run: "{{ restore.run }}"
    source_run: 20261120T031500Z-a1b2c3
    state: rolled_back

- name: After a look at the data, make it redundant again
  volmgr.snapbackup.svm_mirror:
    run: "{{ restore.run }}"
    state: mirrored

- name: Give up a roll-back that cannot be finished
  volmgr.snapbackup.svm_mirror:
    run: "{{ restore.run }}"
    state: given_up

- name: Prove that redundancy is back
  volmgr.snapbackup.svm_mirror:
    run: "{{ restore.run }}"
    state: redundant
'''

RETURN = r'''
before:
  description:
    - State of every half of the mirrors before the call.
    - V(detached) is a half that is a volume of its own; if all are, there is no mirror at that point.
  returned: success
  type: dict
  sample: {d1: {d2: okay, d3: offline}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {d1: {d2: detached, d3: okay}}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/metadetach, d1, d3], rc: 0, seconds: 0.012}]
unmirrored:
  description:
    - The mirrors of the run that have two submirrors only, with the seconds from the cut until now, when both are in step again.
      The seconds are null if the host has booted meanwhile.
  returned: when O(state=redundant), and empty in check mode
  type: dict
  sample: {d1: 83.1}
handed_back:
  description: The mirrors that hold the newer data, and whose frozen halves are brought home by the recovery of the backup.
  returned: when O(state=given_up)
  type: list
  elements: str
  sample: [d10]
left:
  description: The mirrors that were built anew on their frozen halves; whatever comes next is done by hand.
  returned: when O(state=given_up)
  type: list
  elements: str
  sample: [d1]
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_give_up import give_up
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_redundancy import prove
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_rollback import attach_others, roll_back

STATES = dict(rolled_back=roll_back, mirrored=attach_others, redundant=prove, given_up=give_up)


def main():
    run_module(
        lambda context: STATES[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            state=dict(type='str', choices=sorted(STATES), required=True),
            source_run=dict(type='str'),
            assume=dict(type='dict'),
        ),
        required_if=[('state', 'rolled_back', ['source_run'])],
    )


if __name__ == '__main__':
    main()
