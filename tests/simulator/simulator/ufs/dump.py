# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ufsdump(1M). The dump is a header in text and a tar of a private read-only mount of the device."""
import os
import sys
import time

from simulator.core import blocks, place
from simulator.ufs import device, dumpdates, mnttab, namespace, tape

MAGIC = "UFSDUMP-SIMULATED 1"
WITH_ARGUMENT = "abdfLNstT"
LETTERS = WITH_ARGUMENT + "cDlnoSuvwW0123456789"
STARTUP, ABORT = 1, 3
FAILURE = ABORT
RECORD = 63


class Abort(Exception):
    """The dump cannot go on; the texts are printed as DUMP lines."""


def say(call, text):
    """A message: on stderr, with the prefix all of them have."""
    call.err("  DUMP: %s\n" % text)


def parse(args):
    """The bundled key and its arguments: (level, {letter: value or True}, operands)."""
    args = list(args)
    if not args:
        raise Abort("usage")
    key = args.pop(0)
    level, found = 9, {}
    for letter in key.lstrip("-"):
        if letter not in LETTERS:
            raise Abort("bad option `%s'" % letter)
        if letter.isdigit():
            level = int(letter)
        elif letter in WITH_ARGUMENT:
            if not args:
                raise Abort("missing argument for option `%s'" % letter)
            found[letter] = args.pop(0)
        else:
            found[letter] = True
    return level, found, args


def source(store, operand):
    """(raw device, mount point or None) that an operand means: a mount point or mounted device means that mount."""
    for row in mnttab.entries(store):
        if row[1] != "/" and operand in (row[1], row[0], device.raw(row[0])) or device.block(operand) == row[0]:
            return device.raw(row[0]), row[1]
    return device.raw(operand), None


