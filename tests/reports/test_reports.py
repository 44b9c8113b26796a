"""The reports say what happened: each of their rows is worked out here anew, from what was done, and compared.

One history holds every type of transaction. `Books` writes down beside each step what it must mean: prices, VAT to the
øre, sellers and dates come from the programme as the test wrote it and never from the database.
"""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import LiteralString
from xml.etree import ElementTree

import pytest

from tests.support.books import (
    ENDED,
    KINDS,
    MONEY,
    ORGANISATIONS,
    PAID,
    PAID_BACK,
    TRANSACTIONS,
    Books,
    Entry,
    live_through,
)
from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    REGULAR_RATE,
    Connection,
    Row,
    consistency,
    make_project,
    one,
    rows,
    run,
    standards,
    table,
)

CHANNELS = {
    "NORMAL_SALE": "STAND",
    **dict.fromkeys(("NET_SALE", "NET_TIMEOUT", "NET_PAID", "NET_REFUND"), "NET"),
    **dict.fromkeys((f"RESERVATION_{what}" for what in ("SALE", "PAID", "REFUND", "CHANGE", "TIMEOUT")), "RESERVATION"),
}
REPORTS: dict[str, LiteralString] = {
    "transaction": TRANSACTIONS,
    "transaction_line": "select * from report.transaction_line order by ticket, transaction_log, component desc",
    "ticket_history": "select * from report.ticket_history order by ticket",
    "seller_activity": "select * from report.seller_activity",
    "vat_by_project": "select * from report.vat_by_project",
}
TOTALS = ("total_by_project", "total_by_vat_code", "total_by_year")  # tests/billig/test_rollup.py
CLOSES = ("closed_period", "late_transaction")  # tests/billig/test_period.py


# --- What the reports must say --------------------------------------------------------------------------------------


def expected_transactions(books: Books) -> list[Row]:
    began = {entry.ticket: entry.kind for entry in reversed(books.entries)}
    return [
        {
            "transaction_time": entry.time,
            **entry.counts_in,
            "transaction_type": entry.kind,
            "kind": KINDS[entry.kind],
            "ticket": entry.ticket,
            "purchase": entry.purchase,
            "payment": entry.payment,
            "exchange": entry.exchange,
            "related_ticket": entry.related,
            "seller": entry.seller,
            "login_role": one(books.db, "select session_user"),
            "cash_point": entry.cash_point,
            "project": entry.offer.project,
            "event": entry.offer.event,
            **entry.offer.names,
            "price": entry.offer.price,
            "amount": entry.amount,
            "vat_code": entry.offer.vat_code,
            "vat_rate": entry.offer.vat_rate,
            "vat_amount": entry.vat,
            "fee_amount": entry.fee,
            "fee_vat_code": entry.offer.fee_vat_code,
            "fee_vat_rate": entry.offer.fee_vat_rate,
            "fee_vat_amount": entry.fee_vat,
            "total_amount": entry.amount + entry.fee,
            "override_used": entry.override_used,
            "sale_channel": CHANNELS[began[entry.ticket]],
        }
        for entry in books.by_ticket()
    ]


def expected_lines(books: Books) -> list[Row]:
    return [
        {
            "transaction_time": entry.time,
            **entry.counts_in,
            "transaction_type": entry.kind,
            "ticket": entry.ticket,
            "purchase": entry.purchase,
            "payment": entry.payment,
            "seller": entry.seller,
            "cash_point": entry.cash_point,
            "project": entry.offer.project,
            "event": entry.offer.event,
            "event_name": entry.offer.names["event_name"],
            "component": component,
            "vat_code": code,
            "vat_rate": rate,
            "gross_amount": gross,
            "net_amount": gross - vat,
            "vat_amount": vat,
        }
        for entry in books.by_ticket()
        for component, code, rate, gross, vat in entry.components
    ]


def expected_histories(books: Books) -> list[Row]:
    resold = {e.related: e.ticket for e in books.entries if e.kind == "NET_SALE" and e.related is not None}
    return [
        _history([entry for entry in books.entries if entry.ticket == ticket], resold.get(ticket))
        for ticket in sorted(books.offers)
    ]


