# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is being done when a fault comes: a backup, a recovery or a restore of a manager's volumes.

prepare(lab) brings the host there, play(lab) is what meets the fault, again(lab) is what the documentation tells to do after
one. Both return lab.Ended. check(lab) is what must hold when that has ended, as sentences for what does not.

normal: the word for its end without a fault. mended: that for a host which again() has put in order. word(lab): that for a play
that has failed and left nothing to do.
"""


def keep(lab, method, **options):
    """Make a backup whose copies stay split; its record. options: variables of the roles for it."""
    ended = lab.play("main", snapbackup_method=method, snapbackup_retain="until_next_run", **options)
    if ended.error:
        raise RuntimeError("no copy to keep: " + ended.error)
    return lab.records()[0]


class Backup:
    """A backup with one method. only: the commands whose faults are tried, all unless given.

    after_kept: the copies of an earlier run have been kept, and are given back first. how: what is said of it in its name, where
    options, which are variables of the roles, make a difference.
    """

    normal, mended = "unharmed", "recovered"

    def __init__(self, method, only=None, after_kept=False, how=None, **options):
        self.name = ", ".join(filter(None, ["backup", method, "while an earlier copy is kept" if after_kept else None, how]))
        self.method = method
        self.only = only
        self.after_kept = after_kept
        self.options = options

    def prepare(self, lab):
        if self.after_kept:
            keep(lab, self.method)

    def play(self, lab):
        return lab.play("main", snapbackup_method=self.method, **self.options)

    def again(self, lab):
        """Recover, without waiting until the run counts as dead."""
        runs = lab.open_runs()
        return lab.play("recover", snapbackup_takeover=runs[0]["run"] if runs else "")

    def word(self, lab):
        return "rolled back" if any(call.command in lab.manager.CUT for call in lab.calls) else "refused"

    def unfinished(self, lab):
        """Whether the play has left anything to do."""
        return bool(lab.open_runs() or lab.open_elsewhere() or lab.not_redundant())

    def check(self, lab):
        return []


class Recover(Backup):
    """The recovery of a backup whose controller died just before it stored. broken: disks that fail then.

    how: what is said of it in its name.
    """

    def __init__(self, method, only=None, broken=(), how=None, **options):
        super().__init__(method, only, **options)
        self.name = ", ".join(filter(None, ["recover", how or ("the other half has failed" if broken else None)]))
        self.broken = broken
        self.normal = "reported" if broken else "unharmed"

    def prepare(self, lab):
        lab.stop_before = ("volume_backup", "started")
        super().play(lab)
        lab.stop_before = None
        if not lab.frozen:
            raise RuntimeError("nothing was split before the controller was gone")
        getattr(lab.manager, "disturb", lambda lab: None)(lab)
        if self.broken:
            lab.stop_writer()
        for disk in self.broken:
            lab.host.fail(disk)

    def play(self, lab):
        return self.again(lab)

    def word(self, lab):
        return "refused"

    def check(self, lab):
        """Where the other half of any volume is broken, the split copies of all are the last good one of the set."""
        if not self.broken:
            return []
        (run,) = lab.frozen
        now = {member["volume"]: lab.host.sha256(member["device"]) for member in lab.records()[0]["members"]}
        return [] if now == lab.frozen[run] else ["the last good copy was overwritten: %s" % now]


class BackupAfter(Recover):
    """A backup that first takes over one whose controller died just before it stored."""

    def __init__(self, method, only=None):
        super().__init__(method, only)
        self.name = "backup, %s, after a dead one" % method

    def play(self, lab):
        return lab.play("main", snapbackup_method=self.method, snapbackup_takeover=lab.open_runs()[0]["run"])


class Restore:
    """The restore of an image onto volumes that hold something else by now."""

    normal, mended = "unharmed", "restored again"

    def __init__(self, method, only=None):
        self.name = "restore, " + method
        self.method = method
        self.only = only
        self.raw = method == "dd"

    def prepare(self, lab):
        lab.stored = self.store(lab)
        lab.stop_writer()
        for point in lab.manager.POINTS.values():
            lab.host.write(point + "/tree/later", "written after the cut")
        self.vacate(lab)

    def store(self, lab):
        """Make what is to be restored; the record of the run."""
        ended = lab.play("main", snapbackup_method=self.method)
        if ended.error:
            raise RuntimeError("no image to restore: " + ended.error)
        return lab.records()[0]

    def vacate(self, lab):
        """Make the volumes ready to be restored onto, as the administrator does."""
        for volume, point in lab.manager.POINTS.items():
            if point in lab.host.mounts():
                lab.host.run(["/usr/sbin/umount", point])
            if not self.raw:
                lab.manager.new_file_system(lab.host, volume, point)

    def play(self, lab):
        return lab.play("restore", snapbackup_confirm=list(lab.manager.POINTS), **self.source(lab))

    def source(self, lab):
        """What is restored from, as variables of the role."""
        return {"snapbackup_manifest": lab.stored["image"]}

    def again(self, lab):
        self.vacate(lab)
        runs = [record["run"] for record in self.taken_over(lab)]
        return lab.play("restore", snapbackup_confirm=list(lab.manager.POINTS), snapbackup_takeover=runs[0] if runs else "",
                        **self.source(lab))  # fmt: skip

    def taken_over(self, lab):
        """Of these the first counts as dead at once."""
        return lab.open_runs()

    def word(self, lab):
        return "refused"

    def unfinished(self, lab):
        return True

    def check(self, lab):
        """After a restore that is called complete the volumes hold what was frozen."""
        if lab.records()[-1]["result"] != "complete":
            return []
        wrong = [volume for volume, point in lab.manager.POINTS.items() if self.differs(lab, lab.stored["run"], volume, point)]
        return ["%s was restored, and differs from what was frozen" % volume for volume in wrong]

    def differs(self, lab, run, volume, point):
        if not self.raw:
            return lab.tree(point) != lab.frozen_tree(run, volume)
        device = lab.manager.original(volume)
        if lab.booted or getattr(lab.manager, "CHECKED", False):
            # It has been mounted for writing since, or checked before, which leaves its traces outside of the files.
            return lab.files_on(device, "/run/now/" + volume) != lab.frozen_tree(run, volume)
        return lab.host.sha256(device) != lab.frozen[run][volume]


class Rollback(Restore):
    """The restore from copies that are still split. options: variables of the manager's role for it; of_backup: for the backup.

    how: what is said of it in its name.
    """

    def __init__(self, only=None, how=None, of_backup=(), **options):
        super().__init__("dd", only)
        self.name = ", ".join(filter(None, ["restore from the kept copy", how]))
        self.options = options
        self.of_backup = dict(of_backup)

    def store(self, lab):
        return keep(lab, self.method, **self.of_backup)

    def source(self, lab):
        return dict(self.options, snapbackup_restore_from="copy", snapbackup_restore_run=lab.stored["run"])


class RollbackOfDead(Rollback):
    """The restore from the copies of a backup whose controller died just before it stored, while another host has them mounted."""

    def __init__(self, only=None, **options):
        super().__init__(only, **options)
        self.name = "restore from the copy of a dead backup"

    def store(self, lab):
        lab.stop_before = ("volume_backup", "started")
        lab.play("main", snapbackup_method="tar")
        lab.stop_before = None
        if not lab.frozen:
            raise RuntimeError("nothing was split before the controller was gone")
        return lab.records()[0]

    def play(self, lab):
        return self.again(lab)

    def taken_over(self, lab):
        """The restore, where it was opened, or the backup."""
        return lab.open_runs()[-1:]
