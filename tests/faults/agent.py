# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Process 1 of a simulated host that is only a set of namespaces: agent.py BASE SAN NAME [shared], started by host.py.

It sees this machine's own files through an overlay in memory, with the simulator's commands at their real paths, and serves
requests, one JSON a line: {"do": operation, ...} on its input, {"value": ...} or {"error": text} on its output. A module of
the collection is run as a child that has forked after Ansible's part was loaded: a real process that can be killed.
"""

import atexit
import contextlib
import functools
import glob
import hashlib
import importlib
import io
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.volmgr.snapbackup.plugins."
NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
CALL_LIMIT = 120
# Brings every time limit of a command down, for a command that hangs: in the module, and in the program of its job.
CAP = """
from ansible_collections.volmgr.snapbackup.plugins.module_utils import _command
_command.run = (lambda run: lambda argv, timeout=60, **more: run(argv, timeout=min(timeout, %s), **more))(_command.run)
"""


# The host.


def mount(*argv):
    subprocess.run(["mount", *map(str, argv)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def mount_off(path):
    subprocess.run(["umount", "--lazy", path], check=True)
    os.rmdir(path)


def enter(base, san, name, shared):
    """Make the host's own view of the files and go there. shared: /backup is on the storage."""
    mount("-t", "tmpfs", "tmpfs", base)
    upper, work, root = (base / part for part in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir()
    mount("-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir=%s,workdir=%s" % (upper, work), root)
    mount("-t", "proc", "proc", root / "proc")
    mount("--rbind", "/sys", root / "sys")
    for part in ("dev", "run", "tmp", "var/tmp"):
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root / part)
    for path in (str(ROOT), sys.base_prefix):
        # What lies on a file system of its own is not in the overlay, and what is in /tmp is hidden by now.
        if not os.path.exists(str(root) + path) or not os.listdir(str(root) + path):
            bind(path, root)
    for node, number in NODES.items():
        os.mknod(root / "dev" / node, 0o666 | stat.S_IFCHR, os.makedev(*number))
    (root / "san").mkdir()
    mount("--bind", san, root / "san")
    # Byte code of the simulator's commands, for the hosts after this one, too.
    (root / "var/cache/simulator").symlink_to("/san/cache")
    (root / "backup").mkdir()
    if shared:
        (root / "san/backup").mkdir(exist_ok=True)
        mount("--bind", root / "san/backup", root / "backup")
    else:
        mount("-t", "tmpfs", "tmpfs", root / "backup")
    (root / "before").mkdir()
    os.chdir(root)
    # Other than after a chroot, nothing here keeps the mounts of the machine: storage of hosts beside this one among them.
    subprocess.run(["pivot_root", ".", "before"], check=True)
    os.chroot(".")
    os.chdir("/")
    mount_off("/before")
    socket.sethostname(name)


def bind(path, root):
    target = Path(str(root) + path)
    target.mkdir(parents=True, exist_ok=True)
    mount("--bind", path, target)


def load():
    """Install the simulator, and load what all modules need."""
    sys.path[:0] = [str(ROOT / "tests" / "simulator"), str(ROOT / ".cache" / "collections")]
    importlib.import_module("ansible.module_utils.basic")
    importlib.import_module("simulator.core.host").install()


@functools.lru_cache(None)
def store():
    return importlib.import_module("simulator.core.host").open_store()


# Processes.


def living():
    """{pid: command line} of all processes of this host but this one; the dead that nobody has collected do not count."""
    collect()
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                state = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[0]
                line = Path("/proc", name, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            except OSError:
                continue
            if state not in "ZX":
                found[int(name)] = line
    return found


def collect():
    """Process 1 inherits orphans; those that have ended are collected."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def idle(seconds, but=()):
    """Wait until nothing runs here any more but the processes named; the command lines of what still does after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = {pid: line for pid, line in living().items() if pid not in but}
        if not found or time.monotonic() > end:
            return sorted(found.values())
        time.sleep(0.01)


def ended(pid, limit):
    """Wait for a child, and collect orphans; its status, or None when it had to be killed at the limit."""
    end = time.monotonic() + limit
    while True:
        done, status = os.waitpid(-1, os.WNOHANG)
        if done == pid:
            return status
        if done:
            continue
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(0.002)


# Operations.


def call(module, args, check=False, cap=None, spare=False):
    """Run a module of the collection; its result as a dictionary, or how it died.

    cap: no command may take longer. spare: a fault that kills the caller of a command kills just that, else this module.
    """
    # Before the fork, so that the next call finds it loaded.
    importlib.import_module(PACKAGE + "modules." + module)
    place = tempfile.mkdtemp(prefix="module.")
    output = os.path.join(place, "output")
    pid = os.fork()
    if pid == 0:
        as_module(module, dict(args, _ansible_check_mode=check, _ansible_tmpdir=place, _ansible_remote_tmp=place), output, cap, spare)
    try:
        status = ended(pid, CALL_LIMIT)
        text = Path(output).read_text(errors="replace")
        lines = [line for line in text.splitlines() if line.startswith("{")]
        if lines and status is not None and os.WIFEXITED(status):
            return dict(json.loads(lines[-1]), pid=pid)
        how = "did not end within %d s" % CALL_LIMIT if status is None else "ended with status %d" % status
        return {"failed": True, "died": True, "pid": pid, "msg": "MODULE FAILURE: %s %s %s" % (module, how, text[-2000:])}
    finally:
        shutil.rmtree(place)


def as_module(module, args, output, cap, spare):
    """Become the module; never returns."""
    try:
        os.setsid()
        for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT), (2, output, os.O_WRONLY)):
            os.dup2(os.open(path, flags, 0o600), number)
        if not spare:
            os.environ["SIMULATOR_CALLER"] = str(os.getpid())
        sys.modules["ansible.module_utils.basic"]._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        if cap:
            exec(CAP % cap, {})
            job = importlib.import_module(PACKAGE + "module_utils._job")
            job.MAIN = CAP % cap + job.MAIN
        importlib.import_module(PACKAGE + "modules." + module).main()
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(0)


