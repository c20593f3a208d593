# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an image passes through on its way: compression and encryption by standard tools, each a process of its own."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import os
import threading

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._stream import PIPE, OutputFailed, writer

# tool: the command. suffix: of the image. levels: the least, the greatest and the usual one, which is fast.
Compression = collections.namedtuple('Compression', 'tool suffix levels pack threads unpack')
Encryption = collections.namedtuple('Encryption', 'tool suffix pack unpack')
# gzip(1), zstd(1)
COMPRESSIONS = dict(
    gzip=Compression('gzip', '.gz', (1, 9, 1), ['-nc', '-{level}'], None, ['-dc']),
    zstd=Compression('zstd', '.zst', (1, 19, 3), ['-qc', '-{level}'], ['-T{threads}'], ['-qdc']),
)
# age(1), gpg(1). To encrypt needs public keys only; what decrypts is a file, or the key ring of root.
ENCRYPTIONS = dict(
    age=Encryption('age', '.age', ['--encrypt', '--recipients-file', '{recipients}'], ['--decrypt', '--identity', '{identity}']),
    gpg=Encryption('gpg', '.gpg', ['--batch', '--no-tty', '--quiet', '--trust-model', 'always', '--recipient-file', '{recipients}',
                                   '--output', '-', '--encrypt'],
                   ['--batch', '--no-tty', '--quiet', '--output', '-', '--decrypt']),
)
# How images are packed: names of the tables above or None; level, threads: of the compression; recipients: path of public keys.
Packing = collections.namedtuple('Packing', 'compression level threads encryption recipients')
PLAIN = Packing(None, None, 1, None, None)


def suffix(packing):
    """What the name of a packed image ends with."""
    return ''.join([COMPRESSIONS[packing.compression].suffix if packing.compression else '',
                    ENCRYPTIONS[packing.encryption].suffix if packing.encryption else ''])


def pack_argvs(packing):
    """The commands that pack, in their order; Refused where one is missing or cannot do what is asked for."""
    argvs = []
    if packing.compression:
        argvs.append(_compress(packing))
    if packing.encryption:
        if not _is_file(packing.recipients):
            raise Refused('It is not known for whom to encrypt.', object=packing.recipients, found='no file %s' % packing.recipients,
                          needed='option recipients, the absolute path of a file of public keys on this host')
        how = ENCRYPTIONS[packing.encryption]
        argvs.append([_platform.need(how.tool)] + _filled(how.pack, recipients=packing.recipients))
    return argvs


def _compress(packing):
    how = COMPRESSIONS[packing.compression]
    least, greatest, usual = how.levels
    level = usual if packing.level is None else packing.level
    if not least <= level <= greatest:
        raise Refused('%s has no level %d.' % (how.tool, level), object='compression_level', needed='%d to %d' % (least, greatest))
    words = list(how.pack)
    if packing.threads != 1:
        if how.threads is None or packing.threads < 1:
            raise Refused('%s cannot use %d threads.' % (how.tool, packing.threads), object='compression_threads',
                          needed='1, or compression zstd')
        words += how.threads
    return [_platform.need(how.tool)] + _filled(words, level=level, threads=packing.threads)


def unpack_argvs(image, identity):
    """The commands that undo what packed an image of a manifest. identity: path of the secret key of age."""
    argvs = []
    if image['encryption']:
        how = ENCRYPTIONS[image['encryption']]
        if '{identity}' in how.unpack and not _is_file(identity):
            raise Refused('The image of %s is encrypted.' % image['volume'], object=image['volume'],
                          found='no file %s' % identity if identity else 'no key',
                          needed='option identity, the absolute path of a file of secret keys on this host')
        argvs.append([_platform.need(how.tool)] + _filled(how.unpack, identity=identity))
    if image['compression']:
        how = COMPRESSIONS[image['compression']]
        argvs.append([_platform.need(how.tool)] + how.unpack)
    return argvs


def _is_file(path):
    """Whether there is a file that the job finds too, whose directory is another."""
    return path is not None and os.path.isabs(path) and os.path.isfile(path)


def _filled(words, **values):
    return [word.format(**values) for word in words]


def convey(job, gauge, argvs, feed, first, last):
    """Let feed(first) copy, through the filters argvs, into last. first, last: Copier; without filters only last is used.

    first counts and sums what goes into the filters, last what comes out of them. Raises what went wrong first.
    """
    if not argvs:
        feed(last)
        return
    with job.running(gauge, argvs[0], PIPE, PIPE) as entry:
        first.write = writer(entry.input)
        feeder = _Feeder(feed, first, entry)
        _behind(job, gauge, argvs[1:], entry, lambda end: _pump(job, gauge, feeder, last, end.output))
    # Where a filter took no more it has failed, and has just said so itself.
    if feeder.error is not None:
        raise Refused('%s ended before it had read all.' % argvs[0][0], object=gauge.name, found=str(feeder.error))


def _behind(job, gauge, argvs, before, use):
    """Let more filters take what comes out of the Tool before, one behind the other, and call use(the last one)."""
    if not argvs:
        use(before)
        return
    with job.running(gauge, argvs[0], before.output, PIPE) as tool:
        # As long as we had it too, the one before would not see this one end.
        before.process.stdout.close()
        _behind(job, gauge, argvs[1:], tool, use)


def _pump(job, gauge, feeder, last, out):
    """Let the feeder feed, and last take what comes out, until both are at the end."""
    feeder.start()
    try:
        last.take(out)
    except BaseException:
        # It may wait for a tool that reads, or for a filter that takes no more.
        job.kill_tools(gauge)
        feeder.join()
        raise
    feeder.join()
    if feeder.error is not None and not isinstance(feeder.error, OutputFailed):
        raise feeder.error


class _Feeder(threading.Thread):
    """Runs feed(copier) into the tool entry, and closes its input at the end, whatever happened."""

    def __init__(self, feed, copier, entry):
        threading.Thread.__init__(self)
        self.daemon = True
        self.error = None
        self._work = (feed, copier, entry)

    def run(self):
        feed, copier, entry = self._work
        try:
            feed(copier)
        except BaseException as error:
            self.error = error
        finally:
            entry.process.stdin.close()
