# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxdg(1M): list, free, import, deport, split, join, move, init, destroy."""
from simulator.core import place
from simulator.vxvm import cli, device, groups, model, records, space
from simulator.vxvm.model import Refusal

FAILURE = 1
STATE_WORDS = ("enabled", "disabled", "cds")
FREE = "%-12s %-12s %-12s %-9s %-9s %s\n"
ROW = "%-12s %-15s %s\n"
DETAILS = """Group:     {name}
dgid:      {id}
import-id: 1024.{minor}
flags:     {flags}
version:   {version}
alignment: {align} (bytes)
ssb:\t\ton
autotagging:\ton
detach-policy: global
dg-fail-policy: dgdisable
copies:    nconfig=default nlog=default
config:    seqno=0.1024 permlen=51360 free=51350 templen=5 loglen=4096
"""


def imported(store, name):
    """An imported group; Refusal as vxdg says it."""
    group = model.find_group(store, name)
    if group is None:
        raise Refusal("vxdg: Disk group %s: No such disk group" % name, 11, 2275)
    return group


def show(call, store, found, names):
    """list [group...]"""
    if not names:
        rows = [ROW % (row["name"], "enabled,cds", row["id"]) for row in model.groups(store)]
        call.out(("" if "q" in found else ROW % ("NAME", "STATE", "ID")) + "".join(rows))
        return
    for name in names:
        row = imported(store, name)
        flags = "cds" + (" temporary" if row["temporary"] else "")
        call.out(DETAILS.format(name=row["name"], id=row["id"], minor=row["minor"], flags=flags, version=row["version"],
                                align=row["align"] * 512))
        for disk in model.disks(store, row["id"]):
            state = "failed" if disk["failed"] else "clean online"
            call.out("config disk %s copy 1 len=51360 state=%s\n" % (disk["access"], state))
        for disk in model.disks(store, row["id"]):
            call.out("log disk %s copy 1 len=4096\n" % disk["access"])


def free(call, store, found, names):
    """free [disk...]: extents that are not used."""
    chosen = [imported(store, found["g"])] if "g" in found else model.groups(store)
    lead = "" if "g" in found else "%-12s "
    if "q" not in found:
        call.out((lead % "GROUP" if lead else "") + FREE % ("DISK", "DEVICE", "TAG", "OFFSET", "LENGTH", "FLAGS"))
    for group in chosen:
        for disk in model.disks(store, group["id"]):
            if names and disk["media"] not in names or disk["failed"]:
                continue
            tag = disk["access"][:-2] if disk["access"].endswith("s2") else disk["access"]
            for start, length in space.extents(store, disk):
                call.out((lead % group["name"] if lead else "") + FREE % (disk["media"], disk["access"], tag, start, length, "-"))


def deport(_call, store, found, names):
    """deport group...: refused while a volume is open."""
    for name in names:
        group = imported(store, name)
        if any(device.is_open(store, row) for row in model.volumes(store, group["id"])):
            raise Refusal("Disk group %s: Some volumes in the disk group are in use" % name, 31, 584)
    for name in names:
        group = imported(store, name)
        if "n" in found:
            store.db.execute("UPDATE vxvm_group SET label=? WHERE id=?", (found["n"], group["id"]))
        groups.leave(store, group, found.get("h"))


def failed(store, name, reason):
    """Refuse an import."""
    raise Refusal("Disk group %s: import failed: %s" % (name, reason), 20, int(model.switch(store, "import_error")))


def bring(_call, store, found, names):
    """import [-C] [-f] [-t] [-n name] group|id"""
    for name in names:
        candidates = [row for row in groups.visible(store) if name in (row["name"], row["id"])]
        if not candidates:
            failed(store, name, "No valid disk found containing disk group")
        group = next((row for row in candidates if row["imported"] is None), candidates[0])
        wanted = found.get("n", group["label"])
        if group["imported"] == place.HOST or model.find_group(store, wanted) is not None:
            failed(store, name, "Disk group exists and is imported")
        if group["claim"] not in (None, place.HOST) and "C" not in found:
            failed(store, name, "Disk is in use by another host")
        if any(disk["failed"] for disk in model.disks(store, group["id"])) and "f" not in found:
            failed(store, name, "Disk for disk group not found")
        groups.come(store, group, wanted, "t" in found)


def new_group(store, name, like):
    """An empty group here with the version and alignment of another."""
    if len(name) > model.NAME_LIMIT:
        raise Refusal("Name %s is too long" % name, 2)
    if model.find_group(store, name) is not None:
        raise Refusal("Disk group %s: cannot create: Disk group exists and is imported" % name, 12)
    return groups.create(store, name, like["version"], like["align"], like["scope"], like["minor"] + 1000)


