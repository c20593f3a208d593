# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the shadow of GDS volumes on a backup server must be, and whether one is that."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds import VALID, valid_name
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_disk import DEVICE

TYPES = ('mirror', 'stripe', 'concat')
# Links that udev names after serial numbers and world wide names.
IDENTITIES = '/dev/disk/by-id/'
# The world wide name of a whole disk, which every host reads from the disk itself. A serial number may be that of its disk unit.
WORLD_WIDE = re.compile(r'^wwn-0x[0-9a-f]+\Z')
# Solaris names a multipath disk after it. A shorter target may be the world wide name of a port, which all disks behind that share.
NAMED_AFTER = re.compile(r'^c[0-9]+t(6[0-9A-F]{31})d[0-9]+\Z')


class Plan:
    """What the shadow of some volumes must be, from what the primary domain says (layout of gds_info). Refused where that is not to be had.

    devices: {disk: its name on this host}, where none is given of the disks that have the identities which primary tells; groups:
    {group: [disks that are shadowed, in their order]}; volumes: {group: [names]} of all that must be made, in the order of their first
    blocks.
    """

    def __init__(self, primary, names, devices):
        self.primary = primary
        self.names = [valid_name(name) for name in names]
        self.partly = False
        self.refuse_incomplete()
        for name in names:
            self.refuse_moving(name)
        self.named = devices or self.identified()
        self.devices = dict((valid_name(disk), valid_device(followed(disk, device))) for disk, device in self.named.items())
        if len(set(self.devices.values())) != len(self.devices):
            raise Refused('A device is named for several disks.', object=', '.join(sorted(self.devices.values())), needed='one disk each')
        self.groups, self.volumes = {}, {}
        for name in names:
            group = primary['volumes'][name]['group']
            if group not in self.groups:
                self.groups[group] = self.disks_of(group)
            self.volumes[group] = self.up_to(group, max(
                primary['volumes'][other]['first_block'] for other in names if primary['volumes'][other]['group'] == group))
        for name in names:
            self.refuse_slices(name)
        strange = sorted(set(self.devices) - set(disk for disks in self.groups.values() for disk in disks))
        if strange:
            raise Refused('A device is named for a disk that these volumes do not lie on.', object=', '.join(strange),
                          needed=', '.join(sorted(disk for disks in self.groups.values() for disk in disks)))

    def identified(self):
        """{disk: the link that this host has for its identity} of all disks that the volumes lie on."""
        groups = [self.primary['groups'].get(self.primary['volumes'][name]['group']) or {} for name in self.names]
        disks = sorted(set(disk for group in groups for disk in group.get('disks') or []))
        found = dict((disk, self.primary['disks'].get(disk, {}).get('identity')) for disk in disks)
        unknown = [disk for disk in disks if not WORLD_WIDE.match(found[disk] or '')]
        if unknown or not disks:
            raise Refused('It is not known what these disks are called here.', object=', '.join(unknown), needed='their devices',
                          found='no world wide name in %s of the other domain' % IDENTITIES, remedy='name them in devices')
        return dict((disk, IDENTITIES + name) for disk, name in found.items())

    def refuse_unproved(self, confirmed):
        """Refused unless every device is the disk it stands for: another class may have a disk of that name and size.

        confirmed: the devices, as they were named, of which the user says so. It counts only where no world wide name tells.
        """
        for disk, named in sorted(self.named.items()):
            there, here = self.primary['disks'].get(disk, {}).get('identity'), identity_of(self.devices[disk], named)
            if there and here and there != here:
                raise Refused('%s is not disk %s of the primary domain.' % (named, disk), object=named, found=here, needed=there,
                              look='ls -l %s, here and there' % IDENTITIES, remedy='name the device with that identity')
            if not (there and here) and named not in confirmed:
                raise Refused('It is not proved that %s is disk %s of the primary domain.' % (named, disk), object=named,
                              found='no world wide name of it %s' % ('here' if there else 'in the primary domain'),
                              needed='%s in confirm (of the role: snapbackup_confirm_shadow_devices)' % named,
                              look='iostat -En or smartctl -i, here and there',
                              remedy='compare serial number and logical unit on both hosts, then confirm it by its name')

    def refuse_incomplete(self):
        missing = [key for key in ('class_name', 'disks', 'groups', 'volumes') if key not in self.primary]
        if missing or not self.names:
            raise Refused('It is not said what is to be shadowed.', object='primary' if missing else 'volumes',
                          found='no %s' % ', '.join(missing) if missing else 'no volume', needed='layout of gds_info, and names of volumes')

    def refuse_moving(self, name):
        """Refused unless the volume is one that nobody in its own domain writes to."""
        volume = self.primary['volumes'].get(name)
        if volume is None:
            raise Refused('Class %s of the primary domain has no volume %s.' % (self.primary['class_name'], name), object=name,
                          found=', '.join(sorted(self.primary['volumes'])))
        if volume['relation'] == 'joined':
            raise Refused('%s is joined to its master, which writes to it.' % name, object=name, found='joined', needed='parted')
        if None in (volume['group'], volume['first_block'], volume['blocks']):
            raise Refused('It is not known where %s lies.' % name, object=name, needed='a volume in a group, its first block and its size',
                          found='group %(group)s, first block %(first_block)s, %(blocks)s blocks' % volume)

    def disks_of(self, group):
        """The disks of a group that are shadowed: of a mirror those with a device, of others all."""
        row = self.primary['groups'].get(valid_name(group)) or {}
        disks = row.get('disks') or []
        lower = [disk for disk in disks if disk in self.primary['groups']]
        if lower or row.get('type') not in TYPES:
            raise Refused('Group %s cannot be shadowed here.' % group, object=group,
                          found='lower groups %s' % ', '.join(lower) if lower else 'type %s' % row.get('type'),
                          needed='a mirror, stripe or concat group of disks')
        found = [disk for disk in disks if disk in self.devices]
        if not found or row['type'] != 'mirror' and found != disks:
            raise Refused('The devices of group %s on this host are not all known.' % group, object=group,
                          found=', '.join(found) or 'none', needed='one of %s' % ', '.join(disks) if row['type'] == 'mirror'
                          else ', '.join(disks))
        return found

    def up_to(self, group, last):
        """Names of all volumes of a group up to that first block. Refused where space between them is free: it could not be left out."""
        rows = sorted((row['first_block'], row['blocks'], name) for name, row in self.primary['volumes'].items()
                      if row['group'] == group and row['first_block'] <= last)
        for (first, blocks, name), (after, dummy, following) in zip(rows, rows[1:]):
            if first + blocks != after:
                raise Refused('There is free space before %s, so its shadow would begin elsewhere.' % following, object=following,
                              found='%s ends before block %d' % (name, first + blocks), needed='first block %d' % after)
        return [name for dummy, dummy, name in rows]

    def refuse_slices(self, name):
        """Refused unless the slices of a volume that are shadowed hold one state of its data that does not change."""
        volume = self.primary['volumes'][name]
        disks = self.groups[volume['group']]
        kind = self.primary['groups'][volume['group']]['type']
        states = [volume['slices'].get(disk) for disk in disks] if kind == 'mirror' else list(volume['slices'].values())
        detached = set(states) == set(['temp-stop'])
        whole = states and set(states) <= set(VALID) and volume['state'] == 'stop'
        if not detached and not whole:
            raise Refused('%s is not at rest on these disks.' % name, object=name,
                          found='volume %s, slices %s' % (volume['state'], ', '.join(str(state) for state in states)),
                          needed='a stopped volume with valid slices, or detached slices that are stopped')
        # What is written to some slices only would make a mirror of different halves.
        rest = [disk for disk, state in volume['slices'].items() if disk not in disks and state in VALID]
        self.partly = self.partly or kind == 'mirror' and whole and bool(rest)

    def refuse_writing(self):
        """Refused where the primary domain would not get over what is written here."""
        if self.partly:
            raise Refused('Only some of the valid slices are shadowed; writing to them would make the mirror of different halves.',
                          object=', '.join(self.names), needed='devices for all disks of the group')
        tracked = [name for name in self.names if self.primary['volumes'][name].get('tracked') is not False]
        if tracked:
            raise Refused('GDS would not copy over what is written here, since it does not see it.', object=', '.join(tracked),
                          found='jrm on, or not told', needed='parted with pjrm off, or detached with jrm off',
                          look='sdxinfo -VS -c %s -o %s -e long, in its own domain' % (self.primary['class_name'], tracked[0]))

    def undone(self):
        """[(command, letter, words)] that remove all of it, in their order."""
        volumes = sorted((-self.primary['volumes'][name]['first_block'], name) for names in self.volumes.values() for name in names)
        found = []
        for dummy, name in volumes:
            found += [('sdxshadowvolume', 'F', '-v', name), ('sdxshadowvolume', 'R', '-v', name)]
        found += [('sdxshadowgroup', 'R', '-g', group) for group in sorted(self.groups)]
        return found + [('sdxshadowdisk', 'R', '-d', disk) for disk in sorted(self.devices)]

    def differences(self, view):
        """What of a View (None where there is no class) is not as on the primary, as sentences; an empty list if it is proved equal."""
        if view is None:
            return ['there is no class']
        found = []
        for group, disks in sorted(self.groups.items()):
            wanted, row = self.primary['groups'][group], view.groups.get(group, {})
            found += compare('group %s' % group, [
                ('type', row.get('TYPE'), wanted['type']), ('disks', row.get('DISKS'), disks),
                ('width', str(row.get('WIDTH')), str(wanted['width'])) if wanted['type'] == 'stripe' else ('width', None, None)])
            for disk in disks:
                row = view.disks.get(disk, {})
                found += compare('disk %s' % disk, [('device', row.get('DEVNAM'), self.devices[disk]), (
                    'blocks', row.get('DEVBLKS'), self.primary['disks'].get(disk, {}).get('blocks'))])
                if row.get('DEVBLKS') is None:
                    found.append('disk %s has no number of blocks' % disk)
            for name in self.volumes[group]:
                volume, wanted = view.volumes.get(name), self.primary['volumes'][name]
                found += compare('volume %s' % name, [
                    (key, getattr(volume, key, None), value) for key, value in (
                        ('group', group), ('first', wanted['first_block']), ('blocks', wanted['blocks']),
                        ('last', wanted['first_block'] + wanted['blocks'] - 1))])
        more = sorted(set(view.volumes) - set(name for names in self.volumes.values() for name in names))
        return found + ['volume %s is not of these' % name for name in more]


