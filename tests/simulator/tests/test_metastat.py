# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""metastat(1M): whole outputs, to the byte."""

import time

import pytest

HEALTHY = """\
d1: Mirror
    Submirror 0: d2
      State: Okay{0}
    Submirror 1: d3
      State: Okay{0}
    Pass: 1
    Read option: roundrobin (default)
    Write option: parallel (default)
    Size: 524288 blocks (256 MB)

d2: Submirror of d1
    State: Okay{0}
    Size: 524288 blocks (256 MB)
    Stripe 0:
\tDevice     Start Block  Dbase        State Reloc Hot Spare
\tc1t0d0s0          0     No            Okay   Yes{1}


d3: Submirror of d1
    State: Okay{0}
    Size: 524288 blocks (256 MB)
    Stripe 0:
\tDevice     Start Block  Dbase        State Reloc Hot Spare
\tc1t1d0s0          0     No            Okay   Yes{1}


Device Relocation Information:
Device   Reloc\tDevice ID
c1t0d0   Yes  \tid1,sd@SSIMULATE_VOLUME__C1T0D0
c1t1d0   Yes  \tid1,sd@SSIMULATE_VOLUME__C1T1D0
""".format(" " * 9, " ")

OFFLINE = """\
d1: Mirror
    Submirror 0: d2
      State: Okay{0}
    Submirror 1: d3
      State: Needs maintenance{1}
    Pass: 1
    Read option: roundrobin (default)
    Write option: parallel (default)
    Size: 65536 blocks (32 MB)

d2: Submirror of d1
    State: Okay{0}
    Size: 65536 blocks (32 MB)
    Stripe 0:
\tDevice     Start Block  Dbase        State Reloc Hot Spare
\tc1t0d0s0          0     No            Okay   Yes{1}


d3: Submirror of d1
    State: Needs maintenance{1}
    Invoke: metaonline d1 d3
    Size: 65536 blocks (32 MB)
    Stripe 0:
\tDevice     Start Block  Dbase        State Reloc Hot Spare
\tc1t1d0s0          0     No            Okay   Yes{1}


""".format(" " * 9, " ")

MANY = {
    "names": "short",
    "mirrors": {
        "d9": {"size": "16 MiB", "submirrors": {"d11": "c1t0d0s0", "d12": "c1t1d0s0", "d13": "c1t2d0s0"}},
        "d8": {"size": "16 MiB", "read": "first", "write": "serial", "pass": 2,
               "submirrors": {"d41": [["c1t0d0s3", "c1t1d0s3"]], "d42": ["c1t2d0s3", "c1t2d0s4"]}},
    },
    "stripes": {"d70": {"size": "10 MiB", "components": "c2t0d0s0"}},
}

MANY_CONCISE = """\
d9               m   16MB d11 d12 d13
    d11          s   16MB c1t0d0s0
    d12          s   16MB c1t1d0s0
    d13          s   16MB c1t2d0s0
d8               m   16MB d41 d42
    d41          s   16MB c1t0d0s3 c1t1d0s3
    d42          s   16MB c1t2d0s3 c1t2d0s4
d70              s   10MB c2t0d0s0
"""

MANY_SHORT = """\
d9 -m d11 d12 d13 1
d11 1 1 c1t0d0s0
d12 1 1 c1t1d0s0
d13 1 1 c1t2d0s0
d8 -m d41 d42 -r -S 2
d41 1 2 c1t0d0s3 c1t1d0s3 -i 32b
d42 2 1 c1t2d0s3 \\
\t1 c1t2d0s4
d70 1 1 c2t0d0s0
"""

USAGE = "usage:\tmetastat [-s setname] [-a][-c][-B][-D][-r][-i][-p] [-t] [metadevice...]\n"
SMF = ("metastat: node1: svc:/system/metainit:default svc:/system/metasync:default svc:/system/mdmonitor:default "
       "svc:/network/rpc/meta:default: service(s) not online in SMF\n\n")


def test_not_set_up(host):
    done = host.run("metastat")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "metastat: node1: there are no existing databases\n\n"


