# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can go wrong, named so that callers can tell cases apart and readers can act on them."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

FACTS = ('object', 'found', 'needed', 'look', 'vendor', 'remedy')
LABELS = {'found': 'Found', 'needed': 'Needed', 'look': 'Look with', 'vendor': 'The system said', 'remedy': 'To do'}


def native(value):
    """value as the text type that str() must return, also where text read from a file is another type (CPython 2)."""
    if str is bytes and isinstance(value, type(u'')):
        return value.encode('utf-8')
    return str(value)


class Refused(Exception):
    """An operation was not begun, or could not be finished, and nothing was guessed.

    message: what was wanted and why it cannot be. The facts are optional text: object (its name), found and
    needed (states), look (the command that shows it), vendor (the manager's own message), remedy (what to do).
    """

    def __init__(self, message, **facts):
        unknown = set(facts) - set(FACTS)
        if unknown:
            raise TypeError('unknown facts: %s' % ', '.join(sorted(unknown)))
        Exception.__init__(self, message)
        self.message = message
        self.facts = facts

    def __str__(self):
        parts = [self.message]
        for name in FACTS[1:]:
            if self.facts.get(name):
                parts.append('%s: %s.' % (LABELS[name], native(self.facts[name]).strip().rstrip('.')))
        return ' '.join(native(part) for part in parts)

    def as_dict(self):
        """The facts as a dictionary with every key, None where unknown."""
        return dict((name, self.facts.get(name)) for name in FACTS)


class CommandFailed(Refused):
    """A command ended with an exit code other than 0, or was killed at its time limit."""

    def __init__(self, result, message=None, **facts):
        ended = 'did not end within its limit and was killed' if result.rc is None else 'ended with exit code %s' % result.rc
        facts.setdefault('vendor', (result.err or result.out).strip()[-2000:] or None)
        Refused.__init__(self, message or '%s %s.' % (' '.join(result.argv), ended), **facts)
        self.result = result


class UnknownWord(Refused):
    """The manager printed a state or a layout that is not documented; it is never taken for a healthy one."""


class Unkillable(Refused):
    """A process group outlives SIGKILL, since a call of the kernel holds it. What it was told to do may still come. group: its number."""

    def __init__(self, group):
        Refused.__init__(self, 'Nothing ends process group %d.' % group, object=str(group), found='still there after SIGKILL',
                         look='ps -ef', remedy='wait until the kernel lets it go, or boot the host')
        self.group = group


class LeaseExpired(Refused):
    """The freeze window lasted longer than its lease; the watchdog has released the file systems.

    stuck: the process of a command that nothing ends and that may still do what it was told; None where there is none.
    """

    stuck = None


class Torn(Refused):
    """The copies were split, but not as one consistent point in time; they must not be stored."""
