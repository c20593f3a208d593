# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Joining proxies of GDS to their masters, parting them in one freeze window, and ending the relation (sdxproxy(1M)).

States of a proxy here: separate (no relation), copying (joined, and being copied to), joined (and in step), parted, and invalid
(joined, but the copying broke off).
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _gds_volume, _platform, _quiesce, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import VALID, Gds, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_volume import EVERYWHERE
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import LIMIT, Work, class_of, entries_of

KIND = 'gds_proxy'
# Only these can be kept in step (GDS guide, preconditions of proxies).
TYPES = ('mirror', 'single', None)

Member = collections.namedtuple('Member', 'proxy master filesystem fstype')


def word(volume):
    """The state of a proxy; UnknownWord where sdxinfo does not tell whether it is one."""
    if not set(('MASTER', 'PROXY')) <= set(volume.row) or bool(volume.master) != bool(volume.relation):
        raise UnknownWord('sdxinfo does not tell what relation %s has to a master.' % volume.name, object=volume.name,
                          found='master %s, relation %s' % (volume.master, volume.relation), needed='Join, Part or none',
                          look='sdxinfo -V -o %s -e long' % volume.name)
    if volume.relation != 'joined':
        return volume.relation or 'separate'
    states = set(piece.state for piece in volume.slices)
    return 'copying' if 'copy' in states else 'joined' if states and states <= set(VALID) else 'invalid'


class Proxies(Work):
    """The proxies of one call. States: {proxy: state}, the words as above."""

    KIND, SPLIT, HOME = KIND, ('parted',), ('joined',)

    def member(self, entry):
        """The Member; its master is that of the relation, or the one that is wanted. Refused where these differ."""
        proxy, filesystem = valid_name(entry['proxy']), entry.get('filesystem')
        wanted, master = entry.get('master'), self.volume(proxy).master
        if wanted and master and wanted != master:
            raise Refused('%s is a proxy of another volume.' % proxy, object=proxy, found='master %s' % master, needed='master %s' % wanted,
                          look='sdxinfo -V -c %s -o %s -e long' % (self.gds.class_name, proxy))
        return Member(proxy, valid_name(master or wanted) if master or wanted else None, filesystem, entry.get('fstype'))

    def volume_of(self, member):
        return member.master

    def name(self, member):
        return member.proxy

    def undo(self, member):
        """unlock: the run locks the proxy while it is parted, and nobody had done so before. pjrm: what it is parted with, which not every
        release shows."""
        return {'id': self.undo_id(member), 'action': 'joined', 'class_name': self.gds.class_name, 'proxy': member.proxy,
                'master': member.master, 'unlock': self.context.params['lock'] and not self.is_locked(member),
                'pjrm': self.context.params['pjrm']}

    def undo_id(self, member):
        return ':'.join([KIND, self.gds.class_name, member.proxy])

    def is_locked(self, member):
        """Whether the proxy is locked; in check mode without the lock of a run whose proxy counts as given back, which goes with it."""
        entry = _split.entry_of(_split.owner(self.context.params['state_dir'], self.undo_id(member)), self.undo_id(member))
        goes = self.context.check and entry and entry['unlock']
        return False if goes else _gds_volume.is_locked(self.volume(member.proxy))

    def states(self, view):
        return dict((member.proxy, word(self.gds.volume(member.proxy, view))) for member in self.members)

    def state(self, member, states=None):
        return (self.before if states is None else states)[member.proxy]

    def predicted(self, state):
        return dict((member.proxy, state) for member in self.members)

    def look(self, member):
        return 'sdxinfo -VS -c %s -o %s -e long' % (self.gds.class_name, member.proxy)

    def way_back(self, member):
        return 'sdxproxy Rejoin -c %s -p %s' % (self.gds.class_name, member.proxy)

    def give_back(self, member):
        change = self.context.runner.change
        change(_gds_volume.volume_argv(self.gds.class_name, 'F', member.proxy, EVERYWHERE), timeout=LIMIT)
        change(self.argv('Rejoin', '-p', self.unit(member)), timeout=LIMIT)

    def argv(self, action, *words):
        return [_platform.need('sdxproxy'), action, '-c', self.gds.class_name] + list(words)

    def unit(self, member):
        """What sdxproxy is told: the proxy, or the proxy group it is in, whose volumes cannot be named alone."""
        group = self.view.groups.get(self.volume(member.proxy).group)
        return group['NAME'] if group and group.get('MASTER') else member.proxy

    def units(self, members):
        """[(unit, its members)]; Refused where a proxy group has more proxies than these, which would share their fate."""
        found = collections.OrderedDict()
        for member in members:
            found.setdefault(self.unit(member), []).append(member)
        for unit, mine in found.items():
            names = [member.proxy for member in mine]
            rest = [name for name, volume in self.view.volumes.items() if volume.master and unit != name and volume.group == unit
                    and name not in names]
            if rest:
                raise Refused('Proxy group %s has more volumes than were named.' % unit, object=unit, found=', '.join(sorted(rest)),
                              needed='all of them in members', look='sdxinfo -V -c %s -o %s -e long' % (self.gds.class_name, unit))
        return list(found.items())

    def refuse_faults(self, name, needed):
        """Refused unless every slice of the volume is valid and none is being copied."""
        faults = self.volume(name).faults()
        if faults:
            raise Refused('%s is not as it should be.' % name, object=name, found='; '.join(faults), needed=needed,
                          look='sdxinfo -S -c %s -o %s' % (self.gds.class_name, name),
                          remedy='repair it, or wait until the copying has ended')

    def refuse_other_size(self, member):
        sizes = [self.volume(name).blocks for name in (member.master, member.proxy)]
        if None in sizes or sizes[0] != sizes[1]:
            raise Refused('%s and %s have not the same size.' % (member.master, member.proxy), object=member.proxy,
                          found='%s and %s blocks' % tuple(sizes), needed='equal sizes', look='sdxinfo -V -c %s' % self.gds.class_name)

    def refuse_unconfirmed(self, name):
        if name not in self.context.params['confirm']:
            raise Refused('%s would be overwritten.' % name, object=name, found='confirm=%s' % ', '.join(self.context.params['confirm']),
                          needed='%s in confirm' % name, remedy='look that nobody needs its content, then confirm it by its name')


