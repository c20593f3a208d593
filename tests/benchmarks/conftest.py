# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Figures go into one table, shown at the end. A bound that a noisy machine misses is measured again, never loosened."""

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "runner")]

ROUNDS = 4
ROWS = pytest.StashKey()


class Table:
    """Collects rows: what was measured, the figure, and the bound as text (empty where it is only reported)."""

    def __init__(self):
        self.rows = []
        self.words = ""

    def add(self, what, figure, bound=""):
        self.rows.append((what, figure, bound))

    def note(self, words):
        """What a figure is made of; said beside it."""
        self.words = words

    def bounded(self, what, measure, unit, least=None, most=None):
        """Measure until the bound is met or ROUNDS are over; enter the last figure and assert it.

        measure() -> figure. least or most: the bound.
        """
        bound = "<= %.4g %s" % (most, unit) if most is not None else ">= %.4g %s" % (least, unit)
        self.words = ""
        rounds, met = 0, False
        while rounds < ROUNDS and not met:
            figure = measure()
            met = figure <= most if most is not None else figure >= least
            rounds += 1
        again = "" if rounds == 1 else " (measured %d times)" % rounds
        self.add(what, "%.3g %s%s" % (figure, unit, again), bound + ("" if met else "  MISSED"))
        if self.words:
            self.add("  " + self.words, "")
        assert met, "%s: %.4g %s, needed %s" % (what, figure, unit, bound)


@pytest.fixture(scope="session")
def table(pytestconfig):
    return pytestconfig.stash.setdefault(ROWS, Table())


@pytest.fixture(scope="session", autouse=True)
def ahead_of_others():
    """Both sides of every comparison go before other work of the machine, where that is allowed."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield
        return
    yield
    os.sched_setscheduler(0, *before)


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, Table()).rows
    if rows:
        terminalreporter.section("figures")
        widths = [max(len(row[column]) for row in rows if row[1]) for column in (0, 1)]
        for what, figure, bound in rows:
            terminalreporter.write_line("%-*s  %-*s  %s" % (widths[0], what, widths[1], figure, bound))
