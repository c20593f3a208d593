# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A backup, a recovery and a restore, module by module, as the roles call them."""

from hosts import BACKUP, PYTHON2, outcome, wait

D1 = {"mirror": "d1", "submirror": "d3", "filesystem": "/home1"}
D10 = {"mirror": "d10", "submirror": "d13", "filesystem": "/home10"}
READS_FILES = ("tar", "command")
# Which call of lockfs it is, counted from the begin of the module that splits:
# look, flush, look, lock, look, look after the cut, unlock, look.
FLUSH, LOCK, PROOF, UNLOCK = 2, 4, 6, 7


class Backup:
    """One run of the set name over members (of svm_submirror) on a host."""

    def __init__(self, host, *members, name="home1", lease=60, quiesce=(), **how):
        self.host, self.name = host, name
        self.pairs = list(members) or [D1]
        self.window = {"lease": lease, "quiesce": list(quiesce)}
        self.how = dict({"method": "dd", "destination": BACKUP}, **how)
        self.run = None

    def module(self, name, /, **options):
        return self.host.module(name, run=self.run, **options)

    def open(self):
        """Open the run, as after the preflight."""
        plan = self.host.module("svm_submirror", PYTHON2, True, run="<run>", state="offline", members=self.pairs, **self.window)
        self.run = self.host.module("backup_run", state="opened", name=self.name, manager="svm", members=plan["members"])["run"]
        return self

    def start_split(self):
        """Start the module with the freeze window and do not wait."""
        return self.host.start_module("svm_submirror", run=self.run, state="offline", members=self.pairs, **self.window)

    def split(self):
        """Open the run and split its copies."""
        if self.run is None:
            self.open()
        result = outcome(self.start_split())
        assert not result.get("failed"), result
        return self

    def split_refused(self):
        """Open the run where that is possible, and see the split fail; what the module says."""
        if self.run is None:
            self.run = self.host.module("backup_run", state="opened", name=self.name, manager="svm", members=[])["run"]
        result = outcome(self.start_split())
        assert result.get("failed") and "killed" not in result, result
        assert "Traceback" not in result["msg"], result
        return result

    def present(self):
        """Mount the copies where the method reads files."""
        if self.how["method"] in READS_FILES:
            self.module("snapshot_mount", state="mounted")

    def start_store(self):
        self.present()
        return self.module("volume_backup", state="started", **self.how)

    def stored(self):
        """Wait for the end of the copy job; its state."""
        result = wait(lambda: ended(self.module("volume_backup", state="read")), "copy job at its end")
        return result["job"]

    def store(self):
        """Store the copies; the manifest."""
        self.start_store()
        job = self.stored()
        assert job["state"] == "complete", job
        return self.host.json(job["manifest"])

    def rejoin(self):
        """Give the copies back and wait for redundancy."""
        self.module("snapshot_mount", state="unmounted")
        self.module("svm_submirror", state="online")
        for pair in self.pairs:
            self.host.settled(pair["mirror"])
        self.module("svm_submirror", state="online")

    def close(self, result="complete"):
        """End the run; its record."""
        return self.module("backup_run", state="closed", result=result)["record"]

    def all(self):
        """The whole backup; its record."""
        self.split()
        self.store()
        self.rejoin()
        return self.close()


def ended(result):
    """A result of a job module, once the job has ended."""
    return None if result["in_progress"] else result


def recover(host, run):
    """What the role does about a dead run; its record."""
    host.age(run)
    dead = [entry for entry in host.module("backup_run", state="read")["stale"] if entry["run"] == run]
    assert dead, host.records()
    host.module("volume_backup", run=run, state="stopped")
    host.module("filesystem_lock", run=run, state="unlocked", paths=[m["filesystem"] for m in dead[0]["members"] if m["filesystem"]])
    host.module("snapshot_mount", run=run, state="unmounted")
    online = host.module("svm_submirror", run=run, state="online")
    for mirror in online["after"]:
        host.settled(mirror)
    host.module("svm_submirror", run=run, state="online")
    result = "complete" if dead[0]["image"] else "abandoned"
    return host.module("backup_run", run=run, state="closed", result=result, error="the run died in phase %s" % dead[0]["phase"])["record"]


class Restore:
    """A restore of a manifest onto targets [{"volume", "target"}]."""

    def __init__(self, host, manifest, targets, name="home1", **how):
        self.host, self.how = host, dict({"confirm": [item["volume"] for item in targets]}, manifest=manifest, volumes=targets, **how)
        members = [dict(volume=item["volume"]) for item in targets]
        self.run = host.module("backup_run", state="opened", kind="restore", name=name, manager="svm", members=members)["run"]

    def start(self):
        return self.host.module("volume_restore", run=self.run, state="started", **self.how)

    def refused(self):
        result = self.host.refused("volume_restore", run=self.run, state="started", **self.how)
        self.close("failed")
        return result

    def ended(self):
        """Wait for the end of the job; its state."""
        return wait(lambda: ended(self.host.module("volume_restore", run=self.run, state="read")), "restore at its end")["job"]

    def close(self, result="complete"):
        return self.host.module("backup_run", run=self.run, state="closed", result=result)

    def all(self):
        self.start()
        job = self.ended()
        assert job["state"] == "complete", job
        self.close()
