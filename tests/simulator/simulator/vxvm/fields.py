# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxprint -F, -m and -l: single fields, descriptions for vxmake, and the long form."""
import re

from simulator.vxvm import model
from simulator.vxvm.model import Refusal

STRINGS = ("tutil0", "tutil1", "tutil2", "comment", "putil0", "putil1", "putil2", "state", "fstype", "start_opts", "last_da_name")
HIDDEN = ("tag", "row", "below")


def formatted(entry, form):
    """FORMAT with %name or %{name} replaced; "sd:FORMAT" is for that kind only. Empty values are "-"."""
    kind, colon, rest = form.partition(":")
    if colon and kind.isalpha() and "%" not in kind:
        if kind not in (entry["tag"], entry["type"]):
            return ""
        form = rest

    def value(found):
        name = found.group(1) or found.group(2)
        if name in HIDDEN or name not in entry and not known(name):
            raise Refusal("Unrecognized field name %s" % name, 1)
        return entry.get(name) or "-"
    return re.sub(r"%(?:\{(\w+)\}|(\w+))", value, form) + "\n"


def known(name):
    """True for a field that some other kind of record has."""
    return name in ALL_FIELDS or name in STRINGS


def description(entry, quotes):
    """An entry as vxmake takes it: its kind and name, then key=value lines."""
    def text(key, value):
        if key not in STRINGS:
            return "\t%s=%s\n" % (key, value)
        if quotes == "open":
            return '\t%s="%s\n' % (key, value)
        return '\t%s="%s"\n' % (key, value) if re.search(r"[\s\"]", value) else "\t%s=%s\n" % (key, value)
    values = DESCRIPTIONS[entry["tag"]](entry)
    return "%-4s %s\n" % (entry["type"], entry["name"]) + "".join(text(key, value) for key, value in values)


def take(entry, *names):
    """[(field, text)] of an entry."""
    return [(name, entry.get(name, "")) for name in names]


def of_volume(entry):
    """Fields of a volume."""
    row = entry["row"]
    return (take(entry, "tutil0", "tutil1", "tutil2", "kstate") + [("use_type", entry["usetype"])]
            + take(entry, "fstype", "comment", "putil0", "putil1", "putil2", "state")
            + [("writeback", "on"), ("writecopy", "off")] + take(entry, "pl_num", "start_opts") + [("read_pol", entry["readpol"])]
            + take(entry, "minor") + [("user", "root"), ("group", "root"), ("mode", "0600"), ("log_type", "REGION")]
            + take(entry, "len") + [("log_len", "0"), ("rid", "0.%d" % (1024 + row["id"]))]
            + take(entry, "iscachevol", "fastresync", "hasdcolog", "instant", "inst_invalid", "restore")
            + [("dcoregionsz", str(row["region"] if entry["hasdcolog"] == "on" else 0)), ("snap_after_restore", "off"),
               ("guid", "{%08x-0000-11dd-8000-000000000000}" % row["id"])])


def of_plex(entry):
    """Fields of a plex."""
    return (take(entry, "tutil0", "tutil1", "tutil2", "kstate") + take(entry, "comment", "putil0", "putil1", "putil2")
            + take(entry, "state") + [("layout", entry["layout"]), ("sd_num", str(len(entry["below"]))),
                                      ("sd", ",".join("%s:%s" % (part["name"], part["pl_offset"]) for part in entry["below"]))]
            + take(entry, "len") + [("mode", entry["mode"]), ("vol_name", entry["volume"])])


def of_part(entry):
    """Fields of a subdisk or subcache."""
    return (take(entry, "tutil0", "tutil1", "tutil2") + take(entry, "comment", "putil0", "putil1", "putil2")
            + [("dm_name", entry["dm_name"]), ("da_name", entry["device"]), ("dm_offset", entry["offset"]), ("len", entry["len"]),
               ("pl_offset", entry["pl_offset"]), ("plex", entry["plex"])])


def of_disk(entry):
    """Fields of a disk."""
    return [("comment", ""), ("da_name", entry["da_name"]), ("device_tag", entry["da_name"]), ("pub_len", entry["len"]),
            ("priv_len", entry["privlen"])]


def of_rest(*names):
    """Fields of a kind that has only names of others."""
    return lambda entry: [(name, entry[name]) for name in names]


DESCRIPTIONS = {"v": of_volume, "pl": of_plex, "sd": of_part, "sc": of_part, "dm": of_disk,
                "dg": of_rest("dgid", "base_minor", "version"), "dc": of_rest("volume", "log"),
                "sp": of_rest("snapvol", "dco"), "co": of_rest("volume", "kstate", "state")}
ALL_FIELDS = {"fastresync", "hasdcolog", "instant", "devopen", "restore", "inst_invalid", "iscachevol", "align", "version",
              "base_minor", "plex", "volume", "disk", "offset", "pl_offset", "dm_name", "da_name", "log", "snapvol", "dco", "layout",
              "prefplex", "minor", "pl_num", "privlen", "cache", "nlog", "nconfig"}


def long(store, entry):
    """The long form of an entry; volumes and plexes have their own."""
    if entry["tag"] == "v":
        return long_volume(store, entry)
    if entry["tag"] == "pl":
        return ("Plex:     %s\ninfo:     len=%s\ntype:     layout=%s\nstate:    state=%s kernel=%s io=%s\nassoc:    vol=%s sd=%s\n\n"
                % (entry["name"], entry["len"], entry["layout"], entry["state"], entry["kstate"],
                   {"RW": "read-write", "WO": "write-only"}.get(entry["mode"], entry["mode"]), entry["volume"],
                   ",".join(part["name"] for part in entry["below"])))
    return "%-9s %s\n%s\n" % (entry["type"].capitalize() + ":", entry["name"], "".join(
        "%-9s %s\n" % (key + ":", value) for key, value in DESCRIPTIONS[entry["tag"]](entry)))


def long_volume(store, entry):
    """A volume in the long form; "open" or "closed" is among the flags."""
    row = entry["row"]
    dco = model.dco(store, row["id"])
    ties = ",".join(tie["name"] for tie in model.links(store, row["id"]))
    assoc = "plexes=%s" % ",".join(plex["name"] for plex in model.plexes(store, row["id"]))
    return ("Volume:   %s\ninfo:     len=%s\ntype:     usetype=%s\nstate:    state=%s kernel=%s cdsrecovery=0/0 (clean)\n"
            "assoc:    %s%s%s\npolicies: read=%s exceptions=GEN_DET_SPARSE\nflags:    %s writecopy writeback%s\n"
            "logging:  type=REGION loglen=0 serial=0/0 (disabled)\napprecov: seqno=0/0\nrecovery: mode=default\nrecov_id=0\n"
            "device:   minor=%s bdev=199/%s cdev=199/%s path=/dev/vx/dsk/%s/%s\nperms:    user=root group=root mode=0600\n"
            "guid:     {%08x-0000-11dd-8000-000000000000}\n\n" % (
                entry["name"], entry["len"], entry["usetype"], entry["state"], entry["kstate"], assoc,
                " dco=%s" % dco["name"] if dco else "", " snap objects=%s" % ties if ties else "", entry["readpol"],
                "open" if entry["devopen"] == "on" else "closed", " fastresync" if entry["fastresync"] == "on" else "",
                entry["minor"], entry["minor"], entry["minor"], entry["dgname"], entry["name"], row["id"]))