def _history(entries: list[Entry], resold: int | None) -> Row:
    def only(kinds: Sequence[str]) -> Entry | None:
        found = [entry for entry in entries if entry.kind in kinds]
        assert len(found) <= 1
        return found[0] if found else None

    def total(kinds: Sequence[str]) -> Decimal:
        return sum((entry.amount + entry.fee for entry in entries if entry.kind in kinds), Decimal(0))

    sold, paid, ended = entries[0], only(PAID), only(ENDED)
    doors = [entry for entry in entries if entry.kind in ("TICKET_USED", "TICKET_UNUSED")]
    used = doors[-1] if doors and doors[-1].kind == "TICKET_USED" else None
    names = {name: value for name, value in entries[-1].offer.names.items() if name != "project_name"}
    return {
        "ticket": sold.ticket,
        "purchase": sold.purchase,
        **sold.stands_in,
        "event": sold.offer.event,
        "project": sold.offer.project,
        **names,
        "sold_as": sold.kind,
        "sold_at": sold.time,
        "sold_by": sold.seller,
        "paid_at": paid and paid.time,
        "paid_by": paid and paid.seller,
        "paid_amount": total([*PAID, "NORMAL_CHANGE"]),
        "changes": len({entry.time for entry in entries if entry.kind in ("NORMAL_CHANGE", "RESERVATION_CHANGE")}),
        "used_at": used and used.time,
        "refunded_at": ended and ended.time,
        "refunded_by": ended and ended.seller,
        "refunded_as": ended and ended.kind,
        "refunded_amount": total([*PAID_BACK, "FEE_KEPT"]),
        "replaces": sold.related,
        "replaced_by": resold or (ended and ended.related),
        "sold_in_exchange": sold.exchange,
        "refunded_in_exchange": ended and ended.exchange,
        "reentries": sum(entry.kind == "TICKET_UNUSED" for entry in doors),
        "reduced_amount": total(["PRICE_REDUCTION"]),
        "charged_back_amount": total(["CHARGEBACK", "CHARGEBACK_WON"]),
        "kept_amount": total(MONEY) if ended else 0,
    }


def expected_activity(books: Books) -> list[Row]:
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in books.entries:
        key = (*entry.stands_in.values(), entry.seller, entry.cash_point, entry.kind)
        groups.setdefault(key, []).append(entry)
    return [
        {
            **entries[0].counts_in,
            "seller": entries[0].seller,
            "cash_point": entries[0].cash_point,
            "transaction_type": entries[0].kind,
            "tickets": len({(entry.ticket, entry.time) for entry in entries}),
            "gross_amount": sum(entry.amount + entry.fee for entry in entries),
            "fee_amount": sum(entry.fee for entry in entries),
            "vat_amount": sum(entry.vat + entry.fee_vat for entry in entries),
            "first_time": min(entry.time for entry in entries),
            "last_time": max(entry.time for entry in entries),
        }
        for entries in groups.values()
    ]


def expected_vat(books: Books) -> list[Row]:
    groups: dict[tuple[object, ...], Row] = {}
    for entry in books.entries:
        for component, code, rate, gross, vat in entry.components:
            row = groups.setdefault(
                (*entry.stands_in.values(), entry.offer.project, code, rate),
                {
                    **entry.counts_in,
                    "project": entry.offer.project,
                    "project_name": entry.offer.names["project_name"],
                    "vat_code": code,
                    "vat_rate": rate,
                    "tickets_sold": 0,
                    "tickets_refunded": 0,
                    "gross_amount": Decimal(0),
                    "net_amount": Decimal(0),
                    "vat_amount": Decimal(0),
                },
            )
            row["tickets_sold"] += component == "TICKET" and entry.kind in PAID
            row["tickets_refunded"] += component == "TICKET" and entry.kind in PAID_BACK
            row["gross_amount"] += gross
            row["net_amount"] += gross - vat
            row["vat_amount"] += vat
    return list(groups.values())


EXPECTED: dict[str, Callable[[Books], list[Row]]] = {
    "transaction": expected_transactions,
    "transaction_line": expected_lines,
    "ticket_history": expected_histories,
    "seller_activity": expected_activity,
    "vat_by_project": expected_vat,
}
ORDERED = ("transaction", "transaction_line", "ticket_history")


def _sorted(report: list[Row]) -> list[Row]:
    return sorted(report, key=lambda row: [(name, str(row[name])) for name in sorted(row)])


@pytest.fixture
def books(db: Connection) -> Books:
    return live_through(db)


def agrees(books: Books, report: str) -> None:
    """Every row; but for the log's own key, which only orders, and what names and places a row (test_names.py)."""
    expected = EXPECTED[report](books)
    found = [{name: row[name] for name in expected[0]} for row in rows(books.db, REPORTS[report])]
    if report in ORDERED:
        assert found == expected
    else:
        assert _keyed(found) == _keyed(expected)


def _keyed(report: list[Row]) -> Counter[tuple[tuple[str, object], ...]]:
    return Counter(tuple(sorted(row.items(), key=lambda column: column[0])) for row in report)


# --- The reports ----------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_every_report_says_what_was_done_and_nothing_else(books: Books) -> None:
    assert {entry.kind for entry in books.entries} == set(KINDS), "the history holds every type of transaction"
    for report in REPORTS:
        agrees(books, report)
    assert consistency(books.db) == {}


