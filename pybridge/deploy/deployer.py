"""Brings a database up to date in one transaction, and refuses what the files of the checkout do not explain.

What happens once is a migration, read and marked as yoyo does it. What can be replaced (functions, views, triggers)
is loaded again when its file changed. Killed anywhere, the transaction is gone and the old version stands whole.
"""

import glob
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg
import yoyo
from psycopg import errors, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from yoyo import internalmigrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.exceptions import BadMigration
from yoyo.migrations import default_migration_table, topological_sort

from pybridge.deploy import catalogue, guard, waiting
from pybridge.deploy.catalogue import schema_fingerprint
from pybridge.deploy.sqlfiles import NOTHING_HERE, DeployRefused, File, code_of, key_of, read_files
from pybridge.paths import ROOT

__all__ = ["DeployBusy", "DeployRefused", "DeployResult", "OtherCheckout", "deploy", "schema_fingerprint"]

Connection = psycopg.Connection[Any]

OWNER = "pybridge_owner"
DEPLOYER = "none"  # nobody's role: whoever is connected
# Before each file, so that no file leaks a setting into the next. With nothing on the path, a forgotten schema fails.
CLEAN = b"set local search_path = ''; set local check_function_bodies = on; set local client_encoding = 'UTF8'"
RETRY = ("08", "40", "53", "55P03", "57", "58")  # SQLSTATEs that say nothing of the files
MISSING = (  # what a file says about something that a later file may bring
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.UndefinedObject,
    errors.UndefinedColumn,
    errors.InvalidSchemaName,
)
NOT_REPLACEABLE = (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition)
ENDS_TRANSACTION = re.compile(r"(?:^|;)\s*(?:commit|abort|rollback)\b(?!\s+to\b)", re.I | re.M)
QUALIFIED = re.compile(rf"(?<![\w.])({'|'.join(catalogue.SCHEMAS)})\s*\.\s*(\w+)", re.I)

# Until 0.1.0 a migration may be rewritten, and a database that the old one made is made anew.
SETTLED = not metadata.version("pybridge").startswith("0.1.0.dev")
MAKE_ANEW = (
    "Until 0.1.0 migrations may be rewritten: deploy from the checkout that made this database, or make it anew, which"
    " loses what is in it: drop it and deploy into an empty one. Where it is the embedded server's, run `pybridge"
    " down`, remove the server's data folder, and deploy."
)
LONGEST_WAIT = 2**31 - 1  # milliseconds, some 25 days: what PostgreSQL counts to; 0 would be for ever
MAY_REPLACE = "Drop it first, or let the deploy drop it and make it again as it was: --replace-analysis."

OWN_TABLES = b"""
create schema if not exists deploy;
comment on schema deploy is 'What the deploy knows of this database';
create table if not exists deploy.era (
    era integer constraint era_pkey primary key,
    system_identifier bigint not null,
    started_at timestamptz not null default statement_timestamp()
);
comment on table deploy.era is
'One row for each cluster this database has lived in; transaction ids of an older era mean nothing in a newer one';
comment on column deploy.era.era is 'Number of the era, from 1; the greatest is now';
comment on column deploy.era.system_identifier is 'The cluster''s own number, from pg_control_system()';
comment on column deploy.era.started_at is 'When a deploy first found the database in this cluster';
create table if not exists deploy.migration (
    migration text constraint migration_pkey primary key,
    sha256 text not null
);
comment on table deploy.migration is
'The files of migrations/ as they were applied, one row a file; beside it, yoyo''s own tables say when';
comment on column deploy.migration.migration is 'The file''s name, without .sql';
comment on column deploy.migration.sha256 is 'SHA-256 of the file, hexadecimal';
create table if not exists deploy.repeatable_object (
    path text constraint repeatable_object_pkey primary key,
    kind text not null,
    object_name text not null,
    sha256 text not null,
    deployed_at timestamptz not null
);
comment on table deploy.repeatable_object is 'The files of db/ as they were last loaded, one row a file';
comment on column deploy.repeatable_object.path is 'The file, from the top of the checkout';
comment on column deploy.repeatable_object.kind is 'functions, views or triggers: the folder';
comment on column deploy.repeatable_object.object_name is 'What the file is named for: schema.name';
comment on column deploy.repeatable_object.sha256 is 'SHA-256 of the file, hexadecimal';
comment on column deploy.repeatable_object.deployed_at is 'When it was loaded';
create table if not exists deploy.known_object (
    kind text,
    identity text,
    constraint known_object_pkey primary key (kind, identity)
);
comment on table deploy.known_object is
'All objects in the project''s schemas when the last deploy ended; what is found beside them, nobody deployed';
comment on column deploy.known_object.kind is 'Type of the object, as pg_identify_object says it';
comment on column deploy.known_object.identity is 'Name of the object, as pg_identify_object says it';
"""


