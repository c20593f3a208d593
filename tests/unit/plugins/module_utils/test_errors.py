# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Errors are one readable paragraph, and facts for programs."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import json

import pytest

from ansible_collections.volmgr.snapbackup.plugins.module_utils import _errors
from ansible_collections.volmgr.snapbackup.plugins.module_utils._command import Result
from ansible_collections.volmgr.snapbackup.plugins.module_utils._errors import CommandFailed, Refused


def test_one_paragraph():
    error = Refused('d3 cannot be split.', object='d3', found='offline', needed='okay.', look='metastat d1', vendor='no\n', remedy='wait')
    assert str(error) == 'd3 cannot be split. Found: offline. Needed: okay. Look with: metastat d1. The system said: no. To do: wait.'


def test_facts_that_are_not_known_are_left_out_of_the_text_and_none_in_the_dictionary():
    error = Refused('No.', found='', vendor=None)
    assert str(error) == 'No.'
    assert error.as_dict() == dict(object=None, found='', needed=None, look=None, vendor=None, remedy=None)


def test_a_misspelt_fact_is_an_error():
    pytest.raises(TypeError, Refused, 'No.', remdy='wait')


@pytest.mark.parametrize('value', [u'd\xe9', u'd\xe9'.encode('utf-8') if str is bytes else u'd\xe9', 'd1', 7])
def test_any_text_can_be_printed_and_written_as_json(value):
    error = Refused('%s cannot be split.' % _errors.native(value), object=value, found=value)
    assert isinstance(str(error), str)
    json.dumps(error.as_dict())


def test_a_message_read_from_a_file_can_be_printed():
    assert isinstance(str(Refused(u'd\xe9')), str)


@pytest.mark.parametrize('rc, out, err, text, vendor', [
    (1, '', 'bad\n', 'ended with exit code 1', 'bad'), (1, 'said here\n', '', 'ended with exit code 1', 'said here'),
    (None, '', '', 'did not end within its limit', None), (-9, '', 'x' * 5000, 'exit code -9', 'x' * 2000)])
def test_command_failed(rc, out, err, text, vendor):
    error = CommandFailed(Result(['/usr/sbin/metastat', 'd1'], rc, out, err, 0.1, 1.0))
    assert text in str(error) and '/usr/sbin/metastat d1' in str(error)
    assert error.facts['vendor'] == vendor
    assert 'own words' in str(CommandFailed(error.result, 'own words', vendor='v'))


@pytest.mark.parametrize('name', ['CommandFailed', 'UnknownWord', 'LeaseExpired', 'Torn'])
def test_all_of_them_are_refusals(name):
    assert issubclass(getattr(_errors, name), Refused)
