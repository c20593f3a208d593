# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lock on a MariaDB or MySQL server with a client that is a small script."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce_mysql
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import LeaseExpired, Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce import Window
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_mysql import MySQL
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_mysql_server import Server, plain

from database import Client, fatal
from scripted import gone

pytestmark = pytest.mark.slow

MARIADB, OLD_MARIADB, MYSQL5, MYSQL8 = '10.5.29-MariaDB-0+deb11u1-log', '10.3.39-MariaDB', '5.7.44-log', '8.4.3'
BINLOG = 'File\tPosition\tBinlog_Do_DB\tBinlog_Ignore_DB\nbinlog.000001\t325\t\t'
STAGES = ['BACKUP STAGE START', 'BACKUP STAGE BLOCK_COMMIT', 'BACKUP STAGE END']
READ_LOCK = ['FLUSH TABLES WITH READ LOCK', 'UNLOCK TABLES']


def table(head, *rows):
    return '\n'.join('\t'.join(row) for row in (head,) + rows)


def variables(**values):
    return table(('Variable_name', 'Value'), *sorted(values.items()))


class Place:
    """A server whose files lie below data, told by a client that can be made to tell something else."""

    def __init__(self, base):
        self.base = base
        self.data = base.mkdir('data')
        self.client = Client(base, 'mariadb')
        self.now = {}
        self.answer()

    def answer(self, version=MARIADB, settings=(), **changes):
        data = str(self.data)
        told = dict(datadir=data + '/', innodb_data_file_path='ibdata1:12M:autoextend', innodb_log_group_home_dir='./',
                    log_bin_basename=data + '/binlog', server_id='7', version=version)
        told.update(settings)
        usual = {'gtid_executed': variables(gtid_binlog_pos='0-1-9', gtid_slave_pos=''), 'SHOW GLOBAL VARIABLES': variables(**told),
                 'SHOW MASTER STATUS': BINLOG, 'SHOW BINARY LOG STATUS': BINLOG, 'CONNECTION_ID() AS mine': table(('mine',), ('1',)),
                 'AS owner': table(('owner',), ('NULL',)), 'information_schema.columns': '', 'information_schema.processlist': ''}
        usual.update(changes)
        order = sorted(usual, key=lambda part: (part != 'gtid_executed', part))
        self.client.answer([(part, usual[part]) for part in order])

    def holder(self, **options):
        entry = dict(client=self.client.path, user=None, option_file=None, socket=None, limit=20)
        return MySQL(0, dict(entry, **options), [dict(volume='d1', filesystem=str(self.base), fstype='ufs')], str(self.base), 'r')

    def server(self):
        return Server(self.holder().entry)

    def window(self, holder, cut='true', seconds=60):
        return Window([holder], [['/bin/sh', '-c', cut]], lambda look: None, seconds, str(self.base.join('report')))

    def statements(self):
        """What was asked of the sessions, without the answers' ends."""
        return [line.rstrip(';') for line in self.client.lines('asked') if 'snapbackup-answer' not in line]


@pytest.fixture
def place(tmpdir):
    return Place(tmpdir)


@pytest.mark.parametrize('version, statements', [
    (MARIADB, STAGES), ('10.4.1-MariaDB', STAGES), ('11.4.2-MariaDB-log', STAGES), ('10.4.0-MariaDB', READ_LOCK), (OLD_MARIADB, READ_LOCK),
    (MYSQL5, READ_LOCK), (MYSQL8, READ_LOCK)])
def test_the_lock_of_each_server(place, version, statements):
    place.answer(version)
    holder = place.holder()
    holder.check(Runner())
    flush, enter, leave = holder.commands()
    assert [argv[1] for argv in enter + leave] == statements and flush == []
    made = place.window(holder, 'echo CUT >>%s.asked' % place.client.path)
    runner = Runner()
    facts = made.open(runner)
    asked = [line for line in place.statements() if line in statements + ['CUT']]
    assert asked == statements[:-1] + ['CUT'] + statements[-1:]
    assert [step['what'] for step in facts['steps']] == ['before'] * len(enter) + ['cut', 'after']
    assert [command['argv'][-1] for command in runner.commands if command['argv'][0] == place.client.path] == statements
    assert made.recovery == [] and gone(place.client.pids()[-1])


def test_check_leaves_no_session_and_changes_nothing(place):
    place.holder().check(Runner())
    assert gone(place.client.pids()[-1])
    assert [line for line in place.statements() if not line.startswith(('SELECT', 'SHOW', 'SET SESSION'))] == []


def test_the_facts_of_a_lock(place):
    place.answer(settings={'innodb_page_size': '16384'})
    made = place.window(place.holder())
    assert made.open(Runner())['applications'] == [{
        'driver': 'mysql', 'lock': 'BACKUP STAGE BLOCK_COMMIT', 'binlog': {'file': 'binlog.000001', 'position': 325},
        'gtid': {'gtid_binlog_pos': '0-1-9'}, 'replicates': [],
        'settings': {'version': MARIADB, 'server_id': '7', 'innodb_data_file_path': 'ibdata1:12M:autoextend', 'innodb_page_size': '16384'}}]


