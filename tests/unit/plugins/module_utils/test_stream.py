# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import errno
import hashlib
import os
import resource
import threading

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import (
    BLOCK, PIPE, Copier, Digest, OutputFailed, Tool, file_sha256, sync, writer)


def tool(host, argv, **streams):
    return Tool(argv, host.path('log'), **streams)


def test_a_digest_is_that_of_all_blocks():
    blocks = [os.urandom(100000) for dummy in range(50)]
    digest = Digest()
    for block in blocks:
        digest.feed(block)
    assert digest.hexdigest() == hashlib.sha256(b''.join(blocks)).hexdigest()


def test_a_copier_joins_streams_and_counts_them(host):
    one, two = host.file('one', os.urandom(2 * BLOCK + 77)), host.file('two', os.urandom(99))
    sizes = []
    output = os.open(host.path('out'), os.O_WRONLY | os.O_CREAT)
    copier = Copier(writer(output), sizes.append)
    for path in (one, two):
        source = os.open(path, os.O_RDONLY)
        copier.take(source)
        os.close(source)
    sync(output)
    os.close(output)
    assert open(host.path('out'), 'rb').read() == open(one, 'rb').read() + open(two, 'rb').read()
    assert copier.bytes == sum(sizes) == 2 * BLOCK + 77 + 99
    assert copier.sha256() == host.sha256(host.path('out'))


def test_a_stream_that_is_too_long_is_refused_before_it_is_written(host):
    source = os.open(host.file('source', b'x' * 1001), os.O_RDONLY)
    output = os.open(host.path('out'), os.O_WRONLY | os.O_CREAT)
    with pytest.raises(Refused) as caught:
        Copier(writer(output), limit=1000).take(source)
    assert '1000 bytes' in str(caught.value)
    assert os.path.getsize(host.path('out')) == 0
    os.close(source)
    os.close(output)


def test_an_output_that_takes_no_more_is_told_from_a_source_that_fails(host):
    source, output = os.open(host.file('source', b'x' * 5000), os.O_RDONLY), os.open(host.path('out'), os.O_WRONLY | os.O_CREAT)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputFailed) as caught:
            Copier(writer(output)).take(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        os.close(source)
        os.close(output)
    assert caught.value.errno == errno.EFBIG
    assert os.path.getsize(host.path('out')) == 1000


def test_a_closed_pipe_is_an_output_that_takes_no_more(host):
    source = os.open(host.file('source', b'x' * BLOCK), os.O_RDONLY)
    reader, entry = os.pipe()
    os.close(reader)
    with pytest.raises(OutputFailed) as caught:
        Copier(writer(entry)).take(source)
    assert caught.value.errno == errno.EPIPE
    os.close(source)
    os.close(entry)


def test_all_of_a_block_is_written_to_a_slow_reader(host):
    content = os.urandom(3 * BLOCK)
    source = os.open(host.file('source', content), os.O_RDONLY)
    reader, entry = os.pipe()
    got = []

    def drain():
        for block in iter(lambda: os.read(reader, 1000), b''):
            got.append(block)
    thread = threading.Thread(target=drain)
    thread.start()
    Copier(writer(entry)).take(source)
    os.close(entry)
    thread.join()
    os.close(source)
    os.close(reader)
    assert b''.join(got) == content


def test_the_output_of_a_tool_is_read(host):
    reading = tool(host, ['/bin/echo', 'data'], stdout=PIPE)
    copier = Copier(None)
    copier.take(reading.output)
    reading.check()
    assert copier.bytes == 5


def test_a_tool_reads_what_is_written(host):
    writing = tool(host, ['/bin/dd', 'of=' + host.path('out')], stdin=PIPE)
    os.write(writing.input, b'data')
    writing.check()
    assert open(host.path('out')).read() == 'data'


def test_a_tool_that_moves_the_data_itself_talks_to_the_log(host):
    alone = tool(host, ['/bin/sh', '-c', 'echo out; echo err >&2'])
    alone.check()
    assert open(host.path('log')).read() == 'out\nerr\n' and alone.said() == 'out\nerr'


def test_a_failed_tool_is_told_with_its_own_words_only(host):
    host.file('log', b'words of another tool\n')
    failing = tool(host, ['/bin/sh', '-c', 'echo disk on fire >&2; exit 3'], stdout=PIPE)
    with pytest.raises(CommandFailed) as caught:
        failing.check()
    assert caught.value.result.rc == 3
    assert 'disk on fire' in str(caught.value) and 'another' not in str(caught.value)


def test_a_tool_killed_by_a_signal_has_failed(host):
    dying = tool(host, ['/bin/sh', '-c', 'kill -9 $$'], stdout=PIPE)
    with pytest.raises(CommandFailed) as caught:
        dying.check()
    assert caught.value.result.rc == -9


def test_a_tool_that_stalled_is_killed_with_its_children(host):
    hanging = tool(host, ['/bin/sh', '-c', 'sleep 60 & wait'], stdout=PIPE)
    hanging.stall(5)
    with pytest.raises(Refused) as caught:
        hanging.check()
    assert 'moved no byte for 5 s' in str(caught.value)


def test_the_sum_of_a_file(host):
    path = host.file('file', os.urandom(BLOCK + 1))
    assert file_sha256(path) == (BLOCK + 1, host.sha256(path))
