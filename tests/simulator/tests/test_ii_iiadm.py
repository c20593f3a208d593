# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iiadm(1M) on one host: what it prints, what it refuses, and what is in the volumes afterwards."""

import subprocess
import threading
import time

import pytest
from ii_hosts import B2, TOPOLOGY, B, M, S, bits, kind, lines, names, row, settled, topology

pytestmark = pytest.mark.slow

GONE = "Volume is not in a Point-in-Time Copy group"


@pytest.fixture
def node1(make_host):
    made = make_host("node1")
    made.apply(TOPOLOGY)
    return made


def said(host, *argv, rc=2):
    """The message of a refusal without the name of the command."""
    text = host.refused("iiadm", *argv, rc=rc)
    return text.replace(str(host.directory / "bin" / "iiadm"), "iiadm")


def quietly(host, *argv):
    """A command whose child keeps the outputs open until a copy ends: its exit status alone."""
    return subprocess.run(host.argv(*argv), env=host.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          timeout=60, check=False).returncode


def stalled(host, number):
    """An independent set whose copy does not come forward."""
    host.ctl("resync-speed", "stall")
    assert quietly(host, "iiadm", "-e", "ind", *names(number)) == 0


def test_status_of_a_set(node1):
    assert node1.ok("iiadm") == node1.ok("iiadm", "-i") == node1.ok("iiadm", "-l") == ""
    settled(node1, 1, 3)
    found = lines(node1, S % 1)
    assert found[5].startswith("Latest modified time: ") and len(found[5]) == len("Latest modified time: Tue Mar  4 21:00:05 2003")
    del found[5]
    assert found == [M % 1 + ": (master volume)", S % 1 + ": (shadow volume)", B % 1 + ": (bitmap volume)", "Group name: Backup1",
                     "Independent copy", "Volume size:    16384", "Shadow chunks total: 256 Shadow chunks used: 0",
                     "Percent of bitmap set: 0", "\t(bitmap clean)"]
    whole = node1.ok("iiadm", "-i", "all")
    assert whole.split("-" * 78 + "\n") == [node1.ok("iiadm", "-i", S % 1), node1.ok("iiadm", "-i", S % 3)]
    assert node1.ok("iiadm", "-g", "Backup1", "-i") == node1.ok("iiadm", "-i") == whole
    assert node1.ok("iiadm", "-l") == "ind %s %s %s\nind %s %s %s\n" % (names(1) + names(3))
    assert node1.ok("iiadm", "-g", "-L") == "Backup1\n"
    assert node1.ok("iiadm", "-v") == "Point in Time Copy version 11.11\n"


def test_status_of_what_is_no_set(node1):
    settled(node1, 3)
    done = node1.run("iiadm", "-i", M % 3)
    assert (done.returncode, done.stdout) == (2, "Volume is not in configuration file\n")
    assert done.stderr.endswith("iiadm: Stat failed:\nII: Volume not enabled\n")
    assert "Group does not exist or has no members" in said(node1, "-g", "none", "-i")


def test_per_cent_and_dirty(node1):
    settled(node1, 1, 3)
    node1.write("production/vol01", b"x", 32768 * 7)
    assert lines(node1, S % 1)[-2:] == ["Percent of bitmap set: 0", "\t(bitmap dirty)"]
    node1.write("production/vol01", b"y" * 32768 * 64, 32768 * 64)
    assert lines(node1, S % 1)[-2] == "Percent of bitmap set: 25"
    node1.write("production/vol03", b"z" * 32768 * 32)
    assert lines(node1, S % 3)[-2:] == ["Percent of bitmap set: 0", "\t(bitmap dirty)"], "fewer than 100 chunks"


def test_the_point_in_time_is_that_of_the_command(node1):
    settled(node1, 1)
    node1.write("production/vol01", b"before" * 100000)
    node1.ctl("resync-speed", "stall")
    assert quietly(node1, "iiadm", "-u", "s", S % 1) == 0
    node1.write("production/vol01", b"AFTER!" * 100000)
    assert kind(node1, S % 1) == "Independent copy, copy in progress, copying master to shadow"
    assert node1.read("backup/vol01", size=600000) == b"before" * 100000
    node1.ctl("resync-speed", "10 GiB")
    node1.ok("iiadm", "-w", S % 1)
    assert node1.read("backup/vol01", size=600000) == b"before" * 100000
    assert bits(node1, S % 1) == list(range(19)), "what was written during the copy is to be copied the next time"


