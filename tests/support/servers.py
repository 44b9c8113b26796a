"""PostgreSQL servers for tests: `testing.postgresql`, made to work as root and to crash on purpose."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from testing.postgresql import Postgresql

from pybridge.local import wheel
from tests.support import fetched

DEBIAN = "/usr/lib/postgresql/{}/bin"
WHEEL_VERSION = "18"
SUPERUSER = "postgres"
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30
"""Bytes that must be free in memory for servers to keep their files there."""

COMMON = (
    *("-h", "127.0.0.1", "-c", "logging_collector=off", "-c", "timezone=Europe/Oslo", "-c", "max_connections=200"),
    *("-c", "jit=off"),  # what is asked here is small
)
CARELESS = ("-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum_naptime=1h")


class MissingVersion(LookupError):
    """The asked version of PostgreSQL is not on this machine."""


def check(version: str) -> None:
    """Refuse a version that this machine does not have."""
    if version == WHEEL_VERSION:
        return
    if version in fetched.PACKAGES:
        if not fetched.programs(version).is_dir():
            raise MissingVersion(
                f"there is no PostgreSQL {version} here; run: python -m tests.support.fetched {version}"
            )
    elif not (folder := Path(DEBIAN.format(version))).joinpath("initdb").exists():
        raise MissingVersion(f"there is no {folder}; it comes with Debian's package postgresql-{version}")


def programs(version: str, copies: Path) -> Path:
    """The folder of a version's server: the wheel's, one that was fetched, or Debian's package's."""
    check(version)
    if version == WHEEL_VERSION:
        return wheel.reachable(wheel.unprivileged(), copies)
    if version in fetched.PACKAGES:
        return _within_reach(version, copies)
    return Path(DEBIAN.format(version))


def clients(version: str, copies: Path) -> Path:
    """The folder of psql, pg_dump and the like that go with a version; a newer one's where it comes without."""
    folder = programs(version, copies)
    return folder if (folder / "psql").exists() else programs(WHEEL_VERSION, copies)


def _within_reach(version: str, copies: Path) -> Path:
    """A fetched version's programs where the server's account can run them."""
    folder, account = fetched.programs(version), wheel.unprivileged()
    if account is None or wheel.runs(account, folder):
        return folder
    copy = copies / f"postgresql-{version}"
    if not copy.exists():
        shutil.copytree(fetched.FOLDER / version, copy, symlinks=True)
    return copy / fetched.PACKAGES[version].programs


class TestServer(Postgresql):  # type: ignore[misc]  # the library is untyped
    """A server of `testing.postgresql` that runs as an unprivileged account when root starts it.

    The account comes through setpriv, which becomes the server; runuser would fork, and the server outlive its stop.
    """

    __test__ = False
    child_process: subprocess.Popen[bytes] | None

    def __init__(self, bin_dir: Path, base_dir: Path, *, durable: bool = False, origin: Path | None = None) -> None:
        self.origin = origin  # the data of one that is stopped: it begins as a copy
        self.bin_dir = bin_dir  # initdb and postgres
        self.account = wheel.unprivileged()
        self.arguments = COMMON + (() if durable else CARELESS)
        super().__init__(
            initdb=str(bin_dir / "initdb"),
            postgres=str(bin_dir / "postgres"),
            base_dir=str(base_dir),
            boot_timeout=60.0,
        )

    def initialize_database(self) -> None:
        if self.account:
            base = Path(self.base_dir)
            for folder in (base, *(base / name for name in self.subdirectories)):
                os.chown(folder, self.account.uid, self.account.gid)
        if self.origin is not None:
            subprocess.run(["cp", "-a", f"{self.origin}/.", self.get_data_directory()], check=True)
            return
        result = wheel.run_as(
            self.account,
            self.initdb,
            *("-D", self.get_data_directory(), "-U", SUPERUSER, "-A", "trust", "--no-sync"),
            *("--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8"),
        )
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{result.stdout}")

    def get_server_commandline(self) -> list[str]:
        become = []
        if self.account:
            become = ["setpriv", f"--reuid={self.account.uid}", f"--regid={self.account.gid}", "--clear-groups", "--"]
        where = ("-p", str(self.settings["port"]), "-D", self.get_data_directory(), "-k", str(self.socket_dir))
        return [*become, self.postgres, *where, *self.arguments]

    @property
    def socket_dir(self) -> Path:
        return Path(self.base_dir, "tmp")

    @property
    def port(self) -> int:
        return int(self.settings["port"])

    def connect(self, dbname: str = "postgres", user: str = SUPERUSER, **options: Any) -> psycopg.Connection[Any]:
        options.setdefault("autocommit", True)
        return psycopg.connect(host="127.0.0.1", port=self.port, dbname=dbname, user=user, **options)

    def poststart(self) -> None:
        """The library would make a database `test` here; our tests clone their own."""

    def is_server_available(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def kill9(self) -> None:
        """End the server and all its sessions at once, as a power cut would."""
        assert self.child_process is not None, "the server is not running"
        postmaster = psutil.Process(self.child_process.pid)
        postmaster.suspend()  # so that it starts nothing more while we look
        victims = [*postmaster.children(recursive=True), postmaster]
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        psutil.wait_procs(victims, timeout=10)
        self.child_process.wait(timeout=10)
        self.child_process = None

    def restart(self) -> None:
        """Start again on the same port and data, recovering if the server was killed; a running one stops cleanly."""
        if self.child_process is not None:
            self.terminate()
        self.start()


def new_folder(prefix: str) -> Path:
    """A folder that the server's account can reach: pytest's own are closed to it. Short for the socket's sake.

    In memory where there is room: a database is cloned there four times as fast. What is killed is a process, and
    files in memory outlive it as those on a disk do.
    """
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else "/tmp"))
    folder.chmod(0o755)
    return folder


def start(version: str, folder: Path, *, durable: bool = False, origin: Path | None = None) -> TestServer:
    """Start a server with its files in a new folder beneath `folder`, made anew or copied."""
    base = Path(tempfile.mkdtemp(prefix="pg", dir=folder))
    return TestServer(programs(version, folder), base, durable=durable, origin=origin)


def stop(server: TestServer) -> None:
    """Stop a server and remove its files."""
    server.stop(signal.SIGINT)
    shutil.rmtree(server.base_dir, ignore_errors=True)


@contextmanager
def temporary(version: str, *, durable: bool = False) -> Iterator[TestServer]:
    """A server in a folder of its own, both gone afterwards."""
    folder = new_folder("pybridge-tests-")
    try:
        server = start(version, folder, durable=durable)
        try:
            yield server
        finally:
            stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
