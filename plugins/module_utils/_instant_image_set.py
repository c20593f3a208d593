# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Making and dissolving sets of Instant Image, and letting shadows go to another host and come back (iiadm(1M))."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image as image
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_marks as marks
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import TO_MASTER, TO_SHADOW
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_volumes import (
    CLOSED, OPEN, refuse_alias, refuse_company, refuse_content, refuse_small, refuse_smaller, refuse_travelling, refuse_unconfirmed,
    refuse_used)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_work import (
    ABSENT, COPY, RESTORE, SET, Work, entries_of, undo_id)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity

# The driver may want to reserve the shadow of a set before it ends it; of a suspended set only the entry in the configuration goes.
WITHOUT_VOLUMES = 'iiboot -s, which suspends all sets of this host, then the same again, then iiboot -r'


def sets_of(context, action):
    """Work on option members, or on what the run has to take back to this state."""
    context.refuse_ended()
    entries = context.params['members']
    if entries is None:
        entries = [entry for entry in entries_of(context.record, SET) if entry['action'] == action]
    return Work(context, entries)


def result(work, changed, state):
    """The module's result, for members that were brought to state."""
    after = work.predicted(state, changed) if work.context.check else work.now()
    return dict(changed=bool(changed), before=work.before, after=after)


def note(work, member, action):
    """Enter the way back, just before acting."""
    if work.context.record and not work.context.check:
        work.context.record.add_undo({'id': undo_id(SET, member.shadow), 'action': action, 'shadow': member.shadow,
                                      'bitmap': member.bitmap, 'secondary': member.secondary})


def forget(work, members):
    if work.context.record and not work.context.check:
        work.context.record.clear_undo(*[undo_id(SET, member.shadow) for member in members])


def need(member, *names):
    missing = [name for name in names if getattr(member, name) is None]
    if missing:
        raise Refused('It is not said which volume is the %s.' % ' and the '.join(missing), object=member.shadow,
                      needed='%s in members' % ', '.join(missing))
    if member.bitmap and member.bitmap == member.secondary:
        raise Refused("The set's own bitmap cannot be the second one: an import would overwrite what it knows.", object=member.bitmap,
                      needed='two bitmaps')


# Enabling

def enable(context):
    """Make the sets of members where they are not there, and put all of them into group."""
    work, group = sets_of(context, 'enabled'), context.params['group']
    group = image.valid_group(group) if group is not None else None
    for member in work.members:
        need(member, 'master', 'bitmap')
        if member.secondary:
            refuse_used(work, member, member.secondary)
    refuse_travelling(work.members)
    refuse_company(work.members, work.sets, leaving=False)
    new = work.in_state(ABSENT)
    moved = [member for member in work.members if member not in new and is_to_move(work, member, group)]
    for member in new:
        refuse_enable(work, member)
    refuse_alias(work, *[path for member in new for path in (member.master, member.shadow, member.bitmap)])
    named = ['-g', group] if group else []
    for member in new:
        work.act([work.image.iiadm] + named + ['-e', 'ind', member.master, member.shadow, member.bitmap], member,
                 (image.COPYING, image.SYNCED))
    for member in moved:
        work.act([work.image.iiadm] + named + ['-m', member.shadow], member, (work.state(member),))
    if not context.check:
        work.now()
        for member in work.members:
            refuse_different(work, member, group)
    done = result(work, new, image.SYNCED)
    return dict(done, changed=bool(new or moved))


def is_to_move(work, member, group):
    """Whether a set is to be put into the group; Refused where the set is not what is wanted."""
    if member.shadow not in work.sets:
        # Only predicted.
        return False
    work.refuse_unless(member, (image.SYNCED, image.COPYING, image.INTERRUPTED, image.EXPORTED), 'The set cannot be used as it is')
    found = work.set(member)
    refuse_different(work, member, found.group)
    return group is not None and found.group != group


def refuse_different(work, member, group):
    """Refused unless the set is an independent one of just these volumes, in this group where one is named."""
    work.refuse_dependent(member)
    found = work.set(member)
    if (found.master, found.bitmap) != (member.master, member.bitmap) or (group and found.group != group):
        raise Refused('The set of shadow %s is not made of the volumes that were named.' % member.shadow, object=member.shadow,
                      found='master %s, bitmap %s, group %s' % (found.master, found.bitmap, found.group),
                      needed='master %s, bitmap %s, group %s' % (member.master, member.bitmap, group), look='iiadm -i %s' % member.shadow)


