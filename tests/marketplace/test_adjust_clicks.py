"""Many clicks taken back at once, after their month was closed: all or none, on either side or both, never twice."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import Row, consistency, expect, one, rows
from tests.support.market import adjust, amounts, call, clicks, errors
from tests.support.payments import CHARGE_DAY, JANUARY, Scripted, Town, executed, town

FEBRUARY = date(2026, 2, 1)


@pytest.fixture
def here(db: Connection) -> Town:
    """Two advertisers, whose clicks cost 50, and a publisher, who has 35 of each."""
    return town(db, advertisers=2)


def settled(here: Town, count: int = 4) -> list[Row]:
    """So many clicks of each advertiser, in a month that is closed."""
    noon = market.day(JANUARY, 12)
    made = [
        each for ad in here.ads for each in clicks(here.db, ad, here.site, *(noon + timedelta(n) for n in range(count)))
    ]
    market.close(here.db, JANUARY)
    return made


def take_back(db: Connection, chosen: Sequence[Row], **said: object) -> list[Row]:
    return call(
        db,
        "adjust_clicks",
        profiles=[row["profile"] for row in chosen],
        click_times=[row["click_time"] for row in chosen],
        ad_clicks=[row["ad_click"] for row in chosen],
        **({"reason": "bot net", "now": CHARGE_DAY} | said),
    )


def test_many_are_taken_back_at_once_on_both_sides(here: Town, db: Connection) -> None:
    made = settled(here)
    first, second = take_back(db, made[1:7])
    assert (first["side"], first["clicks"], first["amount"], first["credited"]) == ("ADVERTISEMENT", 6, -300, 0)
    assert (second["side"], second["clicks"], second["amount"], second["credited"]) == ("WEBSITE", 6, 210, 0)
    assert one(db, "select count(*) from marketplace.update_run where kind = 'ADJUST'") == 1
    assert sum(row["amount"] for row in rows(db, "select amount from marketplace.adjustment")) == -90
    assert errors(db, FEBRUARY) == []
    assert errors(db, JANUARY) == []
    assert consistency(db) == {}


def test_it_is_the_same_as_one_by_one(here: Town, db: Connection) -> None:
    made = settled(here)
    take_back(db, made[:4])
    at_once = [amounts(db, each, FEBRUARY) for each in (here.advertisers[0], here.publisher)]
    for click in made[4:]:
        adjust(db, click, now=CHARGE_DAY)
    assert amounts(db, here.advertisers[1], FEBRUARY) == at_once[0]
    doubled = tuple(str(Decimal(each) * 2) for each in at_once[1][1:])
    assert amounts(db, here.publisher, FEBRUARY)[1:] == doubled


def test_one_side_alone_and_then_the_other(here: Town, db: Connection) -> None:
    made = settled(here)[:2]
    (said,) = take_back(db, made, side="ADVERTISEMENT")
    assert (said["side"], said["amount"]) == ("ADVERTISEMENT", -100)
    assert errors(db, FEBRUARY) == [], "one side was asked for"
    with expect("23B65"):
        take_back(db, made)
    with expect("23B65"):
        take_back(db, made[:1], side="ADVERTISEMENT")
    (said,) = take_back(db, made, side="WEBSITE")
    assert (said["side"], said["amount"]) == ("WEBSITE", 70)
    assert errors(db, FEBRUARY) == []
    assert consistency(db) == {}


def test_what_was_credited_already_comes_back_from_the_publisher_alone(here: Town, db: Connection) -> None:
    """The advertiser has had it by another road; the publisher's share comes back all the same."""
    made = settled(here)[:4]
    first, second = take_back(db, made, is_credited=True)
    assert (first["clicks"], first["amount"], first["credited"]) == (4, 0, 200)
    assert (second["clicks"], second["amount"]) == (4, 140)
    assert errors(db, FEBRUARY) == []


def test_what_was_refunded_is_not_credited_again_whatever_the_order_of_the_clicks(here: Town, db: Connection) -> None:
    made = settled(here)
    executed(db, Scripted(), CHARGE_DAY)
    refund = {"transaction": here.charge(), "reason": "a mistake", "amount": Decimal(130), "request_id": "case"}
    call(db, "refund_transaction", **refund, now=CHARGE_DAY)
    first, _ = take_back(db, list(reversed(made[:4])))
    assert (first["amount"], first["credited"]) == (-70, 130), "charged 200, given back 130"
    each = rows(
        db, "select amount, credited from marketplace.adjustment where side = 'ADVERTISEMENT' order by click_time"
    )
    assert [row["amount"] for row in each] == [-50, -20, 0, 0]
    other, _ = take_back(db, made[4:])
    assert (other["amount"], other["credited"]) == (-200, 0), "another's charge is another's"
    assert errors(db, FEBRUARY) == []
    assert consistency(db) == {}


