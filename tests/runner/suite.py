# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The checks of the project: suite.py [--all] [PART...]. The last line gives the totals; the exit code is 1 when anything failed.

Without --all, what is marked slow is left out.
"""

import argparse
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import environments
import sanity
from environments import CACHE, ROOT

REPORTS = CACHE / "reports"
MESSAGE = 1500  # characters of what a failed test said that are repeated at the end
# Words in names of modules whose slow unit tests are not left out: SVM, and what all managers share.
SHARED = "svm or filesystem_lock or service_bracket or failing_applications"
# Of those of module_utils: without what single applications and tapes need.
NO_DRIVERS = "not oracle and not informix and not tape"
# Python 2.7 closes every descriptor that there could be for each command that it starts.
DESCRIPTORS = 4096


@dataclass
class Counts:
    """Results of a step or of several. names: of tests that have failed, as far as they are known."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: tuple = ()

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped, self.names + other.names)

    def __str__(self):
        return "%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped)


@dataclass
class Step:
    """One command of a part. skip: why there is nothing to run. count(return code, output) -> Counts."""

    title: str
    argv: list = field(default_factory=list)
    skip: str = ""
    count: object = None
    env: dict = field(default_factory=dict)
    cwd: Path = ROOT

    def run(self, live):
        """Run it, show a headline, its output (as it comes when live, else afterwards), and return its Counts."""
        if self.skip:
            print("\n=== %s: skipped, %s" % (self.title, self.skip), flush=True)
            return Counts(skipped=1)
        if live:
            print("\n=== %s" % self.title, flush=True)
        started = time.monotonic()
        done = subprocess.run(
            list(map(str, self.argv)), cwd=self.cwd, env=dict(os.environ, **self.env), stdin=subprocess.DEVNULL, check=False, text=True,
            errors="replace", stdout=None if live else subprocess.PIPE, stderr=None if live else subprocess.STDOUT,
        )  # fmt: skip
        counts = self.count(done.returncode, done.stdout or "")
        heading = "" if live else "\n=== %s\n%s" % (self.title, done.stdout)
        print("%s--- %s: %s in %.0f s" % (heading, self.title, counts, time.monotonic() - started), flush=True)
        # The output of a long run is far above its end.
        counts.names = tuple("%s: %s" % (self.title, name) for name in counts.names or ("see above",)) if counts.failed else ()
        return counts


def failures(report):
    """Each failed test of a report of pytest, with the beginning of what it said."""
    for case in report.iter("testcase"):
        for problem in case:
            if problem.tag in ("failure", "error"):
                said = problem.get("message", "")[:MESSAGE].replace("\n", "\n    ")
                yield "%s::%s\n    %s" % (case.get("classname"), case.get("name"), said)


def pytest(title, python, *arguments, **more):
    """A step that runs pytest and counts by its report."""
    report = REPORTS / (re.sub(r"\W+", "-", title) + ".xml")

    def count(returncode, output):
        if not report.exists():
            return Counts(failed=1)
        root = ElementTree.parse(report).getroot()
        suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
        total, bad, skipped = (
            sum(int(suite.get(name, 0)) for suite in suites for name in names.split())
            for names in ("tests", "failures errors", "skipped skips")
        )
        if returncode and not bad:
            bad, total = 1, total + 1
        return Counts(total - bad - skipped, bad, skipped, tuple(failures(root)))

    report.unlink(missing_ok=True)
    return Step(title, [python, "-m", "pytest", "-q", "--tb=short", "-rs", "--junit-xml", report, *arguments], count=count, **more)


def check(title, *argv, **more):
    """A step that is one check: its exit code."""
    return Step(title, argv, count=lambda returncode, output: Counts(failed=1) if returncode else Counts(passed=1), **more)


def chosen(everything):
    """Arguments of pytest: all tests, or those that are not slow."""
    return [] if everything else ["-m", "not slow"]


def core216(tool="python"):
    """A program of the environment with the old ansible-core."""
    return environments.directory("core216") / "bin" / tool


def newest(tool):
    """A program of the environment with the newest ansible-core."""
    return environments.directory("newest") / "bin" / tool


def unit(everything):
    """tests/unit on every CPython found, what is slow and shared at least on the oldest; the longest steps first."""
    found = {version: environments.ensure(version) for version in environments.UNIT_PYTHONS}
    for version in [version for version in found if found[version]][: None if everything else 1]:
        for part, choice in (("modules", SHARED), ("module_utils", NO_DRIVERS)):
            title = "unit tests, slow, %s, Python %s" % (part, version)
            yield pytest(title, found[version], "tests/unit/plugins/" + part, "-m", "slow", *([] if everything else ["-k", choice]))
    for version, python in found.items():
        # What needs current syntax stays out of tests/unit/plugins and off the old ones.
        directory = "tests/unit/plugins" if version in environments.OLD_PYTHONS else "tests/unit"
        title = "unit tests, Python " + version
        if python is None:
            yield Step(title, skip="this machine has no Python " + version)
        else:
            yield pytest(title, python, directory, "-m", "not slow")
    # Action plugins need all of ansible-core, which only the controllers have.
    for name in ("core216", "newest"):
        yield pytest("action plugins, " + name, environments.ensure(name), "tests/unit/plugins/action")


def directory_of_tests(title, path, everything, workers=0):
    """pytest over a directory. workers: so many files side by side, each with hosts of its own."""
    return pytest(title, core216(), *(["-n", workers, "--dist", "loadfile"] if workers else []), path, *chosen(everything))


