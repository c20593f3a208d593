# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Shadow volumes of GDS on a backup server: the same disks as in a class of another domain, in memory only (sdxshadowdisk(1M),
sdxshadowgroup(1M), sdxshadowvolume(1M)).

Writing through a shadow that is not built as its original damages the original, so it is compared with it before it is used.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import Gds, View, block_device, raw_device, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors, parse
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_shadow_plan import Plan
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_unused import refuse_used
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import LIMIT, class_of, entries_of

KIND = 'gds_shadow_volume'
SFDSK = '/dev/sfdsk'


class Shadow:
    """One shadow class. view: the View of it, None where there is none. before: {volume: absent, stop, ro, rw or active (in a mode that
    the release does not tell)}."""

    def __init__(self, context, class_name, names):
        self.context = context
        self.gds = Gds(context.runner, class_name)
        self.class_name = self.gds.class_name
        self.names = [valid_name(name) for name in names]
        self.look()
        self.before = self.states()
        if context.check and context.params['assume']:
            self.before = dict(context.params['assume'])

    def look(self):
        result = self.context.runner([self.gds.sdxinfo, '-C', '-e', 'long'], timeout=LIMIT)
        if result.rc != 0:
            raise CommandFailed(result, object=self.class_name, vendor=errors(result.err or result.out))
        row = View(parse(result.out)).classes.get(self.class_name)
        if row and (row.get('SHADOW') == '0' or row.get('TYPE') not in ('local', None)):
            raise Refused('%s is a class of its own, not a shadow.' % self.class_name, object=self.class_name,
                          found='type %s, shadow %s' % (row.get('TYPE'), row.get('SHADOW')), needed='a name that no class has',
                          look='sdxinfo -C -e long')
        self.view = self.gds.view() if row else None

    def states(self):
        names = self.names or (sorted(self.view.volumes) if self.view else [])
        return dict((name, self.state(name)) for name in names)

    def state(self, name):
        volume = self.view.volumes.get(name) if self.view else None
        if volume is None:
            return 'absent'
        return volume.row.get('MODE', 'active') if volume.state == 'active' else volume.state

    def run(self, tool, letter, *words):
        """Run a command, then look again; nothing in check mode."""
        result = self.context.change([_platform.need(tool), '-' + letter, '-c', self.class_name] + list(words), timeout=LIMIT)
        if result is not None:
            self.look()
            if result.rc != 0:
                raise CommandFailed(result, object=self.class_name, look='sdxinfo -A -c %s -e long' % self.class_name,
                                    vendor=errors(result.err or result.out) or None)

    @property
    def undo(self):
        return {'id': '%s:%s' % (KIND, self.class_name), 'action': 'absent', 'class_name': self.class_name, 'volumes': self.names}


# Making

def make(context):
    """Make the shadow of option volumes, prove it equal to the original, and start it in the access mode of the state."""
    context.refuse_ended()
    params = context.params
    mode = 'rw' if params['state'] == 'rw' else 'ro'
    plan = plan_of(params)
    plan.refuse_unproved(params['confirm'])
    shadow = Shadow(context, params['class_name'], plan.names)
    refuse_other_run(context, shadow)
    if mode == 'rw':
        plan.refuse_writing()
        refuse_shared(shadow, members_of(context))
    predicted = context.check and set(shadow.before.values()) != set(['absent'])
    building = shadow.view is None and not predicted
    if building:
        build(shadow, plan)
    if not context.check or shadow.view:
        prove(shadow, plan, building)
    changed = [start(shadow, name, mode, building) for name in plan.names]
    after = dict((name, mode) for name in plan.names) if context.check else shadow.states()
    members = [seen_here(shadow, member) for member in members_of(context)]
    note_members(shadow, members)
    return dict(changed=building or any(changed), before=shadow.before, after=after, class_name=shadow.class_name, members=members,
                devices=[dict(devices_of(shadow, name), volume=name) for name in plan.names])


def plan_of(params):
    return Plan(params['primary'], params['volumes'], params['devices'])


def devices_of(shadow, name):
    return {'device': raw_device(shadow.class_name, name), 'block_device': block_device(shadow.class_name, name)}


