"""What an acquirer says that it paid out, read as a stream: one module per format, found by its looks.

Each line as it is in the file; whether it may be so, the database judges.
"""

from types import ModuleType
from typing import IO

from pybridge.files.payouts import (
    adyen,
    mapped,
    paypal,
    stripe,
    sumup,
    vipps,
    vipps_settlement,
    worldline,
    zettle,
)
from pybridge.files.payouts.model import NOT_PAID, Begin, Header, Item, Left, Line, Payout, Reading, Report
from pybridge.files.tables import Unreadable

__all__ = ("FORMATS", "NOT_PAID", "Item", "Left", "Line", "Payout", "Reading", "Report", "read")

MODULES: tuple[ModuleType, ...] = (stripe, adyen, vipps, vipps_settlement, paypal, worldline, zettle, sumup)
FORMATS = (*(each.NAME for each in MODULES), mapped.NAME)


def read(file: IO[bytes], said: str | None = None, report: Report | None = None) -> Reading:
    """The format, and what is in the file: lines, and payouts. Unreadable, from either."""
    if report is not None and said in {None, mapped.NAME}:
        return Reading(mapped.NAME, dict(report.columns), mapped.read(file, report))
    begin = Begin(file)
    for module in MODULES:
        if said not in {None, module.NAME}:
            continue
        header = _header(module, begin, bool(said))
        if header is not None:
            wanted = getattr(module, "COLUMNS", {})
            columns = header.columns(wanted, ()) if header.names else {}
            return Reading(module.NAME, columns, module.read(file, begin, header))
    known = ", ".join(each.NAME for each in MODULES)
    raise Unreadable(1, "", f"none of the reports that are known ({known}): another one needs a map of its columns")


def _header(module: ModuleType, begin: Begin, is_said: bool) -> Header | None:
    """The line that names the columns, where it is a report of this format."""
    if hasattr(module, "looks"):
        return Header(",", ()) if module.looks(begin) else None
    found = (begin.header(*columns) for columns in module.LOOKS)
    header = next((each for each in found if each is not None), None)
    return header or (Header(",", ()) if is_said else None)
