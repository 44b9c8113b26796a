"""What was sold against what came to the bank: expected once, matched once, and never where nobody can tell."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support import banking, market
from tests.support.banking import booked, days_ago, expected, match_open, matched, route, sound
from tests.support.domain import (
    DATA,
    Row,
    call,
    call_in,
    close_till,
    confirm,
    consistency,
    expect,
    login_role,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.payments import CHARGE_DAY, Scripted, executed, means

D = Decimal
DAY = date(2026, 1, 14)


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def make(db: Connection, entries: list[int], items: list[int], **lines: Decimal | int) -> int:
    """A match by hand."""
    found = call_in(
        db,
        "bank",
        "make_match",
        entries=entries,
        expected=items,
        reason="looked it up",
        kinds=list(lines),
        amounts=[Decimal(amount) for amount in lines.values()],
    )
    return int(found[0]["make_match"])


def undo(db: Connection, match: int) -> None:
    call_in(db, "bank", "undo_match", match=match, reason="wrong")


def states(db: Connection) -> dict[int, str]:
    return {row["match"]: row["state"] for row in rows(db, "select match, state from report.bank_match")}


# --- What is expected -----------------------------------------------------------------------------------------------


def test_a_day_of_a_method_is_expected_once_and_what_comes_late_by_itself(db: Connection) -> None:
    route(db, "DAY", "CARD")
    event = make_event(db, prices=(100,))
    for count in (1, 2):
        banking.sold_on(db, days_ago(2), count, "CARD", event)
    banking.sold_on(db, days_ago(1), 1, "CARD", event)
    sell(db, event.price_group, methods=["CARD"])  # today is not over
    assert call_in(db, "bank", "expect") == [{"route_name": "CARD", "items": 2, "amount": D(400)}]
    assert call_in(db, "bank", "expect") == []
    late = banking.sold_on(db, days_ago(2), 4, "CARD", event)
    assert call_in(db, "bank", "expect") == [{"route_name": "CARD", "items": 1, "amount": D(400)}]
    assert [row["amount"] for row in rows(db, "select amount from bank.expected order by expected")] == [300, 100, 400]
    down = rows(db, "select payment, total_amount from report.bank_ticket where payment = %s", late)
    assert [row["total_amount"] for row in down] == [100] * 4
    assert consistency(db) == {}


def test_of_a_till_what_was_counted_less_the_float_is_expected(db: Connection) -> None:
    route(db, "SESSION", "CASH")
    event = make_event(db, prices=(100,))
    make_cash_point(db, session_required=True)
    session = open_till(db, opening_float=500)
    sell(db, event.price_group, 3, cash_point=1)
    close_till(db, 790, note="ten kroner are gone")
    with db.transaction():
        run(db, "alter table billig.till_session disable trigger user")
        run(
            db,
            "update billig.till_session set (opened_at, closed_at) = (opened_at - day, closed_at - day)"
            " from (values (interval '1 day')) as d (day)",
        )
        for trigger in rows(
            db,
            "select tgname from pg_trigger where tgrelid = 'billig.till_session'::regclass and not tgisinternal",
        ):
            db.execute(
                sql.SQL("alter table billig.till_session enable always trigger {}").format(
                    sql.Identifier(trigger["tgname"])
                )
            )
    call_in(db, "bank", "expect")
    (item,) = rows(db, "select till_session, goods, amount from bank.expected")
    assert item == {"till_session": session, "goods": D(300), "amount": D(290)}
    assert call_in(db, "bank", "expect") == []
    assert consistency(db) == {}


def test_a_closed_till_is_expected_the_same_day_by_each_route_and_a_day_is_not(db: Connection) -> None:
    for source, method in (("SESSION", "CASH"), ("SESSION", "CARD"), ("DAY", "VIPPS"), ("PAYMENT", "NET_CARD")):
        route(db, source, method)
    event = make_event(db, prices=(100,))
    make_cash_point(db, session_required=True)
    session = open_till(db)
    for methods, count in ((["CASH"], 3), (["CARD"], 2), (["VIPPS"], 1)):
        sell(db, event.price_group, count, cash_point=1, methods=methods)
    close_till(db, 300)
    confirm(db, net(db, event.price_group))
    assert call_in(db, "bank", "expect") == [], "all of it is today's"
    call_in(db, "bank", "expect", until=days_ago(-1))
    found = rows(
        db,
        """
        select r.route_name, x.till_session, x.reference, x.goods, x.amount, count(l.payment) as lines
        from bank.expected as x
        inner join bank.route as r on x.route = r.route
        left join bank.expected_line as l on x.expected = l.expected
        group by x.expected, r.route_name order by r.route_name
        """,
    )
    assert [tuple(row.values()) for row in found if row["route_name"] != "NET_CARD"] == [
        ("CARD", session, "", 200, 200, 1),
        ("CASH", session, f"TILL-{session}", 300, 300, 1),
    ]
    assert [row["amount"] for row in found if row["route_name"] == "NET_CARD"] == [100]
    assert consistency(db) == {}


def test_web_payments_are_expected_by_their_reference(db: Connection) -> None:
    route(db, "PAYMENT", "NET_CARD")
    event = make_event(db, prices=(100,))
    confirm(db, net(db, event.price_group), reference="pi_1")
    banking.moved(db, one(db, "select payment from billig.payment"), days_ago(1))
    call_in(db, "bank", "expect")
    assert rows(db, "select reference, amount from bank.expected") == [{"reference": "pi_1", "amount": D(100)}]


def test_money_that_came_too_late_is_expected_when_it_came_and_when_it_is_paid_back(
    db: Connection, tmp_path: Path
) -> None:
    route(db, "PAYMENT", "NET_CARD")
    event = make_event(db, prices=(100, 60), num=2)
    sale = net(db, {event.price_groups[0]: 1, event.price_groups[1]: 1})
    update_ticket(db, sale.tickets[0], refunded="now")
    sell(db, event.price_groups[0])
    both = call(db, "confirm_net_payment", purchase=sale.purchase, amount=160, provider_reference="pi_part")
    assert {row["result"] for row in both} == {"PAID", "OWED"}
    whole = net(db, make_event(db, prices=(100,), num=1).price_group)
    call(db, "abort_purchase", purchase=whole.purchase)
    run(db, "update billig.event set event_time = billig.local_time() where event <> %s", event.event)
    assert [row["result"] for row in confirm(db, whole, reference="pi_late")] == ["OWED"]
    late = one(db, "select owed_back from billig.owed_back where provider_reference = 'pi_late'")

    today = datetime.now(market.OSLO).date()
    call_in(db, "bank", "expect", until=today)
    items = "select reference, goods, amount from bank.expected where expected > %s order by expected"
    assert [tuple(row.values()) for row in rows(db, items, 0)] == [("pi_part", 60, 160), ("pi_late", 0, 100)]
    seen = int(one(db, "select max(expected) from bank.expected"))
    call(db, "settle_owed_back", owed_back=late, reference="re_late")
    call_in(db, "bank", "expect", until=today)
    assert [tuple(row.values()) for row in rows(db, items, seen)] == [("re_late", 0, -100)]
    assert call_in(db, "bank", "expect", until=today) == []

    tickets = rows(db, "select payment is null as lost, ticket, total_amount from report.bank_ticket order by 1, 2, 3")
    assert [tuple(row.values()) for row in tickets] == [
        (False, sale.tickets[1], 60),
        (True, sale.tickets[0], 100),
        (True, whole.tickets[0], -100),
        (True, whole.tickets[0], 100),
    ]
    booked_as = zip((160, 100, -100), ("pi_part", "pi_late", "re_late"), strict=True)
    for number, (amount, reference) in enumerate(booked_as, 1):
        content = banking.mt940([(later(1), amount, "A")], number=number).replace("NONREF", reference)
        banking.load(db, tmp_path, content)
    assert match_open(db) == {"REFERENCE": 3}
    summed = (
        "select sum(goods) as goods, sum(amount) as amount, sum(received_amount) as received, sum(open_amount) as open"
    )
    assert rows(db, summed + " from report.bank_reconciliation") == [
        {"goods": 60, "amount": 160, "received": 160, "open": 0}
    ]
    assert consistency(db) == {}


def test_money_owed_back_is_in_its_days_sum_and_beside_a_payment_that_was_expected_before(db: Connection) -> None:
    day, single = route(db, "DAY", "VIPPS"), route(db, "PAYMENT", "NET_CARD")
    event = make_event(db, prices=(100,), num=9)
    for method in ("VIPPS", "NET_CARD"):
        paid = net(db, event.price_group)
        confirm(db, paid, method=method, reference=f"paid {method}")
        late = net(db, event.price_group)
        call(db, "abort_purchase", purchase=late.purchase)
        run(db, "update billig.event set event_time = billig.local_time() where event = %s", event.event)
        assert [row["result"] for row in confirm(db, late, method=method, reference=f"late {method}")] == ["OWED"]
        run(
            db,
            "update billig.event set event_time = billig.local_time() + interval '9 days' where event = %s",
            event.event,
        )
    for row in rows(db, "select payment from billig.payment"):
        banking.moved(db, row["payment"], days_ago(2))
    # as a database that was upgraded may have it
    before = one(db, "select payment from billig.payment where provider_reference = 'late NET_CARD'")
    run(
        db,
        "insert into bank.expected (route, day, payment, goods, amount) values (%s, %s, %s, 0, 0)",
        single,
        days_ago(2),
        before,
    )
    call_in(db, "bank", "expect")
    found = rows(
        db, "select route, payment, reference, goods, amount from bank.expected where amount <> 0 order by 1, 3"
    )
    assert [tuple(row.values()) for row in found] == [
        (day, None, "", 100, 200),
        (single, None, "late NET_CARD", 0, 100),
        (
            single,
            one(db, "select payment from billig.payment where provider_reference = 'paid NET_CARD'"),
            "paid NET_CARD",
            100,
            100,
        ),
    ]
    assert consistency(db) == {}


def test_goods_of_before_the_routes_first_day_are_not_expected(db: Connection) -> None:
    route(db, "DAY", "CARD", since=days_ago(2))
    for day in (3, 2):
        banking.sold_on(db, days_ago(day), 1, "CARD")
    assert call_in(db, "bank", "expect") == [{"route_name": "CARD", "items": 1, "amount": D(100)}]
    assert one(db, "select day from bank.expected") == days_ago(2)


def test_what_the_marketplace_paid_and_got_back_is_expected(db: Connection) -> None:
    route(db, "ATTEMPT", gateway="stripe")
    (charged,) = settled(db)
    call_in(db, "bank", "expect", until=None)
    (item,) = rows(db, "select payment_attempt, reference, amount, is_return from bank.expected")
    assert item["payment_attempt"] == charged["payment_attempt"]
    assert (item["amount"], item["reference"]) == (Decimal(charged["amount"]) / 100, charged["gateway_id"])
    assert consistency(db) == {}


def settled(db: Connection) -> list[Row]:
    """A month of the marketplace, charged."""
    january = date(2026, 1, 1)
    market.partitions(db, january, 2)
    advertiser, publisher = market.profile(db), market.profile(db)
    ad, site = market.advertisement(db, advertiser, "20.123456"), market.website(db, publisher)
    market.clicks(db, ad, site, market.at(2026, 1, 5))
    market.update(db, january, market.at(2026, 1, 7))
    market.close(db, january)
    means(db, advertiser, "CHARGE")
    assert executed(db, Scripted(), CHARGE_DAY).states == {"SUCCEEDED": 1}
    return rows(db, "select payment_attempt, amount, gateway_id from marketplace.payment_attempt")


def test_what_has_no_route_is_not_expected(db: Connection) -> None:
    banking.account(db)
    banking.sold_on(db, days_ago(2), 1, "CARD")
    assert call_in(db, "bank", "expect") == []


# --- The rules ------------------------------------------------------------------------------------------------------


@pytest.fixture
def card(db: Connection) -> int:
    return route(db, "DAY", "CARD", days_max=5)


def test_one_amount_within_its_days_is_matched(db: Connection, card: int, tmp_path: Path) -> None:
    (item,) = expected(db, card, (DAY, 500))
    (entry,) = booked(db, tmp_path, (later(5), 500, "A"))
    assert match_open(db) == {"AMOUNT": 1}
    assert matched(db) == {entry: {item}}
    assert list(states(db).values()) == ["APPROVED"]
    assert match_open(db) == {}
    assert sound(db)


def test_too_early_and_too_late_is_not_matched(db: Connection, card: int, tmp_path: Path) -> None:
    expected(db, card, (DAY, 500))
    booked(db, tmp_path, (later(-1), 500, "A"), (later(6), 500, "B"))
    assert match_open(db) == {}


@pytest.mark.parametrize(("items", "entries"), [(1, 2), (2, 1), (2, 2)])
def test_what_nobody_can_tell_is_not_matched(
    db: Connection, card: int, tmp_path: Path, items: int, entries: int
) -> None:
    expected(db, card, *[(later(n), 500) for n in range(items)])
    booked(db, tmp_path, *[(later(2), 500, f"R{n}") for n in range(entries)])
    assert match_open(db) == {}
    assert one(db, "select min(candidates) from report.unmatched_deposit") == items
    assert one(db, "select min(candidates) from report.missing_deposit") == entries


def test_a_deposit_of_several_days_is_matched_as_their_sum(db: Connection, card: int, tmp_path: Path) -> None:
    items = expected(db, card, (DAY, 100), (later(1), 230), (later(2), 361))
    (entry,) = booked(db, tmp_path, (later(3), 691, "A"))
    assert match_open(db) == {"RUN": 1}
    assert matched(db) == {entry: set(items)}


def test_a_sum_that_is_also_one_item_is_nobodys(db: Connection, card: int, tmp_path: Path) -> None:
    """A bag of 500 that is missing is not found in the 200 and 300 of two others."""
    expected(db, card, (DAY, 500), (later(1), 200), (later(1), 300))
    booked(db, tmp_path, (later(3), 500, "A"))
    assert match_open(db) == {}


def test_a_payout_net_of_fees_shows_its_fee(db: Connection, tmp_path: Path) -> None:
    of_vipps = route(db, "DAY", "VIPPS", fee_rate=Decimal("0.01"))
    (item,) = expected(db, of_vipps, (DAY, "11450.50"))
    (entry,) = booked(db, tmp_path, (later(1), "11335.99", "A"))  # the fee, 114.505, is rounded half up
    assert match_open(db) == {"NET": 1}
    assert matched(db) == {entry: {item}}
    (fee,) = rows(db, "select kind, amount, is_approved from report.fee")
    assert fee == {"kind": "FEE", "amount": D("-114.51"), "is_approved": True}
    assert sound(db)


def test_a_reference_decides_between_equals(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK")
    items = [expected(db, by_payment, (DAY, 300), reference=f"KID{n}")[0] for n in (1, 2)]
    content = (
        banking.mt940([(later(1), 300, "A"), (later(1), 300, "B")])
        .replace("NONREF//A", "KID2//A")
        .replace("NONREF//B", "KID1//B")
    )
    banking.load(db, tmp_path, content)
    first, second = (row["entry"] for row in rows(db, "select entry from bank.entry order by entry"))
    assert match_open(db) == {"REFERENCE": 2}
    assert matched(db) == {first: {items[1]}, second: {items[0]}}


def test_a_batch_is_matched_when_each_of_its_payments_is(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK")
    kids = {"1234567897": 300, "1234567905": 250, "1234567913": 350}
    items = [expected(db, by_payment, (DAY, amount), reference=kid)[0] for kid, amount in kids.items()]
    banking.load(db, tmp_path, (DATA / "camt053.xml").read_bytes())
    assert match_open(db) == {"KID": 1}
    assert list(matched(db).values()) == [set(items)]


def test_a_batch_with_one_payment_that_differs_is_left_alone(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK")
    kids = {"1234567897": "300.01", "1234567905": "249.99", "1234567913": "350"}  # the sum is the same
    for kid, amount in kids.items():
        expected(db, by_payment, (DAY, amount), reference=kid)
    banking.load(db, tmp_path, (DATA / "camt053.xml").read_bytes())
    assert "REFERENCE" not in match_open(db)


def test_zeros_before_a_kid_do_not_matter_and_the_rule_can_be_switched_off(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK", run_max=1)
    items = [
        expected(db, by_payment, (DAY, amount), reference=kid)[0]
        for kid, amount in {"0001234567897": 300, "1234567905": 250, "01234567913": 350}.items()
    ]
    banking.load(db, tmp_path, (DATA / "camt053.xml").read_bytes())
    run(db, "update bank.match_rule set enabled = rule <> 'KID'")
    assert "KID" not in match_open(db)
    run(db, "update bank.match_rule set enabled = true")
    assert match_open(db) == {"KID": 1}
    assert list(matched(db).values()) == [set(items)]


def test_a_reference_in_the_text_is_suggested(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK", run_max=1)
    _, second = (expected(db, by_payment, (DAY, amount), reference=f"ORDER-{amount}")[0] for amount in (300, 400))
    content = banking.mt940(
        [(later(1), 400, "A"), (later(40), 400, "B")], texts=["thanks", "for ORDER-400, paid by mother"]
    )
    banking.load(db, tmp_path, content)
    known = dict(db.execute("select bank_reference, entry from bank.entry").fetchall())
    run(db, "update bank.match_rule set enabled = rule <> 'AMOUNT'")
    assert match_open(db) == {"TEXT": 1}
    assert matched(db) == {known["B"]: {second}}
    (match,) = states(db)
    assert states(db)[match] == "SUGGESTED"
    assert "ORDER-400" in one(db, "select reason from bank.match")
    undo(db, match)
    assert match_open(db) == {}, "what was taken apart stays apart"


def test_a_text_with_two_references_or_of_another_amount_is_nobodys(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK", run_max=1)
    for amount in (300, 400):
        expected(db, by_payment, (DAY, amount), reference=f"ORDER-{amount}")
    texts = ["ORDER-300 ORDER-400", "ORDER-300", "XORDER-400"]
    banking.load(db, tmp_path, banking.mt940([(later(40), n, str(n)) for n in (300, 301, 400)], texts=texts))
    assert match_open(db) == {}


def test_some_items_that_do_not_follow_each_other_are_suggested(db: Connection, card: int, tmp_path: Path) -> None:
    """A bag that comes later than the others: the sum without it is theirs."""
    amounts = ["1000.10", "2200.20", "4400.30", "8800.40", "17600.50", "35200.60"]
    items = expected(db, card, *((later(day), amount) for day, amount in enumerate(amounts)))
    without = sum(map(Decimal, amounts)) - Decimal("4400.30")
    entries = booked(db, tmp_path, (later(6), without, "A"))
    run(db, "update bank.route set days_max = 9")
    assert match_open(db) == {"SUBSET": 1}
    assert matched(db) == {entries[0]: {*items} - {items[2]}}
    assert list(states(db).values()) == ["SUGGESTED"]
    assert "5 items of CARD, of 6" in one(db, "select reason from bank.match")
    assert sound(db)


def test_a_sum_that_several_items_come_to_is_nobodys(db: Connection, card: int, tmp_path: Path) -> None:
    run(db, "update bank.route set days_max = 9")
    # 100 + 300 = 150 + 250, neither of which follow each other
    expected(db, card, *((later(day), amount) for day, amount in enumerate([100, 150, 300, 1000, 250])))
    booked(db, tmp_path, (later(6), 400, "A"))
    assert match_open(db) == {}


def test_of_more_than_sixteen_items_no_sum_is_tried(db: Connection, card: int, tmp_path: Path) -> None:
    run(db, "update bank.route set days_max = 30, run_max = 2")
    amounts = [Decimal(2) ** n for n in range(17)]
    items = expected(db, card, *((later(day), amount) for day, amount in enumerate(amounts)))
    booked(db, tmp_path, (later(17), 5, "A"))
    assert match_open(db) == {}
    booked(db, tmp_path, (later(18), amounts[16], "B"), number=2)
    assert match_open(db) == {"AMOUNT": 1, "SUBSET": 1}, "then there are sixteen"
    assert {items[0], items[2]} in matched(db).values()


def test_an_item_that_comes_in_two_deposits_is_suggested(db: Connection, card: int, tmp_path: Path) -> None:
    item, _ = expected(db, card, (DAY, "5000.50"), (DAY, "700"))
    first, second, _ = booked(
        db, tmp_path, (later(1), "3000.25", "A"), (later(2), "2000.25", "B"), (later(2), "99", "C")
    )
    assert match_open(db) == {"SPLIT": 1}
    assert matched(db) == {first: {item}, second: {item}}
    (match,) = states(db)
    call_in(db, "bank", "approve_match", match=match)
    (row,) = rows(db, "select received_amount, open_amount, state from report.bank_item where expected = %s", item)
    assert row == {"received_amount": D("5000.50"), "open_amount": 0, "state": "MATCHED"}
    assert sound(db)


def test_an_item_that_two_pairs_of_deposits_come_to_is_nobodys(db: Connection, card: int, tmp_path: Path) -> None:
    expected(db, card, (DAY, 500))
    booked(db, tmp_path, *((later(1), amount, str(amount)) for amount in (100, 400, 200, 300)))
    assert match_open(db) == {}


@given(
    st.lists(st.integers(-500, 500), max_size=8),
    st.integers(0, 2),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_few_sums_are_those_of_a_few_and_of_all_but_a_few(db: Connection, amounts: list[int], left_out: int) -> None:
    places = range(1, len(amounts) + 1)
    few = {c for size in range(1, 5) for c in combinations(places, size)}
    most = {
        tuple(n for n in places if n not in gone)
        for size in range(left_out + 1)
        if len(amounts) > 4 + size
        for gone in combinations(places, size)
    }
    found = rows(db, "select places, amount from bank.few_sums(%s::numeric[], %s)", amounts, left_out)
    assert sorted((tuple(row["places"]), row["amount"]) for row in found) == sorted(
        (c, Decimal(sum(amounts[n - 1] for n in c))) for c in few | most
    )


def test_a_reference_that_two_deposits_name_is_nobodys(db: Connection, tmp_path: Path) -> None:
    by_payment = route(db, "PAYMENT", "BANK")
    expected(db, by_payment, (DAY, 300), reference="KID1")
    content = banking.mt940([(later(1), 300, "A"), (later(1), 300, "B")]).replace("NONREF", "KID1")
    banking.load(db, tmp_path, content)
    assert match_open(db) == {}, "paid twice: a person decides"


def test_an_ore_too_little_is_suggested_and_a_person_says_why(db: Connection, tmp_path: Path) -> None:
    tolerant = route(db, "DAY", "CARD", tolerance=Decimal("0.05"))
    expected(db, tolerant, (DAY, 500))
    booked(db, tmp_path, (later(1), "499.99", "A"))
    assert match_open(db) == {"TOLERANCE": 1}
    (match,) = states(db)
    assert states(db)[match] == "SUGGESTED"
    assert [row["state"] for row in rows(db, "select state from report.bank_item")] == ["SUGGESTED"]
    with expect("22023"):
        call_in(db, "bank", "approve_match", match=match)
    call_in(db, "bank", "approve_match", match=match, reason="the acquirer rounds")
    assert states(db)[match] == "APPROVED"
    with expect("23B85"):
        call_in(db, "bank", "approve_match", match=match, reason="again")
    assert sound(db)


def test_a_rule_that_is_switched_off_finds_nothing(db: Connection, card: int, tmp_path: Path) -> None:
    expected(db, card, (DAY, 500))
    booked(db, tmp_path, (later(1), 500, "A"))
    run(db, "update bank.match_rule set enabled = false where rule = 'AMOUNT'")
    assert match_open(db) == {}
    run(db, "update bank.match_rule set enabled = true, is_automatic = false where rule = 'AMOUNT'")
    assert match_open(db) == {"AMOUNT": 1}
    assert list(states(db).values()) == ["SUGGESTED"]


# --- Reports --------------------------------------------------------------------------------------------------------


def test_goods_and_money_are_told_by_day_project_and_method(db: Connection, tmp_path: Path) -> None:
    """Two projects in each day's cards; two days in one deposit net of a fee that nobody divides evenly; vouchers."""
    of_cards = route(db, "DAY", "CARD", fee_rate=Decimal("0.0133"))
    route(db, "DAY", "CASH")
    events = [make_event(db, prices=(price,)) for price in (170, 333)]
    first, second = days_ago(3), days_ago(2)
    for day, event, count in ((first, 0, 1), (first, 1, 2), (second, 0, 3), (second, 1, 1), (second, 1, 1)):
        banking.sold_on(db, day, count, "CARD", events[event])
    banking.sold_on(db, second, 2, "CASH", events[1])
    call_in(db, "bank", "expect")
    gross, fees = {first: D(836), second: D(1176)}, {first: D("11.12"), second: D("15.64")}
    entry = booked(db, tmp_path, (days_ago(1), sum(gross.values()) - sum(fees.values()) - D("0.01"), "A"))
    items = rows(db, "select expected from bank.expected where route = %s", of_cards)
    make(db, entry, [row["expected"] for row in items], FEE=-sum(fees.values()), ROUNDING=D("-0.01"))

    found = rows(db, "select * from report.bank_reconciliation order by day, payment_method, project")
    projects = [one(db, "select project from billig.event where event = %s", event.event) for event in events]
    assert [(r["day"], r["payment_method"], r["project"], r["goods"], r["amount"]) for r in found] == [
        (first, "CARD", projects[0], 170, 170),
        (first, "CARD", projects[1], 666, 666),
        (second, "CARD", projects[0], 510, 510),
        (second, "CARD", projects[1], 666, 666),
        (second, "CASH", projects[1], 666, 666),
    ]
    for row in found:
        assert row["amount"] == row["received_amount"] + row["fee_amount"] + row["difference_amount"]
    cards = [row for row in found if row["payment_method"] == "CARD"]
    assert sum(row["received_amount"] for row in cards) == one(db, "select sum(amount) from bank.entry")
    assert sum(row["fee_amount"] for row in cards) == sum(fees.values())
    assert sum(row["difference_amount"] for row in cards) == D("0.01")
    for row in cards:
        assert abs(row["fee_amount"] - row["amount"] * sum(fees.values()) / 2012) < D("0.02")
    assert [row["open_amount"] for row in found] == [0, 0, 0, 0, 666]
    assert [row["age"] for row in found] == [0, 0, 0, 0, 2]
    assert consistency(db) == {}


