# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rolling a mirror back to its frozen half: the mirror is built anew on the copy that a backup run has split.

The volume manager has no command for it, and metaonline would copy in the other direction. The steps:

  1. metadetach MIRROR FROZEN               unless it was detached already
  2. metaclear MIRROR                       the other halves become volumes of their own and keep the newer data
  3. metainit MIRROR -m FROZEN OPTIONS      one half only, so that nothing is mixed
  4. chown, chmod                           the device nodes are new
  5. metattach MIRROR OTHER                 for each other half, which is overwritten: only after somebody has looked

What is to be done is written into the record of the restore before the first step; from then on the copy is the restore's.
After an interruption at any point the same call finds the step to go on with.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, argv, block_device, mounts_of, operands, raw_device, spoken, state_alone, states)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import BY_ACTION
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_home import faults_of_rest, refuse_in_use
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import MIRROR, mirror_options, rebuilding, users
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_members import split_entries, to_bring_home, undo_id
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_split import LIMIT

METAPARAM = ('-r', '-w', '-p')


def plan_id(mirror):
    return 'svm_mirror:%s' % mirror


def plans_of(record):
    """What a restore has begun to roll back, and not finished; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith('svm_mirror:')] if record else []


def new_plans(context, source):
    """The plans for everything that the backup run source has split and still has; Refused unless each can be rolled back now.

    A plan is an undo entry: mirror, frozen (the half to keep), others, cut (the word for how it was split), options (as in
    metainit), params (as in metaparam), texts {half: its line of metastat -p}, nodes {path: [uid, gid, mode]}, rebuilt.
    """
    entries = split_entries(source)
    if not entries or not source.is_open or source.data['kind'] != 'backup' or source.data['verdict'] in (None, 'torn'):
        raise Refused('Run %s has no frozen copies to roll back to.' % source.run, object=source.run,
                      found='%s, verdict %s, %d copies' % ('open' if source.is_open else source.data['result'], source.data['verdict'],
                                                           len(entries)),
                      needed='an open backup run whose copies were retained', look='playbook volmgr.snapbackup.status')
    return [new_plan(context, source, entry) for entry in entries]


def new_plan(context, source, entry):
    mirror, frozen, cut = entry['mirror'], entry['submirror'], BY_ACTION[entry['action']]
    svm = Svm(context.runner, mirror.rpartition('/')[0] or None)
    svm.refuse_foreign_set()
    found = svm.mirrors([mirror])[mirror]
    layout = svm.volumes()
    state = states({mirror: found})[mirror].get(frozen) or state_alone(layout, frozen)
    if entry.get('returning') or entry.get('by') or state != cut.word:
        raise Refused('%s is not the frozen copy of run %s any more.' % (frozen, source.run), object=frozen, found=state, needed=cut.word,
                      look=spoken('metastat -c', mirror), remedy='restore from the image')
    refuse_changed(context, source)
    refuse_in_use(source, frozen)
    refuse_unusable(found, frozen, users(layout, mirror))
    refuse_busy(mirror)
    others = [half for half in layout[mirror].parts if half != frozen]
    return {'id': plan_id(mirror), 'action': 'rolled_back', 'mirror': mirror, 'frozen': frozen, 'others': others, 'cut': cut.word,
            'options': rebuilding(layout[mirror]), 'params': list(mirror_options(layout[mirror])),
            'texts': dict((half, layout[half].text) for half in others + [frozen]), 'nodes': nodes_of(mirror), 'rebuilt': False,
            'source': source.run}


def refuse_changed(context, source):
    """Refused unless the copies are still the cut of the run: a boot or a release of the set brings an offline one home."""
    for clause in source.data['proof']:
        result = context.runner(clause['argv'])
        if result.rc is None or not re.search(clause['match'], result.out, re.MULTILINE):
            raise Refused('The copy is not proved to be still the one that run %s has split.' % source.run, object=source.run,
                          found=result.out.strip()[-500:] or 'no answer', vendor=result.err.strip()[-500:] or None,
                          needed='an answer that matches %s' % clause['match'], look=' '.join(clause['argv']),
                          remedy='restore from the image')


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


class RollBack:
    """One mirror on its way back. plan: see new_plans(). Reads what there is whenever it is asked."""

    def __init__(self, context, plan):
        self.context = context
        self.plan = plan
        self.mirror, self.frozen, self.others = plan['mirror'], plan['frozen'], plan['others']
        self.svm = Svm(context.runner, self.mirror.rpartition('/')[0] or None)

    def look(self):
        """{half: state}: as in _svm. Without the mirror every half stands on its own. Refused if a half was built otherwise since."""
        layout = self.svm.volumes()
        for half, text in sorted(self.plan['texts'].items()):
            if half not in layout or layout[half].text != text:
                raise Refused('%s is not built as it was when the roll-back began.' % half, object=half,
                              found=layout[half].text.strip() if half in layout else 'no such volume', needed=text.strip(),
                              look=spoken('metastat -p', half))
        found = dict((half, state_alone(layout, half)) for half in self.plan['texts'])
        self.exists = self.mirror in layout
        if self.exists:
            if layout[self.mirror].kind != MIRROR:
                raise Refused('%s is no mirror any more.' % self.mirror, object=self.mirror, found=layout[self.mirror].text.strip(),
                              look=spoken('metastat -p', self.mirror))
            self.params = list(mirror_options(layout[self.mirror]))
            found.update(states(self.svm.mirrors([self.mirror]))[self.mirror])
        strange = sorted(half for half, state in found.items() if half not in self.plan['texts'] or state in ('used', 'absent'))
        if strange:
            raise Refused('%s is not where the roll-back of %s has left it.' % (strange[0], self.mirror), object=strange[0],
                          found=found[strange[0]], needed='a submirror of %s, or a volume of its own' % self.mirror,
                          look=spoken('metastat -p', self.mirror))
        return found

    def rebuild(self, found):
        """Steps 1 to 4, from wherever they are. found: look()."""
        if self.plan['rebuilt']:
            return
        if self.exists and set(self.halves(found)) != set([self.frozen]):
            self.take_apart(found)
            found = dict.fromkeys(found, 'detached')
            self.exists = False
        if not self.exists:
            self.refuse_mounted_halves()
            self.do('metainit', self.mirror, '-m', operands(self.frozen)[-1], *self.plan['options'])
            self.expect(lambda now: now[self.frozen] == 'okay' and self.halves(now) == [self.frozen], 'on %s alone' % self.frozen)
        self.set_params()
        self.set_nodes()
        self.note(rebuilt=True)

    def take_apart(self, found):
        state = found[self.frozen]
        if state != self.plan['cut'] and state != 'detached':
            raise Refused('%s is not frozen any more, so there is nothing to roll back to.' % self.frozen, object=self.frozen, found=state,
                          needed=self.plan['cut'], look=spoken('metastat -c', self.mirror), remedy='restore from the image')
        refuse_busy(self.mirror)
        if state != 'detached':
            self.run(argv('metadetach', self.mirror, self.frozen))
            self.expect(lambda now: now[self.frozen] == 'detached', 'without %s' % self.frozen)
        self.run(argv('metaclear', self.mirror))
        self.expect(lambda now: not self.exists, 'cleared')

    def refuse_mounted_halves(self):
        for half in [self.frozen] + self.others:
            for mount in mounts_of(half):
                raise Refused('%s is mounted.' % half, object=half, found=mount.point, needed='not mounted', look='mount',
                              remedy='umount %s' % mount.point)

    def set_params(self):
        """metaparam(1M), where the mirror was built by hand with other options."""
        if not self.context.check and self.params != self.plan['params']:
            words = [word for pair in zip(METAPARAM, self.plan['params']) for word in pair]
            self.run([_platform.need('metaparam')] + operands(self.mirror)[:-1] + words + operands(self.mirror)[-1:])
            self.expect(lambda now: self.params == self.plan['params'], 'with options %s' % ' '.join(self.plan['params']))

    def set_nodes(self):
        for path, (uid, gid, mode) in sorted(self.plan['nodes'].items()):
            self.run([_platform.need('chown'), '%d:%d' % (uid, gid), path])
            self.run([_platform.need('chmod'), mode, path])
        if not self.context.check and nodes_of(self.mirror) != self.plan['nodes']:
            raise Refused('The device nodes of %s have not got their owner and mode back.' % self.mirror, object=self.mirror,
                          found=str(nodes_of(self.mirror)), needed=str(self.plan['nodes']), look='ls -lL %s' % raw_device(self.mirror))

    def attach(self, found):
        """Step 5, for every half that is not at home yet. True if there was one."""
        self.refuse_attaching(found)
        away = [half for half in self.others if found[half] == 'detached']
        for half in away:
            self.run(argv('metattach', self.mirror, half))
            self.expect(lambda now: now[half] != 'detached', 'with %s attached' % half)
        return bool(away)

    def refuse_attaching(self, found):
        if not self.plan['rebuilt'] and not self.context.check or found[self.frozen] != 'okay':
            raise Refused('%s is not rolled back, so nothing is attached to it.' % self.mirror, object=self.mirror,
                          found='%s %s' % (self.frozen, found[self.frozen]), needed='%s okay in a mirror built anew' % self.frozen,
                          look=spoken('metastat', self.mirror), remedy='roll it back first (state rolled_back)')
        for half in self.others:
            if found[half] == 'detached' and mounts_of(half):
                raise Refused('%s is mounted, and would be overwritten.' % half, object=half, found=mounts_of(half)[0].point,
                              needed='not mounted', look='mount', remedy='umount %s' % mounts_of(half)[0].point)

    def halves(self, found):
        """The halves that are in the mirror."""
        return sorted(half for half, state in found.items() if state != 'detached')

    def do(self, tool, volume, *words):
        self.run(argv(tool, volume) + list(words))

    def run(self, command):
        self.result = self.context.change(command, timeout=LIMIT)

    def expect(self, true, needed):
        """CommandFailed unless true(look()) after the last command; its exit code alone proves nothing in either direction."""
        if self.context.check:
            return
        now = self.look()
        if not true(now):
            raise CommandFailed(self.result, '%s did not do what it was told.' % ' '.join(self.result.argv), object=self.mirror,
                                found=', '.join('%s %s' % item for item in sorted(now.items())), needed='%s %s' % (self.mirror, needed),
                                look=spoken('metastat -p', self.mirror),
                                remedy='nothing is lost: end what uses the volume, then run the same again')

    def note(self, **fields):
        self.plan.update(fields)
        if not self.context.check:
            self.context.record.add_undo(self.plan)

    def predicted(self, word):
        """The halves once the mirror is built anew (others detached) or redundant again (others okay)."""
        return dict(dict.fromkeys(self.others, word), **{self.frozen: 'okay'})


def take_over(context, source, plans):
    """Make the frozen copies those of the restore: whoever ends the backup run does not bring them home any more."""
    for plan in plans:
        context.record.add_undo(plan)
    source.clear_undo(*[undo_id(plan['mirror'], plan['frozen']) for plan in plans])


def roll_back(context):
    """Build the mirrors anew on their frozen halves, and return the module's result."""
    context.refuse_ended()
    plans = plans_of(context.record)
    if not plans:
        source = _run.load(context.params['state_dir'], context.params['source_run'])
        plans = new_plans(context, source)
        if not context.check:
            refuse_other_kind(context.record)
            take_over(context, source, plans)
    work = [RollBack(context, plan) for plan in plans]
    before = dict((each.mirror, each.look()) for each in work)
    changed = not all(plan['rebuilt'] for plan in plans)
    for each in work:
        each.rebuild(before[each.mirror])
    after = dict((each.mirror, each.predicted('detached') if context.check else each.look()) for each in work)
    return dict(changed=changed, before=before, after=after)


