#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: vxvm_snapshot
short_description: Break snapshots off volumes of Veritas Volume Manager at one point in time, and give them back
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Works with the traditional third-mirror break-off of C(vxassist), with mirrors that C(vxsnap) breaks off, and with space-optimised
    instant snapshots, in the same words.
  - Snapshots of volumes in one disk group are made by one command, which the volume manager carries out as a whole.
    Mounted file systems other than VxFS are locked for the length of the freeze window; VxFS is made consistent by the command itself.
  - Objects are found again by the undo entry that the run wrote before it made them, and by their field C(putil2), which is V(snapbackup).
    Others are never removed. A snapshot mirror that is in step is live and is used, whatever its age.
  - No state waits for a synchronisation. Use M(volmgr.snapbackup.wait_progress) with M(volmgr.snapbackup.vxvm_info).
  - "Sources: vxassist(1M), vxsnap(1M), vxprint(1M), vxedit(1M), and the chapter on volume snapshots of the Volume Manager
    Administrator's Guide."
options:
  members:
    description:
      - The volumes. All of them are handled in one call.
      - Required for O(state=prepared) and O(state=present). In the other states, and with O(run), it is what the run has cut.
    type: list
    elements: dict
    suboptions:
      disk_group:
        description: Name of the disk group.
        type: str
        required: true
      volume:
        description: Name of the volume.
        type: str
        required: true
      filesystem:
        description: Mount point the volume is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
      snapshot:
        description:
          - Name of the snapshot volume. The default is the name of the volume, a dash, and the last six digits of O(run).
          - With the classic form only for a volume that is the only one of its disk group in the call.
        type: str
      disks:
        description: Names of disks for the snapshot mirror. The volume manager chooses without it.
        type: list
        elements: str
      cache:
        description: Name of a cache object. The snapshot is then a space-optimised one, which needs no mirror.
        type: str
  state:
    description:
      - V(prepared) starts to synchronise a mirror where none is there, and with the instant form prepares the volume once for all.
      - V(present) cuts the snapshots.
      - V(reattached) gives the mirrors of O(run) back, which overwrites them with what the volumes hold now.
        It handles the snapshots that were cut with O(after=reattached).
      - V(absent) removes the snapshot volumes of O(run) that were cut with O(after=absent). Without O(run) it removes the snapshot mirrors
        of O(members).
      - V(restored) overwrites the volumes with what O(source_run) has kept. Both must be unmounted and closed.
    type: str
    choices: [absent, prepared, present, reattached, restored]
    required: true
  form:
    description:
      - V(auto) means V(instant) for a volume that is prepared for instant snapshots and V(classic) for others.
      - V(classic) is refused on a volume that is prepared for instant snapshots, since C(vxassist) does not support that.
    type: str
    choices: [auto, classic, instant]
    default: auto
  after:
    description: How snapshots that are cut now are to be given back.
    type: str
    choices: [absent, reattached]
    default: absent
  adopt:
    description: Whether a snapshot mirror that somebody else has prepared may be used.
    type: bool
    default: false
  source_run:
    description: For O(state=restored), the backup whose snapshots are still there.
    type: str
  assume:
    description:
      - In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: Required for all states but V(prepared) and V(absent), so that a snapshot can always be found and given back.
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
  - volmgr.snapbackup.run.quiesce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: solaris, linux
    support: full
seealso:
  - module: volmgr.snapbackup.vxvm_info
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Start to synchronise a third mirror
  volmgr.snapbackup.vxvm_snapshot:
    run: "{{ opened.run }}"
    state: prepared
    members:
      - disk_group: datadg
        volume: vol01

- name: Wait until it is in step
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.vxvm_info
    args:
      volumes: [datadg/vol01]

- name: Break it off
  volmgr.snapbackup.vxvm_snapshot:
    run: "{{ opened.run }}"
    state: present
    members:
      - disk_group: datadg
        volume: vol01
        filesystem: /data

- name: Remove what the run has broken off
  volmgr.snapbackup.vxvm_snapshot:
    run: "{{ opened.run }}"
    state: absent
'''

RETURN = r'''
before:
  description:
    - Of each volume, C(mirror) is V(synchronising), V(ready) to be broken off, or null; C(snapshot) is the name of the run's snapshot
      volume where it is there, or null.
  returned: success
  type: dict
  sample: {datadg/vol01: {mirror: ready, snapshot: null}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {datadg/vol01: {mirror: null, snapshot: vol01-a1b2c3}}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/vxassist, -g, datadg, snapshot, vol01, vol01-a1b2c3], rc: 0, seconds: 0.4}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
members:
  description: The members in the shape of the run record.
  returned: when O(state=present)
  type: list
  elements: dict
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps.
  returned: when O(state=present) and not in check mode
  type: dict
verdict:
  description: What the cut is worth, V(application), V(filesystem) or V(crash).
  returned: when O(state=present)
  type: str
