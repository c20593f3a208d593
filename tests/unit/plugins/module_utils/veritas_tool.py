# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tools of veritas.py: main() runs one by `BASE NAME ARGUMENT...`. Each call is a process, so this imports little."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import marshal
import os
import sys
import time

HEADINGS = '''V  NAME RVG/VSET/CO KSTATE STATE LENGTH READPOL PREFPLEX UTYPE
PL NAME VOLUME KSTATE STATE LENGTH LAYOUT NCOL/WID MODE
SD NAME PLEX DISK DISKOFFS LENGTH [COL/]OFF DEVICE MODE
DC NAME PARENTVOL LOGVOL
SP NAME SNAPVOL DCO
'''
LENGTH = 8192
SLOW = 3
# Read and written by marshal, which no interpreter has to look for.
STATE = 'state.of.volumes'


def volume(plexes, **more):
    """A volume of the state."""
    return dict(dict(kstate='ENABLED', state='ACTIVE', length=LENGTH, dco=False, fastresync='off', instant='off', devopen='off',
                     restore='off', parent=None, usage='fsgen', cache=False, plexes=plexes), **more)


def plex(state='ACTIVE', **more):
    return dict(dict(state=state, kstate='ENABLED', length=LENGTH, disk='disk01'), **more)


class Tool:
    """One call of one tool."""

    def __init__(self, base, name, args):
        self.base, self.name, self.args = base, name, args
        with open(os.path.join(base, STATE), 'rb') as source:
            self.state = marshal.load(source)
        self.options, self.words = [], list(args)
        while self.words and self.words[0].startswith('-'):
            word = self.words.pop(0)
            self.options.append(word)
            if word in ('-g', '-o', '-F', '-n'):
                self.options.append(self.words.pop(0))
        self.group = self.state['groups'].get(self.value('-g'))
        self.verb = self.words[0] if self.words else name

    def value(self, option):
        return self.options[self.options.index(option) + 1] if option in self.options else None

    def run(self):
        """Do it; the exit code."""
        with open(os.path.join(self.base, 'journal'), 'a') as journal:
            journal.write(' '.join([self.name] + self.args) + '\n')
        effect = self.state['faults'].get(self.verb, self.state['faults'].get(self.name))
        if effect in ('fail', 'lie-ok'):
            return self.end(effect)
        if self.value('-g') and self.group is None:
            sys.stderr.write('VxVM %s ERROR V-5-1-582 Disk group %s: No such disk group\n' % (self.name, self.value('-g')))
            return 9
        getattr(self, self.name)()
        temporary = os.path.join(self.base, STATE + '.new')
        with open(temporary, 'wb') as target:
            marshal.dump(self.state, target)
        os.rename(temporary, os.path.join(self.base, STATE))
        if effect == 'slow':
            # What takes its time, and tells when it is at its end.
            time.sleep(SLOW)
            open(os.path.join(self.base, 'at_its_end'), 'w').close()
        return self.end(effect)

    def end(self, effect):
        if effect in ('fail', 'lie-fail'):
            sys.stderr.write('VxVM %s ERROR V-5-1-0 it failed\n' % self.name)
            return 1
        return 0

    def vxprint(self):
        form, volumes = self.value('-F'), self.group['volumes']
        named = [word for word in self.words if word in volumes]
        if form and 'putil2' in form:
            for name in sorted(volumes):
                print('vol %s %s' % (name, self.state['tags'].get(name, '-')))
                for one in sorted(volumes[name]['plexes']):
                    print('plex %s %s' % (one, self.state['tags'].get(one, '-')))
        elif form and form[1:] in self.state.get('unknown_fields', []):
            sys.exit(1)
        elif form:
            print(volumes[self.words[0]][form[1:]])
        elif '-l' in self.options:
            words = {'on': 'open', 'off': 'closed'}
            print('Volume:   %s\nflags:    %s writecopy' % (named[0], words.get(volumes[named[0]]['devopen'], 'odd')))
        elif '-m' in self.options:
            for name in named or sorted(volumes):
                print('vol  %s\n\trestore=%s' % (name, volumes[name]['restore']))
        else:
            if len(named) < len(self.words):
                sys.exit(11)
            print('Disk group: %s\n\n%s' % (self.value('-g'), HEADINGS))
            for name in named or sorted(volumes):
                self.rows(name, volumes[name])
            for name in self.group['linked']:
                print('sp %s_snp %s x_dco' % (name, name))

    def rows(self, name, one):
        print('v %s - %s %s %d SELECT - %s' % (name, one['kstate'], one['state'], one['length'], one['usage']))
        for key in sorted(one['plexes']):
            found = one['plexes'][key]
            print('pl %s %s %s %s %d CONCAT - RW' % (key, name, found['kstate'], found['state'], found['length']))
            print('sd %s-01 %s %s 0 %d 0 sdb ENA' % (found['disk'], key, found['disk'], found['length']))
        if one['dco']:
            print('dc %s_dco %s %s_dcl' % (name, name, name))

    def attach(self, name):
        one = self.group['volumes'][name]
        number = 1 + len(one['plexes'])
        while any('%s-%02d' % (name, number) in other['plexes'] for other in self.group['volumes'].values()):
            number += 1
        one['plexes']['%s-%02d' % (name, number)] = plex('SNAPATT', disk='disk02')

    def cut(self, name, snapshot, cache=False):
        one = self.group['volumes'][name]
        ready = sorted(key for key in one['plexes'] if one['plexes'][key]['state'] == 'SNAPDONE')
        if not ready and not cache:
            sys.stderr.write('no snapshot mirror of %s\n' % name)
            sys.exit(20)
        moved = {snapshot + '-P01': plex()} if cache else {ready[0]: dict(one['plexes'].pop(ready[0]), state='ACTIVE')}
        self.group['volumes'][snapshot] = volume(moved, parent=name, dco=one['dco'], instant=one['instant'], cache=cache)
        if one['dco']:
            self.group['linked'] += [name, snapshot]

    def back(self, snapshot):
        gone = self.group['volumes'].pop(snapshot)
        for key, value in gone['plexes'].items():
            self.group['volumes'][gone['parent']]['plexes'][key] = dict(value, state='SNAPATT')
        self.untie(snapshot, gone['parent'])

    def untie(self, *names):
        self.group['linked'] = [name for name in self.group['linked'] if name not in names]

    def drop(self, name):
        plexes = self.group['volumes'][name]['plexes']
        for key in [key for key in plexes if plexes[key]['state'] in ('SNAPATT', 'SNAPDONE')]:
            del plexes[key]

    def vxassist(self):
        if self.verb == 'maxsize':
            print('Maximum volume size: %d (%dMb)' % (self.group['free'], self.group['free'] // 2048))
        elif self.verb == 'snapstart':
            self.attach(self.words[1])
        elif self.verb == 'snapshot' and 'name=' in (self.value('-o') or ''):
            for name in self.words[1:]:
                self.cut(name, self.value('-o')[len('name='):].replace('%v', name))
        elif self.verb == 'snapshot':
            self.cut(*self.words[1:])
        elif self.verb == 'snapback':
            self.back(self.words[1])
        elif self.verb == 'snapclear' and self.words[2:]:
            self.untie(self.words[2][:-len('_snp')])
        elif self.verb == 'snapclear':
            self.untie(self.words[1], self.group['volumes'][self.words[1]]['parent'])
        elif self.verb == 'snapabort':
            self.drop(self.words[1])

    def vxsnap(self):
        volumes = self.group['volumes']
        if self.verb == 'prepare':
            volumes[self.words[1]].update(instant='on', dco=True, fastresync='on')
        elif self.verb == 'addmir':
            self.attach(self.words[1])
        elif self.verb == 'make':
            for word in self.words[1:]:
                parts = dict(part.split('=', 1) for part in word.split('/'))
                self.cut(parts['source'], parts['newvol'], 'cache' in parts)
        elif self.verb == 'reattach':
            self.back(self.words[1])
        elif self.verb == 'restore':
            volumes[self.words[1]]['restore'] = 'on'
        elif self.verb == 'dis' and volumes[self.words[1]]['cache']:
            sys.exit(20)
        elif self.verb == 'dis':
            self.untie(self.words[1], volumes[self.words[1]]['parent'])
        elif self.verb == 'rmmir':
            self.drop(self.words[1])
        elif self.verb == 'list':
            print('NAME DG OBJTYPE SNAPTYPE PARENT PARENTDG SNAPDATE CHANGE_DATA SYNCED_DATA')
            for name in sorted(name for name in volumes if volumes[name]['parent']):
                print('%s dg vol mirbrk %s dg 2026/11/20 12:29 %s 4M (100%%)' % (
                    name, volumes[name]['parent'], volumes[name].get('changed', '0M (0.0%)')))

    def vxedit(self):
        if 'set' in self.words:
            for name in self.words[2:]:
                self.state['tags'][name] = self.words[1].partition('=')[2]
        else:
            gone = self.group['volumes'].pop(self.words[-1])
            # Its own snap object goes with it; that of its original stays.
            self.untie(gone['parent'])

    def vxdg(self):
        groups, deported = self.state['groups'], self.state['deported']
        if self.verb == 'list' and len(self.words) == 1:
            print('NAME         STATE           ID')
            for name in sorted(groups):
                print('%-12s %-15s 1.2.node1' % (name, groups[name]['state']))
        elif self.verb == 'list':
            found = groups[self.words[1]]
            print('Group:     %s\ndgid:      %s\nflags:     %s\nversion:   %s' % (
                self.words[1], found['dgid'], found['flags'], found['version']))
        elif self.verb == 'listmove':
            print('\n'.join(['disk02 sdc'] + self.words[3:] + self.state.get('dragged', [])))
        elif self.verb == 'split':
            source = groups[self.words[1]]
            groups[self.words[2]] = dict(source, dgid='1.3.' + self.words[2], linked=[], volumes=dict(
                (name, dict(source['volumes'].pop(name), kstate='DISABLED')) for name in self.words[3:]))
            for name in self.state.get('stops', []):
                source['volumes'][name]['kstate'] = 'DISABLED'
        elif self.verb == 'join':
            gone = groups.pop(self.words[1])
            groups[self.words[2]]['volumes'].update((name, dict(one, kstate='DISABLED')) for name, one in gone['volumes'].items())
        elif self.verb == 'free':
            print('DISK DEVICE TAG OFFSET LENGTH FLAGS\ndisk02 sdc sdc 0 %d -' % self.group['free'])
        elif self.verb == 'deport':
            deported[self.words[1]] = groups.pop(self.words[1])
        elif self.verb == 'import':
            groups[self.words[1]] = deported.pop(self.words[1])
            for one in groups[self.words[1]]['volumes'].values():
                one['kstate'] = 'DISABLED'

    def vxvol(self):
        for name, one in self.group['volumes'].items():
            if self.verb != 'start' or name in self.words[1:]:
                one['kstate'] = 'ENABLED' if self.verb.startswith('start') else 'DISABLED'

    def vxrecover(self):
        """Nothing has to be recovered here."""

    def vxdisk(self):
        if self.words[1:]:
            print('Device:    %s\nhostid:    %s' % (self.words[1], self.state['owners'].get(self.words[1][4:], '')))
            return
        print('DEVICE       TYPE            DISK         GROUP        STATUS')
        for name in self.state['groups']:
            print('dev-%s auto:cdsdisk disk01 %s online' % (name, name))
        for name in self.state['deported']:
            print('dev-%s auto:cdsdisk - (%s) online' % (name, name))

    def vxtask(self):
        print('TASKID  PTID TYPE/STATE    PCT   PROGRESS')
        print('   160           ATCOPY/R 04.56% 0/2097152/95632 PLXATT vol01 vol01-02 datadg')

    def vxdctl(self):
        if self.words == ['list']:
            print('Volboot file\nhostid:  node1')
        elif 'mode' in self.words:
            print(self.state['mode'])

    def kstat(self):
        with open(os.path.join(self.base, 'boot')) as source:
            print('unix:0:system_misc:boot_time\t' + source.read())


def main():
    return Tool(sys.argv[1], sys.argv[2], sys.argv[3:]).run()
