"""The deploy, on a small made-up project: what it does, what it refuses, and that killing it changes nothing."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlparse
from psycopg.rows import tuple_row
from yoyo.exceptions import BadMigration

from pybridge.deploy.deployer import DeployBusy, DeployRefused, DeployResult, _Deploy, deploy, schema_fingerprint
from pybridge.paths import ROOT

Connection = psycopg.Connection[Any]

SCHEMAS = """
create schema billig;
create schema marketplace;
create schema report;
create schema analysis;
create table billig.ticket (ticket int constraint ticket_pkey primary key, price numeric(10, 2) not null);
create table marketplace.ad_click (day date not null) partition by range (day);
"""
PRICE = """
create or replace function billig.price(p_ticket int)
returns numeric
language plpgsql
as $$
begin
    return (select t.price from billig.ticket as t where t.ticket = p_ticket);
end;
$$;
comment on function billig.price(int) is 'Price, NOK; 100 % of it';
"""
# Named so that loading by name fails at first: it needs `price`.
DEAR = """
create or replace function billig.dear(p_ticket int)
returns boolean
language sql
as $$ select billig.price(p_ticket) > 100 $$;
"""
DEAR_TICKETS = "create or replace view report.dear_ticket as select ticket, price from report.ticket where price > 100;"
TICKETS = (
    "create or replace view report.ticket as select ticket, price, billig.dear(ticket) as dear from billig.ticket;"
)
GUARD = """
create or replace function billig.guard()
returns trigger
language plpgsql
as $$ begin return new; end $$;
create or replace trigger guard before insert on billig.ticket for each row execute function billig.guard();
alter table billig.ticket enable always trigger guard;
"""
WRITE = """
create or replace function report.write() returns trigger language plpgsql as $$ begin return new; end $$;
create or replace trigger write instead of update on report.ticket for each row execute function report.write();
"""
GRANTS = "grant usage on schema report to public; grant select on all tables in schema report to public;"


@pytest.fixture(autouse=True)
def split_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """yoyo has sqlparse split each migration at each deploy: here they are the same ones a thousand times."""
    monkeypatch.setattr(sqlparse, "split", SPLIT)


SPLIT = cache(sqlparse.split)


class House:
    """A project's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def deploy(self, conn: Connection, **options: Any) -> DeployResult:
        return deploy(conn, root=self.root, **options)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Version 1."""
    made = House(tmp_path)
    made.write("migrations/0001-schemas.sql", SCHEMAS)
    made.write("db/functions/billig/price.sql", PRICE)
    made.write("db/functions/billig/dear.sql", DEAR)
    made.write("db/views/report/dear_ticket.sql", DEAR_TICKETS)
    made.write("db/views/report/ticket.sql", TICKETS)
    made.write("db/triggers/billig/ticket.sql", GUARD)
    made.write("db/triggers/report/ticket.sql", WRITE)
    made.write("db/grants.sql", GRANTS)
    return made


def upgrade(house: House) -> None:
    """Version 2: two migrations, a changed view that cannot be replaced, a changed and a new function."""
    house.write("migrations/0002-sold.sql", "-- depends: 0001-schemas\nalter table billig.ticket add sold date;\n")
    house.write("migrations/0003-index.sql", "create index ticket_sold_idx on billig.ticket (sold);")
    house.write("db/views/report/ticket.sql", TICKETS.replace("ticket, price, billig", "sold, ticket, price, billig"))
    house.write("db/functions/billig/price.sql", PRICE.replace("NOK", "kroner"))
    house.write("db/functions/billig/cheap.sql", DEAR.replace("dear", "cheap").replace("> 100", "< 100"))


def again(conn: Connection) -> Connection:
    return psycopg.connect(conn.info.dsn, autocommit=True)


def ask(conn: Connection, query: str) -> Any:
    row = conn.cursor(row_factory=tuple_row).execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def state(conn: Connection) -> list[str]:
    """The schema and the deploy's own rows: all that a killed deploy could have left changed."""
    tables = "era migration repeatable_object known_object guard_trigger guard_function"
    tables += " _yoyo_migration _yoyo_log _yoyo_version"
    rows = [conn.execute(f"select * from deploy.{table} order by 1".encode()).fetchall() for table in tables.split()]
    return [*schema_fingerprint(conn), repr(rows)]


def refused(house: House, conn: Connection, **options: Any) -> DeployRefused:
    """Deploy, expect a refusal, and see that it changed nothing."""
    deployed = ask(conn, "select to_regclass('deploy.era') is not null")
    before = state(conn) if deployed else schema_fingerprint(conn)
    with pytest.raises(DeployRefused) as refusal:
        house.deploy(conn, **options)
    assert (state(conn) if deployed else schema_fingerprint(conn)) == before
    return refusal.value


