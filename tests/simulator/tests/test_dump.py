# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ufsdump(1M) and ufsrestore(1M)."""

import os
import re
import subprocess
import time

import pytest

MESSAGES = """\
  DUMP: Date of this level 0 dump: DATE
  DUMP: Date of last level 0 dump: the epoch
  DUMP: Dumping /dev/md/rdsk/d3 to OUT.
  DUMP: Mapping (Pass I) [regular files]
  DUMP: Mapping (Pass II) [directories]
  DUMP: Writing 63 Kilobyte records
  DUMP: Estimated N blocks (NKB).
  DUMP: Dumping (Pass III) [directories]
  DUMP: Dumping (Pass IV) [regular files]
  DUMP: N blocks (NKB) on 1 volume at N KB/sec
  DUMP: DUMP IS DONE
"""


def anonymous(text, out):
    """Messages without what differs from run to run."""
    text = re.sub(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}", "DATE", text.replace(str(out), "OUT"))
    return re.sub(r"\d+ blocks", "N blocks", re.sub(r"\d+KB|\d+ KB", lambda found: re.sub(r"\d+", "N", found.group()), text))


@pytest.fixture
def cut(ufs):
    """A tree on d1, cut into d3; its directory listing as `cut.tree`."""
    (ufs.point / "dir" / "deep").mkdir(parents=True)
    (ufs.point / "dir" / "deep" / "file").write_text("content\n")
    (ufs.point / "script").write_text("#!/bin/sh\n")
    (ufs.point / "script").chmod(0o4751)
    os.chown(ufs.point / "dir", 1234, 4321)
    os.symlink("dir/deep", ufs.point / "link")
    os.link(ufs.point / "script", ufs.point / "same")
    with open(ufs.point / "sparse", "w") as handle:
        handle.truncate(1 << 30)
    ufs.tree = listing(ufs.point)
    ufs.ok("lockfs", "-w", ufs.point)
    ufs.ok("metaoffline", "d1", "d3")
    ufs.ok("lockfs", "-u", ufs.point)
    ufs.out = ufs.directory / "dump"
    return ufs


def listing(top):
    """Everything about a tree that a restore must bring back."""
    found = {}
    for directory, folders, names in os.walk(top):
        for name in folders + names:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            data = os.readlink(path) if os.path.islink(path) else ""
            if os.path.isfile(path) and status.st_size < 1 << 20:
                data = open(path).read()
            found[os.path.relpath(path, top)] = (status.st_mode, status.st_uid, status.st_gid, status.st_size if data else 0,
                                                 status.st_mtime_ns if os.path.isfile(path) else 0, data)
    return found


def restored(host, dump, key="rf"):
    """Tree that ufsrestore makes of a dump in an empty directory."""
    directory = host.directory / ("restored.%s" % dump.name)
    directory.mkdir()
    done = host.run("ufsrestore", key, dump, cwd=directory)
    assert (done.returncode, done.stdout) == (0, ""), done
    assert (directory / "restoresymtable").exists()
    (directory / "restoresymtable").unlink()
    return listing(directory)


def test_dump_and_restore_tree_for_tree(cut):
    done = cut.run("ufsdump", "0Nf", "/dev/md/rdsk/d1", cut.out, "/dev/md/rdsk/d3")
    assert (done.returncode, done.stdout) == (0, "")
    assert anonymous(done.stderr, cut.out) == MESSAGES
    assert restored(cut, cut.out) == cut.tree
    status = os.stat(cut.directory / "restored.dump" / "script")
    assert status.st_nlink == 2
    assert os.stat(cut.directory / "restored.dump" / "sparse").st_blocks < 1000


