# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Soft partitions on a mirror: output, refusals, and their data in a split half."""

import os
import subprocess

import pytest

REPORT = """d100: Soft Partition
    Device: d1
    State: Okay
    Size: 32768 blocks (16 MB)
\tExtent              Start Block              Block count
\t     0                        1                    32768

d1: Mirror
    Submirror 0: d2
"""


@pytest.fixture
def soft(svm):
    """The mirror d1 with soft partitions d100 (16 MiB) and d101 (8 MiB)."""
    assert svm.ok("metainit", "d100", "-p", "d1", "16m") == "d100: Soft Partition is setup\n"
    assert svm.ok("metainit", "d101", "-p", "/dev/md/rdsk/d1", "16384b") == "d101: Soft Partition is setup\n"
    return svm


def test_report(soft):
    text = soft.ok("metastat")
    assert text.startswith(REPORT)
    assert text.count("d1: Mirror") == 1 and text.index("d101: Soft Partition") > text.index("d3: Submirror of d1")
    assert "c1t0d0   Yes  \t" in text
    assert soft.ok("metastat", "d101").startswith("d101: Soft Partition\n    Device: d1\n")


def test_md_tab_and_concise(soft):
    assert soft.ok("metastat", "-p") == (
        "d100 -p /dev/md/rdsk/d1 -o 1 -b 32768 \nd1 -m /dev/md/rdsk/d2 /dev/md/rdsk/d3 1\n"
        "d2 1 1 /dev/rdsk/c1t0d0s0\nd3 1 1 /dev/rdsk/c1t1d0s0\nd101 -p /dev/md/rdsk/d1 -o 32770 -b 16384 \n")
    assert soft.ok("metastat", "-c") == (
        "d100             p   16MB d1\nd101             p  8.0MB d1\n    d1           m   32MB d2 d3\n"
        "        d2       s   32MB c1t0d0s0\n        d3       s   32MB c1t1d0s0\n")
    soft.ctl("set", "names", "short")
    assert soft.ok("metastat", "-p", "d101").startswith("d101 -p d1 -o 32770 -b 16384 \nd1 -m d2 d3 1\n")


def test_pieces_do_not_overlap_and_a_split_holds_them(soft):
    soft.write("d100", b"old A")
    soft.write("d101", b"old B")
    soft.ok("metaoffline", "d1", "d3")
    soft.write("d100", b"new A")
    soft.write("d101", b"new B", offset=(8 << 20) - 512)
    assert (soft.read("d3", 512, 5), soft.read("d3", 32770 * 512, 5)) == (b"old A", b"old B")
    argv = ["dd", "if=%s" % soft.device("d3"), "skip=32770", "count=16384", "status=none"]
    piece = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
    assert piece[:5] == b"old B" and len(piece) == 8 << 20 and set(piece[5:]) == {0}
    soft.ok("metaonline", "d1", "d3")
    soft.settle()
    assert (soft.read("d3", 512, 5), soft.read("d3", (32770 + 16383) * 512, 5)) == (b"new A", b"new B")
    assert os.stat(soft.device("d100")).st_rdev != os.stat(soft.device("d1")).st_rdev


def test_what_is_below_cannot_be_written_or_cleared(soft):
    assert "Read-only file system" in soft.run("dd", "if=/dev/zero", "of=%s" % soft.device("d1"), "count=1").stderr
    assert soft.refused("metaclear", "d1") == "metaclear: node1: d1: metadevice in use\n\n"
    assert soft.ok("metaclear", "d100") == "d100: Soft Partition is cleared\n"
    assert soft.refused("metaclear", "d1") == "metaclear: node1: d1: metadevice in use\n\n"
    assert soft.ok("metaclear", "-p", "d1") == "d101: Soft Partition is cleared\n"
    soft.write("d1", b"x")
    assert soft.ok("metaclear", "d1") == "d1: Mirror is cleared\n"


