# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Detaching slices of GDS mirror volumes in one freeze window, and giving them back (sdxslice(1M))."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import copy

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce, _run, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import (
    BLOCK, VALID, Gds, block_device, raw_device, valid_name)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors

# Every sdx command waits for the daemon of GDS, which may be busy with other nodes.
LIMIT = 300
DETACHED = ('temp', 'temp-stop')

Member = collections.namedtuple('Member', 'volume disk filesystem')


def name_of(member):
    """The slice as GDS names it."""
    return '%s.%s' % (member.disk, member.volume)


def entries_of(record):
    """The undo entries of the slices that a run has detached; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith('gds_slice:')] if record else []


def class_of(context):
    """Option class_name, or the class in which the run has detached slices; None where it has detached none."""
    named = context.params['class_name']
    found = sorted(set(entry['class_name'] for entry in entries_of(context.record)))
    if named is None and len(found) > 1:
        raise Refused('The run has detached slices of several classes.', object=context.record.run, found=', '.join(found),
                      needed='option class_name')
    return named or (found[0] if found else None)


class Slices:
    """The members of one call on one class. before: {volume: {disk: state}}, the states as in _gds."""

    def __init__(self, context, class_name):
        self.context = context
        self.gds = Gds(context.runner, class_name)
        self.members = [self.member(entry) for entry in self.entries()]
        names = [member.volume for member in self.members]
        if len(set(names)) != len(names):
            raise Refused('A volume is named more than once in members.', object=', '.join(names), needed='one slice of each volume')
        self.view = self.gds.view()
        self.volumes = dict((name, self.gds.volume(name, self.view)) for name in names)
        self.before = self.states(self.volumes)
        if context.check and context.params['assume']:
            self.before = copy.deepcopy(context.params['assume'])

    def entries(self):
        """Option members, or what the run has detached."""
        if self.context.params['members'] is not None:
            return self.context.params['members']
        return [entry for entry in entries_of(self.context.record) if entry['class_name'] == self.gds.class_name]

    def member(self, entry):
        return Member(valid_name(entry['volume']), valid_name(entry['disk']), entry.get('filesystem'))

    def undo_id(self, volume, disk):
        return 'gds_slice:%s:%s:%s' % (self.gds.class_name, volume, disk)

    def undo(self, member):
        """The undo entry of a member."""
        return {'id': self.undo_id(member.volume, member.disk), 'action': 'attached', 'class_name': self.gds.class_name,
                'volume': member.volume, 'disk': member.disk}

    def argv(self, letter, member, *more):
        """An sdxslice command, the slice named by its volume and disk at the end."""
        return [_platform.need('sdxslice'), '-' + letter, '-c', self.gds.class_name] + list(more) + [
            '-d', member.disk, '-v', member.volume]

    def by_name(self, letter, member):
        """An sdxslice command for a detached slice."""
        return [_platform.need('sdxslice'), '-' + letter, '-c', self.gds.class_name, '-s', name_of(member)]

    @staticmethod
    def states(volumes):
        return dict((name, dict((found.disk, found.state) for found in volume.slices)) for name, volume in volumes.items())

    def state(self, member):
        """The state of a member's slice; Refused where the volume has no such slice."""
        found = self.before.get(member.volume, {})
        if member.disk not in found:
            raise Refused('Volume %s has no slice on %s.' % (member.volume, member.disk), object=name_of(member),
                          found=', '.join(sorted(found)) or 'no slice', look=self.look(member))
        return found[member.disk]

    def now(self):
        view = self.gds.view()
        return self.states(dict((name, self.gds.volume(name, view)) for name in self.volumes))

    def predicted(self, word):
        """The states when every member's slice is in state word."""
        found = copy.deepcopy(self.before)
        for member in self.members:
            found[member.volume][member.disk] = word
        return found

    def owner(self, member):
        """The open run on this host that has detached this slice, or None."""
        for record in _run.all_runs(self.context.params['state_dir']):
            if record.is_open and _split.entry_of(record, self.undo_id(member.volume, member.disk)):
                return record
        return None

    def look(self, member):
        return 'sdxinfo -S -c %s -o %s' % (self.gds.class_name, member.volume)


