"""When a click may have been, by every door; and prices, which do not begin in the past."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest

from tests.conftest import Connection
from tests.support.clock import unmark
from tests.support.domain import expect, login_role, one, rows, run
from tests.support.market import advertisement, at, call, profile, raw_click, set_price, set_rate

FAR = (at(1990, 1, 1), at(2031, 1, 1), at(2095, 1, 1))


@pytest.fixture
def real(db: Connection) -> Connection:
    """A database that nobody has marked, with a commission rate."""
    unmark(db)
    set_rate(db, "0.1")
    return db


@contextmanager
def the_site(db: Connection) -> Iterator[Connection]:
    with login_role(db, "marketplace_web") as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as web:
        yield web


def moment(db: Connection, ago: str) -> datetime:
    found: datetime = one(db, "select now() - %s::interval", ago)
    return found


def test_the_site_inserts_and_records_clicks_of_the_last_two_years_and_no_others(real: Connection) -> None:
    ad = advertisement(real, profile(real))
    with the_site(real) as web:
        for ago in ("1 second", "729 days", "-23 hours"):
            raw_click(web, ad, None, moment(real, ago))
            assert one(web, "select marketplace.record_clicks(%s, null, %s)", [ad], [moment(real, ago)]) == 1
        for time in (*FAR, moment(real, "733 days"), moment(real, "-25 hours")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                raw_click(web, ad, None, time)
            for times in ([time, moment(real, "1 hour")], [moment(real, "1 hour"), time]):
                with expect("22023"):
                    web.execute("select marketplace.record_clicks(%s, null, %s)", [[ad, ad], times])
    assert one(real, "select count(*) from marketplace.ad_click") == 6


def test_the_window_is_one_row_and_changes_for_every_door_at_once(real: Connection) -> None:
    ad = advertisement(real, profile(real))
    run(real, "update marketplace.click_window set oldest = '10 days', ahead = '0'")
    with the_site(real) as web:
        raw_click(web, ad, None, moment(real, "9 days"))
        for ago in ("11 days", "-1 minute"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                raw_click(web, ad, None, moment(real, ago))
            with expect("22023"):
                web.execute("select marketplace.record_clicks(%s, null, %s)", [[ad], [moment(real, ago)]])
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(real, "insert into marketplace.click_window (oldest, ahead) values ('1 day', '1 day')")
    with pytest.raises(psycopg.errors.CheckViolation):
        run(real, "insert into marketplace.click_window values (false, '1 day', '1 day')")


def test_history_comes_in_by_the_owners_own_insert_into_months_that_are_there(real: Connection) -> None:
    ad = advertisement(real, profile(real))
    call(real, "ensure_partitions", **{"from": at(2004, 5, 1).date()}, months=1)
    raw_click(real, ad, None, at(2004, 5, 5))
    assert rows(real, "select * from consistency.marketplace_partition") == []


def test_a_price_of_the_sites_begins_now_or_later(real: Connection) -> None:
    ad = advertisement(real, profile(real), 5, since=moment(real, "30 days"))
    raw_click(real, ad, None, moment(real, "2 days"))
    with the_site(real) as web:
        for ago in ("3 days", "61 seconds", "10 years"):
            with expect("42501"):
                set_price(web, ad, 1, moment(real, ago))
        set_price(web, ad, 2, moment(real, "5 seconds"))  # by a clock that is a little behind
        begun = one(real, "select max(valid_from) from marketplace.advertisement_price")
        assert begun >= moment(real, "1 minute")
        assert begun > one(real, "select max(click_time) from marketplace.ad_click") + timedelta(days=1)
        set_price(web, ad, 3, moment(real, "-1 day"))
        run(web, "insert into marketplace.advertisement_price (advertisement, price) values (%s, 4)", ad)
    set_price(real, ad, 1, moment(real, "20 days"))  # the owner's to say
    prices = rows(real, "select price::int from marketplace.advertisement_price order by valid_from")
    assert [row["price"] for row in prices] == [5, 1, 2, 4, 3]
