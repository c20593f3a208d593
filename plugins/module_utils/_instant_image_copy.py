# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Updating shadows of Instant Image in one freeze window: all of a call at one instant (iiadm(1M), -u and -c).

An update overwrites what the shadow held. So the shadow is marked void before it begins, and the mark is taken away when the window has
ended well. Whatever happens in between, nobody takes a shadow for a copy that it is not.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image as image
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_marks as marks
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import ABORTING, TO_MASTER
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_work import COPY, RESTORE, Work, entries_of, undo_id


def update(context):
    """Update the shadows of members at one instant, and return the module's result."""
    context.refuse_ended()
    work = Work(context, context.params['members'])
    if not work.members:
        raise Refused('No set is named.', object='members', found='an empty list', needed='the sets to update')
    if already_updated(work):
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    for member in work.members:
        refuse_update(work, member)
    members = [work.record_member(member) for member in work.members]
    argv = update_argv(work)
    old = dict((member.shadow, work.sets[member.shadow].modified) for member in work.members if member.shadow in work.sets)
    window, verdict = _split.prepare_window(context, members, [argv], lambda look: confirm(work, look, old), worth)
    if context.check:
        for command in window.commands():
            context.runner.plan(command)
        return dict(changed=True, before=work.before, after=work.predicted(image.SYNCED, work.members), members=members, verdict=verdict)
    cut(work, members, window, verdict, argv, old)
    return dict(changed=True, before=work.before, after=work.now(), members=members, window=context.record.data['window'], verdict=verdict)


def worth(members, applications):
    """What the cut will be worth. One command takes all points in time at once (iiadm(1M), on groups)."""
    if applications:
        return _quiesce.APPLICATION
    return _quiesce.FILESYSTEM if all(member['filesystem'] for member in members) else _quiesce.CRASH


def already_updated(work):
    """True if this run has updated exactly these shadows, and nobody has done so since."""
    mine = [member for member in work.members if _split.entry_of(work.context.record, undo_id(COPY, member.shadow))]
    known = marks.read(work.context.params['state_dir'])
    if not mine or not work.context.record.data['window']:
        return False
    if len(mine) != len(work.members) or any(marks.VOID in known.get(member.shadow, {}) for member in mine):
        raise Refused('The run has updated only some of the shadows, or its window did not end well.', object=mine[0].shadow,
                      found=', '.join(member.shadow for member in mine), needed='all of them in one call',
                      remedy='state released, then update all of them')
    if not work.context.check:
        _split.refuse_changed(work.context.runner, work.context.record)
    return True


def refuse_update(work, member):
    """Refused unless the shadow is here, and nobody needs what it holds."""
    found = work.sets.get(member.shadow)
    if found and work.state(member) == image.INTERRUPTED and TO_MASTER in found.flags:
        raise Refused('A restore from %s was broken off: its master is a mixture of both.' % member.shadow, object=member.shadow,
                      found='copy not active, copying shadow to master', needed='the restore finished',
                      remedy='module ii_copy, state restored')
    work.refuse_unless(member, (image.SYNCED, image.INTERRUPTED), '%s cannot be updated now' % member.shadow)
    work.refuse_dependent(member)
    refuse_unseen(work, member)
    work.refuse_other_run(COPY, member)
    work.refuse_other_run(RESTORE, member)
    if work.context.record:
        _split.refuse_being_restored(work.context.params['state_dir'], work.context.record)
        _split.refuse_being_read(work.context.record)
    work.refuse_mounted(member.shadow)
    work.refuse_open(member.shadow)


def refuse_unseen(work, member):
    """Refused where writes to a volume go past the set: neither would it be known what differs, nor would old data be kept."""
    for path in work.unseen(member):
        raise Refused('%s is not under SV, so the set does not see what is written to it.' % path, object=path, found='not listed by svadm',
                      needed='a volume under SV', look='svadm -i', remedy='svadm -e %s; then update once with everything copied '
                      '(option full of ii_copy, snapbackup_full=true of the role)' % path)