@pytest.mark.parametrize('version, question, row', [
    (MARIADB, 'SHOW ALL SLAVES STATUS', dict(Connection_name='main', Relay_Master_Log_File='b.9', Exec_Master_Log_Pos='77')),
    (MYSQL5, 'SHOW SLAVE STATUS', dict(Channel_Name='main', Relay_Master_Log_File='b.9', Exec_Master_Log_Pos='77')),
    (MYSQL8, 'SHOW REPLICA STATUS', dict(Channel_Name='main', Relay_Source_Log_File='b.9', Exec_Source_Log_Pos='77'))])
def test_the_position_of_a_replica(place, version, question, row):
    place.answer(version, **{question: table(tuple(sorted(row)), tuple(row[name] for name in sorted(row)))})
    position = place.server().position()
    assert position['replicates'] == [{'channel': 'main', 'file': 'b.9', 'position': 77}]
    asked = place.statements()
    assert ('SHOW BINARY LOG STATUS' in asked) == (version == MYSQL8) and ('SHOW MASTER STATUS' in asked) == (version != MYSQL8)


def test_a_server_without_a_binary_log_has_no_position(place):
    place.answer(**{'SHOW MASTER STATUS': ''})
    facts = place.window(place.holder()).open(Runner())
    assert facts['applications'][0]['binlog'] is None


@pytest.mark.parametrize('settings', [
    dict(datadir='/proc/'), dict(datadir='/not/here/'), dict(innodb_log_group_home_dir='/proc'), dict(innodb_data_home_dir='/proc'),
    dict(innodb_data_file_path='ibdata1:12M;/proc/ibdata2:10M:autoextend'), dict(innodb_data_file_path='/dev/null:1Gnewraw'),
    dict(aria_log_dir_path='/proc'), dict(innodb_undo_directory='/proc'), dict(log_bin_basename='/proc/binlog'),
    dict(relay_log_basename='/proc/relay')], ids=str)
def test_what_lies_elsewhere_is_refused(place, settings):
    place.answer(settings=settings)
    with pytest.raises(Refused) as caught:
        place.holder().check(Runner())
    assert 'no volume' in str(caught.value) and gone(place.client.pids()[-1])


@pytest.mark.parametrize('column', ['PATH', 'FILENAME'])
def test_a_tablespace_that_lies_elsewhere_is_refused(place, column):
    place.answer(**{'information_schema.columns': table(('place', 'word'), ('INNODB_X', column)),
                    'DISTINCT %s AS path FROM information_schema.INNODB_X' % column: table(('path',), ('./a/t.ibd',), ('/proc/a/t.ibd',))})
    place.data.mkdir('a')
    with pytest.raises(Refused) as caught:
        place.holder().check(Runner())
    assert caught.value.facts['object'] == '/proc/a'


def test_a_link_in_the_data_directory_must_stay_on_the_volume(place):
    place.data.mkdir('inside')
    place.data.join('alias').mksymlinkto(str(place.data.join('inside')))
    place.data.join('dangling').mksymlinkto('/not/here')
    place.holder().check(Runner())
    place.data.join('inside', 'big').mksymlinkto('/proc')
    with pytest.raises(Refused) as caught:
        place.holder().check(Runner())
    assert caught.value.facts['object'] == str(place.data.join('inside', 'big'))


def test_an_option_file_comes_first(place):
    place.holder(option_file='/root/secret.cnf', socket='/run/my.sock').check(Runner())
    argv = place.client.lines('argv')
    assert argv[0] == '--defaults-file=/root/secret.cnf' and '--socket=/run/my.sock' in argv and '--skip-reconnect' in argv


def test_without_an_option_file_the_client_reads_its_own(place):
    place.holder().check(Runner())
    assert [word for word in place.client.lines('argv') if word.startswith(('--defaults', '--socket', '--user', '--pass'))] == []


def test_the_server_must_not_tire_of_a_silent_session(place):
    place.window(place.holder(limit=7)).open(Runner())
    assert place.statements()[0] == 'SET SESSION lock_wait_timeout = 7, SESSION wait_timeout = 7200'


@pytest.mark.parametrize('version', [MARIADB, MYSQL8])
def test_a_lock_that_is_not_granted_names_who_works(place, version):
    place.answer(version, **{
        'FLUSH TABLES': 'ERROR 1205 (HY000) at line 9: Lock wait timeout exceeded',
        'BLOCK_COMMIT': 'ERROR 1205 (HY000) at line 9: Lock wait timeout exceeded',
        'information_schema.processlist': table(('id', 'user', 'time', 'words'), ('17', 'shop', '4711', 'ALTER TABLE big ADD'))})
    made = place.window(place.holder(), 'echo CUT >>%s.asked' % place.client.path)
    with pytest.raises(Refused) as caught:
        made.open(Runner())
    assert '17 of shop, for 4711 s: ALTER TABLE big ADD' in caught.value.facts['found'] and 'ERROR 1205' in caught.value.facts['vendor']
    assert 'CUT' not in place.statements() and all(gone(pid) for pid in place.client.pids())


