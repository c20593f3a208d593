# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""VxVM disk groups as a whole: imported and deported, their volumes started and stopped. Nothing is ever forced."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed
from ansible_collections.volmgr.snapbackup.plugins.module_utils._split import entry_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import LIMIT, Vxvm, refuse_holders, valid_name

IMPORTED = ('started', 'partly', 'stopped')
# What each wanted state accepts as reached.
REACHED = {'imported': IMPORTED, 'started': ('started',), 'stopped': ('stopped',), 'deported': ('deported',)}
# Not imported, but the disks still name this host, as after a reboot that has ended a temporary import.
LOCKED = 'locked'
PATIENT = ('stopall', 'deport', 'split', 'join')
BETWEEN_TRIES = 0.5
KIND = 'vxvm_disk_group:'


def undo_id(name):
    return KIND + name


def valid_group(name, check):
    """name, if a disk group can have it. In check mode the run that gives it its digits may not be open yet."""
    valid_name(name.replace('<run>', 'xxxxxx') if check else name, 'disk group')
    return name


def patiently(context, argv, look, then, failed):
    """Run a command until look() is one of then; what is split or given away may be in use for a while longer.

    failed(result, state): raises once the time is up. In check mode nothing is run, and the first of then is what is predicted.
    """
    if context.check:
        context.change(argv)
        return then[0]
    limit = _platform.monotonic() + (context.params['wait'] if any(word in PATIENT for word in argv) else 0)
    while True:
        result = context.change(argv, timeout=LIMIT)
        # The exit code alone proves nothing in either direction.
        state = look()
        if state in then:
            return state
        if _platform.monotonic() > limit:
            failed(result, state)
        time.sleep(BETWEEN_TRIES)


class Groups:
    """The disk groups of one call, and the commands that bring them into the wanted state."""

    def __init__(self, context):
        self.context = context
        self.params = context.params
        self.vxvm = Vxvm(context.runner)
        self.wanted = context.params['state']
        self.names = [valid_group(name, context.check) for name in self.asked()]
        self.before = dict((name, self.found(name)) for name in self.names)

    def asked(self):
        """Option disk_groups, or what the run has to take back to this state."""
        if self.params['disk_groups'] is not None:
            return self.params['disk_groups']
        undo = self.context.record.data['undo'] if self.context.record else []
        return [entry['disk_group'] for entry in undo if entry['id'].startswith(KIND) and entry['action'] == self.wanted]

    def is_assumed(self, name):
        return self.context.check and name in (self.params['assume'] or {})

    def found(self, name):
        if self.is_assumed(name):
            return self.params['assume'][name]
        state = self.vxvm.state_of_group(name)
        if state == 'deported' and self.wanted == 'deported' and entry_of(self.context.record, undo_id(name)):
            # It may have gone back where it came from; what is locked was imported here, and no other host can take it.
            owner = self.vxvm.owner(name)
            return LOCKED if owner and owner == self.vxvm.own_name() else state
        if state == 'deported' and not self.params['moved']:
            self.vxvm.refuse_unseen(name)
        return state

    def change(self):
        """Bring every group where it is wanted. Returns their states then."""
        after, record = dict(self.before), self.context.record
        for name in self.names:
            if self.before[name] not in REACHED[self.wanted]:
                if self.before[name] in IMPORTED and not self.is_assumed(name):
                    self.vxvm.refuse_unless_master(name)
                after[name] = self.bring(name)
            if record and not self.context.check:
                self.prove(name, after[name])
                forget(record, name, after[name])
        return after

    def bring(self, name):
        """Bring one group from where it is to where it is wanted. Returns its state then."""
        state = self.before[name]
        if state not in IMPORTED and self.wanted != 'deported':
            self.look_again(name)
        if self.context.record and not self.context.check:
            self.note(name)
        for argv, then in self.steps(name, state):
            state = self.step(name, argv, then)
        return state

    def look_again(self, name):
        """Who has it? Asked just before an import; a host looks at the disks again only when it is told to (vxdctl(1M))."""
        if self.params['moved']:
            self.context.change([_platform.need('vxdctl'), 'enable'], timeout=LIMIT)
        if not self.is_assumed(name):
            self.vxvm.refuse_unseen(name)
            self.vxvm.refuse_owned(name)

    def steps(self, name, state):
        """[(command, accepted states after it)]; the first of them is what check mode predicts."""
        vxdg, vxvol = _platform.need('vxdg'), _platform.need('vxvol')
        steps = []
        if state == LOCKED or self.wanted != 'deported' and state == 'deported':
            temporary = ['-t'] if self.params['temporary'] or state == LOCKED else []
            steps.append(([vxdg] + temporary + ['import', name], ('stopped', 'partly', 'started')))
            state = 'stopped'
        if self.wanted == 'started' and state != 'started':
            if self.params['moved']:
                # Volumes of a group that was split off come out disabled, and may need to be recovered (vxdg(1M)).
                steps.append(([_platform.need('vxrecover'), '-g', name, '-m'], ('stopped', 'partly', 'started')))
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
        def failed(result, state):
            if state != 'deported':
                refuse_holders(self.vxvm, name, 'a disk group whose volumes nobody uses')
            raise CommandFailed(result, 'Disk group %s is not as it should be after %s.' % (name, ' '.join(argv)), object=name,
                                found=state, needed=' or '.join(then), look='vxdg list; vxprint -g %s -ht' % name)
        return patiently(self.context, argv, lambda: self.vxvm.state_of_group(name), then, failed)

    def note(self, name):
        """Enter the way back before acting, unless this call is the way back."""
        if not entry_of(self.context.record, undo_id(name)):
            action = 'imported' if self.before[name] == 'partly' else self.before[name]
            self.context.record.add_undo({'id': undo_id(name), 'action': action, 'disk_group': name})

    def prove(self, name, state):
        """Enter what proves that the volumes of a group from elsewhere are still those that came."""
        if self.params['moved'] and self.wanted == 'started' and state == 'started':
            group, record = self.vxvm.group(name), self.context.record
            logs = set(log for volume in group.volumes.values() for log in volume.logs)
            clauses = [{'argv': [_platform.need('vxdg'), 'list', name],
                        'match': r'^dgid:\s+%s\s*$' % re.escape(self.vxvm.details(name).get('dgid', ''))}]
            for volume in sorted(set(group.volumes) - logs):
                clauses.append({'argv': [_platform.need('vxprint'), '-g', name, '-t', volume],
                                'match': r'^v\s+%s\s+\S+\s+ENABLED\s+ACTIVE\s' % re.escape(volume)})
            record.update(proof=[clause for clause in record.data['proof'] if name not in clause['argv']] + clauses)


def forget(record, name, state):
    """Clear the undo entry of a group that is back where the run found it."""
    entry = entry_of(record, undo_id(name))
    if entry and state in REACHED[entry['action']]:
        record.clear_undo(entry['id'])
