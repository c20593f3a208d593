# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Backup mode of an Oracle database whose sqlplus is recorded: what is proved, and that nothing ever stays in it."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import signal
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce, _quiesce_oracle, _quiesce_oracle_log
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import LeaseExpired, Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce import Window, expected_verdict, lasting_holder, worth
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_oracle_log import covered, whole
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_oracle_server import Log

from oracle import SID, Oracle
from scripted import Record, eventually, gone

pytestmark = pytest.mark.slow

RUN = '20261120T031500Z-a1b2c3'
BEGIN, END = 'ALTER DATABASE BEGIN BACKUP', 'ALTER DATABASE END BACKUP'
SUSPEND, RESUME = 'ALTER SYSTEM SUSPEND', 'ALTER SYSTEM RESUME'
SWITCH = 'ALTER SYSTEM ARCHIVE LOG CURRENT'


@pytest.fixture
def database(tmpdir):
    return Oracle(tmpdir)


def holder_of(database, **changes):
    members = [dict(volume='d1', filesystem=str(database.base), fstype='ufs')]
    return _quiesce.application_holders([database.entry(**changes)], members, str(database.base.join('run')), RUN)[0]


def window(database, holder, cut='true', seconds=30):
    return Window([holder], [['/bin/sh', '-c', cut]], lambda look: None, seconds, str(database.base.join('report')))


def opened(database, cut='true', seconds=30, record=None, **changes):
    holder = holder_of(database, **changes)
    holder.check(Runner())
    made = window(database, holder, cut, seconds)
    return made, made.open(Runner(), record)


def nothing_left(database):
    state = database.read()
    return database.active() == [] and state['database_status'] == 'ACTIVE'


def test_what_recovery_needs_is_stored(database):
    record = Record()
    made, facts = opened(database, record=record)
    entry, = made.recovery
    assert (entry['driver'], entry['volume'], entry['directory']) == ('oracle', 'd1', 'data')
    assert [found['place'] for found in entry['files']] == ['snapbackup-control.ctl', '1_7_1000.arc']
    assert 'changes from 950' in open(entry['files'][1]['source']).read()
    assert database.said() == [BEGIN, END, SWITCH, "ALTER DATABASE BACKUP CONTROLFILE TO '%s/snapbackup-%s.ctl'" % (database.control, RUN)]
    assert os.listdir(str(database.control)) == [] and nothing_left(database) and record.undo == {}
    application, = facts['applications']
    assert (application['driver'], application['database'], application['archive']) == ('oracle', 'ORCL', 'stored')
    assert application['start'] == 1010 and application['stop'] >= application['start']
    assert [(log['thread'], log['sequence']) for log in application['logs']] == [(1, 7)]


def test_no_secret_and_no_statement_is_an_argument(database):
    opened(database)
    assert set(database.lines('argv')) == set(['-S /nolog'])
    assert 'CONNECT / AS SYSDBA' in database.lines('said')


def test_an_account_of_a_wallet(database):
    opened(database, service='orcl_backup')
    assert 'CONNECT /@orcl_backup AS SYSDBA' in database.lines('said')


def test_logs_that_stay_where_they_are(database):
    made, facts = opened(database, archive='proved')
    assert [found['place'] for found in made.recovery[0]['files']] == ['snapbackup-control.ctl']
    application, = facts['applications']
    assert application['archive'] == 'proved' and application['logs'][0]['name'] == str(database.archive.join('1_7_1000.arc'))


def test_the_cut_is_made_in_backup_mode_and_suspended(database):
    seen = str(database.base.join('seen'))
    made, facts = opened(database, cut='cp %s %s' % (database.file, seen), suspend=True)
    with open(seen) as source:
        state = json.load(source)
    assert state['database_status'] == 'SUSPENDED' and [found['backup'] for found in state['files']] == ['ACTIVE', 'ACTIVE', 'NOT ACTIVE']
    assert database.said()[:4] == [BEGIN, SUSPEND, RESUME, END] and nothing_left(database)
    assert facts['applications'][0]['suspended'] is True
    assert [step['what'] for step in facts['steps']] == ['before', 'cut', 'after']


