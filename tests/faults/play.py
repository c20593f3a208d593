# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Carries out the roles' own task files without a controller: what is tested here cannot differ from what Ansible would do.

Of Ansible's language it knows what the roles use, and refuses any other word. Values are templated by Ansible itself.
"""

import base64
import functools
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible.errors import AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var

ROOT = Path(__file__).resolve().parents[2]
COLLECTION, BUILTIN = "volmgr.snapbackup.", "ansible.builtin."
INCLUDES = ("ansible.builtin.include_", "ansible.builtin.import_")
# Key of a scope: variables that are above facts, of loops and includes.
ABOVE = "__above__"
# The same of blocks: where their tasks are carried out, and arguments of modules.
DELEGATED, DEFAULTS = "__delegated__", "__defaults__"
OMIT = "__omit_this_argument__"
KEYWORDS = {"name", "vars", "when", "loop", "loop_control", "register", "check_mode", "changed_when", "failed_when", "ignore_errors",
            "diff", "no_log", "block", "rescue", "always", "delegate_to", "ignore_unreachable"}  # fmt: skip
OF_BLOCKS = {"name", "vars", "when", "block", "rescue", "always", "delegate_to", "module_defaults"}
NOT_GOOD = ("failed", "lost", "absent")
COMPILED = {}

init_plugin_loader([str(ROOT / ".cache" / "collections")])


@functools.lru_cache(maxsize=None)
def read(path):
    """What a file of a role holds. Nobody may change it."""
    return yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def compile_once(environment):
    """Let an environment of Jinja keep what it compiles: all plays of this process have the same few templates."""
    plain = environment.compile

    def kept(source):
        if source not in COMPILED:
            COMPILED[source] = plain(source)
        return COMPILED[source]

    environment.compile = kept


class Failed(Exception):
    """A task has failed; result is what it registered."""

    def __init__(self, result):
        super().__init__(result.get("msg"))
        self.result = result


@dataclass
class Play:
    """One play on the first of hosts; the others are there for delegated tasks.

    run(host, module, args, check, name) runs a module on a host and returns its result. variables: as given with -e.
    said: what debug tasks have printed; facts: what tasks have set or registered; defaults, own: variables of the roles.
    """

    run: object
    variables: dict
    hosts: list
    said: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    defaults: dict = field(default_factory=dict)
    own: dict = field(default_factory=dict)

    def __post_init__(self):
        self.templar = Templar(DataLoader())
        compile_once(self.templar.environment)
        # Where the task at hand is carried out.
        self.at = self.hosts[0]

    def role(self, name, tasks_from="main", scope=None):
        """Carry out one task file of a role. Raises Failed."""
        for kept, path in ((self.defaults, "defaults/main.yml"), (self.own, "vars/main.yml")):
            file = ROOT / "roles" / name / path
            kept.update(read(file) or {} if file.exists() else {})
        self.tasks(name, tasks_from, scope or {})

    def tasks(self, role, path, scope):
        path = path if path.endswith((".yml", ".yaml")) else path + ".yml"
        place = ROOT / "roles" / role
        self.block(read(place / "tasks" / path) or [], role, {**scope, "role_path": str(place)})

    def block(self, tasks, role, scope):
        for task in tasks:
            own = task.get("vars", {})
            if any(word.startswith(INCLUDES) for word in task):
                # Other than those of any other task they hide what was set as a fact, also inside.
                scope_here = {**scope, ABOVE: {**scope.get(ABOVE, {}), **own}}
            else:
                scope_here = {**scope, **own}
            self.task(task, role, scope_here)

    def value(self, template, scope):
        """A template's value. scope: variables of the tasks and blocks around it."""
        always = {"omit": OMIT, "ansible_check_mode": False, "inventory_hostname": self.hosts[0], "groups": {"all": self.hosts}}
        roles = {**always, **self.defaults, **self.own}
        self.templar.available_variables = {**roles, **scope, **self.facts, **scope.get(ABOVE, {}), **self.variables}
        try:
            return self.templar.template(template)
        except AnsibleUndefinedVariable as error:
            # As in Ansible, where the task fails.
            raise Failed({"msg": str(error)}) from error

    def holds(self, conditions, scope):
        conditions = conditions if isinstance(conditions, list) else [conditions]
        return all(self.one_holds(condition, scope) for condition in conditions)

    def one_holds(self, condition, scope):
        if isinstance(condition, str) and "{{" in condition:
            condition = self.value(condition, scope)
        return condition is True or self.value("{%% if %s %%}yes{%% else %%}no{%% endif %%}" % condition, scope) == "yes"

    def task(self, task, role, scope):
        if "block" in task:
            if set(task) - OF_BLOCKS:
                raise ValueError("%s: words of a block that are not known here: %s" % (role, ", ".join(set(task) - OF_BLOCKS)))
            if self.holds(task.get("when", True), scope):
                own = {DELEGATED: task["delegate_to"]} if "delegate_to" in task else {}
                defaults = {**scope.get(DEFAULTS, {}), **task.get("module_defaults", {})}
                self.guarded(task, role, {**scope, **own, DEFAULTS: defaults})
            return
        action, *unknown = [word for word in task if word not in KEYWORDS]
        if unknown:
            raise ValueError("%s: words that are not known here: %s" % (role, ", ".join([action, *unknown])))
        if "loop" in task:
            variable = task.get("loop_control", {}).get("loop_var", "item")
            # The variable of an outer loop stays known inside.
            outer = scope.get(ABOVE, {})
            items = self.value(task["loop"], scope)
            results = [{**self.once(task, action, role, {**scope, ABOVE: {**outer, variable: item}}), variable: item} for item in items]
            result = {"results": results, "changed": any(one.get("changed") for one in results)}
        else:
            result = self.once(task, action, role, scope)
        if "register" in task:
            self.facts[task["register"]] = result

    def guarded(self, task, role, scope):
        """A block with its rescue and always."""
        try:
            try:
                self.block(task["block"], role, scope)
            except Failed as failure:
                if "rescue" not in task:
                    raise
                self.facts["ansible_failed_result"] = failure.result
                self.block(task["rescue"], role, scope)
        finally:
            self.block(task.get("always", []), role, scope)

    def once(self, task, action, role, scope):
        """Carry out a task for one item. Returns its result; raises Failed."""
        if not self.holds(task.get("when", True), scope):
            return {"skipped": True, "changed": False}
        result = self.act(task, action, task[action] or {}, role, scope)
        if "failed_when" in task:
            if "register" in task:
                self.facts[task["register"]] = result
            result = dict(result, failed=self.holds(task["failed_when"], scope))
        if result.get("failed") and not task.get("ignore_errors"):
            if "register" in task:
                self.facts[task["register"]] = result
            raise Failed(result)
        return result

    def act(self, task, action, arguments, role, scope):
        self.at = self.value(task.get("delegate_to", scope.get(DELEGATED, self.hosts[0])), scope)
        arguments = {**scope.get(DEFAULTS, {}).get(action, {}), **arguments} if isinstance(arguments, dict) else arguments
        if self.at not in self.hosts:
            raise ValueError("%s: there is no host %s here" % (task.get("name", action), self.at))
        if action.startswith(COLLECTION):
            name = self.value(task.get("name", action), scope)
            module = action[len(COLLECTION):]
            if module == "wait_progress":
                return self.wait(self.value(arguments, scope), name)
            return self.module(module, arguments, task.get("check_mode", False), name, scope)
        if not action.startswith(BUILTIN):
            raise ValueError("%s: a task with the unknown word %s" % (role, action))
        return getattr(self, action[len(BUILTIN):])(arguments, role, scope) or {"changed": False}

    def module(self, module, arguments, check, name, scope):
        values = {word: self.value(value, scope) for word, value in arguments.items()}
        return wrap_var(self.run(self.at, module, without_omitted(values), check, name))

    def wait(self, options, name):
        """The action plugin wait_progress: the module again and again, until it says that nothing is in progress."""
        args, module = without_omitted(options.get("args", {})), options["module"].rpartition(".")[2]
        while True:
            result = wrap_var(self.run(self.at, module, args, False, name))
            if result.get("failed") or not result.get("in_progress"):
                break
        state = (result.get("job") or {}).get("state")
        if state in NOT_GOOD and not result.get("failed"):
            return dict(result, failed=True, msg="The job %s: %s" % (state, result["job"]["error"]))
        return result

    # The built-in actions that the roles use.

    def include_role(self, arguments, role, scope):
        names = {word: self.value(value, scope) for word, value in arguments.items()}
        self.role(names["name"].replace(COLLECTION, ""), names.get("tasks_from", "main"), scope)

    def include_tasks(self, arguments, role, scope):
        self.tasks(role, self.value(arguments, scope), scope)

    def set_fact(self, arguments, role, scope):
        self.facts.update({word: self.value(value, scope) for word, value in arguments.items()})

    def debug(self, arguments, role, scope):
        said = self.value(arguments["msg"], scope)
        self.said.extend(said if isinstance(said, list) else [said])

    def fail(self, arguments, role, scope):
        return {"failed": True, "msg": self.value(arguments["msg"], scope)}

    def slurp(self, arguments, role, scope):
        result = self.run(self.at, "slurp", {"src": self.value(arguments["src"], scope)}, False, "slurp")
        return result if result.get("failed") else {"content": base64.b64encode(result["content"].encode()).decode()}

    def __getattr__(self, action):
        raise ValueError("tasks with %s are not known here" % action)


# "assert" is a word of Python.
setattr(Play, "assert", lambda self, arguments, role, scope: None if self.holds(arguments["that"], scope) else {
    "failed": True, "msg": self.value(arguments.get("fail_msg", "Assertion failed"), scope)})  # fmt: skip


def without_omitted(value):
    """Arguments without those whose value is omit."""
    if isinstance(value, dict):
        return {key: without_omitted(item) for key, item in value.items() if item != OMIT}
    return [without_omitted(item) for item in value] if isinstance(value, list) else value
