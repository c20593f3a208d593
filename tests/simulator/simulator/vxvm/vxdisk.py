# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxdisk(1M): the disks this host sees."""
from simulator.core import place
from simulator.vxvm import cli, model
from simulator.vxvm.model import Refusal

FAILURE = 1
STATE_WORDS = ("online", "error", "failed")
ROW = "%-12s %-15s %-12s %-12s %s\n"
HEADERS = {"8.0": "%-15s %-15s %-12s %-12s %s\n"}  # there the header is wider than the rows
DETAILS = """Device:    {access}
devicetag: {access}
type:      auto
hostid:    {hostid}
disk:      name={media} id={id}
group:     name={group} id={dgid}
info:      format=cdsdisk,privoffset=256,pubslice=2,privslice=2
flags:     {flags}
pubpaths:  block=/dev/vx/dmp/{access} char=/dev/vx/rdmp/{access}
version:   3.1
iosize:    min=512 (bytes) max=2048 (blocks)
public:    slice=2 offset=65792 len={length} disk_offset=0
private:   slice=2 offset=256 len=65536 disk_offset=0
configs:   count=1 len=51360
logs:      count=1 len=4096
Multipathing information:
numpaths:   1
{access}	state=enabled
"""


def disks(store):
    """All disks this host sees, by device."""
    return store.rows("SELECT * FROM vxvm_disk WHERE scope IN ('*', ?) ORDER BY access", place.HOST)


def group_of(store, disk):
    """The group of a disk, or None."""
    return store.row("SELECT * FROM vxvm_group WHERE id=?", disk["dg"]) if disk["dg"] else None


def rows(store, everything):
    """The rows of list: (device, type, disk, group, status)."""
    result, lost = [], []
    for disk in disks(store):
        group = group_of(store, disk)
        here = group is not None and group["imported"] == place.HOST
        if disk["failed"]:
            result.append((disk["access"], "auto", "-", "-", "error"))
            if here:
                lost.append(("-", "-", disk["media"], group["name"], "failed was:%s" % disk["access"]))
        elif here:
            result.append((disk["access"], "auto:cdsdisk", disk["media"], group["name"], "online"))
        else:
            other = "(%s)" % group["label"] if group is not None and everything else "-"
            result.append((disk["access"], "auto:cdsdisk", "-", other, "online"))
    return result + lost


def details(store, access):
    """The block of one disk."""
    disk = next((row for row in disks(store) if access in (row["access"], row["media"])), None)
    if disk is None:
        raise Refusal("Device %s: not found in list" % access, 11, 539)
    if disk["failed"]:
        return "Device:    %s\ntype:      auto\nflags:     error private autoconfig\nerrno:     Device path not valid\n" % disk["access"]
    group = group_of(store, disk)
    here = group is not None and group["imported"] == place.HOST
    flags = "online ready private autoconfig" + (" autoimport imported" if here else "")
    return DETAILS.format(access=disk["access"], hostid=(group["claim"] or "") if group else "", media=disk["media"] or "",
                          id="%s.d%d" % (disk["dg"] or 0, disk["id"]), group=group["label"] if group else "",
                          dgid=group["id"] if group else "", flags=flags, length=disk["length"])


def show(call, store, found, names):
    """list [device...]"""
    if names:
        call.out("\n".join(details(store, name) for name in names))
        return
    more = "e" in found
    titles = ("DEVICE", "TYPE", "DISK", "GROUP", "STATUS")
    head = (HEADERS.get(model.switch(store, "header"), ROW) % titles).rstrip("\n")
    call.out(head + ("               OS_NATIVE_NAME   ATTR" if more else "") + "\n")
    for row in rows(store, "alldgs" in found.get("o", [])):
        call.out((ROW % row).rstrip("\n") + ("               %-16s -" % row[0] if more else "") + "\n")


def clear_import(store, names):
    """clearimport device...: drop the host's name from disks of groups that nobody has imported."""
    for name in names:
        disk = next((row for row in disks(store) if row["access"] == name), None)
        if disk is None:
            raise Refusal("Device %s: not found in list" % name, 11, 539)
        store.db.execute("UPDATE vxvm_group SET claim=NULL WHERE id=? AND imported IS NULL", (disk["dg"],))


def work(call):
    """Parse and do."""
    found, operands = cli.options(call.args, "eqsv", "go")
    verb = operands[0] if operands else ""
    if verb == "list":
        cli.step(call, lambda store: show(call, store, found, operands[1:]))
    elif verb == "clearimport":
        cli.step(call, lambda store: clear_import(store, operands[1:]))
    elif verb == "scandisks":
        cli.step(call, lambda store: None)
    else:
        raise cli.Usage("Unrecognized operation: %s" % verb)


def main(call):
    """vxdisk."""
    return cli.run(call, work)


without_state = main
