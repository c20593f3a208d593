# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxsnap(1M), vxcache(1M), vxmake(1M): instant snapshots of every kind, what they refuse, caches that are too small."""

import subprocess

import pytest

pytestmark = pytest.mark.slow

REGION = 65536


def snap(host, *argv):
    """vxsnap in datadg that must work in silence."""
    assert host.ok("vxsnap", "-g", "datadg", *argv) == ""


def refused(host, rc, *argv):
    """Message of vxsnap in datadg that must be refused."""
    return host.refused("vxsnap", "-g", "datadg", *argv, rc=rc)


def state(host, name):
    """(KSTATE, STATE) of a volume."""
    row = host.ok("vxprint", "-g", "datadg", "-tq", name).split()
    return row[3], row[4]


def listed(host):
    """{name: the other words} of vxsnap list."""
    return {line.split()[0]: line.split()[1:] for line in host.ok("vxsnap", "-g", "datadg", "list").splitlines()[1:]}


@pytest.fixture
def prepared(vxvm):
    """vol01 is prepared for instant snapshots."""
    snap(vxvm, "prepare", "vol01")
    vxvm.write("datadg/vol01", b"before")
    return vxvm


@pytest.fixture
def mirrored(prepared):
    """A snapshot mirror of vol01 was broken off as snap01."""
    snap(prepared, "addmir", "vol01", "alloc=disk03")
    snap(prepared, "make", "source=vol01/newvol=snap01/nmirror=1")
    prepared.write("datadg/vol01", b"after ")
    return prepared


def cache(host, size="2m", *options):
    """A started cache of this size."""
    host.ok("vxassist", "-g", "datadg", "make", "cvol", size, "disk04", "init=active")
    host.ok("vxmake", "-g", "datadg", "cache", "cobj", "cachevolname=cvol", *options)
    host.ok("vxcache", "-g", "datadg", "start", "cobj")


def test_prepare(vxvm):
    snap(vxvm, "prepare", "vol01", "regionsize=1M")
    assert vxvm.ok("vxprint", "-g", "datadg", "-F%instant %fastresync %hasdcolog", "vol01") == "on on on\n"
    assert "\tdcoregionsz=2048\n" in vxvm.ok("vxprint", "-g", "datadg", "-m", "vol01")
    assert "volume vol01 is already instant ready" in refused(vxvm, 1, "prepare", "vol01")
    assert "vxsnap" in vxvm.refused("vxassist", "-g", "datadg", "snapstart", "vol01", rc=20), "the classic form is not supported"
    snap(vxvm, "unprepare", "vol01")
    assert vxvm.ok("vxprint", "-g", "datadg", "-F%instant %fastresync %hasdcolog", "vol01") == "off off off\n"
    assert refused(vxvm, 20, "addmir", "vol01")


def test_a_region_size_that_is_too_large_is_only_warned_of(vxvm):
    done = vxvm.run("vxsnap", "-g", "datadg", "prepare", "vol01", "regionsize=4M")
    assert done.returncode == 0 and "Specified regionsize is larger than the limit on the system" in done.stderr


def test_mirror_break_off(mirrored):
    assert mirrored.read("datadg/snap01", size=6) == b"before"
    row = listed(mirrored)["snap01"]
    assert row[:5] == ["datadg", "vol", "mirbrk", "vol01", "datadg"] and row[7:] == ["64K", "(0.2%)", "32M", "(100%)"]
    refused(mirrored, 20, "make", "source=vol01/newvol=more/nmirror=1")
    refused(mirrored, 20, "unprepare", "vol01")


def test_listings(mirrored):
    lines = mirrored.ok("vxsnap", "-g", "datadg", "print", "vol01").splitlines()
    assert lines == ["NAME     SNAPOBJECT     TYPE    PARENT   SNAPSHOT   %DIRTY   %VALID", "",
                     "vol01    --             volume  --       --         --       100",
                     "         snap01_snp     volume  --       snap01     0.20     --"]
    lines = mirrored.ok("vxsnap", "-g", "datadg", "-n", "print").splitlines()
    assert lines[0] == "NAME   DG    OBJTYPE SNAPTYPE  PARENT  PARENTDG  SNAPDATE        CHANGE_DATA    SYNCED_DATA"
    assert lines[2].split() == ["vol01", "datadg", "vol", "-", "-", "-", "-", "-", "32M", "(100%)"]


def test_a_snapshot_mirror_is_listed(prepared):
    prepared.ctl("resync-speed", "stall")
    snap(prepared, "-b", "addmir", "vol01", "alloc=disk03")
    assert listed(prepared)["vol01-02"] == ["datadg", "plex", "snapmir", "vol01", "datadg", "-", "-", "0", "(0.0%)"]
    assert "pl vol01-02     vol01        ENABLED  SNAPATT" in prepared.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    snap(prepared, "rmmir", "vol01")
    assert "vol01-02" not in listed(prepared)