def refuse_enable(work, member):
    """Refused unless the set can be made, and the shadow may be overwritten."""
    for path in (member.shadow, member.bitmap):
        refuse_used(work, member, path)
        work.refuse_mounted(path)
        work.refuse_open(path)
    if member.master in [path for found in work.sets.values() for path in (found.shadow, found.bitmap)]:
        refuse_used(work, member, member.master)
    refuse_smaller(member.shadow, member.master)
    refuse_small(member.master, member.bitmap)
    if member.secondary:
        refuse_small(member.shadow, member.secondary)
    refuse_unconfirmed(work, member.shadow)
    for path in (member.bitmap, member.secondary):
        if path:
            refuse_content(work, path)


# Disabling

def disable(context):
    """Dissolve sets, or end what this host has imported. The shadows keep their content."""
    work = sets_of(context, 'disabled')
    there = [member for member in work.members if work.state(member) != ABSENT]
    refuse_silence(work)
    for member in there:
        refuse_disable(work, member)
    unclosed = left_unclosed(work, there) + ended_unclosed(work)
    for member in there:
        if is_taken(work, member):
            remember_returned(work, member, member.shadow in unclosed)
        work.act([work.image.iiadm, '-d', member.shadow], member, (ABSENT,), WITHOUT_VOLUMES if is_lost(work, member) else None)
    done = result(work, there, ABSENT)
    forget(work, work.members)
    return dict(done, unclosed=unclosed)


def refuse_silence(work):
    """Refused if a set that the run is to give back is there, although iiadm was silent about it."""
    for member in work.in_state(ABSENT):
        if not work.context.check and _split.entry_of(work.context.record, undo_id(SET, member.shadow)):
            work.image.refuse_silence(member.shadow)


def refuse_disable(work, member):
    """Refused if to disable a set would destroy what its shadow holds, or lose what is known about it."""
    # Of an unfinished copy iiadm erases the first blocks of the shadow.
    if not is_lost(work, member):
        work.refuse_unless(member, (image.SYNCED, image.IMPORTED), 'The set cannot be disabled now')
    work.refuse_dependent(member)
    work.refuse_other_run(SET, member)
    work.refuse_other_run(COPY, member)
    work.refuse_other_run(RESTORE, member)
    if work.context.record:
        _split.refuse_being_read(work.context.record)
    work.refuse_mounted(member.shadow)


def is_taken(work, member):
    """Whether this host has imported the shadow, in whatever state that is. In check mode it may only be predicted."""
    found = work.sets.get(member.shadow)
    return found.master is None if found else work.state(member) == image.IMPORTED


def is_lost(work, member):
    """Whether it is an imported shadow whose volumes have gone: a boot takes a temporary import of their disk group away.

    No copy can be unfinished in such a set, and this host cannot write to its volumes any more.
    """
    return is_taken(work, member) and work.state(member) in (image.OFFLINE, image.SUSPENDED) and not (
        set(work.set(member).flags) & {TO_SHADOW, TO_MASTER})


def left_unclosed(work, members):
    """The shadows whose second bitmaps may lack what was written here: their set could not write it, or has been through a boot."""
    record, taken = work.context.record, [member for member in members if is_taken(work, member)]
    booted = bool(taken) and record is not None and record.data['boot'] != boot_identity(work.context.runner)
    return [member.shadow for member in taken if booted or work.state(member) != image.IMPORTED]


def ended_unclosed(work):
    """The shadows that this run has left so before."""
    if work.context.record is None:
        return []
    known = marks.read(work.context.params['state_dir'])
    return [member.shadow for member in work.in_state(ABSENT)
            if known.get(member.shadow, {}).get(marks.UNCLOSED) == work.context.record.run]


def remember_returned(work, member, unclosed):
    if work.context.record and not work.context.check:
        run = work.context.record.run
        for key, value in ((marks.RETURNED, run), (marks.UNCLOSED, run if unclosed else None)):
            marks.mark(work.context.params['state_dir'], key, [member.shadow], value)


# Letting go, on the host of the masters

