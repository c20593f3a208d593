# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Bringing split submirrors home, which overwrites the frozen copy: only this run's, and only if it is not the last good one."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import copy
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import argv, faults, mounts_of, operands, spoken
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import Detach, change
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_members import entry_of, split_entries, to_bring_home, undo_id
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import parse_report
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_split import LIMIT


def bring_home(context):
    """Start the resync of option members, or of what the run has split, and return the module's result."""
    work = to_bring_home(context)
    if context.check and context.params['assume']:
        work.before = context.params['assume']
    if context.record:
        _split.refuse_being_split(context.record, split_entries(context.record))
    foreign = dict((pair, why_foreign(context, work, *pair)) for pair in work.pairs)
    # All are looked at before the first is overwritten: of a set of which one cannot come home, the others may be needed with it.
    ways = [(pair, way_home(context, work, *pair)) for pair in work.pairs if not foreign[pair]]
    for pair in [pair for pair in work.pairs if foreign[pair]]:
        context.module.warn('%s is not the copy of run %s any more, %s; it is left alone.' % (pair[1], context.record.run, foreign[pair]))
        if not context.check:
            context.record.clear_undo(undo_id(*pair))
    for pair, command in ways:
        if command:
            bring_back(context, work, command, *pair)
    changed = any(command for dummy, command in ways)
    after = work.predicted('okay') if context.check else work.now()
    if context.record and not context.check:
        context.record.clear_undo(*[undo_id(*pair) for pair in work.pairs if after[pair[0]][pair[1]] == 'okay'])
    return dict(changed=changed, before=work.before, after=after)


def why_foreign(context, work, mirror, submirror):
    """Why a submirror that is not at home is not the run's copy any more, or None."""
    entry = entry_of(context.record, mirror, submirror)
    state = work.before[mirror][submirror]
    if entry is None:
        return None
    if work.cuts[mirror, submirror] is Detach:
        if state in ('absent', 'used') or state == 'detached' and work.layout[submirror].text != entry['text']:
            return 'which stood on its own and is now %s' % {'detached': 'built of other components'}.get(state, state)
    elif state == 'offline' and not context.check and was_split_again(context, entry):
        return 'since it came home, and somebody has taken it offline again'
    return None


def was_split_again(context, entry):
    """Whether an offline submirror is not the run's copy any more: a boot has brought it home, or its state has changed since the cut.

    A resync that this run has started and that broke off changes the state too; then it still is the run's.
    """
    # The time of the split outlives a boot that leaves the submirror offline (pass number 0), so only it tells.
    clauses = timed_clauses(context.record, entry['mirror'])
    same_boot = context.record.data['boot'] == _platform.boot_identity(context.runner)
    if not clauses or entry.get('returning') and same_boot:
        return not same_boot
    return not all(tells_the_cut(context, clause, entry) for clause in clauses)


def tells_the_cut(context, clause, entry):
    """Whether metastat -t still tells the time of the cut. UnknownWord where it tells no time: then nobody knows whose copy it is."""
    out = context.runner.expect(clause['argv']).out
    if re.search(clause['match'], out, re.MULTILINE):
        return True
    mirror = parse_report(out).get(entry['mirror'])
    submirror = mirror and mirror.submirror(entry['submirror'])
    if not submirror or not submirror.since:
        raise UnknownWord('metastat does not tell since when %s is offline.' % entry['submirror'], object=entry['submirror'],
                          found=out.strip()[:200] or 'no answer', needed='the time of its last change of state',
                          look=' '.join(clause['argv']), remedy='nothing was done; run the same again')
    return False


def timed_clauses(record, mirror):
    """The clauses of a run's proof that tell since when the submirror of one mirror is offline."""
    timed = ['-t'] + operands(mirror)
    return [clause for clause in record.data['proof'] if clause['argv'][-len(timed):] == timed]


def way_home(context, work, mirror, submirror):
    """The command that starts the resync of one submirror; None where there is nothing to do. Refused if it must not be run."""
    state, cut = work.before[mirror][submirror], work.cuts[mirror, submirror]
    if state in ('okay', 'resyncing'):
        return None
    if state == cut.word:
        refuse_overwriting(context, work, cut, mirror, submirror)
        return change(cut, True, mirror, submirror)
    if suggests_metasync(work.mirrors[mirror].submirror(submirror), mirror):
        return argv('metasync', mirror)
    raise Refused('%s cannot be brought home as it is.' % submirror, object=submirror, found=state, needed=cut.word,
                  look=spoken('metastat', mirror), remedy=invoke_of(work.mirrors[mirror].submirror(submirror)) or 'repair the mirror')


def bring_back(context, work, command, mirror, submirror):
    """Start the resync of one submirror."""
    state = work.before[mirror][submirror]
    entry = entry_of(context.record, mirror, submirror)
    if entry and not context.check:
        context.record.add_undo(dict(entry, returning=True))
    result = context.change(command, timeout=LIMIT)
    # The exit code alone proves nothing in either direction.
    if result is not None and work.now()[mirror][submirror] == state:
        raise CommandFailed(result, '%s did not come home.' % submirror, object=submirror, found=state, needed='resyncing or okay',
                            look=spoken('metastat -c', mirror),
                            remedy='if another submirror of %s is resyncing, wait for its end and run again' % mirror)


def invoke_of(submirror):
    return submirror.invoke if submirror else ''


def suggests_metasync(submirror, mirror):
    return invoke_of(submirror).split()[:1] == ['metasync'] and submirror.invoke.split()[-1] in (mirror, operands(mirror)[-1])


def refuse_overwriting(context, work, cut, mirror, submirror):
    """Refused if bringing the submirror home would destroy the last good copy, or one that is in use."""
    rest = faults_of_rest(work.mirrors[mirror], submirror)
    if rest:
        raise Refused('%s is not brought home: it may hold the last good copy of %s.' % (submirror, mirror), object=submirror,
                      found='; '.join(rest), needed='every other submirror okay', look=spoken('metastat', mirror),
                      remedy='repair the others first, or roll back to this copy')
    owner = work.owner(mirror, submirror)
    mine = context.record
    if owner is not None and (mine is None or owner.run != mine.run):
        raise Refused('%s was split by run %s.' % (submirror, owner.run), object=submirror,
                      remedy='bring it back as that run, or run recover')
    if mine is not None and owner is None and not context.check:
        raise Refused('%s is %s, but not by run %s.' % (submirror, cut.word, mine.run), object=submirror, found=cut.word,
                      remedy='find out who uses it; without option run this module brings it back')
    refuse_in_use(mine, submirror)


def refuse_in_use(record, submirror):
    """Refused while the run's job reads the copy, or somebody has it mounted."""
    if record is not None and record.data['job'] and alive(record.data['job']):
        raise Refused('The copy job of run %s still reads %s.' % (record.run, submirror), object=submirror,
                      remedy='wait for it, or stop it')
    mounted = [mount.point for mount in mounts_of(submirror)]
    if mounted:
        raise Refused('%s is mounted, and its blocks would change below the mount.' % submirror, object=submirror, found=mounted[0],
                      needed='not mounted', look='mount', remedy='umount %s' % mounted[0])


def faults_of_rest(mirror, submirror):
    """faults() of the mirror without those of the submirror itself."""
    rest = copy.copy(mirror)
    rest.submirrors = [other for other in rest.submirrors if other.name != submirror]
    return [fault for fault in faults(rest) if fault != 'it has only one submirror']
