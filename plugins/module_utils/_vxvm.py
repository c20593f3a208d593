# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Veritas Volume Manager: what its disk groups and volumes are, asked of vxprint, vxdg, vxdctl and vxassist.

The disk group is always named (-g): which one is meant without it differs between releases and hosts (vxdg(1M)).
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _vxvm_report as report
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, UnknownWord

# Sizes are printed in blocks of so many bytes; HP-UX, where it is 1024, is not supported.
BLOCK = 512
LONGEST_NAME = 31
NAME = re.compile(r'^[A-Za-z0-9_][A-Za-z0-9_.-]*\Z')
# Seconds for a command that may queue on the configuration daemon's lock.
LIMIT = 120

VOLUME_STATES = ('ACTIVE', 'CLEAN', 'EMPTY', 'SYNC', 'NEEDSYNC', 'REPLAY', 'INSTSNAPTMP', 'INVALID', '-')
COPYING = ('SNAPATT', 'SNAPTMP')
READY = 'SNAPDONE'
# Plexes that are no mirror of the volume as its users see it, but no fault of it either.
BESIDE = COPYING + (READY, 'SNAPDIS', 'DCOSNP', 'LOG')
PLEX_STATES = BESIDE + ('ACTIVE', 'CLEAN', 'EMPTY', 'STALE', 'OFFLINE', 'TEMP', 'TEMPRM', 'TEMPRMSD', 'IOFAIL', 'NODAREC', 'NODEVICE',
                        'RECOVER', 'REMOVED')


def valid_name(name, what='volume'):
    """name, if an object can have it; otherwise Refused, so that no value can become an option or a path."""
    if not NAME.match(name) or len(name) > LONGEST_NAME:
        raise Refused('%r cannot be the name of a %s.' % (name, what), object=repr(name), found='%d characters' % len(name),
                      needed='at most %d letters, digits, dots, dashes and underscores, no dash or dot first' % LONGEST_NAME)
    return name


def block_device(group, volume):
    return '/dev/vx/dsk/%s/%s' % (group, volume)


def raw_device(group, volume):
    return '/dev/vx/rdsk/%s/%s' % (group, volume)


def devices(group, volume):
    """Every path under which a volume may be mounted. Up to release 3.5 those of rootdg had no directory of their own."""
    return [block_device(group, volume), raw_device(group, volume)] + (['/dev/vx/dsk/' + volume] if group == 'rootdg' else [])