def test_the_commands_of_check_mode_are_those_that_are_run(database):
    holder = holder_of(database, suspend=True)
    made, runner = window(database, holder), Runner()
    holder.check(runner)
    assert database.said() == []
    made.open(runner)
    assert [command['argv'] for command in runner.commands] == made.commands()


@pytest.mark.parametrize('changes, word', [
    (dict(status='DOWN'), 'not started'), (dict(status='MOUNTED'), 'MOUNTED'), (dict(database_status='SUSPENDED'), 'SUSPENDED'),
    (dict(host='elsewhere'), 'another host'), (dict(log_mode='NOARCHIVELOG'), 'NOARCHIVELOG'), (dict(open_mode='READ ONLY'), 'READ ONLY'),
    (dict(database_role='PHYSICAL STANDBY'), 'PHYSICAL STANDBY')])
def test_a_database_that_is_refused(database, changes, word):
    database.set(**changes)
    with pytest.raises(Refused) as caught:
        holder_of(database).check(Runner())
    assert word in str(caught.value) and database.said() == []


@pytest.mark.parametrize('changes, word', [
    (dict(backup='ACTIVE', since=990), "v$backup WHERE status = 'ACTIVE'"), (dict(status='RECOVER'), 'needs recovery'),
    (dict(name='/proc/version'), 'no volume')])
def test_a_file_that_is_refused(database, changes, word):
    database.set_file(2, **changes)
    with pytest.raises(Refused) as caught:
        holder_of(database).check(Runner())
    assert word in str(caught.value) and database.said() == []


@pytest.mark.parametrize('changes', [dict(status='PERHAPS'), dict(backup='UNKNOWN ERROR'), dict(fuzzy='MAYBE')])
def test_a_file_with_an_unknown_word(database, changes):
    database.set_file(2, **changes)
    with pytest.raises(UnknownWord):
        holder_of(database).check(Runner())


@pytest.mark.parametrize('changes', [dict(status='OPENING'), dict(database_status='PERHAPS'), dict(log_mode='SOME'), dict(open_mode='WIDE'),
                                     dict(database_role='FRIEND')])
def test_an_instance_with_an_unknown_word(database, changes):
    database.set(**changes)
    with pytest.raises(UnknownWord):
        holder_of(database).check(Runner())


@pytest.mark.parametrize('changes', [
    dict(sid="X' OR"), dict(sid='$(reboot)'), dict(service='a b'), dict(service="x';"), dict(user='no-such-user'),
    dict(client='/nonexistent'), dict(control_directory='/nonexistent'), dict(control_directory=None), dict(control_directory='/tmp'),
    dict(archive='onbar')])
def test_an_option_that_is_refused(database, changes):
    with pytest.raises(Refused):
        holder_of(database, **changes).check(Runner())
    assert database.said() == []


def test_a_control_directory_that_cannot_stand_in_a_statement(database):
    odd = database.base.mkdir("a'b")
    with pytest.raises(Refused):
        holder_of(database, control_directory=str(odd)).check(Runner())


def test_a_connection_that_is_denied(database):
    database.home.join('bin', 'sqlplus').write('#!/bin/sh\nwhile read -r line; do case $line in CONNECT*) echo "ERROR:"; '
                                               'echo "ORA-01017: invalid username/password; logon denied" ;; PROMPT*) '
                                               'echo "${line#PROMPT }" ;; esac; done\n')
    with pytest.raises(Refused) as caught:
        holder_of(database).check(Runner())
    assert 'ORA-01017' in caught.value.facts['vendor']


def test_somebody_elses_backup_mode_that_came_after_the_check_stays(database):
    holder, record = holder_of(database), Record()
    holder.check(Runner())
    database.set_file(2, backup='ACTIVE', since=1005)
    with pytest.raises(Refused):
        window(database, holder).open(Runner(), record)
    assert database.active() == [2] and database.said() == [] and record.undo == {}


