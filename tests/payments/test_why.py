"""What comes next of a transaction, whose turn it is and what the person can do: one rule, in two languages."""

import re
from decimal import Decimal

from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.answers import CHARGES, PAYOUTS, SAYS, of
from tests.support.domain import Row, expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, PAID, Four, means
from tests.support.four import four as four
from tests.support.market import call
from tests.support.payments import later

TURNS = {"PERSON", "OPERATOR", "GATEWAY", "TIME", "NOBODY"}


def source(db: Connection, function: str) -> str:
    query = "select prosrc || coalesce(pg_get_function_sqlbody(oid), '') from pg_proc where proname = %s"
    return str(one(db, query, function))


def words_of(db: Connection, function: str) -> set[str]:
    """What a function's CASE comes to, as its definition has it."""
    return set(re.findall(r"(?:THEN|ELSE) '([A-Z_]+)'", source(db, function), re.IGNORECASE))


def test_each_state_that_a_transaction_can_be_in_has_a_code_and_each_code_its_words(shared_db: Connection) -> None:
    db = shared_db
    holds = words_of(db, "hold_of")
    assert {"ALARM", "UNDER_WAY", "NOT_DUE", "EXHAUSTED"} <= holds, "its definition was read"
    ended = {row["code"] for row in rows(db, "select code from marketplace.next_step")} & words_of(db, "standing")
    causes = re.findall(
        r"'([A-Z]+)'",
        one(
            db,
            """
        select pg_get_constraintdef(oid) from pg_constraint where conname = 'decline_cause_cause_check'
    """,
        ),
    )
    query = """
        select distinct
            marketplace.code_of(s.status, e.ended, k.kind, h.hold, a.state, c.cause, d.day, o.ours, n.new) as code
        from unnest(array['CURRENT', 'NEW', 'FAILED', 'ROLLED_OVER', 'EXECUTED', 'CALLED_OFF']) as s (status)
        cross join unnest(array['CHARGE', 'PAYOUT', 'REFUND']) as k (kind)
        cross join unnest(%(holds)s::text[]) as h (hold)
        cross join (
            select distinct to_state from marketplace.attempt_step union all values (null), ('HANDED_OVER')
        ) as a (state)
        cross join unnest(%(causes)s::text[]) as c (cause)
        cross join unnest(array['2026-02-02'::date, null]) as d (day)
        cross join unnest(array[true, false]) as o (ours)
        cross join unnest(array[true, false]) as n (new)
        cross join unnest(%(ended)s::text[]) as e (ended)
    """
    asked = {"holds": [*holds, "FUND", None], "causes": [*causes, "CANCELLED", "UNCONFIRMED", None], "ended": [*ended]}
    reached = {row["code"] for row in rows(db, query, asked)}
    terms = {row["code"] for row in rows(db, "select code from marketplace.waiting_term")}
    known = rows(db, "select * from marketplace.next_step")
    assert reached == {row["code"] for row in known}, "no code without words, and no words that nothing leads to"
    assert len(known) == len(reached)
    assert reached == SAYS.keys()
    for row in known:
        assert row["turn"] in TURNS
        waits = row["turn"] != "NOBODY"
        assert waits == (row["code"] in terms) == (row["command"] is not None), "no wait without an end"
        for what in ("says", "can_do"):
            english, norwegian = row[f"{what}_en"], row[f"{what}_nb"]
            assert english.strip() != norwegian.strip()
            assert "" not in (english.strip(), norwegian.strip())
            blanks = [set(re.findall(r"\{\w*\}", text)) for text in (english, norwegian)]
            assert blanks[0] == blanks[1] <= {"{day}", "{month}", "{minimum}", "{other}"}, row["code"]


def why(db: Connection, transaction: int) -> Row:
    """What is said of it, in both languages, whole."""
    (english,) = call(db, "why", transaction=transaction, language="en")
    (norwegian,) = call(db, "why", transaction=transaction, language="nb")
    for found in (english, norwegian):
        assert not re.search(r"[?{}]", found["says"] + found["can_do"]), found
    assert all(english[name] == norwegian[name] for name in ("code", "turn", "due_on"))
    for found, words in zip((english, norwegian), SAYS[english["code"]], strict=True):
        assert words in found["says"].lower(), found
    return english


