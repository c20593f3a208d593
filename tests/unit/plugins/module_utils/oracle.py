# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An Oracle instance that is a file, and the sqlplus that works on it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import getpass
import json
import os
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'clients', 'sqlplus.py')
SID = 'ORCL'


def instance(data, archive, host):
    """What the file holds at first: an open database with its files below data, which archives into archive."""
    names = [('system01.dbf', 'SYSTEM', 'YES'), ('users01.dbf', 'ONLINE', 'YES'), ('seed01.dbf', 'ONLINE', 'NO')]
    files = [{'file#': number + 1, 'status': status, 'backup': 'NOT ACTIVE', 'since': 0, 'fuzzy': fuzzy, 'checkpoint': 900,
              'name': os.path.join(data, name)} for number, (name, status, fuzzy) in enumerate(names)]
    return {'status': 'OPEN', 'database_status': 'ACTIVE', 'host': host, 'log_mode': 'ARCHIVELOG', 'open_mode': 'READ WRITE',
            'database_role': 'PRIMARY', 'name': 'ORCL', 'dbid': 1234567, 'scn': 1000, 'files': files, 'logs': [], 'threads': [[1, 'OPEN']],
            'archive': archive, 'sequence': 7, 'log_first': 950, 'sessions': {}, 'faults': []}


class Oracle:
    """The instance below a directory (a py.path), and an entry of option quiesce for it."""

    def __init__(self, base):
        self.base = base
        self.home, self.data, self.archive, self.control = [base.mkdir(name) for name in ('home', 'data', 'archive', 'control')]
        client = self.home.mkdir('bin').join('sqlplus')
        with open(SCRIPT) as source:
            client.write('#!%s\n%s' % (sys.executable, source.read()))
        client.chmod(0o755)
        self.file = self.home.join('instance.json')
        self.write(instance(str(self.data), str(self.archive), os.uname()[1]))
        for found in self.read()['files']:
            with open(found['name'], 'w') as datafile:
                datafile.write('blocks')

    def entry(self, **changes):
        return dict(dict(driver='oracle', sid=SID, home=str(self.home), user=getpass.getuser(), client=None, service=None, limit=20,
                         archive=None, control_directory=str(self.control), suspend=False), **changes)

    def read(self):
        return json.loads(self.file.read())

    def write(self, data):
        # The client may be about to read it.
        new = self.home.join('instance.json.test')
        new.write(json.dumps(data))
        new.rename(self.file)

    def set(self, **changes):
        self.write(dict(self.read(), **changes))

    def set_file(self, number, **changes):
        self.set(files=[dict(found, **changes) if found['file#'] == number else found for found in self.read()['files']])

    def fault(self, on, do, times=1):
        self.set(faults=self.read()['faults'] + [{'on': on, 'do': do, 'times': times}])

    def active(self):
        """The numbers of the files in backup mode."""
        return [found['file#'] for found in self.read()['files'] if found['backup'] == 'ACTIVE']

    def lines(self, kind):
        kept = self.home.join('instance.json.' + kind)
        return kept.read().splitlines() if kept.check() else []

    def said(self):
        """The state-changing statements, in their order."""
        return [line for line in self.lines('said') if line.startswith('ALTER ')]
