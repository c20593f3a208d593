# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""docs/faults.md: what has become of every cell."""

import cells

FAILED = "**FAILED**"
WORDS = {
    "unharmed": "the play ended well, and everything holds",
    "refused": "the play failed before anything was split or overwritten",
    "rolled back": "the play failed; whatever was split or stored came home in the same play",
    "recovered": "the play failed and left something to do, which the playbook `recover` then did",
    "restored again": "the play failed; the restore was then run again and ended well",
    "reported": "it cannot be put in order by itself: the play names the object, the command to look with, and what to do",
    FAILED: "something did not hold",
}
HEAD = """\
# When a command fails

Made by `./dev faults`; do not edit. Each cell is one trial on a simulated host with real data: the command of the row, at that
place of the procedure, meets the fault of the column. Afterwards all processes end, `recover` runs (or the restore is run again)
where something is left to do, and then this must hold:

* no file system stays locked, also before anybody recovers;
* the volumes are redundant, or the message names the volume, where to look and what to do;
* nothing is called complete that is not: every image equals what was frozen, byte for byte or file for file, and all volumes of
  an image were cut at one time while a writer was at work;
* what the writer was told to be safe is still there, and it can write on;
* no mount, no process and no half-written file is left, and the last good copy is never overwritten.

| column | the fault |
| --- | --- |
| fails | an error, nothing was done |
| works, says it failed | everything was done, an error is reported |
| says it worked, does nothing | exit status 0 and the usual words, nothing was done |
| prints odd words | every word that tells a state is replaced by an unknown one |
| hangs | until it is killed; limits and lease are %d s here |
| caller killed before, after | SIGKILL for the module (or the copy job) just before or after the command does its work |
| watchdog killed before, after | the same for the watchdog of the freeze window, whose child the command is |
| controller killed | before the task; the host goes on by itself |
| host booted | before the task, and the controller does not come back |

| word | how it ended |
| --- | --- |
%s
"""
TAIL = """\
## What is not tried

* An empty cell: the fault makes no difference there. A command that only reads takes no effect, so that it can fail in one way
  and its caller can die at one time; there is a watchdog only in the freeze window; `dd` is the real one here, which can only be
  kept from starting.
* A read that repeats an earlier one while nothing was changed between the two: it is in the table once, where it is read first.
  So are the polls of a wait.
* Where a scenario differs from one above it by some commands only (backups with `tar` and `ufsdump`, restores of files, a broken
  half), only these are tried.
* Two faults in one play; commands that are not the volume manager's or the file system's (`tar`, `env`); the hooks of
  applications. These have tests of their own in `tests/integration` and `tests/unit`.
* The controller and the host are lost between two tasks here; to be cut off during a command (controller killed, connection cut,
  host booted) is played with `ansible-playbook` on simulated hosts, by `tests/integration/test_faults.py` and `test_interrupted.py`.
"""


def document(outcomes, seconds):
    """The page as text. outcomes: of all cells, in any order; seconds: what limits were in cells that hang."""
    used = [word for word in WORDS if any(shown(outcome) == word for outcome in outcomes)]
    parts = [HEAD % (seconds, "\n".join("| %s | %s |" % (word, WORDS[word]) for word in used))]
    for manager in dict.fromkeys(outcome.cell.manager for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.cell.manager == manager]
        parts.append("## %s\n" % cells.manager(manager).TITLE)
        for number in sorted({outcome.cell.number for outcome in mine}):
            parts.append(table([outcome for outcome in mine if outcome.cell.number == number]))
        not_tried = getattr(cells.manager(manager), "NOT_TRIED", [])
        parts += ["Not tried: %s.\n" % "; ".join(not_tried)] if not_tried else []
    return "\n".join([*parts, TAIL])


def shown(outcome):
    return FAILED if outcome.problems else outcome.word


def table(outcomes):
    """One scenario: a row for each call in the order of the procedure, a heading row for each task."""
    found = {(outcome.cell.call, outcome.cell.effect): shown(outcome) for outcome in outcomes}
    calls = sorted({outcome.cell.call for outcome in outcomes}, key=lambda call: call.place)
    effects = [effect for effect in cells.EFFECTS if any(effect == with_effect for dummy, with_effect in found)]
    lines = ["### %s\n" % outcomes[0].cell.scenario.name.capitalize(), row("command", *(cells.EFFECTS[effect] for effect in effects)),
             row("---", *("---" for dummy in effects))]  # fmt: skip
    for call in calls:
        title = "*%s*" % call.task if call.by == "play" else "`%s`" % cells.shown(call)
        lines.append(row(title, *(found.get((call, effect), "") for effect in effects)))
    return "\n".join(lines) + "\n"


def row(*words):
    return "| %s |" % " | ".join(words)