def test_only_changed_chunks_are_copied(node1):
    settled(node1, 1)
    node1.write("production/vol01", b"master", 5 * 32768)
    node1.write("backup/vol01", b"shadow", 9 * 32768)
    node1.ok("iiadm", "-u", "s", S % 1)
    node1.ok("iiadm", "-w", S % 1)
    assert node1.read("backup/vol01", 9 * 32768, 6) == bytes(6) and node1.read("backup/vol01", 5 * 32768, 6) == b"master"
    node1.ok("iiadm", "-c", "s", S % 1)
    node1.ok("iiadm", "-w", S % 1)
    copies = node1.show()["ii"]["copies"]
    assert [(one["regions"], one["full"], one["total"]) for one in copies] == [(256, 1, 8 << 20), (2, 0, 65536), (256, 1, 8 << 20)]


def test_one_instant_for_all_sets_of_a_group(node1):
    settled(node1, 1, 2, 3)
    stop, names_ = threading.Event(), ("production/vol01", "production/vol02", "production/vol03")

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            for name in names_:
                node1.write(name, b"%08d" % number)
            time.sleep(0.02)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _round in range(5):
            node1.ok("iiadm", "-g", "Backup1", "-u", "s")
            node1.ok("iiadm", "-g", "Backup1", "-w")
            found = [int(node1.read(name.replace("production", "backup"), size=8) or 0) for name in names_]
            assert found[0] >= found[1] >= found[2] >= found[0] - 1, found
    finally:
        stop.set()
        writer.join()
    node1.ok("iiadm", "-g", "Backup1", "-u", "s")
    for name in names_:
        assert node1.read(name, size=8) == node1.read(name.replace("production", "backup"), size=8), "no write was overlooked"


def test_nothing_of_a_group_starts_if_one_is_refused(node1):
    settled(node1, 1, 2)
    node1.write("production/vol01", b"new")
    node1.ok("iiadm", "-E", S % 2)
    text = said(node1, "-g", "Backup1", "-u", "s")
    assert text == "iiadm: Update of %s failed:\nII: Update or copy not allowed on an exported shadow volume\n" % (S % 2)
    assert bits(node1, S % 1) == [0] and node1.read("backup/vol01", size=3) == bytes(3)
    assert said(node1, "-u", "s", S % 1, S % 1) == "iiadm: Duplicate volume specified:\nError 0\n"
    assert said(node1, "-u", "s", S % 1, S % 3) == "iiadm: Volume is not in a Point-in-Time group:\nSet/volume not found\n"


def test_refusals_of_enable(node1):
    settled(node1, 1)
    wrong = "/dev/vx/rdsk/production/none"
    for argv, text in (
            ((wrong, S % 2, B % 2), "Unable to access master volume:\nNo such file or directory"),
            ((M % 2, wrong, B % 2), "Unable to access shadow volume:\nNo such file or directory"),
            (((M % 2).replace("rdsk", "dsk"), S % 2, B % 2), "Master volume is not a character device:\nError 0"),
            ((M % 2, M % 2, B % 2), "Master and shadow are the same device:\nError 0"),
            ((M % 2, S % 2, S % 2), "Shadow and bitmap are the same device:\nError 0"),
            ((M % 2, S % 1, B % 2), "Shadow volume is already configured:\nFile exists"),
            ((M % 2, S % 2, B % 1), "Enable failed:\nII: Volume in use"),
            ((M % 1, S % 3, B % 3), "Enable failed:\nII: Shadow too small"),
            (("/dev/" + "v" * 60, S % 2, B % 2), "Unable to access master volume:\nFile name too long")):
        assert said(node1, "-e", "ind", *argv) == "iiadm: %s\n" % text
    assert node1.ok("iiadm", "-l") == "ind %s %s %s\n" % names(1), "nothing is left of what was refused"
    assert len(node1.show()["ii"]["sv"]) == 2
    node1.ok("vxvol", "-g", "production", "stop", "vol02")
    assert said(node1, "-e", "ind", *names(2)) == (
        "iiadm: Cannot enable master volume:\nSV: Error from nsc_open()\nSOLARIS: No such device or address\n")


