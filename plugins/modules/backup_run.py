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
      - V(handed_over) enters, on a host that reads the copies of another, what that one has cut; see O(cut).
      - V(proved) fails unless the copies still are the ones that the run has split.
      - V(closed) ends the run. It is refused while anything of the run is still to be undone.
      - V(read) returns the records.
    type: str
    choices: [opened, advanced, handed_over, proved, closed, read]
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
    description:
      - What the run does. A restore is never taken back automatically.
      - V(prepare) does what may take long before a backup and leaves nothing that must be undone.
      - V(services) only holds services still, on a host that shares the volumes of O(primary).
    type: str
    choices: [backup, restore, prepare, services]
    default: backup
  source_run:
    description:
      - For O(kind=restore), id of the backup whose split copies are what is restored from. When the restore is closed as complete,
        that backup ends too.
      - Refused unless its copies are still split, whole, and not in use.
    version_added: 0.2.0
    type: str
  source_manifest:
    description: For O(kind=restore), path of the manifest that is restored from.
    version_added: 0.2.0
    type: path
  peers:
    description: Inventory names of other hosts that take part in the run. A recovery asks each of them first.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  nodes:
    description: Inventory names of the other hosts on which the run holds services still. A recovery starts them there.
    type: list
    elements: str
    default: []
    version_added: 0.3.0
  primary:
    description:
      - For O(state=opened), inventory name of the host whose run this host takes part in. O(run) is the id that it has there.
      - Each host keeps what it does itself in its own record; the playbooks recover the run from its primary.
    version_added: 0.3.0
    type: str
  cut:
    description:
      - For O(state=handed_over), what the record of the primary says of the cut. Required there.
      - A file of O(cut.recovery) has its content in C(content), Base64.
    version_added: 0.3.0
    type: dict
    suboptions:
      members:
        description: The volumes, as this host sees their copies.
        type: list
        elements: dict
        required: true
      window:
        description: Times and commands of the window.
        type: dict
        required: true
      verdict:
        description: What the copies are consistent for.
        type: str
        required: true
      layout:
        description: What is needed to build the volumes again.
        type: dict
        default: {}
      recovery:
        description: What applications need for recovery.
        type: list
        elements: dict
        default: []
  image:
    description: For O(state=advanced), path of the manifest that another host has stored, once the images are complete there.
    version_added: 0.3.0
    type: path
  max_split:
    description: Seconds the copies may be split before they are to be stored; V(0) for no limit. Later the run counts as dead.
    version_added: 0.2.0
    type: int
    default: 0
  members:
    description: The volumes of the run, in the shape that the splitting modules return.
    type: list
    elements: dict
    default: []
  phase:
    description: The phase that begins. Required for O(state=advanced).
    type: str
    choices: [preflight, prepare, split, present, store, withdraw, retained, rejoin, record, restore, rollback]
  retain:
    description:
      - How long the split copies are kept, V(until_next_run) or a number of hours. Required for O(phase=retained).
      - Until then the run is neither live nor dead. The next run of the set gives the copies back.
    version_added: 0.2.0
    type: str
  survives_reboot:
    description: For O(phase=retained), whether the copies stay split over a reboot of the host.
    version_added: 0.2.0
    type: bool
    default: true
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
    description:
      - Id of a live run that is to count as dead, or of a retained one whose copies are to be given back, for O(state=read). It must be on
        the host, unless O(run) asks for just this one.
      - For O(state=opened), the live run whose copies are restored from.
    type: str
  assume_ended:
    description: In check mode, ids of open runs that count as ended, since their recovery was only predicted.
    version_added: 0.2.0
    type: list
    elements: str
    default: []
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
split_left:
  description: Seconds until the copies are split for longer than O(max_split); at least 1, and null where there is no such moment.
  returned: when O(state=advanced) and the run has a record
  type: float
runs:
  description:
    - All records on the host, oldest first.
    - Each has the additional keys C(open); C(live), why the run must be left alone, or null; C(kept), why its copies stay split, or null;
      C(overdue), whether its copies are split for longer than C(max_split); C(locks), the file systems that it holds locked.
  returned: when O(state=read)
  type: list
  elements: dict
sets:
  description:
    - What the records say of each backup set now, by name.
    - C(open) are its open runs, each with C(condition) (V(live), V(kept), V(dead) or V(overdue)), C(split_at) and C(split_seconds)
      since when copies are split, C(remaining), how many whole copies stay with a volume (null where that is not known), C(locks),
      C(booted), whether the host has booted since, and what is still to be undone.
    - C(last) is the last backup whose images were complete, with its time, age, verdict and manifest, and whether the manifest is
      still there.
  returned: when O(state=read)
  type: list
  elements: dict
  version_added: 0.2.0
  sample:
    - name: home1
      manager: svm
      open: []
      last:
        run: 20261120T031500Z-a1b2c3
        at: '2026-11-20T03:15:02Z'
        seconds: 7500
        verdict: filesystem
        manifest: /backup/home1/20261120T031500Z-a1b2c3/manifest.json
        present: true
