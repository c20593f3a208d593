# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL's backup mode with a psql that is a small script: answers, errors, silence, death."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import binascii
import getpass
import os
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, Torn
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce import Window
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_postgresql import PostgreSQL, segments
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import DONE, Session

from database import Client, fatal
from scripted import eventually, gone

MIB = 1024 * 1024


@pytest.fixture
def psql(tmpdir):
    """A cluster below tmpdir/data that answers like version 13; psql(**changes) changes answers and returns its path."""
    wal = tmpdir.mkdir('data').mkdir('pg_wal')
    for name in ('000000010000000000000002', '000000010000000000000003'):
        wal.join(name).write(name)
    client = Client(tmpdir, 'psql')
    label = binascii.hexlify(b'START WAL LOCATION\n').decode('ascii')
    usual = dict(version='130022', data=str(tmpdir.join('data')), start='0/2000028', recovery='f', tablespaces='',
                 stop='0/3000100|000000010000000000000002|000000010000000000000003|%s|' % label)

    def made(**changes):
        now = dict(usual, **changes)
        pairs = [('server_version_num', now['version']), ('data_directory', now['data']), ('wal_segment_size', str(16 * MIB)),
                 ('pg_is_in_recovery', now['recovery']), ('pg_tablespace', now['tablespaces']), ('backup_stop', now['stop']),
                 ('stop_backup', now['stop']), ('start', now['start']), ('one', '1'), ('two', '1|2')]
        client.answer(pairs)
        return client.path
    made()
    made.tmpdir = tmpdir
    made.pid = lambda: client.pids()[-1]
    made.asked = client.asked
    made.pid_file = client.path + '.pid'
    return made


def cluster(psql, **changes):
    base = psql.tmpdir
    entry = dict(client=psql(**changes), user=getpass.getuser(), port=5432, socket=None, limit=1 if 'HANG' in changes.values() else 20)
    members = [dict(volume='d1', filesystem=str(base), fstype='ufs')]
    return PostgreSQL(0, entry, members, str(base.join('run')), 'r')


@pytest.mark.parametrize('first, last, size, names', [
    ('000000010000000000000002', '000000010000000000000002', 16 * MIB, ['000000010000000000000002']),
    ('000000010000000000000002', '000000010000000000000004', 16 * MIB, ['00000001000000000000000%d' % n for n in (2, 3, 4)]),
    ('0000000200000000000000FE', '000000020000000100000001', 16 * MIB,
     ['0000000200000000000000FE', '0000000200000000000000FF', '000000020000000100000000', '000000020000000100000001']),
    ('000000010000000A00000003', '000000010000000B00000000', 1024 * MIB, ['000000010000000A00000003', '000000010000000B00000000']),
    ('000000010000000000000FFF', '000000010000000100000000', MIB, ['000000010000000000000FFF', '000000010000000100000000'])])
def test_segments(first, last, size, names):
    assert segments(first, last, size) == names


def session(*argv, **options):
    return Session('PostgreSQL', list(argv), options.get('user', getpass.getuser()), '\\echo ' + DONE, DONE + '\n')


def test_a_session_answers_one_statement_at_a_time(psql):
    talk = session(psql())
    assert talk.ask('SELECT one', 5) == ['1'] and talk.ask('SELECT nothing', 5) == [] and talk.ask('SELECT two', 5) == ['1|2']
    pid = psql.pid()
    talk.close()
    assert gone(pid)


def test_a_session_of_an_unknown_user():
    with pytest.raises(Refused) as caught:
        session('/bin/true', user='no-such-user')
    assert caught.value.facts['object'] == 'no-such-user'


def test_a_session_of_the_user_that_runs_this():
    session('/bin/cat', user=None).close()


def test_a_client_that_is_not_there():
    with pytest.raises(Refused) as caught:
        session('/nonexistent/psql')
    assert caught.value.facts['object'] == '/nonexistent/psql'


@pytest.mark.parametrize('answer, word, vendor', [
    ('DIE', 'ended', None), ('HANG', 'no answer', None), ('ERROR:  permission denied', 'ended', 'ERROR:  permission denied')])
