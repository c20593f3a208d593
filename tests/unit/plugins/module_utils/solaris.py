# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host with mirrors and UFS locks, as small as the modules need it: states in files, tools in sh.

Not the simulator: it knows no refusal of its own. A test gives a tool a fault with on(tool, shell lines), which run
before the tool does its work.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os
import shutil
import tempfile

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _platform

HEAD = r'''#!/bin/sh
D='%s'
echo "${0##*/} $*" >>"$D/journal"
set_state() { sed "s/^$2 .*/$2 $3/" "$D/mirror.$1" >"$D/new.$$" && mv "$D/new.$$" "$D/mirror.$1"; }
state() { sed -n "s/^$2 //p" "$D/mirror.$1"; }
S=
set_of() { if [ "${1-}" = -s ]; then S=$2/; fi; [ -n "$S" ]; }
lock_file() { echo "$D/lock.$(echo "$1" | tr / _)"; }
[ ! -f "$D/on.${0##*/}" ] || . "$D/on.${0##*/}"
'''

METASTAT = r'''
mode=full
case ${1-} in -c|-t|-p) mode=$1; shift ;; esac
! set_of "$@" || shift 2
[ $# -gt 0 ] || set -- $(cd "$D" && ls | sed -n 's/^mirror\.//p')
if [ "$mode" = -p ]; then
    for m in "$@"; do
        halves=$(sed "s,^\([^ ]*\).*,$S\1," "$D/mirror.$m" | tr '\n' ' ')
        echo "$S$m -m $halves$(cat "$D/options.$m" 2>/dev/null || echo 1)"
    done
    while read s more; do echo "$S$s ${more:-1 1 /dev/rdsk/c1${s}s0}"; done <"$D/stripes"
    [ ! -f "$D/more" ] || cat "$D/more"
    exit 0
fi
word() { case $1 in okay) echo 'Okay        ' ;; resyncing) echo 'Resyncing   ' ;; *) echo 'Needs maintenance' ;; esac; }
mark() { case $1 in okay) ;; offline) echo ' (offline)' ;; resyncing) echo ' (resync-8%)' ;; *) echo ' (maint)' ;; esac; }
for m in "$@"; do
    if [ ! -f "$D/mirror.$m" ]; then echo "metastat: node1: $m: unit not set up" >&2; echo >&2; exit 1; fi
    if [ "$mode" = -c ]; then
        line=
        while read s st; do line="$line $S$s$(mark $st)"; done <"$D/mirror.$m"
        printf '%-16s m  4.0MB%s\n' "$S$m" "$line"
        continue
    fi
    time=; [ "$mode" = full ] || time=$(date -d "@$(cat "$D/time")" '+%a %b %e %H:%M:%S %Y')
    echo "$S$m: Mirror"
    i=0
    while read s st; do
        printf '    Submirror %d: %s\n      State: %s %s\n' $i $S$s "$(word $st)" "$time"
        i=$((i + 1))
    done <"$D/mirror.$m"
    ! grep -q ' resyncing' "$D/mirror.$m" || echo '    Resync in progress: 8 % done'
    printf '    Pass: 1\n    Size: 8192 blocks (4.0 MB)\n\n'
    while read s st; do
        printf '%s: Submirror of %s\n    State: %s %s\n' $S$s $S$m "$(word $st)" "$time"
        [ $st != offline ] || echo "    Invoke: metaonline $m $s"
        [ $st != maintenance ] || echo "    Invoke: metasync $m"
        printf '    Size: 8192 blocks (4.0 MB)\n    Stripe 0:\n'
        printf '\tDevice     Start Block  Dbase        State Reloc Hot Spare\n'
        printf '\tc1%ss0            0     No          Okay   Yes \n\n\n' $s
    done <"$D/mirror.$m"
done
'''

IN_SET = '! set_of "$@" || shift 2\n'
METAOFFLINE = IN_SET + 'set_state $1 $2 offline\necho "$S$1: submirror $S$2 is offlined"\n'
METAONLINE = IN_SET + 'set_state $1 $2 resyncing\necho "$S$1: submirror $S$2 is onlined"\n'
METADETACH = IN_SET + 'sed "/^$2 /d" "$D/mirror.$1" >"$D/new.$$" && mv "$D/new.$$" "$D/mirror.$1"\n'
METATTACH = IN_SET + 'echo "$2 resyncing" >>"$D/mirror.$1"\n'
METACLEAR = IN_SET + 'rm -f "$D/mirror.$1" "$D/options.$1"\n'
METAINIT = IN_SET + r'''
m=$1
echo "$3 okay" >"$D/mirror.$m"
shift 3
echo "$*" >"$D/options.$m"
chmod 600 "$D"/md/$S*/"$m"
'''
METAPARAM = IN_SET + r'''
case $2 in geometric) o='-g ' ;; first) o='-r ' ;; *) o= ;; esac
[ $4 = parallel ] || o="$o-S "
echo "$o$6" >"$D/options.$7"
'''
METASET = r'''
printf '\nSet name = %s, Set number = 1\n\nHost                Owner\n' "$2"
printf '  %-17s  %s\n  %-17s  \n\nDrive    Dbase\n\nc2t0d0   Yes  \n' node1 "$(cat "$D/owner" 2>/dev/null)" node2
'''
OD = 'cat "$D/head.${7##*/}" 2>/dev/null || echo " 01 02"\n'
METASYNC = IN_SET + 'sed "s/maintenance/resyncing/" "$D/mirror.$1" >"$D/new.$$" && mv "$D/new.$$" "$D/mirror.$1"\n'

