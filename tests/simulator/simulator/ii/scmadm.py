# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""scmadm(1M): the cache, which caches nothing here."""
from simulator.ii import data, model, sv

FAILURE = 1
VERSION = "Cache version 11.11\n"
PARAMETERS = (("nthreads", 128, "number of threads"), ("cache_size", 64, "cache size in megabytes"))
SYSTEM = "System Options: wrthru\n"


def devices(store):
    """Paths of the volumes the cache knows: those under SV that can be opened."""
    return [row["path"] for row in sv.rows(store) if row["kernel"] and data.opened(store, row["path"]) is not None]


def table(call):
    """Without options: the volumes."""
    call.out(SYSTEM)
    paths = devices(call.store)
    if not paths:
        call.out("No devices are configured\n")
        return
    call.out("\nConfigured cd's, disknames and options: \ncd\tdevice name\t\t\t\t\t\toption\n")
    for number, path in enumerate(paths):
        call.out("%d\t%-50.50s\twrthru\n" % (number, path))


def parameters(call):
    """-C"""
    for name, value, text in PARAMETERS:
        call.out("%-20s: %-20s /* %s */\n" % (name, value, text))


def names(call):
    """-m all"""
    call.out("\tcd\tdevice name\n" + "".join("\t%d\t%s\n" % item for item in enumerate(devices(call.store))))


def main(call):
    """scmadm."""
    if call.store is None or model.host(call.store) is None:
        call.err("scmadm: unable to open /dev/sdbc: No such file or directory\n")
        return 1
    letter = call.args[0] if call.args else ""
    if letter == "":
        table(call)
    elif letter == "-v":
        call.out(VERSION)
    elif letter == "-C":
        parameters(call)
    elif letter == "-m":
        names(call)
    elif letter not in ("-e", "-d", "-o", "-L", "-D"):
        call.err("Usage: scmadm [-e] [-d] [-v] [-C] [-o] [-m]\n")
        return 1
    return 0


without_state = main
