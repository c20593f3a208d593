# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A session with a MariaDB or MySQL server, and what the server says of itself: its lock, its parts, its position."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import itertools
import os
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_session import DONE, Session, client_program

PRODUCT = 'MariaDB or MySQL'
CLIENTS = ('mariadb', 'mysql')
INSTALLED = ('/usr/mysql/*/bin/mysql', '/usr/local/mysql/bin/mysql', '/opt/mysql/*/bin/mysql')
# Longer than any freeze window: the server must not end the session because nobody says anything.
IDLE_LIMIT = 7200
DIRECTORIES = ('datadir', 'innodb_data_home_dir', 'innodb_log_group_home_dir', 'innodb_undo_directory', 'aria_log_dir_path',
               'rocksdb_datadir', 'rocksdb_wal_dir')
FILES = ('log_bin_basename', 'log_bin_index', 'relay_log_basename')
# A server that is to work with the restored files must be set up alike in these.
ALIKE = ('version', 'server_id', 'server_uuid', 'innodb_page_size', 'innodb_data_file_path', 'innodb_undo_tablespaces',
         'lower_case_table_names', 'log_bin')
GTID = ('gtid_binlog_pos', 'gtid_slave_pos', 'gtid_executed')
# Where the tables' files are told; a server has one of these tables, and MariaDB from 10.6 the second column.
CATALOGS = ('INNODB_SYS_DATAFILES', 'INNODB_DATAFILES', 'INNODB_SYS_TABLESPACES')
PATHS = ('PATH', 'FILENAME')
ESCAPED = re.compile(r'\\([0nt\\])')
MEANT = {'0': '\0', 'n': '\n', 't': '\t', '\\': '\\'}
VERSION = re.compile(r'^(\d+)\.(\d+)\.(\d+)')


