# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tapes: where a drive is, which tape is in it, and one file of it after the other. mt(1), st(7D), mtio(7I); mt-st on Linux.

The first file of a tape is its label, one block of JSON. A tape without the expected label is never written to. Every position is
taken from the beginning of the tape and proved by "mt status", since what a drive does at the end of a file differs.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import binascii
import collections
import contextlib
import errno
import json
import os
import re
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import text
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._methods import PIPE_BLOCK
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import PIPE, OutputFailed, writer

KIND = 'volmgr.snapbackup/tape/1'
# The block of the vendors' own examples (dd bs=32768); a label has always this size, a file may have another.
BLOCK = 32768
LARGEST = 1024 * 1024
SECTOR = 512
NAME = re.compile(r'^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z')
POSITION = re.compile(r'file (?:no|number)= *(-?[0-9]+)[,\s]+block (?:no|number)= *(-?[0-9]+)', re.IGNORECASE)
# A tape is wound for minutes.
WIND = 1800
# The end of what is recorded: mt(1) of Solaris and of GNU cpio, mt-st(1).
END_WORDS = ('eom', 'eod')
EMPTY = 'There is no tape in the drive %s, or it is offline.'
# What mt, dd and the system say of a drive, and what that means.
MEANINGS = (
    (re.compile('no tape loaded|drive offline|no medium|DR_OPEN', re.IGNORECASE), EMPTY),
    (re.compile('write.protected|read-only file system', re.IGNORECASE),
     'The tape in %s is write-protected, or reserved by another host.'),
    (re.compile('busy', re.IGNORECASE), 'The tape drive %s is in use.'),
    (re.compile('no such (file|device)', re.IGNORECASE), 'There is no tape drive %s.'),
    (re.compile('no space left|short write', re.IGNORECASE), 'The tape in %s is full.'),
)
Position = collections.namedtuple('Position', 'file block')


def tools():
    """The commands that a Tape needs, which a module finds for its job."""
    return dict(mt=_platform.need('mt'), dd=_platform.need('dd'))


class Tape:
    """The tape in the drive with this no-rewind device."""

    def __init__(self, device, runner, mt, dd):
        self.device = device
        self.runner = runner
        self.mt = mt
        self.dd = dd
        # Why there was no label, where it could not be read.
        self.unread = None

    # Where it is.

    def status(self):
        """The Position; Refused without a tape."""
        argv = [self.mt, '-f', self.device, 'status']
        result = self.runner(argv, timeout=300)
        look = ' '.join(argv)
        if result.rc != 0 or 'DR_OPEN' in result.out:
            raise self.trouble(result.err or result.out, look)
        found = POSITION.search(result.out)
        if not found:
            raise UnknownWord('It cannot be read where the tape in %s is.' % self.device, object=self.device,
                              found=result.out.strip(), look=look)
        return Position(*map(int, found.groups()))

    def wind(self, *words):
        """Move the tape; Refused with the words of mt if that fails. A position is never believed, but looked at."""
        argv = [self.mt, '-f', self.device] + list(words)
        result = self.runner(argv, timeout=WIND)
        if result.rc != 0:
            raise self.trouble(result.err or result.out, ' '.join(argv))

    def go(self, number):
        """To the begin of a file; 0 is the label."""
        self.wind('rewind')
        if number:
            self.wind('fsf', str(number))
        self.expect(number)

    def expect(self, number):
        """Refused unless the tape is at the begin of this file."""
        found = self.status()
        if found != (number, 0):
            raise Refused('The tape in %s is not where it was wound to.' % self.device, object=self.device,
                          found='file %d, block %d' % found, needed='file %d, block 0' % number, look='mt -f %s status' % self.device)

    def end(self):
        """Behind the last file; its number is returned. From the beginning, so that a drive that does not move is seen."""
        self.go(0)
        for word in END_WORDS:
            result = self.runner([self.mt, '-f', self.device, word], timeout=WIND)
            if result.rc == 0:
                break
        else:
            raise self.trouble(result.err or result.out, 'mt -f %s %s' % (self.device, END_WORDS[0]))
        found = self.status()
        if found.file < 1:
            raise Refused('The end of the tape in %s was not found.' % self.device, object=self.device, found='file %d' % found.file,
                          needed='a file after the label', look='mt -f %s status' % self.device)
        return found.file

    # Which one it is.

    def label(self):
        """What the first block says: the label as a dictionary, or None where there is none of this collection."""
        self.go(0)
        argv = [self.dd, 'if=' + self.device, 'bs=%d' % BLOCK, 'count=1']
        result = self.runner(argv, timeout=600)
        if result.rc is None:
            raise self.trouble('it did not answer within 600 s', ' '.join(argv))
        # An empty tape cannot be told from one that cannot be read.
        self.unread = result.err.strip() if result.rc else None
        after = self.status()
        if result.out and after == (0, 0):
            raise Refused('The device %s rewinds the tape when it is closed.' % self.device, object=self.device,
                          found='file 0, block 0 after reading', needed='the no-rewind device, such as /dev/rmt/0n or /dev/nst0')
        return parse(result.out)

    def check(self, name, serial=None):
        """The label; Refused unless it has this name, and this serial where one is given."""
        found = self.label()
        if found is None:
            raise Refused('The tape in %s is not %s: it has no label.' % (self.device, name), object=self.device, found='no label',
                          vendor=self.unread, needed='the label %s' % name,
                          remedy='put the right tape in, or write its label (module tape_label)')
        if found['name'] != name:
            raise Refused('The tape in %s is not %s.' % (self.device, name), object=self.device, found='the label %s' % found['name'],
                          needed='the label %s' % name, remedy='put the right tape in')
        if serial is not None and found['serial'] != serial:
            raise Refused('The tape %s was written to from the start since.' % name, object=self.device,
                          found='begun %s' % found['written'], needed='serial %s' % serial)
        return found

    def write_label(self, name):
        """Begin the tape anew with a label of this name: all that was on it is lost. Returns the label, read back."""
        refuse_name(name)
        self.refuse_protected()
        self.go(0)
        label = dict(kind=KIND, name=name, serial=text(binascii.hexlify(os.urandom(8))),
                     written=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()))
        data = json.dumps(label, sort_keys=True).encode('utf-8').ljust(BLOCK)
        result = self.runner.change(self.writing_label(), timeout=600, data=data)
        if result.rc != 0:
            raise self.trouble(result.err, ' '.join(result.argv))
        return self.check(name, label['serial'])

    def writing_label(self):
        return [self.dd, 'of=' + self.device, 'ibs=%d' % PIPE_BLOCK, 'obs=%d' % BLOCK]

    # What is wrong.

    def refuse_protected(self):
        """Open it as for writing. Opened for both, a drive writes nothing when it is closed (st(7D))."""
        try:
            os.close(os.open(self.device, os.O_RDWR))
        except OSError as error:
            said = 'write protected' if error.errno in (errno.EACCES, errno.EROFS) else error.strerror
            raise self.trouble(said, 'mt -f %s status' % self.device)

    def trouble(self, said, look):
        """A Refused in plain words for what mt or dd has said."""
        meanings = [meaning for pattern, meaning in MEANINGS if pattern.search(said)]
        return Refused((meanings + ['The tape drive %s does not do what it should.'])[0] % self.device, object=self.device,
                       vendor=said.strip() or 'nothing', look=look)


