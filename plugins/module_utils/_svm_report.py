# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading what metastat(1M) prints: the full report and the concise one.

The full report never says that a submirror is offline, and the concise one does not name every fault, so both are
read and must agree. A word that is not documented is an error, never taken for a healthy state.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord

BLOCK = 512
# Longest first: the time of -t follows the state without a delimiter.
STATES = ('Resync cancelled', 'Needs maintenance', 'Unavailable', 'Resyncing', 'Okay')
COMPONENT_STATES = ('okay', 'maintenance', 'last erred', 'resyncing', 'unavailable', 'invalid', '-')
MARK = re.compile(r'^(offline|unavail|maint|resync- *[0-9.]+%)$')

MIRROR = re.compile(r'^(\S+): Mirror\s*$')
SUBMIRROR_OF = re.compile(r'^(\S+): Submirror of (\S+)\s*$')
HEADING = re.compile(r'^\S.*$')
SLOT = re.compile(r'^\s+Submirror [0-9]+: (\S+)\s*$')
STATE = re.compile(r'^\s+State: (.*)$')
INVOKE = re.compile(r'^\s+Invoke: (.*)$')
RESYNC = re.compile(r'^\s+Resync (in progress|cancelled): *([0-9]+(?:\.[0-9]+)?) ?% done')
SIZE = re.compile(r'^\s+Size: ([0-9]+) blocks')
STRIPE = re.compile(r'^\s+Stripe [0-9]+:')
TABLE = re.compile(r'^\s+Device\s')
COMPONENT = re.compile(r'^\s+(\S+)\s+[0-9]+\s+(Yes|No)\s+(\S.*?)\s*$')
CONCISE_MIRROR = re.compile(r'^\s*(\S+)\s+m\s+(\S+)\s+(\S.*)$')
CONCISE_MEMBER = re.compile(r'([^\s()]+)(?: \(([^()]*)\))?(?:\s+|$)')
CONCISE_MEMBERS = re.compile(r'^(?:%s)+$' % CONCISE_MEMBER.pattern)


class Submirror:
    """state: a word of the full report; since: the time of the last state change, '' unless asked for; invoke: the
    command metastat suggests, or ''; components: {device: state in lower case}."""

    def __init__(self, name):
        self.name = name
        self.state = None
        self.since = ''
        self.invoke = ''
        self.blocks = None
        self.components = {}


class Mirror:
    """submirrors in the order of their slots; resync: None, 'in progress' or 'cancelled', and percent with it; blocks of 512 bytes."""

    def __init__(self, name):
        self.name = name
        self.submirrors = []
        self.resync = None
        self.percent = None
        self.blocks = None

    def submirror(self, name):
        """The submirror of this name, or None."""
        for submirror in self.submirrors:
            if submirror.name == name:
                return submirror
        return None


def split_state(words):
    """(state, time) of what follows 'State:'."""
    for state in STATES:
        if words == state or words.startswith(state + ' '):
            return state, words[len(state):].strip()
    raise UnknownWord('metastat printed a state that is not documented: %s.' % words.strip(), found=words.strip(),
                      needed='one of %s' % ', '.join(STATES),
                      look='metastat')


