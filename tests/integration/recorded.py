# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Databases on a simulated host that consist of a recorded client program and a file with their state."""

import json
import runpy

from hosts import PYTHON3, ROOT

UNIT = ROOT / "tests" / "unit" / "plugins" / "module_utils"
ORACLE = "/opt/oracle"
ORADATA = "/home1/oradata"
INFORMIX = "/opt/informix"
CHUNKS = "/home1/chunks"


class Oracle:
    """An instance whose data files lie on /home1, run by user oracle."""

    def __init__(self, host):
        self.host = host
        self.entry = {"driver": "oracle", "sid": "ORCL", "home": ORACLE + "/home", "control_directory": ORACLE + "/control"}
        self.state = self.entry["home"] + "/instance.json"

    def create(self):
        run = self.host.run
        if run("id", "oracle", check=False).returncode:
            run("useradd", "--system", "--no-create-home", "oracle")
        run("install", "-d", "-o", "oracle", ORADATA, ORACLE, *["%s/%s" % (ORACLE, name) for name in ("home", "control", "archive")])
        run("install", "-d", self.entry["home"] + "/bin")
        self.host.write(self.entry["home"] + "/bin/sqlplus", "#!%s\n%s" % (PYTHON3, (UNIT / "clients" / "sqlplus.py").read_text()), "755")
        made = runpy.run_path(str(UNIT / "oracle.py"))["instance"](ORADATA, ORACLE + "/archive", self.host.out("uname", "-n").strip())
        self.host.write(self.state, json.dumps(made), "644")
        run("chown", "oracle", self.state)
        for found in made["files"]:
            run("dd", "if=/dev/urandom", "of=" + found["name"], "bs=1M", "count=1", "conv=fsync")
            run("chown", "oracle", found["name"])
        return self

    def read(self):
        return self.host.json(self.state)

    def active(self):
        """The numbers of the files in backup mode."""
        return [found["file#"] for found in self.read()["files"] if found["backup"] == "ACTIVE"]

    def said(self):
        """The state-changing statements, in their order."""
        return [line for line in self.host.out("cat", self.state + ".said").splitlines() if line.startswith("ALTER ")]


class Informix:
    """A server whose chunks lie on /home1."""

    def __init__(self, host):
        self.host = host
        self.entry = {"driver": "informix", "home": INFORMIX, "server": "ol_backup", "archive": "onbar"}
        self.state = INFORMIX + "/server.json"

    def create(self):
        self.host.run("install", "-d", INFORMIX + "/bin", CHUNKS)
        script = "#!%s\n%s" % (PYTHON3, (UNIT / "clients" / "informix.py").read_text())
        for name in ("onmode", "onstat", "onbar"):
            self.host.write("%s/bin/%s" % (INFORMIX, name), script, "755")
        made = runpy.run_path(str(UNIT / "informix.py"))["server"](CHUNKS)
        self.host.write(self.state, json.dumps(made))
        for chunk in made["chunks"][:2]:
            self.host.run("dd", "if=/dev/urandom", "of=" + chunk["path"], "bs=1M", "count=1", "conv=fsync")
        return self

    def blocked(self):
        return self.host.json(self.state)["blocked"]

    def said(self):
        """The state-changing commands, in their order."""
        return [line for line in self.host.out("cat", self.state + ".said").splitlines() if not line.startswith("onstat")]
