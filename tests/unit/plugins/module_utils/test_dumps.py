# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import time

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _dumps, _job, _manifest, _proof, _run, _store, _worker
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord

RAW = '/dev/md/rdsk/d1'
MONDAY, TUESDAY = 'Mon Nov 16 03:15:00 2026', 'Tue Nov 17 03:15:00 2026'
WINDOW = dict(at='2026-11-16T03:14:30Z', cuts=[1000.5], locked=1000.2)


@pytest.fixture
def dumpdates(host, monkeypatch):
    path = host.path('dumpdates')
    monkeypatch.setattr(_dumps, 'DUMPDATES', path)
    return path


def test_dumpdates_are_read_and_written_as_ufsdump_does(host, dumpdates):
    assert _dumps.rows(dumpdates) == []
    _dumps.enter(dumpdates, [(RAW, 0, MONDAY), ('/dev/rdsk/c0t0d0s0', 5, 'Sun Nov  1 00:00:00 2026')])
    _dumps.enter(dumpdates, [(RAW, 0, TUESDAY), (RAW, 1, TUESDAY)])
    assert open(dumpdates).read() == ('/dev/rdsk/c0t0d0s0               5 Sun Nov  1 00:00:00 2026\n'
                                      '/dev/md/rdsk/d1                  0 Tue Nov 17 03:15:00 2026\n'
                                      '/dev/md/rdsk/d1                  1 Tue Nov 17 03:15:00 2026\n')
    _dumps.enter(dumpdates, [], without=[RAW])
    assert _dumps.rows(dumpdates) == [('/dev/rdsk/c0t0d0s0', 5, 'Sun Nov  1 00:00:00 2026')]


@pytest.mark.parametrize('line', ['/dev/md/rdsk/d1 0', 'garbage', '/dev/md/rdsk/d1 x Mon Nov 16 03:15:00 2026'])
def test_a_line_of_another_form_is_neither_guessed_nor_overwritten(host, dumpdates, line):
    host.file('dumpdates', line.encode('ascii') + b'\n')
    for call in (lambda: _dumps.rows(dumpdates), lambda: _dumps.enter(dumpdates, [(RAW, 0, MONDAY)])):
        with pytest.raises(UnknownWord):
            call()
    assert open(dumpdates).read() == line + '\n'


def test_the_cut_is_never_taken_for_later_than_it_was():
    assert time.strftime('%H:%M:%S', time.gmtime(_dumps.cut_of(WINDOW))) == '03:14:29'
    assert _dumps.cut_of(None) is None


def remembered(host, level=0, date=MONDAY, run='R0', original=RAW):
    class Record:
        state_dir = host.state
        data = dict(window=WINDOW)
    Record.run = run
    if not os.path.isdir(host.state):
        os.mkdir(host.state)
    manifest = host.file('%s.json' % run, b'{}')
    _dumps.remember(Record, [dict(original=original, level=level, dump=dict(date=date))], manifest)
    return manifest


def test_a_dump_builds_on_the_latest_of_a_lower_level(host, dumpdates):
    zero = remembered(host)
    two = remembered(host, 2, TUESDAY, 'R2')
    assert _dumps.base_of(host.state, RAW, 1)['manifest'] == zero
    assert _dumps.base_of(host.state, RAW, 3) == dict(level=2, date=TUESDAY, cut=_dumps.cut_of(WINDOW), run='R2', manifest=two)
    assert _dumps.base_of(host.state, RAW, 0) is None
    os.unlink(two)
    with pytest.raises(Refused) as caught:
        _dumps.base_of(host.state, RAW, 3)
    assert 'not known here any more' in str(caught.value) and 'dump of level 0' in str(caught.value)


def test_a_level_without_a_lower_one_is_refused(host, dumpdates):
    remembered(host, original='/dev/md/rdsk/d10')
    with pytest.raises(Refused) as caught:
        _dumps.base_of(host.state, RAW, 1)
    assert 'no dump of /dev/md/rdsk/d1' in str(caught.value)


def test_a_dump_that_somebody_else_made_is_no_base(host, dumpdates):
    remembered(host)
    _dumps.enter(dumpdates, [(RAW, 0, TUESDAY)])
    with pytest.raises(Refused):
        _dumps.base_of(host.state, RAW, 1)


