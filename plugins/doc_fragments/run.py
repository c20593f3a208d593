# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import absolute_import, division, print_function
__metaclass__ = type


class ModuleDocFragment(object):
    """Options of every module that takes part in a run."""

    DOCUMENTATION = r'''
options:
  run:
    description:
      - Id of the run this call belongs to, as returned by M(volmgr.snapbackup.backup_run).
      - The call renews the run's deadline, and whatever it changes is first entered in the run record on the host.
    type: str
  state_dir:
    description:
      - Directory on the host that holds the run records.
      - It must not lie on a volume that is backed up.
    type: path
    default: /var/lib/snapbackup
'''

    QUIESCE = r'''
options:
  quiesce:
    description:
      - Applications to hold still while the copies are split, in addition to the file systems, which are found in the mount table.
      - Each entry is entered in the given order and left in the reverse order.
    type: list
    elements: dict
    default: []
    suboptions:
      driver:
        description:
          - V(postgresql) keeps the cluster in backup mode over the cut and saves what recovery needs.
          - V(mysql) holds commits back on a MariaDB or MySQL server by a lock that ends with its session.
          - V(command) runs a command before and another one after the cut.
          - V(services) counts on services that M(volmgr.snapbackup.service_bracket) has stopped in the same run, and fails the cut where
            they do not stand still.
        type: str
        required: true
        choices: [postgresql, mysql, command, services]
      before:
        description: Command that holds the application still, as a list of arguments. Driver V(command) only.
        type: list
        elements: str
      after:
        description:
          - Command that lets the application go on, as a list of arguments. Driver V(command) only.
          - The watchdog on the host runs it too when the call dies, so it must be harmless when it is run twice.
        type: list
        elements: str
      limit:
        description:
          - Seconds that entering the quiesced state may take.
          - V(mysql) waits that long at most for what is in the way of its lock; other writers wait behind it meanwhile.
        type: int
        default: 30
      user:
        description:
          - Operating system user that connects to the database. Drivers V(postgresql) and V(mysql).
          - The default is V(postgres) for V(postgresql), and for V(mysql) the user that the module runs as.
        type: str
      client:
        description:
          - Absolute path of the database's client program, where it is not in the usual directories.
          - It is C(psql) for V(postgresql), and C(mariadb) or C(mysql) for V(mysql).
        type: path
      option_file:
        description:
          - Absolute path of an option file on the host that holds the account and the password. Driver V(mysql) only.
          - Only the user that connects should be able to read it. Without it the client reads its usual option files,
            and a server that knows the operating system user needs none.
        type: path
      socket:
        description: For V(postgresql) the directory of the cluster's Unix socket, for V(mysql) the socket of the server.
        type: path
      port:
        description: Port of the cluster. Driver V(postgresql) only.
        type: int
        default: 5432
      filesystems:
        description: Mount points that are unmounted meanwhile, and so need no lock. Driver V(services) only.
        type: list
        elements: path
        version_added: 0.3.0
  lease:
    description:
      - Seconds after which a watchdog on the host releases the file systems, whatever has become of the call.
      - Reaching it fails the split; nothing is stored then.
    type: int
    default: 60
'''
