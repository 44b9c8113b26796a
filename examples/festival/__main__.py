"""`python -m examples.festival`: the demo, on the embedded database or the one that the environment names."""

import argparse
import sys

from rich.console import Console

from pybridge.database import NoDatabase
from pybridge.extras import MissingExtra, needs


def run() -> int:
    parser = argparse.ArgumentParser(
        description="Play some days of a festival's ticket sale and three months of a marketplace, and show the books."
    )
    parser.add_argument(
        "--yes-this-database",
        action="store_true",
        help="play in the database that the environment names, or among events that are not the demo's; "
        "sales wait for nobody there: unpaid ones are released",
    )
    asked = parser.parse_args()
    try:
        with needs("all"):
            from .play import DemoRefused, main
    except MissingExtra as error:
        print(error, file=sys.stderr)
        return 1
    try:
        main(Console(), yes_this_database=asked.yes_this_database)
    except (DemoRefused, NoDatabase) as error:
        print(error, getattr(error, "hint", ""), sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
