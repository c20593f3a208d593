# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of iiadm: getopt(3C) with the letters that change after -g, usage errors, questions, running an action."""
import os
import sys

from simulator.ii import copying, model

LETTERS = "a:c:d:e:g:hilmnpu:vw:A:C:D:E:I:J:LO:PQ:R:"
GROUP_LETTERS = "ac:de:ilmnpu:wA:C:DELPR"
MODIFIERS = "gnpC"
SUMMARY = """
Brief summary:
\t-e {ind|dep} master_vol shadow_vol bitmap_vol
\t-[cu {s|m}] volume_set
\t-i all
\t-[adDEilPRw] volume_set
\t-g group_name [options]
\t-C cluster_tag [options]
\t-[hilLv]
\t-[IJ] volume_set bitmap
\t-A overflow_vol volume_set
\t-[OQ] overflow_vol
\t-P {delay} {units} volume_set
"""
QUESTION = "You have to respond with yes/no\n"


def usage(why):
    """A bad command line."""
    return model.Failure("%s: %s\n%s" % (sys.argv[0], why, SUMMARY), 1)


class Line:
    """A parsed command line: action letter, its argument, operands, group (None or a name), no_question, pid_lock."""

    def __init__(self, args):
        self.action, self.argument, self.group, self.tag = None, None, None, None
        self.no_question = self.pid_lock = False
        self.operands = self.parse(list(args))

    def parse(self, args):
        """Read the options; returns the operands."""
        while args and args[0].startswith("-") and args[0] != "-":
            word = args.pop(0)
            if word == "--":
                break
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                place = (LETTERS if self.group is None else GROUP_LETTERS)
                known = place.find(letter)
                if letter == ":" or known < 0:
                    raise bad_option("illegal option", letter)
                value = None
                if place[known + 1:known + 2] == ":":
                    if not letters and not args:
                        raise bad_option("option requires an argument", letter)
                    value, letters = letters or args.pop(0), ""
                self.take(letter, value)
        return args

    def take(self, letter, value):
        """One option."""
        if letter == "g":
            self.take_group(value)
        elif letter == "n":
            self.no_question = True
        elif letter == "p":
            self.pid_lock = True
        elif letter == "C":
            raise model.dsw("-C is valid only in a Sun Cluster")
        elif self.action is not None:
            raise usage("too many action flags")
        else:
            self.action, self.argument = letter, value

    def take_group(self, value):
        """The name of a group; -L in its place lists them."""
        if value == "-L":
            self.group, self.action = "", "gL"
            return
        if value.startswith("-") or any(one.isspace() for one in value):
            raise model.dsw("Invalid group name")
        self.group = value

    def volumes(self, least, most, why):
        """The operands, with an action's argument before them."""
        words = ([] if self.argument is None else [self.argument]) + self.operands
        if len(words) < least:
            raise usage(why)
        return words[:most] if most else words


def bad_option(text, letter):
    """What getopt prints itself, then the usage."""
    failure = usage("unrecognized argument")
    return model.Failure("%s: %s -- %s\n%s" % (sys.argv[0], text, letter, failure), 1)


def confirm(line, question):
    """Ask, unless -n was given or nobody can answer; Failure without a text if the answer is no."""
    if line.no_question or not sys.stdin.isatty():
        return
    while True:
        sys.stdout.write(question + " yes/no ")
        sys.stdout.flush()
        answer = sys.stdin.readline().strip()
        if not answer or "no".startswith(answer):
            raise model.Failure("", 1)
        if "yes".startswith(answer):
            return
        sys.stderr.write(QUESTION)
        sys.stderr.flush()


def change(call, text, action):
    """Bring this host to the present, then run `action(store)` as one change; what the driver refuses is reported as TEXT."""
    with call.store.transaction():
        copying.advance(call.store)
    try:
        with call.store.transaction():
            return action(call.store)
    except model.Refused as refusal:
        raise model.dsw(text, *refusal.stack) from None


def installed(call):
    """Leave without a driver."""
    here = None if call.store is None else model.host(call.store)
    if here is None or not here["loaded"]:
        call.err("/dev/ii: No such file or directory\n")
        return False
    if os.geteuid() != 0:
        call.err("/dev/ii: Permission denied\n")
        return False
    return True


def run(call, work):
    """Run `work(call)`; what it refuses becomes its message and exit status."""
    try:
        return work(call) or 0
    except model.Failure as failure:
        call.err(str(failure))
        return failure.rc
