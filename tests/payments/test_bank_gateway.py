"""Payouts by bank transfer: what goes into the file, that it goes there once, and what the bank's answers mean."""

import os
import pickle
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import sepaxml
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from pybridge.payments.gateways import (
    Answer,
    BadPayload,
    Event,
    NotConfigured,
    Request,
    Word,
    bank_order,
    bank_report,
    open_gateway,
)
from pybridge.payments.gateways.bank import Bank
from pybridge.payments.gateways.bank_order import carried, to_major, to_minor
from tests.support import domain
from tests.support.bank_desk import OURS, Desk, account, iban, settings
from tests.support.bank_desk import desk as desk
from tests.support.bank_desk import outbox as outbox

OURS_BBAN = "86011117947"
NOW = datetime(2026, 4, 15, 9, 30, 12, tzinfo=UTC)
PAIN = {None: bank_order.NAMESPACE}
SCHEMA = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"


def payout(attempt: int = 1, amount: int = 12345, **frozen: Any) -> Request:
    asked = {
        "name": "Kari Nordmann",
        "iban": iban(attempt * 10),
        "description": "Websuggest april 2026",
        "execution_date": "2026-04-16",
        "metadata": {"attempt": attempt},
    }
    asked.update(frozen)
    return Request(
        attempt=attempt,
        kind="PAYOUT",
        amount=amount,
        currency="NOK",
        idempotency_key=f"payout-{attempt}",
        request={name: value for name, value in asked.items() if value is not None},
        submitted_at=NOW,
        batch="2026-04-payouts",
    )


def gateway(outbox: Path, **changed: str) -> Bank:
    opened = open_gateway("bank", settings(outbox, **changed))
    assert isinstance(opened, Bank)
    return opened


@pytest.fixture
def bank(outbox: Path) -> Bank:
    return gateway(outbox)


def sent(outbox: Path) -> list[Path]:
    """What the bank would fetch."""
    return sorted(path for path in outbox.iterdir() if path.is_file())


def order(outbox: Path) -> Any:
    (file,) = sent(outbox)
    return etree.fromstring(file.read_bytes())


def values(document: Any, path: str) -> list[str]:
    return [str(element.text) for element in document.iterfind(path, PAIN)]


def words(answers: list[Answer]) -> list[str]:
    return [f"{answer.answer} {answer.error_code or ''}".strip() for answer in answers]


# --- The file -------------------------------------------------------------------------------------------------------


def test_a_payout_becomes_a_transfer_that_the_standard_allows(bank: Bank, outbox: Path) -> None:
    assert bank.send([payout(bic="DNBANOKK")]) == [Answer("processing", gateway_id="payout-1")]
    (file,) = sent(outbox)
    assert file.name == "2026-04-payouts.xml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document = order(outbox)
    assert values(document, ".//GrpHdr/MsgId") == ["2026-04-payouts"]
    assert values(document, ".//CreDtTm") == ["2026-04-15T09:30:12Z"]
    assert values(document, ".//InstrId") == values(document, ".//EndToEndId") == ["payout-1"]
    assert values(document, ".//ReqdExctnDt/Dt") == ["2026-04-16"]
    assert values(document, ".//InstdAmt") == ["123.45"]
    assert values(document, ".//DbtrAcct/Id/IBAN") == [OURS]
    assert values(document, ".//CdtrAcct/Id/IBAN") == [iban(10)]
    assert values(document, ".//Cdtr/Nm") == ["Kari Nordmann"]
    assert values(document, ".//CdtrAgt/FinInstnId/BICFI") == ["DNBANOKK"]
    assert values(document, ".//Ustrd") == ["Websuggest april 2026"]
    allowed(document)


def allowed(document: Any) -> None:
    """By the published schema; a positive control shows that it is looked at."""
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    schema.assertValid(document)
    broken = etree.fromstring(etree.tostring(document))
    broken.find(".//ChrgBr", PAIN).text = "NOBODY"
    assert not schema.validate(broken)


def test_the_schema_holds_without_bic_and_text_and_with_two_days_and_currencies(outbox: Path) -> None:
    bank = gateway(outbox, BANK_DEBTOR_BIC="DNBANOKKXXX")
    later = payout(2, description=None, execution_date="2026-04-17")
    euro = replace(payout(3, iban="DE89370400440532013000", bic="COBADEFFXXX"), currency="EUR")
    yen = replace(payout(4, amount=1200), currency="JPY")
    assert words(bank.send([later, payout(1), euro, yen])) == ["processing"] * 4
    document = order(outbox)
    allowed(document)
    assert values(document, ".//PmtInfId") == ["2026-04-payouts-20260416", "2026-04-payouts-20260417"]
    assert values(document, ".//EndToEndId") == ["payout-1", "payout-3", "payout-4", "payout-2"]
    amounts = [(e.text, e.get("Ccy")) for e in document.iterfind(".//InstdAmt", PAIN)]
    assert amounts == [("123.45", "NOK"), ("123.45", "EUR"), ("1200", "JPY"), ("123.45", "NOK")]
    assert values(document, ".//PmtInf/CtrlSum") == ["1446.90", "123.45"]
    assert values(document, ".//GrpHdr/CtrlSum") == ["1570.35"]
    assert values(document, ".//DbtrAgt/FinInstnId/BICFI") == ["DNBANOKKXXX"] * 2


def test_a_thousand_payouts_add_up_to_the_ore(bank: Bank, outbox: Path) -> None:
    amounts = [1 + 7919 * n for n in range(1, 999)] + [1, 10**14]
    requests = [payout(n, amount) for n, amount in enumerate(amounts, start=1)]
    assert words(bank.send(requests)) == ["processing"] * 1000
    document = order(outbox)
    allowed(document)
    assert values(document, ".//GrpHdr/NbOfTxs") == values(document, ".//PmtInf/NbOfTxs") == ["1000"]
    total = values(document, ".//GrpHdr/CtrlSum")[0]
    assert to_minor(total, "NOK") == sum(amounts)
    assert sum(Decimal(text) for text in values(document, ".//InstdAmt")) == Decimal(total)
    assert [to_minor(text, "NOK") for text in values(document, ".//InstdAmt")] == amounts


