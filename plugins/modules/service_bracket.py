#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

DOCUMENTATION = r'''
module: service_bracket
short_description: Stop the services that use a volume while its copy is split, and start them again
version_added: 0.3.0
author: volmgr.snapbackup contributors (@volmgr)
description:
  - Stops services of one host with commands of your own, unmounts their file systems, and brings both back in the reverse order.
  - Only what runs or is mounted is stopped, and only what was stopped is started again.
  - A watchdog on the host brings everything back after O(lease) seconds, whatever has become of the playbook, and at once when the call
    that stops them dies before its end. From then on the bracket does not hold, and no copy that is split later counts on it.
  - Services under a cluster manager are stopped by its own command only; give that as O(services[].stop).
options:
  services:
    description: What is to be stopped, in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: A name of your own for it.
        type: str
        required: true
      stop:
        description: Command that stops it and returns when it is down, as a list of arguments that begins with an absolute path.
        type: list
        elements: str
        required: true
      start:
        description:
          - Command that starts it, likewise.
          - The watchdog on the host runs it too, so it must be harmless when it is run twice.
        type: list
        elements: str
        required: true
      status:
        description:
          - Command that tells whether it runs, likewise. It exits with 0 while it runs and with 1 or 3 while it does not, as C(pgrep) and
            most init scripts do; with anything else nothing is done.
          - Without it the service counts as running, and the exit codes of O(services[].stop) and O(services[].start) are believed.
        type: list
        elements: str
      filesystems:
        description: Mount points that are unmounted once all services are down, and mounted again before they are started.
        type: list
        elements: path
        default: []
      limit:
        description: Seconds that each of its commands may take. Then it is killed.
        type: int
        default: 300
  state:
    description:
      - V(stopped) stops the services and unmounts their file systems.
      - V(started) mounts and starts whatever the run has stopped. It tells whether the bracket has held until then.
    type: str
    choices: [started, stopped]
    required: true
  lease:
    description: Seconds after which the watchdog brings everything back.
    type: int
    default: 900
  not_held:
    description:
      - For O(state=started), other hosts that share the volumes and whose services are not proved to have stood still until now.
      - If there is one, or the services of this host have not stood still, the cut of the run gets the verdict V(torn).
    type: list
    elements: str
    default: []
  run:
    required: true
extends_documentation_fragment:
  - volmgr.snapbackup.attributes
  - volmgr.snapbackup.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: solaris, linux
    support: full
seealso:
  - module: volmgr.snapbackup.filesystem_lock
'''

EXAMPLES = r'''
- name: Stop what writes to /data, and unmount it
  volmgr.snapbackup.service_bracket:
    run: "{{ opened.run }}"
    state: stopped
    services:
      - name: app
        stop: [/etc/init.d/app, stop]
        start: [/etc/init.d/app, start]
        status: [/usr/bin/pgrep, -x, appd]
        filesystems: [/data]
    lease: 900

- name: Bring it back
  volmgr.snapbackup.service_bracket:
    run: "{{ opened.run }}"
    state: started
'''

RETURN = r'''
before:
  description: Whether each service ran (V(unknown) without a status command), and each file system was mounted.
  returned: success
  type: dict
  sample: {app: running, /data: mounted}
after:
  description: The same after the call, or as predicted in check mode.
  returned: success
  type: dict
  sample: {app: stopped, /data: unmounted}
held:
  description:
    - Whether everything has stood still from O(state=stopped) until now.
    - Null for O(state=started) where the run holds nothing on this host.
  returned: success
  type: bool
why:
  description: Why not, or null.
  returned: success
  type: str
  sample: "the watchdog of the service lease has started them: the longest time to hold has passed"
commands:
  description: The state-changing commands, with exit code and seconds (both null in check mode).
  returned: always
  type: list
  elements: dict
  sample: [{argv: [/etc/init.d/app, stop], rc: 0, seconds: 1.2}]
'''

import os
import tempfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform, _quiesce, _services, _split
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._lease import Lease
from ansible_collections.volmgr.snapbackup.plugins.module_utils._module import RUN_OPTIONS, run_module
from ansible_collections.volmgr.snapbackup.plugins.module_utils._process import identity
from ansible_collections.volmgr.snapbackup.plugins.module_utils._services import Bracket

LONGEST_LEASE = 14400


def points_of(services):
    """The mount points of all services, each once."""
    found = []
    for service in services:
        found.extend(point for point in service['filesystems'] if point not in found)
    return found


def refuse_ground(context, points):
    """Refused for file systems without which the host or this collection stands still."""
    own = [context.params['state_dir'], tempfile.gettempdir(), context.module.tmpdir]
    for point in points:
        mounted = _platform.mount_at(point) is not None
        if point in _quiesce.NEVER or mounted and any(_quiesce.same_file_system(point, path) for path in own):
            raise Refused('%s is never unmounted: the host or this run writes to it.' % point, object=point, needed='a data file system',
                          look='df -k %s' % ' '.join(own), remedy='move state_dir, or set ansible_remote_tmp, to another file system')


