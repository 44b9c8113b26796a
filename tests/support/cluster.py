"""A Citus cluster in place of the server of the tests: PYBRIDGE_TEST_CITUS=PORT,PORT,..., the coordinator's first.

Whoever tests brings it: servers on 127.0.0.1 with Citus preloaded, whose superuser `postgres` needs no password
(docs/howto/scale-out.md). Each database of the tests is then one on every node, its clicks distributed.
"""

import os
import time
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql

PORTS = [int(port) for port in os.environ.get("PYBRIDGE_TEST_CITUS", "").split(",") if port]
SHARDS = 8
OWNER = "pybridge_owner"
# Databases are made node by node here.
ALONE = "-c citus.enable_ddl_propagation=off -c client_min_messages=error"


def _connect(port: int, database: str = "postgres", options: str = ALONE) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1", port=port, dbname=database, user="postgres", autocommit=True, options=options
    )


def _on_each(statement: LiteralString, *names: str) -> None:
    for port in PORTS:
        with _connect(port) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


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
    _on_each("drop database if exists {} with (force)", database)


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
