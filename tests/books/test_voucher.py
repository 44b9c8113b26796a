"""Vouchers: each journal worked out here from what was done, and compared with what the database says.

Debits are positive, credits negative, in NOK. Most tests look at the lines of projects of their own, and at the money,
which has no project, that was booked since they began.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from pybridge.cli.main import app
from pybridge.paths import ROOT
from pybridge.reports import vouchers
from tests.conftest import Connect, Connection
from tests.support.days import movable_clock
from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    OUTSIDE_THE_ACT,
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Event,
    Row,
    by_road,
    call,
    call_in,
    close_till,
    confirm,
    consistency,
    exchange,
    expect,
    insert_ticket,
    login_role,
    make_cash_point,
    make_event,
    make_project,
    net,
    net_paid,
    one,
    open_till,
    refund,
    reserve,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.servers import SUPERUSER

Money = Decimal | int | str
Booked = dict[int, Decimal]
"""Amounts by account, those that are 0 left out."""
Key = tuple[date, int, int]
"""Day, organisation, account."""

CASH, BANK, CARD, VIPPS, WEB, GIFT = 1900, 1920, 1571, 1577, 1578, 2901
PREPAID, TRANSFER, OWED, ROUNDING, DIFFERENCE, OUTSIDE_TILLS, SUSPENSE = 2900, 1560, 2990, 7740, 1909, 1901, 9999
SALES = {REGULAR_RATE: 3020, MIDDLE_RATE: 3030, LOW_RATE: 3050, OUTSIDE_THE_ACT: 3220}
VAT = {REGULAR_RATE: 2700, MIDDLE_RATE: 2701, LOW_RATE: 2703}
RATES = {REGULAR_RATE: 25, MIDDLE_RATE: 15, LOW_RATE: 12, OUTSIDE_THE_ACT: 0}


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Iterable[Connection]:
    yield shared_db
    assert consistency(shared_db) == {}


def today(db: Connection) -> date:
    day = one(db, "select billig.local_time()::date")
    assert isinstance(day, date)
    return day


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12))


def vat_of(gross: Money, code: int) -> Decimal:
    """VAT in a gross amount, to the øre, as it is worked out for each ticket and each fee."""
    rate = RATES[code]
    return (Decimal(gross) * rate / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def money(**amounts: Money) -> Booked:
    return {int(account[1:]): Decimal(amount) for account, amount in amounts.items() if Decimal(amount)}


def book(*entries: tuple[int, Money]) -> Booked:
    """The sum of entries, by account."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for account, amount in entries:
        sums[account] += Decimal(amount)
    return {account: amount for account, amount in sums.items() if amount}


def lines(db: Connection, project: int | None, day: date | None = None) -> list[Row]:
    return rows(
        db,
        """
        select * from report.voucher_line
        where project is not distinct from %(project)s and (%(day)s::date is null or posting_date = %(day)s)
        order by posting_date, organisation, line
        """,
        {"project": project, "day": day},
    )


def without_project(db: Connection) -> dict[Key, Decimal]:
    """Money, and tickets without a project: NOK by day, organisation and account."""
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for line in lines(db, None):
        found[line["posting_date"], line["organisation"], line["account"]] += line["amount"]
    return found


BEFORE: dict[str, dict[Key, Decimal]] = {}
"""By database: what was booked without a project when the test began."""


@pytest.fixture(autouse=True)
def _before(db: Connection) -> None:
    BEFORE.clear()
    BEFORE[db.info.dbname] = without_project(db)


def booked_money(db: Connection, day: date | None = None, organisation: int | None = None) -> Booked:
    """What the vouchers say of money since the test began: of a day, of an organisation, or of all."""
    before = BEFORE.get(db.info.dbname, {})
    return book(
        *(
            (account, amount - before.get((on, whose, account), 0))
            for (on, whose, account), amount in without_project(db).items()
            if day in (None, on) and organisation in (None, whose)
        )
    )


def booked_tickets(db: Connection, event: Event, day: date | None = None) -> Booked:
    """What the vouchers say of the tickets of an event's project: of a day, or of all days."""
    found = lines(db, event.project, day)
    for line in found:
        assert line["debit"] - line["credit"] == line["amount"]
        assert min(line["debit"], line["credit"]) == 0
    return book(*((line["account"], line["amount"]) for line in found))


def booked(db: Connection, event: Event, day: date | None = None) -> Booked:
    """What the vouchers say of an event's tickets, and of all money since the test began. Each of them balances."""
    assert rows(db, "select voucher from report.voucher_line group by 1 having sum(amount) <> 0") == []
    return book(*booked_tickets(db, event, day).items(), *booked_money(db, day).items())


def held_event(db: Connection, vat_code: int = OUTSIDE_THE_ACT, **options: object) -> Event:
    """An event of today: what is sold of it is revenue at once."""
    return make_event(db, project_vat_code=vat_code, event_time=noon(today(db)), **options)  # type: ignore[arg-type]


def sold_before(db: Connection, event: Event, days: int) -> None:
    """Moves all that the log has of an event so many days back: the clock is not the tests' to set."""
    with db.transaction():
        db.execute("set constraints all immediate")
        db.execute("alter table billig.transaction_log disable trigger transaction_log_keep")
        run(
            db,
            """
            update billig.transaction_log
            set transaction_date = transaction_date - %(days)s,
                transaction_time = transaction_time - make_interval(days => %(days)s)
            where event = %(event)s
            """,
            {"days": days, "event": event.event},
        )
        db.execute("alter table billig.transaction_log enable always trigger transaction_log_keep")
        db.execute("set constraints all deferred")


def plan(db: Connection, event: Event, *dates: tuple[date, date]) -> None:
    """The dates that the programme had for an event, each from a day on; the last is what it has now."""
    run(db, "update billig.event set event_time = %s where event = %s", noon(dates[-1][1]), event.event)
    run(db, "delete from billig.event_date where event = %s", event.event)
    for known_on, event_date in dates:
        run(
            db,
            "insert into billig.event_date (event, known_on, event_date, event_type)"
            " select e.event, %s, %s, t.event_type from billig.event as e"
            " left join billig.event_type as t on e.event_type = t.event_type_name where e.event = %s",
            known_on,
            event_date,
            event.event,
        )


def told(found: Iterable[Row], until: date) -> list[Row]:
    """The lines of the days before a day. Their numbers in the voucher are left out: other tests' lines have some."""
    return [
        {name: value for name, value in line.items() if name != "line"}
        for line in found
        if line["posting_date"] < until
    ]


# --- Sales ----------------------------------------------------------------------------------------------------------


def test_a_cash_sale_of_a_concert(db: Connection) -> None:
    event = held_event(db, prices=(250,))
    sell(db, event.price_group, 2)
    assert booked(db, event) == money(_1900=500, _3220=-500)
    cash, revenue = (
        next(line for line in lines(db, project) if line["organisation"] == UKA) for project in (None, event.project)
    )
    assert cash["voucher"] == revenue["voucher"] == f"{UKA}-{today(db):%Y%m%d}"
    assert (cash["line"], cash["line_kind"], cash["payment_method"], cash["account"]) == (1, "PAYMENT", "CASH", CASH)
    assert (cash["line_text"], cash["vat_code"]) == ("Betaling, CASH", None)
    assert (revenue["line_kind"], revenue["credit"]) == ("REVENUE", 500)
    assert (revenue["vat_code"], revenue["accounting_vat_code"], revenue["vat_amount"]) == (6, "6", 0)


