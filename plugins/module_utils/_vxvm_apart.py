# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Snapshots of VxVM volumes in disk groups of their own, which another host can import: split off, and joined again."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._split import entry_of, refuse_being_read
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import LIMIT, Vxvm, find_volume, refuse_holders, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_groups import IMPORTED, patiently, undo_id, valid_group
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_separate import refuse_inseparable, refuse_unfit

KIND = 'vxvm_split:'
JOINED, DISABLED = 'joined', 'disabled'

# disk_group: the new one; source: the one that volumes are split from.
Part = collections.namedtuple('Part', 'disk_group source volumes')


def split_id(name):
    return KIND + name


def splits_of(record):
    """The undo entries of what a run has split off."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith(KIND)] if record else []


class Parts:
    """The disk groups that one call splits off or joins. before: {name: joined, disabled, or the state of a group}"""

    def __init__(self, context):
        self.context = context
        self.record = context.record
        self.wanted = context.params['state']
        self.vxvm = Vxvm(context.runner)
        self.parts = self.asked()
        self.before = dict((part.disk_group, self.found(part)) for part in self.parts)

    def asked(self):
        """Option parts, or what the run has split off."""
        parts = self.context.params['parts']
        if parts is None:
            return [Part(entry['disk_group'], entry['source'], entry['volumes']) for entry in splits_of(self.record)]
        return [Part(valid_group(part['disk_group'], self.context.check), valid_name(part['source'], 'disk group'),
                     [valid_group(volume, self.context.check) for volume in part['volumes']]) for part in parts]

    def is_assumed(self, part):
        return self.context.check and part.disk_group in (self.context.params['assume'] or {})

    def found(self, part):
        return self.context.params['assume'][part.disk_group] if self.is_assumed(part) else self.state(part)

    def state(self, part):
        """Where the volumes of a part are, as this host shows it now."""
        if part.disk_group in self.vxvm.groups():
            return self.vxvm.state_of_group(part.disk_group)
        volumes = self.vxvm.group(part.source).volumes
        there = [volumes[name].kstate for name in part.volumes if name in volumes]
        if not there:
            return 'deported'
        if len(there) < len(part.volumes):
            raise Refused('Only some of what was split off disk group %s is back.' % part.source, object=part.disk_group,
                          found='%d of %d volumes' % (len(there), len(part.volumes)), needed='all or none of %s' % ', '.join(part.volumes),
                          look='vxprint -g %s -ht' % part.source, remedy='vxdg recover %s' % part.source)
        return JOINED if all(kstate == 'ENABLED' for kstate in there) else DISABLED

    def change(self):
        """Split or join every part. Returns their states then."""
        act = self.split if self.wanted == 'split' else self.join
        return dict((part.disk_group, act(part, self.before[part.disk_group])) for part in self.parts)

    def run(self, part, argv, then, volumes=None):
        """Run a command until the part is in one of the states then. volumes: those whose holder is named if it never is."""
        def failed(result, state):
            group = part.disk_group if state in IMPORTED else part.source
            refuse_holders(self.vxvm, group, 'snapshots that nobody uses', volumes or part.volumes)
            raise CommandFailed(result, 'Disk group %s is not as it should be after %s.' % (part.disk_group, ' '.join(argv)),
                                object=part.disk_group, found=state, needed=' or '.join(then), look='vxdg list; vxprint -g %s -ht' % group)
        return patiently(self.context, argv, lambda: self.state(part), then, failed)

    # Splitting.

    def split(self, part, state):
        if state in IMPORTED and (self.is_assumed(part) or entry_of(self.record, split_id(part.disk_group))):
            return state
        if state != JOINED:
            raise Refused('Disk group %s cannot be split off %s.' % (part.disk_group, part.source), object=part.disk_group, found=state,
                          needed='started volumes %s in disk group %s, and no group of that name' % (', '.join(part.volumes), part.source),
                          look='vxdisk -o alldgs list; vxprint -g %s -ht' % part.source)
        if not self.is_assumed(part):
            self.refuse_split(part)
        argv = [_platform.need('vxdg'), '-o', 'expand', 'split', part.source, part.disk_group] + part.volumes
        if self.context.check:
            self.context.change(argv)
            return 'stopped'
        others = self.others(part)
        # What tells the cut from another one holds no longer while the snapshots are away, and again when they are back.
        proof = [clause for clause in self.record.data['proof'] if any(tells(clause, volume) for volume in part.volumes)]
        entry = dict(id=split_id(part.disk_group), action=JOINED, disk_group=part.disk_group, source=part.source, volumes=part.volumes,
                     dgid=None, proof=proof)
        self.record.add_undo(entry)
        state = self.run(part, argv, IMPORTED)
        self.record.add_undo(dict(entry, dgid=self.vxvm.details(part.disk_group).get('dgid')))
        self.confirm_split(part, others)
        self.record.update(proof=[clause for clause in self.record.data['proof'] if clause not in proof] + [given_away(part)])
        return state

    def refuse_split(self, part):
        """Refused if the snapshots are not what the run has cut, or cannot be split off with nothing else."""
        if self.vxvm.sees_group(part.disk_group):
            raise Refused('There is a disk group %s already.' % part.disk_group, object=part.disk_group,
                          needed='a name that nobody has taken', look='vxdisk -o alldgs list',
                          remedy='name the new group otherwise, or find out whose it is')
        cut = [entry['snapshot'] for entry in self.record.data['undo'] if entry['id'].startswith('vxvm_snapshot:')
               and entry['group'] == part.source] if self.record else []
        for volume in part.volumes:
            if volume not in cut:
                raise Refused('%s/%s is not a snapshot that this run has cut.' % (part.source, volume), object=volume,
                              needed='a snapshot of this run', look='vxprint -g %s -ht %s' % (part.source, volume))
        refuse_unfit(self.vxvm, part.source)
        group = self.vxvm.group(part.source)
        for volume in part.volumes:
            find_volume(group, volume)
        refuse_inseparable(self.vxvm, group, part.disk_group, part.volumes)

    def others(self, part):
        """{volume that stays in the source: its kernel state}"""
        volumes = self.vxvm.group(part.source).volumes
        going = set(part.volumes).union(*[volumes[name].logs for name in part.volumes if name in volumes])
        return dict((name, volume.kstate) for name, volume in volumes.items() if name not in going)

    def confirm_split(self, part, others):
        """Refused unless just these volumes went, and all others are as they were."""
        left = dict((name, volume.kstate) for name, volume in self.vxvm.group(part.source).volumes.items())
        if left != others:
            odd = sorted(name for name in set(left) | set(others) if left.get(name) != others.get(name))
            raise Refused('The split has not left disk group %s as it was.' % part.source, object=', '.join(odd),
                          found=', '.join('%s %s' % (name, left.get(name, 'gone')) for name in odd), needed='no change but of %s'
                          % ', '.join(part.volumes), look='vxprint -g %s -ht' % part.source)

    # Joining.

    def join(self, part, state):
        entry = entry_of(self.record, split_id(part.disk_group))
        if entry:
            refuse_being_read(self.record)
        if state == 'deported':
            state = self.take(part)
        if state in IMPORTED:
            if entry and not self.context.check:
                self.refuse_other(part, entry)
            state = self.run(part, [_platform.need('vxdg'), 'join', part.disk_group, part.source], (DISABLED, JOINED))
        if state == DISABLED:
            self.run(part, [_platform.need('vxrecover'), '-g', part.source, '-m'] + part.volumes, (DISABLED, JOINED))
            stopped = part.volumes if self.context.check else self.stopped(part)
            state = JOINED
            if stopped:
                state = self.run(part, [_platform.need('vxvol'), '-g', part.source, 'start'] + stopped, (JOINED,))
        if entry and not self.context.check:
            self.forget(part, entry)
        return state

    def take(self, part):
        """Import a part that was given away, unless anybody else has it."""
        self.context.change([_platform.need('vxdctl'), 'enable'], timeout=LIMIT)
        if not self.is_assumed(part):
            self.vxvm.refuse_unseen(part.disk_group)
            self.vxvm.refuse_owned(part.disk_group)
        return self.run(part, [_platform.need('vxdg'), 'import', part.disk_group], ('stopped', 'partly', 'started'))

    def stopped(self, part):
        volumes = self.vxvm.group(part.source).volumes
        return [name for name in part.volumes if volumes[name].kstate != 'ENABLED']

    def refuse_other(self, part, entry):
        """Refused if the imported group is not the one that was split off, or somebody has put more into it."""
        self.vxvm.refuse_unless_master(part.source)
        dgid = self.vxvm.details(part.disk_group).get('dgid')
        if entry['dgid'] and dgid != entry['dgid']:
            raise Refused('%s is not the disk group that run %s has split off.' % (part.disk_group, self.record.run),
                          object=part.disk_group, found='dgid %s' % dgid, needed='dgid %s' % entry['dgid'],
                          look='vxdg list %s' % part.disk_group, remedy='find out whose it is')

    def forget(self, part, entry):
        """Clear what was to be undone, and let the cut be proved as before."""
        kept = [clause for clause in self.record.data['proof'] if clause != given_away(part) and clause not in entry['proof']]
        self.record.update(proof=kept + entry['proof'])
        self.record.clear_undo(undo_id(part.disk_group), entry['id'])


def tells(clause, volume):
    """Whether a clause of the proof tells of a snapshot volume."""
    return volume in clause['argv'] or clause['match'].startswith(r'^%s\s' % re.escape(volume))


def given_away(part):
    """What proves, while another host has the disk group, that it was not taken back here."""
    return {'argv': [_platform.need('vxdisk'), '-o', 'alldgs', 'list'],
            'match': r'^\S+\s+\S+\s+\S+\s+\(%s\)\s' % re.escape(part.disk_group)}


def refuse_apart(record, group, snapshots):
    """Refused while snapshots of a run are in a disk group of their own: that they are not in theirs would look as if they were gone."""
    for entry in splits_of(record):
        away = [name for name in entry['volumes'] if entry['source'] == group and name in snapshots]
        if away:
            raise Refused('The snapshots are split off in disk group %s.' % entry['disk_group'], object=', '.join(away),
                          needed='all of them in disk group %s' % group, look='vxdisk -o alldgs list',
                          remedy='vxvm_disk_group, state joined, with this run')
