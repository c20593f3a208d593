# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""store.py DIRECTORY DEVICE BYTES: let a copy job store a device, and print its status when it has ended.

Its seconds are those of the whole job, from its first line to the durable manifest.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'unit'))

import conftest  # noqa: E402,F401  # pylint: disable=unused-import  # it makes the collection importable

from ansible_collections.volmgr.snapbackup.plugins.module_utils import (  # noqa: E402
    _destination, _job, _methods, _platform, _run, _store)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner  # noqa: E402


def main(directory, device, size):
    member = dict(volume='d1', copy='d3', device=device, block_device=device, bytes=size, original=device, filesystem=None, fstype=None)
    record = _run.open_run(os.path.join(directory, 'state'), 'bench', 'svm', 'backup', [member],
                           _platform.boot_identity(Runner()), 'bench')
    place = _destination.Destination(directory, 'bench', record.run, ['d1'])
    images = _store.plan(record.data, record.state_dir, place, _methods.Method('dd', None, 'stream', 0, False))
    spec = dict(place.spec(), images=images, stall=900, streams=1, volumes=[['d1', size]])
    now = _job.start(record, '_store', spec)
    while now['state'] == 'running':
        time.sleep(0.1)
        now = _job.status(record)
    print(json.dumps(now))
    return 0 if now['state'] == 'complete' else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
