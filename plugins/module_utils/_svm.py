# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Solaris Volume Manager: the states of submirrors, and the commands that change them.

States of a submirror here: okay, offline, resyncing, maintenance, cancelled, unavailable.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import (
    BLOCK, parse_concise, parse_report, soft_partitions)

# metainit(1M): a letter, then letters, digits, - _ . ; two words are reserved.
NAME = re.compile(r'^[A-Za-z][A-Za-z0-9_.-]*\Z')
RESERVED = ('all', 'none')
READ_TRIES = 3
# metastat -t tells local time, and module, job and recover may each have another TZ.
IN_UTC = ['/usr/bin/env', 'TZ=UTC0']

WORDS = {'Okay': 'okay', 'Unavailable': 'unavailable', 'Resyncing': 'resyncing', 'Resync cancelled': 'cancelled',
         'Needs maintenance': 'maintenance'}
# What metastat -c may say beside each word of the full report. A cancelled resync is also marked (maint).
AGREE = {'okay': ('',), 'unavailable': ('unavail',), 'resyncing': ('resync',), 'cancelled': ('maint',),
         'maintenance': ('maint', 'offline', 'unavail')}


def valid_name(name):
    """name, if a volume can have it; otherwise Refused, so that no value can become an option or a path."""
    if not NAME.match(name) or name in RESERVED:
        raise Refused('%r cannot be the name of a volume.' % (name,), object=repr(name),
                      needed='a letter, then letters, digits, dash, underscore or dot')
    return name


def block_device(volume):
    return '/dev/md/dsk/%s' % volume


def raw_device(volume):
    return '/dev/md/rdsk/%s' % volume


class Svm:
    """Asks metastat. run(argv) -> Result runs a command that reads."""

    def __init__(self, run):
        self.run = run
        self.metastat = _platform.need('metastat')

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
            report = parse_report(self.ask(*names))
            missing = [name for name in names if name not in report]
            if missing:
                raise Refused('%s is not a mirror.' % missing[0], object=missing[0], needed='a mirror', look='metastat %s' % missing[0])
            marks = self.marks(names)
            contradiction = self.settle(report, marks)
            if contradiction is None:
                return dict((name, report[name]) for name in names)
        # A state may change between the two commands, but not every time.
        raise contradiction

    def marks(self, names):
        """parse_concise of the named mirrors, or None where metastat has no option -c (before Solaris 10)."""
        result = self.run([self.metastat, '-c'] + list(names))
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
                                       look='metastat %s; metastat -c %s' % (mirror.name, mirror.name))
                else:
                    offline = mark == 'offline'
                submirror.state = 'offline' if offline else word
        return None

    def confirm_offline(self, members):
        """Torn unless every submirror of members [(mirror, submirror)] is offline now. One command where the release has -c."""
        names = sorted(set(mirror for mirror, dummy in members))
        marks = self.marks(names)
        if marks is None:
            found = self.mirrors(names)
            marks = dict((name, dict((s.name, s.state) for s in mirror.submirrors)) for name, mirror in found.items())
        for mirror, submirror in members:
            mark = marks.get(mirror, {}).get(submirror)
            if mark != 'offline':
                raise Torn('metaoffline reported success, but %s is not offline.' % submirror, object=submirror, found=mark or 'okay',
                           needed='offline', look='metastat -c %s' % mirror)

    def refuse_soft_partitions(self, names):
        """Refused where a mirror carries soft partitions: each is a volume of its own with a file system of its own."""
        carried = soft_partitions(self.ask('-p'))
        for name, base in sorted(carried.items()):
            if base in names:
                raise Refused('Mirror %s carries soft partitions, whose file systems would all be cut.' % base, object=base,
                              found='soft partition %s' % name, needed='a mirror that is used as a whole', look='metastat -p')

    def proof(self, members):
        """What must still be true for the copies to be the same cut: see the run record's key proof."""
        clauses = []
        for mirror, submirror in members:
            result = self.run(IN_UTC + [self.metastat, '-t', mirror])
            if result.rc != 0:
                raise CommandFailed(result, object=mirror)
            found = submirror_of(parse_report(result.out)[mirror], submirror)
            if found.state != 'Needs maintenance' or not found.since or 'invalid' in found.since:
                raise Torn('Nothing shows since when %s is offline.' % submirror, object=submirror,
                           found='%s %s' % (found.state, found.since),
                           needed='Needs maintenance, and a time', look='metastat -t %s' % mirror)
            pattern = r'Submirror [0-9]+: %s\s+State: Needs maintenance\s+%s' % (re.escape(submirror), re.escape(found.since))
            clauses.append({'argv': IN_UTC + [self.metastat, '-t', mirror], 'match': pattern})
        return clauses

    def layout(self):
        """What is needed to build the volumes again."""
        return {'metastat -p': self.ask('-p'), 'mount table': ''.join('\t'.join(mount) + '\n' for mount in _platform.mounts())}


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
                      needed='at least two submirrors, all okay, no resync', look='metastat %s' % mirror.name,
                      remedy='repair it, or wait until the resync has ended')


def submirror_of(mirror, name):
    """The named submirror of mirror; Refused if it belongs elsewhere."""
    found = mirror.submirror(name)
    if found is None:
        raise Refused('%s is not a submirror of %s.' % (name, mirror.name), object=name,
                      found='%s has %s' % (mirror.name, ', '.join(s.name for s in mirror.submirrors)), look='metastat %s' % mirror.name)
    return found


def member(mirror, submirror, filesystem=None):
    """The run record's entry for one mirror that is to be split, with the file system found in the mount table.

    filesystem: the mount point the user expects; Refused if the mirror is mounted elsewhere or not at all.
    """
    mounted = [mount for mount in _platform.mounts() if mount.device in (block_device(mirror.name), raw_device(mirror.name))]
    if filesystem is not None and filesystem not in [mount.point for mount in mounted]:
        raise Refused('%s is not where mirror %s is mounted.' % (filesystem, mirror.name), object=filesystem,
                      found=', '.join(mount.point for mount in mounted) or 'not mounted',
                      look='mount | grep %s' % block_device(mirror.name))
    mount = mounted[0] if mounted else None
    return {'volume': mirror.name, 'copy': submirror.name, 'device': raw_device(submirror.name),
            'block_device': block_device(submirror.name),
            'original': raw_device(mirror.name), 'bytes': mirror.blocks * BLOCK,
            'filesystem': mount.point if mount else None, 'fstype': mount.fstype if mount else None}
