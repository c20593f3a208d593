# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metastat(1M): the full report, -p, -c, -t. Formats as in meta_mirror.c, meta_stripe.c, metastat.c, meta_print.c."""
import os
import time

from simulator.core import place
from simulator.svm import admin, model, resync, sets
from simulator.svm.names import Refusal, canonical, device, home, set_home, set_of

USAGE = "metastat [-s setname] [-a][-c][-B][-D][-r][-i][-p] [-t] [metadevice...]"
STALE = "****\nWARNING: Stale state database replicas. Metastat output may be inaccurate.\n****\n\n"
SMF = ("metainit:default", "metasync:default", "mdmonitor:default", "rpc/meta:default")
LARGE = 1 << 40  # bytes; above it, progress has a decimal


def size_text(size):
    """A size for people: one decimal below ten units, else whole units; rounded as meta_number_to_string does."""
    value, unit = float(size), -1
    letters = "KMGTPE"
    while (value >= 1024 or unit < 0) and unit < len(letters) - 1:
        value, unit = value / 1024, unit + 1
    return "%.1f %cB" % (value, letters[unit]) if value < 9.95 else "%d %cB" % (value, letters[unit])


def stamp(changed):
    """A time as -t prints it."""
    return time.strftime("%a %b %e %T %Y", time.localtime(changed)) if changed else "(invalid time)"


