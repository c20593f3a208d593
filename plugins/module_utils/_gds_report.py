# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading what sdxinfo(1M) prints, and the messages of the sdx commands.

sdxinfo prints a section for each kind of object: a line of column names that begins with OBJ, a ruler of dashes, and a line
for each object that begins with its kind. Which columns there are depends on the release and on -e long, and rulers are
overrun by long values, so columns are known by their names and values by blanks. A value that is missing is printed as *.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord

KINDS = ('class', 'disk', 'group', 'volume', 'slice')
LISTS = ('DISKS', 'DEVCONNECT', 'SCOPE')
NUMBERS = ('DEVBLKS', 'BLKS', 'FREEBLKS', '1STBLK', 'LASTBLK', 'BLOCKS', 'CURBLKS', 'COPYBLKS')
MISSING = '*'
RULER = re.compile(r'^-+(\s+-+)*\s*\Z')
# The guide has kinds of messages beside these three, which are known by the name of the command before them.
MESSAGE = re.compile(r'^(?:SDX:[a-z0-9]+: |(?=(?:ERROR|WARNING|INFO): ))([A-Z]+): (.*)$')


def parse(text):
    """{kind: [row]} of a report, every kind present; a row is {column name: value}.

    A value is text, a list of text for DISKS, DEVCONNECT and SCOPE, a number for blocks, or None where sdxinfo printed
    an asterisk. Messages are left out, with the indented lines in which they go on. UnknownWord where a line fits no section or has not
    as many values as its section has columns.
    """
    sections = dict((kind, []) for kind in KINDS)
    columns, in_message = None, False
    for line in text.splitlines():
        words = line.split()
        in_message = bool(MESSAGE.match(line)) or in_message and line[:1].isspace()
        if not words or RULER.match(line) or in_message:
            continue
        if words[0] == 'OBJ':
            columns = words
        elif words[0] in KINDS and columns is not None and len(words) == len(columns):
            sections[words[0]].append(_row(columns, words))
        else:
            raise UnknownWord('sdxinfo printed a line that does not fit its columns.', found=line.strip(),
                              needed=' '.join(columns or ['a line of column names']), look='sdxinfo')
    return sections


def _row(columns, words):
    return dict((column, _value(column, word)) for column, word in zip(columns[1:], words[1:]))


def _value(column, word):
    if word == MISSING:
        return None
    if column in LISTS:
        return word.strip('()').split(':')
    if column in NUMBERS:
        if not word.isdigit():
            raise UnknownWord('sdxinfo printed %s as a number of blocks.' % word, object=column, found=word, look='sdxinfo -e long')
        return int(word)
    return word


def messages(text):
    """[(severity, message)] of what an sdx command printed on stdout or stderr.

    A message may go on in indented lines, which are joined to it; lines without a severity that are not indented are left out.
    """
    found = []
    for line in text.splitlines():
        start = MESSAGE.match(line)
        if start:
            found.append(start.groups())
        elif found and line[:1].isspace() and line.strip():
            severity, message = found[-1]
            found[-1] = (severity, '%s %s' % (message, line.strip()))
    return found


def errors(text):
    """The messages that tell why a command failed, joined; all of them where none is marked as an error."""
    every = messages(text)
    return '; '.join(message for severity, message in every if severity == 'ERROR') or text.strip()