@pytest.mark.parametrize("code", [REGULAR_RATE, MIDDLE_RATE, LOW_RATE])
def test_vat_is_the_sum_of_the_tickets_vat_and_the_fee_has_its_own_code(db: Connection, code: int) -> None:
    event = held_event(db, code, prices=(116,), fee=15, fee_vat_code=REGULAR_RATE)
    sell(db, event.price_group, 7, methods=["CARD"])
    vat, fee_vat = 7 * vat_of(101, code), 7 * vat_of(15, REGULAR_RATE)
    assert booked(db, event) == book(
        (CARD, 7 * 116),
        (SALES[code], -(707 - vat)),
        (VAT[code], -vat),
        (SALES[REGULAR_RATE], -(105 - fee_vat)),
        (VAT[REGULAR_RATE], -fee_vat),
    )
    revenue = next(line for line in lines(db, event.project) if line["line_kind"] == "REVENUE")
    assert (revenue["vat_amount"], revenue["accounting_vat_code"]) == (-vat, str(code))


def test_cash_is_rounded_and_the_rounding_has_its_account(db: Connection) -> None:
    event = held_event(db, prices=(Decimal("99.60"),), fee=Decimal("0.60"))
    sell(db, event.price_group)
    assert booked(db, event) == money(_1900=100, _7740="-0.40", _3220="-99.60")
    sell(db, event.price_group, 2)
    assert booked(db, event) == money(_1900=299, _7740="-0.20", _3220="-298.80"), "199.20 is 199 in cash"


def test_a_payment_of_two_projects_is_money_of_neither(db: Connection) -> None:
    one_third, two_thirds = held_event(db), held_event(db)
    sell(db, {one_third.price_group: 1, two_thirds.price_group: 2}, methods=["CASH", "CARD"], amounts=[100, 200])
    assert booked_tickets(db, one_third) == money(_3220=-100)
    assert booked_tickets(db, two_thirds) == money(_3220=-200)
    assert booked_money(db) == money(_1900=100, _1571=200)


def test_a_gift_card_is_a_debt_that_is_paid(db: Connection) -> None:
    event = held_event(db)
    sell(db, event.price_group, methods=["GIFT_CARD"])
    assert booked(db, event) == money(_2901=100, _3220=-100)


def test_web_sales_count_when_they_are_paid_and_refunds_take_them_back(db: Connection) -> None:
    event = held_event(db, LOW_RATE, prices=(112,), num=10)
    net(db, event.price_group)
    call(db, "cancel_reservation", purchase=reserve(db, event.price_group).purchase, seller="kari")
    assert booked(db, event) == {}
    paid = net_paid(db, event.price_group, 3)
    refund(db, paid.tickets[:1], seller=None)
    assert booked(db, event) == money(_1578=224, _3050=-200, _2703=-24)
    refund(db, paid.tickets[1:], payment_methods=["CASH"], reason="no card")
    assert booked(db, event) == money(_1578=224, _1900=-224)


def test_a_change_of_price_group_moves_the_difference(db: Connection) -> None:
    event = held_event(db, MIDDLE_RATE, prices=(115, 230))
    sale = sell(db, event.price_group)
    call(
        db, "change_price_group", tickets=sale.tickets, price_group=event.price_groups[1], seller="kari",
        payment_methods=["VIPPS"],
    )  # fmt: skip
    assert booked(db, event) == money(_1900=115, _1577=115, _3030=-200, _2701=-30)


def test_nothing_stands_between_projects_of_one_organisation(db: Connection) -> None:
    cheap, dear, even = held_event(db, prices=(100,)), held_event(db, prices=(150,)), held_event(db, prices=(150,))
    ticket = sell(db, cheap.price_group, methods=["CARD"]).ticket
    swapped = exchange(db, [ticket], dear.price_group)[0]["new_ticket"]
    assert booked_tickets(db, cheap) == {}
    assert booked(db, dear) == book((CARD, 100), (CASH, 50), (SALES[6], -150))
    exchange(db, [swapped], even.price_group)
    assert booked_tickets(db, dear) == {}
    assert booked(db, even) == book((CARD, 100), (CASH, 50), (SALES[6], -150))


def test_an_exchange_between_organisations_leaves_one_owing_the_other(db: Connection) -> None:
    uka = held_event(db, prices=(300,))
    house = held_event(db, prices=(200,), organisation=SAMFUNDET)
    ticket = sell(db, uka.price_group, methods=["CARD"]).ticket
    exchange(db, [ticket], house.price_group, methods=["CARD"])
    assert booked_money(db, organisation=UKA) == book((CARD, 200), (TRANSFER, -200))
    assert booked_money(db, organisation=SAMFUNDET) == book((TRANSFER, 200))
    assert booked_tickets(db, uka) == {}
    assert booked_tickets(db, house) == book((SALES[6], -200))
    assert {line["organisation_name"] for line in lines(db, house.project)} == {"Samfundet"}


def test_a_drawer_is_debited_whole_whoevers_the_tickets_are(db: Connection) -> None:
    """Half a krone too: what cash is rounded by is the drawer's own."""
    uka, house = (
        held_event(db, prices=(Decimal("49.41"),)),
        held_event(db, prices=(Decimal("100.20"),), organisation=SAMFUNDET),
    )
    bar = make_cash_point(db, 61, organisation=SAMFUNDET)
    sale = sell(db, {uka.price_group: 1, house.price_group: 1}, cash_point=bar)
    assert booked_money(db, organisation=SAMFUNDET) == money(_1900=150, _7740="-0.39", _1560="-49.41")
    assert booked_money(db, organisation=UKA) == money(_1560="49.41")
    ticket = {row["price_group"]: row["ticket"] for row in sale.rows}
    # another's drawer gives one back: the first still has what it took
    gate = make_cash_point(db, 62, organisation=UKA)
    refund(db, [ticket[house.price_group]], cash_point=gate, payment_methods=["CASH"], reason="no card")
    assert booked_money(db, organisation=SAMFUNDET) == money(_1900=150, _7740="-0.39", _1560="-149.61")
    assert booked_money(db, organisation=UKA) == money(_1900=-101, _7740="0.80", _1560="149.61"), (
        "the krone above: the buyer had lost 39 øre"
    )
    refund(db, [ticket[uka.price_group]], cash_point=gate, payment_methods=["CASH"], reason="no card")
    assert booked_money(db) == {}, "150 came, 101 and 49 went"
    assert booked_tickets(db, uka) == booked_tickets(db, house) == {}


def test_the_terminal_of_a_stand_is_its_organisations_and_the_webs_is_its_own(db: Connection) -> None:
    event = held_event(db, num=20)
    bar = make_cash_point(db, 63, organisation=SAMFUNDET)
    sell(db, event.price_group, cash_point=bar, methods=["VIPPS"])
    assert booked_money(db, organisation=SAMFUNDET) == money(_1577=100, _1560=-100)
    assert booked_money(db, organisation=UKA) == money(_1560=100)
    web = net_paid(db, event.price_group, 2)
    refund(db, web.tickets[:1], cash_point=bar, payment_methods=["NET_CARD"])  # by the provider, whoever sends it
    assert booked_money(db, organisation=SAMFUNDET) == money(_1577=100, _1560=-100)
    assert booked_money(db, organisation=UKA) == money(_1560=100, _1578=100)
    refund(db, web.tickets[1:], cash_point=bar, payment_methods=["CASH"], reason="no card")
    assert booked_money(db, organisation=SAMFUNDET) == money(_1577=100, _1900=-100)
    assert booked_money(db, organisation=UKA) == money(_1578=100)


