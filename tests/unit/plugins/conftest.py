# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host in a temporary directory: volumes are files, tools are real, jobs are real processes."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import hashlib
import importlib
import json
import os
import sys
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import (
    _destination, _filters, _job, _methods, _platform, _run, _store)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner

PATIENCE = 30


class Host:
    """state, backup: directories. volume() makes a volume, record() a run of it, store() starts the job that stores it."""

    def __init__(self, base):
        self.base = base
        self.state = os.path.join(base, 'state')
        self.backup = os.path.join(base, 'backup')
        self.tools = os.path.join(base, 'tools')
        self.records = []
        for directory in (self.backup, self.tools):
            os.mkdir(directory)

    def path(self, *names):
        return os.path.join(self.base, *names)

    def file(self, name, content):
        path = self.path(name)
        with open(path, 'wb') as target:
            target.write(content)
        return path

    def tool(self, name, *lines):
        """An executable shell script that is found as name."""
        path = os.path.join(self.tools, name)
        with open(path, 'w') as target:
            target.write('\n'.join(('#!/bin/sh',) + lines) + '\n')
        os.chmod(path, 0o755)
        return path

    def ufsdump(self, *lines, **dates):
        """A ufsdump that says its dates (this, last), and then runs lines."""
        said = 'Date of this level 0 dump: %s' % dates.get('this', 'Fri Nov 20 03:15:00 2026')
        last = 'Date of last level 0 dump: %s' % dates.get('last', 'the epoch')
        return self.tool('ufsdump', *(('echo "  DUMP: %s" >&2' % said, 'echo "  DUMP: %s" >&2' % last) + lines))

    def volume(self, name='d1', size=3 * 1024 * 1024 + 1536):
        """A member of a run, whose copy is a file of random bytes."""
        device = self.file(name + '.copy', os.urandom(size))
        return dict(volume=name, copy='copy of ' + name, device=device, block_device=device, bytes=size, original='/dev/md/rdsk/' + name,
                    filesystem=None, fstype=None)

    def record(self, *members, **fields):
        record = _run.open_run(self.state, fields.pop('name', 'home1'), 'svm', fields.pop('kind', 'backup'),
                               list(members) or [self.volume()], _platform.boot_identity(Runner()), 'node1')
        record.update(**dict(dict(verdict='filesystem', proof=[dict(argv=['/bin/echo', 'the same cut'], match='the same cut')]), **fields))
        self.records.append(record)
        return record

    def spec(self, record, method='dd', argv=None, output='stream', destination=None, level=0, update=False, tape=None, stall=900,
             streams=1, **packing):
        """What the module gives to the job. packing: fields of Packing."""
        names = [member['volume'] for member in record.data['members']]
        place = _destination.Destination(destination or self.backup, record.data['name'], record.run, names, tape)
        images = _store.plan(record.data, self.state, place, _methods.Method(method, argv, output, level, update),
                             _filters.PLAIN._replace(**packing))
        return dict(place.spec(), images=images, stall=stall, streams=streams,
                    volumes=[[image['volume'], image['bytes']] for image in images])

    def store(self, record, environment=None, restart=False, **spec):
        return _job.start(record, '_store', self.spec(record, **spec), environment, restart)

    def ended(self, record):
        """The status of a job, once it is not running any more."""
        return wait_for(lambda: _job.status(record), lambda now: now['state'] != _job.RUNNING)

    def clean(self):
        for record in self.records:
            _job.stop(record)


def wait_for(ask, good):
    limit = time.time() + PATIENCE
    while True:
        answer = ask()
        if good(answer):
            return answer
        assert time.time() < limit, answer
        time.sleep(0.02)


def sha256(path):
    with open(path, 'rb') as source:
        return hashlib.sha256(source.read()).hexdigest()


@pytest.fixture
def host(tmpdir, monkeypatch):
    made = Host(str(tmpdir))
    monkeypatch.setattr(_platform, 'TOOL_DIRS', (made.tools,) + _platform.TOOL_DIRS)
    made.wait_for, made.sha256 = wait_for, sha256
    yield made
    made.clean()


@pytest.fixture
def ansible(capfd):
    """ansible(module, options, check=False) runs a module of the collection as Ansible does, and returns its result."""
    package = sys.modules['ansible']
    package.__dict__.setdefault('__file__', os.path.join(list(package.__path__)[0], '__init__.py'))
    basic = importlib.import_module('ansible.module_utils.basic')

    def run(name, options, check=False):
        module = importlib.import_module('ansible_collections.volmgr.snapbackup.plugins.modules.' + name)
        arguments = dict(options, _ansible_check_mode=check, _ansible_diff=True, _ansible_remote_tmp='/tmp')
        basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': arguments}).encode('utf-8')
        basic._ANSIBLE_PROFILE = 'legacy'
        capfd.readouterr()
        with pytest.raises(SystemExit):
            module.main()
        return json.loads(capfd.readouterr().out)
    return run
