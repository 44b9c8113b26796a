"""A marketplace that ran before: balances that profiles begin with, and a past that is compared and never charged."""

import threading
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.support import cli, market
from tests.support import four as people
from tests.support.cli import Run
from tests.support.domain import consistency, expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, PAID, Four
from tests.support.market import at, call
from tests.support.waits import impatient

four = people.four
pybridge = cli.run
DECEMBER, NOVEMBER = date(2025, 12, 1), date(2025, 11, 1)
BEGUN = at(2026, 1, 2)
TOLD = {"document": "B-1", "reason": "as the old system had it", "now": BEGUN}


@pytest.fixture
def begun(four: Four) -> Four:
    market.update(four.db, JANUARY, BEGUN)
    return four


def bring(four: Four, owner: int, amount: float, **told: Any) -> int:
    made = call(four.db, "bring_balance", profile=owner, amount=Decimal(str(amount)), **{**TOLD, **told})
    return int(made[0]["bring_balance"])


def undo(four: Four, transaction: int) -> int:
    made = call(four.db, "undo_by_hand", transaction=transaction, reason="a typing error", now=BEGUN)
    return int(made[0]["undo_by_hand"])


def past(
    four: Four, *times: datetime, advertiser: int | None = None, publisher: int | None = None, first: int = 1,
    prices: list[Decimal | None] | None = None,
) -> int:  # fmt: skip
    number = len(times)
    made = call(
        four.db, "record_earlier_clicks", advertisements=[four.ads[advertiser or four.adv]] * number,
        websites=[four.sites.get(publisher or 0)] * number, click_times=list(times),
        click_ids=[f"old {first + n}" for n in range(number)], prices=prices,
    )  # fmt: skip
    return int(made[0]["record_earlier_clicks"])


def charged(four: Four, *charges: tuple[int, date, str, str]) -> int:
    owners, months, amounts, documents = zip(*charges, strict=True)
    made = call(four.db, "record_earlier_charges", profiles=list(owners), months=list(months),
                amounts=[Decimal(each) for each in amounts], documents=list(documents))  # fmt: skip
    return int(made[0]["record_earlier_charges"])


# --- Balances ---------------------------------------------------------------------------------------------------------


def test_what_a_profile_owed_before_is_charged_with_its_document_in_the_account(begun: Four) -> None:
    made = bring(begun, begun.adv, 250.5)
    assert begun.account(begun.adv) == [("BROUGHT", Decimal("250.50"), Decimal("250.50"))]
    (line,) = call(begun.db, "account", profile=begun.adv)
    assert line["explanation"] == "Brought over, document B-1: as the old system had it"
    assert bring(begun, begun.adv, 250.5) == made, "the same document brings nothing more"
    call(begun.db, "charge_fee", profile=begun.adv, amount=Decimal(20), reason="x", request_id="B-1", now=BEGUN)
    assert begun.prepare("CHARGE", CHARGED) == 2, "a fee of the same name is another payment"
    begun.attempt("CHARGE", CHARGED)
    assert begun.charge(begun.adv)["amount"] == 25050
    begun.attempt("CHARGE", CHARGED)
    assert begun.balance(begun.adv) == 0
    with expect("23B92"), begun.db.transaction():
        undo(begun, made)


def test_what_a_profile_was_owed_before_is_set_off_and_the_rest_is_paid(begun: Four) -> None:
    begun.clicks(begun.both, None, 1)
    begun.close()
    bring(begun, begun.both, -400, now=PAID)
    assert begun.status(begun.both) == "EXECUTED"
    begun.reserve(300)
    begun.moves("PAYOUT", PAID)
    assert (begun.balance(begun.both), begun.funds()) == (0, 0)


@pytest.mark.parametrize(("amount", "clicks"), [(4, 0), (4, 1), (-40, 0)])
def test_a_balance_below_the_minimum_goes_on_with_the_month(begun: Four, amount: int, clicks: int) -> None:
    """Nobody is charged 4 kroner for having had them on an old account."""
    bring(begun, begun.both, amount)
    assert begun.due(CHARGED) == {}
    if clicks:
        begun.clicks(begun.both, None, clicks)
    begun.close()
    found = market.transaction(begun.db, begun.both, JANUARY)
    assert (found["offset_in"], found["status"]) == (amount, "NEW" if clicks else "ROLLED_OVER")
    if clicks:
        begun.moves("CHARGE", CHARGED)
        assert (begun.charge(begun.both)["amount"], begun.charge(begun.both)["credited"]) == (10400, 0)
        assert market.transaction(begun.db, begun.both, JANUARY)["taken"] == 100, "of clicks: what was brought is none"


