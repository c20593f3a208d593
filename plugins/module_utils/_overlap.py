# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a run may begin beside those that are open, and whether one still has copies that can be restored from."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import alive
from ansible_collections.volmgr.snapbackup.plugins.module_utils._services import UNDO_ID

GOOD_VERDICTS = ('application', 'filesystem', 'crash')


def refuse_opening(records, name, members, boot, source_run=None, takeover=None, ended=(), primary=None):
    """Refused while another run of the same set, or of the same volumes, is open, or where source_run has no copy to go back to.

    A live one must end first, a dead one must be recovered first, since its split copies are not this run's. records: all
    of the host. takeover: id of a live run that counts as dead. ended: ids of runs that count as ended, where check mode has only
    predicted their recovery. primary: the host whose run this one takes part in; each has sets and volumes of its own.
    """
    for other in records:
        if other.run != source_run and other.run not in ended and other.data['primary'] == primary:
            refuse_overlap(other, name, members, boot)
    if source_run:
        found = [record for record in records if record.run == source_run]
        if not found:
            raise Refused('This host has no record of run %s.' % source_run, object=source_run, needed='a backup whose copies are split',
                          look='playbook volmgr.snapbackup.status')
        refuse_source(found[0], boot, takeover)


def refuse_overlap(other, name, members, boot):
    """Refused if the open run other works on the same set or the same volumes.

    What it keeps for the next run of its set is in nobody's way there: a backup gives it back before it splits, and a restore
    onto the original leaves it alone.
    """
    if not other.is_open or other.data['name'] == name and other.data['retained']:
        return
    volumes = set(member['volume'] for member in members)
    shared = volumes.intersection(member['volume'] for member in other.data['members'])
    if other.data['name'] != name and not shared:
        return
    why, kept = other.why_live(boot), other.why_kept(boot)
    state = ' and alive: ' + why if why else ', ' + kept if kept else ', and dead'
    raise Refused('Run %s of set %s is still open%s.' % (other.run, other.data['name'], state),
                  object=other.run, found='phase %s' % other.data['phase'],
                  needed='no open run of %s' % (', '.join(sorted(shared)) or name),
                  look='playbook volmgr.snapbackup.status',
                  remedy='wait for it, or take it over (snapbackup_takeover=%s)' % other.run if why or kept
                  else 'run the playbook volmgr.snapbackup.recover')


def refuse_source(source, boot, takeover=None):
    """Refused unless the run source still has whole copies of one point in time, which nobody is at work on."""
    found = unfit(source, boot, takeover)
    if found:
        raise Refused('The copies of run %s cannot be restored from.' % source.run, object=source.run, found=found,
                      needed='a backup whose copies are split, whole, and not in use', look='playbook volmgr.snapbackup.status',
                      remedy='restore from a manifest')


def unfit(source, boot, takeover):
    """Why the copies of a run cannot be restored from, in words, or None."""
    data = source.data
    if not source.is_open:
        return 'a run that has ended'
    if data['kind'] != 'backup' or not data['undo']:
        return 'a %s that has nothing split' % data['kind']
    if any(entry['id'] == UNDO_ID for entry in data['undo']):
        return 'services that are not proved to have stood still over the cut'
    live = source.at_work(boot) if source.run == takeover else source.why_live(boot)
    if live:
        return live
    if data['job'] and alive(data['job'], boot):
        return 'its copy job, process %s, is running' % data['job']['pid']
    if any(entry.get('returning') for entry in data['undo']):
        return 'copies that are being given back, which overwrites them'
    return None if data['verdict'] in GOOD_VERDICTS else 'a cut with the verdict %s' % data['verdict']


def refuse_being_restored(records, run):
    """Refused if one of records is an open restore that copies from what run has split."""
    for other in records:
        if other.is_open and other.data['source_run'] == run:
            raise Refused('Restore %s still copies from what run %s has split.' % (other.run, run), object=run,
                          found='restore %s in phase %s' % (other.run, other.data['phase']), needed='the restore finished',
                          look='playbook volmgr.snapbackup.status',
                          remedy='run the playbook volmgr.snapbackup.restore again with the same options')
