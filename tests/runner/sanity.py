# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ansible-test sanity on the built collection: it wants a directory ansible_collections/NAMESPACE/NAME, and no link will do."""

import configparser
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from environments import CACHE, ROOT, directory, search_path, settings

HOME = CACHE / "home"
# ansible-test fetches get-pip.py under these names from a server of its own; the shim takes pip from the registry.
GET_PIP_VERSIONS = ("23_1_2", "24_2", "25_2")


def core_version(name):
    """The version line of an environment's ansible-core, short."""
    asked = subprocess.run([directory(name) / "bin" / "ansible-test", "--version"], capture_output=True, text=True, check=True)
    return asked.stdout.strip().replace("ansible-test version ", "ansible-core ")


def prepare(name, interpreters):
    """Unpack the collection and lay out a home for ansible-test. Returns argv, working directory and environment."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        shutil.copyfile(ROOT / "tests" / "runner" / "get_pip_shim.py", cache / ("get_pip_%s.py" % version))
    copy_pip_settings()
    tree = CACHE / "sanity" / name / "ansible_collections" / "volmgr" / "snapbackup"
    unpack(tree)
    path = [str(directory(name) / "bin"), str(interpreters), *search_path()]
    env = dict(settings(), HOME=str(HOME), PIP_QUIET="1", PATH=os.pathsep.join(path))
    return [directory(name) / "bin" / "ansible-test", "sanity", "--color", "no"], tree, env


def copy_pip_settings():
    """ansible-test hides the environment from pip, so its home gets the user's pip.conf and the certificate authorities."""
    found = configparser.RawConfigParser()
    found.read(Path.home() / place for place in (".pip/pip.conf", ".config/pip/pip.conf"))
    if not found.has_section("global"):
        found.add_section("global")
    if "PIP_CERT" in settings():
        found.set("global", "cert", settings()["PIP_CERT"])
    place = HOME / ".config" / "pip"
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "pip.conf", "w", encoding="utf-8") as target:
        found.write(target)


def unpack(tree):
    """What users get: the built collection, unpacked. The developer's own programs are not in it, they have checks of their own."""
    galaxy = directory("newest") / "bin" / "ansible-galaxy"
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        subprocess.run([galaxy, "collection", "build", "--output-path", place], cwd=ROOT, env=settings(), capture_output=True, check=True)
        shutil.rmtree(tree, ignore_errors=True)
        for archive in Path(place).iterdir():
            shutil.unpack_archive(archive, tree)
    # ansible-test lists files with git; without a repository of its own the copy is an ignored part of the checkout.
    subprocess.run(["git", "init", "--quiet", tree], check=True)


def count(returncode, output):
    """(passed, failed, skipped) sanity tests by what ansible-test printed."""
    ran = len(re.findall(r'^Running sanity test "', output, re.M))
    skipped = len(re.findall(r"^WARNING: Skipping sanity test", output, re.M))
    verdict = re.search(r"The (\d+) sanity test\(s\) listed below \(out of (\d+)\) failed", output)
    failed = int(verdict.group(1)) if verdict else int(returncode != 0)
    return max(ran - failed, 0), failed, skipped