@pytest.mark.parametrize('on, do', [
    (BEGIN, 'fail'), (BEGIN, 'late'), (BEGIN, 'lie'), (BEGIN, 'odd'), (BEGIN, 'hang'), (BEGIN, 'hang late'),
    (END, 'fail'), (END, 'late'), (END, 'lie'), (END, 'odd'), (END, 'hang'), (END, 'hang late'),
    (SUSPEND, 'fail'), (SUSPEND, 'late'), (SUSPEND, 'lie'), (SUSPEND, 'odd'), (SUSPEND, 'hang'), (SUSPEND, 'hang late'),
    (RESUME, 'fail'), (RESUME, 'late'), (RESUME, 'lie'), (RESUME, 'odd'), (RESUME, 'hang'), (RESUME, 'hang late')])
def test_whatever_goes_wrong_nothing_stays_in_backup_mode(database, on, do):
    record = Record()
    database.fault(on, do)
    with pytest.raises(Refused):
        opened(database, record=record, suspend=True, limit=1 if 'hang' in do else 20)
    assert nothing_left(database) and record.undo == {} and len(record.ever) >= 1
    assert all(gone(int(pid)) for pid in database.lines('pids'))


@pytest.mark.parametrize('on, do', [(SWITCH, 'fail'), (SWITCH, 'lie'), ('CONTROLFILE', 'fail'), ('CONTROLFILE', 'lie'), (SWITCH, 'odd')])
def test_a_backup_without_what_recovery_needs_fails(database, monkeypatch, on, do):
    monkeypatch.setattr(_quiesce_oracle_log, 'ARCHIVED_WITHIN', 0.2)
    database.fault(on, do)
    with pytest.raises(Refused):
        opened(database)
    assert nothing_left(database)


@pytest.mark.parametrize('change', [dict(archived='NO'), dict(status='D'), dict(name=None), dict(name='/nonexistent/1_7.arc')])
def test_a_log_that_is_not_there(database, monkeypatch, change):
    monkeypatch.setattr(_quiesce_oracle_log, 'ARCHIVED_WITHIN', 0.2)
    holder = holder_of(database, archive='proved')
    server = holder.archive

    class Server:
        def logs(self, first, last):
            return [log for log in (Log(1, 7, 950, 1020, 8, 'YES', 'A', str(database.file)),)
                    for log in [log._replace(**dict((key, value or '-') for key, value in change.items()))]]

        def threads(self):
            return [1]
    with pytest.raises(Torn) as caught:
        server.archived(Server(), 1010, 1015)
    assert 'not archived' in str(caught.value)


@pytest.mark.parametrize('source, owner', [('link', None), ('log', 12345), ('empty', None), ('gone', None), ('', None)])
def test_a_file_that_is_none_of_the_database(database, source, owner):
    """Else who rules the database could have any file of the host stored, and restored into its own directory."""
    place = database.archive
    place.join('log').write('changes')
    place.join('empty').write('')
    place.join('link').mksymlinkto('log')
    archive = holder_of(database).archive
    os.makedirs(archive.directory)
    archive.save_file(str(place.join('log')), 'good', os.getuid())
    with pytest.raises(Torn):
        archive.save_file(str(place.join(source)), 'bad', os.getuid() if owner is None else owner)
    assert os.listdir(archive.directory) == ['good']


@pytest.mark.parametrize('do', ['late', 'hang late'])
def test_no_copy_of_the_control_file_is_left_behind(database, monkeypatch, do):
    monkeypatch.setattr(_quiesce_oracle, 'END_LIMIT', 1)
    database.fault('CONTROLFILE', do)
    with pytest.raises(Refused):
        opened(database)
    assert database.said()[-1].startswith('ALTER DATABASE BACKUP CONTROLFILE') and os.listdir(str(database.control)) == []


def test_nor_by_a_dead_run(database):
    entry = left_by_a_dead_run(database)
    database.control.join('snapbackup-%s.ctl' % RUN).write('control file')
    database.control.join('other.ctl').write('of somebody else')
    assert lasting_holder(entry, RUN).release(Runner()) and os.listdir(str(database.control)) == ['other.ctl']


def log(thread, sequence, first, following, **changes):
    return Log(thread, sequence, first, following, 8, 'YES', 'A', os.path.abspath(__file__))._replace(**changes)