def test_a_full_file_of_the_largest_amounts_is_allowed(bank: Bank, outbox: Path) -> None:
    assert set(words(bank.send([payout(n, bank_order.LARGEST) for n in range(1, 1001)]))) == {"processing"}
    allowed(order(outbox))


@given(amount=st.integers(min_value=0, max_value=10**17), currency=st.sampled_from(sorted(bank_order.DECIMALS)))
def test_amounts_survive_the_way_to_major_units_and_back(amount: int, currency: str) -> None:
    text = to_major(amount, currency)
    assert to_minor(text, currency) == amount
    assert Decimal(text) * 10 ** bank_order.DECIMALS[currency] == amount


@pytest.mark.parametrize("text", ["", "1,00", "-1.00", "1e3", "NaN", " 1", "1.", ".5", "١", "100.005"])
def test_what_is_no_whole_number_of_ore_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError):
        to_minor(text, "NOK")


def test_zeros_beyond_the_ore_are_nothing() -> None:
    assert to_minor("100.05000", "NOK") == 10005
    assert to_minor("100.5", "NOK") == 10050
    assert to_minor("100", "NOK") == 10000


@pytest.mark.parametrize(
    ("given", "carried_as"),
    [
        ("Bjørn Åse Æsop", "Bjørn Åse Æsop"),
        ("A\u030ase", "Åse"),  # composed of two characters
        ("Bang & Olufsen <b>", "Bang + Olufsen b"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("José Müller-Weiß", "Jose Muller-Weiss"),
        ("Đorđe Ŋ", "Dorde Ng"),
        ("Иван Петров", "Ivan Petrov"),
        ("Kari 🎉 Nordmann", "Kari Nordmann"),
        ("a\tb\r\nc\x00d", "a b c d"),
        ("🎉", ""),
    ],
)
def test_characters_that_banks_do_not_carry(given: str, carried_as: str) -> None:
    assert carried(given, 70) == carried_as


@given(st.text(), st.integers(min_value=1, max_value=140))
def test_whatever_is_written_is_carried_and_carried_again_the_same(text: str, length: int) -> None:
    kept = carried(text, length)
    assert len(kept) <= length
    assert carried(kept, length) == kept == kept.strip()
    assert set(kept) <= bank_order._CARRIED


def test_long_names_and_texts_are_cut(bank: Bank, outbox: Path) -> None:
    bank.send([payout(name="ø" * 71, description="å" * 200)])
    assert values(order(outbox), ".//Cdtr/Nm") == ["ø" * 70]
    assert values(order(outbox), ".//Ustrd") == ["å" * 140]
    allowed(order(outbox))


FROZEN = st.fixed_dictionaries(
    {
        "name": st.text(max_size=90),
        "iban": st.sampled_from([iban(1), iban(50), "DE89370400440532013000", "NO00", ""]),
        "description": st.none() | st.text(max_size=160),
        "execution_date": st.dates(date(2026, 1, 1), date(2026, 1, 3)).map(date.isoformat),
    }
)


@given(frozen=st.lists(FROZEN, min_size=1, max_size=6), amounts=st.randoms(use_true_random=False))
def test_the_same_requests_give_the_same_bytes_in_any_order(
    frozen: list[dict[str, Any]], amounts: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    requests = [payout(n, amounts.randint(0, 10**6), **one) for n, one in enumerate(frozen, start=1)]
    shuffled = amounts.sample(requests, len(requests))
    written = []
    for order_of_call in (requests, shuffled):
        folder = tmp_path_factory.mktemp("outbox")
        answers = gateway(folder).send(order_of_call)
        by_key = {r.idempotency_key: a for r, a in zip(order_of_call, answers, strict=True)}
        written.append((by_key, [(file.name, file.read_bytes()) for file in sent(folder)]))
    assert written[0] == written[1]
    for _, data in written[0][1]:
        schema = etree.XMLSchema(etree.parse(SCHEMA))
        schema.assertValid(etree.fromstring(data))
        # What is read back from the journal is what was asked for.
        assert bank_order.read(data).keys() == {k for k, a in written[0][0].items() if a.answer == "processing"}


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iban": "NO9386011117948"}, "invalid_iban"),
        ({"iban": "NO938601111794"}, "invalid_iban"),
        ({"iban": "XX9386011117947"}, "invalid_iban"),
        ({"iban": 9386011117947}, "invalid_iban"),
        ({"iban": None}, "invalid_account"),
        ({"iban": None, "account": "86011117948"}, "invalid_account"),
        ({"iban": None, "account": "4090403"}, "invalid_account"),
        ({"iban": None, "account": "8601111794"}, "invalid_account"),
        ({"account": "86011117947"}, "invalid_account"),  # two accounts, which may differ
        ({"bic": "DNB"}, "invalid_bic"),
        ({"name": ""}, "invalid_name"),
        ({"name": None}, "invalid_name"),
        ({"name": "🎉"}, "invalid_name"),
        ({"name": 7}, "invalid_name"),
        ({"description": ["x"]}, "invalid_description"),
        ({"execution_date": None}, "invalid_execution_date"),
        ({"execution_date": "tomorrow"}, "invalid_execution_date"),
        ({"execution_date": "2026-02-30"}, "invalid_execution_date"),
        ({"amount": 0}, "invalid_amount"),
        ({"amount": -1}, "invalid_amount"),
        ({"amount": 10**15}, "invalid_amount"),
    ],
)
def test_one_that_no_bank_would_pay_is_left_out_and_stops_no_other(
    bank: Bank, outbox: Path, changed: dict[str, Any], code: str
) -> None:
    requests = [payout(1), payout(2, **changed), payout(3)]
    first = bank.send(requests)
    assert words(first) == ["processing", f"rejected {code}", "processing"]
    assert values(order(outbox), ".//EndToEndId") == ["payout-1", "payout-3"]
    assert bank.send(requests) == first
    assert bank.look_up(requests[1]).answer == "not_found"


