# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Splitting the members of a call in one freeze window."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import tempfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce, _run, _services, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, held, member, operands, refuse_elsewhere, refuse_unless_healthy, soft_partitions, spoken, worth)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import Detach, change
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_members import to_split, undo_id

# Time limit of one state-changing command outside the window. They queue on the manager's own lock, which has no limit.
LIMIT = 120


def split(context, cut):
    """Split option members in one window, and return the module's result. In check mode only say what would be done."""
    context.refuse_ended()
    work = to_split(context, cut)
    if already_split(context, work, cut):
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'], chosen=choices(work))
    for name in work.names:
        refuse_unless_healthy(work.mirrors[name])
    members = [describe(work, *pair) for pair in work.pairs]
    window, verdict = prepare_window(context, work, cut, members)
    if context.check:
        for argv in window.commands():
            context.runner.plan(argv)
        return dict(changed=True, before=work.before, after=work.predicted(cut.word), members=members, verdict=verdict,
                    chosen=choices(work))
    cut_all(context, work, cut, members, window, verdict)
    return dict(changed=True, before=work.before, after=work.now(), members=members, window=context.record.data['window'],
                verdict=verdict, chosen=choices(work))


def choices(work):
    """The members in the form of option members, each mirror with its submirror."""
    return [{'mirror': mirror, 'submirror': submirror} for mirror, submirror in work.pairs]


def describe(work, mirror, submirror):
    """The run record's entry for a member; Refused where something is not mounted as the user expects."""
    away = _services.away(work.context.record)
    for volume, filesystem in sorted(work.wanted[mirror].volumes.items()):
        refuse_elsewhere(volume, filesystem, away)
    partitions = [volume.name for volume in soft_partitions(work.layout, mirror)]
    return member(work.mirrors[mirror], work.mirrors[mirror].submirror(submirror), partitions, away)


def already_split(context, work, cut):
    """True if this run has split exactly these members; Refused if somebody else has, or only some of them are split."""
    split_ones = [pair for pair in work.pairs if work.before[pair[0]][pair[1]] == cut.word]
    for mirror, submirror in split_ones:
        owner = work.owner(mirror, submirror)
        if owner is None:
            raise Refused('%s is %s, and no run on this host has split it.' % (submirror, cut.word), object=submirror, found=cut.word,
                          needed='okay', look=spoken('metastat -c', mirror),
                          remedy='find out who uses it; %s brings it back and overwrites its content'
                          % spoken(cut.way_back, mirror, submirror))
        if context.record is None or owner.run != context.record.run:
            raise Refused('%s was split by run %s.' % (submirror, owner.run), object=submirror, found=cut.word, needed='okay',
                          look='playbook volmgr.snapbackup.status',
                          remedy='wait for it; if it is dead, run the playbook volmgr.snapbackup.recover')
    if split_ones and (len(split_ones) != len(work.pairs) or not context.record.data['window']):
        raise Refused('Only some members are split, or the window that split them did not end well.',
                      object=', '.join(submirror for dummy, submirror in split_ones), found=cut.word, needed='all of them okay',
                      remedy='bring them back (state %s), then split all of them in one call' % cut.action)
    return bool(split_ones)


def prepare_window(context, work, cut, members):
    """The Window for members, checked, and what it will be worth."""
    params = context.params
    run = params['run']
    directory = context.record.make_directory() if context.record and not context.check else params['state_dir']
    applications = _quiesce.application_holders(params['quiesce'], members, directory, run)
    verdict = _quiesce.worth(_quiesce.expected_verdict, worth(members), applications)
    mounted_ones = _quiesce.to_lock(held(members), params['quiesce'], context.record)
    _quiesce.refuse_own_ground(mounted_ones, [params['state_dir'], tempfile.gettempdir(), context.module.tmpdir])
    holders = applications + _quiesce.lock_holders(mounted_ones, 'snapbackup:%s' % run)
    window = _quiesce.Window(holders, cuts=[change(cut, False, *pair) for pair in work.pairs],
                             confirm=lambda look: cut.confirm(Svm(look, work.svm.diskset), work.pairs),
                             seconds=_quiesce.valid_lease(params['lease']), report=os.path.join(directory, _run.REPORT),
                             not_cut=cut.not_cut)
    window.check(context.runner)
    return window, verdict


def cut_all(context, work, cut, members, window, verdict):
    """Open the window; whatever goes wrong, no member stays split without its record."""
    _split.cut(context, members, window, verdict, [split_entry(work, cut, *pair) for pair in work.pairs],
               lambda: dict(proof=cut.proof(work.svm, work.pairs), layout=work.svm.layout()),
               lambda: roll_back(context, work, cut, [pair for pair in work.pairs if begun(window, pair)]))


def begun(window, pair):
    return window.may_have_cut(tuple(operands(*pair)))


def split_entry(work, cut, mirror, submirror):
    """The undo entry of a split. While the window is open it also says by which process."""
    entry = {'id': undo_id(mirror, submirror), 'action': cut.action, 'mirror': mirror, 'submirror': submirror}
    return dict(entry, text=work.layout[submirror].text) if cut is Detach else entry


def roll_back(context, work, cut, mine):
    """Bring back what a failed window has split (mine). Returns what became of it, as a sentence."""
    try:
        found = work.now()
        for mirror, submirror in mine:
            # A half that has failed meanwhile is no source: what was split may be the last good copy.
            rest = [state for name, state in found[mirror].items() if name != submirror]
            if found[mirror][submirror] == cut.word and set(rest) == set(['okay']):
                context.runner.change(change(cut, True, mirror, submirror), timeout=LIMIT)
        now = work.now()
        left = [pair for pair in mine if now[pair[0]][pair[1]] == cut.word]
        # A resync that breaks off leaves its submirror offline again, so its entry stays until that has ended.
        home = [pair for pair in work.pairs if pair not in mine or now[pair[0]][pair[1]] == 'okay']
        # Written after the commands: a full disk must not keep a copy away.
        for pair in mine:
            if pair not in home:
                context.record.add_undo(dict(split_entry(work, cut, *pair), returning=True))
    except Refused as error:
        return 'The submirrors could not be looked at (%s): run the playbook volmgr.snapbackup.recover.' % error.message
    context.record.clear_undo(*[undo_id(*pair) for pair in home])
    if left:
        return '%s could not be brought back: run the playbook volmgr.snapbackup.recover.' % ', '.join(pair[1] for pair in left)
    return 'No submirror is left split, and nothing will be stored from this run.'
