# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PRIMECLUSTER Global Disk Services: what sdxinfo(1M) says of a class, and what may be done with it.

States of a slice here: active, stop, invalid, copy, temp, temp-stop, nouse. Of a volume: active, stop, invalid. Of the
relation of a proxy to its master: joined, parted, or None where there is none.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._gds_report import errors, parse

# 1 to 32 letters, digits, dashes and underscores, the first a letter or digit (GDS guide, appendix on naming).
NAME = re.compile(r'^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z')
BLOCK = 512
# Every sdx command waits for the daemon of GDS, which may be busy with other nodes.
LIMIT = 300
VOLUME_STATES = {'ACTIVE': 'active', 'STOP': 'stop', 'INVALID': 'invalid'}
SLICE_STATES = {'ACTIVE': 'active', 'STOP': 'stop', 'INVALID': 'invalid', 'COPY': 'copy', 'TEMP': 'temp', 'TEMP-STOP': 'temp-stop',
                'NOUSE': 'nouse'}
# The guide shows Join; the word for a parted proxy is the name of the sdxproxy operation, or its participle.
RELATIONS = {'Join': 'joined', 'Part': 'parted', 'Parted': 'parted'}
VALID = ('active', 'stop')
# What a row of extents is, which sdxinfo lists among the volumes.
EXTENTS = ('PRIVATE', 'FREE')


def valid_name(name):
    """name, if an object can have it; otherwise Refused, so that no value can become an option or a path."""
    if not NAME.match(name):
        raise Refused('%r cannot be the name of a class, group, disk or volume.' % (name,), object=repr(name),
                      needed='1 to 32 letters, digits, dashes or underscores, the first a letter or digit')
    return name


def block_device(class_name, volume):
    return '/dev/sfdsk/%s/dsk/%s' % (class_name, volume)


def raw_device(class_name, volume):
    return '/dev/sfdsk/%s/rdsk/%s' % (class_name, volume)


class Slice:
    """disk: the part of the slice's name before the dot, a disk or a lower group; state: a word of this module; jrm: on
    or off for a detached one, None where the release does not tell; percent of the copy to it, or None where no copy runs or the release
    tells no numbers. UnknownWord where state or percent is asked for and sdxinfo printed another word."""

    def __init__(self, row):
        self.row = row
        self.disk = row['DISK'] or row['GROUP']
        self.jrm = row.get('JRM')

    @property
    def state(self):
        return word_of(SLICE_STATES, self.row.get('STATUS'), 'slice of %s' % self.row['VOLUME'])

    @property
    def percent(self):
        done, total = self.row.get('CURBLKS'), self.row.get('COPYBLKS')
        return int(100 * done / total) if self.state == 'copy' and total and done is not None else None


class Volume:
    """One volume. type: mirror, single, ... or None where the report has no such column; first, last and blocks are
    of 512 bytes, bytes the same in bytes; master and relation are None unless it is a proxy; row: everything sdxinfo said. UnknownWord
    where state or relation is asked for and sdxinfo printed another word."""

    def __init__(self, row, slices):
        self.row = row
        self.name = row['NAME']
        self.type = row.get('TYPE')
        self.group = row.get('GROUP')
        self.disk = row.get('DISK')
        self.first, self.last, self.blocks = row.get('1STBLK'), row.get('LASTBLK'), row.get('BLOCKS')
        self.bytes = self.blocks * BLOCK if self.blocks else None
        self.master = row.get('MASTER')
        self.slices = slices

    @property
    def state(self):
        return word_of(VOLUME_STATES, self.row.get('STATUS'), 'volume %s' % self.name)

    @property
    def relation(self):
        return word_of(RELATIONS, self.row['PROXY'], 'proxy volume %s' % self.name) if self.row.get('PROXY') else None

    def refuse_unknown(self):
        """UnknownWord unless every word that tells what the volume and its slices are is documented."""
        for dummy in (self.state, self.relation, [piece.state for piece in self.slices]):
            pass

    def faults(self):
        """Why the volume is not as it should be, as sentences; an empty list if it is."""
        found = ['slice on %s is %s' % (piece.disk, piece.state) for piece in self.slices if piece.state not in VALID]
        return ['the volume is invalid'] + found if self.state == 'invalid' else found

    def slice_on(self, disk):
        """The slice on the disk or lower group of this name, or None."""
        for found in self.slices:
            if found.disk == disk:
                return found
        return None


class View:
    """One report on a class: volumes {name: Volume}; classes, disks and groups {name: row}.

    A volume with a word that is not documented stands in nobody's way but of those who ask for its state.
    """

    def __init__(self, sections):
        self.classes, self.disks, self.groups = (named(sections[kind]) for kind in ('class', 'disk', 'group'))
        slices = {}
        for row in sections['slice']:
            slices.setdefault(row['VOLUME'], []).append(Slice(row))
        self.volumes = dict((name, Volume(row, slices.get(name, []))) for name, row in named(sections['volume']).items())


def named(rows):
    """{name: row} of the rows that have a name; those without one are extents."""
    return dict((row['NAME'], row) for row in rows if row['NAME'] is not None and row.get('STATUS') not in EXTENTS)


def word_of(words, word, thing):
    """The word of this module for one of sdxinfo's; UnknownWord for any other, which is never taken for a healthy one."""
    if word not in words:
        raise UnknownWord('sdxinfo printed a state of %s that is not documented.' % thing, object=thing, found=word,
                          needed='one of %s' % ', '.join(sorted(words)), look='sdxinfo -A -e long')
    return words[word]


class Gds:
    """Asks sdxinfo about one class. run(argv, timeout=) -> Result runs a command that reads; run(argv) where timeout is None, as in a
    freeze window, whose lease is the limit."""

    def __init__(self, run, class_name, timeout=LIMIT):
        self.run = run
        self.limits = {'timeout': timeout} if timeout else {}
        self.class_name = valid_name(class_name)
        self.sdxinfo = _platform.need('sdxinfo')

    def report(self):
        """The long report on everything in the class, as sdxinfo printed it."""
        result = self.run([self.sdxinfo, '-A', '-c', self.class_name, '-e', 'long'], **self.limits)
        if result.rc != 0:
            raise CommandFailed(result, object=self.class_name, vendor=errors(result.err or result.out))
        return result.out

    def view(self):
        """The View of the class; Refused where it is not there or closed."""
        view = View(parse(self.report()))
        if self.class_name not in view.classes:
            raise Refused('Class %s is not here, or it is closed.' % self.class_name, object=self.class_name,
                          found='sdxinfo does not list it', look='sdxinfo -C; /etc/opt/FJSVsdx/bin/sdxdcdown')
        return view

    def volume(self, name, view=None):
        """The Volume of this name, every word of it known; Refused where there is none."""
        volumes = (view or self.view()).volumes
        if valid_name(name) not in volumes:
            raise Refused('Class %s has no volume %s.' % (self.class_name, name), object=name,
                          found=', '.join(sorted(volumes)) or 'no volume', look='sdxinfo -V -c %s' % self.class_name)
        volumes[name].refuse_unknown()
        return volumes[name]
