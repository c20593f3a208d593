# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Services on two nodes that share a class of GDS, stopped on both while slices are detached: on node1 one writes to Volume1, which is
mounted on /data1, on node2 another to the raw Volume2."""

import re

import pytest
from conftest import new
from hosts import BACKUP, STATE_DIR, wait
from plays import Play, failures, planned

pytestmark = pytest.mark.slow

TOPOLOGY = "gds-shared"
BLOCK1, RAW2 = "/dev/sfdsk/Class1/dsk/Volume1", "/dev/sfdsk/Class1/rdsk/Volume2"
SERVICE = {
    "name": "app", "stop": ["/root/app", "stop"], "start": ["/root/app", "start"], "status": ["/root/app", "status"],
    "filesystems": ["/data1"],
}  # fmt: skip
SET = {
    "snapbackup_hosts": "node1", "snapbackup_manager": "gds_slice", "snapbackup_name": "data", "snapbackup_class": "Class1",
    "snapbackup_volumes": [{"volume": "Volume1", "disk": "Disk2", "filesystem": "/data1"}, {"volume": "Volume2", "disk": "Disk2"}],
    "snapbackup_destination": BACKUP, "snapbackup_gds_poll": 1, "snapbackup_poll": 1,
    "snapbackup_services": [SERVICE], "snapbackup_nodes": ["node1", "node2"],
}  # fmt: skip
# It cannot be unmounted below the first one, which works in there.
WRITERS = {
    "node1": """
import os, time
os.chdir("/data1")
log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DSYNC)
while True:
    os.write(log, b"x")
    time.sleep(0.002)
""",
    "node2": """
import os, random, time
device = os.open("%s", os.O_WRONLY | os.O_DSYNC)
while True:
    os.pwrite(device, os.urandom(512), 512 * random.randrange(65536))
    time.sleep(0.002)
