"""A person is erased: the name is nowhere any more, the amounts are, and nothing is erased while money is open."""

from datetime import date

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pybridge.jobs import runner as jobs
from tests.conftest import Connection
from tests.support import four as people
from tests.support import market
from tests.support.clock import unmark
from tests.support.domain import consistency, expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, PAID, Four
from tests.support.market import at, call

four = people.four
NAME, CARD, PAYEE = "Kari Nordmann-Ås", "cus_KariNordmann", "Kari N. Nordmann-Ås"
LATER = at(2026, 3, 20)
TEXTS = """
    select format('%I.%I', n.nspname, c.relname) as relation, format('%I', a.attname) as column
    from pg_class as c
    join pg_namespace as n on c.relnamespace = n.oid
    join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
    join pg_type as t on a.atttypid = t.oid
    left join pg_type as b on t.typbasetype = b.oid
    where c.relkind = 'r' and n.nspname !~ '^pg_|information_schema'
        and coalesce(b.typname, t.typname) in ('text', 'varchar', 'name', 'jsonb', 'json', '_text', 'bytea')
"""


def found(db: Connection, *words: str) -> set[str]:
    """Every column of the database in which one of these words stands, whatever the case."""
    columns = rows(db, TEXTS)
    assert len(columns) > 300
    pattern = "|".join(words)
    return {
        f"{row['relation']}.{row['column']}"
        for row in columns
        if one(db, f"select exists (select from {row['relation']} where {row['column']}::text ~* %s)", pattern)
    }


def erase(four: Four, profile: int) -> dict[str, object]:
    return {row["what"]: row for row in call(four.db, "erase_profile", profile=profile, now=LATER)}


@pytest.fixture
def kari(four: Four) -> int:
    """Advertises and earns; charged after a decline, paid, held once, given 50 kroner: each with her name in it."""
    db, kari = four.db, four.both
    run(db, "update marketplace.profile set profile_name = %s where profile = %s", NAME, kari)
    run(db, "update marketplace.advertisement set advertisement_name = %s where profile = %s", f"By {NAME}", kari)
    run(db, "update marketplace.website set website_name = %s where profile = %s", f"{NAME}.no", kari)
    for kind, gateway, details in (
        ("CHARGE", "stripe", {"customer": CARD, "payment_method": "pm_kari"}),
        ("PAYOUT", "bank", {"name": PAYEE, "iban": "NO9386011117947"}),
    ):
        call(db, "set_payment_means", profile=kari, kind=kind, gateway=gateway, details=Jsonb(details), now=CHARGED)
    four.clicks(kari, four.pub, 3)
    four.clicks(four.adv, kari, 1)
    (bot,) = four.clicks(kari, None, 1)
    market.update(db, JANUARY, at(2026, 1, 15))
    market.exclude(db, [bot], f"{NAME} clicked it herself", at(2026, 1, 20))
    four.close()
    call(db, "pause_clicks", website=four.sites[kari], reason=f"{NAME} asked", now=CHARGED)
    call(db, "hold_payouts", profile=kari, reason=f"{NAME} is asked", now=CHARGED)
    call(db, "release_payouts", profile=kari, reason=f"{NAME} has answered", now=CHARGED)
    four.prepare("CHARGE", CHARGED)
    whose = "select profile from marketplace.payment_attempt where payment_attempt = %s"
    for _ in range(2):
        sent = call(db, "claim_attempts", gateway="stripe", kind="CHARGE", job_run=four.job_run, limit=1, now=CHARGED)
        number = sent[0]["payment_attempt"]
        said = f"the card of {NAME} was declined" if one(db, whose, number) == kari else None
        call(db, "record_answer", payment_attempt=number, answer="declined", now=CHARGED,
             decline_code="insufficient_funds", message=said)  # fmt: skip
    later = at(2026, 2, 6)
    four.prepare("CHARGE", later)
    four.attempt("CHARGE", later)
    four.attempt("CHARGE", later)
    call(db, "give_goodwill", profile=kari, amount=50, reason=f"{NAME} complained", request_id="g", now=PAID)
    four.reserve(1000)
    four.prepare("PAYOUT", PAID)
    for _ in rows(db, "select 1 from marketplace.payment_attempt where kind = 'PAYOUT' and state = 'PREPARED'"):
        four.attempt("PAYOUT", PAID)
    return kari


