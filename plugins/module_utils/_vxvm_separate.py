# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether snapshots of VxVM volumes can be split off into a disk group of their own (vxdg(1M)): looked at before they are made, when
they are cut, and before they are split off.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import CACHE, CLASSIC, mirrors_of, name_of

# The first version of a disk group that can be split and joined.
OLDEST_VERSION = 90


def refuse_unfit(vxvm, group):
    """Refused unless a disk group can be split here and now."""
    vxvm.refuse_unless_master(group)
    details = vxvm.details(group)
    version = details.get('version', '')
    if not version.isdigit() or int(version) < OLDEST_VERSION:
        raise Refused('Disk group %s is of a version that cannot be split.' % group, object=group,
                      found='version %s' % (version or 'unknown'), needed='version %d or later' % OLDEST_VERSION,
                      look='vxdg list %s' % group, remedy='vxdg upgrade %s' % group)
    if 'shared' in details.get('flags', '').split():
        raise Refused('Disk group %s is shared, and its snapshots would have to come back as a private one.' % group, object=group,
                      found='flags shared', needed='a private disk group', look='vxdg list %s' % group,
                      remedy='read its snapshots on this host')


def refuse_inseparable(vxvm, group, name, volumes):
    """Refused if more than these volumes would have to go with their disks."""
    going = set(volumes).union(*[group.volumes[volume].logs for volume in volumes])
    plexes = set(plex.name for volume in going if volume in group.volumes for plex in group.volumes[volume].plexes)
    disks = set(disk for volume in going if volume in group.volumes for plex in group.volumes[volume].plexes for disk in plex.disks)
    refuse_strangers(group, disks, plexes, volumes)
    result = vxvm.run([_platform.need('vxdg'), '-o', 'expand', 'listmove', group.name, name] + list(volumes))
    dragged = sorted(set(result.out.split()) & set(group.volumes) - going)
    if result.rc != 0 or dragged:
        raise Refused('The snapshots cannot be split off disk group %s with nothing else.' % group.name, object=', '.join(volumes),
                      found='%s would go too' % ', '.join(dragged) if dragged else 'exit code %s' % result.rc, vendor=result.err or None,
                      needed='only the snapshots on their disks',
                      look='vxdg -o expand listmove %s %s %s' % (group.name, name, ' '.join(volumes)),
                      remedy='name disks for the mirrors on which nothing else lies')


def refuse_strangers(group, disks, plexes, what):
    """Refused if anything but plexes lies on disks of a Group."""
    found = [(plex, 'volume ' + volume) for volume in sorted(group.volumes) for plex in group.volumes[volume].plexes]
    for plex, where in found + [(plex, 'no volume') for plex in group.loose]:
        if plex.name not in plexes and plex.disks & disks:
            raise Refused('%s share disks with something else, so they cannot be split off.' % ', '.join(what), object=', '.join(what),
                          found='plex %s of %s on disk %s' % (plex.name, where, ', '.join(sorted(plex.disks & disks))),
                          needed='disks on which nothing else lies', look='vxprint -g %s -htr' % group.name,
                          remedy='name disks for the mirrors (disks) on which nothing else lies')


def refuse_not_apart(vxvm, group, members, coming, leaving):
    """Refused if the snapshots of members, all of one Group, could not be split off once they are cut.

    coming: members whose mirror is there, or is predicted to be. leaving: volumes that will not be there any more.
    """
    refuse_unfit(vxvm, group.name)
    disks, plexes = set(), set()
    for volume in set(leaving).union(*[group.volumes[name].logs for name in leaving if name in group.volumes]) & set(group.volumes):
        plexes.update(plex.name for plex in group.volumes[volume].plexes)
    for member in members:
        volume = group.volumes[member.volume]
        mirrors = [plex for found in mirrors_of(volume) for plex in found]
        if not member.disks and member not in coming:
            raise Refused('It is left to the volume manager where the snapshot mirror of %s will lie.' % name_of(member),
                          object=name_of(member), needed='names of disks on which nothing else lies',
                          look='vxdg -g %s free' % group.name, remedy='give them in disks of the volume')
        disks.update(*[plex.disks for plex in mirrors] or [member.disks])
        plexes.update(plex.name for plex in mirrors)
        # What waits in the change object for the snapshot goes along with it.
        waiting = [plex for log in volume.logs if log in group.volumes for plex in group.volumes[log].plexes if plex.state == 'DCOSNP']
        plexes.update(plex.name for plex in waiting)
        refuse_log_elsewhere(group, member, waiting, set().union(*[plex.disks for plex in mirrors]))
    refuse_strangers(group, disks, plexes, [name_of(member) for member in members])


def refuse_log_elsewhere(group, member, waiting, disks):
    """Refused if what waits in the change object for the snapshot lies on other disks than its mirror: these would go along."""
    for plex in waiting:
        if not plex.disks <= disks:
            raise Refused('The change object for the snapshot of %s does not lie on the disks of its mirror.' % name_of(member),
                          object=name_of(member), found='plex %s on disk %s' % (plex.name, ', '.join(sorted(plex.disks))),
                          needed='only %s' % ', '.join(sorted(disks)), look='vxprint -g %s -htr %s' % (group.name, member.volume),
                          remedy='remove the mirror (state absent, without run), and name disks for the next one')


def refuse_form(vxvm, group, member, after):
    """Refused for a kind of snapshot that cannot go to another host, or not come back as it is to."""
    if member.form == CACHE:
        raise Refused('A space-optimised snapshot needs its original, so no other host can read it.', object=name_of(member),
                      needed='a snapshot with a mirror of its own', remedy='leave out cache, or read it on this host')
    lacks = None
    if after == 'reattached' and member.form == CLASSIC:
        off = vxvm.switch(group.name, member.volume, 'fastresync') is False
        lacks = 'no DCO' if not group.volumes[member.volume].has_dco else 'fastresync off' if off else None
    if lacks:
        raise Refused('Changes of %s are not tracked in a change object, so all of its mirror would be copied.' % name_of(member),
                      object=name_of(member), found=lacks, needed='persistent FastResync',
                      look='vxprint -g %s -htr %s' % (group.name, member.volume),
                      remedy='vxassist -g %s addlog %s logtype=dco; vxvol -g %s set fastresync=on %s; or have the snapshot removed '
                             'afterwards' % (group.name, member.volume, group.name, member.volume))
