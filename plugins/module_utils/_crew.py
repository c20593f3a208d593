# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Doing the same for several things at a time, with a limit, all or nothing."""

from __future__ import absolute_import, division, print_function
__metaclass__ = type

import threading

# A thread whose tools are dead ends at once, unless the system does not end its read or write. Less than a module waits for a job
# that it stops, so that the job can still say that it was stopped.
END_WAIT = 10


def each(items, work, limit, stop):
    """[work(item) for item in items], with up to limit of them at a time, each in a thread.

    When one fails nothing more is begun, stop() must make the others end, and then the first error is raised here. So it is when this
    thread is interrupted.
    """
    crew = _Crew(items, work, stop)
    threads = [threading.Thread(target=crew.member) for dummy in range(min(limit, len(items)))]
    try:
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            while thread.is_alive():
                # With a limit, because in Python 2 a join without one cannot be interrupted by a signal; and with a short one, because a
                # signal that comes just before the system call is seen only when that has returned.
                thread.join(1)
    except BaseException as error:
        crew.fail(error)
        for thread in threads:
            if thread.is_alive():
                thread.join(END_WAIT)
    if crew.error is not None:
        raise crew.error
    return crew.results


class _Crew:
    def __init__(self, items, work, stop):
        self.todo = list(enumerate(items))
        self.work = work
        self.stop = stop
        self.results = [None] * len(self.todo)
        self.error = None
        self._lock = threading.Lock()

    def next(self):
        """The next (number, item), or None when there is nothing more to be begun."""
        with self._lock:
            return self.todo.pop(0) if self.todo and self.error is None else None

    def fail(self, error):
        with self._lock:
            first = self.error is None
            self.error = self.error or error
        if first:
            self.stop()

    def member(self):
        for number, item in iter(self.next, None):
            try:
                self.results[number] = self.work(item)
            except BaseException as error:
                self.fail(error)