def update_argv(work):
    """One command for all members: with a group it acts on every set of that, so these must be all of it."""
    known = marks.read(work.context.params['state_dir'])
    # No rule for a boot: of a set whose bitmaps were lost with the memory the driver enters all as different when it resumes it, or, if it
    # was being copied, takes its target for failed (dsw_dev.c of Availability Suite 4.0, _ii_config).
    full = work.context.params['full'] or any(marks.FULL in known.get(member.shadow, {}) for member in work.members)
    letter, group = '-c' if full else '-u', work.context.params['group']
    if group is None:
        return [work.image.iiadm, letter, 's'] + [member.shadow for member in work.members]
    image.valid_group(group)
    named = [member.shadow for member in work.members]
    inside = [found.shadow for found in work.sets.values() if found.group == group]
    outside = [shadow for shadow in named if shadow in work.sets and shadow not in inside]
    if outside and work.context.check and work.context.params['assume']:
        # Only predicted to be put into it.
        outside = []
    if outside or [shadow for shadow in inside if shadow not in named]:
        raise Refused('Group %s does not consist of just the sets that were named.' % group, object=group,
                      found=', '.join(sorted(inside)) or 'no such group', needed=', '.join(sorted(named)), look='iiadm -g %s -l' % group)
    return [work.image.iiadm, '-g', group, letter, 's']


def confirm(work, look, old):
    """Torn unless every set was updated just now."""
    sets = image.InstantImage(look).sets()
    for member in work.members:
        found = work.image.one(member.shadow, sets)
        state = image.state_of(found)
        fresh = found.modified != old[member.shadow] if found.modified else state == image.COPYING or not found.dirty
        if state not in (image.COPYING, image.SYNCED) or TO_MASTER in found.flags or ABORTING in found.flags or not fresh:
            raise Torn('iiadm reported success, but %s was not updated.' % member.shadow, object=member.shadow,
                       found='%s, last modified %s' % (state, found.modified), needed='copying or synced, modified now',
                       look='iiadm -i %s' % member.shadow)


def cut(work, members, window, verdict, argv, old):
    """Open the window; until it has ended well the shadows are void."""
    context, shadows = work.context, [member.shadow for member in work.members]
    state_dir, run = context.params['state_dir'], context.record.run
    were = marks.read(state_dir)
    image.wait_for_another_second(old.values())
    marks.mark(state_dir, marks.VOID, shadows, run)

    def roll_back():
        context.record.clear_undo(*[undo_id(COPY, shadow) for shadow in shadows])
        if argv in window.begun:
            return 'The shadows are void: they can be neither exported nor restored from until they are updated again.'
        for shadow in shadows:
            marks.mark(state_dir, marks.VOID, [shadow], were.get(shadow, {}).get(marks.VOID))
        return 'No shadow was touched, and nothing will be stored from this run.'

    entries = [{'id': undo_id(COPY, shadow), 'action': 'released', 'shadow': shadow} for shadow in shadows]
    _split.cut(context, members, window, verdict, entries, lambda: dict(proof=proof(work), layout=work.image.layout()), roll_back)
    for key in (marks.VOID,) + ((marks.FULL,) if '-c' in argv else ()):
        marks.mark(state_dir, key, shadows, None)


def proof(work):
    """What must still be true for the shadows to be the same cut: see the run record's key proof."""
    sets = work.image.sets()
    # Exported or not, and copied to its end or not yet.
    return [{'argv': [work.image.iiadm, '-i', member.shadow],
             'match': work.image.status_pattern(work.image.one(member.shadow, sets),
                                                r'Independent copy(?!.*(?:not active|to master|offline)).*')} for member in work.members]


def release(context):
    """The run does not need the shadows any more. They must be home, but nothing is done with them."""
    entries = context.params['members']
    if entries is None:
        entries = entries_of(context.record, COPY)
    if context.record:
        _split.refuse_being_split(context.record, entries_of(context.record, COPY))
    work = Work(context, entries)
    for member in work.members:
        work.refuse_other_run(COPY, member)
        if work.state(member) == image.EXPORTED:
            work.refuse_unless(member, (image.SYNCED,), 'The shadow is still on another host')
    mine = [undo_id(COPY, member.shadow) for member in work.members if _split.entry_of(context.record, undo_id(COPY, member.shadow))]
    if mine and not context.check:
        _split.refuse_being_read(context.record)
        context.record.clear_undo(*mine)
    return dict(changed=bool(mine), before=work.before, after=work.before)
