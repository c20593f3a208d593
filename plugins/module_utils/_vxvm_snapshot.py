# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Snapshots of VxVM volumes: the commands of each form, and what is refused before one is used.

classic   a third mirror that vxassist(1M) breaks off into a volume
instant   a mirror that vxsnap(1M) breaks off, of a volume prepared for instant snapshots
cache     a space-optimised instant snapshot, which lives in a cache object
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _vxvm_report as report
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import BLOCK, COPYING, READY, find_volume, valid_name

CLASSIC, INSTANT, CACHE = 'classic', 'instant', 'cache'
# The commands make a mounted file system of this type consistent by themselves (vxassist(1M), vxsnap(1M)), on a volume of this usage type.
CONSISTENT, USAGE = ('vxfs',), 'fsgen'
# In the field putil2 of what this collection has made, which the manager leaves to the site (vxedit(1M)).
TAG = 'snapbackup'

# vxsnap make says nothing when it makes nothing for this reason.
REGIONS = ('compare the region size of the cache with that of the volume (vxprint -m, dcoregionsz); where they differ, prepare the volume '
           'again: vxsnap unprepare VOLUME; vxsnap prepare VOLUME regionsize=SIZE')

# One volume of a call. disks: names of disks for its mirror; snapshot: the name of the snapshot volume.
Member = collections.namedtuple('Member', 'group volume form snapshot disks cache filesystem')


def name_of(member):
    """The volume as the run record names it."""
    return '%s/%s' % (member.group, member.volume)


def mark_of(run):
    """The end of the names of what a run makes; in check mode of a run that is not open yet, <run>."""
    return '-' + run.rpartition('-')[2]


def snapshot_name(volume, run):
    """VOLUME-xxxxxx with the last digits of the run, so that no two runs ever give the same name."""
    name = volume + mark_of(run)
    # In check mode the digits are not known yet, only how many they are.
    valid_name(name.replace('<run>', 'xxxxxx'), 'snapshot')
    return name


def mirrors_of(volume):
    """(plexes that are being synchronised, plexes that can be broken off) of a Volume."""
    return ([plex for plex in volume.plexes if plex.state in COPYING], [plex for plex in volume.plexes if plex.state == READY])


# The commands. Each returns argument lists.

def prepare_argv(member):
    """Makes a volume ready for instant snapshots, once and for all."""
    return [_platform.need('vxsnap'), '-g', member.group, '-b', 'prepare', member.volume]


def mirror_argv(member):
    """Starts to synchronise a mirror that can be broken off."""
    if member.form == CLASSIC:
        return [_platform.need('vxassist'), '-g', member.group, '-b', 'snapstart', member.volume] + list(member.disks)
    alloc = ['alloc=' + ','.join(member.disks)] if member.disks else []
    return [_platform.need('vxsnap'), '-g', member.group, '-b', 'addmir', member.volume] + alloc


def drop_mirror_argv(member):
    """Removes the only snapshot mirror of a volume."""
    if member.form == CLASSIC:
        return [_platform.need('vxassist'), '-g', member.group, 'snapabort', member.volume]
    return [_platform.need('vxsnap'), '-g', member.group, 'rmmir', member.volume]


def cut_argvs(members, run):
    """As few commands as can break off all snapshots: one for each disk group and tool, each of which cuts at one instant."""
    argvs = []
    for group in sorted(set(member.group for member in members)):
        classic = [member for member in members if member.group == group and member.form == CLASSIC]
        instant = [member for member in members if member.group == group and member.form != CLASSIC]
        if classic:
            argvs.append(_classic_cut(group, classic, run))
        if instant:
            argvs.append([_platform.need('vxsnap'), '-g', group, 'make'] + [_tuple(member) for member in instant])
    return argvs


def _classic_cut(group, members, run):
    vxassist = [_platform.need('vxassist'), '-g', group]
    if len(members) == 1:
        return vxassist + ['snapshot', members[0].volume, members[0].snapshot]
    for member in members:
        if member.snapshot != member.volume + mark_of(run):
            raise Refused('vxassist names the snapshots of several volumes after one pattern.', object=member.snapshot,
                          found='a name of its own for %s' % member.volume, needed='no option snapshot',
                          remedy='leave the name to this module, or back the volume up on its own')
    return vxassist + ['-o', 'name=%v' + mark_of(run), 'snapshot'] + [member.volume for member in members]


def _tuple(member):
    how = 'cache=' + member.cache if member.form == CACHE else 'nmirror=1'
    return 'source=%s/newvol=%s/%s' % (member.volume, member.snapshot, how)


def tag_argv(group, names):
    return [_platform.need('vxedit'), '-g', group, 'set', 'putil2=' + TAG] + list(names)


