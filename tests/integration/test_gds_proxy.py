# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""GDS proxies as a user runs them: Volume2 is the proxy of Volume1 on /data1, Volume4 that of the raw Volume3; node2 is the backup
server, outside of node1's domain, and sees their disk under another name."""

import re

import pytest
from conftest import new
from hosts import BACKUP, STATE_DIR, wait
from plays import Play, failures, planned

pytestmark = pytest.mark.slow

TOPOLOGY = "gds-proxy"
SET = {
    "snapbackup_hosts": "node1", "snapbackup_manager": "gds_proxy", "snapbackup_name": "data", "snapbackup_reader": "node2",
    "snapbackup_class": "Class1", "snapbackup_volumes": [{"proxy": "Volume2", "master": "Volume1", "filesystem": "/data1"}],
    "snapbackup_confirm_proxies": ["Volume2"], "snapbackup_shadow_class": "Class2", "snapbackup_shadow_devices": {"Disk3": "c9t3d9"},
    "snapbackup_confirm_shadow_devices": ["c9t3d9"],
    "snapbackup_destination": BACKUP, "snapbackup_gds_poll": 1, "snapbackup_poll": 1,
}  # fmt: skip
RAW = dict(SET, snapbackup_volumes=[{"proxy": "Volume4", "master": "Volume3"}], snapbackup_confirm_proxies=["Volume2", "Volume4"])
CHANGES = re.compile(r"^(lockfs -|sdx(proxy|volume|attr|disk|shadow\w+) |dd if=/dev/sfdsk|fsck .*-y |mount -F|umount /var)")
JOIN = "sdxproxy Join -c Class1 -m Volume1 -p Volume2"
PART = [
    "lockfs -f /data1", "lockfs -w -c snapbackup:<run> /data1", "sdxproxy Part -c Class1 -a pjrm=off -p Volume2", "lockfs -u /data1",
    "sdxvolume -F -c Class1 -v Volume2 -e allnodes", "sdxattr -V -c Class1 -v Volume2 -a lock=on",
]  # fmt: skip
MAKE = [
    "sdxshadowdisk -M -c Class2 -d c9t3d9=Disk3", "sdxshadowdisk -C -c Class2 -g Group2 -d Disk3",
    "sdxshadowvolume -M -c Class2 -g Group2 -v Volume2 -s 131072",
]  # fmt: skip
WRITE, READ = ([
    "sdxshadowvolume -F -c Class2 -v Volume2", "sdxshadowvolume -N -c Class2 -v Volume2 -e mode=" + mode,
] for mode in ("rw", "ro"))  # fmt: skip
REMOVE = [
    "sdxshadowvolume -F -c Class2 -v Volume2", "sdxshadowvolume -R -c Class2 -v Volume2", "sdxshadowgroup -R -c Class2 -g Group2",
    "sdxshadowdisk -R -c Class2 -d Disk3",
]  # fmt: skip
REJOIN = ["sdxattr -V -c Class1 -v Volume2 -a lock=off", "sdxproxy Rejoin -c Class1 -p Volume2"]
# Writes to a raw volume until it is killed.
WRITER = """
import os, random, sys, time
device = os.open(sys.argv[1], os.O_WRONLY | os.O_DSYNC)
while True:
    os.pwrite(device, os.urandom(512), 512 * random.randrange(65536))
    time.sleep(0.002)
"""


@pytest.fixture
def hosts(lab):
    made = new(lab, "node1", TOPOLOGY), new(lab, "node2", TOPOLOGY)
    made[0].fill("/data1")
    for host in made:
        host.forget()
    return made


def changes(hosts):
    """The state-changing commands of all hosts in the order of time, with <run> in the place of the last run."""
    calls = sorted((call for host in hosts for call in host.journal()), key=lambda call: call.started)
    lines = [line for line in (" ".join(call.words) for call in calls) if CHANGES.match(line)]
    records = hosts[0].records()
    return [line.replace(records[-1]["run"], "<run>") if records else line for line in lines]


