# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _job


@pytest.fixture
def backup(host):
    """The manifest of a backup of d1, with a recovery file, and the record of a restore."""
    files = [dict(source=host.file('label', b'label'), place='backup_label')]
    recovery = [dict(driver='postgresql', volume='d1', directory='pgdata', files=files)]
    record = host.record(recovery=recovery)
    host.store(record, method='command', argv=['/bin/echo', 'stream'])
    manifest = host.ended(record)['manifest']
    record.update(closed=1, result='complete')
    os.mkdir(host.path('target'))
    return manifest, host.record(kind='restore')


def options(host, backup, **more):
    manifest, record = backup
    volume = dict(volume='d1', target=host.path('target'), require_mount=False)
    return dict(dict(run=record.run, state_dir=host.state, manifest=manifest, volumes=[volume], confirm=['d1'],
                     restore_command=['/bin/dd', 'of={target}/restored']), **more)


def ended(host, ansible, backup):
    read = dict(run=backup[1].run, state_dir=host.state, state='read')
    return host.wait_for(lambda: ansible('volume_restore', read), lambda result: not result['in_progress'])


def test_a_restore_from_start_to_end(host, ansible, backup):
    predicted = ansible('volume_restore', options(host, backup), check=True)
    assert predicted['changed'] and os.listdir(host.path('target')) == [] and _job.status(backup[1])['state'] == 'absent'
    real = ansible('volume_restore', options(host, backup))
    assert real['changed'] and predicted['commands'] == real['commands'] and predicted['diff'] == real['diff']
    assert list(real['after']['restored']) == [host.path('target')]
    assert ended(host, ansible, backup)['job']['state'] == 'complete'
    assert open(host.path('target', 'restored')).read() == 'stream\n'
    again = ansible('volume_restore', options(host, backup))
    assert not again['changed'] and again['job']['state'] == 'complete'


@pytest.mark.parametrize('confirm', [[], ['d2'], ['d1', 'd2']])
def test_nothing_starts_without_the_right_confirmation(host, ansible, backup, confirm):
    for check in (True, False):
        result = ansible('volume_restore', options(host, backup, confirm=confirm), check=check)
        assert result['failed'] and 'Nothing was overwritten' in result['msg'] and 'goes onto %s' % host.path('target') in result['msg']
    assert _job.status(backup[1])['state'] == 'absent'


def test_a_run_of_a_backup_restores_nothing(host, ansible, backup):
    manifest, restore = backup
    restore.update(closed=1, result='abandoned')
    for record in (restore, host.record()):
        result = ansible('volume_restore', options(host, (manifest, record)))
        assert result['failed'] and 'restores nothing' in result['msg'] and os.listdir(host.path('target')) == []


def test_a_bad_target_is_refused_before_the_job(host, ansible, backup):
    host.file('target/precious', b'x')
    result = ansible('volume_restore', options(host, backup))
    assert result['failed'] and 'precious' in result['msg'] and _job.status(backup[1])['state'] == 'absent'


def test_without_a_target_nothing_is_guessed(host, ansible, backup):
    result = ansible('volume_restore', options(host, backup, volumes=[dict(volume='d1')]))
    assert result['failed'] and 'goes onto' in result['msg']


def test_recovery_files_are_placed_once(host, ansible, backup):
    os.makedirs(host.path('root', 'pgdata'))
    recovered = options(host, backup, state='recovered', recovery_root=host.path('root'))
    placed = host.path('root', 'pgdata', 'backup_label')
    assert ansible('volume_restore', recovered, check=True)['changed'] and not os.path.exists(placed)
    result = ansible('volume_restore', recovered)
    assert result['changed'] and result['placed'] == [placed] and open(placed).read() == 'label'
    again = ansible('volume_restore', recovered)
    assert not again['changed'] and again['placed'] == []


def test_recovery_files_are_placed_for_one_volume(host, ansible, backup):
    both = [dict(volume='d1'), dict(volume='d2')]
    assert ansible('volume_restore', options(host, backup, state='recovered', recovery_root=host.path('root'), volumes=both))['failed']
