# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _destination, _hold, _job
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

OWNER = dict(kind='backup', run='20261120T031500Z-a1b2c3', name='home1')


@pytest.mark.parametrize('device, drive', [
    ('/dev/nst0', '/dev/st0'), ('/dev/st0', '/dev/st0'), ('/dev/nst12a', '/dev/st12'), ('/dev/st1', '/dev/st1'),
    ('/dev/rmt/9n', '/dev/rmt/9n')])
def test_a_drive_has_one_name(device, drive):
    assert _hold.drive_of(device) == drive


def test_all_names_of_a_drive_on_solaris_are_one(host, monkeypatch):
    minor = {'0': ':', '0n': ':n', '0cbn': ':cbn', '1n': None}
    monkeypatch.setattr(os.path, 'realpath', lambda path: '/devices/pci@0/st@%s,0%s' % (
        (4, minor[os.path.basename(path)]) if minor[os.path.basename(path)] else (5, ':n')))
    assert len(set(_hold.drive_of('/dev/rmt/' + name) for name in ('0', '0n', '0cbn'))) == 1
    assert _hold.drive_of('/dev/rmt/0n') != _hold.drive_of('/dev/rmt/1n')


def hold_elsewhere(host, what):
    """Another process that holds what until the returned descriptor is closed or it is killed: (pid, descriptor)."""
    ready, told = os.pipe()
    wait, end = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(end)
            with _hold.held(host.state, what, OWNER):
                os.write(told, b'x')
                os.read(wait, 1)
        finally:
            os._exit(0)
    os.close(wait)
    assert os.read(ready, 1) == b'x'
    return pid, end


def test_who_has_it_is_named_and_the_dead_hold_nothing(host):
    pid, end = hold_elsewhere(host, '/dev/st0')
    with pytest.raises(Refused) as caught:
        with _hold.held(host.state, '/dev/st0', OWNER):
            pass
    for word in ('/dev/st0 is in use', 'backup %(run)s of set %(name)s' % OWNER, 'process %d' % pid, 'snapbackup_takeover'):
        assert word in str(caught.value)
    with _hold.held(host.state, '/dev/st1', OWNER), _hold.held(host.state, None, OWNER):
        pass
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(end)
    with _hold.held(host.state, '/dev/st0', OWNER):
        pass


def test_it_is_given_back(host):
    pid, end = hold_elsewhere(host, '/dev/st0')
    os.close(end)
    os.waitpid(pid, 0)
    for dummy in range(2):
        with _hold.held(host.state, '/dev/st0', OWNER):
            pass


def test_what_a_destination_keeps_others_from(host):
    def place(path, tape=None):
        return _destination.Destination(path, 'home1', 'R', ['d1'], tape).exclusive
    tape = _destination.Tape('HOME-07', 'append', 32768, host.backup)
    os.symlink(host.backup, host.path('link'))
    assert place(host.backup) is None
    assert place(host.path('link', 'x.img')) == host.path('backup', 'x.img')
    assert place('/dev/nst0', tape) == '/dev/st0'


def test_two_runs_are_kept_off_one_file(host):
    first, second = host.record(host.volume('d1'), name='one'), host.record(host.volume('d2'), name='two')
    image = host.path('backup', 'x.img')
    host.store(first, destination=image, method='command', argv=['/bin/sh', '-c', 'while :; do echo x; sleep 0.1; done'])
    host.wait_for(lambda: _job.status(first), lambda now: now['bytes'] > 0)
    host.store(second, destination=image)
    now = host.ended(second)
    assert now['state'] == _job.FAILED and first.run in now['error'] and 'of set one' in now['error']
    _job.stop(first)
    host.store(second, destination=image, restart=True)
    assert host.ended(second)['state'] == _job.COMPLETE
