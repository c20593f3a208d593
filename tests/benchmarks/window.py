# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""window.py TOOLS MIRROR...: open one freeze window with the tools of that directory and print its facts as JSON.

It runs on every Python of a managed host, in a process of its own, as in a module call.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'unit'))

import conftest  # noqa: E402,F401  # pylint: disable=unused-import  # it makes the collection importable

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce  # noqa: E402
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner  # noqa: E402
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm import Svm  # noqa: E402
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_cut import Offline  # noqa: E402


def main(tools, mirrors):
    _platform.TOOL_DIRS = (tools,)
    pairs = [(mirror, mirror + '2') for mirror in mirrors]
    members = [{'volume': mirror, 'filesystem': '/' + mirror, 'fstype': 'ufs'} for mirror in mirrors]
    window = _quiesce.Window(_quiesce.lock_holders(members, 'snapbackup:bench'),
                             [[_platform.need('metaoffline'), mirror, submirror] for mirror, submirror in pairs],
                             lambda look: Offline.confirm(Svm(look), pairs), 60, os.path.join(tools, 'lease.json'))
    print(json.dumps(window.open(Runner())))


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
