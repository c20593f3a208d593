# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading how volumes are built: metastat -p (the form of md.tab(4)), and who owns a disk set: metaset(1M)."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord

MIRROR, SOFT_PARTITION, STRIPE, OTHER = 'mirror', 'soft partition', 'concat/stripe', 'other'
HOT_SPARES = re.compile(r'^(?:[^/\s]+/)?hsp[0-9]{3}\Z')
KINDS = {'-m': MIRROR, '-p': SOFT_PARTITION}
# Newer releases print paths, /dev/md/[SET/]rdsk/NAME; older ones NAME or SET/NAME.
PATH = re.compile(r'^/dev/(?:md/)?(?:([^/]+)/)?r?dsk/(.+)$')
OWNERS = re.compile(r'^Set name = (\S+), Set number = [0-9]+\s*\n\s*\nHost\s+Owner\s*\n((?:[ \t]+\S.*\n?)*)', re.MULTILINE)
OWNER = re.compile(r'^\s+\S+(?:\s+(Yes|No)(?: \(auto\))?)?\s*$')

# name: as metastat prints it; kind: a word of this module; parts: what it lies on, by name; words: its line without the name;
# text: its lines as printed.
Volume = collections.namedtuple('Volume', 'name kind parts words text')


def canonical(word):
    """The name in a name or path."""
    path = PATH.match(word)
    return '/'.join(part for part in path.groups() if part) if path else word


def parse_layout(output):
    """The volumes in metastat -p as {name: Volume}, in the order printed. UnknownWord for a line that is not documented."""
    found = collections.OrderedDict()
    for text in re.findall(r'^[^\s#](?:.*\\\n)*.*$', output, re.MULTILINE):
        words = text.replace('\\\n', ' ').split()
        # Only a hot spare pool may be empty (metastat(1M)).
        if len(words) < 2 and not HOT_SPARES.match(words[0]):
            raise UnknownWord('metastat -p printed a line that is not documented.', found=text.strip(), needed='a volume and its parts',
                              look='metastat -p')
        kind = KINDS.get(words[1] if len(words) > 1 else None) or (STRIPE if words[1:] and words[1].isdigit() else OTHER)
        # The value of an option (-i 32b, -o 1) is no part.
        parts = [canonical(word) for word, before in zip(words[1:], words)
                 if not word.startswith('-') and not word.isdigit() and before not in ('-i', '-h', '-o', '-b')]
        volume = found[words[0]] = Volume(words[0], kind, parts, words[1:], text)
        if kind == MIRROR:
            mirror_options(volume)
    return found


def mirror_options(mirror):
    """(read option, write option, pass number) of a mirror in the words of metaparam(1M)."""
    options = [word for word in mirror.words[1:] if canonical(word) not in mirror.parts]
    read = {(): 'roundrobin', ('-g',): 'geometric', ('-r',): 'first'}.get(tuple(word for word in options[:-1] if word != '-S'))
    if not mirror.parts or not options or not options[-1].isdigit() or read is None:
        raise UnknownWord('metastat -p describes mirror %s in a form that is not documented.' % mirror.name, object=mirror.name,
                          found=mirror.text, needed='-m, submirrors, options, pass number', look='metastat -p')
    return read, 'serial' if '-S' in options else 'parallel', options[-1]


def rebuilding(mirror):
    """What metainit(1M) is told behind the submirror to make a mirror like this one: options and pass number."""
    return [word for word in mirror.words[1:] if canonical(word) not in mirror.parts]


def users(layout, name):
    """The volumes that lie on volume name, by name."""
    return [volume.name for volume in layout.values() if name in volume.parts]


def refuse_foreign(output, diskset):
    """Refused unless metaset -s says that this host owns the disk set."""
    if 'Multi-owner Set name' in output:
        raise Refused('Disk set %s may be written to by several hosts at once, so no lock on this one makes a cut consistent.' % diskset,
                      object=diskset, found='a multi-owner set', needed='a disk set with one owner', look='metaset -s %s' % diskset)
    found = [section.group(2).splitlines() for section in OWNERS.finditer(output) if section.group(1) == diskset]
    rows = [OWNER.match(line) for lines in found for line in lines]
    if not rows or None in rows:
        raise UnknownWord('metaset describes disk set %s in a form that is not documented.' % diskset, object=diskset,
                          vendor=output[-2000:], look='metaset -s %s' % diskset)
    # Each host knows only of itself; a blank does not say that nobody owns the set.
    if 'Yes' not in [row.group(1) for row in rows]:
        raise Refused('Disk set %s is not taken by this host.' % diskset, object=diskset, found='no owner that this host knows of',
                      needed='this host as its owner', look='metaset -s %s' % diskset,
                      remedy='work on the host that owns it, or take it there first (metaset -s %s -t)' % diskset)


def owned_pattern(diskset):
    """What metaset -s prints as long as this host owns the set, as a pattern."""
    return r'^Set name = %s, Set number = [0-9]+\s*\n\s*\nHost\s+Owner\s*\n(?:[ \t]+\S.*\n)*?[ \t]+\S+\s+Yes' % re.escape(diskset)