@pytest.mark.parametrize("word", ["SNAPDONE", "ACTIVE"])
def test_reattach(mirrored, word):
    mirrored.ctl("set", "reattached", word)
    mirrored.ctl("resync-speed", "stall")
    snap(mirrored, "reattach", "snap01", "source=vol01")
    assert "pl vol01-02     vol01        ENABLED  SNAPTMP" in mirrored.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    mirrored.ctl("resync-speed", "10 GiB")
    assert "pl vol01-02     vol01        ENABLED  %-8s" % word in mirrored.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    assert mirrored.show()["vxvm"]["tasks"][-1]["regions"] == 1
    assert mirrored.ok("vxprint", "-g", "datadg", "-vn").split() == ["vol01", "vol01_dcl", "vol02"]


@pytest.mark.parametrize("destroy", [False, True])
def test_restore(mirrored, destroy):
    mirrored.ctl("resync-speed", "stall")
    with open(mirrored.device("datadg/vol01"), "rb"):
        refused(mirrored, 31, "restore", "vol01", "source=snap01")
    assert refused(mirrored, 20, "restore", "vol02", "source=snap01")
    snap(mirrored, "restore", "vol01", "source=snap01", *(["destroy=yes"] if destroy else []))
    assert mirrored.read("datadg/vol01", size=6) == b"before", "the original can be used at once"
    assert mirrored.ok("vxprint", "-m", "-g", "datadg", "vol01").count("restore=on") == 1
    assert "SNAPSYNC/R" in mirrored.ok("vxtask", "list")
    if destroy:
        assert "snap01" not in mirrored.ok("vxprint", "-g", "datadg", "-vn").split()
    else:
        refused(mirrored, 20, "restore", "vol01", "source=snap01")
        assert mirrored.read("datadg/snap01", size=6) == b"before"
    mirrored.ctl("resync-speed", "10 GiB")
    assert "restore=off" in mirrored.ok("vxprint", "-m", "-g", "datadg", "vol01")


@pytest.mark.parametrize("words", [("reattach", "snap01", "source=vol01"), ("restore", "vol01", "source=snap01", "destroy=no")])
def test_what_copies_may_come_back_only_at_its_end(mirrored, words):
    mirrored.ctl("set", "copying", "foreground")
    mirrored.ctl("resync-speed", "stall")
    waiting = mirrored.start("vxsnap", "-g", "datadg", *words)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.communicate(timeout=1)
    assert "/R" in mirrored.ok("vxtask", "list")
    mirrored.ctl("resync-speed", "10 GiB")
    assert waiting.communicate(timeout=30) == ("", "") and waiting.returncode == 0


def test_refresh_cuts_again(mirrored):
    with open(mirrored.device("datadg/snap01"), "rb"):
        refused(mirrored, 31, "refresh", "snap01", "source=vol01")
    snap(mirrored, "refresh", "snap01", "source=vol01", "syncing=no")
    assert mirrored.read("datadg/snap01", size=6) == b"after "


def test_dissociate(mirrored):
    snap(mirrored, "dis", "snap01")
    assert "\nsp " not in mirrored.ok("vxprint", "-g", "datadg", "-ht")
    refused(mirrored, 20, "dis", "snap01")
    refused(mirrored, 2, "dis", "nothing")
    refused(mirrored, 20, "reattach", "snap01", "source=vol01")
    mirrored.ok("vxedit", "-g", "datadg", "-rf", "rm", "snap01")


def test_full_sized(prepared):
    prepared.ok("vxassist", "-g", "datadg", "make", "full01", "32m", "disk03")
    assert refused(prepared, 20, "make", "source=vol01/snapvol=full01")
    snap(prepared, "prepare", "full01")
    prepared.ctl("resync-speed", "stall")
    snap(prepared, "make", "source=vol01/snapvol=full01")
    prepared.write("datadg/vol01", b"after ")
    assert prepared.read("datadg/full01", size=6) == b"before"
    assert listed(prepared)["full01"][2] == "fullinst" and listed(prepared)["full01"][-2:] == ["0", "(0.0%)"]
    refused(prepared, 20, "dis", "full01")
    waiting = prepared.start("vxsnap", "-g", "datadg", "syncwait", "full01")
    prepared.ctl("resync-speed", "10 GiB")
    assert waiting.communicate(timeout=30) == ("", "") and waiting.returncode == 0
    refused(prepared, 20, "syncwait", "full01")
    snap(prepared, "dis", "full01")


def test_several_volumes_at_one_instant(prepared):
    snap(prepared, "prepare", "vol02")
    for name in ("vol01", "vol02"):
        snap(prepared, "addmir", name)
    snap(prepared, "make", "source=vol01/newvol=s1/nmirror=1", "source=vol02/new=s2/nmirror=1")
    assert {"s1", "s2"} <= set(listed(prepared))


def test_one_tuple_that_is_refused_refuses_all(prepared):
    snap(prepared, "prepare", "vol02")
    snap(prepared, "addmir", "vol01")
    refused(prepared, 20, "make", "source=vol01/newvol=s1/nmirror=1", "source=vol02/newvol=s2/nmirror=1")
    assert "s1" not in listed(prepared)
    assert "pl vol01-02     vol01        ENABLED  SNAPDONE" in prepared.ok("vxprint", "-g", "datadg", "-ht", "vol01")