def refuse_other_kind(record):
    if record.data['kind'] != 'restore':
        raise Refused('Run %s is no restore.' % record.run, object=record.run, found='kind %s' % record.data['kind'],
                      needed='a run that was opened with kind restore')


def attach_others(context):
    """Attach the other halves to mirrors that were rolled back, which overwrites them, and return the module's result."""
    plans = plans_of(context.record)
    assumed = context.check and context.params['assume']
    if assumed and not plans:
        plans = new_plans(context, _run.load(context.params['state_dir'], context.params['source_run']))
    work = [RollBack(context, plan) for plan in plans]
    before = assumed or dict((each.mirror, each.look()) for each in work)
    changed = [each.attach(before[each.mirror]) for each in work]
    after = dict((each.mirror, each.predicted('okay') if context.check else each.look()) for each in work)
    return dict(changed=any(changed), before=before, after=after)



def prove(context):
    """Refused unless every mirror that the run has split, or rolled back, has all its submirrors in step again; its undo entries end."""
    work = to_bring_home(context)
    rolled = [RollBack(context, plan) for plan in plans_of(context.record)]
    found = dict(work.before, **dict((each.mirror, each.look()) for each in rolled))
    if not context.check:
        refuse_unfinished(rolled)
        refuse_away(found)
        context.record.clear_undo(*[undo_id(*pair) for pair in work.pairs] + [each.plan['id'] for each in rolled])
    return dict(changed=False, before=found, after=found, unmirrored=unmirrored(context) if context.record else {})