stale:
  description: The open runs that nobody works on any more, and whose copies are not to be kept.
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
import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _overlap, _proof, _recovery, _run, _status
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive

CUT = dict(
    members=dict(type='list', elements='dict', required=True),
    window=dict(type='dict', required=True),
    verdict=dict(type='str', required=True),
    layout=dict(type='dict', default={}),
    recovery=dict(type='list', elements='dict', default=[]),
)


def opened(context):
    params = context.params
    if params['primary'] and not context.check and not _run.RUN_ID.match(params['run']):
        raise Refused('%r is not the id of a run.' % params['run'], object='run', needed='the id that the primary has returned')
    if not _run.NAME.match(params['name']):
        raise Refused('%r cannot name a backup set.' % params['name'], object=params['name'],
                      needed='a letter, then at most 62 letters, digits, dots, dashes, underscores')
    boot = boot_identity(context.runner)
    if context.check:
        _overlap.refuse_opening(_run.all_runs(params['state_dir']), params['name'], params['members'], boot, params['source_run'],
                                params['takeover'], params['assume_ended'], params['primary'])
        return dict(changed=True, run='<run>', record={'members': params['members']}, before={}, after={'phase': 'preflight'})
    record = _run.open_run(params['state_dir'], params['name'], params['manager'], params['kind'], params['members'], boot,
                           os.uname()[1], params['stale_after'], params['takeover'], source_run=params['source_run'],
                           source_manifest=params['source_manifest'], max_split=params['max_split'] or None,
                           peers=params['peers'], nodes=params['nodes'],
                           primary=params['primary'], run=params['run'] if params['primary'] else None)
    return dict(changed=True, run=record.run, record=record.data, before={}, after={'phase': 'preflight'})


def advanced(context):
    record, params = context.record, context.params
    phase = params['phase']
    retained = retention(params) if phase == 'retained' else None
    if record is None:
        return dict(changed=True, run=params['run'], record={}, before={}, after={'phase': phase})
    context.refuse_ended()
    before = record.data['phase']
    if retained and not record.data['image']:
        raise Refused('The copies of run %s are not kept, since its images are not complete.' % record.run, object=record.run,
                      found='no image', needed='a run that has stored its copies')
    if phase == 'rejoin':
        _overlap.refuse_being_restored(_run.all_runs(params['state_dir']), record.run)
    if not context.check and before != phase:
        record.update(phase=phase, retained=retained)
    if not context.check and params['image']:
        record.update(image=params['image'])
    overdue = record.overdue(boot_identity(context.runner))
    return dict(changed=before != phase, run=record.run, record=record.data, before={'phase': before}, after={'phase': phase},
                split_left=None if overdue is None else max(-overdue, 1))


def handed_over(context):
    """Enter the cut of another host. The images will be of its time, verdict and layout, but of the devices here."""
    record, cut = context.record, context.params['cut']
    after = dict(members=cut['members'], verdict=cut['verdict'])
    if record is None:
        return dict(changed=True, run=context.params['run'], record={}, before={}, after=after)
    context.refuse_ended()
    if not record.data['primary']:
        raise Refused('Run %s is of this host, and cuts here.' % record.run, object=record.run, found='no primary',
                      needed='a record that was opened with a primary')
    before = dict(members=record.data['members'], verdict=record.data['verdict'])
    if not context.check:
        recovery = [_recovery.received(record.make_directory(), number, found) for number, found in enumerate(cut['recovery'])]
        record.update(window=cut['window'], layout=cut['layout'] or {}, recovery=recovery, **after)
    return dict(changed=True, run=record.run, record=record.data, before=before, after=after)


def proved(context):
    if context.record is not None:
        _proof.prove(context.record, context.runner)
    return dict(changed=False, run=context.params['run'], record=context.record.data if context.record else {})


