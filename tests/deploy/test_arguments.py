"""What texts, days and lists may be: one rule each, at every door and beneath every table."""

import re
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pybridge.paths import DB
from tests.conftest import Connect, Connection
from tests.support import banking
from tests.support.domain import (
    call,
    expect,
    login_role,
    make_event,
    one,
    rows,
    run,
    sell,
    update_ticket,
)

NOT_LINES = (
    *(
        "\u00a0",
        "\u200b",
        "kari\n",
        "kari ",
        " kari",
        "   ",
        "ka\tri",
        "kari\u00a0nordmann",
        "\u202ekari",
        "\ufeffkari",
    ),
    *("ka\u00adri", "kari\u2028", "\u3164", "kari\U000e0041", "x" * 501, "\x7f", "\u0085"),
)
LINES = ("kari", "Kari Nordmann", "Åse-Märta O'Brien", "山田", "x" * 500, "1", "%s", "", None)
# Text columns of neither of the domains, nor of a few words (CHECK, foreign key): what others say, kept as they say it,
# and what only the project itself writes.
AS_SAID = re.compile(
    r"bank\.(entry|entry_detail|entry_reference|expected|file_.*|import_left_out|statement|payout.*|match_rule|account)\."
    r"|marketplace\.(gateway.*|balance_.*|payment_attempt.*|stray|click_file_.*|click_name|payment_action|decline_code|decline_cause"
    r"|attempt_step|waiting_term|account_name)\."
    r"|billig\.(ticket|transaction_log|till_report_item|z_report_line|ticket_refusal|transaction_type|sold_name)\."
    r"|billig\.(receipt_word|receipt_line|event\.programme_key|purchase\.buyer)|books\.exported_line\."
    r"|marketplace\.purse_movement\.entry|deploy\.|jobs\.(job_run\.error_|schedule)"
    r"|\.(saft_code|element|purse|function_name|organisation_number|kind|gateway|rule|source|status|state|event|job"
    r"|line_kind\w*|line_text|item|item_note|debit|credit|currency|account_number|made_by|sale_channel|side|direction"
    r"|outcome|decision|clicker|verdict|period_kind|event_type|error|no_bank_day|resolution|turn"
    r"|receipt_kind|term|layout|used_tickets|no_vat_code|voucher)$"
)


def texts(db: Connection) -> dict[str, str]:
    """Text columns of the project's tables: their types."""
    query = """
        select format('%%s.%%s.%%s', c.relnamespace::regnamespace, c.relname, a.attname) as name,
            format_type(a.atttypid, null) as type
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        inner join pg_type as t on a.atttypid = t.oid
        where c.relnamespace::regnamespace::text = any (%s) and c.relkind in ('r', 'p') and not c.relispartition
            and a.attnum > 0 and not a.attisdropped and coalesce(nullif(t.typbasetype, 0), t.oid) in (
                'text'::regtype, 'books.line'::regtype
            )
    """
    schemas = ["billig", "marketplace", "bank", "books", "jobs"]
    return {row["name"]: row["type"] for row in rows(db, query, schemas)}


def test_what_names_somebody_or_says_why_is_of_the_domain(shared_db: Connection) -> None:
    found = texts(shared_db)
    assert len(found) > 200
    assert [name for name, kind in found.items() if kind == "text" and not AS_SAID.search(name)] == []
    ours = ("reason", "refunder", "seller", "set_by", "closed_by", "opened_by", "moved_by", "approved_by", "undone_by")
    loose = {name for name, kind in found.items() if kind == "text" and name.endswith(ours)}
    # The ticket's are held by ticket_person_check; the log copies them. The rest are few words by their CHECK.
    assert loose <= {
        *(
            "billig.ticket.refunder",
            "billig.ticket.seller",
            "billig.transaction_log.seller",
            "bank.import_left_out.reason",
        ),
        *("billig.z_report_line.seller", "marketplace.click_file_problem.reason"),
    }


