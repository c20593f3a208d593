# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Storing the copies of a run: what is done for each of them, and the job that does it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import errno
import fcntl
import functools
import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import (
    _crew, _destination, _dumps, _files, _filters, _hold, _manifest, _methods, _platform, _proof, _recovery, _tape)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import PIPE, Copier, OutputFailed, sync, writer
from ansible_collections.volmgr.snapbackup.plugins.module_utils._worker import no_more_stopping

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ESTIMATE = re.compile(r'DUMP: Estimated ([0-9]+) blocks')


# What is going to be done.

def plan(record, state_dir, destination, method, packing=_filters.PLAIN):
    """The images of a run: what the job does for each member, in the order of the members.

    record: the data of a run record. Each has what the manifest will have of it, as far as that is known, and "path" (None on a
    tape, and where a command stores by itself), "partial" (its name until it is whole), "pack" (commands it passes through),
    "base" (the dump it builds on) and "update" (whether it is entered in dumpdates).
    """
    run_directory = os.path.join(state_dir, 'runs', record['run'])
    by_itself = method.name == 'command' and method.output == 'none'
    refuse_idle_options(destination, method, packing, by_itself)
    pack, suffix = _filters.pack_argvs(packing), _filters.suffix(packing)
    images = []
    for member in record['members']:
        path = None if by_itself else destination.image(member['volume'], method.name, suffix)
        image = dict(volume=member['volume'], method=method.name, volume_bytes=member['bytes'], original=member['original'],
                     filesystem=member['filesystem'], fstype=member['fstype'], path=path, partial=path and path + destination.partial,
                     tape=destination.place(), pack=pack, compression=packing.compression, encryption=packing.encryption,
                     base=None, dump=None, update=method.update)
        image.update(_methods.reading(member, _methods.mount_point(run_directory, member['volume']), record['run'], method))
        if image['level']:
            image['base'] = _dumps.base_of(state_dir, member['original'], method.level)
        images.append(image)
    refuse_same([image['path'] for image in images if image['path']])
    return images


def refuse_same(paths):
    if len(set(paths)) != len(paths):
        raise Refused('Two volumes would be stored in one file.', found=', '.join(sorted(paths)))


def refuse_idle_options(destination, method, packing, by_itself):
    """What would not be done is refused, not left out."""
    if by_itself and (destination.tape or packing != _filters.PLAIN):
        raise Refused('A command that stores by itself can neither be written to a tape nor be packed here.', object='output',
                      found='output none', needed='output stream')
    if method.update and not (method.name in _methods.DUMPS and _methods.DUMPS[method.name].levels):
        raise Refused('%s has no dates of dumps to update.' % method.name, object='update_dumpdates', needed='method ufsdump')


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
        if source == _methods.mount_point(run_directory, image['volume']):
            if source not in points:
                raise Refused('The snapshot of %s is not mounted.' % image['volume'], object=image['volume'],
                              needed='a read-only mount at %s' % source, look='the mount table',
                              remedy='mount it first (module snapshot_mount, state mounted)')
        elif not os.path.exists(source):
            raise Refused('The copy of %s cannot be read.' % image['volume'], object=image['volume'],
                          found='no device %s' % source, look='ls -lL %s' % source)


# The job.

def work(job):
    """Store all images of job.spec, prove that they are of the cut, then make them complete. Returns {"manifest": path}."""
    spec = job.spec
    owner = dict((key, job.record.data[key]) for key in ('kind', 'run', 'name'))
    with _hold.held(job.record.state_dir, spec['exclusive'], owner):
        made = _destination.make_directories(spec['directory'])
        try:
            with kept_open(spec['images']):
                stored = store_all(job)
                _proof.prove(job.record, job.runner)
        except BaseException as error:
            tell_remains(error, spec['images'])
            _destination.remove_empty(made)
            raise
        recovery = publish(job, spec)
        # From here the image becomes complete, and stays so.
        no_more_stopping()
        # Before it is complete: a dump that is known without its manifest is one that nothing builds on.
        _dumps.remember(job.record, [image for image in stored if image['update']], spec['manifest'])
        manifest = _manifest.build(job.record.data, [entry(spec, image) for image in stored], recovery)
        if job.record.data['primary']:
            _files.write_json(unconfirmed(spec['manifest']), manifest)
        else:
            _files.write_json(spec['manifest'], manifest)
            job.update(image=spec['manifest'])
    return dict(manifest=spec['manifest'])


@contextlib.contextmanager
def kept_open(images):
    """Keep what images are read from open: a proof can tell what it is then, and not that it was never away in between."""
    opened = []
    try:
        for image in images:
            opened.append(open_source(image))
        yield
    finally:
        for fd in opened:
            os.close(fd)


def open_source(image):
    """A descriptor of what an image is read from, which no tool inherits."""
    try:
        fd = os.open(image['source'], os.O_RDONLY | os.O_NOCTTY)
    except OSError as error:
        raise Refused('The copy of %s cannot be read.' % image['volume'], object=image['volume'], found=error.strerror,
                      needed=image['source'], look='ls -lL %s' % image['source'])
    fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.fcntl(fd, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)
    return fd


def unconfirmed(manifest):
    """Where the manifest of images waits until the primary has proved that the cut still is the one that was made."""
    return manifest + '.unconfirmed'


def confirm(record, manifest):
    """Make stored images complete, durably. Refused where there is no such manifest."""
    waiting = unconfirmed(manifest)
    if not os.path.exists(manifest):
        if not os.path.isfile(waiting):
            raise Refused('The images of run %s cannot be confirmed.' % record.run, object=record.run, found='no %s' % waiting,
                          needed='images that were stored whole', look='the result of volume_backup with state read')
        os.rename(waiting, manifest)
        _files.sync_directory(os.path.dirname(manifest))
    record.update(image=manifest)


