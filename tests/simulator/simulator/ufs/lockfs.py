# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lockfs(1M): the parsing, table and exit status of lockfs.c, the semantics of ufs_lockfs.c.

A write lock freezes the real file system below, so writers really wait. Name, delete, hard and error locks are only
noted, and so is every lock on the root, whose freeze would stop the machine.
"""
import errno
import os

from simulator.core import blocks, place
from simulator.ufs import mnttab

USAGE = "usage: lockfs [-dfhnuw] [-c string] [-a] [file system ...]\n"
TYPES = {"w": "write", "n": "name", "d": "delete", "h": "hard", "e": "error", "u": "unlock"}
TEXTS = {errno.EPERM: "Not owner", errno.EBUSY: "Device busy", errno.EIO: "I/O error",
         errno.ENOTTY: "Inappropriate ioctl for device", errno.ENAMETOOLONG: "File name too long"}
LONGEST_COMMENT = 1024
FAILURE = 2


def parse(args):
    """getopt("vfwnduheac:") as lockfs.c acts on it: a dictionary, or None for bad usage."""
    todo = {"request": "status", "lock": "unlock", "comment": None, "all": not args, "verbose": False, "hide": not args}
    args = list(args)
    while args and args[0].startswith("-") and args[0] != "-":
        word = args.pop(0)
        if word == "--":
            break
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in TYPES:
                todo["lock"], todo["request"] = TYPES[letter], "lock"
            elif letter == "f":
                todo["request"] = "flush"
            elif letter == "c" and (letters or args):
                todo["comment"], todo["request"] = letters or args.pop(0), "lock"
                letters = ""
            elif letter == "a":
                todo["all"] = True
            elif letter == "v":
                todo["verbose"] = True
            else:
                return None
    todo["paths"] = args
    return todo


def mount_point(store, path):
    """The mount point of the UFS that PATH is on; OSError as the kernel would say it."""
    device = os.stat(path).st_dev
    for row in reversed(mnttab.entries(store)):
        if row[1] != "/" and os.stat(row[1]).st_dev == device:
            return row[1]
    if device == os.stat("/").st_dev:
        return "/"
    raise OSError(errno.ENOTTY, "not ufs")


def current(store, point):
    """(type, comment, busy) of the lock on a mount point."""
    row = store.row("SELECT * FROM ufs_lock WHERE host=? AND point=?", place.HOST, point)
    if row is None:
        return "unlock", "", False
    busy = row["busy"] and os.path.exists("/proc/%d" % row["busy"])
    return row["type"], row["comment"], bool(busy)


def note(store, point, kind, comment, busy):
    """Write the state of a lock; BUSY is the pid that is still setting it, or 0."""
    with store.transaction() as db:
        if kind == "unlock" and not comment and not busy:
            db.execute("DELETE FROM ufs_lock WHERE host=? AND point=?", (place.HOST, point))
        else:
            db.execute("INSERT OR REPLACE INTO ufs_lock VALUES (?,?,?,?,?)", (place.HOST, point, kind, comment or "", busy))


def begin(store, point, kind, comment):
    """Claim the lock of a mount point for a request; OSError EBUSY while another request is under way."""
    with store.transaction():
        if current(store, point)[2]:
            raise OSError(errno.EBUSY, "another request")
        note(store, point, kind, comment, os.getpid())


def lock(call, path, todo):
    """Set, replace or release a lock."""
    if len(todo["comment"] or "") >= LONGEST_COMMENT:
        raise OSError(errno.ENAMETOOLONG, "comment")
    if os.geteuid() != 0:
        raise OSError(errno.EPERM, "not root")
    point, kind = mount_point(call.store, path), todo["lock"]
    before = current(call.store, point)
    if before[0] == "hard":
        raise OSError(errno.EIO, "hard lock")
    # Killed half-way, an unlock has not happened: it must not be noted before.
    begin(call.store, point, *(before[:2] if kind == "unlock" else (kind, todo["comment"])))
    try:
        if point != "/":
            blocks.freeze(point) if kind == "write" else blocks.thaw(point)
    except OSError:
        note(call.store, point, before[0], before[1], 0)
        raise
    note(call.store, point, kind, todo["comment"], 0)


def flush(call, path, _todo):
    """Write out everything, no lock."""
    if mount_point(call.store, path) != "/":
        blocks.flush(path)


def status(call, path, todo):
    """Print the row of one path."""
    point = mount_point(call.store, path)
    kind, comment, busy = current(call.store, point)
    if kind == "unlock" and todo["hide"]:
        return
    line = "%-20s %-10s %s\n"
    if not todo.get("header"):
        todo["header"] = True
        call.out(line % ("Filesystem", "Locktype", "Comment"))
    if kind == "hard":
        call.out(line % (path, "EIO", "May be hard locked"))
        raise OSError(0, "hard lock")
    call.out(line % (path, "(%s)" % kind if busy else kind, comment))


REQUESTS = {"lock": lock, "flush": flush, "status": status}


def main(call):
    """Run lockfs on every path; exit status 2 if one of them failed."""
    todo = parse(call.args)
    if todo is None:
        call.out(USAGE)
        return 1
    paths, rc = todo["paths"], 0
    if todo["all"]:
        if not os.path.exists(place.etc("mnttab")):
            call.err("Can't open /etc/mnttab\n/etc/mnttab: No such file or directory\n")
            return 32
        paths = [row[1] for row in mnttab.entries(call.store)]
    for path in paths:
        try:
            REQUESTS[todo["request"]](call, path, todo)
        except OSError as error:
            if error.errno:
                call.err("%s: %s\n" % (path, TEXTS.get(error.errno) or os.strerror(error.errno)))
            rc = 2
    return rc


def without_state(call):
    """No simulated host: nothing here is a UFS."""
    for path in [word for word in call.args if not word.startswith("-")]:
        call.err("%s: %s\n" % (path, TEXTS[errno.ENOTTY]))
    return 2