def test_whose_agreement_it_is_applies_from_then_on_and_what_is_paid_back_goes_where_it_came(db: Connection) -> None:
    with db.transaction(force_rollback=True):
        event = held_event(db, num=20)
        before = net_paid(db, event.price_group)
        call(db, "set_payment_method_organisation", payment_method="NET_CARD", organisation=SAMFUNDET)
        net_paid(db, event.price_group)
        assert booked_money(db, organisation=UKA) == money(_1578=100, _1560=100)
        assert booked_money(db, organisation=SAMFUNDET) == money(_1578=100, _1560=-100)
        refund(db, before.tickets, seller=None)
        assert booked_money(db, organisation=UKA) == money(_1560=100)
    for method, organisation in (("SHELLS", UKA), ("ROUNDING", UKA), ("CASH", 99), ("CASH", None)):
        with expect("P0002"):
            call(db, "set_payment_method_organisation", payment_method=method, organisation=organisation)


def test_a_stand_that_a_legacy_write_registers_is_whose_tickets_went_over_it_first(db: Connection) -> None:
    house, uka = held_event(db, organisation=SAMFUNDET), held_event(db)
    tickets = [insert_ticket(db, event.price_group, paid="now", sale_channel="STAND") for event in (house, uka)]
    for ticket in tickets:
        update_ticket(db, ticket, refunded="now", refunder="ola", point_of_refund=6464)
    assert one(db, "select organisation from billig.cash_point where cash_point = 6464") == SAMFUNDET
    assert booked_money(db, organisation=SAMFUNDET) == money(_1900=-200, _1560=200)
    assert booked_money(db, organisation=UKA) == money(_1900=200, _1560=-200), "at no till: the method's"


def test_a_stand_that_changes_hands_leaves_its_open_drawer_as_it_was(db: Connection) -> None:
    event = held_event(db, organisation=SAMFUNDET)
    stand = make_cash_point(db, 65, organisation=SAMFUNDET)
    open_till(db, "changing", stand, 100)
    sell(db, event.price_group, seller="changing", cash_point=stand)
    make_cash_point(db, 65, organisation=UKA)
    sell(db, event.price_group, seller="changing", cash_point=stand)
    close_till(db, 290, "changing", note="ten short")
    assert booked_money(db, organisation=UKA) == {}
    assert booked_money(db, organisation=SAMFUNDET) == money(_1900=190, _1909=10)
    open_till(db, "changing", stand, 100)
    sell(db, event.price_group, seller="changing", cash_point=stand)
    close_till(db, 200, "changing")
    assert booked_money(db, organisation=UKA) == money(_1900=100, _1560=-100)


def test_legacy_writes_have_vouchers_like_all_others(db: Connection) -> None:
    event = held_event(db, REGULAR_RATE, prices=(125,))
    stand = make_cash_point(db, 41, payment_method="CARD")
    tickets = [insert_ticket(db, event.price_group, paid="now", sale_channel="STAND") for _ in range(3)]
    web = insert_ticket(db, event.price_group)
    update_ticket(db, web, paid="now")
    update_ticket(db, tickets[:1], refunded="now", refunder="ola", point_of_refund=stand)
    update_ticket(db, web, refunded="now", refunder="ola")
    # what came in cash goes back in cash: no terminal gives back what it never took
    assert booked(db, event) == money(_1900=250, _3020=-200, _2700=-50)


def test_free_tickets_make_no_voucher(db: Connection) -> None:
    event = held_event(db, prices=(0,))
    sell(db, event.price_group, methods=())
    assert lines(db, event.project) == []
    assert booked_money(db) == {}


# --- Prepaid --------------------------------------------------------------------------------------------------------


def held_since(db: Connection, event: Event, sold: int, held: int) -> date:
    """What the event has is of so many days ago, and it was held so many days ago."""
    sold_before(db, event, sold)
    day = today(db) - timedelta(days=held)
    plan(db, event, (date.min, day))
    return day


def test_what_is_sold_before_the_day_is_a_debt_with_its_vat_until_the_day(db: Connection) -> None:
    """A disco: no document with VAT before it is held."""
    day = today(db)
    event = make_event(db, prices=(125,), project_vat_code=REGULAR_RATE, event_time=noon(day + timedelta(days=9)))
    early, late, kept = sell(db, event.price_group, 3).tickets
    assert booked(db, event) == money(_1900=375, _2900=-375)
    prepaid = next(line for line in lines(db, event.project) if line["line_kind"] == "PREPAID")
    assert (prepaid["accounting_vat_code"], prepaid["vat_amount"], prepaid["vat_rate"]) == (None, 0, None)
    refund(db, [early])
    assert booked(db, event) == money(_1900=250, _2900=-250)

    held = held_since(db, event, 5, 2)
    assert booked(db, event, day - timedelta(days=5)) == money(_1900=250, _2900=-250)
    assert booked(db, event, held) == money(_2900=250, _3020=-200, _2700=-50)
    columns = ("account", "accounting_vat_code", "vat_rate")
    assert {tuple(line[column] for column in columns) for line in lines(db, event.project, held)} == {
        (2900, None, None), (3020, "3", 25), (2700, None, 25)
    }  # fmt: skip
    refund(db, [late])
    assert booked(db, event, day) == money(_1900=-125, _3020=100, _2700=25)
    assert booked(db, event) == money(_1900=125, _3020=-100, _2700=-25)
    assert kept


def test_where_a_document_may_come_first_vat_is_booked_at_the_sale_and_the_rest_is_a_debt(db: Connection) -> None:
    """Food that is served (§ 5-2-7): revenue with its code, and a pair without one to the debt and back."""
    day = today(db)
    event = make_event(
        db, prices=(125,), project_vat_code=REGULAR_RATE, event_type="food", event_time=noon(day + timedelta(days=9))
    )
    early, late, kept = sell(db, event.price_group, 3).tickets
    assert booked(db, event) == money(_1900=375, _2900=-300, _2700=-75)
    found = {
        (line["line_kind"], line["account"], line["accounting_vat_code"], line["amount"], line["vat_amount"])
        for line in lines(db, event.project)
    }
    assert found == {
        ("REVENUE", 3020, "3", -300, -75), ("VAT", 2700, None, -75, 0),
        ("PREPAID", 3020, None, 300, 0), ("PREPAID", 2900, None, -300, 0),
    }  # fmt: skip
    refund(db, [early])
    held = held_since(db, event, 5, 2)
    assert booked(db, event, day - timedelta(days=5)) == money(_1900=250, _2900=-200, _2700=-50)
    assert booked(db, event, held) == money(_2900=200, _3020=-200)
    assert {line["accounting_vat_code"] for line in lines(db, event.project, held)} == {None}
    refund(db, [late])
    assert booked(db, event, day) == money(_1900=-125, _3020=100, _2700=25)
    assert kept


