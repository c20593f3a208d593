# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A disk that is added to a mirror group of GDS for a backup, and taken away again (sdxdisk(1M)).

Registering a disk initialises it, so it is proved before that nobody uses it.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import VALID, Gds, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_unused import refuse_used
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_work import LIMIT

# c1t2d3, c1d2, emcpower4, mplb5 and sda (GDS guide, physical disk names); the target may be a world wide name of 32 digits.
DEVICE = re.compile(r'^[A-Za-z][A-Za-z0-9]{1,63}\Z')


class Disk:
    """The disk of one call. before: {registered: bool, group: its group or None}."""

    def __init__(self, context, class_name, name):
        self.context = context
        self.gds = Gds(context.runner, class_name)
        self.name = valid_name(name)
        self.device = context.params['device']
        self.group = context.params['group']
        self.view = self.gds.view()
        self.before = self.state(self.view)

    def state(self, view):
        row = view.disks.get(self.name)
        return {'registered': row is not None, 'group': row['GROUP'] if row else None}

    def now(self):
        return self.state(self.gds.view())

    @property
    def undo(self):
        return {'id': undo_id(self.gds.class_name, self.name), 'action': 'absent', 'class_name': self.gds.class_name, 'disk': self.name,
                'group': self.group}

    def argv(self, letter, *more):
        return [_platform.need('sdxdisk'), '-' + letter, '-c', self.gds.class_name] + list(more)

    def change(self, argv, wanted):
        """Run a command after which the disk is in the wanted state; CommandFailed if it is not. Nothing in check mode."""
        result = self.context.change(argv, timeout=LIMIT)
        if result is not None:
            found = self.now()
            if found != wanted:
                raise CommandFailed(result, object=self.name, found=spoken(found), needed=spoken(wanted), look=self.look(),
                                    vendor=errors(result.err or result.out))

    def look(self):
        return 'sdxinfo -D -c %s -e long' % self.gds.class_name

    def slices(self, with_disk):
        """{volume: {disk: state}} of the volumes of the group, with or without a slice on this disk."""
        found = {}
        for volume in self.view.volumes.values():
            if volume.group == self.group:
                found[volume.name] = dict((piece.disk, piece.state) for piece in volume.slices if piece.disk != self.name)
                if with_disk:
                    found[volume.name][self.name] = 'active' if volume.state == 'active' else 'stop'
        return found


def undo_id(class_name, name):
    return 'gds_disk:%s:%s' % (class_name, name)


def spoken(state):
    return 'registered, group %s' % state['group'] if state['registered'] else 'not registered'


