# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all commands that change something share: options, root, the command lock, the form of errors."""
import fcntl
import os

from simulator.core import place
from simulator.svm import model, resync, sets
from simulator.svm.names import Refusal, canonical, split

ERROR_END = "\n\n"  # an empty line follows every message of libmeta
NOT_ROOT = "Permission denied.  You must have root privilege to execute this command."


class Usage(Exception):
    """Bad command line; `help` is true for -h."""

    def __init__(self, wants_help=False):
        Exception.__init__(self)
        self.wants_help = wants_help


def options(args, flags, valued="s"):
    """getopt(3C): ({letter: value or True}, operands). Options end at the first operand."""
    found, args = {}, list(args)
    while args and args[0].startswith("-") and args[0] != "-":
        word = args.pop(0)
        if word == "--":
            break
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in "h?":
                raise Usage(True)
            if letter in valued:
                if not letters and not args:
                    raise Usage()
                found[letter] = letters or args.pop(0)
                letters = ""
            elif letter in flags:
                found[letter] = True
            else:
                raise Usage()
    return found, args


def choose_set(store, found, operands):
    """Put the disk set of a command under s of its options: -s, or the first name that tells one. It must be owned."""
    if "s" not in found:
        named = [disk_set for disk_set in map(told_set, operands) if disk_set]
        found.update({"s": named[0]} if named else {})
    if "s" in found:
        sets.check(store, found["s"])


def told_set(word):
    """The disk set that a word of the command line tells, or None."""
    try:
        return split(word)[0]
    except Refusal:  # a slice
        return None


def take_lock(call):
    """The command lock: all commands that change SVM on this host wait for each other, without a limit."""
    path = place.etc("lvm/lock")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        call.err("%s: waiting on /etc/lvm/lock\n" % call.name)
        fcntl.flock(fd, fcntl.LOCK_EX)


def change(call, flags, usage, action, count=None, valued="s"):
    """Run `action(store, found options, operands) -> text` as one change; returns the exit status."""
    try:
        found, operands = options(call.args, flags, valued)
        if os.geteuid() != 0:
            raise Refusal(NOT_ROOT)
        if count is not None and len(operands) not in count:
            raise Usage()
        if call.store is None:
            raise Refusal("there are no existing databases")
        take_lock(call)
        with call.store.transaction():
            switches = model.settings(call.store)
            choose_set(call.store, found, operands)
            resync.advance(call.store)
            if switches["stale"]:
                raise Refusal("stale databases")
            call.out(action(call.store, found, operands))
        return 0
    except Usage as problem:
        call.err("usage:\t%s\n" % usage)
        return 0 if problem.wants_help else 1
    except Refusal as refusal:
        call.err(refusal.message(call.name))
        return 1


def named(args):
    """Canonical names of all operands of a command line, for a lie about success."""
    args = list(args)
    disk_set = None
    if "-s" in args:
        disk_set = args.pop(args.index("-s") + 1)
    return [canonical(word, disk_set) for word in args if not word.startswith("-")]


def pair(args):
    """Canonical names of the last two operands, for a lie about success."""
    return tuple(named(args)[-2:])
