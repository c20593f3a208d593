# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waiting for a long operation on the host without holding a connection to it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import time

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

OPTIONS = dict(module=dict(type='str', required=True), args=dict(type='dict', default={}),
               interval=dict(type='float', default=2.0), timeout=dict(type='float', default=0.0),
               unreachable_timeout=dict(type='float', default=600.0))
LINE_EVERY = 10
UNITS = ('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')
NOT_GOOD = {'failed': 'failed', 'lost': 'was lost', 'absent': 'was never started'}

display = Display()


def size(number):
    """1288490188 as '1.2 GiB'."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return '%d B' % value if unit == 0 else '%.*f %s' % (0 if value >= 10 else 1, value, UNITS[unit])


def clock(seconds):
    """18 as '00:00:18'."""
    minutes, second = divmod(int(seconds), 60)
    return '%02d:%02d:%02d' % (minutes // 60, minutes % 60, second)


def told(row):
    """One entry of progress in words, with the figures that it has and no others."""
    done, total, rate, eta, percent = [row.get(key) for key in ('bytes', 'total', 'rate', 'eta', 'percent')]
    details = []
    if total is not None:
        details.append('%s of %s' % (size(done), size(total)))
    elif done:
        details.append(size(done))
    if rate:
        details.append('%s/s' % size(rate))
    if eta is not None:
        details.append('%s left' % clock(eta))
    return '%s %s%s%s' % (row['object'], row['state'], '' if percent is None else ' %s %%' % percent,
                          ' (%s)' % ', '.join(details) if details else '')


class Lines:
    """Prints at most a line every LINE_EVERY seconds for a host."""

    def __init__(self, host):
        self.host = host
        self.due = 0

    def show(self, text):
        now = time.monotonic()
        if text and now >= self.due:
            self.due = now + LINE_EVERY
            display.display('%s: %s' % (self.host, text))


class ActionModule(ActionBase):
    """The controller's half of wait_progress; its options and results are documented with the module of that name."""

    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        options = self._options()
        if self._task.check_mode:
            return dict(result, skipped=True, msg='Nothing is waited for in check mode.')
        began = time.monotonic()
        last, polls, msg = self._wait(options, task_vars or {}, began)
        result.update(last, changed=False, polls=polls, waited=round(time.monotonic() - began, 3))
        if msg:
            result.update(failed=True, msg=msg)
        return result

    def _options(self):
        checked = ArgumentSpecValidator(OPTIONS).validate(self._task.args)
        if checked.error_messages:
            raise AnsibleActionFail(', '.join(checked.error_messages))
        return checked.validated_parameters

    def _wait(self, options, task_vars, began):
        """(the last result, number of calls, why the wait failed or None)"""
        lines = Lines(task_vars.get('inventory_hostname', self._play_context.remote_addr))
        last, polls, reached = {}, 0, began
        while True:
            polls += 1
            result, lost = self._call(options, task_vars)
            if lost is None:
                last, reached = result, time.monotonic()
                if last.get('failed') or not last.get('in_progress'):
                    return last, polls, problem(last, options['module'])
                lines.show('; '.join(told(row) for row in last.get('progress') or []))
            else:
                away = time.monotonic() - reached
                if away > options['unreachable_timeout']:
                    return last, polls, 'The host could not be reached for %d s: %s' % (away, lost)
                lines.show('not reachable for %d s, trying again (%s)' % (away, lost))
                self._reconnect()
            if options['timeout'] and time.monotonic() - began + options['interval'] > options['timeout']:
                return last, polls, 'It is still going on after %g s; it was not stopped.' % options['timeout']
            time.sleep(options['interval'])

    def _call(self, options, task_vars):
        """(result, None), or (None, why the host could not be reached)"""
        try:
            result = self._execute_module(module_name=options['module'], module_args=dict(options['args']), task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            return None, str(error)
        if result.get('unreachable'):
            return None, str(result.get('msg', 'unreachable'))
        return result, None

    def _reconnect(self):
        try:
            self._connection.reset()
        except Exception as error:
            display.vvv('wait_progress: resetting the connection: %s' % error)


def problem(result, module):
    """Why the last result is no good end, or None."""
    if result.get('failed'):
        return result.get('msg') or '%s failed.' % module
    if 'in_progress' not in result:
        return '%s does not report progress.' % module
    job = result.get('job') or {}
    if job.get('state') in NOT_GOOD:
        return 'The job %s%s' % (NOT_GOOD[job['state']], ': %s' % job['error'] if job.get('error') else '.')
    return None