@pytest.mark.parametrize("text", NOT_LINES)
def test_a_text_that_is_no_plain_line_is_refused_by_domain_and_function_alike(shared_db: Connection, text: str) -> None:
    with expect("23514", native=True):
        run(shared_db, "select %s::books.name", text)
    with expect("22023") as refused:
        run(shared_db, "select books.check_text('p_reason', %s)", text)
    assert refused.value.diag.message_detail is not None
    assert refused.value.diag.message_detail.startswith("p_reason ")
    assert not one(shared_db, "select books.fits_line(%s)", text)


def test_a_plain_line_passes_and_what_is_left_out_is_for_others_to_ask_for(shared_db: Connection) -> None:
    for text in LINES:
        run(shared_db, "select books.check_text('p_a', 'good', 'p_b', %s)", text)
    with expect("23514", native=True):
        run(shared_db, "select ''::books.name")
    with expect("22023") as refused:
        run(shared_db, "select books.check_text('p_a', null, 'p_b', '', 'p_c', 'kari' || chr(8203))")
    assert refused.value.diag.message_detail == "p_c has the character U+200B at place 5."
    run(
        shared_db,
        "select books.check_prose('p_message', %s)",
        "One line\r\n\tand another, \u201cquoted\u201d \u2764\ufe0f",
    )
    for text in ("\u202eeurt", "a\x00b".replace("\x00", "\x01"), "x" * 20_001):
        with expect("22023"):
            run(shared_db, "select books.check_prose('p_message', %s)", text)


# --- Every function -------------------------------------------------------------------------------------------------

# Looked up and never stored, or a gateway's words, which must be recorded as they come.
UNCHECKED = {
    *("bank.reference_key.p_reference", "bank.text_keys.p_text", "jobs.lock_of.p_job", "jobs.lock_of.p_period"),
    *("billig.receipt.p_language", "billig.show_receipt.p_language", "billig.show_payment_error.p_error"),
    *("books.is_iban.p_text", "books.is_account_number.p_text"),  # asked of anything
    *("books.set_organisation.p_organisation_number", "bank.set_account.p_account_number"),  # set out as people do
    *("marketplace.due_date.p_kind", "jobs.finish_run.p_error_message", "billig.record_payment_error.p_message"),
}
DELEGATES = {"billig.ticket_exchage", "marketplace.all_click_counts", "marketplace.statement_lines", "jobs.due"} | {
    *("report.vat_return", "report.vat_return_ticket"),
}
HELPERS = {
    "billig.local_time",
    "books.organisation_on",
    "books.rate_on",
    "books.rule_for",
    "books.taxed",
    "billig.term_on",
    "billig.is_web_payment",
    "jobs.is_alive",
    "marketplace.day_begins",
    "marketplace.month_of",
    "marketplace.takes_click_at",
}
GATEWAYS_WORDS = re.compile(
    r"marketplace\.record_(answer|event)\.p_(message|error_code|decline_code|currency|answer|event_kind)"
)


def public(db: Connection) -> list[tuple[str, str, str, str]]:
    """Functions that clients may call: name, parameter, its type, and the function's body."""
    called = [f"{path.parts[-2]}.{path.stem}" for path in (DB / "functions").glob("*/*.sql")]
    query = """
        select p.oid::regproc::text as name, u.name as parameter, format_type(u.type, null) as type,
            coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body
        from pg_proc as p
        cross join unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) as u (name, type)
        where p.oid::regproc::text = any (%s)
    """
    return [(r["name"], r["parameter"], r["type"], r["body"]) for r in rows(db, query, called)]


def test_every_function_checks_its_texts_days_and_lists(shared_db: Connection) -> None:
    found = public(shared_db)
    assert len(found) > 300
    forgotten = []
    for name, parameter, kind, body in found:
        if name in DELEGATES | HELPERS or f"{name}.{parameter}" in UNCHECKED:
            continue
        if GATEWAYS_WORDS.fullmatch(f"{name}.{parameter}"):
            continue
        if kind.endswith("[]"):
            needed = f"books.list('{parameter}', {parameter}"
        elif kind == "text":
            needed = f"'{parameter}', {parameter}"
        elif kind == "date":
            needed = f"books.check_day('{parameter}'"
        elif kind == "timestamp with time zone":
            needed = (
                f"books.check_moment('{parameter}'" if "jobs.server_time(p_now)" not in body else "jobs.server_time("
            )
        else:
            continue
        if needed not in body.replace("::text", ""):
            forgotten.append(f"{name}.{parameter}")
    assert forgotten == ["marketplace.next_month.p_month"]  # a helper, too


