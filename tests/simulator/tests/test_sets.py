# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disk sets: who owns them, their names everywhere, and what release and take do to an offlined submirror."""

import os

import pytest

pytestmark = pytest.mark.slow

ONE_MIRROR = {"mirrors": {"d1": {"size": "32 MiB", "submirrors": {"d2": "c1t0d0s0", "d3": "c1t1d0s0"}}}}
LISTING = """
Set name = blue, Set number = 1

Host                Owner
  node1              %s
  node2              %s

Drive    Dbase

c1t0d0   Yes  \n
c1t1d0   Yes  \n"""

COMMANDS = (
    ("metastat", "-s", "blue"),
    ("metastat", "blue/d1"),
    ("metaoffline", "-s", "blue", "d1", "d3"),
    ("metaonline", "blue/d1", "blue/d3"),
    ("metadetach", "/dev/md/blue/rdsk/d1", "d3"),
    ("metattach", "-s", "blue", "d1", "d3"),
    ("metasync", "-s", "blue", "-r"),
    ("metaparam", "-p", "2", "blue/d1"),
    ("metareplace", "-s", "blue", "-e", "d1", "c1t0d0s0"),
    ("metainit", "blue/d9", "1", "1", "c1t5d0s0"),
    ("metaclear", "-s", "blue", "d1"),
)


def state_of(host, name):
    """State of the submirror blue/NAME in the simulator's own words."""
    members = host.show()["svm"]["mirrors"]["blue/d1"]["submirrors"]
    return {member["name"]: member["state"] for member in members}["blue/" + name]


def hand_over(two):
    """The set goes from the first host to the second."""
    first, second = two
    assert first.ok("metaset", "-s", "blue", "-r") == ""
    assert second.ok("metaset", "-s", "blue", "-t") == ""


def test_listing_tells_only_whether_this_host_owns(two):
    first, second = two
    assert first.ok("metaset") == first.ok("metaset", "-s", "blue") == LISTING % ("Yes", "")
    assert second.ok("metaset") == LISTING % ("", "")
    hand_over(two)
    assert first.ok("metaset") == LISTING % ("", "")
    assert second.ok("metaset") == LISTING % ("", "Yes")


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_every_command_needs_the_owner(two, argv):
    second = two[1]
    before = second.run("metaset").stdout, two[0].ok("metastat", "-s", "blue", "-p")
    assert second.refused(*argv) == "%s: node2: blue: must be owner of the set for this command\n\n" % argv[0]
    assert (second.run("metaset").stdout, two[0].ok("metastat", "-s", "blue", "-p")) == before


def test_release_needs_the_owner_and_take_needs_a_free_set(two):
    first, second = two
    assert second.refused("metaset", "-s", "blue", "-r") == "metaset: node2: blue: must be owner of the set for this command\n\n"
    assert second.refused("metaset", "-s", "blue", "-t") == (
        "metaset: node2: blue: only the current owner node1 may operate on this set\n\n")
    assert first.ok("metaset", "-s", "blue", "-t") == ""
    assert first.refused("metaset", "-s", "red", "-t") == "metaset: node1: red: no such set\n\n"
    assert first.run("metaset", "-t").stderr.startswith("usage:\tmetaset")
    assert first.run("metaset", "-s", "blue", "-o").returncode == 0
    assert second.run("metaset", "-s", "blue", "-o").returncode == 1


def test_names(two):
    first = two[0]
    assert first.ok("metaoffline", "-s", "blue", "d1", "d3") == "blue/d1: submirror blue/d3 is offlined\n"
    assert first.ok("metaonline", "/dev/md/blue/dsk/d1", "d3") == "blue/d1: submirror blue/d3 is onlined\n"
    assert first.ok("metastat", "-p", "-s", "blue") == (
        "blue/d1 -m /dev/md/blue/rdsk/d2 /dev/md/blue/rdsk/d3 1\n"
        "blue/d2 1 1 /dev/rdsk/c1t0d0s0\nblue/d3 1 1 /dev/rdsk/c1t1d0s0\n")
    assert first.settle() == "" and first.ok("metastat", "-c", "blue/d1").startswith("blue/d1          m   32MB blue/d2 blue/d3\n")
    assert first.refused("metaoffline", "-s", "blue", "red/d1", "d3") == "metaoffline: node1: red/d1: set name is inconsistent\n\n"
    assert first.refused("metaoffline", "d1", "d3") == "metaoffline: node1: d1: unit not set up\n\n"


def test_metastat_a_prints_all_that_is_owned(two):
    first, second = two
    text = first.ok("metastat", "-a", "-p")
    assert text.startswith("\nblue/d1 -m ") and text.endswith("c1t1d0s0\n\n")
    assert second.ok("metastat", "-a", "-p") == "\n"
    assert first.ok("metastat", "-p") == ""


