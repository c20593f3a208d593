# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The copy job as a real process, and what becomes of it when it is killed, stopped, starved or lied to."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json
import os
import resource
import signal
import sys
import threading
import zipfile

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _job, _manifest, _process, _run, _worker
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

pytestmark = pytest.mark.slow

# Writes for ever, a little at a time, and says first that it has begun.
ENDLESS = [sys.executable, '-u', '-c', 'import os, time\nwhile True:\n    os.write(1, b"x" * 1000); time.sleep(0.01)']


def spec_of(record):
    return _files.read_json(os.path.join(_job.directory_of(record), 'spec.json'))


def running(host, **more):
    """A record whose job streams without an end."""
    record = host.record()
    host.store(record, method='command', argv=ENDLESS, **more)
    host.wait_for(lambda: _job.status(record), lambda now: now['bytes'] > 0 and now['state'] == _job.RUNNING)
    return record


def test_a_job_stores_every_byte_and_says_so_last(host):
    record = host.record(host.volume('d1'), host.volume('d2', 512), host.volume('d3', 2 * 1024 * 1024))
    first = host.store(record)
    now = host.ended(record)
    assert first['state'] in (_job.RUNNING, _job.COMPLETE) and now['state'] == _job.COMPLETE, now
    manifest = _manifest.read(now['manifest'])
    for member in record.data['members']:
        image = _manifest.image_of(manifest, member['volume'])
        stored = _manifest.file_of(now['manifest'], image)
        assert host.sha256(stored) == host.sha256(member['device']) == image['sha256']
        assert image['bytes'] == image['volume_bytes'] == os.path.getsize(stored) == member['bytes']
    assert now['manifest'] == os.path.join(host.backup, 'home1', record.run, 'manifest.json')
    assert now['bytes'] == now['total'] == sum(member['bytes'] for member in record.data['members'])
    assert [(row['object'], row['state'], row['percent']) for row in now['progress']] == [
        (name, 'stored', 100) for name in ('d1', 'd2', 'd3')]
    assert sorted(os.listdir(os.path.dirname(now['manifest']))) == ['d1.img', 'd2.img', 'd3.img', 'manifest.json']
    data = _run.load(host.state, record.run).data
    assert data['image'] == now['manifest'] and data['result'] is None
    assert data['job']['pid'] == spec_of(record)['process']['pid']


def test_a_complete_job_is_found_again(host):
    record = host.record()
    host.store(record)
    before = host.ended(record)
    written = os.stat(before['manifest']).st_mtime
    assert host.store(record) == before
    assert os.stat(before['manifest']).st_mtime == written


def test_a_running_job_is_found_again(host):
    record = running(host)
    process = spec_of(record)['process']
    assert host.store(record, method='command', argv=ENDLESS)['state'] == _job.RUNNING
    assert spec_of(record)['process'] == process and _process.alive(process)


def test_two_that_start_at_once_get_one_job(host):
    record = host.record()
    spec = host.spec(record, method='command', argv=ENDLESS)
    starters = []
    for dummy in range(3):
        child = os.fork()
        if not child:
            status = 1
            try:
                status = 0 if _job.start(record, '_store', spec)['state'] == _job.RUNNING else 1
            finally:
                os._exit(status)
        starters.append(child)
    assert [os.waitpid(child, 0)[1] for child in starters] == [0, 0, 0]
    # Until it has become its tool, the job's own child looks like a second job.
    host.wait_for(lambda: _job.status(record), lambda now: now['bytes'] > 0)
    programs = [pid for pid in os.listdir('/proc') if pid.isdigit() and _job.directory_of(record).encode() in command_line(pid)]
    assert programs == [str(spec_of(record)['process']['pid'])]


def command_line(pid):
    try:
        with open('/proc/%s/cmdline' % pid, 'rb') as source:
            return source.read()
    except (IOError, OSError):
        return b''


def test_a_second_program_leaves_the_running_one_alone(host):
    record = running(host)
    path = os.path.join(_job.directory_of(record), 'spec.json')
    before = spec_of(record)
    child = os.fork()
    if not child:
        os._exit(_worker.main(path, None))
    assert os.waitpid(child, 0)[1] >> 8 == 1
    assert _job.status(record)['state'] == _job.RUNNING
    assert spec_of(record)['process'] == before['process']


def test_a_job_without_a_start_is_absent(host):
    assert _job.status(host.record())['state'] == _job.ABSENT
    assert not _job.stop(host.records[0])