def size_text(size):
    """A number of bytes as the estimate shows it."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB")):
        if size >= unit:
            return "%.2f%s" % (float(size) / unit, name)
    return "%dKB" % (size >> 10)


def unreadable(error):
    raise error


def estimate(directory, since):
    """Bytes of all files changed after SINCE, each in whole kilobytes, plus its inode."""
    total = 0
    for top, folders, names in os.walk(directory, onerror=unreadable):
        for name in folders + names:
            status = os.lstat(os.path.join(top, name))
            if max(status.st_mtime, status.st_ctime) > since:
                total += 1024 + (min(status.st_size, status.st_blocks * 512) + 1023 >> 10 << 10)
    return total


def header(level, last, name, now):
    """The header that tells ufsrestore what this is."""
    fields = [("level", level), ("date", now), ("since", last[1]), ("label", name), ("host", place.HOST)]
    return (MAGIC + "\n" + "".join("%s=%s\n" % field for field in fields) + "\n").encode()


def tar(directory, since, out):
    """Write the tar of a directory to descriptor OUT; True if it is whole."""
    path = place.real("tar")
    args = [path, "-C", directory, "--numeric-owner", "--sort=name", "--sparse", "--sparse-version=0.0", "--format=posix",
            "--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f", "-cf", "-"]
    if since:
        args.append("--newer=@%d" % since)
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(out, 1)
            os.execv(path, args + ["."])
        finally:
            os._exit(127)
    return os.waitpid(pid, 0)[1] == 0


def open_output(name):
    """Descriptor to write the dump to."""
    if name == "-":
        return 1
    if ":" in name and not os.path.exists(name):
        raise Abort("Cannot connect to tape host `%s'" % name.split(":")[0])
    try:
        return os.open(device.local(name) if tape.is_tape(name) else name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError as error:
        raise Abort("Cannot open output `%s': %s" % (name, os.strerror(error.errno))) from None


def dump(call, level, found, operand):
    """Dump one device; returns the exit status."""
    special, point = source(call.store, operand)
    if not device.is_block(special):
        raise Abort("Cannot open dump device `%s': No such file or directory" % special)
    if device.superblock(special) is None:
        raise Abort("Warning - super-block on device `%s' is corrupt - run fsck" % special)
    if "v" in found and found.get("f") == "-":
        raise Abort("Cannot verify when dumping to standard out.")
    name, now = found.get("N", special), int(time.time())
    last = dumpdates.last(name, level)
    if point is not None:
        blocks.flush(point)  # as root it rolls the log of what it dumps
    directory = namespace.mount_copy(call.store, special)
    total = estimate(directory, last[1])
    if "S" in found:
        call.out("%d\n" % total)
        return 0
    return write(call, found, (level, last, name, now), (special, point, directory, total))


def introduce(call, level, last, now, special, point, target):
    """The messages before the data."""
    say(call, "Date of this level %d dump: %s" % (level, time.ctime(now)))
    say(call, "Date of last level %d dump: %s" % (last[0], time.ctime(last[1]) if last[1] else "the epoch"))
    place_text = "%s (%s:%s)" % (special, place.HOST, point) if point else special
    say(call, "Dumping %s to %s." % (place_text, "standard output" if target == "-" else target))
    say(call, "Mapping (Pass I) [regular files]")
    say(call, "Mapping (Pass II) [directories]")
    say(call, "Writing %d Kilobyte records" % RECORD)


def stream(out, target, head, directory, since):
    """Write header and tar to the output, in records if it is a tape; True if it is all there."""
    pid = None
    if tape.is_tape(target):
        out, pid = tape.writer(out)
    try:
        os.write(out, head)
        whole = tar(directory, since, out)
    except OSError:
        return False
    if pid is not None:
        os.close(out)
        return os.waitpid(pid, 0)[1] == 0 and whole
    return whole


def write(call, found, what, where):
    """Write header and data, say what happened, note the date."""
    level, last, name, now = what
    special, point, directory, total = where
    target = found.get("f", "/dev/rmt/0")
    introduce(call, level, last, now, special, point, target)
    say(call, "Estimated %d blocks (%s)." % (total // 512, size_text(total)))
    out = open_output(target)
    begun = time.monotonic()
    say(call, "Dumping (Pass III) [directories]")
    say(call, "Dumping (Pass IV) [regular files]")
    label = found.get("L") or point or "an unlisted file system"
    if not stream(out, target, header(level, last, label, now), directory, last[1]):
        raise Abort("Write error on `%s'" % target)
    written = os.lseek(out, 0, os.SEEK_CUR) if os.path.isfile(target) and not tape.is_tape(target) else total
    seconds = max(time.monotonic() - begun, 0.001)
    say(call, "%d blocks (%s) on 1 volume at %d KB/sec" % (written // 512, size_text(written), written / 1024 / seconds))
    say(call, "DUMP IS DONE")
    if "u" in found:
        note(call, name, level, now)
    return 0


def note(call, name, level, now):
    """Enter the dump into /etc/dumpdates; a missing file is only a warning."""
    try:
        dumpdates.record(name, level, now)
    except OSError as error:
        say(call, "Cannot access dump record file `/etc/dumpdates' for update: %s" % os.strerror(error.errno))
        return
    say(call, "Level %d dump on %s" % (level, time.ctime(now)))


def main(call):
    """Run ufsdump."""
    try:
        level, found, operands = parse(call.args)
        if "w" in found or "W" in found:
            for name, number, seconds in dumpdates.read():
                call.out("  %s\t(%s) Last dump: Level %d, Date %s\n" % (name, "", number, time.ctime(seconds)))
            return 0
        if not operands:
            raise Abort("usage")
        return dump(call, level, found, operands[0])
    except Abort as problem:
        if str(problem) == "usage":
            call.err("usage: ufsdump [0123456789acDfLNnSouvwW [argument]] filesystem\n")
        else:
            say(call, str(problem))
            say(call, "The ENTIRE dump is aborted.")
        return ABORT
    except OSError as error:
        say(call, "%s" % error)
        say(call, "The ENTIRE dump is aborted.")
        return STARTUP
    finally:
        sys.stdout.flush()
