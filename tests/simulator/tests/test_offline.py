# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metaoffline(1M) and metaonline(1M): data, dirty regions, refusals."""

import errno
import os
import time

import pytest

REGION = 102400


def first_words(text):
    """The line of the mirror in metastat -c."""
    return text.splitlines()[0].split("32MB ")[1]


def test_the_cut_stands_still(svm):
    svm.write("d1", b"before")
    assert svm.ok("metaoffline", "d1", "d3") == "d1: submirror d3 is offlined\n"
    svm.write("d1", b"after ")
    assert svm.read("d1", size=6) == svm.read("d2", size=6) == b"after "
    assert svm.read("d3", size=6) == b"before"


def test_the_cut_has_what_was_written_to_the_raw_device_a_moment_ago(svm):
    """A write to a raw device of SVM is on disk when it returns; here the kernel may still cache it."""
    fd = os.open(svm.device("d1"), os.O_WRONLY)
    os.pwrite(fd, b"fresh", 1 << 20)
    svm.ok("metaoffline", "d1", "d3")
    os.pwrite(fd, b"later", 1 << 20)
    os.close(fd)
    assert (svm.read("d3", 1 << 20, 5), svm.read("d1", 1 << 20, 5)) == (b"fresh", b"later")


def test_attached_submirrors_show_the_mirror(svm):
    svm.write("d1", b"live", offset=1 << 20)
    assert svm.read("d2", 1 << 20, 4) == svm.read("d3", 1 << 20, 4) == b"live"


@pytest.mark.parametrize("offline", [True, False])
def test_nobody_writes_to_a_submirror(svm, offline):
    if offline:
        svm.ok("metaoffline", "d1", "d3")
    with pytest.raises(OSError) as caught:
        svm.write("d3", b"x" * 512)
    assert caught.value.errno in (errno.EROFS, errno.EPERM)
    done = svm.run("dd", "if=/dev/zero", "of=%s" % svm.device("d3"), "count=1")
    assert (done.returncode, done.stderr) == (1, "dd: failed to open '%s': Read-only file system\n" % svm.device("d3"))
    assert svm.read("d3", size=4) == b"\0" * 4


def test_only_dirty_regions_are_copied(svm):
    svm.write("d1", b"a" * (4 << 20))
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"b", offset=5)
    svm.write("d1", b"b", offset=10 * REGION + 7)
    svm.write("d1", b"b" * 2, offset=20 * REGION - 1)
    svm.ok("metaonline", "d1", "d3")
    assert first_words(svm.settle()) == "d2 d3"
    row = svm.show()["svm"]["resyncs"][-1]
    assert (row["kind"], row["regions"], row["total"], row["done"], row["status"]) == ("optimized", 4, 4 * REGION, 4 * REGION, "done")
    assert not os.path.exists(svm.machine / "san/volumes/node1/d3.img")


def test_nothing_written_means_nothing_copied(svm):
    svm.ok("metaoffline", "d1", "d3")
    assert svm.ok("metaonline", "d1", "d3") == "d1: submirror d3 is onlined\n"
    assert first_words(svm.ok("metastat", "-c")) == "d2 d3"
    assert svm.show()["svm"]["resyncs"][-1]["total"] == 0


def test_the_image_is_overwritten_region_by_region(svm):
    size = 100 * REGION
    svm.write("d1", b"a" * size)
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"b" * size)
    svm.ctl("resync-speed", 40 * REGION)
    svm.ok("metaonline", "d1", "d3")
    time.sleep(1)
    percent = int(svm.ok("metastat", "-c").split("(resync-")[1].split("%")[0])
    data = svm.read("d3", 0, size)
    copied = data.count(b"b")
    assert 30 <= percent <= 80
    assert copied % REGION == 0 and abs(copied // REGION - percent) <= 1
    assert data == b"b" * copied + b"a" * (size - copied)


def test_writes_during_a_resync_arrive(svm):
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"b" * 10 * REGION)
    svm.ctl("resync-speed", "stall")
    svm.ok("metaonline", "d1", "d3")
    svm.write("d1", b"late", offset=1 << 24)
    svm.ctl("resync-speed", "1GiB")
    svm.settle()
    svm.ok("metaoffline", "d1", "d3")
    assert svm.read("d3", 1 << 24, 4) == b"late"


