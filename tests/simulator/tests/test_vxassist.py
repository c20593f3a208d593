# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxassist(1M): the life of a third-mirror snapshot, names, refusals, space."""

import pytest

pytestmark = pytest.mark.slow

REGION = 65536
ERROR = "VxVM vxassist ERROR V-5-1-%d %s\n"


def assist(host, *argv):
    """vxassist in datadg that must work in silence."""
    assert host.ok("vxassist", "-g", "datadg", *argv) == ""


def refused(host, rc, *argv):
    """Message of vxassist in datadg that must be refused."""
    return host.refused("vxassist", "-g", "datadg", *argv, rc=rc)


def plexes(host, volume):
    """{plex: (state, mode)} as vxprint -ht tells."""
    rows = [line.split() for line in host.ok("vxprint", "-g", "datadg", "-ht", volume).splitlines()]
    return {row[1]: (row[4], row[8]) for row in rows if row[:1] == ["pl"] and row[2] == volume}


def volumes(host):
    """Names of all volumes of datadg."""
    return host.ok("vxprint", "-g", "datadg", "-vn").split()


def snap(host, *names):
    """Take a snapshot of each volume under the default name."""
    for name in names:
        assist(host, "snapstart", name)
    assist(host, "snapshot", *(names if len(names) > 1 else [names[0], "SNAP-" + names[0]]))


def last_task(host):
    """The last task of simctl show."""
    return host.show()["vxvm"]["tasks"][-1]


def test_the_procedure_of_the_manual(vxvm):
    vxvm.write("datadg/vol01", b"before")
    assist(vxvm, "snapstart", "vol01")
    assert plexes(vxvm, "vol01") == {"vol01-01": ("ACTIVE", "RW"), "vol01-02": ("SNAPDONE", "WO")}
    assist(vxvm, "snapwait", "vol01")
    assist(vxvm, "snapshot", "vol01", "temp")
    vxvm.write("datadg/vol01", b"after ")
    assert plexes(vxvm, "vol01") == {"vol01-01": ("ACTIVE", "RW")}
    assert plexes(vxvm, "temp") == {"vol01-02": ("ACTIVE", "RW")}, "the plex keeps its name"
    assert (vxvm.read("datadg/temp", size=6), vxvm.read("datadg/vol01", size=6)) == (b"before", b"after ")
    assert vxvm.ok("vxedit", "-g", "datadg", "-rf", "rm", "temp") == ""
    assert volumes(vxvm) == ["vol01", "vol02"]
    assert not vxvm.device("datadg/temp").exists()


def test_a_write_that_the_kernel_still_caches_is_in_the_snapshot(vxvm):
    assist(vxvm, "snapstart", "vol01")
    with open(vxvm.device("datadg/vol01"), "r+b", buffering=0) as raw:
        raw.write(b"fresh")
        assist(vxvm, "snapshot", "vol01", "temp")
        raw.seek(0)
        raw.write(b"later")
    assert (vxvm.read("datadg/temp", size=5), vxvm.read("datadg/vol01", size=5)) == (b"fresh", b"later")


def test_snapstart_in_the_background(vxvm):
    vxvm.ctl("resync-speed", "stall")
    assist(vxvm, "-b", "snapstart", "vol01", "disk03")
    assert plexes(vxvm, "vol01")["vol01-02"] == ("SNAPATT", "WO")
    assert "disk03-01" in vxvm.ok("vxprint", "-g", "datadg", "-sn").split()
    text = refused(vxvm, 20, "snapshot", "vol01", "temp")
    assert text.startswith("VxVM vxassist ERROR V-5-1-") and volumes(vxvm) == ["vol01", "vol02"]
    waiting = vxvm.start("vxassist", "-g", "datadg", "snapwait", "vol01")
    assert waiting.poll() is None
    vxvm.ctl("resync-speed", "10 GiB")
    assert waiting.communicate(timeout=30) == ("", "") and waiting.returncode == 0
    assert plexes(vxvm, "vol01")["vol01-02"] == ("SNAPDONE", "WO")