@pytest.mark.parametrize('words', ['', 'DUMP: Date of this level 1 dump: %s' % TUESDAY, 'DUMP: Date of last level 0 dump: %s' % MONDAY])
def test_a_dump_that_does_not_say_its_dates_is_not_believed(words):
    with pytest.raises(UnknownWord):
        _dumps.dates(dict(volume='d1', base=None), words)


@pytest.mark.parametrize('base, last, good', [
    (None, 'the epoch', True), (None, MONDAY, False), (MONDAY, MONDAY, True), (MONDAY, TUESDAY, False), (MONDAY, 'the epoch', False)])
def test_a_dump_that_builds_on_something_else_is_seen(base, last, good):
    image = dict(volume='d1', base=base and dict(date=base, manifest='/m'))
    words = '  DUMP: Date of this level 1 dump: %s\n  DUMP: Date of last level 0 dump: %s\n  DUMP: Dumping' % (TUESDAY, last)
    if good:
        assert _dumps.dates(image, words) == dict(date=TUESDAY, since=base, base='/m' if base else None)
    else:
        with pytest.raises(Refused):
            _dumps.dates(image, words)


class Job:
    runner = Runner()


@pytest.mark.parametrize('answers, words', [
    ((4096, 4096), None), ((4096, 6144), '2048 bytes changed'), (('', 4096), 'does not say how long'), (('4 KB', 4096), 'does not say')])
def test_what_changed_between_the_cut_and_the_dump_of_the_base_is_not_lost(host, dumpdates, answers, words):
    remembered(host)
    log = host.path('calls')
    path = host.tool('ufsdump', 'echo "$@" >> %s' % log, 'grep -c :cut %s >> %s' % (dumpdates, log),
                     'case $2 in *:cut) echo %s;; *) echo %s;; esac' % (answers[1], answers[0]))
    image = dict(volume='d1', original=RAW, level=1, base=_dumps.base_of(host.state, RAW, 1))
    argv = [path, '1Nf', RAW, '-', '/dev/md/rdsk/d3']
    if words is None:
        _dumps.refuse_gap(Job, image, argv)
    else:
        with pytest.raises(Refused) as caught:
            _dumps.refuse_gap(Job, image, argv)
        assert words in str(caught.value)
    assert open(log).read().splitlines()[:2] == ['1SNf %s - /dev/md/rdsk/d3' % RAW, '1']
    assert [row[:2] for row in _dumps.rows(dumpdates)] == [(RAW, 0)]


def test_a_base_whose_cut_is_not_known_is_refused(host):
    with pytest.raises(Refused):
        _dumps.refuse_gap(Job, dict(original=RAW, base=dict(level=0, cut=None, run='R')), [])


def test_a_chain_of_dumps(host, dumpdates, monkeypatch):
    """In this process, since the job would enter them into the real /etc/dumpdates."""
    def run(**spec):
        record = host.record(host.volume(), window=WINDOW)
        spec = dict(host.spec(record, method='ufsdump', update=True, **spec), run=record.run, state_dir=host.state, boot='b')
        os.makedirs(_job.directory_of(record))
        from_here = _proof.prove
        monkeypatch.setattr(_proof, 'prove', lambda record, runner: None)
        monkeypatch.setattr(_store, 'no_more_stopping', lambda: None)
        try:
            manifest = _store.work(_worker_job(record, spec))['manifest']
        finally:
            monkeypatch.setattr(_proof, 'prove', from_here)
            _run.load(host.state, record.run).close(result='complete')
        return manifest, _manifest.read(manifest)['images'][0]
    host.ufsdump('echo level 0', this=MONDAY)
    base, image = run()
    assert image['dump'] == dict(date=MONDAY, since=None, base=None) and _dumps.rows(dumpdates) == [(RAW, 0, MONDAY)]
    host.ufsdump('case $1 in *S*) echo 512;; *) echo level 1;; esac', this=TUESDAY, last=MONDAY)
    dummy, image = run(level=1)
    assert image['dump'] == dict(date=TUESDAY, since=MONDAY, base=base) and image['level'] == 1
    assert _dumps.rows(dumpdates) == [(RAW, 0, MONDAY), (RAW, 1, TUESDAY)]
    host.ufsdump('case $1 in *S*) echo 512;; *) echo level 1; echo no >&2; exit 3;; esac', this=TUESDAY, last=MONDAY)
    with pytest.raises(Refused):
        run(level=2)
    assert _dumps.rows(dumpdates) == [(RAW, 0, MONDAY), (RAW, 1, TUESDAY)]


def _worker_job(record, spec):
    return _worker.Job(_job.directory_of(record), spec, {})
