# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rolling a mirror back to its frozen half: the mirror is built anew on the copy that a backup run has split.

The volume manager has no command for it, and metaonline would copy in the other direction. The steps:

  1. metadetach MIRROR FROZEN               unless it was detached already; of all mirrors before the next step of any
  2. metaclear MIRROR                       the other halves become volumes of their own and keep the newer data
  3. metainit MIRROR -m FROZEN OPTIONS      one half only, so that nothing is mixed
  4. chown, chmod                           the device nodes are new
  5. metattach MIRROR OTHER                 for each other half, which is overwritten: only after somebody has looked

What is to be done is written into the record of the restore before the first step: see _svm_plan.
After an interruption at any point the same call finds the step to go on with.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import copy

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, argv, mounts_of, operands, raw_device, spoken, state_alone, states)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_home import suggests_metasync, timed_clauses
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import MIRROR, mirror_options
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_plan import begin, end, nodes_of, plans_of, refuse_busy
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_split import LIMIT

METAPARAM = ('-r', '-w', '-p')
GIVE_UP = 'state given_up of svm_mirror, or snapbackup_rollback_given_up=true'


class RollBack:
    """One mirror on its way back. plan: see new_plan(). Reads what there is whenever it is asked."""

    def __init__(self, context, plan):
        self.context = context
        self.plan = plan
        self.mirror, self.frozen, self.others = plan['mirror'], plan['frozen'], plan['others']
        self.svm = Svm(context.runner, self.mirror.rpartition('/')[0] or None)
        self.exists = self.params = self.built = self.result = None

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
            self.built = self.svm.mirrors([self.mirror])[self.mirror]
            found.update(states({self.mirror: self.built})[self.mirror])
        strange = sorted(half for half, state in found.items() if half not in self.plan['texts'] or state in ('used', 'absent'))
        if strange:
            raise Refused('%s is not where the roll-back of %s has left it.' % (strange[0], self.mirror), object=strange[0],
                          found=found[strange[0]], needed='a submirror of %s, or a volume of its own' % self.mirror,
                          look=spoken('metastat -p', self.mirror))
        return found

    def is_void(self, found):
        """Whether the frozen half is in the mirror and has been overwritten, by a boot for example. found: look()."""
        lost = found[self.frozen] not in (self.plan['cut'], 'detached')
        return not self.plan['rebuilt'] and self.exists and lost and len(self.halves(found)) > 1

    def is_untouched(self, found):
        """Whether the mirror is as it was before the first step."""
        away = [half for half, state in found.items() if state == 'detached' and not (half == self.frozen and self.plan['cut'] == state)]
        return not self.plan['rebuilt'] and self.exists and not away

    def free(self, found):
        """Step 1. From then on a boot does not harm the frozen half."""
        if not self.plan['rebuilt'] and found[self.frozen] == 'offline':
            refuse_busy(self.mirror)
            source = _run.load(self.context.params['state_dir'], self.plan['source'])
            _split.refuse_changed(self.context.runner, source, timed_clauses(source, self.mirror))
            self.run(argv('metadetach', self.mirror, self.frozen))
            self.expect(lambda now: now[self.frozen] == 'detached', 'without %s' % self.frozen)
            found[self.frozen] = 'detached'

    def rebuild(self, found):
        """Steps 2 to 4, from wherever they are."""
        if self.plan['rebuilt']:
            return
        if self.exists and self.halves(found) != [self.frozen]:
            refuse_busy(self.mirror)
            self.run(argv('metaclear', self.mirror))
            self.expect(lambda now: not self.exists, 'cleared')
            self.exists = False
        if not self.exists:
            self.refuse_mounted_halves()
            self.run(argv('metainit', self.mirror) + ['-m', operands(self.frozen)[-1]] + self.plan['options'])
            self.expect(lambda now: now[self.frozen] == 'okay' and self.halves(now) == [self.frozen], 'on %s alone' % self.frozen)
        self.set_params()
        self.set_nodes()
        self.note(rebuilt=True)

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
        broken = self.broken_off(found)
        for half in away:
            # What is in the mirror and not entered here was attached by somebody else, and may be where the data came from.
            self.note(attaching=sorted(set(self.attaching + [half])))
            self.run(argv('metattach', self.mirror, half))
            self.expect(lambda now: now[half] != 'detached', 'with %s attached' % half)
        if broken:
            self.run(argv('metasync', self.mirror))
            self.expect(lambda now: not self.broken_off(now), 'with %s resyncing' % ', '.join(broken))
        return bool(away or broken)

    @property
    def attaching(self):
        # Records of version 0.2.0 lack it.
        return self.plan.get('attaching', self.others)

    def broken_off(self, found):
        """The attached halves whose resync was interrupted, and goes on by metasync(1M)."""
        stuck = [half for half in self.others if found[half] in ('maintenance', 'cancelled')]
        return [half for half in stuck if suggests_metasync(self.built.submirror(half), self.mirror)]

    def refuse_foreign(self, found):
        """Refused if a mirror that was rolled back has halves that this restore has not attached, or not behind the frozen one."""
        inside = [half for half in self.others if found[half] != 'detached'] if self.plan['rebuilt'] else []
        strange = [half for half in inside if half not in self.attaching or self.built.submirrors[0].name != self.frozen]
        if strange:
            raise Refused('%s was put into %s, and not by this restore, so nobody knows whose data %s holds.'
                          % (strange[0], self.mirror, self.mirror), object=strange[0],
                          found='%s of %s' % (', '.join(half.name for half in self.built.submirrors), self.mirror),
                          needed='%s, and then what this restore attaches' % self.frozen, look=spoken('metastat -p', self.mirror),
                          remedy='if the newer data are to stay, give the roll-back up (%s); if not, build it on %s alone again'
                          % (GIVE_UP, self.frozen))

    def refuse_attaching(self, found):
        self.refuse_foreign(found)
        predicted = self.context.check and self.context.params['assume']
        if not (self.plan['rebuilt'] or predicted) or found[self.frozen] != 'okay':
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