# --- By hand --------------------------------------------------------------------------------------------------------


def test_a_person_matches_many_with_many_and_explains_what_differs(db: Connection, card: int, tmp_path: Path) -> None:
    items = expected(db, card, (DAY, 1000), (DAY, 500))
    entries = booked(db, tmp_path, (later(1), 900, "A"), (later(1), 585, "B"))
    with expect("23B83"):
        make(db, entries, items, FEE=-14)
    assert matched(db) == {}
    make(db, entries, items, FEE=-14, ROUNDING=-1)
    assert matched(db) == {entry: set(items) for entry in entries}
    with expect("23B82"):
        make(db, entries[:1], [], NOT_OURS=900)
    assert sound(db)


def test_money_that_is_not_ours_and_money_that_never_came(db: Connection, card: int, tmp_path: Path) -> None:
    (item,) = expected(db, card, (DAY, 1000))
    (entry,) = booked(db, tmp_path, (later(1), 77, "A"))
    make(db, [entry], [], NOT_OURS=77)
    make(db, [], [item], WRITE_OFF=-1000)
    assert rows(db, "select * from report.unmatched_deposit") == []
    assert rows(db, "select * from report.missing_deposit") == []
    assert {row["kind"]: row["amount"] for row in rows(db, "select kind, amount from report.fee")} == {
        "NOT_OURS": 77,
        "WRITE_OFF": -1000,
    }
    with expect("22023"):
        call_in(db, "bank", "make_match", entries=[], expected=[], reason="x")
    with expect("P0002"):
        make(db, [10**9], [])


