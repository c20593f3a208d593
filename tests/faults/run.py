# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tries faults in the procedures of the managers, and writes a page in docs/faults for each of which all were tried."""

import argparse
import compileall
import concurrent.futures
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "simulator")]

import cells  # noqa: E402
import host  # noqa: E402
import table  # noqa: E402

PAGES = ROOT / "docs" / "faults"
# Much of a trial is waiting.
WORKERS = 2 * (os.cpu_count() or 1)
# About so many cells are in the part.
PART = 14
TELL_EVERY = 10


def known():
    """Every role of a manager that has its file here."""
    roles = sorted(path.name.removesuffix("_backup") for path in ROOT.glob("roles/*_backup"))
    return [role for role in roles if (HERE / (role + ".py")).exists()]


def managers(names):
    """All that are known; where names holds some of them, only those."""
    return [name for name in known() if name in names] or known()


def words(names):
    """The names that are no managers'."""
    return [name for name in names if name not in known()]


def arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="managers, such as svm, and words in names of cells, such as metaoffline")
    parser.add_argument("--scenario", default="", help="only scenarios whose name contains this, such as recover")
    parser.add_argument("--part", action="store_true", help="a representative part, for ./dev test")
    parser.add_argument("--report", type=Path, help="a file for the figures")
    parser.add_argument("--list", action="store_true", help="only print the names of the cells")
    parser.add_argument("--commands", action="store_true", help="only print the commands of the runs without a fault")
    parser.add_argument("--verbose", action="store_true", help="tell also of cells that are good what was said")
    parser.add_argument("--workers", type=int, default=WORKERS, help="trials at one time (%(default)s)")
    return parser.parse_intermixed_args(argv)


class Progress:
    """Tells what failed at once, and now and then how far it is."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.due = time.monotonic() + TELL_EVERY
        self.failed = 0
        self.done = 0

    def take(self, outcome, total):
        self.done += 1
        self.failed += bool(outcome.problems)
        if outcome.problems or self.verbose:
            lines = [*outcome.problems, *("said: " + line for line in outcome.told.splitlines())]
            print("%s\n  %s" % (outcome.cell.name, "\n  ".join(["-> " + table.shown(outcome), *lines])), flush=True)
        if time.monotonic() > self.due:
            self.due = time.monotonic() + TELL_EVERY
            print("%d of %d trials, %d failed" % (self.done, total, self.failed), file=sys.stderr, flush=True)


def tried(pool, trials, progress, total):
    """The outcomes of cells, in the order of the cells."""
    running = [pool.submit(cells.trial, cell) for cell in trials]
    for future in concurrent.futures.as_completed(running):
        progress.take(future.result(), total)
    return [future.result() for future in running]


def plan(options, outcomes):
    """The cells to try, by the outcomes of the clean runs."""
    found = [cell for outcome in outcomes for cell in cells.of(outcome.cell.manager, outcome.cell.number, outcome.calls)]
    found = [cell for cell in found if all(word in cell.name for word in words(options.names))]
    return found[::stride(len(found))] if options.part else found


def stride(count):
    """Every so manieth cell of count is in the part. No number of faults that a command has divides it: all of them are in it."""
    step = max(1, count // PART)
    while any(step % divisor == 0 for divisor in range(2, len(cells.EFFECTS))):
        step += 1
    return step


def without_fault(options):
    """A clean run of every scenario that is asked for; the part does without those that differ from another by some commands only."""
    found = [cells.Cell(name, number, None, None)
             for name in managers(options.names) for number in range(len(cells.manager(name).SCENARIOS))]  # fmt: skip
    return [cell for cell in found if options.scenario in cell.scenario.name and not (options.part and cell.scenario.only)]


def main(argv):
    options = arguments(argv)
    host.clean_up_dead()
    # Each module call imports what it needs; a host could keep the byte code only for itself.
    compileall.compile_dir(ROOT / "plugins", quiet=1)
    progress = Progress(options.verbose)
    pool = concurrent.futures.ProcessPoolExecutor(options.workers)
    try:
        clean = without_fault(options)
        found = tried(pool, clean, progress, len(clean))
        if options.commands:
            print("\n".join(cells.shown(call) for outcome in found for call in outcome.calls if call.argv))
            return 1 if progress.failed else 0
        planned = plan(options, found)
        if options.list:
            print("\n".join(cell.name for cell in planned))
            return 0
        outcomes = tried(pool, planned, progress, len(clean) + len(planned))
    finally:
        pool.shutdown(cancel_futures=True)
        host.clean_up_dead()
    if not (words(options.names) or options.part or options.scenario):
        for name in managers(options.names):
            (PAGES / (name + ".md")).write_text(table.page(name, [outcome for outcome in outcomes if outcome.cell.manager == name]))
    passed = progress.done - progress.failed
    if options.report:
        options.report.write_text(json.dumps({"passed": passed, "failed": progress.failed}))
    print("%d passed, %d failed" % (passed, progress.failed))
    return 1 if progress.failed or not planned else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
