# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts on mirrors."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run


def test_a_healthy_mirror(call, solaris):
    point = solaris.mirror('d1', d2='okay', d3='okay')
    told = call('svm_info', mirrors=['d1'])
    assert told['mirrors'] == {'d1': {'healthy': True, 'faults': [], 'bytes': 8192 * 512, 'filesystem': point, 'used_by': [],
                                      'device': '/dev/md/rdsk/d1', 'block_device': '/dev/md/dsk/d1',
                                      'submirrors': [{'name': 'd2', 'state': 'okay'}, {'name': 'd3', 'state': 'okay'}]}}
    assert (told['progress'], told['in_progress'], told['changed'], told['commands']) == ([], False, False, [])


def test_all_mirrors_without_names(call, solaris):
    solaris.mirror('d1', d2='okay', d3='offline')
    solaris.mirror('d4', mounted=False, d5='okay', d6='resyncing')
    told = call('svm_info')
    assert told['mirrors']['d1']['faults'] == ['submirror d3 is offline'] and told['mirrors']['d4']['filesystem'] is None
    assert told['in_progress'] and told['progress'] == [{'object': 'd4', 'state': 'resyncing', 'percent': 8.0, 'bytes': None, 'eta': None}]


@pytest.mark.parametrize('name, word', [('d9', 'd9'), ('-p', 'cannot be the name'), ('d1 d2', 'cannot be the name')])
def test_what_is_not_there(call, solaris, name, word):
    solaris.mirror('d1', d2='okay', d3='okay')
    told = call('svm_info', mirrors=[name])
    assert told['failed'] and word in told['msg']


def test_a_poll_keeps_the_run_alive(call, solaris):
    solaris.mirror('d1', d2='okay', d3='resyncing')
    run = call('backup_run', state='opened', name='x', manager='svm', stale_after=1)['run']
    before = _run.load(solaris.state, run).data['deadline']
    assert call('svm_info', check=True, mirrors=['d1'], run=run)['run'] == run
    assert _run.load(solaris.state, run).data['deadline'] == before
    call('svm_info', mirrors=['d1'], run=run)
    assert _run.load(solaris.state, run).data['deadline'] > before


def test_nothing_is_changed(call, solaris):
    solaris.mirror('d1', d2='okay', d3='offline')
    call('svm_info', mirrors=['d1'])
    assert solaris.files() == [] and set(line.split()[0] for line in solaris.journal()) == set(['metastat'])
