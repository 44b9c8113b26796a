"""What a bank says was booked: camt.053 and camt.054, MT940, and CSV by a declared column map, read as a stream.

Each entry as it is in the file; whether it may be so, the database judges.
"""

import re
from collections.abc import Iterator
from typing import IO

from pybridge.extras import needs
from pybridge.files import csv_statement, mt940
from pybridge.files.csv_statement import Layout
from pybridge.files.statement_items import Detail, Entry, Item, Reference, Statement
from pybridge.files.tables import Unreadable, encoding_of

__all__ = ["Detail", "Entry", "Item", "Layout", "Reference", "Statement", "read"]


def read(
    file: IO[bytes], csv_layout: Layout | None = None, *, name: str = "CSV", encoding: str | None = None
) -> tuple[str, Iterator[Item]]:
    """The format, and what is in the file: entries, each statement after its own. Unreadable, from either."""
    if csv_layout is not None:
        return "CSV", csv_statement.read(file, csv_layout, name)
    begin = file.read(65536)
    file.seek(0)
    plain = begin.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    if plain.lstrip().startswith(b"<"):
        with needs("bank"):
            from pybridge.files import camt
        file.seek(
            len(begin) - len(begin.lstrip())
        )  # nothing may stand before an XML declaration; some have a line there
        return camt.kind(plain), camt.read(file)
    if re.search(rb"(?:^|[\r\n{}])[\x00-\x20]*:20:", plain):
        return mt940.read(file, encoding or encoding_of(file))
    raise Unreadable(1, "", "neither XML nor MT940: CSV needs a map of its columns")
