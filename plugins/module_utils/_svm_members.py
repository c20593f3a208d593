# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which submirrors of which mirrors a call is about, and whose they are."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, common_set, qualified, refuse_unless_healthy, spoken, state_alone, states, submirror_of)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import BY_ACTION, Detach
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import MIRROR, SOFT_PARTITION
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_report import Submirror

# What the user wants of one mirror. volumes: {volume he has named: mount point he expects, or None}.
Wanted = collections.namedtuple('Wanted', 'submirror volumes')


def undo_id(mirror, submirror):
    return 'svm_submirror:%s:%s' % (mirror, submirror)


def split_entries(record):
    """The undo entries of the submirrors that a run has split; none without a record."""
    return [entry for entry in record.data['undo'] if entry['id'].startswith('svm_submirror:')] if record else []


def entry_of(record, mirror, submirror):
    """The record's undo entry for a submirror, or None."""
    found = [entry for entry in split_entries(record) if entry['id'] == undo_id(mirror, submirror)]
    return found[0] if found else None


def mirrors_of(entries, layout, diskset):
    """{mirror: Wanted} of option members, in their order. What lies on the same mirror is one cut."""
    found = collections.OrderedDict()
    for entry in entries:
        volume = qualified(entry['mirror'], diskset)
        mirror = mirror_below(layout, volume)
        submirror = qualified(entry['submirror'], diskset) if entry['submirror'] is not None else None
        before = found.get(mirror, Wanted(submirror, {}))
        if volume in before.volumes:
            raise Refused('%s is named more than once in members.' % volume, object=volume, needed='one entry for each volume')
        if submirror and before.submirror not in (None, submirror):
            raise Refused('Two submirrors of %s are named in members.' % mirror, object=mirror,
                          found='%s, %s' % (before.submirror, submirror), needed='one submirror of each mirror')
        found[mirror] = Wanted(submirror or before.submirror, dict(before.volumes, **{volume: entry.get('filesystem')}))
    return found


def mirror_below(layout, volume):
    """The mirror of a soft partition; any other volume itself."""
    known = layout.get(volume)
    if known is None or known.kind != SOFT_PARTITION:
        return volume
    base = known.parts[0]
    if base not in layout or layout[base].kind != MIRROR:
        raise Refused('Soft partition %s lies on no mirror.' % volume, object=volume, found=base, needed='a mirror below it',
                      look=spoken('metastat -p', volume))
    return base


class Members:
    """pairs: [(mirror, submirror)]; cuts: {pair: how it is or will be split}; before: {mirror: {submirror: state}}; strays: the pairs
    whose submirror may be detached, and so need not be in its mirror.

    Built by to_split() or split_by(). The states of submirrors are as in _svm.
    """

    def __init__(self, context, diskset):
        self.context = context
        self.svm = Svm(context.runner, diskset)
        self.svm.refuse_foreign_set()
        self.wanted, self.pairs, self.cuts, self.mirrors, self.before = {}, [], {}, {}, {}
        self.strays = []
        self._layout = None

    @property
    def names(self):
        return sorted(self.mirrors)

    @property
    def layout(self):
        """The layout of the set as it was before the call."""
        if self._layout is None:
            self._layout = self.svm.volumes()
        return self._layout

    def take(self, pair, cut):
        self.pairs.append(pair)
        self.cuts[pair] = cut

    def look(self, mirrors, layout):
        """{mirror: {submirror: state}} of mirrors as read, with the members that are no submirrors. layout() is asked only if needed."""
        found = states(mirrors)
        for mirror, submirror in self.pairs:
            if submirror not in found[mirror]:
                if (mirror, submirror) not in self.strays or self.cuts[mirror, submirror] is not Detach:
                    submirror_of(mirrors[mirror], submirror)
                found[mirror][submirror] = state_alone(layout(), submirror)
        return found

    def now(self):
        return self.look(self.svm.mirrors(self.names), self.svm.volumes) if self.names else {}

    def owner(self, mirror, submirror):
        """The open run on this host that has split this submirror, or None."""
        for record in _run.all_runs(self.context.params['state_dir']):
            if record.is_open and entry_of(record, mirror, submirror):
                return record
        return None

    def predicted(self, word):
        """The states once every member is split."""
        return dict((mirror, dict((name, word if (mirror, name) in self.cuts else state) for name, state in found.items()))
                    for mirror, found in self.before.items())


def suppose_home(mirrors, records):
    """Let mirrors be as they will be once what these runs have split is home."""
    for entry in [entry for record in records for entry in split_entries(record)]:
        mirror = mirrors.get(entry['mirror'])
        if mirror:
            mirror.resync = None
            if mirror.submirror(entry['submirror']) is None:
                mirror.submirrors.append(Submirror(entry['submirror']))
            mirror.submirror(entry['submirror']).state = 'okay'


def to_split(context, cut):
    """The Members of option members, each with a submirror: the one named, else the last one that is okay."""
    entries = context.params['members']
    diskset = common_set([entry['mirror'] for entry in entries], context.params['diskset'])
    members = Members(context, diskset)
    members.wanted = mirrors_of(entries, members.layout, diskset)
    members.mirrors = members.svm.mirrors(sorted(members.wanted))
    if context.check:
        suppose_home(members.mirrors, [_run.load(context.params['state_dir'], run) for run in context.params['assume_ended']])
    for mirror, wanted in members.wanted.items():
        members.take((mirror, wanted.submirror or chosen(members.mirrors[mirror], context.record)), cut)
    members.strays = [pair for pair in members.pairs if members.owner(*pair)]
    members.before = members.look(members.mirrors, lambda: members.layout)
    members.strays = members.pairs
    return members


def chosen(mirror, record):
    """The submirror that the run has split already, else the last one that is okay: of three, two stay in step."""
    mine = [entry['submirror'] for entry in split_entries(record) if entry['mirror'] == mirror.name]
    okay = [submirror.name for submirror in mirror.submirrors if submirror.state == 'okay']
    if not mine:
        refuse_unless_healthy(mirror)
    return mine[0] if mine else okay[-1]


def to_bring_home(context):
    """The Members of option members, or whatever the run has split, each with the way it was split."""
    entries = context.params.get('members')
    if entries is None:
        entries = split_entries(context.record)
    diskset = common_set([entry['mirror'] for entry in entries], context.params.get('diskset'))
    members = Members(context, diskset)
    for entry in entries:
        if not entry['submirror']:
            raise Refused('It is not said which submirror of %s is to come home.' % entry['mirror'], object=entry['mirror'],
                          needed='its name in members')
        pair = tuple(qualified(entry[key], diskset) for key in ('mirror', 'submirror'))
        mine = entry_of(context.record, *pair)
        members.take(pair, BY_ACTION[mine['action'] if mine else context.params['state']])
    members.strays = members.pairs
    names = sorted(set(mirror for mirror, dummy in members.pairs))
    members.mirrors = members.svm.mirrors(names) if names else {}
    members.before = members.look(members.mirrors, lambda: members.layout)
    return members
