# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxassist's snapshots: a mirror is attached, breaks off as a volume of its own, and comes back (vxassist(1M))."""
import time

from simulator.core import blocks
from simulator.vxvm import cli, device, model, records, task
from simulator.vxvm.model import Refusal


def classic(row):
    """Refuse a volume that is prepared for instant snapshots, or stopped."""
    if row["instant"]:
        raise Refusal("Operation is not supported on volume %s prepared for instant snapshots, use vxsnap" % row["name"], 20)
    if row["kstate"] != model.ENABLED:
        raise Refusal("Volume %s is not enabled" % row["name"], 28)


def one_volume(store, group, operands):
    """(attributes, volume, other words) of operands that begin with a volume."""
    attributes, words = cli.split(operands)
    if not words:
        raise cli.Usage("A volume is needed")
    return attributes, model.volume(store, group["id"], words[0]), words[1:]


def attach(store, group, row, names, tag, goal=model.SNAPDONE):
    """Add one write-only plex to a volume and start to fill it; the task."""
    plex = records.make_plex(store, group, row, names, state=model.SNAPATT, mode="WO")
    log = model.dco(store, row["id"])
    if log is not None:
        media = [model.get(store, "disk", part["disk"])["media"] for part in model.subdisks(store, plex["id"])]
        records.make_plex(store, group, model.get(store, "volume", log["log"]), media, state=model.DCOSNP)
    words = "PLXATT %s %s %s" % (row["name"], plex["name"], group["name"])
    return task.start(store, "ATCOPY", words, row, plex, goal=goal, tag=tag)


def snapstart(call, store, group, found, operands):
    """snapstart [nmirror=N] volume [disk...]"""
    attributes, row, names = one_volume(store, group, operands)
    classic(row)
    names = attributes["alloc"].split(",") if "alloc" in attributes else names
    made = [attach(store, group, row, names, found.get("t")) for _mirror in range(cli.number(attributes, "nmirror"))]
    return None if "b" in found else (lambda: [cli.finished(call, one) for one in made])


def snapwait(call, store, group, _found, operands):
    """snapwait [nmirror=N] volume"""
    attributes, row, _names = one_volume(store, group, operands)
    wanted = cli.number(attributes, "nmirror")

    def ready(store):
        if len(model.plexes(store, row["id"], model.SNAPDONE)) >= wanted:
            return True
        if len(model.plexes(store, row["id"], model.SNAPDONE, *model.ATTACHING)) < wanted:
            raise Refusal("Volume %s has no snapshot mirror being attached" % row["name"], 20)
        return False
    ready(store)
    return lambda: cli.wait(call, ready)


def name_for(store, group, row, pattern):
    """Name of a snapshot volume: PATTERN with %v and %d, or the default of the release."""
    first = pattern or model.switch(store, "first_name")
    serial = 1
    while True:
        name = first.replace("%v", row["name"]).replace("%d", str(serial))
        if pattern and "%d" not in pattern or not model.taken(store, group["id"], name):
            return name
        if "%d" in first:
            serial += 1
        else:
            first = "SNAP%d-%v"