def export(context):
    """Let shadows go, so that another host can import them. This host goes on keeping account of writes to the masters."""
    work = sets_of(context, 'joined')
    for member in work.members:
        need(member, 'secondary')
    waiting = [member for member in work.members if not is_exported(work, member)]
    for member in waiting:
        refuse_export(work, member)
    refuse_alias(work, *[member.shadow for member in waiting])
    if waiting:
        refuse_travelling([own_volumes(work, member) for member in work.members])
        refuse_company(work.members, work.sets, leaving=True)
    for member in waiting:
        note(work, own_volumes(work, member), 'joined')
        # One by one: with a group iiadm stops at the first that cannot go, and the others have gone.
        work.act([work.image.iiadm, '-E', member.shadow], member, (image.EXPORTED,))
    return result(work, waiting, image.EXPORTED)


def is_exported(work, member):
    """Whether this run, or nobody who still works, has exported the shadow."""
    if work.state(member) != image.EXPORTED:
        return False
    work.refuse_other_run(SET, member)
    if work.context.record and not work.context.check and work.owner(SET, member) is None:
        raise Refused('%s is exported, and no run on this host has done it.' % member.shadow, object=member.shadow, found='exported',
                      needed='synced', look='iiadm -i %s' % member.shadow, remedy='find out where it is; then state joined')
    return True


def refuse_export(work, member):
    """Refused unless the shadow holds one whole point in time, and nothing that is needed here travels with it."""
    work.refuse_dependent(member)
    # In check mode the copy is only predicted to have ended.
    allowed = (image.SYNCED, image.COPYING) if work.context.check else (image.SYNCED,)
    work.refuse_unless(member, allowed, 'The shadow cannot be exported now')
    if not (work.context.check and work.context.params['assume']):
        # Else it is predicted to be updated before.
        marks.refuse_void(work.context.params['state_dir'], member.shadow)
    work.refuse_other_run(COPY, member)
    member = own_volumes(work, member)
    need(member, 'secondary')
    # On the other host nothing tells whose it is, and the import overwrites it.
    refuse_used(work, member, member.secondary)
    work.refuse_mounted(member.shadow)


def own_volumes(work, member):
    """The member with master and bitmap as the set has them, where it is more than predicted."""
    found = work.sets.get(member.shadow)
    return member._replace(master=found.master, bitmap=found.bitmap) if found else member


# Taking over, on the other host

def take(context):
    """Import shadows with their second bitmaps, which keep account of every write here."""
    work, group = sets_of(context, 'disabled'), context.params['group']
    group = image.valid_group(group) if group is not None else None
    for member in work.members:
        need(member, 'secondary')
    waiting = [member for member in work.members if not is_imported(work, member)]
    for member in waiting:
        refuse_import(work, member)
    refuse_alias(work, *[path for member in waiting for path in (member.shadow, member.secondary)])
    for member in waiting:
        note(work, member, 'disabled')
        work.act([work.image.iiadm, '-I', member.shadow, member.secondary], member, (image.IMPORTED,))
        if not context.check:
            for key in (marks.RETURNED, marks.UNCLOSED):
                marks.mark(context.params['state_dir'], key, [member.shadow], None)
    moved = put_into(work, group)
    if context.record and not context.check:
        work.now()
        context.record.update(proof=[proof(work, member) for member in work.members])
    done = result(work, waiting, image.IMPORTED)
    return dict(done, changed=bool(waiting or moved))


def put_into(work, group):
    """Put imported shadows into a group of this host, which an import knows nothing of. Those that were not in it; none without a group."""
    outside = [member for member in work.members
               if group is not None and (member.shadow not in work.sets or work.set(member).group != group)]
    for member in outside:
        work.act([work.image.iiadm, '-g', group, '-m', member.shadow], member, (image.IMPORTED,))
        if not work.context.check and work.set(member).group != group:
            raise Refused('%s was not put into group %s.' % (member.shadow, group), object=member.shadow, found=work.set(member).group,
                          needed=group, look='iiadm -i %s' % member.shadow)
    return outside


def proof(work, member):
    """What must still be true for the shadow to be the one that was imported: see the run record's key proof."""
    lines = work.image.status_pattern(work.set(member), r'Independent copy, shadow volume imported')
    return {'argv': [work.image.iiadm, '-i', member.shadow], 'match': lines}


