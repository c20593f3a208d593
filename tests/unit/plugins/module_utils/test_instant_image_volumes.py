# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which volumes a set of Instant Image may have: those that nobody else needs, each where it must lie."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import Refused
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_report import Set
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_volumes import refuse_company, refuse_travelling
from ansible_collections.volmgr.snapbackup.plugins.module_utils._instant_image_work import Member, refuse_twice

SHADOW, SECOND = '/dev/vx/rdsk/backup/s', '/dev/vx/rdsk/backup/b'
WELL = Member(SHADOW, '/dev/vx/rdsk/oradg/m', '/dev/vx/rdsk/oradg/b', SECOND, None)


@pytest.mark.parametrize('edit, words', [
    (dict(master='/dev/vx/rdsk/backup/m'), 'master would travel'), (dict(bitmap='/dev/vx/rdsk/backup/x'), 'bitmap would travel'),
    (dict(secondary='/dev/vx/rdsk/oradg/c'), 'would not travel')])
def test_what_lies_in_the_wrong_disk_group(edit, words):
    with pytest.raises(Refused) as error:
        refuse_travelling([WELL._replace(**edit)])
    assert words in str(error.value)


def test_what_lies_well():
    refuse_travelling([WELL, Member('/dev/rdsk/c2', '/dev/rdsk/c0', '/dev/rdsk/c1', '/dev/rdsk/c3', None)])
    with pytest.raises(Refused):
        refuse_travelling([Member('/dev/md/b/rdsk/d3', '/dev/md/b/rdsk/d1', '/dev/md/a/rdsk/d2', '/dev/md/b/rdsk/d4', None)])


@pytest.mark.parametrize('what', ['master', 'bitmap'])
def test_what_another_shadow_would_take_along(what):
    other = Member('/dev/vx/rdsk/other/s', '/dev/vx/rdsk/oradg/m2', '/dev/vx/rdsk/oradg/b2', '/dev/vx/rdsk/other/b', None)
    refuse_travelling([WELL, other])
    with pytest.raises(Refused) as error:
        refuse_travelling([WELL, other._replace(**{what: '/dev/vx/rdsk/backup/x'})])
    assert '%s would travel' % what in str(error.value) and SHADOW in str(error.value)


def a_set(**volumes):
    found = Set(dict(dict(master='/dev/vx/rdsk/a/m', shadow='/dev/vx/rdsk/b/s', bitmap='/dev/vx/rdsk/a/b'), **volumes))
    return {found.shadow: found}


@pytest.mark.parametrize('volumes', [
    dict(master='/dev/vx/rdsk/backup/m'), dict(bitmap='/dev/vx/rdsk/backup/m'), dict(overflow='/dev/vx/rdsk/backup/m'),
    dict(shadow=SHADOW, overflow='/dev/vx/rdsk/backup/m')])
def test_what_other_sets_need_stays(volumes):
    refuse_company([WELL], a_set(), True)
    with pytest.raises(Refused) as error:
        refuse_company([WELL], a_set(**volumes), False)
    assert 'would travel' in str(error.value)


def test_a_shadow_that_is_not_named_does_not_go():
    sets = a_set(shadow='/dev/vx/rdsk/backup/s2')
    refuse_company([WELL], sets, False)
    with pytest.raises(Refused) as error:
        refuse_company([WELL], sets, True)
    assert 'was not named' in str(error.value)
    sets['/dev/vx/rdsk/backup/s2'].flags = ('shadow volume exported',)
    refuse_company([WELL], sets, True)


@pytest.mark.parametrize('place, path', [
    ('secondary', SHADOW), ('bitmap', SHADOW), ('shadow', SHADOW), ('secondary', SECOND), ('secondary', WELL.bitmap),
    ('bitmap', WELL.bitmap), ('bitmap', WELL.master), ('secondary', WELL.master), ('shadow', WELL.master)])
def test_a_volume_with_two_places(place, path):
    """The import of a second bitmap that is the shadow of another member would overwrite that."""
    other = Member('/dev/vx/rdsk/backup/s2', WELL.master, '/dev/vx/rdsk/oradg/b2', '/dev/vx/rdsk/backup/c2', None)
    refuse_twice([WELL, other, Member('/dev/vx/rdsk/backup/s3', None, None, None, None)])
    for members in ([WELL, other._replace(**{place: path})], [other._replace(**{place: path}), WELL]):
        with pytest.raises(Refused) as error:
            refuse_twice(members)
        assert 'more than once' in str(error.value)