def refuse_name(name):
    if not NAME.match(name):
        raise Refused('%r cannot name a tape.' % name, object=name, needed='up to 32 letters, digits, dots, dashes, underscores')


def parse(block):
    """The label in the text of a block, or None."""
    try:
        label = json.loads(block)
    except ValueError:
        return None
    keys = ('kind', 'name', 'serial', 'written')
    if not isinstance(label, dict) or label.get('kind') != KIND or not all(isinstance(label.get(key), type(u'')) for key in keys):
        return None
    return dict((key, str(label[key])) for key in keys)


class Blocks:
    """Gathers what it is given to whole blocks, as a tape takes them; the rest of the last one is zeros."""

    def __init__(self, write, size):
        self.write = write
        self.size = size
        self._rest = b''

    def put(self, data):
        self._rest += data
        whole = len(self._rest) // self.size * self.size
        if whole:
            self.write(self._rest[:whole])
            self._rest = self._rest[whole:]

    def end(self):
        if self._rest:
            try:
                self.write(self._rest.ljust(self.size, b'\0'))
            except (IOError, OSError) as error:
                raise OutputFailed(error)


@contextlib.contextmanager
def written(job, gauge, tape, image):
    """A function that writes to the next file of the tape, which is whole when this is left without an exception."""
    where = image['tape']
    tape.expect(where['file'])
    argv = [tape.dd, 'of=' + tape.device, 'ibs=%d' % PIPE_BLOCK, 'obs=%d' % where['block']]
    try:
        with job.running(gauge, argv, stdin=PIPE) as tool:
            blocks = Blocks(writer(tool.input), where['block'])
            yield blocks.put
            blocks.end()
    except (CommandFailed, OutputFailed) as error:
        # Others than this dd fail too.
        if isinstance(error, CommandFailed) and error.result.argv != argv:
            raise
        raise tape.trouble(tool.said(), 'the log %s' % gauge.log)
    tape.expect(where['file'] + 1)


def read(job, gauge, tape, image, copier):
    """Let copier take a file of the tape, without the zeros at its end."""
    where = image['tape']
    tape.go(where['file'])
    with job.running(gauge, [tape.dd, 'if=' + tape.device, 'bs=%d' % where['block']], stdout=PIPE) as tool:
        left = image['stored_bytes']
        for piece in iter(lambda: os.read(tool.output, where['block']), b''):
            if left < len(piece) and piece[left:].strip(b'\0'):
                raise Refused('The file of %s on the tape is longer than it was written.' % image['volume'], object=image['volume'],
                              found='more than %d bytes' % image['stored_bytes'])
            if left:
                copier.put(piece[:left])
                left -= min(left, len(piece))
