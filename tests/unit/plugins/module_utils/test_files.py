# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small files: whole or not there."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import stat

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files


def test_json_and_back(tmpdir):
    path = str(tmpdir.join('file'))
    value = {u'caf\xe9': [1, None, 2.5, True, u'\u20ac']}
    _files.write_json(path, value)
    # Texts come back as str, which in CPython 2 are bytes.
    assert _files.read_json(path) == _files.native(value)
    assert [type(key) for key in _files.read_json(path)] == [str]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(str(tmpdir)) == ['file']


def test_no_file_is_none(tmpdir):
    assert _files.read_json(str(tmpdir.join('none'))) is None


def test_a_file_that_is_no_file_is_an_error(tmpdir):
    with pytest.raises((IOError, OSError)):
        _files.read_json(str(tmpdir))


@pytest.mark.parametrize('content, stored', [(b'\xff\x00', b'\xff\x00'), (u'caf\xe9', b'caf\xc3\xa9'), ('', b'')])
def test_contents(tmpdir, content, stored):
    _files.write(str(tmpdir.join('file')), content, 0o640)
    assert tmpdir.join('file').read('rb') == stored


def test_a_short_write_is_continued(tmpdir, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, 'write', lambda fd, data: write(fd, data[:3]))
    _files.write(str(tmpdir.join('file')), '0123456789')
    monkeypatch.undo()
    assert tmpdir.join('file').read() == '0123456789'


def test_a_full_disk_leaves_the_old_file(tmpdir, monkeypatch):
    tmpdir.join('file').write('old')

    def full(fd, data):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'write', full)
    with pytest.raises(OSError):
        _files.write(str(tmpdir.join('file')), 'new')
    monkeypatch.undo()
    assert tmpdir.join('file').read() == 'old'


def test_the_content_is_on_the_disk_before_it_has_its_name(tmpdir, monkeypatch):
    order = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, 'fsync', lambda fd: (order.append('fsync'), fsync(fd)))
    monkeypatch.setattr(os, 'rename', lambda old, new: (order.append('rename'), rename(old, new)))
    _files.write(str(tmpdir.join('file')), 'x')
    assert order == ['fsync', 'rename', 'fsync']


def test_make_private(tmpdir):
    path = str(tmpdir.join('a', 'b'))
    before = os.umask(0)
    try:
        _files.make_private(path)
        _files.make_private(path)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(os.stat(str(tmpdir.join(*names))).st_mode) for names in (('a',), ('a', 'b'))] == [0o700, 0o700]