def test_a_fee_is_prepaid_with_its_ticket(db: Connection) -> None:
    day = today(db)
    event = make_event(db, fee=25, fee_vat_code=REGULAR_RATE, event_time=noon(day + timedelta(days=1)), prices=(125,))
    sell(db, event.price_group)
    assert booked(db, event) == money(_1900=125, _2900=-125)
    held_since(db, event, 1, 0)
    assert booked(db, event, day) == money(_2900=125, _3220=-100, _3020=-20, _2700=-5)


def test_a_rate_is_told_on_the_lines_that_count(db: Connection) -> None:
    event = held_event(db, LOW_RATE, prices=(112,))
    sell(db, event.price_group)
    found = lines(db, event.project)
    assert {(line["line_kind"], line["vat_rate"]) for line in found} == {("REVENUE", 12), ("VAT", 12)}
    assert {line["line_text"].split(", prosjekt")[0] for line in found} == {
        "Billettinntekt, mva-kode 33, 12 %", "Utgående mva, mva-kode 33, 12 %"
    }  # fmt: skip


def test_what_comes_on_the_day_is_revenue(db: Connection) -> None:
    day = today(db)
    event = make_event(db, event_time=noon(day + timedelta(days=30)))
    sell(db, event.price_group)
    assert booked(db, event) == money(_1900=100, _2900=-100)
    sold_before(db, event, 1)
    run(db, "update billig.event set event_time = %s where event = %s", noon(day), event.event)
    sell(db, event.price_group, 2)
    assert booked(db, event, day - timedelta(days=1)) == money(_1900=100, _2900=-100)
    assert booked(db, event, day) == money(_1900=200, _2900=100, _3220=-300)


def test_a_day_to_come_has_no_voucher_yet(db: Connection) -> None:
    event = make_event(db)
    sell(db, event.price_group)
    assert {line["posting_date"] for line in lines(db, event.project)} == {today(db)}


def test_moving_an_event_changes_no_voucher_of_the_days_before(db: Connection) -> None:
    day = today(db)
    event = make_event(db, event_time=noon(day + timedelta(days=30)))
    sell(db, event.price_group, 2)
    sold_before(db, event, 20)
    plan(db, event, (date.min, day - timedelta(days=10)))
    sell(db, event.price_group)
    before = told(lines(db, event.project), day)
    assert booked(db, event, day) == money(_1900=100, _3220=-100)
    # put off after its day: what was revenue is a debt again, today, and what is sold today with it
    run(db, "update billig.event set event_time = %s where event = %s", noon(day + timedelta(days=7)), event.event)
    assert told(lines(db, event.project), day) == before
    assert booked(db, event, day) == money(_1900=100, _3220=200, _2900=-300)
    # and back again, the same day: as if nothing had been
    run(db, "update billig.event set event_time = %s where event = %s", noon(day - timedelta(days=9)), event.event)
    assert told(lines(db, event.project), day) == before
    assert booked(db, event, day) == money(_1900=100, _3220=-100)


def test_an_event_moved_and_moved_again_is_released_once(db: Connection) -> None:
    day = today(db)
    event = make_event(db, prices=(70,))
    sell(db, event.price_group)
    sold_before(db, event, 30)
    ago = [day - timedelta(days=days) for days in range(31)]
    # held on the 20th day ago; on the 15th put off to the 3rd; on the 10th moved to the 12th, already gone
    plan(db, event, (date.min, ago[20]), (ago[15], ago[3]), (ago[10], ago[12]))
    assert booked(db, event, ago[20]) == money(_2900=70, _3220=-70)
    assert booked(db, event, ago[15]) == money(_2900=-70, _3220=70)
    assert booked(db, event, ago[10]) == money(_2900=70, _3220=-70)
    assert booked(db, event, ago[3]) == {}
    assert booked(db, event) == money(_1900=70, _3220=-70)


def test_a_rule_can_leave_out_the_deferring(db: Connection) -> None:
    event = make_event(db, prices=(100,), fee=20)
    rule = {"line_kind": "REVENUE", "account": 3220, "project": event.project, "accounting_vat_code": "6"}
    call_in(db, "books", "set_voucher_rule", **rule)
    sell(db, event.price_group)
    assert booked(db, event) == money(_1900=100, _3220=-80, _2900=-20)
    sold_before(db, event, 1)
    day = today(db)
    plan(db, event, (date.min, day))
    assert booked(db, event, day) == money(_2900=100, _3220=-100), "sold a day before the rule applied"
    run(db, "update books.voucher_rule set valid_from = '0001-01-01' where project = %s", event.project)
    assert booked(db, event, day) == money(_2900=20, _3220=-20), "the fee's rule alone defers"


# --- Money beside tickets -------------------------------------------------------------------------------------------


def test_money_that_came_too_late_is_owed_and_paid_back(db: Connection) -> None:
    event = held_event(db, num=2, prices=(100,))
    sale = net(db, event.price_group, 2)
    call(db, "abort_purchase", purchase=sale.purchase)
    sell(db, event.price_group, 2, methods=["VIPPS"])
    assert [row["result"] for row in confirm(db, sale)] == ["OWED"]
    assert booked(db, event) == money(_1577=200, _3220=-200, _1578=200, _2990=-200)
    debt = one(db, "select owed_back from billig.owed_back where purchase = %s", sale.purchase)
    call(db, "settle_owed_back", owed_back=debt, reference="R-1")
    assert booked(db, event) == money(_1577=200, _3220=-200)


def test_money_that_is_owed_is_owed_by_whoever_has_it(db: Connection) -> None:
    first, second = held_event(db, num=1, organisation=SAMFUNDET), held_event(db, num=2)
    sale = net(db, {first.price_group: 1, second.price_group: 2})
    call(db, "abort_purchase", purchase=sale.purchase)
    sell(db, first.price_group)
    confirm(db, sale)
    assert booked(db, first) == money(_1900=100, _3220=-100, _1578=300, _2990=-300)
    assert booked_money(db, organisation=SAMFUNDET) == money(_1560=100), "for the ticket sold"
    with db.transaction(force_rollback=True):
        call(db, "set_payment_method_organisation", payment_method="NET_CARD", organisation=SAMFUNDET)
        debt = one(db, "select owed_back from billig.owed_back where purchase = %s", sale.purchase)
        call(db, "settle_owed_back", owed_back=debt, reference="R-2")
        assert booked(db, first) == money(_1900=100, _3220=-100), "paid back where it came"


def test_what_was_owed_for_is_settled_when_it_is_recorded(db: Connection) -> None:
    """Neither a ticket that was sold anew, nor what is done to the purchase later, has a part in the debt."""
    first, second = held_event(db, num=1, prices=(100,)), held_event(db, num=3, prices=(300,))
    sale = net(db, {first.price_group: 1, second.price_group: 1})
    call(db, "abort_purchase", purchase=sale.purchase)
    sell(db, first.price_group)
    confirm(db, sale)
    owed = money(_1900=100, _1578=400, _2990=-400)
    assert booked(db, second) == owed
    run(db, "update billig.ticket_group set num = 50 where event = %s", first.event)
    run(db, "insert into billig.ticket (price_group, purchase) values (%s, %s)", first.price_group, sale.purchase)
    call(db, "abort_purchase", purchase=sale.purchase)
    assert booked(db, second) == owed
    assert consistency(db) == {}


