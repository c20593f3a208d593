# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Giving a roll-back up that cannot be finished, or is not wanted any more. Nothing on the volumes is changed here.

Copies that were not used go back to the backup, whose recovery brings them home with all that it looks at before. Mirrors that were built
anew stay as they are: which of their halves is the right one is not for a program to say.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import spoken
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import Detach, Offline
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_members import undo_id
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_plan import end, plans_of
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_rollback import RollBack


def give_up(context):
    """Take the plans out of the record of a restore, and return the module's result. No plans are none to give up."""
    context.refuse_ended()
    plans = plans_of(context.record)
    work = [RollBack(context, plan) for plan in plans if not plan['rebuilt']]
    found = dict((each.mirror, each.look()) for each in work)
    for each in work:
        refuse_apart(each, found[each.mirror])
    if plans and not context.check:
        # In this order: after an interruption both records have it, and the same call is run again.
        hand_back(context, plans[0]['source'], [entry_for(each, found[each.mirror]) for each in work])
        end(context.record, [plan['id'] for plan in plans], {})
    return dict(changed=bool(plans), before=found, after=found, handed_back=[each.mirror for each in work],
                left=[plan['mirror'] for plan in plans if plan['rebuilt']])


def refuse_apart(each, found):
    """Refused while the mirror does not stand on all its other halves: then it has been taken apart, and not been built anew."""
    away = [half for half in each.others if found[half] == 'detached']
    if away or not each.exists:
        raise Refused('Mirror %s is taken apart.' % each.mirror, object=each.mirror,
                      found=', '.join('%s %s' % item for item in sorted(found.items())), needed='a mirror of %s' % ', '.join(each.others),
                      look=spoken('metastat -p', each.mirror),
                      remedy='finish the roll-back (state rolled_back), or build the mirror on the half with the newer data by hand')


def entry_for(each, found):
    """The undo entry of a backup for a copy that comes back to it. From now on it is no copy to restore from."""
    cut = Detach if 'detached' in (each.plan['cut'], found[each.frozen]) else Offline
    return {'id': undo_id(each.mirror, each.frozen), 'action': cut.action, 'mirror': each.mirror, 'submirror': each.frozen,
            'text': each.plan['texts'][each.frozen], 'returning': True}


def hand_back(context, run, entries):
    """Enter what the backup has to bring home again; it is not kept any longer."""
    source = _run.load(context.params['state_dir'], run)
    for entry in entries:
        source.add_undo(entry)
    source.update(retained=None)
