# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The story of every demo: a database on a volume, backed up while it works, damaged, restored, and proved to be as it was."""

from dataclasses import dataclass

from lab import Lab
from postgresql import Cluster
from stage import expect, headline, journal, last_record, playbook, tell

HOST = "node1"
ACCOUNTS = 100000  # of a pgbench database of scale 1


@dataclass
class Story:
    """title: of the host; show: arguments of the command that shows its volumes, and the words that lines to show begin with;
    point, fstype, device: of the volume's file system; confirm: the volume's name; changes: what commands to tell of begin with;
    variables: of the backup; scale: of the database; waited: what the length of the window means; missing: what the time until the end
    means, and what that end is; hosts: that take part, HOST among them; destination: of the images."""

    title: str
    topology: str
    show: list
    lines: tuple
    point: str
    fstype: str
    device: str
    confirm: str
    changes: tuple
    variables: dict
    scale: int
    waited: str = "writers waited"
    missing: tuple = ("a copy was missing for", "the resync had ended")
    hosts: tuple = (HOST,)
    destination: str = "/backup"

    @property
    def data(self):
        return self.point + "/pgdata"


def play(story):
    """Tell it from the first to the last line; RuntimeError as soon as something is not as it must be."""
    headline(story.title)
    lab = Lab("demo", hosts=story.hosts, topology=story.topology, say=tell).up()
    lab.exec(HOST, ["mkdir", "-p", story.destination])
    show(lab, story)

    headline("A PostgreSQL cluster on it, with pgbench at work")
    cluster = Cluster(lab, HOST, story.data)
    cluster.create(scale=story.scale)
    tell("%s, %d accounts" % (cluster.run("postgres", "--version").strip(), cluster.sums()[5]))
    lab.exec(HOST, ["python3", "/opt/simulator/simctl", "journal", "--clear"])

    before, after = back_up(lab, story, cluster)
    record = last_record(lab, HOST, "backup")
    damage(lab, story, cluster)

    headline("Restore the image onto the volume")
    playbook(lab, "restore", {"snapbackup_hosts": HOST, "snapbackup_manifest": record["image"], "snapbackup_confirm": [story.confirm]})
    prove(lab, story, cluster, before, after)
    report(lab, story, record)


def show(lab, story):
    """The volumes, as the volume manager shows them."""
    for line in lab.exec(HOST, story.show).stdout.splitlines():
        if line.startswith(story.lines):
            tell(line)


def back_up(lab, story, cluster):
    """(transactions before, transactions after) of a backup under load."""
    with cluster.load() as load:
        headline("Back up while the load runs")
        before = cluster.rows()
        playbook(lab, "backup", dict(story.variables, snapbackup_hosts=HOST, snapbackup_destination=story.destination))
        after = cluster.rows()
        expect(load.running and after > before, "pgbench went on all the time: %d transactions during the backup" % (after - before))
    headline("What was done to the volume manager, in order")
    for host, argv in journal(lab, *story.hosts):
        shown = " ".join([argv[0].rsplit("/", 1)[-1]] + argv[1:])
        if shown.startswith(story.changes):
            tell(shown if len(story.hosts) == 1 else "%-8s %s" % (host, shown))
    show(lab, story)
    return before, after


def damage(lab, story, cluster):
    """Lose the database, and make way for the restore."""
    headline("Damage")
    cluster.crash()
    lab.exec(HOST, ["find", story.data + "/base", "-type", "f", "-delete"])
    tell("deleted every table of the database")
    tell("stopped PostgreSQL and unmounted %s, as an operator must before a restore" % story.point)
    lab.exec(HOST, ["umount", story.point])


def prove(lab, story, cluster, before, after):
    """The restored database starts, is consistent, and is from the time of the backup."""
    headline("Is it the database as it was?")
    lab.exec(HOST, ["mount", "-F", story.fstype, story.device, story.point])
    lab.exec(HOST, ["rm", "-f", story.data + "/postmaster.pid"])
    cluster.start()
    accounts, tellers, branches, history, rows, counted = cluster.sums()
    expect(counted == story.scale * ACCOUNTS, "all %d accounts are there" % counted)
    expect(accounts == tellers == branches == history, "accounts, tellers, branches and history agree on %d" % accounts)
    between = (rows, before, after)
    expect(before <= rows < after, "it holds %d transactions; there were %d when the backup began and %d when it ended" % between)
    cluster.stop()
    expect("Bad checksums:  0" in cluster.check_pages(), "the checksum of every page is right")


def report(lab, story, record):
    """Verdict, figures, and where everything lies."""
    window = record["window"]
    headline("Result")
    tell("verdict                       %s" % record["verdict"])
    tell("%-29s %.0f ms, %.0f ms of it inside commands of the volume manager" % (
        story.waited, window["seconds"] * 1000, window["in_commands"] * 1000))  # fmt: skip
    if record["redundancy_lost_seconds"] is not None:
        tell("%-29s %.1f s (until %s)" % (story.missing[0], record["redundancy_lost_seconds"], story.missing[1]))
    tell("image and manifest on %s   %s" % (HOST, record["image"]))
    tell("run record on %s           /var/lib/snapbackup/runs/%s.json" % (HOST, record["run"]))
    tell("look around                   ./dev lab shell %s %s" % (HOST, lab.name))
    tell("remove the hosts              ./dev lab down %s" % lab.name)
