# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""simctl: everything about the simulator that no simulated command does."""
import argparse
import json
import os
import sys

from simulator.core import command, faults, host, place, pool

ON = {"on": 1, "true": 1, "yes": 1, "1": 1, "off": 0, "false": 0, "no": 0, "0": 0}


def install(_args):
    """Link the simulated executables at their real paths."""
    print("\n".join(host.install()))


def apply(args):
    """Set this host up."""
    import yaml
    with open(args.topology) as handle:
        text = handle.read()
    host.apply(text, yaml.safe_load(text))


def show(_args):
    """Print the state as JSON."""
    print(json.dumps(host.show(), indent=2, sort_keys=True))


def journal(args):
    """Print (and clear) the journal of commands."""
    store = host.open_store()
    name = "%" if args.all else place.HOST
    rows = [dict(row, argv=row["argv"].split(command.SEPARATOR))
            for row in store.rows("SELECT * FROM journal WHERE host LIKE ? ORDER BY id", name)]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print("%-8s %8d %12.6f %10s %4s %s%s" % (
                row["host"], row["pid"], row["started"], "%.6f" % (row["ended"] - row["started"]) if row["ended"] else "-",
                "-" if row["rc"] is None else row["rc"], " ".join(row["argv"]),
                " [%s]" % row["fault"] if row["fault"] else ""))
    if args.clear:
        with store.transaction() as db:
            db.execute("DELETE FROM journal WHERE host LIKE ?", (name,))


def fault(args):
    """Plant, list or clear faults."""
    store = host.open_store()
    if args.action == "list":
        print(json.dumps([dict(row) for row in store.rows("SELECT * FROM fault ORDER BY id")]))
        return
    with store.transaction() as db:
        if args.action == "clear":
            db.execute("DELETE FROM fault WHERE host IN (?, '*')", (place.HOST,))
            return
        if not args.command or not args.effect:
            raise RuntimeError("fault add needs --command and --effect")
        command.find(args.command)
        db.execute("INSERT INTO fault (host, command, nth, effect, message, rc) VALUES (?,?,?,?,?,?)",
                   (args.host or place.HOST, args.command, args.nth, args.effect, args.message, args.rc))


def reboot(args):
    """Reboot this host."""
    host.reboot({"kill": not args.no_kill, "pids": args.kill, "keep": args.keep, "crash": args.crash,
                 "metasync": not args.no_metasync, "lost_record": args.lost_record})


def each_boot(function, *values):
    """Call FUNCTION of every manager that has it, in one transaction; returns the results."""
    store = host.open_store()
    with store.transaction():
        return [getattr(boot, function)(store, *values) for _name, boot in host.boots() if hasattr(boot, function)]


def resync_speed(args):
    """Bytes per second of all resyncs of this host."""
    each_boot("switch", "resync_speed", args.speed)


def switch(args):
    """Change one switch of this host, of whichever manager has it."""
    value = ON.get(args.value.lower(), args.value)
    owners = [boot for _name, boot in host.boots() if args.name in getattr(boot, "SWITCHES", ())]
    if not owners:
        raise RuntimeError("no manager has a switch %s" % args.name)
    store = host.open_store()
    with store.transaction():
        for boot in owners:
            boot.switch(store, args.name, value)


def fail_disk(args):
    """Let a disk or one of its slices fail."""
    failed = sum(each_boot("fail", args.component), [])
    if not failed:
        raise RuntimeError("no component %s" % args.component)
    print("\n".join(failed))


def reset(_args):
    """Forget this host."""
    host.reset()


def pools(args):
    """Make or destroy the pool of a lab, on the machine that carries it."""
    if args.action == "create":
        pool.create(args.directory, args.gib, args.loops)
    else:
        pool.destroy(args.directory)


def parser():
    """The command line."""
    top = argparse.ArgumentParser(prog="simctl", description="control of the volume manager simulator")
    sub = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name, function):
        made = sub.add_parser(name, help=function.__doc__, description=function.__doc__)
        made.set_defaults(function=function)
        return made

    add("install", install)
    add("apply", apply).add_argument("topology", metavar="TOPOLOGY.yml")
    add("show", show)
    one = add("journal", journal)
    one.add_argument("--json", action="store_true")
    one.add_argument("--clear", action="store_true", help="forget them after printing")
    one.add_argument("--all", action="store_true", help="of all hosts")
    one = add("fault", fault)
    one.add_argument("action", choices=("add", "list", "clear"))
    one.add_argument("--command")
    one.add_argument("--nth", type=int, default=1, help="which call from now on; 0 means every call")
    one.add_argument("--effect", choices=faults.EFFECTS)
    one.add_argument("--message", help="the error text, or the odd word")
    one.add_argument("--rc", type=int, help="exit status of fail and lie-fail (1)")
    one.add_argument("--host", help="another host; * means all")
    one = add("reboot", reboot)
    one.add_argument("--kill", action="append", default=[], type=int, metavar="PID", help="kill only this process")
    one.add_argument("--keep", action="append", default=[], metavar="NAME", help="spare processes of this name")
    one.add_argument("--no-kill", action="store_true")
    one.add_argument("--crash", action="store_true", help="as after a power failure: mirrors need an optimized resync")
    one.add_argument("--no-metasync", action="store_true", help="stop before the boot service metasync runs")
    one.add_argument("--lost-record", action="store_true", help="the record of dirty regions was unreadable")
    add("resync-speed", resync_speed).add_argument("speed", metavar="BYTES_PER_SECOND|stall")
    one = add("set", switch)
    one.add_argument("name", metavar="SWITCH")
    one.add_argument("value")
    add("fail-disk", fail_disk).add_argument("component", metavar="DISK|COMPONENT")
    add("reset", reset)
    one = add("pool", pools)
    one.add_argument("action", choices=("create", "destroy"))
    one.add_argument("directory", metavar="DIR")
    one.add_argument("--gib", type=float, default=6)
    one.add_argument("--loops", type=int, default=24)
    return top


def main(argv):
    """Run one verb; exit status 0 or 1."""
    os.umask(0o022)
    args = parser().parse_args(argv)
    try:
        args.function(args)
        return 0
    except (RuntimeError, OSError, LookupError) as problem:
        print("simctl: %s" % (problem if str(problem) else repr(problem)), file=sys.stderr)
        return 1
