# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tape drives of a simulated host: mounted and served, loaded and emptied."""
import ctypes
import errno
import os
import stat

from simulator.core import place, units
from simulator.core.state import Store
from simulator.tape import drive, server

SWITCHES = ("tape", "tape-protect", "tape-capacity")
MS_NOSUID, MS_NODEV, MNT_DETACH = 2, 4, 2
FUSE = (10, 229)


def top():
    """The directory of the nodes."""
    return os.path.join(place.DEV, "rmt")


def apply(store, spec):
    """Topology's `tape` part: {"cartridges": {name: size}, "drives": [name or null, ...]}; makes what is missing, serves all."""
    if not spec:
        return
    os.makedirs(drive.directory(), exist_ok=True)
    with store.transaction() as db:
        for name, size in (spec.get("cartridges") or {}).items():
            db.execute("INSERT OR IGNORE INTO tape_cartridge VALUES (?,?,0)", (name, units.size(size)))
        for number, name in enumerate(spec.get("drives") or [None]):
            if store.row("SELECT 1 FROM tape_drive WHERE host=? AND number=?", place.HOST, number) is None:
                db.execute("INSERT INTO tape_drive VALUES (?,?,NULL,0)", (place.HOST, number))
                if name:
                    load(store, number, name)
    start(store)


def numbers(store):
    """The numbers of this host's drives."""
    return [row["number"] for row in store.rows("SELECT number FROM tape_drive WHERE host=? ORDER BY number", place.HOST)]


def is_mounted():
    """True if something is mounted at /dev/rmt, also if nobody serves it any more."""
    with open("/proc/self/mountinfo") as handle:
        return any(line.split()[4] == top() for line in handle)


def is_served():
    """True if the drives answer."""
    try:
        os.stat(top())
    except OSError as error:
        if error.errno in (errno.ENOTCONN, errno.ECONNABORTED):
            return False
        raise
    return is_mounted()


def start(store):
    """Mount /dev/rmt and leave a process that serves it, unless there is one."""
    if not numbers(store) or is_mounted() and is_served():
        return
    unmount()
    os.makedirs(top(), exist_ok=True)
    channel = open_channel()
    options = "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % channel
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tape", os.fsencode(top()), b"fuse", MS_NOSUID | MS_NODEV, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), top())
    leave_server(channel, numbers(store))
    os.close(channel)
    os.stat(os.path.join(top(), "%dn" % numbers(store)[0]))  # it answers


def open_channel():
    """A new connection to the kernel's FUSE."""
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", stat.S_IFCHR | 0o600, os.makedev(*FUSE))
    return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)


def leave_server(channel, drives):
    """Fork a process that belongs to nobody and keeps nothing but the channel."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            channel = os.dup2(channel, 3)
            os.closerange(4, 4096)
            server.Server(Store(), drives).serve(channel)
    finally:
        os._exit(0)


def unmount():
    """Take /dev/rmt away; its server ends when nobody has a node open."""
    if is_mounted():
        ctypes.CDLL(None).umount2(os.fsencode(top()), MNT_DETACH)


def down(_store):
    """Go down."""
    unmount()


def up(store, _options):
    """Come up: the bus is reset, so all tapes are rewound."""
    start(store)


def show(store):
    """Drives, and all cartridges of the lab, as plain data."""
    return {"drives": [dict(row) for row in store.rows("SELECT * FROM tape_drive WHERE host=? ORDER BY number", place.HOST)],
            "cartridges": [dict(row, path=os.path.join(drive.directory(), row["name"] + ".tap"))
                           for row in store.rows("SELECT * FROM tape_cartridge ORDER BY name")]}


def reset(store):
    """Forget the drives of this host; cartridges stay until no host has a drive."""
    unmount()
    with store.transaction() as db:
        db.execute("DELETE FROM tape_drive WHERE host=?", (place.HOST,))
        if store.row("SELECT 1 FROM tape_drive") is None:
            for row in show(store)["cartridges"]:
                if os.path.exists(row["path"]):
                    os.unlink(row["path"])
            db.execute("DELETE FROM tape_cartridge")


def load(store, number, name):
    """Put a cartridge into a drive and online; a new one if there is none of this name."""
    if store.row("SELECT 1 FROM tape_drive WHERE cartridge=? AND NOT (host=? AND number=?)", name, place.HOST, number):
        raise RuntimeError("cartridge %s is in another drive" % name)
    store.db.execute("INSERT OR IGNORE INTO tape_cartridge VALUES (?,?,0)", (name, drive.DEFAULT_BYTES))
    store.db.execute("UPDATE tape_drive SET cartridge=?, online=1 WHERE host=? AND number=?", (name, place.HOST, number))


def switch(store, name, value):
    """simctl set tape [DRIVE:]CARTRIDGE|none, tape-protect [DRIVE:]on|off, tape-capacity [DRIVE:]SIZE."""
    if name not in SWITCHES:
        return
    number, _colon, value = str(value).rpartition(":")
    number = int(number or 0)
    row = store.row("SELECT * FROM tape_drive WHERE host=? AND number=?", place.HOST, number)
    if row is None:
        raise RuntimeError("no tape drive %d" % number)
    if name == "tape":
        refuse_busy(number)
        store.db.execute("UPDATE tape_drive SET cartridge=NULL, online=0 WHERE host=? AND number=?", (place.HOST, number))
        if value != "none":
            load(store, number, value)
    elif row["cartridge"] is None:
        raise RuntimeError("no cartridge in drive %d" % number)
    elif name == "tape-protect":
        store.db.execute("UPDATE tape_cartridge SET protected=? WHERE name=?", (value in ("1", "on"), row["cartridge"]))
    else:
        store.db.execute("UPDATE tape_cartridge SET bytes=? WHERE name=?", (units.size(value), row["cartridge"]))


def refuse_busy(number):
    """A drive that is open does not give its cartridge out."""
    try:
        os.close(os.open(os.path.join(top(), "%dn" % number), os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise RuntimeError("drive %d is open" % number) from None
        raise
