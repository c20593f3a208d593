# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two ways to split a submirror off its mirror: metaoffline(1M) and metadetach(1M).

Each has
  word, action                state of a submirror that is split so, and what brings it home, as in the run record
  tool, way_back              the commands that do it
  not_cut                     what the driver says when the submirror was split already, by somebody else
  confirm(svm, pairs)         Torn unless every submirror of pairs [(mirror, submirror)] is split now; one command where it can be
  proof(svm, pairs)           what must still be true for the copies to be the same cut: see the run record's key proof
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    argv, block_device, operands, raw_device, spoken, state_alone, states, submirror_of)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import owned_pattern, parse_layout
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import parse_report

# metastat -t tells local time, and module, job and recover may each have another TZ.
IN_UTC = ['/usr/bin/env', 'TZ=UTC0']
# Label, boot blocks and the superblock of a UFS, which a mount for writing, a repair or a new file system changes.
HEAD_BYTES = 16384


def marks_of(svm, pairs):
    """{mirror: {submirror: mark or state}} of the mirrors of pairs, by one command where the release has metastat -c."""
    names = sorted(set(mirror for mirror, dummy in pairs))
    marks = svm.marks(names)
    if marks is None:
        marks = dict((name, dict((submirror, '' if state == 'okay' else state) for submirror, state in found.items()))
                     for name, found in states(svm.mirrors(names)).items())
    return marks


def ownership(svm):
    """That the set was not given away: a release brings an offline submirror home, and another host may write."""
    if not svm.diskset:
        return []
    return [{'argv': [_platform.need('metaset'), '-s', svm.diskset], 'match': owned_pattern(svm.diskset)}]


def marked_offline(svm, pairs):
    """That all submirrors are offline, and not on their way home, which looks the same in the full report; where there is metastat -c."""
    names = sorted(set(mirror for mirror, dummy in pairs))
    if svm.marks(names) is None:
        return []
    rows = [r'(?=[\s\S]*^\s*%s\s+m\s.*\s%s \(offline\))' % (re.escape(mirror), re.escape(submirror)) for mirror, submirror in pairs]
    return [{'argv': [svm.metastat, '-c'] + operands(*names), 'match': r'\A' + ''.join(rows)}]


class Offline:
    """The submirror stays in its mirror, which remembers what is written meanwhile. It can only be read, and a boot ends it."""

    word, action = 'offline', 'online'
    tool, way_back = 'metaoffline', 'metaonline'
    not_cut = 'illegal state'

    @staticmethod
    def confirm(svm, pairs):
        marks = marks_of(svm, pairs)
        for mirror, submirror in pairs:
            mark = marks.get(mirror, {}).get(submirror)
            if mark != 'offline':
                raise Torn('metaoffline reported success, but %s is not offline.' % submirror, object=submirror, found=mark or 'okay',
                           needed='offline', look=spoken('metastat -c', mirror))

    @staticmethod
    def proof(svm, pairs):
        clauses = ownership(svm) + marked_offline(svm, pairs)
        for mirror, submirror in pairs:
            command = IN_UTC + [svm.metastat, '-t'] + operands(mirror)
            result = svm.run(command)
            if result.rc != 0:
                raise CommandFailed(result, object=mirror)
            found = submirror_of(parse_report(result.out)[mirror], submirror)
            if found.state != 'Needs maintenance' or not found.since or 'invalid' in found.since:
                raise Torn('Nothing shows since when %s is offline.' % submirror, object=submirror,
                           found='%s %s' % (found.state, found.since),
                           needed='Needs maintenance, and a time', look=spoken('metastat -t', mirror))
            pattern = r'Submirror [0-9]+: %s\s+State: Needs maintenance\s+%s' % (re.escape(submirror), re.escape(found.since))
            clauses.append({'argv': command, 'match': pattern})
        return clauses


class Detach:
    """The submirror becomes a volume of its own. It can be written to, outlives a boot, and comes home by a full resync."""

    word, action = 'detached', 'attached'
    tool, way_back = 'metadetach', 'metattach'
    not_cut = "can't find submirror"

    @staticmethod
    def confirm(svm, pairs):
        marks = marks_of(svm, pairs)
        for mirror, submirror in pairs:
            if submirror in marks.get(mirror, {submirror: ''}):
                raise Torn('metadetach reported success, but %s is not detached.' % submirror, object=submirror,
                           found='a submirror of %s' % mirror, needed='detached', look=spoken('metastat -c', mirror))

    @staticmethod
    def proof(svm, pairs):
        command = [svm.metastat, '-p'] + svm.scope()
        result = svm.run(command)
        if result.rc != 0:
            raise CommandFailed(result, object='layout')
        layout = parse_layout(result.out)
        clauses = ownership(svm)
        for mirror, submirror in pairs:
            state = state_alone(layout, submirror)
            if state != 'detached':
                raise Torn('%s is not a volume of its own.' % submirror, object=submirror, found=state, needed='detached from %s' % mirror,
                           look='metastat -p')
            clauses += [{'argv': command, 'match': standing_alone(layout[submirror])}, head_clause(svm, submirror)]
        return clauses


def standing_alone(volume):
    """The pattern of a layout in which a volume is built as it is now and no other volume lies on it."""
    names = '|'.join(re.escape(name) for name in (volume.name, raw_device(volume.name), block_device(volume.name)))
    return r'\A(?![\s\S]*^\S+ (?:.* )?(?:%s)(?: |$))[\s\S]*^%s$' % (names, re.escape(volume.text))


def head_clause(svm, volume):
    """That the head of a volume is as it is now."""
    command = [_platform.need('od'), '-A', 'n', '-t', 'x1', '-N', '%d' % HEAD_BYTES, raw_device(volume)]
    result = svm.run(command)
    if result.rc != 0 or not result.out:
        raise CommandFailed(result, object=volume)
    return {'argv': command, 'match': r'\A%s\Z' % re.escape(result.out)}


CUTS = {Offline.word: Offline, Detach.word: Detach}
BY_ACTION = dict((cut.action, cut) for cut in CUTS.values())


def change(cut, back, mirror, submirror):
    """The command that splits (back false) or brings home."""
    return argv(cut.way_back if back else cut.tool, mirror, submirror)
