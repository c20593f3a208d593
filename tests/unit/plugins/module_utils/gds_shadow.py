# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A backup server of GDS on top of the small Solaris host: shadow objects in files, the sdx commands in sh. Not the simulator."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from solaris import HEAD, Solaris

# Class2 is there as long as it has disks. A volume begins where the one before it ends.
SDXINFO = r'''
[ -s "$D/disks" ] || exit 0
echo 'OBJ    NAME    TYPE   SCOPE SPARE SHADOW'
echo "class  Class2  local  node3 0     $(cat "$D/isshadow")"
[ "$1" != -C ] || exit 0
echo 'OBJ    NAME   TYPE   CLASS   GROUP  DEVNAM DEVBLKS DEVCONNECT  STATUS'
while read d dev g; do echo "disk $d mirror Class2 $g $dev $(cat "$D/blocks.$dev") node3 ENABLE"; done <"$D/disks"
echo 'OBJ    NAME   TYPE   CLASS  DISKS       BLKS    FREEBLKS SPARE WIDTH'
while read g type width disks; do echo "group  $g $type Class2 $disks 8192 0 0 $width"; done <"$D/groups"
echo 'OBJ    NAME    TYPE   CLASS   GROUP   DISK   MASTER PROXY SKIP JRM 1STBLK LASTBLK BLOCKS STATUS MODE'
echo 'volume *       mirror Class2  Group2  *      *      *     *    *   0      65535   65536  PRIVATE *'
while read v g first size status mode; do
    echo "volume $v mirror Class2 $g * * * off off $first $((first + size - 1)) $size $status $mode"
done <"$D/volumes"
'''
OPTIONS = r'''
act=$1; shift
type=mirror width='*'
while [ $# -gt 0 ]; do
    case $1 in -c) c=$2 ;; -d) d=$2 ;; -g) g=$2 ;; -v) v=$2 ;; -s) s=$2 ;; -e) e=${2#mode=} ;;
        -a) type=${2#type=}; type=${type%%,*}; case $2 in *width=*) width=${2##*width=} ;; esac ;; esac
    shift 2
done
words() { echo "$1" | tr ',' ' '; }
change() { awk -v v="$1" -v c="$2" -v x="$3" '$1 == v { $c = x } { print }' "$D/$4" >"$D/new.$$" && mv "$D/new.$$" "$D/$4"; }
drop() { sed "/^$1 /d" "$D/$2" >"$D/new.$$" && mv "$D/new.$$" "$D/$2"; }
'''
SDXSHADOWDISK = OPTIONS + r'''
case $act in
    -M) for pair in $(words "$d"); do echo "${pair#*=} ${pair%%=*} *" >>"$D/disks"; done ;;
    -C) for disk in $(words "$d"); do change "$disk" 3 "$g" disks; done
        echo "$g $type $width $(echo "$d" | tr ',' ':')" >>"$D/groups" ;;
    -R) drop "$d" disks ;;
esac
'''
SDXSHADOWGROUP = OPTIONS + 'drop "$g" groups\n'
SDXSHADOWVOLUME = OPTIONS + r'''
end=$(awk -v g="$g" 'BEGIN { end = 65536 } $2 == g { end = $3 + $4 } END { print end }' "$D/volumes")
case $act in
    -M) echo "$v $g $end $s ACTIVE ro" >>"$D/volumes" ;;
    -F) change "$v" 5 STOP volumes ;;
    -N) change "$v" 5 ACTIVE volumes; change "$v" 6 "$e" volumes ;;
    -R) drop "$v" volumes ;;
esac
'''
TOOLS = dict(sdxinfo=SDXINFO, sdxshadowdisk=SDXSHADOWDISK, sdxshadowgroup=SDXSHADOWGROUP, sdxshadowvolume=SDXSHADOWVOLUME)


class BackupServer(Solaris):
    """Files: disks (NAME DEVICE GROUP), groups (NAME TYPE WIDTH DISKS), volumes (NAME GROUP FIRST BLOCKS STATUS MODE), and
    blocks.DEVICE for every disk that the host can see."""

    def __init__(self, base, monkeypatch):
        Solaris.__init__(self, base, monkeypatch)
        for name, body in TOOLS.items():
            self.put(os.path.join('tools', name), HEAD % base + body)
            os.chmod(self.path('tools', name), 0o755)
        for name in ('disks', 'groups', 'volumes'):
            self.put(name, '')
        self.put('isshadow', '1')
        for device in ('c9t3d9', 'c9t4d9'):
            self.put('blocks.' + device, '131072')