def proxy(host, name="Volume2"):
    """(relation, states of the slices) of a proxy."""
    rows = [line.split() for line in host.out("sdxinfo", "-V", "-c", "Class1", "-o", name, "-e", "long").splitlines()]
    row = next(dict(zip(rows[0], row)) for row in rows if row[:2] == ["volume", name])
    slices = [line.split() for line in host.out("sdxinfo", "-S", "-c", "Class1", "-o", name).splitlines()[2:]]
    return row["PROXY"], {words[5] for words in slices if words[4] == name}


def assert_home(hosts, name="Volume2"):
    """In step again, no shadow, unlocked, every run closed with nothing left to undo."""
    wait(lambda: proxy(hosts[0], name) == ("Join", {"STOP"}), "%s in step" % name, 60)
    assert "Class2" not in hosts[1].out("sdxinfo", "-C")
    assert hosts[1].run("find", "/dev/sfdsk", "-name", "Volume*", check=False).stdout == ""
    assert hosts[0].locks() == [] and STATE_DIR not in hosts[1].out("cat", "/etc/mnttab", "/proc/self/mounts")
    for host in hosts:
        assert [record["run"] for record in host.records() if record["closed"] is None or record["undo"]] == []


def end(lab, playbook, variables, *options, rc=0):
    """Run a playbook to its end; what it printed. Two hosts take twice as long."""
    return Play(lab, playbook, variables, *options).end(rc, 300)


