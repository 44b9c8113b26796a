"""The server of a run: durable, alone, and thrown away afterwards."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pybridge.deploy import deploy
from tests.support import servers
from tests.support.servers import TestServer

Connection = psycopg.Connection[Any]

SQL = Path(__file__).parent / "sql"
PLAIN, OURS, BASELINE = "plain", "ours", "baseline"  # PLAIN: the programme, and nothing sold
SELLER = "bench_seller"
FEW = 5  # transactions per client, where a second would be too long
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "work_mem": "32MB",
    "checkpoint_timeout": "30min",  # each round begins after a checkpoint of ours; none falls into it
    "autovacuum": "off",  # as above, with VACUUM
    "random_page_cost": "1.1",
    "jit": "off",
}


class NotDurable(RuntimeError):
    """The server would lose commits, so its speed says nothing."""


@dataclass(frozen=True)
class Bench:
    """The running server."""

    server: TestServer

    def connect(self, dbname: str, **options: Any) -> Connection:
        return self.server.connect(dbname, **options)

    def clone(self, dbname: str, origin: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(dbname), sql.Identifier(origin)
                )
            )

    def pgbench(
        self,
        dbname: str,
        script: str,
        *,
        clients: int,
        seconds: float,
        groups: int = 1,
        user: str = servers.SUPERUSER,
        rate: int | None = None,
    ) -> float:
        """Run a script of bench/sql over the Unix socket, prepared, and return transactions per second.

        `seconds`: below 1, a few transactions per client. `rate`: at most so many per second.
        """
        arguments = ["-h", self.server.socket_dir, "-p", self.server.port, "-U", user, "-f", SQL / script]
        arguments += ["-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2)]
        arguments += ["-T", round(seconds)] if seconds >= 1 else ["-t", FEW]
        arguments += ["-D", f"groups={groups}", *(["-R", rate] if rate else [])]
        run = subprocess.run(
            [str(a) for a in (self.server.bin_dir / "pgbench", *arguments, dbname)],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise RuntimeError(f"pgbench {script} failed:\n{run.stdout}\n{run.stderr}")
        for line in run.stdout.splitlines():
            if line.startswith("tps = "):
                return float(line.split()[2])
        raise RuntimeError(f"pgbench said nothing of tps:\n{run.stdout}")


def run_file(connection: Connection, script: str, **parameters: object) -> None:
    """Run a file of bench/sql, its statements one after the other; `%(name)s` stands for a parameter."""
    text = (SQL / script).read_text().encode()
    if parameters:
        psycopg.ClientCursor(connection).execute(text, parameters)
    else:
        connection.execute(text)


def require_durable(connection: Connection) -> None:
    """Refuse a server that would lose commits."""
    for setting in DURABLE:
        row = connection.execute("select current_setting(%s)", [setting]).fetchone()
        if row != ("on",):
            raise NotDurable(f"{setting} is {row[0] if row else None}; a benchmark needs it on")


def file_system(folder: Path) -> str:
    """The kind of the file system that holds a folder: on tmpfs, fsync means nothing."""
    run = subprocess.run(["df", "--output=fstype", str(folder)], capture_output=True, text=True, check=True)
    return run.stdout.split()[-1]


@contextmanager
def started(folder: Path) -> Iterator[Bench]:
    """A durable server beneath `folder`, gone afterwards. Where it keeps its data is where its speed comes from."""
    with tempfile.TemporaryDirectory(prefix="pybridge-bench-", dir=folder, ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        server = servers.start(servers.WHEEL_VERSION, Path(name), durable=True)
        try:
            bench = Bench(server)
            with bench.connect("postgres") as connection:
                for setting, value in SETTINGS.items():
                    connection.execute(
                        sql.SQL("alter system set {} = {}").format(sql.Identifier(setting), sql.Literal(value))
                    )
            server.restart()
            with bench.connect("postgres") as connection:
                require_durable(connection)
            yield bench
        finally:
            servers.stop(server)


def deployed(bench: Bench, dbname: str) -> None:
    """A database of the checkout, with the programme that is sold from."""
    with bench.connect("postgres") as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(dbname)))
    with bench.connect(dbname, autocommit=False) as connection:
        deploy(connection)
        connection.execute("insert into deploy.test_clock default values")  # its months pass in minutes
    with bench.connect(dbname) as connection:
        run_file(connection, "programme.sql")


def without_triggers(connection: Connection) -> None:
    """Our triggers off, in the baseline's database. Constraints, foreign keys among them, and indexes stay."""
    run_file(connection, "triggers_off.sql")
