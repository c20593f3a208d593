# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a run stores: the names of everything it writes, and what must be true of the place before anything is split."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import errno
import os
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _hold, _methods, _platform, _tape
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_lockfs import parse_status

PARTIAL = '.partial'
# What is written to a tape, and how. label: the name that the tape must carry. position: "append" or "start". block: bytes of
# a tape block. manifests: an existing directory on a disk.
Tape = collections.namedtuple('Tape', 'label position block manifests')


def file_name(volume):
    """The name of a volume as one part of a path (volumes of a disk set have a slash in theirs)."""
    return volume.replace('/', '_')


class Destination:
    """Where a run stores: images, recovery files and the manifest. Nothing is made here.

    kind is "directory", "file" or "tape"; base exists before, directory is what the paths in the manifest are relative to.
    """

    def __init__(self, path, name, run, volumes, tape=None):
        """path: an existing directory (or one written with a slash at its end), the device of a tape, else the file for the only volume."""
        self.given = path
        self.tape = tape
        # Two runs may be told the same file; neither may write into what the other is writing.
        self.partial = '.' + run + PARTIAL
        if tape is None and not (path.endswith('/') or os.path.isdir(path)):
            self._is_file(volumes)
            return
        self.kind = 'tape' if tape else 'directory'
        self.base = os.path.normpath(tape.manifests if tape else path)
        self.directory = os.path.join(self.base, name, run)
        self.manifest = os.path.join(self.directory, 'manifest.json')
        self.recovery = os.path.join(self.directory, 'recovery')
        self.partial = PARTIAL

    def _is_file(self, volumes):
        path = self.given
        if len(volumes) != 1:
            raise Refused('%d volumes cannot be stored in one file.' % len(volumes), object=path,
                          found='no directory %s' % path, needed='an existing directory')
        self.kind = 'file'
        self.base = self.directory = os.path.dirname(os.path.abspath(path))
        self.manifest = path + '.manifest.json'
        self.recovery = path + '.recovery'

    @property
    def exclusive(self):
        """What no other run may use meanwhile, or None: the directory of a run is nobody else's anyway."""
        return {'tape': _hold.drive_of, 'file': os.path.realpath, 'directory': lambda path: None}[self.kind](self.given)

    def place(self):
        """Where on the tape an image goes, as the manifest has it; serial and file are known when it is wound there."""
        return dict(device=self.given, label=self.tape.label, serial=None, file=None, block=self.tape.block) if self.tape else None

    def spec(self):
        """What the job needs to know."""
        tape = dict(device=self.given, label=self.tape.label, position=self.tape.position, tools=_tape.tools()) if self.tape else None
        return dict(directory=self.directory, manifest=self.manifest, recovery=self.recovery, exclusive=self.exclusive, tape=tape)

    def image(self, volume, method, suffix=''):
        """The path of an image; None on a tape."""
        if self.kind == 'tape':
            return None
        if self.kind == 'file':
            return self.given
        return os.path.join(self.directory, file_name(volume) + _methods.SUFFIXES[method] + suffix)


def make_directories(path):
    """Make path with its parents, and their names durable. Returns those that were not there, the innermost first."""
    if os.path.isdir(path):
        return []
    made = make_directories(os.path.dirname(path))
    try:
        os.mkdir(path, 0o700)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
        return made
    _files.sync_directory(os.path.dirname(path))
    return [path] + made


