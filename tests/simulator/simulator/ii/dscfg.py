# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dscfg(1M): the configuration database as text. Nothing here changes it."""
import time

from simulator.ii import model, sv

FAILURE = 1
HEAD = "# Consolidated Dataservice Configuration\n# Do not edit out whitespace or dashes\n# File created on: %s\n"
USAGE = "Usage: dscfg [-l] [-L] [-h]\n"


def entries(store):
    """One line for each entry of each section."""
    found = []
    for row in model.sets(store):
        kind = "I" if row["kind"] == "ind" else "D"
        fields = [row["master"], row["shadow"], row["bitmap"], kind, row["overflow"], None, row["options"], row["grp"]]
        found.append("ii:" + " ".join(field or "-" for field in fields))
    found += ["sv:%s - -" % row["path"] for row in sv.rows(store) if "sv" in row["users"].split()]
    found += ["dsvol:%s - %s" % (row["path"], ",".join(row["users"].split())) for row in sv.rows(store)]
    return found


def main(call):
    """dscfg."""
    words = call.args
    if call.store is None or model.host(call.store) is None:
        call.err("dscfg: cannot open configuration: No such file or directory\n")
        return 1
    if not words:
        call.out("Local Configuration database: /etc/dscfg_local\n")
    elif words[0] == "-l":
        call.out(HEAD % time.ctime() + "# ii: master shadow bitmap mode(D|I) overflow cnode options group\n# sv: volume mode cnode\n"
                 "# dsvol: path cnode users\n" + "".join(line + "\n" for line in entries(call.store)))
    elif words[0] == "-L":
        call.out("Not locked.\n")
    elif words[0] == "-h":
        call.out(USAGE)
    else:
        call.err(USAGE)
        return 1
    return 0


without_state = main
