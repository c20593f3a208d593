# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Services that stand still around a cut, and the watchdog that starts them again.

The services are scripts; one runs while the file run.NAME is there. The file log has what was done, in its order.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import signal
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _run

from scripted import eventually

pytestmark = pytest.mark.slow

TOOL = r'''#!/bin/sh
D=%s
case $1 in
    status) [ ! -f "$D/odd" ] || exit 4; [ -f "$D/run.$2" ]; exit ;;
    stop) rm -f "$D/run.$2" ;;
    start) : >"$D/run.$2" ;;
esac
echo "$1 $2" >>"$D/log"
[ ! -f "$D/on.$1.$2" ] || . "$D/on.$1.$2"
'''
CUT = [dict(mirror='d1', submirror='d3')]
MOUNT = 'printf \'%s\\t%s\\t%s\\t%s\\t0\\n\' "$5" "$6" "$2" "$4" >>"$D/mnttab"; echo "mount $6" >>"$D/log"\n'
UMOUNT = 'grep -v "\t$1\t" "$D/mnttab" >"$D/new.$$"; mv "$D/new.$$" "$D/mnttab"; echo "umount $1" >>"$D/log"\n'


@pytest.fixture
def host(solaris, call):
    """Two running services, one of them with a file system, and a run."""
    for name, body in (('mount', MOUNT), ('umount', UMOUNT)):
        solaris.put('tools/' + name, solaris.read('tools/kstat').split('printf')[0] + body)
    solaris.put('service', TOOL % solaris.base)
    os.chmod(solaris.path('service'), 0o755)
    for name in ('db', 'web'):
        solaris.put('run.' + name, '')
    solaris.point = solaris.mounted('d1')
    solaris.run = call('backup_run', state='opened', name='home1', manager='svm', members=[dict(volume='d1')])['run']
    solaris.record = lambda: _run.load(solaris.state, solaris.run)
    solaris.marker = os.path.join(solaris.state, 'runs', solaris.run, 'services.json')
    yield solaris
    # Ends the watchdog, if one is there.
    if os.path.exists(solaris.marker):
        os.unlink(solaris.marker)


def service(host, name, **more):
    argv = dict((verb, [host.path('service'), verb, name]) for verb in ('stop', 'start', 'status'))
    return dict(dict(argv, name=name, limit=20), **more)


def services(host):
    return [service(host, 'web'), service(host, 'db', filesystems=[host.point])]


@pytest.fixture
def bracket(call, host):
    def called(state, check=False, **params):
        params.setdefault('services', services(host))
        return call('service_bracket', check=check, run=host.run, state=state, **params)
    return called


def log(host):
    return host.read('log').splitlines() if os.path.exists(host.path('log')) else []


def down(host):
    return ['stop web', 'stop db', 'umount ' + host.point]


def up(host):
    return ['mount ' + host.point, 'start db', 'start web']


def argvs(told):
    return [command['argv'] for command in told['commands']]


def is_up(host):
    return all(os.path.exists(host.path('run.' + name)) for name in ('db', 'web')) and host.point in host.read('mnttab')


def test_down_and_up_again(host, bracket):
    table = host.read('mnttab')
    told = bracket('stopped')
    assert told['changed'] and told['held'] and log(host) == down(host)
    assert told['before'] == {'web': 'running', 'db': 'running', host.point: 'mounted'}
    assert told['after'] == {'web': 'stopped', 'db': 'stopped', host.point: 'unmounted'}
    assert [entry['id'] for entry in host.record().data['undo']] == ['service_bracket'] and 'by' not in host.record().data['undo'][0]
    again = bracket('stopped')
    assert not again['changed'] and again['commands'] == [] and again['before'] == told['after']
    back = bracket('started')
    assert back['changed'] and back['held'] is True and back['after'] == told['before'] and log(host) == down(host) + up(host)
    assert host.read('mnttab') == table and host.record().data['undo'] == [] and not os.path.exists(host.marker)
    once_more = bracket('started')
    assert not once_more['changed'] and once_more['held'] is None and once_more['commands'] == []