LOCKFS = r'''
mode=status tag=
while :; do
    case ${1-} in -w|-u|-f) mode=$1; shift ;; -c) tag=$2; shift 2 ;; *) break ;; esac
done
case $mode in
    -f) ;;
    -w) for p in "$@"; do echo "write      $tag" >"$(lock_file "$p")"; done ;;
    -u) for p in "$@"; do rm -f "$(lock_file "$p")"; done ;;
    *) printf '%-20s %-10s %s\n' Filesystem Locktype Comment
       for p in "$@"; do printf '%-20s %s\n' "$p" "$(cat "$(lock_file "$p")" 2>/dev/null || echo 'unlock     ')"; done ;;
esac
exit 0
'''

MOUNT = 'printf \'%s\\t%s\\t%s\\tro\\t0\\n\' "$5" "$6" "$2" >>"$D/mnttab"\n'
UMOUNT = 'grep -v "\t$1\t" "$D/mnttab" >"$D/new.$$"; mv "$D/new.$$" "$D/mnttab"\n'
FSCK = 'echo "ufs fsck: sanity check: $4 okay" >&2\n'
KSTAT = 'printf \'unix:0:system_misc:boot_time\\t%s\\n\' "$(cat "$D/boot")"\n'

TOOLS = dict(metastat=METASTAT, metaoffline=METAOFFLINE, metaonline=METAONLINE, metasync=METASYNC, metadetach=METADETACH,
             metattach=METATTACH, metaclear=METACLEAR, metainit=METAINIT, metaparam=METAPARAM, metaset=METASET, od=OD,
             chown='/bin/chown "$@"\n', chmod='/bin/chmod "$@"\n', lockfs=LOCKFS, mount=MOUNT,
             umount=UMOUNT, fsck=FSCK, kstat=KSTAT)


class Solaris:
    """base, state: directories; points: mount points, which lie on another file system than the state directory."""

    def __init__(self, base, monkeypatch):
        self.base = base
        self.state = os.path.join(base, 'state')
        self.shared = tempfile.mkdtemp(dir='/dev/shm')
        self.points = []
        for name in ('tools', 'tmp'):
            os.mkdir(self.path(name))
        for name, body in TOOLS.items():
            self.tool(name, body)
        self.put('mnttab', '/dev/dsk/c0t0d0s0\t/\tufs\trw\t0\n')
        self.put('stripes', '')
        self.put('boot', '1795000000')
        self.put('time', '1795168800')
        monkeypatch.setattr(_platform, 'TOOL_DIRS', (self.path('tools'),))
        monkeypatch.setattr(_platform, 'MNTTAB', self.path('mnttab'))
        monkeypatch.setattr(tempfile, 'tempdir', self.path('tmp'))

    def tool(self, name, body):
        """A command of the host, of shell lines."""
        self.put(os.path.join('tools', name), HEAD % self.base + body)
        os.chmod(self.path('tools', name), 0o755)

    def path(self, *names):
        return os.path.join(self.base, *names)

    def put(self, name, content):
        with open(self.path(name), 'w') as target:
            target.write(content)

    def read(self, name):
        with open(self.path(name)) as source:
            return source.read()

    def mirror(self, name, mounted=True, **submirrors):
        """A mirror with its submirrors' states; its mount point where it has one. Of a disk set too, where tools are told one."""
        self.put('mirror.' + name, ''.join('%s %s\n' % pair for pair in sorted(submirrors.items())))
        self.put('stripes', self.read('stripes') + ''.join('%s\n' % submirror for submirror in sorted(submirrors)))
        if not mounted:
            return None
        return self.mounted(name)

    def mounted(self, name, diskset=''):
        """Mount a volume; its mount point."""
        point = os.path.join(self.shared, name)
        os.mkdir(point)
        self.points.append(point)
        with open(self.path('mnttab'), 'a') as table:
            table.write('/dev/md/%sdsk/%s\t%s\tufs\trw,logging\t0\n' % (diskset and diskset + '/', name, point))
        return point

    def states(self, name):
        return dict(line.split() for line in self.read('mirror.' + name).splitlines())

    def locks(self):
        return [name for name in os.listdir(self.base) if name.startswith('lock.')]

    def on(self, tool, *lines):
        """Shell lines that a tool runs first; none of them ends the fault."""
        if lines:
            self.put('on.' + tool, '\n'.join(lines) + '\n')
        else:
            os.unlink(self.path('on.' + tool))

    def journal(self, *tools):
        """What was run of these tools (of all, if none is named), in order."""
        if not os.path.exists(self.path('journal')):
            return []
        return [line.strip() for line in self.read('journal').splitlines() if not tools or line.split()[0] in tools]

    def files(self):
        """Every file and directory below the state directory."""
        return sorted(os.path.join(directory, name) for directory, names, files in os.walk(self.state) for name in names + files)

    def remove(self):
        shutil.rmtree(self.shared)
