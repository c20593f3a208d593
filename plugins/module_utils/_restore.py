# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restoring stored images: what goes onto what, and the job that verifies, writes and compares."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import fcntl
import os
import stat

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _manifest, _platform, _run, _store, _target
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import BLOCK, IN, OUT, Copier, OutputFailed

# ioctl of Linux block devices: drop what is cached, so that the comparison reads the medium.
BLKFLSBUF = 0x1261
# What a pipe gives at a time, gathered to whole blocks: a raw device takes only whole sectors (dd(1M)).
PIPE_BLOCK = 65536


# What is going to be done.

def plan(path, manifest, volumes, command=None, run=''):
    """What to do for each of volumes ([{"volume", "target", "bytes", "require_mount"}]) with its image of the manifest at path.

    Each is the image of the manifest, and "path" (of the image, None without a file), "target", "size", "require_mount", "argv".
    """
    steps = [_step(path, manifest, wanted, command, run) for wanted in volumes]
    for key in ('volume', 'target'):
        values = [os.path.realpath(step[key]) if key == 'target' else step[key] for step in steps]
        if len(set(values)) != len(values):
            raise Refused('The same %s is named twice.' % key, found=', '.join(sorted(values)))
    return steps


def _step(path, manifest, wanted, command, run):
    image = _manifest.image_of(manifest, wanted['volume'])
    if image is None:
        raise Refused('The manifest %s has no image of %s.' % (path, wanted['volume']), object=wanted['volume'],
                      found=', '.join(sorted(item['volume'] for item in manifest['images'])))
    if image['method'] == 'command' and not command:
        raise Refused('%s was stored by a command and needs one to be restored.' % image['volume'], object=image['volume'],
                      found=' '.join(image['commands'][0]), needed='option restore_command')
    target = wanted['target']
    argv = {'dd': lambda: [_platform.need('dd'), 'of=' + target, 'ibs=%d' % PIPE_BLOCK, 'obs=%d' % BLOCK],
            'tar': lambda: [_platform.need('tar'), 'xpf', '-'],
            'ufsdump': lambda: [_platform.need('ufsrestore'), 'rf', '-'],
            'command': lambda: _store.absolute(_store.filled_in(command, target=target, volume=image['volume'], run=run))}
    return dict(image, path=_manifest.file_of(path, image) if image['file'] else None, target=target, size=wanted.get('bytes'),
                require_mount=wanted.get('require_mount', True), argv=argv[image['method']]())


def told(manifest, steps):
    """In words: which image of when goes onto what."""
    return '; '.join('the image of %s, split from %s on %s by run %s and stored %s, goes onto %s and overwrites all that %s holds' % (
        step['volume'], step['original'] or step['source'], manifest['host'], manifest['run'], manifest['created'],
        step['target'], step['target']) for step in steps)


def refuse_unconfirmed(manifest, steps, confirm):
    """Nothing is overwritten unless confirm names exactly the volumes that are."""
    needed = sorted(step['volume'] for step in steps)
    if sorted(confirm or []) != needed:
        raise Refused('Nothing was overwritten, since it is not confirmed: %s.' % told(manifest, steps),
                      found='confirm: %s' % (', '.join(sorted(confirm or [])) or 'nothing'), needed='confirm: %s' % ', '.join(needed))


def check_images(steps):
    """Refused unless all images are there in their full size. Their sums are taken by the job."""
    for step in steps:
        if step['path'] is None:
            continue
        try:
            size = os.stat(step['path']).st_size
        except OSError as error:
            raise Refused('The image of %s is missing.' % step['volume'], object=step['volume'], found=error.strerror,
                          needed=step['path'], look='ls -l %s' % step['path'])
        if size != step['bytes']:
            raise Refused('The image of %s is damaged.' % step['volume'], object=step['volume'], found='%d bytes' % size,
                          needed='%d bytes' % step['bytes'], look='ls -l %s' % step['path'])


def check_targets(steps, runner):
    """Refused unless every target may be overwritten."""
    for step in steps:
        if step['method'] == 'dd' or (step['method'] == 'command' and not os.path.isdir(step['target'])):
            _target.check_device(step['target'], step['volume_bytes'] or 0, step['size'])
        else:
            _target.check_directory(step['target'], step['level'], step['require_mount'])
            _store.refuse_write_locked(step['target'], runner)


# The job.

def work(job):
    """Verify all images of job.spec, then write each onto its target and compare. Returns {"manifest": path}."""
    steps = job.spec['steps']
    check_images(steps)
    for step in steps:
        verify(job, step)
    # The verification may have taken hours.
    check_targets(steps, job.runner)
    for step in steps:
        refuse_ended(job)
        # So may the restore of the volumes before this one.
        check_targets([step], job.runner)
        try:
            restore(job, step)
        except Refused as error:
            error.message += (' %s is overwritten in part: it holds neither the old data nor the image, until it is restored again.'
                              % step['target'])
            raise
        job.gauge.state = 'restored'
    job.update(image=job.spec['manifest'])
    return dict(manifest=job.spec['manifest'])