TESTED_ELSEWHERE = {  # test_arguments.py, test_settlement.py, test_till.py, test_voucher.py, test_marketplace.py, ...
    "cashier_settlement",
    "open_items",
    "payment_by_method",
    "project_day",
    "seller_vat_project",
    "ticket_sales_by_event",
    "unregistered",
    "till_session",
    "unattached_payment",
    "unprinted_receipt",
    "dispute",
    "click_flag",  # test_click_names.py
    "owed_back",
    "fee",
    "bank_accepted_gap",
    "bank_item",
    "bank_match",
    "bank_reconciliation",
    "bank_reversed",
    "bank_statement_gap",
    "bank_ticket",
    "bank_unstated",
    "missing_deposit",
    "payout",
    "payout_difference",
    "unmatched_deposit",
    "job_health",
    "job_run",
    "marketplace_fund",
    "marketplace_purse",  # test_account.py
    "profile_account",  # test_account.py
    "marketplace_transaction",
    "payment_attempt",
    "payment_event",
    "organisation",  # test_organisation.py
    "voucher_line",
    "till_log",  # test_drawer.py
    "web_refund",  # test_drawer.py
    "voucher_export",  # test_voucher_export.py
    "exported_line",
    "unexported_voucher",
    "bank_balance",  # test_bank_voucher.py
    "x_report",
    "z_report",
    "event_day",  # test_pages.py
    "cancelled_event",  # test_cancel.py
    "cancelled_owed",
    "blocker",  # test_bounds.py
    "login",
    "log_position",
    "watermark",  # test_watermark.py
    "event",  # these are asked in test_answers.py, test_names.py
    "price_list",
    "project",
    "seller",
    "ticket_group_sales",
    "ticket_payment",
    "marketplace_click_day",
    "marketplace_earlier",  # test_earlier.py
    "gateway_balance",  # test_unasked.py
    "gateway_difference",
    "gateway_inbox",
    "waiting",  # test_waiting.py
    "overdue_charge",
    "payment_dispute",
    "payment_means",  # test_means.py
    "marketplace_set_off",  # test_account.py, test_pages.py
    "marketplace_statement_line",
}


def test_there_are_no_reports_but_these(shared_db: Connection) -> None:
    assert {
        row["viewname"] for row in rows(shared_db, "select viewname from pg_views where schemaname = 'report'")
    } == {*REPORTS, *TOTALS, *CLOSES, *TESTED_ELSEWHERE}


@pytest.mark.smoke
def test_each_report_is_asked_by_organisation_sale_date_and_event_date(shared_db: Connection) -> None:
    found = rows(
        shared_db,
        """
        select c.table_name, array_agg(c.data_type::text order by c.column_name) as types
        from information_schema.columns as c
        where
            c.table_schema = 'report'
            and c.column_name in ('organisation_name', 'sale_date', 'event_date')
            and c.table_name = any (%s)
        group by c.table_name
        """,
        list(REPORTS),
    )
    assert {row["table_name"]: row["types"] for row in found} == {
        report: ["date", "text", "date"] for report in REPORTS
    }


def test_all_reports_tell_the_same_money(books: Books) -> None:
    """Asked for a month or an organisation, each report and the payments come to the same sum."""
    for organisation in ORGANISATIONS.values():
        sums = {
            one(books.db, query, organisation)
            for query in (
                "select sum(total_amount) from report.transaction where organisation_name = %s",
                "select sum(gross_amount) from report.transaction_line where organisation_name = %s",
                "select sum(paid_amount + reduced_amount + charged_back_amount + refunded_amount)"
                " from report.ticket_history where organisation_name = %s",
                "select sum(gross_amount) from report.seller_activity where organisation_name = %s",
                "select sum(gross_amount) from report.vat_by_project where organisation_name = %s",
                "select sum(gross_amount) from report.total_by_project where organisation_name = %s",
                "select sum(gross_amount) from report.total_by_vat_code where organisation_name = %s",
                "select sum(gross_amount) from report.total_by_year where organisation_name = %s",
            )
        }
        assert len(sums) == 1
    total = (
        "select (select sum(amount) from billig.payment_line) - (select sum(gross_amount) from report.vat_by_project)"
    )
    assert one(books.db, total) == 0


