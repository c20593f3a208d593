# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sun Instant Image (StorageTek Availability Suite, point-in-time copy): what iiadm(1M) says of the sets of this host.

A set is named by its shadow. States of a set here: synced (nothing is being copied), copying, interrupted (a copy was ended
before all was copied), exported, imported, offline (a volume of it has failed), suspended (it is configured, and the kernel does not
have it).
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _instant_image_report as report
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused

BLOCK = 512
# The kernel keeps names in 64 bytes.
LONGEST = 63
PATH = re.compile(r'^/dev/[A-Za-z0-9_][A-Za-z0-9_./@:,-]*\Z')
GROUP = re.compile(r'^[A-Za-z0-9_][A-Za-z0-9_.-]*\Z')
# The directory of the raw and of the block devices; only in this place a path changes from one to the other.
RAW, PLAIN = re.compile(r'/rdsk/'), '/dsk/'
# What moves between hosts as a whole: disk groups of VxVM, and disk sets of SVM, whose devices are below rdsk of the set.
VXVM, METASET = re.compile(r'^(/dev/vx/)rdsk/([^/]+)/[^/]+\Z'), re.compile(r'^(/dev/md/)([^/]+)/rdsk/[^/]+\Z')
CHUNK = 64
# A bit for 64 blocks in each of two maps, each after 16 blocks, and the header of 16 blocks before them.
MAP_OF, MAP_MORE, HEADER = 262144, 16, 16
LIMIT = 300
BETWEEN_LOOKS = 0.05
SYNCED, COPYING, INTERRUPTED, EXPORTED, IMPORTED, OFFLINE, SUSPENDED = (
    'synced', 'copying', 'interrupted', 'exported', 'imported', 'offline', 'suspended')


def valid_path(path, what='volume'):
    """path, if it can be a raw device of a set; otherwise Refused, so that no value can become an option."""
    if not PATH.match(path) or len(path) > LONGEST or os.path.normpath(path) != path or not RAW.search(path):
        raise Refused('%r cannot be the %s of a set.' % (path, what), object=repr(path), found='%d characters' % len(path),
                      needed='the path of a raw device, such as /dev/vx/rdsk/GROUP/VOLUME, of at most %d characters' % LONGEST)
    return path


def valid_group(name):
    """name, if it can be a group. With an empty name iiadm means every set that is in no group."""
    if not GROUP.match(name) or len(name) > LONGEST:
        raise Refused('%r cannot be the name of a group.' % (name,), object=repr(name),
                      needed='letters, digits, dots, dashes, underscores, no dash or dot first; an empty name '
                      'would mean every set that is in no group')
    return name


def block_device(path):
    return RAW.sub(PLAIN, path, 1)


def devices(path):
    """Every path under which a volume may be mounted."""
    return [block_device(path), path]


def bundle(path):
    """What a volume moves between hosts with: ("disk group", "backup"), or None where it moves alone or not at all."""
    for what, pattern in (('disk group', VXVM), ('disk set', METASET)):
        found = pattern.match(path)
        if found:
            return what, found.group(2)
    return None


def bitmap_blocks(blocks):
    """How many blocks the bitmap of an independent copy of a volume of so many blocks needs: 24 KiB and 8 KiB per GiB."""
    whole = -(-blocks // CHUNK) * CHUNK
    return HEADER + 2 * (whole // MAP_OF + MAP_MORE)


def volumes_under_sv(run):
    """{raw device: whether svadm -e has put it under SV}. run(argv) -> Result"""
    result = run([_platform.need('svadm')])
    if result.rc != 0:
        raise CommandFailed(result, 'svadm does not tell which volumes there are.', look='svadm -i')
    return report.parse_volumes_of_sv(result.out, result.err)


def size_of(path):
    """Blocks of a device, or None where the system does not tell the end of one."""
    try:
        fd = os.open(block_device(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return os.lseek(fd, 0, os.SEEK_END) // BLOCK or None
    except OSError:
        return None
    finally:
        os.close(fd)


def wait_for_another_second(times):
    """Wait while it is one of these times of ctime(3C): what iiadm does within the same second looks as if it had not been done."""
    while time.ctime() in times:
        time.sleep(BETWEEN_LOOKS)


def state_of(found):
    """The state of a Set, the most severe word first."""
    flags = found.flags
    states = ((SUSPENDED, found.suspended), (OFFLINE, any(flag in report.OFFLINE for flag in flags)), (COPYING, report.COPYING in flags),
              (INTERRUPTED, report.INTERRUPTED in flags), (EXPORTED, report.EXPORTED in flags), (IMPORTED, report.IS_IMPORTED in flags))
    return ([state for state, is_so in states if is_so] + [SYNCED])[0]


def faults(found):
    """Why a set is not as it should be, as sentences; an empty list if it is."""
    if found.suspended:
        return ['the set is suspended']
    said = [flag for flag in found.flags if flag in report.OFFLINE or flag in (report.INTERRUPTED, report.ABORTING, 'out of space')]
    return said + (['the bitmap cannot be read'] if found.percent is None else [])


class InstantImage:
    """Asks iiadm. run(argv) -> Result runs a command that reads."""

    def __init__(self, run):
        self.run = run
        self.iiadm = _platform.need('iiadm')

    def report(self):
        """The status of all sets as iiadm printed it."""
        result = self.run([self.iiadm, '-i', 'all'])
        if result.rc != 0:
            raise CommandFailed(result, 'iiadm does not tell the status of the sets.', look=report.LOOK)
        return result.out

    def sets(self):
        """{shadow: Set} of this host."""
        return dict((found.shadow, found) for found in report.parse_status(self.report()))

    def refuse_silence(self, shadow):
        """Refused if a set that was not among all of them is there when it is asked for by its name: silence is no proof of its end."""
        result = self.run([self.iiadm, '-i', valid_path(shadow, 'shadow')])
        if result.rc is None or re.search(r'^%s: \(shadow volume\)' % re.escape(shadow), result.out, re.MULTILINE):
            raise Refused('iiadm does not tell of %s among all sets, and yet it is there.' % shadow, object=shadow,
                          found=result.out.strip()[:200] or 'no answer', needed='one answer', look=report.LOOK,
                          remedy='nothing was done; run the same again')

    def one(self, shadow, sets=None):
        """The Set of this shadow; Refused where there is none."""
        found = (self.sets() if sets is None else sets).get(valid_path(shadow, 'shadow'))
        if found is None:
            raise Refused('There is no set with the shadow %s on this host.' % shadow, object=shadow, found='not in the configuration',
                          needed='an enabled set, which is named by its shadow', look='iiadm -l')
        return found

    def status_pattern(self, found, flags):
        """A pattern for the status of a Set as long as nobody has updated it since and its line of flags matches flags."""
        parts = [r'^%s: \(shadow volume\)' % re.escape(found.shadow), flags]
        if found.modified:
            parts.append('Latest modified time: %s$' % re.escape(found.modified))
        return r'\n(?:.+\n)*?'.join(parts)

    def layout(self):
        """What is needed to make the sets again."""
        found = {'mount table': ''.join('\t'.join(mount) + '\n' for mount in _platform.mounts()), 'iiadm -i all': self.report()}
        dscfg = _platform.find('dscfg')
        if dscfg:
            found['dscfg -l'] = self.run([dscfg, '-l']).out
        return found
