# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What iiadm cannot tell of a shadow, and what must outlive the run that knows it: a file in the state directory.

{shadow: {key: run}}, with the keys
  void     an update was begun and is not proved to be one point in time: neither exported nor restored from until updated again
  full     its bitmap may not know all that differs: the next update copies everything
  returned this host has imported it in this run and given it back: a second import would format the bitmap that the join needs
  unclosed the set that was given back could not write its bitmap, or had been through a boot: what is in it proves nothing
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

VOID, FULL, RETURNED, UNCLOSED = 'void', 'full', 'returned', 'unclosed'


def _path(state_dir):
    return os.path.join(state_dir, 'instant_image.json')


def read(state_dir):
    return _files.read_json(_path(state_dir)) or {}


def mark(state_dir, key, shadows, run):
    """Set a mark of shadows; run: what is kept as the reason, or None to take the mark away."""
    with _run.locked(state_dir):
        marks = read(state_dir)
        for shadow in shadows:
            entry = dict(marks.get(shadow, {}), **{key: run})
            marks[shadow] = dict((name, value) for name, value in entry.items() if value is not None)
        _files.write_json(_path(state_dir), dict((shadow, entry) for shadow, entry in marks.items() if entry))


def of(state_dir, key, shadow):
    """The mark of a shadow, or None."""
    return read(state_dir).get(shadow, {}).get(key)


def refuse_void(state_dir, shadow):
    """Refused while nothing proves that the shadow holds one point in time."""
    run = of(state_dir, VOID, shadow)
    if run:
        raise Refused('What %s holds is not proved to be one point in time.' % shadow, object=shadow,
                      found='the update of run %s has failed, or its window lasted too long' % run,
                      needed='a shadow that was updated since', remedy='module ii_copy, state updated')
