# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One call of one simulated command: find its module by name, journal it, let faults act, run it.

A manager is a package beside `core` with a module `commands` that has `COMMANDS = {name: module}` and optionally
`PATHS = {name: path or paths}` where it is not in /usr/sbin, an `ORDER` among the managers and a `SCHEMA`. The module of a command
has `main(call) -> exit status` and optionally `success(call) -> text`, what it prints when it worked (used to lie about
it), `without_state(call)` for a machine that is no simulated host, `ERROR_END`, what follows an error message,
`FAILURE`, its usual exit status of a failure, and `STATE_WORDS`, the words of its output that tell a state. Several
managers may have a command: each does what is its own and ends with `return call.become_real()` otherwise.
"""
import os
import sys
import time

from simulator.core import faults, place
from simulator.core.state import Store

SEPARATOR = "\x1f"  # between the arguments of one journal entry


def packages():
    """Names of all managers: the packages beside core."""
    top = os.path.dirname(os.path.dirname(__file__))
    return sorted(name for name in os.listdir(top)
                  if name != "core" and os.path.exists(os.path.join(top, name, "commands.py")))


def load(name):
    """Import a module of the simulator by its dotted name below `simulator`."""
    full = "simulator." + name
    __import__(full)
    return sys.modules[full]


def find(name):
    """The modules of a command, e.g. ["svm.metastat"], in the order they are asked; LookupError if no manager has it.

    Several managers may have it (fsck, mount): the one that is set up last is asked first.
    """
    found = [(load(package + ".commands"), package) for package in packages()]
    found = sorted((item for item in found if name in item[0].COMMANDS), key=lambda item: -item[0].ORDER)
    if not found:
        raise LookupError(name)
    return ["%s.%s" % (package, commands.COMMANDS[name]) for commands, package in found]


def held(store, rdev):
    """True if a driver of this host has a block device open: `holds(store, rdev)` of the managers' modules `boot` tells."""
    boots = (load(package + ".boot") for package in packages())
    return any(boot.holds(store, rdev) for boot in boots if hasattr(boot, "holds"))


class Call:
    """What a command's module gets: its arguments, the store, and where to print."""

    def __init__(self, name, args, store, others=()):
        self.name = name
        self.others = list(others)
        self.args = args
        self.store = store
        self.text = []
        self.mute = False
        self.entry = None
        self.caller = faults.caller()

    def out(self, text):
        """Print TEXT on stdout (at the end of the command, so that a fault can change it)."""
        self.text.append(text)

    def err(self, text):
        """Print TEXT on stderr, now."""
        if not self.mute:
            sys.stderr.write(text)
            sys.stderr.flush()

    def end(self, rc):
        """Write the end of the call into the journal."""
        if self.entry is not None:
            with self.store.transaction() as db:
                db.execute("UPDATE journal SET ended=?, rc=? WHERE id=?", (time.monotonic(), rc, self.entry))

    def become_real(self):
        """Leave the call to the next manager that has this command, if there is one: returns its exit status.

        Else this process is replaced by the real tool with the same arguments; its exit status is not journaled.
        """
        if self.others:
            return load(self.others.pop(0)).main(self)
        sys.stdout.flush()
        self.end(None)
        try:
            path = place.real(self.name)
        except FileNotFoundError:
            self.err("%s: there is no simulated host here, and no other %s\n" % (self.name, self.name))
            os._exit(127)
        os.execv(path, [path] + self.args)


def begin(call, argv):
    """Journal the start of a call; returns the fault it meets or None."""
    if not call.store.writable:
        return None
    with call.store.transaction() as db:
        fault = faults.due(call.store, call.name)
        cursor = db.execute("INSERT INTO journal (host, pid, ppid, argv, started, fault) VALUES (?,?,?,?,?,?)",
                            (place.HOST, os.getpid(), os.getppid(), SEPARATOR.join(argv), time.monotonic(),
                             fault["effect"] if fault else None))
        call.entry = cursor.lastrowid
    return fault


def with_fault(call, module, fault):
    """Run a call under a fault; returns its exit status."""
    effect, message = fault["effect"], fault["message"]
    rc = getattr(module, "FAILURE", 1) if fault["rc"] is None else fault["rc"]
    if effect == "hang":
        faults.hang()
    if effect == "kill-before":
        faults.kill_caller(call.caller)
    if effect == "lie-ok":
        success = getattr(module, "success", None)
        call.out(success(call) if success else "")
        return 0
    if effect == "lie-fail":
        call.mute = True
        module.main(call)
        call.mute = False
        del call.text[:]
    if effect in ("fail", "lie-fail"):
        text = message or "%s: %s: I/O error" % (call.name, place.HOST)
        call.err(text + getattr(module, "ERROR_END", "\n"))
        return rc
    result = module.main(call)
    if effect == "odd":
        words = getattr(module, "STATE_WORDS", faults.STATE_WORDS)
        call.text[:] = [faults.odd("".join(call.text), message or faults.ODD_WORD, words)]
    if effect == "kill-after":
        faults.kill_caller(call.caller)
    return result


def main(argv):
    """Run the command argv[0] names, leave with its exit status."""
    name = os.path.basename(argv[0])
    first, *others = find(name)
    module = load(first)
    try:
        store = Store()
    except FileNotFoundError:
        store = None
    call = Call(name, argv[1:], store, others)
    if store is None:
        rc = module.without_state(call) if hasattr(module, "without_state") else call.become_real()
    else:
        fault = begin(call, argv)
        rc = module.main(call) if fault is None else with_fault(call, module, fault)
    try:
        sys.stdout.write("".join(call.text))
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)
    call.end(rc)
    sys.stdout.flush()
    os._exit(rc)