def test_recursive_clear_and_clear_all(soft):
    assert soft.ok("metaclear", "-r", "d100") == "d100: Soft Partition is cleared\n"
    assert soft.ok("metaclear", "-r", "d101") == (
        "d101: Soft Partition is cleared\nd1: Mirror is cleared\nd2: Concat/Stripe is cleared\nd3: Concat/Stripe is cleared\n")


def test_clear_all(soft):
    soft.ok("metaclear", "-a")
    assert soft.ok("metastat", "-p") == ""


def test_refusals(soft):
    for words, text in (
        (["d102", "-p", "d1", "1g"], "d1: not enough space available for request"),
        (["d102", "-p", "d1", "-o", "100", "-b", "10"], "d1: overlapping extents specified"),
        (["d102", "-p", "d1", "-o", "65530", "-b", "10"], "d1: not enough space available for request"),
        (["d102", "-p", "d2", "1m"], "d2: invalid unit"),
        (["d102", "-p", "d100", "1m"], "d100: invalid unit"),
        (["d102", "-p", "d9", "1m"], "d9: unit not set up"),
        (["d100", "-p", "d1", "1m"], "d100: unit already set up"),
        (["d50", "-m", "d1"], "d1: invalid unit"),
    ):
        assert soft.refused("metainit", *words) == "metainit: node1: %s\n\n" % text
    assert soft.run("metainit", "d102", "-p", "d1", "7x").stderr.startswith("usage:")
    assert soft.refused("metaoffline", "d100", "d3") == "metaoffline: node1: d100: unit is not a mirror\n\n"


def test_the_rest(soft):
    soft.ok("metainit", "d102", "-p", "d1", "all")
    assert soft.show()["svm"]["soft_partitions"]["d102"]["blocks"] == 65536 - 1 - 32769 - 16385 - 1
    soft.ok("metaclear", "d100")
    soft.ok("metainit", "d103", "-p", "d1", "-o", "1", "-b", "100")
    assert "-o 1 -b 100 \n" in soft.ok("metastat", "-p", "d103")


def test_a_mounted_mirror_gets_no_soft_partitions(ufs):
    assert ufs.refused("metainit", "d100", "-p", "d1", "1m") == "metainit: node1: d1: is mounted on %s\n\n" % ufs.point


@pytest.fixture
def with_ufs(host):
    """Two file systems on soft partitions of one mirror, from the topology."""
    host.points = [host.directory / "one", host.directory / "two"]
    host.apply({
        "svm": {
            "resync_speed": "10 GiB",
            "mirrors": {"d1": {"size": "64 MiB", "submirrors": {"d2": "c1t0d0s0", "d3": "c1t1d0s0"}}},
            "soft_partitions": {"d100": {"base": "d1", "size": "24 MiB"}, "d101": {"base": "d1", "size": "24 MiB"}},
        },
        "ufs": {str(host.points[0]): "/dev/md/dsk/d100", str(host.points[1]): "/dev/md/dsk/d101"},
    })
    return host


def test_file_systems(with_ufs, tmp_path):
    host = with_ufs
    for point in host.points:
        (point / "file").write_text("old")
        host.ok("lockfs", "-w", point)
    host.ok("metaoffline", "d1", "d3")
    for point in host.points:
        host.ok("lockfs", "-u", point)
        (point / "file").write_text("new")
    for name, start in (("one", 1), ("two", 49154)):
        piece = tmp_path / name
        subprocess.run(["dd", "if=%s" % host.device("d3"), "of=%s" % piece, "skip=%d" % start, "count=49152", "status=none"], check=True)
        argv = ["debugfs", "-R", "cat file", piece]
        assert subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout == b"old"
    host.ctl("reboot", "--no-kill")
    assert [(point / "file").read_text() for point in host.points] == ["new", "new"]


def test_a_dump_reads_its_own_piece(with_ufs, tmp_path):
    host = with_ufs
    (host.points[1] / "file").write_text("two")
    host.run("umount", host.points[1])
    dump = tmp_path / "dump"
    assert host.run("ufsdump", "0f", dump, "/dev/md/rdsk/d101").returncode == 0
    assert "./file" in host.ok("ufsrestore", "tf", dump)
