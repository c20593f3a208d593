# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Detaching slices of GDS mirror volumes in one freeze window, and giving them back (sdxslice(1M))."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import copy

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import VALID, Gds, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import LIMIT, Work, class_of, entries_of

KIND = 'gds_slice'
DETACHED = ('temp', 'temp-stop')

Member = collections.namedtuple('Member', 'volume disk filesystem')


class Slices(Work):
    """The slices of one call. States: {volume: {disk: state}} of every slice of the volumes, the words as in _gds."""

    KIND, SPLIT, HOME = KIND, DETACHED, VALID

    def member(self, entry):
        return Member(valid_name(entry['volume']), valid_name(entry['disk']), entry.get('filesystem'))

    def volume_of(self, member):
        return member.volume

    def name(self, member):
        return '%s.%s' % (member.disk, member.volume)

    def undo(self, member):
        """jrm: what it is detached with, which not every release shows."""
        return {'id': ':'.join([KIND, self.gds.class_name, member.volume, member.disk]), 'action': 'attached',
                'class_name': self.gds.class_name, 'volume': member.volume, 'disk': member.disk, 'jrm': self.context.params['jrm']}

    def states(self, view):
        volumes = [self.gds.volume(member.volume, view) for member in self.members]
        return dict((volume.name, dict((found.disk, found.state) for found in volume.slices)) for volume in volumes)

    def state(self, member, states=None):
        """The state of a member's slice; Refused where the volume has no such slice."""
        found = (self.before if states is None else states).get(member.volume, {})
        if member.disk not in found:
            raise Refused('Volume %s has no slice on %s.' % (member.volume, member.disk), object=self.name(member),
                          found=', '.join(sorted(found)) or 'no slice', look=self.look(member))
        return found[member.disk]

    def predicted(self, word):
        """The states when every member's slice is in state word."""
        found = copy.deepcopy(self.before)
        for member in self.members:
            found[member.volume][member.disk] = word
        return found

    def look(self, member):
        return 'sdxinfo -S -c %s -o %s' % (self.gds.class_name, member.volume)

    def way_back(self, member):
        return 'sdxslice -R -c %s -s %s' % (self.gds.class_name, self.name(member))

    def give_back(self, member):
        self.context.runner.change(self.argv('R', member), timeout=LIMIT)

    def argv(self, letter, member, *more):
        """An sdxslice command, the slice named by its disk and volume at the end."""
        return [_platform.need('sdxslice'), '-' + letter, '-c', self.gds.class_name] + list(more) + [
            '-d', member.disk, '-v', member.volume]

    def by_name(self, letter, member):
        """An sdxslice command for a detached slice."""
        return [_platform.need('sdxslice'), '-' + letter, '-c', self.gds.class_name, '-s', self.name(member)]


# Detaching

def detach(context):
    """Detach the slices of option members in one window, and return the module's result."""
    context.refuse_ended()
    work = Slices(context, context.params['class_name'])
    if work.already_split():
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    for member in work.members:
        refuse_unless_detachable(work, member)
    members = [work.record_member(member, len(work.before[member.volume]) - 1) for member in work.members]
    window, verdict = _split.prepare_window(context, members, [cut_argv(work, member) for member in work.members],
                                            lambda look: confirm(work, look), _quiesce.expected_verdict)
    if context.check:
        for argv in window.commands():
            context.runner.plan(argv)
        return dict(changed=True, before=work.before, after=work.predicted('temp'), members=members, verdict=verdict)
    work.cut(members, window, verdict, proof(work), lambda member: ('-d', member.disk, '-v', member.volume))
    return dict(changed=True, before=work.before, after=work.now(), members=members, window=context.record.data['window'], verdict=verdict)


def cut_argv(work, member):
    params = work.context.params
    return work.argv('M', member, '-a', 'jrm=%s,mode=%s' % ('on' if params['jrm'] else 'off', params['access']))


def refuse_unless_detachable(work, member):
    """Refused unless every slice of the volume holds valid data, and detaching this one leaves another."""
    volume = work.volume(member.volume)
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
        raise Refused('%s is a lower group, whose slices cannot be detached.' % member.disk, object=work.name(member), found='a group',
                      needed='a disk that is connected to the mirror group itself', look='sdxinfo -G -c %s -e long' % work.gds.class_name)
    if volume.row.get('PSLICE') == 'off':
        raise Refused('Volume %s has no physical slices, so none can be detached.' % volume.name, object=volume.name,
                      found='pslice=off', needed='pslice=on', look='sdxinfo -V -c %s -o %s -e long' % (work.gds.class_name, volume.name),
                      remedy='stop it, sdxattr -V -c %s -v %s -a pslice=on, start it' % (work.gds.class_name, volume.name))