def test_what_does_not_run_is_left_alone(host, bracket):
    os.unlink(host.path('run.web'))
    told = bracket('stopped')
    assert told['before']['web'] == 'stopped' and log(host) == ['stop db', 'umount ' + host.point]
    bracket('started')
    assert not os.path.exists(host.path('run.web')) and log(host)[2:] == ['mount ' + host.point, 'start db']


def test_check_mode(host, bracket):
    content, files = host.record().data, host.files()
    shown, shown_back = bracket('stopped', check=True), bracket('started', check=True)
    assert log(host) == [] and host.record().data == content and host.files() == files
    assert shown_back['held'] is None, 'a run that holds nothing starts nothing'
    done = bracket('stopped')
    assert argvs(shown) == argvs(done) and (shown['before'], shown['after']) == (done['before'], done['after'])
    assert 'umount' in shown['diff']['prepared']
    shown_back = bracket('started', check=True)
    assert log(host) == down(host)
    back = bracket('started')
    assert argvs(shown_back) == argvs(back) and (shown_back['before'], shown_back['after']) == (back['before'], back['after'])


def test_a_run_that_is_only_predicted(host, bracket, call):
    """The services still run; the whole bracket is predicted from that."""
    predicted = dict(run='<run>', services=services(host), check=True)
    one, other = call('service_bracket', state='stopped', **predicted), call('service_bracket', state='started', **predicted)
    assert log(host) == []
    done, back = bracket('stopped'), bracket('started')
    for shown, real in ((one, done), (other, back)):
        assert argvs(shown) == argvs(real) and (shown['before'], shown['after']) == (real['before'], real['after'])


def test_the_watchdog_brings_everything_back_when_nobody_does(host, bracket):
    bracket('stopped', lease=2)
    eventually(lambda: not os.path.exists(host.marker))
    assert is_up(host) and log(host) == down(host) + up(host)
    assert bracket('stopped')['failed']
    told = bracket('started')
    assert not told['changed'] and told['held'] is False and 'watchdog' in told['why'] and host.record().data['undo'] == []


def test_what_the_watchdog_starts_heeds_signals(host, bracket):
    """It ignores some itself, and what is ignored is inherited."""
    host.put('on.start.db', 'sh -c "kill -TERM \\$\\$; : >$D/deaf"; sh -c "kill -HUP \\$\\$; : >$D/deaf"; : >"$D/tried"')
    bracket('stopped', lease=1)
    eventually(lambda: not os.path.exists(host.marker))
    assert os.path.exists(host.path('tried')) and not os.path.exists(host.path('deaf'))


def test_it_stays_down_until_then(host, bracket):
    bracket('stopped', lease=60)
    time.sleep(1)
    assert log(host) == down(host)


def test_the_watchdog_tries_until_it_is_done(host, bracket):
    """A service is not started on an empty mount point."""
    bracket('stopped', lease=1)
    host.on('mount', '[ ! -f "$D/busy" ] || exit 1')
    host.put('busy', '')
    eventually(lambda: len(host.journal('mount')) > 2)
    assert log(host) == down(host) and os.path.exists(host.marker)
    os.unlink(host.path('busy'))
    eventually(lambda: not os.path.exists(host.marker))
    assert log(host) == down(host) + up(host)


def test_a_module_that_is_killed_leaves_nothing_down(host, bracket):
    """The watchdog does not wait for the lease then: it starts everything at once."""
    host.put('on.stop.db', 'echo $$ >"$D/hangs"; sleep 600')
    child = os.fork()
    if child == 0:
        try:
            bracket('stopped', lease=600)
        finally:
            os._exit(0)
    eventually(lambda: os.path.exists(host.path('hangs')))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    eventually(lambda: not os.path.exists(host.marker))
    # What hung was killed before anything was started.
    assert is_up(host) and log(host)[:2] == ['stop web', 'stop db'] and log(host)[-2:] == ['start db', 'start web']
    assert not os.path.exists('/proc/%s' % host.read('hangs').strip())
    told = bracket('started')
    assert told['held'] is False and host.record().data['undo'] == []


