# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxtask(1M): list, monitor, abort, pause and resume tasks."""
import sys
import time

from simulator.vxvm import cli, model, task
from simulator.vxvm.model import Refusal
from simulator.vxvm.units import SECTOR

FAILURE = 1
HEADER = "TASKID  PTID TYPE/STATE    PCT   PROGRESS\n"
STATE_WORDS = ("ATCOPY/", "SNAPSYNC/", "SNAPDONE", "EXITED")


def line(row):
    """One task as list prints it: the parent's id is blank, for no task here has one."""
    letter = {task.RUNNING: "R", task.PAUSED: "P"}.get(row["status"])
    return "%6d%6s%13s %05.2f%% 0/%d/%d %s\n" % (row["id"], "", "%s/%s" % (row["type"], letter), task.percent(row),
                                               row["total"] // SECTOR, int(row["done"]) // SECTOR, row["words"])


def long(row):
    """One task as list -l prints it."""
    words = row["words"].split()
    labels = ("Vol", "Plex", "Dg") if len(words) == 4 else ("Vol", "Dg")
    operation = " ".join(words[:1] + ["%s %s" % pair for pair in zip(labels, words[1:])])
    seconds = time.monotonic() - row["started"]
    return ("Task:      %d %s\nType:      %s\nOperation: %s\nStarted:   %s\nThrottle:  0\nProgress:  %.2f%% %d of %d Blocks\n"
            "Work time: %d seconds\n\n" % (
                row["id"], row["status"].upper(), row["type"], operation, time.ctime(time.time() - seconds), task.percent(row),
                int(row["done"]) // SECTOR, row["total"] // SECTOR, seconds))


def visible(store, found, names):
    """Live tasks of the groups imported here that the options and operands (id or tag) choose."""
    groups = {group["id"]: group for group in model.groups(store)}
    wanted = names + ([found["i"]] if "i" in found else [])
    rows = []
    for row in task.live(store):
        if row["dg"] not in groups or "g" in found and found["g"] != groups[row["dg"]]["name"]:
            continue
        if "v" in found and model.get(store, "volume", row["volume"])["name"] != found["v"]:
            continue
        if "p" in found and row["status"] != task.PAUSED or "r" in found and row["status"] != task.RUNNING or "a" in found:
            continue
        if not wanted or str(row["id"]) in wanted or row["tag"] in wanted:
            rows.append(row)
    return rows


def show(call, found, names):
    """list [taskid|tag...]"""
    def look(store):
        rows = visible(store, found, names)
        empty = not rows and model.switch(store, "task_list") == "empty"
        head = "" if "q" in found or "l" in found or empty else HEADER
        call.out(head + "".join(long(row) if "l" in found else line(row) for row in rows))
    cli.step(call, look)


def monitor(call, found, names):
    """monitor [taskid|tag...]: a line for each change, until all have ended."""
    sys.stdout.write(HEADER)
    before = {}
    while True:
        rows = {row["id"]: row for row in cli.step(call, lambda store: visible(store, found, names))}
        for number, row in rows.items():
            if number not in before or line(row) != line(before[number]):
                sys.stdout.write(line(row))
        for number, row in before.items():
            if number not in rows:
                sys.stdout.write(line(dict(row, done=row["total"])).replace("/R ", "/R EXITED ", 1))
        sys.stdout.flush()
        if not rows:
            return
        before = rows
        time.sleep(float(found.get("w", cli.WAIT)))


def act(verb):
    """abort, pause and resume of one task."""
    def change(store, names):
        rows = visible(store, {}, names)
        if not names or not rows:
            raise Refusal("Task %s not found" % " ".join(names), 11)
        for row in rows:
            if verb == "abort":
                task.abort(store, row)
            else:
                model.update(store, "task", row["id"], status=task.PAUSED if verb == "pause" else task.RUNNING, at=time.monotonic())
    return change


def work(call):
    """Parse and do."""
    found, operands = cli.options(call.args, "ahlpqrn", "gGvictw")
    verb, rest = (operands + [""])[0], operands[1:]
    if verb == "list":
        more, rest = cli.options(rest, "ahlpqrn", "gGvi")
        show(call, dict(found, **more), rest)
    elif verb == "monitor":
        monitor(call, found, rest)
    elif verb in ("abort", "pause", "resume"):
        cli.step(call, lambda store: act(verb)(store, rest))
    elif verb == "set":
        return
    else:
        raise cli.Usage("Unrecognized operation: %s" % verb)


def main(call):
    """vxtask."""
    return cli.run(call, work)


without_state = main


def success(_call):
    """An empty list."""
    return HEADER
