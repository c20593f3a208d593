# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the tests of the back ends share: scripted answers, fixtures, and waiting with a limit."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import io
import json
import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Result, Runner

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fixtures')
PATIENCE = 20


def fixture(kind, name):
    with io.open(os.path.join(FIXTURES, kind, name + '.txt'), encoding='utf-8', newline='') as source:
        return str(source.read())


def fixtures(kind):
    return sorted(name[:-len('.txt')] for name in os.listdir(os.path.join(FIXTURES, kind)))


def answer(out='', rc=0, err='', argv=()):
    return Result(list(argv), rc, out, err, 0.001, 1.0)


class Script(Runner):
    """A Runner that runs nothing: answers is {'tool arguments': text, Result, or list of these used in turn}.

    The tool is named without its directory. An argument list that is not in answers fails the test.
    """

    def __init__(self, answers):
        Runner.__init__(self)
        self.answers = answers
        self.calls = []

    def __call__(self, argv, timeout=60, data=None):
        self.reads += 1
        return self.say(argv)

    def change(self, argv, timeout=60, data=None):
        result = self.say(argv)
        self.account(result)
        return result

    def say(self, argv):
        words = ' '.join([os.path.basename(argv[0])] + list(argv[1:]))
        self.calls.append(words)
        assert words in self.answers, 'unexpected command: %s' % words
        said = self.answers[words]
        if isinstance(said, list):
            said = said.pop(0) if len(said) > 1 else said[0]
        if not isinstance(said, tuple):
            said = answer(said)
        return said._replace(argv=list(argv))


def eventually(true, what='it'):
    """Wait until true() says so."""
    limit = time.time() + PATIENCE
    while not true():
        assert time.time() < limit, '%s never came' % what
        time.sleep(0.01)


def tools(directory, *names):
    """Executables that fail when run, so that a back end finds the commands it looks for."""
    for name in names:
        path = os.path.join(str(directory), name)
        with open(path, 'w') as target:
            target.write('#!/bin/sh\nexit 99\n')
        os.chmod(path, 0o755)
    return (str(directory),)


def gone(pid):
    """True when the process has ended, also where nobody has collected its exit code."""
    try:
        with open('/proc/%d/stat' % pid) as source:
            return source.read().rpartition(')')[2].split()[0] in ('Z', 'X')
    except (IOError, OSError):
        return True


class Record:
    """A run record as far as a window writes to it."""

    def __init__(self):
        self.undo = {}
        self.ever = []

    def add_undo(self, entry):
        # As it comes back from the disk.
        self.undo[entry['id']] = json.loads(json.dumps(entry))
        self.ever.append(self.undo[entry['id']])

    def clear_undo(self, *ids):
        for number in ids:
            self.undo.pop(number, None)
