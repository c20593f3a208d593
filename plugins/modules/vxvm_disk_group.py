#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: vxvm_disk_group
short_description: Import and deport disk groups, start and stop their volumes
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Brings disk groups of Veritas Volume Manager into a state, and looks at the state before and after every command.
  - Nothing is ever forced. A disk group that another host has imported, or whose disks are not all there, is an error.
  - "Sources: vxdg(1M), vxvol(1M), vxprint(1M)."
options:
  disk_groups:
    description:
      - Names of the disk groups.
      - The default is whatever O(run) has brought out of this state and not brought back yet.
    type: list
    elements: str
  state:
    description:
      - V(imported) says nothing about the volumes, V(started) wants an imported group and all its volumes started.
      - V(stopped) wants an imported group and no volume started. V(deported) stops the volumes and deports the group.
    type: str
    choices: [imported, started, stopped, deported]
    required: true
  temporary:
    description: Whether an import ends with the next boot of the host.
    type: bool
    default: false
  wait:
    description: Seconds to try again to stop or to deport what is still in use.
    type: int
    default: 30
  assume:
    description:
      - In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
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
    platforms: solaris, linux
    support: full
seealso:
  - module: volmgr.snapbackup.vxvm_info
'''

EXAMPLES = r'''
- name: Give the disk group away
  volmgr.snapbackup.vxvm_disk_group:
    disk_groups: [backupdg]
    state: deported

- name: Take it for as long as this host is up
  volmgr.snapbackup.vxvm_disk_group:
    disk_groups: [backupdg]
    state: started
    temporary: true
'''

RETURN = r'''
before:
  description: State of each disk group before the call, V(deported), V(stopped), V(partly) or V(started).
  returned: success
  type: dict
  sample: {backupdg: deported}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {backupdg: started}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/vxdg, -t, import, backupdg], rc: 0, seconds: 2.1}]
'''

import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import LIMIT, Vxvm, refuse_holders, valid_name

# What each wanted state accepts as reached.
REACHED = {'imported': ('started', 'partly', 'stopped'), 'started': ('started',), 'stopped': ('stopped',), 'deported': ('deported',)}
BETWEEN_TRIES = 0.5


def undo_id(name):
    return 'vxvm_disk_group:%s' % name


class Groups:
    """The disk groups of one call, and the commands that bring them into the wanted state."""

    def __init__(self, context):
        self.context = context
        self.params = context.params
        self.vxvm = Vxvm(context.runner)
        self.wanted = context.params['state']
        self.names = [valid_name(name, 'disk group') for name in self.asked()]
        self.before = dict((name, self.found(name)) for name in self.names)

    def asked(self):
        """Option disk_groups, or what the run has to take back to this state."""
        if self.params['disk_groups'] is not None:
            return self.params['disk_groups']
        undo = self.context.record.data['undo'] if self.context.record else []
        return [entry['disk_group'] for entry in undo if entry['id'].startswith('vxvm_disk_group:') and entry['action'] == self.wanted]

    def found(self, name):
        assumed = self.params['assume'] or {}
        if self.context.check and name in assumed:
            return assumed[name]
        state = self.vxvm.state_of_group(name)
        if state == 'deported' and self.vxvm.sees_group(name) is False:
            raise Refused('There is no disk group %s on the disks of this host.' % name, object=name, needed='a disk group',
                          look='vxdisk -o alldgs list', remedy='vxdctl enable, when its disks have just been made visible')
        return state

    def bring(self, name):
        """Bring one group from where it is to where it is wanted. Returns its state then."""
        state = self.before[name]
        for argv, then in self.steps(name, state):
            state = self.step(name, argv, then)
        return state

    def steps(self, name, state):
        """[(command, accepted states after it)]; the first of them is what check mode predicts."""
        vxdg, vxvol = _platform.need('vxdg'), _platform.need('vxvol')
        steps = []
        if self.wanted != 'deported' and state == 'deported':
            steps.append(([vxdg] + (['-t'] if self.params['temporary'] else []) + ['import', name], ('stopped', 'partly', 'started')))
            state = 'stopped'
        if self.wanted == 'started' and state != 'started':
            steps.append(([vxvol, '-g', name, 'startall'], ('started',)))
        if self.wanted in ('stopped', 'deported') and state in ('started', 'partly'):
            # A group without volumes counts as started whatever is done to it.
            steps.append(([vxvol, '-g', name, 'stopall'], ('stopped',) + (('started',) if self.is_empty(name) else ())))
        if self.wanted == 'deported' and state != 'deported':
            steps.append(([vxdg, 'deport', name], ('deported',)))
        return steps

    def is_empty(self, name):
        return not self.context.check and not self.vxvm.group(name).volumes

    def step(self, name, argv, then):
        """Run a command until its state is reached; what is given away may be in use for a while longer."""
        if self.context.check:
            self.context.change(argv)
            return then[0]
        limit = _platform.monotonic() + (self.params['wait'] if 'stopall' in argv or 'deport' in argv else 0)
        while True:
            result = self.context.change(argv, timeout=LIMIT)
            # The exit code alone proves nothing in either direction.
            state = self.vxvm.state_of_group(name)
            if state in then:
                return state
            if _platform.monotonic() > limit:
                if state != 'deported':
                    refuse_holders(self.vxvm, name, 'a disk group whose volumes nobody uses')
                raise CommandFailed(result, 'Disk group %s is not as it should be after %s.' % (name, ' '.join(argv)), object=name,
                                    found=state, needed=' or '.join(then), look='vxdg list; vxprint -g %s -ht' % name)
            time.sleep(BETWEEN_TRIES)

    def note(self, name):
        """Enter the way back before acting, unless this call is the way back."""
        entries = dict((entry['id'], entry) for entry in self.context.record.data['undo'])
        if undo_id(name) not in entries:
            action = 'imported' if self.before[name] == 'partly' else self.before[name]
            self.context.record.add_undo({'id': undo_id(name), 'action': action, 'disk_group': name})


def change(context):
    context.refuse_ended()
    work = Groups(context)
    after = dict(work.before)
    for name in work.names:
        if work.before[name] not in REACHED[work.wanted]:
            if work.before[name] != 'deported':
                work.vxvm.refuse_unless_master(name)
            if context.record and not context.check:
                work.note(name)
            after[name] = work.bring(name)
        if context.record and not context.check:
            forget(context.record, name, after[name])
    return dict(changed=after != work.before, before=work.before, after=after)


def forget(record, name, state):
    """Clear the undo entry of a group that is back where the run found it."""
    for entry in record.data['undo']:
        if entry['id'] == undo_id(name) and state in REACHED[entry['action']]:
            record.clear_undo(entry['id'])


def main():
    run_module(
        change,
        argument_spec=dict(
            RUN_OPTIONS,
            disk_groups=dict(type='list', elements='str'),
            state=dict(type='str', choices=['imported', 'started', 'stopped', 'deported'], required=True),
            temporary=dict(type='bool', default=False),
            wait=dict(type='int', default=30),
            assume=dict(type='dict'),
        ),
        required_one_of=[('run', 'disk_groups')],
    )


if __name__ == '__main__':
    main()
