"""Who may do what: every role, object and privilege against tests/deploy/rights.toml; some tried for real."""

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import (
    UKA,
    Event,
    call,
    call_in,
    close_till,
    confirm,
    consistency,
    create_purchase,
    expect,
    insert_ticket,
    log_rows,
    log_types,
    login_role,
    make_cash_point,
    make_event,
    net,
    num_sold,
    one,
    open_till,
    raw_purchase,
    refund,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)

FILE = Path(__file__).with_name("rights.toml")
OWNER = "pybridge_owner"
SCHEMAS = ["books", "billig", "marketplace", "bank", "jobs", "report", "consistency", "analysis", "deploy", "public"]
Right = tuple[str, str, str, str]
"""Role, kind of object, object, privilege."""


# --- The table of rights --------------------------------------------------------------------------------------------


def group_roles(db: Connection) -> list[str]:
    """The project's roles, but for the owner: those that the first migration makes."""
    return [
        row["rolname"]
        for row in rows(
            db,
            """
            select rolname from pg_roles
            where rolname ~ '^billig_'
                or rolname ~ '^marketplace_' or rolname in ('bookkeeper', 'analyst', 'scheduler', 'auditor')
            order by rolname
            """,
        )
    ]


def effective(db: Connection) -> set[Right]:
    """What each group role, and everybody, can really do; a column only where its whole table is not allowed."""
    roles = [*group_roles(db), "public"]
    table_privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    if db.info.server_version >= 170000:
        table_privileges.append("MAINTAIN")
    found = rows(
        db,
        """
        with role as (select unnest(%(roles)s::text[]) as role),

        relation as (
            select c.oid, format('%%s.%%s', n.nspname, c.relname) as name, c.relkind
            from pg_class as c
            inner join pg_namespace as n on c.relnamespace = n.oid
            where n.nspname = any (%(schemas)s)
        )

        select r.role, 'database' as kind, '' as name, p as privilege
        from role as r
        cross join unnest(array['CONNECT', 'TEMPORARY', 'CREATE']) as p
        where has_database_privilege(r.role, current_database(), p)
        union all
        select r.role, 'schema', n.nspname, p
        from role as r
        cross join pg_namespace as n
        cross join unnest(array['USAGE', 'CREATE']) as p
        where n.nspname = any (%(schemas)s) and has_schema_privilege(r.role, n.oid, p)
        union all
        select r.role, 'relation', c.name, p
        from role as r
        cross join relation as c
        cross join unnest(%(table_privileges)s::text[]) as p
        where c.relkind in ('r', 'v', 'm', 'p', 'f') and has_table_privilege(r.role, c.oid, p)
        union all
        select r.role, 'column', c.name || '.' || a.attname, p
        from role as r
        cross join relation as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) as p
        where
            c.relkind in ('r', 'v', 'm', 'p', 'f')
            and has_column_privilege(r.role, c.oid, a.attnum, p)
            and not has_table_privilege(r.role, c.oid, p)
        union all
        select r.role, 'sequence', c.name, p
        from role as r
        cross join relation as c
        cross join unnest(array['USAGE', 'SELECT', 'UPDATE']) as p
        where case when c.relkind = 'S' then has_sequence_privilege(r.role, c.oid, p) end
        union all
        select r.role, 'function', format('%%s.%%s', n.nspname, f.proname), 'EXECUTE'
        from role as r
        cross join pg_proc as f
        inner join pg_namespace as n on f.pronamespace = n.oid
        where n.nspname = any (%(schemas)s) and has_function_privilege(r.role, f.oid, 'EXECUTE')
        """,
        {"roles": roles, "schemas": SCHEMAS, "table_privileges": table_privileges},
    )
    of_everybody = {(row["kind"], row["name"], row["privilege"]) for row in found if row["role"] == "public"}
    return {
        (row["role"], row["kind"], row["name"], row["privilege"])
        for row in found
        if row["role"] == "public" or (row["kind"], row["name"], row["privilege"]) not in of_everybody
    }


def _relations(db: Connection, pattern: str) -> list[str]:
    schema, name = pattern.split(".")
    if name != "*":
        return [pattern]
    return [
        f"{schema}.{row['relname']}"
        for row in rows(db, "select relname from pg_class where relnamespace = %s::regnamespace", schema)
    ]


