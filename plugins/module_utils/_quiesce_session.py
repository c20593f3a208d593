# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the holders of databases share: a client program that is kept open, and where the parts of a database lie."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import fcntl
import glob
import os
import pwd
import select
import stat
import subprocess

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import environment, kill_group, text
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import identity

DONE = 'snapbackup-answer-ends-here'


def client_program(path, names, installed):
    """The absolute path of a client: the given one, or the first of names that is on this host, or the last that matches installed."""
    found = [path] if path else [tool for tool in map(_platform.find, names) if tool]
    found = found or sorted(match for pattern in installed for match in glob.glob(pattern))[-1:]
    return found[0] if found else _platform.need(names[0])


class Session:
    """A client program of a database that answers one statement at a time and ends when its standard input is closed.

    product: for messages. closing, mark: what makes the program print the text mark, so that an answer has an end.
    user: the operating system user it runs as, or None for this one. extra: for its environment. Refused if it cannot be started.
    """

    def __init__(self, product, argv, user, closing, mark, extra=None):
        self.product = product
        self.closing = closing
        self.mark = mark.encode('ascii')
        self.pending = b''
        try:
            self.process = spawn_as(argv, pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid()), extra)
        except KeyError:
            raise Refused('There is no user %s to connect as.' % user, object=user, look='id %s' % user)
        except (IOError, OSError) as error:
            raise Refused('The client of %s cannot be started.' % product, object=argv[0], found=error.strerror,
                          needed='the path of an executable', remedy='set the option client')
        for stream in (self.process.stdin, self.process.stdout):
            fcntl.fcntl(stream, fcntl.F_SETFD, fcntl.FD_CLOEXEC)

    def ask(self, statement, limit):
        """The lines of the answer. Refused on an error or after limit seconds; the session has ended then."""
        try:
            self.process.stdin.write(('%s;\n%s\n' % (statement, self.closing)).encode('utf-8'))
            self.process.stdin.flush()
        except (IOError, OSError):
            # It has ended. Why, is in its output, which is read below up to its end.
            pass
        until = _platform.monotonic() + limit
        while self.mark not in self.pending:
            self.read(until, limit)
        answer, self.pending = self.pending.split(self.mark, 1)
        return text(answer).splitlines()

    def read(self, until, limit):
        left = until - _platform.monotonic()
        if left <= 0:
            raise self.refusal('gave no answer within %d s' % limit)
        try:
            ready = select.select([self.process.stdout], [], [], left)[0]
        except (OSError, select.error) as error:
            if error.args[0] != errno.EINTR:
                raise
            return
        if ready:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise self.refusal('ended')
            self.pending += data

    def refusal(self, what):
        self.close()
        return Refused('The %s session %s.' % (self.product, what), vendor=text(self.pending).strip() or None,
                       look='the client of %s, as the same user' % self.product)

    def alive(self):
        return self.process.poll() is None

    def identity(self):
        """The client's process, so that another process can end it. See _process."""
        return identity(self.process.pid, None)

    def close(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except (IOError, OSError):
                # Closing flushes, and there may be nobody left to flush to.
                continue
        kill_group(self.process)


def spawn_as(argv, account, extra=None):
    """Start argv as another user (a pwd entry), leading a process group of its own. extra: for its environment."""
    def become():
        os.setsid()
        if os.geteuid() != account.pw_uid:
            os.initgroups(account.pw_name, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)

    env = environment(dict({'HOME': account.pw_dir, 'USER': account.pw_name, 'LOGNAME': account.pw_name}, **(extra or {})))
    # A session that is talked to while it lives; AnsibleModule.run_command() only waits for an end.
    return subprocess.Popen(argv, env=env, cwd='/', close_fds=True, preexec_fn=become,  # pylint: disable=ansible-bad-function
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def node_of(path):
    """(kind, number) of the device that path leads to; None where it leads to none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    kind = stat.S_IFMT(found.st_mode)
    return (kind, found.st_rdev) if kind in (stat.S_IFBLK, stat.S_IFCHR) else None


def is_volume_of(member, path):
    """Whether path is the volume of a member, by any name of its raw or its block device. What is made of it is another volume."""
    given = [member.get('original')] if member.get('original') else [member.get('device'), member.get('block_device')]
    names = set(name for raw in given if raw for name in (raw, raw.replace('/rdsk/', '/dsk/', 1)))
    real, node = os.path.realpath(path), node_of(path)
    return any(os.path.realpath(name) == real or node is not None and node_of(name) == node for name in names)


def member_of(members, path):
    """The member of the run on whose file system path lies, or whose volume it is, or None."""
    inside = [member for member in members if is_volume_of(member, path)]
    # The file system that has the node of a device has nothing of its content.
    if not inside and os.path.exists(path) and node_of(path) is None:
        inside = [member for member in members if member['filesystem']
                  and os.stat(member['filesystem']).st_dev == os.stat(path).st_dev]
    return inside[0] if inside else None


def refuse_outside(members, paths, what):
    """Refused unless every part (paths) of what, a database, lies on a member of the run."""
    for path in paths:
        if member_of(members, path) is None:
            raise Refused('Part of the %s lies on no volume of this run, so the copy would not be whole.' % what, object=path,
                          found='not on %s' % ', '.join(member['filesystem'] or member['volume'] for member in members),
                          look='df -k %s' % path, remedy='add its volume to the set')