class Server:
    """A session with the server that entry (of option quiesce) names. Every question may raise Refused and then ends the session."""

    def __init__(self, entry):
        self.limit = entry['limit']
        self.client = client_program(entry['client'], CLIENTS, INSTALLED)
        self.session = Session(PRODUCT, self.argv(entry), entry['user'], "SELECT '%s';" % DONE, '%s\n%s\n' % (DONE, DONE))
        self.rows('SET SESSION lock_wait_timeout = %d, SESSION wait_timeout = %d' % (max(1, self.limit), IDLE_LIMIT))
        self.settings = self.variables(DIRECTORIES + FILES + ALIKE)
        version = VERSION.match(self.settings['version'])
        if not version:
            raise UnknownWord('The server tells no version.', object='version', found=self.settings['version'])
        self.version = tuple(int(number) for number in version.groups())
        self.mariadb = 'MariaDB' in self.settings['version']

    def argv(self, entry):
        # An option file must come first. Secrets are in it or in the usual ones, never among the arguments.
        options = ['--defaults-file=' + entry['option_file']] if entry['option_file'] else []
        where = ['--socket=' + entry['socket']] if entry['socket'] else []
        return [self.client] + options + where + ['--batch', '--column-names', '--unbuffered', '--skip-reconnect', '--skip-auto-rehash',
                                                  '--connect-timeout=%d' % max(1, self.limit)]

    def rows(self, statement, limit=None):
        """The rows of an answer as [{column in lower case: text, None for NULL}]."""
        lines = [[plain(field) for field in line.split('\t')] for line in self.session.ask(statement, limit or self.limit)]
        names = [name.lower() for name in lines[0]] if lines else []
        if any(len(line) != len(names) for line in lines):
            raise UnknownWord('The client prints its answers in an unknown form.', object=self.client, vendor='%r' % lines[:3],
                              remedy='look for output options in its option files')
        return [dict((name, None if field == 'NULL' else field) for name, field in zip(names, line)) for line in lines[1:]]

    def variables(self, names):
        """{name: value} of those of the server's variables that it has."""
        return dict((row['variable_name'].lower(), row['value']) for row in self.rows(
            'SHOW GLOBAL VARIABLES WHERE Variable_name IN (%s)' % quoted(names)))

    # The lock.

    def mark(self, tag):
        """Hold the named lock tag, so that every other session can tell this one."""
        self.rows("DO GET_LOCK('%s', 0)" % tag)

    def owner(self, tag):
        """The number of the session that holds the named lock tag, or None."""
        return self.rows("SELECT IS_USED_LOCK('%s') AS owner" % tag)[0]['owner']

    def is_marked(self, tag):
        """Whether this is still the session that mark() was called in."""
        return self.rows("SELECT IS_USED_LOCK('%s') = CONNECTION_ID() AS mine" % tag)[0]['mine'] == '1'

    def working(self):
        """What the other sessions do, the longest first, as text without the values in it."""
        rows = self.rows(
            "SELECT id, user, time, substring_index(substring_index(left(info, 60), '\\'', 1), '\"', 1) AS words "
            "FROM information_schema.processlist WHERE info IS NOT NULL AND id <> CONNECTION_ID() ORDER BY time DESC LIMIT 5")
        return ['%s of %s, for %s s: %s' % (row['id'], row['user'], row['time'], row['words']) for row in rows]

    # What a copy must hold.

    def places(self):
        """The directories and links that hold data: each must be in the copy. The named ones come first."""
        data = self.settings['datadir']
        files = [self.settings.get(name) for name in FILES] + self.data_files() + self.tablespaces()
        named = set(self.settings.get(name) for name in DIRECTORIES) | set(os.path.dirname(path) for path in files if path)
        return itertools.chain(sorted(os.path.join(data, path) for path in named if path), inside(data))

    def data_files(self):
        home = self.settings.get('innodb_data_home_dir') or ''
        return [os.path.join(home, part.split(':')[0]) for part in (self.settings.get('innodb_data_file_path') or '').split(';') if part]

    def tablespaces(self):
        known = self.rows("SELECT table_name AS place, column_name AS word FROM information_schema.columns WHERE table_schema = "
                          "'information_schema' AND table_name IN (%s) AND column_name IN (%s)" % (quoted(CATALOGS), quoted(PATHS)))
        return [row['path'] for column in known
                for row in self.rows('SELECT DISTINCT %(word)s AS path FROM information_schema.%(place)s' % column)]

    # Where it stands in its logs.

    def position(self):
        """binlog: {"file", "position"} or None. gtid: {variable: value}. replicates: [{"channel", "file", "position"}] of its sources."""
        binlog = self.rows('SHOW BINARY LOG STATUS' if not self.mariadb and self.version >= (8, 2, 0) else 'SHOW MASTER STATUS')
        return {'binlog': {'file': binlog[0]['file'], 'position': int(binlog[0]['position'])} if binlog else None,
                'gtid': dict((name, value) for name, value in self.variables(GTID).items() if value),
                'replicates': [source(row) for row in self.rows(self.sources())]}

    def sources(self):
        if self.mariadb:
            return 'SHOW ALL SLAVES STATUS'
        return 'SHOW REPLICA STATUS' if self.version >= (8, 0, 22) else 'SHOW SLAVE STATUS'

    def temporary_tables(self):
        """How many temporary tables replication has open; they are in no copy."""
        rows = self.rows('SHOW GLOBAL STATUS WHERE Variable_name IN (%s)' % quoted(['Slave_open_temp_tables', 'Replica_open_temp_tables']))
        return max([0] + [int(row['value']) for row in rows])


def plain(field):
    """A field as it was before the client escaped it for its table."""
    return ESCAPED.sub(lambda found: MEANT[found.group(1)], field)


def quoted(names):
    return ', '.join("'%s'" % name for name in names)


def inside(data):
    """Every directory below data, which may be a mount point, and every link that leads somewhere."""
    for base, directories, files in os.walk(data):
        for name in directories + files:
            path = os.path.join(base, name)
            if name in directories or os.path.islink(path) and os.path.exists(path):
                yield path


def source(row):
    """The position in the log of a source, up to which its changes are in the copy."""
    def first(*names):
        return ([row[name] for name in names if name in row] + [None])[0]
    return {'channel': first('connection_name', 'channel_name'), 'file': first('relay_master_log_file', 'relay_source_log_file'),
            'position': int(first('exec_master_log_pos', 'exec_source_log_pos'))}
