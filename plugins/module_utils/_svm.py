# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Solaris Volume Manager: names of volumes, and the states of mirrors and their submirrors.

A volume is named as metastat prints it: NAME, or SET/NAME in a disk set; commands take -s SET and the last part.
States of a submirror here: okay, offline, resyncing, maintenance, cancelled, unavailable; of one that is no submirror of its
mirror: detached if it stands on its own, used if other volumes lie on it, absent if there is none of this name.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import (
    SOFT_PARTITION, STRIPE, parse_layout, refuse_foreign, users)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import BLOCK, parse_concise, parse_report

# metainit(1M): a letter, then letters, digits, - _ . ; two words are reserved.
NAME = re.compile(r'^[A-Za-z][A-Za-z0-9_.-]*\Z')
RESERVED = ('all', 'none')
READ_TRIES = 3
DEVICES = '/dev/md'

WORDS = {'Okay': 'okay', 'Unavailable': 'unavailable', 'Resyncing': 'resyncing', 'Resync cancelled': 'cancelled',
         'Needs maintenance': 'maintenance'}
# What metastat -c may say beside each word of the full report. A cancelled resync is also marked (maint).
AGREE = {'okay': ('',), 'unavailable': ('unavail',), 'resyncing': ('resync',), 'cancelled': ('maint',),
         'maintenance': ('maint', 'offline', 'unavail')}


def valid_name(name):
    """name, if a volume or a disk set can have it; otherwise Refused, so that no value can become an option or a path."""
    if not NAME.match(name) or name in RESERVED:
        raise Refused('%r cannot be the name of a volume.' % (name,), object=repr(name),
                      needed='a letter, then letters, digits, dash, underscore or dot')
    return name


def qualified(name, diskset):
    """The name as metastat prints it of what a user calls NAME or SET/NAME; Refused if it lies in another set than diskset (or None)."""
    head, slash, last = name.rpartition('/')
    if slash and head != diskset:
        raise Refused('%r is not a volume of %s.' % (name, 'disk set %s' % diskset if diskset else 'the local set'), object=repr(name),
                      needed='volumes of one disk set', remedy='name it in option diskset')
    valid_name(last)
    return '%s/%s' % (valid_name(diskset), last) if diskset else last


def common_set(names, diskset):
    """diskset, or the set that all names are in; None for the local set. Refused if they are in several."""
    found = sorted(set(name.rpartition('/')[0] for name in names))
    if diskset is None and len(found) > 1:
        raise Refused('Volumes of several disk sets are named.', object=', '.join(names), needed='volumes of one disk set')
    chosen = diskset or (found[0] if found else None)
    return valid_name(chosen) if chosen else None


def operands(*volumes):
    """The volumes as operands of a command: -s SET where they are in one, then the last parts of their names."""
    diskset = volumes[0].rpartition('/')[0]
    return (['-s', diskset] if diskset else []) + [volume.rpartition('/')[2] for volume in volumes]


def argv(tool, *volumes):
    """A command about volumes that are all of one set."""
    return [_platform.need(tool)] + operands(*volumes)


def spoken(tool, *volumes):
    """The same in words, for messages."""
    return ' '.join([tool] + operands(*volumes))


def device(kind, volume):
    diskset, slash, name = volume.rpartition('/')
    return '%s/%s%s/%s' % (DEVICES, diskset + slash, kind, name)


def block_device(volume):
    return device('dsk', volume)


def raw_device(volume):
    return device('rdsk', volume)


def mounts_of(volume, away=()):
    """The Mounts of a volume's device, those that the run has taken away (away) among them."""
    return [mount for mount in _platform.mounts() + list(away) if mount.device in (block_device(volume), raw_device(volume))]