def refuse_unfinished(rolled):
    for each in rolled:
        if not each.plan['rebuilt']:
            raise Refused('%s is not rolled back.' % each.mirror, object=each.mirror, found='a roll-back that was begun',
                          needed='state rolled_back, then state mirrored')


def refuse_away(found):
    """Refused if a submirror is not in step. found: {mirror: {submirror: state}}."""
    for mirror, halves in sorted(found.items()):
        away = ['%s is %s' % item for item in sorted(halves.items()) if item[1] != 'okay']
        if away:
            raise Refused('Mirror %s is not redundant again.' % mirror, object=mirror, found='; '.join(away), needed='every submirror okay',
                          look=spoken('metastat', mirror), remedy='wait for the end of the resync, or bring it home again')


def unmirrored(context):
    """{mirror: seconds since the cut} of the run's mirrors that had no second half left; seconds are null over a boot."""
    data = context.record.data
    if not data['window'] or data['kind'] != 'backup':
        return {}
    same_boot = data['boot'] == _platform.boot_identity(context.runner)
    seconds = round(_platform.monotonic() - min(data['window']['cuts']), 1) if same_boot else None
    halves = dict((member['volume'], member.get('halves')) for member in data['members'])
    return dict((mirror, seconds) for mirror, number in halves.items() if number == 2)
