# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxrecover(1M): start stopped volumes (-s) and resynchronise what needs it."""
from simulator.vxvm import cli, model
from simulator.vxvm.model import Refusal
from simulator.vxvm.vxvol import UNSTARTABLE, drop_unfinished, start_one

FAILURE = 1


def work(call):
    """vxrecover [-g group] [-bcmnsv] [volume...]; nothing needs to be resynchronised here, for all plexes share their data."""
    found, names = cli.options(call.args, "bcEmnpsvV", "goTt")

    def act(store):
        groups = [model.group(store, found["g"])] if "g" in found else model.groups(store)
        known = {row["name"]: row for group in groups for row in model.volumes(store, group["id"], "data", "cache")}
        for name in names:
            if name not in known:
                raise Refusal("Record %s not in disk group configuration" % name, 11, 926)
        for name in names or sorted(known):
            row = known[name]
            if "s" in found and row["kstate"] != model.ENABLED and row["state"] not in UNSTARTABLE:
                start_one(store, row)
            elif row["kstate"] == model.ENABLED:
                drop_unfinished(store, row)
    cli.step(call, act)


def main(call):
    """vxrecover."""
    return cli.run(call, work)


without_state = main