def test_refusals_of_offline(svm):
    error = "metaoffline: node1: %s\n\n"
    assert svm.refused("metaoffline", "d9", "d3") == error % "d9: unit not set up"
    assert svm.refused("metaoffline", "d2", "d3") == error % "d2: unit is not a mirror"
    assert svm.refused("metaoffline", "d1", "d9") == error % "d1: can't find submirror in mirror"
    svm.ok("metaoffline", "d1", "d3")
    assert svm.refused("metaoffline", "d1", "d3") == error % "d1: attempt operation on a submirror in illegal state"
    assert svm.refused("metaoffline", "d1", "d2") == error % "d1: operation would result in no readable submirrors"
    assert svm.refused("metaoffline", "-f", "d1", "d2") == error % "d1: operation would result in no readable submirrors"


def test_force_on_an_offlined_one_keeps_its_image(svm):
    svm.write("d1", b"first")
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"later")
    assert svm.ok("metaoffline", "-f", "d1", "d3") == "d1: submirror d3 is offlined\n"
    assert svm.read("d3", size=5) == b"first"


def test_refusals_of_online(svm):
    error = "metaonline: node1: %s\n\n"
    assert svm.refused("metaonline", "d1", "d9") == error % "d1: can't find submirror in mirror"
    assert svm.refused("metaonline", "d1", "d3") == error % "d1: attempt operation on a submirror in illegal state"
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"x")
    svm.ctl("resync-speed", "stall")
    svm.ok("metaonline", "d1", "d3")
    assert svm.refused("metaonline", "d1", "d3") == error % "d1: attempt operation on a submirror in illegal state"
    assert svm.refused("metaoffline", "d1", "d3") == "metaoffline: node1: d1: resync in progress\n\n"
    assert svm.refused("metadetach", "d1", "d3") == "metadetach: node1: d1: resync in progress\n\n"


def test_three_way(host):
    host.apply({"svm": {"resync_speed": "stall", "mirrors": {"d1": {
        "size": "16 MiB", "submirrors": {"d2": "c1t0d0s0", "d3": "c1t1d0s0", "d4": "c1t2d0s0"}}}}})
    host.write("d1", b"one")
    host.ok("metaoffline", "d1", "d3")
    host.write("d1", b"two")
    host.ok("metaoffline", "d1", "d4")
    host.write("d1", b"six")
    assert [host.read(name, size=3) for name in ("d2", "d3", "d4")] == [b"six", b"one", b"two"]
    host.ok("metaonline", "d1", "d3")
    assert host.refused("metaonline", "d1", "d4") == "metaonline: node1: d1: resync in progress\n\n"
    text = host.ok("metastat", "d1")
    assert "Invoke" not in text, "suppressed while another submirror resyncs"
    assert "d2 d3 (resync-0%) d4 (offline)\n" in host.ok("metastat", "-c")


def test_usage(svm):
    for name, line in (("metaoffline", "metaoffline [-s setname] [-f] mirror submirror"),
                       ("metaonline", "metaonline [-s setname] mirror submirror")):
        assert svm.refused(name, "d1") == "usage:\t%s\n" % line
        done = svm.run(name, "-h")
        assert (done.returncode, done.stderr) == (0, "usage:\t%s\n" % line)


def test_the_command_lock_makes_others_wait(svm):
    import fcntl
    path = svm.etc / "lvm" / "lock"
    path.parent.mkdir()
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = svm.start("metaoffline", "d1", "d3")
        assert waiting.stderr.readline() == "metaoffline: waiting on /etc/lvm/lock\n"
        assert first_words(svm.ok("metastat", "-c")) == "d2 d3", "metastat does not wait, and nothing has happened"
        fcntl.flock(lock, fcntl.LOCK_UN)
        out, _err = waiting.communicate(timeout=10)
    assert (waiting.returncode, out) == (0, "d1: submirror d3 is offlined\n")


def test_a_failing_disk_breaks_a_resync(svm):
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"x")
    svm.ctl("resync-speed", "stall")
    svm.ok("metaonline", "d1", "d3")
    svm.ctl("fail-disk", "c1t1d0s0")
    assert first_words(svm.ok("metastat", "-c")) == "d2 d3 (offline)"
