# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A real MariaDB server on a simulated host, with transfers as its load and a proof that its rows fit together."""

import subprocess
import time

from containers import environment

SOCKET = "/run/mysqld/mysqld.sock"
ERROR_LOG = "/var/tmp/mariadb.log"
PATIENCE = 30
ACCOUNTS, EACH = 100, 1000
SCHEMA = """CREATE DATABASE bank;
CREATE TABLE bank.savings (id INT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB;
CREATE TABLE bank.current (id INT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB;
CREATE TABLE bank.history (id INT AUTO_INCREMENT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB;
CREATE TABLE bank.notes (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40)) ENGINE=Aria TRANSACTIONAL=0;
USE bank;
INSERT INTO bank.savings SELECT seq, %(each)d FROM seq_1_to_%(accounts)d;
INSERT INTO bank.current SELECT seq, %(each)d FROM seq_1_to_%(accounts)d;
""" % {"accounts": ACCOUNTS, "each": EACH}  # fmt: skip
# One amount leaves an account, enters another one and goes into the history, or nothing of it happens.
TRANSFER = """SET @a = 1 + FLOOR(RAND() * %d), @b = 1 + FLOOR(RAND() * %d), @x = FLOOR(RAND() * 100);
BEGIN; UPDATE bank.savings SET amount = amount - @x WHERE id = @a;
UPDATE bank.current SET amount = amount + @x WHERE id = @b;
INSERT INTO bank.history (amount) VALUES (@x); COMMIT; INSERT INTO bank.notes (word) VALUES ('transfer');
""" % (ACCOUNTS, ACCOUNTS)
SUMS = """SELECT (SELECT SUM(amount) FROM bank.savings), (SELECT SUM(amount) FROM bank.current),
(SELECT COALESCE(SUM(amount), 0) FROM bank.history)"""


class Server:
    """A server whose data directory lies on a lab's host; logs: another directory for its redo and binary log."""

    def __init__(self, lab, host, data, logs=None):
        self.lab, self.host, self.data, self.logs = lab, host, data, logs or data

    def create(self):
        """Make the data directory, start the server and fill it."""
        run = self.lab.exec
        if run(self.host, ["id", "mysql"], check=False).returncode:
            run(self.host, ["useradd", "--system", "--no-create-home", "mysql"])
        for place in sorted({self.data, self.logs, "/run/mysqld"}):
            run(self.host, ["install", "-d", "-o", "mysql", "-m", "755", place])
        run(self.host, ["mysql_install_db", "--no-defaults", "--user=mysql", "--skip-test-db", *self.settings()], timeout=120)
        self.start()
        self.sql(SCHEMA)

    def settings(self):
        return ["--datadir=" + self.data, "--innodb-log-group-home-dir=" + self.logs, "--innodb-log-file-size=5M"]

    def start(self):
        argv = ["mysqld", "--no-defaults", "--user=mysql", "--socket=" + SOCKET, "--skip-networking", "--server-id=1",
                "--log-bin=%s/binlog" % self.logs, "--log-error=" + ERROR_LOG, *self.settings()]  # fmt: skip
        self.lab.exec(self.host, ["sh", "-c", 'exec setsid "$@" </dev/null >/dev/null 2>&1 &', "sh", *argv])
        end = time.monotonic() + PATIENCE
        while self.lab.exec(self.host, [*self.client(), "-e", "SELECT 1"], check=False).returncode:
            if time.monotonic() > end:
                raise RuntimeError("MariaDB did not start: " + self.lab.exec(self.host, ["tail", ERROR_LOG]).stdout)
            time.sleep(0.1)

    def client(self):
        return ["mysql", "--no-defaults", "--socket=" + SOCKET, "--batch", "--skip-column-names"]

    def sql(self, statements):
        """What statements print: a row a line, columns separated by tabs."""
        return self.lab.exec(self.host, [*self.client(), "-e", statements]).stdout

    def crash(self):
        """End it the way a power failure does."""
        self.lab.exec(self.host, ["pkill", "-KILL", "-x", "mysqld|mariadbd"], check=False)
        end = time.monotonic() + PATIENCE
        while self.running:
            if time.monotonic() > end:
                raise RuntimeError("MariaDB did not end")
            time.sleep(0.05)

    @property
    def running(self):
        return self.lab.exec(self.host, ["pgrep", "-x", "mysqld|mariadbd"], check=False).returncode == 0

    def sums(self):
        """(savings, current, history)"""
        return tuple(int(word) for word in self.sql(SUMS).split())

    def rows(self):
        """How many transfers are committed."""
        return int(self.sql("SELECT COUNT(*) FROM bank.history"))

    def said(self):
        """What the server has written about itself since it was created."""
        return self.lab.exec(self.host, ["cat", ERROR_LOG]).stdout

    def load(self):
        """Transfers, one after the other, until the caller has enough; use it as a context."""
        script = 'while printf %%s "$1"; do :; done | %s' % " ".join(self.client())
        return Load(["podman", "exec", self.lab.container(self.host), "sh", "-c", script, "transfers", TRANSFER], self)


class Load:
    """A client at work, which begins with its first committed transfer."""

    def __init__(self, argv, server):
        self.argv, self.server = argv, server

    def __enter__(self):
        rows = self.server.rows()
        self.process = subprocess.Popen(self.argv, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)  # fmt: skip
        while self.server.rows() == rows:
            if not self.running:
                raise RuntimeError("the transfers did not start: " + self.process.stderr.read())
        return self

    def __exit__(self, *exc):
        self.server.lab.exec(self.server.host, ["pkill", "-f", "^sh -c while printf"], check=False)
        self.process.wait()

    @property
    def running(self):
        return self.process.poll() is None
