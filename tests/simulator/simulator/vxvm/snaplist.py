# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxsnap print and vxsnap list: two layouts of the same. In one a missing value is "--", in the other "-"."""
import time

from simulator.vxvm import device, model, task
from simulator.vxvm.units import human

PRINT = "%-8s %-14s %-7s %-8s %-10s %-8s %s\n"
LIST = "%-6s %-5s %-7s %-9s %-7s %-9s %-15s %-14s %s\n"


def percent(share):
    """A share with two decimals; 100 without."""
    return "100" if share >= 100 else "%.2f" % share


def valid(store, row):
    """The share of a volume that is synchronised already."""
    running = [one for one in task.live(store, volume=row["id"], type="SNAPSYNC") if one["goal"] is None]
    return task.percent(running[0]) if running else 100.0


def chosen(store, group, names):
    """Volumes prepared for instant snapshots: those named, or all."""
    rows = [model.volume(store, group["id"], name) for name in names] or model.volumes(store, group["id"], "data")
    return [row for row in rows if row["instant"]]


def tie(store, row, other):
    """The snap object of a volume that leads to another."""
    return next((one["name"] for one in model.links(store, row["id"]) if one["peer"] == other["id"]), "--")


def share(store, row, other):
    """%DIRTY between a snapshot and its original."""
    return percent(device.dirty(store, row, other))


def printed(store, group, names):
    """vxsnap print: the name of a volume stands in its first line only."""
    text = PRINT % ("NAME", "SNAPOBJECT", "TYPE", "PARENT", "SNAPSHOT", "%DIRTY", "%VALID")
    for row in chosen(store, group, names):
        lines = []
        origin = model.get(store, "volume", row["origin"]) if row["origin"] else None
        if origin is not None:
            lines.append((tie(store, row, origin), "volume", origin["name"], "--", share(store, row, origin), percent(valid(store, row))))
        else:
            lines.append(("--", "volume", "--", "--", "--", percent(valid(store, row))))
        for snap in model.snapshots(store, row["id"]):
            lines.append((tie(store, row, snap), "volume", "--", snap["name"], share(store, row, snap), "--"))
        for plex in model.plexes(store, row["id"], model.SNAPDONE, *model.SNAPPING):
            lines.append((plex["name"], "plex", "--", "--", "--", percent(filled(store, plex))))
        text += "\n" + "".join(PRINT % ((row["name"] if index == 0 else "",) + line) for index, line in enumerate(lines))
    return text


def filled(store, plex):
    """The share of a snapshot mirror that is copied."""
    running = task.live(store, plex=plex["id"])
    return task.percent(running[0]) if running else 100.0


def amount(row, part):
    """A share of a volume as list writes it: 20M (0.2%)."""
    shown = "100" if part >= 100 else "%.1f" % part
    return "%s (%s%%)" % (human(int(row["length"] * part / 100)), shown)


def date(stamp):
    """2006/2/1 12:29"""
    when = time.localtime(stamp)
    return "%d/%d/%d %02d:%02d" % (when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min)


def listed(store, group, names):
    """vxsnap list."""
    text = LIST % ("NAME", "DG", "OBJTYPE", "SNAPTYPE", "PARENT", "PARENTDG", "SNAPDATE", "CHANGE_DATA", "SYNCED_DATA")
    for row in chosen(store, group, names):
        origin = model.get(store, "volume", row["origin"]) if row["origin"] else None
        parent, parent_group, stamp, changed = "-", "-", "-", "-"
        if origin is not None:
            parent = origin["name"]
            parent_group = store.row("SELECT name FROM vxvm_group WHERE id=?", origin["dg"])["name"]
            stamp, changed = date(row["snapdate"]), amount(row, device.dirty(store, row, origin))
        text += LIST % (row["name"], group["name"], "vol", row["snaptype"] or "-", parent, parent_group, stamp, changed,
                        amount(row, valid(store, row)))
        for plex in model.plexes(store, row["id"], model.SNAPDONE, *model.SNAPPING):
            text += LIST % (plex["name"], group["name"], "plex", "snapmir", row["name"], group["name"], "-", "-",
                            amount(row, filled(store, plex)))
    return text
