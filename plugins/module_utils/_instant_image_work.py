# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The sets of one call of ii_set or ii_copy: which they are, the states they are in, and whose they are."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import os
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _services, _split, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image import (
    BLOCK, EXPORTED, LIMIT, InstantImage, block_device, devices, faults, size_of, state_of, valid_path, volumes_under_sv)

SET, COPY, RESTORE = 'ii_set', 'ii_copy', 'ii_restore'
ABSENT = 'absent'
FIELDS = ('shadow', 'master', 'bitmap', 'secondary', 'filesystem')
# The parts of a path that only say what kind of device it is.
KINDS_OF_DEVICE = ('', 'dev', 'vx', 'md', 'rdsk')

Member = collections.namedtuple('Member', FIELDS)


def member_of(entry):
    """The Member of an entry of option members, or of an undo entry."""
    paths = [valid_path(entry[name], name) if entry.get(name) else None for name in FIELDS[:-1]]
    return Member(*(paths + [entry.get('filesystem')]))


def volume_name(path):
    """A short name of a volume, such as oradg/vol01 for /dev/vx/rdsk/oradg/vol01."""
    return '/'.join(part for part in path.split('/') if part not in KINDS_OF_DEVICE)


def device_number(path):
    """Of a device; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_rdev if stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode) else None


def entries_of(record, kind):
    """The undo entries of this kind in the record of a run; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith(kind + ':')] if record else []


def undo_id(kind, shadow):
    return '%s:%s' % (kind, shadow)


def refuse_twice(members):
    """Refused if a volume has two places in members, of which one would be overwritten. Only a master may have several shadows."""
    places = {}
    for member in members:
        for what in ('shadow', 'bitmap', 'secondary'):
            places.setdefault(getattr(member, what), []).append('%s of %s' % (what, member.shadow))
    for path in sorted(set(member.master for member in members) & set(places) - set([None])):
        places[path].append('a master')
    for path, found in sorted(item for item in places.items() if item[0] is not None):
        if len(found) > 1:
            raise Refused('A volume is named more than once in members.', object=path, found=', '.join(found),
                          needed='a volume of its own for each shadow and bitmap')


