# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tries faults: ./dev faults [--part] [NAME...]; see README.md."""

import argparse
import concurrent.futures
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "simulator")]

import cells  # noqa: E402
import host  # noqa: E402

# Much of a trial is waiting.
WORKERS = 2 * (os.cpu_count() or 1)
MANAGERS = ("svm",)


def arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only cells whose name contains every NAME")
    parser.add_argument("--part", action="store_true", help="a representative part, for ./dev test")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(argv)


def tell(outcome, verbose):
    if outcome.problems or verbose:
        print("%s: %s\n  %s" % (outcome.cell.name, outcome.word or "no outcome", "\n  ".join(outcome.problems)), flush=True)
        print("  told: %s" % outcome.told.replace("\n", "\n        "), flush=True)


def main(argv):
    options = arguments(argv)
    host.clean_up_dead()
    with concurrent.futures.ProcessPoolExecutor(options.workers) as pool:
        clean = [cells.Cell(name, number, None, None)
                 for name in MANAGERS for number in range(len(cells.importlib.import_module(name).SCENARIOS))]  # fmt: skip
        found = list(pool.map(cells.trial, clean))
        for outcome in found:
            tell(outcome, options.verbose)
        planned = [cell for outcome in found for cell in cells.of(outcome.cell.manager, outcome.cell.number, outcome.calls)]
        planned = [cell for cell in planned if all(name in cell.name for name in options.names)]
        print("%d cells" % len(planned), flush=True)
        bad = 0
        words = {}
        for done, outcome in enumerate(pool.map(cells.trial, planned), 1):
            tell(outcome, options.verbose)
            bad += bool(outcome.problems)
            words[outcome.word] = words.get(outcome.word, 0) + 1
            if done % 20 == 0:
                print("%d of %d, %d failed" % (done, len(planned), bad), flush=True)
    host.clean_up_dead()
    print(words)
    print("%d passed, %d failed" % (len(planned) - bad, bad))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
