# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the driver does with the mirrors it loads: at boot, and when a disk set is taken (mirror_resync.c)."""
from simulator.svm import model, resync
from simulator.svm.names import home


def crash(store, owner):
    """The host went down without warning: every mirror that was in use needs an optimized resync."""
    for row in model.volumes(store, "m", owner):
        members = [member for member in model.submirrors(store, row["name"]) if member["state"] == model.RUNNING]
        if len(members) > 1:
            store.db.execute("UPDATE svm_mirror SET pending=1 WHERE host=? AND name=?", (home(row["name"]), row["name"]))
            for member in members[1:]:
                model.set_state(store, member["name"], model.RUNNING, target=1)


def convert(store, mirror):
    """What the driver does with a mirror at load: an offlined submirror becomes one to be resynchronised."""
    if mirror["pass"] == 0:
        return
    for row in store.rows("SELECT * FROM svm_resync WHERE host=? AND mirror=? AND status='active'",
                          home(mirror["name"]), mirror["name"]):
        resync.end(store, row, "cancelled")
    for row in model.submirrors(store, mirror["name"]):
        if row["state"] == model.OFFLINE:
            model.set_state(store, row["name"], model.OFFLINE_RESYNC)
        if row["state"] in (model.OFFLINE, model.OFFLINE_RESYNC):
            store.db.execute("UPDATE svm_mirror SET pending=1 WHERE host=? AND name=?", (home(mirror["name"]), mirror["name"]))


def load(store, owner, options):
    """Load the mirrors of one home, then do what the boot service metasync and metaset -t do (unless told not to).

    Options: crash, metasync, lost_record (the record of dirty regions was unreadable).
    """
    if options.get("crash"):
        crash(store, owner)
    for row in model.volumes(store, "m", owner):
        mirror = model.mirror(store, row["name"])
        convert(store, mirror)
        if options.get("lost_record") and mirror["pass"] != 0:
            lose_record(store, row["name"])
        if options.get("metasync", True) and mirror["pass"] != 0:
            sync_targets(store, row["name"])
            resync.start_due(store, row["name"])


def sync_targets(store, mirror):
    """The optimized resync after a crash: nothing differs here, so it is over at once."""
    for row in model.submirrors(store, mirror):
        if row["target"]:
            model.set_state(store, row["name"], model.RUNNING)


def lose_record(store, mirror):
    """Without the record of dirty regions everything must be copied."""
    for row in model.submirrors(store, mirror):
        if row["state"] == model.OFFLINE_RESYNC:
            model.set_state(store, row["name"], model.ATTACHED)
    store.db.execute("UPDATE svm_mirror SET pending=0 WHERE host=? AND name=?", (home(mirror), mirror))