def refuse_ended(job):
    """Refused if the run was closed meanwhile: nobody would know that its volumes are being overwritten."""
    record = _run.load(job.record.state_dir, job.record.run)
    if not record.is_open:
        raise Refused('The run was ended before its image was written.', object=record.run, found=record.data['result'])


def verify(job, step):
    """Refused unless the image is exactly what was stored."""
    if step['path'] is None:
        return
    gauge = job.phase(step['volume'], 'verify', step['bytes'])
    fd = os.open(step['path'], os.O_RDONLY)
    try:
        copier = Copier(None, gauge.count)
        copier.take(fd)
    finally:
        os.close(fd)
    if (copier.bytes, copier.sha256()) != (step['bytes'], step['sha256']):
        raise Refused('The image of %s is damaged; nothing was overwritten.' % step['volume'], object=step['volume'],
                      found='%d bytes, SHA-256 %s' % (copier.bytes, copier.sha256()),
                      needed='%d bytes, SHA-256 %s' % (step['bytes'], step['sha256']), look='sha256sum %s' % step['path'])
    gauge.state = 'verified'


def restore(job, step):
    gauge = job.phase(step['volume'], 'restore', step['bytes'])
    cwd = step['target'] if step['method'] in ('tar', 'ufsdump') else '/'
    if step['path'] is None:
        with job.running(step['argv'], None, cwd):
            return
    feed(job, gauge, step, cwd)
    gauge.state = 'flush'
    if step['method'] == 'dd':
        flush_device(step['target'])
        compare(job, step)
        return
    if step['method'] == 'ufsdump' and job.spec['last_level']:
        symtable = os.path.join(step['target'], _target.SYMTABLE)
        if os.path.exists(symtable):
            os.unlink(symtable)
    flush_files(job, step['target'])


def flush_files(job, target):
    """Wait until restored files are on the disk. On Solaris sync(1M) only begins to write; lockfs -f waits."""
    lockfs = _platform.find('lockfs')
    point, fstype = _store.mount_of(target)
    flush = [lockfs, '-f', point] if lockfs and fstype == 'ufs' else [_platform.need('sync')]
    job.runner.expect(flush, timeout=3600)


def feed(job, gauge, step, cwd):
    """Write the image into the tool, and make sure that it was still the verified one."""
    source = os.open(step['path'], os.O_RDONLY)
    try:
        with job.running(step['argv'], IN, cwd) as tool:
            copier = Copier(tool.pipe, gauge.count, step['bytes'])
            try:
                copier.take(source)
            except OutputFailed as error:
                if error.errno != errno.EPIPE:
                    raise Refused('%s takes no more.' % step['argv'][0], object=step['volume'], found=error.strerror)
                tool.check()
                raise Refused('%s ended before it had read the whole image.' % step['argv'][0], object=step['volume'],
                              found='%d of %d bytes' % (copier.bytes, step['bytes']), vendor=tool.said() or None)
    finally:
        os.close(source)
    if (copier.bytes, copier.sha256()) != (step['bytes'], step['sha256']):
        raise Refused('The image of %s was changed while it was being restored.' % step['volume'], object=step['volume'],
                      look='ls -l %s' % step['path'])


def flush_device(path):
    """Wait until the device has all data, and forget what is cached of it, as far as it has a cache."""
    fd = os.open(path, os.O_RDWR)
    try:
        for flush in (lambda: os.fsync(fd), lambda: fcntl.ioctl(fd, BLKFLSBUF, 0)):
            try:
                flush()
            except (IOError, OSError) as error:
                if error.errno not in (errno.EINVAL, errno.ENOTTY, getattr(errno, 'ENOTSUP', errno.EINVAL)):
                    raise Refused('The target %s did not take all data.' % path, object=path, found=error.strerror)
    finally:
        os.close(fd)


def compare(job, step):
    """Refused unless the target now holds the image."""
    gauge = job.phase(step['volume'], 'compare', step['bytes'])
    copier = Copier(None, gauge.count, step['bytes'])
    for argv in _store.dd_argvs(step['argv'][0], step['target'], step['bytes']):
        with job.running(argv, OUT) as tool:
            copier.take(tool.pipe)
    if (copier.bytes, copier.sha256()) != (step['bytes'], step['sha256']):
        raise Refused('The target %s does not hold the image after it was written.' % step['target'], object=step['target'],
                      found='SHA-256 %s' % copier.sha256(), needed='SHA-256 %s' % step['sha256'],
                      remedy='look for errors of the device, then restore again')


# Files that recovery needs beside the image.

def recovery_of(path, manifest, volume):
    """The recovery sets of a volume; Refused unless each of their files is there, undamaged."""
    sets = [entry for entry in manifest['recovery'] if entry['volume'] == volume]
    for entry in sets:
        for item in entry['files']:
            source = _manifest.file_of(path, item)
            if not os.path.isfile(source) or _store.file_sha256(source)[1] != item['sha256']:
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
    return os.path.isfile(target) and _store.file_sha256(target)[1] == sha256


def place(placement):
    """Put one file into its place, durably."""
    source, target, dummy, mode, owner = placement
    _store.copy_file(source, target, mode, owner)
