# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxsnap(1M): instant snapshots, and mirrors that break off from volumes prepared for them."""
from simulator.vxvm import breakoff, cli, device, instant, model, records, snaplist, task, units
from simulator.vxvm.model import Refusal

FAILURE = 1
STATE_WORDS = cli.STATE_WORDS
REGION_LIMIT = 1 << 12  # sectors


def prepared(row):
    """Refuse a volume that is not prepared for instant snapshots."""
    if not row["instant"]:
        raise Refusal("Volume %s is not prepared for instant snapshots" % row["name"], 20)


def prepare(call, store, group, _found, operands):
    """prepare volume [ndcomirs=N] [regionsize=SIZE] [drl=...] [disk...]"""
    attributes, row, names = breakoff.one_volume(store, group, operands)
    if row["instant"]:
        raise Refusal("volume %s is already instant ready" % row["name"])
    if model.dco(store, row["id"]) is not None:
        raise Refusal("Volume %s has a DCO of version 0" % row["name"], 20)
    region = units.sectors(attributes.get("regionsize", "64k"))
    if region > REGION_LIMIT:
        call.err("VxVM vxsnap WARNING V-5-1-0 Specified regionsize is larger than the limit on the system\n")
    records.make_dco(store, group, row, 20, cli.number(attributes, "ndcomirs"), attributes.get("alloc", "").split(",")
                     if "alloc" in attributes else names)
    model.update(store, "volume", row["id"], instant=1, region=region)


def unprepare(_call, store, group, _found, operands):
    """unprepare volume"""
    _attributes, row, _names = breakoff.one_volume(store, group, operands)
    prepared(row)
    if model.snapshots(store, row["id"]) or row["origin"] or model.plexes(store, row["id"], model.SNAPDONE, *model.SNAPPING):
        raise Refusal("Volume %s has snapshots" % row["name"], 20)
    records.delete_dco(store, row)
    model.update(store, "volume", row["id"], instant=0, fastresync=0)


def addmir(call, store, group, found, operands):
    """addmir volume [nmirror=N] [alloc=disk,...]"""
    attributes, row, names = breakoff.one_volume(store, group, operands)
    prepared(row)
    names = attributes["alloc"].split(",") if "alloc" in attributes else names
    made = [breakoff.attach(store, group, row, names, found.get("t")) for _mirror in range(cli.number(attributes, "nmirror"))]
    return None if "b" in found else (lambda: [cli.finished(call, one) for one in made])


def rmmir(call, store, group, found, operands):
    """rmmir volume"""
    prepared(breakoff.one_volume(store, group, operands)[1])
    return breakoff.snapabort(call, store, group, found, operands)


def make(_call, store, group, _found, operands):
    """make source=VOLUME/... [source=VOLUME/...]: all at one instant."""
    if not operands:
        raise cli.Usage("A tuple is needed")
    tuples = [dict(part.partition("=")[::2] for part in word.split("/")) for word in operands if word.startswith("source=")]
    for one in tuples:
        prepared(model.volume(store, group["id"], one["source"]))
    instant.make(store, group, tuples)


def pairs(store, group, operands):
    """[(volume, source volume, attributes)] of operands such as SNAP source=VOL [SNAP2 source=VOL2]."""
    result, current = [], None
    for word in operands:
        key, equals, value = word.partition("=")
        if not equals:
            current = [model.volume(store, group["id"], word), None, {}]
            result.append(current)
        elif current is None:
            raise cli.Usage("A volume is needed")
        elif key == "source":
            current[1] = model.volume(store, group["id"], value)
        else:
            current[2][key] = value
    if not result or any(source is None for _row, source, _attributes in result):
        raise cli.Usage("source= is needed")
    return result


def idle(store, *rows):
    """Refuse volumes whose data are still being copied."""
    for row in rows:
        if task.live(store, volume=row["id"], type="SNAPSYNC"):
            raise Refusal("Volume %s is being synchronized" % row["name"], 20)


def refresh(_call, store, group, _found, operands):
    """refresh SNAP source=VOL ...: the snapshot holds the present data of its source."""
    chosen = pairs(store, group, operands)
    for row, _source, _attributes in chosen:
        device.must_be_closed(store, row)
        idle(store, row)
    instant.refresh(store, chosen)


def copied(call, store, made):
    """What follows reattach and restore where a switch has them wait for the tasks they have started."""
    return (lambda: [cli.finished(call, one) for one in made]) if model.switch(store, "copying") == "foreground" else None


