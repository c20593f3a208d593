# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import stat

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _files, _job, _manifest, _methods, _restore, _run, _worker
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused

pytestmark = pytest.mark.slow


class Stored:
    """A complete backup of some volumes, and a record for its restore."""

    def __init__(self, host, members, **spec):
        self.host = host
        self.members = dict((member['volume'], member) for member in members)
        record = host.record(*members)
        for member in members if spec.get('method') == 'tar' else []:
            os.makedirs(_methods.mount_point(record.directory, member['volume']))
        host.store(record, **spec)
        now = host.ended(record)
        assert now['state'] == _job.COMPLETE, now
        record.update(closed=1, result='complete')
        self.path = now['manifest']
        self.manifest = _manifest.read(self.path)
        self.record = host.record(*members, kind='restore')

    def image(self, volume='d1'):
        return _manifest.file_of(self.path, _manifest.image_of(self.manifest, volume))

    def steps(self, targets, command=None, **more):
        wanted = [dict(volume=volume, target=target, require_mount=False, **more) for volume, target in sorted(targets.items())]
        return _restore.plan(self.path, self.manifest, wanted, command, 'R')

    def spec(self, targets, command=None, last_level=True):
        steps = self.steps(targets, command)
        return dict(steps=steps, manifest=self.path, last_level=last_level, stall=900,
                    volumes=[[step['volume'], step['bytes']] for step in steps])

    def start(self, *args, **kwargs):
        _job.start(self.record, '_restore', self.spec(*args, **kwargs))
        return self.host.ended(self.record)

    def here(self, monkeypatch, *args, **kwargs):
        """Run the job in this process, with targets that are files instead of devices. refuse(target): what checks them instead."""
        refuse = kwargs.pop('refuse', lambda target: None)
        monkeypatch.setattr(_restore._target, 'check_device', lambda path, needed, size=None: refuse(path))
        directory = _job.directory_of(self.record)
        _files.make_private(directory)
        job = _worker.Job(directory, dict(self.spec(*args, **kwargs), run=self.record.run, state_dir=self.host.state, boot='b'), {})
        return job, _restore.work(job)


@pytest.fixture
def stored(host):
    return Stored(host, [host.volume('d1'), host.volume('d2', 1024 * 1024 + 512)])


def test_images_come_back_byte_for_byte(stored, host, monkeypatch):
    targets = dict((name, host.file(name + '.target', b'old' * 3000000)) for name in ('d1', 'd2'))
    job, outcome = stored.here(monkeypatch, targets)
    for name, target in targets.items():
        with open(target, 'rb') as restored, open(stored.members[name]['device'], 'rb') as original:
            assert restored.read(stored.members[name]['bytes']) == original.read()
    assert outcome == dict(manifest=stored.path)
    assert [row['state'] for row in job.summary()['progress']] == ['restored', 'restored']


@pytest.mark.parametrize('harm', ['altered', 'truncated', 'longer', 'missing'])
def test_nothing_is_overwritten_while_any_image_is_bad(stored, host, monkeypatch, harm):
    image = stored.image('d2')
    if harm == 'missing':
        os.unlink(image)
    elif harm == 'truncated':
        os.truncate(image, 1024) if hasattr(os, 'truncate') else open(image, 'r+b').truncate(1024)
    else:
        with open(image, 'r+b') as target:
            target.seek(0, os.SEEK_END if harm == 'longer' else os.SEEK_SET)
            target.write(b'?')
    targets = dict((name, host.file(name + '.target', b'old' * 1000)) for name in ('d1', 'd2'))
    with pytest.raises(Refused):
        stored.here(monkeypatch, targets)
    for target in targets.values():
        assert open(target, 'rb').read() == b'old' * 1000
    if harm != 'altered':
        with pytest.raises(Refused):
            _restore.check_images(stored.steps(targets))


def after_the_first(monkeypatch, action):
    """Have action() happen when the first volume has been restored, which can take hours."""
    real, done = _restore.restore, []

    def restore(job, step, tapes):
        real(job, step, tapes)
        if not done:
            action()
        done.append(step['volume'])
    monkeypatch.setattr(_restore, 'restore', restore)
    return done


def test_a_run_that_is_ended_meanwhile_overwrites_no_more(stored, host, monkeypatch):
    targets = dict((name, host.file(name + '.target', b'old' * 3000000)) for name in ('d1', 'd2'))
    done = after_the_first(monkeypatch, lambda: _run.load(host.state, stored.record.run).close(result='abandoned'))
    with pytest.raises(Refused) as caught:
        stored.here(monkeypatch, targets)
    assert done == ['d1'] and open(targets['d2'], 'rb').read() == b'old' * 3000000
    assert caught.value.facts['found'] == 'abandoned' and caught.value.facts['object'] == stored.record.run
    assert 'has ended' in str(caught.value) and 'overwritten in part' not in str(caught.value)
    assert _run.load(host.state, stored.record.run).data['image'] is None


