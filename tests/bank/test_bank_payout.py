"""Payouts of acquirers: read as their reports have them, loaded once, and matched only where every line fits."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pybridge import errors
from pybridge.files.payouts import Report
from pybridge.files.tables import Unreadable, layout
from tests.conftest import Connection
from tests.support import banking
from tests.support.banking import expected, match_open, matched, route, sound
from tests.support.domain import call_in, consistency, expect, one, rows, run
from tests.support.payouts import DAY, PAID, ROUTE, L, booked, items, load, stripe

D = Decimal


def differences(db: Connection) -> list[tuple[int | None, str]]:
    found = rows(db, "select line, reason from report.payout_difference order by payout, line")
    return [(row["line"], row["reason"]) for row in found]


def state(db: Connection) -> dict[str, str]:
    return {row["payout_id"]: row["state"] for row in rows(db, "select payout_id, state from report.payout")}


# --- Files ----------------------------------------------------------------------------------------------------------


def test_stripes_report_gives_payouts_and_their_lines(db: Connection, tmp_path: Path) -> None:
    route(db, "PAYMENT", ROUTE)
    content = stripe(
        L("1", "200.00", "4.80"),
        L("2", "-50.00", category="refund"),
        L("3", "100.00", "3.30", payout="po_2"),
        L("4", "-10.00", category="fee"),
        L("5", "-150.00", "15.00", category="dispute", payout="po_2"),
        L("6", "900.00", payout=""),
    )
    done = load(db, tmp_path, content)
    assert (done.format, done.payouts, done.known_payouts, done.lines, done.waiting_lines) == ("stripe", 2, 0, 5, 1)
    assert rows(db, "select payout_id, paid_on, gross, fee, other, net, lines from bank.payout order by 1") == [
        {
            "payout_id": "po_1",
            "paid_on": PAID,
            "gross": 150,
            "fee": D("14.8"),
            "other": 0,
            "net": D("135.2"),
            "lines": 3,
        },
        {
            "payout_id": "po_2",
            "paid_on": PAID,
            "gross": -50,
            "fee": D("18.3"),
            "other": 0,
            "net": D("-68.3"),
            "lines": 2,
        },
    ]
    (first, *_, last) = rows(
        db, "select line, kind, refs, occurred_on, gross, fee, net from bank.payout_line order by 1"
    )
    assert first == {
        "line": 2,
        "kind": "PAYMENT",
        "refs": ["ch_1", "pi_1", "re_0", "txn_0"],
        "occurred_on": DAY,
        "gross": 200,
        "fee": D("4.8"),
        "net": D("195.2"),
    }
    assert (last["line"], last["kind"]) == (6, "DISPUTE")
    assert last["refs"] == ["re_4", "pi_5", "ch_5"], "its own name first"


def test_a_payouts_own_line_is_its_sum(db: Connection, tmp_path: Path) -> None:
    route(db, "PAYMENT", ROUTE)
    paid = L("x", "-195.20", category="payout")
    load(db, tmp_path, stripe(L("1", "200.00", "4.80"), paid))
    with pytest.raises(errors.PayoutRefused) as refused:
        load(
            db,
            tmp_path,
            stripe(L("1", "200.00", "4.81", payout="po_3"), L("x", "-195.20", category="payout", payout="po_3")),
        )
    assert refused.value.detail == "Line 2."


PORTAL = """\
Sales unit,MSN/Vipps number,Country,Payment solution,Time,Booking date,Type,Amount,Balance,Fee,Net amount,Currency,\
Customer name,Customer phone number,Message,Category,PSP reference,Order ID/Reference
Hall,100,Norway,Open amount,2026-01-14 19:53:00,2026-01-14,Capture,400.00,400.00,-7.00,393.00,NOK,Kari,,,,111,A
Bar,200,Norway,Open amount,2026-01-14 19:54:00,2026-01-14,Capture,80.00,80.00,-1.00,79.00,NOK,Ola,,,,222,B
Hall,100,Norway,,2026-01-14 20:10:00,2026-01-14,Refund,-50.00,350.00,,,NOK,,,,,333,A
Hall,100,Norway,,2026-01-15 00:10:00,2026-01-14,Fees retained,-7.00,343.00,,,NOK,,,,,77-20260114,
Hall,100,Norway,,2026-01-15 00:10:00,2026-01-14,Payout scheduled,-343.00,0.00,,,NOK,,,,,77-2000400,Utb. 2000400
Hall,100,Norway,,2026-01-15 12:00:00,2026-01-15,Capture,10.00,10.00,,,NOK,,,,,444,C
"""
API = """\
pspReference,time,ledgerDate,entryType,reference,currency,amount,recipientHandle
111,2026-01-14T18:53:00.000000Z,2026-01-14,capture,A,NOK,40000,NO:100
333,2026-01-14T19:10:00.000000Z,2026-01-14,refund,A,NOK,-5000,NO:100
77-20260114,2026-01-14T23:10:00.000000Z,2026-01-14,fees-retained,,NOK,-700,
77-2000400,2026-01-14T23:10:00.000000Z,2026-01-14,payout-scheduled,,NOK,-34300,
"""


def test_vipps_ledger_is_the_same_from_portal_and_api(db: Connection, tmp_path: Path) -> None:
    route(db, "DAY", "VIPPS")
    done = load(db, tmp_path, PORTAL, to="VIPPS")
    assert (done.format, done.payouts, done.lines, done.waiting_lines) == ("vipps", 1, 3, 2)
    (payout,) = rows(db, "select payout_id, names, paid_on, gross, fee, other, net from bank.payout")
    assert payout == {
        "payout_id": "77-2000400",
        "names": ["2000400", "77-2000400"],
        "paid_on": DAY,
        "gross": 350,
        "fee": 7,
        "other": 0,
        "net": 343,
    }
    assert rows(db, "select kind, refs, gross, fee, net from bank.payout_line order by line") == [
        {"kind": "PAYMENT", "refs": ["111", "A"], "gross": 400, "fee": 0, "net": 400},
        {"kind": "REFUND", "refs": ["333", "A"], "gross": -50, "fee": 0, "net": -50},
        {"kind": "FEE", "refs": ["77-20260114"], "gross": 0, "fee": 7, "net": -7},
    ]
    again = load(db, tmp_path, API, to="VIPPS")
    assert (again.payouts, again.known_payouts) == (1, 1)


TOML = """\
currency = "NOK"
negative_fees = true
[columns]
payout_id = "Oppgjør"
paid_on = "Dato"
payout_net = "Sum"
kind = "Type"
occurred_on = "Salgsdato"
gross = "Brutto"
fee = "Gebyr"
net = "Netto"
transaction = "Transaksjon"
order = "Ordre"
[kinds]
Salg = "PAYMENT"
Retur = "REFUND"
Leie = "FEE"
Utbetaling = "SKIP"
"""
CSV = """\
Oppgjør;Dato;Sum;Type;Salgsdato;Brutto;Gebyr;Netto;Transaksjon;Ordre
77;16.01.2026;1 043,00;Salg;14.01.2026;1 200,00;-7,00;1 193,00;T1;O1
77;16.01.2026;1 043,00;Retur;14.01.2026;-50,00;0,00;-50,00;T2;O1
77;16.01.2026;1 043,00;Leie;14.01.2026;-100,00;;-100,00;;
77;16.01.2026;1 043,00;Utbetaling;;-1 043,00;;;;
;;;Salg;15.01.2026;20,00;0,00;20,00;T3;O3
"""


def mapped(folder: Path, content: str = TOML) -> Report:
    (folder / "columns.toml").write_text(content)
    return layout(folder / "columns.toml", Report)


def test_another_report_is_read_by_a_map_of_its_columns(db: Connection, tmp_path: Path) -> None:
    route(db, "DAY", "CARD")
    done = load(db, tmp_path, CSV, to="CARD", report=mapped(tmp_path))
    assert (done.format, done.payouts, done.lines, done.waiting_lines) == ("csv", 1, 3, 1)
    assert rows(db, "select gross, fee, other, net from bank.payout") == [
        {"gross": 1150, "fee": 107, "other": 0, "net": 1043}
    ]
    assert rows(db, "select kind, refs from bank.payout_line order by line") == [
        {"kind": "PAYMENT", "refs": ["O1", "T1"]},
        {"kind": "REFUND", "refs": ["O1", "T2"]},
        {"kind": "FEE", "refs": []},
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TOML.replace('Salg = "PAYMENT"', 'Salg = "SALE"'), "unknown kinds SALE"),
        (TOML.replace('gross = "Brutto"\n', "").replace('net = "Netto"\n', ""), "no column for gross"),
        (TOML.replace('currency = "NOK"\n', ""), "neither a currency"),
        (TOML.replace('"NOK"', "578"), "are texts"),
        (TOML.replace("true", '"no"'), "negative_fees is true or false"),
        ('date = "%d%d.%Y"\n' + TOML, "no form of a date"),
        (TOML[: TOML.index("[kinds]")].replace("[columns]", "kinds = 5\n[columns]"), "values"),
    ],
)
def test_a_map_that_is_none_is_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mapped(tmp_path, content)


ONE = stripe(L("1", "200.00", "4.80"))
UNREADABLE: dict[str, tuple[str, str]] = {
    "no report": ("a,b\n1,2\n", "line 1: none of the reports"),
    "empty": ("", "line 1: none of the reports"),
    "a column is missing": (ONE.replace(",net,", ",ent,"), "line 1, net: the column is missing"),
    "no amount": (ONE.replace(",200.00,", ",2oo.00,"), "line 2, gross: no amount: '2oo.00'"),
    "half an øre": (ONE.replace(",200.00,", ",200.0.0,"), "line 2, gross: no amount"),
    "no date": (ONE.replace(f",{PAID} ", ",2026-13-01 "), "line 2, automatic_payout_effective_at: no date"),
    "a field too many": (ONE.replace("Ticket, one", 'Ticket", "one'), "line 2: 14 fields"),
    "two days of a payout": (
        stripe(L("1", "200.00"), L("2", "200.00", paid=DAY)),
        "line 3, automatic_payout_effective_at: payout po_1 is of 2026-01-16 on line 2",
    ),
    "twice paid": (
        stripe(L("1", "200.00"), *[L("x", "-200.00", category="payout")] * 2),
        "line 4, reporting_category: payout po_1 stands there twice",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_refused_and_nothing_is_loaded(db: Connection, tmp_path: Path, name: str) -> None:
    route(db, "PAYMENT", ROUTE)
    content, said = UNREADABLE[name]
    with pytest.raises(Unreadable) as refused:
        load(db, tmp_path, content)
    assert str(refused.value).startswith(said)
    assert one(db, "select count(*) from bank.import_file") == 0


MAPPED_WRONG: dict[str, tuple[str, str]] = {
    "a word that no kind is": (CSV.replace(";Retur;", ";Bytte;"), "line 3, Type: no kind is declared for 'Bytte'"),
    "another sum": (CSV.replace("1 043,00;Leie", "1 143,00;Leie"), "line 4, Sum: payout 77 is of 1043.00 on line 2"),
}


@pytest.mark.parametrize("name", MAPPED_WRONG)
def test_what_the_map_does_not_cover_is_refused(db: Connection, tmp_path: Path, name: str) -> None:
    route(db, "PAYMENT", ROUTE)
    content, said = MAPPED_WRONG[name]
    with pytest.raises(Unreadable) as refused:
        load(db, tmp_path, content, report=mapped(tmp_path))
    assert str(refused.value) == said


REFUSED: dict[str, tuple[str, str, str]] = {
    "another currency": (stripe(L("1", "2"), L("2", "200.00", currency="eur")), "more than one currency", "Line 2."),
    "a third of an øre": (stripe(L("1", "200.001")), "more than two decimals", "Line 2."),
    "a line that does not add up": (stripe(L("1", "200.00", "4.80", net="195.21")), "are 195.20, not net", "Line 2."),
    "a payment out": (stripe(L("1", "-200.00")), "a payment of gross -200.00", "Line 2."),
    "a refund in": (stripe(L("1", "200.00", category="refund")), "a refund of gross 200.00", "Line 2."),
    "beyond measure": (stripe(L("1", "2000000000000.00")), "beyond all measure", "Line 2."),
    "together beyond measure": (stripe(*[L("1", "900000000000.00")] * 2), "po_1 are beyond all measure", "Line 2."),
    "a sum that is not its lines": (API.replace("-34300", "-34299"), "are 343", "Line 5."),
    "a payout of nothing": (API.splitlines()[0] + "\n" + API.splitlines()[4] + "\n", "has no lines", "Line 2."),
    "the same payout twice": (API + "\n".join(API.splitlines()[1:]), "is in it twice", "Line 5."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_add_up_is_refused_and_where(db: Connection, tmp_path: Path, name: str) -> None:
    route(db, "PAYMENT", ROUTE)
    content, said, where = REFUSED[name]
    with pytest.raises(errors.PayoutRefused) as refused:
        load(db, tmp_path, content)
    assert said in str(refused.value)
    assert refused.value.detail == where
    assert one(db, "select (select count(*) from bank.import_file) + (select count(*) from bank.payout)") == 0


def test_a_payout_is_loaded_once_and_not_with_other_lines(db: Connection, tmp_path: Path) -> None:
    route(db, "PAYMENT", ROUTE)
    lines = (L("1", "200.00", "4.80"), L("2", "100.00", "3.30"))
    load(db, tmp_path, stripe(*lines))
    assert load(db, tmp_path, stripe(*lines)).already
    more = load(db, tmp_path, stripe(*lines, L("3", "10.00", payout="po_2")))
    assert (more.payouts, more.known_payouts) == (2, 1)
    with pytest.raises(errors.PayoutDiffers) as refused:
        load(db, tmp_path, stripe(lines[0], L("2", "100.00", "3.29")))
    assert refused.value.detail == "Line 2: 2 lines, together 291.91."
    assert one(db, "select count(*) from bank.payout_line") == 3
    with pytest.raises(errors.NotFound, match="no settlement route Nowhere"):
        load(db, tmp_path, stripe(L("9", "1.00")), to="Nowhere")
    for table in ("payout", "payout_line"):
        with expect("23B84"):
            run(db, f"delete from bank.{table}")
    with expect("22023"):
        call_in(db, "bank", "load_payout", route_name=ROUTE, file_name="x", content_sha256=bytes(32), format="x")


# --- By name --------------------------------------------------------------------------------------------------------


def test_payments_refunds_and_fees_of_a_payout_are_matched_with_its_entry(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    want = [*items(db, way, ("1", 200), ("2", 100), ("1", -50)), *items(db, way, ("9", 100))][:3]
    content = (L("1", "200.00", "4.80"), L("2", "100.00", "3.30"), L("1", "-50.00", category="refund"))
    load(db, tmp_path, stripe(*content, L("0", "-2.00", category="fee")))
    (entry,) = booked(db, tmp_path, ("239.90", "STRIPE PO_X po_1"))
    assert state(db) == {"po_1": "ARRIVED"}
    assert match_open(db) == {"PAYOUT": 1}
    assert matched(db) == {entry: set(want)}
    assert rows(db, "select kind, amount from bank.match_line") == [{"kind": "FEE", "amount": D("-10.1")}]
    assert rows(db, "select state, entry, unfit_lines, match is null as no_match from report.payout") == [
        {"state": "MATCHED", "entry": entry, "unfit_lines": 0, "no_match": False}
    ]
    assert differences(db) == []
    assert sound(db)


@pytest.mark.parametrize("text", ["STRIPE", "po_1", "x/po_1,"])
def test_the_only_entry_of_its_amount_is_the_payout(db: Connection, tmp_path: Path, text: str) -> None:
    way = route(db, "PAYMENT", ROUTE)
    (item,) = items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    (entry,) = booked(db, tmp_path, ("195.20", text), day=PAID + timedelta(days=1))
    assert match_open(db) == {"PAYOUT": 1}
    assert matched(db) == {entry: {item}}


@pytest.mark.parametrize("days", [-1, 8])
def test_without_a_name_the_day_counts(db: Connection, tmp_path: Path, days: int) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    booked(db, tmp_path, ("195.20", "STRIPE"), day=PAID + timedelta(days=days))
    assert match_open(db) == {}
    assert state(db) == {"po_1": "NOT ARRIVED"}


def test_two_payouts_of_one_sum_need_a_name(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE, fee_rate=D("0.024"))
    first, second = items(db, way, ("1", 200), ("2", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80"), L("2", "200.00", "4.80", payout="po_2")))
    (unnamed,) = booked(db, tmp_path, ("195.20", "STRIPE"))
    assert match_open(db) == {}
    assert state(db) == {"po_1": "AMBIGUOUS", "po_2": "AMBIGUOUS"}
    (named,) = booked(db, tmp_path, ("195.20", "STRIPE po_2"), number=2)
    assert match_open(db) == {"PAYOUT": 2}  # what is left is the only one of the one that is left
    assert matched(db) == {named: {second}, unnamed: {first}}


def test_two_entries_of_one_sum_need_a_name(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    booked(db, tmp_path, ("195.20", "STRIPE"), ("195.20", "GIFT"))
    assert match_open(db) == {}
    assert state(db) == {"po_1": "AMBIGUOUS"}


def test_an_entry_that_a_person_matched_may_have_been_the_payout(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    (entry, _) = booked(db, tmp_path, ("195.20", "STRIPE"), ("195.20", "GIFT"))
    call_in(db, "bank", "ignore", entry=entry, expected=None, reason="a gift")
    assert match_open(db) == {}


def _names(db: Connection, entry: int, detail: int, kid: str) -> None:
    """A KID that the bank gives with an entry, or with a payment in it."""
    run(
        db,
        "insert into bank.entry_reference (entry, detail, place, kind, reference) values (%s, %s, 99, 'KID', %s)",
        entry,
        detail,
        kid,
    )


def test_an_entry_that_names_an_item_is_no_payout(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    bank_way = route(db, "PAYMENT", "BANK")
    items(db, way, ("1", 200))
    (invoice,) = expected(db, bank_way, (DAY, "195.20"), reference="1234567897")
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    (entry,) = booked(db, tmp_path, ("195.20", "X"))
    _names(db, entry, 0, "001234567897")
    assert match_open(db) == {"KID": 1}
    assert matched(db) == {entry: {invoice}}


def test_who_names_a_payout_that_is_matched_is_no_others(db: Connection, tmp_path: Path) -> None:
    """Neither another payout's of that sum, nor an item's."""
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200), ("2", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    (first,) = booked(db, tmp_path, ("195.20", "po_1"))
    assert match_open(db) == {"PAYOUT": 1}
    expected(db, way, (DAY, "195.20"))
    booked(db, tmp_path, ("195.20", "po_1"), number=2)
    assert match_open(db) == {}
    load(db, tmp_path, stripe(L("2", "200.00", "4.80", payout="po_2")))
    assert match_open(db) == {}
    assert matched(db).keys() == {first}
    assert state(db) == {"po_1": "MATCHED", "po_2": "NOT ARRIVED"}


def test_a_payout_that_a_person_matched_with_another_sum_is_not_sought(db: Connection, tmp_path: Path) -> None:
    """Else the next day's money, its equal, would be taken for it."""
    way = route(db, "DAY", "VIPPS")
    item, _ = expected(db, way, (DAY, 350), (DAY + timedelta(days=1), 350))
    load(db, tmp_path, API, to="VIPPS")
    (less,) = booked(db, tmp_path, (342, "UTB. 2000400"))
    call_in(
        db,
        *("bank", "make_match"),
        entries=[less],
        expected=[item],
        reason="the bank's own fee",
        kinds=["FEE", "WRITE_OFF"],
        amounts=[-7, -1],
    )
    booked(db, tmp_path, (343, "VIPPS"), number=2)
    assert match_open(db) == {}
    assert state(db) == {"77-2000400": "MATCHED ELSEWHERE"}


