# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Cutting snapshots of VxVM volumes: all of a call at one instant, or none."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_prepare import refuse_mirrors
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CACHE, CLASSIC, mirrors_of, name_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_work import SYNCHRONISING, Work, undo_entry, undo_id


def present(context):
    """The result of state present: all snapshots are cut at one instant."""
    context.refuse_ended()
    work = Work(context)
    if already_present(context, work):
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    work.refuse_unhealthy()
    work.refuse_not_apart()
    refuse_unprepared(context, work)
    members = [work.record_member(member) for member in work.members]
    cuts = _vxvm_snapshot.cut_argvs(work.members, context.params['run'])
    usages = [work.volume(member).usage for member in work.members]
    held, unheld = _vxvm_snapshot.held_by_cut(members, usages, context.params['lock_vxfs'])
    window, verdict = _split.prepare_window(context, members, cuts, lambda look: _vxvm_snapshot.confirm(look, work.members),
                                            _vxvm_snapshot.verdict_of(cuts, held, unheld), held=held)
    if context.check:
        for argv in window.commands() + [_vxvm_snapshot.tag_argv(group, snapshots(mine)) for group, mine in work.by_group()]:
            context.runner.plan(argv)
        return dict(changed=True, before=work.before, after=predict_present(work), members=members, verdict=verdict)
    cut(context, work, members, window, verdict)
    return dict(changed=True, before=work.before, after=work.now(), members=members, window=context.record.data['window'], verdict=verdict)


def snapshots(members):
    return [member.snapshot for member in members]


def predict_present(work):
    after = work.predicted()
    for member in work.members:
        after[name_of(member)].update(snapshot=member.snapshot)
        if member.form != CACHE and len(mirrors_of(work.volume(member))[1]) < 2:
            after[name_of(member)].update(mirror=None)
    return after


def already_present(context, work):
    """True if this run has cut exactly these members; Refused if somebody else has, or only some of them are cut."""
    there = [member for member in work.members if work.before[name_of(member)]['snapshot']]
    for member in there:
        if not _split.entry_of(context.record, undo_id(member)):
            raise Refused('There is a volume %s already, and this run has not made it.' % member.snapshot, object=member.snapshot,
                          needed='a name that nobody has taken', look='vxprint -g %s -ht %s' % (member.group, member.snapshot),
                          remedy='name the snapshot otherwise, or find out whose it is')
    if there and (len(there) != len(work.members) or not context.record.data['window']):
        raise Refused('Only some snapshots are there, or the window that made them did not end well.', object=', '.join(snapshots(there)),
                      found='present', needed='all of them or none', remedy='remove them (state absent), then cut all of them in one call')
    return bool(there)


def refuse_unprepared(context, work):
    """Refused unless every member has what its snapshot is cut from."""
    for member in refuse_mirrors(context, work) + [m for m in work.members if work.before[name_of(m)]['mirror'] == SYNCHRONISING]:
        raise Refused('No snapshot mirror of %s is ready.' % name_of(member), object=name_of(member),
                      found=work.before[name_of(member)]['mirror'] or 'no snapshot mirror', needed='SNAPDONE',
                      look='vxprint -g %s -ht %s' % (member.group, member.volume), remedy='state prepared, and wait until it is in step')
    for member in work.members:
        # In check mode the volume may only have been predicted to be prepared.
        if member.form != CLASSIC and not context.check and work.vxvm.switch(member.group, member.volume, 'instant') is False:
            raise Refused('Volume %s is not prepared for instant snapshots.' % member.volume, object=name_of(member), found='instant off',
                          needed='instant on', look='vxprint -g %s -F%%instant %s' % (member.group, member.volume), remedy='state prepared')


def cut(context, work, members, window, verdict):
    """Open the window; whatever goes wrong, no snapshot is left without its record."""
    boot = boot_identity(context.runner)
    entries = [undo_entry(member, context.params['after'], tagged=False, boot=boot,
                          fastresync=work.vxvm.switch(member.group, member.volume, 'fastresync')) for member in work.members]

    def evidence():
        for group, mine in work.by_group():
            work.tag(group, snapshots(mine), mine[0])
        for entry in entries:
            entry['tagged'] = True
        return dict(proof=_vxvm_snapshot.proof(work.vxvm, work.members), layout=work.vxvm.layout(set(entry['group'] for entry in entries)))

    _split.cut(context, members, window, verdict, entries, evidence, lambda: forget_uncut(context.record, work, entries))


def forget_uncut(record, work, entries):
    """Clear the entries of what a failed window has not made. Returns what became of it, as a sentence."""
    try:
        now = work.now()
    except Refused as error:
        return 'The volumes could not be looked at (%s): run the playbook volmgr.snapbackup.recover.' % error.message
    made = [member for member in work.members if now[name_of(member)]['snapshot']]
    record.clear_undo(*[undo_id(member) for member in work.members if member not in made])
    # Without the mark that a process is at it, they can be given back at once.
    _split.settle(record, [entry for entry in entries if entry['id'] in [undo_id(member) for member in made]])
    if made:
        return '%s will not be stored, and must be given back (state absent or reattached).' % ', '.join(snapshots(made))
    return 'No snapshot was made, and nothing will be stored from this run.'
