# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metadetach, metattach, metainit, metaclear, metaparam: states, data, refusals."""

import os
import subprocess
import time

THREE = {"resync_speed": "10 GiB", "mirrors": {"d1": {
    "size": "16 MiB", "submirrors": {"d2": "c1t0d0s0", "d3": "c1t1d0s0", "d4": "c1t2d0s0"}}}}


def test_detached_is_a_writable_volume_of_its_own(svm):
    svm.write("d1", b"shared")
    assert svm.ok("metadetach", "d1", "d3") == "d1: submirror d3 is detached\n"
    svm.write("d3", b"mine")
    assert (svm.read("d3", size=6), svm.read("d1", size=6)) == (b"mineed", b"shared")
    assert svm.ok("metastat", "-p") == "d1 -m /dev/md/rdsk/d2 1\nd2 1 1 /dev/rdsk/c1t0d0s0\nd3 1 1 /dev/rdsk/c1t1d0s0\n"


def test_attach_copies_everything(svm):
    svm.write("d1", b"a" * (2 << 20))
    svm.ok("metadetach", "d1", "d3")
    svm.write("d3", b"z" * (2 << 20))
    svm.ctl("resync-speed", "stall")
    assert svm.ok("metattach", "d1", "d3") == "d1: submirror d3 is attached\n"
    text = svm.ok("metastat", "d1")
    assert "d3: Submirror of d1\n    State: Resyncing    \n" in text
    assert "\tc1t1d0s0          0     No            Okay   Yes \n" in text, "components stay Okay during an attach resync"
    assert svm.read("d3", size=4) == b"zzzz"
    svm.ctl("resync-speed", "10GiB")
    assert "d2 d3\n" in svm.settle()
    assert svm.show()["svm"]["resyncs"][-1]["total"] == 32 << 20
    svm.ok("metaoffline", "d1", "d3")
    assert svm.read("d3", 0, 2 << 20) == b"a" * (2 << 20)


def test_full_resync_takes_its_time(svm):
    svm.ok("metadetach", "d1", "d3")
    svm.ctl("resync-speed", 16 << 20)
    begun = time.monotonic()
    svm.ok("metattach", "d1", "d3")
    svm.settle()
    assert 1.9 < time.monotonic() - begun < 3.5


def test_slots_move_down(host):
    host.apply({"svm": THREE})
    host.ok("metadetach", "d1", "d3")
    assert [(row["slot"], row["name"]) for row in host.show()["svm"]["mirrors"]["d1"]["submirrors"]] == [(0, "d2"), (1, "d4")]
    assert "    Submirror 1: d4\n" in host.ok("metastat", "d1")
    host.ok("metattach", "d1", "d3")
    assert host.settle().startswith("d1               m   16MB d2 d4 d3\n")


def test_offlined_one_can_be_detached_and_keeps_its_image(svm):
    svm.write("d1", b"old")
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"new")
    svm.ok("metadetach", "d1", "d3")
    assert svm.read("d3", size=3) == b"old"


