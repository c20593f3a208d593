# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""README.md as a newcomer uses it: what it prints is copied and run."""

import re

import pytest
from hosts import ROOT
from plays import Play, planned

PATTERN = "fileservers"


def block(beginning):
    """The block of README.md that begins like this, with the host pattern of the lab in the place of the one that is only an example."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    (found,) = [text for text in blocks if text.startswith(beginning)]
    assert found.count(PATTERN) == 1
    return found.replace(PATTERN, "node1")


@pytest.mark.slow
def test_what_the_file_of_variables_predicts_is_what_the_playbook_does(host, lab, tmp_path):
    playbook, variables = tmp_path / "playbook.yml", tmp_path / "home1.yml"
    playbook.write_text(block("- name:"))
    variables.write_text(block("snapbackup_hosts:"))
    host.forget()
    predicted = planned(Play(lab, "backup", {}, "-e", "@%s" % variables, "--check", "--diff").end())
    assert host.changes() == []

    Play(lab, playbook, {}).end()
    record = host.record()
    assert [line.replace(record["run"], "<run>") for line in host.changes()] == predicted
    assert (record["name"], record["result"], record["verdict"]) == ("home1", "complete", "filesystem")
    assert record["image"] == "/backup/home1/%s/manifest.json" % record["run"]
    assert host.manifests() == [record["image"]]
    host.assert_nothing_left()