def members_of(context):
    """The members of the run as its own domain sees them, of the option or of the record."""
    return context.params['members'] or (context.record.data['members'] if context.record else [])


def seen_here(shadow, member):
    """A member of the run record with the devices of its copy on this host, where that is shadowed."""
    return dict(member, **devices_of(shadow, member['copy'])) if member.get('copy') in shadow.names else member


def note_members(shadow, members):
    """Have whoever reads the record of the run find the copies where they are here, and prove that the shadow is still there."""
    record = shadow.context.record
    mine = [member['copy'] for member in members if member.get('copy') in shadow.names]
    if record is None or shadow.context.check or not mine:
        return
    proof = [{'argv': [shadow.gds.sdxinfo, '-V', '-c', shadow.class_name, '-o', name, '-e', 'long'],
              'match': r'^volume +%s +([^ \n]+ +)*ACTIVE(\s|\Z)' % re.escape(name)} for name in mine]
    record.update(members=members, proof=[clause for clause in record.data['proof'] if clause not in proof] + proof)


def refuse_other_run(context, shadow):
    """Refused where another open run has made the shadow class."""
    owner = _split.owner(context.params['state_dir'], shadow.undo['id'])
    if owner and (context.record is None or owner.run != context.record.run):
        raise Refused('Shadow class %s was made by run %s.' % (shadow.class_name, owner.run), object=shadow.class_name,
                      needed='a class of its own', remedy='wait for that run, or run the playbook volmgr.snapbackup.recover')


def refuse_shared(shadow, members):
    """Refused where a GFS Shared file system would be written to, whose partition data names its nodes: this host is none of them."""
    for member in members:
        if member.get('copy') in shadow.names and member.get('fstype') == 'sfcfs':
            raise Refused('%s holds a GFS Shared file system, which is not written to here.' % member['copy'], object=member['copy'],
                          found='sfcfs', needed='state present: it is stored as a device, by dd')


def stale_files(shadow):
    """The directory of the class, if special files of volumes are in it. Without a class they are left from before a boot."""
    path = os.path.join(SFDSK, shadow.class_name)
    return path if any(files for dummy, dummy, files in os.walk(path)) else None


def refuse_stale(shadow):
    """Refused where special files are left: what is written to them would go nowhere."""
    path = stale_files(shadow)
    if path:
        raise Refused('Special files in %s are left from before the last boot of this host.' % path, object=path,
                      found='no class %s' % shadow.class_name, needed='no such files', look='sdxinfo -C; ls -F %s' % SFDSK,
                      remedy='when sdxinfo -C does not list %s: rm -r %s' % (shadow.class_name, path))


def build(shadow, plan):
    """Make disks, groups and volumes. What has been made is taken away again when it cannot be finished."""
    context = shadow.context
    refuse_stale(shadow)
    for device in sorted(plan.devices.values()):
        refuse_used(context, shadow.gds.sdxinfo, device)
    if context.record and not context.check:
        context.record.add_undo(shadow.undo)
    try:
        for group, disks in sorted(plan.groups.items()):
            row = plan.primary['groups'][group]
            shape = {'mirror': [], 'concat': ['-a', 'type=concat'], 'stripe': ['-a', 'type=stripe,width=%s' % row['width']]}[row['type']]
            shadow.run('sdxshadowdisk', 'M', '-d', ','.join('%s=%s' % (plan.devices[disk], disk) for disk in disks))
            shadow.run('sdxshadowdisk', 'C', '-g', group, '-d', ','.join(disks), *shape)
            for name in plan.volumes[group]:
                shadow.run('sdxshadowvolume', 'M', '-g', group, '-v', name, '-s', str(plan.primary['volumes'][name]['blocks']))
    except Refused:
        clear_away(shadow)
        raise


def prove(shadow, plan, built):
    """Refused unless the shadow is built as the original; one that this call has made is taken away again."""
    different = plan.differences(shadow.view)
    if different:
        if built:
            clear_away(shadow)
        raise Refused('The shadow in class %s is not built as its original, so it is not used.' % shadow.class_name,
                      object=shadow.class_name, found='; '.join(different), needed='the same disks, groups, first blocks and sizes',
                      look='sdxinfo -A -c %s -e long, here and in the primary domain' % shadow.class_name,
                      remedy='remove it (state absent), and look at the devices')


