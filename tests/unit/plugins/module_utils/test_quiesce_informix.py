# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An Informix server that is blocked over the cut, whose programs are recorded: what is proved, and that it never stays blocked."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import signal

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _quiesce, _quiesce_informix
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Runner
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import LeaseExpired, Refused, Torn, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce import Window, expected_verdict, lasting_holder, worth
from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_informix_report import (
    Log, chunks_of, current, logs_of, status_of)

from informix import SERVER, Informix
from scripted import Record, answer, eventually

pytestmark = pytest.mark.slow

RUN = '20261120T031500Z-a1b2c3'
BLOCK, UNBLOCK, ONBAR = 'onmode -c block', 'onmode -c unblock', 'onbar -b -l -c'
KEY = 'quiesce:informix:' + SERVER
BANNER = 'IBM Informix Dynamic Server Version 12.10.FC10XKAEE -- %s -- Up 16 days 00:54:04 -- 168145444 Kbytes\n'


@pytest.fixture
def server(tmpdir, monkeypatch):
    monkeypatch.setattr(_quiesce_informix, 'PASSES_WITHIN', 0.3)
    monkeypatch.setattr(_quiesce_informix, 'SETTLES', 0.3)
    return Informix(tmpdir)


def holder_of(made, **changes):
    members = [dict(volume='d1', filesystem=str(made.base), fstype='ufs', device='/dev/md/rdsk/d1', block_device=None, original=None)]
    return _quiesce.application_holders([made.entry(**changes)], members, str(made.base.join('run')), RUN)[0]


def window(server, holder, cut='true', seconds=30):
    return Window([holder], [['/bin/sh', '-c', cut]], lambda look: None, seconds, str(server.base.join('report')))


def opened(server, cut='true', seconds=30, record=None, **changes):
    holder = holder_of(server, **changes)
    holder.check(Runner())
    made = window(server, holder, cut, seconds)
    return made, made.open(Runner(), record)


@pytest.mark.parametrize('says', ['ARCHIVE_EBR', 'CKPT'])
def test_the_cut_is_made_while_it_is_blocked_and_its_logs_are_kept(server, says):
    server.set(says=says)
    seen, record = str(server.base.join('seen')), Record()
    made, facts = opened(server, cut='cp %s %s' % (server.file, seen), record=record)
    with open(seen) as source:
        assert '"blocked": "%s"' % says in source.read()
    assert server.said() == [BLOCK, UNBLOCK, ONBAR] and not server.blocked and record.undo == {} and KEY in [e['id'] for e in record.ever]
    assert facts['applications'] == [{'driver': 'informix', 'server': SERVER, 'archive': 'onbar', 'logs': [6, 6]}]
    assert [step['what'] for step in facts['steps']] == ['look', 'before', 'look', 'cut', 'look', 'look', 'after', 'look']
    assert made.recovery == []


def test_without_onbar_it_is_blocked_all_the_same(server):
    dummy, facts = opened(server, archive=None)
    assert server.said() == [BLOCK, UNBLOCK] and facts['applications'][0]['archive'] is None


def test_the_commands_of_check_mode_are_those_that_are_run(server):
    holder, runner = holder_of(server, onconfig='onconfig.ol', sqlhosts='/etc/sqlhosts'), Runner()
    made = window(server, holder)
    holder.check(runner)
    assert server.said() == [] and runner.commands == []
    made.open(runner)
    assert [command['argv'] for command in runner.commands] == made.commands()
    assert made.commands()[0][:-1] == ['/usr/bin/env', 'INFORMIXDIR=%s' % server.home, 'INFORMIXSERVER=' + SERVER,
                                       'INFORMIXSQLHOSTS=/etc/sqlhosts', 'ONCONFIG=onconfig.ol', '%s/bin/onmode' % server.home, '-c']


@pytest.mark.parametrize('archive, filesystem, verdict', [
    ('onbar', '/home1', 'application'), ('onbar', None, 'application'), (None, '/home1', 'filesystem'), (None, None, 'crash')])
