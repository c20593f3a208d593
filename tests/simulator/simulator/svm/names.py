# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of volumes as users write them, and the form of messages (libmeta: meta_name.c, meta_error.c)."""
import os

from simulator.core import place


class Refusal(Exception):
    """What the kernel or libmeta says no with: text, and the name it is about ("" for none)."""

    def __init__(self, text, name=""):
        Exception.__init__(self, text)
        self.text = text
        self.name = name

    def message(self, command):
        """The message on stderr, with the empty line that follows it."""
        middle = self.name + ": " if self.name else ""
        return "%s: %s: %s%s\n\n" % (command, place.HOST, middle, self.text)


def is_slice(name):
    """True for a disk slice such as c1t0d0s0."""
    return name[:1] == "c" and name[1:2].isdigit() and "s" in name[2:]


def canonical(text):
    """The short name of a volume given as d1, /dev/md/dsk/d1 or /dev/md/rdsk/d1."""
    name = text
    while "//" in name:
        name = name.replace("//", "/")
    if not name.startswith("/"):
        if "/" in name:
            raise Refusal("no such set", name.split("/")[0])
        if is_slice(name):
            raise Refusal("not a metadevice", name)
        return name
    for top in ("/dev", place.DEV):
        for kind in ("dsk", "rdsk"):
            prefix = "%s/md/%s/" % (top, kind)
            if name.startswith(prefix):
                return name[len(prefix):]
            if name.startswith("%s/%s/" % (top, kind)):
                raise Refusal("not a metadevice", os.path.basename(name))
    raise Refusal("No such file or directory", text)
