# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Modules as Ansible runs them, on a host whose tools are small shell scripts."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import importlib
import json
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'module_utils'))

from solaris import Solaris  # noqa: E402

MODULES = 'ansible_collections.volmgr.snapbackup.plugins.modules.'


@pytest.fixture
def solaris(tmpdir, monkeypatch):
    made = Solaris(str(tmpdir), monkeypatch)
    yield made
    made.remove()


@pytest.fixture
def call(capfd, solaris):
    """call(module, check=False, **params) runs a module with real arguments and returns what it printed."""
    sys.modules['ansible'].__dict__.setdefault('__file__', os.path.join(list(sys.modules['ansible'].__path__)[0], '__init__.py'))
    basic = importlib.import_module('ansible.module_utils.basic')

    def run(module, check=False, **params):
        params.setdefault('state_dir', solaris.state)
        params.update(_ansible_check_mode=check, _ansible_diff=True, _ansible_remote_tmp=solaris.base)
        basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': params}).encode('utf-8')
        basic._ANSIBLE_PROFILE = 'legacy'
        with pytest.raises(SystemExit):
            importlib.import_module(MODULES + module).main()
        return json.loads(capfd.readouterr().out)
    return run
