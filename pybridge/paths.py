"""Where the SQL lies: the database is the product, so its files stand at the top of the checkout."""

import os
from pathlib import Path


def root() -> Path:
    """The checkout that holds migrations/ and db/; PYBRIDGE_ROOT names another one."""
    override = os.environ.get("PYBRIDGE_ROOT")
    return Path(override).resolve() if override else Path(__file__).resolve().parent.parent


ROOT = root()
MIGRATIONS = ROOT / "migrations"
DB = ROOT / "db"
EXAMPLES = ROOT / "examples"
