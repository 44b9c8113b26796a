"""What must hold in the end of a deploy: each object has its file, and each body compiles against the schema."""

import re

import psycopg
from psycopg import errors, sql

from pybridge.deploy import catalogue, guard
from pybridge.deploy.acting import DEPLOYER, OWNER, Acting, refusal
from pybridge.deploy.sqlfiles import DeployRefused, File, code_of, key_of

QUALIFIED = re.compile(rf"(?<![\w.])({'|'.join(catalogue.SCHEMAS)})\s*\.\s*(\w+)", re.I)


def refuse_unexplained(deploy: Acting, home: dict[tuple[str, str], File], known: set[tuple[str, str]]) -> None:
    """Refuse functions, views and triggers of no file, and what an older signature of a function left."""
    signatures: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for kind, identity in sorted(catalogue.objects(deploy.cur)):
        key = key_of(kind, identity)
        if key[0] not in ("function", "view", "trigger"):
            continue
        signatures.setdefault(key, []).append((kind, identity))
        if key not in home and key not in guard.VIEWS:
            raise DeployRefused(identity, f"no file defines this {kind}", _drop_hint(kind, identity))
    for several in signatures.values():
        if len(several) > 1:
            kind, identity = next((one for one in several if one in known), several[0])
            raise DeployRefused(identity, "it is left from an older signature", _drop_hint(kind, identity))


def check_bodies(deploy: Acting) -> None:
    """Compile each body against the schema as it is now: a migration may have broken an unchanged function.

    PL/pgSQL looks at tables only when a statement runs; so at least the names with a schema must exist.
    """
    schemas = {"schemas": list(catalogue.SCHEMAS)}
    names = {name for (name,) in deploy.cur.execute(catalogue.NAMES, schemas)}
    for oid, function, language, body, search_path in deploy.cur.execute(catalogue.BODIES, schemas).fetchall():
        try:
            deploy.ask("select set_config('search_path', %s, true)", search_path)
            deploy.ask(f"select {'plpgsql_validator' if language == 'plpgsql' else 'fmgr_sql_validator'}(%s)", oid)
        except psycopg.Error as error:
            raise refusal(function, body, error) from error
        if language == "plpgsql":
            for schema, name in QUALIFIED.findall(code_of(body)):
                if f"{schema}.{name}".lower() not in names:
                    hint = f"If {schema} is a variable or an alias here, name it otherwise."
                    raise DeployRefused(function, f"its body names {schema}.{name}, which does not exist", hint)
    deploy.act(OWNER)


def check_bodies_deeply(deploy: Acting) -> None:
    """Let plpgsql_check look into each statement, where the server has it; it leaves no trace."""
    deploy.act(DEPLOYER)
    if deploy.ask("select exists (select from pg_available_extensions where name = 'plpgsql_check')"):
        try:
            with deploy.conn.transaction(force_rollback=True):
                deploy.cur.execute("create extension if not exists plpgsql_check schema deploy")
                home = deploy.ask(
                    "select extnamespace::regnamespace::text from pg_extension where extname = %s", "plpgsql_check"
                )
                check = sql.SQL(catalogue.PLPGSQL_CHECK).format(sql.SQL(home))
                found = deploy.cur.execute(check, [list(catalogue.SCHEMAS)]).fetchone()
            if found:
                raise DeployRefused(found[0], f"line {found[1]} of its body: {found[2]}")
        except errors.InsufficientPrivilege:
            pass  # only a superuser can install it
    deploy.act(OWNER)


def _drop_hint(kind: str, identity: str) -> str:
    return f"Drop it in a migration: drop {kind} if exists {identity}"
