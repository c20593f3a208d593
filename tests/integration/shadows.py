# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two hosts with Instant Image, as several tests use them: the topology ii."""

import re

from conftest import new
from hosts import STATE_DIR
from plays import Play

CHANGES = re.compile(r"^(iiadm .*-(e|d|u|c|E|I|J|m) |svadm -|vxdg (-t )?(import|deport)|vxvol |lockfs -|fsck -F|dd )")
RDSK = "/dev/vx/rdsk/"
# A whole procedure on two hosts, on a machine that has more to do.
LONG = 400


def member(number):
    """A set of vol0N."""
    name = "vol%02d" % number
    return {
        "master": RDSK + "production/" + name, "bitmap": RDSK + "production/%s.bmp" % name, "shadow": RDSK + "backup/" + name,
        "secondary": RDSK + "backup/%s.bmp" % name, **({"filesystem": "/" + name} if number < 3 else {}),
    }  # fmt: skip


def variables(*members, **more):
    return {
        "snapbackup_hosts": "node1", "snapbackup_reader": "node2", "snapbackup_manager": "ii", "snapbackup_name": "data",
        "snapbackup_volumes": list(members), "snapbackup_group": "Backup1", "snapbackup_destination": "/backup/", "snapbackup_poll": 1,
        "snapbackup_confirm_shadows": [entry["shadow"] for entry in members],
        **{"snapbackup_" + key: value for key, value in more.items()},
    }  # fmt: skip


BOTH = (member(1), member(2))


def changes(*hosts):
    """The state-changing commands of the hosts, in their order, without the directories of devices."""
    calls = sorted((call for host in hosts for call in host.journal()), key=lambda call: call.started)
    return [line.replace(RDSK, "") for line in (" ".join(call.words) for call in calls) if CHANGES.match(line)]


def fresh(lab):
    return new(lab, "node1", "ii"), new(lab, "node2", "ii")


def states(host):
    """{shadow: state} as ii_info tells them."""
    return {path.rpartition("/")[2]: found["state"] for path, found in host.module("ii_info")["sets"].items()}


def groups(host):
    return {line.split()[0] for line in host.out("vxdg", "list").splitlines()[1:]}


def assert_home(primary, reader, *names):
    """Every shadow at home, nothing on the reader, no open run, nothing left to undo."""
    assert groups(primary) >= {"production", "backup"} and "backup" not in groups(reader)
    assert states(primary) == dict.fromkeys(names or ("vol01", "vol02"), "synced") and states(reader) == {}
    for host in (primary, reader):
        assert STATE_DIR not in host.out("cat", "/etc/mnttab", "/proc/self/mounts")
        assert [record["run"] for record in host.records() if record["closed"] is None or record["undo"]] == []


def play(lab, name, given, *options):
    """Two hosts and many tasks take their time."""
    return Play(lab, name, given, *options).end(seconds=LONG)


def images(reader, record):
    """{volume: sha256 of its stored image}"""
    found = reader.json(record["image"])["images"]
    return {image["volume"]: reader.sha256("%s/%s" % (record["image"].rpartition("/")[0], image["file"])) for image in found}
