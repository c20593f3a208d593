#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: volume_backup
short_description: Store the split copies of a run
description:
  - Stores the copies that a run has split off, one image per volume, with a manifest that names and proves them.
  - The work is done by a job on the host that goes on without this module, the connection and the controller.
    This module starts it and comes back at once; M(volmgr.snapbackup.wait_progress) waits for it.
  - While it streams, the job takes the SHA-256 sum. After the last byte it proves that the copy is still the one that was split.
    Only then do the images get their names, and the manifest, written last, makes them complete.
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
options:
  run:
    required: true
  state:
    description:
      - V(started) starts the job. A repeated play finds a running job again; if it is complete, nothing is done.
      - V(stopped) ends the job and all its processes, and waits until they are gone.
      - V(read) only reports.
      - V(checked) only looks whether the images could be stored, with the same checks that V(started) makes. It is meant to be used
        before the copies are split.
    type: str
    choices: [started, stopped, read, checked]
    default: started
  method:
    description:
      - How the copy is read.
      - V(dd) reads the device, exactly as many bytes as the volume has.
      - V(tar) archives the files of the mounted snapshot. What an archive can hold is up to the C(tar) of the host.
      - V(ufsdump) dumps a UFS from the device. The dump carries the name of the mirror.
      - V(command) runs a command of your own, see O(command).
    type: str
    choices: [dd, tar, ufsdump, command]
    default: dd
  command:
    description:
      - The command of O(method=command), as a list of arguments. It is run without a shell, once for each volume.
      - C({device}), C({path}), C({volume}) and C({run}) inside an argument are replaced by the device of the copy, the directory where
        the snapshot is mounted, the name of the volume and the id of the run.
    type: list
    elements: str
  environment:
    description:
      - Environment variables for the tool, for example a password.
      - They reach the job in a file that only the owner can read and that the job empties at once; they are never arguments.
    type: dict
  output:
    description:
      - What the output of O(command) is.
      - V(stream) is the image, which is stored and hashed here.
      - V(none) means that the command stores by itself. Its exit code decides; size and sum are not known then.
    type: str
    choices: [stream, none]
    default: stream
  level:
    description: Level of a dump, for O(method=ufsdump).
    type: int
    choices: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    default: 0
  update_dumpdates:
    description: Whether a dump is entered in C(/etc/dumpdates), which dumps of a higher level start from.
    type: bool
    default: false
  destination:
    description:
      - An existing directory. The images go to C(<destination>/<name of the set>/<run>/).
      - Any other path is the file for the image of the only volume; its manifest is beside it, with C(.manifest.json) added.
      - Needed for O(state=started) and O(state=checked).
    type: path
  stall:
    description: Seconds without a byte after which the tool is killed and the job fails.
    type: int
    default: 900
  restart:
    description: Start again a job that has failed or was lost.
    type: bool
    default: false
  members:
    description:
      - The volumes, for O(state=checked) and for check mode, when there is no run record yet. Otherwise the record's members count.
      - Their keys are those of the run record, of which C(volume), C(device) and C(bytes) are needed here.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    support: full
    description: Returns the commands that the job would run, and checks the destination without writing to it.
  diff_mode:
    support: full
    description: Shows the commands of the job, one per line.
  platform:
    support: full
    platforms: solaris, linux
seealso:
  - module: volmgr.snapbackup.wait_progress
  - module: volmgr.snapbackup.volume_restore
'''

EXAMPLES = r'''
- name: Store the copies as raw images
  volmgr.snapbackup.volume_backup:
    run: "{{ snapbackup_run }}"
    destination: /backup/

- name: Wait until they are complete
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.volume_backup
    args:
      run: "{{ snapbackup_run }}"
      state: read

- name: Store a level 1 dump in one file
  volmgr.snapbackup.volume_backup:
    run: "{{ snapbackup_run }}"
    method: ufsdump
    level: 1
    update_dumpdates: true
    destination: /backup/home1.level1

- name: Hand the mounted snapshot to restic, which stores by itself
  volmgr.snapbackup.volume_backup:
    run: "{{ snapbackup_run }}"
    method: command
    command: [/usr/bin/restic, backup, --tag, "{run}", "{path}"]
    output: none
    environment:
      RESTIC_REPOSITORY: sftp:vault:/srv/restic
      RESTIC_PASSWORD: "{{ vault_restic_password }}"
    destination: /var/backups/
'''

RETURN = r'''
job:
  description: The job of the run.
  returned: always
  type: dict
  contains:
    state:
      description: V(running), V(complete), V(failed), V(lost) (gone without a result) or V(absent) (never started).
      type: str
    bytes:
      description: Bytes moved.
      type: int
    total:
      description: Bytes there are to move; null where that is not known.
      type: int
    seconds:
      description: How long the job has taken.
      type: float
    error:
      description: Why it failed.
      type: str
    manifest:
      description: Path of the manifest, once the images are complete.
      type: str
    log:
      description: Path of its log on the host.
      type: str
