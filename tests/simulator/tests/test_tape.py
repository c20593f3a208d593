# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tape drives: what programs see at /dev/rmt, and mt."""

import errno
import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow

STATUS = """Simulated LTO tape drive:
   sense key(0x0)= No Additional Sense   residual= 0   retries= 0
   file no= %d   block no= %d
"""
NODE = "/dev/rmt/0n"


@pytest.fixture
def drive(host):
    """A host with drive 0 (cartridge A00001 of 4 MiB in it) and drive 1 (empty)."""
    host.apply({"tape": {"cartridges": {"A00001": "4 MiB", "A00002": "4 MiB"}, "drives": ["A00001", None]}})
    return host


def node(host, name="0n"):
    """Path of a node here."""
    return host.dev / "rmt" / name


def put(host, *records, name="0n"):
    """Open a node, write records, close it."""
    fd = os.open(node(host, name), os.O_WRONLY)
    try:
        return [os.write(fd, record) for record in records]
    finally:
        os.close(fd)


def get(host, name="0n", size=65536):
    """Open a node, read records until one is empty, close it."""
    fd, records = os.open(node(host, name), os.O_RDONLY), []
    try:
        while True:
            record = os.read(fd, size)
            if not record:
                return records
            records.append(record)
    finally:
        os.close(fd)


def failing(number, function, *args):
    """A system call must fail with this error number."""
    with pytest.raises(OSError) as caught:
        function(*args)
    assert caught.value.errno == number


def at(host, file, block=0):
    """The position that mt status must show."""
    assert host.ok("mt", "status") == STATUS % (file, block)


def test_no_rewind_keeps_files_apart(drive):
    assert put(drive, b"one", b"two" * 1000) == [3, 3000]
    at(drive, 1)
    put(drive, b"second file")
    at(drive, 2)
    drive.ok("mt", "rewind")
    assert get(drive) == [b"one", b"two" * 1000]
    at(drive, 1)
    assert get(drive) == [b"second file"]
    assert get(drive) == []  # the end of the data


def test_the_rewinding_node_overwrites(drive):
    put(drive, b"one", name="0")
    at(drive, 0)
    put(drive, b"two", name="0")
    assert get(drive, "0") == [b"two"]


def test_writing_ends_the_tape_there(drive):
    for data in (b"a", b"b", b"c"):
        put(drive, data)
    drive.ok("mt", "asf", "1")
    put(drive, b"B")
    drive.ok("mt", "rewind")
    assert [get(drive), get(drive), get(drive)] == [[b"a"], [b"B"], []]


def test_a_record_is_read_whole_or_not_at_all(drive):
    put(drive, b"x" * 1000, b"y")
    drive.ok("mt", "rewind")
    fd = os.open(node(drive), os.O_RDONLY)
    failing(errno.ENOMEM, os.read, fd, 999)
    assert os.read(fd, 999) == b"y"
    os.close(fd)


def test_closing_early_goes_to_the_next_file_unless_bsd(drive):
    put(drive, b"1", b"2")
    put(drive, b"3")
    for name, position in (("0n", (1, 0)), ("0bn", (0, 1)), ("0", (0, 0))):
        drive.ok("mt", "rewind")
        fd = os.open(node(drive, name), os.O_RDONLY)
        os.read(fd, 10)
        os.close(fd)
        at(drive, *position)


def test_moving(drive):
    for data in (b"a", b"b", b"c"):
        put(drive, data, data)
    steps = (("rewind", 0, 0), ("fsf", 1, 0), ("fsf 2", 3, 0), ("bsf", 2, 2), ("nbsf", 1, 0), ("asf 2", 2, 0), ("fsr", 2, 1),
             ("bsr", 2, 0), ("asf 1", 1, 0), ("nbsf 1", 0, 0), ("eom", 3, 0), ("rewi", 0, 0), ("retension", 0, 0))
    for words, file, block in steps:
        drive.ok("mt", "-f", NODE, *words.split())
        at(drive, file, block)


def test_moving_too_far(drive):
    put(drive, b"a")
    assert drive.run("mt", "fsf", "1").stderr == "/dev/rmt/0n fsf 1 failed: I/O error\n"
    assert drive.run("mt", "bsf", "5").returncode == 2
    at(drive, 0)