# --- What it does ---------------------------------------------------------------------------------------------------


def test_deploys_everything_in_an_order_it_works_out(bare_db: Connection, house: House) -> None:
    seen: list[str] = []
    result = house.deploy(bare_db, progress=seen.append)

    assert result.migrations == ["0001-schemas"]
    assert len(result.loaded) == 6
    assert result.unchanged == 0
    assert seen[0] == "migration 0001-schemas"
    assert seen.index("load db/functions/billig/price.sql") < seen.index("load db/functions/billig/dear.sql")
    assert bare_db.execute("select * from report.ticket").fetchall() == []
    assert ask(bare_db, "select tgenabled from pg_trigger where tgname = 'guard'") == "A"
    assert ask(bare_db, "select has_table_privilege('public', 'report.ticket', 'select')")
    assert ask(bare_db, "select obj_description('billig.price(int)'::regprocedure)") == "Price, NOK; 100 % of it"


def test_a_second_deploy_has_nothing_to_do(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    before = state(bare_db)

    assert house.deploy(bare_db) == DeployResult(unchanged=6)
    assert state(bare_db) == before


def test_everything_belongs_to_a_role_that_cannot_log_in(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)

    owners = bare_db.execute(
        "select distinct pg_get_userbyid(c.relowner) from pg_class as c"
        " where c.relnamespace in ('billig'::regnamespace, 'report'::regnamespace, 'deploy'::regnamespace)"
    ).fetchall()
    assert owners == [("pybridge_owner",)]
    assert not ask(bare_db, "select rolcanlogin from pg_roles where rolname = 'pybridge_owner'")
    assert ask(bare_db, "select current_user") == bare_db.info.user


def test_a_migration_may_be_executed_by_the_deployer(bare_db: Connection, house: House) -> None:
    house.write(
        "migrations/0002-who.sql", "-- Why.\n-- as: deployer\nselect set_config('test.a', current_user, false);"
    )
    house.write("migrations/0003-who.sql", "select set_config('test.b', current_user, false);")
    house.deploy(bare_db)

    assert ask(bare_db, "select current_setting('test.a')") == bare_db.info.user
    assert ask(bare_db, "select current_setting('test.b')") == "pybridge_owner"


def test_loads_only_what_changed_or_is_gone(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    house.write("db/functions/billig/price.sql", PRICE.replace("NOK", "kroner"))
    bare_db.execute("drop view report.dear_ticket")

    result = house.deploy(bare_db)

    assert sorted(result.loaded) == ["db/functions/billig/price.sql", "db/views/report/dear_ticket.sql"]
    assert result.unchanged == 4


HARMLESS = "create or replace function billig.guard() returns trigger language plpgsql as $$ begin return null; end $$"


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        ("alter table billig.ticket disable trigger guard", "not ALWAYS"),
        ("alter table billig.ticket enable trigger guard", "not ALWAYS"),
        ("drop trigger guard on billig.ticket", "missing"),
        (HARMLESS, "not what was deployed"),
        ("alter function billig.guard() security definer", "not what was deployed"),
        (
            "create or replace trigger guard before insert on billig.ticket for each row when (false)"
            " execute function billig.guard(); alter table billig.ticket enable always trigger guard",
            "not what was deployed",
        ),
    ],
)
def test_a_trigger_that_is_not_as_it_was_deployed_is_loaded_again_and_never_taken_for_deployed(
    bare_db: Connection, house: House, deed: str, problem: str
) -> None:
    house.deploy(bare_db)
    told = "select coalesce(string_agg(table_name || ': ' || problem, ', '), '') from deploy.trigger_problem"
    before = state(bare_db)
    assert ask(bare_db, told) == ""

    bare_db.execute(deed.encode())
    assert ask(bare_db, told) == f"billig.ticket: {problem}"
    house.write("db/functions/billig/nothing.sql", "select 1;")
    with pytest.raises(DeployRefused):
        house.deploy(bare_db)
    house.remove("db/functions/billig/nothing.sql")
    assert ask(bare_db, told) == f"billig.ticket: {problem}"

    assert "db/triggers/billig/ticket.sql" in house.deploy(bare_db).loaded
    assert ask(bare_db, told) == ""
    assert [line for line in state(bare_db)[:-1] if "guard" in line] == [
        line for line in before[:-1] if "guard" in line
    ]
    assert house.deploy(bare_db).loaded == []


