# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A tape drive for unit tests: mt and dd that keep a tape as files in a directory."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os

from bare import COMMAND

PROGRAM = r'''
import json, os, sys
STATE, DEVICE = %(state)r, %(device)r
def load():
    with open(STATE) as source:
        return json.load(source)
def save(state):
    with open(STATE, 'w') as target:
        json.dump(state, target)
def content(number):
    return STATE + '.%%d' %% number
def fail(text, rc):
    sys.stderr.write(text + '\n')
    sys.exit(rc)
'''
MT = PROGRAM + r'''
words = sys.argv[1:]
if words[:2] != ['-f', DEVICE]:
    fail('%%s: No such file or directory' %% words[1], 1)
state = load()
state['calls'].append(' '.join(words[2:]))
verb = words[2]
if state['trouble']:
    fail(DEVICE + ': ' + state['trouble'], 1)
if verb == 'status':
    print(state['status'] %% tuple(state['at']))
elif verb in state['unknown']:
    fail('mt: unknown command: ' + verb, 1)
elif verb not in state['stuck']:
    if verb == 'rewind':
        state['at'] = [0, 0]
    elif verb == 'fsf':
        state['at'] = [state['at'][0] + int(words[3]), 0]
        if state['at'][0] > state['files']:
            fail('/dev/rmt/0n fsf %%s failed: I/O error' %% words[3], 2)
    elif verb in ('eom', 'eod'):
        state['at'] = [state['files'], 0]
    else:
        fail('mt: unknown command: ' + verb, 1)
save(state)
'''
DD = PROGRAM + r'''
options = dict(word.split('=', 1) for word in sys.argv[1:])
if DEVICE not in (options.get('if'), options.get('of')):
    os.execv('/bin/dd', ['/bin/dd'] + sys.argv[1:])
state = load()
number = state['at'][0]
if 'of' in options:
    data = getattr(sys.stdin, 'buffer', sys.stdin).read()
    if len(data) %% int(options['obs']):
        fail('dd: a block that is not whole', 1)
    full = state['capacity'] is not None and len(data) > state['capacity']
    with open(content(number), 'wb') as target:
        target.write(data)
    state.update(files=number + 1, at=[number + (number + 1 not in state['unmarked']), 0])
    save(state)
    if full:
        fail('dd: unexpected short write, wrote 0 bytes, expected 32768', 1)
else:
    if number >= state['files']:
        fail('dd: %%s: I/O error' %% DEVICE, 1)
    with open(content(number), 'rb') as source:
        data = source.read(int(options['bs']) if 'count' in options else -1)
    state['at'] = [0, 0] if state['rewinds'] else [number, 1] if 'count' in options else [number + 1, 0]
    save(state)
    getattr(sys.stdout, 'buffer', sys.stdout).write(data)
'''
SOLARIS = ('HP LTO tape drive:\n   sense key(0x0)= No Additional Sense   residual= 0   retries= 0\n'
           '   file no= %d   block no= %d')
LINUX = ('SCSI 2 tape drive:\nFile number=%d, block number=%d, partition=0.\nTape block size 0 bytes. Density code 0x58 (no translation).\n'
         'Soft error count since last status=0\nGeneral status bits on (41010000):\n BOT ONLINE IM_REP_EN')


class Drive:
    """The drive at device, with an empty tape in it. set() changes what it does."""

    def __init__(self, host):
        self.host = host
        self.device = host.file('0n', b'')
        self.state = host.path('tape')
        self.write(dict(files=0, at=[0, 0], capacity=None, trouble=None, status=SOLARIS, unknown=[], stuck=[], unmarked=[], rewinds=False,
                        calls=[]))
        for name, program in (('mt', MT), ('dd', DD)):
            self.tool(name, program % dict(state=self.state, device=self.device))

    def tool(self, name, program):
        path = os.path.join(self.host.tools, name)
        with open(path, 'w') as target:
            target.write('#!%s\n%s' % (COMMAND, program))
        os.chmod(path, 0o755)

    def read(self):
        with open(self.state) as source:
            return json.load(source)

    def write(self, state):
        with open(self.state, 'w') as target:
            json.dump(state, target)

    def set(self, **fields):
        self.write(dict(self.read(), **fields))

    def file(self, number, content=None):
        """The content of a file of the tape; or put one there."""
        path = '%s.%d' % (self.state, number)
        if content is not None:
            with open(path, 'wb') as target:
                target.write(content)
            self.set(files=number + 1)
        with open(path, 'rb') as source:
            return source.read()
