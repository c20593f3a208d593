# -*- coding: utf-8 -*-
# Copyright: (c) 2026, volmgr.snapbackup contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""./dev demo [NAME]: a whole backup on simulated hosts with real data, then a restore, told step by step."""

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))
DEMOS = sorted(path.stem[len("demo_"):] for path in Path(__file__).parent.glob("demo_*.py"))


def main():
    parser = argparse.ArgumentParser(prog="dev demo", description=__doc__)
    parser.add_argument("name", nargs="?", default="svm", choices=DEMOS, help="which volume manager (%(default)s)")
    demo = importlib.import_module("demo_" + parser.parse_args().name)
    try:
        demo.main()
    except RuntimeError as error:
        sys.exit("demo: FAILED: %s" % error)


if __name__ == "__main__":
    main()
