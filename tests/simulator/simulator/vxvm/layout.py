# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lines of vxprint: headers of several releases, and the rule by which a field is placed.

Each field begins where the word of its header begins, or one blank after the field before it if that is longer.
"""
TY = "TY NAME         ASSOC        KSTATE   LENGTH   PLOFFS   STATE    TUTIL0  PUTIL0\n"
TY_STARTS = (0, 3, 16, 29, 38, 47, 56, 65, 73)
WIDE = (0, 3, 16, 29, 38, 47, 56, 66, 75)
STARTS = {"dg": (0, 3, 16, 29, 38, 47), "dm": (0, 3, 16, 29, 38, 47, 56), "dc": (0, 3, 16, 29), "sp": (0, 3, 16, 29),
          "co": (0, 3, 16, 29, 38), "v": WIDE, "pl": WIDE, "sd": WIDE, "sc": WIDE}

DG = "DG NAME         NCONFIG      NLOG     MINORS   GROUP-ID\n"
ST = "ST NAME         STATE        DM_CNT   SPARE_CNT         APPVOL_CNT\n"
DM = "DM NAME         DEVICE       TYPE     PRIVLEN  PUBLEN   STATE\n"
RV = "RV NAME         RLINK_CNT    KSTATE   STATE    PRIMARY  DATAVOLS  SRL\n"
RL = "RL NAME         RVG          KSTATE   STATE    REM_HOST REM_DG    REM_RLNK\n"
CO = "CO NAME         CACHEVOL     KSTATE   STATE\n"
VT = "VT NAME         RVG          KSTATE   STATE    NVOLUME\n"
V = "V  NAME         RVG/VSET/CO  KSTATE   STATE    LENGTH   READPOL   PREFPLEX UTYPE\n"
V35 = "V  NAME         RVG          KSTATE   STATE    LENGTH   READPOL   PREFPLEX UTYPE\n"
V32 = "V  NAME         USETYPE      KSTATE   STATE    LENGTH   READPOL   PREFPLEX\n"
PL = "PL NAME         VOLUME       KSTATE   STATE    LENGTH   LAYOUT    NCOL/WID MODE\n"
SD = "SD NAME         PLEX         DISK     DISKOFFS LENGTH   [COL/]OFF DEVICE   MODE\n"
SV = "SV NAME         PLEX         VOLNAME  NVOLLAYR LENGTH   [COL/]OFF AM/NM    MODE\n"
SC = "SC NAME         PLEX         CACHE    DISKOFFS LENGTH   [COL/]OFF DEVICE   MODE\n"
DC = "DC NAME         PARENTVOL    LOGVOL\n"
SP = "SP NAME         SNAPVOL      DCO\n"
EX = "EX NAME         ASSOC        VC                       PERMS    MODE     STATE\n"
SR = "SR NAME         KSTATE\n"
HEADERS = {
    "8.0": (DG, ST, DM, RV, RL, CO, VT, V, PL, SD, SV, SC, DC, SP, EX, SR),
    "4.1": (DG, DM, RV, RL, CO, VT, V, PL, SD, SV, SC, DC, SP),
    "3.5": (DG, DM, RV, RL, V35, PL, SD, SV, DC, SP),
    "3.2": (DG, DM, V32, PL, SD),
}


def line(fields, starts):
    """One line of fields placed by STARTS; no blanks at the end."""
    text = ""
    for index, field in enumerate(fields):
        start = starts[min(index, len(starts) - 1)]
        text = text.ljust(max(len(text) + 1, start) if index else 0) + (field if field != "" else "-")
    return text + "\n"


def header(release, tags=None):
    """The header block of -t: all lines of a release, or those of some kinds of records."""
    return "".join(text for text in HEADERS[release] if tags is None or text.split()[0].lower() in tags)


def below_groups(release):
    """Kinds of records whose headers stand above a listing of named records."""
    first = [text.split()[0].lower() for text in HEADERS[release]]
    return first[first.index("v"):]


def typed(entry, release):
    """An entry as a line of the -t layout."""
    tag = entry["tag"]
    mixed = {
        "dg": ("name", "nconfig", "nlog", "base_minor", "dgid"),
        "dm": ("name", "device", "disk_type", "privlen", "len", "dm_state"),
        "v": ("name", "parent", "kstate", "state", "len", "readpol", "prefplex", "usetype"),
        "pl": ("name", "volume", "kstate", "state", "len", "layout", "ncol", "mode"),
        "sd": ("name", "plex", "disk", "offset", "len", "pl_offset", "device", "mode"),
        "sc": ("name", "plex", "cache", "offset", "len", "pl_offset", "device", "mode"),
        "co": ("name", "volume", "kstate", "state"),
        "dc": ("name", "volume", "log"),
        "sp": ("name", "snapvol", "dco"),
    }[tag]
    if tag == "v" and release == "3.2":
        mixed = ("name", "usetype", "kstate", "state", "len", "readpol", "prefplex")
    return line([tag] + [entry[name] for name in mixed], STARTS[tag])


def plain(entry):
    """An entry as a line of the default layout."""
    names = ("tag", "name", "assoc", "kstate", "len", "column_pl_offset", "state", "tutil0", "putil0")
    stateless = ("kstate", "state") if entry["tag"] in ("dg", "dm", "dc", "sp") else ()
    return line(["-" if name in stateless else entry[name] for name in names], TY_STARTS)