def reattach(call, store, group, _found, operands):
    """reattach SNAP source=VOL [nmirror=N]: plexes go back, the snapshot with its last one."""
    made = []
    for row, source, attributes in pairs(store, group, operands):
        related(row, source)
        device.must_be_closed(store, row)
        idle(store, row)
        if row["cache"] is not None:
            raise Refusal("Volume %s is a space-optimized snapshot" % row["name"], 20)
        useopts = [] if "nmirror" in attributes else ["allplexes"]
        plexes = breakoff.returning(store, row, useopts, attributes)
        made += breakoff.give_back(store, group, row, source, plexes, False, state=model.SNAPTMP, goal=model.switch(store, "reattached"))
    return copied(call, store, made)


def related(row, source):
    """Refuse volumes of which one is not the snapshot of the other."""
    if row["origin"] != source["id"]:
        raise Refusal("Volume %s is not a snapshot of volume %s" % (row["name"], source["name"]), 20)


def restore(call, store, group, _found, operands):
    """restore VOL source=SNAP ... [destroy=yes|no] [syncing=yes|no]"""
    chosen = pairs(store, group, operands)
    for row, snap, attributes in chosen:
        related(snap, row)
        idle(store, row, snap)
        device.must_be_closed(store, row)
        device.must_be_closed(store, snap)
        if snap["state"] == model.INVALID:
            raise Refusal("Volume %s is invalid" % snap["name"], 20)
        if snap["cache"] is not None and attributes.get("destroy") == "yes":
            raise Refusal("destroy=yes is not possible with space-optimized snapshot %s" % snap["name"], 20)
    return copied(call, store, [instant.restore(store, group, row, snap, attributes.get("destroy") == "yes")
                                for row, snap, attributes in chosen])


def dissociate(call, store, group, _found, operands):
    """dis SNAP: an independent volume."""
    row = model.record_or_none(store, "volume", group["id"], operands[0] if operands else "")
    if row is None:
        raise Refusal("Record %s not in disk group configuration" % " ".join(operands), 2, 926)
    idle(store, row)
    if row["origin"] is None or row["cache"] is not None:
        raise Refusal("Volume %s cannot be dissociated" % row["name"], 20)
    return breakoff.snapclear(call, store, group, {}, operands)


def sync(verb):
    """syncstart, syncpause, syncresume, syncstop, syncwait."""
    def act(call, store, group, _found, operands):
        _attributes, row, _names = breakoff.one_volume(store, group, operands)
        running = task.live(store, volume=row["id"], type="SNAPSYNC")
        if verb == "wait":
            if row["state"] == model.INVALID or not running:
                raise Refusal("Volume %s is not being synchronized" % row["name"], 20)
            return lambda: cli.finished(call, running[0]["id"])
        for one in running:
            if verb == "stop":
                task.close(store, one, task.ABORTED)
            else:
                model.update(store, "task", one["id"], status=task.PAUSED if verb == "pause" else task.RUNNING)
        return None
    return act


def unlisted(call, store, group, found, operands):
    """print [volume...], with -n in the form of list."""
    text = snaplist.listed if "n" in found else snaplist.printed
    call.out(text(store, group, operands))


def listing(call, store, group, _found, operands):
    """list [volume...]"""
    call.out(snaplist.listed(store, group, operands))


VERBS = {"prepare": prepare, "unprepare": unprepare, "addmir": addmir, "rmmir": rmmir, "snapwait": breakoff.snapwait, "make": make,
         "refresh": refresh, "reattach": reattach, "restore": restore, "dis": dissociate, "print": unlisted, "list": listing}
VERBS.update({"sync" + verb: sync(verb) for verb in ("start", "pause", "resume", "stop", "wait")})


def work(call):
    """Parse, do the change, then wait outside of it if the verb has something to wait for."""
    found, operands = cli.options(call.args, "bfnlvx", "got")
    if not operands or operands[0] not in VERBS:
        raise cli.Usage("Unrecognized operation: %s" % (operands[0] if operands else ""))
    verb, rest = VERBS[operands[0]], operands[1:]
    waiting = cli.step(call, lambda store: verb(call, store, model.group(store, found.get("g")), found, rest))
    if waiting is not None:
        waiting()


def main(call):
    """vxsnap."""
    return cli.run(call, work)


without_state = main