resync:
  description:
    - Of each volume, V(regions) if only what has changed is copied when its mirror goes back, V(full), or null where that
      is not known.
  returned: when O(state=reattached)
  type: dict
  sample: {datadg/vol01: regions}
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce, _run, _split, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import LIMIT, refuse_in_use, refuse_unless_healthy
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CACHE, CLASSIC, TAG, mirrors_of, name_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_work import (
    MIRROR_READY, SYNCHRONISING, Work, entries_of, member_of, undo_entry, undo_id)


# prepared: a snapshot mirror that is, or will be, in step.

def prepared(context):
    context.refuse_ended()
    work = Work(context)
    tag_interrupted(context, work)
    work.refuse_unhealthy()
    missing = refuse_mirrors(context, work)
    for group, members in work.by_group(missing):
        _vxvm_snapshot.refuse_no_space(work.vxvm, group, [(member, work.volume(member).length) for member in members])
    for member in work.members:
        if member.form != CLASSIC and not work.vxvm.switch(member.group, member.volume, 'instant'):
            work.change(_vxvm_snapshot.prepare_argv(member), lambda: work.vxvm.switch(member.group, member.volume, 'instant'), member)
    for member in missing:
        start_mirror(context, work, member)
    after = predict_prepared(work) if context.check else work.now()
    return dict(changed=bool(context.runner.commands), before=work.before, after=after)


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
            _vxvm_snapshot.refuse_small_mirror(member, volume)
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


# present: all snapshots are cut at one instant.

def present(context):
    context.refuse_ended()
    work = Work(context)
    if already_present(context, work):
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    work.refuse_unhealthy()
    refuse_unprepared(context, work)
    members = [work.record_member(member) for member in work.members]
    cuts = _vxvm_snapshot.cut_argvs(work.members, context.params['run'])
    window, verdict = _split.prepare_window(context, members, cuts, lambda look: _vxvm_snapshot.confirm(look, work.members),
                                            _vxvm_snapshot.verdict_of(cuts), held=_vxvm_snapshot.CONSISTENT)
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
    record = context.record
    entries = [undo_entry(member, context.params['after'], tagged=False) for member in work.members]
    record.update(phase='split', members=members)
    _split.add_undo(record, entries)
    try:
        facts = window.open(context.runner)
        record.update(window=facts, verdict=verdict, recovery=window.recovery, proof=_vxvm_snapshot.proof(work.vxvm, work.members),
                      layout=work.vxvm.layout(set(member.group for member in work.members)))
        for group, mine in work.by_group():
            work.tag(group, snapshots(mine), mine[0])
        _split.settle(record, [dict(entry, tagged=True) for entry in entries])
    except Exception as error:
        note = forget_uncut(record, work, entries)
        record.update(verdict='torn', error=str(error))
        if isinstance(error, Refused):
            error.message += ' ' + note
        raise


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


# reattached, absent: what a run has cut is given back.

def given_back(context):
    """Give back the snapshots that the run has to bring into this state. Without a run, remove the mirrors of this collection."""
    state, record = context.params['state'], context.record
    if record is None:
        return unprepared(context) if context.params['run'] is None else predicted_back(context, Work(context))
    entries = entries_of(record, state)
    _split.refuse_being_split(record, entries)
    work = Work(context, entries)
    tag_interrupted(context, work)
    resync = {}
    for entry, member in zip(entries, work.members):
        going = entry.get('returning') and work.before[name_of(member)]['mirror'] == SYNCHRONISING
        if work.before[name_of(member)]['snapshot'] and not going:
            refuse_to_give_back(context, work, entry, member)
            resync[name_of(member)] = resync_of(work, member)
            if not context.check:
                record.add_undo(dict(entry, returning=True))
            give_back(context, work, member)
    after = predict_back(context, work) if context.check else work.now()
    if not context.check:
        finish_back(context, work, entries, after)
    return dict(changed=bool(context.runner.commands), before=work.before, after=after, resync=resync)


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


def refuse_to_give_back(context, work, entry, member):
    """Refused if a snapshot is in use, is not what the run has made, or may be the last good copy."""
    _split.refuse_being_read(context.record)
    if entry['tagged'] and work.vxvm.tags(member.group).get(member.snapshot) != TAG:
        raise Refused('%s is not what run %s has made.' % (member.snapshot, context.record.run), object=member.snapshot,
                      found='no putil2=%s' % TAG, needed='putil2=%s' % TAG, look='vxprint -g %s -l %s' % (member.group, member.snapshot),
                      remedy='find out whose it is')
    refuse_unless_healthy(member.group, work.volume(member))
    work.vxvm.refuse_unless_master(member.group)
    refuse_in_use(work.vxvm, member.group, member.snapshot, 'a snapshot that nobody uses')


def resync_of(work, member):
    """How much will be copied when a mirror goes back: regions (only what changed), full, or None where that cannot be told."""
    tracked = work.vxvm.switch(member.group, member.volume, 'fastresync')
    return None if tracked is None else 'regions' if tracked else 'full'


def has_left(work, member):
    """Whether the mirror of a snapshot is on its way back to the original, or there already."""
    return work.state_now(member)['snapshot'] is None or work.state_now(member)['mirror'] == SYNCHRONISING