def test_a_rule_is_set_by_what_is_closed_now(db: Connection, connect: Connect) -> None:
    with connect(autocommit=False) as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with expect("25000"):
            call_in(old, "books", "set_voucher_rule", line_kind="PAYMENT", account=1920, payment_method="CASH")


def test_tills_book_their_differences_pay_ins_and_pay_outs_when_they_close(db: Connection) -> None:
    event = held_event(db, organisation=SAMFUNDET)
    till = make_cash_point(db, 51, organisation=SAMFUNDET)
    open_till(db, "till", till, 100)
    sell(db, event.price_group, seller="till", cash_point=till)
    for event_type, amount in (("PAY_IN", 500), ("PAY_IN", 100), ("PAY_OUT", 200), ("DRAWER_OPENING", 0)):
        call(db, "till_event", seller="till", event_type=event_type, amount=amount, reason="change")
    sold = money(_1900=100)
    assert booked_money(db) == sold, "the session is open"
    call(
        db,
        "till_close",
        seller="till",
        payment_methods=["CASH", "CARD", "VIPPS"],
        counted=[593, 5, 0],
        note="lost, and the terminal says so",
    )
    till_money = book((CASH, 600 - 200 - 7), (OUTSIDE_TILLS, -600 + 200), (DIFFERENCE, 7 - 5), (CARD, 5))
    assert booked_money(db) == booked_money(db, today(db), SAMFUNDET) == book(*sold.items(), *till_money.items())
    kinds = {line["line_kind"] for line in lines(db, None, today(db)) if line["organisation"] == SAMFUNDET}
    assert {"PAYMENT", "CASH_DIFFERENCE", "PAY_IN", "PAY_OUT"} <= kinds


# --- Around midnight, and what does not agree -----------------------------------------------------------------------


def _yesterday(db: Connection, tickets: Sequence[int]) -> None:
    db.execute("alter table billig.transaction_log disable trigger transaction_log_keep")
    run(
        db,
        "update billig.transaction_log set transaction_date = transaction_date - 1,"
        " transaction_time = transaction_time - interval '1 day' where ticket = any (%s)",
        list(tickets),
    )
    db.execute("alter table billig.transaction_log enable always trigger transaction_log_keep")


def test_a_payment_around_midnight_stands_on_its_first_day(db: Connection) -> None:
    event = held_event(db, prices=(100,))
    day = today(db)
    plan(db, event, (date.min, day - timedelta(days=3)))
    sale = sell(db, event.price_group, 3, methods=["CASH", "CARD"], amounts=[100, 200])
    _yesterday(db, sale.tickets[:1])
    assert booked(db, event, day - timedelta(days=1)) == book(
        (CASH, 100), (CARD, 200), (TRANSFER, -200), (SALES[6], -100)
    )
    assert booked(db, event, day) == book((TRANSFER, 200), (SALES[6], -200))


def test_an_exchange_around_midnight_stands_on_the_day_whose_rows_it_settles(db: Connection) -> None:
    old, new = held_event(db, prices=(100,)), held_event(db, prices=(100,))
    day = today(db)
    for event in (old, new):
        plan(db, event, (date.min, day - timedelta(days=9)))
    sale = sell(db, old.price_group, methods=["CARD"])
    _yesterday(db, sale.tickets)
    _yesterday(db, sale.tickets)
    exchange(db, sale.tickets, new.price_group, methods=None)
    _yesterday(db, sale.tickets)
    assert booked(db, old, day - timedelta(days=3)) == book((CARD, 100), (SALES[6], -100))
    assert booked(db, old, day - timedelta(days=1)) == book((TRANSFER, -100), (SALES[6], 100))
    assert booked(db, new, day) == book((TRANSFER, 100), (SALES[6], -100))


# --- Rules ----------------------------------------------------------------------------------------------------------


def test_the_most_specific_rule_wins_and_project_goes_before_all(db: Connection) -> None:
    with db.transaction(force_rollback=True):
        event = held_event(db)
        other = held_event(db)
        for number in (3221, 3222, 3223, 3224):
            call_in(db, "books", "set_account", account=number, name=f"Inntekt {number}")

        def rule(account: int | None, **columns: object) -> None:
            call_in(db, "books", "set_voucher_rule", line_kind="REVENUE", account=account, **columns)

        rule(3221, transaction_type="NORMAL_SALE")
        sell(db, event.price_group)
        sell(db, other.price_group)
        assert booked_tickets(db, event) == money(_3220=-100), "the one of the VAT code is more specific"
        rule(3222, vat_code=6, transaction_type="NORMAL_SALE")
        assert booked_tickets(db, event) == money(_3222=-100)
        rule(3223, organisation=UKA)
        assert booked_tickets(db, event) == money(_3223=-100)
        rule(3224, project=event.project)
        assert booked_tickets(db, event) == money(_3224=-100)
        assert booked_tickets(db, other) == money(_3223=-100)
        rule(None, project=event.project)
        assert booked_tickets(db, event) == money(_3223=-100), "withdrawn"


def test_a_rule_applies_from_its_day_on(db: Connection) -> None:
    with db.transaction(force_rollback=True):
        event = held_event(db)
        day = today(db)
        plan(db, event, (date.min, day - timedelta(days=9)))
        sell(db, event.price_group, methods=["CREDIT_CARD"])
        sold_before(db, event, 1)
        sell(db, event.price_group, methods=["CREDIT_CARD"])
        call_in(db, "books", "set_voucher_rule", line_kind="PAYMENT", account=BANK, payment_method="CREDIT_CARD")
        assert booked(db, event, day - timedelta(days=1)) == money(_1571=100, _3220=-100)
        assert booked(db, event, day) == money(_1920=100, _3220=-100)


def test_what_no_rule_knows_stands_on_the_suspense_account_and_is_named(db: Connection) -> None:
    with db.transaction(force_rollback=True):
        run(
            db,
            """
            insert into billig.payment_method (payment_method, payment_method_name, saft_code, organisation)
            values (77, 'SHELLS', '12999', 2)
            """,
        )
        event = held_event(db)
        sell(db, event.price_group, methods=["SHELLS"])
        assert booked(db, event) == money(_9999=100, _3220=-100)
        assert rows(db, "select * from consistency.voucher_rule") == [
            {
                "line_kind": "PAYMENT", "organisation": UKA, "project": None, "vat_code": None,
                "payment_method": "SHELLS", "first_day": today(db), "last_day": today(db), "amount": 100,
            }
        ]  # fmt: skip
        call_in(db, "books", "set_voucher_rule", line_kind="PAYMENT", account=1579, payment_method="SHELLS")
        assert rows(db, "select * from consistency.voucher_rule") == []


