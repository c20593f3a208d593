# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Telling somebody about a run."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

import pytest


@pytest.fixture
def run(call):
    return call('backup_run', state='opened', name='home1', manager='svm', members=[dict(volume='d1')])['run']


@pytest.fixture
def tell(call, run, tmpdir):
    """tell(script, *words, **options): run a script with these words; what the module says."""
    def called(script, *words, **options):
        path = tmpdir.join('tool')
        path.write('#!/bin/sh\n' + script)
        path.chmod(0o755)
        return call('notice', run=run, commands=[[str(path)] + list(words)], **options)
    return called


def test_what_it_is_told(tell, run, tmpdir):
    words = ['{run}', 'set {name}: {text}', '{other}', '$HOME `id`']
    told = tell('printf "%%s|" "$@" > %s' % tmpdir.join('said'), *words, text='{name} stands')
    assert told['changed'] and told['commands'][0]['rc'] == 0
    assert tmpdir.join('said').read() == '%s|set home1: {name} stands|{other}|$HOME `id`|' % run


def test_check_mode_tells_nobody(tell, tmpdir):
    told = tell('touch %s' % tmpdir.join('said'), check=True)
    assert told['changed'] and told['commands'][0]['rc'] is None and not tmpdir.join('said').check()


def test_the_first_failure_ends_it(call, run, tmpdir):
    said = tmpdir.join('said')
    told = call('notice', run=run, commands=[['/bin/sh', '-c', 'echo no >&2; exit 3'], ['/bin/sh', '-c', 'touch %s' % said]])
    assert told['failed'] and 'exit code 3' in told['msg'] and told['vendor'] == 'no' and not said.check()


def test_a_command_that_hangs_is_killed(tell, tmpdir):
    told = tell('echo $$ > %s; sleep 600 & wait' % tmpdir.join('pid'), limit=1)
    assert told['failed'] and 'did not end within its limit' in told['msg'] and 1 <= told['commands'][0]['seconds'] < 20
    assert not os.path.exists('/proc/%s' % tmpdir.join('pid').read().strip())


@pytest.mark.parametrize('argv', [[], ['wall'], ['/nowhere/wall'], ['/etc/passwd'], ['/etc']])
def test_what_is_no_command_is_refused_before_any_is_run(call, run, tmpdir, argv):
    said = tmpdir.join('said')
    for check in (True, False):
        told = call('notice', check=check, run=run, commands=[['/bin/sh', '-c', 'touch %s' % said], argv])
        assert told['failed'] and 'absolute path' in told['needed'] and not said.check()


def test_a_limit_of_nothing_is_refused(call, run):
    assert call('notice', run=run, commands=[], limit=0)['failed']
