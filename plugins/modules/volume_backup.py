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
  - volmgr.snapbackup.job
options:
  state:
    description:
      - V(started) starts the job. A repeated play finds a running job again; if it is complete, nothing is done.
      - V(stopped) ends the job and all its processes, and waits until they are gone.
      - V(read) only reports.
      - V(checked) only looks whether the images could be stored, with the same checks that V(started) makes. It is meant to be used
        before the copies are split.
      - V(confirmed) makes the images complete that a host has stored of the copies of another, once that has proved that they still are
        the ones that were split. Elsewhere images are complete by themselves.
    type: str
    choices: [started, stopped, read, checked, confirmed]
    default: started
  method:
    description:
      - How the copy is read.
      - V(dd) reads the device, exactly as many bytes as the volume has.
      - V(tar) archives the files of the mounted snapshot. What an archive can hold is up to the C(tar) of the host.
      - V(ufsdump) dumps a UFS from the device. The dump carries the name of the mirror.
      - V(vxdump) and V(sfxdump) do the same for a VxFS or a GFS Local file system; level 0 only.
      - V(command) runs a command of your own, see O(command).
    type: str
    choices: [dd, tar, sfxdump, ufsdump, vxdump, command]
    default: dd
  command:
    description:
      - The command of O(method=command), as a list of arguments. It is run without a shell, once for each volume.
      - C({device}), C({path}), C({volume}) and C({run}) inside an argument are replaced by the device of the copy, the directory where
        the snapshot is mounted, the name of the volume and the id of the run.
    type: list
    elements: str
  output:
    description:
      - What the output of O(command) is.
      - V(stream) is the image, which is stored and hashed here.
      - V(none) means that the command stores by itself. Its exit code decides; size and sum are not known then.
    type: str
    choices: [stream, none]
    default: stream
  level:
    description:
      - Level of a dump, for O(method=ufsdump). One above 0 builds on the last dump of a lower level in C(/etc/dumpdates).
      - That must be one which a run of this host has stored with O(update_dumpdates), and whose manifest is still there.
    type: int
    choices: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    default: 0
  update_dumpdates:
    description: Whether a dump is entered in C(/etc/dumpdates) when it is complete, so that dumps of a higher level can build on it.
    type: bool
    default: false
  destination:
    description:
      - An existing directory. The images go to C(<destination>/<name of the set>/<run>/).
      - With O(tape) the no-rewind device of a tape drive, such as C(/dev/rmt/0n) or C(/dev/nst0).
      - Any other path is the file for the image of the only volume; its manifest is beside it, with C(.manifest.json) added.
      - Needed for O(state=started) and O(state=checked).
    type: path
  streams:
    description:
      - How many volumes are stored at the same time. When one fails, the others are ended.
      - A tape takes one at a time.
    version_added: 0.2.0
    type: int
    default: 1
  compression:
    description: Compress the images with this tool of the host.
    version_added: 0.2.0
    type: str
    choices: [gzip, zstd]
  compression_level:
    description:
      - Level of the compression. The default is a fast one, since the copy stays split as long as it takes; 1 of C(gzip), 3 of C(zstd).
    version_added: 0.2.0
    type: int
  compression_threads:
    description: Threads of O(compression=zstd). Each takes a processor from the applications.
    version_added: 0.2.0
    type: int
    default: 1
  encryption:
    description: Encrypt the images, after the compression, with this tool of the host and the public keys in O(recipients).
    version_added: 0.2.0
    type: str
    choices: [age, gpg]
  recipients:
    description: Path of a file of public keys on the host, as V(age --recipients-file) or V(gpg --recipient-file) takes it.
    version_added: 0.2.0
    type: path
  tape:
    description:
      - What to do with the tape in the drive O(destination). The images become the next files of the tape, one per volume.
      - A tape that does not carry O(tape.label) is not written to. M(volmgr.snapbackup.tape_label) writes a label.
    version_added: 0.2.0
    type: dict
    suboptions:
      label:
        description: The label that the tape must carry.
        type: str
        required: true
      position:
        description:
          - V(append) writes behind the last file of the tape.
          - V(start) writes behind the label, which is renewed. All images on the tape are lost then.
        type: str
        choices: [append, start]
        required: true
      manifests:
        description:
          - An existing directory on a disk. The manifest goes to C(<manifests>/<name of the set>/<run>/), with what recovery needs.
        type: path
        required: true
      block:
        description: Bytes of a block on the tape. The last block of an image is filled up with zeros.
        type: int
        default: 32768
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
  - module: volmgr.snapbackup.tape_label
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

- name: Store compressed images behind the last file of a tape
  volmgr.snapbackup.volume_backup:
    run: "{{ snapbackup_run }}"
    destination: /dev/rmt/0n
    compression: gzip
    tape:
      label: HOME-07
      position: append
      manifests: /var/backups/manifests

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

from ansible_collections.volmgr.snapbackup.plugins.module_utils import (
    _destination, _filters, _hold, _job, _methods, _store, _tape)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module