def test_the_record_of_triggers_follows_the_files(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    told = "select count(*) from deploy.trigger_problem"
    recorded = "select string_agg(trigger_name || ' on ' || table_name, ', ' order by 1) from deploy.guard_trigger"
    assert ask(bare_db, recorded) == "guard on billig.ticket, write on report.ticket"

    house.write("db/triggers/billig/ticket.sql", GUARD.replace("before insert", "before insert or update"))
    assert house.deploy(bare_db).loaded == ["db/triggers/billig/ticket.sql"]
    assert ask(bare_db, told) == 0

    house.remove("db/triggers/report/ticket.sql")
    house.write("migrations/0002-away.sql", "drop trigger write on report.ticket; drop function report.write();")
    house.deploy(bare_db)
    assert ask(bare_db, recorded) == "guard on billig.ticket"
    assert ask(bare_db, told) == 0


def test_a_view_that_cannot_be_replaced_is_dropped_with_the_projects_views_on_it(
    bare_db: Connection, house: House
) -> None:
    house.deploy(bare_db)
    upgrade(house)

    result = house.deploy(bare_db)

    assert {"db/views/report/ticket.sql", "db/views/report/dear_ticket.sql"} < set(result.loaded)
    assert "db/triggers/report/ticket.sql" in result.loaded  # its INSTEAD OF trigger went with the view
    assert ask(bare_db, "select has_table_privilege('public', 'report.dear_ticket', 'select')")


def test_a_function_whose_type_changes_is_dropped_with_the_views_on_it(bare_db: Connection, house: House) -> None:
    house.write("db/views/report/price.sql", "create or replace view report.price as select billig.price(1) as price;")
    house.deploy(bare_db)
    house.write("db/functions/billig/price.sql", PRICE.replace("returns numeric", "returns float"))

    assert "db/views/report/price.sql" in house.deploy(bare_db).loaded
    assert ask(bare_db, "select pg_typeof(price)::text from report.price") == "double precision"


def test_a_migration_may_have_a_view_dropped_that_is_in_its_way(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    house.write(
        "migrations/0002-price.sql",
        "-- drops: report.ticket\nalter table billig.ticket alter price type numeric(12, 2);",
    )

    assert "db/views/report/dear_ticket.sql" in house.deploy(bare_db).loaded


def test_its_migrations_are_those_of_yoyo(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    info = bare_db.info
    url = f"postgresql+psycopg://{info.user}@{info.host}:{info.port}/{info.dbname}?schema=deploy"
    command = [sys.executable, "-m", "yoyo", "list", "--batch", "--no-config-file", "--database", url]
    listing = subprocess.run(
        [*command, str(house.root / "migrations")], capture_output=True, text=True, check=True
    ).stdout

    assert [line.split()[:2] for line in listing.splitlines() if "schemas" in line] == [["A", "0001-schemas"]]
    assert house.deploy(bare_db) == DeployResult(unchanged=6)  # yoyo's command left its lock table behind


def test_works_on_a_connection_that_begins_transactions_by_itself(bare_db: Connection, house: House) -> None:
    with psycopg.connect(bare_db.info.dsn) as conn:
        house.deploy(conn)
        conn.rollback()
        assert ask(conn, "select count(*) from deploy.repeatable_object") == 6
        with pytest.raises(ValueError, match="transaction"):
            house.deploy(conn)


def test_a_restored_dump_begins_a_new_era_and_everything_is_loaded_again(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    assert bare_db.execute("select era from deploy.era").fetchall() == [(1,)]
    bare_db.execute("update deploy.era set system_identifier = 42")
    bare_db.execute("alter table billig.ticket enable trigger guard")

    assert len(house.deploy(bare_db).loaded) == 6
    assert bare_db.execute("select era from deploy.era order by era").fetchall() == [(1,), (2,)]
    assert ask(bare_db, "select tgenabled from pg_trigger where tgname = 'guard'") == "A"


def test_a_deployer_that_is_no_superuser_may_deploy_its_own_database(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db, upto="0001-schemas")
    bare_db.execute("create role test_deployer login createrole")
    try:
        database = ask(bare_db, "select quote_ident(current_database())")
        bare_db.execute(f"alter database {database} owner to test_deployer".encode())
        bare_db.execute("grant pybridge_owner to test_deployer")
        with psycopg.connect(bare_db.info.dsn, user="test_deployer") as conn:
            assert len(house.deploy(conn).loaded) == 6
    finally:
        bare_db.execute(f"alter database {database} owner to postgres".encode())
        bare_db.execute("drop role test_deployer")


# --- What it refuses ------------------------------------------------------------------------------------------------


def test_refuses_an_overload_left_by_a_changed_signature(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    longer = DEAR.replace("p_ticket int", "p_ticket int, p_limit int").replace("100", "p_limit")
    house.write("db/functions/billig/dear.sql", longer)
    house.write("db/views/report/ticket.sql", TICKETS.replace("dear(ticket)", "dear(ticket, 9)"))

    refusal = refused(house, bare_db)
    assert refusal.object_name == "billig.dear(integer)"
    assert refusal.hint == "Drop it in a migration: drop function if exists billig.dear(integer)"

    house.write("migrations/0002-dear.sql", "-- drops: report.ticket\ndrop function if exists billig.dear(integer);")
    house.deploy(bare_db)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("db/functions/billig/alone.sql", "billig.alone(integer)"),
        ("db/views/report/dear_ticket.sql", "report.dear_ticket"),
        ("db/triggers/billig/ticket.sql", "billig.guard()"),
    ],
)
def test_refuses_an_object_whose_file_is_gone(bare_db: Connection, house: House, path: str, name: str) -> None:
    house.write("db/functions/billig/alone.sql", DEAR.replace("dear", "alone"))
    house.deploy(bare_db)
    house.remove(path)

    assert refused(house, bare_db).object_name == name


def test_forgets_a_file_whose_object_a_migration_dropped(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    house.remove("db/views/report/dear_ticket.sql")
    house.write("migrations/0002-drop.sql", "drop view if exists report.dear_ticket;")

    assert house.deploy(bare_db).unchanged == 5
    assert ask(bare_db, "select count(*) from deploy.repeatable_object") == 5


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("create table billig.stray (a int)", "billig.stray"),
        ("create view report.stray as select 1 as a", "report.stray"),
        ("create materialized view report.stray as select 1 as a", "report.stray"),
        ("create sequence billig.stray", "billig.stray"),
        ("create index stray on billig.ticket (price)", "billig.stray"),
        ("create type billig.stray as enum ('a')", "billig.stray"),
        ("create type billig.stray as (a int)", "billig.stray"),
        ("create domain billig.stray as int", "billig.stray"),
        ("create function billig.stray() returns int language sql as 'select 1'", "billig.stray()"),
        ("create procedure billig.stray() language sql as 'select 1'", "billig.stray()"),
        ("create function billig.price(bigint) returns int language sql as 'select 1'", "billig.price(bigint)"),
        (
            "create trigger stray before update on billig.ticket for each row execute function billig.guard()",
            "stray on billig.ticket",
        ),
        ("create rule stray as on delete to billig.ticket do instead nothing", "stray on billig.ticket"),
        ("create policy stray on billig.ticket", "stray on billig.ticket"),
        ("alter table billig.ticket add stray int", "billig.ticket.stray"),
        ("alter table billig.ticket add constraint stray check (price > 0)", "stray on billig.ticket"),
        ("create statistics billig.stray on ticket, price from billig.ticket", "billig.stray"),
        ("create table deploy.stray (a int)", "deploy.stray"),
    ],
)
def test_refuses_what_was_made_outside_the_deploy(bare_db: Connection, house: House, statement: str, name: str) -> None:
    house.deploy(bare_db)
    bare_db.execute(statement.encode())

    assert refused(house, bare_db).object_name == name


def test_refuses_a_first_deploy_into_schemas_that_hold_something(bare_db: Connection, house: House) -> None:
    bare_db.execute("create schema billig create table ticket (a int)")

    assert refused(house, bare_db).object_name == "billig.ticket"


def test_lets_be_what_is_not_its_own(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    bare_db.execute("create table analysis.mine (a int)")
    bare_db.execute("create table public.mine (a int)")
    bare_db.execute(
        "create table marketplace.ad_click_2026_01 partition of marketplace.ad_click"
        " for values from ('2026-01-01') to ('2026-02-01')"
    )
    bare_db.execute("create index ad_click_2026_01_day_idx on marketplace.ad_click_2026_01 (day)")
    bare_db.execute("create extension pg_trgm schema billig")

    house.deploy(bare_db)


@pytest.mark.parametrize("path", ["db/views/report/from_nowhere.sql", "migrations/0002-view.sql"])
def test_views_come_from_files_of_their_name(bare_db: Connection, house: House, path: str) -> None:
    house.write(path, "create or replace view report.elsewhere as select 1 as a;")

    assert refused(house, bare_db).object_name in (path, "report.elsewhere")


def test_refuses_two_homes_of_one_function(bare_db: Connection, house: House) -> None:
    house.write("db/triggers/billig/price.sql", PRICE)

    assert refused(house, bare_db).object_name == "billig.price"


def test_refuses_a_file_in_no_place(bare_db: Connection, house: House) -> None:
    house.write("db/view/report/ticket.sql", TICKETS)

    assert refused(house, bare_db).object_name == "db/view/report/ticket.sql"


@pytest.mark.parametrize(
    ("body", "name", "reason"),
    [
        ("begin return 1", "db/functions/billig/bad.sql", "syntax error"),
        ("declare a billig.nowhere; begin return 1; end", "db/functions/billig/bad.sql", "nowhere"),
        ("begin return (select 1 from billig.nowhere); end", "billig.bad()", "billig.nowhere"),
        ("begin -- billig.nowhere\n return length('billig.nowhere'); end", None, ""),
    ],
)
def test_refuses_a_body_that_does_not_compile(
    bare_db: Connection, house: House, body: str, name: str | None, reason: str
) -> None:
    text = f"create or replace function billig.bad()\nreturns int language plpgsql as $$ {body} $$;"
    house.write("db/functions/billig/bad.sql", text)

    if name is None:
        house.deploy(bare_db)
        return
    refusal = refused(house, bare_db)
    assert refusal.object_name == name
    assert reason in refusal.reason


def test_refuses_a_migration_that_breaks_an_unchanged_body(bare_db: Connection, house: House) -> None:
    house.write(
        "db/functions/billig/total.sql",
        "create or replace function billig.total() returns numeric language sql set search_path = billig"
        " as 'select sum(price) from ticket';",
    )
    house.deploy(bare_db)
    house.write(
        "migrations/0002-rename.sql", "-- drops: report.ticket\nalter table billig.ticket rename price to amount;"
    )
    house.write("db/views/report/ticket.sql", TICKETS.replace("ticket, price", "ticket, amount as price"))
    house.write("db/functions/billig/price.sql", PRICE.replace("t.price", "t.amount"))

    refusal = refused(house, bare_db)
    assert refusal.object_name == "billig.total()"
    assert 'column "price" does not exist' in refusal.reason


def test_refuses_a_statement_that_cannot_run_where_plpgsql_check_is_there(bare_db: Connection, house: House) -> None:
    if not ask(bare_db, "select exists (select from pg_available_extensions where name = 'plpgsql_check')"):
        pytest.skip("allowed: this server has no plpgsql_check")
    house.deploy(bare_db)
    house.write("db/functions/billig/price.sql", PRICE.replace("t.price", "t.nothing"))

    refusal = refused(house, bare_db)
    assert refusal.object_name == "billig.price(integer)"
    assert "t.nothing" in refusal.reason
    assert not ask(bare_db, "select exists (select from pg_extension where extname = 'plpgsql_check')")


def test_names_the_file_and_the_line(bare_db: Connection, house: House) -> None:
    house.write("migrations/0002-bad.sql", "\n\nselect 1;\nselect nonsense;")
    refusal = refused(house, bare_db)
    assert (refusal.object_name, refusal.reason) == (
        "migrations/0002-bad.sql",
        'line 4: column "nonsense" does not exist',
    )
    house.remove("migrations/0002-bad.sql")

    house.write("db/views/report/bad.sql", "create or replace view report.bad as\nselect * from billig.nowhere;")
    refusal = refused(house, bare_db)
    assert (refusal.object_name, refusal.reason) == (
        "db/views/report/bad.sql",
        'line 2: relation "billig.nowhere" does not exist',
    )


@pytest.mark.parametrize("end", ["commit;", "select 1; ROLLBACK;", "do $$ begin\ncommit; end $$;"])
def test_refuses_a_file_that_ends_the_transaction(bare_db: Connection, house: House, end: str) -> None:
    house.write("migrations/0002-end.sql", f"create table billig.half (a int);\n{end}\n")

    assert refused(house, bare_db).object_name == "migrations/0002-end.sql"


def test_refuses_a_name_without_a_schema(bare_db: Connection, house: House) -> None:
    house.write("migrations/0002-bare.sql", "create table half (a int);")

    assert refused(house, bare_db).object_name == "migrations/0002-bare.sql"


def test_refuses_a_checkout_older_than_the_database(bare_db: Connection, house: House) -> None:
    upgrade(house)
    house.deploy(bare_db)
    house.remove("migrations/0003-index.sql")

    assert refused(house, bare_db).object_name == "0003-index"


def test_refuses_a_database_that_other_migrations_made(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    house.remove("migrations/0001-schemas.sql")
    house.write("migrations/0001-one-file-for-each.sql", SCHEMAS)

    refusal = refused(house, bare_db)
    assert refusal.object_name == "0001-schemas"
    assert "its file is not here" in refusal.reason
    assert refusal.hint == "Deploy from a checkout that is not older than the database."


def test_an_edited_migration_is_to_be_put_back(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    house.write("migrations/0001-schemas.sql", SCHEMAS.replace("numeric(10, 2)", "numeric(12, 2)"))

    refusal = refused(house, bare_db)
    assert refusal.object_name == "0001-schemas"
    assert "its file has changed" in refusal.reason
    assert refusal.hint.startswith("Put the file back as it was, and write a new migration for the change.")

    house.write("migrations/0001-schemas.sql", SCHEMAS)
    assert house.deploy(bare_db) == DeployResult(unchanged=6)


def test_a_database_whose_migrations_have_no_checksum_is_an_older_checkouts(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    bare_db.execute("delete from deploy.migration")

    assert refused(house, bare_db).object_name == "0001-schemas"


def test_refuses_migrations_that_depend_on_none(bare_db: Connection, house: House) -> None:
    house.write("migrations/0002-odd.sql", "-- depends: 0000-nothing\nselect 1;")

    refusal = refused(house, bare_db)
    assert refusal.object_name == "migrations"
    assert isinstance(refusal.__cause__, BadMigration)


# --- Views of the analysts ------------------------------------------------------------------------------------------


@pytest.fixture
def analysts(bare_db: Connection) -> Iterator[None]:
    bare_db.execute("create role test_analyst login")
    yield
    bare_db.execute("drop owned by test_analyst cascade")
    bare_db.execute("drop role test_analyst")


@pytest.mark.usefixtures("analysts")
def test_other_peoples_views_are_dropped_only_when_told_and_made_again_as_they_were(
    bare_db: Connection, house: House
) -> None:
    house.deploy(bare_db)
    bare_db.execute(
        """
        create view analysis.mine (a) with (security_barrier = true) as select price from report.dear_ticket;
        create view analysis.upon as select a, t.ticket from analysis.mine cross join report.ticket as t;
        alter view analysis.mine owner to test_analyst;
        grant select on analysis.mine to public;
        grant update (a) on analysis.mine to pybridge_owner with grant option;
        comment on view analysis.mine is 'it''s mine';
        comment on column analysis.mine.a is 'the price';
        """
    )
    upgrade(house)

    refusal = refused(house, bare_db)
    assert refusal.object_name.startswith("analysis.")
    assert "report." in refusal.reason
    assert "--replace-analysis" in refusal.hint

    before = [line for line in schema_fingerprint(bare_db) if "analysis." in line]
    assert any("test_analyst" in line for line in before)
    result = house.deploy(bare_db, replace_analysis=True)
    assert result.recreated == ["analysis.mine", "analysis.upon"]
    assert [line for line in schema_fingerprint(bare_db) if "analysis." in line] == before


def test_refuses_to_drop_what_it_cannot_make_again(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    bare_db.execute("create materialized view analysis.much as select ticket from report.ticket")
    upgrade(house)

    assert refused(house, bare_db, replace_analysis=True).object_name == "analysis.much"


def test_refuses_when_another_persons_view_uses_what_is_gone(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    bare_db.execute("create view analysis.mine as select dear from report.ticket")
    house.write("db/views/report/ticket.sql", TICKETS.replace(", billig.dear(ticket) as dear", ""))

    refusal = refused(house, bare_db, replace_analysis=True)
    assert refusal.object_name == "analysis.mine"
    assert "dear" in refusal.reason


def test_a_view_that_only_grows_needs_nobodys_leave(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    bare_db.execute("create view analysis.mine as select dear from report.ticket")
    house.write("db/views/report/ticket.sql", TICKETS.replace(" from", ", 1 as one from"))

    assert house.deploy(bare_db).loaded == ["db/views/report/ticket.sql"]


# --- Killed, and two at once ----------------------------------------------------------------------------------------


class _Killer(psycopg.Connection[Any]):
    """A connection that is terminated just before its n-th statement, or just after the last."""

    left = 10**6
    used = 0

    @classmethod
    def make(cls, conn: Connection, left: int) -> "_Killer":
        made = cls.connect(conn.info.dsn, autocommit=True, cursor_factory=_KillerCursor)
        made.left = left
        return made

    def kill(self) -> None:
        with psycopg.connect(self.info.dsn, autocommit=True) as other:
            pid = self.info.backend_pid
            other.execute("select pg_terminate_backend(%s)", [pid])
            # What pg_terminate_backend waits in is tenths of a second.
            while other.execute("select from pg_stat_activity where pid = %s", [pid]).fetchone() is not None:
                time.sleep(0.001)


class _KillerCursor(psycopg.Cursor[Any]):
    def execute(self, *args: Any, **options: Any) -> Any:
        conn = self.connection
        assert isinstance(conn, _Killer)
        if conn.used == conn.left:
            conn.kill()
        conn.used += 1
        return super().execute(*args, **options)


def test_killed_before_any_of_its_statements_it_leaves_the_old_version_whole(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    old = state(bare_db)
    upgrade(house)

    killed = 0
    while True:
        conn = _Killer.make(bare_db, killed)
        try:
            house.deploy(conn)
        except psycopg.OperationalError:
            assert state(bare_db) == old
            killed += 1
        else:
            break  # it has no more statements than that
        finally:
            conn.close()

    assert killed > 50
    assert state(bare_db) != old
    assert house.deploy(bare_db) == DeployResult(unchanged=7)


def test_killed_while_it_commits_it_leaves_the_old_version_whole(
    bare_db: Connection, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.deploy(bare_db)
    old = state(bare_db)
    upgrade(house)
    conn = _Killer.make(bare_db, 10**6)

    def run(self: Any, upto: str | None) -> DeployResult:
        result = original(self, upto)
        conn.kill()
        return result

    original = _Deploy.run
    monkeypatch.setattr("pybridge.deploy.deployer._Deploy.run", run)
    with pytest.raises(psycopg.OperationalError):
        house.deploy(conn)
    monkeypatch.undo()

    assert state(bare_db) == old
    assert house.deploy(bare_db).migrations == ["0002-sold", "0003-index"]


PROCESS = """
import sys, time, pathlib, psycopg
from pybridge.deploy import deploy
def progress(step):
    if step.startswith("load"):
        print(step, flush=True)
        time.sleep(60)
with psycopg.connect(sys.argv[1]) as conn:
    deploy(conn, root=pathlib.Path(sys.argv[2]), progress=progress)
"""


def test_a_process_killed_midway_leaves_the_old_version_whole(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    old = state(bare_db)
    upgrade(house)
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, bare_db.info.dsn, str(house.root)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().startswith("load")  # both migrations are behind it
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert state(bare_db) == old
    assert house.deploy(bare_db).migrations == ["0002-sold", "0003-index"]


def test_two_deploys_at_once_wait_for_each_other(bare_db: Connection, house: House) -> None:
    first_is_in, go_on = threading.Event(), threading.Event()
    results: dict[str, DeployResult] = {}

    def pause(step: str) -> None:
        first_is_in.set()
        assert go_on.wait(30)

    def run(name: str, progress: Callable[[str], None] | None) -> None:
        with again(bare_db) as conn:
            results[name] = house.deploy(conn, progress=progress)

    first = threading.Thread(target=run, args=("first", pause))
    first.start()
    assert first_is_in.wait(30)
    second = threading.Thread(target=run, args=("second", None))
    second.start()
    waiting = "select exists (select from pg_locks where not granted)"
    deadline = time.monotonic() + 30
    while not ask(bare_db, waiting):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    go_on.set()
    first.join()
    second.join()

    assert results["first"].migrations == ["0001-schemas"]
    assert results["second"] == DeployResult(unchanged=6)


def test_it_says_at_once_whom_it_waits_for_and_gives_up_in_time(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    before = state(bare_db)
    upgrade(house)
    said: list[str] = []
    with psycopg.connect(bare_db.info.dsn, application_name="a long report") as other:
        other.execute("select * from billig.ticket")  # a migration alters it
        blocker = f"process {other.info.backend_pid} ({other.info.user}, a long report)"
        with pytest.raises(DeployBusy) as refusal:
            house.deploy(bare_db, wait=1.5, waits_for=said.append)
    assert said == [blocker]
    assert refusal.value.sqlstate == "55P03"
    assert refusal.value.reason == f"it was locked for 1.5 s by {blocker}"
    assert "--wait" in refusal.value.hint
    assert state(bare_db) == before
    assert house.deploy(bare_db, wait=0).migrations == ["0002-sold", "0003-index"]


@pytest.mark.parametrize("wait", [0, 1e-9, 2_147_483.647, 1e9, float("inf")])
def test_any_time_to_wait_is_one_that_postgresql_can_count_to(bare_db: Connection, house: House, wait: float) -> None:
    assert house.deploy(bare_db, wait=wait).migrations


def test_a_deploy_that_waits_for_another_names_it(bare_db: Connection, house: House) -> None:
    said: list[str] = []

    def meanwhile(step: str) -> None:
        if step.startswith("migration"):
            with again(bare_db) as conn, pytest.raises(DeployBusy):
                house.deploy(conn, wait=1, waits_for=said.append)

    house.deploy(bare_db, progress=meanwhile)
    assert [words.split(" (")[0] for words in said] == [f"process {bare_db.info.backend_pid}"]


# --- Nothing to deploy ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["migrations", "db", "db/functions", "db/views", "db/triggers"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_folder_that_holds_nothing_is_refused_by_name(
    bare_db: Connection, house: House, folder: str, empty: bool
) -> None:
    shutil.rmtree(house.root / folder)
    if empty:
        (house.root / folder).mkdir()
    refusal = refused(house, bare_db)
    assert refusal.object_name.startswith(folder)
    assert str(house.root / folder) in refusal.reason
    assert "PYBRIDGE_ROOT" in refusal.hint
    assert ask(bare_db, "select count(*) from pg_namespace where nspname in ('billig', 'deploy')") == 0


def test_a_checkout_without_grants_is_refused(bare_db: Connection, house: House) -> None:
    house.remove("db/grants.sql")
    assert refused(house, bare_db).object_name == "db/grants.sql"


def test_it_tells_what_it_found_done(bare_db: Connection, house: House) -> None:
    first = house.deploy(bare_db)
    assert (len(first.migrations), first.applied_before, len(first.loaded), first.unchanged) == (1, 0, 6, 0)
    upgrade(house)
    second = house.deploy(bare_db)
    assert (len(second.migrations), second.applied_before) == (2, 1)
    assert len(second.loaded) + second.unchanged == 7
    third = house.deploy(bare_db)
    assert (third.migrations, third.applied_before, third.loaded, third.unchanged) == ([], 3, [], 7)
    assert third.seconds > 0


# --- From every earlier state ---------------------------------------------------------------------------------------


def _empty(conn: Connection) -> None:
    """Drop what a deploy made, as if the database were new."""
    schemas = conn.execute(
        "select quote_ident(nspname) from pg_namespace where nspowner = to_regrole('pybridge_owner')"
    ).fetchall()
    for (schema,) in schemas:
        conn.execute(f"drop schema {schema} cascade".encode())


def _states(root: Path) -> list[str]:
    return [path.stem for path in sorted((root / "migrations").glob("*.sql"))]


def _from(conn: Connection, root: Path, state: str) -> list[str]:
    """What the schema is when it was deployed in two steps, the first up to that migration."""
    _empty(conn)
    assert deploy(conn, root=root, upto=state).loaded == []
    deploy(conn, root=root)
    return schema_fingerprint(conn)


def test_every_earlier_state_of_the_small_house_comes_to_the_same_schema(bare_db: Connection, house: House) -> None:
    house.deploy(bare_db)
    upgrade(house)
    house.deploy(bare_db)
    upgraded = schema_fingerprint(bare_db)

    for state in _states(house.root):
        assert _from(bare_db, house.root, state) == upgraded, state


@pytest.fixture(scope="module")
def from_zero(shared_db: Connection) -> list[str]:
    """What the schema is when it was deployed in one go."""
    return schema_fingerprint(shared_db)


# The last migration of 0.1.0: a database of an earlier state was made anew then.
FIRST_RELEASE = "0009-analysis"


@pytest.mark.parametrize("state", [state for state in _states(ROOT) if state >= FIRST_RELEASE])
def test_every_earlier_state_of_the_project_comes_to_the_same_schema(
    bare_db: Connection, from_zero: list[str], state: str
) -> None:
    assert _from(bare_db, ROOT, state) == from_zero


@pytest.mark.parametrize(
    "statement",
    [
        "alter table billig.ticket alter price set default 1",
        "alter table billig.ticket alter price drop not null",
        "alter table billig.ticket disable trigger guard",
        "alter table billig.ticket force row level security",
        "alter function billig.price(int) security definer",
        "revoke execute on function billig.price(int) from public",
        "grant select (price) on billig.ticket to public",
        "comment on column billig.ticket.price is 'NOK'",
        "comment on trigger guard on billig.ticket is 'no'",
        "drop index billig.by_price",
        "alter view report.ticket set (security_invoker = true)",
        "alter schema billig owner to postgres",
    ],
)
def test_the_fingerprint_sees_each_difference(bare_db: Connection, house: House, statement: str) -> None:
    house.write("migrations/0002-index.sql", "create index by_price on billig.ticket (price);")
    house.deploy(bare_db)
    before = schema_fingerprint(bare_db)
    bare_db.execute(statement.encode())

    assert schema_fingerprint(bare_db) != before


def test_the_fingerprint_leaves_the_callers_search_path(bare_db: Connection, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    bare_db.execute("set search_path = public")
    schema_fingerprint(bare_db)

    assert ask(bare_db, "show search_path") == "public"