def test_snapwait_counts_mirrors(vxvm):
    assist(vxvm, "snapstart", "nmirror=2", "vol01")
    assist(vxvm, "snapwait", "nmirror=2", "vol01")
    assert refused(vxvm, 20, "snapwait", "nmirror=3", "vol01")
    assist(vxvm, "snapshot", "nmirror=2", "vol01", "temp")
    assert sorted(plexes(vxvm, "temp")) == ["vol01-02", "vol01-03"]


def test_many_at_one_instant(vxvm):
    for name in ("vol01", "vol02"):
        assist(vxvm, "snapstart", name)
        vxvm.write("datadg/" + name, name.encode())
    assist(vxvm, "-o", "name=%v-a1b2", "snapshot", "vol01", "vol02")
    assert volumes(vxvm) == ["vol01", "vol01-a1b2", "vol02", "vol02-a1b2"]
    assert [vxvm.read("datadg/%s-a1b2" % name, size=5) for name in ("vol01", "vol02")] == [b"vol01", b"vol02"]


def test_many_is_all_or_nothing(vxvm):
    assist(vxvm, "snapstart", "vol01")
    refused(vxvm, 20, "-o", "name=%v-x", "snapshot", "vol01", "vol02")
    assert volumes(vxvm) == ["vol01", "vol02"]
    refused(vxvm, 20, "-o", "allvols", "snapshot")
    assert volumes(vxvm) == ["vol01", "vol02"]
    assert plexes(vxvm, "vol01")["vol01-02"] == ("SNAPDONE", "WO")
    assist(vxvm, "snapstart", "vol02")
    assist(vxvm, "-o", "allvols", "snapshot")
    assert volumes(vxvm) == ["SNAP-vol01", "SNAP-vol02", "vol01", "vol02"]


def test_default_names(vxvm):
    assist(vxvm, "snapstart", "nmirror=3", "vol01")
    assist(vxvm, "snapshot", "vol01")
    assist(vxvm, "snapshot", "vol01")
    vxvm.ctl("set", "first_name", "SNAP%d-%v")
    assist(vxvm, "snapshot", "vol01")
    assert volumes(vxvm)[:3] == ["SNAP-vol01", "SNAP1-vol01", "SNAP2-vol01"]


def test_names_that_are_taken_or_too_long(vxvm):
    assist(vxvm, "snapstart", "vol01")
    assert "already exists" in refused(vxvm, 12, "snapshot", "vol01", "vol02")
    assert "already exists" in refused(vxvm, 12, "-o", "name=vol01-01", "snapshot", "vol01")
    assert "too long" in refused(vxvm, 2, "snapshot", "vol01", "x" * 32)
    assist(vxvm, "snapshot", "vol01", "x" * 31)


def test_companions_of_long_names_are_cut(vxvm):
    long = "a-volume-with-a-name-of-27-char"[:27]
    assist(vxvm, "make", long, "8m")
    assist(vxvm, "addlog", long, "logtype=dco")
    assist(vxvm, "snapstart", long)
    assist(vxvm, "-o", "name=SNAP-" + long[:20], "snapshot", long)
    names = vxvm.ok("vxprint", "-g", "datadg", "-n").split()
    assert all(len(name) <= 31 for name in names)
    assert long[:26] + "_dcl" in names and long[:26] + "_snp" in names and "SNAP-" + long[:20] + "_snp" in names


def test_snapback_without_fastresync_copies_all(vxvm):
    snap(vxvm, "vol01")
    assist(vxvm, "snapback", "SNAP-vol01")
    task = last_task(vxvm)
    assert (task["full"], task["total"], task["done"]) == (1, 32 << 20, 32 << 20)
    assert volumes(vxvm) == ["vol01", "vol02"] and plexes(vxvm, "vol01")["vol01-02"] == ("SNAPDONE", "WO")


@pytest.mark.parametrize("persistent", [True, False])
def test_snapback_with_fastresync_copies_what_changed(vxvm, persistent):
    if persistent:
        assist(vxvm, "addlog", "vol01", "logtype=dco")
    else:
        vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    snap(vxvm, "vol01")
    vxvm.write("datadg/vol01", b"x", offset=3 * REGION)
    vxvm.write("datadg/SNAP-vol01", b"y", offset=10 * REGION)
    assist(vxvm, "snapback", "SNAP-vol01")
    task = last_task(vxvm)
    assert (task["full"], task["regions"], task["total"], task["status"]) == (0, 2, 2 * REGION, "done")
    assert vxvm.read("datadg/vol01", 10 * REGION, 1) == b"\0", "the image in the snapshot is lost"
    assist(vxvm, "snapshot", "vol01", "again")
    assert vxvm.read("datadg/again", 3 * REGION, 1) == b"x"