def targets(store, group, found, attributes, words):
    """[(volume, name of its snapshot)] that a snapshot command means."""
    useopts = found.get("o", [])
    pattern = next((word[5:] for word in useopts if word.startswith("name=")), None)
    if "allvols" in useopts:
        rows = model.volumes(store, group["id"], "data", "cache")
    else:
        if not words:
            raise cli.Usage("A volume is needed")
        if len(words) == 2 and pattern is None:
            row, other = model.volume(store, group["id"], words[0]), model.record_or_none(store, "volume", group["id"], words[1])
            if other is None or not model.plexes(store, other["id"], model.SNAPDONE):
                return [(row, words[1])]
        rows = [model.volume(store, group["id"], word) for word in words]
    names = [name_for(store, group, row, pattern) for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise Refusal("Record %s already exists in disk group" % name, 12)
    return list(zip(rows, names))


def mirrors_for(store, row, attributes):
    """The plexes of a volume that a snapshot takes: those named, or N that are ready."""
    ready = model.plexes(store, row["id"], model.SNAPDONE)
    if "plex" in attributes:
        ready = [plex for plex in ready if plex["name"] in attributes["plex"].split(",")]
    wanted = len(attributes["plex"].split(",")) if "plex" in attributes else cli.number(attributes, "nmirror")
    if len(ready) < wanted:
        raise Refusal("Volume %s does not have %d snapshot mirror(s) that are complete" % (row["name"], wanted), 20)
    return ready[:wanted]


def snapshot(_call, store, group, found, operands):
    """snapshot [nmirror=N] {volume snapvolume | volume...}, or all volumes of the group: all of them or none."""
    attributes, words = cli.split(operands)
    chosen = []
    for row, name in targets(store, group, found, attributes, words):
        classic(row)
        model.check_new_name(store, group["id"], name)
        chosen.append((row, name, mirrors_for(store, row, attributes)))
    break_off(store, group, chosen)


def break_off(store, group, chosen):
    """Make volumes of plexes: CHOSEN of (volume, name, its plexes), all at one instant."""
    pairs = [(row, new_volume(store, group, row, name, "mirbrk")) for row, name, _plexes in chosen]
    device.cut(store, [(row, new["id"]) for row, new in pairs])
    for (row, new), (_row, _name, plexes) in zip(pairs, chosen):
        separate(store, group, row, new, plexes)


def new_volume(store, group, row, name, kind, **fields):
    """A snapshot volume of a volume, without plexes and data."""
    return records.make_volume(
        store, group, name, row["length"], usetype=row["usetype"], readpol=model.switch(store, "snap_readpol"),
        fastresync=row["fastresync"], tracked=row["fastresync"], instant=row["instant"], region=row["region"],
        origin=row["id"], snaptype=kind, snapdate=int(time.time()), **fields)


def separate(store, group, row, new, plexes):
    """Give plexes of a volume to its new snapshot volume, and start that."""
    for plex in plexes:
        model.update(store, "plex", plex["id"], volume=new["id"], state=model.ACTIVE, mode="RW")
    give_dco(store, group, row, new)
    device.start(store, model.get(store, "volume", new["id"]))
    records.link(store, row, new)


def give_dco(store, group, row, new):
    """A snapshot of a volume with a DCO gets one of its own, of the log plexes that wait for it."""
    above = model.dco(store, row["id"])
    if above is None:
        return
    waiting = model.plexes(store, above["log"], model.DCOSNP)
    made = records.make_dco(store, group, new, above["version"], mirrors=0 if waiting else 1)
    for plex in waiting[:len(model.plexes(store, new["id"]))]:
        model.update(store, "plex", plex["id"], volume=made["log"], state=model.ACTIVE)


def returning(store, row, useopts, attributes):
    """The plexes of a snapshot volume that go back."""
    plexes = model.plexes(store, row["id"], model.ACTIVE)
    wanted = len(plexes) if "allplexes" in useopts else cli.number(attributes, "nmirror")
    if len(plexes) < wanted or not plexes:
        raise Refusal("Insufficient number of active snapshot mirrors in %s." % row["name"], 20, 5150)
    return plexes[:wanted]


def snapback(call, store, group, found, operands):
    """snapback [nmirror=N] snapvolume; -o allplexes, resyncfromreplica."""
    attributes, row, _names = one_volume(store, group, operands)
    useopts = found.get("o", [])
    unknown = set(useopts) - {"allplexes", "resyncfromreplica", "resyncfromoriginal"}
    if unknown:
        raise cli.Usage("Unrecognized option: -o %s" % sorted(unknown)[0])
    classic(row)
    origin = model.get(store, "volume", row["origin"]) if row["origin"] else None
    if origin is None or origin["dg"] != group["id"]:
        raise Refusal("Volume %s is not a snapshot of a volume in this disk group" % row["name"], 20)
    classic(origin)
    device.must_be_closed(store, row)
    restoring = "resyncfromreplica" in useopts
    if restoring:
        device.must_be_closed(store, origin)
    plexes = returning(store, row, useopts, attributes)
    made = give_back(store, group, row, origin, plexes, restoring, found.get("t"))
    return None if "b" in found else (lambda: [cli.finished(call, one) for one in made])


def give_back(store, group, row, origin, plexes, restoring, tag=None, state=model.SNAPATT, goal=model.SNAPDONE):
    """Attach plexes of a snapshot volume to its original again; the tasks. The snapshot goes with its last plex."""
    indices = device.changed(store, origin, row) if row["tracked"] else None
    source = None
    if restoring:
        source = device.image(row["id"]) + ".replica"
        blocks.clone(device.image(row["id"]), source)
    made = []
    for plex in plexes:
        model.update(store, "plex", plex["id"], volume=origin["id"], state=state, mode="WO")
        words = "PLXATT %s %s %s" % (origin["name"], plex["name"], group["name"])
        made.append(task.start(store, "ATCOPY", words, origin, model.get(store, "plex", plex["id"]), indices, goal, source, tag))
        source = None
    if not model.plexes(store, row["id"]):
        give_dco_back(store, row, origin)
        records.unlink(store, origin, row["id"])
        records.delete_record(store, row)
    return made


def give_dco_back(store, row, origin):
    """The log plexes of a snapshot wait at the original again."""
    own, above = model.dco(store, row["id"]), model.dco(store, origin["id"])
    if own is not None and above is not None:
        for plex in model.plexes(store, own["log"]):
            model.update(store, "plex", plex["id"], volume=above["log"], state=model.DCOSNP)


def snapclear(_call, store, group, _found, operands):
    """snapclear volume [snap object]: cut the association for good."""
    _attributes, row, names = one_volume(store, group, operands)
    ties = [tie for tie in model.links(store, row["id"]) if not names or tie["name"] in names]
    if names and not ties:
        raise Refusal("Record %s not in disk group configuration" % names[0], 11, 926)
    if not ties and row["origin"] is None:
        raise Refusal("Volume %s is not a snapshot volume" % row["name"], 20)
    for tie in ties:
        peer = model.get(store, "volume", tie["peer"])
        model.delete(store, "link", tie["id"])
        if peer is not None and peer["dg"] == row["dg"]:
            records.unlink(store, peer, row["id"])
        if peer is not None and peer["origin"] == row["id"]:
            part(store, peer)
    if not names:
        part(store, row)


def part(store, row):
    """A volume is a snapshot no longer."""
    model.update(store, "volume", row["id"], origin=None, tracked=0, snaptype=None)


def snapabort(_call, store, group, _found, operands):
    """snapabort [nmirror=N] volume: drop snapshot mirrors that were not broken off."""
    attributes, row, _names = one_volume(store, group, operands)
    plexes = model.plexes(store, row["id"], *(model.SNAPPING + (model.SNAPDONE,)))
    wanted = cli.number(attributes, "nmirror")
    if len(plexes) < wanted:
        raise Refusal("Volume %s has no snapshot mirror" % row["name"], 20)
    for plex in plexes[-wanted:]:
        records.delete_plex(store, plex)
        log = model.dco(store, row["id"])
        for spare in model.plexes(store, log["log"], model.DCOSNP)[-1:] if log else []:
            records.delete_plex(store, spare)


def snapprint(call, store, group, _found, operands):
    """snapprint [volume...]: associations and the share that differs."""
    from simulator.vxvm.layout import line
    for name in operands:
        if not model.volume(store, group["id"], name)["fastresync"]:
            raise Refusal("Volume %s does not have a FastResync map" % name, 20)
    starts = (0, 3, 16, 29, 38)
    call.out("V  NAME         USETYPE      LENGTH\nSS SNAPOBJ      NAME         LENGTH   %DIRTY\n"
             "DP NAME         VOLUME       LENGTH   %DIRTY\n")
    for row in model.volumes(store, group["id"], "data"):
        if row["name"] not in operands and (operands or not row["fastresync"]):
            continue
        call.out("\n" + line(("v", row["name"], row["usetype"], str(row["length"])), starts))
        for peer in relatives(store, row):
            tie = next((tie["name"] for tie in model.links(store, row["id"]) if tie["peer"] == peer["id"]), "--")
            share = "%d" % round(device.dirty(store, row, peer))
            call.out(line(("ss", tie, peer["name"], str(peer["length"]), share), starts))


def relatives(store, row):
    """The snapshots of a volume, and its original, as far as they are in the same group."""
    found = model.snapshots(store, row["id"])
    if row["origin"] is not None:
        found = found + [model.get(store, "volume", row["origin"])]
    return [other for other in found if other is not None and other["dg"] == row["dg"]]


VERBS = {"snapstart": snapstart, "snapwait": snapwait, "snapshot": snapshot, "snapback": snapback, "snapclear": snapclear,
         "snapabort": snapabort, "snapprint": snapprint}
