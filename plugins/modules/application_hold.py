#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: application_hold
short_description: Let go the applications that a dead run still holds
version_added: 0.3.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Ends the backup mode, suspension or block in which a run has left an application, as its run record says.
  - Only states that outlive the session they come from need this; the watchdog of the freeze window usually has ended them already.
  - Applications are held by the splitting modules, with their option C(quiesce).
  - What somebody else has begun since is left alone.
options:
  state:
    description: V(released) lets go what the run holds, and proves that.
    type: str
    choices: [released]
    default: released
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
- name: End the backup mode that a dead run has left
  volmgr.snapbackup.application_hold:
    run: "{{ dead.run }}"
    state: released
'''

RETURN = r'''
before:
  description: Whether the run held each application of its record.
  returned: success
  type: dict
  sample: {'quiesce:oracle:ORCL': true}
after:
  description: The same after the call.
  returned: success
  type: dict
  sample: {'quiesce:oracle:ORCL': false}
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/u01/app/oracle/product/19/bin/sqlplus, ALTER DATABASE END BACKUP], rc: 0, seconds: 0.2}]
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._platform import boot_identity


def released(context):
    record = context.record
    entries = [entry for entry in record.data['undo'] if entry['id'].startswith(_quiesce.LASTING)] if record else []
    if entries:
        refuse_at_work(context)
    holders = [(entry['id'], _quiesce.lasting_holder(entry, record.run)) for entry in entries]
    todo = dict((number, holder.to_release(context.runner)) for number, holder in holders)
    for number, holder in holders:
        if context.check:
            for argv in todo[number]:
                context.runner.plan(argv)
            continue
        # Also where nothing is held any more: whatever could bring it back must be gone too.
        if not holder.release(context.runner):
            raise Refused('The run still holds an application.', object=number, needed='nothing held, and its session ended',
                          remedy='run the playbook volmgr.snapbackup.recover again')
        record.clear_undo(number)
    return dict(changed=any(todo.values()), before=dict((number, bool(argvs)) for number, argvs in todo.items()),
                after=dict.fromkeys(todo, False))


def refuse_at_work(context):
    """Refused while the module of the run is in its freeze window, or that would be torn."""
    at_work = context.record.at_work(boot_identity(context.runner))
    if at_work:
        raise Refused('Run %s is splitting just now.' % context.record.run, object=context.record.run, found=at_work,
                      remedy='wait for it, or end that process')


def main():
    run_module(
        released,
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            state=dict(type='str', choices=['released'], default='released'),
        ),
    )


if __name__ == '__main__':
    main()
