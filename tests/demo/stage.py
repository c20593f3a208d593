# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every demo needs: headlines, playbooks, and a look at what the host did."""

import json
import os
import subprocess
import sys


def headline(text):
    print("\n\033[1m== %s\033[0m" % text if sys.stdout.isatty() else "\n== %s" % text, flush=True)


def tell(text):
    print("   " + text, flush=True)


def expect(condition, text):
    """Say what was proved; RuntimeError if it does not hold."""
    if not condition:
        raise RuntimeError("not true: " + text)
    tell("proved: " + text)


def playbook(lab, name, variables):
    """Run one of the collection's playbooks, its output shown as it comes. RuntimeError if it fails."""
    tell("ansible-playbook volmgr.snapbackup.%s -e '%s'" % (name, json.dumps(variables)))
    environ = dict(os.environ, ANSIBLE_DISPLAY_SKIPPED_HOSTS="false", ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
                   ANSIBLE_LOCALHOST_WARNING="false")  # fmt: skip
    argv = ["ansible-playbook", "-i", str(lab.inventory_path), "volmgr.snapbackup." + name, "-e", json.dumps(variables)]
    done = subprocess.run(argv, env=environ, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError("the playbook %s ended with exit code %d" % (name, done.returncode))


def last_record(lab, host, kind):
    """The record of the last run of that kind on a host."""
    lines = lab.exec(host, ["find", "/var/lib/snapbackup/runs", "-maxdepth", "1", "-name", "*.json"]).stdout.split()
    records = [json.loads(lab.exec(host, ["cat", path]).stdout) for path in lines]
    return max((record for record in records if record["kind"] == kind), key=lambda record: record["sequence"])


def journal(lab, *hosts):
    """The commands of the volume manager that were called on these hosts: (host, argument list) in the order of time."""
    rows = json.loads(lab.exec(hosts[0], ["python3", "/opt/simulator/simctl", "journal", "--json", "--all"]).stdout)
    return [(row["host"], row["argv"]) for row in sorted(rows, key=lambda row: row["started"]) if row["host"] in hosts]