def test_a_volume_has_a_device_only_where_the_set_is(two):
    first, second = two
    path = "md/blue/rdsk/d1"
    assert (first.dev / path).exists() and not (second.dev / path).exists()
    hand_over(two)
    assert not (first.dev / path).exists() and (second.dev / path).exists()


def write(host, name, data):
    """Write to a volume of the set."""
    fd = os.open(host.dev / "md/blue/rdsk" / name, os.O_WRONLY)
    os.write(fd, data)
    os.fsync(fd)
    os.close(fd)


def read(host, name, size):
    """Read from a volume of the set."""
    fd = os.open(host.dev / "md/blue/rdsk" / name, os.O_RDONLY)
    try:
        return os.read(fd, size)
    finally:
        os.close(fd)


def test_release_and_take_end_a_split(two):
    first, second = two
    write(first, "d1", b"old")
    first.ok("metaoffline", "-s", "blue", "d1", "d3")
    write(first, "d1", b"new")
    assert read(first, "d3", 3) == b"old"
    hand_over(two)
    second.ok("metastat", "-s", "blue")
    assert state_of(second, "d3") == "RUNNING" and read(second, "d3", 3) == b"new"


def test_the_resync_after_a_take_can_be_watched(two):
    first, second = two
    second.ctl("resync-speed", "stall")
    first.ok("metaoffline", "-s", "blue", "d1", "d3")
    write(first, "d1", b"new")
    hand_over(two)
    assert "blue/d3 (resync-0%)" in second.ok("metastat", "-s", "blue", "-c")
    assert second.refused("metaoffline", "blue/d1", "d3") == "metaoffline: node2: blue/d1: resync in progress\n\n"


def test_with_pass_0_a_submirror_stays_offline(two):
    first, second = two
    first.ok("metaparam", "-p", "0", "blue/d1")
    first.ok("metaoffline", "-s", "blue", "d1", "d3")
    hand_over(two)
    assert state_of(second, "d3") == "OFFLINE"


def test_a_detached_submirror_goes_with_the_set(two):
    first, second = two
    write(first, "d1", b"old")
    first.ok("metadetach", "-s", "blue", "d1", "d3")
    write(first, "d1", b"new")
    hand_over(two)
    assert (read(second, "d3", 3), read(second, "d1", 3)) == (b"old", b"new")
    assert second.ok("metattach", "-s", "blue", "d1", "d3") == "blue/d1: submirror blue/d3 is attached\n"


def test_an_open_volume_keeps_the_set(two):
    first = two[0]
    fd = os.open(first.dev / "md/blue/rdsk/d3", os.O_RDONLY)
    assert first.refused("metaset", "-s", "blue", "-r") == "metaset: node1: blue: Device busy\n\n"
    os.close(fd)
    assert first.ok("metaset", "-s", "blue", "-r") == ""


def test_a_reboot_gives_the_set_up(two):
    first, second = two
    first.ctl("reboot", "--no-kill")
    assert first.show()["svm"]["sets"]["blue"]["owner"] is None
    second.ok("metaset", "-s", "blue", "-t")


def test_a_set_is_taken_from_a_dead_host_by_force(two):
    second = two[1]
    second.ok("metaset", "-s", "blue", "-t", "-f")
    assert second.show()["svm"]["sets"]["blue"]["owner"] == "node2"


def test_auto_take(host):
    host.apply({"svm": {"sets": {"red": dict(ONE_MIRROR, hosts=["node1"], auto_take=True)}}})
    assert "  node1              Yes (auto)\n" in host.ok("metaset")
    assert host.refused("metaset", "-s", "red", "-r") == "metaset: node1: red: cannot release auto-take diskset\n\n"
    host.ctl("reboot", "--no-kill")
    assert "  node1              Yes (auto)\n" in host.ok("metaset")


def test_a_file_system_goes_with_the_set(exported):
    first, second = exported
    (first.point / "file").write_text("here")
    assert first.refused("metaset", "-s", "blue", "-r").endswith("Device busy\n\n")
    first.ok("umount", first.point)
    hand_over(exported)
    second.ok("mount", second.point)
    assert (second.point / "file").read_text() == "here"
    assert "/dev/md/blue/dsk/d1\t%s\tufs" % second.point in (second.etc / "mnttab").read_text()
    second.ctl("reboot", "--no-kill")
    assert not os.path.ismount(second.point)


def test_a_reset_of_one_host_leaves_the_set_to_the_other(two):
    first, second = two
    write(first, "d1", b"data")
    first.ctl("reset")
    second.ok("metaset", "-s", "blue", "-t")
    assert read(second, "d1", 4) == b"data"


def test_a_host_that_was_reset_joins_again(two):
    first, second = two
    second.ctl("reset")
    second.ctl("apply", second.directory / "topology.yml")
    assert second.ok("metaset") == LISTING % ("", "")
    hand_over(two)
