# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Giving snapshots of VxVM volumes back: their mirrors to the originals, or their space to the disk group."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import refuse_in_use, refuse_unless_healthy
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_apart import refuse_apart
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_prepare import tag_interrupted, unprepared
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CACHE, CLASSIC, TAG, mirrors_of, name_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_work import MIRROR_READY, SYNCHRONISING, Work, entries_of


def given_back(context):
    """Give back the snapshots that the run has to bring into this state. Without a run, remove the mirrors of this collection."""
    state, record = context.params['state'], context.record
    if record is None:
        return unprepared(context) if context.params['run'] is None else predicted_back(context, Work(context))
    entries = entries_of(record, state)
    _split.refuse_being_split(record, entries)
    work = Work(context, entries)
    for group, mine in work.by_group():
        refuse_apart(record, group, [member.snapshot for member in mine if not is_predicted(context, work, member)])
    tag_interrupted(context, work)
    pending = [(entry, member) for entry, member in zip(entries, work.members) if is_pending(work, entry, member)]
    # All of them before the first goes: only together they are one consistent copy of the set.
    for entry, member in pending:
        refuse_to_give_back(context, work, entry, member)
    resync = {}
    for entry, member in pending:
        resync[name_of(member)] = resync_of(work, member)
        if not context.check:
            record.add_undo(dict(entry, returning=True))
        give_back(context, work, member)
    after = predict_back(context, work) if context.check else work.now()
    if not context.check:
        finish_back(context, work, entries, after)
    return dict(changed=bool(context.runner.commands), before=work.before, after=after, resync=resync)


def is_pending(work, entry, member):
    """Whether a snapshot is there that is not on its way back."""
    before = work.before[name_of(member)]
    return bool(before['snapshot']) and not (entry.get('returning') and before['mirror'] == SYNCHRONISING)


def predicted_back(context, work):
    """In check mode, where the run has only been predicted."""
    if context.params['state'] != context.params['after']:
        return dict(changed=False, before={}, after={})
    for member in work.members:
        if work.before[name_of(member)]['snapshot']:
            give_back(context, work, member)
    return dict(changed=bool(context.runner.commands), before=work.before, after=predict_back(context, work))


def predict_back(context, work):
    mirror = dict(mirror=MIRROR_READY) if context.params['state'] == 'reattached' else {}
    return work.predicted(snapshot=None, **mirror)


def is_predicted(context, work, member):
    """Whether a snapshot is only assumed to be where it was cut, in check mode."""
    return context.check and work.before[name_of(member)]['snapshot'] is not None and work.snapshot(member) is None


def refuse_to_give_back(context, work, entry, member):
    """Refused if a snapshot is in use, is not what the run has made, or may be the last good copy."""
    _split.refuse_being_read(context.record)
    _split.refuse_being_restored(context.params['state_dir'], context.record)
    refuse_unless_healthy(member.group, work.volume(member))
    work.vxvm.refuse_unless_master(member.group)
    if is_predicted(context, work, member):
        return
    if entry['tagged'] and work.vxvm.tags(member.group).get(member.snapshot) != TAG:
        raise Refused('%s is not what run %s has made.' % (member.snapshot, context.record.run), object=member.snapshot,
                      found='no putil2=%s' % TAG, needed='putil2=%s' % TAG, look='vxprint -g %s -l %s' % (member.group, member.snapshot),
                      remedy='find out whose it is')
    refuse_in_use(work.vxvm, member.group, member.snapshot, 'a snapshot that nobody uses')


def resync_of(work, member):
    """How much will be copied when a mirror goes back: regions (only what changed), full, or None where that cannot be told."""
    tracked = work.vxvm.switch(member.group, member.volume, 'fastresync')
    return None if tracked is None else 'regions' if tracked else 'full'


def give_back(context, work, member):
    """Run the commands that give one snapshot back; they may work on in the background."""
    if context.params['state'] == 'reattached':
        work.change(_vxvm_snapshot.reattach_argv(member), lambda: work.has_left(member), member)
        return
    for argv in _vxvm_snapshot.remove_argvs(member, is_tied(work, member)):
        # snapclear and dis part it from its original, rm removes it.
        reached = work.is_gone if argv[-2] == 'rm' else work.is_parted
        work.change(argv, lambda: reached(member), member)  # pylint: disable=cell-var-from-loop


def is_tied(work, member):
    """Whether a snapshot must be parted from its original before it is removed. What has become INVALID can only be removed."""
    snapshot = work.snapshot(member)
    if snapshot is None:
        # Only predicted: it will be tied to an original that has a map to track changes in.
        return member.form != CLASSIC or work.volume(member).has_dco
    return snapshot.state != 'INVALID' and (member.form != CLASSIC or member.snapshot in work.group(member.group).linked)


def finish_back(context, work, entries, after):
    """Clear the entries of what is home, and mark the mirrors that came back as ours again."""
    for entry, member in zip(entries, work.members):
        state = after[name_of(member)]
        if state['snapshot'] is None and state['mirror'] != SYNCHRONISING:
            if context.params['state'] == 'reattached' and member.form != CACHE:
                if state['mirror'] is None:
                    # So does vxsnap of release 4.1.
                    context.module.warn('The mirror of %s went back as an ordinary plex. The next run makes another one, unless this one '
                                        'is turned into a snapshot mirror: vxplex convert state=SNAPDONE PLEX' % name_of(member))
                untagged = [plex.name for plex in mirrors_of(work.volume(member))[1] if plex.name not in work.tagged(member.group)]
                work.tag(member.group, untagged, member)
            if member.snapshot in work.group(member.group).linked:
                context.module.warn('A snap object in disk group %s still names %s, which is gone. Look with: vxprint -g %s -htr'
                                    % (member.group, member.snapshot, member.group))
            context.record.clear_undo(entry['id'])
