"""Each krone stands in the ledger once, however many files tell of it: a place in the account's chain is what it is."""

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pybridge.files.statements import Layout
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, one, rows, run

D = Decimal
DAY = date(2026, 11, 16)
COLUMNS = {"booked_on": "Dato", "amount": "Beløp", "bank_reference": "Arkivref", "text": "Tekst"}
EXPORT = Layout(COLUMNS, account=banking.NUMBER, currency="NOK")
BALANCED = Layout(COLUMNS | {"balance": "Saldo"}, account=banking.NUMBER, currency="NOK")


def booked(db: Connection) -> Counter[tuple[date, Decimal]]:
    return Counter((row["booked_on"], row["amount"]) for row in rows(db, "select booked_on, amount from bank.entry"))


def bag(reference: str = "nattsafe", day: date = DAY) -> Move:
    return Move(day, D(100), reference, "fra kasse")


def test_two_bags_that_a_bank_calls_the_same_are_two(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    parts = [Part([bag()], D(0), 7), Part([bag()], D(100), 8)]
    assert [banking.load(db, tmp_path, dialects.mt940(each)).new_entries for each in parts] == [1, 1]
    assert [banking.load(db, tmp_path, dialects.mt940(each, "swift")).new_entries for each in parts] == [0, 0]
    assert consistency(db) == {}


@pytest.mark.parametrize("number", [0, 1])
def test_and_so_they_are_where_statements_have_no_numbers_or_all_the_same(
    db: Connection, tmp_path: Path, number: int
) -> None:
    banking.account(db)
    for place in range(3):
        assert banking.load(db, tmp_path, dialects.mt940(Part([bag()], D(100) * place, number))).new_entries == 1
    assert consistency(db) == {}


def test_a_day_told_in_two_formats_is_one(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    part = Part([bag(), bag("R1"), Move(DAY, D(-5), "R2")], D(0), 7)
    assert banking.load(db, tmp_path, dialects.mt940(part)).new_entries == 3
    other = Part(part.moves, D(0), 211, name="OTHER")
    assert banking.load(db, tmp_path, dialects.camt053(other)).new_entries == 0
    assert banking.load(db, tmp_path, dialects.csv(part.moves), EXPORT).new_entries == 0
    assert banking.load(db, tmp_path, dialects.csv(part.moves, D(0)), BALANCED).new_entries == 0
    assert consistency(db) == {}


@pytest.mark.parametrize("first", ["notification", "statement"])
@pytest.mark.parametrize("reference", ["R1", ""])
def test_a_notification_and_its_statement_a_day_apart_are_one(
    db: Connection, tmp_path: Path, first: str, reference: str
) -> None:
    banking.account(db)
    told = dialects.camt054([Move(DAY, D(100), reference, "a", "ORDRE-1")])
    stated = dialects.camt053(Part([Move(DAY + timedelta(days=1), D(100), reference, "b", "ORDRE-1")], D(0), 1))
    files = [told, stated] if first == "notification" else [stated, told]
    assert [banking.load(db, tmp_path, each).new_entries for each in files] == [1, 0]
    assert consistency(db) == {}


def test_a_notification_whose_name_never_changes_is_many(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    for hour in range(3):
        told = dialects.camt054([bag("")], created=f"2026-11-16T1{hour}:00:00")
        assert banking.load(db, tmp_path, told).new_entries == 1
        assert banking.load(db, tmp_path, told + "\n").known_statements == 1
    stated = dialects.camt053(Part([bag("")] * 4, D(0), 1))
    assert banking.load(db, tmp_path, stated).new_entries == 1, "three were told of"
    assert consistency(db) == {}


def test_exports_that_overlap_are_one(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    moves = [Move(DAY + timedelta(days=n // 2), D(100), text="Gave") for n in range(8)]
    assert banking.load(db, tmp_path, dialects.csv(moves[:5]), EXPORT).new_entries == 5
    assert banking.load(db, tmp_path, dialects.csv(moves[2:]), EXPORT).new_entries == 3
    assert booked(db) == Counter((each.day, each.amount) for each in moves)


def test_a_stretch_that_two_statements_share_is_one_though_they_begin_and_end_elsewhere(
    db: Connection, tmp_path: Path
) -> None:
    banking.account(db)
    moves = [bag(day=DAY + timedelta(days=n)) for n in range(6)]
    banking.load(db, tmp_path, dialects.mt940(Part(moves[:4], D(0), 0)))
    assert banking.load(db, tmp_path, dialects.mt940(Part(moves[2:], D(200), 0, name="X"))).new_entries == 2
    assert consistency(db) == {}


def test_where_a_balance_comes_back_within_a_day_numbered_statements_of_other_references_are_others(
    db: Connection, tmp_path: Path
) -> None:
    """0, -100, 0, -100, told of in any order: the first looks like the third."""
    banking.account(db)
    moves = [Move(DAY, D(-100), "R1", "a", "E-1"), Move(DAY, D(100), "R2", "b"), Move(DAY, D(-100), "R3", "c")]
    parts = [
        Part([move], opening, number)
        for move, opening, number in zip(moves, (D(0), D(-100), D(0)), (5, 6, 7), strict=True)
    ]
    for part in (parts[2], parts[1], parts[0]):
        assert banking.load(db, tmp_path, dialects.mt940(part)).new_entries == 1
    assert consistency(db) == {}


# --- Any history ----------------------------------------------------------------------------------------------------


class History:
    """An account's movements, few amounts and words among many, and all that its bank may write of them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.opening = D(self.chance.choice([0, 100, 5000]))
        self.moves = [
            Move(
                DAY + timedelta(days=place // 4),
                D(self.chance.choice([100, 100, 250, -100, -30])),
                self.chance.choice(["nattsafe", "nattsafe", "", f"R{place}1"]),
                self.chance.choice(["Innskudd", f"Ordre {place}"]),
                self.chance.choice(["", f"E-{place}"]),
            )
            for place in range(self.chance.randint(6, 24))
        ]

    def balance(self, place: int) -> Decimal:
        return self.opening + sum((each.amount for each in self.moves[:place]), D(0))

    def cuts(self) -> list[tuple[int, int]]:
        """Where one statement ends and the next begins."""
        places = sorted({0, len(self.moves), *self.chance.sample(range(1, len(self.moves)), 3)})
        return list(itertools.pairwise(places))

    def whole_days(self) -> tuple[int, int]:
        """A stretch that begins and ends with a day."""
        days = sorted({each.day for each in self.moves})
        first, last = sorted(self.chance.choices(days, k=2))
        return (
            next(n for n, each in enumerate(self.moves) if each.day >= first),
            max(n for n, each in enumerate(self.moves) if each.day <= last) + 1,
        )

    def files(self) -> list[tuple[str, Layout | None]]:
        """A chain of statements, whole, in some dialect; beside it whatever else tells of the same."""
        dialect = self.chance.choice(["plain", "numbered", "strokes", "swift", "lines", "camt"])
        found: list[tuple[str, Layout | None]] = [(each, None) for each in self._chain(dialect)]
        found += [(each, None) for each in self._others()]
        begin, end = self.whole_days()
        moves = self.moves[begin:end]
        found.append((dialects.csv(moves), EXPORT))
        found.append((dialects.csv(moves, self.balance(begin), newest_first=self.chance.random() < 0.5), BALANCED))
        self.chance.shuffle(found)
        return found

    def _chain(self, dialect: str) -> Iterator[str]:
        for number, (begin, end) in enumerate(self.cuts(), 5):
            cut = self.chance.randint(begin, end) if dialect != "camt" else end
            pages = [(begin, cut), (cut, end)] if begin < cut < end else [(begin, end)]
            for page, (first, last) in enumerate(pages, 1):
                part = Part(
                    self.moves[first:last],
                    self.balance(first),
                    number,
                    page,
                    last_page=page == len(pages),
                    name=f"S{number}",
                )
                yield dialects.camt053(part) if dialect == "camt" else dialects.mt940(part, dialect)

    def _others(self) -> Iterator[str]:
        """The week's statement in another format, and a notification of each movement with a reference of its own."""
        begin, end = self.whole_days()
        week = Part(self.moves[begin:end], self.balance(begin), 0, name="WEEK")
        yield self.chance.choice([dialects.camt053(week), dialects.mt940(week, "swift")])
        told = [each for each in self.moves if each.reference[:1] == "R"]
        for place, each in enumerate(told):
            early = Move(each.day - timedelta(days=place % 2), each.amount, each.reference, "told", each.end_to_end)
            yield dialects.camt054([early], created=f"{each.day}T00:00:{place:02}")


SEEDS = sorted({*range(int(os.environ.get("PYBRIDGE_HISTORIES", "18"))), 55, 149})
"""How many histories: 20, or as many as one asks for. In two of them what was told first looks like another's: by its
day, or in the words of another format."""


def loaded(db: Connection, folder: Path, history: History) -> Counter[Decimal]:
    banking.account(db)
    for content, layout in history.files():
        banking.load(db, folder, content, layout)
    return Counter(row["amount"] for row in rows(db, "select amount from bank.entry"))


def unstated(db: Connection) -> Counter[Decimal]:
    return Counter(row["amount"] for row in rows(db, "select amount from report.bank_unstated"))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_krone_is_in_the_ledger_once(db: Connection, tmp_path: Path, seed: int) -> None:
    history = History(seed)
    assert loaded(db, tmp_path, history) == Counter(each.amount for each in history.moves)
    assert unstated(db) == Counter()
    assert consistency(db) == {}


def test_what_no_statement_has_on_its_days_is_named(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    banking.load(db, tmp_path, dialects.mt940(Part([bag()], D(0), 7)))
    banking.load(db, tmp_path, dialects.csv([bag(), Move(DAY, D(70), "R70")]), EXPORT)
    assert unstated(db) == Counter([D(70)])
    assert consistency(db) == {}


OLD_RULE = """
    create or replace function bank.recognise_entries(p_file_statement int, p_statement bigint) returns void
    language sql set search_path = pg_catalog, pg_temp, bank as $$
        update file_entry as f set known = o.entry
        from bank.entry as o, bank.statement as s
        where
            f.statement = p_file_statement and s.statement = p_statement and o.account = s.account
            and (o.booked_on, o.amount, o.bank_reference) = (f.booked_on, f.amount, f.bank_reference)
            and f.bank_reference <> ''
            and not exists (
                select from file_entry as b
                where
                    b.statement = f.statement and b.place < f.place
                    and (b.booked_on, b.amount, b.bank_reference) = (f.booked_on, f.amount, f.bank_reference)
            )
    $$
"""
"""Day, amount and what stands where the bank's reference belongs make an entry the same: so it was."""


def test_what_the_bank_calls_it_is_no_identity(db: Connection, tmp_path: Path) -> None:
    """The control: by the rule that was, the same histories lose krones, or have them twice, and the chain says so."""
    run(db, OLD_RULE)
    banking.account(db)
    parts = [Part([bag()], D(0), 7), Part([bag()], D(100), 8)]
    assert [banking.load(db, tmp_path, dialects.mt940(each)).new_entries for each in parts] == [1, 0]
    assert consistency(db).keys() == {"bank_chain"}


@pytest.mark.parametrize("seed", range(2))
def test_nor_does_it_keep_any_history(db: Connection, tmp_path: Path, seed: int) -> None:
    run(db, OLD_RULE)
    history = History(seed)
    assert loaded(db, tmp_path, history) != Counter(each.amount for each in history.moves)


# --- Of many, few are asked for ---------------------------------------------------------------------------------------


def read_in_turn(db: Connection) -> int:
    """Rows of payments and references that were read one after the other, without an index."""
    run(db, "select pg_stat_force_next_flush()")
    db.commit()
    found = one(
        db,
        "select sum(seq_tup_read) from pg_stat_user_tables"
        " where schemaname = 'bank' and relname in ('entry_detail', 'entry_reference')",
    )
    db.commit()
    return int(found)


def test_what_is_known_is_looked_up_and_the_payments_of_others_are_not_read_for_each(
    db: Connection, tmp_path: Path
) -> None:
    """By statistics, after a batch of thousands, every entry has thousands: of one without any, all were read."""
    banking.account(db)
    batch = dialects.camt053(Part([Move(DAY - timedelta(days=60), D(3000), "B1")], D(0), 1))
    begin, end = batch.index("<TxDtls>"), batch.index("</NtryDtls>")
    part = '<TxDtls><Refs><EndToEndId>E-{0}</EndToEndId></Refs><Amt Ccy="NOK">1</Amt></TxDtls>'
    banking.load(db, tmp_path, batch[:begin] + "".join(part.format(n) for n in range(3000)) + batch[end:])
    moves = [Move(DAY, D(n + 1), f"R{n}") for n in range(100)]
    banking.load(db, tmp_path, dialects.mt940(Part(moves, D(3000), 2)))
    run(db, "analyze bank.entry_detail, bank.entry_reference")
    before = read_in_turn(db)
    assert banking.load(db, tmp_path, dialects.camt054(moves)).known_entries == 100
    assert read_in_turn(db) - before < 20_000, "100 times 3,000"
