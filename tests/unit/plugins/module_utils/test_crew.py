# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import threading
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _crew, _files, _job, _manifest, _worker
from ansible_collections.volmgr.snapbackup.plugins.module_utils._worker import Stopped


def never():
    raise AssertionError('nobody was to be stopped')


@pytest.mark.parametrize('limit', [1, 2, 5, 50])
def test_results_come_in_the_order_of_the_items(limit):
    assert _crew.each(list(range(20)), lambda item: item * item, limit, never) == [item * item for item in range(20)]
    assert _crew.each([], never, limit, never) == []


def test_no_more_than_the_limit_work_at_once():
    lock, now, most = threading.Lock(), [0], [0]
    meeting = threading.Event()

    def work(dummy):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
            if now[0] == 3:
                meeting.set()
        assert meeting.wait(20)
        with lock:
            now[0] -= 1
    _crew.each(list(range(9)), work, 3, never)
    assert most == [3]


def test_the_first_error_stops_the_others_and_nothing_more_is_begun():
    stopped, begun = threading.Event(), []

    def work(item):
        begun.append(item)
        if item == 1:
            raise ValueError('the first')
        assert stopped.wait(20)
        raise ValueError('killed')
    with pytest.raises(ValueError) as caught:
        _crew.each([0, 1, 2, 3], work, 2, stopped.set)
    assert str(caught.value) == 'the first' and begun == [0, 1]


def test_an_interruption_stops_all(monkeypatch):
    """As a signal does that arrives while the thread waits."""
    stopped = threading.Event()
    real = threading.Thread.join

    def join(thread, timeout=None):
        if not stopped.is_set():
            raise Stopped()
        real(thread, timeout)
    monkeypatch.setattr(threading.Thread, 'join', join)
    with pytest.raises(Stopped):
        _crew.each([1, 2], lambda item: stopped.wait(20), 2, stopped.set)


# Streams of a job.

def test_nothing_is_started_any_more_once_all_were_to_end(host):
    record = host.record()
    host.store(record)
    host.ended(record)
    directory = _job.directory_of(record)
    job = _worker.Job(directory, _files.read_json(os.path.join(directory, 'spec.json')), {})
    job.kill_tools(job.gauge('d1'))
    with job.running(job.gauge('d1'), ['/bin/true']):
        pass
    job.kill_tools()
    with pytest.raises(Stopped):
        with job.running(job.gauge('d1'), ['/bin/true']):
            pass


def test_volumes_of_a_run_are_stored_side_by_side(host):
    """Each waits for the other: one after the other they would never end."""
    host.tool('dd', 'touch %s.$(basename "$1")' % host.path('met'),
              'while [ $(ls %s.* | wc -l) -lt 2 ]; do sleep 0.02; done' % host.path('met'), 'exec /bin/dd "$@"')
    members = [host.volume('d1'), host.volume('d2', 2048), host.volume('d3', 1024 * 1024)]
    record = host.record(*members)
    host.store(record, streams=2, compression='gzip')
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE, now
    images = _manifest.read(now['manifest'])['images']
    assert [image['sha256'] for image in images] == [host.sha256(member['device']) for member in members]
    assert [(row['object'], row['percent'], row['bytes']) for row in now['progress']] == [
        (member['volume'], 100, member['bytes']) for member in members]


def test_one_stream_that_fails_ends_the_others(host):
    pid = host.path('pid')
    command = ['/bin/sh', '-c', 'if [ {volume} = d1 ]; then echo $$ > %s; while :; do echo x; sleep 0.1; done; fi; '
               'while [ ! -s %s ]; do sleep 0.05; done; echo the disk is gone >&2; exit 5' % (pid, pid)]
    record = host.record(host.volume('d1'), host.volume('d2'), host.volume('d3'))
    host.store(record, method='command', argv=command, streams=2)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'exit code 5' in now['error'] and 'the disk is gone' in now['error']
    with open(pid) as source:
        number = source.read().strip()
    limit = time.time() + 20
    while True:
        try:
            with open('/proc/%s/stat' % number) as source:
                if source.read().rpartition(')')[2].split()[0] in 'ZX':
                    break
        except (IOError, OSError):
            break
        assert time.time() < limit
    assert [row['state'] for row in now['progress']][2] == 'waiting'
