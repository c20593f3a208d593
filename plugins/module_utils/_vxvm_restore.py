# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restoring VxVM volumes from snapshots that a run has kept."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run, _split, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _vxvm_report as report
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import LIMIT, refuse_in_use
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_apart import refuse_apart, tells
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CLASSIC, name_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_work import (
    KIND, MIRROR_READY, SYNCHRONISING, Work, undo_entry, undo_id)


def restored(context):
    context.refuse_ended()
    record = context.record
    source = _run.load(context.params['state_dir'], context.params['source_run'])
    if record is not None and record.data['kind'] != 'restore':
        raise Refused('Run %s may not overwrite anything.' % record.run, object=record.run, found='kind %s' % record.data['kind'],
                      needed='an open run of kind restore')
    work = Work(context, unfinished(record, source))
    _split.refuse_being_read(source)
    for group, mine in work.by_group():
        refuse_apart(source, group, [member.snapshot for member in mine])
    begun_before = [member for member in work.members if is_begun(record, work, member)]
    refuse_changed(context, source, [member for member in work.members if member not in begun_before])
    refuse_without_copy(record, work)
    # All of them are looked at before the first is overwritten.
    waiting = to_begin(context, record, work)
    for member in waiting:
        refuse_busy(work, member)
    for member in waiting:
        restore(context, work, member)
    after = predict_restored(work) if context.check else work.now()
    if record and not context.check:
        finish_restored(record, work, begun_before, after)
    return dict(changed=bool(context.runner.commands), before=work.before, after=after)


def unfinished(record, source):
    """The undo entries of the members that are not restored yet: what the restore has begun, and what it has not."""
    done = record.data['layout'] if record else {}
    begun = [entry for entry in record.data['undo'] if entry['id'].startswith(KIND)] if record else []
    names = [entry['id'] for entry in begun] + list(done)
    return begun + [entry for entry in source.data['undo'] if entry['id'].startswith(KIND) and entry['id'] not in names]


def is_begun(record, work, member):
    """Whether an earlier call has begun with a member; a third mirror has left its snapshot by then, which may be all that tells."""
    mine = _split.entry_of(record, undo_id(member))
    return bool(mine) and bool(mine['issued'] or member.form == CLASSIC and not work.before[name_of(member)]['snapshot'])


def refuse_changed(context, source, members):
    """Refused unless the snapshots of these members are proved to be still what the run source has split."""
    for member in members:
        clauses = [clause for clause in source.data['proof'] if tells(clause, member.snapshot)]
        _split.refuse_changed(context.runner, source, clauses, member.snapshot)


def refuse_without_copy(record, work):
    """Refused where there is nothing to restore from."""
    for member in work.members:
        if not work.before[name_of(member)]['snapshot'] and not _split.entry_of(record, undo_id(member)):
            raise Refused('The snapshot %s of %s is gone.' % (member.snapshot, name_of(member)), object=name_of(member),
                          found='no such volume', needed='the snapshot that was kept', remedy='restore from an image',
                          look='vxprint -g %s -ht' % member.group)


def to_begin(context, record, work):
    """The members whose copy is there and is not going back by now. What a boot has interrupted is begun again."""
    entries = [_split.entry_of(record, undo_id(member)) for member in work.members]
    return [member for member, mine in zip(work.members, entries)
            if work.before[name_of(member)]['snapshot'] and not (mine and mine['issued'] == boot_identity(context.runner))]


def refuse_busy(work, member):
    """Refused if a member cannot be overwritten here and now."""
    work.vxvm.refuse_unless_master(member.group)
    for volume in (member.volume, member.snapshot):
        refuse_in_use(work.vxvm, member.group, volume, 'an original and a snapshot that nobody uses')


def restore(context, work, member):
    """Start to copy one snapshot back. Begun again after an interruption, it goes on in the same direction."""
    if not context.check:
        context.record.add_undo(undo_entry(member, 'restored', issued=None))
    argv = _vxvm_snapshot.restore_argv(member)
    if member.form == CLASSIC:
        work.change(argv, work.leaving(member), member, lasting=True)
    else:
        result = context.change(argv, timeout=LIMIT, begun=lambda: is_copying(work, member))
        if result is not None and result.rc != 0 and not is_copying(work, member):
            raise CommandFailed(result, 'Snapshot %s could not be restored.' % member.snapshot, object=name_of(member),
                                look='vxsnap -g %s list' % member.group)
    if not context.check:
        context.record.add_undo(undo_entry(member, 'restored', issued=boot_identity(context.runner)))


def is_copying(work, member):
    """Whether an instant snapshot is being copied back: the volume or a task of it says so."""
    return work.vxvm.is_restoring(member.group, member.volume) or work.vxvm.percent(member.group, member.volume, 'SNAPSYNC/') is not None


def predict_restored(work):
    after = work.predicted()
    for member in work.members:
        if member.form == CLASSIC:
            after[name_of(member)].update(mirror=MIRROR_READY, snapshot=None)
    return after


def finish_restored(record, work, members, after):
    """Clear the entries of members whose originals hold all of what was kept; Refused where that cannot become true any more.

    members: those that an earlier call has begun with. The call that begins leaves its entries, or the next would begin again.
    """
    for member in members:
        state = after[name_of(member)]
        if state['mirror'] == SYNCHRONISING or work.vxvm.is_restoring(member.group, member.volume):
            continue
        refuse_different(record, work, member)
        if member.form == CLASSIC and (state['snapshot'] or state['mirror'] != MIRROR_READY):
            raise Refused('Copying %s back was broken off, and the copy is gone.' % member.snapshot, object=name_of(member),
                          found=state['mirror'] or 'no snapshot mirror', needed='SNAPDONE', remedy='restore the volume from an image',
                          look='vxprint -g %s -ht %s' % (member.group, member.volume))
        # Noted first: without the entry nothing else would tell that its snapshot is gone because it was restored.
        record.update(layout=dict(record.data['layout'], **{undo_id(member): 'restored'}))
        record.clear_undo(undo_id(member))


def refuse_different(record, work, member):
    """Refused where an instant snapshot still differs from what it was restored to: then nothing was restored, or not all."""
    if member.form == CLASSIC:
        return
    # A share alone is rounded: of a large volume megabytes can be 0.0 %.
    found = work.vxvm.snapshots(member.group).get(member.snapshot)
    if not found or found[3] is None:
        raise Refused('Nothing proves that snapshot %s was restored.' % member.snapshot, object=name_of(member),
                      found='no line of it' if not found else 'no figure of what differs', needed='that nothing of it differs',
                      look='vxsnap -g %s list' % member.group)
    if report.differs(found[3]):
        # The next call begins again.
        record.add_undo(undo_entry(member, 'restored', issued=None))
        raise Refused('Snapshot %s was not restored, although vxsnap reported no error.' % member.snapshot, object=name_of(member),
                      found='%s of it differ' % found[3], needed='no difference', look='vxsnap -g %s list' % member.group,
                      remedy='look for the reason in the system log; then run the same restore again')