def is_imported(work, member):
    if work.state(member) == ABSENT:
        return False
    work.refuse_unless(member, (image.IMPORTED,), 'The shadow belongs to a set of this host')
    work.refuse_other_run(SET, member)
    found = work.sets.get(member.shadow)
    if found and found.bitmap != member.secondary:
        raise Refused('%s is imported with another bitmap.' % member.shadow, object=member.shadow, found=found.bitmap,
                      needed=member.secondary, look='iiadm -i %s' % member.shadow, remedy='state disabled, when nobody uses it')
    return True


def refuse_import(work, member):
    """Refused if the import would overwrite a bitmap that is needed."""
    refuse_used(work, member, member.secondary)
    run = work.context.record.run if work.context.record else None
    if run and marks.of(work.context.params['state_dir'], marks.RETURNED, member.shadow) == run:
        raise Refused('Run %s has imported %s before, and given it back.' % (run, member.shadow), object=member.shadow,
                      needed='a shadow that was joined and exported again',
                      remedy='join it on the other host first: a second import would make %s forget what was written here'
                      % member.secondary)
    for path in (member.shadow, member.secondary):
        work.refuse_mounted(path)
        work.refuse_open(path)
    if not work.context.check or os.path.exists(member.secondary):
        # In check mode they are still on the other host.
        refuse_small(member.shadow, member.secondary)


# Taking back

def join(context):
    """Take exported shadows back. What the other host has written is then known to the sets."""
    work = sets_of(context, 'joined')
    if context.record:
        _split.refuse_being_read(context.record)
    away = work.in_state(image.EXPORTED)
    refuse_silence(work)
    for member in work.members:
        if member not in away and not is_ended(work, member):
            work.refuse_unless(member, (image.SYNCED, image.COPYING, image.INTERRUPTED), 'The set cannot be joined')
        work.refuse_other_run(SET, member)
    unclosed = [member for member in away if not is_closed(work, member)]
    refuse_alias(work, *[member.shadow for member in away])
    for member in away:
        if member in unclosed and not context.check:
            marks.mark(context.params['state_dir'], marks.FULL, [member.shadow], context.params['run'] or 'unknown')
        work.act([work.image.iiadm, '-J', member.shadow, member.secondary], member, (image.SYNCED,), enabled_anew(work, member))
    done = result(work, away, image.SYNCED)
    forget(work, work.members)
    return dict(done, full=[member.shadow for member in unclosed])


def is_ended(work, member):
    """Whether the set that this run has exported was disabled since, as enabled_anew() tells to: then there is nothing to take back."""
    return work.state(member) == ABSENT and _split.entry_of(work.context.record, undo_id(SET, member.shadow)) is not None


def enabled_anew(work, member):
    """What to do when a shadow cannot be joined: a second bitmap that no host has ever imported knows nothing (iiadm(1M), -J)."""
    found = work.sets.get(member.shadow)
    return 'iiadm -d %s, then the playbook prepare, which makes the set anew and copies all of %s' % (
        member.shadow, found.master if found else member.master or 'its master')


def is_closed(work, member):
    """Whether the other host has ended its set well, so that the bitmap knows all it wrote. Refused where the bitmap cannot be used."""
    told = member.shadow in work.context.params['unclosed']
    need(own_volumes(work, member), 'secondary')
    try:
        with open(member.secondary, 'rb') as source:
            word = source.read(image.BLOCK)[:4]
    except (IOError, OSError) as error:
        if work.context.check:
            # It is still on the other host.
            return True
        raise Refused('The second bitmap %s cannot be read.' % member.secondary, object=member.secondary, found=error.strerror,
                      needed='its disk group imported here, and its volumes started', look='vxprint -ht')
    if word == CLOSED:
        return not told
    if word not in OPEN:
        raise Refused('%s holds no bitmap.' % member.secondary, object=member.secondary, found='first word %r' % word,
                      needed='the second bitmap of %s' % member.shadow, remedy=enabled_anew(work, member))
    if not told:
        # iiadm would ask, and take it for yes where nobody can answer.
        raise Refused('The other host has not ended its set with %s.' % member.secondary, object=member.secondary,
                      found='a bitmap in use', needed='the set disabled on the other host', look='iiadm -l on the other host',
                      remedy='disable it there; where that host is lost, %s in option unclosed, after which the next update copies '
                      'everything' % member.shadow)
    return False


STATES = {'enabled': enable, 'disabled': disable, 'exported': export, 'imported': take, 'joined': join}