def stopped(context):
    params, record = context.params, context.record
    services, points = params['services'], points_of(params['services'])
    context.refuse_ended()
    if not 1 <= params['lease'] <= LONGEST_LEASE:
        raise Refused('Services cannot be leased for %d s.' % params['lease'], object='lease', needed='1 to %d s' % LONGEST_LEASE)
    _services.refuse_unfit(services)
    refuse_ground(context, points)
    before = _services.states(context.runner, services, points)
    after = dict((name, _services.UNMOUNTED if name in points else _services.STOPPED) for name in before)
    if _services.entry_of(record):
        refuse_broken(context, record)
        return dict(changed=False, before=after, after=after, held=True, why=None)
    plan = _services.plan_of(services, points, before)
    if context.check:
        for argv in commands_of(plan, services):
            context.runner.plan(argv)
    else:
        hold(context, plan, services)
    return dict(changed=bool(plan['services'] or plan['mounts']), before=before, after=after, held=True, why=None)


def refuse_broken(context, record):
    """Refused unless what this run has stopped before still stands still."""
    bracket = Bracket(record.directory)
    broken = bracket.broken(_platform.boot_identity(context.runner)) or _services.returned(context.runner, bracket.plan())
    if broken:
        raise Refused('The run has stopped the services before, and they have not stood still since.', object=record.run, found=broken,
                      remedy='state started, then a new run')


def commands_of(plan, services):
    """The argument lists of stopping, in their order."""
    wanted = [service['name'] for service in plan['services']]
    return [service['stop'] for service in services if service['name'] in wanted] + [
        _platform.umount_argv(mount.point) for mount in reversed(_services.mounts_of(plan))]


def hold(context, plan, services):
    """Stop everything; whatever goes wrong, it is started again by the watchdog, at the latest when the lease has run out."""
    record = context.record
    bracket = Bracket(record.make_directory())
    boot = _platform.boot_identity(context.runner)
    record.add_undo(dict(plan, by=identity(os.getpid(), boot)))
    try:
        with Lease(context.params['lease'], {_services.KEY: bracket.undo}, bracket.report, 'service lease') as lease:
            bracket.begin(plan, lease.deadline, boot)
            lease.hold(_services.KEY)
            _services.stop(_quiesce.Recorded(lease, context.runner, []), plan, services)
            lease.keep(bracket.marker)
    except Exception:
        if bracket.plan() is None:
            record.clear_undo(_services.UNDO_ID)
        raise
    record.add_undo(plan)


def started(context):
    entry = _services.entry_of(context.record)
    if context.record is None:
        return predicted(context)
    if entry is None:
        return dict(changed=False, before={}, after={}, held=None, why=None)
    _split.refuse_being_split(context.record, [entry])
    bracket, look = Bracket(context.record.directory), context.runner
    names, points = entry['services'], [mount['point'] for mount in entry['mounts']]
    if context.check:
        why = why_not_held(context, bracket)
        before = _services.states(look, names, points)
        for argv in [] if bracket.plan() is None else _services.commands_back(look, entry):
            look.plan(argv)
        return dict(changed=bool(look.commands), before=before, after=brought_back(names, points), held=why is None, why=why)
    with _services.guarded(context.record.directory):
        why = why_not_held(context, bracket)
        if why and context.record.data['verdict']:
            context.record.update(verdict='torn', error='The services have not stood still over all cuts: %s' % why)
        before = _services.states(look, names, points)
        if bracket.plan() is not None:
            _services.bring_back(look, look.change, entry)
            os.unlink(bracket.marker)
    context.record.clear_undo(_services.UNDO_ID)
    after = _services.states(look, names, points)
    return dict(changed=bool(look.commands), before=before, after=after, held=why is None, why=why)


def why_not_held(context, bracket):
    others = context.params['not_held']
    return bracket.broken(_platform.boot_identity(context.runner)) or _services.returned(context.runner, bracket.plan()) or (
        'not proved on %s' % ', '.join(others) if others else None)


def brought_back(services, points):
    """The states once these services run and these file systems are mounted."""
    found = dict((service['name'], _services.RUNNING if service['status'] else _services.UNKNOWN) for service in services)
    return dict(found, **dict.fromkeys(points, _services.MOUNTED))


def predicted(context):
    """What will be brought back of services that check mode has only predicted to be stopped: what is there now."""
    services, points = context.params['services'], points_of(context.params['services'])
    now = _services.states(context.runner, services, points)
    plan = _services.plan_of(services, points, now)
    for argv in [_platform.mount_again_argv(mount) for mount in _services.mounts_of(plan)] + [
            service['start'] for service in reversed(plan['services'])]:
        context.runner.plan(argv)
    there = brought_back(plan['services'], [mount['point'] for mount in plan['mounts']])
    before = dict((name, _services.UNMOUNTED if name in points else _services.STOPPED) for name in now)
    before.update((name, state) for name, state in there.items() if state == _services.UNKNOWN)
    return dict(changed=bool(there), before=before, after=dict(before, **there), held=True, why=None)


def main():
    run_module(
        lambda context: (stopped if context.params['state'] == 'stopped' else started)(context),
        argument_spec=dict(
            RUN_OPTIONS,
            run=dict(type='str', required=True),
            services=dict(type='list', elements='dict', default=[], options=dict(
                name=dict(type='str', required=True),
                stop=dict(type='list', elements='str', required=True),
                start=dict(type='list', elements='str', required=True),
                status=dict(type='list', elements='str'),
                filesystems=dict(type='list', elements='path', default=[]),
                limit=dict(type='int', default=300),
            )),
            state=dict(type='str', choices=['started', 'stopped'], required=True),
            lease=dict(type='int', default=900),
            not_held=dict(type='list', elements='str', default=[]),
        ),
    )


if __name__ == '__main__':
    main()
