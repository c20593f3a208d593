# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A real PostgreSQL cluster on a simulated host, with pgbench as its load and a proof that its rows fit together."""

import subprocess

from containers import environment

# pgbench adds the same amount to an account, a teller and a branch and writes it into the history, in one transaction:
# in every consistent state the four sums are equal.
SUMS = """SELECT (SELECT coalesce(sum(abalance), 0) FROM pgbench_accounts), (SELECT coalesce(sum(tbalance), 0) FROM pgbench_tellers),
(SELECT coalesce(sum(bbalance), 0) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history),
(SELECT count(*) FROM pgbench_history), (SELECT count(*) FROM pgbench_accounts)"""
SETTINGS = {"max_wal_size": "96MB", "min_wal_size": "64MB", "wal_keep_size": "64MB", "listen_addresses": "", "logging_collector": "off"}


class Cluster:
    """A cluster in a directory of a lab's host. Data pages carry checksums."""

    def __init__(self, lab, host, data):
        self.lab, self.host, self.data = lab, host, data
        found = lab.exec(host, ["find", "/usr/lib/postgresql", "-name", "initdb"]).stdout.split()
        self.bin = found[0].rsplit("/", 1)[0]

    def run(self, program, *arguments, timeout=300, check=True):
        """One of PostgreSQL's programs, as its own user. Returns what it printed."""
        argv = ["runuser", "-u", "postgres", "--", "%s/%s" % (self.bin, program), *arguments]
        return self.lab.exec(self.host, argv, timeout=timeout, check=check).stdout

    def create(self, scale):
        """Make the cluster, start it and fill it. scale: 100 000 accounts and about 15 MB each."""
        self.lab.exec(self.host, ["install", "-d", "-o", "postgres", "-m", "700", self.data])
        self.lab.exec(self.host, ["install", "-d", "-o", "postgres", "/var/run/postgresql"])
        self.run("initdb", "-D", self.data, "--data-checksums", "--auth=peer")
        self.start()
        self.run("pgbench", "--initialize", "--quiet", "--scale=%d" % scale, "postgres")
        self.run("psql", "-qc", "CHECKPOINT")

    def start(self):
        settings = " ".join("-c %s=%s" % item for item in SETTINGS.items())
        self.run("pg_ctl", "-D", self.data, "-w", "-l", "/var/tmp/postgresql.log", "-o", settings, "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")

    def crash(self):
        """End it the way a power failure does."""
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def sums(self):
        """(accounts, tellers, branches, history, rows of history, accounts counted)"""
        return tuple(int(word) for word in self.run("psql", "-XAtc", SUMS).strip().split("|"))

    def rows(self):
        """How many transactions are committed."""
        return int(self.run("psql", "-XAtc", "SELECT count(*) FROM pgbench_history"))

    def check_pages(self):
        """Verify the checksum of every page of the stopped cluster; raises RuntimeError on a bad one."""
        return self.run("pg_checksums", "--check", "-D", self.data)

    def load(self, clients=4, seconds=3600):
        """Start pgbench as a client would; the caller ends it."""
        argv = ["pgbench", "--client=%d" % clients, "--time=%d" % seconds, "--no-vacuum", "--progress=1", "postgres"]
        program = ["runuser", "-u", "postgres", "--", "%s/%s" % (self.bin, argv[0]), *argv[1:]]
        return Load(["podman", "exec", self.lab.container(self.host), *program], self)


class Load:
    """pgbench at work; use it as a context, which begins when the first transaction is committed."""

    def __init__(self, argv, cluster):
        self.argv, self.cluster = argv, cluster

    def __enter__(self):
        rows = self.cluster.rows()
        self.process = subprocess.Popen(self.argv, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)  # fmt: skip
        while self.cluster.rows() == rows:
            if not self.running:
                raise RuntimeError("pgbench did not start: " + self.process.stderr.read())
        return self

    def __exit__(self, *exc):
        self.cluster.lab.exec(self.cluster.host, ["pkill", "-x", "pgbench"], check=False)
        self.process.wait()

    @property
    def running(self):
        return self.process.poll() is None
