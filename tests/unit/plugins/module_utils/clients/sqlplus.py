# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A sqlplus over an instance that is a file, $ORACLE_HOME/instance.json: the statements of the driver, their refusals, and planted faults.

A fault is {"on": part of a statement, "do": what, "times": how often}, where what is
  fail        an error, and no effect
  late        an error after the effect
  lie         no effect, and no error
  hang        neither, nor an end
  hang late   the effect, and no end
  odd         a word that no manual has, beside the effect
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import fcntl
import json
import os
import re
import sys
import time

HOME = os.environ['ORACLE_HOME']
STATE = os.path.join(HOME, 'instance.json')
PART = " || '|' || "
MISSING = '-'


class Failed(Exception):
    """A statement that ends with an error of the server."""


class Instance:
    """The file, locked while a statement is at work."""

    def __enter__(self):
        self.lock = open(STATE + '.lock', 'a')
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        with open(STATE) as source:
            self.data = json.load(source)
        return self

    def __exit__(self, *dummy):
        with open(STATE + '.new', 'w') as target:
            json.dump(self.data, target)
        os.rename(STATE + '.new', STATE)
        self.lock.close()

    def fault(self, statement):
        for fault in self.data['faults']:
            if fault['on'] in statement and fault['times'] > 0:
                fault['times'] -= 1
                return fault['do']
        return None

    # Statements.

    def alter_database_begin_backup(self):
        self.need('OPEN')
        if self.data['log_mode'] != 'ARCHIVELOG':
            raise Failed('ORA-01123: cannot start online backup; media recovery not enabled')
        for found in self.data['files']:
            if found['backup'] == 'ACTIVE':
                raise Failed('ORA-01146: cannot start online backup - file %d is already in backup' % found['file#'])
        self.data['scn'] += 10
        for found in self.data['files']:
            if found['fuzzy'] == 'YES':
                found.update(backup='ACTIVE', since=self.data['scn'], checkpoint=self.data['scn'])

    def alter_database_end_backup(self):
        active = [found for found in self.data['files'] if found['backup'] == 'ACTIVE']
        if not active:
            raise Failed('ORA-01142: cannot end online backup - none of the files are in backup')
        for found in active:
            found.update(backup='NOT ACTIVE')

    def alter_system_suspend(self):
        self.data['database_status'] = 'SUSPENDED'

    def alter_system_resume(self):
        self.data['database_status'] = 'ACTIVE'

    def alter_system_archive_log_current(self):
        sequence, first = self.data['sequence'], self.data['log_first']
        self.data['scn'] += 1
        name = os.path.join(self.data['archive'], '1_%d_1000.arc' % sequence)
        with open(name, 'w') as log:
            log.write('changes from %d to %d\n' % (first, self.data['scn']))
        self.data['logs'].append({'thread#': 1, 'sequence#': sequence, 'first_change#': first, 'next_change#': self.data['scn'],
                                  'blocks * block_size': 8, 'archived': 'YES', 'status': 'A', 'name': name})
        self.data.update(sequence=sequence + 1, log_first=self.data['scn'])

    def backup_controlfile(self, path):
        if os.path.exists(path):
            raise Failed('ORA-27038: created file already exists')
        with open(path, 'w') as target:
            target.write('control file at %d\n' % self.data['scn'])

    def need(self, status):
        if self.data['status'] != status:
            raise Failed('ORA-01109: database not open')

    # Questions.

    def rows(self, source):
        data = self.data
        if data['status'] == 'STARTED' and source != 'v$instance':
            raise Failed('ORA-01507: database not mounted')
        if source == 'v$instance':
            return [{'status': data['status'], 'database_status': data['database_status'], 'host_name': data['host']}]
        if source == 'v$database':
            return [dict(data, current_scn=data['scn'])]
        if source == 'v$datafile':
            columns = {'d.file#': 'file#', 'd.status': 'status', 'b.status': 'backup', 'NVL(b.change#, 0)': 'since', 'h.fuzzy': 'fuzzy',
                       'NVL(h.checkpoint_change#, 0)': 'checkpoint', 'd.name': 'name'}
            return [dict((column, found[key]) for column, key in columns.items()) for found in data['files']]
        if source == 'v$thread':
            return [{'thread#': number, 'status': status} for number, status in data['threads']]
        if source == 'v$archived_log':
            return data['logs']
        raise Failed('ORA-00942: table or view does not exist: %s' % source)

    def select(self, statement):
        columns, source, condition = re.match(r"SELECT 'snapbackup\|' \|\| (.*?) FROM ([a-z$_]+)(.*)$", statement).groups()
        names = [re.match(r"NVL\(TO_CHAR\((.*)\), '-'\)$", part).group(1) for part in columns.split(PART)]
        if source == 'v$session':
            tag = re.search(r"client_info = '(.*)'", condition).group(1)
            live = [pid for pid, name in self.data['sessions'].items() if name == tag and alive(pid)]
            return [[str(len(live))]]
        wanted = re.search(r'next_change# > (\d+) AND first_change# <= (\d+)', condition)
        rows = [row for row in self.rows(source)
                if not wanted or row['next_change#'] > int(wanted.group(1)) and row['first_change#'] <= int(wanted.group(2))]
        return [[MISSING if row[name] is None else str(row[name]) for name in names] for row in rows]


