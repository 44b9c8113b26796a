"""Acquirers' reports in their own formats: found by their looks, read whole, and what is left out is said."""

import io
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pybridge import errors
from pybridge.cli.main import app
from pybridge.files import payouts
from pybridge.files.payouts import Item, Left, Line, Payout, Report
from pybridge.files.payouts.explained import explain
from pybridge.files.tables import Unreadable, layout
from tests.conftest import Connection
from tests.support.banking import match_open, route
from tests.support.domain import call_in, expect, one, rows
from tests.support.payouts import DAY, PAID, ROUTE, L, booked, items, load, stripe

D = Decimal

SECTIONS = """\
OrganizationNumber,MerchantName
999888777,STUDENTFORENING
Name,VisitingAddress,Postbox,Zipno,Place,Country,CompanyNumber
Vipps AS,Gata 1,,0105,Oslo,Norge,918713867
SettlementInfo,SalesUnitName,SaleUnitNumber,SettlementDate,SettlementID,SettlementAccount,Gross,Currency,Fee,Refund,Net,NumberOfTransactions
SettlementInfo,UKA,16655,16.11.2026,2000400,15060012345,100.00,NOK,-1.75,-20.00,78.25,2
FeeInfo,SettlementDate,SaleUnitName,SaleUnitNumber,FeeAccount,Fee,Currency
FeeInfo,16.11.2026,UKA,16655,15060012345,9.00,NOK
TransactionInfo,SalesDate,SaleUnitName,SaleUnitNumber,TransactionId,SettlementId,OrderID,SettlementDate,Gross,Currency,Fee,Refund,Net
TransactionInfo,14.11.2026,UKA,16655,111,2000400,O1,16.11.2026,100.00,NOK,-1.75,0.00,98.25
TransactionInfo,14.11.2026,UKA,16655,112,2000400,O1,16.11.2026,0.00,NOK,0.00,-20.00,-20.00
"""
AGAIN = "".join(f"{each}\n" for each in SECTIONS.splitlines()[4:] if not each.startswith("FeeInfo"))


def settlement(*transactions: tuple[str, str, str], kind: str = "Net", settled: str) -> str:
    """Vipps' XML: number, net and fee of each."""
    said = "".join(
        f"<TransactionInfo><TransactionID>{number}</TransactionID><TransactionTime>2026-11-14T12:30:00+01:00"
        f"</TransactionTime><OrderID>O{number}</OrderID><TransactionGrossAmount>{D(net) + abs(D(fee))}"
        f"</TransactionGrossAmount><TransactionFeeAmount>{fee}</TransactionFeeAmount>"
        f"<TransactionNetAmount>{net}</TransactionNetAmount></TransactionInfo>"
        for number, net, fee in transactions
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><SettlementReport xmlns="urn:vipps:settlement:3"><PaymentsInfo>'
        f"<SettlementInfo><SettlementID>2000400</SettlementID><SettlementDate>2026-11-16</SettlementDate>"
        f"<SettlementType>{kind}</SettlementType>{said}<SettledAmount>{settled}</SettledAmount>"
        "</SettlementInfo></PaymentsInfo></SettlementReport>"
    )


