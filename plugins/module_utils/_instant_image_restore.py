# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Giving masters of Instant Image the data of their shadows (iiadm(1M), -u m and -c m).

What is begun is in the record of the restore before the command. After an interruption the same call goes on, always from the shadow to
the master: what it has begun is a mixture of both until it is finished.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image as image
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_marks as marks
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import TO_MASTER, TO_SHADOW
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_work import COPY, RESTORE, Work, entries_of, undo_id
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity


def restore(context):
    """Overwrite the masters with what their shadows hold, and return the module's result."""
    context.refuse_ended()
    record, params = context.record, context.params
    if record is not None and record.data['kind'] != 'restore':
        raise Refused('Run %s may not overwrite anything.' % record.run, object=record.run, found='kind %s' % record.data['kind'],
                      needed='an open run of kind restore')
    source = _run.load(params['state_dir'], params['source_run']) if params['source_run'] else None
    entries = asked(context, source)
    work = Work(context, entries)
    waiting = [member for member in work.members if is_waiting(work, member)]
    begun_before = [member for member in work.members if member not in waiting]
    if source and waiting:
        _split.refuse_being_read(source)
        refuse_updated(context, source, [member.shadow for member in waiting if not has_begun(work, member)])
    refuse_shared(work)
    for member in waiting:
        refuse_restore(work, member, source)
    begin(work, waiting, source)
    after = work.predicted(image.SYNCED, waiting) if context.check else work.now()
    if record and not context.check:
        finish(work, begun_before, after)
    return dict(changed=bool(waiting), before=work.before, after=after)


def asked(context, source):
    """Option members, or what the restore has begun and what the run source has cut and still has."""
    if context.params['members'] is not None:
        return context.params['members']
    mine = entries_of(context.record, RESTORE)
    shadows = [entry['shadow'] for entry in mine]
    more = [entry for entry in entries_of(source, COPY) if entry['shadow'] not in shadows] if source else []
    finished = context.record is not None and context.record.data['layout']
    if not mine and not more and not finished:
        raise Refused('Nothing says which shadows to restore from.', object=context.params['source_run'],
                      found='no shadow that the run still has',
                      needed='option source_run of a backup whose shadows are kept, or option members',
                      look='playbook volmgr.snapbackup.status')
    # Masters that hold all of it are in no record of work any more.
    return mine + ([] if finished else more)


def entry_of(work, member):
    return _split.entry_of(work.context.record, undo_id(RESTORE, member.shadow))


def has_had_effect(work, member):
    """Whether the command that was entered last for a member is seen to have run."""
    entry, found = entry_of(work, member), work.sets.get(member.shadow)
    return bool(entry and found) and (entry['done'] or TO_MASTER in found.flags or found.modified != entry['modified'])


def has_begun(work, member):
    """Whether this restore has begun to overwrite the master of a member, now or before a boot."""
    entry = entry_of(work, member)
    return bool(entry) and (entry['again'] or has_had_effect(work, member))


def is_waiting(work, member):
    """Whether the command for a member is still to be run, or to be run again because the copying was broken off.

    After a boot an end is no proof: where the bitmaps lie in memory alone (ii_bitmap of ii(7D)) a crash ends a copy at any place.
    """
    if not has_had_effect(work, member):
        return True
    if work.state(member) == image.SYNCED:
        return has_booted(work, member)
    return TO_MASTER in work.set(member).flags and work.state(member) == image.INTERRUPTED


def has_booted(work, member):
    """Whether the host has booted since the command was entered."""
    entry = entry_of(work, member)
    return entry is not None and entry['boot'] != boot_identity(work.context.runner)


def refuse_updated(context, source, shadows):
    """Refused unless these shadows are proved to hold what the run source has cut. One that was begun with is a moment of its own."""
    for shadow in shadows:
        _split.refuse_changed(context.runner, source, [clause for clause in source.data['proof'] if clause['argv'][-1] == shadow], shadow)


def refuse_shared(work):
    """Refused if two members would overwrite the same master."""
    masters = [work.set(member).master for member in work.members]
    for master in masters:
        if masters.count(master) > 1:
            raise Refused('%s is the master of more than one of the shadows.' % master, object=master,
                          found=', '.join(member.shadow for member in work.members), needed='one shadow to restore it from')