def test_weof_and_erase(drive):
    drive.ok("mt", "weof", "2")
    at(drive, 2)
    put(drive, b"a")
    drive.ok("mt", "rewind")
    drive.ok("mt", "erase")
    drive.ok("mt", "eom")
    at(drive, 0)


def test_mt_says_what_is_wrong(drive):
    for argv, rc, text in (
        (["mt", "fly"], 1, "mt: unknown command: fly\n"),
        (["mt"], 1, "usage: mt [ -f device ] command [ count ]\n"),
        (["mt", "-f", "/dev/rmt/1", "status"], 1, "/dev/rmt/1: no tape loaded or drive offline\n"),
        (["mt", "-f", "/dev/rmt/9", "status"], 1, "/dev/rmt/9: No such file or directory\n"),
        (["mt", "fsf", "-3"], 1, "mt: negative fsf count\n"),
    ):
        done = drive.run(*argv)
        assert (done.returncode, done.stdout, done.stderr) == (rc, "", text)


def test_offline_and_load(drive):
    put(drive, b"a")
    assert drive.ok("mt", "offline") == ""
    assert drive.run("mt", "status").stderr == "/dev/rmt/0n: no tape loaded or drive offline\n"
    failing(errno.EIO, os.open, node(drive), os.O_RDONLY)
    drive.ok("mt", "load")
    at(drive, 0)
    assert get(drive) == [b"a"]


def test_write_protected(drive):
    put(drive, b"a")
    drive.ctl("set", "tape-protect", "on")
    failing(errno.EACCES, os.open, node(drive), os.O_WRONLY)
    done = drive.run("mt", "weof")
    assert (done.returncode, done.stderr) == (1, "/dev/rmt/0n: write protected or reserved.\n")
    drive.ok("mt", "rewind")
    assert get(drive) == [b"a"]
    drive.ctl("set", "tape-protect", "off")
    put(drive, b"b")


def test_a_drive_is_for_one(drive):
    fd = os.open(node(drive), os.O_RDONLY)
    failing(errno.EBUSY, os.open, node(drive, "0"), os.O_RDONLY)
    assert drive.run("mt", "status").stderr == "/dev/rmt/0n: Device busy\n"
    assert "drive 0 is open" in drive.ctl("set", "tape", "A00002", check=False).stderr
    os.close(fd)
    at(drive, 0)


def test_another_tape(drive):
    put(drive, b"first tape")
    drive.ctl("set", "tape", "A00002")
    at(drive, 0)
    assert get(drive) == []
    drive.ctl("set", "tape", "none")
    failing(errno.EIO, os.open, node(drive), os.O_RDONLY)
    drive.ctl("set", "tape", "1:A00001")
    assert get(drive, "1") == [b"first tape"]
    assert "is in another drive" in drive.ctl("set", "tape", "A00001", check=False).stderr