class Vxvm:
    """Asks. run(argv) -> Result runs a command that reads."""

    def __init__(self, run):
        self.run = run

    def ask(self, tool, *arguments, **facts):
        """The output of a command; CommandFailed with the given facts unless it ended well."""
        result = self.run([_platform.need(tool)] + list(arguments))
        if result.rc != 0:
            raise CommandFailed(result, **facts)
        return result.out

    def groups(self):
        """{name: [words of its state]} of the imported disk groups."""
        return report.parse_groups(self.ask('vxdg', 'list'))

    def details(self, group):
        return report.parse_details(self.ask('vxdg', 'list', group, object=group, needed='an imported disk group', look='vxdg list'))

    def group(self, name):
        """The records of an imported disk group."""
        text = self.ask('vxprint', '-g', name, '-htr', object=name, needed='an imported disk group', look='vxdg list')
        return report.parse_records(text, name)

    def tags(self, group):
        """{name of a volume or plex: its field putil2}, which the manager leaves to the site (vxedit(1M)); '' where it is empty."""
        return report.parse_tags(self.ask('vxprint', '-g', group, '-vp', '-F', '%type %name %putil2', object=group))

    def state_of_group(self, name):
        """deported, or of an imported group: started (all volumes are), stopped (none is) or partly. Refused where it cannot be used."""
        groups = self.groups()
        if name not in groups:
            return 'deported'
        if 'enabled' not in groups[name]:
            raise Refused('Disk group %s cannot be used as it is.' % name, object=name, found=','.join(groups[name]), needed='enabled',
                          look='vxdg list %s' % name)
        started = [volume.kstate == 'ENABLED' for volume in self.group(name).volumes.values()]
        return 'started' if all(started) else 'partly' if any(started) else 'stopped'

    def sees_group(self, name):
        """Whether the disks of this host hold a disk group of that name, imported or not; None where that cannot be told."""
        result = self.run([_platform.need('vxdisk'), '-o', 'alldgs', 'list'])
        words = set(word.strip('()') for line in result.out.splitlines() for word in line.split()[3:4])
        return None if result.rc != 0 or 'GROUP' not in words else name in words

    def owner(self, name):
        """The host that the disks of a group name as the one that has it imported, or None: that of a deported one is empty."""
        disks = report.parse_disks(self.ask('vxdisk', '-o', 'alldgs', 'list'))
        found = [report.parse_details(self.ask('vxdisk', 'list', device, object=device)).get('hostid', '')
                 for device, group in disks if group == name and device != '-']
        return ', '.join(sorted(set(host for host in found if host))) or None

    def own_name(self):
        """This host as the disks of its groups name it, or None where vxdctl does not tell."""
        result = self.run([_platform.need('vxdctl'), 'list'])
        return report.parse_details(result.out).get('hostid') or None if result.rc == 0 else None

    def refuse_owned(self, name):
        """Refused if another host has a disk group imported: its lock is never cleared here."""
        owner = self.owner(name)
        if owner and owner != self.own_name():
            raise Refused('Disk group %s is imported by another host.' % name, object=name, found='hostid %s' % owner, needed='no hostid',
                          look='vxdisk list DEVICE, for a disk of the group', remedy='deport it there: vxdg deport %s' % name)

    def refuse_unseen(self, name):
        """Refused if no disk of this host holds a disk group of that name."""
        if self.sees_group(name) is False:
            raise Refused('There is no disk group %s on the disks of this host.' % name, object=name, needed='a disk group',
                          look='vxdisk -o alldgs list', remedy='vxdctl enable, when its disks have just been made visible')

    def layout(self, groups):
        """What is needed to build the volumes of disk groups again."""
        found = {'mount table': ''.join('\t'.join(mount) + '\n' for mount in _platform.mounts()), 'vxdisk list': self.ask('vxdisk', 'list')}
        for group in sorted(groups):
            found['vxprint -g %s -m' % group] = self.ask('vxprint', '-g', group, '-m')
        return found

    def switch(self, group, volume, field):
        """A field of a volume that is on or off, as a bool; None where the release does not know the field."""
        result = self.run([_platform.need('vxprint'), '-g', group, '-v', '-F', '%' + field, volume])
        word = result.out.strip()
        return {'on': True, 'off': False}.get(word) if result.rc == 0 else None

    def is_open(self, group, volume):
        """Whether a volume is open; UnknownWord where that cannot be told."""
        found = self.switch(group, volume, 'devopen')
        if found is None:
            # Not every release knows the field.
            flags = report.parse_details(self.ask('vxprint', '-g', group, '-l', volume, object=volume)).get('flags', '').split()
            if ('open' in flags) == ('closed' in flags):
                raise UnknownWord('vxprint does not tell whether volume %s is open.' % volume, object=volume, found=' '.join(flags) or None,
                                  needed='open or closed among the flags', look='vxprint -g %s -l %s' % (group, volume))
            found = 'open' in flags
        return found

    def is_restoring(self, group, volume):
        """Whether an instant snapshot is still being copied back to the volume (vxsnap(1M), restore)."""
        text = self.ask('vxprint', '-g', group, '-m', volume, object=volume)
        found = re.findall(r'^\s*restore=(\S*)', text, re.MULTILINE)
        return any(word.strip('"') not in ('', 'off', 'no', '0') for word in found)

    def percent(self, group, volume, kind=''):
        """How far a synchronisation of the volume is, from vxtask; None where it does not say. kind: how its type begins."""
        for percent, words in report.parse_tasks(self.ask('vxtask', 'list')):
            if volume in words and group in words and any(word.startswith(kind) for word in words):
                return percent
        return None

    def snapshots(self, group):
        """{instant snapshot: (kind, parent, date)}"""
        return report.parse_snapshots(self.ask('vxsnap', '-g', group, 'list', object=group))

    def refuse_unless_master(self, group):
        """A shared disk group is changed on the master of the cluster only (vxdg(1M), vxdctl(1M))."""
        details = self.details(group)
        if 'shared' not in details.get('flags', '').split():
            return
        mode = self.ask('vxdctl', '-c', 'mode')
        if 'MASTER' not in mode.split():
            raise Refused('Disk group %s is shared, and this host is not the master of the cluster.' % group, object=group,
                          found=' '.join(mode.split()), needed='cluster active - MASTER', look='vxdctl -c mode',
                          remedy='run this on the master')