class Report:
    """All kinds of output for one host."""

    def __init__(self, store, times=False):
        self.store = store
        self.times = times
        self.switches = model.settings(store)
        self.printed = set()  # volumes below soft partitions: shown once

    def progress(self, mirror):
        """Per cent done of a mirror as text, e.g. "8" or, for a large one, " 8.0"; None if nothing runs."""
        done = resync.percent(self.store, mirror["name"])
        if done is None and mirror["cancelled"]:
            row = self.store.row("SELECT done, total FROM svm_resync WHERE host=? AND mirror=? ORDER BY id DESC",
                                 home(mirror["name"]), mirror["name"])
            done = 100.0 * row["done"] / row["total"] if row["total"] else 0.0
        if done is None:
            return None
        if model.volume(self.store, mirror["name"])["bytes"] > LARGE:
            return "%2d.%1d" % divmod(int(done * 10), 10)
        return "%d" % int(done)

    def is_due(self, row):
        """True if a submirror waits for a resync, or has one."""
        return row["state"] in (model.COMP_RESYNC, model.ATTACHED_RESYNC, model.OFFLINE_RESYNC) or row["target"]

    def state(self, mirror, row):
        """State of a submirror in words."""
        if row["state"] == model.RUNNING and not row["target"]:
            return "Okay"
        if self.is_due(row) and mirror["cancelled"]:
            return "Resync cancelled"
        if self.is_due(row) and model.resyncs(self.store, mirror["name"]):
            return "Resyncing"
        return "Needs maintenance"

    def replacement(self, mirror, row):
        """The Invoke text for a submirror with a bad component."""
        bad = [part for part in model.components(self.store, row["name"])
               if part["state"] in (model.MAINTENANCE, model.LAST_ERRED)]
        bad.sort(key=lambda part: part["state"] != model.MAINTENANCE)
        text = "metareplace %s %s <new device>" % (mirror["name"], bad[0]["name"])
        if bad[0]["state"] == model.LAST_ERRED:
            text = 'after replacing "Maintenance" components:\n\t\t' + text
        return text

    def action(self, mirror, row):
        """What metastat tells the administrator to do about a submirror, or None."""
        if model.resyncs(self.store, mirror["name"]) or (row["state"] == model.RUNNING and not row["target"]):
            return None
        if mirror["cancelled"]:
            return "metasync %s" % mirror["name"]
        if row["state"] == model.COMP_ERRED:
            return self.replacement(mirror, row)
        if row["state"] == model.ATTACHED or self.is_due(row):
            return "metasync %s" % mirror["name"]
        if row["state"] == model.OFFLINE:
            return "metaonline %s %s" % (mirror["name"], row["name"])
        return "???"

    def full(self, name):
        """The full report of one volume."""
        row = model.volume(self.store, name)
        if row["kind"] == "p":
            return self.full_soft(name, row)
        if row["kind"] == "m":
            return self.full_mirror(name, row)
        return "%s: Concat/Stripe\n%s" % (name, self.body(row, model.parent(self.store, name) is not None))

    def full_mirror(self, name, volume):
        """The block of a mirror and the blocks of its submirrors."""
        mirror = model.mirror(self.store, name)
        members = model.submirrors(self.store, name)
        text = ["%s: Mirror\n" % name]
        for row in members:
            text.append("    Submirror %d: %s\n      State: %-12s %s\n"
                        % (row["slot"], row["name"], self.state(mirror, row), self.time(row)))
        progress = self.progress(mirror)
        if progress is not None:
            word = "Resync cancelled" if mirror["cancelled"] else "Resync in progress"
            text.append("    %s: %s %% done\n" % (word, progress))
        reads = {"roundrobin": "default", "geometric": "-g", "first": "-r"}
        writes = {"parallel": "default", "serial": "-S"}
        text.append("    Pass: %d\n    Read option: %s (%s)\n    Write option: %s (%s)\n" % (
            mirror["pass"], mirror["read"], reads[mirror["read"]], mirror["write"], writes[mirror["write"]]))
        text.append("    Size: %d blocks (%s)\n" % (volume["bytes"] // 512, size_text(volume["bytes"])))
        for row in members:
            text.append("\n%s: Submirror of %s\n    State: %-12s %s\n"
                        % (row["name"], name, self.state(mirror, row), self.time(row)))
            action = self.action(mirror, row)
            if action:
                text.append("    Invoke: %s\n" % action)
            text.append(self.body(model.volume(self.store, row["name"]), True))
        return "".join(text) + "\n"

    def full_soft(self, name, volume):
        """The block of a soft partition, and what is below it."""
        extent = model.soft(self.store, name)
        text = "%s: Soft Partition\n    Device: %s\n    State: Okay\n" % (name, extent["base"])
        text += "    Size: %d blocks (%s)\n" % (extent["blocks"], size_text(volume["bytes"]))
        text += "\t%6.6s %24.24s %24.24s\n" % ("Extent", "Start Block", "Block count")
        text += "\t%6d %24d %24d\n\n" % (0, extent["start"], extent["blocks"])
        return text + self.once(extent["base"], self.full)

    def once(self, name, form):
        """The output for a volume below a soft partition; nothing if it was shown before."""
        if name in self.printed:
            return ""
        self.printed.add(name)
        return form(name)

    def time(self, row):
        """The time column: empty without -t."""
        return stamp(row["changed"]) if self.times else ""

    def body(self, volume, has_parent):
        """Size and component tables of a stripe."""
        text = ["    Size: %d blocks (%s)\n" % (volume["bytes"] // 512, size_text(volume["bytes"]))]
        parts = model.components(self.store, volume["name"])
        for line in sorted({part["line"] for part in parts}):
            row = [part for part in parts if part["line"] == line]
            text.append("    Stripe %d:%s\n" % (
                line, " (interlace: %d blocks)" % (volume["interlace"] // 512) if len(row) > 1 else ""))
            text.append(self.table(row, has_parent))
        return "".join(text) + "\n"

    def table(self, parts, has_parent):
        """The component table of one row of a stripe."""
        width = max([len("Device")] + [len(part["name"]) for part in parts]) + 2
        if not has_parent:
            lines = ["\t%-*s %-12.12s %-5.5s\t%s\n" % (width, "Device", "Start Block", "Dbase", "Reloc")]
            lines += ["\t%-*s %8d     %-5.5s\t%s\n" % (width, part["name"], 0, "No", "Yes") for part in parts]
        elif self.times:
            lines = ["\t%-*s %5s %5s %-11s %-5s %-9s %s\n"
                     % (width, "Device", "Start", "Dbase", "State", "Reloc", "Hot Spare", "Time")]
            lines += ["\t%-*s %5d %-5s %-11s %-5s %-9s %s\n"
                      % (width, part["name"], 0, "No", part["state"], "Yes", "", stamp(part["changed"])) for part in parts]
        else:
            lines = ["\t%-*s %-12.12s %5.5s %12.12s %5.5s %s\n"
                     % (width, "Device", "Start Block", "Dbase", "State", "Reloc", "Hot Spare")]
            lines += ["\t%-*s %8d     %-5.5s %12.12s %5.5s %s\n" % (width, part["name"], 0, "No", part["state"], "Yes", "")
                      for part in parts]
        return "".join(lines)

    def md_tab(self, name):
        """The -p form of one volume and what is below it."""
        full, kind = self.switches["names"] == "full", model.volume(self.store, name)["kind"]
        if kind == "p":
            extent = model.soft(self.store, name)
            base = device(extent["base"], "rdsk") if full else extent["base"]
            return "%s -p %s -o %d -b %d \n" % (name, base, extent["start"], extent["blocks"]) + self.once(extent["base"], self.md_tab)
        if kind == "s":
            return self.md_tab_stripe(name, full)
        mirror, members = model.mirror(self.store, name), [row["name"] for row in model.submirrors(self.store, name)]
        options = {"roundrobin": "", "geometric": " -g", "first": " -r"}[mirror["read"]]
        options += " -S" if mirror["write"] == "serial" else ""
        shown = [device(member, "rdsk") if full else member for member in members]
        return "%s -m %s%s %d\n" % (name, " ".join(shown), options, mirror["pass"]) + "".join(
            self.md_tab_stripe(member, full) for member in members)

    def md_tab_stripe(self, name, full):
        """The -p form of a stripe."""
        parts = model.components(self.store, name)
        interlace = model.volume(self.store, name)["interlace"] // 512
        lines = []
        for line in sorted({part["line"] for part in parts}):
            row = [("/dev/rdsk/" if full else "") + part["name"] for part in parts if part["line"] == line]
            lines.append("%d %s%s" % (len(row), " ".join(row), " -i %db" % interlace if len(row) > 1 else ""))
        return "%s %d %s\n" % (name, len(lines), " \\\n\t".join(lines))

    def concise(self, name, indent=0):
        """The -c lines of one volume and what is below it."""
        volume = model.volume(self.store, name)
        size = size_text(volume["bytes"]).replace(" ", "")
        head = "%s%-*s %s %6s" % (" " * indent, max(16 - indent, 0), name, volume["kind"], size)
        if volume["kind"] == "p":
            base = model.soft(self.store, name)["base"]
            return "%s %s\n" % (head, base) + self.concise(base, indent + 4)
        if volume["kind"] == "s":
            marks = {model.OKAY: "", model.MAINTENANCE: " (maint)", model.LAST_ERRED: " (last-erred)",
                     model.RESYNCING: " (resyncing)"}
            parts = [part["name"] + marks[part["state"]] for part in model.components(self.store, name)]
            return "%s %s\n" % (head, " ".join(parts))
        mirror, members = model.mirror(self.store, name), model.submirrors(self.store, name)
        text = head + "".join(" %s%s" % (row["name"], self.mark(mirror, row)) for row in members) + "\n"
        return text + "".join(self.concise(row["name"], indent + 4) for row in members)

    def concise_all(self, disk_set):
        """The -c lines of a set: soft partitions in groups by what they are on, then the rest."""
        text, done = [], set()
        for row in model.volumes(self.store, "p", set_home(disk_set)):
            base = model.soft(self.store, row["name"])["base"]
            if base not in done:
                done.add(base)
                group = [item["name"] for item in model.volumes(self.store, "p", set_home(disk_set))
                         if model.soft(self.store, item["name"])["base"] == base]
                text += [self.concise(name).split("\n", 1)[0] + "\n" for name in group] + [self.concise(base, 4)]
        return "".join(text + [self.concise(name) for name in self.tops(disk_set, "ms")])

    def mark(self, mirror, row):
        """What -c says after the name of a submirror."""
        if row["state"] == model.OFFLINE:
            return " (offline)"
        if row["state"] == model.RUNNING and not row["target"]:
            return ""
        if self.is_due(row) and model.resyncs(self.store, mirror["name"]):
            return " (resync-%s%%)" % self.progress(mirror)
        return " (maint)"

    def relocation(self, names):
        """The table of device ids of the disks below the named volumes."""
        bases = [extent["base"] if extent else top for top, extent in ((top, model.soft(self.store, top)) for top in names)]
        stripes = [name for base in bases for name in
                   ([row["name"] for row in model.submirrors(self.store, base)] or [base])]
        disks = []
        for stripe in stripes:
            for part in model.components(self.store, stripe):
                disk = part["name"].rsplit("s", 1)[0]
                if disk not in disks:
                    disks.append(disk)
        width = max([len("Device")] + [len(disk) for disk in disks]) + 2
        lines = ["Device Relocation Information:\n", "%-*s %-5s\t%s\n" % (width, "Device", "Reloc", "Device ID")]
        lines += ["%-*s %-5s\tid1,sd@SSIMULATE_VOLUME__%s\n" % (width, disk, "Yes", disk.upper()) for disk in disks]
        return "".join(lines)

    def tops(self, disk_set, kinds="msp"):
        """Volumes of a set that nothing is built on: mirrors first, soft partitions last, each kind in database order."""
        rows = [row for kind in kinds for row in model.volumes(self.store, kind, set_home(disk_set))]
        return [row["name"] for row in rows if not model.in_use(self.store, row["name"])]


def one(report, found, name):
    """The output for one volume in the form the options ask for."""
    if "c" in found:
        return report.concise(name)
    return report.md_tab(name) if "p" in found else report.full(name)


def check_services(call, switches):
    """Complain after all output if the services of SVM are down; returns the exit status."""
    if switches["smf"]:
        return 0
    services = " ".join("svc:/%s/%s" % ("network" if "rpc" in name else "system", name) for name in SMF)
    call.err(Refusal("service(s) not online in SMF", services).message(call.name))
    return 1


def print_named(call, report, found, words):
    """Print the named volumes, and what belongs after them; the exit status is 1 if one cannot be read."""
    names, rc = [], 0
    for word in words:
        try:
            name = canonical(word, found.get("s"))
            if set_of(name):
                sets.check(call.store, set_of(name))
            call.out(one(report, found, name))
            names.append(name)
        except Refusal as refusal:
            call.err(refusal.message(call.name))
            rc = 1
    if rc == 0 and not set("cpqBD") & set(found):
        call.out(report.relocation(names))
    return rc


def print_set(call, report, found, disk_set):
    """Print all volumes of a set that this host owns; returns the exit status."""
    if "c" in found:
        call.out(report.concise_all(disk_set))
        return 0
    return print_named(call, report, found, report.tops(disk_set))


def show(call, found, operands):
    """Print everything that is asked for; exit status 1 if one of the names cannot be read."""
    report = Report(call.store, "t" in found)
    if report.switches["stale"]:
        call.out(STALE)
    if "a" in found:
        rc = 0
        for disk_set in [None] + [row["name"] for row in sets.known(call.store) if row["owner"] == place.HOST]:
            rc = max(rc, print_set(call, report, found, disk_set))
            call.out("\n")
    else:
        if "s" in found:
            sets.check(call.store, found["s"])
        rc = print_set(call, report, found, found.get("s")) if not operands else print_named(call, report, found, operands)
    return max(rc, check_services(call, report.switches))


def parse(call):
    """Options and operands; an old release knows neither -c nor -a."""
    old = not model.settings(call.store)["concise"]
    return admin.options(call.args, "pBDrtiqS" + ("" if old else "ac"))


def main(call):
    """metastat: never waits for the command lock."""
    try:
        if call.store is None:
            raise Refusal("there are no existing databases")
        found, operands = parse(call)
        if "a" in found and "s" in found:
            call.err("metastat: incompatible options: -a and -s\n")
            raise admin.Usage()
        if "i" in found and os.geteuid() != 0:
            call.err("metastat: -i option requires super-user privilages\n")
            return 1
        with call.store.transaction():
            if call.store.writable:
                resync.advance(call.store)
            return show(call, found, operands)
    except admin.Usage as problem:
        call.err("usage:\t%s\n" % USAGE)
        return 0 if problem.wants_help else 1
    except Refusal as refusal:
        call.err(refusal.message(call.name))
        return 1


without_state = main
ERROR_END = admin.ERROR_END
