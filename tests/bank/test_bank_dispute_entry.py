"""Disputes that the bank's own files tell of: an entry that takes a card payment back is its dispute, once."""

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pybridge.cli.main import app
from tests.conftest import Connect, Connection
from tests.support import notified
from tests.support.banking import load, match_open, matched, route
from tests.support.domain import Event, Row, call, call_in, consistency, expect, login_role, make_event, net, one, rows
from tests.support.payouts import L, stripe
from tests.support.payouts import load as load_payout
from tests.support.together import together

UNPAID = notified.code("UPCT")


@pytest.fixture
def event(db: Connection) -> Event:
    route(db, "PAYMENT", "NET_CARD")
    return make_event(db, prices=(200,))


def confirm(db: Connection, event: Event, reference: str, amount: int = 200) -> int:
    sale = net(db, event.price_group)
    call(db, "confirm_net_payment", purchase=sale.purchase, amount=amount, provider_reference=reference)
    return sale.ticket


def detail(amount: str, reference: str, code: str = "", charge: str = "") -> str:
    """One of the payments in an entry, that names this."""
    return (
        f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
        f'<Amt Ccy="NOK">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{code}'
        f"{charge}</TxDtls>"
    )


def told(db: Connection, folder: Path, *entries: str) -> list[str]:
    """What becomes of the disputes that a notification of these entries tells of."""
    load(db, folder, notified.camt(*entries))
    return record(db)


def record(db: Connection) -> list[str]:
    return [row["outcome"] for row in call_in(db, "bank", "record_disputes")]


def run_match(db: Connection) -> dict[str, int]:
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    return match_open(db)


def charged_back(db: Connection) -> Decimal:
    return Decimal(one(db, "select coalesce(sum(charged_back), 0) from billig.ticket"))


def disputes(db: Connection) -> list[Row]:
    return rows(db, "select dispute_reference, provider_reference, amount, fee from report.dispute order by payment")


