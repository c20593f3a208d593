# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host with a class of GDS on top of the small Solaris host: slices in a file, the sdx commands in sh. Not the simulator."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from solaris import HEAD, Solaris

SDXINFO = r'''
echo 'OBJ    NAME    TYPE   SCOPE       SPARE'
echo '------ ------- ------ ----------- -----'
echo "class  Class1  $(cat "$D/scope" 2>/dev/null || echo shared node1:node2) 0"
echo
echo 'OBJ    NAME   TYPE   CLASS   GROUP  DEVNAM DEVBLKS FREEBLKS DEVCONNECT  STATUS E'
echo '------ ------ ------ ------- ------ ------ ------- -------- ----------- ------ -'
while read d grp dev class; do
    echo "disk $d mirror $class $grp $dev 17596416 * node1:node2 ENABLE 0"
done <"$D/disks"
echo
echo 'OBJ    NAME   TYPE   CLASS  DISKS       BLKS    FREEBLKS SPARE'
echo '------ ------ ------ ------ ----------- ------- -------- -----'
echo "group  Group1 $(cat "$D/grouptype" 2>/dev/null || echo mirror) Class1 Disk1:Disk2 8192 0 0"
[ ! -f "$D/groups" ] || cat "$D/groups"
echo
echo 'OBJ    NAME    TYPE   CLASS   GROUP   DISK   MASTER PROXY SKIP JRM 1STBLK LASTBLK BLOCKS STATUS PSLICE LOCK MODE'
echo '------ ------- ------ ------- ------- ------ ------ ----- ---- --- ------ ------- ------ ------ ------ ---- ----'
echo 'volume *       mirror Class1  Group1  *      *      *     *    *   0      65535   65536  PRIVATE * * *'
while read v master proxy status pslice lock mode grp size; do
    echo "volume $v mirror Class1 $grp * $master $proxy off on 65536 $((65535 + size)) $size $status $pslice $lock $mode"
done <"$D/volumes"
echo
echo 'OBJ    CLASS   GROUP   DISK   VOLUME  STATUS CURBLKS COPYBLKS'
echo '------ ------- ------- ------ ------- ------ ------- --------'
while read v d st; do
    [ "$st" = COPY ] && blocks='2048 8192' || blocks='* *'
    echo "slice  Class1  Group1  $d  $v  $st $blocks"
done <"$D/slices"
'''
# The slice is named by -d DISK -v VOLUME or by -s DISK.VOLUME.
SDXSLICE = r'''
act=$1; shift
while [ $# -gt 0 ]; do
    case $1 in -d) d=$2 ;; -v) v=$2 ;; -s) d=${2%%.*} v=${2#*.} ;; esac
    shift 2
done
case $act in -M) st=TEMP ;; -R) st=COPY ;; -F) st=TEMP-STOP ;; -N) st=TEMP ;; -T) st=TEMP-STOP ;; esac
sed "s/^$v $d .*/$v $d $st/" "$D/slices" >"$D/new.$$" && mv "$D/new.$$" "$D/slices"
'''
# -C gives each volume of the group a slice on the disk, which is being copied to; -D takes them away.
SDXDISK = r'''
act=$1; shift
while [ $# -gt 0 ]; do
    case $1 in -d) d=$2 ;; -g) g=$2 ;; esac
    shift 2
done
case $act in
    -M) echo "${d#*=} * ${d%%=*} Class1" >>"$D/disks" ;;
    -C) sed "s/^$d \*/$d $g/" "$D/disks" >"$D/new.$$" && mv "$D/new.$$" "$D/disks"
        while read v rest; do echo "$v $d COPY" >>"$D/slices"; done <"$D/volumes" ;;
    -D) sed "s/^$d $g/$d */" "$D/disks" >"$D/new.$$" && mv "$D/new.$$" "$D/disks"
        sed "/ $d /d" "$D/slices" >"$D/new.$$" && mv "$D/new.$$" "$D/slices" ;;
    -R) sed "/^$d /d" "$D/disks" >"$D/new.$$" && mv "$D/new.$$" "$D/disks" ;;
esac
'''
SDXCOPY = 'sed "s/INVALID/COPY/" "$D/slices" >"$D/new.$$" && mv "$D/new.$$" "$D/slices"\n'
EDIT = r'''
# change VOLUME COLUMN VALUE: one word of a line of file volumes
change() { awk -v v="$1" -v c="$2" -v x="$3" '$1 == v { $c = x } { print }' "$D/volumes" >"$D/new.$$" && mv "$D/new.$$" "$D/volumes"; }
words() { echo "$1" | tr ',' ' '; }
'''
SDXVOLUME = EDIT + r'''
act=$1; shift
while [ $# -gt 0 ]; do
    case $1 in -v) v=$2 ;; -e) e=$2 ;; esac
    shift 2
done
mode=$(echo ",$e" | sed -n 's/.*,mode=//p')
old=$(awk -v v="$v" '$1 == v { print $4 }' "$D/volumes")
[ -z "$mode" ] || change "$v" 7 "$mode"
case $act in
    -F) change "$v" 4 STOP; [ "$old" = STOP ] || echo "SDX:sdxvolume: INFO: $v: stopped volume on node node1" ;;
    -N) change "$v" 4 ACTIVE; [ "$old" = ACTIVE ] || echo "SDX:sdxvolume: INFO: $v: started volume on node node1" ;;
esac
'''
SDXATTR = EDIT + 'change "$5" 6 "${7#lock=}"\n'
# Part starts the proxy; Join and Rejoin leave it copying.
SDXPROXY = EDIT + r'''
act=$1; shift
while [ $# -gt 0 ]; do
    case $1 in -m) m=$2 ;; -p) p=$2 ;; esac
    shift 2
done
copy() { sed "s/^$1 \([^ ]*\) .*/$1 \1 COPY/" "$D/slices" >"$D/new.$$" && mv "$D/new.$$" "$D/slices"; }
for v in $(words "$p"); do
    case $act in
        Join) change "$v" 2 "$m"; change "$v" 3 Join; copy "$v" ;;
        Part) change "$v" 3 Part; change "$v" 4 ACTIVE ;;
        Rejoin) change "$v" 3 Join; copy "$v" ;;
        RejoinRestore) change "$v" 3 Join; copy "$(awk -v v="$v" '$1 == v { print $2 }' "$D/volumes")" ;;
        Restore) copy "$(awk -v v="$v" '$1 == v { print $2 }' "$D/volumes")" ;;
        Break) change "$v" 2 '*'; change "$v" 3 '*' ;;
    esac
done
'''
TOOLS = dict(sdxinfo=SDXINFO, sdxslice=SDXSLICE, sdxcopy=SDXCOPY, sdxdisk=SDXDISK, sdxvolume=SDXVOLUME, sdxattr=SDXATTR, sdxproxy=SDXPROXY)


