# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold whatever happened. Each check returns problems as sentences."""

import json
import os

from lab import BACKUP, STATE

# Where the simulated ufsdump has mounted what it reads.
OF_SIMULATOR = "/tmp/ufsdump."
UNPACK = {"tar": ["/usr/bin/tar", "xf"], "ufsdump": ["/usr/sbin/ufsrestore", "rf"]}


def locks(lab):
    """No lock outlives the window: when all processes have ended, nothing is locked, although nobody has recovered yet."""
    return ["%s is still locked, comment %s" % tuple(lock) for lock in lab.host.locks()]


def processes(lab):
    return ["still running: " + line for line in lab.idle(0)]


def good_end(lab, ended):
    """A play that ended well has left nothing open and nothing split."""
    if ended.error:
        return []
    return ["the play ended well, and " + line for line in not_in_order(lab)]


def not_in_order(lab):
    return ["run %s is open" % record["run"] for record in lab.open_runs()] + [
        "run %s is open on %s" % item for item in lab.open_elsewhere().items()] + lab.not_redundant()  # fmt: skip


def complete(lab):
    """What is called complete is: every manifest's images are what was frozen, every complete run has a manifest."""
    found = []
    manifests = lab.host.files(BACKUP + "/**/manifest.json")
    for path in manifests:
        found += manifest(lab, path, json.loads(lab.host.read(path)))
    for record in lab.records():
        if record["kind"] == "backup" and record["result"] == "complete" and record["image"] not in manifests:
            found.append("run %s is called complete, and there is no image %s" % (record["run"], record["image"]))
    return found


def manifest(lab, path, content):
    if content["run"] not in lab.frozen:
        return ["%s names images of a cut that nobody has seen" % path]
    found = [] if {image["volume"] for image in content["images"]} == set(lab.manager.POINTS) else [path + " lacks a volume"]
    for image in content["images"]:
        file = os.path.join(os.path.dirname(path), image["file"])
        if image["method"] == "dd" and not getattr(lab.manager, "CHECKED", False):
            same = lab.host.sha256(file) == lab.frozen[content["run"]][image["volume"]]
        elif image["method"] == "dd":
            same = lab.files_on(file, "/run/stored/" + image["volume"]) == lab.frozen_tree(content["run"], image["volume"])
        else:
            same = lab.unpacked(UNPACK[image["method"]], file) == lab.frozen_tree(content["run"], image["volume"])
        found += [] if same else ["%s is called complete, and differs from what was frozen" % file]
    return found


def one_cut(lab):
    """All volumes of a complete image were cut at one time: the writer's numbers fall by one at most."""
    found = []
    for path in lab.host.files(BACKUP + "/**/manifest.json"):
        run = json.loads(lab.host.read(path))["run"]
        numbers = [lab.frozen_stamp(run, volume) for volume in lab.manager.POINTS]
        if sorted(numbers, reverse=True) != numbers or numbers[0] - numbers[-1] > 1:
            found.append("%s was not cut at one time: the writer's numbers are %s" % (path, numbers))
    return found


def left_over(lab):
    """No mounts, no half-written files."""
    return ["%s: %s" % (name, line) for name, host in lab.hosts.items() for line in left_on(host, **lab.before[name])]


def left_on(host, mounts, files):
    found = ["still mounted: " + point for point in host.mounts() if point not in mounts]
    found += ["left: " + path for path in host.files("/tmp/*", "/var/tmp/*") if path not in files and not path.startswith(OF_SIMULATOR)]
    return found + ["left: " + path for path in host.files(STATE + "/**/*.tmp", STATE + "/**/*.new")]


def data(lab):
    """Everybody can write, and what the writer was told to be safe is there."""
    if lab.writer is None:
        return []
    found = [] if lab.wait_for_writer() else ["the writer does not get on"]
    for point in lab.manager.POINTS.values():
        acknowledged = lab.acknowledged()
        if int(lab.host.read(point + "/stamp")) < acknowledged:
            found.append("%s has lost what was written to it" % point)
    return found


def said(lab, ended):
    """What is not in order at the end has been told: with the name of the object, and what to look with or to do."""
    wrong = not_in_order(lab)
    if not wrong or ended.error and any(name in ended.said for name in lab.manager.POINTS) and any(
            word in ended.said for word in ("Look with: ", "To do: ", "run the playbook ")):  # fmt: skip
        return []
    return ["%s, and all that was said is: %s" % (line, ended.said) for line in wrong]
