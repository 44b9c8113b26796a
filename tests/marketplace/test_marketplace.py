"""The marketplace month: clicks become one transaction a person a month, settled once, and every øre is traced."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support import cluster, domain
from tests.support.domain import Row, consistency, expect, login_role, one, rows, run
from tests.support.market import (
    adjust,
    advertisement,
    amounts,
    at,
    call,
    clicks,
    close,
    errors,
    exclude,
    lie_in,
    notes,
    partitions,
    profile,
    raw_click,
    set_minimum,
    set_price,
    set_rate,
    transaction,
    update,
    website,
)
from tests.support.payments import means
from tests.support.together import until_blocked, waits_behind

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))
NOON = at(2026, 1, 15, 12)


@dataclass(frozen=True)
class Town:
    """One who advertises, one who has a website, and what they have."""

    db: Connection
    advertiser: int
    publisher: int
    ad: int
    site: int


def town(db: Connection, price: str = "2.50", rate: str = "0.3") -> Town:
    set_minimum(db, "0.01", "0.01")
    set_rate(db, rate)
    partitions(db, JANUARY, 4)
    advertiser, publisher = profile(db), profile(db)
    return Town(db, advertiser, publisher, advertisement(db, advertiser, price), website(db, publisher))


@pytest.fixture
def db(shared_db: Connection) -> Iterator[Connection]:
    """The module's database, in a transaction that is rolled back; all is consistent at its end."""
    with shared_db.transaction(force_rollback=True):
        yield shared_db
        assert consistency(shared_db) == {}


@pytest.fixture
def here(db: Connection) -> Town:
    return town(db)


@contextmanager
def refused(db: Connection, sqlstate: str, *, native: bool = False) -> Iterator[None]:
    with expect(sqlstate, native=native), db.transaction():
        yield


# --- Clicks in ------------------------------------------------------------------------------------------------------


def test_a_click_copies_price_and_commission_as_they_were_at_its_time(here: Town) -> None:
    set_price(here.db, here.ad, "3.333333", at(2026, 1, 10))
    set_rate(here.db, "0.15", date(2026, 1, 20))
    found = clicks(
        here.db, here.ad, here.site, at(2026, 1, 9, 23, 59), at(2026, 1, 10), at(2026, 1, 19, 23, 59), at(2026, 1, 20)
    )
    said = [(str(row["price"]), str(row["commission_rate"]), str(row["publisher_share"])) for row in found]
    assert said == [
        ("2.500000", "0.300000", "1.750000"),
        ("3.333333", "0.300000", "2.333333"),
        ("3.333333", "0.300000", "2.333333"),
        ("3.333333", "0.150000", "2.833333"),
    ]
    assert {(row["profile"], row["publisher"]) for row in found} == {(here.advertiser, here.publisher)}


def test_a_click_on_our_own_page_pays_nobody(here: Town) -> None:
    (click,) = clicks(here.db, here.ad, None, NOON)
    assert (click["publisher"], click["publisher_share"]) == (None, 0)
    update(here.db, JANUARY, NOON + timedelta(hours=1))
    assert amounts(here.db, here.advertiser, JANUARY) == ("CURRENT", "2.5", "0")
    assert one(here.db, "select count(*) from marketplace.transaction") == 1


def test_a_batch_that_names_itself_is_recorded_once(here: Town) -> None:
    for _ in range(2):
        answer = call(
            here.db, "record_clicks", advertisements=[here.ad], websites=[here.site], click_times=[NOON], source="a"
        )
        assert answer == [{"record_clicks": 1}]
    assert one(here.db, "select count(*) from marketplace.ad_click") == 1
    with refused(here.db, "23B13"):
        call(
            here.db,
            "record_clicks",
            advertisements=[here.ad],
            websites=[here.site],
            click_times=[at(2026, 1, 2)],
            source="a",
        )


def test_a_batch_is_recorded_whole_or_not_at_all(here: Town) -> None:
    unpriced = advertisement(here.db, here.advertiser, None)
    for state, ads, sites, times in (
        ("22023", [here.ad], [], [NOON]),
        ("22023", [here.ad, None], None, [NOON, NOON]),
        ("22023", None, None, None),
        ("22023", [here.ad], None, [None]),
        ("P0002", [here.ad, 0], [here.site] * 2, [NOON] * 2),
        ("P0002", [here.ad] * 2, [here.site, 999], [NOON] * 2),
        ("23B67", [here.ad, unpriced], [here.site] * 2, [NOON] * 2),
        ("23B67", [here.ad], [here.site], [at(1999, 12, 31)]),
        ("23B67", [here.ad] * 2, [here.site] * 2, [NOON, at(1999, 12, 31)]),
    ):
        with refused(here.db, state):
            call(here.db, "record_clicks", advertisements=ads, websites=sites, click_times=times)
    with refused(here.db, "22023"):
        run(here.db, "select marketplace.record_clicks(%s, null, array['infinity'::timestamptz])", [here.ad])
    assert one(here.db, "select count(*) from marketplace.ad_click") == 0
    assert call(here.db, "record_clicks", advertisements=[], websites=[]) == [{"record_clicks": 0}]


def test_a_plain_insert_is_filled_by_the_nightly_update(here: Town) -> None:
    set_price(here.db, here.ad, 5, NOON)
    before, after = (
        raw_click(here.db, here.ad, here.site, NOON - timedelta(seconds=1)),
        raw_click(here.db, here.ad, None, NOON),
    )
    assert before["price"] is None
    set_rate(here.db, "0.9", date(2026, 1, 16))
    update(here.db, JANUARY, at(2026, 1, 17))
    found = rows(here.db, "select price, publisher, publisher_share from marketplace.ad_click order by click_time")
    assert found == [
        {"price": Decimal("2.5"), "publisher": here.publisher, "publisher_share": Decimal("1.75")},
        {"price": Decimal(5), "publisher": None, "publisher_share": 0},
    ]
    assert amounts(here.db, here.advertiser, JANUARY) == ("CURRENT", "7.5", "0")
    assert after["price"] is None


def test_a_click_that_cannot_be_priced_stays_unlinked_and_is_seen(here: Town) -> None:
    unpriced = advertisement(here.db, here.advertiser, None)
    raw_click(here.db, unpriced, here.site, NOON)
    raw_click(here.db, here.ad, 999, NOON)
    run(
        here.db,
        "insert into marketplace.ad_click (profile, click_time, advertisement) values (%s, %s, %s)",
        here.publisher,
        NOON,
        here.ad,
    )
    assert update(here.db, JANUARY, at(2026, 1, 31))["new_clicks"] == 0
    assert notes(here.db, JANUARY) == ["UNLINKED", "UNLINKED"]
    assert errors(here.db, JANUARY) == ["STRANGE_ADVERTISEMENT"]
    close(here.db, JANUARY)
    assert errors(here.db, JANUARY) == ["STRANGE_ADVERTISEMENT", "UNLINKED", "UNLINKED"]
    set_price(here.db, unpriced, 1, at(2000, 1, 1))  # then the next update links it, late
    assert update(here.db, FEBRUARY, at(2026, 2, 2))["late_clicks"] == 1


# --- The nightly update ---------------------------------------------------------------------------------------------


@pytest.mark.smoke
@pytest.mark.parametrize("site", [0, -1])
def test_a_click_on_an_impossible_website_stops_nobody_elses(here: Town, site: int) -> None:
    clicks(here.db, here.ad, here.site, NOON)
    raw_click(here.db, here.ad, site, NOON)
    assert update(here.db, JANUARY, at(2026, 1, 16))["new_clicks"] == 1
    assert notes(here.db, JANUARY) == ["UNLINKED"]
    close(here.db, JANUARY)
    assert errors(here.db, JANUARY) == ["UNLINKED"]


def test_one_transaction_a_person_for_both_sides(here: Town) -> None:
    own_ad, own_site = advertisement(here.db, here.publisher, 1), website(here.db, here.advertiser)
    clicks(here.db, here.ad, here.site, NOON, NOON, at(2026, 1, 16))
    clicks(here.db, own_ad, own_site, NOON)
    assert update(here.db, JANUARY, at(2026, 1, 17)) == {
        "month": JANUARY,
        "update_run": one(here.db, "select max(update_run) from marketplace.update_run"),
        "new_clicks": 4,
        "late_clicks": 0,
        "transactions": 2,
    }
    assert amounts(here.db, here.advertiser, JANUARY) == ("CURRENT", "7.5", "-0.7")
    assert amounts(here.db, here.publisher, JANUARY) == ("CURRENT", "1", "-5.25")
    assert transaction(here.db, here.advertiser, JANUARY)["net_amount"] == Decimal("6.8")
    linked = rows(
        here.db,
        "with c as materialized (select * from marketplace.ad_click)"
        " select distinct a.profile = c.profile and w.profile = c.publisher as fits from c"
        " left join marketplace.transaction as a on c.advertisement_charge_transaction = a.transaction"
        " left join marketplace.transaction as w on c.website_payment_transaction = w.transaction",
    )
    assert linked == [{"fits": True}]
    assert errors(here.db, JANUARY) == []