def find_volume(group, name):
    """The named Volume of a Group; Refused where there is none."""
    if name not in group.volumes:
        raise Refused('Disk group %s has no volume %s.' % (group.name, name), object=name, needed='a volume',
                      look='vxprint -g %s -ht' % group.name)
    return group.volumes[name]


def known(word, words, what, name):
    """word, if it is documented; an unknown one is never taken for a healthy state."""
    if word not in words:
        raise UnknownWord('%s %s is in a state that is not documented.' % (what, name), object=name, found=word,
                          needed='one of %s' % ', '.join(words), look='vxprint -ht')
    return word


def faults(volume):
    """Why a volume is not as it should be, as sentences; an empty list if it is."""
    found = []
    if (volume.kstate, known(volume.state, VOLUME_STATES, 'Volume', volume.name)) != ('ENABLED', 'ACTIVE'):
        found.append('volume %s is %s %s' % (volume.name, volume.kstate, volume.state))
    for plex in volume.plexes:
        if known(plex.state, PLEX_STATES, 'Plex', plex.name) not in BESIDE and (plex.kstate, plex.state) != ('ENABLED', 'ACTIVE'):
            found.append('plex %s is %s %s' % (plex.name, plex.kstate, plex.state))
        if plex.layered:
            found.append('plex %s is layered, and the mirrors in it are not looked at' % plex.name)
    if not mirrors(volume):
        found.append('volume %s has no complete plex' % volume.name)
    return found


def mirrors(volume):
    """The complete plexes that a volume reads from."""
    return [plex for plex in volume.plexes if plex.state == 'ACTIVE' and plex.kstate == 'ENABLED']


def refuse_unless_healthy(group, volume):
    found = faults(volume)
    if found:
        raise Refused('Volume %s/%s cannot be used as it is.' % (group, volume.name), object=volume.name, found='; '.join(found),
                      needed='a started volume, all of whose plexes are ACTIVE', look='vxprint -g %s -ht %s' % (group, volume.name),
                      remedy='repair it (vxrecover, or replace the disk), or wait until its recovery has ended')


def refuse_in_use(vxvm, group, volume, what):
    """Refused if a volume is mounted or open; the message names the holder where the system tells."""
    paths = devices(group, volume)
    mounted = [mount.point for mount in _platform.mounts() if mount.device in paths]
    if mounted:
        raise Refused('%s/%s is mounted.' % (group, volume), object=volume, found='mounted on %s' % ', '.join(mounted), needed=what,
                      look='mount', remedy='umount %s' % mounted[0])
    if vxvm.is_open(group, volume):
        refuse_holder(paths, volume, what)
        raise Refused('%s/%s is open.' % (group, volume), object=volume, found='devopen on', needed=what, look='fuser %s' % paths[0],
                      remedy='end what uses it')


def refuse_holders(vxvm, group, needed, volumes=None):
    """Refused, naming the mount or the process, if this host uses a volume of an imported disk group: any, or one of volumes."""
    for volume in sorted(vxvm.group(group).volumes if volumes is None else volumes):
        paths = devices(group, volume)
        for mount in _platform.mounts():
            if mount.device in paths:
                raise Refused('Volume %s of disk group %s is mounted.' % (volume, group), object=group, needed=needed, look='mount',
                              found='mounted on %s' % mount.point, remedy='umount %s' % mount.point)
        refuse_holder(paths, volume, needed)


def refuse_holder(paths, volume, needed):
    """Refused, naming the process, if one of this host has a device of paths open."""
    for path in paths:
        if os.path.exists(path):
            try:
                _target.refuse_open(path, os.stat(path).st_rdev)
            except Refused as error:
                raise Refused('%s is open.' % volume, object=volume, found=error.facts.get('found'), needed=needed,
                              look=error.facts.get('look'), remedy='end that process')