def confirm(work, look):
    """Torn unless every slice is detached now."""
    view = Gds(look, work.gds.class_name, timeout=None).view()
    for member in work.members:
        found = view.volumes[member.volume].slice_on(member.disk)
        if found is None or found.state != 'temp':
            raise Torn('sdxslice reported success, but %s is not detached.' % work.name(member), object=work.name(member),
                       found=found.state if found else 'no slice', needed='temp', look=work.look(member))


def proof(work):
    """What must still be true for the copies to be the same cut: see the run record's key proof."""
    return [{'argv': [work.gds.sdxinfo, '-S', '-c', work.gds.class_name, '-o', member.volume],
             'match': r'slice +%s +[^ ]+ +%s +%s +TEMP(\s|\Z)' % (work.gds.class_name, member.disk, member.volume)}
            for member in work.members]


# Giving back

def attach(context):
    """Give back option members, or what the run has detached, and start the copying."""
    class_name = class_of(context, KIND)
    if class_name is None:
        return dict(changed=False, before={}, after={}, class_name=None)
    work = Slices(context, class_name)
    if context.record:
        _split.refuse_being_split(context.record, entries_of(context.record, KIND))
        forget_gone(work)
    # All are looked at before the first is overwritten: of a set of which one cannot come home, the others may be needed with it.
    ways = [(member, way_home(work, member)) for member in work.members]
    for member, way in ways:
        if way:
            give_back(work, member, *way)
    changed = any(way for dummy, way in ways)
    after = work.predicted('active') if context.check else work.now()
    work.forget_home(after)
    return dict(changed=changed, before=work.before, after=after, class_name=class_name)


def forget_gone(work):
    """End what the run's record says of slices that are no more, since their disk was taken away; they are no members any longer.

    Refused unless the other slices hold all of the volume. Option members names slices that must be there.
    """
    gone = [member for member in work.members if member.disk not in work.before[member.volume]]
    if work.context.params['members'] is not None or not gone:
        return
    for member in gone:
        found = work.before[member.volume]
        if not found or not set(found.values()) <= set(VALID):
            raise Refused('%s is gone, and %s is not whole without it.' % (work.name(member), member.volume), object=work.name(member),
                          found=', '.join('slice on %s is %s' % row for row in sorted(found.items())) or 'no slice',
                          needed='every other slice active or stop', look=work.look(member), remedy='repair it, or wait for the copying')
        work.context.module.warn('%s was not given back: %s has no slice on %s any more. Its other slices are valid.' % (
            work.name(member), member.volume, member.disk))
    if not work.context.check:
        work.context.record.clear_undo(*[work.undo(member)['id'] for member in gone])
    work.members = [member for member in work.members if member not in gone]


def way_home(work, member):
    """(command, states that it leads to) for a slice that is to be reattached, or copied to again; None where there is nothing to do."""
    state = work.state(member)
    if state in VALID or state == 'copy':
        return None
    refuse_last(work, member)
    if state in DETACHED:
        work.refuse_overwriting(member)
        # Nothing is copied to it while its volume is stopped.
        return work.argv('R', member), ('copy', 'invalid') + VALID
    if work.volume(member.volume).state == 'active':
        return [_platform.need('sdxcopy'), '-B', '-c', work.gds.class_name, '-v', member.volume, '-e', 'nowaitsync'], ('copy',) + VALID
    # Copying to a slice starts when its volume does; GDS has nothing to do now.
    return None


def give_back(work, member, command, wanted):
    """Start the copying to one slice."""
    work.note_returning(member)
    work.act(command, wanted, member)


def refuse_last(work, member):
    """Refused if giving the slice back would destroy the last good copy."""
    rest = ['slice on %s is %s' % (disk, found) for disk, found in sorted(work.before[member.volume].items())
            if disk != member.disk and found not in VALID]
    if rest or len(work.before[member.volume]) < 2:
        raise Refused('%s is not given back: it may hold the last good copy of %s.' % (work.name(member), member.volume),
                      object=work.name(member), found='; '.join(rest) or 'no other slice', needed='every other slice active or stop',
                      look=work.look(member), remedy='repair the others first')


# Access to a detached slice

def switch(context, letter, wanted):
    """Stop (F) or start (N) detached slices; wanted is the state they shall have."""
    work = Slices(context, class_of(context, KIND))
    changed = False
    for member in work.members:
        state = work.state(member)
        if state not in DETACHED:
            raise Refused('%s is not detached.' % work.name(member), object=work.name(member), found=state, needed='temp or temp-stop',
                          look=work.look(member))
        if state == wanted:
            continue
        changed = True
        if letter == 'N' and context.params['take_over']:
            # After a switch of nodes the right to the slice lies with a node that may be gone.
            work.act(work.by_name('T', member), None, member)
        work.act(work.by_name(letter, member), (wanted,), member)
    return dict(changed=changed, before=work.before, after=work.predicted(wanted) if context.check else work.now())
