#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: tape_label
short_description: Read or write the label of a tape
description:
  - Backups go only to a tape that carries the expected label, its first file. This module writes it, and nothing else does so unasked.
  - A label begins a tape anew. All that was on the tape is lost, so O(overwrite) must say what that is.
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
options:
  device:
    description: The no-rewind device of the drive, such as C(/dev/rmt/0n) or C(/dev/nst0).
    type: path
    required: true
  state:
    description:
      - V(read) only reports which label the tape in the drive carries. The tape is rewound for it.
      - V(present) gives the tape the label O(label), unless it carries it already.
    type: str
    choices: [read, present]
    default: read
  label:
    description: Up to 32 letters, digits, dots, dashes and underscores. Needed for O(state=present).
    type: str
  overwrite:
    description:
      - What the tape is now and may be lost. Either the label that it carries, or V(unlabelled) for a tape without one.
      - An empty tape is unlabelled too, since it cannot be told from one that cannot be read.
    type: str
  state_dir:
    description: Directory on the host that holds the run records, and says which run uses the drive.
    type: path
    default: /var/lib/snapbackup
attributes:
  check_mode:
    support: full
    description: The tape is wound to read its label, and not written to.
  diff_mode:
    support: full
    description: Shows the label before and after.
  platform:
    support: full
    platforms: solaris, linux
seealso:
  - module: volmgr.snapbackup.volume_backup
'''

EXAMPLES = r'''
- name: Which tape is in the drive
  volmgr.snapbackup.tape_label:
    device: /dev/rmt/0n

- name: Label a new tape
  volmgr.snapbackup.tape_label:
    device: /dev/rmt/0n
    state: present
    label: HOME-07
    overwrite: unlabelled

- name: Use an old tape for something else
  volmgr.snapbackup.tape_label:
    device: /dev/rmt/0n
    state: present
    label: DB-01
    overwrite: HOME-07
'''

RETURN = r'''
before:
  description: The label that was found; C(label) is null where there is none.
  returned: always
  type: dict
  sample: {"label": "HOME-07", "serial": "0123456789abcdef", "written": "2026-11-20T03:15:00Z"}
after:
  description: The label that the tape carries now.
  returned: always
  type: dict
commands:
  description: The state-changing commands, with exit code and seconds.
  returned: always
  type: list
  elements: dict
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _hold, _tape
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

UNLABELLED = 'unlabelled'


def label_tape(context):
    params = context.params
    tape = _tape.Tape(params['device'], context.runner, **_tape.tools())
    with _hold.held(params['state_dir'], _hold.drive_of(params['device']), dict(kind='tape_label', run='of no run', name='')):
        before = tape.label()
        if params['state'] == 'read' or (before and before['name'] == params['label']):
            return dict(changed=False, before=shown(before), after=shown(before))
        _tape.refuse_name(params['label'])
        refuse_unsaid(tape, before, params)
        if context.check:
            context.runner.plan(tape.writing_label())
            return dict(changed=True, before=shown(before), after=dict(label=params['label'], serial=None, written=None))
        return dict(changed=True, before=shown(before), after=shown(tape.write_label(params['label'])))


def refuse_unsaid(tape, before, params):
    """Refused unless the user has said what is lost."""
    found = before['name'] if before else UNLABELLED
    if params['overwrite'] != found:
        raise Refused('The tape in %s was not labelled, since all that is on it would be lost.' % params['device'],
                      object=params['device'], found='the label %s' % found if before else 'no label', vendor=tape.unread,
                      needed='overwrite: %s' % found)


def shown(label):
    label = label or dict(name=None, serial=None, written=None)
    return dict(label=label['name'], serial=label['serial'], written=label['written'])


def main():
    run_module(
        label_tape,
        argument_spec=dict(
            device=dict(type='path', required=True),
            state=dict(type='str', choices=['read', 'present'], default='read'),
            label=dict(type='str'),
            overwrite=dict(type='str'),
            state_dir=RUN_OPTIONS['state_dir'],
        ),
        required_if=[('state', 'present', ['label'])],
    )


if __name__ == '__main__':
    main()
