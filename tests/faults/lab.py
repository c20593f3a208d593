# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The hosts of one manager with a writer at work on the first, its plays, and the fault that one of their commands meets."""

import collections
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from host import Host
from play import Failed, Play

STAMPER = Path(__file__).resolve().parent / "stamper.py"
STATE, BACKUP, FROZEN, ACKNOWLEDGED = "/var/lib/snapbackup", "/backup", "/san/frozen", "/run/acknowledged"
IDLE_LIMIT = 30
# For a command that hangs: the lease, and the limit of every command and tool, in seconds.
SHORT = 5
# What happens before a module call: these are no faults of a command.
OUTSIDE = ("controller", "boot")
# Effects that kill the very caller of the command and spare the module behind it, as the simulator names them.
SPARED = {"watchdog-before": "kill-before", "watchdog-after": "kill-after"}


@dataclass(frozen=True)
class Call:
    """One call of a vendor's command in a play: the nth call of it in the turn-th run of a task. by: module, watchdog or job.

    place: its number among all calls of the play. A module call itself is one without argv, by: play. host: where, unless it is
    the first host.
    """

    place: int
    task: str
    turn: int
    nth: int
    argv: tuple
    by: str
    host: str = ""

    @property
    def command(self):
        return self.argv[0].rpartition("/")[2] if self.argv else ""


class Stop(Exception):
    """The controller is gone."""


@dataclass
class Ended:
    """How a play has ended. error: its message, None when it was good. said: all that it printed."""

    error: str
    said: str