def test_a_profile_begins_with_one_balance_and_another_after_it_was_undone(begun: Four) -> None:
    wrong = bring(begun, begun.adv, 250)
    with expect("23B97"), begun.db.transaction():
        bring(begun, begun.adv, 205, document="B-2")
    with expect("23B13"), begun.db.transaction():
        bring(begun, begun.adv, 205)
    undone = undo(begun, wrong)
    assert (begun.balance(begun.adv), undo(begun, wrong)) == (0, undone)
    with expect("23B97"), begun.db.transaction():
        bring(begun, begun.adv, 250)  # its document was undone
    bring(begun, begun.adv, 205, document="B-2")
    assert begun.balance(begun.adv) == 205
    assert one(begun.db, "select count(*) from marketplace.transaction where stands") == 1


@pytest.mark.parametrize("amount", [4, -40, 250, -250])
def test_a_balance_that_is_undone_leaves_nothing(begun: Four, amount: int) -> None:
    undo(begun, bring(begun, begun.both, amount))
    assert one(begun.db, "select coalesce(sum(amount), 0) from marketplace.open_amount") == 0
    begun.close()
    assert begun.due(PAID) == {}


def test_no_statement_brings_a_second_balance_or_undoes_one_by_halves(begun: Four) -> None:
    made = bring(begun, begun.adv, 250)
    insert = (
        "insert into marketplace.transaction (kind, month, profile, status, advertisement_amount, due_amount,"
        " carried_out, corrects, reason, request_id, created_at, closed_at)"
        " values ('BROUGHT', %s, %s, 'NEW', %s, %s, 0, %s, 'x', 'B-2', now(), now())"
    )
    for amount, corrects, state in ((10, None, "23505"), (-10, made, "23B66"), (0, None, "23514")):
        with expect(state, native=state.startswith("235")), begun.db.transaction():
            run(begun.db, insert, JANUARY, begun.adv, amount, amount, corrects)
    with expect("23B62"), begun.db.transaction():
        run(begun.db, "update marketplace.transaction set stands = null where transaction = %s", made)


def test_what_is_no_balance_is_refused(four: Four) -> None:
    with expect("23B61"), four.db.transaction():
        bring(four, four.adv, 1)
    market.update(four.db, JANUARY, BEGUN)
    for told in ({"amount": 0}, {"amount": 1.005}, {"amount": "NaN"}, {"amount": 1, "document": ""},
                 {"amount": 1, "reason": ""}, {"amount": 1, "document": "x\n"}):  # fmt: skip
        with expect("22023"), four.db.transaction():
            bring(four, four.adv, **told)
    with expect("P0002"), four.db.transaction():
        bring(four, 999_999, 1)


# --- History ----------------------------------------------------------------------------------------------------------


def test_history_is_compared_with_what_the_old_job_charged_and_reaches_no_statement(four: Four) -> None:
    """The fault that this system was asked for: people were charged twice, or without clicks, and nobody could tell."""
    past(four, *[at(2019, 11, 5)] * 2, at(2019, 12, 31, 23, 59), publisher=four.pub)
    past(four, at(2026, 1, 1, 10), publisher=four.pub, first=9, prices=[Decimal("12.345678")])
    old, older = date(2019, 12, 1), date(2019, 11, 1)
    charged(four, (four.adv, older, "200", "c1"), (four.adv, older, "200", "c2"), (four.pub, older, "-140", "p1"))
    charged(four, (four.adv2, old, "50.5", "c3"), (four.pub, old, "-30", "p2"))
    columns = "month, profile, advertisement_clicks, website_clicks, net_amount, charges, charged_amount, wrong_amount"
    found = rows(four.db, f"select {columns}, wrong_so_far from report.marketplace_earlier order by month, profile")
    assert [tuple(row.values()) for row in found] == [
        (older, four.adv, 2, 0, 200, 2, 400, 200, 200),
        (older, four.pub, 0, 2, -140, 1, -140, 0, 0),
        (old, four.adv, 1, 0, 100, 0, 0, -100, 100),
        (old, four.pub, 0, 1, -70, 1, -30, 40, 40),
        (old, four.adv2, 0, 0, 0, 1, Decimal("50.5"), Decimal("50.5"), Decimal("50.5")),
        (JANUARY, four.adv, 1, 0, Decimal("12.345678"), 0, 0, Decimal("-12.345678"), Decimal("87.654322")),
        (JANUARY, four.pub, 0, 1, Decimal("-8.641974"), 0, 0, Decimal("8.641974"), Decimal("48.641974")),
    ]
    four.clicks(four.adv, four.pub, 1)
    four.close()
    assert market.transaction(four.db, four.adv, JANUARY)["due_amount"] == 100, "the month's own click"
    assert market.transaction(four.db, four.pub, JANUARY)["carried_out"] == -70
    assert one(four.db, "select count(*) from marketplace.ad_click") == 1