def tell_remains(error, images):
    left = [image['partial'] for image in images if image['path'] and os.path.exists(image['partial'])]
    if left and isinstance(error, Refused):
        error.message += ' Incomplete, and left for looking at: %s.' % ', '.join(left)


def store_all(job):
    """Store every image; those on a tape one after the other behind its last file. Returns them with sizes and sums."""
    spec = job.spec
    for image in spec['images']:
        if image['base']:
            _dumps.refuse_gap(job, image, image['commands'][0])
    tape = None
    if spec['tape']:
        tape = _tape.Tape(spec['tape']['device'], job.runner, **spec['tape']['tools'])
        place_on(tape, spec)
    return _crew.each(spec['images'], lambda image: store(job, image, tape), spec['streams'], job.kill_tools)


def place_on(tape, spec):
    """Wind to where the first image goes, and give each its number. Refused unless it is the right tape."""
    wanted = spec['tape']
    label = tape.check(wanted['label'])
    tape.refuse_protected()
    if wanted['position'] == 'start':
        label = tape.write_label(wanted['label'])
        first = 1
        tape.go(first)
    else:
        first = tape.end()
    for number, image in enumerate(spec['images']):
        image['tape'].update(serial=label['serial'], file=first + number)


def store(job, image, tape=None):
    """Run the commands of one image into its place, where it is durable when this returns. Returns image with sizes and sums."""
    gauge = job.phase(image['volume'], 'store', image['bytes'])
    if image['path'] is None and tape is None:
        for argv in image['commands']:
            with job.running(gauge, argv):
                pass
        gauge.state = 'stored'
        return dict(image, bytes=None, sha256=None, stored_bytes=None, stored_sha256=None)
    with _tape.written(job, gauge, tape, image) if tape else file_written(gauge, image) as write:
        stored = Copier(write, gauge.touch if image['pack'] else gauge.count, None if image['pack'] else image['bytes'])
        raw = Copier(None, gauge.count, image['bytes']) if image['pack'] else stored
        _filters.convey(job, gauge, image['pack'], functools.partial(read_copy, job, gauge, image), raw, stored)
    if image['bytes'] is not None and raw.bytes != image['bytes']:
        raise Refused('The stream of %s is too short.' % image['volume'], object=image['volume'], found='%d bytes' % raw.bytes,
                      needed='%d bytes' % image['bytes'], look='the log %s' % gauge.log)
    if not raw.bytes:
        raise Refused('Nothing of %s was read.' % image['volume'], object=image['volume'], found='a stream of 0 bytes',
                      needed='what %s prints' % image['commands'][-1][0], look='the log %s' % gauge.log)
    gauge.state = 'stored'
    return dict(image, bytes=raw.bytes, sha256=raw.sha256(), stored_bytes=stored.bytes, stored_sha256=stored.sha256())


@contextlib.contextmanager
def file_written(gauge, image):
    """A function that writes to the partial file of an image, which is on the disk when this is left without an exception."""
    partial = image['partial']
    output = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        yield writer(output)
        gauge.state = 'flush'
        sync(output)
    except OutputFailed as error:
        if error.errno in FULL:
            os.unlink(partial)
        raise Refused('The image of %s cannot be written to %s.' % (image['volume'], partial), object=image['volume'],
                      found=error.strerror, look='df -k %s' % os.path.dirname(partial),
                      remedy='make room' if error.errno in FULL else None)
    finally:
        os.close(output)


def read_copy(job, gauge, image, copier):
    """Let copier take what the commands of an image print."""
    is_dated = image['method'] in _methods.DUMPS and _methods.DUMPS[image['method']].levels
    for argv in image['commands']:
        with job.running(gauge, argv, stdout=PIPE) as tool:
            if image['method'] in _methods.DUMPS:
                gauge.watch = functools.partial(take_estimate, gauge, tool)
            try:
                copier.take(tool.output)
            finally:
                gauge.watch = None
        if is_dated:
            image['dump'] = _dumps.dates(image, tool.said(0))


def take_estimate(gauge, tool):
    """A dump says itself how long its stream will be; that is its total."""
    if gauge.total is None:
        found = ESTIMATE.search(tool.said())
        if found:
            gauge.total = int(found.group(1)) * _methods.SECTOR


def publish(job, spec):
    """Give the images their names and copy the recovery files beside them, durably. Returns the recovery sets for the manifest."""
    for image in spec['images']:
        if image['path']:
            name_image(image)
    recovery = [_recovery.copy_set(spec['recovery'], spec['directory'], number, found)
                for number, found in enumerate(job.record.data['recovery'])]
    _files.sync_directory(spec['directory'])
    return recovery


def name_image(image):
    """Give a whole image its name. In the run's own directory nobody else has it; elsewhere it may have been taken meanwhile."""
    if image['partial'] != image['path'] + _destination.PARTIAL:
        try:
            os.close(os.open(image['path'], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise Refused('The image cannot be named %s.' % image['path'], object=image['path'], found=error.strerror,
                          needed='a name that nobody has taken', look='ls -l %s*' % image['path'],
                          remedy='the image itself is whole: %s' % image['partial'])
    os.rename(image['partial'], image['path'])


def entry(spec, image):
    """An image as the manifest has it: the file relative to the manifest."""
    shown = dict((key, image[key]) for key in _manifest.IMAGE_KEYS if key != 'file')
    shown['file'] = os.path.relpath(image['path'], spec['directory']) if image['path'] else None
    return shown