def refuse_sibling(work, member):
    """Refused while another shadow of the same master is being copied to it, or was so in part."""
    for found in work.sets.values():
        if found.shadow != member.shadow and found.master == work.set(member).master and TO_MASTER in found.flags:
            raise Refused('%s is being restored from another shadow.' % found.master, object=found.master, needed='that restore finished',
                          found='%s: %s' % (found.shadow, ', '.join(found.flags)), look='iiadm -i %s' % found.shadow)


def refuse_restore(work, member, source):
    """Refused unless the shadow holds one whole point in time, and its master may be overwritten."""
    work.refuse_unless(member, (image.SYNCED, image.INTERRUPTED), 'Nothing can be restored from %s now' % member.shadow)
    found = work.set(member)
    if TO_SHADOW in found.flags:
        raise Refused('%s is not completely copied.' % member.shadow, object=member.shadow, found=', '.join(found.flags),
                      needed='no copy to it', look='iiadm -i %s' % member.shadow, remedy='restore from an image')
    work.refuse_dependent(member)
    marks.refuse_void(work.context.params['state_dir'], member.shadow)
    work.refuse_other_run(COPY, member, source)
    work.refuse_other_run(RESTORE, member)
    refuse_sibling(work, member)
    for path in (found.master, member.shadow):
        work.refuse_mounted(path)
        work.refuse_open(path)
    if found.master not in work.context.params['confirm']:
        raise Refused('%s would be overwritten.' % found.master, object=found.master,
                      found='confirm=%s' % ', '.join(work.context.params['confirm']), needed='%s in confirm' % found.master,
                      remedy='look that nobody needs its content, then confirm it by its name')


def note(work, member, done):
    """Enter a command for a member; modified: when its set was modified before, again: whether another has begun already."""
    record = work.context.record
    if record and not work.context.check:
        entry = entry_of(work, member)
        before = entry if done else dict(again=has_begun(work, member), modified=work.set(member).modified)
        record.add_undo({'id': undo_id(RESTORE, member.shadow), 'action': 'restored', 'shadow': member.shadow, 'done': done,
                         'boot': boot_identity(work.context.runner), 'again': before['again'], 'modified': before['modified']})


def begin(work, members, source):
    """Start to copy the shadows to their masters, each with a command of its own: iiadm would not ask for any of them."""
    record = work.context.record
    full = [member for member in members if is_full(work, member, source)]
    for member in members:
        note(work, member, done=False)
    if record and members and not work.context.check and not record.data['layout']:
        # Only now: from here on the entries say which members there are.
        record.update(layout=work.image.layout())
    for member in members:
        start(work, member, [work.image.iiadm, '-n', '-c' if member in full else '-u', 'm', member.shadow])


def is_full(work, member, source):
    """Whether all is copied: where it is asked for, and where the bitmaps may not know all that differs.

    They may lie in memory alone, so after a boot nothing tells that they are whole.
    """
    context = work.context
    known = marks.of(context.params['state_dir'], marks.FULL, member.shadow) is not None
    booted = has_booted(work, member) or (source is not None and source.data['boot'] != boot_identity(context.runner))
    return context.params['full'] or known or booted or bool(work.unseen(member))


def start(work, member, argv):
    """Run the command for one member; CommandFailed unless it is seen to copy, or to have copied."""
    old = work.set(member).modified
    if not work.context.check:
        image.wait_for_another_second([old])
    result = work.context.change(argv, timeout=image.LIMIT)
    if result is None:
        return
    state = work.now()[member.shadow]
    found = work.set(member)
    ended = state == image.SYNCED and (found.modified != old if old else not found.dirty)
    if not ended and not (state == image.COPYING and TO_MASTER in found.flags):
        raise CommandFailed(result, None if result.rc else '%s had no effect.' % ' '.join(argv), object=member.shadow, found=state,
                            needed='copying shadow to master', look='iiadm -i %s' % member.shadow)
    note(work, member, done=True)


def finish(work, members, after):
    """Clear the entries of the masters that hold all of it. members: those that an earlier call has begun with."""
    done = [member for member in members if after[member.shadow] == image.SYNCED]
    for member in members:
        if member not in done and after[member.shadow] != image.COPYING:
            raise Refused('Copying %s to its master has broken off.' % member.shadow, object=member.shadow, found=after[member.shadow],
                          needed='copying or synced', look='iiadm -i %s' % member.shadow,
                          remedy='repair what has failed, then run the same restore again, or restore from an image')
    work.context.record.clear_undo(*[undo_id(RESTORE, member.shadow) for member in done])
