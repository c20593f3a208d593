# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The third-mirror break-off of the Veritas Volume Manager Administrator's Guide, with a database on it: a mirror is attached to
volume vol01, broken off, checked, stored while the database works, and removed; then the volume is damaged, and restored."""

from lab import Lab
from postgresql import Cluster
from stage import expect, headline, journal, last_record, playbook, tell

HOST = "node1"
DATA = "/vol01/pgdata"
VOLUME = "datadg/vol01"
CHANGES = ("vxassist -g datadg -b snapstart", "vxassist -g datadg snapshot", "vxedit", "fsck", "dd")
BACKUP = {
    "snapbackup_hosts": HOST,
    "snapbackup_manager": "vxvm",
    "snapbackup_name": "vol01",
    "snapbackup_volumes": [{"disk_group": "datadg", "volume": "vol01", "filesystem": "/vol01"}],
    "snapbackup_quiesce": [{"driver": "postgresql"}],
    "snapbackup_destination": "/backup",
}


def main():
    headline("A simulated host with Veritas Volume Manager and a real file system")
    lab = Lab("demo", hosts=[HOST], topology="vxvm", say=tell).up()
    show(lab)

    headline("A PostgreSQL cluster on it, with pgbench at work")
    cluster = Cluster(lab, HOST, DATA)
    cluster.create(scale=5)
    tell("%s, %d accounts" % (cluster.run("postgres", "--version").strip(), cluster.sums()[5]))
    lab.exec(HOST, ["python3", "/opt/simulator/simctl", "journal", "--clear"])

    with cluster.load() as load:
        headline("Back up while the load runs")
        before = cluster.rows()
        playbook(lab, "backup", BACKUP)
        after = cluster.rows()
        expect(load.running and after > before, "pgbench went on all the time: %d transactions during the backup" % (after - before))
    record = last_record(lab, HOST, "backup")

    headline("What was done to the volume manager, in order")
    for argv in journal(lab, HOST):
        shown = " ".join([argv[0].rsplit("/", 1)[-1]] + argv[1:])
        if shown.startswith(CHANGES):
            tell(shown)
    show(lab)

    headline("Damage")
    cluster.crash()
    lab.exec(HOST, ["find", DATA + "/base", "-type", "f", "-delete"])
    tell("deleted every table of the database")
    tell("stopped PostgreSQL and unmounted /vol01, as an operator must before a restore")
    lab.exec(HOST, ["umount", "/vol01"])

    headline("Restore the image onto the volume")
    playbook(lab, "restore", {"snapbackup_hosts": HOST, "snapbackup_manifest": record["image"], "snapbackup_confirm": [VOLUME]})

    headline("Is it the database as it was?")
    lab.exec(HOST, ["mount", "-F", "vxfs", "/dev/vx/dsk/" + VOLUME, "/vol01"])
    lab.exec(HOST, ["rm", "-f", DATA + "/postmaster.pid"])
    cluster.start()
    accounts, tellers, branches, history, rows, counted = cluster.sums()
    expect(counted == 500000, "all %d accounts are there" % counted)
    expect(accounts == tellers == branches == history, "accounts, tellers, branches and history agree on %d" % accounts)
    between = (rows, before, after)
    expect(before <= rows < after, "it holds %d transactions; there were %d when the backup began and %d when it ended" % between)
    cluster.stop()
    expect("Bad checksums:  0" in cluster.check_pages(), "the checksum of every page is right")
    report(lab, record)


def show(lab):
    """The volumes and plexes, as vxprint lists them."""
    for line in lab.exec(HOST, ["vxprint", "-g", "datadg", "-ht"]).stdout.splitlines():
        if line.startswith(("v ", "pl ", "V ", "PL ")):
            tell(line)


def report(lab, record):
    window = record["window"]
    headline("Result")
    tell("verdict                       %s" % record["verdict"])
    tell("the cut took                  %.0f ms, %.0f ms of it inside commands of the volume manager" % (
        window["seconds"] * 1000, window["in_commands"] * 1000))  # fmt: skip
    tell("image and manifest on %s   %s" % (HOST, record["image"]))
    tell("run record on %s           /var/lib/snapbackup/runs/%s.json" % (HOST, record["run"]))
    tell("look around                   ./dev lab shell %s %s" % (HOST, lab.name))
    tell("remove the hosts              ./dev lab down %s" % lab.name)