def test_its_verdict(server, archive, filesystem, verdict):
    members = [dict(volume=name, filesystem=filesystem, fstype='ufs' if filesystem else None) for name in ('d1', 'd2')]
    assert worth(expected_verdict, members, [holder_of(server, archive=archive)]) == verdict


@pytest.mark.parametrize('changes, word', [
    (dict(mode='Off-Line'), 'Off-Line'), (dict(mode='Quiescent'), 'Quiescent'), (dict(role=' (Sec)'), 'Sec'),
    (dict(blocked='ARCHIVE_EBR'), 'somebody else'), (dict(blocked='CKPT'), 'somebody else'), (dict(blocked='LONGTX'), 'LONGTX'),
    (dict(ltapedev='/dev/null'), 'LTAPEDEV')])
def test_a_server_that_is_refused(server, changes, word):
    server.set(**changes)
    with pytest.raises(Refused) as caught:
        holder_of(server).check(Runner())
    assert word in str(caught.value) and server.said() == [] and server.blocked == changes.get('blocked', '')


@pytest.mark.parametrize('changes, word', [
    (dict(path='/proc/version'), 'no volume'), (dict(path='relative'), 'no volume'), (dict(flags='PD-B--'), 'not online')])
def test_a_chunk_that_is_refused(server, changes, word):
    server.set_chunk(1, **changes)
    with pytest.raises(Refused) as caught:
        holder_of(server).check(Runner())
    assert word in str(caught.value)


@pytest.mark.parametrize('kind', ['rdsk', 'dsk'])
def test_a_chunk_on_a_volume_that_is_copied(server, kind):
    """By any name of the volume itself; what is made of it is another volume."""
    for name in ('rdsk', 'dsk', 'copies'):
        server.data.mkdir(name).join('vol').write('pages')
    holder = holder_of(server)
    holder.members = [dict(volume='d1', filesystem=None, fstype=None, original=str(server.data.join('rdsk', 'vol')),
                           device=str(server.data.join('copies', 'vol')), block_device=str(server.data.join('copies', 'vol')))]
    server.data.join('link').mksymlinkto(server.data.join(kind, 'vol'))
    for number in (0, 1):
        server.set_chunk(number, path=str(server.data.join('link')))
    holder.check(Runner())
    server.set_chunk(1, path=str(server.data.join('copies', 'vol')))
    with pytest.raises(Refused):
        holder.check(Runner())


def test_a_chunk_on_the_same_device_by_another_name(server):
    holder = holder_of(server)
    holder.members.append(dict(volume='d2', filesystem=None, fstype=None, original='/dev/full', device=None, block_device=None))
    for device, good in (('/dev/full', True), ('/dev/zero', False)):
        node = server.data.join('node')
        if node.check(link=1):
            node.remove()
        node.mksymlinkto(device)
        server.set_chunk(1, path=str(node))
        if good:
            holder.check(Runner())
        else:
            with pytest.raises(Refused) as caught:
                holder.check(Runner())
            assert 'no volume' in str(caught.value)


def test_a_chunk_on_the_raw_device_of_a_member(server):
    device = str(server.data.join('raw'))
    server.set_chunk(1, path=device)
    holder = holder_of(server)
    holder.members = [dict(volume='d1', filesystem=None, fstype=None, device=device, block_device=None, original=None),
                      dict(volume='d2', filesystem=str(server.base), fstype='ufs', device=None, block_device=None, original=None)]
    holder.check(Runner())


@pytest.mark.parametrize('changes', [
    dict(server='a b'), dict(server='other'), dict(onconfig='../x y'), dict(home='/nonexistent'), dict(home='relative'),
    dict(archive='stored')])
def test_an_option_that_is_refused(server, changes):
    with pytest.raises(Refused):
        holder_of(server, **changes).check(Runner())
    assert server.said() == []


def test_a_block_that_came_after_the_check_stays_with_its_owner(server):
    holder, record = holder_of(server), Record()
    holder.check(Runner())
    server.set(blocked='ARCHIVE_EBR')
    with pytest.raises(Refused) as caught:
        window(server, holder).open(Runner(), record)
    assert 'somebody else' in str(caught.value) and server.blocked and server.said() == [] and record.undo == {}