def test_the_name_is_nowhere_and_the_amounts_are_as_they_were(four: Four, kari: int) -> None:
    before = four.account(kari), market.amounts(four.db, kari, JANUARY)
    planted = found(four.db, NAME, CARD, PAYEE)
    assert {f"marketplace.{each}" for each in (
        "profile.profile_name", "advertisement.advertisement_name", "website.website_name", "payment_means.details",
        "payment_attempt.request", "payment_attempt.message", "payment_attempt_event.note", "payout_hold.reason",
        "payout_hold.release_reason", "transaction.reason",
    )} <= planted, planted  # fmt: skip
    call(four.db, "close_account", profile=kari, rest="PAY", reason=f"{NAME} asked for it", now=LATER)
    four.close(FEBRUARY)
    told = erase(four, kari)
    assert told["profile"]["kept_until"] == date(2031, 12, 31)  # type: ignore[index]
    assert found(four.db, NAME, CARD, PAYEE, "pm_kari") == {"marketplace.kept_name.party_name"}, (
        "what documents have to say"
    )
    assert (four.account(kari), market.amounts(four.db, kari, JANUARY)) == before
    assert erase(four, kari)["profile"]["erased_rows"] == 0, "once"  # type: ignore[index]
    assert jobs.run(four.db, "kept_names", now=at(2031, 12, 31, 12)).row_count == 0
    assert jobs.run(four.db, "kept_names", now=at(2032, 1, 1, 12)).row_count == 1
    assert found(four.db, NAME, CARD, PAYEE) == set()
    assert consistency(four.db) == {}
    assert market.errors(four.db, JANUARY) == []


def test_who_has_money_open_is_not_erased_and_the_hint_says_what_ends_it(four: Four) -> None:
    db, kari = four.db, four.adv

    def refused() -> tuple[str, str]:
        with expect("23B91") as told, db.transaction():
            call(db, "erase_profile", profile=kari, now=LATER)
        return str(told.value.diag.message_detail), str(told.value.diag.message_hint)

    four.clicks(kari, four.pub, 2)
    assert "the account is open; clicks that no update" in refused()[0]
    call(db, "close_account", profile=kari, rest="PAY", reason="asked", now=at(2026, 1, 20))
    market.update(db, JANUARY, at(2026, 1, 21))
    assert "which runs" in refused()[0]
    assert "close_month('2026-01-01')" in refused()[1]
    four.close()
    assert "NOK 200.00 of transaction" in refused()[0]
    four.prepare("CHARGE", CHARGED)
    assert "is PREPARED" in refused()[0]
    number = four.attempt("CHARGE", CHARGED)
    four.disputed(number, 200)
    assert "disputed" in refused()[0]
    call(db, "book_loss", payment_attempt=number, amount=200, reason="lost", now=PAID)
    erase(four, kari)
    with expect("P0002"), db.transaction():
        call(db, "erase_profile", profile=0)
    four.reserve(1000)


def test_nobody_is_erased_while_a_payout_is_under_way_nor_another_who_is_paid_to_the_same_account(four: Four) -> None:
    """The four share a card and an account. What comes back after the erasure is owed again, and lost to nobody."""
    db, gone = four.db, four.pub
    for publisher in (gone, four.both):
        four.clicks(four.adv2, publisher, 1)
    four.close()
    four.moves("CHARGE", CHARGED)
    assert four.prepare("PAYOUT", PAID) == 2
    sent = call(db, "claim_attempts", gateway="bank", kind="PAYOUT", job_run=four.job_run, limit=2, now=PAID)
    numbers = {row["profile"]: row["payment_attempt"] for row in rows(
        db, "select profile, payment_attempt from marketplace.payment_attempt where kind = 'PAYOUT'")}  # fmt: skip
    amount = {row["payment_attempt"]: row["amount"] for row in sent}

    def answer(profile: int, said: str) -> None:
        number = numbers[profile]
        told = {"gateway_id": f"g{number}", "amount": amount[number], "currency": "NOK"}
        call(db, "record_answer", payment_attempt=number, answer=said, **told, now=PAID)

    answer(gone, "processing")
    answer(four.both, "processing")
    call(db, "close_account", profile=gone, rest="PAY", reason="asked", now=PAID)
    with expect("23B91") as refused, db.transaction():
        erase(four, gone)
    assert f"attempt {numbers[gone]} is PROCESSING" in str(refused.value.diag.message_detail)
    answer(gone, "succeeded")
    told = erase(four, gone)
    assert told["payment_means"]["erased_rows"] == 1  # type: ignore[index]
    means = "select count(*) from marketplace.payment_means where ended_at is null and details ->> 'iban' is not null"
    assert one(db, means) == 2, "of the others, who are paid there too"
    request = "select request ? 'iban' from marketplace.payment_attempt where payment_attempt = %s"
    assert [one(db, request, numbers[each]) for each in (gone, four.both)] == [False, True]
    answer(four.both, "succeeded")
    before = four.balance(gone)
    back = {"gateway": "bank", "event_id": "camt-1", "event_kind": "camt.054", "answer": "returned", "currency": "NOK"}
    call(db, "record_event", **back, gateway_id=f"g{numbers[gone]}", amount=amount[numbers[gone]], now=LATER)
    assert four.balance(gone) - before == -140
    with expect("23B91") as refused, db.transaction():
        erase(four, gone)
    assert "NOK -140.00 of transaction" in str(refused.value.diag.message_detail)


