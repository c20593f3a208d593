# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading what vxprint(1M), vxdg(1M), vxtask(1M), vxassist(1M) and vxsnap(1M) print.

Fields are found by the words of the headings, never by their place on the line: long names push columns, and releases
name and order them differently. What follows the columns of the heading, and kinds of records that are not known, are ignored.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord

# The columns that must be there, by kind of record; vxprint -t of every release has them.
NEEDED = {'v': ('NAME', 'KSTATE', 'STATE', 'LENGTH'), 'pl': ('NAME', 'VOLUME', 'KSTATE', 'STATE', 'LENGTH'),
          'sd': ('NAME', 'PLEX', 'DISK'), 'sv': ('NAME', 'PLEX'), 'dc': ('NAME', 'PARENTVOL'), 'sp': ('NAME', 'SNAPVOL')}
# Early releases print these records without a heading.
USUAL = {'sv': ('NAME', 'PLEX', 'VOLNAME'), 'dc': ('NAME', 'PARENTVOL', 'LOGVOL'), 'sp': ('NAME', 'SNAPVOL', 'DCO')}
KERNEL_STATES = ('ENABLED', 'DETACHED', 'DISABLED')
HEADING = re.compile(r'^[A-Z]{1,2}\s+NAME(\s|$)')
GROUP = re.compile(r'^Disk group: (\S+)\s*$')
NUMBER = re.compile(r'^[0-9]+\Z')
MAXIMUM = re.compile(r'^(?:Maximum volume size: )?([0-9]+)(?: \([0-9.]+[A-Za-z]+\))?\s*\Z')
PERCENT = re.compile(r'^([0-9]+(?:\.[0-9]+)?)%\Z')
AMOUNT = re.compile(r'^[0-9]+(\.[0-9]+)?[KMGTPkmgtp]? \([0-9]+(\.[0-9]+)?%\)\Z')
DETAIL = re.compile(r'^([a-z][a-z-]*):\s*(.*?)\s*$')
SNAPSHOT_KINDS = ('fullinst', 'mirbrk', 'volbrk', 'spaceopt')


class Volume:
    """length in blocks of the volume manager; usage: its usage type, None where it is not told; plexes: [Plex]; has_dco: whether a data
    change object belongs to it; logs: the volumes that its data change objects lie on.
    """

    def __init__(self, row):
        self.name = row['NAME']
        self.kstate = row['KSTATE']
        self.state = row['STATE']
        self.length = number(row['LENGTH'], 'vxprint')
        self.usage = row.get('UTYPE', row.get('USETYPE'))
        self.plexes = []
        self.has_dco = False
        self.logs = set()


class Plex:
    """disks: names of the disk media that its subdisks lie on; layered: whether it lies on volumes of its own instead."""

    def __init__(self, row):
        self.name = row['NAME']
        self.kstate = row['KSTATE']
        self.state = row['STATE']
        self.length = 0 if row['LENGTH'] == '-' else number(row['LENGTH'], 'vxprint')
        self.disks = set()
        self.layered = False


class Group:
    """The records of one disk group: volumes {name: Volume}; linked: the volumes that snap objects lead to; loose: [Plex] of no volume;
    ties: [(name of a snap object, volume that it leads to)].
    """

    def __init__(self, name):
        self.name = name
        self.volumes = {}
        self.linked = set()
        self.ties = []
        self.loose = []


def unknown(command, found, needed):
    return UnknownWord('%s printed something that is not documented.' % command, found=found, needed=needed, look=command)


def number(word, command):
    if not NUMBER.match(word):
        raise unknown(command, word, 'a number')
    return int(word)


def parse_records(text, name):
    """The Group in what vxprint -g name -htr prints."""
    group = Group(name)
    headings, plexes, rows = {}, {}, []
    for line in text.splitlines():
        words = line.split()
        other = GROUP.match(line)
        if other:
            if other.group(1) != name:
                raise unknown('vxprint', 'disk group %s' % other.group(1), 'disk group %s' % name)
        elif HEADING.match(line):
            headings[words[0].lower()] = words[1:]
        elif words and words[0] in NEEDED:
            rows.append((words[0], record(words, headings)))
    for kind, row in rows:
        if kind == 'v':
            group.volumes[row['NAME']] = Volume(row)
    for kind, row in rows:
        if kind == 'pl' and row['VOLUME'] == '-':
            plexes[row['NAME']] = Plex(row)
            group.loose.append(plexes[row['NAME']])
        elif kind == 'pl':
            if row['VOLUME'] not in group.volumes:
                raise unknown('vxprint', 'plex %s of volume %s, which is not listed' % (row['NAME'], row['VOLUME']), 'a volume')
            plexes[row['NAME']] = Plex(row)
            group.volumes[row['VOLUME']].plexes.append(plexes[row['NAME']])
        elif kind == 'dc' and row['PARENTVOL'] in group.volumes:
            group.volumes[row['PARENTVOL']].has_dco = True
            group.volumes[row['PARENTVOL']].logs.update(word for word in [row.get('LOGVOL', '-')] if word != '-')
        elif kind == 'sp':
            group.linked.add(row['SNAPVOL'])
            group.ties.append((row['NAME'], row['SNAPVOL']))
    listed = [row['NAME'] for kind, row in rows if kind == 'pl']
    for kind, row in rows:
        if kind == 'sd' and row['PLEX'] != '-':
            if row['PLEX'] not in listed:
                raise unknown('vxprint', 'subdisk %s of plex %s, which is not listed' % (row['NAME'], row['PLEX']), 'a plex')
        if kind == 'sd' and row['PLEX'] in plexes:
            plexes[row['PLEX']].disks.add(row['DISK'])
        elif kind == 'sv' and row['PLEX'] in plexes:
            plexes[row['PLEX']].layered = True
    return group