def test_bad_command_lines(node1):
    for argv, why in (
            (("-u",), "option requires an argument -- u"), (("-w",), "option requires an argument -- w"),
            (("-s", "x"), "illegal option -- s"), (("-g", "G", "-I"), "illegal option -- I"),
            (("-u", "x", S % 1), "must specify m or s with -c|-u"), (("-e", "shd", M % 1, S % 1, B % 1), "must specify ind or dep with -e"),
            (("-e", "ind", M % 1), "must specify 3 volumes with -e"), (("-u", "s"), "must specify volume with -u|-c"),
            (("-J", S % 1), "must specify 2 volumes with -I|-J"), (("-n",), "must specify an action flag"),
            (("-i", "-l"), "too many action flags"), (("-g", "G", "-L"), "too many action flags"),
            (("-m", S % 1), "must use a group with this option")):
        text = said(node1, *argv, rc=1)
        assert text.startswith("iiadm: %s\n" % why) and "Brief summary:\n\t-e {ind|dep}" in text, argv
    assert said(node1, "-C", "local", "-l").startswith("iiadm: -C is valid only in a Sun Cluster:\n")


def test_while_a_copy_runs(node1):
    stalled(node1, 1)
    assert kind(node1, S % 1) == "Independent copy, copy in progress, copying master to shadow"
    assert lines(node1, S % 1)[-1] == "Percent of bitmap set: 100"
    assert said(node1, "-u", "s", S % 1, rc=1) == "iiadm: Copy already in progress\n"
    assert said(node1, "-E", S % 1) == "iiadm: Export failed:\nII: Volumes are not currently independent\n"
    assert said(node1, "-d", S % 1) == "iiadm: Disable failed:\nII: Volumes are not currently independent\n"
    assert said(node1, "-J", S % 1, B2 % 1).endswith("II: Shadow volume is not exported\n")


def test_the_child_of_a_copy_keeps_the_output_open(node1):
    node1.ctl("resync-speed", "stall")
    started = node1.start("iiadm", "-e", "ind", *names(1))
    assert started.wait(timeout=30) == 0
    with pytest.raises(subprocess.TimeoutExpired):
        started.communicate(timeout=1)
    node1.ctl("resync-speed", "10 GiB")
    assert started.communicate(timeout=30) == ("", "")


def test_an_abort_and_what_disable_does_then(node1):
    node1.write("backup/vol01", b"old" * 100000)
    node1.write("production/vol01", b"new" * 100000)
    stalled(node1, 1)
    node1.ok("iiadm", "-a", S % 1)
    assert kind(node1, S % 1) == "Independent copy, copy not active, copying master to shadow"
    assert node1.read("backup/vol01", size=6) == b"newnew", "what was not copied is read from the master"
    assert said(node1, "-u", "m", S % 1) == "iiadm: Copy failed:\nII: Volume copy in progress\n"
    assert said(node1, "-E", S % 1) == "iiadm: Export failed:\nII: Volumes are not currently independent\n"
    node1.ok("iiadm", "-w", S % 1)
    node1.ok("iiadm", "-d", S % 1)
    assert node1.read("backup/vol01", size=6) == b"oldold" and node1.read("backup/vol01", 16 * 512, 112 * 512) == bytes(112 * 512)
    assert node1.read("backup/vol01", 128 * 512, 3) != bytes(3)


def test_disable_after_the_copy_leaves_the_shadow_alone(node1):
    node1.write("production/vol01", b"new" * 100000)
    settled(node1, 1)
    assert row(node1, S % 1)["copy_bits"] == 0 and node1.read("production/vol01.bmp", size=4) == b"DIRT"
    node1.ok("iiadm", "-d", S % 1)
    assert node1.read("backup/vol01", size=300000) == b"new" * 100000 and node1.read("production/vol01.bmp", size=4) == bytes(4)
    assert node1.ok("svadm") == "" and said(node1, "-d", S % 1) == "iiadm: %s:\nSet/volume not found\n" % GONE


def test_a_dependent_shadow(node1):
    node1.write("production/vol01", b"one" * 100000)
    node1.ok("iiadm", "-e", "dep", *names(1))
    node1.write("production/vol01", b"two" * 100000)
    assert kind(node1, S % 1) == "Dependent copy" and node1.read("backup/vol01", size=3) == b"one"
    assert said(node1, "-E", S % 1) == "iiadm: Export failed:\nII: Volumes are not currently independent\n"
    node1.ok("iiadm", "-u", "s", S % 1)
    assert lines(node1, S % 1)[-1] == "\t(bitmap clean)" and node1.read("backup/vol01", size=3) == b"two"
    node1.ok("iiadm", "-d", S % 1)
    assert node1.read("backup/vol01", 16 * 512, 112 * 512) == bytes(112 * 512)