def test_an_update_again_changes_nothing_and_new_clicks_are_added(here: Town) -> None:
    clicks(here.db, here.ad, here.site, NOON)
    update(here.db, None, at(2026, 1, 16))
    again = update(here.db, JANUARY, at(2026, 1, 16))
    assert (again["new_clicks"], again["transactions"]) == (0, 0)
    clicks(here.db, here.ad, here.site, NOON)
    assert update(here.db, JANUARY, at(2026, 1, 17))["new_clicks"] == 1
    assert amounts(here.db, here.advertiser, JANUARY) == ("CURRENT", "5", "0")


def test_what_has_not_happened_yet_is_not_charged(here: Town) -> None:
    clicks(here.db, here.ad, here.site, at(2026, 1, 20), at(2026, 2, 1))
    assert update(here.db, JANUARY, NOON)["new_clicks"] == 0
    assert update(here.db, JANUARY, at(2026, 2, 2))["new_clicks"] == 1


def test_a_profile_on_its_own_site_pays_the_commission(here: Town) -> None:
    clicks(here.db, here.ad, website(here.db, here.advertiser), NOON)
    update(here.db, JANUARY, at(2026, 1, 16))
    assert amounts(here.db, here.advertiser, JANUARY) == ("CURRENT", "2.5", "-1.75")
    close(here.db, JANUARY)
    assert transaction(here.db, here.advertiser, JANUARY)["due_amount"] == Decimal("0.75")


def test_the_first_month_is_the_one_that_the_first_update_names(here: Town) -> None:
    with refused(here.db, "22023"):
        update(here.db, date(2026, 1, 2), NOON)
    update(here.db, JANUARY, NOON)
    with refused(here.db, "23B61"):
        update(here.db, FEBRUARY, at(2026, 2, 1))
    with refused(here.db, "23B60"):
        update(here.db, date(2025, 12, 1), NOON)


def test_the_first_month_has_begun_and_no_exclusion_opens_it(here: Town) -> None:
    # What is opened cannot be undone: the site could have begun the marketplace in the year 2099.
    (click,) = clicks(here.db, here.ad, here.site, NOON)
    with refused(here.db, "23B61"):
        exclude(here.db, [click], now=at(2099, 1, 1))
    with refused(here.db, "23B61"):
        adjust(here.db, click, now=at(2099, 1, 1))
    with refused(here.db, "23B61"):
        update(here.db, FEBRUARY, NOON)
    for month in ("infinity", "-infinity"):
        with refused(here.db, "22023"):
            run(here.db, "select marketplace.update_transactions(%s, %s)", month, NOON)
    assert one(here.db, "select count(*) from marketplace.month") == 0
    assert update(here.db, None, NOON)["month"] == JANUARY


# --- Exclusion, close, roll-over ------------------------------------------------------------------------------------


def test_fraud_is_taken_out_before_close_and_stays_visible(here: Town) -> None:
    first, second, third = clicks(here.db, here.ad, here.site, NOON, NOON, NOON)
    update(here.db, JANUARY, at(2026, 1, 16))
    (fourth,) = clicks(here.db, here.ad, here.site, NOON)
    assert exclude(here.db, [first, fourth], "a robot", at(2026, 1, 17)) == 2
    assert exclude(here.db, [first, first, second], "another robot", at(2026, 1, 17)) == 1
    update(here.db, JANUARY, at(2026, 1, 18))
    assert amounts(here.db, here.advertiser, JANUARY) == ("CURRENT", "2.5", "0")
    assert amounts(here.db, here.publisher, JANUARY) == ("CURRENT", "0", "-1.75")
    said = rows(
        here.db, "select excluded_reason as r from marketplace.ad_click where excluded_at is not null order by ad_click"
    )
    assert [row["r"] for row in said] == ["a robot", "another robot", "a robot"]
    assert notes(here.db, JANUARY) == ["EXCLUDED"]
    for state, chosen, reason in (("22023", [third], ""), ("P0002", [{**third, "ad_click": 0}], "x")):
        with refused(here.db, state):
            exclude(here.db, chosen, reason, at(2026, 1, 18))
    assert exclude(here.db, []) == 0
    close(here.db, JANUARY)
    with refused(here.db, "23B63"):
        exclude(here.db, [third], now=at(2026, 2, 2))
    assert exclude(here.db, [first], now=at(2026, 2, 2)) == 0


def test_a_close_links_the_last_clicks_and_freezes_the_amounts(here: Town) -> None:
    clicks(here.db, here.ad, here.site, NOON)
    update(here.db, JANUARY, NOON + timedelta(hours=1))
    clicks(here.db, here.ad, here.site, at(2026, 1, 31, 23, 59))
    clicks(here.db, here.ad, here.site, at(2026, 2, 1))
    for state, month, now in (
        ("22023", None, at(2026, 2, 1)),
        ("23B61", JANUARY, at(2026, 1, 31, 23, 59)),
        ("23B61", FEBRUARY, at(2026, 3, 1)),
    ):
        with refused(here.db, state):
            call(here.db, "close_month", month=month, now=now)
    assert close(here.db, JANUARY, at(2026, 2, 1)) == {"NEW": 2}
    assert amounts(here.db, here.advertiser, JANUARY) == ("NEW", "5", "0")
    assert amounts(here.db, here.publisher, JANUARY) == ("NEW", "0", "-3.5")
    with refused(here.db, "23B60"):
        close(here.db, JANUARY)
    with refused(here.db, "23B60"):
        update(here.db, JANUARY, at(2026, 2, 2))
    update(here.db, FEBRUARY, at(2026, 2, 2))
    assert amounts(here.db, here.advertiser, JANUARY) == ("NEW", "5", "0")
    assert errors(here.db, JANUARY) == errors(here.db, FEBRUARY) == []


def test_a_late_click_joins_the_open_month_and_is_listed(here: Town) -> None:
    close_empty(here.db)
    clicks(here.db, here.ad, here.site, NOON)
    assert update(here.db, FEBRUARY, at(2026, 2, 3))["late_clicks"] == 1
    assert amounts(here.db, here.advertiser, FEBRUARY) == ("CURRENT", "2.5", "0")
    assert (notes(here.db, JANUARY), notes(here.db, FEBRUARY)) == ([], ["LATE"])
    assert errors(here.db, JANUARY) == errors(here.db, FEBRUARY) == []


def close_empty(db: Connection, month: date = JANUARY) -> None:
    update(db, month, at(month.year, month.month, 1))
    assert close(db, month) == {}


def test_an_empty_month_closes(here: Town) -> None:
    close_empty(here.db)
    close_empty(here.db, FEBRUARY)
    assert rows(here.db, "select month, closed_at is null as is_open from marketplace.month order by month") == [
        {"month": JANUARY, "is_open": False},
        {"month": FEBRUARY, "is_open": False},
        {"month": MARCH, "is_open": True},
    ]


def test_a_transaction_is_cut_off_once_and_the_remainder_carried(db: Connection) -> None:
    here = town(db, "0.333333", "0.1")
    clicks(db, here.ad, here.site, *[NOON] * 5)
    update(db, JANUARY, at(2026, 1, 16))
    close(db, JANUARY)
    paid, earned = transaction(db, here.advertiser, JANUARY), transaction(db, here.publisher, JANUARY)
    assert (paid["due_amount"], paid["carried_out"]) == (Decimal("1.66"), Decimal("0.006665"))
    assert (earned["due_amount"], earned["carried_out"]) == (Decimal("-1.49"), Decimal("-0.009995"))
    assert transaction(db, here.publisher, FEBRUARY)["carried_in"] == Decimal("-0.009995")
    assert transaction(db, here.publisher, FEBRUARY)["rolled_from"] is None
    clicks(db, here.ad, here.site, at(2026, 2, 2))
    close(db, FEBRUARY)
    assert transaction(db, here.publisher, FEBRUARY)["due_amount"] == Decimal("-0.30")  # 0.299999 + 0.009995
    assert errors(db, JANUARY) == errors(db, FEBRUARY) == []


@pytest.mark.smoke
def test_below_the_minimum_a_month_rolls_over_five_times(db: Connection) -> None:
    here = town(db, "2")
    set_minimum(db, 10, 100)
    set_minimum(db, 12, 5, MARCH)
    months = [date(2026, month, 1) for month in range(1, 8)]
    for month in months:
        clicks(db, here.ad, here.site, at(2026, month.month, 3))
        if month == JANUARY:
            update(db, JANUARY, at(2026, 1, 4))
        close(db, month)
    owed = [transaction(db, here.advertiser, month) for month in months]
    assert [(row["status"], row["due_amount"], row["carried_out"]) for row in owed] == [
        ("ROLLED_OVER", 0, 2),
        ("ROLLED_OVER", 0, 4),
        ("ROLLED_OVER", 0, 6),
        ("ROLLED_OVER", 0, 8),
        ("ROLLED_OVER", 0, 10),
        ("NEW", 12, 0),
        ("ROLLED_OVER", 0, 2),
    ]
    assert [row["minimum"] for row in owed[:4]] == [10, 10, 12, 12]
    assert [row["rolled_to"] for row in owed[:5]] == [row["transaction"] for row in owed[1:6]]
    assert [row["rolled_from"] for row in owed[1:6]] == [row["transaction"] for row in owed[:5]]
    earned = [transaction(db, here.publisher, month) for month in months]
    assert [row["due_amount"] for row in earned] == [0, 0, 0, Decimal("-5.60"), 0, 0, 0]
    assert [errors(db, month) for month in months] == [[]] * 7


