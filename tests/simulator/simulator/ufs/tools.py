# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dd(1M), journaled and then the real one, and kstat(1M) for the time of boot."""

from simulator.core import place
from simulator.ufs import device


def dd(call):
    """The real dd, but no submirror can be opened for writing."""
    for word in call.args:
        path = word[3:]
        if word.startswith("of=") and "/md/" in path and device.is_block(path) and device.read_only(path):
            call.err("dd: failed to open '%s': Read-only file system\n" % path)
            return 1
    return call.become_real()


def kstat(call):
    """kstat -p unix:0:system_misc:boot_time."""
    row = call.store.row("SELECT booted FROM host WHERE host=?", place.HOST) if call.store else None
    if row is None or not any(word.endswith("boot_time") for word in call.args):
        return 1
    if "-p" in call.args:
        call.out("unix:0:system_misc:boot_time\t%d\n" % row["booted"])
    else:
        call.out("module: unix                            instance: 0     \n"
                 "name:   system_misc                     class:    misc                          \n"
                 "\tboot_time                       %d\n\n" % row["booted"])
    return 0


def main(call):
    """Run the command the call names."""
    return dd(call) if call.name == "dd" else kstat(call)


def without_state(call):
    """No simulated host here."""
    return call.become_real() if call.name == "dd" else 1
