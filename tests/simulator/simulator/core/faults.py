# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults a test plants: what the n-th call of a command shall do instead of its work."""
import os
import _signal as signal  # the module signal imports enum and more
import time

from simulator.core import place

EFFECTS = ("fail", "lie-fail", "lie-ok", "hang", "odd", "kill-before", "kill-after")
ODD_WORD = "Perplexed"
STATE_WORDS = ("Needs maintenance", "Resync cancelled", "Resyncing", "Unavailable", "Okay", "offline)", "resync-", "maint)",
               " write ", " unlock ", "offlined", "onlined", "attached", "detached")


def due(store, command):
    """The fault that this call of COMMAND meets, or None. Counts the call for all faults that wait for one."""
    hit = None
    for row in store.rows("SELECT * FROM fault WHERE command=? AND done=0 AND host IN (?, '*') ORDER BY id",
                          command, place.HOST):
        seen = row["seen"] + 1
        fires = hit is None and row["nth"] in (0, seen)
        store.db.execute("UPDATE fault SET seen=?, done=? WHERE id=?", (seen, int(fires and row["nth"] != 0), row["id"]))
        if fires:
            hit = row
    return hit


def hang():
    """Sleep for ever; only SIGKILL ends it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(3600)


def caller():
    """Whom kill-before and kill-after kill: the parent of this process, or whom SIMULATOR_CALLER names."""
    return int(os.environ.get("SIMULATOR_CALLER", os.getppid()))


def kill_caller(pid):
    """SIGKILL the process that called this command, unless it has ended: then its place is taken by one that did not."""
    if pid > 1 and pid in (os.getppid(), int(os.environ.get("SIMULATOR_CALLER", 0))):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def odd(text, word, words=STATE_WORDS):
    """TEXT with every word that tells a state replaced by WORD; WORD alone on a line if there is none."""
    result = text
    for known in words:
        if known.endswith(")"):
            result = result.replace(known, word.lower() + ")")
        elif known.startswith(" "):
            result = result.replace(known, " %s " % word)
        else:
            result = result.replace(known, word)
    return result if result != text else text + word + "\n"
