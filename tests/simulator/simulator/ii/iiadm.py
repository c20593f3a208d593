# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm(1M): point-in-time copies. Silence is success; the exit status of what was started is 0."""
import os

from simulator.ii import cli, kernel, model, moving, overflow, status, update, waiting

FAILURE = 2
STATE_WORDS = ("Independent copy", "Dependent copy", "copy in progress", "copy not active", "copying master to shadow",
               "copying shadow to master", "exported", "imported", "offline", "Suspended.", "(suspended)")
VERSION = "Point in Time Copy version 11.11\n"
HELP = "Point-in-Time Copy Administrator CLI options\nUsage summary:\n"


def one(function):
    """An action on one set, or on the members of a group one after another: the first error ends it."""
    def act(call, line):
        if line.group is None:
            function(call, line, line.volumes(1, 1, "must specify one or more volumes")[0])
            return
        rows = model.sets(call.store, grp=line.group)
        if not rows:
            raise model.dsw("Group does not exist or has no members")
        for row in rows:
            function(call, line, row["shadow"])
    return act


def take_away(store, shadow):
    """Disable one set; Refused if the driver does."""
    row = model.known(store, shadow)
    if not row["kernel"]:
        kernel.release(store, row)
        kernel.remove(store, row)
        return
    if not model.independent(row) and moving.is_mounted(store, shadow):
        raise model.dsw("Shadow Volume is currently mounted and dependent on the master volume", model.BUSY)
    kernel.disable(store, row)


def disable(call, line):
    """-d volume, or every set of a group: those that can be are gone also if another one is refused."""
    if line.group is None:
        cli.change(call, "Disable failed", lambda store: take_away(store, line.argument))
        return
    rows = model.sets(call.store, grp=line.group)
    if not rows:
        raise model.dsw("Group does not exist or has no members")
    for row in rows:
        if row["kind"] == "dep" and moving.is_mounted(call.store, row["shadow"]):
            raise model.dsw("Shadow Volume is currently mounted and dependent on the master volume", model.BUSY)
    refused = []
    for row in rows:
        try:
            cli.change(call, "Disable failed", lambda store, name=row["shadow"]: take_away(store, name))
        except model.Failure as failure:
            refused.append(str(failure).splitlines()[1:])
    if refused:
        raise model.dsw("Some sets in the group failed to disable", "II: One or more sets failed to be disabled", *refused[-1])


def abort(call, _line, shadow):
    """-a"""
    cli.change(call, "Abort failed", lambda store: kernel.abort(store, model.running(store, shadow)))


def wait(call, line, shadow):
    """-w: 0 also if the copy was aborted; with -p the lock is released, with -n also somebody else's."""
    def act(store):
        row = model.running(store, shadow)
        if line.pid_lock and row["pid"] == 0:
            raise model.Refused("II: Set not pid-locked")
        if line.pid_lock and row["pid"] != os.getppid() and not line.no_question:
            raise model.Refused(model.IN_USE)
        return row
    row = cli.change(call, "Wait failed", act)
    waiting.until_end(call.store, row["id"])
    if line.pid_lock:
        with call.store.transaction():
            model.update(call.store, row["id"], pid=0)


def export(call, _line, shadow):
    """-E"""
    moving.export_one(call, shadow)


def reset(call, _line, shadow):
    """-R"""
    def act(store):
        row = model.known(store, shadow)
        if not row["kernel"]:
            raise model.dsw("Set not offline, will not reset" if row["options"] else "unable to read config file")
        return row["id"] if kernel.reset(store, row) else None
    started = cli.change(call, "Reset shadow failed", act)
    if started is not None:
        waiting.leave_child(call, started)


def move(call, line):
    """-g G -m volume...: an empty name takes them out of their group."""
    if line.group is None:
        raise cli.usage("must use a group with this option")
    if not line.operands:
        raise cli.usage("must specify one or more volumes")

    def act(store):
        for row in [model.known(store, shadow) for shadow in line.operands]:
            model.update(store, row["id"], grp=line.group)
            if row["kernel"]:
                kernel.track.save(store, row["id"])
    cli.change(call, "Move failed", act)


def numbers(words):
    """Whole numbers; Failure for what is none."""
    for word in words:
        if not word.isdigit():
            raise model.plain("'%s' is not a valid number" % word)
    return [int(word) for word in words]


def parameters(call, line):
    """-P delay units volume, -P volume, and both for a group"""
    words = line.operands
    setting = len(words) >= (3 if line.group is None else 2)
    if line.group is None and len(words) not in (1, 3) or line.group is not None and len(words) not in (0, 2):
        raise cli.usage("must specify delay, unit and shadow with -P")
    shadows = words[-1:] if line.group is None else [row["shadow"] for row in model.sets(call.store, grp=line.group)]
    if not shadows:
        raise model.dsw("Group does not exist or has no members")
    values = numbers(words[:2]) if setting else None
    if values and not (2 <= values[0] <= 10000 and 100 <= values[1] <= 60000):
        call.err("Parameter ranges are delay(2 - 10000), units(100 - 60000)\n")
        raise model.dsw("Set Copy Parameters failed", "SOLARIS: Invalid argument")

    def act(store, shadow):
        row = model.running(store, shadow)
        if values:
            model.update(store, row["id"], delay=values[0], units=values[1])
        return row
    for shadow in shadows:
        row = cli.change(call, "%s Copy Parameters failed" % ("Set" if values else "Get"), lambda store, name=shadow: act(store, name))
        if not values:
            call.out("volume: %s\ncopy delay: %d\ncopy unit: %d\n" % (shadow, row["delay"], row["units"]))


ACTIONS = {"e": moving.enable, "I": moving.bring, "J": moving.join, "E": one(export), "u": update.copy, "c": update.copy,
           "a": one(abort), "w": one(wait), "R": one(reset), "d": disable, "m": move, "P": parameters, "i": status.show,
           "l": status.listing, "gL": status.groups, "O": overflow.create, "A": overflow.attach, "D": one(overflow.detach),
           "Q": overflow.query, "L": overflow.listing, "v": lambda call, _line: call.out(VERSION),
           "h": lambda call, _line: call.out(HELP + cli.SUMMARY)}


def work(call):
    """Parse and do."""
    line = cli.Line(call.args)
    if line.action is None and call.args:
        raise cli.usage("must specify an action flag")
    if line.action == "L" and line.group is not None:
        raise cli.usage("too many action flags")
    return ACTIONS[line.action or "l"](call, line)


def main(call):
    """iiadm."""
    return cli.run(call, work) if cli.installed(call) else 1


without_state = main


def success(call):
    """What a call prints when it works: nothing."""
    return VERSION if "-v" in call.args else ""