def test_named_plexes(prepared):
    prepared.ok("vxassist", "-g", "datadg", "mirror", "vol01")
    refused(prepared, 20, "make", "source=vol01/newvol=s1/plex=vol01-01,vol01-02")
    snap(prepared, "make", "source=vol01/newvol=s1/plex=vol01-02")
    assert prepared.read("datadg/s1", size=6) == b"before"


def test_space_optimised(prepared):
    cache(prepared)
    snap(prepared, "make", "source=vol01/newvol=so01/cache=cobj")
    prepared.write("datadg/vol01", b"after ")
    assert prepared.read("datadg/so01", size=6) == b"before"
    assert listed(prepared)["so01"][2] == "spaceopt"
    lines = prepared.ok("vxprint", "-g", "datadg", "-ht", "so01", "cobj").splitlines()
    assert "co cobj         cvol         ENABLED  ACTIVE" in lines
    assert "v  cvol         cobj         ENABLED  ACTIVE   4096     SELECT    -        fsgen" in lines
    assert "sc so01-S01     so01-P01     cobj     0        65536    0         -        ENA" in lines
    assert prepared.ok("vxprint", "-g", "datadg", "-F%dm_name", "so01-S01") == "cobj\n"
    refused(prepared, 20, "reattach", "so01", "source=vol01")
    refused(prepared, 20, "restore", "vol01", "source=so01", "destroy=yes")
    snap(prepared, "restore", "vol01", "source=so01")
    assert prepared.read("datadg/vol01", size=6) == b"before" == prepared.read("datadg/so01", size=6)


def test_a_cache_that_overflows(prepared):
    cache(prepared)
    snap(prepared, "make", "source=vol01/newvol=so01/cache=cobj")
    prepared.write("datadg/vol01", b"x" * (3 << 20))
    assert state(prepared, "so01") == ("DISABLED", "INVALID")
    with pytest.raises(OSError):
        prepared.read("datadg/so01")
    assert prepared.refused("vxvol", "-g", "datadg", "start", "so01", rc=24)
    refused(prepared, 20, "restore", "vol01", "source=so01")
    assert prepared.ok("vxedit", "-g", "datadg", "-rf", "rm", "so01") == ""


def test_a_cache_that_grows(prepared):
    cache(prepared, "2m", "autogrow=on")
    snap(prepared, "make", "source=vol01/newvol=so01/cache=cobj")
    prepared.write("datadg/vol01", b"x" * (3 << 20))
    assert state(prepared, "so01") == ("ENABLED", "ACTIVE")
    assert int(prepared.ok("vxprint", "-g", "datadg", "-F%len", "cvol")) >= 6144


def test_a_cache_made_along_with_the_snapshot(prepared):
    snap(prepared, "make", "source=vol01/newvol=so01/cachesize=1m/autogrow=yes")
    assert listed(prepared)["so01"][2] == "spaceopt"


def test_region_sizes_that_differ_fail_in_silence(prepared):
    cache(prepared, "2m", "regionsize=128k")
    snap(prepared, "make", "source=vol01/newvol=so01/cache=cobj")
    assert "so01" not in prepared.ok("vxprint", "-g", "datadg", "-vn").split()


def test_exit_codes_of_caches(vxvm):
    def code(*argv):
        return vxvm.run(argv[0], "-g", "datadg", *argv[1:]).returncode
    cache(vxvm)
    assert code("vxmake", "cache", "cobj", "cachevolname=cvol") == 12
    done = vxvm.run("vxcache", "-g", "datadg", "start", "cobj")
    assert (done.returncode, done.stderr) == (25, "VxVM vxcache ERROR V-5-1-6325 Cache cobj already started\n")
    assert code("vxcache", "stop", "cobj") == 0
    assert code("vxcache", "stop", "cobj") == 26
    assert code("vxcache", "stop", "nothing") == 11
    assert code("vxedit", "-rf", "rm", "cobj") == 0
    assert code("vxedit", "-rf", "rm", "cobj") == 11
    assert vxvm.ok("vxprint", "-g", "datadg", "-vn").split() == ["vol01", "vol02"]


def test_a_new_cache_volume_may_be_open_for_a_moment(vxvm):
    vxvm.ctl("set", "open_cache", "2")
    vxvm.ok("vxassist", "-g", "datadg", "make", "cvol", "2m", "init=active")
    assert vxvm.run("vxmake", "-g", "datadg", "cache", "cobj", "cachevolname=cvol").returncode == 31
    assert [vxvm.ok("vxprint", "-g", "datadg", "-m", "cvol", "-F", "%devopen") for _poll in range(3)] == ["on\n", "on\n", "off\n"]
    vxvm.ok("vxmake", "-g", "datadg", "cache", "cobj", "cachevolname=cvol")