def give_back(context, work, member):
    """Run the commands that give one snapshot back; they may work on in the background."""
    if context.params['state'] == 'reattached':
        work.change(_vxvm_snapshot.reattach_argv(member), lambda: has_left(work, member), member)
        return
    # A snapshot that is only predicted will be tied to its original if that has a map to track changes in.
    group = work.group(member.group)
    tied = member.snapshot in group.linked if work.snapshot(member) else work.volume(member).has_dco
    for argv in _vxvm_snapshot.remove_argvs(member, tied or member.form != CLASSIC):
        if argv[-2] == 'rm':
            work.change(argv, lambda: work.now() and not work.snapshot(member), member)
        else:
            work.change(argv, lambda: work.now() and member.snapshot not in work.group(member.group).linked, member)


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
            work.change(_vxvm_snapshot.drop_mirror_argv(member), lambda: work.now() and not any(mirrors_of(work.volume(member))), member)
    return dict(changed=bool(context.runner.commands), before=work.before,
                after=work.predicted(mirror=None) if context.check else work.now())


# restored: the original is overwritten with what a run has kept.

def restored(context):
    context.refuse_ended()
    record = context.record
    source = _run.load(context.params['state_dir'], context.params['source_run'])
    if record is not None and record.data['kind'] != 'restore':
        raise Refused('Run %s may not overwrite anything.' % record.run, object=record.run, found='kind %s' % record.data['kind'],
                      needed='an open run of kind restore')
    kept = [entry for entry in source.data['undo'] if entry['id'].startswith('vxvm_snapshot:')]
    work = Work(context, kept)
    _split.refuse_being_read(source)
    begun_before = [member for member in work.members if (_split.entry_of(record, undo_id(member)) or {}).get('issued')]
    for member in work.members:
        mine = _split.entry_of(record, undo_id(member))
        # What a boot has interrupted is begun again.
        begun = mine and mine['issued'] == boot_identity(context.runner)
        if work.before[name_of(member)]['snapshot'] and not begun:
            restore(context, work, member)
    after = predict_restored(work) if context.check else work.now()
    if record and not context.check:
        finish_restored(record, work, begun_before, after)
    return dict(changed=bool(context.runner.commands), before=work.before, after=after)


def restore(context, work, member):
    """Start to copy one snapshot back. Begun again after an interruption, it goes on in the same direction."""
    work.vxvm.refuse_unless_master(member.group)
    for volume in (member.volume, member.snapshot):
        refuse_in_use(work.vxvm, member.group, volume, 'an original and a snapshot that nobody uses')
    if not context.check:
        context.record.add_undo(undo_entry(member, 'restored', issued=None))
    argv = _vxvm_snapshot.restore_argv(member)
    if member.form == CLASSIC:
        work.change(argv, lambda: has_left(work, member), member)
    else:
        result = context.change(argv, timeout=LIMIT)
        if result is not None and result.rc != 0 and not work.vxvm.is_restoring(member.group, member.volume):
            raise CommandFailed(result, 'Snapshot %s could not be restored.' % member.snapshot, object=name_of(member),
                                look='vxsnap -g %s list' % member.group)
    if not context.check:
        context.record.add_undo(undo_entry(member, 'restored', issued=boot_identity(context.runner)))


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
        record.clear_undo(undo_id(member))


def refuse_different(record, work, member):
    """Refused where an instant snapshot still differs from what it was restored to: then nothing was restored, or not all."""
    found = None if member.form == CLASSIC else work.vxvm.snapshots(member.group).get(member.snapshot)
    if found and found[3]:
        # The next call begins again.
        record.add_undo(undo_entry(member, 'restored', issued=None))
        raise Refused('Snapshot %s was not restored, although vxsnap reported no error.' % member.snapshot, object=name_of(member),
                      found='%g %% of it differ' % found[3], needed='no difference', look='vxsnap -g %s list' % member.group,
                      remedy='look for the reason in the system log; then run the same restore again')


def main():
    states = dict(prepared=prepared, present=present, reattached=given_back, absent=given_back, restored=restored)
    run_module(
        lambda context: states[context.params['state']](context),
        argument_spec=dict(
            RUN_OPTIONS,
            members=dict(type='list', elements='dict', options=dict(
                disk_group=dict(type='str', required=True),
                volume=dict(type='str', required=True),
                filesystem=dict(type='path'),
                snapshot=dict(type='str'),
                disks=dict(type='list', elements='str'),
                cache=dict(type='str'),
            )),
            state=dict(type='str', choices=sorted(states), required=True),
            form=dict(type='str', choices=['auto', 'classic', 'instant'], default='auto'),
            after=dict(type='str', choices=['absent', 'reattached'], default='absent'),
            adopt=dict(type='bool', default=False),
            source_run=dict(type='str'),
            assume=dict(type='dict'),
            **_quiesce.OPTIONS),
        required_if=[('state', 'prepared', ['members']), ('state', 'present', ['run', 'members']), ('state', 'reattached', ['run']),
                     ('state', 'restored', ['run', 'source_run'])],
        required_one_of=[('run', 'members')],
    )


if __name__ == '__main__':
    main()