def test_a_fastresync_cycle_loses_the_map(vxvm):
    vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    snap(vxvm, "vol01")
    for value in ("off", "on"):
        vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=" + value, "vol01")
    assist(vxvm, "snapback", "SNAP-vol01")
    assert last_task(vxvm)["full"] == 1


def test_resync_from_replica_restores_region_by_region(vxvm):
    size = 64 * REGION
    vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    vxvm.write("datadg/vol01", b"a" * size)
    snap(vxvm, "vol01")
    vxvm.write("datadg/vol01", b"b" * size)
    vxvm.ctl("resync-speed", "stall")
    assist(vxvm, "-b", "-o", "resyncfromreplica", "snapback", "SNAP-vol01")
    assert vxvm.read("datadg/vol01", 0, size) == b"b" * size
    vxvm.ctl("resync-speed", 40 * REGION)
    task = last_task(vxvm)
    vxvm.ctl("resync-speed", "stall")
    copied = vxvm.read("datadg/vol01", 0, size).count(b"a")
    assert copied % REGION == 0 and vxvm.read("datadg/vol01", 0, size) == b"a" * copied + b"b" * (size - copied)
    assert task["total"] == size
    vxvm.ctl("resync-speed", "10 GiB")
    assist(vxvm, "snapwait", "vol01")
    assert vxvm.read("datadg/vol01", 0, size) == b"a" * size
    assert plexes(vxvm, "vol01")["vol01-02"] == ("SNAPDONE", "WO") and volumes(vxvm) == ["vol01", "vol02"]


def test_snapback_of_open_volumes_is_refused(vxvm):
    snap(vxvm, "vol01")
    with open(vxvm.device("datadg/SNAP-vol01"), "rb"):
        refused(vxvm, 31, "snapback", "SNAP-vol01")
    with open(vxvm.device("datadg/vol01"), "rb"):
        refused(vxvm, 31, "-o", "resyncfromreplica", "snapback", "SNAP-vol01")
        assist(vxvm, "snapback", "SNAP-vol01")


def test_all_plexes_or_some(vxvm):
    assist(vxvm, "snapstart", "nmirror=3", "vol01")
    assist(vxvm, "snapshot", "nmirror=3", "vol01", "temp")
    assert refused(vxvm, 20, "snapback", "nmirror=4", "temp") == ERROR % (
        5150, "Insufficient number of active snapshot mirrors in temp.")
    assist(vxvm, "snapback", "temp")
    assert len(plexes(vxvm, "temp")) == 2
    assist(vxvm, "-o", "allplexes", "snapback", "temp")
    assert volumes(vxvm) == ["vol01", "vol02"] and len(plexes(vxvm, "vol01")) == 4


def test_snapclear(vxvm):
    assist(vxvm, "addlog", "vol01", "logtype=dco")
    snap(vxvm, "vol01")
    ties = [line.split()[1:3] for line in vxvm.ok("vxprint", "-g", "datadg", "-ht").splitlines() if line.startswith("sp ")]
    assert ties == [["vol01_snp", "vol01"], ["SNAP-vol01_snp", "SNAP-vol01"]]
    assist(vxvm, "snapclear", "SNAP-vol01")
    assert "\nsp " not in vxvm.ok("vxprint", "-g", "datadg", "-ht")
    refused(vxvm, 20, "snapback", "SNAP-vol01")
    refused(vxvm, 20, "snapclear", "SNAP-vol01")


def test_a_snapshot_removed_without_snapclear_leaves_its_snap_object(vxvm):
    assist(vxvm, "addlog", "vol01", "logtype=dco")
    snap(vxvm, "vol01")
    vxvm.ok("vxedit", "-g", "datadg", "-rf", "rm", "SNAP-vol01")
    assert "sp SNAP-vol01_snp SNAP-vol01 vol01_dco\n" in vxvm.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    assist(vxvm, "snapclear", "vol01", "SNAP-vol01_snp")
    assert "\nsp " not in vxvm.ok("vxprint", "-g", "datadg", "-ht")