def test_other_kinds_and_currencies_are_refused(bank: Bank, outbox: Path) -> None:
    requests = [replace(payout(1), kind="CHARGE"), replace(payout(2), currency="XAU"), payout(3)]
    assert words(bank.send(requests)) == ["rejected unsupported_kind", "rejected invalid_currency", "processing"]


def test_where_all_are_refused_there_is_no_file(bank: Bank, outbox: Path) -> None:
    assert words(bank.send([payout(1, amount=0)])) == ["rejected invalid_amount"]
    assert sent(outbox) == []
    assert bank.send([]) == []


@pytest.mark.parametrize("text", ["86011117947", "8601.11.17947", "8601 11 17947"])
def test_a_norwegian_account_number_is_paid_by_its_iban(bank: Bank, outbox: Path, text: str) -> None:
    assert words(bank.send([payout(iban=None, account=text)])) == ["processing"]
    assert values(order(outbox), ".//CdtrAcct/Id/IBAN") == [OURS]


def test_every_wrong_digit_of_an_account_number_is_seen(bank: Bank) -> None:
    for place in range(11):
        for digit in set("0123456789") - {OURS_BBAN[place]}:
            wrong = OURS_BBAN[:place] + digit + OURS_BBAN[place + 1 :]
            with pytest.raises(bank_order.Invalid):
                bank_order.payment(payout(iban=None, account=wrong))
    assert bank_order.payment(payout(iban=None, account=OURS_BBAN)).iban == OURS


@pytest.mark.parametrize(
    "requests",
    [
        [payout(1), replace(payout(2), batch="another")],
        [replace(payout(1), batch=None)],
        [replace(payout(1), batch="../../etc/passwd")],
        [replace(payout(1), batch="b" * 36)],
        [replace(payout(1), batch="NOTPROVIDED")],
        [payout(1), replace(payout(2), idempotency_key="payout-1")],
        [replace(payout(1), idempotency_key="k" * 36)],
        [replace(payout(1), idempotency_key="a/b")],
        [replace(payout(1), idempotency_key="NOTPROVIDED")],
        [replace(payout(1), submitted_at=datetime(2026, 4, 15, 9, 30))],
        [payout(n) for n in range(1, 1002)],
    ],
)
def test_our_own_mistakes_raise_and_send_nothing(bank: Bank, outbox: Path, requests: list[Request]) -> None:
    with pytest.raises(ValueError):
        bank.send(requests)
    assert list(outbox.iterdir()) == []


def test_a_name_that_cannot_be_a_batch_is_not_looked_up(bank: Bank) -> None:
    for batch in (None, "../x"):
        with pytest.raises(ValueError):
            bank.look_up(replace(payout(), batch=batch))


# --- Once -----------------------------------------------------------------------------------------------------------


def test_sent_again_the_answers_are_the_same_and_the_file_is_not_touched(bank: Bank, outbox: Path) -> None:
    requests = [payout(1), payout(2, amount=0)]
    first = bank.send(requests)
    before = [(path, path.stat().st_mtime_ns, path.stat().st_ino) for path in sent(outbox)]
    assert gateway(outbox).send(requests) == first
    assert [(path, path.stat().st_mtime_ns, path.stat().st_ino) for path in sent(outbox)] == before


def test_what_the_bank_has_taken_is_not_written_again(bank: Bank, outbox: Path) -> None:
    requests = [payout(1), payout(2)]
    first = bank.send(requests)
    sent(outbox)[0].unlink()
    assert bank.send(requests) == first
    assert words([bank.look_up(request) for request in requests]) == ["processing"] * 2
    assert sent(outbox) == []


def test_a_part_of_a_batch_may_be_repeated(bank: Bank, outbox: Path) -> None:
    """Some answers were recorded before a crash; only the others are sent again."""
    bank.send([payout(1), payout(2), payout(3)])
    assert words(bank.send([payout(2)])) == ["processing"]
    assert values(order(outbox), ".//EndToEndId") == ["payout-1", "payout-2", "payout-3"]


@pytest.mark.parametrize(
    "changed", [{"amount": 12346}, {"iban": iban(999)}, {"execution_date": "2026-04-17"}, {"name": "Ola"}]
)
def test_a_key_with_other_parameters_is_a_conflict(bank: Bank, outbox: Path, changed: dict[str, Any]) -> None:
    bank.send([payout(1), payout(2)])
    before = sent(outbox)[0].read_bytes()
    assert words(bank.send([payout(1), payout(2, **changed)])) == ["processing", "conflict differs"]
    assert words(bank.send([payout(3)])) == ["conflict differs"]  # and so is one that the batch did not have
    assert sent(outbox)[0].read_bytes() == before


def test_what_was_sent_is_never_called_rejected(bank: Bank) -> None:
    """Were it, it would be paid again under another key."""
    bank.send([payout(1)])
    assert words(bank.send([payout(1, name="")])) == ["conflict differs"]
    assert words(bank.send([replace(payout(1), kind="REFUND")])) == ["conflict differs"]


def test_a_file_of_that_name_that_is_not_ours_is_left_alone(bank: Bank, outbox: Path) -> None:
    (outbox / "2026-04-payouts.xml").write_bytes(b"<Other/>")
    requests = [payout(1), payout(2, amount=0)]
    assert words(bank.send(requests)) == ["conflict file_exists", "rejected invalid_amount"]
    assert sent(outbox)[0].read_bytes() == b"<Other/>"
    assert bank.look_up(requests[0]).answer == "not_found"


def test_the_same_file_is_ours_where_the_journal_was_lost(bank: Bank, outbox: Path) -> None:
    bank.send([payout(1)])
    (outbox / "journal" / "2026-04-payouts.xml").unlink()
    assert words(bank.send([payout(1)])) == ["processing"]
    assert bank.look_up(payout(1)) == Answer("processing", gateway_id="payout-1", amount=12345, currency="NOK")
    assert len(sent(outbox)) == 1


def test_look_up_knows_what_the_journal_knows(bank: Bank) -> None:
    assert bank.look_up(payout(1)) == Answer("not_found")
    bank.send([payout(1)])
    assert bank.look_up(payout(1)) == Answer("processing", gateway_id="payout-1", amount=12345, currency="NOK")
    assert bank.look_up(payout(2)) == Answer("not_found")


