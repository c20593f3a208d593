# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Giving snapshots of VxVM volumes back: their mirrors to the originals, or their space to the disk group."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import LIMIT, refuse_in_use, refuse_unless_healthy
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_apart import refuse_apart
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_prepare import tag_interrupted, unprepared
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CACHE, CLASSIC, TAG, mirrors_of, name_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_work import MIRROR_READY, SYNCHRONISING, Work, entries_of

# Exit codes of vxsnap dis for what cannot be parted, or is already, and for what is gone.
NOT_PARTED = (20, 2)


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
        resync[name_of(member)] = resync_of(context, work, entry, member)
        if not context.check:
            record.add_undo(dict(entry, returning=True, plexes=[plex.name for plex in work.snapshot(member).plexes]))
        give_back(context, work, member)
    after = predict_back(context, work) if context.check else work.now()
    if not context.check:
        finish_back(context, work, entries, after)
    return dict(changed=bool(context.runner.commands), before=work.before, after=after, resync=resync)


def is_pending(work, entry, member):
    """Whether a snapshot is there that is not on its way back."""
    before = work.before[name_of(member)]
    ours = [plex for plex in work.volume(member).plexes if plex.name in entry.get('plexes', [plex.name])]
    return bool(before['snapshot']) and not (entry.get('returning') and before['mirror'] == SYNCHRONISING and ours)


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


def resync_of(context, work, entry, member):
    """How much will be copied when a mirror goes back: regions (only what changed), full, or None where that cannot be told."""
    tracked = (entry.get('fastresync'), work.vxvm.switch(member.group, member.volume, 'fastresync'))
    if False in tracked:
        return 'full'
    # Without a change object the map is in memory, and a boot loses it.
    if not work.volume(member).has_dco and entry.get('boot') not in (None, boot_identity(context.runner)):
        return 'full'
    return None if None in tracked else 'regions'


def give_back(context, work, member):
    """Run the commands that give one snapshot back; they may work on in the background."""
    if context.params['state'] == 'reattached':
        work.change(_vxvm_snapshot.reattach_argv(member), work.leaving(member), member, lasting=True)
        return
    argvs = _vxvm_snapshot.remove_argvs(member, is_tied(work, member))
    for argv in argvs[:-1]:
        part(context, work, member, argv)
    work.change(argvs[-1], lambda: work.is_gone(member), member)


def part(context, work, member, argv):
    """Part a snapshot from its original, before it is removed."""
    if member.form != CACHE:
        work.change(argv, lambda: work.is_parted(member), member)
        return
    # Of a space-optimised one some releases refuse that, and it is removed all the same; what still ties it is cleared afterwards.
    result = context.change(argv, timeout=LIMIT)
    if result is not None and result.rc not in (0,) + NOT_PARTED and not work.is_parted(member):
        raise CommandFailed(result, 'Snapshot %s could not be parted from its volume.' % member.snapshot, object=name_of(member),
                            look='vxsnap -g %s list' % member.group)


def is_tied(work, member):
    """Whether a snapshot must be parted from its original before it is removed. What has become INVALID can only be removed."""
    snapshot = work.snapshot(member)
    if snapshot is None:
        # Only predicted: it will be tied to an original that has a map to track changes in.
        return member.form != CLASSIC or work.volume(member).has_dco
    return snapshot.state != 'INVALID' and (member.form != CLASSIC or member.snapshot in work.group(member.group).linked)


def is_cleared(context, work, member):
    """Whether no snap object of the original leads to a snapshot that is gone; those that do are removed."""
    for name in [name for name, peer in work.group(member.group).ties if peer == member.snapshot]:
        context.change(_vxvm_snapshot.clear_argv(member, name), timeout=LIMIT)
    return work.is_parted(member)


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
            if not is_cleared(context, work, member):
                context.module.warn('A snap object in disk group %s still names %s, which is gone. Look with: vxprint -g %s -htr'
                                    % (member.group, member.snapshot, member.group))
            context.record.clear_undo(entry['id'])