def test_a_job_of_a_run_that_has_ended_overwrites_nothing(host):
    """It was started just before the run was closed."""
    os.mkdir(host.path('target'))
    stored = Stored(host, [host.volume()], method='command', argv=['/bin/echo', 'stream'])
    _run.load(host.state, stored.record.run).close(result='abandoned')
    now = stored.start({'d1': host.path('target')}, command=['/bin/dd', 'of={target}/written'])
    assert now['state'] == _job.FAILED and 'has ended' in now['error'] and os.listdir(host.path('target')) == []


def test_each_target_is_checked_again_just_before_it_is_overwritten(stored, host, monkeypatch):
    targets = dict((name, host.file(name + '.target', b'old')) for name in ('d1', 'd2'))
    order, real = [], _restore.restore
    monkeypatch.setattr(_restore, 'restore', lambda job, step, tapes: (order.append('restore ' + step['volume']), real(job, step, tapes)))
    stored.here(monkeypatch, targets, refuse=lambda path: order.append('check ' + os.path.basename(path)[:2]))
    assert order == ['check d1', 'check d2', 'check d1', 'restore d1', 'check d2', 'restore d2']


def test_a_target_that_came_into_use_meanwhile_is_not_overwritten(stored, host, monkeypatch):
    targets = dict((name, host.file(name + '.target', b'old' * 3000000)) for name in ('d1', 'd2'))
    used = []
    done = after_the_first(monkeypatch, lambda: used.append(targets['d2']))

    def refuse(target):
        if target in used:
            raise Refused('The target %s is mounted.' % target)
    with pytest.raises(Refused) as caught:
        stored.here(monkeypatch, targets, refuse=refuse)
    assert done == ['d1'] and open(targets['d2'], 'rb').read() == b'old' * 3000000
    assert str(caught.value).startswith('The target %s is mounted.' % targets['d2']) and 'overwritten in part' not in str(caught.value)


def test_an_image_that_changes_after_its_verification_is_seen(stored, host, monkeypatch):
    real = _restore.check_targets

    def meanwhile(steps, runner):
        real(steps, runner)
        with open(stored.image('d1'), 'r+b') as target:
            target.write(b'?')
    monkeypatch.setattr(_restore, 'check_targets', meanwhile)
    with pytest.raises(Refused) as caught:
        stored.here(monkeypatch, {'d1': host.file('target', b'old')})
    assert 'was changed while' in str(caught.value) and 'overwritten in part' in str(caught.value)


def test_a_target_that_does_not_keep_what_is_written_is_seen(stored, host, monkeypatch):
    real = _restore.flush_device

    def bad_disk(path):
        real(path)
        with open(path, 'r+b') as target:
            target.seek(5000)
            target.write(b'?')
    monkeypatch.setattr(_restore, 'flush_device', bad_disk)
    with pytest.raises(Refused) as caught:
        stored.here(monkeypatch, {'d1': host.file('target', b'old')})
    assert 'does not hold the image' in str(caught.value)


def test_a_dd_that_fails_leaves_a_target_that_is_called_so(stored, host, monkeypatch):
    host.tool('dd', 'head -c 65536 > /dev/null', 'echo "dd: unexpected short write" >&2', 'exit 1')
    with pytest.raises(CommandFailed) as caught:
        stored.here(monkeypatch, {'d1': host.file('target', b'old')})
    assert 'short write' in str(caught.value) and 'overwritten in part' in str(caught.value)


def test_a_tool_that_ends_early_without_an_error_has_failed(stored, host, monkeypatch):
    host.tool('dd', 'head -c 65536 > /dev/null')
    with pytest.raises(Refused) as caught:
        stored.here(monkeypatch, {'d1': host.file('target', b'old')})
    assert 'before it had read the whole image' in str(caught.value)


def test_the_detached_job_looks_at_the_targets_itself(stored, host):
    target = host.file('target', b'old')
    now = stored.start({'d1': target})
    assert now['state'] == _job.FAILED and 'not a device' in now['error']
    assert open(target, 'rb').read() == b'old'
    assert now['progress'][0]['state'] == 'verified'


def test_restoring_reads_a_pipe_but_writes_whole_blocks(stored):
    assert stored.steps({'d1': '/dev/md/rdsk/d1'})[0]['argv'][1:] == ['of=/dev/md/rdsk/d1', 'ibs=65536', 'obs=1048576']


def test_an_archive_comes_back_into_a_directory(host):
    tree = host.path('tree')
    os.makedirs(os.path.join(tree, 'sub'))
    host.file('tree/sub/file', b'content')
    os.chmod(os.path.join(tree, 'sub', 'file'), 0o604)
    host.tool('tar', 'if [ "$1" = cf ]; then exec /bin/tar cf - -C %s .; else exec /bin/tar "$@"; fi' % tree)
    stored = Stored(host, [host.volume()], method='tar')
    os.mkdir(host.path('target'))
    now = stored.start({'d1': host.path('target')})
    assert now['state'] == _job.COMPLETE, now
    restored = host.path('target', 'sub', 'file')
    assert open(restored).read() == 'content' and stat.S_IMODE(os.stat(restored).st_mode) == 0o604


