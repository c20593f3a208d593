# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How volumes are built, and who owns a disk set."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import random
import re

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused, UnknownWord
from ansible_collections.volmgr.snapbackup.plugins.module_utils._svm_layout import (
    MIRROR, OTHER, SOFT_PARTITION, STRIPE, mirror_options, owned_pattern, parse_layout, rebuilding, refuse_foreign, users)

from scripted import fixture, fixtures

SHORT = '''\
d101 -p d1 -o 4160 -b 2097152\x20
d1 -m d2 d3 -g -S 3
d2 2 1 c1t0d0s0 \\
\t 2 c1t2d0s0 c1t3d0s0 -i 32b
d3 1 1 c1t1d0s0 -h hsp001
hsp001 c5t0d0s0
hsp002
d50 -r c3t0d0s0 c3t1d0s0 c3t2d0s0 -k -i 32b
'''
PATHS = re.sub(r'\bd([123])\b(?! )|(?<= )d([123])\b', lambda found: '/dev/md/rdsk/d%s' % (found.group(1) or found.group(2)), SHORT)


@pytest.mark.parametrize('text', [SHORT, PATHS, SHORT.replace('c1', '/dev/rdsk/c1').replace('c3', '/dev/dsk/c3')])
def test_layout(text):
    layout = parse_layout(text)
    assert [(volume.name, volume.kind, volume.parts) for volume in layout.values()] == [
        ('d101', SOFT_PARTITION, ['d1']), ('d1', MIRROR, ['d2', 'd3']), ('d2', STRIPE, ['c1t0d0s0', 'c1t2d0s0', 'c1t3d0s0']),
        ('d3', STRIPE, ['c1t1d0s0']), ('hsp001', OTHER, ['c5t0d0s0']), ('hsp002', OTHER, []),
        ('d50', OTHER, ['c3t0d0s0', 'c3t1d0s0', 'c3t2d0s0'])]
    assert users(layout, 'd3') == ['d1'] and users(layout, 'd1') == ['d101'] and users(layout, 'd101') == []
    assert ''.join(volume.text + '\n' for volume in layout.values()) == text


@pytest.mark.parametrize('rest, options, again', [
    ('d2 d3 1', ('roundrobin', 'parallel', '1'), ['1']), ('d2 -g 0', ('geometric', 'parallel', '0'), ['-g', '0']),
    ('d2 d3 -r -S 9', ('first', 'serial', '9'), ['-r', '-S', '9']), ('/dev/md/rdsk/d2 -S 1', ('roundrobin', 'serial', '1'), ['-S', '1'])])
def test_options_of_a_mirror(rest, options, again):
    mirror = parse_layout('d1 -m %s\n' % rest)['d1']
    assert mirror_options(mirror) == options and rebuilding(mirror) == again


@pytest.mark.parametrize('rest', ['d2 d3', '1', 'd2 d3 -g', 'd2 -x 1', 'd2 -g -r 1'])
def test_a_mirror_of_another_form_is_an_error(rest):
    with pytest.raises(UnknownWord):
        parse_layout('d1 -m %s\n' % rest)


@pytest.mark.parametrize('base', ['blue/d1', '/dev/md/blue/rdsk/d1', '/dev/md/blue/dsk/d1'])
def test_names_in_a_disk_set(base):
    layout = parse_layout('blue/d101 -p %s -o 1 -b 100 \nd102 -p d1 -o 1 -b 100 \nblue/d1 -m blue/d2 /dev/md/blue/rdsk/d3 1\n' % base)
    assert users(layout, 'blue/d1') == ['blue/d101'] and users(layout, 'd1') == ['d102']
    assert layout['blue/d1'].parts == ['blue/d2', 'blue/d3']


def test_no_output_is_no_volume():
    assert dict(parse_layout('')) == {}


def test_damage_makes_no_mirror_of_another():
    """Whatever happens to a layout, it is refused, or every mirror in it has a name and submirrors that were printed."""
    chance = random.Random(7)
    for dummy in range(3000):
        text = list(SHORT)
        for dummy in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = chance.choice('x -/\\\n\t09\x1b')
        try:
            layout = parse_layout(''.join(text))
        except UnknownWord:
            continue
        for volume in layout.values():
            assert volume.kind != MIRROR or (volume.parts and all(part in ''.join(text) for part in volume.parts))


@pytest.mark.parametrize('name, good', [('owned', True), ('owned_second', True), ('auto', True), ('mediators', True), ('released', False),
                                        ('auto_released', False), ('multi_owner', False)])
def test_owner(name, good):
    text = fixture('metaset', name)
    assert bool(re.search(owned_pattern('blue'), text, re.MULTILINE)) is good
    if good:
        refuse_foreign(text, 'blue')
    else:
        with pytest.raises(Refused) as caught:
            refuse_foreign(text, 'blue')
        assert not isinstance(caught.value, UnknownWord) and caught.value.facts['object'] == 'blue'


@pytest.mark.parametrize('change', [('blue', 'red'), ('Yes\n', 'Yea\n'), ('Owner', 'Besitzer'), ('  node1', 'node1')])
def test_a_set_that_is_described_otherwise_is_an_error(change):
    text = fixture('metaset', 'owned').replace(*change)
    with pytest.raises(UnknownWord):
        refuse_foreign(text, 'blue')
    assert not re.search(owned_pattern('blue'), text, re.MULTILINE)


def test_a_drive_is_no_owner():
    """Drives have a Yes of their own."""
    for name in fixtures('metaset'):
        text = fixture('metaset', name).replace('Owner\n  node1              Yes', 'Owner\n  node1')
        if name in ('owned', 'mediators', 'released'):
            assert not re.search(owned_pattern('blue'), text, re.MULTILINE)
            with pytest.raises(Refused):
                refuse_foreign(text, 'blue')
