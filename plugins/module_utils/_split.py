# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every module that splits copies shares: members of the run record, the freeze window, and the undo entries around it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import tempfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _overlap, _platform, _quiesce, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive, identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_flush import only_flushed

# Seconds in which writers wait that are told of in a warning.
LONG_WINDOW = 10


def mounted(volume, devices, filesystem=None, away=()):
    """The Mount of a volume that may be mounted under any of devices, or None.

    filesystem: the mount point the user expects; Refused if the volume is mounted elsewhere or not at all. away: Mounts that the run has
    taken away, and will bring back.
    """
    found = [mount for mount in _platform.mounts() + list(away) if mount.device in devices]
    if filesystem is not None and filesystem not in [mount.point for mount in found]:
        raise Refused('%s is not where volume %s is mounted.' % (filesystem, volume), object=filesystem,
                      found=', '.join(mount.point for mount in found) or 'not mounted', look='mount | grep %s' % devices[0])
    return found[0] if found else None


def prepare_window(context, members, cuts, confirm, verdict, held=()):
    """(Window, verdict) for cutting members (of the run record) by the commands cuts; everything it needs is checked.

    confirm(look): raises unless every copy is split. verdict(members, applications): what the cut will be worth, or Refused.
    held: types of file systems that the cut itself holds still, so that they need no lock.
    """
    params = context.params
    run = params['run']
    directory = context.record.make_directory() if context.record and not context.check else params['state_dir']
    applications = _quiesce.application_holders(params['quiesce'], members, directory, run)
    mounted_ones = _quiesce.to_lock(members, params['quiesce'], context.record)
    to_lock = [member for member in mounted_ones if member['filesystem'] and member['fstype'] not in held]
    flushed = only_flushed(to_lock)
    worth = _quiesce.worth(verdict, members, applications, flushed)
    _quiesce.refuse_own_ground(mounted_ones, [params['state_dir'], tempfile.gettempdir(), context.module.tmpdir])
    if flushed:
        context.module.warn('%s cannot be locked, as nothing on this host does that: flushed, and cut as they are.' % ', '.join(flushed))
    holders = applications + _quiesce.lock_or_flush_holders(to_lock, flushed, 'snapbackup:%s' % run, applications)
    window = _quiesce.Window(holders, cuts=cuts, confirm=confirm, seconds=_quiesce.valid_lease(params['lease']),
                             report=os.path.join(directory, _run.REPORT))
    window.check(context.runner)
    return window, worth


def add_undo(record, entries):
    """Enter the ways back of a split that this process is about to make. Until settle() they say so, and nobody may cross it."""
    for entry in entries:
        record.add_undo(dict(entry, by=identity(os.getpid(), record.data['boot'])))


def settle(record, entries):
    """Enter the ways back once more, for a split that is over."""
    for entry in entries:
        record.add_undo(entry)


def cut(context, members, window, verdict, entries, evidence, roll_back):
    """Open the window over members (of the run record); whatever goes wrong, no copy stays split without its record.

    entries: the ways back. evidence(): proof and layout of the record, asked for after the window. roll_back(): gives back what
    was split, and says in a sentence what became of it.
    """
    record = context.record
    record.update(phase='split', members=members)
    add_undo(record, entries)
    try:
        facts = window.open(context.runner, record)
        record.update(window=facts, verdict=verdict, recovery=window.recovery, **evidence())
        settle(record, entries)
        warn_of_length(context, facts)
    except Exception as error:
        stuck = getattr(error, 'stuck', None)
        note = leave_to(record, entries, stuck) if stuck else roll_back()
        record.update(verdict='torn', error=str(error))
        if isinstance(error, Refused):
            error.message += ' ' + note
        raise


def warn_of_length(context, facts):
    """What writers have waited for so long is worth a word, long before the lease would have ended it."""
    if facts['seconds'] >= LONG_WINDOW:
        context.module.warn('Writers waited %.0f s in the freeze window, %.0f s of them for its commands; at %d s its watchdog would have '
                            'ended it.' % (facts['seconds'], facts['in_commands'], facts['lease']))


def leave_to(record, entries, process):
    """Enter that a process which nothing ends may still split. Returns what is to be done, as a sentence."""
    for entry in entries:
        record.add_undo(dict(entry, by=dict(process, boot=record.data['boot'])))
    return ('Process %s may still split what it was told to, and nothing ends it: when it is gone, run the playbook '
            'volmgr.snapbackup.recover.' % process['pid'])


def entry_of(record, number):
    """The record's undo entry of that id, or None."""
    found = [entry for entry in record.data['undo'] if entry['id'] == number] if record else []
    return found[0] if found else None


def owner(state_dir, number):
    """The open run on this host whose record has the undo entry of that id, or None."""
    found = [record for record in _run.all_runs(state_dir) if record.is_open and entry_of(record, number)]
    return found[-1] if found else None


def refuse_being_split(record, entries):
    """Refused while the module that splits them is at work, or its undo entries would be taken away before it cuts."""
    process = record.splitting(entries, record.data['boot'])
    if process and process['pid'] != os.getpid():
        raise Refused('Run %s is splitting just now.' % record.run, object=', '.join(entry['id'] for entry in entries),
                      found='process %s at work' % process['pid'], look='ps -fp %s' % process['pid'],
                      remedy='wait for it, or end that process')


def refuse_changed(runner, record, clauses=None, copy=None):
    """Refused unless the copies of a run are proved to be still the ones that it has split; no proof is none.

    clauses: of its proof, all if None. copy: the one that these are about.
    """
    clauses = record.data['proof'] if clauses is None else clauses
    if not clauses:
        raise Refused('Run %s cannot prove what %s.' % (record.run, copy + ' holds' if copy else 'its copies hold'),
                      object=copy or record.run, found='no proof of it', needed='what the module that splits enters',
                      look='cat ' + record.path, remedy='restore from the image')
    for clause in clauses:
        result = runner(clause['argv'])
        if result.rc is None or not re.search(clause['match'], result.out, re.MULTILINE):
            raise Refused('The copy is not proved to be still the one that run %s has split.' % record.run, object=record.run,
                          found=result.out.strip()[-500:] or 'no answer', vendor=result.err.strip()[-500:] or None,
                          needed='an answer that matches %s' % clause['match'], look=' '.join(clause['argv']),
                          remedy='restore from the image')


def refuse_being_restored(state_dir, record):
    """Refused while a restore that has begun copies from what the run has split: its copies are all there is of the volumes."""
    _overlap.refuse_being_restored([other for other in _run.all_runs(state_dir) if other.data['undo']], record.run)


def refuse_being_read(record):
    """Refused while the copy job of the run reads its copies."""
    if record.data['job'] and alive(record.data['job']):
        raise Refused('The copy job of run %s still reads its copies.' % record.run, object=record.run,
                      found='process %s' % record.data['job']['pid'], remedy='wait for it, or stop it')
