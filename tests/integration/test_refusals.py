# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is refused before anything is touched: no command that changes anything, no lock, and an error that says what to do."""

import pytest
from backups import D1, D10, Backup
from conftest import new
from hosts import PYTHON2, STATE_DIR

BARE = {"mirror": "d40", "submirror": "d42"}
NAMES = [
    "-f", "-a", "--", "d1;reboot", "d 1", "d1\n", "\nd1", "$(reboot)", "`reboot`", "d1'", 'd1"', "d1|d2", "d1&", "../d1", "/dev/md/dsk/d1",
    "", ".", "all", "none", "d1*", "d1\t", "d1\\", "dé", "d1\x00",
]  # fmt: skip


@pytest.fixture(scope="module")
def untouched(lab):
    """node2 for the tests that change nothing on it."""
    return new(lab, "node2")


@pytest.fixture
def calm(untouched):
    """node2, set up once for these tests: each leaves it as it was, which is checked."""
    untouched.forget()
    yield untouched
    untouched.simctl("fault", "clear")
    untouched.run("rm", "-rf", STATE_DIR)
    untouched.assert_nothing_left()


def refused(host, *members, fault=None):
    """See a split refused, if need be with a fault (of Host.fault) in its way; the message. Nothing has been changed."""
    before = host.marks("d1"), host.marks("d10"), host.locks()
    backup = Backup(host, *members)
    host.forget()
    if fault:
        host.fault(*fault)
    result = backup.split_refused()
    assert host.changes() == []
    assert (host.marks("d1"), host.marks("d10"), host.locks()) == before
    assert host.record()["undo"] == []
    backup.close("failed")
    assert result["found"] or result["needed"] or result["vendor"], result
    return result["msg"]


def destination_refused(host, destination, *members, fault=None, **how):
    """See a destination refused by the look before the split, which needs no run; the message."""
    plan = host.module("svm_submirror", PYTHON2, True, run="<run>", state="offline", members=list(members) or [D1])
    host.forget()
    if fault:
        host.fault(*fault)
    result = host.refused("volume_backup", True, run="<run>", state="checked", members=plan["members"], destination=destination, **how)
    assert host.changes() == []
    return result["msg"]


# File systems.


@pytest.mark.parametrize("point", ["/", "/usr", "/var"])
def test_file_systems_the_host_cannot_live_without(calm, point):
    table = calm.out("cat", "/etc/mnttab")
    calm.run("tee", "-a", "/etc/mnttab", data="/dev/md/dsk/d40\t%s\tufs\trw,dev=1540028\t1795170534\n" % point)
    assert "never write-locked" in refused(calm, BARE)
    assert "never write-locked" in refused(calm, dict(BARE, filesystem=point))
    calm.run("tee", "/etc/mnttab", data=table)


@pytest.mark.parametrize("point", ["/", "/usr", "/var", "//", "/usr/", "/home1/..", "/nowhere", "relative"])
def test_locks_on_file_systems_the_host_cannot_live_without(calm, point):
    run = Backup(calm).open().run
    calm.forget()
    calm.refused("filesystem_lock", run=run, state="locked", paths=[point], max_hold=5)
    assert calm.changes() == []


@pytest.mark.parametrize("point", ["/home10", "/home1/below", "/home1/", "/nowhere", "/"])
def test_a_path_that_is_not_where_the_mirror_is_mounted(calm, point):
    calm.run("mkdir", "-p", "/home1/below")
    assert "is not where d1 is mounted" in refused(calm, dict(D1, filesystem=point))


def test_a_file_system_somebody_has_locked(host):
    host.run("/usr/sbin/lockfs", "-w", "-c", "other job", "/home1")
    message = refused(host)
    assert "/home1 is locked already" in message and "other job" in message
    host.run("/usr/sbin/lockfs", "-u", "/home1")


def test_a_state_directory_on_a_member(calm):
    calm.run("mkdir", "-p", "-m", "700", "/home1/state")
    plan = dict(run="<run>", state="offline", members=[D1], state_dir="/home1/state/snapbackup")
    assert "holds a directory this run writes to" in calm.refused("svm_submirror", True, **plan)["msg"]
    assert calm.changes() == []


@pytest.mark.parametrize("state_dir", ["relative", "./relative", "", "~nobody-there/x"])
def test_a_relative_state_directory(calm, state_dir):
    for module, given in {
        "backup_run": {"state": "read"},
        "svm_info": {"mirrors": ["d1"]},
        "svm_submirror": {"run": "<run>", "state": "offline", "members": [D1]},
        "filesystem_lock": {"run": "<run>", "state": "locked", "paths": ["/home1"], "max_hold": 5},
        "snapshot_mount": {"run": "<run>", "state": "mounted"},
        "volume_backup": {"run": "<run>", "state": "read"},
        "volume_restore": {"run": "<run>", "state": "read"},
    }.items():
        for check_mode in (False, True):
            assert "is not an absolute path" in calm.refused(module, check_mode, state_dir=state_dir, **given)["msg"], module
    assert calm.commands() == []


