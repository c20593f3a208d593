# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import shutil
import stat

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _manifest, _recovery
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused


@pytest.fixture
def cluster(host):
    """A backup with recovery files, and the restored file system they belong into."""
    sources = [host.file('label', b'label'), host.file('wal', b'log' * 1000)]
    recovery = [dict(driver='postgresql', volume='d1', directory='pg/data',
                     files=[dict(source=sources[0], place='backup_label'), dict(source=sources[1], place='pg_wal/0001')])]
    record = host.record(recovery=recovery)
    host.store(record)
    path = host.ended(record)['manifest']
    os.makedirs(host.path('root', 'pg', 'data', 'pg_wal'))
    os.chmod(host.path('root', 'pg', 'data'), 0o750)
    return path, _manifest.read(path), host.path('root')


def test_recovery_files_get_their_place_with_the_owner_of_the_data(cluster, host):
    path, manifest, root = cluster
    placements = _recovery.placements(path, _recovery.recovery_of(path, manifest, 'd1'), root)
    assert not any(_recovery.is_placed(placement) for placement in placements)
    host.file('root/pg/data/pg_wal/0001', b'what the cut has caught')
    for placement in placements:
        _recovery.place(placement)
        assert _recovery.is_placed(placement)
    assert open(host.path('root', 'pg', 'data', 'backup_label')).read() == 'label'
    found = os.stat(host.path('root', 'pg', 'data', 'pg_wal', '0001'))
    assert found.st_size == 3000 and stat.S_IMODE(found.st_mode) == 0o640
    assert sorted(os.listdir(host.path('root', 'pg', 'data'))) == ['backup_label', 'pg_wal']


@pytest.mark.skipif(os.geteuid() != 0, reason='only root gives files away')
def test_recovery_files_belong_to_the_user_of_the_cluster(cluster, host):
    path, manifest, root = cluster
    os.chown(host.path('root', 'pg', 'data'), 1234, 5678)
    for placement in _recovery.placements(path, manifest['recovery'], root):
        _recovery.place(placement)
    found = os.stat(host.path('root', 'pg', 'data', 'backup_label'))
    assert (found.st_uid, found.st_gid) == (1234, 5678)


def test_a_damaged_recovery_file_is_refused(cluster):
    path, manifest, dummy = cluster
    with open(_manifest.file_of(path, manifest['recovery'][0]['files'][1]), 'ab') as target:
        target.write(b'?')
    with pytest.raises(Refused):
        _recovery.recovery_of(path, manifest, 'd1')


def test_a_link_that_leads_out_of_the_file_system_is_not_followed(cluster, host):
    path, manifest, root = cluster
    shutil.rmtree(host.path('root', 'pg', 'data', 'pg_wal'))
    os.mkdir(host.path('elsewhere'))
    os.symlink(host.path('elsewhere'), host.path('root', 'pg', 'data', 'pg_wal'))
    with pytest.raises(Refused) as caught:
        _recovery.placements(path, manifest['recovery'], root)
    assert 'outside' in str(caught.value)


def test_a_link_in_place_of_the_file_is_not_written_through(cluster, host):
    path, manifest, root = cluster
    os.symlink(host.file('passwd', b'precious'), host.path('root', 'pg', 'data', 'backup_label'))
    with pytest.raises(Refused):
        _recovery.placements(path, manifest['recovery'], root)
    assert open(host.path('passwd')).read() == 'precious'


@pytest.mark.parametrize('name', ['../x', 'a/../../x', '/etc/x'])
def test_words_that_lead_out_are_refused(host, name):
    with pytest.raises(Refused):
        _recovery.below(host.base, host.base, name)
    assert _recovery.below('/', '/', 'etc') == '/etc'


def test_an_image_without_the_data_directory_is_refused(cluster, host):
    path, manifest, root = cluster
    shutil.rmtree(host.path('root', 'pg'))
    with pytest.raises(Refused):
        _recovery.placements(path, manifest['recovery'], root)
