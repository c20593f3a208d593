# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import hashlib
import os

import pytest

from tapes import LINUX, Drive

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _destination, _job, _manifest, _restore, _tape, _worker
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord

pytestmark = pytest.mark.slow


@pytest.fixture
def drive(host):
    return Drive(host)


@pytest.fixture
def tape(drive):
    return _tape.Tape(drive.device, Runner(), **_tape.tools())


def refused(call, *args):
    with pytest.raises(Refused) as caught:
        call(*args)
    return str(caught.value)


# The drive.

@pytest.mark.parametrize('out, position', [
    ('X tape drive:\n   sense key(0x0)= No Additional Sense   residual= 0   retries= 0\n   file no= 3   block no= 7', (3, 7)),
    ('X tape drive:\nsense key(0x0)= No Additional Sense   residual= 0   retries= 0\nfile no= 0   block no= 0\n   WORM media', (0, 0)),
    ('Unconfigured Drive: X tape drive:\n   sense key(0x6)= Unit Attention\n   file no= -1   block no= 0', (-1, 0)),
    (LINUX % (12, 1), (12, 1)),
])
def test_where_a_tape_is(host, tape, out, position):
    host.tool('mt', "cat <<'END'", out, 'END')
    assert tape.status() == position


@pytest.mark.parametrize('out', ['', 'ok', 'file no= three   block no= 0', 'file no= 3', 'block no= 0'])
def test_a_status_that_says_no_position_is_not_guessed(host, tape, out):
    host.tool('mt', "cat <<'END'", out, 'END')
    with pytest.raises(UnknownWord):
        tape.status()


@pytest.mark.parametrize('said, meaning', [
    ('no tape loaded or drive offline', 'There is no tape in the drive'), ('write protected or reserved.', 'write-protected'),
    ('Device busy', 'in use'), ('No such file or directory', 'There is no tape drive'), ('Bad magic', 'does not do what it should')])
def test_what_mt_says_becomes_plain_words(drive, tape, said, meaning):
    drive.set(trouble=said)
    words = refused(tape.status)
    assert meaning in words and said.rstrip('.') in words and 'mt -f %s status' % drive.device in words


def test_a_linux_drive_that_is_open_has_no_tape(drive, tape):
    drive.set(status=LINUX.replace('BOT ONLINE', 'DR_OPEN'))
    assert 'There is no tape' in refused(tape.status)


def test_a_drive_that_does_not_move_is_seen(drive, tape):
    drive.file(0, b'x')
    drive.file(1, b'y')
    drive.set(at=[1, 0], stuck=['rewind'])
    assert 'not where it was wound to' in refused(tape.go, 0)
    drive.set(at=[0, 0], stuck=['eom'])
    assert 'end of the tape' in refused(tape.end)
    drive.set(stuck=['fsf'])
    assert 'not where it was wound to' in refused(tape.go, 1)


def test_the_end_has_two_names(drive, tape):
    drive.file(0, b'x')
    drive.file(1, b'y')
    drive.set(unknown=['eom'])
    assert tape.end() == 2
    drive.set(unknown=['eom', 'eod'])
    assert 'unknown command' in refused(tape.end)


# The label.

def test_a_label_is_written_and_read(drive, tape):
    label = tape.write_label('HOME-07')
    assert tape.check('HOME-07') == tape.check('HOME-07', label['serial']) == label
    assert len(drive.file(0)) == _tape.BLOCK and drive.read()['files'] == 1
    again = tape.write_label('HOME-07')
    assert again['serial'] != label['serial']
    assert 'from the start since' in refused(tape.check, 'HOME-07', label['serial'])


def test_a_wrong_tape_is_named(drive, tape):
    tape.write_label('HOME-08')
    words = refused(tape.check, 'HOME-07')
    assert 'is not HOME-07' in words and 'the label HOME-08' in words


@pytest.mark.parametrize('content', [None, b'', b'x' * 32768, b'{}', b'[1]', b'{"kind": "volmgr.snapbackup/tape/1", "name": 7}'])
def test_a_tape_without_a_label_is_not_the_right_one(drive, tape, content):
    if content is not None:
        drive.file(0, content)
    assert 'it has no label' in refused(tape.check, 'HOME-07')


