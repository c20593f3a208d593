# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Counting on services that the run has stopped before the window (module service_bracket) and starts after it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._services import Bracket


class StoppedServices:
    """Holds nothing itself: it refuses a window around which the services do not stand still."""

    level = 'application'
    proved = True

    def __init__(self, number, entry, members, directory, run):
        self.key = 'services %d' % number
        self.bracket = Bracket(directory)
        # Where there is no directory of the run, the window is only predicted, and so is the bracket.
        self.predicted = os.path.basename(directory) != run
        self.plan = None

    def commands(self):
        return [], [], []

    def check(self, runner):
        if self.predicted:
            return
        self.plan = self.bracket.plan()
        self.boot = boot_identity(runner)
        broken = self.bracket.broken(self.boot)
        if broken:
            raise Refused('The services do not stand still.', object=self.key, found=broken,
                          needed='module service_bracket, state stopped, in this run', look='ls %s' % self.bracket.directory)

    def begin(self, runner):
        return None

    def flush(self, runner):
        return None

    def enter(self, lease):
        return None

    def proves(self, lease):
        broken = self.bracket.broken(self.boot)
        if broken:
            raise Torn('The services have not stood still over all cuts.', object=self.key, found=broken)

    def leave(self, lease):
        return None

    def undo(self, run):
        return True

    def end(self, runner):
        return []

    def facts(self):
        return {'driver': 'services', 'services': [service['name'] for service in self.plan['services']],
                'filesystems': [mount['point'] for mount in self.plan['mounts']]}

    def cancel(self):
        return None
