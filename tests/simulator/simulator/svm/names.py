# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of volumes as users write them, and the form of messages (libmeta: meta_name.c, meta_error.c).

A volume of the local set is d1, one of the disk set blue is blue/d1, everywhere: in the state, in output, in messages.
"""
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


def set_of(name):
    """The disk set of a canonical name; None for a volume of the local set."""
    return name.rpartition("/")[0] or None


def home(name):
    """Under which `host` the state keeps a volume: this host, or "blue/", which is no host's name, for its disk set."""
    return set_home(set_of(name))


def set_home(disk_set):
    """The same for a whole disk set (None: the local one)."""
    return disk_set + "/" if disk_set else place.HOST


def image(name):
    """Path of the file that holds the data of a volume."""
    if set_of(name):
        return os.path.join(place.SAN, "sets", name + ".img")
    return place.image(name)


def device(name, kind):
    """Device path of a volume, as all hosts know it; kind: dsk or rdsk."""
    disk_set, _slash, short = name.rpartition("/")
    return "/".join(["/dev/md"] + ([disk_set] if disk_set else []) + [kind, short])


def node(name, kind):
    """Where that device is on this machine."""
    return place.DEV + device(name, kind)[len("/dev"):]


def of_device(path):
    """(disk set or None, short name) of /dev/md/[SET/][r]dsk/NAME; None for any other path."""
    for top in ("/dev/md/", place.DEV + "/md/"):
        if path.startswith(top):
            words = path[len(top):].split("/")
            if len(words) == 2 and words[0] in ("dsk", "rdsk"):
                return None, words[1]
            if len(words) == 3 and words[1] in ("dsk", "rdsk"):
                return words[0], words[2]
    return None


def split(text):
    """(disk set or None, short name) of a volume given as d1, blue/d1 or by a device path."""
    path = text
    while "//" in path:
        path = path.replace("//", "/")
    found = of_device(path)
    if found:
        return found
    name = os.path.basename(path)
    for top in ("/dev", place.DEV):
        if path in ("%s/dsk/%s" % (top, name), "%s/rdsk/%s" % (top, name)):
            raise Refusal("not a metadevice", name)
    if path.startswith("/"):
        raise Refusal("No such file or directory", text)
    if is_slice(path):
        raise Refusal("not a metadevice", path)
    disk_set, _slash, name = path.rpartition("/")
    return disk_set or None, name


def canonical(text, disk_set=None):
    """The canonical name of a volume. DISK_SET is the set of the command: a name of another one is refused."""
    named, name = split(text)
    if named and disk_set and named != disk_set:
        raise Refusal("set name is inconsistent", text)
    disk_set = named or disk_set
    return "%s/%s" % (disk_set, name) if disk_set else name