def test_to_and_from_a_pipe(cut):
    with subprocess.Popen(cut.argv("ufsdump", "0f", "-", "/dev/md/rdsk/d3"), env=cut.env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as dump:
        cut.out.write_bytes(dump.communicate()[0])
    assert dump.returncode == 0
    directory = cut.directory / "piped"
    directory.mkdir()
    with open(cut.out, "rb") as handle:
        subprocess.run(cut.argv("ufsrestore", "rf", "-"), env=cut.env, stdin=handle, cwd=directory, check=True)
    assert "dir/deep/file" in listing(directory)


def test_two_dumps_of_one_cut_are_the_same(cut):
    for name in ("one", "two"):
        cut.run("ufsdump", "0Lf", "label", cut.directory / name, "/dev/md/rdsk/d3")
    one, two = [(cut.directory / name).read_bytes().split(b"\n\n", 1)[1] for name in ("one", "two")]
    assert one == two


def test_estimate_in_bytes(cut):
    size = int(cut.ok("ufsdump", "0S", "/dev/md/rdsk/d3"))
    assert 5000 < size < 100000, "holes do not count"


def test_table_of_contents(cut):
    cut.run("ufsdump", "0f", cut.out, "/dev/md/rdsk/d3")
    lines = cut.ok("ufsrestore", "tf", cut.out).splitlines()
    assert all(re.match(r"^ *\d{1,10}\t\./\S+$|^ +2\t\.$", line) for line in lines), lines
    assert {line.split("\t")[1] for line in lines} == {"."} | {"./" + name for name in cut.tree}


def test_extract_asks(cut):
    cut.run("ufsdump", "0f", cut.out, "/dev/md/rdsk/d3")
    directory = cut.directory / "part"
    directory.mkdir()
    done = cut.run("ufsrestore", "xf", cut.out, "./dir/deep/file", cwd=directory, data="1\nn\n")
    assert done.returncode == 0
    assert done.stderr.endswith("Specify next volume #: set owner/mode for '.'? [yn] ")
    assert sorted(listing(directory)) == ["dir", "dir/deep", "dir/deep/file"]
    assert cut.run("ufsrestore", "xf", cut.out, cwd=directory).returncode == 1, "nobody answers"


def test_levels_by_the_mirrors_name(cut):
    (cut.etc / "dumpdates").write_text("")
    time.sleep(1.1)  # dates are in seconds: what changed in the second of a dump is in the next one again
    cut.run("ufsdump", "0uNf", "/dev/md/rdsk/d1", cut.out, "/dev/md/rdsk/d3")
    text = (cut.etc / "dumpdates").read_text()
    assert re.fullmatch(r"/dev/md/rdsk/d1 {17} 0 \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n", text)
    cut.ok("metaonline", "d1", "d3")
    cut.settle()
    time.sleep(1.1)
    (cut.point / "new").write_text("x")
    cut.ok("lockfs", "-w", cut.point)
    cut.ok("metaoffline", "d1", "d3")
    cut.ok("lockfs", "-u", cut.point)
    done = cut.run("ufsdump", "1uNf", "/dev/md/rdsk/d1", cut.directory / "one", "/dev/md/rdsk/d3")
    assert "Date of last level 0 dump: the epoch" not in done.stderr and "  DUMP: Level 1 dump on " in done.stderr
    names = cut.ok("ufsrestore", "tf", cut.directory / "one")
    assert "./new\n" in names and "./dir/deep/file\n" not in names
    done = cut.run("ufsdump", "1f", cut.directory / "two", "/dev/md/rdsk/d3")
    assert "the epoch" in done.stderr, "another name has no earlier dump"


def test_dumpdates_must_exist(cut):
    done = cut.run("ufsdump", "0uf", cut.out, "/dev/md/rdsk/d3")
    assert done.returncode == 0
    assert done.stderr.endswith("Cannot access dump record file `/etc/dumpdates' for update: No such file or directory\n")


def test_mount_point_means_the_mirror(cut):
    (cut.point / "later").write_text("x")
    done = cut.run("ufsdump", "0f", cut.out, cut.point)
    assert "  DUMP: Dumping /dev/md/rdsk/d1 (node1:%s) to %s.\n" % (cut.point, cut.out) in done.stderr
    assert "later" in restored(cut, cut.out)


def test_refusals(cut):
    done = cut.run("ufsdump", "0f", cut.out, "/dev/md/rdsk/d9")
    assert (done.returncode, done.stderr) == (3, "  DUMP: Cannot open dump device `/dev/md/rdsk/d9': No such file or directory\n"
                                                 "  DUMP: The ENTIRE dump is aborted.\n")
    done = cut.run("ufsdump", "0vf", "-", "/dev/md/rdsk/d3")
    assert (done.returncode, done.stdout) == (3, "") and "Cannot verify when dumping to standard out." in done.stderr
    done = cut.run("ufsdump", "0f", "tape:/dev/rmt/0n", "/dev/md/rdsk/d3")
    assert done.returncode == 3 and "Cannot connect to tape host `tape'" in done.stderr
    assert cut.run("ufsdump", "0f").returncode == 3
    cut.out.write_text("something else")
    done = cut.run("ufsrestore", "tf", cut.out)
    assert (done.returncode, done.stderr) == (1, "Volume is not in dump format\n")


def test_a_full_medium_fails(cut):
    done = cut.run("ufsdump", "0f", "/dev/full", "/dev/md/rdsk/d3")
    assert done.returncode == 3 and "The ENTIRE dump is aborted." in done.stderr and "DUMP IS DONE" not in done.stderr


def test_nothing_is_left_even_if_it_is_killed(cut):
    fifo = cut.directory / "fifo"
    os.mkfifo(fifo)
    dump = cut.start("ufsdump", "0f", fifo, "/dev/md/rdsk/d3")
    while "Estimated" not in dump.stderr.readline():
        assert dump.poll() is None
    dump.kill()
    dump.communicate()
    assert sorted(os.listdir(cut.machine / "san/volumes/node1")) == ["d1.img", "d3.img"]
    assert [row["volume"] for row in cut.show()["loops"]].count("passing") == 1
    assert cut.run("ufsdump", "0f", cut.out, "/dev/md/rdsk/d3").returncode == 0
    assert [row["volume"] for row in cut.show()["loops"]].count("passing") == 1, "the loop is used again"
    assert "ufsdump." not in open("/proc/self/mounts").read()