def test_a_negative_amount_carried_in_is_set_against_what_is_owed(db: Connection) -> None:
    here = town(db, "10")
    set_minimum(db, 1, 100)
    own_ad = advertisement(db, here.publisher, "8.5")
    clicks(db, here.ad, here.site, NOON)  # earns 7
    update(db, JANUARY, at(2026, 1, 16))
    close(db, JANUARY)
    clicks(db, own_ad, None, at(2026, 2, 2))  # costs 8.50
    close(db, FEBRUARY)
    both = transaction(db, here.publisher, FEBRUARY)
    assert (both["carried_in"], both["net_amount"], both["due_amount"]) == (-7, Decimal("8.5"), Decimal("1.5"))
    assert (both["status"], both["minimum"]) == ("NEW", 1)


def test_where_nothing_is_due_nothing_is_to_be_executed(db: Connection) -> None:
    here = town(db, "0")
    clicks(db, here.ad, here.site, NOON)
    update(db, JANUARY, at(2026, 1, 16))
    assert close(db, JANUARY) == {"EXECUTED": 2}
    assert transaction(db, here.advertiser, JANUARY)["executed"] == FEBRUARY
    assert one(db, "select count(*) from marketplace.transaction") == 2
    assert errors(db, JANUARY) == []


# --- Adjustments ----------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_settled_click_is_taken_back_in_the_open_month(here: Town) -> None:
    first, _ = clicks(here.db, here.ad, here.site, NOON, NOON)
    update(here.db, JANUARY, at(2026, 1, 16))
    with refused(here.db, "23B64"):
        adjust(here.db, first)
    close(here.db, JANUARY)
    old = transaction(here.db, here.advertiser, JANUARY), transaction(here.db, here.publisher, JANUARY)
    made = adjust(here.db, first, now=at(2026, 2, 2))
    assert [(row["side"], row["profile"], row["amount"], row["old_transaction"]) for row in made] == [
        ("ADVERTISEMENT", here.advertiser, Decimal("-2.5"), old[0]["transaction"]),
        ("WEBSITE", here.publisher, Decimal("1.75"), old[1]["transaction"]),
    ]
    assert amounts(here.db, here.advertiser, FEBRUARY) == ("CURRENT", "-2.5", "0")
    assert amounts(here.db, here.publisher, FEBRUARY) == ("CURRENT", "0", "1.75")
    now = transaction(here.db, here.advertiser, JANUARY), transaction(here.db, here.publisher, JANUARY)
    # The amounts are what they were; what was never paid, nor paid out, is set off at once.
    assert [(row["due_amount"], row["offset_amount"]) for row in now] == [(5, Decimal("2.5")), (-3.5, Decimal("-1.75"))]
    counted = {"offset_amount", "left_amount", "credited"}
    assert [[v for k, v in row.items() if k not in counted] for row in now] == [
        [v for k, v in row.items() if k not in counted] for row in old
    ]
    with refused(here.db, "23B65"):
        adjust(here.db, first)
    with refused(here.db, "22023"):
        adjust(here.db, first, "")
    with refused(here.db, "P0002"):
        adjust(here.db, {**first, "ad_click": 0})
    clicks(here.db, here.ad, here.site, at(2026, 2, 2), at(2026, 2, 2))
    close(here.db, FEBRUARY)
    assert amounts(here.db, here.advertiser, FEBRUARY) == ("NEW", "2.5", "0")
    assert transaction(here.db, here.advertiser, FEBRUARY)["due_amount"] == 5
    assert errors(here.db, JANUARY) == errors(here.db, FEBRUARY) == []


def test_an_excluded_or_unlinked_click_is_not_adjusted(here: Town) -> None:
    excluded, late = clicks(here.db, here.ad, here.site, NOON, at(2026, 2, 1))
    update(here.db, JANUARY, at(2026, 1, 16))
    exclude(here.db, [excluded], now=at(2026, 1, 17))
    close(here.db, JANUARY)
    for click in (excluded, late):
        with refused(here.db, "23B64"):
            adjust(here.db, click)