class OtherCheckout(DeployRefused):
    """The migrations that made this database are not those of this checkout."""


class DeployBusy(DeployRefused):
    """Somebody held a lock that the deploy needs for longer than it was to wait."""

    sqlstate = "55P03"


@dataclass
class DeployResult:
    """What a deploy did, and what it found done already."""

    migrations: list[str] = field(default_factory=list)  # applied now
    loaded: list[str] = field(default_factory=list)
    recreated: list[str] = field(default_factory=list)  # views of other people's, dropped and made again
    unchanged: int = 0  # files
    applied_before: int = field(default=0, compare=False)  # migrations
    seconds: float = field(default=0.0, compare=False)


class _Yoyo(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo is untyped
    """yoyo's own bookkeeping, over a connection that it neither opens nor commits; so yoyo's tools read it."""

    _in_transaction = True  # yoyo then uses savepoints
    _internal_schema_updated = True  # by us; it would lock with a committed row

    def __init__(self, conn: Connection) -> None:
        self.shared = conn
        super().__init__(parse_uri("postgresql+psycopg:///"), default_migration_table)

    def connect(self, dburi: object) -> Connection:
        return self.shared

    def cursor(self) -> psycopg.Cursor[Any]:
        return self.shared.cursor(row_factory=tuple_row)


def deploy(
    conn: Connection,
    *,
    root: Path = ROOT,
    upto: str | None = None,
    replace_analysis: bool = False,
    wait: float = 60.0,
    progress: Callable[[str], None] | None = None,
    waits_for: Callable[[str], None] | None = None,
) -> DeployResult:
    """Bring the database up to the files under `root`, or refuse (DeployRefused) and change nothing.

    `upto` stops after that migration and loads nothing more: a state of the past, for tests. `replace_analysis` allows
    dropping views that are not the project's, where one of the project's must go; they are made again as they were.
    `wait`: how many seconds it waits for a lock of somebody else's, another deploy's say; `waits_for` is told, in
    another thread, who has it.
    """
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        raise ValueError("deploy is one transaction of its own: the connection must not be in another")
    began = time.monotonic()
    with waiting.watch(conn, waits_for or _tell_nobody) as blockers:
        try:
            with conn.transaction(), conn.cursor(row_factory=tuple_row) as cur:
                result = _Deploy(conn, cur, root, replace_analysis, wait, progress or _tell_nobody).run(upto)
        except errors.LockNotAvailable as error:
            reason = f"it was locked for {wait:g} s by {blockers.said or 'another session'}"
            hint = "Try again when that has ended, or wait longer for it: --wait SECONDS."
            raise DeployBusy(conn.info.dbname, reason, hint) from error
    result.seconds = time.monotonic() - began
    return result


def _tell_nobody(_: str) -> None:
    pass


class _Deploy:
    """One deploy, in the transaction that its maker began. Between its steps it acts as the owner."""

    def __init__(
        self,
        conn: Connection,
        cur: psycopg.Cursor[Any],
        root: Path,
        replace_analysis: bool,
        wait: float,
        progress: Callable[[str], None],
    ) -> None:
        self.conn, self.cur, self.root = conn, cur, root
        self.replace_analysis, self.wait, self.progress = replace_analysis, wait, progress
        self.files = read_files(root / "db")
        if not (root / "db" / "grants.sql").is_file():
            raise DeployRefused("db/grants.sql", f"it is not in {root}", NOTHING_HERE)
        self.home = {thing: file for file in self.files for thing in file.defines}
        self.recreate: list[tuple[str, list[str]]] = []
        self.result = DeployResult()

    def run(self, upto: str | None) -> DeployResult:
        self.cur.execute("set transaction isolation level read committed")  # to see what a deploy waited for did
        patience = int(min(max(1, self.wait * 1000), LONGEST_WAIT))
        self.cur.execute(sql.SQL("set local lock_timeout = {}").format(f"{patience}ms"))
        self.cur.execute("select pg_advisory_xact_lock(hashtextextended('pybridge deploy', 0))")
        self.become_owner()
        known = self.known_objects()
        self.refuse_strangers(known)
        self.cur.execute(OWN_TABLES, prepare=False)
        guard.prepare(self.cur)
        new_era = self.begin_era()
        self.migrate(upto)
        if upto is None:
            self.load(everything=new_era)
            self.make_again()
            self.grant()
            self.refuse_unexplained(known)
            self.check_bodies()
            if new_era or self.result.migrations or self.result.loaded:
                self.check_bodies_deeply()
        self.remember(known)
        return self.result

    def act(self, role: str) -> None:
        self.cur.execute(CLEAN, prepare=False)
        self.cur.execute(sql.SQL("set local role {}").format(sql.SQL(role)))

    def ask(self, query: str, *values: object) -> Any:
        row = self.cur.execute(query.encode(), values or None).fetchone()
        return row[0] if row else None

    def execute_file(self, name: str, text: str, role: str = OWNER) -> None:
        """Execute a file as it stands: psycopg must neither look for placeholders in it nor prepare it."""
        if ENDS_TRANSACTION.search(code_of(text)):
            raise DeployRefused(name, "a file must not end the transaction that it is executed in")
        self.act(role)
        self.cur.execute(text.encode(), prepare=False)
        self.act(OWNER)

    # --- Who owns, and where we are ---------------------------------------------------------------------------------

    def become_owner(self) -> None:
        """Make the role that owns everything and logs in nowhere, and act as it."""
        owner = sql.Identifier(OWNER)
        if not self.ask("select exists (select from pg_roles where rolname = %s)", OWNER):
            try:
                with self.conn.transaction():
                    self.cur.execute(sql.SQL("create role {} nologin").format(owner))
                    comment = "Owns everything that the deploy makes; nobody logs in as it"
                    self.cur.execute(sql.SQL("comment on role {} is {}").format(owner, comment))
            except (errors.DuplicateObject, errors.UniqueViolation):
                pass  # a deploy of another database of this cluster was quicker
        if not self.ask("select has_database_privilege(%s, current_database(), 'create')", OWNER):
            database = sql.Identifier(self.ask("select current_database()"))
            self.cur.execute(sql.SQL("grant create on database {} to {}").format(database, owner))
        try:
            with self.conn.transaction():
                self.act(OWNER)
        except errors.InsufficientPrivilege:
            self.cur.execute(sql.SQL("grant {} to current_user").format(owner))
            self.act(OWNER)

    def begin_era(self) -> bool:
        """Raise the era when this is not the cluster of the last deploy: a restored dump, or the first deploy."""
        self.cur.execute(
            "insert into deploy.era (era, system_identifier)"
            " select coalesce(max(e.era), 0) + 1, s.system_identifier"
            " from pg_control_system() as s left join deploy.era as e on true"
            " group by s.system_identifier"
            " having s.system_identifier is distinct from"
            " (select l.system_identifier from deploy.era as l order by l.era desc limit 1)"
        )
        return self.cur.rowcount > 0

    # --- Strangers --------------------------------------------------------------------------------------------------

    def known_objects(self) -> set[tuple[str, str]]:
        if self.ask("select to_regclass('deploy.known_object')") is None:
            return set()
        return set(self.cur.execute("select kind, identity from deploy.known_object"))

    def refuse_strangers(self, known: set[tuple[str, str]]) -> None:
        """Refuse what appeared since the last deploy: made by hand, it would be in no other database."""
        for kind, identity in sorted(catalogue.objects(self.cur) - known):
            raise DeployRefused(
                identity, f"this {kind} was made outside the deploy", "Drop it; to keep it, write it into a file."
            )

    def remember(self, known: set[tuple[str, str]]) -> None:
        now = catalogue.objects(self.cur)
        if now != known:
            self.cur.execute("delete from deploy.known_object")
            self.cur.executemany("insert into deploy.known_object (kind, identity) values (%s, %s)", sorted(now))

    # --- Migrations -------------------------------------------------------------------------------------------------

    def migrate(self, upto: str | None) -> None:
        self.cur.execute("set local search_path = deploy")
        ledger = _Yoyo(self.conn)
        if internalmigrations.needs_upgrading(ledger):
            internalmigrations.upgrade(ledger)
        try:
            migrations = yoyo.read_migrations(glob.escape(str(self.root / "migrations")))
            if not migrations:
                raise DeployRefused("migrations", f"there are none in {self.root / 'migrations'}", NOTHING_HERE)
            ids = [migration.id for migration in topological_sort(migrations)]
            pending = list(ledger.to_apply(migrations))
        except BadMigration as error:
            raise DeployRefused("migrations", str(error)) from error
        self.result.applied_before = len(ids) - len(pending)
        self.refuse_other_migrations({migration.id: _sha256(Path(migration.path)) for migration in migrations})
        if upto is not None and upto not in ids:
            raise DeployRefused(upto, "there is no such migration")
        wanted = ids if upto is None else ids[: ids.index(upto) + 1]
        for migration in pending:
            if migration.id in wanted:
                self.apply(migration, ledger)
        self.act(OWNER)

    def refuse_other_migrations(self, here: dict[str, str]) -> None:
        """Refuse a database that other files made: what has happened once does not happen again as they say now."""
        applied = dict(
            self.cur.execute(
                "select y.migration_id, m.sha256 from _yoyo_migration as y"
                " left join migration as m on m.migration = y.migration_id"
            )
        )
        for name in sorted(applied.keys() - here.keys()):
            hint = "Deploy from a checkout that is no older than the database." if SETTLED else MAKE_ANEW
            raise OtherCheckout(name, "this migration is applied, but its file is not here", hint)
        for name in sorted(name for name, sha256 in applied.items() if sha256 != here[name]):
            hint = "Put the file back as it was, and write a new migration for the change." if SETTLED else MAKE_ANEW
            raise OtherCheckout(name, "this migration is applied, and its file has changed since", hint)

    def apply(self, migration: Any, ledger: _Yoyo) -> None:
        """Execute the file itself: yoyo would split it into statements, and commit each file."""
        self.progress(f"migration {migration.id}")
        path = Path(migration.path)
        name = f"migrations/{path.name}"
        if path.suffix != ".sql":
            raise DeployRefused(name, "a migration is a file of SQL")
        text = path.read_text("utf-8")
        head = re.match(r"(?:\s*--[^\n]*(?:\n|$))*", text)
        directives = dict(re.findall(r"^\s*--\s*(as|drops):\s*(.*?)\s*$", head[0] if head else "", re.M))
        self.act(OWNER)
        for view in directives.get("drops", "").split():
            if oid := self.ask("select to_regclass(%s)::oid", view):
                self.drop(name, "view", view, "pg_class", oid)
        try:
            self.execute_file(name, text, DEPLOYER if directives.get("as") == "deployer" else OWNER)
        except psycopg.Error as error:
            raise _refusal(name, text, error) from error
        self.cur.execute("set local search_path = deploy")
        ledger.log_migration(migration, "apply")
        ledger.mark_one(migration, log=False)
        self.cur.execute("insert into migration (migration, sha256) values (%s, %s)", (migration.id, _sha256(path)))
        self.result.migrations.append(migration.id)

    # --- Functions, views, triggers ---------------------------------------------------------------------------------

    def load(self, everything: bool) -> None:
        """Load files that changed, or whose objects are gone, until none is left: dropping a view may ask for more.

        In a new era everything is loaded. Restoring data alone leaves triggers that fire always as ordinary ones, and
        that may be in the same cluster; so files of triggers that are not as they were deployed are loaded again.
        """
        done = {} if everything else dict(self.cur.execute("select path, sha256 from deploy.repeatable_object"))
        broken = guard.broken(self.cur)
        for file in self.files:
            if not file.defines.isdisjoint(broken):
                done.pop(file.path, None)
        for _ in range(len(self.files) + 1):
            there = {key_of(kind, identity) for kind, identity in catalogue.objects(self.cur)}
            todo = [file for file in self.files if done.get(file.path) != file.sha256 or not file.defines <= there]
            if not todo:
                break
            self.load_in_some_order(todo)
            done.update((file.path, file.sha256) for file in todo)
        else:
            raise DeployRefused(todo[0].path, "what it defines is not there after loading it")
        paths = [file.path for file in self.files]
        self.cur.execute("delete from deploy.repeatable_object where path <> all(%s)", [paths])
        loaded = {thing for file in self.files if file.path in self.result.loaded for thing in file.defines}
        guard.record(self.cur, loaded, self.home)
        self.result.unchanged = len(self.files) - len(self.result.loaded)

    def load_in_some_order(self, todo: list[File]) -> None:
        """Try each, and those that miss something again after the others, as long as that gets further."""
        while todo:
            failed = [(file, error) for file in todo if (error := self.load_one(file))]
            if len(failed) == len(todo):
                file, error = failed[0]
                raise _refusal(file.path, file.text, error) from error
            todo = [file for file, _ in failed]

    def load_one(self, file: File, instead_of: psycopg.Error | None = None) -> psycopg.Error | None:
        """Load a file; the answer is what it misses. What cannot be replaced is dropped first, at the second try."""
        kept = len(self.recreate)
        try:
            with self.conn.transaction():
                if instead_of:
                    self.drop_object_of(file, instead_of)
                self.execute_file(file.path, file.text)
        except MISSING as error:
            del self.recreate[kept:]
            return error
        except psycopg.Error as error:
            if instead_of or not isinstance(error, NOT_REPLACEABLE):
                raise _refusal(file.path, file.text, error) from error
            return self.load_one(file, instead_of=error)
        self.progress(f"load {file.path}")
        self.cur.execute(
            "insert into deploy.repeatable_object (path, kind, object_name, sha256, deployed_at)"
            " values (%s, %s, %s, %s, statement_timestamp())"
            " on conflict (path) do update set sha256 = excluded.sha256, deployed_at = excluded.deployed_at",
            (file.path, file.kind, file.object_name, file.sha256),
        )
        if file.path not in self.result.loaded:
            self.result.loaded.append(file.path)
        return None

    def grant(self) -> None:
        text = (self.root / "db" / "grants.sql").read_text("utf-8")
        try:
            self.execute_file("db/grants.sql", text)
        except psycopg.Error as error:
            raise _refusal("db/grants.sql", text, error) from error

    # --- Dropping what cannot be replaced ---------------------------------------------------------------------------

    def drop_object_of(self, file: File, cause: psycopg.Error) -> None:
        found = self.cur.execute(catalogue.NAMED, {"name": file.object_name, "kind": file.kind}).fetchall()
        if len(found) != 1:
            raise _refusal(file.path, file.text, cause) from cause
        self.drop(file.path, *found[0])

    def drop(self, why: str, kind: str, identity: str, catalog: str, oid: int) -> None:
        """Drop a view or function, and what stands on it before it, which is loaded or made again later."""
        target = {"classid": catalog, "objid": oid}
        while row := self.cur.execute(catalogue.DEPENDENTS, target).fetchone():
            above: tuple[str, str, str, int] = row
            if key_of(*above[:2]) in self.home:
                self.drop(why, *above)
            else:
                self.drop_foreign(why, identity, above)
        self.cur.execute(sql.SQL("drop {} {} restrict").format(sql.SQL(kind), sql.SQL(identity)))

    def drop_foreign(self, why: str, beneath: str, above: tuple[str, str, str, int]) -> None:
        """Drop somebody else's view and keep in mind how to make it again, if that was allowed."""
        kind, identity, _, oid = above
        reason = f"this {kind} stands on {beneath}, which must be dropped for {why}"
        if kind != "view" or identity.split(".")[0] in catalogue.SCHEMAS or self.ask(catalogue.HAS_TRIGGERS, oid, oid):
            raise DeployRefused(identity, reason, "Drop it first.")
        if not self.replace_analysis:
            raise DeployRefused(identity, reason, MAY_REPLACE)
        statements = [text for (text,) in self.cur.execute(catalogue.RECREATE, {"objid": oid})]
        self.act(DEPLOYER)
        self.drop(why, *above)
        self.act(OWNER)
        self.recreate.append((identity, statements))

    def make_again(self) -> None:
        self.act(DEPLOYER)
        for identity, statements in reversed(self.recreate):  # the last one dropped stood on nothing else dropped
            try:
                for text in statements:
                    self.cur.execute(text.encode())
            except psycopg.Error as error:
                raise _refusal(identity, statements[0], error) from error
            self.result.recreated.append(identity)
        self.act(OWNER)

    # --- What must hold in the end ----------------------------------------------------------------------------------

    def refuse_unexplained(self, known: set[tuple[str, str]]) -> None:
        """Refuse functions, views and triggers of no file, and what an older signature of a function left."""
        signatures: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for kind, identity in sorted(catalogue.objects(self.cur)):
            key = key_of(kind, identity)
            if key[0] not in ("function", "view", "trigger"):
                continue
            signatures.setdefault(key, []).append((kind, identity))
            if key not in self.home and key not in guard.VIEWS:
                raise DeployRefused(identity, f"no file defines this {kind}", _drop_hint(kind, identity))
        for several in signatures.values():
            if len(several) > 1:
                kind, identity = next((one for one in several if one in known), several[0])
                raise DeployRefused(identity, "it is left from an older signature", _drop_hint(kind, identity))

    def check_bodies(self) -> None:
        """Compile each body against the schema as it is now: a migration may have broken an unchanged function.

        PL/pgSQL looks at tables only when a statement runs; so at least the names with a schema must exist.
        """
        schemas = {"schemas": list(catalogue.SCHEMAS)}
        names = {name for (name,) in self.cur.execute(catalogue.NAMES, schemas)}
        for oid, function, language, body, search_path in self.cur.execute(catalogue.BODIES, schemas).fetchall():
            try:
                self.ask("select set_config('search_path', %s, true)", search_path)
                self.ask(f"select {'plpgsql_validator' if language == 'plpgsql' else 'fmgr_sql_validator'}(%s)", oid)
            except psycopg.Error as error:
                raise _refusal(function, body, error) from error
            if language == "plpgsql":
                for schema, name in QUALIFIED.findall(code_of(body)):
                    if f"{schema}.{name}".lower() not in names:
                        hint = f"If {schema} is a variable or an alias here, name it otherwise."
                        raise DeployRefused(function, f"its body names {schema}.{name}, which does not exist", hint)
        self.act(OWNER)

    def check_bodies_deeply(self) -> None:
        """Let plpgsql_check look into each statement, where the server has it; it leaves no trace."""
        self.act(DEPLOYER)
        if self.ask("select exists (select from pg_available_extensions where name = 'plpgsql_check')"):
            try:
                with self.conn.transaction(force_rollback=True):
                    self.cur.execute("create extension if not exists plpgsql_check schema deploy")
                    home = self.ask(
                        "select extnamespace::regnamespace::text from pg_extension where extname = %s", "plpgsql_check"
                    )
                    check = sql.SQL(catalogue.PLPGSQL_CHECK).format(sql.SQL(home))
                    found = self.cur.execute(check, [list(catalogue.SCHEMAS)]).fetchone()
                if found:
                    raise DeployRefused(found[0], f"line {found[1]} of its body: {found[2]}")
            except errors.InsufficientPrivilege:
                pass  # only a superuser can install it
        self.act(OWNER)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _drop_hint(kind: str, identity: str) -> str:
    return f"Drop it in a migration: drop {kind} if exists {identity}"


def _refusal(name: str, text: str, error: psycopg.Error) -> DeployRefused:
    """PostgreSQL's complaint about a file, with its line; what is no fault of a file is raised as it is."""
    if not error.sqlstate or error.sqlstate.startswith(RETRY):
        raise error
    diag = error.diag
    position = diag.internal_position or diag.statement_position
    line = f"line {text.count(chr(10), 0, int(position) - 1) + 1}: " if position else ""
    parts = [line + (diag.message_primary or str(error)), diag.message_detail, None if position else diag.context]
    return DeployRefused(name, "; ".join(part for part in parts if part), diag.message_hint or "")
