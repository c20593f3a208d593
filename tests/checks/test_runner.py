# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The developer commands themselves: a failure must be seen, whatever it looks like."""

import sys

import environments
import pytest
import sanity
import suite

GOOD = """\
Running sanity test "compile" on Python 2.7
Running sanity test "compile" on Python 3.6
Running sanity test "pep8"
WARNING: Skipping sanity test "import" on Python 3.14 because it could not be found.
"""
BAD = """\
Running sanity test "pep8"
Running sanity test "pylint"
Running sanity test "yamllint"
FATAL: The 2 sanity test(s) listed below (out of 34) failed. See error output above for details.
pep8
pylint
"""


@pytest.mark.parametrize(
    "returncode, output, counts",
    [(0, GOOD, (3, 0, 1)), (1, BAD, (1, 2, 0)), (1, "FATAL: no such option\n", (0, 1, 0)), (1, GOOD, (2, 1, 1))],
)
def test_counts_of_sanity(returncode, output, counts):
    assert sanity.count(returncode, output) == counts


@pytest.mark.parametrize(
    "content, counts",
    [
        ("def test_a():\n    assert 1\n", "1 passed, 0 failed, 0 skipped"),
        ("def test_a():\n    assert 0\n", "0 passed, 1 failed, 0 skipped"),
        ("import pytest\ndef test_a():\n    pytest.skip('why')\n", "0 passed, 0 failed, 1 skipped"),
        ("import pytest\n@pytest.fixture\ndef f():\n    assert 0\ndef test_a(f):\n    pass\n", "0 passed, 1 failed, 0 skipped"),
        ("syntax error\n", "0 passed, 1 failed, 0 skipped"),
        ("", "0 passed, 1 failed, 0 skipped"),
    ],
)
def test_counts_of_pytest(content, counts, tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "REPORTS", tmp_path)
    # They take most of the time that pytest needs to begin.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tmp_path.joinpath("test_it.py").write_text(content)
    step = suite.pytest("it", sys.executable, tmp_path, "--rootdir", tmp_path, "-p", "no:cacheprovider")
    assert str(step.run(live=False)) == counts


def test_a_check_is_its_exit_code():
    assert suite.check("good", "true").run(live=False) == suite.Counts(passed=1)
    assert suite.check("bad", "false").run(live=False) == suite.Counts(failed=1, names=("bad: see above",))


@pytest.mark.parametrize("argv, code", [("true", 0), ("false", 1), (None, 1)])
def test_the_last_line_and_the_exit_code(argv, code, tmp_path, monkeypatch, capsys):
    """A run that only skipped has proved nothing, so it fails too."""

    def part(everything):
        yield suite.check("it", argv) if argv else suite.Step("it", skip="nothing there")

    monkeypatch.setattr(suite, "REPORTS", tmp_path)
    monkeypatch.setattr(suite, "PARTS", {"one": (part, 1)})
    assert suite.main([]) == code
    passed, failed, skipped = {"true": (1, 0, 0), "false": (0, 1, 0), None: (0, 0, 1)}[argv]
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "%d passed, %d failed, %d skipped" % (passed, failed, skipped)
    assert ("failed: it: see above" in said) == bool(failed)


def test_an_interpreter_is_what_its_name_says(tmp_path, monkeypatch):
    version = "%d.%d" % sys.version_info[:2]
    tmp_path.joinpath("python9.9").symlink_to(sys.executable)
    tmp_path.joinpath("shims").mkdir()
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, tmp_path / "shims"))
    assert environments.search_path() == [str(tmp_path)]
    assert environments.interpreter("9.9") is None
    assert environments.answers(sys.executable, version)


def test_an_environment_is_made_again_when_its_requirements_change(tmp_path):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("a==1\n")
    place = tmp_path / "venv"
    place.joinpath("bin").mkdir(parents=True)
    place.joinpath("bin", "python").symlink_to(sys.executable)
    environments.mark(place, environments.key(requirements, "python"))
    assert environments.fresh(place, environments.key(requirements, "python"))
    requirements.write_text("a==2\n")
    assert not environments.fresh(place, environments.key(requirements, "python"))


def test_pip_of_ansible_test_knows_the_authorities_and_the_users_settings(tmp_path, monkeypatch):
    tmp_path.joinpath(".config", "pip").mkdir(parents=True)
    tmp_path.joinpath(".config", "pip", "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CERT", "/ca.crt")
    monkeypatch.setattr(sanity, "HOME", tmp_path / "other")
    sanity.copy_pip_settings()
    written = tmp_path.joinpath("other", ".config", "pip", "pip.conf").read_text()
    assert "index-url = https://mirror.example/simple\n" in written and "cert = /ca.crt\n" in written