def alive(pid):
    try:
        with open('/proc/%s/stat' % pid) as source:
            return source.read().rpartition(')')[2].split()[0] not in 'ZX'
    except (IOError, OSError):
        return False


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def carry_out(statement):
    """Everything a statement does, as it is said without its semicolon."""
    with open(STATE + '.said', 'a') as said:
        said.write('%s\n' % statement)
    with Instance() as instance:
        fault = instance.fault(statement)
        suspended = instance.data['database_status'] == 'SUSPENDED' and 'v$datafile' in statement
    if fault == 'fail':
        raise Failed('ORA-00600: internal error code')
    if fault == 'hang' or suspended:
        time.sleep(60)
    if fault == 'odd':
        say('snapbackup|PERHAPS')
    if fault != 'lie':
        with Instance() as instance:
            effect(instance, statement)
    if fault == 'late':
        raise Failed('ORA-03113: end-of-file on communication channel')
    if fault == 'hang late':
        time.sleep(60)


def effect(instance, statement):
    down = instance.data['status'] == 'DOWN'
    if statement.startswith('CONNECT '):
        say('Connected to an idle instance.' if down else 'Connected.')
    elif statement.startswith(('SET ', 'WHENEVER ')):
        return
    elif down:
        raise Failed('ORA-01034: ORACLE not available')
    elif statement.startswith('EXECUTE '):
        instance.data['sessions'][str(os.getpid())] = re.search(r"'(.*)'", statement).group(1)
    elif statement.startswith('SELECT '):
        for row in instance.select(statement):
            say('snapbackup|' + '|'.join(row))
    elif statement.startswith("ALTER DATABASE BACKUP CONTROLFILE TO '"):
        instance.backup_controlfile(statement.split("'")[1])
    else:
        getattr(instance, statement.lower().replace(' ', '_'))()


def main():
    with open(STATE + '.pids', 'a') as pids:
        pids.write('%d\n' % os.getpid())
    with open(STATE + '.argv', 'a') as called:
        called.write('%s\n' % ' '.join(sys.argv[1:]))
    while True:
        line = sys.stdin.readline()
        if not line:
            return 0
        line = line.strip().rstrip(';')
        if line.startswith('PROMPT '):
            say(line[7:])
            continue
        try:
            carry_out(line)
        except Failed as error:
            say('%s\n*\nERROR at line 1:\n%s\n' % (line, error))
            return 1


if __name__ == '__main__':
    sys.exit(main())
