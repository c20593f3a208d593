# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Dumps that build on each other: /etc/dumpdates, and what this host knows of the dumps in it. dumpdates(4) in ufsdump(1M).

ufsdump takes the time when it starts for the date of a dump. Of a frozen copy that is too late: what was changed on the live volume
between the cut and that time is not in the dump, and a dump of a higher level, which takes what is newer than the date, would not
have it either. The date itself cannot be another one, since ufsrestore compares it. So whether anything was changed in
between is asked of ufsdump, which can estimate a dump since the date and since the cut: they must be equal.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import calendar
import contextlib
import fcntl
import os
import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord

DUMPDATES = '/etc/dumpdates'
LINE = re.compile(r'^(\S+)\s+([0-9])\s+(\S.*\S)\s*$')
THIS_DATE = re.compile(r'DUMP: Date of this level [0-9] dump: (\S.*\S)')
LAST_DATE = re.compile(r'DUMP: Date of last level \S+ dump: (\S.*\S)')
# A second name of a volume, under which the time of the cut is looked up.
CUT = ':cut'


def rows(path):
    """[(name, level, date)] of dumpdates; date as ctime(3C) writes it. Refused where a line is not of that form."""
    if not os.path.exists(path):
        return []
    with open(path) as source:
        return parse(source, path)


def parse(lines, path):
    found = [(LINE.match(line), line.strip()) for line in lines if line.strip()]
    for match, line in found:
        if match is None:
            raise UnknownWord('%s cannot be read.' % path, object=path, found=line, needed='NAME LEVEL DATE', look='cat %s' % path)
    return [(match.group(1), int(match.group(2)), match.group(3)) for match, dummy in found]


def enter(path, entries, without=()):
    """Set (name, level) of each entry (name, level, date) to its date, and take away the names in without."""
    # ufsdump locks it in the same way, and writes it in place.
    with open(path, 'a+') as target:
        fcntl.lockf(target, fcntl.LOCK_EX)
        new = dict(((name, level), date) for name, level, date in entries)
        # Through the same descriptor: closing another one would give the lock back.
        target.seek(0)
        kept = [row for row in parse(target, path) if row[:2] not in new and row[0] not in without]
        target.seek(0)
        target.truncate()
        for name, level, date in kept + [key + (date,) for key, date in sorted(new.items())]:
            target.write('%-32s %d %s\n' % (name, level, date))
        target.flush()
        os.fsync(target.fileno())


def seconds(date):
    """A date of ctime(3C), of this host's time zone, as seconds; Refused where it is none."""
    try:
        return time.mktime(time.strptime(' '.join(date.split()), '%a %b %d %H:%M:%S %Y'))
    except ValueError:
        raise UnknownWord('%r is no date of a dump.' % date, object=DUMPDATES, found=date, needed='for example Fri Nov 20 03:15:00 2026')


def cut_of(window):
    """Seconds since 1970 that no change after the cut can be older than, by whatever tick the file system takes its times from."""
    return calendar.timegm(time.strptime(window['at'], '%Y-%m-%dT%H:%M:%SZ')) - 1 if window else None


# What this host knows of its dumps: <state directory>/dumps.json, {volume: [{"level", "date", "cut", "run", "manifest"}]}.

def known(state_dir):
    return _files.read_json(os.path.join(state_dir, 'dumps.json')) or {}


def base_of(state_dir, original, level):
    """The dump of original that one of this level builds on, from dumpdates; None for level 0.

    Refused unless it is one that this host knows, and whose manifest is still there.
    """
    if not level:
        return None
    lower = [row for row in rows(DUMPDATES) if row[0] == original and row[1] < level]
    if not lower:
        raise Refused('There is no dump of %s that one of level %d could build on.' % (original, level), object=original,
                      found='none of a lower level in %s' % DUMPDATES, needed='a dump of level 0 with update_dumpdates',
                      look='cat %s' % DUMPDATES)
    dummy, number, date = max(lower, key=lambda row: seconds(row[2]))
    for dump in known(state_dir).get(original, []):
        if (dump['level'], dump['date']) == (number, date) and os.path.exists(dump['manifest']):
            return dump
    raise Refused('The level %d dump of %s from %s is not known here any more.' % (number, original, date), object=original,
                  found='not stored by a run of this host, or its manifest is gone', needed='a dump that can be restored before this one',
                  look='cat %s' % DUMPDATES, remedy='make a dump of level 0')


def remember(record, dumps, manifest):
    """Enter dumps (images) of a complete run into dumpdates, and into what the host knows. manifest: its path."""
    if not dumps:
        return
    path = os.path.join(record.state_dir, 'dumps.json')
    everything = known(record.state_dir)
    for image in dumps:
        mine = dict(level=image['level'], date=image['dump']['date'], cut=cut_of(record.data['window']), run=record.run, manifest=manifest)
        others = [dump for dump in everything.get(image['original'], []) if dump['level'] != mine['level']]
        everything[image['original']] = others + [mine]
    _files.write_json(path, everything)
    enter(DUMPDATES, [(image['original'], image['level'], image['dump']['date']) for image in dumps])


def refuse_gap(job, image, argv):
    """Refused if this dump would lack what was changed between the cut of its base and the date of that."""
    base = image['base']
    if base['cut'] is None:
        raise Refused('It is not known when the copy of the level %d dump was split.' % base['level'], object=image['original'],
                      found='no time in the record of run %s' % base['run'], remedy='make a dump of level 0')
    name = image['original'] + CUT
    with _entered(name, base['level'], time.ctime(base['cut'])):
        sizes = [estimate(job, argv, image['original']), estimate(job, argv, name)]
    if sizes[0] != sizes[1]:
        raise Refused('A dump of level %d would lack files of %s.' % (image['level'], image['volume']), object=image['original'],
                      found='%d bytes changed between the cut of run %s and the start of its dump' % (sizes[1] - sizes[0], base['run']),
                      needed='none', remedy='make a dump of level 0')


@contextlib.contextmanager
def _entered(name, level, date):
    enter(DUMPDATES, [(name, level, date)])
    try:
        yield
    finally:
        enter(DUMPDATES, [], without=[name])


def estimating(argv, name):
    """A dump command as one that only says how long it would be (letter S), for a volume of this name."""
    return [argv[0], argv[1].replace('N', 'SN', 1), name] + argv[3:]


def estimate(job, argv, name):
    """The size in bytes of a dump, as ufsdump itself estimates it."""
    result = job.runner.expect(estimating(argv, name), timeout=3600)
    if not result.out.strip().isdigit():
        raise UnknownWord('ufsdump does not say how long the dump would be.', object=name, found=result.out.strip() or 'nothing',
                          needed='a number', look=' '.join(result.argv))
    return int(result.out)


def dates(image, words):
    """What ufsdump has said of its dates, as the manifest has it: {"date", "since", "base"}.

    Refused if it did not build on the base of image.
    """
    found = [pattern.search(words) for pattern in (THIS_DATE, LAST_DATE)]
    if None in found:
        raise UnknownWord('ufsdump does not say the date of the dump.', object=image['volume'], found=words[-300:],
                          needed='DUMP: Date of this level ... and DUMP: Date of last level ...')
    date, since = [match.group(1) for match in found]
    base = image['base']
    if (since if since != 'the epoch' else None) != (base['date'] if base else None):
        raise Refused('The dump of %s does not build on the one it should.' % image['volume'], object=image['volume'],
                      found='since %s' % since, needed='since %s' % (base['date'] if base else 'the epoch'), look='cat %s' % DUMPDATES)
    return dict(date=date, since=base['date'] if base else None, base=base['manifest'] if base else None)
