# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import sys
import tarfile

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import (
    _destination, _files, _job, _manifest, _methods, _run, _store)
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

pytestmark = pytest.mark.slow

MEMBER = dict(volume='d1', copy='d3', device='/dev/md/rdsk/d3', block_device='/dev/md/dsk/d3', bytes=3 * 1024 * 1024 + 1024,
              original='/dev/md/rdsk/d1', filesystem='/home1', fstype='ufs')
DATA = dict(run='R', name='home1', members=[MEMBER])


def planned(method, argv=None, output='stream', level=0, update=False, members=None, destination='/backup/'):
    data = dict(DATA, members=members or [MEMBER])
    place = _destination.Destination(destination, 'home1', 'R', [member['volume'] for member in data['members']])
    return _store.plan(data, '/state', place, _methods.Method(method, argv, output, level, update))


# What is going to be run.

def test_the_real_dd_reads_them_as_planned(host):
    member = host.volume(size=2 * 1024 * 1024 + 512 * 3)
    with open(member['device'], 'ab') as device:
        device.write(b'beyond the volume')
    record = host.record(member)
    host.store(record)
    now = host.ended(record)
    stored = os.path.join(os.path.dirname(now['manifest']), 'd1.img')
    assert open(stored, 'rb').read() == open(member['device'], 'rb').read()[:member['bytes']]


def test_ufsdump_is_told_the_name_of_the_mirror(host):
    path = host.tool('ufsdump', 'exit 0')
    image = planned('ufsdump', update=True)[0]
    # Never with u: the job enters a dump when it is complete.
    assert image['commands'] == [[path, '0Nf', '/dev/md/rdsk/d1', '-', '/dev/md/rdsk/d3']]
    assert (image['level'], image['bytes'], image['path']) == (0, None, '/backup/home1/R/d1.ufsdump')


@pytest.mark.parametrize('method, fstype, words', [
    ('vxdump', 'vxfs', ['-0', '-f', '-', '/dev/md/rdsk/d3']), ('sfxdump', 'sfxfs', ['0f', '-', '/dev/md/rdsk/d3'])])
def test_other_dumps_are_a_row_of_a_table(host, method, fstype, words):
    path = host.tool(method)
    image, = planned(method, members=[dict(MEMBER, fstype=fstype)])
    assert image['commands'] == [[path] + words] and image['path'] == '/backup/home1/R/d1.' + method
    for how in (dict(level=1), dict(members=[dict(MEMBER, fstype='ufs')]), dict(update=True)):
        with pytest.raises(Refused):
            planned(method, **dict(dict(members=[dict(MEMBER, fstype=fstype)]), **how))


def test_tar_reads_the_mounted_snapshot():
    image = planned('tar')[0]
    assert image['commands'][0][1:] == ['cf', '-', '-C', '/state/runs/R/mnt/d1', '.']
    assert image['source'] == '/state/runs/R/mnt/d1' and image['path'] == '/backup/home1/R/d1.tar'


def test_places_in_a_command_are_filled_in_and_never_split():
    image = planned('command', ['/opt/bin/x', '--tag={volume} {run}', '{device}', '{path}/.', '{other}', '{{volume}}', 'a b'])[0]
    assert image['commands'] == [['/opt/bin/x', '--tag=d1 R', '/dev/md/rdsk/d3', '/state/runs/R/mnt/d1/.', '{other}', '{d1}', 'a b']]
    assert image['source'] == '/state/runs/R/mnt/d1'
    assert planned('command', ['/opt/bin/x', '{device}'])[0]['source'] == '/dev/md/rdsk/d3'


def test_a_value_is_not_filled_in_twice():
    assert _methods.filled_in(['{volume}'], volume='{run}', run='R') == ['{run}']


def test_a_command_is_found_in_the_tool_directories(host):
    path = host.tool('mytool')
    assert planned('command', ['mytool'])[0]['commands'] == [[path]]
    with pytest.raises(Refused):
        planned('command', ['nosuchtool'])
    for nothing in ([], None):
        with pytest.raises(Refused):
            planned('command', nothing)


def test_a_command_that_stores_by_itself_has_no_file():
    assert planned('command', ['/opt/x'], output='none')[0]['path'] is None


def test_volumes_of_a_set_get_names_of_their_own():
    members = [dict(MEMBER, volume='oracle/d1'), dict(MEMBER, volume='oracle/d2')]
    assert [image['path'] for image in planned('dd', members=members)] == [
        '/backup/home1/R/oracle_d1.img', '/backup/home1/R/oracle_d2.img']
    with pytest.raises(Refused):
        planned('dd', members=[dict(MEMBER, volume='a/b'), dict(MEMBER, volume='a_b')])


