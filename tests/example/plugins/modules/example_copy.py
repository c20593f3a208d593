#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: example_copy
short_description: Split copies of directories, give them back, or put them back onto their volumes
version_added: 0.2.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - A volume manager for examples. A volume is a directory, and its copy is the directory of the same name with C(.copy) added.
options:
  state:
    description: V(split) makes the copies, V(joined) gives them up, V(rolled_back) puts them back first, V(read) only looks.
    type: str
    choices: [split, joined, rolled_back, read]
    required: true
  volumes:
    description: Paths of the directories. By default what O(run), or O(source_run), has split.
    type: list
    elements: path
  assume:
    description: In check mode, the states to start from instead of what the host shows.
    type: dict
  source_run:
    description: For O(state=rolled_back), the run that has split the copies.
    type: str
  run:
    required: true
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
  - volmgr.snapbackup.run.quiesce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: posix
    support: full
'''

EXAMPLES = r'''
- name: Split a copy of /data
  volmgr.snapbackup.example_copy:
    run: "{{ opened.run }}"
    state: split
    volumes: [/data]
'''

RETURN = r'''
before:
  description: State of every volume before the call.
  returned: success
  type: dict
  sample: {/data: joined}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {/data: split}
members:
  description: The volumes in the shape of the run record.
  returned: success
  type: list
  elements: dict
in_progress:
  description: Whether something is still being copied, which is never so here.
  returned: success
  type: bool
'''

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce, _run
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module


def copy_of(path):
    return path + '.copy'


def undo_id(path):
    return 'example_copy:%s' % path


def member(path):
    return dict(volume=path.strip('/').replace('/', '-'), copy=copy_of(path), device=copy_of(path), block_device=copy_of(path),
                original=path, bytes=None, filesystem=None, fstype=None, remaining=1)


class Copies:
    """The volumes of one call and their states."""

    def __init__(self, context):
        self.context = context
        params = context.params
        self.owner = _run.load(params['state_dir'], params['source_run']) if params['source_run'] else context.record
        undo = self.owner.data['undo'] if self.owner else []
        self.mine = [entry['path'] for entry in undo if entry['id'].startswith('example_copy:')]
        self.paths = self.mine if params['volumes'] is None else params['volumes']
        self.before = self.states()
        if context.check and params['assume']:
            self.before.update(params['assume'])

    def states(self):
        return dict((path, 'split' if os.path.isdir(copy_of(path)) else 'joined') for path in self.paths)

    def result(self, changed, word):
        after = dict((path, word) for path in self.paths) if self.context.check else self.states()
        return dict(changed=changed, before=self.before, after=after, members=[member(path) for path in self.paths], in_progress=False)


def split(copies):
    context = copies.context
    if copies.paths and set(copies.paths) == set(copies.mine) and context.record.data['window']:
        return copies.result(False, 'split')
    for path in copies.paths:
        if copies.before[path] == 'split' or not os.path.isdir(path):
            raise Refused('%s cannot be split.' % path, object=path, found=copies.before[path], needed='a joined directory',
                          look='ls -ld %s*' % path)
    cp, stat = _platform.need('cp'), _platform.need('stat')
    members = [member(path) for path in copies.paths]
    directory = context.record.make_directory() if context.record and not context.check else context.params['state_dir']
    applications = _quiesce.application_holders(context.params['quiesce'], members, directory, context.params['run'])
    verdict = _quiesce.expected_verdict(members, applications)
    window = _quiesce.Window(applications, [[cp, '-a', path, copy_of(path)] for path in copies.paths], confirm=lambda look: None,
                             seconds=_quiesce.valid_lease(context.params['lease']), report=directory + '/lease.json')
    window.check(context.runner)
    if context.check:
        for argv in window.commands():
            context.runner.plan(argv)
        return copies.result(True, 'split')
    context.record.update(phase='split', members=members)
    for path in copies.paths:
        context.record.add_undo({'id': undo_id(path), 'action': 'joined', 'path': path})
    facts = window.open(context.runner)
    proof = [{'argv': [stat, '-c', '%i', copy_of(path)], 'match': '^%d$' % os.stat(copy_of(path)).st_ino} for path in copies.paths]
    context.record.update(window=facts, verdict=verdict, proof=proof, layout={'volumes': '\n'.join(copies.paths)})
    return copies.result(True, 'split')


def change(copies, argv):
    result = copies.context.change(argv)
    if result is not None and result.rc != 0:
        raise CommandFailed(result, object=argv[-1])


def joined(copies):
    todo = [path for path in copies.paths if copies.before[path] == 'split']
    for path in todo:
        if not copies.context.check:
            copies.owner.add_undo({'id': undo_id(path), 'action': 'joined', 'path': path, 'returning': True})
        change(copies, [_platform.need('rm'), '-rf', copy_of(path)])
    if copies.owner and not copies.context.check:
        copies.owner.clear_undo(*[undo_id(path) for path in copies.paths])
    return copies.result(bool(todo), 'joined')


def rolled_back(copies):
    """The copy stays until the volume holds all of it, so that this can be begun again."""
    todo = [path for path in copies.paths if copies.before[path] == 'split']
    for path in todo:
        change(copies, [_platform.need('rm'), '-rf', path])
        change(copies, [_platform.need('cp'), '-a', copy_of(path), path])
        change(copies, [_platform.need('mv'), copy_of(path), path + '.gone'])
        change(copies, [_platform.need('rm'), '-rf', path + '.gone'])
    if not copies.context.check:
        copies.owner.clear_undo(*[undo_id(path) for path in copies.paths])
    return copies.result(bool(todo), 'joined')


def read(copies):
    return copies.result(False, None)


def main():
    states = dict(split=split, joined=joined, rolled_back=rolled_back, read=read)
    run_module(
        lambda context: states[context.params['state']](Copies(context)),
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            state=dict(type='str', choices=['split', 'joined', 'rolled_back', 'read'], required=True),
            volumes=dict(type='list', elements='path'),
            assume=dict(type='dict'),
            source_run=dict(type='str'),
            **_quiesce.OPTIONS),
        required_if=[('state', 'split', ['volumes']), ('state', 'rolled_back', ['source_run'])],
    )


if __name__ == '__main__':
    main()