def test_a_restore(node1):
    node1.write("production/vol01", b"good" * 100000)
    settled(node1, 1)
    node1.write("production/vol01", b"evil" * 100000)
    node1.ok("iiadm", "-n", "-u", "m", S % 1)
    assert node1.read("production/vol01", size=400000) == b"good" * 100000
    node1.ok("iiadm", "-w", S % 1)
    copy = node1.show()["ii"]["copies"][-1]
    assert (copy["direction"], copy["regions"], copy["full"]) == ("m", 13, 0) and bits(node1, S % 1) == []


def test_an_aborted_restore_leaves_a_mixture(node1):
    node1.write("production/vol01", b"good" * 100000)
    settled(node1, 1)
    node1.write("production/vol01", b"evil" * 100000)
    node1.ctl("resync-speed", "stall")
    assert quietly(node1, "iiadm", "-u", "m", S % 1) == 0
    assert kind(node1, S % 1) == "Independent copy, copy in progress, copying shadow to master"
    node1.ok("iiadm", "-a", S % 1)
    assert said(node1, "-u", "s", S % 1) == "iiadm: Copy failed:\nII: Volume copy in progress\n"
    node1.ok("iiadm", "-d", S % 1)
    assert node1.read("production/vol01", size=4) == b"evil"
    assert node1.read("backup/vol01", 16 * 512, 4) == bytes(4), "the good shadow loses its superblock too"


def test_groups(node1):
    settled(node1, 1, 2)
    node1.ok("iiadm", "-g", "Other", "-m", S % 2)
    assert node1.ok("iiadm", "-g", "-L") == "Backup1\nOther\n"
    assert node1.ok("iiadm", "-g", "Other", "-l") == "ind %s %s %s\n" % names(2)
    node1.ok("iiadm", "-g", "", "-m", S % 2)
    assert said(node1, "-g", "Backup1", "-m", "%s,%s" % (S % 1, S % 2)) == "iiadm: %s:\nSet/volume not found\n" % GONE
    node1.ok("iiadm", "-g", "Backup1", "-d", S % 2)
    assert node1.ok("iiadm", "-l") == "ind %s %s %s\n" % names(2), "a volume does not narrow what is done to a group"
    node1.ok("iiadm", "-g", "", "-d")
    assert node1.ok("iiadm", "-l") == "", "the empty name means all sets that are in no group"


def test_a_group_is_disabled_member_by_member(node1):
    settled(node1, 1)
    node1.ctl("resync-speed", "stall")
    assert quietly(node1, "iiadm", "-g", "Backup1", "-e", "ind", *names(2)) == 0
    assert said(node1, "-g", "Backup1", "-d") == (
        "iiadm: Some sets in the group failed to disable:\nII: One or more sets failed to be disabled\n"
        "II: Volumes are not currently independent\n")
    assert node1.ok("iiadm", "-l") == "ind %s %s %s\n" % names(2)


def test_surplus_operands_are_ignored(node1):
    settled(node1, 1, 2)
    node1.ok("iiadm", "-d", S % 1, S % 2)
    assert node1.ok("iiadm", "-l") == "ind %s %s %s\n" % names(2)
    assert said(node1, "-E", "-g", "Backup1") == "iiadm: %s:\nSet/volume not found\n" % GONE


def test_copy_parameters(node1):
    settled(node1, 1)
    assert node1.ok("iiadm", "-P", S % 1) == "volume: %s\ncopy delay: 2\ncopy unit: 100\n" % (S % 1)
    node1.ok("iiadm", "-P", "10", "200", S % 1)
    assert node1.ok("iiadm", "-P", S % 1) == "volume: %s\ncopy delay: 10\ncopy unit: 200\n" % (S % 1)
    assert said(node1, "-P", "1", "200", S % 1) == ("Parameter ranges are delay(2 - 10000), units(100 - 60000)\n"
                                                     "iiadm: Set Copy Parameters failed:\nSOLARIS: Invalid argument\n")


