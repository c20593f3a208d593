# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Pythons that figures are taken on."""

import subprocess
import sys

import environments

OLD = "2.7"


def current():
    """The newest CPython here that ansible-core can drive."""
    return next(filter(None, map(environments.interpreter, environments.CORE_PYTHONS["newest"])), sys.executable)


def old():
    """CPython 2.7, or None."""
    return environments.interpreter(OLD)


def name(python):
    """CPython X.Y"""
    code = "import sys; sys.stdout.write('CPython %d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
