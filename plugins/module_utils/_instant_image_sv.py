# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Volumes under the storage volume layer of Availability Suite (svadm(1M)).

States of a volume here: enabled, held (a set of this host needs it there, or another product has put it there), or disabled. svadm shows
what iiadm has put there like everything else, so this is asked of the sets.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image import (
    EXPORTED, LIMIT, InstantImage, state_of, valid_path, volumes_under_sv)

KIND = 'sv_volume'
ENABLED, HELD, DISABLED = 'enabled', 'held', 'disabled'


def undo_id(path):
    return '%s:%s' % (KIND, path)


def asked(context):
    """Option volumes, or what the run has to take back to this state."""
    named = context.params['volumes']
    if named is None:
        undo = context.record.data['undo'] if context.record else []
        named = [entry['volume'] for entry in undo if entry['id'].startswith(KIND + ':') and entry['action'] == context.params['state']]
    if len(set(named)) != len(named):
        raise Refused('A volume is named more than once.', object=', '.join(named), needed='each volume once')
    return [valid_path(path) for path in named]


class Volumes:
    """The volumes of one call. before: {path: state}"""

    def __init__(self, context):
        self.context = context
        self.svadm = _platform.need('svadm')
        self.names = asked(context)
        self.before = self.now()
        assumed = context.params['assume'] or {}
        if context.check:
            self.before.update((name, assumed[name]) for name in self.names if name in assumed)

    def now(self):
        """The states as the host shows them now."""
        found, needed = volumes_under_sv(self.context.runner), self.needed()
        return dict((name, DISABLED if name not in found else HELD if name in needed or not found[name] else ENABLED)
                    for name in self.names)

    def needed(self):
        """{raw device: shadow of the set that needs to see what is written to it}"""
        found = {}
        for one in InstantImage(self.context.runner).sets().values() if _platform.find('iiadm') else ():
            found[one.master] = one.shadow
            if state_of(one) != EXPORTED:
                found[one.shadow] = one.shadow
        return found

    def bring(self, name, wanted):
        """One volume in each call: svadm takes no more (svadm(1M))."""
        if self.context.record and not self.context.check:
            self.note(name)
        result = self.context.change([self.svadm, '-e' if wanted == ENABLED else '-d', name], timeout=LIMIT)
        if result is None:
            return
        found = self.now()[name]
        # The exit code alone proves nothing in either direction.
        if found not in ((wanted, HELD) if wanted == ENABLED else (wanted,)):
            raise CommandFailed(result, None if result.rc else '%s had no effect.' % ' '.join(result.argv), object=name, found=found,
                                needed=wanted, look='svadm -i')

    def note(self, name):
        """Enter the way back before acting, unless this call is the way back."""
        if undo_id(name) not in [entry['id'] for entry in self.context.record.data['undo']]:
            self.context.record.add_undo({'id': undo_id(name), 'action': self.before[name], 'volume': name})


def change(context):
    context.refuse_ended()
    work, wanted = Volumes(context), context.params['state']
    # In check mode what a set holds is predicted to be let go with its export.
    reached = (ENABLED, HELD) if wanted == ENABLED else (DISABLED, HELD) if context.check else (DISABLED,)
    moving = [name for name in work.names if work.before[name] not in reached]
    if wanted == DISABLED:
        refuse_held(work, moving)
    for name in moving:
        work.bring(name, wanted)
    after = dict((name, wanted if wanted == DISABLED or name in moving else work.before[name]) for name in work.names)
    after = after if context.check else work.now()
    if context.record and not context.check:
        context.record.clear_undo(*[entry['id'] for entry in context.record.data['undo'] for name in work.names
                                    if entry['id'] == undo_id(name) and is_back(entry['action'], after[name])])
    return dict(changed=bool(moving), before=work.before, after=after)


def is_back(old, state):
    """Whether a volume is as it was. Once its set has joined it is held, whoever has put it under SV."""
    return state == old or (old, state) == (ENABLED, HELD)


def refuse_held(work, names):
    """Refused if one of these is held."""
    for name in names:
        if work.before[name] == HELD:
            shadow = work.needed().get(name)
            raise Refused('%s is needed under SV, or writes to it would not be noticed.' % name, object=name,
                          found='the set of shadow %s' % shadow if shadow else 'held by another product',
                          look='iiadm -l; svadm -i; dscfg -l', needed='a shadow that is exported, or no set',
                          remedy='module ii_set, state exported or disabled')