def test_what_is_ignored_is_set_aside_whole_and_can_be_taken_back(db: Connection, card: int, tmp_path: Path) -> None:
    (item,) = expected(db, card, (DAY, 500))
    (entry,) = booked(db, tmp_path, (later(1), 77, "A"))
    gift = call_in(db, "bank", "ignore", entry=entry, expected=None, reason="a gift")[0]["ignore"]
    lost = call_in(db, "bank", "ignore", entry=None, expected=item, reason="stolen")[0]["ignore"]
    lines = rows(db, "select match, kind, amount from report.fee order by match")
    assert [tuple(row.values()) for row in lines] == [(gift, "NOT_OURS", 77), (lost, "WRITE_OFF", -500)]
    (row,) = rows(db, "select received_amount, fee_amount, difference_amount, open_amount from report.bank_item")
    assert list(row.values()) == [0, 0, 500, 0]
    undo(db, gift)
    assert [row["entry"] for row in rows(db, "select entry from report.unmatched_deposit")] == [entry]
    for arguments in ({"entry": None, "expected": None}, {"entry": entry, "expected": item}):
        with expect("22023"):
            call_in(db, "bank", "ignore", reason="x", **arguments)
    with expect("22023"):
        call_in(db, "bank", "ignore", entry=entry, expected=None, reason=" ")
    with expect("P0002"):
        call_in(db, "bank", "ignore", entry=entry + 1, expected=None, reason="x")
    with expect("23B82"):
        call_in(db, "bank", "ignore", entry=None, expected=item, reason="x")
    assert sound(db)


