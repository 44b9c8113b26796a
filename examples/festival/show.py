"""How the demo writes on a terminal: prose that keeps an amount in one piece, and tables in which words give way."""

import textwrap
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pybridge.terminal import new_table


@dataclass(frozen=True)
class Prose:
    """Text that is broken at blanks alone: never between the thousands of an amount, as Rich would."""

    text: str
    style: str = ""
    indent: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in textwrap.wrap(
            self.text,
            options.max_width,
            initial_indent=self.indent,
            subsequent_indent=self.indent,
            break_on_hyphens=False,
        ):
            yield Text(line, self.style)


def number(count: int | Decimal) -> str:
    return f"{int(count):,}".replace(",", "\u00a0")


def heading(console: Console, title: str, explanation: str) -> None:
    console.print()
    console.rule(Text(title, style="bold"), align="left")
    console.print(Prose(explanation, "dim"))


def beside(*tables: Table) -> Columns:
    """Beside each other where there is room, else one below the other."""
    return Columns([Padding(each, (0, 0, 1, 0)) for each in tables], padding=(0, 2))


def table(*columns: str, right: Collection[str] = (), whole: Collection[str] = ()) -> Table:
    """Columns of figures stand right. They and those that are to stay whole keep their width; the others fold."""
    drawn = new_table(show_edge=False)
    for name in columns:
        drawn.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name in right or name in whole,
            overflow="fold",
        )
    return drawn
