# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Solaris Volume Manager: two mirrors, each with a UFS, one submirror of each split."""

from scenarios import Backup, BackupAfter, Recover, Restore, Rollback

TITLE = "Solaris Volume Manager"
TOPOLOGY = {
    "svm": {
        "resync_speed": "10 GiB",
        "mirrors": {
            "d1": {"size": "16 MiB", "submirrors": {"d2": "c1t0d0s0", "d3": "c1t1d0s0"}},
            "d10": {"size": "16 MiB", "submirrors": {"d11": "c1t0d0s1", "d12": "c1t1d0s1"}},
        },
    },
    "ufs": {"/home1": "/dev/md/dsk/d1", "/home10": "/dev/md/dsk/d10"},
}
# What of the manager is in no scenario.
NOT_TRIED = ["disk sets (every command has `-s SET` more)", "soft partitions", "mirrors of three submirrors"]
# Volumes and where they are mounted, in the order of the members.
POINTS = {"d1": "/home1", "d10": "/home10"}
VARIABLES = {
    "snapbackup_manager": "svm",
    "snapbackup_name": "data",
    "snapbackup_volumes": [{"mirror": "d1", "submirror": "d3"}, {"mirror": "d10", "submirror": "d12"}],
}
# Commands that change nothing: always, with one of these words, or without an option.
READS = {"metastat": None, "kstat": None, "fsck": ("-m",), "lockfs": ()}
# Simulated commands that only hand on to the real tool.
REAL = ("dd",)
CUT = ("metaoffline", "metadetach")
DETACH = {"snapbackup_cut": "detach"}


class LostCopy(Rollback):
    """A roll-back whose metadetach failed; then the host booted, which ends what is still offline.

    nth: which metadetach. Whatever is tried then, only the image brings back what was frozen.
    """

    normal = "restored again"

    def __init__(self, nth, how):
        super().__init__(only=(), how=how, snapbackup_rollback_confirmed=True)
        self.nth = nth

    def prepare(self, lab):
        super().prepare(lab)
        lab.host.plant("metadetach", self.nth, "fail")
        super().play(lab)
        if not lab.heal():
            raise RuntimeError("the roll-back met no fault")
        lab.host.boot()
        lab.booted = True
        self.vacate(lab)

    def again(self, lab):
        for options in ({}, {"snapbackup_rollback_given_up": True}):
            runs = [record["run"] for record in lab.open_runs()]
            ended = lab.play("restore", snapbackup_confirm=list(POINTS), snapbackup_takeover=runs[0] if runs else "",
                             **self.source(lab), **options)  # fmt: skip
            if not ended.error:
                return ended
        lab.play("recover", snapbackup_takeover=lab.stored["run"])
        return lab.play("restore", snapbackup_confirm=list(POINTS), snapbackup_manifest=lab.stored["image"])


SCENARIOS = [
    Backup("dd"),
    Backup("tar", only=("mount", "umount")),
    Backup("ufsdump", only=("ufsdump",)),
    Backup("dd", only=("metaonline",), after_kept=True),
    Backup("dd", only=("metadetach", "metattach"), how="detached", **DETACH),
    BackupAfter("dd", only=("metaonline",)),
    Recover("tar"),
    Recover("dd", only=("metastat",), broken=("c1t0d0s0", "c1t0d0s1")),
    Recover("dd", how="detached", **DETACH),
    Restore("dd"),
    Restore("ufsdump", only=("lockfs", "ufsrestore")),
    Rollback(snapbackup_rollback_confirmed=True),
    Rollback(how="detached", of_backup=DETACH, snapbackup_rollback_confirmed=True),
    LostCopy(1, "which a boot has ended"),
    LostCopy(2, "of which a boot has ended one"),
]


def original(volume):
    """The device of a volume that is written to."""
    return "/dev/md/rdsk/" + volume


def new_file_system(host, volume, point):
    """What the administrator does before files are restored."""
    host.run(["/usr/sbin/newfs", original(volume)])
    host.run(["/usr/sbin/mount", "-F", "ufs", "/dev/md/dsk/" + volume, point])


def not_redundant(host):
    """What keeps the volumes from being redundant, as lines of the manager's own report."""
    return [line.strip() for line in host.run(["/usr/sbin/metastat", "-c"])[1].splitlines() if "(" in line]