def test_what_is_undone_is_open_again_and_its_history_stays(db: Connection, card: int, tmp_path: Path) -> None:
    (item,) = expected(db, card, (DAY, 500))
    (entry,) = booked(db, tmp_path, (later(1), 500, "A"))
    match_open(db)
    (first,) = states(db)
    with expect("22023"):
        call_in(db, "bank", "undo_match", match=first, reason=" ")
    undo(db, first)
    assert matched(db) == {}
    assert match_open(db) == {}, "what a person took apart, no rule puts together"
    with expect("23B85"):
        undo(db, first)
    second = make(db, [entry], [item])
    undo(db, second)
    third = make(db, [entry], [item])
    assert states(db) == {first: "UNDONE", second: "UNDONE", third: "APPROVED"}
    steps = rows(db, "select claim, is_release, taken from bank.match_entry order by claim")
    assert [tuple(row.values()) for row in steps] == [
        (1, False, 500),
        (2, True, 0),
        (3, False, 500),
        (4, True, 0),
        (5, False, 500),
    ]
    assert sound(db)


def test_an_account_in_another_currency_is_not_matched(db: Connection, tmp_path: Path) -> None:
    banking.account(db, currency="EUR")
    banking.load(db, tmp_path, banking.mt940([(DAY, 5, "A")]).replace("NOK", "EUR"))
    with expect("23B83"):
        make(db, [one(db, "select entry from bank.entry")], [], NOT_OURS=5)


