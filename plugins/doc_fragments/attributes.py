# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type


class ModuleDocFragment(object):
    """What the modules can do, said once."""

    DOCUMENTATION = r'''
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return the commands it would run and the state it would reach, without changing anything.
  diff_mode:
    description: Returns the state before and after, and the state-changing commands, in diff mode.
  platform:
    description: Platforms the module works on.
'''
