# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Proof that a copy still is the cut that a run has made."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused


def prove(record, runner):
    """Refused unless the copy is still the cut of this run: same boot, run still open, and every proof of the record holds."""
    record = _run.load(record.state_dir, record.run)
    record.refuse_ended()
    boot = _platform.boot_identity(runner)
    if boot != record.data['boot']:
        raise Refused('The host was booted after the split; the copy is not of this run any more.', object=record.run,
                      found='boot %s' % boot, needed='boot %s' % record.data['boot'])
    for clause in record.data['proof']:
        result = runner(clause['argv'], timeout=300)
        if result.rc is None or not re.search(clause['match'], result.out, re.MULTILINE):
            raise Refused('The copy is not proved to be still the one that was split; it must not be used.', object=record.run,
                          found=result.out.strip()[-500:] or 'no answer', vendor=result.err.strip()[-500:] or None,
                          needed='an answer that matches %s' % clause['match'], look=' '.join(clause['argv']))
