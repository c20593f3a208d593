# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moving an image between tools and files: counted, hashed on the way, every exit code looked at."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import fcntl
import functools
import hashlib
import os
import subprocess
import threading

try:
    from queue import Queue
except ImportError:
    from Queue import Queue

from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Result, environment, kill_group, spawn, text
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import monotonic

BLOCK = 1024 * 1024
# What is read at a time: small enough to be still in the cache of the processor when it is hashed and written.
PIECE = 128 * 1024
AHEAD = 16
TAIL = 2000
PIPE = subprocess.PIPE
# fcntl(2) of Linux; the default pipe of 64 KiB costs a switch of process for every one of them.
F_SETPIPE_SZ = 1031


class OutputFailed(Exception):
    """What was read could not be written on. errno and strerror are those of the system call."""

    def __init__(self, error):
        Exception.__init__(self, str(error))
        self.errno = error.errno
        self.strerror = error.strerror


class Digest:
    """SHA-256 in a thread of its own: hashlib lets go of the interpreter lock while it works on a block."""

    def __init__(self):
        self._sum = hashlib.sha256()
        self._blocks = Queue(AHEAD)
        self._thread = threading.Thread(target=self._work)
        self._thread.daemon = True
        self._thread.start()

    def _work(self):
        for block in iter(self._blocks.get, None):
            self._sum.update(block)

    def feed(self, block):
        self._blocks.put(block)

    def hexdigest(self):
        """The sum of all that was fed. Nothing may be fed afterwards."""
        self._blocks.put(None)
        while self._thread.is_alive():
            # With a limit, because in Python 2 a join without one cannot be interrupted by a signal.
            self._thread.join(60)
        return self._sum.hexdigest()


class Copier:
    """Takes streams one after the other into one output and one sum. Raises OutputFailed when the output takes no more.

    write: a function that takes a whole block, or None to count and hash only. count: called with the size of every block.
    limit: bytes that the whole may have; more is refused as soon as it shows.
    """

    def __init__(self, write, count=lambda size: None, limit=None):
        self.write = write
        self.count = count
        self.limit = limit
        self.bytes = 0
        self._digest = Digest()

    def take(self, source, piece=PIECE):
        """Copy from the descriptor source until its end. piece: the largest block that it gives at a time."""
        for block in iter(lambda: os.read(source, piece), b''):
            self.put(block)

    def put(self, block):
        """Copy one block."""
        self.bytes += len(block)
        if self.limit is not None and self.bytes > self.limit:
            raise Refused('The stream is longer than it must be.', found='more than %d bytes' % self.limit,
                          needed='%d bytes' % self.limit)
        self._digest.feed(block)
        if self.write is not None:
            try:
                self.write(block)
            except (IOError, OSError) as error:
                raise OutputFailed(error)
        self.count(len(block))

    def sha256(self):
        """The sum of all that was taken; nothing may be taken afterwards."""
        return self._digest.hexdigest()

    def facts(self):
        """(bytes, sha256) of all that was taken."""
        return self.bytes, self.sha256()


def writer(fd):
    """A function that writes a whole block to a descriptor."""
    return functools.partial(write_all, fd)


def write_all(fd, block):
    done = os.write(fd, block)
    while done < len(block):
        done += os.write(fd, block[done:])


def sync(fd):
    """Wait until all that was written to a file is on the disk; OutputFailed if it does not get there."""
    try:
        os.fsync(fd)
    except (IOError, OSError) as error:
        raise OutputFailed(error)


class Tool:
    """A process at an end of a stream, in a process group of its own; what it says on standard error goes to the file log.

    stdin, stdout: PIPE where we write or read (the descriptors input and output then), a descriptor that another tool has given,
    or None: then it reads nothing, and what it prints goes to the log.
    """

    def __init__(self, argv, log, stdin=None, stdout=None, env=None, cwd='/'):
        self.argv = list(argv)
        self.log = log
        self.stalled = None
        self.killed = False
        self.started = monotonic()
        with open(log, 'ab') as err:
            with open(os.devnull, 'rb') as null:
                err.seek(0, os.SEEK_END)
                self.mark = err.tell()
                self.process = spawn(self.argv, stdin=null if stdin is None else stdin, stdout=err if stdout is None else stdout,
                                     stderr=err, env=environment(env), cwd=cwd)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                widen(stream.fileno())

    @property
    def input(self):
        """The descriptor that we write to."""
        return self.process.stdin.fileno()

    @property
    def output(self):
        """The descriptor that we read from."""
        return self.process.stdout.fileno()

    def close(self):
        """Close our ends of its streams."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except (IOError, OSError) as error:
                    if error.errno != errno.EPIPE:
                        raise

    def said(self, last=TAIL):
        """The last bytes of what it has written to standard error; 0 for all."""
        with open(self.log, 'rb') as log:
            log.seek(self.mark)
            return text(log.read()[-last:]).strip()

    def stall(self, seconds):
        """Kill it because nothing has moved for so long."""
        self.stalled = seconds
        self.kill()

    def kill(self):
        # After that its exit code says nothing: two threads may have asked for it.
        self.killed = True
        kill_group(self.process)

    def check(self):
        """Wait for its end; Refused if it was killed for stalling, CommandFailed unless it ended by itself with 0."""
        self.close()
        rc = self.process.wait()
        if self.stalled is not None:
            raise Refused('%s moved no byte for %d s and was killed.' % (' '.join(self.argv), self.stalled),
                          object=self.argv[0], vendor=self.said() or None, look='the log %s' % self.log)
        if rc != 0 or self.killed:
            raise CommandFailed(Result(self.argv, rc, '', self.said(), monotonic() - self.started, self.started))


def widen(pipe):
    """Make a pipe hold a whole block of dd, where the system can."""
    try:
        fcntl.fcntl(pipe, F_SETPIPE_SZ, BLOCK)
    except (IOError, OSError):
        pass


def file_sha256(path, count=lambda size: None):
    """(bytes, sha256) of a file or device as it can be read now."""
    fd = os.open(path, os.O_RDONLY)
    try:
        copier = Copier(None, count)
        copier.take(fd)
    finally:
        os.close(fd)
    return copier.facts()