@pytest.mark.parametrize("call", ["link", "rename", "fsync", "mkdir"])
def test_a_full_disk_is_no_answer_and_the_next_try_sends(
    bank: Bank, outbox: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        assert words(bank.send([payout(1)])) == ["no_answer outbox"]
        assert sent(outbox) == [] or call == "fsync"
    assert words(bank.send([payout(1)])) == ["processing"]
    assert len(sent(outbox)) == 1
    assert list((outbox / "journal").glob(".*.tmp")) == []


def test_a_journal_that_cannot_be_read_is_no_answer(bank: Bank, outbox: Path) -> None:
    bank.send([payout(1)])
    (outbox / "journal" / "2026-04-payouts.xml").write_bytes(b"<Document")
    assert words(bank.send([payout(1), payout(2, amount=0)])) == ["no_answer outbox"] * 2
    assert words([bank.look_up(payout(1))]) == ["no_answer outbox"]


KILLED = """
import os, pickle, sys
from pybridge.payments.gateways.bank import open_gateway

environment, requests, limit = pickle.load(sys.stdin.buffer)
gateway = open_gateway(environment)
calls = 0

def stops(name):
    real = getattr(os, name)
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls > limit:
            os._exit(9)
        return real(*arguments, **named)
    setattr(os, name, call)

for name in ("mkdir", "open", "fsync", "link", "unlink", "rename"):
    stops(name)
gateway.send(requests)
"""


def test_killed_before_any_system_call_the_file_still_goes_out_once(tmp_path: Path) -> None:
    """The bank takes whatever it sees after the kill; then the same batch is sent again."""
    requests = [payout(1), payout(2)]
    limit, sent_before = 0, []
    while True:
        outbox = tmp_path / str(limit)
        outbox.mkdir(mode=0o750)
        told = pickle.dumps((settings(outbox), requests, limit))
        done = subprocess.run([sys.executable, "-c", KILLED], input=told, check=False)
        assert done.returncode in {0, 9}
        taken = [path.read_bytes() for path in sent(outbox)]
        sent_before.append(len(taken))
        for path in sent(outbox):
            path.unlink()
        assert words(gateway(outbox).send(requests)) == ["processing"] * 2
        taken += [path.read_bytes() for path in sent(outbox)]
        assert len(taken) == 1, f"after {limit} calls"
        assert bank_order.read(taken[0]).keys() == {"payout-1", "payout-2"}
        if done.returncode == 0:
            break
        limit += 1
    assert limit > 15
    assert set(sent_before) == {0, 1}  # killed before it went out, and after


def test_look_up_hands_over_what_a_crash_left_in_the_journal(
    bank: Bank, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", killed)
        with pytest.raises(Killed):
            bank.send([payout(1)])
    assert sent(outbox) == []
    assert bank.look_up(payout(1)).answer == "processing"
    assert len(sent(outbox)) == 1


def test_two_senders_at_once_write_one_file(outbox: Path) -> None:
    answers: list[list[Answer]] = []
    requests = [payout(n) for n in range(1, 50)]
    threads = [threading.Thread(target=lambda: answers.append(gateway(outbox).send(requests))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [answers[0]] * 4
    assert words(answers[0]) == ["processing"] * 49
    assert len(sent(outbox)) == 1


# --- Settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"BANK_OUTBOX": ""},
        {"BANK_OUTBOX": "/nowhere/at/all"},
        {"BANK_OUTBOX": __file__},
        {"BANK_DEBTOR_NAME": ""},
        {"BANK_DEBTOR_NAME": "🎉"},
        {"BANK_DEBTOR_IBAN": ""},
        {"BANK_DEBTOR_IBAN": "NO9386011117948"},
        {"BANK_DEBTOR_BIC": "DNB"},
        {"BANK_MODE": "tset"},
    ],
)
def test_without_its_settings_there_is_no_gateway(outbox: Path, changed: dict[str, str]) -> None:
    with pytest.raises(NotConfigured) as refused:
        gateway(outbox, **changed)
    assert refused.value.hint


def test_an_outbox_moves_real_money_unless_it_is_said_to_be_for_tests(outbox: Path) -> None:
    assert [gateway(outbox, BANK_MODE=mode).is_live for mode in ("test", "", "live")] == [False, True, True]


def test_an_outbox_that_anybody_may_write_into_is_refused(outbox: Path) -> None:
    outbox.chmod(0o757)
    with pytest.raises(NotConfigured, match="anybody"):
        gateway(outbox)


# --- Status reports -------------------------------------------------------------------------------------------------


def pain002(group: str = "", blocks: str = "", *, version: str = "001.10", batch: str = "2026-04-payouts") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.{version}"><CstmrPmtStsRpt>
      <GrpHdr><MsgId>STATUS-1</MsgId><CreDtTm>2026-04-15T12:00:00+02:00</CreDtTm></GrpHdr>
      <OrgnlGrpInfAndSts><OrgnlMsgId>{batch}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>
      {blocks}
    </CstmrPmtStsRpt></Document>""".encode()


def block(status: str = "", transactions: str = "", *, day: str = "20260416") -> str:
    name = f"<OrgnlPmtInfId>2026-04-payouts-{day}</OrgnlPmtInfId>"
    return f"<OrgnlPmtInfAndSts>{name}{status}{transactions}</OrgnlPmtInfAndSts>"


def reason(code: str) -> str:
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>account 12345678901</AddtlInf></StsRsnInf>" if code else ""


def transaction(key: str, status: str, code: str = "", more: str = "") -> str:
    name = f"<OrgnlEndToEndId>{key}</OrgnlEndToEndId>" if key else ""
    return f"<TxInfAndSts>{name}<TxSts>{status}</TxSts>{reason(code)}{more}</TxInfAndSts>"


def said(events: list[Event]) -> list[str]:
    """What events say, without their ids: key or batch, word, reason."""
    out = []
    for event in events:
        whom = event.idempotency_key or f"batch {event.batch}"
        why = event.answer.decline_code or event.answer.error_code or ""
        out.append(f"{whom}: {event.answer.answer} {why}".strip())
    return out


@pytest.mark.parametrize("version", ["001.03", "001.10"])
def test_a_status_report_says_what_became_of_each(bank: Bank, version: str) -> None:
    more = '<OrgnlTxRef><Amt><InstdAmt Ccy="NOK">123.45</InstdAmt></Amt></OrgnlTxRef>'
    statuses = ["ACSC", "ACCC", "ACCP", "ACSP", "ACTC", "ACWC", "PDNG", "RCVD", "NEWX"]
    named = "".join(transaction(f"payout-{n}", status, more=more) for n, status in enumerate(statuses, start=1))
    named += transaction("payout-20", "RJCT", "AC04") + transaction("payout-21", "RJCT")
    events = bank.read_events(pain002("<GrpSts>PART</GrpSts>", block("", named), version=version))
    assert said(events) == [
        "payout-1: succeeded",
        "payout-2: succeeded",
        *(f"payout-{n}: processing" for n in range(3, 10)),
        "payout-20: declined AC04",
        "payout-21: declined RJCT",
    ]
    assert events[0].answer.amount == 12345
    assert events[0].answer.currency == "NOK"
    assert events[0].answer.gateway_id == "payout-1"
    assert events[0].kind == f"pain.002.{version} ACSC"
    assert events[0].occurred_at == datetime(2026, 4, 15, 10, tzinfo=UTC)
    assert len({event.event_id for event in events}) == len(events)
    assert not any("12345678901" in str(event.answer.message) for event in events)  # prose stays with the bank


def test_a_file_refused_as_a_whole_is_an_event_of_its_batch(bank: Bank) -> None:
    events = bank.read_events(pain002(f"<GrpSts>RJCT</GrpSts>{reason('FF01')}"))
    assert said(events) == ["batch 2026-04-payouts: declined FF01"]
    assert events[0].idempotency_key is None
    assert events[0].answer.gateway_id is None


def test_a_file_accepted_as_a_whole_is_an_event_of_its_batch(bank: Bank) -> None:
    assert said(bank.read_events(pain002("<GrpSts>ACTC</GrpSts>"))) == ["batch 2026-04-payouts: processing"]
    assert said(bank.read_events(pain002("<GrpSts>ACSC</GrpSts>"))) == ["batch 2026-04-payouts: succeeded"]


def test_accepted_as_a_whole_does_not_cover_one_that_is_refused(bank: Bank) -> None:
    named = block("", transaction("payout-2", "RJCT", "AC01"))
    assert said(bank.read_events(pain002("<GrpSts>ACSC</GrpSts>", named))) == ["payout-2: declined AC01"]
    foreign = block("", transaction("a/b", "RJCT", "AC01"))
    assert said(bank.read_events(pain002("<GrpSts>ACSC</GrpSts>", foreign))) == []


@pytest.mark.parametrize("code", ["DUPL", "DU01", "AM05"])
def test_a_duplicate_is_not_a_refusal_of_the_first(bank: Bank, code: str) -> None:
    """Were it one, everything in the batch would be paid again."""
    whole = pain002(f"<GrpSts>RJCT</GrpSts>{reason(code)}")
    assert said(bank.read_events(whole)) == [f"batch 2026-04-payouts: processing {code}"]
    inherited = pain002(f"<GrpSts>RJCT</GrpSts>{reason(code)}", block("", transaction("payout-1", "RJCT", "NARR")))
    assert said(bank.read_events(inherited))[0] == "payout-1: processing NARR"
    one = pain002("<GrpSts>PART</GrpSts>", block("", transaction("payout-1", "RJCT", code)))
    assert said(bank.read_events(one)) == [f"payout-1: processing {code}"]


@pytest.mark.parametrize("text", ["Duplicate file", "duplikat av melding", "Filen er en dublett"])
def test_a_duplicate_is_known_by_its_prose_too(bank: Bank, text: str) -> None:
    why = f"<StsRsnInf><Rsn><Cd>NARR</Cd></Rsn><AddtlInf>{text}</AddtlInf></StsRsnInf>"
    assert said(bank.read_events(pain002(f"<GrpSts>RJCT</GrpSts>{why}"))) == ["batch 2026-04-payouts: processing NARR"]


def test_a_block_that_is_refused_refuses_its_payments_and_no_others(bank: Bank) -> None:
    bank.send([payout(1), payout(2), payout(3, execution_date="2026-04-17")])
    refused = block(f"<PmtInfSts>RJCT</PmtInfSts>{reason('DT01')}")
    accepted = block("<PmtInfSts>ACSC</PmtInfSts>", day="20260417")
    events = bank.read_events(pain002("<GrpSts>PART</GrpSts>", refused + accepted))
    assert said(events) == ["payout-1: declined DT01", "payout-2: declined DT01", "payout-3: succeeded"]
    named = block(f"<PmtInfSts>RJCT</PmtInfSts>{reason('DT01')}", transaction("payout-2", "RJCT", "AC04"))
    events = bank.read_events(pain002("", named))
    assert said(events) == ["payout-2: declined AC04", "payout-1: declined DT01"]


def test_a_refusal_of_all_needs_no_journal_for_its_blocks(bank: Bank) -> None:
    file = pain002(f"<GrpSts>RJCT</GrpSts>{reason('FF01')}", block("<PmtInfSts>RJCT</PmtInfSts>"))
    assert said(bank.read_events(file)) == ["batch 2026-04-payouts: declined FF01"]


def test_a_block_that_nobody_knows_is_not_skipped(bank: Bank) -> None:
    with pytest.raises(BadPayload, match="journal"):
        bank.read_events(pain002("<GrpSts>PART</GrpSts>", block("<PmtInfSts>RJCT</PmtInfSts>")))
    assert bank.read_events(pain002("<GrpSts>PART</GrpSts>", block("<PmtInfSts>ACTC</PmtInfSts>"))) == []


@pytest.mark.parametrize(
    "report",
    [
        pain002("<GrpSts>RJCT</GrpSts>", block("", transaction("payout-1", "ACSC"))),
        pain002("<GrpSts>RJCT</GrpSts>", block("<PmtInfSts>RJCT</PmtInfSts>", transaction("payout-1", "ACCP"))),
        pain002("<GrpSts>PART</GrpSts>", block("<PmtInfSts>RJCT</PmtInfSts>", transaction("payout-1", "ACCP"))),
        pain002("<GrpSts>RJCT</GrpSts>", batch="NOTPROVIDED"),
        pain002("<GrpSts>RJCT</GrpSts>", batch=""),
        pain002("<GrpSts>RJCT</GrpSts>", batch="x" * 100),
    ],
)
def test_a_report_that_cannot_be_true_or_names_no_batch_is_for_a_person(bank: Bank, report: bytes) -> None:
    with pytest.raises(BadPayload) as refused:
        bank.read_events(report)
    assert refused.value.hint


def test_other_systems_and_nameless_transactions_are_passed_over(bank: Bank) -> None:
    named = transaction("", "ACSC") + transaction("NOTPROVIDED", "ACSC") + transaction("invoice/7", "ACSC")
    assert bank.read_events(pain002("<GrpSts>PART</GrpSts>", block("", named), batch="other")) == []
    # One that could be ours is told; whether it is, the database knows.
    foreign = pain002("<GrpSts>PART</GrpSts>", block("", transaction("invoice-7", "RJCT", "AC01")), batch="other")
    assert said(bank.read_events(foreign)) == ["invoice-7: declined AC01"]


def test_the_instruction_stands_in_for_a_missing_end_to_end_id(bank: Bank) -> None:
    named = "<TxInfAndSts><OrgnlInstrId>payout-1</OrgnlInstrId><TxSts>ACSC</TxSts></TxInfAndSts>"
    assert said(bank.read_events(pain002("", block("", named)))) == ["payout-1: succeeded"]


# --- Statements -----------------------------------------------------------------------------------------------------


def entry(
    key: str = "payout-1", amount: str = "123.45", *, side: str = "DBIT", status: str = "BOOK", reference: str = "R1",
    code: str = "ESCT", more: str = "", detail: str = "", sum_of: str = "", family: str = "ICDT",
) -> str:  # fmt: skip
    state = status if "<" in status else f"<Cd>{status}</Cd>"
    return f"""<Ntry><NtryRef>1</NtryRef><Amt Ccy="NOK">{sum_of or amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}
      <Sts>{state}</Sts><BookgDt><Dt>2026-04-16</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>
      <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd>
      <NtryDtls><TxDtls><Refs><EndToEndId>{key}</EndToEndId></Refs>{detail}</TxDtls></NtryDtls></Ntry>"""


def camt(entries: str, *, kind: str = "054", version: str = "08", account: str = f"<IBAN>{OURS}</IBAN>") -> bytes:
    body, part = {"053": ("BkToCstmrStmt", "Stmt"), "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}[kind]
    return f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{body}>
      <GrpHdr><MsgId>M-{kind}</MsgId><CreDtTm>2026-04-16T20:00:00</CreDtTm></GrpHdr>
      <{part}><Id>S-{kind}</Id><Acct><Id>{account}</Id></Acct>{entries}</{part}></{body}></Document>""".encode()


def test_a_booked_debit_is_a_payout_that_succeeded(bank: Bank) -> None:
    (event,) = bank.read_events(camt(entry()))
    assert event.idempotency_key == "payout-1"
    assert event.answer == Answer(
        "succeeded", gateway_id="payout-1", amount=12345, currency="NOK", message="camt.054.001.08 ESCT"
    )
    assert event.kind == "camt.054.001.08 ESCT"
    assert event.occurred_at == datetime(2026, 4, 16, tzinfo=UTC)


def test_the_same_fact_of_a_notification_and_a_statement_is_one(bank: Bank) -> None:
    first, second = bank.read_events(camt(entry())), bank.read_events(camt(entry(), kind="053"))
    assert [event.event_id for event in first] == [event.event_id for event in second]
    assert bank.read_events(camt(entry())) == first
    # Without the bank's own reference they differ by file; that is harmless, for both say the same.
    unnamed = camt(entry(reference="")), camt(entry(reference=""), kind="053")
    assert len({event.event_id for file in unnamed for event in bank.read_events(file)}) == 2


def test_a_payment_that_was_booked_twice_is_two_facts(bank: Bank) -> None:
    for reference in ("R1", "R2", ""):
        events = bank.read_events(camt(entry(reference="R1") + entry(reference=reference)))
        assert len({event.event_id for event in events}) == 2
    repeated = bank.read_events(camt(entry() + entry()))
    assert [event.event_id for event in repeated] == [repeated[0].event_id, repeated[0].event_id + "#2"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"code": "RRTN", "detail": "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"}, "AC04"),
        ({"detail": "<RtrInf><Rsn><Prtry>UKJENT</Prtry></Rsn></RtrInf>"}, "UKJENT"),
        ({"code": "RRTN"}, "RRTN"),
        ({"code": "RPCR"}, "RPCR"),
        ({"code": "RRTN", "family": "RCDT"}, "RRTN"),
        ({"more": "<RvslInd>true</RvslInd>"}, "ESCT"),
    ],
)
def test_a_credit_that_takes_a_payout_back_is_a_return(bank: Bank, changed: dict[str, str], why: str) -> None:
    (event,) = bank.read_events(camt(entry(side="CRDT", reference="R9", **changed), kind="053"))
    assert said([event]) == [f"payout-1: returned {why}"]
    assert (event.answer.amount, event.answer.currency) == (12345, "NOK")
    (debit,) = bank.read_events(camt(entry()))
    assert debit.event_id != event.event_id


