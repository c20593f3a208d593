# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starting, stopping and locking volumes of GDS (sdxvolume(1M), sdxattr(1M)).

sdxvolume without -v would act on all volumes of the class, so every command here names one. sdxinfo tells whether a volume is started on
the node it runs on; of other nodes only the messages of sdxvolume tell.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import Gds, block_device, raw_device, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors, messages
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import LIMIT, class_of, entries_of

KIND = 'gds_volume'
STATUS = {'started': 'active', 'stopped': 'stop', 'alone': 'active'}
HERE, EVERYWHERE = [], ['allnodes']


def volume_argv(class_name, letter, volume, options):
    """sdxvolume -F or -N for one volume, with options for -e."""
    return [_platform.need('sdxvolume'), '-' + letter, '-c', class_name, '-v', valid_name(volume)] + (
        ['-e', ','.join(options)] if options else [])


def lock_argv(class_name, volume, locked):
    """The command after which nobody can start the volume, or everybody can, also at the boot of a node."""
    return [_platform.need('sdxattr'), '-V', '-c', class_name, '-v', valid_name(volume), '-a', 'lock=%s' % ('on' if locked else 'off')]


def is_locked(volume):
    """True, False, or None where this release does not tell."""
    return {'on': True, 'off': False}.get(volume.row.get('LOCK'))


def change(context, gds, volume, argv, true):
    """Run a command; CommandFailed unless it ended well and true(Volume) then. Its Result, or None in check mode."""
    result = context.change(argv, timeout=LIMIT)
    if result is None:
        return None
    now = gds.volume(volume)
    # The exit code alone proves nothing, and of other nodes there is nothing else.
    if result.rc != 0 or not true(now):
        raise CommandFailed(result, None if result.rc else '%s had no effect.' % ' '.join(argv), object=volume,
                            found='%s, lock %s, mode %s' % (now.state, now.row.get('LOCK'), now.row.get('MODE')),
                            look=look(gds, volume), vendor=errors(result.err or result.out) or None)
    return result


def look(gds, volume):
    return 'sdxinfo -V -c %s -o %s -e long' % (gds.class_name, volume)


def stop(context, gds, volume, nodes):
    """Stop a volume; the nodes on which it was started, as far as the command says. nodes: options that say where."""
    result = change(context, gds, volume, volume_argv(gds.class_name, 'F', volume, nodes), lambda now: is_reached(now, 'stop', nodes))
    return nodes_in(result, 'stopped volume')


def stop_everywhere(context, gds, view, volume, state):
    """Stop a volume on all nodes of its class. Whether it was started on one of them, as far as this node and the command say.

    state: what it is on this node, which tells of the other nodes only where the class has none. An invalid one is started nowhere.
    """
    if state == 'invalid' or state == 'stop' and len(nodes_of_class(view, gds.class_name)) == 1:
        return False
    return bool(stop(context, gds, volume, EVERYWHERE)) or state == 'active'


def nodes_of_class(view, class_name):
    return view.classes[class_name].get('SCOPE') or []


def start(context, gds, volume, nodes, mode=None):
    """Start a volume; the nodes on which it was stopped, as far as the command says. mode: ro, rw, or None for the volume's own."""
    def is_started(now):
        return is_reached(now, 'active', nodes) and (mode is None or now.row.get('MODE') in (mode, None))

    argv = volume_argv(gds.class_name, 'N', volume, nodes + (['mode=' + mode] if mode else []))
    return nodes_in(change(context, gds, volume, argv, is_started), 'started volume')


def is_reached(volume, status, nodes):
    """Whether the volume has the status here, where it is this node that was asked for."""
    return volume.state == status or nodes not in (HERE, EVERYWHERE)


def nodes_in(result, words):
    """The nodes in messages like "Volume1: stopped volume on node node1"; none of a command that was not run."""
    said = messages(result.out) + messages(result.err) if result else []
    return [found.group(1) for found in (re.search(words + r' on node (\S+)', message) for severity, message in said) if found]


def lock(context, gds, volume, locked):
    """Lock a volume, or unlock it."""
    change(context, gds, volume, lock_argv(gds.class_name, volume, locked), lambda now: is_locked(now) in (locked, None))


