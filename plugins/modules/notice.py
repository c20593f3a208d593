#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: notice
short_description: Tell somebody about a run, with commands that are killed when they take too long
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Runs commands on the host one after the other, for example to tell users or a monitoring system that a file system will stand still.
  - The first one that fails, or does not end in time, fails the call; those after it are not run.
options:
  commands:
    description:
      - Each a list of arguments that begins with an absolute path. They are run without a shell.
      - "C({run}), C({name}) and C({text}) inside an argument are replaced by the id of the run, the name of its set and O(text)."
    type: list
    elements: list
    required: true
  text:
    description: What there is to tell.
    type: str
    default: ""
  limit:
    description: Seconds that each command may take. Then it is killed with all its children.
    type: int
    default: 60
  run:
    required: true
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
'''

EXAMPLES = r'''
- name: Tell who is logged in
  volmgr.snapbackup.notice:
    run: "{{ opened.run }}"
    commands:
      - [/usr/sbin/wall, /etc/snapbackup/notice]
      - [/opt/monitor/bin/quiet, --for, "300", --reason, "backup {name}"]
'''

RETURN = r'''
commands:
  description: The commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/usr/sbin/wall, /etc/snapbackup/notice], rc: 0, seconds: 0.02}]
'''

import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module


def filled(argv, values):
    """argv with {run}, {name} and {text} replaced; other braces stay."""
    return [re.sub(r'\{(run|name|text)\}', lambda found: values[found.group(1)], word) for word in argv]


def refuse_command(argv):
    if not argv or not os.path.isabs(argv[0]) or not os.access(argv[0], os.X_OK) or os.path.isdir(argv[0]):
        raise Refused('A notice needs a command that can be run.', object=argv[0] if argv else None, found=' '.join(argv) or 'nothing',
                      needed='the absolute path of an executable, then its arguments')


def tell(context):
    params, record = context.params, context.record
    if params['limit'] < 1:
        raise Refused('A notice cannot end before it began.', object='limit', found='%d s' % params['limit'], needed='at least 1 s')
    values = dict(run=params['run'], name=record.data['name'] if record else '<name>', text=params['text'])
    commands = [[str(word) for word in argv] for argv in params['commands']]
    for argv in commands:
        refuse_command(argv)
    for argv in commands:
        result = context.change(filled(argv, values), timeout=params['limit'])
        if result is not None and result.rc != 0:
            raise CommandFailed(result, object=argv[0], needed='exit code 0 within %d s' % params['limit'])
    return dict(changed=bool(commands), before={}, after={})


def main():
    run_module(
        tell,
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            commands=dict(type='list', elements='list', required=True),
            text=dict(type='str', default=''),
            limit=dict(type='int', default=60),
        ),
    )


if __name__ == '__main__':
    main()