def test_history_again_is_nothing_new_and_another_click_of_its_name_is_refused(four: Four) -> None:
    times = [at(2019, 11, 5), at(2019, 11, 6)]
    assert (past(four, *times[:1]), past(four, *times)) == (1, 1)
    with expect("23B13"), four.db.transaction():
        past(four, *times, publisher=four.pub)
    with expect("23505", native=True), four.db.transaction():
        call(four.db, "record_earlier_clicks", advertisements=[four.ads[four.adv]] * 2, websites=[None, None],
             click_times=[times[0]] * 2, click_ids=["twice", "twice"])  # fmt: skip
    assert charged(four, (four.adv, NOVEMBER, "5", "c1")) == 1
    assert charged(four, (four.adv, NOVEMBER, "5", "c1"), (four.adv, NOVEMBER, "5", "c2")) == 1
    with expect("23B13"), four.db.transaction():
        charged(four, (four.adv, NOVEMBER, "6", "c1"))


def test_a_click_is_history_or_is_charged_and_never_both(four: Four, pybridge: Run, tmp_path: Path) -> None:
    """By its name, whichever came first."""
    recent = market.day(one(four.db, "select marketplace.month_of(now()) - interval '1 month'").date(), 12)
    file = tmp_path / "clicks.csv"
    header = "click_time,advertisement,website,click_id\n"
    line = f"{recent:%Y-%m-%d %H:%M:%S},{four.ads[four.adv]},,{{}}\n"
    file.write_text(header + line.format("old 1"))
    pybridge(four.db, "clicks", "history", str(file))
    done = pybridge(four.db, "clicks", "load", str(file))
    assert done.exit_code == 1
    assert "loaded before" in " ".join(done.output.split())
    file.write_text(header + line.format("new 1"))
    pybridge(four.db, "clicks", "load", str(file))
    with expect("23B13"), four.db.transaction():
        call(four.db, "record_earlier_clicks", advertisements=[four.ads[four.adv]], websites=[None],
             click_times=[recent], click_ids=["new 1"])  # fmt: skip


def test_history_ends_with_the_first_close_and_is_of_no_later_month(four: Four) -> None:
    market.update(four.db, JANUARY, BEGUN)
    assert past(four, at(2026, 1, 31)) == 1
    with expect("23B96"), four.db.transaction():
        past(four, at(2026, 2, 1), first=2)
    with expect("23B96"), four.db.transaction():
        charged(four, (four.adv, FEBRUARY, "1", "c"))
    charged(four, (four.adv, JANUARY, "1", "c"))
    four.close()
    with expect("23B96"), four.db.transaction():
        past(four, at(2019, 1, 1), first=2)
    with expect("23B96"), four.db.transaction():
        charged(four, (four.adv, NOVEMBER, "1", "c"))
    for table in ("earlier_click", "earlier_charge"):
        with expect("23B62"), four.db.transaction():
            run(four.db, f"delete from marketplace.{table}")


