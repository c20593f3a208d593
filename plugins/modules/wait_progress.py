# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: wait_progress
short_description: Wait for a long operation and show how far it is
description:
  - Calls a module that reports progress again and again, until it returns C(in_progress) as false.
  - Every ten seconds at most, it prints one line per host with what is going on. A figure that the module does not return is not printed.
  - A lost connection does not end the wait. What runs on the host does not need it.
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
options:
  module:
    description: Name of the module, preferably with its collection.
    type: str
    required: true
  args:
    description: Options of the module.
    type: dict
    default: {}
  interval:
    description: Seconds between two calls.
    type: float
    default: 2.0
  timeout:
    description: Seconds after which the wait fails. V(0) waits for ever.
    type: float
    default: 0.0
  unreachable_timeout:
    description: Seconds for which the host may be unreachable without a break.
    type: float
    default: 600.0
notes:
  - The wait fails when the module fails, and when a C(job) that it reports has failed, was lost or never was.
attributes:
  action:
    support: full
    description: Runs on the controller and calls the module on the host.
  check_mode:
    support: full
    description: Nothing is waited for; the task is skipped.
  diff_mode:
    support: none
    description: Nothing is changed here.
  platform:
    support: full
    platforms: solaris, linux
seealso:
  - module: volmgr.snapbackup.volume_backup
  - module: volmgr.snapbackup.svm_info
'''

EXAMPLES = r'''
- name: Wait until the copies are stored
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.volume_backup
    args:
      run: "{{ snapbackup_run }}"
      state: read

- name: Wait for the resynchronisation, two hours at most
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.svm_info
    args:
      mirrors: [d1]
    interval: 10
    timeout: 7200
'''

RETURN = r'''
polls:
  description: How often the module was called. Beside it, the last result of the module is returned as it is.
  returned: always
  type: int
waited:
  description: Seconds from the first call to the last.
  returned: always
  type: float
in_progress:
  description: Whether the operation still goes on, which is so only when the wait has failed.
  returned: when the module was reached
  type: bool
'''
