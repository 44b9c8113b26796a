"""Clicks can be distributed over several nodes at any time: neither a statement nor the table stands in the way."""

import re

import pytest
from psycopg import errors

from pybridge.paths import ROOT
from tests.conftest import Connection
from tests.support import distributable
from tests.support.domain import one, rows

FILES = [path for path in sorted((ROOT / "db").rglob("*.sql")) if path.name != "grants.sql"]
CLICKS = re.compile(r"marketplace\.ad_click(_default)?\b")
# What the rules forbid and a cluster does: seen there (docs/howto/scale-out.md).
SEEN_TO_RUN = {
    # The tariffs are sent to each shard: they are few.
    "fill_clicks": {
        "joins clicks with advertisement_tariff",
        "joins clicks with commission_period",
        "joins clicks with a subquery of website_owner",
    },
}


def test_each_statement_that_reads_clicks_can_be_distributed() -> None:
    assert sum(distributable.reads_clicks(path.read_text("utf-8")) for path in FILES) > 20
    found = {(fault.name, fault.what) for fault in distributable.faults(FILES)}
    assert found == {(name, what) for name, every in SEEN_TO_RUN.items() for what in every}


def test_what_queries_of_clicks_call_is_given_to_each_node() -> None:
    given = (ROOT / "db/functions/marketplace/distribute_clicks.sql").read_text("utf-8")
    called = distributable.called(FILES)
    assert "marketplace.publisher_share" in called
    assert {each for each in called if f"'{each}(" not in given} == set()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("select 1 from ad_click as c inner join profile as p on c.profile = p.profile", "joins clicks with profile"),
        ("select 1 from ad_click as c inner join ad_click as d on c.profile = d.profile", "joins clicks with clicks"),
        (
            "select 1 from ad_click as c inner join (select from website) as w on true",
            "joins clicks with a subquery of website",
        ),
        ("select 1 from unnest($1) as k left join ad_click as c on true", "clicks are the optional side of a join"),
        ("select 1 from ad_click as c where exists (select from website)", "asks website for each click"),
        (
            "select (select count(*) from ad_click) from profile",
            "looks clicks up for each row, by a subquery",
        ),
        (
            "select from profile as p cross join lateral (select 1 from ad_click as c where c.profile = p.x) as x",
            "looks clicks up for each row, by a lateral subquery",
        ),
        ("select 1 from ad_click as c for update", "locks clicks"),
        ("select exists (select from ad_click)", "names no column"),
        ("select c.website, count(*) from ad_click as c group by c.profile", "website is not in GROUP BY"),
        ("select date_trunc('day', c.click_time) from ad_click as c", "date_trunc by the session's time zone"),
        ("update ad_click set profile = 2", "moves a click to another profile"),
        ("update ad_click set source = format('%s', source)", "format of a column of theirs is not immutable"),
        ("delete from ad_click using late_click", "joins clicks with late_click"),
        (
            "select 1 union all select 2 from ad_click as c inner join website as w on true",
            "joins clicks with website",
        ),
    ],
)
def test_each_rule_finds_what_breaks_it(statement: str, fault: str) -> None:
    """In a view, in SQL either way, and in PL/pgSQL, whose variables may be of our own types."""
    body = statement.replace("$1", "'{}'::int[]")
    texts = [
        f"create function f() returns void language sql as $$ {body} $$;",
        f"create function f() returns void language sql begin atomic {body}; end;",
        "create function f(p_x marketplace.month) returns void language plpgsql as $$\n"
        f"declare v_month marketplace.month; v_all marketplace.ad_click[];\nbegin perform 1; {body}; end $$;",
    ]
    if statement.startswith("select"):
        texts.append(f"create view v as {body};")
    for text in texts:
        assert set(distributable.of_text(text)) == {fault}


def test_what_keeps_to_the_rules_is_not_found() -> None:
    statement = """
        with key as materialized (select k.profile from unnest('{}'::int[]) as k (profile)),
        found as materialized (
            select c.profile, c.price from ad_click as c inner join key as k on c.profile = k.profile
        )
        select k.profile, sum(f.price) from key as k left join found as f on k.profile = f.profile
        inner join profile as p on p.profile = k.profile group by k.profile
    """
    assert not set(distributable.of_text(f"create view v as {statement};"))


