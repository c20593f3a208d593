# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every module of the collection shares: options, the run record, check mode, diff and errors."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os

try:
    from shlex import quote
except ImportError:
    from pipes import quote

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import identity

RUN_OPTIONS = dict(run=dict(type='str'), state_dir=dict(type='path', default=_run.STATE_DIR))


class Context:
    """One module call: params, check (bool), runner, and record: the run's Record, or None without one."""

    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.check = module.check_mode
        self.runner = Runner()
        self._record = None

    @property
    def record(self):
        """The record of option run. In check mode a run that only would have been opened has none."""
        if self._record is None and self.params.get('run') and not (self.check and not _run.RUN_ID.match(self.params['run'])):
            self._record = _run.load(self.params['state_dir'], self.params['run'])
            if not self.check:
                self._record.renew(identity(os.getpid(), self._record.data['boot']))
        return self._record

    def refuse_ended(self):
        """Refused if the run has ended: nobody would find what is begun under it."""
        if self.record is not None:
            self.record.refuse_ended()

    def change(self, argv, timeout=60, begun=None):
        """Run a state-changing command, or in check mode only enter it in the account. None in check mode. begun: see _command.run()."""
        if self.check:
            self.runner.plan(argv)
            return None
        return self.runner.change(argv, timeout=timeout, begun=begun)


def run_module(main, argument_spec, **kwargs):
    """Build the module, call main(context) and exit with its result.

    main returns a dictionary with changed and, where something has a state, before and after. A Refused becomes a
    failure whose message is one readable paragraph and whose facts are returned beside it.
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **kwargs)
    context = Context(module)
    try:
        refuse_relative(module.params.get('state_dir'))
        result = main(context)
    except Refused as error:
        module.fail_json(msg=str(error), commands=context.runner.commands, **error.as_dict())
    except (IOError, OSError) as error:
        module.fail_json(msg='%s: %s' % (module._name, error), commands=context.runner.commands)
    result.setdefault('commands', context.runner.commands)
    result.setdefault('reads', context.runner.reads)
    if module._diff and 'before' in result and 'after' in result:
        result.setdefault('diff', difference(result['before'], result['after'], result['commands']))
    module.exit_json(**result)


def refuse_relative(state_dir):
    if state_dir is not None and not os.path.isabs(state_dir):
        raise Refused('The state directory %r is not an absolute path.' % state_dir, object='state_dir', found=state_dir,
                      needed='a path that begins with /')


def difference(before, after, commands):
    """What --diff shows: the state before and after, and the state-changing commands in their order."""
    lines = [' '.join(quote(word) for word in command['argv']) for command in commands]
    shown = dict(before=readable(before), after=readable(after))
    if lines:
        shown['prepared'] = '\n'.join(['commands:'] + ['  ' + line for line in lines]) + '\n'
    return shown


def readable(value):
    return json.dumps(value, indent=2, sort_keys=True, separators=(',', ': ')) + '\n'
