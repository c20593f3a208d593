# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dumps on tape: a stream in records of one size, the last one shorter."""
import os

from simulator.ufs import device

RECORD = 63 * 1024


def is_tape(path):
    """True for a node of a tape drive."""
    return "/rmt/" in path


def as_child(function, *args):
    """Run FUNCTION in a child process that ends with it; exit status 0 if it returned, 1 if it raised OSError."""
    pid = os.fork()
    if pid == 0:
        try:
            function(*args)
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def read_to(path, source, target):
    """Copy all records of the file at the tape's position into a pipe; SOURCE is its end that is not ours."""
    os.close(source)
    fd = os.open(device.local(path), os.O_RDONLY | os.O_CLOEXEC)
    while True:
        data = os.read(fd, RECORD)
        if not data:
            return
        os.write(target, data)


def write_from(source, target, tape):
    """Copy a pipe into records on the open TAPE; TARGET is the pipe's end that is not ours."""
    os.close(target)
    with os.fdopen(source, "rb") as stream:
        for data in iter(lambda: stream.read(RECORD), b""):
            if os.write(tape, data) != len(data):
                raise OSError("end of tape")


def reader(path):
    """Descriptor of a pipe that delivers the file at the tape's position."""
    source, target = os.pipe()
    as_child(read_to, path, source, target)
    os.close(target)
    return source


def writer(tape):
    """(descriptor of a pipe whose data go to the tape, pid whose exit status tells whether they did)."""
    source, target = os.pipe()
    pid = as_child(write_from, source, target, tape)
    os.close(source)
    return target, pid
