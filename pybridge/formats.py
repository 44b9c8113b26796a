"""How amounts, times and texts are written for people."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")  # where the society is, wherever the machine says that it stands


def as_text(value: str) -> str:
    """A cell of a CSV file that a spreadsheet shows as it is: what a cashier typed is never taken for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def local(moment: datetime) -> datetime:
    """By the society's clocks; a time that was typed without a zone is meant so too."""
    return moment.replace(tzinfo=OSLO) if moment.tzinfo is None else moment.astimezone(OSLO)


def kroner(amount: Decimal | int) -> str:
    """1 234.50: thousands apart, and no cents' worth of doubt."""
    return f"{amount:,.2f}".replace(",", "\u00a0")
