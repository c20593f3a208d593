# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restoring stored images: what goes onto what, and the job that verifies, writes and compares."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import fcntl
import functools
import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import (
    _crew, _destination, _filters, _hold, _manifest, _methods, _platform, _run, _tape, _target)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import PIPE, Copier, OutputFailed, writer

# ioctl of Linux block devices: drop what is cached, so that the comparison reads the medium.
BLKFLSBUF = 0x1261
# Bytes of the shortest archive that tar(1) writes.
TAR_RECORD = 10240


# What is going to be done.

def plan(path, manifest, volumes, command=None, run='', tape_device=None, identity=None):
    """What to do for each of volumes ([{"volume", "target", "bytes", "require_mount", "devices"}]) with its image of the manifest at path.

    Each is the image of the manifest, and "path" (of the image, None without a file), "target", "size", "require_mount", "devices",
    "argv", "unpack" (the commands it passes through) and "tools" (of a tape). tape_device: the no-rewind device of the drive that the
    tape is in now, if not that where it was written. identity: see _filters.
    """
    steps = []
    for wanted in volumes:
        image = image_of(path, manifest, wanted['volume'])
        if image['tape'] and tape_device:
            image = dict(image, tape=dict(image['tape'], device=tape_device))
        steps.append(dict(image, path=_manifest.file_of(path, image) if image['file'] else None, target=wanted['target'],
                          size=wanted.get('bytes'), require_mount=wanted.get('require_mount', True), devices=wanted.get('devices'),
                          argv=_methods.writing(image, wanted['target'], command, run), unpack=_filters.unpack_argvs(image, identity),
                          tools=_tape.tools() if image['tape'] else None))
    refuse_twice('volume', [step['volume'] for step in steps])
    refuse_twice('target', [os.path.realpath(step['target']) for step in steps])
    return steps


def image_of(path, manifest, volume):
    """The image of a volume; Refused without one."""
    image = _manifest.image_of(manifest, volume)
    if image is None:
        raise Refused('The manifest %s has no image of %s.' % (path, volume), object=volume,
                      found=', '.join(sorted(item['volume'] for item in manifest['images'])))
    return image


def refuse_twice(key, values):
    if len(set(values)) != len(values):
        raise Refused('The same %s is named twice.' % key, found=', '.join(sorted(values)))


def drive(steps):
    """The tape drive that all of the steps need, or None."""
    return next((_hold.drive_of(step['tape']['device']) for step in steps if step['tape']), None)


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
        if size != step['stored_bytes']:
            raise Refused('The image of %s is damaged.' % step['volume'], object=step['volume'], found='%d bytes' % size,
                          needed='%d bytes' % step['stored_bytes'], look='ls -l %s' % step['path'])


def check_targets(steps, runner):
    """Refused unless every target may be overwritten."""
    for step in steps:
        if step['method'] == 'dd' or (step['method'] == 'command' and not os.path.isdir(step['target'])):
            _target.check_device(step['target'], step['volume_bytes'] or 0, step['size'])
        else:
            _target.check_directory(step['target'], step['level'], step['require_mount'], (step['dump'] or {}).get('base'),
                                    step['devices'])
            _destination.refuse_write_locked(step['target'], runner)


# The job.

def work(job):
    """Verify all images of job.spec, then write each onto its target and compare. Returns {"manifest": path}."""
    steps = job.spec['steps']
    owner = dict((key, job.record.data[key]) for key in ('kind', 'run', 'name'))
    with _hold.held(job.record.state_dir, drive(steps), owner):
        check_images(steps)
        tapes = tapes_of(job.runner, steps)
        _crew.each(steps, lambda step: verify(job, step, tapes), 1, job.kill_tools)
        # The verification may have taken hours.
        check_targets(steps, job.runner)
        _crew.each(steps, lambda step: overwrite(job, step, tapes), 1, job.kill_tools)
    job.update(image=job.spec['manifest'])
    return dict(manifest=job.spec['manifest'])


def tapes_of(runner, steps):
    """{device: Tape} of the drives that are read; Refused unless the right tape is in each."""
    tapes = {}
    for step in steps:
        if step['tape'] and step['tape']['device'] not in tapes:
            tape = tapes[step['tape']['device']] = _tape.Tape(step['tape']['device'], runner, **step['tools'])
            tape.check(step['tape']['label'], step['tape']['serial'])
    return tapes


def overwrite(job, step, tapes):
    # If it was closed meanwhile, nobody would know that its volumes are being overwritten.
    _run.load(job.record.state_dir, job.record.run).refuse_ended()
    # The restore of the volumes before this one may have taken hours too.
    check_targets([step], job.runner)
    try:
        restore(job, step, tapes)
    except Refused as error:
        error.message += (' %s is overwritten in part: it holds neither the old data nor the image, until it is restored again.'
                          % step['target'])
        raise
    job.gauge(step['volume']).state = 'restored'


def verify(job, step, tapes):
    """Refused unless the image is exactly what was stored, and becomes what was read when it is unpacked."""
    if not _manifest.is_stored(step):
        return
    gauge = job.phase(step['volume'], 'verify', step['bytes'])
    try:
        stored, raw = unpacked(job, gauge, step, tapes, None)
    except Refused as error:
        error.message = 'The image of %s cannot be read or unpacked; nothing was overwritten. %s' % (step['volume'], error.message)
        raise
    sums = [stored.facts(), raw.facts()]
    needed = [(step['stored_bytes'], step['stored_sha256']), (step['bytes'], step['sha256'])]
    for found, right in zip(sums, needed):
        if found != right:
            raise Refused('The image of %s is damaged; nothing was overwritten.' % step['volume'], object=step['volume'],
                          found='%d bytes, SHA-256 %s' % found, needed='%d bytes, SHA-256 %s' % right,
                          look='sha256sum %s' % step['path'] if step['path'] else None)
    gauge.state = 'verified'