def test_guide_topology_is_healthy(host):
    text = (host.source / "topologies" / "svm.yml").read_text().replace("/home1", str(host.directory / "home1"))
    path = host.directory / "guide.yml"
    path.write_text(text)
    host.ctl("apply", path)
    assert host.ok("metastat") == HEALTHY
    assert host.ok("metastat", "-q") == HEALTHY[:HEALTHY.index("Device Reloc")]
    assert host.ok("metastat", "-p") == ("d1 -m /dev/md/rdsk/d2 /dev/md/rdsk/d3 1\n"
                                         "d2 1 1 /dev/rdsk/c1t0d0s0\nd3 1 1 /dev/rdsk/c1t1d0s0\n")


def test_offline_is_never_called_offline(svm):
    svm.ok("metaoffline", "d1", "d3")
    assert svm.ok("metastat", "-q") == OFFLINE
    assert "ffline\n" not in svm.ok("metastat")
    assert svm.ok("metastat", "-c") == ("d1               m   32MB d2 d3 (offline)\n"
                                        "    d2           s   32MB c1t0d0s0\n"
                                        "    d3           s   32MB c1t1d0s0\n")


def test_many_volumes_keep_database_order(host):
    host.apply({"svm": MANY})
    assert host.ok("metastat", "-c") == MANY_CONCISE
    assert host.ok("metastat", "-p") == MANY_SHORT
    text = host.ok("metastat")
    assert [line for line in text.splitlines() if line.endswith((": Mirror", ": Concat/Stripe"))] == [
        "d9: Mirror", "d8: Mirror", "d70: Concat/Stripe"]
    assert "    Pass: 2\n    Read option: first (-r)\n    Write option: serial (-S)\n" in text
    assert "    Stripe 0: (interlace: 32 blocks)\n" in text
    assert ("d70: Concat/Stripe\n    Size: 20480 blocks (10 MB)\n    Stripe 0:\n"
            "\tDevice     Start Block  Dbase\tReloc\n\tc2t0d0s0          0     No   \tYes\n\n") in text


def test_one_name_and_its_forms(svm):
    whole = svm.ok("metastat", "-p")
    for name in ("d1", "/dev/md/dsk/d1", "/dev/md/rdsk/d1", "/dev//md/rdsk//d1"):
        assert svm.ok("metastat", "-p", name) == whole
    assert svm.ok("metastat", "-p", "d3") == "d3 1 1 /dev/rdsk/c1t1d0s0\n"
    assert svm.ok("metastat", "-q", "d3").startswith(
        "d3: Concat/Stripe\n    Size: 65536 blocks (32 MB)\n    Stripe 0:\n\tDevice     Start Block  Dbase        State")


def test_goes_on_after_a_bad_name(svm):
    done = svm.run("metastat", "-p", "d99", "d3")
    assert (done.returncode, done.stdout) == (1, "d3 1 1 /dev/rdsk/c1t1d0s0\n")
    assert done.stderr == "metastat: node1: d99: unit not set up\n\n"
    assert "Relocation" not in svm.run("metastat", "d99", "d3").stdout


@pytest.mark.parametrize("word, text", [
    ("c0t0d0s0", "c0t0d0s0: not a metadevice"), ("/dev/dsk/c0t0d0s0", "c0t0d0s0: not a metadevice"),
    ("/tmp/d1", "/tmp/d1: No such file or directory"), ("blue/d1", "blue: no such set"),
])
def test_bad_names(svm, word, text):
    assert svm.refused("metastat", word) == "metastat: node1: %s\n\n" % text


def test_times(svm):
    before = int(time.time())
    svm.ok("metaoffline", "d1", "d3")
    text = svm.ok("metastat", "-t", "d1")
    line = [row for row in text.splitlines() if "State: Needs maintenance " in row][0]
    changed = time.mktime(time.strptime(line.split("maintenance ", 1)[1], "%a %b %d %H:%M:%S %Y")) - time.timezone
    assert before <= changed <= time.time()
    assert "\tDevice     Start Dbase State       Reloc Hot Spare Time\n\tc1t0d0s0       0 No    Okay        Yes             " in text
    time.sleep(1.1)
    assert svm.ok("metastat", "-t", "d1") == text, "looking must not change a time"


def test_usage(svm):
    assert (svm.run("metastat", "-h").returncode, svm.run("metastat", "-h").stderr) == (0, USAGE)
    assert (svm.run("metastat", "-x").returncode, svm.run("metastat", "-x").stderr) == (1, USAGE)
    done = svm.run("metastat", "-a", "-s", "blue")
    assert (done.returncode, done.stderr) == (1, "metastat: incompatible options: -a and -s\n" + USAGE)
    assert svm.refused("metastat", "-s", "blue") == "metastat: node1: blue: no such set\n\n"