def simulator(everything):
    """The simulator against the manuals, on its own."""
    yield directory_of_tests("simulator tests", "tests/simulator/tests", everything, workers=2)


def faults(everything):
    """A representative part of the faults that ./dev faults tries."""
    report = REPORTS / "faults.json"

    def count(returncode, output):
        return Counts(**json.loads(report.read_text())) if report.exists() else Counts(failed=1)

    report.unlink(missing_ok=True)
    yield Step("faults, a representative part", [core216(), "tests/faults/run.py", "--part", "--report", report], count=count)


def lab(everything):
    """The simulated hosts: start, stop, and what a killed one leaves."""
    yield directory_of_tests("lab tests", "tests/lab/tests", everything)


def integration(everything):
    """Modules, roles and playbooks against simulated hosts."""
    yield directory_of_tests("integration tests", "tests/integration", everything, workers=2)


def molecule(everything):
    """Every Molecule scenario, or whole procedures on one host and on two."""
    scenarios = sorted(path.parent.name for path in ROOT.glob("extensions/molecule/*/converge.yml"))
    if not everything:
        scenarios = ["svm_backup"]
    asked = ["--all"] if everything else [word for name in scenarios for word in ("--scenario-name", name)]

    def count(returncode, output):
        return Counts(failed=1) if returncode else Counts(passed=len(scenarios))

    yield check("forget hosts of an earlier run that was killed", core216("molecule"), "destroy", "--scenario-name", "default")
    yield Step("Molecule scenarios", [core216("molecule"), "test", *asked], count=count, env={"NO_COLOR": "1"})
    for name in ("molecule", "moleculegds", "moleculeii", "moleculeslice"):
        yield check("Molecule's hosts are gone, also after a failure: %s" % name, core216(), "tests/lab/lab.py", "down", name)


def lint(everything):
    """Style and structure."""
    new = {"PATH": "%s:%s" % (newest("python").parent, os.environ["PATH"])}
    yield check("shellcheck", "shellcheck", "--shell=sh", "dev")
    yield check("ruff", newest("ruff"), "check", "--output-format=concise", ".")
    yield pytest("structure", newest("python"), "tests/checks")
    yield check("ansible-lint", newest("ansible-lint"), "--offline", "--strict", "--nocolor", "--format=pep8", env=new)
    yield check("changelog", newest("antsibull-changelog"), "lint", env=new)
    references = ["--plugin-docs", "--validate-collection-refs=dependent"]
    yield check("documentation", newest("antsibull-docs"), "lint-collection-docs", *references, ".", env=new)
    yield check("collection build", newest("ansible-galaxy"), "collection", "build", "--force", "--output-path", CACHE / "build", env=new)


def sanity_tests(everything):
    """ansible-test sanity with both ansible-cores; pylint, which takes the longest, at least with the newest."""
    interpreters = environments.link_interpreters()
    for name in ("core216", "newest"):
        argv, cwd, env = sanity.prepare(name, interpreters)
        if name != "newest" and not everything:
            argv += ["--skip-test", "pylint"]
        yield Step("sanity, " + sanity.core_version(name), argv, cwd=cwd, env=env, count=lambda *done: Counts(*sanity.count(*done)))


# In order, each with the number of its steps that run side by side; unit tests often wait.
PARTS = {
    "unit": (unit, 2 + (os.cpu_count() or 1)),
    "simulator": (simulator, 1),
    "faults": (faults, 1),
    "lab": (lab, 1),
    "integration": (integration, 1),
    "molecule": (molecule, 1),
    "lint": (lint, 2),
    "sanity": (sanity_tests, 2),
}


# What uses simulated hosts runs alone; but Molecule plays one scenario after the other, which is not enough for two processors.
TOGETHER = ("molecule", "lint", "sanity")


def groups(names):
    """The named parts in order, those that run at one time in one list."""
    alone = [[name] for name in names if name not in TOGETHER]
    together = [name for name in names if name in TOGETHER]
    return alone + [together] if together else alone


def run_part(name, everything, live):
    """Run the steps of a part; return their Counts, and the seconds."""
    started = time.monotonic()
    steps, side_by_side = PARTS[name]
    with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
        counts = sum(pool.map(lambda step: step.run(live=live and side_by_side == 1), steps(everything)), Counts())
    return counts, time.monotonic() - started


def run_group(names, everything):
    """Run parts at one time: {name: (Counts, seconds)}"""
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        running = {name: pool.submit(run_part, name, everything, live=len(names) == 1) for name in names}
        return {name: future.result() for name, future in running.items()}


def arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these of: %s" % " ".join(PARTS))
    parser.add_argument("--all", action="store_true", help="also what is slow")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error("no such part: %s (there are: %s)" % (" ".join(unknown), " ".join(PARTS)))
    return options


def main(argv):
    """Run the named parts, or all; print a table and the totals."""
    options = arguments(argv)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, DESCRIPTORS), hard))
    REPORTS.mkdir(parents=True, exist_ok=True)
    results = {}
    for group in groups(options.parts or list(PARTS)):
        results.update(run_group(group, options.all))
    print()
    for name, (counts, seconds) in results.items():
        print("%-12s %4.0f s  %s" % (name, seconds, counts))
    if not options.all:
        print("what is slow was left out: ./dev test --all")
    total = sum((counts for counts, seconds in results.values()), Counts())
    print("".join("failed: %s\n" % name for name in total.names), end="")
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
