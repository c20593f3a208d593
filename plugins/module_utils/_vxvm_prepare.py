# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Snapshot mirrors of VxVM volumes: made, marked as ours, found again, and removed on demand."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CACHE, CLASSIC, mirrors_of, name_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_work import (
    MIRROR_READY, Work, entries_of, member_of, undo_entry, undo_id)


def prepared(context):
    """The result of state prepared: a snapshot mirror is, or will be, in step."""
    context.refuse_ended()
    work = Work(context)
    tag_interrupted(context, work)
    work.refuse_unhealthy()
    work.refuse_not_apart()
    missing = refuse_mirrors(context, work)
    for group, members in work.by_group([member for member in missing if not leaves_room(context, work, member)]):
        _vxvm_snapshot.refuse_no_space(work.vxvm, group, [(member, work.volume(member).length) for member in members])
    for member in work.members:
        make_instant(work, member)
    for member in missing:
        start_mirror(context, work, member)
    after = predict_prepared(work) if context.check else work.now()
    return dict(changed=bool(context.runner.commands), before=work.before, after=after)


def leaves_room(context, work, member):
    """Whether a snapshot that an earlier run has kept, and that is only predicted to be gone, lies where the mirror will."""
    if not context.check or name_of(member) not in (context.params['assume'] or {}):
        return False
    entry = _split.entry_of(_split.owner(context.params['state_dir'], undo_id(member)), undo_id(member))
    going = work.group(member.group).volumes.get(entry['snapshot']) if entry and entry['action'] == 'absent' else None
    if going is None or entry['form'] == CACHE or going.name not in work.tagged(member.group):
        return False
    return any(plex.length >= work.volume(member).length and (not member.disks or plex.disks <= set(member.disks))
               for plex in going.plexes)


def make_instant(work, member):
    """Prepare a volume for the snapshots that it is to have, once and for all."""
    def is_instant():
        return work.vxvm.switch(member.group, member.volume, 'instant')
    if member.form != CLASSIC and not is_instant():
        work.change(_vxvm_snapshot.prepare_argv(member), is_instant, member)


def predict_prepared(work):
    """The predicted states once the mirrors are in step."""
    after = work.predicted()
    for member in work.members:
        if member.form != CACHE:
            after[name_of(member)]['mirror'] = MIRROR_READY
    return after


def refuse_mirrors(context, work):
    """The members that still need a snapshot mirror; Refused where one is there that must not be used."""
    missing = []
    for member in work.members:
        if member.form == CACHE:
            continue
        volume = work.volume(member)
        if any(mirrors_of(volume)):
            _vxvm_snapshot.refuse_foreign_mirrors(member, volume, work.vxvm.tags(member.group), context.params['adopt'])
            _vxvm_snapshot.refuse_unusable_mirror(member, volume)
        if work.before[name_of(member)]['mirror'] is None:
            missing.append(member)
    return missing


def start_mirror(context, work, member):
    """Start to synchronise a mirror, and mark it, so that whoever comes next may use it. Nothing of it must be undone."""
    argv = _vxvm_snapshot.mirror_argv(member)
    if context.check:
        context.change(argv)
        context.change(_vxvm_snapshot.tag_argv(member.group, ['<mirror of %s>' % member.volume]))
        return
    others = [plex.name for plex in work.volume(member).plexes]
    if context.record:
        context.record.add_undo(undo_entry(member, 'tagged', others=others))
    work.change(argv, lambda: work.now() and new_mirrors(work, member, others), member)
    work.tag(member.group, new_mirrors(work, member, others), member)
    if context.record:
        context.record.clear_undo(undo_id(member))


def new_mirrors(work, member, others):
    """Names of the snapshot mirrors of a volume but for others."""
    return [plex.name for plexes in mirrors_of(work.volume(member)) for plex in plexes if plex.name not in others]


def tag_interrupted(context, work):
    """Mark the mirrors that a call has started which died before it could mark them."""
    entries = [] if context.check else entries_of(context.record, 'tagged')
    for entry in entries:
        member = member_of(entry)
        work.tag(member.group, new_mirrors(work, member, entry['others']), member)
        context.record.clear_undo(entry['id'])


def unprepared(context):
    """Without a run: remove the snapshot mirrors that this collection has made and nobody has broken off."""
    work = Work(context)
    for member in work.members:
        copying, ready = mirrors_of(work.volume(member))
        if copying or ready:
            _vxvm_snapshot.refuse_foreign_mirrors(member, work.volume(member), work.vxvm.tags(member.group), context.params['adopt'])
            if len(copying + ready) > 1:
                raise Refused('Volume %s has several snapshot mirrors, and the command does not say which it removes.' % member.volume,
                              object=name_of(member), found=', '.join(plex.name for plex in copying + ready), needed='one',
                              look='vxprint -g %s -ht %s' % (member.group, member.volume), remedy='vxplex -o rm dis PLEX')
            refuse_at_work(context, member)
            drop_mirror(work, member)
    return dict(changed=bool(context.runner.commands), before=work.before,
                after=work.predicted(mirror=None) if context.check else work.now())


def refuse_at_work(context, member):
    """Refused while a run is at work on a volume: a mirror that is on its way back may be what the volume is restored from."""
    owner = _split.owner(context.params['state_dir'], undo_id(member))
    if owner:
        raise Refused('Run %s is not at its end with %s, so its snapshot mirror is not removed.' % (owner.run, name_of(member)),
                      object=name_of(member), found='an undo entry of an open run', needed='no open run that has to undo anything there',
                      look='cat ' + owner.path, remedy='wait for that run, or run the playbook volmgr.snapbackup.recover')


def drop_mirror(work, member):
    """Remove the only snapshot mirror of a volume."""
    work.change(_vxvm_snapshot.drop_mirror_argv(member), lambda: work.now() and not any(mirrors_of(work.volume(member))), member)
