# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Proving that mirrors have all their submirrors in step again, which ends what a run had to undo about them."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import spoken
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_members import to_bring_home, undo_id
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_plan import end, finished_layout, plans_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_rollback import RollBack


def prove(context):
    """Refused unless all that the run has split is in step with its mirror again, and all that it has rolled back is mirrored.

    The run's undo entries about it end. Another submirror that is not in step is no matter of the run, and only warned of.
    """
    work = to_bring_home(context)
    rolled = [RollBack(context, plan) for plan in plans_of(context.record)]
    found = dict(work.before, **dict((each.mirror, each.look()) for each in rolled))
    proved = not context.check
    if proved:
        refuse_unfinished(rolled, found)
        mine = [submirror for dummy, submirror in work.pairs] + [half for each in rolled for half in each.plan['texts']]
        refuse_away(context, found, mine)
        end(context.record, [undo_id(*pair) for pair in work.pairs] + [each.plan['id'] for each in rolled],
            finished_layout(context.record, [each.plan for each in rolled]))
    return dict(changed=False, before=found, after=found, unmirrored=unmirrored(context) if proved else {})


def refuse_unfinished(rolled, found):
    for each in rolled:
        each.refuse_foreign(found[each.mirror])
        if not each.plan['rebuilt']:
            raise Refused('%s is not rolled back.' % each.mirror, object=each.mirror, found='a roll-back that was begun',
                          needed='state rolled_back, then state mirrored')


def refuse_away(context, found, mine):
    """Refused if a submirror of mine is not in step. found: {mirror: {submirror: state}}."""
    for mirror, halves in sorted(found.items()):
        away = sorted(half for half, state in halves.items() if state != 'okay')
        said = '; '.join('%s is %s' % (half, halves[half]) for half in away)
        if away and not set(away).intersection(mine):
            context.module.warn('Mirror %s is not redundant: %s.' % (mirror, said))
        elif away:
            raise Refused('Mirror %s is not redundant again.' % mirror, object=mirror, found=said, needed='every submirror okay',
                          look=spoken('metastat', mirror), remedy='wait for the end of the resync, or bring it home again')


def unmirrored(context):
    """{mirror: seconds since the cut} of the run's mirrors that had no second half left; seconds are null over a boot."""
    data = context.record.data
    if not data['window'] or data['kind'] != 'backup':
        return {}
    same_boot = data['boot'] == _platform.boot_identity(context.runner)
    seconds = round(_platform.monotonic() - min(data['window']['cuts']), 1) if same_boot else None
    return dict((member['volume'], seconds) for member in data['members'] if member.get('remaining') == 1)