def test_a_lock_that_is_denied_at_once_says_why(place):
    place.answer(**{'BACKUP STAGE START': 'ERROR 1227 (42000) at line 9: Access denied; you need the RELOAD privilege'})
    with pytest.raises(Refused) as caught:
        place.window(place.holder()).open(Runner())
    assert 'RELOAD' in caught.value.facts['vendor'] and 'within' not in caught.value.message


def test_who_works_may_not_be_known(place):
    place.answer(**{'BLOCK_COMMIT': 'ERROR 1205', 'information_schema.processlist': 'ERROR 1040 (08004): Too many connections'})
    with pytest.raises(Refused) as caught:
        place.window(place.holder()).open(Runner())
    assert 'at work: unknown' in caught.value.facts['found'] and caught.value.facts['vendor'] == 'ERROR 1205'


def test_a_lock_that_takes_longer_than_the_lease(place):
    place.answer(**{'BLOCK_COMMIT': 'HANG'})
    with pytest.raises(LeaseExpired):
        place.window(place.holder(limit=60), seconds=5).open(Runner())
    assert all(gone(pid) for pid in place.client.pids())


def test_a_session_that_dies_in_the_window_is_torn(place):
    with pytest.raises(Torn) as caught:
        place.window(place.holder(), fatal(place.client.path + '.pid')).open(Runner())
    assert 'ended inside the freeze window' in str(caught.value)


@pytest.mark.parametrize('before, after, word', [
    ('325', '326', 'written to'), ('binlog.000001', 'binlog.000002', 'written to'),
    ('"mine\\\\n1"', '"mine\\\\n0"', 'not the one that locked')])
def test_what_happened_behind_its_back_is_torn(place, before, after, word):
    cut = "sed -i 's/%s/%s/g' %s.answers" % (before, after, place.client.path)
    with pytest.raises(Torn) as caught:
        place.window(place.holder(), cut).open(Runner())
    assert word in str(caught.value) and all(gone(pid) for pid in place.client.pids())


def test_a_replica_with_temporary_tables_is_refused(place):
    place.answer(**{'Slave_open_temp_tables': variables(Slave_open_temp_tables='2')})
    made = place.window(place.holder(), 'echo CUT >>%s.asked' % place.client.path)
    with pytest.raises(Refused) as caught:
        made.open(Runner())
    assert 'temporary tables' in str(caught.value) and 'CUT' not in place.statements()


def test_a_failed_cut_leaves_no_session(place):
    holder = place.holder()
    with pytest.raises(Torn):
        place.window(holder, 'exit 1').open(Runner())
    assert holder.server is None and all(gone(pid) for pid in place.client.pids())


def held(place):
    """A holder whose session is open, as the watchdog sees it."""
    holder = place.holder()
    holder.begin(Runner())
    return holder


def test_undo_ends_the_client_and_asks_whether_the_session_is_gone(place):
    holder = held(place)
    assert holder.undo(None) and gone(place.client.pids()[0])
    assert [line for line in place.statements() if 'KILL' in line] == []
    holder.cancel()


def test_undo_ends_a_session_that_the_server_keeps(place, monkeypatch):
    monkeypatch.setattr(_quiesce_mysql, 'NOTICE', 0.1)
    place.answer(**{'AS owner': table(('owner',), ('4711',))})
    holder = held(place)
    assert not holder.undo(None) and place.statements()[-1] == 'KILL 4711'
    holder.cancel()


@pytest.mark.parametrize('said, released', [
    ("ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)", True),
    ("ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock' (111)", True),
    ("ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock' (11)", False),
    ("ERROR 2003 (HY000): Can't connect to MySQL server on 'localhost' (111 \"Connection refused\")", True),
    ('ERROR 1040 (HY000): Too many connections', False), ('ERROR 1045 (28000): Access denied for user', False), ('DIE', False)])
def test_undo_without_an_answer(place, said, released):
    holder = held(place)
    place.answer(**{'SET SESSION': said})
    assert holder.undo(None) is released
    holder.cancel()


@pytest.mark.parametrize('said', ['+----+\n| a  |', 'version\ta\nb'])
def test_an_unknown_form_of_answers_is_an_error(place, said):
    place.answer(**{'SHOW MASTER STATUS': 'File\tPosition\n' + said})
    with pytest.raises(UnknownWord):
        place.server().position()


def test_a_version_that_is_none(place):
    place.answer('Maria')
    with pytest.raises(UnknownWord):
        place.server()


@pytest.mark.parametrize('field, meant', [
    ('a', 'a'), ('a\\tb', 'a\tb'), ('a\\nb', 'a\nb'), ('a\\\\nb', 'a\\nb'), ('\\0', '\0'), ('\\x', '\\x')])
def test_fields_as_they_were(field, meant):
    assert plain(field) == meant


def test_who_works_is_told_without_values(place):
    rows = ('1', 'a', '9', 'x'), ('2', 'b', '3', 'NULL')
    place.answer(**{'information_schema.processlist': table(('id', 'user', 'time', 'words'), *rows)})
    assert place.server().working() == ['1 of a, for 9 s: x', '2 of b, for 3 s: None']
    assert 'info IS NOT NULL' in place.statements()[-1]
