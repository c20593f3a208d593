# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type


class ModuleDocFragment(object):
    """Options of every module that starts a job of a run."""

    DOCUMENTATION = r'''
options:
  run:
    required: true
  environment:
    description:
      - Environment variables for the tools, for example a password.
      - They reach the job in a file that only the owner can read and that the job empties at once; they are never arguments.
    type: dict
  stall:
    description: Seconds without a byte after which the tool is killed and the job fails.
    type: int
    default: 900
  restart:
    description: Start again a job that has failed or was lost.
    type: bool
    default: false
'''