@pytest.mark.parametrize(
    "entries",
    [
        entry(status="PDNG"),
        entry(status="INFO"),
        entry(status="<Prtry>BOOK</Prtry>"),
        entry(side="CRDT"),  # money that comes in under a name like ours
        entry(more="<RvslInd>true</RvslInd>"),  # a reversal of a credit
        entry(code="RRTN"),  # a debit that sends somebody's money back
        entry(key="NOTPROVIDED"),
        entry(key=""),
        entry(key="invoice/7"),
        "<Ntry><Amt Ccy='NOK'>1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts></Ntry>",
    ],
)
def test_entries_that_say_nothing_of_payouts_are_passed_over(bank: Bank, entries: str) -> None:
    assert said(bank.read_events(camt(entries + entry("payout-2", reference="R2")))) == ["payout-2: succeeded"]


def test_statements_of_other_accounts_are_passed_over(bank: Bank) -> None:
    assert bank.read_events(camt(entry(), account=f"<IBAN>{iban(77)}</IBAN>")) == []
    assert bank.read_events(camt(entry(), account=f"<Othr><Id>{account(77)}</Id></Othr>")) == []
    for ours in (f"<Othr><Id>{OURS_BBAN}</Id></Othr>", "<IBAN>NO93 8601 1117 947</IBAN>"):
        assert said(bank.read_events(camt(entry(), account=ours))) == ["payout-1: succeeded"]
    with pytest.raises(BadPayload, match="no account"):
        bank.read_events(camt(entry()).replace(b"<Acct>", b"<Account>").replace(b"</Acct>", b"</Account>"))


