# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vxprint(1M): where fields stand, headers of several releases, -m, -F, -l, names and kinds."""

import pytest
from simulator.vxvm import layout

# Lines as real systems printed them.
CAPTURED = (
    "v  vol_41t7e8pv9gs3863639o0 - ENABLED ACTIVE   125829120 SELECT   -        fsgen",
    "dg vrts_kube_dg-59131 default default 55000    1741211310.10.r730ocp3.localdomain",
    "dm disk_0       disk_0       auto     65536    2147417808 -",
)
CAPTURED_PLAIN = (
    "v  Int23-int23_tier1 Int23-int23 ENABLED 12582912 -     ACTIVE   -       -",
    "pl Int23-int23_tier1-01 Int23-int23_tier1 ENABLED 12582912 - ACTIVE -    -",
    "sd emc_clariion0_110-20 Int23-int23_tier1-01 ENABLED 12582912 0 - -      -",
    "dc Int23-int23_tier1_dco Int23-int23_tier1 - - -        -        -       -",
    "v  Int23-int23_tier1_dcl gen ENABLED  1136     -        ACTIVE   -       -",
    "pl Int23-int23_tier1_dcl-01 Int23-int23_tier1_dcl ENABLED 1136 - ACTIVE - -",
    "co Int23-cache  -            ENABLED  -        -        ACTIVE   -       -",
    "v  Int23-cache_tier1 Int23-cache ENABLED 8192000 -      ACTIVE   -       -",
)
VOL01 = """
v  vol01        -            ENABLED  ACTIVE   65536    SELECT    -        fsgen
pl vol01-01     vol01        ENABLED  ACTIVE   65536    CONCAT    -        RW
sd disk01-01    vol01-01     disk01   0        65536    0         c1t0d0s2 ENA
"""


@pytest.mark.parametrize("line", CAPTURED)
def test_fields_stand_where_real_ones_stand(line):
    fields = line.split()
    assert layout.line(fields, layout.STARTS[fields[0]]) == line + "\n"


@pytest.mark.parametrize("line", CAPTURED_PLAIN)
def test_fields_of_the_default_layout(line):
    assert layout.line(line.split(), layout.TY_STARTS) == line + "\n"


@pytest.mark.parametrize("starts, header", [
    (layout.TY_STARTS, layout.TY), (layout.WIDE, layout.V), (layout.WIDE, layout.PL), (layout.WIDE, layout.SD), (layout.WIDE, layout.SC),
    (layout.STARTS["dm"], layout.DM), (layout.STARTS["dg"], layout.DG), (layout.STARTS["co"], layout.CO),
    (layout.STARTS["dc"], layout.DC), (layout.STARTS["sp"], layout.SP)])
def test_columns_begin_at_the_words_of_the_header(starts, header):
    assert [header[start] != " " and header[max(start - 1, 0)] == " " for start in starts[1:]] == [True] * (len(starts) - 1)


def test_everything(vxvm):
    text = vxvm.ok("vxprint", "-g", "datadg", "-ht")
    assert text == vxvm.ok("vxprint", "-g", "datadg", "-htr") == vxvm.ok("vxprint", "-ht")
    assert text.startswith("Disk group: datadg\n\n" + "".join(layout.HEADERS["8.0"]) + "\ndg datadg       default      default  55000    ")
    assert "\n\ndm disk01       c1t0d0s2     auto     65536    8388608  -\ndm disk02 " in text
    assert "\n" + VOL01 + "\nv  vol02 " in text
    assert "\n\n\n" not in text and text.endswith("ENA\n")


def test_named_records(vxvm):
    text = vxvm.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    assert text.endswith("SR NAME         KSTATE\n" + VOL01) and "\nDG NAME" not in text
    assert vxvm.ok("vxprint", "-g", "datadg", "-htq", "vol01") == VOL01[1:]
    alone = "\n" + VOL01.splitlines(True)[1]
    assert vxvm.ok("vxprint", "-g", "datadg", "-t", "vol01") == "Disk group: datadg\n\n" + layout.V + alone


def test_default_layout(vxvm):
    assert vxvm.ok("vxprint", "-g", "datadg", "vol01") == (
        "Disk group: datadg\n\nTY NAME         ASSOC        KSTATE   LENGTH   PLOFFS   STATE    TUTIL0  PUTIL0\n"
        "v  vol01        fsgen        ENABLED  65536    -        ACTIVE   -       -\n"
        "pl vol01-01     vol01        ENABLED  65536    -        ACTIVE   -       -\n"
        "sd disk01-01    vol01-01     ENABLED  65536    0        -        -       -\n")
    assert "\n\ndm disk01       c1t0d0s2     -        8388608  -        -        -       -\n" in vxvm.ok("vxprint", "-g", "datadg")


def test_headers_of_other_releases(vxvm):
    vxvm.ctl("set", "header", "4.1")
    assert layout.V in vxvm.ok("vxprint", "-ht") and "SR NAME" not in vxvm.ok("vxprint", "-ht")
    vxvm.ctl("set", "header", "3.5")
    assert "V  NAME         RVG          KSTATE" in vxvm.ok("vxprint", "-ht")
    vxvm.ctl("set", "header", "3.2")
    text = vxvm.ok("vxprint", "-g", "datadg", "-ht", "vol01")
    assert layout.V32 + layout.PL + layout.SD in text
    assert "\nv  vol01        fsgen        ENABLED  ACTIVE   65536    SELECT    -\n" in text


