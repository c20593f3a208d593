# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all vx commands share: options, the form of messages, one transaction for each change, waiting."""
import time

from simulator.vxvm import caches, model, task
from simulator.vxvm.model import Refusal

WAIT = 0.05  # seconds between two looks of a command that waits
STATE_WORDS = ("SNAPDONE", "SNAPATT", "SNAPTMP", "ENABLED", "DISABLED", "DETACHED", "ACTIVE", "INVALID", "enabled",
               "Started", "fullinst", "mirbrk", "spaceopt")


class Usage(Refusal):
    """A bad command line."""

    def __init__(self, text):
        Refusal.__init__(self, text, rc=1)


def options(args, flags="", valued="", mixed=False):
    """getopt(3C): ({letter: value, True or list of values of -o}, operands). Options end at the first operand, unless MIXED."""
    found, operands, args = {}, [], list(args)
    while args:
        if not args[0].startswith("-") or args[0] == "-":
            if not mixed:
                break
            operands.append(args.pop(0))
            continue
        letters = args.pop(0)[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in valued:
                if not letters and not args:
                    raise Usage("option requires an argument -- %s" % letter)
                value, letters = letters or args.pop(0), ""
                found[letter] = found.get(letter, []) + value.split(",") if letter == "o" else value
            elif letter in flags:
                found[letter] = True
            else:
                raise Usage("illegal option -- %s" % letter)
    return found, operands + args


def split(operands):
    """Operands as (attributes {key: value}, plain words)."""
    pairs = [word.partition("=") for word in operands]
    return {key: value for key, equals, value in pairs if equals}, [key for key, equals, _value in pairs if not equals]


def number(attributes, key, default=1):
    """A positive whole number among the attributes."""
    text = attributes.get(key, str(default))
    if not text.isdigit() or int(text) < 1:
        raise Usage("Attribute %s has an invalid value: %s" % (key, text))
    return int(text)


def step(call, action):
    """Bring this host's tasks to the present, then run `action(store)` as one change; returns what it returns.

    The first is a change of its own: it stays also if the action is refused.
    """
    with call.store.transaction():
        model.check_daemon(call.store)
        task.advance(call.store)
        caches.check(call.store)
    with call.store.transaction():
        return action(call.store)


def run(call, action):
    """Run `action(call) -> exit status or None` with its refusals as messages."""
    try:
        if call.store is None:
            raise Refusal("IPC failure: Configuration daemon is not accessible", 3, 684)
        return action(call) or 0
    except Refusal as refusal:
        call.err(refusal.message(call.name))
        return refusal.rc


def wait(call, ready):
    """Look with `ready(store)` until it returns something true; returns that. Without a limit, as the real commands."""
    while True:
        found = step(call, ready)
        if found:
            return found
        time.sleep(WAIT)


def finished(call, task_id):
    """Wait for the end of a task; Refusal if it was aborted or failed."""
    def ended(store):
        row = store.row("SELECT * FROM vxvm_task WHERE id=?", task_id)
        return None if row["status"] in task.LIVE else row
    if wait(call, ended)["status"] != task.DONE:
        raise Refusal("Operation aborted", 21)