def test_a_list_is_its_elements_in_their_order_whatever_the_clients_array_is_like(shared_db: Connection) -> None:
    for array, listed in (
        ("'{1,2,3}'::int[]", [1, 2, 3]),
        ("'[0:2]={1,2,3}'::int[]", [1, 2, 3]),
        ("'[-5:-4]={2,1}'::int[]", [2, 1]),
        ("'{{1,2},{3,4}}'::int[]", [1, 2, 3, 4]),
        ("'{}'::int[]", []),
        ("null::int[]", None),
    ):
        assert one(shared_db, sql.SQL("select books.list('p_x', {})").format(sql.SQL(array))) == listed
        low = one(shared_db, sql.SQL("select array_lower(books.list('p_x', {}), 1)").format(sql.SQL(array)))
        assert low in (1, None)
    with expect("22023"):
        run(shared_db, "select books.list('p_x', '{1,null}'::int[])")
    assert one(shared_db, "select books.list('p_x', '{1,null}'::int[], true)") == [1, None]


def test_an_exchange_links_the_tickets_that_were_named_wherever_the_array_begins(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    first, second = sell(db, event.price_group, 2).tickets
    changed = rows(
        db,
        "select old_ticket, new_ticket from billig.ticket_exchange(%s::bigint[], %s::int[], '[7:7]={2}', 'kari')",
        f"[0:1]={{{second},{first}}}",
        f"[3:3]={{{event.price_group}}}",
    )
    assert [row["old_ticket"] for row in changed] == [second, first]
    for row in changed:
        assert (
            one(db, "select replaced_by from billig.ticket where ticket = %s", row["old_ticket"]) == row["new_ticket"]
        )


@pytest.mark.parametrize("day", ["infinity", "-infinity", "5874897-12-31", "4713-01-01 BC", "1999-12-31", "2101-01-01"])
def test_days_and_times_are_from_2000_to_2100(shared_db: Connection, day: str) -> None:
    with expect("22023") as refused:
        run(shared_db, "select books.check_day('p_from', %s::date)", day)
    assert str(refused.value.diag.message_detail).startswith("p_from ")
    with expect("23514", native=True):
        run(shared_db, "select %s::date::books.day", day)
    if "58" not in day:
        with expect("22023"):
            run(
                shared_db,
                "select books.check_moment('p_now', %s::timestamptz + interval '26 hours')",
                day if "19" not in day else "1999-12-29",
            )
    with expect("22023"):
        run(shared_db, "select marketplace.ensure_partitions(%s::date)", day)


# --- Who sells ------------------------------------------------------------------------------------------------------


def test_a_registered_name_is_stored_as_it_is_registered_whatever_case_a_client_writes(db: Connection) -> None:
    event = make_event(db)
    call(db, "register_seller", seller="Åse Berg")
    sale = sell(db, event.price_group, seller="åse berg")
    assert one(db, "select seller from billig.ticket where ticket = %s", sale.ticket) == "Åse Berg"
    update_ticket(db, sale.ticket, refunded="now", refunder="ÅSE BERG")
    assert one(db, "select refunder from billig.ticket where ticket = %s", sale.ticket) == "Åse Berg"
    sellers = "select distinct seller from billig.transaction_log where ticket = %s"
    assert [row["seller"] for row in rows(db, sellers, sale.ticket)] == ["Åse Berg"]
    assert rows(db, "select name from report.unregistered") == []


def test_an_unknown_name_is_taken_once_and_listed_until_it_is_registered(db: Connection) -> None:
    event = make_event(db)
    tickets = sell(db, event.price_group, 2).tickets
    update_ticket(db, tickets[0], refunded="now", refunder="old-script", point_of_refund=4711)
    update_ticket(db, tickets[1], refunded="now", refunder="Old-Script", point_of_refund=4711)
    assert {row["refunder"] for row in rows(db, "select refunder from billig.ticket")} == {"old-script"}
    listed = "select kind, name from report.unregistered order by kind"
    assert [(row["kind"], row["name"]) for row in rows(db, listed)] == [
        ("CASH_POINT", "4711"),
        ("SELLER", "old-script"),
    ]
    with expect("23B26"):  # a stand that nobody registered is none that needs no till
        sell(db, event.price_group, cash_point=4711)
    call(db, "register_seller", seller="old-script")
    call(db, "register_cash_point", cash_point=4711, name="Kiosk", organisation=2)
    assert rows(db, listed) == []


def test_a_login_role_is_named_as_itself(db: Connection, connect: Connect) -> None:
    event = make_event(db)
    with login_role(db, "billig_seller") as name, connect(user=name) as seller:
        sale = sell(seller, event.price_group, seller=name.upper())
        assert one(db, "select seller from billig.ticket where ticket = %s", sale.ticket) == name
        sale = sell(db, event.price_group, seller=name.title())  # a service says it otherwise
        assert one(db, "select seller from billig.ticket where ticket = %s", sale.ticket) == name


@pytest.mark.parametrize(
    "columns",
    [
        {"refunded": "now", "refunder": "kari "},
        {"refunded": "now", "refunder": "\u00a0"},
        {"refunded": "now", "refunder": "kari\n"},
        {"refunded": "infinity", "refunder": "kari"},
        {"refunded": "2020-01-01", "refunder": "kari"},
        {"refunded": "9999-12-31", "refunder": "kari"},
        {"used": "-infinity"},
        {"used": "2020-01-01"},
    ],
)
def test_a_legacy_write_is_held_to_the_same(db: Connection, columns: dict[str, Any]) -> None:
    event = make_event(db)
    ticket = sell(db, event.price_group).ticket
    with expect("22023"):
        update_ticket(db, ticket, **columns)
    # The control, and the last guard: without the trigger the table's own constraints refuse what has no sense at all.
    run(db, "alter table billig.ticket disable trigger ticket_client_words")
    far = str(columns.get("refunded", columns.get("used"))).startswith("2020")
    if far:
        assert update_ticket(db, ticket, **columns) == 1
    else:
        with pytest.raises(psycopg.errors.CheckViolation):
            update_ticket(db, ticket, **columns)


def test_keys_that_a_client_chooses_are_numbers_that_every_client_reads(db: Connection) -> None:
    for purchase in (2**53, 2**62):
        with expect("22023"):
            run(db, "insert into billig.purchase (purchase) values (%s)", purchase)
    run(db, "insert into billig.purchase (purchase) values (%s)", 2**52 - 1)
    assert sell(db, make_event(db).price_group).purchase < 2**53


@pytest.mark.parametrize(
    ("statement", "entries", "said"),
    [
        ((1, "2026-02-01"), [(1, "2026-02-01"), (1, "2026-02-01")], "entry 1 is in it twice"),
        ((1, "2026-02-01"), [(1, "infinity")], "it has a day of the year Infinity"),
        ((1, "5874897-12-31"), [], "it has a day of the year 5874897"),
    ],
)
def test_a_file_numbers_its_parts_and_its_days_are_within_reach(
    db: Connection, statement: tuple[int, str], entries: list[tuple[int, str]], said: str
) -> None:
    banking.account(db, "15060012345")
    content = bytes(32)
    with expect("23B80") as refused, db.transaction():
        run(db, "select * from bank.begin_import(%s)", content)
        run(
            db,
            "insert into file_statement (statement, line, kind, statement_id, issued, account_number, from_day, to_day,"
            " is_descending) values (%s, 1, 'STATEMENT', '1', '', '15060012345', %s, %s, false)",
            statement[0],
            statement[1],
            statement[1],
        )
        for entry, day in entries:
            run(
                db,
                "insert into file_entry (entry, statement, line, booked_on, amount, is_reversal, bank_reference,"
                " end_to_end, kid, code, entry_text, charge, is_booked)"
                " values (%s, 1, 1, %s, 1, false, '', '', '', '', '', 0, true)",
                entry,
                day,
            )
        run(db, "select * from bank.load_import('a.xml', %s, 'camt.053')", content)
    assert said in str(refused.value.diag.message_primary)