def test_temporary_files_on_a_member(calm):
    run = calm.module("backup_run", state="opened", name="tmp", manager="svm", members=[])["run"]
    calm.forget()
    split = {"run": run, "state": "offline", "members": [D1]}
    message = calm.refused("svm_submirror", _ansible_remote_tmp="/home1/.ansible/tmp", **split)["msg"]
    assert "holds a directory this run writes to" in message
    assert calm.changes() == []


# Mirrors.


def test_a_submirror_of_another_mirror(calm):
    assert "d11 is not a submirror of d1" in refused(calm, {"mirror": "d1", "submirror": "d11"})
    assert "d10 is not a submirror of d1" in refused(calm, {"mirror": "d1", "submirror": "d10"})


@pytest.mark.parametrize("mirror", ["d2", "d99"])
def test_something_that_is_no_mirror(calm, mirror):
    assert mirror in refused(calm, {"mirror": mirror, "submirror": "d3"})


@pytest.mark.parametrize("member", [D1, D10])
@pytest.mark.parametrize("which", [0, 1])
def test_a_degraded_mirror(host, member, which):
    """Also the three-way one, which could spare a half, and also where the half to be split is the failed one."""
    host.simctl("fail-disk", {"d1": ["c1t0d0s0", "c1t1d0s0"], "d10": ["c1t0d0s1", "c1t2d0s1"]}[member["mirror"]][which])
    assert "cannot be split now" in refused(host, member)


def test_a_mirror_with_one_half(host):
    host.run("metadetach", "d1", "d2")
    assert "only one submirror" in refused(host)


def test_a_mirror_that_is_being_resynchronised(host):
    host.simctl("resync-speed", "stall")
    host.run("metaoffline", "d1", "d3")
    host.fill("/home1")
    host.run("metaonline", "d1", "d3")
    assert "resync" in refused(host)


def test_a_mirror_after_a_power_failure_before_its_resync(host):
    host.simctl("reboot", "--crash", "--no-metasync")
    assert "cannot be split now" in refused(host)


@pytest.mark.parametrize("taken", ["d3", "d2"])
def test_a_submirror_somebody_took_offline_by_hand(host, taken):
    host.run("metaoffline", "d1", taken)
    message = refused(host)
    assert "offline" in message and taken in message
    assert host.marks("d1")[taken] == "offline"


def test_a_submirror_that_another_run_has_split(host):
    first = Backup(host).split()
    host.forget()
    result = host.refused("backup_run", state="opened", name="other", manager="svm", members=host.record()["members"])
    assert first.run in result["msg"] and "alive" in result["msg"]
    other = Backup(host, name="third")
    assert "was split by run " + first.run in other.split_refused()["msg"]
    assert "split by run" in host.refused("svm_submirror", run=other.run, state="online", members=[D1])["msg"]
    assert host.changes() == []


def test_members_of_which_one_is_split_already(host):
    first = Backup(host).split()
    host.forget()
    result = host.refused("svm_submirror", run=first.run, state="offline", members=[D1, D10])
    assert "Only some members are split" in result["msg"]
    assert host.changes() == []


def test_a_mirror_named_twice(calm):
    assert "more than once" in refused(calm, D1, dict(D1, submirror="d2"))


# Words of the volume manager.