def test_a_file_takes_one_volume(host):
    place = _destination.Destination(host.path('home1.img'), 'home1', 'R', ['d1'])
    assert (place.image('d1', 'dd'), place.manifest) == (host.path('home1.img'), host.path('home1.img.manifest.json'))
    with pytest.raises(Refused):
        _destination.Destination(host.path('home1.img'), 'home1', 'R', ['d1', 'd2'])


# What is looked at before.

def test_a_source_must_be_there(host):
    record = host.record(dict(host.volume(), device=host.path('gone')))
    with pytest.raises(Refused):
        _store.check_source(host.spec(record)['images'], record.directory)
    with pytest.raises(Refused) as caught:
        _store.check_source(host.spec(record, method='tar')['images'], record.directory)
    assert 'not mounted' in str(caught.value)


# The job.

def test_a_short_stream_fails_and_stays_partial(host):
    member = host.volume(size=1024 * 1024 + 512)
    record = host.record(dict(member, bytes=2 * 1024 * 1024))
    host.store(record)
    now = host.ended(record)
    partial = os.path.join(host.backup, 'home1', record.run, 'd1.img.partial')
    assert now['state'] == _job.FAILED and 'too short' in now['error'] and partial in now['error']
    assert os.listdir(os.path.dirname(partial)) == ['d1.img.partial']
    assert _run.load(host.state, record.run).data['image'] is None


def test_a_dd_that_writes_too_much_is_stopped(host):
    host.tool('dd', 'exec /bin/cat /dev/zero')
    record = host.record(host.volume(size=4096))
    host.store(record)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'longer' in now['error']
    assert os.path.getsize(os.path.join(host.backup, 'home1', record.run, 'd1.img.partial')) <= 4096


def test_a_tool_that_fails_after_all_its_bytes_has_failed(host):
    host.tool('dd', '/bin/dd "$@"', 'echo "dd: read error" >&2', 'exit 1')
    record = host.record(host.volume(size=4096))
    host.store(record)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'dd: read error' in now['error'] and 'exit code 1' in now['error']
    assert 'manifest.json' not in os.listdir(os.path.join(host.backup, 'home1', record.run))


def test_a_proof_that_does_not_hold_keeps_the_image_incomplete(host):
    proof = [dict(argv=['/bin/echo', 'd3 State: Needs maintenance'], match='Needs maintenance'),
             dict(argv=['/bin/echo', 'd3 State: Resyncing'], match='^d3 State: Needs maintenance$')]
    record = host.record(proof=proof)
    host.store(record)
    now = host.ended(record)
    directory = os.path.join(host.backup, 'home1', record.run)
    assert now['state'] == _job.FAILED and 'State: Resyncing' in now['error'] and 'd1.img.partial' in now['error']
    assert os.listdir(directory) == ['d1.img.partial'] and now['manifest'] is None


@pytest.mark.parametrize('how', [dict(method='command', argv=['/bin/true']), dict(method='ufsdump')])
def test_a_tool_that_prints_nothing_is_not_believed(host, how):
    host.ufsdump('true')
    record = host.record()
    host.store(record, **how)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and '0 bytes' in now['error'] and now['manifest'] is None


def test_the_proof_is_taken_after_the_last_byte(host):
    # The answer changes while the copy is being read.
    state = host.file('state.txt', b'offline')
    record = host.record(proof=[dict(argv=['/bin/cat', state], match='offline')])
    slow = [sys.executable, '-c', 'import sys; sys.stdout.write("x"); open(%r, "w").write("resyncing")' % state]
    host.store(record, method='command', argv=slow)
    assert 'resyncing' in host.ended(record)['error']


def test_every_copy_is_open_until_it_is_proved(host):
    """What is open cannot be taken away meanwhile, as by metaset -r. The tools do not inherit it: one that is left would keep it."""
    member = host.volume()
    look = ('import os, sys; pid = %s; fds = "/proc/%%s/fd/" %% pid; '
            'names = [os.path.realpath(fds + fd) for fd in os.listdir(fds)]; sys.stdout.write(str(%r in names))')
    asked = [[sys.executable, '-c', look % (pid, os.path.realpath(member['device']))] for pid in ('os.getppid()', 'os.getpid()')]
    record = host.record(member, proof=[dict(argv=asked[0], match='^True$'), dict(argv=asked[1], match='^False$')])
    host.store(record, method='command', argv=asked[0])
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE, now
    with open(os.path.join(os.path.dirname(now['manifest']), _manifest.read(now['manifest'])['images'][0]['file'])) as stored:
        assert stored.read() == 'True'


