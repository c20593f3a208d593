# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metadb: replicas in order, failed, stale, of a disk set."""

HEADER = "\tflags\t\tfirst blk\tblock count\n"
MASTER = "     a m  p  luo    \t16\t\t8192\t\t/dev/dsk/c0t0d0s7\n"
SECOND = "     a    p  luo    \t8208\t\t8192\t\t/dev/dsk/c0t0d0s7\n"
OTHERS = "     a    p  luo    \t16\t\t8192\t\t/dev/dsk/c0t1d0s7\n     a    p  luo    \t8208\t\t8192\t\t/dev/dsk/c0t1d0s7\n"
UNREADABLE = "    M     p         \tunknown\t\tunknown\t\t/dev/dsk/%s\n"


def test_all_is_well(svm):
    assert svm.ok("metadb") == HEADER + MASTER + SECOND + OTHERS
    legend = svm.ok("metadb", "-i")
    assert legend.startswith(HEADER + MASTER) and legend.count("\n") == 5 + 16
    assert legend.endswith(" B - tagged data associated with the replica is not valid\n")


def test_a_failed_disk(svm):
    svm.ctl("fail-disk", "c0t0d0")
    assert svm.ok("metadb") == HEADER + (
        "      W   p  luo    \t16\t\t8192\t\t/dev/dsk/c0t0d0s7\n      W   p  luo    \t8208\t\t8192\t\t/dev/dsk/c0t0d0s7\n"
    ) + OTHERS.replace("a  ", "a m", 1)


def test_stale(svm):
    svm.ctl("set", "stale", "on")
    names = ["c0t0d0s7", "c0t1d0s7", "c0t1d0s7"]
    assert svm.ok("metadb") == HEADER + MASTER + "".join(UNREADABLE % name for name in names)
    assert svm.refused("metaoffline", "d1", "d3") == "metaoffline: node1: stale databases\n\n"


def test_no_majority_without_quorum(host):
    host.apply({"svm": {"replicas": ["c0t0d0s7", "c0t1d0s7", "c0t2d0s7"], "stale": True}})
    assert host.ok("metadb").count("unknown\t\tunknown") == 2


def test_services_and_usage(svm):
    svm.ctl("set", "smf", "off")
    done = svm.run("metadb")
    assert (done.returncode, done.stdout) == (1, HEADER + MASTER + SECOND + OTHERS) and "not online in SMF" in done.stderr
    assert svm.run("metadb", "-z").stderr.startswith("usage:")


def test_of_a_disk_set(two):
    first, second = two
    assert first.ok("metadb", "-s", "blue") == HEADER + (
        "     a m     luo    \t16\t\t8192\t\t/dev/dsk/c1t0d0s7\n     a       luo    \t16\t\t8192\t\t/dev/dsk/c1t1d0s7\n")
    assert second.refused("metadb", "-s", "blue") == "metadb: node2: blue: must be owner of the set for this command\n\n"


def test_without_a_database(host):
    host.apply({"tape": {"drives": [None]}})
    assert host.refused("metadb") == "metadb: node1: there are no existing databases\n\n"