# Detaching

def detach(context):
    """Detach the slices of option members in one window, and return the module's result."""
    context.refuse_ended()
    work = Slices(context, context.params['class_name'])
    if already_detached(work):
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    for member in work.members:
        refuse_unless_detachable(work, member)
    members = [describe(work, member) for member in work.members]
    window, verdict = _split.prepare_window(context, members, [cut_argv(work, member) for member in work.members],
                                            lambda look: confirm(work, look), _quiesce.expected_verdict)
    if context.check:
        for argv in window.commands():
            context.runner.plan(argv)
        return dict(changed=True, before=work.before, after=work.predicted('temp'), members=members, verdict=verdict)
    cut(work, members, window, verdict)
    return dict(changed=True, before=work.before, after=work.now(), members=members, window=context.record.data['window'], verdict=verdict)


def cut_argv(work, member):
    params = work.context.params
    return work.argv('M', member, '-a', 'jrm=%s,mode=%s' % ('on' if params['jrm'] else 'off', params['access']))


def already_detached(work):
    """True if this run has detached exactly these slices; Refused if somebody else has, or only some of them are."""
    found = [member for member in work.members if work.state(member) in DETACHED]
    for member in found:
        owner = work.owner(member)
        if owner is None:
            raise Refused('%s is detached, and no run on this host has done it.' % name_of(member), object=name_of(member),
                          found=work.state(member), needed='active or stop', look=work.look(member),
                          remedy='find out who uses it; sdxslice -R gives it back and overwrites its content')
        if work.context.record is None or owner.run != work.context.record.run:
            raise Refused('%s was detached by run %s.' % (name_of(member), owner.run), object=name_of(member), found=work.state(member),
                          needed='active or stop', look='playbook volmgr.snapbackup.status',
                          remedy='wait for it; if it is dead, run the playbook volmgr.snapbackup.recover')
    if found and (len(found) != len(work.members) or not work.context.record.data['window']):
        raise Refused('Only some slices are detached, or the window that detached them did not end well.',
                      object=', '.join(name_of(member) for member in found), found='temp', needed='all of them active or stop',
                      remedy='give them back (state attached), then detach all of them in one call')
    return bool(found)


def refuse_unless_detachable(work, member):
    """Refused unless every slice of the volume holds valid data, and detaching this one leaves another."""
    volume = work.volumes[member.volume]
    related = [other.name for other in work.view.volumes.values() if other.master == volume.name]
    if volume.master or related:
        raise Refused('%s is related to a proxy, so its slices cannot be detached.' % volume.name, object=volume.name,
                      found='its master %s' % volume.master if volume.master else 'its proxy %s' % related[0],
                      needed='no relation', look='sdxinfo -V -c %s -o %s -e long' % (work.gds.class_name, volume.name),
                      remedy='back it up through its proxy, or end the relation (sdxproxy Break)')
    work.state(member)
    invalid = ['slice on %s is %s' % (disk, state) for disk, state in sorted(work.before[volume.name].items()) if state not in VALID]
    if len(work.before[volume.name]) < 2:
        invalid.append('it has one slice')
    if invalid:
        raise Refused('No slice of %s can be detached now.' % volume.name, object=volume.name, found='; '.join(invalid),
                      needed='at least two slices, all active or stop, none being copied', look=work.look(member),
                      remedy='repair it, or wait until the copying has ended')
    if member.disk in work.view.groups:
        raise Refused('%s is a lower group, whose slices cannot be detached.' % member.disk, object=name_of(member), found='a group',
                      needed='a disk that is connected to the mirror group itself', look='sdxinfo -G -c %s -e long' % work.gds.class_name)
    if volume.row.get('PSLICE') == 'off':
        raise Refused('Volume %s has no physical slices, so none can be detached.' % volume.name, object=volume.name,
                      found='pslice=off', needed='pslice=on', look='sdxinfo -V -c %s -o %s -e long' % (work.gds.class_name, volume.name),
                      remedy='stop it, sdxattr -V -c %s -v %s -a pslice=on, start it' % (work.gds.class_name, volume.name))


