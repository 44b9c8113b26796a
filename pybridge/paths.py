"""Where the SQL and the examples lie: at the top of a checkout, or inside an installed package."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def root() -> Path:
    """The folder that holds db/, migrations/ and examples/; PYBRIDGE_ROOT names another one."""
    if override := os.environ.get("PYBRIDGE_ROOT"):
        return Path(override).resolve()
    return PACKAGE if (PACKAGE / "migrations").is_dir() else CHECKOUT


ROOT = root()
MIGRATIONS = ROOT / "migrations"
DB = ROOT / "db"
EXAMPLES = ROOT / "examples"