def test_copies_are_closed_afterwards(host):
    member = host.volume()

    def is_open():
        return os.path.realpath(member['device']) in [os.path.realpath('/proc/self/fd/%s' % fd) for fd in os.listdir('/proc/self/fd')]
    with pytest.raises(ValueError):
        with _store.kept_open([dict(volume='d1', source=member['device']), dict(volume='d2', source=host.base)]):
            assert is_open()
            raise ValueError()
    assert not is_open()
    with pytest.raises(Refused) as caught:
        with _store.kept_open([dict(volume='d1', source=member['device']), dict(volume='d2', source=host.path('nothing'))]):
            pass
    assert 'd2' in str(caught.value) and not is_open()


def test_proofs_that_hold_are_in_the_manifest(host):
    proof = [dict(argv=['/bin/echo', 'one\ntwo\nthree'], match='^two$')]
    record = host.record(proof=proof, verdict='filesystem', window={'seconds': 0.1}, layout={'metastat -p': 'd1 -m d2 d3 1'})
    host.store(record)
    manifest = _manifest.read(host.ended(record)['manifest'])
    assert manifest['proof'] == [dict(proof[0], held=True)]
    assert manifest['verdict'] == 'filesystem' and manifest['layout'] == {'metastat -p': 'd1 -m d2 d3 1'}


def test_a_reboot_after_the_split_is_seen(host):
    record = host.record(boot='another')
    host.store(record)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'booted after the split' in now['error']


def test_a_run_that_was_ended_meanwhile_gets_no_image(host):
    record = host.record()
    record.update(closed=1, result='abandoned')
    host.store(record)
    assert 'has ended' in host.ended(record)['error']


def test_a_failed_job_can_be_restarted_in_its_own_directory(host):
    member = host.volume()
    record = host.record(member, proof=[dict(argv=['/bin/cat', host.path('answer')], match='yes')])
    host.file('answer', b'no')
    host.store(record)
    assert host.ended(record)['state'] == _job.FAILED
    with pytest.raises(Refused) as caught:
        host.store(record)
    assert 'not proved' in str(caught.value)
    host.file('answer', b'yes')
    host.store(record, restart=True)
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE
    assert host.sha256(os.path.join(os.path.dirname(now['manifest']), 'd1.img')) == host.sha256(member['device'])


def test_recovery_files_are_stored_beside_the_image(host):
    sources = [host.file('backup_label', b'START WAL LOCATION'), host.file('wal', os.urandom(70000))]
    os.chmod(sources[0], 0o640)
    recovery = [dict(driver='postgresql', volume='d1', directory='pgdata',
                     files=[dict(source=sources[0], place='backup_label'), dict(source=sources[1], place='pg_wal/0000000100000001')])]
    record = host.record(recovery=recovery)
    host.store(record)
    now = host.ended(record)
    manifest = _manifest.read(now['manifest'])
    files = manifest['recovery'][0]['files']
    assert [item['place'] for item in files] == ['backup_label', 'pg_wal/0000000100000001']
    assert files[0]['mode'] == '0640'
    for item, source in zip(files, sources):
        assert host.sha256(_manifest.file_of(now['manifest'], item)) == item['sha256'] == host.sha256(source)


def test_a_recovery_file_that_is_missing_keeps_the_image_incomplete(host):
    recovery = [dict(driver='postgresql', volume='d1', directory='.', files=[dict(source=host.path('gone'), place='backup_label')])]
    record = host.record(recovery=recovery)
    host.store(record)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and not os.path.exists(os.path.join(host.backup, 'home1', record.run, 'manifest.json'))


def test_an_image_in_one_file(host):
    member = host.volume()
    record = host.record(member)
    host.store(record, destination=host.path('backup', 'one.img'))
    now = host.ended(record)
    assert now['manifest'] == host.path('backup', 'one.img.manifest.json')
    assert _manifest.read(now['manifest'])['images'][0]['file'] == 'one.img'
    assert host.sha256(host.path('backup', 'one.img')) == host.sha256(member['device'])


def test_a_file_has_a_name_of_its_run_until_it_is_whole(host):
    """In a directory of the run's own that is not needed."""
    for run in ('R1', 'R2'):
        place = _destination.Destination(host.path('one.img'), 'home1', run, ['d1'])
        image, = _store.plan(dict(DATA, run=run), '/state', place, _methods.Method('dd', None, 'stream', 0, False))
        assert (image['path'], image['partial']) == (host.path('one.img'), host.path('one.img.%s.partial' % run))
    assert planned('dd')[0]['partial'] == planned('dd')[0]['path'] + '.partial'