# Parting

def part(context):
    """Part the proxies of option members in one window, stop and lock them, and return the module's result."""
    context.refuse_ended()
    work = Proxies(context, context.params['class_name'])
    if work.already_split():
        data = context.record.data
        # A call that was killed after its window has left them started.
        changed = shut(work, work.view)
        return dict(changed=changed, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    for member in work.members:
        refuse_unless_partable(work, member)
    members = [member_of_record(work, member) for member in work.members]
    named = ','.join(unit for unit, mine in work.units(work.members))
    command = work.argv('Part', '-a', 'pjrm=%s' % ('on' if context.params['pjrm'] else 'off'), '-p', named)
    window, verdict = _split.prepare_window(context, members, [command], lambda look: confirm(work, look),
                                            lambda *given: worth(named, *given))
    if context.check:
        for argv in window.commands():
            context.runner.plan(argv)
    else:
        work.cut(members, window, verdict, proof(work), lambda member: ('-p', named))
    shut(work, None if context.check else work.gds.view())
    return dict(changed=True, before=work.before, after=work.predicted('parted') if context.check else work.now(), members=members,
                verdict=verdict, window=None if context.check else context.record.data['window'])


def member_of_record(work, member):
    """The run record's entry for a proxy. Of a file system that is not mounted only the user can tell the type."""
    found = work.record_member(member, len(work.volume(member.master).slices))
    return dict(found, fstype=found['fstype'] or member.fstype)


def worth(named, members, applications):
    """What the cut will be worth. The volumes of a proxy group are parted at one moment; of a list of proxies nobody says so."""
    if ',' not in named and not applications and not all(member['filesystem'] for member in members):
        return _quiesce.CRASH
    return _quiesce.expected_verdict(members, applications)


def refuse_unless_partable(work, member):
    """Refused unless the proxy is joined and in step with a master that is as it should be."""
    state = work.state(member)
    why = {'separate': 'it is no proxy', 'copying': 'it is still being copied to', 'invalid': 'its slices are not valid'}.get(state)
    if why:
        raise Refused('%s cannot be parted now: %s.' % (member.proxy, why), object=member.proxy, found=state,
                      needed='joined, every slice active or stop', look=work.look(member),
                      remedy='state joined, then wait until the copying has ended (gds_info tells the progress)')
    work.refuse_faults(member.master, 'every slice active or stop')
    work.refuse_other_size(member)


def confirm(work, look):
    """Torn unless every proxy is parted now."""
    view = Gds(look, work.gds.class_name, timeout=None).view()
    for member in work.members:
        found = word(work.gds.volume(member.proxy, view))
        if found != 'parted':
            raise Torn('sdxproxy reported success, but %s is not parted.' % member.proxy, object=member.proxy, found=found,
                       needed='parted', look=work.look(member))


def proof(work):
    """What must still be true for the copies to be the same cut: see the run record's key proof."""
    return [{'argv': [work.gds.sdxinfo, '-V', '-c', work.gds.class_name, '-o', member.proxy, '-e', 'long'],
             'match': r'^volume +%s +([^ \n]+ +)*%s +Part(ed)?(\s|\Z)' % (re.escape(member.proxy), re.escape(member.master))}
            for member in work.members]


def shut(work, view):
    """Stop the parted proxies on every node, and lock them, so that nobody writes to them. view: None for what Part will have left.

    Whether anything was changed.
    """
    changed = False
    for member in work.members:
        volume = view and work.gds.volume(member.proxy, view)
        locked = _gds_volume.is_locked(volume) if volume else work.is_locked(member)
        # sdxproxy starts it, but not one that is locked.
        state = volume.state if volume else 'stop' if locked else 'active'
        changed = _gds_volume.stop_everywhere(work.context, work.gds, work.view, member.proxy, state) or changed
        if work.context.params['lock'] and not locked:
            _gds_volume.lock(work.context, work.gds, member.proxy, True)
            changed = True
    return changed


# Joining

def join(context):
    """Join option members to their masters, or what the run has parted, and start the copying."""
    class_name = class_of(context, KIND)
    if class_name is None:
        return dict(changed=False, before={}, after={}, class_name=None)
    work = Proxies(context, class_name)
    if context.record:
        _split.refuse_being_split(context.record, entries_of(context.record, KIND))
        forget_broken(work)
    begin = {'parted': refuse_rejoin, 'separate': refuse_join, 'invalid': refuse_broken_off}
    for member in work.members:
        begin.get(work.state(member), lambda *given: None)(work, member)
    parted, separate = ([member for member in work.members if work.state(member) == state] for state in ('parted', 'separate'))
    for unit, mine in work.units(parted):
        rejoin(work, unit, mine)
    for member in separate:
        work.act(work.argv('Join', '-m', member.master, '-p', member.proxy), ('copying', 'joined'), member)
    after = work.predicted('joined') if context.check else work.now()
    work.forget_home(after)
    return dict(changed=bool(parted or separate), before=work.before, after=after, class_name=class_name)


def forget_broken(work):
    """End what the run's record says of proxies whose relation somebody has ended; they are no members any longer, and are not overwritten.

    The lock that the run has put on is taken off. Option members names proxies that are to be joined.
    """
    record, params = work.context.record, work.context.params
    broken = [member for member in work.members if params['members'] is None and work.state(member) == 'separate']
    if not broken:
        return
    _split.refuse_being_restored(params['state_dir'], record)
    for member in broken:
        work.context.module.warn('%s is not given back: somebody has ended its relation to %s. It is a volume of its own now, with what '
                                 'was parted.' % (member.proxy, member.master))
        unlock(work, member, _split.entry_of(record, work.undo_id(member)))
    if not work.context.check:
        record.clear_undo(*[work.undo_id(member) for member in broken])
    work.members = [member for member in work.members if member not in broken]


def refuse_broken_off(work, member):
    raise Refused('%s is joined, but copying to it has broken off.' % member.proxy, object=member.proxy,
                  found='; '.join(work.volume(member.proxy).faults()), needed='every slice active or stop', look=work.look(member),
                  remedy='find out why (disks, sdxservd.log); then state broken, and state joined again')


def refuse_rejoin(work, member):
    """Refused if to give the proxy back would destroy the last good copy, or one that is in use or somebody else's."""
    if work.context.record:
        _split.refuse_being_restored(work.context.params['state_dir'], work.context.record)
    work.refuse_overwriting(member)
    work.refuse_faults(member.master, 'a master that is whole: %s may hold the last good copy' % member.proxy)


def refuse_join(work, member):
    """Refused unless the proxy can be overwritten with the master (GDS guide, preconditions of proxies)."""
    if not member.master:
        raise Refused('%s is no proxy, and no master was named.' % member.proxy, object=member.proxy, needed='master of the member')
    master, proxy = work.volume(member.master), work.volume(member.proxy)
    chained = [name for name, volume in work.view.volumes.items() if volume.master == proxy.name]
    wrong = {'group': (master.group == proxy.group, 'both in group %s' % master.group, 'master and proxy in different groups'),
             'master': (bool(master.master), '%s is a proxy itself' % master.name, 'a master that is no proxy'),
             'proxy': (bool(chained), '%s is the master of %s' % (proxy.name, ', '.join(chained)), 'a proxy that is no master'),
             'type': (not set((master.type, proxy.type)) <= set(TYPES), 'types %s and %s' % (master.type, proxy.type), 'mirror or single'),
             'state': (proxy.state != 'stop', '%s is %s' % (proxy.name, proxy.state), 'a proxy that is stopped on all nodes')}
    for key, (is_wrong, found, needed) in sorted(wrong.items()):
        if is_wrong:
            raise Refused('%s cannot be joined to %s.' % (proxy.name, master.name), object=proxy.name, found=found, needed=needed,
                          look='sdxinfo -GV -c %s -e long' % work.gds.class_name,
                          remedy='module gds_volume, state stopped, all_nodes' if key == 'state' else None)
    work.refuse_other_size(member)
    for name in (member.master, member.proxy):
        work.refuse_faults(name, 'every slice active or stop')
    work.refuse_mounted(member.proxy)
    work.refuse_unconfirmed(member.proxy)


def unlock(work, member, entry):
    """Take off the lock that the run of this undo entry has put on; not afterwards, since a joined proxy cannot be changed."""
    planned = work.context.check and work.context.params['assume'] and work.undo(member)['unlock']
    if planned or entry and entry.get('unlock') and _gds_volume.is_locked(work.volume(member.proxy)) is not False:
        _gds_volume.lock(work.context, work.gds, member.proxy, False)


def rejoin(work, unit, members):
    """Stop the parted proxies, and let the masters be copied to them."""
    for member in members:
        _gds_volume.stop_everywhere(work.context, work.gds, work.view, member.proxy, work.volume(member.proxy).state)
        unlock(work, member, _split.entry_of(work.context.record, work.undo(member)['id']))
    for member in members:
        work.note_returning(member)
    work.act(work.argv('Rejoin', '-p', unit), ('copying', 'joined'), *members)


# Ending the relation

def end(context):
    """End the relation of option members, or of what the run has parted. The proxies keep their data and become volumes of their own."""
    class_name = class_of(context, KIND)
    if class_name is None:
        return dict(changed=False, before={}, after={}, class_name=None)
    work = Proxies(context, class_name)
    related = [member for member in work.members if work.state(member) != 'separate']
    if context.record and related:
        _split.refuse_being_restored(context.params['state_dir'], context.record)
    for member in related:
        work.refuse_other_run(member, work.owner(member))
        if work.state(member) == 'copying' or any(piece.state == 'copy' for piece in work.volume(member.master).slices):
            raise Refused('Data is being copied between %s and %s; what it is copied to would be invalid.' % (member.master, member.proxy),
                          object=member.proxy, found='copying', needed='joined or parted', look=work.look(member),
                          remedy='wait until it has ended')
    for unit, mine in work.units(related):
        for member in mine:
            unlock(work, member, _split.entry_of(context.record, work.undo(member)['id']))
        work.act(work.argv('Break', '-p', unit), ('separate',), *mine)
    if context.record and not context.check:
        context.record.clear_undo(*[work.undo(member)['id'] for member in work.members])
    return dict(changed=bool(related), before=work.before, after=work.predicted('separate') if context.check else work.now(),
                class_name=class_name)