def roll_back(context):
    """Build the mirrors anew on their frozen halves, and return the module's result."""
    context.refuse_ended()
    plans = begin(context)
    work = [RollBack(context, plan) for plan in plans]
    before = dict((each.mirror, each.look()) for each in work)
    changed = not all(plan['rebuilt'] for plan in plans)
    for each in work:
        each.refuse_foreign(before[each.mirror])
    refuse_void(context, work, before)
    found = copy.deepcopy(before)
    # All copies are made safe before the first volume is touched.
    for step in (RollBack.free, RollBack.rebuild):
        for each in work:
            step(each, found[each.mirror])
    after = dict((each.mirror, each.predicted('detached') if context.check else each.look()) for each in work)
    return dict(changed=changed, before=before, after=after)


def refuse_void(context, work, before):
    """Refused where a copy is lost; the restore may be ended then, if none of its mirrors was touched."""
    for each in work:
        found = before[each.mirror]
        if each.is_void(found):
            untouched = all(other.is_untouched(before[other.mirror]) for other in work)
            if untouched and not context.check:
                end(context.record, [other.plan['id'] for other in work], {})
            raise Refused('%s is not frozen any more, so there is nothing to roll back to.' % each.frozen, object=each.frozen,
                          found=found[each.frozen], needed=each.plan['cut'], look=spoken('metastat -c', each.mirror),
                          remedy='restore from the image' if untouched else
                          'give the roll-back up (%s), run the playbook volmgr.snapbackup.recover, then restore from the image' % GIVE_UP)


def attach_others(context):
    """Attach the other halves to mirrors that were rolled back, which overwrites them, and return the module's result."""
    assumed = context.check and context.params['assume']
    plans = begin(context) if assumed else plans_of(context.record)
    work = [RollBack(context, plan) for plan in plans]
    before = assumed or dict((each.mirror, each.look()) for each in work)
    for each in work:
        each.refuse_attaching(before[each.mirror])
    changed = [each.attach(before[each.mirror]) for each in work]
    after = dict((each.mirror, each.predicted('okay') if context.check else each.look()) for each in work)
    return dict(changed=any(changed), before=before, after=after)