ADYEN = """\
Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,\
Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),\
Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,\
Modification Merchant Reference,Batch Number
UKA,UKACOM,PSP1,ORD1,visa,2026-11-14 10:00:00,CET,Settled,MOD1,NOK,,100.00,1,NOK,,98.50,,0.50,0.40,0.60,visa,,17
UKA,UKACOM,PSP2,ORD0,visa,2026-11-15 10:00:00,CET,Refunded,MOD2,NOK,50.00,,1,NOK,50.00,,,,,,visa,,17
UKA,UKACOM,PSP3,ORD3,visa,2026-11-15 10:00:00,CET,Chargeback,MOD3,NOK,10.00,,1,NOK,12.00,,,2.00,,,visa,,17
UKA,UKACOM,,,,2026-11-16 10:00:00,CET,Fee,,,,,,NOK,1.00,,,,,,,,17
UKA,UKACOM,,,,2026-11-16 10:00:00,CET,MerchantPayout,TX17,,,,,NOK,35.50,,,,,,,,17
UKA,UKACOM,PSP4,ORD4,visa,2026-11-17 10:00:00,CET,Settled,MOD4,EUR,,10.00,11,NOK,,108.00,2.00,,,,visa,,18
"""
STL = """\
"RH",2026/11/17 04:00:00 +0100,"A","UKACOM","011"
"FH",1
"SH",2026/11/16 00:00:00 +0100,2026/11/16 23:59:59 +0100,"UKACOM",""
"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code",\
"Transaction Initiation Date","Transaction Completion Date","Transaction  Debit or Credit","Gross Transaction Amount",\
"Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID"
"SB","T1","O1","","","T0006",2026/11/16 10:00:00 +0100,2026/11/16 10:00:00 +0100,"CR",10000,"NOK","DR",340,"NOK","",""
"SB","T2","O0","T0","TXN","T1107",2026/11/16 11:00:00 +0100,2026/11/16 11:00:00 +0100,"DR",5000,"NOK","CR",0,"NOK","",""
"SB","T3","","","","T0400",2026/11/16 12:00:00 +0100,2026/11/16 12:00:00 +0100,"DR",4660,"NOK","",0,"NOK","",""
"SB","T4","O4","","","T0006",2026/11/16 13:00:00 +0100,2026/11/16 13:00:00 +0100,"CR",700,"EUR","DR",30,"EUR","",""
"SF","NOK",10000,5000
"SC",4
"RF","NOK",1
"RC",4
"""
ACTIVITY_HEADER = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID",'
    '"Reference Txn ID","Invoice Number","Balance","Balance Impact"\n'
)
ACTIVITY = ACTIVITY_HEADER + (
    '"14/11/2026","10:00:00","CET","Kari","Express Checkout Payment","Completed","NOK","1,100.00","-34.00","1,066.00",'
    '"T1","","O1","1,086.00","Credit"\n'
    '"14/11/2026","11:00:00","CET","Ola","Express Checkout Payment","Pending","NOK","50.00","0.00","50.00",'
    '"T2","","O2","1,086.00","Memo"\n'
    '"15/11/2026","11:00:00","CET","Ola","Payment Refund","Completed","NOK","-50.00","0.00","-50.00","T3","T0","O0",'
    '"1,036.00","Debit"\n'
    '"16/11/2026","12:00:00","CET","","General Withdrawal","Completed","NOK","-1,000.00","0.00","-1,000.00","T4","","",'
    '"36.00","Debit"\n'
)
WORLDLINE = """\
UID,Merchant Name,Type of record,Paym. date,Brand,Trx Date,Gross Amount,Comm. Amount,Net amount,Reference
1,UKA,Merchant Total,16.11.2026,VI,,150.00,-1.50,148.50,
1,UKA,Pos Total,16.11.2026,VI,,150.00,-1.50,148.50,
1,UKA,Trx,16.11.2026,VI,14.11.2026,100.00,-1.00,99.00,A1
1,UKA,Trx,16.11.2026,VI,14.11.2026,50.00,-0.50,49.50,A2
1,UKA,Merchant Total,16.11.2026,MC,,-20.00,0.00,-20.00,
1,UKA,Trx,16.11.2026,MC,14.11.2026,-20.00,0.00,-20.00,A3
"""
ZETTLE = """[
{"timestamp": "2026-11-16T04:00:00.000+0000", "amount": -9825, "originatorTransactionType": "PAYOUT",
 "originatingTransactionUuid": "u-3"},
{"timestamp": "2026-11-14T12:00:01.000+0000", "amount": -175, "originatorTransactionType": "PAYMENT_FEE",
 "originatingTransactionUuid": "u-1"},
{"timestamp": "2026-11-14T12:00:00.000+0000", "amount": 10000, "originatorTransactionType": "PAYMENT",
 "originatingTransactionUuid": "u-1"},
{"timestamp": "2026-11-17T12:00:00.000+0000", "amount": 5000, "originatorTransactionType": "PAYMENT",
 "originatingTransactionUuid": "u-4"}
]"""
SUMUP = """\
id,type,amount,date,currency,fee,status,reference,transaction_code
1,PAYOUT,98.25,2026-11-16,NOK,1.75,SUCCESSFUL,SUMUP-PID77,TAAA1
2,PAYOUT,49.00,2026-11-16,NOK,1.00,SUCCESSFUL,SUMUP-PID77,TAAA2
3,REFUND_DEDUCTION,20.00,2026-11-16,NOK,0,SUCCESSFUL,SUMUP-PID77,TAAA0
4,PAYOUT,10.00,2026-11-17,NOK,0.20,FAILED,SUMUP-PID78,TAAA4
"""

