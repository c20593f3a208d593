# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Services that stand still around a cut, and file systems that are unmounted meanwhile: the outer bracket of one host.

What is to be mounted and started again is the plan. It is the undo entry in the run record, and in the marker that the watchdog of the
service lease guards: whoever takes the marker away has mounted and started everything. Both do that under one lock, so a play that comes
back just when the lease runs out and the watchdog never start a service at the same time.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import contextlib
import fcntl
import os
import time

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused

UNDO_ID = 'service_bracket'
KEY = 'services'
MARKER, REPORT, GUARD = 'services.json', 'services-watchdog.json', 'services.lock'
RUNNING, STOPPED, UNKNOWN = 'running', 'stopped', 'unknown'
MOUNTED, UNMOUNTED = 'mounted', 'unmounted'
# What a status command exits with: lsb(8) and pgrep(1) agree on these; every other code says that it could not tell.
STATES = {0: RUNNING, 1: STOPPED, 3: STOPPED}
STATUS_LIMIT = 60
MOUNT_LIMIT = 120
PAUSE = 0.2


def state_of(run, service):
    """RUNNING or STOPPED, as the status command of a service says; UNKNOWN where it has none. run(argv, limit) -> Result"""
    if not service['status']:
        return UNKNOWN
    result = run(service['status'], STATUS_LIMIT)
    if result.rc not in STATES:
        raise CommandFailed(result, 'It is not known whether %s runs.' % service['name'], object=service['name'],
                            found='exit code %s' % result.rc, needed='0 while it runs, 1 or 3 while it does not')
    return STATES[result.rc]


def states(run, services, points):
    """{service or mount point: its state}"""
    found = dict((service['name'], state_of(run, service)) for service in services)
    found.update((point, MOUNTED if _platform.mount_at(point) else UNMOUNTED) for point in points)
    return found


def plan_of(services, points, found):
    """The plan: the services that are to be stopped and the mounts that are to be taken away, those that are not there left out."""
    here = [mount for mount in _platform.mounts() if mount.point in points and _platform.mount_at(mount.point) == mount]
    kept = ('name', 'start', 'status', 'limit')
    return {'id': UNDO_ID, 'action': 'started', 'mounts': [dict(mount._asdict()) for mount in here],
            'services': [dict((key, service[key]) for key in kept) for service in services if found[service['name']] != STOPPED]}


def mounts_of(plan):
    """The Mounts of a plan, in the order of mounting."""
    return [_platform.Mount(*[mount[key] for key in _platform.Mount._fields]) for mount in plan['mounts']]


def entry_of(record):
    """The plan of what a run holds stopped on this host, or None."""
    found = [entry for entry in record.data['undo'] if entry['id'] == UNDO_ID] if record else []
    return found[0] if found else None


def away(record):
    """The Mounts that the run has taken away, and will bring back."""
    entry = entry_of(record)
    return mounts_of(entry) if entry else []


def named(entries):
    """The mount points that option quiesce says are unmounted around the cut."""
    return [point for entry in entries for point in entry.get('filesystems') or []]


@contextlib.contextmanager
def guarded(directory):
    """Hold the lock under which services are started again. The kernel gives it back however its holder ends."""
    with open(os.path.join(directory, GUARD), 'a') as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        yield


class Bracket:
    """What a run holds stopped, by the files in its directory."""

    def __init__(self, directory):
        self.directory = directory
        self.marker = os.path.join(directory, MARKER)
        self.report = os.path.join(directory, REPORT)

    def begin(self, plan, deadline, boot):
        """Write down what the watchdog will bring back; from then on the bracket holds."""
        if os.path.exists(self.report):
            os.unlink(self.report)
        _files.write_json(self.marker, dict(plan, deadline=deadline, boot=boot))

    def plan(self):
        """What is to be brought back, or None where everything is."""
        return _files.read_json(self.marker)

    def broken(self, boot):
        """Why the services may not have stood still until now, as a sentence, or None."""
        plan, report = self.plan(), _files.read_json(self.report)
        if report:
            return 'the watchdog of the service lease has started them: %s' % report['reason']
        if plan is None:
            return 'they were started again'
        if plan['boot'] != boot:
            return 'the host was booted meanwhile'
        return 'the service lease ran out' if _platform.monotonic() >= plan['deadline'] else None

    def undo(self, run):
        """What the watchdog does in the place of the module."""
        with guarded(self.directory):
            plan = self.plan()
            if plan is not None:
                bring_back(run, run, plan)
                os.unlink(self.marker)
        return True