def money(name: str, amount: str, currency: str) -> str:
    return f'<{name}><Amt Ccy="{currency}">{amount}</Amt></{name}>'


@pytest.mark.parametrize(
    ("detail", "amount", "currency"),
    [
        ("", 13345, "NOK"),  # the entry's own, for want of another
        ('<Amt Ccy="NOK">123.45</Amt>', 12345, "NOK"),
        (f"<AmtDtls>{money('TxAmt', '123.45', 'NOK')}</AmtDtls>", 12345, "NOK"),
        (f"<AmtDtls>{money('InstdAmt', '123.45', 'NOK')}</AmtDtls>", 12345, "NOK"),
        # What was moved, if it differs from what was ordered, is for the database to see.
        (f"<AmtDtls>{money('InstdAmt', '123.45', 'NOK')}{money('TxAmt', '123.44', 'NOK')}</AmtDtls>", 12344, "NOK"),
        # An order in another currency than the account's.
        (f"<AmtDtls>{money('InstdAmt', '10.00', 'EUR')}{money('TxAmt', '117.10', 'NOK')}</AmtDtls>", 1000, "EUR"),
        ('<Amt Ccy="THB">1.00</Amt>', None, "THB"),
    ],
)
def test_the_amount_is_what_was_moved(bank: Bank, detail: str, amount: int | None, currency: str) -> None:
    (event,) = bank.read_events(camt(entry(sum_of="133.45", detail=detail)))
    assert (event.answer.amount, event.answer.currency) == (amount, currency)


