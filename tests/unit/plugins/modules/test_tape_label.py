# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from tapes import Drive


@pytest.fixture
def drive(host):
    return Drive(host)


@pytest.fixture
def label(host, ansible, drive):
    """label(check=False, **options) runs the module."""
    return lambda check=False, **options: ansible('tape_label', dict(dict(device=drive.device, state_dir=host.state), **options), check)


def test_a_new_tape_gets_a_label_once(drive, label):
    wanted = dict(state='present', label='HOME-07', overwrite='unlabelled')
    predicted = label(check=True, **wanted)
    assert predicted['changed'] and drive.read()['files'] == 0
    first = label(**wanted)
    assert first['changed'] and first['before']['label'] is None and first['after']['label'] == 'HOME-07'
    assert [command['argv'] for command in first['commands']] == [command['argv'] for command in predicted['commands']]
    again = label(**wanted)
    assert not again['changed'] and again['after'] == first['after'] and again['commands'] == []
    assert label()['before'] == first['after']


@pytest.mark.parametrize('content, overwrite, found', [
    (None, None, 'no label'), (b'somebody else', None, 'no label'), (b'somebody else', 'HOME-07', 'no label'),
    ('HOME-08', 'unlabelled', 'the label HOME-08'), ('HOME-08', None, 'the label HOME-08'), ('HOME-08', 'HOME-07', 'the label HOME-08')])
def test_nothing_is_lost_unless_it_was_named(drive, label, content, overwrite, found):
    if content == 'HOME-08':
        label(state='present', label=content, overwrite='unlabelled')
    elif content:
        drive.file(0, content)
    before = drive.read()['files'] and drive.file(0)
    for check in (True, False):
        result = label(check, state='present', label='HOME-07', overwrite=overwrite)
        assert result['failed'] and result['found'] == found and 'would be lost' in result['msg']
    assert (drive.read()['files'] and drive.file(0)) == before


def test_a_tape_can_get_another_name(drive, label):
    label(state='present', label='HOME-07', overwrite='unlabelled')
    drive.file(1, b'image')
    result = label(state='present', label='DB-01', overwrite='HOME-07')
    assert result['changed'] and (result['before']['label'], result['after']['label']) == ('HOME-07', 'DB-01')
    assert drive.read()['files'] == 1


def test_reading_changes_nothing(drive, label):
    result = label()
    assert not result['changed'] and result['before'] == result['after'] == dict(label=None, serial=None, written=None)
    drive.set(trouble='no tape loaded or drive offline')
    assert 'There is no tape' in label()['msg']