def record(words, headings):
    """One line as {column: word}; UnknownWord where the columns that are needed cannot be told."""
    kind, values = words[0], words[1:]
    columns = headings.get(kind) or USUAL.get(kind, ())
    if any(column not in columns for column in NEEDED[kind]):
        raise unknown('vxprint', 'a record %s without the heading %s' % (kind, ' '.join(NEEDED[kind])), 'a heading for each kind of record')
    row = dict(zip(columns, values))
    if any(column not in row for column in NEEDED[kind]):
        raise unknown('vxprint', ' '.join(words), 'a word for each of %s' % ' '.join(columns))
    if row.get('KSTATE', '-') not in KERNEL_STATES + ('-',):
        raise unknown('vxprint', ' '.join(words), 'one of %s in the column KSTATE' % ', '.join(KERNEL_STATES))
    return row


def parse_tags(text):
    """{name: value} of lines "type name value", as vxprint -F prints them for volumes and plexes; '' where there is none."""
    tags = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ('v', 'vol', 'pl', 'plex'):
            value = ' '.join(words[2:]).strip('"')
            tags[words[1]] = '' if value == '-' else value
    return tags


def parse_groups(text):
    """{name: state} of what vxdg list prints; state is a list of words such as enabled, shared, cds."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if not rows or rows[0][:2] != ['NAME', 'STATE']:
        raise unknown('vxdg list', text.strip()[:80], 'the heading NAME STATE ID')
    return dict((row[0], row[1].split(',')) for row in rows[1:] if len(row) >= 2)


def parse_details(text):
    """{key: text} of what vxdg list GROUP prints. Keys that repeat have no colon there and are left out."""
    found = [DETAIL.match(line) for line in text.splitlines()]
    return dict(match.groups() for match in found if match)


def parse_disks(text):
    """[(device, disk group or None)] of what vxdisk -o alldgs list prints; a group that is not imported here stands in parentheses."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if not rows or rows[0][:4] != ['DEVICE', 'TYPE', 'DISK', 'GROUP']:
        raise unknown('vxdisk list', text.strip()[:80], 'the heading DEVICE TYPE DISK GROUP STATUS')
    words = [(row[0], re.sub(r'^\((.*)\)\Z', r'\1', row[3])) for row in rows[1:] if len(row) > 3]
    return [(device, None if group == '-' else group) for device, group in words]


def parse_free(text):
    """[(disk, blocks)] of what vxdg free prints."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if not rows or 'DISK' not in rows[0] or 'LENGTH' not in rows[0]:
        raise unknown('vxdg free', text.strip()[:80], 'the heading DISK DEVICE TAG OFFSET LENGTH FLAGS')
    disk, length = rows[0].index('DISK'), rows[0].index('LENGTH')
    return [(row[disk], number(row[length], 'vxdg free')) for row in rows[1:]]


def parse_maximum(text):
    """The blocks in what vxassist maxsize prints, with option -p or without."""
    found = MAXIMUM.match(text.strip())
    if not found:
        raise unknown('vxassist maxsize', text.strip()[:80], 'Maximum volume size: N')
    return int(found.group(1))


def parse_tasks(text):
    """[(percent, words)] of what vxtask list prints, which may be nothing; words is all the line says."""
    tasks = []
    for line in text.splitlines():
        words = line.split()
        shares = [PERCENT.match(word) for word in words]
        for share in shares:
            if share:
                tasks.append((float(share.group(1)), words))
                break
    return tasks


def parse_snapshots(text):
    """{snapshot volume: (kind, parent, date, how much differs from the parent, such as "20M (0.2%)", or None)} of what vxsnap list prints.
    """
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if rows and rows[0][:6] != ['NAME', 'DG', 'OBJTYPE', 'SNAPTYPE', 'PARENT', 'PARENTDG']:
        raise unknown('vxsnap list', ' '.join(rows[0]), 'the heading NAME DG OBJTYPE SNAPTYPE PARENT PARENTDG')
    found = {}
    for row in rows[1:]:
        if len(row) >= 8 and row[2] == 'vol' and row[3] in SNAPSHOT_KINDS:
            changed = ' '.join(row[8:10])
            found[row[0]] = (row[3], row[4], ' '.join(row[6:8]), changed if AMOUNT.match(changed) else None)
    return found


def differs(changed):
    """Whether what vxsnap list prints of how much differs is more than nothing, in either figure."""
    return bool(re.search('[1-9]', changed))