class Volumes:
    """The volumes of one call of the module. before: {volume: {state, locked, mode}}, None for what the release does not tell."""

    def __init__(self, context, class_name):
        self.context = context
        self.params = context.params
        self.gds = Gds(context.runner, class_name)
        self.entries = dict((entry['volume'], entry) for entry in entries_of(context.record, KIND) if entry['class_name'] == class_name)
        wanted = self.params['volumes']
        self.names = [valid_name(name) for name in (sorted(self.entries) if wanted is None else wanted)]
        view = self.gds.view()
        self.nodes_of_class = nodes_of_class(view, class_name)
        self.found = dict((name, self.gds.volume(name, view)) for name in self.names)
        self.before = dict((name, described(volume)) for name, volume in self.found.items())
        if context.check and self.params['assume']:
            self.suppose(self.params['assume'])

    def suppose(self, assume):
        """Start from predicted states, and from the way back of those that a call in check mode only would have stopped."""
        for name, state in assume.items():
            if name in self.before:
                self.before[name] = dict((key, state.get(key)) for key in self.before[name])
                if state.get('undo'):
                    self.entries[name] = dict(state['undo'], predicted=True)

    def nodes(self, name):
        """Where a volume is to be started or stopped, as options of sdxvolume."""
        entry = self.entries.get(name)
        if entry and (self.params['volumes'] is None or entry.get('predicted')):
            return entry['nodes']
        if self.params['all_nodes'] or self.params['state'] == 'alone':
            return EVERYWHERE
        return ['node=' + ':'.join(valid_name(node) for node in self.params['nodes'])] if self.params['nodes'] else HERE

    def tells_all(self, name):
        """Whether sdxinfo on this node knows the state wherever it is asked for."""
        return self.nodes(name) == HERE or self.nodes(name) == EVERYWHERE and len(self.nodes_of_class) == 1

    def now(self):
        view = self.gds.view()
        return dict((name, described(self.gds.volume(name, view))) for name in self.names)


def described(volume):
    return {'state': volume.state, 'locked': is_locked(volume), 'mode': volume.row.get('MODE')}


def bring(context):
    """Start or stop the volumes of a call, lock or unlock them, and return the module's result."""
    context.refuse_ended()
    wanted = context.params['state']
    class_name = class_of(context, KIND)
    if class_name is None:
        return dict(changed=False, before={}, after={})
    work = Volumes(context, class_name)
    refused, brought = {'started': (refuse_start, started), 'stopped': (refuse_stop, stopped), 'alone': (refuse_alone, alone)}[wanted]
    for name in work.names:
        refused(work, name)
    changed = [brought(work, name) for name in work.names]
    after = predicted(work) if context.check else work.now()
    result = dict(changed=any(changed), before=work.before, after=after, class_name=class_name)
    if context.check and wanted != 'started':
        result['assume'] = dict((name, dict(state, undo=way_back(work, name))) for name, state in after.items())
    return result


def way_back(work, name):
    """What the run's entry will say of a volume that is stopped, or None. Of other nodes only the command itself tells."""
    if work.params['state'] == 'alone' and len(work.nodes_of_class) == 1:
        return None
    if work.before[name]['state'] == 'stop' and work.tells_all(name):
        return None
    nodes = work.nodes_of_class if len(work.nodes_of_class) == 1 else ['<nodes>']
    return {'nodes': ['node=' + nodes[0]], 'mode': work.before[name]['mode'], 'unlock': locks(work, name)}


def locks(work, name):
    """Whether stopping a volume also locks one that was not."""
    return bool(work.params['locked'] and not work.before[name]['locked'])


def wanted_lock(work, name):
    """Whether the volume is to be locked after the call, or None to leave that alone. What the run has locked goes with the stop."""
    goes = work.params['state'] == 'started' and work.entries.get(name, {}).get('unlock')
    return False if goes and work.params['locked'] is None else work.params['locked']


def predicted(work):
    found = {}
    for name, state in work.before.items():
        locked = wanted_lock(work, name)
        found[name] = dict(state, state=STATUS[work.params['state']], locked=state['locked'] if locked is None else locked,
                           mode=work.params['mode'] or state['mode'])
    return found


def refuse_copying(work, name):
    copied = [piece.disk for piece in work.found[name].slices if piece.state == 'copy']
    if copied:
        raise Refused('%s is being copied, so it cannot be stopped.' % name, object=name, found='copying to %s' % ', '.join(copied),
                      needed='no copying', look='sdxinfo -S -c %s -o %s' % (work.gds.class_name, name),
                      remedy='wait until it has ended (gds_info tells the progress)')


def refuse_stop(work, name):
    refuse_copying(work, name)
    class_name = work.gds.class_name
    mount = _split.mounted(name, [block_device(class_name, name), raw_device(class_name, name)])
    if mount and work.before[name]['state'] == 'active':
        raise Refused('%s is mounted, so it cannot be stopped.' % name, object=name, found=mount.point, needed='not mounted', look='mount',
                      remedy='umount %s' % mount.point)


