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
          - V(oracle) keeps the database in backup mode over the cut and stores what recovery needs, or proves that it is archived.
          - V(informix) blocks the server over the cut, and has ON-Bar keep the logical logs.
          - V(command) runs a command before and another one after the cut.
          - V(services) counts on services that M(volmgr.snapbackup.service_bracket) has stopped in the same run, and fails the cut where
            they do not stand still.
        type: str
        required: true
        choices: [postgresql, mysql, oracle, informix, command, services]
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
          - Operating system user that connects to the database. Drivers V(postgresql), V(mysql) and V(oracle).
          - The default is V(postgres) for V(postgresql), V(oracle) for V(oracle), and for V(mysql) the user that the module runs as.
        type: str
      client:
        description:
          - Absolute path of the database's client program, where it is not in the usual directories.
          - It is C(psql) for V(postgresql), C(mariadb) or C(mysql) for V(mysql), and C(bin/sqlplus) below O(quiesce[].home) for V(oracle).
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
      sid:
        description: C(ORACLE_SID) of the instance. Required for driver V(oracle).
        type: str
        version_added: 0.3.0
      home:
        description: C(ORACLE_HOME) of the instance, or C(INFORMIXDIR) of the server. Required for drivers V(oracle) and V(informix).
        type: path
        version_added: 0.3.0
      service:
        description:
          - Net service name whose account is in a wallet of O(quiesce[].user). Driver V(oracle) only.
          - Without it the operating system tells who connects. Either way no password is given to this module.
        type: str
        version_added: 0.3.0
      archive:
        description:
          - What becomes of the logs that recovery needs. Drivers V(oracle) and V(informix).
          - V(stored) stores the archived logs with the images. It is the default of V(oracle).
          - V(proved) proves that they are archived on this host and lists them in the manifest; keeping them is then your task. Only
            V(oracle) has this.
          - V(onbar) has ON-Bar back up the logical logs after the cut, and proves that it has. Only V(informix) has this; without
            it the verdict of a backup with V(informix) is never V(application).
        type: str
        choices: [stored, proved, onbar]
        version_added: 0.3.0
      control_directory:
        description:
          - Directory in which the database writes a copy of its control file, which is then stored with the images and removed.
          - The database's user must be able to write there, and not everybody. Required for driver V(oracle).
        type: path
        version_added: 0.3.0
      suspend:
        description: Whether the database is suspended over the cut, in addition to its backup mode. Driver V(oracle) only.
        type: bool
        default: false
        version_added: 0.3.0
      server:
        description: C(INFORMIXSERVER) of the server. Required for driver V(informix).
        type: str
        version_added: 0.3.0
      onconfig:
        description: C(ONCONFIG), the name of the server's configuration file, where it is not the usual one. Driver V(informix) only.
        type: str
        version_added: 0.3.0
      sqlhosts:
        description: C(INFORMIXSQLHOSTS), where that is not the usual file. Driver V(informix) only.
        type: path
        version_added: 0.3.0
  lease:
    description:
      - Seconds after which a watchdog on the host releases the file systems, whatever has become of the call.
      - Reaching it fails the split; nothing is stored then.
    type: int
    default: 60
'''