# --- Boundaries of time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "month"),
    [
        (datetime(2026, 3, 31, 21, 59, 59, 999999, UTC), date(2026, 3, 1)),  # summer time: midnight is 22:00 UTC
        (datetime(2026, 3, 31, 22, 0, tzinfo=UTC), date(2026, 4, 1)),
        (datetime(2026, 10, 31, 22, 59, 59, 999999, UTC), date(2026, 10, 1)),  # winter time: 23:00 UTC
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2028, 2, 29, 22, 59, 59, tzinfo=UTC), date(2028, 2, 1)),  # a leap day
        (datetime(2028, 2, 29, 23, 0, tzinfo=UTC), date(2028, 3, 1)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati"])
def test_months_begin_at_local_midnight_whatever_the_session_says(
    db: Connection, time: datetime, month: date, zone: str
) -> None:
    here = town(db)
    run(db, "select set_config('timezone', %s, true)", zone)
    partitions(db, date(month.year, month.month, 1), 1)
    assert one(db, "select marketplace.month_of(%s)", time) == month
    clicks(db, here.ad, here.site, time)
    assert lie_in(db) == [f"ad_click_{month:%Y_%m}"]
    assert update(db, month, time + timedelta(seconds=1))["new_clicks"] == 1
    assert transaction(db, here.advertiser, month)["advertisement_amount"] == Decimal("2.5")


@pytest.mark.smoke
def test_the_repeated_hour_is_two_hours(here: Town) -> None:
    partitions(here.db, date(2026, 10, 1), 1)
    times = (at(2026, 10, 25, 2, 30), at(2026, 10, 25, 2, 30, fold=1), at(2026, 10, 25, 2, 45, fold=1))
    clicks(here.db, here.ad, here.site, *times)
    hours = call(here.db, "click_series", profile=here.advertiser, side="ADVERTISEMENT", step="hour",
                 **{"from": date(2026, 10, 25), "to": date(2026, 10, 26)})  # fmt: skip
    assert len(hours) == 25
    assert [row["clicks"] for row in hours[:5]] == [0, 0, 1, 2, 0]
    days = call(here.db, "click_series", profile=here.advertiser, side="ADVERTISEMENT",
                **{"from": date(2026, 10, 24), "to": date(2026, 10, 27)})  # fmt: skip
    assert [row["clicks"] for row in days] == [0, 3, 0]
    partitions(here.db, MARCH, 1)
    short = call(here.db, "click_series", profile=here.advertiser, side="ADVERTISEMENT", step="hour",
                 **{"from": date(2026, 3, 29), "to": date(2026, 3, 30)})  # fmt: skip
    assert len(short) == 23


# --- What profiles are shown ----------------------------------------------------------------------------------------


def test_series_have_their_gaps_filled(here: Town) -> None:
    other = advertisement(here.db, here.advertiser, 1)
    clicks(here.db, here.ad, here.site, at(2026, 1, 5), at(2026, 1, 5, 23), at(2026, 1, 7), at(2026, 1, 12))
    (robot,) = clicks(here.db, other, here.site, at(2026, 1, 6))
    update(here.db, JANUARY, at(2026, 1, 7))
    exclude(here.db, [robot], now=at(2026, 1, 7))

    def series(owner: int, side: str, since: date, until: date, step: str) -> list[tuple[int, int, str]]:
        return [
            (row["item"], row["clicks"], f"{row['amount']:f}")
            for row in call(
                here.db, "click_series", profile=owner, side=side, step=step, **{"from": since, "to": until}
            )
        ]

    by_day = series(here.advertiser, "ADVERTISEMENT", date(2026, 1, 5), date(2026, 1, 8), "day")
    assert by_day == [
        *((here.ad, n, amount) for n, amount in ((2, "5.000000"), (0, "0"), (1, "2.500000"))),
        *((other, 0, "0") for _ in range(3)),
    ]
    weeks = series(here.publisher, "WEBSITE", date(2026, 1, 5), date(2026, 1, 19), "week")
    assert weeks == [(here.site, 3, "-5.250000"), (here.site, 1, "-1.750000")]
    months = series(here.publisher, "WEBSITE", date(2025, 12, 15), date(2026, 3, 1), "month")
    assert [n for _, n, _ in months] == [0, 4, 0]
    assert series(here.publisher, "ADVERTISEMENT", JANUARY, FEBRUARY, "day") == []
    for side, step in (("BOTH", "day"), ("WEBSITE", "minute")):
        with refused(here.db, "22023"):
            series(here.publisher, side, JANUARY, FEBRUARY, step)
    with refused(here.db, "22023"):
        series(here.publisher, "WEBSITE", FEBRUARY, JANUARY, "day")
    with refused(here.db, "P0002"):
        series(0, "WEBSITE", JANUARY, FEBRUARY, "day")


def test_top_lists(here: Town) -> None:
    second = advertisement(here.db, here.advertiser, 1)
    third = advertisement(here.db, here.advertiser, 1)
    clicks(here.db, second, here.site, NOON, NOON)
    clicks(here.db, here.ad, here.site, NOON, at(2026, 2, 1))
    period = {"from": JANUARY, "to": FEBRUARY}
    top = call(here.db, "top_items", profile=here.advertiser, side="ADVERTISEMENT", **period)
    assert [(row["place"], row["item"], row["clicks"], row["amount"]) for row in top] == [
        (1, second, 2, 2),
        (2, here.ad, 1, Decimal("2.5")),
        (3, third, 0, 0),
    ]
    assert len(call(here.db, "top_items", profile=here.advertiser, side="ADVERTISEMENT", limit=1, **period)) == 1
    sites = call(here.db, "top_items", profile=here.publisher, side="WEBSITE", **period)
    assert [(row["item"], row["clicks"], row["amount"]) for row in sites] == [(here.site, 3, Decimal("-3.15"))]


def test_totals_and_past_transactions_and_why_nothing_was_paid(db: Connection) -> None:
    here = town(db)
    set_minimum(db, 2, 2)
    nobody = profile(db)
    clicks(db, here.ad, here.site, NOON)
    assert call(db, "current_totals", profile=here.advertiser) == []
    update(db, JANUARY, NOON + timedelta(hours=1))
    (total,) = call(db, "current_totals", profile=here.publisher)
    assert (total["month"], total["advertisement_amount"], total["website_amount"]) == (JANUARY, 0, Decimal("-1.75"))
    assert call(db, "current_totals", profile=nobody)[0]["net_amount"] == 0
    close(db, JANUARY)

    def why(owner: int) -> list[tuple[str, str]]:
        return [(row["reason"], f"{row['amount'].normalize():f}") for row in call(db, "why_not_paid", profile=owner)]

    means(db, here.advertiser, "CHARGE")
    means(db, here.publisher, "PAYOUT")
    assert why(here.advertiser) == [("WAITS_TO_BE_CHARGED", "2.5")]
    assert why(here.publisher) == [("RUNNING", "-1.75"), ("BELOW_MINIMUM", "-1.75")]
    clicks(db, here.ad, here.site, at(2026, 2, 2))
    close(db, FEBRUARY)
    assert why(here.publisher)[0] == ("WAITS_FOR_CHARGES", "-3.5")
    run(db, "update marketplace.transaction set status = 'FAILED' where status = 'NEW' and month = %s", FEBRUARY)
    assert why(here.publisher)[0] == ("WAITS_FOR_CHARGES", "-3.5"), "nothing was tried yet, so the next run does"
    past = call(db, "past_transactions", profile=here.publisher)
    assert [(row["month"], row["status"]) for row in past] == [(FEBRUARY, "FAILED"), (JANUARY, "ROLLED_OVER")]


# --- What the tables themselves refuse ------------------------------------------------------------------------------


def test_a_transaction_that_has_left_current_never_changes(here: Town) -> None:
    clicks(here.db, here.ad, here.site, NOON)
    update(here.db, JANUARY, at(2026, 1, 16))
    close(here.db, JANUARY)
    paid, earned = transaction(here.db, here.advertiser, JANUARY), transaction(here.db, here.publisher, JANUARY)
    for change in (
        "advertisement_amount = 0", "website_amount = -1", "due_amount = 1", "carried_out = 1", "carried_in = 1",
        "minimum = 0", "month = '2026-02-01'", "profile = 1", "kind = 'REFUND'", "closed_at = now()", "rolled_to = 1",
    ):  # fmt: skip
        with refused(here.db, "23B62"):
            here.db.execute(
                f"update marketplace.transaction set {change} where transaction = {paid['transaction']}".encode()
            )
    for before, after, state in (
        ("NEW", "CURRENT", "23B66"), ("NEW", "ROLLED_OVER", "23B66"), ("NEW", "FAILED", None), ("FAILED", "NEW", None),
        ("NEW", "EXECUTED", "23B77"),
    ):  # fmt: skip
        assert transaction(here.db, here.publisher, JANUARY)["status"] == before
        query = "update marketplace.transaction set status = %s, executed = %s where transaction = %s"
        values = (after, FEBRUARY if after == "EXECUTED" else None, earned["transaction"])
        if state is None:
            run(here.db, query, *values)
        else:
            with refused(here.db, state):
                run(here.db, query, *values)
    for statement in (
        "delete from marketplace.transaction",
        "truncate marketplace.transaction cascade",
        "delete from marketplace.transaction_subtotal",
        "update marketplace.transaction_subtotal set website_amount = 0",
        "update marketplace.month set closed_at = null, closed_by = null where month = '2026-01-01'",
        "delete from marketplace.month",
        "delete from marketplace.update_run",
        "delete from marketplace.late_click",
        "delete from marketplace.adjustment",
    ):
        with refused(here.db, "23B62"):
            here.db.execute(statement)
    with refused(here.db, "23505", native=True):
        run(here.db, "insert into marketplace.transaction (month, profile, created_at)"
            " select %s, %s, now() from generate_series(1, 2)", FEBRUARY, here.advertiser)  # fmt: skip
    for month, status in ((JANUARY, "CURRENT"), (FEBRUARY, "NEW")):
        with refused(here.db, "23B66"):
            run(here.db, "insert into marketplace.transaction (month, profile, status, created_at)"
                " values (%s, %s, %s, now())", month, profile(here.db), status)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "publisher_share = publisher_share + 0.000001",
        "price = -1, publisher_share = null",
        "website_payment_transaction = null",
        "advertisement_charge_transaction = null",
        "excluded_at = now(), excluded_by = 'x', excluded_reason = 'x'",
        "publisher = null",
    ],
)
def test_a_click_that_does_not_add_up_cannot_stand(here: Town, change: str) -> None:
    clicks(here.db, here.ad, here.site, NOON)
    update(here.db, JANUARY, at(2026, 1, 16))
    with refused(here.db, "23514", native=True):
        here.db.execute(f"update marketplace.ad_click set {change}".encode())


# --- Partitions -----------------------------------------------------------------------------------------------------


def test_clicks_of_months_without_a_partition_wait_in_the_default_one(shared_db: Connection) -> None:
    db = shared_db
    with db.transaction(force_rollback=True):
        here = town(db)
        clicks(db, here.ad, here.site, at(2001, 5, 5), at(2001, 6, 1))
        found = rows(db, "select * from consistency.marketplace_partition order by month")
        assert [(row["month"], row["clicks"]) for row in found] == [(date(2001, 5, 1), 1), (date(2001, 6, 1), 1)]
        partitions(db, date(2001, 5, 17), 2)
        assert consistency(db) == {}
        assert one(db, "select count(*) from only marketplace.ad_click_2001_05") == 1
        update(db, date(2001, 6, 1), at(2001, 6, 2))
        assert call(db, "ensure_partitions", **{"from": date(2001, 5, 1), "months": 3}) == [{"ensure_partitions": 1}]
        for months in (0, 121, None):
            with refused(db, "22023"):
                call(db, "ensure_partitions", months=months)


def test_a_missing_partition_of_these_days_is_made_on_demand(here: Town) -> None:
    run(here.db, "select marketplace.record_clicks(%s)", [here.ad])
    assert lie_in(here.db) == [one(here.db, "select marketplace.partition_name(marketplace.month_of(now()))")]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Dublin"])
def test_a_partition_begins_with_its_month_whatever_the_caller_speaks(here: Town, zone: str) -> None:
    # Before PostgreSQL 18, CST written by a session in Shanghai was read as that of Chicago, and IST as that of Israel.
    run(here.db, "select set_config('timezone', %s, true), set_config('datestyle', 'SQL, DMY', true)", zone)
    partitions(here.db, date(2026, 9, 1), 3)
    run(here.db, "select set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true)")
    bound = one(
        here.db,
        "select pg_get_expr(relpartbound, oid) from pg_class where oid = 'marketplace.ad_click_2026_10'::regclass",
    )
    assert bound == "FOR VALUES FROM ('2026-09-30 22:00:00+00') TO ('2026-10-31 23:00:00+00')"


def test_a_partition_has_what_the_table_has(here: Town) -> None:
    query = """
        select (select count(*) from pg_constraint where conrelid = c.oid and contype = 'c') as checks,
            (select count(*) from pg_index where indrelid = c.oid) as indexes,
            has_any_column_privilege('marketplace_profile', c.oid, 'select') as is_open,
            (select count(*) from pg_trigger where tgrelid = c.oid and tgname !~ '^truncate_trigger') as triggers
        from pg_class as c
        where c.relname in ('ad_click', 'ad_click_default', 'ad_click_2026_01')
    """
    assert rows(here.db, query) == [{"checks": 5, "indexes": 3, "is_open": False, "triggers": 0}] * 3


# --- Verification ---------------------------------------------------------------------------------------------------