def refuse_start(work, name):
    volume, before, mode = work.found[name], work.before[name], work.params['mode']
    if before['state'] == 'invalid':
        raise Refused('%s is invalid: none of its slices holds its data.' % name, object=name, found='invalid', needed='stop',
                      look='sdxinfo -S -c %s -o %s' % (work.gds.class_name, name), remedy='sdxfix -V, as in the guide on abnormal volumes')
    if volume.relation == 'joined':
        raise Refused('%s is a proxy that is joined to %s, so it cannot be started.' % (name, volume.master), object=name, found='joined',
                      needed='parted', look=look(work.gds, name))
    if mode and before['state'] == 'active' and before['mode'] != mode:
        raise Refused('%s is started already, and its access mode cannot be changed meanwhile.' % name, object=name,
                      found='mode %s' % (before['mode'] or 'not shown by this release'), needed='mode %s' % mode,
                      look=look(work.gds, name), remedy='stop it first')


def stopped(work, name):
    """Stop one volume, then lock it. Whether anything was changed."""
    locked = work.params['locked']
    locking = locked is not None and work.before[name]['locked'] is not locked
    changed = False
    if work.before[name]['state'] != 'stop' or not work.tells_all(name):
        changed = stop_and_note(work, name, locks(work, name))
    if locking:
        lock(work.context, work.gds, name, locked)
    return changed or locking


def stop_and_note(work, name, unlock):
    """Stop one volume; the way back is entered before, and says afterwards on which nodes. unlock: it is locked then."""
    context, nodes, was_active = work.context, work.nodes(name), work.before[name]['state'] == 'active'
    entry = {'id': entry_id(work, name), 'action': 'started', 'class_name': work.gds.class_name, 'volume': name,
             'nodes': nodes, 'mode': work.before[name]['mode'], 'unlock': unlock}
    noting = context.record and not context.check and name not in work.entries
    if noting:
        context.record.add_undo(entry)
    stopped_on = stop(context, work.gds, name, nodes)
    if noting and stopped_on:
        context.record.add_undo(dict(entry, nodes=['node=' + ':'.join(stopped_on)]))
    elif noting and not was_active:
        context.record.clear_undo(entry['id'])
    return was_active or bool(stopped_on)


def refuse_alone(work, name):
    refuse_start(work, name)
    if len(work.nodes_of_class) > 1:
        refuse_stop(work, name)
        if work.before[name]['locked']:
            raise Refused('%s is locked, so it could not be started again after a stop.' % name, object=name, found='locked',
                          needed='not locked', look=look(work.gds, name), remedy='module gds_volume, locked false')


def alone(work, name):
    """Have one volume started here and on no other node. The run's entry says where else it was. Whether anything was changed.

    What this node is called in the class need not be known: it is stopped everywhere, and what the start here says is taken out.
    """
    context, was_active = work.context, work.before[name]['state'] == 'active'
    if was_active and len(work.nodes_of_class) == 1:
        return False
    if len(work.nodes_of_class) > 1:
        stop_and_note(work, name, False)
    started_on = start(context, work.gds, name, HERE)
    entry = _split.entry_of(context.record, entry_id(work, name))
    if entry and not context.check:
        elsewhere = [node for node in nodes_of(entry) if node not in started_on]
        if elsewhere:
            context.record.add_undo(dict(entry, nodes=['node=' + ':'.join(elsewhere)]))
        elif entry['nodes'] != EVERYWHERE:
            context.record.clear_undo(entry['id'])
    return True


def nodes_of(entry):
    """The nodes that an entry names; none where it says everywhere."""
    return [node for option in entry['nodes'] if option.startswith('node=') for node in option[len('node='):].split(':')]


def entry_id(work, name):
    return ':'.join([KIND, work.gds.class_name, name])


def started(work, name):
    """Unlock one volume, start it, or lock it against the next start. Clears the run's entry about it. Whether anything was changed."""
    context, entry = work.context, work.entries.get(name) or {}
    locked = wanted_lock(work, name)
    locking = locked is not None and work.before[name]['locked'] is not locked
    changed = locking
    if locking and not locked:
        lock(context, work.gds, name, False)
    if work.before[name]['state'] != 'active' or not work.tells_all(name):
        started_on = start(context, work.gds, name, work.nodes(name), work.params['mode'] or entry.get('mode'))
        # In check mode nobody says where it was started; the entry has a reason.
        changed = bool(changed or started_on or work.before[name]['state'] != 'active' or context.check and entry)
    if locking and locked:
        lock(context, work.gds, name, True)
    if entry and not context.check:
        context.record.clear_undo(entry['id'])
    return changed
