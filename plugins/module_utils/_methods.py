# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ways to read a copy and to put an image back: which command with which arguments."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import BLOCK

SECTOR = 512
# What a pipe gives at a time, gathered to whole blocks: a raw device takes only whole sectors (dd(1M)).
PIPE_BLOCK = 65536

# How to read the copies. argv, output ("stream" or "none"): for name "command"; level, update: for dumps.
Method = collections.namedtuple('Method', 'name argv output level update')

# dump, restore: command and arguments. fstypes: what it can read. levels: whether dumps can build on each other here, for which
# the tool must be able to name the original volume (N) and to tell an estimate (S).
Dump = collections.namedtuple('Dump', 'dump restore fstypes levels')
# ufsdump(1M), ufsrestore(1M); vxdump(1M), vxrestore(1M); sfxdump(1M), sfxrestore(1M).
DUMPS = dict(
    ufsdump=Dump(['ufsdump', '{level}Nf', '{original}', '-', '{device}'], ['ufsrestore', 'rf', '-'], ('ufs',), True),
    vxdump=Dump(['vxdump', '-{level}', '-f', '-', '{device}'], ['vxrestore', '-r', '-f', '-'], ('vxfs',), False),
    sfxdump=Dump(['sfxdump', '{level}f', '-', '{device}'], ['sfxrestore', 'rf', '-'], ('sfxfs',), False),
)
NAMES = ('dd', 'tar') + tuple(sorted(DUMPS)) + ('command',)
# What must be known of a member to read it.
NEEDED = dict(dict.fromkeys(DUMPS, ('volume', 'device')), dd=('volume', 'device', 'bytes'), tar=('volume', 'device'),
              ufsdump=('volume', 'device', 'original'), command=('volume', 'device'))
SUFFIXES = dict(dict((name, '.' + name) for name in DUMPS), dd='.img', tar='.tar', command='.stream')


def mount_point(run_directory, volume):
    """Where the snapshot of a volume is mounted for reading its files."""
    return os.path.join(run_directory, 'mnt', volume)


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


def filled_in(argv, **values):
    """argv with {device}, {path}, {volume}, {run} and the like replaced inside its elements; nothing is ever split."""
    pattern = re.compile(r'\{(%s)\}' % '|'.join(sorted(values)))
    return [pattern.sub(lambda found: values[found.group(1)], word) for word in argv]


def absolute(argv):
    """argv with the path of its command."""
    return list(argv) if os.path.isabs(argv[0]) else [_platform.need(argv[0])] + list(argv[1:])


def reading(member, mounted, run, method):
    """How one member is read: {"commands", "bytes" (None where not known before), "source", "level"}."""
    device = member['device']
    if method.name == 'dd':
        return dict(commands=dd_argvs(_platform.need('dd'), device, member['bytes']), bytes=member['bytes'], source=device, level=None)
    if method.name == 'tar':
        return dict(commands=[[_platform.need('tar'), 'cf', '-', '-C', mounted, '.']], bytes=None, source=mounted, level=None)
    if method.name in DUMPS:
        return dict(commands=[_dump(member, method)], bytes=None, source=device, level=method.level)
    if not method.argv:
        raise Refused('There is no command to store %s with.' % member['volume'], needed='option command, a list of arguments')
    words = filled_in(method.argv, device=device, path=mounted, volume=member['volume'], run=run)
    reads_files = any('{path}' in word for word in method.argv)
    return dict(commands=[absolute(words)], bytes=None, source=mounted if reads_files else device, level=None)


def _dump(member, method):
    how = DUMPS[method.name]
    if member['fstype'] and member['fstype'] not in how.fstypes:
        raise Refused('%s cannot dump %s.' % (method.name, member['volume']), object=member['volume'],
                      found='a file system of type %s' % member['fstype'], needed=' or '.join(how.fstypes))
    if method.level and not how.levels:
        raise Refused('There are no levels with %s here.' % method.name, object=member['volume'], found='level %d' % method.level,
                      needed='level 0', remedy='use ufsdump for a UFS, or method command')
    return absolute(filled_in(how.dump, level=str(method.level), original=member['original'] or '', device=member['device']))


def writing(image, target, command, run):
    """The command that puts an image of a manifest onto target. command: of the user, for images of method "command"."""
    if image['method'] == 'dd':
        return [_platform.need('dd'), 'of=' + target, 'ibs=%d' % PIPE_BLOCK, 'obs=%d' % BLOCK]
    if image['method'] == 'tar':
        return [_platform.need('tar'), 'xpf', '-']
    if image['method'] in DUMPS:
        return absolute(DUMPS[image['method']].restore)
    if not command:
        raise Refused('%s was stored by a command and needs one to be restored.' % image['volume'], object=image['volume'],
                      found=' '.join(image['commands'][0]), needed='option restore_command')
    return absolute(filled_in(command, target=target, volume=image['volume'], run=run))


def restores_files(method):
    """Whether an image of this method goes into a mounted file system, and not onto a device."""
    return method == 'tar' or method in DUMPS
