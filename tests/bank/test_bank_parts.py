"""Parts of entries and items, reversals, charges, several references in one entry, broken references."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support import banking
from tests.support.banking import expected, match_open, matched, route
from tests.support.domain import call_in, consistency, expect, one, rows, run
from tests.support.notified import DAY, camt, entry

D = Decimal


@pytest.fixture
def invoices(db: Connection) -> int:
    """A route whose items bear a reference."""
    return route(db, "PAYMENT", "BANK", days_max=30, run_max=1)


def named(db: Connection, way: int, **amounts: int | str) -> dict[str, int]:
    """Items by their references: _ stands for -."""
    return {
        name: expected(db, way, (DAY, amount), reference=name.replace("_", "-"))[0] for name, amount in amounts.items()
    }


def payment(amount: str, *parts: str, refs: str = "", charge: str = "") -> str:
    """A payment in an entry."""
    charges = ""
    if charge:
        charges = (
            f'<AmtDtls><TxAmt><Amt Ccy="NOK">{D(amount) + D(charge)}</Amt></TxAmt></AmtDtls>'
            f'<Chrgs><Rcrd><Amt Ccy="NOK">{charge}</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
            "<ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>"
        )
    said = "".join(parts)
    return (
        f'<TxDtls><Refs>{refs}</Refs><Amt Ccy="NOK">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>{charges}'
        f"{f'<RmtInf>{said}</RmtInf>' if said else ''}</TxDtls>"
    )


def kid(reference: str, amount: str = "") -> str:
    """A structured reference, and how much is for it."""
    of = f'<RfrdDocAmt><RmtdAmt Ccy="NOK">{amount}</RmtdAmt></RfrdDocAmt>' if amount else ""
    return (
        f"<Strd>{of}<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{reference}</Ref></CdtrRefInf></Strd>"
    )


def load(db: Connection, folder: Path, *entries: str) -> list[int]:
    """What the bank booked; returns the entries."""
    banking.load(db, folder, camt(*entries))
    return [
        row["entry"] for row in rows(db, "select entry from bank.entry order by entry desc limit %s", len(entries))
    ][::-1]


def make(db: Connection, **arguments: object) -> int:
    """A match by hand."""
    found = call_in(db, "bank", "make_match", reason="looked it up", **arguments)
    return int(found[0]["make_match"])


def undo(db: Connection, match: int) -> None:
    call_in(db, "bank", "undo_match", match=match, reason="by mistake")


def left(db: Connection) -> dict[str, list[Decimal]]:
    """What is open of entries and items."""
    return {
        name: [row["amount"] for row in rows(db, f"select amount from bank.{name} order by 1")]
        for name in ("open_entry", "open_expected")
    }


def sound(db: Connection) -> bool:
    """Nothing of matches is broken: the items of tests have no sale behind them."""
    return not consistency(db).keys() & {"bank_match", "bank_payout"}


# --- By hand --------------------------------------------------------------------------------------------------------


def test_a_person_matches_a_part_and_the_rest_stays_open(db: Connection, invoices: int, tmp_path: Path) -> None:
    items = named(db, invoices, A=100, B=70)
    (paid,) = load(db, tmp_path, entry("150.00"))
    first = make(db, entries=[paid], expected=[items["A"]], entry_amounts=[100])
    assert left(db) == {"open_entry": [50], "open_expected": [70]}
    second = make(db, entries=[paid], expected=[items["B"]], expected_amounts=[50])
    assert left(db) == {"open_entry": [], "open_expected": [20]}
    found = rows(
        db,
        "select amount, received_amount, open_amount, state, match from report.bank_item order by expected",
    )
    assert [tuple(row.values()) for row in found] == [(100, 100, 0, "MATCHED", first), (70, 50, 20, "PART", second)]
    with expect("23B82"):
        make(db, entries=[paid], expected=[items["B"]], expected_amounts=[20])
    undo(db, first)
    assert left(db) == {"open_entry": [100], "open_expected": [20, 100]}
    with expect("23B82"):
        make(db, entries=[paid], expected=[items["A"]], entry_amounts=["100.01"], expected_amounts=["100.01"])
    make(db, entries=[paid], expected=[items["A"]])
    assert left(db) == {"open_entry": [], "open_expected": [20]}
    assert sound(db)


@pytest.mark.parametrize("amounts", [[-1], [0], ["0.001"], [1, 1], ["1e13"]])
def test_what_is_no_part_is_refused(db: Connection, invoices: int, tmp_path: Path, amounts: list[object]) -> None:
    items = named(db, invoices, A=100)
    (paid,) = load(db, tmp_path, entry("100.00"))
    with expect("22023"):
        make(db, entries=[paid], expected=[items["A"]], entry_amounts=amounts)


def test_a_fee_is_shared_by_the_parts_of_an_item(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", "BANK", fee_rate=D("0.0333"))
    (item,) = expected(db, way, (DAY, 100))
    first, _ = load(db, tmp_path, entry("32.22", reference="A"), entry("64.45", reference="B"))
    make(db, entries=[first], expected=[item], expected_amounts=["33.33"], kinds=["FEE"], amounts=[D("-1.11")])
    (rest,) = rows(db, "select amount, fee, net from bank.open_expected")
    assert tuple(rest.values()) == (D("66.67"), D("2.22"), D("64.45"))
    assert match_open(db) == {"NET": 1}
    (whole,) = rows(db, "select received_amount, fee_amount, open_amount, state from report.bank_item")
    assert tuple(whole.values()) == (D("96.67"), D("3.33"), 0, "MATCHED")


def _by_function(connection: Connection, paid: int, item: int) -> None:
    make(connection, entries=[paid], expected=[item], entry_amounts=[200])


def _past_the_function(connection: Connection, paid: int, item: int) -> None:
    """As if nobody else were there: looks, waits a little, writes."""
    with connection.transaction():
        claim, taken = connection.execute(
            "select coalesce(max(claim), 0) + 1, coalesce(sum(amount), 0) from bank.match_entry where entry = %s",
            (paid,),
        ).fetchone() or (1, 0)
        connection.execute("select pg_sleep(0.2)")
        connection.execute(
            """
            with made as (insert into bank.match (rule, reason) values ('PERSON', 'x') returning match),
            item as (
                insert into bank.match_expected (expected, claim, match, amount, taken, whole)
                select %s, 1, match, 200, 200, 200 from made
            )
            insert into bank.match_entry (entry, claim, match, amount, taken, whole)
            select %s, %s, match, 200, %s + 200, 500 from made
            """,
            (item, paid, claim, taken),
        )


def _race(db: Connection, connect: Connect, folder: Path, deed: Callable[[Connection, int, int], None]) -> Decimal:
    """Six take 200 each of 500, again and again: what is taken in the end."""
    way = route(db, "PAYMENT", "BANK")
    items = expected(db, way, *[(DAY, 200)] * 6)
    (paid,) = load(db, folder, entry("500.00"))
    barrier = threading.Barrier(len(items))
    refusals: list[str | None] = []

    def one_of_them(connection: Connection, item: int) -> None:
        barrier.wait()
        for _ in range(3):
            try:
                deed(connection, paid, item)
                return
            except psycopg.Error as error:
                refusals.append(error.sqlstate)

    threads = [threading.Thread(target=one_of_them, args=(connect(), item)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refusals) <= {"23B82", "23505", "23503", "23514"}
    return D(one(db, "select sum(amount) from bank.entry_claim where entry = %s", paid))


@pytest.mark.parametrize("deed", [_by_function, _past_the_function])
def test_parts_are_never_more_than_the_entry_whoever_takes_them(
    db: Connection, connect: Connect, tmp_path: Path, deed: Callable[[Connection, int, int], None]
) -> None:
    assert _race(db, connect, tmp_path, deed) == 400
    assert sound(db)


def test_without_the_constraints_more_is_taken_than_there_is(db: Connection, connect: Connect, tmp_path: Path) -> None:
    """The control."""
    run(db, "alter table bank.match_entry drop constraint match_entry_previous_fkey")
    run(db, "alter table bank.match_entry drop constraint match_entry_pkey, drop constraint match_entry_taken_key")
    assert _race(db, connect, tmp_path, _past_the_function) > 500
    assert not sound(db)


@pytest.mark.parametrize(
    "statement",
    [
        # more than there is; from nowhere; another whole; the wrong way; given back by a match that holds
        "(%(entry)s, 1, %(match)s, false, 101, 101, 100)",
        "(%(entry)s, 1, %(match)s, false, 50, 100, 100)",
        "(%(entry)s, 1, %(match)s, false, 100, 100, 200)",
        "(%(entry)s, 1, %(match)s, false, -100, -100, 100)",
        "(%(taken)s, 2, %(match)s, true, -100, 0, 100)",
        "(%(taken)s, 2, %(match)s, false, 100, 200, 100)",
    ],
)
def test_no_raw_statement_takes_more_than_there_is(
    db: Connection, invoices: int, tmp_path: Path, statement: str
) -> None:
    items = named(db, invoices, A=100)
    taken, other = load(db, tmp_path, entry("100.00", reference="A"), entry("100.00", reference="B"))
    match = make(db, entries=[taken], expected=[items["A"]])
    with pytest.raises(psycopg.Error) as refused:
        db.execute(
            f"insert into bank.match_entry (entry, claim, match, is_release, amount, taken, whole) values {statement}",
            {"entry": other, "taken": taken, "match": match},
        )
    assert refused.value.sqlstate in {"23514", "23503"}


# --- By the rules ---------------------------------------------------------------------------------------------------


def test_a_payment_smaller_than_its_item_is_suggested_and_the_rest_is_awaited(
    db: Connection, invoices: int, tmp_path: Path
) -> None:
    items = named(db, invoices, O_1001=100)
    (first,) = load(db, tmp_path, entry("40.00", payment("40.00", kid("O-1001"))))
    assert match_open(db) == {"PART": 1}
    assert matched(db) == {first: {items["O_1001"]}}
    assert left(db) == {"open_entry": [], "open_expected": [60]}
    banking.load(db, tmp_path, camt(entry("60.00", payment("60.00", kid("O-1001")), day=5)).replace("N1", "N2"))
    assert match_open(db) == {"KID": 1}
    assert left(db) == {"open_entry": [], "open_expected": []}
    assert sound(db)


def test_two_payments_of_one_item_are_suggested_together(db: Connection, invoices: int, tmp_path: Path) -> None:
    items = named(db, invoices, O_1001=100)
    load(
        db,
        tmp_path,
        *(entry(amount, payment(amount, kid("O-1001")), reference=amount) for amount in ("40.00", "30.00")),
    )
    assert match_open(db) == {"PART": 1}
    assert list(matched(db).values()) == [{items["O_1001"]}] * 2
    assert left(db) == {"open_entry": [], "open_expected": [30]}


def test_a_payment_larger_than_its_item_keeps_its_rest_open(db: Connection, invoices: int, tmp_path: Path) -> None:
    named(db, invoices, O_1001=100)
    load(db, tmp_path, entry("130.00", payment("130.00", kid("O-1001"))))
    assert match_open(db) == {"PART": 1}
    assert left(db) == {"open_entry": [30], "open_expected": []}
    (open_one,) = rows(db, "select amount, whole_amount from report.unmatched_deposit")
    assert tuple(open_one.values()) == (30, 130)


def test_what_two_payments_are_too_much_for_is_nobodys(db: Connection, invoices: int, tmp_path: Path) -> None:
    named(db, invoices, O_1001=100)
    load(db, tmp_path, *(entry("70.00", payment("70.00", kid("O-1001")), reference=each) for each in "AB"))
    assert match_open(db) == {}


def test_several_kids_in_one_payment_are_several_items(db: Connection, invoices: int, tmp_path: Path) -> None:
    first, second = named(db, invoices, **{"10017": 100}), named(db, invoices, **{"10025": 200})
    (paid,) = load(db, tmp_path, entry("300", payment("300", kid("10017", "100"), kid("10025", "200"))))
    assert match_open(db) == {"KID": 1}
    assert matched(db) == {paid: {first["10017"], second["10025"]}}


@pytest.mark.parametrize("said", [("", ""), ("200", "100")])
def test_the_parts_that_a_payment_names_must_be_the_items(
    db: Connection, invoices: int, tmp_path: Path, said: tuple[str, str]
) -> None:
    """Where nothing is said, their sum is enough; where something is, each."""
    named(db, invoices, **{"10017": 100}), named(db, invoices, **{"10025": 200})
    load(db, tmp_path, entry("300", payment("300", kid("10017", said[0]), kid("10025", said[1]))))
    assert match_open(db) == ({"KID": 1} if said == ("", "") else {})


def test_what_the_bank_charged_is_a_fee(db: Connection, invoices: int, tmp_path: Path) -> None:
    items = named(db, invoices, O_1001=100)
    refs = "<EndToEndId>O-1001</EndToEndId>"
    (paid,) = load(db, tmp_path, entry("98.00", payment("98.00", refs=refs, charge="2.00")))
    assert match_open(db) == {"CHARGE": 1}
    assert matched(db) == {paid: {items["O_1001"]}}
    assert [tuple(row.values()) for row in rows(db, "select kind, amount from bank.match_line")] == [("FEE", -2)]
    run(db, "update bank.match_rule set enabled = false where rule = 'CHARGE'")


@pytest.mark.parametrize(
    "text",
    [
        "Innskudd ORDRE-2026/4711 takk",
        "Innskudd ORDRE 2026 4711",
        "ORDRE-20 26/4711",
        "ordre2026/4711",
        "ORDRE-2026/ 4711",
    ],
)
def test_a_reference_is_found_as_a_bank_breaks_it(db: Connection, invoices: int, tmp_path: Path, text: str) -> None:
    (item,) = expected(db, invoices, (DAY, 150), reference="ORDRE-2026/4711")
    expected(db, invoices, (DAY, 150), reference="ORDRE-2026/4712")
    paid, _ = load(db, tmp_path, entry("150", text=text, reference="A"), entry("150", text="Annet", reference="B"))
    assert match_open(db) == {"TEXT": 1}
    assert matched(db) == {paid: {item}}


def test_the_text_of_a_single_payment_counts(db: Connection, tmp_path: Path) -> None:
    """An entry of one payment is no batch."""
    way = route(db, "PAYMENT", "BANK", days_max=30, run_max=1)
    items = named(db, way, TILL_0012=150, TILL_0013=150)
    paid, _ = load(
        db,
        tmp_path,
        entry("150", payment("150", "<Ustrd>Innskudd TILL-0012</Ustrd>"), reference="A"),
        entry("150", payment("150", "<Ustrd>Annet</Ustrd>"), reference="B"),
    )
    assert match_open(db) == {"TEXT": 1}
    assert matched(db) == {paid: {items["TILL_0012"]}}


def test_several_references_in_a_text_are_several_items(db: Connection, invoices: int, tmp_path: Path) -> None:
    items = named(db, invoices, ORDRE_300=300, ORDRE_401=400)
    (paid,) = load(db, tmp_path, entry("700", text="for ORDRE-300, ORDRE-401", day=25))
    run(db, "update bank.match_rule set enabled = rule = 'TEXT'")
    assert match_open(db) == {"TEXT": 1}
    assert matched(db) == {paid: set(items.values())}


# --- Reversals ------------------------------------------------------------------------------------------------------


def test_a_deposit_and_its_own_reversal_are_paired_first(db: Connection, tmp_path: Path) -> None:
    way = route(db, "DAY", "CARD")
    expected(db, way, (DAY, 100))
    paid, back = load(db, tmp_path, entry("100", reference="A"), entry("-100", reference="A", reversal=True))
    assert match_open(db) == {"REVERSAL": 1}
    assert matched(db) == {paid: set(), back: set()}
    assert len(rows(db, "select expected from report.missing_deposit")) == 1
    assert sound(db)


def test_a_reversal_without_a_name_is_suggested_where_it_can_be_one_alone(db: Connection, tmp_path: Path) -> None:
    way = route(db, "DAY", "CARD")
    expected(db, way, (DAY, 100))
    load(db, tmp_path, entry("100", reference="A"), entry("-100", reference="B", reversal=True, day=4))
    assert match_open(db) == {"TAKEN_BACK": 1}
    assert {row["state"] for row in rows(db, "select state from report.bank_match")} == {"SUGGESTED"}


def test_what_may_have_been_taken_back_is_no_items(db: Connection, tmp_path: Path) -> None:
    """Two deposits, one of them reversed, nobody says which; one item."""
    way = route(db, "DAY", "CARD", days_max=3)
    expected(db, way, (DAY, 100))
    load(
        db,
        tmp_path,
        entry("100", reference="A"),
        entry("100", reference="B", day=9),
        entry("-100", reference="C", reversal=True, day=10),
    )
    assert match_open(db) == {}
    run(db, "alter table bank.entry disable trigger entry_text")
    run(db, "update bank.entry set is_reversal = false")
    assert match_open(db) == {"AMOUNT": 1}, "the control"


def test_what_a_person_took_apart_is_not_paired_again(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    load(db, tmp_path, entry("100", reference="A"), entry("-100", reference="A", reversal=True))
    assert match_open(db) == {"REVERSAL": 1}
    undo(db, int(one(db, "select match from bank.match")))
    assert match_open(db) == {}


def test_a_large_match_that_was_rolled_back_is_planned_right_the_next_time(db: Connection, tmp_path: Path) -> None:
    """The dead rows that it leaves are no rows: each match is looked for by index, and not among all of them."""
    count = 1500
    way = route(db, "PAYMENT", "BANK", days_max=30, run_max=1)
    run(
        db,
        """
        insert into bank.expected (route, day, reference, goods, amount)
        select %s, %s, 'K' || n, 250, 250 from generate_series(1, %s) as n
        """,
        way,
        DAY,
        count,
    )
    content = banking.mt940([(DAY + timedelta(days=1), 250, f"K{number}") for number in range(1, count + 1)])
    banking.load(db, tmp_path, re.sub(r"NONREF//(K\d+)", r"\1//\1", content))
    for _ in range(2):
        db.execute("begin")
        assert match_open(db) == {"REFERENCE": count}
        read = one(
            db,
            """
            select sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0)) from pg_stat_xact_user_tables
            where schemaname = 'bank' and relname in ('match', 'match_entry', 'match_expected')
            """,
        )
        db.execute("rollback")
    assert read < 60 * count
