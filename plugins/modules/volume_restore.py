#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: volume_restore
short_description: Put stored images back onto volumes
description:
  - Restores images that M(volmgr.snapbackup.volume_backup) has stored, from their manifest.
  - The work is done by a job on the host, as for M(volmgr.snapbackup.volume_backup). It first verifies size and SHA-256 sum of all
    images, as they were stored and as they are when they are decrypted and decompressed, and touches no target before all are right.
    A raw image is read back from the target afterwards and compared.
  - Targets that are mounted, open, read-only or too small are refused, and so is everything that O(confirm) does not name.
version_added: 0.1.0
author: volmgr.snapbackup contributors (@volmgr)
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
  - volmgr.snapbackup.job
options:
  state:
    description:
      - V(started) starts the job, or finds it again.
      - V(stopped) ends the job and all its processes. What it has begun to overwrite stays overwritten in part.
      - V(read) only reports.
      - V(recovered) places the files which the recovery of an application needs (for PostgreSQL the label of the backup and the
        write-ahead log of the cut) into the restored file system, mounted at O(recovery_root).
    type: str
    choices: [started, stopped, read, recovered]
    default: started
  manifest:
    description: Path of the manifest on the host. Needed for O(state=started) and O(state=recovered).
    type: path
  volumes:
    description:
      - What to restore. Needed for O(state=started); for O(state=recovered) it names the one volume.
    type: list
    elements: dict
    suboptions:
      volume:
        description: Name of the volume in the manifest.
        type: str
        required: true
      target:
        description:
          - What is overwritten. For a raw image the raw device of the volume (of an SVM mirror the mirror, never an attached submirror).
          - For a dump or an archive the directory where a new, empty file system is mounted.
        type: path
      bytes:
        description: Size of the target, for character devices that do not tell their end.
        type: int
      require_mount:
        description: Whether a target that is a directory must be a mount point.
        type: bool
        default: true
      devices:
        description: Devices of the volume. A target that is a directory must be where one of them is mounted. Not looked at unless given.
        type: list
        elements: path
        version_added: 0.3.0
  confirm:
    description: The names of exactly the volumes that are overwritten.
    type: list
    elements: str
  restore_command:
    description:
      - For images of O(volmgr.snapbackup.volume_backup#module:method=command), the command that restores one, as a list of arguments.
        The stored stream is its standard input.
      - C({target}), C({volume}) and C({run}) inside an argument are replaced.
    type: list
    elements: str
  tape_device:
    description: The no-rewind device of the drive that the tape is in now. By default that of the manifest.
    version_added: 0.2.0
    type: path
  identity:
    description: Path of a file of secret keys on the host, for images that C(age) has encrypted. C(gpg) takes its own key ring.
    version_added: 0.2.0
    type: path
  last_level:
    description: Whether no dump of a higher level follows, so that C(restoresymtable) is removed.
    type: bool
    default: true
  recovery_root:
    description: Directory where the restored file system is mounted, for O(state=recovered).
    type: path
attributes:
  check_mode:
    support: full
    description: Returns the commands that the job would run. Manifest and images are looked at, targets are not, since a play may
      still have to unmount them.
  diff_mode:
    support: full
    description: Shows which image would go onto which target, and the commands.
  platform:
    support: full
    platforms: solaris, linux
seealso:
  - module: volmgr.snapbackup.volume_backup
  - module: volmgr.snapbackup.wait_progress
'''

EXAMPLES = r'''
- name: Put the raw image of d1 back onto the mirror
  volmgr.snapbackup.volume_restore:
    run: "{{ snapbackup_run }}"
    manifest: /backup/home1/20261120T031500Z-a1b2c3/manifest.json
    volumes:
      - volume: d1
        target: /dev/md/rdsk/d1
    confirm: [d1]

- name: Wait for it
  volmgr.snapbackup.wait_progress:
    module: volmgr.snapbackup.volume_restore
    args:
      run: "{{ snapbackup_run }}"
      state: read

- name: Give PostgreSQL what it needs to recover
  volmgr.snapbackup.volume_restore:
    run: "{{ snapbackup_run }}"
    state: recovered
    manifest: /backup/home1/20261120T031500Z-a1b2c3/manifest.json
    volumes:
      - volume: d1
    recovery_root: /home1
'''

RETURN = r'''
job:
  description: The job of the run, as for M(volmgr.snapbackup.volume_backup).
  returned: state is not V(recovered)
  type: dict
  sample: {"state": "running", "bytes": 1048576, "total": 2097152, "seconds": 1.2, "error": null, "manifest": null, "log": "..."}
progress:
  description: One entry per volume, as for M(volmgr.snapbackup.volume_backup). The states are V(waiting), V(verify), V(verified),
    V(restore), V(flush), V(compare) and V(restored).
  returned: state is not V(recovered)
  type: list
  elements: dict
in_progress:
  description: Whether the job is running.
  returned: state is not V(recovered)
  type: bool
placed:
  description: The files that were placed.
  returned: state is V(recovered)
  type: list
  elements: str
commands:
  description: The commands that the job runs. It starts them after this module has ended, so they have no exit code here.
  returned: always
  type: list
  elements: dict
before:
  description: What was there before.
  returned: state is not V(read)
  type: dict
after:
  description: What is there now, or will be when the job is complete.
  returned: state is not V(read)
  type: dict
'''

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _hold, _job, _manifest, _recovery, _restore
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

VOLUME = dict(volume=dict(type='str', required=True), target=dict(type='path'), bytes=dict(type='int'),
              require_mount=dict(type='bool', default=True), devices=dict(type='list', elements='path'))


def restore(context):
    return {'started': started, 'recovered': recovered, 'stopped': _job.stopped, 'read': _job.reported}[context.params['state']](context)


def started(context):
    params = context.params
    now = _job.status(context.record) if context.record else _job.NOTHING
    if now['state'] in (_job.RUNNING, _job.COMPLETE):
        return dict(_job.report(now), changed=False, before=dict(started=True), after=dict(started=True))
    if context.record:
        _job.refuse_unfinished(context.record, now, params['restart'])
    manifest = _manifest.read(params['manifest'])
    steps = plan(params, manifest)
    _restore.refuse_unconfirmed(manifest, steps, params['confirm'])
    _restore.check_images(steps)
    if not context.check:
        refuse_backup(context.record.data)
        with _hold.held(params['state_dir'], _restore.drive(steps), dict(kind='check', run=params['run'], name='')):
            _restore.tapes_of(context.runner, steps)
        _restore.check_targets(steps, context.runner)
    for step in steps:
        for argv in step['unpack'] + [step['argv']]:
            context.runner.plan(argv)
    if not context.check:
        now = _job.start(context.record, '_restore', spec(params, steps), params['environment'], params['restart'])
    return dict(_job.report(now), changed=True, before=dict(started=False), after=dict(
        started=True, restored=dict((step['target'], 'image of %s, run %s' % (step['volume'], manifest['run'])) for step in steps)))


def refuse_backup(record):
    """A run has one direction. record: its data."""
    if record['kind'] != 'restore' or record['closed'] is not None:
        raise Refused('Run %s restores nothing.' % record['run'], object=record['run'], needed='an open run of kind restore',
                      found='%s run of kind %s' % ('an open' if record['closed'] is None else 'a closed', record['kind']),
                      remedy='open one (module backup_run, kind restore)')


def plan(params, manifest):
    """The steps of the job; Refused without a target for every volume."""
    for volume in params['volumes']:
        if not volume['target']:
            raise Refused('It is not said what the image of %s goes onto.' % volume['volume'], object=volume['volume'],
                          needed='option target of the volume')
    return _restore.plan(params['manifest'], manifest, params['volumes'], params['restore_command'], params['run'],
                         params['tape_device'], params['identity'])


def spec(params, steps):
    return dict(steps=steps, manifest=params['manifest'], last_level=params['last_level'], stall=params['stall'],
                volumes=[[step['volume'], step['bytes']] for step in steps])


def recovered(context):
    params = context.params
    if len(params['volumes']) != 1:
        raise Refused('Recovery files are placed for one volume at a time.', found='%d volumes' % len(params['volumes']))
    manifest = _manifest.read(params['manifest'])
    sets = _recovery.recovery_of(params['manifest'], manifest, params['volumes'][0]['volume'])
    todo, before = [], []
    # Without the restored file system, which check mode only predicts, everything is still to be placed.
    if context.check:
        todo = [item['place'] for entry in sets for item in entry['files']]
    else:
        for placement in _recovery.placements(params['manifest'], sets, params['recovery_root']):
            (before if _recovery.is_placed(placement) else todo).append(placement[1])
            if placement[1] in todo:
                _recovery.place(placement)
    return dict(changed=bool(todo), placed=todo, before=dict(placed=before), after=dict(placed=sorted(before + todo)))


def main():
    run_module(
        restore,
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            state=dict(type='str', choices=['started', 'stopped', 'read', 'recovered'], default='started'),
            manifest=dict(type='path'),
            volumes=dict(type='list', elements='dict', options=VOLUME),
            confirm=dict(type='list', elements='str'),
            restore_command=dict(type='list', elements='str'),
            tape_device=dict(type='path'),
            identity=dict(type='path'),
            last_level=dict(type='bool', default=True),
            recovery_root=dict(type='path'),
            **_job.OPTIONS
        ),
        required_if=[('state', 'started', ['manifest', 'volumes', 'confirm']),
                     ('state', 'recovered', ['manifest', 'volumes', 'recovery_root'])],
    )


if __name__ == '__main__':
    main()