def unpacked(job, gauge, step, tapes, write):
    """Let an image pass through what unpacks it into write. Returns the Copier of what was stored and that of what came out."""
    raw = Copier(write, gauge.count, step['bytes'])
    stored = Copier(None, gauge.touch) if step['unpack'] else raw
    _filters.convey(job, gauge, step['unpack'], functools.partial(read_image, job, gauge, step, tapes), stored, raw)
    return stored, raw


def read_image(job, gauge, step, tapes, copier):
    """Let copier take an image as it was stored."""
    if step['tape']:
        _tape.read(job, gauge, tapes[step['tape']['device']], step, copier)
        return
    source = os.open(step['path'], os.O_RDONLY)
    try:
        copier.take(source)
    finally:
        os.close(source)


def restore(job, step, tapes):
    gauge = job.phase(step['volume'], 'restore', step['bytes'])
    cwd = step['target'] if _methods.restores_files(step['method']) else '/'
    if not _manifest.is_stored(step):
        with job.running(gauge, step['argv'], cwd=cwd):
            return
    before = aged_symtables(step['target'])
    feed(job, gauge, step, tapes, cwd)
    gauge.state = 'flush'
    if step['method'] == 'dd':
        flush_device(step['target'])
        compare(job, step)
        return
    if _methods.restores_files(step['method']):
        refuse_unrestored(step, before, gauge)
    if step['method'] in _methods.DUMPS and job.spec['last_level']:
        for name in _target.SYMTABLES:
            symtable = os.path.join(step['target'], name)
            if os.path.exists(symtable):
                os.unlink(symtable)
    flush_files(job, step['target'])


def symtables(directory):
    """What tells one table of restored files from another, by name."""
    found = {}
    for name in _target.SYMTABLES:
        try:
            state = os.stat(os.path.join(directory, name))
            found[name] = (state.st_ino, state.st_size, state.st_mtime, state.st_ctime)
        except OSError:
            pass
    return found


def aged_symtables(directory):
    """The same, once the tables are older than any that is written from now on, whatever the clock and the file system can tell apart."""
    for name in symtables(directory):
        os.utime(os.path.join(directory, name), (1, 1))
    return symtables(directory)


def refuse_unrestored(step, before, gauge):
    """Refused if the tool said that all is well and there are no files: what it reads last may be in the pipe still."""
    dump = _methods.DUMPS.get(step['method'])
    nothing = not set(os.listdir(step['target'])) - set(_target.HARMLESS)
    # The shortest archive can be that of an empty file system; a dump of one still leaves a table.
    unchanged = dump and dump.levels and symtables(step['target']) == before
    if unchanged or nothing and (dump or step['bytes'] > TAR_RECORD):
        table = ', and no new %s' % ' or '.join(_target.SYMTABLES) if unchanged else ''
        raise Refused('%s reported success and has restored nothing.' % step['argv'][0], object=step['volume'],
                      found='%d names in %s%s' % (len(os.listdir(step['target'])), step['target'], table), needed='the files of the image',
                      look='the log %s' % gauge.log)


def flush_files(job, target):
    """Wait until restored files are on the disk. On Solaris sync(1M) only begins to write; lockfs -f waits."""
    lockfs = _platform.find('lockfs')
    point, fstype = _destination.mount_of(target)
    flush = [lockfs, '-f', point] if lockfs and fstype == 'ufs' else [_platform.need('sync')]
    job.runner.expect(flush, timeout=3600)


def feed(job, gauge, step, tapes, cwd):
    """Write the image into the tool, and make sure that it was still the verified one."""
    with job.running(gauge, step['argv'], stdin=PIPE, cwd=cwd) as tool:
        try:
            stored, raw = unpacked(job, gauge, step, tapes, writer(tool.input))
        except OutputFailed as error:
            if error.errno != errno.EPIPE:
                raise Refused('%s takes no more.' % step['argv'][0], object=step['volume'], found=error.strerror)
            tool.check()
            raise Refused('%s ended before it had read the whole image.' % step['argv'][0], object=step['volume'],
                          found='less than %d bytes' % step['bytes'], vendor=tool.said() or None)
    if (stored.facts(), raw.facts()) != ((step['stored_bytes'], step['stored_sha256']), (step['bytes'], step['sha256'])):
        raise Refused('The image of %s was changed while it was being restored.' % step['volume'], object=step['volume'],
                      look='ls -l %s' % step['path'] if step['path'] else None)


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
    for argv in _methods.dd_argvs(step['argv'][0], step['target'], step['bytes']):
        with job.running(gauge, argv, stdout=PIPE) as tool:
            copier.take(tool.output)
    if copier.facts() != (step['bytes'], step['sha256']):
        raise Refused('The target %s does not hold the image after it was written.' % step['target'], object=step['target'],
                      found='SHA-256 %s' % copier.sha256(), needed='SHA-256 %s' % step['sha256'],
                      remedy='look for errors of the device, then restore again')
