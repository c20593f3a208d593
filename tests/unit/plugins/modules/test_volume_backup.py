# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os

import pytest

from tapes import Drive

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _job, _run


def options(host, record=None, **more):
    return dict(dict(run=record.run if record else '<run>', state_dir=host.state, destination=host.backup), **more)


def ended(host, ansible, record):
    return host.wait_for(lambda: ansible('volume_backup', options(host, record, state='read')), lambda result: not result['in_progress'])


def test_a_backup_from_start_to_end(host, ansible):
    record = host.record()
    started = ansible('volume_backup', options(host, record))
    assert started['changed'] and not started.get('failed')
    assert started['before'] == dict(started=False) and started['after']['started']
    last = ended(host, ansible, record)
    assert last['job']['state'] == 'complete' and not last['changed']
    assert last['job']['manifest'] == started['after']['manifest']
    assert last['progress'][0]['object'] == 'd1' and last['progress'][0]['percent'] == 100
    again = ansible('volume_backup', options(host, record))
    assert not again['changed'] and again['job']['state'] == 'complete' and again['commands'] == []


def test_check_mode_tells_the_commands_that_would_be_run(host, ansible):
    record = host.record()
    predicted = ansible('volume_backup', options(host, record), check=True)
    assert predicted['changed'] and _job.status(record)['state'] == 'absent' and os.listdir(host.backup) == []
    real = ansible('volume_backup', options(host, record))
    assert predicted['commands'] == real['commands'] and len(real['commands']) == 2
    assert predicted['diff'] == real['diff']
    lines = real['diff']['prepared'].splitlines()
    assert [line.strip() for line in lines[1:]] == [' '.join(command['argv']) for command in real['commands']]


def test_check_mode_before_there_is_a_run(host, ansible):
    member = dict(volume='d1', device='/dev/md/rdsk/d3', bytes=1048576, original='/dev/md/rdsk/d1')
    command = ['/opt/x', '{run}', '{device}', '{path}']
    result = ansible('volume_backup', options(host, members=[member], method='command', command=command), check=True)
    assert [command['argv'] for command in result['commands']] == [
        ['/opt/x', '<run>', '/dev/md/rdsk/d3', os.path.join(host.state, 'runs', '<run>', 'mnt', 'd1')]]
    assert result['changed'] and not os.path.exists(host.state)


def test_the_checks_can_be_made_before_there_is_a_run(host, ansible):
    member = dict(volume='d1', device='/dev/md/rdsk/d3', bytes=1048576)
    assert ansible('volume_backup', options(host, members=[member], state='checked'))['changed'] is False
    full = ansible('volume_backup', options(host, members=[dict(member, bytes=2 ** 60)], state='checked'))
    assert full['failed'] and 'no room' in full['msg'] and full['needed'] == '%d bytes' % 2 ** 60
    assert os.listdir(host.backup) == []


def test_a_failed_job_is_told_and_started_again_only_on_request(host, ansible):
    record = host.record()
    ansible('volume_backup', options(host, record, method='command', command=['/bin/sh', '-c', 'echo tape is full >&2; exit 4']))
    assert ended(host, ansible, record)['job']['state'] == 'failed'
    for check in (True, False):
        again = ansible('volume_backup', options(host, record), check=check)
        assert again['failed'] and 'tape is full' in again['msg'] and 'restart=true' in again['remedy']
    assert ansible('volume_backup', options(host, record, restart=True))['changed']
    assert ended(host, ansible, record)['job']['state'] == 'complete'


def test_a_job_can_be_stopped_once(host, ansible):
    record = host.record()
    ansible('volume_backup', options(host, record, method='command', command=['/bin/sh', '-c', 'while :; do echo x; sleep 0.1; done']))
    stop = options(host, record, state='stopped')
    assert ansible('volume_backup', stop, check=True)['changed'] and _job.status(record)['state'] == 'running'
    stopped = ansible('volume_backup', stop)
    assert stopped['changed'] and stopped['job']['state'] == 'failed' and not stopped['in_progress']
    assert not ansible('volume_backup', stop)['changed']


def test_secrets_are_not_returned(host, ansible):
    record = host.record()
    secret = 'correct horse battery staple'
    result = ansible('volume_backup', options(host, record, method='command', command=['/usr/bin/env'], environment={'PASSWORD': secret}))
    assert result['changed'] and secret not in json.dumps(result)
    assert secret not in json.dumps(ended(host, ansible, record))


def test_nothing_is_started_when_the_destination_is_bad(host, ansible):
    record = host.record()
    result = ansible('volume_backup', options(host, record, destination=host.path('nowhere/')))
    assert result['failed'] and 'does not exist' in result['msg']
    assert _job.status(record)['state'] == 'absent' and _run.load(host.state, record.run).data['job'] is None


@pytest.mark.parametrize('method, key', [('dd', 'bytes'), ('dd', 'device'), ('ufsdump', 'original'), ('tar', 'volume')])
def test_what_must_be_known_of_a_volume(host, ansible, method, key):
    host.tool('ufsdump')
    member = dict(volume='d1', device='/dev/md/rdsk/d3', bytes=1048576, original='/dev/md/rdsk/d1')
    assert not ansible('volume_backup', options(host, members=[member], method=method, state='checked')).get('failed')
    del member[key]
    result = ansible('volume_backup', options(host, members=[member], method=method, state='checked'))
    assert result['failed'] and 'Needed: %s' % key in result['msg']