# --- Nothing is changed, nothing is matched twice -------------------------------------------------------------------


# Whose words go in time, row by row: test_bank_texts has what of them is never changed.
TEXTS = {"entry", "entry_detail", "statement"}


def test_nothing_of_the_bank_is_changed(db: Connection, card: int, tmp_path: Path) -> None:
    expected(db, card, (DAY, 500))
    booked(db, tmp_path, (later(1), 500, "A"))
    match_open(db)
    tables = [
        row["relname"]
        for row in rows(
            db,
            """
            select relname from pg_class
            where relnamespace = 'bank'::regnamespace and relkind = 'r' and relname <> all (%s)
            """,
            [
                *("account", "route", "match_rule", "file_statement", "file_entry", "file_detail"),
                *("file_payout", "file_payout_line", "file_reference", "file_candidate"),
            ],
        )
    ]
    assert len(tables) == 22
    for table in tables:
        name = sql.Identifier("bank", table)
        column = one(
            db, "select attname from pg_attribute where attrelid = ('bank.' || %s)::regclass and attnum = 1", table
        )
        statements = [sql.SQL("delete from {}").format(name), sql.SQL("truncate {} cascade").format(name)]
        if table not in TEXTS:
            statements.append(
                sql.SQL("update {} set {} = {}").format(name, sql.Identifier(column), sql.Identifier(column))
            )
        for statement in statements:
            with expect("23B84"):
                db.execute(statement)


