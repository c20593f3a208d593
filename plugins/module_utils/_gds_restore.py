# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Giving masters of GDS the data of their parted proxies (sdxproxy(1M), RejoinRestore and Restore).

What is begun is in the record of the restore before the command. After an interruption the same call goes on, always from the proxy to
the master.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _gds_volume, _run, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_proxy import KIND, Proxies, unlock
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import entries_of

RESTORE = 'gds_restore'
ACTIONS = {'rejoin': 'RejoinRestore', 'copy_function': 'Restore'}


class Restored(Proxies):
    """The proxies of one restore. source: the Record of the backup that has parted them, or None."""

    def __init__(self, context, class_name, entries, source):
        self.source = source
        Proxies.__init__(self, context, class_name, entries)

    def begun(self, member):
        """The restore's own entry about a member, or None."""
        return _split.entry_of(self.context.record, self.own_id(member))

    def own_id(self, member):
        return ':'.join([RESTORE, self.gds.class_name, member.proxy])

    def note(self, member, done):
        if not self.context.check:
            self.context.record.add_undo({'id': self.own_id(member), 'action': 'restored', 'class_name': self.gds.class_name,
                                          'proxy': member.proxy, 'master': member.master, 'done': done})


def restore(context):
    """Overwrite the masters with what their parted proxies hold, and return the module's result."""
    context.refuse_ended()
    record, params = context.record, context.params
    if record is not None and record.data['kind'] != 'restore':
        raise Refused('Run %s may not overwrite anything.' % record.run, object=record.run, found='kind %s' % record.data['kind'],
                      needed='an open run of kind restore')
    source = _run.load(params['state_dir'], params['source_run']) if params['source_run'] else None
    entries = asked(context, source)
    if not entries and record and record.data['layout']:
        # All of it was given back before.
        return dict(changed=False, before={}, after={}, class_name=None)
    work = Restored(context, class_name_of(context, entries), entries, source)
    waiting = [member for member in work.members if is_waiting(work, member)]
    # A copy that was only just begun looks as one that has ended.
    begun_before = [member for member in work.members if member not in waiting]
    if source and waiting:
        _split.refuse_being_read(source)
        if len(waiting) == len(work.members) and not context.check:
            _split.refuse_changed(context.runner, source)
    for member in waiting:
        refuse_unless_restorable(work, member)
    note_all(work, waiting)
    for unit, mine in work.units(waiting):
        begin(work, unit, mine)
    after = work.predicted('joined' if params['method'] == 'rejoin' else 'parted') if context.check else work.now()
    if record and not context.check:
        finish(work, begun_before)
    return dict(changed=bool(waiting), before=work.before, after=after, class_name=work.gds.class_name)


def asked(context, source):
    """Option members, or what the restore has begun and what the run source has parted and still has."""
    if context.params['members'] is not None:
        return context.params['members']
    begun = entries_of(context.record, RESTORE)
    proxies = [(entry['class_name'], entry['proxy']) for entry in begun]
    more = [entry for entry in entries_of(source, KIND) if (entry['class_name'], entry['proxy']) not in proxies]
    if not begun and not more and not (context.record and context.record.data['layout']):
        raise Refused('Nothing says which proxies to restore from.', object=context.params['source_run'],
                      found='nothing parted by that run',
                      needed='option source_run of a backup whose proxies are parted, or option members',
                      look='playbook volmgr.snapbackup.status')
    return begun + more


def class_name_of(context, entries):
    found = sorted(set(entry['class_name'] for entry in entries if entry.get('class_name')))
    if context.params['class_name'] is None and len(found) != 1:
        raise Refused('It is not clear which class is meant.', found=', '.join(found) or 'no class', needed='option class_name')
    return context.params['class_name'] or found[0]


def is_waiting(work, member):
    """Whether the command for a member is still to be run; Refused where there is nothing older to go back to."""
    state, begun = work.state(member), work.begun(member)
    if state == 'parted':
        return not (begun and begun['done'])
    # What was entered and not seen to begin may have been killed on its way, which leads to these states alone.
    if not begun or not begun['done'] and state not in ('copying', 'joined'):
        raise Refused('%s is not parted, so it holds nothing older than its master.' % member.proxy, object=member.proxy, found=state,
                      needed='parted', look=work.look(member), remedy='restore from an image')
    return False


def refuse_unless_restorable(work, member):
    """Refused unless a parted proxy can be copied to its master now (GDS guide, instant restore)."""
    work.refuse_other_run(member, work.owner(member), work.source)
    work.refuse_faults(member.proxy, 'every slice active or stop: this is what is restored from')
    work.refuse_other_size(member)
    for name in (member.master, member.proxy):
        volume = work.volume(name)
        work.refuse_mounted(name)
        if volume.state == 'active' and not work.context.check:
            raise Refused('%s is started.' % name, object=name, found='active', needed='master and proxy stopped on all nodes',
                          look=_gds_volume.look(work.gds, name), remedy='module gds_volume, state stopped, all_nodes')
        copied = [piece.disk for piece in volume.slices if piece.state == 'copy']
        if copied:
            raise Refused('%s is being copied to.' % name, object=name, found='copying to %s' % ', '.join(copied), needed='no copying',
                          look='sdxinfo -S -c %s -o %s' % (work.gds.class_name, name), remedy='wait until it has ended')
        if work.context.params['method'] == 'copy_function' and any(piece.disk in work.view.groups for piece in volume.slices):
            raise Refused('%s has lower groups, which the disk unit cannot copy.' % name, object=name, needed='method rejoin',
                          found=', '.join(piece.disk for piece in volume.slices), look='sdxinfo -G -c %s -e long' % work.gds.class_name)
    work.refuse_unconfirmed(member.master)


def note_all(work, members):
    """Enter what is about to be begun, and only then the layout: with that a record without entries says that all was given back."""
    record = work.context.record
    needed = members and record and not work.context.check and not record.data['layout']
    layout = {'sdxinfo -A -e long': work.gds.report()} if needed else None
    for member in members:
        work.note(member, done=False)
    if layout:
        record.update(layout=layout)


def begin(work, unit, members):
    """Start to copy the proxies of one unit to their masters."""
    method = work.context.params['method']
    for member in members:
        if method == 'rejoin':
            unlock(work, member, _split.entry_of(work.source, work.undo(member)['id']))
    # RejoinRestore is seen by the relation; Restore leaves it as it is.
    work.act(work.argv(ACTIONS[method], '-p', unit, '-e', 'nowaitsync'), ('copying', 'joined') if method == 'rejoin' else None, *members)
    for member in members:
        work.note(member, done=True)


def finish(work, members):
    """Clear the entries of the masters that hold all of it; Refused where that cannot become true any more.

    members: those that an earlier call has begun with.
    """
    view = work.gds.view()
    for member in members:
        master = work.gds.volume(member.master, view)
        if any(piece.state == 'copy' for piece in master.slices):
            continue
        if master.faults():
            raise Refused('Copying %s to %s has broken off.' % (member.proxy, member.master), object=member.master,
                          found='; '.join(master.faults()), needed='every slice active or stop', look=work.look(member),
                          remedy='restore it from an image, after sdxfix(1M)')
        work.context.record.clear_undo(work.own_id(member))
        if work.source and work.state(member, work.states(view)) == 'joined':
            work.source.clear_undo(work.undo(member)['id'])