class Work:
    """members: [Member]; sets: {shadow: Set} of the host; before: {shadow: state of a set, or absent}"""

    def __init__(self, context, entries):
        self.context = context
        self.image = InstantImage(context.runner)
        self.members = [member_of(entry) for entry in entries]
        refuse_twice(self.members)
        self.before = self.now()
        assumed = context.params['assume'] or {}
        if context.check:
            self.before.update((shadow, assumed[shadow]) for shadow in list(self.before) if shadow in assumed)

    def now(self):
        """The states as the host shows them now."""
        self.sets = self.image.sets()
        return dict((member.shadow, state_of(self.sets[member.shadow]) if member.shadow in self.sets else ABSENT)
                    for member in self.members)

    def set(self, member):
        return self.image.one(member.shadow, self.sets)

    def state(self, member):
        return self.before[member.shadow]

    def in_state(self, *states):
        return [member for member in self.members if self.state(member) in states]

    def predicted(self, state, members):
        """The states once these members are in this one."""
        return dict(self.before, **dict((member.shadow, state) for member in members))

    def owner(self, kind, member):
        """The open run on this host that has the member in its record, or None."""
        return _split.owner(self.context.params['state_dir'], undo_id(kind, member.shadow))

    def refuse_other_run(self, kind, member, *allowed):
        """Refused if an open run has the member that is neither this one nor one of allowed.

        In check mode a run whose members are told by assume is predicted to have given them back.
        """
        if self.context.check and member.shadow in (self.context.params['assume'] or {}):
            return
        owner = self.owner(kind, member)
        mine = [record.run for record in (self.context.record,) + allowed if record]
        if owner is not None and owner.run not in mine:
            raise Refused('Run %s works with %s.' % (owner.run, member.shadow), object=member.shadow,
                          found='phase %s' % owner.data['phase'], look='playbook volmgr.snapbackup.status',
                          remedy='wait for it; if it is dead, run the playbook volmgr.snapbackup.recover')

    def refuse_unless(self, member, states, why):
        """Refused unless the set is in one of states, and, where it is on the host as it is, has no fault."""
        state = self.state(member)
        if state not in states:
            found = faults(self.sets[member.shadow]) if member.shadow in self.sets else []
            raise Refused('%s: the set is %s.' % (why, state), object=member.shadow, found='; '.join([state] + found),
                          needed=' or '.join(states), look='iiadm -i %s' % member.shadow, remedy=REMEDIES.get(state))

    def refuse_dependent(self, member):
        found = self.sets.get(member.shadow)
        if found and found.kind == 'dependent':
            raise Refused('%s is a dependent shadow, which is nothing without its master.' % member.shadow, object=member.shadow,
                          found='dependent copy', needed='independent copy', look='iiadm -i %s' % member.shadow)

    def refuse_mounted(self, path):
        """Refused if a volume is mounted. iiadm does not see that of every path."""
        mount = _split.mounted(path, devices(path))
        if mount:
            raise Refused('%s is mounted.' % path, object=path, found='mounted on %s' % mount.point, needed='not mounted', look='mount',
                          remedy='umount %s' % mount.point)

    def refuse_open(self, path):
        """Refused if a process has a volume open. iiadm never sees that."""
        for device in devices(path):
            number = device_number(device)
            if number is not None:
                try:
                    _target.refuse_open(device, number)
                except Refused as error:
                    raise Refused('%s is open.' % path, object=path, found=error.facts.get('found'), needed='a volume that nobody uses',
                                  look=error.facts.get('look'), remedy='end that process')

    def known_paths(self):
        """Every path under which a volume is named, configured in a set, or under SV."""
        found = [(one.master, one.shadow, one.bitmap, one.overflow) for one in self.sets.values()]
        found += [member[:-1] for member in self.members] + [volumes_under_sv(self.context.runner)]
        return sorted(set(path for paths in found for path in paths if path))

    def unseen(self, member):
        """The volumes of a set at home whose writes its bitmap is not told of, since SV does not see them (svadm(1M))."""
        found = self.sets.get(member.shadow)
        if not found or found.suspended or state_of(found) == EXPORTED:
            return []
        seen = volumes_under_sv(self.context.runner)
        return [path for path in (found.master, found.shadow) if path not in seen]

    def act(self, argv, member, states, remedy=None):
        """Run a command that handles one member. CommandFailed, with the remedy, unless its set is in one of states then."""
        result = self.context.change(argv, timeout=LIMIT)
        if result is None:
            return
        found = self.now()[member.shadow]
        # The exit code alone proves nothing in either direction.
        if found not in states:
            raise CommandFailed(result, '%s had no effect.' % ' '.join(argv) if result.rc == 0 else None, object=member.shadow, found=found,
                                needed=' or '.join(states), look='iiadm -i %s' % member.shadow, remedy=remedy)

    def record_member(self, member):
        """The run record's entry for a member; in check mode the set may only be predicted."""
        found = self.sets.get(member.shadow) if self.context.check else self.set(member)
        master = found.master if found else member.master
        if master is None:
            raise Refused('It is not said which volume is the master.', object=member.shadow, needed='master in members')
        blocks = found.blocks if found else size_of(master)
        mount = _split.mounted(master, devices(master), member.filesystem, _services.away(self.context.record))
        return {'volume': volume_name(master), 'copy': member.shadow, 'device': member.shadow, 'block_device': block_device(member.shadow),
                'original': master, 'bytes': blocks and blocks * BLOCK, 'filesystem': mount.point if mount else None,
                'fstype': mount.fstype if mount else None}


REMEDIES = {
    'copying': 'wait until it has ended (ii_info tells the progress)',
    'interrupted': 'module ii_copy, state updated, and wait; to disable the set now would destroy what the shadow holds',
    'exported': 'module ii_set, state joined, after its disk group was imported here',
    'offline': 'repair the volume, then iiadm -R',
    'suspended': 'iiboot -r; import the disk groups of its volumes before',
}
