"""What a page is made of; the template writes it down."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import psycopg
from markupsafe import Markup

from pybridge.reports.tables import Row, Table
from pybridge.web.pages.words import Words

WIDE = 10  # columns that a table may have before it is made narrower
WORD = 24  # a word as long as this at most stays whole
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})
Link = Callable[[str, Mapping[str, str]], str]  # page and values -> address; "" where there is none
Target = tuple[str, Mapping[str, object]] | None


@dataclass(frozen=True)
class Cell:
    text: str
    style: str = ""  # n: a number; w: stays on one line; t: text, which wraps; u: text of words too long for any line
    href: str = ""


@dataclass(frozen=True)
class Grid:
    """A table as it is shown."""

    kind: ClassVar[str] = "grid"
    caption: str
    heads: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    totals: Sequence[Cell] = ()


@dataclass(frozen=True)
class Chart:
    """A picture, and the table that it was drawn from; `note` says what is in the one and not in the other."""

    kind: ClassVar[str] = "chart"
    title: str
    svg: Markup
    table: Grid
    note: str = ""


@dataclass(frozen=True)
class Facts:
    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Note:
    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Empty:
    """There is nothing to show, said in so many words."""

    kind: ClassVar[str] = "empty"


Block = Grid | Chart | Facts | Note | Empty


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Context:
    """What a page is made for."""

    connection: psycopg.Connection[Any]
    values: Mapping[str, Any]
    words: Words
    link: Link
    about: dict[str, str] = field(default_factory=dict)  # what a parameter's value is called; "": not said

    def href(self, target: Target) -> str:
        if target is None:
            return ""
        name, values = target
        return self.link(name, {key: str(value) for key, value in values.items() if value is not None})

    def grid(
        self,
        table: Table,
        caption: str,
        *,
        hide: Sequence[str] = (),
        links: Mapping[str, Callable[[dict[str, Any]], Target]] | None = None,
        headings: Mapping[str, str] | None = None,
        plain: Sequence[str] = (),
    ) -> Grid | Facts | Empty:
        """A report's table: columns that say nothing in any row are left out, a thing's number and name are one column,
        sums stand below. One row of many columns is a list.

        `plain`: columns that hold what a person typed, though another report keeps codes under that name.
        """
        if not table.rows:
            return Empty()
        links = links or {}
        shown = _Columns.of(self.words, table, hide, headings or {}, plain)
        places = shown.places
        if shown.is_wide and len(table.rows) == 1 and not links:
            return Facts([(shown.heading(place), shown.text(table.rows[0], place)) for place in places])
        if shown.is_wide and len(table.rows) > 1:  # what all rows say alike is said once, above
            alike = shown.alike(links)
            if len(alike) < len(places):
                places = [place for place in places if place not in alike]
                said = (f"{shown.heading(place)}: {shown.text(table.rows[0], place)}" for place in alike)
                caption = ". ".join([caption, *said])
        columns = [(place, table.columns[place], shown.style(place)) for place in places]

        def cell(row: Row, place: int, column: str, style: str) -> Cell:
            target = links[column](dict(zip(table.columns, row, strict=True))) if column in links else None
            text = shown.text(row, place)
            return Cell(text, style, self.href(target) if text else "")

        totals: list[Cell] = []
        if table.totals and len(table.rows) > 1:
            totals = [
                Cell(self.words.value(column, table.total(column), shown.digits[place]), "n")
                if column in table.totals
                else Cell(self.words("Total") if number == 0 else "")
                for number, (place, column, _) in enumerate(columns)
            ]
        return Grid(
            caption,
            [Cell(shown.heading(place), style) for place, _, style in columns],
            [[cell(row, place, column, style) for place, column, style in columns] for row in table.rows],
            totals,
        )


@dataclass(frozen=True)
class _Columns:
    """The columns of a table that are shown, by their places in it, and how their values are written."""

    words: Words
    table: Table
    places: Sequence[int]
    names: Mapping[int, int]  # of a thing's number: where its name stands
    digits: Mapping[int, int]
    headings: Mapping[str, str]
    plain: Sequence[str]

    @classmethod
    def of(
        cls, words: Words, table: Table, hide: Sequence[str], headings: Mapping[str, str], plain: Sequence[str]
    ) -> "_Columns":
        said = [
            place
            for place, column in enumerate(table.columns)
            if column not in hide and any(row[place] is not None for row in table.rows)
        ]
        found = {
            place: table.columns.index(f"{table.columns[place]}_name")
            for place in said
            if f"{table.columns[place]}_name" in table.columns
        }
        names = {place: name for place, name in found.items() if name in said}
        places = [place for place in said if place not in names.values()]
        digits = {place: _digits(row[place] for row in table.rows) for place in places}
        return cls(words, table, places, names, digits, headings, plain)

    @property
    def is_wide(self) -> bool:
        return len(self.places) > WIDE

    def heading(self, place: int) -> str:
        column = self.table.columns[place]
        return self.headings.get(column) or self.words.column(column)

    def text(self, row: Row, place: int) -> str:
        column, value = self.table.columns[place], row[place]
        if column in self.plain and value is not None:
            said = str(value)
        else:
            said = self.words.value(column, value, self.digits[place], short=self.is_wide)
        return f"{said} {_isolated(row[self.names[place]] or '')}".strip() if place in self.names else said

    def style(self, place: int) -> str:
        named = place in self.names
        return style_of([self.text(row, place) if named else row[place] for row in self.table.rows])

    def alike(self, links: Collection[str]) -> list[int]:
        """What says the same in every row, is neither a link nor a sum."""
        table = self.table
        return [
            place
            for place in self.places
            if table.columns[place] not in links
            and len({(row[place], row[self.names.get(place, place)]) for row in table.rows}) == 1
            and not (table.columns[place] in table.totals and table.rows[0][place])
        ]


def _isolated(name: str) -> str:
    """A name that is written from right to left, or says so, must not turn what stands beside it."""
    turns = any(unicodedata.bidirectional(sign) in RIGHT_TO_LEFT for sign in name)
    return f"\u2068{name}\u2069" if turns else name


def _digits(values: Iterable[Any]) -> int:
    """How many decimals a column of money has: as many in every row, so that they stand below each other."""
    found = [value.normalize().as_tuple().exponent for value in values if isinstance(value, Decimal)]
    return max([2, *(-each for each in found if isinstance(each, int))])


def style_of(values: Sequence[Any]) -> str:
    found = [value for value in values if value is not None]
    if all(isinstance(value, int | Decimal) for value in found) and not any(isinstance(value, bool) for value in found):
        return "n"
    if all(not isinstance(value, str) for value in found):
        return "w"
    texts = list(map(str, found))
    if any(len(word) > WORD for text in texts for word in text.split()):
        return "u"
    longest = max(map(len, texts), default=0)
    if not any(" " in text for text in texts):
        return "w"
    return "t" if longest > 14 else ""
