# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every driver of quiesce, failing at every point of a split: nothing stays held, nothing stays split, nothing is stored."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import binascii
import getpass

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _run

from database import Client, fatal
from scripted import gone

pytestmark = pytest.mark.slow

MEMBERS = [dict(mirror='d1', submirror='d3'), dict(mirror='d4', submirror='d6')]
ERROR = 'ERROR: refused on purpose'
WAL = '000000010000000000000002'


def postgresql(host):
    """A cluster on the first mirror: its client, its answers, its entry in quiesce."""
    data = host.data.mkdir('pg_wal').dirpath()
    data.join('pg_wal', WAL).write('log')
    stop = '0/3|%s|%s|%s|' % (WAL, WAL, binascii.hexlify(b'label').decode('ascii'))
    return [('data_directory', str(data)), ('server_version_num', '150004'), ('wal_segment_size', '16777216'), ('pg_is_in_recovery', 'f'),
            ('pg_tablespace', ''), ('pg_backup_stop', stop), ('pg_backup_start', '0/2')], dict(driver='postgresql', user=getpass.getuser())


def mysql(host):
    """A server on the first mirror, in the same shape."""
    data = str(host.data)
    return [('SHOW GLOBAL VARIABLES', 'Variable_name\tValue\nversion\t10.5.29-MariaDB\ndatadir\t%s/' % data),
            ('SHOW MASTER STATUS', 'File\tPosition\nbinlog.000001\t325'), ('AS mine', 'mine\n1'),
            ('AS owner', 'owner\nNULL')], dict(driver='mysql')


# (driver, point, what the client is asked when it fails there, whether the copies were cut by then)
REFUSALS = [
    (postgresql, 'check', 'server_version_num', False), (postgresql, 'prepare', 'pg_backup_start', False),
    (postgresql, 'resume', 'pg_backup_stop', True), (mysql, 'check', 'SHOW MASTER STATUS', False), (mysql, 'prepare', 'GET_LOCK', False),
    (mysql, 'hold', 'BLOCK_COMMIT', False), (mysql, 'prove', 'AS mine', True), (mysql, 'resume', 'BACKUP STAGE END', True)]


class Host:
    """Two healthy mirrors, a data directory on one of them, and a client program."""

    def __init__(self, solaris, tmpdir):
        self.solaris = solaris
        solaris.mirror('d1', d2='okay', d3='okay')
        solaris.mirror('d4', d5='okay', d6='okay')
        self.data = type(tmpdir)(solaris.points[0]).mkdir('data')
        self.client = Client(tmpdir, 'client')

    def set_up(self, driver, failing=None):
        answers, entry = driver(self)
        self.client.answer(([(failing, ERROR)] if failing else []) + answers)
        return [dict(entry, client=self.client.path)]

    def cut(self):
        return self.solaris.journal('metaoffline')

    def assert_nothing_left(self, name):
        data = _run.load(self.solaris.state, name).data
        assert self.solaris.locks() == [] and all(gone(pid) for pid in self.client.pids())
        assert 'offline' not in [state for mirror in ('d1', 'd4') for state in self.solaris.states(mirror).values()]
        assert data['window'] is None and data['recovery'] == [] and data['verdict'] in (None, 'torn')


@pytest.fixture
def host(solaris, tmpdir):
    return Host(solaris, tmpdir)


@pytest.fixture
def run(call, host):
    return lambda: call('backup_run', state='opened', name='home1', manager='svm', members=[dict(volume='d1')])['run']


def refuses_to_store(call, name, directory):
    told = call('volume_backup', run=name, state='started', method='dd', destination=str(directory))
    return told['failed'] and directory.listdir() == []


@pytest.mark.parametrize('driver', [postgresql, mysql])
def test_the_client_as_it_should_be(call, host, run, driver):
    """So that the failures below fail for their reason only."""
    done = call('svm_submirror', run=run(), state='offline', members=MEMBERS, quiesce=host.set_up(driver))
    assert done['verdict'] == 'application' and len(host.cut()) == 2


@pytest.mark.parametrize('driver, point, failing, cut', REFUSALS, ids=['%s-%s' % (row[0].__name__, row[1]) for row in REFUSALS])
def test_a_database_that_refuses(call, host, run, tmpdir, driver, point, failing, cut):
    name = run()
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, quiesce=host.set_up(driver, failing))
    assert told['failed'] and 'refused on purpose' in told['msg'] and bool(host.cut()) is cut
    host.assert_nothing_left(name)
    assert refuses_to_store(call, name, tmpdir.mkdir('images'))


@pytest.mark.parametrize('driver', [postgresql, mysql])
def test_a_session_that_dies_while_the_copies_are_cut(call, host, run, tmpdir, driver):
    name = run()
    host.solaris.on('metaoffline', '[ $1 = d4 ] && { %s; }' % fatal(host.client.path + '.pid'))
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, quiesce=host.set_up(driver))
    assert told['failed'] and 'session' in told['msg'] and len(host.cut()) == 2
    host.assert_nothing_left(name)
    assert refuses_to_store(call, name, tmpdir.mkdir('images'))


@pytest.mark.parametrize('before, after, cut', [
    (['/not/there'], ['/bin/true'], False), (['/bin/false'], ['/bin/true'], False), (['/bin/true'], ['/bin/false'], True)],
    ids=['check', 'hold', 'resume'])
def test_a_command_that_fails(call, host, run, tmpdir, before, after, cut):
    name = run()
    gate = tmpdir.join('gate')
    if after == ['/bin/false']:
        after = ['/bin/sh', '-c', '[ -f %s ] || { : >%s; exit 1; }' % (gate, gate)]
    hooks = [dict(driver='command', before=before, after=after)]
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, quiesce=hooks)
    assert told['failed'] and bool(host.cut()) is cut
    host.assert_nothing_left(name)
    assert refuses_to_store(call, name, tmpdir.mkdir('images'))


@pytest.mark.parametrize('first', [postgresql, mysql])
def test_what_was_held_before_is_let_go_when_a_later_one_fails(call, host, run, tmpdir, first):
    name = run()
    quiesce = host.set_up(first) + [dict(driver='command', before=['/bin/false'], after=['/bin/true'])]
    told = call('svm_submirror', run=name, state='offline', members=MEMBERS, quiesce=quiesce)
    assert told['failed'] and host.cut() == []
    host.assert_nothing_left(name)
