# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state of many hosts as a table that fits a terminal."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
name: status_lines
short_description: The state of backup sets on many hosts as a table
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Turns what M(volmgr.snapbackup.backup_run) with O(volmgr.snapbackup.backup_run#module:state=read) says of each host into lines, one for
    each set and for each run that is open, and after them what somebody should look at.
positional: _input
options:
  _input:
    description: The result of the module for each host, by the name of the host. A host that could not be asked has its failed result.
    type: dict
    required: true
'''

EXAMPLES = r'''
- name: Show it
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: runs} | volmgr.snapbackup.status_lines }}"
'''

RETURN = r'''
_value:
  description: The lines.
  type: list
  elements: str
'''

HEAD = ('HOST', 'SET', 'NOW', 'SINCE', 'COPIES LEFT', 'LOCKED', 'LAST GOOD BACKUP', 'VERDICT', 'MANIFEST')
UNITS = ((86400, 'd'), (3600, 'h'), (60, 'min'), (1, 's'))
NOTHING = '-'


def age(seconds):
    """7500 as '2 h'."""
    if seconds is None:
        return NOTHING
    size, unit = next(pair for pair in UNITS if seconds >= pair[0] or pair[0] == 1)
    return '%d %s' % (seconds // size, unit)


def now_of(work):
    """What an open run is doing, in few words."""
    what = work['phase'] if work['kind'] == 'backup' else '%s, %s' % (work['kind'], work['phase'])
    if work['condition'] == 'kept':
        return 'kept'
    return what if work['condition'] == 'live' else '%s, %s' % (what, work['condition'].upper())


def copies_left(work):
    if not work['split_at']:
        return NOTHING
    if work['remaining'] is None:
        return 'unknown'
    return '%d%s' % (work['remaining'], ', NOT REDUNDANT' if work['remaining'] < 2 else '')


def rows(host, found):
    for entry in found['sets']:
        last = entry['last']
        good = (NOTHING,) * 3
        if last:
            good = ('%s (%s ago)' % (last['at'], age(last['seconds'])), last['verdict'],
                    last['manifest'] + ('' if last['present'] else ' (GONE)'))
        for work in entry['open'] or [None]:
            doing = ('idle',) + (NOTHING,) * 3
            if work:
                doing = (now_of(work), age(work['split_seconds']), copies_left(work), ' '.join(work['locks']) or NOTHING)
            yield (host, entry['name']) + doing + good


def remarks(host, found):
    """What somebody should look at, as sentences."""
    for entry in found['sets']:
        for work in entry['open']:
            told = '%s: %s %s of set %s' % (host, work['kind'], work['run'], entry['name'])
            if work['condition'] == 'kept':
                yield '%s: %s' % (told, work['why'])
            elif work['condition'] == 'live':
                yield '%s is alive: %s' % (told, work['why'])
            elif work['kind'] == 'restore':
                yield ('%s did not end, and %s hold part of what was restored. The playbook volmgr.snapbackup.recover names the '
                       'command that finishes it.' % (told, ', '.join(work['volumes'])))
            else:
                dead = 'is dead, since the host has booted' if work['booted'] else 'is dead'
                state = dead if work['condition'] == 'dead' else 'is split for longer than snapbackup_max_split'
                yield '%s %s, still to be undone: %s. Run the playbook volmgr.snapbackup.recover.' % (
                    told, state, ', '.join(work['undo']) or 'nothing')


def alive_elsewhere(asked):
    """The same results, in which a run that is dead on one host and alive on another, which reads its copies, is alive on both."""
    alive = dict((work['run'], '%s, on %s' % (work['why'], host)) for host, found in asked.items() for entry in found['sets']
                 for work in entry['open'] if work['condition'] == 'live')
    return dict((host, dict(found, sets=[dict(entry, open=[
        dict(work, condition='live', why=alive[work['run']]) if work['condition'] == 'dead' and work['run'] in alive else work
        for work in entry['open']]) for entry in found['sets']])) for host, found in asked.items())


def status_lines(results):
    """The lines for {host: result}."""
    asked = alive_elsewhere(dict((host, found) for host, found in results.items() if 'sets' in found))
    table = [HEAD] + [row for host in sorted(asked) for row in rows(host, asked[host]) or []]
    widths = [max(len(str(row[column])) for row in table) for column in range(len(HEAD))]
    lines = ['  '.join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    lines = lines if len(lines) > 1 else []
    lines += ['%s: nothing was ever backed up or restored' % host for host in sorted(asked) if not asked[host]['sets']]
    lines += [line for host in sorted(asked) for line in remarks(host, asked[host])]
    return lines + ['%s: could not be asked: %s' % (host, results[host].get('msg')) for host in sorted(results) if host not in asked]


class FilterModule(object):
    """Found by Ansible."""

    def filters(self):
        return dict(status_lines=status_lines)
