"""What the commands share: their options, and how they answer and fail."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from pybridge.formats import local
from pybridge.reports.tables import Period

REFUSED = 1
NO_DATABASE = 3


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-02-28") from None


DAY: dict[str, Any] = {"parser": _day, "metavar": "YYYY-MM-DD"}
"""Of an option that takes a day."""


def _moment(text: str) -> datetime:
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        try:
            return local(datetime.strptime(text, form))
        except ValueError:
            continue
    raise typer.BadParameter(f"{text!r} is not a day or a local time such as '2026-02-28 21:00'")


MOMENT: dict[str, Any] = {"parser": _moment, "metavar": "'YYYY-MM-DD HH:MM'"}
"""Of an option that takes a moment, by the society's clocks; a day alone is its beginning."""


def day(option: str, help_line: str) -> Any:
    """An option that takes a day, and may be left out."""
    return Annotated[datetime | None, typer.Option(option, help=help_line, **DAY)]


KEY: dict[str, Any] = {"min": 1, "max": 2**63 - 1}
"""Of an option that takes the number of something: what a bigint holds."""
SMALL: dict[str, Any] = {"min": 1, "max": 2**31 - 1}
"""The same of what an int holds: an organisation, a count."""

From = Annotated[datetime | None, typer.Option("--from", help="First day of the period.", **DAY)]
To = Annotated[datetime | None, typer.Option("--to", help="Last day of the period, inclusive.", **DAY)]
Lang = Annotated[Literal["nb", "en"], typer.Option(help="The language of a page.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]


def period(first: datetime | None, last: datetime | None) -> Period:
    if first is not None and last is not None and first > last:
        raise typer.BadParameter(f"{first.date()} is after {last.date()}", param_hint="--from")
    return Period(first.date() if first else None, last.date() if last else None)


def decimal_of(text: str) -> Decimal:
    """An amount, or a share; how many decimals it may have is the database's to say."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or abs(found) >= 10**15:
        raise typer.BadParameter(f"{text!r} is not a number such as 12.50")
    return found


def print_json(answer: object) -> None:
    """As it is, amounts and times as text: JSON's numbers would lose øre."""
    typer.echo(json.dumps(answer, default=str, ensure_ascii=False, indent=2))


def not_empty(value: str | None) -> str | None:
    """For an option whose default is somebody: a script's unset variable must not be taken for it."""
    if value == "":
        raise typer.BadParameter("it is empty; leave it out for the default")
    return value


def fail(code: int, message: str, hint: str = "") -> typer.Exit:
    """Says what is wrong, and what to do; raise what it returns."""
    console = Console(stderr=True)
    console.print(Text(message.strip(), style="bold red"))
    if hint:
        console.print(Text(hint.strip()))
    return typer.Exit(code)
