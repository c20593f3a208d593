# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Host images: built once from Debian packages by images.toml, named by the hash of their recipe."""

import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
import tomllib
from pathlib import Path

from containers import environment, podman

HERE = Path(__file__).parent
ROOTFS = HERE / "rootfs"
# Unpacking tens of thousands of small files is twice as fast in memory.
FAST_TMP = Path("/dev/shm")
FAST_TMP_BYTES = 2 << 30


def recipe(name):
    """The recipe of an image: suite, interpreter (the target's Python), packages, excludes."""
    recipes = tomllib.loads(HERE.joinpath("images.toml").read_text())
    common = recipes.pop("common")
    if name not in recipes:
        raise RuntimeError("unknown image %r: images.toml has %s" % (name, ", ".join(sorted(recipes))))
    mine = recipes[name]
    return dict(mine, packages=mine["packages"] + common["packages"], excludes=common["excludes"])


def tag(name):
    """The full name of an image; it changes with the recipe and with every file put into the image."""
    digest = hashlib.sha256(json.dumps(recipe(name), sort_keys=True).encode())
    for path in sorted(path for path in ROOTFS.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(ROOTFS)).encode() + path.read_bytes())
    return "localhost/snapbackup-%s:%s" % (name, digest.hexdigest()[:12])


def ensure(name, say=print):
    """Build the image unless it is there; return its full name. Safe when several labs start at once."""
    image = tag(name)
    with open(Path(tempfile.gettempdir()) / "snapbackup-image.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if podman("image", "exists", image, check=False).returncode:
            say("build image %s (Debian %s, about a minute)" % (image, recipe(name)["suite"]))
            build(recipe(name), image)
    return image


def build(parts, image):
    """Unpack the suite with mmdebstrap and hand it to podman as one layer."""
    scratch = FAST_TMP if FAST_TMP.is_dir() and free_bytes(FAST_TMP) > FAST_TMP_BYTES else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=scratch) as work:
        tree = Path(work) / "root.tar"
        argv = [
            "mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(parts["packages"]),
            '--aptopt=Acquire::Languages "none"', '--aptopt=APT::Install-Recommends "false"',
            "--essential-hook=copy-in %s /" % (ROOTFS / "etc"),
        ] + ["--dpkgopt=path-exclude=" + path for path in parts["excludes"]]
        built = subprocess.run(
            argv + [parts["suite"], str(tree)],
            env=dict(environment(), TMPDIR=work), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        if built.returncode:
            raise RuntimeError("mmdebstrap %s failed:\n%s" % (parts["suite"], built.stderr[-3000:]))
        podman("import", "--quiet", tree, image, timeout=300)


def free_bytes(path):
    """What an ordinary user may still write below path."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
