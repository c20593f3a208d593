# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A client program of a database that is a small script: answers, errors, silence, death."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json

from bare import COMMAND
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import DONE

# Each line of the file answers is a pair: what is in the statement, and the answer; DIE, HANG and ERROR are special ones.
SCRIPT = r"""#!%s
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
name = os.path.join(here, os.path.basename(__file__))
with open(name + '.pid', 'a') as pids:
    pids.write('%%d\n' %% os.getpid())
with open(name + '.argv', 'a') as called:
    called.write('\n'.join(sys.argv[1:]) + '\n')
while True:
    line = sys.stdin.readline()
    if not line:
        break
    with open(name + '.asked', 'a') as asked:
        asked.write(line)
    if line.startswith('\\echo '):
        print(line[6:].strip())
        sys.stdout.flush()
        continue
    if line == "SELECT '%s';\n":
        print('%s\n%s')
        sys.stdout.flush()
        continue
    answers = json.load(open(name + '.answers'))
    said = ([str(answer) for pattern, answer in answers if pattern in line] + [''])[0]
    if said == 'DIE':
        sys.exit(2)
    if said == 'HANG':
        time.sleep(60)
    if said.startswith('ERROR'):
        print(said)
        sys.exit(3)
    if said:
        print(said)
        sys.stdout.flush()
"""


def fatal(pid_file):
    """A shell command that kills the process which was entered last, and ends when that is dead."""
    return 'p=$(tail -n 1 %s); kill -9 $p; until grep -q "^State:.Z" /proc/$p/status; do :; done' % pid_file


class Client:
    """The script in a directory (a py.path)."""

    def __init__(self, place, name):
        self.file = place.join(name)
        self.path = str(self.file)
        self.file.write(SCRIPT % (COMMAND, DONE, DONE, DONE))
        self.file.chmod(0o755)

    def answer(self, pairs):
        """What it answers from now on: [(part of the statement, text)], the first that fits."""
        self.file.new(basename=self.file.basename + '.answers').write(json.dumps(pairs))

    def lines(self, kind):
        kept = self.file.new(basename='%s.%s' % (self.file.basename, kind))
        return kept.read().splitlines() if kept.check() else []

    def pids(self):
        """The processes that it was, the last one last."""
        return [int(line) for line in self.lines('pid')]

    def asked(self):
        return '\n'.join(self.lines('asked'))