def test_a_session_that_does_not_answer(psql, answer, word, vendor):
    path = psql(start=answer)
    talk = session(path)
    begun = time.time()
    with pytest.raises(Refused) as caught:
        talk.ask('SELECT start', 2 if answer == 'HANG' else 20)
    assert word in str(caught.value) and caught.value.facts['vendor'] == vendor and time.time() - begun < 20
    assert gone(psql.pid())


def test_a_statement_to_a_session_that_has_ended(psql):
    talk = session(psql())
    talk.ask('SELECT one', 5)
    os.kill(psql.pid(), 9)
    eventually(lambda: gone(psql.pid()))
    with pytest.raises(Refused):
        talk.ask('SELECT one', 5)


def test_a_psql_that_cannot_connect(psql):
    """It may have ended before it is asked anything; its message must reach the user all the same."""
    talk = session('/bin/sh', '-c', 'echo "could not connect" >&2; exit 2')
    eventually(lambda: gone(talk.process.pid))
    with pytest.raises(Refused) as caught:
        talk.ask('SELECT one', 5)
    assert caught.value.facts['vendor'] == 'could not connect'


def test_check_leaves_no_session(psql):
    cluster(psql).check(Runner())
    assert gone(psql.pid()) and 'start_backup' not in psql.asked()


@pytest.mark.parametrize('changes, word',
                         [(dict(recovery='t'), 'standby'), (dict(data='/proc'), 'no volume'), (dict(tablespaces='/proc'), 'no volume')])
def test_check_refuses(psql, changes, word):
    with pytest.raises(Refused) as caught:
        cluster(psql, **changes).check(Runner())
    assert word in str(caught.value)


def test_no_such_user_is_refused(psql):
    holder = cluster(psql)
    holder.entry['user'] = 'no-such-user'
    with pytest.raises(Refused) as caught:
        holder.check(Runner())
    assert caught.value.facts['object'] == 'no-such-user'


def window(psql, holder, cut='true'):
    return Window([holder], [['/bin/sh', '-c', cut]], lambda look: None, 30, str(psql.tmpdir.join('report')))


@pytest.mark.parametrize('version, start, stop',
                         [('130022', 'pg_start_backup', 'pg_stop_backup'), ('150004', 'pg_backup_start', 'pg_backup_stop'),
                          ('90624', 'pg_start_backup', 'pg_stop_backup')])
def test_what_recovery_needs_is_saved(psql, version, start, stop):
    if version == '90624':
        psql.tmpdir.join('data', 'pg_wal').move(psql.tmpdir.join('data', 'pg_xlog'))
    made = window(psql, cluster(psql, version=version))
    made.open(Runner())
    entry, = made.recovery
    assert (entry['driver'], entry['volume'], entry['directory']) == ('postgresql', 'd1', 'data')
    wal = 'pg_xlog' if version == '90624' else 'pg_wal'
    assert [found['place'] for found in entry['files']] == ['backup_label', wal + '/000000010000000000000002',
                                                            wal + '/000000010000000000000003']
    contents = [open(found['source']).read() for found in entry['files']]
    assert contents == ['START WAL LOCATION\n', '000000010000000000000002', '000000010000000000000003']
    asked = psql.asked()
    assert asked.index(start) < asked.index(stop) and gone(psql.pid())


def test_a_session_that_dies_in_the_window_is_torn(psql):
    with pytest.raises(Torn) as caught:
        window(psql, cluster(psql), cut=fatal(psql.pid_file)).open(Runner())
    assert 'session ended' in str(caught.value)


@pytest.mark.parametrize('start', ['DIE', 'HANG', 'ERROR'])
def test_a_start_that_fails_cuts_nothing(psql, start):
    made = window(psql, cluster(psql, start=start))
    with pytest.raises(Refused):
        made.open(Runner())
    assert made.steps == [] and gone(psql.pid())


def test_a_failed_cut_ends_the_session(psql):
    holder = cluster(psql)
    with pytest.raises(Torn):
        window(psql, holder, cut='exit 1').open(Runner())
    assert gone(psql.pid()) and holder.session is None and 'stop_backup' not in psql.asked()


def test_a_log_file_that_is_gone_is_torn(psql):
    psql.tmpdir.join('data', 'pg_wal', '000000010000000000000003').remove()
    with pytest.raises(Torn) as caught:
        window(psql, cluster(psql)).open(Runner())
    assert '000000010000000000000003' in caught.value.facts['object'] and gone(psql.pid())
