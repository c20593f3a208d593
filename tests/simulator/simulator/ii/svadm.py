# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""svadm(1M): storage volumes."""
import os

from simulator.core import place
from simulator.ii import cli, copying, data, model, sv
from simulator.ufs import device

FAILURE = 1
USAGE = """Usage: svadm [-C tag]
       svadm [-C tag] -i
       svadm [-C tag] -v
       svadm [-C tag] -e { -f file | volume }
       svadm [-C tag] -d { -f file | volume }
       svadm [-C tag] -r { -f file | volume }
"""
VERSION = "Storage Volume version 11.11\n"


def warn(call, text):
    """A warning; the exit status it stands for."""
    call.err("svadm: warning: %s\n" % text)
    return 1


def error(text, rc=1):
    """A refusal."""
    return model.Failure("svadm: error: %s\n" % text, rc)


def enable(call, path):
    """Put a volume under SV; one that is there already is fine."""
    if not os.path.exists(device.local(path)):
        return warn(call, "unable to access %s: No such file or directory" % path)
    if data.number(path) is None or "/rdsk/" not in path:
        return warn(call, "%s is not a character device - ignored" % path)
    known = sv.alias(call.store, path)
    if known is not None:
        raise error("'%s' has already been configured as '%s'.  Re-enter command with the latter name." % (path, known))
    if not sv.enable(call.store, path, "sv"):
        call.err("svadm: warning: unable to enable %s\n%s\n" % (path, "\n".join(sv.FAILED)))
        return 1
    return 0


def disable(call, path):
    """Take a volume from under SV, also if others need it: then its writes are not seen any more."""
    row = sv.find(call.store, path)
    if row is None or "sv" not in row["users"].split():
        warn(call, "%s was not found in the config storage" % path)
        if row is None:
            call.err("svadm: warning: unable to disable %s\nSV: Device not enabled\n" % path)
        else:
            stop(call, row)
        return 1
    if row["users"] != "sv":
        stop(call, row)
        sv.leave(call.store, path, "sv")
        return warn(call, "unable to remove %s from dsvol" % path)
    sv.leave(call.store, path, "sv")
    return 0


def stop(call, row):
    """The driver sees no more writes to a volume."""
    call.store.db.execute("UPDATE ii_sv SET kernel=0 WHERE host=? AND path=?", (place.HOST, row["path"]))


def reconfigure(call, path):
    """Disable and enable again."""
    if sv.find(call.store, path) is None:
        return enable(call, path)
    call.out("svadm: disabling sv: %s\nsvadm: enabling new sv: %s\n" % (path, path))
    return 0


def listing(call, located):
    """What is under SV."""
    for row in sv.rows(call.store):
        call.out("%-32s%s\n" % (row["path"], " [local to node]" if located else ""))


def read_list(name):
    """Paths in a file, one a line."""
    try:
        with open(name) as handle:
            words = [line.split("#")[0].split() for line in handle]
    except OSError:
        raise error("cannot read config file %s" % name) from None
    return [line[0] for line in words if line]


def usage():
    """A bad command line."""
    return model.Failure(USAGE, 2)


def parse(args):
    """(action letter or None, operands)"""
    found, args = {}, list(args)
    while args and args[0].startswith("-"):
        for letter in args.pop(0)[1:]:
            if letter == "C":
                raise error("-C is not valid when not in a cluster")
            if letter not in "defhirv" or letter == "f" and not args:
                raise usage()
            found[letter] = args.pop(0) if letter == "f" else True
    actions = [letter for letter in "der" if letter in found]
    if len(actions) > 1:
        raise error("-d, -e and -r are mutually exclusive", 2)
    if "f" in found and not actions:
        raise error("-f is only valid with -d, -e or -r", 2)
    operands = read_list(found["f"]) if "f" in found else args
    if "f" not in found and (len(operands) != 1 if actions else operands):
        raise usage()
    shown = [letter for letter in "hvi" if letter in found]
    return (actions + shown + [None])[0], operands


ACTIONS = {"e": enable, "d": disable, "r": reconfigure}


def work(call):
    """Parse and do."""
    action, operands = parse(call.args)
    if action == "h":
        call.err(USAGE)
    elif action == "v":
        call.out(VERSION)
    elif action in (None, "i"):
        listing(call, action == "i")
    else:
        with call.store.transaction():
            copying.advance(call.store)
        with call.store.transaction():
            results = [ACTIONS[action](call, path) for path in operands]
            copying.advance(call.store)
        return max(results, default=0)
    return 0


def main(call):
    """svadm."""
    if call.store is None or model.host(call.store) is None:
        call.err("svadm: error: unable to open /dev/sv: No such file or directory\n")
        return 1
    return cli.run(call, work)


without_state = main