def test_what_a_gateway_answers_is_said_as_it_is_and_the_card_is_blamed_only_where_it_was_the_card(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    charge, payout = of(four, four.adv), of(four, four.pub)
    assert why(four.db, charge)["code"] == "WAITS_TO_BE_CHARGED"
    for said, code, turn in CHARGES:
        with four.db.transaction(force_rollback=True):
            four.moves("CHARGE", CHARGED, **said)
            found = why(four.db, charge)
            assert (found["code"], found["turn"]) == (code, turn), said
            assert ("card was declined" in found["says"]) == (code in ("DECLINED_TRIED_AGAIN", "CARD_DECLINED")), said
    four.moves("CHARGE", CHARGED)
    assert why(four.db, payout)["code"] == "WAITS_FOR_CHARGES"
    for said, code, turn in PAYOUTS:
        with four.db.transaction(force_rollback=True):
            four.moves("PAYOUT", PAID, **said)
            found = why(four.db, payout)
            assert (found["code"], found["turn"]) == (code, turn), said
            assert "card was" not in found["says"]


def test_a_charge_that_its_holder_did_not_confirm_in_time_was_not_declined(four: Four) -> None:
    four.clicks(four.adv, None, 3)
    four.close()
    attempt = four.moves("CHARGE", CHARGED, "requires_action")
    found = why(four.db, of(four, four.adv))
    assert (found["code"], found["due_on"]) == ("REQUIRES_ACTION", later(CHARGED, days=7).date())
    run(four.db, "update marketplace.payment_attempt set event = 'sent_again' where payment_attempt = %s", attempt)
    call(four.db, "record_answer", payment_attempt=attempt, answer="declined", error_code="canceled",
         now=later(CHARGED, days=8))  # fmt: skip
    assert why(four.db, of(four, four.adv))["code"] == "NOT_CONFIRMED"


def test_a_payout_that_came_back_is_said_to_be_owed_again_and_waits_for_another_account(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    attempt = four.moves("PAYOUT", PAID)
    back = {"payment_attempt": attempt, "answer": "returned", "amount": 21000, "currency": "NOK"}
    call(four.db, "record_answer", **back, now=later(PAID, days=3))
    old, new = of(four, four.pub), of(four, four.pub, "ADJUSTMENT")
    assert why(four.db, old)["code"] == "CAME_BACK"
    assert f"transaction {new}" in why(four.db, old)["says"]
    found = why(four.db, new)
    assert (found["code"], found["turn"], found["due_on"]) == ("RETURNED", "PERSON", None)
    means(four.db, four.pub, "PAYOUT", name="Ola")
    assert why(four.db, new)["code"] == "WAITS_FOR_CHARGES"
    assert four.why(four.pub) == {JANUARY: "CAME_BACK", FEBRUARY: "WAITS_FOR_CHARGES"}


def test_what_is_given_back_is_told_as_it_goes_there_or_from_here(four: Four) -> None:
    four.clicks(four.adv, None, 3)
    four.close()
    parent = f"g{four.moves('CHARGE', CHARGED)}"
    told = {"gateway": "stripe", "event_id": "e1", "event_kind": "refund.created", "answer": "succeeded"}
    call(four.db, "record_event", **told, parent=parent, gateway_id="re_1", amount=10000, currency="NOK", now=CHARGED)
    four.refund(four.adv, 50, CHARGED)
    refunds = "select transaction, request_id from marketplace.transaction where kind = 'REFUND' order by transaction"
    by_hand, ours = [row["transaction"] for row in rows(four.db, refunds)]
    assert why(four.db, by_hand)["code"] == "GIVEN_BACK_THERE", "the money is there already, and is sent by no run"
    assert why(four.db, ours)["code"] == "WAITS_TO_BE_GIVEN_BACK"
    call(four.db, "take_in", gateway="stripe", gateway_id="re_1", job_run=four.job_run, now=CHARGED)
    assert [why(four.db, each)["code"] for each in (by_hand, ours)] == ["GIVEN_BACK", "WAITS_TO_BE_GIVEN_BACK"]
    with four.db.transaction(force_rollback=True):
        four.moves("REFUND", CHARGED, "rejected", error_code="parameter_missing")
        found = why(four.db, ours)
        assert (found["code"], found["can_do"]) == ("REJECTED", "Nothing need be done."), "no other card takes it"
    four.disputed(four.charge(four.adv)["payment_attempt"], 150)
    assert why(four.db, ours)["code"] == "LOOKED_AT", "before more is given back"


def test_what_a_person_called_off_is_not_a_decline(four: Four) -> None:
    four.clicks(four.adv, None, 3)
    four.close()
    four.prepare("CHARGE", CHARGED)
    assert why(four.db, of(four, four.adv))["code"] == "BEING_SENT"
    attempt = one(four.db, "select payment_attempt from marketplace.payment_attempt")
    call(four.db, "cancel_attempt", payment_attempt=attempt, reason="by invoice", now=CHARGED)
    assert why(four.db, of(four, four.adv))["code"] == "CALLED_OFF"


def test_a_month_below_the_minimum_says_where_it_went_and_when_that_was_settled(four: Four) -> None:
    market.set_minimum(four.db, "150", "100")
    four.clicks(four.adv, None, 1)
    market.update(four.db, JANUARY, market.at(2026, 1, 31))
    assert why(four.db, of_month(four, JANUARY))["code"] == "RUNNING"
    four.close()
    january = of_month(four, JANUARY)
    assert (why(four.db, january)["code"], "150.00" in why(four.db, january)["says"]) == ("BELOW_MINIMUM", True)
    four.clicks(four.adv, None, 1, FEBRUARY)
    four.close(FEBRUARY)
    assert why(four.db, january)["code"] == "WENT_ON"
    now = market.at(2026, 3, 2, 6)
    four.moves("CHARGE", now)
    found = why(four.db, january)
    assert (found["code"], found["turn"], found["due_on"]) == ("CARRIED_ON", "NOBODY", now.date())


def of_month(four: Four, month: object) -> int:
    return int(one(four.db, "select transaction from marketplace.transaction where month = %s", month))


def test_a_card_or_account_that_is_missing_is_said_before_the_day(four: Four) -> None:
    four.clicks(four.adv2, four.both, 1)
    four.close()
    for kind, person in (("CHARGE", four.adv2), ("PAYOUT", four.both)):
        call(four.db, "end_payment_means", profile=person, kind=kind, reason="asked", now=CHARGED)
    early = market.at(2026, 2, 1, 3)
    assert four.due(early) == {
        (four.adv2, "CHARGE"): (Decimal(200), "NO_MEANS"),
        (four.both, "PAYOUT"): (Decimal(140), "NO_MEANS"),
    }
    assert [why(four.db, of(four, each))["code"] for each in (four.adv2, four.both)] == ["NO_CARD", "NO_ACCOUNT"]


def test_a_profile_is_told_of_its_own_and_of_no_others(four: Four, connect: Connect) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    with login_role(four.db, "marketplace_profile") as role, login_role(four.db, "marketplace_web") as site:
        run(four.db, "update marketplace.profile set login_role = %s where profile = %s", role, four.adv)
        theirs, sites = connect(role), connect(site)
        assert call(theirs, "why", transaction=of(four, four.adv))[0]["code"] == "WAITS_TO_BE_CHARGED"
        assert {call(sites, "why", transaction=of(four, each))[0]["turn"] for each in (four.adv, four.pub)} == {"TIME"}
        for number in (of(four, four.pub), 0):
            with expect("P0002"):
                call(theirs, "why", transaction=number)
        run(four.db, "update marketplace.profile set login_role = null where login_role = %s", role)
    for language in ("fr", None):
        with expect("22023"):
            call(four.db, "why", transaction=of(four, four.adv), language=language)