def run(argv, timeout=60, cwd="/"):
    """Run a command of the host: [exit code, output, errors]."""
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=timeout, check=False)
    return [done.returncode, done.stdout, done.stderr]


def start(argv):
    """Start a program that goes on; its number."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True).pid


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    return ended(pid, 10)


def boot():
    """Boot the host: every process is killed, locks and mounts are gone, the time of boot is another one."""
    thaw()
    for pid in living():
        os.kill(pid, signal.SIGKILL)
    left = idle(10)
    if left:
        raise RuntimeError("did not die: %s" % left)
    options = {"kill": False, "pids": [], "keep": [], "crash": False, "metasync": True, "lost_record": False}
    importlib.import_module("simulator.core.host").reboot(options)


def apply(topology):
    text = json.dumps(topology)
    importlib.import_module("simulator.core.host").apply(text, topology)


def fail(component):
    """Let a disk fail."""
    with contextlib.redirect_stdout(io.StringIO()):
        importlib.import_module("simulator.core.control").main(["fail-disk", component])


def plant(command, nth, effect):
    with store().transaction() as db:
        db.execute("INSERT INTO fault (host, command, nth, effect) VALUES (?,?,?,?)", (socket.gethostname(), command, nth, effect))


def heal():
    """No fault is left to come."""
    with store().transaction() as db:
        db.execute("DELETE FROM fault")


def journal(after=0):
    """The calls of this host's simulated commands that came after number after."""
    columns = ("id", "ppid", "argv", "started", "ended", "rc", "fault")
    rows = store().rows("SELECT * FROM journal WHERE host=? AND id>? ORDER BY id", socket.gethostname(), after)
    return [dict({name: row[name] for name in columns}, argv=row["argv"].split("\x1f")) for row in rows]


def locks():
    """The locked file systems, each with the comment of its lock."""
    return [[row["point"], row["comment"]] for row in store().rows("SELECT * FROM ufs_lock WHERE type<>'unlock'")]


def mounts():
    """Mount points of everything below / that is not of the machine itself."""
    return [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]


def files(*patterns):
    return sorted(path for pattern in patterns for path in glob.glob(pattern, recursive=True))


def read(path):
    return Path(path).read_text(errors="replace")


def write(path, text):
    Path(path).write_text(text)


def copy(source, target):
    """Copy a file or a device, and return its SHA-256."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    return sha256(target)


def sha256(path):
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def tree(path, but=()):
    """{relative path: kind, or sum of the content} of all files below a directory."""
    found = {}
    for directory, names, plain in os.walk(path):
        for name in names + plain:
            whole = os.path.join(directory, name)
            if name not in but:
                found[os.path.relpath(whole, path)] = sha256(whole) if os.path.isfile(whole) else "directory"
    return found


def remove(*patterns):
    for path in files(*patterns):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)


OPERATIONS = {each.__name__: each for each in (
    call, run, start, kill, boot, apply, fail, plant, heal, journal, locks, mounts, files, read, write, copy, sha256, tree, remove, idle,
)}  # fmt: skip


def thaw():
    """A process that waits for a frozen file system could not be ended with the host."""
    for _name, boot in importlib.import_module("simulator.core.host").boots():
        if hasattr(boot, "thaw_all"):
            boot.thaw_all(store())


def serve(source, sink):
    for line in source:
        request = json.loads(line)
        try:
            answer = {"value": OPERATIONS[request["do"]](*request["args"], **request["options"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        sink.write(json.dumps(answer) + "\n")
        sink.flush()
        collect()


def main(base, san, name, shared=""):
    # Whatever a child prints must not be taken for an answer.
    sink = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    enter(Path(base), san, name, bool(shared))
    load()
    try:
        serve(sys.stdin, sink)
    except BrokenPipeError:
        # Whoever asked was killed.
        sink = None
    thaw()


if __name__ == "__main__":
    main(*sys.argv[1:])