def start(shadow, name, mode, built):
    """Have one shadow volume started in an access mode. Whether anything was changed."""
    state = shadow.before[name]
    if built:
        # It is made read-only and started (sdxshadowvolume(1M)).
        state = 'ro' if shadow.context.check else shadow.state(name)
    if state == mode or built and (state, mode) == ('active', 'ro'):
        return False
    refuse_mounted(shadow, name)
    if state != 'stop':
        shadow.run('sdxshadowvolume', 'F', '-v', name)
    shadow.run('sdxshadowvolume', 'N', '-v', name, '-e', 'mode=' + mode)
    if not shadow.context.check and shadow.state(name) not in (mode, 'active'):
        raise Refused('Shadow volume %s is not started in mode %s.' % (name, mode), object=name, found=shadow.state(name), needed=mode,
                      look='sdxinfo -V -c %s -e long' % shadow.class_name)
    return True


def refuse_mounted(shadow, name):
    mount = _split.mounted(name, [block_device(shadow.class_name, name), raw_device(shadow.class_name, name)])
    if mount:
        raise Refused('Shadow volume %s is mounted.' % name, object=name, found=mount.point, needed='not mounted', look='mount',
                      remedy='umount %s' % mount.point)


# Removing

def clear_away(shadow):
    """Remove what could not be finished. What cannot be removed stays in the record; the error that led here counts."""
    try:
        remove(shadow)
    except Refused:
        return
    if shadow.context.record:
        shadow.context.record.clear_undo(shadow.undo['id'])


def take_away(context):
    """Remove the shadow class, or what the run has made, in the reverse order. Nothing on the disks is changed by that."""
    class_name = class_of(context, KIND)
    if class_name is None:
        return dict(changed=False, before={}, after={}, class_name=None, stale=None)
    shadow = Shadow(context, class_name, [])
    refuse_other_run(context, shadow)
    mine = [entry for entry in entries_of(context.record, KIND) if entry['class_name'] == class_name]
    if context.record and not mine and shadow.view and not context.check:
        raise Refused('Shadow class %s was not made by run %s.' % (class_name, context.record.run), object=class_name, found='a class',
                      remedy='without option run this module removes it')
    there = shadow.view is not None
    if not there and context.check and context.params['assume']:
        return take_away_predicted(context, shadow)
    for name in shadow.before:
        refuse_mounted(shadow, name)
    if there:
        remove(shadow)
    if context.record and not context.check:
        context.record.clear_undo(*[entry['id'] for entry in mine])
    return dict(changed=there, before=shadow.before, after=dict.fromkeys(shadow.before, 'absent'), class_name=class_name,
                stale=None if there else stale_files(shadow))


def take_away_predicted(context, shadow):
    """Tell the removal of a shadow that check mode has only predicted."""
    for command in plan_of(context.params).undone() if context.params['volumes'] else []:
        shadow.run(*command)
    return dict(changed=True, before=shadow.before, after=dict.fromkeys(shadow.before, 'absent'), class_name=shadow.class_name, stale=None)


def remove(shadow):
    """Stop and remove volumes, the last first, then groups, then disks. Refused unless the class is gone then."""
    shadow.look()
    view = shadow.view
    if view is None:
        return
    for volume in sorted(view.volumes.values(), key=lambda found: found.first or 0, reverse=True):
        if volume.state == 'active':
            shadow.run('sdxshadowvolume', 'F', '-v', volume.name)
        shadow.run('sdxshadowvolume', 'R', '-v', volume.name)
    for group in sorted(view.groups):
        shadow.run('sdxshadowgroup', 'R', '-g', group)
    for disk in sorted(view.disks):
        shadow.run('sdxshadowdisk', 'R', '-d', disk)
    if shadow.view is not None and not shadow.context.check:
        raise Refused('Shadow class %s is still there.' % shadow.class_name, object=shadow.class_name,
                      found=', '.join(sorted(shadow.view.disks)) or 'a class without disks', look='sdxinfo -A -c %s' % shadow.class_name)