def test_nothing_of_the_table_ties_it_to_one_node(shared_db: Connection) -> None:
    """No trigger, no foreign key, no identity; unique only with the key; no function's body follows it to others."""
    table = "marketplace.ad_click"
    assert not rows(shared_db, "select from pg_trigger where tgrelid = %s::regclass", table)
    assert not rows(
        shared_db, "select from pg_constraint where contype = 'f' and %s::regclass in (conrelid, confrelid)", table
    )
    assert not rows(shared_db, "select from pg_attribute where attrelid = %s::regclass and attidentity <> ''", table)
    unique = rows(
        shared_db,
        "select array(select attname::text from pg_attribute where attrelid = indrelid and attnum = any (indkey))"
        " as columns from pg_index where indrelid = %s::regclass and indisunique",
        table,
    )
    assert unique
    assert all("profile" in each["columns"] for each in unique)
    # A restrictive policy is a permissive one on a cluster's shards.
    assert not rows(shared_db, "select from pg_policy where polrelid = %s::regclass and not polpermissive", table)
    # Citus plans no query of clicks in a function of language SQL that has arguments.
    assert not rows(
        shared_db,
        "select p.oid::regproc from pg_proc as p inner join pg_language as l on l.oid = p.prolang and l.lanname = 'sql'"
        " where p.pronargs > 0 and p.prosrc ~ 'marketplace.ad_click '",
    )
    # There a view's owner does not read for who asks it: who reads clicks by a view reads them by a function.
    assert not rows(
        shared_db,
        "select c.oid::regclass from pg_class as c where c.relkind = 'v' and c.relname not like 'own_%%'"
        " and c.relnamespace <> 'public'::regnamespace and pg_get_viewdef(c.oid) ~ 'ad_click(_default)?(\\s|;|$)'",
    )
    # Where a function's body is followed, Citus wants on each worker whatever that body names.
    assert not rows(
        shared_db,
        "select objid::regproc from pg_depend where refobjid = %s::regclass and classid = 'pg_proc'::regclass"
        " union select d.objid::regproc from pg_depend as d inner join pg_policy as p on p.polrelid = %s::regclass"
        " inner join pg_depend as f on f.objid = p.oid and f.refobjid = d.objid"
        " where d.refclassid in ('pg_class'::regclass, 'pg_proc'::regclass) and d.deptype = 'n'",
        table,
        table,
    )


ASKS = ("check_profile", "own_profile", "sees_all", "lock_open_month")
WRITE_ONLY = {"record_clicks", "load_clicks"}  # these tell nothing of any click that was there


def test_whatever_reads_clicks_as_their_owner_asks_itself_who_may(shared_db: Connection) -> None:
    """On a node everybody is the owner. The right to see clicks is asked where the call comes in, or is the staff's."""
    found = rows(
        shared_db,
        "select p.proname as name, pg_get_functiondef(p.oid) as body, p.prosecdef as as_owner,"
        " has_function_privilege('marketplace_profile', p.oid, 'execute')"
        "  or has_function_privilege('marketplace_web', p.oid, 'execute') as is_for_others"
        " from pg_proc as p where p.pronamespace = 'marketplace'::regnamespace and p.prokind = 'f'",
    )
    bodies = {each["name"]: each["body"] for each in found}
    reading = {name for name, body in bodies.items() if CLICKS.search(body)}
    while (
        more := {
            name for name, body in bodies.items() if not reading.isdisjoint(re.findall(r"marketplace\.(\w+)\(", body))
        }
        - reading
    ):
        reading |= more  # by what they call
    for_others = {each["name"] for each in found if each["as_owner"] and each["is_for_others"]} & reading
    assert for_others >= {"own_click", "own_statement_line", "click_series", "top_items", "exclude_clicks", *WRITE_ONLY}
    assert {name for name in for_others if not any(f"{ask}(" in bodies[name] for ask in ASKS)} == WRITE_ONLY


def test_where_there_is_no_citus_clicks_stay(shared_db: Connection) -> None:
    with pytest.raises(errors.NoDataFound) as refused:
        one(shared_db, "select marketplace.distribute_clicks()")
    assert refused.value.diag.message_hint
    with pytest.raises(errors.InvalidParameterValue):
        one(shared_db, "select marketplace.distribute_clicks(0)")
    with pytest.raises(errors.InvalidParameterValue):  # its changes would be committed before the ledger's
        one(shared_db, "select marketplace.distribute_clicks(1)")
    assert rows(shared_db, "select * from marketplace.click_nodes()") == []
    assert one(shared_db, "select marketplace.recover_clicks()") == 0
    assert one(shared_db, "select marketplace.hold_clicks()") is False


def test_what_becomes_a_part_of_a_statement_of_clicks_is_found() -> None:
    """Citus gives the tables of a statement their numbers before it becomes one."""
    becomes = (
        "create or replace function f(p int) returns table (x int) language sql begin atomic select w from t; end;"
    )
    kept = becomes.replace("language", "set search_path = pg_catalog language").replace("f(p", "g(p")
    assert distributable.inlined([becomes, kept]) == {"f"}
    statement = "create view v as with c as materialized (select profile from ad_click) select from c cross join f(1)"
    assert set(distributable.of_text(f"{statement};", {"f"})) == {"f becomes a part of it"}
    assert not set(distributable.of_text(f"{statement.replace('f(1)', 'g(1)')};", {"f"}))