def test_a_dump_is_restored_in_its_target_and_its_table_removed(host):
    host.ufsdump('echo dump of $2')
    host.tool('ufsrestore', 'test "$*" = "rf -" || exit 1', 'cat > restored', 'touch restoresymtable')
    stored = Stored(host, [host.volume()], method='ufsdump')
    for name, last_level, left in (('one', True, ['restored']), ('two', False, ['restored', 'restoresymtable'])):
        os.mkdir(host.path(name))
        stored.record = host.record(name=name, kind='restore', *[host.volume('volume of ' + name)])
        now = stored.start({'d1': host.path(name)}, last_level=last_level)
        assert now['state'] == _job.COMPLETE, now
        assert sorted(os.listdir(host.path(name))) == left
        assert open(host.path(name, 'restored')).read() == 'dump of /dev/md/rdsk/d1\n'


@pytest.mark.parametrize('method', ['tar', 'ufsdump'])
def test_a_tool_that_has_restored_nothing_is_not_believed(host, method):
    tree = host.path('tree')
    os.mkdir(tree)
    host.file('tree/file', b'x' * 30000)
    host.tool('tar', 'if [ "$1" = cf ]; then exec /bin/tar cf - -C %s .; else cat >/dev/null; fi' % tree)
    host.ufsdump('echo dump of $2')
    host.tool('ufsrestore', 'cat >/dev/null')
    stored = Stored(host, [host.volume()], method=method)
    os.mkdir(host.path('target'))
    now = stored.start({'d1': host.path('target')})
    assert now['state'] == _job.FAILED and 'restored nothing' in now['error'], now


def test_a_higher_level_must_change_the_table_of_the_lower_one(tmpdir):
    tmpdir.join('file').write('of level 0')
    tmpdir.join('restoresymtable').write('of level 0')
    before = _restore.aged_symtables(str(tmpdir))
    step = dict(method='ufsdump', argv=['ufsrestore'], volume='d1', target=str(tmpdir), bytes=5000)
    gauge = type('Gauge', (object,), dict(log='log'))
    with pytest.raises(Refused):
        _restore.refuse_unrestored(step, before, gauge)
    # As long as before, in the same file, perhaps in the same tick of the clock.
    tmpdir.join('restoresymtable').write('of level 1')
    _restore.refuse_unrestored(step, before, gauge)


def test_a_stream_of_a_command_is_given_to_the_command_that_restores_it(host):
    stored = Stored(host, [host.volume()], method='command', argv=['/bin/echo', 'stream of {volume}'])
    os.mkdir(host.path('target'))
    with pytest.raises(Refused):
        stored.steps({'d1': host.path('target')})
    now = stored.start({'d1': host.path('target')}, command=['/bin/dd', 'of={target}/{volume}'])
    assert now['state'] == _job.COMPLETE, now
    assert open(host.path('target', 'd1')).read() == 'stream of d1\n'


def test_what_a_command_has_stored_itself_is_restored_by_a_command(host):
    stored = Stored(host, [host.volume()], method='command', output='none', argv=['/bin/true'])
    os.mkdir(host.path('target'))
    now = stored.start({'d1': host.path('target')}, command=['/bin/touch', '{target}/from the vault'])
    assert now['state'] == _job.COMPLETE, now
    assert os.listdir(host.path('target')) == ['from the vault']


# Before.

def test_nothing_is_overwritten_without_its_name(stored):
    steps = stored.steps({'d1': '/dev/one', 'd2': '/dev/two'})
    _restore.refuse_unconfirmed(stored.manifest, steps, ['d2', 'd1'])
    for confirm in (None, [], ['d1'], ['d1', 'd2', 'd3'], ['d1', 'd1'], ['d1', 'd3'], ['/dev/one', '/dev/two']):
        with pytest.raises(Refused) as caught:
            _restore.refuse_unconfirmed(stored.manifest, steps, confirm)
        for word in ('goes onto /dev/one', 'goes onto /dev/two', stored.manifest['created'], stored.manifest['run'], 'Nothing was'):
            assert word in str(caught.value)


def test_a_volume_without_an_image(stored):
    with pytest.raises(Refused) as caught:
        stored.steps({'d7': '/dev/one'})
    assert 'no image of d7' in str(caught.value) and 'd1, d2' in str(caught.value)


def test_one_target_for_two_images(stored, host):
    target = host.file('target', b'')
    os.symlink(target, host.path('alias'))
    with pytest.raises(Refused):
        stored.steps({'d1': target, 'd2': host.path('alias')})


def test_targets_are_checked_by_what_goes_onto_them(stored, host, monkeypatch):
    asked = []
    monkeypatch.setattr(_restore._target, 'check_device', lambda *args: asked.append(args))
    _restore.check_targets(stored.steps({'d1': '/dev/one'}, bytes=77), Runner())
    assert asked == [('/dev/one', stored.members['d1']['bytes'], 77)]
    monkeypatch.setattr(_restore._target, 'check_directory', lambda *args: asked.append(args))
    steps = stored.steps({'d1': '/'}, devices=['/dev/md/dsk/d1'])
    _restore.check_targets([dict(steps[0], method='tar')], Runner())
    assert asked[1:] == [('/', None, False, None, ['/dev/md/dsk/d1'])]