class Svm:
    """Asks metastat about the volumes of diskset, or of the local set (None). run(argv) -> Result runs a command that reads."""

    def __init__(self, run, diskset=None):
        self.run = run
        self.diskset = diskset
        self.metastat = _platform.need('metastat')

    def refuse_foreign_set(self):
        """Refused unless this host owns the disk set."""
        if self.diskset:
            metaset = [_platform.need('metaset'), '-s', self.diskset]
            result = self.run(metaset)
            if result.rc != 0:
                raise CommandFailed(result, object=self.diskset)
            refuse_foreign(result.out, self.diskset)

    def ask(self, *arguments):
        """The output of metastat; Refused unless it ended well."""
        result = self.run([self.metastat] + list(arguments))
        if result.rc != 0 and 'not online in SMF' in result.err:
            raise CommandFailed(result, 'metastat printed its report, but says that services of the volume manager are not running.',
                                object=' '.join(arguments), needed='all services of the volume manager online', look='svcs -x',
                                remedy='svcadm enable the service named')
        if result.rc != 0:
            raise CommandFailed(result, object=' '.join(arguments))
        if 'Stale state database' in result.out:
            raise CommandFailed(result, 'The state database of the volume manager has no quorum, so no state can be believed.',
                                look='metadb -i')
        return result.out

    def mirrors(self, names):
        """{name: Mirror} of the named mirrors, with each submirror's state a word of this module."""
        for attempt in range(READ_TRIES):
            report = parse_report(self.ask(*operands(*names)))
            missing = [name for name in names if name not in report]
            if missing:
                raise Refused('%s is not a mirror.' % missing[0], object=missing[0], needed='a mirror', look=spoken('metastat', missing[0]))
            marks = self.marks(names)
            contradiction = self.settle(report, marks)
            if contradiction is None:
                return dict((name, report[name]) for name in names)
        # A state may change between the two commands, but not every time.
        raise contradiction

    def all_mirrors(self):
        """The names of all mirrors of the set."""
        return sorted(parse_report(self.ask(*self.scope())))

    def scope(self):
        return ['-s', self.diskset] if self.diskset else []

    def marks(self, names):
        """parse_concise of the named mirrors, or None where metastat has no option -c (before Solaris 10)."""
        result = self.run([self.metastat, '-c'] + operands(*names))
        if result.rc != 0 and ('illegal option' in result.err or 'usage' in result.err):
            return None
        if result.rc != 0:
            raise CommandFailed(result, object=' '.join(names))
        return parse_concise(result.out)

    def settle(self, report, marks):
        """Give every submirror its state. Returns an UnknownWord where the two reports do not fit together, else None."""
        for mirror in report.values():
            for submirror in mirror.submirrors:
                word = WORDS.get(submirror.state, submirror.state)
                mark = None if marks is None else marks.get(mirror.name, {}).get(submirror.name)
                if marks is None:
                    offline = word == 'maintenance' and submirror.invoke.startswith('metaonline ')
                elif mark is None or mark.split('-')[0] not in AGREE[word]:
                    return UnknownWord('metastat and metastat -c do not agree on submirror %s.' % submirror.name, object=submirror.name,
                                       found='%s and (%s)' % (submirror.state, mark),
                                       look='%s; %s' % (spoken('metastat', mirror.name), spoken('metastat -c', mirror.name)))
                else:
                    offline = mark == 'offline'
                submirror.state = 'offline' if offline else word
        return None

    def volumes(self):
        """The layout of the set: see parse_layout."""
        return parse_layout(self.ask('-p', *self.scope()))

    def layout(self):
        """What is needed to build the volumes again."""
        mounts = ''.join('\t'.join(mount) + '\n' for mount in _platform.mounts())
        return {'metastat -p': self.ask('-p', *self.scope()), 'mount table': mounts}


def state_alone(layout, name):
    """The state of a volume that is no submirror of its mirror."""
    if name not in layout or layout[name].kind != STRIPE:
        return 'absent'
    return 'used' if users(layout, name) else 'detached'