def test_a_part_cannot_be_added_to_a_match_that_balances(db: Connection, card: int, tmp_path: Path) -> None:
    items = expected(db, card, (DAY, 500), (DAY, 77))
    entries = booked(db, tmp_path, (later(1), 500, "A"), (later(1), 77, "B"))
    match = make(db, entries[:1], items[:1])
    with expect("23B83"):
        run(db, "insert into bank.match_line (match, kind, amount) values (%s, 'FEE', -1)", match)
    with expect("23B83"):
        run(
            db,
            """
            insert into bank.match_expected (expected, claim, match, amount, taken, whole)
            values (%s, 1, %s, 77, 77, 77)
            """,
            items[1],
            match,
        )
    with expect("23B83"):
        run(db, "insert into bank.match (rule, reason) values ('PERSON', 'empty')")


def _race(connect: Connect, entry: int, items: list[int], deed: Callable[[Connection, int, int], object]) -> int:
    """How many of the items end up with the one entry, when everybody matches it at once."""
    barrier = threading.Barrier(len(items))
    refusals: list[str | None] = []
    connections = [connect() for _ in items]

    def one_of_them(connection: Connection, item: int) -> None:
        barrier.wait()
        try:
            deed(connection, entry, item)
        except psycopg.Error as error:
            refusals.append(error.sqlstate)

    threads = [threading.Thread(target=one_of_them, args=pair) for pair in zip(connections, items, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refusals) <= {"23B82", "23505", "23503"}
    return int(one(connections[0], "select count(*) from bank.entry_claim where entry = %s", entry))


def _by_function(connection: Connection, entry: int, item: int) -> None:
    make(connection, [entry], [item])


def _past_the_function(connection: Connection, entry: int, item: int) -> None:
    """As make_match would without its locks: looks, waits a little, writes."""
    with connection.transaction():
        claim = one(connection, "select 1 + coalesce(max(claim), 0) from bank.match_entry where entry = %s", entry)
        connection.execute("select pg_sleep(0.2)")
        connection.execute(
            """
            with made as (insert into bank.match (rule, reason) values ('PERSON', 'x') returning match),
            item as (
                insert into bank.match_expected (expected, claim, match, amount, taken, whole)
                select %s, 1, match, 500, 500, 500 from made
            )
            insert into bank.match_entry (entry, claim, match, amount, taken, whole)
            select %s, %s, match, 500, 500, 500 from made
            """,
            (item, entry, claim),
        )


@pytest.mark.parametrize("deed", [_by_function, _past_the_function])
def test_many_bookkeepers_at_once_use_a_deposit_once(
    db: Connection, connect: Connect, card: int, tmp_path: Path, deed: Callable[[Connection, int, int], object]
) -> None:
    items = expected(db, card, *[(DAY, 500)] * 6)
    (entry,) = booked(db, tmp_path, (later(1), 500, "A"))
    assert _race(connect, entry, items, deed) == 1
    assert sound(db)


def test_without_the_constraint_the_race_is_lost(db: Connection, connect: Connect, card: int, tmp_path: Path) -> None:
    """The control: what the race tests show is the constraint's doing."""
    items = expected(db, card, *[(DAY, 500)] * 6)
    (entry,) = booked(db, tmp_path, (later(1), 500, "A"))
    run(db, "alter table bank.match_entry drop constraint match_entry_previous_fkey")
    run(db, "alter table bank.match_entry drop constraint match_entry_pkey, drop constraint match_entry_taken_key")
    assert _race(connect, entry, items, _past_the_function) > 1
    assert "bank_match" in consistency(db)


def test_rules_and_a_person_at_once_match_an_entry_once(
    db: Connection, connect: Connect, card: int, tmp_path: Path
) -> None:
    expected(db, card, (DAY, 500))
    (entry,) = booked(db, tmp_path, (later(1), 500, "A"))
    person, rules = connect(), connect()
    with person.transaction():
        make(person, [entry], [], NOT_OURS=500)
        outcome: list[str | None] = []

        def by_rule() -> None:
            try:
                match_open(rules)
                outcome.append("done")
            except psycopg.Error as error:
                outcome.append(error.sqlstate)

        thread = threading.Thread(target=by_rule)
        thread.start()
        while not one(db, "select count(*) from pg_locks where not granted"):
            pass
    thread.join()
    assert outcome == ["done"], "it waited, and saw"
    assert matched(db) == {entry: set()}
    assert match_open(db) == {}


def test_a_bookkeeper_matches_and_nobody_else_reads_what_payers_wrote(db: Connection, connect: Connect) -> None:
    banking.account(db)
    with login_role(db, "bookkeeper") as bookkeeper, login_role(db, "analyst") as analyst:
        works = connect(bookkeeper)
        call_in(works, "bank", "expect")
        assert match_open(works) == {}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            works.execute("insert into bank.match (rule, reason) values ('PERSON', 'x')")
        reads = connect(analyst)
        reads.execute("select * from report.unmatched_deposit")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reads.execute("select * from bank.entry")
        works.close()
        reads.close()


# --- Against a model ------------------------------------------------------------------------------------------------


Fit = tuple[int, frozenset[int]]
"""An entry, and items that it may be."""


def model(
    items: list[tuple[int, int, int]],
    entries: list[tuple[int, int]],
    span: int,
    longest: int,
    done: dict[int, frozenset[int]],
) -> list[Fit]:
    """Which items each entry may be, by trying everything; an item: (day, cash point, amount), an entry: (day, amount).

    A candidate is one item, or up to `longest` that follow each other, of one cash point or of all, of what is left.
    """
    left = set(range(len(items))).difference(*done.values())
    order = sorted(left, key=lambda n: (items[n][0], n))
    lines = [order, *([n for n in order if items[n][1] == place] for place in {item[1] for item in items})]
    runs = {
        frozenset(line[first:last])
        for line in lines
        for first, last in combinations(range(len(line) + 1), 2)
        if last - first <= longest
    }
    runs |= {frozenset({n}) for n in order}
    return [
        (entry, each)
        for entry, (booked_on, amount) in enumerate(entries)
        if entry not in done
        for each in runs
        if sum(items[n][2] for n in each) == amount
        and all(items[n][0] <= booked_on <= items[n][0] + span for n in each)
        and amount != 0
    ]


def alone(found: list[Fit]) -> dict[int, frozenset[int]]:
    """Of what fits, that of which neither the entry nor any item fits anything else."""
    return {
        entry: each
        for entry, each in found
        if sum(other == entry for other, _ in found) == 1
        and all(sum(n in others for _, others in found) == 1 for n in each)
    }


def few(members: set[int], left_out: int) -> set[frozenset[int]]:
    """Up to four of them, and all but a few."""
    return {frozenset(c) for size in range(1, 5) for c in combinations(sorted(members), size)} | {
        frozenset(members - set(gone))
        for size in range(left_out + 1)
        if len(members) > 4 + size
        for gone in combinations(sorted(members), size)
    }


def few_items(
    items: list[tuple[int, int, int]], entries: list[tuple[int, int]], span: int, done: dict[int, frozenset[int]]
) -> dict[int, frozenset[int]]:
    """What rule SUBSET suggests of what is left, as a person with time would find it."""
    left = set(range(len(items))).difference(*done.values())
    fits = model(items, entries, span, 3, done)
    found = [
        (entry, each)
        for entry, (booked_on, amount) in enumerate(entries)
        if entry not in done
        for each in few({n for n in left if items[n][0] <= booked_on <= items[n][0] + span}, 2)
        if sum(items[n][2] for n in each) == amount
    ]
    return {
        entry: each
        for entry, each in alone(found).items()
        if len(each) > 1 and not any(entry == e or each & other for e, other in fits)
    }


ITEMS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 2), st.sampled_from([-2, 1, 2, 3, 5, 7, 11])), max_size=6)
ENTRIES = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([-2, 1, 2, 3, 5, 6, 8, 10, 12, 18])), max_size=5)


