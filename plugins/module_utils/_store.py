# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Storing the copies of a run: which commands read them, where the images go, and the job that does it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import errno
import functools
import os
import re
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _manifest, _platform, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_lockfs import parse_status
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import BLOCK, OUT, Copier, OutputFailed, file_sha256
from ansible_collections.volmgr.snapbackup.plugins.module_utils._worker import no_more_stopping

SECTOR = 512
SUFFIX = {'dd': '.img', 'tar': '.tar', 'ufsdump': '.ufsdump', 'command': '.stream'}
PARTIAL = '.partial'
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ESTIMATE = re.compile(r'DUMP: Estimated ([0-9]+) blocks')


def file_name(volume):
    """The name of a volume as one part of a path (volumes of a disk set have a slash in theirs)."""
    return volume.replace('/', '_')


def mount_point(run_directory, volume):
    """Where the snapshot of a volume is mounted for reading its files."""
    return os.path.join(run_directory, 'mnt', volume)


# What is going to be run.

def dd_argvs(dd, device, size):
    """Two runs of dd that read exactly size bytes: whole blocks, then the rest in sectors; no operand beyond dd(1M) is needed."""
    if size % SECTOR:
        raise Refused('%s cannot be read in sectors.' % device, object=device, found='%d bytes' % size,
                      needed='a multiple of %d' % SECTOR)
    argvs = []
    blocks, rest = divmod(size, BLOCK)
    if blocks:
        argvs.append([dd, 'if=' + device, 'bs=%d' % BLOCK, 'count=%d' % blocks])
    if rest:
        argvs.append([dd, 'if=' + device, 'bs=%d' % SECTOR, 'skip=%d' % (blocks * BLOCK // SECTOR), 'count=%d' % (rest // SECTOR)])
    return argvs


def ufsdump_argv(ufsdump, original, device, level=0, update=False):
    """ufsdump(1M) to standard output; N enters the mirror, not the submirror, so that levels find each other."""
    return [ufsdump, '%d%sNf' % (level, 'u' if update else ''), original, '-', device]


def filled_in(argv, **values):
    """argv with {device}, {path}, {volume}, {run} and the like replaced inside its elements; nothing is ever split."""
    pattern = re.compile(r'\{(%s)\}' % '|'.join(sorted(values)))
    return [pattern.sub(lambda found: values[found.group(1)], word) for word in argv]


def absolute(argv):
    """argv with the path of its command."""
    return list(argv) if os.path.isabs(argv[0]) else [_platform.need(argv[0])] + list(argv[1:])


class Destination:
    """Where a run stores: images, recovery files and the manifest. Nothing is made here."""

    def __init__(self, path, name, run, volumes):
        """path: an existing directory (or one written with a slash at its end), else the file for the only volume."""
        self.given = path
        self.is_directory = path.endswith('/') or os.path.isdir(path)
        if self.is_directory:
            self.base = os.path.normpath(path)
            self.directory = os.path.join(self.base, name, run)
            self.manifest = os.path.join(self.directory, 'manifest.json')
            self.recovery = os.path.join(self.directory, 'recovery')
        else:
            if len(volumes) != 1:
                raise Refused('%d volumes cannot be stored in one file.' % len(volumes), object=path,
                              found='no directory %s' % path, needed='an existing directory')
            self.base = self.directory = os.path.dirname(os.path.abspath(path))
            self.manifest = path + '.manifest.json'
            self.recovery = path + '.recovery'
        # Two runs may be told the same file; neither may write into what the other is writing.
        self.partial = PARTIAL if self.is_directory else '.' + run + PARTIAL

    def image(self, volume, method):
        return os.path.join(self.directory, file_name(volume) + SUFFIX[method]) if self.is_directory else self.given


# How to read the copies. argv, output ("stream" or "none"): for name "command"; level, update: for "ufsdump".
Method = collections.namedtuple('Method', 'name argv output level update')


def plan(record, run_directory, destination, method):
    """The images of a run: what the job does for each member, in the order of the members.

    record: the data of a run record. Each is {"volume", "method", "path" (None where the tool stores itself), "partial" (its
    name until it is whole), "commands",
    "bytes" (of the stream, None where not known before), "volume_bytes", "source", "original", "filesystem", "fstype", "level"}.
    """
    paths = [destination.image(member['volume'], method.name) for member in record['members']]
    if len(set(paths)) != len(paths):
        raise Refused('Two volumes would be stored in one file.', found=', '.join(sorted(paths)))
    return [dict(_reading(member, mount_point(run_directory, member['volume']), record['run'], method),
                 path=None if method.name == 'command' and method.output == 'none' else path, partial=path + destination.partial)
            for member, path in zip(record['members'], paths)]


def _reading(member, mounted, run, method):
    device = member['device']
    image = dict(volume=member['volume'], method=method.name, bytes=None, volume_bytes=member['bytes'], source=device,
                 original=member['original'], filesystem=member['filesystem'], fstype=member['fstype'], level=None)
    if method.name == 'dd':
        image.update(commands=dd_argvs(_platform.need('dd'), device, member['bytes']), bytes=member['bytes'])
    elif method.name == 'tar':
        image.update(commands=[[_platform.need('tar'), 'cf', '-', '-C', mounted, '.']], source=mounted)
    elif method.name == 'ufsdump':
        command = ufsdump_argv(_platform.need('ufsdump'), member['original'], device, method.level, method.update)
        image.update(commands=[command], level=method.level)
    else:
        if not method.argv:
            raise Refused('There is no command to store %s with.' % member['volume'], needed='option command, a list of arguments')
        words = filled_in(method.argv, device=device, path=mounted, volume=member['volume'], run=run)
        reads_files = any('{path}' in word for word in method.argv)
        image.update(commands=[absolute(words)], source=mounted if reads_files else device)
    return image


# What is looked at before anything is touched.

def refuse_unsplit(record):
    """Only copies that were split in the window of this very run are stored, never what another run has left. record: its data."""
    if record['kind'] != 'backup' or record['closed'] is not None:
        raise Refused('Run %s stores nothing.' % record['run'], object=record['run'], needed='an open run of kind backup',
                      found='%s run of kind %s' % ('an open' if record['closed'] is None else 'a closed', record['kind']))
    if record['verdict'] in (None, 'torn'):
        raise Refused('Run %s has no consistent copies to store.' % record['run'], object=record['run'],
                      found='verdict %s' % record['verdict'], needed='copies that were split under this run',
                      remedy='split them first')
    if not record['proof']:
        raise Refused('Nothing in the record of run %s could prove that its copies are still the ones that were split.' % record['run'],
                      object=record['run'], found='no proof', needed='what the splitting module enters')


def check_source(images, run_directory):
    """Refused unless what the job will read is there: the device, or the mounted snapshot."""
    points = set(mount.point for mount in _platform.mounts())
    for image in images:
        source = image['source']
        if source == mount_point(run_directory, image['volume']):
            if source not in points:
                raise Refused('The snapshot of %s is not mounted.' % image['volume'], object=image['volume'],
                              needed='a read-only mount at %s' % source, look='the mount table',
                              remedy='mount it first (module snapshot_mount, state mounted)')
        elif not os.path.exists(source):
            raise Refused('The copy of %s cannot be read.' % image['volume'], object=image['volume'],
                          found='no device %s' % source, look='ls -lL %s' % source)


def check_destination(destination, images, members, state_dir, runner, probe=True):
    """Refused unless the images can be stored: a safe place that takes them, with room for all of them.

    probe: also write a small file there, which check mode does not.
    """
    where = destination.base
    if not os.path.isabs(destination.given):
        raise Refused('The destination %r is not an absolute path.' % destination.given, object=destination.given,
                      needed='a path that begins with /')
    if not (destination.is_directory or os.path.lexists(destination.given) or os.path.splitext(destination.given)[1]):
        raise Refused('The destination %s does not exist.' % destination.given, object=destination.given,
                      needed='an existing directory, or a file name with a suffix such as .img', look='ls -ld %s' % destination.given)
    if not os.path.isdir(where):
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
    if os.path.exists(destination.given) and not stat.S_ISDIR(os.stat(destination.given).st_mode):
        if not stat.S_ISREG(os.stat(destination.given).st_mode):
            raise Refused('The destination %s is a device.' % destination.given, object=destination.given,
                          needed='a directory or a file',
                          remedy='for a tape, let the tool write to it (method command, output none)')


def refuse_inside(where, state_dir):
    inside, state = os.path.realpath(where), os.path.realpath(state_dir)
    if (inside + '/').startswith(state + '/'):
        raise Refused('The destination %s lies in the state directory.' % where, object=where, found=inside,
                      needed='a place outside %s' % state)


def refuse_members(where, members):
    """A destination on a volume that is backed up would fill it, and freeze with it."""
    device = os.stat(where).st_dev
    for member in members:
        for path in (member['filesystem'], member['original'], member['device'], member['block_device']):
            if path and device in devices_of(path):
                raise Refused('The destination %s lies on volume %s, which is backed up.' % (where, member['volume']),
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
    if not destination.is_directory:
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
    if image['path'] is None or image['method'] == 'command':
        return 0
    if image['bytes'] is not None:
        return image['bytes']
    for path in (image['source'], image['filesystem']):
        if path and os.path.ismount(path):
            system = os.statvfs(path)
            return (system.f_blocks - system.f_bfree) * system.f_frsize
    return 0


# The job.

def work(job):
    """Store all images of job.spec, prove that they are of the cut, then make them complete. Returns {"manifest": path}."""
    spec = job.spec
    partials = [image['partial'] for image in spec['images'] if image['path']]
    try:
        make_directories(spec['directory'])
        stored = [store(job, image) for image in spec['images']]
        prove(job)
    except Refused as error:
        left = [path for path in partials if os.path.exists(path)]
        if left:
            error.message += ' Incomplete, and left for looking at: %s.' % ', '.join(left)
        raise
    recovery = publish(job, spec)
    # From here the image becomes complete, and stays so.
    no_more_stopping()
    manifest = _manifest.build(job.record.data, [entry(spec, image) for image in stored], recovery)
    _files.write_json(spec['manifest'], manifest)
    job.update(image=spec['manifest'])
    return dict(manifest=spec['manifest'])


def make_directories(path):
    """Make path with its parents, and their names durable."""
    if os.path.isdir(path):
        return
    make_directories(os.path.dirname(path))
    try:
        os.mkdir(path, 0o700)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
    _files.sync_directory(os.path.dirname(path))


def store(job, image):
    """Run the commands of one image into its partial file, which is on the disk when this returns. Returns image with size and sum."""
    gauge = job.phase(image['volume'], 'store', image['bytes'])
    if image['path'] is None:
        for argv in image['commands']:
            with job.running(argv, None):
                pass
        gauge.state = 'stored'
        return dict(image, bytes=None, sha256=None)
    copier = to_file(job, gauge, image)
    if image['bytes'] is not None and copier.bytes != image['bytes']:
        raise Refused('The stream of %s is too short.' % image['volume'], object=image['volume'], found='%d bytes' % copier.bytes,
                      needed='%d bytes' % image['bytes'], look='the log %s' % job.log)
    gauge.state = 'stored'
    return dict(image, bytes=copier.bytes, sha256=copier.sha256())


def to_file(job, gauge, image):
    partial = image['partial']
    output = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        copier = Copier(output, gauge.count, image['bytes'])
        for argv in image['commands']:
            with job.running(argv, OUT) as tool:
                if image['method'] == 'ufsdump':
                    job.watch_log = functools.partial(take_estimate, gauge, tool)
                copier.take(tool.pipe)
        gauge.state = 'flush'
        copier.sync()
    except OutputFailed as error:
        if error.errno in FULL:
            os.unlink(partial)
        raise Refused('The image of %s cannot be written to %s.' % (image['volume'], partial), object=image['volume'],
                      found=error.strerror, look='df -k %s' % os.path.dirname(partial),
                      remedy='make room' if error.errno in FULL else None)
    finally:
        job.watch_log = None
        os.close(output)
    return copier


def take_estimate(gauge, tool):
    """ufsdump says itself how long its stream will be; that is its total."""
    if gauge.total is None:
        found = ESTIMATE.search(tool.said())
        if found:
            gauge.total = int(found.group(1)) * SECTOR


def prove(job):
    """Refused unless what was read is still the cut of this run: same boot, run still open, and every proof of the record holds."""
    record = _run.load(job.record.state_dir, job.record.run)
    if not record.is_open:
        raise Refused('The run was ended while its copy was being stored.', object=record.run, found=record.data['result'])
    boot = _platform.boot_identity(job.runner)
    if boot != record.data['boot']:
        raise Refused('The host was booted after the split; the copy is not of this run any more.', object=record.run,
                      found='boot %s' % boot, needed='boot %s' % record.data['boot'])
    for clause in record.data['proof']:
        result = job.runner(clause['argv'], timeout=300)
        if result.rc is None or not re.search(clause['match'], result.out, re.MULTILINE):
            raise Refused('The copy is not proved to be still the one that was split; it must not be used.', object=record.run,
                          found=result.out.strip()[-500:] or 'no answer', vendor=result.err.strip()[-500:] or None,
                          needed='an answer that matches %s' % clause['match'], look=' '.join(clause['argv']))


def publish(job, spec):
    """Give the images their names and copy the recovery files beside them, durably. Returns the recovery sets for the manifest."""
    for image in spec['images']:
        if image['path']:
            name_image(image)
    recovery = [copy_set(spec, number, found) for number, found in enumerate(job.record.data['recovery'])]
    _files.sync_directory(spec['directory'])
    return recovery


def name_image(image):
    """Give a whole image its name. In the run's own directory nobody else has it; elsewhere it may have been taken meanwhile."""
    if image['partial'] != image['path'] + PARTIAL:
        try:
            os.close(os.open(image['path'], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise Refused('The image cannot be named %s.' % image['path'], object=image['path'], found=error.strerror,
                          needed='a name that nobody has taken', look='ls -l %s*' % image['path'],
                          remedy='the image itself is whole: %s' % image['partial'])
    os.rename(image['partial'], image['path'])


def copy_set(spec, number, found):
    below = os.path.join(spec['recovery'], '%s-%d' % (found['driver'], number))
    files = []
    for item in found['files']:
        target = os.path.join(below, item['place'])
        make_directories(os.path.dirname(target))
        copy_file(item['source'], target, 0o600)
        files.append(dict(file=os.path.relpath(target, spec['directory']), place=item['place'], sha256=file_sha256(target)[1],
                          mode='%04o' % stat.S_IMODE(os.stat(item['source']).st_mode)))
    return dict(driver=found['driver'], volume=found['volume'], directory=found['directory'], files=files)


def copy_file(source, target, mode, owner=None):
    """Copy a file so that target is either the old one or the whole new one, and on the disk. owner: (uid, gid)."""
    temporary = '%s.%d.tmp' % (target, os.getpid())
    with open(source, 'rb') as reader:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            copier = Copier(fd, lambda size: None)
            copier.take(reader.fileno())
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


def entry(spec, image):
    """An image as the manifest has it: the file relative to the manifest."""
    shown = dict((key, image[key]) for key in _manifest.IMAGE_KEYS if key != 'file')
    shown['file'] = os.path.relpath(image['path'], spec['directory']) if image['path'] else None
    return shown
