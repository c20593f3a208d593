# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is needed to roll a mirror back to its frozen half, written down before the first step: see _svm_rollback."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run, _split, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, block_device, mounts_of, raw_device, spoken, state_alone, states)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import BY_ACTION
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_home import faults_of_rest, refuse_in_use
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import mirror_options, rebuilding, users
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_members import split_entries, undo_id


KIND = 'svm_mirror:'


def plan_id(mirror):
    return KIND + mirror


def plans_of(record):
    """What a restore has begun to roll back, and not finished; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith(KIND)] if record else []


def has_finished(record):
    """Whether a restore has rolled mirrors back and proved them. What else is in the layout is there from the first step on."""
    return record is not None and any(key.startswith(KIND) for key in record.data['layout'])


def end(record, ids, layout):
    """Clear undo entries and replace the layout in one step: no death between the two can make a plan that was dropped look finished."""
    record.change(lambda data: data.update(layout=layout, undo=[entry for entry in data['undo'] if entry['id'] not in ids]))


def finished_layout(record, plans):
    """The layout of a record with a mark for each of plans, which is what tells that they were finished."""
    return dict(record.data['layout'], **dict((plan['id'], 'rolled back') for plan in plans))


def begin(context):
    """The plans of a restore: those it has begun, and new ones for whatever option source_run has split and still has.

    They are in the record, with the layout, before this returns; from then on the copies are the restore's, and whoever ends the
    backup does not bring them home. An empty list if the restore had plans once and all of them are finished.
    """
    record = context.record
    source = _run.load(context.params['state_dir'], context.params['source_run'])
    begun = plans_of(record)
    left = [entry for entry in split_entries(source) if plan_id(entry['mirror']) not in [plan['id'] for plan in begun]]
    if left or not begun and not has_finished(record):
        refuse_source(source, left)
    plans = begun + [new_plan(context, source, entry) for entry in left]
    if not context.check and plans:
        refuse_other_kind(record)
        for plan in plans:
            record.add_undo(plan)
        if not record.data['layout']:
            record.update(layout=source.data['layout'])
        source.clear_undo(*[undo_id(plan['mirror'], plan['frozen']) for plan in plans])
    return plans


def refuse_source(source, entries):
    """Refused unless the run source is an open backup that has split something, as one point in time."""
    if not entries or not source.is_open or source.data['kind'] != 'backup' or source.data['verdict'] in (None, 'torn'):
        raise Refused('Run %s has no frozen copies to roll back to.' % source.run, object=source.run,
                      found='%s, verdict %s, %d copies' % ('open' if source.is_open else source.data['result'], source.data['verdict'],
                                                           len(entries)),
                      needed='an open backup run whose copies were retained', look='playbook volmgr.snapbackup.status')
    returning = [entry['submirror'] for entry in entries if entry.get('returning')]
    if returning:
        raise Refused('%s is being given back, which overwrites it.' % returning[0], object=returning[0],
                      found='a copy that comes home', needed='a frozen copy',
                      remedy='run the playbook volmgr.snapbackup.recover, then restore from the image')


def refuse_other_kind(record):
    if record.data['kind'] != 'restore':
        raise Refused('Run %s is no restore.' % record.run, object=record.run, found='kind %s' % record.data['kind'],
                      needed='a run that was opened with kind restore')


def new_plan(context, source, entry):
    """An undo entry: mirror, frozen (the half to keep), others, cut (the word for how it was split), options (as in metainit), params (as
    in metaparam), texts {half: its line of metastat -p}, nodes {path: [uid, gid, mode]}, rebuilt, attaching (the others that this restore
    attaches).

    Refused unless the mirror can be rolled back now.
    """
    mirror, frozen, cut = entry['mirror'], entry['submirror'], BY_ACTION[entry['action']]
    svm = Svm(context.runner, mirror.rpartition('/')[0] or None)
    svm.refuse_foreign_set()
    found = svm.mirrors([mirror])[mirror]
    layout = svm.volumes()
    state = states({mirror: found})[mirror].get(frozen) or state_alone(layout, frozen)
    if entry.get('returning') or entry.get('by') or state != cut.word:
        raise Refused('%s is not the frozen copy of run %s any more.' % (frozen, source.run), object=frozen, found=state, needed=cut.word,
                      look=spoken('metastat -c', mirror), remedy='restore from the image')
    _split.refuse_changed(context.runner, source)
    refuse_in_use(source, frozen)
    refuse_unusable(found, frozen, users(layout, mirror))
    refuse_busy(mirror)
    others = [half for half in layout[mirror].parts if half != frozen]
    return {'id': plan_id(mirror), 'action': 'rolled_back', 'mirror': mirror, 'frozen': frozen, 'others': others, 'cut': cut.word,
            'options': rebuilding(layout[mirror]), 'params': list(mirror_options(layout[mirror])),
            'texts': dict((half, layout[half].text) for half in others + [frozen]), 'nodes': nodes_of(mirror), 'rebuilt': False,
            'attaching': [], 'source': source.run}


def refuse_unusable(mirror, frozen, above):
    """Refused where the mirror could not be taken apart and built again."""
    if above:
        raise Refused('Mirror %s is part of other volumes, which would have to be built again too.' % mirror.name, object=mirror.name,
                      found=', '.join(above), needed='a mirror without soft partitions', look=spoken('metastat -p', mirror.name),
                      remedy='restore from the image')
    wrong = faults_of_rest(mirror, frozen)
    if wrong:
        raise Refused('Mirror %s cannot be taken apart now.' % mirror.name, object=mirror.name, found='; '.join(wrong),
                      needed='every other submirror okay', look=spoken('metastat', mirror.name))


def refuse_busy(mirror):
    """Refused while the mirror is mounted or open."""
    points = [mount.point for mount in mounts_of(mirror)]
    if points:
        raise Refused('Mirror %s is mounted.' % mirror, object=mirror, found=points[0], needed='not mounted', look='mount',
                      remedy='umount %s' % points[0])
    for path in (block_device(mirror), raw_device(mirror)):
        _target.refuse_open(path, os.stat(path).st_rdev)


def nodes_of(mirror):
    """{path: [uid, gid, mode]} of the mirror's device nodes."""
    found = dict((path, os.stat(path)) for path in (block_device(mirror), raw_device(mirror)))
    return dict((path, [node.st_uid, node.st_gid, '%o' % stat.S_IMODE(node.st_mode)]) for path, node in found.items())