MEMBER = dict.fromkeys(('volume', 'copy', 'device', 'block_device', 'bytes', 'original', 'filesystem', 'fstype'))
TAPE = dict(label=dict(type='str', required=True), position=dict(type='str', choices=['append', 'start'], required=True),
            manifests=dict(type='path', required=True), block=dict(type='int', default=_tape.BLOCK))


def backup(context):
    state = context.params['state']
    if state in ('started', 'checked'):
        return Backup(context).started() if state == 'started' else Backup(context).checked()
    if state == 'confirmed':
        return confirmed(context)
    return _job.stopped(context) if state == 'stopped' else _job.reported(context)


def confirmed(context):
    """Make whole images complete. Refused while they are not whole."""
    record = context.record
    if record is None or record.data['image']:
        return dict(_job.report(_job.status(record) if record else _job.NOTHING), changed=record is None)
    context.refuse_ended()
    now = _job.status(record)
    if now['state'] != _job.COMPLETE:
        raise Refused('The images of run %s cannot be confirmed.' % record.run, object=record.run, found='job %s' % now['state'],
                      needed='a job that has stored them whole', vendor=now['error'], look='the log %s' % now['log'])
    if not context.check:
        _store.confirm(record, now['manifest'])
    return dict(_job.report(now), changed=True, before=dict(complete=False), after=dict(complete=True))


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
            lacking = [key for key in _methods.NEEDED[params['method']] if member[key] is None]
            if lacking:
                raise Refused('It is not known how to read volume %s.' % member['volume'], object=member['volume'],
                              needed=', '.join(lacking), found='not in the member')
        refuse_odd_numbers(params)
        data = dict(data, members=self.members)
        volumes = [member['volume'] for member in self.members]
        tape = _destination.Tape(**params['tape']) if params['tape'] else None
        self.destination = _destination.Destination(params['destination'], data['name'], params['run'], volumes, tape)
        method = _methods.Method(params['method'], params['command'], params['output'], params['level'], params['update_dumpdates'])
        packing = _filters.Packing(params['compression'], params['compression_level'], params['compression_threads'],
                                   params['encryption'], params['recipients'])
        self.images = _store.plan(data, params['state_dir'], self.destination, method, packing)

    def check(self):
        context, destination = self.context, self.destination
        _destination.check_destination(destination, self.images, self.members, context.params['state_dir'], context.runner,
                                       probe=not context.check)
        if context.check:
            return
        with _hold.held(context.params['state_dir'], destination.exclusive, dict(kind='check', run=context.params['run'], name='')):
            if destination.tape:
                tape = _tape.Tape(destination.given, context.runner, **_tape.tools())
                tape.check(destination.tape.label)
                tape.refuse_protected()

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
            for argv in image['commands'] + image['pack']:
                context.runner.plan(argv)
        if not context.check:
            _store.refuse_unsplit(context.record.data)
            _store.check_source(self.images, context.record.directory)
            now = _job.start(context.record, '_store', self.spec(), context.params['environment'], context.params['restart'])
        return dict(_job.report(now), changed=True, before=dict(started=False),
                    after=dict(started=True, manifest=self.destination.manifest))

    def spec(self):
        params = self.context.params
        return dict(self.destination.spec(), images=self.images, stall=params['stall'], streams=params['streams'],
                    volumes=[[image['volume'], image['bytes']] for image in self.images])


def refuse_odd_numbers(params):
    block = params['tape']['block'] if params['tape'] else _tape.BLOCK
    if block % _methods.SECTOR or not _methods.SECTOR <= block <= _tape.LARGEST:
        raise Refused('No tape has blocks of %d bytes.' % block, object='block', needed='a multiple of %d up to %d' % (
            _methods.SECTOR, _tape.LARGEST))
    if params['streams'] < 1 or (params['tape'] and params['streams'] > 1):
        raise Refused('%d volumes cannot be stored at the same time.' % params['streams'], object='streams',
                      needed='1 on a tape' if params['tape'] else 'at least 1')


def main():
    run_module(
        backup,
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            state=dict(type='str', choices=['started', 'stopped', 'read', 'checked', 'confirmed'], default='started'),
            method=dict(type='str', choices=list(_methods.NAMES), default='dd'),
            command=dict(type='list', elements='str'),
            output=dict(type='str', choices=['stream', 'none'], default='stream'),
            level=dict(type='int', choices=list(range(10)), default=0),
            update_dumpdates=dict(type='bool', default=False),
            destination=dict(type='path'),
            streams=dict(type='int', default=1),
            compression=dict(type='str', choices=sorted(_filters.COMPRESSIONS)),
            compression_level=dict(type='int'),
            compression_threads=dict(type='int', default=1),
            encryption=dict(type='str', choices=sorted(_filters.ENCRYPTIONS)),
            recipients=dict(type='path'),
            tape=dict(type='dict', options=TAPE),
            members=dict(type='list', elements='dict', default=[]),
            **_job.OPTIONS
        ),
        required_if=[('state', 'started', ['destination']),
                     ('state', 'checked', ['destination']),
                     ('method', 'command', ['command'])],
        required_by=dict(encryption=['recipients'], compression_level=['compression']),
    )


if __name__ == '__main__':
    main()
