# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which faults are tried: made from the calls of a clean run. And one trial of one of them."""

import importlib
import re
import traceback
from dataclasses import dataclass, field

import checks
from lab import OUTSIDE, SPARED, Lab

EFFECTS = {
    "fail": "fails",
    "lie-fail": "works, says it failed",
    "lie-ok": "says it worked, does nothing",
    "odd": "prints odd words",
    "hang": "hangs",
    "kill-before": "caller killed before",
    "kill-after": "caller killed after",
    "watchdog-before": "watchdog killed before",
    "watchdog-after": "watchdog killed after",
    "controller": "controller killed",
    "boot": "host booted",
}
# A command that reads takes no effect: to fail is the same with and without one, and so is a death before and after it.
OF_READS = ("fail", "lie-ok", "odd", "hang", "kill-before", "watchdog-before")
# What the simulator hands on to a real tool can only be kept from starting.
OF_REAL = ("fail", "lie-ok", "hang", "kill-before")
RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def manager(name):
    """The module of this directory that describes a manager."""
    return importlib.import_module(name)


@dataclass(frozen=True)
class Cell:
    """One fault at one call of one scenario of a manager. effect None: none at all."""

    manager: str
    number: int
    call: object
    effect: object

    @property
    def scenario(self):
        return manager(self.manager).SCENARIOS[self.number]

    @property
    def name(self):
        if self.call is None:
            return "%s: %s: without a fault" % (self.manager, self.scenario.name)
        at = "%s (%d) / %s (%d)" % (self.call.task, self.call.turn, shown(self.call), self.call.nth)
        return "%s: %s: %s: %s" % (self.manager, self.scenario.name, at, EFFECTS[self.effect])


@dataclass
class Outcome:
    """word: how it ended. problems: what must not be, as sentences. calls: those of the play, for a clean run. told: what was said."""

    cell: Cell
    word: str = ""
    problems: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    told: str = ""


def shown(call):
    """The command as the table shows it."""
    return RUN.sub("RUN", " ".join([call.command, *call.argv[1:], *(["(on %s)" % call.host] if call.host else [])]))


def reads(described, call):
    """Whether a call changes nothing, by what READS of the manager says of the command."""
    words = described.READS.get(call.command, ["no such word"])
    if words is None:
        return True
    given = call.argv[1:]
    return any(word in words for word in given) if words else not any(word.startswith("-") for word in given)


def distinct(described, calls):
    """calls without reads that repeat an earlier one of the same process when nothing was changed between the two."""
    found, seen = [], set()
    for call in calls:
        if call.argv and not reads(described, call):
            seen = set()
        elif call.argv and (call.argv, call.by, call.host) in seen:
            continue
        seen.add((call.argv, call.by, call.host))
        found.append(call)
    return found


def effects(described, call):
    """The effects tried at a call."""
    if call.by == "play":
        return OUTSIDE
    if call.command in described.REAL:
        return OF_REAL
    known = OF_READS if reads(described, call) else [effect for effect in EFFECTS if effect not in OUTSIDE]
    return [effect for effect in known if call.by == "watchdog" or effect not in SPARED]


def of(name, number, calls):
    """The cells of a scenario, by the calls of its clean run."""
    described = manager(name)
    only = described.SCENARIOS[number].only
    return [
        Cell(name, number, call, effect)
        for call in distinct(described, calls) if only is None or call.command in only
        for effect in effects(described, call)
    ]  # fmt: skip


def trial(cell):
    """Try one cell on a new host. Never raises: what the trial itself cannot do is a problem, too."""
    outcome = Outcome(cell)
    try:
        with Lab(manager(cell.manager)) as lab:
            conduct(lab, cell, outcome)
    except Exception:
        outcome.problems.append("the trial failed: " + traceback.format_exc()[-1500:])
    return outcome


def conduct(lab, cell, outcome):
    """Play the scenario with the fault, look, put in order what is left to do, and look again."""
    scenario = cell.scenario
    scenario.prepare(lab)
    lab.calls.clear()
    lab.fault = (cell.call, cell.effect) if cell.effect else None
    ended = scenario.play(lab)
    outcome.calls, outcome.told = list(lab.calls), ended.said
    if cell.effect and not lab.heal():
        outcome.problems.append("the fault was not met")
    outcome.problems += checks.good_end(lab, ended)
    look(lab, outcome, checks.locks, checks.processes, checks.complete)
    outcome.word = scenario.word(lab) if ended.error else "unharmed"
    if ended.error and scenario.unfinished(lab):
        ended = scenario.again(lab)
        outcome.told += "\nAGAIN: " + ended.said
        outcome.word = "reported" if ended.error else scenario.mended
    if cell.effect is None and outcome.word != scenario.normal:
        outcome.problems.append("without a fault it ends as %s, not as %s" % (outcome.word, scenario.normal))
    outcome.problems += checks.said(lab, ended)
    look(lab, outcome, scenario.check, checks.locks, checks.processes, checks.complete, checks.one_cut, checks.data, checks.left_over)
    if not checks.not_in_order(lab) and all(record["closed"] is not None for record in lab.records()):
        # Last, since it changes what is there.
        look(lab, outcome, getattr(lab.manager, "prove", lambda lab: []))


def look(lab, outcome, *questions):
    outcome.problems += [problem for question in questions for problem in question(lab) if problem not in outcome.problems]
