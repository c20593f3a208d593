# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _methods
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused


@pytest.mark.parametrize('size, expected', [
    (512, [['bs=512', 'skip=0', 'count=1']]),
    (1048576, [['bs=1048576', 'count=1']]),
    (1048576 * 5 + 512 * 7, [['bs=1048576', 'count=5'], ['bs=512', 'skip=10240', 'count=7']]),
    (0, []),
])
def test_dd_reads_exactly_the_volume(size, expected):
    assert _methods.dd_argvs('/usr/bin/dd', '/dev/x', size) == [['/usr/bin/dd', 'if=/dev/x'] + words for words in expected]


def test_dd_needs_whole_sectors():
    with pytest.raises(Refused):
        _methods.dd_argvs('/usr/bin/dd', '/dev/x', 1000)


def image(method, **fields):
    return dict(dict(volume='d1', method=method, commands=[['/opt/vault', 'put']]), **fields)


def test_what_restores_is_a_row_of_the_same_table(host):
    for name in ('ufsrestore', 'vxrestore', 'sfxrestore'):
        host.tool(name)
    assert [_methods.writing(image(name), '/mnt', None, 'R')[1:] for name in ('ufsdump', 'vxdump', 'sfxdump')] == [
        ['rf', '-'], ['-r', '-f', '-'], ['rf', '-']]
    assert [_methods.restores_files(name) for name in ('dd', 'command', 'tar', 'ufsdump', 'vxdump', 'sfxdump')] == [False] * 2 + [True] * 4


def test_a_command_is_restored_by_a_command():
    with pytest.raises(Refused) as caught:
        _methods.writing(image('command'), '/dev/x', [], 'R')
    assert '/opt/vault put' in str(caught.value)
    assert _methods.writing(image('command'), '/dev/x', ['/opt/vault', 'get', '{volume}', '{target}'], 'R') == [
        '/opt/vault', 'get', 'd1', '/dev/x']


def test_a_level_that_was_not_dumped_with_its_volume_named_is_no_level(host):
    host.tool('ufsdump')
    member = dict(volume='d1', device='/dev/md/rdsk/d3', original='/dev/md/rdsk/d1', bytes=512, fstype='ext4')
    with pytest.raises(Refused) as caught:
        _methods.reading(member, '/mnt', 'R', _methods.Method('ufsdump', None, 'stream', 0, False))
    assert 'type ext4' in str(caught.value)