Expected = tuple[str, str, list[tuple[str, str | None]], Counter[str], int, int]
"""The format; the payouts with what they are; kinds of lines; lines that wait, and that are left out."""

FORMATS: dict[str, tuple[str, str, list[tuple[str, str]], dict[str, int], int, int]] = {
    "vipps in sections": (
        SECTIONS,
        "vipps-settlement",
        [("16655-2000400", "78.25")],
        {"PAYMENT": 1, "REFUND": 1},
        0,
        1,
    ),
    "vipps in sections twice": (
        SECTIONS + AGAIN,
        "vipps-settlement",
        [("16655-2000400", "78.25")],
        {"PAYMENT": 1, "REFUND": 1},
        0,
        1,
    ),
    "vipps in XML": (
        settlement(("111", "98.25", "-1.75"), ("112", "-20.00", "0.00"), settled="78.25"),
        "vipps-settlement",
        [("2000400", "78.25")],
        {"PAYMENT": 1, "REFUND": 1},
        0,
        0,
    ),
    "vipps in XML, gross": (
        settlement(("111", "98.25", "1.75"), kind="Gross", settled="100.00"),
        "vipps-settlement",
        [("2000400", "100")],
        {"PAYMENT": 1},
        0,
        0,
    ),
    "adyen": (
        ADYEN,
        "adyen",
        [("UKACOM 17 NOK", "35.5")],
        {"PAYMENT": 2, "REFUND": 1, "DISPUTE": 1, "FEE": 1},
        1,
        0,
    ),
    "paypal's settlement report": (STL, "paypal", [("T3", "46.60")], {"PAYMENT": 2, "REFUND": 1}, 1, 0),
    "paypal's activity": (ACTIVITY, "paypal", [("T4", "1000")], {"PAYMENT": 1, "REFUND": 1, "ADJUSTMENT": 1}, 0, 1),
    "worldline": (WORLDLINE, "worldline", [("UKA 2026-11-16", "128.50")], {"PAYMENT": 2, "REFUND": 1}, 0, 1),
    "zettle": (ZETTLE, "zettle", [("u-3", "98.25")], {"PAYMENT": 2, "FEE": 1}, 1, 0),
    "sumup": (SUMUP, "sumup", [("SUMUP-PID77 2026-11-16", "127.25")], {"PAYMENT": 3, "REFUND": 1}, 1, 0),
}


def read(content: str, report: Report | None = None) -> tuple[str, list[Item]]:
    reading = payouts.read(io.BytesIO(content.encode()), None, report)
    return reading.format, list(reading.items)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_found_by_its_looks_and_its_lines_are_its_payouts(name: str) -> None:
    content, kind, wanted, kinds, waiting, left = FORMATS[name]
    found, read_items = read(content)
    lines = [each for each in read_items if isinstance(each, Line)]
    paid = [each for each in read_items if isinstance(each, Payout)]
    assert found == kind
    nets = {each.payout_id: sum((line.net for line in lines if line.payout == each.payout), D(0)) for each in paid}
    assert {name: D(net) for name, net in wanted} == nets
    assert all(each.net in {None, nets[each.payout_id]} for each in paid)
    assert all(line.gross - line.fee == line.net for line in lines)
    assert Counter(line.kind for line in lines) == kinds
    numbers = {each.payout for each in paid}
    assert sum(line.payout not in numbers for line in lines) == waiting
    assert sum(isinstance(each, Left) for each in read_items) == left
    explained = explain(payouts.read(io.BytesIO(content.encode())))
    assert explained.is_whole
    assert sum(explained.kinds.values()) == len(lines)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_loaded_and_what_it_has_of_other_money_is_said(
    db: Connection, tmp_path: Path, name: str
) -> None:
    content, kind, wanted, _, _, _ = FORMATS[name]
    route(db, "PAYMENT", ROUTE)
    done = load(db, tmp_path, content)
    assert (done.format, done.payouts, done.amount) == (kind, len(wanted), sum(D(net) for _, net in wanted))
    assert done.is_whole
    if name == "paypal's settlement report":
        assert done.left_out == ["EUR: 0 payouts, 1 lines, 6.70"]