def test_a_dco_and_its_log_volume_stand_below_their_volume(vxvm):
    vxvm.ok("vxassist", "-g", "datadg", "addlog", "vol02", "logtype=dco")
    tags = [line.split()[:2] for line in vxvm.ok("vxprint", "-g", "datadg", "-htq", "vol02").splitlines()]
    assert tags == [["v", "vol02"], ["pl", "vol02-01"], ["sd", "disk02-01"], ["dc", "vol02_dco"], ["v", "vol02_dcl"],
                    ["pl", "vol02_dcl-01"], ["sd", "disk02-02"]]


def test_make_description(vxvm):
    lines = vxvm.ok("vxprint", "-g", "datadg", "-m", "vol01").splitlines()
    assert lines[0] == "vol  vol01" and all(line[0] == "\t" and "=" in line for line in lines[1:])
    assert {"\tuse_type=fsgen", "\tstate=ACTIVE", "\tkstate=ENABLED", "\tlen=65536", "\trestore=off"} <= set(lines)
    vxvm.ok("vxedit", "-g", "datadg", "set", "comment=two words", "putil2=mine", "vol01")
    assert {'\tcomment="two words"', "\tputil2=mine"} <= set(vxvm.ok("vxprint", "-g", "datadg", "-m", "vol01").splitlines())
    vxvm.ctl("set", "quotes", "open")
    assert {'\tcomment="two words', '\tputil2="mine', '\ttutil0="', '\tstate="ACTIVE'} <= set(
        vxvm.ok("vxprint", "-g", "datadg", "-m", "vol01").splitlines())
    kinds = [line.split()[0] for line in vxvm.ok("vxprint", "-g", "datadg", "-m").splitlines() if line[0] != "\t"]
    assert kinds == ["dg"] + ["dm"] * 4 + ["vol", "plex", "sd"] * 2


def test_formats(vxvm):
    def form(*argv):
        return vxvm.ok("vxprint", "-g", "datadg", *argv)
    assert form("-F", "%{name} - %len", "vol01") == "vol01 - 65536\n"
    assert form("-F%fastresync", "vol01") == form("-F%hasdcolog", "vol01") == form("-F%instant", "vol01") == "off\n"
    assert form("-G", "-F", "%align") == "16\n"
    assert form("-v", "vol01", "-u", "m", "-F", "%{name} - %{len}") == "vol01 - 32.00m\n"
    assert form("-vp", "-F", "%type %name %putil2") == "vol vol01 -\nplex vol01-01 -\nvol vol02 -\nplex vol02-01 -\n"
    assert form("-hrAF", "sd:%type %name %assoc %len %column_pl_offset %device") == (
        "sd disk01-01 vol01-01 65536 0 c1t0d0s2\nsd disk02-01 vol02-01 32768 0 c1t1d0s2\n")
    vxvm.ok("vxvol", "-g", "datadg", "set", "fastresync=on", "vol01")
    assert form("-F%fastresync", "vol01") == "on\n"
    assert vxvm.run("vxprint", "-g", "datadg", "-F", "%nonsense", "vol01").returncode == 1


def test_an_open_volume_is_seen(vxvm):
    def seen():
        return vxvm.ok("vxprint", "-g", "datadg", "-m", "vol01", "-F", "%devopen"), vxvm.ok("vxprint", "-g", "datadg", "-l", "vol01")
    assert seen()[0] == "off\n" and "\nflags:    closed writecopy" in seen()[1]
    with open(vxvm.device("datadg/vol01"), "rb"):
        assert seen()[0] == "on\n" and "\nflags:    open writecopy" in seen()[1]


def test_names_only_and_unknown_ones(vxvm):
    assert vxvm.ok("vxprint", "-g", "datadg", "-vn") == "vol01\nvol02\n"
    done = vxvm.run("vxprint", "-g", "datadg", "-t", "vol0", "vol01")
    assert done.returncode == 11 and done.stderr == "VxVM vxprint ERROR V-5-1-924 Record vol0 not found\n"
    assert "\nv  vol01 " in done.stdout
    assert vxvm.refused("vxprint", "-g", "nodg", rc=9) == "VxVM vxprint ERROR V-5-1-582 Disk group nodg: No such disk group\n"


def test_a_failed_disk(vxvm):
    vxvm.ctl("fail-disk", "disk01")
    assert "pl vol01-01     vol01        ENABLED  NODEVICE 65536" in vxvm.ok("vxprint", "-g", "datadg", "-ht")
    assert "c1t0d0s2     auto            -            -            error\n" in vxvm.ok("vxdisk", "list")
    assert "-            -               disk01       datadg       failed was:c1t0d0s2\n" in vxvm.ok("vxdisk", "list")


def test_blocks_of_one_kilobyte(vxvm):
    vxvm.ctl("set", "block_size", "1024")
    assert vxvm.ok("vxprint", "-g", "datadg", "-F%len", "vol01") == "32768\n"
    assert vxvm.ok("vxassist", "-g", "datadg", "maxsize", "disk03") == "Maximum volume size: 4194304 (4096Mb)\n"