def test_refusals(svm):
    assert svm.refused("metattach", "d1", "d3") == "metattach: node1: d3: metadevice in use\n\n"
    assert svm.refused("metattach", "d1", "d9") == "metattach: node1: d9: unit not set up\n\n"
    assert svm.refused("metadetach", "d1", "d9") == "metadetach: node1: d1: can't find submirror in mirror\n\n"
    svm.ok("metaoffline", "d1", "d3")
    error = "metadetach: node1: d1: operation would result in no readable submirrors\n\n"
    assert svm.refused("metadetach", "d1", "d2") == svm.refused("metadetach", "-f", "d1", "d2") == error
    svm.ok("metadetach", "d1", "d3")
    assert svm.refused("metadetach", "d1", "d2") == "metadetach: node1: d1: attempt to detach last running submirror\n\n"
    assert svm.refused("metaoffline", "d1", "d2") == (
        "metaoffline: node1: d1: operation would result in no readable submirrors\n\n")
    holder = subprocess.Popen(["python3", "-c", "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL); print(1, flush=True);"
                               "sys.stdin.read()", str(svm.device("d3"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    assert svm.refused("metattach", "d1", "d3") == "metattach: node1: d3: metadevice is open\n\n"
    holder.communicate()


def test_erred_submirror_is_detached_by_force_only(svm):
    svm.ctl("fail-disk", "c1t1d0s0")
    assert svm.refused("metadetach", "d1", "d3") == (
        "metadetach: node1: d1: attempt an operation on a submirror that has erred components\n\n")
    assert svm.ok("metadetach", "-f", "d1", "d3") == "d1: submirror d3 is detached\n"
    assert "maint" not in svm.ok("metastat", "-c")


def test_roll_back_to_the_frozen_half(ufs):
    """The mirror is made again from the offlined submirror, then the other one is attached to it."""
    (ufs.point / "file").write_text("good")
    ufs.ok("lockfs", "-w", ufs.point)
    ufs.ok("metaoffline", "d1", "d3")
    ufs.ok("lockfs", "-u", ufs.point)
    (ufs.point / "file").write_text("bad")
    ufs.ok("umount", ufs.point)
    assert ufs.refused("metadetach", "-f", "d1", "d2") == (
        "metadetach: node1: d1: operation would result in no readable submirrors\n\n")
    ufs.ok("metadetach", "d1", "d3")
    assert ufs.ok("metaclear", "d1") == "d1: Mirror is cleared\n"
    assert ufs.ok("metainit", "d1", "-m", "d3") == "d1: Mirror is setup\n"
    ufs.ok("mount", "-F", "ufs", "/dev/md/dsk/d1", ufs.point)
    assert (ufs.point / "file").read_text() == "good"
    assert ufs.ok("metattach", "d1", "d2") == "d1: submirror d2 is attached\n"
    assert ufs.settle().startswith("d1               m   32MB d3 d2\n")


def test_metaclear_refusals(ufs):
    assert ufs.refused("metaclear", "d1") == "metaclear: node1: d1: metadevice is open\n\n"
    assert ufs.refused("metaclear", "d3") == "metaclear: node1: d3: metadevice in use\n\n"
    ufs.ok("umount", ufs.point)
    ufs.ok("metaoffline", "d1", "d3")
    assert ufs.refused("metaclear", "d1") == (
        "metaclear: node1: d1: attempted to clear mirror with submirror(s) in invalid state\n\n")
    assert ufs.ok("metaclear", "-f", "-r", "d1") == (
        "d1: Mirror is cleared\nd2: Concat/Stripe is cleared\nd3: Concat/Stripe is cleared\n")
    assert ufs.ok("metastat", "-p") == ""


def test_metainit_keeps_data_and_warns(svm):
    svm.write("d1", b"kept")
    svm.ok("metadetach", "d1", "d3")
    svm.ok("metaclear", "d3")
    assert svm.ok("metainit", "d3", "1", "1", "c1t1d0s0") == "d3: Concat/Stripe is setup\n"
    assert svm.read("d3", size=4) == b"kept"
    assert svm.refused("metainit", "d3", "1", "1", "c5t1d0s0") == "metainit: node1: d3: unit already set up\n\n"
    svm.ok("metaclear", "d1")
    done = svm.run("metainit", "d1", "-m", "d2", "d3", "-r", "2")
    assert (done.returncode, done.stdout) == (0, "d1: Mirror is setup\n")
    assert done.stderr == ("metainit: d1: WARNING: This form of metainit is not recommended.\n"
                           "The submirrors may not have the same data.\n"
                           "Please see ERRORS in metainit(1M) for additional information.\n")
    assert svm.ok("metastat", "-p", "d1").startswith("d1 -m /dev/md/rdsk/d2 /dev/md/rdsk/d3 -r 2\n")


def test_metaparam(svm):
    assert svm.ok("metaparam", "-r", "first", "-p", "0", "d1") == ""
    assert "    Pass: 0\n    Read option: first (-r)\n" in svm.ok("metastat", "d1")


def test_the_detach_form_of_a_backup(ufs, tmp_path):
    """lockfs, metadetach, lockfs -u; fsck may repair; a reboot changes nothing; the attach is refused while it is in use."""
    (ufs.point / "file").write_text("then")
    ufs.ok("lockfs", "-w", ufs.point)
    ufs.ok("metadetach", "d1", "d3")
    ufs.ok("lockfs", "-u", ufs.point)
    (ufs.point / "file").write_text("now")
    assert ufs.run("fsck", "-F", "ufs", "-m", "/dev/md/rdsk/d3").returncode == 0
    assert "NO WRITE" not in ufs.ok("fsck", "-F", "ufs", "-y", "/dev/md/rdsk/d3")
    ufs.ctl("reboot", "--no-kill")
    ufs.ok("mount", "-F", "ufs", "-o", "ro", "/dev/md/dsk/d3", tmp_path)
    assert ((tmp_path / "file").read_text(), (ufs.point / "file").read_text()) == ("then", "now")
    assert ufs.refused("metattach", "d1", "d3") == "metattach: node1: d3: is mounted on %s\n\n" % tmp_path
    ufs.ok("umount", tmp_path)
    ufs.ctl("resync-speed", "stall")
    ufs.ok("metattach", "d1", "d3")
    assert ufs.show()["svm"]["resyncs"][-1]["total"] == 32 << 20
    assert "d3 (resync-0%)" in ufs.ok("metastat", "-c")


def test_a_reader_keeps_a_volume_open(svm):
    svm.ok("metadetach", "d1", "d3")
    fd = os.open(svm.device("d3"), os.O_RDONLY)
    assert svm.refused("metattach", "d1", "d3") == "metattach: node1: d3: metadevice is open\n\n"
    assert svm.refused("metaclear", "d3") == "metaclear: node1: d3: metadevice is open\n\n"
    os.close(fd)
    svm.ok("metattach", "d1", "d3")


def test_three_way(host):
    """The third submirror is split while two keep the mirror redundant; two may be away, the last one may not."""
    host.apply({"svm": {"resync_speed": "10 GiB", "mirrors": {"d1": {"size": "32 MiB", "submirrors": {
        "d2": "c1t0d0s0", "d3": "c1t1d0s0", "d4": "c1t2d0s0"}}}}})
    host.write("d1", b"one")
    host.ok("metaoffline", "d1", "d4")
    host.write("d1", b"two")
    host.ok("metaoffline", "d1", "d3")
    host.write("d1", b"now")
    assert [host.read(name, size=3) for name in ("d2", "d3", "d4")] == [b"now", b"two", b"one"]
    assert host.refused("metaoffline", "d1", "d2").endswith("operation would result in no readable submirrors\n\n")
    assert host.ok("metastat", "-c", "d1").startswith("d1               m   32MB d2 d3 (offline) d4 (offline)\n")
    host.ctl("resync-speed", "stall")
    host.ok("metaonline", "d1", "d3")
    assert host.refused("metaonline", "d1", "d4") == "metaonline: node1: d1: resync in progress\n\n"
    assert host.refused("metadetach", "d1", "d4") == "metadetach: node1: d1: resync in progress\n\n"
    assert "Invoke: metaonline" not in host.ok("metastat", "d1")
    host.ctl("resync-speed", "10 GiB")
    host.settle()
    host.ok("metadetach", "d1", "d4")
    assert host.read("d4", size=3) == b"one"


def test_metasync_with_a_wrong_name(svm):
    done = svm.run("metasync", "d1", "d9")
    assert (done.returncode, done.stderr) == (255, "metasync: node1: d9: unit not set up\n\n")
