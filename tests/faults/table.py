# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""docs/faults/MANAGER.md: what has become of every cell. The words are those of docs/faults.md."""

import cells

FAILED = "**FAILED**"
HEAD = """\
# When a command fails: {title}

Made by `./dev faults {manager}`; do not edit. {count} trials; what they are, and what had to hold in each, is told in
[When a command fails](../faults.md).
"""


def page(manager, outcomes):
    """The page of a manager as text. outcomes: of its cells, in any order."""
    described = cells.manager(manager)
    parts = [HEAD.format(title=described.TITLE, manager=manager, count=len(outcomes))]
    parts += [table([outcome for outcome in outcomes if outcome.cell.number == number]) for number in range(len(described.SCENARIOS))
              if any(outcome.cell.number == number for outcome in outcomes)]  # fmt: skip
    not_tried = getattr(described, "NOT_TRIED", [])
    return "\n".join([*parts, *(["Not tried: %s.\n" % "; ".join(not_tried)] if not_tried else [])])


def shown(outcome):
    return FAILED if outcome.problems else outcome.word


def table(outcomes):
    """One scenario: a row for each call in the order of the procedure, a heading row for each task."""
    found = {(outcome.cell.call, outcome.cell.effect): shown(outcome) for outcome in outcomes}
    calls = sorted({outcome.cell.call for outcome in outcomes}, key=lambda call: call.place)
    effects = [effect for effect in cells.EFFECTS if any(effect == with_effect for dummy, with_effect in found)]
    lines = ["## %s\n" % outcomes[0].cell.scenario.name.capitalize(), row("command", *(cells.EFFECTS[effect] for effect in effects)),
             row("---", *("---" for dummy in effects))]  # fmt: skip
    for call in calls:
        title = "*%s*" % call.task if call.by == "play" else "`%s`" % cells.shown(call)
        lines.append(row(title, *(found.get((call, effect), "") for effect in effects)))
    return "\n".join(lines) + "\n"


def row(*words):
    return "| %s |" % " | ".join(words)
