# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host with sets of Instant Image on top of the small Solaris host: sets in a file, iiadm and svadm in sh. Not the simulator."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import os

from solaris import HEAD, Solaris

IIADM = r'''
g=-
now() { date '+%a %b %e %H:%M:%S %Y' | tr ' ' '_'; }
# change SHADOW COLUMN VALUE
change() { awk -v v="$1" -v c="$2" -v x="$3" '$2 == v { $c = x } { print }' "$D/sets" >"$D/new.$$" && mv "$D/new.$$" "$D/sets"; }
members() { if [ $# -gt 0 ]; then echo "$@"; else awk -v g="$g" '$4 == g { print $2 }' "$D/sets"; fi; }
status() {
    echo "$1: (master volume)"; echo "$2: (shadow volume)"; echo "$3: (bitmap volume)"
    if [ "$5" = suspended ]; then echo Suspended.; return; fi
    [ "$4" = - ] || echo "Group name: $4"
    flags=; [ "$5" = - ] || flags=", $(echo "$5" | sed 's/,/, /g' | tr '_' ' ')"
    echo "$(cat "$D/kind" 2>/dev/null || echo Independent) copy$flags"
    echo "Latest modified time: $(echo "$6" | tr '_' ' ')"
    echo "Volume size:     8192"
    echo 'Shadow chunks total: 128 Shadow chunks used: 0'
    echo "Percent of bitmap set: $7"
    [ "$7" = 100 ] || printf '\t(bitmap %s)\n' "$8"
}
while :; do case $1 in -g) g=$2; shift 2 ;; -n) shift ;; *) break ;; esac; done
act=$1; shift
case $act in
    -i) first=yes
        while read m s b rest; do
            case $1 in all|"$s") ;; *) continue ;; esac
            [ "$first" = yes ] || printf '%078d\n' 0 | tr 0 -
            first=; status "$m" "$s" "$b" $rest
        done <"$D/sets" ;;
    -e) echo "$2 $3 $4 $g copy_in_progress,copying_master_to_shadow $(now) 100 dirty" >>"$D/sets" ;;
    -d) grep -v " $1 " "$D/sets" >"$D/new.$$"; mv "$D/new.$$" "$D/sets" ;;
    -E) change "$1" 5 shadow_volume_exported ;;
    -I) echo "<imported_shadow> $1 $2 - shadow_volume_imported $(now) 0 clean" >>"$D/sets" ;;
    -J) change "$1" 5 - ;;
    -m) change "$1" 4 "$g" ;;
    -u|-c) case $1 in s) way=master_to_shadow ;; m) way=shadow_to_master ;; esac
        shift
        for s in $(members "$@"); do change "$s" 5 "copy_in_progress,copying_$way"; change "$s" 6 "$(now)"; done ;;
esac
'''
SVADM = r'''
case ${1-} in
    -e) echo "$2" >>"$D/sv" ;;
    -d) grep -v "^$2\$" "$D/sv" >"$D/new.$$"; mv "$D/new.$$" "$D/sv" ;;
    *) while read v; do printf '%-32s\n' "$v"; done <"$D/sv"
       while read v; do echo "svadm: warning: $v is configured, but not in the config storage" >&2; done <"$D/held" ;;
esac
'''
TOOLS = dict(iiadm=IIADM, svadm=SVADM)
COLUMNS = ('master', 'shadow', 'bitmap', 'group', 'flags', 'modified', 'percent', 'dirty')


class InstantImageHost(Solaris):
    """Volumes are files below /dev/shm; lines of the sets in file sets, of volumes under SV in files sv and held."""

    def __init__(self, base, monkeypatch):
        Solaris.__init__(self, base, monkeypatch)
        for name, body in TOOLS.items():
            self.put(os.path.join('tools', name), HEAD % base + body)
            os.chmod(self.path('tools', name), 0o755)
        for name in ('sets', 'sv', 'held'):
            self.put(name, '')
        for kind in ('dsk', 'rdsk'):
            os.mkdir(os.path.join(self.shared, kind))

    def volume(self, name, blocks=8192):
        """A volume of zeros; the path of its raw device."""
        for kind in ('dsk', 'rdsk'):
            with open(os.path.join(self.shared, kind, name), 'wb') as target:
                target.truncate(blocks * 512)
        return os.path.join(self.shared, 'rdsk', name)

    def member(self, number, blocks=8192):
        """Four volumes, as an entry of option members."""
        names = (('master', 'm', blocks), ('shadow', 's', blocks), ('bitmap', 'b', 80), ('secondary', 'c', 80))
        return dict((what, self.volume('%s%d' % (letter, number), size)) for what, letter, size in names)

    def enabled(self, member, group='-', flags='-', modified='Tue_Mar__4_21:00:05_2003', percent=0, dirty='clean'):
        """Make a set of a member."""
        self.put('sets', self.read('sets') + ' '.join([member['master'], member['shadow'], member['bitmap'], group, flags, modified,
                                                       str(percent), dirty]) + '\n')
        self.put('held', self.read('held') + '%s\n%s\n' % (member['master'], member['shadow']))
        return member

    def edit(self, member, column, word):
        """Change one word of a set's line."""
        lines = [line.split() for line in self.read('sets').splitlines()]
        for line in lines:
            if line[1] == member['shadow']:
                line[COLUMNS.index(column)] = word
        self.put('sets', ''.join(' '.join(line) + '\n' for line in lines))

    def mount(self, path, fstype='ufs'):
        """Mount a volume; its mount point."""
        point = os.path.join(self.shared, 'at.' + os.path.basename(path))
        os.mkdir(point)
        self.points.append(point)
        with open(self.path('mnttab'), 'a') as table:
            table.write('%s\t%s\t%s\trw\t0\n' % (path.replace('/rdsk/', '/dsk/'), point, fstype))
        return point

    def word(self, path, content):
        """Write the first bytes of a raw device."""
        with open(path, 'r+b') as target:
            target.write(content)

    def changes(self):
        """The state-changing commands that were run of iiadm and svadm."""
        return [line.replace(self.shared + '/rdsk/', '') for line in self.journal('iiadm', 'svadm')
                if not line.startswith('iiadm -i') and line != 'svadm']