def test_services_down_means_exit_1_after_everything(svm):
    whole = svm.ok("metastat")
    svm.ctl("set", "smf", "off")
    done = svm.run("metastat")
    assert (done.returncode, done.stdout, done.stderr) == (1, whole, SMF)


def test_stale_replicas_warn_on_stdout_and_refuse_changes(svm):
    svm.ctl("set", "stale", "on")
    assert svm.ok("metastat", "-p").startswith(
        "****\nWARNING: Stale state database replicas. Metastat output may be inaccurate.\n****\n\nd1 -m ")
    assert svm.refused("metaoffline", "d1", "d3") == "metaoffline: node1: stale databases\n\n"


def test_old_release_knows_no_concise_form(svm):
    svm.ctl("set", "concise", "off")
    assert svm.run("metastat", "-c").stderr == USAGE
    assert svm.ok("metastat", "-p")


def test_resync_is_shown_on_the_mirror(svm):
    svm.ok("metaoffline", "d1", "d3")
    svm.write("d1", b"x" * 4096)
    svm.ctl("resync-speed", "stall")
    svm.ok("metaonline", "d1", "d3")
    text = svm.ok("metastat", "d1")
    assert "      State: Resyncing    \n    Resync in progress: 0 % done\n    Pass: 1\n" in text
    assert "d3: Submirror of d1\n    State: Resyncing    \n    Size:" in text, "no Invoke line during a resync"
    assert "d2 d3 (resync-0%)\n" in svm.ok("metastat", "-c")


def test_cancelled_resync(svm):
    svm.ok("metadetach", "d1", "d3")
    svm.ctl("resync-speed", 8 << 20)
    svm.ok("metattach", "d1", "d3")
    time.sleep(1)
    svm.ok("metasync", "-c", "d1")
    text = svm.ok("metastat", "d1")
    done = int(text.split("    Resync cancelled: ")[1].split(" % done\n")[0])
    assert 20 <= done <= 60
    assert "      State: Resync cancelled \n" in text and "    Invoke: metasync d1\n" in text
    assert "d2 d3 (maint)\n" in svm.ok("metastat", "-c")
    svm.ctl("resync-speed", "10GiB")
    svm.ok("metasync", "d1")
    assert svm.settle().startswith("d1               m   32MB d2 d3\n")


def test_failed_component(svm):
    assert svm.ctl("fail-disk", "c1t1d0") == "c1t1d0s0\n"
    text = svm.ok("metastat", "d1")
    assert "d3: Submirror of d1\n    State: Needs maintenance \n    Invoke: metareplace d1 c1t1d0s0 <new device>\n" in text
    assert "\tc1t1d0s0          0     No     Maintenance   Yes \n" in text
    assert svm.ok("metastat", "-c") == ("d1               m   32MB d2 d3 (maint)\n    d2           s   32MB c1t0d0s0\n"
                                        "    d3           s   32MB c1t1d0s0 (maint)\n")
    svm.ctl("fail-disk", "c1t0d0s0")
    text = svm.ok("metastat", "d1")
    assert "    Invoke: after replacing \"Maintenance\" components:\n\t\tmetareplace d1 c1t0d0s0 <new device>\n" in text
    assert "\tc1t0d0s0          0     No      Last Erred   Yes \n" in text
    assert svm.refused("metareplace", "-e", "d1", "c1t0d0s0") == (
        'metareplace: node1: d1: component in invalid state to replace - Replace "Maintenance" components first\n\n')
    assert svm.ok("metareplace", "-e", "d1", "c1t1d0s0") == "d1: device c1t1d0s0 is enabled\n"
    svm.settle()
    assert svm.ok("metareplace", "d1", "c1t0d0s0", "c1t9d0s0") == "d1: device c1t0d0s0 is replaced with c1t9d0s0\n"
    assert svm.settle() == ("d1               m   32MB d2 d3\n    d2           s   32MB c1t9d0s0\n"
                            "    d3           s   32MB c1t1d0s0\n")


@pytest.mark.parametrize("size, text", [
    (8380800 * 512, "4.0 GB"), (33 << 30, "33 GB"), (499 << 20, "499 MB"), (1 << 20, "1.0 MB"), (int(7.84 * (1 << 30)), "7.8 GB"),
])
def test_sizes_for_people(size, text):
    from simulator.svm.metastat import size_text
    assert size_text(size) == text
