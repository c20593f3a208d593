#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: svm_submirror
short_description: Split submirrors from their mirrors at one point in time, and bring them back
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Takes one submirror of each given Solaris Volume Manager mirror offline inside one freeze window, so that all of them
    hold the same point in time, or brings them online again, which copies the regions that were written to meanwhile.
  - File systems mounted from the mirrors are write-locked with C(lockfs) for the length of the window.
    A watchdog on the host unlocks them if the module dies or O(lease) runs out.
  - Nothing is changed unless every mirror is healthy. If the window fails, submirrors that were taken offline are brought online again.
  - "Sources: metaoffline(1M), metastat(1M), lockfs(1M), and the chapter on using a mirror to back up data of the
    Solaris Volume Manager Administration Guide."
options:
  members:
    description:
      - What to split or to bring back. All members are handled in one call.
      - Required for O(state=offline). For O(state=online) the default is whatever O(run) has split and not brought back yet.
    type: list
    elements: dict
    suboptions:
      mirror:
        description: Name of the mirror, for example V(d1).
        type: str
        required: true
      submirror:
        description: Name of the submirror to work on, for example V(d3).
        type: str
        required: true
      filesystem:
        description: Mount point the mirror is expected at. It is checked against the mount table; without it the mount table decides.
        type: path
  state:
    description:
      - V(offline) splits, V(online) brings back.
      - V(online) starts the resync and does not wait for it. It overwrites the frozen copy, so it is refused while
        another submirror of the mirror is not okay, while the copy is mounted and while a copy job reads it.
    type: str
    choices: [offline, online]
    required: true
  assume:
    description:
      - In check mode, the states to start from instead of what the host shows. Use the RV(after) of the task before.
    type: dict
  run:
    description: Required for O(state=offline), so that the split can always be found and brought back.
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
  - volmgr.snapbackup.run.quiesce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: solaris
    support: full
seealso:
  - module: volmgr.snapbackup.svm_info
  - module: volmgr.snapbackup.backup_run
'''

EXAMPLES = r'''
- name: Freeze /home1 and split d3 from d1
  volmgr.snapbackup.svm_submirror:
    run: "{{ opened.run }}"
    state: offline
    members:
      - mirror: d1
        submirror: d3
        filesystem: /home1

- name: Bring back what the run has split, and start the resync
  volmgr.snapbackup.svm_submirror:
    run: "{{ opened.run }}"
    state: online
'''

RETURN = r'''
before:
  description: State of every submirror of the mirrors before the call.
  returned: success
  type: dict
  sample: {d1: {d2: okay, d3: okay}}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {d1: {d2: okay, d3: offline}}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/metaoffline, d1, d3], rc: 0, seconds: 0.012}]
reads:
  description: How many commands only looked.
  returned: success
  type: int
members:
  description: The members in the shape of the run record.
  returned: when O(state=offline)
  type: list
  elements: dict
window:
  description: Length of the freeze window in seconds, its times on the host's monotonic clock, and its steps.
  returned: when O(state=offline) and not in check mode
  type: dict
verdict:
  description: What the cut is worth, V(application), V(filesystem) or V(crash).
  returned: when O(state=offline)
  type: str
