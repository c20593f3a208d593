# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Volumes under the storage volume layer of Availability Suite (svadm(1M)).

States of a volume here: enabled (svadm -e has put it there), held (another product has, as iiadm does with the volumes of its sets), or
disabled.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image import EXPORTED, LIMIT, InstantImage, state_of, valid_path
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import parse_volumes_of_sv

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
        result = self.context.runner([self.svadm])
        if result.rc != 0:
            raise CommandFailed(result, 'svadm does not tell which volumes there are.', look='svadm -i')
        found = parse_volumes_of_sv(result.out, result.err)
        return dict((name, (ENABLED if found[name] else HELD) if name in found else DISABLED) for name in self.names)

    def bring(self, name, wanted):
        """One volume in each call: svadm takes no more (svadm(1M))."""
        if self.context.record and not self.context.check:
            self.note(name)
        result = self.context.change([self.svadm, '-e' if wanted == ENABLED else '-d', name], timeout=LIMIT)
        if result is None:
            return
        found = self.now()[name]
        # The exit code alone proves nothing in either direction.
        if found != wanted:
            raise CommandFailed(result, None if result.rc else '%s had no effect.' % ' '.join(result.argv), object=name, found=found,
                                needed=wanted, look='svadm -i')

    def note(self, name):
        """Enter the way back before acting, unless this call is the way back."""
        if undo_id(name) not in [entry['id'] for entry in self.context.record.data['undo']]:
            self.context.record.add_undo({'id': undo_id(name), 'action': self.before[name], 'volume': name})


def change(context):
    context.refuse_ended()
    work, wanted = Volumes(context), context.params['state']
    reached = (ENABLED, HELD) if wanted == ENABLED else (DISABLED,)
    moving = [name for name in work.names if work.before[name] not in reached]
    if wanted == DISABLED and moving:
        refuse_needed(work, moving)
    for name in moving:
        work.bring(name, wanted)
    after = dict(work.before, **dict((name, wanted) for name in moving)) if context.check else work.now()
    if context.record and not context.check:
        context.record.clear_undo(*[entry['id'] for entry in context.record.data['undo'] for name in work.names
                                    if entry['id'] == undo_id(name) and entry['action'] == after[name]])
    return dict(changed=bool(moving), before=work.before, after=after)


def refuse_needed(work, names):
    """Refused if a set needs to see what is written to one of these, or another product holds it."""
    sets = InstantImage(work.context.runner).sets().values() if _platform.find('iiadm') else []
    for name in names:
        used = [found.shadow for found in sets if name == found.master or name == found.shadow and state_of(found) != EXPORTED]
        if used and not work.context.check:
            raise Refused('A set needs to see what is written to %s.' % name, object=name, found='the set of shadow %s' % used[0],
                          needed='a shadow that is exported, or no set', look='iiadm -l',
                          remedy='module ii_set, state exported or disabled')
        if work.before[name] == HELD:
            raise Refused('%s is held by another product than svadm.' % name, object=name, found='not in the configuration of svadm',
                          needed='enabled by svadm', look='svadm -i; dscfg -l', remedy='let that product go of it')
