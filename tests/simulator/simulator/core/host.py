# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A simulated host as a whole: install, apply a topology, reboot, show, reset."""
import fcntl
import os
import signal
import time

from simulator.core import command, place
from simulator.core.state import SCHEMA, Store

INITS = ("tini", "catatonit", "podman-init", "docker-init")
FIRST_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO


def managers():
    """[(name, commands module)] in the order of setting up."""
    found = [(name, command.load(name + ".commands")) for name in command.packages()]
    return sorted(found, key=lambda item: (item[1].ORDER, item[0]))


def boots(reverse=False):
    """The `boot` modules of all managers, in the order of setting up (or of taking down)."""
    names = [name for name, _commands in managers()]
    return [(name, command.load(name + ".boot")) for name in (reversed(names) if reverse else names)]


def open_store():
    """The state, created if there is none."""
    store = Store(create=True)
    fcntl.flock(store.lock, fcntl.LOCK_EX)
    store.db.executescript(SCHEMA + "".join(commands.SCHEMA for _name, commands in managers()))
    fcntl.flock(store.lock, fcntl.LOCK_UN)
    return store


def link(path):
    """Make PATH a link to the dispatcher."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(place.DISPATCH, path)


def put_aside(name):
    """Move the real tool NAME aside wherever it is; returns the paths it was at."""
    paths = []
    for directory in place.SYSTEM:
        path = os.path.join(directory, name)
        if os.path.lexists(path) and os.path.realpath(path) != place.DISPATCH:
            if os.path.exists(os.path.join(place.REAL, name)):
                os.unlink(path)
            else:
                os.rename(os.path.realpath(path), os.path.join(place.REAL, name))
            paths.append(path)
    return paths


def install():
    """Link all simulated executables at their real paths; returns those paths. Only in a container."""
    if in_first_namespace():
        raise RuntimeError("this replaces mount, dd and others: only in a container that is to be a simulated host")
    os.makedirs(place.REAL, exist_ok=True)
    linked = []
    for _name, commands in managers():
        for name in commands.COMMANDS:
            own = getattr(commands, "PATHS", {}).get(name, "/usr/sbin/" + name)
            paths = put_aside(name) + ([own] if isinstance(own, str) else list(own))
            for path in sorted(set(paths)):
                link(path)
                linked.append(path)
    return sorted(linked)


def apply(text, topology):
    """Set this host up as the topology (a dictionary by manager, TEXT as in the file) says. May be called again."""
    store = open_store()
    row = store.row("SELECT * FROM host WHERE host=?", place.HOST)
    if row is not None and row["topology"] not in (None, text):
        raise RuntimeError("%s has another topology already: simctl reset first" % place.HOST)
    unknown = set(topology) - {name for name, _commands in managers()}
    if unknown:
        raise RuntimeError("no such manager: %s" % ", ".join(sorted(unknown)))
    with store.transaction() as db:
        db.execute("INSERT OR IGNORE INTO host VALUES (?,?,?)", (place.HOST, int(time.time()), text))
    for name, boot in boots():
        boot.apply(store, topology.get(name))


def ancestors():
    """Pids of this process and all above it."""
    found, pid = set(), os.getpid()
    while pid > 0:
        found.add(pid)
        with open("/proc/%d/stat" % pid) as handle:
            pid = int(handle.read().rsplit(")", 1)[1].split()[1])
    return found


def processes():
    """[(pid, parent's pid, command name)] of everything that has a program (kernel threads have none)."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as handle:
                    head, tail = handle.read().rsplit(")", 1)
                os.readlink("/proc/%s/exe" % name)
                found.append((int(name), int(tail.split()[1]), head.split("(", 1)[1]))
            except OSError:
                pass
    return found


def in_first_namespace():
    """True where all processes of the machine are seen: that is no container, whatever files say."""
    return os.stat("/proc/self/ns/pid").st_ino == FIRST_PID_NAMESPACE


def is_own_machine():
    """True only inside a container that is a simulated host and nothing else; any doubt means False.

    Files such as /.dockerenv prove nothing: a machine that carries a lab may have them too. All of this must hold: `simctl
    install` was run here, nothing is redirected by the environment, this is not the first pid namespace of the kernel, and
    process 1 is the small init of a container.
    """
    with open("/proc/1/comm") as handle:
        init = handle.read().strip()
    return (os.path.isdir(place.REAL) and os.path.realpath("/usr/sbin/metastat") == place.DISPATCH
            and not any(name in os.environ for name in ("SIMULATOR_SAN", "SIMULATOR_DEV", "SIMULATOR_ETC"))
            and not in_first_namespace() and init in INITS)


def victims(keep):
    """Pids a reboot of this container kills: all but init, what init started first, the listening sshd, our own line."""
    running = processes()
    spared = ancestors() | {1} | set(sorted(pid for pid, parent, _name in running if parent == 1)[:1])
    return [pid for pid, parent, name in running
            if pid not in spared and name not in keep and name not in INITS and not (name == "sshd" and parent == 1)]


def kill(pids, keep):
    """SIGKILL the given processes, or everything that runs in this container; returns the pids."""
    if not pids:
        if not is_own_machine():
            raise RuntimeError("not inside a simulated host: give the processes to kill (--kill PID) or use --no-kill")
        pids = victims(keep)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return pids


def gone(pids, seconds):
    """Wait until processes have ended; returns those that have not."""
    end = time.monotonic() + seconds
    left = list(pids)
    while left and time.monotonic() < end:
        left = [pid for pid in left if alive(pid)]
        if left:
            time.sleep(0.02)
    return left


def alive(pid):
    """True while a process exists and is no zombie."""
    try:
        with open("/proc/%d/stat" % pid) as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def reboot(options):
    """Kill, go down, come up with a new time of boot. Options: kill (bool), pids, keep, crash, metasync, lost_record."""
    store = open_store()
    pids = kill(options["pids"], options["keep"]) if options["kill"] else []
    for _name, boot in boots(reverse=True):
        if hasattr(boot, "thaw_all"):
            boot.thaw_all(store)  # a writer that waits for a frozen file system cannot die before
    left = gone(pids, 10)
    if left:
        raise RuntimeError("did not die: %s" % left)
    for _name, boot in boots(reverse=True):
        boot.down(store)
    with store.transaction() as db:
        db.execute("UPDATE host SET booted=max(booted+1, ?) WHERE host=?", (int(time.time()), place.HOST))
    for _name, boot in boots():
        boot.up(store, options)


def show():
    """The whole state of this host as plain data."""
    store = open_store()
    row = store.row("SELECT * FROM host WHERE host=?", place.HOST)
    result = {"host": place.HOST, "booted": row["booted"] if row else None,
              "faults": [dict(item) for item in store.rows("SELECT * FROM fault WHERE host IN (?, '*')", place.HOST)],
              "loops": [dict(item) for item in store.rows("SELECT * FROM loop WHERE host=?", place.HOST)]}
    for name, boot in boots():
        with store.transaction():
            result[name] = boot.show(store)
    return result


def reset():
    """Forget this host: file systems, volumes, faults, journal."""
    store = open_store()
    for _name, boot in boots(reverse=True):
        boot.reset(store)
    with store.transaction() as db:
        for table in ("host", "fault", "journal", "loop"):
            db.execute("DELETE FROM %s WHERE host=?" % table, (place.HOST,))