def test_of_several_currencies_in_a_file_those_of_the_account_are_loaded(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    content = stripe(
        L("1", "200.00", "4.80"),
        L("2", "10.00", "1.00", currency="eur", payout="po_2"),
        L("3", "7.00", currency="sek", payout=""),
    )
    done = load(db, tmp_path, content)
    assert (done.payouts, done.lines, done.waiting_lines) == (1, 1, 0)
    assert done.left_out == ["EUR: 1 payouts, 1 lines, 9.00", "SEK: 0 payouts, 1 lines, 7.00"]
    booked(db, tmp_path, ("195.20", "STRIPE"))
    assert match_open(db) == {"PAYOUT": 1}


def test_a_report_that_was_not_whole_is_withdrawn_and_the_whole_one_loaded(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200), ("2", 100))
    part, whole = stripe(L("1", "200.00")), stripe(L("1", "200.00"), L("2", "100.00"))
    load(db, tmp_path, part)
    with pytest.raises(errors.PayoutDiffers):
        load(db, tmp_path, whole)
    number = one(db, "select payout from bank.payout")
    with expect("22023"):
        call_in(db, "bank", "withdraw_payout", payout=number, reason=" ")
    call_in(db, "bank", "withdraw_payout", payout=number, reason="half of it was missing")
    with expect("23B85"):
        call_in(db, "bank", "withdraw_payout", payout=number, reason="again")
    with expect("P0002"):
        call_in(db, "bank", "withdraw_payout", payout=-1, reason="none")
    assert load(db, tmp_path, whole).payouts == 1
    assert [tuple(row.values()) for row in rows(db, "select state, net from report.payout order by payout")] == [
        ("WITHDRAWN", 200),
        ("NOT ARRIVED", 300),
    ]
    booked(db, tmp_path, (300, "po_1"))
    assert match_open(db) == {"PAYOUT": 1}
    with expect("23B82"):
        call_in(db, "bank", "withdraw_payout", payout=number + 1, reason="too late")


def test_a_file_whose_payout_was_withdrawn_is_loaded_again(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200), ("2", 100))
    both = stripe(L("1", "200.00"), L("2", "100.00", payout="po_2"))
    load(db, tmp_path, both)
    assert load(db, tmp_path, both).already
    first = one(db, "select min(payout) from bank.payout")
    call_in(db, "bank", "withdraw_payout", payout=first, reason="withdrawn by mistake")
    again = load(db, tmp_path, both)
    assert (again.already, again.payouts, again.known_payouts) == (False, 2, 1)
    assert load(db, tmp_path, both).already, "once"
    assert [row["replaces"] for row in rows(db, "select replaces from bank.payout order by payout")] == [
        *(None, None),
        first,
    ]


@pytest.mark.parametrize("first", ["sections", "xml"])
def test_a_settlement_that_two_formats_tell_of_is_one(db: Connection, tmp_path: Path, first: str) -> None:
    """The sections name the sale unit, the XML does not."""
    route(db, "DAY", "VIPPS")
    xml = settlement(("111", "98.25", "-1.75"), ("112", "-20.00", "0.00"), settled="78.25").replace("O112", "O1")
    told = [SECTIONS, xml] if first == "sections" else [xml, SECTIONS]
    assert [load(db, tmp_path, each, to="VIPPS").known_payouts for each in told] == [0, 1]
    other = SECTIONS.replace("16655", "16656").replace("111", "211").replace("112", "212")
    assert load(db, tmp_path, other, to="VIPPS").known_payouts == 0, "another sale unit's settlement of that number"


