# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What detached slices and parted proxies of GDS share: whose a split is, the cut, and the way back of one that has failed."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import copy

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _services, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import LIMIT, Gds, block_device, raw_device
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors


def entries_of(record, kind):
    """The undo entries of this kind in the record of a run; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith(kind + ':')] if record else []


def tracking_of(record, *names):
    """With which jrm or pjrm, on or off, the run of record has split a copy; None where it has not. names: the words of the entry's id."""
    entry = _split.entry_of(record, ':'.join(names)) or {}
    return {True: 'on', False: 'off'}.get(entry.get('pjrm', entry.get('jrm')))


def class_of(context, kind):
    """Option class_name, or the class of what the run has to take back; None where there is nothing."""
    named = context.params['class_name']
    found = sorted(set(entry['class_name'] for entry in entries_of(context.record, kind)))
    if named is None and len(found) > 1:
        raise Refused('What the run has to take back is in several classes.', object=context.record.run, found=', '.join(found),
                      needed='option class_name')
    return named or (found[0] if found else None)


class Work:
    """The members of one call on one class, each with one copy. before: their states, as the module returns them.

    A subclass says what a member is:
      KIND                      its module, with which the ids of its undo entries begin
      SPLIT, HOME               the states of a copy that is split, and of one that is back with all its data
      member(entry)             the member for an entry of option members or of the run record
      volume_of(member)         the name of the volume that is backed up
      name(member)              what GDS calls its copy; its device has the same name
      undo(member)              its undo entry
      states(view)              the states of all members
      state(member, states)     the state of one; in before, where states is not given
      look(member)              the command that shows it
      way_back(member)          a command that gives it back, to be shown
      give_back(member)         start to give back one that this call has split, without a look at what becomes of it
    """

    def __init__(self, context, class_name, entries=None):
        self.context = context
        self.gds = Gds(context.runner, class_name)
        self.view = self.gds.view()
        self.members = [self.member(entry) for entry in (self.entries() if entries is None else entries)]
        self.refuse_twice()
        self.before = self.states(self.view)
        if context.check and context.params['assume']:
            self.before = copy.deepcopy(context.params['assume'])

    def entries(self):
        """Option members, or what the run has split."""
        if self.context.params['members'] is not None:
            return self.context.params['members']
        return [entry for entry in entries_of(self.context.record, self.KIND) if entry['class_name'] == self.gds.class_name]

    def refuse_twice(self):
        for names in ([self.volume_of(member) for member in self.members], [self.name(member) for member in self.members]):
            named = [name for name in names if name]
            if len(set(named)) != len(named):
                raise Refused('A volume is named more than once in members.', object=', '.join(named), needed='one copy of each volume')

    def volume(self, name):
        return self.gds.volume(name, self.view)

    def now(self):
        return self.states(self.gds.view())

    def owner(self, member):
        """The open run on this host that has split this copy, or None."""
        return _split.owner(self.context.params['state_dir'], self.undo(member)['id'])

    def devices(self, name):
        return [block_device(self.gds.class_name, name), raw_device(self.gds.class_name, name)]

    def record_member(self, member, remaining):
        """The run record's entry for a member. remaining: how many whole copies its volume has while this one is split."""
        volume = self.volume(self.volume_of(member))
        block, raw = self.devices(self.name(member))
        mount = _split.mounted(volume.name, self.devices(volume.name), member.filesystem, _services.away(self.context.record))
        return {'volume': volume.name, 'copy': self.name(member), 'device': raw, 'block_device': block,
                'original': raw_device(self.gds.class_name, volume.name), 'bytes': volume.bytes,
                'filesystem': mount.point if mount else None, 'fstype': mount.fstype if mount else None, 'remaining': remaining}

    def act(self, argv, wanted, *members):
        """Run a command. CommandFailed unless all copies are in one of the states wanted then, or, without them, unless it ended well."""
        result = self.context.change(argv, timeout=LIMIT)
        if result is None:
            return
        now = self.now()
        for member in members:
            found = self.state(member, now)
            # The exit code alone proves nothing in either direction.
            if found not in wanted if wanted else result.rc != 0:
                raise CommandFailed(result, '%s had no effect.' % ' '.join(argv) if result.rc == 0 else None, object=self.name(member),
                                    found=found, needed=' or '.join(wanted or ['no error']), look=self.look(member),
                                    vendor=errors(result.err or result.out) or None)

    # Splitting

    def already_split(self):
        """True if this run has split exactly these copies; Refused if somebody else has, or only some of them are split."""
        record = self.context.record
        found = [member for member in self.members if self.state(member) in self.SPLIT]
        for member in found:
            owner = self.owner(member)
            if owner is None:
                raise Refused('%s is split, and no run on this host has done it.' % self.name(member), object=self.name(member),
                              found=self.state(member), needed=' or '.join(self.HOME), look=self.look(member),
                              remedy='find out who uses it; %s gives it back and overwrites its content' % self.way_back(member))
            if record is None or owner.run != record.run:
                raise Refused('%s was split by run %s.' % (self.name(member), owner.run), object=self.name(member),
                              found=self.state(member), needed=' or '.join(self.HOME), look='playbook volmgr.snapbackup.status',
                              remedy='wait for it; if it is dead, run the playbook volmgr.snapbackup.recover')
        if found and (len(found) != len(self.members) or not record.data['window']):
            raise Refused('Only some copies are split, or the window that split them did not end well.',
                          object=', '.join(self.name(member) for member in found), found=self.state(found[0]),
                          needed='all of them %s' % ' or '.join(self.HOME), remedy='give them back, then split all of them in one call')
        return bool(found)

    def cut(self, members, window, verdict, proof, operands):
        """Open the window over members (of the run record). operands(member): the last two words of the command that splits it."""
        def roll_back():
            return self.roll_back([member for member in self.members if window.may_have_cut(operands(member))])

        _split.cut(self.context, members, window, verdict, [self.undo(member) for member in self.members],
                   lambda: dict(proof=proof, layout={'sdxinfo -A -e long': self.gds.report()}), roll_back)

    def roll_back(self, begun):
        """Give back what a failed window has split. Returns what became of it, as a sentence."""
        try:
            found = self.now()
            for member in begun:
                if self.state(member, found) in self.SPLIT:
                    self.give_back(member)
            now = self.now()
        except Refused as error:
            return 'The copies could not be looked at or given back (%s): run the playbook volmgr.snapbackup.recover.' % error.message
        left = [member for member in begun if self.state(member, now) in self.SPLIT]
        # One that is being copied has come home only when that has ended.
        home = [member for member in self.members if member not in begun or self.state(member, now) in self.HOME]
        # Written after the commands: a full disk must not keep a copy away.
        for member in begun:
            if member not in home:
                self.context.record.add_undo(dict(self.undo(member), returning=True))
        self.context.record.clear_undo(*[self.undo(member)['id'] for member in home])
        if left:
            return '%s could not be given back: run the playbook volmgr.snapbackup.recover.' % ', '.join(map(self.name, left))
        return 'No copy is left split, and nothing will be stored from this run.'

    # Giving back

    def refuse_overwriting(self, member):
        """Refused if the copy of a member that is split was split by another run, is read by its run's copy job, or is mounted."""
        name, owner, record = self.name(member), self.owner(member), self.context.record
        self.refuse_other_run(member, owner)
        predicted = self.context.check and self.context.params['assume']
        if self.context.params['run'] and owner is None and not predicted:
            raise Refused('%s is split, but not by run %s.' % (name, self.context.params['run']), object=name, found=self.state(member),
                          remedy='find out who uses it; without option run this module gives it back')
        if record is not None:
            _split.refuse_being_read(record)
        self.refuse_mounted(name)

    def refuse_other_run(self, member, owner, *allowed):
        """Refused if owner, the run that has split the copy, is neither this one nor one of allowed."""
        mine = [record.run for record in (self.context.record,) + allowed if record]
        if owner is not None and owner.run not in mine:
            raise Refused('%s was split by run %s.' % (self.name(member), owner.run), object=self.name(member),
                          remedy='give it back as that run, or run recover')

    def refuse_mounted(self, name):
        """Refused if the volume or detached slice of this name is mounted."""
        mount = _split.mounted(name, self.devices(name))
        if mount:
            raise Refused('%s is mounted, and its blocks would change below the mount.' % name, object=name, found=mount.point,
                          needed='not mounted', look='mount', remedy='umount %s' % mount.point)

    def note_returning(self, member):
        """Enter that the copy begins to be overwritten."""
        entry = _split.entry_of(self.context.record, self.undo(member)['id'])
        if entry and not self.context.check:
            self.context.record.add_undo(dict(entry, returning=True))

    def forget_home(self, after):
        """Clear the undo entries of the members that are back."""
        if self.context.record and not self.context.check:
            self.context.record.clear_undo(*[self.undo(member)['id'] for member in self.members if self.state(member, after) in self.HOME])