def test_an_entry_of_many_payments_tells_each(bank: Bank) -> None:
    second = "<TxDtls><Refs><EndToEndId>payout-2</EndToEndId></Refs></TxDtls>"
    third = '<TxDtls><Refs><EndToEndId>payout-3</EndToEndId></Refs><Amt Ccy="NOK">20.00</Amt></TxDtls>'
    many = entry(sum_of="200.00").replace("</NtryDtls>", f"{second}{third}</NtryDtls>")
    events = bank.read_events(camt(many))
    assert said(events) == [f"payout-{n}: succeeded" for n in (1, 2, 3)]
    assert [event.answer.amount for event in events] == [None, None, 2000]  # the sum is nobody's amount


def test_a_fraction_of_an_ore_is_no_amount(bank: Bank) -> None:
    with pytest.raises(BadPayload, match="line"):
        bank.read_events(camt(entry(amount="123.455")))


@pytest.mark.parametrize("version", ["02", "03", "04", "08"])
def test_statements_of_all_versions_are_read(bank: Bank, version: str) -> None:
    old = "<Sts>BOOK</Sts>" if version != "08" else "<Sts><Cd>BOOK</Cd></Sts>"
    file = camt(entry().replace("<Sts><Cd>BOOK</Cd></Sts>", old), kind="053", version=version)
    assert said(bank.read_events(file)) == ["payout-1: succeeded"]
    assert said(bank.read_events(file.replace(b" xmlns=", b" x="))) == ["payout-1: succeeded"]  # and without namespace


def payouts_turned_round(file: Path) -> int:
    """A statement that holds customers' money has no payouts; turned round, the same entries are payouts."""
    data = file.read_bytes()
    number = etree.fromstring(data).find(".//{*}Acct/{*}Id")[0]
    ours = str(number.text if number.tag.endswith("IBAN") else number[0].text)
    assert bank_report.read(data, ours, lambda _: None) == [], file.name
    return len(bank_report.read(data.replace(b"CRDT", b"DBIT"), ours, lambda _: None))


@pytest.mark.parametrize("name", ["camt053.xml", "camt054.xml"])
def test_a_statement_of_customers_money_holds_no_payouts(name: str) -> None:
    assert payouts_turned_round(domain.DATA / name) == 1


def test_banks_own_samples_are_read(bank: Bank) -> None:
    turned_round = 0
    for file in sorted((domain.standards("camt") / "samples").glob("*.xml")):
        if "wrong" in file.name:
            with pytest.raises(BadPayload, match="no statement"):
                bank.read_events(file.read_bytes())
        else:
            turned_round += payouts_turned_round(file)
    assert turned_round == 5


def test_every_entry_of_a_large_statement_is_read(bank: Bank) -> None:
    entries = "".join(entry(f"payout-{n}", reference=f"R{n}") for n in range(20_000))
    events = bank.read_events(camt(entries, kind="053"))
    assert len({event.event_id for event in events}) == 20_000


# --- What is no message of a bank -----------------------------------------------------------------------------------


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 30))


@pytest.mark.parametrize(
    "declaration",
    [
        f'<!DOCTYPE Document [<!ENTITY a0 "ha">{LAUGHS}]>',
        '<!DOCTYPE Document [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">',
    ],
)
def test_a_file_with_a_document_type_is_refused(bank: Bank, declaration: str) -> None:
    for name in ("a29", "f"):
        with pytest.raises(BadPayload):
            bank.read_events(declaration.encode() + camt(entry(key=f"&{name};")))
    with pytest.raises(BadPayload, match="document type"):
        bank.read_events(declaration.encode() + camt(entry()))


