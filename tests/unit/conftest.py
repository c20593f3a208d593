# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lets every Python import this checkout as ansible_collections.volmgr.snapbackup, without Ansible's own loader."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The last Python whose modules are driven by the ansible-core of .cache/venv.
LAST_OF_CORE216 = (3, 12)


def package(name, path):
    """Register a package whose modules are found in the directory path; it needs no __init__.py (Python 2.7 wants one)."""
    module = types.ModuleType(name)
    module.__path__ = [path]
    sys.modules[name] = module
    parent, dot, child = name.rpartition(".")
    if dot:
        setattr(sys.modules[parent], child, module)


def ansible_directory():
    """The ansible package of one of the environments: its module_utils serve the Pythons that it manages."""
    venv = "venv" if sys.version_info[:2] <= LAST_OF_CORE216 else "venv-new"
    found = glob.glob(os.path.join(ROOT, ".cache", venv, "lib", "python3*", "site-packages", "ansible"))
    return found[0] if found else None


if "ansible_collections" not in sys.modules:
    package("ansible_collections", os.path.join(ROOT, ".cache", "collections", "ansible_collections"))
    package("ansible_collections.volmgr", os.path.join(ROOT, ".cache", "collections", "ansible_collections", "volmgr"))
    package("ansible_collections.volmgr.snapbackup", ROOT)
    package("ansible_collections.volmgr.snapbackup.plugins", os.path.join(ROOT, "plugins"))
    for kind in ("module_utils", "modules", "action", "doc_fragments", "filter"):
        package("ansible_collections.volmgr.snapbackup.plugins." + kind, os.path.join(ROOT, "plugins", kind))

try:
    __import__("ansible")
except ImportError:
    if ansible_directory():
        package("ansible", ansible_directory())
