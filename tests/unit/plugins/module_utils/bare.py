# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An interpreter for small programs of the tests, which starts in half the time: it finds the standard library and nothing else."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import sys

# Without its site-packages an environment of CPython 2 finds nothing; what it was made from does.
PYTHON = os.path.join(getattr(sys, 'real_prefix', sys.prefix), 'bin', 'python2.7') if str is bytes else sys.executable
COMMAND = PYTHON + ' -SE'