class Lab:
    """manager: a module of this directory such as svm. fault: (Call, effect) that is to come; met: what comes from outside has."""

    def __init__(self, manager):
        self.manager = manager
        first, *others = getattr(manager, "HOSTS", ["node1"])
        self.host = Host(first, shared=bool(others))
        self.hosts = {first: self.host, **{name: Host(name, self.host.san, shared=True) for name in others}}
        self.frozen = {}
        self.calls = []
        self.fault = None
        self.stop_before = None
        self.writer = None
        self.turns = collections.Counter()
        self.met = False
        self.booted = False

    def __enter__(self):
        try:
            for host in self.hosts.values():
                host.__enter__().apply(self.manager.TOPOLOGY)
            self.fill()
            self.before = {
                name: {"mounts": host.mounts(), "files": host.files("/tmp/*", "/var/tmp/*")} for name, host in self.hosts.items()
            }
            self.write()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        for host in reversed(self.hosts.values()):
            host.__exit__()

    # The data.

    def fill(self):
        """Some files on each file system."""
        for volume, point in self.manager.POINTS.items():
            self.host.run(["mkdir", "-p", point + "/tree/empty"])
            for number in range(3):
                self.host.write("%s/tree/file %d" % (point, number), ("%s %d\n" % (volume, number)) * 3000)

    def write(self):
        self.writer = self.host.start([sys.executable, str(STAMPER), ACKNOWLEDGED, *self.manager.POINTS.values()])
        self.wait_for_writer()

    def wait_for_writer(self):
        """True when the writer gets on: it has written everywhere since this was called."""
        end, first = time.monotonic() + IDLE_LIMIT, self.acknowledged()
        while time.monotonic() < end:
            if self.acknowledged() > first:
                return True
            time.sleep(0.01)
        return False

    def acknowledged(self):
        return int(self.host.read(ACKNOWLEDGED) or 0) if self.host.files(ACKNOWLEDGED) else 0

    def stop_writer(self):
        if self.writer:
            self.host.kill(self.writer)
            self.writer = None

    def freeze(self, run, members):
        """Keep what a run has cut, as it is now: {volume: SHA-256}, with the images in FROZEN/RUN/VOLUME.img."""
        cut = getattr(self.manager, "cut", lambda host, member: member["device"])
        self.frozen[run] = {
            member["volume"]: self.host.copy(cut(self.host, member), "%s/%s/%s.img" % (FROZEN, run, member["volume"])) for member in members
        }

    # The plays.

    def play(self, entry, **variables):
        """Play an entry point of the role snapbackup, as the playbook of that name does."""
        self.turns.clear()
        play = Play(self.run, {**self.manager.VARIABLES, **self.pace(), **variables}, list(self.hosts))
        try:
            play.role("snapbackup", entry)
            error = None
        except Failed as failure:
            error = str(failure)
        except Stop as stop:
            error = str(stop)
        self.idle(IDLE_LIMIT)
        return Ended(error, "\n".join(map(str, [*play.said, error or ""])))

    def pace(self):
        """Variables of every play. The times of what hangs are short, and no others: a busy machine must not break those."""
        found = {"snapbackup_destination": BACKUP + "/", "snapbackup_state_dir": STATE}
        if self.fault and self.fault[1] == "hang":
            found.update({"watchdog": {"snapbackup_lease": SHORT}, "job": {"snapbackup_stall": SHORT}}.get(self.fault[0].by, {}))
        return found

    def idle(self, seconds):
        """Wait until nothing but the writer runs; the command lines of what still does after so many seconds."""
        return [line for host in self.hosts.values() for line in host.idle(seconds, but=[self.writer] if host is self.host else [])]

    def run(self, at, module, args, check, name):
        """Run a module of a play on the host at, and enter its commands in calls."""
        host, elsewhere = self.hosts[at], "" if self.hosts[at] is self.host else at
        if self.stop_before == (module, args.get("state")):
            raise Stop("the controller is gone")
        if module == "slurp":
            return {"content": host.read(args["src"])}
        self.turns[name] += 1
        self.calls.append(Call(len(self.calls), name, self.turns[name], 0, (), "play", elsewhere))
        self.interrupt(name, host)
        cap, spare = self.plant(name, host)
        last = max([row["id"] for row in host.journal()], default=0)
        result = host.call(module, args, check, cap, spare)
        if result.get("in_progress"):
            # Polls do not cross with the job's own commands, so that each keeps its number.
            host.idle(IDLE_LIMIT, but=[self.writer] if host is self.host else [])
        self.enter(name, module, result.get("pid"), host.journal(last), elsewhere)
        self.look(result, args, check)
        return result

    def due(self, name):
        """Whether the fault comes in this module call."""
        return self.fault is not None and (self.fault[0].task, self.fault[0].turn) == (name, self.turns[name])

    def interrupt(self, name, host):
        """What comes from outside, before a module call."""
        if not self.due(name) or self.fault[1] not in OUTSIDE:
            return
        self.met = True
        if self.fault[1] == "boot":
            host.boot()
            self.booted = self.booted or host is self.host
            if self.writer and host is self.host:
                self.write()
        raise Stop("the connection is gone" if self.fault[1] == "boot" else "the controller is gone")

    def plant(self, name, host):
        """Plant the fault if it is due in this module call. Returns the options of the call."""
        if not self.due(name):
            return None, False
        call, effect = self.fault[0], self.fault[1]
        host.plant(call.command, call.nth, SPARED.get(effect, effect))
        return (SHORT if effect == "hang" else None), effect in SPARED

    def enter(self, name, module, pid, rows, elsewhere):
        counts = collections.Counter()
        for row in rows:
            command = row["argv"][0].rpartition("/")[2]
            counts[command] += 1
            by = "module" if row["ppid"] == pid else "job" if module in ("volume_backup", "volume_restore") else "watchdog"
            self.calls.append(Call(len(self.calls), name, self.turns[name], counts[command], tuple(row["argv"]), by, elsewhere))

    def look(self, result, args, check):
        """Keep the content of a new cut."""
        if result.get("verdict") and result.get("members") and not check and args["run"] not in self.frozen:
            self.freeze(args["run"], result["members"])

    # What is there now.

    def records(self, host=None):
        host = host or self.host
        return [json.loads(host.read(path)) for path in host.files(STATE + "/runs/*.json")]

    def open_elsewhere(self):
        """{run: host} of what is open on another host than the first, and not kept on purpose."""
        kept = [record["run"] for record in self.records() if record["closed"] is None and record["phase"] == "retained"]
        others = [(name, host) for name, host in self.hosts.items() if host is not self.host]
        return {record["run"]: name for name, host in others for record in self.records(host)
                if record["closed"] is None and record["run"] not in kept}  # fmt: skip

    def open_runs(self):
        """The open runs but those whose copies are kept on purpose."""
        return [record for record in self.records() if record["closed"] is None and record["phase"] != "retained"]

    def not_redundant(self):
        """What keeps the volumes from being redundant, unless that is wanted."""
        kept = [record for record in self.records() if record["closed"] is None and record["phase"] == "retained"]
        others = [host for host in self.hosts.values() if host is not self.host]
        elsewhere = getattr(self.manager, "left_elsewhere", lambda host: [])
        return [] if kept else self.manager.not_redundant(self.host) + [line for host in others for line in elsewhere(host)]

    def ask(self, module, **options):
        """Run a module on the first host, outside of any play; what it returns."""
        result = self.host.call(module, {"state_dir": STATE, **options}, False, None, False)
        if result.get("failed"):
            raise RuntimeError("%s: %s" % (module, result["msg"]))
        return result

    def heal(self):
        """No fault is left to come; says whether the one that was planted has been met."""
        met = self.met or any(row["fault"] for host in self.hosts.values() for row in host.journal())
        self.host.heal()
        self.fault = None
        return met

    # What was frozen, and what has become of it.

    def tree(self, path):
        return self.host.tree(path, but=["lost+found", "restoresymtable"])

    def unpacked(self, argv, file):
        """The files of a dump."""
        place = "/run/unpacked"
        self.host.remove(place)
        self.host.run(["mkdir", place])
        self.host.run([*argv, file], cwd=place)
        return self.tree(place)

    def frozen_tree(self, run, volume):
        place = "%s/%s/%s" % (FROZEN, run, volume)
        return self.files_on(place + ".img", place)

    def files_on(self, image, place):
        """The files of a file system on an image or a device, copied to a new directory place once."""
        if not self.host.files(place):
            self.host.run(["mkdir", "-p", place])
            self.host.run(["/usr/sbin/debugfs", "-R", "rdump / " + place, image])
        return self.tree(place)

    def frozen_stamp(self, run, volume):
        return int(self.host.run(["/usr/sbin/debugfs", "-R", "cat /stamp", "%s/%s/%s.img" % (FROZEN, run, volume)])[1])