def test_a_close_waits_for_history_that_is_on_its_way(four: Four, connect: Connect) -> None:
    market.update(four.db, JANUARY, BEGUN)
    other = connect()
    with four.db.transaction():
        past(four, at(2026, 1, 31))
        with impatient(connect()), pytest.raises(psycopg.errors.LockNotAvailable):
            market.close(other, JANUARY)
    closing = threading.Thread(target=four.close)
    closing.start()
    closing.join(30)
    assert one(four.db, "select closed_at is not null from marketplace.month where is_first")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("22023", {"click_ids": []}),
        ("22023", {"click_ids": ["a\u200bb"]}),
        ("22023", {"click_ids": [""]}),
        ("22023", {"click_times": ["infinity"]}),
        ("22023", {"prices": [Decimal("0.0000001")]}),
        ("22023", {"prices": [Decimal(-1)]}),
        ("22023", {"prices": [Decimal("NaN")]}),
        ("P0002", {"advertisements": [999_999]}),
        ("P0002", {"websites": [999_999]}),
        ("23B67", {"click_times": [at(1999, 12, 31)]}),
    ],
)
def test_what_is_no_click_of_the_past_is_refused(four: Four, state: str, told: dict[str, Any]) -> None:
    proper = {"advertisements": [four.ads[four.adv]], "websites": [None], "click_times": [at(2019, 1, 1)],
              "click_ids": ["old"]}  # fmt: skip
    with expect(state), four.db.transaction():
        call(four.db, "record_earlier_clicks", **{**proper, **told})


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("22023", {"amounts": [Decimal(0)]}),
        ("22023", {"amounts": [Decimal("0.001")]}),
        ("22023", {"amounts": [Decimal("NaN")]}),
        ("22023", {"months": [date(2019, 1, 2)]}),
        ("22023", {"documents": [""]}),
        ("22023", {"documents": ["a", "b"]}),
        ("P0002", {"profiles": [999_999]}),
    ],
)
def test_what_is_no_charge_of_the_past_is_refused(four: Four, state: str, told: dict[str, Any]) -> None:
    proper = {"profiles": [four.adv], "months": [date(2019, 1, 1)], "amounts": [Decimal(1)], "documents": ["c1"]}
    with expect(state), four.db.transaction():
        call(four.db, "record_earlier_charges", **{**proper, **told})


def test_files_of_the_past_are_recorded_whole_or_not_at_all(four: Four, pybridge: Run, tmp_path: Path) -> None:
    clicks, charges = tmp_path / "clicks.csv", tmp_path / "charged.csv"
    header = "click_time,advertisement,website,price,click_id\n"
    line = f"2019-10-27 02:30:00,{four.ads[four.adv]},,1.5,a\n"
    clicks.write_text(header + line + "soon,1,,,b\n")
    assert "line 3, column click_time" in pybridge(four.db, "clicks", "history", str(clicks)).output
    clicks.write_text(header + line)
    assert "1 click of" in pybridge(four.db, "clicks", "history", str(clicks)).output
    assert "0 clicks of" in pybridge(four.db, "clicks", "history", str(clicks)).output
    time = one(four.db, "select click_time from marketplace.earlier_click")
    assert time == at(2019, 10, 27, 2, 30, fold=1), "the second of that hour, as in other files of clicks"
    charges.write_text(f"profile,month,amount,document\n{four.adv},2019-10,1.50,c1\n{four.pub},2019-10-01,-2,p1\n")
    assert "2 charges of" in pybridge(four.db, "clicks", "charged", str(charges)).output
    for amount in ("1e3", "1_000", "NaN", "200,00", "\u0661"):
        charges.write_text(f"profile;month;amount;document\n{four.adv};2019-10;{amount};c2\n")
        assert "line 2, column amount" in pybridge(four.db, "clicks", "charged", str(charges)).output, amount
    charges.write_text("profile,month,amount\n1,2019-10,1\n")
    assert "its columns are not" in pybridge(four.db, "clicks", "charged", str(charges)).output
    assert "1.50" in pybridge(four.db, "report", "earlier").output


def test_history_is_the_bookkeepers_and_not_the_sites(four: Four, connect: Connect) -> None:
    with login_role(four.db, "marketplace_web") as name:
        web = connect(name)
        for name, told in (
            ("bring_balance", {"profile": four.adv, "amount": Decimal(1), "document": "a", "reason": "b"}),
            ("record_earlier_charges", {"profiles": [1], "months": [JANUARY], "amounts": [1], "documents": ["a"]}),
        ):
            with expect("42501", native=True):
                call(web, name, **told)
        with expect("42501", native=True):
            rows(web, "select * from marketplace.earlier_click")
    assert consistency(four.db) == {}