@pytest.mark.one_machine("disable trigger all, a superuser's")
@pytest.mark.parametrize(
    ("breaking", "problems"),
    [
        ("update marketplace.transaction set advertisement_amount = 9 where advertisement_amount > 0",
         {"ADVERTISEMENT_AMOUNT", "SUBTOTALS", "DUE_AMOUNT", "ROUNDING"}),
        ("update marketplace.transaction set website_amount = -9 where website_amount < 0",
         {"WEBSITE_AMOUNT", "SUBTOTALS", "DUE_AMOUNT"}),
        ("update marketplace.ad_click set price = 5, publisher_share = trunc(5 * (1 - commission_rate), 6)",
         {"ADVERTISEMENT_AMOUNT", "WEBSITE_AMOUNT"}),
        ("update marketplace.ad_click set advertisement_charge_transaction = null, website_payment_transaction = null",
         {"ADVERTISEMENT_AMOUNT", "WEBSITE_AMOUNT", "ADVERTISEMENT_CLICKS", "WEBSITE_CLICKS"}),
        ("update marketplace.ad_click set advertisement_charge_transaction = website_payment_transaction",
         {"ANOTHERS_TRANSACTION", "ADVERTISEMENT_AMOUNT", "ADVERTISEMENT_CLICKS"}),
        ("update marketplace.ad_click set website_payment_transaction = advertisement_charge_transaction",
         {"ANOTHERS_TRANSACTION", "WEBSITE_AMOUNT", "WEBSITE_CLICKS"}),
        ("update marketplace.ad_click set advertisement_charge_transaction = 999",
         {"NO_TRANSACTION", "ADVERTISEMENT_AMOUNT", "ADVERTISEMENT_CLICKS"}),
        ("delete from marketplace.ad_click",
         {"ADVERTISEMENT_AMOUNT", "WEBSITE_AMOUNT", "ADVERTISEMENT_CLICKS", "WEBSITE_CLICKS"}),
        ("update marketplace.ad_click set advertisement = 999", {"STRANGE_ADVERTISEMENT"}),
        ("update marketplace.ad_click set website = 999", {"STRANGE_WEBSITE"}),
        ("update marketplace.transaction set carried_in = 1 where month = '2026-02-01'", {"CARRY"}),
        ("delete from marketplace.transaction where month = '2026-02-01'", {"CARRY"}),
        ("update marketplace.month set closed_at = null, closed_by = null where month = '2026-01-01'", {"STATUS"}),
        ("update marketplace.transaction set minimum = 100 where status = 'NEW'", {"MINIMUM"}),
        ("update marketplace.transaction set minimum = 0.1 where status = 'ROLLED_OVER'", {"MINIMUM"}),
        ("update marketplace.ad_click set click_time = '2025-12-31', advertisement = advertisement",
         {"ADVERTISEMENT_AMOUNT", "WEBSITE_AMOUNT", "ADVERTISEMENT_CLICKS", "WEBSITE_CLICKS"}),
    ],
)  # fmt: skip
def test_verification_finds_what_is_planted(shared_db: Connection, breaking: str, problems: set[str]) -> None:
    db = shared_db
    with db.transaction(force_rollback=True):
        here = town(db)
        set_minimum(db, "0.01", 2)
        partitions(db, date(2025, 12, 1), 1)
        clicks(db, here.ad, here.site, NOON)
        update(db, JANUARY, at(2026, 1, 16))
        close(db, JANUARY)
        assert errors(db, JANUARY) == []
        for table in ("transaction", "month"):
            db.execute(sql.SQL("alter table marketplace.{} disable trigger all").format(sql.Identifier(table)))
        for constraint in ("due", "rounding"):
            db.execute(f"alter table marketplace.transaction drop constraint transaction_{constraint}_check".encode())
        if "closed_at = null" in breaking:
            db.execute("drop index marketplace.month_open_key")
        assert db.execute(breaking.encode()).rowcount == 1
        assert set(errors(db, JANUARY)) == problems


@pytest.mark.one_machine("disable trigger all, a superuser's")
@pytest.mark.parametrize(
    "breaking",
    [
        "update marketplace.adjustment set ad_click = 0 where side = 'WEBSITE'",
        "update marketplace.adjustment set amount = amount * 2 where side = 'ADVERTISEMENT'",
        "update marketplace.adjustment set old_transaction = transaction where side = 'WEBSITE'",
        "delete from marketplace.adjustment where side = 'WEBSITE'",
    ],
)
def test_verification_finds_an_adjustment_unlike_its_click(shared_db: Connection, breaking: LiteralString) -> None:
    """Though amounts and subtotals were made to agree with it."""
    db = shared_db
    with db.transaction(force_rollback=True):
        here = town(db)
        (click,) = clicks(db, here.ad, here.site, NOON)
        update(db, JANUARY, at(2026, 1, 16))
        close(db, JANUARY)
        adjust(db, click, now=at(2026, 2, 2))
        assert errors(db, FEBRUARY) == []
        for table in ("transaction", "transaction_subtotal", "adjustment"):
            db.execute(sql.SQL("alter table marketplace.{} disable trigger all").format(sql.Identifier(table)))
        assert run(db, breaking) == 1
        db.execute(
            """
            with truth as (
                select
                    t.transaction,
                    coalesce(sum(j.amount) filter (where j.side = 'ADVERTISEMENT'), 0) as a,
                    coalesce(sum(j.amount) filter (where j.side = 'WEBSITE'), 0) as w
                from marketplace.transaction as t
                left join marketplace.adjustment as j on t.transaction = j.transaction
                where t.month = '2026-02-01'
                group by t.transaction
            ),
            subtotal as (
                update marketplace.transaction_subtotal as s set advertisement_amount = x.a, website_amount = x.w
                from truth as x where s.transaction = x.transaction
            )
            update marketplace.transaction as t set advertisement_amount = x.a, website_amount = x.w
            from truth as x where t.transaction = x.transaction
            """
        )
        assert set(errors(db, FEBRUARY)) == {"ADJUSTMENT"}


def test_a_click_that_waits_for_the_next_update_is_no_error(here: Town) -> None:
    update(here.db, JANUARY, at(2026, 1, 16))
    close(here.db, JANUARY)
    clicks(here.db, here.ad, here.site, NOON)
    raw_click(here.db, here.ad, here.site, NOON)  # it has no price yet, and will
    assert (notes(here.db, JANUARY), errors(here.db, JANUARY)) == (["UNLINKED"], [])
    assert update(here.db, FEBRUARY, at(2026, 2, 2))["late_clicks"] == 2
    assert (notes(here.db, JANUARY), errors(here.db, JANUARY)) == ([], [])
    # What is older than the first month would be nobody's, and no update can link it.
    raw_click(here.db, here.ad, 999, at(2025, 7, 1))
    update(here.db, FEBRUARY, at(2026, 2, 3))
    assert (errors(here.db, JANUARY), errors(here.db, FEBRUARY)) == (["UNLINKED"], [])
    run(here.db, "update marketplace.ad_click set click_time = %s where website = 999", NOON)  # no default partition


def test_verification_finds_a_late_click_that_is_not_listed(here: Town) -> None:
    close_empty(here.db)
    (click,) = clicks(here.db, here.ad, here.site, NOON)
    update(here.db, FEBRUARY, at(2026, 2, 2))
    with here.db.transaction(force_rollback=True):
        here.db.execute("alter table marketplace.late_click disable trigger user")
        here.db.execute("delete from marketplace.late_click")
        assert errors(here.db, JANUARY) == ["LATE_NOT_LISTED"] * 2
        assert "ADVERTISEMENT_AMOUNT" in errors(here.db, FEBRUARY)
    with here.db.transaction(force_rollback=True):
        here.db.execute("delete from marketplace.ad_click")
        assert "LATE_IS_GONE" in errors(here.db, FEBRUARY)
    with refused(here.db, "P0002"):
        errors(here.db, date(2020, 1, 1))
    exclude(here.db, [click], now=at(2026, 2, 3))
    assert errors(here.db, JANUARY) == errors(here.db, FEBRUARY) == []


# --- At once, and killed --------------------------------------------------------------------------------------------

UNLOCKED = """
create or replace function marketplace.lock_open_month(p_month date, p_now timestamptz) returns date language sql as
$$ select m.month from marketplace.month as m where m.closed_at is null $$
"""


# The second guard: what a run brought is added to what is there, whoever was there meanwhile.
SET_ANEW = """
create or replace function marketplace.add_up(p_update_run bigint) returns void language sql as $$
    update marketplace.transaction as t
    set advertisement_amount = s.advertisement_amount, website_amount = s.website_amount
    from (
        select
            x.transaction, sum(x.advertisement_amount) as advertisement_amount, sum(x.website_amount) as website_amount
        from marketplace.transaction_subtotal as x
        where x.transaction in (
            select r.transaction from marketplace.transaction_subtotal as r where r.update_run = p_update_run
        )
        group by x.transaction
    ) as s
    where t.transaction = s.transaction
$$
"""


UPDATE = "select marketplace.update_transactions('2026-01-01', '2026-01-20')"