@settings(max_examples=16, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS, entries=ENTRIES)
def test_the_rules_match_what_the_model_does(
    shared_db: Connection,
    tmp_path_factory: pytest.TempPathFactory,
    items: list[tuple[int, int, int]],
    entries: list[tuple[int, int]],
) -> None:
    db = shared_db
    with db.transaction(force_rollback=True):
        for place in (1, 2):
            make_cash_point(db, place)
        of_card = route(db, "DAY", "CARD", days_max=3, run_max=3)
        keys = [expected(db, of_card, (later(day), amount), cash_point=place)[0] for day, place, amount in items]
        numbers: list[int] = []
        if entries:
            folder = tmp_path_factory.mktemp("bank")
            banking.load(db, folder, banking.mt940([(later(d), a, f"R{n}") for n, (d, a) in enumerate(entries)]))
            numbers = [row["entry"] for row in rows(db, "select entry from bank.entry order by bank_reference")]
        run(db, "update bank.match_rule set enabled = rule not in ('SUBSET', 'SPLIT')")
        match_open(db)
        done = alone(model(items, entries, 3, 3, {}))
        assert matched(db) == {numbers[entry]: {keys[n] for n in each} for entry, each in done.items()}
        run(db, "update bank.match_rule set enabled = rule <> 'SPLIT'")
        match_open(db)
        done |= alone(model(items, entries, 3, 3, done))  # with those gone, others follow each other
        done |= few_items(items, entries, 3, done)
        assert matched(db) == {numbers[entry]: {keys[n] for n in each} for entry, each in done.items()}
        assert sound(db)