def describe(work, member):
    """The run record's entry for a member."""
    class_name, volume = work.gds.class_name, work.volumes[member.volume]
    mount = _split.mounted(volume.name, [block_device(class_name, volume.name), raw_device(class_name, volume.name)], member.filesystem)
    return {'volume': volume.name, 'copy': name_of(member), 'device': raw_device(class_name, name_of(member)),
            'block_device': block_device(class_name, name_of(member)), 'original': raw_device(class_name, volume.name),
            'bytes': volume.blocks * BLOCK, 'filesystem': mount.point if mount else None, 'fstype': mount.fstype if mount else None,
            'remaining': len(work.before[volume.name]) - 1}


def confirm(work, look):
    """Torn unless every slice is detached now."""
    view = Gds(look, work.gds.class_name).view()
    for member in work.members:
        found = view.volumes[member.volume].slice_on(member.disk)
        if found is None or found.state != 'temp':
            raise Torn('sdxslice reported success, but %s is not detached.' % name_of(member), object=name_of(member),
                       found=found.state if found else 'no slice', needed='temp', look=work.look(member))


def proof(work):
    """What must still be true for the copies to be the same cut: see the run record's key proof."""
    return [{'argv': [work.gds.sdxinfo, '-S', '-c', work.gds.class_name, '-o', member.volume],
             'match': r'slice +%s +[^ ]+ +%s +%s +TEMP(\s|\Z)' % (work.gds.class_name, member.disk, member.volume)}
            for member in work.members]


def cut(work, members, window, verdict):
    """Open the window; whatever goes wrong, no slice stays detached without its record."""
    record = work.context.record
    record.update(phase='split', members=members)
    entries = [work.undo(member) for member in work.members]
    _split.add_undo(record, entries)
    try:
        facts = window.open(work.context.runner)
        record.update(window=facts, verdict=verdict, recovery=window.recovery, proof=proof(work),
                      layout={'sdxinfo -A -e long': work.gds.report()})
        _split.settle(record, entries)
    except Exception as error:
        begun = [member for member in work.members if window.may_have_cut(('-d', member.disk, '-v', member.volume))]
        note = roll_back(work, begun)
        record.update(verdict='torn', error=str(error))
        if isinstance(error, Refused):
            error.message += ' ' + note
        raise


def roll_back(work, begun):
    """Give back what a failed window has detached. Returns what became of it, as a sentence."""
    try:
        found = work.now()
        for member in begun:
            if found[member.volume][member.disk] in DETACHED:
                work.context.runner.change(work.argv('R', member), timeout=LIMIT)
        now = work.now()
    except Refused as error:
        return 'The slices could not be looked at (%s): run the playbook volmgr.snapbackup.recover.' % error.message
    left = [member for member in begun if now[member.volume][member.disk] in DETACHED]
    # One that is being copied has come home only when that has ended.
    home = [member for member in work.members if member not in begun or now[member.volume][member.disk] in VALID]
    # Written after the commands: a full disk must not keep a copy away.
    for member in begun:
        if member not in home:
            work.context.record.add_undo(dict(work.undo(member), returning=True))
    work.context.record.clear_undo(*[work.undo(member)['id'] for member in home])
    if left:
        return '%s could not be given back: run the playbook volmgr.snapbackup.recover.' % ', '.join(name_of(member) for member in left)
    return 'No slice is left detached, and nothing will be stored from this run.'


# Giving back

def attach(context):
    """Give back option members, or what the run has detached, and start the copying."""
    class_name = class_of(context)
    if class_name is None:
        return dict(changed=False, before={}, after={}, class_name=None)
    work = Slices(context, class_name)
    if context.record:
        _split.refuse_being_split(context.record, entries_of(context.record))
    changed = False
    for member in work.members:
        changed = give_back(work, member) or changed
    after = work.predicted('active') if context.check else work.now()
    if context.record and not context.check:
        context.record.clear_undo(*[work.undo(member)['id'] for member in work.members
                                    if after[member.volume][member.disk] in VALID])
    return dict(changed=changed, before=work.before, after=after, class_name=class_name)