class _Reader:
    """Takes the report line by line; what a line means depends on the block it stands in."""

    def __init__(self):
        self.mirrors = {}
        self.mirror = None
        self.submirror = None
        self.table = False

    def line(self, line):
        if HEADING.match(line):
            self.heading(line)
        elif self.submirror is not None:
            self.submirror_line(line)
        elif self.mirror is not None:
            self.mirror_line(line)

    def heading(self, line):
        self.mirror = self.submirror = None
        self.table = False
        found = MIRROR.match(line)
        if found:
            # Below each of several soft partitions their mirror is described again.
            self.mirror = self.mirrors[found.group(1)] = Mirror(found.group(1))
            return
        found = SUBMIRROR_OF.match(line)
        if found:
            mirror = self.mirrors.get(found.group(2))
            self.submirror = mirror and mirror.submirror(found.group(1))
            if self.submirror is None:
                raise UnknownWord('metastat describes submirror %s, but its mirror %s does not list it.' % found.groups(),
                                  object=found.group(1), look='metastat %s' % found.group(2))

    def mirror_line(self, line):
        slot, state, resync, size = SLOT.match(line), STATE.match(line), RESYNC.match(line), SIZE.match(line)
        if slot:
            self.mirror.submirrors.append(Submirror(slot.group(1)))
        elif state:
            last = self.mirror.submirrors[-1] if self.mirror.submirrors else None
            if last is None or last.state is not None:
                raise UnknownWord('metastat printed a state below mirror %s that belongs to no submirror.' % self.mirror.name,
                                  object=self.mirror.name, found=state.group(1), look='metastat %s' % self.mirror.name)
            last.state, last.since = split_state(state.group(1))
        elif resync:
            self.mirror.resync, self.mirror.percent = resync.group(1), float(resync.group(2))
        elif line.strip().startswith('Resync ') and not line.strip().startswith('Resync option:'):
            raise UnknownWord('metastat printed a line on a resync that is not documented: %s.' % line.strip(), object=self.mirror.name)
        elif size:
            self.mirror.blocks = int(size.group(1))

    def submirror_line(self, line):
        invoke, size, component = INVOKE.match(line), SIZE.match(line), COMPONENT.match(line)
        if component:
            self.submirror.components[component.group(1)] = component_state(component.group(3))
        elif TABLE.match(line):
            self.table = True
        elif self.table and line.strip() and not STRIPE.match(line):
            raise UnknownWord('metastat printed a component of %s in a form that is not documented: %s.' % (self.submirror.name,
                                                                                                            line.strip()),
                              object=self.submirror.name, found=line.strip(), look='metastat')
        elif invoke:
            self.submirror.invoke = invoke.group(1).strip()
        elif size and self.submirror.blocks is None:
            self.submirror.blocks = int(size.group(1))


def component_state(words):
    """The state at the head of the last columns of a component's row, in lower case."""
    lowered = words.lower()
    for state in COMPONENT_STATES:
        if lowered == state or lowered.startswith(state + ' '):
            return state
    raise UnknownWord('metastat printed a component state that is not documented: %s.' % words, found=words, look='metastat')


def parse_report(output):
    """The mirrors of a full report (metastat, metastat -t) as {name: Mirror}.

    UnknownWord for a state, resync line or component that is not documented, and where part of a description is missing.
    """
    reader = _Reader()
    for line in output.splitlines():
        reader.line(line)
    for mirror in reader.mirrors.values():
        missing = [s.name for s in mirror.submirrors if s.state is None or s.blocks is None or not s.components]
        if missing or mirror.blocks is None or not mirror.submirrors:
            raise UnknownWord('metastat does not describe mirror %s in full.' % mirror.name, object=mirror.name,
                              found='no %s' % ('description of ' + ', '.join(missing)
                                               if missing else 'size or submirrors'), vendor=output[-2000:])
    return reader.mirrors


def parse_concise(output):
    """The mirrors of metastat -c as {name: {submirror: mark}}; the mark of a submirror that is well is ''."""
    mirrors = {}
    for line in output.splitlines():
        found = CONCISE_MIRROR.match(line)
        if found:
            members = [_member(part) for part in CONCISE_MEMBER.finditer(found.group(3))]
            if not CONCISE_MEMBERS.match(found.group(3)) or len(dict(members)) != len(members):
                raise UnknownWord('metastat -c names submirrors in a form that is not documented: %s.' % found.group(3),
                                  object=found.group(1),
                                  found=found.group(3), look='metastat -c')
            mirrors[found.group(1)] = dict(members)
    return mirrors


def _member(part):
    name, mark = part.group(1), part.group(2) or ''
    if mark and not MARK.match(mark):
        raise UnknownWord('metastat -c marks a submirror with a word that is not documented: (%s).' % mark, object=name, found=mark,
                          look='metastat -c')
    return name, mark