def recover(lab, run):
    return end(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_gds_poll": 1, "snapbackup_takeover": run})


def test_the_procedure_of_the_manual_twice(hosts, lab):
    """Steps 3 to 8 with dd (6a), which reads the shadow as it was parted; a check mode run tells all of it."""
    shown = planned(end(lab, "backup", SET, "--check", "--diff"))
    assert changes(hosts) == []
    store = "dd if=/dev/sfdsk/Class2/rdsk/Volume2 bs=1048576 count=64"
    assert shown == [JOIN, *PART, *MAKE, store, *REMOVE, *REJOIN]
    for expected in (shown, shown[1:]):
        for host in hosts:
            host.forget()
        end(lab, "backup", SET)
        assert changes(hosts) == expected
        assert_home(hosts)
    for host in hosts:
        assert [record["result"] for record in host.records()] == ["complete"] * 2
    assert [record["verdict"] for record in hosts[0].records()] == ["filesystem"] * 2
    assert len(hosts[1].manifests()) == 2 and hosts[0].manifests() == []


def test_files_are_read_after_a_check_of_the_shadow(hosts, lab):
    """Step 6b: writable for fsck only, then read-only, mounted, tar."""
    frozen = hosts[0].tree("/data1")
    shown = planned(end(lab, "backup", dict(SET, snapbackup_method="tar"), "--check", "--diff"))
    end(lab, "backup", dict(SET, snapbackup_method="tar"))
    fsck = "fsck -F ufs -y /dev/sfdsk/Class2/rdsk/Volume2"
    point = STATE_DIR + "/runs/<run>/mnt/Volume1"
    mounted, unmounted = "mount -F ufs -o ro /dev/sfdsk/Class2/dsk/Volume2 " + point, "umount " + point
    assert changes(hosts) == [JOIN, *PART, *MAKE, *WRITE, fsck, *READ, mounted, unmounted, *REMOVE, *REJOIN]
    assert changes(hosts) == [line for line in shown if not line.startswith("tar ")]
    image = hosts[1].manifests()[0].replace("manifest.json", "Volume1.tar")
    hosts[1].run("mkdir", "/root/tree")
    hosts[1].run("tar", "xf", image, "-C", "/root/tree")
    assert frozen.items() <= hosts[1].tree("/root/tree").items()
    assert_home(hosts)


def test_the_image_is_the_master_of_the_cut_although_writers_go_on(hosts, lab):
    """Steps 3-2 and 3-4: a command pair stops the service, and starts it again."""
    primary, reader = hosts
    raw = "/dev/sfdsk/Class1/rdsk/Volume3"
    primary.write("/root/writer.py", WRITER)
    writer = primary.start("python3", "/root/writer.py", raw)
    stop = primary.script("stop", "pkill -STOP -f writer.py", "sha256sum < %s > /root/cut" % raw)
    resume = primary.script("resume", "pkill -CONT -f writer.py")
    try:
        end(lab, "backup", dict(RAW, snapbackup_quiesce=[{"driver": "command", "before": [stop], "after": [resume]}]))
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    cut = primary.out("cat", "/root/cut").split()[0]
    assert primary.record()["verdict"] == "application" and cut != primary.sha256(raw)
    manifest = reader.manifests()[0]
    assert reader.json(manifest)["images"][0]["sha256"] == cut == reader.sha256(manifest.replace("manifest.json", "Volume3.img"))
    assert_home(hosts, "Volume4")


def test_a_wrong_device_is_refused_and_the_proxy_comes_home(hosts, lab):
    """It is the disk of another name."""
    wrong = {"snapbackup_shadow_devices": {"Disk3": "c9t2d9"}, "snapbackup_confirm_shadow_devices": ["c9t2d9"]}
    output = end(lab, "backup", dict(SET, **wrong), rc=2)
    assert "sdxshadowdisk" in " ".join(failures(output)["node1"])
    assert hosts[1].manifests() == [] and hosts[0].record()["result"] == "failed"
    assert [line for line in changes(hosts) if line.startswith("sdxshadowvolume")] == []
    assert_home(hosts)


@pytest.mark.parametrize("command", ["sdxshadowvolume", "dd"])
def test_a_killed_controller_is_recovered_from(hosts, lab, command):
    """With half a shadow, and while the image is stored."""
    primary, reader = hosts
    reader.fault(command, "hang")
    play = Play(lab, "backup", SET)
    play.until(lambda: [call for call in reader.journal() if call.words[0] == command and call.fault], "%s hangs" % command, 240)
    play.kill()
    if command != "dd":
        # The module goes with its command; the copy job is ended by the recovery.
        reader.kill("python2.7")
        reader.kill(command)
        assert [entry["id"] for entry in reader.record()["undo"]] == ["gds_shadow_volume:Class2"]
    reader.simctl("fault", "clear")
    assert proxy(primary)[0] == "Part"
    run = primary.record()["run"]
    for host in hosts:
        host.age(run)
    recover(lab, run)
    assert_home(hosts)
    assert [host.record()["result"] for host in hosts] == ["abandoned", "failed"] and reader.manifests() == []


def test_disks_are_found_by_their_world_wide_names(hosts, lab):
    """Where no name is given: refused before anything is touched as long as one host cannot tell."""
    primary, reader = hosts
    unnamed = dict(SET, snapbackup_shadow_devices={}, snapbackup_confirm_shadow_devices=[])
    try:
        assert "name them in devices" in " ".join(failures(end(lab, "backup", unnamed, rc=2))["node1"])
        for host, device in ((primary, "c3t1d1"), (reader, "c9t3d9")):
            host.run("mkdir", "-p", "/dev/disk/by-id")
            host.run("ln", "-s", "../../" + device, "/dev/disk/by-id/wwn-0x600000e00d2900000029035d00050000")
        assert changes(hosts) == []
        end(lab, "backup", unnamed)
    finally:
        for host in hosts:
            host.run("rm", "-rf", "/dev/disk/by-id")
    assert changes(hosts)[len(PART) + 1:][:3] == MAKE
    assert_home(hosts)


def test_a_boot_of_the_backup_server_ends_the_store(hosts, lab):
    """The shadow is gone then, and its special files are left: a dump would go into plain files."""
    primary, reader = hosts
    reader.fault("dd", "hang")
    play = Play(lab, "backup", SET)
    play.until(lambda: [call for call in reader.journal() if call.words[0] == "dd" and call.fault], "dd hangs", 240)
    play.kill()
    reader.simctl("fault", "clear")
    reader.simctl("reboot")
    run = primary.record()["run"]
    primary.age(run)
    assert "rm -r /dev/sfdsk/Class2" in recover(lab, run)
    reader.run("rm", "-r", "/dev/sfdsk/Class2")
    assert_home(hosts)


def test_an_image_goes_back_onto_the_master(hosts, lab):
    primary, reader = hosts
    frozen = primary.tree("/data1")
    end(lab, "backup", SET)
    directory = reader.manifests()[0].replace("/manifest.json", "")
    reader.run("cp", "-r", directory, "/san/image")
    primary.run("mv", "/san/image", BACKUP + "/image")
    primary.run("sh", "-c", "rm /data1/data.*")
    variables = {"snapbackup_hosts": "node1", "snapbackup_manifest": BACKUP + "/image/manifest.json", "snapbackup_confirm": ["Volume1"]}
    assert "mounted on /data1" in failures(end(lab, "restore", variables, rc=2))["node1"][0]
    primary.run("umount", "/data1")
    end(lab, "restore", variables)
    primary.run("mount", "-F", "ufs", "/dev/sfdsk/Class1/dsk/Volume1", "/data1")
    assert frozen.items() <= primary.tree("/data1").items()
    assert_home(hosts)


@pytest.mark.parametrize("function", ["rejoin", "copy_function"])
def test_a_kept_proxy_goes_back_onto_its_master(hosts, lab, function):
    primary, reader = hosts
    frozen = primary.tree("/data1")
    end(lab, "backup", dict(SET, snapbackup_retain="until_next_run"))
    assert proxy(primary) == ("Part", {"STOP"}) and primary.record()["phase"] == "retained"
    primary.run("sh", "-c", "rm /data1/data.*")
    if function == "copy_function":
        primary.simctl("set", "opc", "1")
    run = primary.record()["run"]
    variables = {"snapbackup_hosts": "node1", "snapbackup_restore_from": "copy", "snapbackup_restore_run": run,
                 "snapbackup_confirm": ["Volume1"], "snapbackup_restore_function": function, "snapbackup_gds_poll": 1}  # fmt: skip
    assert "is mounted" in failures(end(lab, "restore", variables, rc=2))["node1"][0]
    primary.run("umount", "/data1")
    shown = [line for line in planned(end(lab, "restore", variables, "--check", "--diff")) if re.match(r"sdx(proxy|volume|attr) ", line)]
    primary.forget()
    end(lab, "restore", variables)
    made = [line for line in primary.commands() if re.match(r"sdx(proxy|volume|attr) ", line)]
    # Nobody can tell before it is restored whether copying has left a proxy to join again.
    assert made[:len(shown)] == shown and len(shown) > 2
    made = [line for line in made if not line.startswith("sdxattr ")]
    word = {"rejoin": "RejoinRestore", "copy_function": "Restore"}[function]
    assert made[:2] == ["sdxvolume -F -c Class1 -v Volume1 -e allnodes", "sdxproxy %s -c Class1 -p Volume2 -e nowaitsync" % word]
    assert made[2].startswith("sdxvolume -N -c Class1 -v Volume1 ")
    primary.run("mount", "-F", "ufs", "/dev/sfdsk/Class1/dsk/Volume1", "/data1")
    assert frozen.items() <= primary.tree("/data1").items()
    assert_home(hosts)


def test_a_restore_waits_for_the_backup_server_to_let_go(hosts, lab):
    """The controller dies while the shadow is writable there, and somebody looks into it."""
    primary, reader = hosts
    frozen = primary.tree("/data1")
    reader.fault("fsck", "hang")
    play = Play(lab, "backup", dict(SET, snapbackup_method="tar"))
    play.until(lambda: [call for call in reader.journal() if call.words[0] == "fsck" and call.fault], "fsck hangs", 240)
    play.kill()
    reader.simctl("fault", "clear")
    run = primary.record()["run"]
    primary.age(run)
    primary.run("sh", "-c", "rm /data1/data.*")
    primary.run("umount", "/data1")
    variables = {"snapbackup_hosts": "node1", "snapbackup_restore_from": "copy", "snapbackup_restore_run": run,
                 "snapbackup_confirm": ["Volume1"], "snapbackup_gds_poll": 1}  # fmt: skip

    def said():
        primary.forget()
        found = " ".join(failures(end(lab, "restore", variables, rc=2))["node1"])
        assert [line for line in primary.commands() if re.match(r"sdx(proxy|volume) ", line)] == [] and proxy(primary)[0] == "Part"
        return found

    assert re.search("It is alive on node2: its module, process [0-9]+, is at work", said()) and len(primary.records()) == 1
    reader.age(run)
    reader.run("pkill", "-STOP", "-o", "-x", "sshd")
    reader.kill("sshd: root")
    try:
        assert "node2, which takes part in it, cannot be reached. Nothing was touched" in said() and len(primary.records()) == 1
    finally:
        reader.kill("sshd", "CONT")
    reader.kill("python2.7")
    reader.kill("fsck")
    reader.run("mount", "-F", "ufs", "-o", "ro", "/dev/sfdsk/Class2/dsk/Volume2", "/mnt")
    assert "mounted" in said()
    assert primary.record()["result"] == "failed" and primary.record()["kind"] == "restore" and reader.record()["closed"] is None
    reader.run("umount", "/mnt")
    # It has been at work there.
    reader.age(run)
    end(lab, "restore", variables)
    primary.run("mount", "-F", "ufs", "/dev/sfdsk/Class1/dsk/Volume1", "/data1")
    assert frozen.items() <= primary.tree("/data1").items()
    assert_home(hosts)
    assert (primary.record(run)["result"], reader.record(run)["result"]) == ("abandoned", "failed")


def test_a_kept_proxy_comes_home_before_the_next_backup(hosts, lab):
    kept = dict(SET, snapbackup_retain="until_next_run")
    end(lab, "backup", kept)
    for host in hosts:
        host.forget()
    first = hosts[0].record()["run"]
    shown = planned(end(lab, "backup", kept, "--check", "--diff"))
    end(lab, "backup", kept)
    assert changes(hosts) == shown and shown[:2] == REJOIN
    assert hosts[0].record(first)["result"] == "complete" and hosts[1].record(first)["result"] == "complete"
    assert proxy(hosts[0]) == ("Part", {"STOP"})


@pytest.mark.parametrize("change, words", [
    ({"snapbackup_reader": ""}, "snapbackup_reader is not given"),
    ({"snapbackup_confirm_proxies": []}, "would be overwritten"),
    ({"snapbackup_shadow_devices": {"Disk9": "c9t3d9"}}, "not all known"),
    ({"snapbackup_confirm_shadow_devices": []}, "not proved that c9t3d9 is disk Disk3"),
    ({"snapbackup_destination": "/nowhere/"}, "/nowhere"),
    (dict(RAW, snapbackup_volumes=[{"proxy": "Volume4", "master": "Volume3", "fstype": "sfcfs"}], snapbackup_method="tar"), "GFS Shared"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_before_anything_is_touched(hosts, lab, change, words):
    output = end(lab, "backup", dict(SET, **change), rc=2)
    assert words in " ".join(failures(output)["node1"])
    assert changes(hosts) == [] and hosts[0].records() == hosts[1].records() == []


def test_a_proxy_that_somebody_else_has_parted(hosts, lab):
    hosts[0].run("sdxproxy", "Join", "-c", "Class1", "-m", "Volume1", "-p", "Volume2", "-e", "waitsync")
    hosts[0].run("sdxproxy", "Part", "-c", "Class1", "-p", "Volume2")
    hosts[0].forget()
    assert "find out who uses it" in failures(end(lab, "backup", SET, rc=2))["node1"][0]
    assert changes(hosts) == [] and hosts[0].records() == []
