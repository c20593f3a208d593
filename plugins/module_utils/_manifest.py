# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The manifest beside stored images: what they are, how to prove it, and what a restore needs to know.

It is written last, so that where it is, everything it names is complete and on the disk.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _filters, _methods
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

FAMILY = 'volmgr.snapbackup/manifest/'
SCHEMA = FAMILY + '2'
SHA256 = re.compile(r'^[0-9a-f]{64}\Z')
TEXT = (type(u''), str)
NUMBER = (int, type(1 << 70))
MAYBE_TEXT = TEXT + (type(None),)
MAYBE_NUMBER = NUMBER + (type(None),)
MAYBE_DICT = (dict, type(None))
KEYS = dict(schema=TEXT, run=TEXT, name=TEXT, manager=TEXT, host=TEXT, created=TEXT, verdict=MAYBE_TEXT, window=MAYBE_DICT,
            images=list, recovery=list, layout=dict, proof=list, complete=bool)
# bytes, sha256: of the stream as it was read. stored_bytes, stored_sha256: of what was written, compressed or encrypted.
# Where it was written is either file (a path relative to the manifest) or tape; neither where a command has stored by itself.
IMAGE_KEYS = dict(volume=TEXT, method=TEXT, file=MAYBE_TEXT, tape=MAYBE_DICT, bytes=MAYBE_NUMBER, sha256=MAYBE_TEXT,
                  stored_bytes=MAYBE_NUMBER, stored_sha256=MAYBE_TEXT, compression=MAYBE_TEXT, encryption=MAYBE_TEXT, source=TEXT,
                  volume_bytes=MAYBE_NUMBER, original=MAYBE_TEXT, filesystem=MAYBE_TEXT, fstype=MAYBE_TEXT, level=MAYBE_NUMBER,
                  dump=MAYBE_DICT, commands=list)
TAPE_KEYS = dict(device=TEXT, label=TEXT, serial=TEXT, file=NUMBER, block=NUMBER)
DUMP_KEYS = dict(date=TEXT, since=MAYBE_TEXT, base=MAYBE_TEXT)
SET_KEYS = dict(driver=TEXT, volume=TEXT, directory=TEXT, files=list)
FILE_KEYS = dict(file=TEXT, place=TEXT, sha256=TEXT, mode=TEXT)


def build(record, images, recovery):
    """The manifest of a run record (its data) for images and recovery sets in the manifest's shape, whose proof was held."""
    return dict(schema=SCHEMA, run=record['run'], name=record['name'], manager=record['manager'], host=record['host'],
                created=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), verdict=record['verdict'], window=record['window'],
                images=images, recovery=recovery, layout=record['layout'],
                proof=[dict(entry, held=True) for entry in record['proof']], complete=True)


def read(path):
    """The manifest at path, checked against its schema; Refused when it is missing, damaged or of an unknown version."""
    try:
        manifest = _files.read_json(path)
    except ValueError as error:
        raise _bad(path, 'not JSON: %s' % error)
    if manifest is None:
        raise Refused('There is no manifest %s, so there is no complete image.' % path, object=path, look='ls -l %s' % path)
    manifest = upgraded(manifest)
    check(path, manifest)
    return manifest


def upgraded(manifest):
    """A manifest of the first version as one of this version: what was written was the stream itself."""
    if not isinstance(manifest, dict) or manifest.get('schema') != FAMILY + '1' or not isinstance(manifest.get('images'), list):
        return manifest
    images = [dict(image, stored_bytes=image.get('bytes'), stored_sha256=image.get('sha256'), compression=None, encryption=None,
                   tape=None, dump=None) if isinstance(image, dict) else image for image in manifest['images']]
    return dict(manifest, schema=SCHEMA, images=images)


def check(path, manifest):
    """Refused unless manifest has the shape of a manifest of this version."""
    schema = manifest.get('schema') if isinstance(manifest, dict) else None
    if not isinstance(schema, TEXT) or not schema.startswith(FAMILY):
        raise _bad(path, 'no manifest of this collection')
    if schema != SCHEMA:
        raise Refused('The manifest %s is of a version that is not known here.' % path, object=path, found=schema, needed=SCHEMA,
                      remedy='use the version of the collection that wrote it, or a later one')
    _shape(path, 'the manifest', manifest, KEYS)
    if not manifest['complete']:
        raise _bad(path, 'not complete')
    for image in manifest['images']:
        _shape(path, 'an image', image, IMAGE_KEYS)
        _check_image(path, image)
    volumes = [image['volume'] for image in manifest['images']]
    if len(set(volumes)) != len(volumes):
        raise _bad(path, 'two images of one volume')
    for entry in manifest['recovery']:
        _shape(path, 'a recovery set', entry, SET_KEYS)
        _inside(path, entry['directory'])
        for item in entry['files']:
            _shape(path, 'a recovery file', item, FILE_KEYS)
            _inside(path, item['file'])
            _inside(path, item['place'])


def _check_image(path, image):
    for key, known in (('method', _methods.NAMES), ('compression', _filters.COMPRESSIONS), ('encryption', _filters.ENCRYPTIONS)):
        if image[key] not in known and (image[key] is not None or key == 'method'):
            raise _bad(path, 'the unknown %s %s' % (key, image[key]))
    if image['dump']:
        _shape(path, 'a dump', image['dump'], DUMP_KEYS)
    if image['tape']:
        _shape(path, 'a place on a tape', image['tape'], TAPE_KEYS)
        if image['file'] is not None or image['tape']['file'] < 1 or image['tape']['block'] < 1:
            raise _bad(path, 'an image of %s on no file of a tape' % image['volume'])
    elif image['file'] is None:
        if image['method'] != 'command':
            raise _bad(path, 'an image of %s without a file' % image['volume'])
        return
    else:
        _inside(path, image['file'])
    for prefix in ('', 'stored_'):
        if (image[prefix + 'bytes'] or 0) < 0 or image[prefix + 'bytes'] is None or not SHA256.match(image[prefix + 'sha256'] or ''):
            raise _bad(path, 'an image of %s without its size and sum' % image['volume'])
    if image['method'] == 'dd' and image['bytes'] != image['volume_bytes']:
        raise _bad(path, 'a raw image of %s that is not as long as the volume' % image['volume'])


def is_stored(image):
    """Whether the image was stored here, and not by a command of the user."""
    return image['file'] is not None or image['tape'] is not None


def _shape(path, what, value, keys):
    if not isinstance(value, dict):
        raise _bad(path, '%s that is no dictionary' % what)
    for key, kinds in keys.items():
        if key not in value:
            raise _bad(path, '%s without %s' % (what, key))
        if not isinstance(value[key], kinds) or (isinstance(value[key], bool) and kinds is not bool):
            raise _bad(path, '%s with %s = %r' % (what, key, value[key]))


def _inside(path, name):
    """Refused unless name stays below the directory that it is relative to."""
    if name.startswith('/') or '..' in name.split('/') or not name:
        raise _bad(path, 'the path %r that leaves its directory' % str(name))


def _bad(path, found):
    return Refused('The manifest %s cannot be used.' % path, object=path, found=found, needed='a manifest as %s describes it' % SCHEMA)


def image_of(manifest, volume):
    """The image of a volume, or None."""
    for image in manifest['images']:
        if image['volume'] == volume:
            return image
    return None


def file_of(path, image):
    """The absolute path of an image or a recovery file of the manifest at path."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), image['file'])