def test_no_later_edit_of_the_programme_or_of_the_rates_changes_a_row(books: Books) -> None:
    db = books.db
    before = {report: _sorted(rows(db, query)) for report, query in REPORTS.items()}
    elsewhere = make_project(db, vat_code=MIDDLE_RATE)

    assert run(db, "update billig.price_group set price = price + 111") > 0
    assert run(db, "update billig.event set project = %s, ticket_fee = 99, vat_code = 31", elsewhere) > 0
    assert run(db, "update billig.event set ticket_fee_vat_code = 6, ticket_fee_vat_source = 'a letter'") > 0
    assert run(db, "update billig.event set organisation = 3 - organisation") > 0
    assert run(db, "update billig.project set vat_code = 33") > 0
    assert (
        run(
            db,
            """
            insert into books.vat_rate (vat_code, valid_from, rate)
            select vat_code, billig.local_time()::date, 19 from books.vat_code
            """,
        )
        > 0
    )

    for report, query in REPORTS.items():
        assert _sorted(rows(db, query)) == before[report], report


# --- The official lists ---------------------------------------------------------------------------------------------

LEVELS = {  # of the list of rates; and of the list of codes
    REGULAR_RATE: ("alminnelig sats", "Regular rate"),
    MIDDLE_RATE: ("redusert sats, næringsmiddel", "Reduced rate, middle"),
    LOW_RATE: ("redusert sats", "Reduced rate, low"),
}
Period = tuple[date, date | None, Decimal]


@pytest.fixture
def vat_lists() -> Path:
    return standards("vat")


def official_periods(vat_lists: Path, level: str) -> list[Period]:
    """First day, last day and rate of a level, as the tax administration lists them."""
    space = "{urn:no:skatteetaten:kodelistebibliotek:domain:v1}"
    periods = []
    for code in ElementTree.parse(vat_lists / "sats.xml").iter(f"{space}kode"):
        if code.findtext(f"{space}kodetillegg/{space}satstype") == level:
            rate = Decimal((code.findtext(f"{space}tekniskNavn") or "").replace(",", "."))
            first = code.findtext(f"{space}gyldigForBehandling/{space}fradato") or ""
            last = code.findtext(f"{space}gyldigForBehandling/{space}tildato")
            periods.append((date.fromisoformat(first), date.fromisoformat(last) if last else None, rate))
    return sorted(periods)


def listed_periods(vat_code: int) -> list[Period]:
    """The same from a table of our own, which stands in where the lists are not."""
    return [
        (
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            Decimal(row["rate"]),
        )
        for row in table("vat_rate.csv")
        if int(row["vat_code"]) == vat_code
    ]


@pytest.mark.parametrize("vat_code", LEVELS)
def test_our_table_of_rates_is_the_official_one(vat_lists: Path, vat_code: int) -> None:
    official = official_periods(vat_lists, LEVELS[vat_code][0])
    assert official
    assert listed_periods(vat_code) == official


@pytest.mark.parametrize("vat_code", LEVELS)
def test_the_rates_and_their_periods_are_the_listed_ones(shared_db: Connection, vat_code: int) -> None:
    ours = rows(
        shared_db,
        """
        select valid_from, (lead(valid_from) over (order by valid_from) - 1) as valid_to, rate
        from books.vat_rate
        where vat_code = %s
        order by valid_from
        """,
        vat_code,
    )
    assert [(row["valid_from"], row["valid_to"], row["rate"]) for row in ours] == listed_periods(vat_code)


def test_our_table_of_codes_is_the_official_one(vat_lists: Path) -> None:
    with (vat_lists / "Standard_Tax_Codes.csv").open(encoding="utf-8-sig", newline="") as lines:
        official = {
            row["Code"]: (row["DescriptionNOB"], row["TaxRate"]) for row in csv.DictReader(lines, delimiter=";")
        }
    # The sales codes of the list but those of raw fish, reverse charge and export: no ticket is any of these.
    domestic_sales = {code for code in official if code[0] in "3567"} - {"32", "51", "52"}
    ours = {row["vat_code"]: (row["name"], row["level"]) for row in table("vat_code.csv")}
    assert ours == {code: official[code] for code in domestic_sales}


def test_the_codes_are_the_listed_ones_and_those_without_a_level_bear_no_vat(shared_db: Connection) -> None:
    listed = {int(row["vat_code"]): row for row in table("vat_code.csv")}
    codes = rows(shared_db, "select vat_code, vat_code_name from books.vat_code")
    assert {row["vat_code"] for row in codes} == set(listed)
    for row in codes:
        code = listed[row["vat_code"]]
        assert row["vat_code_name"].split(",")[0] == code["name"].split(",")[0]
        if row["vat_code"] in LEVELS:
            assert code["level"] == LEVELS[row["vat_code"]][1]
        else:
            assert code["level"] in ("", "Zero rate")
            rates = rows(shared_db, "select rate from books.vat_rate where vat_code = %s", row["vat_code"])
            assert [r["rate"] for r in rates] == [0]
