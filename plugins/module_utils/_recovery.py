# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files that the recovery of an application needs beside the image: stored with it, and put into their place after a restore."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import base64
import os
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _destination, _files, _manifest
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import Copier, file_sha256, writer


def copy_set(below, base, number, found):
    """Copy a recovery set of the run record into a directory below, durably, and return it as the manifest has it.

    base: the directory that the manifest is in.
    """
    below = os.path.join(below, '%s-%d' % (found['driver'], number))
    files = []
    for item in found['files']:
        target = os.path.join(below, item['place'])
        _destination.make_directories(os.path.dirname(target))
        copy_file(item['source'], target, 0o600)
        files.append(dict(file=os.path.relpath(target, base), place=item['place'], sha256=file_sha256(target)[1],
                          mode='%04o' % stat.S_IMODE(os.stat(item['source']).st_mode)))
    return dict(driver=found['driver'], volume=found['volume'], directory=found['directory'], files=files)


def received(directory, number, found):
    """Write the files of a recovery set that another host has sent into the directory of a run; the set for its record.

    found: a recovery set of that host's record, whose files have their content in "content", Base64.
    """
    base = os.path.join(directory, 'recovery', '%s-%d' % (found['driver'], number))
    files = []
    for item in found['files']:
        _destination.make_directories(base)
        target = below(base, base, item['place'])
        _destination.make_directories(os.path.dirname(target))
        _files.write(target, base64.b64decode(item['content']))
        files.append(dict(source=target, place=item['place']))
    return dict(driver=found['driver'], volume=found['volume'], directory=found['directory'], files=files)


def copy_file(source, target, mode, owner=None):
    """Copy a file so that target is either the old one or the whole new one, and on the disk. owner: (uid, gid)."""
    temporary = '%s.%d.tmp' % (target, os.getpid())
    with open(source, 'rb') as reader:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            Copier(writer(fd)).take(reader.fileno())
            if owner:
                os.fchown(fd, *owner)
            os.fchmod(fd, mode)
            os.fsync(fd)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
    os.rename(temporary, target)
    _files.sync_directory(os.path.dirname(target))


def recovery_of(path, manifest, volume):
    """The recovery sets of a volume; Refused unless each of their files is there, undamaged."""
    sets = [entry for entry in manifest['recovery'] if entry['volume'] == volume]
    for entry in sets:
        for item in entry['files']:
            source = _manifest.file_of(path, item)
            if not os.path.isfile(source) or file_sha256(source)[1] != item['sha256']:
                raise Refused('The recovery file %s is missing or damaged.' % item['place'], object=volume, found=source,
                              needed='SHA-256 %s' % item['sha256'])
    return sets


def placements(path, sets, root):
    """Where the files of recovery sets go below root, as [(source, target, sha256, mode, (uid, gid))].

    Owner and permissions are those of the data directory. Refused where a path would leave root.
    """
    found = []
    for entry in sets:
        directory = below(root, root, entry['directory'])
        if not os.path.isdir(directory):
            raise Refused('The image has no directory %s.' % entry['directory'], object=directory,
                          needed='the restored file system at %s' % root)
        owner = os.stat(directory)
        for item in entry['files']:
            target = below(root, directory, item['place'])
            if not os.path.isdir(os.path.dirname(target)):
                raise Refused('The image has no directory for %s.' % item['place'], object=target)
            found.append((_manifest.file_of(path, item), target, item['sha256'], stat.S_IMODE(owner.st_mode) & 0o666,
                          (owner.st_uid, owner.st_gid)))
    return found


def below(root, directory, name):
    """directory/name; Refused if it leads out of root, by its words or through symbolic links."""
    target = os.path.join(directory, name)
    real = os.path.realpath(target)
    if '..' in name.split('/') or name.startswith('/') or not (real + '/').startswith(os.path.realpath(root).rstrip('/') + '/') \
            or os.path.islink(target):
        raise Refused('%s would be placed outside the restored file system.' % name, object=target, found=real,
                      needed='a place below %s' % root)
    return target


def is_placed(placement):
    """Whether the target holds the file already."""
    dummy, target, sha256, dummy, dummy = placement
    return os.path.isfile(target) and file_sha256(target)[1] == sha256


def place(placement):
    """Put one file into its place, durably."""
    source, target, dummy, mode, owner = placement
    copy_file(source, target, mode, owner)