def test_two_runs_with_the_same_file_never_mix(host, monkeypatch):
    """Both read at once, on hosts that share it; the first that is whole gets the name, and the other neither the name nor the manifest."""
    monkeypatch.setattr(_destination.Destination, 'exclusive', None)
    host.tool('dd', 'while [ ! -f %s.$(basename "$1") ]; do sleep 0.02; done' % host.path('go'), 'exec /bin/dd "$@"')
    image = host.path('backup', 'one.img')
    members = [host.volume('d1'), host.volume('d2')]
    records = [host.record(member, name=name) for member, name in zip(members, ('one', 'two'))]
    partials = ['%s.%s.partial' % (image, record.run) for record in records]
    for record, partial in zip(records, partials):
        assert host.store(record, destination=image)['state'] == _job.RUNNING
        host.wait_for(lambda path=partial: os.path.exists(path), bool)
    host.file('go.d2.copy', b'')
    winner = host.ended(records[1])
    assert winner['state'] == _job.COMPLETE and not os.path.exists(partials[1])
    host.file('go.d1.copy', b'')
    loser = host.ended(records[0])
    assert loser['state'] == _job.FAILED and 'cannot be named %s' % image in loser['error'] and 'File exists' in loser['error']
    manifest = _manifest.read(winner['manifest'])
    assert manifest['run'] == records[1].run and winner['manifest'] == image + '.manifest.json'
    assert host.sha256(image) == host.sha256(members[1]['device']) == manifest['images'][0]['sha256']
    assert host.sha256(partials[0]) == host.sha256(members[0]['device'])
    assert sorted(os.listdir(host.backup)) == sorted(os.path.basename(path) for path in (image, winner['manifest'], partials[0]))
    assert loser['manifest'] is None and _run.load(host.state, records[0].run).data['image'] is None
    assert _run.load(host.state, records[1].run).data['image'] == winner['manifest']


@pytest.mark.parametrize('kind', ['file', 'link', 'directory'])
def test_a_name_that_was_taken_meanwhile_stays_what_it_is(host, kind):
    path, partial = host.path('backup', 'one.img'), host.file('backup/one.img.R.partial', b'new')
    if kind == 'link':
        os.symlink(host.path('nowhere'), path)
    elif kind == 'directory':
        os.mkdir(path)
    else:
        host.file('backup/one.img', b'precious')
    with pytest.raises(Refused) as caught:
        _store.name_image(dict(path=path, partial=partial))
    assert caught.value.facts['object'] == path
    assert open(partial).read() == 'new' and not os.path.exists(host.path('nowhere'))
    assert kind != 'file' or open(path).read() == 'precious'


@pytest.mark.parametrize('partial', ['d1.img.R.partial', 'd1.img.partial'])
def test_a_whole_image_has_one_name(host, partial):
    path, partial = host.path('backup', 'd1.img'), host.file('backup/' + partial, b'image')
    _store.name_image(dict(path=path, partial=partial))
    assert os.listdir(host.backup) == ['d1.img'] and open(path).read() == 'image' and os.stat(path).st_nlink == 1


def test_a_dump_takes_its_total_from_the_words_of_ufsdump(host):
    host.ufsdump('echo "  DUMP: Estimated 8 blocks (4KB)." >&2', 'sleep 1.5', 'head -c 4096 /dev/zero', 'sleep 1.5',
                 'echo "  DUMP: DUMP IS DONE" >&2')
    record = host.record()
    host.store(record, method='ufsdump')
    row = host.wait_for(lambda: _job.status(record)['progress'][0], lambda row: row['total'] is not None)
    assert row['total'] == 4096
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE and now['bytes'] == 4096


def test_an_archive_of_a_directory_is_readable(host):
    record = host.record()
    mounted = _methods.mount_point(record.directory, 'd1')
    os.makedirs(mounted)
    host.file(os.path.join(mounted, 'a file'), b'content')
    host.store(record, method='tar')
    now = host.ended(record)
    with tarfile.open(os.path.join(os.path.dirname(now['manifest']), 'd1.tar')) as archive:
        assert sorted(archive.getnames()) == ['.', './a file']


def test_a_command_that_stores_by_itself_is_judged_by_its_exit_code(host):
    record = host.record()
    host.store(record, method='command', output='none', argv=['/bin/sh', '-c', 'echo stored {volume} > %s' % host.path('vault')])
    now = host.ended(record)
    image = _manifest.read(now['manifest'])['images'][0]
    assert now['state'] == _job.COMPLETE and open(host.path('vault')).read() == 'stored d1\n'
    assert (image['file'], image['bytes'], image['sha256']) == (None, None, None)
    record = host.record(name='other', *[host.volume('d9')])
    host.store(record, method='command', output='none', argv=['/bin/false'])
    assert host.ended(record)['state'] == _job.FAILED


def test_the_record_that_is_proved_is_the_one_on_disk(host):
    record = host.record()
    path = record.path
    data = _files.read_json(path)
    _files.write_json(path, dict(data, proof=[dict(argv=['/bin/false'], match='never')]))
    host.store(record)
    assert 'not proved' in host.ended(record)['error']