def split(_call, store, found, names):
    """split source new object..."""
    if len(names) < 3:
        raise cli.Usage("split source_group target_group object...")
    source = imported(store, names[0])
    volumes, disks = groups.selection(store, source, names[2:], "expand" in found.get("o", []))
    if len(disks) >= len(model.disks(store, source["id"])):
        raise Refusal("Disk group %s: no disk would be left in the source disk group" % source["name"], 20)
    groups.check_movable(store, source, volumes)
    groups.move(store, source, new_group(store, names[1], source), volumes, disks)


def move(_call, store, found, names):
    """move source target object..."""
    if len(names) < 3:
        raise cli.Usage("move source_group target_group object...")
    source, target = imported(store, names[0]), imported(store, names[1])
    volumes, disks = groups.selection(store, source, names[2:], "expand" in found.get("o", []))
    if len(disks) >= len(model.disks(store, source["id"])):
        raise Refusal("Disk group %s: the source disk group would be empty, use join" % source["name"], 20)
    groups.move(store, source, target, volumes, disks)


def join(_call, store, _found, names):
    """join source target"""
    if len(names) != 2:
        raise cli.Usage("join source_group target_group")
    source, target = imported(store, names[0]), imported(store, names[1])
    volumes = {row["id"] for row in model.volumes(store, source["id"], "data", "cache")}
    groups.move(store, source, target, volumes, {disk["id"] for disk in model.disks(store, source["id"])})
    store.db.execute("DELETE FROM vxvm_group WHERE id=?", (source["id"],))


def listmove(call, store, found, names):
    """listmove source target object...: disks with their devices, then volumes, plexes and subdisks that would go along."""
    if len(names) < 3:
        raise cli.Usage("listmove source_group target_group object...")
    source = imported(store, names[0])
    volumes, disks = groups.selection(store, source, names[2:], "expand" in found.get("o", []))
    moved = sorted((model.get(store, "disk", disk) for disk in disks), key=lambda disk: disk["media"])
    call.out("".join("%s %s\n" % (disk["media"], disk["access"]) for disk in moved))
    rows = groups.with_logs(store, volumes)
    plexes = [plex for row in rows for plex in model.plexes(store, row["id"])]
    parts = [part for plex in plexes for part in model.subdisks(store, plex["id"])]
    call.out("".join(one["name"] + "\n" for one in rows + plexes + parts))


def init(_call, store, _found, names):
    """init group [media=]device...: of disks that belong to no group."""
    if len(names) < 2:
        raise cli.Usage("init group disk...")
    group = None
    for word in names[1:]:
        media, _equals, access = word.rpartition("=")
        disk = store.row("SELECT * FROM vxvm_disk WHERE access=? AND scope IN ('*', ?)", access, place.HOST)
        if disk is None:
            raise Refusal("Device %s not found" % access, 11)
        if disk["dg"] is not None:
            taker = store.row("SELECT name FROM vxvm_group WHERE id=?", disk["dg"])["name"]
            raise Refusal("Device %s appears to be owned by disk group %s." % (access, taker), 20, 2349)
        group = group or new_group(store, names[0], {"version": 160, "align": 16, "scope": disk["scope"], "minor": 55000})
        model.update(store, "disk", disk["id"], dg=group["id"], media=media or access)


def destroy(_call, store, _found, names):
    """destroy group"""
    for name in names:
        group = imported(store, name)
        if any(device.is_open(store, row) for row in model.volumes(store, group["id"])):
            raise Refusal("Disk group %s: Some volumes in the disk group are in use" % name, 31, 584)
        for row in model.volumes(store, group["id"], "data", "cache"):
            records.delete_volume(store, row)
        store.db.execute("UPDATE vxvm_disk SET dg=NULL, media=NULL WHERE dg=?", (group["id"],))
        store.db.execute("DELETE FROM vxvm_group WHERE id=?", (group["id"],))


def nothing(_call, store, _found, names):
    """flush, upgrade, recover: nothing to do."""
    for name in names:
        imported(store, name)


def default(call, _store, _found, _names):
    """bootdg, defaultdg: there is none."""
    call.out("nodg\n")


VERBS = {"list": show, "free": free, "deport": deport, "import": bring, "split": split, "move": move, "join": join,
         "listmove": listmove, "init": init, "destroy": destroy, "flush": nothing, "upgrade": nothing, "recover": nothing,
         "bootdg": default, "defaultdg": default}


def work(call):
    """Parse and do; options may stand before or after the verb."""
    found, operands = cli.options(call.args, "qsCftF", "gnhoT")
    if not operands or operands[0] not in VERBS:
        raise cli.Usage("Unrecognized operation: %s" % (operands[0] if operands else ""))
    more, names = cli.options(operands[1:], "qsCftF", "gnhoT")
    cli.step(call, lambda store: VERBS[operands[0]](call, store, dict(found, **more), names))


def main(call):
    """vxdg."""
    return cli.run(call, work)


without_state = main


def success(call):
    """What a call prints when it works: nothing, but for the listings."""
    return ROW % ("NAME", "STATE", "ID") if "list" in call.args else ""