@pytest.mark.parametrize('name', ['', '-x', 'a b', 'x' * 33, 'a\n'])
def test_what_cannot_name_a_tape(drive, tape, name):
    assert 'cannot name a tape' in refused(tape.write_label, name)
    assert drive.read()['calls'] == []


def test_a_device_that_rewinds_is_refused(drive, tape):
    tape.write_label('HOME-07')
    drive.set(rewinds=True)
    assert 'rewinds the tape when it is closed' in refused(tape.check, 'HOME-07')


def test_a_protected_tape_gets_no_label(drive, tape, monkeypatch):
    def protected(path, flags, *mode):
        raise OSError(13, 'Permission denied')
    monkeypatch.setattr(_tape.os, 'open', protected)
    assert 'write-protected' in refused(tape.write_label, 'HOME-07')
    assert drive.read()['files'] == 0


def test_blocks_are_whole():
    written = []
    blocks = _tape.Blocks(written.append, 10)
    for piece in (b'abc', b'defghijk', b'', b'l' * 20):
        blocks.put(piece)
    blocks.end()
    assert all(len(piece) % 10 == 0 for piece in written)
    assert b''.join(written) == b'abcdefghijk' + b'l' * 20 + b'\0' * 9
    del written[:]
    _tape.Blocks(written.append, 10).end()
    assert written == []


# A backup on it.

def on(host, position='append', label='HOME-07', block=32768):
    return dict(tape=_destination.Tape(label, position, block, host.backup))


def stored(host, drive, record, **spec):
    host.store(record, destination=drive.device, **spec)
    return host.ended(record)


@pytest.fixture
def two(host, drive, tape):
    """Two runs on one tape, the second one compressed: ([member of the first run], [members of the second], [manifest paths])."""
    tape.write_label('HOME-07')
    first, second = [host.volume('d1')], [host.volume('d2', 1536), host.volume('d3', 99 * 1024)]
    paths = []
    for members, more in ((first, {}), (second, dict(compression='gzip'))):
        record = host.record(*members, name='set-' + members[0]['volume'])
        now = stored(host, drive, record, **dict(on(host), **more))
        assert now['state'] == _job.COMPLETE, now
        record.update(closed=1, result='complete')
        paths.append(now['manifest'])
    return first, second, paths


def test_each_image_is_a_file_of_the_tape(host, drive, two):
    first, second, paths = two
    images = [image for path in paths for image in _manifest.read(path)['images']]
    assert [image['tape']['file'] for image in images] == [1, 2, 3] and drive.read()['files'] == 4
    assert all(image['file'] is None and image['tape']['label'] == 'HOME-07' for image in images)
    for number, image in enumerate(images, 1):
        content = drive.file(number)
        assert len(content) % 32768 == 0 and 0 <= len(content) - image['stored_bytes'] < 32768
        assert hashlib.sha256(content[:image['stored_bytes']]).hexdigest() == image['stored_sha256']
    for member, image in zip(first + second, images):
        assert image['sha256'] == host.sha256(member['device']) and image['bytes'] == member['bytes']


def restored(host, monkeypatch, path, targets, name):
    """Run the job of a restore here; targets are files instead of devices."""
    monkeypatch.setattr(_restore._target, 'check_device', lambda path, needed, size=None: None)
    record = host.record(host.volume('any'), name=name, kind='restore')
    wanted = [dict(volume=volume, target=target) for volume, target in sorted(targets.items())]
    steps = _restore.plan(path, _manifest.read(path), wanted)
    directory = _job.directory_of(record)
    os.makedirs(directory)
    spec = dict(steps=steps, manifest=path, last_level=True, stall=900, volumes=[[step['volume'], step['bytes']] for step in steps],
                run=record.run, state_dir=host.state, boot='b')

    return _restore.work(_worker.Job(directory, spec, {}))


def test_images_come_back_from_the_tape(host, drive, two, monkeypatch):
    first, second, paths = two
    targets = dict((member['volume'], host.file(member['volume'] + '.target', b'')) for member in second)
    restored(host, monkeypatch, paths[1], targets, 'back')
    for member in second:
        assert host.sha256(targets[member['volume']]) == host.sha256(member['device'])