@pytest.mark.parametrize("locked", [True, False])
def test_two_updates_at_once_link_each_click_once(connect: Connect, locked: bool) -> None:
    first, second, watcher = connect(autocommit=False), connect(), connect()
    here = town(watcher)
    update(watcher, JANUARY, at(2026, 1, 2))
    clicks(watcher, here.ad, here.site, *[NOON] * 20)
    if not locked:
        watcher.execute(UNLOCKED)
    first.execute(UPDATE)
    failure = waits_behind(first, second, watcher, UPDATE)
    # Without the lock it is the constraint that keeps the second from charging the same person twice.
    assert (failure and failure.sqlstate) == (None if locked else "23505")
    assert amounts(watcher, here.advertiser, JANUARY) == ("CURRENT", "50", "0")
    assert errors(watcher, JANUARY) == []


NOT_FORGOTTEN = pytest.mark.one_machine("without the lock, await_clicks alone keeps them apart")


@pytest.mark.parametrize("locked", [True, pytest.param(False, marks=NOT_FORGOTTEN)])
def test_an_exclusion_and_an_update_at_once_do_not_forget_each_other(connect: Connect, locked: bool) -> None:
    first, second, watcher = connect(autocommit=False), connect(), connect()
    here = town(watcher)
    (robot,) = clicks(watcher, here.ad, here.site, NOON)
    update(watcher, JANUARY, at(2026, 1, 16))
    clicks(watcher, here.ad, here.site, NOON)
    if not locked:
        watcher.execute(UNLOCKED)
        watcher.execute(SET_ANEW)
    exclude(first, [robot], now=at(2026, 1, 17))
    assert waits_behind(first, second, watcher, UPDATE) is None
    expected = "2.5" if locked else "5"  # the control: without the lock the exclusion is overwritten, and found
    assert amounts(watcher, here.advertiser, JANUARY) == ("CURRENT", expected, "0")
    assert list(consistency(watcher)) == ([] if locked else ["marketplace_total"])


@pytest.mark.parametrize("work", [UPDATE, "select marketplace.close_month('2026-01-01', '2026-02-01')"])
def test_killed_in_the_middle_it_leaves_nothing_half_done(connect: Connect, work: str) -> None:
    holder, worker, watcher = connect(autocommit=False), connect(), connect()
    here = town(watcher)
    clicks(watcher, here.ad, here.site, NOON)
    update(watcher, JANUARY, at(2026, 1, 16))
    clicks(watcher, here.ad, here.site, *[NOON] * 20)
    before = transaction(watcher, here.advertiser, JANUARY)
    holder.execute("select from marketplace.transaction for update")  # so that it stops after linking the clicks
    lost: list[psycopg.Error] = []

    def do() -> None:
        try:
            worker.execute(work.encode())
        except psycopg.OperationalError as error:
            lost.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    until_blocked(watcher, worker, thread)
    run(watcher, "select pg_terminate_backend(%s::int)", worker.info.backend_pid)
    thread.join(20)
    holder.rollback()
    assert lost
    assert transaction(watcher, here.advertiser, JANUARY) == before
    unlinked = "select count(*) from marketplace.ad_click where advertisement_charge_transaction is null"
    assert one(watcher, unlinked) == 20
    watcher.execute(work.encode())
    assert one(watcher, unlinked) == 0
    assert transaction(watcher, here.advertiser, JANUARY)["advertisement_amount"] == Decimal("52.5")
    assert consistency(watcher) == {}


# --- Who may see what -----------------------------------------------------------------------------------------------


@contextmanager
def logged_in(db: Connection, *groups: str) -> Iterator[tuple[Connection, str]]:
    with login_role(db, *groups) as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as connection:
        yield connection, name


@pytest.fixture
def settled(connect: Connect) -> Town:
    """A town with a closed month, an adjustment, and clicks of this month, committed."""
    here = town(connect())
    third = profile(here.db)
    other_ad, other_site = advertisement(here.db, third, 1), website(here.db, third)
    (click,) = clicks(here.db, here.ad, here.site, NOON)
    clicks(here.db, other_ad, other_site, NOON, NOON)
    clicks(here.db, here.ad, other_site, NOON)
    clicks(here.db, other_ad, here.site, NOON)
    update(here.db, JANUARY, at(2026, 1, 16))
    close(here.db, JANUARY)
    clicks(here.db, other_ad, other_site, at(2026, 2, 2))
    update(here.db, FEBRUARY, at(2026, 2, 3))
    adjust(here.db, click, now=at(2026, 2, 3))
    return here


