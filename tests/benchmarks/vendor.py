# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Vendor commands that do nothing, as fast as they can be without a compiler, and the steps of a window as a shell script.

metaoffline is a copy of true. lockfs and metastat must answer as the manuals say, so they are shell scripts that start no
other program; what they cost more than true is measured and can be taken off both sides of a comparison.
"""

import shutil

LOCKFS = """#!/bin/sh
state=${0%/*}/lock
case $1 in
    -w) echo "write      $3" >"$state" ;;
    -u) echo unlock >"$state" ;;
    -f) ;;
    *)
        read -r lock <"$state"
        echo "Filesystem           Locktype   Comment"
        for path; do echo "$path               $lock"; done
        ;;
esac
"""
METASTAT = """#!/bin/sh
shift
for mirror; do
    echo "$mirror               m  256MB ${mirror}1 ${mirror}2 (offline)"
    echo "    ${mirror}1           s  256MB c1t0d0s0"
    echo "    ${mirror}2           s  256MB c1t1d0s0"
done
"""


def install(directory):
    """Make the tools in an empty directory."""
    directory.joinpath("lock").write_text("unlock\n")
    for name, text in (("lockfs", LOCKFS), ("metastat", METASTAT)):
        directory.joinpath(name).write_text(text)
        directory.joinpath(name).chmod(0o755)
    for name in ("metaoffline", "true"):
        shutil.copy(shutil.which("true"), directory / name)
    return directory


def names(members):
    """Names of so many mirrors."""
    return ["d%d" % number for number in range(10, 10 + 10 * members, 10)]


def steps(directory, mirrors):
    """The commands of a window from lock to unlock, as argument lists: a good administrator's, with each step looked at."""
    lockfs, paths = str(directory / "lockfs"), ["/" + mirror for mirror in mirrors]
    return [
        [lockfs, "-w", "-c", "snapbackup:bench", *paths],
        [lockfs, *paths],
        *([str(directory / "metaoffline"), mirror, mirror + "2"] for mirror in mirrors),
        [str(directory / "metastat"), "-c", *mirrors],
        [lockfs, *paths],
        [lockfs, "-u", *paths],
    ]


def script(argvs):
    """Argument lists as the text of a shell script; their output goes where that of a window's commands does not: nowhere."""
    return "".join(" ".join(argv) + " >/dev/null || exit\n" for argv in argvs)
