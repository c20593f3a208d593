# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ufsrestore(1M) of what the simulated ufsdump wrote: t, x and r. Restores into the working directory."""
import os
import sys
import time

from simulator.core import place
from simulator.ufs import device, tape
from simulator.ufs.dump import MAGIC

FUNCTIONS = "irRtx"
WITH_ARGUMENT = "bfs"
TABLE = "restoresymtable"


class Failed(Exception):
    """A message for stderr; the exit status is 1."""


def parse(args):
    """(function, {letter: value or True}, operands)."""
    args = list(args)
    key = args.pop(0).lstrip("-") if args else ""
    functions = [letter for letter in key if letter in FUNCTIONS]
    if len(functions) != 1:
        raise Failed("Usage: ufsrestore tfhsvy [file file ...]\n       ufsrestore xfhmsvy [file file ...]\n"
                     "       ufsrestore ifhmsvy\n       ufsrestore rfsvy\n       ufsrestore Rfsvy")
    found = {}
    for letter in key:
        if letter in WITH_ARGUMENT:
            if not args:
                raise Failed("Missing argument for option `%s'" % letter)
            found[letter] = args.pop(0)
        else:
            found[letter] = True
    return functions[0], found, args


def open_dump(name):
    """Descriptor of a dump, placed after its header, and the header as a dictionary."""
    try:
        if tape.is_tape(name):
            os.close(os.open(device.local(name), os.O_RDONLY | os.O_NONBLOCK))
            fd = tape.reader(name)
        else:
            fd = 0 if name == "-" else os.open(name, os.O_RDONLY)
    except OSError as error:
        raise Failed("%s: %s" % (name, os.strerror(error.errno))) from None
    text = b""
    while not text.endswith(b"\n\n") and len(text) < 4096:
        byte = os.read(fd, 1)
        if not byte:
            break
        text += byte
    lines = text.decode("utf-8", "replace").split("\n")
    if lines[0] != MAGIC:
        raise Failed("Volume is not in dump format")
    return fd, dict(line.split("=", 1) for line in lines[1:] if "=" in line)


def tar(fd, *args):
    """Run tar on the rest of the dump; returns (exit status, standard output)."""
    path = place.real("tar")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(fd, 0)
            os.dup2(writer, 1)
            os.close(reader)
            os.execv(path, [path] + list(args))
        finally:
            os._exit(127)
    os.close(writer)
    with os.fdopen(reader, "rb") as handle:
        text = handle.read()
    return os.waitpid(pid, 0)[1], text.decode("utf-8", "surrogateescape")


def ask(call, question):
    """Ask on stderr, read the answer from stdin; Failed at its end."""
    call.err(question)
    answer = sys.stdin.readline()
    if not answer:
        raise Failed("Standard input is at its end")
    return answer.strip()


def table(call, fd, fields):
    """t: list what is in the dump."""
    if "v" in call.args[0]:
        call.out("Dump   date: %s\nDumped from: %s\n" % (
            time.ctime(int(fields["date"])), time.ctime(int(fields["since"])) if int(fields["since"]) else "the epoch"))
    status, text = tar(fd, "-t", "--quoting-style=literal", "-f", "-")
    for number, name in enumerate(text.splitlines()):
        call.out("%10d\t%s\n" % (number + 2, name.rstrip("/") if name != "./" else "."))
    return 1 if status else 0


def extract(call, fd, names):
    """x: extract the named files, or all of them."""
    call.err("You have not read any volumes yet.\nUnless you know which volume your file(s) are on you should start\n"
             "with the last volume and work towards the first.\n")
    ask(call, "Specify next volume #: ")
    wanted = ["./" + name.lstrip("./") if name != "." else "." for name in names]
    status, _text = tar(fd, "-x", "-p", "--numeric-owner", "--same-owner", "-f", "-", *wanted)
    ask(call, "set owner/mode for '.'? [yn] ")
    return 1 if status else 0


def restore(fd, fields):
    """r: restore everything, and leave the table that the next level needs."""
    status, _text = tar(fd, "-x", "-p", "--numeric-owner", "--same-owner", "-f", "-")
    with open(TABLE, "w") as handle:
        handle.write("level=%s date=%s\n" % (fields["level"], fields["date"]))
    os.chmod(TABLE, 0o600)
    return 1 if status else 0


def main(call):
    """Run ufsrestore."""
    try:
        function, found, operands = parse(call.args)
        if function in "iR":
            raise Failed("ufsrestore: the function %s is not simulated" % function)
        fd, fields = open_dump(found.get("f", "/dev/rmt/0"))
        if function == "t":
            return table(call, fd, fields)
        if function == "x":
            return extract(call, fd, operands)
        return restore(fd, fields)
    except Failed as problem:
        call.err("%s\n" % problem)
        return 1


def without_state(call):
    """A dump can be read on any machine."""
    return main(call)
