# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which volumes a set of Instant Image may have: none that another needs, none in use, large enough, and each where it must lie."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image as image
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_work import device_number


# The first word of a bitmap (dsw_dev.h): zero once its set was disabled, else DIRTY or CLEAN, in the order of this host or the other.
CLOSED, OPEN = b'\0\0\0\0', (b'DIRT', b'TRID', b'CLEA', b'AELC')
# The least that a bitmap needs; file systems have their superblock within it.
LEAST = 48


def refuse_unconfirmed(work, path):
    confirmed = work.context.params['confirm']
    if path not in confirmed:
        raise Refused('%s would be overwritten.' % path, object=path, found='confirm=%s' % ', '.join(confirmed),
                      needed='%s in confirm' % path, remedy='look that nobody needs its content, then confirm it by its name')


def refuse_content(work, path):
    """Refused if what would be formatted as a bitmap is neither blank nor one already, and is not confirmed."""
    try:
        with open(path, 'rb') as source:
            head = source.read(LEAST * image.BLOCK)
    except (IOError, OSError) as error:
        raise Refused('The bitmap %s cannot be read.' % path, object=path, found=error.strerror, look='ls -lL %s' % path)
    # The header of a closed bitmap has the names of its volumes, and a file system nothing in its first block.
    closed = head[:4] == CLOSED and head[:image.BLOCK].strip(b'\0')
    if head.strip(b'\0') and head[:4] not in OPEN and not closed:
        refuse_unconfirmed(work, path)


def blocks_of(path):
    """The size of a volume in blocks, or None where the system does not tell it: then iiadm alone compares. Refused where there is none."""
    found = image.size_of(path)
    if found is None and not os.path.exists(image.block_device(path)):
        raise Refused('There is no volume %s.' % path, object=path, found='no device', needed='a volume that is there, and started',
                      look='ls -lL %s' % image.block_device(path))
    return found


def refuse_smaller(shadow, master):
    """Refused unless the shadow has at least the size of its master."""
    blocks, found = blocks_of(master), blocks_of(shadow)
    if blocks and found and found < blocks:
        raise Refused('The shadow %s is smaller than its master.' % shadow, object=shadow, found='%d blocks' % found,
                      needed='at least %d blocks' % blocks)


def refuse_small(volume, bitmap):
    """Refused unless a bitmap is large enough for a volume."""
    blocks, found = blocks_of(volume), blocks_of(bitmap)
    if blocks and found and found < image.bitmap_blocks(blocks):
        raise Refused('The bitmap %s is too small for %s.' % (bitmap, volume), object=bitmap, found='%d bytes' % (found * image.BLOCK),
                      needed='%d bytes: 24 KiB, and 8 KiB for each GiB' % (image.bitmap_blocks(blocks) * image.BLOCK))


def refuse_used(work, member, path):
    """Refused if a volume that would be overwritten is part of a set of this host, of the member's own too."""
    for found in work.sets.values():
        if path in (found.master, found.shadow, found.bitmap, found.overflow):
            raise Refused('%s is part of %s set.' % (path, 'its own' if found.shadow == member.shadow else 'another'), object=path,
                          found='the set of shadow %s' % found.shadow, needed='a volume of its own', look='iiadm -l')


def refuse_alias(work, *paths):
    """Refused if a volume is known by another path too: iiadm would ask for it, and take it for yes where nobody can answer."""
    known = work.known_paths() if paths else []
    for path in paths:
        number = device_number(path)
        others = [other for other in known if other != path and number is not None and device_number(other) == number]
        if others:
            raise Refused('%s is known by another path.' % path, object=path, found=others[0], needed='one path for each volume',
                          look='iiadm -l; svadm -i; ls -lL %s %s' % (path, others[0]), remedy='name it %s' % others[0])


def refuse_travelling(members):
    """Refused if volumes lie so that a shadow cannot go to another host, or what must stay here would go with one.

    The set's own bitmap goes on being written on this host while the shadow is away; the other one must be where the shadow is.
    """
    moved = moving(members)
    for member in members:
        for path, what in ((member.master, 'master'), (member.bitmap, 'bitmap')):
            refuse_moving(moved, path, what)
        kind = image.bundle(member.shadow)
        if kind and member.secondary and image.bundle(member.secondary) != kind:
            raise Refused('The second bitmap would not travel with the shadow.', object=member.secondary,
                          found='%s without %s' % (kind[1], member.secondary), needed='both in one %s' % kind[0],
                          remedy='make a volume for it in %s %s' % kind)


def refuse_company(members, sets, leaving):
    """Refused if something that other sets of the host need would go with the shadows. leaving: whether they are about to go."""
    moved, named = moving(members), [member.shadow for member in members]
    for found in sets.values():
        for path, what in ((found.master, 'master'), (found.bitmap, 'bitmap'), (found.overflow, 'overflow volume')):
            refuse_moving(moved, path, what)
        if leaving and found.shadow not in named and image.bundle(found.shadow) in moved and image.state_of(found) != image.EXPORTED:
            raise Refused('%s would travel too, and was not named.' % found.shadow, object=found.shadow,
                          found='%s in %s %s' % ((image.state_of(found),) + image.bundle(found.shadow)),
                          needed='all shadows of the %s in one backup' % image.bundle(found.shadow)[0], look='iiadm -l')


def moving(members):
    """{bundle: one of the shadows that go with it}"""
    return dict((image.bundle(member.shadow), member.shadow) for member in members if image.bundle(member.shadow))


def refuse_moving(moved, path, what):
    """Refused if a volume is in one of the bundles moved."""
    bundle = image.bundle(path) if path else None
    if bundle in moved:
        raise Refused('The %s would travel with the shadow.' % what, object=path,
                      found='%s and %s in %s %s' % ((path, moved[bundle]) + bundle),
                      needed='master, bitmap and overflow volume in one that stays on this host',
                      remedy='make the shadow and its second bitmap in a %s of their own' % bundle[0])
