# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small files that are either whole or not there, also after a crash."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import io
import json
import os


def native(value):
    """A decoded JSON value whose texts are of type str also in CPython 2, whose commands take no other beyond ASCII."""
    if isinstance(value, dict):
        return dict((native(key), native(item)) for key, item in value.items())
    if isinstance(value, list):
        return [native(item) for item in value]
    if str is bytes and isinstance(value, type(u'')):
        return value.encode('utf-8')
    return value


def read_json(path):
    """The decoded file, or None where there is none."""
    try:
        with io.open(path, encoding='utf-8') as source:
            return native(json.load(source))
    except (IOError, OSError) as error:
        if error.errno == errno.ENOENT:
            return None
        raise


def write_json(path, value, mode=0o600):
    write(path, json.dumps(value, indent=1, sort_keys=True) + '\n', mode)


def write(path, content, mode=0o600):
    """Replace path by content in one step that is on the disk when this returns."""
    temporary = '%s.%d.tmp' % (path, os.getpid())
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        data = content if isinstance(content, bytes) else content.encode('utf-8')
        while data:
            data = data[os.write(fd, data):]
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(temporary, path)
    sync_directory(os.path.dirname(path))


def sync_directory(path):
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        # Some file systems have nothing to do for a directory and say so.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(fd)


def make_private(path):
    """Make a directory that only its owner can enter, and so each parent that is missing."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        make_private(parent)
    try:
        os.mkdir(path, 0o700)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