@pytest.mark.parametrize("word", ["Perplexed", "Okay?", "Needs", "ok", "Unknown"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_unknown_words_of_metastat(calm, nth, word):
    """The first call is the layout, the second the full report, the third the concise one, which says nothing of what is well."""
    calm.simctl("fault", "clear")
    if nth == 3:
        calm.run("metaoffline", "d1", "d2")
    calm.fault("metastat", "odd", nth, word)
    calm.forget()
    run = calm.module("backup_run", state="opened", name="words", manager="svm", members=[])["run"]
    result = calm.refused("svm_submirror", run=run, state="offline", members=[D1])
    assert calm.changes() == []
    assert nth == 3 or word in result["msg"], result
    if nth == 3:
        calm.run("metaonline", "d1", "d2")
        calm.settled()


def test_the_exit_code_1_of_metastat_after_a_good_report(calm):
    calm.simctl("set", "smf", "off")
    assert "services of the volume manager are not running" in refused(calm)
    calm.simctl("set", "smf", "on")


def test_a_stale_state_database(calm):
    calm.simctl("set", "stale", "on")
    assert "no quorum" in refused(calm)
    calm.simctl("set", "stale", "off")


def test_metastat_that_fails_or_says_nothing(calm):
    assert "metastat" in refused(calm, fault=("metastat", "fail"))
    assert "d1" in refused(calm, fault=("metastat", "lie-ok"))


def test_unknown_words_of_lockfs(calm):
    assert "not documented" in refused(calm, fault=("lockfs", "odd"))


# Names.


def test_names_that_could_be_options_paths_or_commands(calm):
    run = calm.module("backup_run", state="opened", name="names", manager="svm", members=[])["run"]
    calm.forget()
    for name in NAMES:
        for member in ({"mirror": name, "submirror": "d3"}, {"mirror": "d1", "submirror": name}):
            for state in ("offline", "online"):
                result = calm.refused("svm_submirror", run=run, state=state, members=[member])
                told = ("name of a volume", "not a submirror", "several disk sets", "not a volume of the local set")
                assert any(words in result["msg"] for words in told) or name == "", (name, result)
    assert [call.words for call in calm.journal() if call.words[0] != "metastat" or set(call.words) & set(NAMES)] == []


def test_file_systems_with_names_that_could_be_options_or_commands(calm):
    run = calm.module("backup_run", state="opened", name="names", manager="svm", members=[])["run"]
    calm.forget()
    for name in ["-f", "/home1;reboot", "/home1 ", "/home1\n", "/$(reboot)", "'/home1'", '"/home1"', "/home1/../home10"]:
        assert calm.refused("svm_submirror", run=run, state="offline", members=[dict(D1, filesystem=name)])["msg"], name
        assert calm.refused("filesystem_lock", run=run, state="locked", paths=[name], max_hold=5)["msg"], name
    assert calm.changes() == []


def test_names_of_sets_and_runs(calm):
    for name in ["-f", "a/b", "..", ".", "home 1", "home1\n", "$(x)", "a;b", "'a'", "", "-", "x" * 64, "hömé"]:
        result = calm.refused("backup_run", state="opened", name=name, manager="svm", members=[])
        assert "cannot name a backup set" in result["msg"], (name, result)
        calm.refused("backup_run", True, state="opened", name=name, manager="svm", members=[])
    for run in ["../x", "20261120T031500Z-a1b2c3\n", "x", "20261120T031500Z-a1b2c3/../x"]:
        assert "not the id of a run" in calm.refused("backup_run", state="closed", run=run, result="failed")["msg"]
    assert calm.records() == []


# Destinations.


def test_destinations_that_are_not_there_or_take_nothing(calm):
    calm.run("mkdir", "/backup/ro", "/backup/small")
    calm.run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/backup/ro")
    calm.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", "/backup/small")
    assert "does not exist" in destination_refused(calm, "/backup/missing/")
    assert "does not exist" in destination_refused(calm, "/backup/missing")
    assert "does not exist" in destination_refused(calm, "/backup/missing/image")
    assert "does not exist" in destination_refused(calm, "/backup/missing/image.img")
    calm.run("test", "!", "-e", "/backup/missing")
    assert "cannot be written to" in destination_refused(calm, "/backup/ro")
    assert "no room" in destination_refused(calm, "/backup/small")
    calm.fill("/home1", "big", 4)
    assert "no room" in destination_refused(calm, "/backup/small", method="ufsdump")
    calm.run("umount", "/backup/ro", "/backup/small")


@pytest.mark.parametrize("destination", ["/home1", "/home1/", "/home1/images", "/home1/image.file", "/backup/link"])
def test_a_destination_on_a_member(calm, destination):
    calm.run("mkdir", "-p", "/home1/images")
    calm.run("ln", "-sfn", "/home1/images", "/backup/link")
    assert "lies on volume d1" in destination_refused(calm, destination)


def test_a_destination_on_a_locked_file_system(calm):
    calm.run("/usr/sbin/lockfs", "-w", "-c", "other", "/home10")
    assert "locked" in destination_refused(calm, "/home10")
    calm.run("/usr/sbin/lockfs", "-u", "/home10")
    assert "not documented" in destination_refused(calm, "/home10", fault=("lockfs", "odd"))


@pytest.mark.parametrize("destination", [
    "-f", "relative", "relative/", "", "/dev/md/rdsk/d40", "/dev/null", STATE_DIR + "/x", "/backup/taken",
    "/backup/taken.img", "/backup/new", "/backup/.img",
])  # fmt: skip
def test_other_destinations_that_no_image_may_go_to(calm, destination):
    calm.run("touch", "/backup/taken", "/backup/taken.img")
    calm.run("mkdir", "-p", "-m", "700", STATE_DIR + "/x")
    destination_refused(calm, destination)


def test_two_volumes_for_one_file(calm):
    assert "cannot be stored in one file" in destination_refused(calm, "/backup/file.img", D1, D10)


def test_a_destination_that_fills_up_while_it_is_stored(host):
    """What the look before the split could not know."""
    host.run("mkdir", "/backup/small")
    host.run("mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", "/backup/small")
    backup = Backup(host, method="command", command=["/bin/cat", "/dev/md/rdsk/d3", "/dev/md/rdsk/d3"], destination="/backup/small").split()
    backup.start_store()
    job = backup.stored()
    assert job["state"] == "failed" and "No space left" in job["error"]
    assert host.manifests() == []
    backup.rejoin()
    backup.close("failed")
    host.assert_nothing_left()
    host.run("umount", "/backup/small")
