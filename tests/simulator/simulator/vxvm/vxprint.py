# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxprint(1M): the records of a group in the default layout, with -t, -m, -l, -F and -n."""
from simulator.vxvm import cli, fields, layout, model
from simulator.vxvm.listing import Listing, flat
from simulator.vxvm.model import Refusal

FAILURE = 1
STATE_WORDS = cli.STATE_WORDS
KIND_OPTIONS = {"v": "v", "p": "pl", "s": "sd", "d": "dm", "G": "dg", "c": "co"}


def chosen_groups(store, found):
    """The groups a call is about."""
    name = found.get("g")
    if name is None:
        return model.groups(store)
    group = model.find_group(store, name)
    if group is None:
        raise Refusal("Disk group %s: No such disk group" % name, 9, 582)
    return [group]


def kinds_of(found):
    """The kinds of records that options choose."""
    return {tag for letter, tag in KIND_OPTIONS.items() if letter in found}


def matching(entries, match, deep):
    """Entries that match, wherever they are; DEEP: with what is below them, else alone."""
    for entry in entries:
        if match(entry):
            yield entry if deep else dict(entry, below=[])
        if not (deep and match(entry)):
            yield from matching(entry["below"], match, deep)


def select(blocks, found, names):
    """Blocks of the entries that a call asks for; what is below a record is printed with -h, -r, or if nothing is chosen."""
    kinds = kinds_of(found)
    if not kinds and not names:
        return blocks
    deep = bool(set("hr").intersection(found)) or not (kinds or set("tmlnF").intersection(found))
    result = [list(matching(block, lambda entry: (not kinds or entry["tag"] in kinds) and (not names or entry["name"] in names),
                            deep)) for block in blocks]
    return [block for block in result if block] if deep else [sum(result, [])]


def check_names(blocks, names):
    """Names that no record has."""
    known = {entry["name"] for block in blocks for entry in flat(block)}
    return [name for name in names if name not in known]


def headed(found, names, entries, release):
    """Kinds of records that have a header; None for all."""
    if names and "h" in found:
        return layout.below_groups(release)
    if names or kinds_of(found):
        return {entry["tag"] for entry in entries}
    return None


def table(store, blocks, found, names):
    """Headers and lines in the layout of -t or the default one."""
    release, typed = model.switch(store, "header"), "t" in found
    if "q" in found:
        head = ""
    elif typed:
        head = layout.header(release, headed(found, names, [entry for block in blocks for entry in flat(block)], release)) + "\n"
    else:
        head = layout.TY
    texts = ["".join(layout.typed(entry, release) if typed else layout.plain(entry) for entry in flat(block)) for block in blocks]
    return head + "\n".join(text for text in texts if text)


def render(store, group, blocks, found, names):
    """The text of one group."""
    entries = [entry for block in blocks for entry in flat(block)]
    if "n" in found:
        return "".join(entry["name"] + "\n" for entry in entries)
    if "F" in found:
        return "".join(fields.formatted(entry, found["F"]) for entry in entries)
    if "m" in found:
        return "".join(fields.description(entry, model.switch(store, "quotes")) for entry in entries)
    title = "" if "q" in found or "Q" in found else "Disk group: %s\n\n" % group["name"]
    return title + ("".join(fields.long(store, entry) for entry in entries) if "l" in found else table(store, blocks, found, names))


def work(call):
    """Print what is asked for."""
    found, names = cli.options(call.args, "aAdfGhHlLmnpqQrsStvVc", "DeFgu", mixed=True)
    if "e" in found:
        raise cli.Usage("search expressions (-e) are not simulated")
    polled = "devopen" in found.get("F", "")

    def look(store):
        texts, missing = [], set(names)
        for group in chosen_groups(store, found):
            blocks = Listing(store, group, found.get("u"), polled or "l" in found).blocks()
            missing &= set(check_names(blocks, names))
            part = select(blocks, found, names)
            if any(part):
                texts.append(render(store, group, part, found, names))
        if polled:
            store.db.execute("UPDATE vxvm_volume SET polls=max(polls-1, 0)")
        call.out(("" if set("Fmn").intersection(found) else "\n").join(texts))
        return sorted(missing)
    missing = cli.step(call, look)
    for name in missing:
        call.err(Refusal("Record %s not found" % name, 11, 924).message("vxprint"))
    return 11 if missing else 0


def main(call):
    """vxprint."""
    return cli.run(call, work)


without_state = main


def success(_call):
    """Nothing is printed by a call that only claims to have worked."""
    return ""