def test_a_killed_job_is_lost_and_its_tool_ends_before_the_next_one_begins(host):
    record = running(host)
    process = spec_of(record)['process']
    host.wait_for(lambda: child_of(record), bool)
    child = child_of(record)
    os.kill(child['pid'], signal.SIGSTOP)
    os.kill(process['pid'], signal.SIGKILL)
    now = host.wait_for(lambda: _job.status(record), lambda now: now['state'] == _job.LOST)
    assert 'process %d is gone' % process['pid'] in now['error']
    with pytest.raises(Refused) as caught:
        host.store(record)
    assert 'restart=true' in str(caught.value)
    assert _process.alive(child)
    host.store(record, restart=True)
    assert not _process.alive(child)
    assert host.ended(record)['state'] == _job.COMPLETE


def child_of(record):
    return (_files.read_json(os.path.join(_job.directory_of(record), 'progress.json')) or {}).get('children', [None])[0]


def test_a_job_of_another_boot_is_lost(host):
    record = running(host)
    path = os.path.join(_job.directory_of(record), 'spec.json')
    spec = spec_of(record)
    _files.write_json(path, dict(spec, process=dict(spec['process'], boot='an earlier one')))
    assert _job.status(record)['state'] == _job.LOST
    _files.write_json(path, spec)


def test_half_a_progress_file_is_no_progress(host):
    record = running(host)
    os.kill(spec_of(record)['process']['pid'], signal.SIGKILL)
    host.ended(record)
    with open(os.path.join(_job.directory_of(record), 'progress.json'), 'w') as target:
        target.write('{"bytes": 1')
    assert _job.status(record)['state'] == _job.LOST


def test_stopping_ends_the_job_and_its_tools(host):
    record = running(host)
    process, child = spec_of(record)['process'], host.wait_for(lambda: child_of(record), bool)
    assert _job.stop(record)
    assert not _process.alive(process) and not _process.alive(child)
    now = _job.status(record)
    assert now['state'] == _job.FAILED and 'stopped' in now['error']
    assert not _job.stop(record)


def test_a_job_can_be_stopped_as_soon_as_it_is_known(host):
    for number in range(5):
        record = host.record(name='set%d' % number, *[host.volume('d%d' % number, 512)])
        host.store(record, method='command', argv=ENDLESS)
        _job.stop(record)
        assert 'stopped' in _job.status(record)['error']


def test_stopping_a_lost_job_ends_the_tool_that_is_left(host):
    record = running(host)
    child = host.wait_for(lambda: child_of(record), bool)
    os.kill(child['pid'], signal.SIGSTOP)
    os.kill(spec_of(record)['process']['pid'], signal.SIGKILL)
    host.wait_for(lambda: _job.status(record)['state'], lambda state: state == _job.LOST)
    assert _job.stop(record)
    assert not _process.alive(child)


def test_a_job_that_does_not_answer_is_killed(host, monkeypatch):
    monkeypatch.setattr(_job, 'STOP_WAIT', 0.2)
    record = running(host)
    process = spec_of(record)['process']
    os.kill(process['pid'], signal.SIGSTOP)
    assert _job.stop(record)
    assert not _process.alive(process)


def test_secrets_reach_the_tool_and_nothing_else(host):
    record = host.record()
    secret = 'correct horse battery staple'
    show = [sys.executable, '-c', 'import os, sys, time; sys.stdout.write(os.environ["PASSWORD"]); sys.stdout.flush(); time.sleep(1.5)']
    host.store(record, environment={'PASSWORD': secret}, method='command', argv=show)
    process = spec_of(record)['process']
    seen = command_line(process['pid'])
    with open('/proc/%d/environ' % process['pid'], 'rb') as source:
        seen += source.read()
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE
    image = os.path.join(host.backup, 'home1', record.run, 'd1.stream')
    assert open(image).read() == secret
    assert b'job.zip' in seen and secret.encode() not in seen
    assert secret not in json.dumps(now)
    for directory in (host.state, host.backup):
        for base, dummy, names in os.walk(directory):
            for path in [os.path.join(base, name) for name in names]:
                assert path == image or secret.encode() not in open(path, 'rb').read(), path


def test_secrets_do_not_stay_when_the_job_does_not_begin(host, monkeypatch):
    monkeypatch.setattr(_job, 'START_WAIT', 0.5)
    monkeypatch.setattr(sys, 'executable', '/bin/false')
    record = host.record()
    with pytest.raises(Refused) as caught:
        host.store(record, environment={'PASSWORD': 'correct horse'})
    assert 'did not begin' in str(caught.value)
    assert spec_of(record)['environment'] == {}
    assert _job.status(record)['state'] == _job.ABSENT