def test_a_damaged_file_is_refused_with_its_place_and_tells_nothing(bank: Bank) -> None:
    whole = camt("\n".join(entry(f"payout-{n}", reference=f"R{n}") for n in range(50)))
    with pytest.raises(BadPayload, match=r"line \d+, column \d+"):
        bank.read_events(whole[: len(whole) // 2])
    with pytest.raises(BadPayload, match=r"line 1, column"):
        bank.read_events(b"<Document><a></b></Document>")


@pytest.mark.parametrize(
    "payload", [b"", b"   ", b"\x00\x01", b"{}", b"<a/>", b"<Document/>", b"<Document><X/></Document>"]
)
def test_what_is_no_bank_message_is_refused(bank: Bank, payload: bytes) -> None:
    with pytest.raises(BadPayload) as refused:
        bank.read_events(payload)
    assert refused.value.hint


@example(b"}", 60)  # in the name of a namespace
@given(st.binary(max_size=200), st.integers(min_value=0))
def test_whatever_comes_it_is_events_or_a_bad_payload(noise: bytes, place: int) -> None:
    file = pain002("<GrpSts>RJCT</GrpSts>", block("", transaction("payout-1", "RJCT", "AC04"))) + b" "
    at = place % len(file)
    for payload in (noise, file[:at] + noise[:3] + file[at + len(noise[:3]) :]):
        try:
            events = bank_report.read(payload, OURS, lambda _: None)
        except BadPayload:
            continue
        assert all(event.answer.answer in get_args(Word) for event in events)


# --- Against a bank -------------------------------------------------------------------------------------------------


def told(bank: Bank, desk: Desk, kind: str = "") -> list[Event]:
    return [event for type_, body in desk.post() if type_.startswith(kind) for event in bank.read_events(body)]


def test_a_bank_takes_the_file_and_its_answers_are_read(bank: Bank, outbox: Path, desk: Desk) -> None:
    closed = {"id": "CLOSED", "name": "Gone", "iban": iban(500), "currency": "NOK", "bic": "MOCKNL2A", "closed": True}
    desk.ask("POST", "/_mock/accounts", closed)
    requests = [
        payout(1),
        payout(2, iban=iban(500)),
        payout(3, iban=None, account=account(30), name="Åse Ærlig & Sønn"),
    ]
    assert words(bank.send(requests)) == ["processing"] * 3
    (file,) = desk.fetch()
    assert (file["ok"], file["status"], file["accepted"], file["rejected"], file["error"]) == (True, "PART", 2, 1, "")
    assert [finding for finding in file["findings"] if finding.startswith("error")] == []
    assert said(told(bank, desk)) == ["payout-1: processing", "payout-2: declined AC04", "payout-3: processing"]
    desk.wait(days=1)
    notified = told(bank, desk, "camt.054")
    assert said(notified) == ["payout-1: succeeded", "payout-3: succeeded"]
    assert [(event.answer.amount, event.answer.currency) for event in notified] == [(12345, "NOK")] * 2
    desk.wait(days=1)
    assert {event.event_id for event in told(bank, desk, "camt.053")} == {event.event_id for event in notified}
    # A repetition now writes nothing, so the bank gets nothing twice.
    assert words(bank.send(requests)) == ["processing"] * 3
    assert desk.fetch() == []


def test_a_payout_that_comes_back_is_told_twice_as_one_fact(bank: Bank, desk: Desk) -> None:
    desk.set("OURS", behaviour="return-later", parameters={"days": 2, "reason": "AC04", "end_to_end_id": "payout-2"})
    bank.send([payout(1), payout(2)])
    desk.fetch()
    for _ in range(8):
        desk.wait(days=1)
    events = told(bank, desk, "camt")
    facts = {event.event_id: event for event in events}
    assert len(events) == 2 * len(facts)  # each in a notification and in a statement
    assert sorted(said(list(facts.values()))) == [
        "payout-1: succeeded",
        "payout-2: returned AC04",
        "payout-2: succeeded",
    ]
    assert {event.answer.amount for event in events} == {12345}


def test_a_bank_that_gets_a_file_twice_does_not_make_us_pay_twice(bank: Bank, outbox: Path, desk: Desk) -> None:
    bank.send([payout(1)])
    copy = sent(outbox)[0].read_bytes()
    desk.fetch()
    assert said(told(bank, desk)) == ["payout-1: processing"]
    (outbox / "2026-04-payouts.xml").write_bytes(copy)  # whoever carries the files carries it again
    assert [file["reason"] for file in desk.fetch()] == ["DUPL"]
    assert said(told(bank, desk)) == ["batch 2026-04-payouts: processing DUPL"]
    desk.wait(days=1)
    assert said(told(bank, desk, "camt.054")) == ["payout-1: succeeded"]


def test_a_bank_that_refuses_the_file_or_has_no_money(bank: Bank, desk: Desk) -> None:
    desk.set("OURS", behaviour="reject-file")
    bank.send([payout(1)])
    desk.fetch()
    assert said(told(bank, desk)) == ["batch 2026-04-payouts: declined FF01"]
    desk.set("OURS", behaviour="insufficient-funds", balance=20_000)
    bank.send([replace(payout(n), batch="second") for n in (2, 3)])
    desk.fetch()
    assert said(told(bank, desk)) == ["payout-2: processing", "payout-3: declined AM04"]


def test_a_thousand_payouts_are_settled_to_the_ore(bank: Bank, desk: Desk) -> None:
    requests = [payout(n, amount=100 + n) for n in range(1, 1001)]
    assert set(words(bank.send(requests))) == {"processing"}
    (file,) = desk.fetch()
    assert (file["status"], file["accepted"]) == ("ACCP", 1000)
    desk.wait(days=1)
    events = told(bank, desk, "camt.054")
    assert {e.idempotency_key: e.answer.amount for e in events} == {r.idempotency_key: r.amount for r in requests}
    left = desk.ask("GET", "/_mock/accounts/OURS")["balance"]
    assert 10_000_000 - left == sum(request.amount for request in requests)
