# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A backup in check mode, with every phase, changes nothing on the host."""

CHANGES = ("metaoffline", "metaonline", "metasync", "mount", "umount", "dd")


def test_no_command_that_changes_anything_was_run(journal):
    assert [line for line in journal if line.startswith("metastat")], "it did look"
    assert [line for line in journal if line.split()[0] in CHANGES or line.startswith("lockfs -")] == []


def test_there_is_no_record_and_no_image(host):
    assert not host.file("/var/lib/snapbackup").exists
    assert not host.file("/var/backups/home1").exists


def test_the_mirror_is_whole(host):
    assert "(" not in host.check_output("metastat -c d1")
    assert host.check_output("lockfs /home1").splitlines()[1].split() == ["/home1", "unlock"]
