# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The volumes of one call of vxvm_snapshot: which they are, the states they are in, and what ties their snapshots to a run."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _services, _vxvm_snapshot
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._split import mounted
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm import (
    BLOCK, LIMIT, Vxvm, block_device, devices, find_volume, raw_device, refuse_unless_healthy, valid_name)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_separate import refuse_form, refuse_not_apart
from ansible_collections.volmgr.snapbackup.plugins.module_utils._vxvm_snapshot import Member, TAG, mark_of, name_of

SYNCHRONISING, MIRROR_READY = 'synchronising', 'ready'
# Seconds until what a command starts must be seen to have begun, and between two looks.
BEGINS, PAUSE = 30.0, 0.2
KIND = 'vxvm_snapshot:'


def undo_id(member):
    return KIND + name_of(member)


def undo_entry(member, action, **more):
    """How to find again what a run does with a volume. action: the state that takes it back."""
    return dict(id=undo_id(member), action=action, group=member.group, volume=member.volume, snapshot=member.snapshot, form=member.form,
                **more)


def member_of(entry):
    """The Member of an undo entry."""
    return Member(entry['group'], entry['volume'], entry['form'], entry['snapshot'], (), None, None)


def entries_of(record, action):
    """The undo entries of a run whose way back is action."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith(KIND) and entry['action'] == action] if record else []


class Work:
    """members: [Member]; groups: {name: Group}; before: {volume as in the record: {"mirror": ..., "snapshot": ...}}

    mirror is None, synchronising or ready (to be broken off); snapshot the name of the run's snapshot volume where there is one.
    """

    def __init__(self, context, entries=None):
        self.context = context
        self.vxvm = Vxvm(context.runner)
        self.groups = {}
        self.members = self.asked() if entries is None else [member_of(entry) for entry in entries]
        names = [name_of(member) for member in self.members]
        if len(set(names)) != len(names):
            raise Refused('A volume is named more than once in members.', object=', '.join(sorted(names)), needed='each volume once')
        self.before = self.states()
        assumed = context.params['assume'] or {}
        if context.check:
            self.before.update((name, assumed[name]) for name in names if name in assumed)

    def asked(self):
        """The Members that option members names."""
        params, found = self.context.params, []
        for entry in params['members'] or ():
            group, volume = valid_name(entry['disk_group'], 'disk group'), valid_name(entry['volume'])
            disks = [valid_name(disk, 'disk') for disk in entry['disks'] or ()]
            cache = valid_name(entry['cache'], 'cache object') if entry['cache'] else None
            if entry['snapshot']:
                snapshot = valid_name(entry['snapshot'], 'snapshot')
            else:
                snapshot = _vxvm_snapshot.snapshot_name(volume, params['run']) if params['run'] else None
            form = _vxvm_snapshot.form_of(self.vxvm, self.group(group), volume, params['form'], cache)
            found.append(Member(group, volume, form, snapshot, disks, cache, entry['filesystem']))
        return found

    def group(self, name):
        if name not in self.groups:
            self.groups[name] = self.vxvm.group(name)
        return self.groups[name]

    def volume(self, member):
        return find_volume(self.group(member.group), member.volume)

    def snapshot(self, member):
        """The Volume that is the member's snapshot, or None."""
        return self.group(member.group).volumes.get(member.snapshot)

    def now(self):
        """The states as the host shows them now."""
        self.groups = {}
        return self.states()

    def states(self):
        return dict((name_of(member), self.state(member)) for member in self.members)

    def state(self, member):
        copying, ready = _vxvm_snapshot.mirrors_of(self.volume(member))
        return {'mirror': SYNCHRONISING if copying else MIRROR_READY if ready else None,
                'snapshot': member.snapshot if self.snapshot(member) else None}

    def state_now(self, member):
        """The state of one member as the host shows it now."""
        return self.now()[name_of(member)]

    def leaving(self, member):
        """A question: whether a mirror of the snapshot that is there now is on its way back to the original, or there already."""
        snapshot = self.snapshot(member)
        names = [plex.name for plex in snapshot.plexes] if snapshot else []

        def has_left():
            return self.is_gone(member) or any(plex.name in names for plex in self.volume(member).plexes)
        return has_left

    def is_parted(self, member):
        """Whether no snap object ties a snapshot to its original any more."""
        return member.snapshot not in self.vxvm.group(member.group).linked

    def is_gone(self, member):
        return self.state_now(member)['snapshot'] is None

    def predicted(self, **state):
        """The states once every member is in this one."""
        return dict((name_of(member), dict(self.before[name_of(member)], **state)) for member in self.members)

    def by_group(self, members=None):
        """[(disk group, its members)]"""
        members = self.members if members is None else members
        return [(group, [member for member in members if member.group == group]) for group in sorted(set(m.group for m in members))]

    def refuse_unhealthy(self, members=None):
        """Refused unless every original is as it should be, on a host that may change it."""
        for group, mine in self.by_group(members):
            self.vxvm.refuse_unless_master(group)
            for member in mine:
                refuse_unless_healthy(group, self.volume(member))

    def refuse_not_apart(self):
        """With option offhost, refused unless the snapshots can be split off into disk groups of their own."""
        params = self.context.params
        for group, mine in self.by_group() if params['offhost'] else ():
            # What an earlier run has kept may only be predicted to be home.
            leaving = self.tagged(group) if self.context.check and params['assume'] else []
            coming = [member for member in mine if self.before[name_of(member)]['mirror']]
            refuse_not_apart(self.vxvm, self.group(group), mine, coming, leaving)
            valid_name((group + mark_of(params['run'] or '<run>')).replace('<run>', 'xxxxxx'), 'disk group')
            for member in mine:
                refuse_form(self.vxvm, self.group(group), member, params['after'])

    def change(self, argv, needed, member, lasting=False):
        """Run a command that starts something, and wait until needed() says that it has begun. Exit codes prove nothing.

        lasting: it may come back only when a copy is at its end, and must not be killed before.
        """
        result = self.context.change(argv, timeout=LIMIT, begun=needed if lasting else None)
        if result is None:
            return
        # New tasks take time to be set up (vxtask(1M)).
        limit = _platform.monotonic() + (BEGINS if result.rc == 0 else 0)
        while not needed():
            if _platform.monotonic() >= limit:
                raise CommandFailed(result, '%s had no effect.' % ' '.join(argv), object=name_of(member),
                                    found='exit code %s' % result.rc,
                                    look='vxprint -g %s -ht %s' % (member.group, member.volume))
            time.sleep(PAUSE)

    def tag(self, group, names, member):
        """Mark volumes or plexes as made by this collection."""
        if names:
            self.change(_vxvm_snapshot.tag_argv(group, names), lambda: set(names) <= set(self.tagged(group)), member)

    def tagged(self, group):
        return [name for name, tag in self.vxvm.tags(group).items() if tag == TAG]

    def record_member(self, member):
        """The run record's entry for a volume that is to be cut, with the file system found in the mount table."""
        mount = mounted(name_of(member), devices(member.group, member.volume), member.filesystem, _services.away(self.context.record))
        size = self.volume(member).length * BLOCK
        refuse_other_size(block_device(member.group, member.volume), size)
        return {'volume': name_of(member), 'copy': member.snapshot, 'device': raw_device(member.group, member.snapshot),
                'block_device': block_device(member.group, member.snapshot), 'original': raw_device(member.group, member.volume),
                'bytes': size,
                'filesystem': mount.point if mount else None, 'fstype': mount.fstype if mount else None}


def refuse_other_size(device, size):
    """Refused where the system knows another size than vxprint: some platforms count in other blocks."""
    try:
        fd = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        end = os.lseek(fd, 0, os.SEEK_END)
    except OSError:
        # Not every system can tell the end of a device.
        end = 0
    finally:
        os.close(fd)
    if end not in (0, size):
        raise Refused('vxprint and the system do not agree on the size of %s.' % device, object=device, found='%d bytes' % end,
                      needed='%d bytes' % size, remedy='lengths that are not counted in blocks of %d bytes are not supported' % BLOCK)
