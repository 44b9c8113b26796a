"""A dump restored elsewhere is the same ledger: nothing forgotten, nothing settled twice, and selling goes on."""

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import date

import psycopg
import pytest
from psycopg import sql

from pybridge.deploy import deploy, schema_fingerprint
from tests.conftest import Connection, Database, DurableServerFactory, ServerInfo
from tests.support import market
from tests.support.domain import (
    SELLER,
    UKA,
    Event,
    call,
    call_in,
    confirm,
    consistency,
    exchange,
    expect,
    log_types,
    login_role,
    make_cash_point,
    make_event,
    net,
    net_paid,
    one,
    pay,
    refund,
    reserve,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.hall import Row, all_rows, sold

Run = Callable[..., str]


@pytest.fixture
def program(server: ServerInfo) -> Run:
    """Runs a program of the server's (pg_dump, psql) against a database, and returns what it prints."""

    def run_it(name: str, port: int, *arguments: str, text: str | None = None, check: bool = True) -> str:
        result = subprocess.run(
            [str(server.bin_dir / name), "-h", "127.0.0.1", "-p", str(port), "-U", server.user, *arguments],
            input=text,
            capture_output=True,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        )
        if check:
            assert result.returncode == 0, result.stderr
        return result.stdout if result.returncode == 0 else result.stderr

    return run_it


def some_days(db: Connection) -> Event:
    """A bit of everything that the ledger keeps: each kind of sale, and what may follow."""
    make_cash_point(db, 3, payment_method="CARD")
    event, last_one = make_event(db, num=40, prices=(110, 160), fee=10), make_event(db, num=1)
    stand = sell(db, event.price_group, 4, methods=["CASH", "CARD"], amounts=[300, 140], cash_point=3)
    refund(db, stand.tickets[:1], request_id="refund-1")
    exchange(db, stand.tickets[1:2], event.price_groups[1], methods=["VIPPS"])
    update_ticket(db, stand.tickets[2], refunded="now", refunder="legacy", point_of_refund=7)
    update_ticket(db, stand.tickets[3], used="now")
    net_paid(db, event.price_group, 2)
    net(db, event.price_group)
    pay(db, reserve(db, event.price_group))
    # Money that came too late: the ticket had timed out, and was sold to somebody else.
    late = net(db, last_one.price_group)
    call(db, "abort_purchase", purchase=late.purchase)
    sell(db, last_one.price_group)
    assert confirm(db, late, reference="too-late")[0]["result"] == "OWED"
    call(db, "settle_owed_back", owed_back=one(db, "select owed_back from billig.owed_back"), reference="paid-back")
    # A closed period, what was rolled up till now, and a tail after it.
    yesterday = one(db, "select billig.local_time()::date - 1")
    call_in(db, "books", "close_period", organisation=UKA, first_day=yesterday, last_day=yesterday)
    sell(db, event.price_group, request_id="sale-1")
    a_month_of_clicks(db)
    assert consistency(db) == {}
    return event


def a_month_of_clicks(db: Connection) -> None:
    """What the marketplace keeps: a month closed, one of its transactions rolled over, a click taken back."""
    month = date(2026, 1, 1)
    market.partitions(db, month, 1)
    advertiser, publisher = market.profile(db), market.profile(db)
    ad, site = market.advertisement(db, advertiser, "20.123456"), market.website(db, publisher)
    (click,) = market.clicks(db, ad, site, market.at(2026, 1, 5))
    market.update(db, month, market.at(2026, 1, 7))
    market.close(db, month)
    market.adjust(db, click)


def contents(db: Connection, *schemas: str) -> dict[str, str]:
    """A fingerprint of the rows of every table and view, but for the views that read the clock (what is due now)."""
    relations = all_rows(
        db,
        r"""
        select n.nspname, c.relname
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname = any (%s) and c.relkind in ('r', 'v')
            and not (c.relkind = 'v' and pg_get_viewdef(c.oid) ~ '\m(now|local_time)\(\)')
        order by 1, 2
        """,
        list(schemas),
    )
    assert relations
    query = sql.SQL("select coalesce(md5(string_agg(r::text, '|' order by r::text)), '') from {} as r")
    return {
        f"{schema}.{name}": db.execute(query.format(sql.Identifier(schema, name))).fetchall()[0][0]
        for schema, name in relations
    }


def rights(db: Connection) -> list[Row]:
    """Who may do what with which table, column, function and schema, in words that hold in any cluster."""
    return all_rows(
        db,
        """
        with room as (
            select * from pg_namespace
            where
                nspname in
                ('books', 'billig', 'marketplace', 'bank', 'jobs', 'report', 'consistency', 'analysis', 'deploy')
        ),

        thing as (
            select c.oid::regclass::text as name, coalesce(
                c.relacl, acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner)
            ) as acl
            from pg_class as c where c.relnamespace in (select oid from room) and c.relkind in ('r', 'v', 'S')
            union all
            select a.attrelid::regclass::text || '.' || a.attname, a.attacl
            from pg_attribute as a where a.attacl is not null and a.attrelid >= 16384
            union all
            select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
            from pg_proc as p where p.pronamespace in (select oid from room)
            union all
            select r.nspname, coalesce(r.nspacl, acldefault('n', r.nspowner)) from room as r
        )

        select
            t.name, a.privilege_type, a.is_grantable,
            case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee
        from thing as t cross join aclexplode(t.acl) as a
        union all
        select 'member', m.roleid::regrole::text, m.admin_option, m.member::regrole::text from pg_auth_members as m
        order by 1, 2, 4
        """,
    )


LEDGER = ("books", "billig", "marketplace", "bank", "jobs", "report")


@pytest.fixture
def elsewhere(durable_server: DurableServerFactory) -> int:
    """The port of a new cluster, with nothing in it, not even the roles."""
    return durable_server(deployed=False).port


def connected(port: int, dbname: str = "postgres", user: str = "postgres") -> Connection:
    return psycopg.connect(host="127.0.0.1", port=port, dbname=dbname, user=user, autocommit=True)


@pytest.mark.smoke
def test_a_dump_restored_into_a_new_cluster_and_deployed_is_the_same_ledger(
    db: Connection, database: Database, program: Run, elsewhere: int
) -> None:
    event = some_days(db)
    before, allowed, schema = contents(db, *LEDGER), rights(db), schema_fingerprint(db)

    # The roles first; that the superuser is there already is all that may go wrong.
    program("psql", elsewhere, "-q", "-d", "postgres", text=program("pg_dumpall", database.port, "--roles-only"))
    dump = program("pg_dump", database.port, database.name)
    program("psql", elsewhere, "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", "postgres", text=dump)

    with connected(elsewhere) as there:
        assert contents(there, *LEDGER) == before
        assert rights(there) == allowed
        assert consistency(there).keys() == {"era_is_current"}, "restored, and not deployed yet"
        deploy(there)
        assert consistency(there) == {}
        assert all_rows(there, "select era from deploy.era order by era") == [(1,), (2,)]
        assert contents(there, *LEDGER) == before
        assert (rights(there), schema_fingerprint(there)) == (allowed, schema)
        nothing_is_settled_twice(there, event, before)
        selling_goes_on(there, event)
        rights_hold(there, elsewhere)


def nothing_is_settled_twice(there: Connection, event: Event, before: dict[str, str]) -> None:
    """Whoever repeats what the old cluster was asked for gets its answer, and nothing happens."""
    refunded = rows(there, "select ticket from billig.ticket where refunded is not null and refunder = %s", SELLER)
    again = sell(there, event.price_group, request_id="sale-1")
    assert again.ticket == one(there, "select max(ticket) from billig.ticket")
    first = one(there, "select min(ticket) from billig.ticket where refunder = %s", SELLER)
    assert [row["ticket"] for row in refund(there, [first], request_id="refund-1")] == [first]
    late = one(there, "select purchase from billig.owed_back")
    owed = call(there, "confirm_net_payment", purchase=late, amount=100, provider_reference="too-late")
    assert [row["result"] for row in owed] == ["OWED"]
    with expect("23B10"):
        refund(there, [refunded[0]["ticket"]])
    with expect("23B12"):
        call(there, "settle_owed_back", owed_back=one(there, "select owed_back from billig.owed_back"), reference="x")
    assert call(there, "expire_net_sales") == []
    assert contents(there, *LEDGER) == before


def selling_goes_on(there: Connection, event: Event) -> None:
    """New sales carry on the old numbers, in the new era; what was sold in the old one can be taken back."""
    last = one(there, "select max(ticket) from billig.ticket")
    number_sold = sold(there, event.ticket_group)[0]
    new = sell(there, event.price_group, 2)
    assert min(new.tickets) > last
    assert sold(there, event.ticket_group) == (number_sold + 2, number_sold + 2)
    live = "select min(ticket) from billig.ticket where refunded is null and used is null and paid is not null"
    old = one(there, live)
    assert old <= last
    refund(there, [old])
    eras = "select array_agg(era order by transaction_log) from billig.transaction_log where ticket = %s"
    assert log_types(there, old)[-1] in ("NORMAL_REFUND", "NET_REFUND")
    old_eras = one(there, eras, old)
    assert (set(old_eras[:-1]), old_eras[-1]) == ({1}, 2)
    assert one(there, eras, new.tickets[0]) == [2]
    exchange(there, new.tickets, event.price_groups[1], 2)
    assert consistency(there) == {}
    totals = contents(there, "report")
    rolled_up = one(there, "select sum(log_rows) from billig.rollup_batch")
    unrolled = call(there, "roll_up_log")[0]["roll_up_log"]
    assert unrolled > 0
    assert rolled_up + unrolled == one(there, "select count(*) from billig.transaction_log"), "of both eras, each once"
    assert contents(there, "report") == totals
    assert call(there, "roll_up_log")[0]["roll_up_log"] == 0
    assert consistency(there) == {}
    with expect("23B07"):
        run(there, "delete from billig.transaction_log")


def rights_hold(there: Connection, port: int) -> None:
    with login_role(there, "analyst") as analyst, connected(port, user=analyst) as connection:
        assert one(connection, "select count(*) > 0 from report.transaction")
        with expect("42501", native=True):
            run(connection, "select owner_email from billig.purchase")
    with login_role(there, "billig_seller") as seller, connected(port, user=seller) as connection:
        event = make_event(there)
        sell(connection, event.price_group, seller=seller)
        with expect("42501"):
            sell(connection, event.price_group, seller=SELLER)


def restore_data_alone(program: Run, port: int, dbname: str, origin: Database) -> None:
    """Tables first, then their rows with triggers put aside, as pg_dump knows it."""
    for what in (["--schema-only"], ["--data-only", "--disable-triggers"]):
        dump = program("pg_dump", origin.port, *what, origin.name)
        program("psql", port, "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", dbname, text=dump)


@pytest.fixture
def empty(db: Connection, database: Database) -> Iterator[Database]:
    """An empty database beside the test's own, in the same cluster."""
    db.execute("drop database if exists restored")
    db.execute("create database restored template template0")
    yield Database(database.host, database.port, "restored")
    db.execute("drop database restored")


def test_a_restore_of_data_alone_leaves_ordinary_triggers_which_is_seen_and_mended_by_deploy(
    db: Connection, database: Database, program: Run, empty: Database
) -> None:
    """In the same cluster, where no new era tells the deploy that something happened."""
    event = some_days(db)
    before = contents(db, *LEDGER)

    restore_data_alone(program, empty.port, empty.name, database)

    with connected(empty.port, empty.name) as there:
        assert contents(there, *LEDGER) == before
        broken = consistency(there)
        assert broken.keys() == {"trigger_guard"}
        # Functions and views that are parsed anew may be written otherwise; constraints and policies are not.
        ordinary = [row for row in broken["trigger_guard"] if row["trigger_name"] not in ("function", "view")]
        assert {row["problem"] for row in ordinary} == {"not ALWAYS"}
        guarded = one(db, "select count(*) from pg_trigger where not tgisinternal and tgenabled = 'A'")
        assert len(ordinary) == guarded > 10
        assert slips_by_unlogged(there), "what an ordinary trigger lets pass"

        loaded = deploy(there).loaded
        assert "db/triggers/billig/ticket.sql" in loaded
        assert consistency(there) == {}
        assert rows(there, "select * from consistency.trigger_guard") == []
        assert deploy(there).loaded == []
        assert one(there, "select count(*) from deploy.era") == 1
        assert not slips_by_unlogged(there)
        assert deploy(there).loaded == []
        sell(there, event.price_group)
        assert consistency(there) == {}


def slips_by_unlogged(there: Connection) -> bool:
    """Whether a change in replication's role gets past the log; taken back afterwards."""
    with there.transaction(force_rollback=True):
        logged = one(there, "select count(*) from billig.transaction_log")
        there.execute("set local session_replication_role = replica")
        changed = run(
            there,
            "update billig.ticket set used = billig.local_time()"
            " where paid is not null and refunded is null and used is null",
        )
        assert changed > 0
        return bool(one(there, "select count(*) from billig.transaction_log") == logged)


def test_data_restored_under_the_triggers_is_refused_whole(
    db: Connection, database: Database, program: Run, empty: Database
) -> None:
    some_days(db)
    program(
        "psql",
        empty.port,
        "-q",
        "-d",
        empty.name,
        text=program("pg_dump", database.port, "--schema-only", database.name),
    )

    data = program("pg_dump", database.port, "--data-only", database.name)
    said = program("psql", empty.port, "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", empty.name, text=data, check=False)

    assert "ERROR" in said
    with connected(empty.port, empty.name) as there:
        assert one(there, "select count(*) from billig.ticket") == 0
        assert one(there, "select count(*) from billig.transaction_log") == 0
