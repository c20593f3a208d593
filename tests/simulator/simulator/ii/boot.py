# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of a simulated host with Instant Image: installed by a topology, reboot, show, tear down.

    ii:
      resync_speed: 200 MiB      # bytes per second of each copy, or stall
      sets:                      # enabled and synchronised, on the host that has their volumes
        Backup1:
          - {master: /dev/vx/rdsk/production/vol01, shadow: ..., bitmap: ..., kind: ind}

Volumes, also those for bitmaps, are those of the other managers.
"""
import os

from simulator.core import place, units
from simulator.ii import bitmap, copying, data, kernel, model, suspend, sv

SWITCHES = ("resync_speed", "ii_driver", "ii_bitmap", "ii_services", "auto_sv")
COLUMNS = {"ii_driver": "loaded", "ii_bitmap": "bitmap", "ii_services": "services", "auto_sv": "auto_sv"}


def apply(store, spec):
    """Install it as the topology's `ii` part says; what exists stays."""
    if spec is None:
        return
    with store.transaction():
        if model.host(store) is None:
            store.db.execute("INSERT INTO ii_host (host, speed) VALUES (?,?)",
                             (place.HOST, units.speed(spec.get("resync_speed", "200 MiB"))))
            for group, parts in (spec.get("sets") or {}).items():
                for part in parts:
                    enable(store, group, part)


def enable(store, group, part):
    """A set whose copy has ended; hosts that have not its volumes are left alone."""
    paths = [part[name] for name in ("master", "shadow", "bitmap")]
    if any(data.opened(store, path) is None for path in paths):
        return
    for path in paths[:2]:
        sv.enable(store, path, "ii")
    row = kernel.enable(store, part.get("kind", "ind"), *paths, group)
    copy = copying.active(store, row)
    if copy is not None:
        copying.finish(store, row, copy)


def holds(store, rdev):
    """True while the driver or SV has a device open."""
    paths = [row["path"] for row in sv.rows(store) if row["kernel"]]
    for row in model.sets(store, kernel=1):
        paths += [row["bitmap"], row["overflow"]] + ([] if row["flags"] & model.SHDIMPORT else [row["master"]])
        paths += [] if row["flags"] & model.SHDEXPORT else [row["shadow"]]
    return any(is_node(path, rdev) for path in paths if path)


def is_node(path, rdev):
    """True if a path leads to a device."""
    try:
        return data.number(path) == rdev
    except OSError:
        return False


def down(store):
    """Go down: copies come as far as they would have come, all sets are suspended."""
    with store.transaction():
        copying.advance(store)
        suspend.suspend_all(store)


def up(store, options):
    """Come up: all sets are resumed, copies go on. Maps that are kept in memory only are lost by a crash."""
    here = model.host(store)
    if here is not None and here["services"]:
        with store.transaction():
            suspend.resume_all(store, memory_lost=bool(options.get("crash")) and not here["bitmap"])


def switch(store, name, value):
    """Change one switch of this host."""
    copying.advance(store)
    if name == "resync_speed":
        store.db.execute("UPDATE ii_host SET speed=? WHERE host=?", (units.speed(value), place.HOST))
    else:
        store.db.execute("UPDATE ii_host SET %s=? WHERE host=?" % COLUMNS[name], (int(value), place.HOST))


def fail(store, path):
    """Let a volume of sets fail, by its raw path; returns it if there is one."""
    found = []
    for row in model.sets(store, kernel=1):
        for what, flag in (("master", model.MSTOFFLINE), ("shadow", model.SHDOFFLINE), ("bitmap", model.BMPOFFLINE)):
            if row[what] == path:
                copying.stop(store, row, "failed")
                options = ";bmp=%x;" % flag if flag == model.BMPOFFLINE else row["options"]
                model.update(store, row["id"], flags=model.get(store, row["id"])["flags"] | flag, options=options)
                found.append(path)
    return found


def show(store):
    """Sets, copies and storage volumes as plain data."""
    if model.host(store) is None:
        return None
    copying.advance(store)
    hidden = ("shd", "cpy", "seen_master", "seen_shadow")
    sets = [dict({name: row[name] for name in row.keys() if name not in hidden},
                 shadow_bits=bitmap.indices(row["shd"] or b""), copy_bits=len(bitmap.indices(row["cpy"] or b"")))
            for row in model.sets(store)]
    copies = [dict({name: row[name] for name in row.keys() if name != "regions"}, regions=len(row["regions"]) // 4)
              for row in store.rows("SELECT * FROM ii_copy WHERE host=? ORDER BY id", place.HOST)]
    return {"host": dict(model.host(store)), "sets": sets, "copies": copies, "sv": [dict(row) for row in sv.rows(store)]}


def reset(store):
    """Forget everything."""
    for row in model.sets(store):
        data.drop(row["id"])
    for table in ("host", "set", "copy", "sv", "overflow"):
        store.db.execute("DELETE FROM ii_%s WHERE host=?" % table, (place.HOST,))
    top = os.path.join(place.SAN, "volumes", "ii")
    if os.path.isdir(top) and not os.listdir(top):
        os.rmdir(top)
