# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every file of the collection has to keep to, beyond what linters know."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in ROOT.glob("roles/*") if path.is_dir())
TARGET_CODE = sorted(ROOT.glob("plugins/**/*.py"))
MODULES = sorted(path for path in ROOT.glob("plugins/modules/*.py") if path.stem != "__init__")
MODULE_UTILS = sorted(path for path in ROOT.glob("plugins/module_utils/*.py") if path.stem != "__init__")
PYTHON = [path for directory in ("plugins", "tests") for path in sorted(ROOT.glob(directory + "/**/*.py"))]
TASK_FILES = sorted(path for directory in ("roles", "playbooks") for path in ROOT.glob(directory + "/**/*.yml"))

COPYRIGHT = "# Copyright: (c) 2026, volmgr.snapbackup contributors"
LICENSE = "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)"
TARGET_ONLY = re.compile(r"^from __future__ import absolute_import, division, print_function$", re.M)
# Back ends: one module_utils file or more per volume manager, named for it.
BACK_ENDS = ("svm", "vxvm", "instant_image", "gds")


def name(path):
    """How a parametrized file is shown."""
    return str(path.relative_to(ROOT))


def load(path):
    """A YAML file's content, or None when there is no such file."""
    return yaml.safe_load(path.read_text()) if path.exists() else None


def imports(path):
    """Dotted names that a Python file imports, wherever it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update("%s.%s" % (node.module, alias.name) for alias in node.names)
    return found


def assigned(path):
    """Names that a Python file assigns at its top level."""
    return {
        target.id
        for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES, ids=name)
def test_defaults_of_a_role_are_its_argument_specs(role):
    specs = load(role / "meta" / "argument_specs.yml") or {"argument_specs": {}}
    options = {}
    for entry in specs["argument_specs"].values():
        options.update(entry.get("options", {}))
    documented = {option: spec["default"] for option, spec in options.items() if "default" in spec}
    assert (load(role / "defaults" / "main.yml") or {}) == documented
    assert all(spec.get("description") for spec in options.values())


@pytest.mark.parametrize("role", ROLES, ids=name)
def test_a_role_has_an_argument_spec_for_its_entry_points(role):
    specs = load(role / "meta" / "argument_specs.yml")
    assert specs and "main" in specs["argument_specs"]


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_is_documented(module):
    assert {"DOCUMENTATION", "EXAMPLES", "RETURN"} <= assigned(module)


def test_the_action_group_holds_every_module():
    assert sorted(load(ROOT / "meta" / "runtime.yml")["action_groups"]["all"]) == [module.stem for module in MODULES]


def test_an_action_plugin_has_a_module_that_documents_it():
    actions = {path.stem for path in ROOT.glob("plugins/action/*.py")} - {"__init__"}
    assert actions <= {module.stem for module in MODULES}


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_file_says_whose_it_is(path):
    head = path.read_text().splitlines()[:4]
    assert COPYRIGHT in head and LICENSE in head


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_commands_are_argument_lists(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            assert not [keyword for keyword in node.keywords if keyword.arg in ("shell", "use_unsafe_shell")], node.lineno
            assert ast.unparse(node.func) not in ("os.system", "os.popen", "subprocess.getoutput"), node.lineno


@pytest.mark.parametrize("path", TASK_FILES, ids=name)
def test_tasks_use_no_shell(path):
    assert not re.search(r"^\s*(- )?(ansible\.builtin\.|ansible\.legacy\.)?(shell|raw):", path.read_text(), re.M)


@pytest.mark.parametrize("path", [path for path in TARGET_CODE if path.read_text()], ids=name)
def test_target_code_is_for_both_pythons(path):
    assert TARGET_ONLY.search(path.read_text())
    assert "__metaclass__" in assigned(path)


@pytest.mark.parametrize("path", MODULE_UTILS, ids=name)
def test_only_the_module_frame_imports_ansible(path):
    ours = "ansible_collections.volmgr.snapbackup."
    foreign = {found for found in imports(path) if found.split(".")[0].startswith("ansible") and not found.startswith(ours)}
    assert path.stem == "_module" or not foreign


@pytest.mark.parametrize("path", MODULE_UTILS, ids=name)
def test_back_ends_do_not_import_each_other(path):
    def back_end(dotted):
        stem = dotted.rpartition(".")[2].lstrip("_")
        return next((manager for manager in BACK_ENDS if stem == manager or stem.startswith(manager + "_")), None)

    mine = back_end(path.stem)
    others = {back_end(part) for found in imports(path) for part in found.split(".")} - {None, mine}
    assert mine is None or not others
