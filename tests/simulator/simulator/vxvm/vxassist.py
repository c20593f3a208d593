# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxassist(1M): make and remove, mirrors, DCO, sizes; the snapshot verbs are in breakoff."""
from simulator.vxvm import breakoff, cli, device, model, records, space, task, units
from simulator.vxvm.model import Refusal

FAILURE = 1
STATE_WORDS = cli.STATE_WORDS


def length_of(store, group, text):
    """Sectors of a length operand, rounded up to the group's alignment."""
    try:
        length = units.sectors(text, int(model.switch(store, "block_size")))
    except ValueError:
        raise cli.Usage("Length %s is invalid" % text) from None
    return -(-length // group["align"]) * group["align"]


def mirrors_of(attributes):
    """How many plexes the attributes ask for."""
    layout = attributes.get("layout", "nomirror").split(",")
    return max(cli.number(attributes, "nmirror", 2 if any(word.startswith("mirror") for word in layout) else 1), 1)


def make(_call, store, group, _found, operands):
    """make volume length [attribute...] [disk...]"""
    attributes, words = cli.split(operands)
    if len(words) < 2:
        raise cli.Usage("Volume name and length are needed")
    records.make_complete(store, group, words[0], length_of(store, group, words[1]), mirrors_of(attributes), words[2:],
                          usetype=attributes.get("usetype", "fsgen"), polls=int(model.switch(store, "open_cache")))


def remove(_call, store, group, _found, operands):
    """remove {volume|mirror|log} volume [plex]"""
    kind, names = (operands + [""])[0], operands[1:]
    attributes, names = cli.split(names)
    if kind not in ("volume", "mirror", "log") or not names:
        raise cli.Usage("remove {volume|mirror|log} volume")
    row = model.volume(store, group["id"], names[0])
    if kind == "volume":
        device.must_be_closed(store, row)
        records.delete_volume(store, row)
    elif kind == "log":
        if model.dco(store, row["id"]) is None:
            raise Refusal("Volume %s has no log" % row["name"], 11)
        drop_dco(store, row)
    else:
        remove_mirror(store, row, names[1:])


def drop_dco(store, row):
    """Remove a volume's DCO and all that it kept track of."""
    for tie in model.links(store, row["id"]):
        model.delete(store, "link", tie["id"])
    records.delete_dco(store, row)
    records.forget_changes(store, row)


def remove_mirror(store, row, names):
    """Remove one regular plex: the one named, else the last."""
    plexes = model.plexes(store, row["id"], model.ACTIVE, model.STALE)
    chosen = [plex for plex in plexes if not names or plex["name"] in names]
    if not chosen or len(plexes) < 2:
        raise Refusal("Volume %s has no mirror that can be removed" % row["name"], 18)
    records.delete_plex(store, chosen[-1])


def mirror(call, store, group, found, operands):
    """mirror volume [disk...]: add a regular plex."""
    _attributes, words = cli.split(operands)
    if not words:
        raise cli.Usage("mirror volume")
    row = model.volume(store, group["id"], words[0])
    plex = records.make_plex(store, group, row, words[1:], state="TEMP", mode="WO")
    words = "PLXATT %s %s %s" % (row["name"], plex["name"], group["name"])
    made = task.start(store, "ATCOPY", words, row, plex, goal=model.ACTIVE, tag=found.get("t"))
    return None if "b" in found else (lambda: cli.finished(call, made))


def maxsize(call, store, group, found, operands):
    """maxsize [attribute...] [disk...]"""
    attributes, words = cli.split(operands)
    length = space.largest(store, group, mirrors_of(attributes), words)
    if length <= 0:
        space.refuse(store, group, length)
    shown = length // (int(model.switch(store, "block_size")) // units.SECTOR)
    call.out("%d\n" % shown if "p" in found else "Maximum volume size: %d (%dMb)\n" % (shown, units.megabytes(length)))


def maxgrow(call, store, group, found, operands):
    """maxgrow volume"""
    row = model.volume(store, group["id"], operands[0] if operands else "")
    more = space.largest(store, group, len(model.plexes(store, row["id"])), [])
    total = row["length"] + more
    call.out("%d\n" % total if "p" in found else "Volume %s can be extended by %d to: %d (%dMb)\n" % (
        row["name"], more, total, units.megabytes(total)))


def addlog(_call, store, group, _found, operands):
    """addlog volume logtype=dco [ndcolog=N] [disk...]"""
    attributes, words = cli.split(operands)
    if not words or attributes.get("logtype") != "dco":
        raise cli.Usage("addlog volume logtype=dco")
    row = model.volume(store, group["id"], words[0])
    if model.dco(store, row["id"]) is not None:
        raise Refusal("Volume %s already has a DCO" % row["name"], 12)
    records.make_dco(store, group, row, 0, cli.number(attributes, "ndcolog", 1), words[1:])


VERBS = {"make": make, "remove": remove, "mirror": mirror, "maxsize": maxsize, "maxgrow": maxgrow, "addlog": addlog}
VERBS.update(breakoff.VERBS)


def work(call):
    """Parse, do the change, then wait outside of it if the verb has something to wait for."""
    found, operands = cli.options(call.args, "bprvcfnq", "gotTu")
    if not operands or operands[0] not in VERBS:
        raise cli.Usage("Unrecognized operation: %s" % (operands[0] if operands else ""))
    verb, rest = VERBS[operands[0]], operands[1:]
    waiting = cli.step(call, lambda store: verb(call, store, model.group(store, found.get("g")), found, rest))
    if waiting is not None:
        waiting()


def main(call):
    """vxassist."""
    return cli.run(call, work)


without_state = main


def success(call):
    """What a call prints when it works: nothing, but for sizes."""
    return "Maximum volume size: 2097152 (1024Mb)\n" if "maxsize" in call.args else ""
