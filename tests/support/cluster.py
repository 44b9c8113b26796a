"""A Citus cluster in place of the server of the tests: PYBRIDGE_TEST_CITUS=PORT,PORT,..., the coordinator's first.

Whoever tests brings it: servers on 127.0.0.1 with Citus preloaded, whose superuser `postgres` needs no password
(docs/howto/scale-out.md). Each database of the tests is then one on every node, its clicks distributed.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg import errors, sql

from tests.support import servers

PORTS = [int(port) for port in os.environ.get("PYBRIDGE_TEST_CITUS", "").split(",") if port]
SHARDS = 8
OWNER = "pybridge_owner"
# Databases are made node by node here.
ALONE = "-c citus.enable_ddl_propagation=off -c client_min_messages=error"


def _connect(port: int, database: str = "postgres", options: str = ALONE) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1", port=port, dbname=database, user="postgres", autocommit=True, options=options
    )


def on_each(database: str, statement: sql.Composed) -> None:
    for port in PORTS:
        with _connect(port, database) as connection:
            connection.execute(statement)


def join(database: str) -> None:
    """Make a database, which the coordinator has, one of the cluster."""
    coordinator, *workers = PORTS
    for port in workers:
        with _connect(port) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
    for port in PORTS:
        with _connect(port, database) as connection:
            connection.execute("create extension if not exists citus")
    with _connect(coordinator, database) as connection:
        connection.execute("select citus_set_coordinator_host('127.0.0.1', %s)", [coordinator])
        for port in workers:
            connection.execute("select citus_add_node('127.0.0.1', %s)", [port])


def distribute(database: str) -> None:
    with _connect(PORTS[0], database) as connection:
        connection.execute("select marketplace.distribute_clicks(%s)", [SHARDS])
        connection.execute(sql.SQL("alter role {} login").format(sql.Identifier(OWNER)))


def drop(database: str) -> None:
    for port in PORTS:
        try:
            with _connect(port, database) as connection:
                left = connection.execute("select gid from pg_prepared_xacts where database = current_database()")
                for (gid,) in left.fetchall():
                    connection.execute(sql.SQL("rollback prepared {}").format(sql.Literal(gid)))
        except psycopg.OperationalError:
            continue  # there is none
    on_each("postgres", sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))


def clone(database: str, template: str) -> None:
    """Where shards are, nodes know by the database's name: a copy on each is a cluster of its own."""
    for port in PORTS:
        with _connect(port) as connection:
            connection.execute(
                sql.SQL("alter database {} with allow_connections false").format(sql.Identifier(template))
            )
            for _ in range(50):  # Citus's own daemon comes back until then
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [template]
                )
                try:
                    connection.execute(
                        sql.SQL("create database {} template {} strategy file_copy").format(
                            sql.Identifier(database), sql.Identifier(template)
                        )
                    )
                    break
                except errors.ObjectInUse:
                    time.sleep(0.1)
            else:
                raise TimeoutError(f"somebody is connected to {template} on port {port}")


# --- Nodes that are killed ------------------------------------------------------------------------------------------

DATA = [Path(folder) for folder in os.environ.get("PYBRIDGE_TEST_CITUS_DATA", "").split(",") if folder]
"""Where each node of PORTS has its data, if tests may kill it and start it: PYBRIDGE_TEST_CITUS_DATA=DIR,DIR,..."""
VERSION = os.environ.get("PYBRIDGE_TEST_PG", servers.WHEEL_VERSION)
NOBODY = "nobody"  # a standby that there is not


@dataclass(frozen=True)
class Node:
    """One of the cluster's servers, by its place in PORTS: 0 is the coordinator."""

    place: int

    @property
    def port(self) -> int:
        return PORTS[self.place]

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return _connect(self.port, database)

    def kill(self) -> None:
        """All its processes at once, as when a machine loses its power."""
        server = psutil.Process(int((DATA[self.place] / "postmaster.pid").read_text().split()[0]))
        server.suspend()  # it starts nothing meanwhile
        for process in [*server.children(recursive=True), server]:
            process.kill()
        server.wait(10)

    def start(self) -> None:
        folder = DATA[self.place]
        owner = folder.stat()
        become = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", "--"]
        pg_ctl = Path(servers.DEBIAN.format(VERSION), "pg_ctl")
        # Root's own files of libpq are not the server's to read.
        environment = {**os.environ, "HOME": str(folder.parent)}
        subprocess.run(
            [*(become if os.geteuid() == 0 else []), pg_ctl, "start", "-w", "-D", folder, "-l", f"{folder}.log"],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment,
        )  # fmt: skip

    def hold_commits(self, *, hold: bool) -> None:
        """While it is on, what is committed or prepared here is written, and waits for a standby before it goes on."""
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("alter system set synchronous_standby_names = {}").format(NOBODY if hold else "")
            )
            connection.execute("select pg_reload_conf()")
        time.sleep(0.5)  # the checkpointer says it to the others

    def await_any(self, condition: LiteralString, database: str) -> None:
        """Until one of the node's sessions in the database is in this state."""
        query = sql.SQL("select exists (select from pg_stat_activity where datname = %s and {})").format(
            sql.SQL(condition)
        )
        with self.connect("postgres") as connection:
            for _ in range(600):
                if connection.execute(query, [database]).fetchone() == (True,):
                    return
                time.sleep(0.05)
        raise TimeoutError(f"nobody on port {self.port} was seen where {condition}")