def test_an_entry_that_names_two_payouts_is_neithers(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200), ("2", 100))
    load(db, tmp_path, stripe(L("1", "200.00"), L("2", "100.00", payout="po_2")))
    booked(db, tmp_path, (200, "po_1 po_2"))
    assert match_open(db) == {}
    assert state(db) == {"po_1": "AMBIGUOUS", "po_2": "OTHER AMOUNT"}


def test_a_number_that_is_short_is_no_name(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    expected(db, way, (DAY, 55))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80", payout="77")))
    booked(db, tmp_path, ("195.20", "STRIPE"), (55, "77 CUPS"))
    assert match_open(db) == {"PAYOUT": 1, "AMOUNT": 1}


@pytest.mark.parametrize("text", ["Invoice INV1001", "INV1001,x", "batch"])
def test_an_entry_whose_words_name_an_item_is_no_payout(db: Connection, tmp_path: Path, text: str) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    invoices = route(db, "PAYMENT", "BANK")
    expected(db, invoices, (DAY, "195.20"), reference="INV1001")
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    (entry,) = booked(db, tmp_path, ("195.20", text))
    if text == "batch":
        run(db, "insert into bank.entry_detail (entry, detail, amount, kid) values (%s, 1, 195.20, 'INV1001')", entry)
        _names(db, entry, 1, "INV1001")
    (rule,) = match_open(db)
    assert rule != "PAYOUT"
    assert state(db) == {"po_1": "NOT ARRIVED"}


@pytest.mark.parametrize("text", ["po_1", "RENT"])
def test_an_entry_that_takes_another_back_is_no_payout(db: Connection, tmp_path: Path, text: str) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00")))
    banking.load(db, tmp_path, banking.mt940([(PAID, 200, "A")], texts=[text]).replace("C200,00N", "RD200,00N"))
    assert one(db, "select is_reversal and amount = 200 from bank.entry")
    assert match_open(db) == {}
    assert state(db) == {"po_1": "AMBIGUOUS"}


FAULTS: dict[str, tuple[Sequence[tuple[str, int | str]], Sequence[L], list[tuple[int | None, str]]]] = {
    "a payment that we do not know": (
        [("1", 200)],
        [L("1", "200.00", "4.80"), L("2", "100.00", "3.30")],
        [(3, "NO ITEM")],
    ),
    "a payment twice": (
        [("1", 200), ("2", 100)],
        [L("1", "200.00", "4.80"), L("1", "200.00", "4.80"), L("2", "100.00")],
        [(2, "TWICE"), (3, "TWICE")],
    ),
    "an øre": ([("1", 200), ("2", "100.01")], [L("1", "200.00"), L("2", "100.00")], [(3, "AMOUNT DIFFERS")]),
    "a refund of which we know the charge alone": (
        [("1", 200)],
        [L("1", "200.00"), L("1", "-200.00", category="refund"), L("1", "-1.00", "-9.00", category="refund")],
        [(3, "NO ITEM"), (4, "NO ITEM")],
    ),
    "two items of one name": (
        [("2", 70), ("8", 999), ("1", 200), ("1", 200)],
        [L("1", "200.00"), L("2", "70.00")],
        [(2, "SEVERAL ITEMS")],
    ),
    "a dispute that nobody recorded": (
        [("1", 200)],
        [L("1", "200.00", "4.80"), L("7", "-50.00", "15.00", category="dispute")],
        [(3, "NO ITEM")],
    ),
    "an adjustment": (
        [("1", 200)],
        [L("1", "200.00", "4.80"), L("7", "-50.00", category="other_adjustment")],
        [(3, "NOT EXPLAINED")],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_line_that_does_not_fit_is_named_and_no_rule_takes_the_entry(
    db: Connection, tmp_path: Path, name: str
) -> None:
    goods, lines, said = FAULTS[name]
    way = route(db, "PAYMENT", ROUTE, tolerance=5)
    items(db, way, *goods)
    load(db, tmp_path, stripe(*lines))
    net = sum((D(each.gross) - D(each.fee) for each in lines), D(0))
    # an item of just that sum, and an entry of the amount of one that is in the payout
    expected(db, way, (DAY, net))
    (entry, _) = booked(db, tmp_path, (net, "po_1"), (goods[0][1], "GIFT"))
    assert match_open(db) == {}
    assert matched(db) == {}
    assert differences(db) == said
    assert rows(db, "select state, entry, unfit_lines from report.payout") == [
        {"state": "ARRIVED", "entry": entry, "unfit_lines": len(said)}
    ]
    run(db, "update bank.match_rule set enabled = false where rule = 'PAYOUT'")
    assert match_open(db)  # so it was the rule that kept them


@pytest.mark.parametrize(
    ("lines", "reason"),
    [((L("1", "100.00"),), "AMOUNT DIFFERS"), ((L("2", "50.00"), L("2", "50.00")), "SEVERAL ITEMS")],
)
def test_what_a_line_may_be_is_kept_too(db: Connection, tmp_path: Path, lines: tuple[L, ...], reason: str) -> None:
    way = route(db, "PAYMENT", ROUTE, days_max=1)
    items(db, way, ("1", "100.01"), ("2", 50))
    expected(db, way, (DAY - timedelta(days=9), 50), reference="pi_2")
    load(db, tmp_path, stripe(*lines))
    booked(db, tmp_path, ("100.01" if reason == "AMOUNT DIFFERS" else 50, "GIFT"), day=DAY)
    assert match_open(db) == {}
    assert {said for _, said in differences(db)} == {reason}
    run(db, "update bank.match_rule set enabled = false where rule = 'PAYOUT'")
    assert match_open(db) == {"AMOUNT": 1}  # so it was the payout that kept it


def test_what_is_matched_elsewhere_is_said(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    (item, _) = items(db, way, ("1", 200), ("2", 100))
    call_in(db, "bank", "ignore", entry=None, expected=item, reason="lost")
    load(db, tmp_path, stripe(L("1", "200.00"), L("2", "100.00")))
    booked(db, tmp_path, (300, "po_1"))
    assert match_open(db) == {}
    assert differences(db) == [(2, "MATCHED ELSEWHERE")]


def test_an_entry_of_another_amount_that_names_the_payout_is_shown_and_kept(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    expected(db, way, (DAY, "195.00"))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    (entry,) = booked(db, tmp_path, ("195.00", "po_1"))
    assert match_open(db) == {}
    assert rows(db, "select state, entry from report.payout") == [{"state": "OTHER AMOUNT", "entry": entry}]


def test_a_payout_that_has_not_come_is_awaited_and_then_missed(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200), ("2", 100))
    load(
        db,
        tmp_path,
        stripe(L("1", "200.00", paid=banking.days_ago(8)), L("2", "100.00", payout="po_2", paid=banking.days_ago(6))),
    )
    assert match_open(db) == {}
    assert state(db) == {"po_1": "NOT ARRIVED", "po_2": "AWAITED"}


def test_a_payout_that_a_person_took_apart_is_left_alone(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    booked(db, tmp_path, ("195.20", "po_1"))
    assert match_open(db) == {"PAYOUT": 1}
    call_in(db, "bank", "undo_match", match=one(db, "select match from bank.match"), reason="wrong")
    assert match_open(db) == {}
    assert state(db) == {"po_1": "ARRIVED"}
    assert sound(db)


def test_a_payout_of_fees_alone_is_matched(db: Connection, tmp_path: Path) -> None:
    route(db, "PAYMENT", ROUTE)
    load(db, tmp_path, stripe(L("1", "-99.00", category="fee")))
    (entry,) = booked(db, tmp_path, (-99, "po_1"))
    assert match_open(db) == {"PAYOUT": 1}
    assert matched(db) == {entry: set()}
    assert rows(db, "select kind, amount, route_name, day from report.fee") == [
        {"kind": "FEE", "amount": -99, "route_name": ROUTE, "day": PAID}
    ]
    assert consistency(db) == {}


def test_a_payout_is_suggested_where_the_rule_is_not_automatic(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", ROUTE)
    items(db, way, ("1", 200))
    load(db, tmp_path, stripe(L("1", "200.00", "4.80")))
    booked(db, tmp_path, ("195.20", "po_1"))
    run(db, "update bank.match_rule set is_automatic = false where rule = 'PAYOUT'")
    assert match_open(db) == {"PAYOUT": 1}
    assert state(db) == {"po_1": "SUGGESTED"}
    call_in(db, "bank", "approve_match", match=one(db, "select match from bank.match"), reason=None)
    assert state(db) == {"po_1": "MATCHED"}
    # and what the acquirer kept back is nothing but a fee
    run(db, "alter table bank.match_line disable trigger match_line_keep")
    run(db, "update bank.match_line set kind = 'NOT_OURS'")
    assert [row["problem"] for row in consistency(db)["bank_payout"]] == ["the match is not the payout"]


# --- By sum ---------------------------------------------------------------------------------------------------------


def test_a_days_payout_is_matched_with_the_day(db: Connection, tmp_path: Path) -> None:
    way = route(db, "DAY", "VIPPS")
    (day, _) = expected(db, way, (DAY, 350), (DAY - timedelta(days=5), 350))
    load(db, tmp_path, PORTAL, to="VIPPS")
    (entry,) = booked(db, tmp_path, (343, "UTB. 2000400 VIPPSNR 100"))
    assert match_open(db) == {"PAYOUT": 1}
    assert matched(db) == {entry: {day}}
    assert rows(db, "select kind, amount from bank.match_line") == [{"kind": "FEE", "amount": D(-7)}]
    assert sound(db)


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        ([(0, 200), (0, 150)], None),
        ([(0, "350.01")], "NO ITEM"),
        ([(0, 200), (0, 100), (0, 150)], "NO ITEM"),
        ([(0, 350), (1, 350)], "SEVERAL ITEMS"),
        ([(0, 350), (1, 0), (0, 200), (0, 150)], "SEVERAL ITEMS"),
        ([(9, 350)], "NO ITEM"),
    ],
)
def test_of_days_only_one_item_or_run_may_be_the_sum(
    db: Connection, tmp_path: Path, amounts: list[tuple[int, int | str]], reason: str | None
) -> None:
    way = route(db, "DAY", "VIPPS", fee_rate=D("0.02"))
    expected(db, way, *((DAY - timedelta(days=days), amount) for days, amount in amounts))
    load(db, tmp_path, PORTAL, to="VIPPS")
    booked(db, tmp_path, (343, "UTB. 2000400"))
    assert match_open(db) == ({} if reason else {"PAYOUT": 1})
    assert differences(db) == ([(None, reason)] if reason else [])


def test_the_day_of_two_payouts_is_neithers(db: Connection, tmp_path: Path) -> None:
    way = route(db, "DAY", "VIPPS")
    expected(db, way, (DAY, 350))
    load(db, tmp_path, API, to="VIPPS")
    load(db, tmp_path, API.replace("2000400", "2000401"), to="VIPPS")
    booked(db, tmp_path, (343, "UTB. 2000400"))
    assert match_open(db) == {}
    assert differences(db) == [(None, "SEVERAL ITEMS")] * 2


# --- A model --------------------------------------------------------------------------------------------------------

AMOUNTS = st.sampled_from([100, 200, -100])
PIECE = st.tuples(st.integers(0, 3), AMOUNTS)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    goods=st.lists(PIECE, max_size=5),
    payouts=st.lists(st.tuples(st.lists(PIECE, min_size=1, max_size=3), st.booleans(), st.integers(0, 2)), max_size=3),
)
def test_only_payouts_of_which_every_line_is_one_item_are_matched(
    db: Connection,
    tmp_path: Path,
    goods: list[tuple[int, int]],
    payouts: list[tuple[list[tuple[int, int]], bool, int]],
) -> None:
    """A model by hand: a line fits where one item alone has its name and amount, and no other line has that item."""
    with db.transaction(force_rollback=True):
        way = route(db, "PAYMENT", ROUTE)
        known = items(db, way, *((str(name), amount) for name, amount in goods))
        lines = [
            L(str(name), f"{amount}.00", "1.00", "charge" if amount > 0 else "refund", f"po_{number}")
            for number, (pieces, _, _) in enumerate(payouts)
            for name, amount in pieces
        ]
        sums = [sum(amount - 1 for _, amount in pieces) for pieces, _, _ in payouts]
        fits = {
            (number, place): [item for item, each in zip(known, goods, strict=True) if each == piece]
            for number, (pieces, _, _) in enumerate(payouts)
            for place, piece in enumerate(pieces)
        }
        taken = [found[0] for found in fits.values() if len(found) == 1]
        whole = {
            number: {found[0] for (of, _), found in fits.items() if of == number}
            for number in range(len(payouts))
            if all(len(found) == 1 and taken.count(found[0]) == 1 for (of, _), found in fits.items() if of == number)
        }
        if lines:
            load(db, tmp_path, stripe(*lines))
        arrived = [
            (number, sums[number] + off)
            for number, (_, there, off) in enumerate(payouts)
            if there and sums[number] + off
        ]
        said = [(amount, f"po_{number}") for number, amount in arrived]
        run(db, "drop table if exists file_statement, file_entry, file_detail, file_reference, file_candidate")
        run(db, "drop table if exists file_payout, file_payout_line")
        entries = booked(db, tmp_path, *said) if said else []
        match_open(db)
        want = {
            entry: whole[number]
            for entry, (number, amount) in zip(entries, arrived, strict=True)
            if amount == sums[number] and number in whole
        }
        by_payout = {
            row["entry"]: set(row["expected"])
            for row in rows(
                db,
                """
                select e.entry, array_agg(x.expected) as expected
                from bank.match as m
                inner join bank.match_entry as e on m.match = e.match
                inner join bank.match_expected as x on m.match = x.match
                where m.rule = 'PAYOUT'
                group by e.entry
                """,
            )
        }
        assert by_payout == want
        named = {entry for entry, (number, _) in zip(entries, arrived, strict=True)}
        assert not (matched(db).keys() & named) - want.keys()
        assert one(db, "select count(*) from consistency.bank_match") == 0