def soft_partitions(layout, mirror):
    """The soft partitions on a mirror, as Volumes; Refused if anything else lies on it: who knows how to hold that still?"""
    if mirror not in layout:
        raise UnknownWord('metastat -p does not tell what lies on mirror %s.' % mirror, object=mirror, found='no line of it',
                          needed='%s -m and its submirrors' % mirror, look='metastat -p')
    found = [layout[name] for name in users(layout, mirror)]
    others = [volume for volume in found if volume.kind != SOFT_PARTITION]
    if others:
        raise Refused('Mirror %s is part of another volume.' % mirror, object=mirror, found=others[0].text.strip(),
                      needed='a mirror that is used as a whole, or by soft partitions', look=spoken('metastat -p', mirror))
    return found


def states(mirrors):
    """{mirror: {submirror: state}}"""
    return dict((name, dict((s.name, s.state) for s in mirror.submirrors)) for name, mirror in mirrors.items())


def faults(mirror):
    """Why a mirror is not fully redundant, as sentences; an empty list if it is."""
    found = ['submirror %s is %s' % (s.name, s.state) for s in mirror.submirrors if s.state != 'okay']
    found += ['component %s of %s is %s' % (device, s.name, state)
              for s in mirror.submirrors for device, state in sorted(s.components.items()) if state != 'okay']
    if mirror.resync and not found:
        found.append('a resync is %s' % mirror.resync)
    if len(mirror.submirrors) < 2:
        found.append('it has only one submirror')
    return found


def refuse_unless_healthy(mirror):
    """Refused unless every half of the mirror is usable and nothing is being copied."""
    found = faults(mirror)
    if found:
        raise Refused('Mirror %s cannot be split now.' % mirror.name, object=mirror.name, found='; '.join(found),
                      needed='at least two submirrors, all okay, no resync', look=spoken('metastat', mirror.name),
                      remedy='repair it, or wait until the resync has ended')


def submirror_of(mirror, name):
    """The named submirror of mirror; Refused if it belongs elsewhere."""
    found = mirror.submirror(name)
    if found is None:
        raise Refused('%s is not a submirror of %s.' % (name, mirror.name), object=name,
                      found='%s has %s' % (mirror.name, ', '.join(s.name for s in mirror.submirrors)), look=spoken('metastat', mirror.name))
    return found


def member(mirror, submirror, partitions=(), away=()):
    """The run record's entry for one mirror that is to be split, with the file systems found in the mount table.

    partitions: names of the soft partitions on it. They have the file systems then, and the mirror itself has none.
    remaining: how many submirrors stay while one is split. away: Mounts that the run has taken away, and will bring back.
    """
    found = dict(placed(mirror.name, away), volume=mirror.name, copy=submirror.name, device=raw_device(submirror.name),
                 block_device=block_device(submirror.name), bytes=mirror.blocks * BLOCK, remaining=len(mirror.submirrors) - 1)
    if partitions:
        found['soft_partitions'] = [dict(placed(name, away), volume=name) for name in partitions]
    return found


def placed(volume, away=()):
    """Where a volume is and where it is mounted, in the words of a run record."""
    mounted = mounts_of(volume, away)
    return {'original': raw_device(volume), 'filesystem': mounted[0].point if mounted else None,
            'fstype': mounted[0].fstype if mounted else None}


def refuse_elsewhere(volume, filesystem, away=()):
    """Refused if a volume is not mounted where the user expects it (filesystem None: nothing is expected)."""
    points = [mount.point for mount in mounts_of(volume, away)]
    if filesystem is not None and filesystem not in points:
        raise Refused('%s is not where %s is mounted.' % (filesystem, volume), object=filesystem,
                      found=', '.join(points) or 'not mounted', look='mount | grep %s' % block_device(volume))


def held(members):
    """What is to be held still while members are cut: each mirror, or instead of it the mounted soft partitions on it."""
    return [part for each in members for part in
            [part for part in each.get('soft_partitions', []) if part['filesystem']] or [each]]


def worth(members):
    """One entry for each cut, with a file system if all that lies there can be held still by locks."""
    found = []
    for each in members:
        points = [part['filesystem'] for part in each.get('soft_partitions', [])] or [each['filesystem']]
        found.append(dict(each, filesystem=points[0] if all(points) else None))
    return found