@pytest.mark.parametrize('fault', ['exit 0', 'sleep 600'])
def test_a_service_that_does_not_stop(host, bracket, fault):
    host.put('on.stop.db', ': >"$D/run.db"\n' + fault)
    told = bracket('stopped', services=[service(host, 'web'), service(host, 'db', limit=1)])
    assert told['failed'] and 'could not be stopped' in told['msg'] and told['object'] == 'db'
    assert is_up(host) and log(host) == ['stop web', 'stop db', 'start web']
    assert host.record().data['undo'] == [] and not os.path.exists(host.marker)


def test_a_file_system_that_is_busy(host, bracket):
    host.on('umount', 'echo busy >&2; exit 1')
    told = bracket('stopped')
    assert told['failed'] and 'could not be unmounted' in told['msg'] and told['vendor'] == 'busy'
    assert log(host) == down(host)[:2] + up(host)[1:] and host.record().data['undo'] == []


def test_a_status_that_says_neither_is_not_guessed(host, bracket):
    host.put('odd', '')
    told = bracket('stopped')
    assert told['failed'] and 'not known whether' in told['msg'] and 'exit code 4' in told['found'] and log(host) == []


def test_without_a_status_command_the_exit_code_counts(host, bracket):
    wanted = [service(host, 'web', status=None)]
    told = bracket('stopped', services=wanted)
    assert told['before'] == {'web': 'unknown'} and told['after'] == {'web': 'stopped'}
    assert not bracket('stopped', services=wanted)['changed']
    assert bracket('started')['held'] is True and log(host) == ['stop web', 'start web']
    host.put('on.stop.web', 'exit 1')
    assert bracket('stopped', services=wanted)['failed'] and log(host)[2:] == ['stop web', 'start web']


def test_a_service_that_does_not_start_stays_in_the_record(host, bracket):
    bracket('stopped')
    host.put('on.start.db', 'rm "$D/run.db"; exit 1')
    told = bracket('started')
    assert told['failed'] and 'could not be started' in told['msg'] and host.point in host.read('mnttab')
    assert os.path.exists(host.marker) and [entry['id'] for entry in host.record().data['undo']] == ['service_bracket']
    os.unlink(host.path('on.start.db'))
    assert bracket('started')['held'] is False, 'the file system was mounted in between'
    assert is_up(host) and host.record().data['undo'] == []


@pytest.mark.parametrize('how', ['service', 'mount', 'boot', 'other'])
def test_what_has_not_stood_still_is_told_and_the_cut_is_torn(host, bracket, how):
    bracket('stopped')
    host.record().update(verdict='application')
    if how == 'service':
        host.put('run.web', '')
    elif how == 'mount':
        host.put('mnttab', host.read('mnttab') + '/dev/md/dsk/d1\t%s\tufs\trw\t0\n' % host.point)
    elif how == 'boot':
        host.put('boot', '1795000001')
    told = bracket('started', not_held=['node2'] if how == 'other' else [])
    words = {'service': 'somebody else has started or mounted web', 'mount': host.point, 'boot': 'booted', 'other': 'not proved on node2'}
    assert told['held'] is False and words[how] in told['why'] and is_up(host)
    assert host.record().data['verdict'] == 'torn' and told['why'] in host.record().data['error'] and host.record().data['undo'] == []


