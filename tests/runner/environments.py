# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Python environments of the developer commands, below .cache, made again only when their requirements change.

core216   the last ansible-core that manages Python 2.7, on a Python 3.11 or 3.12
newest    the newest ansible-core that the newest Python found can run, and the linters
X.Y       pytest for the unit tests on that Python
Runs on the system's Python with its standard library alone: environments.py NAME...
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "tests" / "requirements"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

UNIT_PYTHONS = ("2.7", "3.6", "3.9", "3.11", "3.13")
ALL_PYTHONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
CORE_PYTHONS = {"core216": ("3.11", "3.12"), "newest": ("3.14", "3.13", "3.12", "3.11")}
# These interpreters have no venv that current tools can make.
OLD_PYTHONS = ("2.7", "3.6")


def directory(name):
    """Where an environment lives."""
    return CACHE / {"core216": "venv", "newest": "venv-new"}.get(name, "unit-" + name)


def search_path():
    """PATH without the shims of version managers: they answer to names of interpreters that are not there."""
    return [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry and not entry.rstrip("/").endswith("shims")]


def interpreter(version):
    """Path of a CPython X.Y that really runs, or None: the system's own first, then those of pyenv."""
    places = ["/usr/bin", *search_path()]
    places += sorted(map(str, Path.home().glob(".pyenv/versions/%s.*/bin" % version)), reverse=True)
    for place in places:
        python = os.path.join(place, "python" + version)
        if os.access(python, os.X_OK) and answers(python, version):
            return python
    return None


def answers(python, version):
    """Whether a program is the CPython that its name promises."""
    code = "import platform, sys; sys.stdout.write(platform.python_implementation() + '%d.%d' % sys.version_info[:2])"
    ran = subprocess.run([python, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return ran.returncode == 0 and ran.stdout == "CPython" + version


def settings():
    """The environment of installers: never a Python from the net, and the system's own certificate authorities."""
    found = dict(os.environ, UV_PYTHON_DOWNLOADS="never", PIP_DISABLE_PIP_VERSION_CHECK="1")
    if AUTHORITIES.exists():
        for name in ("SSL_CERT_FILE", "PIP_CERT"):
            found.setdefault(name, str(AUTHORITIES))
    return found


def run(argv, **extra):
    """An installer's command: silent, or its own words and the end of this program."""
    argv = list(map(str, argv))
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=dict(settings(), **extra))
    if done.returncode:
        sys.exit("%s\nfailed with exit code %d:\n%s%s" % (" ".join(argv), done.returncode, done.stdout[-2000:], done.stderr[-4000:]))


def bootstrap():
    """Directory of uv and virtualenv, from a plain venv of the Python that runs this."""
    tools = CACHE / "tools"
    requirements = REQUIREMENTS / "bootstrap.txt"
    if not fresh(tools, key(requirements, sys.version)):
        shutil.rmtree(tools, ignore_errors=True)
        run([sys.executable, "-m", "venv", tools])
        run([tools / "bin" / "pip", "install", "--quiet", "--requirement", requirements])
        mark(tools, key(requirements, sys.version))
    return tools / "bin"


def key(requirements, python):
    """Hash of what an environment is made from."""
    return hashlib.sha256(requirements.read_bytes() + str(python).encode()).hexdigest()


def fresh(place, wanted):
    """Whether an environment is there, complete, made from the same things, and its Python still exists."""
    stamp = place / "stamp"
    return stamp.exists() and stamp.read_text() == wanted and (place / "bin" / "python").exists()


def mark(place, wanted):
    """Written last: its presence means that the environment is complete."""
    (place / "stamp").write_text(wanted)


def requirements_of(name):
    """The pinned requirements of an environment."""
    return REQUIREMENTS / ("%s.txt" % name if name in CORE_PYTHONS else "unit.txt")


def ensure(name, say=print):
    """Make an environment unless it is there. Returns its Python, or None when no interpreter for it was found."""
    place = directory(name)
    versions = CORE_PYTHONS.get(name, (name,))
    known = place / "interpreter"
    python = known.read_text() if known.exists() else None
    if python is None or not os.path.exists(python) or not fresh(place, key(requirements_of(name), python)):
        python = next(filter(None, map(interpreter, versions)), None)
        if python is None:
            return None
        started = time.monotonic()
        make(place, python, requirements_of(name), old=versions[0] in OLD_PYTHONS)
        known.write_text(python)
        mark(place, key(requirements_of(name), python))
        say("made %s from %s in %.0f s" % (place.relative_to(ROOT), python, time.monotonic() - started))
    return place / "bin" / "python"


def make(place, python, requirements, old):
    """A new environment over whatever is there."""
    tools = bootstrap()
    shutil.rmtree(place, ignore_errors=True)
    if old:
        run([tools / "virtualenv", "--quiet", "--no-periodic-update", "--python", python, place])
        # What pip's own settings name as further sources may not serve so old a Python.
        run([place / "bin" / "pip", "install", "--quiet", "--requirement", requirements], PIP_FIND_LINKS="", PIP_CONFIG_FILE=os.devnull)
    else:
        run([tools / "uv", "venv", "--quiet", "--python", python, place])
        run([tools / "uv", "pip", "install", "--quiet", "--python", place / "bin" / "python", "--requirement", requirements])


def link_collection():
    """Let Ansible see this checkout as the collection. Returns the collections path."""
    link = CACHE / "collections" / "ansible_collections" / "volmgr" / "snapbackup"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("../../../..")
    return CACHE / "collections"


def link_interpreters():
    """A directory with one link pythonX.Y per CPython of this machine, for tools that look for them on PATH."""
    place = CACHE / "interpreters"
    place.mkdir(parents=True, exist_ok=True)
    for version in ALL_PYTHONS:
        link = place / ("python" + version)
        # ansible-test makes no environment for Python 2.7 unless it finds an old virtualenv in it, as in ours.
        python = ensure(version) if version == "2.7" else interpreter(version)
        link.unlink(missing_ok=True)
        if python is not None:
            link.symlink_to(python)
    return place


def main(names):
    """Make the named environments, one process at a time."""
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "setup.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        link_collection()
        for name in names:
            if ensure(name, say=lambda text: print("dev: " + text, flush=True)) is None:
                sys.exit("dev: no Python %s on this machine (needed for %s)" % (" or ".join(CORE_PYTHONS.get(name, (name,))), name))


if __name__ == "__main__":
    main(sys.argv[1:])