def entries_of(record):
    """The undo entries of the disks that a run has connected; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith('gds_disk:')] if record else []


# Adding

def connect(context):
    """Register the disk unless it is, connect it to the group unless it is; copying to it begins where volumes are started."""
    context.refuse_ended()
    disk = Disk(context, context.params['class_name'], context.params['disk'])
    valid_name(disk.group)
    refuse_unless_mirror(disk)
    refuse_wrong_place(context, disk)
    if not disk.before['registered']:
        refuse_in_use(context, disk)
    changed = disk.before['group'] is None
    stays = not changed and not is_prepared(context, disk)
    if context.record and not context.check and not stays:
        note(context.record, disk)
    if not disk.before['registered']:
        disk.change(disk.argv('M', '-d', '%s=%s' % (disk.device, disk.name)), {'registered': True, 'group': None})
    if changed:
        disk.change(disk.argv('C', '-g', disk.group, '-d', disk.name), {'registered': True, 'group': disk.group})
    return dict(changed=changed, before=disk.before, after={'registered': True, 'group': disk.group}, slices=disk.slices(with_disk=True),
                stays=stays)


def note(record, disk):
    """What a preparation connects stays, and its record says so; the backup that finds it, or connects one itself, takes it away."""
    if record.data['kind'] == 'prepare':
        record.update(layout=dict(record.data['layout'], **{disk.undo['id']: 'connected'}))
    else:
        record.add_undo(disk.undo)


def is_prepared(context, disk):
    """Whether a preparation or a backup on this host has connected the disk; any other was there before and is none of ours."""
    return any(disk.undo['id'] in record.data['layout'] or _split.entry_of(record, disk.undo['id'])
               for record in _run.all_runs(context.params['state_dir']))


def refuse_unless_mirror(disk):
    """Refused unless the group is a mirror group whose volumes are healthy and started."""
    row = disk.view.groups.get(disk.group)
    volumes = [disk.gds.volume(volume.name, disk.view) for volume in disk.view.volumes.values() if volume.group == disk.group]
    if row is None or not volumes:
        raise Refused('Class %s has no volumes in a group %s.' % (disk.gds.class_name, disk.group), object=disk.group,
                      found=', '.join(sorted(disk.view.groups)) or 'no group', look='sdxinfo -G -c %s' % disk.gds.class_name)
    if row.get('TYPE') not in (None, 'mirror'):
        raise Refused('%s is no mirror group.' % disk.group, object=disk.group, found=row['TYPE'], needed='mirror',
                      look='sdxinfo -G -c %s -e long' % disk.gds.class_name)
    for volume in volumes:
        if volume.master or any(other.master == volume.name for other in disk.view.volumes.values()):
            raise Refused('%s is related to another volume as master or proxy, so its group cannot be changed.' % volume.name,
                          object=volume.name, needed='no relation', look='sdxinfo -V -c %s -e long' % disk.gds.class_name)
        # A slice on the disk itself is there when this is done again.
        faults = ['slice on %s is %s' % (piece.disk, piece.state) for piece in volume.slices
                  if piece.disk != disk.name and piece.state not in VALID]
        if volume.state == 'invalid' or faults:
            raise Refused('%s is not as it should be, so no disk is added to its group.' % volume.name, object=volume.name,
                          found='; '.join(faults) or 'the volume is invalid', needed='every slice active or stop',
                          look='sdxinfo -S -c %s -o %s' % (disk.gds.class_name, volume.name),
                          remedy='repair it, or wait until the copying has ended')
        if volume.state != 'active':
            # Nothing would ever be copied to the disk (sdxdisk(1M)).
            raise Refused('%s is stopped, so nothing would be copied to the backup disk.' % volume.name, object=volume.name,
                          found=volume.state, needed='active', look='sdxinfo -V -c %s' % disk.gds.class_name,
                          remedy='sdxvolume -N -c %s -v %s' % (disk.gds.class_name, volume.name))


def refuse_wrong_place(context, disk):
    """Refused if the name stands for another device, or the disk is in another group."""
    row = disk.view.disks.get(disk.name)
    if row is None:
        return
    if disk.device and row.get('DEVNAM') != disk.device:
        raise Refused('Disk %s is not the device that was named.' % disk.name, object=disk.name, found=row.get('DEVNAM'),
                      needed=disk.device, look=disk.look())
    if row['GROUP'] is None and not is_prepared(context, disk):
        raise Refused('Disk %s is registered for something else.' % disk.name, object=disk.name,
                      found='type %s, no group' % row.get('TYPE'),
                      needed='a disk that is in no class, or was connected by the playbook prepare', look=disk.look(),
                      remedy='name another disk, or take this one out: sdxdisk -R -c %s -d %s' % (disk.gds.class_name, disk.name))
    if row['GROUP'] not in (None, disk.group):
        raise Refused('Disk %s is connected to another group.' % disk.name, object=disk.name, found=row['GROUP'], needed=disk.group,
                      look=disk.look())


def refuse_in_use(context, disk):
    """Refused unless the user has named the device twice, and nothing on this host shows that somebody uses it."""
    device = disk.device
    if not device or not DEVICE.match(device):
        raise Refused('Disk %s is not registered, and %r cannot be the device for it.' % (disk.name, device), object=disk.name,
                      needed='the name of a physical disk, for example c4t1d1 or sdd')
    if context.params['confirm'] != device:
        raise Refused('Registering %s destroys what is on it.' % device, object=device, found='confirm=%s' % context.params['confirm'],
                      needed='confirm=%s' % device, remedy='look that nobody needs its content, then confirm it by its name')
    refuse_used(context, disk.gds.sdxinfo, device, proof=True)


# Taking away

def remove(context):
    """Disconnect the disk, or what the run has connected, and take it out of the class."""
    params = context.params
    wanted = [(params['class_name'], params['disk'])] if params['disk'] else [
        (entry['class_name'], entry['disk']) for entry in entries_of(context.record)]
    before, after, changed = {}, {}, False
    for class_name, name in wanted:
        disk = Disk(context, class_name, name)
        if context.check and params['assume']:
            disk.before = params['assume']
        before[name], after[name] = disk.before, {'registered': False, 'group': None}
        changed = take_away(context, disk) or changed
        if context.record and not context.check:
            context.record.clear_undo(undo_id(class_name, name))
    return dict(changed=changed, before=before, after=after)


def take_away(context, disk):
    """False where the disk is gone already."""
    if context.record and not context.check and not _split.entry_of(context.record, undo_id(disk.gds.class_name, disk.name)):
        raise Refused('%s was not connected by run %s.' % (disk.name, context.record.run), object=disk.name, found=spoken(disk.before),
                      remedy='without option run this module takes it away')
    disk.group = disk.before['group']
    if disk.group:
        refuse_needed(disk)
        disk.change(disk.argv('D', '-g', disk.group, '-d', disk.name), {'registered': True, 'group': None})
    if disk.before['registered']:
        disk.change(disk.argv('R', '-d', disk.name), {'registered': False, 'group': None})
    return disk.before['registered']


def refuse_needed(disk):
    """Refused while a slice on the disk is detached or being copied to, or is the last good one of its volume."""
    for volume in disk.view.volumes.values():
        here = volume.slice_on(disk.name)
        if here is None:
            continue
        others = [piece for piece in volume.slices if piece.disk != disk.name and piece.state in VALID]
        if here.state not in VALID + ('invalid',) or not others:
            raise Refused('%s still needs its slice on %s.' % (volume.name, disk.name), object='%s.%s' % (disk.name, volume.name),
                          found='slice is %s, %d other valid slices' % (here.state, len(others)),
                          needed='neither detached nor being copied, and another valid slice',
                          look='sdxinfo -S -c %s -o %s' % (disk.gds.class_name, volume.name))