def test_a_cut_counts_on_it(host, bracket, call):
    """svm_submirror, like every module that cuts: refused before, and what is unmounted needs no lock."""
    host.mirror('d1', mounted=False, d2='okay', d3='okay')
    cut = dict(run=host.run, state='offline', members=CUT, quiesce=[dict(driver='services', filesystems=[host.point])])
    assert 'do not stand still' in call('svm_submirror', **cut)['msg']
    bracket('stopped')
    done = call('svm_submirror', **cut)
    assert done['verdict'] == 'application' and host.journal('lockfs') == []
    assert done['window']['applications'] == [{'driver': 'services', 'services': ['web', 'db'], 'filesystems': [host.point]}]
    assert bracket('started')['held'] and host.record().data['verdict'] == 'application'


def test_a_cut_after_the_lease_is_refused(host, bracket, call):
    host.mirror('d1', mounted=False, d2='okay', d3='okay')
    bracket('stopped', lease=1)
    eventually(lambda: not os.path.exists(host.marker))
    told = call('svm_submirror', run=host.run, state='offline', members=CUT, quiesce=[dict(driver='services')])
    assert told['failed'] and 'do not stand still' in told['msg'] and host.states('d1')['d3'] == 'okay'


def test_a_lease_that_ends_during_the_cut_tears_it(host, bracket, call):
    host.mirror('d1', mounted=False, d2='okay', d3='okay')
    bracket('stopped', lease=600)
    host.on('metaoffline', 'rm "%s"' % host.marker)
    told = call('svm_submirror', run=host.run, state='offline', members=CUT, quiesce=[dict(driver='services')])
    assert told['failed'] and 'not stood still over all cuts' in told['msg'] and host.record().data['verdict'] == 'torn'
    assert host.states('d1')['d3'] != 'offline'


@pytest.mark.parametrize('wrong, word', [
    (dict(services=[dict(name='a', stop=['false'], start=['/bin/true'])]), 'needs in stop a command'),
    (dict(services=[dict(name='a', stop=['/bin/true'], start=['/nowhere'])]), 'needs in start a command'),
    (dict(services=[dict(name='a', stop=['/bin/true'], start=['/bin/true'], status=['/etc'])]), 'needs in status a command'),
    (dict(services=[dict(name='a', stop=['/bin/true'], start=['/bin/true'])] * 2), 'does not name one'),
    (dict(services=[dict(name='a', stop=['/bin/true'], start=['/bin/true'], filesystems=['/'])]), 'never unmounted'),
    (dict(services=[dict(name='a', stop=['/bin/true'], start=['/bin/true'], limit=0)]), 'cannot be waited for'),
    (dict(lease=0), 'cannot be leased'),
])
@pytest.mark.parametrize('check', [True, False])
def test_what_cannot_be_meant(host, bracket, wrong, word, check):
    told = bracket('stopped', check=check, **wrong)
    assert told['failed'] and word in told['msg'] and log(host) == [] and host.record().data['undo'] == []


def test_the_state_directory_is_not_unmounted(host, bracket):
    """It lies on the file system that is named."""
    above = host.base
    host.put('mnttab', host.read('mnttab') + '/dev/md/dsk/d9\t%s\tufs\trw\t0\n' % above)
    told = bracket('stopped', services=[service(host, 'db', filesystems=[above])])
    assert told['failed'] and 'never unmounted' in told['msg'] and log(host) == []


def test_the_copies_of_a_run_whose_bracket_is_not_proved_are_not_restored_from(host, bracket, call):
    bracket('stopped')
    host.record().update(verdict='application')
    host.record().change(lambda data: data.update(deadline=1))
    told = call('backup_run', state='opened', kind='restore', name='home1', manager='svm', source_run=host.run)
    assert told['failed'] and 'not proved to have stood still' in told['msg']


def test_the_marker_has_what_is_brought_back(host, bracket):
    bracket('stopped', lease=600)
    kept = _files.read_json(host.marker)
    assert [item['name'] for item in kept['services']] == ['web', 'db'] and kept['mounts'][0]['options'] == 'rw,logging'
