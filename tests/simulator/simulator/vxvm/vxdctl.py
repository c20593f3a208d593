# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxdctl(1M): the daemon's mode, rescans, default group."""
from simulator.core import place
from simulator.vxvm import cli, model

FAILURE = 1
STATE_WORDS = ("enabled", "disabled", "inactive", "MASTER", "SLAVE")
CLUSTER = {"inactive": "mode: enabled: cluster inactive\n",
           "master": "mode: enabled: cluster active - MASTER\nmaster: %s\n" % place.HOST,
           "slave": "mode: enabled: cluster active - SLAVE\nmaster: other\n"}


def mode(store, cluster):
    """The lines of "mode"; works also while the daemon does not."""
    value = model.switch(store, "vxconfigd")
    if value == "enabled" and cluster:
        return CLUSTER[model.switch(store, "cluster")]
    return "mode: %s\n" % value


def work(call):
    """mode, enable, license, support, defaultdg."""
    found, operands = cli.options(call.args, "c", "gS")
    verb = operands[0] if operands else ""
    if verb == "mode":
        call.out(mode(call.store, "c" in found))
    elif verb == "license":
        cli.step(call, lambda store: call.out("All features are available:\n Mirroring\n Root Mirroring\n Concatenation\n"
                                              " Disk-spanning\n Striping\n FastResync\n DGSJ\n Site Awareness\n DMP (multipath enabled)\n"))
    elif verb == "support":
        cli.step(call, lambda store: call.out("Support information:\n  vxconfigd_vrsn:  31\n  dg_minimum:      20\n  dg_maximum:      160\n"
                                              "  kernel:          31\n  protocol_minimum: 90\n  protocol_maximum: 110\n  protocol_current: 0\n"))
    elif verb in ("enable", "init", "disable", "stop"):
        cli.step(call, lambda store: None)
    else:
        raise cli.Usage("Unrecognized operation: %s" % verb)


def main(call):
    """vxdctl."""
    return cli.run(call, work)


without_state = main