def test_end_of_the_tape(drive):
    drive.ctl("set", "tape-capacity", "4096")
    assert put(drive, b"x" * 2000, b"x" * 2000, b"y" * 2000, b"trailer") == [2000, 2000, 0, 7]
    drive.ok("mt", "rewind")
    assert get(drive) == [b"x" * 2000, b"x" * 2000, b"trailer"]
    drive.ok("mt", "rewind")
    done = subprocess.run(["dd", "if=/dev/zero", "of=%s" % node(drive), "bs=1000", "count=9"], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"No space left on device" in done.stderr


def test_programs(drive, tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(100000))
    tape = str(node(drive))
    subprocess.run(["tar", "-C", tmp_path, "-b", "20", "-cf", tape, "file"], check=True)
    with open(tmp_path / "file", "rb") as source, open(tape, "wb", buffering=0) as target:
        subprocess.run(["dd", "bs=32k"], stdin=source, stdout=target, stderr=subprocess.DEVNULL, check=True)
    drive.ok("mt", "rewind")
    assert subprocess.run(["tar", "-tf", tape], stdout=subprocess.PIPE, check=True).stdout == b"file\n"
    at(drive, 1)
    assert subprocess.run(["dd", "bs=32k", "if=" + tape], stdout=subprocess.PIPE, check=True).stdout == (tmp_path / "file").read_bytes()
    at(drive, 2)


def test_a_killed_writer_leaves_a_filemark(drive):
    child = subprocess.Popen(["sh", "-c", "exec >%s; printf abc; kill -9 $$" % node(drive)])
    child.wait()
    drive.ok("mt", "rewind")
    assert get(drive) == [b"abc"]
    at(drive, 1)


def test_a_copy_of_the_descriptor_keeps_the_file_open(drive):
    fd = os.open(node(drive), os.O_WRONLY)
    os.write(fd, b"a")
    subprocess.run(["sh", "-c", "printf b"], stdout=fd, check=True)
    os.write(fd, b"c")
    os.close(fd)
    drive.ok("mt", "rewind")
    assert get(drive) == [b"a", b"b", b"c"]


def test_nodes(drive):
    names = os.listdir(drive.dev / "rmt")
    assert {"0", "0n", "0b", "0bn", "0cbn", "0ln", "1n"} <= set(names) and len(names) == 48
    put(drive, b"a", name="0cn")
    at(drive, 1)


def test_a_reboot_rewinds(drive):
    put(drive, b"a")
    drive.ctl("reboot", "--no-kill")
    at(drive, 0)
    assert get(drive) == [b"a"]


def test_a_dead_server_is_replaced(drive):
    pid = next(pid for pid in os.listdir("/proc") if pid.isdigit() and serves(pid, drive))
    os.kill(int(pid), 9)
    while os.path.exists("/proc/" + pid) and serves(pid, drive):
        pass
    with pytest.raises(OSError) as caught:
        os.open(node(drive), os.O_RDONLY)
    assert caught.value.errno in (errno.ENOTCONN, errno.ECONNABORTED)
    drive.ctl("apply", drive.directory / "topology.yml")
    at(drive, 0)


def serves(pid, host):
    """True if a process is the server of this host."""
    try:
        command = open("/proc/%s/environ" % pid, "rb").read()
        return ("SIMULATOR_DEV=%s\0" % host.dev).encode() in command and os.readlink("/proc/%s/fd/3" % pid) == "/dev/fuse"
    except OSError:
        return False


def test_two_hosts_have_drives_of_their_own(drive, machine):
    other = type(drive)(machine, "node2")
    try:
        other.apply({"tape": {"drives": [None]}})
        assert "is in another drive" in other.ctl("set", "tape", "A00001", check=False).stderr
        put(drive, b"from one host")
        drive.ctl("set", "tape", "none")
        other.ctl("set", "tape", "A00001")
        assert get(other) == [b"from one host"]
    finally:
        other.ctl("reset")
        shutil.rmtree(other.directory)


@pytest.fixture
def with_ufs(ufs, host):
    """A host with a UFS and a tape drive."""
    topology = host.directory / "topology.yml"
    host.ctl("reset")
    topology.write_text(topology.read_text() + "tape: {cartridges: {A00001: 4 MiB}, drives: [A00001]}\n")
    host.ctl("apply", topology)
    return host


def test_dumps_on_tape(with_ufs, tmp_path):
    host = with_ufs
    (host.point / "file").write_text("data")
    for _index in range(2):
        assert "DUMP IS DONE" in host.run("ufsdump", "0f", NODE, host.point).stderr
    at(host, 2)
    host.ok("mt", "asf", "1")
    assert "\t./file\n" in host.ok("ufsrestore", "tf", NODE)
    host.ok("mt", "asf", "1")
    host.ok("ufsrestore", "rf", NODE, cwd=tmp_path)
    assert (tmp_path / "file").read_text() == "data"


def test_a_dump_that_is_too_large_for_the_tape_fails(with_ufs):
    host = with_ufs
    (host.point / "file").write_bytes(os.urandom(3 << 20))
    host.ctl("set", "tape-capacity", "1 MiB")
    done = host.run("ufsdump", "0f", NODE, host.point)
    assert done.returncode == 3 and "Write error on `/dev/rmt/0n'" in done.stderr and "DUMP IS DONE" not in done.stderr
    host.ctl("set", "tape", "none")
    assert host.run("ufsdump", "0f", NODE, host.point).returncode == 3
    assert host.run("ufsrestore", "tf", NODE).returncode == 1
