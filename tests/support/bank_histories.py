"""Histories of an account at a bank: random movements, and all that banks may write of them."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from pybridge.files.statements import Layout
from tests.support import banking, dialects
from tests.support.dialects import Move, Part

D = Decimal
DAY = date(2026, 11, 16)
COLUMNS = {"booked_on": "Dato", "amount": "Beløp", "bank_reference": "Arkivref", "text": "Tekst"}
EXPORT = Layout(COLUMNS, account=banking.NUMBER, currency="NOK")
BALANCED = Layout(COLUMNS | {"balance": "Saldo"}, account=banking.NUMBER, currency="NOK")


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


class BatchHistory(History):
    """One in which statements have a sum, of 900, that a notification tells of as three of 300."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        place = self.chance.randrange(len(self.moves))
        name = self.chance.choice(["", "B1", "Innbetalinger"])
        self.moves.insert(place, replace(self.moves[place], amount=D(900), reference=name, text="Sum", end_to_end=""))

    def files(self) -> list[tuple[str, Layout | None]]:
        found = super().files()
        whole = next(each for each in self.moves if each.amount == 900)
        parts = [replace(whole, amount=D(300), reference=f"S{n}", end_to_end=f"E-S{n}") for n in range(3)]
        for each in [parts] if self.chance.random() < 0.7 else [parts[:1], parts[1:]][:: self.chance.choice([1, -1])]:
            told = dialects.camt054(each, created=f"2026-11-30T00:00:{len(each):02}")
            found.insert(0 if len(each) < 3 else self.chance.randint(0, len(found)), (told, None))
        return found


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