def retention(params):
    """The key retained of the record for option retain."""
    text = params['retain']
    if text == 'until_next_run':
        return {'until': _run.NEXT_RUN, 'survives_reboot': params['survives_reboot']}
    if not re.match(r'^[0-9]+(\.[0-9]+)?\Z', text) or not float(text):
        raise Refused('%r does not say how long copies are kept.' % text, object='retain', needed='until_next_run, or a number of hours')
    return {'until': time.time() + float(text) * 3600, 'survives_reboot': params['survives_reboot']}


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
    if params['result'] == 'complete':
        refuse_incomplete(record)
    if not context.check:
        if params['result'] == 'complete' and record.data['source_run']:
            end_source(_run.load(params['state_dir'], record.data['source_run']))
        record.close(result=params['result'], error=params['error'] or record.data['error'],
                     redundancy_lost_seconds=lost_seconds(record, boot_identity(context.runner)))
    return dict(changed=True, run=record.run, record=record.data, before=before, after={'result': params['result']})


def refuse_incomplete(record):
    """Refused where the run cannot have reached what it was for. A prepared state is proved by the manager alone, and stopped services
    store nothing."""
    if record.data['kind'] in ('prepare', _run.SERVICES) or record.data['source_run']:
        return
    if not record.data['image']:
        raise Refused('Run %s is not complete, since it has no complete image.' % record.run, object=record.run, found='no image',
                      look='the result of volume_backup with state read')


def end_source(source):
    """End the backup whose copies have gone back onto their volumes; Refused while one of them is still split."""
    source.close(result='complete' if source.data['image'] else 'abandoned',
                 error=None if source.data['image'] else 'its copies were restored from before they were stored')


def lost_seconds(record, boot):
    """Seconds from the first cut until now, when redundancy is back; None if that cannot be known."""
    seconds = record.since_cut(boot)
    return None if seconds is None else round(seconds, 1)


def read(context):
    params = context.params
    boot = boot_identity(context.runner)
    records = _run.all_runs(params['state_dir'])
    if params['takeover'] not in [None, params['run']] + [record.run for record in records]:
        raise Refused('There is no run %s to take over on this host.' % params['takeover'], object=params['takeover'],
                      needed='the id of a run of this host', look='playbook volmgr.snapbackup.status')
    restored = dict((record.data['source_run'], record.run) for record in records if record.is_open)
    locks = _status.locked(records, context.runner)
    runs = [dict(shown(record, boot, params['takeover'], restored), locks=locks.get(record.run, [])) for record in records
            if params['name'] in (None, record.data['name']) and params['run'] in (None, record.run)]
    stale = [run for run in runs if run['open'] and not run['live'] and not run['kept']]
    return dict(changed=False, runs=runs, sets=_status.sets(runs), stale=stale)


def shown(record, boot, takeover, restored):
    """A record with what follows from it now. restored: {run that is restored from: the open restore}"""
    taken_over = record.run == takeover
    live = record.at_work(boot) if taken_over else record.why_live(boot)
    kept = None if taken_over else record.why_kept(boot)
    if record.run in restored and record.is_open:
        live, kept = None, 'restore %s goes on from its copies' % restored[record.run]
    return dict(record.data, open=record.is_open, live=live, kept=kept, overdue=record.is_overdue(boot),
                booted=record.is_open and record.data['boot'] != boot)


def main():
    states = dict(opened=opened, advanced=advanced, handed_over=handed_over, proved=proved, closed=closed, read=read)
    run_module(
        lambda context: states[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS,
            state=dict(type='str', choices=['opened', 'advanced', 'handed_over', 'proved', 'closed', 'read'], default='read'),
            name=dict(type='str'),
            manager=dict(type='str'),
            kind=dict(type='str', choices=list(_run.KINDS), default='backup'),
            source_run=dict(type='str'),
            source_manifest=dict(type='path'),
            max_split=dict(type='int', default=0),
            peers=dict(type='list', elements='str', default=[]),
            nodes=dict(type='list', elements='str', default=[]),
            primary=dict(type='str'),
            cut=dict(type='dict', options=CUT),
            image=dict(type='path'),
            members=dict(type='list', elements='dict', default=[]),
            phase=dict(type='str', choices=list(_run.PHASES)),
            result=dict(type='str', choices=list(_run.RESULTS)),
            error=dict(type='str'),
            stale_after=dict(type='int', default=_run.STALE_AFTER),
            takeover=dict(type='str'),
            retain=dict(type='str'),
            survives_reboot=dict(type='bool', default=True),
            assume_ended=dict(type='list', elements='str', default=[]),
        ),
        required_if=[
            ('state', 'opened', ['name', 'manager']),
            ('state', 'advanced', ['run', 'phase']),
            ('state', 'handed_over', ['run', 'cut']),
            ('state', 'proved', ['run']),
            ('state', 'closed', ['run', 'result']),
            ('phase', 'retained', ['retain']),
        ],
        required_by=dict(primary=['run']),
    )


if __name__ == '__main__':
    main()
