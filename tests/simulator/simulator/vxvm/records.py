# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes, plexes, DCOs and snap objects: made and removed with all that belongs to them."""
from simulator.vxvm import device, model, space, task

DCO_LENGTH = 1136
FIRST_MINOR = 55000


def next_minor(store):
    """A device minor nobody has."""
    return (store.row("SELECT max(minor) AS last FROM vxvm_volume")["last"] or FIRST_MINOR - 1) + 1


def make_volume(store, group, name, length, kind="data", usetype="fsgen", **fields):
    """A volume record without plexes, enabled and active; data volumes get their device when they are started."""
    model.check_new_name(store, group["id"], name)
    values = dict({"kstate": model.ENABLED, "state": model.ACTIVE, "readpol": "SELECT"}, **fields)
    made = model.insert(store, "volume", dg=group["id"], name=name, kind=kind, length=length, usetype=usetype,
                        minor=next_minor(store), **values)
    return model.get(store, "volume", made)


def make_plex(store, group, volume, names=(), state=model.ACTIVE, mode="RW", avoid=()):
    """A plex of a volume with its subdisks; Refusal if there is no room."""
    extents = space.allocate(store, group, volume["length"], names, set(avoid) | space.used_by(store, volume["id"]))
    if extents is None:
        space.refuse(store, group, volume["length"])
    name = model.part_name(store, group["id"], volume["name"])
    made = model.insert(store, "plex", dg=group["id"], name=name, volume=volume["id"], kstate=model.ENABLED, state=state,
                        mode=mode, length=volume["length"])
    for place, (disk, start, length) in enumerate(extents):
        media = model.get(store, "disk", disk)["media"]
        model.insert(store, "subdisk", dg=group["id"], name=model.part_name(store, group["id"], media), plex=made,
                     disk=disk, start=start, length=length, place=place)
    return model.get(store, "plex", made)


def make_complete(store, group, name, length, mirrors, names, **fields):
    """A volume with its plexes, started."""
    row = make_volume(store, group, name, length, **fields)
    for _mirror in range(mirrors):
        make_plex(store, group, row, names)
    device.start(store, row)
    return model.get(store, "volume", row["id"])


def make_dco(store, group, volume, version, mirrors=1, names=()):
    """A DCO and its log volume, with as many plexes; on disks of the volume if none are named."""
    if not names:
        names = sorted(model.get(store, "disk", disk)["media"] for disk in space.used_by(store, volume["id"]))
    log = make_volume(store, group, model.companion(store, group["id"], volume["name"], "_dcl"), DCO_LENGTH, "dcl", "gen")
    for _mirror in range(mirrors):
        make_plex(store, group, log, names)
    model.insert(store, "dco", dg=group["id"], name=model.companion(store, group["id"], volume["name"], "_dco"),
                 volume=volume["id"], log=log["id"], version=version)
    model.update(store, "volume", volume["id"], fastresync=1)
    return model.dco(store, volume["id"])


def link(store, volume, peer):
    """Tie a volume and its snapshot by snap objects, one on each side; nothing without DCOs."""
    for one, other in ((volume, peer), (peer, volume)):
        log = model.dco(store, one["id"])
        if log is not None:
            model.insert(store, "link", dg=one["dg"], name=model.companion(store, one["dg"], other["name"], "_snp"),
                         volume=one["id"], peer=other["id"], peername=other["name"], dco=log["name"])


def unlink(store, volume, peer_id):
    """Remove the snap objects of a volume that lead to another."""
    for row in model.links(store, volume["id"]):
        if row["peer"] == peer_id:
            model.delete(store, "link", row["id"])


def delete_plex(store, plex):
    """Remove a plex and its subdisks, and end what copies to it."""
    task.forget(store, plex=plex["id"])
    store.db.execute("DELETE FROM vxvm_subdisk WHERE plex=?", (plex["id"],))
    model.delete(store, "plex", plex["id"])


def delete_dco(store, volume):
    """Remove the DCO of a volume with its log volume."""
    row = model.dco(store, volume["id"])
    if row is not None:
        model.delete(store, "dco", row["id"])
        log = model.get(store, "volume", row["log"])
        for plex in model.plexes(store, log["id"]):
            delete_plex(store, plex)
        model.delete(store, "volume", log["id"])


def forget_changes(store, row):
    """Changes are no longer tracked: the next resynchronisation with any snapshot copies everything."""
    model.update(store, "volume", row["id"], fastresync=0)
    store.db.execute("UPDATE vxvm_volume SET tracked=0 WHERE id=? OR origin=?", (row["id"], row["id"]))


def delete_record(store, volume):
    """Remove a volume that has no plexes any more, its DCO, snap objects and data. What leads to it from others stays."""
    task.forget(store, volume=volume["id"])
    delete_dco(store, volume)
    for row in model.links(store, volume["id"]):
        model.delete(store, "link", row["id"])
    device.drop(store, volume)
    model.delete(store, "volume", volume["id"])


def delete_volume(store, volume):
    """Remove a volume with everything below it."""
    for plex in model.plexes(store, volume["id"]):
        delete_plex(store, plex)
    delete_record(store, volume)
