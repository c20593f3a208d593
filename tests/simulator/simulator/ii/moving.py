# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm -e, -I, -J, -E: sets that come, go to another host and come back."""
import os

from simulator.core import place
from simulator.ii import bitmap, cli, data, kernel, model, sv, waiting
from simulator.ufs import device, mnttab

KINDS = ("ind", "dep")


def is_mounted(store, path):
    """What iiadm takes for it: the block path is the raw one without its first letter r, which is not always that of rdsk."""
    block = path.replace("r", "", 1)
    return any(row[0] == block for row in mnttab.entries(store))


def is_raw(path):
    """Whether a device is one of characters: here only its name tells."""
    try:
        return data.number(path) is not None and "/rdsk/" in path
    except OSError:
        return False


def accessible(path, what, name):
    """Refuse what does not exist or is no raw device."""
    if len(path) > model.NAME_LIMIT:
        raise model.dsw("Unable to access %s" % what, "File name too long")
    if not os.path.exists(device.local(path)):
        raise model.dsw("Unable to access %s" % what, "No such file or directory")
    if not is_raw(path):
        raise model.dsw("%s is not a character device" % name)


def ask_alias(call, line, path):
    """The name of a device: one that is known under another name is asked for, then taken by that name."""
    known = sv.alias(call.store, path)
    if known is None:
        return path
    call.out("  '%s'\nis currently configured as\n  '%s'\n" % (path, known))
    cli.confirm(line, "Perform operation with indicated volume name?")
    return known


def check_enable(store, master, shadow, bits):
    """Refuse volumes, in the order of iiadm."""
    accessible(master, "master volume", "Master volume")
    accessible(shadow, "shadow volume", "Shadow volume")
    if is_mounted(store, shadow):
        raise model.dsw("Shadow volume is mounted, unmount it first", model.BUSY)
    if master == shadow:
        raise model.dsw("Master and shadow are the same device")
    accessible(bits, "bitmap", "Bitmap volume")
    if master == bits:
        raise model.dsw("Master and bitmap are the same device")
    if shadow == bits:
        raise model.dsw("Shadow and bitmap are the same device")
    for name, path in (("Master", master), ("Shadow", shadow), ("Bitmap", bits)):
        if store.row("SELECT 1 FROM ii_overflow WHERE host=? AND path=?", place.HOST, path):
            raise model.dsw("%s volume is already an overflow volume" % name)
    if model.find(store, shadow) is not None:
        raise model.dsw("Shadow volume is already configured", "File exists")


def under_sv(store, *volumes):
    """Register volumes; those that cannot be opened are refused."""
    for name, path in volumes:
        if not sv.enable(store, path, "ii"):
            raise model.dsw("Cannot enable %s volume" % name, *sv.FAILED)


def enable(call, line):
    """-e {ind|dep} master shadow bitmap"""
    if line.argument not in KINDS:
        raise cli.usage("must specify ind or dep with -e")
    if len(line.operands) < 3:
        raise cli.usage("must specify 3 volumes with -e")
    master, shadow, bits = line.operands[:3]
    master, shadow = ask_alias(call, line, master), ask_alias(call, line, shadow)

    def act(store):
        check_enable(store, master, shadow, bits)
        under_sv(store, ("master", master), ("shadow", shadow))
        return kernel.enable(store, line.argument, master, shadow, bits, line.group or "")
    row = cli.change(call, "Enable failed", act)
    waiting.leave_child(call, row["id"])


def export_one(call, shadow):
    """Export one set."""
    def act(store):
        row = model.known(store, shadow)
        if is_mounted(store, shadow):
            raise model.dsw("Can't export a mounted volume")
        kernel.export(store, model.running(store, row["shadow"]))
    cli.change(call, "Export failed", act)


def bring(call, line):
    """-I shadow bitmap"""
    shadow, bits = line.volumes(2, 2, "must specify 2 volumes with -I|-J")
    shadow = ask_alias(call, line, shadow)

    def act(store):
        if model.find(store, shadow) is not None:
            raise model.dsw("Can't import volume on same node")
        accessible(shadow, "shadow volume", "Shadow volume")
        accessible(bits, "bitmap", "Bitmap volume")
        kernel.bring(store, shadow, bits)
    cli.change(call, "Import failed", act)


def read_bitmap(call, path):
    """What a secondary bitmap holds: the command reads it itself, as a file."""
    try:
        with open(device.local(path), "rb") as handle:
            return handle.read()
    except OSError as error:
        call.err("open: %s\n" % error.strerror)
        raise model.plain("Can't open imported bitmap volume") from None


def join(call, line):
    """-J shadow bitmap"""
    shadow, bits = line.volumes(2, 2, "must specify 2 volumes with -I|-J")
    shadow = ask_alias(call, line, shadow)
    with call.store.transaction():
        model.known(call.store, shadow)
    held = read_bitmap(call, bits)
    if len(held) < bitmap.HEADER_BLOCKS * bitmap.BLOCK:
        raise model.plain("Can't read imported bitmap volume")
    second = bitmap.unpack(held)
    if second["magic"] in (bitmap.DIRTY, bitmap.CLEAN):
        cli.confirm(line, "Use the never imported bitmap?")
    elif second["magic"] != bitmap.INVALID:
        raise model.plain("Secondary bitmap is not a valid bitmap volume")
    cli.change(call, "Join failed", lambda store: kernel.join(store, model.running(store, shadow), second))