def stop(lease, plan, services):
    """Stop the services of the plan, then unmount its file systems, each verified. lease: runs commands in the watchdog (Recorded)."""
    wanted = [service['name'] for service in plan['services']]
    for service in [service for service in services if service['name'] in wanted]:
        result = lease.do('stop', service['stop'], limit=service['limit'])
        state = state_of(lambda argv, limit: lease.look(argv), service)
        # Without a status command the exit code is all there is.
        if state == RUNNING or state == UNKNOWN and result.rc != 0:
            raise CommandFailed(result, '%s could not be stopped.' % service['name'], object=service['name'], found=state, needed=STOPPED)
    for mount in reversed(mounts_of(plan)):
        result = lease.do('unmount', _platform.umount_argv(mount.point), limit=MOUNT_LIMIT)
        if _platform.mount_at(mount.point):
            raise CommandFailed(result, '%s could not be unmounted.' % mount.point, object=mount.point, found=MOUNTED, needed=UNMOUNTED,
                                look='fuser -c %s' % mount.point, remedy='name what uses it in services')


def bring_back(look, change, plan):
    """Mount, then start what the plan names, as far as it is not there; Refused unless all of it is then.

    A service is never started on a mount point that is empty.
    """
    for mount in mounts_of(plan):
        if _platform.mount_at(mount.point) is None:
            result = change(_platform.mount_again_argv(mount), MOUNT_LIMIT)
            found = _platform.mount_at(mount.point)
            if found is None or found.device != mount.device:
                raise CommandFailed(result, '%s could not be mounted again.' % mount.device, object=mount.point, found='not mounted',
                                    look='mount')
    for service in reversed(plan['services']):
        if state_of(look, service) != RUNNING:
            start(look, change, service)


def start(look, change, service):
    result = change(service['start'], service['limit'])
    state = state_of(look, service)
    limit = _platform.monotonic() + service['limit']
    while state == STOPPED and result.rc == 0 and _platform.monotonic() < limit:
        # It may answer only when it has come up.
        time.sleep(PAUSE)
        state = state_of(look, service)
    if state == STOPPED or state == UNKNOWN and result.rc != 0:
        raise CommandFailed(result, '%s could not be started.' % service['name'], object=service['name'], found=state, needed=RUNNING)


def returned(look, plan):
    """Why what the plan names has not stood still, as a sentence, or None: what somebody else has started or mounted."""
    back = [service['name'] for service in plan['services'] if state_of(look, service) == RUNNING]
    back += [mount.point for mount in mounts_of(plan) if _platform.mount_at(mount.point)]
    return 'somebody else has started or mounted %s' % ', '.join(back) if back else None


def commands_back(look, plan):
    """The argument lists of bring_back() now, for check mode."""
    again = [_platform.mount_again_argv(mount) for mount in mounts_of(plan) if _platform.mount_at(mount.point) is None]
    return again + [service['start'] for service in reversed(plan['services']) if state_of(look, service) != RUNNING]


def refuse_unfit(services):
    """Refused unless every service can be stopped, started and told from the others."""
    names = [service['name'] for service in services]
    for service in services:
        if names.count(service['name']) > 1 or service['name'].startswith('/') or not service['name']:
            raise Refused('%r does not name one service.' % service['name'], object='services', needed='a name of its own for each')
        if not 1 <= service['limit'] <= 3600:
            raise Refused('%s cannot be waited for %d s.' % (service['name'], service['limit']), object=service['name'],
                          needed='1 to 3600 s')
        for key in ('stop', 'start', 'status'):
            argv = service[key]
            runs = argv and os.path.isabs(argv[0]) and os.access(argv[0], os.X_OK) and not os.path.isdir(argv[0])
            if not runs and (argv or key != 'status'):
                raise Refused('%s needs in %s a command that can be run.' % (service['name'], key), object=service['name'],
                              found=' '.join(argv or []) or 'nothing', needed='the absolute path of an executable, then its arguments')
