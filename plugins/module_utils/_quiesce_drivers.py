# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The drivers of option quiesce: what holds an application still (see _quiesce for what such a holder is).

Each is imported when it is asked for. Many modules need the window and few a database in it, and to compile all of them takes nearly half
of what the collection adds to the start of a module.
"""

from __future__ import absolute_import, division, print_function
__metaclass__ = type


def command():
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_command import CommandPair
    return CommandPair


def informix():
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_informix import Informix
    return Informix


def mysql():
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_mysql import MySQL
    return MySQL


def oracle():
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_oracle import Oracle
    return Oracle


def postgresql():
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_postgresql import PostgreSQL
    return PostgreSQL


def services():
    from ansible_collections.volmgr.snapbackup.plugins.module_utils._quiesce_services import StoppedServices
    return StoppedServices


# {name: a function that returns the class}
DRIVERS = dict(command=command, informix=informix, mysql=mysql, oracle=oracle, postgresql=postgresql, services=services)