def _flipped(content):
    """With another first byte, whatever that was."""
    return bytes(bytearray([bytearray(content)[0] ^ 255])) + content[1:]


@pytest.mark.parametrize('harm', ['another tape', 'begun anew', 'altered', 'longer', 'shorter', 'no tape'])
def test_nothing_is_overwritten_from_a_tape_that_is_not_right(host, drive, tape, two, monkeypatch, harm):
    path, content = two[2][0], drive.file(1)
    if harm == 'no tape':
        drive.set(trouble='no tape loaded or drive offline')
    elif harm in ('another tape', 'begun anew'):
        tape.write_label('HOME-08' if harm == 'another tape' else 'HOME-07')
    else:
        drive.file(1, {'altered': _flipped(content), 'longer': content + b'x' * 32768, 'shorter': content[:-32768]}[harm])
    target = host.file('target', b'old')
    with pytest.raises(Refused):
        restored(host, monkeypatch, path, {'d1': target}, 'back')
    assert open(target).read() == 'old'


def test_from_the_start_voids_what_was_on_the_tape(host, drive, tape, two):
    serial = tape.label()['serial']
    record = host.record(host.volume('d9', 512), name='anew')
    now = stored(host, drive, record, **on(host, position='start'))
    image, = _manifest.read(now['manifest'])['images']
    assert (image['tape']['file'], drive.read()['files']) == (1, 2)
    assert image['tape']['serial'] == tape.label()['serial'] != serial


@pytest.mark.parametrize('state, words', [
    (dict(trouble='no tape loaded or drive offline'), 'There is no tape'), (dict(trouble='Device busy'), 'in use'),
    (dict(capacity=65536), 'is full')])
def test_what_is_wrong_with_the_drive_ends_the_job_in_plain_words(host, drive, tape, state, words):
    tape.write_label('HOME-07')
    drive.set(**state)
    record = host.record()
    now = stored(host, drive, record, **on(host))
    assert now['state'] == _job.FAILED and words in now['error'] and now['manifest'] is None
    assert os.listdir(host.backup) == []


def test_a_file_without_its_mark_is_no_image(host, drive, tape):
    """The next one would be written behind it, and found under another number."""
    tape.write_label('HOME-07')
    drive.set(unmarked=[2])
    now = stored(host, drive, host.record(), **on(host))
    assert now['state'] == _job.FAILED and 'not where it was wound to' in now['error'] and now['manifest'] is None


@pytest.mark.parametrize('position', ['append', 'start'])
def test_a_wrong_tape_is_not_written_to(host, drive, tape, position):
    tape.write_label('HOME-08')
    before = drive.file(0)
    now = stored(host, drive, host.record(), **on(host, position=position))
    assert now['state'] == _job.FAILED and 'is not HOME-07' in now['error']
    assert drive.file(0) == before and drive.read()['files'] == 1


def test_a_tool_that_fails_is_not_taken_for_the_tape(host, drive, tape):
    tape.write_label('HOME-07')
    now = stored(host, drive, host.record(), method='command', argv=['/bin/sh', '-c', 'echo x; echo disk is busy >&2; exit 3'], **on(host))
    assert now['state'] == _job.FAILED and 'exit code 3' in now['error'] and 'tape' not in now['error']


def test_the_second_run_on_one_drive_is_refused_by_the_name_of_the_first(host, drive, tape):
    tape.write_label('HOME-07')
    endless = ['/bin/sh', '-c', 'while :; do echo x; sleep 0.1; done']
    first, second = host.record(host.volume('d1'), name='one'), host.record(host.volume('d2'), name='two')
    host.store(first, destination=drive.device, method='command', argv=endless, **on(host))
    host.wait_for(lambda: _job.status(first), lambda now: now['bytes'] > 0)
    now = stored(host, drive, second, **on(host))
    assert now['state'] == _job.FAILED and 'in use by another run' in now['error'] and first.run in now['error']
    _job.stop(first)
    third = host.record(host.volume('d3'), name='three')
    assert stored(host, drive, third, **on(host))['state'] == _job.COMPLETE