def give_back(work, member):
    """Reattach one slice, or copy to one whose copying broke off. False where there is nothing to do."""
    state = work.state(member)
    if state in VALID or state == 'copy':
        return False
    refuse_overwriting(work, member, state)
    if state in DETACHED:
        command = work.argv('R', member)
    elif work.volumes[member.volume].state == 'active':
        command = [_platform.need('sdxcopy'), '-B', '-c', work.gds.class_name, '-v', member.volume, '-e', 'nowaitsync']
    else:
        # Copying to a slice starts when its volume does; GDS has nothing to do now.
        return False
    entry = _split.entry_of(work.context.record, work.undo(member)['id'])
    if entry and not work.context.check:
        work.context.record.add_undo(dict(entry, returning=True))
    result = work.context.change(command, timeout=LIMIT)
    # The exit code alone proves nothing in either direction.
    if result is not None and work.now()[member.volume][member.disk] == state:
        raise CommandFailed(result, '%s was not given back.' % name_of(member), object=name_of(member), found=state,
                            needed='copy, active or stop', look=work.look(member), vendor=errors(result.err or result.out))
    return True


def refuse_overwriting(work, member, state):
    """Refused if giving the slice back would destroy the last good copy, or one that is in use or somebody else's."""
    rest = ['slice on %s is %s' % (disk, found) for disk, found in sorted(work.before[member.volume].items())
            if disk != member.disk and found not in VALID]
    if rest or len(work.before[member.volume]) < 2:
        raise Refused('%s is not given back: it may hold the last good copy of %s.' % (name_of(member), member.volume),
                      object=name_of(member), found='; '.join(rest) or 'no other slice', needed='every other slice active or stop',
                      look=work.look(member), remedy='repair the others first')
    if state not in DETACHED:
        return
    owner, record = work.owner(member), work.context.record
    if owner is not None and (record is None or owner.run != record.run):
        raise Refused('%s was detached by run %s.' % (name_of(member), owner.run), object=name_of(member),
                      remedy='give it back as that run, or run recover')
    if record is not None and owner is None and not work.context.check:
        raise Refused('%s is detached, but not by run %s.' % (name_of(member), record.run), object=name_of(member), found=state,
                      remedy='find out who uses it; without option run this module gives it back')
    if record is not None:
        _split.refuse_being_read(record)
    mount = _split.mounted(name_of(member), [block_device(work.gds.class_name, name_of(member))])
    if mount:
        raise Refused('%s is mounted, and its blocks would change below the mount.' % name_of(member), object=name_of(member),
                      found=mount.point, needed='not mounted', look='mount', remedy='umount %s' % mount.point)


# Access to a detached slice

def switch(context, letter, wanted):
    """Stop (F) or start (N) detached slices; wanted is the state they shall have."""
    work = Slices(context, class_of(context))
    changed = False
    for member in work.members:
        state = work.state(member)
        if state not in DETACHED:
            raise Refused('%s is not detached.' % name_of(member), object=name_of(member), found=state, needed='temp or temp-stop',
                          look=work.look(member))
        if state == wanted:
            continue
        changed = True
        if letter == 'N' and context.params['take_over']:
            # After a switch of nodes the right to the slice lies with a node that may be gone.
            require(work, member, context.change(work.by_name('T', member), timeout=LIMIT), None)
        require(work, member, context.change(work.by_name(letter, member), timeout=LIMIT), wanted)
    return dict(changed=changed, before=work.before, after=work.predicted(wanted) if context.check else work.now())


def require(work, member, result, wanted):
    """CommandFailed unless the command ended well and the slice is in the wanted state; nothing in check mode."""
    if result is None:
        return
    found = work.now()[member.volume][member.disk]
    if result.rc != 0 and found != wanted or wanted and found != wanted:
        raise CommandFailed(result, object=name_of(member), found=found, needed=wanted, look=work.look(member),
                            vendor=errors(result.err or result.out))