@pytest.mark.parametrize("speed", ["stall", "10 GiB"])
def test_snapabort_gives_the_space_back(vxvm, speed):
    before = vxvm.ok("vxdg", "-g", "datadg", "free")
    vxvm.ctl("resync-speed", speed)
    assist(vxvm, "-b", "snapstart", "vol01")
    assist(vxvm, "snapabort", "vol01")
    assert vxvm.ok("vxdg", "-g", "datadg", "free") == before
    assert vxvm.show()["vxvm"]["tasks"][0]["status"] in ("aborted", "done")
    refused(vxvm, 20, "snapabort", "vol01")


def test_snapprint(vxvm):
    assist(vxvm, "addlog", "vol02", "logtype=dco")
    snap(vxvm, "vol02")
    vxvm.write("datadg/vol02", b"x" * (4 << 20))
    assert vxvm.ok("vxassist", "-g", "datadg", "snapprint", "vol02") == (
        "V  NAME         USETYPE      LENGTH\nSS SNAPOBJ      NAME         LENGTH   %DIRTY\n"
        "DP NAME         VOLUME       LENGTH   %DIRTY\n\n"
        "v  vol02        fsgen        32768\nss SNAP-vol02_snp SNAP-vol02 32768    25\n")
    refused(vxvm, 20, "snapprint", "vol01")
    vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    snap(vxvm, "vol01")
    assert "ss --           SNAP-vol01   65536    0\n" in vxvm.ok("vxassist", "-g", "datadg", "snapprint", "vol01")


def test_sizes(vxvm):
    assert vxvm.ok("vxassist", "-g", "datadg", "maxsize", "disk03") == "Maximum volume size: 8388608 (4096Mb)\n"
    assert vxvm.ok("vxassist", "-g", "datadg", "-p", "maxsize", "layout=mirror", "nmirror=2", "disk03", "disk04") == "8388608\n"
    assist(vxvm, "make", "big", "4g", "disk03")
    assert refused(vxvm, 1, "maxsize", "disk03") == ERROR % (435, "Cannot allocate space for 0 block volume")
    assert refused(vxvm, 1, "make", "more", "16g") == ERROR % (435, "Cannot allocate space for 33554432 block volume")
    vxvm.ctl("set", "no_space", "15809")
    assert refused(vxvm, 1, "make", "more", "16g") == ERROR % (
        15809, "No free space remaining in diskgroup datadg with given constraints")
    assert volumes(vxvm) == ["big", "vol01", "vol02"]


def test_snapstart_prefers_other_disks_and_takes_the_same_if_it_must(vxvm):
    for name, disk in (("big3", "disk03"), ("big4", "disk04"), ("big2", "disk02")):
        assist(vxvm, "make", name, "4g" if disk != "disk02" else "4080m", disk)
    assist(vxvm, "snapstart", "vol01")
    assert "sd disk01-02    vol01-02     disk01" in vxvm.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    assert refused(vxvm, 1, "snapstart", "vol01", "disk03") == ERROR % (435, "Cannot allocate space for 65536 block volume")


def test_lengths_are_rounded_to_the_alignment(vxvm):
    assist(vxvm, "make", "odd", "1001")
    assert vxvm.ok("vxprint", "-g", "datadg", "-F", "%len", "odd") == "1008\n"


def test_unknown_things(vxvm):
    assert vxvm.refused("vxassist", "-g", "nodg", "snapstart", "vol01", rc=9) == ERROR % (607, "Diskgroup nodg not found")
    assert refused(vxvm, 11, "snapstart", "nothing") == ERROR % (926, "Record nothing not in disk group configuration")
    assert vxvm.run("vxassist", "-g", "datadg", "snapstrat", "vol01").returncode == 1
    vxvm.refused("vxassist", "snapstart", "vol01", rc=9)
    vxvm.ctl("set", "messages", "old")
    assert refused(vxvm, 11, "snapstart", "nothing") == "vxvm:vxassist: ERROR: Record nothing not in disk group configuration\n"


def test_a_stopped_volume_has_no_snapshots(vxvm):
    vxvm.ok("vxvol", "-g", "datadg", "stop", "vol01")
    refused(vxvm, 28, "snapstart", "vol01")
