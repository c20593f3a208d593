# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all commands that change something share: options, root, one at a time, the form of messages."""
import os

from simulator.gds import copying, model
from simulator.gds.model import Refusal

ERROR_END = "\n"


class Usage(Exception):
    """Bad command line."""


class Words:
    """A command line `sdxvolume -F -c Class1 -v Volume1,Volume2 -e allnodes`: action F, text c, list v, option allnodes."""

    def __init__(self, args, actions, verb=False):
        args = list(args)
        self.values = {}
        self.action = None
        if verb:
            self.action = args.pop(0) if args else None
        while args:
            word = args.pop(0)
            if not verb and self.action is None and word[:1] == "-" and word[1:] in actions:
                self.action = word[1:]
            elif len(word) == 2 and word[0] == "-" and word[1].islower() and args:
                self.values[word[1]] = args.pop(0)
            else:
                raise Usage()
        if self.action not in actions or set(self.values) - set(actions[self.action]):
            raise Usage()

    def text(self, letter):
        """The value of a letter that must be there."""
        if letter not in self.values:
            raise Usage()
        return self.values[letter]

    def list(self, letter):
        """The comma-separated values of a letter; none where it is absent."""
        return self.values[letter].split(",") if letter in self.values else []

    def options(self, letter="e"):
        """{name: value or True} of -e or -a."""
        return {word.partition("=")[0]: word.partition("=")[2] or True for word in self.list(letter)}


class Messages:
    """A call that can say things in the form of the sdx commands: INFO on stdout, the others on stderr."""

    def __init__(self, call):
        self.call = call
        self.store = call.store

    def say(self, severity, text):
        """Print one message; lines after the first are indented."""
        line = "SDX:%s: %s: %s\n" % (self.call.name, severity, text.replace("\n", "\n        "))
        (self.call.out if severity == "INFO" else self.call.err)(line)


def change(call, actions, usage, perform, verb=False):
    """Run `perform(messages, words)` as one change; it may return a function to call after it. Returns the exit status."""
    messages = Messages(call)
    try:
        words = Words(call.args, actions, verb)
        if os.geteuid() != 0:
            raise Refusal("permission denied")
        if call.store is None:
            raise Refusal("connection refused by sxservd daemon")
        with call.store.transaction():
            model.host(call.store)
            copying.advance(call.store)
            after = perform(messages, words)
            model.refresh(call.store)
        if after is not None:
            after()
        return 0
    except Usage:
        call.err("usage: %s\n" % usage)
        return 1
    except Refusal as refusal:
        messages.say("ERROR", str(refusal))
        return 1