@pytest.mark.parametrize('logs, held', [
    ([], False), ([log(1, 7, 950, 1020)], True), ([log(1, 7, 950, 1015)], False), ([log(1, 7, 1011, 1020)], False),
    ([log(1, 7, 950, 1012), log(1, 8, 1012, 1020)], True), ([log(1, 7, 950, 1012), log(1, 9, 1013, 1020)], False)])
def test_changes_that_logs_hold(logs, held):
    assert covered(logs, 1010, 1015) is held


def test_one_of_the_copies_of_a_log_that_is_whole():
    good = log(1, 7, 950, 1020)
    assert whole([good._replace(name='+DATA/1_7'), good, good._replace(bytes=10 ** 9), log(1, 8, 1, 2, status='X')]) == [good]


def test_a_file_that_leaves_backup_mode_in_the_window_is_torn(database):
    script = ("%s - <<'E'\nimport json\np = '%s'\nd = json.load(open(p))\nd['files'][1]['backup'] = 'NOT ACTIVE'\n"
              "json.dump(d, open(p, 'w'))\nE" % (os.environ.get('PYTHON', 'python3'), database.file))
    with pytest.raises(Torn) as caught:
        opened(database, cut=script)
    assert 'not in this backup mode' in str(caught.value) and nothing_left(database)


def test_a_cut_that_fails_ends_backup_mode(database):
    with pytest.raises(Torn):
        opened(database, cut='exit 1', suspend=True)
    assert nothing_left(database) and SWITCH not in database.said()


def test_a_cut_that_hangs_ends_with_the_lease(database):
    with pytest.raises(LeaseExpired):
        opened(database, cut='sleep 60', seconds=1, suspend=True)
    eventually(lambda: nothing_left(database))


@pytest.mark.parametrize('suspend', [False, True])
def test_the_watchdog_ends_what_a_killed_module_has_begun(database, suspend):
    inside = database.base.join('inside')
    pid = os.fork()
    if pid == 0:
        try:
            opened(database, cut=': >%s; sleep 60' % inside, suspend=suspend)
        finally:
            os._exit(1)
    eventually(inside.check)
    assert database.active() == [1, 2] and (database.read()['database_status'] == 'SUSPENDED') is suspend
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    eventually(lambda: nothing_left(database))
    assert END in database.said()


@pytest.mark.parametrize('on', [BEGIN, SWITCH])
def test_a_module_that_is_killed_outside_of_the_window(database, on):
    database.fault(on, 'hang late')
    pid = os.fork()
    if pid == 0:
        try:
            opened(database)
        finally:
            os._exit(1)
    eventually(lambda: on in database.said() and (on != BEGIN or database.active()))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    eventually(lambda: nothing_left(database))


def left_by_a_dead_run(database, suspend=False):
    """The undo entry of a run whose module and watchdogs were all killed in the window."""
    holder, record = holder_of(database, suspend=suspend), Record()
    holder.check(Runner())
    database.set(database_status='SUSPENDED' if suspend else 'ACTIVE', scn=1010, files=[
        dict(found, backup='ACTIVE', since=1010) if found['fuzzy'] == 'YES' else found for found in database.read()['files']])
    holder.since = {1: 1010, 2: 1010}
    record.add_undo(holder.lasting())
    return record.undo['quiesce:oracle:' + SID]


@pytest.mark.parametrize('suspend, statements', [(False, [END]), (True, [RESUME, END])])
def test_what_a_dead_run_has_left_is_let_go(database, suspend, statements):
    holder = lasting_holder(left_by_a_dead_run(database, suspend), RUN)
    assert [argv[-1] for argv in holder.to_release(Runner())] == statements and database.said() == []
    runner = Runner()
    assert holder.release(runner)
    assert [command['argv'][-1] for command in runner.commands] == statements and nothing_left(database)
    assert holder.release(runner) and holder.to_release(runner) == [] and database.said() == statements