@pytest.mark.parametrize('on, do', [
    (BLOCK, 'fail'), (BLOCK, 'late'), (BLOCK, 'lie'), (BLOCK, 'hang'), (BLOCK, 'hang late'),
    (UNBLOCK, 'lie'), (UNBLOCK, 'fail'), (UNBLOCK, 'hang'),
    (ONBAR, 'fail'), (ONBAR, 'lie'), ('onstat -l', 'odd'), ('onstat -d', 'odd'), ('onstat -', 'odd'), ('onstat -c', 'fail')])
def test_whatever_goes_wrong_it_does_not_stay_blocked(server, on, do):
    record = Record()
    server.fault(on, do)
    with pytest.raises(Refused):
        opened(server, record=record, seconds=1 if on == UNBLOCK and do == 'hang' else 30, limit=1)
    eventually(lambda: not server.blocked)
    assert record.undo == {} or on == UNBLOCK


@pytest.mark.parametrize('on, do', [(UNBLOCK, 'late'), (UNBLOCK, 'hang late'), (ONBAR, 'late')])
def test_an_effect_counts_and_not_its_report(server, on, do):
    server.fault(on, do)
    if 'hang' in do:
        with pytest.raises(LeaseExpired):
            opened(server, seconds=1)
    else:
        opened(server)
    assert not server.blocked


def test_a_status_that_turns_odd_in_the_window_is_torn(server):
    script = 'sed -i \'s/"faults": \\[\\]/"faults": [{"on": "onstat -", "do": "odd", "times": 1}]/\' %s' % server.file
    with pytest.raises(Refused):
        opened(server, cut=script)
    assert not server.blocked


def test_a_block_that_ends_in_the_window_is_torn(server):
    with pytest.raises(Torn):
        opened(server, cut='sed -i \'s/"blocked": "ARCHIVE_EBR"/"blocked": ""/\' %s' % server.file)
    assert not server.blocked and ONBAR not in server.said()


def test_a_cut_that_fails_unblocks(server):
    with pytest.raises(Torn):
        opened(server, cut='exit 1')
    assert not server.blocked and server.said() == [BLOCK, UNBLOCK]


def test_the_watchdog_unblocks_for_a_killed_module(server):
    inside = server.base.join('inside')
    pid = os.fork()
    if pid == 0:
        try:
            opened(server, cut=': >%s; sleep 60' % inside)
        finally:
            os._exit(1)
    eventually(inside.check)
    assert server.blocked
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    eventually(lambda: not server.blocked)


def dead(server):
    """The holder of an undo entry."""
    record = Record()
    record.add_undo(holder_of(server).lasting())
    return lasting_holder(record.undo[KEY], RUN)


def test_what_a_dead_run_has_left_is_let_go(server):
    server.set(blocked='ARCHIVE_EBR')
    runner = Runner()
    assert [argv[-2:] for argv in dead(server).to_release(runner)] == [['-c', 'unblock']] and server.said() == []
    assert dead(server).release(runner) and len(runner.commands) == 1 and not server.blocked
    assert dead(server).to_release(runner) == [] and dead(server).release(runner) and server.said() == [UNBLOCK]


@pytest.mark.parametrize('do', ['fail', 'lie'])
def test_an_unblock_that_does_not_work_is_not_taken_for_one(server, do):
    server.set(blocked='ARCHIVE_EBR')
    server.fault(UNBLOCK, do)
    assert not dead(server).release(Runner()) and server.blocked
    assert dead(server).release(Runner()) and not server.blocked


def test_a_server_that_is_down_is_not_blocked(server):
    server.set(mode='Off-Line', blocked='ARCHIVE_EBR')
    assert dead(server).to_release(Runner()) == [] and dead(server).release(Runner())


