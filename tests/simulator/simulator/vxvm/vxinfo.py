# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxinfo(1M): whether volumes are started, and can be."""
from simulator.vxvm import cli, model
from simulator.vxvm.layout import line
from simulator.vxvm.vxvol import UNSTARTABLE

FAILURE = 1
STARTS = (0, 15, 24)
PLEX_STARTS = (0, 5, 20, 29)
STATE_WORDS = ("Started", "Startable", "Unstartable", "ACTIVE")


def condition(row):
    """One word for a volume."""
    if row["kstate"] == model.ENABLED:
        return "Started"
    return "Unstartable" if row["state"] in UNSTARTABLE else "Startable"


def work(call):
    """Print the condition of each volume, with -p also the state of each plex."""
    found, names = cli.options(call.args, "pV", "gotU")

    def look(store):
        group = model.group(store, found.get("g"))
        rows = [model.volume(store, group["id"], name) for name in names] or model.volumes(store, group["id"], "data", "cache")
        for row in rows:
            if "p" not in found:
                call.out(line((row["name"], row["usetype"], condition(row)), STARTS))
                continue
            call.out(line(("vol", row["name"], row["usetype"], condition(row)), PLEX_STARTS))
            for plex in model.plexes(store, row["id"]):
                call.out(line(("plex", plex["name"], plex["state"]), PLEX_STARTS))
            call.out("\n")
    cli.step(call, look)


def main(call):
    """vxinfo."""
    return cli.run(call, work)


without_state = main
