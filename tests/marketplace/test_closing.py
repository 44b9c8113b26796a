"""Accounts that are closed, and what is paused: clicks are recorded, and not charged."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.conftest import Connect
from tests.support import four as people
from tests.support import market
from tests.support.domain import expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, PAID, Four
from tests.support.market import at, call

four = people.four
TENTH, TWENTIETH = at(2026, 1, 10), at(2026, 1, 20)


def pause(four: Four, now: datetime, **what: int) -> int:
    return int(call(four.db, "pause_clicks", reason="looked at", now=now, **what)[0]["pause_clicks"])


def close_account(four: Four, owner: int, rest: str, now: datetime = TWENTIETH) -> None:
    call(four.db, "close_account", profile=owner, rest=rest, reason="asked", now=now)


def clicked(four: Four, advertiser: int, publisher: int | None, *days: int) -> None:
    times = [market.day(date(2026, 1, day), 12) for day in days]
    market.clicks(four.db, four.ads[advertiser], four.sites.get(publisher or 0), *times)


def excluded(four: Four) -> dict[int, str]:
    found = rows(
        four.db,
        "select extract(day from click_time)::int as day, excluded_reason from marketplace.ad_click"
        " where excluded_at is not null",
    )
    return {row["day"]: row["excluded_reason"] for row in found}


# --- Paused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["advertisement", "website", "advertiser", "publisher"])
def test_clicks_of_a_pause_are_recorded_and_not_charged(four: Four, what: str) -> None:
    item = {
        "advertisement": {"advertisement": four.ads[four.adv]}, "website": {"website": four.sites[four.pub]},
        "advertiser": {"profile": four.adv}, "publisher": {"profile": four.pub},
    }[what]  # fmt: skip
    market.update(four.db, JANUARY, at(2026, 1, 2))
    number = pause(four, TENTH, **item)
    with expect("23B95"), four.db.transaction():
        pause(four, TENTH, **item)
    clicked(four, four.adv, four.pub, 9, 11, 12)
    market.update(four.db, JANUARY, at(2026, 1, 15))
    call(four.db, "resume_clicks", pause=number, reason="all is well", now=TWENTIETH)
    with expect("P0002"), four.db.transaction():
        call(four.db, "resume_clicks", pause=number, reason="again", now=TWENTIETH)
    clicked(four, four.adv, four.pub, 19, 21)
    four.close()
    assert excluded(four) == dict.fromkeys((11, 12, 19), "paused: looked at"), "one that comes late is of the pause too"
    assert market.amounts(four.db, four.adv, JANUARY) == ("NEW", "200", "0")
    assert market.amounts(four.db, four.pub, JANUARY) == ("NEW", "0", "-140")
    assert market.errors(four.db, JANUARY) == []


def test_what_others_have_is_charged_meanwhile(four: Four) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 2))
    pause(four, TENTH, website=four.sites[four.pub])
    clicked(four, four.adv, four.both, 11)
    clicked(four, four.adv, None, 12)
    four.close()
    assert (excluded(four), market.amounts(four.db, four.adv, JANUARY)) == ({}, ("NEW", "200", "0"))


def test_one_thing_is_paused_for_a_reason(four: Four) -> None:
    told: list[tuple[dict[str, object], str]] = [
        ({"reason": "x"}, "22023"), ({"reason": "", "profile": four.adv}, "22023"),
        ({"reason": "x", "profile": four.adv, "website": 1}, "22023"), ({"reason": "x", "website": 0}, "P0002"),
    ]  # fmt: skip
    for each, state in told:
        with expect(state), four.db.transaction():
            call(four.db, "pause_clicks", **each, now=TENTH)
    number = pause(four, TENTH, profile=four.adv)
    for statement in ("update marketplace.pause set reason = 'y'", "delete from marketplace.pause"):
        with expect("23B62"), four.db.transaction():
            run(four.db, statement)
    assert one(four.db, "select paused_from from marketplace.pause where pause = %s", number) == TENTH


# --- Closed -----------------------------------------------------------------------------------------------------------


def test_who_leaves_is_paid_the_rest_however_little(four: Four) -> None:
    clicked(four, four.adv, four.pub, 5)
    market.update(four.db, JANUARY, at(2026, 1, 15))
    close_account(four, four.pub, "PAY")
    clicked(four, four.adv, four.pub, 25)
    four.close()
    assert excluded(four) == {25: "paused: asked"}
    assert four.status(four.pub) == "NEW", "70 are below the minimum of 100"
    four.moves("CHARGE", CHARGED)
    four.moves("PAYOUT", PAID)
    assert four.balance(four.pub) == 0


def test_what_is_below_the_minimum_is_donated_by_who_says_so(four: Four) -> None:
    clicked(four, four.adv, four.pub, 5)
    clicked(four, four.adv, four.both, 5, 6)
    for each in (four.pub, four.both):
        close_account(four, each, "DONATE")
    four.close()
    assert (four.status(four.pub), four.balance(four.pub)) == ("EXECUTED", 0)
    assert four.account(four.pub) == [("MONTH", -70, -70), ("DONATED", 70, 0)]
    assert (four.status(four.both), four.balance(four.both)) == ("NEW", -140), "not below it"
    assert market.errors(four.db, JANUARY) == []


def test_what_rolled_over_is_settled_with_the_last_month(four: Four) -> None:
    clicked(four, four.adv, four.pub, 5)
    four.close()
    assert four.status(four.pub) == "ROLLED_OVER"
    close_account(four, four.pub, "DONATE", at(2026, 2, 10))
    four.close(FEBRUARY)
    assert four.status(four.pub, FEBRUARY) == "EXECUTED"
    assert market.transaction(four.db, four.pub, FEBRUARY)["settled"] == Decimal(-70)


def test_what_who_leaves_owes_is_charged_however_little(four: Four) -> None:
    market.set_minimum(four.db, "150", "100")
    clicked(four, four.adv, None, 5)
    clicked(four, four.both, None, 5)
    close_account(four, four.adv, "DONATE")
    four.close()
    assert (four.status(four.adv), four.status(four.both)) == ("NEW", "ROLLED_OVER")


def test_who_comes_back_has_minimums_and_clicks_again(four: Four) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 2))
    close_account(four, four.pub, "PAY", TENTH)
    with expect("23B95"), four.db.transaction():
        close_account(four, four.pub, "PAY", TENTH)
    call(four.db, "reopen_account", profile=four.pub, reason="is back", now=TWENTIETH)
    with expect("P0002"), four.db.transaction():
        call(four.db, "reopen_account", profile=four.pub, reason="is back", now=TWENTIETH)
    clicked(four, four.adv, four.pub, 11, 25)
    four.close()
    assert (excluded(four), four.status(four.pub)) == ({11: "paused: asked"}, "ROLLED_OVER")
    for statement in (
        "update marketplace.account_closing set rest = 'DONATE'", "delete from marketplace.account_closing",
    ):  # fmt: skip
        with expect("23B62"), four.db.transaction():
            run(four.db, statement)


def test_an_account_is_closed_for_a_reason_and_its_rest_goes_somewhere(four: Four) -> None:
    for rest, reason, owner, state in (
        ("KEEP", "x", four.pub, "22023"), ("PAY", "", four.pub, "22023"), ("PAY", "x", 0, "P0002"),
    ):  # fmt: skip
        with expect(state), four.db.transaction():
            call(four.db, "close_account", profile=owner, rest=rest, reason=reason, now=TENTH)


def test_the_site_pauses_and_closes_and_undoes_its_own(four: Four, connect: Connect) -> None:
    ours = pause(four, TENTH, profile=four.adv)
    close_account(four, four.both, "PAY", TENTH)
    with login_role(four.db, "marketplace_web") as name:
        db = connect(name)
        theirs = int(call(db, "pause_clicks", reason="x", website=four.sites[four.pub], now=TENTH)[0]["pause_clicks"])
        call(db, "resume_clicks", pause=theirs, reason="x", now=TENTH)
        call(db, "close_account", profile=four.pub, rest="PAY", reason="asked", now=TENTH)
        call(db, "reopen_account", profile=four.pub, reason="asked", now=TENTH)
        with expect("42501"), db.transaction():
            call(db, "resume_clicks", pause=ours, reason="x", now=TENTH)
        with expect("42501"), db.transaction():
            call(db, "reopen_account", profile=four.both, reason="x", now=TENTH)
        db.close()
    with login_role(four.db, "bookkeeper") as name:
        db = connect(name)
        call(db, "resume_clicks", pause=ours, reason="x", now=TENTH)
        db.close()
    with login_role(four.db, "scheduler") as name:
        db = connect(name)
        with expect("42501", native=True), db.transaction():
            call(db, "pause_clicks", reason="x", profile=four.adv, now=TENTH)
        db.close()


def test_what_may_be_set_off_yet_is_not_donated(four: Four) -> None:
    """A charge under way when the month is closed, and declined then: the earnings are taken off the debt."""
    clicked(four, four.both, None, 5, 6)
    four.close()
    assert four.prepare("CHARGE", CHARGED) == 1
    number = four.attempt("CHARGE", CHARGED, "processing")
    market.clicks(four.db, four.ads[four.adv], four.sites[four.both], at(2026, 2, 10))
    close_account(four, four.both, "DONATE", at(2026, 2, 20))
    four.close(FEBRUARY)
    assert four.balance(four.both) == 130, "200 are owed, of which 70 are earned"
    no = {"answer": "declined", "decline_code": "lost_card", "now": at(2026, 3, 2)}
    call(four.db, "record_answer", payment_attempt=number, **no)
    four.prepare("CHARGE", at(2026, 3, 3))
    assert four.due(at(2026, 3, 3))[four.both, "CHARGE"] == (130, "DECLINED")
