# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import gzip
import os
import shutil
import subprocess

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _filters, _job, _manifest, _methods
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused

pytestmark = pytest.mark.slow

HAS = dict((name, any(os.access(os.path.join(path, name), os.X_OK) for path in ('/usr/bin', '/bin'))) for name in ('zstd', 'gpg'))
needs_zstd = pytest.mark.skipif(not HAS['zstd'], reason='zstd is not on this machine')


def packing(**fields):
    return _filters.PLAIN._replace(**fields)


@pytest.mark.parametrize('fields, words', [
    (dict(compression='gzip'), ['-nc', '-1']), (dict(compression='gzip', level=9), ['-nc', '-9']),
    (dict(compression='zstd'), ['-qc', '-3']), (dict(compression='zstd', level=19, threads=4), ['-qc', '-19', '-T4'])])
def test_compressors_get_a_fast_level_unless_told(host, fields, words):
    path = host.tool(fields['compression'])
    assert _filters.pack_argvs(packing(**fields)) == [[path] + words]


@pytest.mark.parametrize('fields', [
    dict(compression='gzip', level=0), dict(compression='gzip', level=10), dict(compression='gzip', threads=2),
    dict(compression='zstd', level=20), dict(compression='zstd', threads=0), dict(encryption='age'),
    dict(encryption='gpg', recipients='/nowhere')])
def test_what_a_tool_cannot_do_is_refused(host, fields):
    for name in ('gzip', 'zstd', 'age', 'gpg'):
        host.tool(name)
    with pytest.raises(Refused):
        _filters.pack_argvs(packing(**fields))


def test_a_tool_that_is_missing_is_told_before_anything_is_split(host, monkeypatch):
    monkeypatch.setattr(_filters._platform, 'TOOL_DIRS', (host.tools,))
    with pytest.raises(Refused) as caught:
        _filters.pack_argvs(packing(compression='zstd'))
    assert 'The command zstd is needed' in str(caught.value)


def test_encryption_comes_after_compression(host):
    keys = host.file('keys', b'age1...')
    for name in ('gzip', 'age'):
        host.tool(name)
    how = packing(compression='gzip', encryption='age', recipients=keys)
    assert [argv[0].rpartition('/')[2] for argv in _filters.pack_argvs(how)] == ['gzip', 'age']
    assert _filters.suffix(how) == '.gz.age' and keys in _filters.pack_argvs(how)[1]
    image = dict(volume='d1', compression='gzip', encryption='age')
    assert [argv[0].rpartition('/')[2] for argv in _filters.unpack_argvs(image, keys)] == ['age', 'gzip']
    for identity in (None, '/nowhere'):
        with pytest.raises(Refused) as caught:
            _filters.unpack_argvs(image, identity)
        assert 'encrypted' in str(caught.value)


def test_a_command_that_stores_by_itself_cannot_be_packed(host):
    with pytest.raises(Refused):
        host.spec(host.record(), method='command', argv=['/bin/true'], output='none', compression='gzip')


# The job.

@pytest.mark.parametrize('tool, suffix', [('gzip', '.gz'), pytest.param('zstd', '.zst', marks=needs_zstd)])
def test_both_sizes_and_sums_are_in_the_manifest(host, tool, suffix):
    member = host.volume()
    with open(member['device'], 'r+b') as device:
        device.write(b'\0' * 2 * 1024 * 1024)
    record = host.record(member)
    host.store(record, compression=tool)
    now = host.ended(record)
    assert now['state'] == _job.COMPLETE, now
    image, = _manifest.read(now['manifest'])['images']
    path = _manifest.file_of(now['manifest'], image)
    assert path.endswith('/d1.img' + suffix) and image['compression'] == tool
    assert (image['bytes'], image['sha256']) == (member['bytes'], host.sha256(member['device']))
    assert (image['stored_bytes'], image['stored_sha256']) == (os.path.getsize(path), host.sha256(path))
    assert image['stored_bytes'] < image['bytes'] == now['bytes']
    if tool == 'gzip':
        with gzip.open(path) as unpacked, open(member['device'], 'rb') as device:
            assert unpacked.read() == device.read()


@pytest.mark.skipif(not HAS['gpg'], reason='gpg is not on this machine')
def test_what_gpg_encrypts_it_decrypts(host):
    # The agent's socket needs a short path.
    home = '/tmp/snapbackup-gpg-%d' % os.getpid()
    os.mkdir(home, 0o700)
    gpg = ['/usr/bin/gpg', '--homedir', home, '--batch', '--quiet', '--no-tty']
    try:
        subprocess.check_call(gpg + ['--passphrase', '', '--quick-generate-key', 'backup@example.org', 'default', 'default', 'never'])
        keys = host.file('keys', subprocess.check_output(gpg + ['--armor', '--export', 'backup@example.org']))
        member = host.volume()
        record = host.record(member)
        host.store(record, compression='gzip', encryption='gpg', recipients=keys, environment=dict(GNUPGHOME=home))
        now = host.ended(record)
        assert now['state'] == _job.COMPLETE, now
        image, = _manifest.read(now['manifest'])['images']
        (decrypt, dummy) = _filters.unpack_argvs(image, None)
        with open(_manifest.file_of(now['manifest'], image), 'rb') as stored:
            out = subprocess.check_output(decrypt[:1] + ['--homedir', home] + decrypt[1:], stdin=stored)
        with gzip.open(host.file('plain.gz', out)) as plain, open(member['device'], 'rb') as device:
            assert plain.read() == device.read()
    finally:
        subprocess.call(['/usr/bin/gpgconf', '--homedir', home, '--kill', 'all'])
        # The agent takes its sockets away at the same time.
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize('program, words', [
    (['head -c 100000 > /dev/null', 'echo out of memory >&2', 'exit 7'], 'out of memory'),
    (['head -c 100000 > /dev/null'], 'ended before it had read all')])
def test_a_compressor_that_fails_ends_the_job(host, program, words):
    path = host.tool('gzip', *program)
    record = host.record()
    host.store(record, compression='gzip')
    now = host.ended(record)
    assert now['state'] == _job.FAILED and words in now['error'] and path in now['error']
    assert now['manifest'] is None


def test_a_reader_that_fails_behind_a_compressor_ends_the_job(host):
    host.tool('dd', '/bin/dd "$@"', 'echo "dd: read error" >&2', 'exit 1')
    record = host.record()
    host.store(record, compression='gzip')
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'dd: read error' in now['error'] and 'exit code 1' in now['error']


def test_a_short_stream_behind_a_compressor_is_seen(host):
    member = host.volume(size=1024 * 1024)
    record = host.record(dict(member, bytes=2 * 1024 * 1024))
    host.store(record, compression='gzip')
    assert 'too short' in host.ended(record)['error']


def test_a_compressor_that_hangs_is_killed_with_the_reader(host):
    pid = host.path('pid')
    host.tool('gzip', 'echo $$ > %s' % pid, 'exec sleep 600')
    record = host.record(host.volume(size=8 * 1024 * 1024))
    host.store(record, compression='gzip', stall=2)
    now = host.ended(record)
    assert now['state'] == _job.FAILED and 'moved no byte for 2 s' in now['error']
    with open(pid) as source:
        assert not os.path.exists('/proc/%s' % source.read().strip())


def test_method_names_are_those_of_the_manifest():
    assert set(_methods.NAMES) == set(['dd', 'tar', 'ufsdump', 'vxdump', 'sfxdump', 'command'])