def _objects(db: Connection, grant: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The objects that one entry of the file names: kind and name."""
    if grant.get("database"):
        yield "database", ""
    for kind in ("schema", "relation", "sequence", "function"):
        for name in grant.get(f"{kind}s", []):
            for found in _relations(db, name) if kind == "relation" else [name]:
                yield kind, found
    for table in grant.get("every_column_of", []):
        there = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        for row in rows(db, there, table):
            yield "column", f"{table}.{row['attname']}"
    for table, columns in grant.get("columns", {}).items():
        for column in columns:
            yield "column", f"{table}.{column}"


def written(db: Connection) -> set[Right]:
    """What tests/deploy/rights.toml says."""
    content = tomllib.loads(FILE.read_text("utf-8"))
    groups: dict[str, list[str]] = content["groups"]
    return {
        (role, kind, name, privilege)
        for grant in content["grant"]
        for kind, name in _objects(db, grant)
        for privilege in grant["privileges"]
        for entry in grant["to"]
        for role in groups.get(entry, [entry])
    }


def test_everybody_may_do_what_the_file_says_and_nothing_else(shared_db: Connection) -> None:
    expected, found = written(shared_db), effective(shared_db)
    assert len(found) > 200, "the walk found hardly anything"
    differences = [f"{role} may not {privilege} {kind} {name}" for role, kind, name, privilege in expected - found]
    differences += [f"{role} may {privilege} {kind} {name}" for role, kind, name, privilege in found - expected]
    assert sorted(differences) == [], f"db/grants.sql and {FILE.name} differ"


def test_group_roles_are_nothing_but_groups(shared_db: Connection) -> None:
    roles = [*group_roles(shared_db), OWNER]
    assert len(roles) == 12
    grand = """
        select rolname from pg_roles
        where rolname = any (%s)
            and (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
    """
    assert rows(shared_db, grand, roles) == []
    member = """
        select member::regrole::text as member, roleid::regrole::text as role from pg_auth_members
        where member::regrole::text = any (%s)
    """
    # so that jobs.is_alive, which tells yes or no, knows whether a session is still there
    assert rows(shared_db, member, roles) == [{"member": OWNER, "role": "pg_read_all_stats"}]


def test_one_owner_owns_everything(shared_db: Connection) -> None:
    others = """
        select format('%%s.%%s', relnamespace::regnamespace, relname) as name from pg_class
        where relnamespace::regnamespace::text = any (%(schemas)s) and relowner <> %(owner)s::regrole
        union all
        select proname from pg_proc
        where pronamespace::regnamespace::text = any (%(schemas)s) and proowner <> %(owner)s::regrole
        union all
        select nspname from pg_namespace
        where nspname = any (%(schemas)s) and nspname <> 'public' and nspowner <> %(owner)s::regrole
    """
    assert rows(shared_db, others, {"schemas": SCHEMAS, "owner": OWNER}) == []


def test_what_runs_with_the_owners_rights_fixes_its_search_path(shared_db: Connection) -> None:
    loose = """
        select proname, proconfig from pg_proc
        where prosecdef and pronamespace::regnamespace::text = any (%(schemas)s)
            and not ('search_path=pg_catalog, ' || pronamespace::regnamespace || ', pg_temp') = any (proconfig)
    """
    assert rows(shared_db, loose, {"schemas": SCHEMAS}) == []
    callable_as_oneself = """
        select pronamespace::regnamespace || '.' || proname as name,
            'search_path=pg_catalog, ' || pronamespace::regnamespace || ', pg_temp' = any (proconfig) as is_fixed
        from pg_proc as f
        where not prosecdef and pronamespace::regnamespace::text = any (%(schemas)s)
            and exists (select from unnest(%(roles)s::text[]) as r where has_function_privilege(r, f.oid, 'EXECUTE'))
        order by 1
    """
    found = rows(shared_db, callable_as_oneself, {"roles": group_roles(shared_db), "schemas": SCHEMAS})
    atomic = {
        row["name"]
        for row in rows(
            shared_db,
            "select pronamespace::regnamespace || '.' || proname as name from pg_proc where prosqlbody is not null",
        )
    }
    bound = ["billig.term_on", "books.rate_on", "books.rule_for", "books.taxed"]
    assert {*bound} <= atomic, "what these look up was settled when they were made"
    assert [row["name"] for row in found if not row["is_fixed"] and row["name"] not in bound] == [
        *("bank.reference_key", "bank.text_keys"),
        *("billig.channel_of", "billig.components", "billig.fee_in", "billig.frees_seat", "billig.history_position"),
        "billig.is_chargeback",
        *("billig.is_fee_kept", "billig.is_price_change", "billig.is_reduction", "billig.is_refund"),
        *("billig.is_sale", "billig.is_unuse", "billig.is_use"),
        *("billig.is_vat_change", "billig.is_web_payment", "billig.left_of", "billig.local_time", "billig.moves_money"),
        "billig.round_cash",
        *(
            "billig.takes_money",
            "billig.takes_seat",
            "books.check_count",
            "books.check_day",
            "books.check_moment",
            "books.check_text",
        ),
        *("books.fits_line", "books.list", "books.share_of", "books.time_zone", "books.vat_of"),
        *("marketplace.day_begins", "marketplace.month_of", "marketplace.next_month"),
        "marketplace.sees_all",
    ], "these look nothing up"
    assert [row["name"] for row in found if row["is_fixed"]] == [
        "marketplace.check_period",
        "marketplace.credited_beyond",
    ], "all else that profiles are shown runs with the owner's rights, and asks whose it is"


# --- Tried for real -------------------------------------------------------------------------------------------------


class People:
    """Logs in as real roles, to the database that the tests of this module share."""

    def __init__(self, db: Connection, stack: ExitStack) -> None:
        self.db, self.stack = db, stack

    def login(self, *groups: str, service: bool = False) -> tuple[Connection, str]:
        name = self.stack.enter_context(login_role(self.db, *groups, service=service))
        return self.stack.enter_context(psycopg.connect(self.db.info.dsn, user=name, autocommit=True)), name


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Iterator[Connection]:
    yield shared_db
    assert consistency(shared_db) == {}


@pytest.fixture
def people(db: Connection) -> Iterator[People]:
    with ExitStack() as stack:
        yield People(db, stack)


@pytest.fixture(scope="module")
def event(db: Connection) -> Event:
    return make_event(db, prices=(100, 50), num=1000)


def denied(connection: Connection, statement: str) -> None:
    """The statement is refused for want of a right."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_seller_sells_as_themselves_and_sees_no_buyer(db: Connection, people: People, event: Event) -> None:
    kari, name = people.login("billig_seller")
    sale = sell(kari, event.price_group, 2, seller=name, owner_email="buyer@example.com")
    assert log_rows(db, sale.tickets[0])[0]["login_role"] == name
    with expect("42501"):
        sell(kari, event.price_group, seller="somebody else")
    with expect("42501"):
        refund(kari, sale.tickets, seller="somebody else")
    with expect("42501"):
        refund(kari, sale.tickets, seller=None)
    with expect("42501"):
        net(kari, event.price_group)
    with expect("22023"):
        sell(kari, event.price_group, seller="")
    for statement in (
        "select owner_email from billig.purchase",
        "select count(*) from billig.purchase",
        "select owner_member_id from billig.ticket_card",
        "select * from billig.payment_error",
        "select * from billig.ticket",
        "select * from billig.transaction_log",
        "select * from books.request",
        "select * from report.transaction",
        "select * from consistency.vat",
        "update billig.ticket set refunded = now(), refunder = 'me'",
        "insert into billig.purchase default values",
        "insert into billig.ticket (price_group, purchase) values (1, 1)",
        "delete from billig.ticket",
        "truncate billig.ticket",
        "update billig.price_group set price = 0",
        "update billig.ticket_group set num = 1000000",
        "update billig.event_lim_web set hidden = false",
        "insert into billig.service_role (role_name, service_note) values (current_user, 'me')",
        "insert into billig.transaction_log select * from billig.transaction_log",
        "create table billig.mine (a int)",
        "create table public.mine (a int)",
        "create schema mine",
        "create trigger mine before insert on billig.ticket execute function billig.ticket_keep()",
        "select billig.take_capacity(1, 1)",
        "select billig.new_payment('SALE', 1, null, 'x', null, 'WEB', null, null, false, null, null, 0)",
        "select billig.align_ticket('{1}')",
        "select billig.check_seller('me')",
        "select billig.refuse_change(1, -1::smallint)",
        "select billig.erase_buyer(1)",
        "select billig.confirm_net_payment(1, 1, 'x')",
        "select billig.abort_purchase(1)",
        "set session_replication_role = replica",
        "set role billig_web",
        "set role pybridge_owner",
    ):
        denied(kari, statement)
    assert one(kari, "select price from billig.price_group where price_group = %s", event.price_group) == 100
    call(kari, "undo_last_sale", seller=name)


def test_a_registered_service_may_name_any_seller(db: Connection, people: People, event: Event) -> None:
    perl, name = people.login("billig_seller", service=True)
    ticket = sell(perl, event.price_group, seller="kari").ticket
    assert [(row["seller"], row["login_role"]) for row in log_rows(db, ticket)] == [("kari", name)]
    run(db, "delete from billig.service_role where role_name = %s", name)
    with expect("42501"):
        sell(perl, event.price_group, seller="kari")


def test_being_registered_alone_lets_nobody_sell(db: Connection, people: People, event: Event) -> None:
    stranger, _ = people.login("billig_legacy", service=True)
    with expect("42501", native=True):
        sell(stranger, event.price_group, seller="kari")


def test_the_web_sells_on_the_web_only(db: Connection, people: People, event: Event) -> None:
    web, name = people.login("billig_web")
    sale = net(web, event.price_group)
    confirm(web, sale)
    assert log_types(db, sale.ticket) == ["NET_SALE", "NET_PAID"]
    for channel in ("STAND", "RESERVATION"):
        with expect("42501"):
            create_purchase(web, channel, event.price_group, seller=name, payment_methods=["CASH"])
    with expect("42501"):
        refund(web, sale.tickets, seller="kari")
    with expect("23B09"):
        refund(web, sell(db, event.price_group).tickets, seller=None)
    with expect("42501"):
        call(web, "cancel_reservation", purchase=sale.purchase, seller="kari")
    for statement in (
        "select owner_email from billig.purchase",
        "update billig.ticket set paid = now()",
        "select billig.ticket_exchange('{1}', '{1}', '{1}', 'kari')",
        "select billig.undo_last_sale('kari')",
        "select billig.pay_reservation(1, 'kari')",
    ):
        denied(web, statement)
    refund(web, sale.tickets, seller=None)


def test_an_analyst_sees_reports_and_creates_in_analysis_and_nothing_else(
    db: Connection, people: People, event: Event
) -> None:
    make_cash_point(db, session_required=True)
    for cash in (True, False):  # a Z report, and something since it
        open_till(db, "per")
        sell(db, event.price_group, seller="per")
        if cash:
            close_till(db, 100, "per")
            call(db, "z_report", cash_point=1, seller="per")
            ever = {"first_day": date(2000, 1, 1), "last_day": date(2100, 1, 1)}
            call_in(db, "books", "export_vouchers", organisation=UKA, **ever)
    market.update(db, None, market.at(2026, 1, 1))
    advertiser = market.profile(db)
    market.partitions(db, date(2026, 1, 1), 1)
    market.clicks(db, market.advertisement(db, advertiser), None, market.at(2026, 1, 1))
    market.update(db, None, market.at(2026, 1, 2))
    call_in(db, "jobs", "begin_run", job="marketplace_update")
    sell(db, event.price_group, seller="somebody")
    confirm(db, net(db, event.price_group), reference="pi_1")
    call(db, "record_chargeback", dispute_reference="dp_1", provider_reference="pi_1")
    call(db, "confirm_net_payment", purchase=None, amount=1, provider_reference="pi_2")
    analyst, _ = people.login("analyst")
    for view in rows(db, "select viewname from pg_views where schemaname = 'report'"):
        found = rows(analyst, sql.SQL("select * from {}").format(sql.Identifier("report", view["viewname"])))
        of_others = (
            "blocker",
            "cancelled_",
            "click_flag",
            "closed_period",
            "gateway_",
            "late_transaction",
            "marketplace_earlier",
            "marketplace_set_off",
            "overdue_charge",
            "payment_",
            "profile_account",
            "waiting",
            "web_refund",
        )
        of_bank = ("bank_", "fee", "missing_deposit", "payout", "unmatched_deposit")
        assert found or view["viewname"].startswith(of_others + of_bank), view
    close_till(db, 100, "per")
    run(analyst, "create view analysis.takings as select sum(gross_amount) as takings from report.vat_by_project")
    assert one(analyst, "select takings from analysis.takings") > 0
    run(analyst, "create table analysis.notes (note text)")
    for statement in (
        "select * from billig.ticket",
        "select * from billig.event",
        "select * from marketplace.transaction",
        "select * from jobs.job_run",
        "select books.vat_of(100, 25)",
        "select * from consistency.vat",
        "select * from deploy.era",
        "create view report.mine as select 1",
        "create view public.mine as select 1",
        "create view analysis.buyers as select * from billig.purchase",
        "select billig.create_purchase('NET', '{1}', '{1}')",
    ):
        denied(analyst, statement)


def test_an_analysts_own_trigger_writes_no_log(db: Connection, people: People, event: Event) -> None:
    """The log takes rows from triggers; a trigger of one's own runs with one's own rights."""
    sell(db, event.price_group)
    analyst, _ = people.login("analyst", "billig_dev", "auditor")
    for statement in (
        "create table analysis.bait (a int)",
        """
        create function analysis.write_log() returns trigger language plpgsql as $$
        begin
            insert into billig.transaction_log select * from billig.transaction_log;
            return new;
        end;
        $$
        """,
        "create trigger write_log before insert on analysis.bait for each row execute function analysis.write_log()",
    ):
        run(analyst, statement)
    denied(analyst, "insert into analysis.bait values (1)")


@pytest.mark.parametrize("role", ["auditor", "bookkeeper", "scheduler"])
def test_whoever_may_check_can_read_every_consistency_view(people: People, role: str) -> None:
    checker, _ = people.login(role)
    assert consistency(checker) == {}
    for statement in ("select owner_email from billig.purchase", "update billig.ticket set used = now()"):
        denied(checker, statement)


def test_the_scheduler_expires_and_sells_nothing(db: Connection, people: People, event: Event) -> None:
    scheduler, _ = people.login("scheduler")
    run(db, "update billig.sale_channel set hold_for = '0' where sale_channel = 'NET'")
    ticket = net(db, event.price_group).ticket
    expired = [row["ticket"] for row in call(scheduler, "expire_net_sales")]
    run(db, "update billig.sale_channel set hold_for = '20 minutes' where sale_channel = 'NET'")
    assert ticket in expired
    denied(scheduler, "select billig.create_purchase('NET', '{1}', '{1}', p_owner_email => 'x')")


def test_legacy_code_saves_whole_tickets_and_is_refused_by_what_they_say(db: Connection, people: People) -> None:
    perl, name = people.login("billig_legacy")
    event = make_event(db)
    first, second = sell(db, event.price_group, 2, owner_email="legacy@example.com").tickets
    assert one(perl, "select count(*) from billig.purchase where owner_email = 'legacy@example.com'") == 1
    assert update_ticket(perl, first, refunded="now", refunder="kari", point_of_refund=5) == 1
    assert update_ticket(perl, second, used="now") == 1
    assert run(perl, "update billig.ticket_group set num_sold = num_sold - 1") >= 1
    assert num_sold(db, event.ticket_group) == 1
    assert [(row["type"], row["seller"], row["login_role"]) for row in log_rows(db, first)[1:]] == [
        ("NORMAL_REFUND", "kari", name)
    ]
    used, refunded = ticket_row(db, second), ticket_row(db, first)
    for whole in (used, refunded):
        assert update_ticket(perl, whole["ticket"], **whole) == 1, "a whole row, as it was read"
    assert (len(log_rows(db, first)), len(log_rows(db, second))) == (2, 2)
    unpaid = ticket_row(db, net(db, event.price_group).ticket)
    live = ticket_row(db, sell(db, event.price_group).ticket)
    for whole, changed, refusal in (
        (used, {"ticket": second + 1000}, "23B08"),
        (used, {"purchase": raw_purchase(db)}, "23B08"),
        (used, {"price": 1, "fee": 0}, "23B08"),
        (used, {"seller": "ola"}, "23B08"),
        (used, {"used": None}, "23B22"),
        (refunded, {"refunded": None}, "23B22"),
        (refunded, {"refunder": "ola"}, "23B10"),
        (unpaid, {"paid": "2026-01-01"}, "42501"),
        (live, {"paid": None}, "42501"),
        (live, {"reduced": 50}, "42501"),
        (live, {"kept": 50, "refunded": "now", "refunder": "kari"}, "42501"),
        (live, {"payment": 1}, "42501"),
        (live, {"vat_rate": 12}, "42501"),
    ):
        with expect(refusal):
            update_ticket(perl, int(whole["ticket"]), **whole | changed)
        assert ticket_row(db, int(whole["ticket"])) == whole
    for statement in (
        "insert into billig.purchase default values",
        "delete from billig.ticket",
        "update billig.ticket_group set num = 1000",
        "update billig.ticket_group set ticket_limit = 1000",
        "update billig.ticket_group set ticket_group_name = ticket_group_name || '!', num_sold = 0",
        "update billig.purchase set owner_email = 'other@example.com'",
        "update billig.price_group set price = 1",
        "insert into billig.transaction_log select * from billig.transaction_log",
    ):
        denied(perl, statement)


def test_legacy_code_hands_failed_payments_over_by_whole_rows(db: Connection, people: People, event: Event) -> None:
    perl, _ = people.login("billig_legacy")
    run(
        perl,
        "insert into billig.payment_error (error, failed, owner_cardno, owner_email, message)"
        " values ('r1', billig.local_time(), null, null, 'Declined')",
    )
    row = "error = error, failed = failed, owner_cardno = '1', owner_email = owner_email, message = message"
    assert run(perl, sql.SQL("update billig.payment_error set {}").format(sql.SQL(row))) == 1
    run(perl, "insert into billig.payment_error_price_group values ('r1', %s, 2)", event.price_group)
    denied(perl, "select error_key from billig.payment_error_key")
    run(db, "delete from billig.payment_error")


def test_a_site_reads_and_can_do_nothing_else(db: Connection, people: People, event: Event) -> None:
    site, _ = people.login("billig_site")
    sale = sell(db, event.price_group, 2, owner_email="site@example.com")
    assert one(site, "select count(*) from billig.purchase where owner_email = 'site@example.com'") == 1
    for table in ("event", "event_lim_web", "ticket_group", "price_group", "organisation", "event_type", "ticket",
                  "ticket_card", "payment_error", "payment_error_price_group"):  # fmt: skip
        run(site, sql.SQL("select * from {}").format(sql.Identifier("billig", table)))
    key = sale.rows[0]["purchase_key"]
    assert len(call(site, "show_purchase", purchase=sale.purchase, key=key)) == 2
    with expect("P0002"):
        call(site, "show_payment_error", error="none", key=key)
    for statement in (
        "update billig.ticket set refunded = now(), refunder = 'site'",
        "update billig.ticket set on_card = on_card",
        "insert into billig.purchase default values",
        "insert into billig.payment_error (error, failed, message) values ('x', now(), 'x')",
        "update billig.ticket_group set num_sold = num_sold",
        "delete from billig.payment_error",
        "select * from billig.transaction_log",
        "select * from billig.payment",
        "select * from report.transaction",
        "select * from books.request",
        "select * from billig.purchase_key",
        "select * from billig.payment_error_key",
        "select * from billig.buyer_turn",
        "update billig.buyer_turn set turns = 0",
        "select billig.refund('{1}', 'site')",
        "select billig.create_purchase('NET', '{1}', '{1}', p_owner_email => 'x')",
        "select billig.abort_purchase(1)",
        "select billig.erase_buyer(1)",
        "select billig.record_payment_error('x', 'x')",
        "select nextval('billig.ticket_ticket_seq')",
    ):
        denied(site, statement)


def test_the_web_shows_one_purchase_by_its_key_and_reads_no_table(db: Connection, people: People, event: Event) -> None:
    web, _ = people.login("billig_web")
    sale = net(web, event.price_group)
    (shown,) = call(web, "show_purchase", purchase=sale.purchase, key=sale.rows[0]["purchase_key"])
    assert shown["ticket"] == sale.ticket
    with expect("P0002"):
        call(web, "show_purchase", purchase=sale.purchase - 1, key=sale.rows[0]["purchase_key"])
    denied(web, "select purchase_key from billig.purchase_key")
    call(web, "abort_purchase", purchase=sale.purchase)


def test_a_development_client_sells_by_itself_but_not_at_its_own_price(db: Connection, people: People) -> None:
    event = make_event(db)
    dev, name = people.login("billig_dev")
    purchase = raw_purchase(dev, one(dev, "select coalesce(max(purchase), 0) + 1 from billig.purchase"))
    ticket = insert_ticket(
        dev,
        event.price_group,
        purchase,
        ticket=one(dev, "select coalesce(max(ticket), 0) + 1 from billig.ticket"),
        sale_channel="STAND",
        paid="now",
    )
    run(dev, "update billig.ticket_group set num_sold = num_sold + 1 where ticket_group = %s", event.ticket_group)
    assert num_sold(db, event.ticket_group) == 1
    assert [(row["amount"], row["seller"], row["login_role"]) for row in log_rows(db, ticket)] == [(100, name, name)]
    # a whole row, as an ORM names it: most of it null, filled by the database or refused by value
    columns = rows(
        db,
        "select attname from pg_attribute"
        " where attrelid = 'billig.ticket'::regclass and attnum > 0 and attname <> 'ticket'",
    )
    empty: dict[str, Any] = dict.fromkeys(row["attname"] for row in columns)
    zero = {"on_card": False, "sale_channel": "NET", "reduced": 0, "charged_back": 0, "kept": 0}
    empty |= zero | {"price_group": event.price_group, "purchase": purchase}
    raw = ticket_row(db, insert_ticket(dev, **empty))
    assert (raw["price"], raw["event"], log_types(db, raw["ticket"])) == (100, event.event, ["NET_SALE"])
    assert ticket_row(db, insert_ticket(dev, **empty | {"fee": 99, "vat_rate": 99, "event": 0}))["vat_rate"] == 0
    for column, value, refusal in (
        ("price", 1, "42501"),
        ("payment", 1, "42501"),
        ("exchange", 1, "42501"),
        ("replaces", ticket, "42501"),
        ("refunded", "2026-01-01", "23B24"),
        ("used", "2026-01-01", "23B24"),
        ("refunder", "me", "23B24"),
        ("point_of_refund", 1, "23B24"),
        ("replaced_by", ticket, "23514"),
        ("reduced", 1, "23514"),
    ):
        with expect(refusal, native=refusal == "23514"):
            insert_ticket(dev, **empty | {column: value})
    whole: dict[str, Any] = {
        "owner_member_id": None,
        "owner_email": None,
        "purchase_time": None,
        "seller": None,
        "erased": None,
    }
    whole |= {"owner_card": None, "owner_name": None, "buyer": "somebody else"}
    insert = sql.SQL(
        "insert into billig.purchase ({}) values ({}) returning purchase_time is not null and buyer is null"
    )
    columns_of, values = map(sql.Identifier, whole), map(sql.Placeholder, whole)
    assert one(dev, insert.format(sql.SQL(", ").join(columns_of), sql.SQL(", ").join(values)), whole) is True
    denied(dev, "insert into billig.payment (kind) values ('SALE')")
    with expect("23B08"):
        update_ticket(dev, ticket, price=1)
    assert sell(db, event.price_group, 2).tickets


# --- Names that pretend to be others --------------------------------------------------------------------------------

DECOYS = (
    "create table analysis.service_role (role_name text, service_note text)",
    "insert into analysis.service_role values (session_user, 'me')",
    "create table analysis.price_group as select 1 as price_group, 0 as price",
    "create function analysis.local_time(timestamptz default null) returns timestamp return null::timestamp",
    "create function analysis.check_seller(text) returns void language sql as 'select'",
    "create function analysis.pg_has_role(name, text, text) returns boolean language sql as 'select true'",
    "create function analysis.coalesce_all(anyarray) returns anyelement language sql as 'select null'",
    "create function analysis.never(text, text) returns boolean language sql as 'select false'",
    "create function analysis.never(text, name) returns boolean language sql as 'select false'",
    "create function analysis.never(numeric, numeric) returns boolean language sql as 'select false'",
    "create function analysis.nothing(numeric, numeric) returns numeric language sql as 'select 0::numeric'",
    "create operator analysis.<> (leftarg = text, rightarg = text, function = analysis.never)",
    "create operator analysis.<> (leftarg = text, rightarg = name, function = analysis.never)",
    "create operator analysis.<> (leftarg = numeric, rightarg = numeric, function = analysis.never)",
    "create operator analysis.* (leftarg = numeric, rightarg = numeric, function = analysis.nothing)",
    "create operator analysis.+ (leftarg = numeric, rightarg = numeric, function = analysis.nothing)",
    "create temp table service_role (role_name text, service_note text)",
    "insert into pg_temp.service_role values (session_user, 'me')",
    "create temp table new_ticket (ticket bigint)",
    "create temp table old_ticket (ticket bigint)",
    "create temp table ticket (ticket bigint, price numeric)",
    "create temp table purchase (purchase bigint)",
    "create temp table payment (payment bigint)",
    "create temp table payment_method (payment_method smallint, payment_method_name text)",
    "create temp table transaction_log (ticket bigint)",
    "create temp table ticket_card as select 1::bigint as card, 1 as owner_member_id, current_date as membership_ends",
    "create temp view offer as select 0::numeric as price, 0::numeric as fee",
    "create temp table pg_roles as select session_user as rolname, true as rolsuper",
)


@pytest.mark.parametrize(
    "path",
    ["analysis, pg_temp, billig, pg_catalog", "pg_temp, analysis, billig", "analysis, pg_catalog, billig", ""],
)
def test_names_of_ones_own_mislead_no_function(db: Connection, people: People, path: str) -> None:
    event = make_event(db, prices=(116, 65), fee=15, vat_code=3)
    members_only = make_event(db, membership_needed=True)
    attacker, name = people.login("billig_seller", "billig_dev", "analyst")
    for statement in DECOYS:
        run(attacker, statement)
    run(attacker, "select set_config('search_path', %s, false)", path)

    with expect("42501"):
        sell(attacker, event.price_group, seller="somebody else")
    with expect("42501"):
        net(attacker, event.price_group)
    with expect("23B04"):
        sell(attacker, members_only.price_group, seller=name, card=1)
    sale = sell(attacker, event.price_group, 2, seller=name)
    raw = insert_ticket(attacker, event.price_group, sale_channel="STAND", paid="now")
    update_ticket(attacker, [sale.tickets[0], raw], refunded="now", refunder=name)
    call(attacker, "change_price_group", tickets=[sale.tickets[1]], price_group=event.price_groups[1], seller=name)

    money = ["amount", "vat_amount", "fee_amount", "fee_vat_amount"]
    sold = [[row[column] for column in money] for row in log_rows(db, raw)]
    assert [[str(value) for value in row] for row in sold] == [
        ["101.00", "20.20", "15.00", "3.00"],
        ["-101.00", "-20.20", "-15.00", "-3.00"],
    ]
    assert [log_types(db, ticket) for ticket in (*sale.tickets, raw)] == [
        ["NORMAL_SALE", "NORMAL_REFUND"],
        ["NORMAL_SALE", "NORMAL_CHANGE"],
        ["NORMAL_SALE", "NORMAL_REFUND"],
    ]
    for table in ("ticket", "purchase", "payment", "transaction_log"):
        astray = sql.SQL("select pg_catalog.count(*) from {}").format(sql.Identifier("pg_temp", table))
        assert one(attacker, astray) == 0, "a row went astray"


def test_checks_are_not_misled_either(people: People) -> None:
    checker, _ = people.login("auditor", "analyst")
    for statement in DECOYS:
        run(checker, statement)
    run(checker, "set search_path = analysis, pg_temp, billig, pg_catalog")
    assert consistency(checker) == {}