def reattach_argv(member):
    """Gives the mirror back; what was written to the original meanwhile is copied to it."""
    if member.form == CLASSIC:
        return [_platform.need('vxassist'), '-g', member.group, '-b', 'snapback', member.snapshot]
    if member.form == INSTANT:
        return [_platform.need('vxsnap'), '-g', member.group, 'reattach', member.snapshot, 'source=' + member.volume]
    raise Refused('A space-optimised snapshot has no mirror that could be given back.', object=member.snapshot,
                  needed='a snapshot with a mirror of its own', remedy='remove it (state absent)')


def restore_argv(member):
    """Copies the snapshot back onto its original."""
    if member.form == CLASSIC:
        return [_platform.need('vxassist'), '-g', member.group, '-b', '-o', 'resyncfromreplica', 'snapback', member.snapshot]
    # The snapshot is kept until the copy has ended, so that an interrupted restore can be begun again.
    keep = ['destroy=no'] if member.form == INSTANT else []
    return [_platform.need('vxsnap'), '-g', member.group, 'restore', member.volume, 'source=' + member.snapshot] + keep


def remove_argvs(member, tracked):
    """Removes a snapshot volume. tracked: whether snap objects still tie it to its original, which would outlive it there."""
    part = []
    if tracked and member.form == CLASSIC:
        part = [[_platform.need('vxassist'), '-g', member.group, 'snapclear', member.snapshot]]
    elif tracked:
        part = [[_platform.need('vxsnap'), '-g', member.group, 'dis', member.snapshot]]
    return part + [[_platform.need('vxedit'), '-g', member.group, '-rf', 'rm', member.snapshot]]


def clear_argv(member, name):
    """Removes a snap object of the original whose snapshot is gone."""
    return [_platform.need('vxassist'), '-g', member.group, 'snapclear', member.volume, name]


# What is looked at before.

def form_of(vxvm, group, volume, wanted, cache):
    """The form in which a volume is to be cut; Refused where the wanted one is not for it."""
    found = find_volume(group, volume)
    instant = vxvm.switch(group.name, volume, 'instant') if found.has_dco else False
    if cache or wanted == INSTANT:
        if found.has_dco and instant is False:
            raise Refused('Volume %s has a change object of another kind, so it cannot be prepared for instant snapshots.' % volume,
                          object=volume, found='a DCO, instant off', needed='no DCO, or instant on',
                          look='vxprint -g %s -htr %s' % (group.name, volume),
                          remedy='leave form classic, or remove the change object (vxassist -g %s remove log %s logtype=dco)'
                          % (group.name, volume))
        return CACHE if cache else INSTANT
    if instant is None and wanted != CLASSIC:
        raise Refused('It cannot be told whether volume %s is prepared for instant snapshots.' % volume, object=volume,
                      found='a data change object, and no answer to %instant',
                      needed='on or off', look='vxprint -g %s -F%%instant %s' % (group.name, volume), remedy='say which form it is to be')
    if instant and wanted == CLASSIC:
        raise Refused('Volume %s is prepared for instant snapshots, which vxassist does not support.' % volume, object=volume,
                      found='instant on', needed='form instant', look='vxprint -g %s -F%%instant %s' % (group.name, volume))
    return INSTANT if instant else CLASSIC


def refuse_foreign_mirrors(member, volume, tags, adopt):
    """Refused if a snapshot mirror of the volume is not ours: it would be broken off in the place of ours."""
    for plexes in mirrors_of(volume):
        for plex in plexes:
            if tags.get(plex.name) != TAG and not adopt:
                raise Refused('Volume %s has a snapshot mirror that this collection has not made.' % member.volume, object=plex.name,
                              found=plex.state, needed='a mirror with putil2=%s' % TAG,
                              look='vxprint -g %s -ht %s' % (member.group, member.volume),
                              remedy='set adopt to use it, or remove it: vxassist -g %s snapabort %s' % (member.group, member.volume))


def refuse_unusable_mirror(member, volume):
    """A mirror that does not get every write, or that is smaller than the volume, gives an incomplete copy."""
    for plex in mirrors_of(volume)[1]:
        if plex.kstate != 'ENABLED':
            raise Refused('Snapshot mirror %s does not get what is written to its volume.' % plex.name, object=plex.name,
                          found='%s %s' % (plex.kstate, plex.state), needed='ENABLED %s' % READY,
                          look='vxprint -g %s -ht %s' % (member.group, member.volume),
                          remedy='remove it, and let this module make one: vxplex -g %s -o rm dis %s' % (member.group, plex.name))
        if plex.length < volume.length:
            raise Refused('Snapshot mirror %s is smaller than its volume.' % plex.name, object=plex.name, found='%d blocks' % plex.length,
                          needed='%d blocks' % volume.length, look='vxprint -g %s -ht %s' % (member.group, member.volume),
                          remedy='remove it, and let this module make one')


