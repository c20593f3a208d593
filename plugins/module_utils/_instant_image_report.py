# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading what iiadm(1M) and svadm(1M) print.

iiadm -i prints a block of lines for each set and a line of dashes between two of them. Which lines there are depends on the release
and on the set; their order does not. A line or word that is not documented is an error.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord

LOOK = 'iiadm -i'
VOLUME = re.compile(r'^(/\S+|<imported_shadow>): \((master|shadow|bitmap|overflow) volume\)\Z')
IMPORTED = '<imported_shadow>'
RULER = re.compile(r'^-{78}\Z')
SUSPENDED = re.compile(r'^Suspended(\.|( on this node, (not active elsewhere|active on \S+)))\Z')
GROUP, TAG, MODIFIED = (re.compile(r'^%s: (\S.*)\Z' % words) for words in ('Group name', 'Cluster tag', 'Latest modified time'))
SIZE = re.compile(r'^Volume size: +([0-9]+)\Z')
CHUNKS = re.compile(r'^Shadow chunks total: ([0-9]+) Shadow chunks used: ([0-9]+)\Z')
PERCENT = re.compile(r'^Percent of bitmap set: ([0-9]+)\Z')
BITS = re.compile(r'^\t\(bitmap (clean|dirty)\)\Z')
TIME = re.compile(r'^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] '
                  r'[0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}\Z')
KINDS = {'Independent copy': 'independent', 'Dependent copy': 'dependent'}
COPYING, INTERRUPTED, TO_SHADOW, TO_MASTER, ABORTING = (
    'copy in progress', 'copy not active', 'copying master to shadow', 'copying shadow to master', 'abort of copy requested')
EXPORTED, IS_IMPORTED = 'shadow volume exported', 'shadow volume imported'
OFFLINE = ('master volume offline', 'shadow volume offline', 'bitmap volume offline', 'overflow volume offline')
# In the order in which they are printed.
FLAGS = ('compacted shadow space', COPYING, INTERRUPTED, TO_SHADOW, TO_MASTER, ABORTING) + OFFLINE + (
    EXPORTED, IS_IMPORTED, 'out of space', 'spilled into overflow volume')
# Printed on stdout by any command where a cluster is set up badly (iiadm(1M)).
STRAY = 'Warning: multiple cluster resource groups defined within a single I/O group'
SV_WARNING = re.compile(r'^\S*svadm: warning: (/\S+) is configured, but not in the config storage\Z')
SV_LINE = re.compile(r'^(/\S+)(?: +\[(?:local to node|cluster: \S+)\])? *\Z')


class Set:
    """One set. master is None for an imported one; kind: independent or dependent, None while suspended; flags: words of FLAGS;
    modified: text of ctime(3C), or None; blocks: of 512 bytes; percent and dirty: of the bitmap, None where it does not tell."""

    def __init__(self, volumes):
        self.master = None if volumes['master'] == IMPORTED else volumes['master']
        self.shadow, self.bitmap, self.overflow = volumes['shadow'], volumes['bitmap'], volumes.get('overflow')
        self.suspended = False
        self.group = self.tag = self.kind = self.modified = self.blocks = self.chunks = self.percent = self.dirty = None
        self.flags = ()


class Block:
    """The lines of one set, taken one after another."""

    def __init__(self, lines):
        self.lines = lines
        self.at = 0

    def take(self, pattern):
        """The match of the next line, which is then behind, or None."""
        found = pattern.match(self.lines[self.at]) if self.at < len(self.lines) else None
        self.at += found is not None
        return found

    def need(self, pattern, needed):
        return self.take(pattern) or self.wrong(needed)

    def text(self):
        line = self.lines[self.at] if self.at < len(self.lines) else None
        self.at += 1
        return line

    def wrong(self, needed):
        found = self.lines[self.at] if self.at < len(self.lines) else 'the end of what iiadm said'
        raise UnknownWord('iiadm printed a status that is not documented.', object=self.lines[0] if self.lines else None,
                          found=found.strip(), needed=needed, look=LOOK)


def parse_status(text):
    """[Set] of iiadm -i; UnknownWord where a line or word is not documented, or something is missing."""
    blocks, lines = [], [line for line in text.splitlines() if line.strip() and line != STRAY]
    for line in lines:
        if not blocks or RULER.match(line):
            blocks.append([])
        if not RULER.match(line):
            blocks[-1].append(line)
    return [parse_set(Block(block)) for block in blocks]


def parse_set(block):
    found = Set(parse_volumes(block))
    if block.take(SUSPENDED):
        found.suspended = True
    else:
        parse_rest(block, found)
    if block.at < len(block.lines):
        block.wrong('no more lines of this set')
    return found


def parse_volumes(block):
    volumes = {}
    for name in ('master', 'shadow', 'bitmap'):
        match = block.need(VOLUME, 'the %s volume' % name)
        if match.group(2) != name or (match.group(1) == IMPORTED and name != 'master'):
            block.at -= 1
            block.wrong('the %s volume' % name)
        volumes[name] = match.group(1)
    match = block.take(VOLUME)
    if match:
        if match.group(2) != 'overflow':
            block.at -= 1
            block.wrong('the overflow volume, or none')
        volumes['overflow'] = match.group(1)
    return volumes


def parse_rest(block, found):
    for name, pattern in (('group', GROUP), ('tag', TAG)):
        match = block.take(pattern)
        if match:
            setattr(found, name, match.group(1))
    found.kind, found.flags = parse_flags(block)
    match = block.take(MODIFIED)
    if match and match.group(1) != 'unknown':
        found.modified = match.group(1) if TIME.match(match.group(1)) else block.wrong('a time, not %s' % match.group(1))
    found.blocks = int(block.need(SIZE, 'the size of the volume').group(1))
    match = block.take(CHUNKS)
    found.chunks = int(match.group(1)) if match else 0
    match = block.take(PERCENT)
    if match:
        found.percent = int(match.group(1))
        if found.percent > 100:
            block.wrong('at most 100 percent, not %d' % found.percent)
        found.dirty = True if found.percent == 100 else block.need(BITS, 'whether the bitmap is clean').group(1) == 'dirty'


def parse_flags(block):
    """(kind, flags); UnknownWord for another word, another order, or words that contradict each other."""
    words = (block.text() or '').split(', ')
    flags = tuple(words[1:])
    places = [FLAGS.index(flag) if flag in FLAGS else -1 for flag in flags]
    moving = TO_SHADOW in flags or TO_MASTER in flags
    if (words[0] not in KINDS or -1 in places or places != sorted(set(places)) or (COPYING in flags and INTERRUPTED in flags)
            or (TO_SHADOW in flags and TO_MASTER in flags) or (moving and COPYING not in flags and INTERRUPTED not in flags)
            or (EXPORTED in flags and IS_IMPORTED in flags)):
        block.at -= 1
        block.wrong('%s, and flags of iiadm(1M)' % ' or '.join(sorted(KINDS)))
    return KINDS[words[0]], flags


def parse_volumes_of_sv(out, err):
    """{raw device: whether svadm -e has put it under SV}, false where another product holds it. UnknownWord for any other line."""
    found = {}
    for line in out.splitlines():
        match = SV_LINE.match(line)
        if not match and line.strip():
            raise UnknownWord('svadm printed a line that is not documented.', found=line.strip(), needed='a path', look='svadm -i')
        if match:
            found[match.group(1)] = True
    for line in err.splitlines():
        match = SV_WARNING.match(line)
        if not match and line.strip():
            raise UnknownWord('svadm printed a message that is not documented.', found=line.strip(), look='svadm -i')
        if match:
            found.setdefault(match.group(1), False)
    return found