@pytest.mark.smoke
def test_a_profiles_own_role_sees_its_own_and_nothing_of_others(settled: Town) -> None:
    db = settled.db
    with logged_in(db, "marketplace_profile") as (kari, name):
        ours: dict[str, tuple[LiteralString, LiteralString]] = {
            "own_advertisement": ("advertisement", "profile = %s"),
            "own_website": ("website", "profile = %s"),
            "own_statement": ("transaction", "profile = %s"),
            "own_click": ("ad_click", "%s in (profile, publisher)"),
            "own_adjustment": ("adjustment", "profile = %s"),
        }
        for view, (table, _) in ours.items():
            query = sql.SQL("select {} from {}").format(sql.Identifier(table), sql.Identifier("marketplace", view))
            assert rows(kari, query) == [], "without a profile it sees nothing"
        run(db, "update marketplace.profile set login_role = %s where profile = %s", name, settled.advertiser)
        for view, (table, which) in ours.items():
            asked = sql.SQL("select {} from {}")
            wanted = rows(
                db,
                asked.format(sql.Identifier(table), sql.Identifier("marketplace", table)) + sql.SQL(" where " + which),
                settled.advertiser,
            )
            assert wanted or table == "website", table
            found = rows(kari, asked.format(sql.Identifier(table), sql.Identifier("marketplace", view)))
            assert sorted(map(str, found)) == sorted(map(str, wanted)), view
        assert one(kari, "select count(*) from marketplace.own_click") == 2

        run(kari, """
            create function pg_temp.leak(bigint) returns boolean language plpgsql cost 0.0000001 as
            $$ begin raise warning '%', $1; return true; end $$
        """)  # fmt: skip
        seen: list[str] = []
        kari.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
        rows(kari, "select 1 from marketplace.own_statement where pg_temp.leak(profile)")
        assert set(seen) == {str(settled.advertiser)}

        period = {"from": JANUARY, "to": MARCH}
        own = call(kari, "click_series", profile=settled.advertiser, side="ADVERTISEMENT", **period)
        assert sum(row["clicks"] for row in own) == 2
        for function, arguments in (
            ("current_totals", {}), ("past_transactions", {}), ("why_not_paid", {}),
            ("click_series", {"side": "WEBSITE", **period}), ("top_items", {"side": "WEBSITE", **period}),
        ):  # fmt: skip
            assert call(kari, function, profile=settled.advertiser, **arguments) or "side" in arguments
            with expect("42501"):
                call(kari, function, profile=settled.publisher, **arguments)
        for statement in (
            "select * from marketplace.ad_click", "select source from marketplace.ad_click",
            "select transaction from marketplace.transaction", "select profile from marketplace.profile",
            "explain select ad_click from marketplace.ad_click", "select adjustment from marketplace.adjustment",
            "select advertisement from marketplace.advertisement", "select website from marketplace.website",
            "select price from marketplace.advertisement_price",
            "select marketplace.click_counts(null, 'WEBSITE', '2026-01-01', '2026-02-01')",
            "select count(*) from marketplace.ad_click_2026_01", "select count(*) from marketplace.ad_click_default",
            "select login_role from marketplace.profile", "select * from marketplace.transaction_subtotal",
            "select * from marketplace.late_click", "select click_profile from marketplace.adjustment",
            "select * from report.marketplace_transaction", "select * from consistency.marketplace_click",
            "select * from marketplace.advertisement_tariff", "select * from jobs.job_run",
            "update marketplace.transaction set status = 'EXECUTED'", "insert into marketplace.profile default values",
            "insert into marketplace.ad_click (profile, advertisement) values (1, 1)",
            "update marketplace.profile set login_role = null", "select marketplace.update_transactions()",
            "select marketplace.close_month('2026-02-01')", "select marketplace.verify_month('2026-01-01')",
            "select marketplace.record_clicks('{1}')", "select marketplace.adjust_click(1, now(), 1, 'x')",
            "select marketplace.exclude_clicks('{1}', '{now}', '{1}', 'x')", "select marketplace.ensure_partitions()",
            "select jobs.begin_run('marketplace_update')", "set role marketplace_web", "set role pybridge_owner",
            "set session authorization postgres", "alter table marketplace.transaction disable row level security",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                kari.execute(statement.encode())
        kari.execute("set row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            kari.execute("select transaction from marketplace.own_statement")


@pytest.mark.smoke
def test_definer_functions_show_a_profiles_role_no_more_than_its_own(settled: Town) -> None:
    """Row-level security goes by who logged in, and binds the owner: what forgets to ask shows a profile its own.

    What runs a month, or verifies it, would find nothing to do, and says so. No policy hides clicks: see the test
    after this one.
    """
    db = settled.db
    tables = ("transaction", "adjustment", "transaction_subtotal", "late_click", "advertisement", "website")
    db.execute("set role pybridge_owner")
    for table in tables:
        db.execute(
            f"create function marketplace.forgetful_{table}() returns bigint language sql security definer"
            f" as 'select count(*) from marketplace.{table}'".encode()
        )
    db.execute("reset role")
    with logged_in(db, "marketplace_profile") as (kari, name):
        run(db, "update marketplace.profile set login_role = %s where profile = %s", name, settled.advertiser)
        db.execute("grant execute on all functions in schema marketplace to marketplace_profile")
        for table in tables:
            asked = f"select * from marketplace.forgetful_{table}()".encode()
            own = f"select count(*) from marketplace.{table} where profile = {settled.advertiser}".encode()
            wanted = (0,) if table == "late_click" else db.execute(own).fetchone()
            assert kari.execute(asked).fetchone() == wanted, table
            assert table == "late_click" or db.execute(asked).fetchone() != wanted or table == "adjustment", table
        for function, arguments in (
            ("update_transactions", {"month": FEBRUARY, "now": at(2026, 2, 28)}), ("verify_month", {"month": JANUARY}),
        ):  # fmt: skip
            with expect("42501"):
                call(kari, function, **arguments)


# Each name an argument, as marketplace.check_profile asks it; the others ask no clicks of a profile's.
ASKS = ("check_profile", "own_profile", "sees_all", "lock_open_month")


def test_what_reads_clicks_for_a_profile_asks_whose_they_are(shared_db: Connection) -> None:
    """Clicks are distributed one day, and no policy hides any: so each function that a profile may call asks."""
    hides = "select count(*) from pg_policy where polrelid = 'marketplace.ad_click'::regclass and"
    assert one(shared_db, f"{hides} pg_get_expr(polqual, polrelid) <> 'true'") == 0
    binds = "select relforcerowsecurity from pg_class where oid = 'marketplace.ad_click'::regclass"
    assert one(shared_db, binds) is False
    found = rows(
        shared_db,
        """
        select p.proname, pg_get_functiondef(p.oid) as body
        from pg_proc as p
        where
            p.pronamespace = 'marketplace'::regnamespace
            and has_function_privilege('marketplace_profile', p.oid, 'execute')
            and pg_get_functiondef(p.oid) ~ 'marketplace[.]ad_click +(as )?[a-z]'
        """,
    )
    assert {row["proname"] for row in found} == {
        "click_counts", "click_lines", "top_items", "own_click", "profile_statement",
    }  # fmt: skip
    for row in found:
        assert any(f"marketplace.{each}" in row["body"] or f"{each}(" in row["body"] for each in ASKS), row["proname"]


@pytest.mark.smoke
def test_a_profiles_role_counts_nobody_elses_rows_by_any_way_it_has(settled: Town) -> None:
    """What must stay unknown: how many clicks another has. Five ways, and a control that finds it."""
    db = settled.db
    db.execute("analyze marketplace.ad_click")
    with logged_in(db, "marketplace_profile") as (kari, name):
        run(db, "update marketplace.profile set login_role = %s where profile = %s", name, settled.advertiser)
        plan = "explain (analyze, verbose, buffers off, costs off, timing off, summary off) select * from {}"

        def planned(connection: Connection, thing: str) -> str:
            return "\n".join(row[0] for row in connection.execute(plan.format(thing).encode()).fetchall())

        # 1. EXPLAIN counts what a filter takes away: the plans of all that it may read
        views = [
            row["name"]
            for row in rows(
                kari,
                """
                select c.oid::regclass::text as name from pg_class as c
                where c.relnamespace = 'marketplace'::regnamespace and c.relkind in ('r', 'p', 'v')
                    and has_any_column_privilege(c.oid, 'select')
                """,
            )
        ]
        assert "marketplace.own_click" in views
        for view in views:
            told = planned(kari, view)
            assert "Removed by" not in told, view
            for table in ("ad_click", "transaction", "adjustment", "advertisement"):
                assert f"on marketplace.{table}" not in told, view
        if cluster.PORTS:
            db.execute("set citus.explain_all_tasks = on")  # else of one shard, which may have none of the others'
        control = planned(db, f"marketplace.ad_click where profile + 0 = {settled.advertiser}")
        assert "Removed by" in control, "the way would lead there"
        # 2. statistics
        told_by_statistics = "select * from pg_stats where schemaname = 'marketplace' and tablename like 'ad_click%'"
        assert rows(kari, told_by_statistics) == []
        assert cluster.PORTS or rows(db, told_by_statistics) != []  # a coordinator has none: nodes have
        # 3. sequences
        assert one(kari, "select last_value from pg_sequences where sequencename = 'ad_click_ad_click_seq'") is None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            kari.execute("select last_value from marketplace.ad_click_ad_click_seq")
        # 4. errors: of another's, and of nobody's, the same
        refused = []
        for other in (settled.publisher, 987654):
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refusal:
                run(kari, "select * from marketplace.click_counts(%s, 'WEBSITE', '2026-01-01', '2026-02-01')", other)
            refused.append((refusal.value.diag.message_primary, refusal.value.sqlstate))
        assert refused[0] == refused[1]
        # 5. what others ask
        run(db, "select 'nobody else reads this'")
        asked = "select count(*) from pg_stat_activity where query like '%nobody else%' and pid <> pg_backend_pid()"
        assert one(kari, asked) == 0
        # 6. writing: no unique key is there to be hit
        rights = """
            select count(*) from pg_class as c
            where c.relnamespace = 'marketplace'::regnamespace and c.relkind in ('r', 'p', 'v')
                and (has_any_column_privilege(c.oid, 'insert') or has_any_column_privilege(c.oid, 'update'))
        """
        assert one(kari, rights) == 0


@pytest.mark.smoke
def test_the_policies_are_asked_once_a_query(settled: Town) -> None:
    with settled.db.transaction(force_rollback=True):
        settled.db.execute("set local role pybridge_owner")
        plan = "\n".join(
            row[0] for row in settled.db.execute("explain select count(*) from marketplace.transaction").fetchall()
        )
    (asked,) = (line for line in plan.splitlines() if "Filter:" in line)
    assert "InitPlan" in asked or "$" in asked
    assert "pg_has_role" not in asked
    assert "own_profile" not in asked


def test_the_site_sees_all_and_inserts_clicks_but_not_at_its_own_price(settled: Town) -> None:
    with logged_in(settled.db, "marketplace_web") as (web, _):
        owner, other = profile(web), profile(web)
        ad, site = advertisement(web, owner, 2), website(web, other)
        raw_click(web, ad, site, at(2026, 2, 2))
        assert one(web, "select marketplace.record_clicks(%s, %s, %s)", [ad], [site], [at(2026, 2, 3)]) == 1
        update(settled.db, FEBRUARY, at(2026, 2, 4))
        assert call(web, "current_totals", profile=owner)[0]["advertisement_amount"] == 4
        for statement in (
            "insert into marketplace.ad_click (profile, advertisement, price) values (1, 1, 0)",
            "insert into marketplace.profile (profile_name, login_role) values ('x', 'y')",
            "update marketplace.ad_click set price = 0",
            "update marketplace.advertisement_price set price = 0",
            "delete from marketplace.ad_click",
            "update marketplace.transaction set status = 'EXECUTED'",
            "select marketplace.close_month('2026-02-01')",
            "select marketplace.adjust_click(1, now(), 1, 'x')",
            "insert into marketplace.commission_rate values ('2026-01-01', 0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement.encode())


def test_the_site_saves_whole_rows_and_is_refused_by_what_they_say(settled: Town) -> None:
    with logged_in(settled.db, "marketplace_web") as (web, _):
        run(web, "insert into marketplace.profile (profile, profile_name, login_role) values (900, 'Whole', null)")
        ad, site = advertisement(web, 900, 2), website(web, 900)
        run(
            web,
            "update marketplace.profile set profile = 900, profile_name = 'W', login_role = null where profile = 900",
        )
        run(
            web,
            "update marketplace.advertisement set advertisement_name = 'A', profile = 900 where advertisement = %s",
            ad,
        )
        run(web, "update marketplace.website set website_name = 'S', profile = 900 where website = %s", site)
        click = "insert into marketplace.ad_click (profile, click_time, advertisement, website, source) values"
        run(web, click + " (900, %s, %s, %s, null)", at(2026, 2, 2), ad, site)
        for column in (
            *("publisher", "price", "commission_rate", "publisher_share", "advertisement_charge_transaction"),
            *("website_payment_transaction", "excluded_at", "excluded_by", "excluded_reason"),
        ):
            query = sql.SQL(
                "insert into marketplace.ad_click (profile, click_time, advertisement, {}) values (900, %s, %s, {})"
            )
            value = "2026-02-02" if column == "excluded_at" else "0.1" if column == "commission_rate" else "1"
            web.execute(query.format(sql.Identifier(column), sql.NULL), (at(2026, 2, 2), ad))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(query.format(sql.Identifier(column), sql.Literal(value)), (at(2026, 2, 2), ad))
        for statement in (
            "update marketplace.profile set login_role = 'me' where profile = 900",
            "insert into marketplace.profile (profile_name, login_role) values ('x', session_user)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"login|logs in"):
                web.execute(statement.encode())
        for statement in (
            "update marketplace.profile set profile = 901 where profile = 900",
            "update marketplace.advertisement set profile = profile + 1",
            "update marketplace.advertisement set advertisement = advertisement + 1000",
            "update marketplace.website set profile = profile + 1",
            "update marketplace.website set website = website + 1000",
        ):
            with pytest.raises(psycopg.Error) as refused:
                web.execute(statement.encode())
            assert refused.value.sqlstate == "23B20", statement


def test_the_site_states_no_price_or_time_that_is_none(settled: Town) -> None:
    with logged_in(settled.db, "marketplace_web") as (web, _):
        owner = profile(web)
        ad = advertisement(web, owner, 2)
        for value in ("NaN", "-0.000001", "1000000"):
            with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange)):
                run(web, "insert into marketplace.advertisement_price values (%s, %s, %s)", ad, at(2026, 2, 2), value)
        for value in ("infinity", "-infinity"):
            with pytest.raises(psycopg.errors.CheckViolation):
                run(
                    web,
                    "insert into marketplace.ad_click (profile, click_time, advertisement) values (%s, %s, %s)",
                    owner,
                    value,
                    ad,
                )
        raw_click(web, ad, None, at(2026, 2, 2))
        update(settled.db, FEBRUARY, at(2026, 2, 4))
        assert call(web, "current_totals", profile=owner)[0]["advertisement_amount"] == 2


def test_the_scheduler_runs_the_month_and_reads_nothing_else(settled: Town) -> None:
    with logged_in(settled.db, "scheduler") as (scheduler, _):
        update(scheduler, FEBRUARY, at(2026, 2, 27))
        partitions(scheduler, APRIL, 2)
        assert close(scheduler, FEBRUARY)
        assert errors(scheduler, FEBRUARY) == []
        for table in ("ad_click", "transaction", "profile"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                scheduler.execute(f"select * from marketplace.{table}".encode())
    with logged_in(settled.db, "analyst") as (analyst, _):
        assert len(rows(analyst, "select * from report.marketplace_transaction where month = %s", JANUARY)) == 3
    with logged_in(settled.db, "auditor") as (auditor, _):
        assert one(auditor, "select count(*) from marketplace.ad_click") == 6
        assert consistency(auditor) == {}


def test_who_takes_the_rights_of_a_role_sees_what_that_role_sees(settled: Town) -> None:
    # Row-level security that hid the clicks would let a month be closed without them, and found in order.
    db = settled.db
    with logged_in(db) as (scheduler, name):
        for statement in ("alter role {} noinherit", "grant scheduler to {}"):
            domain.role_maker(db)(sql.SQL(statement).format(sql.Identifier(name)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            close(scheduler, FEBRUARY)
        scheduler.execute("set role scheduler")
        assert close(scheduler, FEBRUARY)
        assert errors(scheduler, FEBRUARY) == []
    assert (
        one(db, "select count(*) from marketplace.transaction where month = %s and status = 'CURRENT'", FEBRUARY) == 0
    )


@pytest.mark.parametrize(
    "work",
    [
        "select marketplace.update_transactions('2026-02-01', '2026-02-04')",
        "select marketplace.close_month('2026-02-01', '2026-03-01')",
        "select marketplace.verify_month('2026-02-01')",
    ],
)
def test_who_does_not_see_the_clicks_runs_no_month(settled: Town, work: LiteralString) -> None:
    db = settled.db
    with logged_in(db) as (someone, name):
        db.execute(
            sql.SQL(
                "grant usage on schema marketplace to {0}; grant execute on all functions in schema marketplace to {0}"
            ).format(sql.Identifier(name))
        )
        with expect("42501"):
            someone.execute(work)


# --- Runs of jobs ---------------------------------------------------------------------------------------------------


def job(db: Connection, function: str, /, **arguments: object) -> list[Row]:
    return domain.call_in(db, "jobs", function, **arguments)


def state(db: Connection, number: int) -> tuple[str, int | None, str | None]:
    (row,) = rows(db, "select state, row_count, error_code from report.job_run where job_run = %s", number)
    return row["state"], row["row_count"], row["error_code"]


def test_a_run_is_seen_from_its_beginning_to_its_end(connect: Connect) -> None:
    first, second, db = connect(), connect(), connect()
    (begun,) = job(first, "begin_run", job="marketplace_update", period="2026-01-01")
    number = begun["job_run"]
    assert begun["outcome"] is None
    assert state(db, number) == ("running", None, None)
    (skipped,) = job(second, "begin_run", job="marketplace_update", period="2026-01-01")
    assert skipped["outcome"] == "skipped"
    assert job(second, "begin_run", job="marketplace_update", period="2026-02-01")[0]["outcome"] is None
    with expect("23B69"):
        job(second, "finish_run", job_run=number, outcome="succeeded")
    for outcome, code in (("skipped", None), ("succeeded", "40001"), (None, None)):
        with expect("22023"):
            job(first, "finish_run", job_run=number, outcome=outcome, error_code=code)
    job(first, "finish_run", job_run=number, outcome="partial", row_count=7, error_code="23B67")
    assert state(db, number) == ("partial", 7, "23B67")
    with expect("23B69"):
        job(first, "finish_run", job_run=number, outcome="failed")
    for function, arguments in (("begin_run", {"job": "no"}), ("finish_run", {"job_run": 0, "outcome": "failed"})):
        with expect("P0002"):
            job(first, function, **arguments)
    assert job(second, "begin_run", job="marketplace_update", period="2026-01-01")[0]["outcome"] is None


def test_a_run_whose_session_is_gone_has_crashed(connect: Connect) -> None:
    worker, db = connect(), connect()
    number = job(worker, "begin_run", job="marketplace_update")[0]["job_run"]
    run(db, "select pg_terminate_backend(%s::int, 5000)", worker.info.backend_pid)
    assert state(db, number) == ("crashed", None, None)
    again = job(db, "begin_run", job="marketplace_update")[0]
    assert (again["outcome"], state(db, number)) == (None, ("failed", None, "57P01"))
    assert job(db, "begin_run", job="marketplace_update")[0]["outcome"] is None, "its own, abandoned"
    assert state(db, again["job_run"]) == ("failed", None, "57P01")
    job(db, "finish_run", job_run=again["job_run"] + 1, outcome="succeeded")


def test_a_price_looked_up_by_key_is_the_one_that_the_tariff_has_at_that_time(here: Town) -> None:
    """At each change, just before and just after it, and before there was any."""
    for number in range(7):
        run(
            here.db,
            "insert into marketplace.advertisement_price (advertisement, valid_from, price)"
            " values (%s, timestamptz '2026-01-10' + %s * interval '7 hours', %s)",
            here.ad, number, number,
        )  # fmt: skip
    asked = """
    select a.advertisement, m.moment, k.price as by_key, t.price as by_tariff
    from (
        select distinct p.valid_from + d.away as moment
        from marketplace.advertisement_price as p
        cross join (values (interval '-1 microsecond'), ('0'), ('1 microsecond'), ('-100 years')) as d (away)
    ) as m
    cross join marketplace.advertisement as a
    left join lateral marketplace.price_at(a.advertisement, m.moment) as k on true
    left join marketplace.advertisement_tariff as t
        on a.advertisement = t.advertisement and m.moment >= t.valid_from and m.moment < t.valid_to
    """
    found = rows(here.db, asked)
    assert [row for row in found if row["by_key"] != row["by_tariff"]] == []
    assert {None, 0, 3, 6} <= {row["by_key"] for row in found if row["advertisement"] == here.ad}


def test_staff_are_told_of_clicks_what_profiles_are_told_and_of_all_at_once(settled: Town) -> None:
    period = {"from": JANUARY, "to": APRIL}
    with logged_in(settled.db, "analyst") as (analyst, _):
        for side, owner in (("ADVERTISEMENT", settled.advertiser), ("WEBSITE", settled.publisher)):
            asked = {"side": side, **period}
            series = call(settled.db, "click_series", profile=owner, **asked)
            counted = [row for row in series if row["clicks"]]
            assert 0 < len(counted) < len(series)
            assert call(settled.db, "click_counts", profile=owner, **asked) == counted
            assert call(analyst, "all_click_counts", profile=owner, **asked) == counted
            of_all = call(analyst, "all_click_counts", profile=None, **asked)
            assert {row["item"] for row in of_all} > {row["item"] for row in counted}
            assert [row for row in of_all if row["item"] in {each["item"] for each in series}] == counted
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                call(analyst, "click_counts", profile=owner, **asked)


def test_what_has_no_clicks_has_no_row_so_that_clicks_may_be_asked_for_long(here: Town) -> None:
    clicks(here.db, here.ad, here.site, NOON, at(2026, 2, 7))
    century = {"from": date(2000, 1, 1), "to": date(2100, 1, 1), "step": "month", "side": "ADVERTISEMENT"}
    counted = call(here.db, "click_counts", profile=None, **century)
    assert [row["clicks"] for row in counted] == [1, 1]
    with refused(here.db, "22023"):
        call(here.db, "click_series", profile=here.advertiser, **century)
    with refused(here.db, "22023"):
        call(here.db, "click_counts", profile=None, **{**century, "side": "BOTH"})