def test_what_is_asked_on_a_terminal(node1):
    settled(node1, 1)
    node1.write("production/vol01", b"evil")
    script = ("import os, pty, sys\npid, fd = pty.fork()\nif pid == 0: os.execv(sys.argv[2], sys.argv[2:])\n"
              "os.write(fd, sys.argv[1].encode() + b'\\n')\nout = b''\n"
              "try:\n  while True: out += os.read(fd, 999)\nexcept OSError: pass\n"
              "sys.stdout.write(out.decode())\nsys.exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))\n")

    def answer(word):
        done = subprocess.run(["/usr/bin/python3", "-c", script, word] + node1.argv("iiadm", "-u", "m", S % 1), env=node1.env,
                              stdout=subprocess.PIPE, universal_newlines=True, timeout=60, check=False)
        assert "Overwrite master with shadow volume? yes/no " in done.stdout
        return done.returncode, node1.read("production/vol01", size=4)
    assert answer("no") == (1, b"evil") and answer("") == (1, b"evil")
    assert answer("y") == (0, bytes(4))


def test_a_compact_shadow_and_its_overflow(node1):
    node1.ok("iiadm", "-e", "dep", M % 2, S % 3, B % 2)
    assert kind(node1, S % 3) == "Dependent copy, compacted shadow space"
    assert "Shadow chunks total: 32 Shadow chunks used: 0" in lines(node1, S % 3)
    node1.write("production/vol02", b"x" * 32768 * 40)
    assert "Shadow chunks total: 32 Shadow chunks used: 32" in lines(node1, S % 3)
    assert kind(node1, S % 3) == "Dependent copy, compacted shadow space, out of space"
    assert said(node1, "-n", "-u", "m", S % 3) == (
        "iiadm: Copy failed:\nII: Source shadow volume is not complete due to earlier overflow\n")
    node1.ok("iiadm", "-u", "s", S % 3)
    node1.ok("iiadm", "-n", "-O", M % 3)
    node1.ok("iiadm", "-A", M % 3, S % 3)
    node1.write("production/vol02", b"y" * 32768 * 40)
    assert kind(node1, S % 3) == "Dependent copy, compacted shadow space, spilled into overflow volume"
    assert node1.ok("iiadm", "-Q", M % 3).splitlines()[2:] == [
        "Total number of chunks: 32", "Number of chunks ever allocated: 8", "Number of used chunks: 8", "Number of unused chunks: 24"]
    assert said(node1, "-D", S % 3) == (
        "iiadm: Failed to detach overflow volume:\nII: Volumes are currently dependent on overflow volume\n")
    assert node1.ok("iiadm", "-L") == M % 3 + "\n"
    node1.ok("iiadm", "-u", "s", S % 3)
    node1.ok("iiadm", "-D", S % 3)
    assert node1.ok("iiadm", "-L") == ""


def test_a_process_may_keep_a_set_to_itself(node1):
    settled(node1, 3)
    node1.ok("iiadm", "-p", "-u", "s", S % 3)
    apart = subprocess.run(["/bin/sh", "-c", '"$@"; exit $?', "sh"] + node1.argv("iiadm", "-u", "s", S % 3), env=node1.env,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    assert apart.returncode == 2 and apart.stderr.endswith("Copy failed:\nII: Volume in use\n")
    node1.ok("iiadm", "-p", "-w", S % 3)
    assert said(node1, "-p", "-w", S % 3) == "iiadm: Wait failed:\nII: Set not pid-locked\n"


def test_a_mounted_target(make_host, tmp_path):
    made, point = make_host("node1"), tmp_path / "shadow"
    made.apply(topology({1: "16 MiB"}))
    point.mkdir()
    mount = ("mount", "-F", "vxfs", (S % 1).replace("rdsk", "dsk"), point)
    made.ok("mkfs", "-F", "vxfs", S % 1)
    made.ok(*mount)
    assert said(made, "-e", "ind", *names(1)) == "iiadm: Shadow volume is mounted, unmount it first:\nDevice busy\n"
    made.ok("umount", point)
    settled(made, 1)
    made.ok("mkfs", "-F", "vxfs", S % 1)
    made.ok(*mount)
    assert said(made, "-u", "s", S % 1) == "iiadm: Target of copy/update is mounted, unmount it first:\nDevice busy\n"
    assert said(made, "-E", S % 1).startswith("iiadm: Can't export a mounted volume:\n")
    made.ok("umount", point)
    made.ok("iiadm", "-E", S % 1)
