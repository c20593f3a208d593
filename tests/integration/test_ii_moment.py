# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Five volumes at one point in time: what a writer has put on one after the other is in all shadows as far as it was, and no further."""

from types import SimpleNamespace

import pytest
from hosts import wait
from shadows import LONG, assert_home, fresh, images, member, play, variables

FIVE = [{key: value for key, value in member(number).items() if key != "filesystem"} for number in range(1, 6)]
SHADOWS, MASTERS = ([entry[key] for entry in FIVE] for key in ("shadow", "master"))
# The same rising number onto each device in turn, each time to the disk, and a pause after each. So in a cut of all at one
# moment the numbers fall by one at most, once, somewhere in the row.
WRITER = """
import os, sys, time
devices = [os.open(path, os.O_WRONLY) for path in sys.argv[1:]]
number = 0
while True:
    number += 1
    for fd in devices:
        os.pwrite(fd, b"%012d" % number, 0)
        os.fsync(fd)
        time.sleep(0.08)
"""


def numbers(host, paths):
    """What stands at the begin of each of them."""
    return [int(host.out("dd", "if=" + path, "bs=512", "count=1", "status=none")[:12].strip("\0") or 0) for path in paths]


def is_one_moment(found):
    return found == sorted(found, reverse=True) and found[0] - found[-1] <= 1


@pytest.fixture(scope="module")
def five(lab):
    """Five sets of a group on raw volumes, and a writer at work on all masters."""
    primary, reader = fresh(lab)
    for point in ("/vol01", "/vol02"):
        primary.run("umount", point)
    primary.module("ii_set", state="enabled", members=FIVE, group="Backup1", confirm=SHADOWS)
    wait(lambda: not primary.module("ii_info")["in_progress"], "the sets made", LONG)
    primary.write("/root/writer.py", WRITER)
    writer = primary.start("python3", "/root/writer.py", *MASTERS)
    wait(lambda: numbers(primary, MASTERS)[-1] > 0, "the first round")
    yield SimpleNamespace(primary=primary, reader=reader)
    primary.kill("writer.py")
    writer.communicate()


def updated(host, name, **options):
    """Update all shadows in a run of its own, and let it go."""
    run = host.module("backup_run", state="opened", name=name, manager="ii", members=[])["run"]
    done = host.module("ii_copy", run=run, state="updated", members=FIVE, **options)
    seen = numbers(host, SHADOWS)
    wait(lambda: not host.module("ii_info")["in_progress"], "the shadows complete", LONG)
    host.module("ii_copy", run=run, state="released")
    host.module("backup_run", run=run, state="closed", result="failed")
    return done, seen


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"group": "Backup1"}, {}], ids=["group", "list"])
def test_all_shadows_are_of_one_moment_while_the_writer_goes_on(five, options):
    host, before = five.primary, 0
    for turn in range(4):
        done, seen = updated(host, "turn%d" % turn, **options)
        assert is_one_moment(seen), seen
        # Still what they were when the copying began to run, and another moment each time.
        assert numbers(host, SHADOWS) == seen and seen[0] > before and done["verdict"] == "crash"
        assert [len(command["argv"]) for command in done["commands"]] == [5 if options else 8]
        before = seen[0]
    wait(lambda: numbers(host, MASTERS)[0] > before, "the writer going on")


@pytest.mark.slow
def test_one_after_the_other_would_not_be_one_moment(five):
    """So the writer would tell."""
    host = five.primary
    for shadow in SHADOWS:
        host.run("iiadm", "-u", "s", shadow)
        now = numbers(host, MASTERS)[0]
        wait(lambda: numbers(host, MASTERS)[0] > now + 1, "the writer going on")  # noqa: B023
    assert not is_one_moment(numbers(host, SHADOWS))
    wait(lambda: not host.module("ii_info")["in_progress"], "the shadows complete", LONG)


@pytest.mark.slow
def test_the_images_on_the_reader_are_of_one_moment(lab, five):
    play(lab, "backup", variables(*FIVE))
    record = five.reader.record()
    assert (record["result"], record["verdict"], len(images(five.reader, record))) == ("complete", "crash", 5)
    manifest = five.reader.json(record["image"])
    files = {image["volume"]: "%s/%s" % (record["image"].rpartition("/")[0], image["file"]) for image in manifest["images"]}
    found = numbers(five.reader, [files["production/vol%02d" % number] for number in range(1, 6)])
    assert is_one_moment(found) and found[0] > 0, found
    assert_home(five.primary, five.reader, *["vol%02d" % number for number in range(1, 6)])


@pytest.mark.slow
def test_a_torn_update_leaves_void_shadows_that_nobody_exports_or_stores(five):
    host = five.primary
    nth = nth_of_update(host)
    run = host.module("backup_run", state="opened", name="torn", manager="ii", members=[])["run"]
    host.fault("iiadm", "lie-fail", nth=nth)
    message = host.refused("ii_copy", run=run, state="updated", members=FIVE, group="Backup1")["msg"]
    host.simctl("fault", "clear")
    assert "void" in message and host.record(run)["verdict"] == "torn"
    wait(lambda: not host.module("ii_info")["in_progress"], "the copying ended", LONG)
    assert {one["void"] for one in host.module("ii_info")["sets"].values()} == {run}
    assert "not proved" in host.refused("ii_set", run=run, state="exported", members=FIVE)["msg"]
    restore = host.refused("backup_run", state="opened", kind="restore", name="torn", manager="ii", source_run=run, members=[])
    assert "cannot be restored from" in restore["msg"]
    host.module("backup_run", run=run, state="closed", result="failed")
    _done, seen = updated(host, "again", group="Backup1")
    assert is_one_moment(seen) and {one["void"] for one in host.module("ii_info")["sets"].values()} == {None}


def nth_of_update(host):
    """Which of the calls of iiadm the update is, as a run that ends well shows."""
    host.forget()
    updated(host, "rehearsal", group="Backup1")
    return 1 + next(at for at, call in enumerate(call for call in host.journal() if call.words[0] == "iiadm") if "-u" in call.words)