class Gds(Solaris):
    """Class1 with mirror volumes: lines `VOLUME DISK STATUS` in file slices, in file volumes lines of NAME MASTER PROXY STATUS PSLICE
    LOCK MODE GROUP BLOCKS."""

    def __init__(self, base, monkeypatch):
        Solaris.__init__(self, base, monkeypatch)
        for name, body in TOOLS.items():
            self.put(os.path.join('tools', name), HEAD % base + body)
            os.chmod(self.path('tools', name), 0o755)
        self.put('volumes', '')
        self.put('slices', '')
        self.put('disks', 'Disk1 Group1 c1t1d1 Class1\nDisk2 Group1 c2t1d1 Class1\n')

    def volume(self, name, *disks, **more):
        """A volume with valid slices on these disks, mounted unless it is stopped; its mount point."""
        status = more.get('status', 'ACTIVE')
        self.put('volumes', self.read('volumes') + ' '.join([
            name, more.get('master', '*'), more.get('relation', '*'), status, more.get('pslice', 'on'), more.get('lock', 'off'), 'rw',
            more.get('group', 'Group1'), str(more.get('blocks', 8192))]) + '\n')
        self.put('slices', self.read('slices') + ''.join('%s %s %s\n' % (name, disk, status) for disk in disks))
        if status == 'STOP':
            return None
        point = os.path.join(self.shared, name)
        os.mkdir(point)
        self.points.append(point)
        self.put('mnttab', self.read('mnttab') + '/dev/sfdsk/Class1/dsk/%s\t%s\tufs\trw,logging\t0\n' % (name, point))
        return point

    def set(self, volume, disk, status):
        """Give a slice its status."""
        self.put('slices', ''.join('%s %s %s\n' % (v, d, status if (v, d) == (volume, disk) else old)
                                   for v, d, old in (line.split() for line in self.read('slices').splitlines())))

    def edit(self, volume, column, word):
        """Change one word of a volume's line; the columns as in the file."""
        columns = ('name', 'master', 'proxy', 'status', 'pslice', 'lock', 'mode', 'group', 'blocks')
        lines = [line.split() for line in self.read('volumes').splitlines()]
        for line in lines:
            if line[0] == volume:
                line[columns.index(column)] = word
        self.put('volumes', ''.join(' '.join(line) + '\n' for line in lines))

    def unmount(self, name):
        """Take a volume out of the mount table."""
        self.put('mnttab', ''.join(line + '\n' for line in self.read('mnttab').splitlines() if '/%s\t' % name not in line))

    def slices(self):
        return dict((tuple(line.split()[:2]), line.split()[2]) for line in self.read('slices').splitlines())