def test_without_volumes_nothing_is_started(host, ansible):
    assert 'no volume' in ansible('volume_backup', options(host, state='checked'), check=True)['msg']


@pytest.mark.parametrize('fields, words', [
    (dict(verdict=None), 'no consistent copies'), (dict(verdict='torn'), 'no consistent copies'), (dict(kind='restore'), 'kind restore'),
    (dict(closed=1, result='failed'), 'a closed run')])
def test_only_what_this_run_has_split_is_stored(host, ansible, fields, words):
    record = host.record(**fields)
    result = ansible('volume_backup', options(host, record))
    assert result['failed'] and words in result['msg'] and _job.status(record)['state'] == 'absent'


def test_options_that_belong_together(host, ansible):
    record = host.record()
    assert 'destination' in ansible('volume_backup', dict(run=record.run, state_dir=host.state))['msg']
    assert 'command' in ansible('volume_backup', options(host, record, method='command'))['msg']
    assert 'command' in ansible('volume_backup', options(host, record, method='command', command=[]))['msg']
    assert ansible('volume_backup', options(host, record, method='rsync'))['failed']


def test_what_an_image_passes_through_is_shown(host, ansible):
    record = host.record()
    how = options(host, record, compression='gzip', compression_level=6)
    predicted = ansible('volume_backup', how, check=True)
    assert [command['argv'][1:] for command in predicted['commands']][-1] == ['-nc', '-6']
    real = ansible('volume_backup', how)
    assert real['commands'] == predicted['commands']
    assert ended(host, ansible, record)['job']['state'] == 'complete'


@pytest.mark.parametrize('wrong, words', [
    (dict(streams=0), 'at least 1'), (dict(compression_level=3), 'compression'), (dict(encryption='age'), 'recipients'),
    (dict(compression='rar'), 'rar'), (dict(compression='gzip', compression_threads=2), 'threads'),
    (dict(update_dumpdates=True), 'dates of dumps'),
    (dict(tape=dict(label='HOME-07', position='append', manifests='/tmp'), streams=2), '1 on a tape'),
    (dict(tape=dict(label='HOME-07', manifests='/tmp')), 'position'),
    (dict(tape=dict(label='HOME-07', position='append', manifests='/tmp', block=0)), 'blocks of 0 bytes'),
    (dict(tape=dict(label='HOME-07', position='append', manifests='/tmp', block=32767)), 'blocks of 32767 bytes')])
def test_options_that_cannot_be_meant(host, ansible, wrong, words):
    result = ansible('volume_backup', options(host, host.record(), **wrong))
    assert result['failed'] and words in result['msg'], result['msg']
    assert os.listdir(host.backup) == []


@pytest.fixture
def drive(host, ansible):
    drive = Drive(host)
    ansible('tape_label', dict(device=drive.device, state_dir=host.state, state='present', label='HOME-07', overwrite='unlabelled'))
    return drive


def on_tape(host, drive, record=None, label='HOME-07', **more):
    tape = dict(label=label, position='append', manifests=host.backup)
    return options(host, record, destination=drive.device, tape=tape, **more)


def test_a_tape_is_looked_at_before_anything_is_split(host, ansible, drive):
    member = dict(volume='d1', device='/dev/md/rdsk/d3', bytes=1048576)
    assert ansible('volume_backup', on_tape(host, drive, members=[member], state='checked'))['changed'] is False
    wrong = ansible('volume_backup', on_tape(host, drive, members=[member], state='checked', label='HOME-08'))
    assert wrong['failed'] and wrong['found'] == 'the label HOME-07' and drive.read()['files'] == 1
    before = drive.read()['calls']
    assert not ansible('volume_backup', on_tape(host, drive, members=[member], state='checked', label='HOME-08'), check=True).get('failed')
    assert drive.read()['calls'] == before


def test_a_backup_on_tape_from_start_to_end(host, ansible, drive):
    record = host.record()
    started = ansible('volume_backup', on_tape(host, drive, record))
    assert started['changed'] and started['after']['manifest'].startswith(host.backup)
    assert ended(host, ansible, record)['job']['state'] == 'complete' and drive.read()['files'] == 2


def test_images_of_another_hosts_copies_are_complete_once_confirmed(host, ansible):
    record = host.record(primary='node1')
    early = ansible('volume_backup', options(host, record, state='confirmed'))
    assert early['failed'] and 'job absent' in early['msg']
    manifest = ansible('volume_backup', options(host, record))['after']['manifest']
    ended(host, ansible, record)
    assert not os.path.exists(manifest) and _run.load(host.state, record.run).data['image'] is None
    predicted = ansible('volume_backup', options(host, record, state='confirmed'), check=True)
    assert predicted['changed'] and not os.path.exists(manifest)
    assert ansible('volume_backup', options(host, record, state='confirmed'))['changed']
    assert os.path.exists(manifest) and _run.load(host.state, record.run).data['image'] == manifest
    assert not ansible('volume_backup', options(host, record, state='confirmed'))['changed']
    assert [name for name in os.listdir(os.path.dirname(manifest)) if 'unconfirmed' in name] == []
