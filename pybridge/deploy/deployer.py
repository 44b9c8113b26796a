"""Brings a database up to date in one transaction, and refuses what the files of the checkout do not explain.

What happens once is a migration, read and marked as yoyo does it. What can be replaced (functions, views, triggers)
is loaded again when its file changed. Killed anywhere, the transaction is gone and the old version stands whole.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from yoyo import internalmigrations

from pybridge.deploy import bounds, catalogue, checks, guard, migrations, waiting
from pybridge.deploy.acting import DEPLOYER, OWNER, Acting, Connection, refusal
from pybridge.deploy.catalogue import schema_fingerprint
from pybridge.deploy.migrations import OtherCheckout
from pybridge.deploy.sqlfiles import NOTHING_HERE, DeployRefused, File, key_of, read_files
from pybridge.paths import ROOT

__all__ = ["DeployBusy", "DeployRefused", "DeployResult", "OtherCheckout", "deploy", "schema_fingerprint"]

OWN_TABLES = Path(__file__).with_name("own_tables.sql")

MISSING = (  # what a file says about something that a later file may bring
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.UndefinedObject,
    errors.UndefinedColumn,
    errors.InvalidSchemaName,
)
NOT_REPLACEABLE = (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition)
LONGEST_WAIT = 2**31 - 1  # milliseconds, some 25 days: what PostgreSQL counts to; 0 would be for ever
MAY_REPLACE = "Drop it first, or let the deploy drop it and make it again as it was: --replace-analysis."


class DeployBusy(DeployRefused):
    """Somebody held a lock that the deploy needs for longer than it was to wait."""

    sqlstate = "55P03"


@dataclass
class DeployResult:
    """What a deploy did, and what it found done already."""

    migrations: list[str] = field(default_factory=list)  # applied now
    loaded: list[str] = field(default_factory=list)
    recreated: list[str] = field(default_factory=list)  # views of other people's, dropped and made again
    left_open: list[str] = field(default_factory=list)  # statements that bound what logins may hold up: not its right
    unchanged: int = 0  # files
    applied_before: int = field(default=0, compare=False)  # migrations
    seconds: float = field(default=0.0, compare=False)


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


class _Deploy(Acting):
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
        super().__init__(conn, cur)
        self.root = root
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
        # Where clicks are distributed, the rest is this node's alone; what workers need, distribute_clicks gives them.
        self.cur.execute("set local citus.enable_ddl_propagation = off")
        self.begin_schema()
        self.become_owner()
        self.take_turn()
        known = self.known_objects()
        self.refuse_strangers(known)
        wrong_before = guard.changed_things(self.cur)
        self.cur.execute(OWN_TABLES.read_bytes(), prepare=False)
        guard.prepare(self.cur)
        new_era = self.begin_era()
        self.migrate(upto)
        if upto is None:
            self.load(everything=new_era)
            self.make_again()
            self.grant()
            self.result.left_open = bounds.bound_database(self)
            checks.refuse_unexplained(self, self.home, known)
            checks.check_bodies(self)
            if new_era or self.result.migrations or self.result.loaded:
                checks.check_bodies_deeply(self)
            guard.record_things(self.cur, [] if new_era else wrong_before)
        self.remember(known)
        return self.result

    # --- Who owns, and where we are ---------------------------------------------------------------------------------

    def begin_schema(self) -> None:
        """Make what the deploy keeps its tables in. Of two first deploys at once, one waits here for the other."""
        if self.ask("select to_regnamespace('deploy') is null"):
            with suppress(errors.DuplicateSchema, errors.UniqueViolation), self.conn.transaction():
                self.cur.execute("create schema deploy")

    def take_turn(self) -> None:
        """One deploy at a time: a row that nobody but the owner can lock. The first one has its schema for that."""
        if self.ask("select to_regclass('deploy.ledger') is not null"):
            self.cur.execute("select from deploy.ledger for update")

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
        if self.ask("select nspowner <> %s::regrole from pg_namespace where nspname = 'deploy'", OWNER):
            self.cur.execute(sql.SQL("alter schema deploy owner to {}").format(owner))
        if not self.ask("select has_database_privilege(%s, current_database(), 'create')", OWNER):
            database = sql.Identifier(self.ask("select current_database()"))
            self.cur.execute(sql.SQL("grant create on database {} to {}").format(database, owner))
        try:
            with self.conn.transaction():
                self.act(OWNER)
        except errors.InsufficientPrivilege:
            self.cur.execute(sql.SQL("grant {} to current_user").format(owner))
            self.act(OWNER)
        self.let_owner_see_sessions()

    def let_owner_see_sessions(self) -> None:
        """Whether a job's session is still there is asked of pg_stat_activity, which tells a stranger nothing."""
        if self.ask("select pg_has_role(%s, 'pg_read_all_stats', 'usage')", OWNER):
            return
        self.act(DEPLOYER)
        grant = f"grant pg_read_all_stats to {OWNER}"
        try:
            with suppress(errors.UniqueViolation), self.conn.transaction():  # another database's deploy was quicker
                self.cur.execute(grant.encode())
        except errors.InsufficientPrivilege as error:
            reason = "its owner may not see whether a job's session is still there"
            raise DeployRefused(OWNER, reason, f"Let a superuser do it, once: {grant}") from error
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
        ledger = migrations.Yoyo(self.conn)
        if internalmigrations.needs_upgrading(ledger):
            internalmigrations.upgrade(ledger)
        here, pending = migrations.read(self.root / "migrations", ledger)
        ids = [each.id for each in here]
        self.result.applied_before = len(ids) - len(pending)
        migrations.refuse_others(self.cur, {each.id: migrations.sha256(Path(each.path)) for each in here})
        if upto is not None and upto not in ids:
            raise DeployRefused(upto, "there is no such migration")
        wanted = ids if upto is None else ids[: ids.index(upto) + 1]
        for migration in pending:
            if migration.id in wanted:
                self.apply(migration, ledger)
        self.act(OWNER)

    def apply(self, migration: Any, ledger: migrations.Yoyo) -> None:
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
            raise refusal(name, text, error) from error
        self.cur.execute("set local search_path = deploy")
        ledger.log_migration(migration, "apply")
        ledger.mark_one(migration, log=False)
        self.cur.execute(
            "insert into migration (migration, sha256) values (%s, %s)", (migration.id, migrations.sha256(path))
        )
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
        bounds.bound_functions(self)
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
                raise refusal(file.path, file.text, error) from error
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
                raise refusal(file.path, file.text, error) from error
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
            raise refusal("db/grants.sql", text, error) from error

    # --- Dropping what cannot be replaced ---------------------------------------------------------------------------

    def drop_object_of(self, file: File, cause: psycopg.Error) -> None:
        found = self.cur.execute(catalogue.NAMED, {"name": file.object_name, "kind": file.kind}).fetchall()
        if len(found) != 1:
            raise refusal(file.path, file.text, cause) from cause
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
                raise refusal(identity, statements[0], error) from error
            self.result.recreated.append(identity)
        self.act(OWNER)
