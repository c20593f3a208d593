# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiboot(1M): suspend or resume all sets, as the service nws_ii does."""
from simulator.ii import cli, copying, suspend

FAILURE = 1
USAGE = "iiboot usage\n\tiiboot -r [-C tag]\n\tiiboot -s [-C tag]\n\tiiboot -h\n"


def main(call):
    """iiboot."""
    if call.args[:1] == ["-h"]:
        call.out(USAGE)
        return 0
    if call.args[:1] not in (["-r"], ["-s"]):
        call.err(USAGE)
        return 1
    if not cli.installed(call):
        return 1
    with call.store.transaction():
        copying.advance(call.store)
        if call.args[0] == "-s":
            suspend.suspend_all(call.store)
            return 0
        refusals = suspend.resume_all(call.store)
    for refusal in refusals:
        call.err("II: Error\n%s\n" % "\n".join(refusal.stack))
    return 1 if refusals else 0


without_state = main
