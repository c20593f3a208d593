# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""onmode, onstat and onbar over a server that is a file, $INFORMIXDIR/server.json, and planted faults.

A fault is {"on": part of the command, "do": what, "times": how often}, where what is
  fail        an error, and no effect
  late        an error after the effect
  lie         no effect, and no error
  hang        neither, nor an end
  hang late   the effect, and no end
  odd         a word that no manual has, instead of the answer
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import fcntl
import json
import os
import sys
import time

STATE = os.path.join(os.environ['INFORMIXDIR'], 'server.json')
CODES = {'On-Line': 5, 'Quiescent': 1}
CHUNK = '%-16x %-6d %-6d %-10d %-10d %-10d %-9s %-5s %s'
LOG = '%-16x %-8d %-8s %-8d 1:%-19d 500      %-4d   100.00'


class Server:
    """The file, locked while a command is at work."""

    def __enter__(self):
        self.lock = open(STATE + '.lock', 'a')
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        with open(STATE) as source:
            self.data = json.load(source)
        return self

    def __exit__(self, *dummy):
        with open(STATE + '.new', 'w') as target:
            json.dump(self.data, target)
        os.rename(STATE + '.new', STATE)
        self.lock.close()

    def fault(self, command):
        for fault in self.data['faults']:
            if fault['on'] in command and fault['times'] > 0:
                fault['times'] -= 1
                return fault['do']
        return None

    # Commands; each returns its exit code.

    def onmode_c_block(self):
        self.data['blocked'] = self.data['says']
        return 0

    def onmode_c_unblock(self):
        if not self.data['blocked']:
            print('onmode: Server is not blocked.')
            return 1
        self.data['blocked'] = ''
        return 0

    def onbar_b_l_c(self):
        for log in self.data['logs']:
            if log['flags'][4:5] == 'C':
                log['flags'] = 'U------'
                following = log['unique'] + 1
            if log['flags'][0] == 'U':
                log['flags'] = 'U-B----'
        self.data['logs'].append({'unique': following, 'flags': 'U---C-L'})
        return 0

    def onstat_(self):
        return CODES[self.data['mode']]

    def onstat_d(self):
        print('Dbspaces\naddress          number   flags      fchunk   nchunks  pgsize   flags    owner    name')
        print('4484a028         1        0x10020001 1        1        2048     N  BA    informix rootdbs\n 1 active, 2047 maximum\n')
        print('Chunks\naddress          chunk/dbs     offset     size       free       bpages     flags pathname')
        for number, chunk in enumerate(self.data['chunks']):
            print(CHUNK % (0x4484a268 + number, number + 1, 1, 0, 250000, 198331, '', chunk['flags'], chunk['path']))
        print(' %d active, 32766 maximum\n' % len(self.data['chunks']))
        print('NOTE: The values in the "size" and "free" columns for DBspace chunks are')
        print('      displayed in terms of "pgsize" of the DBspace to which they belong.\n\nExpanded chunk capacity mode: always\n')
        return 0

    def onstat_l(self):
        print('Physical Logging\nBuffer bufused  bufsize  numpages numwrits pages/io\n  P-1  0        16       716      55       13.02')
        print('      phybegin         physize  phypos   phyused  %used   \n      1:263            500      270      0        0.00    \n')
        print('Logical Logging\nBuffer bufused  bufsize  numrecs  numpages numwrits recs/pages pages/io')
        print('  L-3  0        16       42169    2872     1043     14.7       2.8     \n        Subsystem    numrecs  Log Space used')
        print('        OLDRSAM      42169    4436496       \n')
        print('address          number   flags    uniqid   begin                size     used    %used')
        for number, log in enumerate(self.data['logs']):
            print(LOG % (0xa517f70 + number, number + 1, log['flags'], log['unique'], 763 + 500 * number, 500))
        print(' %d active, %d total\n' % (len(self.data['logs']), len(self.data['logs'])))
        return 0

    def onstat_c(self):
        print('# Logical logs\nLTAPEDEV %s\nLTAPEBLK 32\n' % self.data['ltapedev'])
        return 0

    def banner(self):
        if self.data['mode'] == 'Off-Line':
            print('shared memory not initialized for INFORMIXSERVER \'%s\'' % os.environ['INFORMIXSERVER'])
            sys.exit(255)
        print('IBM Informix Dynamic Server Version 12.10.FC10 -- %s%s -- Up 16 days 00:54:04 -- 168144 Kbytes' % (
            self.data['mode'], self.data['role']))
        if self.data['blocked']:
            print('Blocked:%s' % self.data['blocked'])
        print('')


def main():
    words = [os.path.basename(sys.argv[0])] + sys.argv[1:]
    command = ' '.join(words)
    with open(STATE + '.said', 'a') as said:
        said.write('%s\n' % command)
    with Server() as server:
        fault = server.fault(command)
        expected = server.data['server'] == os.environ.get('INFORMIXSERVER')
    if not expected or fault == 'fail':
        print('%s: cannot work.' % words[0])
        return 1
    if fault == 'hang':
        time.sleep(60)
    if fault == 'odd':
        print('IBM Informix Dynamic Server Version 12.10.FC10 -- Perhaps -- Up 16 days 00:54:04 -- 168144 Kbytes')
        return 5
    if fault == 'lie':
        return 0
    with Server() as server:
        if words[0] == 'onstat':
            server.banner()
        code = getattr(server, '_'.join(word.strip('-') for word in words))()
    sys.stdout.flush()
    if fault == 'hang late':
        time.sleep(60)
    return 1 if fault == 'late' else code


if __name__ == '__main__':
    sys.exit(main())