def test_nothing_new_is_written_of_who_was_erased(four: Four) -> None:
    db, gone = four.db, four.adv2
    call(db, "close_account", profile=gone, rest="PAY", reason="asked", now=at(2026, 1, 2))
    with login_role(db, "marketplace_web") as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as site:
        with expect("42501"):
            run(site, "update marketplace.profile set erased_at = now() where profile = %s", gone)
        with expect("42501"):
            run(site, "insert into marketplace.profile (profile_name, erased_at) values ('x', now())")
    told = erase(four, gone)
    assert told["profile"]["kept_until"] is None, "nothing was ever sold"  # type: ignore[index]
    for statement in (
        "update marketplace.profile set profile_name = 'Ola' where profile = %s",
        "insert into marketplace.website (profile, website_name) values (%s, 'x.no')",
        "insert into marketplace.advertisement (profile, advertisement_name) values (%s, 'x')",
        'select marketplace.set_payment_means(%s, \'PAYOUT\', \'bank\', \'{"name": "O", "iban": "NO9386011117947"}\')',
        "select marketplace.reopen_account(%s, 'back')",
    ):
        with expect("23B91"), db.transaction():
            run(db, statement, gone)


def test_the_frozen_changes_by_erasing_alone(four: Four, kari: int) -> None:
    for statement, state in (
        ("update marketplace.payment_attempt set request = '{}', event = 'erased' where profile = %s", "23B71"),
        ("update marketplace.payment_means set details = '{}' where profile = %s", "23B62"),
        ("update marketplace.payout_hold set reason = '[erased]' where profile = %s", "23B62"),
        ("update marketplace.transaction set reason = '[erased]' where kind = 'GOODWILL' and profile = %s", "23B62"),
    ):
        with expect(state), four.db.transaction():
            run(four.db, statement, kari)
    call(four.db, "close_account", profile=kari, rest="PAY", reason="asked", now=LATER)
    four.close(FEBRUARY)
    erase(four, kari)
    for statement, state in (
        ("update marketplace.payment_attempt set amount = 1, event = 'erased' where profile = %s", "23B71"),
        ("update marketplace.payout_hold set reason = 'another' where profile = %s", "23B62"),
        ("update marketplace.payment_attempt_event set note = 'x' from marketplace.payment_attempt as a"
         " where a.payment_attempt = payment_attempt_event.payment_attempt and a.profile = %s", "23B62"),
    ):  # fmt: skip
        with expect(state), four.db.transaction():
            run(four.db, statement, kari)


def test_by_the_server_s_own_clock_people_leave_come_back_and_are_erased(db: Connection) -> None:
    """In a database that nobody marked for tests, where one function hands its time on to another."""
    unmark(db)
    market.set_rate(db, "0.3")
    person = market.profile(db)
    own = market.advertisement(db, person, 1), market.website(db, person)
    market.update(db, one(db, "select marketplace.month_of(now())"), None)
    (clicked,) = market.clicks(db, *own, one(db, "select now() - interval '1 minute'"))
    assert call(db, "update_transactions", month=None)[0]["new_clicks"] == 1, clicked
    (flag,) = rows(db, "select click_flag from marketplace.click_flag")
    (told,) = call(db, "decide_click_flag", **flag, decision="EXCLUDED", reason="her own")
    assert told["excluded"] == 1
    call(db, "close_account", profile=person, rest="PAY", reason="asked")
    call(db, "reopen_account", profile=person, reason="stays")
    call(db, "close_account", profile=person, rest="PAY", reason="asked again")
    assert call(db, "erase_profile", profile=person)[0]["erased_rows"] == 1