NEAR = st.sampled_from([Decimal(n) for n in ("-2", "-1.96", "1.02", "1.99", "2", "2.04", "2.05", "3")])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    items=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["0", "0.05", "1"]), NEAR), max_size=6),
    entries=st.lists(st.tuples(st.integers(0, 3), NEAR), min_size=1, max_size=6),
)
@example(items=[(0, "1", Decimal(2))] * 2, entries=[(1, Decimal("2.04"))])
@example(items=[(0, "1", Decimal(2))], entries=[(1, Decimal("2.04"))] * 2)
@example(items=[(0, "1", Decimal(2)), (0, "0", Decimal("2.04"))], entries=[(1, Decimal("2.04"))])
def test_what_nearly_fits_is_what_a_look_at_all_pairs_finds(
    shared_db: Connection,
    tmp_path_factory: pytest.TempPathFactory,
    items: list[tuple[int, str, Decimal]],
    entries: list[tuple[int, Decimal]],
) -> None:
    db = shared_db
    with db.transaction(force_rollback=True):
        routes = {
            tolerance: route(db, "DAY", method, days_max=2, run_max=1, tolerance=Decimal(tolerance))
            for tolerance, method in (("0", "BANK"), ("0.05", "CARD"), ("1", "CASH"))
        }
        keys = [expected(db, routes[tolerance], (later(day), amount))[0] for day, tolerance, amount in items]
        banking.load(
            db,
            tmp_path_factory.mktemp("bank"),
            banking.mt940([(later(d), a, f"R{n}") for n, (d, a) in enumerate(entries)]),
        )
        numbers = [row["entry"] for row in rows(db, "select entry from bank.entry order by bank_reference")]
        pairs = [
            (entry, n, booked_amount - amount)
            for entry, (booked_on, booked_amount) in enumerate(entries)
            for n, (day, tolerance, amount) in enumerate(items)
            if day <= booked_on <= day + 2 and abs(booked_amount - amount) <= Decimal(tolerance)
        ]
        exact = {(entry, n) for entry, n, off in pairs if off == 0}
        near = [(entry, n) for entry, n, _ in pairs if items[n][1] != "0"]
        found = {
            (numbers[entry], keys[n], off)
            for entry, n, off in pairs
            if off != 0
            and [e for e, _ in near].count(entry) == 1
            and [x for _, x in near].count(n) == 1
            and not any(entry == e or n == x for e, x in exact)
        }
        told = rows(db, "select entries, expected, difference from bank.tolerance_match")
        assert {(row["entries"][0], row["expected"][0], row["difference"]) for row in told} == found
        assert len(told) == len(found)
