# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of platform differences."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import Mount

from scripted import Script, answer, tools


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    monkeypatch.setattr(_platform, 'MNTTAB', str(tmpdir.join('mnttab')))
    monkeypatch.setattr(_platform, 'TOOL_DIRS', tools(tmpdir, 'mount', 'umount', 'fsck', 'kstat'))
    tmpdir.join('mnttab').write('/dev/md/dsk/d1\t/home 1\tufs\trw,logging\t1795000000\nshort line\n/proc\t/proc\tproc\tdev=1\t1\n')
    return tmpdir


@pytest.fixture
def linux(tmpdir, monkeypatch):
    monkeypatch.setattr(_platform, 'MNTTAB', '/nonexistent')
    monkeypatch.setattr(_platform, 'PROC_MOUNTS', str(tmpdir.join('mounts')))
    monkeypatch.setattr(_platform, 'TOOL_DIRS', tools(tmpdir, 'mount', 'umount', 'fsck', 'xfs_repair'))
    tmpdir.join('mounts').write('/dev/sda1 / ext4 rw 0 0\n/dev/sdb /a\\040b\\134040 xfs rw,noatime 0 0\n/dev/sdc / xfs rw 0 0\n')
    return tmpdir


def test_find(tmpdir, monkeypatch):
    first, second = tmpdir.mkdir('first'), tmpdir.mkdir('second')
    first.join('plain').write('')
    first.mkdir('directory')
    tools(first, 'both')
    tools(second, 'both', 'plain', 'directory')
    monkeypatch.setattr(_platform, 'TOOL_DIRS', (str(first), str(second)))
    assert _platform.find('both') == str(first.join('both'))
    assert _platform.find('directory') == str(second.join('directory'))
    assert _platform.find('none') is None
    assert _platform.need('both') == str(first.join('both'))
    with pytest.raises(Refused) as caught:
        _platform.need('none')
    assert caught.value.facts['object'] == 'none'


def test_what_is_not_executable_is_not_found(tmpdir, monkeypatch):
    tmpdir.join('plain').write('')
    monkeypatch.setattr(_platform, 'TOOL_DIRS', (str(tmpdir),))
    assert _platform.find('plain') is None


def test_the_clock():
    before = _platform.monotonic()
    time.sleep(0.05)
    assert 0.05 <= _platform.monotonic() - before < 2
    with open('/proc/uptime') as uptime:
        assert abs(float(uptime.read().split()[0]) - _platform.monotonic()) < 60


def test_boot_identity_of_solaris(solaris):
    asked = 'kstat -p unix:0:system_misc:boot_time'
    assert _platform.boot_identity(Script({asked: 'unix:0:system_misc:boot_time\t1795000000\n'})) == '1795000000'
    for said in ('', 'unix:0:system_misc:boot_time\n', 'x\tnever\n', 'x 1 2\n'):
        with pytest.raises(Refused):
            _platform.boot_identity(Script({asked: said}))
    with pytest.raises(CommandFailed):
        _platform.boot_identity(Script({asked: answer('x\t1\n', rc=1)}))


def test_boot_identity_of_linux(linux):
    assert len(_platform.boot_identity(Runner())) == 36


def test_mounts_of_solaris(solaris):
    assert _platform.mounts() == [Mount('/dev/md/dsk/d1', '/home 1', 'ufs', 'rw,logging'), Mount('/proc', '/proc', 'proc', 'dev=1')]


def test_mounts_of_linux(linux):
    found = _platform.mounts()
    assert found[0] == Mount('/dev/sda1', '/', 'ext4', 'rw') and len(found) == 3
    assert found[1].fstype == 'xfs'


def test_escapes_in_the_mount_table_are_undone_once(linux):
    """A name with a backslash before 040 is no blank."""
    assert _platform.mounts()[1].point == '/a b\\040'


def test_the_last_mount_is_the_visible_one(linux):
    assert _platform.mount_at('/').device == '/dev/sdc' and _platform.mount_at('/none') is None


def words(argv):
    return ' '.join(argv[1:])


def test_commands_of_solaris(solaris):
    assert words(_platform.mount_argv('/dev/md/dsk/d3', '/mnt', 'ufs')) == '-F ufs -o ro /dev/md/dsk/d3 /mnt'
    assert words(_platform.check_argv('/dev/md/rdsk/d3', 'ufs')) == '-F ufs -m /dev/md/rdsk/d3'
    assert words(_platform.umount_argv('/mnt')) == '/mnt'


@pytest.mark.parametrize('fstype, options',
                         [('xfs', 'ro,norecovery,nouuid'), ('ext4', 'ro,noload'), ('ext3', 'ro,noload'), ('btrfs', 'ro')])
def test_mounting_on_linux(linux, fstype, options):
    assert words(_platform.mount_argv('/dev/sdb', '/mnt', fstype)) == '-t %s -o %s /dev/sdb /mnt' % (fstype, options)


def test_checking_on_linux(linux):
    assert words(_platform.check_argv('/dev/sdb', 'ext4')) == '-t ext4 -n /dev/sdb'
    assert _platform.check_argv('/dev/sdb', 'xfs')[0].endswith('xfs_repair')
    assert words(_platform.check_argv('/dev/sdb', 'xfs')) == '-n /dev/sdb'
