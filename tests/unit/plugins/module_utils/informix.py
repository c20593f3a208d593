# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An Informix server that is a file, and the programs that work on it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'clients', 'informix.py')
TOOLS = ('onmode', 'onstat', 'onbar')
SERVER = 'ol_backup'


def server(data):
    """What the file holds at first: an on-line server with its chunks below data."""
    return {'server': SERVER, 'mode': 'On-Line', 'role': '', 'blocked': '', 'says': 'ARCHIVE_EBR', 'ltapedev': '/dev/rmt/0', 'faults': [],
            'chunks': [{'flags': 'PO-B--', 'path': os.path.join(data, 'rootdbs')},
                       {'flags': 'PO-B--', 'path': os.path.join(data, 'space1')},
                       {'flags': 'MO-B--', 'path': '/nowhere/mirror'}],
            'logs': [{'unique': 5, 'flags': 'U-B----'}, {'unique': 6, 'flags': 'U---C-L'}, {'unique': 0, 'flags': 'A------'}]}


class Informix:
    """The server below a directory (a py.path), and an entry of option quiesce for it."""

    def __init__(self, base):
        self.base = base
        self.home, self.data = base.mkdir('informix'), base.mkdir('data')
        tools = self.home.mkdir('bin')
        with open(SCRIPT) as source:
            script = '#!%s\n%s' % (sys.executable, source.read())
        for name in TOOLS:
            tools.join(name).write(script)
            tools.join(name).chmod(0o755)
        self.file = self.home.join('server.json')
        self.write(server(str(self.data)))
        for chunk in self.read()['chunks'][:2]:
            with open(chunk['path'], 'w') as target:
                target.write('pages')

    def entry(self, **changes):
        return dict(dict(driver='informix', home=str(self.home), server=SERVER, onconfig=None, sqlhosts=None, limit=20, archive='onbar'),
                    **changes)

    def read(self):
        return json.loads(self.file.read())

    def write(self, data):
        # A client may be about to read it.
        new = self.home.join('server.json.test')
        new.write(json.dumps(data))
        new.rename(self.file)

    def set(self, **changes):
        self.write(dict(self.read(), **changes))

    def set_chunk(self, number, **changes):
        chunks = self.read()['chunks']
        chunks[number].update(changes)
        self.set(chunks=chunks)

    def fault(self, on, do, times=1):
        self.set(faults=self.read()['faults'] + [{'on': on, 'do': do, 'times': times}])

    @property
    def blocked(self):
        return self.read()['blocked']

    def said(self):
        """The state-changing commands, in their order."""
        kept = self.home.join('server.json.said')
        return [line for line in (kept.read().splitlines() if kept.check() else []) if not line.startswith('onstat')]