def refuse_no_space(vxvm, group, members):
    """Refused unless the disk group has room for a mirror of each of members [(Member, blocks)]. It says how much is missing."""
    for member, blocks in members:
        found = vxvm.run([_platform.need('vxassist'), '-g', group, 'maxsize'] + list(member.disks))
        largest = report.parse_maximum(found.out) if found.rc == 0 else 0
        if largest < blocks:
            raise _no_space(group, member, largest, blocks, 'vxassist -g %s maxsize %s' % (group, ' '.join(member.disks)),
                            vendor=found.err.strip() or None)
    chosen = set(disk for member, dummy in members for disk in member.disks)
    free = report.parse_free(vxvm.ask('vxdg', '-g', group, 'free', object=group))
    room = sum(length for disk, length in free if not chosen or disk in chosen)
    needed = sum(blocks for dummy, blocks in members)
    if members and all(bool(member.disks) == bool(chosen) for member, dummy in members) and room < needed:
        raise _no_space(group, members[0][0], room, needed, 'vxdg -g %s free' % group)


def _no_space(group, member, found, needed, look, vendor=None):
    where = ' on %s' % ', '.join(member.disks) if member.disks else ''
    return Refused('Disk group %s has no room%s for the snapshot mirror of %s: %d MiB are missing.'
                   % (group, where, member.volume, -(-(needed - found) * BLOCK // (1 << 20))), object=member.volume,
                   found='room for %d blocks' % found, needed='%d blocks' % needed, look=look.strip(), vendor=vendor,
                   remedy='add a disk, or name disks with more room')


def held_by_cut(members, usages, lock):
    """(types of file systems that the commands hold still by themselves, volumes of which nothing does) of members of the run record.

    One file system alone: across several volumes freezing is left to whoever runs the commands, and only Linux has a command for it.
    usages: the usage types of the members' volumes. lock: whether that one may be used on VxFS.
    """
    own = [(member, usage) for member, usage in zip(members, usages) if member['fstype'] in CONSISTENT]
    if len(own) == 1 and own[0][1] == USAGE:
        return CONSISTENT, []
    if own and not (lock and _platform.find('fsfreeze')):
        return CONSISTENT, [member['volume'] for member, dummy in own]
    return (), []


def verdict_of(cuts, held, unheld):
    """verdict(members, applications) for a window with these commands: see the table in docs/consistency.md.

    held, unheld: of held_by_cut().
    """
    def verdict(members, applications):
        if applications:
            return _quiesce.APPLICATION
        loose = [member['volume'] for member in members if member['fstype'] is None or member['fstype'] in held]
        if loose and len(cuts) > 1:
            raise Refused('Several commands are needed to cut the volumes, and nothing holds %s still from the first to the last.'
                          % ', '.join(loose), object=', '.join(loose), found='%d commands' % len(cuts),
                          needed='volumes of one disk group and one form, or an application in quiesce',
                          remedy='back them up as sets of their own')
        return _quiesce.CRASH if unheld or not all(member['filesystem'] for member in members) else _quiesce.FILESYSTEM
    return verdict


# What shows that the cut was made, and is still the same.

def confirm(look, members):
    """Torn unless the snapshot volume of every member is there, started, and as long as it must be. look(argv) -> Result."""
    for group in sorted(set(member.group for member in members)):
        mine = [member for member in members if member.group == group]
        result = look([_platform.need('vxprint'), '-g', group, '-htr'] + [member.snapshot for member in mine])
        volumes = report.parse_records(result.out, group).volumes if result.out.strip() else {}
        for member in mine:
            found = volumes.get(member.snapshot)
            state = '%s %s' % (found.kstate, found.state) if found else 'no such volume'
            if state != 'ENABLED ACTIVE':
                raise Torn('The command reported success, but there is no good snapshot %s.' % member.snapshot, object=member.snapshot,
                           found=state, needed='ENABLED ACTIVE', vendor=result.err, look='vxprint -g %s -ht %s' % (group, member.snapshot),
                           remedy=REGIONS if found is None and any(one.form == CACHE for one in mine) else None)


def proof(vxvm, members):
    """What must still be true for the copies to be the same cut: see the run record's key proof."""
    clauses = []
    for member in members:
        clauses.append({'argv': [_platform.need('vxprint'), '-g', member.group, '-t', member.snapshot],
                        'match': r'^v\s+%s\s+\S+\s+ENABLED\s+ACTIVE\s' % re.escape(member.snapshot)})
        if member.form != CLASSIC:
            found = vxvm.snapshots(member.group).get(member.snapshot)
            if found is None or found[1] != member.volume or found[2].startswith('-'):
                raise Torn('Nothing shows when snapshot %s was made.' % member.snapshot, object=member.snapshot, found=str(found),
                           needed='its parent %s, and a time' % member.volume, look='vxsnap -g %s list' % member.group)
            # A refreshed snapshot has another time.
            pattern = r'^%s\s+\S+\s+vol\s+\S+\s+%s\s+\S+\s+%s\s' % tuple(
                re.escape(word) if number < 2 else r'\s+'.join(re.escape(part) for part in word.split())
                for number, word in enumerate((member.snapshot, member.volume, found[2])))
            clauses.append({'argv': [_platform.need('vxsnap'), '-g', member.group, 'list'], 'match': pattern})
    return clauses