@pytest.mark.parametrize('shown, rc, status', [
    ('On-Line', 5, ('On-Line', None, [])), ('On-Line (Prim)', 5, ('On-Line', 'Prim', [])), ('On-Line (CKPT REQ)', 5, ('On-Line', None, [])),
    ('On-Line (Prim) (CKPT INP)', 5, ('On-Line', 'Prim', [])), ('Quiescent', 1, ('Quiescent', None, [])),
    ('Fast Recovery', 2, ('Fast Recovery', None, [])), ('Read-Only (Sec)', 5, None), ('On-Line', 0, None), ('Perhaps', 5, None),
    ('On-Line (Perhaps)', 5, None)])
def test_modes(shown, rc, status):
    result = answer('\n' + BANNER % shown + '\n', rc)
    if status is None:
        with pytest.raises(UnknownWord):
            status_of(result)
    else:
        assert status_of(result) == (status[0], status[1], frozenset(status[2]))


@pytest.mark.parametrize('shown, reasons', [
    ('Blocked:CKPT', ['CKPT']), ('Blocked:ARCHIVE_EBR ', ['ARCHIVE_EBR']), ('Blocked:LONGTX DBS_DROP', ['LONGTX', 'DBS_DROP']),
    ('Blocked:WEATHER', None), ('Blocked:', None)])
def test_reasons(shown, reasons):
    result = answer(BANNER % 'On-Line' + shown + '\n', 5)
    if reasons is None:
        with pytest.raises(UnknownWord):
            status_of(result)
    else:
        assert status_of(result).reasons == frozenset(reasons)


@pytest.mark.parametrize('out', ['', 'onstat: not found', 'Chunks\n', BANNER % 'On-Line'])
@pytest.mark.parametrize('parse', [chunks_of, logs_of, lambda out: status_of(answer(out, 0))])
def test_what_cannot_be_understood_is_an_error(out, parse):
    with pytest.raises(UnknownWord):
        parse(out)


LOGS = """
Logical Logging
Buffer bufused  bufsize  numrecs  numpages numwrits recs/pages pages/io
  L-3  0        16       42169    2872     1043     14.7       2.8
        Subsystem    numrecs  Log Space used
        OLDRSAM      42169    4436496

address  number   flags    uniqid   begin                size     used    %used
a517f70  1        U-B----  1        1:763                 500      500   100.00
a40dab0  2        F------  2        1:1263                500        0     0.00
a40dbb0  6        U---C-L  6        1:3263                500      372    74.40
a40dbf0  7        A------  0        1:3763                500        0     0.00
 8 active, 8 total
"""


def test_logs():
    logs = logs_of(LOGS)
    assert logs == [Log(1, True, False), Log(2, True, False), Log(6, False, True)] and current(logs) == 6


@pytest.mark.parametrize('old, new', [('U---C-L', 'U-----L'), ('F------', 'U---C--'), ('F------', 'X------'), ('1:1263', 'one')])
def test_logs_that_are_odd(old, new):
    with pytest.raises(UnknownWord):
        current(logs_of(LOGS.replace(old, new)))


CHUNKS = """
Dbspaces
address          number   flags      fchunk   nchunks  pgsize   flags    owner    name
55143028         1        0x60001    1        1        2048     N  BA    informix rootdbs
 1 active, 2047 maximum

Chunks
address          chunk/dbs     offset     size       free       bpages     flags pathname
55143258         1      1      0          102400     75469                 PO-B-D /opt/informix/rootdbs
57b02028         6      6      0          500000     466272     466272     POSB-D /opt/informix/sbspace1
                                 Metadata 33675      25057      33675
57b03028         7      7      0          625000     ~389399    625000     MD-B-- /dev/rdsk/mirror one
 3 active, 32766 maximum

NOTE: The values in the "size" and "free" columns for DBspace chunks are
      displayed in terms of "pgsize" of the DBspace to which they belong.

Expanded chunk capacity mode: always
"""


def test_chunks():
    assert [(chunk.path, chunk.primary, chunk.online) for chunk in chunks_of(CHUNKS)] == [
        ('/opt/informix/rootdbs', True, True), ('/opt/informix/sbspace1', True, True), ('/dev/rdsk/mirror one', False, False)]


def test_chunks_that_are_odd():
    with pytest.raises(UnknownWord):
        chunks_of(CHUNKS.replace('PO-B-D', 'QQ-B-D'))