def test_all_or_none(here: Town, db: Connection) -> None:
    made = settled(here)
    late = clicks(db, here.ads[0], here.site, market.day(FEBRUARY, 12))[0]
    own = clicks(db, here.ads[0], None, market.day(JANUARY, 13))[0]
    market.update(db, None, market.day(FEBRUARY, 13))
    for wrong, sqlstate in (
        (made[0] | {"ad_click": 10**9}, "P0002"),
        (made[0] | {"ad_click": None}, "22023"),
        (late, "23B64"),
        (own, "23B64"),
    ):
        with expect(sqlstate):
            take_back(db, [*made, wrong])
    for said in ({"reason": ""}, {"side": "BOTH"}, {"is_credited": None}):
        with expect("22023"):
            take_back(db, made, **said)
    with expect("22023"):
        call(db, "adjust_clicks", profiles=[1], click_times=[], ad_clicks=[1], reason="x", now=CHARGE_DAY)
    assert one(db, "select count(*) from marketplace.adjustment") == 0


def test_a_click_on_a_page_of_our_own_has_one_side(here: Town, db: Connection) -> None:
    made = clicks(db, here.ads[0], None, market.day(JANUARY, 12))
    market.close(db, JANUARY)
    with expect("22023"):
        take_back(db, made, side="WEBSITE")
    (said,) = take_back(db, made)
    assert (said["side"], said["amount"]) == ("ADVERTISEMENT", -50)


def test_named_twice_it_is_taken_back_once_and_none_are_refused(here: Town, db: Connection) -> None:
    made = settled(here)
    first, _ = take_back(db, [made[0], made[0], made[1]])
    assert first["clicks"] == 2
    with expect("22023"):
        take_back(db, [])


def test_however_many_they_are_it_is_one_run_and_one_subtotal_a_transaction(here: Town, db: Connection) -> None:
    """One call a click adds up all that was before: 6,000 took two minutes."""
    made = settled(here, count=28)
    take_back(db, made[:10])
    subtotals = one(db, "select count(*) from marketplace.transaction_subtotal")
    take_back(db, made[10:50])
    assert one(db, "select count(*) from marketplace.transaction_subtotal") - subtotals <= 3
    assert one(db, "select count(*) from marketplace.update_run where kind = 'ADJUST'") == 2


def test_an_adjustment_without_its_subtotal_is_refused_whoever_writes_it(here: Town, db: Connection) -> None:
    """A foreign key in all but name: asked once per statement."""
    made = settled(here)
    take_back(db, made[:1])
    alone = b"""
        insert into marketplace.adjustment (
            side, profile, click_profile, click_time, ad_click, old_transaction, transaction, update_run, amount,
            reason, made_at
        )
        select
            a.side, a.profile, a.click_profile, a.click_time, a.ad_click + 1, a.old_transaction, a.transaction,
            (select max(u.update_run) from marketplace.update_run as u where u.kind <> 'ADJUST'), a.amount, a.reason,
            a.made_at
        from marketplace.adjustment as a
    """
    with expect("23503", native=True), db.transaction():
        db.execute(alone)
    of_nobody = alone.replace(b"a.old_transaction,", b"a.transaction + 1000,").replace(b"where u.kind <> 'ADJUST'", b"")
    with expect("23503"), db.transaction():
        db.execute(of_nobody)
    with db.transaction(force_rollback=True):
        db.execute("alter table marketplace.adjustment disable trigger adjustment_follow")
        assert db.execute(alone).rowcount == 2


def test_no_index_of_months_asks_for_what_corrections_change(db: Connection) -> None:
    """Thousands taken back one by one in a transaction: each would add an entry to every index, and read them all."""
    changed = ("advertisement_amount", "website_amount", "corrected", "offset_in", "offset_amount", "credited")
    query = """
        select i.indexrelid::regclass::text, a.attname
        from pg_index as i
        inner join pg_depend as d
            on d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
            and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid
        inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid
        where i.indrelid = 'marketplace.transaction'::regclass
    """
    asked = {(row["indexrelid"], row["attname"]) for row in rows(db, query)}
    assert ("marketplace.transaction_current_idx", "status") in asked  # conditions are looked at, too
    assert {(index, column) for index, column in asked if column in (*changed, "net_amount", "left_amount")} == set()