def test_a_later_backup_mode_of_somebody_else_is_not_ended(database):
    entry = left_by_a_dead_run(database)
    for number in (1, 2):
        database.set_file(number, since=2000)
    holder = lasting_holder(entry, RUN)
    assert holder.to_release(Runner()) == [] and holder.release(Runner()) and database.active() == [1, 2]


def test_a_backup_mode_that_is_only_partly_of_the_run_is_not_touched(database):
    entry = left_by_a_dead_run(database)
    database.set_file(2, since=2000)
    with pytest.raises(Refused):
        lasting_holder(entry, RUN).release(Runner())
    assert database.active() == [1, 2]


def test_the_change_before_it_tells_whose_it_is_where_the_files_were_not_noted(database):
    entry = dict(left_by_a_dead_run(database), since=[])
    assert lasting_holder(entry, RUN).to_release(Runner())
    for number in (1, 2):
        database.set_file(number, since=10)
    assert lasting_holder(entry, RUN).to_release(Runner()) == []


@pytest.mark.parametrize('status', ['DOWN', 'STARTED'])
def test_a_database_that_is_not_mounted_keeps_its_entry(database, status):
    holder = lasting_holder(left_by_a_dead_run(database), RUN)
    database.set(status=status)
    with pytest.raises(Refused) as caught:
        holder.release(Runner())
    assert 'STARTUP MOUNT' in str(caught.value)
    database.set(status='MOUNTED')
    assert holder.release(Runner()) and nothing_left(database)


@pytest.mark.parametrize('do', ['fail', 'lie', 'odd'])
def test_an_end_that_does_not_work_is_not_taken_for_one(database, do):
    holder = lasting_holder(left_by_a_dead_run(database), RUN)
    database.fault(END, do)
    try:
        assert not holder.release(Runner())
    except Refused:
        assert do != 'lie'
    assert holder.release(Runner()) and nothing_left(database)


def test_a_session_that_has_not_ended_yet_keeps_the_entry(database):
    """Its server process may still carry out what it was told."""
    holder = lasting_holder(left_by_a_dead_run(database), RUN)
    database.set(sessions={str(os.getpid()): 'snapbackup:' + RUN})
    assert not holder.release(Runner()) and database.active() == []
    database.set(sessions={})
    assert holder.release(Runner())


def test_what_cannot_be_let_go_stays_in_the_record(database):
    record = Record()
    database.fault(END, 'fail', times=3)
    begun = time.time()
    with pytest.raises(Refused) as caught:
        opened(database, record=record)
    assert 'volmgr.snapbackup.recover' in str(caught.value) and list(record.undo) == ['quiesce:oracle:' + SID]
    assert record.undo['quiesce:oracle:' + SID]['since'] == [[1, 1010], [2, 1010]] and time.time() >= begun
    # Its watchdog goes on.
    eventually(lambda: nothing_left(database))


def on_raw_devices(database, *numbers):
    """A holder of the database with these files on the raw volume of a second member."""
    node = database.data.join('node')
    node.mksymlinkto('/dev/full')
    for number in numbers:
        database.set_file(number, name=str(node))
    holder = holder_of(database)
    holder.members.append(dict(volume='d2', filesystem=None, fstype=None, original='/dev/full', device='/dev/zero'))
    return holder


@pytest.mark.parametrize('numbers, place', [((1,), ('d1', 'data')), ((1, 2, 3), ('d2', '.'))])
def test_data_files_on_raw_volumes(database, numbers, place):
    holder = on_raw_devices(database, *numbers)
    holder.check(Runner())
    made = window(database, holder)
    made.open(Runner())
    assert [(found['volume'], found['directory']) for found in made.recovery] == [place] and nothing_left(database)


def test_a_data_file_on_a_raw_volume_that_is_not_copied(database):
    holder = on_raw_devices(database, 1)
    holder.members[1]['original'] = '/dev/zero'
    with pytest.raises(Refused) as caught:
        holder.check(Runner())
    assert 'no volume of this run' in str(caught.value)


def test_its_verdict(database):
    member = dict(volume='d1', filesystem='/home1', fstype='ufs')
    assert worth(expected_verdict, [member], [holder_of(database)]) == 'application'