def test_a_withdrawn_payout_is_in_no_match(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00")))
    call_in(db, "bank", "withdraw_payout", payout=one(db, "select payout from bank.payout"), reason="partial")
    booked(db, tmp_path, (200, "po_1"))
    assert match_open(db) == {"AMOUNT": 1}, "as if the report had never been"


MAP = """\
currency = "NOK"
delimiter = ","
decimal = "."
date = "%Y-%m-%d"
totals = ["Sum"]
stop = ["Details"]
[columns]
payout_id = "Batch"
paid_on = "Paid"
occurred_on = "Sold"
gross_credit = "In"
gross_debit = "Out"
fee = "Commission"
fee_2 = "Scheme"
net_credit = "Net in"
net_debit = "Net out"
order = "Order"
[dates]
occurred_on = "%d.%m.%Y"
"""
MAPPED = """\
Report of UKA
Batch,Paid,Sold,In,Out,Commission,Scheme,Net in,Net out,Order
17,2026-01-16,14.01.2026,100.00,0.00,1.00,0.50,98.50,,O1
17,2026-01-16,14.01.2026,,50.00,,,,50.00,O0
Sum,,,100.00,50.00,1.00,0.50,98.50,50.00,
Details of the merchant
a,b
"""


def test_a_map_has_fees_sides_totals_and_a_form_of_each_day(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    kind, found = read(MAPPED, layout(tmp_path / "map.toml", Report))
    lines = [each for each in found if isinstance(each, Line)]
    assert kind == "csv"
    assert [(each.kind, each.gross, each.fee, each.net, each.refs) for each in lines] == [
        ("PAYMENT", D(100), D("1.50"), D("98.50"), ["O1"]),
        ("REFUND", D(-50), D(0), D(-50), ["O0"]),
    ]
    assert {each.occurred_on for each in lines} == {DAY}
    assert [each.paid_on for each in found if isinstance(each, Payout)] == [PAID]


WRONG = {
    "a settlement of nowhere": (SECTIONS.replace("112,2000400", "112,2000401"), "line 11, SettlementId: there is no"),
    "no amount": (SECTIONS.replace("-1.75,0.00,98.25", "-1.75,0.00,98.x"), "line 10, Net: no amount"),
    "an entity": (
        '<!DOCTYPE a [<!ENTITY b "c">]>' + settlement(("1", "2.00", "0"), settled="2.00").split("?>")[1],
        "line 1: a document type",
    ),
    "fees that are not the difference": (
        ADYEN.replace(",,98.50,", ",,98.40,"),
        "line 2, Gross Credit (GC): gross 100.00",
    ),
    "day or month": (
        ACTIVITY.replace("14/11", "04/11").replace("15/11", "05/11").replace("16/11", "06/11"),
        "line 2, Date: day",
    ),
    "lines missing": (STL.replace('"RC",4', '"RC",5'), "line 12, RC: 4 lines, not 5"),
    "neither credit nor debit": (STL.replace('"CR",10000', '"XX",10000'), "line 5, transactiondebitorcredit: neither"),
    "no list": ('{"timestamp": 1, "amount": 2, "originatorTransactionType": 3}', "line 1: no list of records"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_format_is_named_by_line_and_column(name: str) -> None:
    content, said = WRONG[name]
    with pytest.raises(Unreadable) as refused:
        read(content)
    assert str(refused.value).startswith(said)


def test_explain_says_what_would_be_read_and_asks_no_database(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text(ADYEN)
    told = CliRunner().invoke(app, ["bank", "payout", "--explain", str(path)], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    for said in ("Format: adyen", "not paid out yet", "35.50"):
        assert said in told.output
    path.write_text(ADYEN.replace("MerchantPayout", "Fee"))
    assert CliRunner().invoke(app, ["bank", "payout", "--explain", str(path)]).exit_code == 1


def test_the_day_of_a_line_is_a_day() -> None:
    (line,) = (
        each for each in read(settlement(("111", "98.25", "1.75"), settled="98.25"))[1] if isinstance(each, Line)
    )
    assert line.occurred_on == date(2026, 11, 14)
