# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What onstat prints of an Informix server: its status, its chunks, its logical logs (Administrator's Reference, "The onstat utility")."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import collections
import re

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import UnknownWord

ON_LINE, OFFLINE = 'On-Line', 'Off-Line'
MODES = (ON_LINE, 'Quiescent', 'Single-User', 'Read-Only', 'Updatable', 'Fast Recovery', 'Initialization', 'Shutting Down',
         'Archive Backup', 'Abort')
ROLES = ('Prim', 'Sec', 'SDS', 'RSS', 'HDR', 'Cluster')
FLAGS = ('CKPT REQ', 'CKPT INP', 'LONGTX')
# Older releases say CKPT of an external backup too.
HELD = frozenset(['ARCHIVE_EBR', 'CKPT'])
REASONS = HELD | frozenset((
    'ADMINISTRATION', 'ARCHIVE', 'CHG_PLOG', 'DBS_DROP', 'DDR', 'DYNAMIC_LOG', 'DYNAMIC_LOG_FOR_ER', 'FREE_LOG', 'HA_CONV_STD',
    'HA_FAILOVER', 'HANG_SYSTEM', 'INP', 'LAST_LOG_RESERVED4BACKUP', 'LBU', 'LOG_DROP', 'LONGTX', 'MEDIA_FAILURE', 'OVERRIDE_DOWN_SPACE'))
# Exit codes of onstat - for a server that is on-line and for one that is not there.
CODES = {ON_LINE: 5, OFFLINE: 255}
BANNER = re.compile(r'^\S.* Version \S+ +-- +([A-Za-z -]+?) *((?:\([A-Za-z ]+\) *)*) *-- +Up', re.MULTILINE)
BLOCKED = re.compile(r'^Blocked:(.*)$', re.MULTILINE)
NO_LOGS = re.compile(r'^LTAPEDEV\s+/dev/null\s*(#.*)?$', re.MULTILINE)
ABSENT = 'shared memory not initialized for INFORMIXSERVER'
CHUNK = re.compile(r'^[0-9a-f]{6,16}\s+\d+\s+\d+\s+\d+\s+\d+\s.*\s([PM][A-Z-]{2,6})\s+(\S.*)$')
LOG = re.compile(r'^[0-9a-f]{6,16}\s+\d+\s+([ADFU][A-Z-]{0,6})\s+(\d+)\s+\d+:\d+\s+\d+\s+\d+\s+[0-9.]+$')
ADDRESS = re.compile(r'^[0-9a-f]{6,16}\s')

# reasons: why it is blocked, empty if it is not.
Status = collections.namedtuple('Status', 'mode role reasons')
Chunk = collections.namedtuple('Chunk', 'path flags primary online')
# kept: whether it was backed up.
Log = collections.namedtuple('Log', 'unique kept current')


def status_of(result):
    """The Status in the result of onstat - (which has an exit code for every mode)."""
    if ABSENT in result.out + result.err and result.rc == CODES[OFFLINE]:
        return Status(OFFLINE, None, frozenset())
    banner = BANNER.search(result.out)
    if not banner or banner.group(1) not in MODES:
        raise unknown('onstat does not say in a known way what the server does.', result.out or result.err)
    words = re.findall(r'\(([^)]*)\)', banner.group(2))
    odd = [word for word in words if word not in ROLES + FLAGS]
    blocked = BLOCKED.search(result.out)
    reasons = frozenset(re.split(r'[\s,]+', blocked.group(1).strip())) if blocked else frozenset()
    if odd or reasons - REASONS:
        raise unknown('onstat has a word that is not known.', ' '.join(odd + sorted(reasons - REASONS)))
    if (banner.group(1) == ON_LINE) != (result.rc == CODES[ON_LINE]):
        raise unknown('onstat says one thing and means another.', 'exit code %s: %s' % (result.rc, banner.group(0)))
    roles = [word for word in words if word in ROLES]
    return Status(banner.group(1), roles[0] if roles else None, reasons)


def chunks_of(output):
    """The chunks that onstat -d tells of."""
    lines = section(output, 'Chunks', 'pathname')
    found = [CHUNK.match(line.rstrip()) for line in lines if ADDRESS.match(line)]
    if not found or None in found:
        raise unknown('onstat does not tell the chunks in a known way.', '\n'.join(lines[:20]) or output)
    return [Chunk(row.group(2), row.group(1), row.group(1)[0] == 'P', row.group(1)[1] == 'O') for row in found]


def logs_of(output):
    """The logical logs that onstat -l tells of, without those that were never used."""
    lines = section(output, 'Logical Logging', 'uniqid')
    found = [LOG.match(line.rstrip()) for line in lines if ADDRESS.match(line)]
    if not found or None in found:
        raise unknown('onstat does not tell the logical logs in a known way.', '\n'.join(lines[:20]) or output)
    logs = [Log(int(row.group(2)), row.group(1)[2:3] == 'B' or row.group(1)[0] == 'F', row.group(1)[4:5] == 'C') for row in found]
    return [log for log in logs if log.unique]


def current(logs):
    """The number of the log that is written to."""
    found = [log.unique for log in logs if log.current]
    if len(found) != 1:
        raise unknown('onstat does not tell one current logical log.', '%d of them' % len(found))
    return found[0]


def section(output, title, column):
    """The lines after the heading that ends a section's head: the first one with that column after the title."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if line.strip() == title]
    heads = [number for number, line in enumerate(lines) if starts and number > starts[0] and column in line.split()]
    return lines[heads[0] + 1:] if heads else []


def unknown(message, said):
    return UnknownWord(message, object='onstat', vendor=said, look='onstat -; onstat -d; onstat -l')