def compare(thing, rows):
    return ['%s: %s %s instead of %s' % (thing, what, found, wanted) for what, found, wanted in rows if found != wanted]


def followed(disk, device):
    """The name of the device that a link named after the identity of a disk leads to; device itself where it is no such link."""
    if not device.startswith(IDENTITIES):
        return device
    if not os.path.islink(device):
        raise Refused('No disk here has the identity that is given for %s.' % disk, object=disk, found='no link %s' % device,
                      needed='the identity of a disk that this host sees', look='ls -l %s' % IDENTITIES,
                      remedy='or name its device in devices')
    return os.path.basename(os.path.realpath(device))


def identity_of(device, named=''):
    """The name by which every host knows this disk, or None where nothing on this host tells. named: the link that led to it, if any."""
    if WORLD_WIDE.match(os.path.basename(named)) and named.startswith(IDENTITIES):
        return os.path.basename(named)
    unit = NAMED_AFTER.match(device or '')
    if unit:
        return 'wwn-0x' + unit.group(1).lower()
    try:
        links = sorted(name for name in os.listdir(IDENTITIES) if WORLD_WIDE.match(name))
    except OSError:
        # Solaris, or a host without udev.
        return None
    found = [name for name in links if os.path.basename(os.path.realpath(IDENTITIES + name)) == device]
    return found[0] if len(found) == 1 else None


def valid_device(device):
    if not DEVICE.match(device):
        raise Refused('%r cannot be the device of a disk.' % (device,), object=repr(device), needed='for example c1t1d3 or sdd')
    return device