'''

import copy
import os
import re
import tempfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive, identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import (
    Svm, block_device, faults, member, raw_device, refuse_unless_healthy, states, submirror_of, valid_name)

# Time limit of one state-changing command outside the window. They queue on the manager's own lock, which has no limit.
LIMIT = 120


def undo_id(mirror, submirror):
    return 'svm_submirror:%s:%s' % (mirror, submirror)


class Submirrors:
    """The members of one call: pairs is [(mirror, submirror)], before the states by name."""

    def __init__(self, context):
        self.context = context
        self.runner = context.runner
        self.pairs = [(valid_name(entry['mirror']), valid_name(entry['submirror'])) for entry in self.entries()]
        self.names = sorted(set(mirror for mirror, dummy in self.pairs))
        if len(self.names) != len(self.pairs):
            raise Refused('A mirror is named more than once in members.', object=', '.join(self.names),
                          needed='one submirror of each mirror')
        self.svm = Svm(self.runner)
        self.mirrors = self.svm.mirrors(self.names) if self.names else {}
        for mirror, submirror in self.pairs:
            submirror_of(self.mirrors[mirror], submirror)
        self.before = states(self.mirrors)

    def entries(self):
        """Option members, or what the run has split."""
        if self.context.params['members'] is not None:
            return self.context.params['members']
        undo = self.context.record.data['undo'] if self.context.record else []
        return [entry for entry in undo if entry['id'].startswith('svm_submirror:')]

    def owner(self, mirror, submirror):
        """The open run on this host that has split this submirror, or None."""
        for record in _run.all_runs(self.context.params['state_dir']):
            if record.is_open and entry_of(record, mirror, submirror):
                return record
        return None

    def after(self, word):
        """The predicted states when every member is in state word."""
        predicted = copy.deepcopy(self.before)
        for mirror, submirror in self.pairs:
            predicted[mirror][submirror] = word
        return predicted

    def after_online(self):
        """The predicted states once the resync has ended."""
        return dict((mirror, dict((name, 'okay') for name in found)) for mirror, found in self.before.items())

    def now(self):
        return states(self.svm.mirrors(self.names)) if self.names else {}


def offline(context):
    context.refuse_ended()
    work = Submirrors(context)
    if already_split(context, work):
        data = context.record.data
        return dict(changed=False, before=work.before, after=work.before, members=data['members'], window=data['window'],
                    verdict=data['verdict'])
    for name in work.names:
        refuse_unless_healthy(work.mirrors[name])
    work.svm.refuse_soft_partitions(work.names)
    members = [member(work.mirrors[entry['mirror']], work.mirrors[entry['mirror']].submirror(entry['submirror']), entry['filesystem'])
               for entry in context.params['members']]
    window, verdict = prepare_window(context, work, members)
    if context.check:
        for argv in window.commands():
            context.runner.plan(argv)
        return dict(changed=True, before=work.before, after=work.after('offline'), members=members, verdict=verdict)
    split(context, work, members, window, verdict)
    return dict(changed=True, before=work.before, after=work.now(), members=members, window=context.record.data['window'], verdict=verdict)


def already_split(context, work):
    """True if this run has split exactly these members; Refused if somebody else has, or only some of them are split."""
    split_ones = [pair for pair in work.pairs if work.before[pair[0]][pair[1]] == 'offline']
    for mirror, submirror in split_ones:
        owner = work.owner(mirror, submirror)
        if owner is None:
            raise Refused('%s is offline, and no run on this host has split it.' % submirror, object=submirror, found='offline',
                          needed='okay',
                          look='metastat -c %s' % mirror,
                          remedy='find out who uses it; metaonline %s %s brings it back and overwrites its content' % (mirror, submirror))
        if context.record is None or owner.run != context.record.run:
            raise Refused('%s was split by run %s.' % (submirror, owner.run), object=submirror, found='offline', needed='okay',
                          look='playbook volmgr.snapbackup.status',
                          remedy='wait for it; if it is dead, run the playbook volmgr.snapbackup.recover')
    if split_ones and (len(split_ones) != len(work.pairs) or not context.record.data['window']):
        raise Refused('Only some members are split, or the window that split them did not end well.',
                      object=', '.join(submirror for dummy, submirror in split_ones), found='offline', needed='all of them okay',
                      remedy='bring them back (state online), then split all of them in one call')
    return bool(split_ones)


def prepare_window(context, work, members):
    """The Window for members, checked, and what it will be worth."""
    params = context.params
    run = params['run']
    directory = context.record.make_directory() if context.record and not context.check else params['state_dir']
    applications = _quiesce.application_holders(params['quiesce'], members, directory, run)
    verdict = _quiesce.expected_verdict(members, applications)
    _quiesce.refuse_own_ground(members, [params['state_dir'], tempfile.gettempdir(), context.module.tmpdir])
    holders = applications + _quiesce.lock_holders(members, 'snapbackup:%s' % run)
    metaoffline = _platform.need('metaoffline')
    window = _quiesce.Window(holders, cuts=[[metaoffline, mirror, submirror] for mirror, submirror in work.pairs],
                             confirm=lambda look: Svm(look).confirm_offline(work.pairs),
                             seconds=_quiesce.valid_lease(params['lease']), report=directory + '/lease.json')
    window.check(context.runner)
    return window, verdict


def split(context, work, members, window, verdict):
    """Open the window; whatever goes wrong, no member stays split without its record."""
    record = context.record
    record.update(phase='split', members=members)
    for mirror, submirror in work.pairs:
        record.add_undo(dict(split_entry(mirror, submirror), by=identity(os.getpid(), record.data['boot'])))
    try:
        facts = window.open(context.runner)
        record.update(window=facts, verdict=verdict, recovery=window.recovery, proof=work.svm.proof(work.pairs),
                      layout=work.svm.layout())
        for pair in work.pairs:
            record.add_undo(split_entry(*pair))
    except Exception as error:
        note = roll_back(context, work, [pair for pair in work.pairs if window.may_have_cut(pair)])
        record.update(verdict='torn', error=str(error))
        if isinstance(error, Refused):
            error.message += ' ' + note
        raise


def split_entry(mirror, submirror):
    """The undo entry of a split. While the window is open it also says by which process."""
    return {'id': undo_id(mirror, submirror), 'action': 'online', 'mirror': mirror, 'submirror': submirror}


def roll_back(context, work, mine):
    """Bring back what a failed window has split (mine). Returns what became of it, as a sentence."""
    try:
        found = work.now()
        for mirror, submirror in mine:
            if found[mirror][submirror] == 'offline':
                context.runner.change([_platform.need('metaonline'), mirror, submirror], timeout=LIMIT)
        now = work.now()
        left = [pair for pair in mine if now[pair[0]][pair[1]] == 'offline']
        # A resync that breaks off leaves its submirror offline again, so its entry stays until that has ended.
        home = [pair for pair in work.pairs if pair not in mine or now[pair[0]][pair[1]] == 'okay']
        # Written after the commands: a full disk must not keep a copy away.
        for pair in mine:
            if pair not in home:
                context.record.add_undo(dict(split_entry(*pair), returning=True))
    except Refused as error:
        return 'The submirrors could not be looked at (%s): run the playbook volmgr.snapbackup.recover.' % error.message
    context.record.clear_undo(*[undo_id(*pair) for pair in home])
    if left:
        return '%s could not be brought back: run the playbook volmgr.snapbackup.recover.' % ', '.join(pair[1] for pair in left)
    return 'No submirror is left split, and nothing will be stored from this run.'


def online(context):
    work = Submirrors(context)
    if context.check and context.params['assume']:
        work.before = context.params['assume']
    refuse_being_split(context, work)
    changed = False
    for mirror, submirror in work.pairs:
        if work.before[mirror][submirror] == 'offline' and was_split_again(context, work, mirror, submirror):
            context.module.warn('%s came home since run %s split it, and somebody has taken it offline again; it is left alone.'
                                % (submirror, context.record.run))
            context.record.clear_undo(undo_id(mirror, submirror))
        else:
            changed = bring_back(context, work, mirror, submirror) or changed
    after = work.after_online() if context.check else work.now()
    if context.record and not context.check:
        context.record.clear_undo(*[undo_id(*pair) for pair in work.pairs if after[pair[0]][pair[1]] == 'okay'])
    return dict(changed=changed, before=work.before, after=after)


def refuse_being_split(context, work):
    """Refused while the module that splits the members is at work, or its undo entries would be taken away before it cuts."""
    for pair in work.pairs:
        by = (entry_of(context.record, *pair) or {}).get('by')
        if by and by['pid'] != os.getpid() and alive(by, context.record.data['boot']):
            raise Refused('%s is being split by run %s.' % (pair[1], context.record.run), object=pair[1],
                          found='process %s at work' % by['pid'], remedy='wait for it, or end that process')


def was_split_again(context, work, mirror, submirror):
    """Whether an offline submirror is not the run's copy any more: a boot has brought it home, or its state has changed since the cut.

    A resync that this run has started and that broke off changes the state too; then it still is the run's.
    """
    entry = entry_of(context.record, mirror, submirror)
    if entry is None or context.check:
        return False
    # The time of the split outlives a boot that leaves the submirror offline (pass number 0), so only it tells.
    clauses = [clause for clause in context.record.data['proof'] if clause['argv'][-1] == mirror]
    same_boot = context.record.data['boot'] == _platform.boot_identity(context.runner)
    if not clauses or entry.get('returning') and same_boot:
        return not same_boot
    return any(
        not re.search(clause['match'], context.runner.expect(clause['argv']).out, re.MULTILINE) for clause in clauses)


def entry_of(record, mirror, submirror):
    """The record's undo entry for a submirror, or None."""
    found = [entry for entry in record.data['undo'] if entry['id'] == undo_id(mirror, submirror)] if record else []
    return found[0] if found else None


def bring_back(context, work, mirror, submirror):
    """Start the resync of one submirror. False where there is nothing to do."""
    state = work.before[mirror][submirror]
    if state in ('okay', 'resyncing'):
        return False
    if state == 'offline':
        refuse_online(context, work, mirror, submirror)
        argv = [_platform.need('metaonline'), mirror, submirror]
    elif work.mirrors[mirror].submirror(submirror).invoke == 'metasync %s' % mirror:
        argv = [_platform.need('metasync'), mirror]
    else:
        raise Refused('%s cannot be brought online as it is.' % submirror, object=submirror, found=state, needed='offline',
                      look='metastat %s' % mirror, remedy=work.mirrors[mirror].submirror(submirror).invoke or 'repair the mirror')
    entry = entry_of(context.record, mirror, submirror)
    if entry and not context.check:
        context.record.add_undo(dict(entry, returning=True))
    result = context.change(argv, timeout=LIMIT)
    # The exit code alone proves nothing in either direction.
    if result is not None and work.now()[mirror][submirror] == state:
        raise CommandFailed(result, '%s did not come online.' % submirror, object=submirror, found=state, needed='resyncing or okay',
                            look='metastat -c %s' % mirror,
                            remedy='if another submirror of %s is resyncing, wait for its end and run again' % mirror)
    return True


def refuse_online(context, work, mirror, submirror):
    """Refused if bringing the submirror online would destroy the last good copy, or one that is in use."""
    rest = faults_of_rest(work, mirror, submirror)
    if rest:
        raise Refused('%s is not brought online: it may hold the last good copy of %s.' % (submirror, mirror), object=submirror,
                      found='; '.join(rest), needed='every other submirror okay', look='metastat %s' % mirror,
                      remedy='repair the others first, or roll back to this copy')
    owner = work.owner(mirror, submirror)
    mine = context.record
    if owner is not None and (mine is None or owner.run != mine.run):
        raise Refused('%s was split by run %s.' % (submirror, owner.run), object=submirror,
                      remedy='bring it back as that run, or run recover')
    if mine is not None and owner is None and not context.check:
        raise Refused('%s is offline, but not by run %s.' % (submirror, mine.run), object=submirror, found='offline',
                      remedy='find out who uses it; without option run this module brings it back')
    if mine is not None and mine.data['job'] and alive(mine.data['job']):
        raise Refused('The copy job of run %s still reads %s.' % (mine.run, submirror), object=submirror, remedy='wait for it, or stop it')
    mounted = [mount.point for mount in _platform.mounts() if mount.device in (block_device(submirror), raw_device(submirror))]
    if mounted:
        raise Refused('%s is mounted, and its blocks would change below the mount.' % submirror, object=submirror, found=mounted[0],
                      needed='not mounted', look='mount', remedy='umount %s' % mounted[0])


def faults_of_rest(work, mirror, submirror):
    """faults() of the mirror without those of the submirror itself."""
    rest = copy.copy(work.mirrors[mirror])
    rest.submirrors = [other for other in rest.submirrors if other.name != submirror]
    return [fault for fault in faults(rest) if fault != 'it has only one submirror']


def main():
    run_module(
        lambda context: offline(context) if context.params['state'] == 'offline' else online(context),
        argument_spec=dict(
            RUN_OPTIONS,
            members=dict(type='list', elements='dict', options=dict(
                mirror=dict(type='str', required=True),
                submirror=dict(type='str', required=True),
                filesystem=dict(type='path'),
            )),
            state=dict(type='str', choices=['offline', 'online'], required=True),
            assume=dict(type='dict'),
            **_quiesce.OPTIONS),
        required_if=[('state', 'offline', ['run', 'members'])],
        required_one_of=[('run', 'members')],
    )


if __name__ == '__main__':
    main()
