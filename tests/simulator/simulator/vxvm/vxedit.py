# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxedit(1M): remove records, set their fields; vxmend(1M): clear the fields of a dead command."""
from simulator.vxvm import cli, device, model, records
from simulator.vxvm.model import Refusal

FAILURE = 1
SETTABLE = {"volume": ("comment", "putil0", "putil2", "tutil0"), "plex": ("putil0", "putil2", "tutil0")}
IGNORED = ("user", "group", "mode")  # accepted, they change nothing here


def find(store, dg, name):
    """(table, row) of a record by its name."""
    for table in ("volume", "plex", "cache", "subdisk", "dco", "link"):
        row = model.record_or_none(store, table, dg, name)
        if row is not None:
            return table, row
    raise Refusal("Record %s not in disk group configuration" % name, 11, 926)


def remove(store, group, found, name):
    """rm: with -r what is below, with -f although it is enabled; never what is open."""
    table, row = find(store, group["id"], name)
    if table == "volume":
        remove_volume(store, row, found)
    elif table == "plex":
        if row["volume"] is not None:
            raise Refusal("Plex %s is associated" % name, 16)
        records.delete_plex(store, row)
    elif table == "cache":
        remove_cache(store, row, found)
    elif table == "link":
        model.delete(store, "link", row["id"])
    else:
        raise Refusal("Record %s is associated" % name, 16)


def remove_volume(store, row, found):
    """rm of a volume."""
    device.must_be_closed(store, row)
    if row["kstate"] == model.ENABLED and "f" not in found:
        raise Refusal("Volume %s is enabled, use -f to force" % row["name"], 29)
    if model.plexes(store, row["id"]) and "r" not in found:
        raise Refusal("Volume %s has associated plexes, use -r to remove them" % row["name"], 16)
    records.delete_volume(store, row)


def remove_cache(store, row, found):
    """rm of a cache object, with -r its volume and the snapshots on it."""
    users = store.rows("SELECT * FROM vxvm_volume WHERE cache=?", row["id"])
    if (users or row["kstate"] == model.ENABLED) and "f" not in found:
        raise Refusal("Cache %s is in use" % row["name"], 29)
    for user in users:
        device.must_be_closed(store, user)
    for user in users:
        records.delete_volume(store, user)
    model.delete(store, "cache", row["id"])
    if "r" in found:
        records.delete_volume(store, model.get(store, "volume", row["volume"]))


def change(store, group, operands):
    """set field=value... name..."""
    attributes, names = cli.split(operands)
    for name in names:
        table, row = find(store, group["id"], name)
        for key, value in attributes.items():
            if key in IGNORED:
                continue
            if key not in SETTABLE.get(table, ()):
                raise cli.Usage("Unrecognized attribute: %s" % key)
            model.update(store, table, row["id"], **{key: value})


def mend(store, group, operands):
    """vxmend clear {all|tutil0|putil0} name..., on and off plex."""
    verb, rest = (operands + [""])[0], operands[1:]
    if verb in ("on", "off"):
        for name in rest:
            plex = model.record(store, "plex", group["id"], name)
            model.update(store, "plex", plex["id"], state="OFFLINE" if verb == "off" else model.STALE)
        return
    if verb != "clear" or len(rest) < 2 or rest[0] not in ("all", "tutil0", "putil0"):
        raise cli.Usage("vxmend clear {all|tutil0|putil0} name...")
    fields = ("tutil0", "putil0") if rest[0] == "all" else (rest[0],)
    for name in rest[1:]:
        table, row = find(store, group["id"], name)
        model.update(store, table, row["id"], **{key: "" for key in fields})


def work(call):
    """Parse and do."""
    found, operands = cli.options(call.args, "rfvpsdV", "goe")
    verb = operands[0] if operands else ""
    if call.name == "vxmend":
        cli.step(call, lambda store: mend(store, model.group(store, found.get("g")), operands))
    elif verb == "rm" and len(operands) > 1:
        cli.step(call, lambda store: [remove(store, model.group(store, found.get("g")), found, name) for name in operands[1:]])
    elif verb == "set" and len(operands) > 2:
        cli.step(call, lambda store: change(store, model.group(store, found.get("g")), operands[1:]))
    else:
        raise cli.Usage("Unrecognized operation: %s" % verb)


def main(call):
    """Run the command the call names."""
    return cli.run(call, work)


without_state = main