def remove_empty(directories):
    """Take away those of make_directories() that are still empty."""
    for path in directories:
        try:
            os.rmdir(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise
            return


def check_destination(destination, images, members, state_dir, runner, probe=True):
    """Refused unless the images can be stored: a safe place that takes them, with room for all of them.

    probe: also write a small file there, which check mode does not.
    """
    where = destination.base
    if not os.path.isabs(destination.given):
        raise Refused('The destination %r is not an absolute path.' % destination.given, object=destination.given,
                      needed='a path that begins with /')
    if destination.kind == 'file' and not (os.path.lexists(destination.given) or os.path.splitext(destination.given)[1]):
        raise Refused('The destination %s does not exist.' % destination.given, object=destination.given,
                      needed='an existing directory, or a file name with a suffix such as .img', look='ls -ld %s' % destination.given)
    if not (os.path.isabs(where) and os.path.isdir(where)):
        raise Refused('The destination %s does not exist.' % where, object=where, needed='an existing directory',
                      look='ls -ld %s' % where)
    refuse_device(destination)
    refuse_inside(where, state_dir)
    refuse_members(where, members)
    refuse_write_locked(where, runner)
    refuse_existing(destination, images)
    refuse_unwritable(where, probe)
    refuse_no_room(where, images)


def refuse_device(destination):
    """A device is written to as a tape only, and never by mistake."""
    if destination.tape is None and os.path.exists(destination.given):
        mode = os.stat(destination.given).st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            raise Refused('The destination %s is a device.' % destination.given, object=destination.given,
                          needed='a directory or a file', remedy='for a tape, say which one (option tape)')


def refuse_inside(where, state_dir):
    inside, state = os.path.realpath(where), os.path.realpath(state_dir)
    if (inside + '/').startswith(state + '/'):
        raise Refused('The destination %s lies in the state directory.' % where, object=where, found=inside,
                      needed='a place outside %s' % state)


def refuse_members(where, members):
    """A destination on a volume that is backed up would fill it, and freeze with it."""
    device = os.stat(where).st_dev
    for part in [part for member in members for part in [member] + member.get('soft_partitions', [])]:
        for path in [part.get(key) for key in ('filesystem', 'original', 'device', 'block_device')]:
            if path and device in devices_of(path):
                raise Refused('The destination %s lies on volume %s, which is backed up.' % (where, part['volume']),
                              object=where, found='the file system of %s' % path, needed='another file system', look='df %s' % where)


def devices_of(path):
    """The numbers under which files on path (a mount point, or a device that can be mounted) appear."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    if stat.S_ISDIR(found.st_mode):
        return (found.st_dev,) if os.path.ismount(path) else ()
    return (found.st_rdev,) if found.st_rdev else ()


def refuse_write_locked(where, runner):
    """Writing to a file system under a write lock would wait for ever (lockfs(1M))."""
    point, fstype = mount_of(where)
    lockfs = _platform.find('lockfs')
    if fstype != 'ufs' or lockfs is None:
        return
    kind, comment = parse_status(runner([lockfs, point]).out, [point])[point]
    if kind != 'unlock':
        raise Refused('%s lies on a file system that is locked.' % where, object=where,
                      found='%s lock, comment %r' % (kind, comment), needed='unlock', look='lockfs %s' % point)


def mount_of(path):
    """The mount point and type of the file system that holds path."""
    real = os.path.realpath(path)
    best = ('/', '')
    for mount in _platform.mounts():
        if (real + '/').startswith(mount.point.rstrip('/') + '/') and len(mount.point) >= len(best[0]):
            best = (mount.point, mount.fstype)
    return best


def refuse_existing(destination, images):
    """No image is overwritten. In a run's own directory only a manifest makes one: without it, they are remains of a failed try."""
    paths = [destination.manifest]
    if destination.kind == 'file':
        paths += [image['path'] for image in images if image['path']]
    for path in paths:
        if os.path.lexists(path):
            raise Refused('%s exists and is not overwritten.' % path, object=path, look='ls -l %s' % path,
                          remedy='store elsewhere, or take the old image away')


def refuse_unwritable(where, probe):
    try:
        if not os.access(where, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        if probe:
            path = os.path.join(where, '.snapbackup-%d' % os.getpid())
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            os.unlink(path)
    except OSError as error:
        raise Refused('The destination %s cannot be written to.' % where, object=where, found=error.strerror,
                      needed='write permission', look='ls -ld %s' % where)


def refuse_no_room(where, images):
    """Raw images need the size of the volumes; of files at most what the file systems hold now, where that is known."""
    needed = sum(room_for(image) for image in images)
    system = os.statvfs(where)
    free = system.f_bavail * system.f_frsize
    if needed > free:
        raise Refused('The destination %s has no room for the images.' % where, object=where, found='%d bytes free' % free,
                      needed='%d bytes' % needed, look='df -k %s' % where)


def room_for(image):
    if image['path'] is None or image['method'] == 'command' or image['compression']:
        # How small it becomes is not known before.
        return 0
    if image['bytes'] is not None:
        return image['bytes']
    for path in (image['source'], image['filesystem']):
        if path and os.path.ismount(path):
            system = os.statvfs(path)
            return (system.f_blocks - system.f_bfree) * system.f_frsize
    return 0
