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
LICENSE = "All features are available:\n" + "".join(" %s\n" % word for word in (
    "Mirroring", "Root Mirroring", "Concatenation", "Disk-spanning", "Striping", "RAID-5", "RAID-5 Snapshot", "VxSmartSync",
    "FastResync", "DGSJ", "DMP (multipath enabled)"))
SUPPORT = """Support information:
  vxconfigd_vrsn:   31
  dg_minimum:       20
  dg_maximum:       160
  kernel:           31
  protocol_minimum: 90
  protocol_maximum: 110
  protocol_current: 0
"""


def mode(store, cluster):
    """The lines of "mode"; works also while the daemon does not."""
    value = model.switch(store, "vxconfigd")
    if value == "enabled" and cluster:
        return CLUSTER[model.switch(store, "cluster")]
    return "mode: %s\n" % value


VOLBOOT = """Volboot file
version: 3/1
seqno:   0.5
cluster protocol version: 110
hostid:  %s
"""


def work(call):
    """mode, list, enable, license, support, defaultdg."""
    found, operands = cli.options(call.args, "c", "gS")
    verb = operands[0] if operands else ""
    if verb == "mode":
        call.out(mode(call.store, "c" in found))
    elif verb == "list":
        cli.step(call, lambda store: call.out(VOLBOOT % place.HOST))
    elif verb == "license":
        cli.step(call, lambda store: call.out(LICENSE))
    elif verb == "support":
        cli.step(call, lambda store: call.out(SUPPORT))
    elif verb in ("enable", "init", "disable", "stop"):
        cli.step(call, lambda store: None)
    else:
        raise cli.Usage("Unrecognized operation: %s" % verb)


def main(call):
    """vxdctl."""
    return cli.run(call, work)


without_state = main