def test_an_entry_that_takes_a_sale_back_is_its_dispute_and_is_matched_with_it(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    confirm(db, event, "pi_1")
    confirm(db, event, "pi_2")
    load(db, tmp_path, notified.camt(notified.entry("-200.00", detail("200.00", "PI 1"), kind=UNPAID)))
    entry = one(db, "select entry from bank.entry")
    said = [tuple(row.values()) for row in call_in(db, "bank", "record_disputes")]
    assert said == [(None, None, f"BANK-ENTRY-{entry}", Decimal(-200), "RECORDED")]
    assert record(db) == [], "once"
    assert [tuple(row.values()) for row in disputes(db)] == [(f"BANK-ENTRY-{entry}", "pi_1", 200, 0)]
    assert run_match(db) == {"REFERENCE": 1}
    item = one(db, "select expected from bank.expected where amount = -200")
    assert matched(db) == {entry: {item}}
    assert record(db) == []
    assert run_match(db) == {}, "and nothing more"
    assert charged_back(db) == 200
    assert consistency(db) == {}


def test_a_file_that_comes_again_tells_of_no_second_dispute(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    taken = notified.entry("-50.00", detail("50.00", "pi_1"), kind=UNPAID, reference="B1")
    assert told(db, tmp_path, taken) == ["RECORDED"]
    assert run_match(db) == {"REFERENCE": 1}
    load(db, tmp_path, notified.camt(taken).replace("<Id>N1</Id>", "<Id>N2</Id>"))
    assert record(db) == []
    assert charged_back(db) == 50


def test_what_the_bank_keeps_for_it_is_the_disputes_fee(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    kept = '<Amt Ccy="NOK">15.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd>'
    part = detail("215.00", "pi_1", charge=f"<Chrgs><Rcrd>{kept}</Rcrd></Chrgs>")
    assert told(db, tmp_path, notified.entry("-215.00", part, kind=UNPAID)) == ["RECORDED"]
    assert [(row["amount"], row["fee"]) for row in disputes(db)] == [(200, 15)]
    assert run_match(db) == {"REFERENCE": 1}
    assert rows(db, "select kind, amount from bank.match_line") == [{"kind": "FEE", "amount": Decimal(-15)}]
    assert consistency(db) == {}


def test_of_several_payments_in_an_entry_each_is_a_dispute_of_its_own(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    confirm(db, event, "pi_1")
    confirm(db, event, "pi_2")
    both = notified.entry(
        "-230.00", detail("200.00", "pi_1", UNPAID), detail("30.00", "pi_2", UNPAID), kind=notified.code("OTHR")
    )
    assert told(db, tmp_path, both) == ["RECORDED", "RECORDED"]
    entry = one(db, "select entry from bank.entry")
    assert [row["dispute_reference"] for row in disputes(db)] == [f"BANK-ENTRY-{entry}-D1", f"BANK-ENTRY-{entry}-D2"]
    assert run_match(db) == {"REFERENCE": 1}
    assert record(db) == []
    assert consistency(db) == {}


def test_only_what_the_code_calls_unpaid_is_a_dispute(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    said = told(
        db,
        tmp_path,
        notified.entry("-10.00", detail("10.00", "pi_1"), kind=notified.code("POSP")),
        notified.entry("-20.00", detail("20.00", "pi_1"), kind=notified.code("UPCT", "CCRD")),
        notified.entry("-30.00", detail("30.00", "pi_1")),
        notified.entry("-40.00", detail("40.00", "pi_1"), kind=UNPAID, reversal=True),
        notified.entry("50.00", kind=UNPAID, text="pi_1"),
    )
    assert said == []
    assert charged_back(db) == 0


@pytest.mark.parametrize(
    ("amount", "text", "outcome"),
    [
        ("-200.00", "pi_9", "no payment of tickets has that name"),
        ("-200.01", "pi_1", "more is charged back than is left of the payment"),
        ("-100.00", "pi_1 pi_2", "it names several payments: pi_1, pi_2"),
    ],
)
def test_what_cannot_be_recorded_is_told_and_stays_a_persons(
    db: Connection, tmp_path: Path, event: Event, amount: str, text: str, outcome: str
) -> None:
    confirm(db, event, "pi_1")
    confirm(db, event, "pi_2")
    assert told(db, tmp_path, notified.entry(amount, kind=UNPAID, text=text)) == [outcome]
    assert run_match(db) == {}
    assert record(db) == [outcome], "it comes again"
    assert charged_back(db) == 0
    assert consistency(db) == {}


@pytest.mark.parametrize("code", ["UPCT", "OTHR"])
def test_no_rule_takes_what_is_no_dispute_yet_for_a_refund(
    db: Connection, tmp_path: Path, event: Event, code: str
) -> None:
    ticket = confirm(db, event, "pi_1")
    call(db, "refund", tickets=[ticket])
    taken = notified.entry("-200.00", detail("200.00", "pi_1"), kind=notified.code(code))
    refused = ["more is charged back than is left of the payment"] if code == "UPCT" else []
    assert told(db, tmp_path, taken) == refused
    assert run_match(db) == ({} if refused else {"REFERENCE": 1}), "the refund's own money is still to go"
    assert consistency(db) == {}


@pytest.mark.parametrize("first", ["report", "entry"])
def test_a_dispute_that_a_report_and_an_entry_tell_of_is_recorded_once(
    db: Connection, tmp_path: Path, event: Event, first: str
) -> None:
    confirm(db, event, "pi_1")
    report = stripe(L("1", "200.00"), L("1", "-50.00", category="dispute"))
    entry = notified.camt(notified.entry("-50.00", detail("50.00", "pi_1"), kind=UNPAID))
    if first == "report":
        load_payout(db, tmp_path, report)
    else:
        load(db, tmp_path, entry)
    assert record(db) == ["RECORDED"]
    if first == "report":
        load(db, tmp_path, entry)
    else:
        load_payout(db, tmp_path, report)
    name = disputes(db)[0]["dispute_reference"]
    assert record(db) == [f"it may be dispute {name}, of that payment and amount"]
    assert charged_back(db) == 50
    assert consistency(db) == {}


def test_a_report_that_was_withdrawn_holds_no_dispute_up(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    load_payout(db, tmp_path, stripe(L("1", "200.00"), L("1", "-50.00", category="dispute")))
    call_in(db, "bank", "withdraw_payout", payout=one(db, "select payout from bank.payout"), reason="another's")
    assert told(db, tmp_path, notified.entry("-50.00", detail("50.00", "pi_1"), kind=UNPAID)) == ["RECORDED"]
    assert charged_back(db) == 50
    assert consistency(db) == {}


def test_a_dispute_that_a_person_recorded_by_its_own_name_is_no_other(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    confirm(db, event, "pi_1")
    call(db, "record_chargeback", dispute_reference="dp_1", provider_reference="pi_1", amount=50)
    assert told(db, tmp_path, notified.entry("-50.00", detail("50.00", "dp_1"), kind=UNPAID, text="pi_1")) == []
    assert run_match(db) == {"REFERENCE": 1}
    assert charged_back(db) == 50


def test_a_person_records_what_has_no_code_by_the_entrys_number(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    assert told(db, tmp_path, notified.entry("-50.00", text="chargeback pi_1")) == []
    entry = one(db, "select entry from bank.entry")
    call(db, "record_chargeback", dispute_reference=f"BANK-ENTRY-{entry}", provider_reference="pi_1", amount=50)
    assert run_match(db) == {"REFERENCE": 1}
    assert consistency(db) == {}


def test_a_payment_in_an_entry_that_says_no_amount_is_a_persons(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    parts = [detail("50.00", "pi_1"), "<TxDtls><Refs><EndToEndId>pi_1</EndToEndId></Refs></TxDtls>"]
    said = told(db, tmp_path, notified.entry("-80.00", *parts, kind=UNPAID))
    assert said == ["RECORDED", "the bank does not say how much of the entry it is"]
    assert run_match(db) == {}
    assert charged_back(db) == 50


def test_two_that_ask_at_once_record_it_once(db: Connection, connect: Connect, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    load(db, tmp_path, notified.camt(notified.entry("-50.00", detail("50.00", "pi_1"), kind=UNPAID)))
    load_payout(db, tmp_path, stripe(L("1", "200.00"), L("1", "-50.00", category="dispute")))
    answers = together([partial(record, connect()), partial(record, connect())])
    said = [outcome for answer in answers if isinstance(answer, list) for outcome in answer]
    assert said.count("RECORDED") == 1, answers
    assert charged_back(db) == 50
    assert consistency(db) == {}


def test_the_command_says_what_it_recorded_and_matches_it(
    db: Connection, tmp_path: Path, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(db, event, "pi_1")
    taken = [
        notified.entry("-50.00", detail("50.00", "pi_1"), kind=UNPAID),
        notified.entry("-9.00", kind=UNPAID, text="pi_9"),
    ]
    file = tmp_path / "statement.xml"
    file.write_text(notified.camt(*taken))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{db.info.user}@{db.info.host}:{db.info.port}/{db.info.dbname}")
    assert CliRunner().invoke(app, ["bank", "import", str(file)]).exit_code == 0
    first, second = (row["entry"] for row in rows(db, "select entry from bank.entry order by entry"))
    today = str(one(db, "select billig.local_time()::date"))
    said = CliRunner().invoke(app, ["bank", "match", "--until", today])
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[:2] == [
        f"Dispute BANK-ENTRY-{first}, NOK -50.00: recorded",
        f"Dispute BANK-ENTRY-{second}, NOK -9.00: not recorded: no payment of tickets has that name",
    ]
    assert "REFERENCE: 1 matched, NOK -50.00" in said.stdout


def test_the_bookkeeper_records_them_and_nobody_else(
    db: Connection, connect: Connect, tmp_path: Path, event: Event
) -> None:
    confirm(db, event, "pi_1")
    load(db, tmp_path, notified.camt(notified.entry("-50.00", detail("50.00", "pi_1"), kind=UNPAID)))
    for group in ("billig_web", "billig_seller", "analyst", "auditor"):
        with login_role(db, group) as role, connect(role) as session, expect("42501", native=True):
            record(session)
    with login_role(db, "bookkeeper") as role, connect(role) as session:
        for call_of in ("select * from bank.disputed_parts()", "select bank.same_dispute('{pi_1}', 50, false)"):
            with expect("42501", native=True):
                session.execute(call_of)
        assert record(session) == ["RECORDED"]