""" % RAW2,
}  # fmt: skip
APP = """case $1 in
status) exec pgrep -f "[/]root/writer.py" >/dev/null ;;
stop) pkill -f "[/]root/writer.py"; while pgrep -f "[/]root/writer.py" >/dev/null; do sleep 0.1; done; sha256sum <%s >/root/cut ;;
start) pgrep -f "[/]root/writer.py" >/dev/null || setsid python3 /root/writer.py >/dev/null 2>&1 & ;;
esac
echo "$1" >>/root/log""" % RAW2
CHANGES = re.compile(r"^(lockfs -|sdx(slice|copy) |mount -F|umount /data1|fsck )")


@pytest.fixture
def nodes(lab):
    # A class goes with the last node of its domain.
    new(lab, "node2")
    made = new(lab, "node1", TOPOLOGY), new(lab, "node2", TOPOLOGY)
    made[0].run("newfs", BLOCK1.replace("/dsk/", "/rdsk/"), data="y\n")
    made[0].run("mkdir", "-p", "/data1")
    made[0].run("mount", "-F", "ufs", BLOCK1, "/data1")
    made[0].run("rm", "-f", "/san/go", "/san/waits")
    for host in made:
        host.write("/root/writer.py", WRITERS[host.name])
        host.script("app", APP)
        host.run("/root/app", "start")
        host.run("rm", "/root/log")
        host.forget()
    yield made
    for host in made:
        host.run("/root/app", "stop", check=False)
    made[0].run("umount", "/data1", check=False)


def works(host):
    return host.run("/root/app", "status", check=False).returncode == 0


def done(host):
    """What was asked of the service, but for its status."""
    return [word for word in host.out("sh", "-c", "cat /root/log 2>/dev/null || true").split() if word != "status"]


def changes(host):
    return [line for line in host.commands() if CHANGES.match(line)]


def assert_all_up(nodes):
    wait(lambda: all(map(works, nodes)), "the services run", 60)
    wait(lambda: nodes[0].run("mountpoint", "-q", "/data1", check=False).returncode == 0, "/data1 mounted")
    rows = [line.split() for line in nodes[0].out("sdxinfo", "-S", "-c", "Class1").splitlines()[2:]]
    assert {row[5] for row in rows if row[4] != "*"} <= {"ACTIVE", "FREE"}, rows
    for host in nodes:
        assert [record["run"] for record in host.records() if record["closed"] is None or record["undo"]] == []


def waiting(host):
    """Options with which the split waits, with all services down, until /san/go is there."""
    script = host.script("wait", ": >/san/waits", "while [ ! -e /san/go ]; do sleep 0.1; done")
    pair = {"driver": "command", "before": [script], "after": ["/bin/true"], "limit": 300}
    return {"snapbackup_quiesce": [pair], "snapbackup_lease": 600}


def all_down(nodes, play):
    play.until(lambda: nodes[0].run("test", "-e", "/san/waits", check=False).returncode == 0, "a split that waits", 120)
    assert not any(map(works, nodes)) and [done(host) for host in nodes] == [["stop"]] * 2


def test_services_stand_still_on_both_nodes(nodes, lab):
    first, second = nodes
    shown = planned(Play(lab, "backup", SET, "--check", "--diff").end())
    assert done(first) == done(second) == [] and changes(first) == changes(second) == []
    assert [line for line in shown if line.startswith("app ")] == ["app stop", "app stop", "app start", "app start"]
    Play(lab, "backup", SET).end()
    made = changes(first)
    assert made == [line for line in shown if CHANGES.match(line)]
    assert [line.split()[0] for line in made[:4]] == ["umount", "sdxslice", "sdxslice", "mount"]
    assert done(first) == done(second) == ["stop", "start"] and changes(second) == []
    assert_all_up(nodes)
    record = first.record()
    assert (record["result"], record["verdict"]) == ("complete", "application")
    assert record["nodes"] == ["node2"] and second.record()["kind"] == "services" and second.record()["result"] == "complete"
    manifest = first.json(record["image"])
    images = {image["volume"]: image for image in manifest["images"]}
    # What node2 wrote last is in it, and nothing of what it wrote since.
    assert images["Volume2"]["sha256"] == second.out("cat", "/root/cut").split()[0] != first.sha256(RAW2)
    assert images["Volume1"]["filesystem"] == "/data1" and images["Volume1"]["fstype"] == "ufs"
    assert manifest["window"]["applications"] == [{"driver": "services", "services": ["app"], "filesystems": ["/data1"]}]


def test_a_service_that_somebody_starts_meanwhile_tears_the_cut(nodes, lab):
    first, second = nodes
    play = Play(lab, "backup", dict(SET, **waiting(first)))
    all_down(nodes, play)
    second.run("/root/app", "start")
    first.run("touch", "/san/go")
    said = " ".join(failures(play.end(2))["node1"])
    assert "not stood still" in said and "not proved on node2" in said
    assert_all_up(nodes)
    assert (first.record()["result"], first.record()["verdict"]) == ("failed", "torn") and first.manifests() == []
    assert second.record()["result"] == "failed"


def test_a_service_that_does_not_stop_ends_the_backup(nodes, lab):
    first, second = nodes
    second.script("app", 'case $1 in stop) exit 1 ;; esac', APP)
    said = " ".join(failures(Play(lab, "backup", SET).end(2))["node1"])
    assert "app could not be stopped" in said
    assert_all_up(nodes)
    assert done(first) == ["stop", "start"] and [line for line in changes(first) if line.startswith("sdx")] == []
    assert first.record()["result"] == "failed" and "app could not be stopped" in first.record()["error"]


@pytest.mark.parametrize("by", ["lease", "recover"])
def test_a_killed_controller_leaves_no_service_down(nodes, lab, by):
    first, second = nodes
    play = Play(lab, "backup", dict(SET, **waiting(first), snapbackup_service_lease=45 if by == "lease" else 900))
    all_down(nodes, play)
    play.kill()
    first.kill("gds_slice")
    first.kill("/root/wait")
    if by == "lease":
        wait(lambda: all(map(works, nodes)), "the services run", 90)
    run = first.record()["run"]
    first.age(run)
    Play(lab, "recover", {"snapbackup_hosts": "node1", "snapbackup_gds_poll": 1}).end()
    assert_all_up(nodes)
    assert done(first) == done(second) == ["stop", "start"]
    assert first.record()["result"] == "abandoned"
    # It has done its part where the recovery has come before the lease.
    assert second.record()["result"] == {"lease": "failed", "recover": "complete"}[by]


def test_a_node_that_is_lost_starts_by_itself_and_is_closed_later(nodes, lab):
    first, second = nodes
    play = Play(lab, "backup", dict(SET, **waiting(first), snapbackup_service_lease=90))
    all_down(nodes, play)
    second.run("pkill", "-STOP", "-o", "-x", "sshd")
    second.kill("sshd: root")
    try:
        first.run("touch", "/san/go")
        said = " ".join(failures(play.end(2, 240))["node1"])
        assert "node2 cannot be reached. It starts its services by itself" in said and "not proved on node2" in said
        assert works(first) and done(first) == ["stop", "start"] and first.record()["verdict"] == "torn"
        wait(lambda: works(second), "the service of node2 runs", 120)
        output = Play(lab, "backup", SET).end(2)
        assert "node2, which shares the volumes, cannot be reached. Nothing was touched." in " ".join(failures(output)["node1"])
    finally:
        second.kill("sshd", "CONT")
    second.age(second.record()["run"])
    Play(lab, "recover", {"snapbackup_hosts": "node2"}).end()
    assert_all_up(nodes)
    assert first.manifests() == [] and second.record()["result"] == "abandoned"
    assert STATE_DIR not in second.out("cat", "/proc/self/mounts")


def status(host, volume):
    rows = [line.split() for line in host.out("sdxinfo", "-V", "-c", "Class1", "-o", volume).splitlines()]
    return next(dict(zip(rows[0], row))["STATUS"] for row in rows if row[:2] == ["volume", volume])


def test_an_image_goes_back_onto_volumes_that_no_other_node_has_started(nodes, lab):
    first, second = nodes
    Play(lab, "backup", SET).end()
    image = first.record()["image"]
    frozen = {found["volume"]: found["sha256"] for found in first.json(image)["images"]}
    for host in nodes:
        host.run("/root/app", "stop")
    first.run("umount", "/data1")
    written = first.sha256(RAW2)
    given = {"snapbackup_hosts": "node1", "snapbackup_manifest": image, "snapbackup_confirm": ["Volume1", "Volume2"], "snapbackup_poll": 1}
    shown = [line for line in planned(Play(lab, "restore", given, "--check", "--diff").end()) if line.startswith("sdxvolume ")]
    first.fault("sdxvolume", "fail", message="SDX:sdxvolume: ERROR: Volume1: volume is in use, node=node2")
    assert "node=node2" in " ".join(failures(Play(lab, "restore", given).end(2))["node1"])
    first.simctl("fault", "clear")
    assert first.sha256(RAW2) == written and first.record()["result"] == "failed"
    assert [status(host, volume) for host in nodes for volume in frozen] == ["ACTIVE"] * 4
    first.forget()
    Play(lab, "restore", given).end()
    made = [line for line in first.commands() if line.startswith("sdxvolume ")]
    alone = ["sdxvolume %s -c Class1 -v %s%s" % (word, volume, where)
             for volume in sorted(frozen) for word, where in (("-F", " -e allnodes"), ("-N", ""))]  # fmt: skip
    assert made[:4] == alone and [line.replace("<nodes>", "node2") for line in shown] == made
    assert made[4:] == ["sdxvolume -N -c Class1 -v %s -e node=node2,mode=rw" % volume for volume in sorted(frozen)]
    assert frozen == {volume: first.sha256("/dev/sfdsk/Class1/rdsk/" + volume) for volume in frozen}
    assert [status(host, volume) for host in nodes for volume in frozen] == ["ACTIVE"] * 4
    first.run("mount", "-F", "ufs", BLOCK1, "/data1")


@pytest.mark.parametrize("change, words", [
    ({"snapbackup_nodes": ["node2"]}, "node1 among them"),
    ({"snapbackup_nodes": ["node1", "node9"]}, "inventory names of the hosts"),
    ({"snapbackup_services": []}, "no snapbackup_services"),
    ({"snapbackup_services": [dict(SERVICE, stop=["/root/nothing"])]}, "needs in stop a command"),
    ({"snapbackup_destination": "/data1/images/"}, "is unmounted while"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anything_is_touched(nodes, lab, change, words):
    said = failures(Play(lab, "backup", dict(SET, **change)).end(2))["node1"]
    assert words in " ".join(said)
    assert nodes[0].records() == nodes[1].records() == [] and done(nodes[0]) == done(nodes[1]) == []
