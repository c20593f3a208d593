# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host with VxVM volumes, as small as the modules need it: the state is a file, each tool veritas_tool.py.

Not the simulator: it knows no refusal of its own. A test gives a verb a fault with on(verb, effect): fail, lie-fail (done, and
reported as failed), lie-ok (reported as done, and not done), slow (done, and not at its end for SLOW seconds).
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import marshal
import os
import shutil
import tempfile

from bare import COMMAND
from veritas_tool import LENGTH, STATE, plex, volume

TOOLS = ('vxprint', 'vxassist', 'vxsnap', 'vxedit', 'vxdg', 'vxvol', 'vxrecover', 'vxdisk', 'vxtask', 'vxdctl', 'mount',
         'umount', 'fsck', 'kstat')
READS = ('vxprint', 'vxdisk', 'vxtask', 'kstat', 'list', 'listmove', 'mode', 'maxsize', 'free')
START = '\n'.join(('#!/bin/sh', 'exec %s -c \'import sys; sys.path.insert(0, "%s"); import veritas_tool; sys.exit(veritas_tool.main())\''
                   ' %s %s "$@"', ''))


class Veritas:
    """base, state: directories. look() is the state of the volumes, change(edit) changes it."""

    def __init__(self, base, monkeypatch, platform):
        self.base = base
        self.state = os.path.join(base, 'state')
        self.shared = tempfile.mkdtemp(dir='/dev/shm')
        for name in ('tools', 'tmp'):
            os.mkdir(self.path(name))
        for name in TOOLS:
            self.put(os.path.join('tools', name), START % (COMMAND, os.path.dirname(os.path.abspath(__file__)), base, name))
            os.chmod(self.path('tools', name), 0o755)
        self.put('mnttab', '/dev/dsk/c0t0d0s0\t/\tufs\trw\t0\n')
        self.put('boot', '1795000000')
        self.keep({'groups': {}, 'deported': {}, 'tags': {}, 'faults': {}, 'mode': 'mode: enabled: cluster inactive', 'owners': {}})
        monkeypatch.setattr(platform, 'TOOL_DIRS', (self.path('tools'),))
        monkeypatch.setattr(platform, 'MNTTAB', self.path('mnttab'))
        monkeypatch.setattr(tempfile, 'tempdir', self.path('tmp'))

    def path(self, *names):
        return os.path.join(self.base, *names)

    def put(self, name, content):
        with open(self.path(name), 'w') as target:
            target.write(content)

    def look(self):
        with open(self.path(STATE), 'rb') as source:
            return marshal.load(source)

    def keep(self, state):
        with open(self.path(STATE), 'wb') as target:
            marshal.dump(state, target)

    def change(self, edit):
        found = self.look()
        edit(found)
        self.keep(found)

    def group(self, name='datadg', **volumes):
        """A disk group with volumes, each with one plex unless it is given."""
        def add(found):
            found['groups'][name] = {'flags': '', 'version': 140, 'state': 'enabled', 'free': 100 * LENGTH, 'linked': [],
                                     'dgid': '1.2.' + name, 'volumes': dict(
                (key, value or volume({key + '-01': plex()})) for key, value in volumes.items())}
        self.change(add)

    def volumes(self, name='datadg'):
        return self.look()['groups'][name]['volumes']

    def plexes(self, name='vol01', group='datadg'):
        return dict((key, value['state']) for key, value in self.volumes(group)[name]['plexes'].items())

    def set(self, name='vol01', group='datadg', **fields):
        self.change(lambda found: found['groups'][group]['volumes'][name].update(fields))

    def finish(self, state='SNAPDONE'):
        """Every copy has ended; without a state, by failing."""
        def end(found):
            for group in found['groups'].values():
                for one in group['volumes'].values():
                    for name in [name for name in one['plexes'] if one['plexes'][name]['state'] == 'SNAPATT']:
                        one['plexes'][name]['state'] = state
                        if state is None:
                            del one['plexes'][name]
        self.change(end)

    def mount(self, name='vol01', fstype='vxfs', group='datadg'):
        point = os.path.join(self.shared, name)
        os.mkdir(point)
        with open(self.path('mnttab'), 'a') as table:
            table.write('/dev/vx/dsk/%s/%s\t%s\t%s\trw\t0\n' % (group, name, point, fstype))
        return point

    def freezer(self):
        """A command that freezes file systems."""
        for name in ('fsfreeze', 'sync'):
            self.put(os.path.join('tools', name), '#!/bin/sh\necho "${0##*/} $*" >>%s\n' % self.path('journal'))
            os.chmod(self.path('tools', name), 0o755)

    def on(self, verb, effect):
        self.change(lambda found: found['faults'].update({verb: effect}))

    def calls(self):
        """All commands, in their order."""
        if not os.path.exists(self.path('journal')):
            return []
        with open(self.path('journal')) as source:
            return [line.strip() for line in source]

    def journal(self):
        """The commands that change something, in their order."""
        return [line for line in self.calls() if not any(word in line.split()[:4] for word in READS)]

    def remove(self):
        shutil.rmtree(self.shared)
