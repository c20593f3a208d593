# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import copy
import json

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _manifest
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

RECORD = dict(run='20261120T031500Z-a1b2c3', name='home1', manager='svm', host='node1', verdict='filesystem', window={'seconds': 0.2},
              layout={'metastat -p': 'd1 -m d2 d3 1\n'}, proof=[{'argv': ['/usr/sbin/metastat', '-t', 'd1'], 'match': 'x'}])
IMAGE = dict(volume='d1', method='dd', file='d1.img', bytes=1024, sha256='a' * 64, source='/dev/md/rdsk/d3', volume_bytes=1024,
             stored_bytes=1024, stored_sha256='a' * 64, compression=None, encryption=None, tape=None, dump=None,
             original='/dev/md/rdsk/d1', filesystem='/home1', fstype='ufs', level=None, commands=[['/usr/bin/dd', 'if=/dev/md/rdsk/d3']])
TAPE = dict(device='/dev/rmt/0n', label='HOME-07', serial='0123456789abcdef', file=3, block=32768)
RECOVERY = dict(driver='postgresql', volume='d1', directory='pgdata',
                files=[dict(file='recovery/postgresql-0/backup_label', place='backup_label', sha256='b' * 64, mode='0600')])


@pytest.fixture
def manifest():
    return _manifest.build(RECORD, [copy.deepcopy(IMAGE)], [copy.deepcopy(RECOVERY)])


def written(tmpdir, manifest):
    path = str(tmpdir.join('manifest.json'))
    with open(path, 'w') as target:
        json.dump(manifest, target)
    return path


def test_what_was_built_can_be_read(tmpdir, manifest):
    read = _manifest.read(written(tmpdir, manifest))
    assert read == manifest
    assert read['complete'] is True and read['proof'][0]['held'] is True
    assert _manifest.image_of(read, 'd1') == IMAGE and _manifest.image_of(read, 'd9') is None
    assert _manifest.file_of(str(tmpdir.join('manifest.json')), IMAGE) == str(tmpdir.join('d1.img'))


def test_an_image_that_the_tool_keeps_has_no_file(tmpdir, manifest):
    manifest['images'][0].update(method='command', file=None, bytes=None, sha256=None)
    assert _manifest.read(written(tmpdir, manifest)) == manifest


def test_an_image_on_a_tape_has_no_file(tmpdir, manifest):
    manifest['images'][0].update(file=None, tape=dict(TAPE), compression='gzip', stored_bytes=77)
    assert _manifest.read(written(tmpdir, manifest)) == manifest
    for key, value in (('file', 0), ('block', 0), ('label', None), ('serial', 7), ('device', None)):
        manifest['images'][0]['tape'] = dict(TAPE, **{key: value})
        with pytest.raises(Refused):
            _manifest.read(written(tmpdir, manifest))


def test_a_manifest_of_the_first_version_is_still_read(tmpdir, manifest):
    old = copy.deepcopy(manifest)
    old['schema'] = 'volmgr.snapbackup/manifest/1'
    for key in ('stored_bytes', 'stored_sha256', 'compression', 'encryption', 'tape', 'dump'):
        del old['images'][0][key]
    assert _manifest.read(written(tmpdir, old)) == manifest
    old['images'] = None
    with pytest.raises(Refused):
        _manifest.read(written(tmpdir, old))


@pytest.mark.parametrize('key', sorted(_manifest.KEYS))
def test_every_key_is_needed(tmpdir, manifest, key):
    del manifest[key]
    with pytest.raises(Refused):
        _manifest.read(written(tmpdir, manifest))


@pytest.mark.parametrize('key', sorted(_manifest.IMAGE_KEYS))
def test_every_key_of_an_image_is_needed(tmpdir, manifest, key):
    del manifest['images'][0][key]
    with pytest.raises(Refused):
        _manifest.read(written(tmpdir, manifest))


@pytest.mark.parametrize('where, key, value', [
    ((), 'complete', False), ((), 'complete', 1), ((), 'images', {}), ((), 'run', 7), ((), 'images', [IMAGE, IMAGE]),
    ((), 'images', ['d1']),
    (('images', 0), 'bytes', '1024'), (('images', 0), 'bytes', True), (('images', 0), 'bytes', -1), (('images', 0), 'bytes', None),
    (('images', 0), 'sha256', 'a' * 63), (('images', 0), 'sha256', None), (('images', 0), 'volume_bytes', 2048),
    (('images', 0), 'stored_bytes', None), (('images', 0), 'stored_sha256', 'x'), (('images', 0), 'compression', 'rar'),
    (('images', 0), 'encryption', 'rot13'), (('images', 0), 'tape', TAPE), (('images', 0), 'dump', dict(date='today')),
    (('images', 0), 'method', 'rsync'), (('images', 0), 'file', '/etc/passwd'), (('images', 0), 'file', '../d1.img'),
    (('images', 0), 'file', ''), (('images', 0), 'file', None),
    (('recovery', 0), 'directory', '/pgdata'), (('recovery', 0), 'files', None),
    (('recovery', 0, 'files', 0), 'place', 'pg_wal/../../../etc/shadow'), (('recovery', 0, 'files', 0), 'file', '/etc/shadow'),
])
def test_a_manifest_with_a_wrong_value_is_refused(tmpdir, manifest, where, key, value):
    part = manifest
    for step in where:
        part = part[step]
    part[key] = value
    with pytest.raises(Refused):
        _manifest.read(written(tmpdir, manifest))


def test_an_unknown_version_is_refused_by_name(tmpdir, manifest):
    manifest['schema'] = 'volmgr.snapbackup/manifest/3'
    with pytest.raises(Refused) as caught:
        _manifest.read(written(tmpdir, manifest))
    assert 'version' in str(caught.value) and 'manifest/3' in str(caught.value)


@pytest.mark.parametrize('content', ['', '{', '[]', '7', '{"schema": "somebody/else/1"}', '{"schema": null}'])
def test_what_is_no_manifest_is_refused(tmpdir, content):
    path = str(tmpdir.join('manifest.json'))
    with open(path, 'w') as target:
        target.write(content)
    with pytest.raises(Refused):
        _manifest.read(path)


def test_without_a_manifest_nothing_is_complete(tmpdir):
    with pytest.raises(Refused) as caught:
        _manifest.read(str(tmpdir.join('manifest.json')))
    assert 'no complete image' in str(caught.value)