def test_only_the_owner_can_read_what_to_do(host):
    record = running(host)
    for name in ('spec.json', 'log'):
        assert os.stat(os.path.join(_job.directory_of(record), name)).st_mode & 0o077 == 0


def test_the_program_needs_nothing_of_ansible(host):
    record = host.record()
    host.store(record)
    host.ended(record)
    names = zipfile.ZipFile(os.path.join(_job.directory_of(record), 'job.zip')).namelist()
    assert '__main__.py' in names and not [name for name in names if name.endswith('/_module.py')]


def test_a_tool_that_stalls_is_killed(host):
    record = host.record()
    quiet = [sys.executable, '-c', 'import sys, time; sys.stdout.write("a"); sys.stdout.flush(); time.sleep(60)']
    host.store(record, method='command', argv=quiet, stall=1)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'moved no byte for 1 s' in now['error']


def test_a_tool_that_moves_something_now_and_then_does_not_stall(host):
    record = host.record()
    # A shell, since it begins to write at once.
    slow = ['/bin/sh', '-c', 'for i in 1 2 3 4 5 6 7; do printf x; sleep 0.6; done']
    host.store(record, method='command', argv=slow, stall=3)
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE and now['bytes'] == 7


def test_a_full_destination_is_told_and_nothing_of_the_image_stays(host):
    record = host.record()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, hard))
    try:
        host.store(record)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'cannot be written' in now['error'] and 'File too large' in now['error']
    assert os.listdir(host.backup) == []


def test_a_job_renews_the_deadline_of_its_run(host):
    record = host.record()
    record.update(deadline=0)
    quiet = [sys.executable, '-c', 'import time; time.sleep(60)']
    host.store(record, method='command', argv=quiet)
    job = _worker.Job(_job.directory_of(record), spec_of(record), {})
    job.phase('d1', 'store')
    job._renewed -= _worker.RENEW_EVERY + 1
    job.tick()
    assert _run.load(host.state, record.run).data['deadline'] > 0


def test_what_a_tick_cannot_do_does_not_end_the_job(host, capfd):
    record = host.record()
    host.store(record)
    host.ended(record)
    job = _worker.Job(_job.directory_of(record), spec_of(record), {})
    job.directory = host.path('nowhere')
    job.tick()
    assert 'nowhere' in capfd.readouterr().err


def test_the_text_of_a_spec_is_native():
    value = json.loads('{"argv": ["dd", "if=/dev/\\u00e4", 1, null, {"k": "v"}]}')
    words = _files.native(value)['argv']
    assert [type(word) for word in words] == [str, str, int, type(None), dict]
    assert words[1] == 'if=/dev/\xc3\xa4' if str is bytes else 'if=/dev/\xe4'


class Clock:
    now = 1000.0


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(_worker, 'monotonic', lambda: Clock.now)
    monkeypatch.setattr(Clock, 'now', 1000.0)
    return Clock


def test_a_gauge_tells_rate_and_time_left(clock):
    gauge = _worker.Gauge('d1')
    gauge.begin('store', 1000)
    for dummy in range(5):
        clock.now += 1
        gauge.count(100)
    assert gauge.row() == dict(object='d1', state='store', bytes=500, total=1000, percent=50, rate=100, eta=5)


def test_the_rate_is_that_of_the_last_seconds(clock):
    gauge = _worker.Gauge('d1', None)
    gauge.begin('store', 10000)
    for size in [1000] * 5 + [10] * 20:
        clock.now += 1
        gauge.count(size)
        row = gauge.row()
    assert row['rate'] == 10 and row['eta'] == (10000 - 5200) / 10


def test_a_gauge_invents_no_figure(clock):
    gauge = _worker.Gauge('d1')
    assert gauge.row() == dict(object='d1', state='waiting', bytes=0, total=None, percent=None, rate=None, eta=None)
    gauge.begin('store')
    clock.now += 1
    gauge.count(100)
    row = gauge.row()
    assert (row['percent'], row['eta'], row['rate']) == (None, None, 100)
    # More than the estimate that served as total: then there is no total.
    gauge.begin('store', 50)
    gauge.count(100)
    row = gauge.row()
    assert (row['total'], row['percent'], row['eta']) == (None, None, None)


def test_two_threads_can_publish_at_once(host):
    record = host.record()
    host.store(record)
    host.ended(record)
    job = _worker.Job(_job.directory_of(record), spec_of(record), {})
    failures = []

    def publish():
        try:
            for dummy in range(200):
                job.publish()
        except Exception as error:
            failures.append(error)
    threads = [threading.Thread(target=publish) for dummy in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