def test_rules_that_cannot_be_are_refused(db: Connection) -> None:
    def refused(state: str, **arguments: object) -> None:
        with expect(state):
            call_in(db, "books", "set_voucher_rule", **arguments)

    refused("22023", line_kind="PREPAID", account=2900)
    refused("22023", line_kind="SHELLS", account=2900)
    refused("22023", line_kind="PAYMENT", account=1900, vat_code=3)
    refused("22023", line_kind="REVENUE", account=3220, payment_method="CASH")
    refused("22023", line_kind="VAT", account=2700, deferred_account=2900)
    refused("22023", line_kind="REVENUE", account=3220, deferred_account=3220)
    refused("22023", line_kind="PAYMENT", account=1900, accounting_vat_code="3")
    refused("P0002", line_kind="PAYMENT", account=1234)
    refused("P0002", line_kind="PAYMENT", account=1900, payment_method="SHELLS")
    refused("P0002", line_kind="REVENUE", account=3220, transaction_type="GIFT", project=1, organisation=99, vat_code=4)
    for account, name in ((None, "x"), (12, "x"), (1234, "")):
        with expect("22023"):
            call_in(db, "books", "set_account", account=account, name=name)


def test_two_rules_alike_cannot_be(db: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(
            db,
            "insert into books.voucher_rule (line_kind, valid_from, account) values ('ROUNDING', '0001-01-01', 7740)",
        )


def test_the_examples_for_the_bookkeeper_run(db: Connection) -> None:
    text = (ROOT / "docs" / "vouchers.md").read_text("utf-8")
    block = "".join(re.findall(r"```sql\n(.*?)```", text, re.S))
    with db.transaction(force_rollback=True):
        make_project(db, project=1)
        db.execute(block.encode())
        changed = rows(
            db,
            """
            select line_kind, account, deferred_account
            from books.voucher_rule
            where valid_from > '2000-01-01'
            order by account
            """,
        )
        assert [tuple(row.values()) for row in changed] == [
            ("PAYMENT", 1920, None),
            ("REVENUE", 3020, None),
            ("REVENUE", None, None),
        ]


def test_a_bookkeeper_sets_rules_and_an_auditor_reads_them(db: Connection) -> None:
    event = held_event(db)
    sell(db, event.price_group)
    with login_role(db, "bookkeeper") as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as bookkeeper:
        call_in(bookkeeper, "books", "set_account", account=3225, name="Revyen")
        call_in(bookkeeper, "books", "set_voucher_rule", line_kind="REVENUE", account=3225, project=event.project)
        assert one(bookkeeper, "select set_by from books.voucher_rule where account = 3225") == name
        assert booked(bookkeeper, event) == money(_1900=100, _3225=-100)
        for statement in (
            "insert into books.account (account, account_name) values (1234, 'mine')",
            "update books.voucher_rule set account = 1900",
            "delete from books.voucher_rule",
            "update billig.event_date set event_date = now()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bookkeeper.execute(statement.encode())
    for group in ("analyst", "auditor"):
        with login_role(db, group) as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as reader:
            assert booked(reader, event) == money(_1900=100, _3225=-100)
            with expect("42501", native=True):
                call_in(reader, "books", "set_account", account=3225, name="Mine")


# --- Any day --------------------------------------------------------------------------------------------------------

CODES = (REGULAR_RATE, MIDDLE_RATE, LOW_RATE, OUTSIDE_THE_ACT)


class Month:
    """Random sales, refunds, changes and exchanges over events of all codes, strewn over days; events moved about."""

    def __init__(self, db: Connection, seed: int) -> None:
        self.db, self.dice = db, random.Random(seed)
        self.ago = [today(db) - timedelta(days=days) for days in range(40)]
        self.organisations = {
            make_project(db, vat_code=code, organisation=1 + code % 2): 1 + code % 2 for code in CODES
        }
        self.events = [
            make_event(
                db,
                prices=(95, 121),
                fee=self.dice.choice([0, 10]),
                fee_vat_code=REGULAR_RATE,
                project=project,
                organisation=organisation,
                event_type=event_type,
            )
            for event_type in (None, "food")
            for project, organisation in self.organisations.items()
        ]
        self.served = {event.event for event in self.events[len(CODES) :]}
        self.live: list[tuple[int, Event]] = []
        self.history: dict[int, list[tuple[date, date]]] = {}

    def act(self, deeds: int) -> None:
        self.sell()
        for _ in range(deeds):
            deed = self.dice.choice([self.sell, self.sell_on_the_web, self.refund, self.exchange, self.change])
            deed()

    def sell(self) -> None:
        first, second = self.dice.sample(self.events, 2)
        wanted = {first.price_groups[0]: self.dice.randint(1, 3), second.price_groups[1]: self.dice.randint(1, 3)}
        offers = rows(
            self.db, "select price_group, price as cost from billig.offer where price_group = any (%s)", [*wanted]
        )
        cost = sum((offer["cost"] * wanted[offer["price_group"]] for offer in offers), Decimal(0))
        part = Decimal(self.dice.randint(1, int(cost * 100) - 1)) / 100
        methods = self.dice.sample(["CARD", "VIPPS", "GIFT_CARD"], 2)
        for row in sell(self.db, wanted, methods=methods, amounts=[part, cost - part]).rows:
            self.live.append((row["ticket"], first if row["price_group"] in first.price_groups else second))

    def sell_on_the_web(self) -> None:
        event = self.dice.choice(self.events)
        self.live += [(ticket, event) for ticket in net_paid(self.db, event.price_groups[1], 2).tickets]

    def _any(self) -> tuple[int, Event]:
        if not self.live:
            self.sell()
        return self.live.pop(self.dice.randrange(len(self.live)))

    def refund(self) -> None:
        refund(self.db, [self._any()[0]])

    def exchange(self) -> None:
        event = self.dice.choice(self.events)
        old, price_group = self._any()[0], self.dice.choice(event.price_groups)
        swapped = by_road(self.db, lambda by: exchange(self.db, [old], price_group, methods=by), "CARD")
        self.live.append((swapped[0]["new_ticket"], event))

    def change(self) -> None:
        ticket, event = self._any()
        self.live.append((ticket, event))
        low, high = event.price_groups
        now = one(self.db, "select price_group from billig.ticket where ticket = %s", ticket)
        other = high if now == low else low
        change = partial(call, self.db, "change_price_group", tickets=[ticket], price_group=other, seller="kari")
        by_road(self.db, lambda by: change(payment_methods=by), "CARD")

    def strew(self) -> None:
        """Each payment on a day of its own, now and then with rows on both sides of midnight."""
        payments = [
            row["payment"]
            for row in rows(
                self.db,
                "select distinct payment from billig.transaction_log where event = any (%s) and payment is not null",
                [event.event for event in self.events],
            )
        ]
        self.db.execute("set constraints all immediate")
        self.db.execute("alter table billig.transaction_log disable trigger transaction_log_keep")
        run(
            self.db,
            """
            update billig.transaction_log as l
            set
                transaction_date = d.day,
                transaction_time = l.transaction_time + make_interval(days => d.day - l.transaction_date)
            from billig.transaction_log as o
            inner join unnest(%s::bigint[], %s::int[]) as m (payment, day) on o.payment = m.payment
            cross join lateral (
                select %s::date + m.day + (o.payment %% 5 = 0 and o.transaction_log %% 2 = 0)::int as day
            ) as d
            where l.transaction_log = o.transaction_log
            """,
            sorted(payments),
            sorted(self.dice.randint(0, 35) for _ in payments),
            self.ago[38],
        )

    def move_events(self) -> None:
        for event in self.events:
            moves = sorted({self.dice.choice(self.ago[2:38]) for _ in range(self.dice.randint(0, 3))})
            dates = [(date.min, self.dice.choice(self.ago)), *((known, self.dice.choice(self.ago)) for known in moves)]
            self.history[event.event] = dates
            plan(self.db, event, *dates)

    def logged(self, day: date) -> list[tuple[int, date, int, Decimal, Decimal]]:
        """Event, day, VAT code, gross and VAT of each part of each row up to a day."""
        found = rows(
            self.db,
            """
            select event, transaction_date, vat_code, amount, vat_amount, fee_vat_code, fee_amount, fee_vat_amount
            from billig.transaction_log
            where event = any (%s) and transaction_date <= %s
            """,
            [event.event for event in self.events],
            day,
        )
        columns = ("vat_code", "amount", "vat_amount")
        return [
            (row["event"], row["transaction_date"], *(row[part + column] for column in columns))
            for row in found
            for part in ("", "fee_")
        ]

    def prepaid(self, day: date) -> Decimal:
        """All that was sold, less what was given back, of events whose day had not come, as known that day.

        Without VAT where food is served, since that was reported when it was sold.
        """
        return sum(
            (
                gross - (vat if event in self.served and code == REGULAR_RATE else 0)
                for event, _, code, gross, vat in self.logged(day)
                if self._known(event, day) > day
            ),
            Decimal(0),
        )

    def vat(self, day: date) -> Decimal:
        """VAT of what was held by then, and of food that was sold."""
        return sum(
            (
                vat
                for event, _, code, _, vat in self.logged(day)
                if self._known(event, day) <= day or (event in self.served and code == REGULAR_RATE)
            ),
            Decimal(0),
        )

    def _known(self, event: int, day: date) -> date:
        return max(entry for entry in self.history[event] if entry[0] <= day)[1]


@pytest.mark.parametrize("seed", range(6))
def test_any_day_balances_and_what_is_prepaid_is_what_has_not_been_held(db: Connection, seed: int) -> None:
    with db.transaction(force_rollback=True):
        month = Month(db, seed)
        month.act(60)
        month.strew()
        month.move_events()
        assert rows(db, "select * from consistency.voucher_balance") == []
        assert rows(db, "select * from consistency.voucher_rule") == []
        assert rows(db, "select * from consistency.between_organisations") == []
        found = rows(
            db,
            "select * from report.voucher_line where project is null or project = any (%s)",
            [*month.organisations],
        )
        assert {"PAYMENT", "REVENUE", "FEE", "VAT", "PREPAID", "RELEASE", "TRANSFER"} <= {
            line["line_kind"] for line in found
        }
        vouchers_found: dict[str, Decimal] = defaultdict(Decimal)
        for line in found:
            vouchers_found[line["voucher"]] += line["amount"]
        for line in rows(db, "select * from report.voucher_line where project <> all (%s)", [*month.organisations]):
            vouchers_found[line["voucher"]] += line["amount"]
        assert len(vouchers_found) > 20
        assert set(vouchers_found.values()) == {Decimal(0)}
        assert sum(line["amount"] for line in found if line["account"] == TRANSFER) == 0
        for day in month.ago:
            balance = sum(
                (line["amount"] for line in found if line["account"] == PREPAID and line["posting_date"] <= day),
                Decimal(0),
            )
            assert balance == -month.prepaid(day), f"at the end of {day}"
            vat = sum(
                (line["amount"] for line in found if line["account"] in VAT.values() and line["posting_date"] <= day),
                Decimal(0),
            )
            assert vat == -month.vat(day), f"at the end of {day}"
            told = rows(db, "select sum(prepaid_amount) as sum from report.prepaid(%s) where project = any (%s)", day,
                        [*month.organisations])[0]["sum"]  # fmt: skip
            assert (told or 0) == -balance, f"at the end of {day}"


def test_a_day_is_read_without_the_rest_of_the_log(db: Connection) -> None:
    plan_text = "\n".join(
        row["QUERY PLAN"]
        for row in rows(db, "explain (costs off) select * from report.voucher_line where posting_date = '2026-01-31'")
    )
    assert plan_text.count("transaction_date = '2026-01-31'::date") >= 2, plan_text


# --- Closed periods -------------------------------------------------------------------------------------------------


class Books:
    """A database with a clock that moves; sales of an event of today."""

    def __init__(self, db: Connection) -> None:
        self.db, self.calendar = db, movable_clock(db)
        self.event = held_event(db)
        sell(db, self.event.price_group, 2)


@pytest.fixture
def books(connect: Connect) -> Books:
    return Books(connect())


def test_what_is_decided_later_leaves_a_closed_period_as_it_is(books: Books, connect: Connect) -> None:
    db, event = books.db, books.event
    day = books.calendar.today
    slow = connect(autocommit=False)
    sell(slow, event.price_group, seller="ola")
    tomorrow = books.calendar.forward()
    books.calendar.close(day)
    found = lines(db, event.project, day)
    assert booked(db, event, day) == money(_1900=200, _3220=-200)

    slow.commit()
    assert booked(db, event, tomorrow) == money(_1900=100, _3220=-100), "it came too late for the period"
    with expect("22023"):
        call_in(
            db, "books", "set_voucher_rule", line_kind="REVENUE", account=3020, project=event.project, valid_from=day
        )
    call_in(
        db, "books", "set_voucher_rule", line_kind="REVENUE", account=3020, deferred_account=2900, project=event.project
    )
    run(db, "update billig.event set event_time = event_time + interval '9 days' where event = %s", event.event)
    assert lines(db, event.project, day) == found
    assert booked(db, event, tomorrow) == money(_1900=100, _3220=200, _2900=-300), "a debt again, by its own day's rule"
    assert consistency(db) == {}


def test_a_period_whose_lines_have_no_account_is_not_closed(books: Books) -> None:
    day = books.calendar.today
    call_in(books.db, "books", "set_voucher_rule", line_kind="REVENUE", account=None, vat_code=6)
    books.calendar.forward()
    with expect("23B46"):
        books.calendar.close(day)
    books.calendar.forward(-1)
    call_in(books.db, "books", "set_voucher_rule", line_kind="REVENUE", account=3220, vat_code=6)
    books.calendar.forward()
    books.calendar.close(day)
    assert consistency(books.db) == {}


def test_nothing_is_dated_in_a_closed_period_though_the_clock_goes_back(books: Books) -> None:
    db, day = books.db, books.calendar.today
    make_cash_point(db)
    open_till(db)
    close_till(db, 5, note="found a fiver")
    run(db, "update billig.event set event_time = event_time - interval '9 days' where event = %s", books.event.event)
    books.calendar.forward()
    books.calendar.close(day)
    closed = rows(db, "select * from report.voucher_line where posting_date = %s", day)
    assert closed
    books.calendar.forward(-2)
    with expect("23B45"):
        open_till(db)
    assert rows(db, "select * from report.voucher_line where posting_date = %s", day) == closed
    books.calendar.forward(2)
    open_till(db)
    assert consistency(db) == {}


def test_no_period_closes_while_a_till_is_being_closed(books: Books, connect: Connect) -> None:
    """Its vouchers are of the day it closed: they must not come into a period behind its back."""
    day = books.calendar.today
    make_cash_point(books.db)
    open_till(books.db)
    closing = connect(autocommit=False)
    close_till(closing, 5, note="found a fiver")
    books.calendar.forward()
    with expect("55P03"):
        books.calendar.close(day)
    closing.commit()
    books.calendar.close(day)


def test_no_period_closes_while_an_event_is_being_moved(books: Books, connect: Connect) -> None:
    db, event = books.db, books.event
    day = books.calendar.today
    mover = connect(autocommit=False)
    run(mover, "update billig.event set event_time = event_time + interval '9 days' where event = %s", event.event)
    books.calendar.forward()
    with expect("55P03"):
        books.calendar.close(day)
    mover.commit()
    assert booked(db, event, day) == money(_1900=200, _2900=-200)
    books.calendar.close(day)
    assert booked(db, event, day) == money(_1900=200, _2900=-200)


# --- The files ------------------------------------------------------------------------------------------------------


class Export(Protocol):
    """`pybridge voucher export` of a day, today if none is named."""

    def __call__(self, *arguments: str | Path, day: date | None = None) -> Result: ...


@pytest.fixture
def export(db: Connection, monkeypatch: pytest.MonkeyPatch) -> Export:
    info = db.info
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{SUPERUSER}@{info.host}:{info.port}/{info.dbname}")

    def run_it(*arguments: str | Path, day: date | None = None) -> Result:
        on = str(day or today(db))
        return CliRunner().invoke(  # type: ignore[return-value]
            app, ["voucher", "export", "--from", on, "--to", on, *map(str, arguments)]
        )

    return run_it


def _some_line(**changes: object) -> vouchers.Line:
    values: dict[str, object] = {
        "voucher": "2-20261024-101", "posting_date": date(2026, 10, 24), "organisation_name": "UKA", "project": 101,
        "project_name": "Revyen", "line": 1, "line_kind": "PAYMENT", "account": 1900, "account_name": "Kontanter",
        "debit": Decimal("1234.50"), "credit": Decimal(0), "amount": Decimal("1234.50"), "vat_code": None,
        "vat_rate": None, "vat_amount": Decimal(0), "accounting_vat_code": None, "payment_method": "CASH",
        "line_text": "Betaling; CASH",
    }  # fmt: skip
    return vouchers.Line(**{**values, **changes})  # type: ignore[arg-type]


def test_the_journal_is_a_table_for_a_norwegian_spreadsheet() -> None:
    content = vouchers.render([_some_line()], vouchers.JOURNAL).decode("utf-8-sig")
    assert content == (
        "bilag;linje;dato;organisasjon;prosjekt;prosjektnavn;konto;kontonavn;debet;kredit;mva-kode;mva-sats;mva;"
        "regnskapets mva-kode;betalingsmiddel;type;tekst\r\n"
        "2-20261024-101;1;2026-10-24;UKA;101;Revyen;1900;Kontanter;1234,50;0,00;;;0,00;;CASH;PAYMENT;Betaling, CASH\r\n"
    )


def test_gbat10_has_the_columns_that_its_manual_says() -> None:
    sale = [
        _some_line(),
        _some_line(line_kind="REVENUE", account=3020, amount=Decimal("-987.60"), vat_amount=Decimal("-246.90"),
                   accounting_vat_code="3", line_text="Billettinntekt ærlig"),
        _some_line(line_kind="VAT", account=2700, amount=Decimal("-246.90"), line_text="Utgående mva"),
        _some_line(voucher="2-20261025", project=None, posting_date=date(2026, 10, 25)),
    ]  # fmt: skip
    content = vouchers.render(sale, vouchers.GBAT10, first_number=700).decode("cp1252")
    assert content == (
        "GBAT10;700;20261024;9;10;2026;1900;0;1234.50;0;0;;;;;;;;;;2-20261024-101 Betaling, CASH;;;101;;;T;1234.50\r\n"
        "GBAT10;700;20261024;9;10;2026;3020;3;-987.60;0;0;;;;;;;;;;2-20261024-101 Billettinntekt ærlig;;;101;;;T;"
        "-1234.50\r\n"
        "GBAT10;700;20261024;9;10;2026;2700;0;-246.90;0;0;;;;;;;;;;2-20261024-101 Utgående mva;;;101;;;F;0.00\r\n"
        "GBAT10;701;20261025;9;10;2026;1900;0;1234.50;0;0;;;;;;;;;;2-20261025 Betaling, CASH;;;;;;T;1234.50\r\n"
    )


def test_the_files_hold_what_the_view_says_and_balance(db: Connection, export: Export, tmp_path: Path) -> None:
    event = held_event(db, REGULAR_RATE, prices=(125,))
    sell(db, event.price_group, 3, methods=["CARD"])
    sell(db, held_event(db, organisation=SAMFUNDET).price_group)
    journal = export()
    assert journal.exit_code == 0, journal.output
    table = [line.split(";") for line in journal.stdout_bytes.decode("utf-8-sig").splitlines()]
    of_event = {row[6]: (row[8], row[9]) for row in table if row[4] == str(event.project)}
    assert of_event == {"3020": ("0,00", "300,00"), "2700": ("0,00", "75,00")}
    assert Counter(tuple(row[:2] + row[6:7]) for row in table[1:]) == Counter(
        (line["voucher"], str(line["line"]), str(line["account"]))
        for line in rows(db, "select * from report.voucher_line where posting_date = %s", today(db))
    )

    both = export("--format", "accounting")
    assert both.exit_code == 1
    assert "does not say whose" in both.stderr

    file = tmp_path / "uka.csv"
    written = export("--format", "accounting", "--organisation", "UKA", "--out", file)
    assert written.exit_code == 0, written.output
    records = [line.split(";") for line in file.read_bytes().decode("cp1252").splitlines()]
    assert {len(record) for record in records} == {28}
    for number in {record[1] for record in records}:
        voucher = [record for record in records if record[1] == number]
        assert sum(Decimal(record[8]) for record in voucher) == 0, "net"
        assert sum(Decimal(record[27]) for record in voucher) == 0, "gross"


def test_an_export_is_refused_where_something_is_wrong(db: Connection, export: Export, tmp_path: Path) -> None:
    day = today(db) - timedelta(days=300)
    event = held_event(db)
    plan(db, event, (date.min, day))
    sell(db, event.price_group)
    sold_before(db, event, 300)
    rule = one(db, "select voucher_rule from books.voucher_rule where line_kind = 'PAYMENT' and payment_method = 1")
    run(db, "update books.voucher_rule set valid_from = %s where voucher_rule = %s", day + timedelta(days=1), rule)
    file = tmp_path / "journal.csv"
    refused = export("--out", file, day=day)
    assert refused.exit_code == 1
    assert "no rule knows: Betaling, CASH" in refused.stderr
    assert not file.exists()
    assert export("--out", file, "--despite-problems", day=day).exit_code == 0
    assert ";9999;" in file.read_text("utf-8-sig")
    run(db, "update books.voucher_rule set valid_from = '0001-01-01' where voucher_rule = %s", rule)
    assert export(day=day).exit_code == 0


def test_an_export_that_is_typed_wrongly_exits_2(db: Connection, export: Export) -> None:
    assert export("--organisation", "Nobody").exit_code == 2
    assert export("--to", "2000-01-01").exit_code == 2
    assert export("--format", "xml").exit_code == 2
