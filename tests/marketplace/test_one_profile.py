"""What the site can tell of one profile: a statement whose parts agree, what is owed, means, confirmations."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connection
from tests.support import four as people
from tests.support import market
from tests.support.domain import expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, Four
from tests.support.market import at, call

four = people.four
ASKED = ("profile_statement", "owed_by", "means_of", "action_of")


@contextmanager
def logged_in(db: Connection, group: str) -> Iterator[tuple[Connection, str]]:
    with login_role(db, group) as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as connection:
        yield connection, name


def parts(four: Four, profile: int, month: date) -> list[tuple[str, str, date, int, Any]]:
    told = call(four.db, "profile_statement", profile=profile, month=month)
    return [(row["what"], row["side"], row["of_month"], row["clicks"], row["amount"]) for row in told]


def test_the_parts_of_a_statement_agree_and_the_late_click_is_named(four: Four) -> None:
    bot, *_ = four.clicks(four.adv, four.pub, 3)
    four.close()
    four.clicks(four.adv, four.pub, 1)  # late: of January, after its close
    four.clicks(four.adv, four.pub, 2, FEBRUARY)
    market.adjust(four.db, bot, "a robot", CHARGED)
    four.close(FEBRUARY)
    assert parts(four, four.adv, JANUARY) == [
        ("CLICKS", "ADVERTISEMENT", JANUARY, 3, 300), ("LATER", "ADVERTISEMENT", FEBRUARY, 1, 100),
    ]  # fmt: skip
    assert parts(four, four.adv, FEBRUARY) == [
        ("CLICKS", "ADVERTISEMENT", FEBRUARY, 2, 200), ("LATE", "ADVERTISEMENT", JANUARY, 1, 100),
        ("TAKEN_BACK", "ADVERTISEMENT", FEBRUARY, -1, -100),
    ]  # fmt: skip
    assert [part[0] for part in parts(four, four.pub, FEBRUARY)] == ["CLICKS", "LATE", "TAKEN_BACK"]
    for profile, side in ((four.adv, "ADVERTISEMENT"), (four.pub, "WEBSITE")):
        for month in (JANUARY, FEBRUARY):
            told = parts(four, profile, month)
            stands = market.transaction(four.db, profile, month)
            assert sum(part[4] for part in told if part[0] != "LATER") == stands["net_amount"]
            (counted,) = call(four.db, "click_counts", profile=profile, side=side, step="month",
                              **{"from": month, "to": market.next_month(month)})  # fmt: skip
            in_month = [part for part in told if part[0] in ("CLICKS", "LATER")]
            assert (sum(part[3] for part in in_month), sum(part[4] for part in in_month)) == (
                counted["clicks"], counted["amount"],
            )  # fmt: skip
    lines = rows(four.db, "select clicks, click_month from report.marketplace_statement_line"
                 " where profile = %s and month = '2026-02-01' order by click_month", four.adv)  # fmt: skip
    assert [(row["clicks"], row["click_month"]) for row in lines] == [(1, JANUARY), (2, FEBRUARY), (-1, None)]


def test_what_is_owed_in_all_is_the_account_and_the_month_that_runs(four: Four) -> None:
    four.clicks(four.adv, four.both, 2)
    four.clicks(four.both, None, 1)
    four.close()
    four.clicks(four.adv, four.both, 1, FEBRUARY)
    market.update(four.db, FEBRUARY, at(2026, 2, 15))
    for profile, closed, running in ((four.adv, 200, 100), (four.both, 0, -110)):
        (owed,) = call(four.db, "owed_by", profile=profile)
        assert (owed["closed_amount"], owed["running_amount"], owed["amount"]) == (closed, running, closed + running)
    assert four.balance(four.adv) == 200, "of both, January is below the minimum and went to February"


def test_a_means_is_known_by_its_last_digits_and_no_gateway_is_told_them(four: Four) -> None:
    card = {"customer": "cus_2", "payment_method": "pm_2", "last_digits": "4242"}
    call(four.db, "set_payment_means", profile=four.adv, kind="CHARGE", gateway="stripe", details=Jsonb(card),
         now=CHARGED)  # fmt: skip
    told = call(four.db, "means_of", profile=four.adv)
    assert [(row["kind"], row["last_digits"], row["ended_at"] is None) for row in told] == [
        ("CHARGE", "4242", True), ("PAYOUT", "7947", True), ("CHARGE", None, False),
    ]  # fmt: skip
    four.clicks(four.adv, None, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    assert "last_digits" not in one(four.db, "select request from marketplace.payment_attempt")
    for details in ({**card, "last_digits": "4242424242424242"}, {"last_digits": "4242"}):
        with expect("22023"), four.db.transaction():
            call(four.db, "set_payment_means", profile=four.adv, kind="CHARGE", gateway="stripe",
                 details=Jsonb(details))  # fmt: skip


def test_what_a_confirmation_needs_is_there_while_it_is_waited_for(four: Four) -> None:
    four.clicks(four.adv, None, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    number = four.attempt("CHARGE", CHARGED, "requires_action", gateway_id="pi_1")
    (told,) = call(four.db, "action_of", profile=four.adv)
    assert (told["amount"], told["gateway_id"], told["client_secret"]) == (100, "pi_1", None)
    kept = {"payment_attempt": number, "client_secret": "pi_1_secret_x", "redirect_url": "https://bank.example/3ds"}
    assert call(four.db, "record_action", **kept)[0]["record_action"]
    (told,) = call(four.db, "action_of", profile=four.adv)
    assert (told["client_secret"], told["redirect_url"]) == ("pi_1_secret_x", "https://bank.example/3ds")
    assert call(four.db, "action_of", profile=four.both) == []
    call(four.db, "record_answer", payment_attempt=number, answer="succeeded", gateway_id="pi_1", amount=10000,
         currency="NOK", now=CHARGED)  # fmt: skip
    assert call(four.db, "action_of", profile=four.adv) == []
    assert one(four.db, "select count(*) from marketplace.payment_action") == 0
    assert not call(four.db, "record_action", **kept)[0]["record_action"], "nobody is waited for"
    with expect("22023"), four.db.transaction():
        call(four.db, "record_action", **{**kept, "redirect_url": "javascript:alert(1)"})


@pytest.mark.parametrize("function", ASKED)
def test_a_call_for_one_profile_shows_no_other_s(four: Four, function: str) -> None:
    month = {"month": JANUARY} if function == "profile_statement" else {}
    with logged_in(four.db, "marketplace_web") as (site, _):
        call(site, function, profile=four.adv, **month)
        with expect("P0002"):
            call(site, function, profile=0, **month)
    with logged_in(four.db, "marketplace_profile") as (own, name):
        run(four.db, "update marketplace.profile set login_role = %s where profile = %s", name, four.adv)
        call(own, function, profile=four.adv, **month)
        with expect("42501"):
            call(own, function, profile=four.both, **month)


def test_the_site_s_operators_see_how_the_jobs_did_and_no_words_of_errors(four: Four) -> None:
    with logged_in(four.db, "marketplace_web") as (site, _):
        told = rows(site, "select * from jobs.recent_runs()")
        assert [(row["job_run"], row["state"]) for row in told] == [(four.job_run, "running")]
        assert "error_message" not in told[0]
        for days in (0, 367):
            with expect("22023"):
                run(site, "select * from jobs.recent_runs(%s)", days)
