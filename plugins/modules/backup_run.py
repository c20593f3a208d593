#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: backup_run
short_description: Open, advance, close and read the record of a backup or restore run
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - The run record lives on the managed host and is the way back; it says what a run has split, mounted and locked, and
    how to undo it, whatever has become of the controller.
  - Records of runs that have ended stay on the host as its catalog of backups.
options:
  state:
    description:
      - V(opened) begins a run and returns its id. It is refused while a run of the same set or of the same volumes is open.
      - V(advanced) enters the phase the run is in, and renews its deadline.
      - V(closed) ends the run. It is refused while anything of the run is still to be undone.
      - V(read) returns the records.
    type: str
    choices: [opened, advanced, closed, read]
    default: read
  name:
    description:
      - Name of the backup set.
      - Required for O(state=opened). For O(state=read), only the runs of this set are returned.
    type: str
  manager:
    description: Volume manager of the set, for example V(svm). Required for O(state=opened).
    type: str
  kind:
    description: What the run does. A restore is never taken back automatically.
    type: str
    choices: [backup, restore]
    default: backup
  members:
    description: The volumes of the run, in the shape that the splitting modules return.
    type: list
    elements: dict
    default: []
  phase:
    description: The phase that begins. Required for O(state=advanced).
    type: str
    choices: [preflight, prepare, split, present, store, withdraw, rejoin, record, restore]
  result:
    description: How the run ended. Required for O(state=closed).
    type: str
    choices: [complete, failed, abandoned]
  error:
    description: Why it did not end well, for O(state=closed).
    type: str
  stale_after:
    description: Seconds after the last sign of life from which on a run counts as dead.
    type: int
    default: 300
  takeover:
    description: Id of a live run that is to count as dead, for O(state=read).
    type: str
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
attributes:
  check_mode:
    support: full
    details: A run that would be opened has the id V(<run>) in check mode.
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
'''

EXAMPLES = r'''
- name: Begin a run
  volmgr.snapbackup.backup_run:
    state: opened
    name: home1
    manager: svm
    members: "{{ plan.members }}"
  register: opened

- name: Which runs are open, and which of them are dead?
  volmgr.snapbackup.backup_run:
  register: runs

- name: End the run
  volmgr.snapbackup.backup_run:
    state: closed
    run: "{{ opened.run }}"
    result: complete
'''

RETURN = r'''
run:
  description: Id of the run.
  returned: unless O(state=read)
  type: str
  sample: 20261120T031500Z-a1b2c3
record:
  description: The record of the run; see the page on the run record for its keys.
  returned: unless O(state=read)
  type: dict
runs:
  description:
    - All records on the host, oldest first.
    - Each has the additional keys C(live), why the run must be left alone or null, and C(open).
  returned: when O(state=read)
  type: list
  elements: dict
stale:
  description: The open runs that nobody works on any more.
  returned: when O(state=read)
  type: list
  elements: dict
commands:
  description: Always empty, since the record is a file.
  returned: always
  type: list
  elements: dict
'''

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity, monotonic
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive


def opened(context):
    params = context.params
    if not _run.NAME.match(params['name']):
        raise Refused('%r cannot name a backup set.' % params['name'], object=params['name'],
                      needed='a letter, then at most 62 letters, digits, dots, dashes, underscores')
    boot = boot_identity(context.runner)
    if context.check:
        for other in _run.all_runs(params['state_dir']):
            _run.refuse_overlap(other, params['name'], params['members'], boot)
        return dict(changed=True, run='<run>', record={'members': params['members']}, before={}, after={'phase': 'preflight'})
    record = _run.open_run(params['state_dir'], params['name'], params['manager'], params['kind'], params['members'], boot,
                           os.uname()[1], params['stale_after'])
    return dict(changed=True, run=record.run, record=record.data, before={}, after={'phase': 'preflight'})


def advanced(context):
    record, phase = context.record, context.params['phase']
    if record is None:
        return dict(changed=True, run=context.params['run'], record={}, before={}, after={'phase': phase})
    context.refuse_ended()
    before = record.data['phase']
    if not context.check and before != phase:
        record.update(phase=phase)
    return dict(changed=before != phase, run=record.run, record=record.data, before={'phase': before}, after={'phase': phase})


def closed(context):
    record, params = context.record, context.params
    if record is None:
        return dict(changed=True, run=params['run'], record={}, before={}, after={'result': params['result']})
    before = {'result': record.data['result']}
    if not record.is_open:
        return dict(changed=False, run=record.run, record=record.data, before=before, after=before)
    if record.data['job'] and alive(record.data['job'], record.data['boot']):
        raise Refused('Run %s cannot be closed: its job is running.' % record.run, object=record.run,
                      found='process %s' % record.data['job']['pid'], remedy='wait for it, or stop it')
    if params['result'] == 'complete' and not record.data['image']:
        raise Refused('Run %s is not complete, since it has no complete image.' % record.run, object=record.run, found='no image',
                      look='the result of volume_backup with state read')
    if not context.check:
        record.close(result=params['result'], error=params['error'] or record.data['error'],
                     redundancy_lost_seconds=lost_seconds(record, boot_identity(context.runner)))
    return dict(changed=True, run=record.run, record=record.data, before=before, after={'result': params['result']})


def lost_seconds(record, boot):
    """Seconds from the first cut until now, when redundancy is back; None if that cannot be known."""
    window = record.data['window']
    if not window or record.data['boot'] != boot:
        return None
    return round(monotonic() - min(window['cuts']), 1)


def read(context):
    params = context.params
    boot = boot_identity(context.runner)
    runs = []
    for record in _run.all_runs(params['state_dir']):
        if params['name'] in (None, record.data['name']) and params['run'] in (None, record.run):
            live = record.splitting(boot) if record.run == params['takeover'] else record.why_live(boot)
            runs.append(dict(record.data, live=live, open=record.is_open))
    return dict(changed=False, runs=runs, stale=[run for run in runs if run['open'] and not run['live']])


def main():
    states = dict(opened=opened, advanced=advanced, closed=closed, read=read)
    run_module(
        lambda context: states[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS,
            state=dict(type='str', choices=['opened', 'advanced', 'closed', 'read'], default='read'),
            name=dict(type='str'),
            manager=dict(type='str'),
            kind=dict(type='str', choices=['backup', 'restore'], default='backup'),
            members=dict(type='list', elements='dict', default=[]),
            phase=dict(type='str', choices=list(_run.PHASES)),
            result=dict(type='str', choices=list(_run.RESULTS)),
            error=dict(type='str'),
            stale_after=dict(type='int', default=_run.STALE_AFTER),
            takeover=dict(type='str'),
        ),
        required_if=[
            ('state', 'opened', ['name', 'manager']),
            ('state', 'advanced', ['run', 'phase']),
            ('state', 'closed', ['run', 'result']),
        ],
    )


if __name__ == '__main__':
    main()
