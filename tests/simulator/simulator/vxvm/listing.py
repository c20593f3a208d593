# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The records of a group as entries: dictionaries of texts with the fields that vxprint knows, in blocks of related ones."""
from simulator.vxvm import device, model, task
from simulator.vxvm.units import FACTORS, SECTOR

KINDS = {"dg": "dg", "dm": "dm", "v": "vol", "pl": "plex", "sd": "sd", "sc": "sc", "co": "cache", "dc": "dco", "sp": "sp"}


class Listing:
    """Builds the entries of one group.

    unit: the letter of the unit of lengths (vxprint -u); opened: also find out which volumes are open, which takes longer
    and keeps others from mounting them for a moment.
    """

    def __init__(self, store, group, unit=None, opened=False):
        self.store, self.group, self.unit, self.opened = store, group, unit, opened
        self.block = int(model.switch(store, "block_size"))
        self.media = {row["id"]: row for row in model.disks(store, group["id"])}

    def shown(self, length):
        """A length as this host counts."""
        if self.unit:
            return "%.2f%s" % (length / FACTORS[self.unit], self.unit)
        return str(length // (self.block // SECTOR))

    def entry(self, tag, row, assoc, **fields):
        """An entry with everything that all kinds have."""
        keys = row.keys()
        values = {name: str(row[name]) if name in keys and row[name] is not None else ""
                  for name in ("kstate", "state", "tutil0", "putil0", "putil2", "comment", "usetype", "readpol", "mode")}
        length = self.shown(row["length"]) if "length" in keys else ""
        values.update(tag=tag, type=KINDS[tag], name=row["name"] if "name" in keys else row["media"], assoc=assoc, len=length,
                      column_pl_offset="", device="", dgname=self.group["name"], dg_name=self.group["name"],
                      dgid=self.group["id"], below=fields.pop("below", []), row=row)
        values.update(fields)
        return values

    def dg(self):
        """The group itself."""
        group = self.group
        return self.entry("dg", {"name": group["name"]}, group["name"], nconfig="default", nlog="default",
                          base_minor=str(group["minor"]), align=self.shown(group["align"]), version=str(group["version"]))

    def dms(self):
        """Its disks."""
        return [self.entry("dm", row, row["access"], name=row["media"], device=row["access"], disk_type="auto", privlen="65536",
                           dm_name=row["media"], da_name=row["access"], dm_state="FAILED" if row["failed"] else "")
                for row in self.media.values()]

    def volume(self, row):
        """A volume with its plexes, its DCO with the log volume, and its snap objects."""
        store = self.store
        log = model.dco(store, row["id"])
        cache = store.row("SELECT name FROM vxvm_cache WHERE volume=?", row["id"])
        parent = cache["name"] if cache else ""
        below = [self.plex(row, plex) for plex in model.plexes(store, row["id"])]
        if log is not None:
            inner = model.get(store, "volume", log["log"])
            below += [self.entry("dc", log, row["name"], volume=row["name"], log=inner["name"], below=[self.volume(inner)])]
        below += [self.entry("sp", tie, row["name"], snapvol=tie["peername"], dco=tie["dco"])
                  for tie in model.links(store, row["id"])]
        return self.entry("v", row, parent or row["usetype"], parent=parent, prefplex="", below=below, **self.flags(row, log))

    def flags(self, row, log):
        """What -F and -m tell about a volume beyond its lines."""
        restoring = any(one["goal"] == "RESTORE" for one in task.live(self.store, volume=row["id"]))
        switch = {0: "off", 1: "on"}
        return {"fastresync": switch[row["fastresync"]], "hasdcolog": switch[int(log is not None)],
                "instant": switch[row["instant"]], "iscachevol": switch[int(row["kind"] == "cache")],
                "devopen": switch[int(self.opened and (row["polls"] > 0 or device.is_open(self.store, row)))],
                "restore": switch[int(restoring)], "inst_invalid": switch[int(row["state"] == model.INVALID)],
                "minor": str(row["minor"]), "pl_num": str(len(model.plexes(self.store, row["id"])))}

    def plex(self, volume, row):
        """A plex with its subdisks, or its subcache."""
        parts = model.subdisks(self.store, row["id"])
        below, offset = [], 0
        for part in parts:
            below.append(self.subdisk(row, part, offset))
            offset += part["length"]
        if row["cache"] is not None:
            cache = model.get(self.store, "cache", row["cache"])
            below.append(self.entry("sc", {"name": row["name"].replace("-P", "-S"), "length": row["length"]}, row["name"],
                                    plex=row["name"], cache=cache["name"], offset="0", pl_offset="0", column_pl_offset="0",
                                    kstate="ENABLED", mode="ENA", dm_name=cache["name"]))
        failed = any(self.media[part["disk"]]["failed"] for part in parts)
        return self.entry("pl", row, volume["name"] if volume else "", volume=volume["name"] if volume else "", layout="CONCAT",
                          ncol="", state="NODEVICE" if failed else row["state"], below=below)

    def subdisk(self, plex, row, offset):
        """A subdisk."""
        disk = self.media[row["disk"]]
        return self.entry("sd", row, plex["name"], plex=plex["name"], disk=disk["media"], dm_name=disk["media"],
                          offset=self.shown(row["start"]), pl_offset=self.shown(offset), column_pl_offset=self.shown(offset),
                          device=disk["access"], mode="ENA", kstate=plex["kstate"], state="")

    def cache(self, row):
        """A cache object with its volume."""
        inner = model.get(self.store, "volume", row["volume"])
        return self.entry("co", row, "", volume=inner["name"], below=[self.volume(inner)])

    def blocks(self):
        """All entries of the group that have no parent, in the order of printing: lists of entries with their `below`."""
        store, dg = self.store, self.group["id"]
        loose = store.rows("SELECT * FROM vxvm_plex WHERE dg=? AND volume IS NULL ORDER BY name", dg)
        caches = store.rows("SELECT * FROM vxvm_cache WHERE dg=? ORDER BY name", dg)
        inner = {row["volume"] for row in caches}
        return ([[self.dg()], self.dms()] + [[self.cache(row)] for row in caches] + [[self.plex(None, row)] for row in loose]
                + [[self.volume(row)] for row in model.volumes(store, dg, "data", "cache") if row["id"] not in inner])


def flat(entries):
    """Entries and all below them, each before what it has."""
    for entry in entries:
        yield entry
        yield from flat(entry["below"])