progress:
  description: One entry per volume.
  returned: always
  type: list
  elements: dict
  contains:
    object:
      description: Name of the volume.
      type: str
    state:
      description: V(waiting), V(store), V(flush) or V(stored).
      type: str
    percent:
      description: Done, or null where the total is not known.
      type: int
    bytes:
      description: Bytes stored.
      type: int
    total:
      description: Bytes to store, or null.
      type: int
    rate:
      description: Bytes per second over the last ten seconds, or null.
      type: int
    eta:
      description: Seconds left at that rate, or null.
      type: int
in_progress:
  description: Whether the job is running.
  returned: always
  type: bool
commands:
  description: The commands that the job runs. It starts them after this module has ended, so they have no exit code here.
  returned: always
  type: list
  elements: dict
  sample: [{"argv": ["/usr/bin/dd", "if=/dev/md/rdsk/d3", "bs=1048576", "count=1024"], "rc": null, "seconds": null}]
before:
  description: Whether the job was started before.
  returned: state is V(started) or V(stopped)
  type: dict
after:
  description: Whether it is started now, and where the images go.
  returned: state is V(started) or V(stopped)
  type: dict
'''

import os

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _job, _store
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

MEMBER = dict.fromkeys(('volume', 'copy', 'device', 'block_device', 'bytes', 'original', 'filesystem', 'fstype'))
# What must be known of a member to read it.
NEEDED = dict(dd=('volume', 'device', 'bytes'), tar=('volume', 'device'), ufsdump=('volume', 'device', 'original'),
              command=('volume', 'device'))


def backup(context):
    state = context.params['state']
    if state in ('started', 'checked'):
        return Backup(context).started() if state == 'started' else Backup(context).checked()
    return _job.stopped(context) if state == 'stopped' else _job.reported(context)


class Backup:
    """What is to be stored and where, from the run record, or without one from the options."""

    def __init__(self, context):
        params = context.params
        self.context = context
        # Before the split there may be no run yet.
        record = None if params['state'] == 'checked' and params['members'] else context.record
        data = record.data if record else dict(run=params['run'], name='<name>', members=params['members'])
        self.members = [dict(MEMBER, **member) for member in data['members']]
        if not self.members:
            raise Refused('There is no volume to store.', object=params['run'],
                          needed='members in the run record, or in the option members')
        for member in self.members:
            lacking = [key for key in NEEDED[params['method']] if member[key] is None]
            if lacking:
                raise Refused('It is not known how to read volume %s.' % member['volume'], object=member['volume'],
                              needed=', '.join(lacking), found='not in the member')
        data = dict(data, members=self.members)
        volumes = [member['volume'] for member in self.members]
        self.run_directory = os.path.join(params['state_dir'], 'runs', params['run'])
        self.destination = _store.Destination(params['destination'], data['name'], params['run'], volumes)
        method = _store.Method(params['method'], params['command'], params['output'], params['level'], params['update_dumpdates'])
        self.images = _store.plan(data, self.run_directory, self.destination, method)

    def check(self):
        _store.check_destination(self.destination, self.images, self.members, self.context.params['state_dir'], self.context.runner,
                                 probe=not self.context.check)

    def checked(self):
        self.check()
        return dict(_job.report(_job.NOTHING), changed=False)

    def started(self):
        context = self.context
        now = _job.status(context.record) if context.record else _job.NOTHING
        if now['state'] in (_job.RUNNING, _job.COMPLETE):
            shown = dict(started=True, manifest=self.destination.manifest)
            return dict(_job.report(now), changed=False, before=shown, after=shown)
        if context.record:
            _job.refuse_unfinished(context.record, now, context.params['restart'])
        self.check()
        for image in self.images:
            for argv in image['commands']:
                context.runner.plan(argv)
        if not context.check:
            _store.refuse_unsplit(context.record.data)
            _store.check_source(self.images, self.run_directory)
            now = _job.start(context.record, '_store', self.spec(), context.params['environment'], context.params['restart'])
        return dict(_job.report(now), changed=True, before=dict(started=False),
                    after=dict(started=True, manifest=self.destination.manifest))

    def spec(self):
        return dict(images=self.images, directory=self.destination.directory, manifest=self.destination.manifest,
                    recovery=self.destination.recovery, stall=self.context.params['stall'],
                    volumes=[[image['volume'], image['bytes']] for image in self.images])


def main():
    run_module(
        backup,
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            state=dict(type='str', choices=['started', 'stopped', 'read', 'checked'], default='started'),
            method=dict(type='str', choices=['dd', 'tar', 'ufsdump', 'command'], default='dd'),
            command=dict(type='list', elements='str'),
            environment=dict(type='dict', no_log=True),
            output=dict(type='str', choices=['stream', 'none'], default='stream'),
            level=dict(type='int', choices=list(range(10)), default=0),
            update_dumpdates=dict(type='bool', default=False),
            destination=dict(type='path'),
            stall=dict(type='int', default=900),
            restart=dict(type='bool', default=False),
            members=dict(type='list', elements='dict', default=[]),
        ),
        required_if=[('state', 'started', ['destination']),
                     ('state', 'checked', ['destination']),
                     ('method', 'command', ['command'])],
    )


if __name__ == '__main__':
    main()
