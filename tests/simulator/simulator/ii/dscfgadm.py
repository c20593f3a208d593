# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dscfgadm(1M): the services of the Availability Suite, started and stopped together."""
from simulator.core import place
from simulator.ii import cli, copying, model, suspend

FAILURE = 1
STATE_WORDS = ("online", "disabled", "true", "false", "valid")
SERVICES = ("nws_scm", "nws_sv", "nws_ii", "nws_rdc", "nws_rdcsyncd")
ROW = "%-15s\t%-15s\t%-15s\n"
USAGE = "Usage: dscfgadm\n       dscfgadm -i\n       dscfgadm -e [-r] [-p]\n       dscfgadm -d [-r]\n       dscfgadm -x\n"


def information(call, enabled):
    """-i"""
    state = ("online", "true") if enabled else ("disabled", "false")
    call.out(ROW % ("SERVICE", "STATE", "ENABLED") + "".join(ROW % ((name,) + state) for name in SERVICES))
    call.out("\nAvailability Suite Configuration:\nLocal configuration database: valid\n")


def switch(call, letters):
    """-e and -d: what is so already is said."""
    wanted = "e" in letters
    chosen = SERVICES[3:] if "r" in letters else () if "p" in letters else SERVICES
    with call.store.transaction():
        here = model.host(call.store)
        for name in chosen:
            if bool(here["services"]) == wanted:
                call.out("%s service already %s... skipping\n" % (name, "enabled" if wanted else "disabled"))
        if chosen != SERVICES and "p" not in letters or bool(here["services"]) == wanted:
            return
        copying.advance(call.store)
        if wanted:
            suspend.resume_all(call.store)
        else:
            suspend.suspend_all(call.store)
        call.store.db.execute("UPDATE ii_host SET services=?, loaded=? WHERE host=?", (int(wanted), 1, place.HOST))


def first_run(call, enabled):
    """Without options: the database is there, the question is whether to start the services; nobody who is asked means no."""
    call.out("Local configuration database is already initialized.\n")
    if not enabled:
        call.out("Would you like to start the services now? [y,n,?] ")


def work(call):
    """Parse and do."""
    letters = "".join(word[1:] for word in call.args if word.startswith("-"))
    enabled = model.host(call.store)["services"]
    if set(letters) - set("iedrpsx") or any(not word.startswith("-") for word in call.args):
        raise model.Failure(USAGE, 1)
    if "s" in letters:
        raise model.Failure("dscfgadm -s is only available on Sun Cluster OE systems\n", 1)
    if "d" in letters and "p" in letters:
        raise model.Failure("The -p option may not be used with the -d option\n", 1)
    if set(letters) & set("rp") and not set(letters) & set("ed"):
        raise model.Failure("-r and -p options may only be used with -d or -e options\n", 1)
    if "i" in letters:
        information(call, enabled)
    elif set(letters) & set("ed"):
        switch(call, letters)
    elif not letters:
        first_run(call, enabled)


def main(call):
    """dscfgadm."""
    if call.store is None or model.host(call.store) is None:
        call.err("Cannot find a valid configuration database\n")
        return 1
    return cli.run(call, work)


without_state = main
